/* One way or more through each link layer to the same packet. Headers are as short as their lengths let them be. tshark
 * 4.0 reads the same, but where it does not know the link type or wants more of a header that is passed over here. */
#include "frames.h"

#include "wire/link.h"

#define Z4      "00000000 "
#define Z8      Z4 Z4
#define Z16     Z8 Z8
#define Z64     Z16 Z16 Z16 Z16
#define MAC     "020000000001 "
#define SNAP_IP "aa aa 03 000000 0800 "
#define SEEN    V4_UDP "3/3 abc"
#define SEEN6   V6_UDP "3/3 abc"

/* A data frame from an access point: control, duration, three addresses, sequence. */
#define DATA(kind, flags) kind flags "0000 " MAC MAC MAC "0000 "

static const struct decode_case cases[] = {
    /* Ethernet and what may stand between it and IP */
    {"802.3, SNAP", 1, MACS "0027" SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"802.3, IP's own LLC", 1, MACS "0022 060603" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"802.3, padded", 1, MACS "0027" SNAP_IP V4_UDP_ABC "0000", 0, DECODE_OK, SEEN},
    {"802.3, NetBEUI", 1, MACS "0003 f0f003", 0, DECODE_NOT_IP, NULL},
    {"802.1ah", 1, MACS "88e7 00000001" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"802.1ah, tags outside and inside", 1, MACS "88a8 0005 88e7 00000001" MACS "8100 0006 0800" V4_UDP_ABC, 0,
     DECODE_OK, V4_UDP "vlan 5,6 3/3 abc"},
    {"VN-Tag", 1, MACS "8926 00000000 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPPoE", 1, MACS "8864 11 00 0001 0021 0021" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPPoE, padded", 1, MACS "8864 11 00 0001 0021 0021" V4_UDP_ABC Z8, 0, DECODE_OK, SEEN},
    {"PPPoE, IPv6", 1, MACS "8864 11 00 0001 0035 0057" V6_UDP_ABC, 0, DECODE_OK, SEEN6},
    {"PPPoE, link control", 1, MACS "8864 11 00 0001 0006 c021 01010004", 0, DECODE_NOT_IP, NULL},
    {"PPPoE, discovery", 1, MACS "8863 11 09 0000 0000", 0, DECODE_NOT_IP, NULL},
    {"NSH", 1, MACS "894f 0fc2 02 01 000001ff" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"NSH, Ethernet", 1, MACS "894f 0fc2 02 03 000001ff" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"NSH of no length", 1, MACS "894f 0fc0 02 01 000001ff" V4_UDP_ABC, 0, DECODE_MALFORMED, NULL},
    {"MPLS", 1, MACS "8847 00010140" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"MPLS, three labels, IPv6", 1, MACS "8847 00010040 00011040 00012140" V6_UDP_ABC, 0, DECODE_OK, SEEN6},
    {"MPLS under a tag", 1, MACS "8100 0007 8847 00010140" V4_UDP_ABC, 0, DECODE_OK, V4_UDP "vlan 7 3/3 abc"},
    {"MPLS, Ethernet with control word", 1, MACS "8847 00010140 00000000" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"MPLS, Ethernet without control word", 1, MACS "8847 00010140" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"MPLS, Ethernet with a tag of its own", 1, MACS "8847 00010140 00000000" MACS "8100 0009 0800" V4_UDP_ABC, 0,
     DECODE_OK, V4_UDP "vlan 9 3/3 abc"},
    {"MPLS, what looks like IPv4 and is longer than the frame", 1, MACS "8847 00010140" V4("0100", "0000", "11") ABC, 0,
     DECODE_NOT_IP, NULL},
    {"MPLS without bottom", 1, MACS "8847" Z64, 0, DECODE_MALFORMED, NULL},

    /* PPP and its like */
    {"PPP", 9, "ff03 0021" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPP, no address", 9, "0021" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPP, short protocol", 9, "21" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPP, MPLS", 9, "ff03 0281 00010140" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPP, IPCP", 9, "ff03 8021 01010004", 0, DECODE_NOT_IP, NULL},
    {"PPP in HDLC", 50, "ff03 0057" V6_UDP_ABC, 0, DECODE_OK, SEEN6},
    {"Cisco HDLC as PPP", 50, "0f00 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPPoE alone", 51, "11 00 0001 0021 0021" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"Cisco HDLC", 104, "0f00 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"Cisco HDLC, to all", 104, "8f00 86dd" V6_UDP_ABC, 0, DECODE_OK, SEEN6},
    {"PPP of pppd", 166, "00 03 0021" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPP with direction", 204, "01 ff03 0021" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"Cisco HDLC with direction", 205, "01 0f00 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"frame relay", 107, "1841 03 cc" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"frame relay, IPv6", 107, "1841 03 8e" V6_UDP_ABC, 0, DECODE_OK, SEEN6},
    {"frame relay, SNAP", 107, "1841 03 00 80 000000 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"frame relay, bridged", 107, "1841 03 00 80 0080c2 0007" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"frame relay, Cisco's", 107, "1841 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"frame relay, four octets of address", 107, "18204041 03 cc" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"frame relay without end of address", 107, "1820404042 03 cc", 0, DECODE_MALFORMED, NULL},
    {"frame relay with direction", 206, "01 1841 03 cc" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"MPLS alone", 219, "00010140" V4_UDP_ABC, 0, DECODE_OK, SEEN},

    /* LLC */
    {"Token Ring", 6, "10 40" MAC MAC SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"Token Ring, routed", 6, "10 40" MAC "820000000002 0630 0011 0020" SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"FDDI", 10, "50" MAC MAC SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"ATM", 100, SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"ATM, bridged", 100, "aaaa03 0080c2 0007 0000" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"SunATM", 123, "02 00 0001" SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"IP over Fibre Channel", 122, Z16 SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"IEEE 1394", 138, Z16 "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"cooked, 802.2", 113, "0000 0001 0006 020000000001 0000 0004" SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"cooked, no type", 113, "0000 0001 0006 020000000001 0000 0001" V4_UDP_ABC, 0, DECODE_NOT_IP, NULL},

    /* 802.11 */
    {"802.11", 105, DATA("08", "02") SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"802.11, quality of service", 105, DATA("88", "02") "0000" SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"802.11, between access points", 105, DATA("08", "03") MAC SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"802.11, high throughput", 105, DATA("88", "82") "0000 00000000" SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"802.11, aggregate", 105, DATA("88", "02") "8000" MACS "0027" SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"802.11, encrypted", 105, DATA("08", "42") SNAP_IP V4_UDP_ABC, 0, DECODE_NOT_IP, NULL},
    {"802.11, beacon", 105, DATA("80", "00") Z16, 0, DECODE_NOT_IP, NULL},
    {"802.11, no data", 105, DATA("48", "01"), 0, DECODE_NOT_IP, NULL},
    {"radiotap", 127, "0000 0800 00000000" DATA("08", "02") SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"radiotap, padded", 127, "0000 0900 02000000 20" DATA("88", "02") "0000 0000" SNAP_IP V4_UDP_ABC, 0, DECODE_OK,
     SEEN},
    {"radiotap, time and flags", 127,
     "0000 1900 030000a0 00000080 00000000" Z8 "20" DATA("88", "02") "0000 0000" SNAP_IP V4_UDP_ABC, 0, DECODE_OK,
     SEEN},
    {"radiotap of seven octets", 127, "0000 0700 00000000" DATA("08", "02"), 0, DECODE_MALFORMED, NULL},
    {"Prism", 119, "44000000 90000000" Z64 Z64 Z8 DATA("08", "02") SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"AVS", 163, "80211001 00000040" Z16 Z16 Z16 Z8 DATA("08", "02") SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPI", 192, "0000 0800 69000000" DATA("08", "02") SNAP_IP V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PPI in PPI", 192, "0000 0800 c0000000 0000 0800 69000000" DATA("08", "02"), 0, DECODE_MALFORMED, NULL},

    /* what others put in front */
    {"loopback", 0, "02000000" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"OpenBSD enc", 109, Z8 Z4 V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"pflog", 117, "3d 02 00 00" Z16 Z16 Z16 Z8 Z4 V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"SLIP", 8, Z16 V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"IPNET", 226, "01 02 0000" Z16 Z4 V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"NFLOG", 239, "02 00 0000 0800 0100 08000100 0500 0a00 00 000000 2300 0900" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"NFLOG, big endian", 239, "02 00 0000 0008 0001 08000100 0023 0009" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"NFLOG, a value of no length", 239, "02 00 0000 0800 0100 08000100 0000 0900" V4_UDP_ABC, 0, DECODE_MALFORMED,
     NULL},
    {"PKTAP", 258, "0c000000 01000000 01000000" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PKTAP of Apple", 149, "0c000000 01000000 01000000" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"PKTAP in PKTAP", 258, "0c000000 01000000 02010000 0c000000 01000000 01000000", 0, DECODE_MALFORMED, NULL},
    {"ERF, Ethernet", 197, Z8 "02 04 0000 0000 0000 0000" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"ERF, extended", 197, Z8 "82 04 0000 0000 0000 8100000000000000 0100000000000000 0000" MACS "0800" V4_UDP_ABC, 0,
     DECODE_OK, SEEN},
    {"ERF, IPv4", 197, Z8 "16 04 0000 0000 0000" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"ERF, InfiniBand", 197, Z8 "15 04 0000 0000 0000" V4_UDP_ABC, 0, DECODE_NOT_IP, NULL},
    {"Juniper", 178, "4d4743 00" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"Juniper, extended", 178, "4d4743 80 0003 010101" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"Juniper, another magic", 178, "4d4744 00" MACS "0800" V4_UDP_ABC, 0, DECODE_MALFORMED, NULL},
    {"NetAnalyzer", 240, Z4 MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"NetAnalyzer, transparent", 241, Z4 "55555555555555d5" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"mPackets", 274, "55555555555555d5" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"DSA, Broadcom's", 281, MACS "20000001 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"DSA, Broadcom's, in front", 282, "20000001" MACS "0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"DSA", 284, MACS "c0000001 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
    {"EDSA", 285, MACS "dada0000c0000001 0800" V4_UDP_ABC, 0, DECODE_OK, SEEN},
};

enum { CASES = sizeof cases / sizeof *cases };

Test(link, reads_through_every_link_layer)
{
    for (size_t i = 0; i < CASES; i++)
        expect_case(&cases[i]);
}

Test(link, reads_a_frame_cut_at_every_length_as_far_as_it_goes)
{
    for (size_t i = 0; i < CASES; i++)
        expect_case_cut(&cases[i]);
}

Test(link, never_points_outside_a_frame)
{
    expect_inside_when_spoilt(cases, CASES, 50000);
}

/* Every type that is named is read in some case here or in decode.c, and the others are told apart. */
Test(link, names_what_it_reads)
{
    static const uint16_t elsewhere[] = {12, 14, 101, 108, 228, 229, 276};
    for (unsigned link = 0; link < 65536; link++) {
        bool read = false;
        for (size_t i = 0; i < CASES; i++)
            read |= cases[i].link == link && cases[i].verdict == DECODE_OK;
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
            read |= elsewhere[i] == link;
        cr_expect_eq(link_name(link) != NULL, read, "link type %u: %s", link, link_name(link));
    }
}
