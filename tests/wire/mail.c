#include "hear.h"

#include "wire/mail.h"

/* What a message tells, read in pieces of every size up to its own. The digests in the cases are those that Python's
 * email package and hashlib give for the same text. */
struct mail_case {
    const char *name;
    const char *text;
    const char *told;
};

static const struct mail_case mail_cases[] = {
    {"addresses (RFC 5322, A.1.2 and A.1.3)",
     "From: \"Joe Q. Public\" <john.q.public@example.com>\r\n"
     "To: Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>\r\n"
     "Cc: <boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>\r\n"
     "Reply-To: A Group:Ed Jones <joe@where.test>,John <jdoe@one.test>;\r\n"
     "Bcc: Undisclosed recipients:;\r\nMessage-ID: <5678.21-Nov-1997@example.com>\r\n\r\n",
     "smtp.header email-addr john.q.public@example.com\nsmtp.header email-addr mary@x.test\n"
     "smtp.header email-addr jdoe@example.org\nsmtp.header email-addr one@y.test\nsmtp.header email-addr "
     "boss@nil.test\n"
     "smtp.header email-addr sysservices@example.net\nsmtp.header email-addr joe@where.test\n"
     "smtp.header email-addr jdoe@one.test\n"},
    {"comments and folding (RFC 5322, A.5)",
     "From: Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>\r\nTo:A Group(Some people)\r\n"
     "     :Chris Jones <c@public.example>,\r\n         joe@example.org,\r\n"
     "  John <jdoe@one.test> (my dear friend); (the end of the group)\r\n\r\n",
     "smtp.header email-addr c@public.example\nsmtp.header email-addr joe@example.org\n"
     "smtp.header email-addr jdoe@one.test\n"},
    {"a route (RFC 5322, 4.4)", "Return-Path: <@a.test,@b.test:mary@c.test>\r\nDelivered-To: x@y.test\r\n\r\n",
     "smtp.header email-addr mary@c.test\nsmtp.header email-addr x@y.test\n"},
    {"Received (RFC 5321, 4.4)",
     "Received: from mx.example (rdns.example [192.0.2.7]) (using TLSv1.2 with cipher\r\n"
     "\tx.y (256/256 bits)) by in.example (Postfix) with ESMTPS id 1.2\r\n\tfor <bob@in.example>; Mon, 2 Jan 2023\r\n"
     "Received: from [IPv6:2001:db8::7] (helo=pc.local) by smtp.example; Mon\r\n"
     "X-Originating-IP: [198.51.100.9]\r\n\r\n",
     "smtp.header domain-name mx.example\nsmtp.header domain-name rdns.example\nsmtp.header ipv4-addr 192.0.2.7\n"
     "smtp.header domain-name in.example\nsmtp.header email-addr bob@in.example\nsmtp.header ipv6-addr 2001:db8::7\n"
     "smtp.header domain-name smtp.example\nsmtp.header ipv4-addr 198.51.100.9\n"},
    {"software, and a link in the head",
     "X-Mailer: Bad Mailer 1.0\r\nList-Unsubscribe: <https://l.example/u?a=b>\r\n\r\n",
     "smtp.header user-agent Bad Mailer 1.0\nsmtp.header url https://l.example/u?a=b\n"
     "smtp.header domain-name l.example\n"},
    {"links in text", "Subject: x\r\n\r\nSee (http://a.example/x), <https://b.example>\r\nor HTTP://C.example/(y).\r\n",
     "smtp.body url http://a.example/x\nsmtp.body domain-name a.example\nsmtp.body url https://b.example/\n"
     "smtp.body domain-name b.example\nsmtp.body url http://c.example/(y)\nsmtp.body domain-name c.example\n"},
    {"links in HTML, and one in another",
     "Content-Type: text/html\r\n\r\n<a href='http://r.example/?a=1&amp;u=http://t.example/'>x</a>&lt;\r\n",
     "smtp.body url http://r.example/?a=1&u=http://t.example/\nsmtp.body domain-name r.example\n"
     "smtp.body url http://t.example/\nsmtp.body domain-name t.example\n"},
    {"quoted-printable, a soft break within a link",
     "Content-Transfer-Encoding: quoted-printable\r\n\r\nhttp://a.exam=\r\nple/?x=3Dy=20  \r\nz\r\n",
     "smtp.body url http://a.example/?x=y\nsmtp.body domain-name a.example\n"},
    {"base64", "Content-Transfer-Encoding: base64\r\n\r\naHR0cDovL2EuZXhh\r\nbXBsZS94\r\n",
     "smtp.body url http://a.example/x\nsmtp.body domain-name a.example\n"},
    {"an attachment: abc (FIPS 180-2, B.1)",
     "Content-Type: multipart/mixed;\r\n boundary=\"b b\"\r\n\r\npreamble http://no.example\r\n--b b\r\n\r\n"
     "http://yes.example/\r\n--b b  \r\nContent-Type: application/x; name=\"wrong\"\r\n"
     "Content-Disposition: attachment; filename=\"=?utf-8?B?YS5leGU=?=\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
     "YW\r\nJj\r\n--b b--\r\nepilogue http://no.example\r\n",
     "smtp.body url http://yes.example/\nsmtp.body domain-name yes.example\nfile.name file-name a.exe\n"
     "file.hash sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"},
    {"the line end before a delimiter is the delimiter's",
     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment\r\n\r\nabc\r\n--b--\r\n",
     "file.hash sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"},
    {"multiparts in one another, the inner one not closed",
     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
     "--c\r\nContent-Type: image/x\r\n\r\nabc\r\n--b\r\n\r\nhttp://a.example/\r\n--b--\r\n",
     "file.hash sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
     "smtp.body url http://a.example/\nsmtp.body domain-name a.example\n"},
    {"a boundary that begins as another one",
     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n"
     "--bb\r\n\r\nhttp://a.example/\r\n--bb--\r\n--b--\r\n",
     "smtp.body url http://a.example/\nsmtp.body domain-name a.example\n"},
    {"a forwarded message",
     "From: a@b.test\r\nContent-Type: message/rfc822\r\n\r\nFrom: c@d.test\r\n\r\nhttp://a.example/\r\n",
     "smtp.header email-addr a@b.test\nsmtp.header email-addr c@d.test\nsmtp.body url http://a.example/\n"
     "smtp.body domain-name a.example\n"},
    {"one that is encoded, and one that only says so",
     "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
     "RnJvbTogY0BkLnRlc3QNCg0KaHR0cDovL2EuZXhhbXBsZS8N\r\nCg==\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
     "From: e@f.test\r\n\r\n--b--\r\n",
     "smtp.header email-addr c@d.test\nsmtp.body url http://a.example/\nsmtp.body domain-name a.example\n"
     "file.hash sha256 fb3d31b193da920a9121539951bb97b320bd8ba9109853e471f275b079121462\nsmtp.header email-addr "
     "e@f.test\n"},
    {"lines that end with LF alone",
     "From: a@b.test\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhttp://a.example/\n--b--\n",
     "smtp.header email-addr a@b.test\nsmtp.body url http://a.example/\nsmtp.body domain-name a.example\n"},
    {"a multipart without boundary", "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nhttp://a.example/\r\n", ""},
};

