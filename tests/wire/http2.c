/*
 * Cleartext HTTP/2. Header blocks are made by libnghttp2's encoder; those of RFC 7541, C.3 and C.4 stand as they are
 * there.
 */
#include <nghttp2/nghttp2.h>

#include "hear.h"
#include "wire/http2.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define ABC     "file.hash sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };

enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIORITISED = 32 };

static void put_frame(struct buffer *b, unsigned type, unsigned flags, uint32_t stream, struct bytes payload)
{
    put8(b, (unsigned)payload.len >> 16);
    put16(b, payload.len & 65535);
    put8(b, type);
    put8(b, flags);
    put32(b, stream);
    put_bytes(b, payload);
}

static void put_frame_hex(struct buffer *b, unsigned type, unsigned flags, uint32_t stream, const char *hex)
{
    struct buffer payload = {.at = NULL};
    put_hex(&payload, hex);
    put_frame(b, type, flags, stream, buffer_bytes(&payload));
    buffer_free(&payload);
}

static void put_text(struct buffer *b, unsigned flags, uint32_t stream, const char *text)
{
    put_frame(b, DATA, flags, stream, bytes_text(text));
}

/* `fields`: name, value, …, NULL. */
static void put_headers(struct buffer *b, nghttp2_hd_deflater *deflater, unsigned flags, uint32_t stream,
                        const char *const *fields)
{
    nghttp2_nv pairs[16];
    uint8_t block[2048];
    size_t count = 0;
    for (; fields[2 * count]; count++)
        pairs[count] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)fields[2 * count],
                                    .namelen = strlen(fields[2 * count]),
                                    .value = (uint8_t *)(uintptr_t)fields[2 * count + 1],
                                    .valuelen = strlen(fields[2 * count + 1])};
    ssize_t len = nghttp2_hd_deflate_hd(deflater, block, sizeof block, pairs, count);
    cr_assert_gt(len, 0);
    put_frame(b, HEADERS, flags, stream, bytes_of(block, (size_t)len));
}

static void begin(struct talk *t)
{
    talk_begin(t);
    t->hearer.sink.kinds = 1u << OBSERVABLE_SHA256 | 1u << OBSERVABLE_FILE_NAME;
}

#define C3(path) "http.url url http://www.example.com" path "\nhttp.host domain-name www.example.com\n"

