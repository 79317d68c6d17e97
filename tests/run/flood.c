/*
 * Facts of the flood guard: what is told, what is folded, that nothing is lost uncounted, and what happens at the
 * bound.
 */
#include "run/flood.h"

#include <criterion/criterion.h>

#define SECOND INT64_C(1000000000)

enum { A = 1, B = 2, C = 3 };

/* One finding after another, as a token bucket of 3 that fills at 60 a minute sees them. */
static const struct {
    uint64_t indicator;
    int64_t at_ms;
    bool told;
    uint64_t folded;
} row[] = {
    {A, 0, true, 0},     {A, 0, true, 0},     {A, 0, true, 0},      {A, 0, false, 0},    {A, 999, false, 0},
    {B, 999, true, 0},   {A, 1000, true, 2},  {A, 1000, false, 0},  {B, 1000, true, 0},  {A, 1999, false, 0},
    {A, 2000, true, 2},  {A, 4000, true, 0},  {A, 4000, true, 0},   {A, 4000, false, 0}, {A, 60000, true, 1},
    {A, 60000, true, 0}, {A, 60000, true, 0}, {A, 60000, false, 0},
};

Test(flood, tells_a_burst_then_at_its_rate_and_counts_what_it_folds)
{
    struct flood f;
    flood_init(&f, 60, 3, 8);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint64_t folded = 99;
        cr_expect_eq(flood_lets(&f, row[i].indicator, row[i].at_ms * 1000000, &folded), row[i].told, "row %zu", i);
        cr_expect_eq(folded, row[i].folded, "row %zu: %lu", i, (unsigned long)folded);
    }
    cr_expect_eq(f.folded, 6);
    cr_expect_eq(f.forgotten, 0);
    flood_clear(&f);
}

/* Whatever the pattern, in any span there are told at most burst + rate * span, and told and folded add up. */
Test(flood, never_tells_more_than_burst_and_rate_allow)
{
    struct flood f;
    uint64_t told = 0, folded = 0, sum = 0;
    uint32_t state = 1;
    int64_t now = 0;
    flood_init(&f, 7, 5, 4);
    for (int i = 0; i < 100000; i++) {
        state = state * 1664525 + 1013904223;
        now += (state >> 16) % 100 * 1000000;
        told += flood_lets(&f, A, now, &folded);
        sum += folded;
    }
    cr_expect_leq(told, 5 + (uint64_t)(now / (60 * SECOND / 7)));
    cr_expect_geq(told + 1, 5 + (uint64_t)(now / (60 * SECOND / 7)), "and no less, since it was never quiet");
    while (flood_due(&f, now, 0, &(uint64_t){0}, &folded))
        sum += folded;
    cr_expect_eq(told + sum, 100000);
    cr_expect_eq(sum, f.folded);
    flood_clear(&f);
}

static void fold(struct flood *f, uint64_t indicator, int64_t now_ns, int times)
{
    uint64_t folded;
    while (flood_lets(f, indicator, now_ns, &folded))
        ;
    while (--times > 0)
        flood_lets(f, indicator, now_ns, &folded);
}

Test(flood, says_what_has_waited_oldest_first)
{
    struct flood f;
    uint64_t indicator = 0, folded = 0;
    flood_init(&f, 1, 2, 8);
    cr_expect_not(flood_due(&f, 100 * SECOND, 0, &indicator, &folded));
    fold(&f, B, 10 * SECOND, 5);
    fold(&f, A, 11 * SECOND, 3);
    fold(&f, C, 13 * SECOND, 1);
    flood_lets(&f, B, 12 * SECOND, &folded); /* one more does not make it younger */
    cr_expect_not(flood_due(&f, 15 * SECOND - 1, 5 * SECOND, &indicator, &folded));
    cr_expect(flood_due(&f, 16 * SECOND, 5 * SECOND, &indicator, &folded));
    cr_expect_eq(indicator, B);
    cr_expect_eq(folded, 6);
    cr_expect(flood_due(&f, 16 * SECOND, 5 * SECOND, &indicator, &folded));
    cr_expect_eq(indicator, A);
    cr_expect_eq(folded, 3);
    cr_expect_not(flood_due(&f, 16 * SECOND, 5 * SECOND, &indicator, &folded));
    flood_lets(&f, C, 90 * SECOND, &folded);
    cr_expect_eq(folded, 1, "told with the next finding,");
    cr_expect_not(flood_due(&f, 200 * SECOND, 0, &indicator, &folded), "and so no more due");
    flood_clear(&f);
}

