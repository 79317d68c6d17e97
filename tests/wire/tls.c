#include "hear.h"

/* A client hello, part by part (RFC 8446, 4.1.2). */
struct hello {
    const char *name; /* NULL: no server_name */
    bool ech;
    bool no_extensions; /* as before TLS 1.2 */
    int behind;         /* octets of an extension behind the name */
    uint8_t name_type;  /* 0: host_name */
};

static void put_extension(struct buffer *b, unsigned type, struct bytes content)
{
    put16(b, type);
    put16(b, (unsigned)content.len);
    put_bytes(b, content);
}

static void put_extensions(struct buffer *b, const struct hello *h)
{
    struct buffer content = {.at = NULL};
    put_hex(&content, "02 0304");
    put_extension(b, 43, buffer_bytes(&content));
    if (h->name) {
        buffer_clear(&content);
        put16(&content, (unsigned)strlen(h->name) + 3);
        put8(&content, h->name_type);
        put16(&content, (unsigned)strlen(h->name));
        buffer_text(&content, h->name);
        put_extension(b, 0, buffer_bytes(&content));
    }
    if (h->ech) {
        buffer_clear(&content);
        put_hex(&content, "00 0001 0001 2a 0004 01020304 0003 050607");
        put_extension(b, 0xfe0d, buffer_bytes(&content));
    }
    buffer_clear(&content);
    for (int i = 0; i < h->behind; i++)
        put8(&content, 0);
    put_extension(b, 21, buffer_bytes(&content));
    buffer_free(&content);
}

