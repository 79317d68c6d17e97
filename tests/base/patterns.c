#include "base/patterns.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { HITS_MAX = 4096 };

struct hits {
    unsigned count;
    unsigned enough; /* stop here; 0: never */
    uint32_t value[HITS_MAX];
    uint64_t end[HITS_MAX];
};

static bool note(void *to, uint32_t value, uint64_t end)
{
    struct hits *h = to;
    cr_assert_lt(h->count, HITS_MAX);
    h->value[h->count] = value;
    h->end[h->count++] = end;
    return h->count != h->enough;
}

static bool met(const struct hits *h, uint32_t value, uint64_t end)
{
    for (unsigned i = 0; i < h->count; i++)
        if (h->value[i] == value && h->end[i] == end)
            return true;
    return false;
}

static struct patterns *built(enum patterns_kind kind, bool streams, const struct pattern *all, uint32_t count)
{
    struct fail why = {0};
    struct patterns *p = patterns_build(kind, streams, all, count, &why);
    cr_assert(p, "%s", why.text);
    return p;
}

static struct hits scan_once(enum patterns_kind kind, struct bytes expression, struct bytes block)
{
    struct pattern one = {.expression = expression, .value = 1};
    struct patterns *p = built(kind, false, &one, 1);
    struct pattern_scratch *s = pattern_scratch_new();
    cr_assert(pattern_scratch_grow(s, p));
    struct hits h = {0};
    patterns_scan(p, s, block, note, &h);
    pattern_scratch_free(s);
    patterns_free(p);
    return h;
}

static const struct {
    const char *expression;
    const char *text;
    bool matches;
} regexes[] = {
    {"evil", "an evil host", true},
    {"evil", "an EVIL host", false},
    {"/evil/i", "an EVIL host", true},
    {"/evil/", "an evil host", true},
    {"(?i)evil", "an EVIL host", true},
    {"/bin/sh", "exec /bin/sh -c", true}, /* looks dressed, is not */
    {"/etc/x", "cat /etc/x", true},
    {"//", "http://x", true},
    {"a.b", "a\nb", false},
    {"/a.b/s", "a\nb", true},
    {"^b", "a\nb", false},
    {"/^b/m", "a\nb", true},
    {"/A.B$/ims", "x a\nb", true},
    {"b$", "a b\n", true}, /* PCRE: the end, or before its newline */
    {"b$", "a b c", false},
    {"\\x00\\xff", "\\x00\\xff", false},
    {"^$|x", "y", false},
};

Test(patterns, reads_expressions_as_pcre_does)
{
    for (size_t i = 0; i < sizeof regexes / sizeof regexes[0]; i++) {
        struct fail why = {0};
        struct bytes expression = bytes_text(regexes[i].expression);
        if (!patterns_check(PATTERNS_REGEX, expression, &why)) {
            cr_assert_not(regexes[i].matches, "%s: %s", regexes[i].expression, why.text);
            continue;
        }
        struct hits h = scan_once(PATTERNS_REGEX, expression, bytes_text(regexes[i].text));
        cr_assert_eq(h.count > 0, regexes[i].matches, "%s in %s", regexes[i].expression, regexes[i].text);
    }
}

static const struct {
    const char *expression;
    size_t len;
    const char *reason; /* part of it */
} refused[] = {
    {"", 0, "empty"},
    {"(", 1, "parenthes"},
    {"a(?=b)", 6, "assertions"}, /* PCRE has it, Hyperscan has not */
    {"(a)\\1", 5, "ack-reference"},
    {"x*", 2, "empty buffer"},
    {"/x*/i", 5, "empty buffer"},
    {"a\0b", 3, "NUL"},
    {"[z-a]", 5, "range"},
    {"a{5,2}", 6, "repeat"},
};

Test(patterns, refuses_with_the_reason)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct fail why = {0};
        cr_assert_not(patterns_check(PATTERNS_REGEX, bytes_of(refused[i].expression, refused[i].len), &why), "%s",
                      refused[i].expression);
        cr_assert(strcasestr(why.text, refused[i].reason), "%s: %s", refused[i].expression, why.text);
    }
}

