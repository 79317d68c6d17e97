/*
 * vigia check: what is wrong with a configuration and what it relies on, with files of indicators, events, regions or
 * countries, and with captures; and what vigia would run with.
 */
#include "base/log.h"
#include "base/text.h"
#include "base/unpack.h"
#include "feed/event_reader.h"
#include "feed/frames.h"
#include "feed/place.h"
#include "run/atlas.h"
#include "run/generation.h"
#include "run/keys.h"
#include "run/options.h"
#include "wire/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHOWN_MAX = 4 * 1024 + 1, NAMED = 20 /* records of events that are refused */ };

struct checking {
    const struct options *options;
    struct draft *draft;
    struct buffer out;
    bool failed;
    bool wrong; /* a configuration: the daemon would not begin */
};

/* A name from a file system or an archive may hold what a terminal obeys. */
static const char *shown(const char *name, char room[SHOWN_MAX])
{
    room[encode_printable(bytes_until(bytes_text(name), (SHOWN_MAX - 1) / 4), room)] = '\0';
    return room;
}

static void check_indicators(struct checking *k, const struct config_indicators *file)
{
    char room[SHOWN_MAX];
    struct generation_report report;
    k->failed |= !generation_read(k->draft, file, k->options->as, &report);
    if (report.format)
        buffer_format(&k->out, "%s: %s, %u indicators taken, %u refused, %u warnings, %u left out\n",
                      shown(file->path, room), report.format, report.read, report.refused, report.warnings,
                      report.left_out);
}

static void check_atlas(struct checking *k, const struct config *c)
{
    struct atlas atlas;
    if (atlas_check(&atlas, c, &k->out, &k->failed))
        atlas_close(&atlas);
    else
        k->wrong = true;
}

/* ---- what a configuration relies on outside of its file */

static void wrong(struct checking *k, const struct config *c, struct fail *why)
{
    log_error("%s: %s", c->path ? c->path : "configuration", why->text);
    why->text[0] = '\0'; /* there may be more */
    k->wrong = true;
}

/* Those that libpcap makes up have no number. */
static bool is_interface(const char *name)
{
    return if_nametoindex(name) || strcmp(name, "any") == 0 || strncmp(name, "nf", 2) == 0;
}

static bool sensor_is_there(const struct config_sensor *s, struct fail *why)
{
    struct stat st;
    errno = 0;
    if (s->interface)
        return is_interface(s->interface) || fail_set(why, "%s: expected an interface of this machine", s->interface);
    if (s->folder && (stat(s->folder_path, &st) != 0 || !S_ISDIR(st.st_mode)))
        return fail_set(why, "%s: expected a folder: %s", s->folder_path, errno ? strerror(errno) : "is none");
    return true;
}

static void check_surroundings(struct checking *k, const struct config *c)
{
    struct zmtp_keys keys;
    char server[ZMTP_KEY_TEXT];
    struct fail why = {.text = ""};
    for (const struct config_sensor *s = c->sensors; s; s = s->next)
        if (!sensor_is_there(s, &why) && !fail_at(&why, "sensor %s", s->name))
            wrong(k, c, &why);
    for (const struct config_feed *f = c->feeds; f; f = f->next)
        if (f->server_path && !keys_read_public(f->server_path, server, &why) && !fail_at(&why, "feed %s", f->name))
            wrong(k, c, &why);
    if (c->publish.key_path && !keys_read(c->publish.key_path, &keys, &why) && !fail_at(&why, "publish"))
        wrong(k, c, &why);
}

static void check_capture(struct checking *k, const char *name, struct bytes content)
{
    char room[SHOWN_MAX];
    struct capture capture;
    struct fail why = {.text = ""};
    struct frame frame;
    uint64_t frames = 0;
    if (!capture_open(&capture, content, &why)) {
        log_error("%s: %s", name, why.text);
        k->failed = true;
        return;
    }
    struct capture_walk walk;
    capture_walk_begin(&walk, &capture, (struct capture_refill){.next = NULL});
    while (capture_next(&walk, &frame) == CAPTURE_FRAME)
        frames++;
    if (*walk.damage.text) {
        log_error("%s: %s", name, walk.damage.text);
        k->failed = true;
    }
    buffer_format(&k->out, "%s: %s, %" PRIu64 " packets\n", shown(name, room),
                  capture.begins.next_generation ? "pcapng" : "pcap", frames);
}

