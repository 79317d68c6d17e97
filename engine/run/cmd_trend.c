/*
 * vigia trend: a detector over a CSV of counts, one line out for each point in, in the order of the file.
 *
 * A single pass: a row is judged by the rows of its series before it, and forgotten but for what the detector keeps.
 * All numbers are the detector's; here are columns, series and the look of a line.
 */
#include "base/csv.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "base/unpack.h"
#include "run/options.h"
#include "trend/detector.h"

#include <math.h>
#include <stdalign.h>
#include <stdio.h>

enum {
    GROUPS_MAX = 16,
    GROUP_VALUE_MAX = 1024, /* octets */
    SERIES_COUNT_MAX = 1 << 20,
    PERIOD_MAX = 1 << 20,
    NAMED_MAX = 20, /* bad lines that are named one by one; then their number */
    OUT_CHUNK = 65536,
    SPARKS = 16,
    TIME_COLUMNS = 20,
    GROUP_COLUMNS = 14,
    ABSENT = -1,
};

enum form { FORM_JSON, FORM_CSV, FORM_TEXT };

/* One series: what the detector keeps of it follows it in memory. */
struct strand {
    struct bytes key;
    int64_t newest_ns;
    unsigned points;
    double sparks[SPARKS]; /* the newest counts, for the text view */
    alignas(max_align_t) unsigned char state[];
};

struct trending {
    const struct options *options;
    const struct detector *detector;
    struct detector_settings settings;
    enum form form;
    const char *file;

    unsigned group_count;
    struct bytes wanted[GROUPS_MAX];
    const char *groups[GROUPS_MAX]; /* as the header spells them */
    int group_fields[GROUPS_MAX];
    int time_field, count_field;
    bool may_be_negative;
    unsigned fields;

    struct hash_key hash;
    struct table by_key;
    struct strand **strands;
    struct arena arena;
    struct buffer key, out;
    bool headed;
    unsigned refused, unordered, unordered_line;
    int status;
};

/* A row, read. */
struct row {
    struct bytes time;
    struct point point;
};

/* What went wrong */

static bool refuse(struct fail *why, const char *expected, struct bytes text)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    return fail_set(why, "expected %s, found \"%s\"", expected, fail_quote(text, quote));
}

static void name_line(struct trending *t, unsigned line, const char *why)
{
    t->status = STATUS_INPUT;
    if (t->refused++ < NAMED_MAX)
        log_error("%s: line %u: %s", t->file, line, why);
}

/* The header */

static int field_named(const struct csv *csv, struct bytes name)
{
    for (unsigned i = 0; i < csv->count; i++) {
        struct bytes field = bytes_trim(csv->fields[i]);
        bool same = field.len == name.len;
        for (size_t n = 0; same && n < name.len; n++)
            same = bytes_lower(field.at[n]) == bytes_lower(name.at[n]);
        if (same)
            return (int)i;
    }
    return ABSENT;
}

static bool read_groups(struct trending *t, const struct csv *csv, struct fail *why)
{
    for (unsigned i = 0; i < t->group_count; i++) {
        char quote[4 * FAIL_QUOTE_MAX + 4];
        t->group_fields[i] = field_named(csv, t->wanted[i]);
        if (t->group_fields[i] == ABSENT)
            return fail_set(why, "--group: the header has no column \"%s\"", fail_quote(t->wanted[i], quote));
        t->groups[i] = arena_text(&t->arena, bytes_trim(csv->fields[t->group_fields[i]]));
    }
    return true;
}

/* False with a status: a header that lacks a column of --group is wrong usage, any other an input that is none. */
static bool read_header(struct trending *t, const struct csv *csv)
{
    struct fail why = {.text = ""};
    int value_field = field_named(csv, bytes_text("value"));
    t->time_field = field_named(csv, bytes_text("timestamp"));
    t->count_field = field_named(csv, bytes_text("count"));
    t->may_be_negative = t->count_field == ABSENT;
    if (t->may_be_negative)
        t->count_field = value_field;
    t->fields = csv->count;
    if (t->time_field == ABSENT || t->count_field == ABSENT) {
        name_line(t, csv->line, "expected a header line with the columns timestamp and count (or value)");
        return false;
    }
    if (read_groups(t, csv, &why))
        return true;
    log_error("%s: line %u: %s", t->file, csv->line, why.text);
    t->status = STATUS_USAGE;
    return false;
}

/* Rows */

