/*
 * Facts of place. Oracles: MaxMind's own test databases and the JSON that they were made of; the registries' data as
 * ipverse aggregates it for each country. Both are read from ../shared/data and passed over where that is not there.
 */
#include "feed/place.h"

#include "base/buffer.h"
#include "base/text.h"
#include "base/unpack.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define DATA "../shared/data/permissive/events/"

struct told {
    struct places *places;
    struct place_report report;
    struct buffer refused;
    struct fail why;
    uint64_t differing;
    struct block example;
};

static void take_refused(void *to, unsigned line, const char *text)
{
    buffer_format(to, "%u: %s\n", line, text);
}

static bool add(struct told *t, struct bytes content)
{
    struct place_sink sink = {&t->refused, take_refused};
    t->why.text[0] = 0;
    return places_read(t->places, content, &sink, &t->report, &t->why);
}

static void build(struct told *t)
{
    t->differing = places_build(t->places, &t->example);
    buffer_char(&t->refused, 0);
}

static struct told read_text(const char *text)
{
    struct told t = {.places = places_new()};
    cr_assert(add(&t, bytes_text(text)), "%s", t.why.text);
    build(&t);
    return t;
}

static void forget(struct told *t)
{
    places_free(t->places);
    buffer_free(&t->refused);
}

static const char *country(const struct told *t, const char *address)
{
    static char code[3];
    struct address a;
    cr_assert(address_read(bytes_text(address), &a), "%s", address);
    return places_country(t->places, &a, code) ? code : "-";
}

struct expected {
    const char *address, *country;
};

static void expect(const struct told *t, const struct expected *e, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(country(t, e[i].address), e[i].country, "%s: %s, not %s", e[i].address,
                         country(t, e[i].address), e[i].country);
}

#define EXPECT(t, e) expect(t, e, sizeof(e) / sizeof *(e))

/* ---- CSV */

