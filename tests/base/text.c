#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

Test(text, reads_decimal_numbers_up_to_a_bound)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool read;
        uint64_t number;
    } cases[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"65535", 65535, true, 65535},
        {"65536", 65535, false, 0},
        {"655350", 65535, false, 0},
        {"0080", 65535, true, 80},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999999", UINT64_MAX, false, 0},
        {"", 10, false, 0},
        {"-1", 10, false, 0},
        {"+1", 10, false, 0},
        {" 1", 10, false, 0},
        {"1 ", 10, false, 0},
        {"1.0", 10, false, 0},
        {"0x1", 10, false, 0},
        {"/", 10, false, 0},
        {":", 10, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t n = 0;
        cr_expect_eq(text_number(bytes_text(cases[i].text), cases[i].max, &n), cases[i].read, "%s", cases[i].text);
        cr_expect_eq(n, cases[i].number, "%s", cases[i].text);
    }
}

Test(text, reads_decimal_fractions)
{
    static const struct {
        const char *text;
        double number;
    } cases[] = {
        {"0", 0},
        {"-0.5", -0.5},
        {"+12", 12},
        {"5.", 5},
        {".25", 0.25},
        {"1e3", 1000},
        {"1.5E-3", 0.0015},
        {"1e+05", 100000},
        {"0.1", 0.1},
        {"1000000000000000", 1e15},
        {"0.1000000000000000055511151231257827", 0.1},
        {"00012.500", 12.5},
        {"1e-400", 0},
        {"1.7976931348623157e308", 1.7976931348623157e308},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double n = -1;
        cr_expect(text_decimal(bytes_text(cases[i].text), &n), "%s", cases[i].text);
        cr_expect(n == cases[i].number, "%s", cases[i].text);
    }
}

Test(text, refuses_what_is_no_decimal_fraction)
{
    static const char *const refused[] = {"",    ".",   "-",     "+-1",    "1 ",    " 1",  "1e",
                                          "1e+", "e5",  "1.2.3", "NaN",    "nan",   "inf", "infinity",
                                          "0x1", "1,5", "1e400", "-1e999", "1_000", "NA"};
    char longest[TEXT_DECIMAL_MAX + 2];
    double n;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(text_decimal(bytes_text(refused[i]), &n), "%s", refused[i]);
    memset(longest, '0', sizeof longest);
    cr_expect(text_decimal(bytes_of(longest, TEXT_DECIMAL_MAX), &n));
    cr_expect_not(text_decimal(bytes_of(longest, TEXT_DECIMAL_MAX + 1), &n));
    cr_expect_not(text_decimal(bytes_of("1\0", 2), &n));
}

Test(text, reads_pairs_of_hex_digits)
{
    uint8_t out[4] = {0};
    cr_assert(text_hex(bytes_text("00fFA9e0"), out));
    cr_expect_arr_eq(out, ((uint8_t[]){0x00, 0xff, 0xa9, 0xe0}), 4);
    static const char *const refused[] = {"", "0", "abc", "0g", "0 ", " 0", "0x", "@0", "`0", "G0", "00 00"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(text_hex(bytes_text(refused[i]), out), "%s", refused[i]);
}

Test(text, knows_every_hex_digit)
{
    for (int octet = 0; octet < 256; octet++) {
        uint8_t one = (uint8_t)octet;
        bool digit = octet && strchr("0123456789abcdefABCDEF", octet);
        cr_expect_eq(text_is_hex(bytes_of(&one, 1)), digit, "%d", octet);
    }
    cr_expect_not(text_is_hex(bytes_text("")));
}

Test(text, writes_hex_in_lower_case)
{
    char out[9];
    text_hex_write(bytes_of("\x00\xff\xa9\x1e", 4), out);
    cr_expect_str_eq(out, "00ffa91e");
    text_hex_write(bytes_of("", 0), out);
    cr_expect_str_eq(out, "");
}

struct moment {
    const char *text;
    int64_t s;
    int64_t ns;
};

static void check_moments(const struct moment *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t ns = 0;
        bool date_only = true;
        cr_expect(text_time(bytes_text(cases[i].text), &ns, &date_only), "%s", cases[i].text);
        cr_expect_eq(ns, cases[i].s * TEXT_SECOND_NS + cases[i].ns, "%s: %lld", cases[i].text, (long long)ns);
        cr_expect_not(date_only, "%s", cases[i].text);
    }
}

