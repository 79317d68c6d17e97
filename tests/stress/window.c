/*
 * Writers add at random times while a surveyor closes and looks. Of each slot and cell exactly what was counted is
 * handed out, once, and the rest is counted as late, early or full; a look holds every add that was over before it
 * began and none that began after it was over (recorded histories, checked).
 */
#include "trend/window.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITERS = 3,
    CELLS = 200,
    SLOTS = 16,
    PASSED = 1200,       /* slots that each writer's clock goes through */
    STEPS = PASSED * 16, /* of the clock */
    ADDS = 40,           /* at most, a step */
    SLOTS_ALL = PASSED + 2 * SLOTS,
    RECORDED_CELLS = 3, /* few, so that histories meet */
    RECORDED = 60000,   /* adds of one writer */
    LOOKS = 2000,
    RECORDED_SLOTS = 4,
};

#define SLOT_NS  INT64_C(1000000)
#define FIRST    1000 /* slot at the start */
#define LATENESS 3
#define HORIZON  2

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static struct window *window_of(uint32_t cells, unsigned writers, uint32_t slots)
{
    return window_new(&(struct window_settings){.cells = cells,
                                                .slots = slots,
                                                .writers = writers,
                                                .width_ns = SLOT_NS,
                                                .lateness_ns = LATENESS * SLOT_NS,
                                                .horizon_ns = HORIZON * SLOT_NS,
                                                .start_ns = FIRST * SLOT_NS});
}

/* ---- nothing is lost, nothing is doubled ---- */

struct tally {
    uint64_t counts[SLOTS_ALL][CELLS]; /* from slot FIRST - LATENESS on */
    uint64_t lost[4];                  /* by verdict */
};

struct writer {
    struct window_writer *shard;
    struct tally *tally;
    uint64_t random;
    bool waits; /* for room */
    const char *wrong;
};

static void add_one(struct writer *w, int64_t clock_ns)
{
    int64_t ahead_ns = (int64_t)(next_random(&w->random) % (9 * SLOT_NS)) - 5 * SLOT_NS;
    int64_t time_ns = clock_ns + ahead_ns;
    uint32_t cell = (uint32_t)(next_random(&w->random) % CELLS);
    uint64_t weight = 1 + next_random(&w->random) % 3;
    while (w->waits && !window_ready(w->shard, time_ns))
        sched_yield();
    enum window_verdict verdict = window_add(w->shard, cell, time_ns, weight);
    if (verdict == WINDOW_COUNTED)
        w->tally->counts[time_ns / SLOT_NS - (FIRST - LATENESS)][cell] += weight;
    else
        w->tally->lost[verdict] += weight;
    if (w->waits && verdict == WINDOW_FULL)
        w->wrong = "an add found no room where there was some";
}

static void *add_on(void *of)
{
    struct writer *w = of;
    for (int step = 0; step < STEPS; step++) {
        int64_t clock_ns = FIRST * SLOT_NS + step * (PASSED * SLOT_NS / STEPS);
        window_pass(w->shard, clock_ns);
        uint64_t adds = next_random(&w->random) % ADDS;
        if (next_random(&w->random) % 64 == 0)
            adds = 0, sched_yield(); /* sometimes there is nothing to add */
        while (adds--)
            add_one(w, clock_ns);
    }
    window_leave(w->shard);
    return NULL;
}

struct surveyor {
    struct tally *got;
    int64_t next_ns; /* the first slot that was not told yet */
    const char *wrong;
};

static void on_cell(void *to, int64_t slot_ns, uint32_t cell, uint64_t count)
{
    struct surveyor *s = to;
    if (slot_ns < s->next_ns)
        s->wrong = "a slot was handed out again, or out of order";
    s->got->counts[slot_ns / SLOT_NS - (FIRST - LATENESS)][cell] += count;
}

static void on_closed(void *to, int64_t slot_ns, uint64_t slots)
{
    struct surveyor *s = to;
    if (slot_ns != s->next_ns)
        s->wrong = "a slot was left out, or told twice";
    s->next_ns = slot_ns + (int64_t)slots * SLOT_NS;
}

static void on_look(void *to, int64_t slot_ns, uint32_t cell, uint64_t count)
{
    struct surveyor *s = to;
    (void)cell;
    if (slot_ns < s->next_ns || count == 0)
        s->wrong = "a look showed a slot that is closed";
}

static atomic_uint writing;

static void *add_and_end(void *of)
{
    add_on(of);
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

static const char *compare(const struct writer *writers, const struct surveyor *s, const struct window_lost *lost)
{
    uint64_t late = 0, early = 0, full = 0, counted = 0;
    for (int slot = 0; slot < SLOTS_ALL; slot++)
        for (int cell = 0; cell < CELLS; cell++) {
            uint64_t added = 0;
            for (int i = 0; i < WRITERS; i++)
                added += writers[i].tally->counts[slot][cell];
            counted += added;
            if (added != s->got->counts[slot][cell])
                return "a slot was handed out with other counts than were added";
        }
    for (int i = 0; i < WRITERS; i++) {
        late += writers[i].tally->lost[WINDOW_LATE];
        early += writers[i].tally->lost[WINDOW_EARLY];
        full += writers[i].tally->lost[WINDOW_FULL];
    }
    if (late != lost->late || early != lost->early || full != lost->full)
        return "what was late, early or without room is counted otherwise";
    return counted && late && early ? NULL : "the adds were not of all kinds";
}

static const char *count_all(bool waits)
{
    static struct tally tallies[WRITERS], got;
    memset(tallies, 0, sizeof tallies);
    memset(&got, 0, sizeof got);
    struct window *w = window_of(CELLS, WRITERS, SLOTS);
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    struct surveyor s = {.got = &got, .next_ns = (FIRST - LATENESS) * SLOT_NS};
    struct window_sink closing = {&s, on_cell, on_closed}, looking = {&s, on_look, NULL};
    atomic_store(&writing, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] =
            (struct writer){.shard = window_writer(w, i), .tally = &tallies[i], .random = i + 1, .waits = waits};
        pthread_create(&threads[i], NULL, add_and_end, &writers[i]);
    }
    for (unsigned n = 0; atomic_load(&writing); n++) {
        window_close(w, &closing);
        if (n % 4 == 0)
            window_look(w, &looking);
        sched_yield();
    }
    const char *wrong = NULL;
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        wrong = writers[i].wrong ? writers[i].wrong : wrong;
    }
    window_close(w, &closing);
    struct window_lost lost = window_lost(w);
    window_free(w);
    return wrong ? wrong : s.wrong ? s.wrong : compare(writers, &s, &lost);
}

