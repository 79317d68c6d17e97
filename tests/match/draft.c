#include "match/draft.h"

#include "keys.h"
#include "match/database.h"

#include <criterion/criterion.h>

static bool add(struct draft *d, struct indicator_key key, const char *feed, const char *id, const char *description,
                struct fail *why)
{
    struct indicator_source s = key_source(feed, id);
    s.description = bytes_text(description);
    return draft_add(d, &key, &s, why);
}

static const struct {
    enum observable_type type;
    const char *value;
    enum where where;
    bool only;
    const char *feed;
    const char *id;
    const char *description;
    uint32_t indicator; /* which it becomes part of */
} records[] = {
    {OBSERVABLE_DOMAIN_NAME, "bad.example", WHERE_ANY, false, "urlhaus", "1", "first", 0},
    {OBSERVABLE_DOMAIN_NAME, "bad.example", WHERE_ANY, false, "misp", "1", "second", 0},
    {OBSERVABLE_DOMAIN_NAME, "bad.example", WHERE_ANY, true, "misp", "1", "only itself", 1},
    {OBSERVABLE_DOMAIN_NAME, "bad.example", WHERE_TLS_SNI, false, "misp", "1", "only there", 2},
    {OBSERVABLE_URL, "bad.example", WHERE_ANY, false, "misp", "1", "another type", 3},
    {OBSERVABLE_IPV4_ADDR, "192.0.2.0/24", WHERE_ANY, false, "misp", "7", "block", 4},
    {OBSERVABLE_IPV4_ADDR, "192.0.2.0/25", WHERE_ANY, false, "misp", "7", "half of it", 5},
    {OBSERVABLE_IP_PORT, "192.0.2.1 443", WHERE_ANY, false, "misp", "8", "port", 6},
    {OBSERVABLE_IP_PORT, "192.0.2.1 444", WHERE_ANY, false, "misp", "8", "another port", 7},
    {OBSERVABLE_DOMAIN_NAME, "bad.example", WHERE_ANY, false, "urlhaus", "1", "first, again", 0},
    {OBSERVABLE_DOMAIN_NAME, "bad.example", WHERE_ANY, false, "urlhaus", "2", "third", 0},
    {OBSERVABLE_IPV4_ADDR, "192.0.2.0/24", WHERE_ANY, false, "misp", "7", "block, again", 4},
};

static const struct {
    uint32_t indicator;
    const char *descriptions[4];
} expected[] = {
    {0, {"first, again", "second", "third"}},
    {1, {"only itself"}},
    {2, {"only there"}},
    {3, {"another type"}},
    {4, {"block, again"}},
    {5, {"half of it"}},
    {6, {"port"}},
    {7, {"another port"}},
};

Test(draft, makes_records_with_equal_keys_one_indicator_with_many_sources)
{
    struct draft *d = draft_new();
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        struct indicator_key key = key_of(records[i].type, records[i].value);
        key.where = records[i].where;
        key.only = records[i].only;
        struct fail why = {0};
        cr_assert(add(d, key, records[i].feed, records[i].id, records[i].description, &why), "%s", why.text);
        cr_assert_gt(draft_count(d), records[i].indicator);
    }
    cr_assert_eq(draft_count(d), 8);
    cr_assert_eq(draft_sources(d), 10);
    struct fail why = {0};
    struct database *db = database_build(d, 1, &why);
    draft_free(d); /* nothing of it is needed any more */
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        uint32_t count, have = 0;
        const struct indicator_source *s = database_sources(db, expected[i].indicator, &count);
        cr_assert_eq(database_indicator(db, expected[i].indicator)->source_count, count);
        for (; have < 4 && expected[i].descriptions[have]; have++)
            cr_assert(have < count && bytes_equal(s[have].description, bytes_text(expected[i].descriptions[have])),
                      "indicator %u, source %u", expected[i].indicator, have);
        cr_assert_eq(have, count);
    }
    database_drop(db);
}

Test(draft, copies_what_it_is_given)
{
    struct draft *d = draft_new();
    char value[] = "bad.example", feed[] = "feed";
    struct fail why = {0};
    cr_assert(add(d, key_of(OBSERVABLE_DOMAIN_NAME, value), feed, "1", "x", &why));
    memset(value, 'z', sizeof value - 1);
    memset(feed, 'z', sizeof feed - 1);
    struct database *db = database_build(d, 3, &why);
    draft_free(d);
    uint32_t count;
    cr_assert(bytes_equal(database_indicator(db, 0)->key.value, bytes_text("bad.example")));
    cr_assert(bytes_equal(database_sources(db, 0, &count)->feed, bytes_text("feed")));
    cr_assert(bytes_equal(database_sources(db, 0, &count)->tags, bytes_text("a;b")));
    cr_assert_eq(database_generation(db), 3);
    database_drop(db);
}

static char too_long[OBSERVABLE_VALUE_MAX + 1];

static const struct {
    enum observable_type type;
    const char *value;
    size_t len;
    const char *reason;
} refused[] = {
    {OBSERVABLE_REGEX, "(unclosed", 9, "parenthes"},
    {OBSERVABLE_REGEX, "a*", 2, "empty"},
    {OBSERVABLE_DOMAIN_NAME, "", 0, "empty"},
    {OBSERVABLE_CONTENT, "", 0, "empty"},
    {OBSERVABLE_URL, too_long, sizeof too_long, "2049"},
    {OBSERVABLE_CONTENT, too_long, sizeof too_long, "2049"},
};

Test(draft, refuses_what_can_be_no_indicator_and_keeps_the_rest)
{
    memset(too_long, 'a', sizeof too_long);
    struct draft *d = draft_new();
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct indicator_key key = {
            .type = refused[i].type, .where = WHERE_ANY, .value = bytes_of(refused[i].value, refused[i].len)};
        struct fail why = {0};
        cr_assert_not(add(d, key, "f", "1", "", &why));
        cr_assert(strcasestr(why.text, refused[i].reason), "%s", why.text);
    }
    cr_assert_eq(draft_count(d) + draft_sources(d), 0);
    key_add(d, key_of(OBSERVABLE_REGEX, "a+"));
    cr_assert_eq(draft_count(d), 1);
    struct fail why = {0};
    struct database *db = database_build(d, 1, &why);
    cr_assert(db, "%s", why.text);
    database_drop(db);
    draft_free(d);
}

Test(draft, takes_as_many_records_of_one_value_as_of_many)
{
    enum { RECORDS = 200000 };
    struct draft *d = draft_new();
    char id[16];
    struct fail why = {0};
    for (int i = 0; i < RECORDS; i++) { /* quadratic work would take minutes */
        snprintf(id, sizeof id, "%d", i % (RECORDS / 2));
        cr_assert(add(d, key_of(OBSERVABLE_DOMAIN_NAME, "bad.example"), "feed", id, "", &why));
    }
    cr_assert_eq(draft_count(d), 1);
    cr_assert_eq(draft_sources(d), RECORDS / 2);
    draft_free(d);
}
