/*
 * Each layer takes the cursor behind the one before and hands on. A layer that is cut or wrong says so; what was read
 * before it stands.
 */
#include "wire/decode.h"

/* https://www.tcpdump.org/linktypes.html */
enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_LINUX_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_LINUX_SLL2 = 276,
};

enum {
    ETHER_IPV4 = 0x0800,
    ETHER_VLAN = 0x8100,
    ETHER_IPV6 = 0x86dd,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100,
};

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

/* A header that the captured octets cannot hold was cut if the frame was longer on the wire. */
static enum decode_verdict short_of(const struct frame *f)
{
    return f->wire_len > f->octets.len ? DECODE_CUT : DECODE_MALFORMED;
}

/* `wire` is what the IP header counts behind its own; the captured octets may be fewer, or more by padding. */
static void transport(struct cursor *c, size_t wire, struct packet *p)
{
    if (wire < cursor_left(c))
        *c = cursor_child(c, wire);
    size_t head = 0;
    struct cursor begin = *c;
    switch (p->tuple.proto) {
    case PROTO_TCP:
        p->tuple.src_port = cursor_u16(c);
        p->tuple.dst_port = cursor_u16(c);
        p->tcp_seq = cursor_u32(c);
        p->tcp_ack = cursor_u32(c);
        head = (size_t)(cursor_u8(c) >> 4) * 4;
        p->tcp_flags = cursor_u8(c);
        if (head < 20)
            c->overrun = true;
        break;
    case PROTO_UDP:
        p->tuple.src_port = cursor_u16(c);
        p->tuple.dst_port = cursor_u16(c);
        size_t length = cursor_u16(c);
        head = 8;
        if (length && length < head) { /* 0: a jumbogram, or segmentation left to the network card */
            c->overrun = true;
        } else if (length && length < wire) {
            wire = length;
            begin = cursor_of(bytes_until(cursor_rest(&begin), wire));
        }
        break;
    case PROTO_SCTP:
        p->tuple.src_port = cursor_u16(c);
        p->tuple.dst_port = cursor_u16(c);
        head = 12;
        break;
    case PROTO_ICMP:
    case PROTO_ICMPV6:
        p->tuple.src_port = cursor_u8(c);
        p->tuple.dst_port = cursor_u8(c);
        head = 4;
        break;
    default: break;
    }
    *c = (struct cursor){.at = begin.at, .end = begin.end, .overrun = c->overrun};
    cursor_skip(c, head);
    if (c->overrun) {
        p->headless = true;
        p->tuple.src_port = p->tuple.dst_port = 0;
        p->tcp_flags = 0;
        return;
    }
    p->payload = cursor_rest(c);
    p->payload_len = (uint32_t)(wire - head);
}

static enum decode_verdict ipv4(const struct frame *f, struct cursor *c, struct packet *p)
{
    size_t before = cursor_left(c);
    uint8_t first = cursor_u8(c);
    size_t head = (size_t)(first & 15) * 4;
    cursor_skip(c, 1);
    size_t total = cursor_u16(c);
    cursor_skip(c, 2);
    uint16_t fragment = cursor_u16(c);
    cursor_skip(c, 1);
    p->tuple.proto = cursor_u8(c);
    cursor_skip(c, 2);
    struct bytes src = cursor_take(c, 4);
    struct bytes dst = cursor_take(c, 4);
    if (c->overrun)
        return short_of(f);
    if (first >> 4 != 4 || head < 20 || (total && total < head))
        return DECODE_MALFORMED;
    p->tuple.src = address_v4(src.at);
    p->tuple.dst = address_v4(dst.at);
    p->src_raw = src;
    p->dst_raw = dst;
    if (total == 0) /* segmentation was left to the network card */
        total = f->wire_len - f->octets.len + before;
    if (total > before + (f->wire_len - f->octets.len)) {
        p->headless = true; /* claims more than was on the wire: whom it was sent to drops it */
        return DECODE_OK;
    }
    p->fragment = fragment & 0x3fff;
    p->later_fragment = fragment & 0x1fff;
    cursor_skip(c, head - 20);
    if (!p->later_fragment)
        transport(c, total - head, p);
    return DECODE_OK;
}

