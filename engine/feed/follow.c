/*
 * At the end of the file, one look at its name and length; where the name has gone to another file, one at the folder.
 */
#include "feed/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT_OCTETS = 64 * 1024 };

struct sibling {
    char name[FOLLOW_NAME_MAX + 1];
    uint64_t inode;
    int64_t changed_ns;
};

struct follow follow_of(const char *path, uint64_t inode, uint64_t at, int64_t changed_ns)
{
    return (struct follow){.path = path, .fd = -1, .known_inode = inode, .known_at = at, .known_ns = changed_ns};
}

static int64_t changed(const struct stat *st)
{
    return st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static DIR *open_folder(const char *path)
{
    char *folder = name_of(path) > path ? strndup(path, (size_t)(name_of(path) - path)) : strdup(".");
    DIR *dir = folder ? opendir(folder) : NULL;
    free(folder);
    return dir;
}

/* A regular file, and what it is; -1. */
static int open_file(int folder, const char *path, struct stat *st)
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* ---- files that had the name */

/* `.1`, `-20261121.jsonl` */
static bool is_number_tail(const char *tail)
{
    return *tail && strchr(".-_", *tail) && strpbrk(tail, "0123456789");
}

static bool had_name(const char *own, const char *name)
{
    size_t len = strlen(own);
    const char *dot = strrchr(own, '.');
    if (strncmp(name, own, len) == 0 && is_number_tail(name + len))
        return true;
    size_t stem = dot && dot > own ? (size_t)(dot - own) : len;
    return strncmp(name, own, stem) == 0 && is_number_tail(name + stem) && strcmp(name, own) != 0;
}

/* A number of an inode that was let go of is given to another file, which then was born behind the last change of the
 * one that had it. Where the name is one of ours the number is believed: times may have been set. */
static bool is_born_later(const struct follow *f, int fd, const char *name)
{
    struct statx st;
    if (!f->known_ns || had_name(name_of(f->path), name) || statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) != 0 ||
        !(st.stx_mask & STATX_BTIME))
        return false;
    return st.stx_btime.tv_sec * INT64_C(1000000000) + st.stx_btime.tv_nsec > f->known_ns;
}

/* The file of this inode, whatever it is called now. */
static int open_inode(struct follow *f, uint64_t inode, struct stat *st)
{
    DIR *dir = open_folder(f->path);
    int fd = -1;
    for (struct dirent *entry; dir && fd < 0 && (entry = readdir(dir));) {
        if (entry->d_ino != inode || (fd = open_file(dirfd(dir), entry->d_name, st)) < 0)
            continue;
        snprintf(f->name, sizeof f->name, "%s", entry->d_name);
        if (is_born_later(f, fd, entry->d_name)) {
            close(fd);
            fd = -1;
            f->name[0] = '\0';
        }
    }
    if (dir)
        closedir(dir);
    return fd;
}

static bool is_packed(const char *name)
{
    static const char *const endings[] = {".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", NULL};
    const char *dot = strrchr(name, '.');
    for (const char *const *e = endings; dot && *e; e++)
        if (strcmp(dot, *e) == 0)
            return true;
    return false;
}

static bool same_file(const char *path, const struct stat *st)
{
    struct stat other;
    return stat(path, &other) == 0 && other.st_ino == st->st_ino && other.st_dev == st->st_dev;
}

static bool is_other(const struct follow *f, const struct stat *st)
{
    for (const char *const *other = f->others; other && *other; other++)
        if (same_file(*other, st))
            return true;
    return same_file(f->path, st);
}

/* Clocks of file systems are coarse: of two of the same time, the later one mostly has the higher inode. What was
 * packed keeps its time: of the same time it is the file that was read. */
static bool is_behind(const struct follow *f, const char *name, const struct stat *st)
{
    int64_t at = changed(st);
    return at > f->known_ns || (at == f->known_ns && st->st_ino > f->known_inode && !is_packed(name));
}

/* Of those behind the file that is known, the one changed first. */
static bool next_sibling(const struct follow *f, struct sibling *next)
{
    struct stat named, st;
    DIR *dir = f->known_ns ? open_folder(f->path) : NULL;
    int64_t until = dir && stat(f->path, &named) == 0 && named.st_size > 0 ? changed(&named) : INT64_MAX;
    *next = (struct sibling){.changed_ns = INT64_MAX};
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!had_name(name_of(f->path), entry->d_name) || fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 ||
            !S_ISREG(st.st_mode) || !is_behind(f, entry->d_name, &st) || changed(&st) > until || is_other(f, &st))
            continue;
        if (changed(&st) > next->changed_ns || (changed(&st) == next->changed_ns && st.st_ino > next->inode))
            continue;
        next->inode = st.st_ino;
        next->changed_ns = changed(&st);
        snprintf(next->name, sizeof next->name, "%s", entry->d_name);
    }
    if (dir)
        closedir(dir);
    return *next->name;
}

static void miss(struct follow *f, const char *name)
{
    f->missed++;
    snprintf(f->missed_name, sizeof f->missed_name, "%s", name);
}

static int open_sibling(struct follow *f, struct stat *st)
{
    struct sibling next;
    int fd = -1;
    if (!next_sibling(f, &next))
        return -1;
    f->known_inode = next.inode;
    f->known_ns = next.changed_ns;
    if (!is_packed(next.name))
        fd = open_inode(f, next.inode, st);
    if (fd < 0)
        miss(f, next.name);
    return fd >= 0 ? fd : open_sibling(f, st);
}

