/*
 * TLS over TCP (RFC 8446, 5; RFC 5246, 6): handshake messages out of records, whether a record holds several or a
 * message lies over many. Each octet is looked at once: what was walked is remembered in `looked` and `gathered`.
 *
 * A side is of no more interest once it is encrypted: after its ChangeCipherSpec only another hello is read, which a
 * server may ask for in plaintext (RFC 8446, D.4).
 */
#include "wire/handshake.h"

enum {
    RECORD_CHANGE_CIPHER_SPEC = 20,
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_HEARTBEAT = 24,
    RECORD_HEAD = 5,
    RECORD_MAX = (1 << 14) + 2048,
    ALERT = 2,
    VERSION_MAJOR = 3,
    CERTIFICATE_DER = 10, /* where in a Certificate message the first one's DER begins */
    DER_SEQUENCE = 0x30,
};

enum phase { PHASE_PLAIN, PHASE_CHANGED };

/* A way through the handshake octets of records that follow one another. */
struct records {
    struct bytes octets;
    size_t at;
    size_t inside; /* octets left of the record at hand */
};

enum step { STEP_PART, STEP_MORE, STEP_NO_HANDSHAKE };

static size_t u16_at(struct bytes b, size_t at)
{
    return (size_t)b.at[at] << 8 | b.at[at + 1];
}

static size_t u24_at(struct bytes b, size_t at)
{
    return (size_t)b.at[at] << 16 | u16_at(b, at + 1);
}

static bool is_handshake_record(struct bytes head)
{
    size_t length = u16_at(head, 3);
    return head.at[0] == RECORD_HANDSHAKE && head.at[1] == VERSION_MAJOR && length && length <= RECORD_MAX;
}

/* A message that a capture may begin with: a hello; or a certificate, if its DER is there to be sure. */
static enum probe probe_message(struct bytes message)
{
    static const size_t certificate_known = CERTIFICATE_DER + 2;
    if (message.at[0] == TLS_CLIENT_HELLO || message.at[0] == TLS_SERVER_HELLO)
        return PROBE_YES;
    if (message.at[0] != TLS_CERTIFICATE)
        return PROBE_NO;
    if (message.len < certificate_known)
        return PROBE_MORE;
    bool der = message.at[CERTIFICATE_DER] == DER_SEQUENCE && (message.at[CERTIFICATE_DER + 1] & 0xfc) == 0x80;
    return der && u24_at(message, 1) >= u24_at(message, 4) + 3 ? PROBE_YES : PROBE_NO;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    (void)transport;
    static const uint8_t pattern[] = {RECORD_HANDSHAKE, VERSION_MAJOR};
    size_t known = head.len < sizeof pattern ? head.len : sizeof pattern;
    if (memcmp(head.at, pattern, known) != 0)
        return PROBE_NO;
    if (head.len < RECORD_HEAD + 1)
        return PROBE_MORE;
    return is_handshake_record(head) ? probe_message(bytes_from(head, RECORD_HEAD)) : PROBE_NO;
}

static enum step step(struct records *r, struct bytes *part)
{
    if (!r->inside) {
        struct bytes head = bytes_from(r->octets, r->at);
        if (head.len < RECORD_HEAD)
            return STEP_MORE;
        if (!is_handshake_record(head))
            return STEP_NO_HANDSHAKE;
        r->at += RECORD_HEAD;
        r->inside = u16_at(head, 3);
    }
    *part = bytes_until(bytes_from(r->octets, r->at), r->inside);
    r->at += part->len;
    r->inside -= part->len;
    return part->len ? STEP_PART : STEP_MORE;
}

/* At most `want` handshake octets from here on: a view when they lie in one record, else put together in d->room. */
static struct bytes collect(struct dissection *d, struct records r, size_t want)
{
    struct bytes all = bytes_of(d->room, 0), part;
    while (all.len < want && step(&r, &part) == STEP_PART) {
        part = bytes_until(part, want - all.len);
        if (all.len == 0) {
            all = part;
            continue;
        }
        if (all.at != (const uint8_t *)d->room)
            memcpy(d->room, all.at, all.len);
        memcpy(d->room + all.len, part.at, part.len);
        all = bytes_of(d->room, all.len + part.len);
    }
    return all;
}

