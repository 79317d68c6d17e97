/*
 * format: the TABLE of forms in which indicators and events are written.
 *
 * A format recognises its own first octets and reads a whole content, handing each record to a `feed_sink`, and each
 * record that is none, with line and reason. A bad record never costs the good one beside it.
 * A format of events reads one record at a time instead, since its feeds have no end.
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
    /* The content breaks off or is damaged here, and nothing behind it was read. NULL: told as refused. */
    void (*broken)(void *to, unsigned line, const char *text);
    /* Not taken because its feed says so or because it is no indicator of ours, which is no error: told once for each
     * kind, at the end. May be NULL. */
    void (*left_out)(void *to, unsigned count, const char *what);
};

struct event_reader;

/* What became of a record. */
enum event_verdict {
    EVENT_TAKEN,
    EVENT_PASSED, /* something else, as there may be in such a feed */
    EVENT_REFUSED,
};

struct format {
    const char *name; /* as `--as` names it */
    const char *about;
    bool (*probe)(struct bytes head); /* whether these first octets (up to 4096) are of this form */
    /* Indicators; NULL of a format of events. */
    void (*read)(struct bytes content, const struct feed *feed, const struct feed_sink *sink);
    /* One record into the reader's event, which holds what the feed says; called by `event_read`. NULL of a format of
     * indicators. */
    enum event_verdict (*read_event)(struct event_reader *r, struct bytes frame, struct fail *why);
};

/* What a source says before its record has said anything. */
static inline struct indicator_source feed_source(const struct feed *feed)
{
    return (struct indicator_source){
        .feed = bytes_text(feed->name),
        .valid_from_ns = INDICATOR_ALWAYS,
        .valid_until_ns = INDICATOR_EVER,
        .confidence = feed->confidence,
        .tlp = feed->tlp,
        .category = feed->category,
    };
}

/* Ends with NULL; in the order of the probes. */
extern const struct format *const formats[];

const struct format *format_named(const char *name);

/* The first whose probe says yes; NULL when none does (binary content, JSON of another kind). */
const struct format *format_of(struct bytes content);

extern const struct format format_csv;     /* the contract's CSV: csv.c */
extern const struct format format_eve;     /* Suricata's alerts: eve.c */
extern const struct format format_intelmq; /* IntelMQ's events: intelmq.c */
extern const struct format format_misp;    /* a MISP event or search result: misp.c */
extern const struct format format_stix;    /* a STIX 2.1 or 2.0 bundle: stix.c */
extern const struct format format_plain;   /* one value a line, types guessed: plain.c */

#endif
