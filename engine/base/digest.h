/*
 * digest: message digests by libcrypto.
 *
 * Any thread.
 */
#ifndef VIGIA_BASE_DIGEST_H
#define VIGIA_BASE_DIGEST_H

#include "base/bytes.h"

enum { DIGEST_SHA1_BYTES = 20 };

void digest_sha1(struct bytes b, uint8_t out[DIGEST_SHA1_BYTES]);

/* Base64 (RFC 4648, 4) with padding and NUL; `out` holds 4 * ((b.len + 2) / 3) + 1. */
void digest_base64(struct bytes b, char *out);

#endif
