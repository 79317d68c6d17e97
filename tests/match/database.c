#include "match/database.h"

#include "keys.h"

#include <criterion/criterion.h>

enum { EXPECTED_MAX = 8 };

struct known {
    enum observable_type type;
    const char *value;
    enum where where;
    bool only;
};

struct asked {
    enum observable_type type;
    enum where where;
    const char *value;
    struct {
        int indicator; /* from 1, so that 0 ends the list */
        enum indicator_match how;
    } expected[EXPECTED_MAX];
};

static struct database *build(const struct known *known, size_t count)
{
    struct draft *d = draft_new();
    for (size_t i = 0; i < count; i++) {
        struct indicator_key key = key_of(known[i].type, known[i].value);
        key.where = known[i].where;
        key.only = known[i].only;
        key_add(d, key);
    }
    cr_assert_eq(draft_count(d), count);
    struct fail why = {0};
    struct database *db = database_build(d, 1, &why);
    cr_assert(db, "%s", why.text);
    draft_free(d);
    return db;
}

static struct asker *asker_for(const struct database *db)
{
    struct asker *a = asker_new();
    cr_assert(asker_fit(a, db));
    return a;
}

static void expect(const struct known *known, size_t known_count, const struct asked *asked, size_t asked_count)
{
    struct database *db = build(known, known_count);
    struct asker *a = asker_for(db);
    for (size_t i = 0; i < asked_count; i++) {
        struct indicator_key key = key_of(asked[i].type, asked[i].value);
        struct observable o = key_seen(&key, asked[i].where);
        struct match out[DATABASE_MATCHES_MAX];
        unsigned more = 0, count = database_ask(db, a, &o, out, &more), n = 0;
        for (; n < EXPECTED_MAX && asked[i].expected[n].indicator; n++) {
            cr_assert_lt(n, count, "%s: indicator %d was not met", asked[i].value, asked[i].expected[n].indicator);
            cr_assert_eq((int)out[n].indicator + 1, asked[i].expected[n].indicator, "%s: %u", asked[i].value,
                         out[n].indicator + 1);
            cr_assert_eq(out[n].how, asked[i].expected[n].how, "%s", asked[i].value);
        }
        cr_assert_eq(count, n, "%s: also met %u", asked[i].value, out[n].indicator + 1);
        cr_assert_eq(more, 0);
    }
    asker_free(a);
    database_drop(db);
}

#define EXPECT(known, asked) expect(known, sizeof known / sizeof known[0], asked, sizeof asked / sizeof asked[0])

static const struct known names[] = {
    {OBSERVABLE_DOMAIN_NAME, "bad.example", WHERE_ANY, false},           /* 1 */
    {OBSERVABLE_DOMAIN_NAME, "c2.bad.example", WHERE_ANY, true},         /* 2 */
    {OBSERVABLE_DOMAIN_NAME, "bad.example", WHERE_TLS_SNI, false},       /* 3 */
    {OBSERVABLE_DOMAIN_NAME, "example", WHERE_DNS_QUERY, true},          /* 4 */
    {OBSERVABLE_DOMAIN_NAME, "xn--mller-kva.example", WHERE_ANY, false}, /* 5 */
    {OBSERVABLE_EMAIL_ADDR, "phish@bad.example", WHERE_ANY, false},      /* 6 */
    {OBSERVABLE_FILE_NAME, "bad.example", WHERE_ANY, false},             /* 7: another type, the same value */
};

