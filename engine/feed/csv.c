/*
 * CSV with a header line (RFC 4180, as base/csv.h cuts it): columns in any order, only `type` and `value` required.
 */
#include "base/csv.h"
#include "base/text.h"
#include "feed/format.h"

enum { CONFIDENCE_MAX = 100 };

#define DAY_NS (86400 * TEXT_SECOND_NS)

/* A record while its columns are read. */
struct row {
    enum observable_type type;
    enum where where;
    struct indicator_key key;
    struct indicator_source source;
    struct fail warning;
    char room[OBSERVABLE_VALUE_MAX];
};

static bool refuse(struct fail *why, const char *expected, struct bytes text)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    return fail_set(why, "expected %s, found \"%s\"", expected, fail_quote(text, quote));
}

static bool type_column(struct row *r, struct bytes text, struct fail *why)
{
    return observable_type_read(text, &r->type) || refuse(why, "a type (such as domain-name, ipv4-addr, url)", text);
}

static bool value_column(struct row *r, struct bytes text, struct fail *why)
{
    return indicator_key_read(r->type, text, r->room, &r->key, &r->warning, why) ||
           fail_at(why, "%s", observable_type_name(r->type));
}

static bool where_column(struct row *r, struct bytes text, struct fail *why)
{
    return where_read(text, &r->where) || refuse(why, "a place (such as dns.query, tls.sni, http.url)", text);
}

static bool confidence_column(struct row *r, struct bytes text, struct fail *why)
{
    uint64_t number;
    if (!text_number(bytes_trim(text), CONFIDENCE_MAX, &number))
        return refuse(why, "a number from 0 to 100", text);
    r->source.confidence = (int8_t)number;
    return true;
}

static bool tlp_column(struct row *r, struct bytes text, struct fail *why)
{
    return tlp_read(text, &r->source.tlp) || refuse(why, "clear, green, amber, amber+strict or red", text);
}

static bool time_read(struct bytes text, int64_t *ns, bool *date_only, struct fail *why)
{
    return text_time(bytes_trim(text), ns, date_only) || refuse(why, "a date or time as in RFC 3339", text);
}

static bool valid_from_column(struct row *r, struct bytes text, struct fail *why)
{
    bool date_only;
    return time_read(text, &r->source.valid_from_ns, &date_only, why);
}

static bool valid_until_column(struct row *r, struct bytes text, struct fail *why)
{
    bool date_only;
    if (!time_read(text, &r->source.valid_until_ns, &date_only, why))
        return false;
    if (date_only)
        r->source.valid_until_ns += DAY_NS; /* a date's end is the next midnight */
    return r->source.valid_until_ns > r->source.valid_from_ns || refuse(why, "a time behind valid_from", text);
}

static bool category_column(struct row *r, struct bytes text, struct fail *why)
{
    return category_read(text, &r->source.category) || refuse(why, "an RSIT type (such as c2-server, phishing)", text);
}

static bool tags_column(struct row *r, struct bytes text, struct fail *why)
{
    (void)why;
    r->source.tags = text;
    return true;
}

static bool source_column(struct row *r, struct bytes text, struct fail *why)
{
    (void)why;
    r->source.feed = text;
    return true;
}

static bool description_column(struct row *r, struct bytes text, struct fail *why)
{
    (void)why;
    r->source.description = text;
    return true;
}

static bool reference_column(struct row *r, struct bytes text, struct fail *why)
{
    (void)why;
    r->source.reference = text;
    return true;
}

static bool id_column(struct row *r, struct bytes text, struct fail *why)
{
    (void)why;
    r->source.id = text;
    return true;
}

/* In the order in which they are read: the type before the value, the beginning before the end. */
static const struct column {
    const char *name;
    bool (*read)(struct row *r, struct bytes text, struct fail *why);
} columns[] = {
    {"type", type_column},
    {"value", value_column},
    {"where", where_column},
    {"confidence", confidence_column},
    {"tlp", tlp_column},
    {"valid_from", valid_from_column},
    {"valid_until", valid_until_column},
    {"category", category_column},
    {"tags", tags_column},
    {"source", source_column},
    {"description", description_column},
    {"reference", reference_column},
    {"id", id_column},
};

enum { COLUMNS = sizeof columns / sizeof *columns, COLUMN_TYPE = 0, COLUMN_VALUE = 1, ABSENT = -1 };

