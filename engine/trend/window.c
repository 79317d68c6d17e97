/*
 * Why nothing is lost and nothing counted twice, though nobody waits for anybody.
 *
 * A counter of a shard is written by its writer and, when its slot is taken, set to zero by the surveyor. That these
 * two never meet is all there is to show. They hand the slot to each other over two numbers that only grow:
 *
 *   closed     (of a writer)   it adds to no slot before this one any more
 *   collected  (of the window) the surveyor has taken all slots before this one, and left zeros in them
 *
 * 1. Writer to surveyor. A writer adds to slot s only while s >= open, and it tells `closed` = open behind its adds
 *    (release). The surveyor reads `closed` of every writer (acquire) and takes only slots before the least of them. So
 *    of such a slot it sees every add that was ever made, and none comes after: the number that it hands out is final.
 * 2. Surveyor to writer. Slot s and slot s + slots of the ring are the same memory. The surveyor tells `collected` >= s
 *    + 1 behind its zeros (release); a writer adds to slot s + slots only after it has read such a value (acquire). So
 *    it begins with the zeros, and none of them falls on an add of its own.
 *
 * Nothing else is ordered, nor needs to be: between the two hand-overs a counter has one writer, and relaxed reads of
 * it
 * (`window_look`) see some value that it had, each whole, none older than what happened before the call.
 *
 * Slots that the writers passed without the surveyor having come (a jump over a month) need no walk: no writer found
 * room beyond collected + slots, and before the least `closed` none will add; so what lies between is empty.
 */
#include "trend/window.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64, /* octets that caches exchange */
    WIDTH_MIN_NS = 1000,
};

struct shard {
    alignas(2 * LINE) struct window_writer writer; /* two: lines are fetched in pairs */
};

struct window {
    struct window_settings settings;
    uint32_t blocks;
    struct shard *shards;
    alignas(2 * LINE) struct progress collected; /* the surveyor writes it, writers read it once a slot */
};

static void *take(size_t count, size_t size)
{
    void *at = calloc(count, size); /* large and untouched: zero pages, which cost nothing */
    if (!at) {
        fprintf(stderr, "vigia: error: out of memory (%zu counters of a window)\n", count);
        abort();
    }
    return at;
}