static void begin(struct talk *t)
{
    talk_begin(t);
    t->hearer.sink.kinds = 1u << OBSERVABLE_SHA256;
}

static void read_mail(struct talk *t, struct bytes text, size_t piece, bool whole)
{
    begin(t);
    struct dissection d = talk_moment(t, 0);
    struct mail *m = mail_open(&d);
    for (; text.len; text = bytes_from(text, piece)) {
        struct bytes one = alone(bytes_until(text, piece));
        mail_add(&d, m, one);
        alone_free(one);
    }
    mail_close(&d, m, whole);
}

Test(mail, tells_of_what_a_message_names)
{
    for (size_t i = 0; i < sizeof mail_cases / sizeof *mail_cases; i++) {
        const struct mail_case *c = &mail_cases[i];
        for (size_t piece = 1; piece < strlen(c->text) + 5; piece += 1 + piece / 7) {
            struct talk t;
            read_mail(&t, bytes_text(c->text), piece, true);
            const char *told = heard(&t.hearer);
            cr_expect_str_eq(told, c->told, "%s, pieces of %zu: %s", c->name, piece, told);
            cr_expect_eq(t.budget.held, 0, "%s", c->name);
            talk_clear(&t);
        }
    }
}

Test(mail, gives_no_digest_of_what_is_cut)
{
    static const char text[] =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/x\r\n\r\nabc\r\n--b";
    for (int whole = 0; whole < 2; whole++) {
        struct talk t;
        read_mail(&t, bytes_text(text), SIZE_MAX, whole);
        cr_expect_str_eq(heard(&t.hearer),
                         whole ? "file.hash sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
                               : "");
        talk_clear(&t);
    }
}

