/*
 * Files in HTTP/1, and what file and mime do for other protocols. The digest is SHA-256 of "abc" (FIPS 180-2, B.1);
 * codings were made with zlib 1.2.13 and libbrotli 1.0.9.
 */
#include "hear.h"
#include "wire/body.h"
#include "wire/mime.h"

#define ABC        "file.hash sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
#define NAME(name) "file.name file-name " name "\n"
#define GET(path)  "GET " path " HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define OK         "HTTP/1.1 200 OK\r\n"

enum { KINDS = 1u << OBSERVABLE_SHA256 | 1u << OBSERVABLE_FILE_NAME };

static void hear_file(void *to, struct flow_view *flow, const struct sighting *at, const struct observable *o)
{
    struct hearer *h = to;
    (void)flow, (void)at;
    if (o->where == WHERE_FILE_NAME || o->where == WHERE_FILE_HASH)
        hear_value(&h->told, o);
}

static void files_begin(struct talk *t)
{
    talk_begin(t);
    t->hearer.sink.observable = hear_file;
    t->hearer.sink.kinds = KINDS;
}

/* `|` in front of a text: hex follows, up to the next `|`. */
static void put_mixed(struct buffer *b, const char *text)
{
    for (bool hex = false; *text; hex = !hex) {
        size_t len = strcspn(text, "|");
        char part[4096];
        snprintf(part, sizeof part, "%.*s", (int)len, text);
        if (hex)
            put_hex(b, part);
        else
            buffer_text(b, part);
        text += len + (text[len] == '|');
    }
}

struct file_case {
    const char *name;
    const char *asks, *answers;
    bool closes; /* the server, in the end */
    const char *told;
    unsigned files, cut;
};

#define FORM "POST /u HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=\"b b\"\r\nContent-Length: "

