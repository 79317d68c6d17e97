/*
 * A finding is read into a list of its members, path and text; the layout asks for them by path. What is missing or
 * null is an empty text, and says nothing.
 */
#include "publish/explain.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "publish/encode.h"
#include "publish/output.h"
#include "publish/retold.h"
#include "publish/shown.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABEL_COLUMNS = 13, BAR_COLUMNS = 40 };

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

/* A member of a correlation, as its owner reads it. */
struct evidence {
    struct evidence *next;
    struct bytes id, json;
};

struct explain {
    struct arena arena;
    struct json_reader *reader;
    struct telling *history, *publications; /* in their order */
    struct telling *last;                   /* of `history` */
    struct evidence *evidence;
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

/* ---- evidence */

void explain_evidence(const struct explain *e, void (*each)(void *to, const char *id), void *to)
{
    char id[IDENTITY_MAX];
    for (const struct member *m = e->last ? e->last->members : NULL; m; m = m->next) {
        if (!is(m->path, "evidence[]") || !m->text.len || m->text.len >= sizeof id)
            continue;
        memcpy(id, m->text.at, m->text.len);
        id[m->text.len] = 0;
        each(to, id);
    }
}

struct naming {
    struct explain *e;
    struct evidence *of;
};

static bool take_id(void *to, struct bytes path, const struct json_value *v)
{
    struct naming *n = to;
    if (is(path, "id") && v->kind == JSON_STRING)
        n->of->id = arena_copy(&n->e->arena, v->text);
    return !n->of->id.len;
}

bool explain_add_evidence(struct explain *e, struct bytes json, struct fail *why)
{
    struct evidence *of = arena_take(&e->arena, sizeof *of);
    *of = (struct evidence){.next = e->evidence, .json = arena_copy(&e->arena, bytes_trim(json))};
    struct naming n = {.e = e, .of = of};
    if (!json_read(e->reader, of->json, take_id, &n, why))
        return false;
    e->evidence = of;
    return true;
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

/* Whether it is one of these, or below one that ends in a dot. */
static bool is_among(struct bytes path, const char *const *names)
{
    for (; *names; names++)
        if (is(path, *names) || ((*names)[strlen(*names) - 1] == '.' && bytes_start_with(path, *names)))
            return true;
    return false;
}

/* What a finding of another kind, or of a later version, says besides: its members as they are. */
static void put_rest(const struct page *p, const char *const *laid_out)
{
    static const char *const known[] = {
        "v",          "kind",       "status",         "id",          "timestamp",  "publisher", "seq",
        "tlp",        "generation", "folded",         "observable.", "indicator.", "flow.",     "evidence.",
        "sensor",     "region.",    "event.",         "category.",   "confidence", "severity",  "count",
        "first_seen", "last_seen",  "remote_country", "flow",        "event",      "evidence",  NULL};
    for (const struct member *m = p->t->members; m; m = m->next) {
        if (!m->text.len || is_among(m->path, known) || is_among(m->path, laid_out))
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

static void put_category(const struct page *p)
{
    if (!get(p->t, "category.type").len)
        return;
    label(p, "category");
    put(p, "", "category.class", "");
    put(p, "/", "category.type", "");
    end(p);
}

static void put_tlp(const struct page *p, const char *reason)
{
    if (!get(p->t, "tlp").len)
        return;
    label(p, "TLP");
    put(p, "", "tlp", reason);
    end(p);
}

static void put_judgement(const struct page *p)
{
    put_category(p);
    put_severity(p);
    put_tlp(p, ", the strictest of all that stands here");
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
        put(&one, ", observed ", "observed", "");
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
        if (is(get(t, "kind"), "hit") && !get(t, "flow.src_ip").len && !get(t, "event.feed").len)
            buffer_text(p->out, ", without flow and evidence");
        end(p);
    }
}

/* ---- the kinds that are no hit */

static double real(const struct page *p, const char *path)
{
    double number;
    return text_decimal(get(p->t, path), &number) ? number : NAN;
}

static int64_t time_at(const struct page *p, const char *path)
{
    int64_t ns;
    bool date_only;
    return text_time(get(p->t, path), &ns, &date_only) ? ns : INT64_MIN;
}

/* In whole seconds; UTC. False, and nothing, where it is unknown. */
static bool put_when(const struct page *p, const char *before, int64_t ns)
{
    char time[TEXT_TIME_MAX];
    if (ns == INT64_MIN)
        return false;
    buffer_format(p->out, "%s%.*s", before, (int)text_time_write(ns, 0, time), time);
    return true;
}

/* A member that counts seconds, in the greatest unit that fits whole. */
static void put_length(const struct page *p, const char *before, const char *path)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    uint64_t seconds = 0;
    size_t u = 0;
    if (!text_number(get(p->t, path), INT64_MAX, &seconds) || !seconds)
        return;
    while (seconds % units[u].seconds)
        u++;
    buffer_format(p->out, "%s%llu %s", before, (unsigned long long)(seconds / units[u].seconds), units[u].name);
}

/* As exactly as people compare it: counts are whole, what is expected of them seldom is. */
static void put_count(const struct page *p, double number)
{
    if (number == floor(number))
        buffer_format(p->out, "%.0f", number);
    else
        buffer_format(p->out, fabs(number) < 0.1 ? "%.2g" : "%.1f", number);
}

static void put_counted(const struct page *p)
{
    if (!get(p->t, "counted").len)
        return;
    label(p, "what");
    strong(p, get(p->t, "category.type"));
    put(p, ": ", "counted", "s");
    put(p, " in ", "place", "");
    put(p, " (", "subregion", ")");
    put_length(p, ", in windows of ", "window_s");
    end(p);
}

static void put_observed(const struct page *p)
{
    double observed = real(p, "observed"), expected = real(p, "expected");
    double lower = real(p, "lower"), upper = real(p, "upper");
    if (isnan(observed))
        return;
    label(p, "observed");
    put_count(p, observed);
    put_when(p, " in the worst window, from ", time_at(p, "peak"));
    end(p);
    label(p, "expected");
    if (isnan(expected))
        buffer_text(p->out, "unknown");
    else
        put_count(p, expected);
    if (!isnan(upper)) {
        buffer_text(p->out, isnan(lower) ? "; ordinary are up to " : "; ordinary are ");
        if (!isnan(lower))
            put_count(p, lower), buffer_text(p->out, " to ");
        put_count(p, upper);
    }
    end(p);
}

/* Digits as far as they tell one score from the next: near 1, as many as there are nines. */
static void put_score(const struct page *p)
{
    double score = real(p, "score");
    if (isnan(score))
        return;
    label(p, "score");
    if (score > 0.999999)
        buffer_text(p->out, "above 0.999999");
    else
        buffer_format(p->out, score > 0.99 ? "%.6f" : "%.2f", score);
    buffer_text(p->out, " of 1: how surely this is no ordinary count\n");
    label(p, "severity");
    put(p, "", "severity", ": by the score (medium from 0.99, high from 0.9999)");
    end(p);
}

static void put_since(const struct page *p)
{
    double excess = real(p, "excess");
    int64_t first_ns = time_at(p, "first_seen"), last_ns = time_at(p, "last_seen");
    if (first_ns == INT64_MIN)
        return;
    label(p, "since");
    put_when(p, "", first_ns);
    if (last_ns != first_ns)
        put_when(p, "; the last window that alarmed began ", last_ns);
    put(p, "; ", "windows", is(get(p->t, "windows"), "1") ? " window" : " windows");
    if (!isnan(excess)) {
        buffer_text(p->out, ", in all ");
        put_count(p, excess);
        buffer_text(p->out, " more than expected");
    }
    end(p);
}

/* A row: when its window began, what was counted, and that as a bar. */
static void put_row(const struct page *p, const char *name, int64_t ns, double count, double most, bool alarmed)
{
    char time[TEXT_TIME_MAX];
    label(p, name);
    text_time_write(ns, 0, time);
    buffer_format(p->out, "%.10s %.5s ", time, time + sizeof "2026-11-21T" - 1);
    if (isnan(count))
        buffer_text(p->out, "      ?");
    else
        buffer_format(p->out, "%7.*f", count == floor(count) ? 0 : 1, count);
    int bar = count > 0 ? (int)ceil(BAR_COLUMNS * count / most) : 0;
    if (bar)
        buffer_char(p->out, ' ');
    if (alarmed)
        paint(p, "\033[1;31m");
    for (int i = 0; i < bar; i++)
        buffer_text(p->out, "█");
    if (alarmed)
        paint(p, "\033[0m");
    end(p);
}

/* The last row is the window that ends at its timestamp. */
static void put_plot(const struct page *p)
{
    double count, most = 0;
    uint64_t window_s = 0, rows = 0;
    int64_t end_ns = time_at(p, "timestamp"), since_ns = time_at(p, "first_seen"), last_ns = time_at(p, "last_seen");
    for (const struct member *m = p->t->members; m; m = m->next)
        if (is(m->path, "history[]")) {
            rows++;
            most = text_decimal(m->text, &count) && count > most ? count : most;
        }
    if (!text_number(get(p->t, "window_s"), 366 * 86400, &window_s) || end_ns < 0 || rows > TREND_HISTORY)
        return;
    const char *name = "counts";
    for (const struct member *m = p->t->members; m; m = m->next) {
        if (!is(m->path, "history[]"))
            continue;
        int64_t ns = end_ns - (int64_t)(rows-- * window_s) * TEXT_SECOND_NS;
        put_row(p, name, ns, text_decimal(m->text, &count) ? count : NAN, most, ns >= since_ns && ns <= last_ns);
        name = "";
    }
}

static void put_reporters(const struct page *p)
{
    if (!get(p->t, "reporters").len)
        return;
    label(p, "reporters");
    put(p, "at least ", "reporters", " stand behind the counts");
    end(p);
}

static void put_named(const struct page *p, const char *name, const char *path)
{
    if (!get(p->t, path).len)
        return;
    label(p, name);
    put(p, "", path, "");
    end(p);
}

static void put_trend(const struct page *p)
{
    static const char *const laid_out[] = {"place",    "subregion", "counted", "window_s",  "detector", "observed",
                                           "expected", "lower",     "upper",   "score",     "excess",   "windows",
                                           "peak",     "reporters", "history", "history[]", NULL};
    char reason[128];
    put_counted(p);
    put_observed(p);
    put_score(p);
    put_since(p);
    put_reporters(p);
    put_named(p, "detector", "detector");
    put_category(p);
    snprintf(reason, sizeof reason,
             ": trends are green from %d reporters on, else amber; stricter reports are not counted",
             TREND_REPORTERS_GREEN);
    put_tlp(p, reason);
    put_plot(p);
    put_rest(p, laid_out);
}

static void put_linked(const struct page *p)
{
    unsigned countries = 0;
    if (get(p->t, "indicator.type").len) {
        label(p, "indicator");
        put(p, "", "indicator.type", " ");
        strong(p, get(p->t, "indicator.value"));
        put(p, ", linked by the rule ", "rule", "");
        end(p);
    }
    for (const struct member *m = p->t->members; m; m = m->next)
        if (is(m->path, "countries[]")) {
            if (!countries++)
                label(p, "countries");
            put_text(p, countries > 1 ? ", " : "", m->text);
        }
    if (countries) {
        buffer_text(p->out, countries > 1 ? ", in the order in which it was met there" : "");
        put(p, "; all in ", "place", "");
        end(p);
    }
    if (!get(p->t, "count").len)
        return;
    label(p, "seen");
    put(p, "", "count", is(get(p->t, "count"), "1") ? " hit" : " hits");
    put_when(p, " from ", time_at(p, "first_seen"));
    put_when(p, " to ", time_at(p, "last_seen"));
    put_length(p, "; the window of the rule is ", "window_s");
    end(p);
}

static const struct evidence *find_evidence(const struct explain *e, struct bytes id)
{
    const struct evidence *of = e->evidence;
    while (of && !bytes_equal(of->id, id))
        of = of->next;
    return of;
}

/* Its line as `vigia hits` has it, or else its id alone. */
static void put_member_line(const struct page *p, const struct explain *e, struct retold *room, struct bytes id)
{
    const struct output_style style = {.colour = p->colour};
    const struct evidence *of = find_evidence(e, id);
    struct fail ignored = {.text = ""};
    if (of && retold_read(e->reader, of->json, room, &ignored) && room->known) {
        output_text.write(p->out, &room->told, &style);
        return;
    }
    shown_add(id, p->out);
    end(p);
}

static void put_members(const struct page *p, const struct explain *e)
{
    struct retold *room = calloc(1, sizeof *room); /* too large for the stack */
    const char *name = "evidence";
    if (!room)
        abort();
    for (const struct member *m = p->t->members; m; m = m->next) {
        if (!is(m->path, "evidence[]"))
            continue;
        label(p, name);
        put_member_line(p, e, room, m->text);
        name = "";
    }
    retold_clear(room);
    free(room);
}

static void put_correlation(const struct page *p, const struct explain *e)
{
    static const char *const laid_out[] = {"rule", "place", "countries", "countries[]", "window_s", "evidence[]", NULL};
    put_linked(p);
    put_members(p, e);
    put_category(p);
    put_severity(p);
    put_tlp(p, ", the strictest of its hits");
    put_rest(p, laid_out);
}

static void put_hit(const struct page *p)
{
    static const char *const laid_out[] = {NULL};
    put_seen(p);
    put_observable(p);
    put_evidence(p);
    put_indicator(p);
    put_sources(p);
    put_flow(p);
    put_event(p);
    put_rest(p, laid_out);
    put_judgement(p);
}

void explain_text(const struct explain *e, bool colour, struct buffer *out)
{
    struct page p = {.t = e->last, .out = out, .colour = colour};
    put_head(&p);
    if (is(get(p.t, "kind"), "trend"))
        put_trend(&p);
    else if (is(get(p.t, "kind"), "correlation"))
        put_correlation(&p, e);
    else
        put_hit(&p);
    put_history(&p, e->history);
    put_publications(&p, e->publications);
}
