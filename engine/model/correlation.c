/*
 * What remains of a correlation for one tier.
 */
#include "model/correlation.h"

static void add(struct correlation_shown *s, const struct correlation_tier *t)
{
    s->first_ns = !s->members || t->first_ns < s->first_ns ? t->first_ns : s->first_ns;
    s->last_ns = !s->members || t->last_ns > s->last_ns ? t->last_ns : s->last_ns;
    s->members += t->members;
    if (s->category == CATEGORY_UNDETERMINED)
        s->category = t->category;
    if (t->confidence > s->confidence)
        s->confidence = t->confidence;
}

struct correlation_shown correlation_shown(const struct correlation *c, enum tlp tier)
{
    struct correlation_shown s = {
        .tlp = TLP_CLEAR, .category = CATEGORY_UNDETERMINED, .confidence = INDICATOR_CONFIDENCE_UNKNOWN};
    for (unsigned t = 0; t <= tier; t++) {
        if (!c->tiers[t].members)
            continue;
        add(&s, &c->tiers[t]);
        s.tlp = (enum tlp)t;
    }
    for (unsigned i = 0; i < c->country_count; i++)
        s.countries += c->countries[i].tlp <= tier;
    s.told = s.countries >= c->countries_min;
    return s;
}

void correlation_id(const struct correlation *c, char out[IDENTITY_MAX])
{
    struct identity i;
    identity_begin(&i);
    identity_add_text(&i, "correlation");
    identity_add_text(&i, observable_type_name(c->type));
    identity_add_text(&i, where_name(c->where));
    identity_add(&i, c->value);
    identity_add_number(&i, c->first_ns);
    identity_write(&i, out);
}
