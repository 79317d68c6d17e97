/*
 * Facts of atlas: what the places of a finding are, and what a configuration's files come to.
 */
#include "run/atlas.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct address address_of(const char *text)
{
    struct address a;
    cr_assert(address_read(bytes_text(text), &a), "%s", text);
    return a;
}

static void ignore(void *to, unsigned line, const char *text)
{
    (void)to, (void)line;
    cr_assert_fail("%s", text);
}

static struct places *some_places(void)
{
    struct places *p = places_new();
    struct place_sink sink = {NULL, ignore};
    struct place_report report;
    struct block example;
    struct fail why = {.text = ""};
    cr_assert(
        places_read(p, bytes_text("192.0.2.0/24,CL\n198.51.100.0/24,BR\n2001:db8::/32,PE\n"), &sink, &report, &why));
    places_build(p, &example);
    return p;
}

#define CL_ADDRESS "192.0.2.1"
#define BR_ADDRESS "198.51.100.1"
#define UNKNOWN    "10.0.0.1"

/* The contract: `region` is of the affected end; empty here is the sensor's, or unknown. */
Test(atlas, tells_the_affected_end_from_the_other)
{
    static const struct {
        const char *src, *dst;
        enum flow_direction direction;
        enum observable_type type;
        enum where where;
        const char *address; /* of address types */
        const char *country, *remote;
    } cases[] = {
        /* a home network on one side: its country is the sensor's */
        {CL_ADDRESS, BR_ADDRESS, DIRECTION_OUTBOUND, OBSERVABLE_IPV4_ADDR, WHERE_IP_DST, BR_ADDRESS, "", "BR"},
        {CL_ADDRESS, BR_ADDRESS, DIRECTION_INBOUND, OBSERVABLE_IPV4_ADDR, WHERE_IP_SRC, CL_ADDRESS, "", "CL"},
        {CL_ADDRESS, BR_ADDRESS, DIRECTION_OUTBOUND, OBSERVABLE_DOMAIN_NAME, WHERE_TLS_SNI, NULL, "", "BR"},
        {CL_ADDRESS, UNKNOWN, DIRECTION_OUTBOUND, OBSERVABLE_DOMAIN_NAME, WHERE_TLS_SNI, NULL, "", ""},
        {CL_ADDRESS, BR_ADDRESS, DIRECTION_INTERNAL, OBSERVABLE_IPV4_ADDR, WHERE_IP_DST, BR_ADDRESS, "", ""},
        /* none: the end that is not the indicator */
        {CL_ADDRESS, BR_ADDRESS, DIRECTION_EXTERNAL, OBSERVABLE_IPV4_ADDR, WHERE_IP_DST, BR_ADDRESS, "CL", "BR"},
        {CL_ADDRESS, BR_ADDRESS, DIRECTION_EXTERNAL, OBSERVABLE_IPV4_ADDR, WHERE_IP_SRC, CL_ADDRESS, "BR", "CL"},
        {BR_ADDRESS, "2001:db8::1", DIRECTION_UNKNOWN, OBSERVABLE_IP_PORT, WHERE_IP_DST, "2001:db8::1", "BR", "PE"},
        {UNKNOWN, BR_ADDRESS, DIRECTION_EXTERNAL, OBSERVABLE_IPV4_ADDR, WHERE_IP_DST, BR_ADDRESS, "", "BR"},
        /* of a name, and of an address that is no end of the flow: the client */
        {CL_ADDRESS, BR_ADDRESS, DIRECTION_UNKNOWN, OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, NULL, "CL", "BR"},
        {CL_ADDRESS, BR_ADDRESS, DIRECTION_EXTERNAL, OBSERVABLE_IPV4_ADDR, WHERE_DNS_ANSWER, CL_ADDRESS, "CL", "BR"},
    };
    struct places *p = some_places();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct finding f = {.type = cases[i].type, .where = cases[i].where, .direction = cases[i].direction};
        f.tuple.src = address_of(cases[i].src);
        f.tuple.dst = address_of(cases[i].dst);
        if (cases[i].address)
            f.address = address_of(cases[i].address);
        atlas_place(p, &f);
        cr_expect_str_eq(f.country, cases[i].country, "case %zu: %s", i, f.country);
        cr_expect_str_eq(f.remote_country, cases[i].remote, "case %zu: %s", i, f.remote_country);
        atlas_place(NULL, &f);
    }
    places_free(p);
}

Test(atlas, has_the_regions_that_are_compiled_in_and_no_countries)
{
    struct config c;
    struct atlas a;
    bool failed = false;
    config_defaults(&c);
    cr_assert(atlas_open(&a, &c, &failed));
    cr_expect_eq(a.regions->states, 35);
    cr_expect_null(a.places);
    cr_expect_not(failed);
    atlas_close(&a);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

Test(atlas, takes_what_is_good_of_several_files)
{
    char folder[] = "/tmp/vigia-atlas-XXXXXX", first[64], second[64];
    cr_assert(mkdtemp(folder));
    snprintf(first, sizeof first, "%s/a.csv", folder);
    snprintf(second, sizeof second, "%s/b", folder);
    write_file(first, "192.0.2.0/24,CL\nx,CL\n198.51.100.0/24,AR\n");
    write_file(second, "2|lacnic|1|1|1|1|-0300\nlacnic|BR|ipv4|198.51.100.0|256|20260101|allocated\n");
    struct config c;
    struct atlas a;
    struct buffer report = {.at = NULL};
    bool failed = false;
    struct config_countries last = {.path = "/nowhere/c.mmdb"}, middle = {.next = &last, .path = second},
                            begin = {.next = &middle, .path = first};
    char country[3];
    struct address address = address_of(BR_ADDRESS);
    config_defaults(&c);
    c.countries = &begin;
    cr_assert(atlas_check(&a, &c, &report, &failed));
    cr_expect(failed, "a line and a file could not be read");
    cr_expect(places_country(a.places, &address, country));
    cr_expect_str_eq(country, "BR", "the last file counts");
    buffer_char(&report, 0);
    cr_expect(strstr(report.at, "/a.csv: csv, 2 networks, 0 records without a country, 1 refused\n"), "%s", report.at);
    cr_expect(strstr(report.at, "/b: rir, 1 networks,"), "%s", report.at);
    cr_expect(strstr(report.at, "countries: 2 networks of 2 countries\n"), "%s", report.at);
    atlas_close(&a);
    buffer_free(&report);
    unlink(first);
    unlink(second);
    rmdir(folder);
}

Test(atlas, goes_nowhere_without_regions)
{
    struct config c;
    struct atlas a;
    bool failed = false;
    config_defaults(&c);
    c.regions_path = "/nowhere/regions.yaml";
    cr_expect_not(atlas_open(&a, &c, &failed));
    cr_expect(failed);
}
