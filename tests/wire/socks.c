#include "hear.h"

/* What is said, one line each: > the client's octets, < the proxy's, in hex; >> and << are text with its line end. */
static const struct {
    const char *name;
    const char *said;
    const char *told;
} cases[] = {
    {"SOCKS 5, an address, then SSH", ">050100\n<0500\n>0501000101020304 0050\n<0500000100000000 0000\n>>SSH-2.0-y\n",
     "proxy.target ipv4-addr 1.2.3.4\nproxy.target ip-port 1.2.3.4:80\nssh.software user-agent y\n"
     "ssh.software user-agent SSH-2.0-y\n"},
    {"SOCKS 5 with a password, a name, then SSH, whose server speaks first",
     ">05020002\n<0502\n>01 0162 0163\n<0100\n>05010003 09612e6578616d706c65 0016\n<05000001c0000201 1f90\n"
     "<<SSH-2.0-x\n>>SSH-2.0-y\n",
     "proxy.target domain-name a.example\nssh.software user-agent x\nssh.software user-agent SSH-2.0-x\n"
     "ssh.software user-agent y\nssh.software user-agent SSH-2.0-y\n"},
    {"SOCKS 5 over IPv6, the client does not wait",
     ">050100 05010004 20010db8000000000000000000000007 0016\n>>SSH-2.0-y\n<0500 05000001c0000201 1f90\n<<SSH-2.0-x\n",
     "proxy.target ipv6-addr 2001:db8::7\nproxy.target ip-port [2001:db8::7]:22\nssh.software user-agent y\n"
     "ssh.software user-agent SSH-2.0-y\nssh.software user-agent x\nssh.software user-agent SSH-2.0-x\n"},
    {"SOCKS 4", ">04010016c0000201 6d6500\n<005a000000000000\n<<SSH-2.0-x\n",
     "proxy.target ipv4-addr 192.0.2.1\nproxy.target ip-port 192.0.2.1:22\nssh.software user-agent x\n"
     "ssh.software user-agent SSH-2.0-x\n"},
    {"SOCKS 4a", ">0401001600000001 00 612e6578616d706c6500\n<005a000000000000\n",
     "proxy.target domain-name a.example\n"},
    {"an address written as a name", ">050100\n<0500\n>05010003 07312e322e332e34 0050\n",
     "proxy.target ipv4-addr 1.2.3.4\n"},
    {"UDP, from wherever", ">050100\n<0500\n>0503000100000000 0000\n", ""},
};

static void say(struct talk *t, const char *said, size_t piece)
{
    while (*said) {
        struct buffer b = {.at = NULL};
        int side = *said == '<';
        size_t len = strcspn(said, "\n");
        char line[200];
        bool text = said[1] == *said;
        snprintf(line, sizeof line, "%.*s", (int)len - 1 - text, said + 1 + text);
        if (text)
            buffer_format(&b, "%s\r\n", line);
        else
            put_hex(&b, line);
        talk_stream(t, side, buffer_bytes(&b), piece);
        buffer_free(&b);
        said += len + 1;
    }
}

Test(socks, tells_the_target_and_hands_over)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct talk t;
        talk_begin(&t);
        say(&t, cases[i].said, SIZE_MAX);
        const char *told = talk_end(&t);
        cr_expect_str_eq(told, cases[i].told, "%s: %s", cases[i].name, told);
        cr_expect(t.counts.socks == 1 && t.budget.held == 0, "%s", cases[i].name);
        talk_clear(&t);
    }
}

/* But a request of SOCKS 4 must come whole: it has no other sign. */
Test(socks, reads_requests_in_pieces)
{
    for (size_t i = 0; i < 2; i++)
        for (size_t piece = 1; piece < 20; piece++) {
            struct talk t;
            talk_begin(&t);
            say(&t, cases[i].said, piece);
            const char *told = talk_end(&t);
            cr_expect_str_eq(told, cases[i].told, "%s, pieces of %zu: %s", cases[i].name, piece, told);
            talk_clear(&t);
        }
}

static const char *const others[] = {
    "05000b0310000000",
    "0500",
    "050aff",
    "050102",
    "05010005010",
    "0401",
    "04010000c000020100",
    "0401001600000001006100",
    "04030016c000020100",
    "05017f",
    "050111",
};

Test(socks, is_not_seen_in_other_protocols)
{
    static const enum probe expected[] = {PROBE_NO, PROBE_NO,  PROBE_NO, PROBE_YES, PROBE_YES, PROBE_MORE,
                                          PROBE_NO, PROBE_YES, PROBE_NO, PROBE_NO,  PROBE_NO};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct buffer b = {.at = NULL};
        char even[40];
        snprintf(even, sizeof even, "%.*s", (int)(strlen(others[i]) & ~(size_t)1), others[i]);
        put_hex(&b, even);
        cr_expect_eq(dissector_socks.probe(buffer_bytes(&b), DISSECT_TCP), expected[i], "%s", others[i]);
        buffer_free(&b);
    }
}
