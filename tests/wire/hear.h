/*
 * hear: a sink that writes down what it is told, one line each:
 *     [late |again ]WHERE TYPE VALUE[ ech]  an observable
 *     > TEXT, < TEXT                        payload of the flow's src, of its dst; `~` in front of TEXT for a gap
 *     plain end, STATE                      no more plaintext; the flow's end with its state
 */
#ifndef VIGIA_TESTS_WIRE_HEAR_H
#define VIGIA_TESTS_WIRE_HEAR_H

#include "make.h"
#include "wire/shard.h"

struct hearer {
    struct buffer told;
    struct sink sink;
    bool plain_ended; /* told once, though it may be heard more often */
};

/* What was told so far. */
static inline const char *heard(struct hearer *h)
{
    buffer_char(&h->told, '\0');
    h->told.len--;
    return h->told.at;
}

static inline void hear_value(struct buffer *out, const struct observable *o)
{
    char value[OBSERVABLE_VALUE_MAX];
    size_t len = observable_write(o, value);
    buffer_format(out, "%s %s %.*s%s\n", where_name(o->where), observable_type_name(o->type), (int)len, value,
                  o->ech ? " ech" : "");
}

static inline void hear_observable(void *to, struct flow_view *flow, const struct sighting *at,
                                   const struct observable *o)
{
    struct hearer *h = to;
    (void)flow;
    if (at->late)
        buffer_text(&h->told, "late ");
    if (at->again)
        buffer_text(&h->told, "again ");
    hear_value(&h->told, o);
}

static inline void hear_payload(void *to, struct flow_view *flow, const struct sighting *at, int side,
                                struct bytes octets, bool gap)
{
    struct hearer *h = to;
    (void)flow, (void)at;
    buffer_format(&h->told, "%c %s", side ? '<' : '>', gap ? "~" : "");
    put_bytes(&h->told, octets);
    buffer_char(&h->told, '\n');
}

static inline void hear_payload_end(void *to, struct flow_view *flow, const struct sighting *at)
{
    struct hearer *h = to;
    (void)flow, (void)at;
    if (!h->plain_ended)
        buffer_text(&h->told, "plain end\n");
    h->plain_ended = true;
}

static inline void hear_flow_end(void *to, struct flow_view *flow)
{
    struct hearer *h = to;
    buffer_format(&h->told, "%s\n", flow_state_name(flow->state));
    h->plain_ended = false;
}

static inline void hear_init(struct hearer *h)
{
    *h = (struct hearer){.sink = {h, hear_observable, hear_payload, hear_payload_end, hear_flow_end}};
    h->sink.kinds = 1u << OBSERVABLE_JA3 | 1u << OBSERVABLE_JA3S | 1u << OBSERVABLE_JA4 | 1u << OBSERVABLE_X509_SHA1 |
                    1u << OBSERVABLE_X509_SHA256;
}

/* A conversation of one flow with the dissectors, from 192.0.2.1:40000 to 198.51.100.2:80. */
struct talk {
    struct hearer hearer;
    struct wire_counts counts;
    struct dissect_budget budget;
    struct flow_view view;
    struct dissect_flow flow;
    struct sighting at;
    uint8_t fin; /* bit of each side that sends no more */
    char *room;
};

static inline void talk_begin(struct talk *t)
{
    *t = (struct talk){.room = malloc(DISSECT_PENDING_MAX), .budget = {.max = 1 << 20}};
    hear_init(&t->hearer);
    t->view.tuple = packet_of(PROTO_TCP, "192.0.2.1", 40000, "198.51.100.2", 80).tuple;
}

static inline struct dissection talk_moment(struct talk *t, int side)
{
    return (struct dissection){.view = &t->view,
                               .flow = &t->flow,
                               .at = &t->at,
                               .sink = &t->hearer.sink,
                               .counts = &t->counts,
                               .budget = &t->budget,
                               .side = side,
                               .fin = t->fin,
                               .room = t->room};
}

/* Octets in pieces of at most `piece`, each alone in memory. */
static inline void talk_stream(struct talk *t, int side, struct bytes octets, size_t piece)
{
    for (; octets.len; octets = bytes_from(octets, piece)) {
        struct bytes one = alone(bytes_until(octets, piece));
        struct dissection d = talk_moment(t, side);
        dissect_stream(&d, one, false);
        alone_free(one);
    }
}

static inline void talk_gap(struct talk *t, int side, struct bytes octets)
{
    struct dissection d = talk_moment(t, side);
    dissect_stream(&d, octets, true);
}

static inline void talk_datagram(struct talk *t, int side, struct bytes octets)
{
    struct bytes one = alone(octets);
    struct dissection d = talk_moment(t, side);
    dissect_datagram(&d, one);
    alone_free(one);
}

/* The flow ends; what was told in all of it lives until talk_clear. */
static inline const char *talk_end(struct talk *t)
{
    struct dissection d = talk_moment(t, 0);
    dissect_end(&d);
    return heard(&t->hearer);
}

static inline void talk_clear(struct talk *t)
{
    buffer_free(&t->hearer.told);
    free(t->room);
}

/* What a client's octets tell when they are cut in two at `cut`, and when they come in pieces of `piece`. */
static inline const char *talk_cut(struct talk *t, struct bytes octets, size_t cut)
{
    talk_begin(t);
    talk_stream(t, 0, bytes_until(octets, cut), SIZE_MAX);
    talk_stream(t, 0, bytes_from(octets, cut), SIZE_MAX);
    return talk_end(t);
}

static inline const char *talk_pieces(struct talk *t, struct bytes octets, size_t piece)
{
    talk_begin(t);
    talk_stream(t, 0, octets, piece);
    return talk_end(t);
}

#endif
