/*
 * SSH (RFC 4253): the software that each side says it is (4.2), and from its key exchange (7.1) the fingerprint of what
 * it offers, HASSH (github.com/salesforce/hassh): MD5 of `kex;encryption;mac;compression`, the client's lists for the
 * way to the server, the server's for the way back. Behind the key exchange all is encrypted.
 *
 * SSH 1 has no such offer: its software is told, and no more.
 */
#include "base/digest.h"
#include "base/text.h"
#include "wire/dissect.h"

enum {
    BANNER_MAX = 255,   /* RFC 4253, 4.2 */
    PACKET_MAX = 35000, /* RFC 4253, 6.1 */
    PORT_SSH = 22,
    PORTS_OF_SERVERS = 1024,
    PACKET_HEAD = 5, /* length, and how much of it is padding */
    MESSAGE_KEXINIT = 20,
    COOKIE_BYTES = 16,
    LISTS = 10,
};

enum phase { PHASE_BANNER, PHASE_PACKETS };

/* Where a key exchange's lists stand (RFC 4253, 7.1), in the order of a HASSH; those of the client, of the server. */
static const uint8_t hassh_lists[2][4] = {{0, 2, 4, 6}, {0, 3, 5, 7}};

static enum probe probe(struct bytes head, unsigned transport)
{
    static const char begin[] = "SSH-";
    (void)transport;
    size_t known = head.len < sizeof begin - 1 ? head.len : sizeof begin - 1;
    if (memcmp(head.at, begin, known) != 0)
        return PROBE_NO;
    if (head.len < sizeof begin + 1)
        return PROBE_MORE;
    return head.at[4] >= '1' && head.at[4] <= '9' && head.at[5] == '.' ? PROBE_YES : PROBE_NO;
}

/* SSH-protoversion-softwareversion SP comments: the software, and the whole line, since people quote both. */
static void tell_software(struct dissection *d, struct bytes line)
{
    line = bytes_trim(line);
    struct bytes software = bytes_from(line, sizeof "SSH-" - 1);
    software = bytes_from(software, bytes_find(software, '-') + 1);
    software = bytes_until(software, bytes_find(software, ' '));
    d->counts->ssh++;
    dissect_text(d, OBSERVABLE_USER_AGENT, WHERE_SSH_SOFTWARE, software);
    dissect_text(d, OBSERVABLE_USER_AGENT, WHERE_SSH_SOFTWARE, line);
}

static size_t banner(struct dissection *d, struct bytes octets)
{
    size_t end = bytes_find(octets, '\n');
    if (end == octets.len && octets.len < BANNER_MAX)
        return 0;
    struct bytes line = bytes_until(octets, end < BANNER_MAX ? end : BANNER_MAX);
    if (!bytes_start_with(line, "SSH-"))
        return end < BANNER_MAX ? end + 1 : DISSECT_OFF; /* a server may say more before */
    tell_software(d, line);
    bool second = bytes_start_with(line, "SSH-2.") || bytes_start_with(line, "SSH-1.99-");
    if (end > BANNER_MAX || !second)
        return DISSECT_OFF;
    d->flow->side[d->side].phase = PHASE_PACKETS;
    return end + 1;
}

/* The flow's src is the client, unless ports say that the capture began with the server's octets. */
static bool is_server(const struct dissection *d)
{
    uint16_t src = d->view->tuple.src_port, dst = d->view->tuple.dst_port;
    bool turned = (src == PORT_SSH && dst != PORT_SSH) || (src < PORTS_OF_SERVERS && dst >= PORTS_OF_SERVERS);
    return (d->side == 1) != turned;
}

static void tell_hassh(struct dissection *d, const struct bytes list[LISTS], struct bytes raw)
{
    const uint8_t *which = hassh_lists[is_server(d)];
    size_t len = 0;
    uint8_t digest[DIGEST_MD5_BYTES];
    char hex[2 * DIGEST_MD5_BYTES + 1];
    for (int i = 0; i < 4; i++) { /* lists of one packet: they fit */
        if (i)
            d->room[len++] = ';';
        memcpy(d->room + len, list[which[i]].at, list[which[i]].len);
        len += list[which[i]].len;
    }
    digest_md5(bytes_of(d->room, len), digest);
    text_hex_write(bytes_of(digest, sizeof digest), hex);
    dissect_value(d, OBSERVABLE_HASSH, WHERE_SSH_HASSH, bytes_text(hex), raw);
}

static void key_exchange(struct dissection *d, struct bytes payload)
{
    struct cursor c = cursor_of(payload);
    struct bytes list[LISTS];
    cursor_skip(&c, 1 + COOKIE_BYTES);
    for (int i = 0; i < LISTS; i++)
        list[i] = cursor_take(&c, cursor_u32(&c));
    if (c.overrun)
        d->counts->ssh_refused++;
    else
        tell_hassh(d, list, payload);
}

/* Only the first packet is looked at: the key exchange, unless it is something else that may come first. */
static size_t packet(struct dissection *d, struct bytes octets)
{
    if (octets.len < PACKET_HEAD + 1)
        return 0;
    struct cursor c = cursor_of(octets);
    uint32_t length = cursor_u32(&c);
    uint8_t padding = cursor_u8(&c);
    if (length > PACKET_MAX || length < padding + 2U) {
        d->counts->ssh_refused++;
        return DISSECT_OFF;
    }
    if (octets.len < length + 4)
        return 0;
    struct bytes payload = cursor_take(&c, length - padding - 1U);
    if (payload.at[0] != MESSAGE_KEXINIT)
        return payload.at[0] < MESSAGE_KEXINIT ? length + 4 : DISSECT_OFF; /* transport messages: ignore, debug */
    key_exchange(d, payload);
    return DISSECT_OFF;
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    if (d->flow->side[d->side].phase == PHASE_PACKETS)
        return packet(d, octets);
    return banner(d, octets);
}

/* A banner whose line end was never seen. */
static void rest(struct dissection *d, struct bytes octets)
{
    if (d->flow->side[d->side].phase == PHASE_BANNER && probe(octets, DISSECT_TCP) == PROBE_YES)
        tell_software(d, bytes_until(octets, bytes_find(octets, '\n')));
}

const struct dissector dissector_ssh = {
    .name = "ssh", .transports = DISSECT_TCP, .encrypted = true, .probe = probe, .stream = stream, .rest = rest};
