/*
 * HTTP/1 (RFC 9112): the messages of a connection one after another, both ways,
 * until it becomes something else: a tunnel (CONNECT), HTTP/2 (its preface, or
 * Upgrade: h2c, RFC 7540, 3.2), WebSocket.
 *
 * Requests are always read. Responses and bodies are looked at only where
 * somebody asks for files; else responses are passed over, and a body is passed
 * over by its length or chunk by chunk. A body's length is told by
 * Transfer-Encoding, before Content-Length (RFC 9112, 6.3); of several lengths
 * the first one is believed; both cases are counted, for that is how requests
 * are smuggled.
 *
 * A request leaves what its response needs to be understood: whether it was
 * HEAD, and the name in its URL. At most ASKED_MAX wait; a response that comes
 * before its request was read settles it in advance.
 */
#include "base/text.h"
#include "wire/http2.h"
#include "wire/http_message.h"

#include <stdlib.h>

enum {
    METHOD_MAX = 24,
    CHUNK_LINE_MAX = 4096,
    END_OCTETS = 4, /* CR LF CR LF */
    ASKED_MAX = 64,
    FOLDED_MAX = 4096, /* octets of continued fields in one head */
};

enum phase {
    PHASE_HEAD,
    PHASE_CHUNK,
    PHASE_BODY,    /* octets that somebody wants */
    PHASE_UPGRADE, /* asked for: what follows may be anything */
    PHASE_HTTP2,
};

#define UNTIL_CLOSE UINT64_MAX

struct asked {
    struct asked *next;
    bool head;
    bool simple; /* HTTP/0.9 (RFC 1945, 4.1) */
    uint8_t len;
    char name[];
};

struct http_side {
    struct body *body;
    uint64_t left; /* octets of it, or of this chunk; UNTIL_CLOSE */
    bool chunked;
};

struct http {
    struct asked *first;
    struct asked **last;
    unsigned waiting;
    unsigned settled; /* responses that came before their requests */
    bool asked;       /* a request was seen, */
    int client;       /* on this side */
    struct http_side side[2];
    struct http2 *http2;
};

static const char response_begin[] = "HTTP/1.";

/* ---- what the flow remembers ---- */

static struct http *http_of(struct dissection *d)
{
    if (d->flow->state || d->budget->held + sizeof(struct http) > d->budget->max)
        return d->flow->state;
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    d->budget->held += sizeof *h;
    h->last = &h->first;
    return d->flow->state = h;
}

static void answered(struct dissection *d, struct http *h)
{
    struct asked *gone = h->first;
    h->first = gone->next;
    if (!h->first)
        h->last = &h->first;
    h->waiting--;
    d->budget->held -= sizeof *gone + gone->len;
    free(gone);
}

static void forget_asked(struct dissection *d, struct http *h)
{
    while (h->first)
        answered(d, h);
    h->settled = 0;
}

static bool wants_responses(const struct sink *sink)
{
    return file_wants_digests(sink) || file_wants_names(sink);
}

/* For the response, if anybody will look at it. */
static void remember(struct dissection *d, const struct http_message *m)
{
    char name[FILE_NAME_MAX];
    struct http *h = wants_responses(d->sink) ? http_of(d) : NULL;
    if (!h)
        return;
    h->asked = true;
    h->client = d->side;
    if (h->settled) {
        h->settled--;
        return;
    }
    size_t len = http_name(m, name);
    if (h->waiting == ASKED_MAX || d->budget->held + sizeof(struct asked) + len > d->budget->max) {
        forget_asked(d, h);
        return;
    }
    struct asked *a = malloc(sizeof *a + len);
    if (!a)
        abort();
    *a = (struct asked){.head = bytes_alike(m->method, "head"), .simple = m->simple, .len = (uint8_t)len};
    memcpy(a->name, name, len);
    d->budget->held += sizeof *a + len;
    *h->last = a;
    h->last = &a->next;
    h->waiting++;
}

/* A body that lasts until the connection closes is whole when its sender said
 * that it has sent everything. */
static void end(struct dissection *d)
{
    struct http *h = d->flow->state;
    int was = d->side;
    for (d->side = 0; d->side < 2; d->side++) {
        struct http_side *s = &h->side[d->side];
        body_close(d, s->body, s->left == UNTIL_CLOSE && !s->chunked && (d->fin >> d->side & 1));
        d->flow->side[d->side].owes = false;
    }
    d->side = was;
    http2_free(d, h->http2);
    forget_asked(d, h);
    d->budget->held -= sizeof *h;
    free(h);
    d->flow->state = NULL;
}

