#include "frames.h"

#define COOK1 "0000 0001 0006 020000000001 0000 "
#define COOK2 " 0000 00000003 0001 00 06 0200000000010000 "

static const struct decode_case cases[] = {
    /* link layers */
    {"ethernet", LINK_ETHERNET, MACS "0800" V4("002b", "0000", "06") TCP ABC, 0, DECODE_OK, V4_TCP "PA 7/9 3/3 abc"},
    {"ethernet, IPv6", LINK_ETHERNET, MACS "86dd" V6("000b", "11") UDP("000b") ABC, 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"802.1Q", LINK_ETHERNET, MACS "8100 e064 0800" V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK,
     "UDP 192.0.2.1:40000>198.51.100.2:53 vlan 100 3/3 abc"},
    {"802.1ad", LINK_ETHERNET, MACS "88a8 0001 8100 0002 0800" V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK,
     "UDP 192.0.2.1:40000>198.51.100.2:53 vlan 1,2 3/3 abc"},
    {"tags, older", LINK_ETHERNET, MACS "9100 0001 8100 0002 86dd" V6("000b", "11") UDP("000b") ABC, 0, DECODE_OK,
     "UDP 2001:db8::1:40000>2001:db8::2:53 vlan 1,2 3/3 abc"},
    {"eight tags", LINK_ETHERNET,
     MACS "8100 0001 8100 0002 8100 0003 8100 0004 8100 0005 8100 0006 8100 0007 8100 0008 0800" V4(
         "001f", "0000", "11") UDP("000b") ABC,
     0, DECODE_OK, "UDP 192.0.2.1:40000>198.51.100.2:53 vlan 1,2 3/3 abc"},
    {"nine tags", LINK_ETHERNET,
     MACS "8100 0001 8100 0002 8100 0003 8100 0004 8100 0005 8100 0006 8100 0007 8100 0008 8100 0009 0800" V4(
         "001f", "0000", "11") UDP("000b") ABC,
     0, DECODE_NOT_IP, NULL},
    {"ARP", LINK_ETHERNET, MACS "0806 0001 0800 06 04 0001", 0, DECODE_NOT_IP, NULL},
    {"802.3 length", LINK_ETHERNET, MACS "0026 4242 03", 0, DECODE_NOT_IP, NULL},
    {"cooked", LINK_LINUX_SLL, COOK1 "0800" V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK, V4_UDP "3/3 abc"},
    {"cooked, tagged", LINK_LINUX_SLL, COOK1 "8100 0005 0800" V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK,
     "UDP 192.0.2.1:40000>198.51.100.2:53 vlan 5 3/3 abc"},
    {"cooked 2", LINK_LINUX_SLL2, "86dd" COOK2 V6("000b", "11") UDP("000b") ABC, 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"cooked 2, ARP", LINK_LINUX_SLL2, "0806" COOK2 "0001", 0, DECODE_NOT_IP, NULL},
    {"loopback, little endian", LINK_NULL, "02000000" V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK,
     V4_UDP "3/3 abc"},
    {"loopback, Darwin's IPv6", LINK_NULL, "1e000000" V6("000b", "11") UDP("000b") ABC, 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"loopback, OpenBSD", LINK_LOOP, "00000018" V6("000b", "11") UDP("000b") ABC, 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"raw", LINK_RAW, V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK, V4_UDP "3/3 abc"},
    {"raw, IPv6", LINK_RAW, V6("000b", "11") UDP("000b") ABC, 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"raw, BSD", LINK_RAW_BSD, V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK, V4_UDP "3/3 abc"},
    {"raw, OpenBSD", LINK_RAW_OPENBSD, V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK, V4_UDP "3/3 abc"},
    {"IPv4", LINK_IPV4, V4("001f", "0000", "11") UDP("000b") ABC, 0, DECODE_OK, V4_UDP "3/3 abc"},
    {"IPv6", LINK_IPV6, V6("000b", "11") UDP("000b") ABC, 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"raw, nothing of IP", LINK_RAW, "f0 00", 0, DECODE_NOT_IP, NULL},
    {"Bluetooth", 201, "0000", 0, DECODE_LINK_UNKNOWN, NULL},
    {"an interface not kept", UINT16_MAX, "0000", 0, DECODE_LINK_UNKNOWN, NULL},

    /* IPv4 */
    {"options", LINK_RAW, "47 00 0027 0001 0000 40 11 0000 c0000201 c6336402 0101 0101 0101 0100 " UDP("000b") ABC, 0,
     DECODE_OK, V4_UDP "3/3 abc"},
    {"options cut", LINK_RAW, "4f 00 0040 0001 0000 40 11 0000 c0000201 c6336402 0101", 42, DECODE_OK,
     "UDP " V4_OTHER "headless 0/0 "},
    {"total length 0", LINK_RAW, V4("0000", "0000", "06") TCP ABC, 0, DECODE_OK, V4_TCP "PA 7/9 3/3 abc"},
    {"total length 0, cut", LINK_RAW, V4("0000", "0000", "06") TCP ABC, 7, DECODE_OK, V4_TCP "PA 7/9 3/10 abc"},
    {"padding", LINK_ETHERNET, MACS "0800" V4("0028", "0000", "06") TCP "000000000000", 0, DECODE_OK,
     V4_TCP "PA 7/9 0/0 "},
    {"total length beyond the frame", LINK_RAW, V4("0100", "0000", "11") UDP("000b") ABC, 0, DECODE_OK,
     "UDP 192.0.2.1:0>198.51.100.2:0 headless 0/0 "},
    {"cut by snap length", LINK_RAW, V4("0100", "0000", "06") TCP ABC, 213, DECODE_OK, V4_TCP "PA 7/9 3/216 abc"},
    {"first fragment", LINK_RAW, V4("001f", "2000", "11") UDP("0800") ABC, 0, DECODE_OK,
     V4_UDP "fragment 0+11 more 0/0 "},
    {"later fragment", LINK_RAW, V4("0017", "2001", "11") ABC, 0, DECODE_OK, "UDP " V4_OTHER "later 8+3 more 0/0 "},
    {"last fragment", LINK_RAW, V4("0017", "0100", "11") ABC, 0, DECODE_OK, "UDP " V4_OTHER "later 2048+3 0/0 "},
    {"not to be fragmented", LINK_RAW, V4("001f", "4000", "11") UDP("000b") ABC, 0, DECODE_OK, V4_UDP "3/3 abc"},
    {"header of 16", LINK_RAW, "44 00 0014 0001 0000 40 06 0000 c0000201 c6336402", 0, DECODE_MALFORMED, NULL},
    {"total below the header", LINK_RAW, V4("0013", "0000", "06"), 0, DECODE_MALFORMED, NULL},
    {"version 5", LINK_ETHERNET, MACS "0800 55 00 0014 0001 0000 40 06 0000 c0000201 c6336402", 0, DECODE_MALFORMED,
     NULL},
    {"short by itself", LINK_RAW, "45 00 0014 0001 0000 40 06 0000 c0000201 c63364", 0, DECODE_MALFORMED, NULL},
    {"short by snap length", LINK_RAW, "45 00 0014 0001 0000 40 06 0000 c0000201 c63364", 1, DECODE_CUT, NULL},
    {"nothing at all", LINK_RAW, "", 0, DECODE_MALFORMED, NULL},
    {"all cut", LINK_RAW, "", 60, DECODE_CUT, NULL},

    /* IPv6 */
    {"hop by hop", LINK_RAW, V6("0013", "00") "11 00 0502 0000 0100" UDP("000b") ABC, 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"routing, destination", LINK_RAW,
     V6("0023", "2b") "3c 01 0000 0000 0000 0000 0000 0000 0000"
                      "11 00 0104 0000 0000" UDP("000b") ABC,
     0, DECODE_OK, V6_UDP "3/3 abc"},
    {"mobility, HIP, shim6", LINK_RAW,
     V6("0023", "87") "8b 00 0000 0000 0000"
                      "8c 00 0000 0000 0000"
                      "11 00 0000 0000 0000" UDP("000b") ABC,
     0, DECODE_OK, V6_UDP "3/3 abc"},
    {"authentication", LINK_RAW,
     V6("0023", "33") "11 04 0000 00000001 00000001 000000000000000000000000" UDP("000b") ABC, 0, DECODE_OK,
     V6_UDP "3/3 abc"},
    {"first fragment", LINK_RAW, V6("0013", "2c") "11 00 0001 00000001" UDP("0800") ABC, 0, DECODE_OK,
     V6_UDP "fragment 0+11 more 0/0 "},
    {"later fragment", LINK_RAW, V6("000b", "2c") "11 00 0009 00000001" ABC, 0, DECODE_OK,
     "UDP " V6_OTHER "later 8+3 more 0/0 "},
    {"atomic fragment", LINK_RAW, V6("0013", "2c") "11 00 0000 00000001" UDP("000b") ABC, 0, DECODE_OK,
     V6_UDP "3/3 abc"},
    {"no next header", LINK_RAW, V6("0003", "3b") ABC, 0, DECODE_OK, "59 " V6_OTHER "3/3 abc"},
    {"ESP", LINK_RAW, V6("0003", "32") ABC, 0, DECODE_OK, "50 " V6_OTHER "3/3 abc"},
    {"length 0", LINK_RAW, V6("0000", "11") UDP("000b") ABC, 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"padding", LINK_ETHERNET, MACS "86dd" V6("000b", "11") UDP("000b") ABC "0000", 0, DECODE_OK, V6_UDP "3/3 abc"},
    {"extension beyond the payload", LINK_RAW, V6("0008", "3c") "11 01 0104 0000 0000" UDP("000b") ABC, 0, DECODE_OK,
     "60 " V6_OTHER "headless 0/0 "},
    {"extension cut", LINK_RAW, V6("0100", "3c") "11 04 0104", 252, DECODE_OK, "60 " V6_OTHER "headless 0/0 "},
    {"version 4", LINK_ETHERNET,
     MACS "86dd 40000000 0000 3b 40 20010db8000000000000000000000001 20010db8000000000000000000000002", 0,
     DECODE_MALFORMED, NULL},

    /* transport */
    {"TCP options", LINK_RAW,
     V4("0033", "0000", "06") "9c40 0050 00000007 00000000 70 02 1000 0000 0000 020405b4 01010402" ABC, 0, DECODE_OK,
     V4_TCP "S 7/0 3/3 abc"},
    {"TCP header of 16", LINK_RAW, V4("0028", "0000", "06") "9c40 0050 00000007 00000009 40 18 1000 0000 0000", 0,
     DECODE_OK, "TCP " V4_OTHER "headless 0/0 "},
    {"TCP options beyond the packet", LINK_RAW,
     V4("0028", "0000", "06") "9c40 0050 00000007 00000009 60 18 1000 0000 0000", 0, DECODE_OK,
     "TCP " V4_OTHER "headless 0/0 "},
    {"TCP options cut", LINK_RAW, V4("0033", "0000", "06") "9c40 0050 00000007 00000000 70 02 1000 0000 0000 0204", 9,
     DECODE_OK, V4_TCP "S 7/0 0/3 "},
    {"all flags", LINK_RAW, V4("0028", "0000", "06") "9c40 0050 ffffffff 00000009 50 3f 1000 0000 0000", 0, DECODE_OK,
     V4_TCP "FSRPAU 4294967295/9 0/0 "},
    {"UDP length within", LINK_RAW, V4("001f", "0000", "11") UDP("000a") ABC, 0, DECODE_OK, V4_UDP "2/2 ab"},
    {"UDP length 8", LINK_RAW, V4("001f", "0000", "11") UDP("0008") ABC, 0, DECODE_OK, V4_UDP "0/0 "},
    {"UDP length 7", LINK_RAW, V4("001f", "0000", "11") UDP("0007") ABC, 0, DECODE_OK, "UDP " V4_OTHER "headless 0/0 "},
    {"UDP length 0", LINK_RAW, V4("001f", "0000", "11") UDP("0000") ABC, 0, DECODE_OK, V4_UDP "3/3 abc"},
    {"UDP length beyond", LINK_RAW, V4("001f", "0000", "11") UDP("0100") ABC, 0, DECODE_OK, V4_UDP "3/3 abc"},
    {"UDP, seven octets", LINK_RAW, V4("001b", "0000", "11") "9c40 0035 0008 00", 0, DECODE_OK,
     "UDP " V4_OTHER "headless 0/0 "},
    {"SCTP", LINK_RAW, V4("0023", "0000", "84") "9c40 0050 00000001 00000000" ABC, 0, DECODE_OK,
     "SCTP 192.0.2.1:40000>198.51.100.2:80 3/3 abc"},
    {"ICMP", LINK_RAW, V4("001b", "0000", "01") "03 0d 0000" ABC, 0, DECODE_OK,
     "ICMP 192.0.2.1:3>198.51.100.2:13 3/3 abc"},
    {"ICMPv6", LINK_RAW, V6("0007", "3a") "80 00 0000" ABC, 0, DECODE_OK,
     "ICMPv6 2001:db8::1:128>2001:db8::2:0 3/3 abc"},
    {"GRE", LINK_RAW, V4("0017", "0000", "2f") ABC, 0, DECODE_OK, "47 " V4_OTHER "3/3 abc"},
};

