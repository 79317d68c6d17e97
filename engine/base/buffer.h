/*
 * buffer: text that grows, for whoever writes lines.
 *
 * Owner: one thread. `buffer_clear` keeps the memory for the next line; `buffer_free` gives it back. Running out of
 * memory ends the program (there is nothing sensible left to do for a line of output).
 */
#ifndef VIGIA_BASE_BUFFER_H
#define VIGIA_BASE_BUFFER_H

#include "base/bytes.h"

struct buffer {
    char *at;
    size_t len;
    size_t cap;
};

void buffer_add(struct buffer *b, const void *at, size_t len);
void buffer_text(struct buffer *b, const char *text);

static inline void buffer_char(struct buffer *b, char c)
{
    if (b->len + 1 < b->cap)
        b->at[b->len++] = c;
    else
        buffer_add(b, &c, 1);
}

void buffer_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_clear(struct buffer *b);
void buffer_free(struct buffer *b);

static inline struct bytes buffer_bytes(const struct buffer *b)
{
    return bytes_of(b->at, b->len);
}

#endif
