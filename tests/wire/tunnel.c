/* Packets in packets, one way or more through each tunnel, and packets that ICMP errors quote. tshark 4.0 finds the
 * same addresses in what is looked through. */
#include "frames.h"

#define ETHER4 MACS "0800" IN4_UDP_ABC  /* 45 octets, */
#define PPP4   "ff03 0021 " IN4_UDP_ABC /* 35 */

#define UDP_TO(port, length) "9c40 " port length " 0000 "

#define CARRIER(proto)    proto " 192.0.2.1:0>198.51.100.2:0 carrier 0/0 ; "
#define CARRIER_6(proto)  proto " 2001:db8::1:0>2001:db8::2:0 carrier 0/0 ; "
#define CARRIER_UDP(port) "UDP 192.0.2.1:40000>198.51.100.2:" port " carrier 0/0 ; "
#define IN_UDP(tunnel)    IN4_UDP "in " tunnel " 3/3 abc"
#define IN_UDP6(tunnel)   IN6_UDP "in " tunnel " 3/3 abc"

/* An answer, to whom sent what V4 and V6 are. */
#define BACK4(total)   "45 00 " total " 0001 0000 40 01 0000 c6336402 c0000201 "
#define BACK6(payload) "60000000 " payload " 3a 40 20010db8000000000000000000000002 20010db8000000000000000000000001 "
#define ANSWER4        "ICMP 198.51.100.2:"
#define ANSWER6        "ICMPv6 2001:db8::2:"

