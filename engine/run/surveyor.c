/*
 * A turn: each closed window's counts, then each number's next point.
 */
#include "run/surveyor.h"

#include "trend/alarm.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

/* A number that was counted once, with the detector's state behind it. */
struct watched {
    uint32_t base;
    uint32_t reporters; /* of the alarm: a bit each */
    uint32_t present;   /* of the window that is being closed */
    uint64_t count;
    struct series series;
    struct alarm alarm;
    max_align_t state[];
};

struct surveyor {
    struct surveyor_settings settings;
    surveyor_told *told;
    void *to;
    struct window *window;
    struct census *censuses;
    uint32_t bases;
    struct watched **watched; /* by base; NULL: never counted */
    uint32_t *active;         /* bases of those that are watched, in the order in which they came */
    uint32_t active_count;
    int64_t begin_ns; /* of the first window that was closed; INT64_MAX before */
    struct surveyor_counters counters;
    pthread_t thread;
    struct progress stop;
};

static void *must(void *at)
{
    if (!at)
        abort();
    return at;
}

bool surveyor_fits(const struct surveyor_settings *settings, struct fail *why)
{
    enum { ROOM = SURVEYOR_SLOTS / 4 }; /* the rest is for those who are ahead */
    if (!settings->detector)
        return fail_set(why, "trends.detector: there is none of this name");
    return settings->lateness_ns / settings->window_ns <= ROOM ||
           fail_set(why, "trends.lateness: expected at most %d times trends.window", ROOM);
}

struct surveyor *surveyor_new(const struct surveyor_settings *settings, surveyor_told *told, void *to)
{
    struct surveyor *s = must(calloc(1, sizeof *s));
    s->settings = *settings;
    s->told = told;
    s->to = to;
    s->begin_ns = INT64_MAX;
    s->bases = census_bases(settings->regions);
    s->watched = must(calloc(s->bases, sizeof(struct watched *)));
    s->active = must(calloc(s->bases, sizeof *s->active));
    s->censuses = must(calloc(settings->writers, sizeof *s->censuses));
    s->window = window_new(&(struct window_settings){.cells = census_cells(settings->regions),
                                                     .slots = SURVEYOR_SLOTS,
                                                     .writers = settings->writers,
                                                     .width_ns = settings->window_ns,
                                                     .lateness_ns = settings->lateness_ns,
                                                     .horizon_ns = settings->window_ns,
                                                     .start_ns = settings->start_ns});
    for (unsigned i = 0; i < settings->writers; i++)
        census_init(&s->censuses[i], settings->regions, window_writer(s->window, i));
    return s;
}

void surveyor_hear(struct surveyor *s, surveyor_told *told, void *to)
{
    s->told = told;
    s->to = to;
}

int64_t surveyor_next_ns(const struct surveyor *s, int64_t now_ns)
{
    int64_t into = (now_ns - s->settings.lateness_ns) % s->settings.window_ns;
    return now_ns + s->settings.window_ns - (into < 0 ? into + s->settings.window_ns : into);
}

struct census *surveyor_census(struct surveyor *s, unsigned writer)
{
    return &s->censuses[writer];
}

/* ---- telling */

static struct trend *describe(const struct surveyor *s, const struct watched *w, enum finding_status status,
                              int64_t end_ns)
{
    const struct alarm *a = &w->alarm;
    const struct regions *r = s->settings.regions;
    const struct region_place *place = &r->place[census_place(w->base)];
    struct trend *t = must(calloc(1, sizeof *t));
    *t = (struct trend){.status = status,
                        .place = place->code,
                        .subregion = region_of(r, place->code),
                        .detector = s->settings.detector->name,
                        .counted = census_kind_name(census_kind_of(w->base)),
                        .category = census_category(w->base),
                        .window_ns = s->settings.window_ns,
                        .time_ns = end_ns,
                        .since_ns = a->since_ns,
                        .last_ns = a->last_ns,
                        .peak_ns = a->peak_ns,
                        .observed = a->observed,
                        .expected = a->expected,
                        .lower = a->lower,
                        .upper = a->upper,
                        .score = a->score,
                        .excess = a->excess,
                        .windows = a->points,
                        .reporters = (unsigned)__builtin_popcount(w->reporters)};
    t->history_count = a->seen < TREND_HISTORY ? a->seen : TREND_HISTORY;
    for (unsigned i = 0; i < t->history_count; i++) {
        unsigned at = (a->seen - t->history_count + i) % ALARM_HISTORY;
        t->history[i] = (struct trend_point){a->history[at].count, a->history[at].expected, a->history[at].alarm};
    }
    return t;
}

