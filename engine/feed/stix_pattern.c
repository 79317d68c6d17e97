/*
 * A recursive descent over the grammar of the standard. Each expression leaves its values at the end of one list, and
 * answers with a `clause`: from where they stand, and how surely one of them alone tells that the expression is true.
 * An OR leaves its parts' values as they stand; an AND keeps those of one part and takes the others away.
 */
#include "feed/stix_pattern.h"

#include "base/text.h"

#include <stdio.h>

enum { PATH_MAX_OCTETS = 128, PORT_MAX = 65535 };

enum token {
    TOKEN_END,
    TOKEN_WORD, /* also with hyphens */
    TOKEN_STRING,
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_BINARY, /* h'…' and b'…' */
    TOKEN_TIME,
    TOKEN_SIGN, /* any other: its octets */
    TOKEN_BAD,
};

/* Which end of network traffic a comparison speaks of. */
enum end { END_NONE, END_SRC, END_DST };

struct value {
    size_t at, len; /* in the text */
    enum observable_type type;
};

struct clause {
    size_t first;      /* of its values, which reach to the end of the list */
    unsigned strength; /* of the weakest of them; 0: there are none */
    enum end end;      /* all of them are single addresses of this end */
    enum end port_end; /* it is a comparison with a port of this end */
    uint16_t port;
    bool implied; /* true wherever the value beside it is seen: the type of an address */
};

struct parser {
    struct stix_pattern *out;
    struct bytes all;
    struct bytes rest;  /* behind the token */
    struct bytes token; /* of a string, what is between the quotes */
    enum token kind;
    size_t at; /* of the token */
    unsigned depth;
    struct fail *warning;
    struct fail *why;
    struct fail beyond; /* why the first part that is nothing to look for is none */
};

/* ---- values */

static struct value *values_of(const struct stix_pattern *p)
{
    return (struct value *)(void *)p->values.at;
}

size_t stix_pattern_count(const struct stix_pattern *p)
{
    return p->values.len / sizeof(struct value);
}

struct bytes stix_pattern_value(const struct stix_pattern *p, size_t index, enum observable_type *type)
{
    const struct value *v = &values_of(p)[index];
    *type = v->type;
    return bytes_of(p->text.at + v->at, v->len);
}

void stix_pattern_free(struct stix_pattern *p)
{
    buffer_free(&p->text);
    buffer_free(&p->values);
}

static void values_cut(struct stix_pattern *p, size_t count)
{
    p->values.len = count * sizeof(struct value);
}

/* Takes `count` values from `first` on out of the list. */
static void values_drop(struct stix_pattern *p, size_t first, size_t count)
{
    struct value *v = values_of(p);
    size_t behind = stix_pattern_count(p) - first - count;
    if (behind && count)
        memmove(v + first, v + first + count, behind * sizeof *v);
    values_cut(p, first + behind);
}

/* ---- tokens */

static bool is_letter(uint8_t c)
{
    c = bytes_lower(c);
    return (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t octet_at(struct bytes b, size_t i)
{
    return i < b.len ? b.at[i] : 0;
}

static struct bytes behind_blanks(struct bytes b)
{
    for (;;) {
        b = bytes_from(b, 0);
        while (b.len && (b.at[0] == ' ' || (b.at[0] >= '\t' && b.at[0] <= '\r')))
            b = bytes_from(b, 1);
        if (bytes_start_with(b, "//")) {
            b = bytes_from(b, bytes_find(b, '\n'));
        } else if (bytes_start_with(b, "/*")) {
            const uint8_t *end = memmem(b.at + 2, b.len - 2, "*/", 2);
            if (!end)
                return b;
            b = bytes_from(b, (size_t)(end - b.at) + 2);
        } else {
            return b;
        }
    }
}

/* `text` begins with a quote. The length with both quotes; 0: never closed. */
static size_t quoted(struct bytes text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.at[i] == '\\')
            i++;
        else if (text.at[i] == '\'')
            return i + 1;
    }
    return 0;
}

static bool is_base64(struct bytes b)
{
    for (unsigned padding = 0; padding < 2 && b.len && b.at[b.len - 1] == '='; padding++)
        b.len--;
    for (size_t i = 0; i < b.len; i++)
        if ((!is_letter(b.at[i]) && !is_digit(b.at[i]) && b.at[i] != '+' && b.at[i] != '/') || b.at[i] == '_')
            return false;
    return b.len > 0;
}

