/*
 * The table below is all there is to know of a setting: where it lives, how it is written, within which bounds, what
 * holds when nobody says anything, and what to tell about it. Whatever reads, prints or documents walks the table.
 */
#include "run/kind.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "base/yaml.h"

struct table {
    const struct setting *settings;
    int count;
};

/* A list of maps, each an entry in the arena, which a table of its own reads. An entry begins with the pointer to the
 * next. */
struct list {
    const char *expected; /* of the list */
    const char *item;     /* of an entry */
    struct table table;
    size_t octets;   /* of an entry */
    size_t from_at;  /* where its origins live in it */
    size_t count_at; /* where entries are counted in the configuration */
    unsigned max;
    void (*complete)(struct arena *a, void *entry); /* what follows from what was said; may be NULL */
};

/* ---- the tables */

#define DAY_NS (24 * 3600 * TEXT_SECOND_NS)

#define AT(member)        offsetof(struct config, member)
#define FILE_AT(member)   offsetof(struct config_indicators, member)
#define SENSOR_AT(member) offsetof(struct config_sensor, member)
#define COUNTRIES_AT(member) offsetof(struct config_countries, member)
#define FEED_AT(member)   offsetof(struct config_feed, member)

static void name_feed(struct arena *a, void *entry);

/* clang-format off */
static const struct setting indicator_settings[] = {
    {.key = "file", .kind = &kind_file, .at = FILE_AT(file), .path_at = FILE_AT(path), .required = true,
     .sample = "own.csv", .about = "required; relative to this file's folder"},
    {.key = "tlp", .kind = &kind_tlp, .at = FILE_AT(tlp), .preset = "amber",
     .about = "of records that bear none"},
    {.key = "confidence", .kind = &kind_confidence, .at = FILE_AT(confidence), .preset = "unknown",
     .about = "of records that bear none: 0 to 100"},
    {.key = "name", .kind = &kind_text, .at = FILE_AT(name), .sample = "own",
     .about = "of the feed; the file's name where left out"},
    {.key = "category", .kind = &kind_category, .at = FILE_AT(category), .preset = "undetermined",
     .about = "of records that bear none (RSIT)"},
};

static const struct list indicator_files = {
    .expected = "a list of indicator files", .item = "a map with the key file",
    .table = {indicator_settings, CONFIG_INDICATOR_SETTINGS},
    .octets = sizeof(struct config_indicators), .from_at = FILE_AT(from), .count_at = AT(indicators_count),
    .max = CONFIG_INDICATORS_MAX, .complete = name_feed,
};

static const struct setting countries_settings[] = {
    {.key = "file", .kind = &kind_file, .at = COUNTRIES_AT(file), .path_at = COUNTRIES_AT(path), .required = true,
     .sample = "country.mmdb", .about = "required; relative to this file's folder"},
};

static const struct list countries_files = {
    .expected = "a list of files of networks with their countries", .item = "a map with the key file",
    .table = {countries_settings, CONFIG_COUNTRIES_SETTINGS},
    .octets = sizeof(struct config_countries), .from_at = COUNTRIES_AT(from), .count_at = AT(countries_count),
    .max = CONFIG_COUNTRIES_MAX,
};

#define BUFFER_MIN (UINT64_C(1) << 20)
#define BUFFER_MAX (UINT64_C(1) << 30)

static const struct setting sensor_settings[] = {
    {.key = "name", .kind = &kind_name, .at = SENSOR_AT(name), .required = true, .unique = true,
     .sample = "tap-1", .about = "required; no two alike"},
    {.key = "interface", .kind = &kind_text, .at = SENSOR_AT(interface), .either = true,
     .sample = "eth1", .about = "what is heard: an interface,"},
    {.key = "folder", .kind = &kind_file, .at = SENSOR_AT(folder), .path_at = SENSOR_AT(folder_path), .either = true,
     .sample = "captures", .about = "or captures as they come into a folder,"},
    {.key = "listen", .kind = &kind_listen, .at = SENSOR_AT(listen), .either = true,
     .sample = "tcp://127.0.0.1:57012", .about = "or captures that are pushed (also unix:///PATH, fifo:///PATH)"},
    {.key = "country", .kind = &kind_country, .at = SENSOR_AT(country), .inherited = true,
     .sample = "CL", .about = "from here on what differs from sensor above"},
    {.key = "tlp", .kind = &kind_tlp, .at = SENSOR_AT(tlp), .inherited = true,
     .sample = "green", .about = "of its flows"},
    {.key = "home", .kind = &kind_home, .at = SENSOR_AT(home), .inherited = true,
     .sample = "[192.0.2.0/24]", .about = "its own networks"},
    {.key = "filter", .kind = &kind_filter, .at = SENSOR_AT(filter), .inherited = true,
     .sample = "not port 22", .about = "in libpcap's language"},
    {.key = "buffer", .kind = &kind_size, .at = SENSOR_AT(buffer_octets), .min = BUFFER_MIN, .max = BUFFER_MAX,
     .inherited = true, .sample = "64M", .about = "of each ring"},
    {.key = "promiscuous", .kind = &kind_flag, .at = SENSOR_AT(promiscuous), .inherited = true,
     .sample = "false", .about = "whether frames for other stations are heard"},
};

static const struct list sensors = {
    .expected = "a list of sensors", .item = "a map with the key name",
    .table = {sensor_settings, CONFIG_SENSOR_SETTINGS},
    .octets = sizeof(struct config_sensor), .from_at = SENSOR_AT(from), .count_at = AT(sensors_count),
    .max = CONFIG_SENSORS_MAX,
};