/* Which field of a record holds each column. */
struct header {
    int field[COLUMNS];
    unsigned fields;
};

static int column_named(struct bytes name)
{
    for (int c = 0; c < COLUMNS; c++)
        if (bytes_alike(name, columns[c].name))
            return c;
    return ABSENT;
}

static void warn(const struct feed_sink *sink, unsigned line, const char *what, struct bytes name)
{
    struct fail text = {0};
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_set(&text, "%s \"%s\"", what, fail_quote(name, quote));
    if (sink && sink->warning)
        sink->warning(sink->to, line, text.text);
}

/* Without a sink, columns that are no use pass in silence. */
static bool header_read(const struct csv *t, struct header *h, const struct feed_sink *sink)
{
    h->fields = t->count;
    for (int c = 0; c < COLUMNS; c++)
        h->field[c] = ABSENT;
    for (unsigned i = 0; i < t->count; i++) {
        struct bytes name = bytes_trim(t->fields[i]);
        int c = column_named(name);
        if (c == ABSENT)
            warn(sink, t->line, "unknown column", name);
        else if (h->field[c] != ABSENT)
            warn(sink, t->line, "column twice, only the first counts:", name);
        else
            h->field[c] = (int)i;
    }
    return h->field[COLUMN_TYPE] != ABSENT && h->field[COLUMN_VALUE] != ABSENT;
}

static bool probe(struct bytes head)
{
    struct csv t = csv_of(head);
    struct header h;
    struct fail why = {0};
    bool yes = csv_next(&t, &why) == CSV_RECORD && header_read(&t, &h, NULL);
    csv_free(&t);
    return yes;
}

static void row_init(struct row *r, const struct feed *feed)
{
    r->where = WHERE_ANY;
    r->warning.text[0] = 0;
    r->source = (struct indicator_source){
        .feed = bytes_text(feed->name),
        .valid_from_ns = INDICATOR_ALWAYS,
        .valid_until_ns = INDICATOR_EVER,
        .confidence = feed->confidence,
        .tlp = feed->tlp,
        .category = feed->category,
    };
}

static bool row_read(struct row *r, const struct csv *t, const struct header *h, struct fail *why)
{
    if (t->count != h->fields)
        return fail_set(why, "expected %u fields as in the header, found %u", h->fields, t->count);
    for (int c = 0; c < COLUMNS; c++) {
        if (h->field[c] == ABSENT)
            continue;
        struct bytes text = t->fields[h->field[c]];
        bool exact = c == COLUMN_VALUE; /* blanks may belong to a pattern */
        if (!exact)
            text = bytes_trim(text);
        bool required = c == COLUMN_TYPE || c == COLUMN_VALUE;
        if ((text.len || required) && !columns[c].read(r, text, why))
            return fail_at(why, "%s", columns[c].name);
    }
    r->key.where = r->where;
    return true;
}

static void tell(struct row *r, const struct csv *t, const struct feed_sink *sink)
{
    if (r->warning.text[0] && sink->warning) {
        fail_at(&r->warning, "value");
        sink->warning(sink->to, t->line, r->warning.text);
    }
    sink->indicator(sink->to, t->line, &r->key, &r->source);
}

static void read_rows(struct csv *t, const struct header *h, const struct feed *feed, const struct feed_sink *sink)
{
    struct row row;
    for (;;) {
        struct fail why;
        why.text[0] = 0;
        enum csv_found found = csv_next(t, &why);
        if (found == CSV_END)
            return;
        row_init(&row, feed);
        if (found == CSV_RECORD && row_read(&row, t, h, &why))
            tell(&row, t, sink);
        else
            sink->refused(sink->to, t->line, why.text);
    }
}

static void read(struct bytes content, const struct feed *feed, const struct feed_sink *sink)
{
    struct csv t = csv_of(content);
    struct header h;
    struct fail why = {0};
    enum csv_found found = csv_next(&t, &why);
    if (found == CSV_BAD)
        sink->refused(sink->to, t.line, why.text);
    else if (found == CSV_RECORD && !header_read(&t, &h, sink))
        sink->refused(sink->to, t.line, "the header line has no columns \"type\" and \"value\"");
    else if (found == CSV_RECORD)
        read_rows(&t, &h, feed, sink);
    csv_free(&t);
}

const struct format format_csv = {
    .name = "csv",
    .about = "CSV with a header line; columns type and value, and any others of the list in the manual",
    .probe = probe,
    .read = read,
};
