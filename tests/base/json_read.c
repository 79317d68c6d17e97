#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_read.h"

/* ---- a walk as text: `path kind text` a line; kinds n(ull) b(ool) i(nteger) r(eal) s(tring) o(bject) a(rray) ---- */

static void add_printable(struct buffer *b, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        buffer_format(b, text.at[i] > 0x20 && text.at[i] < 0x7f && text.at[i] != '\\' ? "%c" : "\\x%02x", text.at[i]);
}

static bool write_down(void *to, struct bytes path, const struct json_value *v)
{
    struct buffer *b = to;
    add_printable(b, path);
    switch (v->kind) {
    case JSON_NULL: buffer_text(b, " n "); break;
    case JSON_BOOL: buffer_format(b, " b %d", v->boolean); break;
    case JSON_NUMBER:
        if (v->integer)
            buffer_format(b, " i %lld", (long long)v->number);
        else
            buffer_format(b, " r %.17g", v->real);
        break;
    case JSON_STRING:
        buffer_text(b, " s ");
        add_printable(b, v->text);
        break;
    case JSON_OBJECT: buffer_text(b, " o "); break;
    case JSON_ARRAY: buffer_text(b, " a "); break;
    }
    buffer_char(b, '\n');
    return true;
}

static struct json_reader *reader;
static struct buffer seen;
static struct fail why;

/* The document stands in memory of exactly its size, so that a sanitizer sees a read beyond it. */
static bool walk(struct bytes document)
{
    uint8_t *exact = malloc(document.len + !document.len);
    cr_assert(exact);
    if (document.len)
        memcpy(exact, document.at, document.len);
    if (!reader)
        reader = json_reader_new();
    buffer_clear(&seen);
    why = (struct fail){0};
    bool read = json_read(reader, bytes_of(exact, document.len), write_down, &seen, &why);
    memset(exact, 'x', document.len); /* what was told is the reader's own */
    free(exact);
    buffer_char(&seen, 0);
    cr_expect(read == !why.text[0], "%s", why.text);
    return read;
}

static void free_reader(void)
{
    json_reader_free(reader);
    buffer_free(&seen);
}

TestSuite(json_read, .fini = free_reader);

