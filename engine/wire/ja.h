/*
 * ja: fingerprints of hellos: who offers what, in which order, is known by it.
 *
 *   JA3, JA3S   MD5 of the decimal numbers of the hello as they come, GREASE left out
 *               (https://github.com/salesforce/ja3)
 *   JA4         ten readable characters, then two SHA-256 cut to twelve digits, over what is offered in sorted order
 *               (https://github.com/FoxIO-LLC/ja4, technical_details/JA4.md)
 *
 * Each writes its text and a NUL; false, and nothing written, when the hello holds more than JA_VALUES_MAX values of a
 * kind, which no program offers.
 */
#ifndef VIGIA_WIRE_JA_H
#define VIGIA_WIRE_JA_H

#include "wire/tls_hello.h"

enum {
    JA_VALUES_MAX = 1024,
    JA3_TEXT = sizeof "ada70206e40642a3e4461f35503241d5",
    JA4_TEXT = sizeof "t13d1516h2_8daaf6152771_e5627efa2ab1",
};

bool ja3(const struct client_hello *h, char out[JA3_TEXT]);
bool ja3s(const struct server_hello *h, char out[JA3_TEXT]);

/* `way`: 't' TLS over TCP, 'd' DTLS, 'q' QUIC. */
bool ja4(const struct client_hello *h, char way, char out[JA4_TEXT]);

#endif
