/*
 * QUIC (RFC 9000, 9001, 9369 and the drafts): the hellos in the Initial packets of both sides. Each packet is opened
 * with keys made of the client's first Destination Connection ID, which the flow remembers; CRYPTO frames are put
 * together from any number of packets. Google's own QUIC (Q0xx) has its client hello in plaintext, or, in Q050, in the
 * same frames.
 *
 * What cannot be opened is tried TRIES_MAX times a side; then the side is of no more interest.
 */
#include "wire/quic_initial.h"

#include "wire/gather.h"
#include "wire/handshake.h"

enum {
    LONG_HEADER = 0x80,
    PACKETS_MAX = 16, /* of a datagram */
    FRAMES_MAX = 512, /* of a packet */
    RANGES_MAX = 256, /* of an ACK */
    TRIES_MAX = 8,
    FRAME_PADDING = 0,
    FRAME_PING = 1,
    FRAME_ACK = 2,
    FRAME_ACK_ECN = 3,
    FRAME_CLOSE = 0x1c,
    GOOGLE_TAG = 4, /* octets */
    GOOGLE_ENTRY = 8,
    GOOGLE_TAGS_MAX = 128,
    GOOGLE_SEARCH = 64, /* octets behind the connection ID within which the client hello begins */
    GOOGLE_CID = 8,
    GOOGLE_LONG = 6,     /* octets in front of a connection ID in a long header */
    GOOGLE_FLAGS = 0xc9, /* bits of a public header: two reserved, a connection ID, a version */
    GOOGLE_FLAGGED = 0x09,
};

enum phase { PHASE_NEW, PHASE_DONE };

struct header {
    int version; /* -1: not known, or negotiated */
    enum quic_type type;
    struct bytes destination;
    size_t number_at;
    struct bytes packet; /* up to its end */
};

/* RFC 9000, 16. */
static uint64_t varint(struct cursor *c)
{
    uint64_t v = cursor_u8(c);
    int more = (1 << (v >> 6)) - 1;
    for (v &= 0x3f; more; more--)
        v = v << 8 | cursor_u8(c);
    return v;
}

static struct bytes read_cid(struct cursor *c)
{
    size_t len = cursor_u8(c);
    if (len > QUIC_CID_MAX)
        c->overrun = true;
    return cursor_take(c, len > QUIC_CID_MAX ? 0 : len);
}

/* A long header, and where its packet ends; false when there is none that is of interest: behind a Retry and behind a
 * version that is not known nothing follows. */
static bool read_header(struct cursor *c, struct header *h)
{
    struct bytes all = cursor_rest(c);
    uint8_t first = cursor_u8(c);
    if (!(first & LONG_HEADER))
        return false;
    *h = (struct header){.version = quic_version_find(cursor_u32(c))};
    h->destination = read_cid(c);
    (void)read_cid(c); /* source */
    if (c->overrun || h->version < 0)
        return false;
    h->type = quic_type_of(&quic_versions[h->version], first);
    if (h->type == QUIC_RETRY)
        return false;
    if (h->type == QUIC_INITIAL) {
        uint64_t token = varint(c);
        if (token > cursor_left(c))
            return false;
        cursor_skip(c, token);
    }
    uint64_t length = varint(c);
    h->number_at = all.len - cursor_left(c);
    if (c->overrun || length > cursor_left(c))
        return false;
    cursor_skip(c, length);
    h->packet = bytes_until(all, h->number_at + length);
    return true;
}

/* Google's public header before Q044 (flags, connection ID, version), and the long header of Q044 and Q046. */
static bool is_google(struct bytes head, size_t *behind)
{
    if (head.len < GOOGLE_LONG + GOOGLE_CID)
        return false;
    bool is_long = head.at[0] & LONG_HEADER;
    struct bytes version = bytes_from(head, is_long ? 1 : 1 + GOOGLE_CID);
    *behind = is_long ? GOOGLE_LONG + GOOGLE_CID : 1 + GOOGLE_CID + GOOGLE_TAG;
    bool flagged = is_long || (head.at[0] & GOOGLE_FLAGS) == GOOGLE_FLAGGED;
    return flagged && version.at[0] == 'Q' && version.at[1] == '0' && version.at[2] >= '2' && version.at[2] <= '4' &&
           version.at[3] >= '0' && version.at[3] <= '9';
}

