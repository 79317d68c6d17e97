/*
 * From a message to observables: names through the canonical forms, certificates through their DER.
 */
#include "wire/handshake.h"

#include "base/digest.h"
#include "base/text.h"
#include "wire/ja.h"
#include "wire/x509.h"

static bool is_digits(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.at[i] < '0' || b.at[i] > '9')
            return false;
    return true;
}

/* A common name is any text: only what is written as a host of more than one label is one (RFC 6125, 6.4.4). */
static bool looks_like_host(struct bytes name)
{
    size_t dot = name.len;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = bytes_lower(name.at[i]);
        if (c == '.' && i + 1 < name.len)
            dot = i;
        else if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.' && c < 0x80)
            return false;
    }
    return dot > 0 && dot < name.len && !is_digits(bytes_from(name, dot + 1));
}

static struct bytes without_wildcard(struct bytes name)
{
    return bytes_start_with(name, "*.") ? bytes_from(name, 2) : name;
}

static void tell_host(struct dissection *d, enum where where, struct bytes text)
{
    struct bytes name = without_wildcard(text);
    struct address a;
    if (address_read(name, &a))
        dissect_address(d, where, &a, text);
    else
        dissect_name(d, where, name, text, false);
}

static void tell_attributes(struct dissection *d, enum where where, struct cursor *name)
{
    struct x509_value v;
    uint8_t room[X509_NAME_MAX];
    struct address a;
    for (int n = 0; n < X509_NAMES_MAX && x509_next_attribute(name, &v, room); n++) {
        if (v.kind == X509_EMAIL)
            dissect_email(d, where, v.text, v.text);
        else if (address_read(v.text, &a) || looks_like_host(without_wildcard(v.text)))
            tell_host(d, where, v.text);
    }
}

static void tell_alt_address(struct dissection *d, struct bytes octets)
{
    struct address a;
    if (octets.len == 4)
        a = address_v4(octets.at);
    else if (octets.len == 16)
        a = address_v6(octets.at);
    else {
        d->counts->values_refused++;
        return;
    }
    dissect_address(d, WHERE_TLS_SAN, &a, octets);
}

static void tell_alt_names(struct dissection *d, struct cursor *names)
{
    struct x509_value v;
    for (int n = 0; n < X509_NAMES_MAX && x509_next_name(names, &v); n++) {
        switch (v.kind) {
        case X509_EMAIL: dissect_email(d, WHERE_TLS_SAN, v.text, v.text); break;
        case X509_URI: dissect_url(d, WHERE_TLS_SAN, v.text, v.text, true); break;
        case X509_ADDRESS: tell_alt_address(d, v.text); break;
        default: tell_host(d, WHERE_TLS_SAN, v.text); break;
        }
    }
}

/* Digests and fingerprints cost a microsecond each, so they are made for those who ask only. */
static bool is_asked(const struct dissection *d, enum observable_type type)
{
    return d->sink->kinds >> type & 1;
}

