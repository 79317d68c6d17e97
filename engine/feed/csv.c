/*
 * CSV with a header line (RFC 4180): columns in any order, only `type` and `value` required.
 *
 * Beyond the RFC: lines that begin with `#` and empty lines are skipped wherever a record could begin; a byte order
 * mark in front and blanks before a quoted field are ignored. A record that cannot be cut (a quote that is never
 * closed, text behind a closing quote) costs its first line only: reading goes on at the next one, so that one stray
 * quote does not swallow the rest.
 *
 * Fields are views of the content; only one with a doubled quote is copied, into `scratch`. Nothing is allocated for a
 * row.
 */
#include "base/arena.h"
#include "base/text.h"
#include "feed/format.h"

enum { FIELDS_MAX = 256, CONFIDENCE_MAX = 100 };

#define DAY_NS (86400 * TEXT_SECOND_NS)

struct table {
    struct cursor at;
    unsigned line;                   /* of the next record's first octet */
    struct bytes fields[FIELDS_MAX]; /* of the record that was cut last */
    unsigned count;                  /* how many */
    unsigned record_line;            /* where it began */
    struct arena arena;
    uint8_t *scratch; /* for fields with doubled quotes; FEED_LINE_MAX octets, taken when first needed */
    size_t scratch_len;
};

/* A record while its columns are read. */
struct row {
    enum observable_type type;
    enum where where;
    struct indicator_key key;
    struct indicator_source source;
    struct fail warning;
    char room[OBSERVABLE_VALUE_MAX];
};

/* Cutting */

static bool cut_fail(struct fail *why, const char *reason)
{
    return fail_set(why, "%s", reason);
}

static void keep(struct table *t, struct bytes part)
{
    memcpy(t->scratch + t->scratch_len, part.at, part.len);
    t->scratch_len += part.len;
}

/* The text of a quoted field whose quotes are still doubled. */
static struct bytes undouble(struct table *t, struct bytes field)
{
    if (!t->scratch)
        t->scratch = arena_take(&t->arena, FEED_LINE_MAX);
    size_t start = t->scratch_len;
    while (field.len) {
        size_t n = bytes_find(field, '"') + 1;
        keep(t, bytes_until(field, n));
        field = bytes_from(field, n + 1);
    }
    return bytes_of(t->scratch + start, t->scratch_len - start);
}

/* Behind the opening quote; leaves the cursor behind the closing one. */
static bool quoted_field(struct table *t, struct cursor *c, struct bytes *out, struct fail *why)
{
    struct bytes rest = cursor_rest(c);
    bool doubled = false;
    size_t len = 0;
    for (;;) {
        len += bytes_find(bytes_from(rest, len), '"');
        if (len == rest.len)
            return cut_fail(why, "a quote is opened and never closed");
        if (len + 1 == rest.len || rest.at[len + 1] != '"')
            break;
        doubled = true;
        len += 2;
    }
    cursor_skip(c, len + 1);
    *out = doubled ? undouble(t, bytes_until(rest, len)) : bytes_until(rest, len);
    return true;
}

static struct bytes bare_field(struct cursor *c)
{
    const uint8_t *p = c->at;
    while (p < c->end && *p != ',' && *p != '\n')
        p++;
    struct bytes field = cursor_take(c, (size_t)(p - c->at));
    bool line_end = p < c->end && *p == '\n';
    if (line_end && field.len && field.at[field.len - 1] == '\r')
        field.len--;
    return field;
}

static struct cursor behind_blanks(struct cursor c)
{
    while (c.at < c.end && (*c.at == ' ' || *c.at == '\t'))
        c.at++;
    return c;
}

static bool cut_field(struct table *t, struct cursor *c, struct bytes *out, struct fail *why)
{
    struct cursor ahead = behind_blanks(*c);
    if (ahead.at == ahead.end || *ahead.at != '"') {
        *out = bare_field(c);
        return true;
    }
    *c = ahead;
    cursor_skip(c, 1);
    if (!quoted_field(t, c, out, why))
        return false;
    *c = behind_blanks(*c);
    if (c->at < c->end && *c->at == '\r')
        cursor_skip(c, 1);
    return c->at == c->end || *c->at == ',' || *c->at == '\n' || cut_fail(why, "text behind a closing quote");
}

/* One record from `*c`, which is left behind its line end, or at the end of what it may see. */
static bool cut_record(struct table *t, struct cursor *c, struct fail *why)
{
    const uint8_t *start = c->at;
    t->count = 0;
    t->scratch_len = 0;
    for (;;) {
        struct bytes field;
        if (!cut_field(t, c, &field, why))
            return false;
        if (t->count == FIELDS_MAX)
            return fail_set(why, "more than %d fields", FIELDS_MAX);
        t->fields[t->count++] = field;
        if (c->at == c->end || cursor_u8(c) == '\n')
            break;
    }
    size_t len = (size_t)(c->at - start);
    return !memchr(start, 0, len) || cut_fail(why, "holds a NUL octet");
}

