/*
 * table: from a 64-bit hash to small numbers; open addressing, linear probing, backward-shift deletion.
 *
 * The table stores 32 bits of the hash and the caller's number (an index into the caller's own array); the caller
 * compares the things themselves. It grows by doubling when two thirds full, up to `max` entries.
 *
 *     for (uint32_t slot = table_first(t, hash); slot != TABLE_NONE; slot = table_next(t, hash, slot))
 *         if (things[table_value(t, slot)] is the one) ...
 *
 * Owner: one thread while it changes; any may read one that does not.
 */
#ifndef VIGIA_BASE_TABLE_H
#define VIGIA_BASE_TABLE_H

#include "base/bytes.h"

#define TABLE_NONE UINT32_MAX

struct table_entry {
    uint32_t tag;   /* low half of the hash, which also gives the home slot */
    uint32_t value; /* TABLE_NONE: empty */
};

struct table {
    struct table_entry *entries;
    uint32_t mask; /* slots - 1; 0 before the first entry */
    uint32_t count;
    uint32_t max;
};

/* Nothing is allocated before the first entry. `max` up to 2^30. */
void table_init(struct table *t, uint32_t max);

/* Makes room for `count` entries at once. */
void table_reserve(struct table *t, uint32_t count);

/* False when the table holds `max` entries. `value` is below TABLE_NONE; equal hashes may be added again and again. */
bool table_add(struct table *t, uint64_t hash, uint32_t value);

/* Takes out the entry in `slot`; slots found earlier are no longer valid. */
void table_remove(struct table *t, uint32_t slot);

void table_free(struct table *t);

static inline uint32_t table_probe(const struct table *t, uint32_t tag, uint32_t slot)
{
    for (;; slot = (slot + 1) & t->mask) {
        if (t->entries[slot].value == TABLE_NONE)
            return TABLE_NONE;
        if (t->entries[slot].tag == tag)
            return slot;
    }
}

/* The first slot that may hold what has this hash, or TABLE_NONE. */
static inline uint32_t table_first(const struct table *t, uint64_t hash)
{
    return t->count ? table_probe(t, (uint32_t)hash, (uint32_t)hash & t->mask) : TABLE_NONE;
}

static inline uint32_t table_next(const struct table *t, uint64_t hash, uint32_t slot)
{
    return table_probe(t, (uint32_t)hash, (slot + 1) & t->mask);
}

static inline uint32_t table_value(const struct table *t, uint32_t slot)
{
    return t->entries[slot].value;
}

static inline void table_prefetch(const struct table *t, uint64_t hash)
{
    if (t->count)
        __builtin_prefetch(&t->entries[(uint32_t)hash & t->mask]);
}

#endif
