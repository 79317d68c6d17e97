/*
 * tap: a live interface, heard through one ring socket a worker (libpcap; Linux PACKET_FANOUT).
 *
 * The kernel shares packets out among the sockets of a tap by the addresses of the outer IP header, either way round,
 * so that a flow stays with one worker. Frames keep the kernel's timestamps. What a socket heard before all of them
 * shared is passed over, or it would be seen twice.
 *
 * Owner: a `tap` is made whole by one thread; each of its sockets then belongs to one worker.
 */
#ifndef VIGIA_WIRE_TAP_H
#define VIGIA_WIRE_TAP_H

#include "wire/record.h"

enum { TAP_SNAP = 262144, TAP_READ_MS = 20 /* a block that is not full is handed over after */ };

struct tap_settings {
    const char *interface;
    const char *filter;   /* in libpcap's language; NULL or empty: everything */
    size_t buffer_octets; /* of each socket's ring */
    bool promiscuous;
};

struct tap_socket;

/* Opens `count` sockets that share the interface. On failure nothing is open. */
bool tap_open(const struct tap_settings *settings, struct tap_socket **sockets, unsigned count, struct fail *why);

/* Passes over what came before `now_ns` of the system's clock: call it of all sockets once they share. */
void tap_begin(struct tap_socket *s, int64_t now_ns);

/* Whether a filter compiles for Ethernet; for checking a configuration. */
bool tap_filter_check(const char *filter, struct fail *why);

enum tap_verdict { TAP_FRAMES, TAP_NOTHING, TAP_GONE };

/* Hands over what has come, at most `max` frames; each is valid during its call. TAP_GONE: the interface went away. */
enum tap_verdict tap_read(struct tap_socket *s, unsigned max, void (*frame)(void *to, const struct frame *f), void *to);

/* To wait on, for reading. */
int tap_descriptor(const struct tap_socket *s);

/* Since it was opened: packets the kernel gave to this socket, and those it had no room for. */
void tap_counts(struct tap_socket *s, uint64_t *heard, uint64_t *dropped);

void tap_close(struct tap_socket *s);

#endif
