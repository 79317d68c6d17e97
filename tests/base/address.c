#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/address.h"

/* From text to the text it is written as; NULL: refused. */
struct spelling {
    const char *text;
    const char *written;
};

static void check_addresses(const struct spelling *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct address a;
        char out[ADDRESS_TEXT_MAX];
        bool read = address_read(bytes_text(cases[i].text), &a);
        cr_expect_eq(read, cases[i].written != NULL, "%s", cases[i].text);
        if (!read || !cases[i].written)
            continue;
        size_t len = address_write(&a, out);
        cr_expect_str_eq(out, cases[i].written);
        cr_expect_eq(len, strlen(out));
    }
}

#define CHECK_ADDRESSES(cases) check_addresses(cases, sizeof(cases) / sizeof *(cases))

Test(address, reads_and_writes_dotted_quads)
{
    static const struct spelling cases[] = {
        {"192.0.2.7", "192.0.2.7"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"10.20.109.100", "10.20.109.100"},
        {"", NULL},
        {"1", NULL},
        {"1.2.3", NULL},
        {"1.2.3.", NULL},
        {"1.2.3.4.", NULL},
        {"1.2.3.4.5", NULL},
        {".1.2.3.4", NULL},
        {"1..2.3", NULL},
        {"256.0.0.1", NULL},
        {"1.2.3.256", NULL},
        {"1.2.3.0004", NULL},
        {"01.2.3.4", NULL},
        {"1.2.3.04", NULL},
        {"00.0.0.0", NULL},
        {" 1.2.3.4", NULL},
        {"1.2.3.4 ", NULL},
        {"+1.2.3.4", NULL},
        {"0x7f.0.0.1", NULL},
        {"1.2.3.a", NULL},
        {"4294967297.0.0.1", NULL},
    };
    CHECK_ADDRESSES(cases);
}

