/*
 * quic_initial: the protection of QUIC's first packets (RFC 9001, 5; RFC 9369, 3.3), whose keys follow from a
 * connection ID that stands in them, so that everybody can open them.
 *
 * Pure functions. Any thread.
 */
#ifndef VIGIA_WIRE_QUIC_INITIAL_H
#define VIGIA_WIRE_QUIC_INITIAL_H

#include "base/digest.h"

enum { QUIC_CID_MAX = 20 };

enum quic_type { QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE, QUIC_RETRY };

/* Versions that share their salt and their labels. */
struct quic_version {
    uint32_t first;
    uint32_t last;
    uint32_t mask; /* bits of a version number that are compared */
    uint8_t salt[20];
    const char *prefix; /* of the labels of keys */
    uint8_t turned;     /* how far the types of long headers are turned round: by one in version 2 */
    uint8_t crypto;     /* the type of a CRYPTO frame */
};

extern const struct quic_version quic_versions[];

/* Index into quic_versions, or -1. */
int quic_version_find(uint32_t number);

enum quic_type quic_type_of(const struct quic_version *v, uint8_t first_octet);

struct quic_keys {
    uint8_t key[DIGEST_AES_BYTES];
    uint8_t iv[DIGEST_GCM_NONCE_BYTES];
    uint8_t header[DIGEST_AES_BYTES];
};

/* The keys of what the client, or the server, sends; `cid` is the client's first Destination Connection ID. */
void quic_keys_derive(const struct quic_version *v, struct bytes cid, bool server, struct quic_keys *out);

/* Takes the protection off `packet`, which begins with its long header, ends with its tag, and has its packet number at
 * `number_at`. Writes the frames to `room`, which holds packet.len and is no part of it, and returns them; empty when
 * the packet is not authentic under these keys, or too short. */
struct bytes quic_open(const struct quic_keys *k, struct bytes packet, size_t number_at, uint8_t *room);

#endif
