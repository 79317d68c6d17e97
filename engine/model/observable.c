/*
 * The canonical forms. Names and URLs are read in one pass with the octets of the wire in mind: ASCII never leaves this
 * file; only a name with other octets asks IDNA.
 *
 * What people write is cleaned first (refanged), and read more strictly: a name from the wire may hold any octet but
 * blanks and controls, one from a list may not hold what only a mistake can put there.
 */
#include "model/observable.h"
#include "base/idna.h"
#include "base/text.h"
#include <assert.h>
#include <stdio.h>

enum {
    TEXT_MAX = 4 * OBSERVABLE_VALUE_MAX, /* of what a person or feed wrote; a longer text is refused */
    LABEL_MAX = 63,
    LOCAL_MAX = 255, /* of an e-mail address; RFC 5321 says 64, mailers take more */
    PORT_DIGITS_MAX = 8,
    WRAPS_MAX = 8, /* layers of quotes and brackets around a value */
};

static const char *const type_names[OBSERVABLE_TYPES] = {
    [OBSERVABLE_IPV4_ADDR] = "ipv4-addr",
    [OBSERVABLE_IPV6_ADDR] = "ipv6-addr",
    [OBSERVABLE_IP_PORT] = "ip-port",
    [OBSERVABLE_DOMAIN_NAME] = "domain-name",
    [OBSERVABLE_URL] = "url",
    [OBSERVABLE_EMAIL_ADDR] = "email-addr",
    [OBSERVABLE_MD5] = "md5",
    [OBSERVABLE_SHA1] = "sha1",
    [OBSERVABLE_SHA256] = "sha256",
    [OBSERVABLE_SHA512] = "sha512",
    [OBSERVABLE_FILE_NAME] = "file-name",
    [OBSERVABLE_USER_AGENT] = "user-agent",
    [OBSERVABLE_JA3] = "ja3",
    [OBSERVABLE_JA3S] = "ja3s",
    [OBSERVABLE_JA4] = "ja4",
    [OBSERVABLE_HASSH] = "hassh",
    [OBSERVABLE_X509_SHA1] = "x509-sha1",
    [OBSERVABLE_X509_SHA256] = "x509-sha256",
    [OBSERVABLE_REGEX] = "regex",
    [OBSERVABLE_CONTENT] = "content",
};

static const char *const where_names[WHERES] = {
    [WHERE_IP_SRC] = "ip.src",
    [WHERE_IP_DST] = "ip.dst",
    [WHERE_IP_ICMP] = "ip.icmp",
    [WHERE_DNS_QUERY] = "dns.query",
    [WHERE_DNS_ANSWER] = "dns.answer",
    [WHERE_HTTP_HOST] = "http.host",
    [WHERE_HTTP_URL] = "http.url",
    [WHERE_HTTP_USER_AGENT] = "http.user_agent",
    [WHERE_HTTP_REFERER] = "http.referer",
    [WHERE_HTTP_XFF] = "http.xff",
    [WHERE_HTTP_BODY] = "http.body",
    [WHERE_PROXY_TARGET] = "proxy.target",
    [WHERE_TLS_SNI] = "tls.sni",
    [WHERE_TLS_SUBJECT] = "tls.subject",
    [WHERE_TLS_ISSUER] = "tls.issuer",
    [WHERE_TLS_SAN] = "tls.san",
    [WHERE_TLS_CERT] = "tls.cert",
    [WHERE_TLS_JA3] = "tls.ja3",
    [WHERE_TLS_JA3S] = "tls.ja3s",
    [WHERE_TLS_JA4] = "tls.ja4",
    [WHERE_QUIC_SNI] = "quic.sni",
    [WHERE_QUIC_JA4] = "quic.ja4",
    [WHERE_SMTP_HELO] = "smtp.helo",
    [WHERE_SMTP_MAIL_FROM] = "smtp.mail_from",
    [WHERE_SMTP_RCPT_TO] = "smtp.rcpt_to",
    [WHERE_SMTP_HEADER] = "smtp.header",
    [WHERE_SMTP_BODY] = "smtp.body",
    [WHERE_SSH_SOFTWARE] = "ssh.software",
    [WHERE_SSH_HASSH] = "ssh.hassh",
    [WHERE_FTP_COMMAND] = "ftp.command",
    [WHERE_FILE_NAME] = "file.name",
    [WHERE_FILE_HASH] = "file.hash",
    [WHERE_PAYLOAD] = "payload",
    [WHERE_EVENT_SOURCE] = "event.source",
    [WHERE_EVENT_DESTINATION] = "event.destination",
    [WHERE_EVENT_REPORTER] = "event.reporter",
    [WHERE_EVENT_TEXT] = "event.text",
};

