/*
 * SMB 2 and 3 ([MS-SMB2]) over TCP: the names of files that a client creates or opens, once they are no folders' alone.
 * Each message stands behind its length (2.1); requests may be chained (2.2.1.2, NextCommand). What is longer than
 * LOOKED_MAX octets is the data of a read or a write, of which the head is enough.
 *
 * What is encrypted (a transform header) or compressed is passed over, and so is SMB 1.
 */
#include "wire/file.h"

enum {
    SESSION_REQUEST = 0x81, /* NetBIOS, RFC 1002, 4.3.2; its answers and keep-alives are up to 0x85 */
    SESSION_KEEP_ALIVE = 0x85,
    FRAME_HEAD = 4,
    HEAD = 64,
    LOOKED_MAX = 4096,
    CHAIN_MAX = 16,
    NEXT_AT = 20,
    COMMAND_AT = 12,
    FLAGS_AT = 16,
    FLAG_REPLY = 1,
    COMMAND_CREATE = 5,
    OPTIONS_AT = 40, /* of CREATE, 2.2.13, behind the head */
    OPTION_DIRECTORY = 1,
    NAME_AT = 44,
    NAME_UNITS_MAX = FILE_NAME_MAX / 3, /* of UTF-16; each becomes at most three octets */
};

static bool is_message(struct bytes head, const char *sign)
{
    size_t known = head.len < FRAME_HEAD + 4 ? head.len : FRAME_HEAD + 4;
    return known > FRAME_HEAD && head.at[0] == 0 && memcmp(head.at + FRAME_HEAD, sign, known - FRAME_HEAD) == 0;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    static const uint8_t session[] = {SESSION_REQUEST, 0, 0, 0x44, 0x20}; /* two names of 34 octets */
    (void)transport;
    if (head.at[0] == SESSION_REQUEST && head.len >= sizeof session)
        return memcmp(head.at, session, sizeof session) == 0 ? PROBE_YES : PROBE_NO;
    if (head.at[0] == SESSION_REQUEST)
        return PROBE_MORE;
    if (head.at[0] != 0)
        return PROBE_NO;
    if (head.len <= FRAME_HEAD)
        return PROBE_MORE;
    bool may_be = is_message(head, "\xfeSMB") || is_message(head, "\xffSMB");
    return !may_be ? PROBE_NO : head.len < FRAME_HEAD + 4 ? PROBE_MORE : PROBE_YES;
}

static uint16_t u16_at(struct bytes b, size_t at)
{
    return (uint16_t)(b.at[at] | b.at[at + 1] << 8);
}

static uint32_t u32_at(struct bytes b, size_t at)
{
    return u16_at(b, at) | (uint32_t)u16_at(b, at + 2) << 16;
}

/* UTF-16LE to UTF-8; what stands alone of a pair is U+FFFD. The last segment alone matters, and so do the last units.
 */
static size_t utf8_of(struct bytes name, char out[FILE_NAME_MAX])
{
    size_t len = 0, units = name.len / 2;
    size_t at = units > NAME_UNITS_MAX ? units - NAME_UNITS_MAX : 0;
    for (; at < units; at++) {
        uint32_t c = u16_at(name, 2 * at);
        uint32_t low = at + 1 < units ? u16_at(name, 2 * at + 2) : 0;
        if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
            at++;
            out[len++] = (char)(0xf0 | c >> 18);
            out[len++] = (char)(0x80 | (c >> 12 & 0x3f));
        } else if (c >= 0x800) {
            c = c >= 0xd800 && c < 0xe000 ? 0xfffd : c;
            out[len++] = (char)(0xe0 | c >> 12);
        }
        if (c >= 0x800)
            out[len++] = (char)(0x80 | (c >> 6 & 0x3f));
        else if (c >= 0x80)
            out[len++] = (char)(0xc0 | c >> 6);
        out[len++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    return len;
}

static void create(struct dissection *d, struct bytes message)
{
    char room[FILE_NAME_MAX];
    if (message.len < HEAD + NAME_AT + 4)
        return;
    struct bytes name =
        bytes_until(bytes_from(message, u16_at(message, HEAD + NAME_AT)), u16_at(message, HEAD + NAME_AT + 2));
    if (u32_at(message, HEAD + OPTIONS_AT) & OPTION_DIRECTORY)
        return;
    file_name(d, bytes_of(room, utf8_of(name, room)), name);
}

static void messages(struct dissection *d, struct bytes chain)
{
    for (int n = 0; n < CHAIN_MAX && chain.len >= HEAD && bytes_start_with(chain, "\xfeSMB"); n++) {
        bool reply = u32_at(chain, FLAGS_AT) & FLAG_REPLY;
        uint32_t next = u32_at(chain, NEXT_AT);
        d->counts->smb2++;
        if (!reply && u16_at(chain, COMMAND_AT) == COMMAND_CREATE)
            create(d, next ? bytes_until(chain, next) : chain);
        if (!next)
            return;
        chain = bytes_from(chain, next);
    }
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    if (octets.len < FRAME_HEAD)
        return 0;
    size_t len = (size_t)octets.at[1] << 16 | (size_t)octets.at[2] << 8 | octets.at[3];
    size_t look = len < LOOKED_MAX ? len : LOOKED_MAX;
    if (octets.at[0] >= SESSION_REQUEST && octets.at[0] <= SESSION_KEEP_ALIVE) {
        d->flow->side[d->side].skip = len;
        return FRAME_HEAD;
    }
    if (octets.at[0] != 0)
        return DISSECT_OFF;
    if (octets.len < FRAME_HEAD + look)
        return 0;
    messages(d, bytes_until(bytes_from(octets, FRAME_HEAD), look));
    d->flow->side[d->side].skip = len - look;
    return FRAME_HEAD + look;
}

static void rest(struct dissection *d, struct bytes octets)
{
    messages(d, bytes_from(octets, FRAME_HEAD));
}

const struct dissector dissector_smb2 = {
    .name = "smb2", .transports = DISSECT_TCP, .probe = probe, .stream = stream, .rest = rest};