/* RFC 7541, C.3 (or C.4, with Huffman coding): three requests, whose table is shared. */
static void put_requests(struct buffer *b, bool huffman)
{
    static const char *const plain[] = {"828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
                                        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"};
    static const char *const coded[] = {"828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
                                        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"};
    buffer_text(b, PREFACE);
    put_frame_hex(b, SETTINGS, 0, 0, "");
    for (unsigned i = 0; i < 3; i++)
        put_frame_hex(b, HEADERS, END_STREAM | END_HEADERS, 2 * i + 1, huffman ? coded[i] : plain[i]);
}

Test(http2, tells_of_the_requests_of_the_rfc_however_their_octets_come)
{
    for (int huffman = 0; huffman < 2; huffman++) {
        struct buffer b = {.at = NULL};
        put_requests(&b, huffman);
        for (size_t cut = 1; cut < b.len; cut++) {
            struct talk t;
            const char *told = talk_cut(&t, buffer_bytes(&b), cut);
            cr_expect_str_eq(told, C3("/") C3("/") "http.url url https://www.example.com/index.html\n"
                                                   "http.host domain-name www.example.com\n");
            cr_expect(t.counts.http == 3 && t.counts.http2 == 1 && t.counts.http2_refused == 0 && t.budget.held == 0);
            talk_clear(&t);
        }
        buffer_free(&b);
    }
}

static const char *const asks[] = {
    ":method",         "GET",       ":scheme",    "http",           ":path",   "/d/x.exe",
    ":authority",      "a.example", "user-agent", "LanternBot/2.1", "referer", "https://r.example/",
    "x-forwarded-for", "192.0.2.9", NULL};
static const char *const answers[] = {":status", "200", "content-length", "3", NULL};

#define ASKED                                                                                                          \
    "http.url url http://a.example/d/x.exe\nhttp.host domain-name a.example\n"                                         \
    "http.user_agent user-agent LanternBot/2.1\nhttp.referer url https://r.example/\n"                                 \
    "http.referer domain-name r.example\nhttp.xff ipv4-addr 192.0.2.9\n"

Test(http2, tells_what_a_request_and_its_file_tell)
{
    nghttp2_hd_deflater *up, *down;
    struct buffer c = {.at = NULL}, s = {.at = NULL};
    nghttp2_hd_deflate_new(&up, 4096);
    nghttp2_hd_deflate_new(&down, 4096);
    buffer_text(&c, PREFACE);
    put_frame_hex(&c, SETTINGS, 0, 0, "0001 00002000 0003 00000064");
    put_frame_hex(&c, PRIORITY, 0, 1, "0000000010");
    put_headers(&c, up, END_STREAM | END_HEADERS, 1, asks);
    put_frame_hex(&s, SETTINGS, 0, 0, "");
    put_headers(&s, down, END_HEADERS, 1, (const char *const[]){":status", "100", NULL});
    put_headers(&s, down, END_HEADERS, 1, answers);
    put_frame_hex(&s, DATA, PADDED, 1, "03 61 000000");
    put_frame_hex(&s, PING, 0, 0, "0102030405060708");
    put_text(&s, 0, 1, "b");
    put_text(&s, 0, 1, "c");
    put_headers(&s, down, END_STREAM | END_HEADERS, 1, (const char *const[]){"etag", "x", NULL});
    for (size_t piece = 1; piece < 200; piece++) {
        struct talk t;
        begin(&t);
        talk_stream(&t, 0, buffer_bytes(&c), piece);
        talk_stream(&t, 1, buffer_bytes(&s), piece);
        cr_expect_str_eq(talk_end(&t), ASKED "file.name file-name x.exe\n" ABC);
        cr_expect(t.counts.http2_refused == 0 && t.counts.http_responses == 1 && t.budget.held == 0);
        talk_clear(&t);
    }
    nghttp2_hd_deflate_del(up);
    nghttp2_hd_deflate_del(down);
    buffer_free(&c);
    buffer_free(&s);
}

Test(http2, goes_on_from_an_upgrade)
{
    static const char request[] = "GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                  "Upgrade: h2c\r\nHTTP2-Settings: \r\n\r\n";
    nghttp2_hd_deflater *down;
    struct buffer s = {.at = NULL};
    struct talk t;
    nghttp2_hd_deflate_new(&down, 4096);
    buffer_text(&s, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
    put_frame_hex(&s, SETTINGS, 0, 0, "");
    put_headers(&s, down, END_HEADERS, 1, answers);
    put_text(&s, END_STREAM, 1, "abc");
    begin(&t);
    talk_stream(&t, 0, bytes_text(request), SIZE_MAX);
    talk_stream(&t, 1, buffer_bytes(&s), 7);
    talk_stream(&t, 0, bytes_text(PREFACE), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), "http.url url http://a.example/x\nhttp.host domain-name a.example\n"
                                   "file.name file-name x\n" ABC);
    cr_expect(t.counts.http2_refused == 0 && t.counts.http_refused == 0 && t.budget.held == 0);
    nghttp2_hd_deflate_del(down);
    buffer_free(&s);
    talk_clear(&t);
}

/* Frames that cannot be, behind a whole preface: the side is read no further, and counted once. */
static const struct {
    const char *name;
    unsigned type, flags;
    uint32_t stream;
    const char *payload;
} wrong[] = {
    {"headers of no stream", HEADERS, END_HEADERS, 0, "82"},
    {"padding longer than the frame", HEADERS, END_HEADERS | PADDED, 1, "ff82"},
    {"no room for a priority", HEADERS, END_HEADERS | PRIORITISED, 1, "000000"},
    {"an index that is none", HEADERS, END_HEADERS, 1, "ff80ffffff7f"},
    {"a block that is not whole", HEADERS, END_HEADERS, 1, "410f7777"},
    {"a table larger than was granted", HEADERS, END_HEADERS, 1, "3fe2ff03"},
    {"a continuation of nothing", CONTINUATION, END_HEADERS, 1, "82"},
    {"data padded beyond", DATA, PADDED, 1, "0961"},
};

Test(http2, refuses_frames_that_cannot_be)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buffer b = {.at = NULL};
        buffer_text(&b, PREFACE);
        put_frame_hex(&b, wrong[i].type, wrong[i].flags, wrong[i].stream, wrong[i].payload);
        put_frame_hex(&b, HEADERS, END_STREAM | END_HEADERS, 3, "828684410f7777772e6578616d706c652e636f6d");
        struct talk t;
        const char *told = talk_pieces(&t, buffer_bytes(&b), SIZE_MAX);
        cr_expect_str_eq(told, "", "%s: %s", wrong[i].name, told);
        cr_expect(t.counts.http2_refused == 1 && t.budget.held == 0, "%s", wrong[i].name);
        talk_clear(&t);
        buffer_free(&b);
    }
}

