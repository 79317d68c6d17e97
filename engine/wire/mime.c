/*
 * Octets of parts go through one small buffer, of which so much stays behind as
 * may be the begin of a delimiter.
 */
#include "wire/mime.h"

#include "base/text.h"

enum { DELIMITER_LINE_MAX = 512 };

/* ---- parameters ---- */

struct parameter {
    struct bytes name;
    struct bytes value;
    bool quoted;
};

static struct bytes skip_blanks(struct bytes b)
{
    while (b.len && (b.at[0] == ' ' || (b.at[0] >= '\t' && b.at[0] <= '\r')))
        b = bytes_from(b, 1);
    return b;
}

/* A backslash hides a quote or a backslash only: senders write folders with
 * single ones. */
static bool hides(struct bytes b)
{
    return b.len >= 2 && b.at[0] == '\\' && (b.at[1] == '"' || b.at[1] == '\\');
}

/* Octets before the quote that closes; all when none does. */
static size_t quoted_len(struct bytes b)
{
    size_t at = 0;
    while (at < b.len && b.at[at] != '"')
        at += hides(bytes_from(b, at)) ? 2 : 1;
    return at;
}

static bool next_parameter(struct bytes *rest, struct parameter *p)
{
    while (rest->len && rest->at[0] != ';') {
        size_t passed = rest->at[0] == '"' ? 2 + quoted_len(bytes_from(*rest, 1)) : 1;
        *rest = bytes_from(*rest, passed);
    }
    if (!rest->len)
        return false;
    *rest = skip_blanks(bytes_from(*rest, 1));
    size_t len = 0;
    while (len < rest->len && rest->at[len] != '=' && rest->at[len] != ';')
        len++;
    *p = (struct parameter){.name = bytes_trim(bytes_until(*rest, len)), .value = bytes_until(*rest, 0)};
    *rest = bytes_from(*rest, len);
    if (!rest->len || rest->at[0] != '=')
        return true;
    *rest = skip_blanks(bytes_from(*rest, 1));
    p->quoted = rest->len && rest->at[0] == '"';
    *rest = bytes_from(*rest, p->quoted);
    len = p->quoted ? quoted_len(*rest) : bytes_find(*rest, ';');
    p->value = p->quoted ? bytes_until(*rest, len) : bytes_trim(bytes_until(*rest, len));
    *rest = bytes_from(*rest, len + p->quoted);
    return true;
}

struct written {
    char *at;
    size_t len;
    size_t max;
};

static void put(struct written *w, uint8_t octet)
{
    if (w->len < w->max)
        w->at[w->len++] = (char)octet;
}

static void put_latin(struct written *w, uint8_t octet)
{
    if (octet >= 0x80) {
        put(w, (uint8_t)(0xc0 | octet >> 6));
        octet = (uint8_t)(0x80 | (octet & 0x3f));
    }
    put(w, octet);
}

static void put_plain(struct written *w, const struct parameter *p)
{
    for (struct bytes b = p->value; b.len; b = bytes_from(b, 1)) {
        if (p->quoted && hides(b))
            b = bytes_from(b, 1);
        if (b.at[0] != '\r' && b.at[0] != '\n')
            put(w, b.at[0]);
    }
}

static void put_escaped(struct written *w, struct bytes b, bool latin)
{
    while (b.len) {
        uint8_t octet = b.at[0];
        bool escaped = octet == '%' && b.len >= 3 && text_hex(bytes_of(b.at + 1, 2), &octet);
        (latin ? put_latin : put)(w, octet);
        b = bytes_from(b, escaped ? 3 : 1);
    }
}

/* Takes `charset'language'` off the front; whether the set is ISO-8859-1, or
 * the one that passes for it. */
static bool take_charset(struct bytes *b)
{
    size_t set = bytes_find(*b, '\'');
    struct bytes behind = bytes_from(*b, set + 1);
    size_t language = bytes_find(behind, '\'');
    if (set == b->len || language == behind.len)
        return false;
    struct bytes charset = bytes_until(*b, set);
    *b = bytes_from(behind, language + 1);
    return bytes_alike(charset, "iso-8859-1") || bytes_alike(charset, "windows-1252");
}

/* One section of a continued parameter: `name*N` or `name*N*`. */
static bool is_section(struct bytes name, const char *wanted, unsigned n, bool *escaped)
{
    size_t len = strlen(wanted);
    uint64_t number;
    if (!bytes_alike(bytes_until(name, len), wanted) || name.len < len + 2 || name.at[len] != '*')
        return false;
    struct bytes digits = bytes_from(name, len + 1);
    *escaped = digits.at[digits.len - 1] == '*';
    return text_number(bytes_until(digits, digits.len - *escaped), MIME_SECTIONS_MAX, &number) && number == n;
}

static bool put_section(struct written *w, struct bytes value, const char *name, unsigned n, bool *latin)
{
    struct parameter p;
    bool escaped;
    while (next_parameter(&value, &p)) {
        if (!is_section(p.name, name, n, &escaped))
            continue;
        if (escaped && n == 0)
            *latin = take_charset(&p.value);
        if (escaped)
            put_escaped(w, p.value, *latin);
        else
            put_plain(w, &p);
        return true;
    }
    return false;
}

size_t mime_parameter(struct bytes value, const char *name, char *out, size_t max)
{
    struct written w = {.at = out, .max = max};
    struct parameter p, plain = {.quoted = false};
    size_t len = strlen(name);
    bool latin = false, found = false;
    for (struct bytes rest = value; next_parameter(&rest, &p);) {
        bool named = bytes_alike(bytes_until(p.name, len), name);
        if (named && p.name.len == len && !found) {
            plain = p;
            found = true;
        }
        if (named && p.name.len == len + 1 && p.name.at[len] == '*') {
            latin = take_charset(&p.value);
            put_escaped(&w, p.value, latin);
            return w.len;
        }
    }
    for (unsigned n = 0; n < MIME_SECTIONS_MAX && put_section(&w, value, name, n, &latin); n++)
        ;
    if (!w.len && found)
        put_plain(&w, &plain);
    return w.len;
}

