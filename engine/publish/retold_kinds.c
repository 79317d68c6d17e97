/*
 * The kinds that are no hit: a second reading, once the kind is known.
 */
#include "publish/retold.h"

#include "base/text.h"

#include <math.h>

static int64_t time_of(struct bytes text)
{
    int64_t ns = 0;
    bool date_only;
    return text_time(text, &ns, &date_only) ? ns : 0;
}

/* Others may write any number. */
static int64_t window_of(int64_t seconds)
{
    return seconds < 0 || seconds > INT32_MAX ? 0 : seconds * TEXT_SECOND_NS;
}

/* How it went with who was told of it. */
static enum finding_status status_of(struct bytes text)
{
    return bytes_equal(text, bytes_text("closed"))    ? FINDING_CLOSED
           : bytes_equal(text, bytes_text("updated")) ? FINDING_UPDATED
                                                      : FINDING_OPENED;
}

#define IS(name) bytes_equal(path, bytes_text(name))

/* ---- correlations: all that is there was told to one tier */

struct correlating {
    struct retold *d;
    struct correlation_tier tier;
    enum tlp tlp;
    enum finding_status status;
};

static bool take_member(struct correlating *r, struct bytes path, struct bytes text)
{
    struct correlation *c = &r->d->correlation;
    if (IS("countries[]")) {
        if (text.len != 2 || c->country_count == CORRELATION_COUNTRIES_MAX)
            return true;
        struct correlation_country *at = &r->d->countries[c->country_count++];
        *at = (struct correlation_country){.country = {(char)text.at[0], (char)text.at[1], 0}};
    } else if (text.len == FINDING_ID_MAX - 1 && c->evidence_count < CORRELATION_EVIDENCE_MAX) {
        struct correlation_evidence *at = &r->d->evidence[c->evidence_count++];
        *at = (struct correlation_evidence){.tlp = TLP_CLEAR};
        memcpy(at->id, text.at, text.len);
    }
    return true;
}

static bool take_correlation(void *to, struct bytes path, const struct json_value *v)
{
    struct correlating *r = to;
    struct correlation *c = &r->d->correlation;
    if (v->kind == JSON_NUMBER) {
        if (IS("count"))
            r->tier.members = (uint64_t)v->number;
        else if (IS("confidence"))
            r->tier.confidence = (int8_t)v->number;
        else if (IS("window_s"))
            c->window_ns = window_of(v->number);
        else if (IS("generation"))
            c->generation = (uint32_t)v->number;
    }
    if (v->kind != JSON_STRING)
        return true;
    if (IS("countries[]") || IS("evidence[]"))
        return take_member(r, path, v->text);
    if (IS("status"))
        r->status = status_of(v->text);
    else if (IS("tlp"))
        tlp_read(v->text, &r->tlp);
    else if (IS("indicator.type"))
        observable_type_read(v->text, &c->type);
    else if (IS("indicator.value"))
        c->value = arena_copy(&r->d->arena, v->text);
    else if (IS("category.type"))
        category_read(v->text, &r->tier.category);
    else if (IS("first_seen"))
        r->tier.first_ns = time_of(v->text);
    else if (IS("last_seen"))
        r->tier.last_ns = time_of(v->text);
    return true;
}

bool retold_correlation(struct json_reader *reader, struct bytes json, struct retold *d, struct fail *why)
{
    struct correlating r = {.d = d,
                            .tier = {.category = CATEGORY_UNDETERMINED, .confidence = INDICATOR_CONFIDENCE_UNKNOWN}};
    d->correlation = (struct correlation){.countries_min = 1, .countries = d->countries, .evidence = d->evidence};
    if (!json_read(reader, json, take_correlation, &r, why))
        return false;
    for (int t = 0; t < TLPS; t++)
        d->correlation.tiers[t] = (struct correlation_tier){.category = CATEGORY_UNDETERMINED,
                                                            .confidence = INDICATOR_CONFIDENCE_UNKNOWN,
                                                            .opened = r.status != FINDING_OPENED};
    r.tier.opened = r.status != FINDING_OPENED;
    d->correlation.tiers[r.tlp] = r.tier;
    d->correlation.status = r.status;
    d->correlation.first_ns = r.tier.first_ns;
    d->correlation.last_ns = r.tier.last_ns;
    d->told.correlation = &d->correlation;
    return true;
}

/* ---- trends */

static const char *kept(struct retold *d, struct bytes text)
{
    return arena_text(&d->arena, text);
}

static void take_number(struct trend *t, struct bytes path, const struct json_value *v)
{
    if (IS("history[]")) {
        if (t->history_count < TREND_HISTORY)
            t->history[t->history_count++] = (struct trend_point){.count = v->real, .expected = NAN};
    } else if (IS("window_s")) {
        t->window_ns = window_of(v->number);
    } else if (IS("observed")) {
        t->observed = v->real;
    } else if (IS("expected")) {
        t->expected = v->real;
    } else if (IS("lower")) {
        t->lower = v->real;
    } else if (IS("upper")) {
        t->upper = v->real;
    } else if (IS("score")) {
        t->score = v->real;
    } else if (IS("excess")) {
        t->excess = v->real;
    } else if (IS("windows")) {
        t->windows = (uint32_t)v->number;
    } else if (IS("reporters")) {
        t->reporters = (unsigned)v->number;
    }
}

static bool take_trend(void *to, struct bytes path, const struct json_value *v)
{
    struct retold *d = to;
    struct trend *t = &d->trend;
    if (v->kind == JSON_NUMBER)
        take_number(t, path, v);
    if (v->kind != JSON_STRING)
        return true;
    if (IS("status"))
        t->status = status_of(v->text);
    else if (IS("timestamp"))
        t->time_ns = time_of(v->text);
    else if (IS("place"))
        t->place = kept(d, v->text);
    else if (IS("subregion"))
        t->subregion = kept(d, v->text);
    else if (IS("category.type"))
        category_read(v->text, &t->category);
    else if (IS("counted"))
        t->counted = kept(d, v->text);
    else if (IS("detector"))
        t->detector = kept(d, v->text);
    else if (IS("peak"))
        t->peak_ns = time_of(v->text);
    else if (IS("first_seen"))
        t->since_ns = time_of(v->text);
    else if (IS("last_seen"))
        t->last_ns = time_of(v->text);
    return true;
}

bool retold_trend(struct json_reader *reader, struct bytes json, struct retold *d, struct fail *why)
{
    d->trend = (struct trend){.place = "ZZ",
                              .detector = "",
                              .counted = "",
                              .category = CATEGORY_UNDETERMINED,
                              .expected = NAN,
                              .lower = NAN,
                              .upper = NAN};
    if (!json_read(reader, json, take_trend, d, why))
        return false;
    d->told.trend = &d->trend;
    return true;
}
