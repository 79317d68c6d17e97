#include <criterion/criterion.h>

#include "base/bytes.h"

Test(bytes, cuts_stay_inside_the_view)
{
    struct bytes b = bytes_text("abcdef");
    cr_expect(bytes_equal(bytes_from(b, 2), bytes_text("cdef")));
    cr_expect(bytes_equal(bytes_until(b, 2), bytes_text("ab")));
    cr_expect_eq(bytes_from(b, 6).len, 0);
    cr_expect_eq(bytes_from(b, SIZE_MAX).len, 0);
    cr_expect_eq(bytes_from(b, SIZE_MAX).at, b.at + 6);
    cr_expect_eq(bytes_until(b, SIZE_MAX).len, 6);
}

Test(bytes, compares_octets_with_their_number)
{
    cr_expect(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0b", 3)));
    cr_expect_not(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
    cr_expect_not(bytes_equal(bytes_text("ab"), bytes_text("abc")));
    cr_expect(bytes_equal(bytes_of(NULL, 0), bytes_text("")));
    cr_expect(bytes_start_with(bytes_text("abc"), "ab"));
    cr_expect(bytes_start_with(bytes_text("abc"), ""));
    cr_expect_not(bytes_start_with(bytes_text("ab"), "abc"));
}

Test(bytes, likens_ascii_letters_only)
{
    cr_expect(bytes_alike(bytes_text("TLP:Red"), "tlp:rED"));
    cr_expect_not(bytes_alike(bytes_text("["), "{"));
    cr_expect_not(bytes_alike(bytes_text("@"), "`"));
    cr_expect_not(bytes_alike(bytes_text("\xc3\x89"), "\xc3\xa9"));
    cr_expect_not(bytes_alike(bytes_text("ab"), "abc"));
    for (int octet = 0; octet < 256; octet++)
        cr_expect_eq(bytes_lower((uint8_t)octet), octet >= 'A' && octet <= 'Z' ? octet + 32 : octet, "%d", octet);
}

Test(bytes, finds_the_first_of_an_octet)
{
    cr_expect_eq(bytes_find(bytes_text("a.b.c"), '.'), 1);
    cr_expect_eq(bytes_find(bytes_text("abc"), '.'), 3);
    cr_expect_eq(bytes_find(bytes_of(NULL, 0), '.'), 0);
}

Test(bytes, trims_blanks_at_both_ends)
{
    cr_expect(bytes_equal(bytes_trim(bytes_text(" \t\r\n a b \v\f\r\n")), bytes_text("a b")));
    cr_expect(bytes_equal(bytes_trim(bytes_text("a")), bytes_text("a")));
    cr_expect_eq(bytes_trim(bytes_text(" \n ")).len, 0);
    cr_expect_eq(bytes_trim(bytes_of("\xa0", 1)).len, 1);
}

Test(cursor, reads_network_byte_order)
{
    struct cursor c = cursor_of(bytes_of("\x01\x02\x03\x04\x05\x06\xff\xfe\xfd\xfc", 10));
    cr_expect_eq(cursor_u8(&c), 0x01);
    cr_expect_eq(cursor_u16(&c), 0x0203);
    cr_expect_eq(cursor_u24(&c), 0x040506);
    cr_expect_eq(cursor_u32(&c), 0xfffefdfcu);
    cr_expect_eq(cursor_left(&c), 0);
    cr_expect_not(c.overrun, "the last octet is no overrun");
}

Test(cursor, reads_the_byte_order_of_a_file)
{
    struct cursor c = cursor_of(bytes_of("\x01\x02\x01\x02\x01\x02\x03\x04\x01\x02\x03\x04", 12));
    cr_expect_eq(cursor_u16_of(&c, true), 0x0102);
    cr_expect_eq(cursor_u16_of(&c, false), 0x0201);
    cr_expect_eq(cursor_u32_of(&c, true), 0x01020304u);
    cr_expect_eq(cursor_u32_of(&c, false), 0x04030201u);
}

Test(cursor, the_first_overrun_sticks)
{
    struct cursor c = cursor_of(bytes_of("\x01\x02\x03", 3));
    cr_expect_eq(cursor_u8(&c), 1);
    cr_expect_eq(cursor_u32(&c), 0);
    cr_expect(c.overrun);
    cr_expect_eq(cursor_left(&c), 0, "no later, smaller read gives what the large one left");
    cr_expect_eq(cursor_u8(&c), 0);
    cr_expect_eq(cursor_take(&c, 1).len, 0);
    cr_expect(c.overrun);
}

Test(cursor, a_length_from_a_stranger_cannot_wrap_around)
{
    struct cursor c = cursor_of(bytes_text("abc"));
    cursor_skip(&c, SIZE_MAX);
    cr_expect(c.overrun);
    cr_expect_eq(cursor_left(&c), 0);
}

Test(cursor, a_child_sees_its_part_and_no_more)
{
    struct cursor c = cursor_of(bytes_text("abcdef"));
    struct cursor child = cursor_child(&c, 2);
    cr_expect(bytes_equal(cursor_rest(&child), bytes_text("ab")));
    cr_expect(bytes_equal(cursor_rest(&c), bytes_text("cdef")));
    cursor_skip(&child, 3);
    cr_expect(child.overrun);
    cr_expect_not(c.overrun, "a child's overrun is its own");
    cr_expect(bytes_equal(cursor_take(&c, 4), bytes_text("cdef")));
}

Test(cursor, a_child_of_an_overrun_has_overrun)
{
    struct cursor c = cursor_of(bytes_text("abc"));
    struct cursor child = cursor_child(&c, 4);
    cr_expect(c.overrun && child.overrun);
    cr_expect_eq(cursor_left(&child), 0);
    struct cursor later = cursor_child(&c, 0);
    cr_expect(later.overrun);
}
