/*
 * Facts of config: what holds when nobody says anything, what is refused and how it is told, and that what is printed
 * can be read again.
 */
#include "run/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/indicator.h"

#define SECOND INT64_C(1000000000)

/* A configuration that was read, and what was told of it, a line each. */
struct reading {
    struct config c;
    struct arena arena;
    struct buffer mistakes;
    bool good;
};

static void take_mistake(void *to, const char *text)
{
    buffer_format(to, "%s\n", text);
}

static void read_as(struct reading *r, const char *path, struct bytes content)
{
    *r = (struct reading){0};
    config_defaults(&r->c);
    r->good = config_read(&r->c, &r->arena, path, content, take_mistake, &r->mistakes);
    buffer_char(&r->mistakes, 0);
}

static void read_text(struct reading *r, const char *text)
{
    read_as(r, "v.yaml", bytes_text(text));
}

static void forget(struct reading *r)
{
    arena_free(&r->arena);
    buffer_free(&r->mistakes);
}

static char *print_of(const struct config *c)
{
    struct buffer out = {0};
    config_print(c, &out);
    buffer_char(&out, 0);
    return out.at;
}

/* Without the comments, which say where a value came from. */
static char *values_of(const struct config *c)
{
    char *text = print_of(c), *to = text;
    for (char *from = text; *from;)
        if (from[0] == ' ' && from[1] == '#')
            from += strcspn(from, "\n");
        else
            *to++ = *from++;
    *to = 0;
    return text;
}

static void expect_block(const struct config_home *home, uint32_t i, const char *text)
{
    char out[ADDRESS_TEXT_MAX];
    cr_assert_lt(i, home->count);
    block_write(&home->block[i], out);
    cr_expect_str_eq(out, text);
}

