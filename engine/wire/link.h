/*
 * link: which link layers are understood, by their LINKTYPE_ values (https://www.tcpdump.org/linktypes.html).
 *
 *   Ethernet      1; behind other headers: 240, 241 (NetAnalyzer), 274 (preemptible), 281, 282, 284, 285 (tags of DSA
 *                 switches), 178 (Juniper), 197 (ERF)
 *   cooked        113, 276 (Linux), 138 (IEEE 1394), 226 (Solaris IPNET), 239 (NFLOG), 149, 258 (PKTAP)
 *   raw IP        12, 14, 101, 228, 229; 8 (SLIP, not its compressed headers), 219 (MPLS)
 *   loopback      0, 108; 109 (OpenBSD enc), 117 (pflog)
 *   PPP and such  9, 50, 166, 204 (PPP, with or without its address field), 51 (PPPoE), 104, 205 (Cisco HDLC), 107, 206
 *                 (frame relay)
 *   LLC           6 (Token Ring), 10 (FDDI), 100, 123 (ATM), 122 (Fibre Channel)
 *   802.11        105, and behind headers: 119 (Prism), 127 (radiotap), 163 (AVS), 192 (PPI); of an A-MSDU the first
 *                 frame; what is encrypted is not IP to us
 *
 * Within them: LLC with and without SNAP (RFC 1042), bridged frames (RFC 2684), VLAN tags (802.1Q, 802.1ad, 0x9100,
 * 0x9200), 802.1ah, VN-Tag, PPPoE, NSH (RFC 8300), MPLS with IP or a pseudowire's Ethernet (RFC 4385, 4448) behind it:
 * what, the labels do not say, so what fits is taken.
 *
 * Not understood: ARCNET, DOCSIS, 802.15.4, Bluetooth, USB, CAN, InfiniBand, Juniper's other than 178, LocalTalk, SS7
 * and others that seldom or never carry IP; VJ and 6LoWPAN compression; MACsec, which is encrypted as a rule; Cisco
 * ISL.
 */
#ifndef VIGIA_WIRE_LINK_H
#define VIGIA_WIRE_LINK_H

/* "Ethernet", … as far as vigia knows the type; else NULL. */
const char *link_name(unsigned link);

#endif
