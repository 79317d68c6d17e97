/*
 * vigia lookup: is this value an indicator, who says so, and would it be told.
 *
 * The value is read as indicators are (refanged, canonical), in every way in which it can be meant: as what it most
 * likely is, as what stands in that (a URL's host), and as the kinds that look alike (a hash, a fingerprint, a text).
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "run/atlas.h"
#include "run/generation.h"
#include "run/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { VALUE_MAX = 65536, READINGS_MAX = 12 };

/* One way in which a value can be meant. */
struct reading {
    struct observable o;
    uint8_t bits; /* of a block of addresses, which `o` begins; 128: it is a value */
    char room[OBSERVABLE_VALUE_MAX];
};

struct question {
    const struct database *db;
    struct asker *asker;
    struct atlas atlas;
    int64_t now_ns;
    bool text;
    struct buffer out;
    struct reading readings[READINGS_MAX];
    unsigned count;
    struct match found[DATABASE_MATCHES_MAX];
    unsigned found_count;
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

static void write_tags(struct json *j, struct bytes tags)
{
    json_array(j);
    while (tags.len) {
        size_t end = bytes_find(tags, ';');
        struct bytes tag = bytes_trim(bytes_until(tags, end));
        if (tag.len)
            json_text(j, tag);
        tags = bytes_from(tags, end + 1);
    }
    json_end(j);
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
    json_key(j, "tags");
    write_tags(j, s->tags);
    text_or_null(j, "description", s->description);
    text_or_null(j, "reference", s->reference);
    json_key(j, "told"), json_string(j, verdict(s, now_ns));
    json_end(j);
}

static void write_matches(struct question *q, struct json *j)
{
    char room[OBSERVABLE_VALUE_MAX];
    for (unsigned i = 0; i < q->found_count; i++) {
        const struct indicator *indicator = database_indicator(q->db, q->found[i].indicator);
        uint32_t sources;
        const struct indicator_source *s = database_sources(q->db, q->found[i].indicator, &sources);
        json_object(j);
        json_key(j, "type"), json_string(j, observable_type_name(indicator->key.type));
        json_key(j, "value"), json_text(j, bytes_of(room, indicator_value_write(&indicator->key, room)));
        json_key(j, "match"), json_string(j, indicator_match_name(q->found[i].how));
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

static void print_source(struct question *q, const struct indicator_source *s)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    buffer_format(&q->out, "    %s, tlp:%s", (const char *)printable(s->feed, quote).at, tlp_name(s->tlp));
    if (s->confidence != INDICATOR_CONFIDENCE_UNKNOWN)
        buffer_format(&q->out, ", confidence %d", s->confidence);
    buffer_format(&q->out, ", %s\n", category_type(s->category));
    if (s->description.len)
        buffer_format(&q->out, "      %s\n", (const char *)printable(s->description, quote).at);
    if (s->reference.len)
        buffer_format(&q->out, "      %s\n", (const char *)printable(s->reference, quote).at);
    buffer_format(&q->out, "      %s\n", verdict(s, q->now_ns));
}

static void print_matches(struct question *q)
{
    char room[OBSERVABLE_VALUE_MAX], quote[4 * FAIL_QUOTE_MAX + 4];
    for (unsigned i = 0; i < q->found_count; i++) {
        const struct indicator *indicator = database_indicator(q->db, q->found[i].indicator);
        uint32_t sources;
        const struct indicator_source *s = database_sources(q->db, q->found[i].indicator, &sources);
        struct bytes value = bytes_of(room, indicator_value_write(&indicator->key, room));
        buffer_format(&q->out, "  %s %s (%s)\n", observable_type_name(indicator->key.type),
                      (const char *)printable(value, quote).at, indicator_match_name(q->found[i].how));
        for (uint32_t n = 0; n < sources; n++)
            print_source(q, &s[n]);
    }
}

static void keep_match(void *to, const struct match *m)
{
    struct question *q = to;
    for (unsigned i = 0; i < q->found_count; i++)
        if (q->found[i].indicator == m->indicator)
            return;
    if (q->found_count < DATABASE_MATCHES_MAX)
        q->found[q->found_count++] = *m;
}

/* An indicator that meets the block's first address is met by the block where it holds all of it. */
static bool covers(const struct question *q, const struct match *m, uint8_t bits)
{
    const struct indicator_key *key = &database_indicator(q->db, m->indicator)->key;
    return key->block.bits <= bits;
}

/* What any reading of the value meets, and what its text would meet in a payload. */
static void gather(struct question *q, struct bytes text)
{
    struct match matches[DATABASE_MATCHES_MAX];
    unsigned more = 0;
    q->found_count = 0;
    for (unsigned i = 0; i < q->count; i++) {
        unsigned count = database_ask(q->db, q->asker, &q->readings[i].o, matches, &more);
        for (unsigned m = 0; m < count; m++)
            if (covers(q, &matches[m], q->readings[i].bits))
                keep_match(q, &matches[m]);
    }
    struct payload_stream *stream = payload_stream_open(q->db);
    if (!stream)
        return;
    payload_stream_scan(stream, q->asker, text, keep_match, q);
    payload_stream_close(stream, q->asker, keep_match, q);
}

static bool add_reading(struct question *q, enum observable_type type, struct bytes text, struct fail *why)
{
    struct reading *r = &q->readings[q->count];
    if (!observable_read(type, text, r->room, &r->o, why))
        return false;
    r->o.where = WHERE_ANY;
    r->bits = 128;
    q->count++;
    return true;
}

/* Also one of a single address, which is a value then. */
static bool add_block(struct question *q, enum observable_type type, struct bytes text)
{
    struct reading *r = &q->readings[q->count];
    struct fail ignored = {.text = ""};
    struct indicator_key key;
    if ((type != OBSERVABLE_IPV4_ADDR && type != OBSERVABLE_IPV6_ADDR) ||
        !indicator_key_read(type, text, r->room, &key, &ignored, &ignored))
        return false;
    r->o = (struct observable){.type = key.type, .where = WHERE_ANY, .address = key.block.address};
    r->bits = key.block.bits;
    q->count++;
    return true;
}

/* The host of a URL, the domain of a mail address and the address before a port are values too. */
static void add_inner(struct question *q)
{
    struct reading *r = &q->readings[q->count];
    const struct observable *o = &q->readings[0].o;
    r->o = (struct observable){.where = WHERE_ANY, .type = OBSERVABLE_DOMAIN_NAME};
    r->bits = 128;
    if (o->type == OBSERVABLE_URL)
        r->o.value = url_host(o->value);
    else if (o->type == OBSERVABLE_EMAIL_ADDR)
        r->o.value = bytes_from(o->value, bytes_find(o->value, '@') + 1);
    else if (o->type == OBSERVABLE_IP_PORT)
        r->o.address = o->address;
    else
        return;
    if (o->type == OBSERVABLE_IP_PORT || address_read(r->o.value, &r->o.address))
        r->o.type = observable_type_of(&r->o.address);
    q->count++;
}

/* Hashes of one length look alike, and anything may be a name of a file or of a program. */
static void add_alike(struct question *q, struct bytes text)
{
    static const struct {
        enum observable_type type, alike;
    } alikes[] = {
        {OBSERVABLE_MD5, OBSERVABLE_JA3},
        {OBSERVABLE_MD5, OBSERVABLE_JA3S},
        {OBSERVABLE_MD5, OBSERVABLE_HASSH},
        {OBSERVABLE_SHA1, OBSERVABLE_X509_SHA1},
        {OBSERVABLE_SHA256, OBSERVABLE_X509_SHA256},
    };
    struct fail ignored = {.text = ""};
    for (size_t i = 0; i < sizeof alikes / sizeof *alikes; i++)
        if (q->readings[0].o.type == alikes[i].type)
            add_reading(q, alikes[i].alike, text, &ignored);
    add_reading(q, OBSERVABLE_USER_AGENT, text, &ignored);
    add_reading(q, OBSERVABLE_FILE_NAME, text, &ignored);
}

/* Of the address that was asked for, or stands in what was. */
static bool find_country(const struct question *q, char country[3])
{
    for (unsigned i = 0; i < q->count; i++)
        if (observable_is_address(q->readings[i].o.type) && q->readings[i].bits == 128)
            return places_country(q->atlas.places, &q->readings[i].o.address, country);
    return false;
}

static void answer(struct question *q, const char *asked)
{
    char country[3];
    bool placed = find_country(q, country);
    const char *type = observable_type_name(q->readings[0].o.type);
    if (q->text) {
        char quote[4 * FAIL_QUOTE_MAX + 4];
        buffer_format(&q->out, "%s (%s%s%s)\n", fail_quote(bytes_text(asked), quote), type, placed ? ", " : "",
                      placed ? country : "");
        print_matches(q);
        if (!q->found_count)
            buffer_text(&q->out, "  no indicator\n");
        return;
    }
    struct json j = json_to(&q->out);
    json_object(&j);
    json_key(&j, "value"), json_string(&j, asked);
    json_key(&j, "type"), json_string(&j, type);
    if (placed)
        json_key(&j, "country"), json_string(&j, country);
    json_key(&j, "indicators"), json_array(&j);
    write_matches(q, &j);
    json_end(&j);
    json_end(&j);
    buffer_char(&q->out, '\n');
}

static bool ask(struct question *q, const char *asked)
{
    struct fail why = {.text = ""};
    struct bytes text = bytes_trim(bytes_until(bytes_text(asked), VALUE_MAX));
    char *plain = malloc(text.len + 1);
    if (!plain)
        abort();
    struct bytes refanged = bytes_of(plain, observable_refang(text, plain));
    enum observable_type guess = observable_guess(refanged);
    free(plain);
    q->count = 0;
    if (!add_block(q, guess, text) && add_reading(q, guess, text, &why))
        add_inner(q);
    add_alike(q, text);
    if (!q->count) {
        log_error("%s", why.text);
        return false;
    }
    gather(q, text);
    answer(q, asked);
    return true;
}

static int look_up(const struct options *o)
{
    bool failed = false;
    static struct question q; /* too large for the stack */
    q = (struct question){.now_ns = clock_wall_ns(), .text = strcmp(o->output->name, "text") == 0};
    q.db = generation_build(&o->config, o->as, 1, false, NULL, &failed);
    if (!q.db || !atlas_open(&q.atlas, &o->config, &failed)) {
        if (q.db)
            database_drop(q.db);
        return STATUS_USAGE;
    }
    q.asker = asker_new();
    if (!asker_fit(q.asker, q.db))
        abort();
    for (int i = 0; i < o->argument_count; i++)
        failed |= !ask(&q, o->arguments[i]);
    int status = options_print(buffer_bytes(&q.out), failed ? STATUS_INPUT : STATUS_DONE);
    buffer_free(&q.out);
    asker_free(q.asker);
    atlas_close(&q.atlas);
    database_drop(q.db);
    return status;
}

static int run(const struct options *o)
{
    if (o->argument_count == 0)
        return options_wrong("lookup: expected at least one value");
    if (strcmp(o->output->name, "csv") == 0)
        return options_wrong("lookup: expected --format json or text, found csv");
    if (!o->config.indicators)
        return options_wrong("lookup: expected indicators: -i FILE, or a configuration that names some");
    return look_up(o);
}

const struct command command_lookup = {
    .name = "lookup",
    .usage = "-i INDICATORS... [-c CONFIG] VALUE...",
    .about = "Says whether a value (defanged or not) is an indicator, who says so, and whether it would be told.",
    .help = "A URL is asked for itself and for its host, an e-mail address also for its domain, ip:port also for its "
            "address, a block of addresses for itself and for the blocks that hold it.\n",
    .accepts = OPTION_INDICATORS | OPTION_CONFIG | OPTION_FORMAT | OPTION_AS,
    .run = run,
};
