/* Keys written by hand (addresses by inet_pton), so that these tests stand without the readers of model/. */
#ifndef VIGIA_TESTS_MATCH_KEYS_H
#define VIGIA_TESTS_MATCH_KEYS_H

#include "match/draft.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static inline struct block key_block(const char *text)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%s", text);
    char *slash = strchr(copy, '/');
    if (slash)
        *slash = 0;
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, copy, &v4) == 1)
        return (struct block){address_v4((const uint8_t *)&v4),
                              (uint8_t)(slash ? ADDRESS_V4_BITS + atoi(slash + 1) : 128)};
    cr_assert_eq(inet_pton(AF_INET6, copy, &v6), 1, "%s", text);
    return (struct block){address_v6((const uint8_t *)&v6), (uint8_t)(slash ? atoi(slash + 1) : 128)};
}

/* `text` of an ip-port is "192.0.2.1 443". */
static inline struct indicator_key key_of(enum observable_type type, const char *text)
{
    struct indicator_key key = {.type = type, .where = WHERE_ANY};
    char address[64];
    unsigned port = 0;
    if (!observable_is_address(type)) {
        key.value = bytes_text(text);
    } else if (type == OBSERVABLE_IP_PORT) {
        cr_assert_eq(sscanf(text, "%63s %u", address, &port), 2);
        key.block = key_block(address);
        key.port = (uint16_t)port;
    } else {
        key.block = key_block(text);
    }
    return key;
}

static inline struct observable key_seen(const struct indicator_key *key, enum where where)
{
    return (struct observable){
        .type = key->type, .where = where, .port = key->port, .address = key->block.address, .value = key->value};
}

static inline struct indicator_source key_source(const char *feed, const char *id)
{
    return (struct indicator_source){
        .feed = bytes_text(feed),
        .id = bytes_text(id),
        .tags = bytes_text("a;b"),
        .valid_from_ns = INDICATOR_ALWAYS,
        .valid_until_ns = INDICATOR_EVER,
        .confidence = INDICATOR_CONFIDENCE_UNKNOWN,
        .tlp = TLP_AMBER,
    };
}

static inline void key_add(struct draft *d, struct indicator_key key)
{
    struct indicator_source source = key_source("own", "");
    struct fail why = {0};
    cr_assert(draft_add(d, &key, &source, &why), "%s", why.text);
}

#endif
