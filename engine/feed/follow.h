/*
 * follow: a file that grows and is changed for another, as logs are: read on from where it was read to.
 *
 * When another file has its name (rename and create), what is still in the old one is read first; it counts as over
 * once it had no more to give after the new one held something, or FOLLOW_LINGER_NS after the new one was seen. When it
 * has become shorter than it was (copy and truncate) it is read from its begin; what the copy missed is lost, and a
 * file that has grown past its old length again before anybody looked is not noticed.
 *
 * Positions are inode, offset and time of change, so that a restart goes on where it was, also in the old file if that
 * lies in the same folder under another name.
 *
 * Where it was renamed more than once before anybody looked, the files between are read too, the one changed first
 * first: those of the same folder that were changed after the one that was read and no later than the one that has the
 * name now, and are called as it, or as it without its ending, then `.`, `-` or `_`, then something with a digit
 * (`events.jsonl.1`, `events-20261121.jsonl`). Packed ones are not read: they are `missed`.
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

enum { FOLLOW_NAME_MAX = 255 };

struct follow {
    const char *path;
    const char *const *others;      /* paths of files that are none of its old ones, up to a NULL; may be NULL */
    int fd;                         /* -1: there is none (yet) */
    char name[FOLLOW_NAME_MAX + 1]; /* what the file was called when it was opened, if not as the path says */
    uint64_t device, inode;
    uint64_t read_at;                      /* octets of the file that were read */
    uint64_t base;                         /* where `frames.passed` counts from */
    uint64_t known_inode, known_at;        /* where to go on; 0: nowhere */
    int64_t known_ns;                      /* when that file was changed, as far as is known; 0 */
    bool known_over;                       /* it was read: go on behind it */
    int64_t turned_ns;                     /* since when another file has the name; 0: none has */
    bool leaving;                          /* the next end of the file is the last */
    bool looked;                           /* for one behind this, while nothing has the name */
    int error;                             /* errno of why it cannot be opened or read; 0 */
    uint64_t missed;                       /* files that were to be read and could not be */
    char missed_name[FOLLOW_NAME_MAX + 1]; /* of the last one; empty: the one that was read before a restart is gone */
};

/* `inode`, `at` of follow_position and `changed_ns` of follow_changed in an earlier life; 0: from the begin. */
struct follow follow_of(const char *path, uint64_t inode, uint64_t at, int64_t changed_ns);

/* Reads what there is, up to the frames' room. Where it goes on within a file, the frames count lines on from there:
 * what is before is read once for that. */
enum follow_found follow_read(struct follow *f, struct frames *frames, int64_t now_ns);

/* The old file is let go; the next read begins with the one of that name. */
void follow_turn(struct follow *f, struct frames *frames);

/* Up to where whole records were cut. */
uint64_t follow_position(const struct follow *f, const struct frames *frames);

/* When the file was changed last, by the wall's clock; 0 when there is none. */
int64_t follow_changed(const struct follow *f);

/* Octets of the file that were not read yet, as it is now; 0 when it is not there. */
uint64_t follow_lag(const struct follow *f);

void follow_close(struct follow *f);

#endif
