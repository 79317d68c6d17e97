#include "make.h"

#include "wire/stream.h"

/* What goes out, `~` where there is a gap, `|` between pieces. */
struct outlet {
    struct buffer text;
    unsigned gaps;
};

static void out(void *to, struct bytes octets, bool gap)
{
    struct outlet *o = to;
    cr_assert_gt(octets.len, 0, "nothing is not worth a call");
    if (o->text.len)
        buffer_char(&o->text, '|');
    if (gap)
        buffer_char(&o->text, '~');
    o->gaps += gap;
    put_bytes(&o->text, octets);
}

static const char *text_of(struct outlet *o)
{
    buffer_char(&o->text, '\0');
    o->text.len--;
    return o->text.at;
}

enum step_kind { END_OF_STEPS, SYN, DATA, RUN_ON, ACK, END };

struct step {
    enum step_kind kind;
    uint32_t seq;
    const char *text;
    uint32_t cut;
    int times; /* 0: once */
};

enum { STEPS_MAX = 12 };

struct step_case {
    const char *name;
    struct step step[STEPS_MAX];
    const char *expected;
    uint64_t gaps; /* holes given up */
};

#define S(seq)                                                                                                         \
    {                                                                                                                  \
        SYN, seq, NULL, 0, 0                                                                                           \
    }
#define D(seq, text)                                                                                                   \
    {                                                                                                                  \
        DATA, seq, text, 0, 0                                                                                          \
    }
#define CUT(seq, text, n)                                                                                              \
    {                                                                                                                  \
        DATA, seq, text, n, 0                                                                                          \
    }
#define AGAIN(seq, text, n)                                                                                            \
    {                                                                                                                  \
        DATA, seq, text, 0, n                                                                                          \
    }
#define RUN(seq, text, n)                                                                                              \
    {                                                                                                                  \
        RUN_ON, seq, text, 0, n                                                                                        \
    }
#define A(seq, n)                                                                                                      \
    {                                                                                                                  \
        ACK, seq, NULL, 0, n                                                                                           \
    }
#define E                                                                                                              \
    {                                                                                                                  \
        END, 0, NULL, 0, 0                                                                                             \
    }

