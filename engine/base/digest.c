/*
 * digest: the one door to libcrypto. What it offers is looked up once, since a look-up takes locks and longer than the
 * digest of a short text.
 */
#include "base/digest.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

enum { HMAC_BLOCK = 64 }; /* octets of a block of SHA-256 */

/* Written once, before anybody reads it. */
static struct {
    pthread_once_t once;
    const EVP_MD *digests[DIGEST_KINDS];
    const EVP_CIPHER *block;
    const EVP_CIPHER *gcm;
} offered = {.once = PTHREAD_ONCE_INIT};

static void look_up(void)
{
    static const char *const names[DIGEST_KINDS] = {"MD5", "SHA1", "SHA256", "SHA512"};
    for (int kind = 0; kind < DIGEST_KINDS; kind++)
        offered.digests[kind] = EVP_MD_fetch(NULL, names[kind], NULL);
    offered.block = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
    offered.gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
}

static const EVP_MD *algorithm_of(enum digest_kind kind)
{
    pthread_once(&offered.once, look_up);
    return offered.digests[kind];
}

static const EVP_CIPHER *cipher_of(const EVP_CIPHER *const *which)
{
    pthread_once(&offered.once, look_up);
    return *which;
}

static void digest(struct bytes b, enum digest_kind kind, uint8_t *out)
{
    int done = EVP_Digest(b.at, b.len, out, NULL, algorithm_of(kind), NULL);
    assert(done == 1); /* a libcrypto without it is a broken installation */
    (void)done;
}

void digest_md5(struct bytes b, uint8_t out[DIGEST_MD5_BYTES])
{
    digest(b, DIGEST_MD5, out);
}

void digest_sha1(struct bytes b, uint8_t out[DIGEST_SHA1_BYTES])
{
    digest(b, DIGEST_SHA1, out);
}

void digest_sha256(struct bytes b, uint8_t out[DIGEST_SHA256_BYTES])
{
    digest(b, DIGEST_SHA256, out);
}

void digest_base64(struct bytes b, char *out)
{
    assert(b.len <= INT_MAX / 2);
    EVP_EncodeBlock((unsigned char *)out, b.at, (int)b.len);
}

struct digests {
    EVP_MD_CTX *contexts[DIGEST_KINDS]; /* NULL where not asked for, or ended */
};

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

/* RFC 2104, of a key that is no longer than a block. */
static void hmac(struct bytes key, struct bytes b, uint8_t out[DIGEST_SHA256_BYTES])
{
    uint8_t inner[HMAC_BLOCK], outer[HMAC_BLOCK];
    assert(key.len <= HMAC_BLOCK);
    memset(inner, 0x36, sizeof inner);
    memset(outer, 0x5c, sizeof outer);
    for (size_t i = 0; i < key.len; i++) {
        inner[i] ^= key.at[i];
        outer[i] ^= key.at[i];
    }
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int done = c && EVP_DigestInit_ex(c, algorithm_of(DIGEST_SHA256), NULL) &&
               EVP_DigestUpdate(c, inner, sizeof inner) && EVP_DigestUpdate(c, b.at, b.len) &&
               EVP_DigestFinal_ex(c, out, NULL) && EVP_DigestInit_ex(c, NULL, NULL) &&
               EVP_DigestUpdate(c, outer, sizeof outer) && EVP_DigestUpdate(c, out, DIGEST_SHA256_BYTES) &&
               EVP_DigestFinal_ex(c, out, NULL);
    assert(done);
    (void)done;
    EVP_MD_CTX_free(c);
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
    int done = c && EVP_EncryptInit_ex(c, cipher_of(&offered.block), NULL, key, NULL) &&
               EVP_CIPHER_CTX_set_padding(c, 0) && EVP_EncryptUpdate(c, out, &len, in, DIGEST_AES_BYTES);
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
    int ready = c && EVP_DecryptInit_ex(c, cipher_of(&offered.gcm), NULL, key, nonce) &&
                EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag);
    assert(ready);
    (void)ready;
    bool open = EVP_DecryptUpdate(c, NULL, &len, associated.at, (int)associated.len) &&
                EVP_DecryptUpdate(c, out, &len, sealed.at, (int)text) && EVP_DecryptFinal_ex(c, rest, &len) > 0;
    EVP_CIPHER_CTX_free(c);
    return open;
}
