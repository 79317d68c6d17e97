/*
 * retold: a finding as it was told, read back from its JSON, so that whoever receives it can show it as who told it
 * does.
 *
 * What the JSON does not say is left empty; of a withheld flow `told.withheld` says so. Unknown members are passed
 * over, as they must be by whoever reads findings of a later version.
 *
 * Owner: one thread.
 */
#ifndef VIGIA_PUBLISH_RETOLD_H
#define VIGIA_PUBLISH_RETOLD_H

#include "base/arena.h"
#include "base/json_read.h"
#include "publish/encode.h"

enum { RETOLD_SOURCES_MAX = 64 };

struct retold {
    struct told told; /* what it points to lies here, in the arena or, `file` and `publisher`, in it too */
    bool known;       /* a hit, a correlation or a trend: `told` can be shown; else only kind, status and timestamp
                         mean something */
    char kind[16];
    struct finding finding;
    struct indicator indicator;
    struct indicator_source sources[RETOLD_SOURCES_MAX];
    struct sensor sensor;
    struct correlation correlation;
    struct correlation_country countries[CORRELATION_COUNTRIES_MAX];
    struct correlation_evidence evidence[CORRELATION_EVIDENCE_MAX];
    struct trend trend;
    struct arena arena;
};

/* False with a reason when it is no JSON. `d` is zeroed or was read before; retold_clear ends it. */
bool retold_read(struct json_reader *r, struct bytes json, struct retold *d, struct fail *why);

void retold_clear(struct retold *d);

/* For retold.c: those that are no hit (retold_kinds.c). */
bool retold_correlation(struct json_reader *reader, struct bytes json, struct retold *d, struct fail *why);
bool retold_trend(struct json_reader *reader, struct bytes json, struct retold *d, struct fail *why);

#endif
