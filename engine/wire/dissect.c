/*
 * Which protocol, and which octets it has not used yet. Values point into the frame as long as a message lies in one
 * segment; only what must wait is copied.
 */
#include "wire/dissect.h"

#include <stdlib.h>

const struct dissector *const dissectors[] = {&dissector_tls, &dissector_http, &dissector_dns, NULL};

static enum probe probe_all(struct bytes head, unsigned transport, const struct dissector **is)
{
    enum probe verdict = PROBE_NO;
    for (const struct dissector *const *d = dissectors; *d; d++) {
        if (!((*d)->transports & transport))
            continue;
        enum probe p = (*d)->probe(head, transport);
        if (p == PROBE_YES) {
            *is = *d;
            return PROBE_YES;
        }
        if (p == PROBE_MORE)
            verdict = PROBE_MORE;
    }
    return verdict;
}

void dissect_datagram(struct dissection *d, struct bytes payload)
{
    struct dissect_side *side = &d->flow->side[d->side];
    const struct dissector *is = d->flow->is;
    if (side->off || payload.len == 0)
        return;
    if (!is && probe_all(payload, DISSECT_UDP, &is) != PROBE_YES) {
        side->off = ++side->phase >= 4; /* four datagrams in a row that are nothing we know */
        return;
    }
    d->flow->is = is;
    is->datagram(d, payload);
}

static void forget(struct dissect_side *side)
{
    free(side->pending);
    side->pending = NULL;
    side->len = side->cap = 0;
}

static void off(struct dissect_side *side)
{
    forget(side);
    side->off = true;
}

/* Keeps what was not used. `octets` may lie in `pending` itself. */
static void keep(struct dissection *d, struct dissect_side *side, struct bytes octets)
{
    if (octets.len > DISSECT_PENDING_MAX) {
        d->counts->pending_full++;
        if (d->flow->is && d->flow->is->rest)
            d->flow->is->rest(d, octets);
        off(side);
        return;
    }
    if (octets.len > side->cap) {
        uint32_t cap = side->cap ? side->cap : 512;
        while (cap < octets.len)
            cap *= 2;
        uint8_t *larger = malloc(cap);
        if (!larger)
            abort();
        memcpy(larger, octets.at, octets.len);
        free(side->pending);
        side->pending = larger;
        side->cap = cap;
    } else if (octets.len) {
        memmove(side->pending, octets.at, octets.len);
    }
    side->len = (uint32_t)octets.len;
}

/* The unused octets and the new ones as one view. */
static struct bytes joined(struct dissect_side *side, struct bytes octets)
{
    if (side->len == 0)
        return octets;
    size_t len = side->len + octets.len;
    if (len > side->cap) {
        size_t cap = side->cap;
        while (cap < len)
            cap *= 2;
        uint8_t *larger = realloc(side->pending, cap);
        if (!larger)
            abort();
        side->pending = larger;
        side->cap = (uint32_t)cap;
    }
    memcpy(side->pending + side->len, octets.at, octets.len);
    side->len = (uint32_t)len;
    return bytes_of(side->pending, len);
}

static void hole(struct dissection *d, struct dissect_side *side)
{
    if (side->len && d->flow->is && d->flow->is->rest)
        d->flow->is->rest(d, bytes_of(side->pending, side->len));
    side->len = 0;
    side->skip = 0;
    side->phase = 0;
    side->lost = true;
}

/* Reads messages as long as there are whole ones; what is left is kept. */
static void read_messages(struct dissection *d, struct dissect_side *side, struct bytes octets)
{
    while (octets.len && !side->off) {
        if (side->skip) {
            size_t passed = side->skip < octets.len ? (size_t)side->skip : octets.len;
            side->skip -= passed;
            octets = bytes_from(octets, passed);
            continue;
        }
        const struct dissector *is = d->flow->is;
        if (!is) { /* begins anew */
            enum probe p = probe_all(octets, DISSECT_TCP, &is);
            if (p == PROBE_NO || (p == PROBE_MORE && octets.len >= DISSECT_PROBE_MAX)) {
                off(side);
                return;
            }
            if (p == PROBE_MORE)
                break;
            d->flow->is = is;
        }
        size_t used = is->stream(d, octets);
        if (used == DISSECT_OFF) {
            off(side);
            return;
        }
        if (used == 0)
            break;
        octets = bytes_from(octets, used);
    }
    keep(d, side, octets);
}

