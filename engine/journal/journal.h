/*
 * journal: what was told, durable and replayable (SQLite in WAL mode).
 *
 * Every finding and its publications (topic, seq, the very octets that were told) are written before they are told. A
 * writer batches: `journal_begin`, any number of findings, `journal_commit`; what was committed survives the death of
 * the process at any moment, and a loss of power once `journal_sync` has answered (its caller does so every
 * JOURNAL_SYNC_MS while there is anything new; what a loss of power takes is the end of what was told, never the
 * middle). `seq` counts per topic from 1 and goes on where it was, without gap or repeat.
 *
 * One writer (`struct journal`, Owner: herald) and any number of readers (`struct journal_reader`, each with its own
 * connection, Owner: one thread), which read while the writer writes. A reader holds nothing while its callback runs: a
 * slow peer neither delays the writer nor lets its log grow. The schema has a version; an older one is brought up to
 * date when the writer opens it, a newer one is refused.
 *
 * On a full disk, an I/O error or a lock that lasts longer than JOURNAL_BUSY_MS a batch fails as a whole, with the
 * reason; the writer may try again later. The file's name is not part of a reason: callers add it.
 */
#ifndef VIGIA_JOURNAL_JOURNAL_H
#define VIGIA_JOURNAL_JOURNAL_H

#include "base/fail.h"

enum {
    JOURNAL_SCHEMA = 2,
    JOURNAL_TOPIC_MAX = 128,      /* octets of a topic */
    JOURNAL_ID_MAX = 40,          /* of a finding's id */
    JOURNAL_TOPICS = 1 << 20,     /* different ones, over the journal's whole life */
    JOURNAL_BUSY_MS = 500,        /* that a call waits for another process's lock */
    JOURNAL_SYNC_MS = 100,        /* what a loss of power may take */
    JOURNAL_CHECK_MAX = 64 << 20, /* octets of a file that is checked whole when it is opened, in some 0.2 s */
};

struct journal;

/* What a finding is found by; texts are borrowed, ended by NUL, empty where there is none. */
struct journal_finding {
    const char *id;     /* the finding's */
    const char *kind;   /* "hit", … */
    const char *status; /* "opened", … */
    int64_t time_ns;    /* when it was told, wall time */
    int64_t seen_ns;    /* its `timestamp` */
    const char *country;
    const char *type;       /* RSIT type, rule or status name */
    struct bytes indicator; /* the indicator's value as printed */
    struct bytes observable;
    struct bytes json; /* as its owner reads it: the rendition that holds everything */
};

/* Opens or makes the journal at `path` (mode 0600). A file that is no journal, or is damaged, is refused and left as it
 * is. A file of up to JOURNAL_CHECK_MAX is checked whole; of a larger one, its header, size, schema and the ends where
 * it is written: damage elsewhere in it shows when it is read, as a reason. NULL with a reason. */
struct journal *journal_open(const char *path, struct fail *why);

/* False with a reason: there is no batch. */
bool journal_begin(struct journal *j, struct fail *why);

/* The seq that the topic's next publication will have. Within a batch. */
uint64_t journal_next_seq(struct journal *j, const char *topic);

/* Adds one finding; its row for journal_publish. 0 with a reason when it failed: then so has the batch. */
int64_t journal_add(struct journal *j, const struct journal_finding *f, struct fail *why);

/* Adds one publication of it; `seq` is what journal_next_seq gave, and is then used up. `json` is empty where it is the
 * finding's own, octet for octet: that is written once. */
bool journal_publish(struct journal *j, int64_t row, const char *topic, uint64_t seq, struct bytes json,
                     struct fail *why);

/* Ends the batch. True: everything since journal_begin is durable against the death of the process. False: nothing of
 * it is there, and no seq was used up. */
bool journal_commit(struct journal *j, struct fail *why);
void journal_rollback(struct journal *j);

