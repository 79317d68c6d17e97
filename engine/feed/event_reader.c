/*
 * Values are written behind each other into one room, each in front of enough octets for the longest there is.
 */
#include "feed/event_reader.h"

#include "base/text.h"
#include "model/country.h"

#include <stdlib.h>

enum { ROOM_OCTETS = (EVENT_OBSERVABLES_MAX + 1) * OBSERVABLE_VALUE_MAX };

struct event_reader *event_reader_new(void)
{
    struct event_reader *r = calloc(1, sizeof *r);
    if (!r || !(r->room = malloc(ROOM_OCTETS)))
        abort();
    r->json = json_reader_new();
    return r;
}

void event_reader_free(struct event_reader *r)
{
    if (!r)
        return;
    json_reader_free(r->json);
    free(r->room);
    free(r);
}

static void begin(struct event_reader *r, const struct feed *feed, struct tally *tally)
{
    struct event *e = &r->event;
    r->tally = tally;
    r->timed = r->marked = false;
    r->room_used = 0;
    e->time_ns = 0;
    e->country[0] = e->remote_country[0] = 0;
    e->category = feed->category;
    e->tlp = feed->tlp;
    e->confidence = feed->confidence;
    e->weight = 1;
    e->reporter = bytes_text(feed->name);
    e->reference = bytes_of(NULL, 0);
    e->observable_count = 0;
}

enum event_verdict event_refuse(struct event_reader *r, enum tally_reason reason)
{
    r->refused = reason;
    return EVENT_REFUSED;
}

/* What holds for all forms. */
static enum event_verdict judge(struct event_reader *r, int64_t latest_ns, struct fail *why)
{
    if (!r->timed) {
        fail_set(why, "expected a time as in RFC 3339, found none");
        return event_refuse(r, TALLY_NO_TIME);
    }
    if (r->event.time_ns < EVENT_EARLIEST_NS || r->event.time_ns > latest_ns) {
        char text[TEXT_TIME_MAX];
        text_time_write(r->event.time_ns, 0, text);
        fail_set(why, "expected a time from 1990 to the present, found %s", text);
        return event_refuse(r, TALLY_OUT_OF_TIME);
    }
    return EVENT_TAKEN;
}

enum event_verdict event_read(struct event_reader *r, const struct format *format, const struct feed *feed,
                              struct tally *tally, struct bytes frame, int64_t latest_ns, struct fail *why)
{
    enum event_verdict v;
    begin(r, feed, tally);
    if (frame.len > FEED_LINE_MAX) {
        fail_set(why, "more than %d octets", FEED_LINE_MAX);
        v = event_refuse(r, TALLY_TOO_LONG);
    } else {
        v = format->read_event(r, frame, why);
    }
    if (v == EVENT_TAKEN)
        v = judge(r, latest_ns, why);
    switch (v) {
    case EVENT_TAKEN:
        counter_add(&tally->events, 1);
        progress_tell(&tally->last_ns, r->event.time_ns);
        break;
    case EVENT_PASSED: counter_add(&tally->passed, 1); break;
    case EVENT_REFUSED: counter_add(&tally->refused[r->refused], 1); break;
    }
    return v;
}

static bool same(const struct observable *a, const struct observable *b)
{
    if (a->type != b->type || a->where != b->where)
        return false;
    return observable_is_address(a->type) ? address_equal(&a->address, &b->address) && a->port == b->port
                                          : bytes_equal(a->value, b->value);
}

/* False: it is there already, or there is no room. Then its value in the room will be written over. */
static bool take(struct event_reader *r, const struct observable *o)
{
    struct event *e = &r->event;
    for (uint32_t i = 0; i < e->observable_count; i++)
        if (same(&e->observables[i], o))
            return false;
    if (e->observable_count == EVENT_OBSERVABLES_MAX) {
        counter_add(&r->tally->beyond, 1);
        return false;
    }
    e->observables[e->observable_count++] = *o;
    if (!observable_is_address(o->type))
        r->room_used += o->value.len;
    return true;
}

/* What nobody has defanged, as most values of events: it need not be refanged. */
static bool is_plain(struct bytes text)
{
    static const bool defanging[256] = {
        ['['] = true, [']'] = true, ['('] = true, [')'] = true,  ['{'] = true,  ['}'] = true,
        ['<'] = true, ['>'] = true, ['"'] = true, ['\''] = true, ['\\'] = true, [' '] = true};
    for (size_t i = 0; i < text.len; i++)
        if (defanging[text.at[i]])
            return false;
    return true;
}

static bool read_value(enum observable_type type, struct bytes text, char *room, struct observable *o)
{
    struct fail ignored;
    size_t len;
    bool plain = is_plain(text);
    if (plain && type == OBSERVABLE_DOMAIN_NAME)
        len = name_canonical(text, room);
    else if (plain && type == OBSERVABLE_URL &&
             (bytes_start_with(text, "http://") || bytes_start_with(text, "https://")))
        len = url_canonical(text, room);
    else {
        ignored.text[0] = 0;
        return observable_read(type, text, room, o, &ignored);
    }
    o->value = bytes_of(room, len);
    return len > 0;
}

/* Into the room, where the next value's would be. */
static bool canonical(struct event_reader *r, enum observable_type type, enum where where, struct bytes text,
                      struct observable *o)
{
    *o = (struct observable){.type = type};
    if (text.len > OBSERVABLE_VALUE_MAX || !read_value(type, text, r->room + r->room_used, o)) {
        counter_add(&r->tally->values, 1);
        return false;
    }
    o->where = where;
    o->raw = text;
    return true;
}

