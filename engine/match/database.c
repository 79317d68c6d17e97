/*
 * database: each kind of value to the cheapest matcher that is right.
 *
 * The exact table knows values of all types together. Names and URLs come to it with several candidates: every label
 * suffix, every part that ends at a path boundary. Their hashes are made and prefetched first and probed then, so that
 * the cache misses of one look-up run side by side.
 */
#include "match/database.h"

#include "match/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { CANDIDATES_MAX = 127 }; /* the labels of a name of 253 octets */

_Static_assert(2 * DATABASE_URL_BOUNDARIES + 1 <= CANDIDATES_MAX, "a boundary ends a part before it and one behind it");

/* In `blocks`: the last indicator of its block. Indicators are fewer than 2^26. */
#define LAST_OF_BLOCK (UINT32_C(1) << 31)

static void *take(size_t size)
{
    void *p = calloc(1, size);
    if (!p) {
        fputs("out of memory: indicator database\n", stderr);
        abort();
    }
    return p;
}

/* ---- building ---- */

static bool is_block(const struct indicator_key *k)
{
    return k->type == OBSERVABLE_IPV4_ADDR || k->type == OBSERVABLE_IPV6_ADDR;
}

static bool is_pattern(const struct indicator_key *k)
{
    return k->type == OBSERVABLE_USER_AGENT || k->type == OBSERVABLE_REGEX || k->type == OBSERVABLE_CONTENT;
}

/* An address and port as octets, so that they can be hashed and compared like any other value. */
enum { SOCKET_OCTETS = sizeof(struct address) + sizeof(uint16_t) };

static struct bytes socket_octets(const struct address *a, uint16_t port, uint8_t room[SOCKET_OCTETS])
{
    memcpy(room, a->octet, sizeof a->octet);
    memcpy(room + sizeof a->octet, &port, sizeof port);
    return bytes_of(room, SOCKET_OCTETS);
}

/* What an indicator of the exact table is found by. */
static struct bytes compared(const struct indicator_key *k, uint8_t room[SOCKET_OCTETS])
{
    switch (k->type) {
    case OBSERVABLE_IP_PORT: return socket_octets(&k->block.address, k->port, room);
    case OBSERVABLE_URL: return url_without_scheme(k->value);
    default: return k->value;
    }
}

static uint64_t hash_of(const struct database *db, enum observable_type type, struct bytes value)
{
    return hash_keyed(&db->hash, value.at, value.len) + (uint64_t)type * UINT64_C(0x9e3779b97f4a7c15);
}

static void lengths_add(struct lengths *l, size_t len)
{
    assert(len <= OBSERVABLE_VALUE_MAX);
    l->bits[len / 64] |= UINT64_C(1) << len % 64;
}

static bool lengths_have(const struct lengths *l, size_t len)
{
    return len <= OBSERVABLE_VALUE_MAX && (l->bits[len / 64] >> len % 64 & 1);
}

static void copy_sources(struct database *db, const struct draft *d)
{
    struct repeated feed = {0}, tags = {0};
    uint32_t next = 0;
    for (uint32_t i = 0; i < db->count; i++) {
        db->indicators[i].source_first = next;
        db->indicators[i].source_count = d->indicators[i].sources;
        uint32_t from = d->indicators[i].first;
        for (uint32_t left = d->indicators[i].sources; left; left--, from = d->sources[from].next) {
            struct indicator_source *s = &db->sources[next++];
            *s = d->sources[from].said;
            s->feed = keep_repeated(&db->arena, &feed, s->feed);
            s->tags = keep_repeated(&db->arena, &tags, s->tags);
            s->id = keep_text(&db->arena, s->id);
            s->description = keep_text(&db->arena, s->description);
            s->reference = keep_text(&db->arena, s->reference);
        }
    }
}

/* Patterns look into what other kinds are told as. */
static uint32_t kinds_of(const struct indicator_key *k)
{
    uint32_t digests = 1u << OBSERVABLE_MD5 | 1u << OBSERVABLE_SHA1 | 1u << OBSERVABLE_SHA256 | 1u << OBSERVABLE_SHA512;
    if (!is_pattern(k))
        return 1u << k->type;
    return 1u << k->type | (k->where == WHERE_FILE_NAME   ? 1u << OBSERVABLE_FILE_NAME
                            : k->where == WHERE_FILE_HASH ? digests
                                                          : 0);
}

