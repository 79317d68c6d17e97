#include "hear_events.h"

#define T    "\"timestamp\":\"2026-03-02T14:00:00.123456+0000\",\"event_type\":\"alert\""
#define ENDS "\"src_ip\":\"192.0.2.1\",\"src_port\":40001,\"dest_ip\":\"203.0.113.80\",\"dest_port\":80"
#define SEEN                                                                                                           \
    "ipv4-addr 192.0.2.1 source, ip-port 192.0.2.1:40001 source, ipv4-addr 203.0.113.80 destination, ip-port "         \
    "203.0.113.80:80 destination"

static void is(const char *record, const char *expected)
{
    const char *got = hear(&format_eve, record);
    cr_expect_str_eq(got, expected, "%s\n  expected %s  got      %s", record, expected, got);
}

Test(eve, reads_an_alert)
{
    is("{" T ",\"flow_id\":1234567890123456,\"host\":\"tap-3\"," ENDS ",\"proto\":\"TCP\",\"alert\":{\"action\":"
       "\"allowed\",\"gid\":1,\"signature_id\":2001219,\"rev\":19,\"signature\":\"ET SCAN\",\"category\":\"Attempted "
       "Information Leak\",\"severity\":2},\"app_proto\":\"http\"}\n",
       "2026-03-02T14:00:00Z -/- scanner amber -1 1 tap-3 1:2001219:19/1234567890123456 | " SEEN "\n");
}

Test(eve, passes_over_what_is_no_alert)
{
    is("{\"timestamp\":\"2026-03-02T14:00:00+0000\",\"event_type\":\"flow\"," ENDS "}\n{" T "," ENDS "}\n",
       "~\n2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  | " SEEN "\n");
    cr_expect_eq(counter_read(&tally.passed), 1);
    cr_expect_str_eq(remarks(), "");
}

/* suricata.yaml: a rule's `target` keyword. */
Test(eve, takes_source_and_target_where_the_rule_names_them)
{
    is("{" T "," ENDS ",\"alert\":{\"source\":{\"ip\":\"203.0.113.80\",\"port\":80},\"target\":{\"ip\":\"192.0.2.1\","
       "\"port\":40001}}}",
       "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  | ipv4-addr 203.0.113.80 source, ip-port 203.0.113.80:80 "
       "source, ipv4-addr 192.0.2.1 destination, ip-port 192.0.2.1:40001 destination\n");
}

