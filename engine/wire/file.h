/*
 * file: what a protocol carries as a file: its name, and its digests once all
 * of it has passed.
 *
 * Only those kinds of digest are made that the sink asks for (`sink.kinds`); a
 * file of which octets are missing gives no digest and is counted, an empty one
 * gives none either. Names are told as soon as they are known, whatever becomes
 * of the file.
 *
 * Memory: some 2 KiB for each open file, of the shard's dissect budget; where
 * that is spent the file is passed over and counted.
 *
 * Owner: one worker. Who opens a file closes it, at the latest when its flow
 * ends (`dissector.end`).
 */
#ifndef VIGIA_WIRE_FILE_H
#define VIGIA_WIRE_FILE_H

#include "wire/dissect.h"

enum { FILE_NAME_MAX = 255 };

struct file;

/* Whether anybody asks for digests of files; for their names. */
bool file_wants_digests(const struct sink *sink);
bool file_wants_names(const struct sink *sink);

/* A file begins. NULL when nobody wants it or there is no room; the others take
 * NULL. */
struct file *file_open(struct dissection *d);

/* Its next octets, in order, as the recipient will have them: nothing encoded.
 */
void file_add(struct file *f, struct bytes octets);

/* Octets of it are missing. */
void file_hole(struct file *f);

/* No more will come. `whole`: it ended as its protocol says. Tells the digests,
 * and frees. */
void file_close(struct dissection *d, struct file *f, bool whole);

/* Tells of a name, of which only what stands behind the last slash or backslash
 * counts (RFC 6266, 4.3): a sender should not choose the folder. */
void file_name(struct dissection *d, struct bytes name, struct bytes raw);

/* The last segment of a URL's or request target's path, with its %XX undone;
 * returns its octets, 0 when there is none. */
size_t file_name_of_url(struct bytes url, char out[FILE_NAME_MAX]);

#endif
