/*
 * SOCKS 4, 4a (ftp.icm.edu.pl/packages/socks/socks4/SOCKS4.protocol and 4A) and 5 (RFC 1928, RFC 1929): whom the client
 * asks to be connected with. Then the stream is found out anew: behind the proxy's answer, whoever speaks first; or,
 * where the client does not wait for that, from its next octets on.
 */
#include "wire/dissect.h"

enum {
    SOCKS4 = 4,
    SOCKS5 = 5,
    CONNECT = 1,
    BIND = 2,
    ASSOCIATE = 3,
    ADDRESS_V4 = 1,
    ADDRESS_NAME = 3,
    ADDRESS_V6 = 4,
    AUTHENTICATION = 1, /* the version of RFC 1929 */
    METHODS_MAX = 9,    /* that one client may offer; IANA has assigned as many */
    METHOD_PRIVATE = 0x80,
    NAME_OCTETS_MAX = 255,
    HEAD4 = 8,
    REPLY4 = 8,
};

enum phase { PHASE_GREETING, PHASE_REQUEST, PHASE_TUNNEL };

/* One client offers a few methods and waits for the answer, unless it goes on with its request at once. */
static enum probe probe5(struct bytes head)
{
    if (head.len < 2)
        return PROBE_MORE;
    size_t methods = head.at[1];
    if (!methods || methods > METHODS_MAX)
        return PROBE_NO;
    for (size_t i = 2; i < 2 + methods && i < head.len; i++)
        if (head.at[i] > METHODS_MAX && head.at[i] < METHOD_PRIVATE)
            return PROBE_NO;
    if (head.len <= 2 + methods)
        return head.len < 2 + methods ? PROBE_MORE : PROBE_YES;
    return head.at[2 + methods] == SOCKS5 || head.at[2 + methods] == AUTHENTICATION ? PROBE_YES : PROBE_NO;
}

/* A text that ends with NUL; false when it does not, or is none. */
static bool take_text(struct bytes *rest, struct bytes *text)
{
    size_t len = bytes_find(*rest, 0);
    *text = bytes_until(*rest, len);
    for (size_t i = 0; i < len; i++)
        if (rest->at[i] < ' ' || rest->at[i] == 0x7f)
            return false;
    bool whole = len < rest->len;
    *rest = bytes_from(*rest, len + 1);
    return whole && len <= NAME_OCTETS_MAX;
}

/* 0.0.0.x, x not 0: a name follows. */
static bool is_named(const uint8_t *address)
{
    return !address[0] && !address[1] && !address[2] && address[3];
}

/* The request with its texts; its length, 0 when it is not whole or none. */
static size_t request4(struct bytes octets, struct bytes *name)
{
    struct bytes user, rest = bytes_from(octets, HEAD4);
    *name = bytes_of(NULL, 0);
    if (octets.len <= HEAD4 || !take_text(&rest, &user))
        return 0;
    if (is_named(octets.at + 4) && !take_text(&rest, name))
        return 0;
    return octets.len - rest.len;
}

static enum probe probe4(struct bytes head)
{
    struct bytes name;
    if (head.len >= 2 && head.at[1] != CONNECT && head.at[1] != BIND)
        return PROBE_NO;
    if (head.len <= HEAD4)
        return PROBE_MORE;
    if (!head.at[2] && !head.at[3])
        return PROBE_NO;
    return request4(head, &name) == head.len ? PROBE_YES : PROBE_NO;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    (void)transport;
    return head.at[0] == SOCKS5 ? probe5(head) : head.at[0] == SOCKS4 ? probe4(head) : PROBE_NO;
}

static void tell_target(struct dissection *d, const struct address *a, uint16_t port, struct bytes raw)
{
    static const struct address none4 = {.octet = {[10] = 0xff, [11] = 0xff}}, none6;
    if (memcmp(a, &none4, sizeof none4) == 0 || memcmp(a, &none6, sizeof none6) == 0)
        return; /* to be chosen by the proxy */
    dissect_address(d, WHERE_PROXY_TARGET, a, raw);
    if (port)
        dissect_endpoint(d, WHERE_PROXY_TARGET, a, port, raw);
}

/* All but the last octet was used: it waits for the proxy's answer, or for more from the client. */
static size_t requested(struct dissection *d, size_t len)
{
    d->counts->socks++;
    d->flow->side[d->side].phase = PHASE_TUNNEL;
    return len - 1;
}

