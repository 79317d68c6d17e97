/*
 * DTLS (RFC 9147, 6347, 4347, and the version before them that Cisco's AnyConnect speaks): the plaintext handshake
 * messages of each datagram. A message that lies over several is gathered, one at a time.
 */
#include "wire/gather.h"
#include "wire/handshake.h"

enum {
    RECORD_HANDSHAKE = 22,
    RECORDS_MAX = 32,  /* of a datagram */
    MESSAGES_MAX = 64, /* of a record */
    RECORD_HEAD = 13,
    HELLO_VERIFY_REQUEST = 3,
};

struct record {
    uint8_t type;
    uint16_t version;
    uint16_t epoch;
    struct cursor content;
};

struct fragment {
    uint8_t type;
    uint32_t length; /* of the message */
    uint16_t number; /* of the message */
    uint32_t offset;
    struct bytes part;
};

static bool is_version(uint16_t v)
{
    return v == 0xfeff || v == 0xfefd || v == 0xfefc || v == 0x0100;
}

static struct record read_record(struct cursor *c)
{
    struct record r;
    r.type = cursor_u8(c);
    r.version = cursor_u16(c);
    r.epoch = cursor_u16(c);
    cursor_skip(c, 6); /* sequence number */
    r.content = cursor_child(c, cursor_u16(c));
    return r;
}

static struct fragment read_fragment(struct cursor *c)
{
    struct fragment f;
    f.type = cursor_u8(c);
    f.length = cursor_u24(c);
    f.number = cursor_u16(c);
    f.offset = cursor_u24(c);
    f.part = cursor_take(c, cursor_u24(c));
    return f;
}

static bool is_plain(const struct record *r)
{
    return r->type == RECORD_HANDSHAKE && is_version(r->version) && r->epoch == 0;
}

static bool fits(const struct fragment *f)
{
    return f->part.len <= f->length && f->offset <= f->length - f->part.len;
}

static bool is_told(uint8_t type)
{
    return type == TLS_CLIENT_HELLO || type == TLS_SERVER_HELLO || type == TLS_CERTIFICATE;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    (void)transport;
    struct cursor c = cursor_of(head);
    struct record r = read_record(&c);
    struct fragment f = read_fragment(&r.content);
    bool known = is_told(f.type) || f.type == HELLO_VERIFY_REQUEST;
    return is_plain(&r) && !c.overrun && !r.content.overrun && known && fits(&f) && f.length ? PROBE_YES : PROBE_NO;
}

/* What was gathered of a message that another one follows, or the flow's end. */
static void leave(struct dissection *d)
{
    struct bytes known = gather_known(d);
    if (known.len)
        handshake_rest(d, HANDSHAKE_DTLS, d->flow->side[d->side].phase, known);
    gather_clear(d);
}

/* `phase`, `looked` and `inside` name the message at hand: its type, number and length. */
static void gather(struct dissection *d, const struct fragment *f)
{
    struct dissect_side *side = &d->flow->side[d->side];
    bool same = side->phase == f->type && side->looked == f->number && side->inside == f->length;
    if (side->len && !same)
        leave(d);
    side->phase = f->type;
    side->looked = f->number;
    side->inside = f->length;
    if (!gather_add(d, f->offset, f->part)) {
        d->counts->pending_full++;
        leave(d);
        return;
    }
    struct bytes known = gather_known(d);
    if (known.len && known.len == f->length) {
        handshake_message(d, HANDSHAKE_DTLS, f->type, known);
        gather_clear(d);
    }
}

static void take_messages(struct dissection *d, struct cursor content)
{
    for (int n = 0; n < MESSAGES_MAX && cursor_left(&content); n++) {
        struct fragment f = read_fragment(&content);
        if (content.overrun || !fits(&f)) {
            d->counts->tls_refused++;
            return;
        }
        if (!is_told(f.type))
            continue;
        if (f.part.len == f.length)
            handshake_message(d, HANDSHAKE_DTLS, f.type, f.part);
        else
            gather(d, &f);
    }
}

/* Others may speak in the same flow (RFC 7983): what is no record is theirs. */
static void datagram(struct dissection *d, struct bytes payload)
{
    struct cursor c = cursor_of(payload);
    for (int n = 0; n < RECORDS_MAX && cursor_left(&c) >= RECORD_HEAD; n++) {
        struct record r = read_record(&c);
        if (!is_version(r.version) || c.overrun)
            return;
        if (is_plain(&r))
            take_messages(d, r.content);
    }
}

static void rest(struct dissection *d, struct bytes octets)
{
    (void)octets;
    leave(d);
}

const struct dissector dissector_dtls = {
    .name = "dtls", .transports = DISSECT_UDP, .encrypted = true, .probe = probe, .datagram = datagram, .rest = rest};
