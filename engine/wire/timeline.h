/*
 * timeline: several captures as one, by timestamp; ties in the order of the inputs.
 *
 * A capture's own order is kept even where its timestamps run back: only the frames at the heads are compared. So the
 * order is a function of the inputs alone, the same for every worker.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_TIMELINE_H
#define VIGIA_WIRE_TIMELINE_H

#include "model/finding.h"
#include "wire/capture.h"

#define TIMELINE_STEP_MAX_NS (INT64_C(3600) * 1000000000)

struct timeline_head {
    struct capture_walk walk;
    struct frame frame;
    uint32_t input;
    int64_t before_ns; /* of the frame before */
};

struct timeline {
    struct timeline_head *heads;
    uint32_t *heap; /* indices into `heads`, earliest first */
    uint32_t live;  /* in the heap */
    uint32_t count;
    int64_t clock_ns; /* the greatest timestamp so far, or further: see timeline.c */
    bool given;       /* the heap's first was handed out and is to move on */
};

/* `captures[i]` is input `inputs[i]`; refills[i].next is NULL for files. */
void timeline_init(struct timeline *t, const struct capture *const *captures, const uint32_t *inputs,
                   const struct capture_refill *refills, uint32_t count);

/* The next frame and its input; false at the end of all. The frame is valid until the next call. */
bool timeline_next(struct timeline *t, struct frame *out, uint32_t *input);

/* Octets walked so far in all inputs. */
uint64_t timeline_passed(const struct timeline *t);

/* Why input `i` of `count` ended early, or the empty text. */
const char *timeline_damage(const struct timeline *t, uint32_t i);

void timeline_clear(struct timeline *t);

#endif
