#include <criterion/criterion.h>

#include "base/idna.h"

/* NULL: the name has no A-label form. */
struct spelling {
    const char *name;
    const char *ascii;
};

static void check(const struct spelling *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[IDNA_NAME_MAX + 1] = "";
        size_t len = idna_ascii(bytes_text(cases[i].name), out);
        cr_expect_eq(len, cases[i].ascii ? strlen(cases[i].ascii) : 0, "%s: %s", cases[i].name, out);
        if (len && cases[i].ascii)
            cr_expect_str_eq(out, cases[i].ascii);
    }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof *(cases))

/* The first four are IANA's evaluation domains, "example.test" in eleven languages. */
Test(idna, writes_names_as_their_a_labels)
{
    static const struct spelling cases[] = {
        {"例え.テスト", "xn--r8jz45g.xn--zckzah"},
        {"пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"},
        {"παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"},
        {"مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"},
        {"ñandú.cl", "xn--and-6ma2c.cl"},
        {"münchen.de", "xn--mnchen-3ya.de"},
    };
    CHECK(cases);
}

Test(idna, maps_before_it_converts)
{
    static const struct spelling cases[] = {
        {"MÜNCHEN.DE", "xn--mnchen-3ya.de"},
        {"mu\xcc\x88nchen.de", "xn--mnchen-3ya.de"}, /* decomposed */
        {"例え。テスト", "xn--r8jz45g.xn--zckzah"},  /* ideographic full stop */
        {"ｅｘａｍｐｌｅ.com", "example.com"},       /* full width */
    };
    CHECK(cases);
}

/* UTS #46, table 1: IDNA2003 made them fass.de and xn--nxasmq6b.com. */
Test(idna, keeps_the_deviation_characters)
{
    static const struct spelling cases[] = {
        {"faß.de", "xn--fa-hia.de"},
        {"βόλος.com", "xn--nxasmm1c.com"},
    };
    CHECK(cases);
}

Test(idna, lowers_ascii_and_changes_nothing_else)
{
    static const struct spelling cases[] = {
        {"EXAMPLE.Com", "example.com"},
        {"_dmarc.Example", "_dmarc.example"},
        {"r3---sn-x.example", "r3---sn-x.example"},
        {"-a-.example", "-a-.example"},
        {"XN--MNCHEN-3YA.DE", "xn--mnchen-3ya.de"},
        {"xn--no-such-label", "xn--no-such-label"},
        {"a.b.", "a.b."},
    };
    CHECK(cases);
}

Test(idna, allows_an_underscore_beside_other_scripts)
{
    static const struct spelling cases[] = {{"_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"}};
    CHECK(cases);
}

Test(idna, refuses_what_has_no_a_label)
{
    static const struct spelling cases[] = {
        {"", NULL},
        {"\xff.com", NULL},
        {"b\xc3", NULL},
        {"-ü.de", NULL},
        {"\xd8\xa7"
         "a.com",
         NULL}, /* right-to-left with Latin: RFC 5893 */
    };
    CHECK(cases);
    char out[IDNA_NAME_MAX + 1];
    cr_expect_eq(idna_ascii(bytes_of("a\0b", 3), out), 0);
    cr_expect_eq(idna_ascii(bytes_of("\xc3\xbc\0b", 4), out), 0);
}

Test(idna, writes_no_more_than_it_has_room_for)
{
    char name[4096], out[IDNA_NAME_MAX + 1];
    memset(name, 'a', sizeof name);
    cr_expect_eq(idna_ascii(bytes_of(name, IDNA_NAME_MAX), out), IDNA_NAME_MAX);
    cr_expect_eq(out[IDNA_NAME_MAX], 0);
    cr_expect_eq(idna_ascii(bytes_of(name, IDNA_NAME_MAX + 1), out), 0);
    for (size_t i = 0; i + 3 <= sizeof name; i += 3)
        memcpy(name + i, "\xc3\xbc.", 3);
    for (size_t len = 3; len < sizeof name; len += 3)
        cr_expect_leq(idna_ascii(bytes_of(name, len), out), IDNA_NAME_MAX);
}
