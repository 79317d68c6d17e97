#include "hear.h"

/* A client hello of DTLS with a cookie and GREASE; its fingerprints are made with Python's hashlib. */
#define DTLS_HELLO                                                                                                     \
    "010000a203030000000000000000000000000000000000000000000000000000000000000000080000000000000000020101"             \
    "0008130113020a0ac02f010000660a0a000000000014001200000f7777772e6261642e6578616d706c65000a000800061a1a"             \
    "001d0017000b00020100000d00080006040308040401001000050003026832002b0007062a2a03040303fe0d001400000000"             \
    "00000000000000000000000000000000"
#define TOLD                                                                                                           \
    "tls.sni domain-name www.bad.example ech\ntls.ja3 ja3 2aeade833da9cbe38d5a5e96f3ae7494\n"                          \
    "tls.ja4 ja4 d13d0307h2_40b44b994229_3f16740eecf0\n"

static struct bytes unhex(const char *hex)
{
    struct buffer b = {.at = NULL};
    put_hex(&b, hex);
    struct bytes out = alone(buffer_bytes(&b));
    buffer_free(&b);
    return out;
}

/* A record of one fragment of a message, which begins with the four octets of its head (RFC 6347, 4.2.2). */
static void put_fragment(struct buffer *b, unsigned version, struct bytes message, unsigned number, size_t at,
                         size_t len)
{
    struct bytes part = bytes_until(bytes_from(message, 4 + at), len);
    put8(b, 22);
    put16(b, version);
    put_hex(b, "0000 000000000001");
    put16(b, 12 + (unsigned)part.len);
    put_bytes(b, bytes_until(message, 4));
    put16(b, number);
    put8(b, 0);
    put16(b, (unsigned)at);
    put8(b, 0);
    put16(b, (unsigned)part.len);
    put_bytes(b, part);
}

static void say(struct talk *t, int side, struct buffer *datagram)
{
    talk_datagram(t, side, buffer_bytes(datagram));
    buffer_clear(datagram);
}

Test(dtls, reads_hellos_of_every_version)
{
    static const unsigned versions[] = {0xfeff, 0xfefd, 0xfefc, 0x0100};
    struct bytes hello = unhex(DTLS_HELLO);
    for (int i = 0; i < 4; i++) {
        struct buffer b = {.at = NULL};
        struct talk t;
        talk_begin(&t);
        put_fragment(&b, versions[i], hello, 0, 0, SIZE_MAX);
        say(&t, 0, &b);
        put_hex(&b, "16 feff 0000 000000000000 000f 03 000003 0000 000000 000003 feff00"); /* HelloVerifyRequest */
        say(&t, 1, &b);
        cr_expect_str_eq(talk_end(&t), TOLD, "%x", versions[i]);
        cr_expect(dissect_is_encrypted(&t.flow) && t.counts.tls == 1 && t.counts.tls_refused == 0);
        talk_clear(&t);
        buffer_free(&b);
    }
    alone_free(hello);
}

/* Fragments of every size, forwards, backwards, twice each, with other protocols' datagrams between (RFC 7983). */
Test(dtls, puts_fragments_together_in_any_order)
{
    struct bytes hello = unhex(DTLS_HELLO);
    for (size_t size = 3; size < hello.len; size += 7)
        for (int way = 0; way < 4; way++) {
            struct buffer b = {.at = NULL};
            struct talk t;
            talk_begin(&t);
            size_t parts = (hello.len - 4 + size - 1) / size;
            for (size_t i = 0; i < parts; i++) {
                size_t n = way & 1 ? parts - 1 - i : i;
                put_fragment(&b, 0xfefd, hello, 1, n * size, size);
                if (way & 2 && i < parts - 1)
                    put_fragment(&b, 0xfefd, hello, 1, n * size, size);
                say(&t, 0, &b);
                put_hex(&b, "0001 0000 2112a442 000000000000000000000000"); /* STUN */
                say(&t, 0, &b);
            }
            cr_expect_eq(t.budget.held, 0);
            cr_expect_str_eq(talk_end(&t), TOLD, "pieces of %zu, way %d", size, way);
            cr_expect_eq(t.counts.tls_refused, 0);
            talk_clear(&t);
            buffer_free(&b);
        }
    alone_free(hello);
}

/* What follows a message that is not whole ends it; its name is told all the same. */
Test(dtls, leaves_a_message_that_another_one_follows)
{
    struct bytes hello = unhex(DTLS_HELLO);
    struct buffer b = {.at = NULL};
    struct talk t;
    talk_begin(&t);
    put_fragment(&b, 0xfefd, hello, 0, 0, 130);
    say(&t, 0, &b);
    put_fragment(&b, 0xfefd, hello, 1, 0, 100);
    put_fragment(&b, 0xfefd, hello, 1, 100, 100);
    say(&t, 0, &b);
    cr_expect_str_eq(talk_end(&t), "tls.sni domain-name www.bad.example\n" TOLD);
    cr_expect(t.counts.tls == 2 && t.counts.tls_refused == 1 && t.budget.held == 0);
    talk_clear(&t);
    buffer_free(&b);
    alone_free(hello);
}

static const struct {
    const char *about, *hex;
    bool known;
    unsigned refused;
} odd_cases[] = {
    {"encrypted", "16 fefd 0001 000000000001 000c 01 000000 0000 000000 000000", false, 0},
    {"another version", "16 0303 0000 000000000001 000f 01 000003 0000 000000 000003 000000", false, 0},
    {"a part longer than its message", "16 fefd 0000 000000000001 000f 01 000002 0000 000000 000003 000000", false, 0},
    {"a part beyond its message", "16 fefd 0000 000000000001 000f 01 000003 0000 000001 000003 000000", false, 0},
    {"a part longer than its record", "16 fefd 0000 000000000001 000f 01 0000ff 0000 000000 000009 000000", false, 0},
    {"a record longer than its datagram", "16 fefd 0000 000000000001 00ff 01 000003 0000 000000 000003 000000", false,
     0},
    {"a message of 16 MiB", "16 fefd 0000 000000000001 000f 01 ffffff 0000 fffff0 000003 000000", true, 0},
    {"no head", "16 fefd 0000", false, 0},
    {"a hello of nothing that can be", "16 fefd 0000 000000000001 000f 01 000003 0000 000000 000003 000000", true, 1},
};

Test(dtls, refuses_what_cannot_be)
{
    for (size_t i = 0; i < sizeof odd_cases / sizeof *odd_cases; i++) {
        struct bytes octets = unhex(odd_cases[i].hex);
        struct talk t;
        talk_begin(&t);
        talk_datagram(&t, 0, octets);
        talk_datagram(&t, 0, octets);
        cr_expect_eq(!!t.flow.is, odd_cases[i].known, "%s", odd_cases[i].about);
        cr_expect_str_eq(talk_end(&t), "", "%s", odd_cases[i].about);
        cr_expect_eq(t.counts.tls_refused, 2 * odd_cases[i].refused, "%s: %d", odd_cases[i].about,
                     (int)t.counts.tls_refused);
        cr_expect_eq(t.budget.held, 0);
        talk_clear(&t);
        alone_free(octets);
    }
}
