/*
 * The table below is all there is to know of a setting: where it lives, how it is written, within which bounds, what
 * holds when nobody says anything, and what to tell about it. Whatever reads, prints or documents walks the table.
 */
#include "run/config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"
#include "model/indicator.h"

struct setting;

/* How a number is written: its units, from the smallest. */
struct unit {
    const char *suffix;
    uint64_t factor;
};

/* A form in which settings are written. */
struct kind {
    const char *expected;
    bool (*read)(const struct setting *s, struct bytes text, struct arena *a, void *at);
    void (*write)(const struct setting *s, const void *at, struct buffer *out);
    const struct unit *units; /* of numbers; ends with a factor of 0 */
};

struct setting {
    const char *key;
    const struct kind *kind;
    size_t at;
    uint64_t min, max;  /* of numbers */
    const char *preset; /* the default as it is written; NULL: none */
    const char *about;  /* lines of text */
    const char *sample; /* shown in the sample where there is no default */
};

struct table {
    const struct setting *settings;
    int count;
};

/* ---- kinds */

static const struct unit count_units[] = {{"", 1}, {"", 0}};
static const struct unit size_units[] = {{"", 1}, {"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"", 0}};
static const struct unit duration_units[] = {
    {"s", TEXT_SECOND_NS}, {"m", 60 * TEXT_SECOND_NS}, {"h", 3600 * TEXT_SECOND_NS}, {"", 0}};

static bool number_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)a;
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    for (const struct unit *u = s->kind->units; u->factor; u++) {
        uint64_t n;
        if (!bytes_equal(bytes_from(text, digits), bytes_text(u->suffix)) ||
            !text_number(bytes_until(text, digits), s->max / u->factor, &n) || n * u->factor < s->min)
            continue;
        n *= u->factor;
        memcpy(at, &n, sizeof n);
        return true;
    }
    return false;
}

/* In the greatest unit that leaves nothing over. */
static void number_write(const struct setting *s, const void *at, struct buffer *out)
{
    uint64_t n;
    memcpy(&n, at, sizeof n);
    const struct unit *best = s->kind->units;
    for (const struct unit *u = best; u->factor; u++)
        if (n && n % u->factor == 0)
            best = u;
    buffer_format(out, "%llu%s", (unsigned long long)(n / best->factor), best->suffix);
}

static bool is_letter_or_digit(uint8_t octet)
{
    return (octet >= '0' && octet <= '9') || (bytes_lower(octet) >= 'a' && bytes_lower(octet) <= 'z');
}

static bool name_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    if (text.len == 0 || text.len > CONFIG_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter_or_digit(text.at[i]) && (text.at[i] == 0 || !strchr("-_.", text.at[i])))
            return false;
    char *name = at;
    memcpy(name, text.at, text.len);
    name[text.len] = 0;
    return true;
}

static void quoted_write(const char *text, struct buffer *out)
{
    struct json j = json_to(out); /* a JSON string is a YAML scalar */
    json_string(&j, text);
}

static void name_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    const char *name = at;
    if (is_letter_or_digit((uint8_t)name[0]))
        buffer_text(out, name);
    else
        quoted_write(name, out);
}

static bool country_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    char *country = at;
    if (text.len != 2)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (bytes_lower(text.at[i]) < 'a' || bytes_lower(text.at[i]) > 'z')
            return false;
    for (size_t i = 0; i < 2; i++)
        country[i] = (char)(text.at[i] & ~0x20);
    country[2] = 0;
    return true;
}

static bool tlp_kind_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    return tlp_read(text, at);
}

static void tlp_kind_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    buffer_text(out, tlp_name(*(const enum tlp *)at));
}

static bool category_kind_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    return category_read(text, at);
}

static void category_kind_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    category_id c = *(const category_id *)at;
    buffer_format(out, "%s/%s", category_class(c), category_type(c));
}