static const struct {
    const char *document;
    const char *visits;
} documents[] = {
    /* RFC 8259, 13 */
    {"{\"Image\":{\"Width\":800,\"Height\":600,\"Title\":\"View from 15th Floor\",\"Thumbnail\":{\"Url\":"
     "\"http://www.example.com/image/481989943\",\"Height\":125,\"Width\":100},\"Animated\":false,"
     "\"IDs\":[116, 943, 234, 38793]}}",
     "Image.Width i 800\nImage.Height i 600\nImage.Title s View\\x20from\\x2015th\\x20Floor\n"
     "Image.Thumbnail.Url s http://www.example.com/image/481989943\nImage.Thumbnail.Height i 125\n"
     "Image.Thumbnail.Width i 100\nImage.Animated b 0\n"
     "Image.IDs[] i 116\nImage.IDs[] i 943\nImage.IDs[] i 234\nImage.IDs[] i 38793\n"},
    {"[{\"precision\":\"zip\",\"Latitude\":37.7668,\"City\":\"SAN FRANCISCO\"},{\"Latitude\":-122.026020}]",
     "[].precision s zip\n[].Latitude r 37.766800000000003\n[].City s SAN\\x20FRANCISCO\n"
     "[].Latitude r -122.02602\n"},
    {"\"Hello world!\"", " s Hello\\x20world!\n"},
    {"42", " i 42\n"},
    {"true", " b 1\n"},
    /* scalars alone, with blanks around */
    {" \t\r\n null \t\r\n ", " n \n"},
    {" null ", " n \n"},
    {" true ", " b 1\n"},
    {"false ", " b 0\n"},
    {"\"\"", " s \n"},
    {"-1.5e3 ", " r -1500\n"},
    /* shapes */
    {"{}", " o \n"},
    {"[]", " a \n"},
    {" { } ", " o \n"},
    {" [ ] ", " a \n"},
    {"{\"a\":{},\"b\":[],\"c\":[[]],\"d\":[{}]}", "a o \nb a \nc[] a \nd[] o \n"},
    {"{\"answers\":[{\"rdata\":\"192.0.2.1\"},{\"rdata\":null}],\"n\":[[1],[2,[3]]]}",
     "answers[].rdata s 192.0.2.1\nanswers[].rdata n \nn[][] i 1\nn[][] i 2\nn[][][] i 3\n"},
    /* keys */
    {"{\"\":1,\"a\":{\"\":2},\"b\":3}", " i 1\na. i 2\nb i 3\n"},
    {"{\"\":{\"a\":1,\"\":{\"\":2}}}", ".a i 1\n.. i 2\n"},
    {"{\"a.b\":{\"c\":1},\"a\":{\"b.c\":2}}", "a.b.c i 1\na.b.c i 2\n"},
    {"{\"a\":1,\"a\":2,\"a\":{\"a\":3}}", "a i 1\na i 2\na.a i 3\n"},
    {"{\"\\u0061\\n\\\"\\u00f1\":1}", "a\\x0a\"\\xc3\\xb1 i 1\n"},
    /* strings: RFC 8259, 7 */
    {"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u005C\"]", "[] s \"\\x5c/\\x08\\x0c\\x0a\\x0d\\x09\\x5c\n"},
    {"[\"\\uD834\\uDD1E\"]", "[] s \\xf0\\x9d\\x84\\x9e\n"},
    {"[\"\xf0\x9d\x84\x9e \xc3\xb1 \x7f\"]", "[] s \\xf0\\x9d\\x84\\x9e\\x20\\xc3\\xb1\\x20\\x7f\n"},
    {"[\"a\\u0000b\"]", "[] s a\\x00b\n"},
    {"[\"\\uFFFF\\uFEFF\"]", "[] s \\xef\\xbf\\xbf\\xef\\xbb\\xbf\n"},
    {"[\"{[,:]}\\\\\", \"\\\\\\\"]\"]", "[] s {[,:]}\\x5c\n[] s \\x5c\"]\n"},
    /* numbers */
    {"[0,-0,0.0,-0.0,1e0,1E+2,1e-2]", "[] i 0\n[] i 0\n[] r 0\n[] r -0\n[] r 1\n[] r 100\n[] r 0.01\n"},
    {"[9223372036854775807,-9223372036854775808]", "[] i 9223372036854775807\n[] i -9223372036854775808\n"},
    {"[9223372036854775808,18446744073709551615]", "[] r 9.2233720368547758e+18\n[] r 1.8446744073709552e+19\n"},
    {"[-9223372036854775809,123456789012345678901234567890]",
     "[] r -9.2233720368547758e+18\n[] r 1.2345678901234568e+29\n"},
    {"[1.7976931348623157e308,5e-324,1e-400]", "[] r 1.7976931348623157e+308\n[] r 4.9406564584124654e-324\n[] r 0\n"},
    {"[0.1,0.1000000000000000055511151231257827021181583404541015625]", "[] r 0.10000000000000001\n[] r "
                                                                        "0.10000000000000001\n"},
    {"1 ", " i 1\n"},
};

Test(json_read, tells_every_value_with_its_path)
{
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        cr_expect(walk(bytes_text(documents[i].document)), "%s: %s", documents[i].document, why.text);
        cr_expect_str_eq(seen.at, documents[i].visits);
    }
}

struct refused {
    struct bytes document;
    const char *reason; /* part of it */
};

#define OCTETS(literal)                                                                                                \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

