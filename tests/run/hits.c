/*
 * Facts of what is found in running flows when another generation comes, seen through a shard: what is told, as the
 * herald gets it, one line a finding.
 */
#include "run/hits.h"

#include "../match/keys.h"
#include "../wire/make.h"
#include "wire/shard.h"

#define SECOND INT64_C(1000000000)

enum { GENERATIONS = 3, KEYS_MAX = 5 };

struct house {
    struct database *generation[GENERATIONS];
    unsigned now;
    struct hits_context context;
    struct hits hits;
    struct wire_counts counts;
    struct shard *shard;
    struct prefix home;
    char *room;
    uint64_t packet;
    struct buffer told;
    char first_id[FINDING_ID_MAX];
};

/* "ADDRESS[/LENGTH]" or "ADDRESS PORT"; NULL behind the last. */
static struct database *build(const char *const *keys, uint32_t generation)
{
    struct draft *d = draft_new();
    struct fail why = {0};
    for (; *keys; keys++)
        key_add(d, key_of(strchr(*keys, ' ') ? OBSERVABLE_IP_PORT : OBSERVABLE_IPV4_ADDR, *keys));
    struct database *db = database_build(d, generation, &why);
    cr_assert(db, "%s", why.text);
    draft_free(d);
    return db;
}

static void house_open(struct house *h, const char *const keys[GENERATIONS][KEYS_MAX], uint64_t held_max)
{
    *h = (struct house){.room = malloc(DISSECT_PENDING_MAX)};
    for (unsigned g = 0; g < GENERATIONS; g++)
        h->generation[g] = build(keys[g], g + 1);
    h->context = (struct hits_context){.database = h->generation[0],
                                       .asker = asker_new(),
                                       .told = ring_new(64),
                                       .live = true,
                                       .strict_validity = true};
    for (unsigned g = 0; g < GENERATIONS; g++)
        cr_assert(asker_fit(h->context.asker, h->generation[g]));
    hits_init(&h->hits, &h->context, 0, &h->home, held_max);
    static const struct shard_limits limits = {
        .flows = 10, .stream_octets = 1 << 20, .timeouts = {SECOND, SECOND, SECOND, SECOND}};
    h->shard = shard_new(&limits, &h->hits.sink, &h->counts, h->room);
}

static void house_close(struct house *h)
{
    shard_free(h->shard);
    asker_free(h->context.asker);
    ring_free(h->context.told);
    for (unsigned g = 0; g < GENERATIONS; g++)
        database_drop(h->generation[g]);
    buffer_free(&h->told);
    free(h->room);
}

/* "STATUS WHERE INDICATOR state count gGENERATION at SECOND", and whether its id is the first one's. */
static void hear(struct house *h)
{
    for (struct hit *hit; (hit = ring_pop(h->context.told)); hit_free(hit)) {
        const struct finding *f = &hit->finding;
        const struct indicator_key *key = &database_indicator(hit->database, f->indicator)->key;
        char value[OBSERVABLE_VALUE_MAX], id[FINDING_ID_MAX];
        size_t len = indicator_value_write(key, value);
        finding_id(f, "office", key, id);
        if (!*h->first_id)
            memcpy(h->first_id, id, sizeof id);
        buffer_format(&h->told, "%s %s %.*s %s %d g%d at %d%s\n", finding_status_name(f->status), where_name(f->where),
                      (int)len, value, flow_state_name(f->state), (int)f->count, (int)f->generation,
                      (int)(f->key.time_ns / SECOND), strcmp(id, h->first_id) == 0 ? "" : " another");
    }
}

/* '>' and '<': a datagram between 192.0.2.1:40000 and 203.0.113.80:80, a second after the one before; 'R': the next
 * generation; '.': the end. */
static void house_sees(struct house *h, const char *script)
{
    for (; *script; hear(h), script++) {
        struct packet p = packet_of(PROTO_UDP, "192.0.2.1", 40000, "203.0.113.80", 80);
        if (*script == '<')
            p = packet_back(&p);
        if (*script == 'R') {
            h->context.database = h->generation[++h->now];
            hits_renew(&h->hits);
            shard_renew(h->shard);
        } else if (*script == '.') {
            shard_end(h->shard);
        } else {
            struct sighting at = {.packet = ++h->packet};
            at.time_ns = at.clock_ns = (int64_t)at.packet * SECOND;
            shard_packet(h->shard, &p, shard_prefetch(h->shard, &p), &at);
        }
    }
    buffer_char(&h->told, '\0');
}

