/*
 * Incidents hang in a ring in the order in which they were met last, so the first is the next to fall silent.
 */
#include "correlate/correlate.h"

#include "base/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct incident {
    uint64_t indicator;
    uint32_t before, after; /* in the order of `met_ns` */
    int64_t met_ns;         /* when a member was told of last */
    uint64_t members_told;  /* with how many it was told last; 0: not yet */
    unsigned countries_told;
    struct correlation is; /* its countries and evidence point into the arrays below */
    char *value;
    struct correlation_country *countries;
    struct correlation_evidence *evidence;
    unsigned countries_cap, evidence_cap;
};

struct correlator {
    struct correlate_rule rule;
    correlate_told *told;
    void *to;
    struct table by_indicator;
    struct incident *incidents; /* the last one begins and ends the ring */
    uint32_t used;
    uint32_t free_first; /* of those that were let go, linked by `after` */
    struct correlate_counts counts;
};

static void *must(void *at)
{
    if (!at) {
        fprintf(stderr, "vigia: error: out of memory (correlation)\n");
        abort();
    }
    return at;
}

/* Room for one more; doubled at powers of two. */
static void *grown(void *at, unsigned *cap, unsigned count, size_t size)
{
    if (count < *cap)
        return at;
    *cap = *cap ? 2 * *cap : 2;
    return must(realloc(at, *cap * size));
}

struct correlator *correlator_new(const struct correlate_rule *rule, correlate_told *told, void *to)
{
    struct correlator *c = must(calloc(1, sizeof *c));
    *c = (struct correlator){.rule = *rule, .told = told, .to = to, .free_first = CORRELATE_INCIDENTS_MAX};
    c->incidents = must(calloc(CORRELATE_INCIDENTS_MAX + 1, sizeof *c->incidents));
    c->incidents[CORRELATE_INCIDENTS_MAX].before = CORRELATE_INCIDENTS_MAX;
    c->incidents[CORRELATE_INCIDENTS_MAX].after = CORRELATE_INCIDENTS_MAX;
    table_init(&c->by_indicator, CORRELATE_INCIDENTS_MAX);
    return c;
}

void correlator_renew(struct correlator *c, const struct correlate_rule *rule)
{
    c->rule = *rule;
}

/* ---- the ring */

static void unchain(struct correlator *c, struct incident *i)
{
    c->incidents[i->before].after = i->after;
    c->incidents[i->after].before = i->before;
}

static void chain_last(struct correlator *c, struct incident *i)
{
    struct incident *end = &c->incidents[CORRELATE_INCIDENTS_MAX];
    uint32_t index = (uint32_t)(i - c->incidents);
    i->before = end->before;
    i->after = CORRELATE_INCIDENTS_MAX;
    c->incidents[end->before].after = index;
    end->before = index;
}

/* ---- telling */

/* A copy for whoever tells it. */
static struct correlation *copy(const struct incident *i)
{
    const struct correlation *is = &i->is;
    size_t countries = is->country_count * sizeof *i->countries, evidence = is->evidence_count * sizeof *i->evidence;
    struct correlation *c = must(malloc(sizeof *c + countries + evidence + is->value.len));
    char *behind = (char *)(c + 1);
    *c = *is;
    c->countries = memcpy(behind, i->countries, countries);
    c->evidence = memcpy(behind + countries, i->evidence, evidence);
    c->value = bytes_of(memcpy(behind + countries + evidence, i->value, is->value.len), is->value.len);
    return c;
}

static uint64_t members(const struct incident *i)
{
    uint64_t sum = 0;
    for (int t = 0; t < TLPS; t++)
        sum += i->is.tiers[t].members;
    return sum;
}

static void tell(struct correlator *c, struct incident *i)
{
    c->told(c->to, copy(i));
    c->counts.incidents += i->members_told == 0;
    i->members_told = members(i);
    i->countries_told = i->is.country_count;
    for (int t = 0; t < TLPS; t++)
        i->is.tiers[t].opened |= correlation_shown(&i->is, (enum tlp)t).told;
}

/* Whether a tier that was not told of it now knows enough. */
static bool is_news(const struct incident *i)
{
    for (int t = 0; t < TLPS; t++)
        if (!i->is.tiers[t].opened && correlation_shown(&i->is, (enum tlp)t).told)
            return true;
    return false;
}

static void tell_if_due(struct correlator *c, struct incident *i)
{
    bool due = i->members_told && (members(i) >= 2 * i->members_told || i->is.country_count > i->countries_told);
    if (due || is_news(i))
        tell(c, i);
}

/* ---- a life */

static uint32_t find(const struct correlator *c, uint64_t indicator)
{
    uint32_t slot = table_first(&c->by_indicator, indicator);
    while (slot != TABLE_NONE && c->incidents[table_value(&c->by_indicator, slot)].indicator != indicator)
        slot = table_next(&c->by_indicator, indicator, slot);
    return slot;
}

static void close(struct correlator *c, struct incident *i)
{
    if (i->members_told) {
        i->is.status = FINDING_CLOSED;
        tell(c, i);
    }
    table_remove(&c->by_indicator, find(c, i->indicator));
    unchain(c, i);
    free(i->value);
    free(i->countries);
    free(i->evidence);
    *i = (struct incident){.after = c->free_first};
    c->free_first = (uint32_t)(i - c->incidents);
    c->counts.open--;
}

static struct incident *room(struct correlator *c)
{
    if (c->free_first == CORRELATE_INCIDENTS_MAX && c->used < CORRELATE_INCIDENTS_MAX)
        return &c->incidents[c->used++];
    if (c->free_first == CORRELATE_INCIDENTS_MAX) {
        close(c, &c->incidents[c->incidents[CORRELATE_INCIDENTS_MAX].after]);
        c->counts.evicted++;
    }
    struct incident *i = &c->incidents[c->free_first];
    c->free_first = i->after;
    return i;
}