/* Makes what was committed durable against a loss of power (one fdatasync; none when nothing is new). Outside a batch.
 */
bool journal_sync(struct journal *j, struct fail *why);

/* Small numbers that survive: "generation", … 0 when never set. Inside a batch (and then part of it) or outside. */
int64_t journal_number(struct journal *j, const char *name);
bool journal_set_number(struct journal *j, const char *name, int64_t value, struct fail *why);

/* A file of a folder that a sensor has read to its end, as it was then. */
struct journal_file {
    const char *sensor;
    struct bytes name; /* in the folder; any octets */
    uint64_t inode, size;
    int64_t changed_ns; /* of the wall */
};

/* Remembers the file, in place of what was known of its name; or forgets the name (sensor and name are read). Within a
 * batch, which has failed when they do. */
bool journal_take(struct journal *j, const struct journal_file *f, struct fail *why);
bool journal_forget(struct journal *j, const struct journal_file *f, struct fail *why);

/* Every file that this sensor has taken, in no order; names are borrowed for the length of the call. */
bool journal_taken(struct journal *j, const char *sensor, void (*each)(void *to, const struct journal_file *f),
                   void *to, struct fail *why);

/* Lets go of findings told before `before_ns`, then of the oldest until the file holds at most `bytes_max` (0: any
 * number); at most `rows_max` at a call, so that the writer is never long away. Oldest first, and never past a finding
 * that stays. Last seqs stay known. The file does not shrink: freed pages are written again, so it keeps to its limit
 * once it is there; the log beside it adds up to 64 MiB. Outside a batch. `*gone`: how many. */
bool journal_trim(struct journal *j, int64_t before_ns, uint64_t bytes_max, uint32_t rows_max, uint32_t *gone,
                  struct fail *why);

/* The last committed seq of every topic that has one, in byte order of the topics. */
void journal_topics(struct journal *j, void (*topic)(void *to, const char *topic, uint64_t seq), void *to);

/* What was not committed is gone. */
void journal_close(struct journal *j);

struct journal_reader;

/* NULL with a reason. The file must be there, and of this schema. */
struct journal_reader *journal_reader_open(const char *path, struct fail *why);

/* What `vigia hits` asks; zero or NULL: anything. */
struct journal_query {
    int64_t since_ns; /* of seen_ns, inclusive */
    int64_t until_ns; /* exclusive; 0 none */
    const char *country;
    const char *type;
    const char *kind;
    const char *indicator; /* exactly as printed, or the observable's value */
    const char *id;
    uint64_t limit; /* the newest so many; 0 none */
};

/* Findings in the order in which they were told; each one's `json`, borrowed for the length of the call. The callback
 * returns false to end. What is told after the call began is not read. */
bool journal_read(struct journal_reader *r, const struct journal_query *q, bool (*each)(void *to, struct bytes json),
                  void *to, struct fail *why);

/* A finding each time that it was told, and behind each its publications. */
struct journal_telling {
    int64_t time_ns;   /* when it was told, wall time */
    const char *topic; /* of a publication; NULL: the finding as its owner reads it */
    uint64_t seq;
    struct bytes json; /* borrowed for the length of the call */
};

/* All tellings of the finding of this id, in their order. The callback returns false to end. */
bool journal_tellings(struct journal_reader *r, const char *id, bool (*each)(void *to, const struct journal_telling *t),
                      void *to, struct fail *why);

/* Publications of one topic (`topic` ends without dot) or of all topics with a prefix (ends in '.', or empty: all),
 * with from <= seq <= to, in the order in which they were told. A prefix reads past all other topics' rows (a million
 * in about half a second). */
bool journal_replay(struct journal_reader *r, const char *topic, uint64_t from, uint64_t to,
                    bool (*each)(void *context, const char *topic, uint64_t seq, struct bytes json), void *context,
                    struct fail *why);

void journal_reader_close(struct journal_reader *r);

#endif
