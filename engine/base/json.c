/*
 * json: runs of octets that need no change are copied whole; a comma is written before every value but a level's first.
 */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

static void comma(struct json *j)
{
    if (j->depth > 0 && j->filled[j->depth])
        buffer_char(j->to, ',');
    j->filled[j->depth] = true;
}

static void value(struct json *j)
{
    assert(j->keyed == (j->depth > 0 && j->close[j->depth] == '}'));
    if (!j->keyed)
        comma(j);
    j->keyed = false;
}

static void open(struct json *j, char bracket, char close)
{
    value(j);
    assert(j->depth + 1 < JSON_DEPTH_MAX);
    j->depth++;
    j->filled[j->depth] = false;
    j->close[j->depth] = close;
    buffer_char(j->to, bracket);
}

void json_object(struct json *j)
{
    open(j, '{', '}');
}

void json_array(struct json *j)
{
    open(j, '[', ']');
}

void json_end(struct json *j)
{
    assert(j->depth > 0 && !j->keyed);
    buffer_char(j->to, j->close[j->depth--]);
}

static void escape(struct buffer *to, uint8_t octet)
{
    static const char letters[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (octet == '"' || octet == '\\')
        buffer_format(to, "\\%c", octet);
    else if (octet < sizeof letters && letters[octet])
        buffer_format(to, "\\%c", letters[octet]);
    else
        buffer_format(to, "\\u%04x", octet);
}

static bool is_plain(uint8_t octet)
{
    return octet >= 0x20 && octet < 0x7f && octet != '"' && octet != '\\';
}

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

/* Whether any of eight octets is zero, which shows in the high bits (H. S. Warren, Hacker's Delight, 6-1). */
static uint64_t zeros(uint64_t eight)
{
    return (eight - EACH(1)) & ~eight;
}

/* As is_plain of each of eight: the subtraction borrows only where an octet below ' ' has shown already. */
static bool are_plain(const uint8_t *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    uint64_t other =
        eight | (eight - EACH(' ')) | zeros(eight ^ EACH('"')) | zeros(eight ^ EACH('\\')) | zeros(eight ^ EACH(0x7f));
    return !(other & EACH(0x80));
}

#undef EACH

/* Octets in front that need no change. */
static size_t plain_run(struct bytes text)
{
    size_t run = 0;
    while (text.len - run >= 8 && are_plain(text.at + run))
        run += 8;
    while (run < text.len && is_plain(text.at[run]))
        run++;
    return run;
}

static void quoted(struct buffer *to, struct bytes text)
{
    buffer_char(to, '"');
    while (text.len) {
        size_t run = plain_run(text);
        buffer_add(to, text.at, run);
        text = bytes_from(text, run);
        if (!text.len)
            break;
        size_t step = text_utf8_step(text);
        if (step == 0)
            buffer_text(to, "\xef\xbf\xbd"); /* U+FFFD */
        else if (step == 1)
            escape(to, text.at[0]);
        else if (step == 2 && text.at[0] == 0xc2 && text.at[1] < 0xa0) /* C1: some terminals obey it */
            escape(to, text.at[1]);
        else
            buffer_add(to, text.at, step);
        text = bytes_from(text, step ? step : 1);
    }
    buffer_char(to, '"');
}

void json_key(struct json *j, const char *key)
{
    assert(j->depth > 0 && j->close[j->depth] == '}' && !j->keyed);
    comma(j);
    quoted(j->to, bytes_text(key));
    buffer_char(j->to, ':');
    j->keyed = true;
}

void json_text(struct json *j, struct bytes text)
{
    value(j);
    quoted(j->to, text);
}

void json_string(struct json *j, const char *text)
{
    if (text)
        json_text(j, bytes_text(text));
    else
        json_null(j);
}

void json_number(struct json *j, int64_t number)
{
    value(j);
    char text[TEXT_NUMBER_MAX];
    buffer_add(j->to, text, text_number_write(number, text));
}

void json_real(struct json *j, double number)
{
    char text[32];
    if (!isfinite(number)) {
        json_null(j);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    value(j);
    buffer_text(j->to, text);
}

void json_bool(struct json *j, bool truth)
{
    value(j);
    buffer_text(j->to, truth ? "true" : "false");
}

void json_null(struct json *j)
{
    value(j);
    buffer_text(j->to, "null");
}

void json_time(struct json *j, int64_t ns)
{
    char text[TEXT_TIME_MAX];
    json_text(j, bytes_of(text, text_time_write(ns, 6, text)));
}
