/*
 * HTTP/1 (RFC 9112): the requests of a connection one after another: host, URL, user agent, referer, forwarded-for. A
 * message's body is passed over by its length or chunk by chunk. Responses are of no interest yet, but for finding out
 * which side is the client.
 */
#include "base/text.h"
#include "wire/dissect.h"

#include <stdio.h>

enum {
    HEADERS_MAX = 256,
    FORWARDED_MAX = 32, /* addresses of one X-Forwarded-For */
    METHOD_MAX = 24,
    CHUNK_LINE_MAX = 4096,
    END_OCTETS = 4, /* CR LF CR LF */
};

enum phase { PHASE_HEAD, PHASE_CHUNK };

static const char response[] = "HTTP/1.";

static bool begins_response(struct bytes head)
{
    size_t known = head.len < sizeof response - 1 ? head.len : sizeof response - 1;
    return memcmp(head.at, response, known) == 0;
}

static bool is_absolute(struct bytes target)
{
    size_t colon = bytes_find(target, ':');
    return colon + 2 < target.len && target.at[colon + 1] == '/' && target.at[colon + 2] == '/' &&
           bytes_find(target, '/') > colon && bytes_find(target, '?') > colon;
}

static struct bytes without_blanks(struct bytes b) /* in front (RFC 9112, 2.2, and what servers forgive) */
{
    while (b.len && (*b.at == '\r' || *b.at == '\n' || *b.at == ' '))
        b = bytes_from(b, 1);
    return b;
}

/* A method is a token in capitals (RFC 9110, 9.1, and IANA's registry): letters, then one blank. */
static size_t method_len(struct bytes line)
{
    size_t len = 0;
    while (len < line.len &&
           ((line.at[len] >= 'A' && line.at[len] <= 'Z') || line.at[len] == '-' || line.at[len] == '_'))
        len++;
    return len;
}

/* A line that names no version is believed of the methods that everybody knows, since servers do. */
static bool well_known(struct bytes method)
{
    static const char *const names[] = {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_equal(method, bytes_text(names[i])))
            return true;
    return false;
}

/* Where the version begins behind the line's last blank, or the line's end when there is none. */
static size_t version_at(struct bytes line)
{
    size_t at = line.len;
    while (at && line.at[at - 1] != ' ')
        at--;
    return at && bytes_start_with(bytes_from(line, at), "HTTP/") ? at : line.len;
}

static enum probe probe(struct bytes head, unsigned transport)
{
    (void)transport;
    if (begins_response(head))
        return head.len >= sizeof response - 1 ? PROBE_YES : PROBE_MORE;
    head = without_blanks(head);
    size_t len = method_len(head);
    if (len == head.len)
        return len <= METHOD_MAX ? PROBE_MORE : PROBE_NO;
    struct bytes method = bytes_until(head, len);
    if (len < 3 || len > METHOD_MAX || head.at[len] != ' ')
        return PROBE_NO;
    struct bytes line = bytes_from(head, len + 1);
    size_t end = bytes_find(line, '\n');
    bool whole = end < line.len;
    line = bytes_trim(bytes_until(line, end));
    bool target = line.len == 0 || line.at[0] == '/' || is_absolute(line);
    size_t version = version_at(line);
    if (version < line.len)
        return bytes_start_with(bytes_from(line, version), "HTTP/1.") ? PROBE_YES : PROBE_NO;
    if (whole)
        return well_known(method) && line.len && target ? PROBE_YES : PROBE_NO;
    if (!well_known(method) && !target)
        return PROBE_NO;
    return head.len >= DISSECT_PROBE_MAX ? PROBE_YES : PROBE_MORE;
}

struct request {
    struct bytes method;
    struct bytes target;
    struct bytes host;
    struct bytes host_again; /* of a second Host, which servers may take */
    struct bytes agent;
    struct bytes referer;
    struct bytes forwarded;
    uint64_t length;
    bool chunked;
};

/* The last coding decides whether the body is chunked (RFC 9112, 6.1). */
static bool ends_chunked(struct bytes codings)
{
    for (size_t comma; (comma = bytes_find(codings, ',')) < codings.len;)
        codings = bytes_from(codings, comma + 1);
    return bytes_alike(bytes_trim(codings), "chunked");
}

