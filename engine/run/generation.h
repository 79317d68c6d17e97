/*
 * generation: indicator files to a database that can be asked.
 *
 * Every file that cannot be read and every record that is none is named on stderr (the first GENERATION_NAMED of a
 * file, then a count); the rest lives.
 */
#ifndef VIGIA_RUN_GENERATION_H
#define VIGIA_RUN_GENERATION_H

#include "match/database.h"
#include "run/config.h"

#include <limits.h>

enum { GENERATION_NAMED = 20 };

/* What came of one file. */
struct generation_report {
    uint32_t read; /* records taken */
    uint32_t refused;
    uint32_t warnings;
    uint32_t left_out;  /* by policy: context, revoked, of a kind that is not looked for */
    const char *format; /* NULL: not recognised */
    bool whole;         /* the file was read to its end */
};

/* Reads one file, or a folder with a MISP feed, into the draft; false when it could not be read or a record was
 * refused. `as` names a format, or is NULL to find out. */
bool generation_read(struct draft *d, const struct config_indicators *file, const char *as,
                     struct generation_report *report);

/* Whose change means that the file or folder at `path` changed: itself, or the manifest in it. In `room`, or `path`. */
const char *generation_watched(const char *path, char room[PATH_MAX]);

/* All files of a configuration, compiled. `*failed` is set when something was named on stderr as an error. NULL when
 * nothing can be built; with `whole`, also when a file could not be read to its end (a record that is none is no
 * reason). `reports` has one for each file, or is NULL. */
const struct database *generation_build(const struct config *c, const char *as, uint32_t generation, bool whole,
                                        struct generation_report *reports, bool *failed);

#endif
