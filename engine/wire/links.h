/*
 * links: the URLs in a text that comes in pieces: everything that begins with http:// or https://, up to a blank, a
 * quote, a bracket or what else no URL holds, without the punctuation of the sentence around it. In HTML the character
 * references of & are undone, and others end a URL.
 *
 * A link longer than LINKS_ROOM octets is told of as far as that. A URL within a URL (a redirector's) is told of too.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_LINKS_H
#define VIGIA_WIRE_LINKS_H

#include "wire/dissect.h"

enum { LINKS_ROOM = OBSERVABLE_VALUE_MAX };

struct links {
    bool html;
    size_t len;
    char room[LINKS_ROOM]; /* what may still become a link */
};

/* Zeroed is a begin; `html` may be set before the first piece. */
void links_add(struct dissection *d, struct links *l, enum where where, struct bytes text);
void links_end(struct dissection *d, struct links *l, enum where where);

/* Of a text that is whole. */
void links_tell(struct dissection *d, enum where where, struct bytes text);

#endif
