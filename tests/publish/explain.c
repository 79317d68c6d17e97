/*
 * Facts of the explanation: what stands in it for a finding whose JSON is ours, one that is spare, and a hostile one.
 */
#include "publish/explain.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "told.h"

#define TOLD time_of("2026-11-21T03:00:00Z")

static void add(struct explain *e, const struct example *x)
{
    struct buffer json = {0};
    struct fail why = {.text = ""};
    encode_json(&x->told, TLP_RED, &json);
    cr_assert(explain_add_finding(e, TOLD, buffer_bytes(&json), &why), "%s", why.text);
    buffer_free(&json);
}

static void add_publication(struct explain *e, struct example *x, enum tlp tier, uint64_t seq)
{
    struct buffer json = {0}, topic = {0};
    struct fail why = {.text = ""};
    x->told.seq = seq;
    encode_topic(&x->told, tier, &topic);
    buffer_char(&topic, 0);
    encode_json(&x->told, tier, &json);
    cr_assert(explain_add_publication(e, TOLD, topic.at, seq, buffer_bytes(&json), &why), "%s", why.text);
    buffer_free(&json);
    buffer_free(&topic);
}

/* Told to green and red when it was attempted, to red again when it was answered. */
static struct explain *explained(void)
{
    struct explain *e = explain_new();
    struct example x;
    example_init(&x);
    x.finding.state = FLOW_ATTEMPTED;
    x.finding.count = 1;
    x.finding.last_ns = x.finding.key.time_ns;
    add(e, &x);
    add_publication(e, &x, TLP_GREEN, 7);
    add_publication(e, &x, TLP_RED, 3);
    example_init(&x);
    x.finding.status = FINDING_UPDATED;
    add(e, &x);
    add_publication(e, &x, TLP_RED, 4);
    return e;
}

static char *text_with(const struct explain *e, bool colour)
{
    struct buffer out = {0};
    explain_text(e, colour, &out);
    buffer_char(&out, 0);
    return out.at;
}

static void expect_lines(const char *text, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect(strstr(text, lines[i]), "expected \"%s\" in\n%s", lines[i], text);
}

Test(explain, says_all_that_one_needs_to_trust_a_finding)
{
    static const char *const lines[] = {
        "  hit, updated, high\n",
        "  seen         2026-11-21T02:00:00.123456Z to 2026-11-21T02:00:07.000000Z, 3 times, by tap-1 (CL)\n",
        "  what         domain-name c2.bad.example in tls.sni\n",
        "  evidence     packet 1734, octet 12, of tap.pcap\n",
        "               as it was: c2.bad.example\n",
        "  indicator    domain-name bad.example, suffix (the name or one below it), within its validity\n",
        "  says         urlhaus 41: confidence 60, green, valid without end\n"
        "               tags elf, mirai\n"
        "               https://feed.example/41\n"
        "  says         own: confidence 80, red, valid until 2026-11-01T00:00:00.000000Z\n"
        "               seen at a member's\n",
        "  flow         128.232.110.120 port 34855 → 66.35.250.204 port 80 TCP\n"
        "               outbound, established, Community ID 1:LQU9qZlK+B5F3KDmev6m5PMibrg=\n",
        "  category     malicious-code/c2-server\n",
        "  severity     high: the strongest confidence is 80 (medium from 30, high from 70)\n",
        "  history      2026-11-21T03:00:00Z opened, last seen 2026-11-21T02:00:00.123456Z, attempted, seen 1×, "
        "medium, generation 1\n"
        "               2026-11-21T03:00:00Z updated, last seen 2026-11-21T02:00:07.000000Z, established, seen 3×, "
        "high, generation 1\n"
        "  told         2026-11-21T03:00:00Z opened to green: hit.green.CL.malware-distribution seq 7, without flow "
        "and evidence\n"
        "               2026-11-21T03:00:00Z opened to red: hit.red.CL.c2-server seq 3\n"
        "               2026-11-21T03:00:00Z updated to red: hit.red.CL.c2-server seq 4\n",
    };
    struct explain *e = explained();
    char *text = text_with(e, false);
    expect_lines(text, lines, sizeof lines / sizeof *lines);
    free(text);
    explain_free(e);
}

