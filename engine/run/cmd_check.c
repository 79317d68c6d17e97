/*
 * vigia check: what is wrong with a configuration, indicator files or captures, and what vigia would run with.
 */
#include "base/log.h"
#include "base/unpack.h"
#include "feed/format.h"
#include "run/atlas.h"
#include "run/generation.h"
#include "run/options.h"
#include "wire/timeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SHOWN_MAX = 4 * 1024 + 1 };

struct checking {
    const struct options *options;
    struct draft *draft;
    struct buffer out;
    bool failed;
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
        buffer_format(&k->out, "%s: %s, %u indicators taken, %u refused, %u warnings, %u left out\n", shown(file->path, room),
                      report.format, report.read, report.refused, report.warnings, report.left_out);
}

static void check_atlas(struct checking *k, const struct config *c)
{
    struct atlas atlas;
    if (atlas_check(&atlas, c, &k->out, &k->failed))
        atlas_close(&atlas);
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

static void check_config(struct checking *k, const char *path, struct bytes content)
{
    struct config config;
    struct arena arena = {.chunks = NULL};
    config_defaults(&config);
    if (config_read(&config, &arena, path, content, mistake, k)) {
        config_print(&config, &k->out);
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

/* What it is, its content says; only YAML has nothing to be known by but its name. */
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
    bool capture = unpacked.count && record_probe(content);
    if (capture) {
        for (size_t i = 0; i < unpacked.count; i++)
            check_capture(k, unpacked.count > 1 ? unpacked.parts[i].member : path, unpacked.parts[i].content);
    } else if (looks_like_config(path)) {
        check_config(k, path, content);
    }
    unpack_free(&unpacked);
    if (!capture && !looks_like_config(path))
        check_as_indicators(k, path);
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
    check_atlas(&k, &o->config);
    for (int i = 0; i < o->argument_count; i++)
        check_file(&k, o->arguments[i]);
    if (draft_count(k.draft))
        check_patterns(&k);
    int status = options_print(buffer_bytes(&k.out), k.failed ? STATUS_INPUT : STATUS_DONE);
    draft_free(k.draft);
    buffer_free(&k.out);
    return status;
}

const struct command command_check = {
    .name = "check",
    .usage = "[-c CONFIG] [-i INDICATORS]... [FILE...]",
    .about = "Checks a configuration, indicator files and captures, and prints what vigia would run with.",
    .help =
        "Mistakes are named with file and line: the first 20 of an indicator file, then their number, and all of a\n"
        "configuration. FILE is a configuration (.yaml), indicators or a capture.\n",
    .accepts = OPTION_INDICATORS | OPTION_CONFIG | OPTION_AS | OPTION_THREADS,
    .run = check,
};
