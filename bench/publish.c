/*
 * publish: how many findings a second are told, from the ring of those who find to a subscriber who has checked every
 * `seq`?
 *
 * FINDINGS hits of INDICATORS names, each in a flow of its own, 64 octets of evidence each. The tap is TLP:AMBER as it
 * is by default and the list TLP:GREEN, so that each finding is told twice: without the flow to green, whole to amber.
 * With `/one` behind the word the tap is green too, and each is told once.
 *
 * `publish floor [RUNS]`: bare libzmq, two threads and an ipc socket: the frames of a round's findings again and again.
 * `publish encode`: ids, renditions, topics and JSON alone. `publish journal`: the same rows written, committed and
 * flushed as often, nothing encoded in the time that counts. `publish vigia`: the crier, with all of it: flood guard,
 * correlation, rounds, journal, ZeroMQ; the guard's rate is so high that nothing is folded.
 *
 * The journal lies in build/bench, on the disk that is there.
 */
#include "measure.h"
#include "run/crier.h"

#include <pthread.h>
#include <unistd.h>
#include <zmq.h>

enum {
    FINDINGS = 100000,
    INDICATORS = 20000,
    STRIDE = 7919, /* from one finding's indicator to the next one's */
    TELLINGS_MAX = 2,
    ROUNDS = FINDINGS / CRIER_ROUND, /* whole ones */
    TOPICS_MAX = 16,
    PATIENCE_MS = 10000, /* with a subscriber that gets nothing */
};

#define JOURNAL  "build/bench/publish.journal"
#define ENDPOINT "ipc://build/bench/publish.ipc"

static const char *const types[] = {"c2-server", "phishing", "malware-distribution", "infected-system"};
static const struct database *database;
static struct regions *regions;
static struct listening tap = {.sensor = {.name = "border", .country = "CL"}, .source = "eth0"};
static struct config config;
static unsigned tellings; /* of each finding */

/* ---- what is told ---- */

static struct database *build(struct fail *why)
{
    struct draft *d = draft_new();
    bool good = true;
    for (unsigned i = 0; i < INDICATORS && good; i++) {
        char name[64], id[24];
        int len = snprintf(name, sizeof name, "host-%u.badly-behaved-%u.example", i, i % 997);
        int id_len = snprintf(id, sizeof id, "%u", 4000000 + i);
        struct indicator_source source = {.feed = bytes_text("partners"),
                                          .id = bytes_of(id, (size_t)id_len),
                                          .tags = bytes_text("botnet;loader"),
                                          .description = bytes_text("seen in an incident of a partner"),
                                          .valid_from_ns = INDICATOR_ALWAYS,
                                          .valid_until_ns = INDICATOR_EVER,
                                          .confidence = 80,
                                          .tlp = TLP_GREEN};
        category_read(bytes_text(types[i % (sizeof types / sizeof *types)]), &source.category);
        struct indicator_key key = {
            .type = OBSERVABLE_DOMAIN_NAME, .where = WHERE_ANY, .value = bytes_of(name, (size_t)len)};
        good = draft_add(d, &key, &source, why);
    }
    struct database *built = good ? database_build(d, 1, why) : NULL;
    draft_free(d);
    return built;
}

static struct hit *find(uint32_t n)
{
    uint32_t indicator = n * STRIDE % INDICATORS;
    struct bytes name = database_indicator(database, indicator)->key.value;
    size_t excerpt = name.len < FINDING_EXCERPT_MAX ? name.len : FINDING_EXCERPT_MAX;
    struct hit *hit = malloc(offsetof(struct hit, finding) + offsetof(struct finding, text) + name.len + excerpt);
    if (!hit)
        abort();
    hit->next = NULL;
    hit->database = database;
    hit->told = false;
    database_hold(database);
    struct finding *f = &hit->finding;
    memset(f, 0, offsetof(struct finding, text));
    f->key = (struct finding_key){.time_ns = INT64_C(1795305600000000000) + n * INT64_C(123457), .packet = n + 1};
    f->generation = 1;
    f->indicator = indicator;
    f->type = OBSERVABLE_DOMAIN_NAME;
    f->where = WHERE_DNS_QUERY;
    f->tuple = (struct tuple){.src = address_v4((uint8_t[]){10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}),
                              .dst = address_v4((uint8_t[]){192, 0, 2, 53}),
                              .src_port = (uint16_t)(1024 + n % 60000),
                              .dst_port = 53,
                              .proto = PROTO_UDP};
    f->state = FLOW_ESTABLISHED;
    f->direction = DIRECTION_OUTBOUND;
    f->last_ns = f->key.time_ns;
    f->count = 1;
    f->offset = 54;
    f->value_len = (uint16_t)name.len;
    f->excerpt_len = (uint16_t)excerpt;
    memcpy(f->text, name.at, name.len);
    memcpy(f->text + name.len, name.at, excerpt);
    return hit;
}

