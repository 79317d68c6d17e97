/*
 * swap: a thin door to liburcu's QSBR flavour, so that nobody else knows it.
 */
#include "base/swap.h"

#include "base/race.h"

#include <urcu-qsbr.h>

/* ThreadSanitizer's name for "every reader was quiet": liburcu's own order is out of its sight. */
static const char grace = 0;

void swap_join(void)
{
    rcu_register_thread();
}

void swap_part(void)
{
    race_before(&grace);
    rcu_unregister_thread();
}

void swap_quiet(void)
{
    race_before(&grace);
    /* Full barrier inside: all uses of what was got before happen before the writer that waits for this goes on. */
    rcu_quiescent_state();
}

void swap_offline(void)
{
    race_before(&grace);
    rcu_thread_offline();
}

void swap_online(void)
{
    rcu_thread_online();
}

void *swap_get(const struct swap *s)
{
    /* Dependency-ordered load: what the writer wrote into the thing before putting it is visible through it. */
    void *current = rcu_dereference(s->current);
    race_after(s);
    return current;
}

void *swap_put(struct swap *s, void *next)
{
    race_before(s);
    /* Full barrier in the exchange: `next` is written whole before any reader can get it. */
    void *old = rcu_xchg_pointer(&s->current, next);
    synchronize_rcu();
    race_after(&grace);
    return old;
}
