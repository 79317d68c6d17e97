/*
 * Rounds: take, commit, beat.
 */
#include "run/crier.h"

#include "base/clock.h"
#include "base/log.h"
#include "run/flood.h"
#include "run/member.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The newest of an indicator's findings that were folded: told with their number once the flood is over. */
struct fold {
    uint64_t indicator;
    struct hit *hit;
};

/* The settings that a reload may change. */
struct crier_settings {
    uint64_t rate, burst; /* flood */
    int64_t keep_ns;      /* journal */
    uint64_t octets_max;
    struct correlate_rule correlation;
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
    struct ring *rings[LEDGER_LISTENERS]; /* of all who tell */
    struct progress generation;
    struct progress deadline; /* monotonic; when to give up at the end */
    int64_t generation_known;
    struct correlator *correlator;
    struct ring *told; /* struct crier_settings */
    struct crier_settings settings;
    int64_t unfolded_ns; /* what was folded until then was told */
    int64_t beat_ns;
    int64_t sync_ns;
    bool failing;
    bool untrimmed; /* the last attempt failed; said once for a row of failures */
    struct crier_counters counters;
};

/* The guard's own: whoever floods with an indicator does not fold what others see of it. */
static uint64_t flood_key(const struct crier *c, uint64_t indicator, const struct hit *hit)
{
    const uint64_t parts[] = {indicator, hit->finding.sensor};
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

/* Keeps the newest. There is room: what is kept is of an indicator that the flood guard knows. */
static void fold(struct crier *c, uint64_t indicator, struct hit *hit)
{
    uint32_t slot;
    struct fold *f = find_fold(c, indicator, &slot);
    counter_add(&c->counters.folded, 1);
    if (f) {
        hit_free(f->hit);
        f->hit = hit;
    } else {
        assert(c->fold_count < FLOOD_INDICATORS_MAX);
        c->folds[c->fold_count] = (struct fold){.indicator = indicator, .hit = hit};
        table_add(&c->folded, indicator, c->fold_count++);
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

/* The newest finding that was folded, for all of them. */
static void tell_kept(struct crier *c, uint64_t indicator, uint64_t folded)
{
    struct hit *hit = unfold(c, indicator);
    assert(hit);
    publisher_tell(c->publisher, hit, folded - 1);
}

/* True: it is told singly. */
static bool tell_or_fold(struct crier *c, struct hit *hit, uint64_t indicator, int64_t now_ns)
{
    indicator = flood_key(c, indicator, hit);
    uint64_t other, folded = 0;
    if (flood_forgets(&c->flood, indicator, &other, &folded))
        tell_kept(c, other, folded);
    if (!flood_lets(&c->flood, indicator, now_ns, &folded)) {
        fold(c, indicator, hit);
        return false;
    }
    if (folded)
        hit_free(unfold(c, indicator));
    publisher_tell(c->publisher, hit, folded);
    return true;
}

/* What a flood folds is a member too. A correlation is told behind the hit that made it one. */
static void take_one(struct crier *c, struct hit *hit, int64_t now_ns)
{
    const struct database *pinned = hit->database; /* what the member is borrowed from */
    char id[FINDING_ID_MAX], country[3];
    if (hit->finding.status != FINDING_OPENED) {
        tell_or_fold(c, hit, member_indicator(&c->key, &database_indicator(pinned, hit->finding.indicator)->key),
                     now_ns);
        return;
    }
    struct told told = publisher_told(c->publisher, hit);
    struct correlate_member member = member_of(&told, &c->key, id);
    member_count(&told, &member, c->job.census);
    snprintf(country, sizeof country, "%s", member.country);
    member.country = country;
    database_hold(pinned);
    if (!tell_or_fold(c, hit, member.indicator, now_ns))
        member.id = NULL;
    correlator_see(c->correlator, &member, now_ns);
    database_drop(pinned);
}

static void tell_correlation(void *to, struct correlation *correlation)
{
    struct crier *c = to;
    counter_add(&c->counters.correlations, correlation->status == FINDING_OPENED);
    publisher_tell_correlation(c->publisher, correlation);
}

static bool take_trends(struct crier *c)
{
    bool did = false;
    for (struct trend *t; c->job.trends && (t = ring_pop(c->job.trends)); did = true)
        publisher_tell_trend(c->publisher, t);
    return did;
}

/* Of floods that are over. */
static void tell_folded(struct crier *c, int64_t now_ns, int64_t wait_ns)
{
    uint64_t indicator, folded;
    while (flood_due(&c->flood, now_ns, wait_ns, &indicator, &folded))
        tell_kept(c, indicator, folded);
}

/* While the journal refuses, findings wait with the listeners once enough of them wait here. */
static bool take(struct crier *c, int64_t now_ns, bool given_up)
{
    bool did = take_trends(c);
    ledger_hear(c->job.ledger, c->rings, c->job.ring_count);
    if (!given_up && counter_read(&publisher_counters(c->publisher)->waiting) > PUBLISHER_WAITING_MAX / 2)
        return false;
    for (unsigned i = 0; i < c->job.ring_count; i++) {
        struct hit *hit;
        unsigned n = 0;
        for (; n < CRIER_ROUND && (hit = ring_pop(c->rings[i])); n++, did = true)
            take_one(c, hit, now_ns);
        ledger_pass(c->job.ledger, i, n);
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

/* Captures count as read once all that was found in them is in the journal; what was folded, once it was told. */
static void write_ledger(struct crier *c, int64_t now_ns)
{
    struct fail why = {.text = ""};
    int64_t settled_ns = c->fold_count ? c->unfolded_ns : now_ns;
    if (ledger_since(c->job.ledger, now_ns) > settled_ns ||
        counter_read(&publisher_counters(c->publisher)->waiting) > 0)
        return;
    if (!ledger_write(c->job.ledger, c->job.publishing.journal, now_ns, &why))
        log_warning("journal: %s", why.text);
}

static void hear_settings(struct crier *c)
{
    for (struct crier_settings *s; (s = ring_pop(c->told)); free(s)) {
        c->settings = *s;
        flood_renew(&c->flood, s->rate, s->burst);
        correlator_renew(c->correlator, &s->correlation);
    }
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
    int64_t before_ns = wall_ns - c->settings.keep_ns;
    bool good =
        journal_trim(c->job.publishing.journal, before_ns, c->settings.octets_max, CRIER_TRIM_ROWS, &gone, &why);
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
    for (unsigned i = 0; i < c->job.ring_count; i++)
        if (!ring_ended(c->rings[i]))
            return false;
    return !c->job.trends || ring_ended(c->job.trends);
}

static void keep_time(struct crier *c, int64_t wall_ns, int64_t now_ns)
{
    if (now_ns >= c->beat_ns) {
        c->beat_ns = now_ns + CRIER_BEAT_NS;
        tell_folded(c, now_ns, CRIER_FOLD_NS);
        c->unfolded_ns = now_ns - CRIER_FOLD_NS;
        correlator_pass(c->correlator, now_ns);
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
        hear_settings(c);
        if (c->job.census)
            census_pass(c->job.census, wall_ns);
        bool given_up = now_ns > progress_read(&c->deadline);
        bool did = take(c, now_ns, given_up);
        if (last && !did)
            tell_folded(c, now_ns, 0);
        write_generation(c); /* before what was found with it is told */
        commit(c, wall_ns, now_ns);
        write_ledger(c, now_ns);
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

static struct crier_settings settings_of(const struct config *c)
{
    return (struct crier_settings){
        .rate = c->flood.rate,
        .burst = c->flood.burst,
        .keep_ns = c->journal.keep_ns,
        .octets_max = c->journal.octets_max,
        .correlation = {.window_ns = c->correlation.window_ns, .countries = (unsigned)c->correlation.countries}};
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
    c->told = ring_new(16);
    c->settings = settings_of(job->config);
    c->correlator = correlator_new(&c->settings.correlation, tell_correlation, c);
    c->unfolded_ns = INT64_MIN;
    assert(job->ring_count <= LEDGER_LISTENERS);
    for (unsigned i = 0; i < job->ring_count; i++)
        c->rings[i] = job->rings[i];
    flood_init(&c->flood, c->settings.rate, c->settings.burst, FLOOD_INDICATORS_MAX);
    progress_tell(&c->deadline, INT64_MAX);
    if (pthread_create(&c->thread, NULL, run, c) != 0)
        abort();
    return c;
}

void crier_tell_generation(struct crier *c, uint32_t generation)
{
    progress_tell(&c->generation, generation);
}

void crier_tell_config(struct crier *c, const struct config *config)
{
    struct crier_settings *s = malloc(sizeof *s);
    if (!s)
        abort();
    *s = settings_of(config);
    if (!ring_push_wait(c->told, s)) /* room for more than are told between two rounds */
        free(s);
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
    correlator_free(c->correlator);
    flood_clear(&c->flood);
    while (c->fold_count)
        hit_free(c->folds[--c->fold_count].hit);
    for (struct crier_settings *s; (s = ring_pop(c->told)); free(s))
        ;
    ring_free(c->told);
    table_free(&c->folded);
    free(c->folds);
    free(c);
}
