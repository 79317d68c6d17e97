/*
 * Rings carry blocks to each worker and back. What remains behind the last whole record begins the next block.
 */
#include "run/reader.h"

#include "base/ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct reader_block {
    uint8_t *octets;
    size_t cap;
    size_t len;   /* octets of whole records */
    unsigned out; /* workers that have it */
};

struct reader {
    pthread_t thread;
    int fd;
    unsigned workers;
    struct record_reader records;
    uint8_t *tail; /* what was read behind the last whole record */
    size_t tail_len;
    struct reader_block blocks[READER_BLOCKS];
    struct ring **to;
    struct ring **back;
};

static void collect(struct reader *r)
{
    for (unsigned w = 0; w < r->workers; w++)
        for (struct reader_block *b; (b = ring_pop(r->back[w]));)
            b->out--;
}

static struct reader_block *free_block(struct reader *r)
{
    for (unsigned idle = 0;; ring_pause(&idle)) {
        collect(r);
        for (int i = 0; i < READER_BLOCKS; i++)
            if (!r->blocks[i].out)
                return &r->blocks[i];
    }
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
    struct fail why = {.text = ""};
    enum record_verdict v;
    do
        v = record_next(&r->records, &c, &frame, &why);
    while (v == RECORD_FRAME);
    b->len = (size_t)(c.at - b->octets);
    return v != RECORD_BROKEN;
}

/* The one place where the thread may be ended from outside: it may wait here for ever. */
static ssize_t read_some(int fd, uint8_t *to, size_t len)
{
    ssize_t n;
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    do
        n = read(fd, to, len);
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
    make_room(b, have + READER_BLOCK_OCTETS);
    if (have)
        memcpy(b->octets, r->tail, have);
    while (more && b->len == 0) {
        make_room(b, have + READER_BLOCK_OCTETS / 2);
        ssize_t n = read_some(r->fd, b->octets + have, b->cap - have);
        have += n > 0 ? (size_t)n : 0;
        more = cut(r, b, have) && n > 0;
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

/* False when every worker has left. */
static bool lend(struct reader *r, struct reader_block *b)
{
    for (unsigned w = 0; w < r->workers; w++)
        if (ring_push_wait(r->to[w], b))
            b->out++;
    return b->out > 0;
}

static void *run(void *arg)
{
    struct reader *r = arg;
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    for (bool more = true; more;) {
        struct reader_block *b = free_block(r);
        more = fill(r, b);
        if (b->len)
            more &= lend(r, b);
    }
    for (unsigned w = 0; w < r->workers; w++)
        ring_close(r->to[w]);
    return NULL;
}

struct reader *reader_start(const struct input *input, unsigned workers)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->fd = input->pipe;
    r->workers = workers;
    r->records = input->capture.begins;
    r->tail_len = input->waiting.len;
    r->tail = malloc(r->tail_len + 1);
    r->to = calloc(workers, sizeof(struct ring *));
    r->back = calloc(workers, sizeof(struct ring *));
    if (!r->tail || !r->to || !r->back)
        abort();
    memcpy(r->tail, input->waiting.at, r->tail_len);
    for (unsigned w = 0; w < workers; w++) {
        r->to[w] = ring_new(2 * READER_BLOCKS);
        r->back[w] = ring_new(2 * READER_BLOCKS);
    }
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        abort();
    return r;
}

struct reader_block *reader_take(struct reader *r, unsigned worker, bool *ended)
{
    *ended = ring_ended(r->to[worker]);
    return *ended ? NULL : ring_pop(r->to[worker]);
}

struct bytes reader_octets(const struct reader_block *b)
{
    return bytes_of(b->octets, b->len);
}

void reader_give_back(struct reader *r, unsigned worker, struct reader_block *b)
{
    ring_push(r->back[worker], b); /* has room for every block there is */
}

void reader_leave(struct reader *r, unsigned worker)
{
    ring_leave(r->to[worker]);
}

void reader_stop(struct reader *r)
{
    pthread_cancel(r->thread);
    pthread_join(r->thread, NULL);
    for (unsigned w = 0; w < r->workers; w++) {
        ring_free(r->to[w]);
        ring_free(r->back[w]);
    }
    for (int i = 0; i < READER_BLOCKS; i++)
        free(r->blocks[i].octets);
    free(r->to);
    free(r->back);
    free(r->tail);
    free(r);
}
