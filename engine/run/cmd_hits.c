/*
 * vigia hits: asks the journal, also while the daemon writes it.
 */
#include "base/log.h"
#include "base/text.h"
#include "journal/journal.h"
#include "model/country.h"
#include "publish/explain.h"
#include "publish/retold.h"
#include "run/atlas.h"
#include "run/options.h"

#include <stdio.h>
#include <stdlib.h>

struct showing {
    const struct options *options;
    struct json_reader *json;
    struct retold retold;
    struct buffer out;
    bool any; /* was shown */
    bool failed;
};

static bool put_out(struct showing *s)
{
    bool written = options_print(buffer_bytes(&s->out), STATUS_DONE) == STATUS_DONE;
    buffer_clear(&s->out);
    s->failed |= !written;
    return written;
}

static bool show(void *to, struct bytes json)
{
    struct showing *s = to;
    struct fail why = {.text = ""};
    const struct output *output = s->options->output;
    s->any = true;
    if (strcmp(output->name, "json") == 0) {
        buffer_add(&s->out, json.at, json.len);
        buffer_char(&s->out, '\n');
    } else if (retold_read(s->json, json, &s->retold, &why) && s->retold.known) {
        output->write(&s->out, &s->retold.told, &s->options->style);
    }
    return s->out.len < 65536 || put_out(s);
}

static bool read_time(const struct options *o, enum option_text which, const char *name, int64_t *ns)
{
    bool date_only;
    const char *text = o->text[which];
    if (!text || text_time(bytes_text(text), ns, &date_only))
        return true;
    log_error("--%s: expected a time as 2026-11-21T02:00:00Z or a date, found \"%s\"", name, text);
    return false;
}

/* A value as findings print it, of one that a person wrote: refanged and canonical, a block without its host bits.
 * False where it is that already, or is none. */
static bool print_as_told(const char *written, char out[OBSERVABLE_VALUE_MAX + 2])
{
    struct fail ignored = {.text = ""};
    struct indicator_key key;
    char room[OBSERVABLE_VALUE_MAX];
    struct bytes text = bytes_trim(bytes_text(written));
    if (!indicator_key_read(observable_guess(text), text, room, &key, &ignored, &ignored))
        return false;
    out[encode_indicator(&key, out)] = 0;
    return strcmp(out, written) != 0;
}

/* A value is asked for as it is written, as texts of any kind are told; then as what it means. */
static bool read_findings(struct journal_reader *reader, const struct journal_query *q, struct showing *s,
                          struct fail *why)
{
    char value[OBSERVABLE_VALUE_MAX + 2];
    struct journal_query meant = *q;
    meant.indicator = value;
    return journal_read(reader, q, show, s, why) && (s->any || !q->indicator || !print_as_told(q->indicator, value) ||
                                                     journal_read(reader, &meant, show, s, why));
}

static int ask(const struct options *o, const char *path, const struct journal_query *q)
{
    struct fail why = {.text = ""};
    struct journal_reader *reader = journal_reader_open(path, &why);
    if (!reader) {
        log_error("%s: %s", path, why.text);
        return STATUS_INPUT;
    }
    struct showing s = {.options = o, .json = json_reader_new()};
    if (o->output->head)
        o->output->head(&s.out, false, &o->style);
    bool read = read_findings(reader, q, &s, &why);
    if (!read)
        log_error("%s: %s", path, why.text);
    put_out(&s);
    retold_clear(&s.retold);
    json_reader_free(s.json);
    buffer_free(&s.out);
    journal_reader_close(reader);
    return s.failed ? STATUS_OUTPUT : read ? STATUS_DONE : STATUS_INPUT;
}

/* ---- one finding, explained */

enum { ID_LEN = FINDING_ID_MAX - 1 };

struct explaining {
    struct json_reader *json;
    struct explain *explain;
    const char *begin;          /* what is known of the id, in lower case */
    char id[FINDING_ID_MAX];    /* the one that begins so; empty: none yet */
    char other[FINDING_ID_MAX]; /* another that does */
    bool found;
    struct fail why;
};

