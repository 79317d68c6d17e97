#include "make.h"

/* A packet in words:
 *     PROTO SRC:PORT>DST:PORT [vlan A,B] [fragment|later] [headless] [FLAGS SEQ/ACK] CAPTURED/WIRE PAYLOAD */
static const char *describe(const struct packet *p)
{
    static char text[512];
    char *at = text;
    char src[ADDRESS_TEXT_MAX], dst[ADDRESS_TEXT_MAX], proto[8];
    address_write(&p->tuple.src, src);
    address_write(&p->tuple.dst, dst);
    at += sprintf(at, "%s %s:%u>%s:%u ", tuple_proto_name(p->tuple.proto, proto), src, p->tuple.src_port, dst,
                  p->tuple.dst_port);
    for (uint8_t i = 0; i < p->tuple.vlans; i++)
        at += sprintf(at, i ? ",%u " : "vlan %u", p->tuple.vlan[i]);
    if (p->tuple.vlans == 1)
        at += sprintf(at, " ");
    at += sprintf(at, "%s%s",
                  p->later_fragment ? "later "
                  : p->fragment     ? "fragment "
                                    : "",
                  p->headless ? "headless " : "");
    if (p->tuple.proto == PROTO_TCP && !p->headless && !p->later_fragment) {
        for (int bit = 0; bit < 6; bit++)
            if (p->tcp_flags >> bit & 1)
                at += sprintf(at, "%c", "FSRPAU"[bit]);
        at += sprintf(at, " %u/%u ", p->tcp_seq, p->tcp_ack);
    }
    sprintf(at, "%zu/%u %.*s", p->payload.len, p->payload_len, (int)p->payload.len, (const char *)p->payload.at);
    return text;
}

#define MACS  "020000000001 020000000002 "
#define COOK1 "0000 0001 0006 020000000001 0000 "
#define COOK2 " 0000 00000003 0001 00 06 0200000000010000 "

/* From 192.0.2.1 to 198.51.100.2; the header's checksum is nobody's business. */
#define V4(total, fragment, proto) "45 00 " total " 0001 " fragment " 40 " proto " 0000 c0000201 c6336402 "
/* From 2001:db8::1 to 2001:db8::2. */
#define V6(payload, next)                                                                                              \
    "60000000 " payload " " next " 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "

#define TCP         "9c40 0050 00000007 00000009 50 18 1000 0000 0000 "
#define UDP(length) "9c40 0035 " length " 0000 "
#define ABC         "616263 "

#define V4_TCP   "TCP 192.0.2.1:40000>198.51.100.2:80 "
#define V4_UDP   "UDP 192.0.2.1:40000>198.51.100.2:53 "
#define V4_OTHER "192.0.2.1:0>198.51.100.2:0 "
#define V6_UDP   "UDP 2001:db8::1:40000>2001:db8::2:53 "
#define V6_OTHER "2001:db8::1:0>2001:db8::2:0 "

enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_LINUX_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_LINUX_SLL2 = 276,
};

struct decode_case {
    const char *name;
    uint16_t link;
    const char *hex;
    uint32_t cut; /* octets that the snap length cut away behind these */
    enum decode_verdict verdict;
    const char *expected; /* of a packet */
};

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
    {"802.11", 105, "0000", 0, DECODE_LINK_UNKNOWN, NULL},
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
    {"first fragment", LINK_RAW, V4("001f", "2000", "11") UDP("0800") ABC, 0, DECODE_OK, V4_UDP "fragment 3/3 abc"},
    {"later fragment", LINK_RAW, V4("0017", "2001", "11") ABC, 0, DECODE_OK, "UDP " V4_OTHER "later 0/0 "},
    {"last fragment", LINK_RAW, V4("0017", "0100", "11") ABC, 0, DECODE_OK, "UDP " V4_OTHER "later 0/0 "},
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
     V6_UDP "fragment 3/3 abc"},
    {"later fragment", LINK_RAW, V6("000b", "2c") "11 00 0009 00000001" ABC, 0, DECODE_OK,
     "UDP " V6_OTHER "later 0/0 "},
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

static struct bytes octets_of(const char *hex)
{
    struct buffer b = {.at = NULL};
    put_hex(&b, hex);
    struct bytes octets = alone(buffer_bytes(&b));
    buffer_free(&b);
    return octets;
}

Test(decode, reads_every_layer)
{
    for (size_t i = 0; i < CASES; i++) {
        const struct decode_case *c = &cases[i];
        struct bytes octets = octets_of(c->hex);
        struct frame f = {.link = c->link, .wire_len = (uint32_t)octets.len + c->cut, .octets = octets};
        struct packet p;
        enum decode_verdict v = decode(&f, &p);
        cr_expect_eq(v, c->verdict, "%s: %s", c->name, decode_verdict_name(v));
        if (v == DECODE_OK && c->verdict == DECODE_OK)
            cr_expect_str_eq(describe(&p), c->expected, "%s: %s, not %s", c->name, describe(&p), c->expected);
        alone_free(octets);
    }
}

Test(decode, points_to_the_addresses_in_the_frame)
{
    struct bytes octets = octets_of(MACS "0800" V4("001f", "0000", "11") UDP("000b") ABC);
    struct frame f = {.link = LINK_ETHERNET, .wire_len = (uint32_t)octets.len, .octets = octets};
    struct packet p;
    cr_assert_eq(decode(&f, &p), DECODE_OK);
    cr_expect(p.src_raw.at == octets.at + 26 && p.src_raw.len == 4);
    cr_expect(p.dst_raw.at == octets.at + 30 && p.dst_raw.len == 4);
    cr_expect_eq(p.payload.at, octets.at + 42);
    alone_free(octets);
}

