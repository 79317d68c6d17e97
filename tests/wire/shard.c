#include "hear.h"

#define SECOND INT64_C(1000000000)

static const struct shard_limits limits = {.flows = 100,
                                           .stream_octets = 1 << 20,
                                           .timeouts = {.attempted_ns = 10 * SECOND,
                                                        .datagram_ns = 20 * SECOND,
                                                        .established_ns = 40 * SECOND,
                                                        .closed_ns = 5 * SECOND}};

/* A shard and who hears it: one hearer for each client's port behind the first, so that flows can be told apart. */
enum { CLIENT = 40000, CLIENTS_MAX = 16 };

struct house {
    struct hearer hearer[CLIENTS_MAX];
    struct hearer all; /* everything in one, when `apart` is not set */
    bool apart;
    struct sink sink;
    struct wire_counts counts;
    struct shard *shard;
    char *room;
    uint64_t packet;
};

static const char client_raw[] = "where the client's address stands", server_raw[] = "where the server's stands";

static struct hearer *who(struct house *h, const struct flow_view *flow)
{
    return h->apart ? &h->hearer[flow->tuple.src_port % CLIENTS_MAX] : &h->all;
}

static void on_observable(void *to, struct flow_view *flow, const struct sighting *at, const struct observable *o)
{
    if (o->where == WHERE_IP_SRC || o->where == WHERE_IP_DST)
        cr_expect(bytes_equal(o->raw, bytes_text(o->where == WHERE_IP_SRC ? client_raw : server_raw)));
    hear_observable(who(to, flow), flow, at, o);
}

static void on_payload(void *to, struct flow_view *flow, const struct sighting *at, int side, struct bytes octets,
                       bool gap)
{
    hear_payload(who(to, flow), flow, at, side, octets, gap);
}

static void on_payload_end(void *to, struct flow_view *flow, const struct sighting *at)
{
    hear_payload_end(who(to, flow), flow, at);
}

static void on_flow_end(void *to, struct flow_view *flow)
{
    hear_flow_end(who(to, flow), flow);
}

static void house_open(struct house *h, const struct shard_limits *with)
{
    *h = (struct house){.sink = {h, on_observable, on_payload, on_payload_end, on_flow_end}};
    h->room = malloc(DISSECT_PENDING_MAX);
    h->shard = shard_new(with, &h->sink, &h->counts, h->room);
}

static void house_close(struct house *h)
{
    shard_free(h->shard);
    buffer_free(&h->all.told);
    for (int i = 0; i < CLIENTS_MAX; i++)
        buffer_free(&h->hearer[i].told);
    free(h->room);
}

/* A packet between 192.0.2.1, port CLIENT + flow, and 198.51.100.2:80. */
struct event {
    int second;
    char way; /* '>' from the client, '<' from the server, '\0' behind the last */
    int flow;
    const char *flags; /* of TCP; "udp", "icmp" */
    uint32_t seq, ack;
    const char *text;
    uint32_t cut;
};

static void house_sees(struct house *h, const struct event *e)
{
    bool udp = strcmp(e->flags, "udp") == 0, icmp = strcmp(e->flags, "icmp") == 0;
    struct packet p = packet_of(udp    ? PROTO_UDP
                                : icmp ? PROTO_ICMP
                                       : PROTO_TCP,
                                "192.0.2.1", icmp ? 8 : (uint16_t)(CLIENT + e->flow), "198.51.100.2", icmp ? 0 : 80);
    if (e->way == '<')
        p = packet_back(&p);
    if (icmp) {
        p.tuple.src_port = e->way == '<' ? 0 : 8;
        p.tuple.dst_port = 0;
    }
    for (const char *f = udp || icmp ? "" : e->flags; *f; f++)
        p.tcp_flags |= (uint8_t)(1 << (strchr("FSRPAU", *f) - "FSRPAU"));
    p.src_raw = bytes_text(e->way == '<' ? server_raw : client_raw);
    p.dst_raw = bytes_text(e->way == '<' ? client_raw : server_raw);
    p.tcp_seq = e->seq;
    p.tcp_ack = e->ack;
    struct bytes octets = alone(bytes_text(e->text));
    p.payload = octets;
    p.payload_len = (uint32_t)octets.len + e->cut;
    struct sighting at = {
        .time_ns = e->second * SECOND, .clock_ns = e->second * SECOND, .packet = ++h->packet, .frame = octets};
    shard_packet(h->shard, &p, shard_prefetch(h->shard, &p), &at);
    alone_free(octets);
}

