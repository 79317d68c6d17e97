/*
 * The way of a packet: flow, addresses once, TCP octets in order, dissector, payload.
 */
#include "wire/shard.h"

#include <assert.h>
#include <stdlib.h>

struct shard {
    struct flows flows;
    struct stream_budget budget;
    struct dissect_budget pending;
    const struct sink *sink;
    struct wire_counts *counts;
    char *room;
    uint32_t renewals;
    uint64_t told_gaps; /* of the budget's counts, what was added to `counts` */
    uint64_t told_pressed;
    uint64_t told_evicted;
};

/* What the octets of a stream need to know on their way out. */
struct passage {
    struct shard *shard;
    struct flow *flow;
    const struct sighting *at;
    int side;
};

struct shard *shard_new(const struct shard_limits *limits, const struct sink *sink, struct wire_counts *counts,
                        char *room)
{
    struct shard *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    flows_init(&s->flows, limits->flows, &limits->timeouts);
    s->budget.max = limits->stream_octets;
    s->pending.max = limits->stream_octets;
    s->sink = sink;
    s->counts = counts;
    s->room = room;
    return s;
}

/* An address mixed to 64 bits (multipliers from the golden ratio and from MurmurHash3's finaliser). */
static uint64_t mixed(const struct address *a)
{
    uint64_t high, low;
    memcpy(&high, a->octet, sizeof high);
    memcpy(&low, a->octet + sizeof high, sizeof low);
    uint64_t h = (high ^ (low * UINT64_C(0x9e3779b97f4a7c15))) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 33;
}

unsigned shard_of(const struct tuple *p)
{
    uint64_t pair = mixed(&p->src) + mixed(&p->dst); /* the same both ways */
    return (unsigned)((pair * UINT64_C(0xc4ceb9fe1a85ec53)) >> 58);
}

static_assert(SHARDS == 1 << (64 - 58), "the shard is the top bits of the hash");

uint64_t shard_prefetch(struct shard *s, const struct packet *p)
{
    uint64_t hash = flow_hash(&s->flows, &p->tuple);
    table_prefetch(&s->flows.table, hash);
    return hash;
}

static struct dissection dissection_of(struct shard *s, struct flow *f, const struct sighting *at, int side)
{
    return (struct dissection){.view = &f->view,
                               .flow = &f->dissect,
                               .at = at,
                               .sink = s->sink,
                               .counts = s->counts,
                               .budget = &s->pending,
                               .side = side,
                               .fin = f->fin,
                               .room = s->room};
}

/* Plaintext goes on to whoever looks into payloads; the first word of encryption ends that. */
static void payload(struct passage *p, struct bytes octets, bool gap)
{
    struct shard *s = p->shard;
    if (dissect_is_encrypted(&p->flow->dissect)) {
        s->sink->payload_end(s->sink->to, &p->flow->view, p->at);
        s->counts->octets_encrypted += octets.len;
        return;
    }
    if (!p->flow->dissect.is)
        s->counts->octets_unknown += octets.len;
    if (s->sink->payload)
        s->sink->payload(s->sink->to, &p->flow->view, p->at, p->side, octets, gap);
}

static void stream_octets(void *to, struct bytes octets, bool gap)
{
    struct passage *p = to;
    struct dissection d = dissection_of(p->shard, p->flow, p->at, p->side);
    dissect_stream(&d, octets, gap);
    payload(p, octets, gap);
}

/* What is left of a stream that ends goes out too, as if its flow's last packet had brought it. */
static void gone(void *to, struct flow *f)
{
    struct shard *s = to;
    struct sighting last = f->last;
    last.late = true;
    if (f->streams) {
        for (int side = 0; side < 2; side++) {
            struct passage p = {.shard = s, .flow = f, .at = &last, .side = side};
            stream_end(&f->streams[side], &s->budget, stream_octets, &p);
        }
        free(f->streams);
        f->streams = NULL;
    }
    struct dissection d = dissection_of(s, f, &last, 0);
    dissect_end(&d);
    s->sink->payload_end(s->sink->to, &f->view, &last);
    s->sink->flow_end(s->sink->to, &f->view);
    s->counts->flows_one_sided += f->spoke != 3;
    flow_settle(&s->flows, f, false);
}

/* A flow's end may still tell of what waits in it. */
static bool owes(const struct flow *f)
{
    bool waits = f->streams && (f->streams[0].first || f->streams[1].first);
    return waits || f->view.watch || dissect_owes(&f->dissect);
}

static bool has_ports(uint8_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP;
}

/* An endpoint is two values: its address, and its address with its port, where it has one. */
static void tell_endpoint(struct shard *s, struct flow *f, const struct sighting *at, enum where where,
                          const struct address *a, uint16_t port, struct bytes raw)
{
    struct dissection d = dissection_of(s, f, at, 0);
    dissect_address(&d, where, a, raw);
    if (port)
        dissect_endpoint(&d, where, a, port, raw);
}

/* Once a flow, and once more after each renewal. */
static void tell_endpoints(struct shard *s, struct flow *f, const struct packet *p, int side, const struct sighting *at)
{
    const struct tuple *t = &f->view.tuple;
    bool ports = has_ports(t->proto);
    tell_endpoint(s, f, at, WHERE_IP_SRC, &t->src, ports ? t->src_port : 0, side == 0 ? p->src_raw : p->dst_raw);
    tell_endpoint(s, f, at, WHERE_IP_DST, &t->dst, ports ? t->dst_port : 0, side == 0 ? p->dst_raw : p->src_raw);
    f->renewal = s->renewals;
}

static struct flow *begin(struct shard *s, const struct packet *p, uint64_t hash, const struct sighting *at, int *side)
{
    struct flow *f = flow_open(&s->flows, p, hash, at->clock_ns, side, gone, s);
    s->counts->flows++;
    f->last = *at;
    tell_endpoints(s, f, p, *side, at);
    return f;
}

