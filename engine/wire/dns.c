/*
 * DNS (RFC 1035), and what has its shape: mDNS (RFC 6762), LLMNR (RFC 4795), dynamic update (RFC 2136). The names
 * asked, and every name and address in the records of all sections: their owners, and what their data names. Over TCP
 * each message has its length in front (RFC 7766, 8).
 *
 * A question of the name of an address (PTR, in lists too) is a question of that address. Of a text (TXT) only what can
 * be nothing else is told: URLs, a text that is an address, and whom SPF (RFC 7208) names.
 *
 * An owner is told once a message, and not when it is the name asked.
 */
#include "base/hash.h"
#include "base/text.h"
#include "wire/dns_name.h"
#include "wire/links.h"

enum {
    HEAD_BYTES = 12,
    QUESTIONS_MAX = 64, /* mDNS asks many at a time */
    TOLD_MAX = 64,      /* names that a message's owners are compared with */
    OPCODE_UPDATE = 5,
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
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AFSDB = 18,
    TYPE_AAAA = 28,
    TYPE_NB = 32,
    TYPE_NBSTAT = 33, /* the number that SRV has */
    TYPE_SRV = 33,
    TYPE_NAPTR = 35,
    TYPE_KX = 36,
    TYPE_DNAME = 39,
    TYPE_OPT = 41,
    TYPE_NSEC3 = 50,
    TYPE_SVCB = 64,
    TYPE_HTTPS = 65,
    TYPE_SPF = 99,
    TYPE_TKEY = 249,
    TYPE_TSIG = 250,
    TYPE_URI = 256,
};

/* Keys of service parameters (RFC 9460, 14.3.2) */
enum { HINTS_V4 = 4, HINTS_V6 = 6 };

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
    if (c.overrun || opcode > OPCODE_UPDATE || opcode == 3 || h.questions > QUESTIONS_MAX)
        return PROBE_NO;
    if (!h.questions && !h.answers && !h.authorities)
        return PROBE_NO;
    if (!reply && opcode == 0 && (h.flags & 0x000f || h.answers + h.authorities > RECORDS_MAX))
        return PROBE_NO;
    char name[DNS_NAME_ROOM] = "";
    size_t len;
    if (!dns_name_read(&c, head, name, &len))
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

/* A message at hand, and the names in it that were told. */
struct message {
    struct bytes octets;
    struct head head;
    uint32_t told[TOLD_MAX];
    unsigned told_count;
};

static bool told_before(const struct message *m, uint32_t name)
{
    for (unsigned i = 0; i < m->told_count; i++)
        if (m->told[i] == name)
            return true;
    return false;
}

/* What opaque labels make too long to be written (tunnels have such) is told by the longest of its parents. */
static void tell_name(struct dissection *d, struct message *m, enum where where, struct bytes name, struct bytes raw)
{
    char room[OBSERVABLE_VALUE_MAX];
    struct bytes rest = name;
    struct address address;
    if (m->told_count < TOLD_MAX)
        m->told[m->told_count++] = (uint32_t)hash_fixed(name.at, name.len);
    if (address_read(name, &address)) { /* asked for as if it were a name */
        dissect_address(d, where, &address, raw);
        return;
    }
    while (rest.len && !name_canonical(rest, room))
        rest = dns_name_parent(rest);
    if (rest.len)
        dissect_name(d, where, rest, raw, false);
    else
        d->counts->values_refused += name.len > 0; /* the root is nobody's */
    if (dns_name_is_address(name, &address))
        dissect_address(d, where, &address, raw);
}

static void read_question(struct dissection *d, struct cursor *c, struct message *m)
{
    char name[DNS_NAME_ROOM];
    size_t len;
    struct cursor begin = *c;
    if (!dns_name_read(c, m->octets, name, &len))
        return;
    struct bytes raw = raw_between(&begin, c);
    cursor_skip(c, 4);
    if (c->overrun)
        return;
    uint32_t hash = (uint32_t)hash_fixed(name, len);
    uint32_t question = hash ^ m->head.id;
    question += question == 0;
    bool reply = m->head.flags & 0x8000;
    if (!reply || !asked_before(d->flow, question))
        tell_name(d, m, WHERE_DNS_QUERY, bytes_of(name, len), raw);
    else if (m->told_count < TOLD_MAX)
        m->told[m->told_count++] = hash;
    if (!reply)
        d->flow->asked[d->flow->asked_next++ % DISSECT_ASKED] = question;
}

