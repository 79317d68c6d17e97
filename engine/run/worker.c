/*
 * A packet's journey, seen from the thread: timeline, decode, batch, shard.
 */
#include "run/worker.h"

#include <pthread.h>
#include <stdlib.h>

struct task {
    struct packet packet;
    struct sighting at;
    struct shard *shard;
    uint64_t hash;
};

/* A pipe's block is given back once the batch that may point into it is done. */
struct tap {
    struct worker *worker;
    struct reader *reader;
    struct reader_block *block;
    struct reader_block *done;
};

struct worker {
    pthread_t thread;
    const struct worker_job *job;
    unsigned index;
    struct ring *told;
    struct progress progress;
    struct counter passed;

    struct timeline timeline;
    struct tap *taps;
    struct shard *shards[SHARDS]; /* NULL: another worker's */
    struct hits hits[SHARDS];
    struct hits_context context;
    struct wire_counts counts;
    uint64_t frames;
    int64_t tick_ns;
    struct task batch[WORKER_BATCH];
    unsigned batched;
    char room[DISSECT_PENDING_MAX];
};

static void tell_progress(struct worker *w)
{
    int64_t settled = w->timeline.clock_ns;
    for (int s = 0; s < SHARDS; s++) {
        int64_t of_shard = w->shards[s] ? shard_settled_ns(w->shards[s]) : INT64_MAX;
        settled = of_shard < settled ? of_shard : settled;
    }
    if (settled > INT64_MIN + FINDING_SLACK_NS)
        progress_tell(&w->progress, settled - FINDING_SLACK_NS);
}

static void flush(struct worker *w)
{
    for (unsigned i = 0; i < w->batched; i++)
        w->batch[i].hash = shard_prefetch(w->batch[i].shard, &w->batch[i].packet);
    for (unsigned i = 0; i < w->batched; i++)
        shard_packet(w->batch[i].shard, &w->batch[i].packet, w->batch[i].hash, &w->batch[i].at);
    w->batched = 0;
    for (uint32_t i = 0; i < w->timeline.count; i++)
        if (w->taps[i].done) {
            reader_give_back(w->taps[i].reader, w->index, w->taps[i].done);
            w->taps[i].done = NULL;
        }
    tell_progress(w);
}

/* The next block of a pipe. Before waiting for it, what is at hand is worked off. */
static bool refill(void *to, struct bytes *octets)
{
    struct tap *tap = to;
    bool ended = false;
    unsigned idle = 0;
    tap->done = tap->block;
    flush(tap->worker);
    while (!(tap->block = reader_take(tap->reader, tap->worker->index, &ended)) && !ended)
        ring_pause(&idle);
    if (!tap->block)
        return false;
    *octets = reader_octets(tap->block);
    return true;
}

/* Packet time passes whole ticks only between batches, for every worker at the same frame. */
static void pass_time(struct worker *w)
{
    int64_t tick_ns = w->timeline.clock_ns - w->timeline.clock_ns % SHARD_TICK_NS;
    if (tick_ns <= w->tick_ns)
        return;
    flush(w);
    for (int s = 0; s < SHARDS; s++)
        if (w->shards[s])
            shard_tick(w->shards[s], tick_ns);
    w->tick_ns = tick_ns;
}

/* What is no packet is counted by one worker. */
static void count_refused(struct worker *w, enum decode_verdict v)
{
    if (w->index != 0)
        return;
    switch (v) {
    case DECODE_LINK_UNKNOWN: w->counts.link_unknown++; break;
    case DECODE_NOT_IP: w->counts.not_ip++; break;
    case DECODE_CUT: w->counts.cut++; break;
    default: w->counts.malformed++; break;
    }
}

static void take(struct worker *w, const struct frame *f, uint32_t input)
{
    struct task *t = &w->batch[w->batched];
    enum decode_verdict v = decode(f, &t->packet);
    if (v != DECODE_OK) {
        count_refused(w, v);
        return;
    }
    struct shard *shard = w->shards[shard_of(&t->packet.tuple)];
    if (!shard)
        return;
    w->counts.packets++;
    w->counts.octets += f->octets.len;
    w->counts.octets_cut += f->wire_len - f->octets.len;
    t->shard = shard;
    t->at = (struct sighting){.time_ns = f->time_ns,
                              .clock_ns = w->timeline.clock_ns,
                              .packet = f->number,
                              .input = input,
                              .frame = f->octets};
    if (++w->batched == WORKER_BATCH)
        flush(w);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct frame frame;
    uint32_t input;
    while (!w->context.stopped && timeline_next(&w->timeline, &frame, &input)) {
        pass_time(w);
        take(w, &frame, input);
        if (++w->frames % 1024 == 0)
            counter_add(&w->passed, timeline_passed(&w->timeline) - counter_read(&w->passed));
    }
    flush(w);
    for (int s = 0; s < SHARDS; s++)
        if (w->shards[s])
            shard_end(w->shards[s]);
    for (uint32_t i = 0; i < w->timeline.count; i++)
        if (w->taps[i].reader)
            reader_leave(w->taps[i].reader, w->index);
    ring_close(w->told);
    progress_tell(&w->progress, INT64_MAX);
    return NULL;
}

