#include <criterion/criterion.h>

#include "model/indicator.h"

struct outcome {
    bool read;
    struct indicator_key key;
    char value[OBSERVABLE_VALUE_MAX + 1]; /* as printed */
    struct fail warning, why;
};

static struct outcome *read_key(enum observable_type type, struct bytes text)
{
    static struct outcome o;
    static char room[OBSERVABLE_VALUE_MAX];
    memset(&o, 0, sizeof o);
    o.read = indicator_key_read(type, text, room, &o.key, &o.warning, &o.why);
    if (o.read)
        o.value[indicator_value_write(&o.key, o.value)] = 0;
    return &o;
}

Test(indicator, reads_addresses_and_blocks)
{
    static const struct {
        enum observable_type type;
        const char *text;
        enum observable_type becomes;
        const char *value, *warning;
    } cases[] = {
        {OBSERVABLE_IPV4_ADDR, "192.0.2.1", OBSERVABLE_IPV4_ADDR, "192.0.2.1", ""},
        {OBSERVABLE_IPV4_ADDR, "192.0.2.1/32", OBSERVABLE_IPV4_ADDR, "192.0.2.1", ""},
        {OBSERVABLE_IPV4_ADDR, "192[.]0[.]2[.]0/24", OBSERVABLE_IPV4_ADDR, "192.0.2.0/24", ""},
        {OBSERVABLE_IPV4_ADDR, "192.0.2.9/24", OBSERVABLE_IPV4_ADDR, "192.0.2.0/24",
         "host bits cleared, taken as 192.0.2.0/24"},
        {OBSERVABLE_IPV4_ADDR, "0.0.0.0/0", OBSERVABLE_IPV4_ADDR, "0.0.0.0/0", ""},
        {OBSERVABLE_IPV6_ADDR, "2001:DB8::1", OBSERVABLE_IPV6_ADDR, "2001:db8::1", ""},
        {OBSERVABLE_IPV6_ADDR, "2001:db8::/32", OBSERVABLE_IPV6_ADDR, "2001:db8::/32", ""},
        {OBSERVABLE_IPV6_ADDR, "::/0", OBSERVABLE_IPV6_ADDR, "::/0", ""},
        {OBSERVABLE_IPV4_ADDR, "2001:db8::1", OBSERVABLE_IPV6_ADDR, "2001:db8::1",
         "2001:db8::1 is no ipv4-addr, taken as ipv6-addr"},
        {OBSERVABLE_IPV6_ADDR, "192.0.2.1", OBSERVABLE_IPV4_ADDR, "192.0.2.1",
         "192.0.2.1 is no ipv6-addr, taken as ipv4-addr"},
        {OBSERVABLE_IPV4_ADDR, "2001:db8::1/32", OBSERVABLE_IPV6_ADDR, "2001:db8::/32",
         "host bits cleared, taken as ipv6-addr 2001:db8::/32"},
        {OBSERVABLE_IPV6_ADDR, "64:ff9b::192.0.2.0/120", OBSERVABLE_IPV4_ADDR, "192.0.2.0/24",
         "192.0.2.0/24 is no ipv6-addr, taken as ipv4-addr"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome *o = read_key(cases[i].type, bytes_text(cases[i].text));
        cr_assert(o->read, "%s: %s", cases[i].text, o->why.text);
        cr_expect_eq(o->key.type, cases[i].becomes, "%s", cases[i].text);
        cr_expect_str_eq(o->value, cases[i].value);
        cr_expect_str_eq(o->warning.text, cases[i].warning);
        cr_expect_eq(o->key.where, WHERE_ANY);
    }
    static const char *const refused[] = {"",
                                          "192.0.2.1/33",
                                          "192.0.2",
                                          "192.0.2.1/",
                                          "192.0.2.1/-1",
                                          "2001:db8::/129",
                                          "192.0.2.1-192.0.2.9",
                                          "evil.example",
                                          "192.0.2.1:80"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct outcome *o = read_key(OBSERVABLE_IPV4_ADDR, bytes_text(refused[i]));
        cr_expect_not(o->read, "%s", refused[i]);
        cr_expect(strstr(o->why.text, "expected an IP address or CIDR block, found \""), "%s", o->why.text);
    }
}

Test(indicator, reads_names_with_their_marks)
{
    static const struct {
        const char *text, *value;
        bool only;
    } cases[] = {
        {"Bad.Example.", "bad.example", false},  {"bad[.]example", "bad.example", false},
        {"*.bad.example", "bad.example", false}, {"*[.]bad[.]example", "bad.example", false},
        {".bad.example", "bad.example", false},  {"=bad.example", "bad.example", true},
        {"=bad[.]example", "bad.example", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome *o = read_key(OBSERVABLE_DOMAIN_NAME, bytes_text(cases[i].text));
        cr_assert(o->read, "%s: %s", cases[i].text, o->why.text);
        cr_expect_str_eq(o->value, cases[i].value);
        cr_expect(bytes_equal(o->key.value, bytes_text(cases[i].value)));
        cr_expect_eq(o->key.only, cases[i].only);
    }
    static const char *const refused[] = {"",
                                          "=",
                                          "*",
                                          "*.",
                                          "=*.bad.example",
                                          "*.*.bad.example",
                                          "bad.*.example",
                                          "bad*.example",
                                          "==bad.example",
                                          "..bad.example",
                                          "http://bad.example",
                                          "*bad.example"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(read_key(OBSERVABLE_DOMAIN_NAME, bytes_text(refused[i]))->read, "%s", refused[i]);
}

Test(indicator, reads_urls_with_their_mark)
{
    struct outcome *o = read_key(OBSERVABLE_URL, bytes_text("=hxxp://Bad[.]example/a"));
    cr_assert(o->read);
    cr_expect_str_eq(o->value, "http://bad.example/a");
    cr_expect(o->key.only);
    o = read_key(OBSERVABLE_URL, bytes_text("bad.example/a"));
    cr_expect(o->read && !o->key.only);
    cr_expect_not(read_key(OBSERVABLE_URL, bytes_text("=http://"))->read);
}

Test(indicator, reads_endpoints)
{
    struct outcome *o = read_key(OBSERVABLE_IP_PORT, bytes_text("192.0.2[.]1:8080"));
    cr_assert(o->read);
    cr_expect_str_eq(o->value, "192.0.2.1:8080");
    cr_expect_eq(o->key.block.bits, 128);
    cr_expect_eq(o->key.port, 8080);
    cr_expect(address_is_v4(&o->key.block.address));
    o = read_key(OBSERVABLE_IP_PORT, bytes_text("[2001:db8::1]:443"));
    cr_expect_str_eq(o->value, "[2001:db8::1]:443");
}

Test(indicator, reads_contents_as_snort_writes_them)
{
    static const struct {
        const char *text;
        struct bytes octets;
    } cases[] = {
        {"GET /", {(const uint8_t *)"GET /", 5}},
        {"|00 ff|", {(const uint8_t *)"\x00\xff", 2}},
        {"a|0D0A|b| 20 |", {(const uint8_t *)"a\r\nb ", 5}},
        {"a||b", {(const uint8_t *)"ab", 2}},
        {"\\|\\\\\\\"\\;\\:", {(const uint8_t *)"|\\\";:", 5}},
        {" a ", {(const uint8_t *)" a ", 3}},
        {"hxxp[.]", {(const uint8_t *)"hxxp[.]", 7}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome *o = read_key(OBSERVABLE_CONTENT, bytes_text(cases[i].text));
        cr_assert(o->read, "%s: %s", cases[i].text, o->why.text);
        cr_expect(bytes_equal(o->key.value, cases[i].octets), "%s", cases[i].text);
    }
    static const char *const refused[] = {"", "||", "|0|", "|00", "|zz|", "|0 0|", "a\\", "\\n", "00 ff|"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(read_key(OBSERVABLE_CONTENT, bytes_text(refused[i]))->read, "%s", refused[i]);
    static char longest[3 * OBSERVABLE_VALUE_MAX];
    memset(longest, 'a', sizeof longest);
    cr_expect(read_key(OBSERVABLE_CONTENT, bytes_of(longest, OBSERVABLE_VALUE_MAX))->read);
    cr_expect_not(read_key(OBSERVABLE_CONTENT, bytes_of(longest, OBSERVABLE_VALUE_MAX + 1))->read);
    longest[0] = '|';
    longest[2 * OBSERVABLE_VALUE_MAX + 1] = longest[2 * OBSERVABLE_VALUE_MAX + 3] = '|';
    cr_expect(read_key(OBSERVABLE_CONTENT, bytes_of(longest, 2 * OBSERVABLE_VALUE_MAX + 2))->read);
    longest[2 * OBSERVABLE_VALUE_MAX + 1] = 'a';
    cr_expect_not(read_key(OBSERVABLE_CONTENT, bytes_of(longest, 2 * OBSERVABLE_VALUE_MAX + 4))->read);
}

Test(indicator, keeps_patterns_and_user_agents_as_they_are)
{
    struct outcome *o = read_key(OBSERVABLE_REGEX, bytes_text(" ^evil\\.[a-z]+$"));
    cr_expect(o->read);
    cr_expect_str_eq(o->value, " ^evil\\.[a-z]+$");
    o = read_key(OBSERVABLE_USER_AGENT, bytes_text("  Evil/1.0 [x](.)  "));
    cr_expect(o->read);
    cr_expect_str_eq(o->value, "Evil/1.0 [x](.)");
    cr_expect_not(read_key(OBSERVABLE_REGEX, bytes_text(""))->read);
    cr_expect_not(read_key(OBSERVABLE_USER_AGENT, bytes_text(" "))->read);
}

Test(indicator, prints_what_it_reads_again)
{
    static const struct {
        enum observable_type type;
        const char *text;
    } cases[] = {
        {OBSERVABLE_IPV4_ADDR, "198.51.100.128/25"},  {OBSERVABLE_IPV6_ADDR, "2001:db8:1::/48"},
        {OBSERVABLE_IP_PORT, "[2001:db8::1]:1"},      {OBSERVABLE_DOMAIN_NAME, "xn--bcher-kva.example"},
        {OBSERVABLE_URL, "http://a.example/%20?q=1"}, {OBSERVABLE_EMAIL_ADDR, "a@b.example"},
        {OBSERVABLE_CONTENT, "a|00 7c 22|b"},         {OBSERVABLE_REGEX, "a|b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(read_key(cases[i].type, bytes_text(cases[i].text))->value, cases[i].text);
}

Test(indicator, survives_hostile_texts)
{
    static uint8_t text[20000];
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        static const char alphabet[] = "[](){}.:/@|\\=*%# \"'<>aH0xp\xc3\xbc\xff\x01";
        size_t len = (seed >> 8) % (round % 100 ? 40 : sizeof text);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = (uint8_t)alphabet[(seed >> 16) % sizeof alphabet];
        }
        for (int type = 0; type < OBSERVABLE_TYPES; type++) {
            struct outcome *o = read_key((enum observable_type)type, bytes_of(text, len));
            cr_assert(o->read || o->why.text[0], "a refusal has a reason");
            cr_assert(o->key.value.len <= OBSERVABLE_VALUE_MAX);
        }
        observable_guess(bytes_of(text, len));
        seed = seed * 1664525 + 1013904223;
    }
}

Test(indicator, is_valid_from_its_beginning_until_before_its_end)
{
    static const struct {
        int64_t from, until, at;
        enum indicator_validity validity;
    } cases[] = {
        {INDICATOR_ALWAYS, INDICATOR_EVER, 0, VALIDITY_WITHIN},
        {INDICATOR_ALWAYS, INDICATOR_EVER, INT64_MIN, VALIDITY_WITHIN},
        {INDICATOR_ALWAYS, INDICATOR_EVER, INT64_MAX, VALIDITY_WITHIN},
        {10, 20, 9, VALIDITY_BEFORE},
        {10, 20, 10, VALIDITY_WITHIN},
        {10, 20, 19, VALIDITY_WITHIN},
        {10, 20, 20, VALIDITY_AFTER},
        {INDICATOR_ALWAYS, 20, -5, VALIDITY_WITHIN},
        {10, INDICATOR_EVER, 1000, VALIDITY_WITHIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct indicator_source s = {.valid_from_ns = cases[i].from, .valid_until_ns = cases[i].until};
        cr_expect_eq(indicator_validity_at(&s, cases[i].at), cases[i].validity, "case %zu", i);
    }
    cr_expect_str_eq(indicator_validity_name(VALIDITY_BEFORE), "before");
    cr_expect_str_eq(indicator_validity_name(VALIDITY_WITHIN), "within");
    cr_expect_str_eq(indicator_validity_name(VALIDITY_AFTER), "after");
}

Test(indicator, names_how_it_matches)
{
    static const char *const names[] = {"exact", "suffix", "prefix", "block", "substring", "pattern"};
    for (int m = MATCH_EXACT; m <= MATCH_PATTERN; m++)
        cr_expect_str_eq(indicator_match_name((enum indicator_match)m), names[m]);
}
