/*
 * metrics: every number vigia keeps about a replay, summed over workers, and how it is shown.
 */
#ifndef VIGIA_RUN_METRICS_H
#define VIGIA_RUN_METRICS_H

#include "base/buffer.h"
#include "feed/tally.h"
#include "run/hits.h"
#include "wire/counts.h"

struct metrics {
    uint64_t frames;
    struct wire_counts wire;
    struct hit_counts hits;
    uint64_t events;
    uint64_t events_passed;
    uint64_t events_refused;
    uint64_t told;
    uint64_t held_max;
    uint32_t indicators;
    int64_t load_ns;   /* reading and compiling indicators */
    int64_t replay_ns; /* from the first worker's start to the last finding */
};

void metrics_add_wire(struct metrics *m, const struct wire_counts *c);
void metrics_add_hits(struct metrics *m, const struct hit_counts *c);

void metrics_add_tally(struct metrics *m, const struct tally *t);

/* One line a number: name, value, what it says; those that are 0 and no totals are left out. Behind those of the wire,
 * the shares of what could not be looked into. */
void metrics_text(const struct metrics *m, struct buffer *out);

#endif
