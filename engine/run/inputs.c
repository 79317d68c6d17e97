/*
 * Arguments become paths, paths become contents, contents become captures or events.
 */
#include "run/inputs.h"

#include "base/log.h"
#include "run/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FOLDER_DEPTH_MAX = 32,
    INPUTS_MAX = 65000,       /* mappings that Linux grants a process */
    EVENTS_HEAD_OCTETS = 4096 /* by which events are recognised */
};

static void *grown(void *at, size_t count, size_t size)
{
    if (count & (count - 1)) /* room is doubled at powers of two */
        return at;
    void *larger = realloc(at, (count ? 2 * count : 1) * size);
    if (!larger)
        abort();
    return larger;
}

static void failed(struct inputs *in, const char *text)
{
    log_error("%s", text);
    in->failures++;
}

static struct input *next_input(struct inputs *in)
{
    in->all = grown(in->all, in->count, sizeof *in->all);
    return &in->all[in->count];
}

/* NULL: these are no events. */
static const struct format *events_of(const struct inputs *in, struct bytes content)
{
    const struct format *f = in->settings.as ? in->settings.as : format_of(content);
    return f && f->read_event ? f : NULL;
}

/* Of a content that nobody claimed. */
static void refuse_content(struct bytes content, struct fail *why)
{
    if (record_probe(content))
        return; /* a capture, and `why` says what is wrong with it */
    const struct format *f = format_of(content);
    why->text[0] = '\0';
    if (f && f->read && f != &format_plain)
        fail_set(why, "expected a capture (pcap or pcapng) or events (intelmq or eve), found indicators (%s): see -i",
                 f->name);
    else
        fail_set(why, "expected a capture (pcap or pcapng) or events (intelmq or eve)");
}

static void take_events(const struct inputs *in, struct input *i, const struct format *format)
{
    bool piped = strcmp(i->name, "-") == 0;
    struct bytes feed = piped ? bytes_text(in->settings.sensor.name) : config_feed_name(i->name);
    i->events = format;
    i->sensor = in->settings.sensor;
    i->sensor.name = strndup((const char *)feed.at, feed.len);
    if (!i->sensor.name)
        abort();
}

static void take_content(struct inputs *in, const char *path, const struct unpacked *part, bool only)
{
    struct fail why = {.text = ""};
    if (in->count >= INPUTS_MAX) {
        fail_set(&why, "%s: more than %d inputs", path, INPUTS_MAX);
        failed(in, why.text);
        return;
    }
    struct input *i = next_input(in);
    *i = (struct input){.pipe = -1};
    if (part->member && !only) {
        if (asprintf(&i->name, "%s/%s", path, part->member) < 0)
            abort();
    } else {
        i->name = strdup(path);
    }
    const struct format *events;
    if (capture_open(&i->capture, part->content, &why)) {
        in->count++;
        return;
    }
    if ((events = events_of(in, part->content))) {
        i->content = part->content;
        take_events(in, i, events);
        in->count++;
        return;
    }
    refuse_content(part->content, &why);
    fail_at(&why, "%s", i->name);
    failed(in, why.text);
    free(i->name);
}

static void take_unpacked(struct inputs *in, const char *path, bool opened, struct unpack *file, struct fail *why)
{
    if (*why->text) {
        fail_at(why, "%s", path);
        failed(in, why->text);
    }
    if (!opened)
        return;
    in->files = grown(in->files, in->file_count, sizeof *in->files);
    in->files[in->file_count++] = *file;
    for (size_t i = 0; i < file->count; i++)
        take_content(in, path, &file->parts[i], file->count == 1);
}

static void take_file(struct inputs *in, const char *path)
{
    struct unpack file;
    struct fail why = {.text = ""};
    if (in->count >= INPUTS_MAX) {
        fail_set(&why, "%s: more than %d inputs", path, INPUTS_MAX);
        failed(in, why.text);
        return;
    }
    bool opened = unpack_file(&file, path, UNPACK_BYTES_MAX, &why);
    take_unpacked(in, path, opened, &file, &why);
}

