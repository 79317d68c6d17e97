/*
 * dns_name: names as DNS messages write them (RFC 1035, 4.1.4), made text as RFC 1035, 5.1 shows names: lower case,
 * without the last dot, octets that text could not show as \DDD.
 *
 * Any thread.
 */
#ifndef VIGIA_WIRE_DNS_NAME_H
#define VIGIA_WIRE_DNS_NAME_H

#include "base/address.h"

enum { DNS_NAME_ROOM = 4 * 255 + 1 };

/* A name at the cursor, which moves behind it. A pointer leads only backwards, so that following them ends. False when
 * it is none: the cursor has overrun. The root is a name of no octets. */
bool dns_name_read(struct cursor *c, struct bytes message, char out[DNS_NAME_ROOM], size_t *len);

/* The name without its first label. */
struct bytes dns_name_parent(struct bytes name);

/* Whether the name is that of one address: four numbers under in-addr.arpa (RFC 1035, 3.5), 32 digits under ip6.arpa
 * (RFC 3596, 2.5). */
bool dns_name_is_address(struct bytes name, struct address *out);

#endif
