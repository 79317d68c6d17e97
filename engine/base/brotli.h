/*
 * brotli: the door to libbrotlidec, for inflate alone. Its contract is inflate's.
 */
#ifndef VIGIA_BASE_BROTLI_H
#define VIGIA_BASE_BROTLI_H

#include "base/inflate.h"

struct brotli;

struct brotli *brotli_open(struct inflate_allowance allowance);
enum inflate_verdict brotli_step(struct brotli *z, struct bytes *in, uint8_t *out, size_t room, size_t *len);
void brotli_close(struct brotli *z);

#endif
