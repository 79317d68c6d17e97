/*
 * A list that is searched from the front: kinds are few, and most records are of the first ones.
 */
#include "feed/left.h"

#include <stdio.h>
#include <string.h>

void left_add(struct left *l, unsigned count, const char *what)
{
    for (unsigned i = 0; i < l->kinds_count; i++)
        if (strncmp(l->kinds[i].what, what, LEFT_TEXT_MAX - 1) == 0) {
            l->kinds[i].count += count;
            return;
        }
    if (l->kinds_count == LEFT_KINDS_MAX) {
        l->others += count;
        return;
    }
    struct left_kind *k = &l->kinds[l->kinds_count++];
    snprintf(k->what, sizeof k->what, "%s", what);
    k->count = count;
}

void left_tell(const struct left *l, void (*each)(void *to, unsigned count, const char *what), void *to)
{
    for (unsigned i = 0; i < l->kinds_count; i++)
        each(to, l->kinds[i].count, l->kinds[i].what);
    if (l->others)
        each(to, l->others, "of other kinds");
}