static const struct setting feed_settings[] = {
    {.key = "name", .kind = &kind_name, .at = FEED_AT(name), .required = true, .unique = true,
     .sample = "incidents", .about = "required; no two alike"},
    {.key = "file", .kind = &kind_file, .at = FEED_AT(file), .path_at = FEED_AT(path), .either = true,
     .sample = "events.jsonl", .about = "a file that grows, followed through rotation,"},
    {.key = "subscribe", .kind = &kind_endpoint, .at = FEED_AT(subscribe), .either = true,
     .sample = "tcp://127.0.0.1:50000", .about = "or a publisher (ZeroMQ)"},
    {.key = "topics", .kind = &kind_topics, .at = FEED_AT(topics), .sample = "incidents",
     .about = "of the publisher, separated by commas; all where left out"},
    {.key = "server", .kind = &kind_file_or_none, .at = FEED_AT(server), .path_at = FEED_AT(server_path),
     .sample = "partner.pub", .about = "NAME.pub of the publisher (CURVE); without it, on this machine alone"},
    {.key = "format", .kind = &kind_format, .at = FEED_AT(format), .sample = "intelmq",
     .about = "eve or intelmq; as the records show where left out"},
    {.key = "country", .kind = &kind_country, .at = FEED_AT(country), .preset = "ZZ",
     .about = "of events that say none"},
    {.key = "tlp", .kind = &kind_tlp, .at = FEED_AT(tlp), .preset = "amber", .about = "of events that bear none"},
    {.key = "confidence", .kind = &kind_confidence, .at = FEED_AT(confidence), .preset = "unknown",
     .about = "of events that bear none: 0 to 100"},
    {.key = "category", .kind = &kind_category, .at = FEED_AT(category), .preset = "undetermined",
     .about = "of events that bear none (RSIT)"},
};

static const struct list feeds = {
    .expected = "a list of feeds", .item = "a map with the key name",
    .table = {feed_settings, CONFIG_FEED_SETTINGS},
    .octets = sizeof(struct config_feed), .from_at = FEED_AT(from), .count_at = AT(feeds_count),
    .max = CONFIG_FEEDS_MAX,
};