static void open_timeline(struct worker *w)
{
    const struct inputs *in = w->job->inputs;
    const struct capture **captures = calloc(in->count + 1, sizeof(struct capture *));
    struct capture_refill *refills = calloc(in->count + 1, sizeof *refills);
    uint32_t *numbers = calloc(in->count + 1, sizeof *numbers);
    w->taps = calloc(in->count + 1, sizeof *w->taps);
    if (!captures || !refills || !numbers || !w->taps)
        abort();
    for (uint32_t i = 0; i < in->count; i++) {
        captures[i] = &in->all[i].capture;
        numbers[i] = i;
        w->taps[i] = (struct tap){.worker = w, .reader = w->job->readers[i]};
        if (w->taps[i].reader)
            refills[i] = (struct capture_refill){.next = refill, .to = &w->taps[i]};
    }
    timeline_init(&w->timeline, captures, numbers, refills, in->count);
    free(captures);
    free(refills);
    free(numbers);
}

static void open_shards(struct worker *w)
{
    const struct config *c = w->job->config;
    struct shard_limits limits = {.flows = (uint32_t)(c->limits.flows / SHARDS),
                                  .stream_octets = c->limits.streams_bytes / SHARDS,
                                  .timeouts = {.attempted_ns = c->timeouts.attempted_ns,
                                               .datagram_ns = c->timeouts.udp_ns,
                                               .established_ns = c->timeouts.established_ns,
                                               .closed_ns = c->timeouts.closed_ns}};
    limits.flows += limits.flows == 0;
    for (unsigned s = 0; s < SHARDS; s++) {
        if (s % w->job->workers != w->index)
            continue;
        hits_init(&w->hits[s], &w->context, c->limits.hits / SHARDS);
        w->shards[s] = shard_new(&limits, &w->hits[s].sink, &w->counts, w->room);
    }
}

/* Opening waits for the first block of each pipe, so it is the thread's own. */
static void *begin(void *arg)
{
    struct worker *w = arg;
    open_timeline(w);
    open_shards(w);
    return run(w);
}

struct worker *worker_start(const struct worker_job *job, unsigned index)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->job = job;
    w->index = index;
    w->told = ring_new(WORKER_RING);
    w->tick_ns = INT64_MIN;
    w->timeline.clock_ns = INT64_MIN;
    progress_tell(&w->progress, INT64_MIN);
    w->context = (struct hits_context){.database = job->database,
                                       .home = job->home,
                                       .told = w->told,
                                       .observe = job->observe,
                                       .strict_validity = job->strict_validity};
    if (job->database) {
        w->context.asker = asker_new();
        if (!asker_fit(w->context.asker, job->database))
            abort();
    }
    if (pthread_create(&w->thread, NULL, begin, w) != 0)
        abort();
    return w;
}

struct ring *worker_told(struct worker *w)
{
    return w->told;
}

int64_t worker_progress(const struct worker *w)
{
    return progress_read(&w->progress);
}

uint64_t worker_passed(const struct worker *w)
{
    return counter_read(&w->passed);
}

void worker_join(struct worker *w)
{
    pthread_join(w->thread, NULL);
}

const struct wire_counts *worker_wire_counts(const struct worker *w)
{
    return &w->counts;
}

const struct hit_counts *worker_hit_counts(const struct worker *w)
{
    return &w->context.counts;
}

uint64_t worker_frames(const struct worker *w)
{
    return w->frames;
}

const char *worker_damage(const struct worker *w, uint32_t input)
{
    return timeline_damage(&w->timeline, input);
}

void worker_free(struct worker *w)
{
    for (int s = 0; s < SHARDS; s++)
        shard_free(w->shards[s]);
    timeline_clear(&w->timeline);
    asker_free(w->context.asker);
    ring_free(w->told);
    free(w->taps);
    free(w);
}
