/*
 * clock: the time of day and the time that passes. Only run/ asks; below it time is an argument.
 */
#ifndef VIGIA_BASE_CLOCK_H
#define VIGIA_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ns(void);      /* since 1970 UTC */
int64_t clock_monotonic_ns(void); /* since some start */

#endif
