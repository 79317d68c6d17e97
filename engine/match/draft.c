/*
 * draft: two arrays that grow, and a table over each: one finds the indicator of a key, one the source of a record.
 */
#include "match/draft.h"

#include "match/inside.h"

#include <stdio.h>
#include <stdlib.h>

enum { SOURCES_MAX = 1 << 27 };

#define NOBODY UINT32_MAX

static void *grown(void *array, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return array;
    *cap = need < 64 ? 64 : need + need / 2;
    array = realloc(array, *cap * size);
    if (!array) {
        fputs("out of memory: indicators\n", stderr);
        abort();
    }
    return array;
}

struct draft *draft_new(void)
{
    size_t none = 0;
    struct draft *d = grown(NULL, &none, 1, sizeof *d);
    memset(d, 0, sizeof *d);
    hash_key_random(&d->hash);
    table_init(&d->by_key, DRAFT_INDICATORS_MAX);
    table_init(&d->by_record, SOURCES_MAX);
    return d;
}

/* Only what counts for the type, so that two keys that mean the same are the same. */
static struct indicator_key essence(const struct indicator_key *key)
{
    struct indicator_key k = {.type = key->type, .where = key->where, .only = key->only};
    if (observable_is_address(key->type))
        k.block = key->block;
    else
        k.value = key->value;
    if (key->type == OBSERVABLE_IP_PORT)
        k.port = key->port;
    return k;
}

static uint64_t hash_of_key(const struct draft *d, const struct indicator_key *k)
{
    const uint64_t parts[] = {
        hash_keyed(&d->hash, k->value.at, k->value.len),
        hash_keyed(&d->hash, k->block.address.octet, sizeof k->block.address.octet),
        (uint64_t)k->type << 48 | (uint64_t)k->where << 32 | (uint64_t)k->only << 31 | (uint64_t)k->block.bits << 16 |
            k->port,
    };
    return hash_keyed(&d->hash, parts, sizeof parts);
}

static uint64_t hash_of_record(const struct draft *d, uint32_t indicator, const struct indicator_source *s)
{
    const uint64_t parts[] = {
        indicator,
        hash_keyed(&d->hash, s->feed.at, s->feed.len),
        hash_keyed(&d->hash, s->id.at, s->id.len),
    };
    return hash_keyed(&d->hash, parts, sizeof parts);
}

static bool check(const struct indicator_key *k, struct fail *why)
{
    if (observable_is_address(k->type))
        return true;
    if (k->value.len == 0)
        return fail_set(why, "an empty value");
    if (k->value.len > OBSERVABLE_VALUE_MAX)
        return fail_set(why, "a value of %zu octets, at most %d", k->value.len, OBSERVABLE_VALUE_MAX);
    switch (k->type) {
    case OBSERVABLE_REGEX: return patterns_check(PATTERNS_REGEX, k->value, why);
    case OBSERVABLE_CONTENT: return patterns_check(PATTERNS_LITERAL, k->value, why);
    case OBSERVABLE_USER_AGENT: return patterns_check(PATTERNS_LITERAL_CASELESS, k->value, why);
    default: return true;
    }
}

static uint32_t find_indicator(const struct draft *d, uint64_t hash, const struct indicator_key *k)
{
    for (uint32_t slot = table_first(&d->by_key, hash); slot != TABLE_NONE; slot = table_next(&d->by_key, hash, slot)) {
        uint32_t i = table_value(&d->by_key, slot);
        if (indicator_key_equal(&d->indicators[i].key, k))
            return i;
    }
    return NOBODY;
}

static uint32_t add_indicator(struct draft *d, uint64_t hash, const struct indicator_key *k, struct fail *why)
{
    if (!check(k, why))
        return NOBODY;
    if (!table_add(&d->by_key, hash, d->indicator_count)) {
        fail_set(why, "too many indicators: at most %d", DRAFT_INDICATORS_MAX);
        return NOBODY;
    }
    d->indicators = grown(d->indicators, &d->indicators_cap, (size_t)d->indicator_count + 1, sizeof *d->indicators);
    struct drafted *i = &d->indicators[d->indicator_count];
    *i = (struct drafted){.key = *k, .first = NOBODY, .last = NOBODY};
    i->key.value = keep_text(&d->arena, k->value);
    return d->indicator_count++;
}

