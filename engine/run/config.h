/*
 * config: every setting, in one table that reads, bounds, prints and documents it.
 *
 * A setting has one text form, which the file, the command line, the default and the print share, so that what is
 * printed can be read again and the sample is the defaults themselves. A configuration is a plain value: to reload,
 * fill a second one and drop the first with its arena.
 *
 * Owner: whoever filled it; immutable afterwards, then any thread reads.
 */
#ifndef VIGIA_RUN_CONFIG_H
#define VIGIA_RUN_CONFIG_H

#include "base/address.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/fail.h"
#include "model/category.h"
#include "model/tlp.h"

enum {
    CONFIG_NAME_MAX = 64,         /* octets of the publisher's and the sensor's name */
    CONFIG_TEXT_MAX = 4096,       /* octets of a path or a feed's name */
    CONFIG_HOME_MAX = 1024,       /* blocks */
    CONFIG_INDICATORS_MAX = 4096, /* files */
    CONFIG_THREADS_MAX = 64,
    CONFIG_SETTINGS = 14,          /* lines of the table */
    CONFIG_INDICATOR_SETTINGS = 5, /* and of that of an indicator file */
};

/* Where a value came from: the line of the file, or one of these. */
enum { CONFIG_FROM_DEFAULT = 0, CONFIG_FROM_COMMAND_LINE = -1 };

struct config_home {
    uint32_t count;
    struct block block[CONFIG_HOME_MAX];
};

/* One entry of `indicators`. Texts live in the arena. */
struct config_indicators {
    struct config_indicators *next;
    const char *file; /* as it was written */
    const char *path; /* where it is: a relative `file` is relative to the configuration file */
    const char *name; /* of the feed; the file's name without folder and endings where it was not said */
    enum tlp tlp;
    int confidence; /* or INDICATOR_CONFIDENCE_UNKNOWN */
    category_id category;
    int from[CONFIG_INDICATOR_SETTINGS];
};

struct config {
    const char *path; /* of the file that was read; NULL: none */
    char publisher[CONFIG_NAME_MAX + 1];
    uint64_t threads; /* 0: as many as processors are online */
    struct {
        char name[CONFIG_NAME_MAX + 1];
        char country[3]; /* ISO 3166 alpha-2; "ZZ" unknown */
        enum tlp tlp;
        struct config_home home;
    } sensor;
    struct config_indicators *indicators; /* in the order given */
    uint32_t indicators_count;
    struct {
        uint64_t flows;         /* open at a time, over all threads */
        uint64_t streams_bytes; /* of TCP reassembly, over all threads */
        uint64_t hits;          /* findings held for open flows, over all threads */
    } limits;
    struct {
        int64_t attempted_ns, udp_ns, established_ns, closed_ns;
    } timeouts;
    int from[CONFIG_SETTINGS];
};

/* All defaults; needs no arena. */
void config_defaults(struct config *c);

/* Reads a YAML file's content over what `c` holds (its defaults). Tells `mistake` of every mistake, each one line
 * `path: line N: key: expected …, found …`, and goes on; false when there was any, and then `c` is of no use. What is
 * no YAML at all, or holds a key twice, is one mistake that ends the reading. `path` is copied. */
bool config_read(struct config *c, struct arena *a, const char *path, struct bytes content,
                 void (*mistake)(void *to, const char *text), void *to);

/* Sets one setting of the command line by its key in the file ("threads", "sensor.country"), which it overrides; a list
 * is its values, separated by commas. On failure `c` is as it was. */
bool config_set(struct config *c, const char *key, struct bytes text, struct fail *why);

/* Adds an indicator file of the command line, relative to the working directory. */
bool config_add_indicators(struct config *c, struct arena *a, const char *file, struct fail *why);

/* The configuration as YAML, each value with a comment that says where it came from. */
void config_print(const struct config *c, struct buffer *out);

/* The commented sample: every setting with its default. rules/vigia.yaml is this. */
void config_document(struct buffer *out);

#endif