static bool confidence_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    uint64_t n;
    int *confidence = at;
    if (bytes_alike(text, "unknown"))
        *confidence = INDICATOR_CONFIDENCE_UNKNOWN;
    else if (text_number(text, 100, &n))
        *confidence = (int)n;
    else
        return false;
    return true;
}

static void confidence_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    int confidence = *(const int *)at;
    if (confidence < 0)
        buffer_text(out, "unknown");
    else
        buffer_format(out, "%d", confidence);
}

static bool text_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    if (text.len == 0 || text.len > CONFIG_TEXT_MAX || bytes_find(text, 0) < text.len)
        return false;
    *(const char **)at = arena_text(a, text);
    return true;
}

static void text_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    quoted_write(*(const char *const *)at, out);
}

/* One more block. Host bits are refused: most likely a slip of the pen, which would turn every direction. */
static bool home_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    struct config_home *home = at;
    bool masked = false;
    if (home->count == CONFIG_HOME_MAX || !block_read(text, &home->block[home->count], &masked) || masked)
        return false;
    home->count++;
    return true;
}

static const struct kind count_kind = {"a number", number_read, number_write, count_units};
static const struct kind size_kind = {"a size such as 64k, 256M or 2G,", number_read, number_write, size_units};
static const struct kind duration_kind = {"a duration such as 30s, 15m or 1h,", number_read, number_write,
                                          duration_units};
static const struct kind name_kind = {"1 to 64 letters, digits, '-', '_' or '.'", name_read, name_write, NULL};
static const struct kind country_kind = {"a country's two letters (ISO 3166)", country_read, name_write, NULL};
static const struct kind tlp_kind = {"clear, green, amber, amber+strict or red", tlp_kind_read, tlp_kind_write, NULL};
static const struct kind category_kind = {"an incident type of RSIT such as c2-server", category_kind_read,
                                          category_kind_write, NULL};
static const struct kind confidence_kind = {"a number from 0 to 100, or unknown", confidence_read, confidence_write,
                                            NULL};
static const struct kind file_kind = {"a path", text_read, text_write, NULL};
static const struct kind text_kind = {"a name", text_read, text_write, NULL};
static const struct kind home_kind = {"a CIDR block without host bits such as 10.0.0.0/8", home_read, NULL, NULL};
static const struct kind indicators_kind = {"a list of indicator files", NULL, NULL, NULL};

/* ---- the tables */

#define DAY_NS (24 * 3600 * TEXT_SECOND_NS)

#define AT(member)      offsetof(struct config, member)
#define FILE_AT(member) offsetof(struct config_indicators, member)

