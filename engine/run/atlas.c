/*
 * atlas: a file that cannot be read costs itself, as an indicator file does; regions that cannot be read are a mistake
 * of configuration.
 */
#include "run/atlas.h"

#include "base/log.h"
#include "base/unpack.h"

#include <inttypes.h>
#include <stdio.h>

enum { REGIONS_OCTETS_MAX = 16 << 20 };

struct reading {
    const char *name; /* of the file, or of its part in an archive */
    unsigned told;
};

/* ---- regions */

static void mistake(void *to, const char *text)
{
    (void)to;
    log_error("%s", text);
}

static struct regions *open_regions(const char *path)
{
    struct unpack file;
    struct fail why = {.text = ""};
    if (!path)
        return regions_read(regions_built_in(), "rules/regions.yaml", mistake, NULL);
    if (!unpack_file(&file, path, REGIONS_OCTETS_MAX, &why)) {
        log_error("%s: %s", path, why.text);
        return NULL;
    }
    struct regions *r = regions_read(file.count ? file.parts[0].content : bytes_of("", 0), path, mistake, NULL);
    unpack_free(&file);
    return r;
}

/* ---- countries of addresses */

static void refused(void *to, unsigned line, const char *text)
{
    struct reading *r = to;
    if (r->told++ < ATLAS_NAMED)
        log_error("%s: line %u: %s", r->name, line, text);
}

static void describe(struct buffer *report, const char *name, const struct place_report *p)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    if (report && p->format)
        buffer_format(report,
                      "%s: %s, %" PRIu64 " networks, %" PRIu64 " records without a country, %" PRIu64 " refused\n",
                      fail_quote(bytes_text(name), quote), p->format, p->networks, p->unplaced, p->refused);
}

/* False: it could not be read to its end. */
static bool read_part(struct places *p, const char *name, struct bytes content, struct buffer *report, bool *failed)
{
    struct reading r = {.name = name};
    struct place_sink sink = {.to = &r, .refused = refused};
    struct place_report done;
    struct fail why = {.text = ""};
    bool good = places_read(p, content, &sink, &done, &why);
    if (!good)
        log_error("%s: %s", name, why.text);
    if (r.told > ATLAS_NAMED)
        log_error("%s: %u more records refused", name, r.told - ATLAS_NAMED);
    describe(report, name, &done);
    *failed |= !good || r.told;
    return good;
}

static bool read_file(struct places *p, const char *path, struct buffer *report, bool *failed)
{
    struct unpack file;
    struct fail why = {.text = ""};
    bool good = unpack_file(&file, path, UNPACK_BYTES_MAX, &why);
    if (*why.text)
        log_error("%s: %s", path, why.text);
    *failed |= *why.text != 0;
    if (!good)
        return false;
    good = !*why.text;
    for (size_t i = 0; i < file.count; i++)
        good &= read_part(p, file.count > 1 && file.parts[i].member ? file.parts[i].member : path,
                          file.parts[i].content, report, failed);
    unpack_free(&file);
    return good;
}

static struct places *open_places(const struct config *c, struct buffer *report, bool *failed, bool *whole)
{
    struct block example;
    char text[ADDRESS_TEXT_MAX];
    if (!c->countries)
        return NULL;
    struct places *p = places_new();
    for (const struct config_countries *file = c->countries; file; file = file->next)
        *whole &= read_file(p, file->path, report, failed);
    uint64_t differing = places_build(p, &example);
    if (differing) {
        block_write(&example, text);
        log_warning("countries: networks that were given again with another country: %" PRIu64
                    ", %s among them; the last one counts",
                    differing, text);
    }
    if (report)
        buffer_format(report, "countries: %" PRIu64 " networks of %u countries\n", places_networks(p),
                      places_countries(p));
    return p;
}

bool atlas_check(struct atlas *a, const struct config *c, struct buffer *report, bool *failed)
{
    bool whole = true;
    *a = (struct atlas){.regions = open_regions(c->regions_path)};
    if (!a->regions) {
        *failed = true;
        return false;
    }
    if (report && c->regions_path)
        buffer_format(report, "regions: %u states in %u sub-regions, %u territories\n", a->regions->states,
                      a->regions->subregions, a->regions->places - a->regions->states);
    a->places = open_places(c, report, failed, &whole);
    return true;
}

bool atlas_open(struct atlas *a, const struct config *c, bool *failed)
{
    return atlas_check(a, c, NULL, failed);
}

struct places *atlas_places(const struct config *c, bool *whole)
{
    bool failed = false;
    *whole = true;
    return open_places(c, NULL, &failed, whole);
}

void atlas_close(struct atlas *a)
{
    regions_free(a->regions);
    places_free(a->places);
    *a = (struct atlas){.regions = NULL};
}

/* ---- places of a finding */

/* An address that is an indicator and an end of the flow: the other end is affected by it. */
static bool is_the_indicator(const struct finding *f, const struct address *end)
{
    return observable_is_address(f->type) && (f->where == WHERE_IP_SRC || f->where == WHERE_IP_DST) &&
           address_equal(&f->address, end);
}

static bool src_is_affected(const struct finding *f)
{
    return f->direction == DIRECTION_OUTBOUND ||
           (f->direction != DIRECTION_INBOUND && !is_the_indicator(f, &f->tuple.src));
}

void atlas_place(const struct places *p, struct finding *f)
{
    bool src = src_is_affected(f);
    bool home = f->direction == DIRECTION_OUTBOUND || f->direction == DIRECTION_INBOUND;
    if (f->direction == DIRECTION_INTERNAL)
        return;
    if (!home)
        places_country(p, src ? &f->tuple.src : &f->tuple.dst, f->country);
    places_country(p, src ? &f->tuple.dst : &f->tuple.src, f->remote_country);
}