void dissect_stream(struct dissection *d, struct bytes octets, bool gap)
{
    struct dissect_side *side = &d->flow->side[d->side];
    if (side->off)
        return;
    if (gap)
        hole(d, side);
    if (side->lost) {
        const struct dissector *is = d->flow->is;
        if ((is ? is->probe(octets, DISSECT_TCP) : probe_all(octets, DISSECT_TCP, &is)) != PROBE_YES)
            return;
        side->lost = false;
    }
    read_messages(d, side, joined(side, octets));
}

void dissect_end(struct dissection *d)
{
    for (d->side = 0; d->side < 2; d->side++) {
        struct dissect_side *side = &d->flow->side[d->side];
        if (side->len && d->flow->is && d->flow->is->rest)
            d->flow->is->rest(d, bytes_of(side->pending, side->len));
        forget(side);
    }
}

bool dissect_is_encrypted(const struct dissect_flow *f)
{
    return f->is && f->is->encrypted;
}

bool dissect_wants_stream(const struct dissect_flow *f)
{
    return !f->side[0].off || !f->side[1].off;
}

void dissect_again(struct dissection *d)
{
    d->flow->is = NULL;
    d->flow->side[d->side].phase = 0;
    off(&d->flow->side[!d->side]); /* its answer would be taken for what begins */
}

static void tell(struct dissection *d, const struct observable *o)
{
    d->sink->observable(d->sink->to, d->view, d->at, o);
}

static void tell_value(struct dissection *d, enum observable_type type, enum where where, struct bytes value,
                       struct bytes raw, bool ech)
{
    if (value.len == 0) {
        d->counts->values_refused++;
        return;
    }
    tell(d, &(struct observable){.type = type, .where = where, .value = value, .raw = raw, .ech = ech});
}

void dissect_name(struct dissection *d, enum where where, struct bytes name, struct bytes raw, bool ech)
{
    char room[OBSERVABLE_VALUE_MAX];
    size_t len = name_canonical(name, room);
    tell_value(d, OBSERVABLE_DOMAIN_NAME, where, bytes_of(room, len), raw, ech);
}

void dissect_address(struct dissection *d, enum where where, const struct address *a, struct bytes raw)
{
    struct address canonical = address_canonical(a);
    tell(d, &(struct observable){
                .type = observable_type_of(&canonical), .where = where, .address = canonical, .raw = raw});
}

void dissect_endpoint(struct dissection *d, enum where where, const struct address *a, uint16_t port, struct bytes raw)
{
    tell(d, &(struct observable){
                .type = OBSERVABLE_IP_PORT, .where = where, .address = address_canonical(a), .port = port, .raw = raw});
}

/* `host`, `host:port`, `[v6]`, `[v6]:port`: the host. */
static struct bytes without_port(struct bytes host)
{
    if (host.len && host.at[0] == '[')
        return bytes_until(bytes_from(host, 1), bytes_find(host, ']') - 1);
    size_t colon = bytes_find(host, ':');
    bool one = bytes_find(bytes_from(host, colon + 1), ':') == bytes_from(host, colon + 1).len;
    return one ? bytes_until(host, colon) : host;
}

void dissect_host(struct dissection *d, enum where where, struct bytes host)
{
    struct bytes bare = without_port(host);
    struct address a;
    if (address_read(bare, &a))
        dissect_address(d, where, &a, host);
    else
        dissect_name(d, where, bare, host, false);
}

void dissect_url(struct dissection *d, enum where where, struct bytes url, struct bytes raw, bool host_too)
{
    char room[OBSERVABLE_VALUE_MAX];
    size_t len = url_canonical(url, room);
    struct bytes canonical = bytes_of(room, len);
    tell_value(d, OBSERVABLE_URL, where, canonical, raw, false);
    if (host_too && len)
        dissect_host(d, where, url_host(canonical));
}

void dissect_text(struct dissection *d, enum observable_type type, enum where where, struct bytes text)
{
    tell_value(d, type, where, bytes_until(bytes_trim(text), OBSERVABLE_VALUE_MAX), text, false);
}
