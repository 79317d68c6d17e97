/*
 * accept, read to the end, accept again.
 */
#include "run/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union place {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

struct port {
    int fd; /* -1 of a FIFO */
    char *endpoint;
    char *path; /* of a UNIX socket or FIFO that was made here, to be removed */
    char *fifo; /* NULL: a socket */
    void (*complain)(void *to, const char *text);
    void *to;
};

static socklen_t place_of(const struct config_listen *where, union place *out)
{
    if (where->path) {
        out->local = (struct sockaddr_un){.sun_family = AF_UNIX};
        snprintf(out->local.sun_path, sizeof out->local.sun_path, "%s", where->path);
        return sizeof out->local;
    }
    if (address_is_v4(&where->address)) {
        out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(where->port)};
        memcpy(&out->v4.sin_addr, where->address.octet + 12, 4);
        return sizeof out->v4;
    }
    out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(where->port)};
    memcpy(&out->v6.sin6_addr, where->address.octet, 16);
    return sizeof out->v6;
}

/* A socket that refuses connections is one that nobody listens at any more; whatever else lies there stays. */
static void remove_stale(const union place *place, socklen_t len)
{
    struct stat status;
    if (lstat(place->local.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, &place->any, len) != 0 && errno == ECONNREFUSED)
        unlink(place->local.sun_path);
    if (fd >= 0)
        close(fd);
}

/* One that is there already stays at the end. */
static struct port *open_fifo(const struct config_listen *where, struct fail *why)
{
    struct stat status;
    bool made = mkfifo(where->path, 0600) == 0;
    if (!made && (errno != EEXIST || lstat(where->path, &status) != 0 || !S_ISFIFO(status.st_mode))) {
        fail_set(why, "%s: %s", where->text, strerror(errno == EEXIST || errno == 0 ? EEXIST : errno));
        return NULL;
    }
    struct port *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    *p = (struct port){.fd = -1, .path = made ? strdup(where->path) : NULL, .fifo = strdup(where->path)};
    return p;
}

static struct port *open_socket(const struct config_listen *where, struct fail *why)
{
    union place place;
    socklen_t len = place_of(where, &place);
    bool is_unix = where->path != NULL;
    if (is_unix)
        remove_stale(&place, len);
    int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    mode_t mask = umask(0177);
    bool open = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                bind(fd, &place.any, len) == 0 && listen(fd, PORT_WAITING) == 0;
    umask(mask);
    if (!open) {
        fail_set(why, "%s: %s", where->text, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct port *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    *p = (struct port){.fd = fd, .path = is_unix ? strdup(place.local.sun_path) : NULL};
    return p;
}

struct port *port_open(const struct config_listen *where, void (*complain)(void *to, const char *text), void *to,
                       struct fail *why)
{
    struct port *p = where->fifo ? open_fifo(where, why) : open_socket(where, why);
    if (!p)
        return NULL;
    p->endpoint = strdup(where->text);
    p->complain = complain;
    p->to = to;
    return p;
}

static void name_peer(const struct port *p, const union place *peer, char *name, size_t name_max)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (peer->any.sa_family == AF_INET)
        inet_ntop(AF_INET, &peer->v4.sin_addr, text, sizeof text);
    else if (peer->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &peer->v6.sin6_addr, text, sizeof text);
    snprintf(name, name_max, "%s%s%s", p->endpoint, *text ? " from " : "", text);
}

/* Waits until somebody writes. */
static int next_writer(const struct port *p, char *name, size_t name_max)
{
    snprintf(name, name_max, "%s", p->endpoint);
    for (;;) {
        int fd = open(p->fifo, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        usleep(100000); /* out of descriptors, or the FIFO is away */
    }
}

static int next(void *to, char *name, size_t name_max)
{
    struct port *p = to;
    if (p->fifo)
        return next_writer(p, name, name_max);
    for (;;) {
        union place peer = {.any = {.sa_family = AF_UNSPEC}};
        socklen_t len = sizeof peer;
        int fd = accept4(p->fd, &peer.any, &len, SOCK_CLOEXEC);
        if (fd >= 0) {
            name_peer(p, &peer, name, name_max);
            return fd;
        }
        if (errno == EBADF || errno == EINVAL)
            return -1;
        usleep(100000); /* out of descriptors, or the peer has left again */
    }
}

static void done(void *to, const char *why)
{
    struct port *p = to;
    if (*why)
        p->complain(p->to, why);
}

struct reader_source port_source(struct port *p)
{
    return (struct reader_source){.to = p, .next = next, .done = done};
}

void port_close(struct port *p)
{
    if (p->fd >= 0)
        close(p->fd);
    if (p->path)
        unlink(p->path);
    free(p->endpoint);
    free(p->path);
    free(p->fifo);
    free(p);
}
