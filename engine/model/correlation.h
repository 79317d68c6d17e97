/*
 * correlation: findings that belong together: the same indicator met in several countries within a window.
 *
 * One heap block with its countries and evidence behind it; whoever is given one frees it with `free`. What it holds is
 * a copy; nothing in it points elsewhere.
 *
 * A reader of a tier knows only what that tier was told of: members whose own least tier is stricter count for nothing
 * there (`correlation_shown`).
 */
#ifndef VIGIA_MODEL_CORRELATION_H
#define VIGIA_MODEL_CORRELATION_H

#include "model/finding.h"

#define CORRELATION_RULE "campaign" /* the name of the one rule that there is */

enum { CORRELATION_COUNTRIES_MAX = 64, CORRELATION_EVIDENCE_MAX = 64, TLPS = TLP_RED + 1 };

struct correlation_country {
    char country[3];
    enum tlp tlp; /* the least tier that was told of a member there */
};

/* A member. */
struct correlation_evidence {
    char id[FINDING_ID_MAX];
    enum tlp tlp;
};

/* Those members whose least tier is this one. */
struct correlation_tier {
    uint64_t members;
    int64_t first_ns, last_ns;
    category_id category; /* the first that a member had */
    int8_t confidence;    /* of the strongest source; INDICATOR_CONFIDENCE_UNKNOWN */
    bool opened;          /* the tier was told of the correlation before */
};

struct correlation {
    enum finding_status status; /* closed, or not; whether a tier hears of it for the first time: `opened` */
    uint32_t generation;        /* of its last member */
    unsigned countries_min;     /* of the rule */
    int64_t window_ns;          /* of the rule */
    int64_t first_ns, last_ns;  /* of all members */
    enum observable_type type;  /* of the indicator */
    enum where where;           /* where alone it counts, or WHERE_ANY */
    struct bytes value;         /* of the indicator, as it is printed */
    const struct correlation_country *countries; /* in the order in which they joined */
    const struct correlation_evidence *evidence; /* likewise; the first member of each country is among them */
    unsigned country_count;
    unsigned evidence_count;
    struct correlation_tier tiers[TLPS];
};

/* What a tier may know. */
struct correlation_shown {
    bool told;    /* enough countries remain */
    enum tlp tlp; /* the strictest of what remains */
    unsigned countries;
    uint64_t members;
    int64_t first_ns, last_ns;
    category_id category;
    int confidence;
};

struct correlation_shown correlation_shown(const struct correlation *c, enum tlp tier);

/* Over kind, indicator and the first member's time. */
void correlation_id(const struct correlation *c, char out[IDENTITY_MAX]);

#endif
