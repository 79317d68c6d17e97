/*
 * vigia lookup: is this value an indicator, who says so, and would it be told.
 *
 * The value is read as indicators are (refanged, canonical); a URL is asked for itself and for its host.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "run/generation.h"
#include "run/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { VALUE_MAX = 65536 };

struct question {
    const struct database *db;
    struct asker *asker;
    int64_t now_ns;
    bool text;
    struct buffer out;
};

static const char *verdict(const struct indicator_source *s, int64_t now_ns)
{
    switch (indicator_validity_at(s, now_ns)) {
    case VALIDITY_BEFORE: return "not valid yet: replay tells it as \"before\", strict validity leaves it out";
    case VALIDITY_AFTER: return "no longer valid: replay tells it as \"after\", strict validity leaves it out";
    default: return "valid now: told";
    }
}

static void text_or_null(struct json *j, const char *key, struct bytes text)
{
    json_key(j, key);
    if (text.len)
        json_text(j, text);
    else
        json_null(j);
}

static void time_or_null(struct json *j, const char *key, int64_t ns, int64_t none)
{
    json_key(j, key);
    if (ns == none)
        json_null(j);
    else
        json_time(j, ns);
}

static void write_source(struct json *j, const struct indicator_source *s, int64_t now_ns)
{
    json_object(j);
    text_or_null(j, "feed", s->feed);
    text_or_null(j, "id", s->id);
    json_key(j, "confidence");
    if (s->confidence == INDICATOR_CONFIDENCE_UNKNOWN)
        json_null(j);
    else
        json_number(j, s->confidence);
    json_key(j, "tlp"), json_string(j, tlp_name(s->tlp));
    json_key(j, "category"), json_string(j, category_type(s->category));
    time_or_null(j, "valid_from", s->valid_from_ns, INDICATOR_ALWAYS);
    time_or_null(j, "valid_until", s->valid_until_ns, INDICATOR_EVER);
    text_or_null(j, "tags", s->tags);
    text_or_null(j, "description", s->description);
    text_or_null(j, "reference", s->reference);
    json_key(j, "told"), json_string(j, verdict(s, now_ns));
    json_end(j);
}

static void write_matches(struct question *q, struct json *j, const struct observable *o)
{
    struct match matches[DATABASE_MATCHES_MAX];
    char room[OBSERVABLE_VALUE_MAX];
    unsigned more = 0;
    unsigned count = database_ask(q->db, q->asker, o, matches, &more);
    for (unsigned i = 0; i < count; i++) {
        const struct indicator *indicator = database_indicator(q->db, matches[i].indicator);
        uint32_t sources;
        const struct indicator_source *s = database_sources(q->db, matches[i].indicator, &sources);
        json_object(j);
        json_key(j, "type"), json_string(j, observable_type_name(indicator->key.type));
        json_key(j, "value"), json_text(j, bytes_of(room, indicator_value_write(&indicator->key, room)));
        json_key(j, "match"), json_string(j, indicator_match_name(matches[i].how));
        json_key(j, "where");
        json_string(j, indicator->key.where == WHERE_ANY ? "any" : where_name(indicator->key.where));
        json_key(j, "sources"), json_array(j);
        for (uint32_t n = 0; n < sources; n++)
            write_source(j, &s[n], q->now_ns);
        json_end(j);
        json_end(j);
    }
}

static struct bytes printable(struct bytes text, char quote[4 * FAIL_QUOTE_MAX + 4])
{
    return bytes_text(fail_quote(text, quote));
}

static void print_matches(struct question *q, const struct observable *o)
{
    struct match matches[DATABASE_MATCHES_MAX];
    char room[OBSERVABLE_VALUE_MAX], quote[4 * FAIL_QUOTE_MAX + 4];
    unsigned more = 0;
    unsigned count = database_ask(q->db, q->asker, o, matches, &more);
    for (unsigned i = 0; i < count; i++) {
        const struct indicator *indicator = database_indicator(q->db, matches[i].indicator);
        uint32_t sources;
        const struct indicator_source *s = database_sources(q->db, matches[i].indicator, &sources);
        struct bytes value = bytes_of(room, indicator_value_write(&indicator->key, room));
        buffer_format(&q->out, "  %s %s (%s)\n", observable_type_name(indicator->key.type),
                      (const char *)printable(value, quote).at, indicator_match_name(matches[i].how));
        for (uint32_t n = 0; n < sources; n++) {
            buffer_format(&q->out, "    %s, tlp:%s", (const char *)printable(s[n].feed, quote).at, tlp_name(s[n].tlp));
            if (s[n].confidence != INDICATOR_CONFIDENCE_UNKNOWN)
                buffer_format(&q->out, ", confidence %d", s[n].confidence);
            buffer_format(&q->out, ", %s\n", category_type(s[n].category));
            if (s[n].description.len)
                buffer_format(&q->out, "      %s\n", (const char *)printable(s[n].description, quote).at);
            if (s[n].reference.len)
                buffer_format(&q->out, "      %s\n", (const char *)printable(s[n].reference, quote).at);
            buffer_format(&q->out, "      %s\n", verdict(&s[n], q->now_ns));
        }
    }
}

/* The host of a URL and the domain of an address are values too. */
static bool inner(const struct observable *o, struct observable *host)
{
    *host = (struct observable){.where = WHERE_ANY};
    if (o->type == OBSERVABLE_URL)
        host->value = url_host(o->value);
    else if (o->type == OBSERVABLE_EMAIL_ADDR)
        host->value = bytes_from(o->value, bytes_find(o->value, '@') + 1);
    if (address_read(host->value, &host->address))
        host->type = observable_type_of(&host->address);
    else
        host->type = OBSERVABLE_DOMAIN_NAME;
    return host->value.len > 0;
}

