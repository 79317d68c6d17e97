#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "trend/window.h"

/* Time is told in slots here: slot s begins at s * SLOT. */
#define SLOT INT64_C(60000000000)

enum { CELLS = 1000, SLOTS = 8 };

static char told[1 << 14];
static size_t told_len;

static void on_cell(void *to, int64_t slot_ns, uint32_t cell, uint64_t count)
{
    (void)to;
    told_len += (size_t)snprintf(told + told_len, sizeof told - told_len, "%" PRId64 ":%" PRIu32 "=%" PRIu64 " ",
                                 slot_ns / SLOT, cell, count);
}

static void on_closed(void *to, int64_t slot_ns, uint64_t slots)
{
    (void)to;
    if (slots == 1)
        told_len += (size_t)snprintf(told + told_len, sizeof told - told_len, "%" PRId64 ". ", slot_ns / SLOT);
    else
        told_len += (size_t)snprintf(told + told_len, sizeof told - told_len, "%" PRId64 "+%" PRIu64 ". ",
                                     slot_ns / SLOT, slots);
}

static const struct window_sink sink = {NULL, on_cell, on_closed};

static char *closed_of(struct window *w)
{
    told[told_len = 0] = 0;
    window_close(w, &sink);
    return told;
}

static char *look_of(struct window *w)
{
    told[told_len = 0] = 0;
    window_look(w, &sink);
    return told;
}

/* A lateness of two slots, a horizon of one, the clock at the begin of slot 100. */
static struct window *window_at_100(unsigned writers)
{
    return window_new(&(struct window_settings){
        .cells = CELLS,
        .slots = SLOTS,
        .writers = writers,
        .width_ns = SLOT,
        .lateness_ns = 2 * SLOT,
        .horizon_ns = SLOT,
        .start_ns = 100 * SLOT,
    });
}

Test(window, hands_out_a_slot_once_when_its_lateness_is_over)
{
    struct window *w = window_at_100(1);
    struct window_writer *a = window_writer(w, 0);
    window_add(a, 7, 100 * SLOT, 1);
    window_add(a, 7, 101 * SLOT - 1, 2);
    window_add(a, 999, 100 * SLOT + 5, 1);
    cr_assert(eq(str, closed_of(w), ""));
    window_pass(a, 103 * SLOT - 1); /* slots 98 and 99 are closed since 102 */
    cr_assert(eq(str, closed_of(w), "98+2. "));
    window_pass(a, 103 * SLOT);
    cr_assert(eq(str, closed_of(w), "100:7=3 100:999=1 100. "));
    cr_assert(eq(str, closed_of(w), ""));
    window_free(w);
}

/* Also of the slot that it added to last. */
Test(window, adds_no_more_to_a_slot_that_its_clock_has_closed)
{
    struct window *w = window_at_100(1);
    struct window_writer *a = window_writer(w, 0);
    cr_assert(window_add(a, 1, 100 * SLOT, 1) == WINDOW_COUNTED);
    window_pass(a, 103 * SLOT);
    cr_assert(window_add(a, 1, 100 * SLOT, 1) == WINDOW_LATE);
    cr_assert(eq(str, closed_of(w), "98+2. 100:1=1 100. "));
    window_free(w);
}

Test(window, counts_a_late_event_in_its_own_slot)
{
    struct window *w = window_at_100(1);
    struct window_writer *a = window_writer(w, 0);
    window_add(a, 1, 100 * SLOT, 1);
    window_pass(a, 102 * SLOT);
    window_add(a, 1, 102 * SLOT, 1);
    cr_assert(window_add(a, 1, 100 * SLOT + 3, 5) == WINDOW_COUNTED);
    window_pass(a, 103 * SLOT);
    cr_assert(eq(str, closed_of(w), "98+2. 100:1=6 100. "));
    window_free(w);
}

/* When an event comes, and what becomes of it: the clock stands in the middle of slot 110, so 108 is the first that is
 * open and 111 the last that is not early. */
