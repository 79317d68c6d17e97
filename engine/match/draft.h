/*
 * draft: the indicators of the next generation while they are gathered.
 *
 * Copies what it is given. Records with equal keys become one indicator with many sources, in the order given; a source
 * that repeats another's feed and id for the same indicator replaces it.
 *
 * Owner: one thread.
 */
#ifndef VIGIA_MATCH_DRAFT_H
#define VIGIA_MATCH_DRAFT_H

#include "model/indicator.h"

enum { DRAFT_INDICATORS_MAX = 1 << 26 };

struct draft;

struct draft *draft_new(void);

/* False with a reason when the value can be no indicator: a pattern that Hyperscan refuses, one too many. */
bool draft_add(struct draft *d, const struct indicator_key *key, const struct indicator_source *source,
               struct fail *why);

/* Indicators and sources so far. */
uint32_t draft_count(const struct draft *d);
uint32_t draft_sources(const struct draft *d);

void draft_free(struct draft *d);

#endif