/* Some octets more, behind those that are there; false at the end. */
static bool read_more(int fd, uint8_t *head, size_t *have, size_t len)
{
    ssize_t n;
    do
        n = read(fd, head + *have, len - *have);
    while (n < 0 && errno == EINTR);
    *have += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* Reads until there is enough to know whether a capture comes. */
static size_t read_head(int fd, uint8_t *head, size_t len)
{
    size_t have = 0;
    while (have < len && read_more(fd, head, &have, len))
        ;
    return have;
}

/* The same for events, which may come slowly: no longer than it takes. */
static const struct format *read_events_head(const struct inputs *in, int fd, uint8_t *head, size_t *have)
{
    const struct format *f;
    while (!(f = events_of(in, bytes_of(head, *have))) && *have < EVENTS_HEAD_OCTETS)
        if (!read_more(fd, head, have, EVENTS_HEAD_OCTETS))
            break;
    return f;
}

/* True: it will be read on from. */
static bool take_pipe(struct inputs *in, const char *name, int fd)
{
    struct fail why = {.text = ""};
    uint8_t *room = calloc(1, EVENTS_HEAD_OCTETS);
    const struct format *events;
    if (!room)
        abort();
    size_t have = read_head(fd, room, RECORD_HEAD_BYTES);
    struct bytes head = bytes_of(room, have);
    if (unpack_is_packed(head)) {
        struct unpack file;
        bool opened = unpack_pipe(&file, fd, head, UNPACK_BYTES_MAX, &why);
        take_unpacked(in, name, opened, &file, &why);
        free(room);
        return false;
    }
    struct input *i = next_input(in);
    *i = (struct input){.name = strdup(name), .pipe = fd, .head = room};
    if (capture_open(&i->capture, head, &why)) {
        i->waiting = bytes_from(head, i->capture.begins_at);
        i->capture.octets = bytes_until(head, i->capture.begins_at);
        in->count++;
        return true;
    }
    if ((events = read_events_head(in, fd, room, &have))) {
        i->waiting = bytes_of(room, have);
        take_events(in, i, events);
        in->count++;
        return true;
    }
    refuse_content(bytes_of(room, have), &why);
    free(i->name);
    free(room);
    fail_at(&why, "%s", name);
    failed(in, why.text);
    return false;
}

static void take_stdin(struct inputs *in)
{
    if (in->stdin_taken)
        failed(in, "-: stdin can be read only once");
    else
        take_pipe(in, "-", STDIN_FILENO);
    in->stdin_taken = true;
}

/* Or whatever else cannot be mapped, as a device. */
static void take_fifo(struct inputs *in, const char *path)
{
    struct fail why = {.text = ""};
    int fd = in->count < INPUTS_MAX ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        if (!take_pipe(in, path, fd))
            close(fd);
        return;
    }
    fail_set(&why, "%s: %s", path, in->count < INPUTS_MAX ? strerror(errno) : "too many inputs");
    failed(in, why.text);
}

static int by_octets(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct paths {
    char **all;
    size_t count;
};

static void list_folder(struct inputs *in, const char *folder, int depth, struct paths *paths)
{
    DIR *dir = depth < FOLDER_DEPTH_MAX ? opendir(folder) : NULL;
    struct fail why = {.text = ""};
    if (!dir) {
        fail_set(&why, "%s: %s", folder, depth < FOLDER_DEPTH_MAX ? strerror(errno) : "folders are nested too deep");
        failed(in, why.text);
        return;
    }
    size_t len = strlen(folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *path;
        struct stat st;
        if (asprintf(&path, "%s%s%s", folder, len && folder[len - 1] == '/' ? "" : "/", entry->d_name) < 0)
            abort();
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            list_folder(in, path, depth + 1, paths);
            free(path);
            continue;
        }
        paths->all = grown(paths->all, paths->count, sizeof *paths->all);
        paths->all[paths->count++] = path;
    }
    closedir(dir);
}

static void take_folder(struct inputs *in, const char *folder)
{
    struct paths paths = {.all = NULL};
    list_folder(in, folder, 0, &paths);
    if (paths.count)
        qsort(paths.all, paths.count, sizeof *paths.all, by_octets);
    for (size_t i = 0; i < paths.count; i++) {
        take_file(in, paths.all[i]);
        free(paths.all[i]);
    }
    free(paths.all);
}

static void take(struct inputs *in, const char *argument)
{
    struct stat st;
    bool found = stat(argument, &st) == 0;
    if (strcmp(argument, "-") == 0) {
        take_stdin(in);
    } else if (found && S_ISDIR(st.st_mode)) {
        take_folder(in, argument);
    } else if (found && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
        take_fifo(in, argument);
    } else {
        take_file(in, argument);
    }
}

void inputs_open(struct inputs *in, const struct inputs_settings *settings, char **arguments, int count)
{
    *in = (struct inputs){.settings = *settings};
    for (int i = 0; i < count; i++)
        take(in, arguments[i]);
}

uint64_t inputs_octets(const struct inputs *in)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < in->count; i++)
        if (in->all[i].pipe < 0)
            sum += in->all[i].events ? in->all[i].content.len : in->all[i].capture.octets.len;
    return sum;
}

uint32_t inputs_events(const struct inputs *in)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->count; i++)
        count += in->all[i].events != NULL;
    return count;
}

void inputs_close(struct inputs *in)
{
    for (uint32_t i = 0; i < in->count; i++) {
        if (in->all[i].pipe > STDIN_FILENO)
            close(in->all[i].pipe);
        if (in->all[i].events)
            free((char *)(uintptr_t)in->all[i].sensor.name);
        free(in->all[i].head);
        free(in->all[i].name);
    }
    for (uint32_t i = 0; i < in->file_count; i++)
        unpack_free(&in->files[i]);
    free(in->all);
    free(in->files);
}
