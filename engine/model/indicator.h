/*
 * indicator: a value that is known to be bad (or otherwise worth telling), and who says so.
 *
 * The same value from many feeds is one indicator with many sources. Text is borrowed: from the frame while it is read,
 * from the generation's arena afterwards.
 */
#ifndef VIGIA_MODEL_INDICATOR_H
#define VIGIA_MODEL_INDICATOR_H

#include "model/category.h"
#include "model/observable.h"
#include "model/tlp.h"

enum { INDICATOR_CONFIDENCE_UNKNOWN = -1 };

/* Octets of what a source says that are kept: of its name and the record's id, and of each other text. */
enum { INDICATOR_NAME_MAX = 128, INDICATOR_TEXT_MAX = 512 };

#define INDICATOR_ALWAYS INT64_MIN /* no valid_from */
#define INDICATOR_EVER   INT64_MAX /* no valid_until */

/* How an indicator meets an observable; printed in findings. */
enum indicator_match {
    MATCH_EXACT,     /* the value itself */
    MATCH_SUFFIX,    /* a subdomain of it */
    MATCH_PREFIX,    /* a URL below it */
    MATCH_BLOCK,     /* an address inside it */
    MATCH_SUBSTRING, /* found in a user agent */
    MATCH_PATTERN,   /* regex or content */
};

const char *indicator_match_name(enum indicator_match m);

enum indicator_validity { VALIDITY_BEFORE, VALIDITY_WITHIN, VALIDITY_AFTER };

const char *indicator_validity_name(enum indicator_validity v);

/* One source's word on an indicator. */
struct indicator_source {
    struct bytes feed; /* the feed's name; of a file of one's own, its name without folder and ending */
    struct bytes id;   /* of the record in its feed; may be empty, as all texts below */
    struct bytes tags; /* separated by ';' */
    struct bytes description;
    struct bytes reference;
    int64_t valid_from_ns;  /* INDICATOR_ALWAYS when not said */
    int64_t valid_until_ns; /* exclusive end; INDICATOR_EVER when not said */
    int8_t confidence;      /* 0 to 100, or INDICATOR_CONFIDENCE_UNKNOWN */
    enum tlp tlp;
    category_id category;
};

/* What is looked for. Two records with the same key are one indicator. */
struct indicator_key {
    enum observable_type type;
    enum where where;   /* WHERE_ANY, or the only place where it counts */
    bool only;          /* `=name`, `=url`: the value itself, nothing below it */
    struct block block; /* of ipv4-addr and ipv6-addr; of ip-port its address */
    uint16_t port;      /* of ip-port */
    struct bytes value; /* canonical octets of other types; a content's octets are decoded */
};

struct indicator {
    struct indicator_key key;
    uint32_t source_first; /* in the generation's sources */
    uint32_t source_count;
};

/* Reads what a person or feed wrote as the value of `type` into a key; the `where` is the caller's. `room` holds
 * OBSERVABLE_VALUE_MAX octets and backs `key->value`. `warning` (may come back empty) says what was changed: host bits
 * cleared, address family corrected. */
bool indicator_key_read(enum observable_type type, struct bytes text, char *room, struct indicator_key *key,
                        struct fail *warning, struct fail *why);

/* Whether two keys name the same indicator. */
bool indicator_key_equal(const struct indicator_key *a, const struct indicator_key *b);

/* The value as printed in a finding; at most OBSERVABLE_VALUE_MAX octets, returns their number. */
size_t indicator_value_write(const struct indicator_key *key, char *out);

enum indicator_validity indicator_validity_at(const struct indicator_source *s, int64_t time_ns);

#endif
