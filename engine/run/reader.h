/*
 * reader: the thread that fills blocks from a pipe, or from one stream after another, and lends each to every worker.
 *
 * A block holds whole capture records, so that a worker never waits in the middle of one. It is filled anew once all
 * workers have given it back.
 *
 * Memory: READER_BLOCKS blocks of READER_BLOCK_OCTETS, each more only for a record that is larger.
 */
#ifndef VIGIA_RUN_READER_H
#define VIGIA_RUN_READER_H

#include "run/inputs.h"

enum {
    READER_BLOCKS = 8,
    READER_BLOCK_OCTETS = 1 << 20,
    READER_NAMES = 65536, /* streams whose names are kept; older ones are forgotten */
};

struct reader;
struct reader_block;

/* Starts the thread. `input` is a pipe; `workers` will read. */
struct reader *reader_start(const struct input *input, unsigned workers);

/* What `next` gives in place of a descriptor. */
enum { READER_NOTHING = -1, READER_MEMORY = -2 };

/* Where streams come from: files of a folder, connections. */
struct reader_source {
    void *to;
    /* The next one, to be read to its end and closed, and its name. READER_NOTHING: there will be none; READER_MEMORY:
     * `memory` gives its octets, which stay until it is done. May wait, and then may be ended there. */
    int (*next)(void *to, char *name, size_t name_max);
    struct bytes (*memory)(void *to); /* NULL where none is */
    /* The one before was read to its end, and every worker has worked it through. What was wrong with it, behind its
     * name; empty when it was whole. Not called of one in whose middle the workers left. */
    void (*done)(void *to, const char *why);
};

/* Starts the thread; each stream is a capture of its own. */
struct reader *reader_listen(const struct reader_source *source, unsigned workers);

/* Of a stream by the number that its blocks have. Any thread that got a block of it, or what was found in one. */
const char *reader_name(const struct reader *r, uint32_t stream);

/* Worker: the next block, or NULL: none yet (`*ended` false), or no more. */
struct reader_block *reader_take(struct reader *r, unsigned worker, bool *ended);
struct bytes reader_octets(const struct reader_block *b);
uint32_t reader_stream(const struct reader_block *b);
const struct record_reader *reader_records(const struct reader_block *b); /* as they stand at its begin */
void reader_give_back(struct reader *r, unsigned worker, struct reader_block *b);

/* Worker, of reader_listen: to wait on, for reading, after reader_take gave nothing. */
int reader_descriptor(const struct reader *r, unsigned worker);

/* Worker: will take no more. */
void reader_leave(struct reader *r, unsigned worker);

/* Ends the input before its end, as if it were there: for workers, no more blocks come. Call again until true. */
bool reader_end(struct reader *r);

/* After the workers have ended; also ends a thread that still waits for its pipe. */
void reader_stop(struct reader *r);

#endif