static void tell(struct surveyor *s, const struct watched *w, enum alarm_change change, int64_t end_ns)
{
    static const enum finding_status status[] = {
        [ALARM_OPENED] = FINDING_OPENED, [ALARM_UPDATED] = FINDING_UPDATED, [ALARM_CLOSED] = FINDING_CLOSED};
    if (change == ALARM_SAME)
        return;
    counter_add(&s->counters.alarms, change == ALARM_OPENED);
    s->told(s->to, describe(s, w, status[change], end_ns));
}

/* ---- a number's series */

static void judge(struct surveyor *s, struct watched *w, const struct point *p)
{
    struct judgement j = s->settings.detector->step(w->state, p);
    j.alarm &= p->count >= (double)s->settings.least;
    if (j.alarm)
        w->reporters = (w->alarm.open ? w->reporters : 0) | w->present;
    tell(s, w, alarm_step(&w->alarm, ALARM_QUIET, p, &j), p->time_ns + s->settings.window_ns);
}

/* All points up to `end_ns`. */
static void go_on(struct surveyor *s, struct watched *w, int64_t end_ns)
{
    struct point p;
    while (series_next(&w->series, end_ns, &p))
        judge(s, w, &p);
}

/* Watched from now on, as if it had been nothing since the surveyor began. */
static struct watched *watch(struct surveyor *s, uint32_t base, int64_t slot_ns)
{
    struct watched *w = must(calloc(1, sizeof *w + s->settings.detector->octets));
    int64_t kept_ns = slot_ns - SERIES_KEPT * s->settings.window_ns;
    w->base = base;
    alarm_init(&w->alarm);
    s->settings.detector->start(w->state, &(struct detector_settings){.period = 0});
    series_init(&w->series, s->settings.window_ns, s->begin_ns > kept_ns ? s->begin_ns : kept_ns);
    go_on(s, w, slot_ns);
    s->watched[base] = w;
    s->active[s->active_count++] = base;
    counter_add(&s->counters.watched, 1);
    return w;
}

/* ---- a window */

static void take_cell(void *to, int64_t slot_ns, uint32_t cell, uint64_t count)
{
    struct surveyor *s = to;
    if (slot_ns < s->begin_ns)
        s->begin_ns = slot_ns;
    if (cell >= s->bases) {
        uint32_t of = cell - s->bases;
        s->watched[of / CENSUS_REPORTERS]->present |= 1U << of % CENSUS_REPORTERS;
        return;
    }
    struct watched *w = s->watched[cell] ? s->watched[cell] : watch(s, cell, slot_ns);
    w->count = count;
}

static void close_slots(void *to, int64_t slot_ns, uint64_t slots)
{
    struct surveyor *s = to;
    int64_t end_ns = slot_ns + (int64_t)slots * s->settings.window_ns;
    if (s->begin_ns == INT64_MAX)
        return; /* nothing was ever counted */
    for (uint32_t i = 0; i < s->active_count; i++) {
        struct watched *w = s->watched[s->active[i]];
        go_on(s, w, slot_ns); /* up to this window, if it is not the one behind the last */
        series_add(&w->series, (double)w->count);
        go_on(s, w, end_ns);
        w->count = 0;
        w->present = 0;
    }
    counter_add(&s->counters.windows, slots);
}

void surveyor_turn(struct surveyor *s)
{
    window_close(s->window, &(struct window_sink){.to = s, .cell = take_cell, .closed = close_slots});
}

const struct surveyor_counters *surveyor_counters(const struct surveyor *s)
{
    return &s->counters;
}

void surveyor_sum(struct surveyor *s, struct census *sum)
{
    *sum = (struct census){.writer = NULL};
    for (unsigned i = 0; i < s->settings.writers; i++) {
        const struct census *t = &s->censuses[i];
        counter_add(&sum->counted, counter_read(&t->counted));
        counter_add(&sum->elsewhere, counter_read(&t->elsewhere));
        counter_add(&sum->withheld, counter_read(&t->withheld));
        counter_add(&sum->late, counter_read(&t->late));
        counter_add(&sum->early, counter_read(&t->early));
    }
}

void surveyor_free(struct surveyor *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->active_count; i++)
        free(s->watched[s->active[i]]);
    window_free(s->window);
    free(s->watched);
    free(s->active);
    free(s->censuses);
    free(s);
}

/* ---- the thread */

static void *run(void *arg)
{
    struct surveyor *s = arg;
    for (bool last = false; !last;) {
        last = progress_read(&s->stop) != 0;
        surveyor_turn(s);
        if (!last)
            poll(NULL, 0, SURVEYOR_TURN_MS);
    }
    return NULL;
}

void surveyor_start(struct surveyor *s)
{
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        abort();
}

void surveyor_stop(struct surveyor *s)
{
    progress_tell(&s->stop, 1);
    pthread_join(s->thread, NULL);
}
