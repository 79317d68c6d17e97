#include "feed/misp.h"
#include "told.h"

static const char *read_text(const char *text)
{
    return told(&format_misp, TLP_AMBER, bytes_text(text));
}

#define ATTRIBUTE "\"type\":\"domain\",\"value\":\"a.example\",\"to_ids\":true,\"uuid\":\"u-1\""
#define TOLD      "1 domain-name a.example; id=u-1\n"

Test(misp, finds_attributes_in_every_wrapping)
{
    static const char *const documents[] = {
        "{\"Event\":{\"Attribute\":[{" ATTRIBUTE "}]}}",
        "{\"Event\":{\"Object\":[{\"name\":\"x\",\"Attribute\":[{" ATTRIBUTE "}]}]}}",
        "[{\"Event\":{\"Attribute\":[{" ATTRIBUTE "}]}}]",
        "{\"response\":[{\"Event\":{\"Attribute\":[{" ATTRIBUTE "}]}}]}",
        "{\"response\":{\"Attribute\":[{" ATTRIBUTE "}]}}",
        "{\"response\":{\"Object\":[{\"Attribute\":[{" ATTRIBUTE "}]}]}}",
        "{\"Attribute\":{" ATTRIBUTE "}}",
        "{\"Attribute\":[{" ATTRIBUTE "}]}",
        "[{\"Attribute\":{" ATTRIBUTE "}}]",
        "[{" ATTRIBUTE "}]",
        "{" ATTRIBUTE "}",
        "{\"Attribute\":[{" ATTRIBUTE "}],\"Tag\":[]}", /* an event without its wrapping */
        "\xef\xbb\xbf{\"Event\":{\"Attribute\":[{" ATTRIBUTE "}]}}",
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        cr_expect_str_eq(read_text(documents[i]), TOLD, "%s: %s", documents[i], told_text.at);
        cr_expect_eq(format_of(bytes_text(documents[i])), &format_misp, "%s", documents[i]);
    }
}

