/*
 * shard: the flows of one 64th of all address pairs, with everything that belongs to them.
 *
 * A packet belongs to the shard that the symmetric hash of its innermost address pair names, and a worker owns whole
 * shards. Every table, queue, budget and limit is a shard's, so what happens at a limit is the same however many
 * workers there are: **results do not depend on N**.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_SHARD_H
#define VIGIA_WIRE_SHARD_H

#include "wire/flow.h"

enum { SHARDS = 64 };

#define SHARD_TICK_NS (INT64_C(1) * 1000000000) /* flows expire when packet time passes a multiple of it */

struct shard_limits {
    uint32_t flows;       /* of this shard */
    size_t stream_octets; /* of waiting TCP segments, and as many of messages that are not whole */
    struct flow_timeouts timeouts;
};

struct shard;

/* `counts` and `room` (DISSECT_PENDING_MAX octets of scratch) are the worker's. */
struct shard *shard_new(const struct shard_limits *limits, const struct sink *sink, struct wire_counts *counts,
                        char *room);

/* Which shard a packet belongs to: 0 to SHARDS - 1; the same in every run. */
unsigned shard_of(const struct tuple *p);

/* Brings near what shard_packet will touch. */
uint64_t shard_prefetch(struct shard *s, const struct packet *p);

/* One packet of this shard; `hash` is what shard_prefetch gave. */
void shard_packet(struct shard *s, const struct packet *p, uint64_t hash, const struct sighting *at);

/* The sink looks for other things from now on: each open flow tells its addresses once more, `again`, with the next
 * packet of it that comes. No flow is walked to here. */
void shard_renew(struct shard *s);

/* Packet time has passed `clock_ns`, a multiple of SHARD_TICK_NS. */
void shard_tick(struct shard *s, int64_t clock_ns);

/* The input is over: all flows end. */
void shard_end(struct shard *s);

/* No value will be told any more whose sighting has a clock before this; INT64_MAX when no flow owes anything. */
int64_t shard_settled_ns(const struct shard *s);

void shard_free(struct shard *s);

#endif
