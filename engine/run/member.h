/*
 * member: a hit as a member of a correlation, and as an incident that is counted.
 *
 * Any thread. What is borrowed lives as long as the hit and the told finding.
 */
#ifndef VIGIA_RUN_MEMBER_H
#define VIGIA_RUN_MEMBER_H

#include "base/hash.h"
#include "correlate/correlate.h"
#include "publish/encode.h"
#include "run/census.h"

/* The same for an indicator in every generation, and foreseen by nobody who lacks the key. */
uint64_t member_indicator(const struct hash_key *key, const struct indicator_key *k);

/* Of a hit, with its id in `id`; as the least tier that is told of it sees it. */
struct correlate_member member_of(const struct told *t, const struct hash_key *key, char id[FINDING_ID_MAX]);

/* Of a hit in packets; those in events are counted as events. */
void member_count(const struct told *t, const struct correlate_member *m, struct census *census);

#endif