static const struct step_case step_cases[] = {
    {"in order", {S(99), D(100, "abc"), D(103, "def")}, "abc|def", 0},
    {"without SYN", {D(100, "abc"), D(103, "def")}, "abc|def", 0},
    {"a hole, then what fills it", {S(99), D(103, "def"), D(100, "abc")}, "abc|def", 0},
    {"backwards", {S(99), D(106, "ghi"), D(103, "def"), D(100, "abc")}, "abc|def|ghi", 0},
    {"twice", {S(99), D(100, "abc"), D(100, "abc"), D(103, "def"), D(100, "abc")}, "abc|def", 0},
    {"twice in waiting", {S(99), D(103, "def"), D(103, "def"), D(100, "abc")}, "abc|def", 0},
    {"grown", {S(99), D(100, "abc"), D(100, "abcdef"), D(102, "cdefg")}, "abc|def|g", 0},
    {"what went out first stays", {S(99), D(100, "abc"), D(100, "ABCdef")}, "abc|def", 0},
    {"of those that wait the earlier begin gives", {S(99), D(104, "EFG"), D(102, "cde"), D(100, "ab")}, "ab|cde|FG", 0},
    {"of equal begins the earlier come gives", {S(99), D(102, "cd"), D(102, "CDef"), D(100, "ab")}, "ab|cd|ef", 0},
    {"over what waits", {S(99), D(102, "C"), D(104, "E"), D(100, "abcdef")}, "abcdef", 0},
    {"a second SYN changes nothing", {S(99), D(100, "abc"), S(500), D(103, "def")}, "abc|def", 0},
    {"around 2^32", {S(4294967293u), D(0, "cd"), D(4294967294u, "ab"), D(2, "e")}, "ab|cd|e", 0},
    {"nothing", {S(99), D(100, ""), E}, "", 0},
    {"lost, at the end", {S(99), D(100, "abc"), D(106, "ghi"), E}, "abc|~ghi", 1},
    {"lost twice, at the end", {S(99), D(110, "k"), D(106, "ghi"), E}, "~ghi|~k", 2},
    {"lost, but nobody says so", {S(99), D(106, "ghi"), A(103, 100)}, "", 0},
    {"lost, acknowledged, and still doubted", {S(99), D(103, "def"), A(103, STREAM_DOUBT_MAX - 1)}, "", 0},
    {"lost and acknowledged", {S(99), D(103, "def"), A(103, STREAM_DOUBT_MAX)}, "~def", 1},
    {"late and acknowledged", {S(99), D(103, "def"), A(106, STREAM_DOUBT_MAX - 1), D(100, "abc")}, "abc|def", 0},
    {"late, beyond doubt", {S(99), D(103, "def"), A(106, STREAM_DOUBT_MAX), D(100, "abc"), D(106, "g")}, "~def|g", 1},
    {"one hole of two is acknowledged", {S(99), D(103, "d"), D(106, "g"), A(104, 2 * STREAM_DOUBT_MAX)}, "~d", 1},
    {"acknowledged with nothing waiting", {S(99), D(100, "abc"), A(500, 100), D(103, "d")}, "abc|d", 0},
    {"cut", {S(99), CUT(100, "abc", 2), D(105, "fgh")}, "abc|~fgh", 0},
    {"cut in waiting", {S(99), CUT(103, "def", 2), D(108, "ijk"), D(100, "abc")}, "abc|def|~ijk", 0},
    {"nothing captured", {S(99), CUT(100, "", 3), D(103, "def")}, "~def", 0},
    {"what was cut comes too late", {S(99), CUT(100, "abc", 2), D(103, "de"), D(105, "fgh")}, "abc|~fgh", 0},
    {"cut at the end", {S(99), CUT(100, "abc", 2), E}, "abc", 0},
    {"anew after the end", {S(99), D(100, "abc"), E, D(7, "xyz"), D(10, "!")}, "abc|xyz|!", 0},
    {"old ones, not enough", {D(900000, "abc"), RUN(1000, "x", STREAM_STRAYS_MAX - 1), D(900003, "d")}, "abc|d", 0},
    {"a false number is left", {D(900000, "abc"), RUN(1000, "x", STREAM_STRAYS_MAX), D(1032, "y")}, "abc|~x|y", 0},
    {"one old octet, again and again", {D(900000, "abc"), AGAIN(1000, "x", 99), D(900003, "d")}, "abc|d", 0},
    {"far ahead", {D(100, "abc"), D(100000000, "x"), D(103, "d")}, "abc|d", 0},
    {"a number far ahead is followed", {D(100, "abc"), RUN(100000000, "x", STREAM_STRAYS_MAX)}, "abc|~x", 0},
    {"octets before the handshake", {D(5, "junk"), S(99), D(100, "abc")}, "junk|~abc", 0},
    {"all of a window again", {D(900000, "abc"), AGAIN(700000, "x", 99), D(900003, "d")}, "abc|d", 0},
    {"old ones in between new ones",
     {D(5000, "a"), AGAIN(1000, "x", 99 - 1), D(5001, "b"), AGAIN(1000, "x", 99 - 1)},
     "a|b",
     0},
    {"old ones in between such as wait",
     {D(5000, "a"), AGAIN(1000, "x", 99 - 1), D(5002, "c"), AGAIN(1000, "x", 99 - 1),
      D(5001, "b")},
     "a|b|c",
     0},
};

