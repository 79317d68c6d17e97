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

static const struct {
    const char *title;
    struct hello hello;
    const char *told;
    unsigned refused_values;
} hello_cases[] = {
    {"a name", {.name = "www.bad.example"}, "tls.sni domain-name www.bad.example\n", 0},
    {"capitals", {.name = "WWW.Bad.Example"}, "tls.sni domain-name www.bad.example\n", 0},
    {"no name", {.name = NULL}, "", 0},
    {"no extensions", {.no_extensions = true}, "", 0},
    {"encrypted client hello", {.name = "front.example", .ech = true}, "tls.sni domain-name front.example ech\n", 0},
    {"encrypted client hello, no name", {.ech = true}, "", 0},
    {"an address", {.name = "192.0.2.7"}, "tls.sni ipv4-addr 192.0.2.7\n", 0},
    {"a name of another type", {.name = "bad.example", .name_type = 1}, "", 0},
    {"an empty name", {.name = ""}, "", 0},
    {"a name with a blank", {.name = "bad example"}, "", 1},
    {"a long hello", {.name = "bad.example", .behind = 3000}, "tls.sni domain-name bad.example\n", 0},
    {"a hello longer than a record", {.name = "bad.example", .behind = 40000}, "tls.sni domain-name bad.example\n", 0},
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
            bool now = strcmp(told, "tls.sni domain-name www.bad.example\n") == 0;
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

Test(tls, knows_the_server_by_its_hello_and_still_reads_the_clients)
{
    struct bytes handshake = handshake_of(&(struct hello){.name = "bad.example"});
    struct bytes records = records_of(handshake, RECORD_MOST);
    struct buffer server = {.at = NULL};
    put_hex(&server, "16 0303 0031 02 00002d 0303");
    for (int i = 0; i < 43; i++)
        put8(&server, 0);
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 1, buffer_bytes(&server), SIZE_MAX);
    talk_stream(&t, 0, records, SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), "tls.sni domain-name bad.example\n");
    cr_expect(dissect_is_encrypted(&t.flow) && !dissect_wants_stream(&t.flow));
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
        cr_assert(!told[0] || strncmp(told, "tls.sni domain-name ", 20) == 0, "%s", told);
        talk_clear(&t);
        alone_free(records);
    }
    alone_free(handshake);
}