static void tell_endpoints_again(struct shard *s, struct flow *f, const struct packet *p, int side,
                                 const struct sighting *at)
{
    struct sighting again = *at;
    again.again = true;
    tell_endpoints(s, f, p, side, &again);
}

/* Both sides' streams, from where their SYNs were seen to begin. */
static void open_streams(struct flow *f)
{
    f->streams = calloc(2, sizeof *f->streams);
    if (!f->streams)
        abort();
    for (int side = 0; side < 2; side++)
        if (f->syn & 1 << side)
            stream_syn(&f->streams[side], f->isn[side]);
}

static void tcp(struct shard *s, struct flow *f, const struct packet *p, int side, const struct sighting *at)
{
    bool encrypted = dissect_is_encrypted(&f->dissect);
    bool wanted = dissect_wants_stream(&f->dissect) || (s->sink->payload && !encrypted);
    bool carries = p->payload_len && !(p->tcp_flags & TCP_RST);
    if (!wanted) {
        *(encrypted ? &s->counts->octets_encrypted : &s->counts->octets_unknown) += p->payload.len;
        if (f->streams) {
            stream_drop(&f->streams[0], &s->budget);
            stream_drop(&f->streams[1], &s->budget);
            free(f->streams);
            f->streams = NULL;
        }
        return;
    }
    if (!f->streams) {
        if (!carries)
            return;
        open_streams(f);
    }
    if (p->tcp_flags & TCP_SYN)
        stream_syn(&f->streams[side], p->tcp_seq);
    if (p->tcp_flags & TCP_ACK) {
        struct passage back = {.shard = s, .flow = f, .at = at, .side = !side};
        stream_acked(&f->streams[!side], &s->budget, p->tcp_ack, stream_octets, &back);
    }
    if (carries) {
        struct passage forth = {.shard = s, .flow = f, .at = at, .side = side};
        uint32_t seq = p->tcp_seq + ((p->tcp_flags & TCP_SYN) != 0);
        stream_segment(&f->streams[side], &s->budget, seq, p->payload, p->payload_len - (uint32_t)p->payload.len,
                       stream_octets, &forth);
    }
}

/* Each datagram is a text of its own. */
static void datagram(struct shard *s, struct flow *f, const struct packet *p, int side, const struct sighting *at)
{
    if (!p->payload.len)
        return;
    if (f->view.tuple.proto == PROTO_UDP) {
        struct dissection d = dissection_of(s, f, at, side);
        dissect_datagram(&d, p->payload);
    }
    struct passage passage = {.shard = s, .flow = f, .at = at, .side = side};
    payload(&passage, p->payload, true);
}

/* The budget and the table count for themselves; the worker's counts follow. */
static void follow(uint64_t *told, uint64_t now, uint64_t *count)
{
    *count += now - *told;
    *told = now;
}

/* The addresses in an ICMP error are the error's values; what became of the quoted flow is told to that flow, wherever
 * it is. */
static void tell_quote(struct shard *s, struct flow *f, const struct packet *p, const struct sighting *at)
{
    struct packet q;
    if (!decode_quote(p, &q))
        return;
    const struct tuple *t = &q.tuple;
    bool ports = has_ports(t->proto);
    tell_endpoint(s, f, at, WHERE_IP_ICMP, &t->src, ports ? t->src_port : 0, q.src_raw);
    tell_endpoint(s, f, at, WHERE_IP_ICMP, &t->dst, ports ? t->dst_port : 0, q.dst_raw);
}

static void quoted(struct shard *s, struct flow *f, const struct packet *p, int side)
{
    s->counts->quoted++;
    if (f && p->refused)
        flow_refused(f, side);
}

void shard_packet(struct shard *s, const struct packet *p, uint64_t hash, const struct sighting *at)
{
    int side;
    struct flow *f = flow_find(&s->flows, &p->tuple, hash, &side);
    if (p->quoted) {
        quoted(s, f, p, side);
        return;
    }
    s->counts->octets_payload += p->payload.len;
    s->counts->headless += p->headless;
    if (f && flow_is_another(f, p, side)) {
        flow_close(&s->flows, f, gone, s);
        f = NULL;
    }
    if (!f)
        f = begin(s, p, hash, at, &side);
    else if (f->renewal != s->renewals)
        tell_endpoints_again(s, f, p, side, at);
    f->last = *at;
    f->last.frame = bytes_of(NULL, 0);
    flow_saw(&s->flows, f, p, side, at->clock_ns);
    if (f->view.tuple.proto == PROTO_TCP)
        tcp(s, f, p, side, at);
    else
        datagram(s, f, p, side, at);
    if (p->quotes)
        tell_quote(s, f, p, at);
    s->counts->tunnelled += p->depth > 0;
    flow_settle(&s->flows, f, owes(f));
    follow(&s->told_gaps, s->budget.gaps, &s->counts->stream_gaps);
    follow(&s->told_pressed, s->budget.pressed, &s->counts->stream_pressed);
    follow(&s->told_evicted, s->flows.evicted, &s->counts->flows_evicted);
}

void shard_renew(struct shard *s)
{
    s->renewals++;
}

void shard_tick(struct shard *s, int64_t clock_ns)
{
    flows_tick(&s->flows, clock_ns, gone, s);
}

void shard_end(struct shard *s)
{
    flows_end(&s->flows, gone, s);
}

int64_t shard_settled_ns(const struct shard *s)
{
    return flows_settled_ns(&s->flows);
}

void shard_free(struct shard *s)
{
    if (!s)
        return;
    flows_clear(&s->flows);
    free(s);
}
