/*
 * frames: frames in hex, layer by layer, and what decode makes of them in words.
 */
#ifndef VIGIA_TESTS_WIRE_FRAMES_H
#define VIGIA_TESTS_WIRE_FRAMES_H

#include "make.h"

#define MACS "020000000001 020000000002 "

/* From 192.0.2.1 to 198.51.100.2; the header's checksum is nobody's business. */
#define V4(total, fragment, proto) "45 00 " total " 0001 " fragment " 40 " proto " 0000 c0000201 c6336402 "
/* The same of another pair, which is found within: from 10.0.0.1 to 10.0.0.2. */
#define IN4(total, proto) "45 00 " total " 0001 0000 40 " proto " 0000 0a000001 0a000002 "
/* From 2001:db8::1 to 2001:db8::2. */
#define V6(payload, next)                                                                                              \
    "60000000 " payload " " next " 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
/* From fd00::1 to fd00::2. */
#define IN6(payload, next)                                                                                             \
    "60000000 " payload " " next " 40 fd000000000000000000000000000001 fd000000000000000000000000000002 "

#define TCP         "9c40 0050 00000007 00000009 50 18 1000 0000 0000 "
#define UDP(length) "9c40 0035 " length " 0000 "
#define ABC         "616263 "

/* 31 octets from 192.0.2.1, 51 from 2001:db8::1, and of the inner pairs as many. */
#define V4_UDP_ABC  V4("001f", "0000", "11") UDP("000b") ABC
#define V6_UDP_ABC  V6("000b", "11") UDP("000b") ABC
#define IN4_UDP_ABC IN4("001f", "11") UDP("000b") ABC
#define IN6_UDP_ABC IN6("000b", "11") UDP("000b") ABC

#define V4_TCP   "TCP 192.0.2.1:40000>198.51.100.2:80 "
#define V4_UDP   "UDP 192.0.2.1:40000>198.51.100.2:53 "
#define V4_OTHER "192.0.2.1:0>198.51.100.2:0 "
#define V6_UDP   "UDP 2001:db8::1:40000>2001:db8::2:53 "
#define V6_OTHER "2001:db8::1:0>2001:db8::2:0 "
#define IN4_UDP  "UDP 10.0.0.1:40000>10.0.0.2:53 "
#define IN6_UDP  "UDP fd00::1:40000>fd00::2:53 "

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

static inline struct bytes octets_of(const char *hex)
{
    struct buffer b = {.at = NULL};
    put_hex(&b, hex);
    struct bytes octets = alone(buffer_bytes(&b));
    buffer_free(&b);
    return octets;
}

static inline void describe_kind(struct buffer *out, const struct packet *p)
{
    for (uint8_t i = 0; i < p->tuple.vlans; i++)
        buffer_format(out, i ? ",%u" : "vlan %u", p->tuple.vlan[i]);
    buffer_text(out, p->tuple.vlans ? " " : "");
    if (p->tuple.tunnel)
        buffer_format(out, "in %s ", tunnel_name(p->tuple.tunnel));
    buffer_text(out, p->carrier ? "carrier " : "");
    buffer_text(out, p->quotes ? "quotes " : "");
    buffer_text(out, p->quoted ? "quoted " : "");
    buffer_text(out, p->refused ? "refused " : "");
    if (p->fragment)
        buffer_format(out, "%s %u+%u%s ", p->later_fragment ? "later" : "fragment", p->part_at, p->part_len,
                      p->more_fragments ? " more" : "");
    buffer_text(out, p->headless ? "headless " : "");
}

/* A packet in words:
 *     PROTO SRC:PORT>DST:PORT [vlan A,B] [in TUNNEL] [carrier] [quotes] [quoted] [refused]
 *         [fragment|later AT+LENGTH [more]] [headless] [FLAGS SEQ/ACK] CAPTURED/WIRE PAYLOAD
 * but no payload of what quotes, which is no text. */