/* Any year, unlike `text_time`: all that counts here is that it is one. */
static bool is_time(struct bytes b)
{
    static const char shape[] = "0000-00-00T00:00:00";
    size_t i = 0;
    for (; i < sizeof shape - 1; i++)
        if (shape[i] == '0' ? !is_digit(octet_at(b, i)) : octet_at(b, i) != shape[i])
            return false;
    if (octet_at(b, i) == '.')
        for (i++; is_digit(octet_at(b, i));)
            i++;
    return b.at[i - 1] != '.' && i + 1 == b.len && b.at[i] == 'Z';
}

static enum token literal(struct parser *p, struct bytes text, size_t prefix)
{
    size_t len = quoted(bytes_from(text, prefix));
    if (!len)
        return TOKEN_BAD;
    p->token = bytes_of(text.at + prefix + 1, len - 2);
    p->rest = bytes_from(text, prefix + len);
    if (!prefix)
        return TOKEN_STRING;
    switch (text.at[0]) {
    case 't': return is_time(p->token) ? TOKEN_TIME : TOKEN_BAD;
    case 'h': return p->token.len % 2 == 0 && (!p->token.len || text_is_hex(p->token)) ? TOKEN_BINARY : TOKEN_BAD;
    default: return p->token.len % 4 == 0 && (!p->token.len || is_base64(p->token)) ? TOKEN_BINARY : TOKEN_BAD;
    }
}

static enum token number(struct parser *p, struct bytes text)
{
    size_t i = text.at[0] == '+' || text.at[0] == '-';
    size_t whole = i;
    while (is_digit(octet_at(text, i)))
        i++;
    bool fraction = octet_at(text, i) == '.' && is_digit(octet_at(text, i + 1));
    if (fraction)
        for (i++; is_digit(octet_at(text, i));)
            i++;
    bool leading_zero = octet_at(text, whole) == '0' && is_digit(octet_at(text, whole + 1));
    if (i == whole || leading_zero)
        return TOKEN_BAD;
    p->token = bytes_until(text, i);
    p->rest = bytes_from(text, i);
    return fraction ? TOKEN_FLOAT : TOKEN_INTEGER;
}

static enum token word(struct parser *p, struct bytes text)
{
    size_t len = 1;
    while (is_letter(octet_at(text, len)) || is_digit(octet_at(text, len)) || octet_at(text, len) == '-')
        len++;
    p->token = bytes_until(text, len);
    p->rest = bytes_from(text, len);
    return TOKEN_WORD;
}

static enum token sign(struct parser *p, struct bytes text)
{
    static const char *const signs[] = {"==", "!=", "<>", "<=", ">=", "=", "<", ">",
                                        "[",  "]",  "(",  ")",  ",",  ":", ".", "*"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (bytes_start_with(text, signs[i])) {
            p->token = bytes_until(text, strlen(signs[i]));
            p->rest = bytes_from(text, p->token.len);
            return TOKEN_SIGN;
        }
    return TOKEN_BAD;
}

static enum token scan(struct parser *p, struct bytes text)
{
    uint8_t c = octet_at(text, 0), next = octet_at(text, 1);
    if (text.len == 0)
        return TOKEN_END;
    if (c == '\'')
        return literal(p, text, 0);
    if ((c == 't' || c == 'h' || c == 'b') && next == '\'')
        return literal(p, text, 1);
    if (is_digit(c) || c == '+' || c == '-' || (c == '.' && is_digit(next)))
        return number(p, text);
    return is_letter(c) ? word(p, text) : sign(p, text);
}

static void step(struct parser *p)
{
    struct bytes text = behind_blanks(p->rest);
    p->at = p->all.len - text.len;
    p->token = bytes_until(text, 0);
    p->rest = text;
    p->kind = scan(p, text);
}

static bool expected(struct parser *p, const char *what)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    struct bytes found = bytes_until(bytes_from(p->all, p->at), 20);
    return found.len ? fail_set(p->why, "octet %zu: expected %s, found \"%s\"", p->at, what, fail_quote(found, quote))
                     : fail_set(p->why, "expected %s, found the end", what);
}

static bool is_sign(const struct parser *p, const char *text)
{
    return p->kind == TOKEN_SIGN && bytes_equal(p->token, bytes_text(text));
}

