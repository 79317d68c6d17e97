/* What is told of counts, and of which. */
#include "run/surveyor.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define HOUR  INT64_C(3600000000000)
#define BEGIN (INT64_C(490000) * HOUR) /* in November 2025 */

enum { TOLD_MAX = 64 };

static struct trend *told[TOLD_MAX];
static unsigned told_count;
static struct regions *regions;

static void keep(void *to, struct trend *t)
{
    (void)to;
    cr_assert_lt(told_count, TOLD_MAX);
    told[told_count++] = t;
}

static struct surveyor *fresh(unsigned writers)
{
    regions = regions_read(regions_built_in(), "regions.yaml", NULL, NULL);
    cr_assert(regions);
    return surveyor_new(&(struct surveyor_settings){.regions = regions,
                                                    .detector = detector_named("ears-c2"),
                                                    .window_ns = HOUR,
                                                    .lateness_ns = HOUR / 6,
                                                    .least = 5,
                                                    .writers = writers,
                                                    .start_ns = BEGIN - HOUR},
                        keep, NULL);
}

static category_id phishing(void)
{
    category_id c;
    cr_assert(category_read(bytes_text("phishing"), &c));
    return c;
}

/* So many reports of phishing in that hour, each of another reporter. */
static void report(struct surveyor *s, unsigned writer, const char *country, int hour, unsigned count, enum tlp tlp)
{
    for (unsigned i = 0; i < count; i++)
        census_add(surveyor_census(s, writer), &(struct census_entry){.country = country,
                                                                      .category = phishing(),
                                                                      .kind = CENSUS_EVENTS,
                                                                      .tlp = tlp,
                                                                      .reporter = i,
                                                                      .time_ns = BEGIN + hour * HOUR + i,
                                                                      .weight = 1});
}

static void pass(struct surveyor *s, unsigned writer, int hour)
{
    census_pass(surveyor_census(s, writer), BEGIN + hour * HOUR + HOUR / 6);
    surveyor_turn(s);
}

/* Twelve ordinary hours of 2 or 3 reports, then a burst, then ordinary ones again. */
static void play(struct surveyor *s, const char *country, unsigned burst, enum tlp tlp)
{
    for (int hour = 0; hour < 20; hour++) {
        report(s, 0, country, hour, hour == 12 ? burst : 2U + (unsigned)hour % 2, tlp);
        pass(s, 0, hour + 1);
    }
}

Test(surveyor, tells_of_a_burst_when_it_begins_and_when_it_is_over)
{
    struct surveyor *s = fresh(1);
    play(s, "CL", 30, TLP_GREEN);
    cr_assert_eq(told_count, 2);
    const struct trend *t = told[0];
    cr_assert_eq(t->status, FINDING_OPENED);
    cr_assert_str_eq(t->place, "CL");
    cr_assert_str_eq(t->subregion, "southern-cone");
    cr_assert_str_eq(t->counted, "event");
    cr_assert_str_eq(category_type(t->category), "phishing");
    cr_assert_float_eq(t->observed, 30, 0);
    cr_assert(t->expected > 2 && t->expected < 3);
    cr_assert(t->score > 0.99);
    cr_assert_eq(t->since_ns, BEGIN + 12 * HOUR);
    cr_assert_eq(t->time_ns, BEGIN + 13 * HOUR);
    cr_assert_eq(t->history_count, 13);
    cr_assert_float_eq(t->history[12].count, 30, 0);
    cr_assert_eq(told[1]->status, FINDING_CLOSED);
    cr_assert_eq(told[1]->windows, 1);
    char opened[IDENTITY_MAX], closed[IDENTITY_MAX];
    trend_id(told[0], opened);
    trend_id(told[1], closed);
    cr_assert_str_eq(opened, closed);
    surveyor_free(s);
}