Test(explain, says_why_a_severity_is_lower_and_what_is_unknown)
{
    static const char *const lines[] = {
        "  evidence     packet 1734, in parts, of tap.pcap\n",
        "  severity     low: no source says one, so confidence is 50 (medium from 30, high from 70), one step lower "
        "since "
        "the flow was refused\n",
        "  says         urlhaus 41: confidence unknown, green",
        "  told         to nobody, or the journal has let go of it\n",
    };
    struct explain *e = explain_new();
    struct example x;
    example_init(&x);
    x.told.source_count = 1;
    x.sources[0].confidence = INDICATOR_CONFIDENCE_UNKNOWN;
    x.finding.state = FLOW_REFUSED;
    x.finding.offset = -1;
    add(e, &x);
    char *text = text_with(e, false);
    expect_lines(text, lines, sizeof lines / sizeof *lines);
    free(text);
    explain_free(e);
}

/* The finding itself comes first, as it was told. */
Test(explain, adds_history_and_publications_to_the_json)
{
    struct explain *e = explained();
    struct buffer out = {0}, plain = {0};
    struct example x;
    example_init(&x);
    x.finding.status = FINDING_UPDATED;
    encode_json(&x.told, TLP_RED, &plain);
    explain_json(e, &out);
    cr_expect_eq(memcmp(out.at, plain.at, plain.len - 1), 0);
    buffer_char(&out, 0);
    cr_expect_str_eq(
        out.at + plain.len - 1,
        ",\"history\":[{\"told\":\"2026-11-21T03:00:00.000000Z\",\"status\":\"opened\",\"state\":\"attempted\","
        "\"count\":1,"
        "\"last_seen\":\"2026-11-21T02:00:00.123456Z\",\"severity\":\"medium\",\"generation\":1},"
        "{\"told\":\"2026-11-21T03:00:00.000000Z\",\"status\":\"updated\",\"state\":\"established\",\"count\":3,\"last_"
        "seen\":\"2026-11-21T02:00:07.000000Z\","
        "\"severity\":\"high\",\"generation\":1}],"
        "\"publications\":[{\"told\":\"2026-11-21T03:00:00.000000Z\",\"topic\":\"hit.green.CL.malware-distribution\","
        "\"seq\":7,\"tlp\":\"green\","
        "\"status\":\"opened\",\"state\":null,\"count\":1,\"last_seen\":\"2026-11-21T02:00:00.123456Z\","
        "\"severity\":\"low\",\"generation\":1},"
        "{\"told\":\"2026-11-21T03:00:00.000000Z\",\"topic\":\"hit.red.CL.c2-server\",\"seq\":3,\"tlp\":\"red\","
        "\"status\":\"opened\",\"state\":\"attempted\","
        "\"count\":1,\"last_seen\":\"2026-11-21T02:00:00.123456Z\",\"severity\":\"medium\",\"generation\":1},"
        "{\"told\":\"2026-11-21T03:00:00.000000Z\",\"topic\":\"hit.red.CL.c2-server\",\"seq\":4,\"tlp\":\"red\","
        "\"status\":\"updated\","
        "\"state\":\"established\",\"count\":3,\"last_seen\":\"2026-11-21T02:00:07.000000Z\",\"severity\":\"high\","
        "\"generation\":1}]}\n");
    buffer_free(&out);
    buffer_free(&plain);
    explain_free(e);
}

Test(explain, lets_no_stranger_speak_to_the_terminal)
{
    static const char hostile[] = "\x1b]0;owned\x07\x1b[2J\r\n\x9b\xc2\x9b\xe2\x80\xae";
    struct explain *e = explain_new();
    struct example x;
    struct bytes text_of_strangers = bytes_of(hostile, sizeof hostile - 1);
    example_init(&x);
    example_value(&x, OBSERVABLE_FILE_NAME, WHERE_FILE_NAME, text_of_strangers, text_of_strangers);
    x.sources[0].feed = x.sources[0].id = x.sources[0].tags = x.sources[0].reference = text_of_strangers;
    x.sources[1].description = x.indicator.key.value = text_of_strangers;
    x.told.file = hostile;
    x.sensor.name = hostile;
    add(e, &x);
    char *text = text_with(e, false);
    for (const char *c = text; *c; c++) {
        uint8_t octet = (uint8_t)*c;
        cr_expect((octet >= ' ' && octet != 0x7f) || octet == '\n', "octet %02x at %zd", octet, c - text);
    }
    cr_expect_null(strstr(text, "\xc2\x9b"));
    cr_expect_null(strstr(text, "\xe2\x80\xae"));
    cr_expect_null(strstr(text, "\n\x9b"));
    free(text);
    explain_free(e);
}