static void tell_digests(struct dissection *d, struct bytes der)
{
    uint8_t digest[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    if (is_asked(d, OBSERVABLE_X509_SHA1)) {
        digest_sha1(der, digest);
        text_hex_write(bytes_of(digest, DIGEST_SHA1_BYTES), hex);
        dissect_value(d, OBSERVABLE_X509_SHA1, WHERE_TLS_CERT, bytes_text(hex), der);
    }
    if (is_asked(d, OBSERVABLE_X509_SHA256)) {
        digest_sha256(der, digest);
        text_hex_write(bytes_of(digest, DIGEST_SHA256_BYTES), hex);
        dissect_value(d, OBSERVABLE_X509_SHA256, WHERE_TLS_CERT, bytes_text(hex), der);
    }
}

static void tell_certificate(struct dissection *d, struct bytes der)
{
    struct x509 names;
    d->counts->certificates++;
    tell_digests(d, der);
    bool whole = x509_read(der, &names);
    tell_attributes(d, WHERE_TLS_SUBJECT, &names.subject);
    tell_attributes(d, WHERE_TLS_ISSUER, &names.issuer);
    tell_alt_names(d, &names.names);
    whole &= !names.subject.overrun && !names.issuer.overrun && !names.names.overrun;
    d->counts->certificates_refused += !whole;
}

/* RFC 5246, 7.4.2. Only certificates that are whole are told, so a list may be cut. */
static void certificates(struct dissection *d, struct bytes body)
{
    if (!body.len)
        return;
    struct cursor c = cursor_of(body);
    size_t length = cursor_u24(&c);
    bool whole = length <= cursor_left(&c);
    struct cursor list = cursor_of(bytes_until(cursor_rest(&c), length));
    for (int n = 0; n < HANDSHAKE_CERTIFICATES_MAX && cursor_left(&list); n++) {
        struct bytes der = cursor_take(&list, cursor_u24(&list));
        if (der.len)
            tell_certificate(d, der);
    }
    d->counts->certificates_refused += list.overrun || !whole;
}

/* RFC 6066, 3 forbids addresses and ports here, and some send them. A name with a port is told as it is, and without.
 */
static void tell_server_name(struct dissection *d, enum where where, const struct client_hello *h)
{
    struct address literal;
    size_t colon = bytes_find(h->name, ':');
    if (address_read(h->name, &literal)) {
        dissect_address(d, where, &literal, h->name);
        return;
    }
    if (h->name.len)
        dissect_name(d, where, h->name, h->name, h->ech);
    if (colon < h->name.len && is_digits(bytes_from(h->name, colon + 1)))
        dissect_name(d, where, bytes_until(h->name, colon), h->name, h->ech);
}

static void client(struct dissection *d, enum handshake_way way, struct bytes body, bool all)
{
    struct client_hello h;
    char three[JA3_TEXT], four[JA4_TEXT];
    bool quic = way == HANDSHAKE_QUIC;
    client_hello_read(cursor_of(body), way == HANDSHAKE_DTLS, &h);
    d->counts->tls++;
    d->counts->tls_refused += !h.whole || !all;
    tell_server_name(d, quic ? WHERE_QUIC_SNI : WHERE_TLS_SNI, &h);
    if (!h.whole || !all)
        return;
    bool asks_three = is_asked(d, OBSERVABLE_JA3), asks_four = is_asked(d, OBSERVABLE_JA4);
    if ((asks_three && !ja3(&h, three)) || (asks_four && !ja4(&h, (char)way, four))) {
        d->counts->tls_refused++;
        return;
    }
    if (asks_three)
        dissect_value(d, OBSERVABLE_JA3, WHERE_TLS_JA3, bytes_text(three), bytes_of(NULL, 0));
    if (asks_four)
        dissect_value(d, OBSERVABLE_JA4, quic ? WHERE_QUIC_JA4 : WHERE_TLS_JA4, bytes_text(four), bytes_of(NULL, 0));
}

static void server(struct dissection *d, struct bytes body)
{
    struct server_hello h;
    char text[JA3_TEXT];
    server_hello_read(cursor_of(body), &h);
    d->counts->tls_refused += !h.whole;
    if (h.whole && is_asked(d, OBSERVABLE_JA3S) && ja3s(&h, text))
        dissect_value(d, OBSERVABLE_JA3S, WHERE_TLS_JA3S, bytes_text(text), bytes_of(NULL, 0));
}

void handshake_message(struct dissection *d, enum handshake_way way, uint8_t type, struct bytes body)
{
    switch (type) {
    case TLS_CLIENT_HELLO: client(d, way, body, true); break;
    case TLS_SERVER_HELLO: server(d, body); break;
    case TLS_CERTIFICATE: certificates(d, body); break;
    default: break;
    }
}

void handshake_rest(struct dissection *d, enum handshake_way way, uint8_t type, struct bytes body)
{
    switch (type) {
    case TLS_CLIENT_HELLO: client(d, way, body, false); break;
    case TLS_SERVER_HELLO: d->counts->tls_refused++; break;
    case TLS_CERTIFICATE: certificates(d, body); break;
    default: break;
    }
}
