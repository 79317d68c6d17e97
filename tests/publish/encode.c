/*
 * Facts of encode: what a finding says, and what each tier hears of it.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "told.h"

static void expect_json(const struct example *e, enum tlp tier, const char *expected)
{
    struct buffer out = {0};
    encode_json(&e->told, tier, &out);
    buffer_char(&out, 0);
    cr_expect_str_eq(out.at, expected);
    buffer_free(&out);
}

static bool json_has(const struct example *e, enum tlp tier, const char *part)
{
    struct buffer out = {0};
    encode_json(&e->told, tier, &out);
    buffer_char(&out, 0);
    bool has = strstr(out.at, part) != NULL;
    if (!has)
        cr_log_info("not in %s", out.at);
    buffer_free(&out);
    return has;
}

/* The id is finding_id's to hold; here it only has its place. */
static const char *with_id(const struct example *e, const char *text)
{
    static char whole[4096];
    char id[FINDING_ID_MAX];
    finding_id(&e->finding, e->sensor.name, &e->indicator.key, id);
    snprintf(whole, sizeof whole, text, id);
    return whole;
}

/* The Community ID is the published one of the specification's baseline (tcp.pcap, 128.232.110.120:34855 to
 * 66.35.250.204:80, seed 0). */
Test(encode, tells_everything_in_the_order_of_the_contract)
{
    struct example e;
    example_init(&e);
    expect_json(&e, TLP_RED,
                with_id(&e,
                        "{\"v\":1,\"kind\":\"hit\",\"status\":\"opened\",\"id\":\"%s\","
                        "\"timestamp\":\"2026-11-21T02:00:00.123456Z\",\"publisher\":\"local\",\"seq\":41,"
                        "\"generation\":1,"
                        "\"observable\":{\"type\":\"domain-name\",\"value\":\"c2.bad.example\",\"where\":\"tls.sni\","
                        "\"ech\":false},"
                        "\"indicator\":{\"type\":\"domain-name\",\"value\":\"bad.example\",\"match\":\"suffix\","
                        "\"validity\":\"within\",\"sources\":["
                        "{\"feed\":\"urlhaus\",\"id\":\"41\",\"confidence\":60,\"tlp\":\"green\",\"valid_until\":null,"
                        "\"tags\":[\"elf\",\"mirai\"],\"reference\":\"https://feed.example/41\",\"valid_from\":null,"
                        "\"description\":null},"
                        "{\"feed\":\"own\",\"id\":null,\"confidence\":80,\"tlp\":\"red\","
                        "\"valid_until\":\"2026-11-01T00:00:00.000000Z\",\"tags\":[],\"reference\":null,"
                        "\"valid_from\":null,\"description\":\"seen at a member's\"}]},"
                        "\"flow\":{\"src_ip\":\"128.232.110.120\",\"src_port\":34855,\"dest_ip\":\"66.35.250.204\","
                        "\"dest_port\":80,\"proto\":\"TCP\",\"community_id\":\"1:LQU9qZlK+B5F3KDmev6m5PMibrg=\","
                        "\"direction\":\"outbound\",\"state\":\"established\",\"vlan\":[],\"tunnel\":null},"
                        "\"evidence\":{\"file\":\"tap.pcap\",\"packet\":1734,\"offset\":12,"
                        "\"excerpt\":\"c2.bad.example\"},"
                        "\"sensor\":\"tap-1\",\"region\":{\"country\":\"CL\",\"subregion\":null},"
                        "\"remote_country\":null,"
                        "\"category\":{\"class\":\"malicious-code\",\"type\":\"c2-server\"},\"tlp\":\"red\","
                        "\"confidence\":80,\"severity\":\"high\",\"count\":3,"
                        "\"first_seen\":\"2026-11-21T02:00:00.123456Z\","
                        "\"last_seen\":\"2026-11-21T02:00:07.000000Z\"}"));
}

