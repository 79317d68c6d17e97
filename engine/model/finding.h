/*
 * finding: what vigia tells.
 *
 * A value without pointers: copies, and handles (generation, index) that the herald resolves while it holds the
 * generation. Its texts stand behind the fixed part; only the part in use (`finding_bytes`) is ever copied, allocated
 * or passed on.
 *
 * **Order.** Findings are told by `time_ns` of the packet (or event) that first showed them, then input, packet,
 * ordinal. A capture whose timestamps run back does not change that as long as they run back by at most
 * FINDING_SLACK_NS; what comes later still is told at the place of `clock - FINDING_SLACK_NS`, where `clock` is the
 * greatest timestamp before it. So the order is a function of the input alone.
 *
 * **Id.** UUID version 5 (RFC 4122, 4.3) over kind, sensor, observable, indicator key, flow tuple (or the event's reference), first
 * timestamp and an ordinal (`twin`, so that one more indicator elsewhere leaves it alone); not over publisher, seq,
 * generation, count or sources.
 *
 * Owner: whoever holds it: a flow's hits, a ring, the herald.
 */
#ifndef VIGIA_MODEL_FINDING_H
#define VIGIA_MODEL_FINDING_H

#include "model/event.h"
#include "model/identity.h"
#include "model/indicator.h"
#include "model/tuple.h"

#define FINDING_SLACK_NS (INT64_C(10) * 1000000000)

enum {
    FINDING_EXCERPT_MAX = 64,
    FINDING_TEXT_MAX = OBSERVABLE_VALUE_MAX + FINDING_EXCERPT_MAX + 2 * EVENT_TEXT_MAX,
};

enum finding_kind {
    FINDING_HIT,
    FINDING_OBSERVED, /* not told as a finding: what `vigia observe` prints */
};

enum finding_status { FINDING_OPENED, FINDING_UPDATED, FINDING_CLOSED };

const char *finding_status_name(enum finding_status s);

/* Where in the order. */
struct finding_key {
    int64_t order_ns; /* max(time_ns, clock - FINDING_SLACK_NS) */
    int64_t time_ns;  /* of the packet, since 1970 UTC */
    uint64_t packet;  /* in its input, from 1; of an event its record: a line, where records are lines */
    uint32_t input;   /* in the order of the arguments, from 0 */
    uint32_t ordinal; /* among the findings that this packet opened, from 0 */
};

struct finding {
    struct finding_key key;
    enum finding_kind kind;
    enum finding_status status;
    uint32_t generation;
    uint32_t indicator; /* index in that generation */
    enum indicator_match match;

    enum observable_type type;
    enum where where;
    bool ech;
    uint16_t port;
    struct address address; /* of address types; the others' value is in `text` */

    bool of_event;        /* a feed reported it: there is no flow, and the sensor is a feed */
    category_id category; /* the event's */
    enum tlp tlp;         /* the event's */

    struct tuple tuple;
    enum flow_state state;
    enum flow_direction direction;
    uint16_t sensor;
    char country[3];        /* of the affected end, ISO 3166 alpha-2; empty: the sensor's */
    char remote_country[3]; /* of the other end; empty: unknown, of an internal flow the sensor's */

    int64_t last_ns; /* when it was last seen */
    uint32_t twin;   /* ordinal among findings that are alike in all else that the id is made of; 0 but for those that a
                        full shard could not hold together */
    uint64_t count;  /* how often it was seen in this flow */
    int64_t offset; /* of the raw value in its packet's captured octets; -1 where it does not lie whole in one packet */

    uint16_t value_len;   /* octets of `text` that are the value */
    uint16_t excerpt_len; /* and behind it, the raw octets that show it */
    uint8_t reporter_len; /* of an event, who says so */
    uint8_t reference_len; /* and what names its record at the reporter */
    char text[FINDING_TEXT_MAX];
};

/* Octets of `f` that are in use. */
static inline size_t finding_bytes(const struct finding *f)
{
    return offsetof(struct finding, text) + f->value_len + f->excerpt_len + f->reporter_len + f->reference_len;
}

static inline struct bytes finding_value(const struct finding *f)
{
    return bytes_of(f->text, f->value_len);
}

static inline struct bytes finding_excerpt(const struct finding *f)
{
    return bytes_of(f->text + f->value_len, f->excerpt_len);
}

static inline struct bytes finding_reporter(const struct finding *f)
{
    return bytes_of(f->text + f->value_len + f->excerpt_len, f->reporter_len);
}

static inline struct bytes finding_reference(const struct finding *f)
{
    return bytes_of(f->text + f->value_len + f->excerpt_len + f->reporter_len, f->reference_len);
}

/* The observable that the finding is about; its value is borrowed from the finding. */
struct observable finding_observable(const struct finding *f);

/* Negative, zero or positive: a before, at or behind b. */
int finding_order(const struct finding_key *a, const struct finding_key *b);

enum { FINDING_ID_MAX = IDENTITY_MAX };

/* `sensor` is the sensor's name, `key` the indicator's. */
void finding_id(const struct finding *f, const char *sensor, const struct indicator_key *key, char out[FINDING_ID_MAX]);

#endif
