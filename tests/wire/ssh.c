#include "hear.h"

#include "base/digest.h"

/* Lists as OpenSSH 7.4 and a client of its time might offer them, one for each place (RFC 4253, 7.1). */
static const char *const lists[10] = {"curve25519-sha256,diffie-hellman-group14-sha1",
                                      "ssh-ed25519,ssh-rsa",
                                      "aes128-ctr,aes256-ctr",
                                      "aes256-ctr",
                                      "hmac-sha2-256,hmac-sha1",
                                      "hmac-sha2-512",
                                      "none,zlib@openssh.com",
                                      "none",
                                      "",
                                      ""};

static void put_banner(struct buffer *b, const char *line)
{
    buffer_text(b, line);
    buffer_text(b, "\r\n");
}

static void put_key_exchange(struct buffer *b, unsigned padding)
{
    struct buffer m = {.at = NULL};
    put8(&m, 20);
    for (int i = 0; i < 16; i++)
        put8(&m, (unsigned)i);
    for (int i = 0; i < 10; i++) {
        put32(&m, (uint32_t)strlen(lists[i]));
        buffer_text(&m, lists[i]);
    }
    put8(&m, 0);
    put32(&m, 0);
    put32(b, (uint32_t)(m.len + 1 + padding));
    put8(b, padding);
    put_bytes(b, buffer_bytes(&m));
    for (unsigned i = 0; i < padding; i++)
        put8(b, 0);
    buffer_free(&m);
}

/* The fingerprint as github.com/salesforce/hassh says it is made. */
static void hassh_of(const char *text, char hex[33])
{
    uint8_t digest[DIGEST_MD5_BYTES];
    digest_md5(bytes_text(text), digest);
    text_hex_write(bytes_of(digest, sizeof digest), hex);
}

#define SOFTWARE(name, line) "ssh.software user-agent " name "\nssh.software user-agent " line "\n"

static const struct {
    const char *banner;
    const char *told;
} banner_cases[] = {
    {"SSH-2.0-OpenSSH_7.4", SOFTWARE("OpenSSH_7.4", "SSH-2.0-OpenSSH_7.4")},
    {"SSH-2.0-libssh-0.7.3", SOFTWARE("libssh-0.7.3", "SSH-2.0-libssh-0.7.3")},
    {"SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u2", SOFTWARE("OpenSSH_7.4p1", "SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u2")},
    {"SSH-1.99-Cisco-1.25", SOFTWARE("Cisco-1.25", "SSH-1.99-Cisco-1.25")},
    {"SSH-1.5-1.2.26", SOFTWARE("1.2.26", "SSH-1.5-1.2.26")},
    {"SSH-2.0-", "ssh.software user-agent SSH-2.0-\n"},
};

Test(ssh, tells_the_software)
{
    for (size_t i = 0; i < sizeof banner_cases / sizeof *banner_cases; i++) {
        struct talk t;
        talk_begin(&t);
        struct buffer b = {.at = NULL};
        put_banner(&b, banner_cases[i].banner);
        talk_stream(&t, 1, buffer_bytes(&b), SIZE_MAX);
        const char *told = talk_end(&t);
        cr_expect_str_eq(told, banner_cases[i].told, "%s: %s", banner_cases[i].banner, told);
        buffer_free(&b);
        talk_clear(&t);
    }
}

Test(ssh, passes_over_what_a_server_says_before)
{
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 0, bytes_text("SSH-2.0-Go\r\n"), SIZE_MAX);
    talk_stream(&t, 1, bytes_text("Keep out.\r\n\nSSH-2.0-x\r\n"), 5);
    cr_expect_str_eq(talk_end(&t), SOFTWARE("Go", "SSH-2.0-Go") SOFTWARE("x", "SSH-2.0-x"));
    talk_clear(&t);
}

Test(ssh, tells_of_a_banner_without_its_end)
{
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 0, bytes_text("SSH-2.0-Go"), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), SOFTWARE("Go", "SSH-2.0-Go"));
    talk_clear(&t);
}

static const struct {
    const char *name;
    uint16_t src_port, dst_port;
    int side;
    bool server;
} side_cases[] = {
    {"the client", 40000, 22, 0, false},          {"the server", 40000, 22, 1, true},
    {"a server heard first", 22, 40000, 0, true}, {"and its client", 22, 40000, 1, false},
    {"ports of nobody", 2000, 2222, 0, false},    {"an old client's low port", 1022, 22, 0, false},
    {"a server on port 80", 80, 40000, 0, true},
};

Test(ssh, tells_the_fingerprint_of_each_side)
{
    char client[33], server[33], expected[200];
    hassh_of("curve25519-sha256,diffie-hellman-group14-sha1;aes128-ctr,aes256-ctr;hmac-sha2-256,hmac-sha1;"
             "none,zlib@openssh.com",
             client);
    hassh_of("curve25519-sha256,diffie-hellman-group14-sha1;aes256-ctr;hmac-sha2-512;none", server);
    for (size_t i = 0; i < sizeof side_cases / sizeof *side_cases; i++)
        for (size_t piece = 1; piece < 400; piece += 37) {
            struct talk t;
            struct buffer b = {.at = NULL};
            talk_begin(&t);
            t.view.tuple.src_port = side_cases[i].src_port;
            t.view.tuple.dst_port = side_cases[i].dst_port;
            put_banner(&b, "SSH-2.0-x");
            put_key_exchange(&b, 7);
            buffer_text(&b, "\0\0\1\24\6\36 and then what nobody can read");
            talk_stream(&t, side_cases[i].side, buffer_bytes(&b), piece);
            snprintf(expected, sizeof expected, SOFTWARE("x", "SSH-2.0-x") "ssh.hassh hassh %s\n",
                     side_cases[i].server ? server : client);
            const char *told = talk_end(&t);
            cr_expect_str_eq(told, expected, "%s, pieces of %zu: %s", side_cases[i].name, piece, told);
            buffer_free(&b);
            talk_clear(&t);
        }
}

Test(ssh, refuses_packets_that_cannot_be)
{
    static const char *const packets[] = {
        "00010000 04 14 0000", "00000004 04 14 000000", "00000002 05 14 00",
        "00000018 04 14 00000000000000000000000000000000 ffff 00 00000000", /* a list beyond its packet */
    };
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        struct talk t;
        struct buffer b = {.at = NULL};
        talk_begin(&t);
        put_banner(&b, "SSH-2.0-x");
        put_hex(&b, packets[i]);
        talk_stream(&t, 0, buffer_bytes(&b), SIZE_MAX);
        cr_expect_str_eq(talk_end(&t), SOFTWARE("x", "SSH-2.0-x"));
        cr_expect_eq(t.counts.ssh_refused, 1, "%s", packets[i]);
        buffer_free(&b);
        talk_clear(&t);
    }
}

Test(ssh, is_encrypted_and_is_not_seen_elsewhere)
{
    cr_expect(dissector_ssh.encrypted);
    cr_expect_eq(dissector_ssh.probe(bytes_text("SSH"), DISSECT_TCP), PROBE_MORE);
    cr_expect_eq(dissector_ssh.probe(bytes_text("SSH-key"), DISSECT_TCP), PROBE_NO);
    cr_expect_eq(dissector_ssh.probe(bytes_text("HELLO"), DISSECT_TCP), PROBE_NO);
    cr_expect_eq(dissector_ssh.probe(bytes_text("SSH-2.0-"), DISSECT_TCP), PROBE_YES);
}
