/*
 * Any octets as a TLS connection, or, where the first octet is odd, as DTLS datagrams.
 *
 *     fuzz_tls CORPUS SEEDS     SEEDS: what tests/fuzz/hellos.py wrote
 */
#include "conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conversation c = {.budget = {.max = 100000}};
    struct cursor in = cursor_of(bytes_of(data, size));
    bool datagrams = cursor_u8(&in) & 1;
    struct bytes piece;
    int side;
    while (next_piece(&in, &side, &piece)) {
        struct dissection d = moment(&c, side);
        if (datagrams)
            dissect_datagram(&d, piece);
        else if (piece.len)
            dissect_stream(&d, piece, false);
        free((void *)(uintptr_t)piece.at);
    }
    finish(&c);
    return 0;
}
