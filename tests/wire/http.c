#include "hear.h"

#define AGENT "User-Agent: LanternBot/2.1\r\n"
#define HOST  "Host: bad.example\r\n"

#define URL(url) "http.url url " url "\n"
#define NAME     "http.host domain-name bad.example\n"
#define ROOT     URL("http://bad.example/") NAME

/* A record of a client hello for sni.example, in hex, behind a CONNECT. */
#define HELLO                                                                                                          \
    "1603010049 01000045 0303 0000000000000000000000000000000000000000000000000000000000000000 00 0002 1301 01 00 "    \
    "001a 0000 0010 000e 00 000b 736e692e6578616d706c65 002b 0002 0304"

struct request_case {
    const char *name;
    const char *text;
    const char *told;
    unsigned requests, refused;
};

static const struct request_case cases[] = {
    {"one", "GET / HTTP/1.1\r\n" HOST "\r\n", ROOT, 1, 0},
    {"HTTP/1.0", "GET / HTTP/1.0\r\n" HOST "\r\n", ROOT, 1, 0},
    {"bare line feeds", "GET / HTTP/1.1\nHost: bad.example\n\n", ROOT, 1, 0},
    {"empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", ROOT, 1, 0},
    {"everything",
     "GET /a?b=c HTTP/1.1\r\n" HOST AGENT
     "Referer: https://ref.example/from\r\nX-Forwarded-For: 192.0.2.9, 2001:db8::9\r\n\r\n",
     URL("http://bad.example/a?b=c") NAME
     "http.user_agent user-agent LanternBot/2.1\n"
     "http.referer url https://ref.example/from\nhttp.referer domain-name ref.example\n"
     "http.xff ipv4-addr 192.0.2.9\nhttp.xff ipv6-addr 2001:db8::9\n",
     1, 0},
    {"header names in any case", "GET / HTTP/1.1\r\nhOST:bad.example\r\nUSER-AGENT:\tLanternBot/2.1 \r\n\r\n",
     ROOT "http.user_agent user-agent LanternBot/2.1\n", 1, 0},
    {"host with port", "GET / HTTP/1.1\r\nHost: bad.example:8080\r\n\r\n", URL("http://bad.example:8080/") NAME, 1, 0},
    {"host is an address", "GET /x HTTP/1.1\r\nHost: 192.0.2.7:8080\r\n\r\n",
     URL("http://192.0.2.7:8080/x") "http.host ipv4-addr 192.0.2.7\n", 1, 0},
    {"host is an address of IPv6", "GET /x HTTP/1.1\r\nHost: [2001:db8::7]:8080\r\n\r\n",
     URL("http://[2001:db8::7]:8080/x") "http.host ipv6-addr 2001:db8::7\n", 1, 0},
    {"no host", "GET /x HTTP/1.0\r\n\r\n", URL("http://198.51.100.2/x"), 1, 0},
    {"empty host", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", URL("http://198.51.100.2/x"), 1, 0},
    {"absolute URI", "GET http://other.example/a HTTP/1.1\r\n" HOST "\r\n",
     URL("http://other.example/a") "http.url domain-name other.example\nproxy.target domain-name other.example\n" NAME,
     1, 0},
    {"absolute URI with user and password", "GET http://u:p@other.example:8080 HTTP/1.1\r\n\r\n",
     URL("http://other.example:8080/") "http.url domain-name other.example\nproxy.target domain-name other.example\n",
     1, 0},
    {"a host with a user", "GET / HTTP/1.1\r\nHost: u@bad.example\r\n\r\n", ROOT, 1, 0},
    {"several hosts", "GET / HTTP/1.1\r\nHost: bad.example\r\nHost: b.example\r\nHost: c.example\r\n\r\n",
     ROOT "http.host domain-name b.example\nhttp.host domain-name c.example\n", 1, 0},
    {"continued lines", "GET / HTTP/1.1\r\n" HOST "User-Agent: Lantern\r\n \tBot\r\n  /2.1\r\n\r\n", /* RFC 9112, 5.2 */
     ROOT "http.user_agent user-agent Lantern Bot /2.1\n", 1, 0},
    {"Forwarded", /* RFC 7239, 4 */
     "GET / HTTP/1.1\r\n" HOST "Forwarded: for=\"_gazonk\"\r\nForwarded: For=\"[2001:db8:cafe::17]:4711\"\r\n"
     "Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43, for=198.51.100.17, for=unknown\r\n\r\n",
     ROOT "http.xff ipv6-addr 2001:db8:cafe::17\nhttp.xff ipv4-addr 192.0.2.60\nhttp.xff ipv4-addr 198.51.100.17\n", 1,
     0},
    {"several X-Forwarded-For",
     "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-For: 192.0.2.8\r\n\r\n",
     ROOT "http.xff ipv4-addr 192.0.2.9\nhttp.xff ipv4-addr 192.0.2.8\n", 1, 0},
    {"octets behind a body",
     "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME, 2, 0},
    {"a coding behind chunked",
     "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME, 2, 0},
    {"WebSocket", "GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n\r\n\x81\x85\x01\x02\x03\x04GET / HTTP/1.1\r\n\r\n",
     ROOT, 1, 0},
    {"an upgrade that was not granted", "GET / HTTP/1.1\r\n" HOST "Upgrade: foo\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
     ROOT ROOT, 2, 0},
    {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", NAME, 1, 0},
    {"a method of one's own", "M-SEARCH / HTTP/1.1\r\n" HOST "\r\n", ROOT, 1, 0},
    {"X-Forwarded-For of every form",
     "GET / HTTP/1.1\r\n" HOST
     "X-Forwarded-For: unknown, 192.0.2.9:4711, [2001:db8::9]:80 ,,2001:db8::8, c.example\r\n\r\n",
     ROOT "http.xff ipv4-addr 192.0.2.9\nhttp.xff ipv6-addr 2001:db8::9\nhttp.xff ipv6-addr 2001:db8::8\n"
          "http.xff domain-name c.example\n",
     1, 0},
    {"pipelined", "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\nGET /3 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME URL("http://bad.example/3") NAME, 3, 0},
    {"a body by its length",
     "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 33\r\n\r\nGET /not HTTP/1.1\r\nHost: no\r\n\r\n.."
     "GET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME, 2, 0},
    {"a body in chunks",
     "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "15;ext=1\r\nGET /not HTTP/1.1\r\n\r\n\r\n20\r\nGET /neither HTTP/1.1\r\nHost: n\r\n\r\n0\r\n\r\n"
     "GET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME, 2, 0},
    {"chunks with trailers",
     "POST /1 HTTP/1.1\r\n" HOST
     "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\nDigest: x\r\nHost: no\r\n\r\n"
     "GET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME, 2, 0},
    {"chunked wins over length", /* RFC 9112, 6.3 */
     "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 1000\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
     "GET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME, 2, 0},
    {"a body beyond the end", "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nabc",
     URL("http://bad.example/1") NAME, 1, 0},
    {"a length that is none", "POST /1 HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME, 2, 0},
    {"a chunk that is none",
     "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME, 1, 1},
    {"a chunk longer than anything",
     "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
     URL("http://bad.example/1") NAME, 1, 1},
    {"CONNECT", "CONNECT bad.example:443 HTTP/1.1\r\n" HOST AGENT "\r\n",
     "proxy.target domain-name bad.example\n" NAME "http.user_agent user-agent LanternBot/2.1\n", 1, 0},
    {"CONNECT to an address", "CONNECT [2001:db8::7]:443 HTTP/1.1\r\n\r\n", "proxy.target ipv6-addr 2001:db8::7\n", 1,
     0},
    {"CONNECT, and HTTP behind it", "CONNECT bad.example:80 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
     "proxy.target domain-name bad.example\n" ROOT, 2, 0},
    {"a head that never ends", "GET /x HTTP/1.1\r\n" HOST "User-Agent: Lan",
     URL("http://bad.example/x") NAME "http.user_agent user-agent Lan\n", 1, 1},
    {"a second head that never ends", "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST,
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME, 2, 1},
    {"something else behind it", "GET / HTTP/1.1\r\n" HOST "\r\n\1\2\3\4 and so on, which is no request at all\r\n\r\n",
     ROOT, 1, 1},
    {"a response", "HTTP/1.1 200 OK\r\nHost: no.example\r\n\r\n", "", 0, 0},
    {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", 0, 0},
    {"SIP", "INVITE sip:bob@bad.example SIP/2.0\r\nHost: bad.example\r\n\r\n", "", 0, 0},
    {"RTSP", "DESCRIBE rtsp://bad.example/a RTSP/1.0\r\nCSeq: 1\r\n\r\n", "", 0, 0},
    {"lines of something else", "HELLO bad.example\r\nFROM:<a@bad.example>\r\n", "", 0, 0},
};

enum { CASES = sizeof cases / sizeof *cases };

Test(http, tells_of_requests)
{
    for (size_t i = 0; i < CASES; i++) {
        const struct request_case *c = &cases[i];
        struct talk t;
        const char *told = talk_pieces(&t, bytes_text(c->text), SIZE_MAX);
        cr_expect_str_eq(told, c->told, "%s: %s, not %s", c->name, told, c->told);
        cr_expect(t.counts.http == c->requests && t.counts.http_refused == c->refused, "%s: %d, refused %d", c->name,
                  (int)t.counts.http, (int)t.counts.http_refused);
        talk_clear(&t);
    }
}

Test(http, tells_the_same_however_its_octets_come)
{
    for (size_t i = 0; i < CASES; i++) {
        const struct request_case *c = &cases[i];
        struct bytes text = bytes_text(c->text);
        struct talk t;
        for (size_t cut = 1; cut < text.len; cut++) {
            const char *told = talk_cut(&t, text, cut);
            cr_expect_str_eq(told, c->told, "%s cut at %zu: %s", c->name, cut, told);
            talk_clear(&t);
        }
        for (size_t piece = 1; piece < 30; piece++) {
            const char *told = talk_pieces(&t, text, piece);
            cr_expect_str_eq(told, c->told, "%s in pieces of %zu: %s", c->name, piece, told);
            talk_clear(&t);
        }
    }
}

Test(http, hears_a_client_that_did_not_open_the_connection)
{
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 1, bytes_text("GET /x HTTP/1.0\r\n\r\n"), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), URL("http://192.0.2.1:40000/x"));
    talk_clear(&t);
}

Test(http, passes_over_what_the_server_says)
{
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 0, bytes_text("GET / HTTP/1.1\r\n" HOST "\r\n"), SIZE_MAX);
    talk_stream(&t, 1, bytes_text("HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\nGET /not HTTP/1.1\r\nHost: n"), 7);
    talk_stream(&t, 0, bytes_text("GET / HTTP/1.1\r\n" HOST "\r\n"), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), ROOT ROOT);
    cr_expect(!t.flow.state && !t.flow.side[1].pending && t.counts.http_responses == 0);
    talk_clear(&t);
}

#define CONNECTED                                                                                                      \
    "proxy.target domain-name bad.example\ntls.sni domain-name sni.example\n"                                          \
    "tls.ja3 ja3 56c6570d0a7ba0fe6e87bebfd10931de\ntls.ja4 ja4 t00d010200_0f2cb44170f4_b9a491fefe05\n"

Test(http, hands_on_to_tls_behind_connect)
{
    static const char connect[] = "CONNECT bad.example:443 HTTP/1.1\r\n\r\n";
    struct buffer b = {.at = NULL};
    buffer_text(&b, connect);
    put_hex(&b, HELLO);
    struct talk t;
    for (size_t cut = 1; cut <= b.len; cut++) {
        const char *told = talk_cut(&t, buffer_bytes(&b), cut);
        cr_expect_str_eq(told, CONNECTED, "%zu: %s", cut, told);
        cr_expect(dissect_is_encrypted(&t.flow), "%zu", cut);
        cr_expect(t.counts.tls == 1 && t.counts.tls_refused == 0, "%zu", cut);
        talk_clear(&t);
    }
    talk_begin(&t);
    talk_stream(&t, 0, bytes_text(connect), SIZE_MAX);
    talk_stream(&t, 1, bytes_text("HTTP/1.1 200 Connection established\r\n\r\n"), SIZE_MAX);
    talk_stream(&t, 0, bytes_from(buffer_bytes(&b), strlen(connect)), SIZE_MAX);
    talk_stream(&t, 0, bytes_of("\x17\3\3\0\5secret", 10), SIZE_MAX);
    cr_expect(t.flow.side[0].off && dissect_wants_stream(&t.flow)); /* the server's hello is still to come */
    buffer_clear(&b);
    put_hex(&b, "16 0303 0031 02 00002d 0303 0000000000000000000000000000000000000000000000000000000000000000 00");
    put_hex(&b, "c02f 00 0005 ff01 0001 00 14 0303 0001 01 16 0303 0020 0000000000");
    talk_stream(&t, 1, buffer_bytes(&b), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), CONNECTED "tls.ja3s ja3s fbe78c619e7ea20046131294ad087f05\n");
    cr_expect(dissect_is_encrypted(&t.flow) && !dissect_wants_stream(&t.flow));
    talk_clear(&t);
    buffer_free(&b);
}

/* What comes before a hole, behind it, and again behind that. */
static const struct {
    const char *name;
    const char *before, *behind, *then;
    const char *told;
} gap_cases[] = {
    {"in a body", "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 9999\r\n\r\nabc", "def",
     "GET /2 HTTP/1.1\r\n" HOST "\r\n", URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME},
    {"in a head", "GET /1 HTTP/1.1\r\n" HOST, "ent: x\r\n\r\n", "GET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME},
    {"in chunks", "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfff\r\nabc", "def\r\n0\r\n\r\n",
     "GET /2 HTTP/1.1\r\n" HOST "\r\n", URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME},
    {"right before a request", "GET /1 HTTP/1.1\r\n" HOST "\r\n", "GET /2 HTTP/1.1\r\n" HOST "\r\n",
     "GET /3 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/1") NAME URL("http://bad.example/2") NAME URL("http://bad.example/3") NAME},
    {"at the begin", "", "the end of something\r\n\r\n", "GET /2 HTTP/1.1\r\n" HOST "\r\n",
     URL("http://bad.example/2") NAME},
};

Test(http, goes_on_behind_a_hole_with_the_next_request)
{
    for (size_t i = 0; i < sizeof gap_cases / sizeof *gap_cases; i++) {
        struct talk t;
        talk_begin(&t);
        talk_stream(&t, 0, bytes_text(gap_cases[i].before), SIZE_MAX);
        talk_gap(&t, 0, bytes_text(gap_cases[i].behind));
        talk_stream(&t, 0, bytes_text(gap_cases[i].then), SIZE_MAX);
        const char *told = talk_end(&t);
        cr_expect_str_eq(told, gap_cases[i].told, "%s: %s", gap_cases[i].name, told);
        talk_clear(&t);
    }
}

Test(http, gathers_no_more_than_its_bound_and_reads_what_there_is)
{
    struct buffer b = {.at = NULL};
    buffer_text(&b, "GET /x HTTP/1.1\r\n" HOST "Cookie: ");
    while (b.len <= DISSECT_PENDING_MAX)
        buffer_char(&b, 'c');
    struct talk t;
    for (size_t piece = 1000; piece < 100000; piece *= 10) {
        const char *told = talk_pieces(&t, buffer_bytes(&b), piece);
        cr_expect_str_eq(told, URL("http://bad.example/x") NAME, "%s", told);
        cr_expect(t.counts.pending_full == 1 && t.counts.http_refused == 1);
        cr_expect(t.flow.side[0].off && !t.flow.side[0].pending);
        talk_clear(&t);
    }
    buffer_free(&b);
}

Test(http, cuts_a_target_longer_than_any_value)
{
    struct buffer b = {.at = NULL};
    buffer_text(&b, "GET /");
    for (int i = 0; i < 5 * OBSERVABLE_VALUE_MAX; i++)
        buffer_char(&b, 'a');
    buffer_text(&b, " HTTP/1.1\r\n" HOST "\r\n");
    struct talk t;
    const char *told = talk_pieces(&t, buffer_bytes(&b), SIZE_MAX);
    cr_expect_eq(strncmp(told, "http.url url http://bad.example/aaaa", 35), 0);
    cr_expect_eq(strcspn(told, "\n"), strlen("http.url url ") + OBSERVABLE_VALUE_MAX, "%zu", strcspn(told, "\n"));
    talk_clear(&t);
    buffer_free(&b);
}

Test(http, counts_a_length_that_is_told_in_two_ways)
{
    static const struct {
        const char *fields;
        unsigned ambiguous;
    } told[] = {{"Content-Length: 3\r\n", 0},
                {"Content-Length: 3\r\nContent-Length: 3\r\n", 0},
                {"Content-Length: 3, 3\r\n", 0},
                {"Content-Length: 3\r\nContent-Length: 4\r\n", 1},
                {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 1},
                {"Transfer-Encoding: gzip, chunked\r\n", 0},
                {"Transfer-Encoding: chunked, gzip\r\n", 1}};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct talk t;
        struct buffer b = {.at = NULL};
        buffer_format(&b, "POST / HTTP/1.1\r\n%s\r\n", told[i].fields);
        talk_pieces(&t, buffer_bytes(&b), SIZE_MAX);
        cr_expect_eq(t.counts.http_ambiguous, told[i].ambiguous, "%s", told[i].fields);
        talk_clear(&t);
        buffer_free(&b);
    }
}

Test(http, finds_requests_again_behind_what_is_none)
{
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 0, bytes_text("GET / HTTP/1.1\r\n" HOST "\r\n"), SIZE_MAX);
    talk_stream(&t, 0, bytes_text("\1\2\3\4 and so on, which is no request at all\r\n\r\n"), SIZE_MAX);
    talk_stream(&t, 0, bytes_text("GET / HTTP/1.1\r\n" HOST "\r\n"), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), ROOT ROOT);
    talk_clear(&t);
}
