/*
 * bytes: a borrowed view of memory, and a bounded cursor that walks one.
 *
 * Every byte that a stranger wrote is read through a cursor. Its first overrun sticks: from then on every read gives
 * zero or the empty view, so a parser may read a whole structure and ask `overrun` once. A length-prefixed part is a
 * child cursor (`cursor_child`), which cannot see beyond itself.
 *
 * Owner: views and cursors own nothing; whoever made the memory outlives them. Any thread.
 */
#ifndef VIGIA_BASE_BYTES_H
#define VIGIA_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at;
    size_t len;
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool overrun; /* sticky: some read asked for more than there was */
};

/* The casts here and in `bytes_find` are for C++, which reads this header too (json_read.cpp). */
static inline struct bytes bytes_of(const void *at, size_t len)
{
    return (struct bytes){.at = (const uint8_t *)at, .len = len};
}

/* A view of a C string, without its NUL. */
static inline struct bytes bytes_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* `b` without its first `n` bytes (all of them if it has fewer). */
static inline struct bytes bytes_from(struct bytes b, size_t n)
{
    return n < b.len ? bytes_of(b.at + n, b.len - n) : bytes_of(b.at + b.len, 0);
}

/* The first `n` bytes of `b` (all of it if it has fewer). */
static inline struct bytes bytes_until(struct bytes b, size_t n)
{
    return bytes_of(b.at, n < b.len ? n : b.len);
}

/* Offset of the first `octet` in `b`, or `b.len` when there is none. */
static inline size_t bytes_find(struct bytes b, uint8_t octet)
{
    const uint8_t *hit = b.len ? (const uint8_t *)memchr(b.at, octet, b.len) : NULL;
    return hit ? (size_t)(hit - b.at) : b.len;
}

static inline bool bytes_start_with(struct bytes b, const char *text)
{
    size_t len = strlen(text);
    return b.len >= len && memcmp(b.at, text, len) == 0;
}

/* ASCII letters only; every other octet is itself. */
static inline uint8_t bytes_lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet | 0x20) : octet;
}

/* Equal but for the case of ASCII letters. */
static inline bool bytes_alike(struct bytes a, const char *text)
{
    size_t len = strlen(text);
    if (a.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (bytes_lower(a.at[i]) != bytes_lower((uint8_t)text[i]))
            return false;
    return true;
}

/* `b` without leading and trailing blanks, tabs, CR and LF. */
static inline struct bytes bytes_trim(struct bytes b)
{
    while (b.len && (*b.at == ' ' || (*b.at >= '\t' && *b.at <= '\r')))
        b = bytes_from(b, 1);
    while (b.len && (b.at[b.len - 1] == ' ' || (b.at[b.len - 1] >= '\t' && b.at[b.len - 1] <= '\r')))
        b.len--;
    return b;
}

static inline struct cursor cursor_of(struct bytes b)
{
    return (struct cursor){.at = b.at, .end = b.at + b.len, .overrun = false};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* The rest, without moving. */
static inline struct bytes cursor_rest(const struct cursor *c)
{
    return bytes_of(c->at, cursor_left(c));
}

/* The next `n` bytes; when there are fewer, the empty view, and the overrun sticks. */
static inline struct bytes cursor_take(struct cursor *c, size_t n)
{
    if (n > cursor_left(c)) {
        c->overrun = true;
        c->at = c->end;
        return bytes_of(c->end, 0);
    }
    struct bytes part = bytes_of(c->at, n);
    c->at += n;
    return part;
}

static inline void cursor_skip(struct cursor *c, size_t n)
{
    (void)cursor_take(c, n);
}

/* A cursor over the next `n` bytes, which this one passes. A child of an overrun is empty and has overrun too. */
static inline struct cursor cursor_child(struct cursor *c, size_t n)
{
    struct cursor child = cursor_of(cursor_take(c, n));
    child.overrun = c->overrun;
    return child;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    struct bytes b = cursor_take(c, 1);
    return b.len ? b.at[0] : 0;
}

/* Network byte order. */
static inline uint16_t cursor_u16(struct cursor *c)
{
    struct bytes b = cursor_take(c, 2);
    return b.len ? (uint16_t)(b.at[0] << 8 | b.at[1]) : 0;
}

static inline uint32_t cursor_u24(struct cursor *c)
{
    struct bytes b = cursor_take(c, 3);
    return b.len ? (uint32_t)b.at[0] << 16 | (uint32_t)b.at[1] << 8 | b.at[2] : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    struct bytes b = cursor_take(c, 4);
    return b.len ? (uint32_t)b.at[0] << 24 | (uint32_t)b.at[1] << 16 | (uint32_t)b.at[2] << 8 | b.at[3] : 0;
}

/* Byte order of the file: little endian, or big endian when `big`. */
static inline uint16_t cursor_u16_of(struct cursor *c, bool big)
{
    uint16_t v = cursor_u16(c);
    return big ? v : __builtin_bswap16(v);
}

static inline uint32_t cursor_u32_of(struct cursor *c, bool big)
{
    uint32_t v = cursor_u32(c);
    return big ? v : __builtin_bswap32(v);
}

#endif
