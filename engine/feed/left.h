/*
 * left: how many records of each kind were left out, for whoever reads a feed or sums up several contents.
 *
 * Bounded: the first LEFT_KINDS_MAX kinds have a line each, all others share one.
 *
 * Owner: one thread.
 */
#ifndef VIGIA_FEED_LEFT_H
#define VIGIA_FEED_LEFT_H

enum { LEFT_KINDS_MAX = 32, LEFT_TEXT_MAX = 160 };

struct left {
    struct left_kind {
        char what[LEFT_TEXT_MAX]; /* cut short where it is longer */
        unsigned count;
    } kinds[LEFT_KINDS_MAX];
    unsigned kinds_count;
    unsigned others;
};

void left_add(struct left *l, unsigned count, const char *what);

/* Tells each kind, in the order of the first of each, then the rest. */
void left_tell(const struct left *l, void (*each)(void *to, unsigned count, const char *what), void *to);

#endif