#define CHECK_MOMENTS(cases) check_moments(cases, sizeof(cases) / sizeof *(cases))

/* The first four are examples of RFC 3339, 5.8; the seconds are by date(1). */
Test(text, reads_the_times_of_rfc_3339)
{
    static const struct moment cases[] = {
        {"1985-04-12T23:20:50.52Z", 482196050, 520000000},
        {"1996-12-19T16:39:57-08:00", 851042397, 0},
        {"1996-12-20T00:39:57Z", 851042397, 0},
        {"1937-01-01T12:00:27.87+00:20", -1041337173, 870000000},
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1969-12-31T23:59:59.999999999Z", -1, 999999999},
        {"2026-11-21t02:00:00.123456z", 1795226400, 123456000},
        {"2000-02-29T12:00:00Z", 951825600, 0},
        {"2026-11-21T02:00:00-00:00", 1795226400, 0},
    };
    CHECK_MOMENTS(cases);
}

Test(text, reads_a_leap_second_as_the_last_nanosecond_before_it)
{
    static const struct moment cases[] = {
        {"1990-12-31T23:59:60Z", 662687999, 999999999},
        {"1990-12-31T15:59:60-08:00", 662687999, 999999999},
        {"2016-12-31T23:59:60.5Z", 1483228799, 999999999},
        {"2017-01-01T05:29:60+05:30", 1483228799, 999999999},
    };
    CHECK_MOMENTS(cases);
}

Test(text, reads_a_time_with_a_zone_without_colon)
{
    static const struct moment cases[] = {
        {"2026-11-21T03:00:00.123456+0100", 1795226400, 123456000},
        {"2026-11-20T22:30:00-0330", 1795226400, 0},
        {"2026-11-21T02:00:00.000000+0000", 1795226400, 0},
    };
    CHECK_MOMENTS(cases);
}

Test(text, reads_a_time_without_zone_as_utc)
{
    static const struct moment cases[] = {
        {"2026-11-21 02:00:00", 1795226400, 0},
        {"2026-11-21T02:00:00", 1795226400, 0},
        {"2026-11-21T02:00:00.5", 1795226400, 500000000},
        {"2026-11-21 02:00:00Z", 1795226400, 0},
    };
    CHECK_MOMENTS(cases);
}

Test(text, cuts_a_fraction_off_at_the_nanosecond)
{
    static const struct moment cases[] = {
        {"1970-01-01T00:00:00.1234567899Z", 0, 123456789},
        {"1970-01-01T00:00:00.00000000099999999999999999999999999999Z", 0, 0},
        {"1970-01-01T00:00:00.000000001Z", 0, 1},
    };
    CHECK_MOMENTS(cases);
}

Test(text, reads_a_date_alone_as_its_midnight)
{
    int64_t ns;
    bool date_only = false;
    cr_assert(text_time(bytes_text("2026-11-21"), &ns, &date_only));
    cr_expect(date_only);
    cr_expect_eq(ns, INT64_C(1795219200) * TEXT_SECOND_NS);
}