static bool take_id(void *to, struct bytes path, const struct json_value *v)
{
    struct bytes *id = to;
    if (!bytes_equal(path, bytes_text("id")))
        return true;
    *id = v->kind == JSON_STRING ? v->text : *id;
    return false;
}

/* Notes the finding if its id begins as is asked. */
static bool look_at(void *to, struct bytes json)
{
    struct explaining *x = to;
    struct fail ignored = {.text = ""};
    struct bytes id = bytes_of(NULL, 0);
    if (!json_read(x->json, json, take_id, &id, &ignored) || id.len != ID_LEN || !bytes_start_with(id, x->begin))
        return true;
    if (!x->id[0])
        memcpy(x->id, id.at, ID_LEN);
    if (!bytes_equal(bytes_text(x->id), id))
        memcpy(x->other, id.at, ID_LEN);
    return !x->other[0];
}

static bool take_telling(void *to, const struct journal_telling *t)
{
    struct explaining *x = to;
    if (t->topic)
        return explain_add_publication(x->explain, t->time_ns, t->topic, t->seq, t->json, &x->why);
    x->found = true;
    return explain_add_finding(x->explain, t->time_ns, t->json, &x->why);
}

struct gathering {
    struct journal_reader *reader;
    struct explaining *x;
};

static bool take_evidence(void *to, struct bytes json)
{
    struct explaining *x = to;
    return explain_add_evidence(x->explain, json, &x->why);
}

/* What the correlation rests on, as it was told last; what the journal has let go of stays an id. */
static void gather(void *to, const char *id)
{
    struct gathering *g = to;
    struct journal_query q = {.id = id, .limit = 1};
    if (!g->x->why.text[0])
        journal_read(g->reader, &q, take_evidence, g->x, &g->x->why);
}

static int tell_explained(const struct options *o, const struct explaining *x)
{
    struct buffer out = {.at = NULL};
    if (strcmp(o->output->name, "text") == 0)
        explain_text(x->explain, o->style.colour, &out);
    else
        explain_json(x->explain, &out);
    int status = options_print(buffer_bytes(&out), STATUS_DONE);
    buffer_free(&out);
    return status;
}

/* A whole id is looked up; to find one by its beginning, all findings are read. */
static bool read_all(struct journal_reader *reader, struct explaining *x)
{
    struct journal_query any = {.id = NULL};
    if (strlen(x->begin) == ID_LEN)
        memcpy(x->id, x->begin, ID_LEN);
    else if (!journal_read(reader, &any, look_at, x, &x->why))
        return false;
    if (x->other[0])
        return fail_set(&x->why, "more than one finding has an id that begins with %s: %s, %s", x->begin, x->id,
                        x->other);
    if (x->id[0] && !journal_tellings(reader, x->id, take_telling, x, &x->why))
        return false;
    if (!x->found)
        return x->why.text[0] ? false : fail_set(&x->why, "no finding has an id that begins with %s", x->begin);
    struct gathering g = {.reader = reader, .x = x};
    explain_evidence(x->explain, gather, &g);
    return !x->why.text[0];
}

static int explain(const struct options *o, const char *path, const char *begin)
{
    struct fail why = {.text = ""};
    struct journal_reader *reader = journal_reader_open(path, &why);
    if (!reader) {
        log_error("%s: %s", path, why.text);
        return STATUS_INPUT;
    }
    struct explaining x = {.json = json_reader_new(), .explain = explain_new(), .begin = begin};
    int status = STATUS_INPUT;
    if (read_all(reader, &x))
        status = tell_explained(o, &x);
    else
        log_error("%s: %s", path, x.why.text);
    explain_free(x.explain);
    json_reader_free(x.json);
    journal_reader_close(reader);
    return status;
}

/* In lower case; false where it cannot be one. */
static bool read_id(const char *text, char id[FINDING_ID_MAX])
{
    size_t len = strlen(text);
    if (!len || len > ID_LEN || strspn(text, "0123456789abcdefABCDEF-") != len)
        return false;
    for (size_t i = 0; i <= len; i++)
        id[i] = (char)bytes_lower((uint8_t)text[i]);
    return true;
}

