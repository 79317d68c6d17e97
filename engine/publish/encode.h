/*
 * encode: a finding as others read it.
 *
 * What a finding's handles mean (indicator, sources, names of sensor and file) is given with it; encoding asks nobody.
 * A rendition holds only what a tier may see: sources stricter than the tier are left out, the flow and evidence of a
 * stricter tap are withheld, `tlp` is the strictest of what is held, and where no source remains nothing is told.
 *
 * Any thread.
 */
#ifndef VIGIA_PUBLISH_ENCODE_H
#define VIGIA_PUBLISH_ENCODE_H

#include "base/buffer.h"
#include "model/correlation.h"
#include "model/region.h"
#include "model/trend.h"

/* Who saw it: a tap, a folder of captures, or a feed of events (whose events bear a TLP of their own). */
struct sensor {
    const char *name;
    char country[3]; /* ISO 3166 alpha-2, "ZZ" unknown */
    enum tlp tlp;
};

/* A finding with what its handles mean: of a packet or event, or a correlation, or a trend. */
struct told {
    const struct finding *finding;
    const struct correlation
        *correlation;                  /* not NULL: this, and `finding`, `indicator`, `sensor` and `file` are NULL */
    const struct trend *trend;         /* likewise */
    const struct regions *regions;     /* NULL: no place has a sub-region */
    const struct indicator *indicator; /* NULL of what was only observed */
    const struct indicator_source *sources;
    uint32_t source_count;
    const struct sensor *sensor;
    const char *file; /* of the evidence */
    const char *publisher;
    const char *id; /* as it was told; NULL: of one that is about to be told, whose id is made from it */
    uint64_t seq;
    bool withheld;   /* it was read back, without its flow or event: they were not for this reader */
    uint64_t folded; /* findings of this indicator that the flood guard folded into this one; told where not 0 */
};

/* Low, medium, high: from the confidence of the strongest source (50 when none says) on the scale of STIX 2.1, appendix
 * A (from 30 medium, from 70 high), one step lower where the flow was only attempted or refused. */
enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH };
enum { CONFIDENCE_MEDIUM = 30, CONFIDENCE_HIGH = 70, CONFIDENCE_UNSAID = 50 };

const char *severity_name(enum severity s);

enum { ENCODE_SOURCES_MAX = 64 /* that a finding shows; it says how many more there are */ };

/* What a tier's reader of this finding sees. */
struct rendition {
    bool told;      /* false: nothing remains */
    bool flow;      /* the tap's flow, or the event, and the evidence are shown */
    enum tlp tlp;   /* the strictest of what is held */
    int confidence; /* of the strongest source that is shown; -1 unknown */
    category_id category;
    enum indicator_validity validity; /* within if any source shown is; else after, else before */
    enum severity severity;
};

struct rendition rendition_of(const struct told *t, enum tlp tier);

/* The finding's topic: `hit.green.CL.c2-server`. */
void encode_topic(const struct told *t, enum tlp tier, struct buffer *out);

const char *encode_kind(const struct told *t);
void encode_id(const struct told *t, char out[IDENTITY_MAX]);

/* What it is to a reader of this tier, who may hear of a correlation later than others. */
enum finding_status encode_status(const struct told *t, enum tlp tier);

/* Where it is, as the topic says: a country, a sub-region, `americas`; "ZZ" unknown. */
const char *encode_place(const struct told *t, enum tlp tier);

/* One JSON object as `finding.schema.json` has it, without line end. Nothing is written where nothing remains. */
void encode_json(const struct told *t, enum tlp tier, struct buffer *out);

/* One observation: {"timestamp","type","value","where","flow","file","packet"}, and "ech" where a name stood in a
 * ClientHello. */
void encode_observed_json(const struct told *t, struct buffer *out);

/* Of a finding that was read back: whether its value was withheld too, as one that says more than the indicator does.
 */
bool encode_withholds_value(const struct told *t);

/* Whether the protocol has ports (of ICMP: type and code) to tell. */
bool encode_has_ports(const struct tuple *t);

/* The indicator's value as it is printed: with `=` in front where it is only itself. At most OBSERVABLE_VALUE_MAX + 1
 * octets, returns their number. */
size_t encode_indicator(const struct indicator_key *key, char out[OBSERVABLE_VALUE_MAX + 1]);

/* The names of the feeds whose word a tier may read, each once, with `between` them. */
void encode_feeds(const struct told *t, enum tlp tier, const char *between, struct buffer *out);

/* Raw octets in a form that is safe everywhere and can be read back: printable ASCII as it is, a backslash doubled,
 * every other octet as \xNN. `out` holds 4 * raw.len; returns the length. */
size_t encode_printable(struct bytes raw, char *out);

#endif
