/*
 * http2: the one door to libnghttp2, of which only the header decompression is
 * used.
 */
#include "wire/http2.h"

#include "wire/http_message.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum {
    FRAME_HEAD = 9,
    TABLE_DEFAULT = 4096,
    INFLATER_OCTETS = 8 * 1024, /* what libnghttp2 takes for one direction, without its table */
    SETTING_OCTETS = 6,
    SETTING_TABLE_SIZE = 1,
    SETTINGS_PROBED_MAX = 40,
    PRIORITY_OCTETS = 5,
};

enum frame_type {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_RST_STREAM = 3,
    FRAME_SETTINGS = 4,
    FRAME_PUSH_PROMISE = 5,
    FRAME_CONTINUATION = 9,
};

enum { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8, FLAG_PRIORITY = 32 };

struct frame {
    uint32_t len;
    uint8_t type;
    uint8_t flags;
    uint32_t stream;
};

/* One direction of a stream. */
struct h2_message {
    struct body *body;
    uint64_t expected; /* Content-Length, UINT64_MAX when it is not told */
    uint64_t taken;
    bool begun; /* its head was seen */
    bool over;
};

struct h2_stream {
    struct h2_stream *next; /* newer */
    uint32_t id;
    struct h2_message side[2];
    uint8_t len;
    char name[]; /* in the URL */
};

/* A header block that is being read, perhaps over several frames. */
struct h2_block {
    uint32_t stream; /* 0: none */
    bool ends_stream;
    bool promise; /* a request that the server makes for the client (RFC
                     9113, 8.4) */
    size_t used;  /* of `text` */
    unsigned fields;
    char *text;
    struct http_message message;
    struct bytes authority;
};

struct h2_side {
    nghttp2_hd_inflater *inflater;
    size_t table; /* its octets, of the budget */
    struct h2_block block;
    uint32_t left;    /* octets of a DATA frame still to come, without its padding */
    uint32_t padding; /* behind them */
    uint32_t data;    /* their stream */
    bool data_ends;
    bool begun; /* the preface is passed */
    bool dead;
};

struct http2 {
    struct h2_side side[2];
    struct h2_stream *oldest;
    unsigned streams;
};

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum { PREFACE_OCTETS = sizeof preface - 1 };

static struct frame frame_of(struct bytes octets)
{
    struct cursor c = cursor_of(octets);
    struct frame f = {.len = cursor_u24(&c)};
    f.type = cursor_u8(&c);
    f.flags = cursor_u8(&c);
    f.stream = cursor_u32(&c) & INT32_MAX;
    return f;
}

enum probe http2_probe(struct bytes head)
{
    size_t known = head.len < PREFACE_OCTETS ? head.len : PREFACE_OCTETS;
    if (head.at[0] != preface[0] && head.at[0] != 0) /* nearly always */
        return PROBE_NO;
    if (memcmp(head.at, preface, known) == 0)
        return head.len < PREFACE_OCTETS ? PROBE_MORE : PROBE_YES;
    static const char settings[FRAME_HEAD] = {0, 0, 0, FRAME_SETTINGS};
    uint8_t seen[FRAME_HEAD] = {0};
    known = head.len < FRAME_HEAD ? head.len : FRAME_HEAD;
    memcpy(seen, head.at, known);
    if (seen[2] % SETTING_OCTETS || seen[2] > SETTINGS_PROBED_MAX * SETTING_OCTETS)
        return PROBE_NO;
    seen[2] = 0;
    if (memcmp(seen, settings, known) != 0)
        return PROBE_NO;
    return head.len < FRAME_HEAD ? PROBE_MORE : PROBE_YES;
}

/* ---- streams ---- */

static struct h2_stream *stream_find(struct http2 *h, uint32_t id)
{
    for (struct h2_stream *s = h->oldest; s; s = s->next)
        if (s->id == id)
            return s;
    return NULL;
}

static void message_end(struct dissection *d, struct h2_message *m, bool whole)
{
    body_close(d, m->body, whole && (m->expected == UINT64_MAX || m->expected == m->taken));
    m->body = NULL;
    m->over = true;
}

static void stream_drop(struct dissection *d, struct http2 *h, struct h2_stream *gone)
{
    struct h2_stream **at = &h->oldest;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    for (int side = 0; side < 2; side++)
        message_end(d, &gone->side[side], false);
    h->streams--;
    d->budget->held -= sizeof *gone + gone->len;
    free(gone);
}

