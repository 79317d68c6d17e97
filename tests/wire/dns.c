#include "hear.h"

/* Messages in hex; [a.example] is a name with its root, (a.example) one without, {…} has its length in front. */
static void put_labels(struct buffer *b, const char **at, char end)
{
    while (**at != end) {
        size_t len = strcspn(*at, ".)]");
        put8(b, (unsigned)len);
        buffer_add(b, *at, len);
        *at += len + ((*at)[len] == '.');
    }
    if (end == ']')
        put8(b, 0);
}

static struct bytes message_of(const char *text)
{
    struct buffer b = {.at = NULL};
    size_t begin = 0;
    for (const char *at = text; *at; at++) {
        char hex[] = {at[0], at[0] == ' ' ? '\0' : at[1], '\0'};
        if (*at == '[' || *at == '(') {
            char end = *at++ == '[' ? ']' : ')';
            put_labels(&b, &at, end);
        } else if (*at == '{') {
            put16(&b, 0);
            begin = b.len;
        } else if (*at == '}') {
            b.at[begin - 2] = (char)((b.len - begin) >> 8);
            b.at[begin - 1] = (char)(b.len - begin);
        } else if (*at != ' ') {
            put_hex(&b, hex);
            at++;
        }
    }
    struct bytes message = alone(buffer_bytes(&b));
    buffer_free(&b);
    return message;
}

#define QUERY(id)         id " 0100 0001 0000 0000 0000 "
#define ANSWER(id, n)     id " 8180 0001 " n " 0000 0000 "
#define NOTICE(n)         "0000 8400 0000 " n " 0000 0000 " /* an answer that nobody asked for (mDNS) */
#define A_IN              "0001 0001 "
#define DATA(type, data)  type " 0001 00000e10 {" data "}"
#define RECORD(type, len) type " 0001 00000e10 " len " "

struct message_case {
    const char *name;
    const char *message;
    const char *told;
    unsigned refused;
};

