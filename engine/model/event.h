/*
 * event: what a partner reports: an incident, an alert, a sighting; one record of a feed of events.
 *
 * A plain value. Its texts and observables are borrowed from the record that was read; its observables are canonical.
 *
 * `source` and `destination` are IntelMQ's: the source is the bad or affected host whose owner should know, the
 * destination what it met.
 */
#ifndef VIGIA_MODEL_EVENT_H
#define VIGIA_MODEL_EVENT_H

#include "model/category.h"
#include "model/observable.h"
#include "model/tlp.h"

enum {
    EVENT_OBSERVABLES_MAX = 64,
    EVENT_TEXT_MAX = 255, /* octets of a reporter or reference that are kept; a longer one is cut */
};

struct event {
    int64_t time_ns;        /* when it happened, since 1970 UTC */
    char country[3];        /* ISO 3166 alpha-2 of the source; "" where the event does not say */
    char remote_country[3]; /* of the destination; "" likewise */
    category_id category;   /* CATEGORY_UNDETERMINED where it says none that is known */
    enum tlp tlp;           /* its own, else its feed's */
    int8_t confidence;      /* 0 to 100, or INDICATOR_CONFIDENCE_UNKNOWN */
    uint32_t weight;        /* how many incidents it stands for; at least 1 */
    struct bytes reporter;  /* who says so; may be empty */
    struct bytes reference; /* names the record at its reporter; may be empty: a digest of the record then does */
    uint32_t observable_count;
    struct observable observables[EVENT_OBSERVABLES_MAX];
};

#endif
