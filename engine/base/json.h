/*
 * json: writes JSON (RFC 8259) to a buffer, one value after another; commas are put where they belong.
 *
 *     struct json j = json_to(&line);
 *     json_object(&j); json_key(&j, "v"); json_number(&j, 1); json_end(&j);
 *
 * Text is written as it is where it is well-formed UTF-8; each octet that is not becomes U+FFFD. Control characters
 * (C0, DEL and C1) are escaped. Owner: one thread.
 */
#ifndef VIGIA_BASE_JSON_H
#define VIGIA_BASE_JSON_H

#include "base/buffer.h"

enum { JSON_DEPTH_MAX = 32 };

struct json {
    struct buffer *to;
    int depth;
    bool filled[JSON_DEPTH_MAX]; /* whether the level has a value already */
    bool keyed;                  /* a key was written, its value is next */
    char close[JSON_DEPTH_MAX];
};

static inline struct json json_to(struct buffer *to)
{
    return (struct json){.to = to};
}

void json_object(struct json *j);
void json_array(struct json *j);
void json_end(struct json *j); /* of the innermost object or array */
void json_key(struct json *j, const char *key);
void json_text(struct json *j, struct bytes text);
void json_string(struct json *j, const char *text); /* NULL writes null */
void json_number(struct json *j, int64_t number);
void json_real(struct json *j, double number); /* the shortest text that reads back the same; NAN and infinity: null */
void json_bool(struct json *j, bool value);
void json_null(struct json *j);
void json_time(struct json *j, int64_t ns); /* RFC 3339, microseconds, UTC */

#endif
