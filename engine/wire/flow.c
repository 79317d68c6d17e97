/*
 * Flows live in chunks that never move; the table holds their numbers, and four queues hold them by what they wait for.
 * A packet writes only its own flow: being alive is found out when the queue's turn comes.
 */
#include "wire/flow.h"

#include <stdlib.h>

enum { CHUNK_FLOWS = 64, FLOW_NONE = -1 };

#define NONE UINT32_MAX

static struct flow *flow_at(const struct flows *t, uint32_t index)
{
    return &t->chunks[index / CHUNK_FLOWS][index % CHUNK_FLOWS];
}

void flows_init(struct flows *t, uint32_t max, const struct flow_timeouts *timeouts)
{
    *t = (struct flows){.max = max, .free = NONE, .owing = {.oldest = NONE, .newest = NONE}};
    table_init(&t->table, max);
    hash_key_random(&t->key);
    for (int q = 0; q < FLOW_QUEUES; q++)
        t->queues[q] = (struct flow_ends){.oldest = NONE, .newest = NONE};
    t->timeouts[QUEUE_CLOSED] = timeouts->closed_ns;
    t->timeouts[QUEUE_ATTEMPTED] = timeouts->attempted_ns;
    t->timeouts[QUEUE_DATAGRAM] = timeouts->datagram_ns;
    t->timeouts[QUEUE_ESTABLISHED] = timeouts->established_ns;
}

struct endpoint {
    struct address address;
    uint16_t port;
};

struct identity {
    struct endpoint low;
    struct endpoint high;
    uint8_t proto;
    uint8_t zero; /* no unnamed octets in what is hashed */
};

static bool is_icmp(uint8_t proto)
{
    return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
}

/* A question and its answer are one flow; what the other side asks is another, as to the Community ID. */
static struct identity identity_of_icmp(const struct tuple *p)
{
    uint16_t kind = (uint16_t)(tuple_icmp_asked(p) << 8 | p->dst_port);
    struct endpoint src = {.address = p->src, .port = kind};
    struct endpoint dst = {.address = p->dst, .port = kind};
    bool answer = tuple_icmp_answers(p);
    return (struct identity){.low = answer ? dst : src, .high = answer ? src : dst, .proto = p->proto};
}

static struct identity identity_of(const struct tuple *p)
{
    struct endpoint src = {.address = p->src, .port = p->src_port};
    struct endpoint dst = {.address = p->dst, .port = p->dst_port};
    if (is_icmp(p->proto))
        return identity_of_icmp(p);
    bool ordered = memcmp(&src, &dst, sizeof src) <= 0;
    return (struct identity){.low = ordered ? src : dst, .high = ordered ? dst : src, .proto = p->proto};
}

uint64_t flow_hash(const struct flows *t, const struct tuple *p)
{
    struct identity i = identity_of(p);
    return hash_keyed(&t->key, &i, sizeof i);
}

static bool same_ends(const struct tuple *f, const struct tuple *p)
{
    return address_equal(&f->src, &p->src) && address_equal(&f->dst, &p->dst);
}

static bool turned_ends(const struct tuple *f, const struct tuple *p)
{
    return address_equal(&f->src, &p->dst) && address_equal(&f->dst, &p->src);
}

static int side_of_icmp(const struct tuple *f, const struct tuple *p)
{
    if (tuple_icmp_asked(f) != tuple_icmp_asked(p) || f->dst_port != p->dst_port)
        return FLOW_NONE;
    if (tuple_icmp_answers(f) == tuple_icmp_answers(p))
        return same_ends(f, p) ? 0 : FLOW_NONE;
    return turned_ends(f, p) ? 1 : FLOW_NONE;
}

/* 0 when p goes the flow's way, 1 when it comes back, FLOW_NONE when it is of another flow. */
static int side_of(const struct tuple *f, const struct tuple *p)
{
    if (f->proto != p->proto)
        return FLOW_NONE;
    if (is_icmp(f->proto))
        return side_of_icmp(f, p);
    if (f->src_port == p->src_port && f->dst_port == p->dst_port && same_ends(f, p))
        return 0;
    return f->src_port == p->dst_port && f->dst_port == p->src_port && turned_ends(f, p) ? 1 : FLOW_NONE;
}

struct flow *flow_find(struct flows *t, const struct tuple *p, uint64_t hash, int *side)
{
    for (uint32_t slot = table_first(&t->table, hash); slot != TABLE_NONE; slot = table_next(&t->table, hash, slot)) {
        struct flow *f = flow_at(t, table_value(&t->table, slot));
        *side = side_of(&f->view.tuple, p);
        if (*side != FLOW_NONE)
            return f;
    }
    return NULL;
}

