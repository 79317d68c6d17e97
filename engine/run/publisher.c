/*
 * Remember first, tell then.
 */
#include "run/publisher.h"

#include "base/json.h"

#include <stdlib.h>

/* A publication that is remembered and not told yet. */
struct outgoing {
    size_t topic_at; /* in `text` */
    size_t topic_len;
    size_t json_len; /* behind the topic */
};

struct publisher {
    struct publisher_job job;
    struct hit *waiting[PUBLISHER_WAITING_MAX];
    uint64_t folded[PUBLISHER_WAITING_MAX];
    unsigned count;
    struct outgoing *outgoing;
    size_t outgoing_count;
    size_t outgoing_cap;
    struct buffer text; /* topics and JSON of `outgoing` */
    struct buffer topic;
    struct buffer json;
    int64_t retry_ns; /* not before; 0: the journal is well */
    struct publisher_counters counters;
};

struct publisher *publisher_new(const struct publisher_job *job)
{
    struct publisher *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->job = *job;
    return p;
}

static void show(struct counter *c, uint64_t now)
{
    counter_add(c, now - counter_read(c));
}

void publisher_tell(struct publisher *p, struct hit *hit, uint64_t folded)
{
    if (p->count == PUBLISHER_WAITING_MAX) {
        counter_add(&p->counters.dropped, 1);
        hit_free(hit);
        return;
    }
    p->folded[p->count] = folded;
    p->waiting[p->count++] = hit;
}

static void send_later(struct publisher *p)
{
    if (p->outgoing_count == p->outgoing_cap) {
        p->outgoing_cap = p->outgoing_cap ? 2 * p->outgoing_cap : 256;
        p->outgoing = realloc(p->outgoing, p->outgoing_cap * sizeof *p->outgoing);
        if (!p->outgoing)
            abort();
    }
    p->outgoing[p->outgoing_count++] =
        (struct outgoing){.topic_at = p->text.len, .topic_len = p->topic.len, .json_len = p->json.len};
    buffer_add(&p->text, p->topic.at, p->topic.len);
    buffer_add(&p->text, p->json.at, p->json.len);
}

static struct told told_of(const struct publisher *p, const struct hit *hit, uint64_t folded)
{
    const struct listening *from = &p->job.sensors[hit->finding.sensor];
    struct told t = {.finding = &hit->finding,
                     .indicator = database_indicator(hit->database, hit->finding.indicator),
                     .sensor = &from->sensor,
                     .file = from->reader ? reader_name(from->reader, hit->finding.key.input) : from->source,
                     .publisher = p->job.name,
                     .folded = folded};
    t.sources = database_sources(hit->database, hit->finding.indicator, &t.source_count);
    return t;
}

/* The topic of a tier's rendition, with a NUL behind it as the journal's texts have. */
static void take_topic(struct publisher *p, const struct told *t, enum tlp tier)
{
    buffer_clear(&p->topic);
    encode_topic(t, tier, &p->topic);
    buffer_char(&p->topic, '\0');
    p->topic.len--;
}

/* One tier's rendition: its number, its row. Told of a tier only what holds something of it. */
static bool render(struct publisher *p, struct told *t, enum tlp tier, int64_t row, struct fail *why)
{
    struct rendition r = rendition_of(t, tier);
    if (!r.told || r.tlp != tier)
        return true;
    take_topic(p, t, tier);
    buffer_clear(&p->json);
    t->seq = journal_next_seq(p->job.journal, p->topic.at);
    encode_json(t, tier, &p->json);
    if (!journal_publish(p->job.journal, row, p->topic.at, t->seq, buffer_bytes(&p->json), why))
        return false;
    send_later(p);
    return true;
}

static bool remember(struct publisher *p, const struct hit *hit, uint64_t folded, int64_t wall_ns, struct fail *why)
{
    char indicator[OBSERVABLE_VALUE_MAX], value[OBSERVABLE_VALUE_MAX], id[FINDING_ID_MAX];
    struct told t = told_of(p, hit, folded);
    struct observable o = finding_observable(&hit->finding);
    struct rendition all = rendition_of(&t, TLP_RED);
    finding_id(&hit->finding, t.sensor->name, &t.indicator->key, id);
    take_topic(p, &t, all.tlp); /* what the owner reads is what the strictest tier that is told reads */
    t.seq = journal_next_seq(p->job.journal, p->topic.at);
    buffer_clear(&p->json);
    encode_json(&t, TLP_RED, &p->json);
    struct journal_finding f = {.id = id,
                                .kind = "hit",
                                .status = finding_status_name(hit->finding.status),
                                .time_ns = wall_ns,
                                .seen_ns = hit->finding.key.time_ns,
                                .country = t.sensor->country,
                                .type = category_type(all.category),
                                .indicator = bytes_of(indicator, indicator_value_write(&t.indicator->key, indicator)),
                                .observable = bytes_of(value, observable_write(&o, value)),
                                .json = buffer_bytes(&p->json)};
    int64_t row = journal_add(p->job.journal, &f, why);
    for (int tier = TLP_CLEAR; row && tier <= TLP_RED; tier++)
        if (!render(p, &t, (enum tlp)tier, row, why))
            return false;
    return row != 0;
}

