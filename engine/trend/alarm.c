/*
 * alarm: an episode lives from its first alarm until it was quiet for long enough.
 */
#include "trend/alarm.h"

#include <math.h>

void alarm_init(struct alarm *a)
{
    *a = (struct alarm){.open = false, .lower = NAN, .upper = NAN};
}

static void remember(struct alarm *a, const struct point *p, const struct judgement *j)
{
    unsigned place = a->seen++ % ALARM_HISTORY;
    a->history[place].count = p->count;
    a->history[place].expected = j->expected;
    a->history[place].alarm = j->alarm;
}

static void take_peak(struct alarm *a, const struct point *p, const struct judgement *j)
{
    a->peak_ns = p->time_ns;
    a->observed = p->count;
    a->expected = j->expected;
    a->lower = j->lower;
    a->upper = j->upper;
}

static void open(struct alarm *a, const struct point *p, const struct judgement *j)
{
    a->open = true;
    a->quiet = 0;
    a->points = 1;
    a->since_ns = a->last_ns = p->time_ns;
    a->most = p->count;
    a->score = j->score;
    a->excess = p->count - j->expected;
    take_peak(a, p, j);
}

/* The episode goes on; whether it became worse. */
static bool go_on(struct alarm *a, const struct point *p, const struct judgement *j)
{
    bool worse = p->count > a->most || j->score > a->score;
    a->points += a->quiet + 1;
    a->quiet = 0;
    a->last_ns = p->time_ns;
    a->excess += p->count - j->expected;
    if (p->count > a->most)
        a->most = p->count;
    if (j->score > a->score)
        a->score = j->score;
    if (p->count - j->expected > a->observed - a->expected)
        take_peak(a, p, j);
    return worse;
}

enum alarm_change alarm_step(struct alarm *a, uint32_t quiet, const struct point *p, const struct judgement *j)
{
    assert(quiet > 0);
    remember(a, p, j);
    if (j->alarm && !a->open) {
        open(a, p, j);
        return ALARM_OPENED;
    }
    if (j->alarm)
        return go_on(a, p, j) ? ALARM_UPDATED : ALARM_SAME;
    if (!a->open || ++a->quiet < quiet)
        return ALARM_SAME;
    a->open = false;
    return ALARM_CLOSED;
}

enum alarm_change alarm_break(struct alarm *a)
{
    bool was_open = a->open;
    a->open = false;
    a->seen = 0;
    return was_open ? ALARM_CLOSED : ALARM_SAME;
}
