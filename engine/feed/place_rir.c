/*
 * Delegated statistics, plain or extended, of any registry (RIR Statistics Exchange Format, version 2):
 *
 *     2.3|lacnic|20260927|97301|19870101|20260925|-0300      the version line
 *     lacnic|*|ipv4|*|20804|summary
 *     lacnic|CL|ipv4|45.4.0.0|1024|20170224|allocated|…      registry|cc|type|start|value|date|status
 *
 * `value` of ipv4 is a number of addresses, no power of two at times, of ipv6 a prefix length. Files of several
 * registries may stand one behind the other, as the NRO's combined file has them.
 */
#include "base/text.h"
#include "feed/place.h"
#include "model/country.h"

#include <stdio.h>

enum { FIELDS = 7, REGISTRY = 0, CC, TYPE, START, VALUE, DATE, STATUS, PROBED_LINES = 64 };

/* Cuts at bars; fields that are not there are empty. Returns how many there are, FIELDS at most. */
static unsigned cut(struct bytes line, struct bytes field[FIELDS])
{
    unsigned count = 0;
    for (unsigned i = 0; i < FIELDS; i++)
        field[i] = bytes_of("", 0);
    do {
        size_t len = bytes_find(line, '|');
        bool more = len < line.len;
        field[count++] = bytes_trim(bytes_until(line, len));
        line = bytes_from(line, len + 1);
        if (!more)
            break;
    } while (count < FIELDS);
    return count;
}

static bool is_comment(struct bytes line)
{
    return line.len == 0 || line.at[0] == '#';
}

static bool is_number(struct bytes text)
{
    uint64_t n;
    return text_number(text, UINT64_MAX, &n);
}

static bool is_version(const struct bytes field[FIELDS], unsigned count)
{
    return count == FIELDS && field[REGISTRY].len && field[REGISTRY].at[0] == '2' && is_number(field[2]);
}

static bool is_summary(const struct bytes field[FIELDS])
{
    return bytes_alike(field[DATE], "summary");
}

static bool is_type(struct bytes type)
{
    return bytes_alike(type, "ipv4") || bytes_alike(type, "ipv6") || bytes_alike(type, "asn");
}

/* The first line that is no comment tells. */
static bool probe(struct bytes content)
{
    struct bytes line, field[FIELDS];
    for (unsigned i = 0; i < PROBED_LINES && text_line(&content, &line); i++) {
        if (is_comment(bytes_trim(line)))
            continue;
        unsigned count = cut(bytes_until(line, PLACE_LINE_MAX), field);
        return is_version(field, count) || (count >= 6 && is_type(field[TYPE]));
    }
    return false;
}

static uint32_t v4_number(const struct address *a)
{
    return (uint32_t)a->octet[12] << 24 | (uint32_t)a->octet[13] << 16 | (uint32_t)a->octet[14] << 8 | a->octet[15];
}

static struct address v4_address(uint32_t n)
{
    return address_v4((const uint8_t[4]){(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n});
}

static bool take_v4(struct place_reading *r, unsigned line, const struct bytes field[FIELDS], const char country[3],
                    struct fail *why)
{
    struct address first;
    uint64_t count;
    if (!address_read(field[START], &first) || !address_is_v4(&first)) {
        place_refuse(r, line, "an IPv4 address", field[START]);
        return true;
    }
    uint32_t begin = v4_number(&first);
    if (!text_number(field[VALUE], (UINT64_C(1) << 32) - begin, &count) || count == 0) {
        place_refuse(r, line, "a number of addresses that exist", field[VALUE]);
        return true;
    }
    struct address last = v4_address((uint32_t)(begin + (count - 1)));
    return place_range(r, &first, &last, country, why);
}

static bool take_v6(struct place_reading *r, unsigned line, const struct bytes field[FIELDS], const char country[3],
                    struct fail *why)
{
    char text[ADDRESS_TEXT_MAX];
    struct address first;
    struct block block;
    bool masked = false, good = address_read(field[START], &first) && !address_is_v4(&first);
    uint64_t bits;
    if (good && text_number(field[VALUE], 128, &bits)) {
        size_t len = address_write(&first, text);
        len += (size_t)snprintf(text + len, sizeof text - len, "/%u", (unsigned)bits);
        good = block_read(bytes_of(text, len), &block, &masked) && !masked;
    } else {
        good = false;
    }
    if (!good) {
        place_refuse(r, line, "an IPv6 address with a prefix length behind it", field[START]);
        return true;
    }
    return place_network(r, &block, country, why);
}

static bool take_record(struct place_reading *r, unsigned line, const struct bytes field[FIELDS], struct fail *why)
{
    char country[3];
    if (bytes_alike(field[TYPE], "asn"))
        return true;
    if (!bytes_alike(field[STATUS], "allocated") && !bytes_alike(field[STATUS], "assigned")) {
        bool known = bytes_alike(field[STATUS], "available") || bytes_alike(field[STATUS], "reserved");
        r->report->unplaced += known;
        if (!known)
            place_refuse(r, line, "allocated, assigned, available or reserved", field[STATUS]);
        return true;
    }
    if (!country_read(field[CC], country)) {
        r->report->unplaced++;
        return true;
    }
    return bytes_alike(field[TYPE], "ipv4") ? take_v4(r, line, field, country, why)
                                            : take_v6(r, line, field, country, why);
}

static bool read(struct bytes content, struct place_reading *r, struct fail *why)
{
    struct bytes line, field[FIELDS];
    for (unsigned number = 1; text_line(&content, &line); number++) {
        line = bytes_trim(line);
        if (is_comment(line))
            continue;
        if (line.len > PLACE_LINE_MAX) {
            place_refuse(r, number, "a record of 4096 octets at most", line);
            continue;
        }
        unsigned count = cut(line, field);
        if (is_version(field, count) || is_summary(field))
            continue;
        if (count < FIELDS || !is_type(field[TYPE]))
            place_refuse(r, number, "registry|cc|asn, ipv4 or ipv6|start|value|date|status", line);
        else if (!take_record(r, number, field, why))
            return fail_at(why, "line %u", number);
    }
    return true;
}

const struct place_format place_rir = {.name = "rir", .probe = probe, .read = read};
