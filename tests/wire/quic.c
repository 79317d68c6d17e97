#include "hear.h"
#include "seal.h"
#include "wire/gather.h"

static struct bytes unhex(const char *hex)
{
    struct buffer b = {.at = NULL};
    put_hex(&b, hex);
    struct bytes out = alone(buffer_bytes(&b));
    buffer_free(&b);
    return out;
}

#define CID "8394c8f03e515708" /* of both RFCs */

static const struct {
    uint32_t version;
    bool server;
    const char *key, *iv, *header;
} key_cases[] = {
    /* RFC 9001, A.1 */
    {1, false, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
    {1, true, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"},
    /* RFC 9369, A.1 */
    {0x6b3343cf, false, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
     "45b95e15235d6f45a6b19cbcb0294ba9"},
    {0x6b3343cf, true, "82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652",
     "edf6d05c83121201b436e16877593c3a"},
};

static void is(struct bytes b, const char *hex)
{
    char text[128];
    text_hex_write(b, text);
    cr_expect_str_eq(text, hex);
}

Test(quic, derives_the_keys_of_the_rfcs)
{
    struct bytes cid = unhex(CID);
    for (size_t i = 0; i < sizeof key_cases / sizeof *key_cases; i++) {
        struct quic_keys k;
        quic_keys_derive(&quic_versions[quic_version_find(key_cases[i].version)], cid, key_cases[i].server, &k);
        is(bytes_of(k.key, sizeof k.key), key_cases[i].key);
        is(bytes_of(k.iv, sizeof k.iv), key_cases[i].iv);
        is(bytes_of(k.header, sizeof k.header), key_cases[i].header);
    }
    alone_free(cid);
}

/* The client's CRYPTO frame (RFC 9001, A.2), and the server's answers (A.3; RFC 9369, A.3). */
#define CLIENT_HELLO                                                                                                   \
    "010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0"               \
    "00000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d00170018001000070005046"                        \
    "16c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43"                \
    "e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c0002400100390032"               \
    "0408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff"
#define SERVER_1                                                                                                       \
    "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4c"   \
    "f73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7a"   \
    "af2f58891850abbdca3d20398c276456cbc42158407dd074ee"
#define SERVER_2                                                                                                       \
    "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf87263017915358230035"   \
    "f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf"   \
    "21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140"

/* JA3 and JA4 of that hello, and JA3S of the answer, made with Python's hashlib. */
#define TOLD                                                                                                           \
    "quic.sni domain-name example.com\ntls.ja3 ja3 41bc9ae914d6cb3bd0bd0a5453ab7d7f\n"                                 \
    "quic.ja4 ja4 q13d0211an_62ed6f6ca7ad_4d634acda6c0\n"
#define ANSWERED "tls.ja3s ja3s eb1d94daa7e0344597e756a1fb6e7054\n"

static void put_crypto(struct buffer *b, size_t offset, struct bytes part)
{
    put8(b, 6);
    seal_varint(b, offset);
    seal_varint(b, part.len);
    put_bytes(b, part);
}

static void put_padding(struct buffer *b, size_t len)
{
    while (b->len < len)
        put8(b, 0);
}

/* The datagram of A.2: packet number 2 in four octets, frames of 1162 octets. */
static struct bytes first_datagram(uint32_t version, const char *cid)
{
    struct buffer b = {.at = NULL}, frames = {.at = NULL};
    struct bytes hello = unhex(CLIENT_HELLO), destination = unhex(cid);
    put_crypto(&frames, 0, hello);
    put_padding(&frames, 1162);
    seal_initial(&b, &(struct sealed){.version = version,
                                      .destination = destination,
                                      .number = 2,
                                      .number_len = 4,
                                      .frames = buffer_bytes(&frames)});
    struct bytes out = alone(buffer_bytes(&b));
    alone_free(hello);
    alone_free(destination);
    buffer_free(&b);
    buffer_free(&frames);
    return out;
}

Test(quic, opens_the_packets_of_the_rfcs)
{
    static const struct {
        uint32_t version;
        const char *begin, *end, *answer;
    } rfcs[] = {
        {1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec356c",
         "e221af44860018ab0856972e194cd934", SERVER_1},
        {0x6b3343cf, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071bf03dceebfa162e75d6c",
         "", SERVER_2},
    };
    for (size_t i = 0; i < sizeof rfcs / sizeof *rfcs; i++) {
        struct bytes datagram = first_datagram(rfcs[i].version, CID), answer = unhex(rfcs[i].answer);
        char text[2400 + 1];
        cr_assert_eq(datagram.len, 1200);
        text_hex_write(datagram, text); /* sealed as the RFC does, or the test would prove nothing */
        cr_expect(strncmp(text, rfcs[i].begin, strlen(rfcs[i].begin)) == 0, "%.100s", text);
        cr_expect(strcmp(text + 2400 - strlen(rfcs[i].end), rfcs[i].end) == 0, "%s", text + 2368);
        struct talk t;
        talk_begin(&t);
        talk_datagram(&t, 0, datagram);
        talk_datagram(&t, 1, answer);
        cr_expect_str_eq(talk_end(&t), TOLD ANSWERED);
        cr_expect(dissect_is_encrypted(&t.flow) && t.counts.quic == 2 && t.counts.quic_refused == 0);
        cr_expect(t.counts.tls == 1 && t.counts.tls_refused == 0 && t.budget.held == 0);
        talk_clear(&t);
        alone_free(datagram);
        alone_free(answer);
    }
}

static const uint32_t versions[] = {1,          0x6b3343cf, 0xff00001d, 0xff000020, 0xff000021, 0xff000017,
                                    0xff00001c, 0xff000016, 0xfaceb001, 0xfaceb002, 0x1a2a3a4a};

/* A client's datagram of these frames. */
static void say(struct talk *t, uint32_t version, const char *cid, struct buffer *frames)
{
    struct buffer b = {.at = NULL};
    struct bytes destination = unhex(cid);
    seal_initial(&b,
                 &(struct sealed){
                     .version = version, .destination = destination, .number_len = 1, .frames = buffer_bytes(frames)});
    talk_datagram(t, 0, buffer_bytes(&b));
    alone_free(destination);
    buffer_free(&b);
    buffer_clear(frames);
}

/* Pieces of every size in every packet, forwards, backwards, all in one packet, with PING, ACK and padding between. */
Test(quic, puts_crypto_frames_together_in_any_order)
{
    struct bytes hello = unhex(CLIENT_HELLO);
    static const size_t sizes[] = {5, 7, 60, 100, 1000};
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++)
        for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++)
            for (int way = 0; way < 4; way++) {
                struct buffer frames = {.at = NULL};
                struct talk t;
                talk_begin(&t);
                size_t parts = (hello.len + sizes[n] - 1) / sizes[n];
                for (size_t i = 0; i < parts; i++) {
                    size_t at = (way & 1 ? parts - 1 - i : i) * sizes[n];
                    put_hex(&frames, i % 3 == 0   ? "01"
                                     : i % 3 == 1 ? "02 05 40ff 01 02 03 04"
                                                  : "03 05 00 00 00 010203");
                    put_padding(&frames, frames.len + i % 5);
                    put_crypto(&frames, at, bytes_until(bytes_from(hello, at), sizes[n]));
                    if (way < 2)
                        say(&t, versions[v], CID, &frames);
                }
                if (way >= 2)
                    say(&t, versions[v], CID, &frames);
                cr_expect_eq(t.budget.held, 0);
                cr_expect_str_eq(talk_end(&t), TOLD, "version %x, pieces of %zu, way %d", versions[v], sizes[n], way);
                cr_expect_eq(t.counts.quic_refused, 0);
                talk_clear(&t);
                buffer_free(&frames);
            }
    alone_free(hello);
}