static void play(const struct step *s, struct stream *stream, struct stream_budget *budget, struct outlet *o)
{
    for (int n = 0; n < (s->times ? s->times : 1); n++)
        switch (s->kind) {
        case SYN: stream_syn(stream, s->seq); break;
        case RUN_ON: /* each where the one before ended */
        case DATA: {
            struct bytes octets = alone(bytes_text(s->text));
            uint32_t on = s->kind == RUN_ON ? (uint32_t)n * (uint32_t)octets.len : 0;
            stream_segment(stream, budget, s->seq + on, octets, s->cut, out, o);
            alone_free(octets);
            break;
        }
        case ACK: stream_acked(stream, budget, s->seq, out, o); break;
        case END: stream_end(stream, budget, out, o); break;
        case END_OF_STEPS: break;
        }
}

Test(stream, gives_octets_once_and_in_order)
{
    for (size_t i = 0; i < sizeof step_cases / sizeof *step_cases; i++) {
        const struct step_case *c = &step_cases[i];
        struct stream stream = {.begun = false};
        struct stream_budget budget = {.max = 1 << 20};
        struct outlet o = {.gaps = 0};
        for (int n = 0; n < STEPS_MAX && c->step[n].kind; n++)
            play(&c->step[n], &stream, &budget, &o);
        cr_expect_str_eq(text_of(&o), c->expected, "%s: %s, not %s", c->name, text_of(&o), c->expected);
        cr_expect_eq(budget.gaps, c->gaps, "%s: %llu gaps", c->name, (unsigned long long)budget.gaps);
        cr_expect_eq(budget.pressed, 0, "%s", c->name);
        stream_drop(&stream, &budget);
        cr_expect_eq(budget.held, 0, "%s", c->name);
        buffer_free(&o.text);
    }
}

/* The same numbers moved, so that they wrap within the case. */
Test(stream, knows_no_place_in_sequence_space)
{
    for (size_t i = 0; i < sizeof step_cases / sizeof *step_cases; i++)
        for (uint32_t moved = 0; moved < 12; moved++) {
            const struct step_case *c = &step_cases[i];
            struct stream stream = {.begun = false};
            struct stream_budget budget = {.max = 1 << 20};
            struct outlet o = {.gaps = 0};
            for (int n = 0; n < STEPS_MAX && c->step[n].kind; n++) {
                struct step s = c->step[n];
                s.seq += UINT32_MAX - 110 + moved;
                play(&s, &stream, &budget, &o);
            }
            cr_expect_str_eq(text_of(&o), c->expected, "%s: %s, not %s", c->name, text_of(&o), c->expected);
            stream_drop(&stream, &budget);
            buffer_free(&o.text);
        }
}

static void out_plain(void *to, struct bytes octets, bool gap)
{
    cr_assert_not(gap);
    put_bytes(to, octets);
}

/* Segments of a text in any order, again and again, overlapping as they like. */
Test(stream, gives_a_text_once_however_its_segments_come)
{
    enum { LEN = 4000, SEGMENTS_MAX = 400 };
    static uint8_t text[LEN];
    struct piece {
        uint32_t at, len;
    } piece[SEGMENTS_MAX];
    uint64_t state = 20261122;
    for (size_t i = 0; i < LEN; i++)
        text[i] = (uint8_t)dice(&state, 256);
    for (int round = 0; round < 2000; round++) {
        uint32_t count = 0, isn = dice(&state, 2) ? UINT32_MAX - dice(&state, LEN) : dice(&state, UINT32_MAX);
        for (uint32_t at = 0; at < LEN;) { /* covers all of it */
            uint32_t len = 1 + dice(&state, 120);
            len = len < LEN - at ? len : LEN - at;
            uint32_t back = at ? dice(&state, at < 50 ? at : 50) : 0;
            piece[count++] = (struct piece){at - back, len + back};
            at += len;
        }
        for (uint32_t more = dice(&state, 99 - 1); more-- > 0;) { /* more in a row would be a sign */
            uint32_t at = dice(&state, LEN);
            piece[count++] = (struct piece){at, 1 + dice(&state, LEN - at < 300 ? LEN - at : 300)};
        }
        uint32_t reach = 1 + dice(&state, round % 4 ? 20 : SEGMENTS_MAX); /* how far one may come too early */
        for (uint32_t i = 0; i + 1 < count; i++) {
            uint32_t other = i + dice(&state, reach < count - i ? reach : count - i);
            struct piece swap = piece[i];
            piece[i] = piece[other];
            piece[other] = swap;
        }
        struct stream stream = {.begun = false};
        struct stream_budget budget = {.max = 1 << 20};
        struct buffer got = {.at = NULL};
        stream_syn(&stream, isn);
        for (uint32_t i = 0; i < count && got.len < LEN; i++) {
            struct bytes octets = alone(bytes_of(text + piece[i].at, piece[i].len));
            stream_segment(&stream, &budget, isn + 1 + piece[i].at, octets, 0, out_plain, &got);
            alone_free(octets);
            cr_assert_leq(stream.segments, STREAM_SEGMENTS_MAX);
        }
        cr_assert_null(stream.first, "round %d: some still wait", round);
        cr_assert_eq(budget.held, 0);
        cr_assert(bytes_equal(buffer_bytes(&got), bytes_of(text, LEN)), "round %d: %zu octets", round, got.len);
        buffer_free(&got);
    }
}

