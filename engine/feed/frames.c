/*
 * A line ends at LF. An object of an array ends at the brace that closes it, strings and escapes minded.
 */
#include "feed/frames.h"

#include <stdlib.h>

enum { PIECE_MIN = 64 * 1024 };

struct frames frames_of(struct bytes content)
{
    return (struct frames){.rest = content};
}

uint8_t *frames_room(struct frames *f, size_t *len)
{
    size_t waits = f->rest.len;
    if (waits)
        memmove(f->room, f->rest.at, waits);
    if (f->room_octets < waits + PIECE_MIN) {
        f->room_octets = 2 * (waits + PIECE_MIN);
        f->room = realloc(f->room, f->room_octets);
        if (!f->room)
            abort();
    }
    f->rest = bytes_of(f->room, waits);
    *len = f->room_octets - waits;
    return f->room + waits;
}

void frames_add(struct frames *f, size_t len)
{
    f->rest = bytes_of(f->room, f->rest.len + len);
}

static void pass(struct frames *f, size_t n)
{
    f->passed += n;
    f->rest = bytes_from(f->rest, n);
}

/* A byte order mark is no part of a record. Whether it is an array shows when its first object does: `[` in front of a
 * `{`; lines of arrays are lines. False: not to be seen yet. */
static bool begin(struct frames *f, bool last)
{
    if (f->begun)
        return true;
    if (f->rest.len < 3 && !last && bytes_start_with(f->rest, "\xef"))
        return false;
    if (bytes_start_with(f->rest, "\xef\xbb\xbf"))
        pass(f, 3);
    struct bytes trimmed = bytes_trim(f->rest);
    if (!trimmed.len && !last)
        return false;
    if (trimmed.len && trimmed.at[0] == '[') {
        struct bytes inside = bytes_trim(bytes_from(trimmed, 1));
        if (!inside.len && !last)
            return false;
        f->array = inside.len && inside.at[0] == '{';
    }
    f->lines++; /* of a file that is read on, those before are there */
    f->begun = true;
    return true;
}

static size_t line_end(struct frames *f, bool last)
{
    size_t at = bytes_find(f->rest, '\n');
    if (at < f->rest.len)
        return at + 1;
    return last || f->rest.len > FEED_LINE_MAX ? at : 0;
}

static bool next_line(struct frames *f, struct bytes *frame, bool last)
{
    while (f->rest.len) {
        size_t end = line_end(f, last);
        if (!end)
            return false;
        struct bytes line = bytes_until(f->rest, end);
        bool whole = line.at[end - 1] == '\n';
        bool passing = f->passing;
        f->line = f->lines;
        f->lines += whole;
        f->passing = !whole && !last;
        pass(f, end);
        *frame = bytes_trim(line);
        if (!passing && frame->len)
            return true;
    }
    return false;
}

/* Octets up to and with the closing brace; 0 when it is not there. */
static size_t object_end(struct bytes text)
{
    unsigned depth = 0;
    bool string = false;
    for (size_t at = 0; at < text.len; at++) {
        uint8_t c = text.at[at];
        if (string) {
            at += c == '\\';
            string = c != '"';
        } else if (c == '"') {
            string = true;
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            return at + 1;
        }
    }
    return 0;
}

static uint64_t lines_in(struct bytes text)
{
    uint64_t count = 0;
    for (size_t at; (at = bytes_find(text, '\n')) < text.len; text = bytes_from(text, at + 1))
        count++;
    return count;
}

/* What stands between objects is commas, blanks and the brackets; anything else is passed over too. */
static bool next_object(struct frames *f, struct bytes *frame, bool last)
{
    size_t begins = bytes_find(f->rest, '{');
    f->lines += lines_in(bytes_until(f->rest, begins));
    pass(f, begins);
    if (!f->rest.len)
        return false;
    size_t end = object_end(bytes_until(f->rest, FEED_LINE_MAX + 1));
    if (!end && f->rest.len > FEED_LINE_MAX)
        end = FEED_LINE_MAX + 1; /* and goes on with whatever looks like an object in the rest of it */
    if (!end && last)
        end = f->rest.len;
    *frame = bytes_until(f->rest, end);
    f->line = f->lines;
    f->lines += lines_in(*frame);
    pass(f, end);
    return end > 0;
}

bool frames_next(struct frames *f, struct bytes *frame, bool last)
{
    if (!begin(f, last))
        return false;
    return f->array ? next_object(f, frame, last) : next_line(f, frame, last);
}

void frames_restart(struct frames *f)
{
    *f = (struct frames){.room = f->room, .room_octets = f->room_octets};
}

void frames_free(struct frames *f)
{
    free(f->room);
    *f = (struct frames){.rest = {NULL, 0}};
}
