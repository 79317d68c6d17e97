/*
 * tls_hello: the two messages that open a TLS, DTLS or QUIC connection (RFC 8446, 4.1; RFC 9147, 5.3; RFC 6347, 4.2.1),
 * taken apart.
 *
 * Everything in them is a view of the message. What is malformed or cut is read as far as it goes, and `whole` is
 * false.
 */
#ifndef VIGIA_WIRE_TLS_HELLO_H
#define VIGIA_WIRE_TLS_HELLO_H

#include "base/bytes.h"

enum { TLS_EXTENSIONS_MAX = 256 }; /* more of them are not read, and the hello is not whole */

enum {
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_CERTIFICATE = 11,
    TLS_EXTENSION_SERVER_NAME = 0,
    TLS_EXTENSION_ALPN = 16,
};

struct client_hello {
    uint16_t version;     /* legacy_version */
    uint16_t highest;     /* number of supported_versions, GREASE left out; without that extension, `version` */
    struct bytes ciphers; /* two octets each */
    struct bytes extensions;
    struct bytes groups;     /* two octets each: supported_groups */
    struct bytes points;     /* one octet each: ec_point_formats */
    struct bytes signatures; /* two octets each: signature_algorithms */
    struct bytes name;       /* the host of server_name */
    struct bytes protocol;   /* the first of ALPN */
    bool named;              /* there is a server_name, whatever is in it */
    bool ech;                /* there is an encrypted_client_hello (RFC 9849); GREASE looks the same */
    bool whole;
};

struct server_hello {
    uint16_t version;
    uint16_t cipher;
    struct bytes extensions;
    bool whole;
};

/* The body of a message, without its four octets of head; `datagram`: of DTLS, whose client hello has a cookie. */
void client_hello_read(struct cursor body, bool datagram, struct client_hello *out);
void server_hello_read(struct cursor body, struct server_hello *out);

/* Steps through extensions; false at the end, and then `extensions->overrun` tells whether the last one was cut. */
bool tls_extension_next(struct cursor *extensions, uint16_t *type, struct cursor *content);

/* Values that stand for nothing and that receivers ignore (RFC 8701). */
static inline bool tls_is_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

#endif
