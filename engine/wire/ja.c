/*
 * The texts that are hashed are written to a room that holds the most there can be.
 */
#include "wire/ja.h"

#include "base/digest.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PLACES_MAX = sizeof "65535-" - 1, /* of a value in a text */
    LISTS = 4,
    TEXT_MAX = LISTS * (JA_VALUES_MAX * PLACES_MAX + 1) + PLACES_MAX,
    CUT = 12, /* digits of a SHA-256 that JA4 keeps */
    COUNT_MAX = 99,
};

struct values {
    size_t count;
    uint16_t at[JA_VALUES_MAX];
};

struct line {
    size_t len;
    char at[TEXT_MAX];
};

static void line_char(struct line *l, char c)
{
    l->at[l->len++] = c;
}

static void line_decimal(struct line *l, unsigned v)
{
    char digits[5];
    int n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        line_char(l, digits[--n]);
}

static void line_hex(struct line *l, unsigned v)
{
    static const char digit[] = "0123456789abcdef";
    for (int shift = 12; shift >= 0; shift -= 4)
        line_char(l, digit[v >> shift & 15]);
}

static void line_decimals(struct line *l, const struct values *v)
{
    for (size_t i = 0; i < v->count; i++) {
        if (i)
            line_char(l, '-');
        line_decimal(l, v->at[i]);
    }
}

static void line_hexes(struct line *l, const struct values *v)
{
    for (size_t i = 0; i < v->count; i++) {
        if (i)
            line_char(l, ',');
        line_hex(l, v->at[i]);
    }
}

static bool keep(struct values *v, uint16_t value)
{
    if (tls_is_grease(value))
        return true;
    if (v->count == JA_VALUES_MAX)
        return false;
    v->at[v->count++] = value;
    return true;
}

static bool pairs(struct bytes b, struct values *v)
{
    bool room = true;
    v->count = 0;
    for (struct cursor c = cursor_of(b); room && cursor_left(&c) >= 2;)
        room = keep(v, cursor_u16(&c));
    return room;
}

/* A list of single octets is at most 255 long. */
static void octets(struct bytes b, struct values *v)
{
    v->count = 0;
    for (struct cursor c = cursor_of(b); cursor_left(&c) && v->count < JA_VALUES_MAX;)
        v->at[v->count++] = cursor_u8(&c);
}

static bool extension_types(struct bytes extensions, struct values *v)
{
    bool room = true;
    uint16_t type;
    struct cursor c = cursor_of(extensions), content;
    v->count = 0;
    while (room && tls_extension_next(&c, &type, &content))
        room = keep(v, type);
    return room;
}

static void md5_of(const struct line *l, char out[JA3_TEXT])
{
    uint8_t md5[DIGEST_MD5_BYTES];
    digest_md5(bytes_of(l->at, l->len), md5);
    text_hex_write(bytes_of(md5, sizeof md5), out);
}

bool ja3(const struct client_hello *h, char out[JA3_TEXT])
{
    struct line l;
    struct values v;
    l.len = 0; /* the rest of it is large, and written before it is read */
    line_decimal(&l, h->version);
    line_char(&l, ',');
    if (!pairs(h->ciphers, &v))
        return false;
    line_decimals(&l, &v);
    line_char(&l, ',');
    if (!extension_types(h->extensions, &v))
        return false;
    line_decimals(&l, &v);
    line_char(&l, ',');
    if (!pairs(h->groups, &v))
        return false;
    line_decimals(&l, &v);
    line_char(&l, ',');
    octets(h->points, &v);
    line_decimals(&l, &v);
    md5_of(&l, out);
    return true;
}

bool ja3s(const struct server_hello *h, char out[JA3_TEXT])
{
    struct line l;
    struct values v;
    l.len = 0;
    if (!extension_types(h->extensions, &v))
        return false;
    line_decimal(&l, h->version);
    line_char(&l, ',');
    line_decimal(&l, h->cipher);
    line_char(&l, ',');
    line_decimals(&l, &v);
    md5_of(&l, out);
    return true;
}

static const char *version_name(uint16_t version)
{
    switch (version) {
    case 0x0304: return "13";
    case 0x0303: return "12";
    case 0x0302: return "11";
    case 0x0301: return "10";
    case 0x0300: return "s3";
    case 0x0002: return "s2";
    case 0xfeff: return "d1";
    case 0xfefd: return "d2";
    case 0xfefc: return "d3";
    default: return "00";
    }
}

static bool is_alphanumeric(uint8_t c)
{
    uint8_t lower = bytes_lower(c);
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

/* The first and the last character of the first protocol; of one that is not letters and digits at its ends, of its
 * hex form. */
static void protocol_ends(struct bytes protocol, char out[2])
{
    static const char digit[] = "0123456789abcdef";
    out[0] = out[1] = '0';
    if (!protocol.len)
        return;
    uint8_t first = protocol.at[0], last = protocol.at[protocol.len - 1];
    bool plain = is_alphanumeric(first) && is_alphanumeric(last);
    out[0] = plain ? (char)first : digit[first >> 4];
    out[1] = plain ? (char)last : digit[last & 15];
}

static int by_number(const void *a, const void *b)
{
    uint16_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void sort(struct values *v)
{
    qsort(v->at, v->count, sizeof *v->at, by_number);
}

static void cut_sha256(const struct line *l, char out[CUT + 1])
{
    uint8_t sha256[DIGEST_SHA256_BYTES];
    digest_sha256(bytes_of(l->at, l->len), sha256);
    text_hex_write(bytes_of(sha256, CUT / 2), out);
    if (!l->len)
        memset(out, '0', CUT);
}

static void without_names(struct values *v)
{
    size_t kept = 0;
    for (size_t i = 0; i < v->count; i++)
        if (v->at[i] != TLS_EXTENSION_SERVER_NAME && v->at[i] != TLS_EXTENSION_ALPN)
            v->at[kept++] = v->at[i];
    v->count = kept;
}

static unsigned shown(size_t count)
{
    return count < COUNT_MAX ? (unsigned)count : COUNT_MAX;
}

bool ja4(const struct client_hello *h, char way, char out[JA4_TEXT])
{
    struct values v;
    struct line l;
    char ends[2], first[CUT + 1], second[CUT + 1];
    l.len = 0;
    if (!pairs(h->ciphers, &v))
        return false;
    unsigned ciphers = shown(v.count);
    sort(&v);
    line_hexes(&l, &v);
    cut_sha256(&l, first);
    l.len = 0;
    if (!extension_types(h->extensions, &v))
        return false;
    unsigned extensions = shown(v.count);
    without_names(&v);
    sort(&v);
    line_hexes(&l, &v);
    if (!pairs(h->signatures, &v))
        return false;
    if (v.count)
        line_char(&l, '_');
    line_hexes(&l, &v);
    cut_sha256(&l, second);
    protocol_ends(h->protocol, ends);
    snprintf(out, JA4_TEXT, "%c%s%c%02u%02u%c%c_%s_%s", way, version_name(h->highest), h->named ? 'd' : 'i', ciphers,
             extensions, ends[0], ends[1], first, second);
    return true;
}
