/*
 * stream: one direction of a TCP connection, as octets in order (RFC 9293, 3.10.7.4).
 *
 * Octets go out once, in order, as soon as they can. Segments behind a hole wait. Overlaps: what went out first stays;
 * of segments that wait, the one that begins earlier, then the one that came earlier, gives the octets both hold.
 *
 * A hole is given up, and what follows it goes out marked `gap`, when the receiver has acknowledged it and
 * STREAM_DOUBT_MAX more packets did not bring it (a tap may see an acknowledgement before the octets), when too much
 * waits behind it, or at the end. Octets that the snap length cut away are a hole known at once.
 *
 * A segment that lies far off is passed over; when STREAM_STRAYS_MAX of them continue one another the stream goes on
 * there.
 *
 * Memory: what waits is at most STREAM_HELD_MAX octets in STREAM_SEGMENTS_MAX segments a direction, and in all the
 * budget of the shard.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_STREAM_H
#define VIGIA_WIRE_STREAM_H

#include "base/bytes.h"

enum {
    STREAM_HELD_MAX = 256 * 1024,
    STREAM_SEGMENTS_MAX = 512,
    STREAM_DOUBT_MAX = 8,                /* packets that a hole, acknowledged, is waited for */
    STREAM_FAR_BEHIND = STREAM_HELD_MAX, /* further back than a retransmission goes */
    STREAM_FAR_AHEAD = 16 << 20,         /* further on than a window is likely to reach */
    STREAM_STRAYS_MAX =
        32, /* segments that lie so far off, each where the one before ended: we followed a false number */
};

struct segment;

struct stream {
    struct segment *first; /* waiting, by sequence number */
    uint32_t next;         /* sequence number of the octet to go out next */
    uint32_t held;         /* octets waiting */
    uint16_t segments;
    uint8_t doubt;
    uint8_t strays;
    uint32_t astray; /* where the last segment that lay far off ended */
    bool begun;      /* `next` is known */
    bool based;      /* from a SYN */
    bool gap;        /* a hole lies before what goes out next */
};

/* What all streams of a shard may hold. */
struct stream_budget {
    size_t held;
    size_t max;
    uint64_t gaps;    /* holes given up */
    uint64_t pressed; /* of them, for want of room */
};

typedef void stream_out(void *to, struct bytes octets, bool gap);

/* A SYN: its sequence number counts one. What came before it without one was somebody else's. */
void stream_syn(struct stream *s, uint32_t seq);

/* A segment's octets, and how many more the snap length cut away behind them. */
void stream_segment(struct stream *s, struct stream_budget *b, uint32_t seq, struct bytes octets, uint32_t cut,
                    stream_out *out, void *to);

/* The receiver has everything before `ack`. */
void stream_acked(struct stream *s, struct stream_budget *b, uint32_t ack, stream_out *out, void *to);

/* No more will come: what waits goes out with its gaps. The stream is as new. */
void stream_end(struct stream *s, struct stream_budget *b, stream_out *out, void *to);

/* The same, and nothing goes out. */
void stream_drop(struct stream *s, struct stream_budget *b);

#endif
