/*
 * Rings carry blocks to each worker and back. What remains behind the last whole record begins the next block.
 */
#include "run/reader.h"

#include "base/ring.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct reader_block {
    uint8_t *octets;
    size_t cap;
    size_t len;   /* octets of whole records */
    unsigned out; /* workers that have it */
    uint32_t stream;
    struct record_reader records; /* at its begin */
};

struct reader {
    pthread_t thread;
    bool joined;
    int fd;
    struct bytes memory; /* of a stream that lies there: what is left of it */
    unsigned workers;
    struct reader_source source; /* next is NULL: one pipe */
    uint32_t stream;
    char **names;
    struct fail damage;
    struct record_reader records;
    uint8_t *tail; /* what was read behind the last whole record */
    size_t tail_len;
    struct reader_block blocks[READER_BLOCKS];
    struct ring **to;
    struct ring **back;
    int *events; /* of each worker: a block came; NULL of a pipe, whose workers wait otherwise */
};

static void collect(struct reader *r)
{
    for (unsigned w = 0; w < r->workers; w++)
        for (struct reader_block *b; (b = ring_pop(r->back[w]));)
            b->out--;
}

/* The reader's one way to wait for workers; the thread may be ended from outside meanwhile, since a worker that has
 * left gives nothing back. */
static void pause_for_workers(unsigned *idle)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_testcancel();
    ring_pause(idle);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
}

static struct reader_block *free_block(struct reader *r)
{
    for (unsigned idle = 0;; pause_for_workers(&idle)) {
        collect(r);
        for (int i = 0; i < READER_BLOCKS; i++)
            if (!r->blocks[i].out)
                return &r->blocks[i];
    }
}

/* Until every worker has worked through all that was lent. */
static void wait_for_all(struct reader *r)
{
    unsigned idle = 0, out = 0;
    do {
        if (out)
            pause_for_workers(&idle);
        collect(r);
        out = 0;
        for (int i = 0; i < READER_BLOCKS; i++)
            out += r->blocks[i].out;
    } while (out);
}

static void make_room(struct reader_block *b, size_t cap)
{
    if (cap <= b->cap)
        return;
    b->octets = realloc(b->octets, cap);
    if (!b->octets)
        abort();
    b->cap = cap;
}

/* Moves `b->len` behind the last whole record of `have` octets; false when what follows never will be one. */
static bool cut(struct reader *r, struct reader_block *b, size_t have)
{
    struct cursor c = cursor_of(bytes_of(b->octets + b->len, have - b->len));
    struct frame frame;
    enum record_verdict v;
    do
        v = record_next(&r->records, &c, &frame, &r->damage);
    while (v == RECORD_FRAME);
    b->len = (size_t)(c.at - b->octets);
    return v != RECORD_BROKEN;
}

/* The thread may be ended from outside here: it may wait for ever. */
static ssize_t read_some(struct reader *r, uint8_t *to, size_t len)
{
    ssize_t n;
    int old;
    if (r->fd < 0) {
        struct bytes some = bytes_until(r->memory, len);
        memcpy(to, some.at, some.len);
        r->memory = bytes_from(r->memory, some.len);
        return (ssize_t)some.len;
    }
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    do
        n = read(r->fd, to, len);
    while (n < 0 && errno == EINTR);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    return n;
}

/* Fills one block: the tail, then what comes, until there is a whole record. False: it is the last, and holds what is
 * left, for the workers to name what is wrong with it. */
static bool fill(struct reader *r, struct reader_block *b)
{
    size_t have = r->tail_len;
    bool more = true;
    b->len = 0;
    b->stream = r->stream;
    b->records = r->records;
    make_room(b, have + READER_BLOCK_OCTETS);
    if (have)
        memcpy(b->octets, r->tail, have);
    while (more && b->len == 0) {
        make_room(b, have + READER_BLOCK_OCTETS / 2);
        ssize_t n = read_some(r, b->octets + have, b->cap - have);
        have += n > 0 ? (size_t)n : 0;
        more = cut(r, b, have) && n > 0;
        if (n <= 0 && b->len < have)
            fail_set(&r->damage, "ends in the middle of a record");
    }
    if (!more)
        b->len = have;
    r->tail_len = have - b->len;
    r->tail = realloc(r->tail, r->tail_len + 1);
    if (!r->tail)
        abort();
    memcpy(r->tail, b->octets + b->len, r->tail_len);
    return more;
}

/* False when a worker has left: what it does not see, nobody else looks at. */
static bool lend(struct reader *r, struct reader_block *b)
{
    for (unsigned w = 0; w < r->workers; w++)
        if (ring_push_wait(r->to[w], b)) {
            b->out++;
            if (r->events)
                eventfd_write(r->events[w], 1);
        }
    return b->out == r->workers;
}

/* One stream to its end; false when not everybody wants more. */
static bool read_stream(struct reader *r)
{
    bool wanted = true;
    for (bool more = true; more && wanted;) {
        struct reader_block *b = free_block(r);
        more = fill(r, b);
        if (b->len)
            wanted = lend(r, b);
    }
    return wanted;
}

