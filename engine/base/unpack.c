/*
 * unpack: libarchive reads the packed file from its mapping and hands over blocks, which go to one temporary file, each
 * member beginning on a page of its own, so that one mapping shows them all.
 *
 * Where libarchive was built without a decoder it would start a program for it; it is never let.
 */
#include "base/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIPE_READ_BYTES = 1 << 20, TAR_MAGIC_AT = 257 };

static void out_of_memory(void)
{
    fputs("vigia: error: out of memory (unpacking)\n", stderr);
    abort();
}

static bool fail_errno(struct fail *why, const char *what)
{
    return fail_set(why, "%s: %s", what, strerrordesc_np(errno));
}

bool unpack_is_packed(struct bytes head)
{
    static const struct {
        const char *magic;
        uint8_t len;
        uint8_t mask; /* of the first octet */
    } magics[] = {
        {"\x1f\x8b\x08", 3, 0xff},     /* gzip, RFC 1952 */
        {"\x28\xb5\x2f\xfd", 4, 0xff}, /* zstd, RFC 8878 */
        {"\x50\x2a\x4d\x18", 4, 0xf0}, /* zstd and lz4, skippable frame */
        {"\x04\x22\x4d\x18", 4, 0xff}, /* lz4 frame */
        {"\x02\x21\x4c\x18", 4, 0xff}, /* lz4, legacy */
        {"\xfd"
         "7zXZ\0",
         6, 0xff},           /* xz */
        {"PK\3\4", 4, 0xff}, /* zip */
        {"PK\5\6", 4, 0xff}, /* zip without members */
    };
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (head.len >= magics[i].len && (head.at[0] & magics[i].mask) == (uint8_t)magics[i].magic[0] &&
            memcmp(head.at + 1, magics[i].magic + 1, magics[i].len - 1u) == 0)
            return true;
    /* bzip2: the level, then the magic of a block or of the end */
    if (head.len >= 10 && bytes_start_with(head, "BZh") && head.at[3] >= '1' && head.at[3] <= '9')
        return memcmp(head.at + 4, "1AY&SY", 6) == 0 || memcmp(head.at + 4, "\x17rE8P\x90", 6) == 0;
    return bytes_start_with(bytes_from(head, TAR_MAGIC_AT), "ustar");
}

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/var/tmp";
}

/* A file without name. Where the file system knows none such, one that loses its name at once. */
static int temporary_file(struct fail *why)
{
    const char *folder = temporary_folder();
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/vigia-XXXXXX", folder) >= (int)sizeof path)
        errno = ENAMETOOLONG;
    else if ((fd = mkostemp(path, O_CLOEXEC)) >= 0)
        unlink(path);
    if (fd < 0)
        fail_errno(why, folder);
    return fd;
}

static bool write_at(int fd, struct bytes b, uint64_t at, struct fail *why)
{
    while (b.len) {
        ssize_t done = pwrite(fd, b.at, b.len, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail_errno(why, temporary_folder());
        b = bytes_from(b, (size_t)done);
        at += (size_t)done;
    }
    return true;
}

/* An empty file has no mapping. */
static bool map(int fd, uint64_t len, struct bytes *mapping, struct fail *why)
{
    *mapping = bytes_of("", 0);
    if (len == 0)
        return true;
    void *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return fail_errno(why, "mmap");
    *mapping = bytes_of(at, len);
    return true;
}

static void unmap(struct bytes mapping)
{
    if (mapping.len)
        munmap((void *)(uintptr_t)mapping.at, mapping.len);
}

/* The members' content while it is gathered. */
struct spool {
    struct unpack *to;
    int fd;
    uint64_t end; /* of what was written */
    uint64_t unpacked;
    uint64_t unpacked_max;
    size_t room;
    uint64_t *starts; /* of each part, in the file */
    struct fail damage;
};

static struct unpacked *part_add(struct spool *s, const char *name)
{
    struct unpack *u = s->to;
    if (u->count == s->room) {
        s->room = s->room ? 2 * s->room : 4;
        u->parts = reallocarray(u->parts, s->room, sizeof *u->parts);
        s->starts = reallocarray(s->starts, s->room, sizeof *s->starts);
        if (!u->parts || !s->starts)
            out_of_memory();
    }
    struct unpacked *part = &u->parts[u->count];
    *part = (struct unpacked){.content = bytes_of("", 0)};
    if (name && !(part->member = strndup(name, PATH_MAX)))
        out_of_memory();
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    s->starts[u->count] = s->end = (s->end + page - 1) / page * page;
    u->count++;
    return part;
}

static void part_drop(struct spool *s)
{
    s->end = s->starts[--s->to->count];
    free(s->to->parts[s->to->count].member);
}

/* One block of the part at `offset`; holes are zeros, and count. */
static bool part_write(struct spool *s, struct unpacked *part, struct bytes block, uint64_t offset, struct fail *why)
{
    uint64_t start = s->starts[part - s->to->parts], len = part->content.len;
    if (offset < len)
        return fail_set(&s->damage, "blocks overlap");
    uint64_t more_max = s->unpacked_max - s->unpacked;
    if (offset - len > more_max || block.len > more_max - (offset - len))
        return fail_set(why, "unpacks to more than %llu octets", (unsigned long long)s->unpacked_max);
    if (!write_at(s->fd, block, start + offset, why))
        return false;
    part->content.len = offset + block.len;
    s->unpacked += part->content.len - len;
    s->end = start + part->content.len;
    return true;
}

static void note_damage(struct spool *s, struct archive *a, const char *member)
{
    const char *reason = archive_error_string(a);
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_set(&s->damage, "%s%s%s", member ? fail_quote(bytes_text(member), quote) : "", member ? ": " : "",
             reason ? reason : "damaged");
}

/* Reads a member to its end or to where it is damaged; what came before stays. False when `why` or nothing more can be
 * read from the archive. */
static bool read_member(struct spool *s, struct archive *a, const char *name, struct fail *why)
{
    struct unpacked *part = part_add(s, name);
    for (;;) {
        const void *at;
        size_t len;
        la_int64_t offset;
        int status = archive_read_data_block(a, &at, &len, &offset);
        if (status == ARCHIVE_EOF)
            return true;
        if (status != ARCHIVE_OK) {
            note_damage(s, a, name);
            if (part->content.len == 0)
                part_drop(s);
            return status != ARCHIVE_FATAL;
        }
        if (!part_write(s, part, bytes_of(at, len), (uint64_t)offset, why))
            return false;
    }
}

static const char *member_name(struct archive *a, struct archive_entry *entry)
{
    if (archive_format(a) == ARCHIVE_FORMAT_RAW)
        return NULL;
    const char *name = archive_entry_pathname_utf8(entry);
    name = name ? name : archive_entry_pathname(entry);
    return name ? name : "?";
}

static bool is_content(struct archive_entry *entry)
{
    return archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);
}