Test(place, reads_prefixes_with_and_without_a_header)
{
    static const char *const texts[] = {
        "192.0.2.0/24,CL\n2001:db8::/32,br\n198.51.100.7,PE\n",
        "# a comment\nprefix,country\n192.0.2.0/24,CL\r\n2001:db8::/32,BR\n198.51.100.7,PE",
        "country,cc,network\nChile,CL,192.0.2.0/24\n\"Brasil, o\",BR,2001:db8::/32\nPeru,PE,198.51.100.7/32\n",
    };
    static const struct expected e[] = {
        {"192.0.2.0", "CL"}, {"192.0.2.255", "CL"},  {"192.0.3.0", "-"},    {"2001:db8::1", "BR"},
        {"2001:db9::", "-"}, {"198.51.100.7", "PE"}, {"198.51.100.8", "-"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct told t = read_text(texts[i]);
        cr_expect_str_eq(t.report.format, "csv");
        cr_expect_eq(t.report.refused, 0, "%s", t.refused.at);
        cr_expect_eq(places_networks(t.places), 3);
        cr_expect_eq(places_countries(t.places), 3);
        EXPECT(&t, e);
        forget(&t);
    }
}

Test(place, reads_ranges)
{
    struct told t = read_text("start_ip,end_ip,country\n"
                              "192.0.2.1,192.0.2.6,CL\n"
                              "0.0.0.0,9.255.255.255,US\n"
                              "255.255.255.254,255.255.255.255,AR\n"
                              "2001:db8::ffff,2001:db8::1:0,BR\n");
    static const struct expected e[] = {
        {"192.0.2.0", "-"},       {"192.0.2.1", "CL"},
        {"192.0.2.6", "CL"},      {"192.0.2.7", "-"},
        {"0.0.0.0", "US"},        {"9.255.255.255", "US"},
        {"10.0.0.0", "-"},        {"255.255.255.255", "AR"},
        {"255.255.255.253", "-"}, {"2001:db8::fffe", "-"},
        {"2001:db8::ffff", "BR"}, {"2001:db8::1:0", "BR"},
        {"2001:db8::1:1", "-"},   {"::", "-"},
    };
    EXPECT(&t, e);
    cr_expect_eq(places_networks(t.places), 4 /* .1 .2/31 .4/31 .6 */ + 2 /* /5 and /7 */ + 1 + 2);
    forget(&t);
}

Test(place, names_bad_lines_and_keeps_the_others)
{
    struct told t = read_text("prefix,country\n"
                              "192.0.2.0/24,Chile\n"
                              "192.0.2.1/24,CL\n"
                              "198.51.100.0/24,CL\n"
                              "\"open,CL\n"
                              "203.0.113.0/24,EU\n"
                              "203.0.113.0/24\n"
                              "2001:db8::/129,CL\n");
    cr_expect_str_eq(t.refused.at, "2: expected a country's two letters (ISO 3166), found \"Chile\"\n"
                                   "3: expected a CIDR block without host bits, found \"192.0.2.1/24\"\n"
                                   "5: a quote is opened and never closed\n"
                                   "8: expected a CIDR block without host bits, found \"2001:db8::/129\"\n");
    cr_expect_eq(t.report.refused, 4);
    cr_expect_eq(t.report.unplaced, 2);
    cr_expect_eq(t.report.networks, 1);
    cr_expect_str_eq(country(&t, "198.51.100.1"), "CL");
    forget(&t);

    t = read_text("1.0.0.0,1.0.0.9,CL\n1.0.1.9,1.0.1.0,CL\n1.0.2.0,::1,CL\n");
    cr_expect_str_eq(t.refused.at, "2: expected an address behind the first one, found \"1.0.1.0\"\n"
                                   "3: expected an address behind the first one, found \"::1\"\n");
    forget(&t);
}

/* ---- several files */

Test(place, prefers_the_narrower_network_and_of_the_same_the_last)
{
    struct told t = {.places = places_new()};
    cr_assert(add(&t, bytes_text("10.0.0.0/8,CL\n10.1.0.0/16,AR\n10.9.0.0/16,CL\n")));
    cr_assert(add(&t, bytes_text("10.1.2.0/24,PE\n10.1.0.0/16,BO\n10.9.0.0/16,CL\n")));
    build(&t);
    static const struct expected e[] = {{"10.0.0.1", "CL"}, {"10.1.2.3", "PE"}, {"10.1.3.1", "BO"}, {"10.9.0.0", "CL"}};
    EXPECT(&t, e);
    char text[ADDRESS_TEXT_MAX];
    block_write(&t.example, text);
    cr_expect_eq(t.differing, 1);
    cr_expect_str_eq(text, "10.1.0.0/16");
    cr_expect_eq(places_networks(t.places), 4);
    forget(&t);
}

Test(place, knows_nothing_where_nothing_was_read)
{
    struct told t = {.places = places_new()};
    build(&t);
    cr_expect_str_eq(country(&t, "192.0.2.1"), "-");
    cr_expect_eq(places_countries(t.places), 0);
    forget(&t);
    char code[3] = "??";
    cr_expect_not(places_country(NULL, &(struct address){{0}}, code));
    cr_expect_str_eq(code, "");
}

Test(place, refuses_what_has_another_form)
{
    static const char *const texts[] = {
        "", "\n", "hello\n", "name,country\nx,CL\n", "{\"a\":1}\n", "192.0.2.0/24 CL\n"};
    struct told t = {.places = places_new()};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cr_expect_not(add(&t, bytes_text(texts[i])), "%s", texts[i]);
        cr_expect_eq(strncmp(t.why.text, "expected networks with their countries", 38), 0, "%s", t.why.text);
    }
    build(&t);
    forget(&t);
}

/* ---- registries */

#define HEAD "2|lacnic|20260927|3|19870101|20260925|-0300\nlacnic|*|ipv4|*|3|summary\n"

Test(place, splits_counts_that_are_no_power_of_two)
{
    struct told t = read_text(HEAD "lacnic|CL|ipv4|192.0.2.0|768|20260101|allocated\n"
                                   "lacnic|AR|ipv4|198.51.100.128|384|20260101|ASSIGNED|x|y\n"
                                   "lacnic|BR|ipv6|2001:db8::|33|20260101|allocated|x\n"
                                   "lacnic|BR|asn|64496|1|20260101|allocated|x\n"
                                   "lacnic|US|ipv4|255.255.255.0|256||assigned\n");
    static const struct expected e[] = {
        {"192.0.1.255", "-"},      {"192.0.2.0", "CL"},      {"192.0.4.255", "CL"},     {"192.0.5.0", "-"},
        {"198.51.100.127", "-"},   {"198.51.100.128", "AR"}, {"198.51.101.255", "AR"},  {"198.51.102.0", "-"},
        {"2001:db8:7fff::", "BR"}, {"2001:db8:8000::", "-"}, {"255.255.255.255", "US"},
    };
    cr_expect_str_eq(t.report.format, "rir");
    cr_expect_eq(t.report.refused, 0, "%s", t.refused.at);
    cr_expect_eq(places_networks(t.places), 2 + 2 + 1 + 1);
    EXPECT(&t, e);
    forget(&t);
}

