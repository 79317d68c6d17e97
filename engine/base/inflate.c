/*
 * inflate: the one door to zlib; Brotli has its own.
 */
#include "base/brotli.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    ZLIB_OCTETS = 48 * 1024, /* what inflate takes: 32 KiB of window and some 7 KiB of state (zconf.h) */
    WINDOW_RAW = -MAX_WBITS,
    WINDOW_GZIP = MAX_WBITS + 16,
    GZIP_MAGIC = 0x1f,
};

struct inflate {
    struct brotli *brotli; /* NULL of the others */
    z_stream z;
    enum inflate_format format;
    struct inflate_allowance allowance;
    bool begun;
    bool ended;
};

struct inflate *inflate_open(enum inflate_format format, struct inflate_allowance allowance)
{
    size_t len = sizeof(struct inflate) + (format == INFLATE_BROTLI ? 0 : ZLIB_OCTETS);
    if (len > allowance.max || *allowance.held + len > allowance.max)
        return NULL;
    struct inflate *z = calloc(1, sizeof *z);
    if (!z)
        abort();
    z->format = format;
    z->allowance = allowance;
    if (format == INFLATE_BROTLI && !(z->brotli = brotli_open(allowance))) {
        free(z);
        return NULL;
    }
    *allowance.held += len;
    return z;
}

/* A zlib header names method 8 and makes a multiple of 31 (RFC 1950, 2.2). Many servers send raw deflate instead, so
 * the first octets decide (RFC 9110, 8.4.1.2, note). One octet alone is taken by its method. */
static bool begins_zlib(struct bytes in)
{
    bool method = (in.at[0] & 15) == Z_DEFLATED && in.at[0] >> 4 <= 7;
    return method && (in.len < 2 || ((unsigned)in.at[0] << 8 | in.at[1]) % 31 == 0);
}

static void begin(struct inflate *z, struct bytes in)
{
    int window = z->format == INFLATE_GZIP ? WINDOW_GZIP : begins_zlib(in) ? MAX_WBITS : WINDOW_RAW;
    if (inflateInit2(&z->z, window) != Z_OK)
        abort();
    z->begun = true;
}

static enum inflate_verdict finish(struct inflate *z, struct bytes *in)
{
    z->ended = true;
    *in = bytes_from(*in, in->len);
    return INFLATE_END;
}

enum inflate_verdict inflate_step(struct inflate *z, struct bytes *in, uint8_t *out, size_t room, size_t *len)
{
    *len = 0;
    if (z->brotli)
        return brotli_step(z->brotli, in, out, room, len);
    if (in->len == 0 && !z->begun)
        return INFLATE_MORE;
    if (z->ended) { /* perhaps another member */
        if (z->format != INFLATE_GZIP || in->len == 0 || in->at[0] != GZIP_MAGIC)
            return finish(z, in);
        inflateReset(&z->z);
        z->ended = false;
    }
    if (!z->begun)
        begin(z, *in);
    unsigned take = in->len < INT_MAX ? (unsigned)in->len : INT_MAX;
    z->z.next_in = (Bytef *)(uintptr_t)in->at;
    z->z.avail_in = take;
    z->z.next_out = out;
    z->z.avail_out = room < INT_MAX ? (unsigned)room : INT_MAX;
    unsigned given = z->z.avail_out;
    int result = inflate(&z->z, Z_NO_FLUSH);
    *len = given - z->z.avail_out;
    *in = bytes_from(*in, take - z->z.avail_in);
    if (result == Z_STREAM_END) {
        z->ended = true;
        return in->len ? INFLATE_FULL : INFLATE_END;
    }
    if (result == Z_MEM_ERROR)
        abort();
    if (result != Z_OK && result != Z_BUF_ERROR)
        return INFLATE_BAD;
    return z->z.avail_out == 0 ? INFLATE_FULL : INFLATE_MORE;
}

void inflate_close(struct inflate *z)
{
    if (!z)
        return;
    if (z->begun)
        inflateEnd(&z->z);
    *z->allowance.held -= sizeof *z + (z->brotli ? 0 : ZLIB_OCTETS);
    brotli_close(z->brotli);
    free(z);
}
