/*
 * digest: message digests by libcrypto, and the keyed functions that QUIC's first packets are protected with.
 *
 * libcrypto allocates and frees within each call, and in the first one for good, but for `struct digests`, which one
 * thread owns. Any thread.
 */
#ifndef VIGIA_BASE_DIGEST_H
#define VIGIA_BASE_DIGEST_H

#include "base/bytes.h"

enum {
    DIGEST_MD5_BYTES = 16,
    DIGEST_SHA1_BYTES = 20,
    DIGEST_SHA256_BYTES = 32,
    DIGEST_AES_BYTES = 16, /* of a block, and of a key of AES-128 */
    DIGEST_GCM_NONCE_BYTES = 12,
    DIGEST_GCM_TAG_BYTES = 16,
    DIGEST_HKDF_INFO_MAX = 64,
};

void digest_md5(struct bytes b, uint8_t out[DIGEST_MD5_BYTES]);
void digest_sha1(struct bytes b, uint8_t out[DIGEST_SHA1_BYTES]);
void digest_sha256(struct bytes b, uint8_t out[DIGEST_SHA256_BYTES]);

/* Digests of one text that comes in pieces. */
enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512, DIGEST_KINDS };

enum {
    DIGEST_MAX = 64,         /* octets of the longest of them */
    DIGESTS_OCTETS = 4 * 512 /* memory that four kinds take, about */
};

struct digests;

/* Begins those kinds whose bit (1 << kind) is set in `kinds`. The caller owns it. */
struct digests *digests_new(unsigned kinds);
void digests_add(struct digests *g, struct bytes b);
/* The digest of all that was added, once a kind; returns its octets, 0 when this kind was not begun. */
size_t digests_end(struct digests *g, enum digest_kind kind, uint8_t out[DIGEST_MAX]);
void digests_free(struct digests *g);

/* HKDF with SHA-256 (RFC 5869): extract; and the first `len` octets of expand, at most DIGEST_SHA256_BYTES, of an info
 * of at most DIGEST_HKDF_INFO_MAX octets. */
void digest_hkdf_extract(struct bytes salt, struct bytes secret, uint8_t out[DIGEST_SHA256_BYTES]);
void digest_hkdf_expand(const uint8_t key[DIGEST_SHA256_BYTES], struct bytes info, uint8_t *out, size_t len);

/* One block enciphered with AES-128 (FIPS 197). */
void digest_aes_block(const uint8_t key[DIGEST_AES_BYTES], const uint8_t in[DIGEST_AES_BYTES],
                      uint8_t out[DIGEST_AES_BYTES]);

/* AEAD_AES_128_GCM (RFC 5116, 5.1): opens `sealed`, its tag at the end, into `out`, which holds sealed.len less the tag
 * and is no part of it. False when it is not authentic; `out` is then of no use. */
bool digest_gcm_open(const uint8_t key[DIGEST_AES_BYTES], const uint8_t nonce[DIGEST_GCM_NONCE_BYTES],
                     struct bytes associated, struct bytes sealed, uint8_t *out);

/* Base64 (RFC 4648, 4) with padding and NUL; `out` holds 4 * ((b.len + 2) / 3) + 1. */
void digest_base64(struct bytes b, char *out);

#endif
