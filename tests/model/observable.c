#include <criterion/criterion.h>
#include <stdio.h>

#include "model/observable.h"

enum { SHORT_MAX = 300 };

struct case_of {
    const char *text, *expected; /* "" where there is no such value */
};

typedef size_t canonical(struct bytes text, char *out);

static void expect_all(canonical *function, const struct case_of *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[OBSERVABLE_VALUE_MAX];
        size_t len = function(bytes_text(cases[i].text), out);
        cr_expect(bytes_equal(bytes_of(out, len), bytes_text(cases[i].expected)), "%s: expected %s, found %.*s",
                  cases[i].text, cases[i].expected, (int)len, out);
    }
}

#define EXPECT(function, cases) expect_all(function, cases, sizeof cases / sizeof *cases)

static const char *text_of(char octet, size_t len)
{
    static char text[4][8192];
    static int next;
    char *out = text[next++ & 3];
    memset(out, octet, len);
    out[len] = 0;
    return out;
}

/* Names */

Test(observable, writes_names_in_lower_case_without_trailing_dot)
{
    static const struct case_of cases[] = {
        {"Example.ORG", "example.org"},
        {"example.org.", "example.org"},
        {"localhost", "localhost"},
        {"_dmarc.Example.org", "_dmarc.example.org"},
        {"xn--Bcher-kva.example", "xn--bcher-kva.example"},
        {"123.example", "123.example"},
        {"1.2.3", "1.2.3"},
        {"1.2.3.4.example", "1.2.3.4.example"},
        {"4.3.2.1.in-addr.arpa", "4.3.2.1.in-addr.arpa"},
        {"1.2.3.256", "1.2.3.256"},
        {"a!b*c+d=e", "a!b*c+d=e"}, /* seen in DNS */
        {"-a-.-b-", "-a-.-b-"},
        {"192.0.2.1", ""},
        {"192.0.2.1.", ""},
        {"", ""},
        {".", ""},
        {"..", ""},
        {".a", ""},
        {"a..b", ""},
        {"a.b..", ""},
        {"a b", ""},
        {" a", ""},
        {"a\tb", ""},
        {"a\x7f", ""},
    };
    EXPECT(name_canonical, cases);
    char out[OBSERVABLE_VALUE_MAX];
    cr_expect_eq(name_canonical(bytes_of("a\0b", 3), out), 0);
}

/* RFC 1035, 2.3.4: 63 octets a label; 253 in text, which is 255 on the wire. */
Test(observable, bounds_names_and_labels)
{
    char name[SHORT_MAX], out[OBSERVABLE_VALUE_MAX];
    cr_expect_eq(name_canonical(bytes_text(text_of('a', 63)), out), 63);
    cr_expect_eq(name_canonical(bytes_text(text_of('a', 64)), out), 0);
    snprintf(name, sizeof name, "x.%s.y", text_of('a', 64));
    cr_expect_eq(name_canonical(bytes_text(name), out), 0);
    const char *label = text_of('a', 63);
    snprintf(name, sizeof name, "%s.%s.%s.%s", label, label, label, text_of('b', 61));
    cr_expect_eq(name_canonical(bytes_text(name), out), 253);
    snprintf(name, sizeof name, "%s.%s.%s.%s.", label, label, label, text_of('b', 61));
    cr_expect_eq(name_canonical(bytes_text(name), out), 253, "the dot at the end does not count");
    snprintf(name, sizeof name, "%s.%s.%s.%s", label, label, label, text_of('b', 62));
    cr_expect_eq(name_canonical(bytes_text(name), out), 0);
}

/* RFC 5892 and UTS #46 examples; A-labels as registries print them. */
Test(observable, writes_international_names_as_a_labels)
{
    static const struct case_of cases[] = {
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"B\xc3\x9c"
         "CHER.Example",
         "xn--bcher-kva.example"},
        {"fa\xc3\x9f.de", "xn--fa-hia.de"}, /* non-transitional: not fass.de */
        {"espa\xc3\xb1"
         "a.cl",
         "xn--espaa-rta.cl"},
        {"\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95", "xn--fsqu00a.xn--0zwm56d"},
        {"\xe4\xbe\x8b\xe5\xad\x90\xe3\x80\x82\xe6\xb5\x8b\xe8\xaf\x95",
         "xn--fsqu00a.xn--0zwm56d"}, /* ideographic stop */
        {"\xff\xfe.example", ""},
        {"\xc3\xbc x.example", ""},
    };
    EXPECT(name_canonical, cases);
}

