/*
 * A body goes down a short stair: each step undoes one coding and hands on what
 * comes out, at most STEP_OCTETS at a time; at the foot are the parts or the
 * file.
 */
#include "wire/body.h"

#include "base/inflate.h"
#include "wire/mime.h"

#include <stdlib.h>

enum { STEP_OCTETS = 16 * 1024 };

struct step {
    enum inflate_format format;
    struct inflate *inflate; /* NULL: octets pass as they are */
    bool begun;
    bool ended;
};

struct body {
    struct file *file;
    struct mime_parts *parts; /* NULL: the body is the file */
    struct step steps[BODY_CODINGS_MAX];
    unsigned count;       /* of steps, the first one outermost */
    bool blind;           /* refused: what follows is passed over */
    uint64_t taken;       /* octets that went in */
    uint64_t decoded;     /* and came out of any step */
    struct dissection *d; /* of the call at hand */
};

static bool is_form(const struct body_about *about)
{
    static const char type[] = "multipart/form-data";
    return about->request && bytes_alike(bytes_until(about->type, sizeof type - 1), type);
}

bool body_wanted(const struct sink *sink, const struct body_about *about)
{
    return (file_wants_digests(sink) && !about->partial) || (file_wants_names(sink) && is_form(about));
}

/* ---- codings ---- */

enum coding { CODING_NONE, CODING_UNDONE, CODING_UNKNOWN };

static enum coding coding_of(struct bytes name, enum inflate_format *format)
{
    static const struct {
        const char *name;
        enum inflate_format format;
    } undone[] = {
        {"gzip", INFLATE_GZIP}, {"x-gzip", INFLATE_GZIP}, {"deflate", INFLATE_DEFLATE}, {"br", INFLATE_BROTLI}};
    /* IANA's registry, and what some use without asking it */
    static const char *const unknown[] = {"compress", "x-compress", "zstd",  "exi",     "pack200-gzip", "dcb",
                                          "dcz",      "aes128gcm",  "bzip2", "x-bzip2", "xz",           "lzma"};
    for (size_t i = 0; i < sizeof undone / sizeof *undone; i++)
        if (bytes_alike(name, undone[i].name)) {
            *format = undone[i].format;
            return CODING_UNDONE;
        }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (bytes_alike(name, unknown[i]))
            return CODING_UNKNOWN;
    return CODING_NONE;
}

/* Of a list `a, b` b was applied last, so it is undone first. */
static bool take_codings(struct body *b, struct wire_counts *counts, struct bytes list)
{
    while (list.len) {
        size_t at = list.len;
        while (at && list.at[at - 1] != ',')
            at--;
        enum inflate_format format = INFLATE_GZIP;
        enum coding coding = coding_of(bytes_trim(bytes_from(list, at)), &format);
        if (coding == CODING_UNKNOWN) {
            counts->codings_unknown++;
            return false;
        }
        if (coding == CODING_UNDONE && b->count == BODY_CODINGS_MAX) {
            counts->codings_deep++;
            return false;
        }
        if (coding == CODING_UNDONE)
            b->steps[b->count++] = (struct step){.format = format};
        list = bytes_until(list, at ? at - 1 : 0);
    }
    return true;
}

/* Whether octets may begin such a text; the others have no sign of their own.
 */
static bool begins(enum inflate_format format, struct bytes octets)
{
    return format != INFLATE_GZIP || (octets.at[0] == 0x1f && (octets.len < 2 || octets.at[1] == 0x8b));
}

/* ---- parts ---- */

static void part_begin(void *to, struct bytes head)
{
    struct body *b = to;
    struct bytes name, value;
    char file[FILE_NAME_MAX];
    size_t len = 0;
    while (mime_field(&head, &name, &value))
        if (bytes_alike(name, "content-disposition"))
            len = mime_parameter(value, "filename", file, sizeof file);
    if (!len)
        return;
    file_name(b->d, bytes_of(file, len), bytes_of(NULL, 0));
    b->file = file_open(b->d);
}

static void part_octets(void *to, struct bytes octets)
{
    struct body *b = to;
    file_add(b->file, octets);
}

static void part_end(void *to, bool whole)
{
    struct body *b = to;
    file_close(b->d, b->file, whole && !b->blind);
    b->file = NULL;
}