static void copy_indicators(struct database *db, const struct draft *d)
{
    db->count = d->indicator_count;
    db->indicators = arena_take(&db->arena, ((size_t)db->count + 1) * sizeof *db->indicators);
    db->sources = arena_take(&db->arena, ((size_t)d->source_count + 1) * sizeof *db->sources);
    for (uint32_t i = 0; i < db->count; i++) {
        db->indicators[i].key = d->indicators[i].key;
        db->indicators[i].key.value = keep_text(&db->arena, d->indicators[i].key.value);
        db->kinds |= kinds_of(&db->indicators[i].key);
    }
    copy_sources(db, d);
}

static void build_exact(struct database *db)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < db->count; i++)
        count += !is_block(&db->indicators[i].key) && !is_pattern(&db->indicators[i].key);
    if (count == 0)
        return;
    table_reserve(&db->exact, count);
    for (uint32_t i = 0; i < db->count; i++) {
        const struct indicator_key *k = &db->indicators[i].key;
        if (is_block(k) || is_pattern(k))
            continue;
        uint8_t room[SOCKET_OCTETS];
        struct bytes value = compared(k, room);
        lengths_add(&db->lengths[k->type], value.len);
        table_add(&db->exact, hash_of(db, k->type, value), i);
    }
}

static int by_block(const void *left, const void *right, void *indicators)
{
    uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    const struct indicator *all = indicators;
    const struct block *a = &all[l].key.block, *b = &all[r].key.block;
    int order = memcmp(&a->address, &b->address, sizeof a->address);
    if (order == 0)
        order = (a->bits > b->bits) - (a->bits < b->bits);
    return order ? order : (l > r) - (l < r);
}

static bool same_block(const struct block *a, const struct block *b)
{
    return a->bits == b->bits && address_equal(&a->address, &b->address);
}

/* One entry of the prefix table for all indicators of a block (of several `where`): they stand side by side. */
static void build_blocks(struct database *db)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < db->count; i++)
        count += is_block(&db->indicators[i].key);
    if (count == 0)
        return;
    db->blocks = arena_take(&db->arena, count * sizeof *db->blocks);
    uint32_t next = 0;
    for (uint32_t i = 0; i < db->count; i++)
        if (is_block(&db->indicators[i].key))
            db->blocks[next++] = i;
    qsort_r(db->blocks, count, sizeof *db->blocks, by_block, db->indicators);

    struct block *blocks = take(count * sizeof *blocks);
    uint32_t *values = take(count * sizeof *values);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct block block = db->indicators[db->blocks[i]].key.block;
        if (distinct == 0 || !same_block(&blocks[distinct - 1], &block)) {
            blocks[distinct] = block;
            values[distinct++] = i;
        }
    }
    for (uint32_t i = 0; i < distinct; i++)
        db->blocks[(i + 1 < distinct ? values[i + 1] : count) - 1] |= LAST_OF_BLOCK;
    prefix_build(&db->prefix, blocks, values, distinct);
    free(blocks);
    free(values);
}

static unsigned shelf_of(const struct indicator_key *k)
{
    if (k->type == OBSERVABLE_USER_AGENT)
        return SHELF_AGENTS;
    bool regex = k->type == OBSERVABLE_REGEX;
    if (k->where == WHERE_ANY || k->where == WHERE_PAYLOAD)
        return regex ? SHELF_PAYLOAD_REGEX : SHELF_PAYLOAD_CONTENT;
    return SHELF_FIELDS + 2 * (unsigned)k->where + regex;
}

static enum patterns_kind shelf_kind(unsigned shelf)
{
    if (shelf == SHELF_AGENTS)
        return PATTERNS_LITERAL_CASELESS;
    bool regex = shelf == SHELF_PAYLOAD_REGEX || (shelf >= SHELF_FIELDS && (shelf - SHELF_FIELDS) % 2 == 1);
    return regex ? PATTERNS_REGEX : PATTERNS_LITERAL;
}

static bool shelf_streams(unsigned shelf)
{
    return shelf == SHELF_PAYLOAD_CONTENT || shelf == SHELF_PAYLOAD_REGEX;
}

