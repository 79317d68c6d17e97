/*
 * The least tier that is told of a hit decides what a correlation may say of it.
 */
#include "run/member.h"

uint64_t member_indicator(const struct hash_key *key, const struct indicator_key *k)
{
    const uint64_t parts[] = {hash_keyed(key, k->value.at, k->value.len),
                              hash_keyed(key, &k->block.address, sizeof k->block.address),
                              (uint64_t)k->type << 40 | (uint64_t)k->where << 32 | (uint64_t)k->block.bits << 24 |
                                  (uint64_t)k->only << 16 | k->port};
    return hash_keyed(key, parts, sizeof parts);
}

struct correlate_member member_of(const struct told *t, const struct hash_key *key, char id[FINDING_ID_MAX])
{
    int tier = TLP_CLEAR;
    while (tier < TLP_RED && !rendition_of(t, (enum tlp)tier).told)
        tier++;
    struct rendition r = rendition_of(t, (enum tlp)tier);
    encode_id(t, id);
    return (struct correlate_member){.indicator = member_indicator(key, &t->indicator->key),
                                     .key = &t->indicator->key,
                                     .id = id,
                                     .country = encode_place(t, (enum tlp)tier),
                                     .time_ns = t->finding->key.time_ns,
                                     .generation = t->finding->generation,
                                     .category = r.category,
                                     .tlp = (enum tlp)tier,
                                     .confidence = r.confidence};
}

void member_count(const struct told *t, const struct correlate_member *m, struct census *census)
{
    if (!census || t->finding->of_event)
        return;
    census_add(census, &(struct census_entry){.country = m->country,
                                              .category = m->category,
                                              .kind = CENSUS_HITS,
                                              .tlp = tlp_stricter(t->sensor->tlp, m->tlp),
                                              .reporter = hash_fixed(t->sensor->name, strlen(t->sensor->name)),
                                              .time_ns = m->time_ns,
                                              .weight = 1});
}