/* NULL where there is no room. */
static struct h2_stream *stream_open(struct dissection *d, struct http2 *h, uint32_t id, struct bytes name)
{
    name = bytes_until(name, FILE_NAME_MAX);
    if (h->streams == HTTP2_STREAMS_MAX) {
        d->counts->http2_streams_dropped++;
        stream_drop(d, h, h->oldest);
    }
    if (d->budget->held + sizeof(struct h2_stream) + name.len > d->budget->max) {
        d->counts->http2_streams_dropped++;
        return NULL;
    }
    struct h2_stream *s = malloc(sizeof *s + name.len);
    if (!s)
        abort();
    *s = (struct h2_stream){.id = id, .len = (uint8_t)name.len};
    if (name.len)
        memcpy(s->name, name.at, name.len);
    struct h2_stream **at = &h->oldest;
    while (*at)
        at = &(*at)->next;
    *at = s;
    h->streams++;
    d->budget->held += sizeof *s + name.len;
    return s;
}

static void side_ends(struct dissection *d, struct http2 *h, struct h2_stream *s)
{
    message_end(d, &s->side[d->side], true);
    if (s->side[!d->side].over)
        stream_drop(d, h, s);
}

/* ---- header blocks ---- */

static void block_end(struct dissection *d, struct h2_block *b)
{
    if (b->text) {
        free(b->text);
        d->budget->held -= HTTP2_LIST_MAX;
    }
    *b = (struct h2_block){.stream = 0};
}

static bool block_begin(struct dissection *d, struct h2_block *b)
{
    if (d->budget->held + HTTP2_LIST_MAX > d->budget->max)
        return false;
    b->text = malloc(HTTP2_LIST_MAX);
    if (!b->text)
        abort();
    d->budget->held += HTTP2_LIST_MAX;
    return true;
}

/* A copy that lives as long as the block; empty when the list is full. */
static struct bytes kept(struct h2_block *b, struct bytes value)
{
    if (!value.len || value.len > HTTP2_LIST_MAX - b->used)
        return bytes_of(b->text, 0);
    memcpy(b->text + b->used, value.at, value.len);
    b->used += value.len;
    return bytes_of(b->text + b->used - value.len, value.len);
}

static unsigned status_of(struct bytes value)
{
    unsigned status = 0;
    for (size_t i = 0; i < value.len && i < 3; i++)
        status = status * 10 + (value.at[i] & 15u); /* no digit: a status that nobody knows */
    return status >= 100 ? status : 0;
}

static void field(struct h2_block *b, struct bytes name, struct bytes value)
{
    struct http_message *m = &b->message;
    if (b->fields++ >= HTTP_FIELDS_MAX || !name.len)
        return;
    value = kept(b, value);
    if (name.at[0] != ':')
        http_field(m, name, bytes_trim(value));
    else if (bytes_alike(name, ":authority"))
        b->authority = value;
    else if (bytes_alike(name, ":path"))
        m->target = value;
    else if (bytes_alike(name, ":method"))
        m->method = value;
    else if (bytes_alike(name, ":scheme"))
        m->scheme = value;
    else if (bytes_alike(name, ":status"))
        m->status = status_of(value);
}

/* One frame's part of the block; false when it cannot be. */
static bool inflate_part(struct h2_side *side, struct bytes part, bool last)
{
    for (;;) {
        nghttp2_nv pair;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(side->inflater, &pair, &flags, part.at, part.len, last);
        if (used < 0)
            return false;
        part = bytes_from(part, (size_t)used);
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            field(&side->block, bytes_of(pair.name, pair.namelen), bytes_of(pair.value, pair.valuelen));
        if (flags & NGHTTP2_HD_INFLATE_FINAL) {
            nghttp2_hd_inflate_end_headers(side->inflater);
            return true;
        }
        if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && part.len == 0)
            return !last;
    }
}

/* :authority stands for Host (RFC 9113, 8.3.1). */
static void take_authority(struct h2_block *b)
{
    struct http_message *m = &b->message;
    if (!b->authority.len)
        return;
    for (unsigned i = 0; i < m->host_count; i++)
        if (bytes_equal(m->hosts[i], b->authority))
            return;
    m->host_count -= m->host_count == HTTP_HOSTS_MAX;
    memmove(m->hosts + 1, m->hosts, m->host_count * sizeof *m->hosts);
    m->hosts[0] = b->authority;
    m->host_count++;
}

static void message_begin(struct dissection *d, struct h2_stream *s, int side, const struct h2_block *b)
{
    const struct http_message *m = &b->message;
    struct h2_message *to = &s->side[side];
    struct body_about about = http_about(m);
    to->begun = true;
    to->over = b->promise;
    to->expected = m->has_length ? m->length : UINT64_MAX;
    if (b->ends_stream || b->promise || m->status == 204 || m->status == 304)
        return;
    http_tell_name(d, m, bytes_of(s->name, s->len));
    to->body = body_open(d, &about);
}

