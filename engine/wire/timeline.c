/*
 * A binary heap over the captures' next frames. With one capture, which is the common case, the heap has nothing to do.
 */
#include "wire/timeline.h"

#include <stdlib.h>

static bool before(const struct timeline *t, uint32_t a, uint32_t b)
{
    int64_t left = t->heads[a].frame.time_ns;
    int64_t right = t->heads[b].frame.time_ns;
    return left != right ? left < right : t->heads[a].input < t->heads[b].input;
}

static void sink_down(struct timeline *t, uint32_t at)
{
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < t->live; child++)
            if (before(t, t->heap[child], t->heap[least]))
                least = child;
        if (least == at)
            return;
        uint32_t swap = t->heap[at];
        t->heap[at] = t->heap[least];
        t->heap[least] = swap;
        at = least;
    }
}

static bool advance(struct timeline_head *head)
{
    return capture_next(&head->walk, &head->frame) == CAPTURE_FRAME;
}

void timeline_init(struct timeline *t, const struct capture *const *captures, const uint32_t *inputs,
                   const struct capture_refill *refills, uint32_t count)
{
    *t = (struct timeline){.count = count, .clock_ns = INT64_MIN};
    t->heads = calloc(count ? count : 1, sizeof *t->heads);
    t->heap = calloc(count ? count : 1, sizeof *t->heap);
    if (!t->heads || !t->heap)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        capture_walk_begin(&t->heads[i].walk, captures[i], refills[i]);
        t->heads[i].input = inputs[i];
        t->heads[i].before_ns = INT64_MAX;
        if (advance(&t->heads[i]))
            t->heap[t->live++] = i;
    }
    for (uint32_t i = t->live / 2; i-- > 0;)
        sink_down(t, i);
}

/* A single timestamp from the future must not stop the clock for ever: behind the slack it goes on by the steps of the
 * frames that come. */
static void pass_time(struct timeline *t, struct timeline_head *head)
{
    int64_t time_ns = head->frame.time_ns;
    if (time_ns > t->clock_ns)
        t->clock_ns = time_ns;
    else if (time_ns < t->clock_ns - FINDING_SLACK_NS && t->clock_ns < INT64_MAX - TIMELINE_STEP_MAX_NS)
        t->clock_ns += time_ns <= head->before_ns                         ? 1
                       : time_ns - head->before_ns > TIMELINE_STEP_MAX_NS ? TIMELINE_STEP_MAX_NS
                                                                          : time_ns - head->before_ns;
    head->before_ns = time_ns;
}

bool timeline_next(struct timeline *t, struct frame *out, uint32_t *input)
{
    if (t->given) {
        if (!advance(&t->heads[t->heap[0]]))
            t->heap[0] = t->heap[--t->live];
        sink_down(t, 0);
    }
    t->given = t->live > 0;
    if (!t->given)
        return false;
    const struct timeline_head *first = &t->heads[t->heap[0]];
    *out = first->frame;
    *input = first->input;
    pass_time(t, &t->heads[t->heap[0]]);
    return true;
}

uint64_t timeline_passed(const struct timeline *t)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < t->count; i++)
        sum += capture_passed(&t->heads[i].walk);
    return sum;
}

const char *timeline_damage(const struct timeline *t, uint32_t i)
{
    return t->heads[i].walk.damage.text;
}

void timeline_clear(struct timeline *t)
{
    free(t->heads);
    free(t->heap);
}