static inline void describe_packet(struct buffer *out, const struct packet *p)
{
    char src[ADDRESS_TEXT_MAX], dst[ADDRESS_TEXT_MAX], proto[8];
    address_write(&p->tuple.src, src);
    address_write(&p->tuple.dst, dst);
    buffer_format(out, "%s %s:%u>%s:%u ", tuple_proto_name(p->tuple.proto, proto), src, p->tuple.src_port, dst,
                  p->tuple.dst_port);
    describe_kind(out, p);
    if (p->tuple.proto == PROTO_TCP && !p->headless && !p->later_fragment) {
        for (int bit = 0; bit < 6; bit++)
            if (p->tcp_flags >> bit & 1)
                buffer_char(out, "FSRPAU"[bit]);
        buffer_format(out, " %u/%u ", p->tcp_seq, p->tcp_ack);
    }
    buffer_format(out, "%zu/%u ", p->payload.len, p->payload_len);
    if (!p->quotes)
        put_bytes(out, p->payload);
}

/* All of a frame, outermost first, "; " between them; until the next call. */
static inline const char *describe(const struct packet *p, unsigned count)
{
    static struct buffer out;
    out.len = 0;
    for (unsigned i = 0; i < count; i++) {
        buffer_text(&out, i ? "; " : "");
        describe_packet(&out, &p[i]);
    }
    buffer_char(&out, '\0');
    return out.at;
}

struct decode_case {
    const char *name;
    uint16_t link;
    const char *hex;
    uint32_t cut; /* octets that the snap length cut away behind these */
    enum decode_verdict verdict;
    const char *expected; /* of its packets */
};

static inline void expect_case(const struct decode_case *c)
{
    struct bytes octets = octets_of(c->hex);
    struct frame f = {.link = c->link, .wire_len = (uint32_t)octets.len + c->cut, .octets = octets};
    struct packet p[DECODE_PACKETS_MAX];
    unsigned count;
    enum decode_verdict v = decode(&f, p, &count);
    cr_expect_eq(v, c->verdict, "%s: %s", c->name, decode_verdict_name(v));
    if (v == DECODE_OK && c->verdict == DECODE_OK)
        cr_expect_str_eq(describe(p, count), c->expected, "%s: %s, not %s", c->name, describe(p, count), c->expected);
    else
        cr_expect_eq(count, 0, "%s", c->name);
    alone_free(octets);
}

static inline void compare_cut_packet(const char *name, size_t len, const struct packet *whole,
                                      const struct packet *cut)
{
    cr_expect(address_equal(&cut->tuple.src, &whole->tuple.src), "%s cut to %zu", name, len);
    cr_expect(address_equal(&cut->tuple.dst, &whole->tuple.dst), "%s cut to %zu", name, len);
    cr_expect_eq(cut->later_fragment && !whole->later_fragment, false, "%s cut to %zu", name, len);
    cr_expect_eq(cut->carrier && !whole->carrier, false, "%s cut to %zu", name, len);
    if (cut->later_fragment)
        return; /* nobody reads on */
    if (cut->headless) {
        cr_expect(cut->quoted || cut->tuple.src_port + cut->tuple.dst_port == 0, "%s cut to %zu", name, len);
        cr_expect_eq(cut->tcp_flags, 0, "%s cut to %zu", name, len);
        cr_expect_eq(cut->payload.len, 0, "%s cut to %zu", name, len);
        return;
    }
    cr_expect_eq(cut->tuple.proto, whole->tuple.proto, "%s cut to %zu", name, len);
    cr_expect_eq(cut->tuple.src_port, whole->tuple.src_port, "%s cut to %zu", name, len);
    cr_expect_eq(cut->tuple.dst_port, whole->tuple.dst_port, "%s cut to %zu", name, len);
    cr_expect_eq(cut->tcp_flags, whole->tcp_flags, "%s cut to %zu", name, len);
    if (whole->carrier != cut->carrier)
        return; /* what it carries is cut before its addresses */
    cr_expect_eq(cut->payload_len, whole->payload_len, "%s cut to %zu: %u, not %u", name, len, cut->payload_len,
                 whole->payload_len);
    cr_expect(cut->payload.len <= whole->payload.len &&
                  bytes_equal(cut->payload, bytes_until(whole->payload, cut->payload.len)),
              "%s cut to %zu", name, len);
}

