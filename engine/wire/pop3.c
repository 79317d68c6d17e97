/*
 * POP3 (RFC 1939): the messages that a server sends (RETR, TOP). A reply is a line that begins with +OK, -ERR or +;
 * what is none belongs to a reply of many lines, which a dot ends, and is a message when it begins as one: with a
 * header field. So one side's octets are enough. Behind STLS (RFC 2595) what begins is found out anew.
 */
#include "wire/mail.h"

enum { LINE_MAX_OCTETS = 4096 };

enum phase { PHASE_REPLIES, PHASE_LISTING, PHASE_MESSAGE };

/* A greeting has a text; `+OK` alone is what other protocols say too. */
static enum probe probe(struct bytes head, unsigned transport)
{
    static const char begin[] = "+OK ";
    (void)transport;
    size_t known = head.len < sizeof begin - 1 ? head.len : sizeof begin - 1;
    if (memcmp(head.at, begin, known) != 0)
        return PROBE_NO;
    return known < sizeof begin - 1 ? PROBE_MORE : PROBE_YES;
}

static bool is_reply(struct bytes line)
{
    return line.at[0] == '+' || bytes_start_with(line, "-ERR");
}

/* A header field's name (RFC 5322, 2.2), or the line of a mailbox file that some servers leave in front. */
static bool begins_message(struct bytes line)
{
    size_t colon = bytes_find(line, ':');
    if (bytes_start_with(line, "From ") || bytes_start_with(line, ">From "))
        return true;
    for (size_t i = 0; i < colon; i++)
        if (line.at[i] <= ' ' || line.at[i] >= 0x7f)
            return false;
    return colon && colon < line.len;
}

/* What the client says: only who asks for encryption is heard. */
static bool asks_for_encryption(struct bytes line)
{
    return bytes_alike(bytes_trim(line), "stls");
}

static size_t lines_until_dot(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    bool over;
    size_t used = mail_dotted(d, octets, &over);
    if (over) {
        if (side->phase == PHASE_MESSAGE)
            mail_over(d, true);
        side->phase = PHASE_REPLIES;
    }
    return used;
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    if (side->phase != PHASE_REPLIES)
        return lines_until_dot(d, octets);
    size_t end = bytes_find(octets, '\n');
    if (end == octets.len)
        return octets.len < LINE_MAX_OCTETS ? 0 : DISSECT_OFF;
    struct bytes line = bytes_until(octets, end);
    if (asks_for_encryption(line)) {
        mail_over(d, false);
        dissect_again(d);
        return end + 1;
    }
    if (is_reply(line)) {
        side->gathered = true; /* this side is the server */
        return end + 1;
    }
    if (!side->gathered)
        return end + 1;
    side->phase = begins_message(line) ? PHASE_MESSAGE : PHASE_LISTING;
    if (side->phase == PHASE_MESSAGE)
        mail_begin(d);
    return lines_until_dot(d, octets);
}

static void rest(struct dissection *d, struct bytes octets)
{
    if (d->flow->side[d->side].phase == PHASE_MESSAGE)
        mail_octets(d, octets);
}

const struct dissector dissector_pop3 = {.name = "pop3",
                                         .transports = DISSECT_TCP,
                                         .probe = probe,
                                         .stream = stream,
                                         .rest = rest,
                                         .hole = mail_hole,
                                         .end = mail_end};
