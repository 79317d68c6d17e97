/*
 * inside: what the files of match know of each other. Nobody else includes it.
 *
 * A **shelf** is one compiled set of patterns: one for user agents, two for payloads (literals and expressions do not
 * mix well), two for each field. Patterns are numbered through all shelves, so that a thread can mark which it has
 * met.
 */
#ifndef VIGIA_MATCH_INSIDE_H
#define VIGIA_MATCH_INSIDE_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/patterns.h"
#include "base/prefix.h"
#include "base/swap.h"
#include "base/table.h"
#include "match/database.h"

/* What one thread adds to. An indicator's sources are a list through `next`, in the order given. */
struct drafted {
    struct indicator_key key;
    uint32_t first;
    uint32_t last;
    uint32_t sources;
};

struct drafted_source {
    struct indicator_source said;
    uint32_t indicator;
    uint32_t next;
};

/* A text that the records of one feed repeat is kept once: it is compared with the one kept before it. */
struct repeated {
    struct bytes kept;
};

struct draft {
    struct arena arena;
    struct hash_key hash;
    struct drafted *indicators;
    struct drafted_source *sources;
    size_t indicators_cap;
    size_t sources_cap;
    uint32_t indicator_count;
    uint32_t source_count;
    struct table by_key;    /* of `indicators` */
    struct table by_record; /* of `sources`, by indicator, feed and id */
    struct repeated feed, tags;
};

static inline struct bytes keep_text(struct arena *a, struct bytes text)
{
    return text.len ? arena_copy(a, text) : bytes_of("", 0);
}

static inline struct bytes keep_repeated(struct arena *a, struct repeated *last, struct bytes text)
{
    if (!last->kept.at || !bytes_equal(last->kept, text))
        last->kept = keep_text(a, text);
    return last->kept;
}

enum {
    SHELF_AGENTS,
    SHELF_PAYLOAD_CONTENT,
    SHELF_PAYLOAD_REGEX,
    SHELF_FIELDS, /* then of each field: its contents, its regexes */
    SHELVES = SHELF_FIELDS + 2 * WHERES,
};

/* Which lengths the values of one type have: most look-ups end here, without a hash or a cache miss. */
struct lengths {
    uint64_t bits[OBSERVABLE_VALUE_MAX / 64 + 1];
};

struct database {
    struct arena arena; /* indicators, sources and their texts, `blocks`, `patterns` */
    uint32_t generation;
    uint32_t kinds; /* bit of each type that any indicator is of */
    uint32_t count;
    struct indicator *indicators;
    struct indicator_source *sources;

    struct hash_key hash;
    struct table exact; /* of `indicators`: all but addresses and patterns */
    struct lengths lengths[OBSERVABLE_TYPES];

    struct prefix prefix; /* of `blocks`: where the indicators of a block begin */
    uint32_t *blocks;

    struct patterns *shelves[SHELVES];
    uint32_t *patterns; /* a pattern's number to its indicator */
    uint32_t pattern_count;

    size_t bytes;
    struct holds holds;
};

enum { ASKER_TOLD_MAX = 256 };

struct asker {
    struct pattern_scratch *scratch;
    uint32_t *seen; /* by pattern number: the last round that met it */
    uint32_t seen_cap;
    uint32_t round;
    struct match told[ASKER_TOLD_MAX]; /* payload matches of one scan, to be put in order */
    unsigned told_count;
};

/* Begins a round: from here on `asker_meets` is true once for each pattern. */
void asker_round(struct asker *a);

static inline bool asker_meets(struct asker *a, uint32_t pattern)
{
    bool first = a->seen[pattern] != a->round;
    a->seen[pattern] = a->round;
    return first;
}

#endif