static const struct decode_case cases[] = {
    /* IP in IP */
    {"IP in IP", 101, V4("0033", "0000", "04") IN4_UDP_ABC, 0, DECODE_OK, CARRIER("4") IN_UDP("ipip")},
    {"6in4", 101, V4("0047", "0000", "29") IN6_UDP_ABC, 0, DECODE_OK, CARRIER("41") IN_UDP6("6in4")},
    {"4in6", 101, V6("001f", "04") IN4_UDP_ABC, 0, DECODE_OK, CARRIER_6("4") IN_UDP("4in6")},
    {"6in6", 101, V6("0033", "29") IN6_UDP_ABC, 0, DECODE_OK, CARRIER_6("41") IN_UDP6("6in6")},
    {"behind an extension", 101, V6("0027", "3c") "04 00 0104 0000 0000" IN4_UDP_ABC, 0, DECODE_OK,
     CARRIER_6("4") IN_UDP("4in6")},
    {"within a tag", 1, MACS "8100 0007 0800" V4("0033", "0000", "04") IN4_UDP_ABC, 0, DECODE_OK,
     "4 192.0.2.1:0>198.51.100.2:0 vlan 7 carrier 0/0 ; " IN4_UDP "vlan 7 in ipip 3/3 abc"},
    {"authentication header", 101, V4("003f", "0000", "33") "04 01 0000 00000001 00000001" IN4_UDP_ABC, 0, DECODE_OK,
     CARRIER("4") IN_UDP("ipip")},
    {"another version than the protocol says", 101,
     V4("0033", "0000", "29") IN4("001f", "3b") "00000000 61616161 616161", 0, DECODE_OK, NULL},
    {"an inner packet cut by the snap length", 101, V4("0033", "0000", "04") IN4("001f", "11") UDP("000b"), 3,
     DECODE_OK, CARRIER("4") IN4_UDP "in ipip 0/3 "},

    /* GRE */
    {"GRE", 101, V4("0037", "0000", "2f") "0000 0800" IN4_UDP_ABC, 0, DECODE_OK, CARRIER("47") IN_UDP("gre")},
    {"GRE, IPv6", 101, V4("004b", "0000", "2f") "0000 86dd" IN6_UDP_ABC, 0, DECODE_OK, CARRIER("47") IN_UDP6("gre")},
    {"GRE, over IPv6", 101, V6("0023", "2f") "0000 0800" IN4_UDP_ABC, 0, DECODE_OK, CARRIER_6("47") IN_UDP("gre")},
    {"GRE, checksum, key, sequence", 101, V4("0043", "0000", "2f") "b000 0800 00000000 00000001 00000002" IN4_UDP_ABC,
     0, DECODE_OK, CARRIER("47") IN_UDP("gre")},
    {"GRE, source routes", 101, V4("0047", "0000", "2f") "4000 0800 00000000 0800 00 04 0a000009 00000000" IN4_UDP_ABC,
     0, DECODE_OK, CARRIER("47") IN_UDP("gre")},
    {"GRE, Ethernet", 101, V4("0045", "0000", "2f") "0000 6558" ETHER4, 0, DECODE_OK, CARRIER("47") IN_UDP("gre")},
    {"GRE, MPLS", 101, V4("003b", "0000", "2f") "0000 8847 00010140" IN4_UDP_ABC, 0, DECODE_OK,
     CARRIER("47") IN_UDP("gre")},
    {"GRE, WCCP", 101, V4("003b", "0000", "2f") "0000 883e 00000000" IN4_UDP_ABC, 0, DECODE_OK,
     CARRIER("47") IN_UDP("gre")},
    {"GRE, Aruba's 802.11", 101,
     V4("0059", "0000", "2f") "0000 8240 8802 0000 020000000001 020000000002 020000000003 0000 0000"
                              "aaaa03 000000 0800" IN4_UDP_ABC,
     0, DECODE_OK, CARRIER("47") IN_UDP("gre")},
    {"GRE in UDP", 101, V4("003f", "0000", "11") UDP_TO("1292", "002b") "0000 0800" IN4_UDP_ABC, 0, DECODE_OK,
     CARRIER_UDP("4754") IN_UDP("gre")},
    {"GRE, version 2", 101, V4("001b", "0000", "2f") "0002 0800" ABC, 0, DECODE_OK, "47 " V4_OTHER "7/7 "},
    {"PPTP", 101, V4("0047", "0000", "2f") "3081 880b 0023 0001 00000001 00000000" PPP4, 0, DECODE_OK,
     CARRIER("47") IN_UDP("pptp")},
    {"ERSPAN I", 101, V4("0045", "0000", "2f") "0000 88be" ETHER4, 0, DECODE_OK, CARRIER("47") IN_UDP("erspan")},
    {"ERSPAN II", 101, V4("0051", "0000", "2f") "1000 88be 00000001 10000001 00000000" ETHER4, 0, DECODE_OK,
     CARRIER("47") IN_UDP("erspan")},
    {"ERSPAN III", 101, V4("0055", "0000", "2f") "1000 22eb 00000001 20000001 00000000 00000000" ETHER4, 0, DECODE_OK,
     CARRIER("47") IN_UDP("erspan")},
    {"ERSPAN III of a platform", 101,
     V4("005d", "0000", "2f") "1000 22eb 00000001 20000001 00000000 00000001 0000000000000000" ETHER4, 0, DECODE_OK,
     CARRIER("47") IN_UDP("erspan")},

    /* by other protocols */
    {"EtherIP", 101, V4("0043", "0000", "61") "3000" ETHER4, 0, DECODE_OK, CARRIER("97") IN_UDP("etherip")},
    {"MPLS in IP", 101, V4("0037", "0000", "89") "00010140" IN4_UDP_ABC, 0, DECODE_OK, CARRIER("137") IN_UDP("mpls")},
    {"Ethernet in IPv6", 101, V6("002d", "8f") ETHER4, 0, DECODE_OK, CARRIER_6("143") IN_UDP("ethernet")},

    /* by port */
    {"VXLAN", 101, V4("0051", "0000", "11") UDP_TO("12b5", "003d") "08000000 00000100" ETHER4, 0, DECODE_OK,
     CARRIER_UDP("4789") IN_UDP("vxlan")},
    {"VXLAN, older port", 101, V4("0051", "0000", "11") UDP_TO("2118", "003d") "08000000 00000100" ETHER4, 0, DECODE_OK,
     CARRIER_UDP("8472") IN_UDP("vxlan")},
    {"VXLAN, inner tag", 101,
     V4("0055", "0000", "11") UDP_TO("12b5", "0041") "08000000 00000100" MACS "8100 0003 0800" IN4_UDP_ABC, 0,
     DECODE_OK, CARRIER_UDP("4789") IN4_UDP "vlan 3 in vxlan 3/3 abc"},
    {"VXLAN without its flag", 101, V4("0051", "0000", "11") UDP_TO("12b5", "003d") "00616161 61616161" ETHER4, 0,
     DECODE_OK, NULL},
    {"VXLAN GPE", 101, V4("0043", "0000", "11") UDP_TO("12b6", "002f") "0c000001 00000100" IN4_UDP_ABC, 0, DECODE_OK,
     CARRIER_UDP("4790") IN_UDP("vxlan")},
    {"GENEVE", 101, V4("0051", "0000", "11") UDP_TO("17c1", "003d") "0000 6558 00000100" ETHER4, 0, DECODE_OK,
     CARRIER_UDP("6081") IN_UDP("geneve")},
    {"GENEVE, options", 101, V4("0055", "0000", "11") UDP_TO("17c1", "0041") "0100 6558 00000100 01020000" ETHER4, 0,
     DECODE_OK, CARRIER_UDP("6081") IN_UDP("geneve")},
    {"GTP-U", 101, V4("0043", "0000", "11") UDP_TO("0868", "002f") "30ff 001f 00000001" IN4_UDP_ABC, 0, DECODE_OK,
     CARRIER_UDP("2152") IN_UDP("gtp-u")},
    {"GTP-U, extension header", 101,
     V4("004b", "0000", "11") UDP_TO("0868", "0037") "34ff 0027 00000001 0000 00 85 01 1001 00" IN4_UDP_ABC, 0,
     DECODE_OK, CARRIER_UDP("2152") IN_UDP("gtp-u")},
    {"GTP-U, an extension header of no length", 101,
     V4("004b", "0000", "11") UDP_TO("0868", "0037") "34ff 0027 00000001 0000 00 85 00 1001 85" IN4_UDP_ABC, 0,
     DECODE_OK, NULL},
    {"L2TP", 101, V4("0045", "0000", "11") UDP_TO("06a5", "0031") "0002 0001 0001" PPP4, 0, DECODE_OK,
     CARRIER_UDP("1701") IN_UDP("l2tp")},
    {"L2TP, length, sequence, offset", 101,
     V4("004f", "0000", "11") UDP_TO("06a5", "003b") "4a02 0033 0001 0001 0000 0000 0002 0000" PPP4, 0, DECODE_OK,
     CARRIER_UDP("1701") IN_UDP("l2tp")},
    {"L2TP, control", 101, V4("0028", "0000", "11") UDP_TO("06a5", "0014") "c802 000c 0000 0000 0000 0000", 0,
     DECODE_OK, NULL},
    {"MPLS in UDP", 101, V4("003f", "0000", "11") UDP_TO("19eb", "002b") "00010140" IN4_UDP_ABC, 0, DECODE_OK,
     CARRIER_UDP("6635") IN_UDP("mpls")},

    /* by content */
    {"Teredo", 101, V4("004f", "0000", "11") UDP_TO("0dd8", "003b") IN6_UDP_ABC, 0, DECODE_OK,
     CARRIER_UDP("3544") IN_UDP6("teredo")},
    {"Teredo, authenticated, with origin", 101,
     V4("0064", "0000", "11") UDP_TO("0dd8", "0050") "0001 00 00 0000000000000001 00 0000 63bf 3fffffaa" IN6_UDP_ABC, 0,
     DECODE_OK, CARRIER_UDP("3544") IN_UDP6("teredo")},
    {"Teredo between clients", 101,
     V4("0044", "0000", "11") UDP_TO("9c41", "0030") "60000000 0000 3b 40 200100000000000000000000000000aa "
                                                     "200100000000000000000000000000bb",
     0, DECODE_OK, "UDP 192.0.2.1:40000>198.51.100.2:40001 carrier 0/0 ; 59 2001::aa:0>2001::bb:0 in teredo 0/0 "},
    {"an IPv6 packet of others at another port", 101, V4("004f", "0000", "11") UDP_TO("9c41", "003b") IN6_UDP_ABC, 0,
     DECODE_OK, NULL},

    /* one in another */
    {"GRE in VXLAN", 101,
     V4("0069", "0000", "11") UDP_TO("12b5", "0055") "08000000 00000100" MACS
                                                     "0800" V4("0037", "0000", "2f") "0000 0800" IN4_UDP_ABC,
     0, DECODE_OK, CARRIER_UDP("4789") "47 192.0.2.1:0>198.51.100.2:0 in vxlan carrier 0/0 ; " IN_UDP("gre")},
    {"a fragment in a tunnel", 101,
     V4("0033", "0000", "04") "45 00 001f 0001 2000 40 11 0000 0a000001 0a000002" UDP("0800") ABC, 0, DECODE_OK,
     CARRIER("4") IN4_UDP "in ipip fragment 0+11 more 0/0 "},
    {"a tunnel in a fragment", 101, V4("0033", "2000", "04") IN4_UDP_ABC, 0, DECODE_OK,
     "4 192.0.2.1:0>198.51.100.2:0 fragment 0+31 more 0/0 "},

    /* quotes */
    {"port unreachable", 101, BACK4("003b") "03 03 0000 00000000" V4_UDP_ABC, 0, DECODE_OK,
     ANSWER4 "3>192.0.2.1:3 quotes 35/35 ; " V4_UDP "quoted refused 0/0 "},
    {"no more than eight octets of it", 101,
     BACK4("0038") "03 01 0000 00000000" V4("0100", "0000", "06") "9c40 0050 00000007", 0, DECODE_OK,
     ANSWER4 "3>192.0.2.1:1 quotes 32/32 ; " V4_TCP "quoted refused headless 0/0 "},
    {"smaller packets wanted", 101, BACK4("003b") "03 04 0000 00000500" V4_UDP_ABC, 0, DECODE_OK,
     ANSWER4 "3>192.0.2.1:4 quotes 35/35 ; " V4_UDP "quoted 0/0 "},
    {"time exceeded", 101, BACK4("003b") "0b 00 0000 00000000" V4_UDP_ABC, 0, DECODE_OK,
     ANSWER4 "11>192.0.2.1:0 quotes 35/35 ; " V4_UDP "quoted 0/0 "},
    {"unreachable, of what another sent", 101, BACK4("003b") "03 03 0000 00000000" IN4_UDP_ABC, 0, DECODE_OK,
     ANSWER4 "3>192.0.2.1:3 quotes 35/35 ; " IN4_UDP "quoted 0/0 "},
    {"echo quotes nothing", 101, BACK4("0018") "08 00 0000", 0, DECODE_OK, NULL},
    {"no packet in it", 101, BACK4("001f") "03 03 0000 00000000 616263", 0, DECODE_OK, NULL},
    {"ICMPv6 unreachable", 101, BACK6("003b") "01 04 0000 00000000" V6_UDP_ABC, 0, DECODE_OK,
     ANSWER6 "1>2001:db8::1:4 quotes 55/55 ; " V6_UDP "quoted refused 0/0 "},
    {"ICMPv6 too big", 101, BACK6("003b") "02 00 0000 00000500" V6_UDP_ABC, 0, DECODE_OK,
     ANSWER6 "2>2001:db8::1:0 quotes 55/55 ; " V6_UDP "quoted 0/0 "},
    {"a quote is not looked through", 101, BACK4("004f") "03 03 0000 00000000" V4("0033", "0000", "04") IN4_UDP_ABC, 0,
     DECODE_OK, ANSWER4 "3>192.0.2.1:3 quotes 55/55 ; 4 " V4_OTHER "quoted refused 0/0 "},
};