static bool read_members(struct spool *s, struct archive *a, struct fail *why)
{
    for (unsigned entries = 0;; entries++) {
        struct archive_entry *entry;
        int status = archive_read_next_header(a, &entry);
        if (status == ARCHIVE_EOF)
            return true;
        if (entries == UNPACK_MEMBERS_MAX)
            return fail_set(why, "more than %d members", UNPACK_MEMBERS_MAX);
        bool read = status == ARCHIVE_OK || status == ARCHIVE_WARN; /* a warning: of its name or times */
        if (!read)
            note_damage(s, a, NULL);
        if (status == ARCHIVE_FATAL)
            return true;
        if (read && is_content(entry) && !read_member(s, a, member_name(a, entry), why))
            return !why->text[0];
    }
}

/* An archive that reads what unpack reads and nothing else. */
static struct archive *archive_open(struct bytes packed, struct fail *why)
{
    static int (*const forms[])(struct archive *) = {
        archive_read_support_filter_gzip,  archive_read_support_filter_zstd, archive_read_support_filter_xz,
        archive_read_support_filter_bzip2, archive_read_support_filter_lz4,  archive_read_support_format_zip,
        archive_read_support_format_tar,   archive_read_support_format_raw,  archive_read_support_format_empty,
    };
    struct archive *a = archive_read_new();
    if (!a)
        out_of_memory();
    bool whole = true;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        whole &= forms[i](a) == ARCHIVE_OK; /* a warning: it would start a program */
    if (!whole)
        fail_set(why, "this libarchive was built without a decoder that is needed");
    else if (archive_read_open_memory(a, packed.at, packed.len) != ARCHIVE_OK)
        fail_set(why, "%s", archive_error_string(a));
    else
        return a;
    archive_read_free(a);
    return NULL;
}

/* Gives each part its view of the mapping. */
static bool show_parts(struct spool *s, struct fail *why)
{
    struct unpack *u = s->to;
    if (ftruncate(s->fd, (off_t)s->end) != 0)
        return fail_errno(why, temporary_folder());
    if (!map(s->fd, s->end, &u->mapping, why))
        return false;
    for (size_t i = 0; i < u->count; i++)
        if (u->parts[i].content.len)
            u->parts[i].content.at = u->mapping.at + s->starts[i];
    return true;
}

static uint64_t unpacked_max(uint64_t packed, uint64_t bytes_max)
{
    uint64_t by_ratio = packed > UINT64_MAX / UNPACK_RATIO_MAX ? UINT64_MAX : packed * UNPACK_RATIO_MAX;
    uint64_t max = by_ratio > UNPACK_FREE_BYTES ? by_ratio : UNPACK_FREE_BYTES;
    return max < bytes_max ? max : bytes_max;
}

static bool spool_archive(struct spool *s, struct archive *a, struct fail *why)
{
    if (!read_members(s, a, why))
        return false;
    if (s->to->count == 0 && archive_format(a) == ARCHIVE_FORMAT_EMPTY)
        part_add(s, NULL);
    if (s->to->count == 0 && s->damage.text[0])
        return fail_set(why, "%s", s->damage.text);
    return show_parts(s, why);
}

