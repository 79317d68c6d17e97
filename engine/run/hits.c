/*
 * A flow in which something was found, or whose payload is being looked through, is watched.
 */
#include "run/hits.h"

#include "run/atlas.h"

#include <stdlib.h>

enum {
    LATE_ORDINAL = 1 << 30, /* where the ordinals of what waited until a flow's end begin */
    PART_ORDINAL = 1 << 24, /* and those of each pair of addresses in a packet, which may be another worker's */
    SHOWN_BEFORE = 48,      /* octets shown before the end of a payload match */
};

struct watched {
    struct watched *after; /* in the shard's list */
    struct watched *before;
    struct flow_view *flow;
    struct hit *hits; /* newest first */
    unsigned count;
    struct payload_stream *streams[2]; /* of each side; NULL before its first plaintext */
};

void hit_free(struct hit *hit)
{
    if (hit->database)
        database_drop(hit->database);
    free(hit);
}

static struct watched *watch(struct hits *h, struct flow_view *flow)
{
    if (!flow->watch) {
        struct watched *w = calloc(1, sizeof *w);
        if (!w)
            abort();
        w->flow = flow;
        w->after = h->watched_first;
        if (w->after)
            w->after->before = w;
        h->watched_first = w;
        flow->watch = w;
    }
    return flow->watch;
}

static void unwatch(struct hits *h, struct watched *w)
{
    if (!w)
        return;
    *(w->before ? &w->before->after : &h->watched_first) = w->after;
    if (w->after)
        w->after->before = w->before;
    w->flow->watch = NULL;
    free(w);
}

static uint32_t next_ordinal(struct hits *h, const struct sighting *at)
{
    if (at->packet != h->packet || at->input != h->input || at->part != h->part || at->late != h->late) {
        h->packet = at->packet;
        h->input = at->input;
        h->part = at->part;
        h->late = at->late;
        h->ordinal = (uint32_t)at->part * PART_ORDINAL + (at->late ? LATE_ORDINAL : 0);
    }
    return h->ordinal++;
}

static enum flow_direction direction_of(const struct prefix *home, const struct tuple *t)
{
    if (!home->count)
        return DIRECTION_UNKNOWN;
    bool src = prefix_find(home, &t->src) != PREFIX_NONE;
    bool dst = prefix_find(home, &t->dst) != PREFIX_NONE;
    return src ? (dst ? DIRECTION_INTERNAL : DIRECTION_OUTBOUND) : dst ? DIRECTION_INBOUND : DIRECTION_EXTERNAL;
}

/* Where `raw` lies in the frame, or -1. */
static int64_t offset_in(struct bytes frame, struct bytes raw)
{
    uintptr_t begin = (uintptr_t)frame.at;
    uintptr_t at = (uintptr_t)raw.at;
    bool inside = raw.len && frame.len && at >= begin && at + raw.len <= begin + frame.len;
    return inside ? (int64_t)(at - begin) : -1;
}

/* Only the part in use is allocated. */
static struct hit *hit_new(struct hits *h, const struct flow_view *flow, const struct sighting *at,
                           const struct observable *o)
{
    size_t value = observable_is_address(o->type) ? 0 : o->value.len;
    size_t excerpt = o->raw.len < FINDING_EXCERPT_MAX ? o->raw.len : FINDING_EXCERPT_MAX;
    struct hit *hit = malloc(offsetof(struct hit, finding) + offsetof(struct finding, text) + value + excerpt);
    if (!hit)
        abort();
    hit->next = NULL;
    hit->database = NULL;
    hit->told = false;
    struct finding *f = &hit->finding;
    memset(f, 0, offsetof(struct finding, text));
    int64_t earliest = at->clock_ns - FINDING_SLACK_NS;
    f->key = (struct finding_key){.order_ns = at->time_ns > earliest ? at->time_ns : earliest,
                                  .time_ns = at->time_ns,
                                  .packet = at->packet,
                                  .input = at->input,
                                  .ordinal = next_ordinal(h, at)};
    f->type = o->type;
    f->where = o->where;
    f->ech = o->ech;
    f->address = o->address;
    f->port = o->port;
    f->sensor = h->sensor;
    f->tuple = flow->tuple;
    f->state = flow->state;
    f->direction = direction_of(h->home, &flow->tuple);
    f->last_ns = at->time_ns;
    f->count = 1;
    f->offset = offset_in(at->frame, o->raw);
    f->value_len = (uint16_t)value;
    f->excerpt_len = (uint16_t)excerpt;
    if (value)
        memcpy(f->text, o->value.at, value);
    if (excerpt)
        memcpy(f->text + value, o->raw.at, excerpt);
    return hit;
}