enum { CASES = sizeof cases / sizeof *cases };

/* What is no tunnel though it looks like one: one packet, with its payload. */
static void expect_plain(const struct decode_case *c)
{
    struct bytes octets = octets_of(c->hex);
    struct frame f = {.link = c->link, .wire_len = (uint32_t)octets.len, .octets = octets};
    struct packet p[DECODE_PACKETS_MAX];
    unsigned count;
    cr_expect_eq(decode(&f, p, &count), DECODE_OK, "%s", c->name);
    cr_expect_eq(count, 1, "%s: %s", c->name, describe(p, count));
    cr_expect(!p->carrier && !p->quotes && p->payload_len == p->payload.len, "%s", c->name);
    cr_expect_eq(p->payload.at + p->payload.len, octets.at + octets.len, "%s", c->name);
    alone_free(octets);
}

Test(tunnel, looks_through_every_tunnel)
{
    for (size_t i = 0; i < CASES; i++)
        if (cases[i].expected)
            expect_case(&cases[i]);
        else
            expect_plain(&cases[i]);
}

Test(tunnel, reads_a_frame_cut_at_every_length_as_far_as_it_goes)
{
    for (size_t i = 0; i < CASES; i++)
        expect_case_cut(&cases[i]);
}

Test(tunnel, never_points_outside_a_frame)
{
    expect_inside_when_spoilt(cases, CASES, 50000);
}

