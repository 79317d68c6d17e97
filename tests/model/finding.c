#include <criterion/criterion.h>

#include "model/finding.h"

static struct address address(const char *text)
{
    struct address a;
    cr_assert(address_read(bytes_text(text), &a), "%s", text);
    return a;
}

static struct finding sample(void)
{
    static const char value[] = "c2.bad.example", excerpt[] = "C2.bad.example";
    struct finding f = {
        .key =
            {.order_ns = 1606000000123456789, .time_ns = 1606000000123456789, .packet = 17, .input = 1, .ordinal = 9},
        .twin = 3,
        .kind = FINDING_HIT,
        .generation = 1,
        .indicator = 5,
        .match = MATCH_SUFFIX,
        .type = OBSERVABLE_DOMAIN_NAME,
        .where = WHERE_TLS_SNI,
        .tuple = {.src = address("192.0.2.7"),
                  .dst = address("198.51.100.9"),
                  .src_port = 49152,
                  .dst_port = 443,
                  .proto = PROTO_TCP},
        .last_ns = 1606000000123456789,
        .count = 1,
        .offset = 12,
        .value_len = sizeof value - 1,
        .excerpt_len = sizeof excerpt - 1,
    };
    memcpy(f.text, value, sizeof value - 1);
    memcpy(f.text + sizeof value - 1, excerpt, sizeof excerpt - 1);
    return f;
}

static struct indicator_key sample_key(void)
{
    return (struct indicator_key){
        .type = OBSERVABLE_DOMAIN_NAME, .where = WHERE_ANY, .value = bytes_text("bad.example")};
}

static const char *id_of(const struct finding *f, const char *sensor, const struct indicator_key *key)
{
    static char id[FINDING_ID_MAX];
    finding_id(f, sensor, key, id);
    return id;
}

/* Python: uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, "vigia"), "3:hit,5:tap-1,11:domain-name,7:tls.sni,…") */
Test(finding, has_the_id_that_rfc_4122_gives_to_its_parts)
{
    struct finding f = sample();
    struct indicator_key key = sample_key();
    cr_expect_str_eq(id_of(&f, "tap-1", &key), "5b000d18-c8ff-5b6d-a848-f52029efbcca");

    f.type = OBSERVABLE_IPV4_ADDR, f.where = WHERE_IP_DST, f.address = f.tuple.dst, f.value_len = 0;
    key = (struct indicator_key){.type = OBSERVABLE_IPV4_ADDR, .where = WHERE_ANY};
    key.block = (struct block){.address = address("198.51.100.0"), .bits = 120};
    cr_expect_str_eq(id_of(&f, "tap-1", &key), "076ba592-c223-5e90-943c-67fcdaadf6a7");
}

static bool has_sample_id(const struct finding *f, const char *sensor, const struct indicator_key *key)
{
    return strcmp(id_of(f, sensor, key), "5b000d18-c8ff-5b6d-a848-f52029efbcca") == 0;
}

