#include "make.h"

#include <inttypes.h>

#include "wire/capture.h"

/* A capture is written in one byte order and read into one line a frame:
 *     NUMBER LINK SECONDS.NANOSECONDS CAPTURED/WIRE OCTETS
 * and behind them nothing, or what is wrong. */
struct writer {
    struct buffer b;
    bool big;
};

static void w16(struct writer *w, uint16_t v)
{
    put16(&w->b, w->big ? v : __builtin_bswap16(v));
}

static void w32(struct writer *w, uint32_t v)
{
    put32(&w->b, w->big ? v : __builtin_bswap32(v));
}

static void pcap_file(struct writer *w, uint32_t magic, uint16_t minor, uint32_t link)
{
    w32(w, magic);
    w16(w, 2);
    w16(w, minor);
    w32(w, 0);
    w32(w, 0);
    w32(w, 65535);
    w32(w, link);
}

static void pcap_record(struct writer *w, uint32_t second, uint32_t part, uint32_t captured, uint32_t length)
{
    w32(w, second);
    w32(w, part);
    w32(w, captured);
    w32(w, length);
}

enum { PCAP_MICRO = 0xa1b2c3d4, PCAP_NANO = 0xa1b23c4d, PCAP_KUZNETZOV = 0xa1b2cd34 };

static void ng_section(struct writer *w)
{
    w32(w, 0x0a0d0d0a);
    w32(w, 28);
    w32(w, 0x1a2b3c4d);
    w16(w, 1);
    w16(w, 0);
    w32(w, UINT32_MAX);
    w32(w, UINT32_MAX);
    w32(w, 28);
}

/* A block's body is written first, then put between its lengths. */
static void ng_block(struct writer *w, uint32_t type, const struct writer *body)
{
    size_t padding = (4 - body->b.len % 4) % 4;
    uint32_t total = (uint32_t)(12 + body->b.len + padding);
    w32(w, type);
    w32(w, total);
    put_bytes(&w->b, buffer_bytes(&body->b));
    for (size_t i = 0; i < padding; i++)
        put8(&w->b, 0);
    w32(w, total);
}

static void ng_interface(struct writer *w, uint16_t link, uint32_t snap, int resolution, int64_t offset_s)
{
    struct writer body = {.big = w->big};
    w16(&body, link);
    w16(&body, 0);
    w32(&body, snap);
    if (resolution >= 0) {
        w16(&body, 9);
        w16(&body, 1);
        put8(&body.b, (unsigned)resolution);
        put_hex(&body.b, "000000");
    }
    if (offset_s) {
        w16(&body, 14);
        w16(&body, 8);
        w32(&body, (uint32_t)((uint64_t)offset_s >> (w->big ? 32 : 0)));
        w32(&body, (uint32_t)((uint64_t)offset_s >> (w->big ? 0 : 32)));
        w32(&body, 0); /* the end of the options */
    }
    ng_block(w, 1, &body);
    buffer_free(&body.b);
}

static void ng_enhanced(struct writer *w, uint32_t interface, uint64_t ticks, const char *text, uint32_t length)
{
    struct writer body = {.big = w->big};
    w32(&body, interface);
    w32(&body, (uint32_t)(ticks >> 32));
    w32(&body, (uint32_t)ticks);
    w32(&body, (uint32_t)strlen(text));
    w32(&body, length);
    buffer_text(&body.b, text);
    ng_block(w, 6, &body);
    buffer_free(&body.b);
}

static void ng_obsolete(struct writer *w, uint16_t interface, uint64_t ticks, const char *text, uint32_t length)
{
    struct writer body = {.big = w->big};
    w16(&body, interface);
    w16(&body, 7); /* drops */
    w32(&body, (uint32_t)(ticks >> 32));
    w32(&body, (uint32_t)ticks);
    w32(&body, (uint32_t)strlen(text));
    w32(&body, length);
    buffer_text(&body.b, text);
    ng_block(w, 2, &body);
    buffer_free(&body.b);
}

static void ng_simple(struct writer *w, const char *text, uint32_t length)
{
    struct writer body = {.big = w->big};
    w32(&body, length);
    buffer_text(&body.b, text);
    ng_block(w, 3, &body);
    buffer_free(&body.b);
}

