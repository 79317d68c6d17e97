#include "hear.h"

Test(dissect, has_a_table_of_protocols_with_names_of_their_own)
{
    size_t count = 0;
    for (; dissectors[count]; count++) {
        const struct dissector *d = dissectors[count];
        cr_expect(d->name && d->probe && d->transports);
        cr_expect(!(d->transports & DISSECT_TCP) || d->stream, "%s", d->name);
        cr_expect(!(d->transports & DISSECT_UDP) || d->datagram, "%s", d->name);
        for (size_t i = 0; i < count; i++)
            cr_expect_str_neq(dissectors[i]->name, d->name);
    }
    cr_expect_gt(count, 0);
}

/* No two protocols may claim the same begin, and nobody may wait for ever. */
Test(dissect, knows_its_own_within_a_bound)
{
    uint64_t state = 19;
    unsigned waiting = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t head[DISSECT_PROBE_MAX];
        for (size_t i = 0; i < sizeof head; i++)
            head[i] = (uint8_t)dice(&state, round % 2 ? 256 : 128);
        struct talk t;
        talk_begin(&t);
        talk_stream(&t, 0, bytes_of(head, sizeof head), 1 + dice(&state, sizeof head));
        waiting += !t.flow.is && !t.flow.side[0].strange;
        talk_end(&t);
        talk_clear(&t);
    }
    cr_expect_eq(waiting, 0);
}

Test(dissect, gives_up_a_side_that_speaks_nothing_known)
{
    struct talk t;
    talk_begin(&t);
    talk_stream(&t, 0,
                bytes_text("NICK lookout\r\nUSER lookout 0 * :lookout\r\n and a lot more, so that all must know\n"),
                SIZE_MAX);
    cr_expect(!t.flow.side[0].off && !t.flow.side[1].off && !t.flow.side[0].pending);
    static const uint8_t more[DISSECT_STRANGE_MAX];
    talk_stream(&t, 0, bytes_of(more, sizeof more), 1000);
    cr_expect(t.flow.side[0].off && !t.flow.side[1].off && !t.flow.side[0].pending);
    cr_expect(dissect_wants_stream(&t.flow) && !dissect_is_encrypted(&t.flow));
    talk_stream(&t, 1, bytes_of(more, sizeof more), SIZE_MAX);
    cr_expect(!dissect_wants_stream(&t.flow));
    cr_expect_str_eq(talk_end(&t), "");
    talk_clear(&t);
}

/* A record of a client hello for a.example (RFC 8446, 4.1.2), as it comes behind STARTTLS or SOCKS. */
Test(dissect, finds_encryption_behind_what_is_nothing_known)
{
    struct buffer hello = {.at = NULL};
    put_hex(&hello, "16 0301 0041 01 00003d 0303 0000000000000000000000000000000000000000000000000000000000000000 00");
    put_hex(&hello, "0002 1301 01 00 0012 0000 000e 000c 00 0009 612e6578616d706c65");
    static const char *const first[] = {
        "\6\1", "NICK a\r\n", "\0\0\0\10\4\322\26/",
        "NICK lookout\r\nUSER lookout 0 * :lookout\r\n and more than all need to know\n"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        struct talk t;
        talk_begin(&t);
        for (int n = 0; n < 3; n++) {
            talk_stream(&t, 0, bytes_of(first[i], i == 2 ? 8 : strlen(first[i])), SIZE_MAX);
            talk_stream(&t, 1, bytes_text("S"), SIZE_MAX);
        }
        talk_stream(&t, 0, bytes_text("GET / HTTP/1.1\r\nHost: not.the.begin.example\r\n\r\n"), SIZE_MAX);
        talk_stream(&t, 0, buffer_bytes(&hello), SIZE_MAX);
        const char *told = talk_end(&t);
        cr_expect(strstr(told, "tls.sni domain-name a.example\n"), "%zu: %s", i, told);
        cr_expect(dissect_is_encrypted(&t.flow) && t.budget.held == 0, "%zu", i);
        talk_clear(&t);
    }
    buffer_free(&hello);
}

