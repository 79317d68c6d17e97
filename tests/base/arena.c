#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"

Test(arena, gives_zeroed_aligned_memory_of_its_own)
{
    enum { PIECES = 5000 };
    static uint8_t *pieces[PIECES];
    static size_t lens[PIECES];
    struct arena a = {0};
    srand(1);
    for (int i = 0; i < PIECES; i++) {
        lens[i] = (size_t)(rand() % 50 ? rand() % 300 : rand() % 200000);
        pieces[i] = arena_take(&a, lens[i]);
        cr_assert_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < lens[i]; k++)
            cr_assert_eq(pieces[i][k], 0);
        memset(pieces[i], i % 255 + 1, lens[i]);
    }
    for (int i = 0; i < PIECES; i++)
        for (size_t k = 0; k < lens[i]; k++)
            cr_assert_eq(pieces[i][k], i % 255 + 1, "a later piece lies in piece %d", i);
    arena_free(&a);
    cr_expect_null(a.chunks);
    cr_expect_eq(a.bytes, 0);
}

Test(arena, tells_what_it_took_from_the_system)
{
    struct arena a = {0};
    size_t asked = 0;
    for (int i = 0; i < 10000; i++, asked += 100)
        arena_take(&a, 100);
    cr_expect_geq(a.bytes, asked);
    cr_expect_leq(a.bytes, asked + asked / 4 + (64 << 10), "little is lost");
    arena_free(&a);
}

Test(arena, a_large_piece_wastes_no_room_in_front)
{
    struct arena a = {0};
    uint8_t *first = arena_take(&a, 16);
    arena_take(&a, 1 << 20);
    cr_expect_eq((uint8_t *)arena_take(&a, 16), first + 16);
    arena_free(&a);
}

Test(arena, copies_with_a_nul_behind)
{
    struct arena a = {0};
    char text[] = "abc";
    struct bytes copy = arena_copy(&a, bytes_of(text, 2));
    text[0] = 'x';
    cr_expect_eq(copy.len, 2);
    cr_expect_str_eq((const char *)copy.at, "ab");
    cr_expect_str_eq(arena_text(&a, bytes_of(NULL, 0)), "");
    cr_expect_str_eq(arena_text(&a, bytes_of("a\0b", 3)), "a");
    arena_free(&a);
}

Test(arena, more_than_there_is_ends_the_program, .signal = SIGABRT)
{
    struct arena a = {0};
    arena_take(&a, SIZE_MAX);
}
