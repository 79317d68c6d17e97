/*
 * log: one line to stderr, whole, whoever writes at the same time.
 *
 * Only run/ speaks. No settings, no levels beyond three words; a service manager adds the time.
 */
#ifndef VIGIA_BASE_LOG_H
#define VIGIA_BASE_LOG_H

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on every line of this thread goes to `also` too, without who says it and what kind it is; NULL: no longer.
 */
void log_also(void (*also)(void *to, const char *line), void *to);

#endif