bool mime_field(struct bytes *head, struct bytes *name, struct bytes *value)
{
    struct bytes line;
    if (!text_line(head, &line) || !line.len)
        return false;
    size_t colon = bytes_find(line, ':');
    *name = bytes_trim(bytes_until(line, colon));
    const uint8_t *begin = bytes_from(line, colon + 1).at;
    while (head->len && (head->at[0] == ' ' || head->at[0] == '\t') && text_line(head, &line))
        ;
    *value = bytes_trim(bytes_of(begin, (size_t)(line.at + line.len - begin)));
    return true;
}

/* ---- parts ---- */

bool mime_parts_init(struct mime_parts *p, struct bytes boundary)
{
    if (!boundary.len || boundary.len > MIME_BOUNDARY_MAX)
        return false;
    p->phase = MIME_PREAMBLE;
    p->fresh = false;
    memcpy(p->delimiter, "\n--", 3);
    memcpy(p->delimiter + 3, boundary.at, boundary.len);
    p->delimiter_len = 3 + boundary.len;
    p->room[0] = '\n'; /* the first delimiter may stand at the very begin */
    p->len = 1;
    return true;
}

/* The first `n` octets in the room are the part's, or nobody's; they leave it.
 */
static void give(struct mime_parts *p, size_t n, const struct mime_hearer *hearer)
{
    struct bytes octets = bytes_from(bytes_of(p->room, n), p->fresh);
    if (n)
        p->fresh = false;
    if (octets.len && p->phase == MIME_PART)
        hearer->octets(hearer->to, octets);
    p->len -= n;
    memmove(p->room, p->room + n, p->len);
}

static void end_part(struct mime_parts *p, enum mime_phase phase, bool whole, const struct mime_hearer *hearer)
{
    if (p->phase == MIME_PART)
        hearer->end(hearer->to, whole);
    p->phase = phase;
}

enum ending { ENDING_NONE, ENDING_UNKNOWN, ENDING_LINE, ENDING_ALL };

/* What the octets behind a boundary say: of a delimiter's line there are only
 * blanks; `--` ends the whole. */
static enum ending ending_of(struct bytes behind, size_t *len)
{
    if (bytes_start_with(behind, "--"))
        return ENDING_ALL;
    size_t line = bytes_find(behind, '\n');
    bool half = behind.len == 1 && behind.at[0] == '-';
    *len = line + 1;
    if (bytes_trim(bytes_until(behind, line)).len && !half)
        return ENDING_NONE;
    return line < behind.len ? ENDING_LINE : behind.len < DELIMITER_LINE_MAX ? ENDING_UNKNOWN : ENDING_NONE;
}

/* False: wants more octets. */
static bool look_for_delimiter(struct mime_parts *p, const struct mime_hearer *hearer)
{
    const uint8_t *hit = p->room, *end = p->room + p->len;
    for (; (hit = memmem(hit, (size_t)(end - hit), p->delimiter, p->delimiter_len)); hit++) {
        size_t before = (size_t)(hit - p->room), line = 0;
        enum ending ending = ending_of(bytes_from(bytes_of(hit, p->len - before), p->delimiter_len), &line);
        if (ending == ENDING_NONE)
            continue;
        size_t octets = before && hit[-1] == '\r' ? before - 1 : before;
        give(p, octets, hearer);
        if (ending == ENDING_UNKNOWN)
            return false;
        end_part(p, ending == ENDING_ALL ? MIME_OVER : MIME_HEAD, true, hearer);
        p->fresh = false;
        give(p, ending == ENDING_ALL ? p->len : before - octets + p->delimiter_len + line, hearer);
        return true;
    }
    size_t keep = p->delimiter_len + 1; /* a CR and all of the delimiter but its last octet */
    if (p->len > keep)
        give(p, p->len - keep, hearer);
    return false;
}

/* The length of a head with its empty line, 0 when it is not whole. */
static size_t head_len(struct bytes b)
{
    struct bytes rest = b, line;
    while (bytes_find(rest, '\n') < rest.len && text_line(&rest, &line))
        if (!line.len)
            return b.len - rest.len;
    return 0;
}

static bool take_head(struct mime_parts *p, const struct mime_hearer *hearer)
{
    size_t len = head_len(bytes_of(p->room, p->len));
    if (!len) {
        if (p->len == MIME_ROOM)
            p->phase = MIME_OVER;
        return false;
    }
    hearer->begin(hearer->to, bytes_of(p->room, len));
    give(p, len - 1, hearer); /* the LF stays: it may begin the delimiter, if the
                                 part is empty */
    p->phase = MIME_PART;
    p->fresh = true;
    return p->len > 1;
}

void mime_parts_add(struct mime_parts *p, struct bytes octets, const struct mime_hearer *hearer)
{
    while (octets.len && p->phase != MIME_OVER) {
        size_t take = MIME_ROOM - p->len < octets.len ? MIME_ROOM - p->len : octets.len;
        memcpy(p->room + p->len, octets.at, take);
        p->len += take;
        octets = bytes_from(octets, take);
        while (p->phase != MIME_OVER && (p->phase == MIME_HEAD ? take_head : look_for_delimiter)(p, hearer))
            ;
    }
}

void mime_parts_end(struct mime_parts *p, const struct mime_hearer *hearer)
{
    end_part(p, MIME_OVER, false, hearer);
}
