/*
 * A finding is told in two steps: what a tier may see of it (the rendition), then that and nothing else as JSON. Every
 * form goes through the rendition, so that no form can show more than another.
 */
#include "publish/encode.h"

#include "publish/put.h"

const char *severity_name(enum severity s)
{
    static const char *const names[] = {[SEVERITY_LOW] = "low", [SEVERITY_MEDIUM] = "medium", [SEVERITY_HIGH] = "high"};
    return names[s];
}

enum severity put_severity(int confidence, bool met)
{
    if (confidence < 0)
        confidence = CONFIDENCE_UNSAID;
    int s = confidence >= CONFIDENCE_HIGH     ? SEVERITY_HIGH
            : confidence >= CONFIDENCE_MEDIUM ? SEVERITY_MEDIUM
                                              : SEVERITY_LOW;
    return (enum severity)(met || s == SEVERITY_LOW ? s : s - 1);
}

static bool was_met(const struct finding *f)
{
    return f->of_event || (f->state != FLOW_ATTEMPTED && f->state != FLOW_REFUSED);
}

/* within wins over after, and after over before */
static enum indicator_validity kinder(enum indicator_validity a, enum indicator_validity b)
{
    if (a == VALIDITY_WITHIN || b == VALIDITY_WITHIN)
        return VALIDITY_WITHIN;
    return a == VALIDITY_AFTER ? a : b;
}

static struct rendition hit_rendition(const struct told *t, enum tlp tier)
{
    const enum tlp seen_tlp = t->finding->of_event ? t->finding->tlp : t->sensor->tlp;
    struct rendition r = {.flow = seen_tlp <= tier,
                          .confidence = INDICATOR_CONFIDENCE_UNKNOWN,
                          .category = CATEGORY_UNDETERMINED,
                          .validity = VALIDITY_BEFORE};
    r.told = !t->indicator && r.flow;
    r.tlp = r.flow ? seen_tlp : TLP_CLEAR;
    int categorised = INDICATOR_CONFIDENCE_UNKNOWN - 1;
    for (const struct indicator_source *s = t->sources; s != t->sources + t->source_count; s++) {
        if (s->tlp > tier)
            continue;
        r.told = true;
        r.tlp = tlp_stricter(r.tlp, s->tlp);
        r.validity = kinder(r.validity, indicator_validity_at(s, t->finding->key.time_ns));
        if (s->confidence > r.confidence)
            r.confidence = s->confidence;
        if (s->category != CATEGORY_UNDETERMINED && s->confidence > categorised) {
            r.category = s->category;
            categorised = s->confidence;
        }
    }
    if (r.category == CATEGORY_UNDETERMINED && t->finding->of_event && r.flow)
        r.category = t->finding->category;
    r.severity = put_severity(r.confidence, was_met(t->finding));
    return r;
}

struct rendition rendition_of(const struct told *t, enum tlp tier)
{
    return t->correlation ? put_correlation_rendition(t, tier)
           : t->trend     ? put_trend_rendition(t, tier)
                          : hit_rendition(t, tier);
}

static const char *country_of(const struct told *t)
{
    if (t->finding->country[0])
        return t->finding->country;
    return t->sensor->country[0] ? t->sensor->country : "ZZ";
}

/* A topic's parts are split at dots and compared by prefix; a plus in it would be one more thing to quote in shells. */
static const char *topic_tlp(enum tlp t)
{
    return t == TLP_AMBER_STRICT ? "amber-strict" : tlp_name(t);
}

const char *encode_kind(const struct told *t)
{
    return t->correlation ? "correlation" : t->trend ? "trend" : "hit";
}

/* One that was read back may be longer than ours are. */
static void copy_id(const char *id, char out[IDENTITY_MAX])
{
    size_t len = strnlen(id, IDENTITY_MAX - 1);
    memcpy(out, id, len);
    out[len] = 0;
}

