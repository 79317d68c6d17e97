/*
 * herald: puts what the workers found in order, and tells it.
 *
 * The order is that of finding.h. A finding is told once every source's progress has passed its `order_ns`; until then
 * it is held in a heap. Held at a time: what was found within FINDING_SLACK_NS of packet time, and while flows that
 * hold older findings are still open.
 *
 * The herald also links what it tells, and runs the surveyor by the same clock: what a correlation or a trend tells
 * stands where its time has come, before the first finding behind it.
 *
 * Owner: the thread that calls it.
 */
#ifndef VIGIA_RUN_HERALD_H
#define VIGIA_RUN_HERALD_H

#include "correlate/correlate.h"
#include "publish/output.h"
#include "run/surveyor.h"
#include "run/worker.h"

/* Who finds something: a worker, or who reads events. */
struct herald_source {
    struct ring *told;               /* struct hit */
    const struct progress *progress; /* nothing comes any more with an `order_ns` before it; read before the ring */
};

struct herald_job {
    const struct herald_source *sources;
    unsigned source_count;
    const struct inputs *inputs;
    const struct sensor *sensor;
    const struct regions *regions;
    const char *publisher;
    const struct output *output;
    const struct output_style *style;
    int fd;
    uint64_t octets;                          /* of all inputs, for the progress bar; 0 unknown */
    const struct correlate_rule *correlation; /* NULL: nothing is linked */
    struct surveyor *surveyor;                /* it tells the herald; NULL: nothing is counted */
    struct census *census;                    /* the herald's own, of hits */
    bool observe;
    void (*turn)(void *to);       /* called again and again, so that somebody may end the sources */
    uint64_t (*passed)(void *to); /* octets read so far, for the progress bar */
    void *to;
};

struct herald_result {
    uint64_t told;
    int error;         /* errno of a failed output; 0 none. EPIPE: the reader went away */
    uint64_t held_max; /* most findings held at a time */
};

/* Tells everything until the workers have ended, or the output fails: then the workers are let know by their rings. */
struct herald_result herald_run(const struct herald_job *job);

#endif
