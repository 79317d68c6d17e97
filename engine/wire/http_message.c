/*
 * Fields to members, members to the sink.
 */
#include "wire/http_message.h"

#include "base/text.h"
#include "wire/mime.h"

#include <stdio.h>

/* The last coding must be `chunked` (RFC 9112, 6.1). Where it stands elsewhere
 * some servers read chunks and some do not; to read them shows what both see.
 */
static void take_transfer(struct http_message *m, struct bytes codings)
{
    bool last = true;
    m->transfer = codings;
    while (codings.len) {
        size_t comma = bytes_find(codings, ',');
        last = bytes_alike(bytes_trim(bytes_until(codings, comma)), "chunked");
        m->chunked |= last;
        codings = bytes_from(codings, comma + 1);
    }
    m->lengths_differ |= m->chunked && !last;
}

static void take_length(struct http_message *m, struct bytes value)
{
    uint64_t length;
    struct bytes first = bytes_trim(bytes_until(value, bytes_find(value, ','))); /* "5, 5" is 5 (RFC 9110, 8.6) */
    if (!text_number(first, INT64_MAX, &length))
        return;
    m->lengths_differ |= m->has_length && m->length != length;
    m->length = m->has_length ? m->length : length;
    m->has_length = true;
}

static void take_list(struct bytes lists[HTTP_LISTS_MAX], unsigned *count, struct bytes value)
{
    if (*count < HTTP_LISTS_MAX && value.len)
        lists[(*count)++] = value;
}

static void take_host(struct http_message *m, struct bytes value)
{
    if (m->host_count < HTTP_HOSTS_MAX && value.len)
        m->hosts[m->host_count++] = value;
}

void http_field(struct http_message *m, struct bytes name, struct bytes value)
{
    switch (name.len) {
    case 4:
        if (bytes_alike(name, "host"))
            take_host(m, value);
        break;
    case 7:
        if (bytes_alike(name, "referer"))
            m->referer = value;
        else if (bytes_alike(name, "upgrade"))
            m->upgrade = value;
        break;
    case 9:
        if (bytes_alike(name, "forwarded"))
            take_list(m->relayed, &m->relayed_count, value);
        break;
    case 10:
        if (bytes_alike(name, "user-agent"))
            m->agent = value;
        break;
    case 12:
        if (bytes_alike(name, "content-type"))
            m->type = value;
        break;
    case 13:
        if (bytes_alike(name, "content-range"))
            m->range = value;
        break;
    case 14:
        if (bytes_alike(name, "content-length"))
            take_length(m, value);
        break;
    case 15:
        if (bytes_alike(name, "x-forwarded-for"))
            take_list(m->forwarded, &m->forwarded_count, value);
        break;
    case 16:
        if (bytes_alike(name, "content-encoding"))
            m->coding = value;
        break;
    case 17:
        if (bytes_alike(name, "transfer-encoding"))
            take_transfer(m, value);
        break;
    case 19:
        if (bytes_alike(name, "content-disposition"))
            m->disposition = value;
        break;
    default: break;
    }
}

bool http_is_absolute(struct bytes target)
{
    size_t colon = bytes_find(target, ':');
    return colon + 2 < target.len && target.at[colon + 1] == '/' && target.at[colon + 2] == '/' &&
           bytes_find(target, '/') > colon && bytes_find(target, '?') > colon;
}