/* Walks the extension headers; false when they end before a transport. */
static bool extensions(struct cursor *c, uint8_t *next, size_t *wire, struct packet *p)
{
    for (int n = 0; n <= DECODE_EXTENSIONS_MAX; n++) { /* the last time for what is no extension */
        size_t len;
        struct cursor look = *c;
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
            uint16_t offset = cursor_u16(&look);
            p->fragment = offset & 0xfff9;
            p->later_fragment = offset & 0xfff8;
            len = 8;
            break;
        }
        default: return true;
        }
        cursor_skip(c, len);
        if (c->overrun || len > *wire)
            return false;
        *wire -= len;
        *next = following;
        if (p->later_fragment)
            return false;
    }
    return false;
}

static enum decode_verdict ipv6(const struct frame *f, struct cursor *c, struct packet *p)
{
    uint8_t first = cursor_u8(c);
    cursor_skip(c, 3);
    size_t wire = cursor_u16(c);
    uint8_t next = cursor_u8(c);
    cursor_skip(c, 1);
    struct bytes src = cursor_take(c, 16);
    struct bytes dst = cursor_take(c, 16);
    if (c->overrun)
        return short_of(f);
    if (first >> 4 != 6)
        return DECODE_MALFORMED;
    p->tuple.src = address_v6(src.at);
    p->tuple.dst = address_v6(dst.at);
    p->src_raw = src;
    p->dst_raw = dst;
    if (wire == 0) /* a jumbogram, or segmentation left to the network card */
        wire = f->wire_len - f->octets.len + cursor_left(c);
    if (wire > cursor_left(c) + (f->wire_len - f->octets.len)) {
        p->headless = true;
        p->tuple.proto = next;
        return DECODE_OK;
    }
    bool reached = extensions(c, &next, &wire, p);
    p->tuple.proto = next;
    if (reached)
        transport(c, wire, p);
    else
        p->headless = !p->later_fragment;
    return DECODE_OK;
}

static enum decode_verdict internet(const struct frame *f, struct cursor *c, struct packet *p)
{
    if (!cursor_left(c))
        return short_of(f);
    switch (c->at[0] >> 4) {
    case 4: return ipv4(f, c, p);
    case 6: return ipv6(f, c, p);
    default: return DECODE_NOT_IP;
    }
}

static enum decode_verdict ether_type(const struct frame *f, struct cursor *c, uint16_t type, struct packet *p)
{
    for (int n = 0; n < DECODE_TAGS_MAX; n++) {
        if (type != ETHER_VLAN && type != ETHER_QINQ && type != ETHER_QINQ_OLD)
            break;
        uint16_t tag = cursor_u16(c);
        type = cursor_u16(c);
        if (p->tuple.vlans < TUPLE_VLANS_MAX)
            p->tuple.vlan[p->tuple.vlans++] = tag & 0xfff;
    }
    if (c->overrun)
        return short_of(f);
    return type == ETHER_IPV4 ? ipv4(f, c, p) : type == ETHER_IPV6 ? ipv6(f, c, p) : DECODE_NOT_IP;
}

/* The address family is in the byte order of the machine that captured; IPv6's number differs from system to system. */
static enum decode_verdict loopback(const struct frame *f, struct cursor *c, struct packet *p)
{
    cursor_skip(c, 4);
    return c->overrun ? short_of(f) : internet(f, c, p);
}

enum decode_verdict decode(const struct frame *f, struct packet *out)
{
    struct cursor c = cursor_of(f->octets);
    memset(out, 0, sizeof *out);
    switch (f->link) {
    case LINK_ETHERNET: cursor_skip(&c, 12); return ether_type(f, &c, cursor_u16(&c), out);
    case LINK_LINUX_SLL: cursor_skip(&c, 14); return ether_type(f, &c, cursor_u16(&c), out);
    case LINK_LINUX_SLL2: {
        uint16_t type = cursor_u16(&c);
        cursor_skip(&c, 18);
        return ether_type(f, &c, type, out);
    }
    case LINK_NULL:
    case LINK_LOOP: return loopback(f, &c, out);
    case LINK_RAW:
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_IPV4:
    case LINK_IPV6: return internet(f, &c, out);
    default: return DECODE_LINK_UNKNOWN;
    }
}
