/*
 * lane: the way of one sensor's frames through one worker: decode, batch, shard, hits.
 *
 * Time in a lane is packet time: the greatest timestamp that passed, told by whoever feeds it. It passes whole ticks
 * only between batches, so what expires when is a function of the frames.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_RUN_LANE_H
#define VIGIA_RUN_LANE_H

#include "run/config.h"
#include "run/hits.h"
#include "wire/fragment.h"
#include "wire/shard.h"

enum { LANE_BATCH = 32 };

struct lane;

struct lane_settings {
    const struct config *config;
    struct hits_context *hits;
    uint16_t sensor;
    const struct prefix *home; /* the sensor's networks */
    unsigned worker;           /* which of */
    unsigned workers;          /* so many: a frame whose shard is another's is passed over */
    bool all;                  /* every frame that comes is this worker's own: somebody else shared them out */
};

struct lane *lane_new(const struct lane_settings *settings);

/* One frame at a packet time of `clock_ns`. It must stay until the lane is flushed. */
void lane_take(struct lane *l, const struct frame *f, uint32_t input, int64_t clock_ns);

/* Works off what was taken. */
void lane_flush(struct lane *l);

/* Packet time has come to `clock_ns`; silent flows end at whole ticks of it. */
void lane_pass_time(struct lane *l, int64_t clock_ns);

/* The context of the hits has another database. The addresses of a flow that is open are asked of it with its next
 * packet. */
void lane_renew(struct lane *l);

/* Nothing will be told any more of a sighting with a clock before this, but of frames not yet taken. */
int64_t lane_settled_ns(const struct lane *l);

/* No frame will come: all flows end. */
void lane_end(struct lane *l);

const struct wire_counts *lane_counts(const struct lane *l);

/* The first link type (LINKTYPE_ value) that was not understood; -1 none. */
int lane_unknown_link(const struct lane *l);

void lane_free(struct lane *l);

#endif
