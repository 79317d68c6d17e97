/*
 * command: the subcommands and what they return.
 */
#ifndef VIGIA_RUN_COMMAND_H
#define VIGIA_RUN_COMMAND_H

/* Exit statuses (contract). */
enum {
    STATUS_DONE = 0,
    STATUS_INPUT = 1,  /* some input could not be read or parsed; the rest was processed */
    STATUS_USAGE = 2,  /* wrong usage or configuration */
    STATUS_OUTPUT = 3, /* the output failed */
};

struct options;

struct command {
    const char *name;
    const char *usage;                   /* what stands behind the name on the first line of its help */
    const char *about;                   /* one line */
    const char *help;                    /* the rest; may be empty */
    unsigned accepts;                    /* OPTION_ bits of options.h */
    int (*run)(const struct options *o); /* gives the exit status */
};

extern const struct command command_replay;  /* cmd_replay.c */
extern const struct command command_observe; /* cmd_observe.c */
extern const struct command command_lookup;  /* cmd_lookup.c */
extern const struct command command_check;   /* cmd_check.c */
extern const struct command command_run;     /* cmd_run.c */
extern const struct command command_status;  /* cmd_status.c */
extern const struct command command_reload;  /* cmd_reload.c */
extern const struct command command_keygen;  /* cmd_keygen.c */
extern const struct command command_watch;   /* cmd_watch.c */
extern const struct command command_hits;    /* cmd_hits.c */
extern const struct command command_trend;   /* cmd_trend.c */

#endif