static const struct message_case message_cases[] = {
    {"a question", QUERY("0001") "[www.bad.example]" A_IN, "dns.query domain-name www.bad.example\n", 0},
    {"capitals", QUERY("0001") "[WWW.Bad.eXample]" A_IN, "dns.query domain-name www.bad.example\n", 0},
    {"underscores", QUERY("0001") "[_sip._tcp.bad.example] 0021 0001", "dns.query domain-name _sip._tcp.bad.example\n",
     0},
    {"two questions", "0001 0100 0002 0000 0000 0000 [a.example]" A_IN "[b.example]" A_IN,
     "dns.query domain-name a.example\ndns.query domain-name b.example\n", 0},
    {"the root", QUERY("0001") "00 0002 0001", "", 0},
    {"A", ANSWER("0001", "0001") "[bad.example]" A_IN "c00c" RECORD("0001", "0004") "c0000207",
     "dns.query domain-name bad.example\ndns.answer ipv4-addr 192.0.2.7\n", 0},
    {"AAAA",
     ANSWER("0001", "0001") "[bad.example] 001c 0001 c00c" RECORD("001c", "0010") "20010db8000000000000000000000007",
     "dns.query domain-name bad.example\ndns.answer ipv6-addr 2001:db8::7\n", 0},
    {"AAAA of NAT64",
     ANSWER("0001", "0001") "[bad.example] 001c 0001 c00c" RECORD("001c", "0010") "0064ff9b0000000000000000c0000207",
     "dns.query domain-name bad.example\ndns.answer ipv4-addr 192.0.2.7\n", 0},
    {"CNAME, then A",
     ANSWER("0001", "0002") "[www.bad.example]" A_IN
                            "c00c" RECORD("0005", "0006") "(cdn) c010 "
                                                          "c02d" RECORD("0001", "0004") "c0000207",
     "dns.query domain-name www.bad.example\ndns.answer domain-name cdn.bad.example\ndns.answer ipv4-addr 192.0.2.7\n",
     0},
    {"NS, MX, PTR, SRV, DNAME",
     NOTICE("0005") "[example]" RECORD(
         "0002", "0005") "(ns) c00c"
                         "c00c" RECORD(
                             "000f", "0007") "000a (mx) c00c"
                                             "c00c" RECORD(
                                                 "000c", "0006") "(ptr) c00c"
                                                                 "c00c" RECORD(
                                                                     "0021", "000c") "0001 0002 1f90 (srv) c00c"
                                                                                     "c00c" RECORD(
                                                                                         "0027", "0007") "(dnam) c00c",
     "dns.answer domain-name example\ndns.answer domain-name ns.example\ndns.answer domain-name mx.example\n"
     "dns.answer domain-name ptr.example\ndns.answer domain-name srv.example\ndns.answer domain-name dnam.example\n",
     0},
    {"a null MX", NOTICE("0001") "[example]" RECORD("000f", "0003") "0000 00", "dns.answer domain-name example\n", 0},
    {"TXT and OPT are no values",
     ANSWER("0001", "0002") "[bad.example] 0010 0001 c00c" RECORD("0010", "0004") "(abc)"
                                                                                  "00 0029 1000 00000000 0000",
     "dns.query domain-name bad.example\n", 0},
    {"authority and additional",
     "0001 8180 0001 0000 0001 0001 [bad.example]" A_IN
     "c00c" RECORD("0002", "0005") "(ns) c00c"
                                   "c029" RECORD("0001", "0004") "c0000235",
     "dns.query domain-name bad.example\ndns.answer domain-name ns.bad.example\ndns.answer ipv4-addr 192.0.2.53\n", 0},
    {"mDNS's first bit of the class", NOTICE("0001") "[host.local] 0001 8001 00000078 0004 c0000207",
     "dns.answer domain-name host.local\ndns.answer ipv4-addr 192.0.2.7\n", 0},
    {"an A of other length", NOTICE("0001") "[example]" RECORD("0001", "0003") "c00002",
     "dns.answer domain-name example\n", 0},
    {"class CH", NOTICE("0001") "[example] 0001 0003 00000000 0004 c0000207", "", 0},
    {"dot, backslash and blank in labels", QUERY("0001") "03612e62 03635c64 03652066 00" A_IN,
     "dns.query domain-name a\\.b.c\\\\d.e\\032f\n", 0},
    {"NUL and high octets in labels", QUERY("0001") "030061ff (example) 00" A_IN,
     "dns.query domain-name \\000a\\255.example\n", 0},
    {"pointers to pointers",
     ANSWER("0001", "0002") "[f.isi.arpa]" A_IN
                            "(foo) c00c" RECORD("0001", "0004") "c0000201"
                                                                "c01c" RECORD("0005", "0006") "(bar) c01c",
     "dns.query domain-name f.isi.arpa\ndns.answer domain-name foo.f.isi.arpa\ndns.answer ipv4-addr 192.0.2.1\n"
     "dns.answer domain-name bar.foo.f.isi.arpa\n",
     0},
    {"SOA: the server and the mailbox, whose dots are escaped",
     ANSWER("0001", "0001") "[example]" A_IN "c00c" DATA(
         "0006", "(ns) c00c 046a2e6578 (x) c00c 00000001 00000e10 00000e10 00000e10 00000e10"),
     "dns.query domain-name example\ndns.answer domain-name ns.example\ndns.answer email-addr j.ex@x.example\n", 0},
    {"HTTPS: the target, and the addresses hinted at",
     ANSWER("0001", "0001") "[example] 0041 0001 c00c" DATA(
         "0041", "0001 [svc.example] 0001 0003 026832 0004 0008 c0000201 c0000202 0006 0010"
                 "20010db8000000000000000000000007"),
     "dns.query domain-name example\ndns.answer domain-name svc.example\ndns.answer ipv4-addr 192.0.2.1\n"
     "dns.answer ipv4-addr 192.0.2.2\ndns.answer ipv6-addr 2001:db8::7\n",
     0},
    {"HTTPS of the owner itself, its hints cut",
     ANSWER("0001", "0001") "[example] 0041 0001 c00c" DATA("0041", "0001 00 0004 0006 c0000201 c000"),
     "dns.query domain-name example\ndns.answer ipv4-addr 192.0.2.1\n", 0},
    {"NAPTR (RFC 3403, 6.1)",
     ANSWER("0001", "0001") "[example] 0023 0001 c00c" DATA("0023", "0064 000a 0153 07 5349502b443255 00 (sip) c00c"),
     "dns.query domain-name example\ndns.answer domain-name sip.example\n", 0},
    {"SPF (RFC 7208, 4.6.1): v=spf1 | ip4:192.0.2.17 ~include:_spf.example +a:mail.example/24 exists:%{i}.x.ex -all",
     ANSWER("0001", "0001") "[example] 0010 0001 c00c" DATA(
         "0010", "07 763d7370663120 4d 6970343a3139322e302e322e3137207e696e636c7564653a5f7370662e6578616d706c65202b"
                 "613a6d61696c2e6578616d706c652f3234206578697374733a257b697d2e782e6578202d616c6c"),
     "dns.query domain-name example\ndns.answer ipv4-addr 192.0.2.17\ndns.answer domain-name _spf.example\n"
     "dns.answer domain-name mail.example\n",
     0},
    {"TXT with a URL over two strings: c=http://b. | example/x;  and one that is an address",
     ANSWER("0001", "0003") "[example] 0010 0001"
                            "c00c" DATA("0010", "0b 633d687474703a2f2f622e 0a 6578616d706c652f783b") "c00c" DATA(
                                "0010", "0b 3139322e302e322e393939 ") "c00c" DATA("0010", "0a 3139322e302e322e3939"),
     "dns.query domain-name example\ndns.answer url http://b.example/x\ndns.answer domain-name b.example\n"
     "dns.answer ipv4-addr 192.0.2.99\n",
     0},
    {"URI (RFC 7553)",
     ANSWER("0001", "0001") "[example] 0100 0001 c00c" DATA("0100", "000a 0001 687474703a2f2f612e62632f64"),
     "dns.query domain-name example\ndns.answer url http://a.bc/d\ndns.answer domain-name a.bc\n", 0},
    {"an address as a name", QUERY("0001") "[192.0.2.7]" A_IN, "dns.query ipv4-addr 192.0.2.7\n", 0},
    {"the name of an address", QUERY("0001") "[7.2.0.192.in-addr.arpa] 000c 0001",
     "dns.query domain-name 7.2.0.192.in-addr.arpa\ndns.query ipv4-addr 192.0.2.7\n", 0},
    {"of an IPv6 address (RFC 3596, 2.5)",
     QUERY("0001") "[b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.IP6.ARPA] 000c 0001",
     "dns.query domain-name b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa\n"
     "dns.query ipv6-addr 4321:0:1:2:3:4:567:89ab\n",
     0},
    {"of a network: no address", QUERY("0001") "[2.0.192.in-addr.arpa] 0002 0001",
     "dns.query domain-name 2.0.192.in-addr.arpa\n", 0},
    {"an update: zone, what is added, what is deleted; not its key",
     "0001 2800 0001 0000 0003 0001 [example] 0006 0001"
     "(new) c00c" RECORD("0001", "0004") "c0000207"
                                         "(old) c00c 0001 00ff 00000000 0000"
                                         "(one) c00c 0001 00fe 00000000 0004 c0000208"
                                         "[key.name] 00fa 00ff 00000000 0000",
     "dns.query domain-name example\ndns.answer domain-name new.example\ndns.answer ipv4-addr 192.0.2.7\n"
     "dns.answer domain-name old.example\ndns.answer domain-name one.example\ndns.answer ipv4-addr 192.0.2.8\n",
     0},
    {"LLMNR (RFC 4795, 2.1.1): a conflict's bit", "0001 0400 0001 0000 0000 0000 [host]" A_IN,
     "dns.query domain-name host\n", 0},
    {"cut short (TC), read as far as it goes",
     "0001 8380 0001 0002 0000 0000 [a.example]" A_IN "c00c" RECORD("0001", "0004") "c0000207",
     "dns.query domain-name a.example\ndns.answer ipv4-addr 192.0.2.7\n", 1},
    {"an owner once, and not the name asked",
     ANSWER("0001", "0003") "[a.example]" A_IN "c00c" RECORD("0001", "0004") "c0000201 (b) c00c" RECORD(
         "0001", "0004") "c0000202 (b) c00c" RECORD("0001", "0004") "c0000203",
     "dns.query domain-name a.example\ndns.answer ipv4-addr 192.0.2.1\ndns.answer domain-name b.a.example\n"
     "dns.answer ipv4-addr 192.0.2.2\ndns.answer ipv4-addr 192.0.2.3\n",
     0},

    /* what cannot be */
    {"a pointer to itself", ANSWER("0001", "0001") "[a.example]" A_IN "c01b" RECORD("0001", "0004") "c0000207",
     "dns.query domain-name a.example\n", 1},
    {"a pointer forward", ANSWER("0001", "0001") "[a.example]" A_IN "c01d" RECORD("0001", "0004") "c0000207",
     "dns.query domain-name a.example\n", 1},
    {"a pointer beyond the message", ANSWER("0001", "0001") "[a.example]" A_IN "ffff" RECORD("0001", "0004") "c0000207",
     "dns.query domain-name a.example\n", 1},
    {"a loop through labels", ANSWER("0001", "0001") "[a.example]" A_IN "(x) c01b" RECORD("0001", "0004") "c0000207",
     "dns.query domain-name a.example\n", 1},
    {"a loop in record data only",
     NOTICE("0002") "[example]" RECORD("0005", "0002") "c01f c00c" RECORD("0001", "0004") "c0000207",
     "dns.answer domain-name example\ndns.answer ipv4-addr 192.0.2.7\n", 0},
    {"a label of 64", ANSWER("0001", "0001") "[a.example]" A_IN "40", "dns.query domain-name a.example\n", 1},
    {"more records than there are", ANSWER("0001", "ffff") "[a.example]" A_IN "c00c" RECORD("0001", "0004") "c0000207",
     "dns.query domain-name a.example\ndns.answer ipv4-addr 192.0.2.7\n", 1},
    {"data beyond the message", ANSWER("0001", "0001") "[a.example]" A_IN "c00c" RECORD("0001", "0005") "c0000207",
     "dns.query domain-name a.example\n", 1},
};