Test(text, refuses_what_is_no_time)
{
    static const char *const refused[] = {
        "",
        "2026",
        "2026-11",
        "2026-11-2",
        "20261121",
        "26-11-21",
        "2026-00-01",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "2026-04-31",
        "2026-02-29",
        "1900-02-29",
        "2100-02-29",
        "2024-02-30",
        "1677-12-31",
        "2262-01-01",
        "0000-01-01",
        "9999-12-31T23:59:59Z",
        "-026-11-21",
        "+026-11-21",
        "2026/11/21",
        "2026-11-21T",
        "2026-11-21 ",
        " 2026-11-21",
        "2026-11-21Z",
        "2026-11-21T02",
        "2026-11-21T02:00",
        "2026-11-21T02:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T02:60:00Z",
        "2026-11-21T02:00:61Z",
        "2026-11-21T02:00:60Z", /* no leap second at this time of day */
        "2026-11-21T23:59:60+01:00",
        "2026-11-21T02:00:00.Z",
        "2026-11-21T02:00:00,5Z",
        "2026-11-21T02:00:00 Z",
        "2026-11-21T02:00:00 UTC",
        "2026-11-21T02:00:00ZZ",
        "2026-11-21T02:00:00+01",
        "2026-11-21T02:00:00+1:00",
        "2026-11-21T02:00:00+01:0",
        "2026-11-21T02:00:00+24:00",
        "2026-11-21T02:00:00+01:60",
        "2026-11-21T02:00:00+01:000",
        "2026-11-21  02:00:00",
        "2026-11-21T2:00:00Z",
        "2026-11-21T02:0:00Z",
        "2026-11-21T+2:00:00Z",
        "1795226400",
        "now",
    };
    int64_t ns;
    bool date_only;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(text_time(bytes_text(refused[i]), &ns, &date_only), "%s", refused[i]);
    cr_expect_not(text_time(bytes_of("2026-11-21T02:00:00Z\0", 21), &ns, &date_only));
}

Test(text, refuses_every_cut_of_a_time)
{
    static const char text[] = "2026-11-21T02:00:00.5+01:00";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        int64_t ns;
        bool date_only;
        bool whole = len == 10 || len == 19 || len == 21; /* the date; without fraction and zone; without zone */
        cr_expect_eq(text_time(bytes_of(text, len), &ns, &date_only), whole, "%zu", len);
    }
}

/* libc's calendar as the oracle, over all days of the range. */
Test(text, counts_days_as_libc_does)
{
    struct tm first = {.tm_year = 1678 - 1900, .tm_mday = 1}, last = {.tm_year = 2262 - 1900, .tm_mday = 1};
    time_t end = timegm(&last);
    for (time_t t = timegm(&first); t < end; t += 86400) {
        struct tm tm;
        char libc[16], ours[TEXT_TIME_MAX];
        int64_t ns;
        bool date_only;
        gmtime_r(&t, &tm);
        strftime(libc, sizeof libc, "%Y-%m-%d", &tm);
        cr_assert(text_time(bytes_text(libc), &ns, &date_only), "%s", libc);
        cr_assert_eq(ns, t * TEXT_SECOND_NS, "%s", libc);
        cr_assert_eq(text_time_write(ns, 0, ours), 20);
        cr_assert_eq(memcmp(ours, libc, 10), 0, "%s, not %s", ours, libc);
        text_time_write(ns - 1, 0, ours);
        cr_assert_eq(memcmp(ours + 10, "T23:59:59Z", 11), 0, "%s", ours);
    }
}

Test(text, writes_times_with_the_digits_asked_for)
{
    static const struct {
        int64_t ns;
        int digits;
        const char *written;
    } cases[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {INT64_C(1795226400123456789), 9, "2026-11-21T02:00:00.123456789Z"},
        {INT64_C(1795226400123456789), 6, "2026-11-21T02:00:00.123456Z"},
        {INT64_C(1795226400999999999), 3, "2026-11-21T02:00:00.999Z"},
        {INT64_C(1795226400999999999), 1, "2026-11-21T02:00:00.9Z"},
        {INT64_C(1795226400999999999), 0, "2026-11-21T02:00:00Z"},
        {-1, 9, "1969-12-31T23:59:59.999999999Z"},
        {-TEXT_SECOND_NS, 0, "1969-12-31T23:59:59Z"},
        {-86400 * TEXT_SECOND_NS, 0, "1969-12-31T00:00:00Z"},
        {INT64_MIN, 9, "1677-09-21T00:12:43.145224192Z"},
        {INT64_MAX, 9, "2262-04-11T23:47:16.854775807Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[TEXT_TIME_MAX];
        size_t len = text_time_write(cases[i].ns, cases[i].digits, out);
        cr_expect_str_eq(out, cases[i].written);
        cr_expect_eq(len, strlen(cases[i].written));
    }
}

Test(text, reads_what_it_wrote)
{
    srand(3339);
    for (int i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)((uint64_t)rand() << 32 ^ (uint64_t)rand() << 11) % INT64_C(9200000000000000000), back;
        char text[TEXT_TIME_MAX];
        bool date_only;
        ns = i % 2 ? ns : -ns;
        size_t len = text_time_write(ns, 9, text);
        cr_assert(text_time(bytes_of(text, len), &back, &date_only), "%s", text);
        cr_assert_eq(back, ns, "%s", text);
    }
}

