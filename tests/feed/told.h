/*
 * told: what a format said of a content, as text, one line each:
 *     line type value; source…      line W text      line R text      line B text (broken)      L count text
 */
#ifndef VIGIA_TESTS_FEED_TOLD_H
#define VIGIA_TESTS_FEED_TOLD_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/text.h"
#include "feed/format.h"

static struct buffer told_text;
static unsigned told_indicators, told_refusals, told_left;

static inline void told_part(const char *name, struct bytes text)
{
    if (text.len)
        buffer_format(&told_text, "; %s=%.*s", name, (int)text.len, (const char *)text.at);
}

static inline void told_time(const char *name, int64_t ns, int64_t none)
{
    char text[TEXT_TIME_MAX];
    if (ns == none)
        return;
    text_time_write(ns, 0, text);
    told_part(name, bytes_text(text));
}

static inline void told_indicator(void *to, unsigned line, const struct indicator_key *key,
                                  const struct indicator_source *s)
{
    (void)to;
    char value[OBSERVABLE_VALUE_MAX];
    told_indicators++;
    size_t len = indicator_value_write(key, value);
    buffer_format(&told_text, "%u %s %s%.*s", line, observable_type_name(key->type), key->only ? "=" : "", (int)len,
                  value);
    if (s->tlp != TLP_AMBER)
        told_part("tlp", bytes_text(tlp_name(s->tlp)));
    if (s->confidence != INDICATOR_CONFIDENCE_UNKNOWN)
        buffer_format(&told_text, "; confidence=%d", s->confidence);
    if (s->category != CATEGORY_UNDETERMINED)
        told_part("category", bytes_text(category_type(s->category)));
    told_time("from", s->valid_from_ns, INDICATOR_ALWAYS);
    told_time("until", s->valid_until_ns, INDICATOR_EVER);
    cr_expect(bytes_equal(s->feed, bytes_text("own")));
    told_part("tags", s->tags);
    told_part("description", s->description);
    told_part("reference", s->reference);
    told_part("id", s->id);
    buffer_char(&told_text, '\n');
}

static inline void told_warning(void *to, unsigned line, const char *text)
{
    (void)to;
    buffer_format(&told_text, "%u W %s\n", line, text);
}

static inline void told_refused(void *to, unsigned line, const char *text)
{
    (void)to;
    told_refusals++;
    buffer_format(&told_text, "%u R %s\n", line, text);
}

static inline void told_broken(void *to, unsigned line, const char *text)
{
    (void)to;
    told_refusals++;
    buffer_format(&told_text, "%u B %s\n", line, text);
}

static inline void told_left_out(void *to, unsigned count, const char *what)
{
    (void)to;
    told_left += count;
    buffer_format(&told_text, "L %u %s\n", count, what);
}

/* Reads a copy of exactly its size, so that a sanitizer sees each octet too far. */
static inline const char *told(const struct format *format, enum tlp tlp, struct bytes content)
{
    static const struct feed_sink sink = {.indicator = told_indicator,
                                          .warning = told_warning,
                                          .refused = told_refused,
                                          .broken = told_broken,
                                          .left_out = told_left_out};
    struct feed feed = {
        .name = "own", .tlp = tlp, .confidence = INDICATOR_CONFIDENCE_UNKNOWN, .category = CATEGORY_UNDETERMINED};
    uint8_t *exact = malloc(content.len + !content.len);
    cr_assert(exact);
    if (content.len)
        memcpy(exact, content.at, content.len);
    buffer_clear(&told_text);
    told_indicators = told_refusals = told_left = 0;
    format->read(bytes_of(exact, content.len), &feed, &sink);
    free(exact);
    buffer_char(&told_text, 0);
    return told_text.at;
}

#endif
