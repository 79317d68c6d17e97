/*
 * What a format makes of records, as text: one line an event, `time country/remote type tlp confidence weight reporter
 * reference | type value where, …`; `- ` and the reason of one that was refused; `~` of one that passed.
 */
#ifndef VIGIA_TESTS_FEED_HEAR_EVENTS_H
#define VIGIA_TESTS_FEED_HEAR_EVENTS_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/text.h"
#include "feed/event_reader.h"
#include "feed/frames.h"
#include "model/indicator.h"

static char heard[1 << 20];
static size_t heard_len;
static struct tally tally;
static struct event_reader *event_reader;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    heard_len += (size_t)vsnprintf(heard + heard_len, sizeof heard - heard_len, format, args);
    va_end(args);
    cr_assert(heard_len < sizeof heard);
}

static void say_event(const struct event *e)
{
    char value[OBSERVABLE_VALUE_MAX], time[TEXT_TIME_MAX];
    text_time_write(e->time_ns, 0, time);
    say("%s %s/%s %s %s %d %u %.*s %.*s |", time, e->country[0] ? e->country : "-",
        e->remote_country[0] ? e->remote_country : "-", category_type(e->category), tlp_name(e->tlp), e->confidence,
        e->weight, (int)e->reporter.len, (const char *)e->reporter.at, (int)e->reference.len,
        e->reference.len ? (const char *)e->reference.at : "");
    for (uint32_t i = 0; i < e->observable_count; i++) {
        const struct observable *o = &e->observables[i];
        say("%s %s %.*s %s", i ? "," : "", observable_type_name(o->type), (int)observable_write(o, value), value,
            where_name(o->where) + sizeof "event." - 1);
    }
    say("\n");
}

static const struct feed own_feed = {
    .name = "own", .tlp = TLP_AMBER, .confidence = INDICATOR_CONFIDENCE_UNKNOWN, .category = 0};

static enum event_verdict hear_one(const struct format *format, struct bytes frame)
{
    struct feed feed = own_feed;
    struct fail why = {.text = ""};
    feed.category = CATEGORY_UNDETERMINED;
    if (!event_reader)
        event_reader = event_reader_new();
    enum event_verdict v = event_read(event_reader, format, &feed, &tally, frame, EVENT_LATEST_NS, &why);
    if (v == EVENT_TAKEN)
        say_event(&event_reader->event);
    else if (v == EVENT_PASSED)
        say("~\n");
    else
        say("- %s\n", tally_reason_name(event_reader->refused));
    return v;
}

static void forget(void)
{
    memset(&tally, 0, sizeof tally);
    heard_len = 0;
    heard[0] = 0;
}

/* All records of a content. */
static const char *hear_all(const struct format *format, struct bytes content)
{
    struct frames frames = frames_of(content);
    struct bytes frame;
    forget();
    while (frames_next(&frames, &frame, true))
        hear_one(format, frame);
    return heard;
}

static inline const char *hear(const struct format *format, const char *content)
{
    return hear_all(format, bytes_text(content));
}

/* What the tally says. */
static inline const char *remarks(void)
{
    static struct buffer text;
    buffer_clear(&text);
    tally_write(&tally, &text);
    buffer_char(&text, 0);
    return text.at;
}

/* A whole file, or NULL. */
static inline struct bytes file_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    static char content[8 << 20];
    size_t len = file ? fread(content, 1, sizeof content, file) : 0;
    if (file)
        fclose(file);
    return bytes_of(content, len);
}

#endif
