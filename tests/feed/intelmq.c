#include "hear_events.h"

#define T "\"time.source\":\"2026-03-02T14:00:00+00:00\""

static void is(const char *record, const char *expected)
{
    const char *got = hear(&format_intelmq, record);
    cr_expect_str_eq(got, expected, "%s\n  expected %s  got      %s", record, expected, got);
}

/* The event of IntelMQ's own documentation of its format, with documentation addresses. */
Test(intelmq, reads_a_whole_event)
{
    is("{\"__type\":\"Event\",\"feed.name\":\"Tracker\",\"feed.provider\":\"Partner\",\"feed.accuracy\":90.0," T
       ",\"time.observation\":\"2026-03-03T00:00:00+00:00\",\"source.ip\":\"192.0.2.7\",\"source.port\":4643,"
       "\"source.fqdn\":\"C2.Bad.Example\",\"source.url\":\"http://bad.example:8080/gate\","
       "\"source.geolocation.cc\":\"cl\",\"destination.geolocation.cc\":\"BR\",\"destination.ip\":\"2001:db8::1\","
       "\"classification.type\":\"c2-server\",\"malware.hash.md5\":\"D41D8CD98F00B204E9800998ECF8427E\","
       "\"event_hash\":\"abc\",\"rtir_id\":7,\"tlp\":\"GREEN\",\"raw\":\"Zm9v\",\"extra\":{\"count\":12}}\n",
       "2026-03-02T14:00:00Z CL/BR c2-server green 90 12 Partner abc | ipv4-addr 192.0.2.7 source, domain-name "
       "c2.bad.example source, url http://bad.example:8080/gate source, domain-name bad.example source, ipv6-addr "
       "2001:db8::1 destination, md5 d41d8cd98f00b204e9800998ecf8427e text, ip-port 192.0.2.7:4643 source\n");
}

Test(intelmq, takes_what_the_feed_says_for_what_the_event_does_not)
{
    is("{" T "}", "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  |\n");
}

Test(intelmq, takes_the_observation_where_there_is_no_time_of_the_source)
{
    is("{\"time.observation\":\"2026-03-02 14:00:00\"}", "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  |\n");
    is("{\"time.source\":null,\"time.observation\":\"2026-03-02T11:00:00-03:00\"}",
       "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  |\n");
}

Test(intelmq, reads_nested_objects_as_dotted_keys)
{
    is("{\"time\":{\"source\":\"2026-03-02T14:00:00Z\"},\"source\":{\"ip\":\"192.0.2.1\",\"geolocation\":{\"cc\":"
       "\"PE\"}}}",
       "2026-03-02T14:00:00Z PE/- undetermined amber -1 1 own  | ipv4-addr 192.0.2.1 source\n");
}

