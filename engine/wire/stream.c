/*
 * Waiting segments are a sorted list that may overlap; what has gone out is trimmed off when their turn comes.
 */
#include "wire/stream.h"

#include <stdlib.h>

struct segment {
    struct segment *next;
    uint32_t seq;
    uint32_t len;
    uint32_t cut; /* octets behind these that were not captured */
    uint8_t octets[];
};

/* How far a is behind b in sequence space (RFC 9293, 3.4). */
static int32_t ahead(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

void stream_syn(struct stream *s, uint32_t seq)
{
    if (s->based)
        return;
    s->gap |= s->begun;
    s->next = seq + 1;
    s->begun = s->based = true;
}

/* Whether a segment lies so far off that it is passed over. Enough of them that continue one another are believed. */
static bool is_stray(struct stream *s, uint32_t seq, uint32_t end)
{
    if (ahead(s->next, end) <= STREAM_FAR_BEHIND && ahead(seq, s->next) <= STREAM_FAR_AHEAD) {
        s->strays = 0;
        return false;
    }
    s->strays = s->strays && seq == s->astray ? (uint8_t)(s->strays + 1) : 1;
    s->astray = end;
    if (s->strays < STREAM_STRAYS_MAX)
        return true;
    s->strays = 0;
    s->next = seq;
    s->gap = true;
    return false;
}

/* Gives out what of a segment is new. Its begin is at or before `next`. */
static void give(struct stream *s, uint32_t seq, struct bytes octets, uint32_t cut, stream_out *out, void *to)
{
    uint32_t known = s->next - seq;
    if (known < octets.len) {
        s->next = seq + (uint32_t)octets.len;
        out(to, bytes_from(octets, known), s->gap);
        s->gap = false;
    }
    if (cut && ahead(seq + (uint32_t)octets.len + cut, s->next) > 0) {
        s->next = seq + (uint32_t)octets.len + cut;
        s->gap = true;
    }
    s->doubt = 0;
}

static void let_go(struct stream *s, struct stream_budget *b)
{
    struct segment *gone = s->first;
    s->first = gone->next;
    s->held -= gone->len;
    s->segments--;
    b->held -= gone->len + sizeof *gone;
    free(gone);
}

static void give_waiting(struct stream *s, struct stream_budget *b, stream_out *out, void *to)
{
    while (s->first && ahead(s->first->seq, s->next) <= 0) {
        give(s, s->first->seq, bytes_of(s->first->octets, s->first->len), s->first->cut, out, to);
        let_go(s, b);
    }
}

static void give_up_hole(struct stream *s, struct stream_budget *b, stream_out *out, void *to)
{
    s->next = s->first->seq;
    s->gap = true;
    b->gaps++;
    give_waiting(s, b, out, to);
}

static void hold(struct stream *s, struct stream_budget *b, uint32_t seq, struct bytes octets, uint32_t cut)
{
    struct segment **at = &s->first;
    for (; *at && ahead((*at)->seq, seq) <= 0; at = &(*at)->next)
        if ((*at)->seq == seq && (*at)->len >= octets.len)
            return;
    struct segment *segment = malloc(sizeof *segment + octets.len);
    if (!segment)
        abort();
    *segment = (struct segment){.next = *at, .seq = seq, .len = (uint32_t)octets.len, .cut = cut};
    memcpy(segment->octets, octets.at, octets.len);
    *at = segment;
    s->held += segment->len;
    s->segments++;
    b->held += segment->len + sizeof *segment;
}

void stream_segment(struct stream *s, struct stream_budget *b, uint32_t seq, struct bytes octets, uint32_t cut,
                    stream_out *out, void *to)
{
    if (octets.len == 0 && cut == 0)
        return;
    if (!s->begun) {
        s->begun = true;
        s->next = seq;
    }
    uint32_t end = seq + (uint32_t)octets.len + cut;
    if (is_stray(s, seq, end))
        return;
    if (ahead(seq, s->next) <= 0) {
        give(s, seq, octets, cut, out, to);
        give_waiting(s, b, out, to);
        return;
    }
    size_t room = sizeof(struct segment) + octets.len;
    while (s->first &&
           (s->held + octets.len > STREAM_HELD_MAX || s->segments >= STREAM_SEGMENTS_MAX || b->held + room > b->max)) {
        b->pressed++;
        give_up_hole(s, b, out, to);
    }
    if (ahead(seq, s->next) > 0 && b->held + room <= b->max) {
        hold(s, b, seq, octets, cut);
        return;
    }
    if (ahead(seq, s->next) > 0) { /* no room at all: others hold it */
        b->pressed++;
        b->gaps++;
        s->next = seq;
        s->gap = true;
    }
    give(s, seq, octets, cut, out, to);
    give_waiting(s, b, out, to);
}

void stream_acked(struct stream *s, struct stream_budget *b, uint32_t ack, stream_out *out, void *to)
{
    if (!s->first || ahead(ack, s->first->seq) < 0)
        return;
    if (++s->doubt >= STREAM_DOUBT_MAX)
        give_up_hole(s, b, out, to);
}

void stream_end(struct stream *s, struct stream_budget *b, stream_out *out, void *to)
{
    while (s->first)
        give_up_hole(s, b, out, to);
    *s = (struct stream){.begun = false};
}

void stream_drop(struct stream *s, struct stream_budget *b)
{
    while (s->first)
        let_go(s, b);
    *s = (struct stream){.begun = false};
}
