/*
 * Two threads and a small ring: everything arrives once, in order, whole; nothing pushed before a close is lost; a
 * writer that waits goes on when its reader leaves.
 */
#include "base/ring.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { ITEMS = 200000, ROUNDS = 1500, SLOTS = 8 };

struct item {
    uint64_t number;
    uint64_t twice;
};

static struct item items[ITEMS];

static void *write_all(void *ring)
{
    for (uint64_t i = 0; i < ITEMS; i++) {
        items[i] = (struct item){.number = i + 1, .twice = 2 * (i + 1)};
        if (!ring_push_wait(ring, &items[i]))
            return "the reader never left, but a push said so";
    }
    ring_close(ring);
    return NULL;
}

static const char *all_arrive_in_order(void)
{
    struct ring *r = ring_new(SLOTS);
    pthread_t writer;
    pthread_create(&writer, NULL, write_all, r);
    const char *wrong = NULL;
    uint64_t count = 0;
    for (struct item *i; (i = ring_pop_wait(r));) {
        count++;
        if (i->number != count || i->twice != 2 * count)
            wrong = "an item out of order or half written";
    }
    void *said;
    pthread_join(writer, &said);
    if (!ring_ended(r))
        wrong = "closed and empty, but not ended";
    ring_free(r);
    return said ? said : wrong ? wrong : count == ITEMS ? NULL : "items were lost";
}

static void *write_and_close(void *ring)
{
    static int last;
    ring_push(ring, &last);
    ring_close(ring);
    return NULL;
}

static const char *none_is_lost_by_a_close(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct ring *r = ring_new(SLOTS);
        pthread_t writer;
        pthread_create(&writer, NULL, write_and_close, r);
        int count = 0;
        for (unsigned idle = 0; !ring_ended(r);) {
            if (ring_pop(r))
                count++;
            else
                ring_pause(&idle);
        }
        pthread_join(writer, NULL);
        ring_free(r);
        if (count != 1)
            return "an item pushed just before the close was lost";
    }
    return NULL;
}

static void *write_for_nobody(void *ring)
{
    static int item;
    uintptr_t pushed = 0;
    while (ring_push_wait(ring, &item))
        pushed++;
    return (void *)pushed;
}

static const char *a_waiting_writer_goes_on_when_the_reader_leaves(void)
{
    struct ring *r = ring_new(SLOTS);
    pthread_t writer;
    pthread_create(&writer, NULL, write_for_nobody, r);
    for (int i = 0; i < 100; i++)
        ring_pop_wait(r);
    ring_leave(r);
    void *pushed;
    pthread_join(writer, &pushed);
    uintptr_t left = 0;
    while (ring_pop(r))
        left++;
    ring_free(r);
    return (uintptr_t)pushed == 100 + left ? NULL : "what was pushed is neither popped nor left";
}

static const char *a_full_ring_says_so(void)
{
    struct ring *r = ring_new(SLOTS);
    static int item;
    int pushed = 0;
    while (pushed < 2 * SLOTS && ring_push(r, &item))
        pushed++;
    while (ring_pop(r))
        ;
    bool again = ring_push(r, &item) && ring_pop(r) == &item;
    ring_free(r);
    return pushed == SLOTS - 1 && again ? NULL : "a ring of n slots holds n - 1";
}

int main(void)
{
    const char *(*const facts[])(void) = {
        a_full_ring_says_so,
        all_arrive_in_order,
        none_is_lost_by_a_close,
        a_waiting_writer_goes_on_when_the_reader_leaves,
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const char *wrong = facts[i]();
        if (wrong) {
            fprintf(stderr, "ring: %s\n", wrong);
            failed = 1;
        }
    }
    return failed;
}
