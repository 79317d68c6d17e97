/*
 * event_hits: what is known to be bad in an event, told at once: an event is whole when it is read.
 *
 * Every observable is asked of the database; one finding an indicator and `where`, with a count. `observe` tells each
 * observable, without asking. Where the herald does not keep up the caller waits: a feed can.
 *
 * Owner: the thread of the context.
 */
#ifndef VIGIA_RUN_EVENT_HITS_H
#define VIGIA_RUN_EVENT_HITS_H

#include "base/counter.h"
#include "model/event.h"
#include "run/hits.h"

enum { EVENT_HITS_MAX = 256 /* findings of one event; what is more is counted as unmatched */ };

/* Where the event was read. */
struct event_at {
    struct bytes frame; /* the record's octets */
    uint64_t record;    /* in its input, from 1 */
    uint32_t input;
    uint16_t sensor;  /* the daemon's number of the feed */
    int64_t clock_ns; /* the greatest time of its input so far, its own too */
};

/* Of a live context, `patience` is the monotonic time until which the herald is waited for (0: for ever); then the
 * context is `stopped`, and what it had no room for is lost. NULL of a replay. */
void event_hits_take(struct hits_context *c, const struct event *e, const struct event_at *at,
                     const struct progress *patience);

#endif