static const struct refused refusals[] = {
    {OCTETS(""), "there is nothing"},
    {OCTETS("  \n"), "there is nothing"},
    /* shapes */
    {OCTETS("["), ""},
    {OCTETS("]"), ""},
    {OCTETS("{"), ""},
    {OCTETS("[1"), ""},
    {OCTETS("[1,"), ""},
    {OCTETS("[1,]"), "octet 3"},
    {OCTETS("[,1]"), ""},
    {OCTETS("[,]"), ""},
    {OCTETS("[1 2]"), ""},
    {OCTETS("[1}"), ""},
    {OCTETS("{1]"), ""},
    {OCTETS("[[1}]"), ""},
    {OCTETS("{\"a\":[1}}"), ""},
    {OCTETS("[[[[]"), ""},
    {OCTETS("[[1]"), ""},
    {OCTETS("{\"a\":{\"b\":1}"), ""},
    {OCTETS("{\"a\"}"), ""},
    {OCTETS("{\"a\":}"), ""},
    {OCTETS("{\"a\":1,}"), ""},
    {OCTETS("{,\"a\":1}"), ""},
    {OCTETS("{\"a\" 1}"), ""},
    {OCTETS("{\"a\"::1}"), ""},
    {OCTETS("{\"a\":1 \"b\":2}"), ""},
    {OCTETS("{\"a\":1;\"b\":2}"), ""},
    {OCTETS("{a:1}"), ""},
    {OCTETS("{'a':1}"), ""},
    {OCTETS("{1:1}"), ""},
    {OCTETS("{null:1}"), ""},
    {OCTETS("{[]:1}"), ""},
    {OCTETS(":"), ""},
    {OCTETS(","), ""},
    /* behind the document */
    {OCTETS("{} {}"), "octet 3: something behind the document"},
    {OCTETS("[1] x"), ""},
    {OCTETS("[1]]"), ""},
    {OCTETS("{\"a\":1}}"), ""},
    {OCTETS("[],"), ""},
    {OCTETS("1 2"), ""},
    {OCTETS("1,"), ""},
    {OCTETS("\"a\" \"b\""), ""},
    {OCTETS("\"a\"b"), ""},
    {OCTETS("null null"), ""},
    {OCTETS("true,"), ""},
    {OCTETS("[1] // a"), ""},
    {OCTETS("/* a */ [1]"), ""},
    /* words */
    {OCTETS("[nul]"), ""},
    {OCTETS("[nulll]"), ""},
    {OCTETS("[tru]"), ""},
    {OCTETS("[truefalse]"), ""},
    {OCTETS("[falsy]"), ""},
    {OCTETS("[True]"), ""},
    {OCTETS("[undefined]"), ""},
    {OCTETS("nul"), ""},
    {OCTETS("truex"), ""},
    {OCTETS(" null1 "), ""},
    {OCTETS(" null null "), ""},
    {OCTETS("fals"), ""},
    {OCTETS("[\"a\"true]"), ""},
    {OCTETS("[true\"a\"]"), ""},
    {OCTETS("[1\"a\"]"), ""},
    /* numbers */
    {OCTETS("[01]"), "number"},
    {OCTETS("[-01]"), "number"},
    {OCTETS("[+1]"), ""},
    {OCTETS("[-]"), "number"},
    {OCTETS("[--1]"), ""},
    {OCTETS("[.5]"), ""},
    {OCTETS("[1.]"), "number"},
    {OCTETS("[-.5]"), ""},
    {OCTETS("[1.e1]"), "number"},
    {OCTETS("[1e]"), "number"},
    {OCTETS("[1e+]"), "number"},
    {OCTETS("[1e1.5]"), "number"},
    {OCTETS("[1.2.3]"), "number"},
    {OCTETS("[0x10]"), "number"},
    {OCTETS("[1_000]"), "number"},
    {OCTETS("[1a]"), "number"},
    {OCTETS("[Infinity]"), ""},
    {OCTETS("[-Infinity]"), ""},
    {OCTETS("[NaN]"), ""},
    {OCTETS("[1e400]"), "out of range"},
    {OCTETS("[-1e309]"), "out of range"},
    {OCTETS("01"), ""},
    {OCTETS("1a"), ""},
    {OCTETS("-"), ""},
    {OCTETS("1."), ""},
    {OCTETS("9223372036854775808x"), ""},
    {OCTETS("[\xef\xbc\x91]"), ""}, /* a full-width 1 */
    /* strings */
    {OCTETS("[\"a]"), "without an end"},
    {OCTETS("\""), "without an end"},
    {OCTETS("[\"a\\\"]"), "without an end"},
    {OCTETS("['a']"), ""},
    {OCTETS("[\"\\a\"]"), "escape"},
    {OCTETS("[\"\\x41\"]"), "escape"},
    {OCTETS("[\"\\u\"]"), "escape"},
    {OCTETS("[\"\\u12\"]"), "escape"},
    {OCTETS("[\"\\u12G4\"]"), "escape"},
    {OCTETS("[\"\\uD834\"]"), "escape"},
    {OCTETS("[\"\\uD834x\"]"), "escape"},
    {OCTETS("[\"\\uD834\\n\"]"), "escape"},
    {OCTETS("[\"\\uD834\\uD834\"]"), "escape"},
    {OCTETS("[\"\\uD834\\u0041\"]"), "escape"},
    {OCTETS("[\"\\uDD1E\"]"), "escape"},
    {OCTETS("[\"\\uDD1E\\uD834\"]"), "escape"},
    {OCTETS("{\"\\uD834\":1}"), "escape"},
    {OCTETS("{\"\\q\":1}"), "escape"},
    {OCTETS("[\"a\nb\"]"), "control character"},
    {OCTETS("[\"a\tb\"]"), "control character"},
    {OCTETS("[\"\x1f\"]"), "control character"},
    {OCTETS("{\"a\rb\":1}"), "control character"},
    /* NUL, everywhere */
    {OCTETS("\0"), "octet 0: NUL"},
    {OCTETS("[1\0]"), "octet 2: NUL"},
    {OCTETS("[1]\0"), "octet 3: NUL"},
    {OCTETS("[\"a\0b\"]"), "NUL"},
    {OCTETS("1\0"), "NUL"},
    {OCTETS("{\"a\"\0:1}"), "NUL"},
    /* blanks of others */
    {OCTETS("[1,\f2]"), ""},
    {OCTETS("[1\f]"), ""},
    {OCTETS("1\f"), ""},
    {OCTETS("\v1"), ""},
    {OCTETS("[1 \f]"), ""},
    {OCTETS("[1,\v2]"), ""},
    {OCTETS("[\xc2\xa0]"), ""},
    {OCTETS("[\xe2\x81\xa0]"), ""},
    /* a byte order mark, other encodings */
    {OCTETS("\xef\xbb\xbf[]"), "byte order mark"},
    {OCTETS("\xef\xbb\xbf"), "byte order mark"},
    {OCTETS("\xfe\xff\0[\0]"), ""},
    {OCTETS("[\0]\0"), ""},
    /* not UTF-8 (RFC 3629) */
    {OCTETS("[\"\x80\"]"), "not UTF-8"},
    {OCTETS("[\"\xc3\"]"), "not UTF-8"},
    {OCTETS("[\"\xc0\xaf\"]"), "not UTF-8"},
    {OCTETS("[\"\xe0\x80\xaf\"]"), "not UTF-8"},
    {OCTETS("[\"\xed\xa0\x80\"]"), "not UTF-8"},
    {OCTETS("[\"\xf4\x90\x80\x80\"]"), "not UTF-8"},
    {OCTETS("[\"\xff\"]"), "not UTF-8"},
    {OCTETS("{\"\xc3\":1}"), "not UTF-8"},
    {OCTETS("\xff"), "not UTF-8"},
};

