/*
 * One visit a member: a table from its path to where it belongs.
 */
#include "publish/retold.h"

#include "base/text.h"

#include <stdio.h>

struct reading {
    struct retold *d;
    struct bytes type; /* of the observable; its value may come first */
    struct bytes value;
    struct bytes indicator_type;
    struct bytes indicator_value;
    struct bytes reporter; /* of an event */
    struct bytes reference;
    bool flow; /* it has one */
    struct bytes severity;
};

static struct bytes kept(struct retold *d, struct bytes text)
{
    return arena_copy(&d->arena, text);
}

static int64_t time_of(struct bytes text)
{
    int64_t ns = 0;
    bool date_only;
    return text_time(text, &ns, &date_only) ? ns : 0;
}

static int named(struct bytes text, const char *(*name)(int), int count)
{
    for (int i = 0; i < count; i++)
        if (bytes_equal(text, bytes_text(name(i))))
            return i;
    return 0;
}

static const char *state_name(int i)
{
    return flow_state_name((enum flow_state)i);
}

static const char *direction_name(int i)
{
    return flow_direction_name((enum flow_direction)i);
}

static const char *match_name(int i)
{
    return indicator_match_name((enum indicator_match)i);
}

static const char *status_name(int i)
{
    return finding_status_name((enum finding_status)i);
}

static void take_proto(struct tuple *t, struct bytes text)
{
    char room[8];
    uint64_t number = 0;
    for (unsigned proto = 0; proto < 256; proto++)
        if (bytes_equal(text, bytes_text(tuple_proto_name((uint8_t)proto, room))))
            t->proto = (uint8_t)proto;
    if (text_number(text, 255, &number))
        t->proto = (uint8_t)number;
}

/* A source begins with its feed. */
static bool take_source(struct retold *d, struct bytes member, const struct json_value *v)
{
    uint32_t *count = &d->told.source_count;
    if (bytes_equal(member, bytes_text("feed"))) {
        if (*count == RETOLD_SOURCES_MAX)
            return false;
        d->sources[(*count)++] = (struct indicator_source){.feed = kept(d, v->text),
                                                           .valid_from_ns = INDICATOR_ALWAYS,
                                                           .valid_until_ns = INDICATOR_EVER,
                                                           .confidence = INDICATOR_CONFIDENCE_UNKNOWN,
                                                           .category = CATEGORY_UNDETERMINED};
        return true;
    }
    struct indicator_source *s = *count ? &d->sources[*count - 1] : NULL;
    if (!s)
        return true;
    if (bytes_equal(member, bytes_text("confidence")) && v->kind == JSON_NUMBER)
        s->confidence = (int8_t)v->number;
    else if (bytes_equal(member, bytes_text("tlp")))
        tlp_read(v->text, &s->tlp);
    else if (bytes_equal(member, bytes_text("description")) && v->kind == JSON_STRING)
        s->description = kept(d, v->text);
    else if (bytes_equal(member, bytes_text("reference")) && v->kind == JSON_STRING)
        s->reference = kept(d, v->text);
    return true;
}

