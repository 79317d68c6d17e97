/*
 * One pass over a field: quotes, comments and angles are the only things with an inside.
 */
#include "wire/mail_field.h"

#include "base/text.h"
#include "wire/links.h"

/* Octets of a quoted string from its first quote on, or of a comment, which may hold others. */
static size_t quoted_len(struct bytes b)
{
    size_t at = 1;
    while (at < b.len && b.at[at] != '"')
        at += b.at[at] == '\\' ? 2 : 1;
    return at + 1 < b.len ? at + 1 : b.len;
}

static size_t comment_len(struct bytes b)
{
    size_t at = 0;
    unsigned depth = 0;
    while (at < b.len) {
        if (b.at[at] == '\\')
            at++;
        else if (b.at[at] == '(')
            depth++;
        else if (b.at[at] == ')' && --depth == 0)
            break;
        at++;
    }
    return at < b.len ? at + 1 : b.len;
}

/* One of a list's members: all up to a comma or semicolon that stands outside everything, or the colon of a group's
 * name. */
static bool ends_member(uint8_t c)
{
    return c == ',' || c == ';';
}

/* <@route:local@domain>, or the words that hold an @. */
static struct bytes without_route(struct bytes address)
{
    address = bytes_trim(address);
    if (address.len && address.at[0] == '@')
        address = bytes_trim(bytes_from(address, bytes_find(address, ':') + 1));
    return address;
}

static bool next_member(struct bytes *list, struct bytes *address)
{
    struct bytes b = *list;
    const uint8_t *begin = NULL, *end = NULL; /* of the words outside comments */
    *address = bytes_of(b.at, 0);
    bool angle = false;
    while (b.len && !ends_member(b.at[0])) {
        size_t len = 1;
        if (b.at[0] == '(') {
            b = bytes_from(b, comment_len(b));
            continue;
        }
        if (b.at[0] == '"') {
            len = quoted_len(b);
        } else if (b.at[0] == '<') {
            len = bytes_find(b, '>');
            *address = bytes_of(b.at + 1, len - 1);
            angle = true;
        } else if (b.at[0] == ':' && !angle) { /* a group's name */
            begin = NULL;
            b = bytes_from(b, 1);
            continue;
        }
        if (b.at[0] != ' ' && b.at[0] != '\t' && b.at[0] != '\r' && b.at[0] != '\n') {
            begin = begin ? begin : b.at;
            end = bytes_from(b, len).at;
        }
        b = bytes_from(b, len);
    }
    if (!angle && begin)
        *address = bytes_of(begin, (size_t)(end - begin));
    bool any = list->len > 0;
    *list = bytes_from(b, 1);
    return any;
}

bool mail_field_address(struct bytes *list, struct bytes *address)
{
    while (next_member(list, address)) {
        *address = without_route(*address);
        if (bytes_find(*address, '@') < address->len)
            return true;
    }
    return false;
}

void mail_field_host(struct dissection *d, enum where where, struct bytes host)
{
    static const char v6[] = "ipv6:";
    struct address a;
    struct bytes bare = bytes_trim(host);
    if (bare.len && bare.at[0] == '[')
        bare = bytes_until(bytes_from(bare, 1), bytes_find(bare, ']') - 1);
    if (bytes_alike(bytes_until(bare, sizeof v6 - 1), v6))
        bare = bytes_from(bare, sizeof v6 - 1);
    bool bracketed = bare.at != bytes_trim(host).at;
    if (address_read(bare, &a))
        dissect_address(d, where, &a, host);
    else if (bare.len && !bracketed && bytes_find(bare, ':') == bare.len)
        dissect_name(d, where, bare, host, false);
}

/* ---- Received (RFC 5321, 4.4) ---- */

static struct bytes next_word(struct bytes *rest)
{
    *rest = bytes_trim(*rest);
    size_t len = 0;
    while (len < rest->len && !strchr(" \t\r\n;()", rest->at[len]))
        len++;
    len = len ? len : rest->len > 0;
    struct bytes word = bytes_until(*rest, len);
    *rest = bytes_from(*rest, len);
    return word;
}

static bool has_dot(struct bytes word)
{
    return bytes_find(word, '.') < word.len;
}

static void tell_bracketed(struct dissection *d, struct bytes word)
{
    size_t open = bytes_find(word, '[');
    if (open < word.len)
        mail_field_host(d, WHERE_SMTP_HEADER, bytes_from(word, open));
}

/* from NAME (NAME [ADDRESS]) by NAME (...) ... for <MAILBOX>; date. In comments only names with a dot and addresses. */
static void tell_received(struct dissection *d, struct bytes value)
{
    struct bytes before = bytes_of(NULL, 0), word, box;
    unsigned depth = 0;
    struct address a;
    while ((word = next_word(&value)).len) {
        uint8_t c = word.at[0];
        depth += c == '(';
        depth -= depth && c == ')';
        if (c == ';' && !depth)
            return;
        bool names = !depth && (bytes_alike(before, "from") || bytes_alike(before, "by"));
        bool first = before.len == 1 && before.at[0] == '(';
        if (bytes_find(word, '[') < word.len)
            tell_bracketed(d, word);
        else if (names ||
                 (first && depth && has_dot(word) && bytes_find(word, '=') == word.len &&
                  bytes_find(word, '@') == word.len) ||
                 address_read(word, &a))
            mail_field_host(d, WHERE_SMTP_HEADER, word);
        else if (bytes_alike(before, "for") && mail_field_address(&(struct bytes){word.at, word.len}, &box))
            dissect_email(d, WHERE_SMTP_HEADER, box, word);
        before = word;
    }
}

/* ---- fields ---- */

