/*
 * IMAP (RFC 9051): the messages in literals, which a server sends (FETCH) or a client (APPEND). Before a literal stands
 * what it is: a whole message or its header is read as one; a message that is fetched in pieces is put together as long
 * as each begins where the last one ended. Other parts are passed over, for what they are made of stands elsewhere.
 * Behind STARTTLS what begins is found out anew.
 */
#include "base/text.h"
#include "wire/mail.h"

enum { LINE_MAX_OCTETS = 32 * 1024, LITERAL_MAX = INT32_MAX };

enum phase { PHASE_LINE, PHASE_LITERAL };

static enum probe probe(struct bytes head, unsigned transport)
{
    static const char *const begins[] = {"* OK ", "* PREAUTH ", "* BYE "};
    (void)transport;
    enum probe verdict = PROBE_NO;
    if (head.at[0] != '*') /* quick for all others */
        return PROBE_NO;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t len = strlen(begins[i]);
        if (memcmp(head.at, begins[i], head.len < len ? head.len : len) != 0)
            continue;
        if (head.len >= len)
            return PROBE_YES;
        verdict = PROBE_MORE;
    }
    return verdict;
}

/* {1234} or {1234+} (RFC 7888) at the line's end, with what stands before it. */
static bool announces(struct bytes line, struct bytes *before, uint64_t *octets)
{
    if (!line.len || line.at[line.len - 1] != '}')
        return false;
    size_t at = line.len - 1;
    while (at && line.at[at - 1] != '{')
        at--;
    if (!at)
        return false;
    struct bytes digits = bytes_of(line.at + at, line.len - 1 - at);
    if (digits.len && digits.at[digits.len - 1] == '+')
        digits.len--;
    *before = bytes_trim(bytes_until(line, at - 1));
    return text_number(digits, LITERAL_MAX, octets);
}

static bool ends_with(struct bytes text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && bytes_alike(bytes_from(text, text.len - len), end);
}

/* Takes `<origin>` off the end. */
static bool take_origin(struct bytes *item, uint64_t *origin)
{
    if (!ends_with(*item, ">"))
        return false;
    size_t at = item->len - 1;
    while (at && item->at[at - 1] != '<')
        at--;
    if (!at || !text_number(bytes_of(item->at + at, item->len - 1 - at), LITERAL_MAX, origin))
        return false;
    item->len = at - 1;
    return true;
}

static bool contains(struct bytes text, const char *word)
{
    size_t len = strlen(word);
    for (; text.len >= len; text = bytes_from(text, 1))
        if (bytes_alike(bytes_until(text, len), word))
            return true;
    return false;
}

/* The last word before a literal: an item of FETCH, or the end of APPEND's arguments. */
static bool is_message(struct bytes before)
{
    static const char *const items[] = {"body[]", "rfc822", "rfc822.header", "body[header]"};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (ends_with(before, items[i]))
            return true;
    size_t section = before.len;
    while (section && before.at[section - 1] != '[')
        section--;
    struct bytes part = bytes_from(before, section);
    bool header = section && ends_with(before, "]") && contains(part, "header.fields") && part.at[0] != '(';
    bool append = contains(before, " append ");
    return header || append;
}

static void begin_literal(struct dissection *d, struct bytes before, uint64_t octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    uint64_t origin = 0;
    bool piece = take_origin(&before, &origin);
    bool wanted = is_message(before);
    side->gathered = (uint32_t)octets;
    if (wanted && piece && origin && origin == side->inside && d->flow->state) {
        side->phase = PHASE_LITERAL;
    } else if (wanted && !origin) {
        mail_over(d, side->inside != 0);
        mail_begin(d);
        side->inside = 0;
        side->phase = PHASE_LITERAL;
    } else {
        side->skip = octets;
        return;
    }
    side->inside = piece ? (uint32_t)(origin + octets) : 0;
    if (!octets)
        side->phase = PHASE_LINE;
}

static bool asks_for_encryption(struct bytes line)
{
    size_t tag = bytes_find(line, ' ');
    return bytes_alike(bytes_trim(bytes_from(line, tag)), "starttls");
}

static size_t literal(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    octets = bytes_until(octets, side->gathered);
    mail_octets(d, octets);
    side->gathered -= (uint32_t)octets.len;
    if (side->gathered)
        return octets.len;
    side->phase = PHASE_LINE;
    if (!side->inside) /* a piece may have others behind it */
        mail_over(d, true);
    return octets.len;
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    struct bytes before;
    uint64_t length;
    if (side->phase == PHASE_LITERAL)
        return literal(d, octets);
    size_t end = bytes_find(octets, '\n');
    if (end == octets.len)
        return octets.len < LINE_MAX_OCTETS ? 0 : DISSECT_OFF;
    struct bytes line = bytes_trim(bytes_until(octets, end));
    if (asks_for_encryption(line)) {
        mail_over(d, false);
        dissect_again(d);
    } else if (announces(line, &before, &length)) {
        begin_literal(d, before, length);
    }
    return end + 1;
}

const struct dissector dissector_imap = {
    .name = "imap", .transports = DISSECT_TCP, .probe = probe, .stream = stream, .hole = mail_hole, .end = mail_end};
