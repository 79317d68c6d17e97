#include <criterion/criterion.h>

#include "model/tuple.h"

static struct address address(const char *text)
{
    struct address a;
    cr_assert(address_read(bytes_text(text), &a), "%s", text);
    return a;
}

struct known {
    uint8_t proto;
    const char *src, *dst;
    uint16_t src_port, dst_port;
    const char *id;
};

static void expect_ids(const struct known *k, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tuple t = {.src = address(k[i].src),
                          .dst = address(k[i].dst),
                          .src_port = k[i].src_port,
                          .dst_port = k[i].dst_port,
                          .proto = k[i].proto};
        char id[COMMUNITY_ID_MAX];
        tuple_community_id(&t, id);
        cr_expect_str_eq(id, k[i].id, "%s %u > %s %u: %s", k[i].src, k[i].src_port, k[i].dst, k[i].dst_port, id);
    }
}

#define EXPECT_IDS(cases) expect_ids(cases, sizeof cases / sizeof *cases)

/* Published: baseline of the specification (seed 0), README of pycommunityid. */
Test(tuple, has_the_published_community_ids_where_there_are_ports)
{
    static const struct known cases[] = {
        {PROTO_TCP, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
        {PROTO_TCP, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
        {PROTO_TCP, "127.0.0.1", "10.0.0.1", 1234, 80, "1:mgRgpIZSu0KHDp/QrtcWZpkJpMU="},
        {PROTO_TCP, "10.0.0.1", "10.0.0.2", 10, 20, "1:9j2Dzwrw7T9E+IZi4b4IVT66HBI="},
        {PROTO_TCP, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25,
         "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
        {PROTO_TCP, "2607:f8b0:400c:c03::1a", "2001:470:e5bf:dead:4957:2174:e82c:4887", 25, 63943,
         "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
        {PROTO_UDP, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
        {PROTO_UDP, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
        {PROTO_SCTP, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
        {PROTO_SCTP, "192.168.170.56", "192.168.170.8", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
    };
    EXPECT_IDS(cases);
}

Test(tuple, has_the_published_community_ids_of_protocols_without_ports)
{
    static const struct known cases[] = {
        {46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
        {46, "10.1.12.2", "10.1.12.1", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
    };
    EXPECT_IDS(cases);
}

/* Type and code as in the message: echo 8/0, its reply 0/0. The baseline names the mapped pair. */
Test(tuple, has_the_published_community_ids_of_icmp)
{
    static const struct known cases[] = {
        {PROTO_ICMP, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
        {PROTO_ICMP, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
        {PROTO_ICMP, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="},
        {PROTO_ICMPV6, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0,
         "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
        {PROTO_ICMPV6, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0,
         "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
        {PROTO_ICMPV6, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 0,
         "1:zavyT/cezQr1fmImYCwYnMXbgck="},
        {PROTO_ICMPV6, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 0,
         "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
        {PROTO_ICMPV6, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 0,
         "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
        {PROTO_ICMPV6, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
        {PROTO_ICMPV6, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
        /* one way: no message answers them, and the endpoints keep their order */
        {PROTO_ICMPV6, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0,
         "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="},
        {PROTO_ICMPV6, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4,
         "1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
    };
    EXPECT_IDS(cases);
}

Test(tuple, keeps_the_order_of_one_way_messages)
{
    struct tuple there = {
        .src = address("10.0.0.1"), .dst = address("10.0.0.2"), .src_port = 3, .dst_port = 1, .proto = PROTO_ICMP};
    struct tuple back = there;
    back.src = there.dst, back.dst = there.src;
    char one[COMMUNITY_ID_MAX], two[COMMUNITY_ID_MAX];
    tuple_community_id(&there, one);
    tuple_community_id(&back, two);
    cr_expect_str_neq(one, two);
}

Test(tuple, does_not_hash_its_vlans)
{
    struct tuple t = {
        .src = address("10.0.0.1"), .dst = address("10.0.0.2"), .src_port = 10, .dst_port = 20, .proto = PROTO_TCP};
    t.vlans = 2, t.vlan[0] = 12, t.vlan[1] = 34;
    char id[COMMUNITY_ID_MAX];
    tuple_community_id(&t, id);
    cr_expect_str_eq(id, "1:9j2Dzwrw7T9E+IZi4b4IVT66HBI=");
}

Test(tuple, names_protocols_states_and_directions)
{
    char room[8];
    cr_expect_str_eq(tuple_proto_name(1, room), "ICMP");
    cr_expect_str_eq(tuple_proto_name(6, room), "TCP");
    cr_expect_str_eq(tuple_proto_name(17, room), "UDP");
    cr_expect_str_eq(tuple_proto_name(58, room), "ICMPv6");
    cr_expect_str_eq(tuple_proto_name(132, room), "SCTP");
    cr_expect_str_eq(tuple_proto_name(255, room), "255");
    cr_expect_str_eq(flow_state_name(FLOW_ATTEMPTED), "attempted");
    cr_expect_str_eq(flow_state_name(FLOW_REFUSED), "refused");
    cr_expect_str_eq(flow_state_name(FLOW_ESTABLISHED), "established");
    cr_expect_str_eq(flow_state_name(FLOW_ONE_SIDED), "one-sided");
    cr_expect_str_eq(flow_direction_name(DIRECTION_UNKNOWN), "unknown");
    cr_expect_str_eq(flow_direction_name(DIRECTION_INBOUND), "inbound");
    cr_expect_str_eq(flow_direction_name(DIRECTION_OUTBOUND), "outbound");
    cr_expect_str_eq(flow_direction_name(DIRECTION_INTERNAL), "internal");
    cr_expect_str_eq(flow_direction_name(DIRECTION_EXTERNAL), "external");
}
