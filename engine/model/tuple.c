/*
 * Names of what a flow became, and the Community ID: endpoints in order, packed in network order, hashed.
 */
#include "model/tuple.h"
#include "base/digest.h"
#include <stdio.h>

const char *flow_state_name(enum flow_state s)
{
    static const char *const names[] = {
        [FLOW_ATTEMPTED] = "attempted",
        [FLOW_REFUSED] = "refused",
        [FLOW_ESTABLISHED] = "established",
        [FLOW_ONE_SIDED] = "one-sided",
    };
    return names[s];
}

const char *flow_direction_name(enum flow_direction d)
{
    static const char *const names[] = {
        [DIRECTION_UNKNOWN] = "unknown",   [DIRECTION_INBOUND] = "inbound",   [DIRECTION_OUTBOUND] = "outbound",
        [DIRECTION_INTERNAL] = "internal", [DIRECTION_EXTERNAL] = "external",
    };
    return names[d];
}

const char *tunnel_name(enum tunnel t)
{
    static const char *const names[TUNNELS] = {
        [TUNNEL_GRE] = "gre",       [TUNNEL_PPTP] = "pptp",       [TUNNEL_ERSPAN] = "erspan",
        [TUNNEL_IPIP] = "ipip",     [TUNNEL_6IN4] = "6in4",       [TUNNEL_4IN6] = "4in6",
        [TUNNEL_6IN6] = "6in6",     [TUNNEL_TEREDO] = "teredo",   [TUNNEL_VXLAN] = "vxlan",
        [TUNNEL_GENEVE] = "geneve", [TUNNEL_GTPU] = "gtp-u",      [TUNNEL_L2TP] = "l2tp",
        [TUNNEL_MPLS] = "mpls",     [TUNNEL_ETHERIP] = "etherip", [TUNNEL_ETHERNET] = "ethernet",
    };
    return t < TUNNELS ? names[t] : NULL;
}

const char *tuple_proto_name(uint8_t proto, char out[8])
{
    switch (proto) {
    case PROTO_ICMP: return "ICMP";
    case PROTO_TCP: return "TCP";
    case PROTO_UDP: return "UDP";
    case PROTO_ICMPV6: return "ICMPv6";
    case PROTO_SCTP: return "SCTP";
    }
    snprintf(out, 8, "%u", proto);
    return out;
}

/* Messages that ask and those that answer them (RFC 792, 950, 1256; 4443, 2710, 4861, 4620, 6275): the spec takes the
 * type of the counterpart in place of a destination port. */
struct icmp_pair {
    uint8_t proto, ask, answer;
};

static const struct icmp_pair icmp_pairs[] = {
    {PROTO_ICMP, 8, 0},       /* echo */
    {PROTO_ICMP, 13, 14},     /* timestamp */
    {PROTO_ICMP, 15, 16},     /* information */
    {PROTO_ICMP, 17, 18},     /* address mask */
    {PROTO_ICMP, 10, 9},      /* router solicitation, advertisement */
    {PROTO_ICMPV6, 128, 129}, /* echo */
    {PROTO_ICMPV6, 130, 131}, /* multicast listener query, report */
    {PROTO_ICMPV6, 133, 134}, /* router solicitation, advertisement */
    {PROTO_ICMPV6, 135, 136}, /* neighbour solicitation, advertisement */
    {PROTO_ICMPV6, 139, 140}, /* node information */
    {PROTO_ICMPV6, 144, 145}, /* home agent address discovery */
};

/* NULL where nothing asks for this type nor answers it. */
static const struct icmp_pair *icmp_pair(uint8_t proto, unsigned type)
{
    for (size_t i = 0; i < sizeof icmp_pairs / sizeof *icmp_pairs; i++) {
        const struct icmp_pair *pair = &icmp_pairs[i];
        if (pair->proto == proto && (pair->ask == type || pair->answer == type))
            return pair;
    }
    return NULL;
}

bool tuple_icmp_answers(const struct tuple *t)
{
    const struct icmp_pair *pair = icmp_pair(t->proto, t->src_port);
    return pair && pair->answer == t->src_port;
}

uint16_t tuple_icmp_asked(const struct tuple *t)
{
    const struct icmp_pair *pair = icmp_pair(t->proto, t->src_port);
    return pair ? pair->ask : t->src_port;
}

static bool has_ports(uint8_t proto)
{
    return proto == PROTO_ICMP || proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_ICMPV6 ||
           proto == PROTO_SCTP;
}

static uint8_t *put(uint8_t *to, const void *at, size_t len)
{
    memcpy(to, at, len);
    return to + len;
}

static uint8_t *put_u16(uint8_t *to, uint16_t v)
{
    return put(to, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static uint8_t *put_address(uint8_t *to, const struct address *a)
{
    return address_is_v4(a) ? put(to, a->octet + 12, 4) : put(to, a->octet, 16);
}

void tuple_community_id(const struct tuple *t, char out[COMMUNITY_ID_MAX])
{
    const struct address *one = &t->src, *two = &t->dst;
    uint16_t one_port = t->src_port, two_port = t->dst_port;
    bool one_way = false;

    if (t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6) {
        const struct icmp_pair *pair = icmp_pair(t->proto, t->src_port);
        one_way = !pair;
        if (pair)
            two_port = pair->ask == t->src_port ? pair->answer : pair->ask;
    }
    int order = memcmp(one, two, sizeof *one);
    if (!one_way && (order > 0 || (order == 0 && one_port > two_port))) {
        one = &t->dst, two = &t->src;
        uint16_t port = one_port;
        one_port = two_port, two_port = port;
    }

    uint8_t packed[2 + 16 + 16 + 2 + 4];
    uint8_t *end = put_u16(packed, 0); /* the seed */
    end = put_address(end, one);
    end = put_address(end, two);
    end = put(end, (uint8_t[]){t->proto, 0}, 2);
    if (has_ports(t->proto))
        end = put_u16(put_u16(end, one_port), two_port);

    uint8_t digest[DIGEST_SHA1_BYTES];
    digest_sha1(bytes_of(packed, (size_t)(end - packed)), digest);
    memcpy(out, "1:", 2);
    digest_base64(bytes_of(digest, sizeof digest), out + 2);
}