static void unqueue(struct flows *t, struct flow *f)
{
    struct flow_ends *q = &t->queues[f->queue];
    if (f->before != NONE)
        flow_at(t, f->before)->behind = f->behind;
    else
        q->oldest = f->behind;
    if (f->behind != NONE)
        flow_at(t, f->behind)->before = f->before;
    else
        q->newest = f->before;
}

static void enqueue(struct flows *t, struct flow *f, enum flow_queue queue, int64_t clock_ns)
{
    struct flow_ends *q = &t->queues[queue];
    f->queue = (uint8_t)queue;
    f->queued_ns = clock_ns;
    f->before = q->newest;
    f->behind = NONE;
    if (q->newest != NONE)
        flow_at(t, q->newest)->behind = f->index;
    else
        q->oldest = f->index;
    q->newest = f->index;
}

static void requeue(struct flows *t, struct flow *f, enum flow_queue queue, int64_t clock_ns)
{
    unqueue(t, f);
    enqueue(t, f, queue, clock_ns);
}

void flow_settle(struct flows *t, struct flow *f, bool owing)
{
    if (owing == f->owing)
        return;
    f->owing = owing;
    if (owing) {
        f->owes_ns = f->last.clock_ns;
        f->owes_before = t->owing.newest;
        f->owes_behind = NONE;
        *(t->owing.newest != NONE ? &flow_at(t, t->owing.newest)->owes_behind : &t->owing.oldest) = f->index;
        t->owing.newest = f->index;
        return;
    }
    *(f->owes_before != NONE ? &flow_at(t, f->owes_before)->owes_behind : &t->owing.oldest) = f->owes_behind;
    *(f->owes_behind != NONE ? &flow_at(t, f->owes_behind)->owes_before : &t->owing.newest) = f->owes_before;
}

int64_t flows_settled_ns(const struct flows *t)
{
    return t->owing.oldest != NONE ? flow_at(t, t->owing.oldest)->owes_ns : INT64_MAX;
}

static struct flow *take(struct flows *t)
{
    if (t->free != NONE) {
        struct flow *f = flow_at(t, t->free);
        t->free = f->behind;
        return f;
    }
    if (t->used == t->chunk_count * CHUNK_FLOWS) {
        t->chunks = realloc(t->chunks, (t->chunk_count + 1) * sizeof *t->chunks);
        struct flow *chunk = t->chunks ? calloc(CHUNK_FLOWS, sizeof *chunk) : NULL;
        if (!chunk)
            abort();
        t->chunks[t->chunk_count++] = chunk;
    }
    struct flow *f = flow_at(t, t->used);
    f->index = t->used++;
    return f;
}

void flow_close(struct flows *t, struct flow *f, flow_gone *gone, void *to)
{
    gone(to, f);
    uint32_t slot = table_first(&t->table, f->hash);
    while (table_value(&t->table, slot) != f->index)
        slot = table_next(&t->table, f->hash, slot);
    table_remove(&t->table, slot);
    unqueue(t, f);
    f->behind = t->free;
    t->free = f->index;
    t->live--;
}

static void evict(struct flows *t, flow_gone *gone, void *to)
{
    for (int q = 0; q < FLOW_QUEUES; q++)
        if (t->queues[q].oldest != NONE) {
            t->evicted++;
            flow_close(t, flow_at(t, t->queues[q].oldest), gone, to);
            return;
        }
}

static struct tuple turned(const struct tuple *p)
{
    struct tuple t = *p;
    t.src = p->dst;
    t.dst = p->src;
    t.src_port = p->dst_port;
    t.dst_port = p->src_port;
    return t;
}

