#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/unpack.h"

/* "hello\n" by gzip 1.12, xz 5.4, bzip2 1.0.8, zstd 1.5 and lz4 1.9. */
static const uint8_t hello_gz[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd,
    0xc9, 0xc9, 0xe7, 0x02, 0x00, 0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00,
};
static const uint8_t hello_xz[] = {
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01,
    0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
    0x0a, 0x00, 0x00, 0x00, 0xa5, 0x60, 0x97, 0xf1, 0x94, 0xf6, 0xfd, 0xe0, 0x00, 0x01, 0x1e, 0x06,
    0xc1, 0x2f, 0xa4, 0x1d, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
};
static const uint8_t hello_bz2[] = {
    0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0xc1, 0xc0, 0x80, 0xe2,
    0x00, 0x00, 0x01, 0x41, 0x00, 0x00, 0x10, 0x02, 0x44, 0xa0, 0x00, 0x30, 0xcd, 0x00,
    0xc3, 0x46, 0x29, 0x97, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0xc1, 0xc0, 0x80, 0xe2,
};
static const uint8_t hello_zst[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x06, 0x31, 0x00, 0x00, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x0a, 0x53, 0x88, 0xbd, 0x91,
};
static const uint8_t hello_lz4[] = {
    0x04, 0x22, 0x4d, 0x18, 0x64, 0x40, 0xa7, 0x06, 0x00, 0x00, 0x80, 0x68, 0x65,
    0x6c, 0x6c, 0x6f, 0x0a, 0x00, 0x00, 0x00, 0x00, 0xf9, 0x5b, 0x6b, 0x94,
};
static const uint8_t empty_gz[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
    0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

#define OF(array) bytes_of(array, sizeof(array))

static char folder[] = "/tmp/unpack-XXXXXX";
static char path[64];
static struct unpack u;
static struct fail why;
static struct buffer packed;

static void begin(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    setenv("TMPDIR", folder, 1);
}

static unsigned files_left(void)
{
    unsigned n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void finish(void)
{
    unpack_free(&u);
    buffer_free(&packed);
    unlink(path);
    cr_expect_eq(files_left(), 0, "a temporary file stays behind");
    rmdir(folder);
}

TestSuite(unpack, .init = begin, .fini = finish);

static bool unpack_up_to(struct bytes file, uint64_t bytes_max)
{
    FILE *f = fopen(path, "w");
    cr_assert(f && fwrite(file.at ? (const void *)file.at : "", 1, file.len, f) == file.len && fclose(f) == 0);
    unpack_free(&u);
    why = (struct fail){0};
    return unpack_file(&u, path, bytes_max, &why);
}

static bool unpack_bytes(struct bytes file)
{
    return unpack_up_to(file, UNPACK_BYTES_MAX);
}

static void expect_part(size_t i, const char *member, struct bytes content)
{
    cr_assert_lt(i, u.count);
    if (member)
        cr_expect_str_eq(u.parts[i].member, member);
    else
        cr_expect_null(u.parts[i].member);
    cr_expect(bytes_equal(u.parts[i].content, content), "part %zu has %zu octets: %.20s", i, u.parts[i].content.len,
              (const char *)u.parts[i].content.at);
}

/* RFC 8878: a frame with a window of 128 KiB; blocks of `kind` 0 (as they are) and 1 (one octet repeated). */
enum { ZSTD_BLOCK = 128 << 10 };

static void zstd_begin(void)
{
    buffer_add(&packed, "\x28\xb5\x2f\xfd\x00\x38", 6);
}

static void zstd_block(unsigned kind, size_t len, const void *octets, bool last)
{
    uint32_t head = (uint32_t)len << 3 | kind << 1 | last;
    buffer_add(&packed, (uint8_t[]){(uint8_t)head, (uint8_t)(head >> 8), (uint8_t)(head >> 16)}, 3);
    buffer_add(&packed, octets, kind ? 1 : len);
}

/* POSIX ustar header, `old` GNU's magic, and content, padded to blocks of 512. */
struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[8], rest[121];
    struct {
        char offset[12], len[12];
    } sparse[4];
    char extended, real_size[12], pad[17];
};

static void tar_add(struct tar_header h, const char *name, char type, size_t len, const char *content)
{
    _Static_assert(sizeof h == 512, "a tar block");
    unsigned sum = 0;
    snprintf(h.name, sizeof h.name, "%s", name);
    memcpy(h.mode, "0000644", 8);
    snprintf(h.size, sizeof h.size, "%011zo", len);
    memset(h.sum, ' ', sizeof h.sum);
    h.type = type;
    if (!h.magic[0])
        memcpy(h.magic, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof h; i++)
        sum += ((uint8_t *)&h)[i];
    snprintf(h.sum, sizeof h.sum, "%06o", sum);
    buffer_add(&packed, &h, sizeof h);
    buffer_add(&packed, content, len);
    while (packed.len % 512)
        buffer_char(&packed, 0);
}

static void tar_end(void)
{
    for (int i = 0; i < 1024; i++)
        buffer_char(&packed, 0);
}

Test(unpack, a_plain_file_is_its_own_content)
{
    cr_assert(unpack_bytes(bytes_text("type,value\n")), "%s", why.text);
    cr_expect_eq(u.count, 1);
    expect_part(0, NULL, bytes_text("type,value\n"));
    cr_expect_eq(u.mapping.at, u.parts[0].content.at, "mapped, not copied");
}

Test(unpack, an_empty_file_is_one_empty_part)
{
    cr_assert(unpack_bytes(bytes_text("")), "%s", why.text);
    cr_expect_eq(u.count, 1);
    expect_part(0, NULL, bytes_text(""));
    cr_assert(unpack_bytes(OF(empty_gz)), "%s", why.text);
    cr_expect_eq(u.count, 1);
    expect_part(0, NULL, bytes_text(""));
    cr_expect_str_empty(why.text);
}

Test(unpack, reads_what_each_packer_wrote)
{
    const struct bytes files[] = {OF(hello_gz), OF(hello_xz), OF(hello_bz2), OF(hello_zst), OF(hello_lz4)};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cr_expect(unpack_is_packed(files[i]), "%zu", i);
        cr_assert(unpack_bytes(files[i]), "%zu: %s", i, why.text);
        cr_expect_eq(u.count, 1);
        cr_expect_str_empty(why.text);
        expect_part(0, NULL, bytes_text("hello\n"));
    }
}

