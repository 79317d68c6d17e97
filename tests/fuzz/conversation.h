/*
 * conversation: any octets as what two sides say to one another in one flow. The first octet is for the fuzzer; then
 * come pieces: an octet that says whose (its highest bit) and how long (eight times the others, plus one), and so many
 * octets. The sink touches all that it is told, and values must be in their canonical form.
 */
#ifndef VIGIA_TESTS_FUZZ_CONVERSATION_H
#define VIGIA_TESTS_FUZZ_CONVERSATION_H

#include <stdlib.h>

#include "wire/dissect.h"

struct conversation {
    struct flow_view view;
    struct dissect_flow flow;
    struct wire_counts counts;
    struct dissect_budget budget;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void touch(struct bytes b)
{
    volatile uint8_t seen;
    for (size_t i = 0; i < b.len; i++)
        (void)(seen = b.at[i]);
}

static void observable(void *to, struct flow_view *flow, const struct sighting *at, const struct observable *o)
{
    char again[OBSERVABLE_VALUE_MAX];
    (void)to, (void)flow, (void)at;
    touch(o->raw);
    if (observable_is_address(o->type))
        return;
    touch(o->value);
    must(o->value.len > 0 && o->value.len <= OBSERVABLE_VALUE_MAX);
    if (o->type == OBSERVABLE_DOMAIN_NAME)
        must(bytes_equal(bytes_of(again, name_canonical(o->value, again)), o->value));
}

static struct dissection moment(struct conversation *c, int side)
{
    static const struct sink sink = {.observable = observable, .kinds = UINT32_MAX};
    static const struct sighting at;
    static char room[DISSECT_PENDING_MAX];
    return (struct dissection){.view = &c->view,
                               .flow = &c->flow,
                               .at = &at,
                               .sink = &sink,
                               .counts = &c->counts,
                               .budget = &c->budget,
                               .side = side,
                               .room = room};
}

/* The next piece alone in memory, so that a step too far is seen; the caller frees it. */
static bool next_piece(struct cursor *c, int *side, struct bytes *piece)
{
    if (!cursor_left(c))
        return false;
    uint8_t head = cursor_u8(c);
    size_t len = (size_t)(head & 127) * 8 + 1;
    *side = head >> 7;
    *piece = cursor_take(c, len < cursor_left(c) ? len : cursor_left(c));
    uint8_t *copy = malloc(piece->len + 1);
    must(copy);
    memcpy(copy, piece->at, piece->len);
    piece->at = copy;
    return true;
}

static void finish(struct conversation *c)
{
    struct dissection d = moment(c, 0);
    dissect_end(&d);
    must(c->budget.held == 0);
}

#endif
