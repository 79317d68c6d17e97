/*
 * The texts were made with zlib 1.2.13 and libbrotli 1.0.9: "abc", and three million times "a".
 */
#include "base/inflate.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/text.h"

static const struct {
    enum inflate_format format;
    const char *hex;
    enum inflate_verdict verdict;
    const char *text;
} cases[] = {
    {INFLATE_GZIP, "1f8b08000000000002034b4c4a0600c241243503000000", INFLATE_END, "abc"},
    {INFLATE_GZIP, "1f8b08000000000002034b4c4a0600c2412435030000", INFLATE_MORE, "abc"},
    {INFLATE_GZIP, "1f8b08000000000002034b4c4a0600c241243603000000", INFLATE_BAD, "abc"},
    {INFLATE_GZIP, "1f8b08000000000002034b4c4a0600c241243503000000ffff", INFLATE_END, "abc"},
    {INFLATE_GZIP, "1f8b08000000000002034b040043beb7e8010000001f8b08000000000002034b4a0600382ba9c202000000",
     INFLATE_END, "abc"},
    {INFLATE_GZIP, "616263", INFLATE_BAD, ""},
    {INFLATE_DEFLATE, "789c4b4c4a0600024d0127", INFLATE_END, "abc"},
    {INFLATE_DEFLATE, "4b4c4a0600", INFLATE_END, "abc"},
    {INFLATE_DEFLATE, "4b4c4a", INFLATE_MORE, "ab"},
    {INFLATE_BROTLI, "0b018061626303", INFLATE_END, "abc"},
    {INFLATE_BROTLI, "ffffffffff", INFLATE_BAD, ""},
};

/* All that comes out of `in`, given in pieces, through a room of `room` octets. */
static enum inflate_verdict run(struct inflate *z, struct bytes in, size_t piece, size_t room, char *out, size_t *len)
{
    enum inflate_verdict v = INFLATE_MORE;
    uint8_t some[64];
    *len = 0;
    for (; in.len && v != INFLATE_BAD; in = bytes_from(in, piece)) {
        struct bytes now = bytes_until(in, piece);
        do {
            size_t got;
            v = inflate_step(z, &now, some, room, &got);
            memcpy(out + *len, some, got);
            *len += got;
            cr_assert_lt(*len, 64);
        } while (v == INFLATE_FULL);
    }
    return v;
}

Test(inflate, undoes_texts_however_they_come)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t octets[128];
        struct bytes hex = bytes_text(cases[i].hex);
        cr_assert(text_hex(hex, octets));
        for (size_t piece = 1; piece <= hex.len / 2; piece++) {
            for (size_t room = 1; room < 8; room++) {
                char out[64];
                size_t len, held = 0;
                struct inflate *z = inflate_open(cases[i].format, (struct inflate_allowance){&held, 1 << 20});
                cr_assert(z && held > 0);
                enum inflate_verdict v = run(z, bytes_of(octets, hex.len / 2), piece, room, out, &len);
                cr_expect_eq(v, cases[i].verdict, "%zu in pieces of %zu: %d", i, piece, v);
                cr_expect(bytes_equal(bytes_of(out, len), bytes_text(cases[i].text)), "%zu in pieces of %zu: %.*s", i,
                          piece, (int)len, out);
                inflate_close(z);
                cr_expect_eq(held, 0);
            }
        }
    }
}

Test(inflate, takes_no_more_memory_than_is_allowed)
{
    static const uint8_t brotli[] = {0x9b, 0xbf, 0xc6, 0x2d, 0xf8, 0x25, 0xc2,
                                     0xe2, 0xb1, 0x40, 0x20, 0xcf, 0xb7, 0x05};
    unsigned refused = 0, whole = 0;
    for (size_t max = 0; max < 8 << 20; max += max / 8 + 1000) {
        size_t held = 0, len;
        uint8_t room[4096];
        struct bytes in = bytes_of(brotli, sizeof brotli);
        struct inflate *z = inflate_open(INFLATE_BROTLI, (struct inflate_allowance){&held, max});
        enum inflate_verdict v = z ? INFLATE_FULL : INFLATE_REFUSED;
        while (v == INFLATE_FULL) {
            v = inflate_step(z, &in, room, sizeof room, &len);
            cr_assert_leq(held, max);
        }
        refused += v == INFLATE_REFUSED;
        whole += v == INFLATE_END;
        inflate_close(z);
        cr_assert_eq(held, 0);
    }
    cr_expect(refused > 0 && whole > 0);
    size_t held = 0;
    cr_expect_null(inflate_open(INFLATE_GZIP, (struct inflate_allowance){&held, 1000}));
}