static const struct setting settings[] = {
    {.key = "publisher.name", .kind = &kind_name, .at = AT(publisher), .preset = "local",
     .about = "Who tells: the name in every finding."},
    {.key = "threads", .kind = &kind_count, .at = AT(threads), .max = CONFIG_THREADS_MAX, .preset = "0",
     .about = "Threads that read packets; 0 is as many as there are processors."},
    {.key = "sensor.name", .kind = &kind_name, .at = AT(sensor.name), .preset = "replay",
     .about = "Who saw it; of a replay."},
    {.key = "sensor.country", .kind = &kind_country, .at = AT(sensor.country), .preset = "ZZ",
     .about = "Where it stands: ISO 3166 alpha-2, ZZ unknown."},
    {.key = "sensor.tlp", .kind = &kind_tlp, .at = AT(sensor.tlp), .preset = "amber",
     .about = "Who may see the flows it saw: clear, green, amber, amber+strict or red (TLP 2.0)."},
    {.key = "sensor.home", .kind = &kind_home, .at = AT(sensor.home),
     .preset = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,fc00::/7,fe80::/10",
     .about = "The networks that are our own; they make a flow inbound or outbound.\n"
              "Default: private, shared and link-local ones (RFC 1918, 6598, 3927, 4193, 4291)."},
    {.key = "sensor.filter", .kind = &kind_filter, .at = AT(sensor.filter), .preset = "",
     .about = "Of an interface: what is heard, in libpcap's language; \"\" is everything."},
    {.key = "sensor.buffer", .kind = &kind_size, .at = AT(sensor.buffer_octets), .min = BUFFER_MIN, .max = BUFFER_MAX,
     .preset = "32M",
     .about = "Of an interface: memory of the kernel's ring, of which each thread has one."},
    {.key = "sensor.promiscuous", .kind = &kind_flag, .at = AT(sensor.promiscuous), .preset = "true",
     .about = "Of an interface: whether frames for other stations are heard."},
    {.key = "sensors", .list = &sensors, .at = AT(sensors),
     .about = "What the daemon hears. What a sensor leaves out, it has from sensor above."},
    {.key = "feeds", .list = &feeds, .at = AT(feeds),
     .about = "Events that others report: IntelMQ's as JSON lines, or alerts of Suricata (EVE)."},
    {.key = "indicators", .list = &indicator_files, .at = AT(indicators), .live = true,
     .about = "Files of indicators; their form is recognised by their content."},
    {.key = "countries", .list = &countries_files, .at = AT(countries),
     .about = "Files that say in which country an address is: a MaxMind DB (.mmdb), a registry's delegated statistics,\n"
              "or CSV of prefix,country. The narrowest network counts, of two that are the same the last one."},
    {.key = "regions", .kind = &kind_file_or_none, .at = AT(regions), .path_at = AT(regions_path), .preset = "",
     .about = "States, sub-regions and neighbours, in place of those compiled in (rules/regions.yaml); \"\" is those."},
    {.key = "publish.endpoint", .kind = &kind_endpoint, .at = AT(publish.endpoint), .preset = "tcp://127.0.0.1:5570",
     .about = "Where findings are told (ZeroMQ): tcp://HOST:PORT or ipc://PATH. Without a key only on this machine."},
    {.key = "publish.replay", .kind = &kind_endpoint, .at = AT(publish.replay), .preset = "tcp://127.0.0.1:5571",
     .about = "Where subscribers ask for what they missed."},
    {.key = "publish.key", .kind = &kind_file_or_none, .at = AT(publish.key), .path_at = AT(publish.key_path),
     .preset = "",
     .about = "NAME.key of vigia keygen (CURVE), relative to this file's folder; \"\" is none."},
    {.key = "journal.file", .kind = &kind_file, .at = AT(journal.file), .path_at = AT(journal.path),
     .preset = "vigia.db",
     .about = "Where findings are remembered, relative to this file's folder."},
    {.key = "journal.keep", .kind = &kind_days, .at = AT(journal.keep_ns), .min = DAY_NS, .max = 3650 * DAY_NS,
     .live = true, .preset = "90d",
     .about = "For how long."},
    {.key = "journal.size", .kind = &kind_size, .at = AT(journal.octets_max), .min = 1 << 20,
     .max = UINT64_C(1) << 44, .live = true, .preset = "10G",
     .about = "How large the file may grow before the oldest are let go of."},
    {.key = "control.socket", .kind = &kind_file, .at = AT(control.socket), .path_at = AT(control.path),
     .preset = "vigia.sock",
     .about = "Where vigia status and vigia reload reach the daemon, relative to this file's folder."},
    {.key = "flood.rate", .kind = &kind_count, .at = AT(flood.rate), .min = 1, .max = 1000000, .live = true, .preset = "60",
     .about = "Findings of one indicator that are told singly, a minute; what is more is folded and counted."},
    {.key = "flood.burst", .kind = &kind_count, .at = AT(flood.burst), .min = 1, .max = 1000000, .live = true, .preset = "120",
     .about = "So many at once, when it was quiet before."},
    {.key = "correlation.window", .kind = &kind_duration, .at = AT(correlation.window_ns), .min = TEXT_SECOND_NS,
     .max = 31 * DAY_NS, .live = true, .preset = "24h",
     .about = "An indicator that is met in several countries, each within so long of another, is one correlation."},
    {.key = "correlation.countries", .kind = &kind_count, .at = AT(correlation.countries), .min = 2, .max = 64,
     .live = true, .preset = "2",
     .about = "In so many."},
    {.key = "trends.window", .kind = &kind_duration, .at = AT(trends.window_ns), .min = 60 * TEXT_SECOND_NS,
     .max = DAY_NS, .preset = "1h",
     .about = "Events and hits are counted for each country and type of incident in windows of so long."},
    {.key = "trends.lateness", .kind = &kind_duration, .at = AT(trends.lateness_ns), .min = 0, .max = DAY_NS,
     .preset = "10m",
     .about = "How long a window waits behind its end for what comes late."},
    {.key = "trends.detector", .kind = &kind_name, .at = AT(trends.detector), .preset = "ears-c2",
     .about = "What tells an alarm (vigia trend --help names them all)."},
    {.key = "trends.least", .kind = &kind_count, .at = AT(trends.least), .min = 1, .max = 1000000, .preset = "5",
     .about = "No alarm for fewer in a window."},
    {.key = "limits.flows", .kind = &kind_count, .at = AT(limits.flows), .min = 1, .max = 1 << 28, .preset = "2097152",
     .about = "Flows that are open at a time, over all threads."},
    {.key = "limits.streams_bytes", .kind = &kind_size, .at = AT(limits.streams_bytes), .min = 1 << 20,
     .max = UINT64_C(1) << 40, .preset = "256M",
     .about = "Memory that puts TCP streams in order, over all threads; k, M and G are powers of 1024."},
    {.key = "limits.fragments", .kind = &kind_size, .at = AT(limits.fragments), .min = 1 << 17,
     .max = UINT64_C(1) << 32, .preset = "16M",
     .about = "Memory that puts IP fragments together, of each sensor in each thread."},
    {.key = "limits.hits", .kind = &kind_count, .at = AT(limits.hits), .min = 1, .max = 1 << 28, .preset = "1048576",
     .about = "Findings that wait for their flow to end, over all threads."},
    {.key = "timeouts.attempted", .kind = &kind_duration, .at = AT(timeouts.attempted_ns), .min = TEXT_SECOND_NS,
     .max = DAY_NS, .preset = "30s",
     .about = "A flow is over once it was quiet for so long: TCP that nobody answered."},
    {.key = "timeouts.udp", .kind = &kind_duration, .at = AT(timeouts.udp_ns), .min = TEXT_SECOND_NS, .max = DAY_NS,
     .preset = "60s",
     .about = "UDP, and whatever else is not TCP."},
    {.key = "timeouts.established", .kind = &kind_duration, .at = AT(timeouts.established_ns), .min = TEXT_SECOND_NS,
     .max = DAY_NS, .preset = "900s",
     .about = "TCP that was answered."},
    {.key = "timeouts.closed", .kind = &kind_duration, .at = AT(timeouts.closed_ns), .min = TEXT_SECOND_NS,
     .max = DAY_NS, .preset = "10s",
     .about = "TCP that both sides closed or one reset."},
};
/* clang-format on */

enum { INDICATOR_FILE = 0 };

static_assert(sizeof settings / sizeof *settings == CONFIG_SETTINGS, "one origin a setting");
static_assert(sizeof indicator_settings / sizeof *indicator_settings == CONFIG_INDICATOR_SETTINGS, "and here");
static_assert(sizeof countries_settings / sizeof *countries_settings == CONFIG_COUNTRIES_SETTINGS, "and here");
static_assert(sizeof feed_settings / sizeof *feed_settings == CONFIG_FEED_SETTINGS, "and here");
static_assert(sizeof sensor_settings / sizeof *sensor_settings == CONFIG_SENSOR_SETTINGS, "and here");
static_assert(FEED_AT(next) == 0, "and a feed too");
static_assert(FILE_AT(next) == 0 && SENSOR_AT(next) == 0 && COUNTRIES_AT(next) == 0, "entries are chained by their first member");

static const struct table config_table = {settings, CONFIG_SETTINGS};

static void *value_of(const struct setting *s, void *record)
{
    return (char *)record + s->at;
}

static int find_setting(const struct table *t, const char *key)
{
    for (int i = 0; i < t->count; i++)
        if (strcmp(t->settings[i].key, key) == 0)
            return i;
    return -1;
}

