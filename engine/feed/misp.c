/*
 * MISP's JSON (misp-core-format): an event, a list or a search result of events or attributes, in every wrapping that
 * MISP gives them. Attributes stand in three places: alone, in an event, and in the objects of an event.
 *
 * The keys of an object have no order, and what marks an event (its tags) usually stands behind its attributes. So
 * attributes are gathered, as views into the reader's document, and told when their event ends.
 *
 *   to_ids        false: context, left out. Not said: true, as the types that have a place here have it by default.
 *   first_seen, last_seen   when the activity was seen, not how long the value is to be looked for: no validity.
 *   tags          of the attribute, then of its event. TLP is the strictest of both; a `tlp:` that is no label of TLP
 *                 counts as the feed's own or amber, whichever is stricter, so that it never loosens anything.
 *   composites    `a|b` gives each part that has a place; an address with a port is an ip-port.
 */
#include "feed/misp.h"

#include "base/buffer.h"
#include "base/json_read.h"
#include "base/text.h"
#include "feed/format.h"
#include "feed/left.h"

#include <stdio.h>

enum { TAGS_TEXT_MAX = 4096, UUID_OCTETS = 36 };

struct attribute {
    struct bytes type, value, uuid, comment;
    struct bytes event, info; /* where a search result says them of each attribute; else empty */
    unsigned line;            /* of its value */
    uint32_t tag_first, tag_count;
    bool context; /* to_ids is false */
    bool deleted;
};

/* What the tags of one level say. */
struct marks {
    bool tlp_said;
    enum tlp tlp;
    bool category_said, category_exact; /* exact: in a taxonomy that has incident types */
    category_id category;
    int8_t confidence;
};

struct misp {
    const struct feed *feed;
    const struct feed_sink *sink;
    struct buffer attributes; /* of the open event: struct attribute */
    struct buffer tags;       /* of its attributes: struct bytes */
    struct buffer event_tags; /* its own: struct bytes */
    struct attribute current; /* while it is read */
    struct attribute bare;    /* what the outermost object would be if it were one */
    struct bytes uuid, info;  /* of the event */
    size_t object_first;      /* the first attribute of the open object */
    bool object_deleted;
    bool cut; /* the document breaks off in this event */
    struct buffer text, event_text, description;
    struct left left;
    unsigned line; /* of what was read last */
};

/* ---- types */

enum holds { HOLDS_VALUE, HOLDS_ADDRESS, HOLDS_URI, HOLDS_NOTHING };

static const struct {
    const char *name;
    enum holds holds;
    enum observable_type type;
} types[] = {
    {"ip-src", HOLDS_ADDRESS, 0},
    {"ip-dst", HOLDS_ADDRESS, 0},
    {"ip", HOLDS_ADDRESS, 0}, /* in composites */
    {"domain", HOLDS_VALUE, OBSERVABLE_DOMAIN_NAME},
    {"hostname", HOLDS_VALUE, OBSERVABLE_DOMAIN_NAME},
    {"onion-address", HOLDS_VALUE, OBSERVABLE_DOMAIN_NAME},
    {"url", HOLDS_VALUE, OBSERVABLE_URL},
    {"uri", HOLDS_URI, OBSERVABLE_URL},
    {"email", HOLDS_VALUE, OBSERVABLE_EMAIL_ADDR},
    {"email-src", HOLDS_VALUE, OBSERVABLE_EMAIL_ADDR},
    {"email-dst", HOLDS_VALUE, OBSERVABLE_EMAIL_ADDR},
    {"email-reply-to", HOLDS_VALUE, OBSERVABLE_EMAIL_ADDR},
    {"md5", HOLDS_VALUE, OBSERVABLE_MD5},
    {"sha1", HOLDS_VALUE, OBSERVABLE_SHA1},
    {"sha256", HOLDS_VALUE, OBSERVABLE_SHA256},
    {"sha512", HOLDS_VALUE, OBSERVABLE_SHA512},
    {"filename", HOLDS_VALUE, OBSERVABLE_FILE_NAME},
    {"user-agent", HOLDS_VALUE, OBSERVABLE_USER_AGENT},
    {"ja3-fingerprint-md5", HOLDS_VALUE, OBSERVABLE_JA3},
    {"hassh-md5", HOLDS_VALUE, OBSERVABLE_HASSH},
    {"hasshserver-md5", HOLDS_VALUE, OBSERVABLE_HASSH},
    {"x509-fingerprint-sha1", HOLDS_VALUE, OBSERVABLE_X509_SHA1},
    {"x509-fingerprint-sha256", HOLDS_VALUE, OBSERVABLE_X509_SHA256},
};

