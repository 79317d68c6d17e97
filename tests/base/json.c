#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>

#include "base/json.h"

static const char *text_of(struct buffer *b)
{
    buffer_char(b, 0);
    return b->at;
}

static void check_text(const char *octets, size_t len, const char *expected)
{
    struct buffer b = {0};
    struct json j = json_to(&b);
    json_text(&j, bytes_of(octets, len));
    cr_expect_str_eq(text_of(&b), expected);
    buffer_free(&b);
}

Test(json, puts_commas_where_they_belong)
{
    struct buffer b = {0};
    struct json j = json_to(&b);
    json_object(&j);
    json_key(&j, "v");
    json_number(&j, 1);
    json_key(&j, "none");
    json_array(&j);
    json_end(&j);
    json_key(&j, "all");
    json_array(&j);
    json_null(&j);
    json_bool(&j, true);
    json_bool(&j, false);
    json_object(&j);
    json_end(&j);
    json_object(&j);
    json_key(&j, "a");
    json_string(&j, "b");
    json_key(&j, "c");
    json_string(&j, NULL);
    json_end(&j);
    json_array(&j);
    json_array(&j);
    json_end(&j);
    json_number(&j, 2);
    json_end(&j);
    json_end(&j);
    json_key(&j, "t");
    json_time(&j, 1);
    json_end(&j);
    cr_expect_str_eq(text_of(&b), "{\"v\":1,\"none\":[],\"all\":[null,true,false,{},{\"a\":\"b\",\"c\":null},[[],2]],"
                                  "\"t\":\"1970-01-01T00:00:00.000000Z\"}");
    buffer_free(&b);
}

Test(json, writes_values_one_after_another)
{
    struct buffer b = {0};
    struct json j = json_to(&b);
    json_object(&j);
    json_end(&j);
    buffer_char(&b, '\n');
    json_array(&j);
    json_end(&j);
    cr_expect_str_eq(text_of(&b), "{}\n[]");
    buffer_free(&b);
}

Test(json, writes_the_ends_of_the_number_range)
{
    static const struct {
        int64_t number;
        const char *written;
    } cases[] = {{0, "0"}, {-1, "-1"}, {INT64_MAX, "9223372036854775807"}, {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer b = {0};
        struct json j = json_to(&b);
        json_number(&j, cases[i].number);
        cr_expect_str_eq(text_of(&b), cases[i].written);
        buffer_free(&b);
    }
}

/* RFC 8259, 7, and what terminals obey */
Test(json, escapes_what_must_be_escaped_and_nothing_else)
{
    check_text("", 0, "\"\"");
    check_text("a/b<c>'&", 8, "\"a/b<c>'&\"");
    check_text("say \"no\"\\", 9, "\"say \\\"no\\\"\\\\\"");
    check_text("\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"");
    check_text("\0\x01\x0b\x1f ", 5, "\"\\u0000\\u0001\\u000b\\u001f \"");
    check_text("\x7f\xc2\x9b\xc2\xa0", 5, "\"\\u007f\\u009b\xc2\xa0\""); /* DEL and C1, which some terminals obey */
}

Test(json, leaves_utf8_as_it_is)
{
    static const char text[] = "ñandú € 𝄞 \xef\xbf\xbd \xf4\x8f\xbf\xbf";
    char expected[64];
    snprintf(expected, sizeof expected, "\"%s\"", text);
    check_text(text, strlen(text), expected);
}

#define R "\xef\xbf\xbd" /* U+FFFD */

Test(json, replaces_each_octet_that_is_no_utf8)
{
    check_text("a\xff"
               "b",
               3, "\"a" R "b\"");
    check_text("\xc3", 1, "\"" R "\"");
    check_text("\xc3\x28", 2, "\"" R "(\"");
    check_text("\xc0\xaf", 2, "\"" R R "\"");             /* overlong '/' */
    check_text("\xe0\x80\xaf", 3, "\"" R R R "\"");       /* overlong '/' */
    check_text("\xed\xa0\x80", 3, "\"" R R R "\"");       /* surrogate */
    check_text("\xf4\x90\x80\x80", 4, "\"" R R R R "\""); /* above U+10FFFF */
    check_text("\xe2\x82", 2, "\"" R R "\"");             /* cut euro sign */
    check_text("\xe2\x82\"", 3, "\"" R R "\\\"\"");       /* a quote behind it stays escaped */
}

Test(json, escapes_keys_too)
{
    struct buffer b = {0};
    struct json j = json_to(&b);
    json_object(&j);
    json_key(&j, "a\"b\n");
    json_number(&j, 1);
    json_end(&j);
    cr_expect_str_eq(text_of(&b), "{\"a\\\"b\\n\":1}");
    buffer_free(&b);
}

Test(json, a_value_without_key_in_an_object_is_our_error, .signal = SIGABRT)
{
    struct buffer b = {0};
    struct json j = json_to(&b);
    json_object(&j);
    json_number(&j, 1);
}

Test(json, nesting_deeper_than_the_bound_is_our_error, .signal = SIGABRT)
{
    struct buffer b = {0};
    struct json j = json_to(&b);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_array(&j);
}

Test(json, nests_as_deep_as_the_bound)
{
    struct buffer b = {0};
    struct json j = json_to(&b);
    for (int i = 1; i < JSON_DEPTH_MAX; i++)
        json_array(&j);
    for (int i = 1; i < JSON_DEPTH_MAX; i++)
        json_end(&j);
    cr_expect_eq(b.len, 2 * (JSON_DEPTH_MAX - 1));
    buffer_free(&b);
}

Test(json, writes_the_shortest_number_that_reads_back_the_same_and_none_for_what_is_no_number)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "4.94065645841247e-324"},
                 {3, "3"},
                 {-2.5, "-2.5"},
                 {NAN, "null"},
                 {INFINITY, "null"},
                 {1e21, "1e+21"},
                 {0.1 + 0.2, "0.30000000000000004"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer out = {.at = NULL};
        struct json j = json_to(&out);
        json_real(&j, cases[i].number);
        cr_expect(bytes_equal(buffer_bytes(&out), bytes_text(cases[i].text)), "%s: %.*s", cases[i].text, (int)out.len,
                  out.at);
        buffer_free(&out);
    }
}

static struct bytes written(struct buffer *to, const char *text, size_t len)
{
    struct json j = json_to(to);
    buffer_clear(to);
    json_text(&j, bytes_of(text, len));
    return buffer_bytes(to);
}

/* Octets are looked at eight at a time: what one alone becomes, it becomes wherever it stands. */
Test(json, changes_an_octet_alike_at_every_place)
{
    enum { LEN = 19 };
    struct buffer alone = {0}, among = {0}, expected = {0};
    for (int octet = 0; octet < 256; octet++) {
        char text[LEN], one = (char)octet;
        struct bytes quoted = written(&alone, &one, 1);
        struct bytes changed = bytes_of(quoted.at + 1, quoted.len - 2);
        for (size_t place = 0; place < LEN; place++) {
            memset(text, 'a', LEN);
            text[place] = one;
            buffer_clear(&expected);
            buffer_char(&expected, '"');
            for (size_t i = 0; i < LEN; i++)
                buffer_add(&expected, i == place ? (const void *)changed.at : "a", i == place ? changed.len : 1);
            buffer_char(&expected, '"');
            cr_expect(bytes_equal(written(&among, text, LEN), buffer_bytes(&expected)), "octet %d at %zu", octet,
                      place);
        }
    }
    buffer_free(&alone);
    buffer_free(&among);
    buffer_free(&expected);
}