Test(mail, reads_multiparts_to_a_depth)
{
    struct buffer b = {.at = NULL};
    for (int i = 0; i < MAIL_DEPTH_MAX + 2; i++)
        buffer_format(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
    buffer_text(&b, "\r\nhttp://deep.example/\r\n");
    struct talk t;
    read_mail(&t, buffer_bytes(&b), SIZE_MAX, true);
    cr_expect_str_eq(heard(&t.hearer), "");
    cr_expect_eq(t.counts.mails_deep, 1);
    talk_clear(&t);
    buffer_free(&b);
}

Test(mail, bounds_lines_and_fields)
{
    struct buffer b = {.at = NULL};
    buffer_text(&b, "To: ");
    for (int i = 0; i < 2000; i++)
        buffer_format(&b, "%04d@x.test,%s", i, i % 5 ? "" : "\r\n ");
    buffer_text(&b, "\r\nFrom: a@b.test\r\n\r\n");
    for (int i = 0; i < 20000; i++)
        buffer_char(&b, 'x');
    buffer_text(&b, " http://a.example/\r\n");
    for (size_t piece = 100; piece < 100000; piece *= 9) {
        struct talk t;
        read_mail(&t, buffer_bytes(&b), piece, true);
        const char *told = heard(&t.hearer);
        cr_expect(strstr(told, "0000@x.test") && strstr(told, "a@b.test") && strstr(told, "url http://a.example/\n"));
        cr_expect(!strstr(told, "1999@x.test"));
        talk_clear(&t);
    }
    buffer_free(&b);
}

Test(mail, asks_for_room)
{
    struct talk t;
    begin(&t);
    t.budget.max = 1000;
    struct dissection d = talk_moment(&t, 0);
    cr_expect_null(mail_open(&d));
    mail_add(&d, NULL, bytes_text("x"));
    mail_close(&d, NULL, true);
    cr_expect_eq(t.counts.mails_refused, 1);
    talk_clear(&t);
}

/* ---- the protocols ---- */

/* What two sides say, one line each: > the client's, < the server's. */
struct talk_case {
    const char *name;
    const char *said;
    const char *told;
};

static const struct talk_case talk_cases[] = {
    {"SMTP: the envelope, and a message with a stuffed dot",
     "<220 mx.example ESMTP\n>EHLO [192.0.2.7]\n<250-mx\n<250 DSN\n>MAIL FROM:<a@b.test> SIZE=5\n<250 OK\n"
     ">RCPT TO:<@x:c@d.test>\n<250 OK\n>DATA\n<354 go\n>From: e@f.test\n>\n>..http://a.example/\n>.\n<250 OK\n>QUIT\n",
     "smtp.helo ipv4-addr 192.0.2.7\nsmtp.mail_from email-addr a@b.test\nsmtp.rcpt_to email-addr c@d.test\n"
     "smtp.header email-addr e@f.test\nsmtp.body url http://a.example/\nsmtp.body domain-name a.example\n"},
    {"without a greeting, in other case, without brackets",
     ">helo pc.example\n>mail from: a@b.test\n>rcpt to:c@d.test\n>data\n>Subject: x\n>\n>.\n>mail from:<>\n",
     "smtp.helo domain-name pc.example\nsmtp.mail_from email-addr a@b.test\nsmtp.rcpt_to email-addr c@d.test\n"},
    {"DATA refused",
     ">EHLO a.example\n>DATA\n<554 no\n>RSET\n>MAIL FROM:<a@b.test>\n>DATA\n<554 no\n>MAIL FROM:<c@d.test>\n",
     "smtp.helo domain-name a.example\nsmtp.mail_from email-addr a@b.test\nsmtp.mail_from email-addr c@d.test\n"},
    {"chunks, pipelined",
     ">EHLO a.example\n>MAIL FROM:<a@b.test>\n>BDAT 20\n>From: e@f.test\n>\n>X\n>BDAT 22 LAST\n>Y "
     "http://a.example/\n>Z\n>MAIL FROM:<c@d.test>\n",
     "smtp.helo domain-name a.example\nsmtp.mail_from email-addr a@b.test\nsmtp.header email-addr e@f.test\n"
     "smtp.body url http://a.example/\nsmtp.body domain-name a.example\nsmtp.mail_from email-addr c@d.test\n"},
    {"a message that never ends tells what it has", ">EHLO a.example\n>DATA\n>From: e@f.test\n>\n>http://a.example/",
     "smtp.helo domain-name a.example\nsmtp.header email-addr e@f.test\n"
     "smtp.body url http://a.example/\nsmtp.body domain-name a.example\n"},
    {"STARTTLS refused", ">EHLO a.example\n>STARTTLS\n<454 no\n>MAIL FROM:<a@b.test>\n",
     "smtp.helo domain-name a.example\nsmtp.mail_from email-addr a@b.test\n"},
    {"POP3: listings are passed over, messages read",
     "<+OK ready\n>USER x\n<+OK\n>LIST\n<+OK 2 messages\n<1 120\n<2 200\n<.\n>RETR 1\n<+OK 120 octets\n<From: "
     "a@b.test\n<\n"
     "<..http://a.example/\n<.\n>TOP 2 0\n<+OK\n<From: c@d.test\n<\n<.\n<-ERR no\n",
     "smtp.header email-addr a@b.test\nsmtp.body url http://a.example/\nsmtp.body domain-name a.example\n"
     "smtp.header email-addr c@d.test\n"},
    {"IMAP: what is fetched, what is stored",
     "<* OK IMAP4rev1 ready\n>a1 FETCH 1 BODY[]\n<* 1 FETCH (UID 7 BODY[] {18}\n<From: a@b.test\n<\n<)\n<a1 OK\n"
     "<* 2 FETCH (BODY[1] {16}\n<From: no@b.test\n<)\n<* 3 FETCH (BODY[HEADER.FIELDS (FROM)] {18}\n<From: "
     "c@d.test\n<\n<)\n"
     ">a2 APPEND Sent (\\Seen) {18+}\n>From: e@f.test\n>\n>\n",
     "smtp.header email-addr a@b.test\nsmtp.header email-addr c@d.test\nsmtp.header email-addr e@f.test\n"},
    {"IMAP: a message in pieces",
     "<* OK ready\n<* 1 FETCH (BODY[]<0> {9}\n<From: a@b)\n<* 1 FETCH (BODY[]<9> {9}\n<.test\n<\n<)\n<* 1 FETCH "
     "(BODY[]<0> {18}\n<From: c@d.test\n<\n<)\n",
     "smtp.header email-addr a@b.test\nsmtp.header email-addr c@d.test\n"},
};

static void say(struct talk *t, const char *said, size_t piece)
{
    while (*said) {
        int side = *said == '<';
        struct buffer b = {.at = NULL};
        size_t len = strcspn(said + 1, "\n");
        buffer_add(&b, said + 1, len);
        said += 1 + len;
        if (*said && !(len >= 4 && said[-1] == 'b' && said[-2] == '@')) /* a piece ends so */
            buffer_text(&b, "\r\n");
        said += *said != 0;
        talk_stream(t, side, buffer_bytes(&b), piece);
        buffer_free(&b);
    }
}

Test(mail, tells_of_conversations)
{
    for (size_t i = 0; i < sizeof talk_cases / sizeof *talk_cases; i++)
        for (size_t piece = 1; piece < 60; piece += 6) {
            const struct talk_case *c = &talk_cases[i];
            struct talk t;
            begin(&t);
            say(&t, c->said, piece);
            const char *told = talk_end(&t);
            cr_expect_str_eq(told, c->told, "%s, pieces of %zu: %s", c->name, piece, told);
            cr_expect_eq(t.budget.held, 0, "%s", c->name);
            talk_clear(&t);
        }
}

/* A record of a client hello for a.example (RFC 8446, 4.1.2). */
Test(mail, hands_over_to_encryption)
{
    static const char *const said[] = {"<220 mx ESMTP\n>EHLO x\n<250 STARTTLS\n>STARTTLS\n<220 go\n",
                                       "<+OK ready\n>STLS\n<+OK go\n", "<* OK ready\n>a1 STARTTLS\n<a1 OK go\n"};
    struct buffer hello = {.at = NULL};
    put_hex(&hello, "16 0301 0041 01 00003d 0303 0000000000000000000000000000000000000000000000000000000000000000 00");
    put_hex(&hello, "0002 1301 01 00 0012 0000 000e 000c 00 0009 612e6578616d706c65");
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct talk t;
        begin(&t);
        say(&t, said[i], SIZE_MAX);
        cr_expect(!dissect_is_encrypted(&t.flow));
        talk_stream(&t, 0, buffer_bytes(&hello), SIZE_MAX);
        cr_expect(dissect_is_encrypted(&t.flow), "%zu", i);
        cr_expect(strstr(talk_end(&t), "tls.sni domain-name a.example\n"));
        talk_clear(&t);
    }
    buffer_free(&hello);
}

/* What is missing is not made up: the message before the hole tells what it told, and no digest. */
Test(mail, gives_up_a_message_with_a_hole)
{
    struct talk t;
    begin(&t);
    say(&t, ">EHLO a.example\n>DATA\n>Content-Type: image/x\n>\n>ab\n", SIZE_MAX);
    talk_gap(&t, 0, bytes_text("c\r\n.\r\n"));
    talk_stream(&t, 0, bytes_text("MAIL FROM:<a@b.test>\r\n"), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), "smtp.helo domain-name a.example\nsmtp.mail_from email-addr a@b.test\n");
    cr_expect_eq(t.counts.files_cut, 1);
    talk_clear(&t);
}
