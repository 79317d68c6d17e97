#include "told.h"

static const char *read_text(const char *text)
{
    return told(&format_stix, TLP_AMBER, bytes_text(text));
}

#define INDICATOR                                                                                                      \
    "\"type\":\"indicator\",\"id\":\"indicator--1\",\"pattern_type\":\"stix\",\"pattern\":\"[domain-name:value = "     \
    "'a.example']\""
#define TOLD "1 domain-name a.example; id=indicator--1\n"

Test(stix, finds_indicators_in_every_wrapping)
{
    static const char *const documents[] = {
        "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{" INDICATOR "}]}",
        "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"spec_version\":\"2.0\",\"objects\":[{" INDICATOR "}]}",
        "{\"objects\":[{" INDICATOR "}],\"more\":false}", /* TAXII 2.1 */
        "{" INDICATOR "}",
        "[{" INDICATOR "}]",
        "[{\"type\":\"bundle\",\"objects\":[{" INDICATOR "}]}]",
        "{\"type\":\"bundle\",\"objects\":[{\"type\":\"indicator\",\"id\":\"indicator--1\",\"pattern\":"
        "\"[domain-name:value = 'a.example']\"}]}", /* 2.0 has no pattern_type */
        "\xef\xbb\xbf{\"objects\":[{" INDICATOR "}]}",
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        cr_expect_str_eq(read_text(documents[i]), TOLD, "%s: %s", documents[i], told_text.at);
        cr_expect_eq(format_of(bytes_text(documents[i])), &format_stix, "%s", documents[i]);
    }
    cr_expect_str_eq(read_text("{\"type\":\"bundle\",\"id\":\"bundle--1\"}"), "");
    cr_expect_str_eq(read_text("{\"objects\":[]}"), "");
    cr_expect_str_eq(read_text("{\"other\":[{" INDICATOR "}]}"),
                     "1 R expected a bundle, an envelope or objects of STIX 2\n");
}

Test(stix, reads_what_an_indicator_says_of_itself)
{
    cr_expect_str_eq(
        read_text(
            "{\"objects\":[\n{\"type\":\"indicator\",\"id\":\"indicator--2\",\n\"pattern\":\"[ipv4-addr:value = "
            "'198.51.100.1'] OR [url:value='http://a.example/x']\",\"pattern_type\":\"stix\","
            "\"valid_from\":\"2026-01-01T00:00:00.000Z\",\"valid_until\":\"2026-02-01T00:00:00Z\","
            "\"confidence\":80,\"name\":\"C2\",\"description\":\"seen\",\"labels\":[\"a;b\"],"
            "\"indicator_types\":[\"malicious-activity\",\"phishing\"],\"external_references\":[{\"source_name\":"
            "\"x\"},{\"source_name\":\"y\",\"url\":\"https://x.example/1\"},{\"url\":\"https://x.example/2\"}]}]}"),
        "3 ipv4-addr 198.51.100.1; confidence=80; category=phishing; from=2026-01-01T00:00:00Z; "
        "until=2026-02-01T00:00:00Z; tags=a,b;malicious-activity;phishing; description=C2: seen; "
        "reference=https://x.example/1; id=indicator--2\n"
        "3 url http://a.example/x; confidence=80; category=phishing; from=2026-01-01T00:00:00Z; "
        "until=2026-02-01T00:00:00Z; tags=a,b;malicious-activity;phishing; description=C2: seen; "
        "reference=https://x.example/1; id=indicator--2\n");
}

static const char *marked(const char *refs, const char *definitions, enum tlp feed)
{
    static char text[2048];
    snprintf(text, sizeof text, "{\"objects\":[{" INDICATOR ",\"object_marking_refs\":[%s]}%s]}", refs, definitions);
    const char *said = told(&format_stix, feed, bytes_text(text)), *label = strstr(said, "tlp=");
    static char found[32];
    snprintf(found, sizeof found, "%.*s", label ? (int)strcspn(label + 4, ";") : 5, label ? label + 4 : "amber");
    return found;
}