static bool spool_packed(struct spool *s, struct bytes packed, struct fail *why)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL); /* else libarchive loses names outside ASCII */
    locale_t before = utf8 ? uselocale(utf8) : NULL;
    struct archive *a = archive_open(packed, why);
    bool done = a && spool_archive(s, a, why);
    archive_read_free(a);
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return done;
}

static bool unpack_archive(struct unpack *u, struct bytes packed, uint64_t bytes_max, struct fail *why)
{
    struct spool s = {.to = u, .unpacked_max = unpacked_max(packed.len, bytes_max)};
    s.fd = temporary_file(why);
    if (s.fd < 0)
        return false;
    bool done = spool_packed(&s, packed, why);
    close(s.fd);
    free(s.starts);
    if (done && s.damage.text[0])
        fail_set(why, "damaged: %s", s.damage.text);
    return done;
}

/* A magic may stand in plain content by chance or malice: libarchive, which looks closer, then takes it as it is. */
static bool is_plain(struct bytes whole)
{
    if (!unpack_is_packed(whole))
        return true;
    struct fail why = {0};
    struct archive_entry *entry;
    struct archive *a = archive_open(whole, &why);
    bool plain = a && archive_read_next_header(a, &entry) == ARCHIVE_OK && archive_format(a) == ARCHIVE_FORMAT_RAW &&
                 archive_filter_count(a) == 1; /* the one of reading it as it is */
    archive_read_free(a);
    return plain;
}

/* What `fd` holds, packed or not. */
static bool unpack_mapped(struct unpack *u, int fd, uint64_t len, uint64_t bytes_max, struct fail *why)
{
    struct bytes whole;
    if (!map(fd, len, &whole, why))
        return false;
    if (!is_plain(whole)) {
        bool done = unpack_archive(u, whole, bytes_max, why);
        unmap(whole);
        return done;
    }
    u->mapping = whole;
    u->parts = calloc(1, sizeof *u->parts);
    if (!u->parts)
        out_of_memory();
    u->parts[u->count++].content = whole;
    return true;
}

bool unpack_file(struct unpack *u, const char *path, uint64_t bytes_max, struct fail *why)
{
    *u = (struct unpack){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not make us wait */
    if (fd < 0)
        return fail_errno(why, "cannot open");
    struct stat st;
    bool done =
        fstat(fd, &st) == 0 ? S_ISREG(st.st_mode) || fail_set(why, "not a regular file") : fail_errno(why, "fstat");
    done = done && unpack_mapped(u, fd, (uint64_t)st.st_size, bytes_max, why);
    close(fd);
    if (!done)
        unpack_free(u);
    return done;
}

/* Copies all of `from` behind what `to` holds. */
static bool drain(int from, int to, uint64_t *len, uint64_t bytes_max, struct fail *why)
{
    uint8_t *room = malloc(PIPE_READ_BYTES);
    if (!room)
        out_of_memory();
    bool done = true;
    while (done) {
        ssize_t got = read(from, room, PIPE_READ_BYTES);
        if (got == 0)
            break;
        if (got < 0) {
            done = errno == EINTR || fail_errno(why, "cannot read");
        } else if ((uint64_t)got > bytes_max - *len) {
            done = fail_set(why, "more than %llu octets", (unsigned long long)bytes_max);
        } else {
            done = write_at(to, bytes_of(room, (size_t)got), *len, why);
            *len += (uint64_t)got;
        }
    }
    free(room);
    return done;
}

bool unpack_pipe(struct unpack *u, int fd, struct bytes head, uint64_t bytes_max, struct fail *why)
{
    *u = (struct unpack){0};
    uint64_t len = head.len;
    if (len > bytes_max)
        return fail_set(why, "more than %llu octets", (unsigned long long)bytes_max);
    int to = temporary_file(why);
    if (to < 0)
        return false;
    bool done =
        write_at(to, head, 0, why) && drain(fd, to, &len, bytes_max, why) && unpack_mapped(u, to, len, bytes_max, why);
    close(to);
    if (!done)
        unpack_free(u);
    return done;
}

bool unpack_path(struct unpack *u, const char *path, uint64_t bytes_max, struct fail *why)
{
    struct stat st;
    bool input = strcmp(path, "-") == 0;
    bool pipe = input || (stat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)));
    if (!pipe)
        return unpack_file(u, path, bytes_max, why);
    int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_set(why, "cannot open: %s", strerror(errno));
    bool good = unpack_pipe(u, fd, bytes_of("", 0), bytes_max, why);
    if (!input)
        close(fd);
    return good;
}

void unpack_free(struct unpack *u)
{
    for (size_t i = 0; i < u->count; i++)
        free(u->parts[i].member);
    free(u->parts);
    unmap(u->mapping);
    *u = (struct unpack){0};
}
