/*
 * mime: parameters of header fields, and messages of several parts.
 *
 * Parameters: `; name=token`, `; name="quoted"` (RFC 2045, 5.1), with
 * continuations and character sets (RFC 2231; RFC 8187, which HTTP uses). UTF-8
 * and ISO-8859-1 become UTF-8; octets of any other set stay as they are.
 *
 * Parts: multipart (RFC 2046, 5.1.1), piece by piece. Lines may end with a bare
 * LF. A part's head is at most MIME_ROOM octets; who exceeds it has no more
 * parts.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_MIME_H
#define VIGIA_WIRE_MIME_H

#include "base/bytes.h"

enum {
    MIME_BOUNDARY_MAX = 200, /* RFC 2046 grants 70; senders take more */
    MIME_ROOM = 8 * 1024,
    MIME_SECTIONS_MAX = 16, /* of one parameter that is continued */
};

/* The value of the parameter `name` of a field's `value`, decoded, at most
 * `max` octets of it to `out`; returns their number, 0 when there is none. A
 * value with a character set (name*) is preferred (RFC 6266, 4.3). */
size_t mime_parameter(struct bytes value, const char *name, char *out, size_t max);

/* The next field of a head, whose continued lines are still in `value`; false
 * at the end or at the empty line. */
bool mime_field(struct bytes *head, struct bytes *name, struct bytes *value);

/* What is told of parts. `head`: the fields, with the empty line. `whole`: the
 * delimiter behind it was seen. */
struct mime_hearer {
    void *to;
    void (*begin)(void *to, struct bytes head);
    void (*octets)(void *to, struct bytes octets);
    void (*end)(void *to, bool whole);
};

enum mime_phase { MIME_PREAMBLE, MIME_HEAD, MIME_PART, MIME_OVER };

struct mime_parts {
    enum mime_phase phase;
    char delimiter[3 + MIME_BOUNDARY_MAX]; /* LF, two hyphens, the boundary */
    size_t delimiter_len;
    bool fresh; /* the LF in front is the head's */
    size_t len;
    uint8_t room[MIME_ROOM];
};

/* False when this is no boundary. */
bool mime_parts_init(struct mime_parts *p, struct bytes boundary);
void mime_parts_add(struct mime_parts *p, struct bytes octets, const struct mime_hearer *hearer);
/* No more will come: a part that is open ends, and is not whole. */
void mime_parts_end(struct mime_parts *p, const struct mime_hearer *hearer);

#endif