/* An IPv4 packet of protocol `proto` from 10.0.0.`depth` around what `b` holds. */
static void wrap(struct buffer *b, unsigned depth, unsigned proto)
{
    struct buffer outer = {.at = NULL};
    put_hex(&outer, "4500");
    put16(&outer, (unsigned)b->len + 20);
    put_hex(&outer, "0001 0000 40");
    put8(&outer, proto);
    put_hex(&outer, "0000 0a0000");
    put8(&outer, depth);
    put_hex(&outer, "c6336402");
    put_bytes(&outer, buffer_bytes(b));
    buffer_free(b);
    *b = outer;
}

Test(tunnel, looks_through_four_and_no_more)
{
    for (unsigned tunnels = 0; tunnels < 8; tunnels++) {
        struct buffer b = {.at = NULL};
        put_hex(&b, UDP("000b") ABC);
        for (unsigned n = 0; n <= tunnels; n++)
            wrap(&b, tunnels - n, n ? 4 : 17);
        struct frame f = {.link = LINK_RAW, .wire_len = (uint32_t)b.len, .octets = buffer_bytes(&b)};
        struct packet p[DECODE_PACKETS_MAX];
        unsigned count;
        cr_assert_eq(decode(&f, p, &count), DECODE_OK);
        unsigned through = tunnels < DECODE_TUNNELS_MAX ? tunnels : DECODE_TUNNELS_MAX;
        cr_assert_eq(count, through + 1, "%u tunnels: %u packets", tunnels, count);
        for (unsigned i = 0; i < count; i++)
            cr_expect(p[i].tuple.src.octet[15] == i && p[i].depth == i && p[i].carrier == (i < through));
        cr_expect_eq(p[through].payload.len, tunnels > through ? b.len - 20 * (through + 1) : 3);
        buffer_free(&b);
    }
}

