/*
 * A capture ends at its clean end or at the first record that cannot be; what was damaged is said with its offset.
 */
#include "wire/capture.h"

#include <inttypes.h>

bool capture_open(struct capture *c, struct bytes octets, struct fail *why)
{
    struct cursor at = cursor_of(octets);
    c->octets = octets;
    if (!record_begin(&c->begins, &at, why))
        return false;
    c->begins_at = (size_t)(at.at - octets.at);
    return true;
}

void capture_walk_begin(struct capture_walk *w, const struct capture *c, struct capture_refill refill)
{
    w->capture = c;
    w->refill = refill;
    w->reader = c->begins;
    w->at = cursor_of(bytes_from(c->octets, c->begins_at));
    w->passed = 0;
    w->block_begins = c->octets.at;
    w->damage.text[0] = '\0';
}

uint64_t capture_passed(const struct capture_walk *w)
{
    return w->passed + (uint64_t)(w->at.at - w->block_begins);
}

static bool refilled(struct capture_walk *w)
{
    struct bytes block;
    uint64_t passed = capture_passed(w);
    if (!w->refill.next || !w->refill.next(w->refill.to, &block))
        return false;
    w->passed = passed;
    w->block_begins = block.at;
    w->at = cursor_of(block);
    return true;
}

static enum capture_verdict broken(struct capture_walk *w)
{
    fail_at(&w->damage, "offset %" PRIu64, capture_passed(w));
    w->at.at = w->at.end;
    w->refill.next = NULL;
    return CAPTURE_END;
}

enum capture_verdict capture_next(struct capture_walk *w, struct frame *out)
{
    for (;;) {
        switch (record_next(&w->reader, &w->at, out, &w->damage)) {
        case RECORD_FRAME: return CAPTURE_FRAME;
        case RECORD_BROKEN: return broken(w);
        case RECORD_MORE: break;
        }
        if (cursor_left(&w->at)) {
            fail_set(&w->damage, "truncated: the last record is not whole (packet %" PRIu64 ")", w->reader.frames + 1);
            return broken(w);
        }
        if (!refilled(w))
            return CAPTURE_END;
    }
}
