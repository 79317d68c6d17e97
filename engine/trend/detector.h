/*
 * detector: the TABLE of ways to tell whether a count is out of the ordinary.
 *
 * A detector is a pure function of a series, taken one point at a time: it sees no later point, keeps a state of
 * bounded size, and gives the same judgements for the same points, whenever and wherever. A state is the caller's
 * memory, aligned for any type and of `octets`; it holds no pointers, so it may be copied and stored.
 *
 *     d->start(state, &settings);
 *     struct judgement j = d->step(state, &point);
 *
 * To add one: a file with a `const struct detector`, and one line in detector.c.
 *
 * Owner: the surveyor, or whoever has the state. Any number of states, any threads.
 */
#ifndef VIGIA_TREND_DETECTOR_H
#define VIGIA_TREND_DETECTOR_H

#include "trend/series.h"

#include <stddef.h>

/* What is known beforehand of the series. */
struct detector_settings {
    uint32_t period; /* points of one season; 0: none is known */
};

struct judgement {
    double expected;     /* of an ordinary point; NAN while there is no baseline */
    double lower, upper; /* what an ordinary point keeps between; NAN where the detector has no such bound */
    double score;        /* 0 to 1: how surely this is no ordinary value; 0 while there is no baseline */
    bool alarm;          /* at the detector's own threshold */
    bool baseline;       /* there were points enough to judge by */
};

struct detector {
    const char *name;
    const char *about;
    size_t octets; /* of the state */
    void (*start)(void *state, const struct detector_settings *settings);
    struct judgement (*step)(void *state, const struct point *point);
};

/* What `step` gives while it knows too little. */
extern const struct judgement judgement_none;

extern const struct detector detector_ears_c1; /* ears.c */
extern const struct detector detector_ears_c2;
extern const struct detector detector_ears_c3;

/* The one that is used where none is named. */
const struct detector *detector_default(void);

/* NULL where there is none of that name. */
const struct detector *detector_named(const char *name);

/* The table, from 0 on; NULL behind its end. */
const struct detector *detector_at(unsigned index);

#endif
