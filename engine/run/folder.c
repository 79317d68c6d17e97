/*
 * A table finds a file by its name; those that wait to be taken lie in a binary heap. A look through the whole folder
 * forgets what is gone and builds table and heap anew; an event adds one file to both.
 */
#include "run/folder.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/table.h"
#include "base/unpack.h"
#include "run/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_OCTETS = 512 /* in which every packing shows */, LOOK_SHARE = 16 };

#define MS_NS INT64_C(1000000)

struct version {
    uint64_t inode, size;
    int64_t changed_ns;
};

struct file {
    char *name;
    struct version now;   /* as last seen */
    struct version taken; /* all zero: never */
    bool noted;           /* the ledger knows it as taken */
    bool closed;          /* an event said so of this version */
    bool there;           /* at the last look */
    bool waiting;         /* in the heap */
    bool named;           /* it could not be opened, which was said */
};

struct waiting {
    int64_t changed_ns;
    uint32_t file;
};

struct folder {
    char *path;
    const char *sensor;
    int events; /* inotify; -1: only looking */
    struct hash_key key;
    struct table table; /* by name */
    struct file *files;
    uint32_t count;
    uint32_t room;
    uint32_t newest;      /* of them */
    struct waiting *heap; /* the one to take first on top; has room for all files */
    uint32_t heap_count;
    int64_t look_ns; /* when to look through all of it; monotonic */
    bool crowded;    /* more files than are looked at, which was said */
    uint32_t current;
    struct unpack pack; /* of the present file, if it is packed */
    size_t part;
    struct ring *notes;
    struct ledger_note *unsent;
    void (*complain)(void *to, const char *text);
    void *to;
};

struct folder *folder_open(const char *path, const char *sensor, void (*complain)(void *to, const char *text), void *to,
                           struct fail *why)
{
    struct stat st;
    errno = 0;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        fail_set(why, "%s: expected a folder: %s", path, errno ? strerror(errno) : "is none");
        return NULL;
    }
    struct folder *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    f->path = strdup(path);
    f->sensor = sensor;
    f->complain = complain;
    f->to = to;
    f->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    f->notes = ring_new(LEDGER_RING);
    hash_key_random(&f->key);
    table_init(&f->table, FOLDER_FILES_MAX);
    return f;
}

/* ---- files */

static bool same(const struct version *a, const struct version *b)
{
    return a->inode == b->inode && a->size == b->size && a->changed_ns == b->changed_ns;
}

static bool is_taken(const struct file *file)
{
    return same(&file->now, &file->taken);
}

static struct version version_of(const struct stat *st)
{
    return (struct version){.inode = st->st_ino,
                            .size = (uint64_t)st->st_size,
                            .changed_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec};
}

static uint64_t hash_of(const struct folder *f, const char *name)
{
    return hash_keyed(&f->key, name, strlen(name));
}

static struct file *find(struct folder *f, const char *name)
{
    uint64_t hash = hash_of(f, name);
    for (uint32_t slot = table_first(&f->table, hash); slot != TABLE_NONE; slot = table_next(&f->table, hash, slot))
        if (strcmp(f->files[table_value(&f->table, slot)].name, name) == 0)
            return &f->files[table_value(&f->table, slot)];
    return NULL;
}

static bool is_before(const struct folder *f, struct waiting a, struct waiting b)
{
    if (a.changed_ns != b.changed_ns)
        return a.changed_ns < b.changed_ns;
    return strcmp(f->files[a.file].name, f->files[b.file].name) < 0;
}

static struct waiting place_of(const struct folder *f, uint32_t file)
{
    return (struct waiting){.changed_ns = f->files[file].now.changed_ns, .file = file};
}

/* NULL: there are too many. */
static struct file *add(struct folder *f, const char *name)
{
    char text[96];
    if (f->count == FOLDER_FILES_MAX) {
        snprintf(text, sizeof text, "more than %d files in the folder: the others wait", FOLDER_FILES_MAX);
        if (!f->crowded)
            f->complain(f->to, text);
        f->crowded = true;
        return NULL;
    }
    if (f->count == f->room) {
        f->room = f->room ? 2 * f->room : 64;
        f->files = reallocarray(f->files, f->room, sizeof *f->files);
        f->heap = reallocarray(f->heap, f->room, sizeof *f->heap);
        if (!f->files || !f->heap)
            abort();
    }
    struct file *file = &f->files[f->count];
    *file = (struct file){.name = strdup(name)};
    if (!file->name)
        abort();
    table_add(&f->table, hash_of(f, name), f->count++);
    return file;
}

void folder_know(struct folder *f, const struct journal_file *known)
{
    char name[NAME_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)known->name.len, (const char *)known->name.at);
    struct file *file = add(f, name);
    if (!file)
        return;
    file->now = file->taken =
        (struct version){.inode = known->inode, .size = known->size, .changed_ns = known->changed_ns};
    file->noted = true;
}

