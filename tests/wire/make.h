/*
 * make: octets for the tests, written in the order of the wire: hex, numbers, packets layer by layer.
 */
#ifndef VIGIA_TESTS_WIRE_MAKE_H
#define VIGIA_TESTS_WIRE_MAKE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/text.h"
#include "wire/decode.h"

static inline void put8(struct buffer *b, unsigned v)
{
    buffer_char(b, (char)v);
}

static inline void put16(struct buffer *b, unsigned v)
{
    put8(b, v >> 8 & 255);
    put8(b, v & 255);
}

static inline void put32(struct buffer *b, uint32_t v)
{
    put16(b, v >> 16);
    put16(b, v & 65535);
}

static inline void put_bytes(struct buffer *b, struct bytes octets)
{
    buffer_add(b, octets.at, octets.len);
}

/* Pairs of hex digits; blanks between are for the eye. */
static inline void put_hex(struct buffer *b, const char *hex)
{
    char digit[3] = "";
    int n = 0;
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        digit[n++] = *hex;
        if (n == 2)
            put8(b, (unsigned)strtoul(digit, NULL, 16));
        n %= 2;
    }
    cr_assert_eq(n, 0, "half an octet of hex");
}

/* A copy with nothing behind it, so that AddressSanitizer sees a step too far. */
static inline struct bytes alone(struct bytes b)
{
    uint8_t *copy = malloc(b.len ? b.len : 1);
    if (b.len)
        memcpy(copy, b.at, b.len);
    return bytes_of(copy, b.len);
}

static inline void alone_free(struct bytes b)
{
    free((void *)(uintptr_t)b.at);
}

/* Numbers that look random and are the same in every run (Marsaglia, Xorshift RNGs, 2003). */
static inline uint32_t dice(uint64_t *state, uint32_t sides)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16) % sides;
}

static inline struct address address_of(const char *text)
{
    struct address a;
    cr_assert(address_read(bytes_text(text), &a), "%s", text);
    return a;
}

/* A packet as decode would give it. */
static inline struct packet packet_of(uint8_t proto, const char *src, uint16_t src_port, const char *dst,
                                      uint16_t dst_port)
{
    return (struct packet){.tuple = {.src = address_of(src),
                                     .dst = address_of(dst),
                                     .src_port = src_port,
                                     .dst_port = dst_port,
                                     .proto = proto}};
}

/* The same packet on its way back. */
static inline struct packet packet_back(const struct packet *p)
{
    struct packet back = *p;
    back.tuple.src = p->tuple.dst;
    back.tuple.dst = p->tuple.src;
    back.tuple.src_port = p->tuple.dst_port;
    back.tuple.dst_port = p->tuple.src_port;
    return back;
}

#endif