static const struct file_case cases[] = {
    {"a body by its length", GET("/d/x.exe?q"), OK "Content-Length: 3\r\n\r\nabc", false, NAME("x.exe") ABC, 1, 0},
    {"a body in chunks", GET("/x"), OK "Transfer-Encoding: chunked\r\n\r\n2;e=f\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\n",
     false, NAME("x") ABC, 1, 0},
    {"a body until the end", GET("/x"), OK "\r\nabc", true, NAME("x") ABC, 1, 0},
    {"a body until an end that nobody told of", GET("/x"), OK "\r\nabc", false, NAME("x"), 1, 1},
    {"a body cut", GET("/x"), OK "Content-Length: 4\r\n\r\nabc", true, NAME("x"), 1, 1},
    {"chunks cut", GET("/x"), OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true, NAME("x"), 1, 1},
    {"an empty body", GET("/x"), OK "Content-Length: 0\r\n\r\n", true, "", 0, 0},
    {"HEAD", "HEAD /x HTTP/1.1\r\n\r\n" GET("/y"), OK "Content-Length: 99\r\n\r\n" OK "Content-Length: 3\r\n\r\nabc",
     false, NAME("y") ABC, 1, 0},
    {"304, 204 and 100 have no body", GET("/1") GET("/2") GET("/3"),
     "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 x\r\n\r\nHTTP/1.1 100 x\r\n\r\n" OK
     "Content-Length: 3\r\n\r\nabc",
     false, NAME("3") ABC, 1, 0},
    {"what is not found has no name", GET("/x"), "HTTP/1.1 404 x\r\nContent-Length: 3\r\n\r\nabc", false, ABC, 1, 0},
    {"pipelined", GET("/1") GET("/2"), OK "Content-Length: 3\r\n\r\nabc" OK "Content-Length: 3\r\n\r\nabc", false,
     NAME("1") ABC NAME("2") ABC, 2, 0},
    {"octets behind a body", GET("/1") GET("/2"),
     OK "Content-Length: 3\r\n\r\nabc\r\n" OK "Content-Length: 3\r\n\r\nabc", false, NAME("1") ABC NAME("2") ABC, 2, 0},
    {"a response without its request", "", OK "Content-Length: 3\r\n\r\nabc", false, ABC, 1, 0},
    {"HTTP/0.9", "GET /x\r\n\r\n", "abc", true, NAME("x") ABC, 1, 0},
    {"a part", GET("/x"), "HTTP/1.1 206 x\r\nContent-Range: bytes 0-2/4\r\nContent-Length: 3\r\n\r\nabc", false,
     NAME("x"), 0, 0},
    {"a part that is all", GET("/x"), "HTTP/1.1 206 x\r\nContent-Range: bytes 0-2/3\r\nContent-Length: 3\r\n\r\nabc",
     false, NAME("x") ABC, 1, 0},
    {"gzip", GET("/x"),
     OK "Content-Encoding: gzip\r\nContent-Length: 23\r\n\r\n|1f8b08000000000002034b4c4a0600c241243503000000", false,
     NAME("x") ABC, 1, 0},
    {"gzip of two members", GET("/x"),
     OK "Content-Encoding: x-gzip\r\nContent-Length: "
        "43\r\n\r\n|1f8b08000000000002034b040043beb7e8010000001f8b08000000000002"
        "034b4a0600382ba9c202000000",
     false, NAME("x") ABC, 1, 0},
    {"gzip that is not whole", GET("/x"),
     OK "Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n|1f8b08000000000002034b4c4a0600c241243503", false,
     NAME("x"), 1, 1},
    {"gzip with a wrong sum", GET("/x"),
     OK "Content-Encoding: gzip\r\nContent-Length: 23\r\n\r\n|1f8b08000000000002034b4c4a0600c241243603000000", false,
     NAME("x"), 1, 1},
    {"gzip that is none", GET("/x"), OK "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", false, NAME("x") ABC,
     1, 0},
    {"deflate", GET("/x"), OK "Content-Encoding: deflate\r\nContent-Length: 11\r\n\r\n|789c4b4c4a0600024d0127", false,
     NAME("x") ABC, 1, 0},
    {"raw deflate", GET("/x"), OK "Content-Encoding: Deflate\r\nContent-Length: 5\r\n\r\n|4b4c4a0600", false,
     NAME("x") ABC, 1, 0},
    {"Brotli", GET("/x"), OK "Content-Encoding: br\r\nContent-Length: 7\r\n\r\n|0b018061626303", false, NAME("x") ABC,
     1, 0},
    {"Brotli that is none", GET("/x"), OK "Content-Encoding: br\r\nContent-Length: 7\r\n\r\n|ffffffffffffff", false,
     NAME("x"), 1, 1},
    {"gzip of gzip", GET("/x"),
     OK "Content-Encoding: gzip, gzip\r\nContent-Length: "
        "39\r\n\r\n|1f8b080000000000020393efe660000126666f1f2f3686438e2aa6cc40"
        "2e00d92a735017000000",
     false, NAME("x") ABC, 1, 0},
    {"gzip as transfer coding", GET("/x"),
     OK "Transfer-Encoding: gzip, chunked\r\n\r\n17\r\n|1f8b08000000000002034b4c4a0600c241243503000000|\r\n0\r\n\r\n",
     false, NAME("x") ABC, 1, 0},
    {"four codings", GET("/x"), OK "Content-Encoding: gzip, gzip, br, deflate\r\nContent-Length: 3\r\n\r\nabc", false,
     NAME("x"), 1, 1},
    {"a coding that is not undone", GET("/x"), OK "Content-Encoding: zstd\r\nContent-Length: 3\r\n\r\nabc", false,
     NAME("x"), 1, 1},
    {"a coding that nobody knows", GET("/x"), OK "Content-Encoding: utf-8\r\nContent-Length: 3\r\n\r\nabc", false,
     NAME("x") ABC, 1, 0},
    {"a request's body",
     "PUT /d/x.bin HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST /cgi HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "",
     false, NAME("x.bin") ABC ABC, 2, 0},
    {"a form",
     FORM "201\r\n\r\n--b b\r\nContent-Disposition: form-data; name=f\r\n\r\nabc\r\n--b b \t\r\nContent-Type: x/y\r\n"
          "content-disposition: form-data;\r\n name=g; filename=\"C:\\\\d\\a.txt\"\r\n\r\nabc\r\n--b "
          "b\r\n\r\nabc\r\n--b b--\r\nepilogue\r\n",
     "", false, NAME("a.txt") ABC, 1, 0},
    {"a form with bare line feeds",
     FORM "70\r\n\r\n--b b\nContent-Disposition: form-data; filename=a\n\nabc\n--b b--\n.....", "", false,
     NAME("a") ABC, 1, 0},
    {"a form that is not whole",
     FORM "70\r\n\r\n--b b\nContent-Disposition: form-data; filename=a\n\nabc\n--b bc\n.......", "", false, NAME("a"),
     1, 1},
};