/* The longer name, the flow and its evidence are the amber tap's; the red source and its category are red's. */
Test(encode, withholds_what_is_stricter_than_the_tier)
{
    struct example e;
    example_init(&e);
    expect_json(&e, TLP_GREEN,
                with_id(&e,
                        "{\"v\":1,\"kind\":\"hit\",\"status\":\"opened\",\"id\":\"%s\","
                        "\"timestamp\":\"2026-11-21T02:00:00.123456Z\",\"publisher\":\"local\",\"seq\":41,"
                        "\"generation\":1,"
                        "\"observable\":{\"type\":\"domain-name\",\"value\":null,\"where\":\"tls.sni\",\"ech\":false},"
                        "\"indicator\":{\"type\":\"domain-name\",\"value\":\"bad.example\",\"match\":\"suffix\","
                        "\"validity\":\"within\",\"sources\":["
                        "{\"feed\":\"urlhaus\",\"id\":\"41\",\"confidence\":60,\"tlp\":\"green\",\"valid_until\":null,"
                        "\"tags\":[\"elf\",\"mirai\"],\"reference\":\"https://feed.example/41\",\"valid_from\":null,"
                        "\"description\":null}]},"
                        "\"flow\":null,\"evidence\":null,"
                        "\"sensor\":\"tap-1\",\"region\":{\"country\":\"CL\",\"subregion\":null},"
                        "\"remote_country\":null,"
                        "\"category\":{\"class\":\"malicious-code\",\"type\":\"malware-distribution\"},"
                        "\"tlp\":\"green\",\"confidence\":60,\"severity\":\"medium\",\"count\":3,"
                        "\"first_seen\":\"2026-11-21T02:00:00.123456Z\","
                        "\"last_seen\":\"2026-11-21T02:00:07.000000Z\"}"));
}

Test(encode, tells_a_value_that_the_indicator_says_itself_to_every_tier)
{
    struct example e;
    example_init(&e);
    example_value(&e, OBSERVABLE_DOMAIN_NAME, WHERE_TLS_SNI, text_of("bad.example"), text_of(""));
    e.finding.match = MATCH_EXACT;
    cr_expect(json_has(&e, TLP_GREEN, "\"observable\":{\"type\":\"domain-name\",\"value\":\"bad.example\","));
}

static const struct {
    enum tlp green, red, tap, tier; /* of the two sources and the tap; who reads */
    bool told, flow;
    enum tlp tlp;
    int confidence;
    const char *topic;
} tiers[] = {
    {TLP_GREEN, TLP_RED, TLP_AMBER, TLP_CLEAR, false, false, 0, 0, ""},
    {TLP_GREEN, TLP_RED, TLP_AMBER, TLP_GREEN, true, false, TLP_GREEN, 60, "hit.green.CL.malware-distribution"},
    {TLP_GREEN, TLP_RED, TLP_AMBER, TLP_AMBER, true, true, TLP_AMBER, 60, "hit.amber.CL.malware-distribution"},
    {TLP_GREEN, TLP_RED, TLP_AMBER, TLP_AMBER_STRICT, true, true, TLP_AMBER, 60, "hit.amber.CL.malware-distribution"},
    {TLP_GREEN, TLP_RED, TLP_AMBER, TLP_RED, true, true, TLP_RED, 80, "hit.red.CL.c2-server"},
    {TLP_CLEAR, TLP_CLEAR, TLP_CLEAR, TLP_CLEAR, true, true, TLP_CLEAR, 80, "hit.clear.CL.c2-server"},
    {TLP_CLEAR, TLP_CLEAR, TLP_AMBER_STRICT, TLP_RED, true, true, TLP_AMBER_STRICT, 80,
     "hit.amber-strict.CL.c2-server"},
    {TLP_AMBER, TLP_AMBER, TLP_CLEAR, TLP_GREEN, false, true, 0, 0, ""},
    {TLP_RED, TLP_CLEAR, TLP_GREEN, TLP_GREEN, true, true, TLP_GREEN, 80, "hit.green.CL.c2-server"},
};

