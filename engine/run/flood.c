/*
 * Buckets hang in two chains, both in order of time, since time only grows: all by when they were met, and those that
 * wait to be told by when they began to. So the one to forget and the one that is due are the first.
 */
#include "run/flood.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum chain { MET, WAITING, CHAINS };

struct flood_bucket {
    uint64_t indicator;
    int64_t full_ns;  /* when it will be full */
    int64_t since_ns; /* when the first that waits was folded */
    uint64_t folded;
    struct {
        uint32_t before, after;
    } link[CHAINS];
};

enum { MINUTE_S = 60 };

#define SECOND_NS INT64_C(1000000000)

void flood_renew(struct flood *f, uint64_t rate, uint64_t burst)
{
    assert(rate >= 1 && rate <= 1000000 && burst >= 1 && burst <= 1000000);
    f->interval_ns = MINUTE_S * SECOND_NS / (int64_t)rate;
    f->depth_ns = f->interval_ns * (int64_t)burst;
}

void flood_init(struct flood *f, uint64_t rate, uint64_t burst, uint32_t indicators_max)
{
    assert(indicators_max > 0);
    *f = (struct flood){.max = indicators_max, .buckets = calloc((size_t)indicators_max + 1, sizeof *f->buckets)};
    if (!f->buckets) {
        fprintf(stderr, "vigia: error: out of memory (flood guard)\n");
        abort();
    }
    for (int c = 0; c < CHAINS; c++)
        f->buckets[f->max].link[c].before = f->buckets[f->max].link[c].after = f->max;
    table_init(&f->table, indicators_max);
    flood_renew(f, rate, burst);
}

/* ---- chains */

static uint32_t first(const struct flood *f, enum chain c)
{
    return f->buckets[f->max].link[c].after;
}

static void unchain(struct flood *f, enum chain c, uint32_t i)
{
    uint32_t before = f->buckets[i].link[c].before, after = f->buckets[i].link[c].after;
    f->buckets[before].link[c].after = after;
    f->buckets[after].link[c].before = before;
}

static void chain_last(struct flood *f, enum chain c, uint32_t i)
{
    uint32_t last = f->buckets[f->max].link[c].before;
    f->buckets[i].link[c].before = last;
    f->buckets[i].link[c].after = f->max;
    f->buckets[last].link[c].after = f->buckets[f->max].link[c].before = i;
}

/* ---- buckets */

static uint32_t slot_of(const struct flood *f, uint64_t indicator)
{
    uint32_t slot = table_first(&f->table, indicator);
    while (slot != TABLE_NONE && f->buckets[table_value(&f->table, slot)].indicator != indicator)
        slot = table_next(&f->table, indicator, slot);
    return slot;
}

/* What it had folded is told of, or forgotten. */
static uint64_t take_folded(struct flood *f, uint32_t i)
{
    uint64_t folded = f->buckets[i].folded;
    if (folded)
        unchain(f, WAITING, i);
    f->buckets[i].folded = 0;
    return folded;
}

/* The place of the one that was met longest ago. */
static uint32_t forget_one(struct flood *f)
{
    uint32_t i = first(f, MET);
    table_remove(&f->table, slot_of(f, f->buckets[i].indicator));
    f->forgotten += take_folded(f, i);
    unchain(f, MET, i);
    return i;
}

static uint32_t bucket_new(struct flood *f, uint64_t indicator)
{
    uint32_t i = f->count < f->max ? f->count++ : forget_one(f);
    f->buckets[i] = (struct flood_bucket){.indicator = indicator, .full_ns = INT64_MIN};
    bool added = table_add(&f->table, indicator, i);
    assert(added);
    (void)added;
    return i;
}

static uint32_t meet(struct flood *f, uint64_t indicator)
{
    uint32_t slot = slot_of(f, indicator), i;
    if (slot == TABLE_NONE) {
        i = bucket_new(f, indicator);
    } else {
        i = table_value(&f->table, slot);
        unchain(f, MET, i);
    }
    chain_last(f, MET, i);
    return i;
}

bool flood_forgets(struct flood *f, uint64_t indicator, uint64_t *forgotten, uint64_t *folded)
{
    if (f->count < f->max || slot_of(f, indicator) != TABLE_NONE)
        return false;
    uint32_t i = first(f, MET);
    *forgotten = f->buckets[i].indicator;
    *folded = take_folded(f, i);
    return *folded > 0;
}

bool flood_lets(struct flood *f, uint64_t indicator, int64_t now_ns, uint64_t *folded)
{
    uint32_t i = meet(f, indicator);
    struct flood_bucket *b = &f->buckets[i];
    int64_t full_ns = (b->full_ns > now_ns ? b->full_ns : now_ns) + f->interval_ns;
    if (full_ns - now_ns <= f->depth_ns) {
        b->full_ns = full_ns;
        *folded = take_folded(f, i);
        return true;
    }
    if (b->folded++ == 0) {
        b->since_ns = now_ns;
        chain_last(f, WAITING, i);
    }
    f->folded++;
    *folded = 0;
    return false;
}

bool flood_due(struct flood *f, int64_t now_ns, int64_t wait_ns, uint64_t *indicator, uint64_t *folded)
{
    uint32_t i = first(f, WAITING);
    if (i == f->max || now_ns - f->buckets[i].since_ns < wait_ns)
        return false;
    *indicator = f->buckets[i].indicator;
    *folded = take_folded(f, i);
    return true;
}

void flood_clear(struct flood *f)
{
    table_free(&f->table);
    free(f->buckets);
    *f = (struct flood){.buckets = NULL};
}