enum { MESSAGES = sizeof message_cases / sizeof *message_cases };

Test(dns, tells_of_names_and_addresses)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        const struct message_case *c = &message_cases[i];
        struct bytes message = message_of(c->message);
        struct talk t;
        talk_begin(&t);
        talk_datagram(&t, 0, message);
        const char *told = talk_end(&t);
        cr_expect_str_eq(told, c->told, "%s: %s, not %s", c->name, told, c->told);
        cr_expect(t.counts.dns == 1 && t.counts.dns_refused == c->refused, "%s: %d, refused %d", c->name,
                  (int)t.counts.dns, (int)t.counts.dns_refused);
        talk_clear(&t);
        alone_free(message);
    }
}

Test(dns, reads_every_front_of_a_message_as_far_as_it_goes)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        const struct message_case *c = &message_cases[i];
        struct bytes message = message_of(c->message);
        for (size_t len = 0; len < message.len; len++) {
            struct talk t;
            talk_begin(&t);
            talk_datagram(&t, 0, bytes_until(message, len));
            const char *told = talk_end(&t);
            cr_expect_eq(strncmp(told, c->told, strlen(told)), 0, "%s cut to %zu: %s", c->name, len, told);
            talk_clear(&t);
        }
        alone_free(message);
    }
}

Test(dns, reads_names_of_255_octets_and_no_longer)
{
    for (int last = 60; last < 64; last++) { /* 3 * 64 + 1 + last + 1 octets */
        struct buffer b = {.at = NULL};
        struct bytes head = message_of(QUERY("0001"));
        put_bytes(&b, head);
        for (int label = 0; label < 4; label++) {
            int len = label < 3 ? 63 : last;
            put8(&b, (unsigned)len);
            for (int i = 0; i < len; i++)
                put8(&b, 'a');
        }
        put_hex(&b, "00 0001 0001");
        struct talk t;
        talk_begin(&t);
        talk_datagram(&t, 0, buffer_bytes(&b));
        const char *told = talk_end(&t);
        size_t expected = last <= 61 ? strlen("dns.query domain-name \n") + (size_t)(3 * 64 + last) : 0;
        cr_expect_eq(strlen(told), expected, "%d: %zu", last, strlen(told));
        cr_expect_eq(t.counts.dns, last <= 61, "%d", last);
        talk_clear(&t);
        alone_free(head);
        buffer_free(&b);
    }
}

