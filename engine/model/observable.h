/*
 * observable: a value that an indicator can name, its kind, and where it was seen.
 *
 * **One canonical form of each kind**, made here and nowhere else, so that packet, event and indicator can never
 * disagree on spelling:
 *   addresses   the 16 octets of `struct address`; IPv4-mapped (::ffff:0:0/96) and NAT64 (64:ff9b::/96, RFC 6052) IPv6
 *               are the IPv4 address
 *   names       A-labels (IDNA2008), lower case, no trailing dot, 1 to 253 octets, labels of 1 to 63 (RFC 1035; any
 *               octet but blank and control, since real names hold `_` and worse)
 *   URLs        RFC 3986 6.2: scheme and host lower case, default port and user info dropped, dot segments resolved,
 *               %XX upper case and unreserved octets unescaped, empty path `/`, no fragment; path and query keep case
 *   e-mail      `local@domain`, lower case (local parts too: nobody's differ by case alone), domain as a name
 *   hashes      hex, lower case, of the kind's length
 *   others      octets as they are, without blanks around
 */
#ifndef VIGIA_MODEL_OBSERVABLE_H
#define VIGIA_MODEL_OBSERVABLE_H

#include "base/address.h"
#include "base/fail.h"

enum observable_type {
    OBSERVABLE_IPV4_ADDR,
    OBSERVABLE_IPV6_ADDR,
    OBSERVABLE_IP_PORT,
    OBSERVABLE_DOMAIN_NAME,
    OBSERVABLE_URL,
    OBSERVABLE_EMAIL_ADDR,
    OBSERVABLE_MD5,
    OBSERVABLE_SHA1,
    OBSERVABLE_SHA256,
    OBSERVABLE_SHA512,
    OBSERVABLE_FILE_NAME,
    OBSERVABLE_USER_AGENT,
    OBSERVABLE_JA3,
    OBSERVABLE_JA3S,
    OBSERVABLE_JA4,
    OBSERVABLE_HASSH,
    OBSERVABLE_X509_SHA1,
    OBSERVABLE_X509_SHA256,
    OBSERVABLE_REGEX,   /* indicators only */
    OBSERVABLE_CONTENT, /* indicators, and what they matched in a payload */
    OBSERVABLE_TYPES
};

enum where {
    WHERE_IP_SRC,
    WHERE_IP_DST,
    WHERE_IP_ICMP,
    WHERE_DNS_QUERY,
    WHERE_DNS_ANSWER,
    WHERE_HTTP_HOST,
    WHERE_HTTP_URL,
    WHERE_HTTP_USER_AGENT,
    WHERE_HTTP_REFERER,
    WHERE_HTTP_XFF,
    WHERE_HTTP_BODY,
    WHERE_PROXY_TARGET,
    WHERE_TLS_SNI,
    WHERE_TLS_SUBJECT,
    WHERE_TLS_ISSUER,
    WHERE_TLS_SAN,
    WHERE_TLS_CERT,
    WHERE_TLS_JA3,
    WHERE_TLS_JA3S,
    WHERE_TLS_JA4,
    WHERE_QUIC_SNI,
    WHERE_QUIC_JA4,
    WHERE_SMTP_HELO,
    WHERE_SMTP_MAIL_FROM,
    WHERE_SMTP_RCPT_TO,
    WHERE_SMTP_HEADER,
    WHERE_SMTP_BODY,
    WHERE_SSH_SOFTWARE,
    WHERE_SSH_HASSH,
    WHERE_FTP_COMMAND,
    WHERE_FILE_NAME,
    WHERE_FILE_HASH,
    WHERE_PAYLOAD,
    WHERE_EVENT_SOURCE,
    WHERE_EVENT_DESTINATION,
    WHERE_EVENT_REPORTER,
    WHERE_EVENT_TEXT,
    WHERE_ANY, /* of an indicator: wherever its type occurs */
    WHERES = WHERE_ANY
};

enum {
    OBSERVABLE_VALUE_MAX = 2048, /* octets of a canonical value; a longer one is cut (URLs, user agents) or refused */
    NAME_MAX_OCTETS = 253,
};

struct observable {
    enum observable_type type;
    enum where where;
    bool ech;               /* the name stood outside an encrypted ClientHello */
    uint16_t port;          /* of an ip-port */
    struct address address; /* of ipv4-addr, ipv6-addr, ip-port */
    struct bytes value;     /* canonical octets of every other type; borrowed */
    struct bytes raw;       /* as it stood in the packet, for evidence; may be empty; borrowed */
};

const char *observable_type_name(enum observable_type t);
bool observable_type_read(struct bytes text, enum observable_type *out);

const char *where_name(enum where w);
bool where_read(struct bytes text, enum where *out);

static inline bool observable_is_address(enum observable_type t)
{
    return t == OBSERVABLE_IPV4_ADDR || t == OBSERVABLE_IPV6_ADDR || t == OBSERVABLE_IP_PORT;
}

/* The type of an address: IPv4 or IPv6. */
static inline enum observable_type observable_type_of(const struct address *a)
{
    return address_is_v4(a) ? OBSERVABLE_IPV4_ADDR : OBSERVABLE_IPV6_ADDR;
}

/* IPv4-mapped is one shape already; NAT64's well-known prefix becomes its IPv4 address, any other stays. */
struct address address_canonical(const struct address *a);

/* The canonical forms. Each writes at most OBSERVABLE_VALUE_MAX octets to `out` and returns their number, 0 when the
 * text is no such value. `out` may not overlap the text. The wire path calls them, so they are quick for ASCII and
 * allocate nothing there. */
size_t name_canonical(struct bytes text, char *out);
size_t url_canonical(struct bytes text, char *out); /* a text without scheme is taken as http */
size_t email_canonical(struct bytes text, char *out);
size_t hash_canonical(enum observable_type type, struct bytes text, char *out);

/* The host within a canonical URL (without port and brackets). */
struct bytes url_host(struct bytes canonical);

/* What a canonical URL is compared by: all behind `scheme://`. */
struct bytes url_without_scheme(struct bytes canonical);

/* Refangs what people wrote so that nobody clicks: hxxp, hXXps, fxp, [.] (.) {.} [dot] (dot) " dot ", [@] (at) [at],
 * [:], [://], \., a leading or trailing bracket or quote. Returns the length in `out`, which holds text.len + 1. */
size_t observable_refang(struct bytes text, char *out);

/* Canonical form of any type from text that a person or feed wrote (refanged first, but for user agents, regexes,
 * contents and file names). Addresses go to `o->address` (and port), the rest to `room`, which holds
 * OBSERVABLE_VALUE_MAX octets, viewed by `o->value`. An IPv6 text of type ipv4-addr becomes an ipv6-addr and the other
 * way round. Blocks are not values: see indicator. */
bool observable_read(enum observable_type type, struct bytes text, char *room, struct observable *o, struct fail *why);

/* The type that this text most likely is (for plain lists and `lookup`): URL, e-mail address, ip-port, address or
 * block, hash by its length, JA4, else domain name. `text` is refanged. */
enum observable_type observable_guess(struct bytes text);

/* The value as it is printed; at most OBSERVABLE_VALUE_MAX octets to `out`, returns their number. */
size_t observable_write(const struct observable *o, char *out);

#endif
