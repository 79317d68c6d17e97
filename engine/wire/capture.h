/*
 * capture: one input of frames, and a worker's walk through it.
 *
 * A file is one view of its mapping, and every worker walks all of it, taking the frames that are its own. A pipe comes
 * in blocks of whole records that all workers share; the walk asks for the next one when it has used one up.
 *
 * A `capture` is immutable; a `capture_walk` belongs to one worker.
 */
#ifndef VIGIA_WIRE_CAPTURE_H
#define VIGIA_WIRE_CAPTURE_H

#include "wire/record.h"

struct capture {
    struct bytes octets;         /* all of a file; of a pipe, its file header */
    struct record_reader begins; /* behind the file header */
    size_t begins_at;
};

/* Where a pipe's next block comes from: whole records, or the end (false). May wait. The block before is given back. */
struct capture_refill {
    bool (*next)(void *to, struct bytes *block);
    void *to;
};

enum capture_verdict { CAPTURE_FRAME, CAPTURE_END };

struct capture_walk {
    const struct capture *capture;
    struct capture_refill refill; /* next is NULL for a file */
    struct record_reader reader;
    struct cursor at;
    uint64_t passed; /* octets before `block_begins` */
    const uint8_t *block_begins;
    struct fail damage; /* why it ended before its end; empty when it did not */
};

/* Reads the file header at the front of `octets`, which must stay. */
bool capture_open(struct capture *c, struct bytes octets, struct fail *why);

void capture_walk_begin(struct capture_walk *w, const struct capture *c, struct capture_refill refill);

/* The next frame, in the order of the file. It is valid until the next call. */
enum capture_verdict capture_next(struct capture_walk *w, struct frame *out);

/* Octets walked so far. */
uint64_t capture_passed(const struct capture_walk *w);

#endif