static bool read_row(const struct trending *t, const struct csv *csv, struct row *r, struct fail *why)
{
    bool date_only;
    if (csv->count != t->fields)
        return fail_set(why, "expected %u fields as in the header, found %u", t->fields, csv->count);
    r->time = bytes_trim(csv->fields[t->time_field]);
    if (!text_time(r->time, &r->point.time_ns, &date_only))
        return refuse(why, "a date or time as in RFC 3339", r->time) || fail_at(why, "timestamp");
    struct bytes count = bytes_trim(csv->fields[t->count_field]);
    if (!text_decimal(count, &r->point.count))
        return refuse(why, "a number", count) || fail_at(why, t->may_be_negative ? "value" : "count");
    if (r->point.count < 0 && !t->may_be_negative)
        return refuse(why, "a number that is not negative", count) || fail_at(why, "count");
    return true;
}

/* The values of the groups, each with its length in front, so that no two series have the same key. */
static bool make_key(struct trending *t, const struct csv *csv, struct fail *why)
{
    buffer_clear(&t->key);
    for (unsigned i = 0; i < t->group_count; i++) {
        struct bytes value = csv->fields[t->group_fields[i]];
        if (value.len > GROUP_VALUE_MAX)
            return fail_set(why, "%s: longer than %d octets", t->groups[i], GROUP_VALUE_MAX);
        uint16_t len = (uint16_t)value.len;
        buffer_add(&t->key, (const char *)&len, sizeof len);
        buffer_add(&t->key, (const char *)value.at, value.len);
    }
    return true;
}

static struct strand *new_strand(struct trending *t, uint64_t hash)
{
    struct strand *s = arena_take(&t->arena, sizeof *s + t->detector->octets);
    s->key = arena_copy(&t->arena, buffer_bytes(&t->key));
    s->newest_ns = INT64_MIN;
    t->detector->start(s->state, &t->settings);
    t->strands[t->by_key.count] = s;
    table_add(&t->by_key, hash, t->by_key.count);
    return s;
}

/* The series of this row. */
static struct strand *strand_of(struct trending *t, const struct csv *csv, struct fail *why)
{
    if (!make_key(t, csv, why))
        return NULL;
    uint64_t hash = hash_keyed(&t->hash, t->key.at, t->key.len);
    for (uint32_t slot = table_first(&t->by_key, hash); slot != TABLE_NONE; slot = table_next(&t->by_key, hash, slot)) {
        struct strand *s = t->strands[table_value(&t->by_key, slot)];
        if (bytes_equal(s->key, buffer_bytes(&t->key)))
            return s;
    }
    if (t->by_key.count < SERIES_COUNT_MAX)
        return new_strand(t, hash);
    fail_set(why, "more than %d series", SERIES_COUNT_MAX);
    return NULL;
}

/* Lines out */

static struct bytes group_value(const struct trending *t, const struct csv *csv, unsigned group)
{
    return csv->fields[t->group_fields[group]];
}

static void put_json(struct trending *t, const struct csv *csv, const struct row *r, const struct judgement *j)
{
    struct json line = json_to(&t->out);
    json_object(&line);
    json_key(&line, "timestamp"), json_text(&line, r->time);
    for (unsigned i = 0; i < t->group_count; i++)
        json_key(&line, t->groups[i]), json_text(&line, group_value(t, csv, i));
    json_key(&line, "count"), json_real(&line, r->point.count);
    json_key(&line, "expected"), json_real(&line, j->expected);
    json_key(&line, "score"), json_real(&line, j->score);
    json_key(&line, "alarm"), json_bool(&line, j->alarm);
    json_key(&line, "upper"), json_real(&line, j->upper);
    json_end(&line);
    buffer_char(&t->out, '\n');
}

static void put_real(struct buffer *out, double number)
{
    struct json alone = json_to(out);
    buffer_char(out, ',');
    if (isfinite(number))
        json_real(&alone, number);
}

static void put_csv(struct trending *t, const struct csv *csv, const struct row *r, const struct judgement *j)
{
    csv_cell_write(&t->out, r->time);
    for (unsigned i = 0; i < t->group_count; i++)
        buffer_char(&t->out, ','), csv_cell_write(&t->out, group_value(t, csv, i));
    put_real(&t->out, r->point.count);
    put_real(&t->out, j->expected);
    put_real(&t->out, j->score);
    buffer_text(&t->out, j->alarm ? ",true" : ",false");
    put_real(&t->out, j->upper);
    buffer_text(&t->out, "\r\n");
}

/* Printable and as wide as its column: cut at its end, or filled with blanks. */
static void put_column(struct buffer *out, struct bytes text, int columns)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    buffer_format(out, "%-*.*s  ", columns, columns, fail_quote(text, quote));
}

