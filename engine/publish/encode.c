/*
 * A finding is told in two steps: what a tier may see of it (the rendition), then that and nothing else as JSON. Every
 * form goes through the rendition, so that no form can show more than another.
 */
#include "publish/encode.h"

#include "base/json.h"

/* STIX 2.1, appendix A: none, low, medium, high */
enum { CONFIDENCE_MEDIUM = 30, CONFIDENCE_HIGH = 70, CONFIDENCE_UNSAID = 50 };

const char *severity_name(enum severity s)
{
    static const char *const names[] = {[SEVERITY_LOW] = "low", [SEVERITY_MEDIUM] = "medium", [SEVERITY_HIGH] = "high"};
    return names[s];
}

static enum severity severity_of(int confidence, enum flow_state state)
{
    if (confidence < 0)
        confidence = CONFIDENCE_UNSAID;
    int s = confidence >= CONFIDENCE_HIGH     ? SEVERITY_HIGH
            : confidence >= CONFIDENCE_MEDIUM ? SEVERITY_MEDIUM
                                              : SEVERITY_LOW;
    bool met = state != FLOW_ATTEMPTED && state != FLOW_REFUSED;
    return (enum severity)(met || s == SEVERITY_LOW ? s : s - 1);
}

/* within wins over after, and after over before */
static enum indicator_validity kinder(enum indicator_validity a, enum indicator_validity b)
{
    if (a == VALIDITY_WITHIN || b == VALIDITY_WITHIN)
        return VALIDITY_WITHIN;
    return a == VALIDITY_AFTER ? a : b;
}

struct rendition rendition_of(const struct told *t, enum tlp tier)
{
    struct rendition r = {.flow = t->sensor->tlp <= tier,
                          .confidence = INDICATOR_CONFIDENCE_UNKNOWN,
                          .category = CATEGORY_UNDETERMINED,
                          .validity = VALIDITY_BEFORE};
    r.told = !t->indicator && r.flow;
    r.tlp = r.flow ? t->sensor->tlp : TLP_CLEAR;
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
    r.severity = severity_of(r.confidence, t->finding->state);
    return r;
}

static const char *country_of(const struct told *t)
{
    return t->sensor->country[0] ? t->sensor->country : "ZZ";
}

/* A topic's parts are split at dots and compared by prefix; a plus in it would be one more thing to quote in shells. */
static const char *topic_tlp(enum tlp t)
{
    return t == TLP_AMBER_STRICT ? "amber-strict" : tlp_name(t);
}

void encode_topic(const struct told *t, enum tlp tier, struct buffer *out)
{
    struct rendition r = rendition_of(t, tier);
    if (r.told)
        buffer_format(out, "hit.%s.%s.%s", topic_tlp(r.tlp), country_of(t), category_type(r.category));
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

static void put_string(struct json *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void put_number(struct json *j, const char *key, uint64_t number)
{
    json_key(j, key);
    json_number(j, (int64_t)number);
}

static void put_null(struct json *j, const char *key)
{
    json_key(j, key);
    json_null(j);
}

static void put_time(struct json *j, const char *key, int64_t ns)
{
    json_key(j, key);
    json_time(j, ns);
}

/* Nothing is unknown. */
static void put_text(struct json *j, const char *key, struct bytes text)
{
    json_key(j, key);
    if (text.len)
        json_text(j, text);
    else
        json_null(j);
}

/* A time that is not said (`never`) is unknown. */
static void put_bound(struct json *j, const char *key, int64_t ns, int64_t never)
{
    if (ns == never)
        put_null(j, key);
    else
        put_time(j, key, ns);
}

static void put_confidence(struct json *j, int confidence)
{
    json_key(j, "confidence");
    if (confidence < 0)
        json_null(j);
    else
        json_number(j, confidence);
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
    for (const struct indicator_source *s = t->sources; s != t->sources + t->source_count; s++)
        if (s->tlp <= tier)
            put_source(j, s);
    json_end(j);
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
    put_null(j, "tunnel");
    json_end(j);
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

static void put_place(struct json *j, const struct told *t)
{
    put_string(j, "sensor", t->sensor->name);
    json_key(j, "region");
    json_object(j);
    put_string(j, "country", country_of(t));
    put_null(j, "subregion");
    json_end(j);
    put_null(j, "remote_country");
}

static void put_judgement(struct json *j, const struct rendition *r)
{
    json_key(j, "category");
    json_object(j);
    put_string(j, "class", category_class(r->category));
    put_string(j, "type", category_type(r->category));
    json_end(j);
    put_string(j, "tlp", tlp_name(r->tlp));
    put_confidence(j, r->confidence);
    put_string(j, "severity", severity_name(r->severity));
}

static void put_name(struct json *j, const struct told *t)
{
    const struct finding *f = t->finding;
    char id[FINDING_ID_MAX];
    finding_id(f, t->sensor->name, &t->indicator->key, id);
    put_number(j, "v", 1);
    put_string(j, "kind", "hit");
    put_string(j, "status", finding_status_name(f->status));
    put_string(j, "id", id);
    put_time(j, "timestamp", f->key.time_ns);
    put_string(j, "publisher", t->publisher);
    put_number(j, "seq", t->seq);
    put_number(j, "generation", f->generation);
}

void encode_json(const struct told *t, enum tlp tier, struct buffer *out)
{
    const struct finding *f = t->finding;
    struct rendition r = rendition_of(t, tier);
    if (!r.told)
        return;
    struct json j = json_to(out);
    json_object(&j);
    put_name(&j, t);
    put_observable(&j, f, r.flow);
    put_indicator(&j, t, &r, tier);
    if (r.flow) {
        put_flow(&j, f);
        put_evidence(&j, t);
    } else {
        put_null(&j, "flow");
        put_null(&j, "evidence");
    }
    put_place(&j, t);
    put_judgement(&j, &r);
    put_number(&j, "count", f->count);
    if (t->folded)
        put_number(&j, "folded", t->folded);
    put_time(&j, "first_seen", f->key.time_ns);
    put_time(&j, "last_seen", f->last_ns);
    json_end(&j);
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
    put_flow(&j, f);
    put_string(&j, "file", t->file);
    put_number(&j, "packet", f->key.packet);
    put_ech(&j, f);
    json_end(&j);
}