static void skip_line(struct table *t)
{
    struct bytes rest = cursor_rest(&t->at);
    cursor_skip(&t->at, rest.len ? bytes_find(rest, '\n') : 0);
    if (t->at.at < t->at.end)
        cursor_skip(&t->at, 1);
    t->line++;
}

static bool is_skipped(struct bytes rest)
{
    return rest.at[0] == '#' || rest.at[0] == '\n' || (rest.at[0] == '\r' && (rest.len == 1 || rest.at[1] == '\n'));
}

enum cut { CUT_END, CUT_RECORD, CUT_BAD };

/* The next record into `t->fields`; a bad one costs one line. */
static enum cut next_record(struct table *t, struct fail *why)
{
    while (cursor_left(&t->at) && is_skipped(cursor_rest(&t->at)))
        skip_line(t);
    if (cursor_left(&t->at) == 0)
        return CUT_END;

    struct cursor c = cursor_of(bytes_until(cursor_rest(&t->at), FEED_LINE_MAX));
    t->record_line = t->line;
    bool whole = cut_record(t, &c, why);
    if (whole && c.at == c.end && c.end < t->at.end && c.at[-1] != '\n')
        whole = fail_set(why, "longer than %d octets", FEED_LINE_MAX);
    if (!whole) {
        skip_line(t);
        return CUT_BAD;
    }
    struct bytes record = cursor_take(&t->at, (size_t)(c.at - t->at.at));
    for (; record.len; t->line++)
        record = bytes_from(record, bytes_find(record, '\n') + 1);
    return CUT_RECORD;
}

/* Columns */

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
static bool header_read(const struct table *t, struct header *h, const struct feed_sink *sink)
{
    h->fields = t->count;
    for (int c = 0; c < COLUMNS; c++)
        h->field[c] = ABSENT;
    for (unsigned i = 0; i < t->count; i++) {
        struct bytes name = bytes_trim(t->fields[i]);
        int c = column_named(name);
        if (c == ABSENT)
            warn(sink, t->record_line, "unknown column", name);
        else if (h->field[c] != ABSENT)
            warn(sink, t->record_line, "column twice, only the first counts:", name);
        else
            h->field[c] = (int)i;
    }
    return h->field[COLUMN_TYPE] != ABSENT && h->field[COLUMN_VALUE] != ABSENT;
}

static struct table table_of(struct bytes content)
{
    if (bytes_start_with(content, "\xef\xbb\xbf"))
        content = bytes_from(content, 3);
    return (struct table){.at = cursor_of(content), .line = 1};
}

static bool probe(struct bytes head)
{
    struct table t = table_of(head);
    struct header h;
    struct fail why = {0};
    bool yes = next_record(&t, &why) == CUT_RECORD && header_read(&t, &h, NULL);
    arena_free(&t.arena);
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

static bool row_read(struct row *r, const struct table *t, const struct header *h, struct fail *why)
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

static void tell(struct row *r, const struct table *t, const struct feed_sink *sink)
{
    if (r->warning.text[0] && sink->warning) {
        fail_at(&r->warning, "value");
        sink->warning(sink->to, t->record_line, r->warning.text);
    }
    sink->indicator(sink->to, t->record_line, &r->key, &r->source);
}

static void read_rows(struct table *t, const struct header *h, const struct feed *feed, const struct feed_sink *sink)
{
    struct row row;
    for (;;) {
        struct fail why;
        why.text[0] = 0;
        enum cut cut = next_record(t, &why);
        if (cut == CUT_END)
            return;
        row_init(&row, feed);
        if (cut == CUT_RECORD && row_read(&row, t, h, &why))
            tell(&row, t, sink);
        else
            sink->refused(sink->to, t->record_line, why.text);
    }
}

static void read(struct bytes content, const struct feed *feed, const struct feed_sink *sink)
{
    struct table t = table_of(content);
    struct header h;
    struct fail why = {0};
    enum cut cut = next_record(&t, &why);
    if (cut == CUT_BAD)
        sink->refused(sink->to, t.record_line, why.text);
    else if (cut == CUT_RECORD && !header_read(&t, &h, sink))
        sink->refused(sink->to, t.record_line, "the header line has no columns \"type\" and \"value\"");
    else if (cut == CUT_RECORD)
        read_rows(&t, &h, feed, sink);
    arena_free(&t.arena);
}

const struct format format_csv = {
    .name = "csv",
    .about = "CSV with a header line; columns type and value, and any others of the list in the manual",
    .probe = probe,
    .read = read,
};