Test(place, takes_only_what_a_registry_gave_to_a_country)
{
    struct told t = read_text("# as the NRO puts them together\n" HEAD "lacnic||ipv4|192.0.2.0|256||available|\n"
                              "lacnic||ipv4|192.0.3.0|256|00000000|reserved|\n"
                              "ripencc|EU|ipv4|192.0.4.0|256|20260101|allocated|x\n"
                              "2|afrinic|20260927|1|00000000|20260925|00000\n"
                              "afrinic|ZA|ipv4|192.0.5.0|256|20260101|allocated|x\n");
    cr_expect_eq(t.report.unplaced, 3);
    cr_expect_eq(t.report.refused, 0, "%s", t.refused.at);
    cr_expect_str_eq(country(&t, "192.0.2.1"), "-");
    cr_expect_str_eq(country(&t, "192.0.4.1"), "-");
    cr_expect_str_eq(country(&t, "192.0.5.1"), "ZA");
    forget(&t);
}

Test(place, names_bad_records_of_a_registry)
{
    struct told t = read_text(HEAD "lacnic|CL|ipv4|192.0.2.256|256|20260101|allocated\n"
                                   "lacnic|CL|ipv4|255.255.255.0|257|20260101|allocated\n"
                                   "lacnic|CL|ipv4|192.0.2.0|0|20260101|allocated\n"
                                   "lacnic|CL|ipv6|2001:db8::|129|20260101|allocated\n"
                                   "lacnic|CL|ipv6|192.0.2.0|24|20260101|allocated\n"
                                   "lacnic|CL|ipv4|192.0.2.0|256|20260101|lost\n"
                                   "lacnic|CL|ipv4|192.0.2.0\n"
                                   "lacnic|CL|ipv9|192.0.2.0|256|20260101|allocated\n"
                                   "lacnic|CL|ipv4|192.0.2.0|256|20260101|allocated\n");
    cr_expect_eq(t.report.refused, 8);
    cr_expect_str_eq(
        t.refused.at,
        "3: expected an IPv4 address, found \"192.0.2.256\"\n"
        "4: expected a number of addresses that exist, found \"257\"\n"
        "5: expected a number of addresses that exist, found \"0\"\n"
        "6: expected an IPv6 address with a prefix length behind it, found \"2001:db8::\"\n"
        "7: expected an IPv6 address with a prefix length behind it, found \"192.0.2.0\"\n"
        "8: expected allocated, assigned, available or reserved, found \"lost\"\n"
        "9: expected registry|cc|asn, ipv4 or ipv6|start|value|date|status, found \"lacnic|CL|ipv4|192.0.2.0\"\n"
        "10: expected registry|cc|asn, ipv4 or ipv6|start|value|date|status, found "
        "\"lacnic|CL|ipv9|192.0.2.0|256|20260101|allocated\"\n");
    cr_expect_str_eq(country(&t, "192.0.2.1"), "CL");
    forget(&t);
}

/* ---- real files */

static bool open_data(struct unpack *u, const char *path)
{
    struct fail why = {.text = ""};
    if (unpack_file(u, path, UNPACK_BYTES_MAX, &why))
        return true;
    printf("skipped: no shared data\n");
    return false;
}

/* Data that MaxMind publishes with its own test databases: each line of the table stands in source-data's JSON. */
Test(place, reads_a_maxmind_database)
{
    static const struct expected e[] = {
        {"2001:218::1", "JP"},   {"2001:220::1", "KR"},   {"81.2.69.160", "GB"},   {"81.2.69.161", "GB"},
        {"89.160.20.112", "SE"}, {"216.160.83.56", "US"}, {"2.125.160.216", "GB"}, {"192.0.2.1", "-"},
    };
    struct unpack u;
    struct told t = {.places = places_new()};
    if (open_data(&u, DATA "maxmind-db/test-data/GeoIP2-Country-Test.mmdb")) {
        cr_assert(add(&t, u.parts[0].content), "%s", t.why.text);
        cr_expect_str_eq(t.report.format, "mmdb");
        build(&t);
        EXPECT(&t, e);
        cr_expect_eq(places_countries(t.places), 46);
        unpack_free(&u);
    }
    forget(&t);
}

