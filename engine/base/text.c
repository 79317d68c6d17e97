/*
 * text: each scanner walks its view once. The calendar is counted in days (proleptic Gregorian, years that begin in
 * March, so that the leap day is a year's last), without the C library's.
 */
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define DAY_S 86400

/* Digits' values, -1 for other octets. */
static int hex_digit(uint8_t octet)
{
    if (octet >= '0' && octet <= '9')
        return octet - '0';
    uint8_t lower = octet | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_digit(uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

bool text_number(struct bytes text, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.at[i]))
            return false;
        unsigned digit = text.at[i] - '0';
        if (n > max / 10 || digit > max - n * 10)
            return false;
        n = n * 10 + digit;
    }
    if (text.len == 0)
        return false;
    *out = n;
    return true;
}

size_t text_number_write(int64_t number, char out[TEXT_NUMBER_MAX])
{
    char digits[TEXT_NUMBER_MAX];
    char *at = digits + sizeof digits;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    *--at = 0;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *--at = '-';
    size_t len = (size_t)(digits + sizeof digits - at) - 1;
    memcpy(out, at, len + 1);
    return len;
}

static size_t digits_in(struct bytes text)
{
    size_t n = 0;
    while (n < text.len && is_digit(text.at[n]))
        n++;
    return n;
}

static bool is_decimal(struct bytes text)
{
    text = bytes_from(text, text.len && (*text.at == '-' || *text.at == '+'));
    size_t whole = digits_in(text), fraction = 0;
    text = bytes_from(text, whole);
    if (text.len && *text.at == '.') {
        fraction = digits_in(bytes_from(text, 1));
        text = bytes_from(text, 1 + fraction);
    }
    if (whole + fraction == 0)
        return false;
    if (text.len == 0)
        return true;
    if ((*text.at | 0x20) != 'e')
        return false;
    text = bytes_from(text, 1);
    text = bytes_from(text, text.len && (*text.at == '-' || *text.at == '+'));
    return text.len > 0 && digits_in(text) == text.len;
}

bool text_decimal(struct bytes text, double *out)
{
    char room[TEXT_DECIMAL_MAX + 1];
    if (text.len > TEXT_DECIMAL_MAX || !is_decimal(text))
        return false;
    memcpy(room, text.at, text.len);
    room[text.len] = 0;
    double number = strtod(room, NULL); /* of what it reads, all has been looked at; the locale is never set */
    if (!isfinite(number))
        return false;
    *out = number;
    return true;
}

bool text_hex(struct bytes text, uint8_t *out)
{
    if (text.len % 2 || !text_is_hex(text))
        return false;
    for (size_t i = 0; i < text.len; i += 2)
        out[i / 2] = (uint8_t)(hex_digit(text.at[i]) << 4 | hex_digit(text.at[i + 1]));
    return true;
}

bool text_is_hex(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (hex_digit(text.at[i]) < 0)
            return false;
    return text.len > 0;
}

void text_hex_write(struct bytes b, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < b.len; i++) {
        *out++ = digits[b.at[i] >> 4];
        *out++ = digits[b.at[i] & 15];
    }
    *out = 0;
}

/* Days from 1970-01-01 to a day of a year that is positive. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

/* The other way round, for days from the year 0 on. */
static void date_of(int64_t days, int *year, int *month, int *day)
{
    int64_t from_march_0 = days + 719468;
    int64_t era = from_march_0 / 146097, of_era = from_march_0 % 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(era * 400 + year_of_era + (*month <= 2));
}

static int64_t month_days(int64_t year, int64_t month)
{
    return month == 12 ? 31 : days_of(year, month + 1, 1) - days_of(year, month, 1);
}

/* Exactly `digits` of them. An overrun gives no digits either. */
static bool take_digits(struct cursor *c, size_t digits, int64_t min, int64_t max, int64_t *out)
{
    uint64_t n;
    if (!text_number(cursor_take(c, digits), (uint64_t)max, &n) || (int64_t)n < min)
        return false;
    *out = (int64_t)n;
    return true;
}

static bool take_octet(struct cursor *c, char octet)
{
    if (c->at == c->end || *c->at != octet)
        return false;
    c->at++;
    return true;
}

static bool take_date(struct cursor *c, int64_t *days)
{
    int64_t year, month, day;
    if (!take_digits(c, 4, 1678, 2261, &year) || !take_octet(c, '-') || !take_digits(c, 2, 1, 12, &month) ||
        !take_octet(c, '-') || !take_digits(c, 2, 1, month_days(year, month), &day))
        return false;
    *days = days_of(year, month, day);
    return true;
}

/* What follows the point: digits beyond the ninth are cut off. */
static bool take_fraction(struct cursor *c, int64_t *ns)
{
    const uint8_t *start = c->at;
    *ns = 0;
    for (int64_t unit = TEXT_SECOND_NS / 10; c->at < c->end && is_digit(*c->at); c->at++, unit /= 10)
        *ns += (*c->at - '0') * unit;
    return c->at > start;
}

