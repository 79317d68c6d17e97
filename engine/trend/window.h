/*
 * window: how often what happened when; counted by many threads without a lock, handed out exactly once.
 *
 * What is counted is a *cell*, a small number of the caller's (place x RSIT type x source kind); when is a *slot*,
 * `width_ns` of event time from 1970 on. Each writer has a shard of its own, a ring of slots of one counter a cell, and
 * adds to it with one relaxed load and store: wait-free, and no line of memory is shared with another writer. One
 * surveyor sums over the shards each slot that is closed and hands it out; longer windows (an hour, a day, a week) are
 * sums of closed slots (`series.h`).
 *
 * **Time is the event's, the clock is the caller's.** An add never moves the clock, so one event from 2099 closes
 * nothing. Each writer is told by `window_pass` how far it is: live the wall clock, in a replay the time of the merged
 * inputs (the same for all writers, whatever each of them owns of it, so that results do not depend on their number).
 * A slot stays open to a writer until the clock has passed its end by `lateness_ns`. What comes later is counted as
 * late; what lies in a slot more than `horizon_ns` ahead of the clock is counted as early; neither is in any slot.
 *
 * A slot is closed when it is closed to every writer, so one that stands still holds back all: who has nothing to add
 * passes, who ends leaves. Meanwhile the others may run ahead by the slots of the ring; an add beyond them finds no
 * room and is counted as such. Where nothing may be lost (a replay) the writer waits for `window_ready` before it adds.
 *
 * Memory: writers x slots x cells x 8 octets of address space, taken at the start and never more; pages of 512 cells
 * that never occur are not touched, so they cost none.
 *
 * Owners: `window_add`, `_pass`, `_ready` and `_leave` belong to the writer's thread, `window_close` and `_look` to the
 * surveyor's; the rest to whoever starts and joins them, but `window_lost` may be asked by any.
 */
#ifndef VIGIA_TREND_WINDOW_H
#define VIGIA_TREND_WINDOW_H

#include "base/counter.h"

#include <stdbool.h>

enum {
    WINDOW_CELLS_MAX = 1 << 24,
    WINDOW_SLOTS_MAX = 1 << 16,
    WINDOW_WRITERS_MAX = 256,
    WINDOW_BLOCK = 64, /* cells that are looked through together */
};

#define WINDOW_MINUTE_NS INT64_C(60000000000)

struct window_settings {
    uint32_t cells; /* they are 0 to cells - 1 */
    uint32_t slots; /* of the ring: a power of two, at least two more than lateness and horizon fill */
    unsigned writers;
    int64_t width_ns;    /* of a slot; WINDOW_MINUTE_NS */
    int64_t lateness_ns; /* how long a slot stays open behind its end */
    int64_t horizon_ns;  /* how far ahead of the clock an event may be */
    int64_t start_ns;    /* the clock's first stand: what is more than lateness_ns before it is late */
};

enum window_verdict { WINDOW_COUNTED, WINDOW_LATE, WINDOW_EARLY, WINDOW_FULL };

/* What is in no slot, as a sum of weights. */
struct window_lost {
    uint64_t late, early, full;
};

struct window;

/* One writer's shard. Only `window.c` changes it; it stands here because an add is a few instructions. */
struct window_writer {
    /* The slot that was added to last; `length_ns` is 0 while there is none. */
    struct counter *cells;
    struct counter *marks; /* one a block of cells: how many of it were added to */
    int64_t begin_ns;
    uint64_t length_ns;

    const struct window *window;
    struct counter *ring, *ring_marks;
    int64_t now_ns;  /* the clock */
    int64_t open;    /* slots before this one are closed to this writer */
    int64_t horizon; /* slots behind this one are early */
    int64_t room;    /* slots from this one on have no room yet */
    int64_t last;    /* the last slot that may hold something */
    struct counter late, early, full;
    struct progress closed; /* `open`, as the surveyor may know it; INT64_MAX when the writer has left */
};

/* Out of memory ends the program. */
struct window *window_new(const struct window_settings *settings);

/* The shard of writer 0 to writers - 1. */
struct window_writer *window_writer(struct window *w, unsigned writer);

/* The slow way of `window_add`: another slot than the last. */
enum window_verdict window_add_elsewhere(struct window_writer *w, uint32_t cell, int64_t time_ns, uint64_t weight);

/* Writer: counts `weight` in the cell at that time. Allocates nothing, waits for nobody. */
static inline enum window_verdict window_add(struct window_writer *w, uint32_t cell, int64_t time_ns, uint64_t weight)
{
    if ((uint64_t)time_ns - (uint64_t)w->begin_ns >= w->length_ns)
        return window_add_elsewhere(w, cell, time_ns, weight);
    if (counter_read(&w->cells[cell]) == 0)
        counter_add(&w->marks[cell / WINDOW_BLOCK], 1);
    counter_add(&w->cells[cell], weight);
    return WINDOW_COUNTED;
}

/* Writer: its clock stands at `time_ns` (or later already). */
void window_pass(struct window_writer *w, int64_t time_ns);

/* Writer: whether an add at that time would find room; false until the surveyor has closed more. */
bool window_ready(struct window_writer *w, int64_t time_ns);

/* Writer: will neither add nor pass any more. */
void window_leave(struct window_writer *w);

/* To whom closed slots are handed, in the order of time. */
struct window_sink {
    void *to;
    /* Cells in the order of their numbers; those without a count are left out. */
    void (*cell)(void *to, int64_t slot_ns, uint32_t cell, uint64_t count);
    /* `slots` slots from the one that begins at `slot_ns` are closed; more than one only where all are empty. */
    void (*closed)(void *to, int64_t slot_ns, uint64_t slots);
};

/* Surveyor: hands out each slot that has become closed, with all that was ever counted in it, once. When all writers
 * have left, the slots that were still open too. */
void window_close(struct window *w, const struct window_sink *sink);

/* Surveyor: what is in the open slots by now, through `sink->cell`; they go on. Of each cell it holds every add that
 * came before the call and none that begins after it; two cells may be seen a moment apart. */
void window_look(struct window *w, const struct window_sink *sink);

/* Exact once the writers have been joined. */
struct window_lost window_lost(const struct window *w);

void window_free(struct window *w);

#endif
