/*
 * text: pure scanners of the small things that text is made of.
 *
 * Each reads all of its view or refuses: nothing before, nothing behind. No locale, no allocation. Any thread.
 */
#ifndef VIGIA_BASE_TEXT_H
#define VIGIA_BASE_TEXT_H

#include "base/bytes.h"

enum {
    TEXT_TIME_MAX = sizeof "2026-11-21T02:00:00.123456789Z",
    TEXT_NUMBER_MAX = sizeof "-9223372036854775808",
    TEXT_DECIMAL_MAX = 400,
};

#define TEXT_SECOND_NS INT64_C(1000000000)

/* Decimal digits only, at most `max`. */
bool text_number(struct bytes text, uint64_t max, uint64_t *out);

/* Decimal digits, of a negative number behind a minus, and NUL; returns the length. */
size_t text_number_write(int64_t number, char out[TEXT_NUMBER_MAX]);

/* A decimal number, with or without sign, fraction and exponent (-0.5, 5., .5, 1e3), as the nearest double; no blanks, no
 * hex, no infinity and no NaN, nothing that is too large for a double, at most TEXT_DECIMAL_MAX octets. */
bool text_decimal(struct bytes text, double *out);

/* Pairs of hex digits in either case; `out` holds text.len / 2. */
bool text_hex(struct bytes text, uint8_t *out);

bool text_is_hex(struct bytes text);

/* Lower-case hex digits of `b` into `out`, which holds 2 * b.len + 1; ends in NUL. */
void text_hex_write(struct bytes b, char *out);

/* RFC 3339 date-time, also with a blank for the T, without seconds' fraction or zone (then UTC), with a zone without
 * colon (as Suricata writes), or a date alone (then `*date_only`, and the time is its midnight UTC). Digits beyond the
 * nanosecond are cut off. A leap second (:60, only at 23:59 UTC) is the last nanosecond of the second before it.
 * Nanoseconds since 1970-01-01 UTC; years 1678 to 2261. */
bool text_time(struct bytes text, int64_t *ns, bool *date_only);

/* RFC 3339 in UTC with `digits` (0 to 9) of fraction, and NUL; returns the length. */
size_t text_time_write(int64_t ns, int digits, char out[TEXT_TIME_MAX]);

/* The next line of `*rest` without its LF or CRLF, and `*rest` behind it; false at the end. A last line without LF is
 * a line. */
bool text_line(struct bytes *rest, struct bytes *line);

/* Octets of the well-formed UTF-8 character (RFC 3629; NUL is one) in front of `text`; 0 when there is none. */
size_t text_utf8_step(struct bytes text);

/* Whether the octets are well-formed UTF-8 (RFC 3629) without NUL. */
bool text_is_utf8(struct bytes text);

#endif