/* The handshake message. */
static struct bytes handshake_of(const struct hello *h)
{
    struct buffer extensions = {.at = NULL}, body = {.at = NULL}, message = {.at = NULL};
    put_hex(&body, "0303 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    put_hex(&body, "04 01020304 0004 1301 1302 01 00");
    if (!h->no_extensions) {
        put_extensions(&extensions, h);
        put16(&body, (unsigned)extensions.len);
        put_bytes(&body, buffer_bytes(&extensions));
    }
    put8(&message, 1);
    put8(&message, (unsigned)body.len >> 16);
    put16(&message, (unsigned)body.len & 65535);
    put_bytes(&message, buffer_bytes(&body));
    struct bytes handshake = alone(buffer_bytes(&message));
    buffer_free(&extensions);
    buffer_free(&body);
    buffer_free(&message);
    return handshake;
}

/* The same in records of at most `most` octets, and something encrypted behind it. */
static struct bytes records_of(struct bytes handshake, size_t most)
{
    struct buffer b = {.at = NULL};
    for (; handshake.len; handshake = bytes_from(handshake, most)) {
        struct bytes part = bytes_until(handshake, most);
        put_hex(&b, "16 0301");
        put16(&b, (unsigned)part.len);
        put_bytes(&b, part);
    }
    put_hex(&b, "14 0303 0001 01 17 0303 0008 0102030405060708");
    struct bytes records = alone(buffer_bytes(&b));
    buffer_free(&b);
    return records;
}

/* What JA3 and JA4 say of such a hello: MD5 and SHA-256 of the lists in it, made with Python's hashlib. */
#define NAMED                     FINGERPRINTS("09ed6ddd39f1f92546da832894459d8f", "t13d020300_62ed6f6ca7ad_7418e7913c75")
#define UNNAMED                   FINGERPRINTS("9d53c2fa74cfb76fb0ad3ce6fe002898", "t13i020200_62ed6f6ca7ad_7418e7913c75")
#define ECH                       FINGERPRINTS("b09e49de3a6ddb30889009e929b28a33", "t13d020400_62ed6f6ca7ad_62937c4a68f4")
#define ECH_ALONE                 FINGERPRINTS("c87a185e45c579d727ab48d23db5ee7d", "t13i020300_62ed6f6ca7ad_62937c4a68f4")
#define NO_EXTRAS                 FINGERPRINTS("3d406cfeb27540a8d99cecd58f281004", "t12i020000_62ed6f6ca7ad_000000000000")
#define SNI(name)                 "tls.sni domain-name " name "\n"
#define FINGERPRINTS(three, four) "tls.ja3 ja3 " three "\ntls.ja4 ja4 " four "\n"

static const struct {
    const char *title;
    struct hello hello;
    const char *told;
    unsigned refused_values;
} hello_cases[] = {
    {"a name", {.name = "www.bad.example"}, SNI("www.bad.example") NAMED, 0},
    {"capitals", {.name = "WWW.Bad.Example"}, SNI("www.bad.example") NAMED, 0},
    {"no name", {.name = NULL}, UNNAMED, 0},
    {"no extensions", {.no_extensions = true}, NO_EXTRAS, 0},
    {"encrypted client hello", {.name = "front.example", .ech = true}, SNI("front.example ech") ECH, 0},
    {"encrypted client hello, no name", {.ech = true}, ECH_ALONE, 0},
    {"an address", {.name = "192.0.2.7"}, "tls.sni ipv4-addr 192.0.2.7\n" NAMED, 0},
    {"a name with a port", {.name = "a.example:443"}, SNI("a.example:443") SNI("a.example") NAMED, 0},
    {"a name of another type", {.name = "bad.example", .name_type = 1}, NAMED, 0},
    {"an empty name", {.name = ""}, NAMED, 0},
    {"a name with a blank", {.name = "bad example"}, NAMED, 1},
    {"a long hello", {.name = "bad.example", .behind = 3000}, SNI("bad.example") NAMED, 0},
    {"a hello longer than a record", {.name = "bad.example", .behind = 40000}, SNI("bad.example") NAMED, 0},
};

enum { HELLOS = sizeof hello_cases / sizeof *hello_cases, RECORD_MOST = 1 << 14 };

Test(tls, tells_of_the_server_name)
{
    for (size_t i = 0; i < HELLOS; i++) {
        struct bytes handshake = handshake_of(&hello_cases[i].hello);
        struct bytes records = records_of(handshake, RECORD_MOST);
        struct talk t;
        const char *told = talk_pieces(&t, records, SIZE_MAX);
        cr_expect_str_eq(told, hello_cases[i].told, "%s: %s", hello_cases[i].title, told);
        cr_expect(t.counts.tls == 1 && t.counts.tls_refused == 0, "%s", hello_cases[i].title);
        cr_expect_eq(t.counts.values_refused, hello_cases[i].refused_values, "%s", hello_cases[i].title);
        cr_expect(dissect_is_encrypted(&t.flow));
        talk_clear(&t);
        alone_free(handshake);
        alone_free(records);
    }
}

Test(tls, reads_a_hello_split_anywhere_in_records_of_any_size)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 40, 100, RECORD_MOST};
    for (size_t i = 0; i < HELLOS; i++) {
        if (hello_cases[i].hello.behind)
            continue;
        struct bytes handshake = handshake_of(&hello_cases[i].hello);
        for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
            struct bytes records = records_of(handshake, sizes[n]);
            struct talk t;
            for (size_t cut = 0; cut <= records.len; cut++) {
                const char *told = talk_cut(&t, records, cut);
                cr_expect_str_eq(told, hello_cases[i].told, "%s, records of %zu, cut at %zu: %s", hello_cases[i].title,
                                 sizes[n], cut, told);
                cr_expect(t.counts.tls == 1 && t.counts.tls_refused == 0);
                talk_clear(&t);
            }
            const char *told = talk_pieces(&t, records, 1);
            cr_expect_str_eq(told, hello_cases[i].told, "%s, records of %zu, octet by octet: %s", hello_cases[i].title,
                             sizes[n], told);
            talk_clear(&t);
            alone_free(records);
        }
        alone_free(handshake);
    }
}

/* Where the name ends, so that from there on it is known. */
Test(tls, gives_the_name_of_a_hello_that_never_ends_when_it_is_there)
{
    static const char name[] = "www.bad.example";
    struct bytes handshake = handshake_of(&(struct hello){.name = name, .behind = 50});
    static const size_t sizes[] = {1, 10, RECORD_MOST};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        struct bytes records = records_of(handshake, sizes[n]);
        size_t hello_end = records.len - 6 - 13;
        bool known = false;
        for (size_t len = 0; len < hello_end; len++) {
            struct talk t;
            const char *told = talk_pieces(&t, bytes_until(records, len), SIZE_MAX);
            bool now = strcmp(told, SNI("www.bad.example")) == 0;
            cr_expect(now || !told[0], "cut to %zu: %s", len, told);
            cr_expect(now || !known, "cut to %zu: known before, and no more", len);
            known = now;
            cr_expect_eq(t.counts.tls_refused, t.counts.tls);
            talk_clear(&t);
        }
        cr_expect(known);
        alone_free(records);
    }
    alone_free(handshake);
}

