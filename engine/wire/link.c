/*
 * One function a link layer; the plain ones are one line of the table at the end.
 */
#include "wire/link.h"

#include "wire/layers.h"

enum {
    LINK_ETHERNET = 1,
    LINK_TOKEN_RING = 6,
    LINK_PPP = 9,
    LINK_FDDI = 10,
    LINK_PPP_HDLC = 50,
    LINK_PPP_ETHER = 51,
    LINK_ATM_RFC1483 = 100,
    LINK_C_HDLC = 104,
    LINK_80211 = 105,
    LINK_FRAME_RELAY = 107,
    LINK_PFLOG = 117,
    LINK_PRISM = 119,
    LINK_IP_OVER_FC = 122,
    LINK_SUNATM = 123,
    LINK_RADIOTAP = 127,
    LINK_IEEE1394 = 138,
    LINK_AVS = 163,
    LINK_PPP_PPPD = 166,
    LINK_JUNIPER_ETHER = 178,
    LINK_PPI = 192,
    LINK_ERF = 197,
    LINK_PPP_WITH_DIRECTION = 204,
    LINK_C_HDLC_WITH_DIRECTION = 205,
    LINK_FRAME_RELAY_WITH_DIRECTION = 206,
    LINK_MPLS = 219,
    LINK_NFLOG = 239,
    LINK_PKTAP = 258,
    LINK_LINUX_SLL = 113,
    LINK_LINUX_SLL2 = 276,
    LINK_DSA_BRCM = 281,
    LINK_DSA = 284,
    LINK_EDSA = 285,
};

enum {
    ETHER_LENGTH_MAX = 1500, /* up to here the field is the length of an LLC frame (IEEE 802.3, 3.2.6) */
    ETHER_IPV4 = 0x0800,
    ETHER_BRIDGED = 0x6558, /* transparent Ethernet bridging (RFC 1701) */
    ETHER_VLAN = 0x8100,
    ETHER_IPV6 = 0x86dd,
    ETHER_PPP = 0x880b,
    ETHER_MPLS = 0x8847,
    ETHER_MPLS_MULTICAST = 0x8848,
    ETHER_PPPOE = 0x8864,
    ETHER_QINQ = 0x88a8,
    ETHER_BACKBONE = 0x88e7, /* 802.1ah */
    ETHER_VNTAG = 0x8926,
    ETHER_NSH = 0x894f,
    ETHER_QINQ_OLD = 0x9100,
    ETHER_QINQ_OLDER = 0x9200,
};

enum {
    PPP_IPV4 = 0x0021,
    PPP_IPV6 = 0x0057,
    PPP_MPLS = 0x0281,
    PPP_MPLS_MULTICAST = 0x0283,
    PPP_BRIDGED = 0x0031,
};

static enum decode_verdict behind(struct walk *w, size_t head, enum decode_verdict (*next)(struct walk *w))
{
    cursor_skip(&w->c, head);
    return w->c.overrun ? walk_short(w) : next(w);
}

static uint16_t little16(struct cursor *c)
{
    uint16_t low = cursor_u8(c);
    return (uint16_t)(low | cursor_u8(c) << 8);
}

static uint32_t little32(struct cursor *c)
{
    uint32_t low = little16(c);
    return low | (uint32_t)little16(c) << 16;
}

/* Takes a guess; when it is wrong, `w` stands where it stood. */
static enum decode_verdict guess(struct walk *w, enum decode_verdict (*as)(struct walk *w))
{
    struct walk look = *w;
    struct packet before = *w->at;
    look.strict = true;
    enum decode_verdict v = as(&look);
    if (v == DECODE_OK)
        *w = look;
    else
        *w->at = before;
    return v;
}

static enum decode_verdict ethernet_behind_control_word(struct walk *w)
{
    return behind(w, 4, walk_ethernet);
}

