/*
 * Who may read an alarm, and what its id is made of.
 */
#include "model/trend.h"

enum tlp trend_tlp(const struct trend *t)
{
    return t->reporters >= TREND_REPORTERS_GREEN ? TLP_GREEN : TLP_AMBER;
}

void trend_id(const struct trend *t, char out[IDENTITY_MAX])
{
    struct identity i;
    identity_begin(&i);
    identity_add_text(&i, "trend");
    identity_add_text(&i, t->place);
    identity_add_text(&i, category_type(t->category));
    identity_add_text(&i, t->counted);
    identity_add_number(&i, t->window_ns);
    identity_add_text(&i, t->detector);
    identity_add_number(&i, t->since_ns);
    identity_write(&i, out);
}
