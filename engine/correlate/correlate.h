/*
 * correlate: links what belongs together: an indicator that is met in several countries within a window.
 *
 * Each indicator that was met has one *incident* for as long as it does not fall silent. A finding joins when its time
 * is at most a window away from those that are there; a later one begins the incident anew; one that is older still is
 * counted (`late`) and left out. So of two countries, each was met within a window of the other.
 *
 * An incident in enough countries is told: `opened`, `updated` when a country joins and whenever its members have
 * doubled, `closed` when no member came for a window. It is told of anew to each tier that comes to know enough
 * (correlation.h).
 *
 * Time is an argument, twice: `time_ns` of a member is when it was seen, `now_ns` when it was told of here (in a replay
 * the same, live the wall's). Silence is measured by `now_ns`, so that a feed that brings last week's news is heard
 * out.
 *
 * Bounds: CORRELATE_INCIDENTS_MAX incidents (for one more, the one that was silent longest is closed, counted
 * `evicted`); of each CORRELATION_COUNTRIES_MAX countries and CORRELATION_EVIDENCE_MAX ids of members, of which half
 * are kept for the first of each country; the others count only.
 *
 * Owner: herald.
 */
#ifndef VIGIA_CORRELATE_CORRELATE_H
#define VIGIA_CORRELATE_CORRELATE_H

#include "model/correlation.h"

enum { CORRELATE_INCIDENTS_MAX = 65536 };

struct correlate_rule {
    int64_t window_ns;
    unsigned countries; /* from 2 on */
};

/* A finding that was told; borrowed for the length of the call. */
struct correlate_member {
    uint64_t indicator; /* keyed hash: the same in every generation */
    const struct indicator_key *key;
    const char *id;      /* NULL: it was not told by itself, so it counts, and is no evidence */
    const char *country; /* ISO 3166; ZZ is no country, and correlates with nothing */
    int64_t time_ns;
    uint32_t generation;
    category_id category;
    enum tlp tlp; /* the least tier that was told of it */
    int confidence;
};

struct correlate_counts {
    uint64_t incidents; /* told, opened */
    uint64_t late;
    uint64_t evicted;
    uint64_t open; /* incidents that are kept now, told or not */
};

struct correlator;

/* `told` is given each correlation that is to be told, to keep and free. */
typedef void correlate_told(void *to, struct correlation *c);

struct correlator *correlator_new(const struct correlate_rule *rule, correlate_told *told, void *to);

/* Other windows hold from the next member on. */
void correlator_renew(struct correlator *c, const struct correlate_rule *rule);

void correlator_see(struct correlator *c, const struct correlate_member *m, int64_t now_ns);

/* Closes what has been silent for a window at `now_ns`. */
void correlator_pass(struct correlator *c, int64_t now_ns);

struct correlate_counts correlator_counts(const struct correlator *c);

/* Nothing is told any more. */
void correlator_free(struct correlator *c);

#endif