static void end_body(struct dissection *d, bool whole)
{
    struct http *h = d->flow->state;
    d->flow->side[d->side].phase = PHASE_HEAD;
    d->flow->side[d->side].owes = false;
    if (!h)
        return;
    body_close(d, h->side[d->side].body, whole);
    h->side[d->side] = (struct http_side){.body = NULL};
}

static void hole(struct dissection *d)
{
    struct http *h = d->flow->state;
    end_body(d, false);
    if (!h)
        return;
    forget_asked(d, h);
    if (h->http2)
        http2_hole(d, h->http2);
}

/* ---- how messages begin ---- */

static bool begins_response(struct bytes head)
{
    size_t known = head.len < sizeof response_begin - 1 ? head.len : sizeof response_begin - 1;
    return memcmp(head.at, response_begin, known) == 0;
}

static struct bytes without_blanks(struct bytes b) /* in front (RFC 9112, 2.2, and what servers forgive) */
{
    while (b.len && (*b.at == '\r' || *b.at == '\n' || *b.at == ' '))
        b = bytes_from(b, 1);
    return b;
}

/* A method is a token in capitals (RFC 9110, 9.1, and IANA's registry):
 * letters, then one blank. */
static size_t method_len(struct bytes line)
{
    size_t len = 0;
    while (len < line.len &&
           ((line.at[len] >= 'A' && line.at[len] <= 'Z') || line.at[len] == '-' || line.at[len] == '_'))
        len++;
    return len;
}

/* A line that names no version is believed of the methods that everybody knows,
 * since servers do. */
static bool well_known(struct bytes method)
{
    static const char *const names[] = {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_equal(method, bytes_text(names[i])))
            return true;
    return false;
}

/* Where the version begins behind the line's last blank, or the line's end when
 * there is none. */
static size_t version_at(struct bytes line)
{
    size_t at = line.len;
    while (at && line.at[at - 1] != ' ')
        at--;
    return at && bytes_start_with(bytes_from(line, at), "HTTP/") ? at : line.len;
}

static enum probe probe_request(struct bytes head)
{
    head = without_blanks(head);
    size_t len = method_len(head);
    if (len == head.len)
        return len <= METHOD_MAX ? PROBE_MORE : PROBE_NO;
    struct bytes method = bytes_until(head, len);
    if (len < 3 || len > METHOD_MAX || head.at[len] != ' ')
        return PROBE_NO;
    struct bytes line = bytes_from(head, len + 1);
    size_t line_end = bytes_find(line, '\n');
    bool whole = line_end < line.len;
    line = bytes_trim(bytes_until(line, line_end));
    bool target = line.len == 0 || line.at[0] == '/' || http_is_absolute(line);
    size_t version = version_at(line);
    if (version < line.len) {
        struct bytes told = bytes_from(line, version);
        if (begins_response(told)) /* a response begins with the same version */
            return told.len >= sizeof response_begin - 1 ? PROBE_YES : whole ? PROBE_NO : PROBE_MORE;
        return PROBE_NO;
    }
    if (whole)
        return well_known(method) && line.len && target ? PROBE_YES : PROBE_NO;
    if (!well_known(method) && !target)
        return PROBE_NO;
    return head.len >= DISSECT_PROBE_MAX ? PROBE_YES : PROBE_MORE;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    (void)transport;
    if (begins_response(head))
        return head.len >= sizeof response_begin - 1 ? PROBE_YES : PROBE_MORE;
    enum probe h2 = http2_probe(head);
    return h2 == PROBE_NO ? probe_request(head) : h2;
}

/* ---- heads ---- */

/* Continued lines become one (RFC 9112, 5.2). */
static struct bytes unfolded(struct bytes value, char *room, size_t *used)
{
    size_t begin = *used;
    if (bytes_find(value, '\n') == value.len)
        return value;
    for (struct bytes line; text_line(&value, &line);) {
        line = bytes_trim(line);
        if (*used + line.len + 1 > FOLDED_MAX)
            break;
        if (*used > begin)
            room[(*used)++] = ' ';
        memcpy(room + *used, line.at, line.len);
        *used += line.len;
    }
    return bytes_of(room + begin, *used - begin);
}