static bool is_word(const struct parser *p, const char *text)
{
    return p->kind == TOKEN_WORD && bytes_alike(p->token, text);
}

static bool take_sign(struct parser *p, const char *text)
{
    bool found = is_sign(p, text);
    if (found)
        step(p);
    return found;
}

static bool take_word(struct parser *p, const char *text)
{
    bool found = is_word(p, text);
    if (found)
        step(p);
    return found;
}

static bool must_sign(struct parser *p, const char *text)
{
    return take_sign(p, text) || expected(p, text);
}

static bool deeper(struct parser *p)
{
    return ++p->depth <= STIX_PATTERN_DEPTH_MAX || fail_set(p->why, "octet %zu: nested too deep", p->at);
}

/* ---- object paths */

struct path {
    char text[PATH_MAX_OCTETS + 1]; /* `type:key.key`, without quotes and indices */
    size_t len;
    bool cut;
};

static void path_add(struct path *path, struct bytes part)
{
    path->cut = path->cut || part.len > PATH_MAX_OCTETS - path->len || bytes_find(part, 0) < part.len;
    if (path->cut)
        return;
    memcpy(path->text + path->len, part.at, part.len);
    path->len += part.len;
    path->text[path->len] = 0;
}

static bool path_key(struct parser *p, struct path *path)
{
    if (p->kind != TOKEN_WORD && p->kind != TOKEN_STRING)
        return expected(p, "a property");
    path_add(path, p->token);
    step(p);
    return true;
}

static bool path_index(struct parser *p)
{
    if (p->kind != TOKEN_INTEGER && !is_sign(p, "*"))
        return expected(p, "an index or *");
    step(p);
    return must_sign(p, "]");
}

static bool read_path(struct parser *p, struct path *path)
{
    *path = (struct path){.len = 0};
    if (p->kind != TOKEN_WORD)
        return expected(p, "an object path");
    path_add(path, p->token);
    step(p);
    if (!must_sign(p, ":"))
        return false;
    path_add(path, bytes_text(":"));
    if (!path_key(p, path))
        return false;
    for (;;) {
        if (take_sign(p, "[")) {
            if (!path_index(p))
                return false;
        } else if (take_sign(p, ".")) {
            path_add(path, bytes_text("."));
            if (!path_key(p, path))
                return false;
        } else {
            return true;
        }
    }
}

/* What a path leads to. */
enum holds { HOLDS_NOTHING, HOLDS_VALUE, HOLDS_HOST, HOLDS_PORT, HOLDS_KIND };

struct property {
    enum holds holds;
    enum observable_type type; /* of a value */
    enum end end;
};

static const struct {
    const char *path;
    struct property property;
} properties[] = {
    {"ipv4-addr:value", {HOLDS_VALUE, OBSERVABLE_IPV4_ADDR, END_NONE}},
    {"ipv6-addr:value", {HOLDS_VALUE, OBSERVABLE_IPV6_ADDR, END_NONE}},
    {"domain-name:value", {HOLDS_VALUE, OBSERVABLE_DOMAIN_NAME, END_NONE}},
    {"domain-name:resolves_to_refs.value", {HOLDS_HOST, 0, END_NONE}},
    {"hostname:value", {HOLDS_VALUE, OBSERVABLE_DOMAIN_NAME, END_NONE}},
    {"url:value", {HOLDS_VALUE, OBSERVABLE_URL, END_NONE}},
    {"email-addr:value", {HOLDS_VALUE, OBSERVABLE_EMAIL_ADDR, END_NONE}},
    {"email-message:from_ref.value", {HOLDS_VALUE, OBSERVABLE_EMAIL_ADDR, END_NONE}},
    {"email-message:sender_ref.value", {HOLDS_VALUE, OBSERVABLE_EMAIL_ADDR, END_NONE}},
    {"email-message:to_refs.value", {HOLDS_VALUE, OBSERVABLE_EMAIL_ADDR, END_NONE}},
    {"file:name", {HOLDS_VALUE, OBSERVABLE_FILE_NAME, END_NONE}},
    {"user-agent:value", {HOLDS_VALUE, OBSERVABLE_USER_AGENT, END_NONE}},
    {"network-traffic:extensions.http-request-ext.request_header.User-Agent",
     {HOLDS_VALUE, OBSERVABLE_USER_AGENT, END_NONE}},
    {"network-traffic:extensions.http-request-ext.request_header.Host", {HOLDS_HOST, 0, END_NONE}},
    {"network-traffic:src_ref.value", {HOLDS_HOST, 0, END_SRC}},
    {"network-traffic:dst_ref.value", {HOLDS_HOST, 0, END_DST}},
    {"network-traffic:src_port", {HOLDS_PORT, 0, END_SRC}},
    {"network-traffic:dst_port", {HOLDS_PORT, 0, END_DST}},
    {"network-traffic:src_ref.type", {HOLDS_KIND, 0, END_NONE}},
    {"network-traffic:dst_ref.type", {HOLDS_KIND, 0, END_NONE}},
};