/* 771,49199,65281 */
#define JA3S "tls.ja3s ja3s fbe78c619e7ea20046131294ad087f05\n"

Test(tls, knows_the_server_by_its_hello_and_still_reads_the_clients)
{
    struct bytes handshake = handshake_of(&(struct hello){.name = "bad.example"});
    struct bytes records = records_of(handshake, RECORD_MOST);
    struct buffer server = {.at = NULL};
    put_hex(&server, "16 0303 0031 02 00002d 0303");
    for (int i = 0; i < 32 + 1; i++)
        put8(&server, 0);
    put_hex(&server, "c02f 00 0005 ff01 0001 00");
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 1, buffer_bytes(&server), SIZE_MAX);
    cr_expect(dissect_is_encrypted(&t.flow));
    talk_stream(&t, 0, records, SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), JA3S SNI("bad.example") NAMED);
    cr_expect(t.flow.side[0].off && !t.flow.side[1].off); /* the server may still send its certificate */
    talk_clear(&t);
    static const char changed[] = "\x14\3\3\0\1\1", encrypted[] = "\x16\3\3\0\x28\1\2\3\4\5\6\7";
    talk_begin(&t);
    talk_stream(&t, 0, records, SIZE_MAX);
    talk_stream(&t, 1, buffer_bytes(&server), SIZE_MAX);
    talk_stream(&t, 1, bytes_of(changed, sizeof changed - 1), SIZE_MAX);
    cr_expect(dissect_wants_stream(&t.flow));
    talk_stream(&t, 1, bytes_of(encrypted, sizeof encrypted - 1), SIZE_MAX);
    cr_expect(!dissect_wants_stream(&t.flow) && t.budget.held == 0);
    cr_expect_str_eq(talk_end(&t), SNI("bad.example") NAMED JA3S);
    talk_clear(&t);
    buffer_free(&server);
    alone_free(records);
    alone_free(handshake);
}

static const struct {
    const char *name;
    const char *hex;
    unsigned hellos, refused;
    bool encrypted;
} odd_cases[] = {
    {"extensions longer than the hello",
     "16 0301 0032 01 00002e 0303 0000000000000000000000000000000000000000000000000000000000000000 00 0002 1301 01 00 "
     "0100 "
     "0015 00",
     1, 1, true},
    {"an extension longer than the others",
     "16 0301 0033 01 00002f 0303 0000000000000000000000000000000000000000000000000000000000000000 00 0002 1301 01 00 "
     "0004 "
     "0015 0009",
     1, 1, true},
    {"cipher suites beyond the end",
     "16 0301 002e 01 00002a 0303 0000000000000000000000000000000000000000000000000000000000000000 00 ffff 1301 01 00",
     1, 1, true},
    {"a hello of 16 MiB", "16 0301 0010 01 ffffff 0303 00000000000000000000", 0, 1, true},
    {"an empty hello", "16 0301 0004 01 000000", 1, 1, true},
    {"a record of nothing, then no handshake", "16 0301 0001 01 17 0303 0002 0000", 0, 0, true},
    {"a certificate first", "16 0301 0004 0b 000000", 0, 0, false},
    {"an alert", "15 0301 0002 0228", 0, 0, false},
    {"version 4", "16 0400 0004 01 000000", 0, 0, false},
    {"a record too long", "16 0301 ffff 01 000000", 0, 0, false},
};

Test(tls, refuses_what_cannot_be)
{
    for (size_t i = 0; i < sizeof odd_cases / sizeof *odd_cases; i++) {
        struct buffer b = {.at = NULL};
        put_hex(&b, odd_cases[i].hex);
        struct talk t;
        cr_expect_str_eq(talk_pieces(&t, buffer_bytes(&b), SIZE_MAX), "", "%s", odd_cases[i].name);
        cr_expect(t.counts.tls == odd_cases[i].hellos && t.counts.tls_refused == odd_cases[i].refused,
                  "%s: %d, refused %d", odd_cases[i].name, (int)t.counts.tls, (int)t.counts.tls_refused);
        cr_expect_eq(dissect_is_encrypted(&t.flow), odd_cases[i].encrypted, "%s", odd_cases[i].name);
        talk_clear(&t);
        buffer_free(&b);
    }
}

