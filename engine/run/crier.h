/*
 * crier: the herald of the daemon, a thread of its own: takes what was found, links it (correlate), folds floods, has
 * it remembered and told (publisher), and beats once a second.
 *
 * What listeners found is told as it comes: each listener's findings in their order, those of different listeners as
 * they arrive. A slow or full journal holds it up, never a subscriber.
 *
 * Owner of the journal and of the publishing socket while it runs.
 */
#ifndef VIGIA_RUN_CRIER_H
#define VIGIA_RUN_CRIER_H

#include "run/census.h"
#include "run/ledger.h"
#include "run/publisher.h"

#define CRIER_BEAT_NS INT64_C(1000000000)
#define CRIER_FOLD_NS (INT64_C(10) * 1000000000) /* how long folded findings wait to be told of */

enum { CRIER_ROUND = 1024 /* findings of one listener in a batch */, CRIER_TRIM_ROWS = 5000 /* at a beat */ };

struct crier_job {
    struct ring *const *rings; /* of all who tell: the listeners, the hearer; struct hit */
    unsigned ring_count;
    struct census *census; /* where it counts hits; NULL: nowhere */
    struct ring *trends;   /* of the surveyor; struct trend; NULL: there is none */
    const struct config *config;
    struct ledger *ledger; /* of the captures that were read; the crier writes it */
    struct publisher_job publishing;
};

struct crier_counters {
    struct counter folded;
    struct counter correlations; /* opened */
    struct counter trimmed;
    struct counter subscriptions; /* changes of them */
};

struct crier;

struct crier *crier_start(const struct crier_job *job);

/* Any thread: `generation` is in place; the crier writes it down. */
void crier_tell_generation(struct crier *c, uint32_t generation);

/* The thread that starts and joins it: from now on these settings of the configuration hold (flood, journal). */
void crier_tell_config(struct crier *c, const struct config *config);

const struct crier_counters *crier_counters(const struct crier *c);
const struct publisher_counters *crier_publisher(const struct crier *c);

/* Ends once every listener has closed its ring and what they told has been told on; what the journal still refuses
 * after `patience_ns` is lost and counted. */
void crier_join(struct crier *c, int64_t patience_ns);
void crier_free(struct crier *c);

#endif