/* What several datagrams of one flow tell together: side, message. */
static const struct {
    const char *name;
    struct {
        int side;
        const char *message;
    } datagram[7];
    const char *told;
} exchange_cases[] = {
    {"the answer repeats the question",
     {{0, QUERY("0007") "[a.example]" A_IN}, {1, ANSWER("0007", "0000") "[a.example]" A_IN}},
     "dns.query domain-name a.example\n"},
    {"in other case",
     {{0, QUERY("0007") "[a.example]" A_IN}, {1, ANSWER("0007", "0000") "[A.EXAMPLE]" A_IN}},
     "dns.query domain-name a.example\n"},
    {"the answer alone", {{1, ANSWER("0007", "0000") "[a.example]" A_IN}}, "dns.query domain-name a.example\n"},
    {"an answer to another question",
     {{0, QUERY("0007") "[a.example]" A_IN}, {1, ANSWER("0008", "0000") "[a.example]" A_IN}},
     "dns.query domain-name a.example\ndns.query domain-name a.example\n"},
    {"an answer of another name",
     {{0, QUERY("0007") "[a.example]" A_IN}, {1, ANSWER("0007", "0000") "[b.example]" A_IN}},
     "dns.query domain-name a.example\ndns.query domain-name b.example\n"},
    {"A and AAAA at a time",
     {{0, QUERY("0007") "[a.example]" A_IN},
      {0, QUERY("0008") "[a.example] 001c 0001"},
      {1, ANSWER("0008", "0000") "[a.example] 001c 0001"},
      {1, ANSWER("0007", "0000") "[a.example]" A_IN}},
     "dns.query domain-name a.example\ndns.query domain-name a.example\n"},
    {"asked once, answered twice",
     {{0, QUERY("0007") "[a.example]" A_IN},
      {1, ANSWER("0007", "0000") "[a.example]" A_IN},
      {1, ANSWER("0007", "0000") "[a.example]" A_IN}},
     "dns.query domain-name a.example\ndns.query domain-name a.example\n"},
    {"asked twice, answered twice",
     {{0, QUERY("0007") "[a.example]" A_IN},
      {0, QUERY("0007") "[a.example]" A_IN},
      {1, ANSWER("0007", "0000") "[a.example]" A_IN},
      {1, ANSWER("0007", "0000") "[a.example]" A_IN}},
     "dns.query domain-name a.example\ndns.query domain-name a.example\n"},
};

