/*
 * A finding is read into a list of its members, path and text; the layout asks for them by path. What is missing or
 * null is an empty text, and says nothing.
 */
#include "publish/explain.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "publish/encode.h"
#include "publish/shown.h"

#include <stdio.h>
#include <stdlib.h>

enum { LABEL_COLUMNS = 13 };

struct member {
    struct member *next;
    struct bytes path, text;
};

/* One time that it was told: as its owner reads it, or a publication. */
struct telling {
    struct telling *next;
    int64_t told_ns;
    const char *topic; /* NULL: the owner's */
    uint64_t seq;
    struct bytes json;
    struct member *members;
};

struct explain {
    struct arena arena;
    struct json_reader *reader;
    struct telling *history, *publications; /* in their order */
    struct telling *last;                   /* of `history` */
};

struct reading {
    struct explain *e;
    struct member **end;
};

struct explain *explain_new(void)
{
    struct explain *e = calloc(1, sizeof *e);
    if (!e)
        abort();
    e->reader = json_reader_new();
    return e;
}

void explain_free(struct explain *e)
{
    json_reader_free(e->reader);
    arena_free(&e->arena);
    free(e);
}

/* ---- reading */

static bool take(void *to, struct bytes path, const struct json_value *v)
{
    struct reading *r = to;
    struct bytes text = v->text;
    if (v->kind == JSON_BOOL)
        text = bytes_text(v->boolean ? "true" : "false");
    else if (v->kind != JSON_STRING && v->kind != JSON_NUMBER)
        text = bytes_of(NULL, 0);
    struct member *m = arena_take(&r->e->arena, sizeof *m);
    *m = (struct member){.path = arena_copy(&r->e->arena, path), .text = arena_copy(&r->e->arena, text)};
    *r->end = m;
    r->end = &m->next;
    return true;
}

static struct telling *read_telling(struct explain *e, int64_t told_ns, struct bytes json, struct telling **list,
                                    struct fail *why)
{
    struct telling *t = arena_take(&e->arena, sizeof *t);
    struct reading r = {.e = e, .end = &t->members};
    t->told_ns = told_ns;
    t->json = arena_copy(&e->arena, bytes_trim(json));
    if (!json_read(e->reader, t->json, take, &r, why))
        return NULL;
    while (*list)
        list = &(*list)->next;
    *list = t;
    return t;
}

bool explain_add_finding(struct explain *e, int64_t told_ns, struct bytes json, struct fail *why)
{
    struct telling *t = read_telling(e, told_ns, json, &e->history, why);
    if (t)
        e->last = t;
    return t != NULL;
}

bool explain_add_publication(struct explain *e, int64_t told_ns, const char *topic, uint64_t seq, struct bytes json,
                             struct fail *why)
{
    struct telling *t = read_telling(e, told_ns, json, &e->publications, why);
    if (!t)
        return false;
    t->topic = arena_text(&e->arena, bytes_text(topic));
    t->seq = seq;
    return true;
}

static struct bytes get(const struct telling *t, const char *path)
{
    for (const struct member *m = t->members; m; m = m->next)
        if (bytes_equal(m->path, bytes_text(path)))
            return m->text;
    return bytes_of(NULL, 0);
}

static bool is(struct bytes text, const char *what)
{
    return bytes_equal(text, bytes_text(what));
}

/* ---- JSON */

static void put_member(struct json *j, const struct telling *t, const char *key, const char *path)
{
    struct bytes text = get(t, path);
    uint64_t number;
    json_key(j, key);
    if (!text.len)
        json_null(j);
    else if (text_number(text, INT64_MAX, &number))
        json_number(j, (int64_t)number);
    else
        json_text(j, text);
}

static void put_telling(struct json *j, const struct telling *t)
{
    json_object(j);
    json_key(j, "told");
    json_time(j, t->told_ns);
    if (t->topic) {
        json_key(j, "topic");
        json_string(j, t->topic);
        json_key(j, "seq");
        json_number(j, (int64_t)t->seq);
        put_member(j, t, "tlp", "tlp");
    }
    put_member(j, t, "status", "status");
    put_member(j, t, "state", "flow.state");
    put_member(j, t, "count", "count");
    put_member(j, t, "last_seen", "last_seen");
    put_member(j, t, "severity", "severity");
    put_member(j, t, "generation", "generation");
    json_end(j);
}

