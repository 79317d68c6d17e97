/*
 * Rounds: take, commit, beat.
 */
#include "run/crier.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "run/flood.h"

#include <pthread.h>
#include <stdlib.h>

/* The newest of an indicator's findings that were folded: told with their number once the flood is over. */
struct fold {
    uint64_t indicator;
    struct hit *hit;
};

struct crier {
    pthread_t thread;
    struct crier_job job;
    struct publisher *publisher;
    struct flood flood;
    struct hash_key key;
    struct table folded; /* from an indicator to what of it was folded last */
    struct fold *folds;
    uint32_t fold_count;
    struct progress generation;
    struct progress deadline; /* monotonic; when to give up at the end */
    int64_t generation_known;
    int64_t beat_ns;
    int64_t sync_ns;
    bool failing;
    bool untrimmed; /* the last attempt failed; said once for a row of failures */
    struct crier_counters counters;
};

/* The same for an indicator in every generation. */
static uint64_t identity(const struct crier *c, const struct hit *hit)
{
    const struct indicator_key *k = &database_indicator(hit->database, hit->finding.indicator)->key;
    const uint64_t parts[] = {hash_keyed(&c->key, k->value.at, k->value.len),
                              hash_keyed(&c->key, &k->block.address, sizeof k->block.address),
                              (uint64_t)k->type << 40 | (uint64_t)k->where << 32 | (uint64_t)k->block.bits << 24 |
                                  (uint64_t)k->only << 16 | k->port};
    return hash_keyed(&c->key, parts, sizeof parts);
}

static struct fold *find_fold(struct crier *c, uint64_t indicator, uint32_t *slot)
{
    for (*slot = table_first(&c->folded, indicator); *slot != TABLE_NONE;
         *slot = table_next(&c->folded, indicator, *slot)) {
        struct fold *f = &c->folds[table_value(&c->folded, *slot)];
        if (f->indicator == indicator)
            return f;
    }
    return NULL;
}

/* Keeps the newest. Where no more indicators can be kept, the flood guard's count remains. */
static void fold(struct crier *c, uint64_t indicator, struct hit *hit)
{
    uint32_t slot;
    struct fold *f = find_fold(c, indicator, &slot);
    counter_add(&c->counters.folded, 1);
    if (f) {
        hit_free(f->hit);
        f->hit = hit;
    } else if (c->fold_count < FLOOD_INDICATORS_MAX) {
        c->folds[c->fold_count] = (struct fold){.indicator = indicator, .hit = hit};
        table_add(&c->folded, indicator, c->fold_count++);
    } else {
        hit_free(hit);
    }
}

/* What was kept of this indicator, or NULL. */
static struct hit *unfold(struct crier *c, uint64_t indicator)
{
    uint32_t slot;
    struct fold *f = find_fold(c, indicator, &slot);
    if (!f)
        return NULL;
    struct hit *hit = f->hit;
    table_remove(&c->folded, slot);
    struct fold *last = &c->folds[--c->fold_count];
    if (f != last) {
        find_fold(c, last->indicator, &slot);
        table_remove(&c->folded, slot);
        *f = *last;
        table_add(&c->folded, f->indicator, (uint32_t)(f - c->folds));
    }
    return hit;
}

static void take_one(struct crier *c, struct hit *hit, int64_t now_ns)
{
    uint64_t indicator = identity(c, hit);
    uint64_t folded = 0;
    if (!flood_lets(&c->flood, indicator, now_ns, &folded)) {
        fold(c, indicator, hit);
        return;
    }
    struct hit *kept = folded ? unfold(c, indicator) : NULL;
    if (kept)
        hit_free(kept);
    publisher_tell(c->publisher, hit, folded);
}

/* Of floods that are over: the newest finding that was folded, for all of them. */
static void tell_folded(struct crier *c, int64_t now_ns, int64_t wait_ns)
{
    uint64_t indicator, folded;
    while (flood_due(&c->flood, now_ns, wait_ns, &indicator, &folded)) {
        struct hit *hit = unfold(c, indicator);
        if (hit)
            publisher_tell(c->publisher, hit, folded - 1);
    }
}

/* While the journal refuses, findings wait with the listeners once enough of them wait here. */
static bool take(struct crier *c, int64_t now_ns, bool given_up)
{
    bool did = false;
    if (!given_up && counter_read(&publisher_counters(c->publisher)->waiting) > PUBLISHER_WAITING_MAX / 2)
        return false;
    for (unsigned i = 0; i < c->job.listener_count; i++) {
        struct hit *hit;
        for (int n = 0; n < CRIER_ROUND && (hit = ring_pop(listener_told(c->job.listeners[i]))); n++, did = true)
            take_one(c, hit, now_ns);
    }
    return did;
}

