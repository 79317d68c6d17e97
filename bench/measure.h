/*
 * measure: asks one question of one file several times and prints one JSON line about it.
 *
 *     {"bench":"walk","value":…,"unit":"packets/s","runs":5,"median":…,"min":…,"max":…,
 *      "packets":…,"octets":…,"seconds":…}
 *
 * `value` is the median of the rates, `seconds` that of the times. The programs of bench/ are small and each is one
 * question, so that this is a header and not a library.
 */
#ifndef VIGIA_BENCH_MEASURE_H
#define VIGIA_BENCH_MEASURE_H

#include "base/clock.h"
#include "base/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MEASURE_RUNS = 5, MEASURE_RUNS_MAX = 1000 };

struct measured {
    uint64_t things; /* packets, lines */
    uint64_t octets; /* of them */
    double seconds;  /* that count, where what was made ready does not; 0: all of them */
};

/* Reads the file from its opening to its end; false with a reason. */
typedef bool measure_question(const char *path, struct measured *out, struct fail *why);

static inline int measure_by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The program's main: `FILE [RUNS]`. `things` is what the rate counts, in the plural. */
static inline int measure(const char *name, const char *things, measure_question *ask, int argc, char **argv)
{
    int runs = argc > 2 ? atoi(argv[2]) : MEASURE_RUNS;
    if (argc < 2 || argc > 3 || runs < 1 || runs > MEASURE_RUNS_MAX) {
        fprintf(stderr, "usage: %s FILE [RUNS]\n", argv[0]);
        return 2;
    }
    double seconds[MEASURE_RUNS_MAX];
    struct measured m = {.things = 0};
    for (int i = 0; i < runs; i++) {
        struct fail why = {.text = ""};
        m = (struct measured){.things = 0};
        int64_t begin = clock_monotonic_ns();
        bool whole = ask(argv[1], &m, &why);
        seconds[i] = m.seconds > 0 ? m.seconds : (double)(clock_monotonic_ns() - begin) / 1e9;
        if (!whole) {
            fprintf(stderr, "%s: %s: %s\n", name, argv[1], why.text);
            return 1;
        }
    }
    qsort(seconds, (size_t)runs, sizeof *seconds, measure_by_value);
    double rate = (double)m.things / seconds[runs / 2];
    printf("{\"bench\":\"%s\",\"value\":%.0f,\"unit\":\"%s/s\",\"runs\":%d,\"median\":%.0f,\"min\":%.0f,\"max\":%.0f,"
           "\"%s\":%" PRIu64 ",\"octets\":%" PRIu64 ",\"seconds\":%.6f}\n",
           name, rate, things, runs, rate, (double)m.things / seconds[runs - 1], (double)m.things / seconds[0], things,
           m.things, m.octets, seconds[runs / 2]);
    return 0;
}

#endif
