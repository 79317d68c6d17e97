#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "feed/stix_pattern.h"
#include "model/indicator.h"

static struct stix_pattern pattern;
static struct fail warning, why;

static enum stix_verdict read_bytes(struct bytes text)
{
    uint8_t *exact = malloc(text.len + !text.len);
    cr_assert(exact);
    if (text.len)
        memcpy(exact, text.at, text.len);
    why = (struct fail){.text = ""};
    enum stix_verdict verdict = stix_pattern_read(&pattern, bytes_of(exact, text.len), &warning, &why);
    free(exact); /* what was read is the pattern's own */
    cr_expect_eq(verdict == STIX_TAKEN, why.text[0] == 0, "%s", why.text);
    return verdict;
}

/* `type=value type=value`, then what was warned of; or `! reason`. */
static const char *read_text(const char *text)
{
    static char out[8192];
    size_t len = 0;
    out[0] = 0;
    if (read_bytes(bytes_text(text)) != STIX_TAKEN) {
        snprintf(out, sizeof out, "! %s", why.text);
        return out;
    }
    for (size_t i = 0; i < stix_pattern_count(&pattern); i++) {
        enum observable_type type;
        struct bytes value = stix_pattern_value(&pattern, i, &type);
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%s=%.*s", i ? " " : "", observable_type_name(type),
                                (int)value.len, (const char *)value.at);
    }
    if (warning.text[0])
        snprintf(out + len, sizeof out - len, " (%s)", warning.text);
    return out;
}

static void free_pattern(void)
{
    stix_pattern_free(&pattern);
}

TestSuite(stix_pattern, .fini = free_pattern);

#define MD5    "79054025255fb1a26e4bc422aef54eb4"
#define SHA1   "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void expect(const char *const (*cases)[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(read_text(cases[i][0]), cases[i][1], "%s\n  %s", cases[i][0], read_text(cases[i][0]));
}

#define EXPECT(cases) expect(cases, sizeof(cases) / sizeof *(cases))

Test(stix_pattern, takes_an_equality_on_a_value_that_is_looked_for)
{
    static const char *const cases[][2] = {
        {"[ipv4-addr:value = '198.51.100.1']", "ipv4-addr=198.51.100.1"},
        {"[ipv4-addr:value='198.51.100.1']", "ipv4-addr=198.51.100.1"},
        {"  [ ipv6-addr:value == '2001:db8::/32' ] ", "ipv6-addr=2001:db8::/32"},
        {"[domain-name:value = 'bad.example']", "domain-name=bad.example"},
        {"[hostname:value = 'bad.example']", "domain-name=bad.example"},
        {"[url:value = 'http://bad.example/a?b=\\'c\\'']", "url=http://bad.example/a?b='c'"},
        {"[email-addr:value = 'a@bad.example']", "email-addr=a@bad.example"},
        {"[email-message:from_ref.value = 'a@bad.example']", "email-addr=a@bad.example"},
        {"[email-message:to_refs[*].value = 'a@bad.example']", "email-addr=a@bad.example"},
        {"[file:name = 'a\\\\b.exe']", "file-name=a\\b.exe"},
        {"[file:name = 'a\\b.exe']", "file-name=a\\b.exe"}, /* not escaped, as in the wild */
        {"[user-agent:value = 'Evil/1.0']", "user-agent=Evil/1.0"},
        {"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Evil/1.0']",
         "user-agent=Evil/1.0"},
        {"[network-traffic:dst_ref.value = '198.51.100.1']", "ipv4-addr=198.51.100.1"},
        {"[network-traffic:src_ref.value = 'bad.example']", "domain-name=bad.example"},
        {"[x509-certificate:hashes.'SHA-1' = '" SHA1 "']", "x509-sha1=" SHA1},
        {"/* why */ [domain-name:value = 'bad.example'] // so", "domain-name=bad.example"},
    };
    EXPECT(cases);
}