static void put_tellings(struct buffer *out, const char *name, const struct telling *list)
{
    struct json j = json_to(out);
    buffer_format(out, ",\"%s\":", name);
    json_array(&j);
    for (const struct telling *t = list; t; t = t->next)
        put_telling(&j, t);
    json_end(&j);
}

void explain_json(const struct explain *e, struct buffer *out)
{
    struct bytes json = e->last->json;
    buffer_add(out, json.at, json.len - 1); /* its last octet ends the object */
    put_tellings(out, "history", e->history);
    put_tellings(out, "publications", e->publications);
    buffer_text(out, "}\n");
}

/* ---- text */

struct page {
    const struct telling *t;
    struct buffer *out;
    bool colour;
};

static void paint(const struct page *p, const char *sequence)
{
    if (p->colour)
        buffer_text(p->out, sequence);
}

static void label(const struct page *p, const char *name)
{
    paint(p, "\033[36m");
    buffer_format(p->out, "  %-*s", LABEL_COLUMNS, name);
    paint(p, "\033[0m");
}

static void strong(const struct page *p, struct bytes text)
{
    paint(p, "\033[1m");
    shown_add(text, p->out);
    paint(p, "\033[0m");
}

/* `before` the member `after`; nothing where it is unknown. */
static bool put(const struct page *p, const char *before, const char *path, const char *after)
{
    struct bytes text = get(p->t, path);
    if (!text.len)
        return false;
    buffer_text(p->out, before);
    shown_add(text, p->out);
    buffer_text(p->out, after);
    return true;
}

static void end(const struct page *p)
{
    buffer_char(p->out, '\n');
}

static void put_head(const struct page *p)
{
    strong(p, get(p->t, "id"));
    put(p, "  ", "kind", "");
    put(p, ", ", "status", "");
    put(p, ", ", "severity", "");
    end(p);
}

static void put_seen(const struct page *p)
{
    label(p, "seen");
    put(p, "", "first_seen", "");
    if (!bytes_equal(get(p->t, "first_seen"), get(p->t, "last_seen")))
        put(p, " to ", "last_seen", "");
    if (!is(get(p->t, "count"), "1"))
        put(p, ", ", "count", " times");
    put(p, ", by ", "sensor", "");
    put(p, " (", "region.country", ")");
    end(p);
}

static void put_observable(const struct page *p)
{
    if (!get(p->t, "observable.type").len)
        return;
    label(p, "what");
    put(p, "", "observable.type", " ");
    strong(p, get(p->t, "observable.value"));
    put(p, " in ", "observable.where", "");
    if (is(get(p->t, "observable.ech"), "true"))
        buffer_text(p->out, "; the ClientHello is encrypted: it may be the front, not the site");
    end(p);
}

static void put_evidence(const struct page *p)
{
    if (!get(p->t, "evidence.file").len)
        return;
    label(p, "evidence");
    put(p, "packet ", "evidence.packet", "");
    if (!put(p, ", octet ", "evidence.offset", ""))
        buffer_text(p->out, ", in parts");
    put(p, ", of ", "evidence.file", "");
    end(p);
    struct bytes excerpt = get(p->t, "evidence.excerpt"); /* printable ASCII already, backslashes doubled */
    if (!excerpt.len)
        return;
    label(p, "");
    buffer_text(p->out, "as it was: ");
    for (size_t i = 0; i < excerpt.len; i++)
        buffer_char(p->out, excerpt.at[i] >= ' ' && excerpt.at[i] <= '~' ? (char)excerpt.at[i] : '?');
    end(p);
}

static const char *meaning_of(struct bytes match)
{
    static const char *const meanings[][2] = {{"exact", "the same value"},
                                              {"suffix", "the name or one below it"},
                                              {"prefix", "the URL or one below it"},
                                              {"block", "an address of the block"},
                                              {"substring", "held in it, in any case"},
                                              {"pattern", "the expression fits"}};
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (is(match, meanings[i][0]))
            return meanings[i][1];
    return "";
}

static void put_indicator(const struct page *p)
{
    const char *meaning = meaning_of(get(p->t, "indicator.match"));
    if (!get(p->t, "indicator.type").len)
        return;
    label(p, "indicator");
    put(p, "", "indicator.type", " ");
    strong(p, get(p->t, "indicator.value"));
    put(p, ", ", "indicator.match", "");
    if (*meaning)
        buffer_format(p->out, " (%s)", meaning);
    put(p, ", ", "indicator.validity", " its validity");
    end(p);
}

