/*
 * vigia hits: asks the journal, also while the daemon writes it.
 */
#include "base/log.h"
#include "base/text.h"
#include "journal/journal.h"
#include "publish/retold.h"
#include "run/options.h"

#include <stdio.h>
#include <stdlib.h>

struct showing {
    const struct options *options;
    struct json_reader *json;
    struct retold retold;
    struct buffer out;
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
    if (strcmp(output->name, "json") == 0) {
        buffer_add(&s->out, json.at, json.len);
        buffer_char(&s->out, '\n');
    } else if (retold_read(s->json, json, &s->retold, &why) && s->retold.hit) {
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

static int ask(const struct options *o, const char *path, const struct journal_query *q)
{
    struct fail why = {.text = ""};
    struct journal_reader *reader = journal_reader_open(path, &why);
    if (!reader) {
        log_error("%s", why.text);
        return STATUS_INPUT;
    }
    struct showing s = {.options = o, .json = json_reader_new()};
    if (o->output->head)
        o->output->head(&s.out, false, &o->style);
    bool read = journal_read(reader, q, show, &s, &why);
    if (!read)
        log_error("%s", why.text);
    put_out(&s);
    retold_clear(&s.retold);
    json_reader_free(s.json);
    buffer_free(&s.out);
    journal_reader_close(reader);
    return s.failed ? STATUS_OUTPUT : read ? STATUS_DONE : STATUS_INPUT;
}

static int run(const struct options *o)
{
    struct journal_query q = {.country = o->text[TEXT_COUNTRY],
                              .type = o->text[TEXT_TYPE],
                              .indicator = o->text[TEXT_INDICATOR],
                              .id = o->text[TEXT_EXPLAIN]};
    const char *limit = o->text[TEXT_LIMIT];
    if (!read_time(o, TEXT_SINCE, "since", &q.since_ns) || !read_time(o, TEXT_UNTIL, "until", &q.until_ns))
        return STATUS_USAGE;
    if (limit && !text_number(bytes_text(limit), UINT32_MAX, &q.limit))
        return options_wrong("--limit: expected a number, found \"%s\"", limit);
    if (o->argument_count)
        return options_wrong("hits: expected options only, found \"%s\"", o->arguments[0]);
    return ask(o, o->text[TEXT_JOURNAL] ? o->text[TEXT_JOURNAL] : o->config.journal.path, &q);
}

const struct command command_hits = {
    .name = "hits",
    .usage = "[-c CONFIG | --journal FILE] [--since T] [--until T] [--country CC] [--indicator V] ...",
    .about = "Asks the journal of the daemon what was told.",
    .help = "All conditions must hold. Findings come in the order in which they were told.\n",
    .accepts = OPTION_CONFIG | OPTION_QUERY | OPTION_FORMAT,
    .run = run,
};