static const struct asked asked_names[] = {
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, "bad.example", {{1, MATCH_EXACT}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_TLS_SNI, "bad.example", {{1, MATCH_EXACT}, {3, MATCH_EXACT}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_TLS_SNI, "www.bad.example", {{1, MATCH_SUFFIX}, {3, MATCH_SUFFIX}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, "c2.bad.example", {{1, MATCH_SUFFIX}, {2, MATCH_EXACT}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, "x.c2.bad.example", {{1, MATCH_SUFFIX}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, "notbad.example", {{0}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, "bad.example.org", {{0}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, "ad.example", {{0}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, "example", {{4, MATCH_EXACT}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_ANSWER, "example", {{0}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_HTTP_HOST, "a.b.xn--mller-kva.example", {{5, MATCH_SUFFIX}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_ANY, "bad.example", {{1, MATCH_EXACT}, {3, MATCH_EXACT}}},
    {OBSERVABLE_EMAIL_ADDR, WHERE_SMTP_MAIL_FROM, "phish@bad.example", {{6, MATCH_EXACT}}},
    {OBSERVABLE_EMAIL_ADDR, WHERE_SMTP_MAIL_FROM, "other@bad.example", {{0}}},
    {OBSERVABLE_FILE_NAME, WHERE_FILE_NAME, "bad.example", {{7, MATCH_EXACT}}},
    {OBSERVABLE_FILE_NAME, WHERE_FILE_NAME, "www.bad.example", {{0}}},
};

Test(database, meets_names_and_their_subdomains)
{
    EXPECT(names, asked_names);
}

static const struct known urls[] = {
    {OBSERVABLE_URL, "http://host.example/", WHERE_ANY, false},            /* 1: all of a host */
    {OBSERVABLE_URL, "http://bad.example/kit", WHERE_ANY, false},          /* 2 */
    {OBSERVABLE_URL, "https://bad.example/kit/", WHERE_ANY, false},        /* 3 */
    {OBSERVABLE_URL, "http://bad.example/kit/gate.php", WHERE_ANY, true},  /* 4 */
    {OBSERVABLE_URL, "http://bad.example/kit?id=7", WHERE_ANY, false},     /* 5 */
    {OBSERVABLE_URL, "http://bad.example/kit", WHERE_HTTP_REFERER, false}, /* 6 */
    {OBSERVABLE_URL, "http://bad.example:8080/a//b", WHERE_ANY, false},    /* 7 */
    {OBSERVABLE_URL, "http://bad.example/go?to=/", WHERE_ANY, false},      /* 8 */
};

static const struct asked asked_urls[] = {
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://host.example/", {{1, MATCH_EXACT}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "https://host.example/", {{1, MATCH_EXACT}}}, /* the scheme is ignored */
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://host.example/x", {{1, MATCH_PREFIX}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://host.example/?x", {{1, MATCH_PREFIX}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://host.example//", {{1, MATCH_PREFIX}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://www.host.example/", {{0}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_HTTP_HOST, "host.example", {{0}}}, /* the host alone is no hit */
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/", {{0}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/kit", {{2, MATCH_EXACT}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/kit/", {{2, MATCH_PREFIX}, {3, MATCH_EXACT}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/kit/a/b.php?q", {{2, MATCH_PREFIX}, {3, MATCH_PREFIX}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/kit?x=1", {{2, MATCH_PREFIX}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/kitten", {{0}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/KIT", {{0}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://www.bad.example/kit", {{0}}},
    {OBSERVABLE_URL,
     WHERE_HTTP_URL,
     "http://bad.example/kit/gate.php",
     {{2, MATCH_PREFIX}, {3, MATCH_PREFIX}, {4, MATCH_EXACT}}},
    {OBSERVABLE_URL,
     WHERE_HTTP_URL,
     "http://bad.example/kit/gate.php?x",
     {{2, MATCH_PREFIX}, {3, MATCH_PREFIX}}}, /* 4 is only itself */
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/kit?id=7", {{2, MATCH_PREFIX}, {5, MATCH_EXACT}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/kit?id=77", {{2, MATCH_PREFIX}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/kit?id=7/x", {{2, MATCH_PREFIX}}}, /* no path boundary */
    {OBSERVABLE_URL, WHERE_HTTP_REFERER, "http://bad.example/kit", {{2, MATCH_EXACT}, {6, MATCH_EXACT}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example:8080/a//b/c", {{7, MATCH_PREFIX}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example:8080/a/b", {{0}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/go?to=/", {{8, MATCH_EXACT}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://bad.example/go?to=//x", {{0}}},
};

Test(database, meets_urls_and_what_lies_below_them)
{
    EXPECT(urls, asked_urls);
}

static const struct known addresses[] = {
    {OBSERVABLE_IPV4_ADDR, "192.0.2.1", WHERE_ANY, false},          /* 1 */
    {OBSERVABLE_IPV4_ADDR, "192.0.2.0/24", WHERE_ANY, false},       /* 2 */
    {OBSERVABLE_IPV4_ADDR, "192.0.2.0/24", WHERE_IP_DST, false},    /* 3 */
    {OBSERVABLE_IPV4_ADDR, "192.0.0.0/8", WHERE_DNS_ANSWER, false}, /* 4 */
    {OBSERVABLE_IPV6_ADDR, "2001:db8::/32", WHERE_ANY, false},      /* 5 */
    {OBSERVABLE_IPV6_ADDR, "2001:db8::1", WHERE_ANY, false},        /* 6 */
    {OBSERVABLE_IP_PORT, "192.0.2.1 443", WHERE_ANY, false},        /* 7 */
    {OBSERVABLE_IPV6_ADDR, "::/0", WHERE_ANY, false},               /* 8 */
    {OBSERVABLE_IP_PORT, "2001:db8::1 443", WHERE_ANY, false},      /* 9 */
};

static const struct asked asked_addresses[] = {
    {OBSERVABLE_IPV4_ADDR, WHERE_IP_SRC, "192.0.2.1", {{1, MATCH_EXACT}, {2, MATCH_BLOCK}}},
    {OBSERVABLE_IPV4_ADDR, WHERE_IP_DST, "192.0.2.1", {{1, MATCH_EXACT}, {2, MATCH_BLOCK}, {3, MATCH_BLOCK}}},
    {OBSERVABLE_IPV4_ADDR, WHERE_DNS_ANSWER, "192.0.2.9", {{2, MATCH_BLOCK}, {4, MATCH_BLOCK}}},
    {OBSERVABLE_IPV4_ADDR, WHERE_DNS_ANSWER, "192.99.0.1", {{4, MATCH_BLOCK}}},
    {OBSERVABLE_IPV4_ADDR, WHERE_IP_SRC, "198.51.100.1", {{0}}}, /* ::/0 means no IPv4 */
    {OBSERVABLE_IPV6_ADDR, WHERE_IP_SRC, "2001:db8::1", {{5, MATCH_BLOCK}, {6, MATCH_EXACT}, {8, MATCH_BLOCK}}},
    {OBSERVABLE_IPV6_ADDR, WHERE_IP_SRC, "2001:db9::1", {{8, MATCH_BLOCK}}},
    {OBSERVABLE_IP_PORT, WHERE_IP_DST, "192.0.2.1 443", {{7, MATCH_EXACT}}},
    {OBSERVABLE_IP_PORT, WHERE_IP_DST, "192.0.2.1 444", {{0}}},
    {OBSERVABLE_IP_PORT, WHERE_IP_DST, "192.0.2.2 443", {{0}}},
    {OBSERVABLE_IP_PORT, WHERE_IP_DST, "2001:db8::1 443", {{9, MATCH_EXACT}}},
};

Test(database, meets_addresses_and_the_blocks_around_them)
{
    EXPECT(addresses, asked_addresses);
}

static const struct known prints[] = {
    {OBSERVABLE_MD5, "d41d8cd98f00b204e9800998ecf8427e", WHERE_ANY, false},     /* 1 */
    {OBSERVABLE_JA3, "d41d8cd98f00b204e9800998ecf8427e", WHERE_ANY, false},     /* 2 */
    {OBSERVABLE_JA3, "d41d8cd98f00b204e9800998ecf8427f", WHERE_PAYLOAD, false}, /* 3 */
    {OBSERVABLE_JA4, "t13d1516h2_8daaf6152771_02713d6af862", WHERE_ANY, false}, /* 4 */
};

static const struct asked asked_prints[] = {
    {OBSERVABLE_MD5, WHERE_FILE_HASH, "d41d8cd98f00b204e9800998ecf8427e", {{1, MATCH_EXACT}}},
    {OBSERVABLE_JA3, WHERE_TLS_JA3, "d41d8cd98f00b204e9800998ecf8427e", {{2, MATCH_EXACT}}},
    {OBSERVABLE_JA3S, WHERE_TLS_JA3S, "d41d8cd98f00b204e9800998ecf8427e", {{0}}},
    {OBSERVABLE_JA3, WHERE_TLS_JA3, "d41d8cd98f00b204e9800998ecf8427f", {{0}}},
    {OBSERVABLE_JA4, WHERE_QUIC_JA4, "t13d1516h2_8daaf6152771_02713d6af862", {{4, MATCH_EXACT}}},
    {OBSERVABLE_JA4, WHERE_QUIC_JA4, "t13d1516h2_8daaf6152771_02713d6af86", {{0}}},
};

Test(database, meets_fingerprints_of_their_own_kind)
{
    EXPECT(prints, asked_prints);
}

static const struct known patterns[] = {
    {OBSERVABLE_USER_AGENT, "sqlmap", WHERE_ANY, false},                         /* 1 */
    {OBSERVABLE_USER_AGENT, "SQLMAP/1", WHERE_HTTP_USER_AGENT, false},           /* 2 */
    {OBSERVABLE_USER_AGENT, "curl", WHERE_SSH_SOFTWARE, false},                  /* 3 */
    {OBSERVABLE_REGEX, "^http://[0-9.]+/[a-z]{4}\\.sh$", WHERE_HTTP_URL, false}, /* 4 */
    {OBSERVABLE_REGEX, "/DGA[0-9]+/i", WHERE_DNS_QUERY, false},                  /* 5 */
    {OBSERVABLE_REGEX, "evil", WHERE_ANY, false},                                /* 6: payload only */
    {OBSERVABLE_CONTENT, "evil", WHERE_HTTP_URL, false},                         /* 7 */
    {OBSERVABLE_REGEX, "^192\\.0\\.2\\.", WHERE_IP_SRC, false},                  /* 8 */
    {OBSERVABLE_REGEX, "^bad\\.", WHERE_HTTP_URL, false},                        /* 9 */
    {OBSERVABLE_REGEX, "a|p", WHERE_HTTP_USER_AGENT, false}, /* 10: meets at many places, is told once */
};

static const struct asked asked_patterns[] = {
    {OBSERVABLE_USER_AGENT,
     WHERE_HTTP_USER_AGENT,
     "SqlMap/1.8#stable",
     {{1, MATCH_SUBSTRING}, {2, MATCH_SUBSTRING}, {10, MATCH_PATTERN}}},
    {OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, "curl/8.0", {{0}}},
    {OBSERVABLE_USER_AGENT, WHERE_SSH_SOFTWARE, "curl sqlmap", {{1, MATCH_SUBSTRING}, {3, MATCH_SUBSTRING}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://192.0.2.1/mozi.sh", {{4, MATCH_PATTERN}}},
    {OBSERVABLE_URL, WHERE_HTTP_REFERER, "http://192.0.2.1/mozi.sh", {{0}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://192.0.2.1/evil.sh", {{4, MATCH_PATTERN}, {7, MATCH_PATTERN}}},
    {OBSERVABLE_URL, WHERE_HTTP_URL, "http://192.0.2.1/EVIL", {{0}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, "dga77.example", {{5, MATCH_PATTERN}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_DNS_ANSWER, "dga77.example", {{0}}},
    {OBSERVABLE_DOMAIN_NAME, WHERE_HTTP_URL, "bad.example", {{0}}}, /* taken out of a URL: not the field */
    {OBSERVABLE_IPV4_ADDR, WHERE_IP_SRC, "192.0.2.77", {{8, MATCH_PATTERN}}},
    {OBSERVABLE_IPV4_ADDR, WHERE_IP_SRC, "192.0.3.77", {{0}}},
    {OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, "", {{0}}},
    {OBSERVABLE_DOMAIN_NAME,
     WHERE_ANY,
     "dga1.evil.example",
     {{5, MATCH_PATTERN}, {7, MATCH_PATTERN}, {10, MATCH_PATTERN}}},
};

Test(database, meets_patterns_in_the_field_they_name)
{
    EXPECT(patterns, asked_patterns);
}

Test(database, of_nothing_meets_nothing)
{
    struct database *db = build(NULL, 0);
    struct asker *a = asker_for(db);
    cr_assert_eq(database_count(db), 0);
    cr_assert_not(database_wants_payload(db));
    cr_assert_gt(database_bytes(db), 0);
    struct match out[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    for (int type = 0; type < OBSERVABLE_TYPES; type++) {
        struct indicator_key key = key_of(type, type == OBSERVABLE_IP_PORT ? "::1 1" : "::1");
        struct observable o = key_seen(&key, WHERE_IP_SRC);
        cr_assert_eq(database_ask(db, a, &o, out, &more), 0);
    }
    asker_free(a);
    database_drop(db);
}

static struct observable seen_text(enum observable_type type, struct bytes value)
{
    return (struct observable){.type = type, .where = WHERE_DNS_QUERY, .value = value};
}

Test(database, meets_a_suffix_of_a_name_with_127_labels)
{
    static const struct known known[] = {{OBSERVABLE_DOMAIN_NAME, "a.a.a", WHERE_ANY, false},
                                         {OBSERVABLE_DOMAIN_NAME, "b.a.a.a", WHERE_ANY, false}};
    struct database *db = build(known, 2);
    struct asker *a = asker_for(db);
    struct match out[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    char name[253];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    struct observable o = seen_text(OBSERVABLE_DOMAIN_NAME, bytes_of(name, sizeof name));
    cr_assert_eq(database_ask(db, a, &o, out, &more), 1);
    cr_assert_eq(out[0].indicator, 0);
    name[sizeof name - 7] = 'b';
    cr_assert_eq(database_ask(db, a, &o, out, &more), 2);
    asker_free(a);
    database_drop(db);
}

Test(database, bears_values_that_no_canonical_form_would_give)
{
    static const struct known known[] = {{OBSERVABLE_DOMAIN_NAME, "a.a", WHERE_ANY, false},
                                         {OBSERVABLE_URL, "http://a/x", WHERE_ANY, false},
                                         {OBSERVABLE_REGEX, "x", WHERE_DNS_QUERY, false}};
    static const char *const texts[] = {"",  ".",       "..",       "/", "//",   "://",
                                        "?", "http://", "http:///", "a", "a.a.", "\xff\xfe"};
    struct database *db = build(known, 3);
    struct asker *a = asker_for(db);
    struct match out[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (int type = OBSERVABLE_DOMAIN_NAME; type < OBSERVABLE_TYPES; type++) {
            struct observable o = seen_text(type, bytes_text(texts[i]));
            cr_assert_eq(database_ask(db, a, &o, out, &more), 0, "%s", texts[i]);
        }
    static char dots[100000];
    memset(dots, '.', sizeof dots);
    for (int type = OBSERVABLE_DOMAIN_NAME; type < OBSERVABLE_TYPES; type++) {
        struct observable o = seen_text(type, bytes_of(dots, sizeof dots));
        cr_assert_eq(database_ask(db, a, &o, out, &more), 0);
    }
    asker_free(a);
    database_drop(db);
}

Test(database, looks_at_the_first_boundaries_of_a_url_with_ten_thousand_slashes)
{
    static char near[64] = "http://a/", far[128] = "http://a/", url[10009] = "http://a/";
    memset(near + 9, '/', DATABASE_URL_BOUNDARIES);
    memset(far + 9, '/', DATABASE_URL_BOUNDARIES + 1);
    memset(url + 9, '/', sizeof url - 9);
    const struct known known[] = {{OBSERVABLE_URL, near, WHERE_ANY, false}, {OBSERVABLE_URL, far, WHERE_ANY, false}};
    struct database *db = build(known, 2);
    struct asker *a = asker_for(db);
    struct match out[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    struct observable o = seen_text(OBSERVABLE_URL, bytes_of(url, sizeof url));
    cr_assert_eq(database_ask(db, a, &o, out, &more), 1);
    cr_assert_eq(out[0].indicator, 0);
    o = seen_text(OBSERVABLE_URL, bytes_text(far)); /* the whole is always looked for */
    cr_assert_eq(database_ask(db, a, &o, out, &more), 2);
    asker_free(a);
    database_drop(db);
}

Test(database, gives_the_first_64_matches_and_counts_the_rest)
{
    enum { PLACES = WHERES, REGEXES = 70 };
    struct draft *d = draft_new();
    static char expressions[REGEXES][32];
    for (int i = 0; i < REGEXES; i++) { /* each matches at many ends */
        snprintf(expressions[i], sizeof expressions[i], "[a-z.]{1,%d}", i + 1);
        struct indicator_key key = key_of(OBSERVABLE_REGEX, expressions[i]);
        key.where = WHERE_DNS_QUERY;
        key_add(d, key);
        key = key_of(OBSERVABLE_DOMAIN_NAME, "bad.example");
        key.where = i < PLACES ? (enum where)i : WHERE_ANY;
        key.only = i > PLACES;
        if (i <= PLACES + 1)
            key_add(d, key);
    }
    uint32_t meeting = REGEXES + 3; /* the name for dns.query, for anywhere, and only itself */
    struct fail why = {0};
    struct database *db = database_build(d, 1, &why);
    cr_assert(db, "%s", why.text);
    draft_free(d);
    struct asker *a = asker_for(db);
    struct match out[DATABASE_MATCHES_MAX];
    unsigned more = 5;
    struct observable o = seen_text(OBSERVABLE_DOMAIN_NAME, bytes_text("bad.example"));
    unsigned count = database_ask(db, a, &o, out, &more);
    cr_assert_eq(count, DATABASE_MATCHES_MAX);
    cr_assert_eq(more, 5 + meeting - count);
    for (unsigned i = 1; i < count; i++)
        cr_assert_lt(out[i - 1].indicator, out[i].indicator);
    asker_free(a);
    database_drop(db);
}

Test(database, keeps_the_lowest_indices_when_there_are_too_many)
{
    enum { BLOCKS = 33, EACH = 3 };
    static const enum where places[EACH] = {WHERE_IP_SRC, WHERE_ANY, WHERE_IP_DST};
    struct draft *d = draft_new();
    char text[32];
    for (int bits = 0; bits < BLOCKS; bits++) /* the widest, which is met last, has the lowest index */
        for (int i = 0; i < EACH; i++) {
            snprintf(text, sizeof text, "0.0.0.0/%d", bits);
            struct indicator_key key = key_of(OBSERVABLE_IPV4_ADDR, text);
            key.where = places[i];
            key_add(d, key);
        }
    struct fail why = {0};
    struct database *db = database_build(d, 1, &why);
    draft_free(d);
    struct asker *a = asker_for(db);
    struct match out[DATABASE_MATCHES_MAX];
    struct indicator_key zero = key_of(OBSERVABLE_IPV4_ADDR, "0.0.0.0");
    struct observable o = key_seen(&zero, WHERE_IP_SRC);
    unsigned more = 0;
    cr_assert_eq(database_ask(db, a, &o, out, &more), DATABASE_MATCHES_MAX);
    cr_assert_eq(more, 2 * BLOCKS - DATABASE_MATCHES_MAX);
    for (unsigned i = 0; i < DATABASE_MATCHES_MAX; i++)
        cr_assert_eq(out[i].indicator, i / 2 * EACH + i % 2);
    asker_free(a);
    database_drop(db);
}

Test(database, meets_each_of_very_many_names_and_no_other)
{
    enum { NAMES = 100000 };
    struct draft *d = draft_new();
    char name[64];
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "host%d.example", i * 7);
        key_add(d, key_of(OBSERVABLE_DOMAIN_NAME, name));
    }
    struct fail why = {0};
    struct database *db = database_build(d, 1, &why);
    draft_free(d);
    struct asker *a = asker_for(db);
    struct match out[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "www.host%d.example", i);
        struct observable o = seen_text(OBSERVABLE_DOMAIN_NAME, bytes_text(name));
        unsigned count = database_ask(db, a, &o, out, &more);
        cr_assert_eq(count, i % 7 == 0);
        if (count)
            cr_assert_eq(out[0].indicator, (uint32_t)i / 7);
    }
    asker_free(a);
    database_drop(db);
}

Test(database, lives_until_its_last_hold_is_dropped)
{
    struct database *db = build(names, sizeof names / sizeof names[0]);
    database_hold(db);
    database_drop(db);
    cr_assert_eq(database_count(db), sizeof names / sizeof names[0]);
    database_drop(db);
    database_drop(NULL);
}

Test(database, fits_one_asker_to_many_generations)
{
    struct database *small = build(patterns, 2), *large = build(patterns, sizeof patterns / sizeof patterns[0]);
    struct asker *a = asker_new();
    cr_assert(asker_fit(a, small) && asker_fit(a, large) && asker_fit(a, small));
    struct match out[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    struct observable o = {
        .type = OBSERVABLE_USER_AGENT, .where = WHERE_HTTP_USER_AGENT, .value = bytes_text("sqlmap/1")};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(database_ask(small, a, &o, out, &more), 2);
        cr_assert_eq(database_ask(large, a, &o, out, &more), 3);
    }
    database_drop(small);
    database_drop(large);
    asker_free(a);
}