void encode_id(const struct told *t, char out[IDENTITY_MAX])
{
    if (t->id)
        copy_id(t->id, out);
    else if (t->correlation)
        correlation_id(t->correlation, out);
    else if (t->trend)
        trend_id(t->trend, out);
    else
        finding_id(t->finding, t->sensor->name, &t->indicator->key, out);
}

enum finding_status encode_status(const struct told *t, enum tlp tier)
{
    return t->correlation ? put_correlation_status(t->correlation, tier)
           : t->trend     ? t->trend->status
                          : t->finding->status;
}

const char *encode_place(const struct told *t, enum tlp tier)
{
    return t->correlation ? put_correlation_place(t, tier) : t->trend ? t->trend->place : country_of(t);
}

void encode_topic(const struct told *t, enum tlp tier, struct buffer *out)
{
    struct rendition r = rendition_of(t, tier);
    if (!r.told)
        return;
    buffer_text(out, encode_kind(t));
    buffer_char(out, '.');
    buffer_text(out, topic_tlp(r.tlp));
    buffer_char(out, '.');
    buffer_text(out, encode_place(t, tier));
    buffer_char(out, '.');
    buffer_text(out, t->correlation ? CORRELATION_RULE : category_type(r.category));
}

bool encode_has_ports(const struct tuple *t)
{
    switch (t->proto) {
    case PROTO_TCP:
    case PROTO_UDP:
    case PROTO_SCTP:
    case PROTO_ICMP:
    case PROTO_ICMPV6: return true;
    default: return t->src_port || t->dst_port;
    }
}

size_t encode_indicator(const struct indicator_key *key, char out[OBSERVABLE_VALUE_MAX + 1])
{
    out[0] = '=';
    return key->only + indicator_value_write(key, out + key->only);
}

/* A feed's sources mostly stand together, so that the long look back is rare. */
static bool named_before(const struct told *t, uint32_t source, enum tlp tier)
{
    for (uint32_t i = source; i-- > 0;)
        if (t->sources[i].tlp <= tier && bytes_equal(t->sources[i].feed, t->sources[source].feed))
            return true;
    return false;
}

void encode_feeds(const struct told *t, enum tlp tier, const char *between, struct buffer *out)
{
    bool first = true;
    for (uint32_t i = 0; i < t->source_count; i++) {
        if (t->sources[i].tlp > tier || named_before(t, i, tier))
            continue;
        if (!first)
            buffer_text(out, between);
        buffer_add(out, t->sources[i].feed.at, t->sources[i].feed.len);
        first = false;
    }
}

size_t encode_printable(struct bytes raw, char *out)
{
    static const char digits[] = "0123456789abcdef";
    char *to = out;
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t octet = raw.at[i];
        if (octet == '\\') {
            *to++ = '\\';
            *to++ = '\\';
        } else if (octet >= ' ' && octet <= '~') {
            *to++ = (char)octet;
        } else {
            *to++ = '\\';
            *to++ = 'x';
            *to++ = digits[octet >> 4];
            *to++ = digits[octet & 15];
        }
    }
    return (size_t)(to - out);
}

bool encode_withholds_value(const struct told *t)
{
    return t->withheld && t->finding->match != MATCH_EXACT;
}

static void put_value(struct json *j, const struct finding *f)
{
    char value[OBSERVABLE_VALUE_MAX];
    struct observable o = finding_observable(f);
    json_key(j, "value");
    json_text(j, bytes_of(value, observable_write(&o, value)));
}

static bool has_ech(const struct finding *f)
{
    return f->where == WHERE_TLS_SNI || f->where == WHERE_QUIC_SNI;
}

static void put_ech(struct json *j, const struct finding *f)
{
    if (!has_ech(f))
        return;
    json_key(j, "ech");
    json_bool(j, f->ech);
}

/* The value of a stricter tap is told only where it says no more than the indicator does: a longer name, a URL's path
 * or an address inside a block is the tap's own. */
static void put_observable(struct json *j, const struct finding *f, bool tap)
{
    json_key(j, "observable");
    json_object(j);
    put_string(j, "type", observable_type_name(f->type));
    if (tap || f->match == MATCH_EXACT)
        put_value(j, f);
    else
        put_null(j, "value");
    put_string(j, "where", where_name(f->where));
    put_ech(j, f);
    json_end(j);
}

