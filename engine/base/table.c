/*
 * table: linear probing from the home slot that the tag's low bits name.
 *
 * The tag is kept, so growing needs nothing from the caller. Taking out moves the followers of a run back by one hole
 * at a time (Knuth, TAOCP 3, 6.4, algorithm R), so that no tombstone is ever left for a look-up to step over.
 */
#include "base/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS_MIN = 16 };

#define ENTRIES_MAX (UINT32_C(1) << 30)

/* Two thirds at most: a run stays short, and there is always an empty slot that ends a probe. */
static bool fits(uint32_t count, uint64_t slots)
{
    return (uint64_t)count * 3 <= slots * 2;
}

static void put(struct table *t, struct table_entry entry)
{
    uint32_t slot = entry.tag & t->mask;
    while (t->entries[slot].value != TABLE_NONE)
        slot = (slot + 1) & t->mask;
    t->entries[slot] = entry;
}

static void resize(struct table *t, uint64_t slots)
{
    struct table old = *t;
    t->entries = malloc(slots * sizeof *t->entries);
    if (!t->entries) {
        fprintf(stderr, "out of memory: table of %llu slots\n", (unsigned long long)slots);
        abort();
    }
    memset(t->entries, 0xff, slots * sizeof *t->entries); /* every value TABLE_NONE */
    t->mask = (uint32_t)(slots - 1);
    if (!old.entries)
        return;
    for (uint64_t i = 0; i <= old.mask; i++)
        if (old.entries[i].value != TABLE_NONE)
            put(t, old.entries[i]);
    free(old.entries);
}

void table_init(struct table *t, uint32_t max)
{
    assert(max <= ENTRIES_MAX);
    *t = (struct table){.max = max};
}

void table_reserve(struct table *t, uint32_t count)
{
    uint64_t slots = t->entries ? (uint64_t)t->mask + 1 : SLOTS_MIN;
    if (count > t->max)
        count = t->max;
    while (!fits(count, slots))
        slots *= 2;
    if (!t->entries || slots > (uint64_t)t->mask + 1)
        resize(t, slots);
}

bool table_add(struct table *t, uint64_t hash, uint32_t value)
{
    assert(value != TABLE_NONE);
    if (t->count >= t->max)
        return false;
    table_reserve(t, t->count + 1);
    put(t, (struct table_entry){.tag = (uint32_t)hash, .value = value});
    t->count++;
    return true;
}

/* Whether the entry at `slot` may move back to `hole`: its home does not lie behind the hole on the way to it. */
static bool may_move(const struct table *t, uint32_t hole, uint32_t slot)
{
    uint32_t home = t->entries[slot].tag & t->mask;
    return ((slot - home) & t->mask) >= ((slot - hole) & t->mask);
}

void table_remove(struct table *t, uint32_t slot)
{
    assert(t->count && t->entries[slot].value != TABLE_NONE);
    uint32_t hole = slot;
    for (uint32_t next = (hole + 1) & t->mask; t->entries[next].value != TABLE_NONE; next = (next + 1) & t->mask) {
        if (may_move(t, hole, next)) {
            t->entries[hole] = t->entries[next];
            hole = next;
        }
    }
    t->entries[hole].value = TABLE_NONE;
    t->count--;
}

void table_free(struct table *t)
{
    free(t->entries);
    *t = (struct table){.max = t->max};
}
