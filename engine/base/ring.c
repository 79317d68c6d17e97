/*
 * ring: ck_ring carries the items; two flags carry the news that one end is gone.
 */
#include "base/ring.h"

#include "base/race.h"

#include <assert.h>
#include <ck_pr.h>
#include <ck_ring.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    SLOTS_MIN = 4,
    SPINS = 64,  /* about a microsecond: the other end is at work on the next item */
    YIELDS = 16, /* the other end wants this core */
    PAUSE_MIN_NS = 1000,
};

struct ring {
    struct ck_ring ends;
    _Atomic bool closed; /* written by the writer */
    _Atomic bool left;   /* written by the reader */
    struct ck_ring_buffer slots[];
};

struct ring *ring_new(unsigned slots)
{
    assert(slots >= SLOTS_MIN && (slots & (slots - 1)) == 0);
    struct ring *r = NULL;
    if (posix_memalign((void **)&r, CK_MD_CACHELINE, sizeof *r + slots * sizeof r->slots[0]) != 0) {
        fprintf(stderr, "out of memory: ring of %u slots\n", slots);
        abort();
    }
    ck_ring_init(&r->ends, slots);
    atomic_init(&r->closed, false);
    atomic_init(&r->left, false);
    return r;
}

bool ring_push(struct ring *r, void *item)
{
    assert(item);
    race_before(r);
    race_ignore();
    /* ck_ring's store fence: what the writer wrote before is visible to the reader that sees the new producer index. */
    bool pushed = ck_ring_enqueue_spsc(&r->ends, r->slots, item);
    race_watch();
    return pushed;
}

bool ring_push_wait(struct ring *r, void *item)
{
    unsigned idle = 0;
    for (;;) {
        /* Acquire: what the reader did before it left is visible to the writer that goes on. */
        if (atomic_load_explicit(&r->left, memory_order_acquire))
            return false;
        if (ring_push(r, item))
            return true;
        ring_pause(&idle);
    }
}

void ring_close(struct ring *r)
{
    /* Release: every push before is visible to the reader that sees the flag. */
    atomic_store_explicit(&r->closed, true, memory_order_release);
}

void *ring_pop(struct ring *r)
{
    void *item = NULL;
    race_ignore();
    /* ck_ring's load fence: the item is read after the producer index that announced it. */
    bool popped = ck_ring_dequeue_spsc(&r->ends, r->slots, &item);
    race_watch();
    if (popped)
        race_after(r);
    return popped ? item : NULL;
}

/* Acquire: pairs with the release in `ring_close`; whoever sees the flag sees every item that was pushed, so that a
 * ring that is empty after this is empty for good. */
static bool is_closed(struct ring *r)
{
    return atomic_load_explicit(&r->closed, memory_order_acquire);
}

void *ring_pop_wait(struct ring *r)
{
    unsigned idle = 0;
    for (;;) {
        void *item = ring_pop(r);
        if (item)
            return item;
        if (is_closed(r))
            return ring_pop(r);
        ring_pause(&idle);
    }
}

unsigned ring_count(const struct ring *r)
{
    return ck_ring_size(&r->ends);
}

bool ring_ended(struct ring *r)
{
    return is_closed(r) && ck_ring_size(&r->ends) == 0;
}

void ring_leave(struct ring *r)
{
    /* Release: what the reader did before is visible to the writer that sees it gone. */
    atomic_store_explicit(&r->left, true, memory_order_release);
}

void ring_free(struct ring *r)
{
    free(r);
}

void ring_pause(unsigned *idle)
{
    unsigned n = *idle;
    if (n < SPINS) {
        ck_pr_stall();
    } else if (n < SPINS + YIELDS) {
        sched_yield();
    } else {
        unsigned doubled = n - SPINS - YIELDS;
        long ns = doubled < 16 ? (long)PAUSE_MIN_NS << doubled : RING_PAUSE_MAX_NS;
        if (ns > RING_PAUSE_MAX_NS)
            ns = RING_PAUSE_MAX_NS;
        nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
        if (doubled >= 16)
            return; /* longest already; the count needs no more room */
    }
    *idle = n + 1;
}