#define CLIENT_0 "ip.src ipv4-addr 192.0.2.1\nip.src ip-port 192.0.2.1:40000\n"
#define CLIENT_1 "ip.src ipv4-addr 192.0.2.1\nip.src ip-port 192.0.2.1:40001\n"
#define SERVER   "ip.dst ipv4-addr 198.51.100.2\nip.dst ip-port 198.51.100.2:80\n"
#define GET      "GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n"
#define GOT      "http.url url http://bad.example/\nhttp.host domain-name bad.example\n"

#define LATE_GOT "late http.url url http://bad.example/\nlate http.host domain-name bad.example\n"

#define CLIENT_0_AGAIN "again ip.src ipv4-addr 192.0.2.1\nagain ip.src ip-port 192.0.2.1:40000\n"
#define SERVER_AGAIN   "again ip.dst ipv4-addr 198.51.100.2\nagain ip.dst ip-port 198.51.100.2:80\n"

enum { EVENTS_MAX = 10 };

#define E0(way, flags, seq, ack, text)                                                                                 \
    {                                                                                                                  \
        0, way, 0, flags, seq, ack, text, 0                                                                            \
    }

static const struct {
    const char *name;
    struct event event[EVENTS_MAX];
    const char *told;
} life_cases[] = {
    {"an attempt", {E0('>', "S", 9, 0, "")}, CLIENT_0 SERVER "plain end\nattempted\n"},
    {"refused", {E0('>', "S", 9, 0, ""), E0('<', "RA", 0, 10, "")}, CLIENT_0 SERVER "plain end\nrefused\n"},
    {"addresses once",
     {E0('>', "S", 9, 0, ""), E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, "")},
     CLIENT_0 SERVER "plain end\nestablished\n"},
    {"the answer first",
     {E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, "")},
     CLIENT_0 SERVER "plain end\nestablished\n"},
    {"a request",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "PA", 10, 6, GET),
      E0('<', "PA", 6, 47, "HTTP/1.1 200 OK\r\n\r\n"), E0('>', "FA", 47, 25, ""), E0('<', "FA", 25, 48, "")},
     CLIENT_0 SERVER GOT "> " GET "\n< HTTP/1.1 200 OK\r\n\r\n\nplain end\nestablished\n"},
    {"in the middle of a connection",
     {E0('>', "PA", 10, 6, GET), E0('<', "A", 6, 47, "")},
     CLIENT_0 SERVER GOT "> " GET "\nplain end\nestablished\n"},
    {"one side only",
     {E0('>', "S", 9, 0, ""), E0('>', "A", 10, 6, ""), E0('>', "PA", 10, 6, GET)},
     CLIENT_0 SERVER GOT "> " GET "\nplain end\none-sided\n"},
    {"out of order",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 26, 6, "Host: bad.example\r\n\r\n"),
      E0('>', "A", 10, 6, "GET / HTTP/1.1\r\n")},
     CLIENT_0 SERVER "> GET / HTTP/1.1\r\n\n" GOT "> Host: bad.example\r\n\r\n\nplain end\nestablished\n"},
    {"data in the SYN",
     {E0('>', "S", 9, 0, GET), E0('<', "SA", 5, 47, "")},
     CLIENT_0 SERVER GOT "> " GET "\nplain end\nestablished\n"},
    {"a reset's text is no payload",
     {E0('>', "S", 9, 0, ""), E0('<', "RA", 0, 10, "no such service")},
     CLIENT_0 SERVER "plain end\nrefused\n"},
    {"lost",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, "abc"), E0('>', "A", 20, 6, "xyz")},
     CLIENT_0 SERVER "> abc\n> ~xyz\nplain end\nestablished\n"},
    {"cut by the snap length",
     {E0('>', "S", 9, 0, ""), {0, '>', 0, "A", 10, 6, "abc", 5}, E0('>', "A", 18, 6, "xyz")},
     CLIENT_0 SERVER "> abc\n> ~xyz\nplain end\none-sided\n"},
    {"a head that never ends",
     {E0('>', "PA", 10, 6, "GET / HTTP/1.1\r\nHost: bad.example\r\n")},
     CLIENT_0 SERVER "> GET / HTTP/1.1\r\nHost: bad.example\r\n\n" LATE_GOT "plain end\none-sided\n"},
    {"a port used again",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, "abc"), E0('>', "S", 7777, 0, ""),
      E0('<', "SA", 8888, 7778, ""), E0('>', "A", 7778, 8889, "def")},
     CLIENT_0 SERVER "> abc\nplain end\nestablished\n" CLIENT_0 SERVER "> def\nplain end\nestablished\n"},
    {"datagrams are texts of their own",
     {E0('>', "udp", 0, 0, "a"), E0('<', "udp", 0, 0, "b"), E0('>', "udp", 0, 0, "c")},
     CLIENT_0 SERVER "> ~a\n< ~b\n> ~c\nplain end\nestablished\n"},
    {"ICMP has no ports",
     {E0('>', "icmp", 0, 0, "ping"), E0('<', "icmp", 0, 0, "pong")},
     "ip.src ipv4-addr 192.0.2.1\nip.dst ipv4-addr 198.51.100.2\n> ~ping\n< ~pong\nplain end\nestablished\n"},
    {"two flows",
     {{0, '>', 0, "S", 9, 0, "", 0}, {0, '>', 1, "S", 9, 0, "", 0}, {0, '<', 0, "RA", 0, 10, "", 0}},
     CLIENT_0 SERVER CLIENT_1 SERVER "plain end\nrefused\nplain end\nattempted\n"},
};

