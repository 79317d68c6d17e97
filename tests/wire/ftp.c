#include "hear.h"

/* abc, of which FIPS 180-2 tells the digest (B.1) */
#define ABC "file.hash sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"

/* A control connection between 192.0.2.1:40000 and 198.51.100.2:21, what is said on it (> client, < server), and a data
 * connection that abc comes by. */
static const struct {
    const char *name;
    const char *said;
    const char *src;
    const char *dst;
    uint16_t src_port, dst_port;
    int sender;
    const char *told;
} cases[] = {
    {"passive, fetched",
     "<220 (vsFTPd 3.0)\n>USER a\n<331 b\n>PASV\n<227 Entering Passive Mode (198,51,100,2,31,144).\n>RETR dir/a.exe\n",
     "192.0.2.1", "198.51.100.2", 50000, 8080, 1, "file.name file-name a.exe\n" ABC},
    {"passive, behind a NAT, no greeting seen",
     ">USER a\n<331 b\n>PASV\n<227 Entering Passive Mode 10,0,0,7,31,144\n>STOR a.exe\n", "192.0.2.1", "198.51.100.2",
     50000, 8080, 0, "file.name file-name a.exe\n" ABC},
    {"extended passive", "<220 FTP\n>EPSV\n<229 Entering Extended Passive Mode (|||8080|)\n>RETR a.exe\n", "192.0.2.1",
     "198.51.100.2", 50000, 8080, 1, "file.name file-name a.exe\n" ABC},
    {"active", "<220 FTP\n>PORT 192,0,2,1,31,144\n<200 ok\n>APPE a.exe\n", "198.51.100.2", "192.0.2.1", 20, 8080, 1,
     "ftp.command ipv4-addr 192.0.2.1\nftp.command ip-port 192.0.2.1:8080\nfile.name file-name a.exe\n" ABC},
    {"extended active, to someone else", "<220 FTP\n>EPRT |2|2001:db8::7|8080|\n>RETR a.exe\n", "192.0.2.1",
     "198.51.100.2", 5, 9, 1,
     "ftp.command ipv6-addr 2001:db8::7\nftp.command ip-port [2001:db8::7]:8080\nfile.name file-name a.exe\n"},
    {"a listing is no file", "<220 FTP\n>PASV\n<227 x (198,51,100,2,31,144)\n>LIST\n", "192.0.2.1", "198.51.100.2",
     50000, 8080, 1, ""},
    {"another port", "<220 FTP\n>PASV\n<227 x (198,51,100,2,31,144)\n>RETR a\n", "192.0.2.1", "198.51.100.2", 50000,
     8081, 1, "file.name file-name a\n"},
    {"other commands", "<220 FTP\n>DELE x/b.exe\n>RNFR c\n>RNTO d\n>PORT 1,2,3\n>EPRT ||\n<227 (1,2\n<229 (|)\n",
     "192.0.2.1", "198.51.100.2", 50000, 8080, 1,
     "ftp.command file-name x/b.exe\nftp.command file-name c\nftp.command file-name d\n"},
};

static void say(struct talk *t, const char *said)
{
    for (; *said; said += strcspn(said, "\n") + 1) {
        struct buffer b = {.at = NULL};
        buffer_format(&b, "%.*s\r\n", (int)strcspn(said, "\n") - 1, said + 1);
        talk_stream(t, *said == '<', buffer_bytes(&b), SIZE_MAX);
        buffer_free(&b);
    }
}

/* The same shard's other flow. */
static void begin_data(struct talk *t, size_t i)
{
    talk_end(t);
    t->flow = (struct dissect_flow){.is = NULL};
    t->view.tuple = packet_of(PROTO_TCP, cases[i].src, cases[i].src_port, cases[i].dst, cases[i].dst_port).tuple;
}

static void begin(struct talk *t)
{
    talk_begin(t);
    t->view.tuple.dst_port = 21;
    t->hearer.sink.kinds = 1u << OBSERVABLE_SHA256;
}

Test(ftp, tells_of_files_and_their_content)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct talk t;
        begin(&t);
        say(&t, cases[i].said);
        begin_data(&t, i);
        talk_stream(&t, cases[i].sender, bytes_text("abc"), 2);
        struct dissection d = talk_moment(&t, 0);
        d.fin = 3;
        dissect_end(&d);
        const char *told = heard(&t.hearer);
        cr_expect_str_eq(told, cases[i].told, "%s: %s", cases[i].name, told);
        cr_expect_eq(t.budget.held, 0, "%s", cases[i].name);
        talk_clear(&t);
    }
}

Test(ftp, gives_no_digest_of_what_is_cut_or_has_holes)
{
    for (int hole = 0; hole < 2; hole++) {
        struct talk t;
        begin(&t);
        say(&t, cases[0].said);
        begin_data(&t, 0);
        talk_stream(&t, 1, bytes_text("a"), SIZE_MAX);
        if (hole)
            talk_gap(&t, 1, bytes_text("c"));
        else
            talk_stream(&t, 1, bytes_text("bc"), SIZE_MAX);
        struct dissection d = talk_moment(&t, 0);
        d.fin = hole ? 3 : 0;
        dissect_end(&d);
        cr_expect_str_eq(heard(&t.hearer), "file.name file-name a.exe\n", "%d", hole);
        cr_expect_eq(t.counts.files_cut, 1);
        talk_clear(&t);
    }
}

Test(ftp, awaits_the_last_connections_that_were_announced)
{
    struct talk t;
    begin(&t);
    say(&t, "<220 FTP\n");
    for (int i = 0; i < 3 * DISSECT_AWAITED; i++)
        say(&t, ">PORT 192,0,2,1,31,1\n>RETR a\n");
    cr_expect_eq(t.budget.awaited_count, DISSECT_AWAITED);
    talk_end(&t);
    talk_clear(&t);
}

static const struct {
    const char *head;
    enum probe verdict;
} probes[] = {
    {"220 mx ESMTP\r\n", PROBE_NO},
    {"220 ProFTPD\r\n", PROBE_YES},
    {"220-hello\r\n220 FTP\r\n", PROBE_NO},
    {"USER a 0 * :b\r\n", PROBE_NO},
    {"user a\r\n", PROBE_YES},
    {"USE", PROBE_MORE},
    {"AUTH TLS\r\n", PROBE_YES},
    {"AUTH PLAIN\r\n", PROBE_NO},
    {"227 x\r\n", PROBE_YES},
    {"22", PROBE_MORE},
    {"GET / HTTP/1.1\r\n", PROBE_NO},
    {"230 x", PROBE_NO},
};

Test(ftp, is_known_by_its_begin)
{
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        cr_expect_eq(dissector_ftp.probe(bytes_text(probes[i].head), DISSECT_TCP), probes[i].verdict, "%s",
                     probes[i].head);
}
