/*
 * ring: the river between two threads, one writer and one reader (Concurrency Kit's SPSC ring of pointers).
 *
 * What is pushed belongs to the ring, what is popped to the reader. A push of the writer makes all that it wrote before
 * visible to the reader that pops it (ck_ring's store fence before the producer index). Stopping is closing: the writer
 * closes, the reader pops what is left and then sees the end.
 *
 * Waiting is polling with a pause that grows to RING_PAUSE_MAX_NS, so that an idle thread costs next to nothing.
 */
#ifndef VIGIA_BASE_RING_H
#define VIGIA_BASE_RING_H

#include <stdbool.h>

enum { RING_PAUSE_MAX_NS = 500000 };

struct ring;

/* `slots` is a power of two, at least 4; one slot stays empty. */
struct ring *ring_new(unsigned slots);

/* Writer: false when full. */
bool ring_push(struct ring *r, void *item);

/* Writer: waits while full. False when the reader has gone (`ring_leave`); the item is still the writer's. */
bool ring_push_wait(struct ring *r, void *item);

/* Writer: no more will come. */
void ring_close(struct ring *r);

/* Reader: NULL when empty for now. */
void *ring_pop(struct ring *r);

/* Reader: waits; NULL when closed and empty. */
void *ring_pop_wait(struct ring *r);

/* Either end: how many are inside, or were a moment ago. */
unsigned ring_count(const struct ring *r);

/* Reader: whether all has been popped and the writer has closed. */
bool ring_ended(struct ring *r);

/* Reader: will pop no more, so that a waiting writer goes on. */
void ring_leave(struct ring *r);

/* After both threads are done. What is still inside is the caller's to have popped. */
void ring_free(struct ring *r);

/* A pause for a loop that found nothing to do: call with the same counter, zeroed when something was found. */
void ring_pause(unsigned *idle);

#endif
