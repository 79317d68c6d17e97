/*
 * STIX 2.1 and 2.0: the indicators of a bundle, of a TAXII envelope, of a list of objects, or one alone.
 *
 * What an indicator may be shown to is said by reference to marking definitions, which may stand anywhere in the
 * document, and a later object may be a newer version of an earlier one. So indicators are gathered, as views into the
 * reader's document, and told at its end.
 *
 *   TLP       the strictest of what is referred to: the definitions of TLP 1 and 2 by their well-known ids, others by
 *             what the document says of them. A reference that leads nowhere counts as the feed's own label or amber,
 *             whichever is stricter. Granular markings count for the whole.
 *   category  the first of indicator_types and labels that is a name for one; all of them are tags
 *   versions  of objects with one id only that with the latest `modified` counts
 */
#include "base/buffer.h"
#include "base/json_read.h"
#include "base/text.h"
#include "feed/format.h"
#include "feed/left.h"
#include "feed/stix_pattern.h"

#include <stdio.h>
#include <stdlib.h>

enum { TAGS_TEXT_MAX = 4096, CONFIDENCE_MAX = 100 };

#define TLP_EXTENSION "extensions.extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d.tlp_2_0"

/* An object while it is read; kept of indicators. */
struct object {
    struct bytes type, id, modified;
    struct bytes name, description, reference;
    struct bytes pattern, pattern_type, valid_from, valid_until;
    struct bytes definition; /* of a marking: its label of TLP */
    struct bytes confidence; /* as it was written */
    unsigned line;           /* of the pattern, else of the object */
    uint32_t label_first, label_count;
    uint32_t ref_first, ref_count;
    bool revoked;
    bool superseded; /* by a newer version */
};

struct marking {
    struct bytes id;
    bool tlp_said;
    enum tlp tlp;
};

struct stix {
    const struct feed *feed;
    const struct feed_sink *sink;
    struct buffer indicators; /* struct object */
    struct buffer labels;     /* of indicators: struct bytes */
    struct buffer refs;       /* ids of their markings: struct bytes */
    struct buffer markings;   /* struct marking */
    struct object current;    /* of those listed by a bundle, while it is read */
    struct object outer;      /* the bundle, or an object without one */
    struct stix_pattern pattern;
    struct buffer tags, description;
    struct left left;
    unsigned line;
    bool cut;   /* the document breaks off */
    bool known; /* there was a place for objects */
};

/* ---- markings */

static const struct {
    const char *id; /* behind `marking-definition--` */
    enum tlp tlp;
} well_known[] = {
    {"613f2e26-407d-48c7-9eca-b8e91df99dc9", TLP_CLEAR}, /* TLP 1: white */
    {"34098fce-860f-48ae-8e50-ebd3cc5e41da", TLP_GREEN},
    {"f88d31f6-486f-44da-b317-01333bde0b82", TLP_AMBER},
    {"5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLP_RED},
    {"94868c89-83c2-464b-929b-a1a8aa3c8487", TLP_CLEAR}, /* TLP 2 */
    {"bab4a63c-aed9-4cf5-a766-dfca5abac2bb", TLP_GREEN},
    {"55d920b0-5e8b-4f79-9ee9-91f868d9b421", TLP_AMBER},
    {"939a9414-2ddd-4d32-a0cd-375ea402b003", TLP_AMBER_STRICT},
    {"e828b379-4e03-4974-9ac4-e53a884c97c1", TLP_RED},
};

static int compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_id(const void *a, const void *b)
{
    return compare(((const struct marking *)a)->id, ((const struct marking *)b)->id);
}

/* What cannot be read as a label of TLP never loosens anything. */
static enum tlp doubt(const struct stix *s)
{
    return tlp_stricter(s->feed->tlp, TLP_AMBER);
}

/* Each marking once, with the strictest that was said of it. */
static void sort_markings(struct stix *s)
{
    struct marking *m = (struct marking *)(void *)s->markings.at;
    size_t count = s->markings.len / sizeof *m, kept = 0;
    if (count)
        qsort(m, count, sizeof *m, by_id);
    for (size_t i = 0; i < count; i++) {
        if (!kept || by_id(&m[kept - 1], &m[i]) != 0) {
            m[kept++] = m[i];
            continue;
        }
        m[kept - 1].tlp_said |= m[i].tlp_said;
        m[kept - 1].tlp = tlp_stricter(m[kept - 1].tlp, m[i].tlp);
    }
    s->markings.len = kept * sizeof *m;
}

/* What a reference says; false: it is a marking of another kind. */
static bool resolve(const struct stix *s, struct bytes ref, enum tlp *tlp)
{
    static const char prefix[] = "marking-definition--";
    for (size_t i = 0; bytes_start_with(ref, prefix) && i < sizeof well_known / sizeof *well_known; i++)
        if (bytes_alike(bytes_from(ref, sizeof prefix - 1), well_known[i].id)) {
            *tlp = well_known[i].tlp;
            return true;
        }
    struct marking key = {.id = ref};
    size_t count = s->markings.len / sizeof key;
    const struct marking *found = count ? bsearch(&key, s->markings.at, count, sizeof key, by_id) : NULL;
    *tlp = found ? found->tlp : s->cut ? TLP_RED : doubt(s);
    return !found || found->tlp_said;
}

static const struct bytes *texts_from(const struct buffer *b, uint32_t first)
{
    return b->at ? (const struct bytes *)(void *)b->at + first : NULL;
}

static enum tlp tlp_of(const struct stix *s, const struct object *o)
{
    const struct bytes *refs = texts_from(&s->refs, o->ref_first);
    const struct bytes *labels = texts_from(&s->labels, o->label_first);
    bool said = false;
    enum tlp strictest = TLP_CLEAR, tlp;
    for (uint32_t i = 0; i < o->ref_count; i++)
        if (resolve(s, refs[i], &tlp)) {
            said = true;
            strictest = tlp_stricter(strictest, tlp);
        }
    for (uint32_t i = 0; i < o->label_count; i++)
        if (bytes_alike(bytes_until(labels[i], 4), "tlp:")) {
            said = true;
            strictest = tlp_stricter(strictest, tlp_read(labels[i], &tlp) ? tlp : doubt(s));
        }
    return said ? strictest : s->feed->tlp;
}

/* ---- telling */

static void refuse(struct stix *s, const struct object *o, struct fail *why)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_at(why, "%s", o->id.len ? fail_quote(o->id, quote) : "an indicator without id");
    s->sink->refused(s->sink->to, o->line, why->text);
}