static enum holds type_find(struct bytes name, enum observable_type *type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (bytes_equal(name, bytes_text(types[i].name))) {
            *type = types[i].type;
            return types[i].holds;
        }
    return HOLDS_NOTHING;
}

/* ---- tags */

/* The predicate's value in quotes: `misp:confidence-level="usually-confident"`. */
static const struct {
    const char *tag;
    int8_t confidence; /* the taxonomy's numerical_value */
} confidences[] = {
    {"misp:confidence-level=\"completely-confident\"", 100},
    {"misp:confidence-level=\"usually-confident\"", 75},
    {"misp:confidence-level=\"fairly-confident\"", 50},
    {"misp:confidence-level=\"rarely-confident\"", 25},
    {"misp:confidence-level=\"unconfident\"", 0},
    {"admiralty-scale:information-credibility=\"1\"", 100},
    {"admiralty-scale:information-credibility=\"2\"", 75},
    {"admiralty-scale:information-credibility=\"3\"", 50},
    {"admiralty-scale:information-credibility=\"4\"", 25},
    {"admiralty-scale:information-credibility=\"5\"", 0},
};

static bool begins_alike(struct bytes text, const char *with)
{
    return bytes_alike(bytes_until(text, strlen(with)), with);
}

static void mark_tlp(struct misp *m, struct marks *marks, struct bytes tag)
{
    enum tlp tlp;
    if (!tlp_read(tag, &tlp))
        tlp = tlp_stricter(m->feed->tlp, TLP_AMBER);
    marks->tlp = marks->tlp_said ? tlp_stricter(marks->tlp, tlp) : tlp;
    marks->tlp_said = true;
}

static void mark_category(struct marks *marks, struct bytes tag)
{
    category_id category;
    bool exact = begins_alike(tag, "rsit:") || begins_alike(tag, "csirt-americas:");
    if ((marks->category_said && (marks->category_exact || !exact)) || !category_read(tag, &category))
        return;
    marks->category_said = true;
    marks->category_exact = exact;
    marks->category = category;
}

static void mark(struct misp *m, struct marks *marks, struct bytes tag)
{
    tag = bytes_trim(tag);
    if (begins_alike(tag, "tlp:"))
        mark_tlp(m, marks, tag);
    else
        mark_category(marks, tag);
    for (size_t i = 0; i < sizeof confidences / sizeof *confidences; i++)
        if (marks->confidence == INDICATOR_CONFIDENCE_UNKNOWN && bytes_alike(tag, confidences[i].tag))
            marks->confidence = confidences[i].confidence;
}

/* Joins the tags with `;` behind what stands in `text`, and gathers what they say. Of too many, the first count as
 * text, and all as marks. */
static struct marks read_tags(struct misp *m, const struct bytes *tags, size_t count, struct buffer *text)
{
    struct marks marks = {.confidence = INDICATOR_CONFIDENCE_UNKNOWN};
    for (size_t i = 0; i < count; i++) {
        mark(m, &marks, tags[i]);
        if (tags[i].len == 0 || text->len + 1 + tags[i].len > TAGS_TEXT_MAX)
            continue;
        if (text->len)
            buffer_char(text, ';');
        for (size_t k = 0; k < tags[i].len; k++)
            buffer_char(text, tags[i].at[k] == ';' ? ',' : (char)tags[i].at[k]);
    }
    return marks;
}

/* ---- telling */

static void say(struct misp *m, const struct attribute *a, void (*to)(void *to, unsigned line, const char *text),
                struct fail *what)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_at(what, "attribute %s", a->uuid.len ? fail_quote(a->uuid, quote) : "without uuid");
    if (to)
        to(m->sink->to, a->line, what->text);
}

static void refuse(struct misp *m, const struct attribute *a, struct fail *why)
{
    say(m, a, m->sink->refused, why);
}

