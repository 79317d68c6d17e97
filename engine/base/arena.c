/*
 * arena: chunks from calloc, each filled from its front. What is too big for the chunk at hand gets a chunk of its own
 * behind it, so that the room left in front is still used.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 64 << 10 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used;
    size_t room;
    alignas(max_align_t) uint8_t at[];
};

static struct arena_chunk *chunk_new(struct arena *a, size_t room)
{
    struct arena_chunk *c = room <= PTRDIFF_MAX - sizeof *c ? calloc(1, sizeof *c + room) : NULL;
    if (!c) {
        fprintf(stderr, "vigia: error: out of memory (%zu octets for an arena)\n", room);
        abort();
    }
    c->room = room;
    a->bytes += sizeof *c + room;
    return c;
}

static void *chunk_take(struct arena_chunk *c, size_t len)
{
    void *at = c->at + c->used;
    c->used += len;
    return at;
}

void *arena_take(struct arena *a, size_t len)
{
    size_t align = alignof(max_align_t);
    size_t rounded = len > PTRDIFF_MAX ? len : (len + align - 1) / align * align;
    struct arena_chunk *head = a->chunks;
    if (head && rounded <= head->room - head->used)
        return chunk_take(head, rounded);
    if (head && rounded > CHUNK_BYTES / 4) {
        struct arena_chunk *own = chunk_new(a, rounded);
        own->next = head->next;
        head->next = own;
        return chunk_take(own, rounded);
    }
    struct arena_chunk *c = chunk_new(a, rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES);
    c->next = head;
    a->chunks = c;
    return chunk_take(c, rounded);
}

struct bytes arena_copy(struct arena *a, struct bytes b)
{
    uint8_t *copy = arena_take(a, b.len + 1);
    if (b.len)
        memcpy(copy, b.at, b.len);
    return bytes_of(copy, b.len);
}

const char *arena_text(struct arena *a, struct bytes b)
{
    return (const char *)arena_copy(a, b).at;
}

void arena_free(struct arena *a)
{
    for (struct arena_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    *a = (struct arena){0};
}
