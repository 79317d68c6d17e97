/*
 * An alarm as others read it: what was counted, what was expected, and the counts that lead there.
 */
#include "publish/put.h"

/* How surely it is no ordinary value: from STIX's medium on, and high from 0.99 on. */
static enum severity severity_of(const struct trend *t)
{
    return t->score >= 0.9999 ? SEVERITY_HIGH : t->score >= 0.99 ? SEVERITY_MEDIUM : SEVERITY_LOW;
}

struct rendition put_trend_rendition(const struct told *t, enum tlp tier)
{
    enum tlp tlp = trend_tlp(t->trend);
    return (struct rendition){.told = tlp <= tier,
                              .tlp = tlp,
                              .confidence = INDICATOR_CONFIDENCE_UNKNOWN,
                              .category = t->trend->category,
                              .severity = severity_of(t->trend)};
}

static void put_real(struct json *j, const char *key, double number)
{
    json_key(j, key);
    json_real(j, number);
}

static void put_history(struct json *j, const struct trend *t)
{
    json_key(j, "history");
    json_array(j);
    for (unsigned i = 0; i < t->history_count; i++)
        json_real(j, t->history[i].count);
    json_end(j);
}

void put_trend(struct json *j, const struct told *told, const struct rendition *r)
{
    const struct trend *t = told->trend;
    char id[IDENTITY_MAX];
    trend_id(t, id);
    json_object(j);
    put_head(j, told, "trend", t->status, id, t->time_ns);
    put_string(j, "place", t->place);
    put_string(j, "subregion", t->subregion);
    put_category(j, t->category);
    put_string(j, "counted", t->counted);
    put_number(j, "window_s", (uint64_t)(t->window_ns / 1000000000));
    put_string(j, "detector", t->detector);
    put_real(j, "observed", t->observed);
    put_real(j, "expected", t->expected);
    put_real(j, "lower", t->lower);
    put_real(j, "upper", t->upper);
    put_real(j, "score", t->score);
    put_real(j, "excess", t->excess);
    put_number(j, "windows", t->windows);
    put_number(j, "reporters", t->reporters);
    put_history(j, t);
    put_string(j, "tlp", tlp_name(r->tlp));
    put_string(j, "severity", severity_name(r->severity));
    put_time(j, "peak", t->peak_ns);
    put_time(j, "first_seen", t->since_ns);
    put_time(j, "last_seen", t->last_ns);
    json_end(j);
}
