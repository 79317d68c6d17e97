/*
 * DNS (RFC 1035): the names asked, and every name and address answered. Over TCP each message has its length in front
 * (RFC 7766, 8). A name is written as RFC 1035, 5.1 shows names: octets that text could not show are \DDD.
 */
#include "base/hash.h"
#include "wire/dissect.h"

#include <stdio.h>

enum {
    HEAD_BYTES = 12,
    LABEL_MAX = 63,
    NAME_ROOM = 4 * 255 + 1,
    JUMPS_MAX = 64,
    QUESTIONS_MAX = 16,
    RECORDS_MAX = 65536 / 11, /* of a message: as many as fit */
    CLASS_IN = 1,
    CLASS_CHAOS = 3,
    CLASS_HESIOD = 4,
    CLASS_NONE = 254,
    CLASS_ANY = 255,
    CLASS_MASK = 0x7fff, /* mDNS uses the first bit (RFC 6762) */
};

enum {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_AAAA = 28,
    TYPE_NB = 32,
    TYPE_NBSTAT = 33, /* the number that SRV has */
    TYPE_SRV = 33,
    TYPE_DNAME = 39,
};

struct head {
    uint16_t id;
    uint16_t flags;
    uint16_t questions;
    uint16_t answers;
    uint16_t authorities;
    uint16_t additionals;
};

static struct head read_head(struct cursor *c)
{
    struct head h;
    h.id = cursor_u16(c);
    h.flags = cursor_u16(c);
    h.questions = cursor_u16(c);
    h.answers = cursor_u16(c);
    h.authorities = cursor_u16(c);
    h.additionals = cursor_u16(c);
    return h;
}

static size_t write_octet(char *out, uint8_t octet)
{
    if (octet == '.' || octet == '\\') {
        out[0] = '\\';
        out[1] = (char)octet;
        return 2;
    }
    if (octet <= ' ' || octet >= 0x7f)
        return (size_t)sprintf(out, "\\%03u", octet);
    out[0] = (char)bytes_lower(octet);
    return 1;
}

/* A name at the cursor, which moves behind it; its text without the last dot to `out`. A pointer leads only backwards,
 * so that following them ends (RFC 1035, 4.1.4). False when it is none. */
static bool read_name(struct cursor *c, struct bytes message, char out[NAME_ROOM], size_t *len)
{
    struct cursor at = *c;
    bool jumped = false;
    size_t octets = 0;
    size_t before = (size_t)(c->at - message.at);
    *len = 0;
    for (int jumps = 0; jumps <= JUMPS_MAX;) {
        uint8_t label = cursor_u8(&at);
        if (at.overrun)
            break;
        if (label >= 0xc0) {
            size_t target = (size_t)(label & 0x3f) << 8 | cursor_u8(&at);
            if (at.overrun || target >= before)
                break;
            if (!jumped)
                *c = at;
            jumped = true;
            jumps++;
            before = target;
            at = cursor_of(bytes_from(message, target));
            continue;
        }
        if (label > LABEL_MAX)
            break;
        if (label == 0) {
            if (!jumped)
                *c = at;
            return true;
        }
        struct bytes text = cursor_take(&at, label);
        octets += (size_t)label + 1;
        if (at.overrun || octets > 254)
            break;
        if (*len)
            out[(*len)++] = '.';
        for (size_t i = 0; i < text.len; i++)
            *len += write_octet(out + *len, text.at[i]);
    }
    c->overrun = true;
    c->at = c->end;
    return false;
}

static bool known_class(uint16_t class)
{
    class &= CLASS_MASK;
    return class == CLASS_IN || class == CLASS_CHAOS || class == CLASS_HESIOD || class == CLASS_NONE ||
           class == CLASS_ANY;
}

/* NetBIOS name service (RFC 1002, 4.2) has DNS's shape: a first label of 32 letters from A to P, of type NB or NBSTAT.
 */
static bool is_netbios(const char *name, uint16_t type)
{
    size_t len = 0;
    while (len < 32 && name[len] >= 'a' && name[len] <= 'p')
        len++;
    return len == 32 && (type == TYPE_NB || type == TYPE_NBSTAT);
}

/* Not by port: a head that could be DNS's and a first question (or record) that is one. */
static enum probe probe_message(struct bytes head)
{
    struct cursor c = cursor_of(head);
    struct head h = read_head(&c);
    unsigned opcode = h.flags >> 11 & 15;
    bool reply = h.flags & 0x8000;
    if (c.overrun || opcode > 5 || opcode == 3 || h.questions > QUESTIONS_MAX)
        return PROBE_NO;
    if (!h.questions && !h.answers && !h.authorities)
        return PROBE_NO;
    if (!reply && opcode == 0 && (h.flags & 0x000f || h.answers + h.authorities > RECORDS_MAX))
        return PROBE_NO;
    char name[NAME_ROOM] = "";
    size_t len;
    if (!read_name(&c, head, name, &len))
        return PROBE_NO;
    uint16_t type = cursor_u16(&c);
    uint16_t class = cursor_u16(&c);
    return !c.overrun && type && known_class(class) && !is_netbios(name, type) ? PROBE_YES : PROBE_NO;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    if (transport == DISSECT_UDP)
        return probe_message(head);
    if (head.len < 2 + HEAD_BYTES + 5)
        return head.len >= 4 && (head.at[0] << 8 | head.at[1]) < HEAD_BYTES + 5 ? PROBE_NO : PROBE_MORE;
    size_t length = (size_t)head.at[0] << 8 | head.at[1];
    struct bytes message = bytes_until(bytes_from(head, 2), length);
    if (length < HEAD_BYTES + 5)
        return PROBE_NO;
    enum probe verdict = probe_message(message);
    return verdict == PROBE_NO && message.len < length && head.len < DISSECT_PROBE_MAX ? PROBE_MORE : verdict;
}

