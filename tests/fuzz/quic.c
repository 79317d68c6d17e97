/*
 * Any octets as QUIC datagrams; or, where the first octet is odd, as the frames within Initial packets, which are
 * sealed here as their sender would, since no fuzzer guesses a tag.
 *
 *     fuzz_quic CORPUS SEEDS     SEEDS: what tests/fuzz/hellos.py wrote
 */
#include "../wire/seal.h"
#include "conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes sealed(struct buffer *b, struct bytes frames, int side, uint8_t kind)
{
    static const uint32_t versions[] = {1, 0x6b3343cf, 0xff00001d, 0x51303530};
    struct bytes client = bytes_text("\x83\x94\xc8\xf0\x3e\x51\x57\x08"), server = bytes_text("server");
    buffer_clear(b);
    seal_initial(b, &(struct sealed){.version = versions[kind >> 1 & 3],
                                     .destination = side ? server : client,
                                     .source = side ? client : server,
                                     .keyed = client,
                                     .server = side,
                                     .number = 7,
                                     .number_len = 1 + (kind >> 3 & 3),
                                     .frames = frames});
    return buffer_bytes(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conversation c = {.budget = {.max = 100000}};
    struct cursor in = cursor_of(bytes_of(data, size));
    struct buffer b = {.at = NULL};
    uint8_t kind = cursor_u8(&in);
    struct bytes piece;
    int side;
    while (next_piece(&in, &side, &piece)) {
        struct dissection d = moment(&c, side);
        dissect_datagram(&d, kind & 1 ? sealed(&b, piece, side, kind) : piece);
        free((void *)(uintptr_t)piece.at);
    }
    finish(&c);
    buffer_free(&b);
    return 0;
}