Test(encode, gives_each_tier_its_rendition_and_topic)
{
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        struct example e;
        struct buffer topic = {0}, json = {0};
        example_init(&e);
        e.sources[0].tlp = tiers[i].green;
        e.sources[1].tlp = tiers[i].red;
        e.sensor.tlp = tiers[i].tap;
        struct rendition r = rendition_of(&e.told, tiers[i].tier);
        encode_topic(&e.told, tiers[i].tier, &topic);
        encode_json(&e.told, tiers[i].tier, &json);
        buffer_char(&topic, 0);
        cr_expect_eq(r.told, tiers[i].told, "line %zu", i);
        cr_expect_str_eq(topic.at, tiers[i].topic, "line %zu", i);
        cr_expect_eq(json.len != 0, tiers[i].told, "line %zu", i);
        if (r.told) {
            cr_expect_eq(r.flow, tiers[i].flow, "line %zu", i);
            cr_expect_eq(r.tlp, tiers[i].tlp, "line %zu", i);
            cr_expect_eq(r.confidence, tiers[i].confidence, "line %zu", i);
        }
        buffer_free(&topic);
        buffer_free(&json);
    }
}

static const struct {
    int confidence;
    enum flow_state state;
    const char *severity;
} severities[] = {
    {100, FLOW_ESTABLISHED, "high"},  {70, FLOW_ONE_SIDED, "high"},   {69, FLOW_ESTABLISHED, "medium"},
    {30, FLOW_ESTABLISHED, "medium"}, {29, FLOW_ESTABLISHED, "low"},  {0, FLOW_ESTABLISHED, "low"},
    {-1, FLOW_ESTABLISHED, "medium"}, {90, FLOW_ATTEMPTED, "medium"}, {90, FLOW_REFUSED, "medium"},
    {50, FLOW_REFUSED, "low"},        {-1, FLOW_ATTEMPTED, "low"},    {10, FLOW_ATTEMPTED, "low"},
};

Test(encode, weighs_the_strongest_word_and_whether_they_met)
{
    for (size_t i = 0; i < sizeof severities / sizeof *severities; i++) {
        struct example e;
        example_init(&e);
        e.sources[0].confidence = INDICATOR_CONFIDENCE_UNKNOWN;
        e.sources[1].confidence = (int8_t)severities[i].confidence;
        e.finding.state = severities[i].state;
        struct rendition r = rendition_of(&e.told, TLP_RED);
        cr_expect_str_eq(severity_name(r.severity), severities[i].severity, "line %zu", i);
        cr_expect_eq(r.confidence, severities[i].confidence, "line %zu", i);
    }
}

static const struct {
    const char *first, *second; /* from/until of the two sources; the packet's time is 2026-11-21T02:00:00 */
    const char *validity;
} validities[] = {
    {"/", "/", "within"},
    {"/2026-11-21", "/", "within"},
    {"/2026-11-21", "2026-11-22/", "after"},
    {"2026-11-22/", "/2026-11-21", "after"},
    {"2026-11-22/", "2026-11-23/", "before"},
    {"2026-11-20/2026-11-22", "2026-11-23/", "within"},
};

static void read_interval(const char *text, struct indicator_source *s)
{
    const char *slash = strchr(text, '/');
    char from[16];
    snprintf(from, sizeof from, "%.*s", (int)(slash - text), text);
    s->valid_from_ns = from[0] ? time_of(from) : INDICATOR_ALWAYS;
    s->valid_until_ns = slash[1] ? time_of(slash + 1) : INDICATOR_EVER;
}

Test(encode, is_valid_where_any_source_is)
{
    for (size_t i = 0; i < sizeof validities / sizeof *validities; i++) {
        struct example e;
        example_init(&e);
        read_interval(validities[i].first, &e.sources[0]);
        read_interval(validities[i].second, &e.sources[1]);
        struct rendition r = rendition_of(&e.told, TLP_RED);
        cr_expect_str_eq(indicator_validity_name(r.validity), validities[i].validity, "line %zu", i);
    }
}