static enum probe probe(struct bytes head, unsigned transport)
{
    (void)transport;
    struct cursor c = cursor_of(head);
    struct header h;
    size_t behind;
    if (is_google(head, &behind))
        return PROBE_YES;
    bool initial = read_header(&c, &h) && h.type == QUIC_INITIAL;
    return initial && h.packet.len > h.number_at + DIGEST_GCM_TAG_BYTES ? PROBE_YES : PROBE_NO;
}

static struct dissect_side *side_of(const struct dissection *d)
{
    return &d->flow->side[d->side];
}

/* Google's client hello (Langley and Chang, QUIC Crypto, 2016): tags in order, each with the end of its value. */
static void google_hello(struct dissection *d, struct bytes octets)
{
    struct cursor c = cursor_of(bytes_from(octets, GOOGLE_TAG));
    size_t count = cursor_u16_of(&c, false);
    cursor_skip(&c, 2);
    bool whole = !c.overrun && count <= GOOGLE_TAGS_MAX && cursor_left(&c) >= count * GOOGLE_ENTRY;
    struct bytes values = bytes_from(cursor_rest(&c), count * GOOGLE_ENTRY);
    uint32_t begin = 0;
    for (size_t i = 0; whole && i < count; i++) {
        struct bytes tag = cursor_take(&c, GOOGLE_TAG);
        uint32_t end = cursor_u32_of(&c, false);
        whole = begin <= end && end <= values.len;
        struct bytes value = whole ? bytes_until(bytes_from(values, begin), end - begin) : bytes_of(NULL, 0);
        if (value.len && bytes_equal(tag, bytes_of("SNI", GOOGLE_TAG)))
            dissect_host(d, WHERE_QUIC_SNI, value);
        if (value.len && bytes_equal(tag, bytes_text("UAID")))
            dissect_text(d, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, value);
        begin = end;
    }
    d->counts->tls++;
    d->counts->tls_refused += !whole;
}

static bool is_google_hello(struct bytes b)
{
    return bytes_start_with(b, "CHLO");
}

static void google(struct dissection *d, struct bytes payload)
{
    for (size_t i = 0; i < GOOGLE_SEARCH && i + GOOGLE_TAG <= payload.len; i++)
        if (is_google_hello(bytes_from(payload, i))) {
            google_hello(d, bytes_from(payload, i));
            return;
        }
}

static void skip_ack(struct cursor *c, bool ecn)
{
    varint(c); /* largest */
    varint(c); /* delay */
    uint64_t ranges = varint(c);
    varint(c); /* first range */
    if (ranges > RANGES_MAX)
        c->overrun = true;
    for (uint64_t i = 0; i < 2 * ranges && !c->overrun; i++)
        varint(c);
    for (int i = 0; ecn && i < 3; i++)
        varint(c);
}

/* The message once it is whole; true then. */
static bool take_hello(struct dissection *d, struct bytes known)
{
    if (known.len < HANDSHAKE_HEAD)
        return false;
    if (is_google_hello(known)) {
        google_hello(d, known); /* one packet holds it */
        return true;
    }
    size_t length = (size_t)known.at[1] << 16 | (size_t)known.at[2] << 8 | known.at[3];
    if (known.len - HANDSHAKE_HEAD < length)
        return false;
    handshake_message(d, HANDSHAKE_QUIC, known.at[0], bytes_until(bytes_from(known, HANDSHAKE_HEAD), length));
    return true;
}

static void done(struct dissection *d)
{
    gather_clear(d);
    side_of(d)->phase = PHASE_DONE;
}

static void take_crypto(struct dissection *d, uint64_t offset, struct bytes part)
{
    struct dissect_side *side = side_of(d);
    if (side->phase == PHASE_DONE)
        return;
    if (side->len == 0 && offset == 0 && take_hello(d, part)) {
        done(d);
        return;
    }
    if (offset > GATHER_MAX || !gather_add(d, (size_t)offset, part))
        d->counts->pending_full++;
}

