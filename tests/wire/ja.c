#include <criterion/criterion.h>

#include "make.h"
#include "wire/ja.h"

/* Lists of numbers as they stand in a hello. */
static struct bytes numbers(struct buffer *b, const char *text, int octets)
{
    for (const char *at = text; *at;) {
        char *end;
        unsigned long v = strtoul(at, &end, 0);
        if (octets == 1)
            put8(b, (unsigned)v);
        else
            put16(b, (unsigned)v);
        at = *end ? end + 1 : end;
    }
    return alone(buffer_bytes(b));
}

static struct bytes list(const char *text, int octets)
{
    struct buffer b = {.at = NULL};
    struct bytes out = numbers(&b, text, octets);
    buffer_free(&b);
    return out;
}

/* Extensions without content. */
static struct bytes extensions(const char *text)
{
    struct bytes types = list(text, 2);
    struct buffer b = {.at = NULL};
    for (struct cursor c = cursor_of(types); cursor_left(&c);) {
        put16(&b, cursor_u16(&c));
        put16(&b, 0);
    }
    struct bytes out = alone(buffer_bytes(&b));
    buffer_free(&b);
    alone_free(types);
    return out;
}

struct hello_case {
    const char *about;
    uint16_t version, highest;
    const char *ciphers, *extensions, *groups, *points, *signatures;
    const char *protocol;
    bool named;
    char way;
    const char *three, *four;
};

#define CHROME_CIPHERS                                                                                                 \
    "0x3a3a 0x1301 0x1302 0x1303 0xc02b 0xc02f 0xc02c 0xc030 0xcca9 0xcca8 0xc013 0xc014 0x009c 0x009d 0x002f 0x0035"
#define CHROME_EXTENSIONS                                                                                              \
    "0x1a1a 0x001b 0x0000 0x0033 0x0010 0x4469 0x0017 0x002d 0x000d 0x0005 0x0023 0x0012 0x002b 0xff01 0x000b 0x000a " \
    "0x0015 0x2a2a"
#define CHROME_SIGNATURES "0x0403 0x0804 0x0401 0x0503 0x0805 0x0501 0x0806 0x0601"

/* The first is the example of FoxIO's technical_details/JA4.md, with GREASE put in; the next two are those of the
 * README of salesforce/ja3. Of the others the hashes are made with Python's hashlib from lists written by hand. */
static const struct hello_case cases[] = {
    {"JA4's own example", 0x0303, 0x0304, CHROME_CIPHERS, CHROME_EXTENSIONS, "", "", CHROME_SIGNATURES, "h2", true, 't',
     NULL, "t13d1516h2_8daaf6152771_e5627efa2ab1"},
    {"JA3's own example", 769, 769, "47 53 5 10 49161 49162 49171 49172 50 56 19 4", "0 10 11", "23 24 25", "0", "", "",
     true, 't', "ada70206e40642a3e4461f35503241d5", NULL},
    {"JA3's own example without extensions", 769, 769, "4 5 10 9 100 98 3 6 19 18 99", "", "", "", "", "", false, 't',
     "de350869b8c85de67a350c8d186f11e6", "t10i110000_3609b414f052_000000000000"},
    {"GREASE in every list", 771, 0x0304, "0x0a0a 0x1301", "0xfafa 0 10", "0xdada 29", "0", "0x1a1a 0x0403", "h2", true,
     't', "f3f2335434a688e6551634e27259067a", "t13d0102h2_0f2cb44170f4_1128d980f6b5"},
    {"a protocol that is not letters and digits", 771, 0x0304, "0x1301", "0 16", "", "", "", "\xab\xcd", true, 'q',
     NULL, "q13d0102ad_0f2cb44170f4_000000000000"},
    {"a protocol of one character", 771, 0x0304, "0x1301", "0 16", "", "", "", "x", true, 'q', NULL,
     "q13d0102xx_0f2cb44170f4_000000000000"},
    {"a protocol that ends oddly", 771, 0x0304, "0x1301", "0 16", "", "", "", "0\xab", true, 'q', NULL,
     "q13d01023b_0f2cb44170f4_000000000000"},
    {"nothing at all", 0x0300, 0x0300, "", "", "", "", "", "", false, 't', "ba12b548d225aa7163af96c47205964e",
     "ts3i000000_000000000000_000000000000"},
    {"a version that nobody knows", 771, 0x7f1c, "0x1301", "43", "", "", "", "", false, 't', NULL,
     "t00i010100_0f2cb44170f4_b9a491fefe05"},
    {"DTLS 1.2", 0xfefd, 0xfefd, "0xc02b 0xc02f", "13", "", "", "0x0403", "", false, 'd',
     "455a18acfd2602791d6326b372389b4f", "dd2i020100_b6f57f3be927_79c50902419d"},
};

