/*
 * zmtp: the door to ZeroMQ (libzmq): sockets that carry two-frame messages, and CURVE (RFC 26).
 *
 * Kinds: publisher (XPUB), subscriber and hearer (SUB), answerer (ROUTER), asker (DEALER). Each socket belongs to the thread that
 * opened it. Nothing here waits but `zmtp_wait`.
 *
 * A publisher never waits for a slow subscriber: over the high-water mark (ZMTP_QUEUE messages a peer) libzmq drops for
 * that peer, who finds the gap by `seq`. Whoever publishes also receives now and then: subscriptions that nobody takes
 * pile up.
 *
 * Who may connect: with CURVE whoever knows the server's public key (there is no ZAP yet: no access per member), and
 * that key proves the server to its clients. An endpoint that is neither loopback, ipc nor inproc is refused without
 * CURVE, to bind as to connect. On ipc, binding takes the name over from whoever had it.
 *
 * What libzmq does not bound: the number of frames of one message while it arrives, and that of subscriptions of a
 * peer.
 */
#ifndef VIGIA_BASE_ZMTP_H
#define VIGIA_BASE_ZMTP_H

#include "base/fail.h"

enum {
    ZMTP_QUEUE = 100000,        /* findings waiting for a subscriber */
    ZMTP_REQUESTS = 1000,       /* requests or answers waiting for a peer */
    ZMTP_MESSAGE_MAX = 1 << 20, /* octets of a frame from outside; a larger one ends the connection */
    ZMTP_KEY_TEXT = 41,         /* a CURVE key as Z85 text with NUL */
    ZMTP_WAIT_MAX = 16,         /* sockets to wait for at once */
};

struct zmtp; /* the context: one a process */
struct zmtp_socket;

struct zmtp *zmtp_new(void);
void zmtp_free(struct zmtp *z); /* after all sockets are closed; does not linger more than a second */

/* A CURVE key pair as Z85 text. */
struct zmtp_keys {
    char public_key[ZMTP_KEY_TEXT];
    char secret_key[ZMTP_KEY_TEXT];
};

void zmtp_keys_make(struct zmtp_keys *keys);

/* Writes the public key that belongs to the secret one; false when that is none. */
bool zmtp_keys_complete(struct zmtp_keys *keys);

/* `keys` NULL: no CURVE (then the endpoint must be tcp://127.x, tcp://[::1], ipc:// or inproc://). Binds at once. */
struct zmtp_socket *zmtp_publisher(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys,
                                   struct fail *why);
struct zmtp_socket *zmtp_answerer(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys, struct fail *why);

/* `server` is the server's public key; NULL with `keys` NULL: no CURVE. With `server` alone a key pair is made for this
 * socket. Connects in the background, and again (after 0.1 to 5 s); false only for what can never be. */
struct zmtp_socket *zmtp_subscriber(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys,
                                    const char *server, struct fail *why);
struct zmtp_socket *zmtp_asker(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys, const char *server,
                               struct fail *why);

/* A subscriber of other programs' publishers, whose messages are one frame, with the topic in front (`topic JSON`, as
 * MISP sends) or without one, or two. What stands before the first blank of a single frame is its topic, unless it
 * begins an object or array of JSON. */
struct zmtp_socket *zmtp_hearer(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys, const char *server,
                                struct fail *why);

/* Subscriber, hearer: also the messages whose topic begins with `prefix`. After each reconnection `zmtp_wait` or
 * `zmtp_receive` says so again. */
void zmtp_subscribe(struct zmtp_socket *s, const char *prefix);

/* What the endpoint became (`tcp://127.0.0.1:*` binds to a free port). Lives as long as the socket. */
const char *zmtp_endpoint(const struct zmtp_socket *s);

/* Publisher, asker: two frames of at most ZMTP_MESSAGE_MAX octets; of an asker an empty delimiter stands in front.
 * False when nothing can take it now (never of a publisher), or it is too large for anybody. */
bool zmtp_send(struct zmtp_socket *s, struct bytes topic, struct bytes body);

/* Answerer: to the peer that zmtp_receive named. False: the peer has gone or takes no more for now (`*later`). */
bool zmtp_reply(struct zmtp_socket *s, struct bytes peer, struct bytes topic, struct bytes body, bool *later);

/* One message, if there is one now. Views live until the next zmtp_receive on this socket. Of an answerer `peer` names
 * the sender (a request is peer, empty delimiter, topic, body); else it is empty. A publisher receives subscriptions:
 * topic is the prefix, body "1" (the first peer wants it) or "0" (the last one no longer does). Messages of another
 * shape are dropped and counted; after many in a row it answers false, so that a hostile peer cannot hold the caller.
 */
bool zmtp_receive(struct zmtp_socket *s, struct bytes *peer, struct bytes *topic, struct bytes *body);

uint64_t zmtp_malformed(const struct zmtp_socket *s);

/* Waits until one of the sockets has a message (true), for `ms` milliseconds, or for a signal. */
bool zmtp_wait(struct zmtp_socket *const *sockets, unsigned count, int ms);

void zmtp_close(struct zmtp_socket *s);

#endif