/* What the labels lead to, they do not say: what fits is taken. */
static enum decode_verdict unlabelled(struct walk *w)
{
    static enum decode_verdict (*const guesses[])(struct walk * w) = {walk_ip, ethernet_behind_control_word,
                                                                      walk_ethernet};
    bool cut = false;
    if (w->at == w->end)
        return DECODE_NOT_IP;
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
        enum decode_verdict v = guess(w, guesses[i]);
        if (v == DECODE_OK)
            return v;
        cut |= v == DECODE_CUT;
    }
    return cut ? DECODE_CUT : DECODE_NOT_IP;
}

enum decode_verdict walk_mpls(struct walk *w)
{
    for (int n = 0; n < DECODE_LABELS_MAX; n++) {
        uint32_t label = cursor_u32(&w->c);
        if (w->c.overrun)
            return walk_short(w);
        if (label & 0x100) /* the bottom of the stack (RFC 3032) */
            return unlabelled(w);
    }
    return DECODE_MALFORMED;
}

/* RFC 1661, 1662: the address field may be left out, and so may the protocol's first octet where it is 0. */
enum decode_verdict walk_ppp(struct walk *w)
{
    struct cursor look = w->c;
    if (cursor_u16(&look) == 0xff03)
        w->c = look;
    if (look.overrun)
        return walk_short(w);
    uint16_t proto = cursor_u8(&w->c);
    if (!(proto & 1))
        proto = (uint16_t)(proto << 8 | cursor_u8(&w->c));
    if (w->c.overrun)
        return walk_short(w);
    switch (proto) {
    case PPP_IPV4:
    case PPP_IPV6: return walk_ip(w);
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST: return walk_mpls(w);
    default: return DECODE_NOT_IP;
    }
}

static enum decode_verdict pppoe(struct walk *w)
{
    uint8_t version = cursor_u8(&w->c);
    uint8_t code = cursor_u8(&w->c);
    cursor_skip(&w->c, 2);
    size_t len = cursor_u16(&w->c);
    if (w->c.overrun)
        return walk_short(w);
    if (version != 0x11 || code)
        return DECODE_NOT_IP;
    walk_limit(w, len);
    return walk_ppp(w);
}

/* RFC 8300: the length is in words. */
static enum decode_verdict nsh(struct walk *w)
{
    size_t head = (cursor_u16(&w->c) & 63) * 4;
    cursor_skip(&w->c, 1);
    uint8_t next = cursor_u8(&w->c);
    if (head < 8)
        return w->c.overrun ? walk_short(w) : DECODE_MALFORMED;
    cursor_skip(&w->c, head - 4);
    if (w->c.overrun)
        return walk_short(w);
    switch (next) {
    case 1:
    case 2: return walk_ip(w);
    case 3: return walk_ethernet(w);
    case 5: return walk_mpls(w);
    default: return DECODE_NOT_IP;
    }
}

static enum decode_verdict llc(struct walk *w)
{
    enum { IP = 0x06, SNAP = 0xaa, UNNUMBERED = 0x03 };
    enum { OUI_ETHERNET = 0, OUI_BRIDGE_TUNNEL = 0xf8, OUI_CISCO = 0x0c, OUI_8021 = 0x80c2 };
    uint8_t to = cursor_u8(&w->c);
    uint8_t from = cursor_u8(&w->c);
    uint8_t control = cursor_u8(&w->c);
    if (w->c.overrun)
        return walk_short(w);
    if (to == IP && from == IP && control == UNNUMBERED)
        return walk_ip(w);
    if (to != SNAP || from != SNAP || control != UNNUMBERED)
        return DECODE_NOT_IP;
    uint32_t oui = (uint32_t)cursor_u16(&w->c) << 8;
    oui |= cursor_u8(&w->c);
    uint16_t type = cursor_u16(&w->c);
    if (w->c.overrun)
        return walk_short(w);
    switch (oui) {
    case OUI_ETHERNET:
    case OUI_BRIDGE_TUNNEL:
    case OUI_CISCO: return type > ETHER_LENGTH_MAX ? walk_ether_type(w, type) : DECODE_NOT_IP;
    case OUI_8021: /* RFC 2684, 5.2: Ethernet with and without its checksum */
        return type == 1 || type == 7 ? behind(w, 2, walk_ethernet) : DECODE_NOT_IP;
    default: return DECODE_NOT_IP;
    }
}

