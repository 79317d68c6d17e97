#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "feed/format.h"

/* What a content gave, one line each: `line type value`, `line W text`, `line R found`. */
static char told[1 << 16];
static size_t told_len, indicators, refusals;
static bool silent;

static void tell(const char *format, ...)
{
    va_list args;
    if (silent)
        return;
    va_start(args, format);
    told_len += (size_t)vsnprintf(told + told_len, sizeof told - told_len, format, args);
    va_end(args);
    cr_assert(told_len < sizeof told);
}

static void on_indicator(void *to, unsigned line, const struct indicator_key *key, const struct indicator_source *s)
{
    (void)to;
    indicators++;
    char value[OBSERVABLE_VALUE_MAX];
    size_t len = indicator_value_write(key, value);
    tell("%u %s %s%.*s\n", line, observable_type_name(key->type), key->only ? "=" : "", (int)len, value);
    cr_assert(bytes_equal(s->feed, bytes_text("own")));
    cr_assert_eq(s->tlp, TLP_GREEN);
    cr_assert_eq(s->confidence, 70);
}

static void on_warning(void *to, unsigned line, const char *text)
{
    (void)to;
    tell("%u W %s\n", line, text);
}

static void on_refused(void *to, unsigned line, const char *text)
{
    (void)to;
    refusals++;
    const char *expected = "expected an address, block, name, URL, e-mail address or hash, found ";
    cr_assert_eq(strncmp(text, expected, strlen(expected)), 0, "%s", text);
    tell("%u R %s\n", line, text + strlen(expected));
}

static const char *read_bytes(struct bytes content)
{
    struct feed feed = {.name = "own", .tlp = TLP_GREEN, .confidence = 70, .category = CATEGORY_UNDETERMINED};
    struct feed_sink sink = {.indicator = on_indicator, .warning = on_warning, .refused = on_refused};
    told_len = indicators = refusals = 0;
    told[0] = 0;
    format_plain.read(content, &feed, &sink);
    return told;
}

static const char *read_text(const char *content)
{
    return read_bytes(bytes_text(content));
}

Test(plain, reads_one_value_a_line_whatever_its_type)
{
    cr_expect_str_eq(
        read_text(
            "bad.example\n192.0.2.1\r\n  2001:DB8::/32\n192.0.2.1:8080\n[2001:db8::1]:443\n"
            "http://Bad.example\nbad.example/a\nuser@bad.example\n"
            "D41D8CD98F00B204E9800998ECF8427E\n*.bad.example\n=bad.example\nt13d1516h2_8daaf6152771_b186095e22b6"),
        "1 domain-name bad.example\n2 ipv4-addr 192.0.2.1\n3 ipv6-addr 2001:db8::/32\n4 ip-port 192.0.2.1:8080\n"
        "5 ip-port [2001:db8::1]:443\n6 url http://bad.example/\n7 url http://bad.example/a\n"
        "8 email-addr user@bad.example\n9 md5 d41d8cd98f00b204e9800998ecf8427e\n10 domain-name bad.example\n"
        "11 domain-name =bad.example\n12 ja4 t13d1516h2_8daaf6152771_b186095e22b6\n");
}

Test(plain, reads_defanged_values)
{
    cr_expect_str_eq(
        read_text(
            "hxxps[:]//bad[.]example/a\n192[.]0[.]2[.]1\nuser[at]bad[dot]example\nbad dot example\n\"bad.example\"\n"),
        "1 url https://bad.example/a\n2 ipv4-addr 192.0.2.1\n3 email-addr user@bad.example\n"
        "4 domain-name bad.example\n5 domain-name bad.example\n");
}

Test(plain, skips_comments_and_empty_lines)
{
    cr_expect_str_eq(read_text("\xef\xbb\xbf# bad.example\n; bad.example\n// bad.example\n\n \t\r\n  # x\n"
                               "bad.example # why\nhttp://bad.example/#top\nbad.example\t#why\n#"),
                     "7 domain-name bad.example\n8 url http://bad.example/\n9 domain-name bad.example\n");
}

