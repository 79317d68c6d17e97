/*
 * publisher: what becomes of a finding of the daemon: its renditions, their numbers, the journal, then ZeroMQ.
 *
 * Findings wait in a batch; `publisher_commit` writes the batch and all its publications to the journal in one
 * transaction, and only then tells them. What the journal refuses (a full disk, a lock) waits and is tried again every
 * PUBLISHER_RETRY_NS; at most PUBLISHER_WAITING_MAX findings wait, then the newest are dropped and counted, and nothing
 * of them was told.
 *
 * For each tier (TLP) a finding is told at most once, in the rendition that this tier may see, and only where that
 * rendition holds something of just this tier: a reader of several tiers sees each rendition once, all with one id. A
 * tier hears of a finding first that it is `opened`, whatever became of the finding's opening before (opened.h); the
 * owner's rendition is `updated` once any tier was told.
 *
 * Owner: herald.
 */
#ifndef VIGIA_RUN_PUBLISHER_H
#define VIGIA_RUN_PUBLISHER_H

#include "base/counter.h"
#include "base/zmtp.h"
#include "journal/journal.h"
#include "run/hits.h"
#include "run/listener.h"

enum { PUBLISHER_WAITING_MAX = 65536 };

#define PUBLISHER_RETRY_NS INT64_C(1000000000)

struct publisher_counters {
    struct counter findings;     /* told */
    struct counter publications; /* in all their renditions */
    struct counter dropped;      /* not told, since the journal took nothing for too long */
    struct counter waiting;      /* now; as many as are waiting for the journal */
    struct counter failures;     /* of the journal */
};

struct publisher_job {
    const struct listening *sensors;
    const char *name; /* the publisher's */
    const struct regions *regions;
    struct journal *journal;
    struct zmtp_socket *socket; /* NULL: nobody listens */
};

struct publisher;

struct publisher *publisher_new(const struct publisher_job *job);

/* Takes the hit over. */
void publisher_tell(struct publisher *p, struct hit *hit, uint64_t folded);
void publisher_tell_correlation(struct publisher *p, struct correlation *c);
void publisher_tell_trend(struct publisher *p, struct trend *t);

/* The hit with what its handles mean. */
struct told publisher_told(const struct publisher *p, const struct hit *hit);

/* Writes and tells what waits. False with a reason, said once for a row of failures: it will be tried again. */
bool publisher_commit(struct publisher *p, int64_t wall_ns, int64_t monotonic_ns, struct fail *why);

/* To every tier, the last seq of its topics. */
void publisher_heartbeat(struct publisher *p, int64_t wall_ns);

const struct publisher_counters *publisher_counters(const struct publisher *p);

void publisher_free(struct publisher *p);

#endif