static enum decode_verdict backbone(struct walk *w)
{
    return behind(w, 4, walk_ethernet); /* behind the service's tag */
}

static enum decode_verdict vn_tag(struct walk *w)
{
    cursor_skip(&w->c, 4);
    return walk_ether_type(w, cursor_u16(&w->c));
}

static enum decode_verdict other_ether_type(struct walk *w, uint16_t type)
{
    switch (type) {
    case ETHER_MPLS:
    case ETHER_MPLS_MULTICAST: return walk_mpls(w);
    case ETHER_PPPOE: return pppoe(w);
    case ETHER_PPP: return walk_ppp(w);
    case ETHER_BRIDGED: return walk_ethernet(w);
    case ETHER_BACKBONE: return backbone(w);
    case ETHER_VNTAG: return vn_tag(w);
    case ETHER_NSH: return nsh(w);
    default: break;
    }
    if (type > ETHER_LENGTH_MAX)
        return DECODE_NOT_IP;
    walk_limit(w, type);
    return llc(w);
}

static bool is_tag(uint16_t type)
{
    return type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD || type == ETHER_QINQ_OLDER;
}

/* IPv4 as such must say that it is; which it also says in its header. */
static enum decode_verdict ip_of(struct walk *w, unsigned version)
{
    if (!cursor_left(&w->c))
        return walk_short(w);
    return w->c.at[0] >> 4 == version ? walk_ip(w) : cursor_left(&w->c) < 20 ? walk_short(w) : DECODE_MALFORMED;
}

/* All that link layers nest in each other passes here. Each label leads to two guesses, which may both lead on: without
 * a bound a few octets would cost time without end. */
enum decode_verdict walk_ether_type(struct walk *w, uint16_t type)
{
    if (w->layers++ == DECODE_LAYERS_MAX)
        return DECODE_NOT_IP;
    for (int n = 0; n < DECODE_TAGS_MAX && is_tag(type); n++) {
        uint16_t tag = cursor_u16(&w->c);
        type = cursor_u16(&w->c);
        if (w->at->tuple.vlans < TUPLE_VLANS_MAX)
            w->at->tuple.vlan[w->at->tuple.vlans++] = tag & 0xfff;
    }
    if (w->c.overrun)
        return walk_short(w);
    if (type == ETHER_IPV4)
        return ip_of(w, 4);
    if (type == ETHER_IPV6)
        return ip_of(w, 6);
    return other_ether_type(w, type);
}

enum decode_verdict walk_ethernet(struct walk *w)
{
    cursor_skip(&w->c, 12);
    uint16_t type = cursor_u16(&w->c);
    return w->c.overrun ? walk_short(w) : walk_ether_type(w, type);
}

static enum decode_verdict cooked(struct walk *w)
{
    cursor_skip(&w->c, 14);
    uint16_t type = cursor_u16(&w->c);
    if (type == 4) /* 802.2 frames; 1, 2, 3 are others without type */
        return llc(w);
    return w->c.overrun ? walk_short(w) : type > ETHER_LENGTH_MAX ? walk_ether_type(w, type) : DECODE_NOT_IP;
}

static enum decode_verdict cooked2(struct walk *w)
{
    uint16_t type = cursor_u16(&w->c);
    cursor_skip(&w->c, 18);
    if (type == 4)
        return llc(w);
    return w->c.overrun ? walk_short(w) : type > ETHER_LENGTH_MAX ? walk_ether_type(w, type) : DECODE_NOT_IP;
}

