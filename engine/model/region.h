/*
 * region: the places that vigia counts by: states of the Americas, their sub-regions, their standing in the OAS and
 * their neighbours; and territories, which have a sub-region and nothing else.
 *
 * All of it is data (rules/regions.yaml, which says by what rules it was made and from which sources). A place is
 * called by its ISO 3166 alpha-2 code, a sub-region by its slug; each also has a small number, in the order of the
 * file, for tables of counters. Numbers hold for one table only: what outlives it is kept by code and slug.
 *
 * Immutable after `regions_read`; any thread reads it.
 */
#ifndef VIGIA_MODEL_REGION_H
#define VIGIA_MODEL_REGION_H

#include "base/arena.h"
#include "base/fail.h"

#define REGION_AMERICAS "americas" /* all sub-regions together, in topics and counters */

enum {
    REGION_PLACES_MAX = 200, /* states and territories */
    REGION_SUBREGIONS_MAX = 32,
    REGION_STANDINGS_MAX = 8,
    REGION_NEIGHBOURS_MAX = 24,
    REGION_NAME_OCTETS_MAX = 96,
    REGION_CODES = 26 * 26,
    REGION_NONE = 255,
};

/* In the Organization of American States. From `REGION_MEMBER` to `REGION_DISPUTED` it is a member. */
enum region_standing {
    REGION_NO_MEMBER, /* not yet, or never */
    REGION_MEMBER,
    REGION_SUSPENDED, /* may not take part */
    REGION_ABSENT,    /* may take part, and does not */
    REGION_DISPUTED,  /* whether it is one is contested; the OAS lists it */
    REGION_LEFT,
};

/* "none", "member", "suspended", "absent", "disputed", "left". */
const char *region_standing_name(enum region_standing s);

struct region_place {
    char code[3];
    const char *name; /* UTF-8, as name_es */
    const char *name_es;
    uint8_t subregion; /* its number */
    uint8_t standings; /* of a state; oldest first */
    uint8_t neighbours;
    struct {
        int64_t from_ns; /* since 1970 UTC */
        enum region_standing standing;
    } standing[REGION_STANDINGS_MAX];
    uint8_t neighbour[REGION_NEIGHBOURS_MAX]; /* numbers of states; whoever is here has this state there */
};

struct region_subregion {
    const char *slug, *name, *name_es;
};

struct regions {
    unsigned states; /* places[0] to places[states - 1] */
    unsigned places; /* behind them, territories */
    unsigned subregions;
    struct region_place place[REGION_PLACES_MAX];
    struct region_subregion subregion[REGION_SUBREGIONS_MAX];
    uint8_t place_of[REGION_CODES]; /* from a code to a place's number, or REGION_NONE */
    struct arena arena;
};

/* What stands in rules/regions.yaml, compiled in. */
struct bytes regions_built_in(void);

/* Reads such a file. Tells `mistake` of every mistake, each one line `path: line N: key: expected …, found …`; NULL
 * when there was any. regions_free ends it. */
struct regions *regions_read(struct bytes document, const char *path, void (*mistake)(void *to, const char *text),
                             void *to);

void regions_free(struct regions *r);

/* The number of the state or territory with this code, any case; REGION_NONE where it is none of the Americas. */
unsigned region_place(const struct regions *r, const char *code);

/* The slug of its sub-region, or NULL. */
const char *region_of(const struct regions *r, const char *code);

/* The number of the sub-region with this slug, or REGION_NONE. */
unsigned region_subregion_named(const struct regions *r, struct bytes slug);

enum region_standing region_standing_at(const struct regions *r, const char *code, int64_t time_ns);

/* Whether it is a member state of the OAS then, be it one that takes no part. */
bool region_member(const struct regions *r, const char *code, int64_t time_ns);

#endif
