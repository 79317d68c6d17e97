/*
 * inputs: the captures and files of events named on the command line, opened.
 *
 * A folder means its files, recursively, in byte order of their paths; an archive its members; `-` is stdin; a FIFO is
 * read as it comes. Which it is shows in its content. What cannot be read or is neither is named on stderr and left
 * out.
 *
 * Owner: the main thread; immutable while workers walk.
 */
#ifndef VIGIA_RUN_INPUTS_H
#define VIGIA_RUN_INPUTS_H

#include "base/unpack.h"
#include "feed/format.h"
#include "publish/encode.h"
#include "wire/capture.h"

struct input {
    char *name; /* as findings name it */
    struct capture capture;
    const struct format *events; /* NULL: a capture */
    struct bytes content;        /* of a file of events */
    struct sensor sensor;        /* of events: their feed, called after the file */
    int pipe;                    /* descriptor to read on from; -1 for a file */
    uint8_t *head;               /* of a pipe: octets read already */
    struct bytes waiting;        /* of them, those behind the file header; of events all */
};

/* What holds for events that say nothing else. */
struct inputs_settings {
    struct sensor sensor;    /* the feed of stdin; other feeds differ from it by their name */
    const struct format *as; /* what is no capture are events of this form; NULL: find out */
};

struct inputs {
    struct inputs_settings settings;
    struct input *all;
    uint32_t count;
    struct unpack *files;
    uint32_t file_count;
    bool stdin_taken;
    uint32_t failures; /* named on stderr */
};

void inputs_open(struct inputs *in, const struct inputs_settings *settings, char **arguments, int count);

/* How many of them are events. */
uint32_t inputs_events(const struct inputs *in);

/* Octets of all files; pipes count nothing. */
uint64_t inputs_octets(const struct inputs *in);

void inputs_close(struct inputs *in);

#endif
