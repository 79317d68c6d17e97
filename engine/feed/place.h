/*
 * place: in which country an address is registered, or lies.
 *
 * Of files of four forms, recognised by their content: a MaxMind DB (mmdb.c), the delegated statistics of a regional
 * Internet registry (place_rir.c), and CSV of `prefix,country` or `first,last,country` (place_csv.c). All go into one
 * longest-prefix table, whatever they came from: of two networks that cover an address the narrower counts, of two that
 * are the same the one that was read last.
 *
 * A registry knows where a network was registered, which need not be where its hosts are.
 *
 * Owner: one thread, until places_build; immutable afterwards, any thread asks. Out of memory ends the program.
 */
#ifndef VIGIA_FEED_PLACE_H
#define VIGIA_FEED_PLACE_H

#include "base/address.h"
#include "base/fail.h"

enum {
    PLACE_NETWORKS_MAX = 1 << 24, /* 28 octets each */
    PLACE_LINE_MAX = 4096,        /* octets of a registry's record; a longer one is refused */
};

struct places;

/* What came of one file. */
struct place_report {
    const char *format; /* "mmdb", "rir" or "csv" */
    uint64_t networks;  /* blocks taken: a record of a registry may be several */
    uint64_t unplaced;  /* records that name no country: what is free, whole regions (EU, AP), ZZ */
    uint64_t refused;
};

/* To whom a reader tells what it could not read. `line` counts from 1; 0 is none. */
struct place_sink {
    void *to;
    void (*refused)(void *to, unsigned line, const char *text);
};

struct places *places_new(void);

/* Whether a content says by its form that it is such a file. */
bool places_probe(struct bytes content);

/* Reads one file's content. False with a reason when it is none of these forms or damaged; what was read before the
 * damage stays. */
bool places_read(struct places *p, struct bytes content, const struct place_sink *sink, struct place_report *report,
                 struct fail *why);

/* From now on places_country answers, and no more is read. Returns how many networks were given again with another
 * country; `*example` is one of them. */
uint64_t places_build(struct places *p, struct block *example);

/* ISO 3166 alpha-2 of the narrowest network that covers the address; false, and an empty text, where none does; also of
 * a NULL. */
bool places_country(const struct places *p, const struct address *a, char country[3]);

/* Different networks and countries. */
uint64_t places_networks(const struct places *p);
unsigned places_countries(const struct places *p);

void places_free(struct places *p);

/* ---- for the readers */

struct place_reading {
    struct places *places;
    const struct place_sink *sink;
    struct place_report *report;
};

/* A TABLE of its own: to add a form, one file and one line in place.c. */
struct place_format {
    const char *name;
    bool (*probe)(struct bytes content);
    bool (*read)(struct bytes content, struct place_reading *r, struct fail *why);
};

extern const struct place_format place_mmdb;
extern const struct place_format place_rir;
extern const struct place_format place_csv;

/* False, with a reason, past PLACE_NETWORKS_MAX. */
bool place_network(struct place_reading *r, const struct block *block, const char country[3], struct fail *why);

/* From one address to another, both included, of one family, in as few blocks as there can be. */
bool place_range(struct place_reading *r, const struct address *first, const struct address *last,
                 const char country[3], struct fail *why);

void place_refuse(struct place_reading *r, unsigned line, const char *expected, struct bytes found);

#endif