static void ng_unknown(struct writer *w, uint32_t type)
{
    struct writer body = {.big = w->big};
    buffer_text(&body.b, "whatever it is");
    ng_block(w, type, &body);
    buffer_free(&body.b);
}

static char told[1 << 14];

static void tell_frame(char **at, const struct frame *f)
{
    int64_t second = f->time_ns / 1000000000 - (f->time_ns % 1000000000 < 0);
    *at += sprintf(*at, "%" PRIu64 " %u %" PRId64 ".%09" PRId64 " %zu/%u %.*s\n", f->number, f->link, second,
                   f->time_ns - second * 1000000000, f->octets.len, f->wire_len, (int)f->octets.len,
                   (const char *)f->octets.at);
    cr_assert_lt(*at, told + sizeof told - 512);
}

static const char *read_capture(struct bytes octets)
{
    static const struct capture_refill no_refill;
    static struct capture c;
    static struct capture_walk w;
    struct bytes file = alone(octets);
    struct fail why = {.text = ""};
    struct frame f;
    char *at = told;
    *at = '\0';
    if (capture_open(&c, file, &why)) {
        capture_walk_begin(&w, &c, no_refill);
        while (capture_next(&w, &f) == CAPTURE_FRAME)
            tell_frame(&at, &f);
        strcpy(at, w.damage.text);
        cr_expect_eq(capture_next(&w, &f), CAPTURE_END, "an end is an end");
        cr_expect_eq(capture_passed(&w), octets.len);
    } else {
        strcpy(at, why.text);
    }
    alone_free(file);
    return told;
}

static const char *read_writer(struct writer *w)
{
    const char *text = read_capture(buffer_bytes(&w->b));
    buffer_free(&w->b);
    return text;
}

struct pcap_case {
    uint32_t magic;
    uint16_t minor;
    const char *expected;
};

static const struct pcap_case pcap_cases[] = {
    {PCAP_MICRO, 4, "1 1 1700000000.000001000 5/60 abcde\n2 1 1700000001.999999000 0/0 \n"},
    {PCAP_NANO, 4, "1 1 1700000000.000000001 5/60 abcde\n2 1 1700000001.000999999 0/0 \n"},
    {PCAP_KUZNETZOV, 4, "1 1 1700000000.000001000 5/60 abcde\n2 1 1700000001.999999000 0/0 \n"},
};

Test(record, reads_pcap_of_every_magic_in_both_byte_orders)
{
    for (size_t i = 0; i < sizeof pcap_cases / sizeof *pcap_cases; i++)
        for (int big = 0; big < 2; big++) {
            const struct pcap_case *c = &pcap_cases[i];
            struct writer w = {.big = big};
            const char *more = c->magic == PCAP_KUZNETZOV ? "0000000000000000" : "";
            pcap_file(&w, c->magic, c->minor, 1);
            pcap_record(&w, 1700000000, 1, 5, 60);
            put_hex(&w.b, more);
            buffer_text(&w.b, "abcde");
            pcap_record(&w, 1700000001, 999999, 0, 0);
            put_hex(&w.b, more);
            cr_expect_str_eq(read_writer(&w), c->expected, "%zu, big %d: %s", i, big, told);
        }
}

/* (minor version, first length, second length) of a record that holds five octets of sixty: libpcap's sf-pcap.c. */
static const struct {
    uint16_t minor;
    uint32_t first, second;
} swapped_cases[] = {{2, 60, 5}, {0, 60, 5}, {3, 60, 5}, {3, 5, 60}, {4, 5, 60}};

Test(record, swaps_the_lengths_as_old_versions_wrote_them)
{
    for (size_t i = 0; i < sizeof swapped_cases / sizeof *swapped_cases; i++) {
        struct writer w = {.big = true};
        pcap_file(&w, PCAP_MICRO, swapped_cases[i].minor, 1);
        pcap_record(&w, 1, 0, swapped_cases[i].first, swapped_cases[i].second);
        buffer_text(&w.b, "abcde");
        cr_expect_str_eq(read_writer(&w), "1 1 1.000000000 5/60 abcde\n", "%zu: %s", i, told);
    }
}