/* Seconds east of Greenwich. */
static bool take_zone(struct cursor *c, int64_t *east_s)
{
    *east_s = 0;
    if (c->at == c->end || take_octet(c, 'Z') || take_octet(c, 'z'))
        return true;
    bool west = take_octet(c, '-');
    int64_t hours, minutes;
    if ((!west && !take_octet(c, '+')) || !take_digits(c, 2, 0, 23, &hours))
        return false;
    (void)take_octet(c, ':');
    if (!take_digits(c, 2, 0, 59, &minutes))
        return false;
    *east_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

/* A leap second (RFC 3339, 5.7: second 60, only at 23:59 UTC) has no number of its own in time since 1970: it is the
 * last nanosecond of the second before it, so that it stays on its day and before all that follows. */
static bool take_time_of_day(struct cursor *c, int64_t *s, int64_t *ns)
{
    int64_t hour, minute, second, east_s;
    if (!take_digits(c, 2, 0, 23, &hour) || !take_octet(c, ':') || !take_digits(c, 2, 0, 59, &minute) ||
        !take_octet(c, ':') || !take_digits(c, 2, 0, 60, &second))
        return false;
    *ns = 0;
    if (take_octet(c, '.') && !take_fraction(c, ns))
        return false;
    if (!take_zone(c, &east_s))
        return false;
    *s = hour * 3600 + minute * 60 + second - east_s;
    if (second < 60)
        return true;
    *s -= 1;
    *ns = TEXT_SECOND_NS - 1;
    return (*s % DAY_S + DAY_S) % DAY_S == DAY_S - 1;
}

bool text_time(struct bytes text, int64_t *ns, bool *date_only)
{
    struct cursor c = cursor_of(text);
    int64_t days, second = 0, fraction_ns = 0;
    if (!take_date(&c, &days))
        return false;
    bool date = cursor_left(&c) == 0;
    if (!date) {
        if (!take_octet(&c, 'T') && !take_octet(&c, 't') && !take_octet(&c, ' '))
            return false;
        if (!take_time_of_day(&c, &second, &fraction_ns) || cursor_left(&c) > 0)
            return false;
    }
    *date_only = date;
    *ns = (days * DAY_S + second) * TEXT_SECOND_NS + fraction_ns;
    return true;
}

static char *write_digits(char *to, int64_t n, int digits)
{
    for (int i = digits - 1; i >= 0; i--, n /= 10)
        to[i] = (char)('0' + n % 10);
    return to + digits;
}

size_t text_time_write(int64_t ns, int digits, char out[TEXT_TIME_MAX])
{
    assert(digits >= 0 && digits <= 9);
    int64_t s = ns / TEXT_SECOND_NS - (ns % TEXT_SECOND_NS < 0);
    int64_t days = s / DAY_S - (s % DAY_S < 0);
    int64_t of_day = s - days * DAY_S;
    int64_t fraction = ns % TEXT_SECOND_NS + (ns % TEXT_SECOND_NS < 0 ? TEXT_SECOND_NS : 0);
    int year, month, day;
    date_of(days, &year, &month, &day);
    const struct {
        int64_t n;
        int digits;
        char behind;
    } parts[] = {{year, 4, '-'},
                 {month, 2, '-'},
                 {day, 2, 'T'},
                 {of_day / 3600, 2, ':'},
                 {of_day / 60 % 60, 2, ':'},
                 {of_day % 60, 2, digits ? '.' : 'Z'}};
    char *to = out;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        to = write_digits(to, parts[i].n, parts[i].digits);
        *to++ = parts[i].behind;
    }
    if (digits) {
        for (int i = digits; i < 9; i++)
            fraction /= 10;
        to = write_digits(to, fraction, digits);
        *to++ = 'Z';
    }
    *to = 0;
    return (size_t)(to - out);
}

bool text_line(struct bytes *rest, struct bytes *line)
{
    if (rest->len == 0)
        return false;
    size_t len = bytes_find(*rest, '\n');
    *line = bytes_until(*rest, len);
    if (len < rest->len && len > 0 && line->at[len - 1] == '\r')
        line->len--;
    *rest = bytes_from(*rest, len + 1);
    return true;
}

static bool is_trail(uint8_t octet, uint8_t min, uint8_t max)
{
    return octet >= min && octet <= max;
}

/* RFC 3629, 4: the second octet's range is what keeps out overlong forms, surrogates and what is above U+10FFFF. */
size_t text_utf8_step(struct bytes text)
{
    if (text.len == 0)
        return 0;
    uint8_t lead = text.at[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (len == 0 || text.len < len)
        return 0;
    uint8_t min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (!is_trail(text.at[1], min, max))
        return 0;
    for (size_t i = 2; i < len; i++)
        if (!is_trail(text.at[i], 0x80, 0xbf))
            return 0;
    return len;
}

bool text_is_utf8(struct bytes text)
{
    if (bytes_find(text, 0) < text.len)
        return false;
    for (size_t i = 0; i < text.len;) {
        size_t step = text_utf8_step(bytes_from(text, i));
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}
