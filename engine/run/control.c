/*
 * An epoll instance holds the listening socket and the clients, so that the caller waits on one descriptor.
 */
#include "run/control.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
    int fd; /* -1: the place is free */
    uint64_t came;
    bool waits; /* for its answer */
    uint64_t ticket;
    size_t len; /* octets of the line so far */
    char line[CONTROL_LINE_MAX + 1];
    struct buffer answer; /* empty: the line is not whole yet */
    size_t sent;
};

struct control {
    int poll;
    int listener;
    char path[sizeof(struct sockaddr_un){0}.sun_path];
    dev_t device;
    ino_t inode; /* of the socket that we made */
    uint64_t came;
    struct client clients[CONTROL_CLIENTS_MAX];
};

static bool address_at(const char *path, struct sockaddr_un *address, struct fail *why)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return fail_set(why, "%s: a socket's path has less than %zu octets", path, sizeof address->sun_path);
    strcpy(address->sun_path, path);
    return true;
}

static bool connect_to(int fd, const struct sockaddr_un *address)
{
    return connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
}

/* ---- opening */

static bool bind_to(int fd, const struct sockaddr_un *address)
{
    return bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
}

/* A socket that refuses connections is one that nobody listens at any more. */
static bool remove_stale(const struct sockaddr_un *address, struct fail *why)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0)
        return errno == ENOENT || fail_set(why, "%s", strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return fail_set(why, "is there already, and no socket");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_set(why, "%s", strerror(errno));
    bool lives = connect_to(fd, address) || errno == EAGAIN;
    int error = errno;
    close(fd);
    if (lives)
        return fail_set(why, "already running");
    if (error != ECONNREFUSED)
        return fail_set(why, "%s", strerror(error));
    return unlink(address->sun_path) == 0 || fail_set(why, "%s", strerror(errno));
}

/* One at a time finds out whether a socket is stale and replaces it: else two that start together would remove each
 * other's. The lock is the folder's and is given back at once. */
static int lock_folder(const char *path, struct fail *why)
{
    char folder[sizeof(struct sockaddr_un){0}.sun_path];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash + 1 - path) : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        fail_set(why, "%s", strerror(errno));
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        fail_set(why, "another vigia is just starting");
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Linux takes a socket's mode over to the file that bind makes. */
static bool listen_at(struct control *c, const struct sockaddr_un *address, struct fail *why)
{
    struct stat status;
    if (fchmod(c->listener, 0600) != 0 || !bind_to(c->listener, address))
        return fail_set(why, "%s", strerror(errno));
    if (listen(c->listener, CONTROL_CLIENTS_MAX) != 0 || lstat(c->path, &status) != 0) {
        fail_set(why, "%s", strerror(errno));
        unlink(c->path);
        return false;
    }
    c->device = status.st_dev;
    c->inode = status.st_ino;
    return true;
}

static bool open_at(struct control *c, const struct sockaddr_un *address, struct fail *why)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = CONTROL_CLIENTS_MAX};
    c->poll = epoll_create1(EPOLL_CLOEXEC);
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->poll < 0 || c->listener < 0 || epoll_ctl(c->poll, EPOLL_CTL_ADD, c->listener, &event) != 0)
        return fail_set(why, "%s", strerror(errno));
    int lock = lock_folder(c->path, why);
    if (lock < 0)
        return false;
    bool good = remove_stale(address, why) && listen_at(c, address, why);
    close(lock);
    return good;
}

static void free_control(struct control *c)
{
    if (c->listener >= 0)
        close(c->listener);
    if (c->poll >= 0)
        close(c->poll);
    free(c);
}

struct control *control_open(const char *path, struct fail *why)
{
    struct sockaddr_un address;
    if (!address_at(path, &address, why))
        return NULL;
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->poll = c->listener = -1;
    strcpy(c->path, path);
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        c->clients[i].fd = -1;
    if (open_at(c, &address, why))
        return c;
    fail_at(why, "%s", path);
    free_control(c);
    return NULL;
}

int control_descriptor(const struct control *c)
{
    return c->poll;
}

/* ---- serving */

static void drop(struct client *k)
{
    if (k->fd >= 0)
        close(k->fd); /* which takes it out of the epoll instance, too */
    buffer_free(&k->answer);
    *k = (struct client){.fd = -1};
}

static struct client *place(struct control *c)
{
    struct client *first = &c->clients[0];
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *k = &c->clients[i];
        if (k->fd < 0)
            return k;
        if (k->came < first->came)
            first = k;
    }
    drop(first);
    return first;
}

/* As many as there is room for, in one round. */
static void take_clients(struct control *c)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct client *k = place(c);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(k - c->clients)};
        k->fd = fd;
        k->came = ++c->came;
        if (epoll_ctl(c->poll, EPOLL_CTL_ADD, fd, &event) != 0)
            drop(k);
    }
}

static void answer(struct client *k, bool done, struct bytes reply)
{
    buffer_format(&k->answer, "%s %zu\n", done ? "ok" : "error", reply.len);
    buffer_add(&k->answer, reply.at, reply.len);
}

static void answer_bounded(struct client *k, bool done, struct bytes reply)
{
    if (reply.len <= CONTROL_REPLY_MAX)
        answer(k, done, reply);
    else
        answer(k, false, bytes_text("the answer is too long"));
}

static void obey(struct client *k, struct bytes command, control_handler *handler, void *to)
{
    struct buffer reply = {.at = NULL};
    enum control_outcome outcome = handler(to, bytes_trim(command), &reply, &k->ticket);
    k->waits = outcome == CONTROL_WAITS;
    if (!k->waits)
        answer_bounded(k, outcome == CONTROL_DONE, buffer_bytes(&reply));
    buffer_free(&reply);
}

