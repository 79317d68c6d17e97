/*
 * prefix: one sorted array, and for each entry the next wider one.
 *
 * Blocks nest or lie apart. So with entries sorted by address, then length, every block that covers an address is the
 * last entry at or before it or an ancestor of that entry, however many slices of addresses a wide block spans. The
 * last entry's own slice only narrows the search; the climb from it (at most 128 steps) does the rest.
 */
#include "base/prefix.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLICES = 1 << 16,
    V4 = SLICES + 1, /* the slices of IPv4 stand behind those of IPv6; each part ends with where its last one ends */
    V4_OCTET = ADDRESS_V4_BITS / 8,
};

static void *take(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p) {
        fprintf(stderr, "out of memory: prefix table of %zu blocks\n", count);
        abort();
    }
    return p;
}

static uint32_t first16(const struct address *a, size_t octet)
{
    return (uint32_t)a->octet[octet] << 8 | a->octet[octet + 1];
}

static uint64_t half(const struct address *a, size_t octet)
{
    uint64_t v;
    memcpy(&v, a->octet + octet, sizeof v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* Whether a <= b, as numbers in network order. */
static bool at_or_before(const struct address *a, const struct address *b)
{
    uint64_t high_a = half(a, 0), high_b = half(b, 0);
    return high_a != high_b ? high_a < high_b : half(a, 8) <= half(b, 8);
}

/* By address, then from wide to narrow, then (for now kept in `parent`) in the order given. */
static int by_place(const void *left, const void *right)
{
    const struct prefix_entry *a = left, *b = right;
    int order = memcmp(&a->block.address, &b->block.address, sizeof a->block.address);
    if (order == 0)
        order = (a->block.bits > b->block.bits) - (a->block.bits < b->block.bits);
    return order ? order : (a->parent > b->parent) - (a->parent < b->parent);
}

static bool same_block(const struct block *a, const struct block *b)
{
    return a->bits == b->bits && address_equal(&a->address, &b->address);
}

static uint32_t drop_repeated(struct prefix_entry *e, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || !same_block(&e[kept - 1].block, &e[i].block))
            e[kept++] = e[i];
    return kept;
}

/* In sorted order the ancestors of the entry before are a stack; what does not cover the next entry never will again.
 */
static void link_parents(struct prefix_entry *e, uint32_t count)
{
    uint32_t top = PREFIX_NONE;
    for (uint32_t i = 0; i < count; i++) {
        while (top != PREFIX_NONE && !block_covers(&e[top].block, &e[i].block.address))
            top = e[top].parent;
        e[i].parent = top;
        top = i;
    }
}

/* Notes where each slice of entries[from, to) begins, by the 16 bits at `octet`. */
static void cut(const struct prefix_entry *e, uint32_t from, uint32_t to, size_t octet, uint32_t slices[SLICES + 1])
{
    for (uint32_t s = 0; s < SLICES; s++) {
        slices[s] = from;
        while (from < to && first16(&e[from].block.address, octet) == s)
            from++;
    }
    slices[SLICES] = from;
}

static void cut_both(struct prefix *p)
{
    uint32_t from = 0;
    while (from < p->count && !address_is_v4(&p->entries[from].block.address))
        from++;
    uint32_t to = from;
    while (to < p->count && address_is_v4(&p->entries[to].block.address))
        to++;
    if (from == to) { /* no IPv4 blocks: where they would stand */
        const struct address zero = address_v4((const uint8_t[4]){0});
        for (from = 0; from < p->count && at_or_before(&p->entries[from].block.address, &zero);)
            from++;
        to = from;
    }
    p->slices = take(2 * (SLICES + 1), sizeof *p->slices);
    cut(p->entries, 0, p->count, 0, p->slices);
    cut(p->entries, from, to, V4_OCTET, p->slices + V4);
}

void prefix_build(struct prefix *p, const struct block *blocks, const uint32_t *values, uint32_t count)
{
    *p = (struct prefix){.count = count};
    if (count == 0)
        return;
    assert(count < PREFIX_NONE);
    p->entries = take(count, sizeof *p->entries);
    for (uint32_t i = 0; i < count; i++)
        p->entries[i] = (struct prefix_entry){.block = blocks[i], .value = values[i], .parent = i};
    qsort(p->entries, count, sizeof *p->entries, by_place);
    p->count = drop_repeated(p->entries, count);
    link_parents(p->entries, p->count);
    cut_both(p);
}

uint32_t prefix_find(const struct prefix *p, const struct address *a)
{
    if (p->count == 0)
        return PREFIX_NONE;
    const uint32_t *slice = address_is_v4(a) ? p->slices + V4 + first16(a, V4_OCTET) : p->slices + first16(a, 0);
    uint32_t from = slice[0], to = slice[1]; /* the first entry behind `a` lies in [from, to] */
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (at_or_before(&p->entries[middle].block.address, a))
            from = middle + 1;
        else
            to = middle;
    }
    uint32_t entry = from ? from - 1 : PREFIX_NONE;
    while (entry != PREFIX_NONE && !block_covers(&p->entries[entry].block, a))
        entry = p->entries[entry].parent;
    return entry;
}

void prefix_free(struct prefix *p)
{
    free(p->entries);
    free(p->slices);
    *p = (struct prefix){0};
}
