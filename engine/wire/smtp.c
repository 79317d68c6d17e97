/*
 * SMTP and submission (RFC 5321, RFC 6409), LMTP (RFC 2033): what the client says of itself, from whom and to whom mail
 * goes, and the messages, whether they come by DATA or in chunks (BDAT, RFC 3030). Replies are not read: the client's
 * octets say all, pipelined (RFC 2920) or not. Behind STARTTLS (RFC 3207) what begins is found out anew.
 *
 * Where the server refused DATA no message follows; then comes a command, and no message begins with one of those that
 * may come here.
 */
#include "base/text.h"
#include "wire/mail.h"
#include "wire/mail_field.h"

enum { COMMAND_MAX = 4096 };

enum phase { PHASE_COMMANDS, PHASE_DATA_BEGINS, PHASE_DATA, PHASE_CHUNK, PHASE_LAST_CHUNK };

static bool take_word(struct bytes *line, const char *word)
{
    size_t len = strlen(word);
    if (!bytes_alike(bytes_until(*line, len), word))
        return false;
    *line = bytes_from(*line, len);
    return true;
}

/* Commands that a conversation, or what is left of it, may begin with. */
static const char *const begins[] = {"ehlo ", "helo ", "lhlo ", "mail from:", "rcpt to:"};

static bool is_greeting(struct bytes line)
{
    if (line.len < 4 || memcmp(line.at, "220", 3) != 0 || (line.at[3] != ' ' && line.at[3] != '-'))
        return false;
    line = bytes_until(line, bytes_find(line, '\n'));
    for (; line.len >= 4; line = bytes_from(line, 1))
        if (bytes_alike(bytes_until(line, 4), "smtp") || bytes_alike(bytes_until(line, 4), "lmtp"))
            return true;
    return false;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    (void)transport;
    if (head.at[0] == '2')
        return is_greeting(head)                               ? PROBE_YES
               : bytes_find(head, '\n') < head.len             ? PROBE_NO
               : bytes_start_with(head, "220") || head.len < 3 ? PROBE_MORE
                                                               : PROBE_NO;
    enum probe verdict = PROBE_NO;
    if (!memchr("eEhHlLmMrR", head.at[0], sizeof "eEhHlLmMrR" - 1)) /* quick for all others */
        return PROBE_NO;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t len = strlen(begins[i]);
        size_t same = 0;
        while (same < len && same < head.len && bytes_lower(head.at[same]) == (uint8_t)begins[i][same])
            same++;
        if (same == len)
            return PROBE_YES;
        if (same == head.len)
            verdict = PROBE_MORE;
    }
    return verdict;
}

/* FROM:<mailbox> parameters; the brackets may be missing, and blanks may stand where none belong. */
static void tell_mailbox(struct dissection *d, enum where where, struct bytes argument)
{
    struct bytes address;
    argument = bytes_trim(argument);
    if (!argument.len || argument.at[0] != '<')
        argument = bytes_until(argument, bytes_find(argument, ' '));
    if (mail_field_address(&argument, &address))
        dissect_email(d, where, address, address);
}

static void begin_chunk(struct dissection *d, struct bytes argument)
{
    uint64_t size;
    struct bytes digits = bytes_until(argument, bytes_find(argument, ' '));
    struct dissect_side *side = &d->flow->side[d->side];
    if (!text_number(digits, UINT32_MAX, &size))
        return;
    if (!d->flow->state)
        mail_begin(d);
    side->gathered = (uint32_t)size;
    bool last = bytes_alike(bytes_trim(bytes_from(argument, digits.len)), "last");
    if (size)
        side->phase = last ? PHASE_LAST_CHUNK : PHASE_CHUNK;
    else if (last)
        mail_over(d, true);
}

