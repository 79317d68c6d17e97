/*
 * IntelMQ's events (its Harmonization): flat objects with dotted keys; nested ones, as its `hierarchical` outputs write
 * them, have the same paths. `source` is the bad or affected host, `destination` what it met.
 *
 * Keys that hold several records' worth of an event (`extra.count` of its aggregate expert) are its weight.
 */
#include "feed/event_reader.h"

enum slot {
    TYPE,
    TIME_SOURCE,
    TIME_OBSERVATION,
    CLASS,
    MARKING,
    ACCURACY,
    PROVIDER,
    FEED,
    EVENT_HASH,
    RTIR_ID,
    MISP_UUID,
    COUNT,
    SOURCE_COUNTRY,
    SOURCE_IP,
    SOURCE_PORT,
    DESTINATION_COUNTRY,
    DESTINATION_IP,
    DESTINATION_PORT,
    KEPT, /* the slots above are read once all is there; those below at once, in the order of the record */
    HOST,
    URL,
    ACCOUNT,
    HASH,
};

static const struct key {
    const char *name;
    enum slot slot;
    enum where where;
} keys[] = {
    /* in byte order */
    {"__type", TYPE, 0},
    {"classification.type", CLASS, 0},
    {"destination.account", ACCOUNT, WHERE_EVENT_DESTINATION},
    {"destination.fqdn", HOST, WHERE_EVENT_DESTINATION},
    {"destination.geolocation.cc", DESTINATION_COUNTRY, 0},
    {"destination.ip", DESTINATION_IP, WHERE_EVENT_DESTINATION},
    {"destination.port", DESTINATION_PORT, 0},
    {"destination.reverse_dns", HOST, WHERE_EVENT_DESTINATION},
    {"destination.url", URL, WHERE_EVENT_DESTINATION},
    {"event_hash", EVENT_HASH, 0},
    {"extra.count", COUNT, 0},
    {"feed.accuracy", ACCURACY, 0},
    {"feed.name", FEED, 0},
    {"feed.provider", PROVIDER, 0},
    {"malware.hash.md5", HASH, WHERE_EVENT_TEXT},
    {"malware.hash.sha1", HASH, WHERE_EVENT_TEXT},
    {"malware.hash.sha256", HASH, WHERE_EVENT_TEXT},
    {"misp.attribute_uuid", MISP_UUID, 0},
    {"rtir_id", RTIR_ID, 0},
    {"source.account", ACCOUNT, WHERE_EVENT_SOURCE},
    {"source.fqdn", HOST, WHERE_EVENT_SOURCE},
    {"source.geolocation.cc", SOURCE_COUNTRY, 0},
    {"source.ip", SOURCE_IP, WHERE_EVENT_SOURCE},
    {"source.port", SOURCE_PORT, 0},
    {"source.reverse_dns", HOST, WHERE_EVENT_SOURCE},
    {"source.url", URL, WHERE_EVENT_SOURCE},
    {"time.observation", TIME_OBSERVATION, 0},
    {"time.source", TIME_SOURCE, 0},
    {"tlp", MARKING, 0},
    {"tlp[]", MARKING, 0},
};

enum { KEYS = sizeof keys / sizeof *keys, WEIGHT_MAX = 1000000000 };

struct reading {
    struct event_reader *r;
    bool any;                     /* some key is IntelMQ's */
    struct json_value kept[KEPT]; /* of kind JSON_NULL: not said */
};

static bool visit(void *to, struct bytes path, const struct json_value *v)
{
    struct reading *at = to;
    struct event_reader *r = at->r;
    const struct key *key = event_key(path, keys, KEYS, sizeof *keys);
    if (!key || (v->kind != JSON_STRING && v->kind != JSON_NUMBER))
        return true;
    at->any = true;
    if (key->slot < KEPT)
        at->kept[key->slot] = *v;
    switch (key->slot) {
    case SOURCE_IP:
    case DESTINATION_IP: event_add_address(r, key->where, v->text); break;
    case HOST: event_add_host(r, key->where, v->text); break;
    case URL: event_add_url(r, key->where, v->text); break;
    case HASH: event_add_hash(r, key->where, v->text); break;
    case ACCOUNT: /* mostly names of users, which are nobody's but the host's */
        if (bytes_find(v->text, '@') < v->text.len)
            event_add_email(r, key->where, v->text);
        break;
    case MARKING:
        if (v->text.len)
            event_set_tlp(r, v->text);
        break;
    default: break;
    }
    return true;
}

static void read_kept(struct event_reader *r, const struct json_value *kept)
{
    static const enum slot reporters[] = {PROVIDER, FEED}, references[] = {EVENT_HASH, RTIR_ID, MISP_UUID};
    struct event *e = &r->event;
    event_set_time(r, kept[kept[TIME_SOURCE].kind != JSON_NULL ? TIME_SOURCE : TIME_OBSERVATION].text);
    if (kept[CLASS].kind != JSON_NULL)
        event_set_category(r, kept[CLASS].text);
    event_set_country(r, e->country, kept[SOURCE_COUNTRY].text);
    event_set_country(r, e->remote_country, kept[DESTINATION_COUNTRY].text);
    if (kept[ACCURACY].kind == JSON_NUMBER && kept[ACCURACY].real >= 0 && kept[ACCURACY].real <= 100)
        e->confidence = (int8_t)kept[ACCURACY].real;
    if (kept[COUNT].integer && kept[COUNT].number > 0)
        e->weight = (uint32_t)(kept[COUNT].number < WEIGHT_MAX ? kept[COUNT].number : WEIGHT_MAX);
    for (size_t i = sizeof reporters / sizeof *reporters; i-- > 0;)
        if (kept[reporters[i]].text.len)
            e->reporter = event_text(kept[reporters[i]].text);
    for (size_t i = sizeof references / sizeof *references; i-- > 0;)
        if (kept[references[i]].text.len)
            e->reference = event_text(kept[references[i]].text);
    event_add_ip_port(r, WHERE_EVENT_SOURCE, kept[SOURCE_IP].text, kept[SOURCE_PORT].text);
    event_add_ip_port(r, WHERE_EVENT_DESTINATION, kept[DESTINATION_IP].text, kept[DESTINATION_PORT].text);
}

/* Another type than Event (a Report, which is a whole fetched file) is none of ours. */
static enum event_verdict read_event(struct event_reader *r, struct bytes frame, struct fail *why)
{
    struct reading at = {.r = r};
    if (!json_read(r->json, frame, visit, &at, why))
        return event_refuse(r, TALLY_NO_JSON);
    if (!at.any) {
        fail_set(why, "expected keys of IntelMQ (such as classification.type, time.source), found none");
        return event_refuse(r, TALLY_NO_EVENT);
    }
    const struct json_value *type = &at.kept[TYPE];
    if (type->kind == JSON_STRING && !bytes_equal(type->text, bytes_text("Event")))
        return EVENT_PASSED;
    read_kept(r, at.kept);
    return EVENT_TAKEN;
}

static bool probe(struct bytes head)
{
    static const char *const marks[][2] = {{"__type", NULL},
                                           {"classification.type", NULL},
                                           {"classification.taxonomy", NULL},
                                           {"time.source", NULL},
                                           {"time.observation", NULL}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (event_head_has(head, marks[i]))
            return true;
    return false;
}

const struct format format_intelmq = {
    .name = "intelmq",
    .about = "events of IntelMQ, a JSON object a line",
    .probe = probe,
    .read_event = read_event,
};