static void leave_type(struct misp *m, const struct attribute *a)
{
    char what[LEFT_TEXT_MAX], quote[4 * FAIL_QUOTE_MAX + 4];
    snprintf(what, sizeof what, "attributes of type %s: no such observable on the wire", fail_quote(a->type, quote));
    left_add(&m->left, 1, what);
}

static void tell(struct misp *m, const struct attribute *a, const struct indicator_source *source,
                 enum observable_type type, struct bytes text)
{
    char room[OBSERVABLE_VALUE_MAX];
    struct indicator_key key;
    struct fail warning = {.text = ""}, why = {.text = ""};
    bool good = bytes_find(text, 0) == text.len || fail_set(&why, "holds a NUL octet");
    if (!good || !indicator_key_read(type, text, room, &key, &warning, &why)) {
        fail_at(&why, "%s", observable_type_name(type));
        refuse(m, a, &why);
        return;
    }
    if (warning.text[0])
        say(m, a, m->sink->warning, &warning);
    m->sink->indicator(m->sink->to, a->line, &key, source);
}

static enum observable_type address_type(struct bytes text)
{
    return bytes_find(text, ':') < text.len ? OBSERVABLE_IPV6_ADDR : OBSERVABLE_IPV4_ADDR;
}

/* A value of a type that is not composite; false: the type has no place here. */
static bool tell_part(struct misp *m, const struct attribute *a, const struct indicator_source *source,
                      struct bytes name, struct bytes text)
{
    enum observable_type type = OBSERVABLE_URL;
    enum holds holds = type_find(name, &type);
    if (holds == HOLDS_ADDRESS)
        type = address_type(text);
    bool relative = holds == HOLDS_URI && !memmem(text.at, text.len, "://", 3);
    if (holds == HOLDS_NOTHING || relative)
        return false;
    tell(m, a, source, type, text);
    return true;
}

static void tell_ip_port(struct misp *m, const struct attribute *a, const struct indicator_source *source,
                         struct bytes address, struct bytes port)
{
    char text[OBSERVABLE_VALUE_MAX];
    bool v6 = address_type(address) == OBSERVABLE_IPV6_ADDR;
    int len = snprintf(text, sizeof text, v6 ? "[%.*s]:%.*s" : "%.*s:%.*s", (int)bytes_until(address, 256).len,
                       (const char *)address.at, (int)bytes_until(port, 256).len, (const char *)port.at);
    tell(m, a, source, OBSERVABLE_IP_PORT, bytes_of(text, (size_t)len));
}

static bool tell_composite(struct misp *m, const struct attribute *a, const struct indicator_source *source,
                           struct bytes name, size_t bar)
{
    enum observable_type type;
    struct bytes first = bytes_until(name, bar), second = bytes_from(name, bar + 1);
    enum holds holds = type_find(first, &type);
    if (holds == HOLDS_NOTHING && type_find(second, &type) == HOLDS_NOTHING)
        return false;
    size_t cut = a->value.len;
    while (cut && a->value.at[cut - 1] != '|') /* a file's name may hold one; what stands behind it never does */
        cut--;
    if (!cut) {
        struct fail why = {.text = ""};
        char quote[4 * FAIL_QUOTE_MAX + 4];
        fail_set(&why, "expected two values with a | between them, found \"%s\"", fail_quote(a->value, quote));
        refuse(m, a, &why);
        return true;
    }
    struct bytes left = bytes_trim(bytes_until(a->value, cut - 1)), right = bytes_trim(bytes_from(a->value, cut));
    if (holds == HOLDS_ADDRESS && bytes_equal(second, bytes_text("port"))) {
        tell_ip_port(m, a, source, left, right);
        return true;
    }
    tell_part(m, a, source, first, left);
    tell_part(m, a, source, second, right);
    return true;
}

static void describe(struct misp *m, const struct attribute *a)
{
    struct bytes info = a->info.len ? a->info : m->info;
    buffer_clear(&m->description);
    buffer_add(&m->description, info.at, info.len);
    if (info.len && a->comment.len)
        buffer_text(&m->description, ": ");
    buffer_add(&m->description, a->comment.at, a->comment.len);
}

static enum tlp tlp_of(const struct misp *m, const struct marks *own, const struct marks *event)
{
    if (m->cut)
        return TLP_RED; /* what would have marked it may be what is missing */
    if (own->tlp_said && event->tlp_said)
        return tlp_stricter(own->tlp, event->tlp);
    return own->tlp_said ? own->tlp : event->tlp_said ? event->tlp : m->feed->tlp;
}