static struct bytes raw_between(const struct cursor *from, const struct cursor *to)
{
    return bytes_of(from->at, (size_t)(to->at - from->at));
}

/* A question that was seen asked is not told again when its answer repeats it. */
static bool asked_before(struct dissect_flow *f, uint32_t question)
{
    for (int i = 0; i < DISSECT_ASKED; i++)
        if (f->asked[i] == question) {
            f->asked[i] = 0;
            return true;
        }
    return false;
}

/* The name without its first label. */
static struct bytes parent(struct bytes name)
{
    size_t at = 0;
    while (at < name.len && name.at[at] != '.')
        at += name.at[at] == '\\' ? 2 : 1;
    return bytes_from(name, at + 1);
}

/* What opaque labels make too long to be written (tunnels have such) is told by the longest of its parents. */
static void tell_name(struct dissection *d, enum where where, const char *name, size_t len, struct bytes raw)
{
    char room[OBSERVABLE_VALUE_MAX];
    struct bytes rest = bytes_of(name, len);
    while (rest.len && !name_canonical(rest, room))
        rest = parent(rest);
    if (rest.len)
        dissect_name(d, where, rest, raw, false);
    else
        d->counts->values_refused += len > 0; /* the root is nobody's */
}

static void read_question(struct dissection *d, struct cursor *c, struct bytes message, const struct head *h)
{
    char name[NAME_ROOM];
    size_t len;
    struct cursor begin = *c;
    if (!read_name(c, message, name, &len))
        return;
    struct bytes raw = raw_between(&begin, c);
    cursor_skip(c, 4);
    if (c->overrun)
        return;
    uint32_t question = (uint32_t)hash_fixed(name, len) ^ h->id;
    question += question == 0;
    bool reply = h->flags & 0x8000;
    if (reply && asked_before(d->flow, question))
        return;
    tell_name(d, WHERE_DNS_QUERY, name, len, raw);
    if (!reply)
        d->flow->asked[d->flow->asked_next++ % DISSECT_ASKED] = question;
}

static void read_record(struct dissection *d, struct cursor *c, struct bytes message)
{
    char name[NAME_ROOM];
    size_t len;
    if (!read_name(c, message, name, &len))
        return;
    uint16_t type = cursor_u16(c);
    uint16_t class = cursor_u16(c) & CLASS_MASK;
    cursor_skip(c, 4); /* time to live */
    struct cursor data = cursor_child(c, cursor_u16(c));
    struct bytes raw = cursor_rest(&data);
    if (c->overrun || class != CLASS_IN)
        return;
    switch (type) {
    case TYPE_A:
        if (raw.len == 4) {
            struct address a = address_v4(raw.at);
            dissect_address(d, WHERE_DNS_ANSWER, &a, raw);
        }
        return;
    case TYPE_AAAA:
        if (raw.len == 16) {
            struct address a = address_v6(raw.at);
            dissect_address(d, WHERE_DNS_ANSWER, &a, raw);
        }
        return;
    case TYPE_SRV: cursor_skip(&data, 4); /* fall through */
    case TYPE_MX: cursor_skip(&data, 2);  /* fall through */
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_PTR:
    case TYPE_DNAME:
        if (!data.overrun && read_name(&data, message, name, &len))
            tell_name(d, WHERE_DNS_ANSWER, name, len, raw);
        return;
    default: return;
    }
}

static void read_message(struct dissection *d, struct bytes message)
{
    struct cursor c = cursor_of(message);
    struct head h = read_head(&c);
    d->counts->dns++;
    unsigned records = (unsigned)h.answers + h.authorities + h.additionals;
    for (unsigned i = 0; i < h.questions && i < QUESTIONS_MAX && !c.overrun; i++)
        read_question(d, &c, message, &h);
    for (unsigned i = 0; i < records && i < RECORDS_MAX && !c.overrun; i++)
        read_record(d, &c, message);
    d->counts->dns_refused += c.overrun;
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    struct cursor c = cursor_of(octets);
    struct bytes message = cursor_take(&c, cursor_u16(&c));
    if (c.overrun)
        return 0;
    if (message.len < HEAD_BYTES) {
        d->counts->dns_refused++;
        return DISSECT_OFF;
    }
    read_message(d, message);
    return 2 + message.len;
}

static void rest(struct dissection *d, struct bytes octets)
{
    if (octets.len > 2 + HEAD_BYTES)
        read_message(d, bytes_from(octets, 2));
}

static void datagram(struct dissection *d, struct bytes payload)
{
    if (payload.len >= HEAD_BYTES)
        read_message(d, payload);
}

const struct dissector dissector_dns = {.name = "dns",
                                        .transports = DISSECT_UDP | DISSECT_TCP,
                                        .probe = probe,
                                        .datagram = datagram,
                                        .stream = stream,
                                        .rest = rest};
