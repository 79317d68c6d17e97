/*
 * Which protocol, and which octets it has not used yet. Values point into the frame as long as a message lies in one
 * segment; only what must wait is copied.
 */
#include "wire/dissect.h"

#include <stdlib.h>

enum { PENDING_FIRST = 512 }; /* octets gathered at first */

const struct dissector *const dissectors[] = {&dissector_tls,
                                              &dissector_http,
                                              &dissector_quic,
                                              &dissector_dtls,
                                              &dissector_ssh,
                                              &dissector_smtp,
                                              &dissector_pop3,
                                              &dissector_imap,
                                              &dissector_smb2,
                                              &dissector_socks,
                                              &dissector_ftp,
                                              &dissector_dns,
                                              NULL};

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
    const struct dissector *is = d->flow->is;
    if (payload.len == 0)
        return;
    if (!is && probe_all(payload, DISSECT_UDP, &is) != PROBE_YES)
        return;
    d->flow->is = is;
    is->datagram(d, payload);
}

static void forget(struct dissection *d, struct dissect_side *side)
{
    free(side->pending);
    d->budget->held -= side->cap;
    side->pending = NULL;
    side->len = side->cap = 0;
}

static void off(struct dissection *d, struct dissect_side *side)
{
    forget(d, side);
    side->off = true;
}

/* Room for `len` octets in `pending`, whose octets in use stay; false when the budget does not grant it. */
static bool make_room(struct dissection *d, struct dissect_side *side, size_t len)
{
    size_t cap = side->cap ? side->cap : PENDING_FIRST;
    while (cap < len)
        cap *= 2;
    if (cap == side->cap)
        return true;
    if (d->budget->held + (cap - side->cap) > d->budget->max)
        return false;
    uint8_t *larger = malloc(cap);
    if (!larger)
        abort();
    if (side->len)
        memcpy(larger, side->pending, side->len);
    free(side->pending);
    d->budget->held += cap - side->cap;
    side->pending = larger;
    side->cap = (uint32_t)cap;
    return true;
}

/* A message that cannot be gathered: read as far as it goes, and no more of this side. */
static void give_up(struct dissection *d, struct dissect_side *side, struct bytes octets)
{
    d->counts->pending_full++;
    if (d->flow->is && d->flow->is->rest)
        d->flow->is->rest(d, octets);
    off(d, side);
}

/* Keeps what was not used; `octets` may lie in `pending` itself, and then there is room. */
static void keep(struct dissection *d, struct dissect_side *side, struct bytes octets)
{
    if (!octets.len) {
        forget(d, side);
        return;
    }
    if (octets.len > DISSECT_PENDING_MAX || !make_room(d, side, octets.len)) {
        give_up(d, side, octets);
        return;
    }
    memmove(side->pending, octets.at, octets.len);
    side->len = (uint32_t)octets.len;
}

/* The unused octets and the new ones as one view; false when there is no room for them. */
static bool join(struct dissection *d, struct dissect_side *side, struct bytes *octets)
{
    if (side->len == 0)
        return true;
    size_t len = side->len + octets->len;
    if (!make_room(d, side, len)) {
        give_up(d, side, bytes_of(side->pending, side->len));
        return false;
    }
    memcpy(side->pending + side->len, octets->at, octets->len);
    side->len = (uint32_t)len;
    *octets = bytes_of(side->pending, len);
    return true;
}

static void hole(struct dissection *d, struct dissect_side *side)
{
    if (side->len && d->flow->is && d->flow->is->rest)
        d->flow->is->rest(d, bytes_of(side->pending, side->len));
    if (d->flow->is && d->flow->is->hole)
        d->flow->is->hole(d);
    side->len = 0;
    side->skip = 0;
    side->phase = 0;
    side->looked = 0;
    side->gathered = 0;
    side->inside = 0;
    side->lost = true;
}

/* Octets that are nothing known: passed over, and after enough of them so is all the rest. */
static void pass_strange(struct dissection *d, struct dissect_side *side, struct bytes octets)
{
    struct dissect_side *other = &d->flow->side[!d->side];
    side->strange += octets.len < DISSECT_STRANGE_MAX ? (uint32_t)octets.len : DISSECT_STRANGE_MAX;
    if (side->strange < DISSECT_STRANGE_MAX)
        return;
    off(d, side);
    if (other->waits) /* for what this side began */
        off(d, other);
}

static bool begins_encryption(struct bytes octets)
{
    for (const struct dissector *const *d = dissectors; *d; d++)
        if ((*d)->encrypted && (*d)->transports & DISSECT_TCP && (*d)->probe(octets, DISSECT_TCP) == PROBE_YES)
            return true;
    return false;
}

