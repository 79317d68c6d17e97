/*
 * The table, and who claims a content first. `plain` comes last: nearly every text could be a list,
 * but not JSON that no other knows.
 */
#include "feed/format.h"

enum { PROBE_MAX = 4096 };

const struct format *const formats[] = {
    &format_csv, &format_eve, &format_intelmq, &format_misp, &format_stix, &format_plain, NULL,
};

const struct format *format_named(const char *name)
{
    for (const struct format *const *f = formats; *f; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

/* An object or a list of such, of a kind that nobody claimed: it would be a strange list of values. */
static bool is_json(struct bytes head)
{
    if (bytes_start_with(head, "\xef\xbb\xbf"))
        head = bytes_from(head, 3);
    head = bytes_trim(head);
    if (head.len && head.at[0] == '[')
        head = bytes_trim(bytes_from(head, 1));
    return head.len && head.at[0] == '{';
}

const struct format *format_of(struct bytes content)
{
    struct bytes head = bytes_until(content, PROBE_MAX);
    for (const struct format *const *f = formats; *f; f++)
        if ((*f)->probe(head))
            return *f == &format_plain && is_json(head) ? NULL : *f;
    return NULL;
}
