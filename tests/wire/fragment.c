/* Fragments to datagrams; the expected overlaps are RFC 791's and RFC 5722's. */
#include "frames.h"

#include "wire/fragment.h"

#define SECOND INT64_C(1000000000)
#define OCTETS (16 << 20)

/* A datagram of TEXT behind a UDP header, in parts that begin at multiples of eight. */
#define TEXT                                                                                                           \
    "abcdefgh"                                                                                                         \
    "ijklmnop"                                                                                                         \
    "qrstuvwx"                                                                                                         \
    "yz"

struct piece {
    char family; /* '4', '6'; '\0' behind the last */
    unsigned id;
    unsigned at, len; /* of the datagram's octets, its UDP header before TEXT; len 0: up to its end */
    const char *text; /* NULL: what stands there; else these, over `len` */
    int second;
    uint32_t cut; /* octets that the snap length cut */
};

enum { PIECES_MAX = 8, UDP_LEN = 8 + sizeof TEXT - 1 };

static void put_content(struct buffer *b, const struct piece *p, size_t len)
{
    struct buffer whole = {.at = NULL};
    put_hex(&whole, "9c40 0035");
    put16(&whole, UDP_LEN);
    put_hex(&whole, "0000");
    buffer_text(&whole, TEXT);
    put_bytes(b, p->text ? bytes_of(p->text, len) : bytes_until(bytes_from(buffer_bytes(&whole), p->at), len));
    buffer_free(&whole);
}

static struct buffer frame_of(const struct piece *p)
{
    struct buffer b = {.at = NULL};
    size_t len = p->len ? p->len : UDP_LEN - p->at;
    unsigned more = p->len != 0;
    if (p->family == '4') {
        put_hex(&b, "45 00");
        put16(&b, (unsigned)(20 + len));
        put16(&b, p->id);
        put16(&b, more << 13 | p->at / 8);
        put_hex(&b, "40 11 0000 c0000201 c6336402");
    } else {
        put_hex(&b, "60000000");
        put16(&b, (unsigned)(8 + len));
        put_hex(&b, "2c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 11 00");
        put16(&b, p->at | more);
        put32(&b, p->id);
    }
    put_content(&b, p, len);
    b.len -= p->cut;
    return b;
}

/* What came of each frame, a line each; "-" where nothing did. */
static void see(struct fragments *t, const struct piece *p, struct buffer *told)
{
    struct packet packets[DECODE_PACKETS_MAX];
    unsigned count;
    struct buffer b = frame_of(p);
    struct bytes octets = alone(buffer_bytes(&b));
    struct frame f = {.link = LINK_RAW, .wire_len = (uint32_t)octets.len + p->cut, .octets = octets};
    fragments_tick(t, p->second * SECOND);
    cr_assert_eq(fragments_decode(t, &f, p->second * SECOND, packets, &count), DECODE_OK);
    buffer_format(told, "%s\n", count ? describe(packets, count) : "-");
    fragments_release(t);
    alone_free(octets);
    buffer_free(&b);
}

#define WHOLE4           V4_UDP "26/26 " TEXT "\n"
#define WHOLE6           V6_UDP "26/26 " TEXT "\n"
#define FIRST4           V4_UDP "fragment 0+16 more 0/0 \n"
#define FIRST6           V6_UDP "fragment 0+16 more 0/0 \n"
#define LATER4(at, more) "UDP " V4_OTHER "later " at more " 0/0 \n"
#define LATER6(at, more) "UDP " V6_OTHER "later " at more " 0/0 \n"