static void tell_attribute(struct misp *m, const struct attribute *a, const struct marks *event)
{
    if (a->deleted) {
        left_add(&m->left, 1, "attributes that were deleted");
        return;
    }
    if (a->context) {
        left_add(&m->left, 1, "attributes with to_ids false: context, no indicators");
        return;
    }
    buffer_clear(&m->text);
    const struct bytes *tags = (const struct bytes *)(void *)m->tags.at;
    struct marks own = read_tags(m, a->tag_count ? tags + a->tag_first : NULL, a->tag_count, &m->text);
    size_t room = TAGS_TEXT_MAX - m->text.len;
    if (m->event_text.len && m->event_text.len < room) {
        if (m->text.len)
            buffer_char(&m->text, ';');
        buffer_add(&m->text, m->event_text.at, m->event_text.len);
    }
    describe(m, a);
    struct indicator_source source = feed_source(m->feed);
    source.id = a->uuid;
    source.tags = buffer_bytes(&m->text);
    source.description = buffer_bytes(&m->description);
    source.reference = a->event.len ? a->event : m->uuid;
    source.tlp = tlp_of(m, &own, event);
    bool event_knows = !own.category_said || (event->category_exact && !own.category_exact);
    if (event->category_said && event_knows)
        source.category = event->category;
    else if (own.category_said)
        source.category = own.category;
    if (own.confidence != INDICATOR_CONFIDENCE_UNKNOWN)
        source.confidence = own.confidence;
    else if (event->confidence != INDICATOR_CONFIDENCE_UNKNOWN)
        source.confidence = event->confidence;

    struct bytes type = a->type;
    if (bytes_equal(type, bytes_text("malware-sample")))
        type = bytes_text("filename|md5");
    size_t bar = bytes_find(type, '|');
    bool known = bar < type.len ? tell_composite(m, a, &source, type, bar) : tell_part(m, a, &source, type, a->value);
    if (!known)
        leave_type(m, a);
}

/* What was gathered of the event is told, and the next one begins. */
static void end_event(struct misp *m)
{
    buffer_clear(&m->event_text);
    size_t tags = m->event_tags.len / sizeof(struct bytes), count = m->attributes.len / sizeof(struct attribute);
    if (count) {
        struct marks event = read_tags(m, (const struct bytes *)(void *)m->event_tags.at, tags, &m->event_text);
        const struct attribute *attributes = (const struct attribute *)(void *)m->attributes.at;
        for (size_t i = 0; i < count; i++)
            tell_attribute(m, &attributes[i], &event);
    }
    buffer_clear(&m->attributes);
    buffer_clear(&m->tags);
    buffer_clear(&m->event_tags);
    m->current = m->bare = (struct attribute){.line = 0};
    m->uuid = m->info = bytes_of(NULL, 0);
    m->object_first = 0;
}

/* ---- reading */

enum scope { SCOPE_ROOT, SCOPE_EVENT, SCOPE_OBJECT, SCOPE_ATTRIBUTE };

/* Takes `step` off the front of the path. */
static bool take(struct bytes *path, const char *step)
{
    size_t len = strlen(step);
    if (!bytes_start_with(*path, step) || (path->len > len && path->at[len] != '.'))
        return false;
    *path = bytes_from(*path, len + 1);
    return true;
}

static bool take_either(struct bytes *path, const char *one, const char *many)
{
    return take(path, one) || take(path, many);
}

/* In what the path stands; the path is left with what is behind that. */
static enum scope scope_of(struct bytes *path, bool *in_object)
{
    enum scope scope = SCOPE_ROOT;
    take(path, "[]");
    take_either(path, "response", "response[]");
    if (take_either(path, "Event", "Event[]"))
        scope = SCOPE_EVENT;
    *in_object = take_either(path, "Object", "Object[]");
    if (*in_object)
        scope = SCOPE_OBJECT;
    return take_either(path, "Attribute", "Attribute[]") ? SCOPE_ATTRIBUTE : scope;
}

static bool is_key(struct bytes path, const char *key)
{
    return bytes_equal(path, bytes_text(key));
}

