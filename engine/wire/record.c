/*
 * Each block is read through a child cursor and only then committed: a record that is not whole leaves the caller's
 * cursor where it was.
 */
#include "wire/record.h"

enum {
    NG_SECTION = 0x0a0d0d0a,
    NG_ORDER = 0x1a2b3c4d,
    NG_VERSION = 1,
    NG_INTERFACE = 1,
    NG_PACKET = 2, /* obsolete */
    NG_SIMPLE = 3,
    NG_ENHANCED = 6,
    NG_BLOCK_MIN = 12,
    NG_OPTION_END = 0,
    NG_OPTION_RESOLUTION = 9,
    NG_OPTION_OFFSET = 14,
};

#define PCAP_MICRO     UINT32_C(0xa1b2c3d4)
#define PCAP_NANO      UINT32_C(0xa1b23c4d)
#define PCAP_KUZNETZOV UINT32_C(0xa1b2cd34)
#define NG_MICRO       UINT64_C(1000000)
#define SECOND_NS      UINT64_C(1000000000)
#define TIME_MAX_S     INT64_C(9000000000) /* 64 bits of nanoseconds, with room for what is added and taken away */

static int64_t time_ns(uint64_t ticks, const struct record_interface *i)
{
    uint64_t whole = ticks / i->ticks;
    uint64_t part = ticks % i->ticks;
    if (whole > (uint64_t)TIME_MAX_S)
        whole = (uint64_t)TIME_MAX_S;
    uint64_t per = i->ticks;
    if (per % SECOND_NS == 0) { /* finer powers of ten, exactly */
        part /= per / SECOND_NS;
        per = SECOND_NS;
    }
    /* A fraction of up to 63 bits times 10^9 does not fit: scale down both sides, losing less than a nanosecond. */
    while (part > UINT64_MAX / SECOND_NS) {
        part >>= 1;
        per >>= 1;
    }
    int64_t second = (int64_t)whole;
    if (__builtin_add_overflow(second, i->offset_s, &second) || second > TIME_MAX_S)
        second = TIME_MAX_S;
    if (second < -TIME_MAX_S)
        second = -TIME_MAX_S;
    return second * (int64_t)SECOND_NS + (int64_t)(part * SECOND_NS / per);
}

static bool is_pcap(uint32_t magic)
{
    return magic == PCAP_MICRO || magic == PCAP_NANO || magic == PCAP_KUZNETZOV;
}

bool record_probe(struct bytes head)
{
    struct cursor c = cursor_of(head);
    uint32_t magic = cursor_u32(&c);
    if (head.len < 4)
        return false;
    return magic == NG_SECTION || is_pcap(magic) || is_pcap(__builtin_bswap32(magic));
}

static bool pcap_begin(struct record_reader *r, struct cursor *c, struct fail *why)
{
    struct cursor head = *c;
    uint32_t magic = cursor_u32(&head);
    r->big = is_pcap(magic);
    if (!r->big)
        magic = __builtin_bswap32(magic);
    uint16_t major = cursor_u16_of(&head, r->big);
    r->minor = cursor_u16_of(&head, r->big);
    cursor_skip(&head, 12); /* zone, accuracy, snap length */
    uint32_t link = cursor_u32_of(&head, r->big);
    if (head.overrun)
        return fail_set(why, "truncated: the file header of a pcap has 24 octets, found %zu", cursor_left(c));
    if (major != 2)
        return fail_set(why, "expected pcap version 2, found %u.%u", major, r->minor);
    r->record_head = magic == PCAP_KUZNETZOV ? 24 : 16;
    r->interfaces = 1;
    r->interface[0] = (struct record_interface){
        .link = (uint16_t)link, .ticks = magic == PCAP_NANO ? SECOND_NS : NG_MICRO, .offset_s = 0};
    *c = head;
    return true;
}