/* Any octets in place of others: nothing is read beyond, and what is told is a name. */
Test(tls, reads_damaged_hellos_as_far_as_they_go)
{
    uint64_t state = 13;
    struct bytes handshake = handshake_of(&(struct hello){.name = "www.bad.example", .ech = true, .behind = 9});
    for (int round = 0; round < 20000; round++) {
        struct bytes records = records_of(handshake, 1 + dice(&state, 200));
        uint8_t *at = (uint8_t *)(uintptr_t)records.at;
        for (uint32_t n = 1 + dice(&state, 3); n-- > 0;)
            at[6 + dice(&state, (uint32_t)records.len - 6)] = (uint8_t)dice(&state, 256);
        struct talk t;
        const char *told = talk_pieces(&t, records, 1 + dice(&state, 300));
        cr_assert(!told[0] || strncmp(told, "tls.", 4) == 0, "%s", told);
        talk_clear(&t);
        alone_free(records);
    }
    alone_free(handshake);
}

/* A certificate with a name of each kind, and its digests as Python's hashlib makes them. tests/fuzz/hellos.py writes
 * it part by part. */
#define CERTIFICATE                                                                                                    \
    "308200d2308200c9a003020102020101300030363116301406035504030c0d2a2e6261642e6578616d706c65311c301a0609"             \
    "2a864886f70d010901160d61406261642e6578616d706c65300030363116301406035504030c0d2a2e6261642e6578616d70"             \
    "6c65311c301a06092a864886f70d010901160d61406261642e6578616d706c653000a349304730450603551d110101ff043b"             \
    "3039820b616c742e6578616d706c658704c0000201861568747470733a2f2f7572692e6578616d706c652f61810d6240616c"             \
    "742e6578616d706c653000030100"
#define CERTIFICATE_TOLD                                                                                               \
    "tls.cert x509-sha1 d85596e2264aeff4f64b8c2e324b7583008bc4ef\n"                                                    \
    "tls.cert x509-sha256 b5188267a99728294ead20977f6668267443ada14ebeed71ec2f890101d94e3d\n"                          \
    "tls.subject domain-name bad.example\ntls.subject email-addr a@bad.example\n"                                      \
    "tls.issuer domain-name bad.example\ntls.issuer email-addr a@bad.example\n"                                        \
    "tls.san domain-name alt.example\ntls.san ipv4-addr 192.0.2.1\ntls.san url https://uri.example/a\n"                \
    "tls.san domain-name uri.example\ntls.san email-addr b@alt.example\n"

/* A server's hello, its certificate twice over, and its end of the hello. */
static struct bytes server_flight(void)
{
    struct buffer b = {.at = NULL};
    put_hex(&b, "02 00002d 0303 0000000000000000000000000000000000000000000000000000000000000000 00 c02f 00 0005 ff01 "
                "0001 00");
    put_hex(&b, "0b 0001b5 0001b2 0000d6" CERTIFICATE "0000d6" CERTIFICATE "0e 000000");
    struct bytes flight = alone(buffer_bytes(&b));
    buffer_free(&b);
    return flight;
}

Test(tls, tells_of_certificates_wherever_records_and_segments_end)
{
    static const size_t sizes[] = {1, 3, 49, 100, 488, RECORD_MOST};
    struct bytes flight = server_flight();
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        struct bytes records = records_of(flight, sizes[n]);
        for (size_t piece = 1; piece < 2000; piece += piece / 2 + 1) {
            struct talk t;
            talk_begin(&t);
            talk_stream(&t, 1, records, piece);
            const char *told = talk_end(&t);
            cr_expect_str_eq(told, JA3S CERTIFICATE_TOLD CERTIFICATE_TOLD, "records of %zu, pieces of %zu: %s",
                             sizes[n], piece, told);
            cr_expect(t.counts.certificates == 2 && t.counts.certificates_refused == 0 && t.counts.tls_refused == 0);
            cr_expect(t.flow.side[1].off && t.budget.held == 0);
            talk_clear(&t);
        }
        alone_free(records);
    }
    alone_free(flight);
}