Test(shard, tells_the_life_of_flows)
{
    for (size_t i = 0; i < sizeof life_cases / sizeof *life_cases; i++) {
        struct house h;
        house_open(&h, &limits);
        for (int n = 0; n < EVENTS_MAX && life_cases[i].event[n].way; n++)
            house_sees(&h, &life_cases[i].event[n]);
        shard_end(h.shard);
        cr_expect_str_eq(heard(&h.all), life_cases[i].told, "%s: %s, not %s", life_cases[i].name, heard(&h.all),
                         life_cases[i].told);
        cr_expect_eq(shard_settled_ns(h.shard), INT64_MAX, "%s", life_cases[i].name);
        house_close(&h);
    }
}

/* The front of a client hello, as text without NUL: record, version, length, client hello. */
#define HELLO_FRONT "\x16\x03\x01\x01\x01\x01"

static const struct {
    const char *name;
    struct event event[EVENTS_MAX];
    const char *told;
    uint64_t encrypted;
} secret_cases[] = {
    {"from the first segment",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, HELLO_FRONT), E0('>', "A", 16, 6, "secret"),
      E0('<', "A", 6, 22, "secret too")},
     CLIENT_0 SERVER "plain end\nestablished\n",
     22},
    {"from the moment it is known",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, "\x16\x03\x01"),
      E0('>', "A", 13, 6, "\x01\x01\x01"), E0('<', "A", 6, 22, "secret too")},
     CLIENT_0 SERVER "> \x16\x03\x01\nplain end\nestablished\n",
     13},
    {"what waited is no more plain than the rest",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('<', "A", 9, 16, "secret"),
      E0('>', "A", 10, 6, HELLO_FRONT)},
     CLIENT_0 SERVER "plain end\nestablished\n",
     12},
    {"but before it is plain",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('<', "A", 6, 10, "hello!"),
      E0('>', "A", 10, 12, HELLO_FRONT), E0('<', "A", 12, 16, "secret")},
     CLIENT_0 SERVER "< hello!\nplain end\nestablished\n",
     12},
};