struct flow *flow_open(struct flows *t, const struct packet *p, uint64_t hash, int64_t clock_ns, int *side,
                       flow_gone *gone, void *to)
{
    if (t->live >= t->max)
        evict(t, gone, to);
    struct flow *f = take(t);
    uint32_t index = f->index;
    bool answer = (p->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
    *side = answer;
    *f = (struct flow){.index = index, .hash = hash};
    f->view.tuple = answer ? turned(&p->tuple) : p->tuple;
    f->view.state =
        p->tuple.proto == PROTO_TCP && (p->tcp_flags & TCP_SYN) && !answer ? FLOW_ATTEMPTED : FLOW_ONE_SIDED;
    if (answer) { /* what it answers is known by it */
        f->syn = 1;
        f->isn[0] = p->tcp_ack - 1;
    }
    table_add(&t->table, hash, index);
    t->live++;
    enqueue(t, f, p->tuple.proto == PROTO_TCP ? QUEUE_ATTEMPTED : QUEUE_DATAGRAM, clock_ns);
    return f;
}

bool flow_is_another(struct flow *f, const struct packet *p, int side)
{
    bool syn = p->tcp_flags & TCP_SYN;
    bool ack = p->tcp_flags & TCP_ACK;
    if (p->tcp_flags & TCP_RST || p->tuple.proto != PROTO_TCP)
        return false;
    if (syn && !ack) {
        bool same = f->syn & 1 << side && p->tcp_seq == f->isn[side];
        if (f->queue == QUEUE_CLOSED)
            return !(same && f->view.state == FLOW_REFUSED); /* tried again, as some do */
        if (f->syn & 1 << side && !same) {
            f->isn_again[side] = p->tcp_seq;
            f->syn_again |= (uint8_t)(1 << side);
        }
        return false;
    }
    if (syn && f->syn_again & 1 << !side)
        return p->tcp_ack == f->isn_again[!side] + 1;
    return f->syn_again & 1 << side && p->payload_len && p->tcp_seq == f->isn_again[side] + 1;
}

/* A RST far from where its side's octets are is nobody's. */
static bool is_plausible(const struct flow *f, const struct packet *p, int side)
{
    const struct stream *s = f->streams ? &f->streams[side] : NULL;
    int32_t off = s && s->begun ? (int32_t)(p->tcp_seq - s->next) : 0;
    return off >= -STREAM_FAR_BEHIND && off <= STREAM_FAR_AHEAD;
}

static void saw_tcp(struct flow *f, const struct packet *p, int side)
{
    bool first_word = !(f->spoke & 1 << side);
    if ((p->tcp_flags & TCP_SYN) && !(f->syn & 1 << side)) {
        f->syn |= (uint8_t)(1 << side);
        f->isn[side] = p->tcp_seq;
    }
    if (p->tcp_flags & TCP_FIN)
        f->fin |= (uint8_t)(1 << side);
    bool refuses = (p->tcp_flags & TCP_RST) && side == 1 && first_word && f->view.state == FLOW_ATTEMPTED;
    if (refuses)
        f->view.state = FLOW_REFUSED;
    else if (f->view.state == FLOW_REFUSED && side == 1 && (p->tcp_flags & TCP_SYN)) {
        f->view.state = FLOW_ESTABLISHED; /* accepted at a later try */
        f->reset = false;
    } else if (f->view.state == FLOW_ATTEMPTED && side == 0 && !(p->tcp_flags & (TCP_SYN | TCP_RST)))
        f->view.state = FLOW_ONE_SIDED; /* it goes on as if answered: we do not see the other side */
    f->reset |= (p->tcp_flags & TCP_RST) && is_plausible(f, p, side);
}

void flow_refused(struct flow *f, int side)
{
    if (side == 0 && f->spoke == 1)
        f->view.state = FLOW_REFUSED;
}

void flow_saw(struct flows *t, struct flow *f, const struct packet *p, int side, int64_t clock_ns)
{
    if (f->view.tuple.proto == PROTO_TCP)
        saw_tcp(f, p, side);
    bool first_word = !(f->spoke & 1 << side);
    f->spoke |= (uint8_t)(1 << side);
    if (f->spoke == 3 && (f->view.state != FLOW_REFUSED || (first_word && !f->reset)))
        f->view.state = FLOW_ESTABLISHED;
    if (f->view.tuple.proto != PROTO_TCP)
        return;
    bool closed = f->reset || f->fin == 3;
    enum flow_queue queue = closed                              ? QUEUE_CLOSED
                            : f->view.state == FLOW_ATTEMPTED   ? QUEUE_ATTEMPTED
                            : f->view.state == FLOW_ESTABLISHED ? QUEUE_ESTABLISHED
                                                                : QUEUE_DATAGRAM;
    if (queue != f->queue)
        requeue(t, f, queue, clock_ns);
}

void flows_tick(struct flows *t, int64_t clock_ns, flow_gone *gone, void *to)
{
    for (int q = 0; q < FLOW_QUEUES; q++) {
        int64_t silent_since = clock_ns - t->timeouts[q];
        for (uint32_t at = t->queues[q].oldest; at != NONE; at = t->queues[q].oldest) {
            struct flow *f = flow_at(t, at);
            if (f->queued_ns > silent_since)
                break;
            if (f->last.clock_ns > silent_since)
                requeue(t, f, (enum flow_queue)q, clock_ns);
            else
                flow_close(t, f, gone, to);
        }
    }
}

void flows_end(struct flows *t, flow_gone *gone, void *to)
{
    for (int q = 0; q < FLOW_QUEUES; q++)
        while (t->queues[q].oldest != NONE)
            flow_close(t, flow_at(t, t->queues[q].oldest), gone, to);
}

void flows_clear(struct flows *t)
{
    for (uint32_t i = 0; i < t->chunk_count; i++)
        free(t->chunks[i]);
    free(t->chunks);
    table_free(&t->table);
}
