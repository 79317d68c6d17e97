/*
 * One writer replaces, frees what it gets back; readers use what they got until they say quiet, and some keep it longer
 * with a hold. Nobody ever sees a freed or half-written thing (the sanitizers watch), and nothing is left at the end.
 */
#include "base/swap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    READERS = 3,
    SWAPS = 20000,
    READS = 10 * SWAPS,
    PAUSE_EACH = 8,
    WORDS = 32,
    OFFLINE_EACH = 64,
    HOLD_EACH = 16,
    STAY_EACH = 5
};

struct thing {
    struct holds holds;
    uint64_t words[WORDS]; /* all the same, until it dies */
};

static struct swap place;
static atomic_bool done;
static atomic_long alive;
static atomic_int wrong;
static atomic_ulong reads;
static pthread_barrier_t all_here;

static struct thing *thing_new(uint64_t word)
{
    struct thing *t = malloc(sizeof *t);
    if (!t)
        abort();
    holds_init(&t->holds);
    for (int i = 0; i < WORDS; i++)
        t->words[i] = word;
    atomic_fetch_add(&alive, 1);
    return t;
}

static void thing_drop(struct thing *t)
{
    if (!t || !holds_drop(&t->holds))
        return;
    for (int i = 0; i < WORDS; i++)
        t->words[i] = UINT64_MAX - (uint64_t)i;
    free(t);
    atomic_fetch_sub(&alive, 1);
}

static void look(const struct thing *t)
{
    for (int i = 1; i < WORDS; i++)
        if (t->words[i] != t->words[0])
            atomic_store(&wrong, 1);
}

static void *read_on(void *unused)
{
    (void)unused;
    struct thing *kept = NULL;
    uint64_t newest = 0;
    swap_join();
    pthread_barrier_wait(&all_here);
    for (unsigned n = 1; !atomic_load(&done); n++) {
        struct thing *t = swap_get(&place);
        atomic_fetch_add_explicit(&reads, 1, memory_order_relaxed);
        look(t);
        if (n % STAY_EACH == 0)
            sched_yield(); /* the writer may not take the thing away meanwhile */
        look(t);
        if (t->words[0] < newest)
            atomic_store(&wrong, 2);
        newest = t->words[0];
        if (n % HOLD_EACH == 0) {
            thing_drop(kept);
            holds_take(&t->holds);
            kept = t;
        }
        swap_quiet();
        if (kept)
            look(kept);
        if (n % OFFLINE_EACH == 0) {
            swap_offline();
            sched_yield();
            swap_online();
        }
    }
    swap_part();
    thing_drop(kept);
    return NULL;
}

int main(void)
{
    pthread_t readers[READERS];
    swap_put(&place, thing_new(1));
    pthread_barrier_init(&all_here, NULL, READERS + 1);
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_on, NULL);
    pthread_barrier_wait(&all_here);
    for (uint64_t i = 2; i <= SWAPS || atomic_load(&reads) < READS; i++) {
        if (i % PAUSE_EACH == 0)
            sched_yield(); /* readers that came back from offline want a core */
        thing_drop(swap_put(&place, thing_new(i)));
    }
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    thing_drop(swap_put(&place, NULL));
    static const char *const what[] = {NULL, "a reader saw a thing that was freed or half written",
                                       "a reader saw an older thing after a newer one"};
    if (atomic_load(&wrong))
        fprintf(stderr, "swap: %s\n", what[atomic_load(&wrong)]);
    if (atomic_load(&alive))
        fprintf(stderr, "swap: %ld things outlived everybody\n", atomic_load(&alive));
    return atomic_load(&wrong) || atomic_load(&alive);
}
