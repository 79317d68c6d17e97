/*
 * mail: a mail message (RFC 5322, RFC 2045 to 2049) that comes in pieces, whichever protocol brings it.
 *
 * Told are the addresses of its header fields (From, To, Cc, Sender, Reply-To, Return-Path, Delivered-To and the like,
 * Resent- too), names and addresses that it passed (Received, X-Originating-IP), the software that wrote it (X-Mailer,
 * User-Agent), URLs in its texts, decoded, and its attachments as files. A part is an attachment when it has a name, is
 * said to be one, or is no text. Forwarded messages (message/rfc822) are read alike.
 *
 * Bounds: MAIL_DEPTH_MAX multiparts one in another, MAIL_FIELD_MAX octets of a header field; what lies beyond is passed
 * over and counted.
 *
 * Memory: some 10 KiB a message, of the shard's dissect budget.
 *
 * Owner: one worker. Who opens a message closes it, at the latest when its flow ends (`dissector.end`).
 */
#ifndef VIGIA_WIRE_MAIL_H
#define VIGIA_WIRE_MAIL_H

#include "wire/dissect.h"

enum { MAIL_DEPTH_MAX = 8, MAIL_FIELD_MAX = 4096 };

struct mail;

/* A message begins. NULL when there is no room; the others take NULL. */
struct mail *mail_open(struct dissection *d);

/* Its next octets, without what a protocol stuffed in. */
void mail_add(struct dissection *d, struct mail *m, struct bytes octets);

/* No more will come. `whole`: it ended as its protocol says. Frees. */
void mail_close(struct dissection *d, struct mail *m, bool whole);

/* For SMTP, POP3 and IMAP, whose flow's `state` is the message that is under way, and whose `end` and `hole` these are.
 * The beginning of another one ends it. */
void mail_begin(struct dissection *d);
void mail_octets(struct dissection *d, struct bytes octets);
void mail_over(struct dissection *d, bool whole);
void mail_end(struct dissection *d);
void mail_hole(struct dissection *d);

/* The lines of a message that ends with a dot alone (RFC 5321, 4.5.2; RFC 1939, 3) go to the message under way; returns
 * the octets used. Whether it is `over` is told; the caller ends it. The side's `inside` is in use meanwhile. */
size_t mail_dotted(struct dissection *d, struct bytes octets, bool *over);

#endif
