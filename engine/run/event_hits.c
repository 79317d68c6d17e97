/*
 * An event's findings are gathered first, so that what repeats only counts, and then told in the order of its values.
 */
#include "run/event_hits.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/swap.h"
#include "base/text.h"
#include "feed/place.h"

#include <stdlib.h>

enum { DIGEST_TEXT = sizeof "sha1:" - 1 + 2 * DIGEST_SHA1_BYTES };

struct gathering {
    struct hits_context *context;
    const struct event *event;
    const struct event_at *at;
    const struct progress *patience;
    struct bytes reference; /* the event's, or made of its octets; made once it is needed */
    char digest[DIGEST_TEXT + 1];
    char country[3], remote_country[3];
    struct hit *hits[EVENT_HITS_MAX];
    uint32_t count;
};

/* A record that bears no name is named by its octets, wherever it is read. */
static void name(struct gathering *g)
{
    uint8_t digest[DIGEST_SHA1_BYTES];
    if (g->reference.len)
        return;
    g->reference = g->event->reference;
    if (g->reference.len)
        return;
    digest_sha1(g->at->frame, digest);
    memcpy(g->digest, "sha1:", 5);
    text_hex_write(bytes_of(digest, sizeof digest), g->digest + 5);
    g->reference = bytes_of(g->digest, DIGEST_TEXT);
}

/* The country that the event says; else that of its first address there. */
static void place(const struct gathering *g, enum where where, const char said[3], char country[3])
{
    memcpy(country, said, 3);
    for (uint32_t i = 0; !country[0] && i < g->event->observable_count; i++) {
        const struct observable *o = &g->event->observables[i];
        if (o->where == where && observable_is_address(o->type) &&
            places_country(g->context->places, &o->address, country))
            return;
    }
}

static struct bytes add(struct finding *f, struct bytes text)
{
    if (text.len)
        memcpy((char *)f + finding_bytes(f), text.at, text.len);
    return text;
}

/* Only the part in use is allocated. */
static struct hit *hit_new(struct gathering *g, const struct observable *o)
{
    const struct event *e = g->event;
    const struct event_at *at = g->at;
    name(g);
    struct bytes value = observable_is_address(o->type) ? bytes_of(NULL, 0) : o->value;
    struct bytes excerpt = bytes_until(o->raw, FINDING_EXCERPT_MAX);
    struct bytes reporter = bytes_until(e->reporter, EVENT_TEXT_MAX);
    size_t texts = value.len + excerpt.len + reporter.len + g->reference.len;
    struct hit *hit = malloc(offsetof(struct hit, finding) + offsetof(struct finding, text) + texts);
    if (!hit)
        abort();
    memset(hit, 0, offsetof(struct hit, finding) + offsetof(struct finding, text));
    struct finding *f = &hit->finding;
    int64_t earliest = at->clock_ns - FINDING_SLACK_NS;
    f->key = (struct finding_key){.order_ns = e->time_ns > earliest ? e->time_ns : earliest,
                                  .time_ns = e->time_ns,
                                  .packet = at->record,
                                  .input = at->input,
                                  .ordinal = g->count};
    f->type = o->type;
    f->where = o->where;
    f->address = o->address;
    f->port = o->port;
    f->of_event = true;
    f->category = e->category;
    f->tlp = e->tlp;
    f->state = FLOW_ESTABLISHED;
    f->direction = DIRECTION_UNKNOWN;
    f->sensor = at->sensor;
    memcpy(f->country, g->country, sizeof f->country);
    memcpy(f->remote_country, g->remote_country, sizeof f->remote_country);
    f->last_ns = e->time_ns;
    f->count = 1;
    f->offset = -1;
    f->value_len = (uint16_t)add(f, value).len;
    f->excerpt_len = (uint16_t)add(f, excerpt).len;
    f->reporter_len = (uint8_t)add(f, reporter).len;
    f->reference_len = (uint8_t)add(f, g->reference).len;
    return hit;
}

/* The herald of a daemon may stand still for long, while the journal refuses. */
static bool push_live(struct ring *told, struct hit *hit, const struct progress *patience)
{
    bool pushed = false;
    swap_offline();
    for (unsigned idle = 0; !(pushed = ring_push(told, hit)); ring_pause(&idle)) {
        int64_t until_ns = progress_read(patience);
        if (until_ns && clock_monotonic_ns() > until_ns)
            break;
    }
    swap_online();
    return pushed;
}

/* To the herald, whose it is then. Here every hit of an event passes once. */
static void tell(struct gathering *g, struct hit *hit)
{
    struct hits_context *c = g->context;
    if (ring_push(c->told, hit) || (c->live ? push_live(c->told, hit, g->patience) : ring_push_wait(c->told, hit)))
        return;
    c->stopped = true;
    hit_free(hit);
}

static void found(struct gathering *g, const struct observable *o, const struct match *m)
{
    struct hits_context *c = g->context;
    for (uint32_t i = 0; i < g->count; i++)
        if (g->hits[i]->finding.indicator == m->indicator && g->hits[i]->finding.where == o->where) {
            g->hits[i]->finding.count++;
            c->counts.repeats++;
            return;
        }
    if (c->strict_validity && !hit_valid_at(c->database, m->indicator, g->event->time_ns)) {
        c->counts.invalid++;
        return;
    }
    if (g->count == EVENT_HITS_MAX) {
        c->counts.unmatched++;
        return;
    }
    struct hit *hit = hit_new(g, o);
    hit->finding.generation = database_generation(c->database);
    hit->finding.indicator = m->indicator;
    hit->finding.match = m->how;
    hit->database = c->database;
    database_hold(c->database);
    c->counts.hits++;
    g->hits[g->count++] = hit;
}

static void ask(struct gathering *g, const struct observable *o)
{
    struct match matches[DATABASE_MATCHES_MAX];
    struct hits_context *c = g->context;
    unsigned more = 0;
    unsigned count = database_ask(c->database, c->asker, o, matches, &more);
    c->counts.unmatched += more;
    for (unsigned i = 0; i < count; i++)
        found(g, o, &matches[i]);
}

static void observe(struct gathering *g, const struct observable *o)
{
    struct hit *hit = hit_new(g, o);
    hit->finding.kind = FINDING_OBSERVED;
    g->count++; /* the next one's ordinal */
    tell(g, hit);
}

void event_hits_take(struct hits_context *c, const struct event *e, const struct event_at *at,
                     const struct progress *patience)
{
    struct gathering g;
    g.context = c;
    g.event = e;
    g.at = at;
    g.patience = patience;
    g.reference = bytes_of(NULL, 0);
    g.count = 0;
    place(&g, WHERE_EVENT_SOURCE, e->country, g.country);
    place(&g, WHERE_EVENT_DESTINATION, e->remote_country, g.remote_country);
    c->counts.observables += e->observable_count;
    for (uint32_t i = 0; i < e->observable_count; i++)
        (c->observe ? observe : ask)(&g, &e->observables[i]);
    for (uint32_t i = 0; !c->observe && i < g.count; i++)
        tell(&g, g.hits[i]);
}
