/*
 * A heap of inputs by their clocks, one record at a time.
 */
#include "run/event_worker.h"

#include "base/log.h"
#include "feed/event_reader.h"
#include "feed/frames.h"
#include "run/event_hits.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP_MAX_NS (INT64_C(3600) * 1000000000)

enum { PROGRESS_RECORDS = 256 /* between two reports */, PIPE_WAIT_MS = 100 };

/* One input of events. */
struct stream {
    const struct input *input;
    uint32_t number;
    struct feed feed;
    struct frames frames;
    struct tally tally;
    int64_t clock_ns;
    int64_t before_ns; /* the event before */
    unsigned named;
    bool over; /* of a pipe: there is no more to read */
    bool uncounted;
    struct census_entry entry; /* of the last event: counted when the next one comes, since all others have passed it */
    char country[3];
    struct fail damage;
};

struct event_worker {
    pthread_t thread;
    const struct event_worker_job *job;
    struct ring *told;
    struct progress progress;
    struct counter passed;
    struct progress end; /* not 0: to end */
    struct hits_context context;
    struct event_reader *reader;
    struct stream *streams;
    uint32_t count;
    struct stream **heap; /* that still have records, the least clock first */
    uint32_t live;
};

static bool before(const struct stream *a, const struct stream *b)
{
    return a->clock_ns != b->clock_ns ? a->clock_ns < b->clock_ns : a->number < b->number;
}

static void sink_down(struct event_worker *w)
{
    for (uint32_t at = 0;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < w->live; child++)
            if (before(w->heap[child], w->heap[least]))
                least = child;
        if (least == at)
            return;
        struct stream *swap = w->heap[at];
        w->heap[at] = w->heap[least];
        w->heap[least] = swap;
        at = least;
    }
}

static void tell_progress(struct event_worker *w)
{
    int64_t settled = w->live ? w->heap[0]->clock_ns : INT64_MIN;
    if (w->job->census && settled > INT64_MIN)
        census_pass(w->job->census, settled); /* first: who sees the progress may rely on it */
    if (settled > INT64_MIN + FINDING_SLACK_NS)
        progress_tell(&w->progress, settled - FINDING_SLACK_NS);
}

/* As in wire/timeline.c: a single time from the future does not stop the clock for ever. */
static void pass_time(struct stream *s, int64_t time_ns)
{
    if (time_ns > s->clock_ns)
        s->clock_ns = time_ns;
    else if (time_ns < s->clock_ns - FINDING_SLACK_NS)
        s->clock_ns += time_ns <= s->before_ns                ? 1
                       : time_ns - s->before_ns > STEP_MAX_NS ? STEP_MAX_NS
                                                              : time_ns - s->before_ns;
    s->before_ns = time_ns;
}

static bool to_end(struct event_worker *w)
{
    return w->context.stopped || progress_read(&w->end) != 0;
}

/* Its time is the least clock of all streams now. Where the surveyor is behind, it is waited for. */
static void count(struct event_worker *w, struct stream *s)
{
    struct census *census = w->job->census;
    unsigned idle = 0;
    if (!census || !s->uncounted)
        return;
    s->uncounted = false;
    tell_progress(w);
    while (!census_ready(census, s->entry.time_ns) && !to_end(w))
        ring_pause(&idle);
    census_add(census, &s->entry);
}

static void refused(struct stream *s, const char *why)
{
    if (s->named++ < EVENT_WORKER_NAMED)
        log_error("%s: line %llu: %s", s->input->name, (unsigned long long)s->frames.line, why);
}

static void take(struct event_worker *w, struct stream *s, struct bytes frame)
{
    struct fail why = {.text = ""};
    switch (event_read(w->reader, s->input->events, &s->feed, &s->tally, frame, EVENT_LATEST_NS, &why)) {
    case EVENT_TAKEN: break;
    case EVENT_REFUSED: refused(s, why.text); return;
    case EVENT_PASSED: return;
    }
    const struct event *e = &w->reader->event;
    count(w, s);
    pass_time(s, e->time_ns);
    s->entry = census_of_event(e, s->feed.name, s->input->sensor.country, w->context.places, s->country);
    s->uncounted = true;
    event_hits_take(
        &w->context, e,
        &(struct event_at){.frame = frame, .record = s->frames.line, .input = s->number, .clock_ns = s->clock_ns},
        NULL);
}