static bool name_in(const char *const *names, unsigned count, struct bytes text, unsigned *out)
{
    text = bytes_trim(text);
    for (unsigned i = 0; i < count; i++)
        if (bytes_alike(text, names[i])) {
            *out = i;
            return true;
        }
    return false;
}

const char *observable_type_name(enum observable_type t)
{
    assert(t < OBSERVABLE_TYPES);
    return type_names[t];
}

bool observable_type_read(struct bytes text, enum observable_type *out)
{
    unsigned i;
    bool found = name_in(type_names, OBSERVABLE_TYPES, text, &i);
    if (found)
        *out = (enum observable_type)i;
    return found;
}

const char *where_name(enum where w)
{
    return w < WHERES ? where_names[w] : "any";
}

bool where_read(struct bytes text, enum where *out)
{
    unsigned i;
    bool found = name_in(where_names, WHERES, text, &i);
    if (found)
        *out = (enum where)i;
    else if (bytes_alike(bytes_trim(text), "any")) {
        *out = WHERE_ANY;
        found = true;
    }
    return found;
}

struct address address_canonical(const struct address *a)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    return memcmp(a->octet, nat64, sizeof nat64) == 0 ? address_v4(a->octet + 12) : *a;
}

/* Names */

static bool is_space_or_control(uint8_t c)
{
    return c <= ' ' || c == 0x7f;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Four numbers are an address, not a name. Only a last label that begins with a digit is worth the look. */
static bool is_address(struct bytes name, size_t last_label)
{
    struct address a;
    return is_digit(name.at[last_label]) && address_read(name, &a);
}

static size_t name_international(struct bytes text, char *out)
{
    char ascii[IDNA_NAME_MAX + 1];
    for (size_t i = 0; i < text.len; i++)
        if (is_space_or_control(text.at[i]))
            return 0;
    size_t len = idna_ascii(text, ascii);
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)ascii[i] >= 0x80)
            return 0;
    return len ? name_canonical(bytes_of(ascii, len), out) : 0;
}

size_t name_canonical(struct bytes text, char *out)
{
    size_t len = text.len, label = 0;
    if (len && text.at[len - 1] == '.')
        len--;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text.at[i];
        if (c >= 0x80)
            return name_international(text, out);
        if (i >= NAME_MAX_OCTETS)
            continue; /* too long, unless IDNA makes it shorter */
        if (c == '.') {
            if (i == label || i - label > LABEL_MAX)
                return 0;
            label = i + 1;
        }
        if (is_space_or_control(c))
            return 0;
        out[i] = (char)bytes_lower(c);
    }
    if (len > NAME_MAX_OCTETS || len == label || len - label > LABEL_MAX || is_address(bytes_of(text.at, len), label))
        return 0;
    return len;
}

/* URLs */

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

