/*
 * stix_pattern: what a STIX pattern (STIX 2.1, part 9) asks for, as values of which one alone, seen, makes it true.
 *
 * All of the grammar is read: observations with their operators and qualifiers, comparisons with theirs, object paths
 * with quoted keys and indices, every literal. Also read is what is seen in the wild: hash keys of any case, with
 * hyphen or without, quoted or not; `hostname:value` and `user-agent:value`; a lone backslash in a string.
 *
 * Taken is an equality, an IN list or, of addresses, ISSUBSET on a value that is one of our types, and any OR of such.
 * Of an AND within one observation only the strongest is taken (a file's hash before its name; an address and the port
 * of the same end are one ip-port), which looks for more than was asked: `warning` says so. A part of an OR that is
 * nothing to look for (NOT, LIKE, MATCHES, a registry key) is left out, with a warning. A pattern that needs several
 * observations, repetition or a time, or of which nothing is left, is beyond us, with the reason.
 *
 * A name stands for the names below it and a URL for what is below it, as in any indicator.
 *
 * Owner: one thread. What was read lives until the next pattern.
 */
#ifndef VIGIA_FEED_STIX_PATTERN_H
#define VIGIA_FEED_STIX_PATTERN_H

#include "base/buffer.h"
#include "model/observable.h"

enum {
    STIX_PATTERN_OCTETS_MAX = 1 << 20,
    STIX_PATTERN_DEPTH_MAX = 64, /* parentheses one in the other */
    STIX_PATTERN_VALUES_MAX = 65536,
};

struct stix_pattern {
    struct buffer text;
    struct buffer values;
};

enum stix_verdict {
    STIX_TAKEN,
    STIX_BEYOND,    /* well-formed, but no value alone makes it true */
    STIX_MALFORMED, /* not of the grammar, or out of bounds */
};

/* `why` says what is wrong with a pattern that is not taken; `warning` (may come back empty) how one is looked for
 * otherwise than it says. */
enum stix_verdict stix_pattern_read(struct stix_pattern *p, struct bytes pattern, struct fail *warning,
                                    struct fail *why);

/* Of a pattern that was taken. A value is as it was written, not yet canonical: `indicator_key_read` takes it. */
size_t stix_pattern_count(const struct stix_pattern *p);
struct bytes stix_pattern_value(const struct stix_pattern *p, size_t index, enum observable_type *type);

void stix_pattern_free(struct stix_pattern *p);

#endif
