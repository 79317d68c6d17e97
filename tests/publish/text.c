/*
 * Facts of the text form: what a person sees, and what a stranger cannot make a terminal do.
 */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>

#include "publish/retold.h"
#include "told.h"

static char *line_of(const struct example *e, struct output_style style)
{
    struct buffer out = {0};
    output_text.write(&out, &e->told, &style);
    buffer_char(&out, 0);
    return out.at;
}

static void expect_line(const struct example *e, struct output_style style, const char *expected)
{
    char *line = line_of(e, style);
    cr_expect_str_eq(line, expected);
    free(line);
}

/* How wide libc takes a text to be; negative where it holds what cannot be printed. */
static int width_of(char *text)
{
    wchar_t wide[1024];
    cr_assert(setlocale(LC_CTYPE, "C.UTF-8"));
    text[strcspn(text, "\n")] = 0;
    size_t len = mbstowcs(wide, text, 1024);
    cr_assert(len < 1024);
    return wcswidth(wide, len);
}

static void block_example(struct example *e)
{
    bool masked;
    example_init(e);
    e->indicator.key.type = OBSERVABLE_IPV4_ADDR;
    cr_assert(block_read(text_of("66.35.0.0/16"), &e->indicator.key.block, &masked));
    e->finding.type = OBSERVABLE_IPV4_ADDR;
    e->finding.where = WHERE_IP_DST;
    e->finding.address = address_of("66.35.250.204");
    e->finding.match = MATCH_BLOCK;
    e->finding.state = FLOW_ATTEMPTED;
    e->told.source_count = 1;
}

Test(text, says_what_was_hit_who_met_whom_and_who_says_so)
{
    struct example e;
    example_init(&e);
    expect_line(&e, (struct output_style){0},
                "2026-11-21 02:00:00.123 high   tls.sni         c2.bad.example                           "
                "128.232.110.120:34855 → 66.35.250.204:80      established red   urlhaus, own: bad.example\n");
    block_example(&e);
    expect_line(&e, (struct output_style){0},
                "2026-11-21 02:00:00.123 low    ip.dst          66.35.250.204                            "
                "128.232.110.120:34855 ⇢ 66.35.250.204:80      attempted   amber urlhaus: 66.35.0.0/16\n");
}

Test(text, fits_a_terminal_of_120_columns)
{
    struct example e;
    example_init(&e);
    expect_line(&e, (struct output_style){.columns = 120},
                "2026-11-21 02:00:00.123 high   tls.sni    c2.bad.example   "
                "128.232.110.120:34855 → 66.35.250.204:80 red   urlhaus, own:…\n");
}

/* The status stands before the severity; time and state are the last that is known, and the beginning is told. */
Test(text, marks_a_finding_that_goes_on_and_says_how_often_and_since_when)
{
    struct example e;
    example_init(&e);
    e.finding.status = FINDING_UPDATED;
    expect_line(&e, (struct output_style){0},
                "2026-11-21 02:00:07.000↳high   tls.sni         c2.bad.example                           "
                "128.232.110.120:34855 → 66.35.250.204:80      established red   "
                "3× since 02:00:00; urlhaus, own: bad.example\n");
    expect_line(&e, (struct output_style){.columns = 120},
                "2026-11-21 02:00:07.000↳high   tls.sni    c2.bad.example   "
                "128.232.110.120:34855 → 66.35.250.204:80 3× since 02:00:00\n");
    expect_line(&e, (struct output_style){.columns = 100, .day = &(int64_t){20778}},
                "02:00:07.000↳high   tls.sni    c2.bad.example   128.232.110.120 → 66.35.250.204:80  "
                "3× since 02:00:…\n");
    expect_line(&e, (struct output_style){.columns = 80, .day = &(int64_t){20778}},
                "02:00:07↳high   tls.sni    c2.bad.example    128.232.110.120 → 66.35.250.204:80\n");
    e.finding.status = FINDING_CLOSED;
    e.finding.count = 1;
    e.finding.last_ns += 86400 * TEXT_SECOND_NS;
    e.finding.state = FLOW_REFUSED;
    expect_line(&e, (struct output_style){0},
                "2026-11-22 02:00:07.000×medium tls.sni         c2.bad.example                           "
                "128.232.110.120:34855 ↛ 66.35.250.204:80      refused     red   "
                "since 2026-11-21 02:00:00; urlhaus, own: bad.example\n");
}

