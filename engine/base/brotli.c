/*
 * Brotli's window is up to 16 MiB, as the sender says, so its memory is counted octet by octet against the allowance.
 */
#include "base/brotli.h"

#include <brotli/decode.h>
#include <stdlib.h>

struct brotli {
    BrotliDecoderState *state;
    struct inflate_allowance allowance;
};

/* Each piece knows its size, so that what is given back can be counted. */
struct piece {
    size_t len;
    max_align_t octets[];
};

static void *take(void *to, size_t len)
{
    struct brotli *z = to;
    size_t whole = sizeof(struct piece) + len;
    if (len > z->allowance.max || *z->allowance.held + whole > z->allowance.max)
        return NULL;
    struct piece *p = malloc(whole);
    if (!p)
        return NULL;
    p->len = whole;
    *z->allowance.held += whole;
    return p->octets;
}

static void give_back(void *to, void *at)
{
    struct brotli *z = to;
    if (!at)
        return;
    struct piece *p = (struct piece *)(void *)((uint8_t *)at - offsetof(struct piece, octets));
    *z->allowance.held -= p->len;
    free(p);
}

struct brotli *brotli_open(struct inflate_allowance allowance)
{
    struct brotli *z = malloc(sizeof *z);
    if (!z)
        abort();
    z->allowance = allowance;
    z->state = BrotliDecoderCreateInstance(take, give_back, z);
    if (!z->state) {
        free(z);
        return NULL;
    }
    return z;
}

enum inflate_verdict brotli_step(struct brotli *z, struct bytes *in, uint8_t *out, size_t room, size_t *len)
{
    size_t left = room;
    if (BrotliDecoderIsFinished(z->state)) {
        *len = 0;
        return INFLATE_END;
    }
    BrotliDecoderResult result = BrotliDecoderDecompressStream(z->state, &in->len, &in->at, &left, &out, NULL);
    *len = room - left;
    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS: return INFLATE_END;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return INFLATE_MORE;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return INFLATE_FULL;
    default: break;
    }
    BrotliDecoderErrorCode why = BrotliDecoderGetErrorCode(z->state);
    bool memory = why <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES && why >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
    return memory ? INFLATE_REFUSED : INFLATE_BAD;
}

void brotli_close(struct brotli *z)
{
    if (!z)
        return;
    BrotliDecoderDestroyInstance(z->state);
    free(z);
}
