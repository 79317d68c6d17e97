/*
 * One function a kind; each reads its header and says what is behind it.
 */
#include "wire/layers.h"

enum {
    PROTO_IPV4 = 4,
    PROTO_IPV6 = 41,
    PROTO_GRE = 47,
    PROTO_ETHERIP = 97,
    PROTO_MPLS = 137,
    PROTO_ETHERNET = 143,
};

enum {
    PORT_L2TP = 1701,
    PORT_GTPU = 2152,
    PORT_TEREDO = 3544,
    PORT_GRE = 4754,
    PORT_VXLAN = 4789,
    PORT_VXLAN_GPE = 4790,
    PORT_GENEVE = 6081,
    PORT_MPLS = 6635,
    PORT_VXLAN_OLD = 8472,
};

enum {
    GRE_PPP = 0x880b,
    GRE_ERSPAN = 0x88be,
    GRE_ERSPAN3 = 0x22eb,
    GRE_WCCP = 0x883e,
    GRE_ARUBA = 0x82, /* and any octet behind it */
};

enum { IPV6_HEAD = 40, SOURCES_MAX = 16, GTP_HEADERS_MAX = 8 };

bool tunnel_may_carry(uint8_t proto)
{
    return proto == PROTO_GRE || proto == PROTO_IPV4 || proto == PROTO_IPV6 || proto == PROTO_ETHERIP ||
           proto == PROTO_MPLS || proto == PROTO_ETHERNET;
}

static bool is_teredo_address(const uint8_t *at)
{
    return at[0] == 0x20 && at[1] == 0x01 && at[2] == 0 && at[3] == 0;
}

/* An IPv6 packet that ends where the datagram does (but for trailers, RFC 6081), from or to a client of Teredo. */
static bool looks_like_teredo(const struct packet *p)
{
    const uint8_t *at = p->payload.at;
    if (p->payload.len < IPV6_HEAD || at[0] >> 4 != 6)
        return false;
    size_t len = (size_t)at[4] << 8 | at[5];
    return IPV6_HEAD + len <= p->payload_len && (is_teredo_address(at + 8) || is_teredo_address(at + 24));
}

bool tunnel_may_carry_udp(const struct packet *p)
{
    switch (p->tuple.dst_port) {
    case PORT_L2TP:
    case PORT_GTPU:
    case PORT_TEREDO:
    case PORT_VXLAN:
    case PORT_VXLAN_GPE:
    case PORT_GENEVE:
    case PORT_MPLS:
    case PORT_GRE:
    case PORT_VXLAN_OLD: return true;
    default:
        return p->tuple.src_port == PORT_TEREDO || p->tuple.src_port == PORT_L2TP || p->tuple.src_port == PORT_GTPU ||
               looks_like_teredo(p);
    }
}

static enum decode_verdict behind(struct walk *w, size_t head, enum decode_verdict (*next)(struct walk *w))
{
    cursor_skip(&w->c, head);
    return w->c.overrun ? walk_short(w) : next(w);
}

static void mark(struct walk *w, enum tunnel is)
{
    w->at->tuple.tunnel = (uint8_t)is;
}

/* Types I (no header), II (behind a sequence number) and III. */
static enum decode_verdict erspan(struct walk *w, uint16_t type, bool sequence)
{
    size_t head = type == GRE_ERSPAN ? (sequence ? 8 : 0) : 12;
    mark(w, TUNNEL_ERSPAN);
    if (type == GRE_ERSPAN3 && cursor_left(&w->c) >= 12 && w->c.at[11] & 1)
        head += 8; /* of the platform */
    return behind(w, head, walk_ethernet);
}

/* WCCP version 2 puts four octets in front of the packet, version 1 none. */
static enum decode_verdict wccp(struct walk *w)
{
    bool redirect = cursor_left(&w->c) && w->c.at[0] >> 4 != 4;
    return behind(w, redirect ? 4 : 0, walk_ip);
}

/* Source routes (RFC 1701), up to the empty one. */
static void skip_routes(struct cursor *c)
{
    for (int n = 0; n < SOURCES_MAX && !c->overrun; n++) {
        cursor_skip(c, 3);
        size_t len = cursor_u8(c);
        if (!len)
            return;
        cursor_skip(c, len);
    }
}

