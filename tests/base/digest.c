#include <criterion/criterion.h>

#include "base/digest.h"
#include "base/text.h"

/* FIPS 180-1, appendices A and B; RFC 3174, 7.3. */
Test(digest, sha1_of_the_standards_messages)
{
    static const struct {
        const char *message;
        const char *digest;
    } cases[] = {
        {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[DIGEST_SHA1_BYTES];
        char hex[2 * DIGEST_SHA1_BYTES + 1];
        digest_sha1(bytes_text(cases[i].message), out);
        text_hex_write(bytes_of(out, sizeof out), hex);
        cr_expect_str_eq(hex, cases[i].digest);
    }
}

/* RFC 4648, 10 and 9. */
Test(digest, base64_of_the_rfc)
{
    static const struct {
        const char *octets;
        const char *base64;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\x14\xfb\x9c\x03\xd9\x7e", "FPucA9l+"},
        {"\xff\xff\xff", "////"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[16];
        digest_base64(bytes_text(cases[i].octets), out);
        cr_expect_str_eq(out, cases[i].base64);
    }
}