/* Address and control, then an Ethernet type. PPP has 0xff there, Cisco's own 0x0f and 0x8f. */
static enum decode_verdict cisco_hdlc(struct walk *w)
{
    cursor_skip(&w->c, 2);
    uint16_t type = cursor_u16(&w->c);
    return w->c.overrun ? walk_short(w) : walk_ether_type(w, type);
}

static enum decode_verdict ppp_or_hdlc(struct walk *w)
{
    struct cursor look = w->c;
    uint16_t head = cursor_u16(&look);
    return head == 0x0f00 || head == 0x8f00 ? cisco_hdlc(w) : walk_ppp(w);
}

/* RFC 2427: the address ends with its first octet whose last bit is set; then control, perhaps padding, NLPID. */
static enum decode_verdict frame_relay(struct walk *w)
{
    enum { NLPID_SNAP = 0x80, NLPID_IPV6 = 0x8e, NLPID_IPV4 = 0xcc };
    unsigned octets = 0;
    while (!(cursor_u8(&w->c) & 1) && !w->c.overrun)
        if (++octets == 4)
            return DECODE_MALFORMED;
    struct cursor look = w->c;
    uint16_t type = cursor_u16(&look);
    if (type == ETHER_IPV4 || type == ETHER_IPV6) { /* Cisco's own */
        w->c = look;
        return walk_ether_type(w, type);
    }
    uint8_t control = cursor_u8(&w->c);
    uint8_t is = cursor_u8(&w->c);
    if (is == 0)
        is = cursor_u8(&w->c);
    if (w->c.overrun)
        return walk_short(w);
    if (control != 3)
        return DECODE_NOT_IP;
    if (is == NLPID_IPV4 || is == NLPID_IPV6)
        return walk_ip(w);
    if (is != NLPID_SNAP)
        return DECODE_NOT_IP;
    uint32_t oui = (uint32_t)cursor_u16(&w->c) << 8;
    oui |= cursor_u8(&w->c);
    type = cursor_u16(&w->c);
    if (w->c.overrun)
        return walk_short(w);
    if (oui == 0x80c2 && (type == 1 || type == 7)) /* bridged, without the padding that LLC has */
        return walk_ethernet(w);
    return oui == 0 && type > ETHER_LENGTH_MAX ? walk_ether_type(w, type) : DECODE_NOT_IP;
}

static enum decode_verdict token_ring(struct walk *w)
{
    cursor_skip(&w->c, 8);
    bool routed = cursor_u8(&w->c) & 0x80;
    cursor_skip(&w->c, 5);
    if (routed) {
        size_t len = cursor_u8(&w->c) & 31;
        cursor_skip(&w->c, len ? len - 1 : 0);
    }
    return w->c.overrun ? walk_short(w) : llc(w);
}

/* IEEE 802.11, 9.2: a data frame's header is as long as its first two octets say. `padded`: to a multiple of four. */
static enum decode_verdict wireless(struct walk *w, bool padded)
{
    enum { TO_AND_FROM = 3, PROTECTED = 0x40, ORDERED = 0x80 };
    uint8_t kind = cursor_u8(&w->c);
    uint8_t flags = cursor_u8(&w->c);
    if (w->c.overrun)
        return walk_short(w);
    if ((kind & 0x0f) != 8 || kind & 0x40 || flags & PROTECTED) /* no data, none in it, or encrypted */
        return DECODE_NOT_IP;
    size_t head = 24;
    bool aggregate = false;
    if ((flags & TO_AND_FROM) == TO_AND_FROM)
        head += 6;
    cursor_skip(&w->c, head - 2);
    if (kind & 0x80) { /* quality of service */
        aggregate = cursor_u8(&w->c) & 0x80;
        cursor_skip(&w->c, flags & ORDERED ? 5 : 1);
        head += flags & ORDERED ? 6 : 2;
    }
    cursor_skip(&w->c, padded ? (4 - head % 4) % 4 : 0);
    return behind(w, aggregate ? 14 : 0, llc);
}