Test(record, takes_the_link_type_without_the_frame_check_bits_above_it)
{
    struct writer w = {.big = false};
    pcap_file(&w, PCAP_MICRO, 4, 0x24000001);
    pcap_record(&w, 1, 0, 1, 1);
    buffer_text(&w.b, "a");
    cr_expect_str_eq(read_writer(&w), "1 1 1.000000000 1/1 a\n");
}

Test(record, never_says_that_less_was_on_the_wire_than_was_captured)
{
    struct writer w = {.big = false};
    pcap_file(&w, PCAP_MICRO, 4, 101);
    pcap_record(&w, 1, 0, 3, 1);
    buffer_text(&w.b, "abc");
    cr_expect_str_eq(read_writer(&w), "1 101 1.000000000 3/3 abc\n");
}

Test(record, reads_sections_of_either_byte_order_with_interfaces_of_their_own)
{
    struct writer w = {.big = true};
    ng_section(&w);
    ng_interface(&w, 1, 0, -1, 0);
    ng_interface(&w, 101, 0, 9, 0);
    ng_enhanced(&w, 1, UINT64_C(1700000000000000007), "abc", 3);
    ng_unknown(&w, 5);
    ng_enhanced(&w, 0, UINT64_C(1700000000000008), "defgh", 60);
    w.big = false;
    ng_section(&w);
    ng_interface(&w, 113, 0, 0, 100);
    ng_enhanced(&w, 0, 1700000000, "i", 1);
    ng_obsolete(&w, 0, 1700000001, "jk", 2);
    ng_simple(&w, "lm", 2);
    ng_unknown(&w, 0x80001234);
    cr_expect_str_eq(read_writer(&w), "1 101 1700000000.000000007 3/3 abc\n"
                                      "2 1 1700000000.000008000 5/60 defgh\n"
                                      "3 113 1700000100.000000000 1/1 i\n"
                                      "4 113 1700000101.000000000 2/2 jk\n"
                                      "5 113 1700000101.000000000 2/2 lm\n");
}

/* if_tsresol: a power of ten, or with its first bit of two. Times that do not fit stay at the end of what does. */
static const struct {
    int resolution;
    int64_t offset_s;
    uint64_t ticks;
    const char *time;
} clock_cases[] = {
    {-1, 0, UINT64_C(1700000000123456), "1700000000.123456000"},
    {0, 0, 1700000000, "1700000000.000000000"},
    {3, 0, UINT64_C(1700000000123), "1700000000.123000000"},
    {9, 0, UINT64_C(1700000000123456789), "1700000000.123456789"},
    {10, 0, UINT64_C(17000000001234567891), "1700000000.123456789"},
    {12, 0, UINT64_C(1000000000001), "1.000000000"},
    {12, 0, UINT64_C(1123456789000), "1.123456789"},
    {12, 0, UINT64_C(1123456788999), "1.123456788"},
    {12, 0, UINT64_C(1999999999999), "1.999999999"},
    {18, 0, UINT64_C(1123456789000000000), "1.123456789"},
    {19, 0, UINT64_C(11234567890000000000), "1.123456789"},
    {0x80, 0, 1700000000, "1700000000.000000000"},
    {0x8a, 0, UINT64_C(1700000000) << 10 | 512, "1700000000.500000000"},
    {0xa0, 0, UINT64_C(1) << 32 | UINT64_C(0x40000000), "1.250000000"},
    {0xa0, 0, UINT64_C(1) << 32 | UINT64_C(0xffffffff), "1.999999999"},
    {0xbe, 0, UINT64_C(3) << 61, "1.500000000"},
    {6, -1, UINT64_C(1700000000000001), "1699999999.000001000"},
    {6, -1800000000, UINT64_C(1700000000000001), "-100000000.000001000"},
    {6, INT64_C(1) << 40, 1, "9000000000.000001000"},
    {6, -(INT64_C(1) << 40), 1, "-9000000000.000001000"},
    {6, INT64_MAX, UINT64_MAX, "9000000000.551615000"},
    {6, INT64_MIN, 0, "-9000000000.000000000"},
};