Test(tls, tells_of_the_certificates_that_are_whole)
{
    struct bytes flight = server_flight();
    struct bytes records = records_of(flight, RECORD_MOST);
    size_t begin = 5 + 49 + 4 + 3; /* record, hello, head and length of the list */
    for (size_t len = begin; len < begin + 2 * 217; len++) {
        struct talk t;
        talk_begin(&t);
        talk_stream(&t, 1, bytes_until(records, len), SIZE_MAX);
        cr_expect_str_eq(talk_end(&t), len < begin + 217 ? JA3S : JA3S CERTIFICATE_TOLD, "cut to %zu", len);
        cr_expect_eq(t.counts.certificates_refused, 1);
        talk_clear(&t);
    }
    alone_free(records);
    alone_free(flight);
}

/* Only names, when nobody asks for fingerprints. */
Test(tls, makes_what_is_asked_for)
{
    struct bytes flight = server_flight(), handshake = handshake_of(&(struct hello){.name = "bad.example"});
    struct bytes server = records_of(flight, RECORD_MOST), client = records_of(handshake, RECORD_MOST);
    struct talk t;
    talk_begin(&t);
    t.hearer.sink.kinds = 1u << OBSERVABLE_X509_SHA1;
    talk_stream(&t, 0, client, SIZE_MAX);
    talk_stream(&t, 1, bytes_until(server, 5 + 49 + 7 + 217), SIZE_MAX);
    const char *told = talk_end(&t);
    cr_expect(bytes_start_with(bytes_text(told),
                               SNI("bad.example") "tls.cert x509-sha1 d85596e2264aeff4f64b8c2e324b75"
                                                  "83008bc4ef\ntls.subject domain-name bad.example\n"),
              "%s", told);
    talk_clear(&t);
    alone_free(client);
    alone_free(server);
    alone_free(flight);
    alone_free(handshake);
}

/* A capture that begins behind the hellos. */
Test(tls, knows_a_server_by_its_certificate)
{
    struct bytes flight = server_flight();
    struct bytes records = records_of(bytes_from(flight, 49), RECORD_MOST);
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 1, records, SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), CERTIFICATE_TOLD CERTIFICATE_TOLD);
    talk_clear(&t);
    alone_free(records);
    alone_free(flight);
}

/* Octet by octet in records of one octet: what was walked is not walked again. */
Test(tls, looks_at_each_record_once)
{
    struct bytes handshake = handshake_of(&(struct hello){.name = "www.bad.example", .behind = 5000});
    struct bytes records = records_of(handshake, 1);
    struct talk t;
    talk_begin(&t);
    for (size_t i = 0; i + 6 < handshake.len * 6; i++) {
        talk_stream(&t, 0, bytes_until(bytes_from(records, i), 1), 1);
        cr_assert_eq(t.flow.side[0].looked, (i + 1) / 6 * 6, "%zu", i);
        cr_assert_eq(t.flow.side[0].gathered, (i + 1) / 6, "%zu", i);
    }
    cr_expect_str_eq(talk_end(&t), SNI("www.bad.example"));
    talk_clear(&t);
    alone_free(records);
    alone_free(handshake);
}

/* Another hello in plaintext behind a ChangeCipherSpec (RFC 8446, D.4), alerts and heartbeats before it. */
Test(tls, reads_a_second_hello)
{
    struct bytes handshake = handshake_of(&(struct hello){.name = "bad.example"});
    struct bytes records = records_of(handshake, RECORD_MOST);
    size_t hello = 5 + handshake.len;
    struct buffer b = {.at = NULL};
    put_bytes(&b, bytes_until(records, hello));
    put_hex(&b, "15 0303 0002 0100  18 0303 0005 0100020304  14 0303 0001 01");
    put_bytes(&b, records);
    struct talk t;
    for (size_t cut = 0; cut < b.len; cut++) {
        cr_expect_str_eq(talk_cut(&t, buffer_bytes(&b), cut), SNI("bad.example") NAMED SNI("bad.example") NAMED,
                         "%zu: %s", cut, heard(&t.hearer));
        cr_expect(t.flow.side[0].off && t.counts.tls_refused == 0);
        talk_clear(&t);
    }
    buffer_free(&b);
    alone_free(records);
    alone_free(handshake);
}
