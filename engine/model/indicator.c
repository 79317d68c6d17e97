/*
 * From what was written to what is looked for: marks (`=`, `*.`), blocks and Snort's notation are an indicator's own,
 * all else is an observable's canonical form.
 */
#include "model/indicator.h"
#include "base/text.h"
#include <assert.h>

const char *indicator_match_name(enum indicator_match m)
{
    static const char *const names[] = {
        [MATCH_EXACT] = "exact", [MATCH_SUFFIX] = "suffix",       [MATCH_PREFIX] = "prefix",
        [MATCH_BLOCK] = "block", [MATCH_SUBSTRING] = "substring", [MATCH_PATTERN] = "pattern",
    };
    return names[m];
}

const char *indicator_validity_name(enum indicator_validity v)
{
    static const char *const names[] = {
        [VALIDITY_BEFORE] = "before", [VALIDITY_WITHIN] = "within", [VALIDITY_AFTER] = "after"};
    return names[v];
}

enum { TEXT_MAX = 4 * OBSERVABLE_VALUE_MAX };

static bool refuse(struct fail *why, const char *expected, struct bytes text)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    return fail_set(why, "expected %s, found \"%s\"", expected, fail_quote(text, quote));
}

/* A block within NAT64's prefix is the IPv4 block that it stands for; the bits count the same in both. */
static struct block block_canonical(struct block b)
{
    if (b.bits >= ADDRESS_V4_BITS)
        b.address = address_canonical(&b.address);
    return b;
}

static enum observable_type block_type(const struct block *b)
{
    return b->bits >= ADDRESS_V4_BITS ? observable_type_of(&b->address) : OBSERVABLE_IPV6_ADDR;
}

static bool block_key_read(struct bytes text, struct bytes written, struct indicator_key *key, struct fail *warning,
                           struct fail *why)
{
    bool masked;
    if (!block_read(text, &key->block, &masked))
        return refuse(why, "an IP address or CIDR block", written);
    bool wide = !address_is_v4(&key->block.address) || key->block.bits < ADDRESS_V4_BITS;
    key->block = block_canonical(key->block);
    if (wide && key->block.bits == ADDRESS_V4_BITS && address_is_v4(&key->block.address))
        return refuse(why, "a block that is not all of IPv4 in the shape of IPv6", written);
    enum observable_type type = block_type(&key->block);
    char taken[ADDRESS_TEXT_MAX];
    block_write(&key->block, taken);
    if (type != key->type && masked)
        fail_set(warning, "host bits cleared, taken as %s %s", observable_type_name(type), taken);
    else if (type != key->type)
        fail_set(warning, "%s is no %s, taken as %s", taken, observable_type_name(key->type),
                 observable_type_name(type));
    else if (masked)
        fail_set(warning, "host bits cleared, taken as %s", taken);
    key->type = type;
    return true;
}

static bool hex_run(struct bytes text, char *room, size_t *len)
{
    for (;;) {
        text = bytes_trim(text);
        if (text.len == 0)
            return true;
        if (*len == OBSERVABLE_VALUE_MAX || text.len < 2 || !text_hex(bytes_until(text, 2), (uint8_t *)room + *len))
            return false;
        *len += 1;
        text = bytes_from(text, 2);
    }
}

/* Snort's notation: hex between bars, and backslash before | \ " ; and : */
static bool content_read(struct bytes text, char *room, struct indicator_key *key, struct fail *why)
{
    size_t len = 0;
    bool good = text.len > 0;
    for (size_t i = 0; good && i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '|') {
            struct bytes rest = bytes_from(text, i + 1);
            size_t run = bytes_find(rest, '|');
            good = run < rest.len && hex_run(bytes_until(rest, run), room, &len);
            i += run + 1;
            continue;
        }
        if (c == '\\') {
            good = ++i < text.len && text.at[i] && strchr("|\\\";:", text.at[i]);
            c = good ? text.at[i] : 0;
        }
        good = good && len < OBSERVABLE_VALUE_MAX;
        if (good)
            room[len++] = (char)c;
    }
    key->value = bytes_of(room, len);
    return (good && len) || refuse(why, "octets as in Snort rules (hex as |00 ff|)", text);
}

/* Takes `=` and `*.` off the front of a name or URL. */
static struct bytes marks_take(struct bytes text, struct indicator_key *key)
{
    if (text.len && text.at[0] == '=') {
        key->only = true;
        return bytes_from(text, 1);
    }
    if (key->type == OBSERVABLE_DOMAIN_NAME && bytes_start_with(text, "*."))
        return bytes_from(text, 2);
    if (key->type == OBSERVABLE_DOMAIN_NAME && bytes_start_with(text, "."))
        return bytes_from(text, 1); /* as DNS block lists write it */
    return text;
}

static bool is_marked(enum observable_type type)
{
    return type == OBSERVABLE_DOMAIN_NAME || type == OBSERVABLE_URL;
}

static bool is_block(enum observable_type type)
{
    return type == OBSERVABLE_IPV4_ADDR || type == OBSERVABLE_IPV6_ADDR;
}

bool indicator_key_read(enum observable_type type, struct bytes text, char *room, struct indicator_key *key,
                        struct fail *warning, struct fail *why)
{
    *key = (struct indicator_key){.type = type, .where = WHERE_ANY};
    warning->text[0] = 0;
    if (type == OBSERVABLE_CONTENT)
        return content_read(text, room, key, why);

    char clean[TEXT_MAX + 1];
    struct bytes value = text;
    if ((is_block(type) || is_marked(type)) && text.len <= TEXT_MAX)
        value = bytes_of(clean, observable_refang(text, clean));
    if (is_block(type))
        return block_key_read(value, text, key, warning, why);
    if (is_marked(type))
        value = marks_take(value, key);

    struct observable o;
    if (!observable_read(type, value, room, &o, why))
        return false;
    key->block = (struct block){.address = o.address, .bits = type == OBSERVABLE_IP_PORT ? 128 : 0};
    key->port = o.port;
    key->value = o.value;
    return true;
}

size_t indicator_value_write(const struct indicator_key *key, char *out)
{
    if (is_block(key->type)) {
        char text[ADDRESS_TEXT_MAX];
        size_t len = block_write(&key->block, text);
        memcpy(out, text, len);
        return len;
    }
    struct observable o = {.type = key->type, .port = key->port, .address = key->block.address, .value = key->value};
    return observable_write(&o, out);
}

enum indicator_validity indicator_validity_at(const struct indicator_source *s, int64_t time_ns)
{
    if (s->valid_from_ns != INDICATOR_ALWAYS && time_ns < s->valid_from_ns)
        return VALIDITY_BEFORE;
    return s->valid_until_ns != INDICATOR_EVER && time_ns >= s->valid_until_ns ? VALIDITY_AFTER : VALIDITY_WITHIN;
}

bool indicator_key_equal(const struct indicator_key *a, const struct indicator_key *b)
{
    return a->type == b->type && a->where == b->where && a->only == b->only && a->port == b->port &&
           a->block.bits == b->block.bits && address_equal(&a->block.address, &b->block.address) &&
           bytes_equal(a->value, b->value);
}
