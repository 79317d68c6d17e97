/*
 * layers: how the layers of a frame hand on to each other; known to decode.c, link.c and tunnel.c alone.
 *
 * A `walk` is a place in a frame. Each layer takes it where the one before left it and returns DECODE_OK once some
 * inner layer has read an IP packet. A guess is tried on a copy of the walk, which is dropped when it was wrong.
 */
#ifndef VIGIA_WIRE_LAYERS_H
#define VIGIA_WIRE_LAYERS_H

#include "wire/decode.h"

struct walk {
    struct cursor c;
    size_t missing;     /* octets behind the cursor's end that were on the wire and were not captured */
    struct packet *at;  /* what is being read; zeroed but for what layers above the IP header left in it */
    struct packet *end; /* no room from here on */
    uint8_t layers;     /* link layers since the last IP header */
    bool strict;        /* what the IP header counts must be there: this may be no IP at all */
};

/* A header that the captured octets cannot hold was cut if there were more on the wire. */
static inline enum decode_verdict walk_short(const struct walk *w)
{
    return w->missing ? DECODE_CUT : DECODE_MALFORMED;
}

/* No layer below sees beyond `len` octets from here. */
static inline void walk_limit(struct walk *w, size_t len)
{
    size_t left = cursor_left(&w->c);
    if (len <= left) {
        w->c = (struct cursor){.at = w->c.at, .end = w->c.at + len, .overrun = w->c.overrun};
        w->missing = 0;
    } else if (len < left + w->missing) {
        w->missing = len - left;
    }
}

/* decode.c. An IP packet of either version; `w->at` moves behind the last packet that was read. */
enum decode_verdict walk_ip(struct walk *w);

/* link.c */
enum decode_verdict walk_link(struct walk *w, uint32_t link);
enum decode_verdict walk_ethernet(struct walk *w);
enum decode_verdict walk_ether_type(struct walk *w, uint16_t type);
enum decode_verdict walk_ppp(struct walk *w);
enum decode_verdict walk_mpls(struct walk *w);
enum decode_verdict walk_80211(struct walk *w);

/*
 * tunnel.c. Tunnels are looked through DECODE_TUNNELS_MAX deep:
 *
 *   by protocol  IP in IP, 6in4, 4in6, IPv6 in IPv6 (RFC 2003, 4213, 2473), GRE with its options (RFC 1701, 2784, 2890)
 *                and whatever Ethernet type it names, its version 1 of PPTP (RFC 2637), ERSPAN I, II and III
 *                (draft-foschiano-erspan), WCCP, Aruba's 802.11 (0x8200 to 0x82ff), EtherIP (RFC 3378), MPLS in IP
 *                (RFC 4023), Ethernet (RFC 8986)
 *   by port      VXLAN and its GPE (RFC 7348, draft-ietf-nvo3-vxlan-gpe; 4789, 4790, 8472), GENEVE (RFC 8926; 6081),
 *                GTP-U (3GPP TS 29.281; 2152), L2TP version 2 (RFC 2661; 1701), MPLS and GRE in UDP (RFC 7510; 6635,
 *                RFC 8086; 4754)
 *   by content   Teredo (RFC 4380): at port 3544, and at any where the IPv6 packet fits and one of its addresses is
 *                Teredo's
 *
 * A port alone proves nothing: the tunnel's header must be one, and an IP packet must stand behind it whose header
 * counts no more octets than there are.
 *
 * Not looked through: what is encrypted (ESP, WireGuard, OpenVPN), L2TP version 3, CAPWAP, TRILL, minimal
 * encapsulation (RFC 2004); what is compressed.
 */

/* Whether this protocol, or a datagram between these ports, may carry packets: quick, for every packet. */
bool tunnel_may_carry(uint8_t proto);
bool tunnel_may_carry_udp(const struct packet *p);

/* Reads on behind the transport header of `*carrier` (of protocols without ports, behind the IP header); DECODE_OK only
 * when there was a packet. */
enum decode_verdict tunnel_walk(struct walk *w, struct packet *carrier);

#endif