Test(misp, takes_no_attribute_from_elsewhere)
{
    static const char *const documents[] = {
        "{\"Event\":{\"ShadowAttribute\":[{" ATTRIBUTE "}]}}",
        "{\"Event\":{\"RelatedEvent\":[{\"Event\":{\"Attribute\":[{" ATTRIBUTE "}]}}]}}",
        "{\"Event\":{\"Attribute\":[]}}",
        "{\"response\":[]}",
        "{}",
        "[]",
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
        cr_expect_str_eq(read_text(documents[i]), "", "%s: %s", documents[i], told_text.at);
}

Test(misp, gives_each_type_its_place)
{
    static const struct {
        const char *type, *value, *told;
    } cases[] = {
        {"ip-src", "198.51.100.1", "ipv4-addr 198.51.100.1"},
        {"ip-dst", "2001:db8::1", "ipv6-addr 2001:db8::1"},
        {"ip-dst", "198.51.100.0/24", "ipv4-addr 198.51.100.0/24"},
        {"ip-dst|port", "198.51.100.1|443", "ip-port 198.51.100.1:443"},
        {"ip-src|port", "2001:db8::1|443", "ip-port [2001:db8::1]:443"},
        {"port", "443", NULL},
        {"domain", "Bad.Example.", "domain-name bad.example"},
        {"hostname", "www.bad[.]example", "domain-name www.bad.example"},
        {"hostname|port", "www.bad.example|443", "domain-name www.bad.example"},
        {"domain|ip", "bad.example|198.51.100.1", "domain-name bad.example\n1 ipv4-addr 198.51.100.1"},
        {"url", "hxxp://bad.example/x", "url http://bad.example/x"},
        {"uri", "http://bad.example/x", "url http://bad.example/x"},
        {"uri", "/gate.php", NULL},
        {"link", "http://blog.example/", NULL},
        {"email", "A@bad.example", "email-addr a@bad.example"},
        {"email-src", "a@bad.example", "email-addr a@bad.example"},
        {"email-dst", "a@bad.example", "email-addr a@bad.example"},
        {"md5", "D41D8CD98F00B204E9800998ECF8427E", "md5 d41d8cd98f00b204e9800998ecf8427e"},
        {"sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"filename", "evil.exe", "file-name evil.exe"},
        {"filename|md5", "a|b.exe|d41d8cd98f00b204e9800998ecf8427e",
         "file-name a|b.exe\n1 md5 d41d8cd98f00b204e9800998ecf8427e"},
        {"malware-sample", "b.exe|d41d8cd98f00b204e9800998ecf8427e",
         "file-name b.exe\n1 md5 d41d8cd98f00b204e9800998ecf8427e"},
        {"filename|ssdeep", "b.exe|3:x:y", "file-name b.exe"},
        {"user-agent", "Evil/1.0", "user-agent Evil/1.0"},
        {"ja3-fingerprint-md5", "d41d8cd98f00b204e9800998ecf8427e", "ja3 d41d8cd98f00b204e9800998ecf8427e"},
        {"hassh-md5", "d41d8cd98f00b204e9800998ecf8427e", "hassh d41d8cd98f00b204e9800998ecf8427e"},
        {"hasshserver-md5", "d41d8cd98f00b204e9800998ecf8427e", "hassh d41d8cd98f00b204e9800998ecf8427e"},
        {"x509-fingerprint-sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
         "x509-sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"x509-fingerprint-md5", "d41d8cd98f00b204e9800998ecf8427e", NULL},
        {"regkey|value", "a|b", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512], expected[512];
        snprintf(text, sizeof text, "{\"Attribute\":{\"type\":\"%s\",\"value\":\"%s\",\"to_ids\":1}}", cases[i].type,
                 cases[i].value);
        if (cases[i].told)
            snprintf(expected, sizeof expected, "1 %s\n", cases[i].told);
        else
            snprintf(expected, sizeof expected, "L 1 attributes of type %s: no such observable on the wire\n",
                     cases[i].type);
        cr_expect_str_eq(read_text(text), expected, "%s: %s", text, told_text.at);
    }
}

Test(misp, leaves_out_what_is_context_or_deleted)
{
    static const char *const context[] = {"false", "\"0\"", "0", "\"false\""}, *const meant[] = {"true", "\"1\"", "1",
                                                                                                 "null"};
    char text[512];
    for (size_t i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "{\"Attribute\":[{\"type\":\"domain\",\"value\":\"a.example\",\"to_ids\":%s}]}",
                 context[i]);
        cr_expect_str_eq(read_text(text), "L 1 attributes with to_ids false: context, no indicators\n");
        snprintf(text, sizeof text, "{\"Attribute\":[{\"type\":\"domain\",\"value\":\"a.example\",\"to_ids\":%s}]}",
                 meant[i]);
        cr_expect_str_eq(read_text(text), "1 domain-name a.example\n");
    }
    cr_expect_str_eq(read_text("{\"Event\":{\"Object\":[{\"Attribute\":[{" ATTRIBUTE "}],\"deleted\":true},"
                               "{\"Attribute\":[{" ATTRIBUTE "}],\"deleted\":false}],"
                               "\"Attribute\":[{" ATTRIBUTE ",\"deleted\":\"1\"}]}}"),
                     TOLD "L 2 attributes that were deleted\n");
    cr_expect_str_eq(read_text("{\"Attribute\":[{\"type\":\"domain\",\"value\":\"a.example\"}]}"),
                     "1 domain-name a.example\n"); /* not said: as the type has it by default */
}

/* An event's tags and name may stand behind its attributes. */
Test(misp, says_of_each_what_its_event_says)
{
    cr_expect_str_eq(
        read_text("{\"Event\":{\n\"Attribute\":[\n{" ATTRIBUTE ",\n\"comment\":\"why\",\"first_seen\":\"2020-01-01\","
                  "\"Tag\":[{\"name\":\"x;y\",\"colour\":\"#fff\"}]}],\n"
                  "\"info\":\"Campaign\",\"uuid\":\"e-1\",\"Tag\":[{\"name\":\"tlp:green\"},"
                  "{\"name\":\"rsit:malicious-code=\\\"c2-server\\\"\"},"
                  "{\"name\":\"misp:confidence-level=\\\"usually-confident\\\"\"}]}}"),
        "3 domain-name a.example; tlp=green; confidence=75; category=c2-server; tags=x,y;tlp:green;"
        "rsit:malicious-code=\"c2-server\";misp:confidence-level=\"usually-confident\"; description=Campaign: why; "
        "reference=e-1; id=u-1\n");
    cr_expect_str_eq(
        read_text("{\"response\":{\"Attribute\":[{" ATTRIBUTE ",\"Event\":{\"uuid\":\"e-2\",\"info\":\"Other\"}}]}}"),
        "1 domain-name a.example; description=Other; reference=e-2; id=u-1\n");
    cr_expect_str_eq(
        read_text(
            "{\"response\":[{\"Event\":{\"uuid\":\"e-1\",\"Tag\":[{\"name\":\"tlp:red\"}],\"Attribute\":[{" ATTRIBUTE
            "}]}},{\"Event\":{\"uuid\":\"e-2\",\"Attribute\":[{" ATTRIBUTE "}]}}]}"),
        "1 domain-name a.example; tlp=red; tags=tlp:red; reference=e-1; id=u-1\n"
        "1 domain-name a.example; reference=e-2; id=u-1\n");
}

Test(misp, takes_the_strictest_label_and_never_a_laxer_one_for_what_is_none)
{
    static const struct {
        const char *attribute, *event;
        enum tlp feed, expected;
    } cases[] = {
        {"", "", TLP_GREEN, TLP_GREEN},
        {"", "tlp:clear", TLP_AMBER, TLP_CLEAR},
        {"", "tlp:white", TLP_AMBER, TLP_CLEAR},
        {"tlp:amber+strict", "tlp:green", TLP_AMBER, TLP_AMBER_STRICT},
        {"tlp:green", "tlp:red", TLP_AMBER, TLP_RED},
        {"TLP:Green", "", TLP_AMBER, TLP_GREEN},
        {"", "tlp:ex:chr", TLP_GREEN, TLP_AMBER},
        {"tlp:clear", "tlp:unclear", TLP_RED, TLP_RED},
        {"tlp:clear", "tlp:unclear", TLP_CLEAR, TLP_AMBER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512], label[64];
        snprintf(text, sizeof text,
                 "{\"Event\":{\"Attribute\":[{" ATTRIBUTE
                 ",\"Tag\":[{\"name\":\"%s\"}]}],\"Tag\":[{\"name\":\"%s\"}]}}",
                 cases[i].attribute, cases[i].event);
        snprintf(label, sizeof label, "a.example; tlp=%s;", tlp_name(cases[i].expected));
        const char *said = told(&format_misp, cases[i].feed, bytes_text(text));
        cr_expect_eq(strstr(said, label) != NULL, cases[i].expected != TLP_AMBER, "%zu: %s", i, said);
        cr_expect_eq(strstr(said, "tlp=") != NULL, cases[i].expected != TLP_AMBER, "%zu: %s", i, said);
    }
}

Test(misp, takes_the_category_of_a_taxonomy_before_a_bare_word)
{
    static const char *const cases[][3] = {
        {"phishing", "", "phishing"},
        {"phishing", "rsit:malicious-code=\\\"c2-server\\\"", "c2-server"},
        {"csirt-americas:phishing", "rsit:malicious-code=\\\"c2-server\\\"", "phishing"},
        {"Emotet", "csirt-americas:malware", "infected-system"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512], label[64];
        snprintf(text, sizeof text,
                 "{\"Event\":{\"Attribute\":[{" ATTRIBUTE
                 ",\"Tag\":[{\"name\":\"%s\"}]}],\"Tag\":[{\"name\":\"%s\"}]}}",
                 cases[i][0], cases[i][1]);
        snprintf(label, sizeof label, "category=%s;", cases[i][2]);
        cr_expect(strstr(read_text(text), label), "%zu: %s", i, told_text.at);
    }
}

Test(misp, refuses_a_bad_attribute_with_its_place_and_takes_the_others)
{
    cr_expect_str_eq(
        read_text("{\"Event\":{\"Attribute\":[\n{\"type\":\"domain\",\"value\":\"a b\",\"uuid\":\"u-0\"},\n{" ATTRIBUTE
                  "},\n{\"type\":\"ip-dst|port\",\"value\":\"198.51.100.1\"},\n{\"type\":\"md5\"},\n{\"value\":1},\n"
                  "{\"type\":\"user-agent\",\"value\":\"x\\u0000y\"},\n{\"type\":\"ip-dst\",\"value\":\"198.51.100.7/"
                  "24\"}]}}"),
        "5 R attribute without uuid: without a value\n6 R attribute without uuid: without a type\n"
        "2 R attribute u-0: domain-name: expected a host name, found \"a b\"\n"
        "3 domain-name a.example; id=u-1\n"
        "4 R attribute without uuid: expected two values with a | between them, found \"198.51.100.1\"\n"
        "7 R attribute without uuid: user-agent: holds a NUL octet\n"
        "8 W attribute without uuid: host bits cleared, taken as 198.51.100.0/24\n8 ipv4-addr 198.51.100.0/24\n");
}

/* What would have marked it as red may be just what is missing. */
Test(misp, takes_what_stands_before_a_break_as_red)
{
    cr_expect_str_eq(read_text("{\"Event\":{\"Attribute\":[{" ATTRIBUTE "},\n{\"type\":1 \"value\""),
                     "2 B octet 99: malformed\n1 domain-name a.example; tlp=red; id=u-1\n");
    cr_expect_str_eq(read_text("{\"Event\":{\"Attribute\":[{\"value\":\"\xff\"}]}}"), "1 B not UTF-8\n");
}

Test(misp, bounds_the_text_of_tags_and_the_number_of_types_that_it_names)
{
    struct buffer text = {.at = NULL};
    buffer_text(&text, "{\"Event\":{\"Attribute\":[{" ATTRIBUTE "}],\"Tag\":[{\"name\":\"first\"}");
    for (int i = 0; i < 2000; i++)
        buffer_format(&text, ",{\"name\":\"tag-%d\"}", i);
    buffer_text(&text, ",{\"name\":\"tlp:red\"}]}}");
    const char *said = told(&format_misp, TLP_AMBER, buffer_bytes(&text));
    cr_expect_eq(told_indicators, 1);
    cr_expect(strlen(said) < 4200 && strstr(said, "tlp=red") && strstr(said, "tags=first;tag-0;tag-1"));

    buffer_clear(&text);
    buffer_text(&text, "[");
    for (int i = 0; i < 100; i++)
        buffer_format(&text, "%s{\"type\":\"t%d\",\"value\":\"x\",\"to_ids\":true}", i ? "," : "", i);
    buffer_text(&text, "]");
    said = told(&format_misp, TLP_AMBER, buffer_bytes(&text));
    cr_expect(strstr(said, "L 1 attributes of type t31: ") && strstr(said, "\nL 68 of other kinds\n"), "%s", said);
    buffer_free(&text);
}

Test(misp, survives_damage)
{
    static const char text[] =
        "{\"response\":[{\"Event\":{\"Attribute\":[{" ATTRIBUTE ",\"Tag\":[{\"name\":\"tlp:red\"}]}],"
        "\"Object\":[{\"Attribute\":[{\"type\":\"ip-dst|port\",\"value\":\"192.0.2.1|80\"}]}]}}]}";
    for (size_t len = 0; len < sizeof text; len++) {
        uint8_t cut[sizeof text];
        static const uint8_t octets[] = {0, '"', '{', '}', ']', ',', 0xff, '|'};
        memcpy(cut, text, len);
        told(&format_misp, TLP_AMBER, bytes_of(cut, len));
        cr_expect(told_indicators <= 2);
        for (size_t i = 0; i < len; i += 3) {
            memcpy(cut, text, len);
            cut[i] = octets[(i + len) % sizeof octets];
            told(&format_misp, TLP_AMBER, bytes_of(cut, len));
        }
    }
}

Test(misp, knows_its_own)
{
    static const struct {
        const char *head;
        const struct format *format;
    } cases[] = {
        {"{\"Event\": {", &format_misp},
        {"[ {\"Event\": {", &format_misp},
        {"{\n \"response\": [", &format_misp},
        {"{\"uuid\":\"x\",\"to_ids\":false", &format_misp},
        {"{\"0000\":{\"Orgc\":{\"name\":\"x\"}}}", NULL}, /* a manifest is read with its folder */
        {"{\"name\":\"a warninglist\",\"list\":[]}", NULL},
        {"[2001:db8::1]:443\n", &format_plain},
        {"Event\n", &format_plain},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(format_of(bytes_text(cases[i].head)), cases[i].format, "%s", cases[i].head);
    cr_expect_eq(format_named("misp"), &format_misp);
}

/* ---- the manifest */

static void list(void *to, const struct misp_listed *event)
{
    buffer_format(to, "%u %.*s %.*s\n", event->line, (int)event->uuid.len, (const char *)event->uuid.at,
                  (int)event->sha256.len, (const char *)event->sha256.at);
}

#define FIRST  "36a35f34-e476-510a-bbcd-7c2de26f2d44"
#define SECOND "36a35f34-e476-510a-bbcd-7c2de26f2d45"

Test(misp, reads_the_manifest_of_a_feed)
{
    struct buffer text = {.at = NULL};
    struct fail why = {.text = ""};
    cr_expect(misp_manifest_read(
        bytes_text("{\n\"" FIRST
                   "\":{\"info\":\"x\",\"Orgc\":{\"integrity:sha256\":\"1\"},\"integrity:sha256\":\"00ff\"},\n"
                   "\"" SECOND "\":{\"info\":\"z\",\"Tag\":[{\"name\":\"t\"}]},\n\"../x\":{\"info\":\"y\"}}"),
        list, &text, &why));
    buffer_char(&text, 0);
    cr_expect_str_eq(text.at, "2 " FIRST " 00ff\n3 " SECOND " \n4 ../x \n");
    cr_expect(!misp_manifest_read(bytes_text("[1,2]"), list, &text, &why));
    why.text[0] = 0;
    cr_expect(!misp_manifest_read(bytes_text("{\"a\":1}"), list, &text, &why));
    why.text[0] = 0;
    cr_expect(!misp_manifest_read(bytes_text("{\"a\":1"), list, &text, &why));
    buffer_free(&text);
}

Test(misp, lets_only_a_uuid_become_a_path)
{
    static const struct {
        const char *text;
        bool safe;
    } cases[] = {
        {"36a35f34-e476-510a-bbcd-7c2de26f2d44", true},  {"36A35F34-E476-510A-BBCD-7C2DE26F2D44", true},
        {"36a35f34-e476-510a-bbcd-7c2de26f2d4", false},  {"36a35f34-e476-510a-bbcd-7c2de26f2d444", false},
        {"36a35f34-e476-510a-bbcd/7c2de26f2d44", false}, {"../../../../../../../../../etc/passwd", false},
        {"../5f34-e476-510a-bbcd-7c2de26f2d444", false}, {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(misp_uuid_is_safe(bytes_text(cases[i].text)), cases[i].safe, "%s", cases[i].text);
}

/* A bound far above what it takes: it catches what grows faster than the document. */
Test(misp, reads_in_time_proportional_to_the_length)
{
    enum { ATTRIBUTES = 100000 };
    struct buffer text = {.at = NULL};
    buffer_text(&text, "{\"Event\":{\"Attribute\":[");
    for (int i = 0; i < ATTRIBUTES; i++)
        buffer_format(&text, "%s\n{\"type\":\"domain\",\"value\":\"x%d.example\",\"to_ids\":true}", i ? "," : "", i);
    buffer_text(&text, "],\"Tag\":[");
    for (int i = 0; i < ATTRIBUTES; i++)
        buffer_format(&text, "%s{\"name\":\"tlp:green\"}", i ? "," : "");
    buffer_text(&text, "]}}");
    told(&format_misp, TLP_AMBER, buffer_bytes(&text));
    cr_expect_eq(told_indicators, ATTRIBUTES);
    buffer_free(&text);
}