Test(config, has_defaults)
{
    struct config c;
    config_defaults(&c);
    cr_expect_str_eq(c.publisher, "local");
    cr_expect_eq(c.threads, 0);
    cr_expect_str_eq(c.sensor.name, "replay");
    cr_expect_str_eq(c.sensor.country, "ZZ");
    cr_expect_eq(c.sensor.tlp, TLP_AMBER);
    cr_expect_eq(c.limits.flows, 2097152);
    cr_expect_eq(c.limits.streams_bytes, 256 << 20);
    cr_expect_eq(c.limits.fragments, 16 << 20);
    cr_expect_eq(c.limits.hits, 1048576);
    cr_expect_eq(c.timeouts.attempted_ns, 30 * SECOND);
    cr_expect_eq(c.timeouts.udp_ns, 60 * SECOND);
    cr_expect_eq(c.timeouts.established_ns, 900 * SECOND);
    cr_expect_eq(c.timeouts.closed_ns, 10 * SECOND);
    cr_expect_null(c.indicators);
    cr_expect_null(c.sensors);
    cr_expect_str_empty(c.sensor.filter);
    cr_expect_eq(c.sensor.buffer_octets, 32 << 20);
    cr_expect(c.sensor.promiscuous);
    cr_expect_str_eq(c.publish.endpoint, "tcp://127.0.0.1:5570");
    cr_expect_str_eq(c.publish.replay, "tcp://127.0.0.1:5571");
    cr_expect_null(c.publish.key_path);
    cr_expect_str_eq(c.journal.path, "vigia.db");
    cr_expect_eq(c.journal.keep_ns, 90 * 86400 * SECOND);
    cr_expect_eq(c.journal.octets_max, UINT64_C(10) << 30);
    cr_expect_str_eq(c.control.path, "vigia.sock");
    cr_expect_eq(c.flood.rate, 60);
    cr_expect_eq(c.flood.burst, 120);
    static const char *const home[] = {"10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                                       "169.254.0.0/16", "fc00::/7",      "fe80::/10"};
    cr_expect_eq(c.sensor.home.count, sizeof home / sizeof *home);
    for (uint32_t i = 0; i < sizeof home / sizeof *home; i++)
        expect_block(&c.sensor.home, i, home[i]);
}

static const char whole[] = "publisher: {name: csirt-cl}\n"
                            "threads: 8\n"
                            "sensor:\n"
                            "  name: tap-1\n"
                            "  country: no\n"
                            "  tlp: AMBER+STRICT\n"
                            "  home: [203.0.113.0/24, \"2001:db8::\"]\n"
                            "  filter: not port 22\n"
                            "  buffer: 64M\n"
                            "  promiscuous: false\n"
                            "sensors:\n"
                            "  - name: edge\n"
                            "    interface: eth1\n"
                            "    country: ar\n"
                            "    tlp: green\n"
                            "    home: []\n"
                            "    filter: \"\"\n"
                            "    buffer: 1G\n"
                            "    promiscuous: TRUE\n"
                            "  - {name: pushed, listen: \"tcp://[::1]:57012\"}\n"
                            "  - {name: pulled, folder: in/captures}\n"
                            "  - {name: local, listen: unix:///run/vigia/in.sock, country: UY}\n"
                            "indicators:\n"
                            "  - file: lists/own.csv\n"
                            "    tlp: tlp:green\n"
                            "    confidence: 70\n"
                            "  - {file: /abs/urlhaus.2024.csv.gz, category: c2-server, name: \"URL haus\"}\n"
                            "  - file: plain\n"
                            "publish: {endpoint: \"tcp://*:5570\", replay: ipc://replay, key: keys/cl.key}\n"
                            "journal: {file: /var/lib/vigia.db, keep: 365d, size: 1M}\n"
                            "control: {socket: v.sock}\n"
                            "flood: {rate: 1, burst: 1000000}\n"
                            "limits: {flows: 1000, streams_bytes: 1536M, hits: 5}\n"
                            "timeouts: {attempted: 1s, udp: 90s, established: 2h, closed: 24h}\n";

Test(config, reads_every_setting)
{
    struct reading r;
    read_as(&r, "etc/v.yaml", bytes_text(whole));
    cr_expect(r.good, "%s", r.mistakes.at);
    cr_expect_str_eq(r.c.publisher, "csirt-cl");
    cr_expect_eq(r.c.threads, 8);
    cr_expect_str_eq(r.c.sensor.name, "tap-1");
    cr_expect_str_eq(r.c.sensor.country, "NO", "a country, no truth value");
    cr_expect_eq(r.c.sensor.tlp, TLP_AMBER_STRICT);
    cr_expect_eq(r.c.sensor.home.count, 2);
    expect_block(&r.c.sensor.home, 0, "203.0.113.0/24");
    expect_block(&r.c.sensor.home, 1, "2001:db8::");
    cr_expect_str_eq(r.c.sensor.filter, "not port 22");
    cr_expect_eq(r.c.sensor.buffer_octets, 64 << 20);
    cr_expect_not(r.c.sensor.promiscuous);
    cr_expect_str_eq(r.c.publish.endpoint, "tcp://*:5570");
    cr_expect_str_eq(r.c.publish.replay, "ipc://replay");
    cr_expect_str_eq(r.c.publish.key_path, "etc/keys/cl.key");
    cr_expect_str_eq(r.c.journal.path, "/var/lib/vigia.db");
    cr_expect_eq(r.c.journal.keep_ns, 365 * 86400 * SECOND);
    cr_expect_eq(r.c.journal.octets_max, 1 << 20);
    cr_expect_str_eq(r.c.control.path, "etc/v.sock");
    cr_expect_eq(r.c.flood.rate, 1);
    cr_expect_eq(r.c.flood.burst, 1000000);
    cr_expect_eq(r.c.limits.flows, 1000);
    cr_expect_eq(r.c.limits.streams_bytes, UINT64_C(1536) << 20);
    cr_expect_eq(r.c.limits.hits, 5);
    cr_expect_eq(r.c.timeouts.attempted_ns, 1 * SECOND);
    cr_expect_eq(r.c.timeouts.udp_ns, 90 * SECOND);
    cr_expect_eq(r.c.timeouts.established_ns, 7200 * SECOND);
    cr_expect_eq(r.c.timeouts.closed_ns, 86400 * SECOND);
    forget(&r);
}

Test(config, reads_indicator_files_beside_itself_in_their_order)
{
    static const struct {
        const char *file, *path, *name;
        enum tlp tlp;
        int confidence;
        const char *category;
    } expected[] = {
        {"lists/own.csv", "etc/lists/own.csv", "own", TLP_GREEN, 70, "undetermined"},
        {"/abs/urlhaus.2024.csv.gz", "/abs/urlhaus.2024.csv.gz", "URL haus", TLP_AMBER, -1, "c2-server"},
        {"plain", "etc/plain", "plain", TLP_AMBER, -1, "undetermined"},
    };
    struct reading r;
    read_as(&r, "etc/v.yaml", bytes_text(whole));
    const struct config_indicators *entry = r.c.indicators;
    cr_expect_eq(r.c.indicators_count, 3);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++, entry = entry->next) {
        cr_assert(entry);
        cr_expect_str_eq(entry->file, expected[i].file);
        cr_expect_str_eq(entry->path, expected[i].path);
        cr_expect_str_eq(entry->name, expected[i].name);
        cr_expect_eq(entry->tlp, expected[i].tlp);
        cr_expect_eq(entry->confidence, expected[i].confidence);
        cr_expect_str_eq(category_type(entry->category), expected[i].category);
    }
    cr_expect_null(entry);
    forget(&r);
}

static const struct {
    const char *name, *interface, *folder_path, *listen, *socket_path, *country, *filter;
    uint16_t port;
    enum tlp tlp;
    uint32_t home;
    uint64_t buffer;
    bool promiscuous;
} heard[] = {
    {"edge", "eth1", NULL, NULL, NULL, "AR", "", 0, TLP_GREEN, 0, 1 << 30, true},
    {"pushed", NULL, NULL, "tcp://[::1]:57012", NULL, "NO", "not port 22", 57012, TLP_AMBER_STRICT, 2, 64 << 20, false},
    {"pulled", NULL, "etc/in/captures", NULL, NULL, "NO", "not port 22", 0, TLP_AMBER_STRICT, 2, 64 << 20, false},
    {"local", NULL, NULL, "unix:///run/vigia/in.sock", "/run/vigia/in.sock", "UY", "not port 22", 0, TLP_AMBER_STRICT,
     2, 64 << 20, false},
};

static void expect_text(const char *text, const char *expected)
{
    cr_expect(text && expected ? strcmp(text, expected) == 0 : text == expected, "%s, not %s", text, expected);
}