Test(record, reads_every_clock_of_an_interface)
{
    for (size_t i = 0; i < sizeof clock_cases / sizeof *clock_cases; i++)
        for (int big = 0; big < 2; big++) {
            struct writer w = {.big = big};
            char expected[64];
            ng_section(&w);
            ng_interface(&w, 1, 0, clock_cases[i].resolution, clock_cases[i].offset_s);
            ng_enhanced(&w, 0, clock_cases[i].ticks, "a", 1);
            snprintf(expected, sizeof expected, "1 1 %s 1/1 a\n", clock_cases[i].time);
            cr_expect_str_eq(read_writer(&w), expected, "%zu: %s, not %s", i, told, expected);
        }
}

Test(record, takes_of_a_simple_packet_what_the_snap_length_left)
{
    struct writer w = {.big = false};
    ng_section(&w);
    ng_interface(&w, 1, 5, -1, 0);
    ng_simple(&w, "abcde", 60); /* and three octets of padding */
    ng_simple(&w, "abc", 3);
    cr_expect_str_eq(read_writer(&w), "1 1 0.000000000 5/60 abcde\n2 1 0.000000000 3/3 abc\n");
}

Test(record, passes_over_frames_of_more_interfaces_than_it_keeps)
{
    struct writer w = {.big = false};
    ng_section(&w);
    for (int i = 0; i <= RECORD_INTERFACES_MAX; i++)
        ng_interface(&w, 1, 0, -1, 0);
    ng_enhanced(&w, RECORD_INTERFACES_MAX - 1, 1, "a", 1);
    ng_enhanced(&w, RECORD_INTERFACES_MAX, 2, "b", 1);
    cr_expect_str_eq(read_writer(&w), "1 1 0.000001000 1/1 a\n2 65535 0.000002000 1/1 b\n");
}

/* What is wrong, and where the record begins that it is wrong in. */
static void damage_pcap_length(struct writer *w)
{
    pcap_record(w, 2, 0, RECORD_FRAME_MAX + 1, RECORD_FRAME_MAX + 1);
}

static void damage_pcap_absurd(struct writer *w)
{
    pcap_record(w, 2, 0, UINT32_MAX, 1);
}

static void damage_block(struct writer *w, uint32_t first, uint32_t second)
{
    w32(w, 5);
    w32(w, first);
    w32(w, 0);
    w32(w, second);
}

static void damage_ng_short(struct writer *w)
{
    damage_block(w, 8, 8);
}

static void damage_ng_odd(struct writer *w)
{
    damage_block(w, 17, 17);
}

static void damage_ng_long(struct writer *w)
{
    damage_block(w, RECORD_BLOCK_MAX + 4, RECORD_BLOCK_MAX + 4);
}

static void damage_ng_other(struct writer *w)
{
    damage_block(w, 16, 20);
}

static void damage_ng_captured(struct writer *w)
{
    struct writer body = {.big = w->big};
    w32(&body, 0), w32(&body, 0), w32(&body, 0);
    w32(&body, 5), w32(&body, 5), w32(&body, 0);
    ng_block(w, 6, &body);
    buffer_free(&body.b);
}

static void damage_ng_interface(struct writer *w)
{
    ng_enhanced(w, 1, 0, "a", 1);
}

static void damage_ng_order(struct writer *w)
{
    w32(w, 0x0a0d0d0a);
    w32(w, 28);
    put_hex(&w->b, "00000000 00000000 00000000 00000000 0000001c");
}

static void damage_ng_version(struct writer *w)
{
    put_hex(&w->b, "0a0d0d0a 0000001c 1a2b3c4d 0002 0000 ffffffff ffffffff 0000001c");
}

static const struct {
    bool next_generation;
    void (*damage)(struct writer *w);
    const char *expected;
} damage_cases[] = {
    {false, damage_pcap_length, "offset 41: a record claims 1048577 captured octets, more than 1048576"},
    {false, damage_pcap_absurd, "offset 41: a record claims 4294967295 captured octets, more than 1048576"},
    {true, damage_ng_short, "offset 84: a block of 8 octets"},
    {true, damage_ng_odd, "offset 84: a block of 17 octets"},
    {true, damage_ng_long, "offset 84: a block of 16777220 octets"},
    {true, damage_ng_other, "offset 84: a block of 16 octets that ends as one of 20"},
    {true, damage_ng_captured, "offset 84: a packet block claims 5 captured octets, more than it holds"},
    {true, damage_ng_interface, "offset 84: a packet of interface 1, but only 1 were described"},
    {true, damage_ng_order, "offset 84: a section without byte-order magic"},
    {true, damage_ng_version, "offset 84: expected pcapng version 1, found 2"},
};