Test(json_read, refuses_what_is_not_json)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refused *r = &refusals[i];
        char quote[4 * FAIL_QUOTE_MAX + 4];
        cr_expect(!walk(r->document), "%s", fail_quote(r->document, quote));
        cr_expect(strstr(why.text, r->reason), "%s: %s", fail_quote(r->document, quote), why.text);
    }
    cr_expect(walk(bytes_text("[1]")), "the reader goes on");
}

/* A document of objects or arrays ends with its last octet: no prefix of it is one. */
Test(json_read, refuses_every_prefix_and_tells_no_more_than_of_the_whole)
{
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct bytes whole = bytes_trim(bytes_text(documents[i].document));
        if (whole.at[0] != '{' && whole.at[0] != '[')
            continue;
        for (size_t len = 0; len < whole.len; len++) {
            cr_expect(!walk(bytes_until(whole, len)), "%.*s", (int)len, (const char *)whole.at);
            cr_expect(strncmp(seen.at, documents[i].visits, strlen(seen.at)) == 0, "%.*s: %s", (int)len,
                      (const char *)whole.at, seen.at);
        }
    }
}

/* Whatever octet stands where: it answers, and reads nothing beyond (under a sanitizer). */
Test(json_read, survives_every_octet_in_every_place)
{
    static const char document[] = "{\"a\":[1,-2.5e1,\"\\u00f1\xc3\xb1\"],\"b\":{\"c\":true,\"d\":null}}";
    uint8_t changed[sizeof document - 1];
    unsigned taken = 0, refused = 0;
    for (size_t at = 0; at < sizeof changed; at++)
        for (unsigned octet = 0; octet < 256; octet++) {
            memcpy(changed, document, sizeof changed);
            changed[at] = (uint8_t)octet;
            bool read = walk(bytes_of(changed, sizeof changed));
            taken += read;
            refused += !read;
        }
    cr_expect(taken > sizeof changed && refused > taken);
}