enum field { FIELD_NONE, FIELD_MAILBOXES, FIELD_RECEIVED, FIELD_HOST, FIELD_SOFTWARE, FIELD_LINKS };

static const struct {
    const char *name;
    enum field is;
} fields[] = {
    {"from", FIELD_MAILBOXES},
    {"to", FIELD_MAILBOXES},
    {"cc", FIELD_MAILBOXES},
    {"bcc", FIELD_MAILBOXES},
    {"sender", FIELD_MAILBOXES},
    {"reply-to", FIELD_MAILBOXES},
    {"return-path", FIELD_MAILBOXES},
    {"errors-to", FIELD_MAILBOXES},
    {"delivered-to", FIELD_MAILBOXES},
    {"envelope-to", FIELD_MAILBOXES},
    {"x-original-to", FIELD_MAILBOXES},
    {"x-envelope-to", FIELD_MAILBOXES},
    {"x-envelope-from", FIELD_MAILBOXES},
    {"x-sender", FIELD_MAILBOXES},
    {"x-original-from", FIELD_MAILBOXES},
    {"disposition-notification-to", FIELD_MAILBOXES},
    {"return-receipt-to", FIELD_MAILBOXES},
    {"received", FIELD_RECEIVED},
    {"x-received", FIELD_RECEIVED},
    {"x-originating-ip", FIELD_HOST},
    {"x-original-ip", FIELD_HOST},
    {"x-sender-ip", FIELD_HOST},
    {"x-source-ip", FIELD_HOST},
    {"x-remote-ip", FIELD_HOST},
    {"x-client-ip", FIELD_HOST},
    {"x-real-ip", FIELD_HOST},
    {"x-mailer", FIELD_SOFTWARE},
    {"user-agent", FIELD_SOFTWARE},
    {"list-unsubscribe", FIELD_LINKS},
    {"list-archive", FIELD_LINKS},
    {"content-location", FIELD_LINKS},
};

static enum field field_of(struct bytes name)
{
    static const char resent[] = "resent-";
    if (bytes_alike(bytes_until(name, sizeof resent - 1), resent))
        name = bytes_from(name, sizeof resent - 1);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (bytes_alike(name, fields[i].name))
            return fields[i].is;
    return FIELD_NONE;
}

void mail_field_tell(struct dissection *d, struct bytes name, struct bytes value)
{
    struct bytes address;
    switch (field_of(name)) {
    case FIELD_MAILBOXES:
        while (mail_field_address(&value, &address))
            dissect_email(d, WHERE_SMTP_HEADER, address, address);
        return;
    case FIELD_RECEIVED: tell_received(d, value); return;
    case FIELD_HOST: mail_field_host(d, WHERE_SMTP_HEADER, value); return;
    case FIELD_SOFTWARE: dissect_text(d, OBSERVABLE_USER_AGENT, WHERE_SMTP_HEADER, value); return;
    case FIELD_LINKS: links_tell(d, WHERE_SMTP_HEADER, value); return;
    case FIELD_NONE: return;
    }
}

/* ---- encoded words ---- */

struct written {
    char *at;
    size_t len;
    size_t max;
};

static void put(struct written *w, uint8_t octet, bool latin)
{
    if (latin && octet >= 0x80) {
        put(w, (uint8_t)(0xc0 | octet >> 6), false);
        octet = (uint8_t)(0x80 | (octet & 0x3f));
    }
    if (w->len < w->max)
        w->at[w->len++] = (char)octet;
}

static int base64_value(uint8_t c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *hit = c ? strchr(digits, c) : NULL;
    return hit ? (int)(hit - digits) : -1;
}

static void put_base64(struct written *w, struct bytes text, bool latin)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.at[i]);
        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            put(w, (uint8_t)(bits >> have), latin);
        }
    }
}

static void put_quoted(struct written *w, struct bytes text, bool latin)
{
    while (text.len) {
        uint8_t octet = text.at[0] == '_' ? ' ' : text.at[0];
        bool escaped = octet == '=' && text.len >= 3 && text_hex(bytes_of(text.at + 1, 2), &octet);
        put(w, octet, latin);
        text = bytes_from(text, escaped ? 3 : 1);
    }
}

/* =?charset?B?text?= in front; the octets of it, 0 when it is none. */
static size_t put_word(struct written *w, struct bytes b)
{
    if (!bytes_start_with(b, "=?"))
        return 0;
    struct bytes charset = bytes_until(bytes_from(b, 2), bytes_find(bytes_from(b, 2), '?'));
    struct bytes behind = bytes_from(b, 2 + charset.len + 1);
    if (behind.len < 4 || behind.at[1] != '?')
        return 0;
    struct bytes text = bytes_from(behind, 2);
    size_t len = bytes_find(text, '?');
    if (len + 1 >= text.len || text.at[len + 1] != '=')
        return 0;
    bool latin = bytes_alike(charset, "iso-8859-1") || bytes_alike(charset, "windows-1252");
    bool base64 = bytes_lower(behind.at[0]) == 'b';
    (base64 ? put_base64 : put_quoted)(w, bytes_until(text, len), latin);
    return (size_t)(text.at + len + 2 - b.at);
}

size_t mail_field_words(struct bytes text, char *out, size_t max)
{
    struct written w = {.at = out, .max = max};
    while (text.len) {
        size_t len = put_word(&w, text);
        if (len) {
            text = bytes_from(text, len);
            struct bytes behind = bytes_trim(text); /* blanks between two words are none */
            if (bytes_start_with(behind, "=?"))
                text = bytes_from(text, (size_t)(behind.at - text.at));
            continue;
        }
        put(&w, text.at[0], false);
        text = bytes_from(text, 1);
    }
    return w.len;
}
