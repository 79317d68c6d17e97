#include "base/prefix.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* inet_pton is the reader here, so that the test stands without ours. */
static struct block block_of(const char *text)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%s", text);
    char *slash = strchr(copy, '/');
    if (slash)
        *slash = 0;
    struct block b = {0};
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        b.address = address_v4((const uint8_t *)&v4);
        b.bits = (uint8_t)(slash ? ADDRESS_V4_BITS + atoi(slash + 1) : 128);
    } else {
        cr_assert_eq(inet_pton(AF_INET6, copy, &v6), 1, "%s", text);
        b.address = address_v6((const uint8_t *)&v6);
        b.bits = (uint8_t)(slash ? atoi(slash + 1) : 128);
    }
    return b;
}

static const char *const blocks[] = {
    "10.0.0.0/8",   "10.1.0.0/16",     "10.1.2.0/24",   "10.1.2.3",        "0.0.0.0/0",
    "192.0.2.0/25", "10.1.2.0/24",     "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::5",
    "fe80::/10",    "255.255.255.255", "128.0.0.0/1",   "2001:db8::/127",
};

static const struct {
    const char *address;
    const char *covering[8]; /* the longest first */
} covers[] = {
    {"10.1.2.3", {"10.1.2.3", "10.1.2.0/24", "10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0"}},
    {"10.1.2.4", {"10.1.2.0/24", "10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0"}},
    {"10.200.0.1", {"10.0.0.0/8", "0.0.0.0/0"}}, /* the /8 begins 200 slices earlier */
    {"10.255.255.255", {"10.0.0.0/8", "0.0.0.0/0"}},
    {"11.0.0.0", {"0.0.0.0/0"}},
    {"192.0.2.127", {"192.0.2.0/25", "128.0.0.0/1", "0.0.0.0/0"}},
    {"192.0.2.128", {"128.0.0.0/1", "0.0.0.0/0"}},
    {"255.255.255.255", {"255.255.255.255", "128.0.0.0/1", "0.0.0.0/0"}},
    {"2001:db8:1::5", {"2001:db8:1::5", "2001:db8:1::/48", "2001:db8::/32"}},
    {"2001:db8:1::6", {"2001:db8:1::/48", "2001:db8::/32"}},
    {"2001:db8::1", {"2001:db8::/127", "2001:db8::/32"}},
    {"2001:db9::", {0}},
    {"febf:ffff::", {"fe80::/10"}},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", {0}},
    {"::", {0}},
};

Test(prefix, gives_all_covering_blocks_from_narrow_to_wide)
{
    enum { COUNT = sizeof blocks / sizeof blocks[0] };
    struct block all[COUNT];
    uint32_t values[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        all[i] = block_of(blocks[i]);
        values[i] = i;
    }
    struct prefix p;
    prefix_build(&p, all, values, COUNT);
    cr_assert_eq(p.count, COUNT - 1, "10.1.2.0/24 stands there twice");
    for (size_t i = 0; i < sizeof covers / sizeof covers[0]; i++) {
        struct address a = block_of(covers[i].address).address;
        const char *const *expected = covers[i].covering;
        for (uint32_t e = prefix_find(&p, &a); e != PREFIX_NONE; e = prefix_wider(&p, e), expected++) {
            cr_assert(*expected, "%s: one too many: %s", covers[i].address, blocks[prefix_value(&p, e)]);
            cr_assert_str_eq(blocks[prefix_value(&p, e)], *expected, "%s", covers[i].address);
            cr_assert_neq(prefix_value(&p, e), 6, "of equal blocks the first one's value stays");
        }
        cr_assert_null(*expected, "%s: not found: %s", covers[i].address, *expected);
    }
    prefix_free(&p);
}

Test(prefix, of_nothing_covers_nothing)
{
    struct prefix p;
    prefix_build(&p, NULL, NULL, 0);
    struct address a = block_of("192.0.2.1").address;
    cr_assert_eq(prefix_find(&p, &a), PREFIX_NONE);
    prefix_free(&p);
}

Test(prefix, of_ipv6_alone_answers_for_ipv4)
{
    struct block all[] = {block_of("2001:db8::/32"), block_of("::/0"), block_of("::1")};
    uint32_t values[] = {1, 2, 3};
    struct prefix p;
    prefix_build(&p, all, values, 3);
    struct address v4 = block_of("192.0.2.1").address, v6 = block_of("2001:db8::9").address;
    cr_assert_eq(prefix_value(&p, prefix_find(&p, &v4)), 2);
    cr_assert_eq(prefix_value(&p, prefix_find(&p, &v6)), 1);
    prefix_free(&p);
}

static void mask(struct block *b)
{
    for (unsigned bit = b->bits; bit < 128; bit++)
        b->address.octet[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static bool inside(const struct block *b, const struct address *a)
{
    for (unsigned bit = 0; bit < b->bits; bit++)
        if ((b->address.octet[bit / 8] ^ a->octet[bit / 8]) & 0x80 >> bit % 8)
            return false;
    return true;
}

/* Of three possible values an octet, so that blocks nest deeply and addresses fall inside; half are IPv4. */
static struct address random_address(void)
{
    static const uint8_t octets[] = {0x00, 0x0a, 0xff};
    struct address a;
    for (int i = 0; i < 16; i++)
        a.octet[i] = octets[random() % 3];
    return random() % 2 ? address_v4(a.octet) : a;
}

Test(prefix, agrees_with_trying_every_block)
{
    enum { COUNT = 700, ADDRESSES = 3000 };
    static struct block all[COUNT];
    static uint32_t values[COUNT];
    for (unsigned seed = 1; seed <= 5; seed++) {
        srandom(seed);
        for (uint32_t i = 0; i < COUNT; i++) {
            all[i] = (struct block){.address = random_address()};
            bool v4 = address_is_v4(&all[i].address) && random() % 8;
            all[i].bits = (uint8_t)(v4 ? ADDRESS_V4_BITS + random() % 33 : random() % 129);
            mask(&all[i]);
            values[i] = i;
        }
        struct prefix p;
        prefix_build(&p, all, values, COUNT);
        for (int n = 0; n < ADDRESSES; n++) {
            struct address a = n % 3 ? random_address() : all[random() % COUNT].address;
            uint32_t first_of[129]; /* by length: the first block given that covers `a` */
            memset(first_of, 0xff, sizeof first_of);
            for (uint32_t i = COUNT; i-- > 0;)
                if (inside(&all[i], &a))
                    first_of[all[i].bits] = i;
            uint32_t e = prefix_find(&p, &a);
            for (int bits = 128; bits >= 0; bits--) {
                if (first_of[bits] == UINT32_MAX)
                    continue;
                cr_assert_neq(e, PREFIX_NONE, "seed %u: a block of %d bits was missed", seed, bits);
                cr_assert_eq(prefix_value(&p, e), first_of[bits]);
                e = prefix_wider(&p, e);
            }
            cr_assert_eq(e, PREFIX_NONE);
        }
        prefix_free(&p);
    }
}