static int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c = bytes_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octet that `%XX` at the start of `b` stands for, or -1. */
static int unescaped(struct bytes b)
{
    if (b.len < 3 || b.at[0] != '%')
        return -1;
    int high = hex_value(b.at[1]), low = hex_value(b.at[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* A canonical URL while it grows. What does not fit is cut, but counted in whole segments, so that a `..` behind the
 * cut still takes back the right one. */
struct url_out {
    char *at;
    size_t len;
    size_t max;
    size_t cut; /* segments that found no room */
};

static void url_char(struct url_out *o, char c)
{
    if (o->len < o->max)
        o->at[o->len++] = c;
}

static void url_text(struct url_out *o, const void *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        url_char(o, ((const char *)text)[i]);
}

static void url_escape(struct url_out *o, uint8_t c)
{
    static const char digits[] = "0123456789ABCDEF";
    url_text(o, (char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
}

/* RFC 3986, 6.2.2: escapes of unreserved octets undone, others upper-case. Octets that no URL can hold are escaped, as
 * browsers and RFC 3987 do before they send them; a stray % stays. */
static void url_part(struct url_out *o, struct bytes part)
{
    for (size_t i = 0; i < part.len; i++) {
        uint8_t c = part.at[i];
        int octet = unescaped(bytes_from(part, i));
        if (octet >= 0) {
            i += 2;
            if (is_unreserved((uint8_t)octet))
                url_char(o, (char)octet);
            else
                url_escape(o, (uint8_t)octet);
        } else if (is_space_or_control(c) || c >= 0x80) {
            url_escape(o, c);
        } else {
            url_char(o, (char)c);
        }
    }
}

/* 1 for "." and 2 for "..", their dots escaped or not; else 0. */
static int dots(struct bytes segment)
{
    int n = 0;
    for (size_t i = 0; i < segment.len; n++) {
        if (segment.at[i] == '.')
            i += 1;
        else if (unescaped(bytes_from(segment, i)) == '.')
            i += 3;
        else
            return 0;
    }
    return n <= 2 ? n : 0;
}

static void segment_push(struct url_out *o, struct bytes segment)
{
    if (o->len == o->max) {
        o->cut++;
        return;
    }
    url_char(o, '/');
    url_part(o, segment);
}

static void segment_pop(struct url_out *o, size_t path)
{
    if (o->cut) {
        o->cut--;
        return;
    }
    while (o->len > path && o->at[--o->len] != '/')
        ;
}

/* RFC 3986, 5.2.4, for a path that is empty or begins with a slash. */
static void url_path(struct url_out *o, struct bytes path)
{
    size_t start = o->len;
    bool slash = path.len == 0; /* the path ends where a segment was taken away: at its slash */
    while (path.len) {
        path = bytes_from(path, 1);
        struct bytes segment = bytes_until(path, bytes_find(path, '/'));
        int n = dots(segment);
        path = bytes_from(path, segment.len);
        if (n == 2)
            segment_pop(o, start);
        if (n == 0)
            segment_push(o, segment);
        slash = n > 0;
    }
    if (slash)
        segment_push(o, bytes_of("", 0));
}

/* Octets that would end a host early if they were read again (WHATWG URL, forbidden host code points). */
static bool is_host_octet(uint8_t c)
{
    return !is_space_or_control(c) && !strchr("#%/:<>?@[\\]^|", c);
}

static size_t address_host(const struct address *found, char out[NAME_MAX_OCTETS])
{
    char text[ADDRESS_TEXT_MAX];
    struct address a = address_canonical(found);
    size_t len = address_write(&a, text);
    return (size_t)snprintf(out, NAME_MAX_OCTETS, address_is_v4(&a) ? "%.*s" : "[%.*s]", (int)len, text);
}

/* Name or address between user info and port; 0 when it is none. */
static size_t url_host_canonical(struct bytes host, char out[NAME_MAX_OCTETS])
{
    struct address a;
    bool colons = bytes_find(host, ':') < host.len;
    if (colons && host.at[0] == '[' && host.at[host.len - 1] == ']')
        return address_read(bytes_of(host.at + 1, host.len - 2), &a) ? address_host(&a, out) : 0;
    if (!colons && address_read(host, &a))
        return address_host(&a, out);

    char plain[4 * NAME_MAX_OCTETS];
    size_t len = 0;
    for (size_t i = 0; i < host.len; i++) {
        int octet = unescaped(bytes_from(host, i));
        uint8_t c = octet < 0 ? host.at[i] : (uint8_t)octet;
        if (!is_host_octet(c) || len == sizeof plain)
            return 0;
        plain[len++] = (char)c;
        i += octet < 0 ? 0 : 2;
    }
    char name[OBSERVABLE_VALUE_MAX];
    len = name_canonical(bytes_of(plain, len), name);
    memcpy(out, name, len);
    return len;
}

/* Length of the scheme in front of `://` (RFC 3986, 3.1), or 0. */
static size_t scheme_len(struct bytes url)
{
    size_t len = bytes_find(url, ':');
    if (len == 0 || !bytes_start_with(bytes_from(url, len), "://"))
        return 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = bytes_lower(url.at[i]);
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || (!is_digit(c) && c != '+' && c != '-' && c != '.')))
            return 0;
    }
    return len;
}

static bool is_default_port(struct bytes scheme, uint64_t port)
{
    return (port == 80 && bytes_alike(scheme, "http")) || (port == 443 && bytes_alike(scheme, "https")) ||
           (port == 21 && bytes_alike(scheme, "ftp"));
}

/* Offset of the first octet that ends an authority. */
static size_t authority_len(struct bytes b)
{
    size_t len = 0;
    while (len < b.len && b.at[len] != '/' && b.at[len] != '?' && b.at[len] != '#')
        len++;
    return len;
}

/* `host[:port]` in canonical form behind the scheme that is already written; false when there is no host. */
static bool url_authority(struct url_out *o, struct bytes authority, struct bytes scheme)
{
    for (size_t at; (at = bytes_find(authority, '@')) < authority.len;)
        authority = bytes_from(authority, at + 1); /* user info */

    size_t port_at = authority.len;
    while (port_at && is_digit(authority.at[port_at - 1]))
        port_at--;
    struct bytes host = authority, port = bytes_of(NULL, 0);
    if (port_at && authority.at[port_at - 1] == ':') {
        port = bytes_from(authority, port_at);
        host = bytes_until(authority, port_at - 1);
    }
    uint64_t number = 0;
    if (port.len > PORT_DIGITS_MAX || (port.len && !text_number(port, UINT16_MAX, &number)))
        return false;

    char text[NAME_MAX_OCTETS];
    size_t len = url_host_canonical(host, text);
    url_text(o, text, len);
    if (port.len && !is_default_port(scheme, number)) {
        char digits[8];
        url_text(o, digits, (size_t)snprintf(digits, sizeof digits, ":%u", (unsigned)number));
    }
    return len > 0;
}

/* The canonical form's first `max` octets, and their number; 0 when it is no URL. */
static size_t url_write(struct bytes text, char *out, size_t max)
{
    struct url_out o = {.at = out, .max = max};
    struct bytes scheme = bytes_text("http"), rest = bytes_trim(text);
    size_t len = scheme_len(rest);
    if (len) {
        scheme = bytes_until(rest, len);
        rest = bytes_from(rest, len + 3);
    } else if (bytes_start_with(rest, "//")) {
        rest = bytes_from(rest, 2);
    }
    if (scheme.len > NAME_MAX_OCTETS)
        return 0;
    for (size_t i = 0; i < scheme.len; i++)
        url_char(&o, (char)bytes_lower(scheme.at[i]));
    url_text(&o, "://", 3);

    struct bytes authority = bytes_until(rest, authority_len(rest));
    if (!url_authority(&o, authority, scheme))
        return 0;
    rest = bytes_from(rest, authority.len);
    rest = bytes_until(rest, bytes_find(rest, '#'));
    size_t query = bytes_find(rest, '?');
    url_path(&o, bytes_until(rest, query));
    url_part(&o, bytes_from(rest, query));
    return o.len;
}

size_t url_canonical(struct bytes text, char *out)
{
    return url_write(text, out, OBSERVABLE_VALUE_MAX);
}

struct bytes url_without_scheme(struct bytes canonical)
{
    size_t len = scheme_len(canonical);
    return len ? bytes_from(canonical, len + 3) : canonical;
}

struct bytes url_host(struct bytes canonical)
{
    struct bytes rest = url_without_scheme(canonical);
    rest = bytes_until(rest, authority_len(rest));
    if (rest.len && rest.at[0] == '[') {
        rest = bytes_from(rest, 1);
        return bytes_until(rest, bytes_find(rest, ']'));
    }
    return bytes_until(rest, bytes_find(rest, ':'));
}

/* Others */

size_t email_canonical(struct bytes text, char *out)
{
    text = bytes_trim(text);
    size_t at = text.len;
    while (at && text.at[at - 1] != '@')
        at--;
    if (at < 2 || at - 1 > LOCAL_MAX)
        return 0;
    for (size_t i = 0; i < at; i++) {
        if (is_space_or_control(text.at[i]))
            return 0;
        out[i] = (char)bytes_lower(text.at[i]);
    }
    size_t domain = name_canonical(bytes_from(text, at), out + at);
    return domain ? at + domain : 0;
}

/* Octets of the digest behind the type, 0 where there is none. */
static size_t digest_octets(enum observable_type type)
{
    switch (type) {
    case OBSERVABLE_MD5:
    case OBSERVABLE_JA3:
    case OBSERVABLE_JA3S:
    case OBSERVABLE_HASSH: return 16;
    case OBSERVABLE_SHA1:
    case OBSERVABLE_X509_SHA1: return 20;
    case OBSERVABLE_SHA256:
    case OBSERVABLE_X509_SHA256: return 32;
    case OBSERVABLE_SHA512: return 64;
    default: return 0;
    }
}

/* FoxIO's JA4: ten letters and digits, and two times twelve hex digits, between underscores. */
static bool is_ja4(struct bytes text)
{
    if (text.len != 36 || text.at[10] != '_' || text.at[23] != '_')
        return false;
    for (size_t i = 0; i < 10; i++)
        if (!is_digit(text.at[i]) && (bytes_lower(text.at[i]) < 'a' || bytes_lower(text.at[i]) > 'z'))
            return false;
    return strchr("tqd", bytes_lower(text.at[0])) && text_is_hex(bytes_of(text.at + 11, 12)) &&
           text_is_hex(bytes_of(text.at + 24, 12));
}

static size_t lower_copy(struct bytes text, char *out)
{
    for (size_t i = 0; i < text.len; i++)
        out[i] = (char)bytes_lower(text.at[i]);
    return text.len;
}

size_t hash_canonical(enum observable_type type, struct bytes text, char *out)
{
    text = bytes_trim(text);
    if (type == OBSERVABLE_JA4)
        return is_ja4(text) ? lower_copy(text, out) : 0;

    size_t octets = digest_octets(type);
    if (octets == 0)
        return 0;
    if (text.len == 2 * octets)
        return text_is_hex(text) ? lower_copy(text, out) : 0;
    if (text.len != 3 * octets - 1) /* AB:CD:…, as certificates' digests are printed */
        return 0;
    for (size_t i = 0; i < octets; i++) {
        struct bytes pair = bytes_of(text.at + 3 * i, 2);
        if (!text_is_hex(pair) || (i && text.at[3 * i - 1] != ':'))
            return 0;
        lower_copy(pair, out + 2 * i);
    }
    return 2 * octets;
}

/* What people write */

static char closer(uint8_t opener)
{
    switch (opener) {
    case '[': return ']';
    case '(': return ')';
    case '{': return '}';
    case '<': return '>';
    }
    return 0;
}

static char opener(uint8_t closing)
{
    switch (closing) {
    case ']': return '[';
    case ')': return '(';
    case '}': return '{';
    case '>': return '<';
    }
    return 0;
}

static bool is_quote(uint8_t c)
{
    return c == '"' || c == '\'' || c == '`';
}

static size_t count(struct bytes b, uint8_t octet)
{
    size_t n = 0;
    for (size_t i = 0; i < b.len; i++)
        n += b.at[i] == octet;
    return n;
}

/* Whether there are more of this bracket than of its partner. */
static bool lonely(struct bytes text, uint8_t bracket, char partner)
{
    return partner && count(text, bracket) > count(text, (uint8_t)partner);
}

/* Without the quotes and brackets around: those that close what is open at the front, and those without a partner. */
static struct bytes unwrap(struct bytes text)
{
    text = bytes_trim(text);
    for (int i = 0; i < WRAPS_MAX && text.len >= 2; i++) {
        uint8_t first = text.at[0], last = text.at[text.len - 1];
        bool open = lonely(text, first, closer(first)), close = lonely(text, last, opener(last));
        bool pair = closer(first) && closer(first) == last && !open && !close;
        if (is_quote(first) || open || pair)
            text = bytes_from(text, 1);
        if (is_quote(last) || close || pair)
            text.len--;
        text = bytes_trim(text);
    }
    return text;
}

/* What stands between brackets (`[.]`, `( dot )`, `[://]`) so that nobody clicks, and what it means. */
static const char *const veils[][2] = {
    {".", "."}, {"dot", "."}, {"@", "@"}, {"at", "@"}, {":", ":"}, {"://", "://"}, {"/", "/"},
};

/* Octets of `text` that a veil at its start takes, 0 when there is none; `*plain` is what it hides. */
static size_t veil(struct bytes text, const char **plain)
{
    if (text.len < 2 || (text.at[0] != ' ' && text.at[0] != '\\' && !closer(text.at[0])))
        return 0;
    *plain = ".";
    if (text.at[0] == '\\')
        return text.at[1] == '.' ? 2 : 0;
    if (text.at[0] == ' ')
        return bytes_alike(bytes_until(text, 5), " dot ") ? 5 : 0;

    size_t end = bytes_find(bytes_until(text, 8), (uint8_t)closer(text.at[0]));
    if (end == text.len || end == 8)
        return 0;
    struct bytes inside = bytes_trim(bytes_of(text.at + 1, end - 1));
    for (size_t i = 0; i < sizeof veils / sizeof *veils; i++)
        if (bytes_alike(inside, veils[i][0])) {
            *plain = veils[i][1];
            return end + 1;
        }
    return 0;
}

/* hxxp, hXXps, h**p, htxp …: http; fxp: ftp. The letters are put right in place. */
static void refang_scheme(char *url, size_t len)
{
    struct bytes text = bytes_of(url, len);
    size_t scheme = bytes_find(text, ':');
    if (!bytes_start_with(bytes_from(text, scheme), "://") || scheme < 3 || scheme > 5)
        return;
    bool s = scheme > 3 && bytes_lower(text.at[scheme - 1]) == 's';
    size_t stem = scheme - s;
    if (bytes_lower(text.at[stem - 1]) != 'p' || bytes_lower(text.at[0]) != (stem == 4 ? 'h' : 'f') || stem < 3 ||
        stem > 4)
        return;
    for (size_t i = 1; i < stem - 1; i++)
        if (!strchr("tTxX*_", url[i]) || !url[i])
            return;
    memset(url + 1, 't', stem - 2);
}

size_t observable_refang(struct bytes text, char *out)
{
    size_t len = 0;
    text = unwrap(text);
    for (size_t i = 0; i < text.len;) {
        const char *plain;
        size_t taken = veil(bytes_from(text, i), &plain);
        if (taken) {
            size_t n = strlen(plain);
            memcpy(out + len, plain, n);
            len += n;
            i += taken;
        } else {
            out[len++] = (char)text.at[i++];
        }
    }
    refang_scheme(out, len);
    out[len] = 0;
    return len;
}

/* A name that only a mistake can have written: two of them in one field, a URL, an address with a port. */
static bool is_written_name(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_space_or_control(text.at[i]) || strchr("\"#%&'()*,/:;<=>?@[\\]^`{|}", text.at[i]))
            return false;
    return true;
}

/* 192.0.2.1:80, [2001:db8::1]:80, or with MISP's `|`. */
static bool ip_port_read(struct bytes text, struct observable *o)
{
    size_t at = bytes_find(text, '|');
    bool marked = at < text.len;
    if (!marked)
        for (at = text.len; at && text.at[at - 1] != ':';)
            at--;
    if (at == 0)
        return false;
    struct bytes host = bytes_until(text, marked ? at : at - 1), port = bytes_from(text, marked ? at + 1 : at);
    bool bracketed = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (bracketed)
        host = bytes_of(host.at + 1, host.len - 2);
    uint64_t number;
    struct address a;
    if (!text_number(bytes_trim(port), UINT16_MAX, &number) || number == 0 || !address_read(bytes_trim(host), &a))
        return false;
    if (!marked && !bracketed && bytes_find(host, ':') < host.len)
        return false; /* an IPv6 address, whose last group looks like a port */
    o->address = address_canonical(&a);
    o->port = (uint16_t)number;
    return true;
}

static bool address_value_read(struct bytes text, struct observable *o)
{
    if (o->type == OBSERVABLE_IP_PORT)
        return ip_port_read(text, o);
    struct address a;
    if (!address_read(text, &a))
        return false;
    o->address = address_canonical(&a);
    o->type = observable_type_of(&o->address);
    return true;
}

static size_t url_read(struct bytes text, char *room)
{
    char url[OBSERVABLE_VALUE_MAX + 1]; /* one more than fits, to know of a URL that does not */
    size_t len = url_write(text, url, sizeof url);
    struct bytes host = url_host(bytes_of(url, len));
    struct address a;
    if (len > OBSERVABLE_VALUE_MAX || !(is_written_name(host) || address_read(host, &a)))
        return 0;
    memcpy(room, url, len);
    return len;
}

static size_t value_read(enum observable_type type, struct bytes text, char *room)
{
    switch (type) {
    case OBSERVABLE_DOMAIN_NAME: return is_written_name(text) ? name_canonical(text, room) : 0;
    case OBSERVABLE_URL: return url_read(text, room);
    case OBSERVABLE_EMAIL_ADDR:
        if (bytes_alike(bytes_until(text, 7), "mailto:"))
            text = bytes_from(text, 7);
        return email_canonical(text, room);
    case OBSERVABLE_FILE_NAME:
    case OBSERVABLE_USER_AGENT:
    case OBSERVABLE_REGEX:
    case OBSERVABLE_CONTENT:
        if (text.len > OBSERVABLE_VALUE_MAX)
            return 0;
        memcpy(room, text.at, text.len);
        return text.len;
    default: return hash_canonical(type, text, room);
    }
}

static const char *const expected[OBSERVABLE_TYPES] = {
    [OBSERVABLE_IPV4_ADDR] = "an IP address",
    [OBSERVABLE_IPV6_ADDR] = "an IP address",
    [OBSERVABLE_IP_PORT] = "an IP address and a port (192.0.2.1:80, [2001:db8::1]:80)",
    [OBSERVABLE_DOMAIN_NAME] = "a host name",
    [OBSERVABLE_URL] = "a URL of at most 2048 octets with a host",
    [OBSERVABLE_EMAIL_ADDR] = "an e-mail address",
    [OBSERVABLE_MD5] = "32 hex digits",
    [OBSERVABLE_SHA1] = "40 hex digits",
    [OBSERVABLE_SHA256] = "64 hex digits",
    [OBSERVABLE_SHA512] = "128 hex digits",
    [OBSERVABLE_FILE_NAME] = "a file name of 1 to 2048 octets",
    [OBSERVABLE_USER_AGENT] = "a text of 1 to 2048 octets",
    [OBSERVABLE_JA3] = "32 hex digits",
    [OBSERVABLE_JA3S] = "32 hex digits",
    [OBSERVABLE_JA4] = "a JA4 fingerprint (t13d1516h2_8daaf6152771_b186095e22b6)",
    [OBSERVABLE_HASSH] = "32 hex digits",
    [OBSERVABLE_X509_SHA1] = "40 hex digits",
    [OBSERVABLE_X509_SHA256] = "64 hex digits",
    [OBSERVABLE_REGEX] = "an expression of 1 to 2048 octets",
    [OBSERVABLE_CONTENT] = "1 to 2048 octets",
};

static bool is_literal(enum observable_type type)
{
    return type == OBSERVABLE_REGEX || type == OBSERVABLE_CONTENT;
}

static bool is_refanged(enum observable_type type)
{
    return !is_literal(type) && type != OBSERVABLE_USER_AGENT && type != OBSERVABLE_FILE_NAME;
}

bool observable_read(enum observable_type type, struct bytes text, char *room, struct observable *o, struct fail *why)
{
    char clean[TEXT_MAX + 1];
    struct bytes value = is_literal(type) ? text : bytes_trim(text);
    *o = (struct observable){.type = type, .where = WHERE_ANY};
    bool read = value.len > 0 && value.len <= TEXT_MAX;
    if (read && is_refanged(type))
        value = bytes_of(clean, observable_refang(value, clean));
    if (read && observable_is_address(type)) {
        read = address_value_read(value, o);
    } else if (read) {
        o->value = bytes_of(room, value_read(type, value, room));
        read = o->value.len > 0;
    }
    char quote[4 * FAIL_QUOTE_MAX + 4];
    return read || fail_set(why, "expected %s, found \"%s\"", expected[type], fail_quote(text, quote));
}

static bool is_host_and_port(struct bytes text)
{
    uint64_t port;
    size_t colon = bytes_find(text, ':');
    return colon && text_number(bytes_from(text, colon + 1), UINT16_MAX, &port);
}

static enum observable_type guess_hash(struct bytes text)
{
    static const enum observable_type kinds[] = {OBSERVABLE_MD5, OBSERVABLE_SHA1, OBSERVABLE_SHA256, OBSERVABLE_SHA512};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (text.len == 2 * digest_octets(kinds[i]) && text_is_hex(text))
            return kinds[i];
    return is_ja4(text) ? OBSERVABLE_JA4 : OBSERVABLE_TYPES;
}

/* Digits and dots, a slash, digits: a block, if a wrong one, and no URL. */
static bool is_block_like(struct bytes text)
{
    size_t slash = bytes_find(text, '/');
    bool digits = slash > 0 && slash + 1 < text.len && bytes_find(text, '.') < slash;
    for (size_t i = 0; i < text.len && digits; i++)
        digits = i == slash || (text.at[i] >= '0' && text.at[i] <= '9') || (i < slash && text.at[i] == '.');
    return digits;
}

enum observable_type observable_guess(struct bytes text)
{
    char clean[TEXT_MAX + 1];
    if (text.len > TEXT_MAX)
        return OBSERVABLE_DOMAIN_NAME;
    text = bytes_of(clean, observable_refang(text, clean));
    if (text.len && text.at[0] == '=')
        text = bytes_from(text, 1);

    struct block block;
    struct observable o;
    bool masked;
    if (scheme_len(text))
        return OBSERVABLE_URL;
    if (block_read(text, &block, &masked))
        return block.bits >= ADDRESS_V4_BITS ? observable_type_of(&block.address) : OBSERVABLE_IPV6_ADDR;
    if (is_block_like(text))
        return OBSERVABLE_IPV4_ADDR;
    if (ip_port_read(text, &o))
        return OBSERVABLE_IP_PORT;
    enum observable_type hash = guess_hash(text);
    if (hash != OBSERVABLE_TYPES)
        return hash;
    if (authority_len(text) < text.len || is_host_and_port(text))
        return OBSERVABLE_URL;
    return bytes_find(text, '@') < text.len ? OBSERVABLE_EMAIL_ADDR : OBSERVABLE_DOMAIN_NAME;
}

/* As in Snort rules: octets that are not plain text in hex between bars. Stops where the next would not fit whole. */
static size_t content_write(struct bytes octets, char *out)
{
    size_t len = 0;
    bool hex = false;
    for (size_t i = 0; i < octets.len && len + 5 <= OBSERVABLE_VALUE_MAX; i++) {
        uint8_t c = octets.at[i];
        bool plain = c >= ' ' && c < 0x7f && !strchr("|\"\\;", c);
        if (plain == hex)
            out[len++] = '|';
        else if (hex)
            out[len++] = ' ';
        hex = !plain;
        if (plain) {
            out[len++] = (char)c;
            continue;
        }
        char digits[3];
        text_hex_write(bytes_of(&c, 1), digits);
        memcpy(out + len, digits, 2);
        len += 2;
    }
    if (hex)
        out[len++] = '|';
    return len;
}

size_t observable_write(const struct observable *o, char *out)
{
    if (o->type == OBSERVABLE_CONTENT)
        return content_write(o->value, out);
    if (!observable_is_address(o->type)) {
        struct bytes value = bytes_until(o->value, OBSERVABLE_VALUE_MAX);
        memcpy(out, value.at, value.len);
        return value.len;
    }
    char text[ADDRESS_TEXT_MAX];
    size_t len = address_write(&o->address, text);
    if (o->type != OBSERVABLE_IP_PORT) {
        memcpy(out, text, len);
        return len;
    }
    char both[ADDRESS_TEXT_MAX + sizeof "[]:65535"];
    len = (size_t)snprintf(both, sizeof both, address_is_v4(&o->address) ? "%s:%u" : "[%s]:%u", text, o->port);
    memcpy(out, both, len);
    return len;
}