static struct records begin(const struct dissection *d, struct bytes octets)
{
    return (struct records){.octets = octets, .inside = d->flow->side[d->side].inside};
}

/* How long the message is with its head; 0 when that is not known yet. */
static size_t message_len(struct dissection *d, struct bytes octets)
{
    struct bytes head = collect(d, begin(d, octets), HANDSHAKE_HEAD);
    return head.len == HANDSHAKE_HEAD ? HANDSHAKE_HEAD + u24_at(head, 1) : 0;
}

static void rest(struct dissection *d, struct bytes octets)
{
    struct bytes h = collect(d, begin(d, octets), DISSECT_PENDING_MAX);
    if (h.len >= HANDSHAKE_HEAD)
        handshake_rest(d, HANDSHAKE_TLS, h.at[0], bytes_until(bytes_from(h, HANDSHAKE_HEAD), u24_at(h, 1)));
}

/* Between messages: what is no handshake record. Alerts and heartbeats are passed over. */
static size_t other_record(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    size_t length = u16_at(octets, 3);
    bool changed = side->phase == PHASE_CHANGED;
    if (octets.at[1] != VERSION_MAJOR || length > RECORD_MAX)
        return DISSECT_OFF;
    switch (octets.at[0]) {
    case RECORD_CHANGE_CIPHER_SPEC:
        if (length != 1 || changed)
            return DISSECT_OFF;
        side->phase = PHASE_CHANGED;
        break;
    case RECORD_ALERT:
        if (length != ALERT)
            return DISSECT_OFF;
        break;
    case RECORD_HEARTBEAT:
        if (changed)
            return DISSECT_OFF;
        break;
    default: return DISSECT_OFF;
    }
    side->skip = length;
    return RECORD_HEAD;
}

/* Behind a ChangeCipherSpec: another hello fills its record; anything else is encrypted. */
static bool is_another_hello(struct bytes octets)
{
    struct bytes message = bytes_from(octets, RECORD_HEAD);
    return (message.at[0] == TLS_CLIENT_HELLO || message.at[0] == TLS_SERVER_HELLO) &&
           u24_at(message, 1) + HANDSHAKE_HEAD == u16_at(octets, 3);
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    if (!side->inside && !side->looked) {
        if (octets.len < RECORD_HEAD)
            return 0;
        if (octets.at[0] != RECORD_HANDSHAKE)
            return other_record(d, octets);
        if (side->phase == PHASE_CHANGED && octets.len < RECORD_HEAD + HANDSHAKE_HEAD)
            return 0;
        if (side->phase == PHASE_CHANGED && !is_another_hello(octets))
            return DISSECT_OFF;
    }
    size_t len = message_len(d, octets);
    if (len > DISSECT_PENDING_MAX) {
        d->counts->tls_refused++;
        return DISSECT_OFF;
    }
    struct records r = begin(d, octets);
    if (side->looked)
        r = (struct records){.octets = octets, .at = side->looked};
    size_t have = side->gathered;
    enum step s = STEP_PART;
    struct bytes part;
    while ((!len || have < len) && (s = step(&r, &part)) == STEP_PART) {
        have += part.len;
        if (!r.inside && (!len || have < len)) { /* whole records need no second look */
            side->looked = (uint32_t)r.at;
            side->gathered = (uint32_t)have;
        }
    }
    if (len && have >= len) {
        struct bytes message = collect(d, begin(d, octets), len);
        size_t behind = have - len; /* of the next message, in the same record */
        side->inside = (uint32_t)(r.inside + behind);
        side->gathered = 0;
        handshake_message(d, HANDSHAKE_TLS, message.at[0], bytes_from(message, HANDSHAKE_HEAD));
        return r.at - behind;
    }
    if (s == STEP_MORE)
        return 0;
    rest(d, octets); /* another record within a message */
    return DISSECT_OFF;
}

const struct dissector dissector_tls = {
    .name = "tls", .transports = DISSECT_TCP, .encrypted = true, .probe = probe, .stream = stream, .rest = rest};