Test(finding, has_another_id_when_any_named_part_differs)
{
#define DIFFERS(change)                                                                                                \
    do {                                                                                                               \
        struct finding f = sample();                                                                                   \
        struct indicator_key key = sample_key();                                                                       \
        const char *sensor = "tap-1";                                                                                  \
        cr_assert(has_sample_id(&f, sensor, &key));                                                                    \
        change;                                                                                                        \
        cr_expect_not(has_sample_id(&f, sensor, &key), #change);                                                       \
    } while (0)
    DIFFERS(sensor = "tap-2");
    DIFFERS(f.kind = FINDING_OBSERVED);
    DIFFERS(f.type = OBSERVABLE_URL);
    DIFFERS(f.where = WHERE_DNS_QUERY);
    DIFFERS(f.text[0] = 'x');
    DIFFERS(f.value_len--);
    DIFFERS(key.type = OBSERVABLE_URL);
    DIFFERS(key.where = WHERE_TLS_SNI);
    DIFFERS(key.only = true);
    DIFFERS(key.value = bytes_text("c2.bad.example"));
    DIFFERS(f.tuple.proto = PROTO_UDP);
    DIFFERS(f.tuple.src = f.tuple.dst);
    DIFFERS(f.tuple.dst = f.tuple.src);
    DIFFERS(f.tuple.src_port++);
    DIFFERS(f.tuple.dst_port++);
    DIFFERS(f.key.time_ns++);
    DIFFERS(f.twin++);
#undef DIFFERS
}

/* Python, as above, with "4:R-77," in place of the five parts of the tuple. */
Test(finding, of_an_event_has_the_id_of_its_reference)
{
    struct finding f = sample();
    struct indicator_key key = sample_key();
    f.of_event = true;
    f.reporter_len = 3;
    f.reference_len = 4;
    memcpy(f.text + f.value_len + f.excerpt_len, "whoR-77", 7);
    cr_expect_str_eq(id_of(&f, "tap-1", &key), "1e7e789a-1e72-5b71-b6cb-dd4ee54d67fd");
    f.tuple.src_port++, f.reporter_len = 2, memcpy(f.text + f.value_len + f.excerpt_len, "woR-77", 6);
    cr_expect_str_eq(id_of(&f, "tap-1", &key), "1e7e789a-1e72-5b71-b6cb-dd4ee54d67fd",
                     "neither tuple nor reporter is a part of it");
    f.text[f.value_len + f.excerpt_len + 5] = '8';
    cr_expect_str_neq(id_of(&f, "tap-1", &key), "1e7e789a-1e72-5b71-b6cb-dd4ee54d67fd");
}

Test(finding, keeps_its_id_when_anything_else_differs)
{
    struct finding f = sample();
    struct indicator_key key = sample_key();
    f.generation++, f.indicator++, f.count++, f.last_ns++, f.key.order_ns++, f.key.packet++, f.key.input++;
    f.status = FINDING_CLOSED, f.state = FLOW_ESTABLISHED, f.direction = DIRECTION_OUTBOUND, f.sensor++, f.offset = -1;
    f.match = MATCH_EXACT, f.tuple.vlans = 1, f.excerpt_len = 0;
    cr_expect(has_sample_id(&f, "tap-1", &key));
}

Test(finding, tells_parts_apart_that_run_into_each_other)
{
    struct finding f = sample();
    struct indicator_key key = sample_key();
    char one[FINDING_ID_MAX];
    f.value_len = 3, memcpy(f.text, "abc", 3);
    key.value = bytes_text("d.example");
    strcpy(one, id_of(&f, "tap-1", &key));
    f.value_len = 2;
    key.value = bytes_text("cd.example");
    cr_expect_str_neq(id_of(&f, "tap-1", &key), one);
}

Test(finding, has_an_id_with_the_longest_parts)
{
    struct finding f = sample();
    char value[OBSERVABLE_VALUE_MAX], sensor[1000];
    memset(value, 'v', sizeof value);
    memset(f.text, 'v', sizeof f.text);
    memset(sensor, 's', sizeof sensor);
    sensor[sizeof sensor - 1] = 0;
    f.type = OBSERVABLE_URL, f.value_len = OBSERVABLE_VALUE_MAX, f.excerpt_len = FINDING_EXCERPT_MAX;
    f.tuple.src = f.tuple.dst = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    f.key.time_ns = INT64_MIN, f.twin = UINT32_MAX;
    struct indicator_key key = {.type = OBSERVABLE_URL, .value = bytes_of(value, sizeof value)};
    cr_expect_eq(strlen(id_of(&f, sensor, &key)), FINDING_ID_MAX - 1);
}

Test(finding, is_ordered_by_time_then_input_then_packet_then_ordinal)
{
    static const struct finding_key ascending[] = {
        {.order_ns = 1, .time_ns = 9, .input = 9, .packet = 9, .ordinal = 9},
        {.order_ns = 2, .time_ns = 1, .input = 9, .packet = 9, .ordinal = 9},
        {.order_ns = 2, .time_ns = 2, .input = 0, .packet = 9, .ordinal = 9},
        {.order_ns = 2, .time_ns = 2, .input = 1, .packet = 1, .ordinal = 9},
        {.order_ns = 2, .time_ns = 2, .input = 1, .packet = 2, .ordinal = 0},
        {.order_ns = 2, .time_ns = 2, .input = 1, .packet = 2, .ordinal = 1},
    };
    enum { COUNT = sizeof ascending / sizeof *ascending };
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < COUNT; k++) {
            int order = finding_order(&ascending[i], &ascending[k]);
            cr_expect_eq((order > 0) - (order < 0), (i > k) - (i < k), "%d and %d", i, k);
        }
}

Test(finding, shows_its_observable)
{
    struct finding f = sample();
    f.ech = true;
    struct observable o = finding_observable(&f);
    cr_expect_eq(o.type, OBSERVABLE_DOMAIN_NAME);
    cr_expect_eq(o.where, WHERE_TLS_SNI);
    cr_expect(o.ech);
    cr_expect(bytes_equal(o.value, bytes_text("c2.bad.example")));
    cr_expect(bytes_equal(o.raw, bytes_text("C2.bad.example")));
    cr_expect_eq(finding_bytes(&f), offsetof(struct finding, text) + 28);
    cr_expect_str_eq(finding_status_name(FINDING_OPENED), "opened");
    cr_expect_str_eq(finding_status_name(FINDING_UPDATED), "updated");
    cr_expect_str_eq(finding_status_name(FINDING_CLOSED), "closed");
}
