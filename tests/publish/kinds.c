/* What correlations and trends say, and to whom. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "told.h"

static const struct correlation_country countries[] = {{"CL", TLP_GREEN}, {"AR", TLP_GREEN}, {"PE", TLP_AMBER}};
static const struct correlation_evidence evidence[] = {
    {"00000000-0000-5000-8000-000000000001", TLP_GREEN},
    {"00000000-0000-5000-8000-000000000002", TLP_GREEN},
    {"00000000-0000-5000-8000-000000000003", TLP_AMBER},
};

static struct correlation campaign(void)
{
    struct correlation c = {.generation = 7,
                            .countries_min = 2,
                            .window_ns = 3600 * TEXT_SECOND_NS,
                            .type = OBSERVABLE_DOMAIN_NAME,
                            .where = WHERE_ANY,
                            .value = bytes_text("bad.example"),
                            .countries = countries,
                            .evidence = evidence,
                            .country_count = 3,
                            .evidence_count = 3};
    c.first_ns = time_of("2026-11-21T02:00:00Z");
    c.last_ns = time_of("2026-11-21T02:30:00Z");
    for (int t = 0; t < TLPS; t++)
        c.tiers[t] = (struct correlation_tier){.category = CATEGORY_UNDETERMINED, .confidence = -1};
    c.tiers[TLP_GREEN] = (struct correlation_tier){.members = 5,
                                                   .first_ns = c.first_ns,
                                                   .last_ns = time_of("2026-11-21T02:10:00Z"),
                                                   .category = category_of("c2-server"),
                                                   .confidence = 80};
    c.tiers[TLP_AMBER] = (struct correlation_tier){.members = 1,
                                                   .first_ns = c.last_ns,
                                                   .last_ns = c.last_ns,
                                                   .category = CATEGORY_UNDETERMINED,
                                                   .confidence = 90,
                                                   .opened = true};
    return c;
}

static struct regions *regions(void)
{
    struct regions *r = regions_read(regions_built_in(), "regions.yaml", NULL, NULL);
    cr_assert(r);
    return r;
}

static void expect(const struct told *t, enum tlp tier, const char *topic, const char *json)
{
    struct buffer out = {0};
    encode_topic(t, tier, &out);
    buffer_char(&out, 0);
    cr_expect_str_eq(out.at, topic);
    buffer_clear(&out);
    encode_json(t, tier, &out);
    buffer_char(&out, 0);
    cr_expect_str_eq(out.at, json);
    buffer_free(&out);
}

Test(kinds, tells_each_tier_of_a_correlation_what_it_was_told_of)
{
    struct correlation c = campaign();
    struct told t = {.correlation = &c, .regions = regions(), .publisher = "local", .seq = 3};
    char id[IDENTITY_MAX], green[2048], amber[2048];
    correlation_id(&c, id);
    snprintf(green, sizeof green,
             "{\"v\":1,\"kind\":\"correlation\",\"status\":\"opened\",\"id\":\"%s\","
             "\"timestamp\":\"2026-11-21T02:10:00.000000Z\",\"publisher\":\"local\",\"seq\":3,\"generation\":7,"
             "\"rule\":\"campaign\",\"indicator\":{\"type\":\"domain-name\",\"value\":\"bad.example\"},"
             "\"place\":\"southern-cone\",\"countries\":[\"CL\",\"AR\"],\"window_s\":3600,"
             "\"evidence\":[\"00000000-0000-5000-8000-000000000001\",\"00000000-0000-5000-8000-000000000002\"],"
             "\"category\":{\"class\":\"malicious-code\",\"type\":\"c2-server\"},\"tlp\":\"green\",\"confidence\":80,"
             "\"severity\":\"high\",\"count\":5,\"first_seen\":\"2026-11-21T02:00:00.000000Z\","
             "\"last_seen\":\"2026-11-21T02:10:00.000000Z\"}",
             id);
    snprintf(amber, sizeof amber,
             "{\"v\":1,\"kind\":\"correlation\",\"status\":\"updated\",\"id\":\"%s\","
             "\"timestamp\":\"2026-11-21T02:30:00.000000Z\",\"publisher\":\"local\",\"seq\":3,\"generation\":7,"
             "\"rule\":\"campaign\",\"indicator\":{\"type\":\"domain-name\",\"value\":\"bad.example\"},"
             "\"place\":\"americas\",\"countries\":[\"CL\",\"AR\",\"PE\"],\"window_s\":3600,"
             "\"evidence\":[\"00000000-0000-5000-8000-000000000001\",\"00000000-0000-5000-8000-000000000002\","
             "\"00000000-0000-5000-8000-000000000003\"],"
             "\"category\":{\"class\":\"malicious-code\",\"type\":\"c2-server\"},\"tlp\":\"amber\",\"confidence\":90,"
             "\"severity\":\"high\",\"count\":6,\"first_seen\":\"2026-11-21T02:00:00.000000Z\","
             "\"last_seen\":\"2026-11-21T02:30:00.000000Z\"}",
             id);
    expect(&t, TLP_CLEAR, "", "");
    expect(&t, TLP_GREEN, "correlation.green.southern-cone.campaign", green);
    expect(&t, TLP_AMBER, "correlation.amber.americas.campaign", amber);
    cr_expect_eq(rendition_of(&t, TLP_RED).tlp, TLP_AMBER, "a red reader hears nothing more");
}

Test(kinds, says_that_a_correlation_is_over_only_to_who_heard_of_it)
{
    struct correlation c = campaign();
    struct told t = {.correlation = &c};
    c.status = FINDING_CLOSED;
    cr_expect_eq(encode_status(&t, TLP_AMBER), FINDING_CLOSED);
    cr_expect_eq(encode_status(&t, TLP_GREEN), FINDING_OPENED);
}

Test(kinds, tells_a_trend_with_its_history_to_green_or_to_amber)
{
    struct trend a = {.status = FINDING_OPENED,
                      .place = "CL",
                      .subregion = "southern-cone",
                      .detector = "ears-c2",
                      .counted = "event",
                      .category = category_of("phishing"),
                      .window_ns = 3600 * TEXT_SECOND_NS,
                      .time_ns = time_of("2026-11-21T03:00:00Z"),
                      .since_ns = time_of("2026-11-21T02:00:00Z"),
                      .last_ns = time_of("2026-11-21T02:00:00Z"),
                      .peak_ns = time_of("2026-11-21T02:00:00Z"),
                      .observed = 30,
                      .expected = 2.5,
                      .lower = NAN,
                      .upper = 4.25,
                      .score = 0.9999,
                      .excess = 27.5,
                      .windows = 1,
                      .reporters = 3,
                      .history_count = 3,
                      .history = {{2, NAN, false}, {3, NAN, false}, {30, 2.5, true}}};
    struct told t = {.trend = &a, .publisher = "local", .seq = 1};
    char id[IDENTITY_MAX], json[2048];
    trend_id(&a, id);
    snprintf(json, sizeof json,
             "{\"v\":1,\"kind\":\"trend\",\"status\":\"opened\",\"id\":\"%s\","
             "\"timestamp\":\"2026-11-21T03:00:00.000000Z\",\"publisher\":\"local\",\"seq\":1,\"place\":\"CL\","
             "\"subregion\":\"southern-cone\",\"category\":{\"class\":\"fraud\",\"type\":\"phishing\"},"
             "\"counted\":\"event\",\"window_s\":3600,\"detector\":\"ears-c2\",\"observed\":30,\"expected\":2.5,"
             "\"lower\":null,\"upper\":4.25,\"score\":0.9999,\"excess\":27.5,\"windows\":1,\"reporters\":3,"
             "\"history\":[2,3,30],\"tlp\":\"green\",\"severity\":\"high\",\"peak\":\"2026-11-21T02:00:00.000000Z\","
             "\"first_seen\":\"2026-11-21T02:00:00.000000Z\",\"last_seen\":\"2026-11-21T02:00:00.000000Z\"}",
             id);
    expect(&t, TLP_CLEAR, "", "");
    expect(&t, TLP_GREEN, "trend.green.CL.phishing", json);
    a.reporters = 2;
    expect(&t, TLP_GREEN, "", "");
    cr_expect_eq(rendition_of(&t, TLP_RED).tlp, TLP_AMBER);
}
