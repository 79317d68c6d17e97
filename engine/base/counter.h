/*
 * counter: a number that one thread adds to and any may read.
 *
 * Relaxed: a reader sees some recent value, each value whole. Sums over several counters are exact once their threads
 * have been joined. `progress_*` is the one with an order: what the writer did before `progress_tell` is visible to
 * whoever reads that value or a later one (release, acquire).
 */
#ifndef VIGIA_BASE_COUNTER_H
#define VIGIA_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
    _Atomic uint64_t n;
};

struct progress {
    _Atomic int64_t at;
};

/* The one writer only: a plain load, add and store. */
static inline void counter_add(struct counter *c, uint64_t n)
{
    atomic_store_explicit(&c->n, atomic_load_explicit(&c->n, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t counter_read(const struct counter *c)
{
    return atomic_load_explicit(&c->n, memory_order_relaxed);
}

/* Release: pairs with the acquire of `progress_read`, so that whoever reads the value sees what came before it. */
static inline void progress_tell(struct progress *p, int64_t at)
{
    atomic_store_explicit(&p->at, at, memory_order_release);
}

static inline int64_t progress_read(const struct progress *p)
{
    return atomic_load_explicit(&p->at, memory_order_acquire);
}

#endif