Test(text, says_how_many_were_folded_into_one)
{
    struct example e;
    example_init(&e);
    e.told.folded = 12;
    char *line = line_of(&e, (struct output_style){0});
    cr_expect(strstr(line, " red   +12 folded; urlhaus, own: bad.example\n"), "%s", line);
    free(line);
    e.finding.status = FINDING_UPDATED;
    line = line_of(&e, (struct output_style){.columns = 140});
    cr_expect(strstr(line, " 3× since 02:00:00, +12"), "%s", line);
    free(line);
}

Test(text, shows_the_beginning_of_an_id_that_was_told_where_there_is_room)
{
    struct example e;
    example_init(&e);
    e.told.id = "580c873b-0000-5000-8000-000000000000";
    char *line = line_of(&e, (struct output_style){0});
    cr_expect(strstr(line, " red   580c873b urlhaus, own: bad.example\n"), "%s", line);
    free(line);
    line = line_of(&e, (struct output_style){.columns = 149});
    cr_expect_null(strstr(line, "580c873b"));
    free(line);
}

Test(text, heads_each_day_once)
{
    struct example e;
    int64_t day = INT64_MIN;
    struct output_style style = {.columns = 120, .day = &day};
    example_init(&e);
    expect_line(&e, style,
                "2026-11-21 UTC\n"
                "02:00:00.123 high   tls.sni    c2.bad.example             "
                "128.232.110.120:34855 → 66.35.250.204:80 red   urlhaus, own: …\n");
    e.finding.key.time_ns = time_of("2026-11-21T23:59:59.999999999Z");
    expect_line(&e, style,
                "23:59:59.999 high   tls.sni    c2.bad.example             "
                "128.232.110.120:34855 → 66.35.250.204:80 red   urlhaus, own: …\n");
    e.finding.key.time_ns++;
    expect_line(&e, style,
                "2026-11-22 UTC\n"
                "00:00:00.000 high   tls.sni    c2.bad.example             "
                "128.232.110.120:34855 → 66.35.250.204:80 red   urlhaus, own: …\n");
}

Test(text, explains_its_arrows_where_words_have_no_room)
{
    struct buffer out = {0};
    output_text.head(&out, false, &(struct output_style){.columns = 100});
    buffer_char(&out, 0);
    cr_expect_str_eq(out.at, "⇢ attempted  ↛ refused  → established  ⇀ one-sided\n");
    buffer_clear(&out);
    output_text.head(&out, false, &(struct output_style){.columns = 160});
    cr_expect_eq(out.len, 0);
    buffer_free(&out);
}

/* A name is told by its end, a URL not by its scheme, all else by its beginning. */
Test(text, cuts_a_name_at_its_front_and_a_url_at_its_scheme_and_end)
{
    int64_t day = 0;
    struct example e;
    static const char name[] = "a.very.long.name.that.has.no.room.bad.example";
    static const char url[] = "http://bad.example/a/very/long/path/that/has/no/room.html";
    example_init(&e);
    day = e.finding.key.time_ns / (86400 * TEXT_SECOND_NS);
    example_value(&e, OBSERVABLE_DOMAIN_NAME, WHERE_DNS_QUERY, text_of(name), text_of(""));
    expect_line(&e, (struct output_style){.columns = 120, .day = &day},
                "02:00:00.123 high   dns.query  …t.has.no.room.bad.example "
                "128.232.110.120:34855 → 66.35.250.204:80 red   urlhaus, own: …\n");
    example_value(&e, OBSERVABLE_URL, WHERE_HTTP_URL, text_of(url), text_of(""));
    expect_line(&e, (struct output_style){.columns = 120, .day = &day},
                "02:00:00.123 high   http.url   bad.example/a/very/long/p… "
                "128.232.110.120:34855 → 66.35.250.204:80 red   urlhaus, own: …\n");
}