static void put_tags(struct json *j, struct bytes tags)
{
    json_key(j, "tags");
    json_array(j);
    while (tags.len) {
        size_t len = bytes_find(tags, ';');
        struct bytes tag = bytes_trim(bytes_until(tags, len));
        if (tag.len)
            json_text(j, tag);
        tags = bytes_from(tags, len + 1);
    }
    json_end(j);
}

static void put_source(struct json *j, const struct indicator_source *s)
{
    json_object(j);
    put_text(j, "feed", s->feed);
    put_text(j, "id", s->id);
    put_confidence(j, s->confidence);
    put_string(j, "tlp", tlp_name(s->tlp));
    put_bound(j, "valid_until", s->valid_until_ns, INDICATOR_EVER);
    put_tags(j, s->tags);
    put_text(j, "reference", s->reference);
    put_bound(j, "valid_from", s->valid_from_ns, INDICATOR_ALWAYS);
    put_text(j, "description", s->description);
    json_end(j);
}

static void put_indicator(struct json *j, const struct told *t, const struct rendition *r, enum tlp tier)
{
    const struct indicator_key *key = &t->indicator->key;
    char value[OBSERVABLE_VALUE_MAX + 1];
    json_key(j, "indicator");
    json_object(j);
    put_string(j, "type", observable_type_name(key->type));
    put_text(j, "value", bytes_of(value, encode_indicator(key, value)));
    put_string(j, "match", indicator_match_name(t->finding->match));
    put_string(j, "validity", indicator_validity_name(r->validity));
    json_key(j, "sources");
    json_array(j);
    uint64_t shown = 0;
    for (const struct indicator_source *s = t->sources; s != t->sources + t->source_count; s++)
        if (s->tlp <= tier && ++shown <= ENCODE_SOURCES_MAX)
            put_source(j, s);
    json_end(j);
    if (shown > ENCODE_SOURCES_MAX)
        put_number(j, "more_sources", shown - ENCODE_SOURCES_MAX);
    json_end(j);
}

static void put_end(struct json *j, const char *ip, const char *port, const struct address *a, uint16_t number,
                    bool ports)
{
    char text[ADDRESS_TEXT_MAX];
    address_write(a, text);
    put_string(j, ip, text);
    if (ports)
        put_number(j, port, number);
    else
        put_null(j, port);
}

static void put_flow(struct json *j, const struct finding *f)
{
    const struct tuple *t = &f->tuple;
    bool ports = encode_has_ports(t);
    char proto[8], community[COMMUNITY_ID_MAX];
    tuple_community_id(t, community);
    json_key(j, "flow");
    json_object(j);
    put_end(j, "src_ip", "src_port", &t->src, t->src_port, ports);
    put_end(j, "dest_ip", "dest_port", &t->dst, t->dst_port, ports);
    put_string(j, "proto", tuple_proto_name(t->proto, proto));
    put_string(j, "community_id", community);
    put_string(j, "direction", flow_direction_name(f->direction));
    put_string(j, "state", flow_state_name(f->state));
    json_key(j, "vlan");
    json_array(j);
    for (unsigned i = 0; i < t->vlans && i < TUPLE_VLANS_MAX; i++)
        json_number(j, t->vlan[i]);
    json_end(j);
    const char *tunnel = tunnel_name((enum tunnel)t->tunnel);
    if (tunnel)
        put_string(j, "tunnel", tunnel);
    else
        put_null(j, "tunnel");
    json_end(j);
}

static void put_event(struct json *j, const struct told *t)
{
    const struct finding *f = t->finding;
    json_key(j, "event");
    json_object(j);
    put_string(j, "feed", t->sensor->name);
    put_text(j, "reporter", finding_reporter(f));
    json_key(j, "classification");
    json_object(j);
    put_string(j, "class", category_class(f->category));
    put_string(j, "type", category_type(f->category));
    json_end(j);
    put_text(j, "reference", finding_reference(f));
    json_end(j);
}

