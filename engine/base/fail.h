/*
 * fail: why something did not work, with its place.
 *
 * The error of an operator: a function that can fail for a reason worth telling takes `struct fail *why` and returns
 * false. The first cause wins; callers add the place in front (`fail_at`), outermost last:
 *     urlhaus.csv: line 12: domain-name: expected a host name, found "a b"
 * Untrusted text in a reason is made printable and cut short.
 *
 * Owner: the caller of the outermost function. Any thread.
 */
#ifndef VIGIA_BASE_FAIL_H
#define VIGIA_BASE_FAIL_H

#include "base/bytes.h"

enum { FAIL_TEXT_MAX = 512, FAIL_QUOTE_MAX = 80 };

struct fail {
    char text[FAIL_TEXT_MAX]; /* empty: nothing failed */
};

/* Sets the reason unless there is one already. Always false, so that `return fail_set(why, …)` reads well. */
bool fail_set(struct fail *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts `place: ` in front of the reason. Always false. */
bool fail_at(struct fail *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `text` with control and non-ASCII octets as \xNN, cut to FAIL_QUOTE_MAX and then ending in "...". The result lives
 * in `out`, which holds at least 4 * FAIL_QUOTE_MAX + 4 bytes. */
const char *fail_quote(struct bytes text, char out[4 * FAIL_QUOTE_MAX + 4]);

#endif