/* A name that the data of a record holds. */
static void read_data_name(struct dissection *d, struct message *m, struct cursor *data, struct bytes raw)
{
    char name[DNS_NAME_ROOM];
    size_t len;
    if (!data->overrun && dns_name_read(data, m->octets, name, &len))
        tell_name(d, m, WHERE_DNS_ANSWER, bytes_of(name, len), raw);
}

static void tell_address(struct dissection *d, const uint8_t *octets, size_t len)
{
    struct address a = len == 4 ? address_v4(octets) : address_v6(octets);
    dissect_address(d, WHERE_DNS_ANSWER, &a, bytes_of(octets, len));
}

/* SOA: the zone's server, and the mailbox of who answers for it, written as a name (RFC 1035, 3.3.13 and 8). */
static void read_authority(struct dissection *d, struct message *m, struct cursor *data, struct bytes raw)
{
    char name[DNS_NAME_ROOM], box[DNS_NAME_ROOM];
    size_t len, used = 0;
    read_data_name(d, m, data, raw);
    if (data->overrun || !dns_name_read(data, m->octets, name, &len))
        return;
    struct bytes domain = dns_name_parent(bytes_of(name, len));
    size_t local = len - domain.len;
    if (!domain.len || local < 2)
        return;
    for (size_t i = 0; i + 1 < local; i++)
        if (name[i] != '\\' || name[i + 1] != '.')
            box[used++] = name[i];
    box[used++] = '@';
    memcpy(box + used, domain.at, domain.len);
    dissect_email(d, WHERE_DNS_ANSWER, bytes_of(box, used + domain.len), raw);
}

/* SVCB and HTTPS (RFC 9460, 2.2). */
static void read_service(struct dissection *d, struct message *m, struct cursor *data, struct bytes raw)
{
    cursor_skip(data, 2); /* priority */
    read_data_name(d, m, data, raw);
    while (cursor_left(data)) {
        uint16_t key = cursor_u16(data);
        struct cursor hints = cursor_child(data, cursor_u16(data));
        size_t len = key == HINTS_V4 ? 4 : key == HINTS_V6 ? 16 : 0;
        while (len && cursor_left(&hints) >= len)
            tell_address(d, cursor_take(&hints, len).at, len);
    }
}

/* NAPTR (RFC 3403, 4.1): two numbers and three strings before the name. */
static void read_pointer(struct dissection *d, struct message *m, struct cursor *data, struct bytes raw)
{
    cursor_skip(data, 4);
    for (int i = 0; i < 3; i++)
        cursor_skip(data, cursor_u8(data));
    read_data_name(d, m, data, raw);
}

static bool take_front(struct bytes *text, const char *front)
{
    size_t len = strlen(front);
    if (!bytes_alike(bytes_until(*text, len), front))
        return false;
    *text = bytes_from(*text, len);
    return true;
}

/* One term of SPF: whom it names, if no macro has to be expanded. */
static void read_sender(struct dissection *d, struct bytes term)
{
    struct address a;
    while (term.len && strchr("+-~?", term.at[0]))
        term = bytes_from(term, 1);
    if (take_front(&term, "ip4:") || take_front(&term, "ip6:")) {
        if (address_read(term, &a))
            dissect_address(d, WHERE_DNS_ANSWER, &a, term);
        return;
    }
    if (!take_front(&term, "include:") && !take_front(&term, "redirect=") && !take_front(&term, "a:") &&
        !take_front(&term, "mx:"))
        return;
    term = bytes_until(term, bytes_find(term, '/'));
    if (term.len && bytes_find(term, '%') == term.len)
        dissect_name(d, WHERE_DNS_ANSWER, term, term, false);
}