/* However short the snap length was, what is there is read and nothing is said that the whole frame does not say. */
static void compare_cut(const struct decode_case *c, size_t len, const struct packet *whole, const struct packet *cut)
{
    cr_expect(address_equal(&cut->tuple.src, &whole->tuple.src), "%s cut to %zu", c->name, len);
    cr_expect(address_equal(&cut->tuple.dst, &whole->tuple.dst), "%s cut to %zu", c->name, len);
    cr_expect_eq(cut->later_fragment && !whole->later_fragment, false, "%s cut to %zu", c->name, len);
    if (cut->later_fragment)
        return; /* nobody reads on */
    if (cut->headless) {
        cr_expect_eq(cut->tuple.src_port + cut->tuple.dst_port + cut->tcp_flags, 0, "%s cut to %zu", c->name, len);
        cr_expect_eq(cut->payload.len, 0, "%s cut to %zu", c->name, len);
        return;
    }
    cr_expect_eq(cut->tuple.proto, whole->tuple.proto, "%s cut to %zu", c->name, len);
    cr_expect_eq(cut->tuple.src_port, whole->tuple.src_port, "%s cut to %zu", c->name, len);
    cr_expect_eq(cut->tuple.dst_port, whole->tuple.dst_port, "%s cut to %zu", c->name, len);
    cr_expect_eq(cut->tcp_flags, whole->tcp_flags, "%s cut to %zu", c->name, len);
    cr_expect_eq(cut->payload_len, whole->payload_len, "%s cut to %zu: %u, not %u", c->name, len, cut->payload_len,
                 whole->payload_len);
    cr_expect(cut->payload.len <= whole->payload.len &&
                  bytes_equal(cut->payload, bytes_until(whole->payload, cut->payload.len)),
              "%s cut to %zu", c->name, len);
}

Test(decode, reads_a_frame_cut_at_every_length_as_far_as_it_goes)
{
    for (size_t i = 0; i < CASES; i++) {
        const struct decode_case *c = &cases[i];
        struct bytes octets = octets_of(c->hex);
        struct frame f = {.link = c->link, .wire_len = (uint32_t)octets.len + c->cut, .octets = octets};
        struct packet whole, p;
        enum decode_verdict v = decode(&f, &whole);
        size_t addresses = whole.dst_raw.len ? (size_t)(whole.dst_raw.at + whole.dst_raw.len - octets.at) : 0;
        for (size_t len = 0; len < octets.len; len++) {
            struct bytes front = alone(bytes_until(octets, len));
            f.octets = front;
            enum decode_verdict now = decode(&f, &p);
            if (v == DECODE_OK)
                cr_expect_eq(now, len < addresses ? DECODE_CUT : DECODE_OK, "%s cut to %zu: %s", c->name, len,
                             decode_verdict_name(now));
            else
                cr_expect(now == v || now == DECODE_CUT, "%s cut to %zu: %s", c->name, len, decode_verdict_name(now));
            if (v == DECODE_OK && now == DECODE_OK)
                compare_cut(c, len, &whole, &p);
            alone_free(front);
        }
        alone_free(octets);
    }
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
        struct packet p;
        cr_expect_eq(decode(&f, &p), DECODE_OK);
        cr_expect_eq(p.headless, n > DECODE_EXTENSIONS_MAX, "%d headers", n);
        cr_expect_eq(p.tuple.dst_port, n > DECODE_EXTENSIONS_MAX ? 0 : 53, "%d headers", n);
        buffer_free(&b);
    }
}

/* Every octet of every case as any other: whatever comes out lies in the frame. */
Test(decode, never_points_outside_a_frame)
{
    static const uint16_t links[] = {LINK_NULL,      LINK_ETHERNET,   LINK_RAW,  LINK_LOOP,
                                     LINK_LINUX_SLL, LINK_LINUX_SLL2, LINK_IPV4, LINK_IPV6};
    uint64_t state = 7;
    for (int round = 0; round < 50000; round++) {
        struct bytes octets = octets_of(cases[dice(&state, CASES)].hex);
        uint8_t *at = (uint8_t *)(uintptr_t)octets.at;
        for (uint32_t n = dice(&state, 4); n-- > 0 && octets.len;)
            at[dice(&state, (uint32_t)octets.len)] = (uint8_t)dice(&state, 256);
        struct frame f = {.link = links[dice(&state, sizeof links / sizeof *links)],
                          .wire_len = (uint32_t)octets.len + dice(&state, 100),
                          .octets = octets};
        struct packet p;
        if (decode(&f, &p) == DECODE_OK) {
            cr_assert(p.src_raw.at >= octets.at && p.src_raw.at + p.src_raw.len <= octets.at + octets.len);
            cr_assert_leq(p.payload.len, p.payload_len);
            cr_assert(!p.payload.len ||
                      (p.payload.at >= octets.at && p.payload.at + p.payload.len <= octets.at + octets.len));
            cr_assert(!(p.headless && p.payload.len) && !(p.later_fragment && p.payload.len));
        }
        alone_free(octets);
    }
}
