/*
 * body: the content of an HTTP message, whichever version brought it: its
 * codings undone, its parts taken apart, its files digested.
 *
 * Content codings (RFC 9110, 8.4.1) gzip, x-gzip, deflate and br are undone, up
 * to BODY_CODINGS_MAX of them one upon another; what comes out is at most
 * BODY_RATIO_MAX times what went in (deflate cannot give more than 1,032 times)
 * and at most BODY_DECODED_MAX octets a body. Beyond that the file gives no
 * digest, counted by reason. What is said to be gzip and does not begin so is
 * taken as it is, as browsers and proxies do; so is a coding that nobody
 * registered.
 *
 * A request of multipart/form-data (RFC 7578) is no file, but each part with a
 * file name is one. Any other body is one file, but not a partial one (206 that
 * holds less than the whole).
 *
 * Memory: about 200 octets, of multipart 8 KiB more, of a coding 48 KiB
 * (Brotli: its window), of the shard's dissect budget; what it does not grant
 * is passed over and counted.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_BODY_H
#define VIGIA_WIRE_BODY_H

#include "wire/file.h"

enum {
    BODY_CODINGS_MAX = 3,
    BODY_RATIO_MAX = 1100,
    BODY_RATIO_FREE = 64 * 1024, /* octets that may come out before the ratio counts */
    BODY_DECODED_MAX = 128 * 1024 * 1024,
};

struct body;

/* What the message's head says of it. */
struct body_about {
    struct bytes codings;  /* Content-Encoding, the last one outermost; may be empty */
    struct bytes transfer; /* Transfer-Encoding, of which `chunked` is undone by others */
    struct bytes type;     /* Content-Type */
    bool request;
    bool partial;
};

/* Whether anybody wants bodies of this kind, so that it is worth looking at
 * their octets. */
bool body_wanted(const struct sink *sink, const struct body_about *about);

/* NULL when nobody wants it or there is no room; the others take NULL. */
struct body *body_open(struct dissection *d, const struct body_about *about);
void body_add(struct dissection *d, struct body *b, struct bytes octets);
/* `whole`: it ended as the message's framing says, without a hole. Tells and
 * frees. */
void body_close(struct dissection *d, struct body *b, bool whole);

#endif