Test(dissect, knows_a_datagram_after_others_that_are_nothing_known)
{
    struct bytes query = bytes_of("\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1", 27);
    for (int before = 0; before < 6; before++) {
        struct talk t;
        talk_begin(&t);
        for (int i = 0; i < before; i++)
            talk_datagram(&t, 0, bytes_text("nothing of ours"));
        talk_datagram(&t, 0, query);
        cr_expect_str_eq(talk_end(&t), "dns.query domain-name a.example\n", "%d before", before);
        talk_clear(&t);
    }
}

Test(dissect, waits_behind_a_hole_for_a_begin)
{
    struct talk t;
    talk_begin(&t);
    talk_gap(&t, 0, bytes_text("half a line\r\nGET /not HTTP/1.1\r\n\r\n"));
    talk_stream(&t, 0, bytes_text("something else"), SIZE_MAX);
    talk_stream(&t, 0, bytes_text("GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n"), SIZE_MAX);
    cr_expect_str_eq(talk_end(&t), "http.url url http://bad.example/\nhttp.host domain-name bad.example\n");
    talk_clear(&t);
}

/* What a host field gives: a name or an address, whatever port stands behind it. */
static const struct {
    const char *host;
    const char *told; /* empty: refused */
} host_cases[] = {
    {"bad.example", "domain-name bad.example"},
    {"Bad.Example.", "domain-name bad.example"},
    {"bad.example:8080", "domain-name bad.example"},
    {"bad.example:", "domain-name bad.example"},
    {"192.0.2.7", "ipv4-addr 192.0.2.7"},
    {"192.0.2.7:80", "ipv4-addr 192.0.2.7"},
    {"2001:db8::7", "ipv6-addr 2001:db8::7"},
    {"[2001:db8::7]", "ipv6-addr 2001:db8::7"},
    {"[2001:db8::7]:80", "ipv6-addr 2001:db8::7"},
    {"[2001:db8::7", "ipv6-addr 2001:db8::7"},
    {"::ffff:192.0.2.7", "ipv4-addr 192.0.2.7"},
    {"[64:ff9b::192.0.2.7]", "ipv4-addr 192.0.2.7"},
    {"b\xc3\xbc"
     "cher.example",
     "domain-name xn--bcher-kva.example"},
    {"", ""},
    {"[", ""},
    {"[]", ""},
    {"]", "domain-name ]"},
    {":", ""},
    {":80", ""},
    {"::", "ipv6-addr ::"},
    {"bad example", ""},
    {"bad..example", ""},
};

Test(dissect, tells_a_host_without_its_port)
{
    for (size_t i = 0; i < sizeof host_cases / sizeof *host_cases; i++) {
        struct bytes host = alone(bytes_text(host_cases[i].host));
        struct talk t;
        char expected[128] = "";
        talk_begin(&t);
        struct dissection d = talk_moment(&t, 0);
        dissect_host(&d, WHERE_HTTP_HOST, host);
        if (host_cases[i].told[0])
            snprintf(expected, sizeof expected, "http.host %s\n", host_cases[i].told);
        const char *told = talk_end(&t);
        cr_expect_str_eq(told, expected, "%s: %s", host_cases[i].host, told);
        cr_expect_eq(t.counts.values_refused, !host_cases[i].told[0], "%s", host_cases[i].host);
        talk_clear(&t);
        alone_free(host);
    }
}