/* The last counts of the series, each an eighth to eight eighths of a line high. */
static void put_sparks(struct buffer *out, const struct strand *s)
{
    unsigned count = s->points < SPARKS ? s->points : SPARKS;
    double least = INFINITY, most = -INFINITY;
    for (unsigned i = 0; i < count; i++) {
        least = fmin(least, s->sparks[i]);
        most = fmax(most, s->sparks[i]);
    }
    for (unsigned i = count; i < SPARKS; i++)
        buffer_char(out, ' ');
    for (unsigned back = count; back > 0; back--) {
        double at = s->sparks[(s->points - back) % SPARKS];
        unsigned eighths = most > least ? (unsigned)((at / 2 - least / 2) / (most / 2 - least / 2) * 7 + 0.5) : 0;
        buffer_format(out, "\xe2\x96%c", (char)(0x81 + eighths)); /* U+2581 to U+2588 */
    }
}

static void put_text(struct trending *t, const struct csv *csv, const struct row *r, const struct judgement *j,
                     const struct strand *s)
{
    bool colour = t->options->style.colour;
    put_column(&t->out, r->time, TIME_COLUMNS);
    for (unsigned i = 0; i < t->group_count; i++)
        put_column(&t->out, group_value(t, csv, i), GROUP_COLUMNS);
    buffer_format(&t->out, "%10.7g  ", r->point.count);
    if (j->baseline)
        buffer_format(&t->out, "%10.4g  %7.5f  ", j->expected, j->score);
    else
        buffer_format(&t->out, "%10s  %7s  ", "-", "-");
    put_sparks(&t->out, s);
    if (j->alarm)
        buffer_text(&t->out, colour ? "  \033[1;31malarm\033[0m" : "  alarm");
    buffer_char(&t->out, '\n');
}

static void put_head(struct trending *t)
{
    if (t->headed)
        return;
    t->headed = true;
    bool text = t->form == FORM_TEXT;
    if (text)
        put_column(&t->out, bytes_text("timestamp"), TIME_COLUMNS);
    else if (t->form == FORM_CSV)
        buffer_text(&t->out, "timestamp");
    for (unsigned i = 0; i < t->group_count && t->form != FORM_JSON; i++) {
        if (text)
            put_column(&t->out, bytes_text(t->groups[i]), GROUP_COLUMNS);
        else
            buffer_char(&t->out, ','), csv_cell_write(&t->out, bytes_text(t->groups[i]));
    }
    if (text)
        buffer_format(&t->out, "%10s  %10s  %7s  the last %d\n", "count", "expected", "score", SPARKS);
    else if (t->form == FORM_CSV)
        buffer_text(&t->out, ",count,expected,score,alarm,upper\r\n");
}

/* False when the output takes no more. */
static bool put_out(struct trending *t)
{
    int status = options_print(buffer_bytes(&t->out), STATUS_DONE);
    buffer_clear(&t->out);
    if (status != STATUS_DONE)
        t->status = status;
    return status == STATUS_DONE && !ferror(stdout);
}

static void put_point(struct trending *t, const struct csv *csv, const struct row *r, const struct judgement *j,
                      const struct strand *s)
{
    switch (t->form) {
    case FORM_JSON: put_json(t, csv, r, j); break;
    case FORM_CSV: put_csv(t, csv, r, j); break;
    case FORM_TEXT: put_text(t, csv, r, j, s); break;
    }
}

/* From a row to its line. */
static bool judge_row(struct trending *t, const struct csv *csv, struct fail *why)
{
    struct row row;
    if (!read_row(t, csv, &row, why))
        return false;
    struct strand *s = strand_of(t, csv, why);
    if (!s)
        return false;
    if (row.point.time_ns <= s->newest_ns && t->unordered++ == 0)
        t->unordered_line = csv->line;
    if (row.point.time_ns > s->newest_ns)
        s->newest_ns = row.point.time_ns;
    s->sparks[s->points++ % SPARKS] = row.point.count;
    struct judgement j = t->detector->step(s->state, &row.point);
    put_point(t, csv, &row, &j, s);
    return true;
}

static void judge_rows(struct trending *t, struct csv *csv)
{
    for (;;) {
        struct fail why = {.text = ""};
        enum csv_found found = csv_next(csv, &why);
        if (found == CSV_END)
            return;
        if (found == CSV_BAD || !judge_row(t, csv, &why))
            name_line(t, csv->line, why.text);
        if (t->out.len >= OUT_CHUNK && !put_out(t))
            return;
    }
}

static void judge_content(struct trending *t, struct bytes content)
{
    struct csv csv = csv_of(content);
    struct fail why = {.text = ""};
    enum csv_found found = csv_next(&csv, &why);
    if (found == CSV_END)
        log_error("%s: expected a header line with the columns timestamp and count (or value), found nothing", t->file);
    if (found == CSV_END)
        t->status = STATUS_INPUT;
    else if (found == CSV_BAD)
        name_line(t, csv.line, why.text);
    else if (read_header(t, &csv)) {
        put_head(t);
        judge_rows(t, &csv);
    }
    csv_free(&csv);
}