Test(flood, forgets_the_one_met_longest_ago_and_counts_what_it_had_folded)
{
    struct flood f;
    uint64_t folded, indicator;
    flood_init(&f, 1, 1, 2);
    fold(&f, A, 0, 4);
    fold(&f, B, 0, 2);
    flood_lets(&f, A, 1, &folded); /* now B is the one met longest ago */
    cr_expect(flood_lets(&f, C, 2, &folded));
    cr_expect_eq(f.forgotten, 2);
    cr_expect_not(flood_lets(&f, A, 3, &folded), "A is still known");
    cr_expect(flood_lets(&f, B, 4, &folded), "B begins anew");
    cr_expect_eq(folded, 0);
    cr_expect(flood_due(&f, 5, 0, &indicator, &folded));
    cr_expect_eq(indicator, A);
    cr_expect_eq(folded, 6);
    cr_expect_eq(f.folded, 8);
    flood_clear(&f);
}

/* Many more indicators than there is room for, half of them alike in the 32 bits that the table keeps. */
Test(flood, adds_up_at_its_bound)
{
    struct flood f;
    uint64_t told = 0, reported = 0, folded, indicator;
    uint32_t state = 7;
    flood_init(&f, 60, 1, 100);
    for (int i = 0; i < 200000; i++) {
        state = state * 1664525 + 1013904223;
        uint64_t which = (state >> 8) % 300;
        told += flood_lets(&f, which & 1 ? which : which << 32, i * (SECOND / 1000), &folded);
        reported += folded;
        if (i % 1000 == 0)
            while (flood_due(&f, i * (SECOND / 1000), SECOND / 2, &indicator, &folded))
                reported += folded;
        cr_assert_leq(f.count, 100);
    }
    while (flood_due(&f, INT64_MAX / 2, 0, &indicator, &folded))
        reported += folded;
    cr_expect_gt(f.forgotten, 0);
    cr_expect_eq(told + f.folded, 200000);
    cr_expect_eq(reported + f.forgotten, f.folded);
    flood_clear(&f);
}

Test(flood, takes_other_settings_while_it_runs)
{
    struct flood f;
    uint64_t folded;
    flood_init(&f, 1, 1, 4);
    fold(&f, A, 0, 3);
    flood_renew(&f, 60, 10);
    cr_expect(flood_lets(&f, A, 51 * SECOND, &folded), "nine seconds of sixty are owed still: one of ten tokens");
    cr_expect_eq(folded, 3);
    cr_expect_not(flood_lets(&f, A, 51 * SECOND, &folded));
    flood_clear(&f);
}

/* Who asks first can tell of what would be forgotten: then told and folded add up over any number of indicators. */
Test(flood, gives_what_it_forgets_to_who_asks_first)
{
    struct flood f;
    uint64_t told = 0, sum = 0, folded, other;
    uint32_t state = 7;
    flood_init(&f, 60, 2, 4);
    for (int i = 0; i < 10000; i++) {
        state = state * 1664525 + 1013904223;
        uint64_t indicator = 1 + (state >> 16) % 3 + (i % 20 == 0) * (state >> 20) % 50;
        if (flood_forgets(&f, indicator, &other, &folded)) {
            cr_expect_neq(other, indicator);
            cr_expect_gt(folded, 0);
            sum += folded;
        }
        told += flood_lets(&f, indicator, i * SECOND / 50, &folded);
        sum += folded;
    }
    cr_expect_eq(f.forgotten, 0);
    cr_expect_not(flood_forgets(&f, 1, &other, &folded) && other == 1);
    while (flood_due(&f, 1000 * SECOND, 0, &other, &folded))
        sum += folded;
    cr_expect_eq(told + sum, 10000, "%lu + %lu", (unsigned long)told, (unsigned long)sum);
    flood_clear(&f);
}