/* A size that is a multiple of the alignment, as those of aligned structs are. */
static void *take_lines(size_t size)
{
    void *at = aligned_alloc(2 * LINE, size);
    if (!at) {
        fprintf(stderr, "vigia: error: out of memory (%zu octets of a window)\n", size);
        abort();
    }
    memset(at, 0, size);
    return at;
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static int64_t slot_of(const struct window *w, int64_t time_ns)
{
    int64_t width = w->settings.width_ns;
    return time_ns / width - (time_ns % width < 0);
}

/* Writer: what follows from its clock. */
static void look_at_clock(struct window_writer *w)
{
    const struct window_settings *s = &w->window->settings;
    w->open = slot_of(w->window, plus(w->now_ns, -s->lateness_ns));
    w->horizon = slot_of(w->window, plus(w->now_ns, s->horizon_ns));
    if (w->horizon == slot_of(w->window, INT64_MAX))
        w->horizon--; /* the end of time is within that slot */
    if (slot_of(w->window, w->now_ns) > w->last)
        w->last = slot_of(w->window, w->now_ns);
}

static void writer_init(struct window_writer *writer, const struct window *w)
{
    *writer = (struct window_writer){.window = w, .now_ns = w->settings.start_ns, .last = INT64_MIN};
    writer->ring = take((size_t)w->settings.slots * w->blocks, WINDOW_BLOCK * sizeof *writer->ring);
    writer->ring_marks = take((size_t)w->settings.slots * w->blocks, sizeof *writer->ring_marks);
    look_at_clock(writer);
    writer->room = writer->open + w->settings.slots;
    progress_tell(&writer->closed, writer->open);
}

struct window *window_new(const struct window_settings *s)
{
    assert(s->cells > 0 && s->cells <= WINDOW_CELLS_MAX && s->writers > 0 && s->writers <= WINDOW_WRITERS_MAX);
    assert(s->slots > 1 && s->slots <= WINDOW_SLOTS_MAX && (s->slots & (s->slots - 1)) == 0);
    assert(s->width_ns >= WIDTH_MIN_NS && s->lateness_ns >= 0 && s->horizon_ns >= 0);
    assert(s->start_ns > INT64_MIN / 2 && s->lateness_ns < INT64_MAX / 4);
    assert(plus(s->lateness_ns, s->horizon_ns) / s->width_ns + 2 <= s->slots);
    struct window *w = take_lines(sizeof *w);
    w->settings = *s;
    w->blocks = (s->cells + WINDOW_BLOCK - 1) / WINDOW_BLOCK;
    w->shards = take_lines(s->writers * sizeof *w->shards);
    for (unsigned i = 0; i < s->writers; i++)
        writer_init(&w->shards[i].writer, w);
    progress_tell(&w->collected, w->shards[0].writer.open);
    return w;
}

struct window_writer *window_writer(struct window *w, unsigned writer)
{
    assert(writer < w->settings.writers);
    return &w->shards[writer].writer;
}

/* Writer: whether it may add to the slot; only then is the memory its own (2. above). */
static bool has_room(struct window_writer *w, int64_t slot)
{
    if (slot < w->room)
        return true;
    /* Acquire: the zeros that the surveyor left in the slots before `collected` are there for this writer. */
    w->room = progress_read(&w->window->collected) + w->window->settings.slots;
    return slot < w->room;
}

static size_t place_of(const struct window *w, int64_t slot)
{
    return (size_t)((uint64_t)slot & (w->settings.slots - 1)) * w->blocks;
}

/* The next adds to this slot go the short way, until the clock closes it. */
static void stay_at(struct window_writer *w, int64_t slot)
{
    size_t place = place_of(w->window, slot);
    w->cells = &w->ring[place * WINDOW_BLOCK];
    w->marks = &w->ring_marks[place];
    w->begin_ns = slot * w->window->settings.width_ns;
    w->length_ns = (uint64_t)w->window->settings.width_ns;
    if (slot > w->last)
        w->last = slot;
}

enum window_verdict window_add_elsewhere(struct window_writer *w, uint32_t cell, int64_t time_ns, uint64_t weight)
{
    assert(cell < w->window->settings.cells);
    int64_t slot = slot_of(w->window, time_ns);
    if (slot < w->open) {
        counter_add(&w->late, weight);
        return WINDOW_LATE;
    }
    if (slot > w->horizon) {
        counter_add(&w->early, weight);
        return WINDOW_EARLY;
    }
    if (!has_room(w, slot)) {
        counter_add(&w->full, weight);
        return WINDOW_FULL;
    }
    stay_at(w, slot);
    return window_add(w, cell, time_ns, weight);
}

void window_pass(struct window_writer *w, int64_t time_ns)
{
    if (time_ns <= w->now_ns)
        return;
    int64_t before = w->open;
    w->now_ns = time_ns;
    look_at_clock(w);
    if (w->open == before)
        return;
    w->length_ns = 0;
    /* Release: every add of this writer to the slots before `open` is visible to the surveyor that reads it (1.). */
    progress_tell(&w->closed, w->open);
}

bool window_ready(struct window_writer *w, int64_t time_ns)
{
    int64_t slot = slot_of(w->window, time_ns);
    return slot < w->open || slot > w->horizon || has_room(w, slot);
}

void window_leave(struct window_writer *w)
{
    w->length_ns = 0;
    /* Release: all adds of this writer, and `last`, are visible to the surveyor that reads it (1.). */
    progress_tell(&w->closed, INT64_MAX);
}

/* Surveyor: slots before this one are closed to all writers (1.). */
static int64_t closed_to_all(const struct window *w)
{
    int64_t least = INT64_MAX, last = INT64_MIN;
    for (unsigned i = 0; i < w->settings.writers; i++) {
        /* Acquire: every add of the writer to slots before `closed` is there for the surveyor. */
        int64_t closed = progress_read(&w->shards[i].writer.closed);
        if (closed < least)
            least = closed;
        if (closed == INT64_MAX && w->shards[i].writer.last > last)
            last = w->shards[i].writer.last;
    }
    return least == INT64_MAX ? last + 1 : least;
}

/* Adds what a writer has in a block to `sums`; and takes it. Whether there was anything. */
static bool sum_block(struct window_writer *writer, size_t block, bool taking, uint64_t sums[WINDOW_BLOCK])
{
    if (counter_read(&writer->ring_marks[block]) == 0)
        return false;
    struct counter *cells = &writer->ring[block * WINDOW_BLOCK];
    for (unsigned i = 0; i < WINDOW_BLOCK; i++)
        sums[i] += counter_read(&cells[i]);
    if (!taking)
        return true;
    for (unsigned i = 0; i < WINDOW_BLOCK; i++)
        atomic_store_explicit(&cells[i].n, 0, memory_order_relaxed); /* told by `collected` (2.) */
    atomic_store_explicit(&writer->ring_marks[block].n, 0, memory_order_relaxed);
    return true;
}

static bool is_empty(const struct window *w, int64_t slot)
{
    size_t place = place_of(w, slot);
    for (unsigned i = 0; i < w->settings.writers; i++)
        for (uint32_t b = 0; b < w->blocks; b++)
            if (counter_read(&w->shards[i].writer.ring_marks[place + b]))
                return false;
    return true;
}

/* One slot over all shards. */
static void sum_slot(struct window *w, int64_t slot, bool taking, const struct window_sink *sink)
{
    size_t place = place_of(w, slot);
    for (uint32_t b = 0; b < w->blocks; b++) {
        uint64_t sums[WINDOW_BLOCK] = {0};
        bool some = false;
        for (unsigned i = 0; i < w->settings.writers; i++)
            some |= sum_block(&w->shards[i].writer, place + b, taking, sums);
        for (unsigned i = 0; some && i < WINDOW_BLOCK; i++)
            if (sums[i])
                sink->cell(sink->to, slot * w->settings.width_ns, b * WINDOW_BLOCK + i, sums[i]);
    }
}

static void tell_closed(const struct window *w, int64_t from, int64_t to, const struct window_sink *sink)
{
    if (to > from)
        sink->closed(sink->to, from * w->settings.width_ns, (uint64_t)(to - from));
}

void window_close(struct window *w, const struct window_sink *sink)
{
    int64_t end = closed_to_all(w), slot = progress_read(&w->collected);
    int64_t walked = plus(slot, w->settings.slots), empty_from = slot;
    for (; slot < end && slot < walked; slot++) {
        if (is_empty(w, slot))
            continue;
        tell_closed(w, empty_from, slot, sink);
        sum_slot(w, slot, true, sink);
        tell_closed(w, slot, slot + 1, sink);
        empty_from = slot + 1;
        /* Release: the zeros are there for the writer that reads it, and adds to the same memory again (2.). */
        progress_tell(&w->collected, slot + 1);
    }
    if (end <= empty_from)
        return;
    tell_closed(w, empty_from, end, sink);
    progress_tell(&w->collected, end); /* release: as above */
}

void window_look(struct window *w, const struct window_sink *sink)
{
    int64_t slot = progress_read(&w->collected);
    for (uint32_t i = 0; i < w->settings.slots; i++)
        sum_slot(w, slot + i, false, sink);
}

struct window_lost window_lost(const struct window *w)
{
    struct window_lost lost = {0, 0, 0};
    for (unsigned i = 0; i < w->settings.writers; i++) {
        const struct window_writer *writer = &w->shards[i].writer;
        lost.late += counter_read(&writer->late);
        lost.early += counter_read(&writer->early);
        lost.full += counter_read(&writer->full);
    }
    return lost;
}

void window_free(struct window *w)
{
    for (unsigned i = 0; w && i < w->settings.writers; i++) {
        free(w->shards[i].writer.ring);
        free(w->shards[i].writer.ring_marks);
    }
    if (w)
        free(w->shards);
    free(w);
}
