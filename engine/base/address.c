/*
 * address: dotted quads are scanned by hand, since every packet and feed line brings some; IPv6 text is left to
 * inet_pton, behind a bounded copy. Writing follows RFC 5952.
 */
#include "base/address.h"

#include <arpa/inet.h>

#include "base/text.h"

static bool read_v4(struct bytes text, struct address *out)
{
    uint8_t octet[4];
    size_t i = 0;
    for (int part = 0; part < 4; part++) {
        if (part > 0 && (i == text.len || text.at[i++] != '.'))
            return false;
        size_t start = i;
        unsigned n = 0;
        for (; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
            if (i - start == 3)
                return false;
            n = n * 10 + (text.at[i] - '0');
        }
        bool leading_zero = i - start > 1 && text.at[start] == '0';
        if (i == start || leading_zero || n > 255)
            return false;
        octet[part] = (uint8_t)n;
    }
    if (i != text.len)
        return false;
    *out = address_v4(octet);
    return true;
}

static bool read_v6(struct bytes text, struct address *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len < 2 || text.len >= sizeof copy || memchr(text.at, 0, text.len))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = 0;
    return inet_pton(AF_INET6, copy, out->octet) == 1;
}

/* IPv6 text has its first colon within its first five octets. */
static bool is_v6(struct bytes text)
{
    struct bytes head = bytes_until(text, 5);
    return bytes_find(head, ':') < head.len;
}

bool address_read(struct bytes text, struct address *out)
{
    return is_v6(text) ? read_v6(text, out) : read_v4(text, out);
}

/* The octet of a netmask of `bits` at index `i`. */
static uint8_t mask(unsigned bits, unsigned i)
{
    return bits >= 8 * (i + 1) ? 0xff : bits <= 8 * i ? 0 : (uint8_t)(0xff00 >> (bits - 8 * i));
}

bool block_read(struct bytes text, struct block *out, bool *masked)
{
    size_t slash = bytes_find(text, '/');
    struct bytes name = bytes_until(text, slash);
    unsigned front = is_v6(name) ? 0 : ADDRESS_V4_BITS;
    uint64_t bits = 128 - front;
    if (slash < text.len && !text_number(bytes_from(text, slash + 1), bits, &bits))
        return false;
    struct address a;
    if (!address_read(name, &a))
        return false;
    out->bits = (uint8_t)(front + bits);
    *masked = false;
    for (unsigned i = 0; i < sizeof a.octet; i++) {
        out->address.octet[i] = a.octet[i] & mask(out->bits, i);
        *masked |= out->address.octet[i] != a.octet[i];
    }
    return true;
}

bool block_covers(const struct block *block, const struct address *a)
{
    unsigned whole = block->bits / 8;
    if (memcmp(block->address.octet, a->octet, whole) != 0)
        return false;
    return whole == sizeof a->octet || (a->octet[whole] & mask(block->bits, whole)) == block->address.octet[whole];
}

static char *write_decimal(char *to, unsigned n)
{
    if (n >= 100)
        *to++ = (char)('0' + n / 100);
    if (n >= 10)
        *to++ = (char)('0' + n / 10 % 10);
    *to++ = (char)('0' + n % 10);
    return to;
}

static char *write_v4(char *to, const uint8_t octet[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *to++ = '.';
        to = write_decimal(to, octet[i]);
    }
    return to;
}

static char *write_group(char *to, unsigned group)
{
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = group >> shift & 15;
        begun |= digit != 0 || shift == 0;
        if (begun)
            *to++ = "0123456789abcdef"[digit];
    }
    return to;
}

/* RFC 5952, 4.2: `::` for the longest run of at least two zero groups, the first of equals. IPv4-compatible addresses
 * (RFC 4291, 2.5.5.1, deprecated) are written in hex as any other. */
static char *write_v6(char *to, const uint8_t octet[16])
{
    unsigned group[8];
    int run = 0, run_at = -1, run_len = 1;
    for (int i = 0; i < 8; i++) {
        group[i] = (unsigned)octet[2 * i] << 8 | octet[2 * i + 1];
        run = group[i] ? 0 : run + 1;
        if (run > run_len) {
            run_len = run;
            run_at = i - run + 1;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == run_at) {
            *to++ = ':';
            *to++ = ':';
            i += run_len - 1;
            continue;
        }
        if (i > 0 && i != run_at + run_len)
            *to++ = ':';
        to = write_group(to, group[i]);
    }
    return to;
}

static char *write_text(char *to, const struct address *a)
{
    return address_is_v4(a) ? write_v4(to, a->octet + 12) : write_v6(to, a->octet);
}

size_t address_write(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    char *end = write_text(out, a);
    *end = 0;
    return (size_t)(end - out);
}

size_t block_write(const struct block *b, char out[ADDRESS_TEXT_MAX])
{
    char *end = write_text(out, &b->address);
    if (b->bits < 128) {
        *end++ = '/';
        end = write_decimal(end, address_is_v4(&b->address) ? b->bits - ADDRESS_V4_BITS : b->bits);
    }
    *end = 0;
    return (size_t)(end - out);
}