bool record_begin(struct record_reader *r, struct cursor *c, struct fail *why)
{
    memset(r, 0, offsetof(struct record_reader, interface));
    if (!record_probe(cursor_rest(c)))
        return fail_set(why, "expected a capture (pcap or pcapng)");
    struct cursor look = *c;
    r->next_generation = cursor_u32(&look) == NG_SECTION;
    return r->next_generation || pcap_begin(r, c, why);
}

static enum record_verdict pcap_next(struct record_reader *r, struct cursor *c, struct frame *out, struct fail *why)
{
    struct cursor at = *c;
    uint32_t second = cursor_u32_of(&at, r->big);
    uint32_t part = cursor_u32_of(&at, r->big);
    uint32_t captured = cursor_u32_of(&at, r->big);
    uint32_t length = cursor_u32_of(&at, r->big);
    cursor_skip(&at, (size_t)r->record_head - 16);
    if (at.overrun)
        return RECORD_MORE;
    if (r->minor < 3 || (r->minor == 3 && captured > length)) {
        uint32_t swapped = captured;
        captured = length;
        length = swapped;
    }
    if (captured > RECORD_FRAME_MAX) {
        fail_set(why, "a record claims %u captured octets, more than %d", captured, RECORD_FRAME_MAX);
        return RECORD_BROKEN;
    }
    struct bytes octets = cursor_take(&at, captured);
    if (at.overrun)
        return RECORD_MORE;
    uint64_t nano = r->interface[0].ticks == SECOND_NS ? part : (uint64_t)part * 1000;
    r->last_ns = (int64_t)(second * SECOND_NS + nano);
    *out = (struct frame){.time_ns = r->last_ns,
                          .number = ++r->frames,
                          .wire_len = length > captured ? length : captured,
                          .link = r->interface[0].link,
                          .octets = octets};
    *c = at;
    return RECORD_FRAME;
}

/* Options of an interface: its clock. Damaged options leave the default. */
static void ng_options(struct record_reader *r, struct cursor *body, struct record_interface *i)
{
    while (cursor_left(body) >= 4) {
        uint16_t code = cursor_u16_of(body, r->big);
        uint16_t len = cursor_u16_of(body, r->big);
        struct cursor value = cursor_child(body, len);
        cursor_skip(body, (4 - len % 4) % 4);
        if (code == NG_OPTION_END || value.overrun)
            return;
        if (code == NG_OPTION_RESOLUTION && len == 1) {
            uint8_t power = cursor_u8(&value);
            if (power & 0x80) {
                i->ticks = (power & 0x7f) < 63 ? UINT64_C(1) << (power & 0x7f) : UINT64_C(1) << 63;
            } else {
                i->ticks = 1;
                for (uint8_t n = 0; n < power && n < 19; n++)
                    i->ticks *= 10;
            }
        } else if (code == NG_OPTION_OFFSET && len == 8) {
            uint64_t first = cursor_u32_of(&value, r->big);
            uint64_t second = cursor_u32_of(&value, r->big);
            i->offset_s = (int64_t)(r->big ? first << 32 | second : second << 32 | first);
        }
    }
}

static void ng_interface(struct record_reader *r, struct cursor *body)
{
    struct record_interface i = {.link = cursor_u16_of(body, r->big), .ticks = NG_MICRO};
    cursor_skip(body, 2);
    i.snap = cursor_u32_of(body, r->big);
    ng_options(r, body, &i);
    if (r->interfaces < RECORD_INTERFACES_MAX)
        r->interface[r->interfaces] = i;
    r->interfaces++;
}