/* However short the snap length was, what is there is read and nothing is said that the whole frame does not say. */
static inline void expect_case_cut(const struct decode_case *c)
{
    struct bytes octets = octets_of(c->hex);
    struct frame f = {.link = c->link, .wire_len = (uint32_t)octets.len + c->cut, .octets = octets};
    struct packet whole[DECODE_PACKETS_MAX], cut[DECODE_PACKETS_MAX];
    unsigned of_whole, of_cut;
    enum decode_verdict v = decode(&f, whole, &of_whole);
    size_t addresses = v == DECODE_OK ? (size_t)(whole[0].dst_raw.at + whole[0].dst_raw.len - octets.at) : 0;
    for (size_t len = 0; len < octets.len; len++) {
        struct bytes front = alone(bytes_until(octets, len));
        f.octets = front;
        enum decode_verdict now = decode(&f, cut, &of_cut);
        if (v == DECODE_OK)
            cr_expect_eq(now, len < addresses ? DECODE_CUT : DECODE_OK, "%s cut to %zu: %s", c->name, len,
                         decode_verdict_name(now));
        else
            cr_expect(now == v || now == DECODE_CUT, "%s cut to %zu: %s", c->name, len, decode_verdict_name(now));
        if (v == DECODE_OK && now == DECODE_OK) {
            cr_expect_leq(of_cut, of_whole, "%s cut to %zu", c->name, len);
            for (unsigned i = 0; i < of_cut && i < of_whole; i++)
                compare_cut_packet(c->name, len, &whole[i], &cut[i]);
        }
        alone_free(front);
    }
    alone_free(octets);
}

/* Whatever comes out lies in the frame. */
static inline void expect_inside(const struct frame *f)
{
    const uint8_t *begin = f->octets.at, *end = begin + f->octets.len;
    struct packet packets[DECODE_PACKETS_MAX];
    unsigned count;
    enum decode_verdict v = decode(f, packets, &count);
    cr_assert((v == DECODE_OK) == (count > 0) && count <= DECODE_PACKETS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct packet *p = &packets[i];
        cr_assert(p->src_raw.at >= begin && p->src_raw.at + p->src_raw.len <= end);
        cr_assert(p->dst_raw.at >= begin && p->dst_raw.at + p->dst_raw.len <= end);
        cr_assert(!p->payload.len || (p->payload.at >= begin && p->payload.at + p->payload.len <= end));
        cr_assert(!p->part.len || (p->part.at >= begin && p->part.at + p->part.len <= end));
        cr_assert(p->payload.len <= p->payload_len && p->part.len <= p->part_len);
        cr_assert(!(p->headless && p->payload.len) && !(p->fragment && p->payload.len));
        cr_assert(!p->fragment || i + 1 == count);
    }
}

/* Every octet of every case as any other, under any of the link types. */
static inline void expect_inside_when_spoilt(const struct decode_case *cases, uint32_t count, int rounds)
{
    uint64_t state = 7;
    for (int round = 0; round < rounds; round++) {
        const struct decode_case *c = &cases[dice(&state, count)];
        struct bytes octets = octets_of(c->hex);
        uint8_t *at = (uint8_t *)(uintptr_t)octets.at;
        for (uint32_t n = dice(&state, 4); n-- > 0 && octets.len;)
            at[dice(&state, (uint32_t)octets.len)] = (uint8_t)dice(&state, 256);
        const struct decode_case *of = dice(&state, 2) ? c : &cases[dice(&state, count)];
        struct frame f = {.link = of->link, .wire_len = (uint32_t)octets.len + dice(&state, 100), .octets = octets};
        expect_inside(&f);
        alone_free(octets);
    }
}

#endif
