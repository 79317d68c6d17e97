/*
 * gather: a message whose parts come in datagrams, in any order and more than once (DTLS fragments, QUIC CRYPTO
 * frames), put together in the side's `pending`.
 *
 * At most GATHER_MAX octets in GATHER_PARTS_MAX parts that do not touch; where parts overlap, which no honest sender
 * lets differ, the later one's octets stay.
 */
#ifndef VIGIA_WIRE_GATHER_H
#define VIGIA_WIRE_GATHER_H

#include "wire/dissect.h"

enum { GATHER_PARTS_MAX = 64, GATHER_MAX = DISSECT_PENDING_MAX - 1024 };

/* Adds octets at their place in the message; false when they lie beyond, are too many parts, or the budget does not
 * grant room for them: nothing is added. */
bool gather_add(struct dissection *d, size_t offset, struct bytes part);

/* The octets from the message's begin on that have come without a hole. */
struct bytes gather_known(const struct dissection *d);

/* Forgets what was gathered, and gives the memory back. */
void gather_clear(struct dissection *d);

#endif