static bool ng_frame(struct record_reader *r, uint32_t type, struct cursor *body, struct frame *out, struct fail *why)
{
    uint32_t interface = 0;
    uint64_t ticks = 0;
    uint32_t captured, length;
    if (type == NG_SIMPLE) {
        length = cursor_u32_of(body, r->big);
        captured = length < cursor_left(body) ? length : (uint32_t)cursor_left(body);
        uint32_t snap = r->interfaces ? r->interface[0].snap : 0;
        if (snap && captured > snap) /* behind it is padding */
            captured = snap;
    } else {
        interface = type == NG_ENHANCED ? cursor_u32_of(body, r->big) : cursor_u16_of(body, r->big);
        if (type == NG_PACKET)
            cursor_skip(body, 2); /* drops */
        ticks = (uint64_t)cursor_u32_of(body, r->big) << 32;
        ticks |= cursor_u32_of(body, r->big);
        captured = cursor_u32_of(body, r->big);
        length = cursor_u32_of(body, r->big);
    }
    struct bytes octets = cursor_take(body, captured);
    if (body->overrun)
        return fail_set(why, "a packet block claims %u captured octets, more than it holds", captured);
    if (captured > RECORD_FRAME_MAX)
        return fail_set(why, "a packet block claims %u captured octets, more than %d", captured, RECORD_FRAME_MAX);
    if (interface >= r->interfaces)
        return fail_set(why, "a packet of interface %u, but only %u were described", interface, r->interfaces);
    const struct record_interface *i = &r->interface[interface < RECORD_INTERFACES_MAX ? interface : 0];
    if (type != NG_SIMPLE)
        r->last_ns = time_ns(ticks, i);
    *out = (struct frame){.time_ns = r->last_ns,
                          .number = ++r->frames,
                          .wire_len = length > captured ? length : captured,
                          .link = interface < RECORD_INTERFACES_MAX ? i->link : UINT16_MAX,
                          .octets = octets};
    return true;
}

/* The order of octets of a section is written in its first block, behind the length that is written in it. */
static bool ng_section(struct record_reader *r, struct cursor look, struct fail *why)
{
    cursor_skip(&look, 8);
    uint32_t order = cursor_u32(&look);
    if (order != NG_ORDER && __builtin_bswap32(order) != NG_ORDER)
        return fail_set(why, "a section without byte-order magic");
    r->big = order == NG_ORDER;
    uint16_t major = cursor_u16_of(&look, r->big);
    if (!look.overrun && major != NG_VERSION)
        return fail_set(why, "expected pcapng version %d, found %u", NG_VERSION, major);
    r->interfaces = 0;
    return true;
}

static enum record_verdict ng_next(struct record_reader *r, struct cursor *c, struct frame *out, struct fail *why)
{
    for (;;) {
        struct cursor at = *c;
        uint32_t type = cursor_u32_of(&at, r->big);
        if (cursor_left(c) < NG_BLOCK_MIN)
            return RECORD_MORE;
        if (type == NG_SECTION && !ng_section(r, *c, why))
            return RECORD_BROKEN;
        uint32_t total = cursor_u32_of(&at, r->big);
        if (total < NG_BLOCK_MIN || total % 4 || total > RECORD_BLOCK_MAX) {
            fail_set(why, "a block of %u octets", total);
            return RECORD_BROKEN;
        }
        struct cursor body = cursor_child(&at, total - NG_BLOCK_MIN);
        uint32_t again = cursor_u32_of(&at, r->big);
        if (at.overrun)
            return RECORD_MORE;
        if (again != total) {
            fail_set(why, "a block of %u octets that ends as one of %u", total, again);
            return RECORD_BROKEN;
        }
        bool frame = type == NG_PACKET || type == NG_SIMPLE || type == NG_ENHANCED;
        if (frame && !ng_frame(r, type, &body, out, why))
            return RECORD_BROKEN;
        if (type == NG_INTERFACE)
            ng_interface(r, &body);
        *c = at;
        if (frame)
            return RECORD_FRAME;
    }
}

enum record_verdict record_next(struct record_reader *r, struct cursor *c, struct frame *out, struct fail *why)
{
    return r->next_generation ? ng_next(r, c, out, why) : pcap_next(r, c, out, why);
}