void event_add(struct event_reader *r, enum observable_type type, enum where where, struct bytes text)
{
    struct observable o;
    text = bytes_trim(text);
    if (text.len && canonical(r, type, where, text, &o))
        take(r, &o);
}

void event_add_address(struct event_reader *r, enum where where, struct bytes text)
{
    struct address a;
    text = bytes_trim(text);
    if (text.len && address_read(text, &a)) {
        a = address_canonical(&a);
        take(r, &(struct observable){.type = observable_type_of(&a), .where = where, .address = a, .raw = text});
    } else if (text.len)
        counter_add(&r->tally->values, 1);
}

void event_add_host(struct event_reader *r, enum where where, struct bytes text)
{
    struct address a;
    text = bytes_trim(text);
    if (text.len && address_read(text, &a))
        event_add_address(r, where, text);
    else
        event_add(r, OBSERVABLE_DOMAIN_NAME, where, text);
}

void event_add_url(struct event_reader *r, enum where where, struct bytes text)
{
    struct observable o;
    text = bytes_trim(text);
    if (!text.len || !canonical(r, OBSERVABLE_URL, where, text, &o))
        return;
    struct bytes host = url_host(o.value);
    if (take(r, &o) && host.len)
        event_add_host(r, where, host);
}

void event_add_email(struct event_reader *r, enum where where, struct bytes text)
{
    struct observable o;
    text = bytes_trim(text);
    if (!text.len || !canonical(r, OBSERVABLE_EMAIL_ADDR, where, text, &o))
        return;
    struct bytes domain = bytes_from(o.value, bytes_find(o.value, '@') + 1);
    if (take(r, &o))
        event_add(r, OBSERVABLE_DOMAIN_NAME, where, domain);
}

void event_add_hash(struct event_reader *r, enum where where, struct bytes text)
{
    text = bytes_trim(text);
    switch (text.len) {
    case 32: event_add(r, OBSERVABLE_MD5, where, text); break;
    case 40: event_add(r, OBSERVABLE_SHA1, where, text); break;
    case 64: event_add(r, OBSERVABLE_SHA256, where, text); break;
    case 128: event_add(r, OBSERVABLE_SHA512, where, text); break;
    case 0: break;
    default: counter_add(&r->tally->values, 1);
    }
}

void event_add_ip_port(struct event_reader *r, enum where where, struct bytes address, struct bytes port)
{
    struct observable o = {.type = OBSERVABLE_IP_PORT, .where = where, .raw = address};
    struct address a;
    uint64_t number;
    address = bytes_trim(address);
    if (!address.len || !address_read(address, &a) || !text_number(bytes_trim(port), UINT16_MAX, &number) || !number)
        return;
    o.address = address_canonical(&a);
    o.port = (uint16_t)number;
    take(r, &o);
}

void event_set_time(struct event_reader *r, struct bytes text)
{
    bool date_only;
    text = bytes_trim(text);
    r->timed = text.len && text_time(text, &r->event.time_ns, &date_only);
}

void event_set_country(struct event_reader *r, char country[3], struct bytes text)
{
    text = bytes_trim(text);
    if (text.len && !country_read(text, country) && !bytes_alike(text, "zz")) /* ZZ says that it is not known */
        tally_word(&r->tally->countries, text);
}

void event_set_category(struct event_reader *r, struct bytes word)
{
    if (!category_read(word, &r->event.category))
        tally_word(&r->tally->classes, bytes_trim(word));
}

void event_set_tlp(struct event_reader *r, struct bytes word)
{
    enum tlp tlp = TLP_RED;
    if (!tlp_read(bytes_trim(word), &tlp))
        tally_word(&r->tally->labels, bytes_trim(word));
    r->event.tlp = r->marked ? tlp_stricter(r->event.tlp, tlp) : tlp;
    r->marked = true;
}

struct bytes event_text(struct bytes text)
{
    size_t len = 0;
    text = bytes_trim(text);
    for (size_t step; len < text.len && (step = text_utf8_step(bytes_from(text, len))); len += step)
        if (len + step > EVENT_TEXT_MAX)
            break;
    return bytes_until(text, len);
}

const void *event_key(struct bytes name, const void *records, size_t count, size_t octets)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *const *record = (const void *)((const char *)records + middle * octets);
        size_t len = strlen(*record);
        int order = name.len ? memcmp(name.at, *record, name.len < len ? name.len : len) : -1;
        if (order == 0 && name.len == len)
            return record;
        if (order < 0 || (order == 0 && name.len < len))
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* `"key"` and a colon; within a string its quotes would have backslashes. */
static bool has_key(struct bytes line, const char *key)
{
    size_t len = strlen(key);
    for (size_t at; (at = bytes_find(line, '"')) < line.len; line = bytes_from(line, at + 1)) {
        struct bytes rest = bytes_from(line, at + 1);
        if (rest.len <= len || memcmp(rest.at, key, len) != 0 || rest.at[len] != '"')
            continue;
        rest = bytes_trim(bytes_from(rest, len + 1));
        if (rest.len && rest.at[0] == ':')
            return true;
    }
    return false;
}

bool event_head_has(struct bytes head, const char *const *keys)
{
    struct bytes line, rest = bytes_trim(head);
    bool array = rest.len && rest.at[0] == '[' && bytes_start_with(bytes_trim(bytes_from(rest, 1)), "{");
    while (array || text_line(&rest, &line)) {
        bool all = array || bytes_start_with(bytes_trim(line), "{");
        for (const char *const *key = keys; *key && all; key++)
            all = has_key(array ? rest : line, *key);
        if (all || array)
            return all;
    }
    return false;
}