/* Reads fields as far as they go; true when the empty line that ends them was
 * there. */
static bool read_fields(struct bytes *rest, struct http_message *m, char folded[FOLDED_MAX])
{
    size_t used = 0;
    struct bytes line;
    for (int n = 0; n < HTTP_FIELDS_MAX && text_line(rest, &line); n++) {
        if (line.len == 0)
            return true;
        size_t colon = bytes_find(line, ':');
        struct bytes name = bytes_trim(bytes_until(line, colon));
        const uint8_t *begin = bytes_from(line, colon + 1).at;
        while (rest->len && (rest->at[0] == ' ' || rest->at[0] == '\t') && text_line(rest, &line))
            ;
        struct bytes value = bytes_trim(bytes_of(begin, (size_t)(line.at + line.len - begin)));
        http_field(m, name, unfolded(value, folded, &used));
    }
    return false;
}

static struct bytes first_line(struct bytes *rest)
{
    struct bytes line;
    *rest = without_blanks(*rest);
    if (bytes_find(*rest, '\n') == rest->len || !text_line(rest, &line)) {
        line = *rest; /* a start line that is not whole */
        *rest = bytes_from(*rest, rest->len);
    }
    return line;
}

static bool read_request(struct bytes *rest, struct http_message *m, char folded[FOLDED_MAX])
{
    *m = (struct http_message){.status = 0};
    struct bytes line = first_line(rest);
    m->method = bytes_until(line, bytes_find(line, ' '));
    line = bytes_from(line, m->method.len + 1);
    m->target = bytes_trim(bytes_until(line, version_at(line)));
    m->simple = version_at(line) == line.len;
    return read_fields(rest, m, folded);
}

static bool read_response(struct bytes *rest, struct http_message *m, char folded[FOLDED_MAX])
{
    uint64_t status = 0;
    *m = (struct http_message){.status = 0};
    struct bytes line = first_line(rest);
    struct bytes code = bytes_trim(bytes_from(line, bytes_find(line, ' ')));
    if (!text_number(bytes_until(code, 3), 999, &status) || status < 100)
        return false;
    m->status = (unsigned)status;
    return read_fields(rest, m, folded);
}

/* Where the head ends (behind its empty line), or 0 when it is not whole. Its
 * first `looked` octets do not hold the end. */
static size_t head_end(struct bytes octets, size_t looked)
{
    const uint8_t *at = octets.at;
    const uint8_t *limit = octets.at + octets.len;
    while (at < limit && (*at == '\r' || *at == '\n'))
        at++;
    if (looked > END_OCTETS && octets.at + looked - END_OCTETS > at)
        at = octets.at + looked - END_OCTETS;
    while ((at = at < limit ? memchr(at, '\n', (size_t)(limit - at)) : NULL)) {
        at++;
        if (at < limit && *at == '\n')
            return (size_t)(at + 1 - octets.at);
        if (limit - at >= 2 && at[0] == '\r' && at[1] == '\n')
            return (size_t)(at + 2 - octets.at);
    }
    return 0;
}

/* ---- bodies ---- */

/* What follows the head: `left` octets, or chunks. */
static void begin_body(struct dissection *d, const struct http_message *m, uint64_t left)
{
    struct dissect_side *side = &d->flow->side[d->side];
    struct body_about about = http_about(m);
    d->counts->http_ambiguous += m->lengths_differ || (m->chunked && m->has_length);
    if (!m->chunked && left == 0)
        return;
    struct http *h = body_wanted(d->sink, &about) ? http_of(d) : NULL;
    struct body *body = h ? body_open(d, &about) : NULL;
    if (body) {
        h->side[d->side] = (struct http_side){.body = body, .left = left, .chunked = m->chunked};
        side->owes = left == UNTIL_CLOSE && !m->chunked;
    }
    side->phase = m->chunked ? PHASE_CHUNK : body ? PHASE_BODY : PHASE_HEAD;
    if (!m->chunked && !body)
        side->skip = left;
}

static size_t body(struct dissection *d, struct bytes octets)
{
    struct http *h = d->flow->state;
    struct http_side *s = &h->side[d->side];
    size_t len = s->left < octets.len ? (size_t)s->left : octets.len;
    body_add(d, s->body, bytes_until(octets, len));
    if (s->left == UNTIL_CLOSE)
        return len;
    s->left -= len;
    if (s->left)
        return len;
    if (s->chunked)
        d->flow->side[d->side].phase = PHASE_CHUNK;
    else
        end_body(d, true);
    return len;
}

