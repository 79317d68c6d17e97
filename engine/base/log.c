/*
 * log: the line is made whole first and written at once; up to PIPE_BUF octets a write to a pipe is not torn apart.
 */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Thread_local struct {
    void (*also)(void *to, const char *line);
    void *to;
} listening;

static void write_line(const char *line, size_t len)
{
    while (len) {
        ssize_t done = write(STDERR_FILENO, line, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; /* nobody left to tell */
        line += done;
        len -= (size_t)done;
    }
}

/* C0, DEL, and the second octet of a C1 in UTF-8, which some terminals obey. */
static bool is_control(const char *at)
{
    unsigned char octet = (unsigned char)*at;
    return octet < 0x20 || octet == 0x7f || (octet >= 0x80 && octet < 0xa0 && (unsigned char)at[-1] == 0xc2);
}

__attribute__((format(printf, 2, 0))) static void say(const char *word, const char *format, va_list args)
{
    char line[PIPE_BUF];
    size_t len = (size_t)snprintf(line, sizeof line, "vigia: %s", word), said = len;
    vsnprintf(line + len, sizeof line - len, format, args);
    for (len = 0; line[len]; len++)
        if (is_control(line + len))
            line[len] = ' '; /* a file's name may hold line ends and escapes */
    if (listening.also)
        listening.also(listening.to, line + said);
    line[len] = '\n'; /* in place of the NUL */
    write_line(line, len + 1);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("error: ", format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("warning: ", format, args);
    va_end(args);
}

void log_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("", format, args);
    va_end(args);
}

void log_also(void (*also)(void *to, const char *line), void *to)
{
    listening.also = also;
    listening.to = to;
}
