/*
 * output: the TABLE of forms in which findings go out to a file or terminal.
 *
 * To add one: one file with a `const struct output`, and one line in output.c.
 */
#ifndef VIGIA_PUBLISH_OUTPUT_H
#define VIGIA_PUBLISH_OUTPUT_H

#include "publish/encode.h"

/* How it shall look; only text cares. */
struct output_style {
    bool colour;
    unsigned columns; /* width of the terminal; 0 unknown: nothing is cut */
    int64_t *day;     /* the day of the last line, kept here so that each day is headed once (start with INT64_MIN);
                         NULL: every line bears its date */
};

struct output {
    const char *name; /* as `--format` names it */
    const char *about;
    void (*head)(struct buffer *out, bool observed,
                 const struct output_style *style); /* before the first; may be NULL */
    void (*write)(struct buffer *out, const struct told *t, const struct output_style *style); /* one, with line end */
};

extern const struct output *const outputs[]; /* ends with NULL */

const struct output *output_named(const char *name);

extern const struct output output_json; /* ndjson.c */
extern const struct output output_text; /* text.c */
extern const struct output output_csv;  /* csv.c */

#endif
