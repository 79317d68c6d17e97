/*
 * digest: the one door to libcrypto.
 */
#include "base/digest.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

static void digest(struct bytes b, const EVP_MD *algorithm, uint8_t *out)
{
    int done = EVP_Digest(b.at, b.len, out, NULL, algorithm, NULL);
    assert(done == 1); /* a libcrypto without it is a broken installation */
    (void)done;
}

void digest_md5(struct bytes b, uint8_t out[DIGEST_MD5_BYTES])
{
    digest(b, EVP_md5(), out);
}

void digest_sha1(struct bytes b, uint8_t out[DIGEST_SHA1_BYTES])
{
    digest(b, EVP_sha1(), out);
}

void digest_sha256(struct bytes b, uint8_t out[DIGEST_SHA256_BYTES])
{
    digest(b, EVP_sha256(), out);
}

void digest_base64(struct bytes b, char *out)
{
    assert(b.len <= INT_MAX / 2);
    EVP_EncodeBlock((unsigned char *)out, b.at, (int)b.len);
}

struct digests {
    EVP_MD_CTX *contexts[DIGEST_KINDS]; /* NULL where not asked for, or ended */
};

static const EVP_MD *algorithm_of(enum digest_kind kind)
{
    switch (kind) {
    case DIGEST_MD5:
        return EVP_md5();
    case DIGEST_SHA1:
        return EVP_sha1();
    case DIGEST_SHA256:
        return EVP_sha256();
    default:
        return EVP_sha512();
    }
}

struct digests *digests_new(unsigned kinds)
{
    struct digests *g = calloc(1, sizeof *g);
    if (!g)
        abort();
    for (unsigned kind = 0; kind < DIGEST_KINDS; kind++) {
        if (!(kinds >> kind & 1))
            continue;
        g->contexts[kind] = EVP_MD_CTX_new();
        if (!g->contexts[kind] || EVP_DigestInit_ex(g->contexts[kind], algorithm_of(kind), NULL) != 1)
            abort();
    }
    return g;
}

void digests_add(struct digests *g, struct bytes b)
{
    for (int kind = 0; kind < DIGEST_KINDS; kind++)
        if (g->contexts[kind])
            EVP_DigestUpdate(g->contexts[kind], b.at, b.len);
}

size_t digests_end(struct digests *g, enum digest_kind kind, uint8_t out[DIGEST_MAX])
{
    unsigned len = 0;
    if (!g->contexts[kind])
        return 0;
    int done = EVP_DigestFinal_ex(g->contexts[kind], out, &len);
    assert(done == 1);
    (void)done;
    EVP_MD_CTX_free(g->contexts[kind]);
    g->contexts[kind] = NULL;
    return len;
}

void digests_free(struct digests *g)
{
    for (int kind = 0; g && kind < DIGEST_KINDS; kind++)
        EVP_MD_CTX_free(g->contexts[kind]);
    free(g);
}

static void hmac(struct bytes key, struct bytes b, uint8_t out[DIGEST_SHA256_BYTES])
{
    unsigned len = DIGEST_SHA256_BYTES;
    assert(key.len <= INT_MAX);
    const uint8_t *done = HMAC(EVP_sha256(), key.at, (int)key.len, b.at, b.len, out, &len);
    assert(done && len == DIGEST_SHA256_BYTES);
    (void)done;
}

void digest_hkdf_extract(struct bytes salt, struct bytes secret, uint8_t out[DIGEST_SHA256_BYTES])
{
    hmac(salt, secret, out);
}

void digest_hkdf_expand(const uint8_t key[DIGEST_SHA256_BYTES], struct bytes info, uint8_t *out, size_t len)
{
    uint8_t counted[DIGEST_HKDF_INFO_MAX + 1], block[DIGEST_SHA256_BYTES];
    assert(info.len <= DIGEST_HKDF_INFO_MAX && len <= sizeof block);
    memcpy(counted, info.at, info.len);
    counted[info.len] = 1; /* the first block, and no other is wanted */
    hmac(bytes_of(key, DIGEST_SHA256_BYTES), bytes_of(counted, info.len + 1), block);
    memcpy(out, block, len);
}

void digest_aes_block(const uint8_t key[DIGEST_AES_BYTES], const uint8_t in[DIGEST_AES_BYTES],
                      uint8_t out[DIGEST_AES_BYTES])
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0;
    int done = c && EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, key, NULL) && EVP_CIPHER_CTX_set_padding(c, 0) &&
               EVP_EncryptUpdate(c, out, &len, in, DIGEST_AES_BYTES);
    assert(done && len == DIGEST_AES_BYTES);
    (void)done;
    EVP_CIPHER_CTX_free(c);
}

bool digest_gcm_open(const uint8_t key[DIGEST_AES_BYTES], const uint8_t nonce[DIGEST_GCM_NONCE_BYTES],
                     struct bytes associated, struct bytes sealed, uint8_t *out)
{
    if (sealed.len < DIGEST_GCM_TAG_BYTES || sealed.len > INT_MAX || associated.len > INT_MAX)
        return false;
    size_t text = sealed.len - DIGEST_GCM_TAG_BYTES;
    uint8_t tag[DIGEST_GCM_TAG_BYTES], rest[DIGEST_AES_BYTES];
    memcpy(tag, sealed.at + text, sizeof tag);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0;
    int ready = c && EVP_DecryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, nonce) &&
                EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag);
    assert(ready);
    (void)ready;
    bool open = EVP_DecryptUpdate(c, NULL, &len, associated.at, (int)associated.len) &&
                EVP_DecryptUpdate(c, out, &len, sealed.at, (int)text) && EVP_DecryptFinal_ex(c, rest, &len) > 0;
    EVP_CIPHER_CTX_free(c);
    return open;
}
