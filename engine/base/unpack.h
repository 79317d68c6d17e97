/*
 * unpack: a file's content in memory, whatever it was packed in (libarchive: gz, zst, xz, bz2, lz4; zip, tar members).
 *
 * A plain file is mapped. A packed one is unpacked into an unlinked temporary file (TMPDIR, else /var/tmp) and that is
 * mapped, so that whoever reads sees one kind of thing: bytes that stay. Bounds: UNPACK_MEMBERS_MAX members,
 * `bytes_max` in all and UNPACK_RATIO_MAX times the packed size (beyond the first UNPACK_FREE_BYTES), else it is
 * refused. A plain file, which takes no memory of ours, is not bounded. What is packed inside a member stays packed; an
 * archive without files has no parts.
 *
 * Owner: the caller; `unpack_free` ends all views.
 */
#ifndef VIGIA_BASE_UNPACK_H
#define VIGIA_BASE_UNPACK_H

#include "base/fail.h"

enum { UNPACK_MEMBERS_MAX = 65536, UNPACK_RATIO_MAX = 2000 };

#define UNPACK_FREE_BYTES (UINT64_C(64) << 20)
#define UNPACK_BYTES_MAX  (UINT64_C(64) << 30)

struct unpacked {
    struct bytes content;
    char *member; /* name inside the archive, NULL when the file is the content itself */
};

struct unpack {
    struct unpacked *parts;
    size_t count;
    struct bytes mapping;
};

/* Reads the regular file `path`. On failure nothing is held. What is damaged behind some good octets gives those, the
 * member they stand in cut short, with the reason in `why` (not empty) and true. (How much of a cut stream comes out is
 * its decoder's affair: libarchive's drop the last block of up to 128 KiB that they could not fill.) */
bool unpack_file(struct unpack *u, const char *path, uint64_t bytes_max, struct fail *why);

/* The same for a descriptor that cannot be mapped (a pipe), read to its end; `head` was already read from it. */
bool unpack_pipe(struct unpack *u, int fd, struct bytes head, uint64_t bytes_max, struct fail *why);

/* The same for whatever `path` names: a file; `-`, stdin; a FIFO, or what the shell makes of <(…), read to its end. */
bool unpack_path(struct unpack *u, const char *path, uint64_t bytes_max, struct fail *why);

/* Whether the first octets are those of a packed file. */
bool unpack_is_packed(struct bytes head);

void unpack_free(struct unpack *u);

#endif
