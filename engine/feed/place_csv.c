/*
 * CSV of networks: `prefix,country` or `first,last,country`, with or without a header. A header names the columns, in
 * any order and among others, as the free databases call them.
 */
#include "base/csv.h"
#include "feed/place.h"
#include "model/country.h"

enum column { NETWORK, FIRST, LAST, COUNTRY, COLUMNS };

enum { NOWHERE = CSV_FIELDS_MAX };

struct table {
    unsigned at[COLUMNS]; /* or NOWHERE */
};

/* Of two names for one thing the earlier is preferred: some have a country's name in `country`. */
static const struct {
    const char *name;
    enum column column;
} names[] = {
    {"network", NETWORK},
    {"prefix", NETWORK},
    {"cidr", NETWORK},
    {"block", NETWORK},
    {"first", FIRST},
    {"start", FIRST},
    {"start_ip", FIRST},
    {"ip_start", FIRST},
    {"range_start", FIRST},
    {"last", LAST},
    {"end", LAST},
    {"end_ip", LAST},
    {"ip_end", LAST},
    {"range_end", LAST},
    {"country_code", COUNTRY},
    {"country_iso_code", COUNTRY},
    {"iso_code", COUNTRY},
    {"cc", COUNTRY},
    {"country", COUNTRY},
};

static const struct table bare = {.at = {[NETWORK] = 0, [FIRST] = NOWHERE, [LAST] = NOWHERE, [COUNTRY] = 1}};
static const struct table bare_range = {.at = {[NETWORK] = NOWHERE, [FIRST] = 0, [LAST] = 1, [COUNTRY] = 2}};

static bool read_header(const struct csv *csv, struct table *t)
{
    *t = (struct table){.at = {NOWHERE, NOWHERE, NOWHERE, NOWHERE}};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (unsigned i = 0; i < csv->count && t->at[names[n].column] == NOWHERE; i++)
            if (bytes_alike(bytes_trim(csv->fields[i]), names[n].name))
                t->at[names[n].column] = i;
    return t->at[COUNTRY] != NOWHERE &&
           (t->at[NETWORK] != NOWHERE || (t->at[FIRST] != NOWHERE && t->at[LAST] != NOWHERE));
}

static struct bytes field(const struct csv *csv, const struct table *t, enum column c)
{
    return t->at[c] < csv->count ? bytes_trim(csv->fields[t->at[c]]) : bytes_of("", 0);
}

/* Which columns the first record has, as a header or by itself. */
static bool find_columns(const struct csv *csv, struct table *t, bool *header)
{
    struct block block;
    struct address last;
    bool masked;
    *header = read_header(csv, t);
    if (*header)
        return true;
    bool ranges = csv->count > 2 && address_read(bytes_trim(csv->fields[1]), &last);
    *t = ranges ? bare_range : bare;
    return csv->count > 1 && block_read(bytes_trim(csv->fields[0]), &block, &masked);
}

static bool probe(struct bytes content)
{
    struct csv csv = csv_of(content);
    struct fail why = {.text = ""};
    struct table t;
    bool header, mine = csv_next(&csv, &why) == CSV_RECORD && find_columns(&csv, &t, &header);
    csv_free(&csv);
    return mine;
}

static bool take_record(struct place_reading *r, const struct csv *csv, const struct table *t, struct fail *why)
{
    struct bytes text = field(csv, t, t->at[NETWORK] == NOWHERE ? FIRST : NETWORK);
    struct block block;
    struct address first, last;
    char country[3];
    bool masked = false, single = t->at[NETWORK] != NOWHERE;
    if (single ? !block_read(text, &block, &masked) || masked : !address_read(text, &first)) {
        place_refuse(r, csv->line, single ? "a CIDR block without host bits" : "an address", text);
        return true;
    }
    if (!single && (!address_read(field(csv, t, LAST), &last) || address_is_v4(&first) != address_is_v4(&last) ||
                    memcmp(&first, &last, sizeof first) > 0)) {
        place_refuse(r, csv->line, "an address behind the first one", field(csv, t, LAST));
        return true;
    }
    text = field(csv, t, COUNTRY);
    if (!country_read(text, country)) {
        bool none = text.len == 0 || text.len == 2;
        r->report->unplaced += none;
        if (!none)
            place_refuse(r, csv->line, "a country's two letters (ISO 3166)", text);
        return true;
    }
    return single ? place_network(r, &block, country, why) : place_range(r, &first, &last, country, why);
}

static bool read(struct bytes content, struct place_reading *r, struct fail *why)
{
    struct csv csv = csv_of(content);
    struct fail bad = {.text = ""};
    struct table t;
    enum csv_found found;
    bool known = false, good = true;
    for (; good && (found = csv_next(&csv, &bad)) != CSV_END; bad.text[0] = 0) {
        bool header = false;
        if (found == CSV_BAD) {
            r->report->refused++;
            r->sink->refused(r->sink->to, csv.line, bad.text);
            continue;
        }
        if (!known)
            find_columns(&csv, &t, &header);
        known = true;
        if (!header)
            good = take_record(r, &csv, &t, why) || fail_at(why, "line %u", csv.line);
    }
    csv_free(&csv);
    return good;
}

const struct place_format place_csv = {.name = "csv", .probe = probe, .read = read};
