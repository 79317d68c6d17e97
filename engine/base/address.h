/*
 * address: an IP address or a block of them.
 *
 * One shape for both families: 16 octets in network order, IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2), so that
 * tables, tuples and hashes know one kind. A block's `bits` count from the front of the 16 octets: 192.0.2.0/24 is 120.
 */
#ifndef VIGIA_BASE_ADDRESS_H
#define VIGIA_BASE_ADDRESS_H

#include "base/bytes.h"

enum {
    ADDRESS_V4_BITS = 96,                                                 /* in front of an IPv4 address in the shape */
    ADDRESS_TEXT_MAX = sizeof "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", /* with a prefix length and NUL */
};

struct address {
    uint8_t octet[16];
};

struct block {
    struct address address; /* host bits are zero */
    uint8_t bits;           /* 0 to 128 */
};

static inline struct address address_v4(const uint8_t octet[4])
{
    struct address a = {.octet = {[10] = 0xff, [11] = 0xff}};
    memcpy(a.octet + 12, octet, 4);
    return a;
}

static inline struct address address_v6(const uint8_t octet[16])
{
    struct address a;
    memcpy(a.octet, octet, 16);
    return a;
}

static inline bool address_is_v4(const struct address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a->octet, mapped, sizeof mapped) == 0;
}

static inline bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Reads dotted-quad IPv4 (four decimal numbers, no leading zeros) or RFC 4291 IPv6 text, nothing before or behind it,
 * no zone. IPv4-mapped IPv6 text is the IPv4 address. */
bool address_read(struct bytes text, struct address *out);

/* The same with an optional `/bits` in the family's own count. `*masked` says that host bits were set and cleared. */
bool block_read(struct bytes text, struct block *out, bool *masked);

bool block_covers(const struct block *block, const struct address *a);

/* Writes RFC 5952 text (IPv4 as dotted quad) with its NUL; returns its length. */
size_t address_write(const struct address *a, char out[ADDRESS_TEXT_MAX]);

/* The same; `/bits` is left out where the block is one address. */
size_t block_write(const struct block *b, char out[ADDRESS_TEXT_MAX]);

#endif