Test(encode, takes_the_category_of_the_strongest_source_that_has_one)
{
    struct example e;
    example_init(&e);
    e.sources[1].category = CATEGORY_UNDETERMINED;
    cr_expect_str_eq(category_type(rendition_of(&e.told, TLP_RED).category), "malware-distribution");
    e.sources[0].category = CATEGORY_UNDETERMINED;
    cr_expect_str_eq(category_type(rendition_of(&e.told, TLP_RED).category), "undetermined");
    e.sources[0].category = category_of("phishing");
    e.sources[0].confidence = INDICATOR_CONFIDENCE_UNKNOWN;
    cr_expect_str_eq(category_type(rendition_of(&e.told, TLP_RED).category), "phishing");
}

static const struct {
    struct bytes raw;
    const char *printable;
} excerpts[] = {
    {{(const uint8_t *)"GET / HTTP/1.1\r\n", 16}, "GET / HTTP/1.1\\x0d\\x0a"},
    {{(const uint8_t *)"a\\x00", 5}, "a\\\\x00"},
    {{(const uint8_t *)"\0\x1b[2J\x7f\x80\xff", 8}, "\\x00\\x1b[2J\\x7f\\x80\\xff"},
    {{(const uint8_t *)"caf\xc3\xa9 \"~\"", 9}, "caf\\xc3\\xa9 \"~\""},
    {{(const uint8_t *)"", 0}, ""},
};

Test(encode, shows_raw_octets_in_a_form_that_can_be_read_back)
{
    for (size_t i = 0; i < sizeof excerpts / sizeof *excerpts; i++) {
        char out[4 * 64 + 1];
        size_t len = encode_printable(excerpts[i].raw, out);
        out[len] = 0;
        cr_expect_str_eq(out, excerpts[i].printable, "line %zu", i);
    }
}

Test(encode, escapes_the_excerpt_once_more_for_json)
{
    struct example e;
    example_init(&e);
    example_value(&e, OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, text_of("bad.example"), bytes_of("\3bad\\\0", 6));
    e.finding.offset = -1;
    cr_expect(json_has(&e, TLP_RED, "\"offset\":null,\"excerpt\":\"\\\\x03bad\\\\\\\\\\\\x00\"}"));
}

Test(encode, says_whether_the_hello_was_encrypted_only_where_there_is_one)
{
    struct example e;
    example_init(&e);
    e.finding.ech = true;
    cr_expect(json_has(&e, TLP_RED, "\"where\":\"tls.sni\",\"ech\":true}"));
    e.finding.where = WHERE_QUIC_SNI;
    cr_expect(json_has(&e, TLP_RED, "\"where\":\"quic.sni\",\"ech\":true}"));
    e.finding.where = WHERE_DNS_QUERY;
    cr_expect(json_has(&e, TLP_RED, "\"where\":\"dns.query\"}"));
}

Test(encode, marks_an_indicator_that_is_only_itself)
{
    struct example e;
    char value[OBSERVABLE_VALUE_MAX + 1];
    example_init(&e);
    cr_expect_eq(encode_indicator(&e.indicator.key, value), 11);
    e.indicator.key.only = true;
    cr_expect_eq(encode_indicator(&e.indicator.key, value), 12);
    cr_expect(json_has(&e, TLP_RED, "\"value\":\"=bad.example\",\"match\""));
}

Test(encode, shows_tags_of_a_flow_and_no_ports_where_there_are_none)
{
    struct example e;
    example_init(&e);
    e.finding.tuple.vlans = 2;
    e.finding.tuple.vlan[0] = 100;
    e.finding.tuple.vlan[1] = 7;
    e.finding.tuple.proto = 47; /* GRE */
    e.finding.tuple.src_port = e.finding.tuple.dst_port = 0;
    cr_expect(json_has(&e, TLP_RED, "\"vlan\":[100,7]"));
    cr_expect(json_has(&e, TLP_RED, "\"src_port\":null,\"dest_ip\":\"66.35.250.204\",\"dest_port\":null"));
}