/* OpenCTI-Platform/connectors and AmnestyTech/investigations write all of these. */
Test(stix_pattern, takes_every_spelling_of_a_hash_key)
{
    static const char *const keys[] = {"'SHA-256'", "SHA-256", "'sha-256'", "sha256", "'SHA256'", "SHA_256", "Sha256"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char text[256];
        snprintf(text, sizeof text, "[file:hashes.%s='" SHA256 "']", keys[i]);
        cr_expect_str_eq(read_text(text), "sha256=" SHA256, "%s", text);
    }
    cr_expect_str_eq(read_text("[file:hashes.MD5 = '" MD5 "']"), "md5=" MD5);
    cr_expect_str_eq(read_text("[artifact:hashes.'sha-1' = '" SHA1 "']"), "sha1=" SHA1);
    cr_expect_str_eq(read_text("[file:hashes.ssdeep = 'x']"), "! file:hashes.ssdeep is nothing that is looked for");
    cr_expect_str_eq(read_text("[x509-certificate:hashes.MD5 = '" MD5 "']"),
                     "! x509-certificate:hashes.MD5 is nothing that is looked for");
}

Test(stix_pattern, takes_each_part_of_an_or)
{
    static const char *const cases[][2] = {
        {"[domain-name:value = 'a.example' OR domain-name:value = 'b.example']",
         "domain-name=a.example domain-name=b.example"},
        {"[domain-name:value = 'a.example'] OR ([url:value = 'http://b.example/'])",
         "domain-name=a.example url=http://b.example/"},
        {"[ipv4-addr:value IN ('198.51.100.1', '198.51.100.2')]", "ipv4-addr=198.51.100.1 ipv4-addr=198.51.100.2"},
        {"[ipv4-addr:value ISSUBSET '198.51.100.0/24']", "ipv4-addr=198.51.100.0/24"},
        {"[domain-name:value = 'a.example'] WITHIN 5 SECONDS", "domain-name=a.example"},
        {"[domain-name:value = 'a.example'] REPEATS 1 TIMES", "domain-name=a.example"},
        {"[domain-name:value = 'a.example' OR domain-name:value LIKE 'b%']",
         "domain-name=a.example (looks for less than the pattern: domain-name:value LIKE cannot be looked for by "
         "value)"},
        {"[domain-name:value = 'a.example'] OR [win-registry-key:key = 'x']",
         "domain-name=a.example (looks for less than the pattern: win-registry-key:key is nothing that is looked for)"},
        {"[domain-name:value = 'a.example'] OR [domain-name:value = 'b.example'] AND [domain-name:value = 'c.example']",
         "domain-name=a.example (looks for less than the pattern: a value alone does not make an AND or FOLLOWEDBY of "
         "observations true)"},
    };
    EXPECT(cases);
}

Test(stix_pattern, takes_the_strongest_part_of_an_and_and_says_so)
{
    static const char *const cases[][2] = {
        {"[file:name = 'x' AND file:hashes.'SHA-256' = '" SHA256 "']",
         "sha256=" SHA256 " (looks for more than the pattern: of an AND only its sha256)"},
        {"[file:hashes.MD5 = '" MD5 "' AND file:hashes.'SHA-256' = '" SHA256 "' AND file:name = 'x']",
         "sha256=" SHA256 " (looks for more than the pattern: of an AND only its sha256)"},
        {"[file:size = 3 AND file:name = 'x']",
         "file-name=x (looks for more than the pattern: of an AND only its file-name)"},
        {"[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.1']",
         "domain-name=a.example (looks for more than the pattern: of an AND only its domain-name)"},
        {"[domain-name:value = 'a.example' AND NOT domain-name:value = 'b.example']",
         "! octet 41: expected :, found \"domain-name:value = \""},
        {"[domain-name:value = 'a.example' AND domain-name:value != 'b.example']",
         "domain-name=a.example (looks for more than the pattern: of an AND only its domain-name)"},
        {"[(ipv4-addr:value = '198.51.100.1' OR ipv4-addr:value = '198.51.100.2') AND domain-name:value = 'a.example']",
         "domain-name=a.example (looks for more than the pattern: of an AND only its domain-name)"},
    };
    EXPECT(cases);
}

