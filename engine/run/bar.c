/*
 * Drawn five times a second at most.
 */
#include "run/bar.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define AFTER_NS INT64_C(1000000000)
#define EVERY_NS INT64_C(200000000)

enum { CELLS = 30 };

void bar_init(struct bar *b, uint64_t total)
{
    *b = (struct bar){.terminal = isatty(STDERR_FILENO), .total = total, .begun_ns = clock_monotonic_ns()};
}

void bar_draw(struct bar *b, uint64_t done)
{
    if (!b->terminal || !b->total)
        return;
    int64_t now = clock_monotonic_ns();
    if (now - b->begun_ns < AFTER_NS || now - b->drawn_ns < EVERY_NS)
        return;
    unsigned percent = (unsigned)((double)done * 100 / (double)b->total);
    int full = (int)(percent * CELLS / 100);
    fprintf(stderr, "\r\033[K[%.*s%*s] %u %%  %" PRIu64 " of %" PRIu64 " MiB", full, "##############################",
            CELLS - full, "", percent, done >> 20, b->total >> 20);
    b->drawn_ns = now;
    b->shown = true;
}

void bar_wipe(struct bar *b)
{
    if (b->shown)
        fputs("\r\033[K", stderr);
    b->shown = false;
}
