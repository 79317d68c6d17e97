/*
 * prefix: longest prefix match that gives all covering blocks.
 *
 * Blocks are sorted by address and length; each knows the next shorter one that contains it. A look-up finds the last
 * block at or before the address, within a slice that the first 16 bits of the address (of IPv4: of its 32) name, and
 * climbs. Costs 28 octets a block, and half a megabyte for the slices.
 *
 * Immutable after `prefix_build`; any thread reads it.
 */
#ifndef VIGIA_BASE_PREFIX_H
#define VIGIA_BASE_PREFIX_H

#include "base/address.h"

#define PREFIX_NONE UINT32_MAX

struct prefix_entry {
    struct block block;
    uint32_t value; /* the caller's number */
    uint32_t parent; /* next shorter covering entry, or PREFIX_NONE */
};

struct prefix {
    struct prefix_entry *entries;
    uint32_t count;
    uint32_t *slices; /* where in `entries` each slice of addresses begins */
};

/* Takes copies of `count` blocks with their values. Equal blocks become one; the first value given stays. */
void prefix_build(struct prefix *p, const struct block *blocks, const uint32_t *values, uint32_t count);

/* The longest block that covers `a`, or PREFIX_NONE: an index for `prefix_value` and `prefix_wider`. */
uint32_t prefix_find(const struct prefix *p, const struct address *a);

void prefix_free(struct prefix *p);

static inline uint32_t prefix_value(const struct prefix *p, uint32_t entry)
{
    return p->entries[entry].value;
}

/* The next wider block that covers the same address, or PREFIX_NONE. */
static inline uint32_t prefix_wider(const struct prefix *p, uint32_t entry)
{
    return p->entries[entry].parent;
}

#endif
