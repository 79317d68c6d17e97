/*
 * The timeline of all inputs, through one lane.
 */
#include "run/worker.h"

#include <pthread.h>
#include <stdlib.h>

enum { PROGRESS_FRAMES = 256 }; /* between two reports */

/* A pipe, and the block of it that this worker has. */
struct tap {
    struct worker *worker;
    struct reader *reader;
    struct reader_block *block;
};

struct worker {
    pthread_t thread;
    const struct worker_job *job;
    unsigned index;
    struct ring *told;
    struct progress progress;
    struct counter passed;
    struct progress end; /* not 0: to end */

    struct timeline timeline;
    struct tap *taps;
    struct lane *lane;
    struct hits_context context;
    uint64_t frames;
};

static void tell_progress(struct worker *w)
{
    lane_flush(w->lane);
    int64_t settled = lane_settled_ns(w->lane);
    settled = w->timeline.clock_ns < settled ? w->timeline.clock_ns : settled;
    if (settled > INT64_MIN + FINDING_SLACK_NS)
        progress_tell(&w->progress, settled - FINDING_SLACK_NS);
}

/* The next block of a pipe. Before waiting for it, what is at hand is worked off. */
static bool refill(void *to, struct bytes *octets)
{
    struct tap *tap = to;
    bool ended = false;
    unsigned idle = 0;
    tell_progress(tap->worker);
    if (tap->block)
        reader_give_back(tap->reader, tap->worker->index, tap->block);
    while (!(tap->block = reader_take(tap->reader, tap->worker->index, &ended)) && !ended)
        ring_pause(&idle);
    if (!tap->block)
        return false;
    *octets = reader_octets(tap->block);
    return true;
}

/* Opening waits for the first block of each pipe, so it is the thread's own. */
static void open_timeline(struct worker *w)
{
    const struct inputs *in = w->job->inputs;
    const struct capture **captures = calloc(in->count + 1, sizeof(struct capture *));
    struct capture_refill *refills = calloc(in->count + 1, sizeof *refills);
    uint32_t *numbers = calloc(in->count + 1, sizeof *numbers);
    uint32_t count = 0;
    w->taps = calloc(in->count + 1, sizeof *w->taps);
    if (!captures || !refills || !numbers || !w->taps)
        abort();
    for (uint32_t i = 0; i < in->count; i++) {
        if (in->all[i].events)
            continue;
        struct tap *tap = &w->taps[count];
        captures[count] = &in->all[i].capture;
        numbers[count] = i;
        *tap = (struct tap){.worker = w, .reader = w->job->readers[i]};
        if (tap->reader)
            refills[count] = (struct capture_refill){.next = refill, .to = tap};
        count++;
    }
    timeline_init(&w->timeline, captures, numbers, refills, count);
    free(captures);
    free(refills);
    free(numbers);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct frame frame;
    uint32_t input;
    open_timeline(w);
    while (!w->context.stopped && timeline_next(&w->timeline, &frame, &input)) {
        lane_pass_time(w->lane, w->timeline.clock_ns);
        lane_take(w->lane, &frame, input, w->timeline.clock_ns);
        if (++w->frames % PROGRESS_FRAMES)
            continue;
        tell_progress(w);
        w->context.stopped |= progress_read(&w->end) != 0;
        counter_add(&w->passed, timeline_passed(&w->timeline) - counter_read(&w->passed));
    }
    lane_end(w->lane);
    for (uint32_t i = 0; i < w->timeline.count; i++)
        if (w->taps[i].reader)
            reader_leave(w->taps[i].reader, w->index);
    ring_close(w->told);
    progress_tell(&w->progress, INT64_MAX);
    return NULL;
}

struct worker *worker_start(const struct worker_job *job, unsigned index)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->job = job;
    w->index = index;
    w->told = ring_new(WORKER_RING);
    w->timeline.clock_ns = INT64_MIN;
    progress_tell(&w->progress, INT64_MIN);
    w->context = (struct hits_context){.database = job->database,
                                       .places = job->places,
                                       .told = w->told,
                                       .observe = job->observe,
                                       .strict_validity = job->strict_validity};
    if (job->database) {
        w->context.asker = asker_new();
        if (!asker_fit(w->context.asker, job->database))
            abort();
    }
    w->lane = lane_new(&(struct lane_settings){
        .config = job->config, .hits = &w->context, .home = job->home, .worker = index, .workers = job->workers});
    if (pthread_create(&w->thread, NULL, run, w) != 0)
        abort();
    return w;
}

struct ring *worker_told(struct worker *w)
{
    return w->told;
}

const struct progress *worker_progress(const struct worker *w)
{
    return &w->progress;
}

uint64_t worker_passed(const struct worker *w)
{
    return counter_read(&w->passed);
}

void worker_end(struct worker *w)
{
    progress_tell(&w->end, 1);
}

void worker_join(struct worker *w)
{
    pthread_join(w->thread, NULL);
}

const struct wire_counts *worker_wire_counts(const struct worker *w)
{
    return lane_counts(w->lane);
}

const struct hit_counts *worker_hit_counts(const struct worker *w)
{
    return &w->context.counts;
}

uint64_t worker_frames(const struct worker *w)
{
    return w->frames;
}

int worker_unknown_link(const struct worker *w)
{
    return lane_unknown_link(w->lane);
}

const char *worker_damage(const struct worker *w, uint32_t input)
{
    for (uint32_t i = 0; i < w->timeline.count; i++)
        if (w->timeline.heads[i].input == input)
            return timeline_damage(&w->timeline, i);
    return "";
}

void worker_free(struct worker *w)
{
    lane_free(w->lane);
    timeline_clear(&w->timeline);
    asker_free(w->context.asker);
    ring_free(w->told);
    free(w->taps);
    free(w);
}