/* A Retry gives another connection ID, and so other keys (RFC 9001, 5.2). */
Test(quic, begins_anew_after_a_retry_or_negotiation)
{
    static const char *const answers[] = {
        "ff00000001 00 08 f067a5502a4262b5 746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
        "80 00000000 00 08 8394c8f03e515708 6b3343cf 00000001"};
    for (int i = 0; i < 2; i++) {
        struct bytes first = first_datagram(1, CID), answer = unhex(answers[i]);
        struct bytes second = first_datagram(i ? 0x6b3343cf : 1, "f067a5502a4262b5");
        struct talk t;
        talk_begin(&t);
        talk_datagram(&t, 0, first);
        talk_datagram(&t, 0, first); /* sent again */
        talk_datagram(&t, 1, answer);
        talk_datagram(&t, 0, second);
        cr_expect_str_eq(talk_end(&t), TOLD TOLD, "%d", i);
        cr_expect_eq(t.counts.quic_refused, 0);
        talk_clear(&t);
        alone_free(first);
        alone_free(second);
        alone_free(answer);
    }
}

/* A client's further packets bear the ID that the server chose, and have the first one's keys (RFC 9001, 5.2); so do
 * those of a server that goes on in another version (RFC 9369, 4.1). */
Test(quic, keeps_the_keys_of_the_first_packet)
{
    struct bytes first = first_datagram(1, CID), answer = unhex(SERVER_2), cid = unhex(CID);
    struct bytes chosen = bytes_text("chosen"), ack = bytes_of("\2\0\0\0\0", 5);
    struct talk t;
    talk_begin(&t);
    talk_datagram(&t, 0, first);
    talk_datagram(&t, 1, answer);
    for (int i = 0; i < 20; i++) {
        struct buffer b = {.at = NULL};
        seal_initial(&b, &(struct sealed){.version = i % 2 ? 1 : 0x6b3343cf,
                                          .destination = chosen,
                                          .keyed = cid,
                                          .number = 5,
                                          .number_len = 2,
                                          .frames = ack});
        talk_datagram(&t, 0, buffer_bytes(&b));
        buffer_free(&b);
    }
    cr_expect_str_eq(talk_end(&t), TOLD ANSWERED);
    cr_expect(t.counts.quic_refused == 0 && !t.flow.side[0].off);
    talk_clear(&t);
    alone_free(first);
    alone_free(answer);
    alone_free(cid);
}