/* ---- events */

static void check_events(struct checking *k, const char *name, const struct format *format, struct bytes content)
{
    char room[SHOWN_MAX];
    struct event_reader *reader = event_reader_new();
    struct frames frames = frames_of(content);
    struct feed feed = {.name = "check",
                        .tlp = TLP_AMBER,
                        .confidence = INDICATOR_CONFIDENCE_UNKNOWN,
                        .category = CATEGORY_UNDETERMINED};
    struct tally *tally = calloc(1, sizeof *tally);
    struct bytes frame;
    uint64_t named = 0;
    if (!tally)
        abort();
    while (frames_next(&frames, &frame, true)) {
        struct fail why = {.text = ""};
        enum event_verdict verdict = event_read(reader, format, &feed, tally, frame, EVENT_LATEST_NS, &why);
        if (verdict == EVENT_REFUSED && named++ < NAMED)
            log_error("%s: line %" PRIu64 ": %s", name, frames.line, why.text);
    }
    if (named > NAMED)
        log_error("%s: %" PRIu64 " more records refused", name, named - NAMED);
    k->failed |= named > 0;
    buffer_format(&k->out, "%s: %s, %" PRIu64 " events, %" PRIu64 " other records, %" PRIu64 " refused\n",
                  shown(name, room), format->name, counter_read(&tally->events), counter_read(&tally->passed),
                  tally_refused(tally));
    struct buffer remarks = {.at = NULL};
    tally_write(tally, &remarks);
    if (remarks.len)
        buffer_format(&k->out, "%s: %.*s\n", room, (int)remarks.len, remarks.at);
    buffer_free(&remarks);
    free(tally);
    event_reader_free(reader);
}

/* ---- files */

