/*
 * hash: the keyed hash of every table, XXH3 (libxxhash, inlined) with a key of its own.
 *
 * A table that strangers can fill is keyed with random octets, so that nobody can prepare collisions. Where results
 * must not depend on the run (which shard owns a flow), the key is HASH_FIXED.
 */
#ifndef VIGIA_BASE_HASH_H
#define VIGIA_BASE_HASH_H

#include "base/bytes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct hash_key {
    uint8_t secret[XXH3_SECRET_SIZE_MIN];
};

/* Random octets from the system. */
void hash_key_random(struct hash_key *key);

static inline uint64_t hash_keyed(const struct hash_key *key, const void *at, size_t len)
{
    return XXH3_64bits_withSecret(at, len, key->secret, sizeof key->secret);
}

/* The same in every run and on every machine. Not for tables that strangers fill. */
static inline uint64_t hash_fixed(const void *at, size_t len)
{
    return XXH3_64bits(at, len);
}

#endif
