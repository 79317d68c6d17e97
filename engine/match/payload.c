/*
 * payload: the two payload shelves of a database, side by side over one side of a flow.
 *
 * Hyperscan promises no order among matches that end together, and which engine it picks depends on the processor. So
 * the matches of one scan are gathered, put in order of end and indicator, and told then: the same everywhere.
 *
 * A stream is freed when it is closed. A pool would have to let go of its streams before their database is dropped,
 * which needs its thread to hear of every drop; until opening shows in a measurement, it is not worth that.
 */
#include "match/inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SIDES = 2, /* contents, expressions */
    /* Matches told of one stream one by one. Who floods (an expression like `.`, a sender who repeats a content for
     * megabytes) gets each pattern once a scan from then on: its count stops being exact, nothing else goes blind. */
    TOLD_MAX = 4096,
};

struct payload_stream {
    const struct database *db;
    struct pattern_stream *streams[SIDES]; /* NULL where the database has no such patterns */
    uint64_t at;                           /* octets so far */
    uint64_t begun;                        /* where the last hole was: what the streams count from */
    uint32_t told;
};

typedef void payload_hit(void *to, const struct match *m);

struct listener {
    struct payload_stream *st;
    struct asker *asker;
    payload_hit *hit;
    void *to;
};

static const struct patterns *shelf(const struct database *db, int side)
{
    return db->shelves[side == 0 ? SHELF_PAYLOAD_CONTENT : SHELF_PAYLOAD_REGEX];
}

bool database_wants_payload(const struct database *db)
{
    return shelf(db, 0) || shelf(db, 1);
}

uint64_t payload_stream_at(const struct payload_stream *st)
{
    return st->at;
}

const struct database *payload_stream_database(const struct payload_stream *st)
{
    return st->db;
}

static void discard(struct payload_stream *st)
{
    for (int side = 0; side < SIDES; side++)
        pattern_stream_close(st->streams[side]);
    free(st);
}

struct payload_stream *payload_stream_open(const struct database *db)
{
    if (!database_wants_payload(db))
        return NULL;
    struct payload_stream *st = calloc(1, sizeof *st);
    if (!st)
        return NULL;
    for (int side = 0; side < SIDES; side++) {
        if (!shelf(db, side))
            continue;
        st->streams[side] = pattern_stream_open(shelf(db, side));
        if (!st->streams[side]) {
            discard(st);
            return NULL;
        }
    }
    st->db = db;
    database_hold(db);
    return st;
}

static int by_end(const void *left, const void *right)
{
    const struct match *a = left, *b = right;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return (a->indicator > b->indicator) - (a->indicator < b->indicator);
}

static void tell(struct listener *l)
{
    struct match *told = l->asker->told;
    unsigned count = l->asker->told_count;
    qsort(told, count, sizeof *told, by_end);
    l->asker->told_count = 0;
    for (unsigned i = 0; i < count; i++)
        if (i == 0 || by_end(&told[i - 1], &told[i]) != 0)
            l->hit(l->to, &told[i]);
}

static bool on_match(void *to, uint32_t number, uint64_t end)
{
    struct listener *l = to;
    struct payload_stream *st = l->st;
    bool first = asker_meets(l->asker, number);
    if (st->told >= TOLD_MAX && !first)
        return true;
    if (st->told < TOLD_MAX)
        st->told++;
    if (l->asker->told_count == ASKER_TOLD_MAX)
        tell(l);
    l->asker->told[l->asker->told_count++] =
        (struct match){.indicator = st->db->patterns[number], .how = MATCH_PATTERN, .end = st->begun + end};
    return true;
}

void payload_stream_scan(struct payload_stream *st, struct asker *a, struct bytes octets, payload_hit *hit, void *to)
{
    assert(a->seen_cap >= st->db->pattern_count);
    struct listener l = {.st = st, .asker = a, .hit = hit, .to = to};
    asker_round(a);
    for (int side = 0; side < SIDES; side++)
        if (st->streams[side])
            pattern_stream_scan(st->streams[side], a->scratch, octets, on_match, &l);
    st->at += octets.len;
    tell(&l);
}

void payload_stream_gap(struct payload_stream *st, struct asker *a, payload_hit *hit, void *to)
{
    assert(a->seen_cap >= st->db->pattern_count);
    struct listener l = {.st = st, .asker = a, .hit = hit, .to = to};
    asker_round(a);
    for (int side = 0; side < SIDES; side++)
        if (st->streams[side])
            pattern_stream_reset(st->streams[side], a->scratch, on_match, &l);
    st->begun = st->at;
    tell(&l);
}

void payload_stream_close(struct payload_stream *st, struct asker *a, payload_hit *hit, void *to)
{
    if (!st)
        return;
    payload_stream_gap(st, a, hit, to);
    const struct database *db = st->db;
    discard(st);
    database_drop(db);
}
