/*
 * http_message: the head of an HTTP message (RFC 9110), whichever version
 * brought it, and what it tells.
 *
 * A request tells of its target as a URL (of an absolute one also the proxy's
 * target; of CONNECT only that), of every Host, the user agent, the referer,
 * and of each address that it says it was forwarded for (X-Forwarded-For;
 * Forwarded, RFC 7239). A response tells the name of the file it holds: of
 * Content-Disposition (RFC 6266), else, where it is a success, of the URL that
 * was asked for. What a Location says is not told: nobody has gone there yet.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_HTTP_MESSAGE_H
#define VIGIA_WIRE_HTTP_MESSAGE_H

#include "wire/body.h"

enum {
    HTTP_FIELDS_MAX = 256, /* of one head */
    HTTP_HOSTS_MAX = 4,
    HTTP_LISTS_MAX = 4,      /* fields that say for whom a request was forwarded */
    HTTP_FORWARDED_MAX = 32, /* addresses in each of them */
};

struct http_message {
    struct bytes method; /* of requests */
    struct bytes target;
    struct bytes scheme; /* empty: http */
    unsigned status;     /* of responses; 0: a request */
    struct bytes hosts[HTTP_HOSTS_MAX];
    unsigned host_count;
    struct bytes agent;
    struct bytes referer;
    struct bytes forwarded[HTTP_LISTS_MAX]; /* X-Forwarded-For */
    unsigned forwarded_count;
    struct bytes relayed[HTTP_LISTS_MAX]; /* Forwarded */
    unsigned relayed_count;
    struct bytes transfer;
    struct bytes coding;
    struct bytes type;
    struct bytes disposition;
    struct bytes range;
    struct bytes upgrade;
    uint64_t length;
    bool has_length;
    bool lengths_differ; /* several Content-Length that are not one, or a coding
                            behind `chunked` */
    bool chunked;
    bool simple; /* a request without version (HTTP/0.9): its response may be
                    nothing but the body */
};

void http_field(struct http_message *m, struct bytes name, struct bytes value);

bool http_is_absolute(struct bytes target);

void http_tell_request(struct dissection *d, const struct http_message *m);

/* The name of what is asked for, as its URL says; returns its octets, 0 when
 * there is none. */
size_t http_name(const struct http_message *m, char out[FILE_NAME_MAX]);

/* Tells the name of what a message holds: `asked` is what the URL says. */
void http_tell_name(struct dissection *d, const struct http_message *m, struct bytes asked);

/* What its body is. */
struct body_about http_about(const struct http_message *m);

#endif
