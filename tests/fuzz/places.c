/*
 * Any octets as a file of networks with their countries, and as a file of regions: what was taken can be asked.
 */
#include <stdlib.h>

#include "feed/place.h"
#include "model/region.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void refused(void *to, unsigned line, const char *text)
{
    (void)to;
    must(line > 0 && text[0]);
}

static void mistake(void *to, const char *text)
{
    ++*(unsigned *)to;
    must(text[0]);
}

static void read_places(struct bytes content)
{
    struct places *p = places_new();
    struct place_sink sink = {.refused = refused};
    struct place_report report;
    struct fail why = {.text = ""};
    struct block example;
    struct address a = {.octet = {0}};
    char country[3];
    bool good = places_read(p, content, &sink, &report, &why);
    must(good == !why.text[0]);
    places_build(p, &example);
    must(places_networks(p) <= report.networks && !places_networks(p) == !places_countries(p));
    memcpy(&a, content.at, content.len < sizeof a ? content.len : sizeof a);
    if (places_country(p, &a, country))
        must(country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z');
    places_free(p);
}

static void read_regions(struct bytes content)
{
    unsigned mistakes = 0;
    struct regions *r = regions_read(content, "fuzz", mistake, &mistakes);
    must(!r == (mistakes > 0));
    for (unsigned i = 0; r && i < r->places; i++)
        must(region_place(r, r->place[i].code) == i && region_of(r, r->place[i].code));
    regions_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    read_places(bytes_of(data, size));
    read_regions(bytes_of(data, size));
    return 0;
}
