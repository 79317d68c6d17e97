/*
 * surveyor: watches the counts, and tells when one is out of the ordinary.
 *
 * Sums what the writers counted as each window closes, gives every number its series, detector and alarm, and tells
 * the episodes: opened, updated when they become worse, closed. A number is watched from its first count on, as if it
 * had been 0 since the surveyor began.
 *
 * Two ways to run it: `surveyor_turn`, by whoever owns it (a replay's herald), or a thread of its own (the daemon),
 * from which trends go over a ring.
 *
 * Owner: who calls `surveyor_turn`; each census belongs to its writer's thread.
 */
#ifndef VIGIA_RUN_SURVEYOR_H
#define VIGIA_RUN_SURVEYOR_H

#include "base/ring.h"
#include "model/trend.h"
#include "run/census.h"
#include "trend/detector.h"

enum {
    SURVEYOR_SLOTS = 256,  /* windows that one writer may be ahead of another */
    SURVEYOR_BEHIND = 200, /* windows before now from which on live events are counted */
    SURVEYOR_RING = 1024,  /* trends on their way */
    SURVEYOR_TURN_MS = 100,
};

struct surveyor_settings {
    const struct regions *regions;
    const struct detector *detector;
    int64_t window_ns;
    int64_t lateness_ns;
    uint64_t least; /* no alarm for fewer in a window */
    unsigned writers;
    int64_t start_ns; /* what is earlier is late */
};

/* `told` is given each trend that is to be told, to keep and free. */
typedef void surveyor_told(void *to, struct trend *t);

struct surveyor;

/* Whether so many windows can be open at a time. */
bool surveyor_fits(const struct surveyor_settings *settings, struct fail *why);

struct surveyor *surveyor_new(const struct surveyor_settings *settings, surveyor_told *told, void *to);

/* Before the first turn: who is told instead. */
void surveyor_hear(struct surveyor *s, surveyor_told *told, void *to);

/* When the next window will be over, with what may come late, after `now_ns`. */
int64_t surveyor_next_ns(const struct surveyor *s, int64_t now_ns);

/* Writer 0 to writers - 1. */
struct census *surveyor_census(struct surveyor *s, unsigned writer);

/* Tells of all windows that have closed by now. */
void surveyor_turn(struct surveyor *s);

/* What it watches, and what it told. */
struct surveyor_counters {
    struct counter watched; /* numbers */
    struct counter windows; /* closed */
    struct counter alarms;  /* opened */
};

const struct surveyor_counters *surveyor_counters(const struct surveyor *s);

/* All censuses together. */
void surveyor_sum(struct surveyor *s, struct census *sum);

void surveyor_free(struct surveyor *s);

/* ---- a thread of its own; `told` is then called by it */

void surveyor_start(struct surveyor *s);

/* Ends the thread, after one more turn. A window that is not over is not told of. */
void surveyor_stop(struct surveyor *s);

#endif
