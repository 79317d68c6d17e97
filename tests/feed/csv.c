#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "feed/format.h"

/* What a content gave, one line each: `line type value[; column=…]`, `line W text`, `line R text`. */
static char told[1 << 16];
static size_t told_len, indicators, refusals;

static void tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    told_len += (size_t)vsnprintf(told + told_len, sizeof told - told_len, format, args);
    va_end(args);
    cr_assert(told_len < sizeof told);
}

static void tell_text(const char *name, struct bytes text)
{
    if (text.len)
        tell("; %s=%.*s", name, (int)text.len, (const char *)text.at);
}

static void on_indicator(void *to, unsigned line, const struct indicator_key *key, const struct indicator_source *s)
{
    (void)to;
    indicators++;
    char value[OBSERVABLE_VALUE_MAX];
    size_t len = indicator_value_write(key, value);
    tell("%u %s %s%.*s", line, observable_type_name(key->type), key->only ? "=" : "", (int)len, value);
    if (key->where != WHERE_ANY)
        tell("; where=%s", where_name(key->where));
    if (s->confidence != 50)
        tell("; confidence=%d", s->confidence);
    if (s->tlp != TLP_AMBER)
        tell("; tlp=%s", tlp_name(s->tlp));
    if (s->valid_from_ns != INDICATOR_ALWAYS)
        tell("; from=%lld", (long long)s->valid_from_ns);
    if (s->valid_until_ns != INDICATOR_EVER)
        tell("; until=%lld", (long long)s->valid_until_ns);
    if (s->category != CATEGORY_UNDETERMINED)
        tell("; category=%s", category_type(s->category));
    if (!bytes_equal(s->feed, bytes_text("own")))
        tell_text("source", s->feed);
    tell_text("tags", s->tags);
    tell_text("description", s->description);
    tell_text("reference", s->reference);
    tell_text("id", s->id);
    tell("\n");
}

static void on_warning(void *to, unsigned line, const char *text)
{
    (void)to;
    tell("%u W %s\n", line, text);
}

static void on_refused(void *to, unsigned line, const char *text)
{
    (void)to;
    refusals++;
    tell("%u R %s\n", line, text);
}

static const struct feed_sink sink = {.indicator = on_indicator, .warning = on_warning, .refused = on_refused};

static const char *read_bytes(struct bytes content)
{
    struct feed feed = {.name = "own", .tlp = TLP_AMBER, .confidence = 50, .category = CATEGORY_UNDETERMINED};
    told_len = indicators = refusals = 0;
    told[0] = 0;
    format_csv.read(content, &feed, &sink);
    return told;
}

static const char *read_text(const char *content)
{
    return read_bytes(bytes_text(content));
}

Test(csv, needs_only_type_and_value)
{
    cr_expect_str_eq(read_text("type,value\ndomain-name,Bad[.]Example\nipv4-addr,192.0.2.0/24\n"),
                     "2 domain-name bad.example\n3 ipv4-addr 192.0.2.0/24\n");
}

Test(csv, reads_every_column)
{
    cr_expect_str_eq(
        read_text(
            "type,value,where,confidence,tlp,valid_from,valid_until,category,tags,source,description,reference,id\n"
            "domain-name,=bad.example,tls.sni,80,TLP:GREEN,1970-01-01T00:00:01Z,1970-01-01T00:00:02,c2-server,a;b,"
            "partner,said so,https://x.example/1,R-1\n"),
        "2 domain-name =bad.example; where=tls.sni; confidence=80; tlp=green; from=1000000000; until=2000000000; "
        "category=c2-server; source=partner; tags=a;b; description=said so; reference=https://x.example/1; id=R-1\n");
}

Test(csv, takes_the_columns_in_any_order_and_case)
{
    cr_expect_str_eq(read_text("\"Tags\",VALUE, Type ,confidence\nx,bad.example,domain-name,0\n"),
                     "2 domain-name bad.example; confidence=0; tags=x\n");
}

Test(csv, leaves_what_is_empty_to_the_feed)
{
    cr_expect_str_eq(
        read_text("type,value,where,confidence,tlp,valid_from,valid_until,category,tags,source,description,"
                  "reference,id\nurl,http://a.example/,,, ,,,,,,,,\n"),
        "2 url http://a.example/\n");
}