/* ---- encoding ---- */

struct piece {
    size_t at, len;
};

struct row {
    struct bytes name; /* the indicator's */
    category_id category;
    int64_t seen_ns;
    char id[FINDING_ID_MAX];
    struct piece owners; /* JSON as its owner reads it */
    unsigned count;
    struct piece topic[TELLINGS_MAX], json[TELLINGS_MAX];
};

static struct row rows[CRIER_ROUND];
static struct buffer text; /* of the rows */

static struct bytes bytes_at(struct piece p)
{
    return bytes_of(text.at + p.at, p.len);
}

static struct piece since(size_t at)
{
    return (struct piece){at, text.len - at};
}

/* What the strictest tier reads is the owner's. */
static void encode_tier(const struct told *t, enum tlp tier, bool whole, struct row *row)
{
    struct rendition r = rendition_of(t, tier);
    if (!r.told || r.tlp != tier)
        return;
    size_t at = text.len;
    encode_topic(t, tier, &text);
    row->topic[row->count] = since(at);
    buffer_char(&text, '\0');
    at = text.len;
    if (!whole)
        encode_json(t, tier, &text);
    row->json[row->count++] = whole ? row->owners : since(at);
}

static void encode(const struct hit *hit, uint64_t seq, struct row *row)
{
    const struct finding *f = &hit->finding;
    struct told t = {.finding = f,
                     .indicator = database_indicator(database, f->indicator),
                     .sensor = &tap.sensor,
                     .file = tap.source,
                     .publisher = config.publisher,
                     .regions = regions,
                     .seq = seq};
    t.sources = database_sources(database, f->indicator, &t.source_count);
    *row = (struct row){.name = t.indicator->key.value, .category = t.sources->category, .seen_ns = f->key.time_ns};
    const enum tlp strictest = rendition_of(&t, TLP_RED).tlp;
    encode_id(&t, row->id);
    t.id = row->id;
    size_t at = text.len;
    encode_json(&t, TLP_RED, &text);
    row->owners = since(at);
    for (int tier = TLP_CLEAR; tier <= TLP_RED; tier++)
        encode_tier(&t, (enum tlp)tier, tier == (int)strictest, row);
}

/* One round's findings into `rows`. */
static void encode_round(unsigned round)
{
    buffer_clear(&text);
    for (unsigned i = 0; i < CRIER_ROUND; i++) {
        struct hit *hit = find(round * CRIER_ROUND + i);
        encode(hit, round * CRIER_ROUND + i + 1, &rows[i]);
        hit_free(hit);
    }
}

static bool run_encode(struct measured *out, struct fail *why)
{
    for (unsigned round = 0; round < ROUNDS; round++)
        encode_round(round);
    out->things = ROUNDS * CRIER_ROUND;
    return rows[0].count == tellings || fail_set(why, "each finding is told %u times", rows[0].count);
}

/* ---- the journal ---- */

static void remove_journal(void)
{
    unlink(JOURNAL);
    unlink(JOURNAL "-wal");
    unlink(JOURNAL "-shm");
}

static struct journal *open_journal(struct fail *why)
{
    remove_journal();
    return journal_open(JOURNAL, why);
}

static bool write_row(struct journal *j, const struct row *row, struct fail *why)
{
    struct journal_finding f = {.id = row->id,
                                .kind = "hit",
                                .status = "opened",
                                .time_ns = row->seen_ns,
                                .seen_ns = row->seen_ns,
                                .country = tap.sensor.country,
                                .type = category_type(row->category),
                                .indicator = row->name,
                                .observable = row->name,
                                .json = bytes_at(row->owners)};
    int64_t at = journal_add(j, &f, why);
    bool good = at != 0;
    for (unsigned i = 0; good && i < row->count; i++) {
        const char *topic = text.at + row->topic[i].at;
        bool whole = row->json[i].at == row->owners.at;
        struct bytes json = whole ? bytes_of("", 0) : bytes_at(row->json[i]);
        good = journal_publish(j, at, topic, journal_next_seq(j, topic), json, why);
    }
    return good;
}

static bool write_round(struct journal *j, struct fail *why)
{
    bool good = journal_begin(j, why);
    for (unsigned i = 0; good && i < CRIER_ROUND; i++)
        good = write_row(j, &rows[i], why);
    return good && journal_commit(j, why);
}

