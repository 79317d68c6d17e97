/*
 * frames: cuts records out of octets: one a line; or, where the octets begin with `[` alone on its line or before `{`,
 * the objects of one JSON array, whatever lines they stand on.
 *
 * Of a content that is all there (a mapped file) frames are views into it. Of one that comes in pieces (a pipe, a file
 * that grows) `frames_add` keeps what is not yet a whole record; a record longer than FEED_LINE_MAX is given once, cut
 * off (its `len` is more than FEED_LINE_MAX), and what is left of it is passed over.
 *
 * Owner: one thread.
 */
#ifndef VIGIA_FEED_FRAMES_H
#define VIGIA_FEED_FRAMES_H

#include "feed/format.h"

struct frames {
    struct bytes rest; /* not yet cut */
    uint64_t line;     /* of the frame given last, from 1 */
    uint64_t lines;    /* begun so far; of octets from the middle of a file, set to those before it */
    uint64_t passed;   /* octets cut so far, with line ends */
    bool array;        /* objects of an array */
    bool begun;        /* some octet was looked at */
    bool passing;      /* to the end of a line that is too long */
    uint8_t *room;     /* of pieces: what waits */
    size_t room_octets;
};

/* All of it is there. */
struct frames frames_of(struct bytes content);

/* Of pieces: `room` for up to `*len` octets to read into (at least 64 KiB); then so many came. Ends earlier frames. */
uint8_t *frames_room(struct frames *f, size_t *len);
void frames_add(struct frames *f, size_t len);

/* The next record, without line end; empty lines are none. False when there is no whole one; with `last`, what is left
 * counts as whole. */
bool frames_next(struct frames *f, struct bytes *frame, bool last);

/* Starts over, with nothing waiting; the room is kept. */
void frames_restart(struct frames *f);

void frames_free(struct frames *f);

#endif