Test(ja, makes_the_published_fingerprints)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct hello_case *c = &cases[i];
        struct client_hello h = {.version = c->version,
                                 .highest = c->highest,
                                 .named = c->named,
                                 .ciphers = list(c->ciphers, 2),
                                 .extensions = extensions(c->extensions),
                                 .groups = list(c->groups, 2),
                                 .points = list(c->points, 1),
                                 .signatures = list(c->signatures, 2),
                                 .protocol = bytes_text(c->protocol)};
        char three[JA3_TEXT], four[JA4_TEXT];
        cr_expect(ja3(&h, three) && ja4(&h, c->way, four));
        cr_expect(!c->three || strcmp(three, c->three) == 0, "%s: %s", c->about, three);
        cr_expect(!c->four || strcmp(four, c->four) == 0, "%s: %s", c->about, four);
        alone_free(h.ciphers);
        alone_free(h.extensions);
        alone_free(h.groups);
        alone_free(h.points);
        alone_free(h.signatures);
    }
}

/* The two server hellos of TLS 1.3 that everybody knows. */
Test(ja, makes_the_fingerprint_of_a_server)
{
    static const struct {
        const char *extensions, *text;
    } servers[] = {{"43 51", "f4febc55ea12b31ae17cfb7e614afda8"}, {"51 43", "eb1d94daa7e0344597e756a1fb6e7054"}};
    for (size_t i = 0; i < 2; i++) {
        struct server_hello h = {.version = 771, .cipher = 4865, .extensions = extensions(servers[i].extensions)};
        char text[JA3_TEXT];
        cr_expect(ja3s(&h, text));
        cr_expect_str_eq(text, servers[i].text);
        alone_free(h.extensions);
    }
}

/* Counts stop at 99; more values than anybody offers have no fingerprint. */
Test(ja, bounds_what_it_counts)
{
    struct buffer b = {.at = NULL};
    struct bytes none = bytes_of("", 0);
    char three[JA3_TEXT], four[JA4_TEXT];
    for (unsigned n = 1; n <= JA_VALUES_MAX + 1; n++) {
        put16(&b, n);
        struct client_hello h = {.version = 771,
                                 .highest = 771,
                                 .ciphers = buffer_bytes(&b),
                                 .extensions = none,
                                 .groups = none,
                                 .points = none,
                                 .signatures = none,
                                 .protocol = none};
        cr_expect_eq(ja3(&h, three), n <= JA_VALUES_MAX);
        cr_expect_eq(ja4(&h, 't', four), n <= JA_VALUES_MAX);
        char count[8];
        snprintf(count, sizeof count, "t12i%02u", n < 99 ? n : 99);
        cr_expect_eq(strncmp(four, count, 6), 0, "%u: %s", n, four);
    }
    struct client_hello h = {.version = 771,
                             .highest = 771,
                             .ciphers = none,
                             .extensions = none,
                             .groups = buffer_bytes(&b),
                             .points = none,
                             .signatures = buffer_bytes(&b)};
    cr_expect(!ja3(&h, three) && !ja4(&h, 't', four));
    buffer_free(&b);
}