Test(explain, says_the_same_with_and_without_colour)
{
    struct explain *e = explained();
    char *plain = text_with(e, false), *coloured = text_with(e, true), *to = coloured;
    cr_expect_null(strchr(plain, '\033'));
    for (char *from = coloured; *from; from++) {
        if (*from == '\033')
            from += strcspn(from, "m");
        else
            *to++ = *from;
    }
    *to = 0;
    cr_expect_str_eq(coloured, plain);
    free(plain);
    free(coloured);
    explain_free(e);
}

/* Of a finding of another kind, or a later version, what is known is laid out and nothing else. */
Test(explain, lays_out_what_is_there_of_a_finding_it_does_not_know)
{
    static const char spare[] =
        "{\"v\":2,\"kind\":\"oracle\",\"status\":\"closed\",\"id\":\"x\",\"later\":[{\"a\":[]}],\"score\":0.5}";
    struct explain *e = explain_new();
    struct fail why = {.text = ""};
    cr_assert(explain_add_finding(e, TOLD, bytes_text(spare), &why));
    char *text = text_with(e, false);
    cr_expect_eq(strncmp(text, "x  oracle, closed\n", 18), 0, "%s", text);
    cr_expect(strstr(text, "  score        0.5\n"), "%s", text);
    cr_expect_null(strstr(text, "indicator  "));
    cr_expect_null(strstr(text, "what"));
    cr_expect_null(strstr(text, "flow"));
    free(text);
    cr_expect_not(explain_add_finding(e, TOLD, bytes_text("{\"v\":"), &why));
    cr_expect_neq(why.text[0], 0);
    explain_free(e);
}

/* ---- the kinds that are no hit, as a publisher told them */

static char *explained_text(const char *const *findings, size_t count, const char *const *evidence, size_t members)
{
    struct explain *e = explain_new();
    struct fail why = {.text = ""};
    for (size_t i = 0; i < count; i++)
        cr_assert(explain_add_finding(e, TOLD, bytes_text(findings[i]), &why), "%s", why.text);
    for (size_t i = 0; i < members; i++)
        cr_assert(explain_add_evidence(e, bytes_text(evidence[i]), &why), "%s", why.text);
    char *text = text_with(e, false);
    explain_free(e);
    return text;
}

Test(explain, lays_out_of_a_trend_what_was_counted_and_what_was_to_be_expected)
{
    static const char *const told[] = {
        "{\"v\":1,\"kind\":\"trend\",\"status\":\"updated\",\"id\":\"c170292b-f91b-574a-9390-8f2abc0c69e8\","
        "\"timestamp\":\"2026-11-21T01:00:00.000000Z\",\"place\":\"CL\",\"subregion\":\"southern-cone\","
        "\"category\":{\"class\":\"fraud\",\"type\":\"phishing\"},\"counted\":\"event\",\"window_s\":3600,"
        "\"detector\":\"ears-c2\",\"observed\":40,\"expected\":1.4285714285714286,\"lower\":null,"
        "\"upper\":4.090232306167813,\"score\":0.99995,\"excess\":57.14,\"windows\":2,\"reporters\":4,"
        "\"history\":[2,0,20,40],\"tlp\":\"green\",\"severity\":\"high\",\"peak\":\"2026-11-21T00:00:00.000000Z\","
        "\"first_seen\":\"2026-11-20T23:00:00.000000Z\",\"last_seen\":\"2026-11-21T00:00:00.000000Z\"}"};
    static const char *const lines[] = {
        "c170292b-f91b-574a-9390-8f2abc0c69e8  trend, updated, high\n"
        "  what         phishing: events in CL (southern-cone), in windows of 1 h\n"
        "  observed     40 in the worst window, from 2026-11-21T00:00:00Z\n"
        "  expected     1.4; ordinary are up to 4.1\n"
        "  score        0.999950 of 1: how surely this is no ordinary count\n"
        "  severity     high: by the score (medium from 0.99, high from 0.9999)\n"
        "  since        2026-11-20T23:00:00Z; the last window that alarmed began 2026-11-21T00:00:00Z; 2 windows, in "
        "all 57.1 more than expected\n"
        "  reporters    at least 4 stand behind the counts\n"
        "  detector     ears-c2\n"
        "  category     fraud/phishing\n"
        "  TLP          green: trends are green from 3 reporters on, else amber; stricter reports are not counted\n"
        "  counts       2026-11-20 21:00       2 ██\n"
        "               2026-11-20 22:00       0\n"
        "               2026-11-20 23:00      20 ████████████████████\n"
        "               2026-11-21 00:00      40 ████████████████████████████████████████\n"
        "  history      2026-11-21T03:00:00Z updated",
    };
    char *text = explained_text(told, 1, NULL, 0);
    expect_lines(text, lines, 1);
    free(text);
}