/* ---- conditions */

/* As the journal spells places: a country's two letters, ZZ where it is unknown, or a sub-region. False where there is
 * no such place. */
static bool read_place(const struct options *o, const char *text, char place[REGION_NAME_OCTETS_MAX])
{
    struct config c = o->config;
    struct atlas atlas;
    char slug[REGION_NAME_OCTETS_MAX];
    bool failed = false;
    size_t len = strlen(text);
    if (country_read(bytes_text(text), place))
        return true;
    if (len >= REGION_NAME_OCTETS_MAX)
        return false;
    for (size_t i = 0; i <= len; i++)
        slug[i] = (char)bytes_lower((uint8_t)text[i]);
    memcpy(place, strcmp(slug, "zz") == 0 ? "ZZ" : slug, len + 1);
    if (strcmp(slug, "zz") == 0 || strcmp(slug, REGION_AMERICAS) == 0)
        return true;
    c.countries_count = 0; /* only the regions are asked */
    if (!atlas_open(&atlas, &c, &failed))
        return false;
    bool known = region_subregion_named(atlas.regions, bytes_text(slug)) != REGION_NONE;
    atlas_close(&atlas);
    return known;
}

static int run(const struct options *o)
{
    struct journal_query q = {.indicator = o->text[TEXT_INDICATOR]};
    char place[REGION_NAME_OCTETS_MAX];
    category_id category;
    const char *path = o->text[TEXT_JOURNAL] ? o->text[TEXT_JOURNAL] : o->config.journal.path;
    char id[FINDING_ID_MAX];
    const char *limit = o->text[TEXT_LIMIT];
    if (!read_time(o, TEXT_SINCE, "since", &q.since_ns) || !read_time(o, TEXT_UNTIL, "until", &q.until_ns))
        return STATUS_USAGE;
    if (limit && !text_number(bytes_text(limit), UINT32_MAX, &q.limit))
        return options_wrong("--limit: expected a number, found \"%s\"", limit);
    if (o->text[TEXT_COUNTRY] && !read_place(o, o->text[TEXT_COUNTRY], place))
        return options_wrong(
            "--country: expected two letters (ISO 3166) as CL, ZZ where it is unknown, or a sub-region "
            "as southern-cone, found \"%s\"",
            o->text[TEXT_COUNTRY]);
    q.country = o->text[TEXT_COUNTRY] ? place : NULL;
    if (o->text[TEXT_TYPE] && !category_read(bytes_text(o->text[TEXT_TYPE]), &category))
        return options_wrong("--type: expected a type of the RSIT taxonomy as c2-server, found \"%s\"",
                             o->text[TEXT_TYPE]);
    q.type = o->text[TEXT_TYPE] ? category_type(category) : NULL;
    if (q.indicator && !*q.indicator)
        return options_wrong("--indicator: expected a value, found \"\"");
    if (o->argument_count)
        return options_wrong("hits: expected options only, found \"%s\"", o->arguments[0]);
    if (!o->text[TEXT_EXPLAIN])
        return ask(o, path, &q);
    if (!read_id(o->text[TEXT_EXPLAIN], id))
        return options_wrong("--explain: expected an id or its beginning, as 580c873b, found \"%s\"",
                             o->text[TEXT_EXPLAIN]);
    return explain(o, path, id);
}

const struct command command_hits = {
    .name = "hits",
    .usage = "[-c CONFIG | --journal FILE] [--since T] [--until T] [--country CC] [--indicator V] ...",
    .about = "Asks the journal of the daemon what was told.",
    .help =
        "All conditions must hold. V may be defanged, in any case; CC may also be a sub-region, as southern-cone.\n"
        "Findings come in the order in which they were told. --explain lays out one of them, named by its id or the\n"
        "beginning of it (which wide lines of text show): what was seen, who says that it is bad, how it went on, and\n"
        "what was told to whom. Other conditions do not matter then.\n",
    .accepts = OPTION_CONFIG | OPTION_QUERY | OPTION_FORMAT,
    .run = run,
};
