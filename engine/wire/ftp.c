/*
 * FTP (RFC 959, RFC 2428): the files that are asked for, and their content on the data connections that PASV, EPSV,
 * PORT and EPRT announce. Who announces is an end of the data connection, at the address that the control connection
 * knows him by: an announced one is a NAT's affair (RFC 2577, 3), though told where a client names it. What is awaited
 * stands in the shard's budget, in which both connections are, since both are of the same two hosts.
 *
 * Only what RETR, STOR, APPE and STOU send is a file; listings are passed over. Behind AUTH TLS (RFC 4217) what begins
 * is found out anew.
 */
#include "base/text.h"
#include "wire/file.h"

enum { LINE_MAX_OCTETS = 4096 };

static bool take_word(struct bytes *line, const char *word)
{
    size_t len = strlen(word);
    if (!bytes_alike(bytes_until(*line, len), word))
        return false;
    *line = bytes_from(*line, len);
    return true;
}

/* What a client says first, and what of a conversation's middle is like nothing else. */
static bool begins_as_client(struct bytes line)
{
    struct bytes user = line;
    if (take_word(&user, "user ")) /* one word, where IRC has four */
        return bytes_find(bytes_trim(user), ' ') == bytes_trim(user).len;
    line = bytes_trim(line);
    return bytes_alike(line, "auth tls") || bytes_alike(line, "auth ssl") || bytes_alike(line, "pasv") ||
           bytes_alike(line, "epsv");
}

static bool begins_as_server(struct bytes line)
{
    if (bytes_start_with(line, "227 ") || bytes_start_with(line, "229 "))
        return true;
    if (!bytes_start_with(line, "220 ") && !bytes_start_with(line, "220-"))
        return false;
    for (; line.len >= 3; line = bytes_from(line, 1))
        if (bytes_alike(bytes_until(line, 3), "ftp"))
            return true;
    return false;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    static const char *const begins[] = {"22", "user ", "auth ", "pasv\r\n", "epsv\r\n"};
    (void)transport;
    if (!memchr("2uUaApPeE", head.at[0], sizeof "2uUaApPeE" - 1)) /* quick for all others */
        return PROBE_NO;
    size_t end = bytes_find(head, '\n');
    if (end < head.len) {
        struct bytes line = bytes_until(head, end);
        return begins_as_client(line) || begins_as_server(line) ? PROBE_YES : PROBE_NO;
    }
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        struct bytes begin = bytes_until(bytes_text(begins[i]), head.len);
        size_t same = 0;
        while (same < begin.len && bytes_lower(head.at[same]) == begin.at[same])
            same++;
        if (same == begin.len)
            return PROBE_MORE;
    }
    return PROBE_NO;
}

/* ---- data connections ---- */

static const struct address *address_of_side(const struct tuple *t, int side)
{
    return side ? &t->dst : &t->src;
}

/* The next file comes by this connection. */
static void await(struct dissection *d)
{
    struct dissect_flow *f = d->flow;
    struct dissect_budget *b = d->budget;
    if (!f->data_port)
        return;
    struct dissect_awaited *a = &b->awaited[b->awaited_next++ % DISSECT_AWAITED];
    b->awaited_count += a->is == NULL;
    *a = (struct dissect_awaited){.is = &dissector_ftp_data,
                                  .at = *address_of_side(&d->view->tuple, f->data_side),
                                  .with = *address_of_side(&d->view->tuple, !f->data_side),
                                  .port = f->data_port};
    f->data_port = 0;
}

static void announced(struct dissection *d, uint16_t port)
{
    d->flow->data_port = port;
    d->flow->data_side = (uint8_t)d->side;
}

/* h1,h2,h3,h4,p1,p2, whatever stands before (RFC 1123, 4.1.2.6). */
static bool read_six(struct bytes text, uint8_t six[6])
{
    while (text.len && (text.at[0] < '0' || text.at[0] > '9'))
        text = bytes_from(text, 1);
    for (int i = 0; i < 6; i++) {
        uint64_t number;
        size_t len = 0;
        while (len < text.len && text.at[len] >= '0' && text.at[len] <= '9')
            len++;
        if (!text_number(bytes_until(text, len), 255, &number) || (i < 5 && (len == text.len || text.at[len] != ',')))
            return false;
        six[i] = (uint8_t)number;
        text = bytes_from(text, len + 1);
    }
    return true;
}