static const struct {
    const char *key; /* letters and digits alone */
    enum observable_type of_file;
    enum observable_type of_certificate; /* OBSERVABLE_TYPES: none */
} hashes[] = {
    {"md5", OBSERVABLE_MD5, OBSERVABLE_TYPES},
    {"sha1", OBSERVABLE_SHA1, OBSERVABLE_X509_SHA1},
    {"sha256", OBSERVABLE_SHA256, OBSERVABLE_X509_SHA256},
    {"sha512", OBSERVABLE_SHA512, OBSERVABLE_TYPES},
};

/* `SHA-256`, `sha256`, `'sha-256'`, `SHA_256`. */
static struct property hash_of(const char *key, bool certificate)
{
    char flat[8];
    size_t len = 0;
    for (; *key && len < sizeof flat - 1; key++)
        if (*key != '-' && *key != '_')
            flat[len++] = (char)bytes_lower((uint8_t)*key);
    flat[len] = 0;
    for (size_t i = 0; !*key && i < sizeof hashes / sizeof *hashes; i++) {
        enum observable_type type = certificate ? hashes[i].of_certificate : hashes[i].of_file;
        if (strcmp(flat, hashes[i].key) == 0 && type != OBSERVABLE_TYPES)
            return (struct property){HOLDS_VALUE, type, END_NONE};
    }
    return (struct property){.holds = HOLDS_NOTHING};
}

static struct property property_of(const struct path *path)
{
    const char *key = path->cut ? NULL : strstr(path->text, "hashes.");
    if (key && key > path->text && (key[-1] == ':' || key[-1] == '.'))
        return hash_of(key + strlen("hashes."), bytes_start_with(bytes_text(path->text), "x509-certificate:"));
    for (size_t i = 0; !path->cut && i < sizeof properties / sizeof *properties; i++)
        if (strcmp(path->text, properties[i].path) == 0)
            return properties[i].property;
    return (struct property){.holds = HOLDS_NOTHING};
}

/* ---- comparisons */

enum operator{ OPERATOR_EQUAL, OPERATOR_IN, OPERATOR_SUBSET, OPERATOR_OTHER };

/* How much less than all else a value of the type stands for. */
static unsigned strength_of(enum observable_type type)
{
    switch (type) {
    case OBSERVABLE_SHA256:
    case OBSERVABLE_X509_SHA256: return 10;
    case OBSERVABLE_SHA512: return 9;
    case OBSERVABLE_SHA1:
    case OBSERVABLE_X509_SHA1: return 8;
    case OBSERVABLE_MD5: return 7;
    case OBSERVABLE_URL: return 6;
    case OBSERVABLE_EMAIL_ADDR: return 5;
    case OBSERVABLE_DOMAIN_NAME: return 4;
    case OBSERVABLE_IPV4_ADDR:
    case OBSERVABLE_IPV6_ADDR: return 3;
    case OBSERVABLE_USER_AGENT: return 2;
    default: return 1;
    }
}

/* Appends the string without its escapes. */
static struct value keep_text(struct stix_pattern *out, struct bytes raw)
{
    struct value v = {.at = out->text.len};
    while (raw.len) {
        size_t plain = bytes_find(raw, '\\');
        buffer_add(&out->text, raw.at, plain);
        raw = bytes_from(raw, plain);
        bool escape = raw.len > 1 && (raw.at[1] == '\\' || raw.at[1] == '\'');
        raw = bytes_from(raw, escape);
        if (raw.len)
            buffer_add(&out->text, raw.at, 1);
        raw = bytes_from(raw, 1);
    }
    v.len = out->text.len - v.at;
    return v;
}

