/*
 * options: the command line, over the configuration file, over the defaults.
 */
#ifndef VIGIA_RUN_OPTIONS_H
#define VIGIA_RUN_OPTIONS_H

#include "publish/output.h"
#include "run/command.h"
#include "run/config.h"

/* What a subcommand accepts. */
enum {
    OPTION_INDICATORS = 1 << 0, /* -i FILE */
    OPTION_CONFIG = 1 << 1,     /* -c FILE */
    OPTION_THREADS = 1 << 2,    /* --threads N */
    OPTION_OUTPUT = 1 << 3,     /* -o FILE */
    OPTION_STATS = 1 << 4,      /* --stats */
    OPTION_STRICT = 1 << 5,     /* --strict-validity */
    OPTION_FORMAT = 1 << 6,     /* --format json|text|csv */
    OPTION_AS = 1 << 7,         /* --as FORMAT: of indicator files */
    OPTION_ENDPOINT = 1 << 8,   /* --endpoint, --replay, --server, --key: whom to hear */
    OPTION_QUERY = 1 << 9,      /* --since, --until, --country, … : what of the journal */
    OPTION_SERIES = 1 << 10,    /* --detector, --group, --period: how to judge a file of counts */
};

/* Options that are a text for their subcommand. */
enum option_text {
    TEXT_ENDPOINT,
    TEXT_REPLAY,
    TEXT_SERVER,
    TEXT_KEY,
    TEXT_JOURNAL,
    TEXT_SINCE,
    TEXT_UNTIL,
    TEXT_COUNTRY,
    TEXT_TYPE,
    TEXT_INDICATOR,
    TEXT_EXPLAIN,
    TEXT_LIMIT,
    TEXT_DETECTOR,
    TEXT_GROUP,
    TEXT_PERIOD,
    OPTION_TEXTS
};

struct options {
    struct config config;
    struct arena arena; /* holds what the configuration refers to */
    const struct output *output;
    struct output_style style;
    const char *output_path; /* NULL: stdout */
    const char *as;
    const char *text[OPTION_TEXTS]; /* NULL: not given */
    bool stats;
    bool strict_validity;
    bool terminal; /* the output is one */
    int64_t day;   /* the one that the text view has headed */
    char **arguments;
    int argument_count;
};

/* Reads the command line of a subcommand (argv[0] is its name) and runs it, or shows its help, or names every mistake.
 * Gives the exit status. */
int options_run(const struct command *command, int argc, char **argv);

/* For subcommands: names what is wrong with the usage; gives its exit status. */
int options_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes what a subcommand has to say to stdout, and gives its exit status: `status`, or STATUS_OUTPUT when the output
 * failed. That its reader went away is no failure. */
int options_print(struct bytes text, int status);

#endif
