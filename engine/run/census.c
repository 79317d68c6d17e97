/*
 * Counts first, then, behind all of them, the reporters of each.
 */
#include "run/census.h"

#include "base/hash.h"

#include <stdio.h>

const char *census_kind_name(enum census_kind k)
{
    return k == CENSUS_EVENTS ? "event" : "hit";
}

uint32_t census_bases(const struct regions *r)
{
    return r->places * CATEGORIES * CENSUS_KINDS;
}

uint32_t census_cells(const struct regions *r)
{
    return census_bases(r) * (1 + CENSUS_REPORTERS);
}

/* Of its source's address. */
static bool placed(const struct event *e, const struct places *places, char room[3])
{
    for (uint32_t i = 0; i < e->observable_count; i++) {
        const struct observable *o = &e->observables[i];
        if (o->where == WHERE_EVENT_SOURCE && observable_is_address(o->type) &&
            places_country(places, &o->address, room))
            return true;
    }
    return false;
}

struct census_entry census_of_event(const struct event *e, const char *feed, const char *country,
                                    const struct places *places, char room[3])
{
    struct bytes reporter = e->reporter.len ? e->reporter : bytes_text(feed);
    if (e->country[0])
        memcpy(room, e->country, sizeof e->country);
    else if (!placed(e, places, room))
        snprintf(room, 3, "%s", country);
    return (struct census_entry){.country = room,
                                 .category = e->category,
                                 .kind = CENSUS_EVENTS,
                                 .tlp = e->tlp,
                                 .reporter = hash_fixed(reporter.at, reporter.len),
                                 .time_ns = e->time_ns,
                                 .weight = e->weight};
}

void census_init(struct census *t, const struct regions *r, struct window_writer *writer)
{
    *t = (struct census){.regions = r, .writer = writer, .bases = census_bases(r)};
}

void census_add(struct census *t, const struct census_entry *e)
{
    unsigned place = t->writer ? region_place(t->regions, e->country) : REGION_NONE;
    if (!t->writer)
        return;
    if (place == REGION_NONE) {
        counter_add(&t->elsewhere, e->weight);
        return;
    }
    if (e->tlp > TLP_AMBER) {
        counter_add(&t->withheld, e->weight);
        return;
    }
    uint32_t base = census_base(place, e->category, e->kind);
    switch (window_add(t->writer, base, e->time_ns, e->weight)) {
    case WINDOW_COUNTED: break;
    case WINDOW_EARLY: counter_add(&t->early, e->weight); return;
    default: counter_add(&t->late, e->weight); return;
    }
    window_add(t->writer, t->bases + base * CENSUS_REPORTERS + (uint32_t)(e->reporter % CENSUS_REPORTERS), e->time_ns,
               1);
    counter_add(&t->counted, e->weight);
}

void census_pass(struct census *t, int64_t time_ns)
{
    if (t->writer)
        window_pass(t->writer, time_ns);
}

bool census_ready(struct census *t, int64_t time_ns)
{
    return !t->writer || window_ready(t->writer, time_ns);
}

void census_leave(struct census *t)
{
    if (t->writer)
        window_leave(t->writer);
}