static void request(struct dissection *d, struct http2 *h, struct h2_block *b)
{
    char name[FILE_NAME_MAX];
    take_authority(b);
    if (bytes_alike(b->message.method, "connect"))
        b->message.target = b->authority;
    http_tell_request(d, &b->message);
    struct bytes asked = bytes_of(name, http_name(&b->message, name));
    struct h2_stream *s = stream_find(h, b->stream) ? NULL : stream_open(d, h, b->stream, asked);
    if (s)
        message_begin(d, s, b->promise ? !d->side : d->side, b); /* promised: what the client would have asked */
}

static void response(struct dissection *d, struct http2 *h, struct h2_block *b)
{
    if (b->message.status / 100 == 1) /* another one follows */
        return;
    struct h2_stream *s = stream_find(h, b->stream);
    if (!s)
        s = stream_open(d, h, b->stream, bytes_of(NULL, 0));
    d->counts->http_responses++;
    if (s && !s->side[d->side].begun)
        message_begin(d, s, d->side, b);
}

/* A block without method and status is a message's trailers. */
static void block_tell(struct dissection *d, struct http2 *h, struct h2_block *b)
{
    if (b->message.status)
        response(d, h, b);
    else if (b->message.method.len)
        request(d, h, b);
    struct h2_stream *s = b->ends_stream ? stream_find(h, b->stream) : NULL;
    if (s && s->side[d->side].begun)
        side_ends(d, h, s);
}

static bool block_part(struct dissection *d, struct http2 *h, struct bytes part, bool last)
{
    struct h2_side *side = &h->side[d->side];
    if (!inflate_part(side, part, last))
        return false;
    if (last) {
        block_tell(d, h, &side->block);
        block_end(d, &side->block);
    }
    return true;
}

/* ---- frames ---- */

static bool headers(struct dissection *d, struct http2 *h, const struct frame *f, struct bytes octets)
{
    struct h2_block *b = &h->side[d->side].block;
    struct cursor c = cursor_of(octets);
    uint8_t padding = f->flags & FLAG_PADDED ? cursor_u8(&c) : 0;
    if (f->type == FRAME_HEADERS && f->flags & FLAG_PRIORITY)
        cursor_skip(&c, PRIORITY_OCTETS);
    uint32_t promised = f->type == FRAME_PUSH_PROMISE ? cursor_u32(&c) & INT32_MAX : 0;
    if (c.overrun || !f->stream || padding > cursor_left(&c) || !block_begin(d, b))
        return false;
    b->stream = promised ? promised : f->stream;
    b->promise = f->type == FRAME_PUSH_PROMISE;
    b->ends_stream = f->type == FRAME_HEADERS && f->flags & FLAG_END_STREAM;
    return block_part(d, h, bytes_until(cursor_rest(&c), cursor_left(&c) - padding), f->flags & FLAG_END_HEADERS);
}

/* How large the header table of the other side may become. A smaller one its
 * sender tells in the block itself (RFC 7541, 4.2), once it has heard of it. */
static bool settings(struct dissection *d, struct http2 *h, const struct frame *f, struct bytes octets)
{
    struct h2_side *other = &h->side[!d->side];
    struct cursor c = cursor_of(octets);
    while (!(f->flags & FLAG_ACK) && cursor_left(&c) >= SETTING_OCTETS) {
        uint16_t id = cursor_u16(&c);
        size_t value = cursor_u32(&c);
        value = value < HTTP2_TABLE_MAX ? value : HTTP2_TABLE_MAX;
        if (id != SETTING_TABLE_SIZE || value <= other->table)
            continue;
        if (d->budget->held + (value - other->table) > d->budget->max)
            return false;
        d->budget->held += value - other->table;
        other->table = value;
        nghttp2_hd_inflate_change_table_size(other->inflater, value);
    }
    return true;
}

static bool reset(struct dissection *d, struct http2 *h, uint32_t id)
{
    struct h2_stream *s = stream_find(h, id);
    if (s)
        stream_drop(d, h, s);
    return true;
}

/* A frame that is read whole; false when it cannot be. */
static bool whole_frame(struct dissection *d, struct http2 *h, const struct frame *f, struct bytes octets)
{
    struct h2_block *b = &h->side[d->side].block;
    if (b->stream && (f->type != FRAME_CONTINUATION || octets.len > HTTP2_FRAME_MAX)) /* RFC 9113, 6.10 */
        return false;
    switch (f->type) {
    case FRAME_HEADERS:
    case FRAME_PUSH_PROMISE: return headers(d, h, f, octets);
    case FRAME_CONTINUATION: return b->stream && block_part(d, h, octets, f->flags & FLAG_END_HEADERS);
    case FRAME_SETTINGS: return settings(d, h, f, octets);
    case FRAME_RST_STREAM: return reset(d, h, f->stream);
    default: return true;
    }
}

