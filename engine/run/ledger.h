/*
 * ledger: which captures of the folders were read, on its way from the readers into the journal.
 *
 * A file is written down as taken once every finding of its packets is in the journal, so that a crash loses none: at
 * worst the file is read again. A reader hands over a note behind the last block of the file, when all findings of it
 * are with the listeners' rings or beyond. The crier takes notes (`ledger_hear`), remembers how many findings lie in
 * the rings at that moment, and lets the notes wait until it has taken so many and what it took is in the journal.
 *
 * Notes are written in the order of each reader, LEDGER_NOTES at a time.
 *
 * Owner: the crier's thread; before it starts and after it ended, the supervisor.
 */
#ifndef VIGIA_RUN_LEDGER_H
#define VIGIA_RUN_LEDGER_H

#include "base/ring.h"
#include "journal/journal.h"

enum {
    LEDGER_RING = 4096, /* notes of one reader that wait to be heard; then the reader waits */
    LEDGER_NOTES = 4096,
    LEDGER_LISTENERS = 64 + 1, /* who tell: the listeners, and who hears feeds */
};

#define LEDGER_RETRY_NS INT64_C(1000000000)

/* One malloc; the name lies behind it. */
struct ledger_note {
    struct journal_file file;
    bool gone; /* it is not in the folder any more */
};

struct ledger;

/* `rings`, of struct ledger_note, one a reader, stay their readers'. */
struct ledger *ledger_new(struct ring *const *rings, unsigned count);

/* A note with a copy of the name; the sensor's is borrowed. */
struct ledger_note *ledger_note(const struct journal_file *file, bool gone);

/* Takes notes, unless some wait already. `rings` of the listeners: what is in them now was found before. */
void ledger_hear(struct ledger *l, struct ring *const *rings, unsigned count);

/* So many findings were taken from this listener's ring. */
void ledger_pass(struct ledger *l, unsigned listener, unsigned count);

/* Since when all that was found before the notes has been taken; INT64_MAX: it has not, or there are no notes. */
int64_t ledger_since(struct ledger *l, int64_t now_ns);

/* Writes the notes, in a batch of their own. False with a reason, said once for a row of failures: it is tried again.
 */
bool ledger_write(struct ledger *l, struct journal *j, int64_t now_ns, struct fail *why);

/* At the end, everything that was found is in the journal: writes what is left in the rings too. */
bool ledger_finish(struct ledger *l, struct journal *j, struct fail *why);

void ledger_free(struct ledger *l);

#endif