Test(text, shows_of_a_long_user_agent_what_was_hit)
{
    int64_t day = 0;
    struct example e;
    static const char agent[] = "Mozilla/4.0 (compatible; MSIE 6.0; lanternBOT/2.1; and whatever else it says)";
    example_init(&e);
    day = e.finding.key.time_ns / (86400 * TEXT_SECOND_NS);
    example_value(&e, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, text_of(agent), text_of(""));
    e.finding.match = MATCH_SUBSTRING;
    e.indicator.key.type = OBSERVABLE_USER_AGENT;
    e.indicator.key.value = text_of("LanternBot/");
    expect_line(&e, (struct output_style){.columns = 120, .day = &day},
                "02:00:00.123 high   http.user_agent …lanternBOT/2.1; and… "
                "128.232.110.120:34855 → 66.35.250.204:80 red   urlhaus, own: …\n");
}

/* Below 110 columns the sender's port goes, below 96 who says so and the fractions of seconds. */
Test(text, leaves_out_the_least_where_there_is_no_room)
{
    int64_t day = 0;
    struct example e;
    example_init(&e);
    day = e.finding.key.time_ns / (86400 * TEXT_SECOND_NS);
    expect_line(&e, (struct output_style){.columns = 100, .day = &day},
                "02:00:00.123 high   tls.sni    c2.bad.example   128.232.110.120 → 66.35.250.204:80  "
                "red   urlhaus, …\n");
    expect_line(&e, (struct output_style){.columns = 80, .day = &day},
                "02:00:00 high   tls.sni    c2.bad.example    128.232.110.120 → 66.35.250.204:80\n");
}

Test(text, stays_within_the_terminal_as_libc_counts_columns)
{
    static const unsigned columns[] = {80, 95, 96, 100, 109, 110, 120, 149, 150, 160, 200};
    static const struct {
        enum observable_type type;
        enum where where;
        const char *value;
    } values[] = {
        {OBSERVABLE_DOMAIN_NAME, WHERE_TLS_SNI, "c2.bad.example"},
        {OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT,
         "Mozilla/5.0 (\x1b[31m caf\xc3\xa9 \xe2\x80\xae) evil and much more of it"},
        {OBSERVABLE_FILE_NAME, WHERE_FILE_NAME, "\xf0\x9f\x92\xa9\xff\xff\xff\xff\xff\xff\xff\xff.exe"},
        {OBSERVABLE_EMAIL_ADDR, WHERE_SMTP_MAIL_FROM, "\x01\x02\x03\x04\x05\x06\x07@bad.example"},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            int64_t day = 0;
            struct example e;
            example_init(&e);
            day = e.finding.key.time_ns / (86400 * TEXT_SECOND_NS);
            e.sources[0].feed = text_of("a-feed-with-a-very-long-name-and-campa\xc3\xb1"
                                        "a");
            example_value(&e, values[v].type, values[v].where, text_of(values[v].value), text_of(""));
            e.finding.status = (enum finding_status)(v % (FINDING_CLOSED + 1));
            e.finding.count = v ? 123456 : 1;
            char *line = line_of(&e, (struct output_style){.columns = columns[i], .day = &day});
            int width = width_of(line);
            cr_expect(width > 0 && (unsigned)width <= columns[i], "%d of %u columns: %s", width, columns[i], line);
            free(line);
        }
}

/* Whatever could move a cursor, colour, hide or turn text around: C0, DEL, C1 as octet and as UTF-8, bidirectional
 * overrides (U+202E), zero-width (U+200B), soft hyphen (U+00AD), and UTF-8 that is none. */
Test(text, lets_no_stranger_speak_to_the_terminal)
{
    static const char hostile[] = "\x1b]0;owned\x07\x1b[2J\r\n\b\t\x7f\x9b\xc2\x9b\xe2\x80\xae\xe2\x80\x8b\xc2\xad\xc3";
    struct example e;
    example_init(&e);
    example_value(&e, OBSERVABLE_FILE_NAME, WHERE_FILE_NAME, bytes_of(hostile, sizeof hostile), text_of(""));
    e.sources[0].feed = e.indicator.key.value = bytes_of(hostile, sizeof hostile);
    char *line = line_of(&e, (struct output_style){0});
    cr_expect(strstr(line, "\\x1b]0;owned\\x07\\x1b[2J\\x0d\\x0a\\x08\\x09\\x7f\\x9b\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x80"
                           "\\x8b\\xc2\\xad\\xc3\\x00"));
    cr_expect_geq(width_of(line), 0, "libc finds something in it that it cannot print");
    free(line);
}