Test(plain, drops_the_bullets_of_reports)
{
    cr_expect_str_eq(read_text("- bad.example\n* 192.0.2.1\n  -\t*.bad.example\n-\n"),
                     "1 domain-name bad.example\n2 ipv4-addr 192.0.2.1\n3 domain-name bad.example\n4 R \"-\"\n");
}

Test(plain, reads_hosts_files)
{
    cr_expect_str_eq(
        read_text(
            "127.0.0.1 localhost\n127.0.0.1 localhost.localdomain\n127.0.0.1 local\n255.255.255.255 broadcasthost\n"
            "::1 ip6-localhost ip6-loopback\nfe80::1%lo0 localhost\nff02::1 ip6-allnodes\n0.0.0.0 0.0.0.0\n"
            "0.0.0.0 a.example\n127.0.0.1\tb.example  c.example # why\n:: d.example localhost\n0.0.0.0 nodots\n"),
        "9 domain-name a.example\n10 domain-name b.example\n10 domain-name c.example\n11 domain-name d.example\n"
        "12 R \"nodots\"\n");
}

Test(plain, refuses_what_is_no_value_and_reads_on)
{
    static const char *const refused[] = {
        "word",
        "two words",
        "192.0.2.1 bad.example",
        "192.0.2.256",
        "1.2.3",
        "a..example",
        "bad.example,",
        "a.example,b.example",
        "/path/only",
        "http://",
        "user@",
        "user@host",
        "server=/x.com/",
        "host/path",
        "bad*.example",
        "bad.example; x",
        "a.example:x",
        "{\"a\":1}",
        "abc123",
        "<html>",
        "192.0.2.1-192.0.2.9",
        "bad.example# why",
        "v1.0",
        "*",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char content[256];
        snprintf(content, sizeof content, "a.example\n%s\nb.example\n", refused[i]);
        read_text(content);
        cr_expect_eq(indicators, 2, "%s", told);
        cr_expect_eq(refusals, 1, "%s", told);
        cr_expect(strstr(told, "\n2 R \""), "%s", told);
    }
}

Test(plain, quotes_what_it_refuses)
{
    cr_expect_str_eq(read_text("a\x01 b\n"), "1 R \"a\\x01 b\"\n");
    static const char nul[] = "a\0.example\nb.example\n";
    cr_expect_str_eq(read_bytes(bytes_of(nul, sizeof nul - 1)), "1 R \"a\\x00.example\"\n2 domain-name b.example\n");
}

Test(plain, loses_one_line_to_other_encodings)
{
    cr_expect_str_eq(read_text("# caf\xe9\nb\xfc"
                               "cher.example\nbad.example\n"),
                     "2 R \"b\\xfccher.example\"\n3 domain-name bad.example\n");
}

Test(plain, tells_what_it_changed)
{
    cr_expect_str_eq(read_text("192.0.2.9/24\n"),
                     "1 W host bits cleared, taken as 192.0.2.0/24\n1 ipv4-addr 192.0.2.0/24\n");
}

Test(plain, bounds_its_lines)
{
    static char content[1 << 21];
    memset(content, 'a', sizeof content);
    memcpy(content + sizeof content - 12, "\nb.example\n", 12);
    read_bytes(bytes_of(content, sizeof content - 1));
    cr_expect_eq(indicators, 1);
    cr_expect_eq(refusals, 1);
}

