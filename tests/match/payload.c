#include "match/database.h"

#include "keys.h"

#include <criterion/criterion.h>

enum { HITS_MAX = 1 << 17 };

struct hits {
    unsigned count;
    struct match all[HITS_MAX];
};

static struct hits hits;

static void note(void *to, const struct match *m)
{
    struct hits *h = to;
    cr_assert_lt(h->count, HITS_MAX);
    h->all[h->count++] = *m;
}

struct known {
    enum observable_type type;
    enum where where;
    const char *value;
};

static struct database *build(const struct known *known, size_t count)
{
    struct draft *d = draft_new();
    for (size_t i = 0; i < count; i++) {
        struct indicator_key key = key_of(known[i].type, known[i].value);
        key.where = known[i].where;
        key_add(d, key);
    }
    struct fail why = {0};
    struct database *db = database_build(d, 1, &why);
    cr_assert(db, "%s", why.text);
    draft_free(d);
    return db;
}

static const struct known known[] = {
    {OBSERVABLE_REGEX, WHERE_ANY, "^GET /[a-z]+\\.php"}, /* 0 */
    {OBSERVABLE_CONTENT, WHERE_ANY, "gate.php"},         /* 1 */
    {OBSERVABLE_CONTENT, WHERE_PAYLOAD, "b0t"},          /* 2 */
    {OBSERVABLE_REGEX, WHERE_PAYLOAD, "b0t$"},           /* 3 */
    {OBSERVABLE_REGEX, WHERE_HTTP_URL, "gate"},          /* 4: not here */
    {OBSERVABLE_CONTENT, WHERE_HTTP_USER_AGENT, "gate"}, /* 5: not here */
    {OBSERVABLE_DOMAIN_NAME, WHERE_ANY, "gate.php"},     /* 6: no pattern */
    {OBSERVABLE_CONTENT, WHERE_ANY, "GATE"},             /* 7: case counts */
};

static const char text[] = "GET /gate.php?id=b0t HTTP b0t";

static const struct match expected[] = {
    {.indicator = 0, .end = 13}, {.indicator = 1, .end = 13}, {.indicator = 2, .end = 20},
    {.indicator = 2, .end = 29}, {.indicator = 3, .end = 29}, /* only the close makes the last */
};

static void expect(const struct match *all, unsigned count)
{
    cr_assert_eq(hits.count, count, "%u matches", hits.count);
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(hits.all[i].indicator, all[i].indicator, "match %u is of %u", i, hits.all[i].indicator);
        cr_assert_eq(hits.all[i].end, all[i].end, "match %u ends at %lu", i, (unsigned long)hits.all[i].end);
        cr_assert_eq(hits.all[i].how, MATCH_PATTERN);
    }
}

Test(payload, gives_the_same_matches_however_it_is_cut)
{
    struct database *db = build(known, sizeof known / sizeof known[0]);
    struct asker *a = asker_new();
    cr_assert(asker_fit(a, db));
    cr_assert(database_wants_payload(db));
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        struct payload_stream *st = payload_stream_open(db);
        hits.count = 0;
        struct bytes rest = bytes_text(text);
        for (; rest.len; rest = bytes_from(rest, piece))
            payload_stream_scan(st, a, bytes_until(rest, piece), note, &hits);
        expect(expected, 4);
        payload_stream_close(st, a, note, &hits);
        expect(expected, 5);
    }
    asker_free(a);
    database_drop(db);
}

Test(payload, does_not_join_what_a_hole_parts)
{
    struct database *db = build(known, sizeof known / sizeof known[0]);
    struct asker *a = asker_new();
    cr_assert(asker_fit(a, db));
    struct payload_stream *st = payload_stream_open(db);
    hits.count = 0;
    payload_stream_scan(st, a, bytes_text("gate"), note, &hits);
    payload_stream_gap(st, a, note, &hits);
    payload_stream_scan(st, a, bytes_text(".php"), note, &hits);
    cr_assert_eq(hits.count, 0);
    payload_stream_gap(st, a, note, &hits);
    payload_stream_scan(st, a, bytes_text("b0t"), note, &hits);
    payload_stream_gap(st, a, note, &hits);
    static const struct match first[] = {{.indicator = 2, .end = 11}, {.indicator = 3, .end = 11}};
    expect(first, 2);
    payload_stream_close(st, a, note, &hits);
    expect(first, 2);

    st = payload_stream_open(db);
    hits.count = 0;
    payload_stream_gap(st, a, note, &hits);
    payload_stream_scan(st, a, bytes_text("GET /"), note, &hits);
    payload_stream_scan(st, a, bytes_of("", 0), note, &hits);
    payload_stream_scan(st, a, bytes_text("q.php"), note, &hits);
    payload_stream_close(st, a, note, &hits);
    static const struct match second[] = {{.indicator = 0, .end = 10}};
    expect(second, 1);
    asker_free(a);
    database_drop(db);
}

Test(payload, holds_its_database)
{
    struct database *db = build(known, sizeof known / sizeof known[0]);
    struct asker *a = asker_new();
    cr_assert(asker_fit(a, db));
    struct payload_stream *st = payload_stream_open(db);
    database_drop(db);
    hits.count = 0;
    payload_stream_scan(st, a, bytes_text(text), note, &hits);
    cr_assert_eq(payload_stream_database(st), db);
    cr_assert_eq(database_count(payload_stream_database(st)), sizeof known / sizeof known[0]);
    payload_stream_close(st, a, note, &hits);
    expect(expected, 5);
    payload_stream_close(NULL, a, note, &hits);
    asker_free(a);
}

Test(payload, is_not_wanted_where_nothing_looks_at_it)
{
    struct database *db = build(known + 4, 3);
    cr_assert_not(database_wants_payload(db));
    cr_assert_null(payload_stream_open(db));
    database_drop(db);
}

Test(payload, floods_are_cut_short_and_hide_nothing)
{
    static const struct known floods[] = {{OBSERVABLE_REGEX, WHERE_ANY, "."},
                                          {OBSERVABLE_CONTENT, WHERE_ANY, "x"},
                                          {OBSERVABLE_CONTENT, WHERE_ANY, "needle"},
                                          {OBSERVABLE_REGEX, WHERE_ANY, "n[e]+dle$"}};
    enum { SCANS = 100, OCTETS = 1000 };
    static char flood[OCTETS];
    memset(flood, 'x', sizeof flood);
    struct database *db = build(floods, 4);
    struct asker *a = asker_new();
    cr_assert(asker_fit(a, db));
    struct payload_stream *st = payload_stream_open(db);
    hits.count = 0;
    for (int i = 0; i < SCANS; i++)
        payload_stream_scan(st, a, bytes_of(flood, sizeof flood), note, &hits);
    cr_assert_lt(hits.count, 4096 + 2 * SCANS + 1);
    cr_assert_gt(hits.count, 4096);
    hits.count = 0;
    payload_stream_scan(st, a, bytes_text("needle"), note, &hits);
    payload_stream_close(st, a, note, &hits);
    static const struct match needles[] = {
        {.indicator = 0, .end = SCANS * OCTETS + 1},
        {.indicator = 2, .end = SCANS * OCTETS + 6},
        {.indicator = 3, .end = SCANS * OCTETS + 6},
    };
    expect(needles, 3);
    asker_free(a);
    database_drop(db);
}