#define BAD   "203.0.113.80"
#define BLOCK "203.0.113.0/24"
#define PORT  "203.0.113.80 80"

static const struct {
    const char *name;
    const char *keys[GENERATIONS][KEYS_MAX];
    const char *script;
    const char *told;
} cases[] = {
    {"a new address, once", {{0}, {BAD}}, "><R><><.", "opened ip.dst 203.0.113.80 established 1 g2 at 3\n"},
    {"whoever speaks first", {{0}, {BAD}}, "><R<>.", "opened ip.dst 203.0.113.80 established 1 g2 at 3\n"},
    {"address and port of each side",
     {{0}, {BAD, PORT, "192.0.2.1", "192.0.2.1 40000"}},
     "><R><.",
     "opened ip.src 192.0.2.1 established 1 g2 at 3\n"
     "opened ip.src 192.0.2.1:40000 established 1 g2 at 3 another\n"
     "opened ip.dst 203.0.113.80 established 1 g2 at 3 another\n"
     "opened ip.dst 203.0.113.80:80 established 1 g2 at 3 another\n"},
    {"a flow that is silent is no news", {{0}, {BAD}}, "><R.", ""},
    {"its state goes on",
     {{0}, {BAD}},
     ">R><.",
     "opened ip.dst 203.0.113.80 one-sided 1 g2 at 2\nupdated ip.dst 203.0.113.80 established 1 g2 at 2\n"},
    {"what was found is not found again",
     {{BAD}, {BAD}, {BAD}},
     ">R>R>.",
     "opened ip.dst 203.0.113.80 one-sided 1 g1 at 1\n"},
    {"and stays what it was",
     {{BAD}, {BAD, BLOCK}, {BLOCK, BAD}},
     ">R<R>.",
     "opened ip.dst 203.0.113.80 one-sided 1 g1 at 1\n"
     "opened ip.dst 203.0.113.0/24 one-sided 1 g2 at 2 another\n"
     "updated ip.dst 203.0.113.0/24 established 1 g3 at 2 another\n"
     "updated ip.dst 203.0.113.80 established 1 g3 at 1\n"},
    {"two generations between two packets",
     {{0}, {0}, {BAD}},
     ">RR>>.",
     "opened ip.dst 203.0.113.80 one-sided 1 g3 at 2\n"},
    {"what was taken back and comes again is new",
     {{BAD}, {0}, {BAD}},
     ">R>R>.",
     "opened ip.dst 203.0.113.80 one-sided 1 g1 at 1\nopened ip.dst 203.0.113.80 one-sided 1 g3 at 3 another\n"},
};

Test(hits, asks_a_new_generation_of_the_addresses_of_open_flows)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct house h;
        house_open(&h, cases[i].keys, 100);
        house_sees(&h, cases[i].script);
        cr_expect_str_eq(h.told.at, cases[i].told, "%s: %s", cases[i].name, h.told.at);
        cr_expect(h.hits.held == 0 && !h.hits.watched_first, "%s", cases[i].name);
        cr_expect_eq(h.context.counts.repeats, 0, "%s", cases[i].name);
        cr_expect_eq(h.context.counts.observables, 4, "%s: asked again is not seen again", cases[i].name);
        house_close(&h);
    }
}

/* What is not held cannot be known again. */
Test(hits, tells_what_it_cannot_hold_once_a_generation)
{
    static const char *const keys[GENERATIONS][KEYS_MAX] = {{BAD}, {BAD}, {BAD}};
    struct house h;
    house_open(&h, keys, 0);
    house_sees(&h, ">>R>>R.");
    cr_expect_str_eq(h.told.at, "opened ip.dst 203.0.113.80 one-sided 1 g1 at 1\n"
                                "opened ip.dst 203.0.113.80 one-sided 1 g2 at 3 another\n");
    cr_expect_eq(h.context.counts.at_once, 2);
    house_close(&h);
}