Test(config, reads_sensors_which_have_from_sensor_what_they_leave_out)
{
    struct reading r;
    read_as(&r, "etc/v.yaml", bytes_text(whole));
    const struct config_sensor *s = r.c.sensors;
    cr_expect_eq(r.c.sensors_count, sizeof heard / sizeof *heard);
    for (size_t i = 0; i < sizeof heard / sizeof *heard; i++, s = s->next) {
        cr_assert(s);
        cr_expect_str_eq(s->name, heard[i].name);
        expect_text(s->interface, heard[i].interface);
        expect_text(s->folder_path, heard[i].folder_path);
        expect_text(s->listen.text, heard[i].listen);
        expect_text(s->listen.path, heard[i].socket_path);
        cr_expect_eq(s->listen.port, heard[i].port);
        cr_expect_str_eq(s->country, heard[i].country);
        cr_expect_str_eq(s->filter, heard[i].filter);
        cr_expect_eq(s->tlp, heard[i].tlp);
        cr_expect_eq(s->home.count, heard[i].home);
        cr_expect_eq(s->buffer_octets, heard[i].buffer);
        cr_expect_eq(s->promiscuous, heard[i].promiscuous);
    }
    cr_expect_null(s);
    forget(&r);
}

Test(config, lets_sensors_have_what_sensor_says_later_in_the_file_or_on_the_command_line)
{
    struct reading r;
    struct fail why = {0};
    read_text(&r, "sensors: [{name: a, interface: x}, {name: b, interface: x, country: CL}]\n"
                  "sensor: {country: BR, home: [192.0.2.0/24]}\n");
    cr_assert(r.good, "%s", r.mistakes.at);
    cr_expect_str_eq(r.c.sensors->country, "BR");
    expect_block(&r.c.sensors->home, 0, "192.0.2.0/24");
    cr_expect(config_set(&r.c, "sensor.country", bytes_text("PE"), &why));
    cr_expect_str_eq(r.c.sensors->country, "PE");
    cr_expect_str_eq(r.c.sensors->next->country, "CL");
    forget(&r);
}

static const struct {
    const char *file, *name;
} names[] = {
    {"own.csv", "own"},     {"a/b.c/own.csv.zst", "own"}, {"threatfox.2024.csv", "threatfox.2024"},
    {".hidden", ".hidden"}, {"list.GZ", "list"},          {"dir/", "dir"},
    {"plain", "plain"},     {"../x/y.txt", "y"},
};

Test(config, names_a_feed_after_its_file)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct config c;
        struct arena arena = {0};
        struct fail why = {0};
        config_defaults(&c);
        cr_assert(config_add_indicators(&c, &arena, names[i].file, &why), "%s", why.text);
        cr_expect_str_eq(c.indicators->name, names[i].name);
        cr_expect_str_eq(c.indicators->path, names[i].file);
        arena_free(&arena);
    }
}

Test(config, tells_every_mistake_at_once_with_its_line)
{
    struct reading r;
    read_text(&r, "publisher:\n"
                  "  nmae: x\n"
                  "  name: sp ace\n"
                  "threads: 65\n"
                  "sensor:\n"
                  "  country: CHL\n"
                  "  tlp: purple\n"
                  "  home:\n"
                  "    - 10.0.0.0/8\n"
                  "    - 10.1.2.3/8\n"
                  "    - [a]\n"
                  "indicators:\n"
                  "  - file: a.csv\n"
                  "    confidence: 101\n"
                  "  - tlp: green\n"
                  "  - just.csv\n"
                  "  - file: {}\n"
                  "    catgory: c2-server\n"
                  "limits: 4\n"
                  "timeouts:\n"
                  "  udp: 30\n"
                  "  closed: 25h\n"
                  "  attempted:\n"
                  "thread: 4\n"
                  "\"a\\eb\": 1\n");
    cr_expect_not(r.good);
    cr_expect_str_eq(
        r.mistakes.at,
        "v.yaml: line 2: publisher.nmae: expected one of name, found \"nmae\" (did you mean name?)\n"
        "v.yaml: line 3: publisher.name: expected 1 to 64 letters, digits, '-', '_' or '.', found \"sp ace\"\n"
        "v.yaml: line 4: threads: expected a number from 0 to 64, found \"65\"\n"
        "v.yaml: line 6: sensor.country: expected a country's two letters (ISO 3166), found \"CHL\"\n"
        "v.yaml: line 7: sensor.tlp: expected clear, green, amber, amber+strict or red, found \"purple\"\n"
        "v.yaml: line 10: sensor.home[1]: expected a CIDR block without host bits such as 10.0.0.0/8, found "
        "\"10.1.2.3/8\"\n"
        "v.yaml: line 11: sensor.home[2]: expected a CIDR block without host bits such as 10.0.0.0/8, found a list\n"
        "v.yaml: line 14: indicators[0].confidence: expected a number from 0 to 100, or unknown, found \"101\"\n"
        "v.yaml: line 15: indicators[1].file: expected a path, found nothing\n"
        "v.yaml: line 16: indicators[2]: expected a map with the key file, found \"just.csv\"\n"
        "v.yaml: line 17: indicators[3].file: expected a path, found a map\n"
        "v.yaml: line 18: indicators[3].catgory: expected one of file, tlp, confidence, name, category, found "
        "\"catgory\" (did you mean category?)\n"
        "v.yaml: line 19: limits: expected a map of settings, found \"4\"\n"
        "v.yaml: line 21: timeouts.udp: expected a duration such as 30s, 15m or 1h, from 1s to 24h, found \"30\"\n"
        "v.yaml: line 22: timeouts.closed: expected a duration such as 30s, 15m or 1h, from 1s to 24h, found \"25h\"\n"
        "v.yaml: line 23: timeouts.attempted: expected a duration such as 30s, 15m or 1h, from 1s to 24h, found "
        "nothing\n"
        "v.yaml: line 24: thread: expected one of publisher, threads, sensor, sensors, feeds, indicators, countries, regions, publish, journal, "
        "control, flood, correlation, trends, limits, timeouts, found "
        "\"thread\" (did you mean threads?)\n"
        "v.yaml: line 25: a\\x1bb: expected one of publisher, threads, sensor, sensors, feeds, indicators, countries, regions, publish, journal, "
        "control, flood, correlation, trends, limits, timeouts, found "
        "\"a\\x1bb\"\n");
    forget(&r);
}