static void tell_all(struct publisher *p)
{
    for (size_t i = 0; i < p->outgoing_count; i++) {
        const struct outgoing *o = &p->outgoing[i];
        const char *topic = p->text.at + o->topic_at;
        if (p->job.socket)
            zmtp_send(p->job.socket, bytes_of(topic, o->topic_len), bytes_of(topic + o->topic_len, o->json_len));
    }
    counter_add(&p->counters.publications, p->outgoing_count);
}

static void forget_outgoing(struct publisher *p)
{
    p->outgoing_count = 0;
    buffer_clear(&p->text);
}

static bool write_all(struct publisher *p, int64_t wall_ns, struct fail *why)
{
    if (!journal_begin(p->job.journal, why))
        return false;
    for (unsigned i = 0; i < p->count; i++)
        if (!remember(p, p->waiting[i], p->folded[i], wall_ns, why)) {
            journal_rollback(p->job.journal);
            return false;
        }
    return journal_commit(p->job.journal, why);
}

bool publisher_commit(struct publisher *p, int64_t wall_ns, int64_t monotonic_ns, struct fail *why)
{
    show(&p->counters.waiting, p->count);
    if (!p->count || monotonic_ns < p->retry_ns)
        return true;
    bool written = write_all(p, wall_ns, why);
    bool known = p->retry_ns != 0;
    if (written) {
        tell_all(p);
        counter_add(&p->counters.findings, p->count);
        for (unsigned i = 0; i < p->count; i++)
            hit_free(p->waiting[i]);
        p->count = 0;
        p->retry_ns = 0;
    } else {
        counter_add(&p->counters.failures, 1);
        p->retry_ns = monotonic_ns + PUBLISHER_RETRY_NS;
    }
    forget_outgoing(p);
    show(&p->counters.waiting, p->count);
    return written || known;
}

/* A topic's tier is its second part. */
struct beat {
    struct publisher *p;
    const char *tier;
    struct json json;
};

static void add_topic(void *to, const char *topic, uint64_t seq)
{
    struct beat *b = to;
    const char *tier = strchr(topic, '.');
    size_t len = strlen(b->tier);
    if (!tier || strncmp(tier + 1, b->tier, len) != 0 || tier[1 + len] != '.')
        return;
    json_key(&b->json, topic);
    json_number(&b->json, (int64_t)seq);
}

void publisher_heartbeat(struct publisher *p, int64_t wall_ns)
{
    static const char *const tiers[] = {"clear", "green", "amber", "amber-strict", "red"};
    for (unsigned i = 0; p->job.socket && i < sizeof tiers / sizeof *tiers; i++) {
        buffer_clear(&p->json);
        buffer_clear(&p->topic);
        buffer_format(&p->topic, "status.%s.ZZ.heartbeat", tiers[i]);
        struct beat b = {.p = p, .tier = tiers[i], .json = json_to(&p->json)};
        json_object(&b.json);
        json_key(&b.json, "v"), json_number(&b.json, 1);
        json_key(&b.json, "kind"), json_string(&b.json, "status");
        json_key(&b.json, "status"), json_string(&b.json, "updated");
        json_key(&b.json, "type"), json_string(&b.json, "heartbeat");
        json_key(&b.json, "timestamp"), json_time(&b.json, wall_ns);
        json_key(&b.json, "publisher"), json_string(&b.json, p->job.name);
        json_key(&b.json, "topics"), json_object(&b.json);
        journal_topics(p->job.journal, add_topic, &b);
        json_end(&b.json);
        json_end(&b.json);
        zmtp_send(p->job.socket, buffer_bytes(&p->topic), buffer_bytes(&p->json));
    }
}

const struct publisher_counters *publisher_counters(const struct publisher *p)
{
    return &p->counters;
}

void publisher_free(struct publisher *p)
{
    for (unsigned i = 0; i < p->count; i++)
        hit_free(p->waiting[i]);
    buffer_free(&p->text);
    buffer_free(&p->topic);
    buffer_free(&p->json);
    free(p->outgoing);
    free(p);
}