/* IntelMQ's names, those before its version 3, and what nobody knows. */
Test(intelmq, reads_old_and_new_types)
{
    static const char *const cases[][2] = {
        {"c2-server", "c2-server"},
        {"c2server", "c2-server"},
        {"c&c", "c2-server"},
        {"botnet drone", "infected-system"},
        {"ransomware", "infected-system"},
        {"vulnerable service", "vulnerable-system"},
        {"leak", "data-leak"},
        {"unknown", "undetermined"},
        {"blacklist", "other"},
        {"unauthorized-use-of-resources", "unauthorised-use-of-resources"},
        {"dga domain", "c2-server"},
        {"no such thing", "undetermined"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char record[256], expected[256];
        snprintf(record, sizeof record, "{" T ",\"classification.type\":\"%s\"}", cases[i][0]);
        snprintf(expected, sizeof expected, "2026-03-02T14:00:00Z -/- %s amber -1 1 own  |\n", cases[i][1]);
        is(record, expected);
        cr_expect_eq(counter_read(&tally.classes.all), i == 11, "%s", cases[i][0]);
    }
}

Test(intelmq, refuses_what_is_broken_and_says_why)
{
    is("{\"time.source\":\"2026-03-02T14:00:00Z\",\"sour", "- no JSON\n");
    is("{" T "} {}", "- no JSON\n");
    is("{\"a\":1}", "- no event\n");
    is("7", "- no event\n");
    is("{\"source.ip\":\"192.0.2.1\"}", "- no time\n");
    is("{\"time.source\":\"yesterday\"}", "- no time\n");
    is("{\"time.source\":\"1970-01-01T00:00:00Z\"}", "- time that cannot be\n");
    is("{\"time.source\":\"2150-01-01T00:00:00Z\"}", "- time that cannot be\n");
    is("{\"__type\":\"Report\",\"raw\":\"\"}", "~\n");
}

Test(intelmq, loses_no_good_record_beside_a_bad_one)
{
    is("{" T "}\n{\"half\n\n{" T ",\"source.ip\":\"192.0.2.1\"}\r\n{",
       "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  |\n- no JSON\n"
       "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  | ipv4-addr 192.0.2.1 source\n- no JSON\n");
    cr_expect_str_eq(remarks(), "2 records refused (2 no JSON)");
}

Test(intelmq, leaves_out_a_value_that_is_none)
{
    is("{" T ",\"source.ip\":\"300.1.2.3\",\"source.fqdn\":\"a b\",\"source.url\":\"http://\","
       "\"malware.hash.md5\":\"xyz\",\"destination.ip\":\"192.0.2.1\",\"source.account\":\"root\"}",
       "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  | ipv4-addr 192.0.2.1 destination\n");
    cr_expect_str_eq(remarks(), "4 values left out");
}

Test(intelmq, counts_unknown_words_as_they_were_written)
{
    static char many[64 * 1024];
    size_t len = 0;
    for (int i = 0; i < 70; i++)
        for (int n = 0; n < (i == 5 ? 3 : 1); n++)
            len += (size_t)snprintf(many + len, sizeof many - len,
                                    "{" T ",\"classification.type\":\"odd-%d\",\"source.geolocation.cc\":\"%s\"}\n", i,
                                    i < 2 ? "XX" : "ZZ");
    hear(&format_intelmq, many);
    cr_expect_eq(counter_read(&tally.events), 72);
    cr_expect(strstr(remarks(), "72 events of unknown class: 'odd-5' 3, 'odd-0' 1, "), "%s", remarks());
    cr_expect(strstr(remarks(), ", others 6; 2 events of unknown country: 'XX' 2"), "%s", remarks());
}

Test(intelmq, has_room_for_so_many_values)
{
    static char record[1 << 16];
    size_t len = (size_t)snprintf(record, sizeof record, "{" T);
    for (int i = 0; i < EVENT_OBSERVABLES_MAX + 5; i++)
        len += (size_t)snprintf(record + len, sizeof record - len, ",\"source.fqdn\":\"n%d.example\"", i);
    snprintf(record + len, sizeof record - len, "}");
    hear(&format_intelmq, record);
    cr_expect_eq(event_reader->event.observable_count, EVENT_OBSERVABLES_MAX);
    cr_expect_str_eq(remarks(), "5 values beyond an event's room");
}

Test(intelmq, cuts_long_texts_between_characters)
{
    static char record[2048];
    char name[600] = "";
    for (int i = 0; i < 200; i++)
        strcat(name, i == 0 ? "a" : "\xc3\xb1"); /* ñ */
    snprintf(record, sizeof record, "{" T ",\"feed.provider\":\"%s\"}", name);
    hear(&format_intelmq, record);
    cr_expect_eq(event_reader->event.reporter.len, 255);
    cr_expect(text_is_utf8(event_reader->event.reporter));
}

Test(intelmq, refuses_a_record_that_is_too_long)
{
    size_t len = FEED_LINE_MAX + 100;
    char *record = malloc(len + 1);
    memset(record, ' ', len);
    memcpy(record, "{", 1);
    memcpy(record + len - strlen(T "}\n{" T "}"), T "}\n{" T "}", strlen(T "}\n{" T "}") + 1);
    hear(&format_intelmq, record);
    cr_expect_str_eq(heard, "- too long\n2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  |\n");
    free(record);
}

Test(intelmq, is_recognised_by_its_keys)
{
    static const struct {
        const char *head;
        const char *format;
    } cases[] = {
        {"{\"__type\": \"Event\", \"raw\": \"", "intelmq"},
        {"half a line\"}\n{\"classification.type\":\"spam\"", "intelmq"},
        {"{\"feed.name\":\"x\",\"time.observation\" : \"2026", "intelmq"},
        {"[\n  {\n    \"time.source\": \"2026-", "intelmq"},
        {"{\"timestamp\":\"2026\",\"event_type\":\"dns\"", "eve"},
        {"[{\"event_type\":\"alert\",\"timestamp\":\"2026\"}", "eve"},
        {"{\"text\":\"\\\"__type\\\":1\"}", NULL},
        {"type,value\nurl,http://a.example/?\"__type\":1\n", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct format *f = format_of(bytes_text(cases[i].head));
        const char *got = f && f->read_event ? f->name : NULL;
        cr_expect((!got && !cases[i].format) || (got && cases[i].format && strcmp(got, cases[i].format) == 0), "%s: %s",
                  cases[i].head, got ? got : "none");
    }
}
