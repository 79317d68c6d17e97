/*
 * The order of findings, and their ids: the named parts as netstrings (`length:octets,`, so that no two lists of parts
 * make the same text), hashed under a namespace of vigia's own.
 */
#include "model/finding.h"
#include "base/digest.h"
#include <stdio.h>

const char *finding_status_name(enum finding_status s)
{
    static const char *const names[] = {
        [FINDING_OPENED] = "opened", [FINDING_UPDATED] = "updated", [FINDING_CLOSED] = "closed"};
    return names[s];
}

struct observable finding_observable(const struct finding *f)
{
    return (struct observable){
        .type = f->type,
        .where = f->where,
        .ech = f->ech,
        .port = f->port,
        .address = f->address,
        .value = finding_value(f),
        .raw = finding_excerpt(f),
    };
}

#define ORDER(a, b)                                                                                                    \
    if ((a) != (b))                                                                                                    \
    return (a) < (b) ? -1 : 1

int finding_order(const struct finding_key *a, const struct finding_key *b)
{
    ORDER(a->order_ns, b->order_ns);
    ORDER(a->time_ns, b->time_ns);
    ORDER(a->input, b->input);
    ORDER(a->packet, b->packet);
    ORDER(a->ordinal, b->ordinal);
    return 0;
}

#undef ORDER

/* The UUID of version 5 that RFC 4122 gives to the DNS name "vigia". */
static const uint8_t namespace[16] = {0xb0, 0x4c, 0x2a, 0x90, 0x71, 0xb9, 0x51, 0x6b,
                                      0x93, 0x40, 0xba, 0xe2, 0xca, 0x62, 0xad, 0x92};

enum {
    SENSOR_MAX = 255, /* octets by which sensors are told apart here */
    PART_MAX = sizeof "65535:" + sizeof ",",
    SMALL_PARTS = 12, /* numbers, types and addresses */
    SMALL_MAX = ADDRESS_TEXT_MAX + PART_MAX,
    ID_TEXT_MAX =
        sizeof namespace + 2 * (OBSERVABLE_VALUE_MAX + PART_MAX) + SENSOR_MAX + PART_MAX + SMALL_PARTS * SMALL_MAX,
};

struct parts {
    uint8_t text[ID_TEXT_MAX];
    size_t len;
};

static void part(struct parts *p, struct bytes b)
{
    p->len += (size_t)sprintf((char *)p->text + p->len, "%zu:", b.len);
    if (b.len)
        memcpy(p->text + p->len, b.at, b.len);
    p->len += b.len;
    p->text[p->len++] = ',';
}

static void part_text(struct parts *p, const char *text)
{
    part(p, bytes_text(text));
}

static void part_number(struct parts *p, int64_t number)
{
    char text[24];
    part(p, bytes_of(text, (size_t)snprintf(text, sizeof text, "%lld", (long long)number)));
}

static void part_address(struct parts *p, const struct address *a)
{
    char text[ADDRESS_TEXT_MAX];
    part(p, bytes_of(text, address_write(a, text)));
}

void finding_id(const struct finding *f, const char *sensor, const struct indicator_key *key, char out[FINDING_ID_MAX])
{
    static const char *const kinds[] = {[FINDING_HIT] = "hit", [FINDING_OBSERVED] = "observed"};
    char value[OBSERVABLE_VALUE_MAX];
    struct observable o = finding_observable(f);
    struct parts p = {.len = sizeof namespace};
    memcpy(p.text, namespace, sizeof namespace);

    part_text(&p, kinds[f->kind]);
    part(&p, bytes_of(sensor, strnlen(sensor, SENSOR_MAX)));
    part_text(&p, observable_type_name(f->type));
    part_text(&p, where_name(f->where));
    part(&p, bytes_of(value, observable_write(&o, value)));
    part_text(&p, observable_type_name(key->type));
    part_text(&p, where_name(key->where));
    part_text(&p, key->only ? "only" : "");
    part(&p, bytes_of(value, indicator_value_write(key, value)));
    part_number(&p, f->tuple.proto);
    part_address(&p, &f->tuple.src);
    part_number(&p, f->tuple.src_port);
    part_address(&p, &f->tuple.dst);
    part_number(&p, f->tuple.dst_port);
    part_number(&p, f->key.time_ns);
    part_number(&p, f->twin);

    uint8_t id[DIGEST_SHA1_BYTES];
    digest_sha1(bytes_of(p.text, p.len), id);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x50); /* version 5 */
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80); /* RFC 4122's variant */
    char *to = out;
    for (int i = 0; i < 16; i++)
        to += sprintf(to, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}
