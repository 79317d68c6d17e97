/*
 * flow: the table of those who talk, one for each shard.
 *
 * A flow is an unordered pair of endpoints (address and port) and a protocol; both directions meet in it whatever came
 * first. An ICMP request and its reply are one flow.
 *
 * Flows end by silence, at ticks of packet time: `flows_tick` looks at those that were queued at least a timeout ago
 * and lets go of the silent ones, so a flow ends between one and two timeouts after its last packet. When the table is
 * full the one that was queued first goes, closed ones before attempts, attempts before datagrams, established ones
 * last. All of it is a function of the packets and ticks that this table was given, and of nothing else.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_FLOW_H
#define VIGIA_WIRE_FLOW_H

#include "base/hash.h"
#include "base/table.h"
#include "model/sink.h"
#include "wire/decode.h"
#include "wire/dissect.h"
#include "wire/stream.h"

struct flow_timeouts {
    int64_t attempted_ns;
    int64_t datagram_ns; /* everything but TCP */
    int64_t established_ns;
    int64_t closed_ns;
};

/* Which queue a flow waits in for its end, in the order in which they give when the table is full. */
enum flow_queue { QUEUE_CLOSED, QUEUE_ATTEMPTED, QUEUE_DATAGRAM, QUEUE_ESTABLISHED, FLOW_QUEUES };

struct flow {
    struct flow_view view;
    uint64_t hash;
    struct sighting last; /* its last packet, without the frame */
    int64_t queued_ns;    /* clock when it was put in its queue */
    int64_t owes_ns;      /* clock since when it owes: its end may tell of what waits in it */
    uint32_t index;
    uint32_t before; /* in its queue */
    uint32_t behind;
    uint32_t owes_before; /* among those that owe, by `owes_ns` */
    uint32_t owes_behind;
    bool owing;
    uint8_t queue;
    uint8_t spoke; /* bit of each side that sent something */
    uint8_t syn;   /* bit of each side whose SYN was seen */
    uint8_t fin;
    bool reset;
    uint8_t syn_again; /* bit of each side that sent a SYN that would begin another connection */
    uint32_t isn[2];
    uint32_t isn_again[2];  /* of that SYN, if it is answered or goes on */
    uint32_t renewal;       /* of its shard's, the last one after which its addresses were told */
    struct stream *streams; /* both sides; NULL before the first TCP payload */
    struct dissect_flow dissect;
};

struct flow_ends {
    uint32_t oldest;
    uint32_t newest;
};

struct flows {
    struct table table;
    struct hash_key key;
    struct flow **chunks;
    uint32_t chunk_count;
    uint32_t used; /* flows ever taken from the chunks */
    uint32_t free; /* first of the free ones, linked by `behind` */
    uint32_t live;
    uint32_t max;
    struct flow_ends queues[FLOW_QUEUES];
    struct flow_ends owing;
    int64_t timeouts[FLOW_QUEUES];
    uint64_t evicted;
};

/* Called for each flow that ends, before it is forgotten. */
typedef void flow_gone(void *to, struct flow *f);

void flows_init(struct flows *t, uint32_t max, const struct flow_timeouts *timeouts);

/* What `flow_find` asks with; the same for both directions. */
uint64_t flow_hash(const struct flows *t, const struct tuple *p);

/* The flow of this packet, or NULL. `*side`: 0 when the packet's sender is the flow's src. */
struct flow *flow_find(struct flows *t, const struct tuple *p, uint64_t hash, int *side);

/* A new one whose src is the packet's sender, or, of a SYN-ACK, its receiver, who must have sent the SYN. May evict. */
struct flow *flow_open(struct flows *t, const struct packet *p, uint64_t hash, int64_t clock_ns, int *side,
                       flow_gone *gone, void *to);

/* Whether this packet is of another connection between the same endpoints: a SYN once this one is closed; else, since
 * anybody can send a SYN that the peer ignores (RFC 5961, 4), the answer to a second SYN or the octets behind it. */
bool flow_is_another(struct flow *f, const struct packet *p, int side);

/* What the packet says of the flow's state. */
void flow_saw(struct flows *t, struct flow *f, const struct packet *p, int side, int64_t clock_ns);

/* An ICMP error says that what `side` sent could not be delivered: refused, unless the other side has spoken. */
void flow_refused(struct flow *f, int side);

/* Whether the flow owes something after this packet: octets that wait, findings that are held for its final state. */
void flow_settle(struct flows *t, struct flow *f, bool owing);

/* The clock since when the oldest of those that owe does; INT64_MAX when none does. */
int64_t flows_settled_ns(const struct flows *t);

/* Ends one. */
void flow_close(struct flows *t, struct flow *f, flow_gone *gone, void *to);

/* Ends those that have been silent too long at `clock_ns`. */
void flows_tick(struct flows *t, int64_t clock_ns, flow_gone *gone, void *to);

/* Ends all, oldest first within each queue. */
void flows_end(struct flows *t, flow_gone *gone, void *to);

void flows_clear(struct flows *t);

#endif