Test(surveyor, tells_nothing_of_fewer_than_are_worth_an_alarm_and_nothing_without_a_baseline)
{
    struct surveyor *s = fresh(1);
    report(s, 0, "CL", 0, 40, TLP_GREEN); /* the first hour that there is */
    for (int hour = 1; hour < 20; hour++) {
        pass(s, 0, hour);
        report(s, 0, "PE", hour, hour == 14 ? 4 : 0, TLP_GREEN); /* after nothing, but few */
    }
    cr_assert_eq(told_count, 0);
    cr_assert_eq(counter_read(&surveyor_counters(s)->watched), 2);
    surveyor_free(s);
}

Test(surveyor, takes_what_was_never_counted_for_nothing_so_that_its_first_burst_is_one)
{
    struct surveyor *s = fresh(1);
    report(s, 0, "CL", 0, 1, TLP_GREEN);
    for (int hour = 1; hour < 20; hour++) {
        pass(s, 0, hour);
        report(s, 0, "PE", hour, hour == 14 ? 12 : 0, TLP_GREEN);
    }
    cr_assert_eq(told_count, 2);
    cr_assert_str_eq(told[0]->place, "PE");
    surveyor_free(s);
}

Test(surveyor, is_green_where_three_reporters_stand_behind_it_and_amber_else)
{
    struct surveyor *s = fresh(1);
    play(s, "CL", 30, TLP_GREEN);
    cr_assert_geq(told[0]->reporters, 3);
    cr_assert_eq(trend_tlp(told[0]), TLP_GREEN);
    surveyor_free(s);
    told_count = 0;
    s = fresh(1);
    for (int hour = 0; hour < 14; hour++) {
        for (int i = 0; i < (hour == 12 ? 30 : 2 + hour % 2); i++)
            report(s, 0, "CL", hour, 1, TLP_GREEN); /* always the same reporter */
        pass(s, 0, hour + 1);
    }
    cr_assert_eq(told_count, 1);
    cr_assert_eq(told[0]->reporters, 1);
    cr_assert_eq(trend_tlp(told[0]), TLP_AMBER);
    surveyor_free(s);
}

Test(surveyor, counts_what_may_not_be_shared_and_what_is_elsewhere_in_no_trend)
{
    struct surveyor *s = fresh(1);
    play(s, "CL", 30, TLP_RED);
    play(s, "DE", 30, TLP_GREEN);
    cr_assert_eq(told_count, 0);
    struct census sum;
    surveyor_sum(s, &sum);
    cr_assert_eq(counter_read(&sum.counted), 0);
    cr_assert_eq(counter_read(&sum.withheld), 30 + 19 * 2 + 10);
    cr_assert_eq(counter_read(&sum.elsewhere), 30 + 19 * 2 + 10);
    surveyor_free(s);
}

Test(surveyor, waits_for_all_who_count_and_adds_them_up)
{
    struct surveyor *s = fresh(2);
    for (int hour = 0; hour < 14; hour++)
        for (unsigned w = 0; w < 2; w++) {
            report(s, w, "CL", hour, hour == 12 ? 15 : 1, TLP_GREEN);
            census_pass(surveyor_census(s, w), BEGIN + (hour + 1) * HOUR + HOUR / 6);
            if (w == 0 && hour == 12)
                surveyor_turn(s); /* the other one has not passed yet */
            cr_assert_eq(told_count, 0);
        }
    surveyor_turn(s);
    cr_assert_eq(told_count, 1);
    cr_assert_float_eq(told[0]->observed, 30, 0);
    census_leave(surveyor_census(s, 0));
    census_leave(surveyor_census(s, 1));
    surveyor_turn(s);
    surveyor_free(s);
}

Test(surveyor, counts_what_comes_too_late_as_late)
{
    struct surveyor *s = fresh(1);
    report(s, 0, "CL", 0, 1, TLP_GREEN);
    pass(s, 0, 10);
    report(s, 0, "CL", 5, 7, TLP_GREEN);
    report(s, 0, "CL", 40, 3, TLP_GREEN); /* far ahead of the clock */
    struct census sum;
    surveyor_sum(s, &sum);
    cr_assert_eq(counter_read(&sum.late), 7);
    cr_assert_eq(counter_read(&sum.early), 3);
    cr_assert_eq(counter_read(&sum.counted), 1);
    surveyor_free(s);
}
