/*
 * x509: the names in a certificate (RFC 5280), read from its DER (X.690) as far as names go: subject, issuer and
 * subjectAltName. Nothing is verified, and what is behind the names is not looked at.
 *
 * Lengths are definite and of at most four octets, tags of one: that is DER; anything else is refused.
 */
#ifndef VIGIA_WIRE_X509_H
#define VIGIA_WIRE_X509_H

#include "base/bytes.h"

enum { X509_NAME_MAX = 256, X509_NAMES_MAX = 1024 }; /* octets of a wide name; names of one certificate */

/* Views of the certificate. */
struct x509 {
    struct cursor issuer;  /* for x509_next_attribute */
    struct cursor subject; /* likewise */
    struct cursor names;   /* for x509_next_name; empty when there is no subjectAltName */
};

enum x509_kind { X509_COMMON_NAME, X509_EMAIL, X509_DNS, X509_URI, X509_ADDRESS };

struct x509_value {
    enum x509_kind kind;
    struct bytes text;
};

/* False when it is malformed; what was found before stays in `out`. */
bool x509_read(struct bytes der, struct x509 *out);

/* The next common name or e-mail address of a subject or issuer; the next name, URI, e-mail address or IP address of a
 * subjectAltName; false at the end, and then `overrun` tells whether it was malformed. `room` holds the text of a
 * BMPString without its high octets; one that has others than zero there is empty. */
bool x509_next_attribute(struct cursor *name, struct x509_value *out, uint8_t room[X509_NAME_MAX]);
bool x509_next_name(struct cursor *names, struct x509_value *out);

#endif