/* Sees `before`, is renewed so often, then sees `after`. */
static const struct {
    const char *name;
    struct event before[EVENTS_MAX];
    int renewals;
    struct event after[EVENTS_MAX];
    const char *told; /* behind the renewal */
} renew_cases[] = {
    {"with the next packet, once",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, "")},
     1,
     {E0('>', "A", 10, 6, ""), E0('<', "A", 6, 10, ""), E0('>', "PA", 10, 6, GET)},
     CLIENT_0_AGAIN SERVER_AGAIN GOT "> " GET "\nplain end\nestablished\n"},
    {"whichever side it comes from",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, "")},
     1,
     {E0('<', "A", 6, 10, ""), E0('>', "A", 10, 6, "")},
     CLIENT_0_AGAIN SERVER_AGAIN "plain end\nestablished\n"},
    {"once, however many renewals",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, "")},
     300,
     {E0('>', "A", 10, 6, ""), E0('>', "A", 10, 6, "")},
     CLIENT_0_AGAIN SERVER_AGAIN "plain end\nestablished\n"},
    {"before what the packet brings",
     {E0('>', "udp", 0, 0, "a")},
     1,
     {E0('<', "udp", 0, 0, "b")},
     CLIENT_0_AGAIN SERVER_AGAIN "< ~b\nplain end\nestablished\n"},
    {"not of a flow that is silent",
     {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 20, 6, "waits")},
     1,
     {{0}},
     "> ~waits\nplain end\nestablished\n"},
    {"ICMP has no ports",
     {E0('>', "icmp", 0, 0, "ping")},
     1,
     {E0('<', "icmp", 0, 0, "pong")},
     "again ip.src ipv4-addr 192.0.2.1\nagain ip.dst ipv4-addr 198.51.100.2\n< ~pong\nplain end\nestablished\n"},
    {"a flow that begins then tells as ever",
     {{0}},
     1,
     {E0('>', "S", 9, 0, ""), E0('>', "S", 9, 0, "")},
     CLIENT_0 SERVER "plain end\nattempted\n"},
    {"and so does one that takes the place of another",
     {E0('>', "S", 9, 0, ""), E0('<', "RA", 0, 10, "")},
     1,
     {E0('>', "S", 7777, 0, "")},
     "plain end\nrefused\n" CLIENT_0 SERVER "plain end\nattempted\n"},
};

Test(shard, tells_addresses_again_after_a_renewal)
{
    for (size_t i = 0; i < sizeof renew_cases / sizeof *renew_cases; i++) {
        struct house h;
        house_open(&h, &limits);
        for (int n = 0; n < EVENTS_MAX && renew_cases[i].before[n].way; n++)
            house_sees(&h, &renew_cases[i].before[n]);
        for (int n = 0; n < renew_cases[i].renewals; n++)
            shard_renew(h.shard);
        size_t before = h.all.told.len;
        for (int n = 0; n < EVENTS_MAX && renew_cases[i].after[n].way; n++)
            house_sees(&h, &renew_cases[i].after[n]);
        shard_end(h.shard);
        cr_expect_str_eq(heard(&h.all) + before, renew_cases[i].told, "%s: %s", renew_cases[i].name,
                         heard(&h.all) + before);
        house_close(&h);
    }
}

Test(shard, hands_on_nothing_once_tls_is_known)
{
    for (size_t i = 0; i < sizeof secret_cases / sizeof *secret_cases; i++) {
        struct house h;
        house_open(&h, &limits);
        for (int n = 0; n < EVENTS_MAX && secret_cases[i].event[n].way; n++)
            house_sees(&h, &secret_cases[i].event[n]);
        shard_end(h.shard);
        cr_expect_str_eq(heard(&h.all), secret_cases[i].told, "%s: %s", secret_cases[i].name, heard(&h.all));
        cr_expect_eq(h.counts.octets_encrypted, secret_cases[i].encrypted, "%s: %d", secret_cases[i].name,
                     (int)h.counts.octets_encrypted);
        house_close(&h);
    }
}

Test(shard, dissects_though_nobody_looks_into_payloads)
{
    struct house h;
    house_open(&h, &limits);
    h.sink.payload = NULL;
    house_sees(&h, &(struct event)E0('>', "PA", 10, 6, GET));
    house_sees(&h, &(struct event)E0('<', "PA", 6, 47, "HTTP/1.1 200 OK\r\n\r\n"));
    house_sees(&h, &(struct event)E0('>', "PA", 47, 25, GET));
    shard_end(h.shard);
    cr_expect_str_eq(heard(&h.all), CLIENT_0 SERVER GOT GOT "plain end\nestablished\n");
    house_close(&h);
}