static const struct {
    int64_t time_ns;
    enum window_verdict verdict;
} verdicts[] = {
    {108 * SLOT - 1, WINDOW_LATE},
    {108 * SLOT, WINDOW_COUNTED},
    {110 * SLOT + SLOT / 2, WINDOW_COUNTED},
    {112 * SLOT - 1, WINDOW_COUNTED},
    {112 * SLOT, WINDOW_EARLY},
    {0, WINDOW_LATE},
    {-1, WINDOW_LATE},
    {INT64_MIN, WINDOW_LATE},
    {INT64_MAX, WINDOW_EARLY},
    {INT64_C(4070908800000000000), WINDOW_EARLY}, /* 2099-01-01 */
};

Test(window, counts_what_comes_too_late_or_too_early_apart)
{
    struct window *w = window_at_100(1);
    struct window_writer *a = window_writer(w, 0);
    uint64_t count[4] = {0};
    window_pass(a, 110 * SLOT + SLOT / 2);
    closed_of(w);
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        cr_expect(window_add(a, 3, verdicts[i].time_ns, 10 + i) == verdicts[i].verdict, "%zu", i);
        count[verdicts[i].verdict] += 10 + i;
    }
    struct window_lost lost = window_lost(w);
    cr_assert(eq(u64, lost.late, count[WINDOW_LATE]));
    cr_assert(eq(u64, lost.early, count[WINDOW_EARLY]));
    cr_assert(eq(u64, lost.full, 0));
    cr_assert(eq(str, closed_of(w), "")); /* 2099 closed nothing */
    window_leave(a);
    cr_assert(eq(str, closed_of(w), "108:3=11 108. 109. 110:3=12 110. 111:3=13 111. "));
    window_free(w);
}

Test(window, waits_for_every_writer)
{
    struct window *w = window_at_100(3);
    for (unsigned i = 0; i < 3; i++)
        window_add(window_writer(w, i), 5, 100 * SLOT, 1U << i);
    window_pass(window_writer(w, 0), 105 * SLOT);
    window_pass(window_writer(w, 2), 104 * SLOT);
    cr_assert(eq(str, closed_of(w), ""));
    window_pass(window_writer(w, 1), 103 * SLOT);
    cr_assert(eq(str, closed_of(w), "98+2. 100:5=7 100. "));
    window_leave(window_writer(w, 1));
    cr_assert(eq(str, closed_of(w), "101. "));
    window_free(w);
}

Test(window, hands_out_what_is_open_when_all_have_left)
{
    struct window *w = window_at_100(2);
    window_add(window_writer(w, 1), 5, 101 * SLOT, 4);
    window_leave(window_writer(w, 0));
    cr_assert(eq(str, closed_of(w), ""));
    window_leave(window_writer(w, 1));
    cr_assert(eq(str, closed_of(w), "98+3. 101:5=4 101. "));
    cr_assert(eq(str, closed_of(w), ""));
    window_free(w);
}

/* The ring holds 8 slots from the first that was not collected (98) on. */
Test(window, counts_what_finds_no_room_since_another_stands_still)
{
    struct window *w = window_at_100(2);
    struct window_writer *a = window_writer(w, 0), *b = window_writer(w, 1);
    window_pass(a, 107 * SLOT);
    cr_assert(window_add(a, 1, 105 * SLOT, 1) == WINDOW_COUNTED);
    cr_assert(window_ready(a, 105 * SLOT) && !window_ready(a, 106 * SLOT));
    cr_assert(window_add(a, 1, 106 * SLOT, 3) == WINDOW_FULL);
    cr_assert(eq(u64, window_lost(w).full, 3));
    window_pass(b, 103 * SLOT);
    cr_assert(eq(str, closed_of(w), "98+3. "));
    cr_assert(window_ready(a, 106 * SLOT));
    cr_assert(window_add(a, 1, 106 * SLOT, 3) == WINDOW_COUNTED);
    window_leave(a), window_leave(b);
    cr_assert(eq(str, closed_of(w), "101+4. 105:1=1 105. 106:1=3 106. 107. "));
    window_free(w);
}