static bool is_section(const struct table *t, const char *key)
{
    size_t len = strlen(key);
    for (int i = 0; i < t->count; i++)
        if (strncmp(t->settings[i].key, key, len) == 0 && t->settings[i].key[len] == '.')
            return true;
    return false;
}

/* ---- from text: defaults and the command line */

/* A list's default and command line are its values between commas. */
static bool set_text(const struct setting *s, struct bytes text, void *record)
{
    if (!s->kind->many)
        return s->kind->read(s, text, NULL, value_of(s, record));
    void *values = value_of(s, record);
    memset(values, 0, s->kind->octets);
    while (text.len) {
        size_t len = bytes_find(text, ',');
        if (!s->kind->read(s, bytes_trim(bytes_until(text, len)), NULL, values))
            return false;
        text = bytes_from(text, len + 1);
    }
    return true;
}

static void set_defaults(const struct table *t, void *record)
{
    for (int i = 0; i < t->count; i++) {
        const struct setting *s = &t->settings[i];
        bool done = !s->preset || set_text(s, bytes_text(s->preset), record);
        assert(done);
        (void)done;
    }
}

static const char *path_of(struct arena *a, const char *file, const char *beside)
{
    const char *slash = beside ? strrchr(beside, '/') : NULL;
    if (file[0] == '/' || !slash)
        return file;
    struct buffer path = {0};
    buffer_add(&path, beside, (size_t)(slash + 1 - beside));
    buffer_text(&path, file);
    const char *text = arena_text(a, buffer_bytes(&path));
    buffer_free(&path);
    return text;
}

/* A path is relative to the folder of `beside`, the configuration file; one of the command line to the working one. */
static void place_paths(const struct table *t, void *record, const int *from, struct arena *a, const char *beside)
{
    for (int i = 0; i < t->count; i++) {
        const struct setting *s = &t->settings[i];
        if (!s->path_at)
            continue;
        const char *file = *(const char **)value_of(s, record), **path = (const char **)((char *)record + s->path_at);
        bool none = !file || !*file;
        *path = none ? NULL : path_of(a, file, from[i] == CONFIG_FROM_COMMAND_LINE ? NULL : beside);
    }
}

void config_defaults(struct config *c)
{
    *c = (struct config){0};
    set_defaults(&config_table, c);
    place_paths(&config_table, c, c->from, NULL, NULL);
}

/* Every sensor has from `sensor` what it left out. */
static void inherit(struct config *c)
{
    for (struct config_sensor *entry = c->sensors; entry; entry = entry->next)
        for (int i = 0; i < CONFIG_SENSOR_SETTINGS; i++) {
            const struct setting *s = &sensor_settings[i];
            if (s->inherited && entry->from[i] == CONFIG_FROM_DEFAULT)
                memcpy(value_of(s, entry), value_of(s, &c->sensor), s->kind->octets);
        }
}

bool config_set(struct config *c, const char *key, struct bytes text, struct fail *why)
{
    int i = find_setting(&config_table, key);
    if (i < 0 || settings[i].list || settings[i].kind->kept)
        return fail_set(why, "%s: no setting of this name can be given here", key);
    const struct setting *s = &settings[i];
    struct config changed = *c;
    if (!set_text(s, text, &changed)) {
        char quote[4 * FAIL_QUOTE_MAX + 4];
        struct buffer expected = {0};
        kind_expected(s, &expected);
        fail_set(why, "%s: expected %.*s, found \"%s\"", key, (int)expected.len, expected.at, fail_quote(text, quote));
        buffer_free(&expected);
        return false;
    }
    changed.from[i] = CONFIG_FROM_COMMAND_LINE;
    *c = changed;
    inherit(c);
    return true;
}

/* ---- indicator files */

static struct bytes without_ending(struct bytes name, const char *ending)
{
    size_t len = strlen(ending);
    bool has = name.len > len && bytes_alike(bytes_from(name, name.len - len), ending);
    return has ? bytes_until(name, name.len - len) : name;
}

struct bytes config_feed_name(const char *file)
{
    static const char *const packings[] = {".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip"};
    struct bytes name = bytes_text(file);
    while (name.len > 1 && name.at[name.len - 1] == '/')
        name.len--; /* of a folder */
    const uint8_t *slash = memrchr(name.at, '/', name.len);
    if (slash && name.len > 1)
        name = bytes_from(name, (size_t)(slash - name.at) + 1);
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
        name = without_ending(name, packings[i]);
    for (size_t i = name.len; i-- > 1;)
        if (name.at[i] == '.')
            return bytes_until(name, i);
    return name;
}

static void name_feed(struct arena *a, void *entry)
{
    struct config_indicators *file = entry;
    if (!file->name)
        file->name = arena_text(a, config_feed_name(file->file));
}

/* ---- entries of lists */

static void *next_of(const void *entry)
{
    return *(void *const *)entry;
}

static int *origins_of(const struct list *l, void *entry)
{
    return (int *)((char *)entry + l->from_at);
}

static void *entry_new(const struct list *l, struct arena *a)
{
    void *entry = arena_take(a, l->octets);
    set_defaults(&l->table, entry);
    return entry;
}

static void entry_add(const struct setting *s, struct config *c, struct arena *a, void *entry, const char *beside)
{
    const struct list *l = s->list;
    void **tail = value_of(s, c);
    while (*tail)
        tail = *tail;
    *tail = entry;
    ++*(uint32_t *)((char *)c + l->count_at);
    place_paths(&l->table, entry, origins_of(l, entry), a, beside);
    if (l->complete)
        l->complete(a, entry);
}