enum { CASES = sizeof cases / sizeof *cases };

static const char *play(struct talk *t, const struct file_case *c, size_t piece)
{
    struct buffer asks = {.at = NULL}, answers = {.at = NULL};
    files_begin(t);
    put_mixed(&asks, c->asks);
    put_mixed(&answers, c->answers);
    talk_stream(t, 0, buffer_bytes(&asks), piece);
    talk_stream(t, 1, buffer_bytes(&answers), piece);
    t->fin = c->closes ? 2 : 0;
    buffer_free(&asks);
    buffer_free(&answers);
    return talk_end(t);
}

Test(file, is_told_by_name_and_digest_however_its_octets_come)
{
    for (size_t i = 0; i < CASES; i++) {
        const struct file_case *c = &cases[i];
        for (size_t piece = 1; piece < 4096; piece = piece < 40 ? piece + 1 : 2 * piece) {
            struct talk t;
            const char *told = play(&t, c, piece);
            cr_expect_str_eq(told, c->told, "%s in pieces of %zu: %s", c->name, piece, told);
            cr_expect(t.counts.files == c->files && t.counts.files_cut == c->cut, "%s: %d files, %d cut", c->name,
                      (int)t.counts.files, (int)t.counts.files_cut);
            cr_expect(t.budget.held == 0, "%s: %zu held", c->name, t.budget.held);
            talk_clear(&t);
        }
    }
}

Test(file, gives_every_kind_that_is_asked_for_and_no_other)
{
    static const char *const digests[] = {
        "file.hash md5 900150983cd24fb0d6963f7d28e17f72\n", /* RFC 1321, A.5 */
        "file.hash sha1 a9993e364706816aba3e25717850c26c9cd0d89d\n",
        ABC,
        "file.hash sha512 ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f\n",
    };
    for (unsigned kinds = 0; kinds < 16; kinds++) {
        struct talk t;
        char expected[1024] = "";
        files_begin(&t);
        t.hearer.sink.kinds = kinds << OBSERVABLE_MD5;
        for (unsigned k = 0; k < 4; k++)
            if (kinds >> k & 1)
                strcat(expected, digests[k]);
        talk_stream(&t, 0, bytes_text(GET("/x")), SIZE_MAX);
        talk_stream(&t, 1, bytes_text(OK "Content-Length: 3\r\n\r\nabc"), SIZE_MAX);
        cr_expect(kinds || !t.flow.state, "nobody asks, nothing is kept");
        cr_expect_str_eq(talk_end(&t), expected);
        talk_clear(&t);
    }
}

Test(file, with_a_hole_gives_no_digest_and_the_next_one_does)
{
    struct talk t;
    files_begin(&t);
    talk_stream(&t, 0, bytes_text(GET("/1")), SIZE_MAX);
    talk_stream(&t, 1, bytes_text(OK "Content-Length: 100\r\n\r\nabc"), SIZE_MAX);
    talk_gap(&t, 1, bytes_text("the rest"));
    talk_stream(&t, 0, bytes_text(GET("/2")), SIZE_MAX);
    talk_stream(&t, 1, bytes_text(OK "Content-Length: 3\r\n\r\nabc"), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), NAME("1") NAME("2") ABC);
    cr_expect(t.counts.files == 2 && t.counts.files_cut == 1 && t.budget.held == 0);
    talk_clear(&t);
}