Test(plain, claims_every_text_that_nobody_else_claims)
{
    static const struct {
        struct bytes head;
        bool text;
    } cases[] = {
        {{(const uint8_t *)"bad.example\n", 12}, true},
        {{(const uint8_t *)"", 0}, true},
        {{(const uint8_t *)"\xef\xbb\xbf"
                           "a",
          4},
         true},
        {{(const uint8_t *)"b\xc3\xbc"
                           "cher.example",
          14},
         true},
        {{(const uint8_t *)"b\xfc"
                           "cher.example",
          13},
         true}, /* Latin-1 */
        {{(const uint8_t *)"a\0b", 3}, false},
        {{(const uint8_t *)"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8}, false}, /* a pcap */
        {{(const uint8_t *)"\xff\xfe"
                           "b\0a\0",
          6},
         false}, /* UTF-16 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(format_plain.probe(cases[i].head), cases[i].text, "case %zu", i);
        cr_expect_eq(format_of(cases[i].head), cases[i].text ? &format_plain : NULL, "case %zu", i);
    }
}

static struct bytes file(const char *path)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    rewind(f);
    uint8_t *content = malloc(len + 1);
    cr_assert(content && fread(content, 1, len, f) == len);
    fclose(f);
    return bytes_of(content, len);
}

/* Lists that hold nothing but values. The count is that of their lines that are neither empty nor comments. */
Test(plain, reads_real_lists_whole)
{
    static const char *const lists[] = {"ipsum/levels/4.txt",
                                        "phishing-database/phishing-IPs-ACTIVE.txt",
                                        "threatfox-ips/ips.txt",
                                        "tor-ips/tor-exit-nodes.lst",
                                        "romainmarcoux-hash/full-hash-*-aa.txt",
                                        "opendns-domains/opendns-top-domains.txt",
                                        "top100k/top-10000-domains",
                                        "blocklistproject/*.txt",
                                        "blocklistproject/alt-version/*.txt"};
    size_t files = 0;
    silent = true;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char pattern[256];
        glob_t found;
        snprintf(pattern, sizeof pattern, "../shared/data/permissive/indicators/%s", lists[i]);
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++, files++) {
            struct bytes content = file(found.gl_pathv[k]), rest = content;
            read_bytes(content);
            size_t values = 0;
            for (struct bytes line; rest.len; rest = bytes_from(rest, line.len + 1)) {
                line = bytes_until(rest, bytes_find(rest, '\n'));
                struct bytes text = bytes_trim(line);
                values += text.len && text.at[0] != '#';
            }
            cr_expect_eq(indicators, values, "%s: %zu of %zu", found.gl_pathv[k], indicators, values);
            cr_expect_eq(refusals, 0, "%s", found.gl_pathv[k]);
            cr_expect(values > 0);
            free((void *)content.at);
        }
        globfree(&found);
    }
    if (files == 0)
        cr_skip_test("skipped: no shared data");
}

Test(plain, takes_digits_with_a_slash_for_a_block)
{
    cr_expect_str_eq(read_text("10.0.0.0/8\n10.0.0.0/33\n300.0.0.0/8\n10.0.0/8\n192.0.2.1/a\n"),
                     "1 ipv4-addr 10.0.0.0/8\n2 R \"10.0.0.0/33\"\n3 R \"300.0.0.0/8\"\n4 R \"10.0.0/8\"\n"
                     "5 url http://192.0.2.1/a\n");
}

Test(plain, refuses_a_table_at_once)
{
    static const char hint[] = "looks like CSV: the first line should be type,value,... separated by commas";
    static const char *const tables[] = {"domain-name,bad.example\nx y\n", "\xef\xbb\xbftype;value\nurl;x y\n",
                                         "indicator,kind\nx y\n", "bad.example\tdomain-name\n", "\"type\",\"what\"\n"};
    struct feed feed = {.name = "own", .tlp = TLP_GREEN, .confidence = 70, .category = CATEGORY_UNDETERMINED};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct feed_sink sink = {.indicator = on_indicator, .warning = on_warning, .refused = on_warning};
        told_len = indicators = 0;
        format_plain.read(bytes_text(tables[i]), &feed, &sink);
        char expected[256];
        snprintf(expected, sizeof expected, "1 W %s\n", hint);
        cr_expect_str_eq(told, expected, "%s", tables[i]);
        cr_expect_eq(indicators, 0);
    }
    cr_expect_str_eq(read_text("http://bad.example/a,b;c\n"), "1 url http://bad.example/a,b;c\n");
}