Test(dns, tells_of_a_question_once_though_its_answer_repeats_it)
{
    for (size_t i = 0; i < sizeof exchange_cases / sizeof *exchange_cases; i++) {
        struct talk t;
        talk_begin(&t);
        for (int n = 0; n < 7 && exchange_cases[i].datagram[n].message; n++) {
            struct bytes message = message_of(exchange_cases[i].datagram[n].message);
            talk_datagram(&t, exchange_cases[i].datagram[n].side, message);
            alone_free(message);
        }
        const char *told = talk_end(&t);
        cr_expect_str_eq(told, exchange_cases[i].told, "%s: %s", exchange_cases[i].name, told);
        talk_clear(&t);
    }
}

static struct bytes framed(const char *const *messages, size_t count)
{
    struct buffer b = {.at = NULL};
    for (size_t i = 0; i < count; i++) {
        struct bytes message = message_of(messages[i]);
        put16(&b, (unsigned)message.len);
        put_bytes(&b, message);
        alone_free(message);
    }
    struct bytes stream = alone(buffer_bytes(&b));
    buffer_free(&b);
    return stream;
}

static const char *const on_tcp[] = {
    QUERY("0001") "[www.bad.example]" A_IN, QUERY("0002") "00 0002 0001", QUERY("0003") "[b.example]" A_IN,
    ANSWER("0004", "0001") "[c.example]" A_IN "c00c" RECORD("0001", "0004") "c0000207"};
static const char on_tcp_told[] =
    "dns.query domain-name www.bad.example\ndns.query domain-name b.example\ndns.query domain-name c.example\n"
    "dns.answer ipv4-addr 192.0.2.7\n";

Test(dns, reads_messages_on_tcp_split_anywhere)
{
    struct bytes stream = framed(on_tcp, 4);
    struct talk t;
    for (size_t cut = 0; cut <= stream.len; cut++) {
        const char *told = talk_cut(&t, stream, cut);
        cr_expect_str_eq(told, on_tcp_told, "cut at %zu: %s", cut, told);
        talk_clear(&t);
    }
    for (size_t piece = 1; piece < 40; piece++) {
        const char *told = talk_pieces(&t, stream, piece);
        cr_expect_str_eq(told, on_tcp_told, "pieces of %zu: %s", piece, told);
        cr_expect(t.counts.dns == 4 && t.counts.dns_refused == 0);
        talk_clear(&t);
    }
    alone_free(stream);
}

Test(dns, reads_the_rest_of_a_message_on_tcp_that_never_ends)
{
    struct bytes stream = framed(&on_tcp[3], 1);
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 0, bytes_until(stream, stream.len - 1), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), "dns.query domain-name c.example\n");
    cr_expect_eq(t.counts.dns_refused, 1);
    talk_clear(&t);
    alone_free(stream);
}