static bool is_tag(struct bytes path, const char *old)
{
    return is_key(path, "Tag[].name") || is_key(path, old);
}

/* MISP writes true as true, 1, "1" and "true". */
static bool is_true(const struct json_value *v)
{
    switch (v->kind) {
    case JSON_BOOL: return v->boolean;
    case JSON_NUMBER: return v->real != 0;
    case JSON_STRING: return bytes_alike(v->text, "true") || bytes_equal(v->text, bytes_text("1"));
    default: return false;
    }
}

static void attribute_key(struct attribute *a, struct bytes key, const struct json_value *v)
{
    if (is_key(key, "value")) {
        a->value = v->text;
        a->line = v->line;
    } else if (is_key(key, "type")) {
        a->type = v->text;
    } else if (is_key(key, "uuid")) {
        a->uuid = v->text;
    } else if (is_key(key, "comment")) {
        a->comment = v->text;
    } else if (is_key(key, "to_ids")) {
        a->context = v->kind != JSON_NULL && !is_true(v);
    } else if (is_key(key, "deleted")) {
        a->deleted = is_true(v);
    } else if (is_key(key, "Event.uuid")) {
        a->event = v->text;
    } else if (is_key(key, "Event.info")) {
        a->info = v->text;
    }
}

static void event_key(struct misp *m, struct bytes key, const struct json_value *v)
{
    if (is_key(key, "uuid"))
        m->uuid = v->text;
    else if (is_key(key, "info"))
        m->info = v->text;
    else if (is_tag(key, "EventTag[].Tag.name"))
        buffer_add(&m->event_tags, &v->text, sizeof v->text);
}

static void end_attribute(struct misp *m, struct attribute *a, unsigned line)
{
    struct fail why = {.text = ""};
    uint32_t tags = (uint32_t)(m->tags.len / sizeof(struct bytes));
    a->tag_count = tags - a->tag_first;
    a->line = a->line ? a->line : line;
    if (a->type.len && a->value.len) {
        buffer_add(&m->attributes, a, sizeof *a);
    } else {
        fail_set(&why, "without %s", a->type.len ? "a value" : "a type");
        refuse(m, a, &why);
    }
    *a = (struct attribute){.tag_first = tags};
}

static void end_object(struct misp *m)
{
    size_t count = m->attributes.len / sizeof(struct attribute);
    struct attribute *attributes = (struct attribute *)(void *)m->attributes.at;
    for (size_t i = m->object_first; m->object_deleted && i < count; i++)
        attributes[i].deleted = true;
    m->object_first = count;
    m->object_deleted = false;
}

/* The outermost object, or one of an outermost list: an event without its wrapping, an attribute, or nothing. */
static void end_root(struct misp *m, unsigned line)
{
    if (m->bare.type.len && m->bare.value.len) {
        m->uuid = m->info = bytes_of(NULL, 0); /* they are the attribute's */
        m->bare.tag_first = (uint32_t)(m->tags.len / sizeof(struct bytes));
        end_attribute(m, &m->bare, line);
    }
    end_event(m);
}

static void end_of(struct misp *m, enum scope scope, bool in_object, unsigned line)
{
    switch (scope) {
    case SCOPE_ROOT: end_root(m, line); return;
    case SCOPE_EVENT: end_event(m); return;
    case SCOPE_OBJECT: end_object(m); return;
    case SCOPE_ATTRIBUTE:
        end_attribute(m, &m->current, line);
        if (!in_object)
            m->object_first = m->attributes.len / sizeof(struct attribute);
        return;
    }
}