/* RFC 1952, 2.2: members one after another are one content. */
Test(unpack, reads_packed_files_laid_end_to_end)
{
    const struct bytes files[] = {OF(hello_gz), OF(hello_xz), OF(hello_bz2), OF(hello_zst), OF(hello_lz4)};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        buffer_clear(&packed);
        buffer_add(&packed, files[i].at, files[i].len);
        buffer_add(&packed, files[i].at, files[i].len);
        cr_assert(unpack_bytes(buffer_bytes(&packed)), "%zu: %s", i, why.text);
        expect_part(0, NULL, bytes_text("hello\nhello\n"));
    }
}

Test(unpack, knows_packed_files_by_their_first_octets)
{
    static const struct {
        struct bytes head;
        bool is_packed;
    } cases[] = {
        {{(const uint8_t *)"PK\3\4....", 8}, true},
        {{(const uint8_t *)"PK\5\6....", 8}, true},
        {{(const uint8_t *)"\x5f\x2a\x4d\x18....", 8}, true}, /* RFC 8878, 3.1.2: skippable frame */
        {{(const uint8_t *)"\x60\x2a\x4d\x18....", 8}, false},
        {{(const uint8_t *)"BZh0\x31\x41\x59\x26\x53\x59", 10}, false},
        {{(const uint8_t *)"BZh9 is a name", 14}, false},
        {{(const uint8_t *)"PKI,list", 8}, false},
        {{(const uint8_t *)"\x1f\x8b", 2}, false},
        {{(const uint8_t *)"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8}, false}, /* pcap */
        {{(const uint8_t *)"\x0a\x0d\x0d\x0a", 4}, false},                 /* pcapng */
        {{(const uint8_t *)"{\"a\":1}", 7}, false},
        {{(const uint8_t *)"type,value", 10}, false},
        {{(const uint8_t *)"", 0}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(unpack_is_packed(cases[i].head), cases[i].is_packed, "case %zu", i);
}

Test(unpack, gives_the_files_of_a_tar_and_leaves_the_rest)
{
    tar_add((struct tar_header){0}, "d/", '5', 0, NULL);
    tar_add((struct tar_header){0}, "d/a.csv", '0', 5, "first");
    tar_add((struct tar_header){.link = "/etc/passwd"}, "soft", '2', 0, NULL);
    tar_add((struct tar_header){.link = "d/a.csv"}, "hard", '1', 0, NULL);
    tar_add((struct tar_header){0}, "pipe", '6', 0, NULL);
    tar_add((struct tar_header){0}, "none", '0', 0, NULL);
    tar_add((struct tar_header){0},
            "\xc3\xb1"
            "and\xc3\xba",
            '0', 6, "second");
    tar_end();
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect_str_empty(why.text);
    cr_expect_eq(u.count, 3);
    expect_part(0, "d/a.csv", bytes_text("first"));
    expect_part(1, "none", bytes_text(""));
    expect_part(2,
                "\xc3\xb1"
                "and\xc3\xba",
                bytes_text("second"));
}

Test(unpack, gives_the_files_of_a_packed_tar)
{
    struct buffer tar;
    tar_add((struct tar_header){0}, "a", '0', 5, "first");
    tar_add((struct tar_header){0}, "b", '0', 6, "second");
    tar_end();
    tar = packed;
    packed = (struct buffer){0};
    zstd_begin();
    zstd_block(0, tar.len, tar.at, true);
    buffer_free(&tar);
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect_eq(u.count, 2);
    expect_part(0, "a", bytes_text("first"));
    expect_part(1, "b", bytes_text("second"));
}

/* By Info-ZIP 3.0: a.txt "hello\n", d/ and d/b.txt "x", stored. */
static const uint8_t archive_zip[] = {
    0x50, 0x4b, 0x03, 0x04, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x20, 0x30, 0x3a, 0x36, 0x06,
    0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x61, 0x2e, 0x74, 0x78, 0x74, 0x68, 0x65, 0x6c,
    0x6c, 0x6f, 0x0a, 0x50, 0x4b, 0x03, 0x04, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x64, 0x2f, 0x50, 0x4b, 0x03,
    0x04, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x83, 0x16, 0xdc, 0x8c, 0x01, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x64, 0x2f, 0x62, 0x2e, 0x74, 0x78, 0x74, 0x78, 0x50, 0x4b, 0x01,
    0x02, 0x1e, 0x03, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x20, 0x30, 0x3a, 0x36, 0x06, 0x00,
    0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0xa4,
    0x81, 0x00, 0x00, 0x00, 0x00, 0x61, 0x2e, 0x74, 0x78, 0x74, 0x50, 0x4b, 0x01, 0x02, 0x1e, 0x03, 0x0a, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0xed, 0x41, 0x29, 0x00, 0x00, 0x00, 0x64,
    0x2f, 0x50, 0x4b, 0x01, 0x02, 0x1e, 0x03, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x83, 0x16,
    0xdc, 0x8c, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
    0x00, 0x00, 0x00, 0xa4, 0x81, 0x49, 0x00, 0x00, 0x00, 0x64, 0x2f, 0x62, 0x2e, 0x74, 0x78, 0x74, 0x50, 0x4b, 0x05,
    0x06, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x03, 0x00, 0x98, 0x00, 0x00, 0x00, 0x6f, 0x00, 0x00, 0x00, 0x00, 0x00,
};

Test(unpack, gives_the_files_of_a_zip)
{
    cr_assert(unpack_bytes(OF(archive_zip)), "%s", why.text);
    cr_expect_str_empty(why.text);
    cr_expect_eq(u.count, 2);
    expect_part(0, "a.txt", bytes_text("hello\n"));
    expect_part(1, "d/b.txt", bytes_text("x"));
}

Test(unpack, a_damaged_member_costs_none_beside_it)
{
    buffer_add(&packed, archive_zip, sizeof archive_zip);
    packed.at[35] = 'j'; /* of "hello\n": its checksum no longer fits */
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect(strstr(why.text, "a.txt"), "%s", why.text);
    cr_expect_eq(u.count, 2);
    expect_part(0, "a.txt", bytes_text("jello\n"));
    expect_part(1, "d/b.txt", bytes_text("x"));
}

/* By Info-ZIP 3.0: a.txt encrypted, b.txt "x" not. */
static const uint8_t encrypted_zip[] = {
    0x50, 0x4b, 0x03, 0x04, 0x0a, 0x00, 0x09, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x20, 0x30, 0x3a, 0x36,
    0x12, 0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x61, 0x2e, 0x74, 0x78, 0x74, 0x75,
    0xb8, 0x62, 0xab, 0x4b, 0x0d, 0x3a, 0xf6, 0x75, 0x13, 0x25, 0xc7, 0x77, 0x5d, 0x15, 0x28, 0x1b, 0x8e, 0x50,
    0x4b, 0x07, 0x08, 0x20, 0x30, 0x3a, 0x36, 0x12, 0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x50, 0x4b, 0x03,
    0x04, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x83, 0x16, 0xdc, 0x8c, 0x01, 0x00, 0x00,
    0x00, 0x01, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x62, 0x2e, 0x74, 0x78, 0x74, 0x78, 0x50, 0x4b, 0x01,
    0x02, 0x1e, 0x03, 0x0a, 0x00, 0x09, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x20, 0x30, 0x3a, 0x36, 0x12,
    0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0xa4, 0x81, 0x00, 0x00, 0x00, 0x00, 0x61, 0x2e, 0x74, 0x78, 0x74, 0x50, 0x4b, 0x01, 0x02, 0x1e, 0x03,
    0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0xba, 0x3e, 0x75, 0x5d, 0x83, 0x16, 0xdc, 0x8c, 0x01, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa4, 0x81,
    0x45, 0x00, 0x00, 0x00, 0x62, 0x2e, 0x74, 0x78, 0x74, 0x50, 0x4b, 0x05, 0x06, 0x00, 0x00, 0x00, 0x00, 0x02,
    0x00, 0x02, 0x00, 0x66, 0x00, 0x00, 0x00, 0x69, 0x00, 0x00, 0x00, 0x00, 0x00,
};

Test(unpack, an_encrypted_member_is_left_out_with_a_reason)
{
    cr_assert(unpack_bytes(OF(encrypted_zip)), "%s", why.text);
    cr_expect(strstr(why.text, "a.txt"), "%s", why.text);
    cr_expect_eq(u.count, 1);
    expect_part(0, "b.txt", bytes_text("x"));
}

/* The magic of a tar within other content. */
Test(unpack, what_only_looks_packed_is_plain)
{
    for (int i = 0; i < 1000; i++)
        buffer_char(&packed, (char)(i * 7 | 1));
    memcpy(packed.at + 257, "ustar", 5);
    cr_expect(unpack_is_packed(buffer_bytes(&packed)));
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect_str_empty(why.text);
    cr_expect_eq(u.count, 1);
    expect_part(0, NULL, buffer_bytes(&packed));
    cr_expect_eq(u.mapping.at, u.parts[0].content.at);
}

Test(unpack, an_archive_without_files_has_no_parts)
{
    tar_add((struct tar_header){0}, "d/", '5', 0, NULL);
    tar_end();
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect_eq(u.count, 0);
    cr_expect_str_empty(why.text);
}

Test(unpack, keeps_what_came_before_the_damage)
{
    static uint8_t noise[ZSTD_BLOCK];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 2654435761u >> 13);
    zstd_begin();
    for (int i = 0; i < 3; i++)
        zstd_block(0, sizeof noise, noise, i == 2);
    packed.len -= 1000;
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect(why.text[0], "the reason");
    cr_expect_eq(u.count, 1);
    cr_assert_eq(u.parts[0].content.len, 2 * sizeof noise);
    cr_expect_arr_eq(u.parts[0].content.at, noise, sizeof noise);
    cr_expect_arr_eq(u.parts[0].content.at + sizeof noise, noise, sizeof noise);
}

Test(unpack, keeps_the_members_before_the_damage)
{
    tar_add((struct tar_header){0}, "a", '0', 5, "first");
    tar_add((struct tar_header){0}, "b", '0', 6, "second");
    packed.len -= 509; /* three octets are left of the second */
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect(why.text[0], "the reason");
    expect_part(0, "a", bytes_text("first"));
    cr_expect_leq(u.count, 2);
    if (u.count == 2)
        expect_part(1, "b", bytes_text("sec"));
}

Test(unpack, fails_where_nothing_comes_out)
{
    const struct bytes files[] = {OF(hello_gz), OF(hello_xz), OF(hello_bz2), OF(hello_zst), OF(hello_lz4)};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cr_expect_not(unpack_bytes(bytes_until(files[i], 15)), "%zu", i);
        cr_expect(why.text[0], "%zu", i);
        cr_expect_eq(u.count, 0);
        cr_expect_null(u.parts);
    }
}

/* Octets that are all the same, and no tar. */
static void repeated(size_t len)
{
    zstd_begin();
    for (; len > ZSTD_BLOCK; len -= ZSTD_BLOCK)
        zstd_block(1, ZSTD_BLOCK, "z", false);
    zstd_block(1, len, "z", true);
}

Test(unpack, refuses_what_grows_beyond_the_ratio)
{
    repeated(UNPACK_FREE_BYTES + 1);
    cr_assert_lt(packed.len * UNPACK_RATIO_MAX, UNPACK_FREE_BYTES);
    cr_expect_not(unpack_bytes(buffer_bytes(&packed)));
    cr_expect_str_eq(why.text, "unpacks to more than 67108864 octets");
    cr_expect_eq(u.count, 0);
}

Test(unpack, lets_a_small_file_grow_to_the_free_octets)
{
    repeated(UNPACK_FREE_BYTES);
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect_eq(u.parts[0].content.len, UNPACK_FREE_BYTES);
}

Test(unpack, refuses_more_octets_than_the_caller_takes)
{
    repeated(1000);
    cr_expect(unpack_up_to(buffer_bytes(&packed), 1000), "%s", why.text);
    cr_expect_not(unpack_up_to(buffer_bytes(&packed), 999));
    cr_expect_str_eq(why.text, "unpacks to more than 999 octets");
}

Test(unpack, counts_the_octets_of_all_members)
{
    tar_add((struct tar_header){0}, "a", '0', 5, "first");
    tar_add((struct tar_header){0}, "b", '0', 6, "second");
    tar_end();
    cr_expect(unpack_up_to(buffer_bytes(&packed), 11), "%s", why.text);
    cr_expect_not(unpack_up_to(buffer_bytes(&packed), 10));
}

static void tar_add_sparse(const char *offset)
{
    struct tar_header h = {.magic = "ustar  "};
    memcpy(h.sparse[0].offset, offset, 11);
    memcpy(h.sparse[0].len, "00000000001", 11);
    memcpy(h.real_size, offset, 11);
    h.real_size[10]++;
    tar_add(h, "sparse", 'S', 1, "x");
    tar_end();
}

Test(unpack, fills_the_holes_of_a_sparse_member)
{
    tar_add_sparse("00000000005");
    cr_assert(unpack_bytes(buffer_bytes(&packed)), "%s", why.text);
    cr_expect_eq(u.count, 1);
    expect_part(0, "sparse", bytes_of("\0\0\0\0\0x", 6));
}

Test(unpack, counts_the_holes_of_a_sparse_member)
{
    tar_add_sparse("77777777770");
    cr_expect_not(unpack_bytes(buffer_bytes(&packed)));
    cr_expect(strstr(why.text, "unpacks to more than"), "%s", why.text);
}

static bool unpack_members(int count)
{
    buffer_clear(&packed);
    for (int i = 0; i < count; i++)
        tar_add((struct tar_header){0}, "m", i % 2 ? '0' : '5', 0, NULL);
    tar_end();
    return unpack_bytes(buffer_bytes(&packed));
}

Test(unpack, takes_as_many_members_as_the_bound_and_no_more)
{
    cr_assert(unpack_members(UNPACK_MEMBERS_MAX), "%s", why.text);
    cr_expect_eq(u.count, UNPACK_MEMBERS_MAX / 2);
    cr_expect_not(unpack_members(UNPACK_MEMBERS_MAX + 1), "folders count too");
    cr_expect_str_eq(why.text, "more than 65536 members");
}

Test(unpack, refuses_what_is_no_regular_file)
{
    cr_expect_not(unpack_file(&u, path, UNPACK_BYTES_MAX, &why));
    cr_expect_str_eq(why.text, "cannot open: No such file or directory");
    why = (struct fail){0};
    cr_expect_not(unpack_file(&u, folder, UNPACK_BYTES_MAX, &why));
    cr_expect_str_eq(why.text, "not a regular file");
    why = (struct fail){0};
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_not(unpack_file(&u, path, UNPACK_BYTES_MAX, &why), "and does not wait for a writer");
    cr_expect_str_eq(why.text, "not a regular file");
}

Test(unpack, names_the_folder_that_takes_no_temporary_file)
{
    setenv("TMPDIR", "/nonexistent", 1);
    cr_expect(unpack_bytes(bytes_text("plain")), "a plain file needs none");
    cr_expect_not(unpack_bytes(OF(hello_gz)));
    cr_expect_str_eq(why.text, "/nonexistent: No such file or directory");
}

static bool unpack_piped(struct bytes head, struct bytes rest, uint64_t bytes_max)
{
    int ends[2];
    cr_assert(pipe(ends) == 0 && write(ends[1], rest.at, rest.len) == (ssize_t)rest.len);
    close(ends[1]);
    unpack_free(&u);
    why = (struct fail){0};
    bool done = unpack_pipe(&u, ends[0], head, bytes_max, &why);
    close(ends[0]);
    return done;
}

Test(unpack, reads_a_pipe_behind_what_was_read_of_it)
{
    cr_assert(unpack_piped(bytes_text("type,"), bytes_text("value\n"), 11), "%s", why.text);
    expect_part(0, NULL, bytes_text("type,value\n"));
    cr_assert(unpack_piped(bytes_until(OF(hello_gz), 4), bytes_from(OF(hello_gz), 4), 100), "%s", why.text);
    expect_part(0, NULL, bytes_text("hello\n"));
    cr_assert(unpack_piped(bytes_text(""), bytes_text(""), 0), "%s", why.text);
    cr_expect_eq(u.count, 1);
    expect_part(0, NULL, bytes_text(""));
}

Test(unpack, reads_no_more_of_a_pipe_than_the_caller_takes)
{
    cr_expect_not(unpack_piped(bytes_text("type,"), bytes_text("value\n"), 10));
    cr_expect_str_eq(why.text, "more than 10 octets");
    cr_expect_not(unpack_piped(bytes_text("type,"), bytes_text(""), 4));
    cr_expect_eq(u.count, 0);
}

/* Nothing to expect but that it ends within its bounds. */
Test(unpack, survives_damaged_archives)
{
    static const struct bytes files[] = {{hello_gz, sizeof hello_gz},   {hello_xz, sizeof hello_xz},
                                         {hello_bz2, sizeof hello_bz2}, {hello_zst, sizeof hello_zst},
                                         {hello_lz4, sizeof hello_lz4}, {archive_zip, sizeof archive_zip}};
    srand(7);
    for (int i = 0; i < 3000; i++) {
        struct bytes file = files[i % 6];
        buffer_clear(&packed);
        buffer_add(&packed, file.at, file.len);
        for (int k = rand() % 3; k >= 0; k--)
            packed.at[4 + rand() % (int)(file.len - 4)] = (char)rand();
        packed.len = rand() % 2 ? file.len : (size_t)rand() % file.len;
        bool done = unpack_up_to(buffer_bytes(&packed), 1 << 20);
        cr_assert(done ? u.count > 0 || !packed.len || file.at == archive_zip : why.text[0] && u.count == 0, "%d: %s",
                  i, why.text);
    }
}