enum decode_verdict walk_80211(struct walk *w)
{
    return wireless(w, false);
}

/* https://www.radiotap.org: the length is little endian; the flags say whether the header behind is padded. */
static enum decode_verdict radiotap(struct walk *w)
{
    enum { HAS_TIME = 1, HAS_FLAGS = 2, FLAG_PADDED = 0x20, WORDS_MAX = 16 };
    struct cursor look = w->c;
    cursor_skip(&look, 2);
    size_t len = little16(&look);
    uint32_t present = little32(&look);
    size_t at = 8;
    for (uint32_t word = present; word >> 31 && at < 8 + 4 * WORDS_MAX; at += 4)
        word = little32(&look);
    if (present & HAS_TIME) {
        size_t time_at = (at + 7) / 8 * 8;
        cursor_skip(&look, time_at - at + 8);
        at = time_at + 8;
    }
    bool padded = present & HAS_FLAGS && cursor_u8(&look) & FLAG_PADDED && at < len;
    if (len < 8)
        return cursor_left(&w->c) < 8 ? walk_short(w) : DECODE_MALFORMED;
    cursor_skip(&w->c, len);
    return w->c.overrun ? walk_short(w) : wireless(w, padded);
}

/* Both have a length at octet 4: AVS in network order, Prism as its machine had it. */
static enum decode_verdict prism(struct walk *w)
{
    struct cursor look = w->c;
    uint32_t kind = cursor_u32(&look);
    struct cursor turned = look;
    uint32_t len = cursor_u32(&look);
    if ((kind & 0xfffff000) != 0x80211000 && len > 0xffff)
        len = little32(&turned);
    if (look.overrun)
        return walk_short(w);
    return len < 8 || len > 0xffff ? DECODE_MALFORMED : behind(w, len, walk_80211);
}

/* CACE's per-packet information: its length and the link type behind it, little endian. */
static enum decode_verdict ppi(struct walk *w)
{
    struct cursor look = w->c;
    cursor_skip(&look, 2);
    size_t len = little16(&look);
    uint32_t link = little32(&look);
    if (look.overrun)
        return walk_short(w);
    cursor_skip(&w->c, len);
    if (w->c.overrun)
        return walk_short(w);
    return len < 8 || link == LINK_PPI || link == LINK_PKTAP ? DECODE_MALFORMED : walk_link(w, link);
}

static enum decode_verdict pktap(struct walk *w)
{
    struct cursor look = w->c;
    uint32_t len = little32(&look);
    cursor_skip(&look, 4);
    uint32_t link = little32(&look);
    if (look.overrun)
        return walk_short(w);
    cursor_skip(&w->c, len);
    if (w->c.overrun)
        return walk_short(w);
    return len < 12 || link == LINK_PPI || link == LINK_PKTAP ? DECODE_MALFORMED : walk_link(w, link);
}

/* Values with a length and a type in the byte order of the machine that logged; each padded to a multiple of four. */
static enum decode_verdict nflog(struct walk *w)
{
    enum { PAYLOAD = 9, VALUES_MAX = 64 };
    cursor_skip(&w->c, 4);
    struct cursor look = w->c;
    bool little = cursor_u8(&look) >= 4; /* the first value is the packet's header, which is short */
    for (int n = 0; n < VALUES_MAX && !w->c.overrun; n++) {
        size_t len = little ? little16(&w->c) : cursor_u16(&w->c);
        uint16_t type = little ? little16(&w->c) : cursor_u16(&w->c);
        if (w->c.overrun)
            break;
        if (len < 4)
            return DECODE_MALFORMED;
        if ((type & 0x7fff) == PAYLOAD) {
            walk_limit(w, len - 4);
            return walk_ip(w);
        }
        cursor_skip(&w->c, (len - 4 + 3) / 4 * 4);
    }
    return w->c.overrun ? walk_short(w) : DECODE_NOT_IP;
}