/* ---- the heap */

static void wait_in_turn(struct folder *f, uint32_t file)
{
    struct waiting w = place_of(f, file);
    uint32_t at = f->heap_count++;
    for (; at && is_before(f, w, f->heap[(at - 1) / 2]); at = (at - 1) / 2)
        f->heap[at] = f->heap[(at - 1) / 2];
    f->heap[at] = w;
    f->files[file].waiting = true;
}

static uint32_t take_first(struct folder *f)
{
    uint32_t first = f->heap[0].file, at = 0, child;
    struct waiting last = f->heap[--f->heap_count];
    while ((child = 2 * at + 1) < f->heap_count) {
        if (child + 1 < f->heap_count && is_before(f, f->heap[child + 1], f->heap[child]))
            child++;
        if (!is_before(f, f->heap[child], last))
            break;
        f->heap[at] = f->heap[child];
        at = child;
    }
    f->heap[at] = last;
    f->files[first].waiting = false;
    return first;
}

/* ---- notes */

/* Waits while the ledger has no room; the thread may be ended there. */
static void send(struct folder *f, const struct file *file, bool gone)
{
    struct journal_file what = {.sensor = f->sensor,
                                .name = bytes_text(file->name),
                                .inode = file->taken.inode,
                                .size = file->taken.size,
                                .changed_ns = file->taken.changed_ns};
    int old;
    f->unsent = ledger_note(&what, gone);
    for (unsigned idle = 0; !ring_push(f->notes, f->unsent);) {
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
        pthread_testcancel();
        ring_pause(&idle);
        pthread_setcancelstate(old, NULL);
    }
    f->unsent = NULL;
}

struct ring *folder_notes(struct folder *f)
{
    return f->notes;
}

/* ---- looking */

static void see(struct folder *f, const char *name, const struct stat *st, bool closed)
{
    struct version now = version_of(st);
    struct file *file = find(f, name);
    if (!file && !(file = add(f, name)))
        return;
    if (!same(&file->now, &now))
        file->closed = file->named = false;
    file->now = now;
    file->closed |= closed;
    file->there = true;
    uint32_t index = (uint32_t)(file - f->files);
    if (!is_taken(file) && !file->waiting)
        wait_in_turn(f, index);
    if (f->newest >= f->count || is_before(f, place_of(f, f->newest), place_of(f, index)))
        f->newest = index;
}

/* False: it could not be read to its end. */
static bool see_all(struct folder *f)
{
    DIR *dir = opendir(f->path);
    if (!dir)
        return false; /* it may come back */
    for (uint32_t i = 0; i < f->count; i++)
        f->files[i].there = false;
    errno = 0;
    for (struct dirent *entry; (entry = readdir(dir)); errno = 0) {
        struct stat st;
        if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            see(f, entry->d_name, &st, false);
    }
    bool whole = errno == 0;
    closedir(dir);
    return whole;
}

static void forget_gone(struct folder *f)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        struct file *file = &f->files[i];
        if (!file->there && file->noted)
            send(f, file, true);
        file->noted &= file->there;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->files[i].there)
            f->files[kept++] = f->files[i];
        else
            free(f->files[i].name);
    }
    f->crowded &= kept == f->count;
    f->count = kept;
}

/* Indices have changed. */
static void build(struct folder *f)
{
    table_free(&f->table);
    table_init(&f->table, FOLDER_FILES_MAX);
    table_reserve(&f->table, f->count);
    f->heap_count = 0;
    f->newest = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        table_add(&f->table, hash_of(f, f->files[i].name), i);
        if (is_before(f, place_of(f, f->newest), place_of(f, i)))
            f->newest = i;
        if (!is_taken(&f->files[i]))
            wait_in_turn(f, i);
    }
}

static void look(struct folder *f)
{
    int64_t begun_ns = clock_monotonic_ns();
    if (f->events >= 0) /* the same one as long as the folder is */
        inotify_add_watch(f->events, f->path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE);
    if (see_all(f)) {
        forget_gone(f);
        build(f);
    }
    int64_t now_ns = clock_monotonic_ns(), pause_ns = LOOK_SHARE * (now_ns - begun_ns);
    f->look_ns = now_ns + (pause_ns > FOLDER_LOOK_MS * MS_NS ? pause_ns : FOLDER_LOOK_MS * MS_NS);
}

static void hear_event(struct folder *f, const struct inotify_event *e)
{
    char path[PATH_MAX];
    struct stat st;
    if (e->mask & IN_Q_OVERFLOW)
        f->look_ns = 0;
    if (!e->len || e->name[0] == '.')
        return;
    snprintf(path, sizeof path, "%s/%s", f->path, e->name);
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        see(f, e->name, &st, e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO));
}