Test(patterns, refuses_what_is_too_long)
{
    static char text[PATTERNS_EXPRESSION_MAX + 1];
    memset(text, 'a', sizeof text);
    for (int kind = PATTERNS_LITERAL; kind <= PATTERNS_REGEX; kind++) {
        struct fail why = {0};
        cr_assert_not(patterns_check(kind, bytes_of(text, sizeof text), &why));
        cr_assert_not(patterns_check(kind, bytes_of(text, 0), &why));
        why = (struct fail){0};
        cr_assert(patterns_check(kind, bytes_of(text, sizeof text - 1), &why), "%s", why.text);
        struct hits h = scan_once(kind, bytes_of(text, sizeof text - 1), bytes_of(text, sizeof text));
        cr_assert_eq(h.count, 2);
    }
}

Test(patterns, takes_no_octet_of_a_literal_for_syntax)
{
    static const char literal[] = ".*[a\0\\E)\xff$";
    struct bytes octets = bytes_of(literal, sizeof literal - 1);
    struct hits h = scan_once(PATTERNS_LITERAL, octets, octets);
    cr_assert_eq(h.count, 1);
    cr_assert_eq(h.end[0], octets.len);
    h = scan_once(PATTERNS_LITERAL, octets, bytes_text("abc[a)$"));
    cr_assert_eq(h.count, 0);
}

/* The case of intel/hyperscan#303, where the literal interface of 5.4.0 gives up in the middle of a scan. */
Test(patterns, of_literals_that_repeat_an_octet_are_all_found)
{
    static const char zeros[64] = {0};
    static char text[64] = "\x2a\xed\xe2";
    static char long_one[44] = "\xed\xe2";
    memcpy(long_one + 22, "some non existing text", 22);
    struct pattern all[] = {
        {bytes_of(long_one, sizeof long_one), 0},
        {bytes_of(zeros, 12), 1},
        {bytes_of(zeros, 10), 2},
        {bytes_of(text, 43), 3},
        {bytes_of(long_one + 3, sizeof long_one - 3), 4},
    };
    struct patterns *p = built(PATTERNS_LITERAL, false, all, 5);
    struct pattern_scratch *s = pattern_scratch_new();
    cr_assert(pattern_scratch_grow(s, p));
    struct hits h = {0};
    patterns_scan(p, s, bytes_of(text, 43), note, &h);
    cr_assert_eq(h.count, 29 + 31 + 1);
    cr_assert(met(&h, 3, 43));
    pattern_scratch_free(s);
    patterns_free(p);
}

Test(patterns, of_a_caseless_literal_fold_ascii_letters_only)
{
    cr_assert_eq(scan_once(PATTERNS_LITERAL_CASELESS, bytes_text("sqlMap"), bytes_text("SQLmAP/1.8")).count, 1);
    cr_assert_eq(scan_once(PATTERNS_LITERAL, bytes_text("sqlMap"), bytes_text("SQLmAP/1.8")).count, 0);
    cr_assert_eq(scan_once(PATTERNS_LITERAL_CASELESS, bytes_text("\xc3\xa9"), bytes_text("\xc3\x89")).count, 0);
    cr_assert_eq(scan_once(PATTERNS_LITERAL_CASELESS, bytes_text("[@"), bytes_text("{`")).count, 0);
}

Test(patterns, tell_every_end)
{
    struct hits h = scan_once(PATTERNS_LITERAL, bytes_text("aa"), bytes_text("aaaa"));
    cr_assert_eq(h.count, 3);
    h = scan_once(PATTERNS_REGEX, bytes_text("a+"), bytes_text("aaaa"));
    cr_assert_eq(h.count, 4);
}

Test(patterns, end_the_scan_when_told_to)
{
    struct pattern one = {.expression = bytes_text("a"), .value = 1};
    struct patterns *p = built(PATTERNS_LITERAL, true, &one, 1);
    struct pattern_scratch *s = pattern_scratch_new();
    cr_assert(pattern_scratch_grow(s, p));
    struct pattern_stream *st = pattern_stream_open(p);
    struct hits h = {.enough = 2};
    pattern_stream_scan(st, s, bytes_text("aaaa"), note, &h);
    pattern_stream_scan(st, s, bytes_text("aaaa"), note, &h);
    cr_assert_eq(h.count, 2, "a stream that was ended sees nothing more");
    pattern_stream_reset(st, s, note, &h);
    h = (struct hits){0};
    pattern_stream_scan(st, s, bytes_text("aa"), note, &h);
    cr_assert_eq(h.count, 2);
    pattern_stream_close(st);
    pattern_scratch_free(s);
    patterns_free(p);
}