bool config_add_indicators(struct config *c, struct arena *a, const char *file, struct fail *why)
{
    if (c->indicators_count == CONFIG_INDICATORS_MAX)
        return fail_set(why, "more than %d indicator files", CONFIG_INDICATORS_MAX);
    struct config_indicators *entry = entry_new(&indicator_files, a);
    if (!kind_file.read(&indicator_settings[INDICATOR_FILE], bytes_text(file), a, &entry->file))
        return fail_set(why, "an empty or endless path of an indicator file");
    entry->from[INDICATOR_FILE] = CONFIG_FROM_COMMAND_LINE;
    entry_add(&settings[find_setting(&config_table, "indicators")], c, a, entry, NULL);
    return true;
}

/* ---- from the file */

struct reader {
    struct config *c;
    struct arena *arena;
    const char *path;
    void (*mistake)(void *to, const char *text);
    void *to;
    bool good;
};

/* Some map of the file: which table it is read by, into what, and how it is called in a mistake. */
struct scope {
    const struct table *table;
    void *record;
    int *from;
    const char *label;  /* before the keys: "indicators[2]." */
    const char *prefix; /* of the table's keys: "sensor." */
};

enum { KEY_MAX = 64 };

static void tell(struct reader *r, struct buffer *text)
{
    buffer_char(text, 0);
    r->mistake(r->to, text->at);
    buffer_free(text);
    r->good = false;
}

static bool is_blank(const struct yaml *node)
{
    return node->kind == YAML_SCALAR && !node->quoted && node->text.len == 0;
}

static void write_found(const struct yaml *node, struct buffer *out)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    if (!node || is_blank(node))
        buffer_text(out, "nothing");
    else if (node->kind == YAML_SCALAR)
        buffer_format(out, "\"%s\"", fail_quote(node->text, quote));
    else
        buffer_text(out, node->kind == YAML_LIST ? "a list" : "a map");
}

/* `path: line N: key: expected …, found …` */
static void __attribute__((format(printf, 5, 6)))
refuse(struct reader *r, unsigned line, const char *expected, const struct yaml *found, const char *key, ...)
{
    struct buffer text = {0};
    char name[2 * KEY_MAX];
    va_list args;
    va_start(args, key);
    vsnprintf(name, sizeof name, key, args);
    va_end(args);
    buffer_format(&text, "%s: line %u: %s: expected %s, found ", r->path, line, name, expected);
    write_found(found, &text);
    tell(r, &text);
}

static void refuse_value(struct reader *r, const struct scope *in, const struct setting *s, const char *index,
                         const struct yaml *found)
{
    struct buffer text = {0};
    struct fail more = {0};
    buffer_format(&text, "%s: line %u: %s%s%s: expected ", r->path, found->line, in->label, s->key, index);
    kind_expected(s, &text);
    buffer_text(&text, ", found ");
    write_found(found, &text);
    if (s->kind->explain && found->kind == YAML_SCALAR)
        s->kind->explain(found->text, &more);
    if (more.text[0]) {
        char quote[4 * FAIL_QUOTE_MAX + 4];
        buffer_format(&text, " (%s)", fail_quote(bytes_text(more.text), quote));
    }
    tell(r, &text);
}

static void refuse_more(struct reader *r, const struct scope *in, const struct setting *s, const struct yaml *item,
                        unsigned max)
{
    char expected[64];
    snprintf(expected, sizeof expected, "no more than %u items", max);
    refuse(r, item->line, expected, item, "%s%s", in->label, s->key);
}

/* How many letters are to be changed, added or left out to make `b` of `a` (Levenshtein). */
static size_t distance(struct bytes a, struct bytes b)
{
    size_t row[KEY_MAX + 1];
    assert(b.len <= KEY_MAX);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t best = corner + (bytes_lower(a.at[i]) != bytes_lower(b.at[j]));
            corner = row[j + 1];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j + 1] = corner + 1 < best ? corner + 1 : best;
        }
    }
    return row[b.len];
}

/* The next key below `prefix` that setting `i` begins; empty where it lies elsewhere or an earlier one began it. */
static struct bytes key_below(const struct scope *in, int i)
{
    const struct setting *s = in->table->settings;
    size_t skip = strlen(in->prefix);
    struct bytes none = {0}, key;
    if (strncmp(s[i].key, in->prefix, skip) != 0)
        return none;
    key = bytes_text(s[i].key + skip);
    key = bytes_until(key, bytes_find(key, '.'));
    return i > 0 && strncmp(s[i - 1].key, s[i].key, skip + key.len) == 0 ? none : key;
}

static void refuse_key(struct reader *r, const struct scope *in, const struct yaml *node)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    struct bytes near = {0};
    size_t nearest = 3;
    struct buffer text = {0};
    fail_quote(node->key, quote);
    buffer_format(&text, "%s: line %u: %s%s%s: expected one of", r->path, node->line, in->label, in->prefix, quote);
    for (int i = 0, n = 0; i < in->table->count; i++) {
        struct bytes key = key_below(in, i);
        if (!key.len)
            continue;
        buffer_format(&text, "%s %.*s", n++ ? "," : "", (int)key.len, (const char *)key.at);
        size_t far = node->key.len <= KEY_MAX ? distance(node->key, key) : nearest;
        if (far < nearest && far < key.len) {
            nearest = far;
            near = key;
        }
    }
    buffer_format(&text, ", found \"%s\"", quote);
    if (near.len)
        buffer_format(&text, " (did you mean %.*s?)", (int)near.len, (const char *)near.at);
    tell(r, &text);
}

static void read_scope(struct reader *r, const struct scope *in, const struct yaml *map);

static void expect_required(struct reader *r, const struct scope *in, const struct yaml *node)
{
    for (int i = 0; i < in->table->count; i++)
        if (in->table->settings[i].required && !in->from[i])
            refuse(r, node->line, in->table->settings[i].kind->expected, NULL, "%s%s", in->label,
                   in->table->settings[i].key);
}