Test(encode, has_no_country_without_a_sensor_that_has_one)
{
    struct example e;
    struct buffer topic = {0};
    example_init(&e);
    e.sensor.country[0] = 0;
    encode_topic(&e.told, TLP_RED, &topic);
    buffer_char(&topic, 0);
    cr_expect_str_eq(topic.at, "hit.red.ZZ.c2-server");
    cr_expect(json_has(&e, TLP_RED, "\"region\":{\"country\":\"ZZ\",\"subregion\":null}"));
    buffer_free(&topic);
}

static void no_mistake(void *to, const char *text)
{
    (void)to;
    cr_assert_fail("%s", text);
}

/* Where the other end is belongs to the flow; where the affected one is, every tier learns by the topic. */
Test(encode, tells_the_place_to_all_and_the_other_end_with_the_flow)
{
    struct regions *regions = regions_read(regions_built_in(), "regions", no_mistake, NULL);
    struct example e;
    struct buffer topic = {0};
    example_init(&e);
    e.told.regions = regions;
    memcpy(e.finding.country, "JM", 3);
    memcpy(e.finding.remote_country, "NL", 3);
    encode_topic(&e.told, TLP_GREEN, &topic);
    buffer_char(&topic, 0);
    cr_expect_str_eq(topic.at, "hit.green.JM.malware-distribution");
    cr_expect(
        json_has(&e, TLP_RED, "\"region\":{\"country\":\"JM\",\"subregion\":\"caribbean\"},\"remote_country\":\"NL\""));
    cr_expect(
        json_has(&e, TLP_GREEN, "\"region\":{\"country\":\"JM\",\"subregion\":\"caribbean\"},\"remote_country\":null"));

    memcpy(e.finding.country, "NL", 3);
    cr_expect(json_has(&e, TLP_RED, "\"region\":{\"country\":\"NL\",\"subregion\":null}"), "not of the Americas");
    memset(e.finding.country, 0, 3);
    memset(e.finding.remote_country, 0, 3);
    memcpy(e.sensor.country, "CL", 3);
    cr_expect(json_has(&e, TLP_RED, "\"subregion\":\"southern-cone\"},\"remote_country\":null"));
    e.finding.direction = DIRECTION_INTERNAL;
    cr_expect(json_has(&e, TLP_RED, "\"remote_country\":\"CL\""), "both ends are at home");
    memcpy(e.sensor.country, "ZZ", 3);
    cr_expect(json_has(&e, TLP_RED, "\"remote_country\":null"));
    buffer_free(&topic);
    regions_free(regions);
}

/* The example, as an event of a green feed that itself is amber. */
static void example_event(struct example *e)
{
    struct finding *f = &e->finding;
    example_init(e);
    f->of_event = true;
    f->tlp = TLP_AMBER;
    f->category = category_of("phishing");
    f->where = WHERE_EVENT_SOURCE;
    f->offset = -1;
    memcpy(f->country, "PE", 3);
    memcpy(f->text + f->value_len + f->excerpt_len, "partnerR-7", 10);
    f->reporter_len = 7;
    f->reference_len = 3;
    e->sensor = (struct sensor){.name = "incidents", .country = "ZZ", .tlp = TLP_GREEN};
}

Test(encode, tells_an_event_in_place_of_a_flow)
{
    struct example e;
    example_event(&e);
    cr_expect(json_has(
        &e, TLP_RED,
        ",\"event\":{\"feed\":\"incidents\",\"reporter\":\"partner\",\"classification\":{\"class\":\"fraud\","
        "\"type\":\"phishing\"},\"reference\":\"R-7\"},\"evidence\":{\"file\":\"tap.pcap\",\"packet\":1734,"
        "\"offset\":null,\"excerpt\":\"c2.bad.example\"},\"sensor\":\"incidents\",\"region\":{\"country\":\"PE\","
        "\"subregion\":null},\"remote_country\":null,\"category\":{\"class\":\"malicious-code\",\"type\":"
        "\"c2-server\"},\"tlp\":\"red\","));
    cr_expect(json_has(&e, TLP_RED, "\"severity\":\"high\""), "an event was met");
}

