/*
 * handshake: what the plaintext messages of a TLS handshake tell, whichever way they came: in TLS records, in DTLS
 * datagrams, in QUIC's CRYPTO frames.
 *
 * A client hello tells of the server's name, JA3 and JA4; a server hello of JA3S; a Certificate (before TLS 1.3; later
 * it is encrypted) of the digests of each certificate, and of the names in it that are domain names, addresses, URLs or
 * e-mail addresses: `*.name` as the name behind the `*.`. A JA3 of QUIC is told as tls.ja3. Fingerprints and digests
 * are made of those kinds only that the sink asks for (`sink.kinds`).
 */
#ifndef VIGIA_WIRE_HANDSHAKE_H
#define VIGIA_WIRE_HANDSHAKE_H

#include "wire/dissect.h"
#include "wire/tls_hello.h"

enum { HANDSHAKE_HEAD = 4, HANDSHAKE_CERTIFICATES_MAX = 64 };

enum handshake_way { HANDSHAKE_TLS = 't', HANDSHAKE_DTLS = 'd', HANDSHAKE_QUIC = 'q' };

/* A message of this type; `body` is all of it. A type of no interest is passed over. */
void handshake_message(struct dissection *d, enum handshake_way way, uint8_t type, struct bytes body);

/* What has come of a message that will never be whole: no fingerprint, but the name and the certificates that are
 * there. */
void handshake_rest(struct dissection *d, enum handshake_way way, uint8_t type, struct bytes body);

#endif