/* |net|address|port|, the bar any character (RFC 2428, 2). */
static bool read_bars(struct bytes text, struct bytes *address, uint16_t *port)
{
    struct bytes part[3];
    uint64_t number;
    if (text.len < 4)
        return false;
    uint8_t bar = text.at[0];
    text = bytes_from(text, 1);
    for (int i = 0; i < 3; i++) {
        part[i] = bytes_until(text, bytes_find(text, bar));
        if (part[i].len == text.len)
            return false;
        text = bytes_from(text, part[i].len + 1);
    }
    *address = part[1];
    if (!text_number(part[2], UINT16_MAX, &number))
        return false;
    *port = (uint16_t)number;
    return true;
}

static void tell_endpoint(struct dissection *d, const struct address *a, uint16_t port, struct bytes raw)
{
    dissect_address(d, WHERE_FTP_COMMAND, a, raw);
    dissect_endpoint(d, WHERE_FTP_COMMAND, a, port, raw);
    announced(d, port);
}

/* ---- the control connection ---- */

static void reply(struct dissection *d, struct bytes line)
{
    uint8_t six[6];
    struct bytes address;
    uint16_t port;
    if (bytes_start_with(line, "227") && read_six(bytes_from(line, 3), six))
        announced(d, (uint16_t)(six[4] << 8 | six[5]));
    else if (bytes_start_with(line, "229") && read_bars(bytes_from(line, bytes_find(line, '(') + 1), &address, &port))
        announced(d, port);
}

static void transfer(struct dissection *d, struct bytes name)
{
    if (name.len)
        file_name(d, bytes_trim(name), name);
    await(d);
}

static void command(struct dissection *d, struct bytes line)
{
    uint8_t six[6];
    uint16_t port;
    struct bytes text;
    struct address a;
    if (take_word(&line, "retr ") || take_word(&line, "stor ") || take_word(&line, "appe ")) {
        transfer(d, line);
    } else if (take_word(&line, "stou")) {
        transfer(d, bytes_trim(line));
    } else if (take_word(&line, "dele ") || take_word(&line, "rnfr ") || take_word(&line, "rnto ")) {
        dissect_text(d, OBSERVABLE_FILE_NAME, WHERE_FTP_COMMAND, line);
    } else if (take_word(&line, "port ")) {
        if (read_six(line, six)) {
            a = address_v4(six);
            tell_endpoint(d, &a, (uint16_t)(six[4] << 8 | six[5]), line);
        }
    } else if (take_word(&line, "eprt ")) {
        if (read_bars(bytes_trim(line), &text, &port) && address_read(text, &a))
            tell_endpoint(d, &a, port, line);
    }
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    size_t end = bytes_find(octets, '\n');
    if (end == octets.len)
        return octets.len < LINE_MAX_OCTETS ? 0 : DISSECT_OFF;
    struct bytes line = bytes_trim(bytes_until(octets, end));
    if (line.len && line.at[0] >= '0' && line.at[0] <= '9')
        reply(d, line);
    else if (bytes_alike(line, "auth tls") || bytes_alike(line, "auth ssl"))
        dissect_again(d);
    else
        command(d, line);
    return end + 1;
}

const struct dissector dissector_ftp = {.name = "ftp", .transports = DISSECT_TCP, .probe = probe, .stream = stream};

/* ---- data: one file, from whoever sends first, whole when he says that it is all ---- */

static enum probe probe_data(struct bytes head, unsigned transport)
{
    (void)head, (void)transport;
    return PROBE_NO; /* it is known by its endpoints */
}

static size_t stream_data(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    if (!d->flow->state) {
        d->flow->state = file_open(d);
        side->owes = true;
    }
    if (!d->flow->state || !side->owes)
        return DISSECT_OFF;
    file_add(d->flow->state, octets);
    return octets.len;
}

static void hole_data(struct dissection *d)
{
    if (d->flow->side[d->side].owes)
        file_hole(d->flow->state);
}

static void end_data(struct dissection *d)
{
    for (int side = 0; side < 2; side++)
        if (d->flow->side[side].owes) {
            d->side = side;
            file_close(d, d->flow->state, d->fin >> side & 1);
            d->flow->side[side].owes = false;
        }
    d->flow->state = NULL;
}

const struct dissector dissector_ftp_data = {.name = "ftp-data",
                                             .transports = DISSECT_TCP,
                                             .probe = probe_data,
                                             .stream = stream_data,
                                             .hole = hole_data,
                                             .end = end_data};
