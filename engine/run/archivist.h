/*
 * archivist: the thread that answers who missed something, from the journal.
 *
 * A request (DEALER) names a topic, or a prefix that ends in '.', and the range that is missing: {"from":12,"to":20}.
 * The answer is the publications as they were told, in their order, and at last an empty topic with
 * {"end":true,"topic":…,"from":…,"to":…,"count":N}. At most ARCHIVIST_ANSWERS_MAX at a request: who needs more asks
 * again behind the last one. It has its own connection to the journal and its own socket, so it never delays the
 * herald.
 */
#ifndef VIGIA_RUN_ARCHIVIST_H
#define VIGIA_RUN_ARCHIVIST_H

#include "base/counter.h"
#include "base/zmtp.h"
#include "journal/journal.h"

enum { ARCHIVIST_ANSWERS_MAX = 100000, ARCHIVIST_PATIENCE_MS = 5000 /* with a peer that takes no more */ };

struct archivist_counters {
    struct counter requests;
    struct counter answers;
    struct counter refused; /* requests that are none, and peers that left or stopped reading */
};

struct archivist;

/* Takes socket and reader over, and starts the thread. */
struct archivist *archivist_start(struct zmtp_socket *socket, struct journal_reader *reader);

const struct archivist_counters *archivist_counters(const struct archivist *a);

/* Ends the thread, closes both. */
void archivist_stop(struct archivist *a);

#endif
