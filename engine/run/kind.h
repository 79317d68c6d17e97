/*
 * kind: the forms in which settings are written: each reads one from text, and writes it so that it can be read again.
 *
 * Any thread.
 */
#ifndef VIGIA_RUN_KIND_H
#define VIGIA_RUN_KIND_H

#include "run/config.h"

struct kind;
struct list;

/* One line of a table of settings. */
struct setting {
    const char *key;
    const struct kind *kind; /* NULL of a list */
    const struct list *list;
    size_t at;          /* where the value lives in its record */
    size_t path_at;     /* of a path: where it goes once it is relative to the configuration file's folder; else 0 */
    uint64_t min, max;  /* of numbers */
    const char *preset; /* the default as it is written; NULL: none */
    const char *about;  /* lines of text */
    const char *sample; /* shown in the sample where there is no default */
    bool required;      /* in every entry of a list */
    bool unique;        /* a name that no two entries of a list share */
    bool either;        /* of those so marked, an entry of a list has exactly one */
    bool live;          /* a reload takes it; the others hold until the daemon starts anew */
    bool inherited;     /* what an entry leaves out is what the setting `sensor.KEY` says */
};

/* How a number is written: its units, from the smallest. */
struct unit {
    const char *suffix;
    uint64_t factor;
};

struct kind {
    const char *expected;
    size_t octets; /* of the value */
    /* False: this is none, and `at` is as it was. Without an arena a text is not copied: it must end in NUL and stay.
     */
    bool (*read)(const struct setting *s, struct bytes text, struct arena *a, void *at);
    void (*write)(const struct setting *s, const void *at, struct buffer *out);
    void (*explain)(struct bytes text, struct fail *why); /* more about what is wrong with a text; may be NULL */
    const struct unit *units;                             /* of numbers; ends with a factor of 0 */
    bool kept;                                            /* the value refers to text in the arena */
    bool many;                                            /* a list of values; `read` adds one */
};

/* Numbers: uint64_t, or int64_t of nanoseconds. */
extern const struct kind kind_count;
extern const struct kind kind_size;
extern const struct kind kind_duration;
extern const struct kind kind_days;

extern const struct kind kind_flag;       /* bool */
extern const struct kind kind_name;       /* char[CONFIG_NAME_MAX + 1] */
extern const struct kind kind_country;    /* char[3] */
extern const struct kind kind_tlp;        /* enum tlp */
extern const struct kind kind_category;   /* category_id */
extern const struct kind kind_confidence; /* int */
extern const struct kind kind_home;       /* struct config_home */
extern const struct kind kind_listen;     /* struct config_listen */

/* Texts: const char *. */
extern const struct kind kind_text;
extern const struct kind kind_file;
extern const struct kind kind_file_or_none; /* "" is none */
extern const struct kind kind_filter;       /* "" is none */
extern const struct kind kind_topics;       /* "" is all */
extern const struct kind kind_format;       /* of events */
extern const struct kind kind_endpoint;     /* of ZeroMQ */

/* What a text of this setting must be. */
void kind_expected(const struct setting *s, struct buffer *out);

/* Whether a ZeroMQ endpoint can be reached from this machine alone. */
bool kind_endpoint_is_local(const char *endpoint);

#endif
