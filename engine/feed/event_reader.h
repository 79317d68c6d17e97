/*
 * event_reader: what one thread needs to read events, and what the formats share: an event that is filled, value by
 * value, in canonical form.
 *
 * Nothing is allocated for an event, but where a record is larger than all before it.
 *
 * Owner: one thread. What `event_read` gave lives until its next call.
 */
#ifndef VIGIA_FEED_EVENT_READER_H
#define VIGIA_FEED_EVENT_READER_H

#include "base/json_read.h"
#include "feed/format.h"
#include "feed/tally.h"
#include "model/event.h"

#define EVENT_EARLIEST_NS INT64_C(631152000000000000)  /* 1990-01-01: none of them is older */
#define EVENT_LATEST_NS   INT64_C(4102444800000000000) /* 2100-01-01: of a replay, which has no present */
#define EVENT_AHEAD_NS    (INT64_C(3600) * 1000000000) /* clocks that are wrong */

struct event_reader {
    struct json_reader *json;
    struct tally *tally;       /* of the feed at hand */
    enum tally_reason refused; /* why the last record was */
    bool timed;                /* `event.time_ns` is said */
    bool marked;               /* and `event.tlp` */
    size_t room_used;
    char *room;                     /* canonical values of the event */
    char reference[EVENT_TEXT_MAX]; /* for formats that put theirs together; the URL too */
    char url[OBSERVABLE_VALUE_MAX];
    struct event event;
};

struct event_reader *event_reader_new(void);
void event_reader_free(struct event_reader *r);

/* One record of the feed into r->event. `latest_ns` is the latest time that is believed. Counts in `tally` whatever
 * becomes of it; where it is refused, `why` says so. */
enum event_verdict event_read(struct event_reader *r, const struct format *format, const struct feed *feed,
                              struct tally *tally, struct bytes frame, int64_t latest_ns, struct fail *why);

/* ---- for formats, while they read */

enum event_verdict event_refuse(struct event_reader *r, enum tally_reason reason);

/* A value that was seen. What is none of its kind is counted; the same value at the same place counts once. */
void event_add(struct event_reader *r, enum observable_type type, enum where where, struct bytes text);

void event_add_address(struct event_reader *r, enum where where, struct bytes text);

/* A host by its name or address. */
void event_add_host(struct event_reader *r, enum where where, struct bytes text);

/* A URL and its host; an e-mail address and its domain. */
void event_add_url(struct event_reader *r, enum where where, struct bytes text);
void event_add_email(struct event_reader *r, enum where where, struct bytes text);

/* A hash whose kind shows in its length. */
void event_add_hash(struct event_reader *r, enum where where, struct bytes text);

/* An address and its port, for indicators that name both. Empty address: nothing. */
void event_add_ip_port(struct event_reader *r, enum where where, struct bytes address, struct bytes port);

void event_set_time(struct event_reader *r, struct bytes text);
void event_set_country(struct event_reader *r, char country[3], struct bytes text);
/* The event's own label in place of the feed's; of several the strictest, and what cannot be read is red: it may have
 * meant that. */
void event_set_tlp(struct event_reader *r, struct bytes word);

void event_set_category(struct event_reader *r, struct bytes word);

/* At most EVENT_TEXT_MAX octets of it, whole UTF-8. */
struct bytes event_text(struct bytes text);

/* In `count` records of `octets` each, sorted by their first member, a `const char *` name: the one of this name, or
 * NULL. */
const void *event_key(struct bytes name, const void *records, size_t count, size_t octets);

/* Whether some line of a probe's head begins an object and holds all of these keys (with quotes, none of them nested in
 * a string). A NULL ends the list. */
bool event_head_has(struct bytes head, const char *const *keys);

#endif