/* A fragment that waits for others shows its addresses; its octets are told with the datagram. */
Test(shard, tells_the_addresses_of_a_fragment)
{
    struct house h;
    house_open(&h, &limits);
    struct packet p = packet_of(PROTO_UDP, "192.0.2.1", 0, "198.51.100.2", 0);
    struct sighting at = {.packet = 1};
    p.fragment = p.later_fragment = true;
    p.src_raw = bytes_text(client_raw);
    p.dst_raw = bytes_text(server_raw);
    shard_packet(h.shard, &p, shard_prefetch(h.shard, &p), &at);
    shard_end(h.shard);
    cr_expect_str_eq(heard(&h.all),
                     "ip.src ipv4-addr 192.0.2.1\nip.dst ipv4-addr 198.51.100.2\nplain end\none-sided\n");
    house_close(&h);
}

/* An ICMP error of a router, 203.0.113.9, that quotes an event; as decode gives them both. */
static void house_sees_error(struct house *h, const struct event *e, bool refused)
{
    bool udp = strcmp(e->flags, "udp") == 0;
    struct packet quote =
        packet_of(udp ? PROTO_UDP : PROTO_TCP, "192.0.2.1", (uint16_t)(CLIENT + e->flow), "198.51.100.2", 80);
    if (e->way == '<')
        quote = packet_back(&quote);
    quote.quoted = true;
    quote.refused = refused;
    struct sighting at = {.time_ns = e->second * SECOND, .clock_ns = e->second * SECOND, .packet = ++h->packet};
    shard_packet(h->shard, &quote, shard_prefetch(h->shard, &quote), &at);
}

static const struct {
    const char *name;
    struct event before, quoted;
    bool refused;
    struct event after;
    const char *state;
} error_cases[] = {
    {"an attempt", E0('>', "S", 9, 0, ""), E0('>', "S", 0, 0, ""), true, {0}, "refused"},
    {"a datagram", E0('>', "udp", 0, 0, "a"), E0('>', "udp", 0, 0, ""), true, {0}, "refused"},
    {"time exceeded is no refusal", E0('>', "S", 9, 0, ""), E0('>', "S", 0, 0, ""), false, {0}, "attempted"},
    {"of another flow", E0('>', "S", 9, 0, ""), {0, '>', 1, "S", 0, 0, "", 0}, true, {0}, "attempted"},
    {"of what the other side sent", E0('>', "S", 9, 0, ""), E0('<', "S", 0, 0, ""), true, {0}, "attempted"},
    {"but an answer came after all", E0('>', "S", 9, 0, ""), E0('>', "S", 0, 0, ""), true, E0('<', "SA", 5, 10, ""),
     "established"},
};

Test(shard, takes_an_icmp_error_for_a_refusal)
{
    for (size_t i = 0; i < sizeof error_cases / sizeof *error_cases; i++) {
        struct house h;
        house_open(&h, &limits);
        house_sees(&h, &error_cases[i].before);
        house_sees_error(&h, &error_cases[i].quoted, error_cases[i].refused);
        if (error_cases[i].after.way)
            house_sees(&h, &error_cases[i].after);
        size_t before = h.all.told.len;
        shard_end(h.shard);
        const char *told = heard(&h.all) + before;
        told = strncmp(told, "plain end\n", 10) == 0 ? told + 10 : told;
        cr_expect(strncmp(told, error_cases[i].state, strlen(error_cases[i].state)) == 0, "%s: %s", error_cases[i].name,
                  told);
        cr_expect(h.counts.quoted == 1 && h.counts.flows == 1, "%s", error_cases[i].name);
        house_close(&h);
    }
}

/* An established flow stays what it was: errors are forged easily, and a late one says nothing of it. */
Test(shard, does_not_let_an_error_refuse_what_was_answered)
{
    struct house h;
    house_open(&h, &limits);
    house_sees(&h, &(struct event)E0('>', "S", 9, 0, ""));
    house_sees(&h, &(struct event)E0('<', "SA", 5, 10, ""));
    house_sees_error(&h, &(struct event)E0('>', "S", 0, 0, ""), true);
    shard_end(h.shard);
    cr_expect_str_eq(heard(&h.all), CLIENT_0 SERVER "plain end\nestablished\n");
    house_close(&h);
}

