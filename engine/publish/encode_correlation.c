/*
 * A correlation as others read it: what a tier was not told of, it does not find here either.
 */
#include "publish/put.h"

struct rendition put_correlation_rendition(const struct told *t, enum tlp tier)
{
    const struct correlation *c = t->correlation;
    struct correlation_shown shown = correlation_shown(c, tier);
    return (struct rendition){.told = shown.told,
                              .tlp = shown.tlp,
                              .confidence = shown.confidence,
                              .category = shown.category,
                              .severity = put_severity(shown.confidence, true)};
}

enum finding_status put_correlation_status(const struct correlation *c, enum tlp tier)
{
    return !c->tiers[tier].opened ? FINDING_OPENED : c->status == FINDING_CLOSED ? FINDING_CLOSED : FINDING_UPDATED;
}

/* The sub-region that all of them share, if there is one. */
const char *put_correlation_place(const struct told *t, enum tlp tier)
{
    const struct correlation *c = t->correlation;
    const char *place = NULL;
    for (unsigned i = 0; i < c->country_count; i++) {
        if (c->countries[i].tlp > tier)
            continue;
        const char *of = t->regions ? region_of(t->regions, c->countries[i].country) : NULL;
        if (!of || (place && strcmp(place, of) != 0))
            return REGION_AMERICAS;
        place = of;
    }
    return place ? place : REGION_AMERICAS;
}

static void put_indicator(struct json *j, const struct correlation *c)
{
    json_key(j, "indicator");
    json_object(j);
    put_string(j, "type", observable_type_name(c->type));
    put_text(j, "value", c->value);
    json_end(j);
}

static void put_countries(struct json *j, const struct correlation *c, enum tlp tier)
{
    json_key(j, "countries");
    json_array(j);
    for (unsigned i = 0; i < c->country_count; i++)
        if (c->countries[i].tlp <= tier)
            json_string(j, c->countries[i].country);
    json_end(j);
}

static void put_evidence(struct json *j, const struct correlation *c, enum tlp tier)
{
    json_key(j, "evidence");
    json_array(j);
    for (unsigned i = 0; i < c->evidence_count; i++)
        if (c->evidence[i].tlp <= tier)
            json_string(j, c->evidence[i].id);
    json_end(j);
}

void put_correlation(struct json *j, const struct told *t, const struct rendition *r, enum tlp tier)
{
    const struct correlation *c = t->correlation;
    struct correlation_shown shown = correlation_shown(c, tier);
    char id[IDENTITY_MAX];
    correlation_id(c, id);
    json_object(j);
    put_head(j, t, "correlation", put_correlation_status(c, tier), id, shown.last_ns);
    put_number(j, "generation", c->generation);
    put_string(j, "rule", CORRELATION_RULE);
    put_indicator(j, c);
    put_string(j, "place", put_correlation_place(t, tier));
    put_countries(j, c, tier);
    put_number(j, "window_s", (uint64_t)(c->window_ns / 1000000000));
    put_evidence(j, c, tier);
    put_category(j, r->category);
    put_string(j, "tlp", tlp_name(r->tlp));
    put_confidence(j, r->confidence);
    put_string(j, "severity", severity_name(r->severity));
    put_number(j, "count", shown.members);
    put_time(j, "first_seen", shown.first_ns);
    put_time(j, "last_seen", shown.last_ns);
    json_end(j);
}
