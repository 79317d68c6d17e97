/*
 * hits: what was found in the flows of one shard, until it is told.
 *
 * The shard's sink: each observable is asked of the database, and what it meets becomes a finding, one for each flow,
 * indicator and `where`. Repeats count up. A replay tells it when the flow ends, with the flow's final state; the
 * daemon tells it at first sight, and once more at the end when state or count have changed. `observe` tells at once,
 * of everything and without asking.
 *
 * What is told `again` is asked of a new database, and what that alone knows is found. A finding that is held stays as
 * it is: it was not seen again.
 *
 * A flow holds at most HITS_PER_FLOW findings and a shard its limit; at the limit the new finding is told at once, with
 * the state it has, not held, and counted. Whether what is not held was told before is not known: it may be told again.
 * Where the herald does not keep up, a replay waits; the daemon drops and counts. Findings are the one thing on a
 * packet's way that is allocated.
 *
 * Owner: one worker. A told hit is the herald's, who frees it.
 */
#ifndef VIGIA_RUN_HITS_H
#define VIGIA_RUN_HITS_H

#include "base/prefix.h"
#include "base/ring.h"
#include "match/database.h"
#include "model/finding.h"
#include "model/sink.h"

enum { HITS_PER_FLOW = 256 };

/* On its way to the herald; only the finding's part in use is there. */
struct hit {
    struct hit *next;                /* in its flow */
    const struct database *database; /* held: what the finding's handles mean; NULL of what was only observed */
    enum flow_state told_state;      /* the daemon's: as it was told at first sight */
    bool told;
    struct finding finding;
};

/* Lets go of the database and frees. */
void hit_free(struct hit *hit);

/* Whether any source of the indicator was valid then. */
bool hit_valid_at(const struct database *db, uint32_t indicator, int64_t time_ns);

struct hit_counts {
    uint64_t observables;
    uint64_t hits;      /* findings opened */
    uint64_t repeats;   /* sightings that only counted one up */
    uint64_t at_once;   /* told early, for want of room */
    uint64_t unmatched; /* matches beyond DATABASE_MATCHES_MAX of one observable */
    uint64_t invalid;   /* left out by strict validity */
    uint64_t dropped;   /* not told, for want of room in the herald's ring */
};

/* What all shards of a worker share. */
struct hits_context {
    const struct database *database;
    struct asker *asker;
    struct ring *told;           /* to the herald; struct hit */
    const struct places *places; /* countries of addresses; NULL: nobody knows any */
    bool observe;
    bool live; /* the daemon */
    bool strict_validity;
    bool stopped; /* the herald has left */
    struct hit_counts counts;
};

struct watched;

struct hits {
    struct sink sink;
    struct hits_context *context;
    const struct prefix *home; /* networks of the sensor; empty: every direction is unknown */
    uint16_t sensor;
    struct watched *watched_first; /* all flows in which something is held or looked through */
    uint64_t held;
    uint64_t held_max;
    /* Of the packet at hand, what the next finding's ordinal is. */
    uint64_t packet;
    uint32_t input;
    uint8_t part;
    bool late;
    uint32_t ordinal;
    /* While a payload is scanned. */
    struct watched *watched;
    struct payload_stream *stream;
    const struct sighting *at;
    struct bytes octets;
    uint64_t octets_at; /* where they begin in their stream */
};

void hits_init(struct hits *h, struct hits_context *context, uint16_t sensor, const struct prefix *home,
               uint64_t held_max);

/* The context's database is another one: open payload streams begin anew on it, and held findings move to its handles,
 * or are told and let go where it has their indicator no more. */
void hits_renew(struct hits *h);

#endif