/* A literal of the comparison becomes a value. */
static bool add_value(struct parser *p, const struct property *property, struct clause *c)
{
    struct stix_pattern *out = p->out;
    if (stix_pattern_count(out) == STIX_PATTERN_VALUES_MAX)
        return fail_set(p->why, "more than %d values", STIX_PATTERN_VALUES_MAX);
    struct value v = keep_text(out, p->token);
    struct bytes text = bytes_of(out->text.at + v.at, v.len);
    struct block block;
    bool masked, address = block_read(text, &block, &masked), alone = address && block.bits == 128;
    v.type = property->type;
    if (property->holds == HOLDS_HOST)
        v.type = address ? observable_type_of(&block.address) : OBSERVABLE_DOMAIN_NAME;
    buffer_add(&out->values, &v, sizeof v);
    unsigned strength = strength_of(v.type);
    c->strength = c->strength && c->strength < strength ? c->strength : strength;
    if (!alone)
        c->end = END_NONE;
    return true;
}

static bool is_constant(const struct parser *p)
{
    switch (p->kind) {
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
    case TOKEN_BINARY:
    case TOKEN_TIME: return true;
    default: return is_word(p, "true") || is_word(p, "false");
    }
}

/* One literal; of what is looked for, it is kept. */
static bool constant(struct parser *p, const struct property *property, struct clause *c, bool kept)
{
    if (!is_constant(p))
        return expected(p, "a value");
    uint64_t port;
    bool value = property->holds == HOLDS_VALUE || property->holds == HOLDS_HOST;
    if (kept && value && p->kind == TOKEN_STRING) {
        if (!add_value(p, property, c))
            return false;
    } else if (kept && property->holds == HOLDS_PORT && p->kind == TOKEN_INTEGER &&
               text_number(p->token, PORT_MAX, &port)) {
        c->port = (uint16_t)port;
        c->port_end = property->end;
    } else if (kept && property->holds == HOLDS_KIND) {
        c->implied = true;
    }
    step(p);
    return true;
}

static bool constants(struct parser *p, const struct property *property, struct clause *c, bool kept)
{
    if (!must_sign(p, "("))
        return false;
    if (take_sign(p, ")"))
        return true;
    do {
        if (!constant(p, property, c, kept))
            return false;
    } while (take_sign(p, ","));
    return must_sign(p, ")");
}

static bool text_only(struct parser *p, const struct property *property, struct clause *c, bool kept)
{
    return p->kind == TOKEN_STRING ? constant(p, property, c, kept) : expected(p, "a string");
}

static void say_beyond(struct parser *p, const struct path *path, const struct property *property, const char *how)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    const char *name = fail_quote(bytes_text(path->text), quote);
    if (property->holds == HOLDS_NOTHING)
        fail_set(&p->beyond, "%s%s is nothing that is looked for", name, path->cut ? "..." : "");
    else
        fail_set(&p->beyond, "%s %s cannot be looked for by value", name, how);
}

/* Behind the path. */
static bool comparison(struct parser *p, const struct path *path, struct clause *c)
{
    static const char *const orders[] = {"<", "<=", ">", ">=", "!=", "<>"};
    static const char *const words[] = {"LIKE", "MATCHES", "ISSUPERSET"};
    struct property property = property_of(path);
    char how[16] = "NOT";
    c->end = property.end;
    bool not = take_word(p, "NOT");
    if (!not )
        snprintf(how, sizeof how, "%.*s", (int)(p->token.len < 15 ? p->token.len : 15), (const char *)p->token.at);
    bool good = false, known = true;
    if (take_sign(p, "=") || take_sign(p, "==")) {
        good = constant(p, &property, c, !not );
    } else if (take_word(p, "IN")) {
        good = constants(p, &property, c, !not );
        c->port_end = END_NONE;
    } else if (take_word(p, "ISSUBSET")) {
        bool address = property.type == OBSERVABLE_IPV4_ADDR || property.type == OBSERVABLE_IPV6_ADDR;
        good = text_only(p, &property, c, !not &&(property.holds == HOLDS_HOST || address));
    } else {
        known = false;
    }
    for (size_t i = 0; !known && i < sizeof orders / sizeof *orders; i++)
        if (take_sign(p, orders[i])) {
            known = true;
            good = constant(p, &property, c, false);
        }
    for (size_t i = 0; !known && i < sizeof words / sizeof *words; i++)
        if (take_word(p, words[i])) {
            known = true;
            good = text_only(p, &property, c, false);
        }
    if (!known)
        return expected(p, "a comparison");
    if (good && !c->strength && !c->implied && !c->port_end)
        say_beyond(p, path, &property, how);
    if (!c->strength)
        c->end = END_NONE;
    return good;
}

