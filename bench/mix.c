/*
 * mix FOLDER REPEAT OUT: one capture out of all Ethernet captures below a folder, for measuring.
 *
 * All captures run side by side, each spread evenly over the whole, so that as on a wire a packet's flow is seldom the
 * one of the packet before. The whole is repeated; in each repetition the second and third octets of all addresses of
 * the IP header differ (xor by its number), so that its flows are others. A packet comes STEP_US after the one before:
 * the captures' own times, which are years apart, would be nothing but timeouts. Checksums are not made right.
 *
 * The same folder gives the same octets.
 */
#include "base/unpack.h"
#include "wire/record.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SNAP_OCTETS = 262144, /* more and libpcap refuses the file */
    STEP_US = 10,
    START_S = 1767225600, /* 2026-01-01 */
    REPEAT_MAX = 1 << 16,
    FILES_MAX = 1 << 15, /* each that is taken stays mapped; Linux grants 65530 mappings */
    LINK_ETHERNET = 1,
    ETHER_OCTETS = 14,
    TAG_OCTETS = 4,
    WIRE_MAX = UINT16_MAX + ETHER_OCTETS + 2 * TAG_OCTETS, /* who claims more is damaged: no IP packet is longer */
};

static void *grown(void *array, size_t count, size_t size)
{
    if (count & (count - 1))
        return array;
    array = reallocarray(array, count ? 2 * count : 1, size); /* at 0, 1, 2, 4, … there is no more room */
    if (!array) {
        fputs("mix: out of memory\n", stderr);
        abort();
    }
    return array;
}

/* ---- the files ---- */

static char **paths;
static size_t path_count;

static int note(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)where;
    if (kind != FTW_F || path_count == FILES_MAX)
        return 0;
    paths = grown(paths, path_count, sizeof *paths);
    if (!(paths[path_count++] = strdup(path)))
        abort();
    return 0;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* ---- their frames ---- */

struct piece {
    struct bytes octets;
    uint32_t wire_len;
    uint32_t place; /* where in the whole, as a fraction of 2^32 */
    uint32_t order; /* among all, as they were read */
};

static struct piece *pieces;
static size_t piece_count;

static void spread(size_t from)
{
    uint64_t count = piece_count - from;
    for (uint64_t i = 0; i < count; i++)
        pieces[from + i].place = (uint32_t)(((2 * i + 1) << 31) / count);
}

/* Damage ends a capture; what came before it is taken. */
static void take_capture(struct bytes content)
{
    struct cursor c = cursor_of(content);
    struct record_reader reader;
    struct fail why = {.text = ""};
    struct frame frame;
    size_t from = piece_count;
    if (!record_probe(content) || !record_begin(&reader, &c, &why))
        return;
    while (record_next(&reader, &c, &frame, &why) == RECORD_FRAME) {
        if (frame.link != LINK_ETHERNET || frame.octets.len < ETHER_OCTETS || frame.octets.len > SNAP_OCTETS)
            continue;
        uint32_t wire_len = frame.wire_len > WIRE_MAX ? (uint32_t)frame.octets.len : frame.wire_len;
        pieces = grown(pieces, piece_count, sizeof *pieces);
        pieces[piece_count] =
            (struct piece){.octets = frame.octets, .wire_len = wire_len, .order = (uint32_t)piece_count};
        piece_count++;
    }
    if (piece_count > from)
        spread(from);
}

/* Whether anything of it was taken; then it stays mapped. */
static bool take_file(const char *path)
{
    struct unpack file;
    struct fail why = {.text = ""};
    size_t before = piece_count;
    if (!unpack_file(&file, path, UNPACK_FREE_BYTES, &why))
        return false;
    for (size_t i = 0; i < file.count; i++)
        take_capture(file.parts[i].content);
    bool taken = piece_count > before;
    if (!taken)
        unpack_free(&file);
    return taken;
}

static int by_place(const void *left, const void *right)
{
    const struct piece *a = left, *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* ---- the mix ---- */

static void turn_address(uint8_t *octet, unsigned repetition)
{
    octet[1] ^= (uint8_t)repetition;
    octet[2] ^= (uint8_t)(repetition >> 8);
}

static void turn(uint8_t *frame, size_t len, unsigned repetition)
{
    size_t at = ETHER_OCTETS;
    unsigned type = (unsigned)frame[12] << 8 | frame[13];
    for (; (type == 0x8100 || type == 0x88a8) && len - at >= TAG_OCTETS; at += TAG_OCTETS)
        type = (unsigned)frame[at + 2] << 8 | frame[at + 3];
    size_t src = type == 0x0800 ? 12 : 8, octets = type == 0x0800 ? 4 : 16;
    if ((type != 0x0800 && type != 0x86dd) || len - at < src + 2 * octets)
        return;
    turn_address(frame + at + src, repetition);
    turn_address(frame + at + src + octets, repetition);
}

static void put(FILE *out, const struct piece *p, unsigned repetition, uint64_t number)
{
    static uint8_t room[SNAP_OCTETS];
    uint64_t us = number * STEP_US;
    uint32_t len = (uint32_t)p->octets.len;
    const uint32_t head[] = {START_S + (uint32_t)(us / 1000000), (uint32_t)(us % 1000000), len, p->wire_len};
    memcpy(room, p->octets.at, len);
    turn(room, len, repetition);
    fwrite(head, sizeof head, 1, out);
    fwrite(room, len, 1, out);
}

static bool write_mix(const char *path, unsigned repeat)
{
    static const uint16_t version[] = {2, 4};
    uint32_t head[] = {0xa1b2c3d4, 0, 0, 0, SNAP_OCTETS, LINK_ETHERNET};
    memcpy(&head[1], version, sizeof version);
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    fwrite(head, sizeof head, 1, out);
    for (unsigned r = 0; r < repeat; r++)
        for (size_t i = 0; i < piece_count; i++)
            put(out, &pieces[i], r, (uint64_t)r * piece_count + i);
    bool written = !ferror(out);
    return fclose(out) == 0 && written;
}

int main(int argc, char **argv)
{
    int repeat = argc == 4 ? atoi(argv[2]) : 0;
    if (repeat < 1 || repeat > REPEAT_MAX) {
        fputs("usage: mix FOLDER REPEAT OUT\n", stderr);
        return 2;
    }
    if (nftw(argv[1], note, 16, FTW_PHYS) != 0) {
        fprintf(stderr, "mix: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    qsort(paths, path_count, sizeof *paths, by_name);
    size_t captures = 0;
    for (size_t i = 0; i < path_count; i++)
        captures += take_file(paths[i]);
    if (piece_count == 0) {
        fprintf(stderr, "mix: %s: no Ethernet capture in it\n", argv[1]);
        return 1;
    }
    qsort(pieces, piece_count, sizeof *pieces, by_place);
    if (!write_mix(argv[3], (unsigned)repeat)) {
        fprintf(stderr, "mix: %s: %s\n", argv[3], strerror(errno));
        return 1;
    }
    fprintf(stderr, "mix: %zu packets of %zu captures, %d times\n", piece_count, captures, repeat);
    return 0;
}
