/*
 * control: the socket by which `vigia status` and `vigia reload` reach the daemon.
 *
 * A UNIX stream socket that only its owner may connect to. A client sends one line, the command; the answer is
 * `ok LENGTH` or `error LENGTH`, a line end and that many octets; then the connection is closed.
 *
 * Nothing here waits for a client: what has not been sent stays until the client takes it. At most CONTROL_CLIENTS_MAX
 * are connected; one more takes the place of the one that came first.
 *
 * Owner: the thread that calls it.
 */
#ifndef VIGIA_RUN_CONTROL_H
#define VIGIA_RUN_CONTROL_H

#include "base/buffer.h"
#include "base/fail.h"

enum {
    CONTROL_LINE_MAX = 256, /* octets of a command */
    CONTROL_CLIENTS_MAX = 16,
    CONTROL_REPLY_MAX = 16 << 20, /* octets of an answer */
    CONTROL_PATIENCE_S = 30,      /* of a client that asks */
};

struct control;

/* Binds the socket at `path`. What a dead process left there is replaced; where one answers, or where something else
 * than a socket lies, NULL with the reason. */
struct control *control_open(const char *path, struct fail *why);

/* To wait on, for reading: there is something to serve. */
int control_descriptor(const struct control *c);

/* Answers one command (trimmed); false: the reply says why it was not done. */
typedef bool control_handler(void *to, struct bytes command, struct buffer *reply);

/* Does what can be done at once: takes commands, has them answered, sends. */
void control_serve(struct control *c, control_handler *handler, void *to);

/* Ends all connections and removes the socket, if it is still ours. */
void control_close(struct control *c);

/* Asks the daemon at `path`, waiting at most CONTROL_PATIENCE_S for each step. The whole answer is added to `reply`.
 * False with a reason: nobody answers (`reply` is as it was), or the command was not done (the answer says why). */
bool control_ask(const char *path, const char *command, struct buffer *reply, struct fail *why);

#endif
