/*
 * Any octets as a capture, all the way: records, layers, flows, streams, protocols. The sink touches all that it is
 * told, so that AddressSanitizer sees what lies outside; and every value must already be in its canonical form.
 *
 *     fuzz_capture CORPUS SEEDS     SEEDS: a folder of small captures
 */
#include <stdlib.h>

#include "wire/fragment.h"
#include "wire/shard.h"
#include "wire/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Shards, of few flows and little memory, so that their limits are met. */
enum { WAYS = 4, FRAGMENTS_HELD = 16384 };

#define SECOND INT64_C(1000000000)

static const struct shard_limits limits = {
    .flows = 8, .stream_octets = 8192, .timeouts = {10 * SECOND, 20 * SECOND, 40 * SECOND, 5 * SECOND}};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void touch(struct bytes b)
{
    volatile uint8_t seen;
    for (size_t i = 0; i < b.len; i++)
        (void)(seen = b.at[i]);
}

static void observable(void *to, struct flow_view *flow, const struct sighting *at, const struct observable *o)
{
    char again[OBSERVABLE_VALUE_MAX], text[OBSERVABLE_VALUE_MAX];
    (void)to, (void)flow;
    touch(o->raw);
    touch(at->frame);
    must(observable_write(o, text) <= sizeof text);
    if (observable_is_address(o->type))
        return;
    touch(o->value);
    must(o->value.len > 0 && o->value.len <= OBSERVABLE_VALUE_MAX);
    if (o->type == OBSERVABLE_DOMAIN_NAME)
        must(bytes_equal(bytes_of(again, name_canonical(o->value, again)), o->value));
    if (o->type == OBSERVABLE_URL)
        touch(url_host(o->value));
}

static void payload(void *to, struct flow_view *flow, const struct sighting *at, int side, struct bytes octets,
                    bool gap)
{
    (void)to, (void)flow, (void)at, (void)gap;
    must(side == 0 || side == 1);
    touch(octets);
}

static void payload_end(void *to, struct flow_view *flow, const struct sighting *at)
{
    (void)to, (void)flow, (void)at;
}

static void flow_end(void *to, struct flow_view *flow)
{
    char id[COMMUNITY_ID_MAX];
    (void)to;
    tuple_community_id(&flow->tuple, id);
}

/* Those of a frame, each to its shard; what was put together of fragments is borrowed until they are done. */
static void see(struct shard *const shards[WAYS], const struct packet *p, unsigned count, struct sighting at)
{
    for (unsigned i = 0; i < count; i++) {
        struct shard *shard = shards[shard_of(&p[i].tuple) % WAYS];
        at.part = (uint8_t)i;
        touch(p[i].payload);
        touch(p[i].src_raw);
        touch(p[i].dst_raw);
        must(!p[i].fragment || i + 1 == count);
        shard_packet(shard, &p[i], shard_prefetch(shard, &p[i]), &at);
    }
}

static void walk(const struct capture *c, struct fragments *fragments, struct shard *const shards[WAYS])
{
    static const struct capture_refill no_refill;
    static const uint32_t number = 0;
    struct timeline t;
    struct frame f;
    uint32_t input;
    int64_t last_tick = INT64_MIN;
    timeline_init(&t, &c, &number, &no_refill, 1);
    while (timeline_next(&t, &f, &input)) {
        struct packet p[DECODE_PACKETS_MAX];
        unsigned count;
        int64_t tick = t.clock_ns - t.clock_ns % SHARD_TICK_NS;
        if (tick > last_tick)
            fragments_tick(fragments, tick);
        for (int i = 0; i < WAYS && tick > last_tick; i++)
            shard_tick(shards[i], tick);
        last_tick = tick;
        touch(f.octets);
        if (fragments_decode(fragments, &f, t.clock_ns, p, &count) != DECODE_OK)
            continue;
        must(count <= DECODE_PACKETS_MAX && fragments_held(fragments) <= FRAGMENTS_HELD);
        see(shards, p, count,
            (struct sighting){
                .time_ns = f.time_ns, .clock_ns = t.clock_ns, .packet = f.number, .input = input, .frame = f.octets});
        fragments_release(fragments);
    }
    timeline_clear(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sink sink = {NULL, observable, payload, payload_end, flow_end, UINT32_MAX};
    static char room[DISSECT_PENDING_MAX];
    static struct capture c;
    struct fail why = {.text = ""};
    struct wire_counts counts = {0};
    struct shard *shards[WAYS];
    if (!capture_open(&c, bytes_of(data, size), &why))
        return 0;
    for (int i = 0; i < WAYS; i++)
        shards[i] = shard_new(&limits, &sink, &counts, room);
    struct fragments *fragments = fragments_new(FRAGMENTS_HELD, &counts);
    walk(&c, fragments, shards);
    fragments_free(fragments);
    for (int i = 0; i < WAYS; i++) {
        shard_end(shards[i]);
        must(shard_settled_ns(shards[i]) == INT64_MAX);
        shard_free(shards[i]);
    }
    return 0;
}
