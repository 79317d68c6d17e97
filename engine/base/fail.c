/*
 * fail: a reason is text from the start, of fixed size, so that failing allocates nothing and cannot fail.
 */
#include "base/fail.h"

#include <stdarg.h>
#include <stdio.h>

bool fail_set(struct fail *why, const char *format, ...)
{
    if (why->text[0])
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return false;
}

bool fail_at(struct fail *why, const char *format, ...)
{
    char whole[2 * FAIL_TEXT_MAX + 2] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(whole, FAIL_TEXT_MAX, format, args);
    va_end(args);
    size_t len = strnlen(whole, FAIL_TEXT_MAX - 1);
    snprintf(whole + len, sizeof whole - len, "%s%s", why->text[0] ? ": " : "", why->text);
    memcpy(why->text, whole, FAIL_TEXT_MAX - 1); /* of too much, the end of the innermost reason is lost */
    why->text[FAIL_TEXT_MAX - 1] = 0;
    return false;
}

const char *fail_quote(struct bytes text, char out[4 * FAIL_QUOTE_MAX + 4])
{
    char *to = out;
    struct bytes shown = bytes_until(text, FAIL_QUOTE_MAX);
    for (size_t i = 0; i < shown.len; i++) {
        uint8_t octet = shown.at[i];
        if (octet >= 0x20 && octet < 0x7f)
            *to++ = (char)octet;
        else
            to += sprintf(to, "\\x%02x", octet);
    }
    strcpy(to, shown.len < text.len ? "..." : "");
    return out;
}