/* Whether a message begins with this segment: of the flow's protocol, of any; behind strange octets, of an encrypted
 * one. */
static bool begins_here(const struct dissection *d, const struct dissect_side *side, struct bytes octets)
{
    const struct dissector *is = d->flow->is;
    if (is)
        return is->probe(octets, DISSECT_TCP) == PROBE_YES;
    return side->strange ? begins_encryption(octets) : probe_all(octets, DISSECT_TCP, &is) == PROBE_YES;
}

static bool is_end(const struct dissect_awaited *a, const struct address *at, uint16_t port, const struct address *with)
{
    return a->port == port && memcmp(&a->at, at, sizeof *at) == 0 && memcmp(&a->with, with, sizeof *with) == 0;
}

/* What another connection said that this one is, NULL when none did. */
static const struct dissector *take_awaited(struct dissection *d)
{
    const struct tuple *t = &d->view->tuple;
    struct dissect_budget *b = d->budget;
    for (unsigned i = 0; b->awaited_count && i < DISSECT_AWAITED; i++) {
        struct dissect_awaited *a = &b->awaited[i];
        const struct dissector *is = a->is;
        if (!is || !(is_end(a, &t->dst, t->dst_port, &t->src) || is_end(a, &t->src, t->src_port, &t->dst)))
            continue;
        a->is = NULL;
        b->awaited_count--;
        return is;
    }
    return NULL;
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
        if (!is && d->budget->awaited_count)
            is = d->flow->is = take_awaited(d);
        if (!is) { /* begins anew */
            enum probe p = probe_all(octets, DISSECT_TCP, &is);
            if (p == PROBE_NO || (p == PROBE_MORE && octets.len >= DISSECT_PROBE_MAX)) {
                forget(d, side);
                pass_strange(d, side, octets);
                return;
            }
            side->unsure = p == PROBE_MORE;
            if (p == PROBE_MORE)
                break;
            d->flow->is = is;
        }
        size_t used = is->stream(d, octets);
        if (used == DISSECT_OFF) {
            off(d, side);
            return;
        }
        if (used == 0)
            break;
        side->looked = 0;
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
    if (side->waits && !d->flow->is)
        return;
    if (side->lost || side->strange) {
        if (!begins_here(d, side, octets)) {
            if (side->strange)
                pass_strange(d, side, octets);
            return;
        }
        side->lost = false;
        side->waits = false;
        side->strange = 0;
    }
    if (side->len && side->unsure && begins_encryption(octets))
        forget(d, side);
    side->unsure &= !d->flow->is;
    if (join(d, side, &octets))
        read_messages(d, side, octets);
}

void dissect_end(struct dissection *d)
{
    for (d->side = 0; d->side < 2; d->side++) {
        struct dissect_side *side = &d->flow->side[d->side];
        if (side->len && d->flow->is && d->flow->is->rest)
            d->flow->is->rest(d, bytes_of(side->pending, side->len));
        forget(d, side);
    }
    d->side = 0;
    if (d->flow->state)
        d->flow->is->end(d);
}

bool dissect_owes(const struct dissect_flow *f)
{
    return f->side[0].len || f->side[1].len || f->side[0].owes || f->side[1].owes;
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
    if (d->flow->state)
        d->flow->is->end(d);
    d->flow->is = NULL;
    d->flow->side[d->side].phase = 0;
    struct dissect_side *other = &d->flow->side[!d->side];
    forget(d, other);
    *other = (struct dissect_side){.lost = true, .waits = true}; /* its answer would be taken for what begins */
}

bool dissect_room(struct dissection *d, size_t len)
{
    return make_room(d, &d->flow->side[d->side], len);
}

void dissect_forget(struct dissection *d)
{
    forget(d, &d->flow->side[d->side]);
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

void dissect_email(struct dissection *d, enum where where, struct bytes email, struct bytes raw)
{
    char room[OBSERVABLE_VALUE_MAX];
    size_t len = email_canonical(email, room);
    tell_value(d, OBSERVABLE_EMAIL_ADDR, where, bytes_of(room, len), raw, false);
}

void dissect_value(struct dissection *d, enum observable_type type, enum where where, struct bytes value,
                   struct bytes raw)
{
    tell_value(d, type, where, value, raw, false);
}

void dissect_text(struct dissection *d, enum observable_type type, enum where where, struct bytes text)
{
    tell_value(d, type, where, bytes_until(bytes_trim(text), OBSERVABLE_VALUE_MAX), text, false);
}