static bool fill_shelf(struct database *db, unsigned shelf, struct pattern *room, struct fail *why)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < db->pattern_count; n++) {
        const struct indicator_key *k = &db->indicators[db->patterns[n]].key;
        if (shelf_of(k) == shelf)
            room[count++] = (struct pattern){.expression = k->value, .value = n};
    }
    if (count == 0)
        return true;
    db->shelves[shelf] = patterns_build(shelf_kind(shelf), shelf_streams(shelf), room, count, why);
    return db->shelves[shelf] || fail_at(why, "%u patterns together", count);
}

static bool build_patterns(struct database *db, struct fail *why)
{
    for (uint32_t i = 0; i < db->count; i++)
        db->pattern_count += is_pattern(&db->indicators[i].key);
    if (db->pattern_count == 0)
        return true;
    db->patterns = arena_take(&db->arena, db->pattern_count * sizeof *db->patterns);
    uint32_t next = 0;
    for (uint32_t i = 0; i < db->count; i++)
        if (is_pattern(&db->indicators[i].key))
            db->patterns[next++] = i;
    struct pattern *room = take(db->pattern_count * sizeof *room);
    bool built = true;
    for (unsigned shelf = 0; built && shelf < SHELVES; shelf++)
        built = fill_shelf(db, shelf, room, why);
    free(room);
    return built;
}

static size_t weigh(const struct database *db)
{
    size_t bytes = sizeof *db + db->arena.bytes + db->prefix.count * sizeof *db->prefix.entries;
    if (db->exact.entries)
        bytes += ((size_t)db->exact.mask + 1) * sizeof *db->exact.entries;
    for (unsigned shelf = 0; shelf < SHELVES; shelf++)
        bytes += db->shelves[shelf] ? patterns_bytes(db->shelves[shelf]) : 0;
    return bytes;
}

static void database_free(struct database *db)
{
    for (unsigned shelf = 0; shelf < SHELVES; shelf++)
        patterns_free(db->shelves[shelf]);
    prefix_free(&db->prefix);
    table_free(&db->exact);
    arena_free(&db->arena);
    free(db);
}

struct database *database_build(const struct draft *d, uint32_t generation, struct fail *why)
{
    struct database *db = take(sizeof *db);
    db->generation = generation;
    hash_key_random(&db->hash);
    table_init(&db->exact, DRAFT_INDICATORS_MAX);
    holds_init(&db->holds);
    copy_indicators(db, d);
    build_exact(db);
    build_blocks(db);
    if (!build_patterns(db, why)) {
        database_free(db);
        return NULL;
    }
    db->bytes = weigh(db);
    return db;
}

/* A hold counts readers; it changes nothing that any of them reads. */
static struct holds *holds_of(const struct database *db)
{
    return &((struct database *)(uintptr_t)db)->holds;
}

void database_hold(const struct database *db)
{
    holds_take(holds_of(db));
}

void database_drop(const struct database *db)
{
    if (db && holds_drop(holds_of(db)))
        database_free((struct database *)(uintptr_t)db);
}

uint32_t database_generation(const struct database *db)
{
    return db->generation;
}

uint32_t database_count(const struct database *db)
{
    return db->count;
}

uint32_t database_kinds(const struct database *db)
{
    return db->kinds;
}

size_t database_bytes(const struct database *db)
{
    return db->bytes;
}

const struct indicator *database_indicator(const struct database *db, uint32_t index)
{
    assert(index < db->count);
    return &db->indicators[index];
}

const struct indicator_source *database_sources(const struct database *db, uint32_t index, uint32_t *count)
{
    assert(index < db->count);
    *count = db->indicators[index].source_count;
    return db->sources + db->indicators[index].source_first;
}

/* ---- the asker ---- */

struct asker *asker_new(void)
{
    struct asker *a = take(sizeof *a);
    a->scratch = pattern_scratch_new();
    return a;
}

bool asker_fit(struct asker *a, const struct database *db)
{
    for (unsigned shelf = 0; shelf < SHELVES; shelf++)
        if (db->shelves[shelf] && !pattern_scratch_grow(a->scratch, db->shelves[shelf]))
            return false;
    if (db->pattern_count <= a->seen_cap)
        return true;
    uint32_t *seen = calloc(db->pattern_count, sizeof *seen);
    if (!seen)
        return false;
    free(a->seen);
    a->seen = seen;
    a->seen_cap = db->pattern_count;
    a->round = 0;
    return true;
}

