/*
 * Each layer takes the cursor behind the one before and hands on. A layer that is cut or wrong says so; what was read
 * before it stands.
 */
#include "wire/layers.h"

enum {
    NEXT_HOP_BY_HOP = 0,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_AUTHENTICATION = 51,
    NEXT_DESTINATION = 60,
    NEXT_MOBILITY = 135,
    NEXT_HIP = 139,
    NEXT_SHIM6 = 140,
};

const char *decode_verdict_name(enum decode_verdict v)
{
    static const char *const names[DECODE_VERDICTS] = {"decoded", "link type unknown", "not IP", "cut by snap length",
                                                       "malformed"};
    return names[v];
}

enum { ETHERNET_HEAD = 14, IPV4_HEAD = 20, TCP_HEAD = 20, UDP_HEAD = 8, SCTP_HEAD = 12, ICMP_HEAD = 4 };

/* Numbers in a header that was taken whole. */
static uint16_t u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)u16(at) << 16 | u16(at + 2);
}

static size_t as_sent(const struct walk *w)
{
    return cursor_left(&w->c) + w->missing;
}

static bool has_ports(uint8_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP;
}

static void ports(struct packet *p, const uint8_t *at)
{
    p->tuple.src_port = u16(at);
    p->tuple.dst_port = u16(at + 2);
}

/* Of a packet that is quoted there may be no more than eight octets. */
static void headless(struct packet *p, struct bytes octets)
{
    p->headless = true;
    if (p->quoted && has_ports(p->tuple.proto) && octets.len >= 4)
        ports(p, octets.at);
}

/* Each gives the length of its header; NO_HEADER where it is cut or cannot be. */
#define NO_HEADER SIZE_MAX

/* Of its options nothing is asked: they may be cut. */
static size_t tcp(const struct walk *w, struct packet *p, struct bytes b)
{
    size_t head = b.len < TCP_HEAD ? 0 : (size_t)(b.at[12] >> 4) * 4;
    if (head < TCP_HEAD || head > as_sent(w))
        return NO_HEADER;
    ports(p, b.at);
    p->tcp_seq = u32(b.at + 4);
    p->tcp_ack = u32(b.at + 8);
    p->tcp_flags = b.at[13];
    return head;
}

/* Length 0: a jumbogram, or segmentation left to the network card. */
static size_t udp(struct walk *w, struct packet *p, struct bytes b)
{
    size_t length = b.len < UDP_HEAD ? 1 : u16(b.at + 4);
    if (length && length < UDP_HEAD)
        return NO_HEADER;
    if (length)
        walk_limit(w, length);
    ports(p, b.at);
    return UDP_HEAD;
}

static size_t sctp(struct packet *p, struct bytes b)
{
    if (b.len < SCTP_HEAD)
        return NO_HEADER;
    ports(p, b.at);
    return SCTP_HEAD;
}

static size_t icmp(struct packet *p, struct bytes b)
{
    if (b.len < ICMP_HEAD)
        return NO_HEADER;
    p->tuple.src_port = b.at[0];
    p->tuple.dst_port = b.at[1];
    return ICMP_HEAD;
}

static void transport(struct walk *w, struct packet *p)
{
    struct bytes octets = cursor_rest(&w->c);
    size_t head = w->c.overrun ? NO_HEADER : 0;
    if (!w->c.overrun)
        switch (p->tuple.proto) {
        case PROTO_TCP: head = tcp(w, p, octets); break;
        case PROTO_UDP: head = udp(w, p, octets); break;
        case PROTO_SCTP: head = sctp(p, octets); break;
        case PROTO_ICMP:
        case PROTO_ICMPV6: head = icmp(p, octets); break;
        default: break;
        }
    if (head == NO_HEADER) {
        headless(p, octets);
        return;
    }
    p->payload_len = (uint32_t)(as_sent(w) - head);
    size_t left = cursor_left(&w->c);
    w->c.at += head < left ? head : left;
    p->payload = cursor_rest(&w->c);
}

static void without_payload(struct packet *p)
{
    p->payload.len = 0;
    p->payload_len = 0;
}

/* Destination unreachable, source quench, redirect, time exceeded, parameter problem (RFC 792); destination
 * unreachable, packet too big, time exceeded, parameter problem (RFC 4443). */
static bool is_icmp_error(const struct tuple *t)
{
    unsigned type = t->src_port;
    if (t->proto == PROTO_ICMP)
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    return type >= 1 && type <= 4;
}

/* Unreachable; but code 4 of ICMP asks for smaller packets. */
static bool says_refused(const struct tuple *t)
{
    return t->proto == PROTO_ICMP ? t->src_port == 3 && t->dst_port != 4 : t->src_port == 1;
}