static bool visit(void *to, struct bytes path, const struct json_value *v)
{
    struct misp *m = to;
    bool in_object;
    enum scope scope = scope_of(&path, &in_object);
    m->line = v->line;
    if (v->kind == JSON_OBJECT && path.len == 0)
        end_of(m, scope, in_object, v->line);
    else if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY)
        return true;
    else if (scope == SCOPE_ATTRIBUTE && is_tag(path, "AttributeTag[].Tag.name"))
        buffer_add(&m->tags, &v->text, sizeof v->text);
    else if (scope == SCOPE_ATTRIBUTE)
        attribute_key(&m->current, path, v);
    else if (scope == SCOPE_OBJECT && is_key(path, "deleted"))
        m->object_deleted = is_true(v);
    else if (scope == SCOPE_EVENT || scope == SCOPE_ROOT)
        event_key(m, path, v);
    if (scope == SCOPE_ROOT)
        attribute_key(&m->bare, path, v);
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
    struct misp m = {.feed = feed, .sink = sink, .line = 1};
    struct json_reader *reader = json_reader_new();
    struct fail why = {.text = ""};
    if (!json_read_records(reader, without_mark(content), visit, &m, &why)) {
        (sink->broken ? sink->broken : sink->refused)(sink->to, m.line, why.text);
        m.cut = true;
    }
    end_event(&m);
    left_tell(&m.left, left_out, (void *)sink);
    json_reader_free(reader);
    buffer_free(&m.attributes);
    buffer_free(&m.tags);
    buffer_free(&m.event_tags);
    buffer_free(&m.text);
    buffer_free(&m.event_text);
    buffer_free(&m.description);
}

/* The first string of a document, which of an object is its first key; empty when something else comes first. */
static struct bytes first_key(struct bytes head)
{
    head = without_mark(head);
    while (head.len && strchr("[{ \t\r\n", head.at[0]) && head.at[0])
        head = bytes_from(head, 1);
    if (!head.len || head.at[0] != '"')
        return bytes_of(NULL, 0);
    head = bytes_from(head, 1);
    return bytes_until(head, bytes_find(head, '"'));
}

static bool holds_key(struct bytes head, const char *key)
{
    return memmem(head.at, head.len, key, strlen(key));
}

static bool probe(struct bytes head)
{
    struct bytes key = first_key(head);
    struct bytes start = bytes_trim(without_mark(head));
    bool json = start.len && (start.at[0] == '{' || start.at[0] == '[');
    if (!json || !key.len)
        return false;
    return bytes_equal(key, bytes_text("Event")) || bytes_equal(key, bytes_text("Attribute")) ||
           bytes_equal(key, bytes_text("response")) || holds_key(head, "\"to_ids\"") ||
           holds_key(head, "\"Attribute\"") || holds_key(head, "\"Event\"");
}

const struct format format_misp = {
    .name = "misp",
    .about = "MISP: an event, or a list or search result of events or attributes (JSON)",
    .probe = probe,
    .read = read,
};

/* ---- the manifest of a feed */

bool misp_uuid_is_safe(struct bytes uuid)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (uuid.len != UUID_OCTETS)
        return false;
    for (size_t i = 0; i < UUID_OCTETS; i++)
        if (shape[i] == '-' ? uuid.at[i] != '-' : !text_is_hex(bytes_of(uuid.at + i, 1)))
            return false;
    return true;
}

struct manifest {
    void (*listed)(void *to, const struct misp_listed *event);
    void *to;
    struct bytes sha256;
    bool other; /* something stood in it that is no entry */
};

static bool visit_manifest(void *to, struct bytes path, const struct json_value *v)
{
    struct manifest *m = to;
    struct bytes key = bytes_until(path, UUID_OCTETS), inside = bytes_from(path, UUID_OCTETS + 1);
    bool in_event = misp_uuid_is_safe(key) && (path.len == UUID_OCTETS || path.at[UUID_OCTETS] == '.');
    bool entry = in_event ? path.len == UUID_OCTETS : path.len > 0; /* what is no uuid may hold a dot */
    if (v->kind == JSON_OBJECT && entry) {
        struct misp_listed event = {.uuid = path, .sha256 = m->sha256, .line = v->line};
        m->listed(m->to, &event);
        m->sha256 = bytes_of(NULL, 0);
    } else if (entry && bytes_find(path, '.') == path.len) {
        m->other = true;
    } else if (in_event && v->kind == JSON_STRING && is_key(inside, "integrity:sha256")) {
        m->sha256 = v->text;
    }
    return true;
}

bool misp_manifest_read(struct bytes content, void (*listed)(void *to, const struct misp_listed *event), void *to,
                        struct fail *why)
{
    struct manifest m = {.listed = listed, .to = to};
    struct json_reader *reader = json_reader_new();
    bool good = json_read_records(reader, without_mark(content), visit_manifest, &m, why);
    if (good && m.other)
        good = fail_set(why, "expected events by their uuid, as in the manifest of a MISP feed");
    json_reader_free(reader);
    return good;
}
