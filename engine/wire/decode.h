/*
 * decode: a frame to the packets in it: addresses, ports, payload; one function a layer, in wire order.
 *
 * Link layers: see link.h. Network: IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), the authentication
 * header of both (RFC 4302). Transport: TCP (RFC 9293), UDP (RFC 768), ICMP's type and code, SCTP's ports. Padding
 * behind what the IP header counts is not payload, and a datagram that claims more than was on the wire has none.
 * Checksums are not verified: network cards fill them in late, so captures are full of wrong ones.
 *
 * A tunnel (layers.h says which) gives a packet for each pair of addresses, outermost first: all but the last are
 * *carriers*, whose ends are seen and whose payload is the next packet. Behind an ICMP error comes the packet that it
 * *quotes*. What only looks like a tunnel and holds no IP packet of the right length is a packet as any other.
 *
 * Of a fragment there is its part of the datagram (fragment.h); of a first one also the ports.
 *
 * Pure: no state, no allocation.
 */
#ifndef VIGIA_WIRE_DECODE_H
#define VIGIA_WIRE_DECODE_H

#include "model/tuple.h"
#include "wire/record.h"

enum {
    DECODE_EXTENSIONS_MAX = 16, /* IPv6 extension headers looked through */
    DECODE_TAGS_MAX = 8,        /* VLAN tags looked through; the first TUPLE_VLANS_MAX are kept */
    DECODE_LABELS_MAX = 16,     /* MPLS labels */
    DECODE_LAYERS_MAX = 8,      /* link layers within each other between two IP headers */
    DECODE_TUNNELS_MAX = 4,     /* tunnels within each other looked through; the next one is payload */
    DECODE_PACKETS_MAX = DECODE_TUNNELS_MAX + 2,
};

/* What became of a frame; each counted. */
enum decode_verdict {
    DECODE_OK,
    DECODE_LINK_UNKNOWN, /* a link type not understood */
    DECODE_NOT_IP,       /* ARP, LLDP, encrypted 802.11, … */
    DECODE_CUT,          /* the snap length ends before the addresses */
    DECODE_MALFORMED,    /* a header that cannot be */
    DECODE_VERDICTS
};

const char *decode_verdict_name(enum decode_verdict v);

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

struct packet {
    struct tuple tuple;  /* src is the sender of this packet */
    bool fragment;       /* a part of an IP datagram: ports only in the first, payload is empty */
    bool later_fragment; /* not its first: ports are 0 */
    bool more_fragments; /* not its last */
    bool headless;       /* the transport header is cut or malformed: ports are 0, payload is empty */
    bool carrier;        /* payload is empty: it is the next packet */
    bool quotes;         /* an ICMP error: the next packet is the one that it quotes, in its payload */
    bool quoted;         /* was not sent here: an ICMP error says what became of it */
    bool refused;        /* and that is that it cannot be delivered */
    bool joined;         /* put together of fragments, or within such a datagram */
    uint8_t depth;       /* tunnels around it */
    uint8_t tcp_flags;
    uint32_t tcp_seq;
    uint32_t tcp_ack;
    struct bytes src_raw; /* the addresses where they stand in the frame */
    struct bytes dst_raw;
    struct bytes payload; /* of the transport */
    uint32_t payload_len; /* as sent; more than payload.len where the snap length cut it */
    uint32_t part_id;     /* of a fragment: of its datagram, */
    uint16_t part_at;     /* where it stands in it, */
    uint32_t part_len;    /* its octets as sent, */
    struct bytes part;    /* and as captured; they begin behind the IP header, of IPv6 behind the fragment header */
};

/* The packets of a frame, outermost first; `*count` of them, none unless DECODE_OK is returned. A fragment is always
 * the last. */
enum decode_verdict decode(const struct frame *f, struct packet out[DECODE_PACKETS_MAX], unsigned *count);

/* The same of a datagram that was put together: `*out`, whose last fragment it was, becomes it, with what it carries
 * behind it in at most `room` packets. `proto` is what its first fragment says that it holds. */
void decode_datagram(struct packet *out, uint8_t proto, struct bytes whole, unsigned room, unsigned *count);

/* The packet that an ICMP error quotes: its addresses, and its ports where they are in it. False: none. */
bool decode_quote(const struct packet *error, struct packet *out);

#endif