Test(http2, reads_a_block_over_several_frames_and_nothing_between_them)
{
    for (int between = 0; between < 2; between++) {
        struct buffer b = {.at = NULL};
        buffer_text(&b, PREFACE);
        put_frame_hex(&b, HEADERS, END_STREAM, 1, "828684410f7777");
        if (between)
            put_frame_hex(&b, PING, 0, 0, "0102030405060708");
        put_frame_hex(&b, CONTINUATION, 0, 1, "772e6578616d706c65");
        put_frame_hex(&b, CONTINUATION, END_HEADERS, 1, "2e636f6d");
        struct talk t;
        cr_expect_str_eq(talk_pieces(&t, buffer_bytes(&b), SIZE_MAX), between ? "" : C3("/"));
        cr_expect_eq(t.counts.http2_refused, (unsigned)between);
        talk_clear(&t);
        buffer_free(&b);
    }
}

Test(http2, keeps_no_more_streams_than_its_bound)
{
    struct talk t;
    struct buffer b = {.at = NULL};
    begin(&t);
    t.hearer.sink.kinds = UINT32_MAX;
    t.budget.max = 8 << 20;
    buffer_text(&b, PREFACE);
    for (unsigned i = 0; i < 2 * HTTP2_STREAMS_MAX; i++)
        put_frame_hex(&b, HEADERS, END_STREAM | END_HEADERS, 2 * i + 1,
                      i ? "828684be" : "828684410f7777772e6578616d706c652e636f6d");
    talk_stream(&t, 0, buffer_bytes(&b), SIZE_MAX);
    cr_expect(t.budget.held < 100000, "%zu", t.budget.held);
    talk_end(&t);
    cr_expect(t.counts.http == 2 * HTTP2_STREAMS_MAX && t.counts.http2_streams_dropped == HTTP2_STREAMS_MAX);
    cr_expect_eq(t.budget.held, 0);
    talk_clear(&t);
    buffer_free(&b);
}

Test(http2, ends_a_side_at_a_hole)
{
    struct talk t;
    struct buffer b = {.at = NULL};
    begin(&t);
    put_requests(&b, true);
    talk_stream(&t, 0, bytes_until(buffer_bytes(&b), 40), SIZE_MAX);
    talk_gap(&t, 0, bytes_from(buffer_bytes(&b), 50));
    cr_expect_eq(t.counts.http2_refused, 1);
    talk_end(&t);
    cr_expect_eq(t.budget.held, 0);
    talk_clear(&t);
    buffer_free(&b);
}