enum { CASES = sizeof cases / sizeof *cases };

Test(decode, reads_every_layer)
{
    for (size_t i = 0; i < CASES; i++)
        expect_case(&cases[i]);
}

Test(decode, points_to_the_addresses_in_the_frame)
{
    struct bytes octets = octets_of(MACS "0800" V4_UDP_ABC);
    struct frame f = {.link = LINK_ETHERNET, .wire_len = (uint32_t)octets.len, .octets = octets};
    struct packet p[DECODE_PACKETS_MAX];
    unsigned count;
    cr_assert_eq(decode(&f, p, &count), DECODE_OK);
    cr_expect(p->src_raw.at == octets.at + 26 && p->src_raw.len == 4);
    cr_expect(p->dst_raw.at == octets.at + 30 && p->dst_raw.len == 4);
    cr_expect_eq(p->payload.at, octets.at + 42);
    alone_free(octets);
}

Test(decode, reads_a_frame_cut_at_every_length_as_far_as_it_goes)
{
    for (size_t i = 0; i < CASES; i++)
        expect_case_cut(&cases[i]);
}

Test(decode, looks_through_a_bounded_number_of_extension_headers)
{
    for (int n = 0; n <= DECODE_EXTENSIONS_MAX + 2; n++) {
        struct buffer b = {.at = NULL};
        put_hex(&b, "60000000");
        put16(&b, (unsigned)(8 * n + 11));
        put_hex(&b, n ? "3c" : "11");
        put_hex(&b, "40 20010db8000000000000000000000001 20010db8000000000000000000000002");
        for (int k = 1; k <= n; k++)
            put_hex(&b, k < n ? "3c 00 0104 0000 0000" : "11 00 0104 0000 0000");
        put_hex(&b, UDP("000b") ABC);
        struct frame f = {.link = LINK_RAW, .wire_len = (uint32_t)b.len, .octets = buffer_bytes(&b)};
        struct packet p[DECODE_PACKETS_MAX];
        unsigned count;
        cr_expect_eq(decode(&f, p, &count), DECODE_OK);
        cr_expect_eq(p->headless, n > DECODE_EXTENSIONS_MAX, "%d headers", n);
        cr_expect_eq(p->tuple.dst_port, n > DECODE_EXTENSIONS_MAX ? 0 : 53, "%d headers", n);
        buffer_free(&b);
    }
}

Test(decode, never_points_outside_a_frame)
{
    expect_inside_when_spoilt(cases, CASES, 50000);
}