static bool run_journal(struct measured *out, struct fail *why)
{
    struct journal *j = open_journal(why);
    bool good = j != NULL;
    int64_t synced_ns = clock_monotonic_ns(), took_ns = 0;
    for (unsigned round = 0; good && round < ROUNDS; round++) {
        encode_round(round);
        int64_t begin_ns = clock_monotonic_ns();
        good = write_round(j, why);
        if (good && begin_ns - synced_ns > JOURNAL_SYNC_MS * INT64_C(1000000)) {
            good = journal_sync(j, why);
            synced_ns = begin_ns;
        }
        took_ns += clock_monotonic_ns() - begin_ns;
    }
    out->things = ROUNDS * CRIER_ROUND;
    out->seconds = (double)took_ns / 1e9;
    if (j)
        journal_close(j);
    return good;
}

/* ---- bare libzmq ---- */

static uint64_t received;

static void *count_messages(void *context)
{
    void *socket = zmq_socket(context, ZMQ_SUB);
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &(int){PATIENCE_MS}, sizeof(int));
    zmq_setsockopt(socket, ZMQ_RCVHWM, &(int){ZMTP_QUEUE}, sizeof(int));
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    bool open = zmq_connect(socket, ENDPOINT) == 0;
    for (received = 0; open && received < (uint64_t)ROUNDS * CRIER_ROUND * tellings;) {
        open = zmq_msg_recv(&frame, socket, 0) >= 0;
        received += open && !zmq_msg_more(&frame);
    }
    zmq_msg_close(&frame);
    zmq_close(socket);
    return NULL;
}

static bool send_rows(void *socket, uint64_t *octets)
{
    bool good = true;
    for (unsigned i = 0; i < CRIER_ROUND; i++)
        for (unsigned k = 0; good && k < rows[i].count; k++) {
            struct bytes topic = bytes_at(rows[i].topic[k]), json = bytes_at(rows[i].json[k]);
            good =
                zmq_send(socket, topic.at, topic.len, ZMQ_SNDMORE) >= 0 && zmq_send(socket, json.at, json.len, 0) >= 0;
            *octets += topic.len + json.len;
        }
    return good;
}

/* The sender waits for a reader that is slower, so that nothing is dropped. */
static bool run_floor(struct measured *out, struct fail *why)
{
    void *here = zmq_ctx_new(), *there = zmq_ctx_new(), *socket = zmq_socket(here, ZMQ_XPUB);
    char subscription[8];
    pthread_t reader;
    encode_round(0);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &(int){ZMTP_QUEUE}, sizeof(int));
    zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &(int){1}, sizeof(int));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &(int){PATIENCE_MS}, sizeof(int));
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &(int){PATIENCE_MS}, sizeof(int));
    bool good = zmq_bind(socket, ENDPOINT) == 0;
    pthread_create(&reader, NULL, count_messages, there);
    good = good && zmq_recv(socket, subscription, sizeof subscription, 0) >= 0;
    int64_t begin_ns = clock_monotonic_ns();
    for (unsigned round = 0; good && round < ROUNDS; round++)
        good = send_rows(socket, &out->octets);
    pthread_join(reader, NULL);
    out->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    out->things = received / tellings;
    zmq_close(socket);
    zmq_ctx_term(here);
    zmq_ctx_term(there);
    return (good && received == (uint64_t)ROUNDS * CRIER_ROUND * tellings) || fail_set(why, "messages were lost");
}

/* ---- all of it ---- */

/* The last seq of each topic that came; whether one was missing or came twice. */
struct heard {
    struct zmtp_socket *socket;
    uint64_t messages, octets;
    unsigned topics;
    char topic[TOPICS_MAX][JOURNAL_TOPIC_MAX];
    uint64_t seq[TOPICS_MAX];
    bool gap;
};

static uint64_t seq_of(struct bytes json)
{
    static const char key[] = "\"seq\":";
    const char *at = memmem(json.at, json.len, key, sizeof key - 1);
    return at ? strtoull(at + sizeof key - 1, NULL, 10) : 0;
}

static void hear(struct heard *h, struct bytes topic, struct bytes json)
{
    unsigned i = 0;
    while (i < h->topics && !bytes_equal(topic, bytes_text(h->topic[i])))
        i++;
    if (i == h->topics) {
        if (i == TOPICS_MAX || topic.len >= JOURNAL_TOPIC_MAX)
            abort();
        memcpy(h->topic[h->topics++], topic.at, topic.len);
    }
    h->gap |= seq_of(json) != ++h->seq[i];
    h->messages++;
    h->octets += topic.len + json.len;
}