/* Ends the walk with the first value. */
static bool keep_first(void *to, struct bytes path, const struct json_value *value)
{
    (void)path;
    *(struct json_value *)to = *value;
    return false;
}

Test(json_read, gives_numbers_as_integer_as_double_and_as_text)
{
    static const struct {
        const char *text;
        bool integer;
        int64_t number;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-17", true, -17},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"18446744073709551615", false, 0},
        {"18446744073709551616", false, 0},
        {"-9223372036854775809", false, 0},
        {"340282366920938463463374607431768211456", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"-0.0", false, 0},
        {"2.2250738585072011e-308", false, 0},
        {"9007199254740993.0", false, 0},
        {"0.000000000000000000000000000000000000000000000000000000000000000000000001", false, 0},
    };
    static const char *const around[] = {"%s", " %s ", "[%s]", "[ %s\n]", "{\"a\" : %s , \"b\":2}"};
    static struct json_value first;
    static char text[128];
    reader = json_reader_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t a = 0; a < sizeof around / sizeof *around; a++) {
            snprintf(text, sizeof text, around[a], cases[i].text);
            cr_assert(json_read(reader, bytes_text(text), keep_first, &first, &why), "%s: %s", text, why.text);
            cr_expect(first.kind == JSON_NUMBER && bytes_equal(first.text, bytes_text(cases[i].text)), "%s", text);
            cr_expect(first.integer == cases[i].integer && first.number == cases[i].number, "%s", text);
            double libc = strtod(cases[i].text, NULL);
            cr_expect(first.real == libc, "%s: %.17g", text, first.real);
        }
}

static bool count_to_two(void *to, struct bytes path, const struct json_value *value)
{
    (void)path, (void)value;
    return ++*(unsigned *)to < 2;
}

Test(json_read, ends_when_the_visitor_wants)
{
    static const char *const cases[] = {
        "[1,2,3,4]", "{\"a\":1,\"b\":2,\"c\":3}", "[[1,{\"a\":[2,3]}],4]", "[{},[],{},[]]", "[1,2,nonsense]",
    };
    reader = json_reader_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned met = 0;
        cr_expect(json_read(reader, bytes_text(cases[i]), count_to_two, &met, &why), "%s", why.text);
        cr_expect_eq(met, 2, "%s: %u", cases[i], met);
    }
}

static struct bytes kept[3];

static bool keep_texts(void *to, struct bytes path, const struct json_value *value)
{
    (void)path;
    kept[(*(unsigned *)to)++] = value->text;
    return true;
}

Test(json_read, keeps_texts_until_the_next_document)
{
    unsigned count = 0;
    reader = json_reader_new();
    cr_assert(
        json_read(reader, bytes_text("[\"a\\n\", 12345678901234567890 , \"\\u00f1\"]"), keep_texts, &count, &why));
    cr_expect(bytes_equal(kept[0], bytes_text("a\n")));
    cr_expect(bytes_equal(kept[1], bytes_text("12345678901234567890")));
    cr_expect(bytes_equal(kept[2], bytes_text("\xc3\xb1")));
}

/* ---- bounds ---- */

static struct bytes nested(char *out, size_t depth, const char *open, const char *inmost, const char *close)
{
    char *to = out;
    for (size_t i = 0; i < depth; i++)
        to = stpcpy(to, open);
    to = stpcpy(to, inmost);
    for (size_t i = 0; i < depth; i++)
        to = stpcpy(to, close);
    return bytes_of(out, (size_t)(to - out));
}

Test(json_read, goes_so_deep_and_no_deeper)
{
    static char text[100000];
    cr_expect(walk(nested(text, JSON_READ_DEPTH_MAX, "[", "1", "]")), "%s", why.text);
    cr_expect(walk(nested(text, JSON_READ_DEPTH_MAX, "{\"\":", "1", "}")), "%s", why.text);
    cr_expect(walk(nested(text, JSON_READ_DEPTH_MAX, "[", "", "]")), "%s", why.text);
    for (size_t depth = JSON_READ_DEPTH_MAX + 1; depth <= 10000; depth = depth * 3 / 2) {
        cr_expect(!walk(nested(text, depth, "[", "", "]")) && strstr(why.text, "nested too deep"), "%s", why.text);
        cr_expect(!walk(nested(text, depth, "{\"a\":", "1", "}")) && strstr(why.text, "nested too deep"), "%s",
                  why.text);
        cr_expect(!walk(nested(text, depth, "[", "", "")));
    }
}