/* What there is to read of a pipe, waiting for it; at its end `over`. */
static void read_on(struct event_worker *w, struct stream *s)
{
    struct pollfd ready = {.fd = s->input->pipe, .events = POLLIN};
    size_t len;
    uint8_t *room = frames_room(&s->frames, &len);
    ssize_t n = -1;
    tell_progress(w);
    while (!to_end(w) && poll(&ready, 1, PIPE_WAIT_MS) <= 0)
        ;
    if (!to_end(w))
        n = read(s->input->pipe, room, len);
    if (n > 0) {
        frames_add(&s->frames, (size_t)n);
        return;
    }
    if (n < 0 && errno == EINTR)
        return;
    if (n < 0 && !to_end(w))
        fail_set(&s->damage, "%s", strerror(errno));
    s->over = true;
}

/* False at its end. */
static bool next(struct event_worker *w, struct stream *s, struct bytes *frame)
{
    while (!frames_next(&s->frames, frame, s->over)) {
        if (s->over)
            return false;
        read_on(w, s);
    }
    return true;
}

static void end_stream(struct event_worker *w, struct stream *s)
{
    count(w, s);
    w->heap[0] = w->heap[--w->live];
}

static void *run(void *arg)
{
    struct event_worker *w = arg;
    uint64_t records = 0;
    while (w->live && !to_end(w)) {
        struct stream *s = w->heap[0];
        struct bytes frame;
        uint64_t passed = s->frames.passed;
        if (next(w, s, &frame))
            take(w, s, frame);
        else
            end_stream(w, s);
        counter_add(&w->passed, s->frames.passed - passed);
        sink_down(w);
        if (++records % PROGRESS_RECORDS == 0)
            tell_progress(w);
    }
    if (w->job->census)
        census_leave(w->job->census);
    ring_close(w->told);
    progress_tell(&w->progress, INT64_MAX);
    return NULL;
}

static void open_stream(struct stream *s, const struct input *in, uint32_t number)
{
    *s = (struct stream){.input = in,
                         .number = number,
                         .feed = {.name = in->sensor.name,
                                  .tlp = in->sensor.tlp,
                                  .confidence = INDICATOR_CONFIDENCE_UNKNOWN,
                                  .category = CATEGORY_UNDETERMINED},
                         .clock_ns = INT64_MIN,
                         .before_ns = INT64_MAX,
                         .over = in->pipe < 0};
    if (in->pipe < 0) {
        s->frames = frames_of(in->content);
        return;
    }
    size_t len;
    uint8_t *room = frames_room(&s->frames, &len);
    memcpy(room, in->waiting.at, in->waiting.len);
    frames_add(&s->frames, in->waiting.len);
}

struct event_worker *event_worker_start(const struct event_worker_job *job)
{
    const struct inputs *in = job->inputs;
    struct event_worker *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->job = job;
    w->told = ring_new(EVENT_WORKER_RING);
    w->reader = event_reader_new();
    w->streams = calloc(in->count + 1, sizeof *w->streams);
    w->heap = calloc(in->count + 1, sizeof(struct stream *));
    if (!w->streams || !w->heap)
        abort();
    for (uint32_t i = 0; i < in->count; i++)
        if (in->all[i].events) {
            open_stream(&w->streams[w->count], &in->all[i], i);
            w->heap[w->live++] = &w->streams[w->count++];
        }
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
    if (pthread_create(&w->thread, NULL, run, w) != 0)
        abort();
    return w;
}

struct ring *event_worker_told(struct event_worker *w)
{
    return w->told;
}

const struct progress *event_worker_progress(const struct event_worker *w)
{
    return &w->progress;
}

uint64_t event_worker_passed(const struct event_worker *w)
{
    return counter_read(&w->passed);
}

void event_worker_end(struct event_worker *w)
{
    progress_tell(&w->end, 1);
}

void event_worker_join(struct event_worker *w)
{
    pthread_join(w->thread, NULL);
}

const struct hit_counts *event_worker_hit_counts(const struct event_worker *w)
{
    return &w->context.counts;
}

static const struct stream *stream_of(const struct event_worker *w, uint32_t input)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->streams[i].number == input)
            return &w->streams[i];
    return NULL;
}

const struct tally *event_worker_tally(const struct event_worker *w, uint32_t input)
{
    const struct stream *s = stream_of(w, input);
    return s ? &s->tally : NULL;
}

const char *event_worker_damage(const struct event_worker *w, uint32_t input)
{
    const struct stream *s = stream_of(w, input);
    return s ? s->damage.text : "";
}

void event_worker_free(struct event_worker *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->streams[i].input->pipe >= 0)
            frames_free(&w->streams[i].frames);
    event_reader_free(w->reader);
    asker_free(w->context.asker);
    ring_free(w->told);
    free(w->streams);
    free(w->heap);
    free(w);
}