static bool looks_like_config(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static void mistake(void *to, const char *text)
{
    struct checking *k = to;
    log_error("%s", text);
    k->failed = true;
}

static void config_mistake(void *to, const char *text)
{
    struct checking *k = to;
    log_error("%s", text);
    k->wrong = true;
}

/* `subregions` and `states` are the keys of rules/regions.yaml, and none of a configuration's. */
static bool looks_like_regions(struct bytes content)
{
    struct bytes line;
    while (text_line(&content, &line))
        if (bytes_start_with(line, "subregions:") || bytes_start_with(line, "states:"))
            return true;
    return false;
}

static void check_regions(struct checking *k, const char *path)
{
    struct config config;
    config_defaults(&config);
    config.regions_path = path;
    check_atlas(k, &config);
}

static void check_countries(struct checking *k, const char *path)
{
    struct config config;
    struct config_countries file = {.file = path, .path = path};
    config_defaults(&config);
    config.countries = &file;
    check_atlas(k, &config);
}

static void check_config(struct checking *k, const char *path, struct bytes content)
{
    struct config config;
    struct arena arena = {.chunks = NULL};
    config_defaults(&config);
    if (config_read(&config, &arena, path, content, config_mistake, k)) {
        config_print(&config, &k->out);
        check_surroundings(k, &config);
        for (const struct config_indicators *file = config.indicators; file; file = file->next)
            check_indicators(k, file);
        check_atlas(k, &config);
    }
    arena_free(&arena);
}

static void check_as_indicators(struct checking *k, const char *path)
{
    struct config config;
    struct arena arena = {.chunks = NULL};
    struct fail why = {.text = ""};
    config_defaults(&config);
    if (config_add_indicators(&config, &arena, path, &why))
        check_indicators(k, config.indicators);
    else
        mistake(k, why.text);
    arena_free(&arena);
}

enum kind { KIND_CAPTURE, KIND_CONFIG, KIND_REGIONS, KIND_COUNTRIES, KIND_EVENTS, KIND_INDICATORS };

/* What it is, its content says; only YAML has nothing to be known by but its name. */
static enum kind kind_of(const struct checking *k, const char *path, struct bytes content)
{
    if (record_probe(content))
        return KIND_CAPTURE;
    if (looks_like_config(path))
        return looks_like_regions(content) ? KIND_REGIONS : KIND_CONFIG;
    const struct format *f = k->options->as ? format_named(k->options->as) : format_of(content);
    if (f && f->read_event)
        return KIND_EVENTS;
    bool maybe = !k->options->as && (!f || f == &format_plain); /* a table of networks could be a strange list */
    return maybe && places_probe(content) ? KIND_COUNTRIES : KIND_INDICATORS;
}

static void check_part(struct checking *k, enum kind kind, const char *name, struct bytes content)
{
    if (kind == KIND_CAPTURE) {
        check_capture(k, name, content);
        return;
    }
    const struct format *f = k->options->as ? format_named(k->options->as) : format_of(content);
    if (f && f->read_event) {
        check_events(k, name, f, content);
        return;
    }
    log_error("%s: expected events (intelmq or eve), found something else", name);
    k->failed = true;
}

static void check_file(struct checking *k, const char *path)
{
    struct unpack unpacked;
    struct fail why = {.text = ""};
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        check_as_indicators(k, path); /* a MISP feed */
        return;
    }
    if (!unpack_file(&unpacked, path, UNPACK_BYTES_MAX, &why)) {
        log_error("%s: %s", path, why.text);
        k->failed = true;
        return;
    }
    struct bytes content = unpacked.count ? unpacked.parts[0].content : bytes_of(NULL, 0);
    enum kind kind = kind_of(k, path, content);
    for (size_t i = 0; i < unpacked.count && (kind == KIND_CAPTURE || kind == KIND_EVENTS); i++)
        check_part(k, kind, unpacked.count > 1 ? unpacked.parts[i].member : path, unpacked.parts[i].content);
    if (kind == KIND_CONFIG)
        check_config(k, path, content);
    unpack_free(&unpacked);
    switch (kind) {
    case KIND_REGIONS: check_regions(k, path); break;
    case KIND_COUNTRIES: check_countries(k, path); break;
    case KIND_INDICATORS: check_as_indicators(k, path); break;
    default: break;
    }
}

static void check_patterns(struct checking *k)
{
    struct fail why = {.text = ""};
    const struct database *db = database_build(k->draft, 1, &why);
    if (!db) {
        mistake(k, why.text);
        return;
    }
    buffer_format(&k->out, "in all: %u indicators of %u sources, %zu KiB\n", database_count(db),
                  draft_sources(k->draft), database_bytes(db) >> 10);
    database_drop(db);
}

static int check(const struct options *o)
{
    struct checking k = {.options = o, .draft = draft_new()};
    if (o->config.path || o->argument_count == 0)
        config_print(&o->config, &k.out);
    for (const struct config_indicators *file = o->config.indicators; file; file = file->next)
        check_indicators(&k, file);
    check_surroundings(&k, &o->config);
    check_atlas(&k, &o->config);
    for (int i = 0; i < o->argument_count; i++)
        check_file(&k, o->arguments[i]);
    if (draft_count(k.draft))
        check_patterns(&k);
    int status = options_print(buffer_bytes(&k.out), k.wrong ? STATUS_USAGE : k.failed ? STATUS_INPUT : STATUS_DONE);
    draft_free(k.draft);
    buffer_free(&k.out);
    return status;
}

const struct command command_check = {
    .name = "check",
    .usage = "[-c CONFIG] [-i INDICATORS]... [FILE...]",
    .about = "Checks a configuration, indicators, captures, events and tables, and prints what vigia would run with.",
    .help =
        "Mistakes are named with file and line: the first 20 of an indicator file, then their number, and all of a\n"
        "configuration. FILE is a configuration or regions (.yaml), indicators, a capture, events (IntelMQ, EVE) or\n"
        "networks with their countries. A configuration with which the daemon would not begin gives status 2.\n",
    .accepts = OPTION_INDICATORS | OPTION_CONFIG | OPTION_AS | OPTION_THREADS,
    .run = check,
};