static bool take(void *to, struct bytes path, const struct json_value *v)
{
    struct reading *r = to;
    struct retold *d = r->d;
    struct finding *f = &d->finding;
    static const char sources[] = "indicator.sources[].";
#define IS(name) bytes_equal(path, bytes_text(name))
    if (bytes_start_with(path, sources))
        return take_source(d, bytes_from(path, sizeof sources - 1), v);
    if (v->kind == JSON_NUMBER) {
        if (IS("seq"))
            d->told.seq = (uint64_t)v->number;
        else if (IS("generation"))
            f->generation = (uint32_t)v->number;
        else if (IS("count"))
            f->count = (uint64_t)v->number;
        else if (IS("folded"))
            d->told.folded = (uint64_t)v->number;
        else if (IS("flow.src_port"))
            f->tuple.src_port = (uint16_t)v->number;
        else if (IS("flow.dest_port"))
            f->tuple.dst_port = (uint16_t)v->number;
        else if (IS("evidence.packet"))
            f->key.packet = (uint64_t)v->number;
        return true;
    }
    if (v->kind == JSON_BOOL && IS("observable.ech"))
        f->ech = v->boolean;
    if (v->kind != JSON_STRING)
        return true;
    if (IS("kind"))
        snprintf(d->kind, sizeof d->kind, "%.*s", (int)(v->text.len < 15 ? v->text.len : 15), (const char *)v->text.at);
    else if (IS("status"))
        f->status = (enum finding_status)named(v->text, status_name, FINDING_CLOSED + 1);
    else if (IS("timestamp"))
        f->key.time_ns = f->key.order_ns = time_of(v->text);
    else if (IS("last_seen"))
        f->last_ns = time_of(v->text);
    else if (IS("id"))
        d->told.id = arena_text(&d->arena, v->text);
    else if (IS("publisher"))
        d->told.publisher = arena_text(&d->arena, v->text);
    else if (IS("observable.type"))
        r->type = kept(d, v->text);
    else if (IS("observable.value"))
        r->value = kept(d, v->text);
    else if (IS("observable.where"))
        where_read(v->text, &f->where);
    else if (IS("indicator.type"))
        r->indicator_type = kept(d, v->text);
    else if (IS("indicator.value"))
        r->indicator_value = kept(d, v->text);
    else if (IS("indicator.match"))
        f->match = (enum indicator_match)named(v->text, match_name, MATCH_PATTERN + 1);
    else if (IS("flow.src_ip"))
        r->flow = address_read(v->text, &f->tuple.src);
    else if (IS("flow.dest_ip"))
        address_read(v->text, &f->tuple.dst);
    else if (IS("flow.proto"))
        take_proto(&f->tuple, v->text);
    else if (IS("flow.state"))
        f->state = (enum flow_state)named(v->text, state_name, FLOW_ONE_SIDED + 1);
    else if (IS("flow.direction"))
        f->direction = (enum flow_direction)named(v->text, direction_name, DIRECTION_EXTERNAL + 1);
    else if (IS("event.feed"))
        f->of_event = true;
    else if (IS("event.reporter"))
        r->reporter = kept(d, v->text);
    else if (IS("event.reference"))
        r->reference = kept(d, v->text);
    else if (IS("event.classification.type"))
        category_read(v->text, &f->category);
    else if (IS("evidence.file"))
        d->told.file = arena_text(&d->arena, v->text);
    else if (IS("severity"))
        r->severity = kept(d, v->text);
    else if (IS("sensor"))
        d->sensor.name = arena_text(&d->arena, v->text);
    else if (IS("region.country") && v->text.len == 2)
        memcpy(d->sensor.country, v->text.at, 2);
    else if (IS("remote_country") && v->text.len == 2)
        memcpy(f->remote_country, v->text.at, 2);
    else if (IS("tlp")) {
        tlp_read(v->text, &d->sensor.tlp);
        f->tlp = d->sensor.tlp;
    }
    return true;
#undef IS
}

/* Behind what there is; its length is still to be set. */
static size_t add_text(struct finding *f, struct bytes text)
{
    size_t len = text.len < EVENT_TEXT_MAX ? text.len : EVENT_TEXT_MAX;
    if (len)
        memcpy((char *)f + finding_bytes(f), text.at, len);
    return len;
}

/* What became of a withheld flow shows in the severity alone: it is lower where nobody answered. */
static void guess_state(struct reading *r)
{
    struct finding *f = &r->d->finding;
    f->state = FLOW_ESTABLISHED;
    if (r->severity.len &&
        !bytes_equal(r->severity, bytes_text(severity_name(rendition_of(&r->d->told, TLP_RED).severity))))
        f->state = FLOW_ATTEMPTED;
}

/* Values are read once their types are known. */
static void finish(struct reading *r)
{
    struct retold *d = r->d;
    struct finding *f = &d->finding;
    char room[OBSERVABLE_VALUE_MAX];
    struct observable o = {.type = OBSERVABLE_CONTENT};
    struct fail ignored = {.text = ""};
    observable_type_read(r->type, &f->type);
    d->told.withheld = !r->flow && !f->of_event;
    struct bytes value = bytes_until(r->value, OBSERVABLE_VALUE_MAX);
    if (observable_is_address(f->type) && observable_read(f->type, value, room, &o, &ignored)) {
        f->address = o.address;
        f->port = o.port;
    } else if (value.len) {
        f->value_len = (uint16_t)value.len;
        memcpy(f->text, value.at, value.len);
    }
    f->reporter_len = (uint8_t)add_text(f, r->reporter);
    f->reference_len = (uint8_t)add_text(f, r->reference);
    char *key_room = arena_take(&d->arena, OBSERVABLE_VALUE_MAX);
    enum observable_type type;
    if (observable_type_read(r->indicator_type, &type) &&
        indicator_key_read(type, r->indicator_value, key_room, &d->indicator.key, &ignored, &ignored))
        d->told.indicator = &d->indicator;
    if (d->told.withheld)
        guess_state(r);
}

bool retold_read(struct json_reader *reader, struct bytes json, struct retold *d, struct fail *why)
{
    retold_clear(d);
    struct reading r = {.d = d};
    memcpy(d->sensor.country, "ZZ", 3);
    d->sensor.name = "";
    d->told =
        (struct told){.finding = &d->finding, .sources = d->sources, .sensor = &d->sensor, .file = "", .publisher = ""};
    if (!json_read(reader, json, take, &r, why))
        return false;
    if (strcmp(d->kind, "correlation") == 0)
        return d->known = retold_correlation(reader, json, d, why);
    if (strcmp(d->kind, "trend") == 0)
        return d->known = retold_trend(reader, json, d, why);
    if (strcmp(d->kind, "hit") == 0)
        finish(&r);
    d->known = d->told.indicator != NULL;
    return true;
}

void retold_clear(struct retold *d)
{
    arena_free(&d->arena);
    memset(d, 0, sizeof *d);
}
