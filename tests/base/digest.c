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

/* FIPS 180-2, B.1 and B.2; the empty message of NIST's test vectors. */
Test(digest, sha256_of_the_standards_messages)
{
    static const char *const cases[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[DIGEST_SHA256_BYTES];
        char hex[2 * DIGEST_SHA256_BYTES + 1];
        digest_sha256(bytes_text(cases[i][0]), out);
        text_hex_write(bytes_of(out, sizeof out), hex);
        cr_expect_str_eq(hex, cases[i][1]);
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

/* RFC 1321, A.5. */
Test(digest, md5_of_the_rfc)
{
    static const char *const cases[][2] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[DIGEST_MD5_BYTES];
        char hex[2 * DIGEST_MD5_BYTES + 1];
        digest_md5(bytes_text(cases[i][0]), out);
        text_hex_write(bytes_of(out, sizeof out), hex);
        cr_expect_str_eq(hex, cases[i][1]);
    }
}

static struct bytes octets(const char *hex, uint8_t *room)
{
    cr_assert(text_hex(bytes_text(hex), room), "%s", hex);
    return bytes_of(room, strlen(hex) / 2);
}

static void is(struct bytes b, const char *hex)
{
    char text[1024];
    text_hex_write(b, text);
    cr_expect_str_eq(text, hex);
}

/* RFC 5869, A.1 (the first 32 octets of its 42). */
Test(digest, hkdf_of_the_rfc)
{
    uint8_t secret[22], salt[13], info[10], key[DIGEST_SHA256_BYTES], out[DIGEST_SHA256_BYTES];
    digest_hkdf_extract(octets("000102030405060708090a0b0c", salt),
                        octets("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", secret), key);
    is(bytes_of(key, sizeof key), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    digest_hkdf_expand(key, octets("f0f1f2f3f4f5f6f7f8f9", info), out, sizeof out);
    is(bytes_of(out, sizeof out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

/* FIPS 197, C.1. */
Test(digest, aes_block_of_the_standard)
{
    uint8_t key[DIGEST_AES_BYTES], in[DIGEST_AES_BYTES], out[DIGEST_AES_BYTES];
    octets("000102030405060708090a0b0c0d0e0f", key);
    octets("00112233445566778899aabbccddeeff", in);
    digest_aes_block(key, in, out);
    is(bytes_of(out, sizeof out), "69c4e0d86a7b0430d8cdb78070b4c55a");
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, test case 4. */
Test(digest, opens_what_gcm_sealed_and_nothing_else)
{
    uint8_t key[16], nonce[12], associated[20], sealed[76], out[60];
    octets("feffe9928665731c6d6a8f9467308308", key);
    octets("cafebabefacedbaddecaf888", nonce);
    struct bytes beside = octets("feedfacedeadbeeffeedfacedeadbeefabaddad2", associated);
    struct bytes text =
        octets("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac"
               "84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
               sealed);
    cr_expect(digest_gcm_open(key, nonce, beside, text, out));
    is(bytes_of(out, sizeof out),
       "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e244"
       "9a6b525b16aedf5aa0de657ba637b39");
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        cr_expect(!digest_gcm_open(key, nonce, beside, text, out), "octet %zu changed", i);
        sealed[i] ^= 1;
    }
    for (size_t len = 0; len < sizeof sealed; len++)
        cr_expect(!digest_gcm_open(key, nonce, beside, bytes_until(text, len), out), "cut to %zu", len);
}