static void warn(struct stix *s, const struct object *o, struct fail *warning)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_at(warning, "%s", o->id.len ? fail_quote(o->id, quote) : "an indicator without id");
    if (s->sink->warning)
        s->sink->warning(s->sink->to, o->line, warning->text);
}

static bool read_time(const char *name, struct bytes text, int64_t *ns, struct fail *why)
{
    bool date_only;
    char quote[4 * FAIL_QUOTE_MAX + 4];
    return !text.len || text_time(text, ns, &date_only) ||
           fail_set(why, "%s: expected a time as in RFC 3339, found \"%s\"", name, fail_quote(text, quote));
}

static void add_part(struct buffer *b, struct bytes part, const char *between)
{
    if (b->len && part.len)
        buffer_text(b, between);
    buffer_add(b, part.at, part.len);
}

static void read_labels(struct stix *s, const struct object *o, struct indicator_source *source)
{
    const struct bytes *labels = texts_from(&s->labels, o->label_first);
    bool known = false;
    buffer_clear(&s->tags);
    for (uint32_t i = 0; i < o->label_count; i++) {
        category_id category;
        if (!known && category_read(labels[i], &category) && category != CATEGORY_UNDETERMINED) {
            source->category = category;
            known = true;
        }
        if (s->tags.len + 1 + labels[i].len > TAGS_TEXT_MAX)
            continue;
        size_t before = s->tags.len;
        add_part(&s->tags, labels[i], ";");
        for (size_t at = before + (before > 0); at < s->tags.len; at++)
            if (s->tags.at[at] == ';')
                s->tags.at[at] = ',';
    }
    source->tags = buffer_bytes(&s->tags);
}

static bool read_source(struct stix *s, const struct object *o, struct indicator_source *source, struct fail *why)
{
    *source = feed_source(s->feed);
    source->id = o->id;
    source->reference = o->reference;
    source->tlp = tlp_of(s, o);
    read_labels(s, o, source);
    buffer_clear(&s->description);
    add_part(&s->description, o->name, "");
    if (!bytes_equal(o->name, o->description))
        add_part(&s->description, o->description, ": ");
    source->description = buffer_bytes(&s->description);
    if (!read_time("valid_from", o->valid_from, &source->valid_from_ns, why) ||
        !read_time("valid_until", o->valid_until, &source->valid_until_ns, why))
        return false;
    return source->valid_until_ns > source->valid_from_ns ||
           fail_set(why, "valid_until: expected a time behind valid_from");
}

static void read_confidence(struct stix *s, const struct object *o, struct indicator_source *source)
{
    uint64_t confidence;
    if (!o->confidence.len)
        return;
    if (text_number(o->confidence, CONFIDENCE_MAX, &confidence)) {
        source->confidence = (int8_t)confidence;
        return;
    }
    struct fail warning = {.text = ""};
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_set(&warning, "confidence: expected a number from 0 to 100, found \"%s\"", fail_quote(o->confidence, quote));
    warn(s, o, &warning);
}

