/*
 * census: what is counted for trends: so many incidents of a type in a country, as events tell or as hits show.
 *
 * A *base* is one such number: country x RSIT type x what was counted. Each has a cell of the window for its count, and
 * CENSUS_REPORTERS more that say how many different reporters stand behind it: a reporter counts in the one that its
 * name hashes to, so as many as are not empty are at least so many reporters.
 *
 * Only states and territories of the Americas are counted; what is elsewhere, or has no time that is counted, is no
 * part of a trend and is counted as such.
 *
 * Owner of a writer: one thread. A base is a plain number, which any thread may take apart.
 */
#ifndef VIGIA_RUN_CENSUS_H
#define VIGIA_RUN_CENSUS_H

#include "feed/place.h"
#include "model/event.h"
#include "model/region.h"
#include "model/tlp.h"
#include "trend/window.h"

enum census_kind { CENSUS_EVENTS, CENSUS_HITS, CENSUS_KINDS };

enum { CENSUS_REPORTERS = 16 };

/* "event", "hit". */
const char *census_kind_name(enum census_kind k);

/* How many bases and cells there are. */
uint32_t census_bases(const struct regions *r);
uint32_t census_cells(const struct regions *r);

static inline uint32_t census_base(unsigned place, category_id category, enum census_kind kind)
{
    return (place * CATEGORIES + category) * CENSUS_KINDS + kind;
}

static inline unsigned census_place(uint32_t base)
{
    return base / CENSUS_KINDS / CATEGORIES;
}

static inline category_id census_category(uint32_t base)
{
    return (category_id)(base / CENSUS_KINDS % CATEGORIES);
}

static inline enum census_kind census_kind_of(uint32_t base)
{
    return (enum census_kind)(base % CENSUS_KINDS);
}

/* One incident. */
struct census_entry {
    const char *country;
    category_id category;
    enum census_kind kind;
    enum tlp tlp;      /* what is marked amber+strict or red counts in no trend that others read */
    uint64_t reporter; /* hash of its name */
    int64_t time_ns;
    uint64_t weight;
};

/* The entry of an event, with its country in `room`: where it does not say, that of its source's address, else
 * `country`. Borrows nothing but `room`. `feed` reports where the event names nobody. */
struct census_entry census_of_event(const struct event *e, const char *feed, const char *country,
                                    const struct places *places, char room[3]);

struct census {
    const struct regions *regions;
    struct window_writer *writer; /* NULL: nothing is counted */
    uint32_t bases;
    struct counter counted; /* incidents, as all below */
    struct counter elsewhere, withheld, late, early;
};

void census_init(struct census *t, const struct regions *r, struct window_writer *writer);

void census_add(struct census *t, const struct census_entry *e);

/* The writer's clock stands at `time_ns`. */
void census_pass(struct census *t, int64_t time_ns);

/* Whether an entry of that time would find room; always where nothing is counted. */
bool census_ready(struct census *t, int64_t time_ns);

/* Nothing will be added any more. */
void census_leave(struct census *t);

#endif
