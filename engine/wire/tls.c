/*
 * TLS (RFC 8446, 5246): the client hello, in one record or spread over several, and the server name in it (RFC 6066,
 * 3). A hello with an encrypted_client_hello extension (RFC 9849; GREASE looks the same) has its name told with `ech`.
 */
#include "wire/dissect.h"

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_HEAD = 5,
    RECORD_MAX = (1 << 14) + 2048,
    HANDSHAKE_CLIENT_HELLO = 1,
    HANDSHAKE_HEAD = 4,
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ECH = 0xfe0d,
    NAME_HOST = 0,
    EXTENSIONS_MAX = 256,
};

/* Whether these could be the first octets of a handshake: record type, version 3.x, a length that can be, and a client
 * or server hello. */
static enum probe probe(struct bytes head, unsigned transport)
{
    (void)transport;
    static const uint8_t pattern[] = {RECORD_HANDSHAKE, 3};
    size_t known = head.len < sizeof pattern ? head.len : sizeof pattern;
    if (memcmp(head.at, pattern, known) != 0)
        return PROBE_NO;
    if (head.len < RECORD_HEAD + 1)
        return PROBE_MORE;
    size_t length = (size_t)head.at[3] << 8 | head.at[4];
    return length > 0 && length <= RECORD_MAX && (head.at[5] == 1 || head.at[5] == 2) ? PROBE_YES : PROBE_NO;
}

/* The name in a server_name extension, empty when there is none. */
static struct bytes server_name(struct cursor extension)
{
    struct cursor list = cursor_child(&extension, cursor_u16(&extension));
    while (cursor_left(&list)) {
        uint8_t type = cursor_u8(&list);
        struct bytes name = cursor_take(&list, cursor_u16(&list));
        if (type == NAME_HOST)
            return name;
    }
    return bytes_of(NULL, 0);
}

/* Reads a hello's body as far as it goes; false when it is malformed or not whole. */
static bool read_hello(struct dissection *d, struct cursor body)
{
    struct bytes name = {.at = NULL};
    bool ech = false;
    cursor_skip(&body, 2 + 32);
    cursor_skip(&body, cursor_u8(&body));  /* session */
    cursor_skip(&body, cursor_u16(&body)); /* cipher suites */
    cursor_skip(&body, cursor_u8(&body));  /* compression */
    bool whole = !body.overrun;
    if (whole && cursor_left(&body)) {
        size_t length = cursor_u16(&body);
        whole = length <= cursor_left(&body);
        for (int n = 0; n < EXTENSIONS_MAX && cursor_left(&body) >= 4; n++) {
            uint16_t type = cursor_u16(&body);
            struct cursor extension = cursor_child(&body, cursor_u16(&body));
            whole &= !extension.overrun;
            if (extension.overrun)
                break;
            ech |= type == EXTENSION_ECH;
            if (type == EXTENSION_SERVER_NAME)
                name = server_name(extension);
        }
    }
    struct address literal; /* RFC 6066 forbids addresses here, and some send them */
    if (address_read(name, &literal))
        dissect_address(d, WHERE_TLS_SNI, &literal, name);
    else if (name.len)
        dissect_name(d, WHERE_TLS_SNI, name, name, ech);
    return whole;
}

/* The handshake octets in the records at hand: a view when they lie in one record, else put together in d->room. The
 * records in front that are whole count, and of the last one what has come. */
static struct bytes handshake(struct dissection *d, struct bytes octets)
{
    struct cursor c = cursor_of(octets);
    struct bytes all = {.at = NULL};
    for (bool first = true; cursor_left(&c) > RECORD_HEAD; first = false) {
        uint8_t type = cursor_u8(&c);
        cursor_skip(&c, 2);
        size_t length = cursor_u16(&c);
        if (type != RECORD_HANDSHAKE || length > RECORD_MAX)
            break;
        struct bytes part = cursor_take(&c, length < cursor_left(&c) ? length : cursor_left(&c));
        if (first) {
            all = part;
            continue;
        }
        size_t kept = all.len;
        if (kept + part.len > DISSECT_PENDING_MAX)
            break;
        if (all.at != (const uint8_t *)d->room)
            memcpy(d->room, all.at, kept);
        memcpy(d->room + kept, part.at, part.len);
        all = bytes_of(d->room, kept + part.len);
    }
    return all;
}

static bool is_client_hello(struct bytes h)
{
    return h.len >= HANDSHAKE_HEAD && h.at[0] == HANDSHAKE_CLIENT_HELLO;
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    struct bytes h = handshake(d, octets);
    if (h.len < HANDSHAKE_HEAD)
        return octets.at[0] == RECORD_HANDSHAKE ? 0 : DISSECT_OFF;
    if (!is_client_hello(h))
        return DISSECT_OFF;
    struct cursor c = cursor_of(bytes_from(h, 1));
    size_t length = cursor_u24(&c);
    if (length > DISSECT_PENDING_MAX) {
        d->counts->tls_refused++;
        return DISSECT_OFF;
    }
    if (cursor_left(&c) < length)
        return 0;
    d->counts->tls++;
    d->counts->tls_refused += !read_hello(d, cursor_child(&c, length));
    return DISSECT_OFF;
}

static void rest(struct dissection *d, struct bytes octets)
{
    struct bytes h = handshake(d, octets);
    if (!is_client_hello(h))
        return;
    d->counts->tls++;
    d->counts->tls_refused++;
    read_hello(d, cursor_of(bytes_from(h, HANDSHAKE_HEAD)));
}

const struct dissector dissector_tls = {
    .name = "tls", .transports = DISSECT_TCP, .encrypted = true, .probe = probe, .stream = stream, .rest = rest};
