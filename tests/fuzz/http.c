/*
 * Any octets as a connection that is known to be HTTP, with all its files; where the first octet is odd, some pieces
 * come behind a hole.
 *
 *     fuzz_http CORPUS SEEDS
 */
#include "conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conversation c = {.budget = {.max = 300000}, .flow = {.is = &dissector_http}};
    struct cursor in = cursor_of(bytes_of(data, size));
    bool holes = cursor_u8(&in) & 1;
    struct bytes piece;
    int side;
    while (next_piece(&in, &side, &piece)) {
        struct dissection d = moment(&c, side);
        if (piece.len)
            dissect_stream(&d, piece, holes && piece.len % 16 == 9);
        must(c.budget.held <= c.budget.max);
        free((void *)(uintptr_t)piece.at);
    }
    finish(&c);
    return 0;
}