static enum decode_verdict pflog(struct walk *w)
{
    size_t len = cursor_u8(&w->c);
    return behind(w, len ? (len + 3) / 4 * 4 - 1 : 0, walk_ip);
}

static enum decode_verdict ieee1394(struct walk *w)
{
    cursor_skip(&w->c, 16);
    uint16_t type = cursor_u16(&w->c);
    return w->c.overrun ? walk_short(w) : walk_ether_type(w, type);
}

/* Endace's records: a type, headers that chain, of Ethernet two octets more. */
static enum decode_verdict endace(struct walk *w)
{
    enum { POS = 1, ETHERNET = 2, COLOR_ETHERNET = 11, DSM_ETHERNET = 16, IPV4 = 22, IPV6 = 23, MORE = 0x80 };
    cursor_skip(&w->c, 8);
    uint8_t type = cursor_u8(&w->c);
    cursor_skip(&w->c, 7);
    for (uint8_t more = type; more & MORE && !w->c.overrun;) {
        more = cursor_u8(&w->c);
        cursor_skip(&w->c, 7);
    }
    switch (type & 0x7f) {
    case POS: return ppp_or_hdlc(w);
    case ETHERNET:
    case COLOR_ETHERNET:
    case DSM_ETHERNET: return behind(w, 2, walk_ethernet);
    case IPV4:
    case IPV6: return walk_ip(w);
    default: return w->c.overrun ? walk_short(w) : DECODE_NOT_IP;
    }
}

static enum decode_verdict juniper_ethernet(struct walk *w)
{
    enum { MAGIC = 0x4d4743, EXTENDED = 0x80, NO_LINK = 0x02 };
    uint32_t head = cursor_u32(&w->c);
    size_t more = head & EXTENDED ? cursor_u16(&w->c) : 0;
    cursor_skip(&w->c, more);
    if (w->c.overrun)
        return walk_short(w);
    if (head >> 8 != MAGIC)
        return DECODE_MALFORMED;
    return head & NO_LINK ? behind(w, 4, walk_ip) : walk_ethernet(w);
}

/* Where a switch's tag stands between addresses and type. */
static enum decode_verdict tagged(struct walk *w, size_t tag)
{
    cursor_skip(&w->c, 12 + tag);
    uint16_t type = cursor_u16(&w->c);
    return w->c.overrun ? walk_short(w) : walk_ether_type(w, type);
}

static enum decode_verdict sun_atm(struct walk *w)
{
    bool is_llc = (cursor_u8(&w->c) & 15) == 2;
    return is_llc ? behind(w, 3, llc) : w->c.overrun ? walk_short(w) : DECODE_NOT_IP;
}

/* So many octets, and what is behind them is of another kind that is read here. */
struct plain_link {
    uint16_t link;
    uint16_t head;
    enum decode_verdict (*next)(struct walk *w);
    const char *name;
};

static enum decode_verdict dsa_brcm(struct walk *w)
{
    return tagged(w, 4);
}

static enum decode_verdict edsa(struct walk *w)
{
    return tagged(w, 8);
}