Test(patterns, of_a_stream_see_across_its_pieces_and_count_from_its_start)
{
    struct pattern all[] = {
        {.expression = bytes_text("^GET /gate\\.php"), .value = 10},
        {.expression = bytes_text("b0t$"), .value = 11},
    };
    struct patterns *p = built(PATTERNS_REGEX, true, all, 2);
    struct pattern_scratch *s = pattern_scratch_new();
    cr_assert(pattern_scratch_grow(s, p));
    struct pattern_stream *st = pattern_stream_open(p);
    struct hits h = {0};
    const char *text = "GET /gate.php?id=b0t";
    for (size_t i = 0; text[i]; i++)
        pattern_stream_scan(st, s, bytes_of(text + i, 1), note, &h);
    cr_assert_eq(h.count, 1);
    cr_assert(met(&h, 10, 13));
    pattern_stream_reset(st, s, note, &h);
    cr_assert_eq(h.count, 2, "the end of the stream is where $ matches");
    cr_assert(met(&h, 11, 20));
    pattern_stream_scan(st, s, bytes_text("x GET /gate.php"), note, &h);
    cr_assert_eq(h.count, 2, "and it begins again");
    pattern_stream_close(st);
    pattern_scratch_free(s);
    patterns_free(p);
}

/* memmem knows where a literal stands. */
static unsigned expect_as_memmem(const struct hits *h, const struct pattern *all, unsigned count, struct bytes text)
{
    unsigned expected = 0;
    for (unsigned i = 0; i < count; i++) {
        struct bytes e = all[i].expression;
        const uint8_t *from = text.at, *end = text.at + text.len, *hit;
        while ((hit = memmem(from, (size_t)(end - from), e.at, e.len))) {
            uint64_t at = (uint64_t)(hit - text.at) + e.len;
            cr_assert(met(h, all[i].value, at), "literal %u of %zu octets, end %lu", i, e.len, (unsigned long)at);
            expected++;
            from = hit + 1;
        }
    }
    return expected;
}

Test(patterns, find_literals_where_memmem_finds_them_however_the_stream_is_cut)
{
    enum { LITERALS = 200, TEXT = 3000 };
    static char text[TEXT];
    static struct pattern all[LITERALS];
    static struct hits h;
    srandom(7);
    for (int i = 0; i < TEXT; i++)
        text[i] = (char)(random() % 5 ? "ab\0\xff."[random() % 5] : random());
    for (int i = 0; i < LITERALS; i++) { /* parts of the text, from 3 octets to 400, and some that are not in it */
        size_t len = (size_t)(i % 4 ? 3 + random() % 12 : 3 + random() % 398);
        all[i] = (struct pattern){bytes_of(text + (size_t)random() % (TEXT - len), len), (uint32_t)(1000 + i)};
    }
    struct pattern_scratch *s = pattern_scratch_new();
    struct patterns *p = built(PATTERNS_LITERAL, false, all, LITERALS);
    cr_assert(pattern_scratch_grow(s, p));
    patterns_scan(p, s, bytes_of(text, TEXT), note, &h);
    cr_assert_eq(h.count, expect_as_memmem(&h, all, LITERALS, bytes_of(text, TEXT)));
    cr_assert_gt(h.count, LITERALS - 1);
    patterns_free(p);

    p = built(PATTERNS_LITERAL, true, all, LITERALS);
    cr_assert(pattern_scratch_grow(s, p));
    cr_assert_gt(patterns_bytes(p), 0);
    struct pattern_stream *st = pattern_stream_open(p);
    for (int round = 0; round < 20; round++) {
        h.count = 0;
        for (size_t at = 0, len; at < TEXT; at += len) {
            len = 1 + (size_t)random() % (round < 10 ? 7 : 900);
            if (len > TEXT - at)
                len = TEXT - at;
            pattern_stream_scan(st, s, bytes_of(text + at, len), note, &h);
        }
        cr_assert_eq(h.count, expect_as_memmem(&h, all, LITERALS, bytes_of(text, TEXT)));
        pattern_stream_reset(st, s, note, &h);
    }
    pattern_stream_close(st);
    patterns_free(p);
    pattern_scratch_free(s);
}