static const struct {
    const char *name;
    struct piece piece[PIECES_MAX];
    const char *told;
    struct wire_counts counts; /* those of fragments and datagrams */
} cases[] = {
    {"in order",
     {{'4', 1, 0, 16, NULL, 0, 0}, {'4', 1, 16, 8, NULL, 0, 0}, {'4', 1, 24, 0, NULL, 0, 0}},
     FIRST4 "-\n" WHOLE4,
     {.fragments = 3, .datagrams_joined = 1}},
    {"in order, IPv6",
     {{'6', 1, 0, 16, NULL, 0, 0}, {'6', 1, 16, 8, NULL, 0, 0}, {'6', 1, 24, 0, NULL, 0, 0}},
     FIRST6 "-\n" WHOLE6,
     {.fragments = 3, .datagrams_joined = 1}},
    {"reversed",
     {{'4', 1, 24, 0, NULL, 0, 0}, {'4', 1, 16, 8, NULL, 0, 0}, {'4', 1, 0, 16, NULL, 0, 0}},
     LATER4("24+10", "") "-\n" WHOLE4,
     {.fragments = 3, .datagrams_joined = 1}},
    {"reversed, IPv6",
     {{'6', 1, 24, 0, NULL, 0, 0}, {'6', 1, 16, 8, NULL, 0, 0}, {'6', 1, 0, 16, NULL, 0, 0}},
     LATER6("24+10", "") "-\n" WHOLE6,
     {.fragments = 3, .datagrams_joined = 1}},
    {"two of another number between",
     {{'4', 1, 0, 16, NULL, 0, 0},
      {'4', 2, 0, 16, NULL, 0, 0},
      {'4', 2, 16, 0, NULL, 0, 0},
      {'4', 1, 16, 0, NULL, 0, 0}},
     FIRST4 FIRST4 WHOLE4 WHOLE4,
     {.fragments = 4, .datagrams_joined = 2}},
    {"a repetition is no overlap",
     {{'4', 1, 0, 16, NULL, 0, 0}, {'4', 1, 0, 16, NULL, 0, 0}, {'4', 1, 16, 0, NULL, 0, 0}},
     FIRST4 FIRST4 WHOLE4,
     {.fragments = 3, .datagrams_joined = 1}},
    {"a repetition is no overlap, IPv6",
     {{'6', 1, 0, 16, NULL, 0, 0}, {'6', 1, 0, 16, NULL, 0, 0}, {'6', 1, 16, 0, NULL, 0, 0}},
     FIRST6 FIRST6 WHOLE6,
     {.fragments = 3, .datagrams_joined = 1}},
    {"of IPv4 what came first stays",
     {{'4', 1, 0, 16, NULL, 0, 0}, {'4', 1, 8, 16, "XXXXXXXXijklmnop", 0, 0}, {'4', 1, 24, 0, NULL, 0, 0}},
     FIRST4 "-\n" WHOLE4,
     {.fragments = 3, .datagrams_joined = 1, .fragments_overlap = 1}},
    {"and so it does where the holes are filled later",
     {{'4', 1, 16, 8, NULL, 0, 0},
      {'4', 1, 8, 24, "abcdefghXXXXXXXXqrstuvwx", 0, 0},
      {'4', 1, 0, 8, NULL, 0, 0},
      {'4', 1, 32, 0, NULL, 0, 0}},
     LATER4("16+8", " more") "-\n" V4_UDP "fragment 0+8 more 0/0 \n" WHOLE4,
     {.fragments = 4, .datagrams_joined = 1, .fragments_overlap = 1}},
    {"of IPv6 the datagram is dropped, and what comes of it later",
     {{'6', 1, 0, 16, NULL, 0, 0},
      {'6', 1, 8, 16, "XXXXXXXXijklmnop", 0, 0},
      {'6', 1, 24, 0, NULL, 0, 0},
      {'6', 1, 16, 0, NULL, 0, 0}},
     FIRST6 "-\n-\n-\n",
     {.fragments = 4, .datagrams_late = 1, .fragments_overlap = 1}},
    {"late",
     {{'4', 1, 0, 16, NULL, 0, 0}, {'4', 1, 16, 0, NULL, 31, 0}},
     FIRST4 LATER4("16+18", ""),
     {.fragments = 2, .datagrams_late = 2}},
    {"just in time",
     {{'4', 1, 0, 16, NULL, 0, 0}, {'4', 1, 16, 0, NULL, 29, 0}},
     FIRST4 WHOLE4,
     {.fragments = 2, .datagrams_joined = 1}},
    {"cut by the snap length",
     {{'4', 1, 0, 16, NULL, 0, 4}, {'4', 1, 16, 0, NULL, 0, 0}},
     V4_UDP "fragment 0+16 more 0/0 \n" LATER4("16+18", ""),
     {.fragments = 2, .datagrams_late = 1, .fragments_cut = 1}},
    {"behind the end",
     {{'4', 1, 16, 0, NULL, 0, 0}, {'4', 1, 40, 8, "XXXXXXXX", 0, 0}, {'4', 1, 0, 16, NULL, 0, 0}},
     LATER4("16+18", "") "-\n" WHOLE4,
     {.fragments = 3, .datagrams_joined = 1, .fragments_refused = 1}},
    {"the end told twice",
     {{'4', 1, 24, 0, NULL, 0, 0}, {'4', 1, 16, 0, NULL, 0, 0}, {'4', 1, 0, 24, NULL, 0, 0}},
     LATER4("24+10", "") "-\n" WHOLE4,
     {.fragments = 3, .datagrams_joined = 1, .fragments_overlap = 2}},
    {"not the last and no multiple of eight",
     {{'4', 1, 0, 15, NULL, 0, 0}, {'4', 1, 16, 0, NULL, 0, 0}},
     V4_UDP "fragment 0+15 more 0/0 \n-\n",
     {.fragments = 2, .datagrams_late = 1, .fragments_refused = 1}},
};