void asker_free(struct asker *a)
{
    if (!a)
        return;
    pattern_scratch_free(a->scratch);
    free(a->seen);
    free(a);
}

void asker_round(struct asker *a)
{
    if (++a->round != 0)
        return;
    memset(a->seen, 0, a->seen_cap * sizeof *a->seen);
    a->round = 1;
}

/* ---- asking ---- */

struct candidate {
    struct bytes value;
    uint64_t hash;
};

struct question {
    const struct database *db;
    const struct observable *o;
    struct asker *asker;
    struct match *out; /* by indicator */
    unsigned count;
    unsigned more;
    unsigned candidates;
    struct candidate candidate[CANDIDATES_MAX];
};

/* Who asks with no place in mind (`lookup`) hears of indicators of every place. */
static bool where_fits(enum where indicator, enum where seen)
{
    return indicator == WHERE_ANY || indicator == seen || seen == WHERE_ANY;
}

/* Keeps the first DATABASE_MATCHES_MAX in order, whatever order they are met in. */
static void meet(struct question *q, uint32_t indicator, enum indicator_match how)
{
    if (!where_fits(q->db->indicators[indicator].key.where, q->o->where))
        return;
    if (q->count == DATABASE_MATCHES_MAX) {
        q->more++;
        if (q->out[q->count - 1].indicator < indicator)
            return;
        q->count--;
    }
    unsigned at = q->count++;
    for (; at && q->out[at - 1].indicator > indicator; at--)
        q->out[at] = q->out[at - 1];
    q->out[at] = (struct match){.indicator = indicator, .how = how};
}

static void propose(struct question *q, struct bytes value)
{
    if (q->candidates == CANDIDATES_MAX || !lengths_have(&q->db->lengths[q->o->type], value.len))
        return;
    struct candidate *c = &q->candidate[q->candidates++];
    *c = (struct candidate){.value = value, .hash = hash_of(q->db, q->o->type, value)};
    table_prefetch(&q->db->exact, c->hash);
}

/* Meets the indicators whose value is a candidate; `part` is how, where the candidate is not the whole. */
static void probe(struct question *q, size_t whole, enum indicator_match part)
{
    const struct table *t = &q->db->exact;
    for (const struct candidate *c = q->candidate; c < q->candidate + q->candidates; c++) {
        bool is_whole = c->value.len == whole;
        for (uint32_t slot = table_first(t, c->hash); slot != TABLE_NONE; slot = table_next(t, c->hash, slot)) {
            const struct indicator_key *k = &q->db->indicators[table_value(t, slot)].key;
            uint8_t room[SOCKET_OCTETS];
            if (k->type == q->o->type && (is_whole || !k->only) && bytes_equal(compared(k, room), c->value))
                meet(q, table_value(t, slot), is_whole ? MATCH_EXACT : part);
        }
    }
}

/* The value, and what stands behind each of its dots, the shortest first. */
static void ask_name(struct question *q)
{
    struct bytes name = q->o->value;
    propose(q, name);
    for (size_t at = name.len; q->candidates < CANDIDATES_MAX && at > 0;) {
        const uint8_t *dot = memrchr(name.at, '.', at);
        if (!dot)
            break;
        at = (size_t)(dot - name.at);
        propose(q, bytes_from(name, at + 1));
    }
    probe(q, name.len, MATCH_SUFFIX);
}

/* The value, and each beginning of it that ends at a boundary of its path: before or behind a slash, or before the
 * query. The first is the host with its slash. */
static void ask_url(struct question *q)
{
    struct bytes url = url_without_scheme(q->o->value);
    propose(q, url);
    size_t host = bytes_find(url, '/');
    size_t longest = host + 1; /* of the beginnings so far: `//` has only one new one */
    unsigned boundaries = 0;
    if (longest < url.len)
        propose(q, bytes_until(url, longest));
    for (size_t at = longest; at < url.len && boundaries < DATABASE_URL_BOUNDARIES; at++) {
        if (url.at[at] != '/' && url.at[at] != '?')
            continue;
        boundaries++;
        if (at > longest)
            propose(q, bytes_until(url, at));
        longest = at;
        if (url.at[at] == '?')
            break;
        longest = at + 1;
        if (longest < url.len)
            propose(q, bytes_until(url, longest));
    }
    probe(q, url.len, MATCH_PREFIX);
}