static bool any_of(struct parser *p, struct clause *c);

static bool test(struct parser *p, struct clause *c)
{
    *c = (struct clause){.first = stix_pattern_count(p->out)};
    struct path path;
    if (take_sign(p, "("))
        return deeper(p) && any_of(p, c) && must_sign(p, ")") && (p->depth--, true);
    if (take_word(p, "EXISTS")) {
        if (!read_path(p, &path))
            return false;
        fail_set(&p->beyond, "EXISTS cannot be looked for by value");
        return true;
    }
    return read_path(p, &path) && comparison(p, &path, c);
}

/* Each of the clause's addresses and the port become one value. */
static void join_port(struct stix_pattern *out, const struct clause *c, uint16_t port)
{
    for (size_t i = c->first; i < stix_pattern_count(out); i++) {
        struct value *v = &values_of(out)[i];
        char joined[ADDRESS_TEXT_MAX + 16];
        bool v6 = bytes_find(bytes_of(out->text.at + v->at, v->len), ':') < v->len;
        int len = snprintf(joined, sizeof joined, v6 ? "[%.*s]:%u" : "%.*s:%u",
                           (int)bytes_find(bytes_of(out->text.at + v->at, v->len), '/'), out->text.at + v->at, port);
        v->type = OBSERVABLE_IP_PORT;
        v->at = out->text.len;
        v->len = (size_t)len;
        buffer_add(&out->text, joined, v->len);
    }
}

/* Of two parts of an AND one stays. True when the other said something of its own. */
static bool keep_stronger(struct stix_pattern *out, struct clause *best, const struct clause *c)
{
    size_t count = stix_pattern_count(out);
    bool both = best->strength && c->strength;
    if (c->strength > best->strength) {
        values_drop(out, best->first, c->first - best->first);
        size_t first = best->first;
        *best = *c;
        best->first = first;
        return both;
    }
    values_drop(out, c->first, count - c->first);
    return !c->implied;
}

static bool all_of(struct parser *p, struct clause *c)
{
    struct fail before = p->beyond;
    if (!test(p, c))
        return false;
    if (!is_word(p, "AND"))
        return true;
    struct clause best = *c, port = {.port_end = END_NONE};
    bool wider = false, implied = c->implied;
    if (c->port_end)
        port = *c;
    else
        wider = !c->strength && !c->implied;
    while (take_word(p, "AND")) {
        struct clause next;
        if (!test(p, &next))
            return false;
        implied = implied && next.implied;
        if (next.port_end && !port.port_end)
            port = next;
        else
            wider |= keep_stronger(p->out, &best, &next);
    }
    if (best.strength)
        p->beyond = before; /* what was left out beside it is in the warning */
    bool joined = port.port_end && best.end == port.port_end;
    if (joined)
        join_port(p->out, &best, port.port);
    wider = wider || (port.port_end && !joined);
    if (wider && best.strength) {
        enum observable_type type;
        stix_pattern_value(p->out, best.first, &type);
        fail_set(p->warning, "looks for more than the pattern: of an AND only its %s", observable_type_name(type));
    }
    *c = (struct clause){.first = best.first, .strength = best.strength, .implied = implied};
    if (!joined)
        c->end = best.end;
    return true;
}

static void warn_part(struct parser *p)
{
    fail_set(p->warning, "looks for less than the pattern: %s", p->beyond.text);
}

/* Adds a part of an OR. */
static void unite(struct clause *c, const struct clause *next)
{
    c->end = c->end == next->end ? c->end : END_NONE;
    c->port_end = END_NONE;
    c->implied = c->implied && next->implied;
    if (!c->strength || (next->strength && next->strength < c->strength))
        c->strength = next->strength;
}

static bool any_of(struct parser *p, struct clause *c)
{
    if (!all_of(p, c))
        return false;
    bool part = !c->strength;
    while (take_word(p, "OR")) {
        struct clause next;
        if (!all_of(p, &next))
            return false;
        part = part || !next.strength;
        unite(c, &next);
    }
    if (part && c->strength)
        warn_part(p);
    return true;
}