static struct incident *begin(struct correlator *c, const struct correlate_member *m)
{
    struct incident *i = room(c);
    char value[OBSERVABLE_VALUE_MAX + 1] = "=";
    size_t len = m->key->only + indicator_value_write(m->key, value + m->key->only);
    *i = (struct incident){.indicator = m->indicator, .value = must(malloc(len + 1))};
    memcpy(i->value, value, len);
    i->is = (struct correlation){.status = FINDING_OPENED,
                                 .countries_min = c->rule.countries,
                                 .window_ns = c->rule.window_ns,
                                 .first_ns = m->time_ns,
                                 .last_ns = m->time_ns,
                                 .type = m->key->type,
                                 .where = m->key->where,
                                 .value = bytes_of(i->value, len)};
    bool added = table_add(&c->by_indicator, m->indicator, (uint32_t)(i - c->incidents));
    assert(added);
    (void)added;
    chain_last(c, i);
    c->counts.open++;
    return i;
}

/* ---- members */

/* Whether it is the first there that this tier was told of. */
static bool join_country(struct incident *i, const struct correlate_member *m)
{
    struct correlation *is = &i->is;
    for (unsigned n = 0; n < is->country_count; n++) {
        struct correlation_country *at = &i->countries[n];
        if (memcmp(at->country, m->country, sizeof at->country) != 0)
            continue;
        if (m->tlp >= at->tlp)
            return false;
        at->tlp = m->tlp;
        return true;
    }
    if (is->country_count == CORRELATION_COUNTRIES_MAX)
        return false;
    is->countries = i->countries = grown(i->countries, &i->countries_cap, is->country_count, sizeof *i->countries);
    struct correlation_country *at = &i->countries[is->country_count++];
    at->tlp = m->tlp;
    memcpy(at->country, m->country, sizeof at->country);
    return true;
}

static void join_evidence(struct incident *i, const struct correlate_member *m, bool first_there)
{
    struct correlation *is = &i->is;
    if (!m->id)
        return;
    unsigned most = first_there ? CORRELATION_EVIDENCE_MAX : CORRELATION_EVIDENCE_MAX / 2;
    if (is->evidence_count >= most)
        return;
    is->evidence = i->evidence = grown(i->evidence, &i->evidence_cap, is->evidence_count, sizeof *i->evidence);
    struct correlation_evidence *at = &i->evidence[is->evidence_count++];
    at->tlp = m->tlp;
    memcpy(at->id, m->id, sizeof at->id);
}

static void join_tier(struct correlation_tier *t, const struct correlate_member *m)
{
    if (!t->members++)
        *t = (struct correlation_tier){.members = 1,
                                       .first_ns = m->time_ns,
                                       .last_ns = m->time_ns,
                                       .category = m->category,
                                       .confidence = (int8_t)m->confidence,
                                       .opened = t->opened};
    t->first_ns = m->time_ns < t->first_ns ? m->time_ns : t->first_ns;
    t->last_ns = m->time_ns > t->last_ns ? m->time_ns : t->last_ns;
    t->confidence = m->confidence > t->confidence ? (int8_t)m->confidence : t->confidence;
    if (t->category == CATEGORY_UNDETERMINED)
        t->category = m->category;
}

/* The first time is part of the id: once that was told, it stays. */
static void join(struct incident *i, const struct correlate_member *m)
{
    struct correlation *is = &i->is;
    bool first_there = join_country(i, m);
    join_evidence(i, m, first_there);
    join_tier(&is->tiers[m->tlp], m);
    is->generation = m->generation;
    is->first_ns = m->time_ns < is->first_ns && !i->members_told ? m->time_ns : is->first_ns;
    is->last_ns = m->time_ns > is->last_ns ? m->time_ns : is->last_ns;
}

void correlator_see(struct correlator *c, const struct correlate_member *m, int64_t now_ns)
{
    if (memcmp(m->country, "ZZ", 2) == 0)
        return;
    uint32_t slot = find(c, m->indicator);
    struct incident *i = slot == TABLE_NONE ? NULL : &c->incidents[table_value(&c->by_indicator, slot)];
    if (i && m->time_ns < i->is.first_ns - c->rule.window_ns) {
        c->counts.late++;
        return;
    }
    if (i && m->time_ns > i->is.last_ns + c->rule.window_ns) {
        close(c, i);
        i = NULL;
    }
    if (!i)
        i = begin(c, m);
    unchain(c, i);
    chain_last(c, i);
    i->met_ns = now_ns;
    if (i->members_told)
        i->is.status = FINDING_UPDATED;
    join(i, m);
    tell_if_due(c, i);
}

void correlator_pass(struct correlator *c, int64_t now_ns)
{
    for (uint32_t first; (first = c->incidents[CORRELATE_INCIDENTS_MAX].after) != CORRELATE_INCIDENTS_MAX;) {
        if (c->incidents[first].met_ns + c->rule.window_ns >= now_ns)
            return;
        close(c, &c->incidents[first]);
    }
}

struct correlate_counts correlator_counts(const struct correlator *c)
{
    return c->counts;
}

void correlator_free(struct correlator *c)
{
    for (uint32_t i = 0; i < c->used; i++) {
        free(c->incidents[i].value);
        free(c->incidents[i].countries);
        free(c->incidents[i].evidence);
    }
    table_free(&c->by_indicator);
    free(c->incidents);
    free(c);
}