Test(text, cuts_lines)
{
    static const struct {
        const char *text;
        const char *lines[5];
    } cases[] = {
        {"", {NULL}},
        {"a", {"a"}},
        {"a\n", {"a"}},
        {"a\r\n", {"a"}},
        {"a\nb", {"a", "b"}},
        {"\n", {""}},
        {"\r\n", {""}},
        {"\n\r\n\n", {"", "", ""}},
        {"a\r\r\nb\rc\r", {"a\r", "b\rc\r"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes rest = bytes_text(cases[i].text), line;
        size_t n = 0;
        for (; text_line(&rest, &line); n++) {
            cr_assert(cases[i].lines[n], "case %zu has one more line", i);
            cr_expect(bytes_equal(line, bytes_text(cases[i].lines[n])), "case %zu, line %zu", i, n);
        }
        cr_expect_null(cases[i].lines[n], "case %zu has one line less", i);
        cr_expect_eq(rest.len, 0);
    }
    struct bytes nothing = {0}, line;
    cr_expect_not(text_line(&nothing, &line));
}

/* RFC 3629, 3 and 4: the ends of each row of its syntax, and the octets beside them. */
Test(text, knows_well_formed_utf8)
{
    static const struct {
        const char *text;
        size_t step; /* octets of the first character; 0: none */
    } cases[] = {
        {"\x01", 1},
        {"\x7f", 1},
        {"\x80", 0},
        {"\xbf", 0},
        {"\xc1\xbf", 0},
        {"\xc2\x7f", 0},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xdf\xc0", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe0\xa0\x80", 3},
        {"\xec\xbf\xbf", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xe1\x80", 0},
        {"\xe1\x80\x7f", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf0\x90\x80\x80", 4},
        {"\xf3\xbf\xbf\xbf", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xf1\x80\x80", 0},
        {"\xf1\x80\x80\xc0", 0},
        {"\xff", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes text = bytes_text(cases[i].text);
        cr_expect_eq(text_utf8_step(text), cases[i].step, "case %zu", i);
        cr_expect_eq(text_is_utf8(text), cases[i].step > 0, "case %zu", i);
    }
    cr_expect_eq(text_utf8_step(bytes_text("")), 0);
    cr_expect_eq(text_utf8_step(bytes_of("\0", 1)), 1);
    cr_expect_not(text_is_utf8(bytes_of("a\0b", 3)));
    cr_expect(text_is_utf8(bytes_text("")));
    cr_expect(text_is_utf8(bytes_text("κόσμε ñandú 𝄞")));
    cr_expect_not(text_is_utf8(bytes_text("κόσμε\xff")));
}

Test(text, writes_numbers_as_printf_does)
{
    static const int64_t numbers[] = {0,         1,        9, 10, 99, 100, -1, -10, 65535, INT64_C(1795305600000000000),
                                      INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char said[TEXT_NUMBER_MAX], expected[32];
        snprintf(expected, sizeof expected, "%" PRId64, numbers[i]);
        cr_expect_eq(text_number_write(numbers[i], said), strlen(expected));
        cr_expect_str_eq(said, expected);
    }
}