/* clang-format off */
static const struct setting settings[] = {
    {.key = "publisher.name", .kind = &name_kind, .at = AT(publisher), .preset = "local",
     .about = "Who tells: the name in every finding."},
    {.key = "threads", .kind = &count_kind, .at = AT(threads), .max = CONFIG_THREADS_MAX, .preset = "0",
     .about = "Threads that read packets; 0 is as many as there are processors."},
    {.key = "sensor.name", .kind = &name_kind, .at = AT(sensor.name), .preset = "replay",
     .about = "Who saw it."},
    {.key = "sensor.country", .kind = &country_kind, .at = AT(sensor.country), .preset = "ZZ",
     .about = "Where it stands: ISO 3166 alpha-2, ZZ unknown."},
    {.key = "sensor.tlp", .kind = &tlp_kind, .at = AT(sensor.tlp), .preset = "amber",
     .about = "Who may see the flows it saw: clear, green, amber, amber+strict or red (TLP 2.0)."},
    {.key = "sensor.home", .kind = &home_kind, .at = AT(sensor.home),
     .preset = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,fc00::/7,fe80::/10",
     .about = "The networks that are our own; they make a flow inbound or outbound.\n"
              "Default: private, shared and link-local ones (RFC 1918, 6598, 3927, 4193, 4291)."},
    {.key = "indicators", .kind = &indicators_kind, .at = AT(indicators),
     .about = "Files of indicators; their form is recognised by their content."},
    {.key = "limits.flows", .kind = &count_kind, .at = AT(limits.flows), .min = 1, .max = 1 << 28, .preset = "2097152",
     .about = "Flows that are open at a time, over all threads."},
    {.key = "limits.streams_bytes", .kind = &size_kind, .at = AT(limits.streams_bytes), .min = 1 << 20,
     .max = UINT64_C(1) << 40, .preset = "256M",
     .about = "Memory that puts TCP streams in order, over all threads; k, M and G are powers of 1024."},
    {.key = "limits.hits", .kind = &count_kind, .at = AT(limits.hits), .min = 1, .max = 1 << 28, .preset = "1048576",
     .about = "Findings that wait for their flow to end, over all threads."},
    {.key = "timeouts.attempted", .kind = &duration_kind, .at = AT(timeouts.attempted_ns), .min = TEXT_SECOND_NS,
     .max = DAY_NS, .preset = "30s",
     .about = "A flow is over once it was quiet for so long: TCP that nobody answered."},
    {.key = "timeouts.udp", .kind = &duration_kind, .at = AT(timeouts.udp_ns), .min = TEXT_SECOND_NS, .max = DAY_NS,
     .preset = "60s",
     .about = "UDP, and whatever else is not TCP."},
    {.key = "timeouts.established", .kind = &duration_kind, .at = AT(timeouts.established_ns), .min = TEXT_SECOND_NS,
     .max = DAY_NS, .preset = "900s",
     .about = "TCP that was answered."},
    {.key = "timeouts.closed", .kind = &duration_kind, .at = AT(timeouts.closed_ns), .min = TEXT_SECOND_NS,
     .max = DAY_NS, .preset = "10s",
     .about = "TCP that both sides closed or one reset."},
};

static const struct setting indicator_settings[] = {
    {.key = "file", .kind = &file_kind, .at = FILE_AT(file), .sample = "own.csv",
     .about = "required; relative to this file's folder"},
    {.key = "tlp", .kind = &tlp_kind, .at = FILE_AT(tlp), .preset = "amber",
     .about = "of records that bear none"},
    {.key = "confidence", .kind = &confidence_kind, .at = FILE_AT(confidence), .preset = "unknown",
     .about = "of records that bear none: 0 to 100"},
    {.key = "name", .kind = &text_kind, .at = FILE_AT(name), .sample = "own",
     .about = "of the feed; the file's name where left out"},
    {.key = "category", .kind = &category_kind, .at = FILE_AT(category), .preset = "undetermined",
     .about = "of records that bear none (RSIT)"},
};
/* clang-format on */

enum { INDICATOR_FILE = 0 };

static_assert(sizeof settings / sizeof *settings == CONFIG_SETTINGS, "one origin a setting");
static_assert(sizeof indicator_settings / sizeof *indicator_settings == CONFIG_INDICATOR_SETTINGS, "and here");