/* Reads a file header; false when the stream is no capture. */
static bool begin(struct reader *r)
{
    uint8_t head[RECORD_HEAD_BYTES];
    size_t have = 0;
    for (ssize_t n = 1; n > 0 && have<sizeof head; have += n> 0 ? (size_t)n : 0)
        n = read_some(r, head + have, sizeof head - have);
    struct cursor c = cursor_of(bytes_of(head, have));
    r->damage.text[0] = '\0';
    if (!record_begin(&r->records, &c, &r->damage))
        return false;
    r->tail_len = cursor_left(&c);
    r->tail = realloc(r->tail, r->tail_len + 1);
    if (!r->tail)
        abort();
    memcpy(r->tail, c.at, r->tail_len);
    return true;
}

/* Waits for the next stream; its name is there before its first block is. */
static bool next_stream(struct reader *r)
{
    char name[PATH_MAX];
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    r->fd = r->source.next(r->source.to, name, sizeof name);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    if (r->fd == READER_NOTHING)
        return false;
    if (r->fd == READER_MEMORY)
        r->memory = r->source.memory(r->source.to);
    r->stream++;
    char **at = &r->names[r->stream % READER_NAMES];
    free(*at);
    *at = strdup(name);
    return true;
}

static bool read_streams(struct reader *r)
{
    bool wanted = true;
    while (wanted && next_stream(r)) {
        if (begin(r))
            wanted = read_stream(r);
        if (r->fd >= 0)
            close(r->fd);
        r->fd = -1;
        if (!wanted)
            break; /* not to its end */
        wait_for_all(r);
        if (*r->damage.text)
            fail_at(&r->damage, "%s", reader_name(r, r->stream));
        r->source.done(r->source.to, r->damage.text);
    }
    return wanted;
}

static void *run(void *arg)
{
    struct reader *r = arg;
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    if (r->source.next)
        read_streams(r);
    else
        read_stream(r);
    for (unsigned w = 0; w < r->workers; w++)
        ring_close(r->to[w]);
    return NULL;
}

static struct reader *reader_new(unsigned workers)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->fd = -1;
    r->workers = workers;
    r->to = calloc(workers, sizeof(struct ring *));
    r->back = calloc(workers, sizeof(struct ring *));
    if (!r->to || !r->back)
        abort();
    for (unsigned w = 0; w < workers; w++) {
        r->to[w] = ring_new(2 * READER_BLOCKS);
        r->back[w] = ring_new(2 * READER_BLOCKS);
    }
    return r;
}

static struct reader *started(struct reader *r)
{
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        abort();
    return r;
}

struct reader *reader_start(const struct input *input, unsigned workers)
{
    struct reader *r = reader_new(workers);
    r->fd = input->pipe;
    r->records = input->capture.begins;
    r->tail_len = input->waiting.len;
    r->tail = malloc(r->tail_len + 1);
    if (!r->tail)
        abort();
    memcpy(r->tail, input->waiting.at, r->tail_len);
    return started(r);
}

struct reader *reader_listen(const struct reader_source *source, unsigned workers)
{
    struct reader *r = reader_new(workers);
    r->source = *source;
    r->names = calloc(READER_NAMES, sizeof(char *));
    r->events = calloc(workers, sizeof *r->events);
    if (!r->names || !r->events)
        abort();
    for (unsigned w = 0; w < workers; w++)
        if ((r->events[w] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
            abort();
    return started(r);
}

const char *reader_name(const struct reader *r, uint32_t stream)
{
    const char *name = r->names[stream % READER_NAMES];
    return name ? name : "";
}

struct reader_block *reader_take(struct reader *r, unsigned worker, bool *ended)
{
    eventfd_t count;
    *ended = ring_ended(r->to[worker]);
    struct reader_block *b = *ended ? NULL : ring_pop(r->to[worker]);
    if (b || *ended || !r->events)
        return b;
    eventfd_read(r->events[worker], &count); /* before the last look, so that none that comes now is slept over */
    return ring_pop(r->to[worker]);
}

int reader_descriptor(const struct reader *r, unsigned worker)
{
    return r->events[worker];
}

struct bytes reader_octets(const struct reader_block *b)
{
    return bytes_of(b->octets, b->len);
}

uint32_t reader_stream(const struct reader_block *b)
{
    return b->stream;
}

const struct record_reader *reader_records(const struct reader_block *b)
{
    return &b->records;
}

void reader_give_back(struct reader *r, unsigned worker, struct reader_block *b)
{
    ring_push(r->back[worker], b); /* has room for every block there is */
}

void reader_leave(struct reader *r, unsigned worker)
{
    ring_leave(r->to[worker]);
}

bool reader_end(struct reader *r)
{
    if (r->joined)
        return true;
    pthread_cancel(r->thread);
    if (pthread_tryjoin_np(r->thread, NULL) != 0)
        return false;
    r->joined = true;
    for (unsigned w = 0; w < r->workers; w++)
        ring_close(r->to[w]);
    return true;
}

void reader_stop(struct reader *r)
{
    pthread_cancel(r->thread);
    if (!r->joined)
        pthread_join(r->thread, NULL);
    for (unsigned w = 0; w < r->workers; w++) {
        ring_free(r->to[w]);
        ring_free(r->back[w]);
    }
    for (int i = 0; i < READER_BLOCKS; i++)
        free(r->blocks[i].octets);
    for (uint32_t i = 0; r->names && i < READER_NAMES; i++)
        free(r->names[i]);
    if (r->source.next && r->fd >= 0)
        close(r->fd);
    for (unsigned w = 0; r->events && w < r->workers; w++)
        close(r->events[w]);
    free(r->events);
    free(r->names);
    free(r->to);
    free(r->back);
    free(r->tail);
    free(r);
}