/* The receiver's view (RFC 9293, 3.10.7.4): the longest front of all that came. */
Test(stream, gives_the_front_that_is_whole_after_every_segment)
{
    enum { LEN = 300 };
    uint8_t text[LEN];
    uint64_t state = 3;
    for (size_t i = 0; i < LEN; i++)
        text[i] = (uint8_t)dice(&state, 256);
    for (int round = 0; round < 2000; round++) {
        bool come[LEN] = {false};
        uint32_t isn = UINT32_MAX - dice(&state, LEN);
        size_t front = 0;
        struct stream stream = {.begun = false};
        struct stream_budget budget = {.max = 1 << 20};
        struct buffer got = {.at = NULL};
        stream_syn(&stream, isn);
        for (int n = 0; n < 99 - 1 || front < LEN; n++) {
            bool whole = n >= 99 - 1; /* then the rest, in order */
            uint32_t at = whole ? (uint32_t)front : dice(&state, LEN);
            uint32_t len = whole ? LEN - at : 1 + dice(&state, LEN - at);
            struct bytes octets = alone(bytes_of(text + at, len));
            stream_segment(&stream, &budget, isn + 1 + at, octets, 0, out_plain, &got);
            alone_free(octets);
            memset(come + at, true, len);
            while (front < LEN && come[front])
                front++;
            cr_assert(bytes_equal(buffer_bytes(&got), bytes_of(text, front)), "round %d: %zu octets, not %zu", round,
                      got.len, front);
        }
        cr_assert_eq(budget.held, 0);
        buffer_free(&got);
    }
}

/* Never more than its bounds, whatever comes; and what comes out is in order. */
struct numbered {
    uint32_t last;
    bool any;
    size_t octets;
};

/* Segments here hold their own number in each fourth octet. */
static void out_numbered(void *to, struct bytes octets, bool gap)
{
    struct numbered *n = to;
    (void)gap;
    for (size_t i = 0; i + 4 <= octets.len; i += 4) {
        struct cursor c = cursor_of(bytes_from(octets, i));
        uint32_t number = cursor_u32(&c);
        cr_assert(!n->any || number > n->last, "%u behind %u", number, n->last);
        n->last = number;
        n->any = true;
    }
    n->octets += octets.len;
}

static void send_number(struct stream *s, struct stream_budget *b, uint32_t number, size_t len, struct numbered *n)
{
    struct buffer text = {.at = NULL};
    while (text.len < len)
        put32(&text, number + (uint32_t)text.len / 4);
    stream_segment(s, b, 1000 + number * 4, buffer_bytes(&text), 0, out_numbered, n);
    buffer_free(&text);
}

