/*
 * reader: the thread that fills blocks from a pipe and lends each to every worker.
 *
 * A block holds whole capture records, so that a worker never waits in the middle of one. It is filled anew once all
 * workers have given it back.
 *
 * Memory: READER_BLOCKS blocks of READER_BLOCK_OCTETS, each more only for a record that is larger.
 */
#ifndef VIGIA_RUN_READER_H
#define VIGIA_RUN_READER_H

#include "run/inputs.h"

enum { READER_BLOCKS = 8, READER_BLOCK_OCTETS = 1 << 20 };

struct reader;
struct reader_block;

/* Starts the thread. `input` is a pipe; `workers` will read. */
struct reader *reader_start(const struct input *input, unsigned workers);

/* Worker: the next block, or NULL: none yet (`*ended` false), or no more. */
struct reader_block *reader_take(struct reader *r, unsigned worker, bool *ended);
struct bytes reader_octets(const struct reader_block *b);
void reader_give_back(struct reader *r, unsigned worker, struct reader_block *b);

/* Worker: will take no more. */
void reader_leave(struct reader *r, unsigned worker);

/* After the workers have ended; also ends a thread that still waits for its pipe. */
void reader_stop(struct reader *r);

#endif