static void hear_events(struct folder *f)
{
    _Alignas(struct inotify_event) char events[4096];
    ssize_t len;
    while (f->events >= 0 && (len = read(f->events, events, sizeof events)) > 0)
        for (char *at = events; at < events + len;) {
            const struct inotify_event *e = (const struct inotify_event *)at;
            hear_event(f, e);
            at += sizeof *e + e->len;
        }
}

/* ---- taking */

/* Whether nobody writes to it any more. */
static bool is_complete(const struct folder *f, const struct file *file, int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        fcntl(fd, F_SETLEASE, F_UNLCK);
        return true;
    }
    bool written = errno == EAGAIN;
    return !written && (file->closed || file != &f->files[f->newest]);
}

static void complain(struct folder *f, const char *name, const char *what)
{
    struct fail text = {.text = ""};
    fail_set(&text, "%s: %s", name, what);
    f->complain(f->to, text.text);
}

/* The descriptor of this file if it is complete; else -1: the next look or event brings it again. */
static int open_complete(struct folder *f, struct file *file, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        bool wrong = errno != ENOENT && errno != EWOULDBLOCK; /* gone, or another's lease */
        if (wrong && !file->named)
            complain(f, path, strerror(errno));
        file->named |= wrong;
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_complete(f, file, fd)) {
        file->now = file->taken = version_of(&st);
        return fd;
    }
    close(fd);
    return -1;
}

static bool is_packed(int fd)
{
    uint8_t head[HEAD_OCTETS];
    ssize_t len = pread(fd, head, sizeof head, 0);
    return len > 0 && unpack_is_packed(bytes_of(head, (size_t)len));
}

/* The next part of the present file, if it is packed. */
static bool take_part(struct folder *f, char *name, size_t name_max)
{
    if (f->part == f->pack.count)
        return false;
    const struct unpacked *part = &f->pack.parts[f->part++];
    bool only = f->pack.count == 1 || !part->member;
    snprintf(name, name_max, "%s/%s%s%s", f->path, f->files[f->current].name, only ? "" : "/",
             only ? "" : part->member);
    return true;
}

/* Unpacking may take long: the thread may be ended in it. It then leaves what it had, for the process ends too. */
static bool unpack(struct folder *f, const char *path)
{
    struct fail why = {.text = ""};
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    bool good = unpack_file(&f->pack, path, UNPACK_BYTES_MAX, &why);
    pthread_setcancelstate(old, NULL);
    f->part = 0;
    if (*why.text)
        complain(f, path, why.text);
    return good;
}

/* The present file was read to its end, and what was found in it is on its way. */
static void finish(struct folder *f)
{
    struct file *file = &f->files[f->current];
    unpack_free(&f->pack);
    f->part = 0;
    send(f, file, false);
    file->noted = true;
}

/* The first complete file that was not taken; READER_NOTHING when there is none now. */
static int take(struct folder *f, char *name, size_t name_max)
{
    if (take_part(f, name, name_max))
        return READER_MEMORY;
    while (f->heap_count) {
        f->current = take_first(f);
        struct file *file = &f->files[f->current];
        snprintf(name, name_max, "%s/%s", f->path, file->name);
        int fd = is_taken(file) ? -1 : open_complete(f, file, name);
        if (fd < 0)
            continue;
        if (!is_packed(fd))
            return fd;
        close(fd);
        bool good = unpack(f, name);
        if (take_part(f, name, name_max))
            return READER_MEMORY;
        if (good)
            finish(f); /* an archive of nothing */
    }
    return READER_NOTHING;
}

static int next(void *to, char *name, size_t name_max)
{
    struct folder *f = to;
    for (;;) {
        int old;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
        if (clock_monotonic_ns() >= f->look_ns && f->part == f->pack.count)
            look(f);
        hear_events(f);
        int got = take(f, name, name_max);
        pthread_setcancelstate(old, NULL);
        if (got != READER_NOTHING)
            return got;
        int64_t wait_ms = (f->look_ns - clock_monotonic_ns()) / MS_NS + 1;
        struct pollfd ready = {.fd = f->events, .events = POLLIN};
        if (wait_ms > 0)
            poll(&ready, 1, (int)wait_ms);
    }
}

static struct bytes memory(void *to)
{
    struct folder *f = to;
    return f->pack.parts[f->part - 1].content;
}

static void done(void *to, const char *why)
{
    struct folder *f = to;
    if (*why)
        f->complain(f->to, why);
    if (f->part == f->pack.count) /* else there is more of an archive */
        finish(f);
}

struct reader_source folder_source(struct folder *f)
{
    return (struct reader_source){.to = f, .next = next, .memory = memory, .done = done};
}

void folder_close(struct folder *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        free(f->files[i].name);
    for (struct ledger_note *n; (n = ring_pop(f->notes));)
        free(n);
    if (f->events >= 0)
        close(f->events);
    unpack_free(&f->pack);
    ring_free(f->notes);
    table_free(&f->table);
    free(f->unsent);
    free(f->files);
    free(f->heap);
    free(f->path);
    free(f);
}
