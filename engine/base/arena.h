/*
 * arena: memory with one life, freed whole.
 *
 * Allocations are never freed one by one; `arena_free` ends them all. Running out of memory ends the program: an arena
 * holds what was bounded before (a configuration, a generation of indicators).
 *
 * Owner: one thread while it grows; afterwards what lies in it may be read by any.
 */
#ifndef VIGIA_BASE_ARENA_H
#define VIGIA_BASE_ARENA_H

#include "base/bytes.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t bytes; /* taken from the system so far */
};

/* Zeroed, aligned for any type. */
void *arena_take(struct arena *a, size_t len);

/* A copy of `b`, with a NUL behind it that the view does not count. */
struct bytes arena_copy(struct arena *a, struct bytes b);

/* The same as a C string: ends at the copy's first NUL. */
const char *arena_text(struct arena *a, struct bytes b);

void arena_free(struct arena *a);

#endif
