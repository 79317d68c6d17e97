/*
 * mail_field: what a mail's header fields and envelope name.
 *
 * Any thread; owns nothing.
 */
#ifndef VIGIA_WIRE_MAIL_FIELD_H
#define VIGIA_WIRE_MAIL_FIELD_H

#include "wire/dissect.h"

/* The next address of a list (RFC 5322, 3.4): groups, display names, comments, quotes and routes are passed over. False
 * at the end. */
bool mail_field_address(struct bytes *list, struct bytes *address);

/* Tells what a header field of this name names. */
void mail_field_tell(struct dissection *d, struct bytes name, struct bytes value);

/* A host as mail writes it: a name, or an address in brackets (RFC 5321, 4.1.3), perhaps with its IPv6: in front. */
void mail_field_host(struct dissection *d, enum where where, struct bytes host);

/* Undoes encoded words (RFC 2047); UTF-8 and ISO-8859-1 become UTF-8, octets of any other set stay as they are. At most
 * `max` octets to `out`; returns their number. */
size_t mail_field_words(struct bytes text, char *out, size_t max);

#endif