static void data_end(struct dissection *d, struct http2 *h)
{
    struct h2_side *side = &h->side[d->side];
    struct h2_stream *s = side->data_ends ? stream_find(h, side->data) : NULL;
    if (s)
        side_ends(d, h, s);
    d->flow->side[d->side].skip = side->padding;
}

static size_t data_begin(struct dissection *d, struct http2 *h, const struct frame *f, struct bytes octets)
{
    struct h2_side *side = &h->side[d->side];
    uint32_t front = f->flags & FLAG_PADDED ? 1 : 0;
    if (octets.len < FRAME_HEAD + front)
        return 0;
    side->padding = front ? octets.at[FRAME_HEAD] : 0;
    if (side->block.stream || front + side->padding > f->len)
        return DISSECT_OFF;
    side->left = f->len - front - side->padding;
    side->data = f->stream;
    side->data_ends = f->flags & FLAG_END_STREAM;
    if (!side->left)
        data_end(d, h);
    return FRAME_HEAD + front;
}

static size_t data(struct dissection *d, struct http2 *h, struct bytes octets)
{
    struct h2_side *side = &h->side[d->side];
    struct bytes now = bytes_until(octets, side->left);
    struct h2_stream *s = stream_find(h, side->data);
    if (s) {
        s->side[d->side].taken += now.len;
        body_add(d, s->side[d->side].body, now);
    }
    side->left -= (uint32_t)now.len;
    if (!side->left)
        data_end(d, h);
    return now.len;
}

static size_t refuse(struct dissection *d, struct http2 *h)
{
    struct h2_side *side = &h->side[d->side];
    d->counts->http2_refused++;
    for (struct h2_stream *s = h->oldest; s; s = s->next)
        message_end(d, &s->side[d->side], false);
    block_end(d, &side->block);
    side->dead = true;
    return DISSECT_OFF;
}

static size_t frame(struct dissection *d, struct http2 *h, struct bytes octets)
{
    if (octets.len < FRAME_HEAD)
        return 0;
    struct frame f = frame_of(octets);
    if (f.type == FRAME_DATA)
        return data_begin(d, h, &f, octets);
    if (f.len > HTTP2_FRAME_MAX)
        return DISSECT_OFF;
    if (octets.len < FRAME_HEAD + f.len)
        return 0;
    return whole_frame(d, h, &f, bytes_until(bytes_from(octets, FRAME_HEAD), f.len)) ? FRAME_HEAD + f.len : DISSECT_OFF;
}

size_t http2_stream(struct dissection *d, struct http2 *h, struct bytes octets)
{
    struct h2_side *side = &h->side[d->side];
    if (side->dead)
        return DISSECT_OFF;
    if (side->left)
        return data(d, h, octets);
    if (!side->begun && bytes_start_with(octets, preface)) {
        side->begun = true;
        return PREFACE_OCTETS;
    }
    side->begun = true;
    size_t used = frame(d, h, octets);
    return used == DISSECT_OFF ? refuse(d, h) : used;
}

/* ---- life ---- */

struct http2 *http2_new(struct dissection *d)
{
    size_t len = sizeof(struct http2) + 2 * (INFLATER_OCTETS + TABLE_DEFAULT);
    if (d->budget->held + len > d->budget->max)
        return NULL;
    struct http2 *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    d->budget->held += len;
    d->counts->http2++;
    for (int side = 0; side < 2; side++) {
        if (nghttp2_hd_inflate_new(&h->side[side].inflater) != 0)
            abort();
        h->side[side].table = TABLE_DEFAULT;
    }
    return h;
}

void http2_ask(struct dissection *d, struct http2 *h, struct bytes name)
{
    struct h2_stream *s = stream_open(d, h, 1, name);
    if (s)
        s->side[d->side] = (struct h2_message){.begun = true, .over = true};
}

void http2_hole(struct dissection *d, struct http2 *h)
{
    if (!h->side[d->side].dead)
        refuse(d, h);
}

void http2_free(struct dissection *d, struct http2 *h)
{
    if (!h)
        return;
    while (h->oldest)
        stream_drop(d, h, h->oldest);
    for (int side = 0; side < 2; side++) {
        block_end(d, &h->side[side].block);
        nghttp2_hd_inflate_del(h->side[side].inflater);
        d->budget->held -= INFLATER_OCTETS + h->side[side].table;
    }
    d->budget->held -= sizeof *h;
    free(h);
}