static void answer(struct question *q, const char *asked, const struct observable *o)
{
    struct observable host;
    bool has_host = inner(o, &host);
    if (q->text) {
        char quote[4 * FAIL_QUOTE_MAX + 4];
        buffer_format(&q->out, "%s (%s)\n", fail_quote(bytes_text(asked), quote), observable_type_name(o->type));
        size_t before = q->out.len;
        print_matches(q, o);
        if (has_host)
            print_matches(q, &host);
        if (q->out.len == before)
            buffer_text(&q->out, "  no indicator\n");
        return;
    }
    struct json j = json_to(&q->out);
    json_object(&j);
    json_key(&j, "value"), json_string(&j, asked);
    json_key(&j, "type"), json_string(&j, observable_type_name(o->type));
    json_key(&j, "indicators"), json_array(&j);
    write_matches(q, &j, o);
    if (has_host)
        write_matches(q, &j, &host);
    json_end(&j);
    json_end(&j);
    buffer_char(&q->out, '\n');
}

static bool ask(struct question *q, const char *asked)
{
    char room[OBSERVABLE_VALUE_MAX];
    struct observable o;
    struct fail why = {.text = ""};
    struct bytes text = bytes_trim(bytes_until(bytes_text(asked), VALUE_MAX));
    char *plain = malloc(text.len + 1);
    if (!plain)
        abort();
    struct bytes refanged = bytes_of(plain, observable_refang(text, plain));
    bool good = observable_read(observable_guess(refanged), text, room, &o, &why);
    free(plain);
    if (!good) {
        log_error("%s", why.text);
        return false;
    }
    o.where = WHERE_ANY;
    answer(q, asked, &o);
    return true;
}

static int look_up(const struct options *o)
{
    bool failed = false;
    struct question q = {.now_ns = clock_wall_ns(), .text = strcmp(o->output->name, "text") == 0};
    q.db = generation_build(&o->config, o->as, 1, &failed);
    if (!q.db)
        return STATUS_USAGE;
    q.asker = asker_new();
    if (!asker_fit(q.asker, q.db))
        abort();
    for (int i = 0; i < o->argument_count; i++)
        failed |= !ask(&q, o->arguments[i]);
    int status = options_print(buffer_bytes(&q.out), failed ? STATUS_INPUT : STATUS_DONE);
    buffer_free(&q.out);
    asker_free(q.asker);
    database_drop(q.db);
    return status;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct options o;
    int status;
    if (!options_read(&o, self, argc, argv, &status)) {
        options_clear(&o);
        return status;
    }
    status = STATUS_USAGE;
    if (o.argument_count == 0)
        log_error("lookup: expected at least one value");
    else if (!o.config.indicators)
        log_error("lookup: expected indicators: -i FILE, or a configuration that names some");
    else
        status = look_up(&o);
    options_clear(&o);
    return status;
}

const struct command command_lookup = {
    .name = "lookup",
    .usage = "-i INDICATORS... [-c CONFIG] VALUE...",
    .about = "Says whether a value (defanged or not) is an indicator, who says so, and whether it would be told.",
    .help = "A URL is asked for itself and for its host, an e-mail address also for its domain.\n",
    .accepts = OPTION_INDICATORS | OPTION_CONFIG | OPTION_FORMAT | OPTION_AS,
    .run = run,
};