/* Datagrams that are none of DNS's. */
static const struct {
    const char *name;
    const char *hex;
} other_cases[] = {
    {"NTP request", "1b 00 00 00 00000000 00000000 00000000 0000000000000000 0000000000000000 0000000000000000 "
                    "e8f1a2b300000000"},
    {"NTP request, v4", "23 00 06 ec 00000000 00000000 00000000 0000000000000000 0000000000000000 0000000000000000 "
                        "e8f1a2b3c4d5e6f7"},
    {"NTP answer", "24 01 03 ec 00000000 00000014 47505300 e8f1a2b000000000 e8f1a2b3c4d5e6f7 e8f1a2b3c4e00000 "
                   "e8f1a2b3c4e10000"},
    {"NTP answer, stratum 2", "24 02 06 e9 00000155 00000397 c0000201 e8f1a1b012345678 e8f1a2b3c4d5e6f7 "
                              "e8f1a2b3c4e00000 e8f1a2b3c4e10000"},
    {"QUIC initial", "c3 00000001 08 8394c8f03e515708 00 00449e 7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936"},
    {"QUIC initial, no ids", "c0 00000001 00 00 00 4100 7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec"},
    {"QUIC version negotiation", "80 00000000 00 08 8394c8f03e515708 00000001 6b3343cf"},
    {"QUIC short header", "40 8394c8f03e515708 0001020304050607 08090a0b0c0d0e0f 1011121314151617"},
    {"RTP", "80 00 0001 000000a0 12345678 ffffffffffffffffffffffffffffffffffffffff"},
    {"RTP, silence", "80 08 0002 00000140 00000001 d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5"},
    {"STUN", "0001 0000 2112a442 000102030405060708090a0b"},
    {"SSDP", "4d2d534541524348202a20485454502f312e310d0a"},
    {"zeros", "000000000000000000000000000000000000000000000000000000000000000000000000"},
    {"ones", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
    {"WireGuard", "01000000 12345678 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"},
    {"OpenVPN", "38 0102030405060708 00 00000000"},
    {"SIP keep-alive", "0d0a0d0a"},
    {"DHCP", "01010600 3903f326 00000000 00000000 00000000 00000000 00000000 000b8201fc42"},
    {"SNMP", "302902010104067075626c6963a01c020426f6f4d5020100020100300e300c06082b060102010101000500"},
    {"NetBIOS name", "0001 0110 0001 0000 0000 0000 [EHEPELEPCACACACACACACACACACACAAA] 0020 0001"},
    {"NetBIOS status", "0001 0000 0001 0000 0000 0000 [CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA] 0021 0001"},
    {"an update's bits, no DNS", "0001 4840 0001 0000 0000 0000 0161 00 0001 0001"},
};

Test(dns, is_not_seen_in_other_protocols)
{
    for (size_t i = 0; i < sizeof other_cases / sizeof *other_cases; i++) {
        struct bytes octets = message_of(other_cases[i].hex);
        cr_expect_eq(dissector_dns.probe(octets, DISSECT_UDP), PROBE_NO, "%s", other_cases[i].name);
        alone_free(octets);
    }
}

/* 4 of 10^5 pass the test of the counts, and few of them that of the name: none may be expected. */
Test(dns, is_not_seen_in_random_datagrams)
{
    uint64_t state = 20261123;
    unsigned taken = 0;
    for (int round = 0; round < 100000; round++) {
        uint8_t octets[256];
        size_t len = 12 + dice(&state, sizeof octets - 12);
        for (size_t i = 0; i < len; i++)
            octets[i] = (uint8_t)dice(&state, 256);
        taken += dissector_dns.probe(bytes_of(octets, len), DISSECT_UDP) == PROBE_YES;
    }
    cr_expect_leq(taken, 1, "%u of 100000", taken);
}

/* RTP: a version, a payload type, numbers that count, and speech. */
Test(dns, is_not_seen_in_speech)
{
    uint64_t state = 9;
    unsigned taken = 0;
    for (uint32_t round = 0; round < 100000; round++) {
        struct buffer b = {.at = NULL};
        put16(&b, 0x8000 | dice(&state, 2) << 7 | dice(&state, 35));
        put16(&b, dice(&state, 65536));
        put32(&b, dice(&state, 8) ? dice(&state, UINT32_MAX) : 160 * round);
        put32(&b, dice(&state, UINT32_MAX));
        for (int i = 0; i < 60; i++)
            put8(&b, dice(&state, 4) ? dice(&state, 256) : 0);
        taken += dissector_dns.probe(buffer_bytes(&b), DISSECT_UDP) == PROBE_YES;
        buffer_free(&b);
    }
    cr_expect_leq(taken, 1, "%u of 100000", taken);
}
