/*
 * A file's records go into the draft one by one; what is wrong with one is said with file and line.
 */
#include "run/generation.h"

#include "base/log.h"
#include "base/unpack.h"
#include "feed/format.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
    struct draft *draft;
    const char *name; /* of the file, or of its part in an archive */
    struct generation_report *report;
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

static void indicator(void *to, unsigned line, const struct indicator_key *key, const struct indicator_source *source)
{
    struct reading *r = to;
    struct fail why = {.text = ""};
    if (draft_add(r->draft, key, source, &why))
        r->report->read++;
    else
        refused(to, line, why.text);
}

static bool read_part(struct reading *r, const struct config_indicators *file, struct bytes content, const char *as)
{
    const struct format *format = as ? format_named(as) : format_of(content);
    if (!format) {
        log_error("%s: expected indicators (CSV or a list, as text), found something else", r->name);
        return false;
    }
    r->report->format = format->name;
    struct feed feed = {
        .name = file->name, .tlp = file->tlp, .confidence = (int8_t)file->confidence, .category = file->category};
    struct feed_sink sink = {.to = r, .indicator = indicator, .warning = warning, .refused = refused};
    format->read(content, &feed, &sink);
    return true;
}

/* `-` is stdin; a FIFO and what the shell makes of <(…) are read to their end. */
static bool open_file(struct unpack *file, const char *path, struct fail *why)
{
    struct stat st;
    bool input = strcmp(path, "-") == 0;
    bool pipe = input || (stat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)));
    if (!pipe)
        return unpack_file(file, path, UNPACK_BYTES_MAX, why);
    int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_set(why, "cannot open: %s", strerror(errno));
    bool good = unpack_pipe(file, fd, bytes_of("", 0), UNPACK_BYTES_MAX, why);
    if (!input)
        close(fd);
    return good;
}

bool generation_read(struct draft *d, const struct config_indicators *file, const char *as,
                     struct generation_report *report)
{
    struct unpack unpacked;
    struct fail why = {.text = ""};
    *report = (struct generation_report){.format = NULL};
    bool good = open_file(&unpacked, file->path, &why);
    if (*why.text)
        log_error("%s: %s", file->path, why.text);
    if (!good)
        return false;
    good = !*why.text;
    for (size_t i = 0; i < unpacked.count; i++) {
        struct reading r = {.draft = d, .name = file->path, .report = report};
        if (unpacked.count > 1 && unpacked.parts[i].member)
            r.name = unpacked.parts[i].member;
        good &= read_part(&r, file, unpacked.parts[i].content, as);
    }
    unpack_free(&unpacked);
    report->whole = good;
    if (report->refused > GENERATION_NAMED)
        log_error("%s: %u more records refused", file->path, report->refused - GENERATION_NAMED);
    if (report->warnings > GENERATION_NAMED)
        log_warning("%s: %u more warnings", file->path, report->warnings - GENERATION_NAMED);
    return good && !report->refused;
}

const struct database *generation_build(const struct config *c, const char *as, uint32_t generation, bool whole,
                                        bool *failed)
{
    struct draft *draft = draft_new();
    struct fail why = {.text = ""};
    bool all_whole = true;
    for (const struct config_indicators *file = c->indicators; file; file = file->next) {
        struct generation_report report;
        *failed |= !generation_read(draft, file, as, &report);
        all_whole &= report.whole;
    }
    bool wanted = all_whole || !whole;
    const struct database *db = wanted ? database_build(draft, generation, &why) : NULL;
    if (wanted && !db)
        log_error("indicators: %s", why.text);
    draft_free(draft);
    return db;
}