static const char *none_is_lost_where_writers_wait(void)
{
    return count_all(true);
}

static const char *none_is_lost_uncounted_where_they_do_not(void)
{
    return count_all(false);
}

/* ---- histories ---- */

/* Stamps are taken of one counter: what has a lower one at its end was over before what has a higher one began. */
static atomic_uint_fast64_t stamps;

struct record {
    uint64_t begin, end;
    uint32_t cell;
    uint32_t slot;
};

struct historian {
    struct window_writer *shard;
    struct record *records; /* RECORDED */
    uint64_t random;
};

static void *add_and_record(void *of)
{
    struct historian *h = of;
    for (int i = 0; i < RECORDED; i++) {
        struct record *r = &h->records[i];
        r->cell = (uint32_t)(next_random(&h->random) % RECORDED_CELLS);
        r->slot = (uint32_t)(next_random(&h->random) % RECORDED_SLOTS);
        r->begin = atomic_fetch_add(&stamps, 1);
        window_add(h->shard, r->cell, (FIRST - LATENESS + 1 + (int64_t)r->slot) * SLOT_NS, 1);
        r->end = atomic_fetch_add(&stamps, 1);
        if (i == RECORDED / 2)
            window_pass(h->shard, (FIRST + 1) * SLOT_NS); /* closes slot FIRST - LATENESS, which is empty */
    }
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

struct look {
    uint64_t begin, end;
    uint64_t counts[RECORDED_SLOTS][RECORDED_CELLS];
};

static void on_recorded(void *to, int64_t slot_ns, uint32_t cell, uint64_t count)
{
    struct look *l = to;
    l->counts[slot_ns / SLOT_NS - (FIRST - LATENESS + 1)][cell] = count;
}

static void on_nothing(void *to, int64_t slot_ns, uint64_t slots)
{
    (void)to, (void)slot_ns, (void)slots;
}

static const char *judge_look(const struct look *l, const struct record *records)
{
    static uint64_t must[RECORDED_SLOTS][RECORDED_CELLS], may[RECORDED_SLOTS][RECORDED_CELLS];
    memset(must, 0, sizeof must);
    memset(may, 0, sizeof may);
    for (int i = 0; i < WRITERS * RECORDED; i++) {
        must[records[i].slot][records[i].cell] += records[i].end < l->begin;
        may[records[i].slot][records[i].cell] += records[i].begin < l->end;
    }
    for (int slot = 0; slot < RECORDED_SLOTS; slot++)
        for (int cell = 0; cell < RECORDED_CELLS; cell++) {
            if (l->counts[slot][cell] < must[slot][cell])
                return "a look misses an add that was over before it began";
            if (l->counts[slot][cell] > may[slot][cell])
                return "a look holds an add that began after it was over";
        }
    return NULL;
}

static const char *a_look_holds_what_was_before_and_nothing_of_what_came_after(void)
{
    static struct record records[WRITERS * RECORDED];
    static struct look looks[LOOKS];
    struct window *w = window_of(CELLS, WRITERS, SLOTS);
    struct historian historians[WRITERS];
    pthread_t threads[WRITERS];
    atomic_store(&writing, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++) {
        historians[i] = (struct historian){window_writer(w, i), &records[i * RECORDED], i + 11};
        pthread_create(&threads[i], NULL, add_and_record, &historians[i]);
    }
    int count = 0;
    for (bool last = false; count < LOOKS && !last; count++) {
        struct look *l = &looks[count];
        memset(l, 0, sizeof *l);
        last = atomic_load(&writing) == 0;
        window_close(w, &(struct window_sink){l, on_recorded, on_nothing});
        l->begin = atomic_fetch_add(&stamps, 1);
        window_look(w, &(struct window_sink){l, on_recorded, NULL});
        l->end = atomic_fetch_add(&stamps, 1);
        sched_yield();
    }
    const char *wrong = NULL;
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    window_free(w);
    int step = count > 64 ? count / 64 : 1; /* each takes a walk over all records */
    for (int i = 0; i < count && !wrong; i += step)
        wrong = judge_look(&looks[i], records);
    return wrong ? wrong : judge_look(&looks[count - 1], records);
}

int main(void)
{
    const char *(*const facts[])(void) = {
        none_is_lost_where_writers_wait,
        none_is_lost_uncounted_where_they_do_not,
        a_look_holds_what_was_before_and_nothing_of_what_came_after,
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const char *wrong = facts[i]();
        if (wrong) {
            fprintf(stderr, "window: %s\n", wrong);
            failed = 1;
        }
    }
    return failed;
}
