/*
 * One pass over each hello; lists stay views, and are walked by who wants what is in them.
 */
#include "wire/tls_hello.h"

enum {
    EXTENSION_GROUPS = 10,
    EXTENSION_POINTS = 11,
    EXTENSION_SIGNATURES = 13,
    EXTENSION_VERSIONS = 43,
    EXTENSION_ECH = 0xfe0d,
    NAME_HOST = 0,
    RANDOM = 32,
    DRAFTS = 0x7f00,
    DRAFT_21 = 0x7f15,
};

bool tls_extension_next(struct cursor *extensions, uint16_t *type, struct cursor *content)
{
    if (!cursor_left(extensions))
        return false;
    *type = cursor_u16(extensions);
    *content = cursor_child(extensions, cursor_u16(extensions));
    return !extensions->overrun;
}

static struct bytes list8(struct cursor *c)
{
    return cursor_take(c, cursor_u8(c));
}

static struct bytes list16(struct cursor *c)
{
    return cursor_take(c, cursor_u16(c));
}

static struct bytes server_name(struct cursor extension)
{
    struct cursor list = cursor_of(list16(&extension));
    while (cursor_left(&list)) {
        uint8_t type = cursor_u8(&list);
        struct bytes name = list16(&list);
        if (type == NAME_HOST)
            return name;
    }
    return bytes_of(NULL, 0);
}

static uint16_t highest_of(struct bytes versions)
{
    uint16_t highest = 0;
    for (struct cursor c = cursor_of(versions); cursor_left(&c) >= 2;) {
        uint16_t version = cursor_u16(&c);
        if (!tls_is_grease(version) && version > highest)
            highest = version;
    }
    return highest;
}

static void take_extension(struct client_hello *h, uint16_t type, struct cursor content)
{
    switch (type) {
    case TLS_EXTENSION_SERVER_NAME:
        h->named = true;
        h->name = server_name(content);
        break;
    case TLS_EXTENSION_ALPN: {
        struct cursor list = cursor_of(list16(&content));
        h->protocol = list8(&list);
        break;
    }
    case EXTENSION_GROUPS: h->groups = list16(&content); break;
    case EXTENSION_POINTS: h->points = list8(&content); break;
    case EXTENSION_SIGNATURES: h->signatures = list16(&content); break;
    case EXTENSION_VERSIONS: h->highest = highest_of(list8(&content)); break;
    case EXTENSION_ECH: h->ech = true; break;
    default: break;
    }
}

/* The extensions, which may be cut: those that are whole are read. */
static bool take_extensions(struct client_hello *h, struct cursor *body)
{
    size_t length = cursor_u16(body);
    bool whole = length <= cursor_left(body);
    h->extensions = cursor_take(body, whole ? length : cursor_left(body));
    struct cursor c = cursor_of(h->extensions), content;
    uint16_t type;
    int n = 0;
    while (n < TLS_EXTENSIONS_MAX && tls_extension_next(&c, &type, &content)) {
        take_extension(h, type, content);
        n++;
    }
    return whole && !c.overrun && !cursor_left(&c);
}

void client_hello_read(struct cursor body, bool datagram, struct client_hello *out)
{
    struct bytes none = bytes_of(body.at, 0);
    *out = (struct client_hello){
        .ciphers = none, .extensions = none, .groups = none, .points = none, .signatures = none, .protocol = none};
    out->version = cursor_u16(&body);
    out->highest = out->version;
    cursor_skip(&body, RANDOM);
    (void)list8(&body); /* session */
    if (datagram)
        (void)list8(&body); /* cookie */
    out->ciphers = list16(&body);
    (void)list8(&body); /* compression */
    out->whole = !body.overrun;
    if (out->whole && cursor_left(&body))
        out->whole = take_extensions(out, &body);
}

void server_hello_read(struct cursor body, struct server_hello *out)
{
    *out = (struct server_hello){.extensions = bytes_of(body.at, 0)};
    out->version = cursor_u16(&body);
    bool draft = out->version > DRAFTS && out->version <= DRAFT_21; /* of TLS 1.3, without what is unused in it */
    cursor_skip(&body, RANDOM);
    if (!draft)
        (void)list8(&body); /* session */
    out->cipher = cursor_u16(&body);
    if (!draft)
        cursor_skip(&body, 1); /* compression */
    out->whole = !body.overrun;
    if (out->whole && cursor_left(&body)) {
        out->extensions = list16(&body);
        out->whole = !body.overrun;
    }
}