/* To the herald, whose it is then; a herald that has left lets us know to stop. */
static void tell(struct hits *h, struct hit *hit)
{
    struct hits_context *c = h->context;
    hit->next = NULL;
    if (!c->observe)
        atlas_place(c->places, &hit->finding);
    if (c->live ? ring_push(c->told, hit) : ring_push_wait(c->told, hit))
        return;
    if (c->live)
        c->counts.dropped++;
    else
        c->stopped = true;
    hit_free(hit);
}

/* At first sight a copy is told; the hit itself waits for what becomes of its flow. */
static void tell_copy(struct hits *h, struct hit *hit)
{
    size_t len = offsetof(struct hit, finding) + finding_bytes(&hit->finding);
    struct hit *copy = malloc(len);
    if (!copy)
        abort();
    memcpy(copy, hit, len);
    database_hold(copy->database);
    hit->told = true;
    hit->told_state = hit->finding.state;
    tell(h, copy);
}

/* A held hit is let go: told, unless it was and nothing has changed since. */
static void settle(struct hits *h, struct hit *hit, enum flow_state state)
{
    h->held--;
    hit->finding.state = state;
    if (hit->told && state == hit->told_state && hit->finding.count == 1) {
        hit_free(hit);
        return;
    }
    if (hit->told)
        hit->finding.status = FINDING_UPDATED;
    tell(h, hit);
}

static void observe(void *to, struct flow_view *flow, const struct sighting *at, const struct observable *o)
{
    struct hits *h = to;
    struct hit *hit = hit_new(h, flow, at, o);
    hit->finding.kind = FINDING_OBSERVED;
    h->context->counts.observables++;
    tell(h, hit);
}

bool hit_valid_at(const struct database *db, uint32_t indicator, int64_t time_ns)
{
    uint32_t count;
    const struct indicator_source *sources = database_sources(db, indicator, &count);
    for (uint32_t i = 0; i < count; i++)
        if (indicator_validity_at(&sources[i], time_ns) == VALIDITY_WITHIN)
            return true;
    return false;
}

static struct hit *held(const struct flow_view *flow, uint32_t generation, const struct match *m, enum where where)
{
    const struct watched *w = flow->watch;
    for (struct hit *hit = w ? w->hits : NULL; hit; hit = hit->next)
        if (hit->finding.indicator == m->indicator && hit->finding.where == where &&
            hit->finding.generation == generation)
            return hit;
    return NULL;
}

static void found(struct hits *h, struct flow_view *flow, const struct sighting *at, const struct database *db,
                  const struct observable *o, const struct match *m)
{
    struct hits_context *c = h->context;
    uint32_t generation = database_generation(db);
    struct hit *again = held(flow, generation, m, o->where);
    if (again && at->again)
        return; /* found when it was seen */
    if (again) {
        again->finding.count++;
        again->finding.last_ns = at->time_ns;
        c->counts.repeats++;
        return;
    }
    if (c->strict_validity && !hit_valid_at(db, m->indicator, at->time_ns)) {
        c->counts.invalid++;
        return;
    }
    struct watched *w = watch(h, flow);
    struct hit *hit = hit_new(h, flow, at, o);
    hit->finding.generation = generation;
    hit->finding.indicator = m->indicator;
    hit->finding.match = m->how;
    hit->database = db;
    database_hold(db);
    c->counts.hits++;
    if (w->count >= HITS_PER_FLOW || h->held >= h->held_max) {
        c->counts.at_once++;
        hit->finding.twin = hit->finding.key.ordinal + 1;
        tell(h, hit);
        return;
    }
    hit->next = w->hits;
    w->hits = hit;
    w->count++;
    h->held++;
    if (c->live)
        tell_copy(h, hit);
}