static struct indicator_source keep_source(struct draft *d, const struct indicator_source *s)
{
    struct indicator_source kept = *s;
    kept.feed = keep_repeated(&d->arena, &d->feed, s->feed);
    kept.tags = keep_repeated(&d->arena, &d->tags, s->tags);
    kept.id = keep_text(&d->arena, s->id);
    kept.description = keep_text(&d->arena, s->description);
    kept.reference = keep_text(&d->arena, s->reference);
    return kept;
}

static uint32_t find_source(const struct draft *d, uint64_t hash, uint32_t indicator, const struct indicator_source *s)
{
    for (uint32_t slot = table_first(&d->by_record, hash); slot != TABLE_NONE;
         slot = table_next(&d->by_record, hash, slot)) {
        uint32_t i = table_value(&d->by_record, slot);
        const struct drafted_source *have = &d->sources[i];
        if (have->indicator == indicator && bytes_equal(have->said.feed, s->feed) && bytes_equal(have->said.id, s->id))
            return i;
    }
    return NOBODY;
}

static bool add_source(struct draft *d, uint64_t hash, uint32_t indicator, const struct indicator_source *s,
                       struct fail *why)
{
    if (!table_add(&d->by_record, hash, d->source_count))
        return fail_set(why, "too many sources: at most %d", SOURCES_MAX);
    d->sources = grown(d->sources, &d->sources_cap, (size_t)d->source_count + 1, sizeof *d->sources);
    uint32_t index = d->source_count++;
    d->sources[index] = (struct drafted_source){.said = keep_source(d, s), .indicator = indicator, .next = NOBODY};
    struct drafted *i = &d->indicators[indicator];
    if (i->sources++ == 0)
        i->first = index;
    else
        d->sources[i->last].next = index;
    i->last = index;
    return true;
}

/* What a source says is shown to people and sent on with every finding: it is cut, at a whole character. */
static struct bytes cut(struct bytes text, size_t max)
{
    if (text.len <= max)
        return text;
    size_t len = max;
    while (len && (text.at[len] & 0xc0) == 0x80)
        len--;
    return bytes_until(text, len);
}

static struct indicator_source cut_source(const struct indicator_source *s)
{
    struct indicator_source c = *s;
    c.feed = cut(s->feed, INDICATOR_NAME_MAX);
    c.id = cut(s->id, INDICATOR_NAME_MAX);
    c.tags = cut(s->tags, INDICATOR_TEXT_MAX);
    c.description = cut(s->description, INDICATOR_TEXT_MAX);
    c.reference = cut(s->reference, INDICATOR_TEXT_MAX);
    return c;
}

bool draft_add(struct draft *d, const struct indicator_key *key, const struct indicator_source *said, struct fail *why)
{
    struct indicator_source bounded = cut_source(said);
    const struct indicator_source *source = &bounded;
    struct indicator_key k = essence(key);
    uint64_t hash = hash_of_key(d, &k);
    uint32_t indicator = find_indicator(d, hash, &k);
    if (indicator == NOBODY)
        indicator = add_indicator(d, hash, &k, why);
    if (indicator == NOBODY)
        return false;
    hash = hash_of_record(d, indicator, source);
    uint32_t known = find_source(d, hash, indicator, source);
    if (known == NOBODY)
        return add_source(d, hash, indicator, source, why);
    d->sources[known].said = keep_source(d, source);
    return true;
}

uint32_t draft_count(const struct draft *d)
{
    return d->indicator_count;
}

uint32_t draft_sources(const struct draft *d)
{
    return d->source_count;
}

void draft_free(struct draft *d)
{
    if (!d)
        return;
    table_free(&d->by_key);
    table_free(&d->by_record);
    free(d->indicators);
    free(d->sources);
    arena_free(&d->arena);
    free(d);
}
