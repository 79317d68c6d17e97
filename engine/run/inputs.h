/*
 * inputs: the captures named on the command line, opened.
 *
 * A folder means its files, recursively, in byte order of their paths; an archive its members; `-` is stdin; a FIFO is
 * read as it comes. What cannot be read or is no capture is named on stderr and left out.
 *
 * Owner: the main thread; immutable while workers walk.
 */
#ifndef VIGIA_RUN_INPUTS_H
#define VIGIA_RUN_INPUTS_H

#include "base/unpack.h"
#include "wire/capture.h"

struct input {
    char *name; /* as findings name it */
    struct capture capture;
    int pipe;             /* descriptor to read on from; -1 for a file */
    uint8_t *head;        /* of a pipe: octets read already */
    struct bytes waiting; /* of them, those behind the file header */
};

struct inputs {
    struct input *all;
    uint32_t count;
    struct unpack *files;
    uint32_t file_count;
    bool stdin_taken;
    uint32_t failures; /* named on stderr */
};

void inputs_open(struct inputs *in, char **arguments, int count);

/* Octets of all files; pipes count nothing. */
uint64_t inputs_octets(const struct inputs *in);

void inputs_close(struct inputs *in);

#endif