/* Cut short, and each octet of the tree turned around: a reason or another answer, never a fault. */
Test(place, survives_damaged_databases)
{
    struct unpack u;
    if (!open_data(&u, DATA "maxmind-db/test-data/GeoIP2-Country-Test.mmdb"))
        return;
    struct bytes whole = u.parts[0].content;
    uint8_t *copy = malloc(whole.len);
    unsigned refused = 0;
    for (size_t i = 0; i < whole.len; i += 37) {
        struct told t = {.places = places_new()};
        memcpy(copy, whole.at, whole.len);
        copy[i] ^= 0xff;
        refused += !add(&t, bytes_of(copy, whole.len));
        build(&t);
        forget(&t);
        t = (struct told){.places = places_new()};
        refused += !add(&t, bytes_of(copy + i, whole.len - i));
        build(&t);
        forget(&t);
    }
    cr_expect_gt(refused, 100);
    free(copy);
    unpack_free(&u);
}

static void write_node(uint8_t *at, uint32_t left, uint32_t right)
{
    const uint8_t node[6] = {(uint8_t)(left >> 16),  (uint8_t)(left >> 8),  (uint8_t)left,
                             (uint8_t)(right >> 16), (uint8_t)(right >> 8), (uint8_t)right};
    memcpy(at, node, sizeof node);
}

/* A database whose every node leads to the next one by both ways has 2^128 leaves; MaxMind-DB spec 2.0. */
Test(place, leaves_a_tree_that_is_none)
{
    enum { NODES = 128 };
    static const char metadata[] = "\xab\xcd\xefMaxMind.com"
                                   "\xe9"
                                   "\x5b"
                                   "binary_format_major_version\xa1\x02"
                                   "\x5b"
                                   "binary_format_minor_version\xa0"
                                   "\x4b"
                                   "build_epoch\x01\x02\x01"
                                   "\x4d"
                                   "database_type\x41x"
                                   "\x4b"
                                   "description\xe0"
                                   "\x4a"
                                   "ip_version\xa1\x06"
                                   "\x49"
                                   "languages\x00\x04"
                                   "\x4a"
                                   "node_count\xc1\x80"
                                   "\x4b"
                                   "record_size\xa1\x18";
    uint8_t file[NODES * 6 + 16 + sizeof metadata - 1] = {0};
    for (uint32_t i = 0; i < NODES; i++)
        write_node(file + i * 6, i + 1, i + 1);
    memcpy(file + NODES * 6 + 16, metadata, sizeof metadata - 1);
    struct told t = {.places = places_new()};
    cr_expect_not(add(&t, bytes_of(file, sizeof file)));
    cr_expect_str_eq(t.why.text, "its tree is none: it leads to itself");
    build(&t);
    forget(&t);
}

/* The same registry's data by another reader, though of another year: most of it has stayed where it was. */
Test(place, agrees_with_another_reader_of_the_registry)
{
    static const struct {
        const char *code, *file;
    } countries[] = {{"CR", DATA "ipverse-rir/country/cr/ipv4-aggregated.txt"},
                     {"NI", DATA "ipverse-rir/country/ni/ipv4-aggregated.txt"},
                     {"PA", DATA "ipverse-rir/country/pa/ipv4-aggregated.txt"},
                     {"SV", DATA "ipverse-rir/country/sv/ipv4-aggregated.txt"}};
    struct unpack u;
    struct told t = {.places = places_new()};
    if (!open_data(&u, DATA "rir-exodus/data/delegated-lacnic-latest")) {
        forget(&t);
        return;
    }
    cr_assert(add(&t, u.parts[0].content), "%s", t.why.text);
    unpack_free(&u);
    build(&t);
    cr_expect_eq(t.report.refused, 0, "%s", t.refused.at);
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++) {
        unsigned asked = 0, same = 0, unknown = 0;
        struct bytes rest, line;
        struct block block;
        bool masked;
        cr_assert(open_data(&u, countries[i].file));
        for (rest = u.parts[0].content; text_line(&rest, &line);) {
            if (!block_read(line, &block, &masked))
                continue;
            char code[3];
            asked++;
            unknown += !places_country(t.places, &block.address, code);
            same += strcmp(code, countries[i].code) == 0;
        }
        cr_expect_gt(asked, 30);
        cr_expect_geq(same * 100, (asked - unknown) * 85, "%s: %u of %u, %u unknown", countries[i].code, same, asked,
                      unknown);
        cr_expect_leq(unknown * 100, asked * 30, "%s", countries[i].code);
        unpack_free(&u);
    }
    forget(&t);
}
