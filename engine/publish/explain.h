/*
 * explain: one finding laid out, so that who reads it can judge whether to believe it: what was seen and where, which
 * indicator met it and how, who vouches for that one, in which flow, why it is as severe as it says, how it went on,
 * and what was told to whom. Of a trend: what was counted where, what was to be expected, and how surely that was no
 * ordinary count; of a correlation: which countries its indicator was met in, and each hit that it rests on.
 *
 * It works from the JSON of the finding as its owner reads it, of its publications and its evidence, and knows nothing
 * that does not stand there; so it lays out findings of earlier runs and of later versions.
 *
 * Owner: one thread.
 */
#ifndef VIGIA_PUBLISH_EXPLAIN_H
#define VIGIA_PUBLISH_EXPLAIN_H

#include "base/buffer.h"
#include "base/fail.h"
#include "base/json_read.h"

struct explain;

struct explain *explain_new(void);

/* The finding as its owner reads it, each time that it was told (wall time), in that order; the last one is laid out.
 * Copied. False with a reason when it is no JSON. */
bool explain_add_finding(struct explain *e, int64_t told_ns, struct bytes json, struct fail *why);

/* A publication of it; copied. */
bool explain_add_publication(struct explain *e, int64_t told_ns, const char *topic, uint64_t seq, struct bytes json,
                             struct fail *why);

/* The ids of what a correlation rests on, as the last finding names them. */
void explain_evidence(const struct explain *e, void (*each)(void *to, const char *id), void *to);

/* One of these, as its owner reads it: laid out as a line in place of its id. Copied. False with a reason when it is no
 * JSON. */
bool explain_add_evidence(struct explain *e, struct bytes json, struct fail *why);

/* For people; at least one finding was added. */
void explain_text(const struct explain *e, bool colour, struct buffer *out);

/* The last finding, octet for octet, with two members behind its own: `history`, each time that it was told, and
 * `publications`. One line. */
void explain_json(const struct explain *e, struct buffer *out);

void explain_free(struct explain *e);

#endif