/* ---- */

/* The rest of the file that was read, or what came behind it before the name went to the one that has it now. */
static int open_aside(struct follow *f, struct stat *st)
{
    int fd = f->known_over ? -1 : open_inode(f, f->known_inode, st);
    if (fd >= 0)
        return fd;
    if (!f->known_over)
        miss(f, "");
    f->known_over = true;
    return open_sibling(f, st);
}

/* Lines that end before `at`. */
static uint64_t lines_before(int fd, uint64_t at)
{
    uint8_t room[COUNT_OCTETS];
    uint64_t lines = 0;
    ssize_t n;
    for (uint64_t from = 0; from < at; from += (uint64_t)n) {
        uint64_t left = at - from;
        n = pread(fd, room, left < sizeof room ? (size_t)left : sizeof room, (off_t)from);
        if (n <= 0)
            break;
        for (struct bytes rest = bytes_of(room, (size_t)n); rest.len; lines++) {
            size_t end = bytes_find(rest, '\n');
            if (end == rest.len)
                break;
            rest = bytes_from(rest, end + 1);
        }
    }
    return lines;
}

static bool begin(struct follow *f, struct frames *frames)
{
    struct stat st;
    int fd = open_file(AT_FDCWD, f->path, &st);
    f->error = fd < 0 ? errno : 0;
    f->name[0] = '\0';
    if (f->known_inode && (fd < 0 || f->known_over || st.st_ino != f->known_inode)) {
        struct stat old;
        int before = open_aside(f, &old);
        if (before >= 0) {
            if (fd >= 0)
                close(fd);
            fd = before;
            st = old;
        }
    }
    if (fd < 0)
        return false;
    bool known = !f->known_over && f->known_inode == st.st_ino && (uint64_t)st.st_size >= f->known_at;
    f->fd = fd;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    f->base = f->read_at = known ? f->known_at : 0;
    f->known_inode = 0;
    f->known_ns = 0;
    f->known_over = false;
    f->looked = false;
    frames_restart(frames);
    frames->lines = lines_before(fd, f->read_at);
    return true;
}

/* Nothing has the name now: whether another one lies behind the file at hand, which lost the name before. Looked for
 * once. */
static bool is_followed(struct follow *f, const struct stat *own)
{
    struct sibling next;
    if (f->looked)
        return false;
    f->known_inode = f->inode;
    f->known_ns = changed(own);
    bool found = next_sibling(f, &next);
    f->known_inode = 0;
    f->known_ns = 0;
    f->looked = true;
    return found;
}

/* At the end of what there is. */
static enum follow_found look(struct follow *f, int64_t now_ns)
{
    struct stat own, named;
    bool is_own = fstat(f->fd, &own) == 0;
    if (f->leaving || (is_own && (uint64_t)own.st_size < f->read_at))
        return FOLLOW_END;
    if (stat(f->path, &named) != 0) {
        f->turned_ns = 0;
        f->leaving = is_own && is_followed(f, &own);
        return FOLLOW_NOTHING;
    }
    if (named.st_ino == f->inode && named.st_dev == f->device) {
        f->turned_ns = 0;
        return FOLLOW_NOTHING;
    }
    if (!f->turned_ns)
        f->turned_ns = now_ns;
    f->leaving = named.st_size > 0 || now_ns - f->turned_ns >= FOLLOW_LINGER_NS;
    return FOLLOW_NOTHING;
}

enum follow_found follow_read(struct follow *f, struct frames *frames, int64_t now_ns)
{
    if (f->fd < 0 && !begin(f, frames))
        return FOLLOW_NOTHING;
    size_t len;
    uint8_t *room = frames_room(frames, &len);
    ssize_t n = pread(f->fd, room, len, (off_t)f->read_at);
    if (n > 0) {
        f->read_at += (uint64_t)n;
        frames_add(frames, (size_t)n);
        return FOLLOW_OCTETS;
    }
    f->error = n < 0 && errno != EINTR ? errno : 0;
    return n < 0 ? FOLLOW_NOTHING : look(f, now_ns);
}

void follow_turn(struct follow *f, struct frames *frames)
{
    struct stat st;
    f->known_over = f->leaving && fstat(f->fd, &st) == 0;
    f->known_inode = f->known_over ? f->inode : 0;
    f->known_ns = f->known_over ? changed(&st) : 0;
    follow_close(f);
    f->turned_ns = 0;
    f->leaving = false;
    f->base = f->read_at = 0;
    frames_restart(frames);
}

uint64_t follow_position(const struct follow *f, const struct frames *frames)
{
    return f->base + frames->passed;
}

int64_t follow_changed(const struct follow *f)
{
    struct stat st;
    return f->fd >= 0 && fstat(f->fd, &st) == 0 ? changed(&st) : 0;
}

uint64_t follow_lag(const struct follow *f)
{
    struct stat st;
    bool known = f->fd >= 0 && fstat(f->fd, &st) == 0;
    return known && (uint64_t)st.st_size > f->read_at ? (uint64_t)st.st_size - f->read_at : 0;
}

void follow_close(struct follow *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}
