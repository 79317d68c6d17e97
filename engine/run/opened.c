/*
 * A ring of findings and a table into it. An id stands for itself as a keyed hash of 64 bits: of OPENED_MAX ids, that
 * another has the same one happens once in 2^46 tellings.
 */
#include "run/opened.h"

#include <stdio.h>
#include <stdlib.h>

struct opened_finding {
    uint64_t hash;
    uint8_t tiers; /* 0: the place was never taken */
};

void opened_init(struct opened *o, uint32_t findings_max)
{
    *o = (struct opened){.max = findings_max, .findings = calloc(findings_max, sizeof *o->findings)};
    if (!o->findings) {
        fprintf(stderr, "vigia: error: out of memory (told findings)\n");
        abort();
    }
    hash_key_random(&o->key);
    table_init(&o->table, findings_max);
}

static uint32_t slot_of(const struct opened *o, uint64_t hash)
{
    uint32_t slot = table_first(&o->table, hash);
    while (slot != TABLE_NONE && o->findings[table_value(&o->table, slot)].hash != hash)
        slot = table_next(&o->table, hash, slot);
    return slot;
}

static void add(struct opened *o, uint64_t hash, uint8_t tiers)
{
    struct opened_finding *oldest = &o->findings[o->next];
    if (oldest->tiers)
        table_remove(&o->table, slot_of(o, oldest->hash));
    *oldest = (struct opened_finding){.hash = hash, .tiers = tiers};
    table_add(&o->table, hash, o->next);
    o->next = o->next + 1 < o->max ? o->next + 1 : 0;
}

uint8_t opened_tell(struct opened *o, const char *id, uint8_t tiers)
{
    uint64_t hash = hash_keyed(&o->key, id, strlen(id));
    uint32_t slot = slot_of(o, hash);
    if (slot == TABLE_NONE) {
        if (tiers)
            add(o, hash, tiers);
        return 0;
    }
    struct opened_finding *f = &o->findings[table_value(&o->table, slot)];
    uint8_t before = f->tiers;
    f->tiers |= tiers;
    return before & tiers;
}

void opened_clear(struct opened *o)
{
    table_free(&o->table);
    free(o->findings);
    *o = (struct opened){.max = 0};
}
