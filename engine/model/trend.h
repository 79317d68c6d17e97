/*
 * trend: an alarm: more of one kind of incident, in one place, than was to be expected.
 *
 * A plain value without pointers but two: the names of place and detector, which live as long as the program.
 *
 * Who may read it (the rule of the region): counts marked stricter than amber are not in it at all; it is green where
 * at least TREND_REPORTERS_GREEN reporters or sensors stand behind the counts, else amber.
 */
#ifndef VIGIA_MODEL_TREND_H
#define VIGIA_MODEL_TREND_H

#include "model/category.h"
#include "model/finding.h"

enum { TREND_HISTORY = 32, TREND_REPORTERS_GREEN = 3 };

struct trend_point {
    double count;
    double expected; /* NAN: there was no baseline yet */
    bool alarm;
};

struct trend {
    enum finding_status status;
    const char *place;     /* ISO 3166 alpha-2, a sub-region's slug, or `americas` */
    const char *subregion; /* slug of the place's; NULL: none */
    const char *detector;
    const char *counted; /* what was counted: "event" or "hit" */
    category_id category;
    int64_t window_ns;
    int64_t time_ns;  /* end of the window that this tells of */
    int64_t since_ns; /* begin of the first window that alarmed */
    int64_t last_ns;  /* begin of the last one */
    int64_t peak_ns;  /* begin of the one that was worst, of which is told: */
    double observed, expected;
    double lower, upper; /* what an ordinary count keeps between; NAN: no such bound */
    double score;        /* 0 to 1: the highest */
    double excess;       /* over all windows that alarmed */
    uint32_t windows;    /* from the first that alarmed to the last */
    unsigned reporters;  /* at least so many stand behind it */
    unsigned history_count;
    struct trend_point history[TREND_HISTORY]; /* oldest first */
};

enum tlp trend_tlp(const struct trend *t);

/* Over kind, place, category, what was counted, window, detector and since when. */
void trend_id(const struct trend *t, char out[IDENTITY_MAX]);

#endif