static void take_frames(struct dissection *d, struct bytes frames, uint8_t crypto)
{
    struct cursor c = cursor_of(frames);
    for (int n = 0; n < FRAMES_MAX && !c.overrun; n++) {
        while (cursor_left(&c) && *c.at == FRAME_PADDING)
            c.at++;
        if (!cursor_left(&c))
            break;
        uint64_t type = varint(&c);
        if (type == crypto) {
            uint64_t offset = varint(&c), length = varint(&c);
            struct bytes part = cursor_take(&c, length < cursor_left(&c) ? (size_t)length : cursor_left(&c));
            c.overrun |= part.len < length;
            if (!c.overrun)
                take_crypto(d, offset, part);
        } else if (type == FRAME_ACK || type == FRAME_ACK_ECN) {
            skip_ack(&c, type == FRAME_ACK_ECN);
        } else if (type == FRAME_CLOSE) {
            break;
        } else if (type != FRAME_PING) {
            c.overrun = true;
        }
    }
    d->counts->quic_refused += c.overrun;
    if (side_of(d)->phase != PHASE_DONE && take_hello(d, gather_known(d)))
        done(d);
}

/* The frames of a packet under keys that are made of this connection ID; empty when they are not its keys. They lie in
 * d->room. */
static struct bytes open_with(struct dissection *d, const struct header *h, struct bytes client_cid, bool server)
{
    struct quic_keys keys;
    if (h->packet.len > DISSECT_PENDING_MAX)
        return bytes_of(NULL, 0);
    quic_keys_derive(&quic_versions[h->version], client_cid, server, &keys);
    return quic_open(&keys, h->packet, h->number_at, (uint8_t *)d->room);
}

static void failed(struct dissection *d)
{
    struct dissect_side *side = side_of(d);
    d->counts->quic_refused++;
    if (++side->looked < TRIES_MAX)
        return;
    gather_clear(d);
    side->off = true;
}

static void begin_connection(struct dissection *d, const struct header *h)
{
    struct dissect_flow *f = d->flow;
    for (int i = 0; i < 2; i++)
        f->side[i].phase = PHASE_NEW;
    gather_clear(d);
    f->client = (uint8_t)d->side;
    f->quic = (uint8_t)(h->version + 1);
    f->cid_len = (uint8_t)h->destination.len;
    memcpy(f->cid, h->destination.at, h->destination.len);
}

/* A server's packet has keys of the client's ID, and so have a client's further ones, perhaps in another version (RFC
 * 9369, 4.1); one that has keys of its own ID begins a connection, as behind a Retry and a version negotiation. */
static void initial(struct dissection *d, const struct header *h)
{
    const struct dissect_flow *f = d->flow;
    struct dissect_side *side = side_of(d);
    struct bytes known = bytes_of(f->cid, f->cid_len), frames = {.at = NULL};
    bool from_server = f->quic && f->client != d->side;
    bool same = f->quic == h->version + 1 && bytes_equal(known, h->destination);
    if (side->phase == PHASE_DONE && (from_server || same))
        return;
    if (f->quic)
        frames = open_with(d, h, known, from_server);
    if (!frames.len && !from_server && !same) {
        frames = open_with(d, h, h->destination, false);
        if (frames.len)
            begin_connection(d, h);
    }
    if (!frames.len) {
        failed(d);
        return;
    }
    d->counts->quic++;
    side->looked = 0;
    take_frames(d, frames, quic_versions[h->version].crypto);
}

static void datagram(struct dissection *d, struct bytes payload)
{
    size_t behind;
    struct cursor c = cursor_of(payload);
    struct header h;
    if (side_of(d)->off)
        return;
    if (is_google(payload, &behind)) {
        google(d, bytes_from(payload, behind));
        return;
    }
    for (int n = 0; n < PACKETS_MAX && cursor_left(&c) && !side_of(d)->off && read_header(&c, &h); n++)
        if (h.type == QUIC_INITIAL)
            initial(d, &h);
}

static void rest(struct dissection *d, struct bytes octets)
{
    (void)octets;
    struct bytes known = gather_known(d);
    if (known.len > HANDSHAKE_HEAD)
        handshake_rest(d, HANDSHAKE_QUIC, known.at[0], bytes_from(known, HANDSHAKE_HEAD));
}

const struct dissector dissector_quic = {
    .name = "quic", .transports = DISSECT_UDP, .encrypted = true, .probe = probe, .datagram = datagram, .rest = rest};