Test(file, is_passed_over_where_there_is_no_room_and_nothing_else_is)
{
    for (size_t max = 0; max < 4000; max += 7) {
        struct talk t;
        files_begin(&t);
        t.budget.max = max;
        talk_stream(&t, 0, bytes_text(GET("/1")), SIZE_MAX);
        talk_stream(&t, 1, bytes_text(OK "Content-Length: 3\r\n\r\nabc"), SIZE_MAX);
        talk_end(&t);
        cr_expect(t.counts.http == 1 && t.counts.http_refused == 0 && t.budget.held == 0, "%zu", max);
        talk_clear(&t);
    }
}

/* Three million octets in 14 (Brotli knows repeats), and a gzip of zeros: neither is followed to its end. */
Test(file, that_is_a_bomb_is_refused)
{
    struct talk t;
    struct buffer b = {.at = NULL};
    files_begin(&t);
    t.budget.max = 64 << 20;
    talk_stream(&t, 0, bytes_text(GET("/1")), SIZE_MAX);
    put_mixed(&b, OK "Content-Encoding: br\r\nContent-Length: 14\r\n\r\n|9bbfc62df825c2e2b14020cfb705");
    talk_stream(&t, 1, buffer_bytes(&b), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), NAME("1"));
    cr_expect(t.counts.codings_dense == 1 && t.counts.files_cut == 1 && t.budget.held == 0);
    talk_clear(&t);
    buffer_free(&b);
}

static const struct {
    const char *field, *value;
} parameters[] = {
    {"attachment; filename=plain.txt", "plain.txt"},
    {"attachment;filename=\"a b.txt\" ; x=y", "a b.txt"},
    {"attachment; FileName = \"q\\\"uo\\\\te\"", "q\"uo\\te"},
    {"attachment; filename=\"C:\\dir\\x.exe\"", "C:\\dir\\x.exe"},
    {"attachment; filename*=UTF-8''%e2%82%ac%20rates", "\xe2\x82\xac rates"}, /* RFC 8187, 3.2.3 */
    {"attachment; filename*=iso-8859-1'en'%A3%20rates", "\xc2\xa3 rates"},
    {"attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates", "\xe2\x82\xac rates"}, /* RFC 6266, 5 */
    {"attachment; filename*0*=us-ascii'en-us'This%20is%20even%20more%20; filename*1*=%2A%2A%2Afun%2A%2A%2A%20;"
     " filename*2=\"isn't it!\"",
     "This is even more ***fun*** isn't it!"}, /* RFC 2231, 4.1 */
    {"attachment; filename*0=a; filename*1=b", "ab"},
    {"attachment; x=\"; filename=no\"; filename=yes", "yes"},
    {"attachment; filenames=no", ""},
    {"attachment; filename=\"open", "open"},
    {"filename=no", ""},
    {"", ""},
};

Test(file, names_of_parameters_are_decoded)
{
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        char out[64];
        struct bytes one = alone(bytes_text(parameters[i].field));
        size_t len = mime_parameter(one, "filename", out, sizeof out);
        cr_expect(bytes_equal(bytes_of(out, len), bytes_text(parameters[i].value)), "%s: %.*s", parameters[i].field,
                  (int)len, out);
        alone_free(one);
    }
}

static const struct {
    const char *url, *name;
} urls[] = {{"/a/b.exe", "b.exe"},    {"/a/b.exe?c=/d", "b.exe"},  {"/a/", ""},           {"/", ""},
            {"http://a.example", ""}, {"http://a.example/b", "b"}, {"/%41%2fb%", "A/b%"}, {"*", ""}};

Test(file, names_of_urls_are_their_last_segments)
{
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char out[FILE_NAME_MAX];
        size_t len = file_name_of_url(bytes_text(urls[i].url), out);
        cr_expect(bytes_equal(bytes_of(out, len), bytes_text(urls[i].name)), "%s: %.*s", urls[i].url, (int)len, out);
    }
}