/* Of the settings that exclude each other, one and no other. */
static void expect_either(struct reader *r, const struct scope *in, const struct yaml *node)
{
    const struct setting *first = NULL, *s = in->table->settings;
    struct buffer expected = {0};
    unsigned said = 0, line = node->line;
    for (int i = 0; i < in->table->count; i++) {
        if (!s[i].either)
            continue;
        buffer_format(&expected, "%s%s", first ? ", " : "one of ", s[i].key);
        first = first ? first : &s[i];
        said += in->from[i] != CONFIG_FROM_DEFAULT;
        line = in->from[i] > (int)line ? (unsigned)in->from[i] : line;
    }
    buffer_text(&expected, said > 1 ? " and no more" : "");
    buffer_char(&expected, 0);
    struct yaml many = {.kind = YAML_SCALAR, .text = bytes_text("several")};
    if (first && said != 1)
        refuse(r, line, expected.at, said ? &many : NULL, "%.*s", (int)strlen(in->label) - 1, in->label);
    buffer_free(&expected);
}

static void expect_unique(struct reader *r, const struct scope *in, const void *first)
{
    for (int i = 0; i < in->table->count; i++) {
        const struct setting *s = &in->table->settings[i];
        const char *name = value_of(s, in->record);
        for (const void *other = s->unique && *name ? first : NULL; other; other = next_of(other)) {
            if (strcmp((const char *)other + s->at, name) != 0)
                continue;
            struct yaml found = {.kind = YAML_SCALAR, .text = bytes_text(name)};
            refuse(r, (unsigned)in->from[i], "what no other has", &found, "%s%s", in->label, s->key);
            break;
        }
    }
}

static void read_entry(struct reader *r, const struct setting *s, const struct yaml *node, unsigned index)
{
    char label[KEY_MAX];
    const struct list *l = s->list;
    if (node->kind != YAML_MAP) {
        refuse(r, node->line, l->item, node, "%s[%u]", s->key, index);
        return;
    }
    void *entry = entry_new(l, r->arena);
    snprintf(label, sizeof label, "%s[%u].", s->key, index);
    struct scope in = {&l->table, entry, origins_of(l, entry), label, ""};
    bool good = r->good;
    r->good = true;
    read_scope(r, &in, node);
    expect_required(r, &in, node);
    expect_either(r, &in, node);
    expect_unique(r, &in, *(void **)value_of(s, r->c));
    if (r->good)
        entry_add(s, r->c, r->arena, entry, r->path);
    r->good &= good;
}

static void read_entries(struct reader *r, const struct scope *in, const struct setting *s, const struct yaml *node)
{
    if (node->kind != YAML_LIST) {
        refuse(r, node->line, s->list->expected, node, "%s", s->key);
        return;
    }
    unsigned index = 0;
    for (const struct yaml *item = node->first; item; item = item->next, index++) {
        if (index == s->list->max) {
            refuse_more(r, in, s, item, index);
            return;
        }
        read_entry(r, s, item, index);
    }
}

static void read_home(struct reader *r, const struct scope *in, const struct setting *s, const struct yaml *node)
{
    if (node->kind != YAML_LIST) {
        refuse(r, node->line, "a list of CIDR blocks", node, "%s%s", in->label, s->key);
        return;
    }
    struct config_home *home = value_of(s, in->record);
    unsigned index = 0;
    home->count = 0;
    for (const struct yaml *item = node->first; item; item = item->next, index++) {
        char at[KEY_MAX];
        snprintf(at, sizeof at, "[%u]", index);
        if (index == CONFIG_HOME_MAX) {
            refuse_more(r, in, s, item, index);
            return;
        }
        if (item->kind != YAML_SCALAR || !s->kind->read(s, item->text, NULL, home))
            refuse_value(r, in, s, at, item);
    }
}

static void read_setting(struct reader *r, const struct scope *in, int i, const struct yaml *node)
{
    const struct setting *s = &in->table->settings[i];
    if ((s->list || s->kind->many) && is_blank(node))
        return; /* all its items are commented out: nothing was said */
    in->from[i] = (int)node->line;
    if (s->list)
        read_entries(r, in, s, node);
    else if (s->kind->many)
        read_home(r, in, s, node);
    else if (node->kind != YAML_SCALAR || is_blank(node) ||
             !s->kind->read(s, node->text, r->arena, value_of(s, in->record)))
        refuse_value(r, in, s, "", node);
}

static void read_section(struct reader *r, const struct scope *in, const char *key, const struct yaml *node)
{
    char prefix[KEY_MAX + 2];
    struct scope inner = *in;
    snprintf(prefix, sizeof prefix, "%s.", key);
    inner.prefix = prefix;
    if (node->kind == YAML_MAP)
        read_scope(r, &inner, node);
    else if (!is_blank(node))
        refuse(r, node->line, "a map of settings", node, "%s", key);
}

static void read_key(struct reader *r, const struct scope *in, const struct yaml *node)
{
    char key[KEY_MAX];
    int len = snprintf(key, sizeof key, "%s%.*s", in->prefix, (int)bytes_until(node->key, KEY_MAX).len,
                       (const char *)node->key.at);
    bool plain = (size_t)len < sizeof key && bytes_find(node->key, '.') == node->key.len &&
                 bytes_find(node->key, 0) == node->key.len;
    int i = plain ? find_setting(in->table, key) : -1;
    if (i >= 0)
        read_setting(r, in, i, node);
    else if (plain && is_section(in->table, key))
        read_section(r, in, key, node);
    else
        refuse_key(r, in, node);
}

static void read_scope(struct reader *r, const struct scope *in, const struct yaml *map)
{
    for (const struct yaml *node = map->first; node; node = node->next)
        read_key(r, in, node);
}

