/*
 * Netstrings behind the namespace, then SHA-1.
 */
#include "model/identity.h"

#include "base/digest.h"
#include "base/text.h"

#include <assert.h>

enum { FRAME_MAX = TEXT_NUMBER_MAX + sizeof ":" + sizeof "," };

/* The UUID of version 5 that RFC 4122 gives to the DNS name "vigia". */
static const uint8_t namespace[16] = {0xb0, 0x4c, 0x2a, 0x90, 0x71, 0xb9, 0x51, 0x6b,
                                      0x93, 0x40, 0xba, 0xe2, 0xca, 0x62, 0xad, 0x92};

void identity_begin(struct identity *i)
{
    memcpy(i->text, namespace, sizeof namespace);
    i->len = sizeof namespace;
}

void identity_add(struct identity *i, struct bytes part)
{
    assert(part.len + FRAME_MAX <= IDENTITY_TEXT_MAX - i->len);
    i->len += text_number_write((int64_t)part.len, (char *)i->text + i->len);
    i->text[i->len++] = ':';
    if (part.len)
        memcpy(i->text + i->len, part.at, part.len);
    i->len += part.len;
    i->text[i->len++] = ',';
}

void identity_add_text(struct identity *i, const char *part)
{
    identity_add(i, bytes_text(part));
}

void identity_add_number(struct identity *i, int64_t part)
{
    char text[TEXT_NUMBER_MAX];
    identity_add(i, bytes_of(text, text_number_write(part, text)));
}

void identity_add_address(struct identity *i, const struct address *part)
{
    char text[ADDRESS_TEXT_MAX];
    identity_add(i, bytes_of(text, address_write(part, text)));
}

void identity_write(const struct identity *i, char out[IDENTITY_MAX])
{
    uint8_t id[DIGEST_SHA1_BYTES];
    digest_sha1(bytes_of(i->text, i->len), id);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x50); /* version 5 */
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80); /* RFC 4122's variant */
    static const size_t groups[] = {4, 2, 2, 2, 6};
    const uint8_t *at = id;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; at += groups[g++]) {
        text_hex_write(bytes_of(at, groups[g]), out);
        out += 2 * groups[g];
        *out++ = '-';
    }
    out[-1] = 0; /* over the last dash */
}