static const struct {
    const char *text;
    const char *mistake; /* begins with; empty: none */
} cases[] = {
    {"", ""},
    {"# nothing but a comment\n", ""},
    {"sensor:\nlimits:\nindicators:\n", ""},
    {"sensor:\n  home:\n", ""},
    {"sensor: {home: []}", ""},
    {"threads: 0", ""},
    {"threads: 64", ""},
    {"threads: \"4\"", ""},
    {"threads: -1", "v.yaml: line 1: threads: expected a number"},
    {"threads: 4.0", "v.yaml: line 1: threads: expected a number"},
    {"threads: 18446744073709551616", "v.yaml: line 1: threads: expected a number"},
    {"threads: \"\"", "v.yaml: line 1: threads: expected a number from 0 to 64, found \"\""},
    {"threads:", "v.yaml: line 1: threads: expected a number from 0 to 64, found nothing"},
    {"threads: [1]", "v.yaml: line 1: threads: expected a number from 0 to 64, found a list"},
    {"limits: {flows: 0}", "v.yaml: line 1: limits.flows: expected a number from 1 to 268435456, found \"0\""},
    {"limits: {flows: 1M}", "v.yaml: line 1: limits.flows: expected a number"},
    {"limits: {streams_bytes: 1023k}", "v.yaml: line 1: limits.streams_bytes: expected a size such as"},
    {"limits: {streams_bytes: 1024k}", ""},
    {"limits: {streams_bytes: 1048576}", ""},
    {"limits: {streams_bytes: 1024G}", ""},
    {"limits: {streams_bytes: 1025G}", "v.yaml: line 1: limits.streams_bytes: expected a size"},
    {"limits: {streams_bytes: 99999999999999999G}", "v.yaml: line 1: limits.streams_bytes: expected a size"},
    {"limits: {streams_bytes: M}", "v.yaml: line 1: limits.streams_bytes: expected a size"},
    {"limits: {streams_bytes: 256MB}", "v.yaml: line 1: limits.streams_bytes: expected a size"},
    {"timeouts: {udp: 0s}", "v.yaml: line 1: timeouts.udp: expected a duration"},
    {"timeouts: {udp: 1440m}", ""},
    {"timeouts: {udp: 86401s}", "v.yaml: line 1: timeouts.udp: expected a duration"},
    {"timeouts: {udp: 60 s}", "v.yaml: line 1: timeouts.udp: expected a duration"},
    {"publisher: {name: \"\"}", "v.yaml: line 1: publisher.name: expected 1 to 64"},
    {"publisher: {name: a.b-c_D9}", ""},
    {"publisher: {name: a/b}", "v.yaml: line 1: publisher.name: expected 1 to 64"},
    {"publisher: {name: \"a\\0b\"}", "v.yaml: line 1: publisher.name: expected 1 to 64"},
    {"publisher: {name: 1234567890123456789012345678901234567890123456789012345678901234}", ""},
    {"publisher: {name: 12345678901234567890123456789012345678901234567890123456789012345}",
     "v.yaml: line 1: publisher.name: expected 1 to 64"},
    {"publisher: local", "v.yaml: line 1: publisher: expected a map of settings, found \"local\""},
    {"publisher: [local]", "v.yaml: line 1: publisher: expected a map of settings, found a list"},
    {"sensor: {country: C1}", "v.yaml: line 1: sensor.country: expected"},
    {"sensor: {home: 10.0.0.0/8}", "v.yaml: line 1: sensor.home: expected a list of CIDR blocks, found \"10.0.0.0/8\""},
    {"sensor: {home: [10.0.0.0/33]}", "v.yaml: line 1: sensor.home[0]: expected a CIDR block"},
    {"sensor.name: x", "v.yaml: line 1: sensor.name: expected one of publisher, threads, sensor, sensors,"},
    {"sensor: {name.x: y}",
     "v.yaml: line 1: sensor.name.x: expected one of name, country, tlp, home, filter, buffer, promiscuous, found"},
    {"indicators: own.csv", "v.yaml: line 1: indicators: expected a list of indicator files, found \"own.csv\""},
    {"indicators: [{file: }]", "v.yaml: line 1: indicators[0].file: expected a path, found nothing"},
    {"indicators: [{file: a, category: nonsense}]",
     "v.yaml: line 1: indicators[0].category: expected an incident type"},
    {"indicators: [{file: a, confidence: unknown}]", ""},
    {"sensors: eth0", "v.yaml: line 1: sensors: expected a list of sensors, found \"eth0\""},
    {"sensors: [eth0]", "v.yaml: line 1: sensors[0]: expected a map with the key name, found \"eth0\""},
    {"sensors: []", ""},
    {"sensors: [{interface: eth0}]", "v.yaml: line 1: sensors[0].name: expected 1 to 64 letters, digits, '-', '_' or "
                                     "'.', found nothing\n"},
    {"sensors: [{name: a}]", "v.yaml: line 1: sensors[0]: expected one of interface, folder, listen, found nothing\n"},
    {"sensors:\n  - name: a\n    folder: b\n    listen: tcp://0.0.0.0:1\n",
     "v.yaml: line 4: sensors[0]: expected one of interface, folder, listen and no more, found \"several\"\n"},
    {"sensors:\n  - {name: a, folder: b}\n  - {name: b, folder: b}\n  - {folder: c, name: a}\n",
     "v.yaml: line 4: sensors[2].name: expected what no other has, found \"a\"\n"},
    {"sensors: [{name: a, interface: }]", "v.yaml: line 1: sensors[0].interface: expected a name, found nothing\n"},
    {"sensors: [{name: a, interface: any, home: 10.0.0.0/8}]",
     "v.yaml: line 1: sensors[0].home: expected a list of CIDR blocks, found \"10.0.0.0/8\""},
    {"sensors: [{name: a, interface: any, home: [10.0.0.1/8]}]", "v.yaml: line 1: sensors[0].home[0]: expected a CIDR"},
    {"sensors: [{name: a, interface: any, filtre: tcp}]",
     "v.yaml: line 1: sensors[0].filtre: expected one of name, interface, folder, listen, country, tlp, home, filter, "
     "buffer, promiscuous, found \"filtre\" (did you mean filter?)"},
    {"sensors: [{name: a, interface: any, filter: tcp and (port 80 or port 443)}]", ""},
    {"sensors: [{name: a, interface: any, filter: tcp and and}]",
     "v.yaml: line 1: sensors[0].filter: expected a filter in libpcap's language, found \"tcp and and\" ("},
    {"sensors: [{name: a, interface: any, filter: [tcp]}]",
     "v.yaml: line 1: sensors[0].filter: expected a filter in libpcap's language, found a list\n"},
    {"sensor: {filter: \"tcp\\0\"}", "v.yaml: line 1: sensor.filter: expected a filter"},
    {"sensor: {filter: nonsense 1}", "v.yaml: line 1: sensor.filter: expected a filter"},
    {"sensor: {buffer: 1023k}",
     "v.yaml: line 1: sensor.buffer: expected a size such as 64k, 256M or 2G, from 1M to 1G"},
    {"sensor: {buffer: 1025M}", "v.yaml: line 1: sensor.buffer: expected a size"},
    {"sensor: {promiscuous: yes}", "v.yaml: line 1: sensor.promiscuous: expected true or false, found \"yes\""},
    {"sensor: {interface: eth0}", "v.yaml: line 1: sensor.interface: expected one of name, country,"},
    {"sensors: [{name: a, listen: tcp://0.0.0.0:65535}]", ""},
    {"sensors: [{name: a, listen: \"tcp://[::]:1\"}]", ""},
    {"sensors: [{name: a, listen: tcp://0.0.0.0:65536}]",
     "v.yaml: line 1: sensors[0].listen: expected tcp://ADDRESS:PORT, unix:///PATH or fifo:///PATH, found \"tcp://0.0.0.0:65536\""},
    {"sensors: [{name: a, listen: tcp://0.0.0.0:0}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"sensors: [{name: a, listen: \"tcp://0.0.0.0:*\"}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"sensors: [{name: a, listen: tcp://0.0.0.0}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"sensors: [{name: a, listen: tcp://localhost:1}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"sensors: [{name: a, listen: \"tcp://::1:1\"}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"sensors: [{name: a, listen: \"tcp://[10.0.0.1]:1\"}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"sensors: [{name: a, listen: \"tcp://:1\"}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"sensors: [{name: a, listen: unix://relative}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"sensors: [{name: a, listen: udp://0.0.0.0:1}]", "v.yaml: line 1: sensors[0].listen: expected"},
    {"publish: {endpoint: tcp://127.0.0.1:9, replay: \"tcp://[::1]:9\"}", ""},
    {"publish: {endpoint: \"tcp://127.1.2.3:*\", replay: ipc:///run/v}", ""},
    {"publish: {endpoint: tcp://0.0.0.0:9}",
     "v.yaml: line 1: publish.endpoint: expected an endpoint on loopback or ipc, since there is no publish.key, found "
     "\"tcp://0.0.0.0:9\"\n"},
    {"publish: {replay: tcp://eth0:9}", "v.yaml: line 1: publish.replay: expected an endpoint on loopback or ipc"},
    {"publish: {replay: tcp://127.example:9}", "v.yaml: line 1: publish.replay: expected an endpoint on loopback"},
    {"publish: {endpoint: tcp://0.0.0.0:9, key: a.key}", ""},
    {"publish: {endpoint: \"tcp://[::]:9\", key: \"\"}", "v.yaml: line 1: publish.endpoint: expected an endpoint on"},
    {"publish: {endpoint: udp://127.0.0.1:9}", "v.yaml: line 1: publish.endpoint: expected tcp://HOST:PORT or ipc://"},
    {"publish: {endpoint: tcp://127.0.0.1}", "v.yaml: line 1: publish.endpoint: expected tcp://HOST:PORT"},
    {"publish: {endpoint: \"ipc://\"}", "v.yaml: line 1: publish.endpoint: expected tcp://HOST:PORT"},
    {"journal: {keep: 90}", "v.yaml: line 1: journal.keep: expected a number of days such as 30d, from 1d to 3650d"},
    {"journal: {keep: 3651d}", "v.yaml: line 1: journal.keep: expected"},
    {"journal: {keep: 0d}", "v.yaml: line 1: journal.keep: expected"},
    {"journal: {file: \"\"}", "v.yaml: line 1: journal.file: expected a path, found \"\""},
    {"flood: {rate: 0}", "v.yaml: line 1: flood.rate: expected a number from 1 to 1000000, found \"0\""},
    {"- a\n", "v.yaml: line 1: the file: expected a map of settings, found a list"},
    {"just text", "v.yaml: line 1: the file: expected a map of settings, found \"just text\""},
    {"threads: 1\nthreads: 2\n", "v.yaml: line 2"},
    {"threads: [1\n", "v.yaml: line "},
    {"a: &x 1\nb: *x\n", "v.yaml: line 1"},
};

Test(config, takes_what_is_right_and_names_what_is_not)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        read_text(&r, cases[i].text);
        size_t len = strlen(cases[i].mistake);
        cr_expect_eq(r.good, len == 0, "%s: %s", cases[i].text, r.mistakes.at);
        cr_expect(strncmp(r.mistakes.at, cases[i].mistake, len ? len : 1) == 0, "%s: %s", cases[i].text, r.mistakes.at);
        forget(&r);
    }
}

Test(config, keeps_the_default_of_a_list_whose_items_are_all_commented_out)
{
    struct reading r;
    read_text(&r, "sensor:\n  home:\n#   - 10.0.0.0/8\n");
    cr_expect(r.good);
    cr_expect_eq(r.c.sensor.home.count, 7);
    forget(&r);
    read_text(&r, "sensor: {home: []}");
    cr_expect_eq(r.c.sensor.home.count, 0);
    forget(&r);
}

Test(config, bounds_its_lists)
{
    struct buffer text = {0};
    struct reading r;
    buffer_text(&text, "sensor:\n  home:\n");
    for (int i = 0; i <= CONFIG_HOME_MAX; i++)
        buffer_format(&text, "    - 10.%d.%d.0/24\n", i / 256, i % 256);
    read_as(&r, "v.yaml", buffer_bytes(&text));
    cr_expect_str_eq(r.mistakes.at, "v.yaml: line 1027: sensor.home: expected no more than 1024 items, found "
                                    "\"10.4.0.0/24\"\n");
    forget(&r);
    buffer_clear(&text);
    buffer_text(&text, "indicators:\n");
    for (int i = 0; i <= CONFIG_INDICATORS_MAX; i++)
        buffer_text(&text, "  - {file: a}\n");
    read_as(&r, "v.yaml", buffer_bytes(&text));
    cr_expect_str_eq(r.mistakes.at, "v.yaml: line 4098: indicators: expected no more than 4096 items, found a map\n");
    forget(&r);
    buffer_clear(&text);
    buffer_text(&text, "sensors:\n");
    for (int i = 0; i <= CONFIG_SENSORS_MAX; i++)
        buffer_format(&text, "  - {name: s%d, interface: a}\n", i);
    read_as(&r, "v.yaml", buffer_bytes(&text));
    cr_expect_str_eq(r.mistakes.at, "v.yaml: line 1026: sensors: expected no more than 1024 items, found a map\n");
    cr_expect_eq(r.c.sensors_count, CONFIG_SENSORS_MAX);
    forget(&r);
    buffer_free(&text);
}

Test(config, survives_keys_of_any_length)
{
    struct buffer text = {0};
    struct reading r;
    for (int i = 0; i < 1000; i++)
        buffer_char(&text, 't');
    buffer_text(&text, ": 1\nsensor: {");
    for (int i = 0; i < 1000; i++)
        buffer_char(&text, 'n');
    buffer_text(&text, ": 1}\n");
    read_as(&r, "v.yaml", buffer_bytes(&text));
    cr_expect_not(r.good);
    cr_expect(strstr(r.mistakes.at, "v.yaml: line 1: tttt"));
    cr_expect(strstr(r.mistakes.at, "v.yaml: line 2: sensor.nnnn"));
    forget(&r);
    buffer_free(&text);
}

Test(config, prints_where_each_value_came_from)
{
    struct reading r;
    struct fail why = {0};
    read_text(&r, "sensor:\n  name: tap-1\n  home:\n    - 203.0.113.0/24\nindicators:\n  - file: own.csv\n"
                  "sensors:\n  - name: edge\n    interface: eth1\n    tlp: green\n");
    cr_expect(config_set(&r.c, "sensor.country", bytes_text("cl"), &why));
    cr_expect(config_set(&r.c, "threads", bytes_text("3"), &why));
    cr_expect(config_add_indicators(&r.c, &r.arena, "more.csv", &why));
    char *text = print_of(&r.c);
    cr_expect_str_eq(text, "publisher:\n"
                           "  name: local # default\n"
                           "threads: 3 # command line\n"
                           "sensor:\n"
                           "  name: tap-1 # v.yaml:2\n"
                           "  country: CL # command line\n"
                           "  tlp: amber # default\n"
                           "  home:\n"
                           "    - \"203.0.113.0/24\" # v.yaml:3\n"
                           "  filter: \"\" # default\n"
                           "  buffer: 32M # default\n"
                           "  promiscuous: true # default\n"
                           "sensors:\n"
                           "  - name: edge # v.yaml:8\n"
                           "    interface: \"eth1\" # v.yaml:9\n"
                           "    country: CL # command line\n"
                           "    tlp: green # v.yaml:10\n"
                           "    home:\n"
                           "      - \"203.0.113.0/24\" # v.yaml:3\n"
                           "    filter: \"\" # default\n"
                           "    buffer: 32M # default\n"
                           "    promiscuous: true # default\n"
                           "feeds: [] # default\n"
                           "indicators:\n"
                           "  - file: \"own.csv\" # v.yaml:6\n"
                           "    tlp: amber # default\n"
                           "    confidence: unknown # default\n"
                           "    name: \"own\" # default\n"
                           "    category: other/undetermined # default\n"
                           "  - file: \"more.csv\" # command line\n"
                           "    tlp: amber # default\n"
                           "    confidence: unknown # default\n"
                           "    name: \"more\" # default\n"
                           "    category: other/undetermined # default\n"
                           "countries: [] # default\n"
                           "regions: \"\" # default\n"
                           "publish:\n"
                           "  endpoint: \"tcp://127.0.0.1:5570\" # default\n"
                           "  replay: \"tcp://127.0.0.1:5571\" # default\n"
                           "  key: \"\" # default\n"
                           "journal:\n"
                           "  file: \"vigia.db\" # default\n"
                           "  keep: 90d # default\n"
                           "  size: 10G # default\n"
                           "control:\n"
                           "  socket: \"vigia.sock\" # default\n"
                           "flood:\n"
                           "  rate: 60 # default\n"
                           "  burst: 120 # default\n"
                           "correlation:\n"
                           "  window: 24h # default\n"
                           "  countries: 2 # default\n"
                           "trends:\n"
                           "  window: 1h # default\n"
                           "  lateness: 10m # default\n"
                           "  detector: ears-c2 # default\n"
                           "  least: 5 # default\n"
                           "limits:\n"
                           "  flows: 2097152 # default\n"
                           "  streams_bytes: 256M # default\n"
                           "  fragments: 16M # default\n"
                           "  hits: 1048576 # default\n"
                           "timeouts:\n"
                           "  attempted: 30s # default\n"
                           "  udp: 1m # default\n"
                           "  established: 15m # default\n"
                           "  closed: 10s # default\n");
    free(text);
    forget(&r);
}

static const char *const printed[] = {
    "",
    whole,
    "publisher: {name: -.-}\nsensor: {home: [], name: _}\n",
    "sensor: {home: [\"2001:db8::\", \"::/0\", 0.0.0.0/0, 192.0.2.1]}\n",
    "sensors: [{name: a, folder: \"x y\", home: []}, {name: b, listen: unix:///a, filter: ip}]\n",
    "indicators: [{file: \"a: b # \\\"c\\\" \\\\ \\x01 ñ\", name: \"- [x\"}]\nlimits: {streams_bytes: 1048577}\n",
};

Test(config, reads_again_what_it_prints)
{
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        struct reading first, second;
        read_text(&first, printed[i]);
        cr_assert(first.good, "%s", first.mistakes.at);
        char *text = print_of(&first.c);
        read_text(&second, text);
        cr_expect(second.good, "%s of %s", second.mistakes.at, text);
        char *a = values_of(&first.c), *b = values_of(&second.c);
        cr_expect_str_eq(a, b);
        free(text);
        free(a);
        free(b);
        forget(&first);
        forget(&second);
    }
}

Test(config, is_overridden_by_the_command_line)
{
    struct config c;
    struct fail why = {0};
    config_defaults(&c);
    cr_expect(config_set(&c, "threads", bytes_text("64"), &why));
    cr_expect_eq(c.threads, 64);
    cr_expect(config_set(&c, "sensor.home", bytes_text("192.0.2.0/24, 2001:db8::/32"), &why));
    cr_expect_eq(c.sensor.home.count, 2);
    expect_block(&c.sensor.home, 1, "2001:db8::/32");
    cr_expect_str_empty(why.text);

    cr_expect_not(config_set(&c, "threads", bytes_text("65"), &why));
    cr_expect_str_eq(why.text, "threads: expected a number from 0 to 64, found \"65\"");
    cr_expect_eq(c.threads, 64);
    why = (struct fail){0};
    cr_expect_not(config_set(&c, "sensor.home", bytes_text("10.0.0.0/8,x"), &why));
    cr_expect_eq(c.sensor.home.count, 2, "as it was");
    why = (struct fail){0};
    cr_expect_not(config_set(&c, "indicators", bytes_text("x"), &why));
    cr_expect_not(config_set(&c, "journal.file", bytes_text("x"), &why));
    cr_expect_str_eq(c.journal.file, "vigia.db");
    why = (struct fail){0};
    cr_expect_not(config_set(&c, "nothing", bytes_text("x"), &why));
    cr_expect_str_eq(why.text, "nothing: no setting of this name can be given here");
}

/* A sample that lies about the defaults would be worse than none. */
Test(config, has_a_sample_that_is_the_defaults)
{
    FILE *file = fopen("rules/vigia.yaml", "r");
    cr_assert(file, "rules/vigia.yaml, from the root of the repository");
    static char text[1 << 16];
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);

    struct buffer document = {0};
    config_document(&document);
    buffer_char(&document, 0);
    cr_expect_str_eq(text, document.at);

    struct reading r;
    struct config defaults;
    config_defaults(&defaults);
    read_as(&r, "rules/vigia.yaml", bytes_of(text, len));
    cr_expect(r.good, "%s", r.mistakes.at);
    char *a = values_of(&r.c), *b = values_of(&defaults);
    cr_expect_str_eq(a, b);
    int said = 0;
    for (int i = 0; i < CONFIG_SETTINGS; i++)
        said += r.c.from[i] > 0;
    cr_expect_eq(said, CONFIG_SETTINGS - 4, "every setting is in it, sensors, feeds, indicators and countries as comments");
    free(a);
    free(b);
    buffer_free(&document);
    forget(&r);
}

/* What it says of sensors and indicator files is commented out; uncommented, it must be right. */
Test(config, has_examples_that_are_right)
{
    struct buffer document = {0};
    struct reading r;
    config_document(&document);
    for (size_t i = 0; i + 2 < document.len; i++)
        if (document.at[i] == '#' && document.at[i + 1] == ' ' && document.at[i + 2] == ' ')
            document.at[i] = ' ';
    read_as(&r, "v.yaml", buffer_bytes(&document));
    cr_expect(r.good, "%s", r.mistakes.at);
    cr_expect_eq(r.c.indicators_count, 1);
    cr_expect_str_eq(r.c.indicators->file, "own.csv");
    cr_expect_eq(r.c.sensors_count, 1);
    cr_expect_str_eq(r.c.sensors->interface, "eth1");
    cr_expect_str_eq(r.c.sensors->filter, "not port 22");
    cr_expect_eq(r.c.feeds_count, 1);
    cr_expect_str_eq(r.c.feeds->file, "events.jsonl");
    cr_expect_str_eq(r.c.feeds->format, "intelmq");
    forget(&r);
    buffer_free(&document);
}

/* Whatever octets a file holds, reading ends and every mistake is one printable line. */
/* What a reload cannot take of a new text, in place of `before`. */
static void take_change(void *to, int line, const char *key, const char *what)
{
    buffer_format(to, "%d %s %s; ", line, key, what);
}

static const struct {
    const char *before, *after, *changes;
} changes[] = {
    {"", "", ""},
    {"limits: {flows: 10}", "# more\nlimits: {flows: 10}", ""},
    {"limits: {flows: 10}", "\nlimits: {flows: 11}", "2 limits.flows changed; "},
    {"limits: {flows: 10}", "", "0 limits.flows changed; "},
    {"", "limits: {flows: 2097152}", ""}, /* which is the default */
    {"publisher: {name: a}", "publisher: {name: b}\njournal: {file: c}",
     "1 publisher.name changed; 2 journal.file changed; "},
    {"", "flood: {rate: 7, burst: 8}\njournal: {keep: 3d, size: 2M}\nindicators: [{file: a}]", ""}, /* live */
    {"sensors: [{name: a, interface: x}]", "sensors:\n- {name: a, interface: y}", "2 sensors.a.interface changed; "},
    {"sensors: [{name: a, interface: x}]", "sensors:\n- {name: a, folder: y}",
     "0 sensors.a.interface changed; 2 sensors.a.folder changed; "},
    {"sensors: [{name: a, interface: x}]", "sensors:\n- {name: a, interface: x}\n- {name: b, folder: x}",
     "3 sensors.b added; "},
    {"sensors: [{name: a, interface: x}, {name: b, folder: x}]", "\nsensors: [{name: b, folder: x}]",
     "2 sensors.a removed; "},
    {"sensors: [{name: a, interface: x}, {name: b, folder: x}]",
     "sensors: [{name: b, folder: x}, {name: a, interface: x}]", ""},
    {"sensors: [{name: a, interface: x}]", "sensor: {tlp: red}\nsensors: [{name: a, interface: x}]",
     "1 sensors.a.tlp changed; "},
    {"sensors: [{name: a, interface: x, tlp: red}]", "sensor: {tlp: red}\nsensors: [{name: a, interface: x}]", ""},
    {"sensors: [{name: a, interface: x, home: [192.0.2.0/24]}]",
     "sensors:\n- name: a\n  interface: x\n  home: [192.0.2.0/25]", "4 sensors.a.home changed; "},
    {"feeds: [{name: a, file: x}, {name: b, file: x}]", "feeds:\n- {name: b, subscribe: 'ipc://y'}\n- {name: c, file: x}",
     "0 feeds.b.file changed; 2 feeds.b.subscribe changed; 3 feeds.c added; 1 feeds.a removed; "},
    {"threads: 1", "threads: 3", ""}, /* of the command line, below */
};

Test(config, names_what_a_reload_does_not_take)
{
    struct fail why = {0};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct reading before, after;
        struct buffer told = {0};
        read_text(&before, changes[i].before);
        read_text(&after, changes[i].after);
        cr_assert(before.good && after.good, "case %zu: %s%s", i, before.mistakes.at, after.mistakes.at);
        cr_assert(config_set(&before.c, "threads", bytes_text("2"), &why));
        config_changes(&before.c, &after.c, take_change, &told);
        buffer_char(&told, 0);
        cr_expect_str_eq(told.at, changes[i].changes, "case %zu: %s", i, told.at);
        buffer_free(&told);
        forget(&before);
        forget(&after);
    }
}

Test(config, reads_octets_of_any_kind_without_harm)
{
    uint32_t state = 1;
    for (int round = 0; round < 2000; round++) {
        char text[sizeof whole];
        struct reading r;
        memcpy(text, whole, sizeof whole);
        for (int i = 0; i < 8; i++) {
            state = state * 1664525 + 1013904223; /* Numerical Recipes' generator: the same octets in every run */
            text[(state >> 8) % (sizeof whole - 1)] = (char)(state >> 24);
        }
        read_as(&r, "v.yaml", bytes_of(text, sizeof whole - 1));
        cr_expect_eq(r.good, r.mistakes.len == 1);
        for (size_t i = 0; i + 1 < r.mistakes.len; i++)
            cr_assert(r.mistakes.at[i] == '\n' || (r.mistakes.at[i] >= ' ' && r.mistakes.at[i] <= '~'), "%s",
                      r.mistakes.at);
        forget(&r);
    }
}