static const struct plain_link links[] = {
    {LINK_ETHERNET, 0, walk_ethernet, "Ethernet"},
    {LINK_LINUX_SLL, 0, cooked, "Linux cooked"},
    {LINK_LINUX_SLL2, 0, cooked2, "Linux cooked v2"},
    {101, 0, walk_ip, "raw IP"},
    {12, 0, walk_ip, "raw IP"},
    {14, 0, walk_ip, "raw IP"},
    {228, 0, walk_ip, "raw IPv4"},
    {229, 0, walk_ip, "raw IPv6"},
    /* The address family in front is in the byte order of the machine that captured, and IPv6's number differs from
     * system to system; the packet says it better. */
    {0, 4, walk_ip, "BSD loopback"},
    {108, 4, walk_ip, "OpenBSD loopback"},
    {8, 16, walk_ip, "SLIP"},
    {109, 12, walk_ip, "OpenBSD enc"},
    {LINK_PFLOG, 0, pflog, "pflog"},
    {226, 24, walk_ip, "Solaris IPNET"},
    {LINK_MPLS, 0, walk_mpls, "MPLS"},
    {LINK_PPP, 0, ppp_or_hdlc, "PPP"},
    {LINK_PPP_HDLC, 0, ppp_or_hdlc, "PPP"},
    {LINK_PPP_PPPD, 2, walk_ppp, "PPP of pppd"}, /* a direction in place of the address */
    {LINK_PPP_WITH_DIRECTION, 1, ppp_or_hdlc, "PPP with direction"},
    {LINK_PPP_ETHER, 0, pppoe, "PPPoE"},
    {LINK_C_HDLC, 0, ppp_or_hdlc, "Cisco HDLC"},
    {LINK_C_HDLC_WITH_DIRECTION, 1, ppp_or_hdlc, "Cisco HDLC with direction"},
    {LINK_FRAME_RELAY, 0, frame_relay, "frame relay"},
    {LINK_FRAME_RELAY_WITH_DIRECTION, 1, frame_relay, "frame relay with direction"},
    {LINK_TOKEN_RING, 0, token_ring, "Token Ring"},
    {LINK_FDDI, 13, llc, "FDDI"},
    {LINK_ATM_RFC1483, 0, llc, "ATM"},
    {LINK_SUNATM, 0, sun_atm, "SunATM"},
    {LINK_IP_OVER_FC, 16, llc, "IP over Fibre Channel"},
    {LINK_IEEE1394, 0, ieee1394, "IEEE 1394"},
    {LINK_80211, 0, walk_80211, "802.11"},
    {LINK_PRISM, 0, prism, "802.11 with Prism header"},
    {LINK_RADIOTAP, 0, radiotap, "802.11 with radiotap header"},
    {LINK_AVS, 0, prism, "802.11 with AVS header"},
    {LINK_PPI, 0, ppi, "PPI"},
    {LINK_NFLOG, 0, nflog, "NFLOG"},
    {LINK_PKTAP, 0, pktap, "PKTAP"},
    {149, 0, pktap, "PKTAP"}, /* a number for private use, which Apple's tcpdump took for it */
    {240, 4, walk_ethernet, "NetAnalyzer"},
    {241, 12, walk_ethernet, "NetAnalyzer, transparent"},
    {274, 8, walk_ethernet, "Ethernet mPackets"},
    {LINK_DSA_BRCM, 0, dsa_brcm, "DSA of Broadcom"},
    {282, 4, walk_ethernet, "DSA of Broadcom, in front"},
    {LINK_DSA, 0, dsa_brcm, "DSA"},
    {LINK_EDSA, 0, edsa, "EDSA"},
    {LINK_JUNIPER_ETHER, 0, juniper_ethernet, "Juniper Ethernet"},
    {LINK_ERF, 0, endace, "ERF"},
};

enum { LINKS = sizeof links / sizeof *links };

static const struct plain_link *link_of(unsigned link)
{
    for (size_t i = 0; i < LINKS; i++)
        if (links[i].link == link)
            return &links[i];
    return NULL;
}

const char *link_name(unsigned link)
{
    const struct plain_link *is = link_of(link);
    return is ? is->name : NULL;
}

enum decode_verdict walk_link(struct walk *w, uint32_t link)
{
    if (link == LINK_ETHERNET) /* nearly always */
        return walk_ethernet(w);
    const struct plain_link *is = link_of(link);
    return is ? behind(w, is->head, is->next) : DECODE_LINK_UNKNOWN;
}
