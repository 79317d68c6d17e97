#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "trend/series.h"

#define SECOND_NS INT64_C(1000000000)
#define HOUR_NS   (3600 * SECOND_NS)
#define DAY_NS    (24 * HOUR_NS)

/* 2026-11-21T10:30:00Z, a Saturday. */
#define NOW_NS (INT64_C(1795257000) * SECOND_NS)

/* Which bucket that time falls in. */
static const struct {
    int64_t width_ns, time_ns, begin_ns;
} buckets[] = {
    {HOUR_NS, NOW_NS, NOW_NS - HOUR_NS / 2},
    {DAY_NS, NOW_NS, INT64_C(1795219200) * SECOND_NS},     /* 2026-11-21T00:00:00Z */
    {7 * DAY_NS, NOW_NS, INT64_C(1794787200) * SECOND_NS}, /* Monday, 2026-11-16 */
    {7 * DAY_NS, INT64_C(1794787200) * SECOND_NS, INT64_C(1794787200) * SECOND_NS},
    {7 * DAY_NS, INT64_C(1794787200) * SECOND_NS - 1, INT64_C(1794182400) * SECOND_NS},
    {7 * DAY_NS, 0, -3 * DAY_NS}, /* Thursday, 1970-01-01: Monday, 1969-12-29 */
    {7 * DAY_NS, -4 * DAY_NS, -10 * DAY_NS},
    {DAY_NS, -1, -DAY_NS},
};

Test(series, puts_a_time_into_its_bucket)
{
    for (size_t i = 0; i < sizeof buckets / sizeof *buckets; i++)
        cr_expect(eq(i64, series_bucket(buckets[i].width_ns, buckets[i].time_ns), buckets[i].begin_ns), "%zu", i);
}

Test(series, closes_a_bucket_when_time_passes_its_end)
{
    struct series s;
    struct point p;
    series_init(&s, HOUR_NS, NOW_NS);
    int64_t end_ns = s.begin_ns + HOUR_NS;
    series_add(&s, 2);
    cr_assert_not(series_next(&s, end_ns - 1, &p));
    series_add(&s, 3);
    cr_assert(series_next(&s, end_ns, &p));
    cr_assert(eq(i64, p.time_ns, end_ns - HOUR_NS));
    cr_assert(eq(dbl, p.count, 5));
    cr_assert_not(series_next(&s, end_ns, &p));
    cr_assert(eq(dbl, s.present, 0));
}

Test(series, gives_a_zero_for_each_bucket_without_a_count)
{
    struct series s;
    struct point p;
    series_init(&s, HOUR_NS, NOW_NS);
    series_add(&s, 7);
    unsigned points = 0;
    for (; series_next(&s, NOW_NS + 3 * HOUR_NS, &p); points++)
        cr_expect(p.count == (points ? 0 : 7));
    cr_assert(eq(uint, points, 3));
    cr_assert(eq(u32, series_length(&s), 3));
    cr_assert(eq(dbl, series_back(&s, 1), 0));
    cr_assert(eq(dbl, series_back(&s, 3), 7));
}

/* A jump of years is not millions of points. */
Test(series, gives_only_the_first_zeros_of_a_long_row)
{
    struct series s;
    struct point p;
    series_init(&s, HOUR_NS, NOW_NS - 3650 * DAY_NS);
    series_add(&s, 1);
    unsigned points = 0;
    for (; series_next(&s, NOW_NS, &p); points++)
        cr_expect(p.count == (points ? 0 : 1));
    cr_assert(eq(uint, points, 1 + SERIES_ZEROS_MAX));
    cr_assert(eq(i64, s.begin_ns, NOW_NS - HOUR_NS / 2));
    series_add(&s, 2);
    cr_assert(series_next(&s, NOW_NS + HOUR_NS, &p));
    cr_assert(eq(dbl, p.count, 2));
    cr_assert(series_next(&s, NOW_NS + 2 * HOUR_NS, &p)); /* a new row of zeros begins */
}

/* Whoever asks seldom gets the same points as who asks for each bucket. */
Test(series, gives_the_same_however_often_it_is_asked)
{
    struct series often, seldom;
    struct point p;
    unsigned points[2] = {0, 0};
    series_init(&often, HOUR_NS, NOW_NS);
    series_init(&seldom, HOUR_NS, NOW_NS);
    for (int hour = 0; hour < 3000; hour++) {
        while (series_next(&often, NOW_NS + hour * HOUR_NS, &p))
            points[0]++;
        if (hour != 5 && hour != 2500)
            continue;
        while (series_next(&seldom, NOW_NS + hour * HOUR_NS, &p))
            points[1]++;
        series_add(&often, 1);
        series_add(&seldom, 1);
    }
    while (series_next(&seldom, NOW_NS + 2999 * HOUR_NS, &p))
        points[1]++;
    cr_assert(eq(uint, points[0], points[1]));
    cr_assert(eq(i64, often.begin_ns, seldom.begin_ns));
    cr_assert(eq(u32, often.closed, seldom.closed));
}

Test(series, keeps_the_newest_buckets)
{
    struct series s;
    struct point p;
    series_init(&s, HOUR_NS, NOW_NS);
    for (int i = 0; i < 3 * SERIES_KEPT; i++) {
        series_add(&s, i);
        cr_assert(series_next(&s, s.begin_ns + HOUR_NS, &p));
    }
    cr_assert(eq(u32, series_length(&s), SERIES_KEPT));
    for (uint32_t back = 1; back <= SERIES_KEPT; back++)
        cr_assert(eq(dbl, series_back(&s, back), 3 * SERIES_KEPT - (double)back));
}

Test(series, stays_where_it_is_when_time_runs_back)
{
    struct series s;
    struct point p;
    series_init(&s, HOUR_NS, NOW_NS);
    series_add(&s, 1);
    cr_assert_not(series_next(&s, NOW_NS - 30 * DAY_NS, &p));
    cr_assert(eq(dbl, s.present, 1));
}