static enum decode_verdict gre(struct walk *w)
{
    enum { CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, SEQUENCE = 0x1000, ACKNOWLEDGED = 0x80, VERSION = 7 };
    uint16_t flags = cursor_u16(&w->c);
    uint16_t type = cursor_u16(&w->c);
    unsigned version = flags & VERSION;
    if (version > 1 || (version == 1 && type != GRE_PPP))
        return DECODE_MALFORMED;
    cursor_skip(&w->c, flags & (CHECKSUM | ROUTING) ? 4 : 0);
    cursor_skip(&w->c, flags & KEY ? 4 : 0);
    cursor_skip(&w->c, flags & SEQUENCE ? 4 : 0);
    cursor_skip(&w->c, version == 1 && flags & ACKNOWLEDGED ? 4 : 0);
    if (flags & ROUTING)
        skip_routes(&w->c);
    if (w->c.overrun)
        return walk_short(w);
    mark(w, version == 1 ? TUNNEL_PPTP : TUNNEL_GRE);
    switch (type) {
    case GRE_PPP: return walk_ppp(w);
    case GRE_ERSPAN:
    case GRE_ERSPAN3: return erspan(w, type, flags & SEQUENCE);
    case GRE_WCCP: return wccp(w);
    default: return type >> 8 == GRE_ARUBA ? walk_80211(w) : walk_ether_type(w, type);
    }
}

static enum decode_verdict vxlan(struct walk *w)
{
    enum { HAS_PROTOCOL = 0x04, HAS_ID = 0x08, IPV4 = 1, IPV6 = 2, ETHERNET = 3, SERVICE = 4, MPLS = 5 };
    uint8_t flags = cursor_u8(&w->c);
    cursor_skip(&w->c, 2);
    uint8_t next = cursor_u8(&w->c);
    cursor_skip(&w->c, 4);
    if (w->c.overrun || !(flags & HAS_ID))
        return w->c.overrun ? walk_short(w) : DECODE_MALFORMED;
    mark(w, TUNNEL_VXLAN);
    if (!(flags & HAS_PROTOCOL))
        return walk_ethernet(w);
    switch (next) {
    case IPV4:
    case IPV6: return walk_ip(w);
    case ETHERNET: return walk_ethernet(w);
    case SERVICE: return walk_ether_type(w, 0x894f);
    case MPLS: return walk_mpls(w);
    default: return DECODE_NOT_IP;
    }
}

static enum decode_verdict geneve(struct walk *w)
{
    uint8_t first = cursor_u8(&w->c);
    cursor_skip(&w->c, 1);
    uint16_t type = cursor_u16(&w->c);
    cursor_skip(&w->c, 4 + (size_t)(first & 63) * 4);
    if (w->c.overrun)
        return walk_short(w);
    if (first >> 6)
        return DECODE_MALFORMED;
    mark(w, TUNNEL_GENEVE);
    return walk_ether_type(w, type);
}

static enum decode_verdict gtpu(struct walk *w)
{
    enum { VERSION_1 = 0x30, VERSION_BITS = 0xf0, MORE = 7, EXTENSION = 4, USER_DATA = 255 };
    uint8_t flags = cursor_u8(&w->c);
    uint8_t type = cursor_u8(&w->c);
    size_t len = cursor_u16(&w->c);
    cursor_skip(&w->c, 4);
    if (w->c.overrun)
        return walk_short(w);
    if ((flags & VERSION_BITS) != VERSION_1 || type != USER_DATA)
        return DECODE_MALFORMED;
    walk_limit(w, len);
    if (flags & MORE) {
        cursor_skip(&w->c, 3);
        uint8_t next = cursor_u8(&w->c);
        for (int n = 0; flags & EXTENSION && next && n < GTP_HEADERS_MAX && !w->c.overrun; n++) {
            size_t words = cursor_u8(&w->c);
            if (!words)
                return DECODE_MALFORMED;
            cursor_skip(&w->c, words * 4 - 2);
            next = cursor_u8(&w->c);
        }
    }
    mark(w, TUNNEL_GTPU);
    return w->c.overrun ? walk_short(w) : walk_ip(w);
}

/* Authentication, then the origin's address, in front of the packet: each may be there (RFC 4380, 5.1.1). */
static enum decode_verdict teredo(struct walk *w)
{
    enum { ORIGIN = 0, AUTHENTICATION = 1 };
    struct cursor look = w->c;
    if (cursor_u16(&look) == AUTHENTICATION) {
        size_t client = cursor_u8(&look);
        size_t value = cursor_u8(&look);
        cursor_skip(&look, client + value + 9);
        w->c = look;
    }
    look = w->c;
    if (cursor_u16(&look) == ORIGIN && !look.overrun) {
        cursor_skip(&look, 6);
        w->c = look;
    }
    if (!cursor_left(&w->c) || w->c.at[0] >> 4 != 6)
        return w->c.overrun ? walk_short(w) : DECODE_MALFORMED;
    mark(w, TUNNEL_TEREDO);
    return walk_ip(w);
}