static void *subscribe(void *to)
{
    struct heard *h = to;
    struct bytes peer, topic, json;
    bool some = true;
    while (some && h->messages < (uint64_t)ROUNDS * CRIER_ROUND * tellings) {
        some = zmtp_wait(&h->socket, 1, PATIENCE_MS);
        while (some && zmtp_receive(h->socket, &peer, &topic, &json))
            hear(h, topic, json);
    }
    return NULL;
}

static bool wait_for_subscriber(struct zmtp_socket *publisher)
{
    struct bytes peer, prefix, body;
    return zmtp_wait(&publisher, 1, PATIENCE_MS) && zmtp_receive(publisher, &peer, &prefix, &body);
}

/* As a listener finds them: each is allocated and pushed; the ring's reader is the crier. */
static void push_all(struct ring *ring)
{
    for (uint32_t n = 0; n < ROUNDS * CRIER_ROUND; n++)
        if (!ring_push_wait(ring, find(n)))
            abort();
    ring_close(ring);
}

static void tell_all(struct journal *j, struct zmtp_socket *socket, struct heard *heard, struct measured *out)
{
    struct ring *ring = ring_new(LISTENER_RING);
    struct ledger *ledger = ledger_new(NULL, 0);
    struct crier_job job = {
        .rings = &ring,
        .ring_count = 1,
        .config = &config,
        .ledger = ledger,
        .publishing = {.sensors = &tap, .name = config.publisher, .regions = regions, .journal = j, .socket = socket}};
    pthread_t reader;
    pthread_create(&reader, NULL, subscribe, heard);
    int64_t begin_ns = clock_monotonic_ns();
    struct crier *crier = crier_start(&job);
    push_all(ring);
    pthread_join(reader, NULL);
    out->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    out->things = counter_read(&crier_publisher(crier)->findings);
    crier_join(crier, PATIENCE_MS * INT64_C(1000000));
    crier_free(crier);
    ledger_free(ledger);
    ring_free(ring);
}

static bool run_vigia(struct measured *out, struct fail *why)
{
    struct journal *j = open_journal(why);
    struct zmtp *here = zmtp_new(), *there = zmtp_new();
    struct zmtp_socket *socket = j ? zmtp_publisher(here, ENDPOINT, NULL, why) : NULL;
    struct heard heard = {.socket = socket ? zmtp_subscriber(there, ENDPOINT, NULL, NULL, why) : NULL};
    if (!heard.socket)
        return false;
    zmtp_subscribe(heard.socket, "hit.");
    bool good = wait_for_subscriber(socket);
    if (good)
        tell_all(j, socket, &heard, out);
    zmtp_close(heard.socket);
    zmtp_close(socket);
    zmtp_free(here);
    zmtp_free(there);
    journal_close(j);
    out->octets = heard.octets;
    return (good && !heard.gap && heard.messages == (uint64_t)ROUNDS * CRIER_ROUND * tellings) ||
           fail_set(why, "publications were lost: %" PRIu64 " came", heard.messages);
}

static bool ask(const char *whom, struct measured *out, struct fail *why)
{
    static const struct {
        const char *name;
        bool (*run)(struct measured *out, struct fail *why);
    } contestants[] = {{"floor", run_floor}, {"encode", run_encode}, {"journal", run_journal}, {"vigia", run_vigia}};
    struct bytes name = bytes_until(bytes_text(whom), strcspn(whom, "/"));
    bool one = strcmp(whom + name.len, "/one") == 0;
    tap.sensor.tlp = one ? TLP_GREEN : TLP_AMBER;
    tellings = one ? 1 : 2;
    for (unsigned i = 0; i < sizeof contestants / sizeof *contestants; i++)
        if (bytes_equal(name, bytes_text(contestants[i].name)) && (one || !whom[name.len]))
            return contestants[i].run(out, why);
    return fail_set(why, "expected floor, encode, journal or vigia, and perhaps /one behind it");
}

static void ignore(void *to, const char *mistake)
{
    (void)to, (void)mistake;
}

int main(int argc, char **argv)
{
    struct fail why = {.text = ""};
    config_defaults(&config);
    config.flood.rate = config.flood.burst = 1000000;
    regions = regions_read(regions_built_in(), "regions", ignore, NULL);
    database = build(&why);
    if (!database || !regions) {
        fprintf(stderr, "publish: %s\n", why.text);
        return 1;
    }
    int status = measure("publish", "findings", ask, argc, argv);
    remove_journal();
    database_drop(database);
    regions_free(regions);
    buffer_free(&text);
    return status;
}