/* Where it was seen. */
static void put_context(struct json *j, const struct told *t)
{
    if (t->finding->of_event)
        put_event(j, t);
    else
        put_flow(j, t->finding);
}

static void put_evidence(struct json *j, const struct told *t)
{
    const struct finding *f = t->finding;
    char excerpt[4 * FINDING_EXCERPT_MAX];
    json_key(j, "evidence");
    json_object(j);
    put_string(j, "file", t->file);
    put_number(j, "packet", f->key.packet);
    if (f->offset < 0)
        put_null(j, "offset");
    else
        put_number(j, "offset", (uint64_t)f->offset);
    json_key(j, "excerpt");
    json_text(j, bytes_of(excerpt, encode_printable(bytes_until(finding_excerpt(f), FINDING_EXCERPT_MAX), excerpt)));
    json_end(j);
}

static bool is_country(const char *country)
{
    return country[0] && strcmp(country, "ZZ") != 0;
}

/* Where the other end of the flow is may say more than the indicator does: it is told where the flow is. */
static void put_remote_country(struct json *j, const struct told *t, const struct rendition *r)
{
    const struct finding *f = t->finding;
    const char *country = f->direction == DIRECTION_INTERNAL ? t->sensor->country : f->remote_country;
    if (r->flow && is_country(country))
        put_string(j, "remote_country", country);
    else
        put_null(j, "remote_country");
}

static void put_place(struct json *j, const struct told *t, const struct rendition *r)
{
    const char *country = country_of(t), *subregion = t->regions ? region_of(t->regions, country) : NULL;
    put_string(j, "sensor", t->sensor->name);
    json_key(j, "region");
    json_object(j);
    put_string(j, "country", country);
    put_text(j, "subregion", bytes_text(subregion ? subregion : ""));
    json_end(j);
    put_remote_country(j, t, r);
}

static void put_judgement(struct json *j, const struct rendition *r)
{
    put_category(j, r->category);
    put_string(j, "tlp", tlp_name(r->tlp));
    put_confidence(j, r->confidence);
    put_string(j, "severity", severity_name(r->severity));
}

static void put_hit(struct json *j, const struct told *t, const struct rendition *r, enum tlp tier)
{
    const struct finding *f = t->finding;
    char id[IDENTITY_MAX];
    encode_id(t, id);
    json_object(j);
    put_head(j, t, "hit", f->status, id, f->key.time_ns);
    put_number(j, "generation", f->generation);
    put_observable(j, f, r->flow);
    put_indicator(j, t, r, tier);
    if (r->flow) {
        put_context(j, t);
        put_evidence(j, t);
    } else {
        put_null(j, f->of_event ? "event" : "flow");
        put_null(j, "evidence");
    }
    put_place(j, t, r);
    put_judgement(j, r);
    put_number(j, "count", f->count);
    if (t->folded)
        put_number(j, "folded", t->folded);
    put_time(j, "first_seen", f->key.time_ns);
    put_time(j, "last_seen", f->last_ns);
    json_end(j);
}

void encode_json(const struct told *t, enum tlp tier, struct buffer *out)
{
    struct rendition r = rendition_of(t, tier);
    struct json j = json_to(out);
    if (!r.told)
        return;
    if (t->correlation)
        put_correlation(&j, t, &r, tier);
    else if (t->trend)
        put_trend(&j, t, &r);
    else
        put_hit(&j, t, &r, tier);
}

void encode_observed_json(const struct told *t, struct buffer *out)
{
    const struct finding *f = t->finding;
    struct json j = json_to(out);
    json_object(&j);
    put_time(&j, "timestamp", f->key.time_ns);
    put_string(&j, "type", observable_type_name(f->type));
    put_value(&j, f);
    put_string(&j, "where", where_name(f->where));
    put_context(&j, t);
    put_string(&j, "file", t->file);
    put_number(&j, "packet", f->key.packet);
    put_ech(&j, f);
    json_end(&j);
}