Test(record, refuses_what_cannot_be_and_says_where)
{
    for (size_t i = 0; i < sizeof damage_cases / sizeof *damage_cases; i++) {
        struct writer w = {.big = true};
        char expected[256];
        if (damage_cases[i].next_generation) {
            ng_section(&w);
            ng_interface(&w, 1, 0, -1, 0);
            ng_enhanced(&w, 0, 1000000, "a", 1);
        } else {
            pcap_file(&w, PCAP_MICRO, 4, 1);
            pcap_record(&w, 1, 0, 1, 1);
            buffer_text(&w.b, "a");
        }
        damage_cases[i].damage(&w);
        snprintf(expected, sizeof expected, "1 1 1.000000000 1/1 a\n%s", damage_cases[i].expected);
        cr_expect_str_eq(read_writer(&w), expected, "%zu: %s", i, told);
    }
}

static const struct {
    const char *hex;
    const char *expected;
} begin_cases[] = {
    {"", "expected a capture (pcap or pcapng)"},
    {"a1b2c3", "expected a capture (pcap or pcapng)"},
    {"89504e47 0d0a1a0a", "expected a capture (pcap or pcapng)"},
    {"a1b2c3d4 0002 0004", "truncated: the file header of a pcap has 24 octets, found 8"},
    {"a1b2c3d4 0003 0000 00000000 00000000 0000ffff 00000001", "expected pcap version 2, found 3.0"},
    {"a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001", ""},
    {"0a0d0d0a", "offset 0: truncated: the last record is not whole (packet 1)"},
};

Test(record, refuses_a_file_that_is_no_capture)
{
    for (size_t i = 0; i < sizeof begin_cases / sizeof *begin_cases; i++) {
        struct writer w = {.big = true};
        put_hex(&w.b, begin_cases[i].hex);
        cr_expect_str_eq(read_writer(&w), begin_cases[i].expected, "%zu: %s", i, told);
    }
}

/* Reads a file cut at every length: the frames that are whole, and where the record begins that is not. A file shorter
 * than `head` is no capture; its first record begins at `first`; record i ends at ends[i] and gives frames[i]. */
static void cut_everywhere(struct bytes file, size_t head, size_t first, const size_t *ends, const char *const *frames)
{
    for (size_t len = 0; len < file.len; len++) {
        char expected[1024] = "";
        size_t begins = first;
        unsigned packet = 1;
        for (unsigned i = 0; ends[i] && ends[i] <= len; i++) {
            strcat(expected, frames[i]);
            begins = ends[i];
            packet += frames[i][0] != '\0';
        }
        if (len != begins)
            sprintf(expected + strlen(expected), "offset %zu: truncated: the last record is not whole (packet %u)",
                    begins, packet);
        const char *found = read_capture(bytes_until(file, len));
        if (len < head)
            cr_expect(strstr(found, "expected a capture") || strstr(found, "truncated"), "%zu: %s", len, found);
        else
            cr_expect_str_eq(found, expected, "cut to %zu: %s, not %s", len, found, expected);
    }
}

Test(record, gives_all_whole_records_of_a_pcap_cut_anywhere)
{
    static const char *const frames[] = {"1 1 1.000000000 3/3 abc\n", "2 1 2.000000000 1/9 d\n"};
    static const size_t ends[] = {43, 60, 0};
    for (int big = 0; big < 2; big++) {
        struct writer w = {.big = big};
        pcap_file(&w, PCAP_MICRO, 4, 1);
        pcap_record(&w, 1, 0, 3, 3);
        buffer_text(&w.b, "abc");
        pcap_record(&w, 2, 0, 1, 9);
        buffer_text(&w.b, "d");
        cut_everywhere(buffer_bytes(&w.b), 24, 24, ends, frames);
        buffer_free(&w.b);
    }
}