/* The octets of this chunk are wanted, or passed over. */
static void begin_chunk(struct dissection *d, uint64_t size)
{
    struct dissect_side *side = &d->flow->side[d->side];
    struct http *h = d->flow->state;
    if (!h || !h->side[d->side].body) {
        side->skip = size;
        return;
    }
    h->side[d->side].left = size;
    side->phase = PHASE_BODY;
}

static size_t no_chunk(struct dissection *d)
{
    d->counts->http_refused++;
    end_body(d, false);
    return DISSECT_OFF;
}

/* One chunk's size line (RFC 9112, 7.1), with its extensions; behind the last
 * one, trailers until an empty line. */
static size_t chunk(struct dissection *d, struct bytes octets)
{
    if (octets.at[0] == '\n') /* the line end of the chunk before */
        return 1;
    if (octets.at[0] == '\r')
        return octets.len < 2 ? 0 : octets.at[1] == '\n' ? 2 : no_chunk(d);
    size_t line = bytes_find(octets, '\n');
    if (line == octets.len)
        return line < CHUNK_LINE_MAX ? 0 : no_chunk(d);
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < line; digits++) {
        uint8_t c = bytes_lower(octets.at[digits]);
        int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (value < 0)
            break;
        if (size >> 58)
            return no_chunk(d);
        size = size << 4 | (uint64_t)value;
    }
    if (digits == 0)
        return no_chunk(d);
    if (size) {
        begin_chunk(d, size);
        return line + 1;
    }
    struct bytes behind = bytes_from(octets, line + 1);
    size_t used = bytes_start_with(behind, "\n") ? 1 : bytes_start_with(behind, "\r\n") ? 2 : head_end(behind, 0);
    if (!used)
        return 0;
    end_body(d, true);
    return line + 1 + used;
}

/* ---- HTTP/2 ---- */

static size_t begin_http2(struct dissection *d, struct bytes octets)
{
    struct http *h = http_of(d);
    if (h && !h->http2)
        h->http2 = http2_new(d);
    if (!h || !h->http2)
        return DISSECT_OFF;
    d->flow->side[d->side].phase = PHASE_HTTP2;
    return http2_stream(d, h->http2, octets);
}

static size_t http2(struct dissection *d, struct bytes octets)
{
    struct http *h = d->flow->state;
    return http2_stream(d, h->http2, octets);
}

/* What asks for HTTP/2 is its first stream (RFC 7540, 3.2). */
static void ask_upgrade(struct dissection *d, const struct http_message *m)
{
    char name[FILE_NAME_MAX];
    bool h2c = false;
    for (struct bytes rest = m->upgrade; rest.len;) {
        size_t comma = bytes_find(rest, ',');
        h2c |= bytes_alike(bytes_trim(bytes_until(rest, comma)), "h2c");
        rest = bytes_from(rest, comma + 1);
    }
    d->flow->side[d->side].phase = PHASE_UPGRADE;
    struct http *h = h2c ? http_of(d) : NULL;
    if (!h || h->http2)
        return;
    h->http2 = http2_new(d);
    if (h->http2)
        http2_ask(d, h->http2, bytes_of(name, http_name(m, name)));
}

/* ---- messages ---- */

/* What is no message, or one that nobody asks for: passed over until a segment
 * begins as one. */
static size_t pass_over(struct dissection *d, struct bytes octets)
{
    d->flow->side[d->side].lost = true;
    return octets.len;
}

static size_t request(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    size_t len = head_end(octets, side->looked);
    if (!len) {
        side->looked = (uint32_t)octets.len;
        return 0;
    }
    char folded[FOLDED_MAX], name[FILE_NAME_MAX];
    struct http_message m;
    struct bytes head = bytes_until(octets, len);
    if (probe_request(head) != PROBE_YES) {
        d->counts->http_refused++;
        return pass_over(d, octets);
    }
    d->counts->http_refused += !read_request(&head, &m, folded);
    http_tell_request(d, &m);
    if (bytes_alike(m.method, "connect")) {
        dissect_again(d);
        return len;
    }
    remember(d, &m);
    if (m.chunked || m.length)
        http_tell_name(d, &m, bytes_of(name, http_name(&m, name)));
    begin_body(d, &m, m.length);
    if (m.upgrade.len && side->phase == PHASE_HEAD && !side->skip)
        ask_upgrade(d, &m);
    return len;
}

