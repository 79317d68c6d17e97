#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "trend/alarm.h"

enum { QUIET = 2, EXPECTED = 4 };

/* Points, each `count` and `!` where the detector alarmed; what changed at each: . same, O opened, U updated, C closed.
 */
static const struct {
    const char *points, *changes;
} stories[] = {
    {"4 5 3", "..."},
    {"4 9! 4 4", ".O.C"},
    {"4 9! 4 9! 4 4", ".O...C"},
    {"9! 12! 11! 13! 4 4 4", "OU.U.C."},
    {"9! 4 12! 4 4", "O.U.C"},
    {"9! 4 4 9! 4 4", "O.CO.C"},
    {"9! 4", "O."},
};

/* A made-up detector: sure by the count. */
static enum alarm_change step(struct alarm *a, int64_t time_ns, double count, bool alarm)
{
    struct judgement j = {.expected = EXPECTED, .lower = NAN, .upper = 8, .baseline = true, .alarm = alarm};
    j.score = 1 - 1 / (1 + count);
    return alarm_step(a, QUIET, &(struct point){.time_ns = time_ns, .count = count}, &j);
}

static void tell(struct alarm *a, const char *points, char *changes)
{
    alarm_init(a);
    int64_t time_ns = 100;
    for (const char *at = points; *at; time_ns += 10) {
        int len = 0;
        double count;
        cr_assert(sscanf(at, "%lf%n", &count, &len) == 1);
        at += len;
        bool alarm = *at == '!';
        *changes++ = ".OUC"[step(a, time_ns, count, alarm)];
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    *changes = 0;
}

Test(alarm, opens_grows_and_closes)
{
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct alarm a;
        char changes[64];
        tell(&a, stories[i].points, changes);
        cr_expect(eq(str, changes, (char *)stories[i].changes), "%s", stories[i].points);
    }
}

Test(alarm, knows_since_when_how_long_and_how_bad)
{
    struct alarm a;
    char changes[64];
    tell(&a, "4 9! 4 20! 11! 4", changes);
    cr_assert(a.open);
    cr_assert(eq(i64, a.since_ns, 110));
    cr_assert(eq(i64, a.last_ns, 140));
    cr_assert(eq(i64, a.peak_ns, 130));
    cr_assert(eq(u32, a.points, 4));
    cr_assert(eq(dbl, a.observed, 20));
    cr_assert(eq(dbl, a.expected, EXPECTED));
    cr_assert(eq(dbl, a.most, 20));
    cr_assert(eq(dbl, a.excess, 5 + 16 + 7));
    cr_assert(eq(dbl, a.score, 1 - 1.0 / 21));
}

Test(alarm, keeps_the_newest_points_for_a_plot)
{
    struct alarm a;
    alarm_init(&a);
    for (int i = 0; i < 100; i++)
        step(&a, i, i, i == 99);
    cr_assert(eq(u32, a.seen, 100));
    for (unsigned back = 1; back <= ALARM_HISTORY; back++)
        cr_assert(eq(dbl, a.history[(a.seen - back) % ALARM_HISTORY].count, 100 - (double)back));
    cr_assert(a.history[99 % ALARM_HISTORY].alarm);
}

Test(alarm, ends_with_its_series)
{
    struct alarm a;
    char changes[64];
    tell(&a, "4 9!", changes);
    cr_assert(alarm_break(&a) == ALARM_CLOSED);
    cr_assert(alarm_break(&a) == ALARM_SAME);
    cr_assert(eq(i64, a.since_ns, 110)); /* what was, still stands */
    cr_assert(step(&a, 500, 9, true) == ALARM_OPENED);
}
