/*
 * count: how many counts a second do two threads make, with random keys among 65,536 cells?
 *
 * `count floor [RUNS]`: each thread adds to a plain array of its own; less cannot be done. `count window`: the window
 * with two writers, slots that come and go, and a surveyor that takes them; every count is found in what it handed out.
 * `count atomics`: both threads add to one array of atomic counters.
 */
#include "measure.h"
#include "trend/window.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum {
    THREADS = 2,
    CELLS = 1 << 16,
    KEYS = 1 << 16,        /* drawn beforehand, so that drawing is not measured */
    COUNTS = 128 << 20,    /* a thread */
    BATCH = 256,           /* between two looks at the clock */
    SLOT_COUNTS = 4 << 20, /* of one thread, in a slot */
    SLOTS = 16,
    SLOT_NS = SLOT_COUNTS, /* a count each nanosecond of event time */
};

static uint16_t keys[THREADS][KEYS];
static uint64_t tables[THREADS][CELLS];
static _Atomic uint64_t shared[CELLS];
static struct window *window;
static atomic_bool done;
static uint64_t handed_out;

static void draw_keys(void)
{
    uint64_t state = 20261121;
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = 0; i < KEYS; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            keys[t][i] = (uint16_t)(state >> 48);
        }
}

static void *add_to_own(void *of)
{
    size_t thread = (size_t)(uintptr_t)of;
    uint64_t *table = tables[thread];
    for (uint32_t n = 0; n < COUNTS; n += BATCH) {
        const uint16_t *key = &keys[thread][n % KEYS];
        for (uint32_t i = 0; i < BATCH; i++)
            table[key[i]] += 1;
        __asm__ volatile("" ::: "memory"); /* as others could read it */
    }
    return NULL;
}

static void *add_to_shared(void *of)
{
    size_t thread = (size_t)(uintptr_t)of;
    for (uint32_t n = 0; n < COUNTS; n += BATCH) {
        const uint16_t *key = &keys[thread][n % KEYS];
        for (uint32_t i = 0; i < BATCH; i++)
            atomic_fetch_add_explicit(&shared[key[i]], 1, memory_order_relaxed);
    }
    return NULL;
}

static void *add_to_window(void *of)
{
    size_t thread = (size_t)(uintptr_t)of;
    struct window_writer *writer = window_writer(window, (unsigned)thread);
    for (uint32_t n = 0; n < COUNTS; n += BATCH) {
        const uint16_t *key = &keys[thread][n % KEYS];
        int64_t now_ns = n;
        window_pass(writer, now_ns);
        while (!window_ready(writer, now_ns + BATCH))
            sched_yield();
        for (uint32_t i = 0; i < BATCH; i++)
            window_add(writer, key[i], now_ns + i, 1);
    }
    window_leave(writer);
    return NULL;
}

static void on_cell(void *to, int64_t slot_ns, uint32_t cell, uint64_t count)
{
    (void)to, (void)slot_ns, (void)cell;
    handed_out += count;
}

static void on_closed(void *to, int64_t slot_ns, uint64_t slots)
{
    (void)to, (void)slot_ns, (void)slots;
}

static void *survey(void *unused)
{
    struct window_sink sink = {NULL, on_cell, on_closed};
    for (bool last = false; !last;) {
        last = atomic_load(&done);
        window_close(window, &sink);
        if (!last)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return unused;
}

static void run_threads(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static bool run_window(struct fail *why)
{
    pthread_t surveyor;
    handed_out = 0;
    atomic_store(&done, false);
    window = window_new(&(struct window_settings){.cells = CELLS,
                                                  .slots = SLOTS,
                                                  .writers = THREADS,
                                                  .width_ns = SLOT_NS,
                                                  .lateness_ns = 2 * SLOT_NS,
                                                  .horizon_ns = SLOT_NS});
    pthread_create(&surveyor, NULL, survey, NULL);
    run_threads(add_to_window);
    atomic_store(&done, true);
    pthread_join(surveyor, NULL);
    window_free(window);
    return handed_out == (uint64_t)THREADS * COUNTS || fail_set(why, "counts were lost");
}

static bool ask(const char *whom, struct measured *out, struct fail *why)
{
    out->things = (uint64_t)THREADS * COUNTS;
    if (strcmp(whom, "window") == 0)
        return run_window(why);
    if (strcmp(whom, "floor") != 0 && strcmp(whom, "atomics") != 0)
        return fail_set(why, "expected floor, window or atomics");
    run_threads(strcmp(whom, "floor") == 0 ? add_to_own : add_to_shared);
    return true;
}

int main(int argc, char **argv)
{
    draw_keys();
    return measure("count", "counts", ask, argc, argv);
}
