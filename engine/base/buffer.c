/*
 * buffer: doubles when full. One octet is always kept for the NUL that vsnprintf writes.
 */
#include "base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 256 };

static void reserve(struct buffer *b, size_t more)
{
    if (more < b->cap - b->len)
        return;
    size_t cap = b->cap ? b->cap : FIRST_BYTES;
    while (cap <= PTRDIFF_MAX / 2 && cap - b->len <= more)
        cap *= 2;
    char *at = cap - b->len > more ? realloc(b->at, cap) : NULL;
    if (!at) {
        fprintf(stderr, "vigia: error: out of memory (%zu octets for a buffer)\n", cap);
        abort();
    }
    b->at = at;
    b->cap = cap;
}

void buffer_add(struct buffer *b, const void *at, size_t len)
{
    reserve(b, len);
    if (len)
        memcpy(b->at + b->len, at, len);
    b->len += len;
}

void buffer_text(struct buffer *b, const char *text)
{
    buffer_add(b, text, strlen(text));
}

void buffer_format(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    reserve(b, 0);
    int len = vsnprintf(b->at + b->len, b->cap - b->len, format, args);
    assert(len >= 0);
    if ((size_t)len >= b->cap - b->len) {
        reserve(b, (size_t)len);
        vsnprintf(b->at + b->len, b->cap - b->len, format, again);
    }
    b->len += (size_t)len;
    va_end(again);
    va_end(args);
}

void buffer_clear(struct buffer *b)
{
    b->len = 0;
}

void buffer_free(struct buffer *b)
{
    free(b->at);
    *b = (struct buffer){0};
}