Test(stream, holds_no_more_segments_than_its_bound)
{
    struct stream s = {.begun = false};
    struct stream_budget b = {.max = 1 << 24};
    struct numbered n = {.any = false};
    stream_syn(&s, 999);
    for (uint32_t i = 0; i < 3 * STREAM_SEGMENTS_MAX; i++) {
        send_number(&s, &b, 1 + 2 * i, 4, &n);
        cr_assert_leq(s.segments, STREAM_SEGMENTS_MAX);
        cr_assert_eq(b.pressed, i < STREAM_SEGMENTS_MAX ? 0 : i + 1 - STREAM_SEGMENTS_MAX);
    }
    stream_end(&s, &b, out_numbered, &n);
    cr_expect_eq(n.octets, 3 * 4 * STREAM_SEGMENTS_MAX);
    cr_expect_eq(b.gaps, 3 * STREAM_SEGMENTS_MAX);
    cr_expect_eq(b.held, 0);
}

Test(stream, holds_no_more_octets_than_its_bound)
{
    enum { LEN = 1400 };
    struct stream s = {.begun = false};
    struct stream_budget b = {.max = 1 << 24};
    struct numbered n = {.any = false};
    stream_syn(&s, 999);
    for (uint32_t i = 0; i < 400; i++) {
        send_number(&s, &b, 1 + i * (LEN / 4), LEN, &n);
        cr_assert_leq(s.held, STREAM_HELD_MAX);
    }
    stream_end(&s, &b, out_numbered, &n);
    cr_expect_eq(b.gaps, 1, "one hole, and it was given up once");
    cr_expect_eq(b.pressed, 1);
    cr_expect_eq(n.octets, 400 * LEN);
}

Test(stream, shares_a_budget_with_others)
{
    enum { STREAMS = 10, MAX = 5000 };
    struct stream s[STREAMS] = {{.begun = false}};
    struct stream_budget b = {.max = MAX};
    struct numbered n[STREAMS] = {{.any = false}};
    uint64_t state = 5;
    for (int i = 0; i < STREAMS; i++)
        stream_syn(&s[i], 999);
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t which = dice(&state, STREAMS);
        send_number(&s[which], &b, 1 + 100 * i, 4 * (1 + dice(&state, 90)), &n[which]);
        cr_assert_leq(b.held, MAX, "%zu octets are held", b.held);
    }
    cr_expect_gt(b.pressed, 0);
    for (int i = 0; i < STREAMS; i++)
        stream_end(&s[i], &b, out_numbered, &n[i]);
    cr_expect_eq(b.held, 0);
}

Test(stream, gives_a_segment_that_no_room_is_left_for)
{
    struct stream s = {.begun = false};
    struct stream_budget b = {.max = 10};
    struct outlet o = {.gaps = 0};
    stream_syn(&s, 99);
    play(&(struct step)D(110, "a text of more than ten octets"), &s, &b, &o);
    play(&(struct step)D(100, "late"), &s, &b, &o);
    play(&(struct step)D(140, ", and on"), &s, &b, &o);
    cr_expect_str_eq(text_of(&o), "~a text of more than ten octets|, and on");
    cr_expect(b.held == 0 && b.gaps == 1 && b.pressed == 1);
    buffer_free(&o.text);
}

Test(stream, says_nothing_when_it_is_dropped)
{
    struct stream s = {.begun = false};
    struct stream_budget b = {.max = 1000};
    struct outlet o = {.gaps = 0};
    stream_syn(&s, 99);
    play(&(struct step)D(103, "abc"), &s, &b, &o);
    stream_drop(&s, &b);
    cr_expect_str_eq(text_of(&o), "");
    cr_expect(b.held == 0 && b.gaps == 0 && !s.begun);
    play(&(struct step)D(7, "xyz"), &s, &b, &o);
    cr_expect_str_eq(text_of(&o), "xyz");
    buffer_free(&o.text);
}