static bool count_all(void *to, struct bytes path, const struct json_value *value)
{
    *(size_t *)to += path.len + value->text.len;
    return true;
}

Test(json_read, takes_so_many_octets_and_no_more)
{
    enum { MEBI = 1 << 20, HOSTILE = 20 * MEBI };
    char *text = malloc(HOSTILE);
    cr_assert(text);
    size_t octets = 0;
    reader = json_reader_new();

    /* a string, a key, a number and blanks as long as a document may be */
    memset(text, 'a', HOSTILE);
    text[0] = text[JSON_READ_OCTETS_MAX - 1] = '"';
    cr_expect(json_read(reader, bytes_of(text, JSON_READ_OCTETS_MAX), count_all, &octets, &why), "%s", why.text);
    cr_expect_eq(octets, JSON_READ_OCTETS_MAX - 2);
    cr_expect(!json_read(reader, bytes_of(text, JSON_READ_OCTETS_MAX + 1), count_all, &octets, &why));
    cr_expect(strstr(why.text, "octets"), "%s", why.text);
    cr_expect(!json_read(reader, bytes_of(text, HOSTILE), count_all, &octets, &(struct fail){0}));

    octets = 0;
    memcpy(text, "{\"", 2);
    memcpy(text + JSON_READ_OCTETS_MAX - 4, "\":1}", 4);
    cr_expect(json_read(reader, bytes_of(text, JSON_READ_OCTETS_MAX), count_all, &octets, &(struct fail){0}));
    cr_expect_eq(octets, JSON_READ_OCTETS_MAX - 6 + 1);

    memset(text, '1', HOSTILE);
    cr_expect(!json_read(reader, bytes_of(text, JSON_READ_OCTETS_MAX), count_all, &octets, &(struct fail){0}));
    memset(text, ' ', HOSTILE);
    cr_expect(!json_read(reader, bytes_of(text, JSON_READ_OCTETS_MAX), count_all, &octets, &(struct fail){0}));
    memset(text, '[', HOSTILE);
    cr_expect(!json_read(reader, bytes_of(text, JSON_READ_OCTETS_MAX), count_all, &octets, &(struct fail){0}));
    free(text);
}

/* ---- another reader's opinion: Python's json ---- */

static const char python[] =
    "import json, random, sys\n"
    "r = random.Random(7)\n"
    "def text():\n"
    "    return ''.join(chr(r.choice([r.randrange(0x80), r.randrange(0xa0, 0x800), r.randrange(0xe000, 0x10000),\n"
    "                                 r.randrange(0x10000, 0x110000)])) for _ in range(r.randrange(12)))\n"
    "def value(depth):\n"
    "    k = r.randrange(10 if depth < 6 else 7)\n"
    "    if k < 2: return text()\n"
    "    if k < 4: return r.randrange(-2 ** r.randrange(1, 90), 2 ** r.randrange(1, 90))\n"
    "    if k < 5: return r.uniform(-1, 1) * 10.0 ** r.randrange(-300, 300)\n"
    "    if k < 6: return r.choice([True, False])\n"
    "    if k < 7: return None\n"
    "    if k < 8: return [value(depth + 1) for _ in range(r.randrange(5))]\n"
    "    return {text(): value(depth + 1) for _ in range(r.randrange(5))}\n"
    "def shown(s):\n"
    "    return ''.join(chr(b) if 0x20 < b < 0x7f and b != 0x5c else '\\\\x%02x' % b for b in s.encode())\n"
    "def walk(path, v, depth):\n"
    "    if isinstance(v, dict):\n"
    "        if not v: yield path, 'o '\n"
    "        for k in v: yield from walk(path + ('.' if depth else '') + k, v[k], depth + 1)\n"
    "    elif isinstance(v, list):\n"
    "        if not v: yield path, 'a '\n"
    "        for e in v: yield from walk(path + '[]', e, depth + 1)\n"
    "    elif v is None: yield path, 'n '\n"
    "    elif isinstance(v, bool): yield path, 'b %d' % v\n"
    "    elif isinstance(v, int) and -2 ** 63 <= v < 2 ** 63: yield path, 'i %d' % v\n"
    "    elif isinstance(v, str): yield path, 's ' + shown(v)\n"
    "    else: yield path, 'r %.17g' % v\n"
    "out = sys.stdout.buffer\n"
    "for i in range(400):\n"
    "    d = json.dumps(value(0), ensure_ascii=i % 2 == 0, indent=[None, 1][i // 2 % 2]).encode()\n"
    "    w = ''.join('%s %s\\n' % (shown(p), s) for p, s in walk('', json.loads(d), 0)).encode()\n"
    "    out.write(b'%d %d\\n' % (len(d), len(w)) + d + w)\n";

