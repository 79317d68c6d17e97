/*
 * A merge by progress: read every source's progress, then its ring, then tell what is before the least progress.
 */
#include "run/herald.h"

#include "base/hash.h"
#include "base/table.h"
#include "run/bar.h"
#include "run/member.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { WRITE_OCTETS = 64 * 1024, TOPICS_MAX = 1 << 20 };

struct topic {
    char *name;
    uint64_t seq;
};

struct herald {
    const struct herald_job *job;
    struct hit **heap; /* the one to be told first, first */
    size_t held;
    size_t cap;
    struct table topics_by_name;
    struct topic *topics;
    uint32_t topic_count;
    struct buffer topic;
    struct buffer out;
    struct bar bar;
    struct hash_key key;
    struct correlator *correlator; /* NULL: nothing is linked */
    int64_t now_ns;                /* what was told is before it */
    int64_t window_ns;             /* when the next window will be over */
    bool headed;
    struct herald_result result;
};

static bool before(const struct hit *a, const struct hit *b)
{
    return finding_order(&a->finding.key, &b->finding.key) < 0;
}

static void hold(struct herald *h, struct hit *hit)
{
    if (h->held == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 1024;
        h->heap = realloc(h->heap, h->cap * sizeof(struct hit *));
        if (!h->heap)
            abort();
    }
    size_t at = h->held++;
    for (; at && before(hit, h->heap[(at - 1) / 2]); at = (at - 1) / 2)
        h->heap[at] = h->heap[(at - 1) / 2];
    h->heap[at] = hit;
    if (h->held > h->result.held_max)
        h->result.held_max = h->held;
}

static struct hit *first(struct herald *h)
{
    struct hit *taken = h->heap[0];
    struct hit *last = h->heap[--h->held];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < h->held; at = child) {
        if (child + 1 < h->held && before(h->heap[child + 1], h->heap[child]))
            child++;
        if (!before(h->heap[child], last))
            break;
        h->heap[at] = h->heap[child];
    }
    h->heap[at] = last;
    return taken;
}

/* The next number of this topic, from 1. */
static uint64_t next_seq(struct herald *h, struct bytes name)
{
    uint64_t hash = hash_fixed(name.at, name.len);
    struct table *t = &h->topics_by_name;
    for (uint32_t slot = table_first(t, hash); slot != TABLE_NONE; slot = table_next(t, hash, slot)) {
        struct topic *topic = &h->topics[table_value(t, slot)];
        if (bytes_equal(bytes_text(topic->name), name))
            return ++topic->seq;
    }
    h->topics = realloc(h->topics, (h->topic_count + 1) * sizeof *h->topics);
    if (!h->topics)
        abort();
    h->topics[h->topic_count] = (struct topic){.name = strndup((const char *)name.at, name.len), .seq = 1};
    table_add(t, hash, h->topic_count++);
    return 1;
}