static void commit(struct crier *c, int64_t wall_ns, int64_t now_ns)
{
    struct fail why = {.text = ""};
    bool good = publisher_commit(c->publisher, wall_ns, now_ns, &why);
    if (!good)
        log_error("journal: %s; findings wait, it is tried again", why.text);
    if (good && c->failing && counter_read(&publisher_counters(c->publisher)->waiting) == 0) {
        log_note("journal: writes again");
        c->failing = false;
    }
    c->failing |= !good;
}

static void write_generation(struct crier *c)
{
    struct fail why = {.text = ""};
    int64_t generation = progress_read(&c->generation);
    if (generation == c->generation_known)
        return;
    if (journal_set_number(c->job.publishing.journal, "generation", generation, &why))
        c->generation_known = generation;
}

/* What is lost with the power is at most the findings of JOURNAL_SYNC_MS. */
static void sync(struct crier *c)
{
    struct fail why = {.text = ""};
    if (!journal_sync(c->job.publishing.journal, &why))
        log_warning("journal: %s", why.text);
}

static void trim(struct crier *c, int64_t wall_ns)
{
    struct fail why = {.text = ""};
    uint32_t gone = 0;
    int64_t before_ns = wall_ns - c->job.config->journal.keep_ns;
    bool good = journal_trim(c->job.publishing.journal, before_ns, c->job.config->journal.octets_max, CRIER_TRIM_ROWS,
                             &gone, &why);
    if (!good && !c->untrimmed)
        log_warning("journal: %s", why.text);
    c->untrimmed = !good;
    counter_add(&c->counters.trimmed, gone);
}

static void hear_subscriptions(struct crier *c)
{
    struct bytes peer, topic, body;
    while (c->job.publishing.socket && zmtp_receive(c->job.publishing.socket, &peer, &topic, &body))
        counter_add(&c->counters.subscriptions, 1);
}

static bool ended(const struct crier *c)
{
    for (unsigned i = 0; i < c->job.listener_count; i++)
        if (!ring_ended(listener_told(c->job.listeners[i])))
            return false;
    return true;
}

static void keep_time(struct crier *c, int64_t wall_ns, int64_t now_ns)
{
    if (now_ns >= c->beat_ns) {
        c->beat_ns = now_ns + CRIER_BEAT_NS;
        tell_folded(c, now_ns, CRIER_FOLD_NS);
        trim(c, wall_ns);
        publisher_heartbeat(c->publisher, wall_ns);
    }
    if (now_ns >= c->sync_ns) {
        c->sync_ns = now_ns + JOURNAL_SYNC_MS * INT64_C(1000000);
        sync(c);
    }
}

static void *run(void *arg)
{
    struct crier *c = arg;
    unsigned idle = 0;
    for (bool over = false; !over;) {
        int64_t wall_ns = clock_wall_ns(), now_ns = clock_monotonic_ns();
        bool last = ended(c);
        bool given_up = now_ns > progress_read(&c->deadline);
        bool did = take(c, now_ns, given_up);
        if (last && !did)
            tell_folded(c, now_ns, 0);
        write_generation(c); /* before what was found with it is told */
        commit(c, wall_ns, now_ns);
        keep_time(c, wall_ns, now_ns);
        hear_subscriptions(c);
        bool waiting = counter_read(&publisher_counters(c->publisher)->waiting) > 0;
        over = last && !did && (!waiting || given_up);
        if (did)
            idle = 0;
        else
            ring_pause(&idle);
    }
    publisher_heartbeat(c->publisher, clock_wall_ns());
    return NULL;
}

struct crier *crier_start(const struct crier_job *job)
{
    struct crier *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->job = *job;
    c->publisher = publisher_new(&job->publishing);
    hash_key_random(&c->key);
    table_init(&c->folded, FLOOD_INDICATORS_MAX);
    c->folds = calloc(FLOOD_INDICATORS_MAX, sizeof *c->folds);
    if (!c->folds)
        abort();
    flood_init(&c->flood, job->config->flood.rate, job->config->flood.burst, FLOOD_INDICATORS_MAX);
    progress_tell(&c->deadline, INT64_MAX);
    if (pthread_create(&c->thread, NULL, run, c) != 0)
        abort();
    return c;
}

void crier_tell_generation(struct crier *c, uint32_t generation)
{
    progress_tell(&c->generation, generation);
}

const struct crier_counters *crier_counters(const struct crier *c)
{
    return &c->counters;
}

const struct publisher_counters *crier_publisher(const struct crier *c)
{
    return publisher_counters(c->publisher);
}

void crier_join(struct crier *c, int64_t patience_ns)
{
    progress_tell(&c->deadline, clock_monotonic_ns() + patience_ns);
    pthread_join(c->thread, NULL);
}

void crier_free(struct crier *c)
{
    publisher_free(c->publisher);
    flood_clear(&c->flood);
    while (c->fold_count)
        hit_free(c->folds[--c->fold_count].hit);
    table_free(&c->folded);
    free(c->folds);
    free(c);
}