static void expect_counts(const char *name, const struct wire_counts *is, const struct wire_counts *expected)
{
#define EXPECT(count) cr_expect_eq(is->count, expected->count, "%s: " #count " %d", name, (int)is->count)
    EXPECT(fragments);
    EXPECT(datagrams_joined);
    EXPECT(datagrams_late);
    EXPECT(datagrams_evicted);
    EXPECT(fragments_overlap);
    EXPECT(fragments_refused);
    EXPECT(fragments_cut);
#undef EXPECT
}

Test(fragment, puts_datagrams_together)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire_counts counts = {0};
        struct buffer told = {.at = NULL};
        struct fragments *t = fragments_new(OCTETS, &counts);
        for (int n = 0; n < PIECES_MAX && cases[i].piece[n].family; n++)
            see(t, &cases[i].piece[n], &told);
        fragments_tick(t, INT64_MAX);
        buffer_char(&told, '\0');
        cr_expect_str_eq(told.at, cases[i].told, "%s: %s", cases[i].name, told.at);
        expect_counts(cases[i].name, &counts, &cases[i].counts);
        cr_expect_eq(fragments_held(t), 0, "%s", cases[i].name);
        fragments_free(t);
        buffer_free(&told);
    }
}

/* A part of the datagram with this text in it; each octet counts up. */
static struct buffer part_of_long(unsigned id, unsigned at, unsigned len, bool more)
{
    struct buffer b = {.at = NULL};
    put_hex(&b, "45 00");
    put16(&b, 20 + len);
    put16(&b, id);
    put16(&b, (unsigned)more << 13 | at / 8);
    put_hex(&b, "40 fd 0000 c0000201 c6336402");
    for (unsigned i = 0; i < len; i++)
        put8(&b, (at + i) * 7 / 5 & 255);
    return b;
}

static unsigned take(struct fragments *t, struct buffer *b, int64_t clock_ns, struct packet out[DECODE_PACKETS_MAX])
{
    unsigned count;
    struct frame f = {.link = LINK_RAW, .wire_len = (uint32_t)b->len, .octets = buffer_bytes(b)};
    cr_assert_eq(fragments_decode(t, &f, clock_ns, out, &count), DECODE_OK);
    return count;
}

/* Parts of any order and any overlap that say the same: the datagram is the same, and comes once. */
Test(fragment, does_not_depend_on_the_order)
{
    enum { LEN = 400, UNIT = 8 };
    uint64_t state = 11;
    for (int round = 0; round < 2000; round++) {
        struct wire_counts counts = {0};
        struct packet p[DECODE_PACKETS_MAX];
        struct fragments *t = fragments_new(OCTETS, &counts);
        bool there[LEN / UNIT] = {false};
        unsigned missing = LEN / UNIT;
        while (missing) {
            unsigned from = dice(&state, LEN / UNIT), until = from + 1 + dice(&state, 9);
            until = until < LEN / UNIT ? until : LEN / UNIT;
            for (unsigned u = from; u < until; u++) {
                missing -= !there[u];
                there[u] = true;
            }
            struct buffer b = part_of_long(1, from * UNIT, (until - from) * UNIT, until < LEN / UNIT);
            unsigned count = take(t, &b, 0, p);
            cr_assert_eq(counts.datagrams_joined, missing == 0);
            if (!missing) {
                cr_assert(count == 1 && p->joined && p->payload.len == LEN);
                for (unsigned i = 0; i < LEN; i++)
                    cr_assert_eq(p->payload.at[i], i * 7 / 5 & 255);
            }
            fragments_release(t);
            buffer_free(&b);
        }
        cr_assert_eq(fragments_held(t), 0);
        fragments_free(t);
    }
}

/* A tunnel's datagram in fragments, in which a fragment is that makes another whole. */
Test(fragment, looks_into_what_it_put_together)
{
    struct wire_counts counts = {0};
    struct packet p[DECODE_PACKETS_MAX];
    struct fragments *t = fragments_new(OCTETS, &counts);
    static const char *const frames[] = {
        "45 00 0024 0001 2000 40 04 0000 c0000201 c6336402 45 00 0024 0009 2000 40 11 0000 0a000001",
        "45 00 0028 0001 0002 40 04 0000 c0000201 c6336402 0a000002" UDP("000b") "6162 6364 6566 6768",
        "45 00 0017 0009 0001 40 11 0000 0a000001 0a000002" ABC,
    };
    static const char *const told[] = {
        "4 192.0.2.1:0>198.51.100.2:0 fragment 0+16 more 0/0 ",
        "4 192.0.2.1:0>198.51.100.2:0 carrier 0/0 ; " IN4_UDP "in ipip fragment 0+16 more 0/0 ",
        "UDP 10.0.0.1:0>10.0.0.2:0 later 8+3 0/0 ", /* not through the tunnel: of another datagram */
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct bytes octets = octets_of(frames[i]);
        struct buffer b = {.at = NULL};
        put_bytes(&b, octets);
        unsigned count = take(t, &b, 0, p);
        cr_expect_str_eq(describe(p, count), told[i], "%zu: %s", i, describe(p, count));
        fragments_release(t);
        buffer_free(&b);
        alone_free(octets);
    }
    fragments_free(t);
}

