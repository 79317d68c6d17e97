/*
 * hearer: the daemon's reader of feeds of events: one thread for all of them, for as long as the daemon runs.
 *
 * Files are followed (feed/follow.h), from where the journal says they were read to; publishers are subscribed to
 * (ZeroMQ). Each record is an event that is asked of the present generation; only indicators that are valid at the
 * event's time count. Where the crier does not keep up the hearer waits, and files wait with it; of a publisher, libzmq
 * keeps ZMTP_QUEUE messages and then drops.
 *
 * How far a file was read is noted for the ledger once a second: it is in the journal when all that was found before
 * is, so a crash loses nothing, and what was read since the note is told again, with the same ids.
 *
 * Records that are refused are named on stderr, the first HEARER_NAMED of a feed; all are counted.
 */
#ifndef VIGIA_RUN_HEARER_H
#define VIGIA_RUN_HEARER_H

#include "base/json.h"
#include "base/zmtp.h"
#include "journal/journal.h"
#include "run/listener.h"
#include "run/surveyor.h"

enum {
    HEARER_RING = 16384, /* findings on their way to the crier */
    HEARER_NOTES = 64,
    HEARER_ROUND = 4096, /* records of one feed in a round */
    HEARER_WAIT_MS = 50,
    HEARER_NAMED = 20,
};

#define HEARER_NOTE_NS    (INT64_C(1) * 1000000000)
#define HEARER_ROOM_NS    INT64_C(500000000)         /* for the surveyor to make room */
#define HEARER_CROWDED_NS (INT64_C(1) * 1000000000)  /* in which it is not waited for again */
#define HEARER_BEHIND_NS  (INT64_C(60) * 1000000000) /* that old news of one feed may hold windows open */
#define HEARER_DRAIN_NS   (INT64_C(3) * 1000000000)  /* at the end, for messages that have come already */

struct hearer_job {
    const struct config *config; /* its feeds */
    uint16_t first_sensor;       /* number of the first feed, as findings have it */
    const struct swap *database; /* struct database; never empty */
    const struct swap *places;   /* struct places, or NULL */
    struct zmtp *zmtp;
    struct surveyor *surveyor; /* writer `first_writer` and those behind it count for the feeds; NULL: nobody counts */
    unsigned first_writer;
};

struct hearer;

/* Subscribes; files need not be there yet. NULL with a reason that names the feed. The job outlives it. */
struct hearer *hearer_open(const struct hearer_job *job, struct fail *why);

/* Before it starts: this feed's file was read up to there. */
bool hearer_know(struct hearer *h, struct journal *j, struct fail *why);

void hearer_start(struct hearer *h);

/* To the crier: struct hit. To the ledger: struct ledger_note. */
struct ring *hearer_told(struct hearer *h);
struct ring *hearer_notes(struct hearer *h);

/* Any thread: writes one object a feed: what was heard, refused and why, and how far it is. */
void hearer_status(const struct hearer *h, struct json *j);

/* It notes how far it is, closes its rings and ends. */
void hearer_stop(struct hearer *h);
void hearer_join(struct hearer *h);
void hearer_free(struct hearer *h);

#endif
