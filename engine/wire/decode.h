/*
 * decode: a frame to the addresses, ports and payload in it; one function a layer, in wire order.
 *
 * Link layers: Ethernet (with 802.1Q and 802.1ad tags), Linux cooked v1 and v2, raw IP, BSD loopback. Network: IPv4
 * (RFC 791), IPv6 with its extension headers (RFC 8200). Transport: TCP (RFC 9293), UDP (RFC 768), ICMP's type and
 * code, SCTP's ports. Padding behind what the IP header counts is not payload,
 * and a datagram that claims more than was on the wire has none. Checksums are not verified: network cards fill them in
 * late, so captures are full of wrong ones.
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
};

/* What became of a frame; each counted. */
enum decode_verdict {
    DECODE_OK,
    DECODE_LINK_UNKNOWN, /* a link type not understood */
    DECODE_NOT_IP,       /* ARP, LLDP, … */
    DECODE_CUT,          /* the snap length ends before the addresses */
    DECODE_MALFORMED,    /* a header that cannot be */
    DECODE_VERDICTS
};

const char *decode_verdict_name(enum decode_verdict v);

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

struct packet {
    struct tuple tuple;   /* src is the sender of this packet */
    bool fragment;        /* a part of an IP datagram: ports only in the first */
    bool later_fragment;  /* not its first: ports are 0, payload is empty */
    bool headless;        /* the transport header is cut or malformed: ports are 0, payload is empty */
    struct bytes src_raw; /* the addresses where they stand in the frame */
    struct bytes dst_raw;
    uint8_t tcp_flags;
    uint32_t tcp_seq;
    uint32_t tcp_ack;
    struct bytes payload; /* of the transport */
    uint32_t payload_len; /* as sent; more than payload.len where the snap length cut it */
};

enum decode_verdict decode(const struct frame *f, struct packet *out);

#endif
