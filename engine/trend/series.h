/*
 * series: what one cell did, as counts in buckets of one width; the present bucket and the last SERIES_KEPT.
 *
 * It is fed with the closed slots of a `window` in the order of time, so any width that is a multiple of a slot's can
 * be had of them: an hour, a day, a week. A bucket begins at a multiple of the width from SERIES_ORIGIN_NS on, a
 * Monday, so weeks are those of ISO 8601. Time without a count is buckets of 0; of those in a row only the first
 * SERIES_ZEROS_MAX are given, so that a jump over years costs little, and what is given depends on the counts alone,
 * not on how often somebody asks. (Whether nothing happened or nobody looked, a series cannot know.)
 *
 *     while (series_next(&s, slot_ns, &point))
 *         judge(&point);
 *     series_add(&s, count);
 *
 * Octets: sizeof (struct series), nothing behind it. Owner: the surveyor.
 */
#ifndef VIGIA_TREND_SERIES_H
#define VIGIA_TREND_SERIES_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum { SERIES_KEPT = 64, SERIES_ZEROS_MAX = 1024 };

#define SERIES_ORIGIN_NS (INT64_C(4) * 86400 * 1000000000) /* Monday, 1970-01-05 */

/* A closed bucket, or a row of a file. */
struct point {
    int64_t time_ns; /* its begin */
    double count;
};

struct series {
    int64_t width_ns;
    int64_t begin_ns; /* of the present bucket */
    double present;
    uint32_t zeros;  /* in a row, up to now */
    uint32_t closed; /* buckets that were given so far; the newest min(closed, SERIES_KEPT) are kept */
    double kept[SERIES_KEPT];
};

static inline int64_t series_bucket(int64_t width_ns, int64_t time_ns)
{
    int64_t from_origin = time_ns - SERIES_ORIGIN_NS, into = from_origin % width_ns;
    return time_ns - (into < 0 ? into + width_ns : into);
}

/* The present bucket is the one of `time_ns`. */
static inline void series_init(struct series *s, int64_t width_ns, int64_t time_ns)
{
    *s = (struct series){.width_ns = width_ns, .begin_ns = series_bucket(width_ns, time_ns)};
}

/* In the present bucket. */
static inline void series_add(struct series *s, double count)
{
    s->present += count;
}

/* Closes the present bucket if it ends at or before `time_ns`, and gives it. Call until it gives none. */
static inline bool series_next(struct series *s, int64_t time_ns, struct point *out)
{
    assert(s->width_ns > 0);
    if (time_ns < s->begin_ns || time_ns - s->begin_ns < s->width_ns)
        return false;
    if (s->present == 0 && s->zeros == SERIES_ZEROS_MAX) {
        s->begin_ns = series_bucket(s->width_ns, time_ns);
        return false;
    }
    *out = (struct point){.time_ns = s->begin_ns, .count = s->present};
    s->zeros = s->present == 0 ? s->zeros + 1 : 0;
    s->kept[s->closed++ % SERIES_KEPT] = s->present;
    s->present = 0;
    s->begin_ns += s->width_ns;
    return true;
}

/* How many closed buckets are kept. */
static inline uint32_t series_length(const struct series *s)
{
    return s->closed < SERIES_KEPT ? s->closed : SERIES_KEPT;
}

/* The count of the `back`-th closed bucket before the present one; 1 is the newest, `series_length` the oldest. */
static inline double series_back(const struct series *s, uint32_t back)
{
    assert(back >= 1 && back <= series_length(s));
    return s->kept[(s->closed - back) % SERIES_KEPT];
}

#endif
