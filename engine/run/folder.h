/*
 * folder: a folder into which somebody else writes captures, one after another: each is taken once it is complete.
 *
 * A file is complete when nobody has it open for writing (the kernel grants a read lease on it), or, where leases are
 * not to be had, when it was closed after writing or moved into the folder, or a newer one has begun. Files that are
 * there are taken in the order of their last change, then of their names; one that comes later with an older time is
 * taken as well. Names that begin with a dot are left alone. A packed capture, or an archive of captures, is read as
 * replay reads it (unpack, with its bounds).
 *
 * A file is known by its name, inode, size and time of the last change. Where one of these is another, it is another
 * file, and read. What was read to its end goes to the ledger as a note, and so does what is no longer in the folder.
 * A file that cannot be opened or unpacked is named; it is tried again when it changes, or after a restart.
 *
 * Cost: each file is looked at when an event names it; all of them once a second while nothing is missed, and not more
 * than a sixteenth of the time.
 *
 * Owner: the reader's thread.
 */
#ifndef VIGIA_RUN_FOLDER_H
#define VIGIA_RUN_FOLDER_H

#include "base/fail.h"
#include "journal/journal.h"
#include "run/reader.h"

enum { FOLDER_FILES_MAX = 1 << 20, FOLDER_LOOK_MS = 1000 };

struct folder;

/* `sensor`, whose folder it is, outlives it. `complain` is called on the reader's thread. */
struct folder *folder_open(const char *path, const char *sensor, void (*complain)(void *to, const char *text), void *to,
                           struct fail *why);

/* Before it is read: this file was taken earlier. */
void folder_know(struct folder *f, const struct journal_file *file);

struct reader_source folder_source(struct folder *f);

/* To the ledger: struct ledger_note. */
struct ring *folder_notes(struct folder *f);

/* After the reader has ended. */
void folder_close(struct folder *f);

#endif
