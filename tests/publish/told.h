/*
 * told: the finding that the facts of this folder begin with; each changes what it is about.
 */
#ifndef VIGIA_TESTS_PUBLISH_TOLD_H
#define VIGIA_TESTS_PUBLISH_TOLD_H

#include "base/text.h"
#include "publish/output.h"

struct example {
    struct finding finding;
    struct indicator indicator;
    struct indicator_source sources[3];
    struct sensor sensor;
    struct told told;
};

static inline struct bytes text_of(const char *text)
{
    return bytes_text(text);
}

static inline int64_t time_of(const char *text)
{
    int64_t ns = 0;
    bool date_only;
    bool read = text_time(bytes_text(text), &ns, &date_only);
    return read ? ns : 0;
}

static inline struct address address_of(const char *text)
{
    struct address a = {0};
    return address_read(bytes_text(text), &a) ? a : (struct address){0};
}

static inline category_id category_of(const char *text)
{
    category_id c = CATEGORY_UNDETERMINED;
    return category_read(bytes_text(text), &c) ? c : CATEGORY_UNDETERMINED;
}

static inline void example_value(struct example *e, enum observable_type type, enum where where, struct bytes value,
                                 struct bytes excerpt)
{
    struct finding *f = &e->finding;
    f->type = type;
    f->where = where;
    f->value_len = (uint16_t)value.len;
    f->excerpt_len = (uint16_t)excerpt.len;
    memcpy(f->text, value.at, value.len);
    memcpy(f->text + value.len, excerpt.at, excerpt.len);
}

/* A green and a red source say bad.example; an amber tap saw c2.bad.example in a ClientHello. The endpoints are those
 * of the first TCP line of the Community ID specification's baseline, so that its value is known. */
static inline void example_init(struct example *e)
{
    *e = (struct example){
        .finding = {.key = {.packet = 1734},
                    .kind = FINDING_HIT,
                    .status = FINDING_OPENED,
                    .generation = 1,
                    .match = MATCH_SUFFIX,
                    .tuple = {.src_port = 34855, .dst_port = 80, .proto = PROTO_TCP},
                    .state = FLOW_ESTABLISHED,
                    .direction = DIRECTION_OUTBOUND,
                    .count = 3,
                    .offset = 12},
        .indicator = {.key = {.type = OBSERVABLE_DOMAIN_NAME, .where = WHERE_ANY}, .source_count = 2},
        .sources =
            {{.valid_from_ns = INDICATOR_ALWAYS, .valid_until_ns = INDICATOR_EVER, .confidence = 60, .tlp = TLP_GREEN},
             {.valid_from_ns = INDICATOR_ALWAYS, .confidence = 80, .tlp = TLP_RED}},
        .sensor = {.name = "tap-1", .country = "CL", .tlp = TLP_AMBER},
    };
    e->finding.key.time_ns = time_of("2026-11-21T02:00:00.123456Z");
    e->finding.last_ns = time_of("2026-11-21T02:00:07Z");
    e->finding.tuple.src = address_of("128.232.110.120");
    e->finding.tuple.dst = address_of("66.35.250.204");
    example_value(e, OBSERVABLE_DOMAIN_NAME, WHERE_TLS_SNI, text_of("c2.bad.example"), text_of("c2.bad.example"));
    e->indicator.key.value = text_of("bad.example");
    e->sources[0].feed = text_of("urlhaus");
    e->sources[0].id = text_of("41");
    e->sources[0].tags = text_of("elf;mirai");
    e->sources[0].reference = text_of("https://feed.example/41");
    e->sources[0].category = category_of("malware-distribution");
    e->sources[1].feed = text_of("own");
    e->sources[1].description = text_of("seen at a member's");
    e->sources[1].valid_until_ns = time_of("2026-11-01T00:00:00Z");
    e->sources[1].category = category_of("c2-server");
    e->told = (struct told){.finding = &e->finding,
                            .indicator = &e->indicator,
                            .sources = e->sources,
                            .source_count = 2,
                            .sensor = &e->sensor,
                            .file = "tap.pcap",
                            .publisher = "local",
                            .seq = 41};
}

/* What was only seen: no indicator, no sources. */
static inline void example_observed(struct example *e)
{
    example_init(e);
    e->finding.kind = FINDING_OBSERVED;
    e->told.indicator = NULL;
    e->told.sources = NULL;
    e->told.source_count = 0;
}

#endif
