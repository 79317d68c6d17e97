/*
 * At the end of the file, one look at its name and length.
 */
#include "feed/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct follow follow_of(const char *path, uint64_t inode, uint64_t at)
{
    return (struct follow){.path = path, .fd = -1, .known_inode = inode, .known_at = at};
}

/* A regular file, and what it is; -1. */
static int open_file(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* The file of this inode, whatever it is called now. */
static int open_inode(const char *beside, uint64_t inode, struct stat *st)
{
    const char *slash = strrchr(beside, '/');
    char *folder = slash ? strndup(beside, (size_t)(slash - beside) + 1) : strdup("./");
    char *path = NULL;
    DIR *dir = folder ? opendir(folder) : NULL;
    int fd = -1;
    for (struct dirent *entry; dir && fd < 0 && (entry = readdir(dir));) {
        if (entry->d_ino != inode || asprintf(&path, "%s%s", folder, entry->d_name) < 0)
            continue;
        fd = open_file(path, st);
        free(path);
    }
    if (dir)
        closedir(dir);
    free(folder);
    return fd;
}

static bool begin(struct follow *f, struct frames *frames)
{
    struct stat st;
    int fd = open_file(f->path, &st);
    f->error = fd < 0 ? errno : 0;
    if (f->known_inode && (fd < 0 || st.st_ino != f->known_inode)) {
        struct stat old;
        int before = open_inode(f->path, f->known_inode, &old);
        if (before >= 0) {
            if (fd >= 0)
                close(fd);
            fd = before;
            st = old;
        }
    }
    if (fd < 0)
        return false;
    bool known = f->known_inode == st.st_ino && (uint64_t)st.st_size >= f->known_at;
    f->fd = fd;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    f->base = f->read_at = known ? f->known_at : 0;
    f->known_inode = 0;
    frames_restart(frames);
    return true;
}

/* At the end of what there is. */
static enum follow_found look(struct follow *f, int64_t now_ns)
{
    struct stat own, named;
    if (f->leaving || (fstat(f->fd, &own) == 0 && (uint64_t)own.st_size < f->read_at))
        return FOLLOW_END;
    if (stat(f->path, &named) != 0 || (named.st_ino == f->inode && named.st_dev == f->device)) {
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