/* False: the client has gone. */
static bool receive(struct client *k, control_handler *handler, void *to)
{
    ssize_t n = recv(k->fd, k->line + k->len, sizeof k->line - k->len, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    k->len += (size_t)n;
    size_t end = bytes_find(bytes_of(k->line, k->len), '\n');
    if (end < k->len)
        obey(k, bytes_of(k->line, end), handler, to);
    else if (k->len == sizeof k->line)
        answer(k, false, bytes_text("the command is too long"));
    else
        return n > 0;
    return true;
}

/* False: all is sent, or the client has gone. */
static bool send_on(struct client *k)
{
    ssize_t n = send(k->fd, k->answer.at + k->sent, k->answer.len - k->sent, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    k->sent += (size_t)n;
    return k->sent < k->answer.len;
}

static bool listen_for(struct control *c, struct client *k, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(k - c->clients)};
    return epoll_ctl(c->poll, EPOLL_CTL_MOD, k->fd, &event) == 0;
}

/* One that waits is heard of only when it leaves. */
static void serve(struct control *c, struct client *k, control_handler *handler, void *to)
{
    bool reading = k->answer.len == 0;
    bool stays = !k->waits && (!reading || receive(k, handler, to));
    if (stays && k->answer.len)
        stays = send_on(k);
    if (stays && reading && (k->answer.len || k->waits))
        stays = listen_for(c, k, k->waits ? 0 : EPOLLOUT);
    if (!stays)
        drop(k);
}

void control_answer(struct control *c, uint64_t ticket, bool done, struct bytes reply)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *k = &c->clients[i];
        if (k->fd < 0 || !k->waits || k->ticket > ticket)
            continue;
        k->waits = false;
        answer_bounded(k, done, reply);
        if (!send_on(k) || !listen_for(c, k, EPOLLOUT))
            drop(k);
    }
}

/* New clients come last: one may take the place of another that an event speaks of. */
void control_serve(struct control *c, control_handler *handler, void *to)
{
    struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
    bool knocked = false;
    int count = epoll_wait(c->poll, events, CONTROL_CLIENTS_MAX + 1, 0);
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == CONTROL_CLIENTS_MAX)
            knocked = true;
        else
            serve(c, &c->clients[events[i].data.u32], handler, to);
    }
    if (knocked)
        take_clients(c);
}

void control_close(struct control *c)
{
    struct stat status;
    if (!c)
        return;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        drop(&c->clients[i]);
    if (lstat(c->path, &status) == 0 && status.st_dev == c->device && status.st_ino == c->inode)
        unlink(c->path);
    free_control(c);
}

/* ---- asking */

static bool went_wrong(struct fail *why)
{
    return errno == EAGAIN ? fail_set(why, "no answer in time") : fail_set(why, "%s", strerror(errno));
}

static bool send_command(int fd, const char *command, struct fail *why)
{
    char line[CONTROL_LINE_MAX + 1];
    int len = snprintf(line, sizeof line, "%s\n", command);
    if (len < 0 || (size_t)len >= sizeof line)
        return fail_set(why, "the command is too long");
    return send(fd, line, (size_t)len, MSG_NOSIGNAL) == len || went_wrong(why);
}

/* `ok LENGTH` or `error LENGTH`, as far as it has come; false: this is no answer of vigia's. `*at`: where the reply
 * begins, 0 while that is not known. */
static bool read_head(struct bytes got, bool *done, size_t *at, uint64_t *len)
{
    size_t end = bytes_find(got, '\n');
    struct bytes line = bytes_until(got, end);
    if (end == got.len)
        return got.len < 32;
    *done = bytes_start_with(line, "ok ");
    if (!*done && !bytes_start_with(line, "error "))
        return false;
    *at = end + 1;
    return text_number(bytes_from(line, bytes_find(line, ' ') + 1), CONTROL_REPLY_MAX, len);
}

static bool receive_answer(int fd, bool *done, struct buffer *reply, struct fail *why)
{
    char part[4096];
    size_t at = 0;
    uint64_t len = 0;
    struct buffer got = {.at = NULL};
    bool good = true;
    while (good && (at == 0 || got.len - at < len)) {
        ssize_t n = recv(fd, part, sizeof part, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            good = went_wrong(why);
        else if (n == 0)
            good = fail_set(why, "the connection ended before the answer did");
        else
            buffer_add(&got, part, (size_t)n);
        if (good && at == 0 && !read_head(buffer_bytes(&got), done, &at, &len))
            good = fail_set(why, "whoever listens there is not vigia");
    }
    if (good)
        buffer_add(reply, got.at + at, (size_t)len);
    buffer_free(&got);
    return good;
}

static bool converse(int fd, const struct sockaddr_un *address, const char *command, unsigned patience_s,
                     struct buffer *reply, struct fail *why)
{
    const struct timeval patience = {.tv_sec = patience_s};
    size_t before = reply->len;
    bool done = false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!connect_to(fd, address))
        return errno == ENOENT || errno == ECONNREFUSED ? fail_set(why, "not running") : went_wrong(why);
    if (!send_command(fd, command, why) || !receive_answer(fd, &done, reply, why))
        return false;
    return done || fail_set(why, "%.*s", (int)(reply->len - before), reply->at + before);
}

bool control_ask(const char *path, const char *command, unsigned patience_s, struct buffer *reply, struct fail *why)
{
    struct sockaddr_un address;
    if (!address_at(path, &address, why))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_set(why, "%s", strerror(errno));
    bool good = converse(fd, &address, command, patience_s, reply, why);
    close(fd);
    return good || fail_at(why, "%s", path);
}