Test(stix_pattern, joins_an_address_and_the_port_of_the_same_end)
{
    static const char *const cases[][2] = {
        {"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.1' AND "
         "network-traffic:dst_port = 443]",
         "ip-port=198.51.100.1:443"},
        {"[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value = '2001:db8::1']",
         "ip-port=[2001:db8::1]:443"},
        {"[(network-traffic:dst_ref.value = '198.51.100.1' OR network-traffic:dst_ref.value = '198.51.100.2') AND "
         "network-traffic:dst_port = 443]",
         "ip-port=198.51.100.1:443 ip-port=198.51.100.2:443"},
        {"[network-traffic:dst_ref.value = '198.51.100.1' AND network-traffic:dst_port = 443 AND "
         "network-traffic:protocols[*] = 'tcp']",
         "ip-port=198.51.100.1:443 (looks for more than the pattern: of an AND only its ip-port)"},
        {"[network-traffic:src_ref.value = '198.51.100.1' AND network-traffic:dst_port = 443]",
         "ipv4-addr=198.51.100.1 (looks for more than the pattern: of an AND only its ipv4-addr)"},
        {"[network-traffic:dst_ref.value = '198.51.100.0/24' AND network-traffic:dst_port = 443]",
         "ipv4-addr=198.51.100.0/24 (looks for more than the pattern: of an AND only its ipv4-addr)"},
        {"[network-traffic:dst_ref.value = '198.51.100.1' AND network-traffic:dst_port > 443]",
         "ipv4-addr=198.51.100.1 (looks for more than the pattern: of an AND only its ipv4-addr)"},
    };
    EXPECT(cases);
}

Test(stix_pattern, says_why_no_value_alone_makes_it_true)
{
    static const char *const cases[][2] = {
        {"[domain-name:value = 'a.example'] AND [domain-name:value = 'b.example']",
         "! a value alone does not make an AND or FOLLOWEDBY of observations true"},
        {"[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']",
         "! a value alone does not make an AND or FOLLOWEDBY of observations true"},
        {"[domain-name:value = 'a.example'] REPEATS 5 TIMES", "! REPEATS needs several observations"},
        {"[domain-name:value = 'a.example'] START t'2020-01-01T00:00:00Z' STOP t'2020-01-02T00:00:00Z'",
         "! START and STOP are no condition that a value has"},
        {"[domain-name:value NOT = 'a.example']", "! domain-name:value NOT cannot be looked for by value"},
        {"[domain-name:value != 'a.example']", "! domain-name:value != cannot be looked for by value"},
        {"[url:value MATCHES '^http']", "! url:value MATCHES cannot be looked for by value"},
        {"[ipv4-addr:value ISSUPERSET '198.51.100.1']", "! ipv4-addr:value ISSUPERSET cannot be looked for by value"},
        {"[domain-name:value ISSUBSET '198.51.100.1']", "! domain-name:value ISSUBSET cannot be looked for by value"},
        {"[EXISTS domain-name:value]", "! EXISTS cannot be looked for by value"},
        {"[process:name = 'x']", "! process:name is nothing that is looked for"},
        {"[network-traffic:dst_port = 80]", "! a port or the kind of an address alone is nothing to look for"},
        {"[ipv4-addr:value IN ()]", "! ipv4-addr:value IN cannot be looked for by value"},
    };
    EXPECT(cases);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(read_bytes(bytes_text(cases[i][0])), STIX_BEYOND, "%s", cases[i][0]);
}

