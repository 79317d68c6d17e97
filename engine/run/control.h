/*
 * control: the socket by which `vigia status` and `vigia reload` reach the daemon.
 *
 * A UNIX stream socket that only its owner may connect to. A client sends one line, the command; the answer is
 * `ok LENGTH` or `error LENGTH`, a line end and that many octets; then the connection is closed.
 *
 * A command may take its time: its client then waits, and is answered when the outcome is there.
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
    CONTROL_PATIENCE_S = 30,      /* of a client that asks for what is there at once */
};

struct control;

/* Binds the socket at `path`. What a dead process left there is replaced; where one answers, or where something else
 * than a socket lies, NULL with the reason. */
struct control *control_open(const char *path, struct fail *why);

/* To wait on, for reading: there is something to serve. */
int control_descriptor(const struct control *c);

enum control_outcome {
    CONTROL_REFUSED, /* the reply says why it was not done */
    CONTROL_DONE,
    CONTROL_WAITS, /* for its ticket: the answer comes later */
};

/* Answers one command (trimmed), or says what it waits for. */
typedef enum control_outcome control_handler(void *to, struct bytes command, struct buffer *reply, uint64_t *ticket);

/* Does what can be done at once: takes commands, has them answered, sends. */
void control_serve(struct control *c, control_handler *handler, void *to);

/* Answers those who wait for a ticket up to this one. */
void control_answer(struct control *c, uint64_t ticket, bool done, struct bytes reply);

/* Ends all connections and removes the socket, if it is still ours. */
void control_close(struct control *c);

/* Asks the daemon at `path`, waiting at most `patience_s` seconds for each step. The whole answer is added to `reply`.
 * False with a reason: nobody answers (`reply` is as it was), or the command was not done (the answer says why). */
bool control_ask(const char *path, const char *command, unsigned patience_s, struct buffer *reply, struct fail *why);

#endif