static void tell_value(struct stix *s, const struct object *o, const struct indicator_source *source, size_t index)
{
    char room[OBSERVABLE_VALUE_MAX];
    enum observable_type type;
    struct indicator_key key;
    struct fail warning = {.text = ""}, why = {.text = ""};
    struct bytes text = stix_pattern_value(&s->pattern, index, &type);
    bool good = bytes_find(text, 0) == text.len || fail_set(&why, "holds a NUL octet");
    if (!good || !indicator_key_read(type, text, room, &key, &warning, &why)) {
        fail_at(&why, "%s", observable_type_name(type));
        refuse(s, o, &why);
        return;
    }
    if (warning.text[0])
        warn(s, o, &warning);
    s->sink->indicator(s->sink->to, o->line, &key, source);
}

static bool is_left_out(struct stix *s, const struct object *o)
{
    char what[LEFT_TEXT_MAX], quote[4 * FAIL_QUOTE_MAX + 4];
    if (o->superseded)
        left_add(&s->left, 1, "older versions of indicators");
    else if (o->revoked)
        left_add(&s->left, 1, "indicators that were revoked");
    else if (o->pattern_type.len && !bytes_alike(o->pattern_type, "stix")) {
        snprintf(what, sizeof what, "indicators with a pattern of type %s: only STIX patterns are read",
                 fail_quote(o->pattern_type, quote));
        left_add(&s->left, 1, what);
    } else
        return false;
    return true;
}

static void tell_indicator(struct stix *s, const struct object *o)
{
    struct indicator_source source;
    struct fail warning = {.text = ""}, why = {.text = ""};
    if (is_left_out(s, o))
        return;
    if (!read_source(s, o, &source, &why)) {
        refuse(s, o, &why);
        return;
    }
    if (stix_pattern_read(&s->pattern, o->pattern, &warning, &why) != STIX_TAKEN) {
        fail_at(&why, "pattern");
        refuse(s, o, &why);
        return;
    }
    read_confidence(s, o, &source);
    if (warning.text[0]) {
        fail_at(&warning, "pattern");
        warn(s, o, &warning);
    }
    for (size_t i = 0; i < stix_pattern_count(&s->pattern); i++)
        tell_value(s, o, &source, i);
}

/* ---- versions */

static int by_version(const void *a, const void *b)
{
    const struct object *x = *(const struct object *const *)a, *y = *(const struct object *const *)b;
    int order = compare(x->id, y->id);
    order = order ? order : compare(x->modified, y->modified); /* of one form: RFC 3339 in UTC */
    return order ? order : (x > y) - (x < y);
}

static void find_versions(struct object *objects, size_t count)
{
    struct buffer order = {.at = NULL};
    for (size_t i = 0; i < count; i++) {
        struct object *o = &objects[i];
        buffer_add(&order, &o, sizeof o);
    }
    struct object **sorted = (struct object **)(void *)order.at;
    if (count)
        qsort(sorted, count, sizeof *sorted, by_version);
    for (size_t i = 0; i + 1 < count; i++)
        sorted[i]->superseded = sorted[i]->id.len && bytes_equal(sorted[i]->id, sorted[i + 1]->id);
    buffer_free(&order);
}

static void tell_all(struct stix *s)
{
    struct object *objects = (struct object *)(void *)s->indicators.at;
    size_t count = s->indicators.len / sizeof *objects;
    sort_markings(s);
    find_versions(objects, count);
    for (size_t i = 0; i < count; i++)
        tell_indicator(s, &objects[i]);
}

/* ---- reading */

static uint32_t count_of(const struct buffer *b)
{
    return (uint32_t)(b->len / sizeof(struct bytes));
}

static void keep_marking(struct stix *s, const struct object *o)
{
    struct marking m = {.id = o->id};
    m.tlp_said = o->definition.len > 0;
    if (m.tlp_said && !tlp_read(o->definition, &m.tlp))
        m.tlp = doubt(s);
    buffer_add(&s->markings, &m, sizeof m);
}

static void end_object(struct stix *s, struct object *o, unsigned line)
{
    o->label_count = count_of(&s->labels) - o->label_first;
    o->ref_count = count_of(&s->refs) - o->ref_first;
    o->line = o->line ? o->line : line;
    bool indicator = bytes_equal(o->type, bytes_text("indicator"));
    if (indicator) {
        buffer_add(&s->indicators, o, sizeof *o);
    } else {
        s->labels.len = o->label_first * sizeof(struct bytes);
        s->refs.len = o->ref_first * sizeof(struct bytes);
    }
    if (bytes_equal(o->type, bytes_text("marking-definition")))
        keep_marking(s, o);
    else if (!indicator && o == &s->current)
        left_add(&s->left, 1, "objects that are no indicators");
    *o = (struct object){.line = 0};
    s->current.label_first = s->outer.label_first = count_of(&s->labels);
    s->current.ref_first = s->outer.ref_first = count_of(&s->refs);
}

