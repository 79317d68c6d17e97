#include <criterion/criterion.h>
#include <stdio.h>

#include "feed/frames.h"

static char got[1 << 16];

/* Frames with their lines, in pieces of so many octets. */
static const char *cut(const char *content, size_t piece)
{
    struct frames f = {.rest = {NULL, 0}};
    struct bytes frame;
    size_t len = strlen(content), at = 0, said = 0;
    got[0] = 0;
    for (bool last = false;; last = at == len) {
        while (frames_next(&f, &frame, last))
            said += (size_t)snprintf(got + said, sizeof got - said, "%u<%.*s>", (unsigned)f.line, (int)frame.len,
                                     (const char *)frame.at);
        if (last)
            break;
        size_t room;
        uint8_t *to = frames_room(&f, &room);
        size_t n = len - at < piece ? len - at : piece;
        cr_assert(room >= n);
        memcpy(to, content + at, n);
        frames_add(&f, n);
        at += n;
    }
    cr_expect_eq(f.passed, len, "%s", content);
    frames_free(&f);
    return got;
}

static const struct {
    const char *content, *frames;
} cases[] = {
    {"{\"a\":1}\n{\"b\":2}\n", "1<{\"a\":1}>2<{\"b\":2}>"},
    {"{\"a\":1}\r\n\r\n\n {\"b\":2}", "1<{\"a\":1}>4<{\"b\":2}>"},
    {"\xef\xbb\xbf{}\n", "1<{}>"},
    {"[1,2]\n[3]\n", "1<[1,2]>2<[3]>"},
    {"[\n{\"a\":\"}\\\"{\"},\n {\"b\":{}}]\n", "2<{\"a\":\"}\\\"{\"}>3<{\"b\":{}}>"},
    {"[{\"a\":1},{\"half", "1<{\"a\":1}>1<{\"half>"},
    {"garbage\n{\"a\":1}\n", "1<garbage>2<{\"a\":1}>"},
};

Test(frames, cuts_lines_and_objects_of_an_array)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frames f = frames_of(bytes_text(cases[i].content));
        struct bytes frame;
        char whole[1024] = "";
        while (frames_next(&f, &frame, true))
            snprintf(whole + strlen(whole), sizeof whole - strlen(whole), "%u<%.*s>", (unsigned)f.line, (int)frame.len,
                     (const char *)frame.at);
        cr_expect_str_eq(whole, cases[i].frames, "%s: %s", cases[i].content, whole);
    }
}

Test(frames, cuts_the_same_in_pieces_of_any_size)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 12; piece++)
            cr_expect_str_eq(cut(cases[i].content, piece), cases[i].frames, "%zu: %s", piece, cases[i].content);
}

Test(frames, keeps_a_half_line_until_it_is_told_that_no_more_comes)
{
    struct frames f = {.rest = {NULL, 0}};
    struct bytes frame;
    size_t room;
    memcpy(frames_room(&f, &room), "{\"a\":1}\n{\"b", 11);
    frames_add(&f, 11);
    cr_expect(frames_next(&f, &frame, false));
    cr_expect_not(frames_next(&f, &frame, false));
    cr_expect_eq(f.passed, 8);
    cr_expect(frames_next(&f, &frame, true) && frame.len == 3);
    frames_free(&f);
}

Test(frames, gives_a_line_that_is_too_long_once_and_goes_on_behind_it)
{
    struct frames f = {.rest = {NULL, 0}};
    struct bytes frame;
    unsigned frames = 0, long_ones = 0;
    for (size_t sent = 0; sent < 3 * (size_t)FEED_LINE_MAX;) {
        size_t room;
        uint8_t *to = frames_room(&f, &room);
        memset(to, 'x', room);
        frames_add(&f, room);
        sent += room;
        while (frames_next(&f, &frame, false))
            frames++, long_ones += frame.len > FEED_LINE_MAX;
        cr_assert(f.room_octets < 4 * (size_t)FEED_LINE_MAX);
    }
    size_t room;
    memcpy(frames_room(&f, &room), "x\n{}\n", 5);
    frames_add(&f, 5);
    while (frames_next(&f, &frame, false))
        frames++, long_ones += frame.len > FEED_LINE_MAX;
    cr_expect_eq(frames, 2);
    cr_expect_eq(long_ones, 1);
    cr_expect_eq(f.line, 2);
    frames_free(&f);
}