/* Without CURVE whoever reaches an endpoint could read all of it. */
static void expect_key_or_loopback(struct reader *r, const struct config *c, const char *key, const char *endpoint)
{
    int line = c->from[find_setting(&config_table, key)];
    struct yaml found = {.kind = YAML_SCALAR, .text = bytes_text(endpoint)};
    if (line > 0 && !*c->publish.key && !kind_endpoint_is_local(endpoint))
        refuse(r, (unsigned)line, "an endpoint on loopback or ipc, since there is no publish.key", &found, "%s", key);
}

bool config_read(struct config *c, struct arena *a, const char *path, struct bytes content,
                 void (*mistake)(void *to, const char *text), void *to)
{
    struct fail why = {0};
    struct reader r = {c, a, arena_text(a, bytes_text(path)), mistake, to, true};
    struct yaml *root = yaml_read(a, content, &why);
    c->path = r.path;
    if (!root) {
        struct buffer text = {0};
        buffer_format(&text, "%s: %s", r.path, why.text);
        tell(&r, &text);
    } else if (root->kind != YAML_MAP) {
        refuse(&r, root->line, "a map of settings", root, "the file");
    } else {
        read_scope(&r, &(struct scope){&config_table, c, c->from, "", ""}, root);
        expect_key_or_loopback(&r, c, "publish.endpoint", c->publish.endpoint);
        expect_key_or_loopback(&r, c, "publish.replay", c->publish.replay);
    }
    place_paths(&config_table, c, c->from, a, r.path);
    inherit(c);
    return r.good;
}

/* ---- print and document */

struct printer {
    struct buffer *to;
    const char *path; /* of the configuration file, printable */
    bool sample;      /* what a setting is about, in place of where its value came from */
};

static void print_origin(const struct printer *p, int from)
{
    if (p->sample)
        buffer_char(p->to, '\n');
    else if (from == CONFIG_FROM_DEFAULT)
        buffer_text(p->to, " # default\n");
    else if (from == CONFIG_FROM_COMMAND_LINE)
        buffer_text(p->to, " # command line\n");
    else
        buffer_format(p->to, " # %s:%d\n", p->path, from);
}

static void print_about(const struct printer *p, const char *indent, const char *about)
{
    struct bytes rest = bytes_text(about), line;
    while (p->sample && text_line(&rest, &line))
        buffer_format(p->to, "%s# %.*s\n", indent, (int)line.len, (const char *)line.at);
}

/* Quoted, since an address may end in the colon that makes a key. */
static void print_home(const struct printer *p, const char *indent, const struct config_home *home, int from)
{
    if (!home->count) {
        buffer_text(p->to, " []");
        print_origin(p, from);
        return;
    }
    buffer_char(p->to, '\n');
    for (uint32_t i = 0; i < home->count; i++) {
        char text[ADDRESS_TEXT_MAX];
        block_write(&home->block[i], text);
        buffer_format(p->to, "%s  - \"%s\"", indent, text);
        print_origin(p, from);
    }
}

static void print_value(const struct printer *p, const char *indent, const struct setting *s, void *record, int from)
{
    if (s->kind->many) {
        print_home(p, indent, value_of(s, record), from);
        return;
    }
    buffer_char(p->to, ' ');
    s->kind->write(s, value_of(s, record), p->to);
    print_origin(p, from);
}

/* Where an entry's value came from, be it by way of `sensor`. */
static int origin_of(const struct config *c, const struct setting *s, int from)
{
    char key[64];
    snprintf(key, sizeof key, "sensor.%s", s->key);
    return s->inherited && from == CONFIG_FROM_DEFAULT ? c->from[find_setting(&config_table, key)] : from;
}

static void print_entry(const struct printer *p, const struct config *c, const struct list *l, void *entry)
{
    for (int i = 0; i < l->table.count; i++) {
        const struct setting *s = &l->table.settings[i];
        int from = origins_of(l, entry)[i];
        if (s->either && from == CONFIG_FROM_DEFAULT)
            continue;
        buffer_format(p->to, "  %s %s:", i ? " " : "-", s->key);
        print_value(p, "    ", s, entry, origin_of(c, s, from));
    }
}

/* An example, commented out; of settings that exclude each other, all but the first once more. */
static void print_entry_sample(const struct printer *p, const struct list *l)
{
    bool chosen = false;
    for (int i = 0; i < l->table.count; i++) {
        const struct setting *s = &l->table.settings[i];
        buffer_format(p->to, "#  %s %s%s: %s # %s\n", i ? " " : "-", s->either && chosen ? "# " : "", s->key,
                      s->preset ? s->preset : s->sample, s->about);
        chosen |= s->either;
    }
}

static void print_entries(const struct printer *p, const struct config *c, const struct setting *s, void *first,
                          int from)
{
    if (!first) {
        buffer_text(p->to, p->sample ? "" : " []");
        print_origin(p, from);
    } else {
        buffer_char(p->to, '\n');
    }
    for (void *entry = first; entry; entry = next_of(entry))
        print_entry(p, c, s->list, entry);
    if (p->sample)
        print_entry_sample(p, s->list);
}

static void print_setting(const struct printer *p, struct config *c, int i)
{
    const struct setting *s = &settings[i];
    const char *dot = strchr(s->key, '.'), *key = dot ? dot + 1 : s->key, *indent = dot ? "  " : "";
    print_about(p, indent, s->about);
    buffer_format(p->to, "%s%s:", indent, key);
    if (s->list)
        print_entries(p, c, s, *(void **)value_of(s, c), c->from[i]);
    else
        print_value(p, indent, s, c, c->from[i]);
}

static bool begins_section(int i)
{
    const char *dot = strchr(settings[i].key, '.');
    return dot && (i == 0 || strncmp(settings[i - 1].key, settings[i].key, (size_t)(dot + 1 - settings[i].key)) != 0);
}