/* The ids are those of STIX 2.1, 7.2.1.4, and of oasis-open/cti-stix-common-objects. */
Test(stix, knows_the_markings_of_tlp_1_and_2)
{
    static const char *const cases[][2] = {
        {"613f2e26-407d-48c7-9eca-b8e91df99dc9", "clear"}, {"34098fce-860f-48ae-8e50-ebd3cc5e41da", "green"},
        {"f88d31f6-486f-44da-b317-01333bde0b82", "amber"}, {"5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red"},
        {"94868c89-83c2-464b-929b-a1a8aa3c8487", "clear"}, {"bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "green"},
        {"55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber"}, {"939a9414-2ddd-4d32-a0cd-375ea402b003", "amber+strict"},
        {"e828b379-4e03-4974-9ac4-e53a884c97c1", "red"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char refs[128];
        snprintf(refs, sizeof refs, "\"marking-definition--%s\"", cases[i][0]);
        cr_expect_str_eq(marked(refs, "", TLP_RED), cases[i][1], "%s", cases[i][0]);
    }
}

#define GREEN "\"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb\""
#define OWN   "\"marking-definition--0\""

Test(stix, takes_the_strictest_marking_wherever_it_is_defined)
{
    static const char tlp1[] = ",{\"type\":\"marking-definition\",\"id\":" OWN
                               ",\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"red\"}}";
    static const char tlp2[] = ",{\"type\":\"marking-definition\",\"id\":" OWN
                               ",\"extensions\":{\"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d\":"
                               "{\"extension_type\":\"property-extension\",\"tlp_2_0\":\"amber+strict\"}}}";
    static const char statement[] = ",{\"type\":\"marking-definition\",\"id\":" OWN
                                    ",\"definition_type\":\"statement\",\"definition\":{\"statement\":\"(c)\"}}";
    cr_expect_str_eq(marked("", "", TLP_GREEN), "green");
    cr_expect_str_eq(marked(GREEN, "", TLP_RED), "green");
    cr_expect_str_eq(marked(GREEN "," OWN, tlp1, TLP_CLEAR), "red");
    cr_expect_str_eq(marked(GREEN "," OWN, tlp2, TLP_CLEAR), "amber+strict");
    cr_expect_str_eq(marked(GREEN "," OWN, statement, TLP_RED), "green");
    cr_expect_str_eq(marked(OWN, statement, TLP_GREEN), "green");
    cr_expect_str_eq(marked(GREEN "," OWN, "", TLP_CLEAR), "amber"); /* it leads nowhere */
    cr_expect_str_eq(marked(GREEN "," OWN, "", TLP_RED), "red");
    cr_expect_str_eq(marked(GREEN "],\"granular_markings\":[{\"marking_ref\":" OWN
                                  ",\"selectors\":[\"name\"]}],\"labels\":[",
                            tlp1, TLP_CLEAR),
                     "red");
    cr_expect_str_eq(marked("],\"labels\":[\"tlp:amber+strict\"", "", TLP_CLEAR), "amber+strict");
}

Test(stix, leaves_out_what_is_revoked_older_or_no_stix_pattern)
{
    cr_expect_str_eq(
        read_text(
            "{\"objects\":[{" INDICATOR ",\"revoked\":true},"
            "{\"type\":\"indicator\",\"id\":\"indicator--3\",\"pattern_type\":\"yara\",\"pattern\":\"rule x {}\"},"
            "{\"type\":\"indicator\",\"id\":\"indicator--4\",\"pattern_type\":\"yara\",\"pattern\":\"rule y {}\"},"
            "{\"type\":\"malware\",\"id\":\"malware--1\"},{\"type\":\"identity\"}]}"),
        "L 2 objects that are no indicators\nL 1 indicators that were revoked\n"
        "L 2 indicators with a pattern of type yara: only STIX patterns are read\n");
    cr_expect_str_eq(read_text("{\"objects\":[{" INDICATOR ",\"modified\":\"2026-02-01T00:00:00Z\",\"revoked\":true},"
                               "{" INDICATOR ",\"modified\":\"2026-01-01T00:00:00Z\"}]}"),
                     "L 1 indicators that were revoked\nL 1 older versions of indicators\n");
}

Test(stix, refuses_a_bad_indicator_by_its_id_and_takes_the_others)
{
    cr_expect_str_eq(
        read_text(
            "{\"objects\":[{\"type\":\"indicator\",\"id\":\"indicator--5\",\n\"pattern\":\"[domain-name:value = ]\"},"
            "{\"type\":\"indicator\",\"id\":\"indicator--6\",\n\"pattern\":\"[process:name = 'x']\"},"
            "{\"type\":\"indicator\",\"id\":\"indicator--7\",\n\"pattern\":\"[ipv4-addr:value = 'x']\"},"
            "{\"type\":\"indicator\",\"id\":\"indicator--8\",\"valid_from\":\"soon\",\n\"pattern\":\"[file:name='x']\"}"
            ","
            "{\"type\":\"indicator\",\"valid_from\":\"2026-01-01T00:00:00Z\",\"valid_until\":\"2026-01-01T00:00:00Z\","
            "\n\"pattern\":\"[file:name='x']\"},"
            "{\"type\":\"indicator\",\"id\":\"indicator--9\"},\n"
            "{" INDICATOR ",\"confidence\":101}]}"),
        "2 R indicator--5: pattern: octet 21: expected a value, found \"]\"\n"
        "3 R indicator--6: pattern: process:name is nothing that is looked for\n"
        "4 R indicator--7: ipv4-addr: expected an IP address or CIDR block, found \"x\"\n"
        "5 R indicator--8: valid_from: expected a time as in RFC 3339, found \"soon\"\n"
        "6 R an indicator without id: valid_until: expected a time behind valid_from\n"
        "6 R indicator--9: pattern: expected [, found the end\n"
        "7 W indicator--1: confidence: expected a number from 0 to 100, found \"101\"\n"
        "7 domain-name a.example; id=indicator--1\n");
}

Test(stix, warns_where_it_looks_for_more_or_less_than_the_pattern)
{
    cr_expect_str_eq(
        read_text(
            "{\"type\":\"indicator\",\"id\":\"indicator--1\",\"pattern\":\"[file:name = 'x' AND file:hashes.md5 = "
            "'d41d8cd98f00b204e9800998ecf8427e']\"}"),
        "1 W indicator--1: pattern: looks for more than the pattern: of an AND only its md5\n"
        "1 md5 d41d8cd98f00b204e9800998ecf8427e; id=indicator--1\n");
}

/* The definition of a marking may be just what is missing. */
Test(stix, takes_what_stands_before_a_break_and_what_is_not_resolved_as_red)
{
    cr_expect_str_eq(read_text("{\"objects\":[{" INDICATOR ",\"object_marking_refs\":[" OWN "]},\n{\"type\":1 2"),
                     "2 B octet 180: malformed\n1 domain-name a.example; tlp=red; id=indicator--1\n");
}

Test(stix, survives_damage)
{
    static const char text[] = "{\"objects\":[{" INDICATOR ",\"object_marking_refs\":[" OWN "],\"labels\":[\"x\"]},"
                               "{\"type\":\"marking-definition\",\"id\":" OWN ",\"definition\":{\"tlp\":\"red\"}}]}";
    for (size_t len = 0; len < sizeof text; len++) {
        uint8_t cut[sizeof text];
        static const uint8_t octets[] = {0, '"', '{', '}', ']', ',', 0xff, '\''};
        memcpy(cut, text, len);
        told(&format_stix, TLP_AMBER, bytes_of(cut, len));
        cr_expect(told_indicators <= 1);
        for (size_t i = 0; i < len; i += 3) {
            memcpy(cut, text, len);
            cut[i] = octets[(i + len) % sizeof octets];
            told(&format_stix, TLP_AMBER, bytes_of(cut, len));
        }
    }
}

/* A bound far above what it takes: it catches what grows faster than the document. */
Test(stix, reads_in_time_proportional_to_the_length)
{
    enum { OBJECTS = 50000 };
    struct buffer text = {.at = NULL};
    buffer_text(&text, "{\"objects\":[");
    for (int i = 0; i < OBJECTS; i++)
        buffer_format(
            &text,
            "%s{\"type\":\"indicator\",\"id\":\"indicator--%d\",\"pattern\":\"[domain-name:value='x%d.example']\","
            "\"object_marking_refs\":[\"marking-definition--%d\"]},\n"
            "{\"type\":\"marking-definition\",\"id\":\"marking-definition--%d\",\"definition\":{\"tlp\":\"green\"}}",
            i ? "," : "", i, i, i, i);
    buffer_text(&text, "]}");
    told(&format_stix, TLP_AMBER, buffer_bytes(&text));
    cr_expect_eq(told_indicators, OBJECTS);
    buffer_free(&text);
}
