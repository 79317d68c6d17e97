/*
 * A packet's journey, seen from the thread.
 */
#include "run/lane.h"

#include <stdlib.h>

struct task {
    struct sighting at;
    struct shard *shard;
    uint64_t hash;
};

struct lane {
    struct shard *shards[SHARDS]; /* NULL: another worker's */
    struct hits hits[SHARDS];
    struct wire_counts counts;
    struct wire_counts others; /* what another worker counts */
    struct fragments *fragments;
    int unknown_link;    /* the first; -1 none */
    bool counts_refused; /* what is no packet is counted by one worker */
    int64_t tick_ns;
    unsigned batched;
    struct packet packets[LANE_BATCH + DECODE_PACKETS_MAX];
    struct task batch[LANE_BATCH + DECODE_PACKETS_MAX]; /* of each packet; a frame may hold several */
    char room[DISSECT_PENDING_MAX];
};

/* What the configuration grants over all workers is parted among all shards. */
static struct shard_limits limits_of(const struct config *c, unsigned shards)
{
    return (struct shard_limits){.flows = c->limits.flows < shards ? 1 : (uint32_t)(c->limits.flows / shards),
                                 .stream_octets = c->limits.streams_bytes / shards,
                                 .timeouts = {.attempted_ns = c->timeouts.attempted_ns,
                                              .datagram_ns = c->timeouts.udp_ns,
                                              .established_ns = c->timeouts.established_ns,
                                              .closed_ns = c->timeouts.closed_ns}};
}

struct lane *lane_new(const struct lane_settings *settings)
{
    struct lane *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    unsigned shards = SHARDS * (settings->all ? settings->workers : 1);
    struct shard_limits limits = limits_of(settings->config, shards);
    l->tick_ns = INT64_MIN;
    l->unknown_link = -1;
    l->counts_refused = settings->all || settings->worker == 0;
    l->fragments = fragments_new(settings->config->limits.fragments, l->counts_refused ? &l->counts : &l->others);
    for (unsigned s = 0; s < SHARDS; s++) {
        if (!settings->all && s % settings->workers != settings->worker)
            continue;
        hits_init(&l->hits[s], settings->hits, settings->sensor, settings->home,
                  settings->config->limits.hits / shards);
        l->shards[s] = shard_new(&limits, &l->hits[s].sink, &l->counts, l->room);
    }
    return l;
}

static void count_refused(struct lane *l, enum decode_verdict v, const struct frame *f)
{
    if (!l->counts_refused)
        return;
    switch (v) {
    case DECODE_LINK_UNKNOWN:
        l->counts.link_unknown++;
        l->unknown_link = l->unknown_link < 0 ? f->link : l->unknown_link;
        break;
    case DECODE_NOT_IP: l->counts.not_ip++; break;
    case DECODE_CUT: l->counts.cut++; break;
    default: l->counts.malformed++; break;
    }
}

static void count_frame(struct lane *l, const struct frame *f)
{
    l->counts.packets++;
    l->counts.octets += f->octets.len;
    l->counts.octets_cut += f->wire_len - f->octets.len;
}

/* The packet that stands behind the batch joins it. */
static void enlist(struct lane *l, struct shard *shard, const struct frame *f, uint32_t input, int64_t clock_ns,
                   unsigned part)
{
    struct task *t = &l->batch[l->batched++];
    t->shard = shard;
    t->at = (struct sighting){.time_ns = f->time_ns,
                              .clock_ns = clock_ns,
                              .packet = f->number,
                              .input = input,
                              .part = (uint8_t)part,
                              .frame = f->octets};
}

/* The packets within the first one, which stand behind it. */
static void take_inner(struct lane *l, const struct packet *p, unsigned count, const struct frame *f, uint32_t input,
                       int64_t clock_ns)
{
    for (unsigned i = 1; i < count; i++) {
        struct shard *shard = l->shards[shard_of(&p[i].tuple)];
        struct packet *to = &l->packets[l->batched];
        if (!shard)
            continue;
        if (to != &p[i])
            *to = p[i];
        enlist(l, shard, f, input, clock_ns, i);
    }
}

/* Each pair of addresses in a frame has its own shard; the frame is counted with the outermost. What was put together
 * of fragments does not stay: it is worked off at once. */
void lane_take(struct lane *l, const struct frame *f, uint32_t input, int64_t clock_ns)
{
    struct packet *p = &l->packets[l->batched];
    unsigned count;
    enum decode_verdict v = fragments_decode(l->fragments, f, clock_ns, p, &count);
    if (v != DECODE_OK) {
        count_refused(l, v, f);
        return;
    }
    struct shard *shard = l->shards[shard_of(&p->tuple)];
    bool joined = count && p[count - 1].joined;
    if (shard)
        count_frame(l, f);
    if (shard && count)
        enlist(l, shard, f, input, clock_ns, 0);
    if (count > 1)
        take_inner(l, p, count, f, input, clock_ns);
    if (joined || l->batched >= LANE_BATCH)
        lane_flush(l);
    if (joined)
        fragments_release(l->fragments);
}

void lane_flush(struct lane *l)
{
    for (unsigned i = 0; i < l->batched; i++)
        l->batch[i].hash = shard_prefetch(l->batch[i].shard, &l->packets[i]);
    for (unsigned i = 0; i < l->batched; i++)
        shard_packet(l->batch[i].shard, &l->packets[i], l->batch[i].hash, &l->batch[i].at);
    l->batched = 0;
}

void lane_pass_time(struct lane *l, int64_t clock_ns)
{
    int64_t tick_ns = clock_ns - clock_ns % SHARD_TICK_NS;
    if (tick_ns <= l->tick_ns)
        return;
    lane_flush(l);
    fragments_tick(l->fragments, tick_ns);
    for (int s = 0; s < SHARDS; s++)
        if (l->shards[s])
            shard_tick(l->shards[s], tick_ns);
    l->tick_ns = tick_ns;
}

void lane_renew(struct lane *l)
{
    lane_flush(l);
    for (int s = 0; s < SHARDS; s++)
        if (l->shards[s]) {
            hits_renew(&l->hits[s]);
            shard_renew(l->shards[s]);
        }
}

int64_t lane_settled_ns(const struct lane *l)
{
    int64_t settled = INT64_MAX;
    for (int s = 0; s < SHARDS; s++) {
        int64_t of_shard = l->shards[s] ? shard_settled_ns(l->shards[s]) : INT64_MAX;
        settled = of_shard < settled ? of_shard : settled;
    }
    return settled;
}

void lane_end(struct lane *l)
{
    lane_flush(l);
    fragments_tick(l->fragments, INT64_MAX);
    for (int s = 0; s < SHARDS; s++)
        if (l->shards[s])
            shard_end(l->shards[s]);
}

int lane_unknown_link(const struct lane *l)
{
    return l->unknown_link;
}

const struct wire_counts *lane_counts(const struct lane *l)
{
    return &l->counts;
}

void lane_free(struct lane *l)
{
    for (int s = 0; s < SHARDS; s++)
        shard_free(l->shards[s]);
    fragments_free(l->fragments);
    free(l);
}