/* The innermost of the deepest may still quote. */
Test(tunnel, has_room_for_a_quote_in_the_deepest)
{
    struct buffer b = {.at = NULL};
    put_hex(&b, "03 03 0000 00000000" V4_UDP_ABC);
    for (unsigned n = 0; n <= DECODE_TUNNELS_MAX; n++)
        wrap(&b, DECODE_TUNNELS_MAX - n, n ? 4 : 1);
    struct frame f = {.link = LINK_RAW, .wire_len = (uint32_t)b.len, .octets = buffer_bytes(&b)};
    struct packet p[DECODE_PACKETS_MAX];
    unsigned count;
    cr_assert_eq(decode(&f, p, &count), DECODE_OK);
    cr_expect(count == DECODE_PACKETS_MAX && p[count - 1].quoted && p[count - 2].quotes);
    buffer_free(&b);
}

/* Link layers that cost a few octets each, in a frame as long as one can be: neither the stack nor the time grows with
 * them. In the last ones both guesses at what a label leads to lead on. */
Test(tunnel, is_not_lost_in_hostile_nestings)
{
    static const char *const layers[] = {
        "8847 00010140 00000000 " MACS,
        "8847 00010140 " MACS,
        "88e7 00000001 " MACS,
        "894f 0fc2 02 03 000001ff " MACS,
        "8926 00000000 ",
        "8100 0001 ",
        "0500 aaaa03 000000 ",
        "8847 00010140 020000000001 02008100 8847 00010140 ",
        "8847 8100 8100 ",
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        struct buffer b = {.at = NULL};
        put_hex(&b, MACS);
        while (b.len < RECORD_FRAME_MAX - 100)
            put_hex(&b, layers[i]);
        struct frame f = {.link = LINK_ETHERNET, .wire_len = (uint32_t)b.len, .octets = buffer_bytes(&b)};
        expect_inside(&f);
        buffer_free(&b);
    }
}

Test(tunnel, looks_through_eight_link_layers_and_no_more)
{
    for (int n = 0; n < 12; n++) {
        struct buffer b = {.at = NULL};
        for (int k = 0; k < n; k++)
            put_hex(&b, MACS "88e7 00000001 ");
        put_hex(&b, MACS "0800" V4_UDP_ABC);
        struct frame f = {.link = LINK_ETHERNET, .wire_len = (uint32_t)b.len, .octets = buffer_bytes(&b)};
        struct packet p[DECODE_PACKETS_MAX];
        unsigned count;
        cr_expect_eq(decode(&f, p, &count), n < DECODE_LAYERS_MAX ? DECODE_OK : DECODE_NOT_IP, "%d layers", n + 1);
        buffer_free(&b);
    }
}