static void take_header(struct request *r, struct bytes line)
{
    size_t colon = bytes_find(line, ':');
    struct bytes name = bytes_trim(bytes_until(line, colon));
    struct bytes value = bytes_trim(bytes_from(line, colon + 1));
    if (bytes_alike(name, "host"))
        *(r->host.len ? &r->host_again : &r->host) = value;
    else if (bytes_alike(name, "user-agent"))
        r->agent = value;
    else if (bytes_alike(name, "referer"))
        r->referer = value;
    else if (bytes_alike(name, "x-forwarded-for"))
        r->forwarded = value;
    else if (bytes_alike(name, "transfer-encoding"))
        r->chunked |= ends_chunked(value);
    else if (bytes_alike(name, "content-length") && !text_number(value, UINT64_MAX, &r->length))
        r->length = 0;
}

static void tell_forwarded(struct dissection *d, struct bytes list)
{
    for (int n = 0; n < FORWARDED_MAX && list.len; n++) {
        size_t comma = bytes_find(list, ',');
        struct bytes one = bytes_trim(bytes_until(list, comma));
        struct address a;
        if (address_read(one, &a))
            dissect_address(d, WHERE_HTTP_XFF, &a, one);
        else if (one.len && !bytes_alike(one, "unknown"))
            dissect_host(d, WHERE_HTTP_XFF, one);
        list = bytes_from(list, comma + 1);
    }
}

/* A request without Host is for the address it was sent to. */
static size_t server(const struct dissection *d, char *out)
{
    const struct tuple *t = &d->view->tuple;
    const struct address *a = d->side == 0 ? &t->dst : &t->src;
    uint16_t port = d->side == 0 ? t->dst_port : t->src_port;
    char text[ADDRESS_TEXT_MAX];
    address_write(a, text);
    return (size_t)sprintf(out, address_is_v4(a) ? "%s:%u" : "[%s]:%u", text, port);
}

static void tell_url(struct dissection *d, const struct request *r)
{
    if (is_absolute(r->target)) {
        dissect_url(d, WHERE_HTTP_URL, r->target, r->target, true);
        return;
    }
    if (!r->target.len || r->target.at[0] != '/')
        return; /* `*`, or nothing a URL has */
    static const char scheme[] = "http://";
    char *out = d->room;
    size_t len = sizeof scheme - 1;
    memcpy(out, scheme, len);
    struct bytes host = bytes_until(r->host, OBSERVABLE_VALUE_MAX);
    if (host.len)
        memcpy(out + len, host.at, host.len);
    len += host.len ? host.len : server(d, out + len);
    struct bytes target = bytes_until(r->target, 4 * OBSERVABLE_VALUE_MAX);
    memcpy(out + len, target.at, target.len);
    dissect_url(d, WHERE_HTTP_URL, bytes_of(out, len + target.len), r->target, false);
}

static void tell_request(struct dissection *d, const struct request *r)
{
    d->counts->http++;
    if (bytes_alike(r->method, "connect"))
        dissect_host(d, WHERE_PROXY_TARGET, r->target);
    else
        tell_url(d, r);
    if (r->host.len)
        dissect_host(d, WHERE_HTTP_HOST, r->host);
    if (r->host_again.len)
        dissect_host(d, WHERE_HTTP_HOST, r->host_again);
    if (r->agent.len)
        dissect_text(d, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, r->agent);
    if (r->referer.len && is_absolute(r->referer))
        dissect_url(d, WHERE_HTTP_REFERER, r->referer, r->referer, true);
    if (r->forwarded.len)
        tell_forwarded(d, r->forwarded);
}

/* Reads a request's head line by line, as far as it goes; true when the empty line that ends it was there. */
static bool read_head(struct bytes *rest, struct request *r)
{
    struct bytes line;
    *r = (struct request){.length = 0};
    *rest = without_blanks(*rest);
    if (bytes_find(*rest, '\n') == rest->len || !text_line(rest, &line)) {
        line = *rest; /* a start line that is not whole */
        *rest = bytes_from(*rest, rest->len);
    }
    r->method = bytes_until(line, bytes_find(line, ' '));
    line = bytes_from(line, r->method.len + 1);
    r->target = bytes_trim(bytes_until(line, version_at(line)));
    for (int n = 0; n < HEADERS_MAX && text_line(rest, &line); n++) {
        if (line.len == 0)
            return true;
        take_header(r, line);
    }
    return false;
}