Test(dissect, tells_values_in_their_canonical_form)
{
    struct talk t;
    talk_begin(&t);
    struct dissection d = talk_moment(&t, 0);
    struct address mapped = address_of("64:ff9b::c000:207");
    struct bytes none = bytes_of(NULL, 0);
    dissect_name(&d, WHERE_TLS_SNI, bytes_text("WWW.Example"), none, true);
    dissect_address(&d, WHERE_DNS_ANSWER, &mapped, none);
    dissect_endpoint(&d, WHERE_IP_DST, &mapped, 443, none);
    dissect_url(&d, WHERE_HTTP_URL, bytes_text("HTTP://Example:80/%7ea"), none, true);
    dissect_url(&d, WHERE_HTTP_REFERER, bytes_text("http://example/b"), none, false);
    dissect_text(&d, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, bytes_text(" curl/8 "));
    dissect_text(&d, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, bytes_text("  "));
    dissect_url(&d, WHERE_HTTP_URL, bytes_text("http:///"), none, true);
    cr_expect_str_eq(talk_end(&t), "tls.sni domain-name www.example ech\ndns.answer ipv4-addr 192.0.2.7\n"
                                   "ip.dst ip-port 192.0.2.7:443\nhttp.url url http://example/~a\n"
                                   "http.url domain-name example\nhttp.referer url http://example/b\n"
                                   "http.user_agent user-agent curl/8\n");
    cr_expect_eq(t.counts.values_refused, 2);
    talk_clear(&t);
}

Test(dissect, reads_a_message_as_far_as_it_goes_when_the_budget_is_spent)
{
    struct talk t;
    talk_begin(&t);
    t.budget.max = 600; /* what is gathered at first fits, its double does not */
    char head[1000];
    memset(head, 'x', sizeof head);
    static const char begin[] = "GET /a HTTP/1.1\r\nHost: bad.example\r\nX: ";
    memcpy(head, begin, sizeof begin - 1);
    talk_stream(&t, 0, bytes_of(head, sizeof head), 300);
    cr_expect_eq(t.counts.pending_full, 1);
    cr_expect_eq(t.budget.held, 0);
    cr_expect(t.flow.side[0].off);
    cr_expect_str_eq(talk_end(&t), "http.url url http://bad.example/a\nhttp.host domain-name bad.example\n");
    talk_clear(&t);
}

/* A text of every protocol, its octets changed and cut, in pieces of any size: nothing is read beyond a piece. */
Test(dissect, reads_whatever_comes)
{
    static const char *const begins[] = {
        "GET / HTTP/1.1\r\nHost: bad.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        "POST http://a.example/b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcCONNECT b.example:443 HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x01\x20\x01\x01\x01\x1c\x03\x03"
        "0123456789abcdef0123456789abcdef\x04"
        "1234",
        "\x01\x10\x12\x34\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
        "a\x07"
        "example\x01\x01\x01\x01\x01",
    };
    uint64_t state = 23;
    for (int round = 0; round < 20000; round++) {
        char text[256];
        size_t len = (size_t)snprintf(text, sizeof text, "%s%s", begins[dice(&state, 4)], begins[dice(&state, 4)]);
        len = len < sizeof text ? len : sizeof text - 1;
        for (uint32_t n = dice(&state, 6); n-- > 0;)
            text[dice(&state, (uint32_t)len)] = (char)dice(&state, 256);
        struct talk t;
        talk_begin(&t);
        for (struct bytes rest = bytes_of(text, len); rest.len;) {
            size_t piece = 1 + dice(&state, (uint32_t)rest.len);
            if (dice(&state, 8))
                talk_stream(&t, (int)dice(&state, 5) == 0, bytes_until(rest, piece), SIZE_MAX);
            else
                talk_gap(&t, (int)dice(&state, 5) == 0, bytes_until(rest, piece));
            rest = bytes_from(rest, piece);
        }
        talk_end(&t);
        cr_assert(!t.flow.side[0].pending && !t.flow.side[1].pending);
        cr_assert_eq(t.budget.held, 0);
        talk_clear(&t);
        talk_begin(&t);
        for (int i = 0; i < 3; i++)
            talk_datagram(&t, 0, bytes_of(text, 1 + dice(&state, (uint32_t)len)));
        talk_end(&t);
        talk_clear(&t);
    }
}
