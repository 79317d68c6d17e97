/*
 * In front of `pending` a list of parts, sorted and apart from one another; behind it the octets at their place.
 */
#include "wire/gather.h"

#include <assert.h>

struct part {
    uint32_t from;
    uint32_t to; /* behind its last octet */
};

struct gathered {
    uint32_t parts;
    struct part part[GATHER_PARTS_MAX];
};

static_assert(sizeof(struct gathered) + GATHER_MAX <= DISSECT_PENDING_MAX, "all of it is pending");

static struct dissect_side *side_of(const struct dissection *d)
{
    return &d->flow->side[d->side];
}

static struct gathered *list_of(const struct dissection *d)
{
    return (struct gathered *)(void *)side_of(d)->pending; /* malloc's, so aligned for it */
}

/* The list with a part put in: those it touches become one with it. False when that would be too many. */
static bool put(struct gathered *g, struct part p)
{
    struct gathered with = {.parts = 0};
    uint32_t i = 0;
    while (i < g->parts && g->part[i].to < p.from)
        with.part[with.parts++] = g->part[i++];
    for (; i < g->parts && g->part[i].from <= p.to; i++) {
        p.from = g->part[i].from < p.from ? g->part[i].from : p.from;
        p.to = g->part[i].to > p.to ? g->part[i].to : p.to;
    }
    if (with.parts + 1 + (g->parts - i) > GATHER_PARTS_MAX)
        return false;
    with.part[with.parts++] = p;
    while (i < g->parts)
        with.part[with.parts++] = g->part[i++];
    *g = with;
    return true;
}

bool gather_add(struct dissection *d, size_t offset, struct bytes part)
{
    struct dissect_side *side = side_of(d);
    if (part.len == 0)
        return true;
    if (offset > GATHER_MAX || part.len > GATHER_MAX - offset)
        return false;
    size_t end = sizeof(struct gathered) + offset + part.len;
    bool first = side->len == 0;
    if (!dissect_room(d, end > side->len ? end : side->len))
        return false;
    struct gathered *g = list_of(d);
    if (first)
        g->parts = 0;
    if (!put(g, (struct part){(uint32_t)offset, (uint32_t)(offset + part.len)}))
        return false;
    memcpy(side->pending + sizeof *g + offset, part.at, part.len);
    if (end > side->len)
        side->len = (uint32_t)end;
    return true;
}

struct bytes gather_known(const struct dissection *d)
{
    const struct dissect_side *side = side_of(d);
    if (side->len < sizeof(struct gathered))
        return bytes_of(NULL, 0);
    const struct gathered *g = list_of(d);
    bool begun = g->parts && g->part[0].from == 0;
    return bytes_of(side->pending + sizeof *g, begun ? g->part[0].to : 0);
}

void gather_clear(struct dissection *d)
{
    dissect_forget(d);
}