static void put_out(struct herald *h)
{
    if (h->out.len)
        bar_wipe(&h->bar);
    for (size_t done = 0; done < h->out.len && !h->result.error;) {
        ssize_t n = write(h->job->fd, h->out.at + done, h->out.len - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            h->result.error = errno;
    }
    buffer_clear(&h->out);
}

static void put(struct herald *h, struct told *t)
{
    const struct herald_job *job = h->job;
    if (!job->observe) {
        buffer_clear(&h->topic);
        encode_topic(t, TLP_RED, &h->topic);
        t->seq = next_seq(h, buffer_bytes(&h->topic));
    }
    if (!h->headed && job->output->head)
        job->output->head(&h->out, job->observe, job->style);
    h->headed = true;
    job->output->write(&h->out, t, job->style);
    h->result.told++;
    if (h->out.len >= WRITE_OCTETS)
        put_out(h);
}

static void put_correlation(void *to, struct correlation *c)
{
    struct herald *h = to;
    put(h, &(struct told){.correlation = c, .publisher = h->job->publisher, .regions = h->job->regions});
    free(c);
}

static void put_trend(void *to, struct trend *trend)
{
    struct herald *h = to;
    put(h, &(struct told){.trend = trend, .publisher = h->job->publisher, .regions = h->job->regions});
    free(trend);
}

static void tell(struct herald *h, const struct hit *hit)
{
    const struct herald_job *job = h->job;
    const struct finding *f = &hit->finding;
    const struct input *input = &job->inputs->all[f->key.input];
    struct told t = {.finding = f,
                     .sensor = input->events ? &input->sensor : job->sensor,
                     .file = input->name,
                     .publisher = job->publisher,
                     .regions = job->regions};
    if (f->kind == FINDING_OBSERVED) {
        put(h, &t);
        return;
    }
    char id[FINDING_ID_MAX];
    t.indicator = database_indicator(hit->database, f->indicator);
    t.sources = database_sources(hit->database, f->indicator, &t.source_count);
    struct correlate_member member = member_of(&t, &h->key, id);
    t.id = id;
    put(h, &t);
    member_count(&t, &member, job->census);
    if (h->correlator)
        correlator_see(h->correlator, &member, f->key.order_ns);
}

/* Tells of all windows that are over at `now_ns`. */
static void survey(struct herald *h, int64_t now_ns)
{
    census_pass(h->job->census, now_ns);
    surveyor_turn(h->job->surveyor);
    h->window_ns = surveyor_next_ns(h->job->surveyor, now_ns);
}

/* Time has come to `now_ns`, window by window, so that what falls due is told in its order. The first time there is
 * nothing to tell of yet. */
static void pass(struct herald *h, int64_t now_ns)
{
    if (now_ns == INT64_MIN || now_ns == INT64_MAX || now_ns <= h->now_ns)
        return;
    if (h->job->surveyor && h->now_ns == INT64_MIN)
        survey(h, now_ns);
    while (h->job->surveyor && h->window_ns <= now_ns) {
        if (h->correlator)
            correlator_pass(h->correlator, h->window_ns);
        survey(h, h->window_ns);
    }
    if (h->correlator)
        correlator_pass(h->correlator, now_ns);
    h->now_ns = now_ns;
}

/* One round; false when there was nothing to do. */
static bool turn(struct herald *h, int64_t *least)
{
    bool did = false;
    *least = INT64_MAX;
    for (unsigned i = 0; i < h->job->source_count; i++) {
        int64_t progress = progress_read(h->job->sources[i].progress);
        *least = progress < *least ? progress : *least;
        for (struct hit *hit; (hit = ring_pop(h->job->sources[i].told)); did = true)
            hold(h, hit);
    }
    for (; h->held && h->heap[0]->finding.key.order_ns < *least && !h->result.error; did = true) {
        struct hit *hit = first(h);
        pass(h, hit->finding.key.order_ns);
        tell(h, hit);
        hit_free(hit);
    }
    pass(h, *least);
    return did;
}

static void clear(struct herald *h)
{
    for (unsigned i = 0; i < h->job->source_count; i++) {
        ring_leave(h->job->sources[i].told);
        for (struct hit *hit; (hit = ring_pop_wait(h->job->sources[i].told));)
            hit_free(hit);
    }
    while (h->held)
        hit_free(first(h));
    for (uint32_t i = 0; i < h->topic_count; i++)
        free(h->topics[i].name);
    free(h->topics);
    table_free(&h->topics_by_name);
    buffer_free(&h->topic);
    buffer_free(&h->out);
    if (h->correlator)
        correlator_free(h->correlator);
    free(h->heap);
}

struct herald_result herald_run(const struct herald_job *job)
{
    struct herald h = {.job = job, .now_ns = INT64_MIN};
    hash_key_random(&h.key);
    if (job->correlation)
        h.correlator = correlator_new(job->correlation, put_correlation, &h);
    if (job->surveyor)
        surveyor_hear(job->surveyor, put_trend, &h);
    table_init(&h.topics_by_name, TOPICS_MAX);
    bar_init(&h.bar, job->octets);
    unsigned idle = 0;
    for (int64_t least = INT64_MIN; (least < INT64_MAX || h.held) && !h.result.error;) {
        job->turn(job->to);
        if (turn(&h, &least)) {
            idle = 0;
            continue;
        }
        put_out(&h);
        bar_draw(&h.bar, job->passed(job->to));
        if (least < INT64_MAX)
            ring_pause(&idle);
    }
    if (job->surveyor && !h.result.error) {
        census_leave(job->census);
        surveyor_turn(job->surveyor);
    }
    if (!h.headed && job->output->head && !h.result.error)
        job->output->head(&h.out, job->observe, job->style);
    put_out(&h);
    bar_wipe(&h.bar);
    clear(&h);
    return h.result;
}
