/*
 * seal: QUIC Initial packets for the tests, protected by libcrypto as a sender protects them (RFC 9001, 5.3 and 5.4).
 */
#ifndef VIGIA_TESTS_WIRE_SEAL_H
#define VIGIA_TESTS_WIRE_SEAL_H

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "wire/quic_initial.h"

struct sealed {
    uint32_t version;
    struct bytes destination; /* connection IDs of the header */
    struct bytes source;
    struct bytes keyed; /* the one that the keys are made of; `destination` when empty */
    bool server;
    struct bytes token;
    uint32_t number; /* of the packet, in `number_len` octets, 1 to 4 */
    int number_len;
    struct bytes frames; /* padded so that there is a sample */
};

static inline void seal_octets(struct buffer *b, uint64_t v, int octets)
{
    while (octets--)
        buffer_char(b, (char)(v >> 8 * octets & 255));
}

static inline void seal_varint(struct buffer *b, uint64_t v)
{
    if (v < 1 << 6)
        seal_octets(b, v, 1);
    else if (v < 1 << 14)
        seal_octets(b, v | 1 << 14, 2);
    else
        seal_octets(b, v | UINT64_C(2) << 30, 4);
}

static inline void seal_gcm(const struct quic_keys *k, const uint8_t nonce[12], struct bytes head, struct bytes text,
                            uint8_t *out)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len;
    if (!c || !EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, k->key, nonce) ||
        !EVP_EncryptUpdate(c, NULL, &len, head.at, (int)head.len) ||
        !EVP_EncryptUpdate(c, out, &len, text.at, (int)text.len) || !EVP_EncryptFinal_ex(c, out + text.len, &len) ||
        !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + text.len))
        abort();
    EVP_CIPHER_CTX_free(c);
}

/* Adds the packet to a datagram. */
static inline void seal_initial(struct buffer *b, const struct sealed *s)
{
    const struct quic_version *v = &quic_versions[quic_version_find(s->version)];
    struct buffer text = {.at = NULL};
    struct quic_keys keys;
    uint8_t mask[16], nonce[12];
    size_t begin = b->len;
    buffer_add(&text, s->frames.at, s->frames.len);
    while (text.len < 4)
        buffer_char(&text, 0);
    buffer_char(b, (char)(0xc0 | (v->turned & 3) << 4 | (s->number_len - 1)));
    seal_octets(b, s->version, 4);
    seal_octets(b, s->destination.len, 1);
    buffer_add(b, s->destination.at, s->destination.len);
    seal_octets(b, s->source.len, 1);
    buffer_add(b, s->source.at, s->source.len);
    seal_varint(b, s->token.len);
    buffer_add(b, s->token.at, s->token.len);
    seal_varint(b, (size_t)s->number_len + text.len + 16);
    size_t number_at = b->len;
    seal_octets(b, s->number, s->number_len);
    size_t text_at = b->len;
    for (size_t i = 0; i < text.len + 16; i++)
        buffer_char(b, 0);
    quic_keys_derive(v, s->keyed.len ? s->keyed : s->destination, s->server, &keys);
    memcpy(nonce, keys.iv, sizeof nonce);
    for (int i = 0; i < 4; i++)
        nonce[8 + i] ^= (uint8_t)(s->number >> (24 - 8 * i));
    uint8_t *packet = (uint8_t *)b->at + begin;
    seal_gcm(&keys, nonce, bytes_of(packet, text_at - begin), buffer_bytes(&text), (uint8_t *)b->at + text_at);
    digest_aes_block(keys.header, (const uint8_t *)b->at + number_at + 4, mask);
    packet[0] ^= mask[0] & 0x0f;
    for (int i = 0; i < s->number_len; i++)
        ((uint8_t *)b->at)[number_at + (size_t)i] ^= mask[1 + i];
    buffer_free(&text);
}

#endif