/* The members of one source, from its feed on. */
struct source {
    struct bytes feed, id, confidence, tlp, valid_from, valid_until, reference, description;
    const struct member *tags; /* the first one */
};

static const char sources[] = "indicator.sources[].";

static const struct member *read_source(const struct member *m, struct source *s)
{
    const struct {
        const char *name;
        struct bytes *to;
    } known[] = {{"feed", &s->feed},
                 {"id", &s->id},
                 {"confidence", &s->confidence},
                 {"tlp", &s->tlp},
                 {"valid_from", &s->valid_from},
                 {"valid_until", &s->valid_until},
                 {"reference", &s->reference},
                 {"description", &s->description}};
    *s = (struct source){.tags = NULL};
    for (bool begun = false; m && bytes_start_with(m->path, sources); m = m->next) {
        struct bytes name = bytes_from(m->path, sizeof sources - 1);
        if (is(name, "feed") && begun)
            return m;
        begun = true;
        if (is(name, "tags[]") && !s->tags)
            s->tags = m;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (is(name, known[i].name))
                *known[i].to = m->text;
    }
    return m;
}

static void put_text(const struct page *p, const char *before, struct bytes text)
{
    if (!text.len)
        return;
    buffer_text(p->out, before);
    shown_add(text, p->out);
}

static void put_source(const struct page *p, const struct source *s)
{
    label(p, "says");
    strong(p, s->feed);
    put_text(p, " ", s->id);
    put_text(p, ": confidence ", s->confidence.len ? s->confidence : bytes_text("unknown"));
    put_text(p, ", ", s->tlp);
    put_text(p, ", valid from ", s->valid_from);
    put_text(p, s->valid_from.len ? " until " : ", valid until ", s->valid_until);
    if (!s->valid_from.len && !s->valid_until.len)
        buffer_text(p->out, ", valid without end");
    end(p);
    if (s->tags) {
        label(p, "");
        buffer_text(p->out, "tags");
        for (const struct member *m = s->tags; m && bytes_equal(m->path, s->tags->path); m = m->next)
            put_text(p, m == s->tags ? " " : ", ", m->text);
        end(p);
    }
    const struct bytes more[] = {s->description, s->reference};
    for (size_t i = 0; i < 2; i++)
        if (more[i].len) {
            label(p, "");
            shown_add(more[i], p->out);
            end(p);
        }
}

static void put_sources(const struct page *p)
{
    const struct member *m = p->t->members;
    while (m && !bytes_start_with(m->path, sources))
        m = m->next;
    while (m && bytes_start_with(m->path, sources)) {
        struct source s;
        m = read_source(m, &s);
        put_source(p, &s);
    }
}

static void put_flow(const struct page *p)
{
    if (!get(p->t, "flow.src_ip").len)
        return;
    label(p, "flow");
    put(p, "", "flow.src_ip", "");
    put(p, " port ", "flow.src_port", "");
    buffer_text(p->out, " → ");
    put(p, "", "flow.dest_ip", "");
    put(p, " port ", "flow.dest_port", "");
    put(p, " ", "flow.proto", "");
    end(p);
    label(p, "");
    put(p, "", "flow.direction", "");
    put(p, ", ", "flow.state", "");
    for (const struct member *m = p->t->members; m; m = m->next)
        if (is(m->path, "flow.vlan[]"))
            put_text(p, ", VLAN ", m->text);
    put(p, ", Community ID ", "flow.community_id", "");
    end(p);
}

static void put_event(const struct page *p)
{
    if (!get(p->t, "event.feed").len)
        return;
    label(p, "event");
    put(p, "of ", "event.feed", "");
    put(p, ", reported by ", "event.reporter", "");
    put(p, ", as ", "event.classification.class", "");
    put(p, "/", "event.classification.type", "");
    end(p);
    if (get(p->t, "event.reference").len) {
        label(p, "");
        put(p, "", "event.reference", "");
        end(p);
    }
}