/* ---- observations */

static bool followed(struct parser *p, struct clause *c);

static bool nothing(struct parser *p, struct clause *c, const char *reason)
{
    fail_set(&p->beyond, "%s", reason);
    values_cut(p->out, c->first);
    *c = (struct clause){.first = c->first};
    return true;
}

static bool qualifiers(struct parser *p, struct clause *c)
{
    for (;;) {
        if (take_word(p, "WITHIN")) {
            bool number = (p->kind == TOKEN_INTEGER || p->kind == TOKEN_FLOAT) && p->token.at[0] != '-';
            if (!number)
                return expected(p, "a number of seconds");
            step(p);
            if (!take_word(p, "SECONDS"))
                return expected(p, "SECONDS");
        } else if (take_word(p, "REPEATS")) {
            if (p->kind != TOKEN_INTEGER || p->token.at[0] == '-')
                return expected(p, "a number");
            bool once = bytes_equal(p->token, bytes_text("1"));
            step(p);
            if (!take_word(p, "TIMES"))
                return expected(p, "TIMES");
            if (!once)
                nothing(p, c, "REPEATS needs several observations");
        } else if (take_word(p, "START")) {
            for (int i = 0; i < 2; i++) {
                if (i && !take_word(p, "STOP"))
                    return expected(p, "STOP");
                if (p->kind != TOKEN_TIME && p->kind != TOKEN_STRING) /* a string: STIX 2.0 */
                    return expected(p, "a time");
                step(p);
            }
            nothing(p, c, "START and STOP are no condition that a value has");
        } else {
            return true;
        }
    }
}

static bool observation(struct parser *p, struct clause *c)
{
    *c = (struct clause){.first = stix_pattern_count(p->out)};
    bool good = false;
    if (take_sign(p, "["))
        good = any_of(p, c) && must_sign(p, "]");
    else if (take_sign(p, "("))
        good = deeper(p) && followed(p, c) && must_sign(p, ")") && (p->depth--, true);
    else
        return expected(p, "[");
    return good && qualifiers(p, c);
}

/* Observations that must all be made. */
static bool several(struct parser *p, struct clause *c, const char *operator,
                    bool (*one)(struct parser *, struct clause *))
{
    if (!one(p, c))
        return false;
    bool more = false;
    for (; take_word(p, operator); more = true) {
        struct clause next;
        if (!one(p, &next))
            return false;
    }
    return !more || nothing(p, c, "a value alone does not make an AND or FOLLOWEDBY of observations true");
}

static bool together(struct parser *p, struct clause *c)
{
    return several(p, c, "AND", observation);
}

static bool either(struct parser *p, struct clause *c)
{
    if (!together(p, c))
        return false;
    bool part = !c->strength;
    while (take_word(p, "OR")) {
        struct clause next;
        if (!together(p, &next))
            return false;
        part = part || !next.strength;
        unite(c, &next);
    }
    if (part && c->strength)
        warn_part(p);
    return true;
}

static bool followed(struct parser *p, struct clause *c)
{
    return several(p, c, "FOLLOWEDBY", either);
}

enum stix_verdict stix_pattern_read(struct stix_pattern *out, struct bytes pattern, struct fail *warning,
                                    struct fail *why)
{
    if (!pattern.len)
        pattern = bytes_of("", 0); /* there may be none at all */
    struct parser p = {.out = out, .all = pattern, .rest = pattern, .warning = warning, .why = why};
    struct clause c;
    buffer_clear(&out->text);
    buffer_clear(&out->values);
    buffer_char(&out->text, 0); /* so that there is a buffer, and an empty string has a place */
    warning->text[0] = 0;
    if (pattern.len > STIX_PATTERN_OCTETS_MAX) {
        fail_set(why, "a pattern of %zu octets, at most %d", pattern.len, STIX_PATTERN_OCTETS_MAX);
        return STIX_MALFORMED;
    }
    step(&p);
    bool good = followed(&p, &c) && (p.kind == TOKEN_END || expected(&p, "the end"));
    if (!good)
        return STIX_MALFORMED;
    if (c.strength)
        return STIX_TAKEN;
    fail_set(why, "%s",
             p.beyond.text[0] ? p.beyond.text : "a port or the kind of an address alone is nothing to look for");
    return STIX_BEYOND;
}
