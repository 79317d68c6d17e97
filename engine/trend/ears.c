/*
 * EARS C1, C2 and C3 (Hutwagner et al. 2003; Fricker, Hegler, Dunfee 2008), as the R package `surveillance` 1.20.3 has
 * them (`earsC`, with its defaults: a baseline of 7 points, minSigma 0, alpha .001, of C3 .025).
 *
 *   C1  mean and standard deviation of the 7 points before this one;  alarm where y > mean + z * sd
 *   C2  the same of the 7 points before the last two, so that a rise does not hide itself
 *   C3  y + sd * (z - (e(t-2) + e(t-1))), at least 0, where e(s) = max(0, C2(s) - 1) and C2(s) = (y - mean) / sd: the
 *       alarm asks whether the *two points before* rose, and of this one only that it is not 0. That is what earsC
 *       computes, and so do we
 *
 * Where sd is 0, C2(s) is infinite or undefined; of what is undefined there is no alarm (R says NA).
 *
 * Mean and deviation are summed as R sums them (long double, a second pass over what the first left over), in the same
 * order, so that alarms are the same also where a count stands right on the threshold.
 *
 * The score is the normal distribution function of the statistic, (y - mean) / sd of C1 and C2, e(t-2) + e(t-1) of C3:
 * the share of ordinary points that lie lower. It is above 1 - alpha where there is an alarm, .5 where C1 and C2 find
 * just what they expect.
 */
#include "trend/detector.h"

#include <math.h>

enum { BASELINE = 7, GUARD = 2, LAGS = 2, KEPT = BASELINE + GUARD };

static const double Z_001 = 3.0902323061678132; /* R's qnorm(1 - 0.001) */
static const double Z_025 = 1.9599639845400536; /* R's qnorm(1 - 0.025) */

struct state {
    double kept[KEPT]; /* the points before, oldest first */
    double excess[LAGS];
    uint32_t seen; /* points, up to KEPT + LAGS */
};

struct baseline {
    double mean, deviation;
};

static double mean_of(const double *y)
{
    long double sum = 0, left = 0;
    for (int i = 0; i < BASELINE; i++)
        sum += y[i];
    sum /= BASELINE;
    for (int i = 0; i < BASELINE; i++)
        left += y[i] - sum;
    return (double)(sum + left / BASELINE);
}

static double deviation_of(const double *y, double mean)
{
    long double sum = 0;
    for (int i = 0; i < BASELINE; i++)
        sum += ((long double)y[i] - mean) * ((long double)y[i] - mean);
    return sqrt((double)(sum / (BASELINE - 1)));
}

static struct baseline baseline_of(const double *y)
{
    double mean = mean_of(y);
    return (struct baseline){.mean = mean, .deviation = deviation_of(y, mean)};
}

static void start(void *state, const struct detector_settings *settings)
{
    (void)settings;
    *(struct state *)state = (struct state){.seen = 0};
}

static void remember(struct state *s, double y)
{
    for (int i = 1; i < KEPT; i++)
        s->kept[i - 1] = s->kept[i];
    s->kept[KEPT - 1] = y;
    if (s->seen < KEPT + LAGS)
        s->seen++;
}

/* The share of a standard normal distribution below `z`; 0 where that is undefined. */
static double share_below(double z)
{
    return isnan(z) ? 0 : erfc(-z * M_SQRT1_2) / 2;
}

static double excess_of(double y, const struct baseline *b)
{
    double above = (y - b->mean) / b->deviation - 1;
    return isnan(above) || above > 0 ? above : 0;
}

static struct judgement judge(double y, const struct baseline *b, double upper, double statistic)
{
    return (struct judgement){
        .expected = b->mean,
        .lower = NAN,
        .upper = upper,
        .score = share_below(statistic),
        .alarm = y > upper,
        .baseline = true,
    };
}

/* C1 and C2: how far above the mean of these points. */
static struct judgement judge_above(double y, const double *points)
{
    struct baseline b = baseline_of(points);
    double statistic = y == b.mean ? 0 : (y - b.mean) / b.deviation;
    return judge(y, &b, b.mean + Z_001 * b.deviation, statistic);
}

static struct judgement step_c1(void *state, const struct point *p)
{
    struct state *s = state;
    struct judgement j = s->seen < BASELINE ? judgement_none : judge_above(p->count, s->kept + GUARD);
    remember(s, p->count);
    return j;
}

static struct judgement step_c2(void *state, const struct point *p)
{
    struct state *s = state;
    struct judgement j = s->seen < KEPT ? judgement_none : judge_above(p->count, s->kept);
    remember(s, p->count);
    return j;
}

static struct judgement judge_c3(struct state *s, double y, const struct baseline *b)
{
    double excess = s->excess[0] + s->excess[1];
    double upper = y + b->deviation * (Z_025 - excess);
    return judge(y, b, upper < 0 ? 0 : upper, excess);
}

static struct judgement step_c3(void *state, const struct point *p)
{
    struct state *s = state;
    struct judgement j = judgement_none;
    if (s->seen >= KEPT) {
        struct baseline b = baseline_of(s->kept);
        if (s->seen >= KEPT + LAGS)
            j = judge_c3(s, p->count, &b);
        s->excess[0] = s->excess[1];
        s->excess[1] = excess_of(p->count, &b);
    }
    remember(s, p->count);
    return j;
}

const struct detector detector_ears_c1 = {
    .name = "ears-c1",
    .about = "EARS C1: above the 7 points before",
    .octets = sizeof(struct state),
    .start = start,
    .step = step_c1,
};

const struct detector detector_ears_c2 = {
    .name = "ears-c2",
    .about = "EARS C2: above the 7 points before the last two",
    .octets = sizeof(struct state),
    .start = start,
    .step = step_c2,
};

const struct detector detector_ears_c3 = {
    .name = "ears-c3",
    .about = "EARS C3: the last points rose above those before them",
    .octets = sizeof(struct state),
    .start = start,
    .step = step_c3,
};