static const char campaign[] =
    "{\"v\":1,\"kind\":\"correlation\",\"status\":\"opened\",\"id\":\"56441e16-eeaf-5a25-9c07-02a79331d36b\","
    "\"timestamp\":\"2026-11-21T02:30:00.000000Z\",\"generation\":1,\"rule\":\"campaign\","
    "\"indicator\":{\"type\":\"domain-name\",\"value\":\"bad.example\"},\"place\":\"americas\","
    "\"countries\":[\"PE\",\"CL\"],\"window_s\":86400,\"evidence\":[\"580c873b-0000-5000-8000-000000000001\","
    "\"580c873b-0000-5000-8000-000000000002\"],\"category\":{\"class\":\"malicious-code\",\"type\":\"c2-server\"},"
    "\"tlp\":\"green\",\"confidence\":80,\"severity\":\"high\",\"count\":7,"
    "\"first_seen\":\"2026-11-21T02:00:00.000000Z\",\"last_seen\":\"2026-11-21T02:30:00.000000Z\"}";

Test(explain, lays_out_of_a_correlation_its_countries_and_each_hit_that_the_journal_has)
{
    static const char *const told[] = {campaign};
    static const char *const lines[] = {
        "  indicator    domain-name bad.example, linked by the rule campaign\n"
        "  countries    PE, CL, in the order in which it was met there; all in americas\n"
        "  seen         7 hits from 2026-11-21T02:00:00Z to 2026-11-21T02:30:00Z; the window of the rule is 1 d\n"
        "  evidence     580c873b-0000-5000-8000-000000000001\n"
        "               2026-11-21 02:00:00.123 high   tls.sni         c2.bad.example ",
        "  severity     high: the strongest confidence is 80",
        "  TLP          green, the strictest of its hits\n",
    };
    struct example x;
    struct buffer json = {0};
    example_init(&x);
    x.told.id = "580c873b-0000-5000-8000-000000000002";
    encode_json(&x.told, TLP_RED, &json);
    buffer_char(&json, 0);
    const char *evidence[] = {json.at};
    char *text = explained_text(told, 1, evidence, 1);
    expect_lines(text, lines, sizeof lines / sizeof *lines);
    cr_expect_null(strstr(text, "without flow"));
    free(text);
    buffer_free(&json);
}

static void count_id(void *to, const char *id)
{
    cr_expect_eq(strncmp(id, "580c873b-0000-5000-8000-00000000000", 35), 0, "%s", id);
    ++*(int *)to;
}

Test(explain, names_the_evidence_of_a_correlation)
{
    struct explain *e = explain_new();
    struct fail why = {.text = ""};
    int count = 0;
    explain_evidence(e, count_id, &count);
    cr_expect_eq(count, 0);
    cr_assert(explain_add_finding(e, TOLD, bytes_text(campaign), &why));
    explain_evidence(e, count_id, &count);
    cr_expect_eq(count, 2);
    explain_free(e);
}

/* Nothing but what stands there, however odd it is. */
Test(explain, takes_trends_and_correlations_that_are_spare_or_hostile)
{
    static const char *const cases[][2] = {
        {"{\"kind\":\"trend\",\"score\":0.5,\"history\":[1,null,2]}", "  score        0.50 of 1"},
        {"{\"kind\":\"trend\",\"observed\":1e300,\"expected\":\"x\",\"window_s\":-5,\"timestamp\":\"2026-11-21T01:00:"
         "00Z\","
         "\"history\":[1e308,-1e308,0]}",
         "  expected     unknown\n"},
        {"{\"kind\":\"trend\",\"window_s\":3600,\"timestamp\":\"1970-01-01T00:00:00Z\",\"history\":[-1,1e308]}",
         "  counts       "},
        {"{\"kind\":\"correlation\",\"evidence\":[\"\\u001b[2J\",7,null],\"countries\":[]}",
         "  evidence     \\x1b[2J\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = explained_text(&cases[i][0], 1, NULL, 0);
        expect_lines(text, &cases[i][1], 1);
        free(text);
    }
}
