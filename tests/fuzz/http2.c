/*
 * Any octets as an HTTP/2 connection: the preface is ours, so that the fuzzer need not find it.
 *
 *     fuzz_http2 CORPUS SEEDS
 */
#include "conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(struct conversation *c, int side, struct bytes octets)
{
    struct dissection d = moment(c, side);
    if (octets.len)
        dissect_stream(&d, octets, false);
    must(c->budget.held <= c->budget.max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t settings[9] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    struct conversation c = {.budget = {.max = 300000}};
    struct cursor in = cursor_of(bytes_of(data, size));
    struct bytes piece;
    int side;
    say(&c, 0, bytes_text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    say(&c, 1, bytes_of(settings, sizeof settings));
    cursor_u8(&in);
    while (next_piece(&in, &side, &piece)) {
        say(&c, side, piece);
        free((void *)(uintptr_t)piece.at);
    }
    finish(&c);
    return 0;
}