/* Takes `step` off the front of the path. */
static bool take(struct bytes *path, const char *step)
{
    size_t len = strlen(step);
    if (!bytes_start_with(*path, step) || (path->len > len && path->at[len] != '.'))
        return false;
    *path = bytes_from(*path, len + 1);
    return true;
}

/* Where a key's text goes. */
static const struct {
    const char *key;
    size_t at;
} texts[] = {
    {"type", offsetof(struct object, type)},
    {"id", offsetof(struct object, id)},
    {"modified", offsetof(struct object, modified)},
    {"name", offsetof(struct object, name)},
    {"description", offsetof(struct object, description)},
    {"pattern", offsetof(struct object, pattern)},
    {"pattern_type", offsetof(struct object, pattern_type)},
    {"valid_from", offsetof(struct object, valid_from)},
    {"valid_until", offsetof(struct object, valid_until)},
    {"confidence", offsetof(struct object, confidence)},
    {"definition.tlp", offsetof(struct object, definition)},
    {TLP_EXTENSION, offsetof(struct object, definition)},
};

static bool is_any_of(struct bytes path, const char *one, const char *other)
{
    return bytes_equal(path, bytes_text(one)) || bytes_equal(path, bytes_text(other));
}

static void object_key(struct stix *s, struct object *o, struct bytes key, const struct json_value *v)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (bytes_equal(key, bytes_text(texts[i].key)))
            *(struct bytes *)(void *)((char *)o + texts[i].at) = v->text;
    if (bytes_equal(key, bytes_text("pattern")))
        o->line = v->line;
    else if (bytes_equal(key, bytes_text("revoked")))
        o->revoked = v->kind == JSON_BOOL && v->boolean;
    else if (is_any_of(key, "labels[]", "indicator_types[]"))
        buffer_add(&s->labels, &v->text, sizeof v->text);
    else if (is_any_of(key, "object_marking_refs[]", "granular_markings[].marking_ref"))
        buffer_add(&s->refs, &v->text, sizeof v->text);
    else if (bytes_equal(key, bytes_text("external_references[].url")) && !o->reference.len)
        o->reference = v->text;
}

static bool visit(void *to, struct bytes path, const struct json_value *v)
{
    struct stix *s = to;
    s->known |= is_any_of(path, "objects", "type") || take(&path, "[]");
    bool listed = take(&path, "objects[]");
    struct object *o = listed ? &s->current : &s->outer;
    s->known |= listed;
    s->line = v->line;
    if (v->kind == JSON_OBJECT && path.len == 0)
        end_object(s, o, v->line);
    else if (v->kind != JSON_OBJECT && v->kind != JSON_ARRAY)
        object_key(s, o, path, v);
    return true;
}

static void left_out(void *to, unsigned count, const char *what)
{
    const struct feed_sink *sink = to;
    if (sink->left_out)
        sink->left_out(sink->to, count, what);
}

static struct bytes without_mark(struct bytes content)
{
    return bytes_start_with(content, "\xef\xbb\xbf") ? bytes_from(content, 3) : content;
}

static void read(struct bytes content, const struct feed *feed, const struct feed_sink *sink)
{
    struct stix s = {.feed = feed, .sink = sink, .line = 1};
    struct json_reader *reader = json_reader_new();
    struct fail why = {.text = ""};
    if (!json_read_records(reader, without_mark(content), visit, &s, &why)) {
        (sink->broken ? sink->broken : sink->refused)(sink->to, s.line, why.text);
        s.cut = true;
    } else if (!s.known) {
        sink->refused(sink->to, 1, "expected a bundle, an envelope or objects of STIX 2");
    }
    tell_all(&s);
    left_tell(&s.left, left_out, (void *)sink);
    json_reader_free(reader);
    stix_pattern_free(&s.pattern);
    buffer_free(&s.indicators);
    buffer_free(&s.labels);
    buffer_free(&s.refs);
    buffer_free(&s.markings);
    buffer_free(&s.tags);
    buffer_free(&s.description);
}

static bool holds(struct bytes head, const char *text)
{
    return memmem(head.at, head.len, text, strlen(text));
}

/* Every object of STIX 2 names its type in its id. */
static bool probe(struct bytes head)
{
    head = bytes_trim(without_mark(head));
    bool json = head.len && (head.at[0] == '{' || head.at[0] == '[');
    return json && (holds(head, "\"bundle--") || holds(head, "\"bundle\"") || holds(head, "\"objects\"") ||
                    holds(head, "\"indicator--") || holds(head, "\"spec_version\""));
}

const struct format format_stix = {
    .name = "stix",
    .about = "STIX 2.1 or 2.0: a bundle, a TAXII envelope or single objects (JSON)",
    .probe = probe,
    .read = read,
};