/* The error itself is a flow between the router and whom it tells; what it quotes is told as its values. */
Test(shard, tells_what_an_icmp_error_quotes)
{
    static const uint8_t octets[] = {0,    0,    0, 0,                                 /* unused */
                                     0x45, 0,    0, 31, 0,   1,  0,   0, 64, 17, 0, 0, /* IPv4, UDP */
                                     192,  0,    2, 1,  198, 51, 100, 2,               /* addresses */
                                     0x9c, 0x40, 0, 53, 0,   11, 0,   0};              /* ports */
    struct house h;
    house_open(&h, &limits);
    h.sink.payload = NULL;
    struct packet p = packet_of(PROTO_ICMP, "203.0.113.9", 3, "192.0.2.1", 3);
    struct sighting at = {.packet = 1};
    p.src_raw = bytes_text(client_raw);
    p.dst_raw = bytes_text(server_raw);
    p.quotes = true;
    p.payload = bytes_of(octets, sizeof octets);
    p.payload_len = sizeof octets;
    shard_packet(h.shard, &p, shard_prefetch(h.shard, &p), &at);
    shard_end(h.shard);
    cr_expect_str_eq(heard(&h.all), "ip.src ipv4-addr 203.0.113.9\nip.dst ipv4-addr 192.0.2.1\n"
                                    "ip.icmp ipv4-addr 192.0.2.1\nip.icmp ip-port 192.0.2.1:40000\n"
                                    "ip.icmp ipv4-addr 198.51.100.2\nip.icmp ip-port 198.51.100.2:53\n"
                                    "plain end\none-sided\n");
    house_close(&h);
}

Test(shard, ends_flows_at_ticks_of_silence)
{
    struct house h;
    house_open(&h, &limits);
    house_sees(&h, &(struct event){0, '>', 0, "S", 9, 0, "", 0});
    house_sees(&h, &(struct event){0, '<', 0, "SA", 5, 10, "", 0});
    house_sees(&h, &(struct event){0, '>', 1, "S", 9, 0, "", 0});
    cr_expect_str_eq(heard(&h.all), CLIENT_0 SERVER CLIENT_1 SERVER);
    for (int second = 1; second < 30; second++)
        shard_tick(h.shard, second * SECOND);
    cr_expect_str_eq(heard(&h.all), CLIENT_0 SERVER CLIENT_1 SERVER "plain end\nattempted\n");
    for (int second = 30; second < 100; second++)
        shard_tick(h.shard, second * SECOND);
    cr_expect_str_eq(heard(&h.all), CLIENT_0 SERVER CLIENT_1 SERVER "plain end\nattempted\nplain end\nestablished\n");
    shard_end(h.shard);
    house_close(&h);
}

Test(shard, counts_flows_that_gave_way)
{
    struct house h;
    struct shard_limits few = limits;
    few.flows = 2;
    house_open(&h, &few);
    for (int i = 0; i < 5; i++)
        house_sees(&h, &(struct event){0, '>', i, "S", 9, 0, "", 0});
    cr_expect(h.counts.flows == 5 && h.counts.flows_evicted == 3);
    shard_end(h.shard);
    cr_expect_eq(h.counts.flows_evicted, 3);
    house_close(&h);
}

/* What waits is owed from the second it came until it went out. */
Test(shard, knows_since_when_something_waits)
{
    static const struct {
        struct event event;
        int64_t settled_s; /* -1: nothing waits */
    } steps[] = {
        {{1, '>', 0, "S", 9, 0, "", 0}, -1},
        {{2, '<', 0, "SA", 5, 10, "", 0}, -1},
        {{3, '>', 0, "A", 20, 6,
          "a hole before it, and more of the kind than a probe needs to be sure that it is "
          "nothing known",
          0},
         3},
        {{4, '>', 1, "A", 10, 6, "GET / HTTP/1.1\r\n", 0}, 3},
        {{5, '>', 0, "A", 10, 6, "0123456789", 0}, 4},
        {{6, '>', 1, "A", 26, 6, "Host: bad.example\r\n\r\n", 0}, -1},
    };
    struct house h;
    house_open(&h, &limits);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        house_sees(&h, &steps[i].event);
        int64_t settled = shard_settled_ns(h.shard);
        cr_expect_eq(settled, steps[i].settled_s < 0 ? INT64_MAX : steps[i].settled_s * SECOND, "step %zu: %lld", i,
                     (long long)settled);
    }
    shard_end(h.shard);
    house_close(&h);
}