static void print_settings(const struct printer *p, struct config *c)
{
    for (int i = 0; i < CONFIG_SETTINGS; i++) {
        const char *key = settings[i].key;
        if (p->sample && i && (begins_section(i) || !strchr(key, '.')))
            buffer_char(p->to, '\n');
        if (begins_section(i))
            buffer_format(p->to, "%.*s:\n", (int)strcspn(key, "."), key);
        print_setting(p, c, i);
    }
}

void config_print(const struct config *c, struct buffer *out)
{
    char path[4 * FAIL_QUOTE_MAX + 4];
    struct config copy = *c;
    fail_quote(bytes_text(c->path ? c->path : ""), path);
    print_settings(&(struct printer){out, path, false}, &copy);
}

void config_document(struct buffer *out)
{
    struct config c;
    config_defaults(&c);
    buffer_text(out, "# vigia.yaml: every setting with its default. What is left out keeps its default; `vigia check`\n"
                     "# prints what holds.\n\n");
    print_settings(&(struct printer){out, "", true}, &c);
}

/* ---- what a reload finds changed */

struct comparison {
    void (*change)(void *to, int line, const char *key, const char *what);
    void *to;
};

static bool same_value(const struct setting *s, void *a, void *b)
{
    if (s->kind->many) {
        const struct config_home *left = value_of(s, a), *right = value_of(s, b);
        return left->count == right->count && memcmp(left->block, right->block, left->count * sizeof *left->block) == 0;
    }
    struct buffer left = {0}, right = {0};
    s->kind->write(s, value_of(s, a), &left);
    s->kind->write(s, value_of(s, b), &right);
    bool same = bytes_equal(buffer_bytes(&left), buffer_bytes(&right));
    buffer_free(&left);
    buffer_free(&right);
    return same;
}

static struct config_sensor *sensor_named(const struct config *c, const char *name)
{
    for (struct config_sensor *s = c->sensors; s; s = s->next)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

/* Of those that exclude each other, only what is said has a value. */
static bool same_in_sensor(const struct setting *s, struct config_sensor *a, struct config_sensor *b, int i)
{
    bool left = a->from[i] != CONFIG_FROM_DEFAULT, right = b->from[i] != CONFIG_FROM_DEFAULT;
    return s->either && !(left && right) ? left == right : same_value(s, a, b);
}

static void compare_sensor(const struct comparison *with, const struct config *next, struct config_sensor *a,
                           struct config_sensor *b)
{
    char key[CONFIG_NAME_MAX + 64];
    for (int i = 0; i < CONFIG_SENSOR_SETTINGS; i++) {
        const struct setting *s = &sensor_settings[i];
        if (same_in_sensor(s, a, b, i))
            continue;
        snprintf(key, sizeof key, "sensors.%s.%s", b->name, s->key);
        with->change(with->to, origin_of(next, s, b->from[i]), key, "changed");
    }
}

static void compare_sensors(const struct comparison *with, const struct config *c, const struct config *next)
{
    char key[CONFIG_NAME_MAX + 16];
    enum { NAME = 0 };
    for (struct config_sensor *b = next->sensors; b; b = b->next) {
        struct config_sensor *a = sensor_named(c, b->name);
        snprintf(key, sizeof key, "sensors.%s", b->name);
        if (a)
            compare_sensor(with, next, a, b);
        else
            with->change(with->to, b->from[NAME], key, "added");
    }
    for (struct config_sensor *a = c->sensors; a; a = a->next) {
        snprintf(key, sizeof key, "sensors.%s", a->name);
        if (!sensor_named(next, a->name))
            with->change(with->to, next->from[find_setting(&config_table, "sensors")], key, "removed");
    }
}

static struct config_feed *feed_named(const struct config *c, const char *name)
{
    for (struct config_feed *f = c->feeds; f; f = f->next)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static void compare_feed(const struct comparison *with, const struct config *next, struct config_feed *a,
                         struct config_feed *b)
{
    char key[CONFIG_NAME_MAX + 64];
    for (int i = 0; i < CONFIG_FEED_SETTINGS; i++) {
        const struct setting *s = &feed_settings[i];
        if (same_value(s, a, b))
            continue;
        snprintf(key, sizeof key, "feeds.%s.%s", b->name, s->key);
        with->change(with->to, origin_of(next, s, b->from[i]), key, "changed");
    }
}

static void compare_feeds(const struct comparison *with, const struct config *c, const struct config *next)
{
    char key[CONFIG_NAME_MAX + 16];
    enum { NAME = 0 };
    for (struct config_feed *b = next->feeds; b; b = b->next) {
        struct config_feed *a = feed_named(c, b->name);
        snprintf(key, sizeof key, "feeds.%s", b->name);
        if (a)
            compare_feed(with, next, a, b);
        else
            with->change(with->to, b->from[NAME], key, "added");
    }
    for (struct config_feed *a = c->feeds; a; a = a->next) {
        snprintf(key, sizeof key, "feeds.%s", a->name);
        if (!feed_named(next, a->name))
            with->change(with->to, next->from[find_setting(&config_table, "feeds")], key, "removed");
    }
}

void config_changes(const struct config *c, const struct config *next,
                    void (*change)(void *to, int line, const char *key, const char *what), void *to)
{
    struct config a = *c, b = *next;
    struct comparison with = {change, to};
    for (int i = 0; i < CONFIG_SETTINGS; i++) {
        const struct setting *s = &settings[i];
        bool of_sensors = strncmp(s->key, "sensor.", strlen("sensor.")) == 0; /* shows in each of them */
        if (s->live || s->list || of_sensors || c->from[i] == CONFIG_FROM_COMMAND_LINE || same_value(s, &a, &b))
            continue;
        change(to, next->from[i], s->key, "changed");
    }
    compare_sensors(&with, c, next);
    compare_feeds(&with, c, next);
}
