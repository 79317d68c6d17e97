/*
 * Datagrams in the order in which they began; of each the parts that are there, in the order of their place, none over
 * another.
 */
#include "wire/fragment.h"

#include "base/hash.h"
#include "base/table.h"

#include <assert.h>
#include <stdlib.h>

#define NONE UINT32_MAX

enum { CHUNK_DATAGRAMS = 64, WHOLES_MAX = DECODE_TUNNELS_MAX + 1 };

struct part {
    struct part *next;
    uint32_t at;
    uint32_t len;
    uint8_t octets[];
};

/* What the fragments of a datagram have in common. The numbers have no unnamed octets between them: it is hashed. */
struct identity {
    struct address src, dst;
    uint32_t id;
    uint16_t vlan[TUPLE_VLANS_MAX];
    uint8_t proto; /* of IPv4 alone */
    uint8_t tunnel;
    uint16_t zero;
};

struct datagram {
    struct identity identity;
    uint64_t hash;
    int64_t begun_ns;
    struct part *first;
    struct part *last;
    uint32_t parts;
    uint32_t have; /* octets */
    uint32_t len;  /* of the whole; 0: the last fragment has not come */
    uint8_t proto; /* what it holds, as the first one in it says */
    bool dropped;  /* an overlap: what comes of it is passed over */
    uint32_t index;
    uint32_t older;
    uint32_t newer;
};

struct fragments {
    struct table table;
    struct hash_key key;
    struct datagram **chunks;
    uint32_t chunk_count;
    uint32_t used;
    uint32_t free; /* linked by `newer` */
    uint32_t oldest;
    uint32_t newest;
    size_t held;
    size_t held_max;
    struct wire_counts *counts;
    uint8_t *wholes[WHOLES_MAX]; /* of one frame, one within the other; allocated when first needed */
    unsigned whole_count;
};

static struct datagram *datagram_at(const struct fragments *t, uint32_t index)
{
    return &t->chunks[index / CHUNK_DATAGRAMS][index % CHUNK_DATAGRAMS];
}

struct fragments *fragments_new(size_t octets_max, struct wire_counts *counts)
{
    struct fragments *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    table_init(&t->table, (uint32_t)(octets_max / sizeof(struct datagram)) + 1);
    hash_key_random(&t->key);
    t->free = t->oldest = t->newest = NONE;
    t->held_max = octets_max;
    t->counts = counts;
    return t;
}

static struct identity identity_of(const struct packet *p)
{
    struct identity i = {.src = p->tuple.src, .dst = p->tuple.dst, .id = p->part_id, .tunnel = p->tuple.tunnel};
    memcpy(i.vlan, p->tuple.vlan, sizeof i.vlan);
    if (address_is_v4(&i.src))
        i.proto = p->tuple.proto;
    return i;
}

static_assert(sizeof(struct identity) == 2 * 16 + 4 + 2 * TUPLE_VLANS_MAX + 4, "no unnamed octets");

static struct datagram *find(const struct fragments *t, const struct identity *i, uint64_t hash)
{
    for (uint32_t slot = table_first(&t->table, hash); slot != TABLE_NONE; slot = table_next(&t->table, hash, slot)) {
        struct datagram *d = datagram_at(t, table_value(&t->table, slot));
        if (memcmp(&d->identity, i, sizeof *i) == 0)
            return d;
    }
    return NULL;
}

static struct datagram *take(struct fragments *t)
{
    if (t->free != NONE) {
        struct datagram *d = datagram_at(t, t->free);
        t->free = d->newer;
        return d;
    }
    if (t->used == t->chunk_count * CHUNK_DATAGRAMS) {
        t->chunks = realloc(t->chunks, (t->chunk_count + 1) * sizeof *t->chunks);
        struct datagram *chunk = t->chunks ? calloc(CHUNK_DATAGRAMS, sizeof *chunk) : NULL;
        if (!chunk)
            abort();
        t->chunks[t->chunk_count++] = chunk;
    }
    struct datagram *d = datagram_at(t, t->used);
    d->index = t->used++;
    return d;
}

