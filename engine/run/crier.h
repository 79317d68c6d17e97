/*
 * crier: the herald of the daemon, a thread of its own: takes what the listeners found, folds floods, has it remembered
 * and told (publisher), and beats once a second.
 *
 * What listeners found is told as it comes: each listener's findings in their order, those of different listeners as
 * they arrive. A slow or full journal holds it up, never a subscriber.
 *
 * Owner of the journal and of the publishing socket while it runs.
 */
#ifndef VIGIA_RUN_CRIER_H
#define VIGIA_RUN_CRIER_H

#include "run/publisher.h"

#define CRIER_BEAT_NS INT64_C(1000000000)
#define CRIER_FOLD_NS (INT64_C(10) * 1000000000) /* how long folded findings wait to be told of */

enum { CRIER_ROUND = 1024 /* findings of one listener in a batch */, CRIER_TRIM_ROWS = 5000 /* at a beat */ };

struct crier_job {
    struct listener *const *listeners;
    unsigned listener_count;
    const struct config *config;
    struct publisher_job publishing;
};

struct crier_counters {
    struct counter folded;
    struct counter trimmed;
    struct counter subscriptions; /* changes of them */
};

struct crier;

struct crier *crier_start(const struct crier_job *job);

/* Any thread: `generation` is in place; the crier writes it down. */
void crier_tell_generation(struct crier *c, uint32_t generation);

const struct crier_counters *crier_counters(const struct crier *c);
const struct publisher_counters *crier_publisher(const struct crier *c);

/* Ends once every listener has closed its ring and what they told has been told on; what the journal still refuses
 * after `patience_ns` is lost and counted. */
void crier_join(struct crier *c, int64_t patience_ns);
void crier_free(struct crier *c);

#endif
