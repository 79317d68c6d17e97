/*
 * bar: how far the work is, on a terminal's last line, once it has taken a second.
 *
 * Owner: the herald, which writes findings to the same terminal.
 */
#ifndef VIGIA_RUN_BAR_H
#define VIGIA_RUN_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct bar {
    bool terminal; /* stderr is one */
    bool shown;
    uint64_t total; /* octets; 0: unknown, nothing is shown */
    int64_t begun_ns;
    int64_t drawn_ns;
};

void bar_init(struct bar *b, uint64_t total);
void bar_draw(struct bar *b, uint64_t done);
void bar_wipe(struct bar *b); /* before anything else is written */

#endif
