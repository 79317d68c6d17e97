/*
 * swap: one thing that one thread replaces whole while many read it (liburcu, QSBR flavour), and how long it lives.
 *
 * A reader registers once, takes the current thing with `swap_get`, uses it until its next `swap_quiet`, and goes
 * offline around every wait. The writer replaces it with `swap_put`, which returns the old thing once no reader can
 * still be using it. Who must keep a thing for longer (an open pattern stream, a finding on its way) takes a hold on
 * it; whoever drops the last hold frees it.
 */
#ifndef VIGIA_BASE_SWAP_H
#define VIGIA_BASE_SWAP_H

#include <stdatomic.h>
#include <stdbool.h>

struct swap {
    void *current; /* rcu pointer */
};

struct holds {
    _Atomic long count;
};

/* Reader threads, once at their start and end. Online after joining. */
void swap_join(void);
void swap_part(void);

/* The calling reader uses nothing that it got before. */
void swap_quiet(void);

/* Around every wait: between the two, the reader holds nothing that it got. */
void swap_offline(void);
void swap_online(void);

void *swap_get(const struct swap *s);

/* Writer, not a registered reader: puts `next` in place, waits until every reader was quiet, returns what was there. */
void *swap_put(struct swap *s, void *next);

static inline void holds_init(struct holds *h)
{
    atomic_init(&h->count, 1);
}

/* Relaxed: who takes a hold has one already, or is inside a read. */
static inline void holds_take(struct holds *h)
{
    atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
}

/* True for the last hold: its dropper frees. Acquire-release: the uses of every holder happen before the free. */
static inline bool holds_drop(struct holds *h)
{
    return atomic_fetch_sub_explicit(&h->count, 1, memory_order_acq_rel) == 1;
}

#endif