static void ask_exact(struct question *q, struct bytes value)
{
    propose(q, value);
    probe(q, value.len, MATCH_EXACT);
}

/* A block of IPv6 that is wide enough to hold the shape of IPv4 means no IPv4 address. */
static void ask_address(struct question *q)
{
    const struct prefix *p = &q->db->prefix;
    bool v4 = address_is_v4(&q->o->address);
    for (uint32_t e = prefix_find(p, &q->o->address); e != PREFIX_NONE; e = prefix_wider(p, e)) {
        const uint32_t *at = q->db->blocks + prefix_value(p, e);
        uint8_t bits = q->db->indicators[*at & ~LAST_OF_BLOCK].key.block.bits;
        if (v4 && bits < ADDRESS_V4_BITS)
            return;
        for (;; at++) {
            meet(q, *at & ~LAST_OF_BLOCK, bits == 128 ? MATCH_EXACT : MATCH_BLOCK);
            if (*at & LAST_OF_BLOCK)
                break;
        }
    }
}

static bool on_pattern(void *to, uint32_t number, uint64_t end)
{
    (void)end;
    struct question *q = to;
    uint32_t indicator = q->db->patterns[number];
    bool agent = q->db->indicators[indicator].key.type == OBSERVABLE_USER_AGENT;
    if (asker_meets(q->asker, number))
        meet(q, indicator, agent ? MATCH_SUBSTRING : MATCH_PATTERN);
    return true;
}

static void ask_shelf(struct question *q, unsigned shelf, struct bytes value)
{
    if (q->db->shelves[shelf])
        patterns_scan(q->db->shelves[shelf], q->asker->scratch, value, on_pattern, q);
}

/* Names and addresses that were taken out of a URL or a mail address come with the field's name, but are not what
 * stood in it: an expression that says `^` means the field's own beginning. */
static bool is_whole_field(const struct observable *o)
{
    switch (o->where) {
    case WHERE_HTTP_URL:
    case WHERE_HTTP_REFERER: return o->type == OBSERVABLE_URL;
    case WHERE_SMTP_MAIL_FROM:
    case WHERE_SMTP_RCPT_TO: return o->type == OBSERVABLE_EMAIL_ADDR;
    default: return true;
    }
}

static void ask_patterns(struct question *q)
{
    char room[OBSERVABLE_VALUE_MAX];
    struct bytes value = q->o->value;
    if (observable_is_address(q->o->type))
        value = bytes_of(room, observable_write(q->o, room));
    asker_round(q->asker);
    if (q->o->type == OBSERVABLE_USER_AGENT)
        ask_shelf(q, SHELF_AGENTS, value);
    if (!is_whole_field(q->o))
        return;
    unsigned from = q->o->where == WHERE_ANY ? 0 : q->o->where;
    unsigned to = q->o->where == WHERE_ANY ? WHERES : from + 1;
    for (unsigned where = from; where < to; where++) {
        ask_shelf(q, SHELF_FIELDS + 2 * where, value);
        ask_shelf(q, SHELF_FIELDS + 2 * where + 1, value);
    }
}

unsigned database_ask(const struct database *db, struct asker *a, const struct observable *o,
                      struct match out[DATABASE_MATCHES_MAX], unsigned *more)
{
    assert(a->seen_cap >= db->pattern_count);
    struct question q;
    q.db = db;
    q.o = o;
    q.asker = a;
    q.out = out;
    q.count = q.more = q.candidates = 0; /* the candidates themselves stay unwritten: they are kilobytes */
    uint8_t room[SOCKET_OCTETS];
    switch (o->type) {
    case OBSERVABLE_IPV4_ADDR:
    case OBSERVABLE_IPV6_ADDR: ask_address(&q); break;
    case OBSERVABLE_IP_PORT: ask_exact(&q, socket_octets(&o->address, o->port, room)); break;
    case OBSERVABLE_DOMAIN_NAME: ask_name(&q); break;
    case OBSERVABLE_URL: ask_url(&q); break;
    default: ask_exact(&q, o->value);
    }
    if (db->pattern_count)
        ask_patterns(&q);
    *more += q.more;
    return q.count;
}