/* The strings of a text are one (RFC 7208, 3.3). */
static void read_text(struct dissection *d, struct cursor *data)
{
    size_t len = 0;
    while (cursor_left(data)) {
        struct bytes string = cursor_take(data, cursor_u8(data));
        memcpy(d->room + len, string.at, string.len);
        len += string.len;
    }
    struct bytes text = bytes_of(d->room, len);
    struct address a;
    if (address_read(text, &a)) {
        dissect_address(d, WHERE_DNS_ANSWER, &a, text);
    } else if (take_front(&text, "v=spf1 ")) {
        for (; text.len; text = bytes_from(text, bytes_find(text, ' ') + 1))
            read_sender(d, bytes_until(text, bytes_find(text, ' ')));
    } else {
        links_tell(d, WHERE_DNS_ANSWER, text);
    }
}

static void read_data(struct dissection *d, struct message *m, uint16_t type, struct cursor data)
{
    struct bytes raw = cursor_rest(&data);
    switch (type) {
    case TYPE_A:
    case TYPE_AAAA:
        if (raw.len == (type == TYPE_A ? 4 : 16))
            tell_address(d, raw.at, raw.len);
        return;
    case TYPE_SRV: cursor_skip(&data, 4); /* fall through */
    case TYPE_MX:
    case TYPE_AFSDB:
    case TYPE_KX: cursor_skip(&data, 2); /* fall through */
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_PTR:
    case TYPE_DNAME: read_data_name(d, m, &data, raw); return;
    case TYPE_SOA: read_authority(d, m, &data, raw); return;
    case TYPE_SVCB:
    case TYPE_HTTPS: read_service(d, m, &data, raw); return;
    case TYPE_NAPTR: read_pointer(d, m, &data, raw); return;
    case TYPE_URI: /* RFC 7553, 4.5 */
        cursor_skip(&data, 4);
        links_tell(d, WHERE_DNS_ANSWER, cursor_rest(&data));
        return;
    case TYPE_SPF:
    case TYPE_TXT: read_text(d, &data); return;
    default: return;
    }
}

/* Whether the owner is a name in use: not of options and keys (which sign messages), nor the hash of one. */
static bool owns(uint16_t type)
{
    return type != TYPE_OPT && type != TYPE_TKEY && type != TYPE_TSIG && type != TYPE_NSEC3;
}

/* An update deletes with the classes NONE and ANY (RFC 2136, 2.5). */
static void read_record(struct dissection *d, struct cursor *c, struct message *m)
{
    char name[DNS_NAME_ROOM];
    size_t len;
    struct cursor begin = *c;
    if (!dns_name_read(c, m->octets, name, &len))
        return;
    struct bytes raw = raw_between(&begin, c);
    uint16_t type = cursor_u16(c);
    uint16_t class = cursor_u16(c) & CLASS_MASK;
    cursor_skip(c, 4); /* time to live */
    struct cursor data = cursor_child(c, cursor_u16(c));
    bool update = (m->head.flags >> 11 & 15) == OPCODE_UPDATE && (class == CLASS_NONE || class == CLASS_ANY);
    if (c->overrun || (class != CLASS_IN && !update))
        return;
    if (owns(type) && !told_before(m, (uint32_t)hash_fixed(name, len)))
        tell_name(d, m, WHERE_DNS_ANSWER, bytes_of(name, len), raw);
    read_data(d, m, type, data);
}

static void read_message(struct dissection *d, struct bytes octets)
{
    struct cursor c = cursor_of(octets);
    struct message m;
    m.octets = octets;
    m.head = read_head(&c);
    m.told_count = 0;
    d->counts->dns++;
    unsigned records = (unsigned)m.head.answers + m.head.authorities + m.head.additionals;
    for (unsigned i = 0; i < m.head.questions && i < QUESTIONS_MAX && !c.overrun; i++)
        read_question(d, &c, &m);
    for (unsigned i = 0; i < records && i < RECORDS_MAX && !c.overrun; i++)
        read_record(d, &c, &m);
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
