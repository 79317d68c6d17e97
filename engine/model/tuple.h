/*
 * tuple: who talks to whom, and how far it came.
 */
#ifndef VIGIA_MODEL_TUPLE_H
#define VIGIA_MODEL_TUPLE_H

#include "base/address.h"

enum { TUPLE_VLANS_MAX = 2 };

/* IP protocol numbers (IANA) that vigia treats by name. */
enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMPV6 = 58, PROTO_SCTP = 132 };

/* What carries packets within packets; the innermost one is told. */
enum tunnel {
    TUNNEL_NONE,
    TUNNEL_GRE,
    TUNNEL_PPTP,
    TUNNEL_ERSPAN,
    TUNNEL_IPIP,
    TUNNEL_6IN4,
    TUNNEL_4IN6,
    TUNNEL_6IN6,
    TUNNEL_TEREDO,
    TUNNEL_VXLAN,
    TUNNEL_GENEVE,
    TUNNEL_GTPU,
    TUNNEL_L2TP,
    TUNNEL_MPLS, /* in IP or UDP; labels of the link layer are no tunnel here */
    TUNNEL_ETHERIP,
    TUNNEL_ETHERNET,
    TUNNELS
};

struct tuple {
    struct address src; /* the sender of the SYN, else of the first packet seen */
    struct address dst;
    uint16_t src_port; /* of ICMP, the message type; 0 where the protocol has none */
    uint16_t dst_port; /* of ICMP, the code */
    uint8_t proto;
    uint8_t vlans;  /* how many tags; shown, not part of the identity */
    uint8_t tunnel; /* enum tunnel, around this packet; shown, not part of the identity */
    uint16_t vlan[TUPLE_VLANS_MAX];
};

/* What became of a flow. */
enum flow_state {
    FLOW_ATTEMPTED,   /* a SYN that nobody answered */
    FLOW_REFUSED,     /* answered by RST, or by an ICMP error */
    FLOW_ESTABLISHED, /* both sides spoke */
    FLOW_ONE_SIDED,   /* one side spoke, and it was no SYN */
};

enum flow_direction {
    DIRECTION_UNKNOWN,
    DIRECTION_INBOUND,
    DIRECTION_OUTBOUND,
    DIRECTION_INTERNAL,
    DIRECTION_EXTERNAL
};

const char *flow_state_name(enum flow_state s);
const char *flow_direction_name(enum flow_direction d);

/* "gre", "vxlan", …; NULL for TUNNEL_NONE. */
const char *tunnel_name(enum tunnel t);

/* "TCP", "UDP", "ICMP", "ICMPv6", "SCTP", else the number; `out` holds 8. */
const char *tuple_proto_name(uint8_t proto, char out[8]);

/* Of ICMP: whether the message answers another, and the type of what it answers; its own type where it answers none. */
bool tuple_icmp_answers(const struct tuple *t);
uint16_t tuple_icmp_asked(const struct tuple *t);

/* Community ID v1 (Corelight, community-id-spec) with seed 0: "1:" and base64 of a SHA-1; `out` holds 31. ICMP pairs
 * requests with their replies as the spec says. */
enum { COMMUNITY_ID_MAX = 31 };
void tuple_community_id(const struct tuple *t, char out[COMMUNITY_ID_MAX]);

#endif
