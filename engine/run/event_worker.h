/*
 * event_worker: reads the events among the inputs of a replay, each input to its end, and hands what it finds to the
 * herald, as a worker does.
 *
 * One thread for all of them, whatever the number of workers. It reads on in the input whose clock (the greatest time
 * so far) is least, so that what was found waits as briefly as may be; the order of findings does not depend on that.
 *
 * A record that is refused is named on stderr, the first EVENT_WORKER_NAMED of an input with line and reason.
 */
#ifndef VIGIA_RUN_EVENT_WORKER_H
#define VIGIA_RUN_EVENT_WORKER_H

#include "base/counter.h"
#include "feed/tally.h"
#include "run/census.h"
#include "run/hits.h"
#include "run/inputs.h"

enum { EVENT_WORKER_RING = 4096, EVENT_WORKER_NAMED = 20 };

struct event_worker_job {
    const struct inputs *inputs;
    const struct database *database; /* NULL to observe */
    const struct places *places;     /* or NULL */
    struct census *census;           /* where each event is counted; NULL: nowhere */
    bool observe;
    bool strict_validity;
};

struct event_worker;

/* Starts the thread. The job outlives it. */
struct event_worker *event_worker_start(const struct event_worker_job *job);

/* To the herald, as a worker's. */
struct ring *event_worker_told(struct event_worker *w);
const struct progress *event_worker_progress(const struct event_worker *w);

/* Octets read so far. */
uint64_t event_worker_passed(const struct event_worker *w);

/* Any thread: reads no more, as if its inputs were over. */
void event_worker_end(struct event_worker *w);

void event_worker_join(struct event_worker *w);

/* After joining. */
const struct hit_counts *event_worker_hit_counts(const struct event_worker *w);
const struct tally *event_worker_tally(const struct event_worker *w, uint32_t input); /* NULL: it has no events */
const char *event_worker_damage(const struct event_worker *w, uint32_t input);        /* of a pipe, or empty */

void event_worker_free(struct event_worker *w);

#endif
