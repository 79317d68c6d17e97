/*
 * database: one compiled generation of indicators: what is known to be bad, ready to be asked.
 *
 * Each indicator goes to the cheapest matcher that is right: addresses to a longest-prefix table that gives every
 * covering block; names to an exact table asked for each label suffix; URLs to the same table, asked for each prefix
 * that ends at a path boundary (the first DATABASE_URL_BOUNDARIES of them); hashes, fingerprints, e-mail addresses,
 * file names and ip-port to it as they are; user agents, regexes and contents to Hyperscan, one database for each kind
 * and field.
 *
 * Life: built whole, freed whole, when the last hold on it is dropped. Who keeps an index into it for longer than one
 * read (a finding on its way, an open pattern stream) takes a hold.
 *
 * Immutable after `database_build`: any thread asks, each with its own `asker`.
 */
#ifndef VIGIA_MATCH_DATABASE_H
#define VIGIA_MATCH_DATABASE_H

#include "match/draft.h"
#include "model/observable.h"

enum {
    DATABASE_MATCHES_MAX = 64, /* told of one observable; more are counted */
    DATABASE_URL_BOUNDARIES = 32,
};

struct database;

struct match {
    uint32_t indicator; /* index */
    enum indicator_match how;
    uint64_t end; /* of payload matches: offset behind it in the stream */
};

/* The memory one thread needs to ask: Hyperscan's scratch. Fits every database it was given with `asker_fit`. */
struct asker;
struct asker *asker_new(void);
bool asker_fit(struct asker *a, const struct database *db);
void asker_free(struct asker *a);

/* Compiles the draft, which stays the caller's. `generation` counts from 1. NULL with a reason when memory or Hyperscan
 * refuses. Holds: one, the caller's. */
struct database *database_build(const struct draft *d, uint32_t generation, struct fail *why);

void database_hold(const struct database *db);
/* The last one frees it. */
void database_drop(const struct database *db);

uint32_t database_generation(const struct database *db);
uint32_t database_count(const struct database *db);
size_t database_bytes(const struct database *db); /* memory it takes, about */

const struct indicator *database_indicator(const struct database *db, uint32_t index);
const struct indicator_source *database_sources(const struct database *db, uint32_t index, uint32_t *count);

/* All indicators that the observable meets, by index ascending, at most DATABASE_MATCHES_MAX, into `out`; returns their
 * number, and adds to `*more` those there was no room for. A name inside another value is asked for by who took it out:
 * the database looks at the value it is given and, for URLs and e-mail addresses, at nothing inside. An observable of
 * WHERE_ANY (nobody saw it, somebody asks) meets indicators of every place. */
unsigned database_ask(const struct database *db, struct asker *a, const struct observable *o,
                      struct match out[DATABASE_MATCHES_MAX], unsigned *more);

/* Bit (1 << OBSERVABLE_*) of each kind of value that any indicator is of. */
uint32_t database_kinds(const struct database *db);

/* Whether there is anything to look for in payloads at all. */
bool database_wants_payload(const struct database *db);

/* One side of a flow's plaintext payload. Holds its database. */
struct payload_stream;

/* NULL when there is nothing to look for or memory is out. */
struct payload_stream *payload_stream_open(const struct database *db);
/* Tells the matches by end, then indicator. A stream with thousands of them gets each indicator at most once a scan
 * from then on. `hit` may not use the asker. */
void payload_stream_scan(struct payload_stream *st, struct asker *a, struct bytes octets,
                         void (*hit)(void *to, const struct match *m), void *to);
/* A hole: what stands before it and behind it is not one text. */
void payload_stream_gap(struct payload_stream *st, struct asker *a, void (*hit)(void *to, const struct match *m),
                        void *to);
/* Ends it, with the matches that only the end makes (`$`). */
void payload_stream_close(struct payload_stream *st, struct asker *a, void (*hit)(void *to, const struct match *m),
                          void *to);
/* Octets scanned so far, of this and earlier texts: what `end` counts from the begin of. */
uint64_t payload_stream_at(const struct payload_stream *st);
const struct database *payload_stream_database(const struct payload_stream *st);

#endif