static void drop_parts(struct fragments *t, struct datagram *d)
{
    for (struct part *p = d->first, *next; p; p = next) {
        next = p->next;
        t->held -= sizeof *p + p->len;
        free(p);
    }
    d->first = d->last = NULL;
    d->parts = d->have = 0;
}

static void forget(struct fragments *t, struct datagram *d)
{
    uint32_t slot = table_first(&t->table, d->hash);
    while (table_value(&t->table, slot) != d->index)
        slot = table_next(&t->table, d->hash, slot);
    table_remove(&t->table, slot);
    drop_parts(t, d);
    t->held -= sizeof *d;
    *(d->older != NONE ? &datagram_at(t, d->older)->newer : &t->oldest) = d->newer;
    *(d->newer != NONE ? &datagram_at(t, d->newer)->older : &t->newest) = d->older;
    d->newer = t->free;
    t->free = d->index;
}

/* The oldest give, but not this one; false when it is all that there is. */
static bool make_room(struct fragments *t, size_t octets, const struct datagram *but)
{
    while (t->held + octets > t->held_max) {
        struct datagram *d = t->oldest != NONE ? datagram_at(t, t->oldest) : NULL;
        if (d && d == but)
            d = d->newer != NONE ? datagram_at(t, d->newer) : NULL;
        if (!d)
            return false;
        t->counts->datagrams_evicted++;
        forget(t, d);
    }
    return true;
}

static struct datagram *begin(struct fragments *t, const struct identity *i, uint64_t hash, int64_t clock_ns)
{
    if (!make_room(t, sizeof(struct datagram), NULL))
        return NULL;
    struct datagram *d = take(t);
    uint32_t index = d->index;
    *d = (struct datagram){
        .identity = *i, .hash = hash, .begun_ns = clock_ns, .index = index, .older = t->newest, .newer = NONE};
    *(t->newest != NONE ? &datagram_at(t, t->newest)->newer : &t->oldest) = index;
    t->newest = index;
    t->held += sizeof *d;
    table_add(&t->table, hash, index);
    return d;
}

/* Whether it can be a part of this datagram. */
static bool fits(const struct datagram *d, const struct packet *p)
{
    uint32_t end = p->part_at + p->part_len;
    uint32_t known = d->last ? d->last->at + d->last->len : 0;
    if (!p->part_len || end > FRAGMENTS_DATAGRAM_MAX || d->parts >= FRAGMENTS_PARTS_MAX)
        return false;
    if (p->more_fragments)
        return p->part_len % 8 == 0 && (!d->len || end <= d->len);
    return d->len ? end == d->len : end >= known;
}

static bool is_repetition(const struct datagram *d, const struct packet *p)
{
    for (const struct part *is = d->first; is && is->at <= p->part_at; is = is->next)
        if (is->at == p->part_at && is->len == p->part.len)
            return memcmp(is->octets, p->part.at, is->len) == 0;
    return false;
}

static struct part *part_new(struct fragments *t, struct datagram *d, uint32_t at, const uint8_t *octets, uint32_t len)
{
    struct part *part = malloc(sizeof *part + len);
    if (!part)
        abort();
    *part = (struct part){.at = at, .len = len};
    memcpy(part->octets, octets, len);
    t->held += sizeof *part + len;
    d->have += len;
    d->parts++;
    return part;
}

/* Puts in what is not there yet; true when some of it was. */
static bool put(struct fragments *t, struct datagram *d, const struct packet *p)
{
    uint32_t at = p->part_at, end = at + p->part_len;
    bool overlap = false;
    bool behind = d->last && at >= d->last->at + d->last->len; /* as they mostly come */
    struct part **link = behind ? &d->last->next : &d->first;
    while (at < end) {
        struct part *is = *link;
        if (is && is->at + is->len <= at) {
            link = &is->next;
        } else if (is && is->at <= at) {
            overlap = true;
            at = is->at + is->len;
        } else {
            uint32_t until = is && is->at < end ? is->at : end;
            struct part *part = part_new(t, d, at, p->part.at + (at - p->part_at), until - at);
            part->next = is;
            *link = part;
            if (!is)
                d->last = part;
            at = until;
        }
    }
    return overlap;
}