Test(json_read, agrees_with_python)
{
    if (system("python3 -c 'import json' 2>/dev/null") != 0)
        cr_skip_test("skipped: no python3");
    char *command;
    cr_assert(asprintf(&command, "python3 - <<'END'\n%sEND\n", python) > 0);
    FILE *f = popen(command, "r");
    cr_assert(f);
    size_t document_len, visits_len;
    unsigned count = 0;
    while (fscanf(f, "%zu %zu", &document_len, &visits_len) == 2 && fgetc(f) == '\n') {
        char *document = malloc(document_len + 1), *visits = calloc(1, visits_len + 1);
        cr_assert(document && visits && fread(document, 1, document_len, f) == document_len);
        cr_assert(fread(visits, 1, visits_len, f) == visits_len);
        cr_expect(walk(bytes_of(document, document_len)), "%.*s: %s", (int)document_len, document, why.text);
        cr_expect_str_eq(seen.at, visits);
        free(document);
        free(visits);
        count++;
    }
    cr_expect_eq(pclose(f), 0);
    cr_expect_eq(count, 400);
    free(command);
}

static bool write_line_too(void *to, struct bytes path, const struct json_value *v)
{
    buffer_format(to, "%u ", v->line);
    return write_down(to, path, v);
}

static const char *records(const char *text)
{
    buffer_clear(&seen);
    reader = reader ? reader : json_reader_new();
    why = (struct fail){0};
    cr_expect_eq(json_read_records(reader, bytes_text(text), write_line_too, &seen, &why), !why.text[0]);
    buffer_char(&seen, 0);
    return seen.at;
}

Test(json_read, tells_of_records_where_each_begins_and_that_it_ended)
{
    cr_expect_str_eq(
        records("{\"a\":[\n{\"b\":1,\n\"c\":\"x\\ny\"},\n{\"b\":\n[null,{}]}],\n\n\"d\":true}"),
        "2 a[].b i 1\n3 a[].c s x\\x0ay\n2 a[] o \n5 a[].b[] n \n5 a[].b[] o \n4 a[] o \n7 d b 1\n1  o \n");
    cr_expect_str_eq(records("\n[{\"a\":1}\n,\n[]]"), "2 [].a i 1\n2 [] o \n4 [] a \n");
    cr_expect_str_eq(records("{}"), "1  o \n");
    cr_expect_str_eq(records("{\"a\":{\"b\":1},\n\"c\" 2}"), "1 a.b i 1\n1 a o \n");
    cr_expect(walk(bytes_text("{\"a\":{\"b\":1}}")));
    cr_expect_str_eq(seen.at, "a.b i 1\n"); /* a walk without records says nothing of ends */
}

Test(json_read, reads_records_beyond_the_bound_of_other_documents)
{
    size_t len = JSON_READ_OCTETS_MAX + 1000;
    char *text = malloc(len);
    cr_assert(text);
    memset(text, ' ', len);
    memcpy(text, "{\"a\":1", strlen("{\"a\":1"));
    text[len - 1] = '}';
    reader = json_reader_new();
    cr_expect(!json_read(reader, bytes_of(text, len), write_down, &seen, &why));
    why = (struct fail){0};
    cr_expect(json_read_records(reader, bytes_of(text, len), write_down, &seen, &why), "%s", why.text);
    buffer_char(&seen, 0);
    cr_expect_str_eq(seen.at, "a i 1\n o \n");
    free(text);
}