Test(eve, reads_what_the_packet_was_of)
{
    static const char *const cases[][2] = {
        {"\"http\":{\"hostname\":\"Bad.Example\",\"url\":\"/a/b?c\",\"http_user_agent\":\"curl/8\"}",
         "user-agent curl/8 text, url http://bad.example/a/b?c text, domain-name bad.example text"},
        {"\"http\":{\"hostname\":\"bad.example\",\"http_port\":8080,\"url\":\"/\"}",
         "url http://bad.example:8080/ text, domain-name bad.example text"},
        {"\"http\":{\"url\":\"http://proxy.example/x\"}",
         "url http://proxy.example/x text, domain-name proxy.example text"},
        {"\"dns\":{\"query\":[{\"type\":\"query\",\"rrname\":\"a.example\"}]}", "domain-name a.example text"},
        {"\"dns\":{\"queries\":[{\"rrname\":\"a.example\"}],\"answers\":[{\"rrname\":\"a.example\",\"rdata\":"
         "\"192.0.2.9\"}],\"grouped\":{\"A\":[\"192.0.2.9\"],\"CNAME\":[\"b.example\"]}}",
         "domain-name a.example text, ipv4-addr 192.0.2.9 text, domain-name b.example text"},
        {"\"dns\":{\"type\":\"answer\",\"rrname\":\"a.example\",\"rdata\":\"some text\"}",
         "domain-name a.example text"},
        {"\"tls\":{\"sni\":\"s.example\",\"fingerprint\":\"aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:"
         "dd\","
         "\"ja3\":{\"hash\":\"d41d8cd98f00b204e9800998ecf8427e\"},\"ja4\":\"t13d1516h2_8daaf6152771_02713d6af862\"}",
         "domain-name s.example text, x509-sha1 aabbccddeeff00112233445566778899aabbccdd text, ja3 "
         "d41d8cd98f00b204e9800998ecf8427e text, ja4 t13d1516h2_8daaf6152771_02713d6af862 text"},
        {"\"fileinfo\":{\"filename\":\"/x/y.exe\",\"md5\":\"d41d8cd98f00b204e9800998ecf8427e\"}",
         "file-name y.exe text, md5 d41d8cd98f00b204e9800998ecf8427e text"},
        {"\"smtp\":{\"helo\":\"mx.example\",\"mail_from\":\"<A@b.example>\",\"rcpt_to\":[\"<c@d.example>\"]}",
         "domain-name mx.example text, email-addr a@b.example text, domain-name b.example text, email-addr c@d.example "
         "text, domain-name d.example text"},
        {"\"email\":{\"from\":\"Somebody <e@f.example>\"}", "email-addr e@f.example text, domain-name f.example text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char record[1024], expected[1024];
        snprintf(record, sizeof record, "{" T ",%s}", cases[i][0]);
        snprintf(expected, sizeof expected, "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  | %s\n",
                 cases[i][1]);
        is(record, expected);
        cr_expect_str_eq(remarks(), "", "%s: %s", record, remarks());
    }
}

/* Suricata's classification.config. */
Test(eve, knows_suricatas_classes)
{
    static const char *const cases[][2] = {
        {"A Network Trojan was detected", "infected-system"},
        {"Malware Command and Control Activity Detected", "c2-server"},
        {"Web Application Attack", "exploit"},
        {"Detection of a Network Scan", "scanner"},
        {"access to a potentially vulnerable web application", "exploit"},
        {"Possible Social Engineering Attempted", "social-engineering"},
        {"phishing", "phishing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char record[256], expected[256];
        snprintf(record, sizeof record, "{" T ",\"alert\":{\"category\":\"%s\"}}", cases[i][0]);
        snprintf(expected, sizeof expected, "2026-03-02T14:00:00Z -/- %s amber -1 1 own  |\n", cases[i][1]);
        is(record, expected);
    }
    is("{" T ",\"alert\":{\"category\":\"House rule\"}}", "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  |\n");
    cr_expect_str_eq(remarks(), "1 event of unknown class: 'House rule' 1");
}

Test(eve, refuses_what_is_none)
{
    is("{\"timestamp\":\"2026-03-02T14:00:00+0000\"}", "- no event\n");
    is("{\"event_type\":\"alert\"}", "- no time\n");
    is("{\"event_type\":\"alert\",\"timestamp\":\"1970-01-01T00:00:10+0000\"}", "- time that cannot be\n");
    is("[1,2]", "- no event\n");
}

Test(eve, reads_an_array_of_records_on_many_lines)
{
    struct frames frames =
        frames_of(bytes_text("\n[\n  {\n    " T "\n  },\n  {" T ",\"host\":\"}\\\"{\"}, {\"a\": 1}\n]\n"));
    struct bytes frame;
    unsigned lines[3] = {0}, n = 0;
    forget();
    while (frames_next(&frames, &frame, true)) {
        hear_one(&format_eve, frame);
        if (n < 3)
            lines[n++] = (unsigned)frames.line;
    }
    cr_expect_str_eq(heard, "2026-03-02T14:00:00Z -/- undetermined amber -1 1 own  |\n"
                            "2026-03-02T14:00:00Z -/- undetermined amber -1 1 }\"{  |\n- no event\n");
    cr_expect(lines[0] == 3 && lines[1] == 6 && lines[2] == 6, "%u %u %u", lines[0], lines[1], lines[2]);
}

/* Alerts of two real sensors; how many, jq says: `jq length`. */
Test(eve, reads_every_alert_of_real_sensors)
{
    static const struct {
        const char *path;
        unsigned alerts;
    } cases[] = {
        {"../shared/data/permissive/events/eve-hassanabad/samples/honeypot-2018/alerts-only.json", 44},
        {"../shared/data/permissive/events/eve-hassanabad/samples/wrccdc-2018/alerts-only.json", 207},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes content = file_of(cases[i].path);
        if (!content.len)
            cr_skip("skipped: no shared data");
        hear_all(&format_eve, content);
        cr_expect_eq(counter_read(&tally.events), cases[i].alerts, "%s: %u", cases[i].path,
                     (unsigned)counter_read(&tally.events));
        cr_expect_eq(tally_refused(&tally), 0);
        cr_expect_eq(counter_read(&tally.classes.all), 0, "%s", remarks());
    }
}
