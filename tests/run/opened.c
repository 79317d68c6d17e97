/*
 * Facts about who was told of a finding: each tier for itself, and the newest findings alone.
 */
#include "run/opened.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { GREEN = 1 << 1, AMBER = 1 << 2, RED = 1 << 4 };

/* One telling after another: of which finding, to whom, and to which of them it was told before. */
static const struct {
    const char *id;
    uint8_t tiers, before;
} row[] = {
    {"a", GREEN, 0},           {"a", GREEN, GREEN}, {"b", GREEN | RED, 0}, {"a", GREEN | AMBER, GREEN},
    {"a", AMBER | RED, AMBER}, {"b", RED, RED},     {"c", 0, 0}, /* to nobody */
    {"c", GREEN, 0},           {"c", GREEN, GREEN},
};

Test(opened, knows_for_each_tier_what_it_was_told)
{
    struct opened o;
    opened_init(&o, 8);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        cr_expect_eq(opened_tell(&o, row[i].id, row[i].tiers), row[i].before, "row %zu", i);
    opened_clear(&o);
}

Test(opened, forgets_the_oldest_and_no_other)
{
    enum { MAX = 100 };
    struct opened o;
    char id[16];
    opened_init(&o, MAX);
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "%d", i);
        cr_expect_eq(opened_tell(&o, id, GREEN), 0, "%s", id);
        for (int k = i >= MAX ? i - MAX : 0; k <= i; k++) {
            snprintf(id, sizeof id, "%d", k);
            cr_expect_eq(opened_tell(&o, id, 0), 0, "asking for nobody changes nothing");
        }
        snprintf(id, sizeof id, "%d", i < MAX ? 0 : i - MAX + 1);
        cr_expect_eq(opened_tell(&o, id, GREEN), GREEN, "%s is still known at %d", id, i);
    }
    cr_expect_eq(o.table.count, MAX);
    cr_expect_eq(opened_tell(&o, "899", GREEN), 0, "it was forgotten");
    opened_clear(&o);
}
