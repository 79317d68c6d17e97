/*
 * digest: the one door to libcrypto.
 */
#include "base/digest.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>

void digest_sha1(struct bytes b, uint8_t out[DIGEST_SHA1_BYTES])
{
    int done = EVP_Digest(b.at, b.len, out, NULL, EVP_sha1(), NULL);
    assert(done == 1); /* a libcrypto without SHA-1 is a broken installation */
    (void)done;
}

void digest_base64(struct bytes b, char *out)
{
    assert(b.len <= INT_MAX / 2);
    EVP_EncodeBlock((unsigned char *)out, b.at, (int)b.len);
}