/* What a finding of another kind, or of a later version, says besides: its members as they are. */
static void put_rest(const struct page *p)
{
    static const char *const known[] = {
        "v",          "kind",       "status",         "id",          "timestamp",  "publisher", "seq",
        "tlp",        "generation", "folded",         "observable.", "indicator.", "flow.",     "evidence.",
        "sensor",     "region.",    "event.",         "category.",   "confidence", "severity",  "count",
        "first_seen", "last_seen",  "remote_country", "flow",        "event",      "evidence"};
    for (const struct member *m = p->t->members; m; m = m->next) {
        bool shown = !m->text.len;
        for (size_t i = 0; i < sizeof known / sizeof *known && !shown; i++)
            shown =
                is(m->path, known[i]) || (known[i][strlen(known[i]) - 1] == '.' && bytes_start_with(m->path, known[i]));
        if (shown)
            continue;
        char name[64];
        snprintf(name, sizeof name, "%.*s ", (int)(m->path.len < 60 ? m->path.len : 60), (const char *)m->path.at);
        for (char *c = name; *c; c++)
            *c = *c >= ' ' && *c <= '~' ? *c : '?';
        label(p, name);
        shown_add(m->text, p->out);
        end(p);
    }
}

/* The reasons of encode.c's severity, from what the finding says. */
static void put_severity(const struct page *p)
{
    uint64_t confidence = CONFIDENCE_UNSAID;
    bool said = text_number(get(p->t, "confidence"), 100, &confidence);
    struct bytes state = get(p->t, "flow.state");
    bool hit = get(p->t, "indicator.type").len != 0;
    label(p, "severity");
    put(p, "", "severity", "");
    if (hit)
        buffer_format(p->out, ": %s confidence is %llu (medium from %d, high from %d)",
                      said ? "the strongest" : "no source says one, so", (unsigned long long)confidence,
                      CONFIDENCE_MEDIUM, CONFIDENCE_HIGH);
    if (hit && confidence >= CONFIDENCE_MEDIUM && (is(state, "attempted") || is(state, "refused")))
        put(p, ", one step lower since the flow was ", "flow.state", "");
    end(p);
}

static void put_judgement(const struct page *p)
{
    if (get(p->t, "category.type").len) {
        label(p, "category");
        put(p, "", "category.class", "");
        put(p, "/", "category.type", "");
        end(p);
    }
    put_severity(p);
    label(p, "TLP");
    put(p, "", "tlp", ", the strictest of all that stands here");
    end(p);
    label(p, "place");
    if (!put(p, "", "region.country", ""))
        buffer_text(p->out, "unknown");
    put(p, ", ", "region.subregion", "");
    put(p, "; the other end in ", "remote_country", "");
    end(p);
    label(p, "generation");
    put(p, "", "generation", " of the indicators");
    put(p, "; ", "folded", " more of this indicator came too fast to be told singly");
    end(p);
}

/* In whole seconds; UTC. */
static void put_told(const struct page *p, const struct telling *t)
{
    char time[TEXT_TIME_MAX];
    buffer_format(p->out, "%.*s ", (int)text_time_write(t->told_ns, 0, time), time);
}

static void put_history(const struct page *p, const struct telling *list)
{
    for (const struct telling *t = list; t; t = t->next) {
        struct page one = {.t = t, .out = p->out, .colour = p->colour};
        label(p, t == list ? "history" : "");
        put_told(&one, t);
        put(&one, "", "status", "");
        put(&one, ", last seen ", "last_seen", "");
        put(&one, ", ", "flow.state", "");
        put(&one, ", seen ", "count", "×");
        put(&one, ", ", "severity", "");
        put(&one, ", generation ", "generation", "");
        end(p);
    }
}

static void put_publications(const struct page *p, const struct telling *list)
{
    label(p, "told");
    if (!list)
        buffer_text(p->out, "to nobody, or the journal has let go of it\n");
    for (const struct telling *t = list; t; t = t->next) {
        struct page one = {.t = t, .out = p->out, .colour = p->colour};
        if (t != list)
            label(p, "");
        put_told(&one, t);
        put(&one, "", "status", " to ");
        put(&one, "", "tlp", ": ");
        shown_add(bytes_text(t->topic), p->out);
        buffer_format(p->out, " seq %llu", (unsigned long long)t->seq);
        if (get(t, "indicator.type").len && !get(t, "flow.src_ip").len && !get(t, "event.feed").len)
            buffer_text(p->out, ", without flow and evidence");
        end(p);
    }
}

void explain_text(const struct explain *e, bool colour, struct buffer *out)
{
    struct page p = {.t = e->last, .out = out, .colour = colour};
    put_head(&p);
    put_seen(&p);
    put_observable(&p);
    put_evidence(&p);
    put_indicator(&p);
    put_sources(&p);
    put_flow(&p);
    put_event(&p);
    put_rest(&p);
    put_judgement(&p);
    put_history(&p, e->history);
    put_publications(&p, e->publications);
}