static void tell_forwarded(struct dissection *d, struct bytes list)
{
    for (int n = 0; n < HTTP_FORWARDED_MAX && list.len; n++) {
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

/* `for=192.0.2.43;by=…, for="[2001:db8::1]:4711"`: the nodes behind `for`; one
 * that begins with `_` says nothing. */
static void tell_relayed(struct dissection *d, struct bytes list)
{
    for (int n = 0; n < HTTP_FORWARDED_MAX && list.len; n++) {
        size_t end = 0;
        while (end < list.len && list.at[end] != ',' && list.at[end] != ';')
            end++;
        struct bytes pair = bytes_trim(bytes_until(list, end));
        list = bytes_from(list, end + 1);
        if (!bytes_alike(bytes_until(pair, 4), "for="))
            continue;
        struct bytes node = bytes_from(pair, 4);
        if (node.len >= 2 && node.at[0] == '"' && node.at[node.len - 1] == '"')
            node = bytes_from(bytes_until(node, node.len - 1), 1);
        if (node.len && node.at[0] != '_' && !bytes_alike(node, "unknown"))
            dissect_host(d, WHERE_HTTP_XFF, node);
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

/* Without the user info, which only tells who asks. */
static struct bytes without_user(struct bytes authority)
{
    size_t at = authority.len;
    while (at && authority.at[at - 1] != '@')
        at--;
    return bytes_from(authority, at);
}

/* A target with scheme and authority is for a proxy (RFC 9112, 3.2.2). */
static void tell_absolute(struct dissection *d, const struct http_message *m)
{
    struct bytes authority = bytes_from(m->target, bytes_find(m->target, ':') + 3);
    size_t end = 0;
    while (end < authority.len && authority.at[end] != '/' && authority.at[end] != '?' && authority.at[end] != '#')
        end++;
    dissect_url(d, WHERE_HTTP_URL, m->target, m->target, true);
    if (end)
        dissect_host(d, WHERE_PROXY_TARGET, without_user(bytes_until(authority, end)));
}

static void tell_url(struct dissection *d, const struct http_message *m)
{
    if (http_is_absolute(m->target)) {
        tell_absolute(d, m);
        return;
    }
    if (!m->target.len || m->target.at[0] != '/')
        return; /* `*`, or nothing a URL has */
    struct bytes scheme = bytes_text(bytes_alike(m->scheme, "https") ? "https://" : "http://");
    char *out = d->room;
    size_t len = scheme.len;
    memcpy(out, scheme.at, len);
    struct bytes host = m->host_count ? bytes_until(m->hosts[0], OBSERVABLE_VALUE_MAX) : bytes_of(NULL, 0);
    if (host.len)
        memcpy(out + len, host.at, host.len);
    len += host.len ? host.len : server(d, out + len);
    struct bytes target = bytes_until(m->target, 4 * OBSERVABLE_VALUE_MAX);
    memcpy(out + len, target.at, target.len);
    dissect_url(d, WHERE_HTTP_URL, bytes_of(out, len + target.len), m->target, false);
}

void http_tell_request(struct dissection *d, const struct http_message *m)
{
    d->counts->http++;
    if (bytes_alike(m->method, "connect"))
        dissect_host(d, WHERE_PROXY_TARGET, without_user(m->target));
    else
        tell_url(d, m);
    for (unsigned i = 0; i < m->host_count; i++)
        dissect_host(d, WHERE_HTTP_HOST, without_user(m->hosts[i]));
    if (m->agent.len)
        dissect_text(d, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, m->agent);
    if (m->referer.len && http_is_absolute(m->referer))
        dissect_url(d, WHERE_HTTP_REFERER, m->referer, m->referer, true);
    for (unsigned i = 0; i < m->forwarded_count; i++)
        tell_forwarded(d, m->forwarded[i]);
    for (unsigned i = 0; i < m->relayed_count; i++)
        tell_relayed(d, m->relayed[i]);
}

size_t http_name(const struct http_message *m, char out[FILE_NAME_MAX])
{
    return file_name_of_url(m->target, out);
}

void http_tell_name(struct dissection *d, const struct http_message *m, struct bytes asked)
{
    char name[FILE_NAME_MAX];
    if (!file_wants_names(d->sink))
        return;
    size_t len = m->disposition.len ? mime_parameter(m->disposition, "filename", name, sizeof name) : 0;
    if (len)
        file_name(d, bytes_of(name, len), m->disposition);
    else if (asked.len && (m->status ? m->status / 100 == 2 : bytes_alike(m->method, "put")))
        file_name(d, asked, bytes_of(NULL, 0));
}

/* `bytes 0-99/100` is all of it (RFC 9110, 14.4). */
static bool is_whole_range(struct bytes range)
{
    uint64_t first, last, size;
    size_t dash = bytes_find(range, '-'), slash = bytes_find(range, '/');
    return bytes_alike(bytes_until(range, 5), "bytes") &&
           text_number(bytes_trim(bytes_from(bytes_until(range, dash), 5)), 0, &first) &&
           text_number(bytes_trim(bytes_from(bytes_until(range, slash), dash + 1)), INT64_MAX, &last) &&
           text_number(bytes_trim(bytes_from(range, slash + 1)), INT64_MAX, &size) && last + 1 == size;
}

struct body_about http_about(const struct http_message *m)
{
    return (struct body_about){.codings = m->coding,
                               .transfer = m->transfer,
                               .type = m->type,
                               .request = m->status == 0,
                               .partial = m->status == 206 && !is_whole_range(m->range)};
}
