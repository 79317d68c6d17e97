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

#endif