static void observable(void *to, struct flow_view *flow, const struct sighting *at, const struct observable *o)
{
    struct hits *h = to;
    struct match matches[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    unsigned count = database_ask(h->context->database, h->context->asker, o, matches, &more);
    h->context->counts.observables += !at->again;
    h->context->counts.unmatched += more;
    for (unsigned i = 0; i < count; i++)
        found(h, flow, at, h->context->database, o, &matches[i]);
}

/* What a payload match shows: of a content its octets, of an expression the octets before its end on the same line, as
 * far as this segment has them. */
static struct bytes shown(const struct indicator *i, struct bytes octets, size_t end)
{
    size_t begin = end < SHOWN_BEFORE ? 0 : end - SHOWN_BEFORE;
    if (i->key.type == OBSERVABLE_CONTENT) {
        begin = end < i->key.value.len ? 0 : end - i->key.value.len;
        return bytes_until(bytes_from(octets, begin), end - begin);
    }
    for (size_t at = end; at-- > begin;)
        if (octets.at[at] == '\n' && at + 1 < end)
            begin = at + 1;
    return bytes_until(bytes_from(octets, begin), end - begin);
}

static void payload_match(void *to, const struct match *m)
{
    struct hits *h = to;
    const struct database *db = payload_stream_database(h->stream);
    const struct indicator *i = database_indicator(db, m->indicator);
    size_t end = m->end > h->octets_at ? (size_t)(m->end - h->octets_at) : 0;
    struct bytes raw = shown(i, h->octets, end < h->octets.len ? end : h->octets.len);
    struct observable o = {.type = OBSERVABLE_CONTENT, .where = WHERE_PAYLOAD, .value = raw, .raw = raw};
    if (i->key.type == OBSERVABLE_CONTENT)
        o.value = i->key.value; /* whole, also where it straddles segments */
    found(h, h->watched->flow, h->at, db, &o, m);
}

/* What the next matches are of. */
static void look_at(struct hits *h, struct watched *w, int side, const struct sighting *at, struct bytes octets)
{
    h->watched = w;
    h->stream = w->streams[side];
    h->at = at;
    h->octets = octets;
    h->octets_at = payload_stream_at(h->stream);
}

static void payload(void *to, struct flow_view *flow, const struct sighting *at, int side, struct bytes octets,
                    bool gap)
{
    struct hits *h = to;
    struct asker *asker = h->context->asker;
    struct watched *w = watch(h, flow);
    if (!w->streams[side]) {
        w->streams[side] = payload_stream_open(h->context->database);
        if (!w->streams[side])
            return;
    } else if (gap) {
        look_at(h, w, side, at, bytes_until(octets, 0));
        payload_stream_gap(h->stream, asker, payload_match, h);
    }
    look_at(h, w, side, at, octets);
    payload_stream_scan(h->stream, asker, octets, payload_match, h);
}

static void payload_end(void *to, struct flow_view *flow, const struct sighting *at)
{
    struct hits *h = to;
    struct watched *w = flow->watch;
    static const uint8_t nothing[1];
    for (int side = 0; w && side < 2; side++) {
        if (!w->streams[side])
            continue;
        look_at(h, w, side, at, bytes_of(nothing, 0));
        payload_stream_close(h->stream, h->context->asker, payload_match, h);
        w->streams[side] = NULL;
    }
    if (w && !w->hits)
        unwatch(h, w);
}

static void flow_end(void *to, struct flow_view *flow)
{
    struct hits *h = to;
    struct watched *w = flow->watch;
    for (struct hit *hit = w ? w->hits : NULL, *next; hit; hit = next) {
        next = hit->next;
        settle(h, hit, flow->state);
    }
    unwatch(h, w);
}

static void no_match(void *to, const struct match *m)
{
    (void)to, (void)m; /* the text goes on: it only seems to end here */
}

/* The same indicator in the present generation, if it still meets what was seen. Payload matches begin anew. */
static bool move(struct hits *h, struct hit *hit)
{
    struct match matches[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    const struct database *db = h->context->database;
    struct observable o = finding_observable(&hit->finding);
    const struct indicator *old = database_indicator(hit->database, hit->finding.indicator);
    unsigned count = o.where == WHERE_PAYLOAD ? 0 : database_ask(db, h->context->asker, &o, matches, &more);
    for (unsigned i = 0; i < count; i++) {
        if (!indicator_key_equal(&old->key, &database_indicator(db, matches[i].indicator)->key))
            continue;
        database_hold(db);
        database_drop(hit->database);
        hit->database = db;
        hit->finding.indicator = matches[i].indicator;
        hit->finding.generation = database_generation(db);
        return true;
    }
    return false;
}

static void renew(struct hits *h, struct watched *w)
{
    for (int side = 0; side < 2; side++) {
        payload_stream_close(w->streams[side], h->context->asker, no_match, NULL);
        w->streams[side] = NULL;
    }
    for (struct hit **at = &w->hits, *hit; (hit = *at);) {
        if (move(h, hit)) {
            at = &hit->next;
            continue;
        }
        *at = hit->next;
        w->count--;
        settle(h, hit, w->flow->state);
    }
    if (!w->hits)
        unwatch(h, w);
}

void hits_renew(struct hits *h)
{
    for (struct watched *w = h->watched_first, *after; w; w = after) {
        after = w->after;
        renew(h, w);
    }
    h->sink.payload = database_wants_payload(h->context->database) ? payload : NULL;
    h->sink.kinds = database_kinds(h->context->database);
}

void hits_init(struct hits *h, struct hits_context *context, uint16_t sensor, const struct prefix *home,
               uint64_t held_max)
{
    *h = (struct hits){.context = context, .sensor = sensor, .home = home, .held_max = held_max};
    h->sink = (struct sink){.to = h,
                            .observable = context->observe ? observe : observable,
                            .payload_end = payload_end,
                            .flow_end = flow_end};
    h->sink.kinds = context->observe ? UINT32_MAX : database_kinds(context->database);
    if (!context->observe && database_wants_payload(context->database))
        h->sink.payload = payload;
}