static const struct table config_table = {settings, CONFIG_SETTINGS};
static const struct table indicator_table = {indicator_settings, CONFIG_INDICATOR_SETTINGS};

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
    if (s->kind != &home_kind)
        return s->kind->read && s->kind->read(s, text, NULL, value_of(s, record));
    struct config_home *home = value_of(s, record);
    home->count = 0;
    while (text.len) {
        size_t len = bytes_find(text, ',');
        if (!home_read(s, bytes_trim(bytes_until(text, len)), NULL, home))
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

void config_defaults(struct config *c)
{
    *c = (struct config){0};
    set_defaults(&config_table, c);
}

static void write_expected(const struct setting *s, struct buffer *out)
{
    buffer_text(out, s->kind->expected);
    if (!s->kind->units)
        return;
    buffer_text(out, " from ");
    number_write(s, &s->min, out);
    buffer_text(out, " to ");
    number_write(s, &s->max, out);
}

bool config_set(struct config *c, const char *key, struct bytes text, struct fail *why)
{
    int i = find_setting(&config_table, key);
    if (i < 0 || !settings[i].kind->read)
        return fail_set(why, "%s: no setting of this name can be given here", key);
    const struct setting *s = &settings[i];
    struct config changed = *c;
    if (!set_text(s, text, &changed)) {
        char quote[4 * FAIL_QUOTE_MAX + 4];
        struct buffer expected = {0};
        write_expected(s, &expected);
        fail_set(why, "%s: expected %.*s, found \"%s\"", key, (int)expected.len, expected.at, fail_quote(text, quote));
        buffer_free(&expected);
        return false;
    }
    changed.from[i] = CONFIG_FROM_COMMAND_LINE;
    *c = changed;
    return true;
}

/* ---- indicator files */

static struct bytes without_ending(struct bytes name, const char *ending)
{
    size_t len = strlen(ending);
    bool has = name.len > len && bytes_alike(bytes_from(name, name.len - len), ending);
    return has ? bytes_until(name, name.len - len) : name;
}

/* The file's name without folder, packing and last ending. */
static struct bytes feed_name(const char *file)
{
    static const char *const packings[] = {".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip"};
    const char *slash = strrchr(file, '/');
    struct bytes name = bytes_text(slash && slash[1] ? slash + 1 : file);
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
        name = without_ending(name, packings[i]);
    for (size_t i = name.len; i-- > 1;)
        if (name.at[i] == '.')
            return bytes_until(name, i);
    return name;
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

static struct config_indicators *indicators_new(struct arena *a)
{
    struct config_indicators *entry = arena_take(a, sizeof *entry);
    set_defaults(&indicator_table, entry);
    return entry;
}

static void indicators_add(struct config *c, struct arena *a, struct config_indicators *entry, const char *beside)
{
    struct config_indicators **tail = &c->indicators;
    while (*tail)
        tail = &(*tail)->next;
    *tail = entry;
    c->indicators_count++;
    entry->path = path_of(a, entry->file, beside);
    if (!entry->name)
        entry->name = arena_text(a, feed_name(entry->file));
}

bool config_add_indicators(struct config *c, struct arena *a, const char *file, struct fail *why)
{
    if (c->indicators_count == CONFIG_INDICATORS_MAX)
        return fail_set(why, "more than %d indicator files", CONFIG_INDICATORS_MAX);
    struct config_indicators *entry = indicators_new(a);
    if (!text_read(&indicator_settings[INDICATOR_FILE], bytes_text(file), a, &entry->file))
        return fail_set(why, "an empty or endless path of an indicator file");
    entry->from[INDICATOR_FILE] = CONFIG_FROM_COMMAND_LINE;
    indicators_add(c, a, entry, NULL);
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
    struct buffer expected = {0};
    write_expected(s, &expected);
    buffer_char(&expected, 0);
    refuse(r, found->line, expected.at, found, "%s%s%s", in->label, s->key, index);
    buffer_free(&expected);
}

static void refuse_more(struct reader *r, const struct setting *s, const struct yaml *item, unsigned max)
{
    char expected[64];
    snprintf(expected, sizeof expected, "no more than %u items", max);
    refuse(r, item->line, expected, item, "%s", s->key);
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

static void read_indicator_file(struct reader *r, const struct yaml *node, unsigned index)
{
    char label[KEY_MAX];
    if (node->kind != YAML_MAP) {
        refuse(r, node->line, "a map with the key file", node, "indicators[%u]", index);
        return;
    }
    struct config_indicators *entry = indicators_new(r->arena);
    snprintf(label, sizeof label, "indicators[%u].", index);
    read_scope(r, &(struct scope){&indicator_table, entry, entry->from, label, ""}, node);
    if (!entry->from[INDICATOR_FILE])
        refuse(r, node->line, file_kind.expected, NULL, "%sfile", label);
    if (entry->file)
        indicators_add(r->c, r->arena, entry, r->path);
}

static void read_indicators(struct reader *r, const struct setting *s, const struct yaml *node)
{
    if (node->kind != YAML_LIST) {
        refuse(r, node->line, s->kind->expected, node, "%s", s->key);
        return;
    }
    unsigned index = 0;
    for (const struct yaml *item = node->first; item; item = item->next, index++) {
        if (index == CONFIG_INDICATORS_MAX) {
            refuse_more(r, s, item, CONFIG_INDICATORS_MAX);
            return;
        }
        read_indicator_file(r, item, index);
    }
}

static void read_home(struct reader *r, const struct scope *in, const struct setting *s, const struct yaml *node)
{
    if (node->kind != YAML_LIST) {
        refuse(r, node->line, "a list of CIDR blocks", node, "%s", s->key);
        return;
    }
    struct config_home *home = value_of(s, in->record);
    unsigned index = 0;
    home->count = 0;
    for (const struct yaml *item = node->first; item; item = item->next, index++) {
        char at[KEY_MAX];
        snprintf(at, sizeof at, "[%u]", index);
        if (index == CONFIG_HOME_MAX) {
            refuse_more(r, s, item, CONFIG_HOME_MAX);
            return;
        }
        if (item->kind != YAML_SCALAR || !home_read(s, item->text, NULL, home))
            refuse_value(r, in, s, at, item);
    }
}

static void read_setting(struct reader *r, const struct scope *in, int i, const struct yaml *node)
{
    const struct setting *s = &in->table->settings[i];
    bool list = s->kind == &home_kind || s->kind == &indicators_kind;
    if (list && is_blank(node))
        return; /* all its items are commented out: nothing was said */
    in->from[i] = (int)node->line;
    if (s->kind == &indicators_kind)
        read_indicators(r, s, node);
    else if (s->kind == &home_kind)
        read_home(r, in, s, node);
    else if (node->kind != YAML_SCALAR || !s->kind->read(s, node->text, r->arena, value_of(s, in->record)))
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
    }
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
static void print_home(const struct printer *p, const struct config_home *home, int from)
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
        buffer_format(p->to, "    - \"%s\"", text);
        print_origin(p, from);
    }
}

static void print_indicator_file(const struct printer *p, struct config_indicators *entry)
{
    for (int i = 0; i < CONFIG_INDICATOR_SETTINGS; i++) {
        const struct setting *s = &indicator_settings[i];
        buffer_format(p->to, "  %s %s: ", i ? " " : "-", s->key);
        s->kind->write(s, value_of(s, entry), p->to);
        print_origin(p, entry->from[i]);
    }
}

/* An example, commented out. */
static void print_indicator_sample(const struct printer *p)
{
    for (int i = 0; i < CONFIG_INDICATOR_SETTINGS; i++) {
        const struct setting *s = &indicator_settings[i];
        buffer_format(p->to, "#  %s %s: %s # %s\n", i ? " " : "-", s->key, s->preset ? s->preset : s->sample, s->about);
    }
}

static void print_indicators(const struct printer *p, const struct config *c, int from)
{
    if (!c->indicators) {
        buffer_text(p->to, p->sample ? "" : " []");
        print_origin(p, from);
    } else {
        buffer_char(p->to, '\n');
    }
    for (struct config_indicators *entry = c->indicators; entry; entry = entry->next)
        print_indicator_file(p, entry);
    if (p->sample)
        print_indicator_sample(p);
}

static void print_setting(const struct printer *p, struct config *c, int i)
{
    const struct setting *s = &settings[i];
    const char *dot = strchr(s->key, '.'), *key = dot ? dot + 1 : s->key, *indent = dot ? "  " : "";
    print_about(p, indent, s->about);
    buffer_format(p->to, "%s%s:", indent, key);
    if (s->kind == &home_kind) {
        print_home(p, value_of(s, c), c->from[i]);
    } else if (s->kind == &indicators_kind) {
        print_indicators(p, c, c->from[i]);
    } else {
        buffer_char(p->to, ' ');
        s->kind->write(s, value_of(s, c), p->to);
        print_origin(p, c->from[i]);
    }
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