/* What there were more of than were named. */
static void sum_up(const struct trending *t)
{
    if (t->refused > NAMED_MAX)
        log_error("%s: %u more lines refused", t->file, t->refused - NAMED_MAX);
    if (t->unordered)
        log_warning("%s: line %u: the first of %u points that are not behind the one before them in time (--group?); "
                    "they are judged in the order of the file",
                    t->file, t->unordered_line, t->unordered);
}

static int judge_file(struct trending *t)
{
    struct unpack file;
    struct fail why = {.text = ""};
    bool good = unpack_path(&file, t->file, UNPACK_BYTES_MAX, &why);
    if (*why.text) {
        log_error("%s: %s", t->file, why.text);
        t->status = STATUS_INPUT;
    }
    if (!good)
        return t->status;
    table_init(&t->by_key, SERIES_COUNT_MAX);
    hash_key_random(&t->hash);
    t->strands = arena_take(&t->arena, SERIES_COUNT_MAX * sizeof *t->strands);
    if (file.count == 0)
        judge_content(t, bytes_of("", 0));
    for (size_t i = 0; i < file.count && t->status != STATUS_OUTPUT; i++)
        judge_content(t, file.parts[i].content);
    sum_up(t);
    put_out(t);
    unpack_free(&file);
    table_free(&t->by_key);
    return t->status;
}

/* The command line */

static bool is_ours(struct bytes column)
{
    static const char *const ours[] = {"timestamp", "count", "expected", "score", "alarm", "upper"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (bytes_alike(column, ours[i]))
            return true;
    return false;
}

static bool want_groups(struct trending *t, const char *text)
{
    struct bytes rest = bytes_text(text);
    for (bool more = true; more;) {
        size_t len = bytes_find(rest, ',');
        struct bytes name = bytes_trim(bytes_until(rest, len));
        more = len < rest.len;
        rest = bytes_from(rest, len + 1);
        if (name.len == 0 || is_ours(name) || t->group_count == GROUPS_MAX)
            return false;
        t->wanted[t->group_count++] = name;
    }
    return true;
}

static const char *detector_names(struct buffer *names)
{
    for (unsigned i = 0; detector_at(i); i++)
        buffer_format(names, "%s%s", i ? ", " : "", detector_at(i)->name);
    return names->at;
}

static int run(const struct options *o)
{
    struct trending t = {.options = o, .detector = detector_default()};
    const char *detector = o->text[TEXT_DETECTOR], *group = o->text[TEXT_GROUP], *period = o->text[TEXT_PERIOD];
    struct buffer names = {0};
    uint64_t points = 0;
    if (detector && !(t.detector = detector_named(detector))) {
        options_wrong("--detector: expected one of %s, found \"%s\"", detector_names(&names), detector);
        buffer_free(&names);
        return STATUS_USAGE;
    }
    if (group && !want_groups(&t, group))
        return options_wrong(
            "--group: expected up to %d columns other than timestamp, count, expected, score, alarm and "
            "upper, found \"%s\"",
            GROUPS_MAX, group);
    if (period && (!text_number(bytes_text(period), PERIOD_MAX, &points) || points == 0))
        return options_wrong("--period: expected a number of points from 1 to %d, found \"%s\"", PERIOD_MAX, period);
    if (o->argument_count != 1)
        return options_wrong("trend: expected one file of counts, or - for stdin");
    t.settings.period = (uint32_t)points;
    t.file = o->arguments[0];
    t.form = strcmp(o->output->name, "csv") == 0    ? FORM_CSV
             : strcmp(o->output->name, "text") == 0 ? FORM_TEXT
                                                    : FORM_JSON;
    int status = judge_file(&t);
    buffer_free(&t.key);
    buffer_free(&t.out);
    arena_free(&t.arena);
    return status;
}

const struct command command_trend = {
    .name = "trend",
    .usage = "[--detector NAME] [--group COLUMN,...] [--period N] FILE",
    .about = "Judges counts over time: how many were to be expected, and which are no ordinary ones.",
    .help =
        "FILE is CSV with a header line: timestamp, count (0 or more) or value (any number), and any others. Each row\n"
        "is a point, judged by those before it. Detectors: ears-c1, ears-c2, ears-c3. The score, 0 to 1, says how\n"
        "surely a count is no ordinary one; where there is no baseline yet it is 0, and nothing is expected.\n",
    .accepts = OPTION_SERIES | OPTION_FORMAT,
    .run = run,
};