/* Half-open datagrams without end: memory stays within its bound, and the newest is still put together. */
Test(fragment, bounds_a_million_half_open_datagrams)
{
    enum { BOUND = 1 << 20, MILLION = 1000000 };
    struct wire_counts counts = {0};
    struct packet p[DECODE_PACKETS_MAX];
    struct fragments *t = fragments_new(BOUND, &counts);
    struct buffer b = part_of_long(0, 0, 64, true), end = part_of_long(0, 64, 8, false);
    for (unsigned i = 0; i < MILLION; i++) {
        for (int k = 0; k < 2; k++)
            b.at[4 + k] = end.at[4 + k] = (char)(i >> (8 - 8 * k));
        b.at[15] = end.at[15] = (char)(i >> 16); /* of the source */
        cr_assert_eq(take(t, &b, 0, p), 1);
        cr_assert(fragments_held(t) <= BOUND);
    }
    cr_expect(counts.fragments == MILLION && counts.datagrams_joined == 0);
    cr_expect(counts.datagrams_evicted > MILLION - BOUND / 64 && counts.datagrams_evicted < MILLION);
    cr_expect_eq(take(t, &end, 0, p), 1);
    cr_expect(p->joined && p->payload.len == 72);
    fragments_release(t);
    fragments_tick(t, FRAGMENTS_TIMEOUT_NS + 1);
    cr_expect_eq(fragments_held(t), 0);
    cr_expect_eq(counts.datagrams_joined + counts.datagrams_evicted + counts.datagrams_late, MILLION);
    fragments_free(t);
    buffer_free(&b);
    buffer_free(&end);
}

/* One datagram of very many very small parts (a known way to spend other people's time). */
Test(fragment, refuses_a_datagram_of_too_many_parts)
{
    struct wire_counts counts = {0};
    struct packet p[DECODE_PACKETS_MAX];
    struct fragments *t = fragments_new(OCTETS, &counts);
    for (unsigned i = 0; i < 4000; i++) {
        struct buffer b = part_of_long(1, 16 * (4000 - i), 8, true);
        take(t, &b, 0, p);
        buffer_free(&b);
    }
    cr_expect_eq(counts.fragments_refused, 4000 - FRAGMENTS_PARTS_MAX);
    fragments_free(t);
}

/* Longer than a datagram can be (the ping of death); before what is there; of another length than was told. */
Test(fragment, refuses_ends_that_cannot_be)
{
    static const struct {
        unsigned at, len;
        bool more;
        uint64_t refused; /* up to and with this one */
    } parts[] = {{65528, 100, false, 1}, {64, 8, true, 1},  {8, 16, false, 2},
                 {72, 8, false, 2},      {72, 9, false, 3}, {80, 8, true, 4}};
    struct wire_counts counts = {0};
    struct packet p[DECODE_PACKETS_MAX];
    struct fragments *t = fragments_new(OCTETS, &counts);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct buffer b = part_of_long(1, parts[i].at, parts[i].len, parts[i].more);
        take(t, &b, 0, p);
        cr_expect_eq(counts.fragments_refused, parts[i].refused, "part %zu", i);
        buffer_free(&b);
    }
    fragments_free(t);
}

/* Any octets of fragments: nothing outside is touched, and memory stays within its bound. */
Test(fragment, survives_any_fragments)
{
    enum { BOUND = 1 << 14 };
    uint64_t state = 3;
    struct wire_counts counts = {0};
    struct packet p[DECODE_PACKETS_MAX];
    struct fragments *t = fragments_new(BOUND, &counts);
    for (int i = 0; i < 200000; i++) {
        struct buffer b = part_of_long(dice(&state, 8), 8 * dice(&state, 12), 1 + dice(&state, 64), dice(&state, 4));
        static const uint8_t protos[] = {1, 4, 6, 17, 41, 47, 51, 253};
        b.at[9] = (char)protos[dice(&state, sizeof protos)];
        if (dice(&state, 3) == 0 && b.len > 24)
            b.at[20] = 0x45;
        take(t, &b, i * (SECOND / 1000), p);
        fragments_tick(t, i * (SECOND / 1000));
        fragments_release(t);
        cr_assert(fragments_held(t) <= BOUND);
        buffer_free(&b);
    }
    cr_expect(counts.datagrams_joined > 0 && counts.fragments_overlap > 0 && counts.fragments_refused > 0);
    fragments_free(t);
}
