#include "base/table.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static uint32_t found(const struct table *t, uint64_t hash, uint32_t value)
{
    uint32_t times = 0;
    for (uint32_t slot = table_first(t, hash); slot != TABLE_NONE; slot = table_next(t, hash, slot))
        times += table_value(t, slot) == value;
    return times;
}

static uint32_t slot_of(const struct table *t, uint64_t hash, uint32_t value)
{
    uint32_t slot = table_first(t, hash);
    while (slot != TABLE_NONE && table_value(t, slot) != value)
        slot = table_next(t, hash, slot);
    return slot;
}

Test(table, holds_nothing_at_first)
{
    struct table t;
    table_init(&t, 10);
    cr_assert_eq(table_first(&t, 0), TABLE_NONE);
    cr_assert_null(t.entries);
    table_free(&t);
}

Test(table, gives_every_value_of_one_hash)
{
    struct table t;
    table_init(&t, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert(table_add(&t, 0xfeedULL << 32 | 7, i));
    uint32_t count = 0;
    for (uint32_t slot = table_first(&t, 7); slot != TABLE_NONE; slot = table_next(&t, 7, slot))
        count++;
    cr_assert_eq(count, 1000);
    cr_assert_eq(table_first(&t, 8), TABLE_NONE);
    table_free(&t);
}

Test(table, refuses_one_more_than_its_bound)
{
    struct table t;
    table_init(&t, 3);
    table_reserve(&t, 1000);
    cr_assert(table_add(&t, 1, 1) && table_add(&t, 2, 2) && table_add(&t, 3, 3));
    cr_assert_not(table_add(&t, 4, 4));
    table_remove(&t, slot_of(&t, 2, 2));
    cr_assert(table_add(&t, 4, 4));
    cr_assert_eq(found(&t, 2, 2), 0);
    cr_assert_eq(found(&t, 4, 4), 1);
    table_free(&t);
}

Test(table, keeps_a_third_of_its_slots_empty)
{
    struct table t;
    table_init(&t, 100000);
    for (uint32_t i = 0; i < 100000; i++) {
        table_add(&t, i * 0x9e3779b9u, i);
        cr_assert_leq((uint64_t)t.count * 3, ((uint64_t)t.mask + 1) * 2);
    }
    table_free(&t);
}

Test(table, does_not_move_once_room_was_reserved)
{
    struct table t;
    table_init(&t, 5000);
    table_reserve(&t, 5000);
    const struct table_entry *before = t.entries;
    for (uint32_t i = 0; i < 5000; i++)
        table_add(&t, i, i);
    cr_assert_eq(t.entries, before);
    table_free(&t);
}

/* Few tags, many of them at the end of the slots: long runs that wrap around, and every kind of hole. */
static const uint64_t crowded[] = {0, 1, 2, 3, 30, 31, 32, 33, 62, 63, 64, 65, 126, 127, 128, 254, 255, 0xffffffff};

Test(table, agrees_with_a_plain_list_through_random_adding_and_removing)
{
    enum { KINDS = sizeof crowded / sizeof crowded[0], VALUES = 400 };
    static bool in[VALUES]; /* the plain list; value v has hash crowded[v % KINDS] */
    struct table t;
    table_init(&t, 256);
    uint32_t count = 0;
    srandom(1);
    for (int step = 0; step < 20000; step++) {
        uint32_t v = (uint32_t)random() % VALUES;
        uint64_t hash = crowded[v % KINDS];
        if (in[v]) {
            table_remove(&t, slot_of(&t, hash, v));
            in[v] = false;
            count--;
        } else {
            bool added = table_add(&t, hash, v);
            cr_assert_eq(added, count < 256);
            in[v] = added;
            count += added;
        }
        cr_assert_eq(t.count, count);
        for (uint32_t w = step % 16; w < VALUES; w += 16)
            cr_assert_eq(found(&t, crowded[w % KINDS], w), in[w], "value %u at step %d", w, step);
    }
    table_free(&t);
}