bool decode_quote(const struct packet *error, struct packet *out)
{
    struct walk w = {.c = cursor_of(bytes_from(error->payload, 4)), .missing = UINT16_MAX, .at = out, .end = out + 1};
    *out = (struct packet){.quoted = true, .joined = error->joined, .depth = error->depth};
    if (walk_ip(&w) != DECODE_OK)
        return false;
    without_payload(out);
    out->fragment = false; /* nobody gathers quotes */
    out->part = bytes_of(NULL, 0);
    out->part_len = 0;
    out->refused = says_refused(&error->tuple) && address_equal(&out->tuple.src, &error->tuple.dst);
    return true;
}

static void quote(struct walk *w, struct packet *p)
{
    if (!is_icmp_error(&p->tuple) || p->quoted)
        return;
    p->quotes = decode_quote(p, w->at);
    w->at += p->quotes;
}

/* What lies behind a transport header that was read: nothing of ours, another packet, or one that is quoted. */
static void carried(struct walk *w, struct packet *p)
{
    switch (p->tuple.proto) {
    case PROTO_TCP:
    case PROTO_SCTP: return;
    case PROTO_ICMP:
    case PROTO_ICMPV6: quote(w, p); return;
    case PROTO_UDP:
        if (!tunnel_may_carry_udp(p))
            return;
        break;
    default:
        if (!tunnel_may_carry(p->tuple.proto))
            return;
    }
    if (p->quoted || tunnel_walk(w, p) != DECODE_OK)
        return;
    p->carrier = true;
    without_payload(p);
}

/* Behind the IP header, up to the end of the datagram. */
static enum decode_verdict content(struct walk *w)
{
    struct packet *p = w->at++;
    if (p->fragment && p->later_fragment)
        return DECODE_OK;
    transport(w, p);
    if (p->fragment)
        without_payload(p);
    else if (!p->headless)
        carried(w, p);
    return DECODE_OK;
}

static enum decode_verdict beyond_frame(struct walk *w)
{
    if (w->strict)
        return DECODE_MALFORMED;
    w->at++->headless = true; /* claims more than was on the wire: whom it was sent to drops it */
    return DECODE_OK;
}

static void part_of(const struct walk *w, struct packet *p)
{
    p->part = cursor_rest(&w->c);
    p->part_len = (uint32_t)as_sent(w);
}

/* The authentication header hides nothing. */
static void authentication(struct walk *w, struct packet *p)
{
    uint8_t next = cursor_u8(&w->c);
    size_t len = ((size_t)cursor_u8(&w->c) + 2) * 4;
    cursor_skip(&w->c, len - 2);
    if (!w->c.overrun)
        p->tuple.proto = next;
}

static enum decode_verdict ipv4(struct walk *w)
{
    struct packet *p = w->at;
    struct cursor *c = &w->c;
    size_t sent = as_sent(w);
    struct bytes header = cursor_take(c, IPV4_HEAD);
    if (c->overrun)
        return walk_short(w);
    const uint8_t *at = header.at;
    size_t head = (size_t)(at[0] & 15) * 4;
    size_t total = u16(at + 2);
    uint16_t fragment = u16(at + 6);
    if (at[0] >> 4 != 4 || head < IPV4_HEAD || (total && total < head))
        return DECODE_MALFORMED;
    p->tuple.proto = at[9];
    p->src_raw = bytes_of(at + 12, 4);
    p->dst_raw = bytes_of(at + 16, 4);
    p->tuple.src = address_v4(at + 12);
    p->tuple.dst = address_v4(at + 16);
    if (total == 0) /* segmentation was left to the network card */
        total = sent;
    if (total > sent || head > total)
        return beyond_frame(w);
    walk_limit(w, total - IPV4_HEAD);
    cursor_skip(c, head - IPV4_HEAD);
    if (fragment & 0x3fff) {
        p->fragment = true;
        p->later_fragment = fragment & 0x1fff;
        p->more_fragments = fragment & 0x2000;
        p->part_id = u16(at + 4);
        p->part_at = (uint16_t)(fragment << 3);
        part_of(w, p);
    } else if (p->tuple.proto == NEXT_AUTHENTICATION) {
        authentication(w, p);
    }
    return content(w);
}