/* Conversations of several clients in any order between them: each is told as if it were alone. */
static const struct event talks[][EVENTS_MAX] = {
    {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "PA", 10, 6, GET),
     E0('<', "PA", 6, 47, "HTTP/1.1 200 OK\r\n\r\n"), E0('>', "FA", 47, 25, ""), E0('<', "FA", 25, 48, ""),
     E0('>', "A", 48, 26, "")},
    {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 26, 6, "Host: bad.example\r\n\r\n"),
     E0('>', "A", 10, 6, "GET / HTTP/1.1\r\n")},
    {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, HELLO_FRONT), E0('>', "A", 16, 6, "secret"),
     E0('<', "A", 6, 22, "secret too")},
    {E0('>', "S", 9, 0, ""), E0('<', "RA", 0, 10, "")},
    {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, "abc"), E0('>', "A", 20, 6, "lost before")},
    {E0('>', "udp", 0, 0, "a"), E0('<', "udp", 0, 0, "b")},
    {E0('>', "S", 9, 0, ""), E0('<', "SA", 5, 10, ""), E0('>', "A", 10, 6, "abc"), E0('>', "S", 7777, 0, ""),
     E0('>', "A", 7778, 1, "def")},
    {E0('>', "PA", 10, 6, "GET / HTTP/1.1\r\nHost: bad.exam"), E0('<', "A", 6, 40, "")},
};

enum { TALKS = sizeof talks / sizeof *talks };

static int talk_len(int talk)
{
    int n = 0;
    while (n < EVENTS_MAX && talks[talk][n].way)
        n++;
    return n;
}

Test(shard, tells_each_flow_the_same_whatever_passes_between)
{
    struct house one_by_one;
    house_open(&one_by_one, &limits);
    one_by_one.apart = true;
    for (int talk = 0; talk < TALKS; talk++)
        for (int n = 0; n < talk_len(talk); n++) {
            struct event e = talks[talk][n];
            e.flow = talk;
            house_sees(&one_by_one, &e);
        }
    shard_end(one_by_one.shard);
    uint64_t state = 20261124;
    for (int round = 0; round < 300; round++) {
        struct house h;
        int at[TALKS] = {0}, left = TALKS;
        house_open(&h, &limits);
        h.apart = true;
        while (left) {
            int talk = (int)dice(&state, TALKS);
            if (at[talk] == talk_len(talk))
                continue;
            struct event e = talks[talk][at[talk]++];
            e.flow = talk;
            house_sees(&h, &e);
            left -= at[talk] == talk_len(talk);
        }
        shard_end(h.shard);
        for (int talk = 0; talk < TALKS; talk++) {
            struct hearer *mine = &h.hearer[(CLIENT + talk) % CLIENTS_MAX];
            struct hearer *alone_told = &one_by_one.hearer[(CLIENT + talk) % CLIENTS_MAX];
            cr_assert_gt(alone_told->told.len, 0);
            cr_assert_str_eq(heard(mine), heard(alone_told), "talk %d: %s, not %s", talk, heard(mine),
                             heard(alone_told));
        }
        cr_assert_eq(memcmp(&h.counts, &one_by_one.counts, sizeof h.counts), 0, "the counts are the same too");
        house_close(&h);
    }
    house_close(&one_by_one);
}

Test(shard, is_the_same_for_both_directions_and_all_ports)
{
    unsigned flows[SHARDS] = {0};
    uint64_t state = 17;
    for (int i = 0; i < SHARDS * 100; i++) {
        struct packet p = packet_of(PROTO_TCP, "10.0.0.0", (uint16_t)dice(&state, 65536), "2001:db8::", 80);
        p.tuple.src.octet[14] = (uint8_t)dice(&state, 256);
        p.tuple.src.octet[15] = (uint8_t)dice(&state, 256);
        p.tuple.dst.octet[15] = (uint8_t)dice(&state, 256);
        struct packet back = packet_back(&p);
        unsigned shard = shard_of(&p.tuple);
        cr_assert_lt(shard, SHARDS);
        cr_assert_eq(shard, shard_of(&back.tuple));
        p.tuple.src_port++;
        p.tuple.proto = PROTO_UDP;
        cr_assert_eq(shard, shard_of(&p.tuple));
        flows[shard]++;
    }
    for (int i = 0; i < SHARDS; i++)
        cr_expect(flows[i] > 50 && flows[i] < 200, "shard %d has %u of 6400", i, flows[i]);
}
