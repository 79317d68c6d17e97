#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buffer.h"

Test(buffer, grows_with_what_is_added)
{
    struct buffer b = {0};
    for (int i = 0; i < 10000; i++) {
        buffer_char(&b, (char)('a' + i % 26));
        buffer_text(&b, "-");
        buffer_format(&b, "%04d", i);
        buffer_add(&b, "\0\n", 2);
    }
    cr_assert_eq(b.len, 80000);
    for (int i = 0; i < 10000; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%c-%04d", 'a' + i % 26, i);
        cr_assert_eq(memcmp(b.at + 8 * i, expected, 7), 0);
        cr_assert_eq(b.at[8 * i + 7], '\n');
    }
    buffer_free(&b);
    cr_expect_null(b.at);
}

/* Every length around what is left of the room. */
Test(buffer, formats_across_its_end)
{
    for (int len = 0; len < 600; len++) {
        struct buffer b = {0};
        buffer_text(&b, "head");
        buffer_format(&b, "%*d", len, 7);
        cr_assert_eq(b.len, 4u + (size_t)(len ? len : 1));
        cr_assert_eq(b.at[b.len - 1], '7');
        buffer_free(&b);
    }
}

Test(buffer, keeps_its_memory_for_the_next_line)
{
    struct buffer b = {0};
    buffer_text(&b, "first");
    const char *at = b.at;
    buffer_clear(&b);
    cr_expect_eq(buffer_bytes(&b).len, 0);
    buffer_text(&b, "second");
    cr_expect_eq(b.at, at);
    cr_expect(bytes_equal(buffer_bytes(&b), bytes_text("second")));
    buffer_free(&b);
}

Test(buffer, adds_nothing_of_nothing)
{
    struct buffer b = {0};
    buffer_add(&b, NULL, 0);
    buffer_format(&b, "%s", "");
    cr_expect_eq(b.len, 0);
    buffer_free(&b);
}
