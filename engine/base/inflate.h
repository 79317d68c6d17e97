/*
 * inflate: gzip (RFC 1952), zlib (RFC 1950), raw deflate (RFC 1951) and Brotli (RFC 7932), undone piece by piece.
 *
 * Who asks bounds what comes out: each step gives at most the room it is given, and may be the last one. Memory comes
 * from an allowance; what would take more is refused.
 *
 * Owner: one thread.
 */
#ifndef VIGIA_BASE_INFLATE_H
#define VIGIA_BASE_INFLATE_H

#include "base/bytes.h"

enum inflate_format { INFLATE_GZIP, INFLATE_DEFLATE, INFLATE_BROTLI }; /* DEFLATE: zlib or raw, whichever it is */

enum inflate_verdict {
    INFLATE_MORE,    /* all was taken that `in` held; wants more */
    INFLATE_FULL,    /* the room is full; there may be more */
    INFLATE_END,     /* the compressed text is whole */
    INFLATE_BAD,     /* it is none */
    INFLATE_REFUSED, /* it asks for more memory than is allowed */
};

/* What all of several may take; `held` is counted up and down. */
struct inflate_allowance {
    size_t *held;
    size_t max;
};

struct inflate;

/* NULL when the allowance is spent. */
struct inflate *inflate_open(enum inflate_format format, struct inflate_allowance allowance);

/* Takes from `*in`, which it moves on, and writes at most `room` octets to `out`, their number to `*len`. Several gzip
 * members, one after another, are one text (RFC 1952, 2.2); what follows the end and is no member is passed over. */
enum inflate_verdict inflate_step(struct inflate *z, struct bytes *in, uint8_t *out, size_t room, size_t *len);

void inflate_close(struct inflate *z);

#endif