/* False: what follows is to be found out anew. */
static bool command(struct dissection *d, struct bytes line)
{
    line = bytes_trim(line);
    if (take_word(&line, "ehlo ") || take_word(&line, "helo ") || take_word(&line, "lhlo ")) {
        line = bytes_trim(line);
        mail_field_host(d, WHERE_SMTP_HELO, bytes_until(line, bytes_find(line, ' ')));
    } else if (take_word(&line, "mail from:") || take_word(&line, "mail from ")) {
        mail_over(d, false);
        tell_mailbox(d, WHERE_SMTP_MAIL_FROM, line);
    } else if (take_word(&line, "rcpt to:") || take_word(&line, "rcpt to ")) {
        tell_mailbox(d, WHERE_SMTP_RCPT_TO, line);
    } else if (bytes_alike(line, "data")) {
        d->flow->side[d->side].phase = PHASE_DATA_BEGINS;
    } else if (take_word(&line, "bdat ")) {
        begin_chunk(d, bytes_trim(line));
    } else if (bytes_alike(line, "rset")) {
        mail_over(d, false);
    } else if (bytes_alike(line, "starttls")) {
        return false;
    }
    return true;
}

static size_t commands(struct dissection *d, struct bytes octets)
{
    size_t end = bytes_find(octets, '\n');
    if (octets.at[0] >= '0' && octets.at[0] <= '9') /* a reply */
        return DISSECT_OFF;
    if (end == octets.len)
        return octets.len < COMMAND_MAX ? 0 : DISSECT_OFF;
    if (!command(d, bytes_until(octets, end))) {
        mail_over(d, false);
        dissect_again(d);
    }
    return end + 1;
}

/* The first line behind DATA: a message's, unless it is a command. */
static size_t data_begins(struct dissection *d, struct bytes octets)
{
    static const char *const refused[] = {"quit", "rset", "data", "noop"};
    struct dissect_side *side = &d->flow->side[d->side];
    size_t end = bytes_find(octets, '\n');
    if (end == octets.len && end < COMMAND_MAX)
        return 0;
    struct bytes line = bytes_trim(bytes_until(octets, end));
    bool is_command = probe(octets, DISSECT_TCP) == PROBE_YES;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        is_command |= bytes_alike(line, refused[i]);
    side->phase = is_command ? PHASE_COMMANDS : PHASE_DATA;
    if (is_command)
        return commands(d, octets);
    mail_begin(d);
    bool over;
    size_t used = mail_dotted(d, octets, &over);
    if (over) {
        mail_over(d, true);
        side->phase = PHASE_COMMANDS;
    }
    return used;
}

static size_t data(struct dissection *d, struct bytes octets)
{
    bool over;
    size_t used = mail_dotted(d, octets, &over);
    if (over) {
        mail_over(d, true);
        d->flow->side[d->side].phase = PHASE_COMMANDS;
    }
    return used;
}

static size_t chunk(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    octets = bytes_until(octets, side->gathered);
    mail_octets(d, octets);
    side->gathered -= (uint32_t)octets.len;
    if (side->gathered)
        return octets.len;
    if (side->phase == PHASE_LAST_CHUNK)
        mail_over(d, true);
    side->phase = PHASE_COMMANDS;
    return octets.len;
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    switch ((enum phase)d->flow->side[d->side].phase) {
    case PHASE_DATA_BEGINS: return data_begins(d, octets);
    case PHASE_DATA: return data(d, octets);
    case PHASE_CHUNK:
    case PHASE_LAST_CHUNK: return chunk(d, octets);
    case PHASE_COMMANDS: break;
    }
    return commands(d, octets);
}

/* A command, or a line of a message, whose end was never seen. */
static void rest(struct dissection *d, struct bytes octets)
{
    enum phase phase = d->flow->side[d->side].phase;
    if (phase == PHASE_COMMANDS && octets.at[0] > '9')
        command(d, octets);
    else if (phase == PHASE_DATA)
        mail_octets(d, octets);
}

const struct dissector dissector_smtp = {.name = "smtp",
                                         .transports = DISSECT_TCP,
                                         .probe = probe,
                                         .stream = stream,
                                         .rest = rest,
                                         .hole = mail_hole,
                                         .end = mail_end};