static void answer(struct dissection *d, const struct http_message *m)
{
    struct http *h = d->flow->state;
    const struct asked *asked = h ? h->first : NULL;
    uint64_t left = m->has_length ? m->length : UNTIL_CLOSE;
    if (m->status == 101) {
        d->flow->side[d->side].phase = PHASE_UPGRADE;
    } else if (m->status != 204 && m->status != 304 && !(asked && asked->head)) {
        if (m->chunked || left)
            http_tell_name(d, m, asked ? bytes_of(asked->name, asked->len) : bytes_of(NULL, 0));
        begin_body(d, m, left);
    }
    if (asked)
        answered(d, h);
    else if (h && h->asked && h->settled < ASKED_MAX)
        h->settled++;
}

static size_t response(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    if (!wants_responses(d->sink) && !d->flow->state)
        return pass_over(d, octets);
    size_t len = head_end(octets, side->looked);
    if (!len) {
        side->looked = (uint32_t)octets.len;
        return 0;
    }
    char folded[FOLDED_MAX];
    struct http_message m;
    struct bytes head = bytes_until(octets, len);
    if (!read_response(&head, &m, folded)) {
        d->counts->http_refused++;
        return pass_over(d, octets);
    }
    if (m.status / 100 == 1 && m.status != 101) /* another one follows (RFC 9110, 15.2) */
        return len;
    d->counts->http_responses++;
    answer(d, &m);
    return len;
}

static bool is_simple(const struct dissection *d)
{
    const struct http *h = d->flow->state;
    return h && h->first && h->first->simple && d->side != h->client;
}

/* A body without a head. */
static size_t simple_response(struct dissection *d, struct bytes octets)
{
    d->counts->http_responses++;
    answer(d, &(struct http_message){.status = 200});
    return d->flow->side[d->side].phase == PHASE_BODY ? body(d, octets) : pass_over(d, octets);
}

/* Behind a message that asks for an upgrade, or agrees: HTTP/2, HTTP/1 as
 * before, or what is none of ours. */
static size_t upgraded(struct dissection *d, struct bytes octets)
{
    enum probe h2 = http2_probe(octets);
    if (h2 == PROBE_YES)
        return begin_http2(d, octets);
    enum probe h1 = probe(octets, DISSECT_TCP);
    if (h1 == PROBE_MORE)
        return octets.len < DISSECT_PROBE_MAX ? 0 : DISSECT_OFF;
    if (h1 == PROBE_NO)
        return DISSECT_OFF;
    d->flow->side[d->side].phase = PHASE_HEAD;
    return begins_response(octets) ? response(d, octets) : request(d, octets);
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    switch ((enum phase)d->flow->side[d->side].phase) {
    case PHASE_CHUNK: return chunk(d, octets);
    case PHASE_BODY: return body(d, octets);
    case PHASE_UPGRADE: return upgraded(d, octets);
    case PHASE_HTTP2: return http2(d, octets);
    case PHASE_HEAD: break;
    }
    if (octets.at[0] == '\r' || octets.at[0] == '\n') /* behind the message before, which was said to end sooner */
        return 1;
    if (begins_response(octets))
        return octets.len >= sizeof response_begin - 1 ? response(d, octets) : 0;
    if (is_simple(d))
        return simple_response(d, octets);
    enum probe h2 = http2_probe(octets);
    if (h2 == PROBE_YES)
        return begin_http2(d, octets);
    return h2 == PROBE_MORE ? 0 : request(d, octets);
}

static void rest(struct dissection *d, struct bytes octets)
{
    struct http_message m;
    char folded[FOLDED_MAX];
    uint8_t phase = d->flow->side[d->side].phase;
    if ((phase != PHASE_HEAD && phase != PHASE_UPGRADE) || begins_response(octets) ||
        probe_request(octets) != PROBE_YES)
        return;
    d->counts->http_refused++;
    read_request(&octets, &m, folded);
    http_tell_request(d, &m);
}

const struct dissector dissector_http = {.name = "http",
                                         .transports = DISSECT_TCP,
                                         .probe = probe,
                                         .stream = stream,
                                         .rest = rest,
                                         .hole = hole,
                                         .end = end};