Test(stix_pattern, names_the_place_of_what_is_malformed)
{
    static const char *const cases[][2] = {
        {"", "! expected [, found the end"},
        {"file:size = 1280", "! octet 0: expected [, found \"file:size = 1280\""},
        {"[file:size = ]", "! octet 13: expected a value, found \"]\""},
        {"[file:size", "! expected a comparison, found the end"},
        {"[file.size = 1]", "! octet 5: expected :, found \".size = 1]\""},
        {"[file:name = 'x]", "! octet 13: expected a value, found \"'x]\""},
        {"[file:name = 'x'", "! expected ], found the end"},
        {"[file:name = 'x']]", "! octet 17: expected the end, found \"]\""},
        {"[file:size = 01]", "! octet 13: expected a value, found \"01]\""},
        {"[file:name LIKE 3]", "! octet 16: expected a string, found \"3]\""},
        {"[file:name = 'x'] WITHIN -5 SECONDS", "! octet 25: expected a number of seconds, found \"-5 SECONDS\""},
        {"[file:name = 'x'] START t'2020-01-01T00:00:00Z'", "! expected STOP, found the end"},
        {"[file:created = t'2020-01-01']", "! octet 16: expected a value, found \"t'2020-01-01']\""},
        {"[artifact:payload_bin = h'0']", "! octet 24: expected a value, found \"h'0']\""},
        {"[file:name = 'x' /* ]", "! octet 17: expected ], found \"/* ]\""},
    };
    EXPECT(cases);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(read_bytes(bytes_text(cases[i][0])), STIX_MALFORMED, "%s", cases[i][0]);
}

static const char *nested(unsigned depth)
{
    static char text[1024];
    memset(text, '(', depth);
    strcpy(text + depth, "[domain-name:value = 'a.example']");
    memset(text + strlen(text), ')', depth);
    text[depth + strlen("[domain-name:value = 'a.example']") + depth] = 0;
    return text;
}

Test(stix_pattern, bounds_depth_length_and_values)
{
    char text[1024];
    cr_expect_str_eq(read_text(strcpy(text, nested(STIX_PATTERN_DEPTH_MAX))), "domain-name=a.example");
    cr_expect(strstr(read_text(strcpy(text, nested(STIX_PATTERN_DEPTH_MAX + 1))), "nested too deep"));

    size_t len = STIX_PATTERN_OCTETS_MAX + 1;
    char *many = malloc(len + 1);
    cr_assert(many);
    memset(many, ' ', len);
    cr_expect_eq(read_bytes(bytes_of(many, len)), STIX_MALFORMED);
    size_t at = (size_t)sprintf(many, "[file:name IN ('x'");
    for (int i = 1; i < STIX_PATTERN_VALUES_MAX; i++)
        at += (size_t)sprintf(many + at, ",'x'");
    strcpy(many + at, ")]");
    cr_expect_eq(read_bytes(bytes_of(many, at + 2)), STIX_TAKEN);
    cr_expect_eq(stix_pattern_count(&pattern), STIX_PATTERN_VALUES_MAX);
    strcpy(many + at, ",'x')]");
    cr_expect_eq(read_bytes(bytes_of(many, at + 6)), STIX_MALFORMED);
    free(many);
}

Test(stix_pattern, survives_damage)
{
    static const char text[] = "([file:name='x\\'' AND file:hashes.'SHA-256' = 'y' OR a:b[*].c IN (1,-2.5,h'00',true)] "
                               "WITHIN 5.5 SECONDS) FOLLOWEDBY [network-traffic:dst_port = 1 AND "
                               "network-traffic:dst_ref.value = '192.0.2.1'] START t'2020-01-01T00:00:00.1Z' STOP '' ";
    for (size_t len = 0; len < sizeof text; len++) {
        uint8_t cut[sizeof text];
        for (size_t i = 0; i < len; i++) {
            static const uint8_t octets[] = {0, '\'', '\\', '[', ')', '*', 0xff, 'b'};
            memcpy(cut, text, len);
            cut[i] = octets[(i + len) % sizeof octets];
            read_bytes(bytes_of(cut, len));
        }
    }
}

/* ---- the tests of oasis-open/cti-pattern-validator and cti-pattern-matcher */