Test(record, gives_all_whole_records_of_a_pcapng_cut_anywhere)
{
    /* section, interface, packet, section, interface, two packets */
    static const char *const frames[] = {
        "", "", "1 1 1.000000000 3/3 abc\n", "", "", "2 101 0.000002000 1/9 d\n", "3 101 0.000002000 2/2 ef\n"};
    static const size_t ends[] = {28, 48, 84, 112, 132, 168, 188, 0};
    for (int big = 0; big < 2; big++) {
        struct writer w = {.big = big};
        ng_section(&w);
        ng_interface(&w, 1, 0, -1, 0);
        ng_enhanced(&w, 0, 1000000, "abc", 3);
        w.big = !big;
        ng_section(&w);
        ng_interface(&w, 101, 0, -1, 0);
        ng_obsolete(&w, 0, 2, "d", 9);
        ng_simple(&w, "ef", 2);
        cr_assert_eq(w.b.len, ends[6]);
        cut_everywhere(buffer_bytes(&w.b), 4, 0, ends, frames);
        buffer_free(&w.b);
    }
}

/* A pipe: the file's header, then blocks of whole records. */
struct pipe {
    const struct bytes *blocks;
    size_t count, next;
};

static bool next_block(void *to, struct bytes *block)
{
    struct pipe *p = to;
    if (p->next == p->count)
        return false;
    *block = p->blocks[p->next++];
    return true;
}

Test(capture, walks_a_pipe_block_by_block_and_counts_what_passed)
{
    struct writer w = {.big = false};
    pcap_file(&w, PCAP_MICRO, 4, 1);
    for (uint32_t i = 1; i <= 3; i++) {
        pcap_record(&w, i, 0, 1, 1);
        put8(&w.b, 'a' + i);
    }
    struct bytes all = buffer_bytes(&w.b);
    struct bytes blocks[] = {alone(bytes_until(bytes_from(all, 24), 34)), alone(bytes_from(all, 58))};
    struct bytes head = alone(bytes_until(all, 24));
    struct pipe pipe = {.blocks = blocks, .count = 2};
    static struct capture c;
    static struct capture_walk walk;
    struct fail why = {.text = ""};
    struct frame f;
    char *at = told;
    cr_assert(capture_open(&c, head, &why));
    capture_walk_begin(&walk, &c, (struct capture_refill){.next = next_block, .to = &pipe});
    while (capture_next(&walk, &f) == CAPTURE_FRAME) {
        tell_frame(&at, &f);
        cr_expect_eq(capture_passed(&walk), 24 + 17 * f.number);
    }
    cr_expect_str_eq(told, "1 1 1.000000000 1/1 b\n2 1 2.000000000 1/1 c\n3 1 3.000000000 1/1 d\n");
    cr_expect_str_eq(walk.damage.text, "");
    cr_expect_eq(capture_passed(&walk), all.len);
    alone_free(blocks[0]);
    alone_free(blocks[1]);
    alone_free(head);
    buffer_free(&w.b);
}

Test(capture, says_where_in_a_pipe_a_record_is_broken)
{
    struct writer w = {.big = false};
    pcap_file(&w, PCAP_MICRO, 4, 1);
    pcap_record(&w, 1, 0, 1, 1);
    put8(&w.b, 'a');
    pcap_record(&w, 1, 0, UINT32_MAX, 1);
    struct bytes all = buffer_bytes(&w.b);
    struct bytes blocks[] = {bytes_until(bytes_from(all, 24), 17), bytes_from(all, 41)};
    struct pipe pipe = {.blocks = blocks, .count = 2};
    static struct capture c;
    static struct capture_walk walk;
    struct fail why = {.text = ""};
    struct frame f;
    cr_assert(capture_open(&c, bytes_until(all, 24), &why));
    capture_walk_begin(&walk, &c, (struct capture_refill){.next = next_block, .to = &pipe});
    cr_expect_eq(capture_next(&walk, &f), CAPTURE_FRAME);
    cr_expect_eq(capture_next(&walk, &f), CAPTURE_END);
    cr_expect_str_eq(walk.damage.text, "offset 41: a record claims 4294967295 captured octets, more than 1048576");
    cr_expect_eq(capture_next(&walk, &f), CAPTURE_END);
    buffer_free(&w.b);
}