/* URLs */

/* RFC 3986, 6.2.2 and 6.2.3, and the relative references of 5.4 merged with their base http://a/b/c/d;p?q. */
Test(observable, normalises_urls_as_rfc_3986_says)
{
    static const struct case_of cases[] = {
        {"HTTP://www.EXAMPLE.com/", "http://www.example.com/"},
        {"http://example.com", "http://example.com/"},
        {"http://example.com/", "http://example.com/"},
        {"http://example.com:/", "http://example.com/"},
        {"http://example.com:80/", "http://example.com/"},
        {"eXAMPLE://a/./b/../b/%63/%7bfoo%7d", "example://a/b/c/%7Bfoo%7D"},
        {"http://www.ietf.org/rfc/rfc2396.txt", "http://www.ietf.org/rfc/rfc2396.txt"},
        {"ftp://ftp.is.co.za/rfc/rfc1808.txt", "ftp://ftp.is.co.za/rfc/rfc1808.txt"},
        {"http://a/b/c/./g", "http://a/b/c/g"},
        {"http://a/b/c/g/", "http://a/b/c/g/"},
        {"http://a/b/c/d;p?y", "http://a/b/c/d;p?y"},
        {"http://a/b/c/g?y#s", "http://a/b/c/g?y"},
        {"http://a/b/c/.", "http://a/b/c/"},
        {"http://a/b/c/./", "http://a/b/c/"},
        {"http://a/b/c/..", "http://a/b/"},
        {"http://a/b/c/../", "http://a/b/"},
        {"http://a/b/c/../g", "http://a/b/g"},
        {"http://a/b/c/../..", "http://a/"},
        {"http://a/b/c/../../", "http://a/"},
        {"http://a/b/c/../../g", "http://a/g"},
        {"http://a/b/c/../../../g", "http://a/g"},
        {"http://a/b/c/../../../../g", "http://a/g"},
        {"http://a/./g", "http://a/g"},
        {"http://a/../g", "http://a/g"},
        {"http://a/b/c/g.", "http://a/b/c/g."},
        {"http://a/b/c/.g", "http://a/b/c/.g"},
        {"http://a/b/c/g..", "http://a/b/c/g.."},
        {"http://a/b/c/..g", "http://a/b/c/..g"},
        {"http://a/b/c/./../g", "http://a/b/g"},
        {"http://a/b/c/./g/.", "http://a/b/c/g/"},
        {"http://a/b/c/g/./h", "http://a/b/c/g/h"},
        {"http://a/b/c/g/../h", "http://a/b/c/h"},
        {"http://a/b/c/g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"http://a/b/c/g;x=1/../y", "http://a/b/c/y"},
        {"http://a/b/c/g?y/./x", "http://a/b/c/g?y/./x"},
        {"http://a/b/c/g#s/../x", "http://a/b/c/g"},
        {"http://a/a/b/c/./../../g", "http://a/a/g"}, /* 5.2.4 */
        {"http://a/mid/content=5/../6", "http://a/mid/6"},
    };
    EXPECT(url_canonical, cases);
}

Test(observable, normalises_urls_of_the_wild)
{
    static const struct case_of cases[] = {
        {"https://example.org:443/x", "https://example.org/x"},
        {"https://example.org:0443/x", "https://example.org/x"},
        {"ftp://example.org:21/x", "ftp://example.org/x"},
        {"https://example.org:80/", "https://example.org:80/"},
        {"http://example.org:8080", "http://example.org:8080/"},
        {"example.org", "http://example.org/"}, /* no scheme */
        {"example.org:8080/a", "http://example.org:8080/a"},
        {"//example.org/a", "http://example.org/a"},
        {"example.org?a=b", "http://example.org/?a=b"},
        {"http://example.org?u=http://x/../y", "http://example.org/?u=http://x/../y"},
        {"http://example.org#top", "http://example.org/"},
        {"http://example.org/a?#", "http://example.org/a?"},
        {"http://user:secret@example.org/", "http://example.org/"},
        {"http://good.example@bad.example/", "http://bad.example/"},
        {"http://a@b@bad.example/x@y", "http://bad.example/x@y"},
        {"http://EXAMPLE.org./A/b", "http://example.org/A/b"},
        {"http://ex%41mple.org/", "http://example.org/"},
        {"http://b\xc3\xbc"
         "cher.example/\xc3\xbc",
         "http://xn--bcher-kva.example/%C3%BC"},
        {"http://b%C3%BCcher.example/%c3%bc", "http://xn--bcher-kva.example/%C3%BC"},
        {"http://192.0.2.1/a", "http://192.0.2.1/a"},
        {"http://192.0.2.1:8080/a", "http://192.0.2.1:8080/a"},
        {"http://[2001:DB8:0:0::1]/a", "http://[2001:db8::1]/a"},
        {"http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080/"},
        {"http://[::ffff:192.0.2.1]/", "http://192.0.2.1/"},
        {"http://[64:ff9b::c000:201]/", "http://192.0.2.1/"},
        {"http://a/%2e%2E/%2e/b", "http://a/b"},
        {"http://a/x/.%2e/b", "http://a/b"},
        {"http://a//b///c", "http://a//b///c"},
        {"http://a/x//../b", "http://a/x/b"},
        {"http://a/%7Euser/%2f%3a", "http://a/~user/%2F%3A"},
        {"http://a/100%", "http://a/100%"},
        {"http://a/%zz%4", "http://a/%zz%4"},
        {"http://a/%", "http://a/%"},
        {"http://a/b c\td", "http://a/b%20c%09d"},
        {"http://a/?q=b c", "http://a/?q=b%20c"},
        {" http://a/b\r\n", "http://a/b"},
    };
    EXPECT(url_canonical, cases);
}

Test(observable, refuses_urls_without_a_host)
{
    static const struct case_of cases[] = {
        {"", ""},
        {"http://", ""},
        {"http:///path", ""},
        {"http://?q", ""},
        {"http://#f", ""},
        {"/path", ""},
        {"?", ""},
        {"http://:80/", ""},
        {"http://user@/", ""},
        {"http://example.org:65536/", ""},
        {"http://example.org:99999999999/", ""},
        {"http://example.org:http/", ""},
        {"http://a b/", ""},
        {"http://a%20b/", ""},
        {"http://a%2fb/", ""},
        {"http://a%00b/", ""},
        {"http://a..b/", ""},
        {"http://[::1/", ""},
        {"http://::1]/", ""},
        {"http://[::g]/", ""},
        {"http://[]/", ""},
        {"http://[192.0.2.1]/", ""},
        {"http://[fe80::1%25eth0]/", ""},
        {"http://2001:db8::1/", ""},
    };
    EXPECT(url_canonical, cases);
}

Test(observable, cuts_long_urls)
{
    static char url[3 * OBSERVABLE_VALUE_MAX];
    char out[OBSERVABLE_VALUE_MAX];
    snprintf(url, sizeof url, "http://example.org/%s", text_of('a', 2 * OBSERVABLE_VALUE_MAX));
    cr_expect_eq(url_canonical(bytes_text(url), out), OBSERVABLE_VALUE_MAX);
    cr_expect_eq(memcmp(out, url, OBSERVABLE_VALUE_MAX), 0);
}

/* Else a long detour would hide where the URL leads. */
Test(observable, resolves_dot_segments_behind_the_cut)
{
    static char url[5 * OBSERVABLE_VALUE_MAX];
    char out[OBSERVABLE_VALUE_MAX];
    const char *detour = text_of('a', OBSERVABLE_VALUE_MAX);
    snprintf(url, sizeof url, "http://example.org/x/%s/y/z/../../../evil", detour);
    size_t len = url_canonical(bytes_text(url), out);
    cr_expect(bytes_equal(bytes_of(out, len), bytes_text("http://example.org/x/evil")), "%.*s", (int)len, out);
    snprintf(url, sizeof url, "http://example.org/x/%s/%s/../../../evil", detour, detour);
    len = url_canonical(bytes_text(url), out);
    cr_expect(bytes_equal(bytes_of(out, len), bytes_text("http://example.org/evil")), "%.*s", (int)len, out);
}

Test(observable, finds_the_host_of_a_url)
{
    static const struct {
        const char *url, *host, *behind_scheme;
    } cases[] = {
        {"http://example.org/", "example.org", "example.org/"},
        {"https://example.org:8443/a:b", "example.org", "example.org:8443/a:b"},
        {"http://[2001:db8::1]/", "2001:db8::1", "[2001:db8::1]/"},
        {"http://[2001:db8::1]:81/", "2001:db8::1", "[2001:db8::1]:81/"},
        {"http://192.0.2.1:81/", "192.0.2.1", "192.0.2.1:81/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes url = bytes_text(cases[i].url);
        cr_expect(bytes_equal(url_host(url), bytes_text(cases[i].host)), "%s", cases[i].url);
        cr_expect(bytes_equal(url_without_scheme(url), bytes_text(cases[i].behind_scheme)), "%s", cases[i].url);
    }
}

/* Others */

Test(observable, writes_mail_addresses_in_lower_case)
{
    static const struct case_of cases[] = {
        {"User@Example.ORG", "user@example.org"},
        {"user+tag@example.org.", "user+tag@example.org"},
        {"\"a@b\"@example.org", "\"a@b\"@example.org"},
        {"user@b\xc3\xbc"
         "cher.example",
         "user@xn--bcher-kva.example"},
        {"@example.org", ""},
        {"user@", ""},
        {"user", ""},
        {"a b@example.org", ""},
        {"user@a b", ""},
        {"user@192.0.2.1", ""},
        {"", ""},
    };
    EXPECT(email_canonical, cases);
    char address[600], out[OBSERVABLE_VALUE_MAX];
    snprintf(address, sizeof address, "%s@x", text_of('l', 255));
    cr_expect_eq(email_canonical(bytes_text(address), out), 257);
    snprintf(address, sizeof address, "%s@x", text_of('l', 256));
    cr_expect_eq(email_canonical(bytes_text(address), out), 0);
}

#define MD5    "d41d8cd98f00b204e9800998ecf8427e"
#define SHA1   "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA512 SHA256 SHA256
#define JA4    "t13d1516h2_8daaf6152771_b186095e22b6"

Test(observable, writes_hashes_of_their_kinds_length_in_lower_case)
{
    static const struct {
        enum observable_type type;
        const char *text, *expected;
    } cases[] = {
        {OBSERVABLE_MD5, "D41D8CD98F00B204E9800998ECF8427E", MD5},
        {OBSERVABLE_MD5, " " MD5 "\n", MD5},
        {OBSERVABLE_SHA1, SHA1, SHA1},
        {OBSERVABLE_SHA256, SHA256, SHA256},
        {OBSERVABLE_SHA512, SHA512, SHA512},
        {OBSERVABLE_JA3, MD5, MD5},
        {OBSERVABLE_JA3S, MD5, MD5},
        {OBSERVABLE_HASSH, MD5, MD5},
        {OBSERVABLE_X509_SHA1, "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09", SHA1},
        {OBSERVABLE_X509_SHA256, SHA256, SHA256},
        {OBSERVABLE_JA4, "T13D1516H2_8DAAF6152771_B186095E22B6", JA4},
        {OBSERVABLE_JA4, "q13i0310h3_55b375c5d22e_cd85d2d88918", "q13i0310h3_55b375c5d22e_cd85d2d88918"},
        {OBSERVABLE_MD5, SHA1, ""},
        {OBSERVABLE_MD5, "", ""},
        {OBSERVABLE_MD5, "g41d8cd98f00b204e9800998ecf8427e", ""},
        {OBSERVABLE_MD5, "d4:1d", ""},
        {OBSERVABLE_SHA256, SHA1, ""},
        {OBSERVABLE_X509_SHA1, "DA-39-A3-EE-5E-6B-4B-0D-32-55-BF-EF-95-60-18-90-AF-D8-07-09", ""},
        {OBSERVABLE_JA4, MD5, ""},
        {OBSERVABLE_JA4, "x13d1516h2_8daaf6152771_b186095e22b6", ""},
        {OBSERVABLE_JA4, "t13d1516h2-8daaf6152771-b186095e22b6", ""},
        {OBSERVABLE_JA4, "t13d15 6h2_8daaf6152771_b186095e22b6", ""},
        {OBSERVABLE_DOMAIN_NAME, MD5, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[OBSERVABLE_VALUE_MAX];
        size_t len = hash_canonical(cases[i].type, bytes_text(cases[i].text), out);
        cr_expect(bytes_equal(bytes_of(out, len), bytes_text(cases[i].expected)), "%s: %.*s", cases[i].text, (int)len,
                  out);
    }
}

/* RFC 6052, 2.4: 64:ff9b::192.0.2.33 stands for 192.0.2.33. */
Test(observable, knows_nat64_addresses_as_the_ipv4_addresses_they_are)
{
    static const char *const cases[][2] = {
        {"64:ff9b::192.0.2.33", "192.0.2.33"}, {"::ffff:192.0.2.33", "192.0.2.33"},
        {"192.0.2.33", "192.0.2.33"},          {"64:ff9b:1::192.0.2.33", "64:ff9b:1::c000:221"},
        {"2001:db8::1", "2001:db8::1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a, b;
        cr_assert(address_read(bytes_text(cases[i][0]), &a));
        cr_assert(address_read(bytes_text(cases[i][1]), &b));
        a = address_canonical(&a);
        cr_expect(address_equal(&a, &b), "%s", cases[i][0]);
    }
}

/* What people write */

Test(observable, refangs)
{
    static const struct case_of cases[] = {
        {"evil[.]example", "evil.example"},
        {"evil(.)example", "evil.example"},
        {"evil{.}example", "evil.example"},
        {"evil[dot]example", "evil.example"},
        {"evil(DOT)example", "evil.example"},
        {"evil [dot] example", "evil . example"},
        {"evil dot example", "evil.example"},
        {"evil[ . ]example", "evil.example"},
        {"evil\\.example", "evil.example"},
        {"1[.]2[.]3[.]4", "1.2.3.4"},
        {"192.0.2[.]1:8080", "192.0.2.1:8080"},
        {"192.0.2[.]1[:]8080", "192.0.2.1:8080"},
        {"2001[:]db8[:][:]1", "2001:db8::1"},
        {"hxxp://evil[.]example/a", "http://evil.example/a"},
        {"hXXps://evil[.]example/a", "https://evil.example/a"},
        {"HXXP://evil.example", "HttP://evil.example"},
        {"hxxps[:]//evil[.]example", "https://evil.example"},
        {"hxxps[://]evil[.]example[/]a", "https://evil.example/a"},
        {"h**p://evil.example", "http://evil.example"},
        {"htxp://evil.example", "http://evil.example"},
        {"fxp://evil.example", "ftp://evil.example"},
        {"user[@]evil[.]example", "user@evil.example"},
        {"user(at)evil[dot]example", "user@evil.example"},
        {"[evil.example]", "evil.example"},
        {"<evil.example>", "evil.example"},
        {"\"evil.example\"", "evil.example"},
        {"'evil[.]example'", "evil.example"},
        {"`hxxp://evil[.]example/`", "http://evil.example/"},
        {"evil.example]", "evil.example"},
        {"(evil.example", "evil.example"},
        {"[evil[.]example]", "evil.example"},
        {"([ \"evil.example\" ])", "evil.example"},
        {"[2001:db8::1]:443", "[2001:db8::1]:443"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"http://[2001:db8::1]", "http://[2001:db8::1]"},
        {"http://evil.example/a(b)", "http://evil.example/a(b)"},
        {"http://evil.example/hxxp://x", "http://evil.example/hxxp://x"},
        {"xhttp://a", "xhttp://a"},
        {"http://a", "http://a"},
        {"hyyp://a", "hyyp://a"},
        {"hp://a", "hp://a"},
        {"", ""},
        {"[", "["},
        {"\\", "\\"},
        {"a[", "a["},
        {"[]", ""},
        {" \" ' ", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[SHORT_MAX];
        size_t len = observable_refang(bytes_text(cases[i].text), out);
        cr_expect_str_eq(out, cases[i].expected, "%s: %s", cases[i].text, out);
        cr_expect_eq(len, strlen(out));
    }
}

static const char *read_and_write(enum observable_type type, const char *text, struct observable *o, struct fail *why)
{
    static char out[OBSERVABLE_VALUE_MAX + 1];
    static char room[OBSERVABLE_VALUE_MAX];
    *why = (struct fail){0};
    if (!observable_read(type, bytes_text(text), room, o, why))
        return NULL;
    out[observable_write(o, out)] = 0;
    return out;
}

Test(observable, reads_what_people_write)
{
    static const struct {
        enum observable_type type;
        const char *text;
        enum observable_type becomes;
        const char *value;
    } cases[] = {
        {OBSERVABLE_IPV4_ADDR, "192[.]0.2.1", OBSERVABLE_IPV4_ADDR, "192.0.2.1"},
        {OBSERVABLE_IPV4_ADDR, "2001:DB8::1", OBSERVABLE_IPV6_ADDR, "2001:db8::1"},
        {OBSERVABLE_IPV6_ADDR, "192.0.2.1", OBSERVABLE_IPV4_ADDR, "192.0.2.1"},
        {OBSERVABLE_IPV6_ADDR, "::ffff:192.0.2.1", OBSERVABLE_IPV4_ADDR, "192.0.2.1"},
        {OBSERVABLE_IPV6_ADDR, "64:ff9b::192.0.2.1", OBSERVABLE_IPV4_ADDR, "192.0.2.1"},
        {OBSERVABLE_IP_PORT, "192.0.2.1:80", OBSERVABLE_IP_PORT, "192.0.2.1:80"},
        {OBSERVABLE_IP_PORT, "192.0.2[.]1[:]80", OBSERVABLE_IP_PORT, "192.0.2.1:80"},
        {OBSERVABLE_IP_PORT, "192.0.2.1|80", OBSERVABLE_IP_PORT, "192.0.2.1:80"},
        {OBSERVABLE_IP_PORT, "[2001:DB8::1]:443", OBSERVABLE_IP_PORT, "[2001:db8::1]:443"},
        {OBSERVABLE_IP_PORT, "2001:db8::1|443", OBSERVABLE_IP_PORT, "[2001:db8::1]:443"},
        {OBSERVABLE_DOMAIN_NAME, " Evil[.]Example. ", OBSERVABLE_DOMAIN_NAME, "evil.example"},
        {OBSERVABLE_URL, "hxxp://Evil[.]example:80", OBSERVABLE_URL, "http://evil.example/"},
        {OBSERVABLE_EMAIL_ADDR, "mailto:User[@]evil[.]example", OBSERVABLE_EMAIL_ADDR, "user@evil.example"},
        {OBSERVABLE_EMAIL_ADDR, "<user@evil.example>", OBSERVABLE_EMAIL_ADDR, "user@evil.example"},
        {OBSERVABLE_MD5, "D41D8CD98F00B204E9800998ECF8427E", OBSERVABLE_MD5, MD5},
        {OBSERVABLE_FILE_NAME, " In[.]voice (1).EXE ", OBSERVABLE_FILE_NAME, "In[.]voice (1).EXE"},
        {OBSERVABLE_USER_AGENT, " Evil/1.0 (x dot y) ", OBSERVABLE_USER_AGENT, "Evil/1.0 (x dot y)"},
        {OBSERVABLE_JA4, JA4, OBSERVABLE_JA4, JA4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct observable o;
        struct fail why;
        const char *value = read_and_write(cases[i].type, cases[i].text, &o, &why);
        cr_assert(value, "%s: %s", cases[i].text, why.text);
        cr_expect_str_eq(value, cases[i].value);
        cr_expect_eq(o.type, cases[i].becomes, "%s", cases[i].text);
    }
}

Test(observable, says_what_was_expected_in_place_of_what_it_refuses)
{
    static const struct {
        enum observable_type type;
        const char *text, *expected;
    } cases[] = {
        {OBSERVABLE_IPV4_ADDR, "192.0.2.1/24", "expected an IP address, found \"192.0.2.1/24\""},
        {OBSERVABLE_IPV4_ADDR, "192.0.2.256", "expected an IP address, found \"192.0.2.256\""},
        {OBSERVABLE_DOMAIN_NAME, "", "expected a host name, found \"\""},
        {OBSERVABLE_DOMAIN_NAME, "a b", "expected a host name, found \"a b\""},
        {OBSERVABLE_DOMAIN_NAME, "192.0.2.1", "expected a host name, found \"192.0.2.1\""},
        {OBSERVABLE_DOMAIN_NAME, "a.example/b", "expected a host name, found \"a.example/b\""},
        {OBSERVABLE_DOMAIN_NAME, "a.example:80", "expected a host name, found \"a.example:80\""},
        {OBSERVABLE_DOMAIN_NAME, "a@b.example", "expected a host name, found \"a@b.example\""},
        {OBSERVABLE_DOMAIN_NAME, "a.example,b.example", "expected a host name, found \"a.example,b.example\""},
        {OBSERVABLE_DOMAIN_NAME, "evil*.example", "expected a host name, found \"evil*.example\""},
        {OBSERVABLE_DOMAIN_NAME, "a\x01", "expected a host name, found \"a\\x01\""},
        {OBSERVABLE_URL, "http://", "expected a URL of at most 2048 octets with a host, found \"http://\""},
        {OBSERVABLE_URL, "server=/a.example/",
         "expected a URL of at most 2048 octets with a host, found \"server=/a.example/\""},
        {OBSERVABLE_EMAIL_ADDR, "user", "expected an e-mail address, found \"user\""},
        {OBSERVABLE_MD5, "abc", "expected 32 hex digits, found \"abc\""},
        {OBSERVABLE_USER_AGENT, "  ", "expected a text of 1 to 2048 octets, found \"  \""},
        {OBSERVABLE_IP_PORT, "192.0.2.1",
         "expected an IP address and a port (192.0.2.1:80, [2001:db8::1]:80), found \"192.0.2.1\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct observable o;
        struct fail why;
        cr_expect_null(read_and_write(cases[i].type, cases[i].text, &o, &why), "%s", cases[i].text);
        cr_expect_str_eq(why.text, cases[i].expected);
    }
    static const char *const no_endpoints[] = {"192.0.2.1:0",     "192.0.2.1:65536",
                                               "2001:db8::1:443", "example.org:80",
                                               "192.0.2.1:",      ":80",
                                               "[192.0.2.1]80",   "|80",
                                               "192.0.2.1|",      "[]:80"};
    for (size_t i = 0; i < sizeof no_endpoints / sizeof *no_endpoints; i++) {
        struct observable o;
        struct fail why;
        cr_expect_null(read_and_write(OBSERVABLE_IP_PORT, no_endpoints[i], &o, &why), "%s", no_endpoints[i]);
    }
}

Test(observable, refuses_texts_beyond_its_bounds)
{
    static char url[8192];
    struct observable o;
    struct fail why;
    snprintf(url, sizeof url, "http://x/%s", text_of('a', OBSERVABLE_VALUE_MAX - 9));
    cr_expect(read_and_write(OBSERVABLE_URL, url, &o, &why));
    snprintf(url, sizeof url, "http://x/%s", text_of('a', OBSERVABLE_VALUE_MAX - 8));
    cr_expect_null(read_and_write(OBSERVABLE_URL, url, &o, &why), "a written URL is not cut");
    cr_expect(read_and_write(OBSERVABLE_USER_AGENT, text_of('a', OBSERVABLE_VALUE_MAX), &o, &why));
    cr_expect_null(read_and_write(OBSERVABLE_USER_AGENT, text_of('a', OBSERVABLE_VALUE_MAX + 1), &o, &why));

    static char endless[1 << 20];
    char room[OBSERVABLE_VALUE_MAX];
    memset(endless, '[', sizeof endless);
    for (int type = 0; type < OBSERVABLE_TYPES; type++)
        cr_expect_not(observable_read((enum observable_type)type, bytes_of(endless, sizeof endless), room, &o, &why));
    cr_expect_eq(observable_guess(bytes_of(endless, sizeof endless)), OBSERVABLE_DOMAIN_NAME);
}

Test(observable, guesses_the_type)
{
    static const struct {
        const char *text;
        enum observable_type type;
    } cases[] = {
        {"192.0.2.1", OBSERVABLE_IPV4_ADDR},
        {"192.0.2.0/24", OBSERVABLE_IPV4_ADDR},
        {"192[.]0[.]2[.]1", OBSERVABLE_IPV4_ADDR},
        {"2001:db8::1", OBSERVABLE_IPV6_ADDR},
        {"2001:db8::/32", OBSERVABLE_IPV6_ADDR},
        {"::/0", OBSERVABLE_IPV6_ADDR},
        {"192.0.2.1:80", OBSERVABLE_IP_PORT},
        {"[2001:db8::1]:80", OBSERVABLE_IP_PORT},
        {"evil.example", OBSERVABLE_DOMAIN_NAME},
        {"=evil.example", OBSERVABLE_DOMAIN_NAME},
        {"*.evil.example", OBSERVABLE_DOMAIN_NAME},
        {"evil dot example", OBSERVABLE_DOMAIN_NAME},
        {"hxxp://evil.example", OBSERVABLE_URL},
        {"=http://evil.example", OBSERVABLE_URL},
        {"evil.example/a", OBSERVABLE_URL},
        {"evil.example?a", OBSERVABLE_URL},
        {"192.0.2.1/a", OBSERVABLE_URL},
        {"192.0.2.1:80/a", OBSERVABLE_URL},
        {"evil.example:8080", OBSERVABLE_URL},
        {"http://user@evil.example/", OBSERVABLE_URL},
        {"user@evil.example", OBSERVABLE_EMAIL_ADDR},
        {MD5, OBSERVABLE_MD5},
        {SHA1, OBSERVABLE_SHA1},
        {SHA256, OBSERVABLE_SHA256},
        {SHA512, OBSERVABLE_SHA512},
        {JA4, OBSERVABLE_JA4},
        {"d41d8cd98f00b204e9800998ecf8427", OBSERVABLE_DOMAIN_NAME},
        {"", OBSERVABLE_DOMAIN_NAME},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(observable_guess(bytes_text(cases[i].text)), cases[i].type, "%s: %s", cases[i].text,
                     observable_type_name(observable_guess(bytes_text(cases[i].text))));
}

Test(observable, reads_every_name_that_it_gives)
{
    for (int i = 0; i < OBSERVABLE_TYPES; i++) {
        enum observable_type type;
        cr_assert(observable_type_read(bytes_text(observable_type_name((enum observable_type)i)), &type));
        cr_expect_eq(type, (enum observable_type)i);
    }
    for (int i = 0; i <= WHERE_ANY; i++) {
        enum where where;
        cr_assert(where_read(bytes_text(where_name((enum where)i)), &where));
        cr_expect_eq(where, (enum where)i);
    }
    cr_expect(observable_type_read(bytes_text(" Domain-Name"), &(enum observable_type){0}));
    cr_expect_not(observable_type_read(bytes_text("domain"), &(enum observable_type){0}));
    cr_expect_not(observable_type_read(bytes_text(""), &(enum observable_type){0}));
    cr_expect_not(where_read(bytes_text("tls"), &(enum where){0}));
}

Test(observable, writes_contents_as_snort_does)
{
    static const struct {
        struct bytes value;
        const char *expected;
    } cases[] = {
        {{(const uint8_t *)"GET /", 5}, "GET /"},
        {{(const uint8_t *)"\x00\xff", 2}, "|00 ff|"},
        {{(const uint8_t *)"a\r\nb", 4}, "a|0d 0a|b"},
        {{(const uint8_t *)"|\"\\;", 4}, "|7c 22 5c 3b|"},
        {{(const uint8_t *)"", 0}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[OBSERVABLE_VALUE_MAX + 1];
        struct observable o = {.type = OBSERVABLE_CONTENT, .value = cases[i].value};
        out[observable_write(&o, out)] = 0;
        cr_expect_str_eq(out, cases[i].expected);
    }
    char zeros[OBSERVABLE_VALUE_MAX] = {0}, out[OBSERVABLE_VALUE_MAX];
    struct observable o = {.type = OBSERVABLE_CONTENT, .value = bytes_of(zeros, sizeof zeros)};
    size_t len = observable_write(&o, out);
    cr_expect(len > OBSERVABLE_VALUE_MAX - 8 && len <= OBSERVABLE_VALUE_MAX);
    cr_expect_eq(out[len - 1], '|');
}