/* Where the head ends (behind its empty line), or 0 when it is not whole. Its first `looked` octets do not hold the
 * end. */
static size_t head_end(struct bytes octets, size_t looked)
{
    const uint8_t *at = octets.at;
    const uint8_t *end = octets.at + octets.len;
    while (at < end && (*at == '\r' || *at == '\n'))
        at++;
    if (looked > END_OCTETS && octets.at + looked - END_OCTETS > at)
        at = octets.at + looked - END_OCTETS;
    while ((at = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL)) {
        at++;
        if (at < end && *at == '\n')
            return (size_t)(at + 1 - octets.at);
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
            return (size_t)(at + 2 - octets.at);
    }
    return 0;
}

static size_t request(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    size_t end = head_end(octets, side->looked);
    if (!end) {
        side->looked = (uint32_t)octets.len;
        return 0;
    }
    struct request r;
    struct bytes head = bytes_until(octets, end);
    if (probe(head, DISSECT_TCP) != PROBE_YES) {
        d->counts->http_refused++;
        return DISSECT_OFF;
    }
    d->counts->http_refused += !read_head(&head, &r);
    tell_request(d, &r);
    if (bytes_alike(r.method, "connect"))
        dissect_again(d);
    else if (r.chunked)
        side->phase = PHASE_CHUNK;
    else
        side->skip = r.length;
    return end;
}

/* One chunk's size line (RFC 9112, 7.1); its data and line end are passed over. */
static size_t chunk(struct dissection *d, struct bytes octets)
{
    struct dissect_side *side = &d->flow->side[d->side];
    if (octets.at[0] == '\n') /* the line end of the chunk before */
        return 1;
    if (octets.at[0] == '\r')
        return octets.len < 2 ? 0 : octets.at[1] == '\n' ? 2 : DISSECT_OFF;
    size_t end = bytes_find(octets, '\n');
    if (end == octets.len)
        return end < CHUNK_LINE_MAX ? 0 : DISSECT_OFF;
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < end; digits++) {
        uint8_t c = bytes_lower(octets.at[digits]);
        int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (value < 0)
            break;
        if (size >> 58)
            return DISSECT_OFF;
        size = size << 4 | (uint64_t)value;
    }
    if (digits == 0) { /* the line end behind the chunk before, or no chunk at all */
        d->counts->http_refused++;
        return DISSECT_OFF;
    }
    if (size) {
        side->skip = size;
        return end + 1;
    }
    /* The last chunk: trailers until an empty line. */
    size_t trailers = octets.at[end + 1 < octets.len ? end + 1 : end] == '\r' ? 2 : 1;
    struct bytes behind = bytes_from(octets, end + 1);
    bool none =
        (behind.len >= 1 && behind.at[0] == '\n') || (behind.len >= 2 && behind.at[0] == '\r' && behind.at[1] == '\n');
    size_t used = none ? trailers : head_end(behind, 0);
    if (!used)
        return 0;
    side->phase = PHASE_HEAD;
    return end + 1 + used;
}

static size_t stream(struct dissection *d, struct bytes octets)
{
    if (d->flow->side[d->side].phase == PHASE_CHUNK)
        return chunk(d, octets);
    if (begins_response(octets))
        return octets.len >= sizeof response - 1 ? DISSECT_OFF : 0;
    return request(d, octets);
}

static void rest(struct dissection *d, struct bytes octets)
{
    struct request r;
    if (d->flow->side[d->side].phase != PHASE_HEAD || probe(octets, DISSECT_TCP) != PROBE_YES ||
        begins_response(octets))
        return;
    d->counts->http_refused++;
    read_head(&octets, &r);
    tell_request(d, &r);
}

const struct dissector dissector_http = {
    .name = "http", .transports = DISSECT_TCP, .probe = probe, .stream = stream, .rest = rest};
