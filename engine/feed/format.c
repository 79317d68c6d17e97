/*
 * The table, and who claims a content first. `plain` comes last: nearly every text could be a list.
 */
#include "feed/format.h"

enum { PROBE_MAX = 4096 };

const struct format *const formats[] = {
    &format_csv,
    &format_plain,
    NULL,
};

const struct format *format_named(const char *name)
{
    for (const struct format *const *f = formats; *f; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

const struct format *format_of(struct bytes content)
{
    for (const struct format *const *f = formats; *f; f++)
        if ((*f)->probe(bytes_until(content, PROBE_MAX)))
            return *f;
    return NULL;
}