/* A hello that never is whole still tells of the name, once it is there. */
Test(quic, reads_what_has_come_of_a_hello)
{
    struct bytes hello = unhex(CLIENT_HELLO);
    struct buffer frames = {.at = NULL};
    bool known = false;
    for (size_t len = 1; len < hello.len; len++) {
        struct talk t;
        talk_begin(&t);
        put_crypto(&frames, 0, bytes_until(hello, len));
        say(&t, 1, CID, &frames);
        const char *told = talk_end(&t);
        bool now = strcmp(told, "quic.sni domain-name example.com\n") == 0;
        cr_expect((now || !told[0]) && (now || !known), "%zu: %s", len, told);
        known = now;
        talk_clear(&t);
    }
    cr_expect(known);
    alone_free(hello);
    buffer_free(&frames);
}

Test(quic, gives_up_what_it_cannot_open)
{
    struct bytes datagram = first_datagram(1, CID);
    uint8_t *last = (uint8_t *)(uintptr_t)datagram.at + datagram.len - 1;
    *last ^= 1;
    struct talk t;
    talk_begin(&t);
    for (int i = 0; i < 20; i++)
        talk_datagram(&t, 0, datagram);
    cr_expect(t.flow.side[0].off && t.counts.quic == 0 && t.counts.quic_refused < 20 && t.budget.held == 0);
    cr_expect_str_eq(talk_end(&t), "");
    talk_clear(&t);
    alone_free(datagram);
}

Test(quic, holds_no_more_than_its_budget)
{
    struct buffer frames = {.at = NULL};
    struct bytes part = bytes_of("................................", 32);
    struct talk t;
    talk_begin(&t);
    t.budget.max = 4096;
    for (size_t at = 0; at < 60000; at += 64) { /* holes between them all */
        put_crypto(&frames, at + 4, part);
        say(&t, 1, CID, &frames);
        cr_assert(t.budget.held <= t.budget.max);
    }
    cr_expect_gt(t.counts.pending_full, 0);
    cr_expect_str_eq(talk_end(&t), "");
    cr_expect_eq(t.budget.held, 0);
    talk_clear(&t);
    talk_begin(&t);
    put_crypto(&frames, (size_t)1 << 29, part);
    say(&t, 1, CID, &frames);
    cr_expect_eq(t.counts.pending_full, 1);
    cr_expect_str_eq(talk_end(&t), "");
    talk_clear(&t);
    buffer_free(&frames);
}

/* Google's client hello behind a public header (Q043), a long header (Q046), and in an Initial packet (Q050). */
#define CHLO                                                                                                           \
    "43484c4f 0200 0000 534e4900 09000000 55414944 0d000000 612e6578616d706c65 436172"                                 \
    "6f"
#define GOOGLE_TOLD "quic.sni domain-name a.example\nhttp.user_agent user-agent Caro\n"

Test(quic, reads_googles_own_hello)
{
    static const char *const datagrams[] = {
        "0d 0102030405060708 51303433 01 000102030405060708090a0b a001 0000 0400 " CHLO,
        "c3 51303436 50 0102030405060708 00000001 000102030405060708090a0b a001 0000 0400 " CHLO,
    };
    for (int i = 0; i < 3; i++) {
        struct talk t;
        talk_begin(&t);
        if (i < 2) {
            struct bytes octets = unhex(datagrams[i]);
            talk_datagram(&t, 0, octets);
            alone_free(octets);
        } else {
            struct buffer frames = {.at = NULL};
            struct bytes hello = unhex(CHLO);
            put8(&frames, 8);
            seal_varint(&frames, 0);
            seal_varint(&frames, hello.len);
            put_bytes(&frames, hello);
            say(&t, 0x51303530, CID, &frames);
            alone_free(hello);
            buffer_free(&frames);
        }
        cr_expect_str_eq(talk_end(&t), GOOGLE_TOLD, "%d", i);
        cr_expect(t.counts.tls == 1 && t.counts.tls_refused == 0, "%d", i);
        talk_clear(&t);
    }
}

/* No other protocol's datagram is taken for QUIC's. */
Test(quic, is_known_by_its_content)
{
    static const char *const others[] = {
        "c0 00000002 08 8394c8f03e515708 00 00 4004 00000000",       /* a version that nobody knows */
        "c0 00000001 15 000000000000000000000000000000000000000000", /* a connection ID too long */
        "c0 00000001 08 8394c8f03e515708 00 00 4fff 00000000",       /* a length beyond the end */
        "c0 00000001 08 8394c8f03e515708 00 7fff 40ff 0000",         /* a token beyond the end */
        "e0 00000001 08 8394c8f03e515708 00 4004 00000000",          /* no Initial packet */
        "40 00000001 08 8394c8f03e515708",                           /* a short header */
        "80",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct bytes octets = unhex(others[i]);
        struct talk t;
        talk_begin(&t);
        talk_datagram(&t, 0, octets);
        cr_expect(!t.flow.is, "%zu", i);
        talk_end(&t);
        talk_clear(&t);
        alone_free(octets);
    }
}
