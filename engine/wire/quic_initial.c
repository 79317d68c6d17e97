/*
 * Salts: RFC 9001, 5.2 and its drafts; RFC 9369, 3.3.1; those of Google's versions as Chromium had them
 * (net/third_party/quiche/src/quic/core/crypto/crypto_utils.cc). Facebook's mvfst uses the drafts'.
 */
#include "wire/quic_initial.h"

#include <assert.h>

enum {
    SAMPLE = 16,
    NUMBER_MAX = 4, /* octets of a packet number */
    LABEL_MAX = 40,
    FIRST_BITS = 0x0f, /* of the first octet, those that are protected under a long header */
};

#define EXACT UINT32_MAX
#define RESERVED                                                                                                       \
    UINT32_C(0x0f0f0f0f) /* the bits that tell a version reserved for forcing negotiation (RFC 9000, 15)               \
                          */

#define SALT_22                                                                                                        \
    {                                                                                                                  \
        0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02,    \
            0x64, 0x4a                                                                                                 \
    }
#define SALT_23                                                                                                        \
    {                                                                                                                  \
        0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9,    \
            0xf5, 0x02                                                                                                 \
    }
#define SALT_29                                                                                                        \
    {                                                                                                                  \
        0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90,    \
            0xa8, 0x99                                                                                                 \
    }
#define SALT_1                                                                                                         \
    {                                                                                                                  \
        0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb,    \
            0x7f, 0x0a                                                                                                 \
    }
#define SALT_2                                                                                                         \
    {                                                                                                                  \
        0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd,    \
            0x2e, 0xd9                                                                                                 \
    }
#define SALT_Q50                                                                                                       \
    {                                                                                                                  \
        0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5,    \
            0x6b, 0x45                                                                                                 \
    }
#define SALT_T50                                                                                                       \
    {                                                                                                                  \
        0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48,    \
            0x83, 0x10                                                                                                 \
    }
#define SALT_T51                                                                                                       \
    {                                                                                                                  \
        0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e,    \
            0x03, 0x3d                                                                                                 \
    }

const struct quic_version quic_versions[] = {
    {0x00000001, 0x00000001, EXACT, SALT_1, "quic", 0, 6},
    {0x6b3343cf, 0x6b3343cf, EXACT, SALT_2, "quicv2", 1, 6},
    {0xff00001d, 0xff000020, EXACT, SALT_29, "quic", 0, 6}, /* draft-29 to draft-32 */
    {0xff000021, 0xff000022, EXACT, SALT_1, "quic", 0, 6},
    {0xff000017, 0xff00001c, EXACT, SALT_23, "quic", 0, 6},
    {0xff000015, 0xff000016, EXACT, SALT_22, "quic", 0, 6},
    {0xfaceb001, 0xfaceb001, EXACT, SALT_22, "quic", 0, 6},
    {0xfaceb002, 0xfaceb00e, EXACT, SALT_23, "quic", 0, 6},
    {0x51303530, 0x51303530, EXACT, SALT_Q50, "quic", 0, 8}, /* Q050 */
    {0x54303530, 0x54303530, EXACT, SALT_T50, "quic", 0, 8},
    {0x54303531, 0x54303531, EXACT, SALT_T51, "quic", 0, 8},
    {0x0a0a0a0a, 0x0a0a0a0a, RESERVED, SALT_1, "quic", 0, 6}, /* whoever greases protects as in version 1 */
};

int quic_version_find(uint32_t number)
{
    for (size_t i = 0; i < sizeof quic_versions / sizeof *quic_versions; i++) {
        const struct quic_version *v = &quic_versions[i];
        if ((number & v->mask) >= v->first && (number & v->mask) <= v->last)
            return (int)i;
    }
    return -1;
}

enum quic_type quic_type_of(const struct quic_version *v, uint8_t first_octet)
{
    return (enum quic_type)(((first_octet >> 4) - v->turned) & 3);
}

/* HKDF-Expand-Label (RFC 8446, 7.1) with no context. */
static void expand(const uint8_t secret[DIGEST_SHA256_BYTES], const char *prefix, const char *label, uint8_t *out,
                   size_t len)
{
    static const char tls[] = "tls13 ";
    uint8_t info[LABEL_MAX];
    size_t first = strlen(prefix), second = strlen(label), all = sizeof tls - 1 + first + second;
    assert(all + 4 <= sizeof info);
    info[0] = 0;
    info[1] = (uint8_t)len;
    info[2] = (uint8_t)all;
    memcpy(info + 3, tls, sizeof tls - 1);
    memcpy(info + 3 + sizeof tls - 1, prefix, first);
    memcpy(info + 3 + sizeof tls - 1 + first, label, second);
    info[3 + all] = 0;
    digest_hkdf_expand(secret, bytes_of(info, all + 4), out, len);
}

void quic_keys_derive(const struct quic_version *v, struct bytes cid, bool server, struct quic_keys *out)
{
    uint8_t initial[DIGEST_SHA256_BYTES], secret[DIGEST_SHA256_BYTES];
    digest_hkdf_extract(bytes_of(v->salt, sizeof v->salt), cid, initial);
    expand(initial, server ? "server" : "client", " in", secret, sizeof secret);
    expand(secret, v->prefix, " key", out->key, sizeof out->key);
    expand(secret, v->prefix, " iv", out->iv, sizeof out->iv);
    expand(secret, v->prefix, " hp", out->header, sizeof out->header);
}

struct bytes quic_open(const struct quic_keys *k, struct bytes packet, size_t number_at, uint8_t *room)
{
    struct bytes none = bytes_of(room, 0);
    uint8_t mask[DIGEST_AES_BYTES], nonce[DIGEST_GCM_NONCE_BYTES];
    if (packet.len < number_at + NUMBER_MAX + SAMPLE)
        return none;
    digest_aes_block(k->header, packet.at + number_at + NUMBER_MAX, mask);
    uint8_t first = packet.at[0] ^ (mask[0] & FIRST_BITS);
    size_t number_len = (size_t)(first & 3) + 1, head = number_at + number_len;
    memcpy(room, packet.at, head); /* the header as it was: what is authenticated beside the frames */
    memcpy(nonce, k->iv, sizeof nonce);
    room[0] = first;
    for (size_t i = 0; i < number_len; i++) {
        room[number_at + i] ^= mask[1 + i];
        nonce[sizeof nonce - number_len + i] ^= room[number_at + i];
    }
    struct bytes sealed = bytes_from(packet, head);
    if (!digest_gcm_open(k->key, nonce, bytes_of(room, head), sealed, room + head))
        return none;
    return bytes_of(room + head, sealed.len - DIGEST_GCM_TAG_BYTES);
}