static enum decode_verdict l2tp(struct walk *w)
{
    enum { CONTROL = 0x8000, LENGTH = 0x4000, SEQUENCE = 0x0800, OFFSET = 0x0200, VERSION = 15 };
    uint16_t flags = cursor_u16(&w->c);
    cursor_skip(&w->c, flags & LENGTH ? 6 : 4);
    cursor_skip(&w->c, flags & SEQUENCE ? 4 : 0);
    size_t offset = flags & OFFSET ? cursor_u16(&w->c) : 0;
    cursor_skip(&w->c, offset);
    if (w->c.overrun)
        return walk_short(w);
    if (flags & CONTROL || (flags & VERSION) != 2)
        return DECODE_MALFORMED;
    mark(w, TUNNEL_L2TP);
    return walk_ppp(w);
}

static enum decode_verdict mpls(struct walk *w)
{
    mark(w, TUNNEL_MPLS);
    return walk_mpls(w);
}

static enum decode_verdict etherip(struct walk *w)
{
    uint16_t version = cursor_u16(&w->c);
    if (w->c.overrun || version >> 12 != 3)
        return w->c.overrun ? walk_short(w) : DECODE_MALFORMED;
    mark(w, TUNNEL_ETHERIP);
    return walk_ethernet(w);
}

static enum decode_verdict ip(struct walk *w, const struct packet *carrier)
{
    bool outer6 = !address_is_v4(&carrier->tuple.src);
    bool inner6 = carrier->tuple.proto == PROTO_IPV6;
    if (!cursor_left(&w->c))
        return walk_short(w);
    if ((w->c.at[0] >> 4 == 6) != inner6)
        return DECODE_MALFORMED;
    mark(w, outer6 ? inner6 ? TUNNEL_6IN6 : TUNNEL_4IN6 : inner6 ? TUNNEL_6IN4 : TUNNEL_IPIP);
    return walk_ip(w);
}

static enum decode_verdict udp(struct walk *w, const struct packet *carrier)
{
    switch (carrier->tuple.dst_port) {
    case PORT_VXLAN:
    case PORT_VXLAN_GPE:
    case PORT_VXLAN_OLD: return vxlan(w);
    case PORT_GENEVE: return geneve(w);
    case PORT_MPLS: return mpls(w);
    case PORT_GRE: return gre(w);
    case PORT_L2TP: return l2tp(w);
    case PORT_GTPU: return gtpu(w);
    case PORT_TEREDO: return teredo(w);
    default: break;
    }
    switch (carrier->tuple.src_port) {
    case PORT_L2TP: return l2tp(w);
    case PORT_GTPU: return gtpu(w);
    default: return teredo(w);
    }
}

/* The inner packet begins as the outer one did: the tags of the frame are those of all that is in it. */
static void begin(struct walk *w, const struct packet *carrier)
{
    w->layers = 0;
    memset(w->at, 0, sizeof *w->at);
    w->at->depth = (uint8_t)(carrier->depth + 1);
    w->at->joined = carrier->joined;
    w->at->tuple.vlans = carrier->tuple.vlans;
    memcpy(w->at->tuple.vlan, carrier->tuple.vlan, sizeof carrier->tuple.vlan);
}

static enum decode_verdict through(struct walk *w, const struct packet *carrier)
{
    switch (carrier->tuple.proto) {
    case PROTO_UDP: return udp(w, carrier);
    case PROTO_GRE: return gre(w);
    case PROTO_IPV4:
    case PROTO_IPV6: return ip(w, carrier);
    case PROTO_ETHERIP: return etherip(w);
    case PROTO_MPLS: return mpls(w);
    case PROTO_ETHERNET: mark(w, TUNNEL_ETHERNET); return walk_ethernet(w);
    default: return DECODE_NOT_IP;
    }
}

enum decode_verdict tunnel_walk(struct walk *w, struct packet *carrier)
{
    struct walk look = *w;
    if (carrier->depth >= DECODE_TUNNELS_MAX || look.at == look.end)
        return DECODE_NOT_IP;
    begin(&look, carrier);
    look.strict = true;
    enum decode_verdict v = through(&look, carrier);
    if (v == DECODE_OK)
        *w = look;
    return v;
}
