/*
 * identity: the id of a finding, made from its parts: a UUID of version 5 (RFC 4122, 4.3) under a namespace of vigia's
 * own.
 *
 * The parts stand as netstrings (`length:octets,`), so that no two lists of parts make the same text. Whoever changes a
 * list makes an orphan of every id that was told before.
 *
 * Owner: the stack of whoever makes an id.
 */
#ifndef VIGIA_MODEL_IDENTITY_H
#define VIGIA_MODEL_IDENTITY_H

#include "base/address.h"

enum {
    IDENTITY_TEXT_MAX = 8 * 1024, /* octets of all parts; more is ours to avoid */
    IDENTITY_MAX = sizeof "00000000-0000-0000-0000-000000000000",
};

struct identity {
    size_t len;
    uint8_t text[IDENTITY_TEXT_MAX];
};

void identity_begin(struct identity *i);
void identity_add(struct identity *i, struct bytes part);
void identity_add_text(struct identity *i, const char *part);
void identity_add_number(struct identity *i, int64_t part);
void identity_add_address(struct identity *i, const struct address *part);
void identity_write(const struct identity *i, char out[IDENTITY_MAX]);

#endif