static size_t connect4(struct dissection *d, struct bytes octets)
{
    struct bytes name;
    size_t len = request4(octets, &name);
    if (!len)
        return octets.len < HEAD4 + 2 * (NAME_OCTETS_MAX + 1) ? 0 : DISSECT_OFF;
    struct address a = address_v4(octets.at + 4);
    if (name.len)
        dissect_host(d, WHERE_PROXY_TARGET, name);
    else
        tell_target(d, &a, (uint16_t)(octets.at[2] << 8 | octets.at[3]), bytes_of(octets.at + 4, 4));
    return requested(d, len);
}

/* An address of any kind with its port, as requests and replies hold it. False when it is none or not whole. */
static bool take_target(struct cursor *c, uint8_t *kind, struct bytes *target, uint16_t *port)
{
    *kind = cursor_u8(c);
    size_t len = *kind == ADDRESS_V4 ? 4 : *kind == ADDRESS_V6 ? 16 : *kind == ADDRESS_NAME ? cursor_u8(c) : 0;
    *target = cursor_take(c, len);
    *port = cursor_u16(c);
    return !c->overrun && len;
}

/* What the client sends: methods, authentication, then the request. */
static size_t client5(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    struct cursor c = cursor_of(octets);
    uint8_t version = cursor_u8(&c), kind;
    struct bytes target;
    uint16_t port;
    if (version == AUTHENTICATION && side->phase == PHASE_REQUEST) {
        cursor_skip(&c, cursor_u8(&c));
        cursor_skip(&c, cursor_u8(&c));
        return c.overrun ? 0 : (size_t)(c.at - octets.at);
    }
    if (version != SOCKS5)
        return DISSECT_OFF;
    if (side->phase == PHASE_GREETING) {
        cursor_skip(&c, cursor_u8(&c));
        if (c.overrun)
            return 0;
        side->phase = PHASE_REQUEST;
        return (size_t)(c.at - octets.at);
    }
    uint8_t what = cursor_u8(&c);
    cursor_skip(&c, 1);
    if (!c.overrun && (what < CONNECT || what > ASSOCIATE))
        return DISSECT_OFF;
    if (!take_target(&c, &kind, &target, &port))
        return c.overrun && octets.len < NAME_OCTETS_MAX + 7 ? 0 : DISSECT_OFF;
    struct address a = kind == ADDRESS_V4   ? address_v4(target.at)
                       : kind == ADDRESS_V6 ? address_v6(target.at)
                                            : (struct address){0};
    if (kind == ADDRESS_NAME)
        dissect_host(d, WHERE_PROXY_TARGET, target);
    else
        tell_target(d, &a, port, target);
    return requested(d, (size_t)(c.at - octets.at));
}

/* The proxy agreed: both sides begin anew. */
static void connected(struct dissection *d)
{
    d->side = !d->side;
    dissect_forget(d); /* the request's last octet */
    d->side = !d->side;
    for (int side = 0; side < 2; side++)
        d->flow->side[side].phase = d->flow->side[side].gathered = 0;
    d->flow->is = NULL;
}

/* What the proxy answers. Its octets are told from the client's by who sent a request. */
static size_t proxy(struct dissection *d, struct bytes octets)
{
    bool asked = d->flow->side[!d->side].phase == PHASE_TUNNEL;
    struct cursor c = cursor_of(octets);
    uint8_t version = cursor_u8(&c), kind;
    struct bytes target;
    uint16_t port;
    if (version == 0 && asked) { /* SOCKS 4 */
        if (octets.len < REPLY4)
            return 0;
        connected(d);
        return REPLY4;
    }
    if (octets.len < 2)
        return 0;
    if (version == AUTHENTICATION || (version == SOCKS5 && !d->flow->side[d->side].phase)) {
        if (version == SOCKS5)
            d->flow->side[d->side].phase = PHASE_REQUEST;
        return 2;
    }
    if (version != SOCKS5 || !asked)
        return DISSECT_OFF;
    cursor_skip(&c, 2);
    if (!take_target(&c, &kind, &target, &port))
        return c.overrun && octets.len < NAME_OCTETS_MAX + 7 ? 0 : DISSECT_OFF;
    connected(d);
    return (size_t)(c.at - octets.at);
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side], *other = &d->flow->side[!d->side];
    if (side->phase == PHASE_TUNNEL) {
        if (octets.len < 2)
            return 0;
        side->gathered = 0;
        dissect_again(d);
        return 1;
    }
    if (other->gathered)
        return proxy(d, octets);
    side->gathered = true; /* who begins is the client */
    return octets.at[0] == SOCKS4 ? connect4(d, octets) : client5(d, octets);
}

const struct dissector dissector_socks = {.name = "socks", .transports = DISSECT_TCP, .probe = probe, .stream = stream};
