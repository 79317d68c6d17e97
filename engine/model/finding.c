/*
 * The order of findings, and what their ids are made of.
 */
#include "model/finding.h"

const char *finding_status_name(enum finding_status s)
{
    static const char *const names[] = {
        [FINDING_OPENED] = "opened", [FINDING_UPDATED] = "updated", [FINDING_CLOSED] = "closed"};
    return names[s];
}

struct observable finding_observable(const struct finding *f)
{
    return (struct observable){
        .type = f->type,
        .where = f->where,
        .ech = f->ech,
        .port = f->port,
        .address = f->address,
        .value = finding_value(f),
        .raw = finding_excerpt(f),
    };
}

#define ORDER(a, b)                                                                                                    \
    if ((a) != (b))                                                                                                    \
    return (a) < (b) ? -1 : 1

int finding_order(const struct finding_key *a, const struct finding_key *b)
{
    ORDER(a->order_ns, b->order_ns);
    ORDER(a->time_ns, b->time_ns);
    ORDER(a->input, b->input);
    ORDER(a->packet, b->packet);
    ORDER(a->ordinal, b->ordinal);
    return 0;
}

#undef ORDER

enum { SENSOR_MAX = 255 }; /* octets by which sensors are told apart here */

static void add_tuple(struct identity *i, const struct tuple *t)
{
    identity_add_number(i, t->proto);
    identity_add_address(i, &t->src);
    identity_add_number(i, t->src_port);
    identity_add_address(i, &t->dst);
    identity_add_number(i, t->dst_port);
}

void finding_id(const struct finding *f, const char *sensor, const struct indicator_key *key, char out[FINDING_ID_MAX])
{
    static const char *const kinds[] = {[FINDING_HIT] = "hit", [FINDING_OBSERVED] = "observed"};
    char value[OBSERVABLE_VALUE_MAX];
    struct observable o = finding_observable(f);
    struct identity i;
    identity_begin(&i);

    identity_add_text(&i, kinds[f->kind]);
    identity_add(&i, bytes_of(sensor, strnlen(sensor, SENSOR_MAX)));
    identity_add_text(&i, observable_type_name(f->type));
    identity_add_text(&i, where_name(f->where));
    identity_add(&i, bytes_of(value, observable_write(&o, value)));
    identity_add_text(&i, observable_type_name(key->type));
    identity_add_text(&i, where_name(key->where));
    identity_add_text(&i, key->only ? "only" : "");
    identity_add(&i, bytes_of(value, indicator_value_write(key, value)));
    if (f->of_event)
        identity_add(&i, finding_reference(f));
    else
        add_tuple(&i, &f->tuple);
    identity_add_number(&i, f->key.time_ns);
    identity_add_number(&i, f->twin);
    identity_write(&i, out);
}
