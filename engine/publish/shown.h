/*
 * shown: text of strangers as a terminal may have it.
 *
 * Whatever could move a cursor, colour, hide or turn text around (control and escape octets, and all of Unicode but
 * Latin letters) is shown as \xNN; a backslash is doubled.
 *
 * Any thread.
 */
#ifndef VIGIA_PUBLISH_SHOWN_H
#define VIGIA_PUBLISH_SHOWN_H

#include "base/buffer.h"

/* One column on the screen, or the four of \xNN. */
struct shown_unit {
    size_t octets; /* of the text that it shows */
    size_t columns, len;
    char shown[4];
};

/* What the text begins with; it is not empty. */
struct shown_unit shown_unit_of(struct bytes text);

/* Columns that a text takes. */
size_t shown_width(struct bytes text);

void shown_add(struct bytes text, struct buffer *out);

#endif
