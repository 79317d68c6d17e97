/*
 * format: the TABLE of forms in which indicators are written.
 *
 * A format recognises its own first octets and reads a whole content, handing each record to a `feed_sink`, and each
 * record that is none, with line and reason. A bad record never costs the good one beside it.
 *
 * To add a format: one file with a `const struct format`, and one line in format.c.
 */
#ifndef VIGIA_FEED_FORMAT_H
#define VIGIA_FEED_FORMAT_H

#include "model/indicator.h"

enum { FEED_LINE_MAX = 1 << 20 }; /* octets of one record; a longer one is refused */

/* What holds for every record of this feed that says nothing else. */
struct feed {
    const char *name;
    enum tlp tlp;
    int8_t confidence; /* or INDICATOR_CONFIDENCE_UNKNOWN */
    category_id category;
};

/* To whom a format hands on. Everything is borrowed for the length of the call. Lines count from 1. */
struct feed_sink {
    void *to;
    void (*indicator)(void *to, unsigned line, const struct indicator_key *key, const struct indicator_source *source);
    void (*warning)(void *to, unsigned line, const char *text); /* taken, but changed or partly understood */
    void (*refused)(void *to, unsigned line, const char *text); /* not taken */
};

struct format {
    const char *name; /* as `--as` names it */
    const char *about;
    bool (*probe)(struct bytes head); /* whether these first octets (up to 4096) are of this form */
    void (*read)(struct bytes content, const struct feed *feed, const struct feed_sink *sink);
};

/* Ends with NULL; in the order of the probes. */
extern const struct format *const formats[];

const struct format *format_named(const char *name);

/* The first whose probe says yes; NULL when none does (binary content). */
const struct format *format_of(struct bytes content);

extern const struct format format_csv;   /* the contract's CSV: csv.c */
extern const struct format format_plain; /* one value a line, types guessed: plain.c */

#endif
