/*
 * flood: the guard that keeps one indicator from drowning the others: a rate for each, and a count of what was folded.
 * The crier counts an indicator apart for each sensor and feed, so that none can fold what another sees of it.
 *
 * Each indicator has a bucket of `burst` tokens, which fills at `rate` a minute (as the generic cell rate algorithm of
 * ITU-T I.371: one time is all there is of it). A finding that finds a token is told; one that finds none is folded: it
 * is counted, and the next that is told bears the count. Where none follows, `flood_due` gives the count once it has
 * waited. What is counted are tellings, openings and updates alike, so that told and folded add up to all that came.
 *
 * The guard does not look at ids: an opening may be folded whose update finds a token later. That one is told as the
 * opening, with what is known by then (opened.h says why and how); so the folded one stays counted, as a telling.
 *
 * At most `indicators_max` are known at a time. For one more, the one that was met longest ago is forgotten: its bucket
 * is full again when it comes back, and what it had folded and not told is told by who asks `flood_forgets` first, else
 * added to `forgotten`.
 *
 * Owner: herald.
 */
#ifndef VIGIA_RUN_FLOOD_H
#define VIGIA_RUN_FLOOD_H

#include "base/table.h"

enum { FLOOD_INDICATORS_MAX = 65536 };

struct flood_bucket;

struct flood {
    struct table table;           /* from an indicator to its bucket */
    struct flood_bucket *buckets; /* indicators_max, and one that begins and ends the chains */
    uint32_t count;
    uint32_t max;
    int64_t interval_ns; /* in which one token comes */
    int64_t depth_ns;    /* in which all do */
    uint64_t folded;     /* in all */
    uint64_t forgotten;  /* of these, those whose indicator was forgotten before it was told of them */
};

/* `rate` is 1 to 1000000 a minute, `burst` 1 to 1000000. */
void flood_init(struct flood *f, uint64_t rate, uint64_t burst, uint32_t indicators_max);

/* Other settings; what is known stays. */
void flood_renew(struct flood *f, uint64_t rate, uint64_t burst);

/* Whether to meet this indicator means to forget another that has findings folded: which one, and how many. They count
 * as told by this call. */
bool flood_forgets(struct flood *f, uint64_t indicator, uint64_t *forgotten, uint64_t *folded);

/* Whether a finding of this indicator is told. If so, `*folded` of it were folded since one was told last; if not, it
 * was folded itself. `indicator` is a hash of the indicator's key that strangers cannot foresee (hash_keyed); `now_ns`
 * is monotonic. */
bool flood_lets(struct flood *f, uint64_t indicator, int64_t now_ns, uint64_t *folded);

/* The indicator whose folded findings have waited longest, if that is at least `wait_ns`: they count as told by this
 * call. False: there is none (any more). */
bool flood_due(struct flood *f, int64_t now_ns, int64_t wait_ns, uint64_t *indicator, uint64_t *folded);

void flood_clear(struct flood *f);

#endif
