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
    CONFIG_NAME_MAX = 64,         /* octets of the publisher's and a sensor's name */
    CONFIG_TEXT_MAX = 4096,       /* octets of a path, a filter, an endpoint or a feed's name */
    CONFIG_HOME_MAX = 1024,       /* blocks */
    CONFIG_INDICATORS_MAX = 4096, /* files */
    CONFIG_COUNTRIES_MAX = 256,   /* files */
    CONFIG_SENSORS_MAX = 1024,
    CONFIG_FEEDS_MAX = 64, /* of events */
    CONFIG_THREADS_MAX = 64,
    CONFIG_SETTINGS = 37,          /* lines of the table */
    CONFIG_INDICATOR_SETTINGS = 5, /* and of that of an indicator file */
    CONFIG_COUNTRIES_SETTINGS = 1, /* and of that of a file of networks with their countries */
    CONFIG_SENSOR_SETTINGS = 10,   /* and of that of a sensor */
    CONFIG_FEED_SETTINGS = 10,     /* and of that of a feed of events */
};

/* Where a value came from: the line of the file, or one of these. */
enum { CONFIG_FROM_DEFAULT = 0, CONFIG_FROM_COMMAND_LINE = -1 };

struct config_home {
    uint32_t count;
    struct block block[CONFIG_HOME_MAX];
};

/* Where captures that others push come in. */
struct config_listen {
    const char *text; /* as it was written; NULL: nowhere */
    const char *path; /* of a UNIX socket or a FIFO; NULL: TCP, at the address */
    bool fifo;
    struct address address;
    uint16_t port;
};

/* One entry of `sensors`, and `sensor`, from which an entry has what it leaves out. */
struct config_sensor {
    struct config_sensor *next;
    char name[CONFIG_NAME_MAX + 1]; /* no two entries share it */
    /* What is heard: of an entry one of these three, of `sensor` none; the others are NULL. */
    const char *interface;
    const char *folder; /* as it was written */
    struct config_listen listen;
    const char *folder_path; /* where it is */
    char country[3];         /* ISO 3166 alpha-2; "ZZ" unknown */
    enum tlp tlp;
    struct config_home home;
    const char *filter; /* in libpcap's language, and right for Ethernet; empty: everything */
    uint64_t buffer_octets;
    bool promiscuous;
    int from[CONFIG_SENSOR_SETTINGS]; /* CONFIG_FROM_DEFAULT: from `sensor` */
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

/* One entry of `countries`: networks with their countries (feed/place.h). */
struct config_countries {
    struct config_countries *next;
    const char *file, *path; /* as it was written, and where it is */
    int from[CONFIG_COUNTRIES_SETTINGS];
};

/* One entry of `feeds`: events that others report. */
struct config_feed {
    struct config_feed *next;
    char name[CONFIG_NAME_MAX + 1]; /* no two entries share it */
    const char *file, *path;        /* one that grows; NULL: it subscribes */
    const char *subscribe;          /* an endpoint of ZeroMQ; NULL: a file */
    const char *topics;             /* separated by commas; NULL or empty: all */
    const char *server, *server_path; /* public key of the endpoint; empty and NULL: none */
    const char *format;             /* NULL: as its records show */
    char country[3];                /* of events that say none; "ZZ" unknown */
    enum tlp tlp;                   /* of events that bear none, and so below */
    int confidence;                 /* or INDICATOR_CONFIDENCE_UNKNOWN */
    category_id category;
    int from[CONFIG_FEED_SETTINGS];
};

struct config {
    const char *path; /* of the file that was read; NULL: none */
    char publisher[CONFIG_NAME_MAX + 1];
    uint64_t threads; /* 0: as many as processors are online */
    struct config_sensor sensor;
    struct config_sensor *sensors; /* in the order given */
    uint32_t sensors_count;
    struct config_feed *feeds; /* in the order given */
    uint32_t feeds_count;
    struct config_indicators *indicators; /* in the order given */
    uint32_t indicators_count;
    struct config_countries *countries; /* in the order given */
    uint32_t countries_count;
    const char *regions, *regions_path; /* as it was written, and where it is; NULL: as compiled in */
    struct {
        const char *endpoint, *replay; /* of ZeroMQ; without a key they are local */
        const char *key;               /* as it was written; empty: none */
        const char *key_path;          /* where it is; NULL: none */
    } publish;
    struct {
        const char *file, *path; /* as it was written, and where it is; so below */
        int64_t keep_ns;
        uint64_t octets_max;
    } journal;
    struct {
        const char *socket, *path;
    } control;
    struct {
        uint64_t rate; /* findings a minute and indicator */
        uint64_t burst;
    } flood;
    struct {
        int64_t window_ns;
        uint64_t countries;
    } correlation;
    struct {
        int64_t window_ns, lateness_ns;
        char detector[CONFIG_NAME_MAX + 1];
        uint64_t least;
    } trends;
    struct {
        uint64_t flows;         /* open at a time, over all threads */
        uint64_t streams_bytes; /* of TCP reassembly, over all threads */
        uint64_t fragments;     /* octets that put IP fragments together, of each sensor in each thread */
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
 * is its values, separated by commas. A path or other text that would have to be kept cannot be given here. On failure
 * `c` is as it was. */
bool config_set(struct config *c, const char *key, struct bytes text, struct fail *why);

/* What a feed is called that nobody has named: its file without folder, packing and last ending. A view of it. */
struct bytes config_feed_name(const char *file);

/* Adds an indicator file of the command line, relative to the working directory. */
bool config_add_indicators(struct config *c, struct arena *a, const char *file, struct fail *why);

/* Tells of every setting that says something else in `next` and that a reload does not take, with its line there (0:
 * none) and what happened to it: "changed", "added", "removed". What the command line said stays. */
void config_changes(const struct config *c, const struct config *next,
                    void (*change)(void *to, int line, const char *key, const char *what), void *to);

/* The configuration as YAML, each value with a comment that says where it came from. */
void config_print(const struct config *c, struct buffer *out);

/* The commented sample: every setting with its default. rules/vigia.yaml is this. */
void config_document(struct buffer *out);

#endif