Test(window, begins_a_slot_of_the_ring_with_nothing_in_it)
{
    struct window *w = window_at_100(1);
    struct window_writer *a = window_writer(w, 0);
    for (int64_t slot = 100; slot < 100 + 5 * SLOTS; slot++) {
        char expected[64];
        window_pass(a, slot * SLOT);
        if (slot - 3 >= 100)
            snprintf(expected, sizeof expected, "%" PRId64 ":9=1 %" PRId64 ". ", slot - 3, slot - 3);
        else
            snprintf(expected, sizeof expected, slot > 100 ? "%" PRId64 ". " : "", slot - 3);
        cr_expect(eq(str, closed_of(w), expected));
        cr_expect(window_add(a, 9, slot * SLOT, 1) == WINDOW_COUNTED);
    }
    window_free(w);
}

/* From 1970 to 2026 in one step: one run of empty slots, at no cost. */
Test(window, jumps_over_years_in_one_run)
{
    struct window *w = window_at_100(2);
    window_add(window_writer(w, 0), 1, 100 * SLOT, 1);
    window_pass(window_writer(w, 0), 29920000 * SLOT);
    window_pass(window_writer(w, 1), 29920000 * SLOT);
    cr_assert(eq(str, closed_of(w), "98+2. 100:1=1 100. 101+29919897. "));
    cr_assert(window_add(window_writer(w, 1), 2, 29920000 * SLOT, 1) == WINDOW_COUNTED);
    window_free(w);
}

Test(window, shows_what_is_open_without_taking_it)
{
    struct window *w = window_at_100(2);
    window_add(window_writer(w, 0), 1, 101 * SLOT, 1);
    window_add(window_writer(w, 1), 1, 101 * SLOT, 2);
    window_add(window_writer(w, 1), 64, 99 * SLOT, 2);
    for (int i = 0; i < 2; i++)
        cr_assert(eq(str, look_of(w), "99:64=2 101:1=3 "));
    window_pass(window_writer(w, 0), 102 * SLOT);
    window_pass(window_writer(w, 1), 102 * SLOT);
    cr_assert(eq(str, closed_of(w), "98. 99:64=2 99. "));
    cr_assert(eq(str, look_of(w), "101:1=3 "));
    window_free(w);
}

Test(window, does_not_go_back_in_time)
{
    struct window *w = window_at_100(1);
    struct window_writer *a = window_writer(w, 0);
    window_pass(a, 110 * SLOT);
    window_pass(a, 100 * SLOT);
    window_pass(a, INT64_MIN);
    cr_assert(window_add(a, 1, 107 * SLOT, 1) == WINDOW_LATE);
    cr_assert(eq(str, closed_of(w), "98+10. "));
    window_free(w);
}

Test(window, takes_times_before_1970)
{
    struct window *w = window_new(&(struct window_settings){.cells = 1,
                                                            .slots = 4,
                                                            .writers = 1,
                                                            .width_ns = SLOT,
                                                            .lateness_ns = 0,
                                                            .horizon_ns = 0,
                                                            .start_ns = -5 * SLOT});
    struct window_writer *a = window_writer(w, 0);
    cr_assert(window_add(a, 0, -4 * SLOT - 1, 1) == WINDOW_COUNTED);
    cr_assert(window_add(a, 0, -5 * SLOT - 1, 1) == WINDOW_LATE);
    window_pass(a, -2 * SLOT);
    cr_assert(eq(str, closed_of(w), "-5:0=1 -5. -4+2. "));
    window_free(w);
}

Test(window, survives_a_clock_at_the_end_of_time)
{
    struct window *w = window_at_100(1);
    struct window_writer *a = window_writer(w, 0);
    window_pass(a, INT64_MAX);
    closed_of(w);
    cr_assert(window_add(a, 1, INT64_MAX - 2 * SLOT, 1) == WINDOW_COUNTED);
    cr_assert(window_add(a, 1, INT64_MAX, 1) == WINDOW_EARLY);
    cr_assert(window_add(a, 1, INT64_MIN, 1) == WINDOW_LATE);
    window_leave(a);
    closed_of(w);
    cr_assert(strstr(told, ":1=1 ") != NULL);
    window_free(w);
}