/* RFC 5952, 1, 2, 4 and 5: each of the ways there to write an address, and the one recommended. */
Test(address, writes_ipv6_as_rfc_5952_recommends)
{
    static const struct spelling cases[] = {
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8:0:0:1::1", "2001:db8::1:0:0:1"},
        {"2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"},
        {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"},
        {"2001:db8:aaaa:bbbb:cccc:dddd::1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"},
        {"2001:db8:0:0:0::1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"::", "::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"1:0:0:0:0:0:0:0", "1::"},
        {"ff02::2", "ff02::2"},
        {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"},
    };
    CHECK_ADDRESSES(cases);
}

Test(address, takes_ipv4_mapped_text_as_ipv4)
{
    static const struct spelling cases[] = {
        {"::ffff:192.0.2.128", "192.0.2.128"},
        {"::FFFF:c000:0280", "192.0.2.128"},
        {"0000:0000:0000:0000:0000:ffff:192.168.100.228", "192.168.100.228"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"}, /* NAT64 is not the ground's affair */
        {"::192.0.2.33", "::c000:221"},               /* deprecated: no special form */
    };
    CHECK_ADDRESSES(cases);
}

Test(address, refuses_what_is_no_ipv6_text)
{
    static const struct spelling cases[] = {
        {":", NULL},
        {":::", NULL},
        {"1::2::3", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"12345::", NULL},
        {"g::", NULL},
        {"fe80::1%eth0", NULL},
        {"[2001:db8::1]", NULL},
        {"2001:db8::1 ", NULL},
        {" ::1", NULL},
        {"::1.2.3", NULL},
        {"::1.2.3.256", NULL},
        {"::/0", NULL},
        {"0000:0000:0000:0000:0000:ffff:192.168.100.2281", NULL},
        {"00000000000000000000000000000000000000000000000000000000000000:", NULL},
    };
    CHECK_ADDRESSES(cases);
}

Test(address, sees_nothing_behind_its_view)
{
    struct address a;
    cr_assert(address_read(bytes_of("1.2.3.45", 7), &a));
    cr_expect_eq(a.octet[15], 4);
    cr_expect_not(address_read(bytes_of("1.2.3.4\0", 8), &a));
    cr_expect_not(address_read(bytes_of("::1\0", 4), &a));
    cr_expect_not(address_read(bytes_of(NULL, 0), &a));
}

/* libc as the oracle. It writes IPv4-compatible and IPv4-mapped addresses in mixed form, which we do not. */
Test(address, writes_and_reads_as_libc_does)
{
    srand(5952);
    for (int i = 0; i < 200000; i++) {
        struct address a, back;
        char ours[ADDRESS_TEXT_MAX], libc[INET6_ADDRSTRLEN];
        for (int k = 0; k < 16; k += 2) {
            int kind = rand() % 4; /* many zeros, small and large groups */
            a.octet[k] = (uint8_t)(kind < 3 ? 0 : rand());
            a.octet[k + 1] = (uint8_t)(kind < 2 ? 0 : rand());
        }
        a.octet[0] |= 1;
        address_write(&a, ours);
        inet_ntop(AF_INET6, a.octet, libc, sizeof libc);
        cr_assert_str_eq(ours, libc);
        cr_assert(address_read(bytes_text(ours), &back) && address_equal(&a, &back), "%s", ours);
    }
    for (int i = 0; i < 200000; i++) {
        uint8_t octet[4] = {(uint8_t)rand(), (uint8_t)rand(), (uint8_t)(rand() % 12), (uint8_t)(rand() % 102)};
        struct address a = address_v4(octet), back;
        char ours[ADDRESS_TEXT_MAX], libc[INET_ADDRSTRLEN];
        address_write(&a, ours);
        inet_ntop(AF_INET, octet, libc, sizeof libc);
        cr_assert_str_eq(ours, libc);
        cr_assert(address_read(bytes_text(ours), &back) && address_equal(&a, &back), "%s", ours);
    }
}

/* Strings made of an address's own characters: read exactly when libc reads them. */
Test(address, refuses_exactly_what_libc_refuses)
{
    static const char letters[] = "0123459.....::::afF2";
    srand(4291);
    unsigned good = 0;
    for (int i = 0; i < 1000000; i++) {
        char text[24];
        int len = rand() % 12;
        for (int k = 0; k < len; k++)
            text[k] = letters[rand() % (int)(sizeof letters - 1)];
        text[len] = 0;
        struct address a;
        uint8_t libc[16];
        bool v4 = inet_pton(AF_INET, text, libc) == 1, v6 = !v4 && inet_pton(AF_INET6, text, libc) == 1;
        bool read = address_read(bytes_text(text), &a);
        cr_assert_eq(read, v4 || v6, "%s", text);
        if (v6)
            cr_assert_arr_eq(a.octet, libc, 16);
        if (v4)
            cr_assert(address_is_v4(&a) && memcmp(a.octet + 12, libc, 4) == 0, "%s", text);
        good += read;
    }
    cr_expect_gt(good, 100, "the test reads something");
}

Test(address, reads_blocks_and_masks_their_host_bits)
{
    static const struct {
        const char *text;
        const char *written; /* NULL: refused */
        uint8_t bits;
        bool masked;
    } cases[] = {
        {"192.0.2.0/24", "192.0.2.0/24", 120, false},
        {"192.0.2.7/24", "192.0.2.0/24", 120, true},
        {"192.0.2.7/32", "192.0.2.7", 128, false},
        {"192.0.2.7", "192.0.2.7", 128, false},
        {"192.0.2.255/31", "192.0.2.254/31", 127, true},
        {"172.31.0.0/12", "172.16.0.0/12", 108, true},
        {"0.0.0.0/0", "0.0.0.0/0", 96, false},
        {"255.255.255.255/0", "0.0.0.0/0", 96, true},
        {"2001:db8::/32", "2001:db8::/32", 32, false},
        {"2001:db8::1/32", "2001:db8::/32", 32, true},
        {"2001:db8::/29", "2001:db8::/29", 29, false},
        {"2001:dbf:ffff::/29", "2001:db8::/29", 29, true},
        {"2001:db8::1/128", "2001:db8::1", 128, false},
        {"::/0", "::/0", 0, false},
        {"::ffff:192.0.2.0/120", "192.0.2.0/24", 120, false},
        {"::ffff:0:0/96", "0.0.0.0/0", 96, false},
        {"::ffff:0:0/95", "::fffe:0:0/95", 95, true},
        {"10.0.0.0/33", NULL, 0, false},
        {"2001:db8::/129", NULL, 0, false},
        {"10.0.0.0/", NULL, 0, false},
        {"10.0.0.0/-1", NULL, 0, false},
        {"10.0.0.0/8 ", NULL, 0, false},
        {"10.0.0.0/8/8", NULL, 0, false},
        {"10.0.0.0/18446744073709551624", NULL, 0, false},
        {"10.0.0.0/255.0.0.0", NULL, 0, false},
        {"10.0.0/8", NULL, 0, false},
        {"/8", NULL, 0, false},
        {"", NULL, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct block b;
        bool masked = !cases[i].masked;
        char out[ADDRESS_TEXT_MAX];
        bool read = block_read(bytes_text(cases[i].text), &b, &masked);
        cr_expect_eq(read, cases[i].written != NULL, "%s", cases[i].text);
        if (!read || !cases[i].written)
            continue;
        cr_expect_eq(b.bits, cases[i].bits, "%s", cases[i].text);
        cr_expect_eq(masked, cases[i].masked, "%s", cases[i].text);
        cr_expect_eq(block_write(&b, out), strlen(cases[i].written), "%s", cases[i].text);
        cr_expect_str_eq(out, cases[i].written);
    }
}

Test(address, a_block_covers_its_first_and_last_address_and_not_their_neighbours)
{
    static const struct {
        const char *block, *before, *first, *last, *behind;
    } cases[] = {
        {"192.0.2.0/24", "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
        {"172.16.0.0/12", "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
        {"10.0.0.0/31", "9.255.255.255", "10.0.0.0", "10.0.0.1", "10.0.0.2"},
        {"10.0.0.9/32", "10.0.0.8", "10.0.0.9", "10.0.0.9", "10.0.0.10"},
        {"0.0.0.0/0", "::fffe:ffff:ffff", "0.0.0.0", "255.255.255.255", "::1:0:0:0"},
        {"2001:db8::/29", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
         "2001:db8::", "2001:dbf:ffff:ffff:ffff:ffff:ffff:ffff", "2001:dc0::"},
        {"2001:db8::8/127", "2001:db8::7", "2001:db8::8", "2001:db8::9", "2001:db8::a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *texts[] = {cases[i].before, cases[i].first, cases[i].last, cases[i].behind};
        struct block b;
        bool masked;
        cr_assert(block_read(bytes_text(cases[i].block), &b, &masked));
        for (int k = 0; k < 4; k++) {
            struct address a;
            cr_assert(address_read(bytes_text(texts[k]), &a), "%s", texts[k]);
            cr_expect_eq(block_covers(&b, &a), k == 1 || k == 2, "%s in %s", texts[k], cases[i].block);
        }
    }
}

Test(address, the_longest_text_fits)
{
    struct block b = {.bits = 127};
    char out[ADDRESS_TEXT_MAX];
    memset(b.address.octet, 0xff, 16);
    b.address.octet[15] = 0xfe;
    cr_expect_eq(block_write(&b, out), strlen("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"));
}
