/*
 * fragment: puts IP datagrams together of their fragments (RFC 791, 3.2; RFC 8200, 4.5).
 *
 * **Overlap.** Of IPv4 the octets that came first stay. Of IPv6 a datagram with an overlap is dropped, with what comes
 * of it later (RFC 5722). A repetition, octet by octet, is no overlap.
 *
 * A datagram that is not whole FRAGMENTS_TIMEOUT_NS of packet time after its first fragment came is given up. Where
 * memory ends the oldest one gives. The first fragment that comes of a datagram shows its addresses at once, with ports
 * where it is also the first in it, and without payload, so that nothing is missed of one that never becomes whole.
 * Fragments that the snap length cut are not put together; the first one's payload is read as far as it goes.
 *
 * What a datagram carries may be any worker's, so **every worker puts all of them together**, in the order of the
 * frames: what comes of it is then the same however many workers there are, and so is what is given up.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_FRAGMENT_H
#define VIGIA_WIRE_FRAGMENT_H

#include "wire/counts.h"
#include "wire/decode.h"

enum {
    FRAGMENTS_PARTS_MAX = 256,     /* of a datagram; 64 KiB over links of 576 octets are 119 */
    FRAGMENTS_DATAGRAM_MAX = 65535 /* octets of a datagram's content */
};

#define FRAGMENTS_TIMEOUT_NS (INT64_C(30) * 1000000000)

struct fragments;

/* `octets_max` of memory; `counts` is the worker's. */
struct fragments *fragments_new(size_t octets_max, struct wire_counts *counts);

/* The last of the packets of a frame is a fragment: it is left out, or becomes the datagram that it completed, with all
 * that is in it. */
void fragments_join(struct fragments *t, int64_t clock_ns, struct packet out[DECODE_PACKETS_MAX], unsigned *count);

/* As `decode`, but with whole datagrams. */
static inline enum decode_verdict fragments_decode(struct fragments *t, const struct frame *f, int64_t clock_ns,
                                                   struct packet out[DECODE_PACKETS_MAX], unsigned *count)
{
    enum decode_verdict v = decode(f, out, count);
    if (v == DECODE_OK && out[*count - 1].fragment)
        fragments_join(t, clock_ns, out, count);
    return v;
}

/* The datagrams that were put together stay until this is called: once a frame with any that is `joined` is done with.
 */
void fragments_release(struct fragments *t);

/* Gives up what is too old at `clock_ns`. */
void fragments_tick(struct fragments *t, int64_t clock_ns);

/* Octets of memory in use for datagrams that are not whole. */
size_t fragments_held(const struct fragments *t);

void fragments_free(struct fragments *t);

#endif