/* Walks the extension headers; false when they end before a transport. `*next` is what it stopped at. */
static bool extensions(struct walk *w, uint8_t *next, struct packet *p)
{
    for (int n = 0; n <= DECODE_EXTENSIONS_MAX; n++) { /* the last time for what is no extension */
        size_t len;
        struct cursor look = w->c;
        uint8_t following = cursor_u8(&look);
        uint8_t units = cursor_u8(&look);
        switch (*next) {
        case NEXT_HOP_BY_HOP:
        case NEXT_ROUTING:
        case NEXT_DESTINATION:
        case NEXT_MOBILITY:
        case NEXT_HIP:
        case NEXT_SHIM6: len = ((size_t)units + 1) * 8; break;
        case NEXT_AUTHENTICATION: len = ((size_t)units + 2) * 4; break;
        case NEXT_FRAGMENT: {
            uint16_t place = cursor_u16(&look);
            p->fragment = place & 0xfff9;
            p->later_fragment = place & 0xfff8;
            p->more_fragments = place & 1;
            p->part_id = cursor_u32(&look);
            p->part_at = place & 0xfff8;
            len = 8;
            break;
        }
        default: return true;
        }
        if (len > as_sent(w))
            return false;
        uint8_t is = *next;
        cursor_skip(&w->c, len);
        if (w->c.overrun)
            return false;
        *next = following;
        if (is == NEXT_FRAGMENT && p->fragment) {
            p->tuple.proto = following;
            part_of(w, p);
            if (p->later_fragment)
                return false;
        }
    }
    return false;
}

/* The headers of IPv6 that may follow its own or a fragment header, and what they lead to. */
static enum decode_verdict extended(struct walk *w, uint8_t next)
{
    struct packet *p = w->at;
    bool reached = extensions(w, &next, p);
    p->tuple.proto = next;
    if (reached)
        return content(w);
    p->headless = !p->later_fragment;
    w->at++;
    return DECODE_OK;
}

static enum decode_verdict ipv6(struct walk *w)
{
    struct packet *p = w->at;
    struct cursor *c = &w->c;
    uint8_t first = cursor_u8(c);
    cursor_skip(c, 3);
    size_t len = cursor_u16(c);
    uint8_t next = cursor_u8(c);
    cursor_skip(c, 1);
    struct bytes src = cursor_take(c, 16);
    struct bytes dst = cursor_take(c, 16);
    if (c->overrun)
        return walk_short(w);
    if (first >> 4 != 6)
        return DECODE_MALFORMED;
    p->tuple.src = address_v6(src.at);
    p->tuple.dst = address_v6(dst.at);
    p->src_raw = src;
    p->dst_raw = dst;
    if (len > as_sent(w)) {
        p->tuple.proto = next;
        return beyond_frame(w);
    }
    if (len) /* 0: a jumbogram, or segmentation left to the network card */
        walk_limit(w, len);
    return extended(w, next);
}

enum decode_verdict walk_ip(struct walk *w)
{
    if (!cursor_left(&w->c))
        return walk_short(w);
    if (w->at == w->end)
        return DECODE_NOT_IP;
    switch (w->c.at[0] >> 4) {
    case 4: return ipv4(w);
    case 6: return ipv6(w);
    default: return DECODE_NOT_IP;
    }
}

/* Nearly every frame: Ethernet, no tag, IPv4. It needs no link layer's function, only their result. */
static bool is_plain(const struct frame *f)
{
    const uint8_t *at = f->octets.at;
    return f->link == 1 && f->octets.len >= ETHERNET_HEAD + IPV4_HEAD && at[12] == 8 && at[13] == 0 &&
           at[ETHERNET_HEAD] >> 4 == 4;
}

enum decode_verdict decode(const struct frame *f, struct packet out[DECODE_PACKETS_MAX], unsigned *count)
{
    struct walk w = {.c = cursor_of(f->octets),
                     .missing = f->wire_len - f->octets.len,
                     .at = out,
                     .end = out + DECODE_TUNNELS_MAX + 1};
    memset(out, 0, sizeof *out);
    enum decode_verdict v;
    if (is_plain(f)) {
        w.c.at += ETHERNET_HEAD;
        v = ipv4(&w);
    } else {
        v = walk_link(&w, f->link);
    }
    *count = v == DECODE_OK ? (unsigned)(w.at - out) : 0;
    return v;
}

void decode_datagram(struct packet *out, uint8_t proto, struct bytes whole, unsigned room, unsigned *count)
{
    struct walk w = {.c = cursor_of(whole), .at = out, .end = out + (room - 1)};
    bool v4 = address_is_v4(&out->tuple.src);
    out->fragment = out->later_fragment = out->more_fragments = out->headless = false;
    out->part = bytes_of(NULL, 0);
    out->joined = true;
    out->tuple.proto = proto;
    if (v4 && proto == NEXT_AUTHENTICATION)
        authentication(&w, out);
    if (v4)
        content(&w);
    else
        extended(&w, proto);
    *count = (unsigned)(w.at - out);
}
