/*
 * folder: a folder into which somebody else writes captures, one after another: each is taken once it is complete.
 *
 * A file is complete when nobody has it open for writing (the kernel grants a read lease on it), or, where leases are
 * not to be had, when it was closed after writing or moved into the folder, or a newer one has begun. Files are taken
 * in the order of their last change, then of their names. Names that begin with a dot are left alone.
 *
 * Owner: the reader's thread; `folder_position` any.
 */
#ifndef VIGIA_RUN_FOLDER_H
#define VIGIA_RUN_FOLDER_H

#include "base/fail.h"
#include "run/reader.h"

enum { FOLDER_FILES_MAX = 1 << 20, FOLDER_LOOK_MS = 1000 };

struct folder;

/* Files last changed at or before `after_ns` (of the wall) count as taken. `complain` is called on the reader's thread.
 */
struct folder *folder_open(const char *path, int64_t after_ns, void (*complain)(void *to, const char *text), void *to,
                           struct fail *why);

struct reader_source folder_source(struct folder *f);

/* When the last file that was read to its end had last changed. */
int64_t folder_position(const struct folder *f);

void folder_close(struct folder *f);

#endif