Test(csv, ends_a_date_at_the_next_midnight)
{
    cr_expect_str_eq(
        read_text("type,value,valid_from,valid_until\nmd5,d41d8cd98f00b204e9800998ecf8427e,1970-01-02,1970-01-02\n"),
        "2 md5 d41d8cd98f00b204e9800998ecf8427e; from=86400000000000; until=172800000000000\n");
}

/* RFC 4180, 2. */
Test(csv, reads_quoted_fields)
{
    static const char *const cases[][2] = {
        {"domain-name,bad.example,\"a,b\"\n", "2 domain-name bad.example; description=a,b\n"},
        {"domain-name,bad.example,\"say \"\"x\"\"\"\n", "2 domain-name bad.example; description=say \"x\"\n"},
        {"domain-name,bad.example,\"\"\"\"\n", "2 domain-name bad.example; description=\"\n"},
        {"domain-name,bad.example,\"\"\n", "2 domain-name bad.example\n"},
        {"domain-name,bad.example,\"a\r\nb\"\r\ndomain-name,c.example,\r\n",
         "2 domain-name bad.example; description=a\r\nb\n4 domain-name c.example\n"},
        {"\"domain-name\", \"bad.example\" ,\"x\"",
         "2 domain-name bad.example; description=x\n"}, /* as ThreatFox writes */
        {"domain-name,bad.example,a \"quote\" inside", "2 domain-name bad.example; description=a \"quote\" inside\n"},
        {"domain-name,bad.example,\"1\"\"2\"\ndomain-name,c.example,\"3\"\"4\"",
         "2 domain-name bad.example; description=1\"2\n3 domain-name c.example; description=3\"4\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char content[512];
        snprintf(content, sizeof content, "type,value,description\n%s", cases[i][0]);
        cr_expect_str_eq(read_text(content), cases[i][1]);
    }
}

Test(csv, skips_comments_empty_lines_and_the_byte_order_mark)
{
    cr_expect_str_eq(
        read_text("\xef\xbb\xbf# of our own\r\n\r\ntype,value\r\n# one\r\n\r\ndomain-name,bad.example\r\n#end"),
        "6 domain-name bad.example\n");
    cr_expect_str_eq(read_text("type,value\n\"domain-name\",\"bad.example\"\n#"), "2 domain-name bad.example\n");
}

Test(csv, warns_once_of_a_column_that_it_does_not_know)
{
    cr_expect_str_eq(
        read_text("# x\ntype,colour,value,\x01,value\ndomain-name,red,bad.example,,x\ndomain-name,,c.example,,\n"),
        "2 W unknown column \"colour\"\n2 W unknown column \"\\x01\"\n"
        "2 W column twice, only the first counts: \"value\"\n"
        "3 domain-name bad.example\n4 domain-name c.example\n");
}

Test(csv, tells_what_it_changed)
{
    cr_expect_str_eq(read_text("type,value\nipv4-addr,10.1.2.3/8\nipv4-addr,2001:db8::1\n"),
                     "2 W value: host bits cleared, taken as 10.0.0.0/8\n2 ipv4-addr 10.0.0.0/8\n"
                     "3 W value: 2001:db8::1 is no ipv4-addr, taken as ipv6-addr\n3 ipv6-addr 2001:db8::1\n");
}

Test(csv, refuses_a_bad_record_and_reads_on)
{
    static const char *const cases[][2] = {
        {"domain-name,a b,,,,,", "value: domain-name: expected a host name, found \"a b\""},
        {"domain-name,,,,,,", "value: domain-name: expected a host name, found \"\""},
        {",bad.example,,,,,", "type: expected a type (such as domain-name, ipv4-addr, url), found \"\""},
        {"domain,bad.example,,,,,", "type: expected a type (such as domain-name, ipv4-addr, url), found \"domain\""},
        {"md5,abc,,,,,", "value: md5: expected 32 hex digits, found \"abc\""},
        {"domain-name,bad.example,somewhere,,,,",
         "where: expected a place (such as dns.query, tls.sni, http.url), found \"somewhere\""},
        {"domain-name,bad.example,,101,,,", "confidence: expected a number from 0 to 100, found \"101\""},
        {"domain-name,bad.example,,-1,,,", "confidence: expected a number from 0 to 100, found \"-1\""},
        {"domain-name,bad.example,,,blue,,", "tlp: expected clear, green, amber, amber+strict or red, found \"blue\""},
        {"domain-name,bad.example,,,,yesterday,",
         "valid_until: expected a date or time as in RFC 3339, found \"yesterday\""},
        {"domain-name,bad.example,,,,,evil",
         "category: expected an RSIT type (such as c2-server, phishing), found \"evil\""},
        {"domain-name,bad.example", "expected 7 fields as in the header, found 2"},
        {"domain-name,bad.example,,,,,,", "expected 7 fields as in the header, found 8"},
        {"domain-name,\"bad.example\"x,,,,,", "text behind a closing quote"},
        {"domain-name,\"bad.example,,,,,", "a quote is opened and never closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char content[512], expected[512];
        snprintf(content, sizeof content,
                 "type,value,where,confidence,tlp,valid_until,category\ndomain-name,a.example,,,,,\n%s\ndomain-name,b."
                 "example,,,,,\n",
                 cases[i][0]);
        snprintf(expected, sizeof expected, "2 domain-name a.example\n3 R %s\n4 domain-name b.example\n", cases[i][1]);
        cr_expect_str_eq(read_text(content), expected);
    }
}

Test(csv, refuses_an_end_that_is_not_behind_the_beginning)
{
    cr_expect_str_eq(
        read_text("type,value,valid_until,valid_from\nmd5,d41d8cd98f00b204e9800998ecf8427e,2020-01-01,2020-01-02\n"),
        "2 R valid_until: expected a time behind valid_from, found \"2020-01-01\"\n");
}

Test(csv, refuses_a_record_with_a_nul)
{
    static const char content[] =
        "type,value,description\ndomain-name,a.exa\0mple,\ndomain-name,b.example,x\0y\ndomain-name,c.example,\n";
    cr_expect_str_eq(read_bytes(bytes_of(content, sizeof content - 1)),
                     "2 R holds a NUL octet\n3 R holds a NUL octet\n4 domain-name c.example\n");
}

Test(csv, refuses_a_content_without_its_columns)
{
    cr_expect_str_eq(read_text("indicator,kind\nbad.example,domain-name\n"),
                     "1 W unknown column \"indicator\"\n1 W unknown column \"kind\"\n"
                     "1 R the header line has no columns \"type\" and \"value\"\n");
    cr_expect_str_eq(read_text(""), "");
    cr_expect_str_eq(read_text("# nothing\n"), "");
    cr_expect_str_eq(read_text("type,value"), "");
    cr_expect_str_eq(read_text("\"type,value\n"), "1 R a quote is opened and never closed\n");
}

static char *long_record(size_t len, char octet)
{
    static const char head[] = "type,value,description\ndomain-name,a.example,", tail[] = "\ndomain-name,b.example,\n";
    char *content = malloc(sizeof head + len + sizeof tail);
    cr_assert(content);
    strcpy(content, head);
    memset(content + sizeof head - 1, octet, len);
    strcpy(content + sizeof head - 1 + len, tail);
    return content;
}

Test(csv, bounds_the_length_of_a_record)
{
    size_t most = FEED_LINE_MAX - strlen("domain-name,a.example,\n");
    char *content = long_record(most + 1, 'x');
    cr_expect_str_eq(read_text(content), "2 R longer than 1048576 octets\n3 domain-name b.example\n");
    free(content);

    content =
        long_record(most + 2000, '"'); /* all doubled, but for one at each end: within what can be seen, none closes */
    read_text(content);
    cr_expect_eq(indicators, 1);
    cr_expect_eq(refusals, 1);
    free(content);

    content = long_record(60000, '"');
    read_text(content);
    cr_expect(strstr(told, "2 domain-name a.example; description=\"\"\"") == told);
    cr_expect_eq(indicators, 2);
    free(content);
}

Test(csv, bounds_the_number_of_fields)
{
    static char content[4096] = "type,value";
    for (int i = 0; i < 300; i++)
        strcat(content, ",x");
    strcat(content, "\n");
    cr_expect_str_eq(read_text(content), "1 R more than 256 fields\n");
}

/* Any cut, and any octet in any place, may cost records, never more. */
Test(csv, survives_damage)
{
    static const char content[] =
        "#c\r\n\"type\",value,description,valid_until\r\ndomain-name,a.example,\"x \"\"y\"\"\nz\",2020-01-01\r\n"
        "ipv4-addr,192.0.2.0/24,,\r\ncontent,\"|00 ff|\",,\r\n";
    for (size_t len = 0; len < sizeof content; len++) {
        uint8_t *cut = malloc(len ? len : 1); /* exact, so that a sanitizer sees every octet too far */
        memcpy(cut, content, len);
        read_bytes(bytes_of(cut, len));
        cr_expect(indicators <= 3);
        for (size_t i = 0; i < len; i++) {
            static const uint8_t octets[] = {0, '"', '\n', '\r', ',', '#', 0xff};
            memcpy(cut, content, len);
            cut[i] = octets[(i + len) % sizeof octets];
            read_bytes(bytes_of(cut, len));
        }
        free(cut);
    }
}

Test(csv, knows_its_own_header)
{
    static const struct {
        const char *head;
        bool own;
    } cases[] = {
        {"type,value\n", true},
        {"value,type", true},
        {"\xef\xbb\xbf\"Type\",\"VALUE\"\r\n", true},
        {"# comment\n\n# more\nsource,type,value,x\n", true},
        {"type;value\n", false},
        {"value,entity_type,description\n", false},
        {"bad.example\n", false},
        {"domain-name,bad.example\n", false},
        {"# type,value\n", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(format_csv.probe(bytes_text(cases[i].head)), cases[i].own, "%s", cases[i].head);
        cr_expect_eq(format_of(bytes_text(cases[i].head)), cases[i].own ? &format_csv : &format_plain);
    }
    cr_expect_eq(format_named("csv"), &format_csv);
    cr_expect_eq(format_named("plain"), &format_plain);
    cr_expect_null(format_named("telepathy"));
}

static void count_indicator(void *to, unsigned line, const struct indicator_key *key, const struct indicator_source *s)
{
    (void)line, (void)key, (void)s;
    ++*(size_t *)to;
}

static void ignore(void *to, unsigned line, const char *text)
{
    (void)to, (void)line, (void)text;
}

/* A bound far above what it takes (a quarter of a second, optimised): it catches what grows faster than the file. */
Test(csv, reads_a_million_rows)
{
    enum { ROWS = 1000000, ROW_MAX = 40 };
    char *content = malloc((size_t)ROWS * ROW_MAX);
    cr_assert(content);
    size_t len = (size_t)sprintf(content, "type,value\n");
    for (int i = 0; i < ROWS; i++)
        len += (size_t)sprintf(content + len, "domain-name,x%d.bad.example\n", i);
    size_t count = 0;
    struct feed feed = {.name = "own"};
    struct feed_sink counter = {
        .to = &count, .indicator = count_indicator, .warning = on_warning, .refused = on_refused};
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    format_csv.read(bytes_of(content, len), &feed, &counter);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    cr_expect_eq(count, ROWS);
    cr_expect(to.tv_sec - from.tv_sec < 30);
    free(content);
}

/* One stray quote a line: each is looked at once, not once for every line before it. */
Test(csv, reads_a_file_of_stray_quotes_in_time_proportional_to_its_length)
{
    enum { ROWS = 200000 };
    static const char row[] = "domain-name,\"x\n";
    char *content = malloc((size_t)ROWS * sizeof row + 32);
    cr_assert(content);
    size_t len = (size_t)sprintf(content, "type,value\n");
    for (int i = 0; i < ROWS; i++)
        len += (size_t)sprintf(content + len, row);
    size_t count = 0;
    struct feed feed = {.name = "own"};
    struct feed_sink counter = {.to = &count, .indicator = count_indicator, .refused = ignore};
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    format_csv.read(bytes_of(content, len), &feed, &counter);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    cr_expect_eq(count, 0);
    cr_expect(to.tv_sec - from.tv_sec < 10);
    free(content);
}
