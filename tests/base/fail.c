#include <criterion/criterion.h>
#include <string.h>

#include "base/fail.h"

Test(fail, the_first_cause_wins)
{
    struct fail why = {0};
    cr_expect_not(fail_set(&why, "expected %d", 1));
    cr_expect_not(fail_set(&why, "expected %d", 2));
    cr_expect_str_eq(why.text, "expected 1");
}

Test(fail, callers_put_their_place_in_front)
{
    struct fail why = {0};
    fail_set(&why, "expected a host name");
    cr_expect_not(fail_at(&why, "line %d", 12));
    cr_expect_not(fail_at(&why, "urlhaus.csv"));
    cr_expect_str_eq(why.text, "urlhaus.csv: line 12: expected a host name");
}

Test(fail, what_is_too_long_loses_its_end)
{
    struct fail why = {0};
    char longest[2 * FAIL_TEXT_MAX];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    fail_set(&why, "%s", longest);
    cr_expect_eq(strlen(why.text), FAIL_TEXT_MAX - 1);
    fail_at(&why, "here");
    cr_expect_eq(strlen(why.text), FAIL_TEXT_MAX - 1);
    cr_expect_eq(strncmp(why.text, "here: xxx", 9), 0);
    fail_at(&why, "%s", longest);
    cr_expect_eq(strlen(why.text), FAIL_TEXT_MAX - 1);
    cr_expect_eq(strspn(why.text, "x"), FAIL_TEXT_MAX - 1, "a place may fill it all");
}

Test(fail, quotes_what_is_printable_and_hides_the_rest)
{
    char out[4 * FAIL_QUOTE_MAX + 4];
    cr_expect_str_eq(fail_quote(bytes_of("a b~\x1b[31m\n\0\x7f\xc3\xb1", 14), out),
                     "a b~\\x1b[31m\\x0a\\x00\\x7f\\xc3\\xb1");
    cr_expect_str_eq(fail_quote(bytes_of(NULL, 0), out), "");
}

Test(fail, cuts_a_long_quote_short)
{
    char out[4 * FAIL_QUOTE_MAX + 4];
    uint8_t text[FAIL_QUOTE_MAX + 1];
    memset(text, 0xff, sizeof text);
    cr_expect_eq(strlen(fail_quote(bytes_of(text, FAIL_QUOTE_MAX), out)), 4 * FAIL_QUOTE_MAX);
    fail_quote(bytes_of(text, FAIL_QUOTE_MAX + 1), out);
    cr_expect_eq(strlen(out), 4 * FAIL_QUOTE_MAX + 3);
    cr_expect_str_eq(out + 4 * FAIL_QUOTE_MAX - 4, "\\xff...");
}
