/*
 * follow: a file that grows and is changed for another, as logs are: read on from where it was read to.
 *
 * When another file has its name (rename and create), what is still in the old one is read first; it counts as over
 * once it had no more to give after the new one held something, or FOLLOW_LINGER_NS after the new one was seen. When it
 * has become shorter than it was (copy and truncate) it is read from its begin; what the copy missed is lost, and a
 * file that has grown past its old length again before anybody looked is not noticed.
 *
 * Positions are inode and offset, so that a restart goes on where it was, also in the old file if that lies in the same
 * folder under another name.
 *
 * Time is an argument. Owner: one thread.
 */
#ifndef VIGIA_FEED_FOLLOW_H
#define VIGIA_FEED_FOLLOW_H

#include "feed/frames.h"

#define FOLLOW_LINGER_NS (INT64_C(2) * 1000000000)

enum follow_found {
    FOLLOW_NOTHING, /* for now */
    FOLLOW_OCTETS,  /* some were added to the frames */
    FOLLOW_END,     /* the file is over: what waits in the frames is whole; then `follow_turn` */
};

struct follow {
    const char *path;
    int fd; /* -1: there is none (yet) */
    uint64_t device, inode;
    uint64_t read_at;               /* octets of the file that were read */
    uint64_t base;                  /* where `frames.passed` counts from */
    uint64_t known_inode, known_at; /* where to go on; 0: nowhere */
    int64_t turned_ns;              /* since when another file has the name; 0: none has */
    bool leaving;                   /* the next end of the file is the last */
    int error;                      /* errno of why it cannot be opened or read; 0 */
};

/* `inode` and `at` of follow_position in an earlier life; 0: from the begin. */
struct follow follow_of(const char *path, uint64_t inode, uint64_t at);

/* Reads what there is, up to the frames' room. */
enum follow_found follow_read(struct follow *f, struct frames *frames, int64_t now_ns);

/* The old file is let go; the next read begins with the one of that name. */
void follow_turn(struct follow *f, struct frames *frames);

/* Up to where whole records were cut. */
uint64_t follow_position(const struct follow *f, const struct frames *frames);

/* Octets of the file that were not read yet, as it is now; 0 when it is not there. */
uint64_t follow_lag(const struct follow *f);

void follow_close(struct follow *f);

#endif
