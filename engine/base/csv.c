/*
 * csv: a record is cut field by field; only a field with a doubled quote is copied.
 */
#include "base/csv.h"

static bool cut_fail(struct fail *why, const char *reason)
{
    return fail_set(why, "%s", reason);
}

static void keep(struct csv *t, struct bytes part)
{
    memcpy(t->scratch + t->scratch_len, part.at, part.len);
    t->scratch_len += part.len;
}

/* The text of a quoted field whose quotes are still doubled. */
static struct bytes undouble(struct csv *t, struct bytes field)
{
    if (!t->scratch)
        t->scratch = arena_take(&t->arena, CSV_RECORD_MAX);
    size_t start = t->scratch_len;
    while (field.len) {
        size_t n = bytes_find(field, '"') + 1;
        keep(t, bytes_until(field, n));
        field = bytes_from(field, n + 1);
    }
    return bytes_of(t->scratch + start, t->scratch_len - start);
}

/* Behind the opening quote; leaves the cursor behind the closing one. */
static bool quoted_field(struct csv *t, struct cursor *c, struct bytes *out, struct fail *why)
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

static bool cut_field(struct csv *t, struct cursor *c, struct bytes *out, struct fail *why)
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
static bool cut_record(struct csv *t, struct cursor *c, struct fail *why)
{
    const uint8_t *start = c->at;
    t->count = 0;
    t->scratch_len = 0;
    for (;;) {
        struct bytes field;
        if (!cut_field(t, c, &field, why))
            return false;
        if (t->count == CSV_FIELDS_MAX)
            return fail_set(why, "more than %d fields", CSV_FIELDS_MAX);
        t->fields[t->count++] = field;
        if (c->at == c->end || cursor_u8(c) == '\n')
            break;
    }
    size_t len = (size_t)(c->at - start);
    return !memchr(start, 0, len) || cut_fail(why, "holds a NUL octet");
}

static void skip_line(struct csv *t)
{
    struct bytes rest = cursor_rest(&t->rest);
    cursor_skip(&t->rest, rest.len ? bytes_find(rest, '\n') : 0);
    if (t->rest.at < t->rest.end)
        cursor_skip(&t->rest, 1);
    t->next_line++;
}

static bool is_skipped(struct bytes rest)
{
    return rest.at[0] == '#' || rest.at[0] == '\n' || (rest.at[0] == '\r' && (rest.len == 1 || rest.at[1] == '\n'));
}

enum csv_found csv_next(struct csv *t, struct fail *why)
{
    while (cursor_left(&t->rest) && is_skipped(cursor_rest(&t->rest)))
        skip_line(t);
    if (cursor_left(&t->rest) == 0)
        return CSV_END;

    struct cursor c = cursor_of(bytes_until(cursor_rest(&t->rest), CSV_RECORD_MAX));
    t->line = t->next_line;
    bool whole = cut_record(t, &c, why);
    if (whole && c.at == c.end && c.end < t->rest.end && c.at[-1] != '\n')
        whole = fail_set(why, "longer than %d octets", CSV_RECORD_MAX);
    if (!whole) {
        skip_line(t);
        return CSV_BAD;
    }
    struct bytes record = cursor_take(&t->rest, (size_t)(c.at - t->rest.at));
    for (; record.len; t->next_line++)
        record = bytes_from(record, bytes_find(record, '\n') + 1);
    return CSV_RECORD;
}

struct csv csv_of(struct bytes content)
{
    if (bytes_start_with(content, "\xef\xbb\xbf"))
        content = bytes_from(content, 3);
    return (struct csv){.rest = cursor_of(content), .next_line = 1};
}

void csv_free(struct csv *t)
{
    arena_free(&t->arena);
}

void csv_cell_write(struct buffer *to, struct bytes text)
{
    bool plain = true;
    for (size_t i = 0; i < text.len && plain; i++)
        plain = text.at[i] != ',' && text.at[i] != '"' && text.at[i] != '\n' && text.at[i] != '\r';
    if (plain) {
        buffer_add(to, text.at, text.len);
        return;
    }
    buffer_char(to, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buffer_char(to, '"');
        buffer_char(to, (char)text.at[i]);
    }
    buffer_char(to, '"');
}