struct row {
    char pattern[8192], file[256];
    size_t len;
    bool refused; /* by them */
    bool judged;  /* by their grammar or by what we check of a value */
};

static bool take_row(void *to, struct bytes path, const struct json_value *v)
{
    struct row *r = to;
    if (bytes_equal(path, bytes_text("pattern")) && v->text.len < sizeof r->pattern) {
        memcpy(r->pattern, v->text.at, v->text.len);
        r->len = v->text.len;
    }
    if (bytes_equal(path, bytes_text("valid")))
        r->refused = !v->boolean;
    return true;
}

static bool all_values_are_such(void)
{
    char room[OBSERVABLE_VALUE_MAX];
    for (size_t i = 0; i < stix_pattern_count(&pattern); i++) {
        enum observable_type type;
        struct indicator_key key;
        struct fail changed = {.text = ""}, reason = {.text = ""};
        struct bytes value = stix_pattern_value(&pattern, i, &type);
        if (!indicator_key_read(type, value, room, &key, &changed, &reason))
            return false;
    }
    return true;
}

static unsigned each_row(const char *path, void (*look)(const struct row *r))
{
    FILE *file = fopen(path, "r");
    if (!file) {
        cr_skip_test("skipped: no shared data");
        return 0;
    }
    static char line[1 << 16];
    unsigned rows = 0;
    struct json_reader *reader = json_reader_new();
    for (; fgets(line, sizeof line, file); rows++) {
        static struct row r;
        r = (struct row){.len = 0};
        struct fail reason = {.text = ""};
        cr_assert(json_read(reader, bytes_text(line), take_row, &r, &reason), "%s", reason.text);
        look(&r);
    }
    json_reader_free(reader);
    fclose(file);
    return rows;
}

/* The validator lets no qualifier stand twice; the matcher does, and so do we. */
static bool stands_twice(const struct row *r)
{
    return memmem(r->pattern, r->len, "REPEATS 2 TIMES REPEATS", 23);
}

static void look_valid(const struct row *r)
{
    bool malformed = read_bytes(bytes_of(r->pattern, r->len)) == STIX_MALFORMED;
    bool refused = malformed || (why.text[0] == 0 && !all_values_are_such());
    cr_expect(refused == r->refused || stands_twice(r), "%.*s: %s", (int)r->len, r->pattern, why.text);
}

Test(stix_pattern, agrees_with_the_validator_of_oasis)
{
    unsigned rows = each_row("../shared/data/permissive/expected/stix-pattern-validate.jsonl", look_valid);
    cr_expect(rows == 0 || rows == 56);
}

static unsigned matched;

static bool take_match(void *to, struct bytes path, const struct json_value *v)
{
    struct row *r = to;
    take_row(to, path, v);
    if (bytes_equal(path, bytes_text("expect")))
        r->judged = v->kind == JSON_BOOL; /* "error": malformed, or beyond the matcher */
    return true;
}

/* What the matcher of OASIS can match, well-formed or not at all, is well-formed here. */
Test(stix_pattern, reads_all_that_the_matcher_of_oasis_matches)
{
    FILE *file = fopen("../shared/data/permissive/expected/stix-pattern-match.jsonl", "r");
    if (!file) {
        cr_skip_test("skipped: no shared data");
        return;
    }
    static char line[1 << 16];
    static struct row r;
    struct json_reader *reader = json_reader_new();
    while (fgets(line, sizeof line, file)) {
        r = (struct row){.len = 0};
        struct fail reason = {.text = ""};
        cr_assert(json_read(reader, bytes_text(line), take_match, &r, &reason), "%s", reason.text);
        matched += r.judged;
        if (r.judged)
            cr_expect_neq(read_bytes(bytes_of(r.pattern, r.len)), STIX_MALFORMED, "%.*s: %s", (int)r.len, r.pattern,
                          why.text);
    }
    cr_expect(matched > 300, "%u", matched);
    json_reader_free(reader);
    fclose(file);
}
