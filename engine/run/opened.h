/*
 * opened: to which tiers a finding was told, so that each of them hears its opening before any update of it.
 *
 * What comes first of a finding is not always its opening: the flood guard may have folded that, a full ring dropped
 * it, and a reload may show a finding to a tier that was not to see it before. So what a tier is told first of an id is
 * told as `opened`, with the state and count of then.
 *
 * The last OPENED_MAX findings that were told are known. Of one that was told before all of these, an update is told
 * as `opened` once more: a second opening of an id is no more than an update of it, an update without an opening would
 * be of nothing.
 *
 * Owner: herald.
 */
#ifndef VIGIA_RUN_OPENED_H
#define VIGIA_RUN_OPENED_H

#include "base/hash.h"
#include "base/table.h"

enum { OPENED_MAX = 1 << 18 };

struct opened_finding;

struct opened {
    struct hash_key key;
    struct table table;
    struct opened_finding *findings; /* in the order in which they were told, around */
    uint32_t max;
    uint32_t next; /* the place of the next one; what stands there is the oldest */
};

void opened_init(struct opened *o, uint32_t findings_max);

/* The finding of this id is told to `tiers` (a bit each) now; gives to which of them it was told before. */
uint8_t opened_tell(struct opened *o, const char *id, uint8_t tiers);

void opened_clear(struct opened *o);

#endif
