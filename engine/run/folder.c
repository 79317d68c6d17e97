/*
 * The folder is looked through after every event in it, and every second in case events are missed.
 */
#include "run/folder.h"

#include "base/counter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    ino_t inode;
    int64_t changed_ns;
    bool taken;
    bool closed; /* an event said so */
    bool there;  /* at the last look */
    char *name;
};

struct folder {
    char *path;
    int events;         /* inotify; -1: only looking */
    struct file *files; /* by `changed_ns`, then name */
    size_t count;
    int64_t after_ns;
    int64_t current_ns; /* last change of the file being read */
    struct progress position;
    void (*complain)(void *to, const char *text);
    void *to;
};

struct folder *folder_open(const char *path, int64_t after_ns, void (*complain)(void *to, const char *text), void *to,
                           struct fail *why)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        fail_set(why, "%s: expected a folder: %s", path, errno ? strerror(errno) : "is none");
        return NULL;
    }
    struct folder *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    f->path = strdup(path);
    f->after_ns = after_ns;
    f->complain = complain;
    f->to = to;
    f->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (f->events >= 0)
        inotify_add_watch(f->events, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE);
    progress_tell(&f->position, after_ns);
    return f;
}

static struct file *find(struct folder *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->files[i].name, name) == 0)
            return &f->files[i];
    return NULL;
}

static void note(struct folder *f, const char *name, const struct stat *st)
{
    int64_t changed_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    struct file *file = find(f, name);
    if (!file) {
        if (f->count >= FOLDER_FILES_MAX)
            return;
        f->files = realloc(f->files, (f->count + 1) * sizeof *f->files);
        if (!f->files)
            abort();
        file = &f->files[f->count++];
        *file = (struct file){.name = strdup(name), .inode = st->st_ino, .taken = changed_ns <= f->after_ns};
    }
    if (file->inode != st->st_ino) { /* another file by the same name */
        file->inode = st->st_ino;
        file->taken = file->closed = false;
    }
    file->changed_ns = changed_ns;
    file->there = true;
}

static void forget_gone(struct folder *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->files[i].there)
            f->files[kept++] = f->files[i];
        else
            free(f->files[i].name);
    }
    f->count = kept;
}

static int by_change(const void *a, const void *b)
{
    const struct file *left = a, *right = b;
    if (left->changed_ns != right->changed_ns)
        return left->changed_ns < right->changed_ns ? -1 : 1;
    return strcmp(left->name, right->name);
}

static void look(struct folder *f)
{
    DIR *dir = opendir(f->path);
    if (!dir)
        return; /* it may come back */
    for (size_t i = 0; i < f->count; i++)
        f->files[i].there = false;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct stat st;
        if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            note(f, entry->d_name, &st);
    }
    closedir(dir);
    forget_gone(f);
    if (f->count)
        qsort(f->files, f->count, sizeof *f->files, by_change);
}

static void hear_events(struct folder *f)
{
    _Alignas(struct inotify_event) char events[4096];
    ssize_t len;
    while ((len = read(f->events, events, sizeof events)) > 0)
        for (char *at = events; at < events + len;) {
            const struct inotify_event *e = (const struct inotify_event *)at;
            struct file *file = e->len && e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO) ? find(f, e->name) : NULL;
            if (file)
                file->closed = true;
            at += sizeof *e + e->len;
        }
}

/* Whether nobody writes to it any more. */
static bool is_complete(const struct folder *f, const struct file *file, int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        fcntl(fd, F_SETLEASE, F_UNLCK);
        return true;
    }
    bool written = errno == EAGAIN;
    bool newest = file == &f->files[f->count - 1];
    return !written && (file->closed || !newest);
}

/* The first complete file that was not taken; -1 when there is none now. */
static int take(struct folder *f, char *name, size_t name_max)
{
    for (size_t i = 0; i < f->count; i++) {
        struct file *file = &f->files[i];
        if (file->taken)
            continue;
        snprintf(name, name_max, "%s/%s", f->path, file->name);
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (is_complete(f, file, fd)) {
            file->taken = true;
            f->current_ns = file->changed_ns;
            return fd;
        }
        close(fd);
    }
    return -1;
}

static int next(void *to, char *name, size_t name_max)
{
    struct folder *f = to;
    for (;;) {
        int old;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
        look(f);
        if (f->events >= 0)
            hear_events(f);
        int fd = take(f, name, name_max);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
        if (fd >= 0)
            return fd;
        struct pollfd ready = {.fd = f->events, .events = POLLIN};
        poll(&ready, 1, FOLDER_LOOK_MS);
    }
}

static void done(void *to, const char *why)
{
    struct folder *f = to;
    if (*why)
        f->complain(f->to, why);
    if (f->current_ns > progress_read(&f->position))
        progress_tell(&f->position, f->current_ns);
}

struct reader_source folder_source(struct folder *f)
{
    return (struct reader_source){.to = f, .next = next, .done = done};
}

int64_t folder_position(const struct folder *f)
{
    return progress_read(&f->position);
}

void folder_close(struct folder *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->files[i].name);
    if (f->events >= 0)
        close(f->events);
    free(f->files);
    free(f->path);
    free(f);
}
