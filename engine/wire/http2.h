/*
 * http2: cleartext HTTP/2 (RFC 9113): frames, header blocks (HPACK, RFC 7541,
 * by libnghttp2), bodies.
 *
 * http.c hands a side over when its preface was seen or an upgrade agreed to.
 * Each request tells what one of HTTP/1 does; DATA frames are bodies as
 * HTTP/1's are. A hole ends a side for good: without the lost octets the header
 * table is not its sender's any more.
 *
 * Bounds: a frame other than DATA of HTTP2_FRAME_MAX octets; a header list of
 * HTTP2_LIST_MAX octets, what is beyond is not looked at; a header table of
 * HTTP2_TABLE_MAX octets; HTTP2_STREAMS_MAX streams at once, the oldest gives.
 *
 * Memory: some 25 KiB a connection, of the shard's dissect budget, 100 octets
 * and its name a stream; while a header block is read its list.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_HTTP2_H
#define VIGIA_WIRE_HTTP2_H

#include "wire/dissect.h"

enum {
    HTTP2_FRAME_MAX = 48 * 1024,
    HTTP2_LIST_MAX = 16 * 1024,
    HTTP2_TABLE_MAX = 64 * 1024,
    HTTP2_STREAMS_MAX = 128,
};

struct http2;

/* Whether octets begin as a client's preface does, or as the SETTINGS frame
 * that a server must send first (3.4). */
enum probe http2_probe(struct bytes head);

/* NULL when the budget does not grant it. */
struct http2 *http2_new(struct dissection *d);

/* Stream 1 was asked for in HTTP/1, with this name in its URL. */
void http2_ask(struct dissection *d, struct http2 *h, struct bytes name);

/* As a dissector's stream. */
size_t http2_stream(struct dissection *d, struct http2 *h, struct bytes octets);

/* Octets of d->side are missing. */
void http2_hole(struct dissection *d, struct http2 *h);

void http2_free(struct dissection *d, struct http2 *h);

#endif
