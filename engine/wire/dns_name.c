/*
 * Names: labels one after another, with jumps that only go back.
 */
#include "wire/dns_name.h"

#include <stdio.h>

#include "base/text.h"

enum { LABEL_MAX = 63, NAME_OCTETS_MAX = 254, JUMPS_MAX = 64, NIBBLES = 32 };

static size_t write_octet(char *out, uint8_t octet)
{
    if (octet == '.' || octet == '\\') {
        out[0] = '\\';
        out[1] = (char)octet;
        return 2;
    }
    if (octet <= ' ' || octet >= 0x7f)
        return (size_t)sprintf(out, "\\%03u", octet);
    out[0] = (char)bytes_lower(octet);
    return 1;
}

bool dns_name_read(struct cursor *c, struct bytes message, char out[DNS_NAME_ROOM], size_t *len)
{
    struct cursor at = *c;
    bool jumped = false;
    size_t octets = 0;
    size_t before = (size_t)(c->at - message.at);
    *len = 0;
    for (int jumps = 0; jumps <= JUMPS_MAX;) {
        uint8_t label = cursor_u8(&at);
        if (at.overrun)
            break;
        if (label >= 0xc0) {
            size_t target = (size_t)(label & 0x3f) << 8 | cursor_u8(&at);
            if (at.overrun || target >= before)
                break;
            if (!jumped)
                *c = at;
            jumped = true;
            jumps++;
            before = target;
            at = cursor_of(bytes_from(message, target));
            continue;
        }
        if (label > LABEL_MAX)
            break;
        if (label == 0) {
            if (!jumped)
                *c = at;
            return true;
        }
        struct bytes text = cursor_take(&at, label);
        octets += (size_t)label + 1;
        if (at.overrun || octets > NAME_OCTETS_MAX)
            break;
        if (*len)
            out[(*len)++] = '.';
        for (size_t i = 0; i < text.len; i++)
            *len += write_octet(out + *len, text.at[i]);
    }
    c->overrun = true;
    c->at = c->end;
    return false;
}

struct bytes dns_name_parent(struct bytes name)
{
    size_t at = 0;
    while (at < name.len && name.at[at] != '.')
        at += name.at[at] == '\\' ? 2 : 1;
    return bytes_from(name, at + 1);
}

/* Takes a suffix off; false when the name does not end so. */
static bool take_suffix(struct bytes *name, const char *suffix)
{
    size_t len = strlen(suffix);
    if (name->len < len || memcmp(name->at + name->len - len, suffix, len) != 0)
        return false;
    name->len -= len;
    return true;
}

static bool read_v4(struct bytes labels, struct address *out)
{
    uint8_t octets[4];
    for (int i = 3; i >= 0; i--) {
        uint64_t number;
        size_t len = bytes_find(labels, '.');
        if ((i == 0) != (len == labels.len) || !text_number(bytes_until(labels, len), 255, &number))
            return false;
        octets[i] = (uint8_t)number;
        labels = bytes_from(labels, len + 1);
    }
    *out = address_v4(octets);
    return true;
}

static bool read_v6(struct bytes labels, struct address *out)
{
    char digits[NIBBLES];
    uint8_t octets[NIBBLES / 2];
    if (labels.len != 2 * NIBBLES - 1)
        return false;
    for (int i = 0; i < NIBBLES; i++) {
        if (i && labels.at[2 * i - 1] != '.')
            return false;
        digits[NIBBLES - 1 - i] = (char)labels.at[2 * i];
    }
    if (!text_hex(bytes_of(digits, NIBBLES), octets))
        return false;
    *out = address_v6(octets);
    return true;
}

bool dns_name_is_address(struct bytes name, struct address *out)
{
    if (take_suffix(&name, ".in-addr.arpa"))
        return read_v4(name, out);
    return take_suffix(&name, ".ip6.arpa") && read_v6(name, out);
}