/* What the event says itself is its own, stricter than its feed is said to be. */
Test(encode, withholds_an_event_from_who_may_not_see_it)
{
    struct example e;
    example_event(&e);
    e.sources[0].category = CATEGORY_UNDETERMINED;
    cr_expect(json_has(&e, TLP_GREEN, "\"event\":null,\"evidence\":null,"));
    cr_expect(json_has(&e, TLP_GREEN, "\"value\":null,\"where\":\"event.source\""));
    cr_expect(json_has(&e, TLP_GREEN, "\"type\":\"undetermined\"},\"tlp\":\"green\""));
    cr_expect(json_has(&e, TLP_AMBER, "\"type\":\"phishing\"},\"tlp\":\"amber\""), "the event's class, where none is");
}

Test(encode, names_each_feed_once_and_only_those_that_may_be_seen)
{
    struct example e;
    example_init(&e);
    e.sources[2] = e.sources[0];
    e.told.source_count = 3;
    static const struct {
        enum tlp tier;
        const char *feeds;
    } cases[] = {{TLP_RED, "urlhaus;own"}, {TLP_GREEN, "urlhaus"}, {TLP_CLEAR, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer names = {0};
        encode_feeds(&e.told, cases[i].tier, ";", &names);
        buffer_char(&names, 0);
        cr_expect_str_eq(names.at, cases[i].feeds);
        buffer_free(&names);
    }
}

Test(encode, tells_an_observation)
{
    struct example e;
    struct buffer out = {0};
    example_observed(&e);
    encode_observed_json(&e.told, &out);
    buffer_char(&out, 0);
    cr_expect_str_eq(out.at,
                     "{\"timestamp\":\"2026-11-21T02:00:00.123456Z\",\"type\":\"domain-name\","
                     "\"value\":\"c2.bad.example\",\"where\":\"tls.sni\","
                     "\"flow\":{\"src_ip\":\"128.232.110.120\",\"src_port\":34855,\"dest_ip\":\"66.35.250.204\","
                     "\"dest_port\":80,\"proto\":\"TCP\",\"community_id\":\"1:LQU9qZlK+B5F3KDmev6m5PMibrg=\","
                     "\"direction\":\"outbound\",\"state\":\"established\",\"vlan\":[],\"tunnel\":null},"
                     "\"file\":\"tap.pcap\",\"packet\":1734,\"ech\":false}");
    buffer_free(&out);
}

Test(encode, keeps_a_finding_on_one_line_whatever_strangers_wrote)
{
    struct example e;
    char hostile[256];
    example_init(&e);
    for (int i = 0; i < 256; i++)
        hostile[i] = (char)i;
    example_value(&e, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, bytes_of(hostile, 256),
                  bytes_of(hostile + 192, 64));
    e.sources[0].feed = e.sources[0].tags = e.sources[1].description = bytes_of(hostile, 256);
    struct buffer out = {0};
    output_json.write(&out, &e.told, &(struct output_style){0});
    for (size_t i = 0; i + 1 < out.len; i++)
        cr_assert((uint8_t)out.at[i] >= 0x20, "octet %zu", i);
    cr_expect_eq(out.at[out.len - 1], '\n');
    cr_expect(text_is_utf8(buffer_bytes(&out)));
    buffer_free(&out);
}

Test(output, is_found_by_its_name)
{
    cr_expect_eq(output_named("json"), &output_json);
    cr_expect_eq(output_named("text"), &output_text);
    cr_expect_eq(output_named("csv"), &output_csv);
    cr_expect_null(output_named("xml"));
    cr_expect_null(output_named(""));
}
