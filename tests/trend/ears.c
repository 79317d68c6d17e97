#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trend/detector.h"

enum { STATE_OCTETS = 4096 };

/* What R's earsC finds in its series (made once by earsc.R). */
static const char FIXTURE[] = "tests/trend/earsc.csv";

enum { NAME = 64, METHODS = 3 };

struct row {
    char series[NAME];
    double count, upper[METHODS];
    char alarm[METHODS]; /* '0', '1', or 'N' */
};

static bool read_row(FILE *from, struct row *r)
{
    char line[512], count[64], upper[METHODS][64], alarm[METHODS][64];
    if (!fgets(line, sizeof line, from))
        return false;
    int got = sscanf(line, "%63[^,],%63[^,],%63[^,],%63[^,],%63[^,],%63[^,],%63[^,],%63[^,\n]", r->series, count,
                     upper[0], alarm[0], upper[1], alarm[1], upper[2], alarm[2]);
    cr_assert(got == 8, "%s", line);
    r->count = strtod(count, NULL);
    for (int m = 0; m < METHODS; m++) {
        r->upper[m] = strcmp(upper[m], "NA") == 0 ? NAN : strtod(upper[m], NULL);
        r->alarm[m] = alarm[m][0];
    }
    return true;
}

static bool near(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

/* Steps through the fixture with one method; how many alarms there were. */
static unsigned compare(const struct detector *d, int method)
{
    alignas(max_align_t) unsigned char state[STATE_OCTETS];
    struct detector_settings settings = {.period = 0};
    struct row row;
    char before[NAME] = "", head[256];
    unsigned alarms = 0, line = 1;
    FILE *from = fopen(FIXTURE, "r");
    cr_assert(from && fgets(head, sizeof head, from), "run this from the root of the repository");
    while (read_row(from, &row)) {
        line++;
        if (strcmp(row.series, before) != 0)
            d->start(state, &settings);
        memcpy(before, row.series, sizeof before);
        struct judgement j = d->step(state, &(struct point){.time_ns = line, .count = row.count});
        cr_expect(near(j.upper, row.upper[method]), "%s, line %u, %s: upper is %.17g, expected %.17g", d->name, line,
                  row.series, j.upper, row.upper[method]);
        cr_expect(j.alarm == (row.alarm[method] == '1'), "%s, line %u, %s: alarm", d->name, line, row.series);
        cr_expect(j.baseline || !j.alarm, "%s, line %u", d->name, line);
        cr_expect(j.score >= 0 && j.score <= 1, "%s, line %u: score %g", d->name, line, j.score);
        alarms += j.alarm;
    }
    fclose(from);
    cr_assert(line > 700); /* or it read something else */
    return alarms;
}

Test(ears, c1_finds_what_earsC_finds)
{
    cr_assert(ge(uint, compare(&detector_ears_c1, 0), 20));
}

Test(ears, c2_finds_what_earsC_finds)
{
    cr_assert(ge(uint, compare(&detector_ears_c2, 1), 20));
}

Test(ears, c3_finds_what_earsC_finds)
{
    cr_assert(ge(uint, compare(&detector_ears_c3, 2), 20));
}

static struct judgement last_of(const struct detector *d, const double *counts, size_t count)
{
    alignas(max_align_t) unsigned char state[STATE_OCTETS];
    struct judgement j = judgement_none;
    d->start(state, &(struct detector_settings){.period = 7});
    for (size_t i = 0; i < count; i++)
        j = d->step(state, &(struct point){.time_ns = (int64_t)i, .count = counts[i]});
    return j;
}

/* How many points each needs before it judges. */
static const struct {
    const struct detector *detector;
    size_t points;
} needs[] = {{&detector_ears_c1, 7}, {&detector_ears_c2, 9}, {&detector_ears_c3, 11}};

Test(ears, says_nothing_before_it_has_a_baseline)
{
    static const double counts[12] = {1, 2, 1, 2, 1, 2, 1000, 2000, 30000, 400000, 5000000, 60000000};
    for (size_t n = 0; n < sizeof needs / sizeof *needs; n++) {
        struct judgement j = last_of(needs[n].detector, counts, needs[n].points);
        cr_expect(j.score == 0 && !j.baseline && !j.alarm && isnan(j.expected) && isnan(j.upper));
        cr_expect(last_of(needs[n].detector, counts, needs[n].points + 1).baseline);
    }
}

/* R's pnorm of the statistic: counts whose mean is 4 and whose deviation 1, then one at mean + z. */
static const struct {
    double count, score;
} scores[] = {
    {4, 0.5}, {5, 0.84134474606854293}, {6, 0.97724986805182079}, {8, 0.9999683287581669}, {1, 0.0013498980316300933},
};

Test(ears, scores_with_the_normal_distribution_function)
{
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        double counts[8] = {3, 3, 3, 4, 5, 5, 5, scores[i].count};
        cr_expect(near(last_of(&detector_ears_c1, counts, 8).score, scores[i].score), "%g", scores[i].count);
    }
}

Test(ears, scores_above_its_threshold_exactly_where_it_alarms)
{
    for (double count = 4; count < 9; count += 0.001) {
        double counts[10] = {3, 3, 3, 4, 5, 5, 5, 0, 0, count};
        struct judgement j = last_of(&detector_ears_c2, counts, 10);
        cr_expect(j.alarm == (j.score > 0.999), "%g", count);
    }
}

Test(ears, calls_any_rise_above_a_constant_sure)
{
    static const double counts[10] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct judgement j = last_of(&detector_ears_c2, counts, 10);
    cr_assert(j.alarm && j.score == 1 && j.expected == 0);
}

Test(ears, is_told_apart_by_name)
{
    unsigned count = 0;
    for (const struct detector *d; (d = detector_at(count)); count++) {
        cr_expect(detector_named(d->name) == d && d->about && d->octets <= STATE_OCTETS);
        for (unsigned other = 0; other < count; other++)
            cr_expect(strcmp(detector_at(other)->name, d->name) != 0);
    }
    cr_assert(ge(uint, count, 3));
    cr_assert(detector_named("ears") == NULL && detector_named("") == NULL);
    cr_assert(detector_named(detector_default()->name) == detector_default());
}

/* The state is plain memory: a copy goes on as the original does. */
Test(ears, goes_on_from_a_copy_of_its_state)
{
    for (unsigned n = 0; n < 3; n++) {
        const struct detector *d = detector_at(n);
        alignas(max_align_t) unsigned char state[STATE_OCTETS], copy[STATE_OCTETS];
        d->start(state, &(struct detector_settings){.period = 0});
        for (int i = 0; i < 30; i++) {
            memcpy(copy, state, d->octets);
            struct point p = {.time_ns = i, .count = i * 7 % 5};
            struct judgement a = d->step(state, &p), b = d->step(copy, &p);
            cr_expect(near(a.upper, b.upper) && near(a.score, b.score) && a.alarm == b.alarm);
        }
    }
}