static struct mime_hearer hearer_of(struct body *b)
{
    return (struct mime_hearer){.to = b, .begin = part_begin, .octets = part_octets, .end = part_end};
}

static struct mime_parts *open_parts(struct dissection *d, struct bytes type)
{
    char boundary[MIME_BOUNDARY_MAX];
    size_t len = mime_parameter(type, "boundary", boundary, sizeof boundary);
    if (d->budget->held + sizeof(struct mime_parts) > d->budget->max) {
        d->counts->files_refused++;
        return NULL;
    }
    struct mime_parts *parts = malloc(sizeof *parts);
    if (!parts)
        abort();
    if (!mime_parts_init(parts, bytes_of(boundary, len))) {
        free(parts);
        return NULL;
    }
    d->budget->held += sizeof *parts;
    return parts;
}

/* ---- the stair ---- */

static void foot(struct body *b, struct bytes octets)
{
    struct mime_hearer hearer = hearer_of(b);
    if (b->parts)
        mime_parts_add(b->parts, octets, &hearer);
    else
        file_add(b->file, octets);
}

static void go_blind(struct body *b, uint64_t *count)
{
    (*count)++;
    b->blind = true;
}

/* Opens the step, or, if its octets do not begin as they should, lets them pass
 * as they are. */
static void begin_step(struct body *b, struct step *s, struct bytes octets)
{
    struct dissect_budget *budget = b->d->budget;
    s->begun = true;
    if (!begins(s->format, octets))
        return;
    s->inflate = inflate_open(s->format, (struct inflate_allowance){&budget->held, budget->max});
    if (!s->inflate)
        go_blind(b, &b->d->counts->codings_memory);
}

static void walk_down(struct body *b, unsigned step, struct bytes octets)
{
    struct step *s = &b->steps[step];
    uint8_t room[STEP_OCTETS];
    if (step == b->count) {
        foot(b, octets);
        return;
    }
    if (!s->begun && octets.len)
        begin_step(b, s, octets);
    if (!s->inflate && !b->blind)
        walk_down(b, step + 1, octets);
    for (enum inflate_verdict v = INFLATE_FULL; s->inflate && v == INFLATE_FULL && !b->blind;) {
        size_t len;
        v = inflate_step(s->inflate, &octets, room, sizeof room, &len);
        b->decoded += len;
        s->ended = v == INFLATE_END;
        if (v == INFLATE_BAD)
            go_blind(b, &b->d->counts->codings_bad);
        else if (v == INFLATE_REFUSED)
            go_blind(b, &b->d->counts->codings_memory);
        else if (b->decoded > BODY_DECODED_MAX)
            go_blind(b, &b->d->counts->codings_long);
        else if (b->decoded > BODY_RATIO_FREE && b->decoded / BODY_RATIO_MAX > b->taken)
            go_blind(b, &b->d->counts->codings_dense);
        else if (len)
            walk_down(b, step + 1, bytes_of(room, len));
    }
}

struct body *body_open(struct dissection *d, const struct body_about *about)
{
    if (!body_wanted(d->sink, about))
        return NULL;
    if (d->budget->held + sizeof(struct body) > d->budget->max) {
        d->counts->files_refused++;
        return NULL;
    }
    struct body *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    d->budget->held += sizeof *b;
    b->d = d;
    b->blind = !take_codings(b, d->counts, about->transfer) || !take_codings(b, d->counts, about->codings);
    if (is_form(about))
        b->parts = open_parts(d, about->type);
    else
        b->file = file_open(d);
    return b;
}

void body_add(struct dissection *d, struct body *b, struct bytes octets)
{
    if (!b || b->blind || !octets.len)
        return;
    b->d = d;
    b->taken += octets.len;
    walk_down(b, 0, octets);
}

void body_close(struct dissection *d, struct body *b, bool whole)
{
    if (!b)
        return;
    struct mime_hearer hearer = hearer_of(b);
    b->d = d;
    for (unsigned step = 0; step < b->count; step++) {
        whole &= !b->steps[step].inflate || b->steps[step].ended;
        inflate_close(b->steps[step].inflate);
    }
    if (b->parts) {
        mime_parts_end(b->parts, &hearer);
        free(b->parts);
        d->budget->held -= sizeof(struct mime_parts);
    }
    file_close(d, b->file, whole && !b->blind);
    free(b);
    d->budget->held -= sizeof(struct body);
}
