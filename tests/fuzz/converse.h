/*
 * converse: a conversation (conversation.h) in one protocol. The first octet says what the fuzzer tries: 1, datagrams,
 * if the protocol knows them; 2, the protocol is taken for granted, so that its begin needs no luck; 4, octets are
 * missing before each piece; 8, the flow ends as TCP ends it; 16, little memory.
 */
#ifndef VIGIA_TESTS_FUZZ_CONVERSE_H
#define VIGIA_TESTS_FUZZ_CONVERSE_H

#include "conversation.h"

static void converse(const uint8_t *octets, size_t len, const struct dissector *is)
{
    struct cursor in = cursor_of(bytes_of(octets, len));
    uint8_t tries = cursor_u8(&in);
    struct conversation c = {.budget = {.max = tries & 16 ? 12000 : 1000000}};
    bool datagrams = tries & 1 && is->transports & DISSECT_UDP;
    struct bytes piece;
    int side;
    if (tries & 2)
        c.flow.is = is;
    while (next_piece(&in, &side, &piece)) {
        struct dissection d = moment(&c, side);
        if (datagrams)
            dissect_datagram(&d, piece);
        else if (piece.len)
            dissect_stream(&d, piece, tries & 4);
        free((void *)(uintptr_t)piece.at);
    }
    struct dissection d = moment(&c, 0);
    d.fin = tries & 8 ? 3 : 0;
    dissect_end(&d);
    finish(&c); /* nothing is left to do */
}

#endif