/* Takes a part; false: it is of no use. */
static bool add(struct fragments *t, struct datagram *d, const struct packet *p)
{
    if (d->dropped || is_repetition(d, p))
        return false;
    if (!fits(d, p)) {
        t->counts->fragments_refused++;
        return false;
    }
    if (!make_room(t, 2 * sizeof(struct part) + p->part_len, d)) {
        t->counts->fragments_refused++;
        return false;
    }
    if (put(t, d, p)) {
        t->counts->fragments_overlap++;
        if (!address_is_v4(&d->identity.src)) {
            d->dropped = true;
            drop_parts(t, d);
            return false;
        }
    }
    if (!p->later_fragment)
        d->proto = p->tuple.proto;
    if (!p->more_fragments)
        d->len = p->part_at + p->part_len;
    return true;
}

static struct bytes assembled(struct fragments *t, const struct datagram *d)
{
    uint8_t **whole = &t->wholes[t->whole_count++];
    if (!*whole && !(*whole = malloc(FRAGMENTS_DATAGRAM_MAX)))
        abort();
    for (const struct part *p = d->first; p; p = p->next)
        memcpy(*whole + p->at, p->octets, p->len);
    return bytes_of(*whole, d->len);
}

/* What becomes of a fragment: the datagram, or it is left out unless it is to be shown. */
static bool join(struct fragments *t, int64_t clock_ns, struct packet *p, unsigned room, unsigned *more)
{
    t->counts->fragments++;
    *more = !p->later_fragment;
    if (p->part.len < p->part_len) {
        t->counts->fragments_cut++;
        return false;
    }
    struct identity i = identity_of(p);
    uint64_t hash = hash_keyed(&t->key, &i, sizeof i);
    struct datagram *d = find(t, &i, hash);
    if (!d) {
        d = begin(t, &i, hash, clock_ns);
        *more = 1;
    }
    if (!d || !add(t, d, p) || !d->len || d->have < d->len || t->whole_count == WHOLES_MAX)
        return false;
    struct bytes whole = assembled(t, d);
    uint8_t proto = d->proto;
    forget(t, d);
    t->counts->datagrams_joined++;
    decode_datagram(p, proto, whole, room, more);
    return true;
}

void fragments_join(struct fragments *t, int64_t clock_ns, struct packet out[DECODE_PACKETS_MAX], unsigned *count)
{
    unsigned before = *count - 1, more = 1;
    while (out[before].fragment && join(t, clock_ns, &out[before], DECODE_PACKETS_MAX - before, &more))
        before += more - 1, more = 1;
    *count = before + more;
}

void fragments_release(struct fragments *t)
{
    t->whole_count = 0;
}

void fragments_tick(struct fragments *t, int64_t clock_ns)
{
    while (t->oldest != NONE) {
        struct datagram *d = datagram_at(t, t->oldest);
        if (d->begun_ns > clock_ns - FRAGMENTS_TIMEOUT_NS)
            return;
        t->counts->datagrams_late++;
        forget(t, d);
    }
}

size_t fragments_held(const struct fragments *t)
{
    return t->held;
}

void fragments_free(struct fragments *t)
{
    if (!t)
        return;
    while (t->oldest != NONE)
        forget(t, datagram_at(t, t->oldest));
    for (uint32_t i = 0; i < t->chunk_count; i++)
        free(t->chunks[i]);
    free(t->chunks);
    for (unsigned i = 0; i < WHOLES_MAX; i++)
        free(t->wholes[i]);
    table_free(&t->table);
    free(t);
}