Test(text, shows_letters_of_the_languages_that_people_name_files_in)
{
    struct example e;
    example_init(&e);
    e.finding.match = MATCH_EXACT;
    e.told.source_count = 1;
    e.sources[0].feed = text_of("campa\xc3\xb1"
                                "a-informa\xc3\xa7\xc3\xa3o");
    char *line = line_of(&e, (struct output_style){0});
    cr_expect(strstr(line, " campaña-informação\n"));
    free(line);
}

/* Colour is an addition: without its sequences the line is the same. */
Test(text, says_the_same_with_and_without_colour)
{
    struct example e;
    example_init(&e);
    char *plain = line_of(&e, (struct output_style){.columns = 120});
    char *coloured = line_of(&e, (struct output_style){.columns = 120, .colour = true});
    cr_expect_null(strchr(plain, '\033'));
    cr_expect(strstr(coloured, "\033[1;31mhigh\033[0m"));
    char *to = coloured;
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
}

Test(text, shows_addresses_without_ports_where_there_are_none_and_ipv6_in_brackets)
{
    struct example e;
    example_init(&e);
    e.finding.tuple.proto = PROTO_ICMP;
    char *line = line_of(&e, (struct output_style){.columns = 100});
    cr_expect(strstr(line, " 128.232.110.120 → 66.35.250.204 ICMP "), "%s", line);
    free(line);
    e.finding.tuple.proto = PROTO_UDP;
    e.finding.tuple.src = address_of("2001:db8::1");
    e.finding.tuple.dst = address_of("2001:db8::2");
    line = line_of(&e, (struct output_style){.columns = 120});
    cr_expect(strstr(line, " [2001:db8::1]:34855 → [2001:db8::2]:80 "), "%s", line);
    free(line);
}

Test(text, shows_an_observation)
{
    struct example e;
    example_observed(&e);
    expect_line(&e, (struct output_style){0},
                "2026-11-21 02:00:00.123 tls.sni         domain-name c2.bad.example                           "
                "128.232.110.120:34855 → 66.35.250.204:80      established\n");
}

/* ---- read back */

static char *retold_line(const struct output *as, const struct example *e, enum tlp tier)
{
    static struct retold d;
    struct json_reader *reader = json_reader_new();
    struct buffer json = {0}, out = {0};
    struct fail why = {.text = ""};
    encode_json(&e->told, tier, &json);
    cr_assert(retold_read(reader, buffer_bytes(&json), &d, &why), "%s", why.text);
    as->write(&out, &d.told, &(struct output_style){0});
    buffer_char(&out, 0);
    buffer_free(&json);
    json_reader_free(reader);
    retold_clear(&d);
    return out.at;
}

Test(text, shows_the_country_of_an_event_that_was_read_back)
{
    struct example e;
    example_init(&e);
    e.finding.of_event = true;
    e.finding.tlp = TLP_GREEN;
    memcpy(e.finding.country, "PE", 3);
    char *line = line_of(&e, (struct output_style){0}), *again = retold_line(&output_text, &e, TLP_RED);
    cr_expect(strstr(line, ", PE "), "%s", line);
    cr_expect(strstr(again, ", PE "), "%s", again);
    free(line);
    free(again);
}

/* Of what a tier was not told, neither an end nor a value is made up, and the severity is the one that was told. */
Test(text, says_that_a_flow_was_withheld)
{
    struct example e;
    example_init(&e);
    char *line = retold_line(&output_text, &e, TLP_GREEN);
    cr_expect(strstr(line, " medium tls.sni         (withheld) "), "%s", line);
    cr_expect(strstr(line, " (withheld)                                    "), "%s", line);
    cr_expect(strstr(line, "urlhaus: bad.example\n"), "%s", line);
    cr_expect_null(strstr(line, "::"), "%s", line);
    free(line);
    line = retold_line(&output_csv, &e, TLP_GREEN);
    cr_expect(strstr(line, ",medium,domain-name,,tls.sni,bad.example,suffix,urlhaus,,,,,,,,"), "%s", line);
    free(line);
    block_example(&e);
    e.finding.match = MATCH_EXACT;
    line = retold_line(&output_text, &e, TLP_GREEN);
    cr_expect(strstr(line, " low    ip.dst          66.35.250.204 "), "%s", line);
    cr_expect(strstr(line, " (withheld) "), "%s", line);
    free(line);
}
