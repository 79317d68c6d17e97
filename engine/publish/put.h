/*
 * put: members of the JSON objects that encode.h promises, a line each; and those kinds of finding that are no hit. For
 * publish/ alone.
 */
#ifndef VIGIA_PUBLISH_PUT_H
#define VIGIA_PUBLISH_PUT_H

#include "base/json.h"
#include "publish/encode.h"

static inline void put_string(struct json *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static inline void put_number(struct json *j, const char *key, uint64_t number)
{
    json_key(j, key);
    json_number(j, (int64_t)number);
}

static inline void put_null(struct json *j, const char *key)
{
    json_key(j, key);
    json_null(j);
}

static inline void put_time(struct json *j, const char *key, int64_t ns)
{
    json_key(j, key);
    json_time(j, ns);
}

/* Nothing is unknown. */
static inline void put_text(struct json *j, const char *key, struct bytes text)
{
    json_key(j, key);
    if (text.len)
        json_text(j, text);
    else
        json_null(j);
}

/* A time that is not said (`never`) is unknown. */
static inline void put_bound(struct json *j, const char *key, int64_t ns, int64_t never)
{
    if (ns == never)
        put_null(j, key);
    else
        put_time(j, key, ns);
}

static inline void put_confidence(struct json *j, int confidence)
{
    json_key(j, "confidence");
    if (confidence < 0)
        json_null(j);
    else
        json_number(j, confidence);
}

static inline void put_category(struct json *j, category_id c)
{
    json_key(j, "category");
    json_object(j);
    put_string(j, "class", category_class(c));
    put_string(j, "type", category_type(c));
    json_end(j);
}

/* What every finding begins with. */
static inline void put_head(struct json *j, const struct told *t, const char *kind, enum finding_status status,
                            const char *id, int64_t time_ns)
{
    put_number(j, "v", 1);
    put_string(j, "kind", kind);
    put_string(j, "status", finding_status_name(status));
    put_string(j, "id", id);
    put_time(j, "timestamp", time_ns);
    put_string(j, "publisher", t->publisher);
    put_number(j, "seq", t->seq);
}

/* The other kinds of finding: encode_correlation.c, encode_trend.c. */
struct rendition put_correlation_rendition(const struct told *t, enum tlp tier);
enum finding_status put_correlation_status(const struct correlation *c, enum tlp tier);
const char *put_correlation_place(const struct told *t, enum tlp tier);
void put_correlation(struct json *j, const struct told *t, const struct rendition *r, enum tlp tier);

struct rendition put_trend_rendition(const struct told *t, enum tlp tier);
void put_trend(struct json *j, const struct told *t, const struct rendition *r);

/* Of a confidence; one step lower where nothing was `met`. */
enum severity put_severity(int confidence, bool met);

#endif
