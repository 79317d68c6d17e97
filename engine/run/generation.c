/*
 * A file's records go into the draft one by one; what is wrong with one is said with file and line.
 */
#include "run/generation.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "base/unpack.h"
#include "feed/format.h"
#include "feed/left.h"
#include "feed/misp.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

struct reading {
    struct draft *draft;
    const struct config_indicators *file;
    const char *as;
    const char *name; /* of the file, of its part in an archive or of an event in a folder */
    struct generation_report *report;
    struct left left;
    bool whole;
};

static void refused(void *to, unsigned line, const char *text)
{
    struct reading *r = to;
    if (r->report->refused++ < GENERATION_NAMED)
        log_error("%s: line %u: %s", r->name, line, text);
}

static void warning(void *to, unsigned line, const char *text)
{
    struct reading *r = to;
    if (r->report->warnings++ < GENERATION_NAMED)
        log_warning("%s: line %u: %s", r->name, line, text);
}

static void broken(void *to, unsigned line, const char *text)
{
    struct reading *r = to;
    r->whole = false;
    refused(to, line, text);
}

static void left_out(void *to, unsigned count, const char *what)
{
    struct reading *r = to;
    r->report->left_out += count;
    left_add(&r->left, count, what);
}

static void say_left_out(void *to, unsigned count, const char *what)
{
    const struct reading *r = to;
    log_note("%s: left out: %u %s", r->file->path, count, what);
}

static void indicator(void *to, unsigned line, const struct indicator_key *key, const struct indicator_source *source)
{
    struct reading *r = to;
    struct fail why = {.text = ""};
    if (draft_add(r->draft, key, source, &why))
        r->report->read++;
    else
        refused(to, line, why.text);
}

static void read_as(struct reading *r, const struct format *format, struct bytes content)
{
    const struct config_indicators *file = r->file;
    if (!format->read) {
        log_error("%s: expected indicators, found events (%s), which are an input", r->name, format->name);
        r->whole = false;
        return;
    }
    r->report->format = format->name;
    struct feed feed = {
        .name = file->name, .tlp = file->tlp, .confidence = (int8_t)file->confidence, .category = file->category};
    struct feed_sink sink = {.to = r,
                             .indicator = indicator,
                             .warning = warning,
                             .refused = refused,
                             .broken = broken,
                             .left_out = left_out};
    format->read(content, &feed, &sink);
}

static void read_part(struct reading *r, struct bytes content)
{
    const struct format *format = r->as ? format_named(r->as) : format_of(content);
    if (format && format->read) {
        read_as(r, format, content);
        return;
    }
    log_error("%s: expected indicators (CSV, a list, MISP or STIX), found %s", r->name,
              format ? format->about : "something else");
    r->whole = false;
}

static void read_file(struct reading *r)
{
    struct unpack unpacked;
    struct fail why = {.text = ""};
    bool good = unpack_path(&unpacked, r->file->path, UNPACK_BYTES_MAX, &why);
    r->whole = !*why.text;
    if (*why.text)
        log_error("%s: %s", r->file->path, why.text);
    if (!good)
        return;
    for (size_t i = 0; i < unpacked.count; i++) {
        bool member = unpacked.count > 1 && unpacked.parts[i].member;
        r->name = member ? unpacked.parts[i].member : r->file->path;
        read_part(r, unpacked.parts[i].content);
    }
    unpack_free(&unpacked);
}

/* ---- a MISP feed in a folder: a manifest, and a file for each event that it lists */

static bool path_in(const char *folder, struct bytes name, const char *ending, char path[PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%s/%.*s%s", folder, (int)name.len, (const char *)name.at, ending);
    return len > 0 && len < PATH_MAX;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_whole(struct bytes content, struct bytes sha256, struct fail *why)
{
    uint8_t digest[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    if (!sha256.len)
        return true;
    digest_sha256(content, digest);
    text_hex_write(bytes_of(digest, sizeof digest), hex);
    return bytes_alike(sha256, hex) || fail_set(why, "its SHA-256 is not that of the manifest");
}

/* The manifest changes last, so an event that is not there, or is not what it says, is no reason to hold back the
 * others: it is refused like any record. */
static void read_event(void *to, const struct misp_listed *event)
{
    struct reading *r = to;
    const char *manifest = r->name;
    char path[PATH_MAX], quote[4 * FAIL_QUOTE_MAX + 4];
    struct unpack unpacked = {.count = 0};
    struct fail why = {.text = ""};
    bool open = (misp_uuid_is_safe(event->uuid) || fail_set(&why, "expected the uuid of an event")) &&
                (path_in(r->file->path, event->uuid, ".json", path) || fail_set(&why, "an endless path")) &&
                unpack_file(&unpacked, path, UNPACK_BYTES_MAX, &why);
    struct bytes content = unpacked.count ? unpacked.parts[0].content : bytes_of("", 0);
    if (open && !*why.text && is_whole(content, event->sha256, &why)) {
        r->name = path;
        read_as(r, &format_misp, content);
        r->name = manifest;
    } else {
        fail_at(&why, "event %s", fail_quote(event->uuid, quote));
        refused(r, event->line, why.text);
    }
    if (open)
        unpack_free(&unpacked);
}

static void read_folder(struct reading *r)
{
    char manifest[PATH_MAX];
    struct unpack unpacked = {.count = 0};
    struct fail why = {.text = ""};
    bool open = generation_watched(r->file->path, manifest) && unpack_file(&unpacked, manifest, UNPACK_BYTES_MAX, &why);
    r->name = manifest;
    r->whole = open && !*why.text &&
               misp_manifest_read(unpacked.count ? unpacked.parts[0].content : bytes_of("", 0), read_event, r, &why);
    if (!r->whole)
        log_error("%s: %s (of a folder, a MISP feed is read)", r->name, why.text);
    r->report->format = format_misp.name;
    if (open)
        unpack_free(&unpacked);
}

const char *generation_watched(const char *path, char room[PATH_MAX])
{
    if (!is_folder(path))
        return path;
    return path_in(path, bytes_text(MISP_MANIFEST), "", room) ? room : path;
}

bool generation_read(struct draft *d, const struct config_indicators *file, const char *as,
                     struct generation_report *report)
{
    *report = (struct generation_report){.format = NULL};
    struct reading r = {.draft = d, .file = file, .as = as, .name = file->path, .report = report, .whole = true};
    if (is_folder(file->path))
        read_folder(&r);
    else
        read_file(&r);
    report->whole = r.whole;
    left_tell(&r.left, say_left_out, &r);
    if (report->refused > GENERATION_NAMED)
        log_error("%s: %u more records refused", file->path, report->refused - GENERATION_NAMED);
    if (report->warnings > GENERATION_NAMED)
        log_warning("%s: %u more warnings", file->path, report->warnings - GENERATION_NAMED);
    return r.whole && !report->refused;
}

const struct database *generation_build(const struct config *c, const char *as, uint32_t generation, bool whole,
                                        struct generation_report *reports, bool *failed)
{
    struct draft *draft = draft_new();
    struct fail why = {.text = ""};
    bool all_whole = true;
    for (const struct config_indicators *file = c->indicators; file; file = file->next) {
        struct generation_report report;
        *failed |= !generation_read(draft, file, as, &report);
        all_whole &= report.whole;
        if (reports)
            *reports++ = report;
    }
    bool wanted = all_whole || !whole;
    const struct database *db = wanted ? database_build(draft, generation, &why) : NULL;
    if (wanted && !db)
        log_error("indicators: %s", why.text);
    draft_free(draft);
    return db;
}
