/*
 * alarm: makes one episode of the judgements of one series.
 *
 * An episode is opened by the first point that a detector alarms at, and closed by `quiet` points in a row at which it
 * does not: one quiet point among loud ones is no end, and what comes right behind it no new alarm. In between it is
 * worth an update when it becomes worse than it ever was: more observed, or surer.
 *
 * No id, no time of day, no publishing: a state machine over points. Its history is what a reader needs for a small
 * plot: the newest ALARM_HISTORY points, before and in the episode. Owner: the surveyor. Octets: sizeof (struct alarm).
 */
#ifndef VIGIA_TREND_ALARM_H
#define VIGIA_TREND_ALARM_H

#include "trend/detector.h"

enum { ALARM_HISTORY = 32, ALARM_QUIET = 3 /* points; a default */ };

enum alarm_change {
    ALARM_SAME,    /* nothing to tell */
    ALARM_OPENED,  /* `since_ns`, `observed` … are those of this point */
    ALARM_UPDATED, /* it became worse */
    ALARM_CLOSED,  /* the episode's figures stand until the next one is opened */
};

struct alarm {
    bool open;
    uint32_t quiet;      /* points without an alarm, in a row, in the open episode */
    uint32_t points;     /* of the episode, from the first alarm to the last */
    int64_t since_ns;    /* the first point that alarmed */
    int64_t last_ns;     /* the last one */
    int64_t peak_ns;     /* where it was worst (most above what was expected) … */
    double observed;     /* … how many there were */
    double expected;     /* … and how many were expected */
    double lower, upper; /* … and between which bounds; NAN: none */
    double most;         /* counted in one point of the episode */
    double score;        /* the highest in the episode */
    double excess;       /* sum of observed less expected over the points that alarmed */
    uint32_t seen;       /* points so far; the newest min(seen, ALARM_HISTORY) are kept */
    struct {
        double count, expected; /* `expected` is NAN where there was no baseline */
        bool alarm;
    } history[ALARM_HISTORY];
};

void alarm_init(struct alarm *a);

/* The next point of the series, and how it was judged. `quiet` is at least 1. */
enum alarm_change alarm_step(struct alarm *a, uint32_t quiet, const struct point *p, const struct judgement *j);

/* Behind a hole in the series, or at its end: an open episode is closed (ALARM_CLOSED), and the history is forgotten.
 */
enum alarm_change alarm_break(struct alarm *a);

#endif
