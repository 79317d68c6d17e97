/*
 * place: networks are gathered in the order of the files, and become a table once all are there.
 */
#include "feed/place.h"

#include "base/prefix.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { ADDRESS_BITS = 128, CODES = 26 * 26 };

struct places {
    struct block *blocks; /* until the build, newest last */
    uint32_t *countries;  /* of each: the code's two letters */
    uint32_t count, room;
    struct prefix table;
    unsigned countries_count;
};

static const struct place_format *const formats[] = {&place_mmdb, &place_rir, &place_csv};

static void *grow(void *at, size_t count, size_t size)
{
    void *p = realloc(at, count * size);
    if (!p) {
        fprintf(stderr, "out of memory: %zu networks with their countries\n", count);
        abort();
    }
    return p;
}

struct places *places_new(void)
{
    struct places *p = grow(NULL, 1, sizeof *p);
    memset(p, 0, sizeof *p);
    return p;
}

void places_free(struct places *p)
{
    if (!p)
        return;
    free(p->blocks);
    free(p->countries);
    prefix_free(&p->table);
    free(p);
}

/* ---- reading */

bool places_probe(struct bytes content)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->probe(content))
            return true;
    return false;
}

bool places_read(struct places *p, struct bytes content, const struct place_sink *sink, struct place_report *report,
                 struct fail *why)
{
    *report = (struct place_report){.format = NULL};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct place_reading r = {p, sink, report};
        if (!formats[i]->probe(content))
            continue;
        report->format = formats[i]->name;
        return formats[i]->read(content, &r, why);
    }
    return fail_set(why, "expected networks with their countries (a MaxMind DB, a registry's delegated statistics, "
                         "or CSV of prefix,country), found something else");
}

bool place_network(struct place_reading *r, const struct block *block, const char country[3], struct fail *why)
{
    struct places *p = r->places;
    if (p->count == PLACE_NETWORKS_MAX)
        return fail_set(why, "more than %d networks", PLACE_NETWORKS_MAX);
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 1024;
        p->blocks = grow(p->blocks, p->room, sizeof *p->blocks);
        p->countries = grow(p->countries, p->room, sizeof *p->countries);
    }
    p->blocks[p->count] = *block;
    p->countries[p->count++] = (uint32_t)(uint8_t)country[0] << 8 | (uint8_t)country[1];
    r->report->networks++;
    return true;
}

void place_refuse(struct place_reading *r, unsigned line, const char *expected, struct bytes found)
{
    struct fail text = {.text = ""};
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_set(&text, "expected %s, found \"%s\"", expected, fail_quote(found, quote));
    r->report->refused++;
    r->sink->refused(r->sink->to, line, text.text);
}

/* ---- ranges */

static bool bit_is_set(const struct address *a, unsigned bit)
{
    return a->octet[bit / 8] >> (7 - bit % 8) & 1;
}

static struct address last_of(const struct block *b)
{
    struct address a = b->address;
    for (unsigned bit = b->bits; bit < ADDRESS_BITS; bit++)
        a.octet[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return a;
}

static int order(const struct address *a, const struct address *b)
{
    return memcmp(a, b, sizeof *a);
}

static void step(struct address *a)
{
    for (size_t i = sizeof a->octet; i-- > 0 && ++a->octet[i] == 0;)
        ;
}

/* From the front, each time the widest block that begins there and ends within. */
bool place_range(struct place_reading *r, const struct address *first, const struct address *last,
                 const char country[3], struct fail *why)
{
    unsigned widest = address_is_v4(first) ? ADDRESS_V4_BITS : 0;
    assert(order(first, last) <= 0 && address_is_v4(first) == address_is_v4(last));
    for (struct address at = *first;; step(&at)) {
        struct block b = {.address = at, .bits = ADDRESS_BITS};
        struct address end = at;
        while (b.bits > widest && !bit_is_set(&at, b.bits - 1u)) {
            struct address wider = last_of(&(struct block){.address = at, .bits = (uint8_t)(b.bits - 1)});
            if (order(&wider, last) > 0)
                break;
            b.bits--;
            end = wider;
        }
        if (!place_network(r, &b, country, why))
            return false;
        if (order(&end, last) >= 0)
            return true;
        at = end;
    }
}

/* ---- the table */

/* The entry of just this block, which is in the table. */
static uint32_t entry_of(const struct prefix *t, const struct block *b)
{
    uint32_t entry = prefix_find(t, &b->address);
    while (t->entries[entry].block.bits != b->bits)
        entry = prefix_wider(t, entry);
    return entry;
}

static unsigned count_countries(const struct prefix *t)
{
    bool seen[CODES] = {false};
    unsigned count = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t code = t->entries[i].value;
        bool *first = &seen[((code >> 8) - 'A') * 26 + ((code & 0xff) - 'A')];
        count += !*first;
        *first = true;
    }
    return count;
}

/* The table keeps what it is given first: so it is given the newest first. */
static void turn(struct places *p)
{
    for (uint32_t i = 0, k = p->count; i + 1 < k; i++) {
        struct block block = p->blocks[i];
        uint32_t country = p->countries[i];
        k--;
        p->blocks[i] = p->blocks[k];
        p->countries[i] = p->countries[k];
        p->blocks[k] = block;
        p->countries[k] = country;
    }
}

uint64_t places_build(struct places *p, struct block *example)
{
    uint64_t differing = 0;
    assert(!p->table.entries);
    turn(p);
    prefix_build(&p->table, p->blocks, p->countries, p->count);
    for (uint32_t i = 0; p->table.count < p->count && i < p->count; i++) {
        if (prefix_value(&p->table, entry_of(&p->table, &p->blocks[i])) == p->countries[i])
            continue;
        *example = p->blocks[i];
        differing++;
    }
    p->countries_count = count_countries(&p->table);
    free(p->blocks);
    free(p->countries);
    p->blocks = NULL;
    p->countries = NULL;
    return differing;
}

bool places_country(const struct places *p, const struct address *a, char country[3])
{
    uint32_t entry = p ? prefix_find(&p->table, a) : PREFIX_NONE;
    uint32_t code = entry == PREFIX_NONE ? 0 : prefix_value(&p->table, entry);
    country[0] = (char)(code >> 8);
    country[1] = (char)(code & 0xff);
    country[2] = 0;
    return code != 0;
}

uint64_t places_networks(const struct places *p)
{
    return p->table.count;
}

unsigned places_countries(const struct places *p)
{
    return p->countries_count;
}
