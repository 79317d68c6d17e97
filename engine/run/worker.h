/*
 * worker: walks the inputs, takes the frames that are its own, and hands what it finds to the herald.
 *
 * Every worker walks every record of every file, so all of them know the same packet time; a frame belongs to the
 * worker that owns its shard. Frames are taken in batches, so that what they will touch can be fetched together; packet
 * time passes a tick only between batches.
 *
 * Progress: after each batch the worker tells a time before which, in the order of findings, nothing of it is still to
 * come. The herald merges by it, so an empty ring never stalls the merge.
 */
#ifndef VIGIA_RUN_WORKER_H
#define VIGIA_RUN_WORKER_H

#include "base/counter.h"
#include "run/config.h"
#include "run/inputs.h"
#include "run/lane.h"
#include "run/reader.h"
#include "wire/timeline.h"

enum { WORKER_RING = 4096 };

struct worker_job {
    const struct config *config;
    const struct inputs *inputs;
    struct reader *const *readers;   /* by input; NULL for files */
    const struct database *database; /* NULL to observe */
    const struct places *places;     /* or NULL */
    const struct prefix *home;
    unsigned workers;
    bool observe;
    bool strict_validity;
};

struct worker;

/* Starts the thread. The job outlives it. */
struct worker *worker_start(const struct worker_job *job, unsigned index);

/* To the herald: struct hit, in no order but that of `worker_progress`. */
struct ring *worker_told(struct worker *w);

/* Nothing that comes after what was told so far has an `order_ns` before this. Read it before the ring. */
const struct progress *worker_progress(const struct worker *w);

/* Octets walked so far. */
uint64_t worker_passed(const struct worker *w);

/* Any thread: takes no more frames, as if its inputs were over. */
void worker_end(struct worker *w);

void worker_join(struct worker *w);

/* After joining. */
const struct wire_counts *worker_wire_counts(const struct worker *w);
const struct hit_counts *worker_hit_counts(const struct worker *w);
uint64_t worker_frames(const struct worker *w);                    /* all frames of all inputs */
int worker_unknown_link(const struct worker *w);                   /* a link type of frames not understood; -1 none */
const char *worker_damage(const struct worker *w, uint32_t input); /* why an input ended early, or empty */

void worker_free(struct worker *w);

#endif
