#include "make.h"

#include "wire/flow.h"

#define SECOND INT64_C(1000000000)

static const struct flow_timeouts timeouts = {
    .attempted_ns = 10 * SECOND, .datagram_ns = 20 * SECOND, .established_ns = 40 * SECOND, .closed_ns = 5 * SECOND};

/* Flows that ended: source port and state, in the order of their ends. */
struct ends {
    struct flows *flows;
    char text[1024];
};

static void gone(void *to, struct flow *f)
{
    struct ends *e = to;
    size_t len = strlen(e->text);
    snprintf(e->text + len, sizeof e->text - len, "%s%u %s", len ? ", " : "", f->view.tuple.src_port,
             flow_state_name(f->view.state));
    flow_settle(e->flows, f, false);
}

/* What a shard does with a packet, as far as flows are concerned. */
static struct flow *see(struct flows *t, const struct packet *p, int64_t clock_ns, int *side, struct ends *e)
{
    uint64_t hash = flow_hash(t, &p->tuple);
    struct flow *f = flow_find(t, &p->tuple, hash, side);
    if (f && flow_is_another(f, p, *side)) {
        flow_close(t, f, gone, e);
        f = NULL;
    }
    if (!f)
        f = flow_open(t, p, hash, clock_ns, side, gone, e);
    f->last.clock_ns = clock_ns;
    flow_saw(t, f, p, *side, clock_ns);
    return f;
}

/* Words: `>` from the client or `<` from the server, flags, a sequence number: ">S7 <SA >A". */
static struct packet packet_of_word(const char **at, uint16_t client)
{
    static const char letters[] = "FSRPAU";
    bool back = **at == '<';
    struct packet p = packet_of(PROTO_TCP, "192.0.2.1", client, "198.51.100.2", 80);
    p = back ? packet_back(&p) : p;
    for (++*at; **at && strchr(letters, **at); ++*at)
        p.tcp_flags |= (uint8_t)(1 << (strchr(letters, **at) - letters));
    char *end;
    p.tcp_seq = (uint32_t)strtoul(*at, &end, 10);
    *at = end + strspn(end, " ");
    return p;
}

static const char *const queue_names[FLOW_QUEUES] = {"closed", "attempted", "datagram", "established"};

static const struct {
    const char *packets;
    const char *src_port; /* of the flow at the end: 7 the client */
    const char *queue;    /* where it waits */
    const char *ended;    /* all of them, with their states */
} state_cases[] = {
    {">S1", "7", "attempted", "7 attempted"},
    {">S1 >S1", "7", "attempted", "7 attempted"},
    {">S1 >R", "7", "closed", "7 attempted"},
    {">S1 <R", "7", "closed", "7 refused"},
    {">S1 <RA", "7", "closed", "7 refused"},
    {">S1 <RA >S1 <RA", "7", "closed", "7 refused"},
    {">S1 <RA >S1 <SA5", "7", "established", "7 established"},
    {">S1 <RA >S2", "7", "attempted", "7 refused, 7 attempted"},
    {">S1 <SA5", "7", "established", "7 established"},
    {">S1 <SA5 >A", "7", "established", "7 established"},
    {">S1 <SA5 >R", "7", "closed", "7 established"},
    {">S1 <SA5 <R", "7", "closed", "7 established"},
    {">S1 <SA5 >A >FA", "7", "established", "7 established"},
    {">S1 <SA5 >A >FA <FA", "7", "closed", "7 established"},
    {">S1 <SA5 >A >FA <FA >A", "7", "closed", "7 established"},
    {">S1 <A", "7", "established", "7 established"},
    {">S1 >A", "7", "datagram", "7 one-sided"},
    {">S1 >A >PA >FA", "7", "datagram", "7 one-sided"},
    {">S1 >A <A", "7", "established", "7 established"},
    {"<SA5", "7", "datagram", "7 one-sided"},
    {"<SA5 <PA", "7", "datagram", "7 one-sided"},
    {"<SA5 >S1", "7", "established", "7 established"},
    {"<SA5 >A", "7", "established", "7 established"},
    {">PA", "7", "datagram", "7 one-sided"},
    {">PA <A", "7", "established", "7 established"},
    {"<PA >A", "80", "established", "80 established"},
    {"<R", "80", "closed", "80 one-sided"},
    {">S1 <SA5 >S1", "7", "established", "7 established"},
    {">S1 <SA5 >S2", "7", "established", "7 established"}, /* anybody can send it (RFC 5961, 4) */
    {">S1 <SA5 >S4294967295 <SA6", "7", "datagram", "7 established, 7 one-sided"}, /* it is answered: ack 0 */
    {">S1 <SA5 >FA <FA >S2 <SA6", "7", "established", "7 established, 7 established"},
    {">PA <FA >FA >S2", "7", "attempted", "7 established, 7 attempted"},
    {">PA <PA >S2", "7", "established", "7 established"},
    {">S1 <S5", "7", "established", "7 established"}, /* both at once (RFC 9293, 3.5) */
    {">S1 <SA5 <S6", "7", "established", "7 established"},
};

Test(flow, knows_its_state_from_the_flags)
{
    for (size_t i = 0; i < sizeof state_cases / sizeof *state_cases; i++) {
        struct flows t;
        struct ends e = {.flows = &t};
        struct flow *f = NULL;
        char port[8];
        int side;
        flows_init(&t, 10, &timeouts);
        for (const char *at = state_cases[i].packets; *at;) {
            struct packet p = packet_of_word(&at, 7);
            f = see(&t, &p, SECOND, &side, &e);
        }
        snprintf(port, sizeof port, "%u", f->view.tuple.src_port);
        cr_expect_str_eq(port, state_cases[i].src_port, "%s: %s", state_cases[i].packets, port);
        cr_expect_str_eq(queue_names[f->queue], state_cases[i].queue, "%s: %s", state_cases[i].packets,
                         queue_names[f->queue]);
        flows_end(&t, gone, &e);
        cr_expect_str_eq(e.text, state_cases[i].ended, "%s: %s", state_cases[i].packets, e.text);
        cr_expect_eq(t.live, 0);
        flows_clear(&t);
    }
}

/* Pairs of packets and whether they are of one flow; the second comes from side 0 or 1. Of ICMP as the specification of
 * the Community ID has it: what each side asks is a flow of its own. */
static const struct {
    const char *name;
    uint8_t proto[2];
    const char *address[2][2];
    uint16_t port[2][2];
    int side; /* -1: of another flow */
} meet_cases[] = {
    {"the same", {17, 17}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}}, {{5, 6}, {5, 6}}, 0},
    {"back", {17, 17}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{5, 6}, {6, 5}}, 1},
    {"ports not turned", {17, 17}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{5, 6}, {5, 6}}, -1},
    {"another port", {17, 17}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}}, {{5, 6}, {5, 7}}, -1},
    {"another protocol", {17, 6}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}}, {{5, 6}, {5, 6}}, -1},
    {"another host", {17, 17}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.3"}}, {{5, 6}, {5, 6}}, -1},
    {"equal ports", {17, 17}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{53, 53}, {53, 53}}, 1},
    {"to itself", {17, 17}, {{"127.0.0.1", "127.0.0.1"}, {"127.0.0.1", "127.0.0.1"}}, {{5, 6}, {6, 5}}, 1},
    {"IPv6", {6, 6}, {{"2001:db8::1", "2001:db8::2"}, {"2001:db8::2", "2001:db8::1"}}, {{5, 6}, {6, 5}}, 1},
    {"no ports", {47, 47}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{0, 0}, {0, 0}}, 1},
    {"echo and reply", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{8, 0}, {0, 0}}, 1},
    {"reply and echo", {1, 1}, {{"192.0.2.2", "192.0.2.1"}, {"192.0.2.1", "192.0.2.2"}}, {{0, 0}, {8, 0}}, 1},
    {"echo both ways", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{8, 0}, {8, 0}}, -1},
    {"reply both ways", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{0, 0}, {0, 0}}, -1},
    {"echo and reply one way", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}}, {{8, 0}, {0, 0}}, -1},
    {"routers", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{10, 0}, {9, 0}}, 1},
    {"echo and timestamp", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{8, 0}, {14, 0}}, -1},
    {"timestamps", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{13, 0}, {14, 0}}, 1},
    {"unreachables", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}}, {{3, 1}, {3, 1}}, 0},
    {"unreachables both ways", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}}, {{3, 1}, {3, 1}}, -1},
    {"other codes", {1, 1}, {{"192.0.2.1", "192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}}, {{3, 1}, {3, 3}}, -1},
    {"echo, v6", {58, 58}, {{"2001:db8::1", "2001:db8::2"}, {"2001:db8::2", "2001:db8::1"}}, {{128, 0}, {129, 0}}, 1},
    {"neighbours", {58, 58}, {{"2001:db8::1", "2001:db8::2"}, {"2001:db8::2", "2001:db8::1"}}, {{135, 0}, {136, 0}}, 1},
    {"listeners", {58, 58}, {{"2001:db8::1", "2001:db8::2"}, {"2001:db8::2", "2001:db8::1"}}, {{130, 0}, {131, 0}}, 1},
    {"v4's types in v6",
     {58, 58},
     {{"2001:db8::1", "2001:db8::2"}, {"2001:db8::2", "2001:db8::1"}},
     {{8, 0}, {0, 0}},
     -1},
};

Test(flow, meets_its_other_direction)
{
    for (size_t i = 0; i < sizeof meet_cases / sizeof *meet_cases; i++) {
        struct flows t;
        struct ends e = {.flows = &t};
        struct flow *f[2];
        int side[2];
        flows_init(&t, 10, &timeouts);
        for (int n = 0; n < 2; n++) {
            struct packet p = packet_of(meet_cases[i].proto[n], meet_cases[i].address[n][0], meet_cases[i].port[n][0],
                                        meet_cases[i].address[n][1], meet_cases[i].port[n][1]);
            f[n] = see(&t, &p, SECOND, &side[n], &e);
        }
        cr_expect_eq(side[0], 0, "%s", meet_cases[i].name);
        cr_expect_eq(f[0] == f[1], meet_cases[i].side >= 0, "%s", meet_cases[i].name);
        cr_expect_eq(side[1], meet_cases[i].side > 0, "%s", meet_cases[i].name);
        flows_end(&t, gone, &e);
        flows_clear(&t);
    }
}

Test(flow, takes_the_receiver_of_a_syn_ack_for_its_source)
{
    struct flows t;
    struct ends e = {.flows = &t};
    int side;
    const char *word = "<SA5";
    flows_init(&t, 10, &timeouts);
    struct packet p = packet_of_word(&word, 7);
    struct flow *f = see(&t, &p, SECOND, &side, &e);
    cr_expect_eq(side, 1);
    cr_expect(address_equal(&f->view.tuple.src, &p.tuple.dst) && f->view.tuple.src_port == 7);
    cr_expect(address_equal(&f->view.tuple.dst, &p.tuple.src) && f->view.tuple.dst_port == 80);
    flows_end(&t, gone, &e);
    flows_clear(&t);
}

/* Packets at seconds, then ticks at every second: when does the flow end? Between one and two timeouts, so that
 * `last + timeout <= end <= last + 2 * timeout`. */
static const struct {
    const char *packets;
    int seconds[4]; /* of each packet, ascending */
    int timeout;
} silence_cases[] = {
    {">S1", {100}, 10},
    {">S1 >S1", {100, 101}, 10},
    {">S1 >S1", {100, 109}, 10},
    {">S1 <SA5", {100, 101}, 40},
    {">S1 <SA5 >A", {100, 101, 139}, 40},
    {">S1 <SA5 >A >A", {100, 101, 135, 170}, 40},
    {">S1 <R", {100, 101}, 5},
    {">S1 >A", {100, 101}, 20},
    {">PA", {100}, 20},
    {">S1 <SA5 >FA <FA", {100, 101, 102, 103}, 5},
};

Test(flow, ends_between_one_and_two_timeouts_of_silence)
{
    for (size_t i = 0; i < sizeof silence_cases / sizeof *silence_cases; i++) {
        struct flows t;
        struct ends e = {.flows = &t};
        int side, n = 0, last = 0, ended = 0;
        flows_init(&t, 10, &timeouts);
        const char *at = silence_cases[i].packets;
        for (int second = 100; !ended && second < 1000; second++) {
            flows_tick(&t, second * SECOND, gone, &e);
            if (e.text[0])
                ended = second;
            while (*at && silence_cases[i].seconds[n] == second) {
                struct packet p = packet_of_word(&at, 7);
                see(&t, &p, second * SECOND + 1, &side, &e);
                last = second;
                n++;
            }
        }
        cr_expect(!*at, "%s: ended at %d, before its packets", silence_cases[i].packets, ended);
        cr_expect(ended > last + silence_cases[i].timeout && ended <= last + 2 * silence_cases[i].timeout + 1,
                  "%s: last seen %d, ended %d", silence_cases[i].packets, last, ended);
        cr_expect_eq(t.live, 0);
        flows_clear(&t);
    }
}

Test(flow, outlives_any_time_while_it_speaks)
{
    struct flows t;
    struct ends e = {.flows = &t};
    int side;
    struct packet p = packet_of(PROTO_UDP, "192.0.2.1", 7, "192.0.2.2", 8);
    flows_init(&t, 10, &timeouts);
    for (int second = 0; second < 1000; second++) {
        if (second % 19 == 0)
            see(&t, &p, second * SECOND, &side, &e);
        flows_tick(&t, second * SECOND, gone, &e);
    }
    cr_expect_str_eq(e.text, "");
    flows_tick(&t, INT64_C(9000000000) * SECOND, gone, &e);
    cr_expect_str_eq(e.text, "7 one-sided");
    flows_clear(&t);
}

Test(flow, is_not_ended_by_the_first_ticks_of_time)
{
    struct flows t;
    struct ends e = {.flows = &t};
    int side;
    struct packet p = packet_of(PROTO_UDP, "192.0.2.1", 7, "192.0.2.2", 8);
    flows_init(&t, 10, &timeouts);
    see(&t, &p, INT64_C(-9000000000) * SECOND, &side, &e);
    flows_tick(&t, INT64_C(-9000000000) * SECOND, gone, &e);
    cr_expect_str_eq(e.text, "");
    flows_end(&t, gone, &e);
    flows_clear(&t);
}

/* Each flow is a client's port and what it has seen; one more comes to a full table. */
static const struct {
    const char *name;
    const char *flows[4];
    const char *evicted; /* all ports 11, 12, … in the order they give */
} full_cases[] = {
    {"the closed before the attempted", {">S1 <SA5", ">S1", ">PA", ">S1 <R"}, "14 refused"},
    {"the attempted before the datagrams", {">S1 <SA5", ">S1", ">PA", ">PA"}, "12 attempted"},
    {"one side before the established", {">S1 <SA5", ">S1 <SA5", ">PA", ">S1 <SA5"}, "13 one-sided"},
    {"the first of the established", {">S1 <SA5", ">S1 <SA5", ">S1 <SA5", ">S1 <SA5"}, "11 established"},
    {"the first of the attempted", {">S1 <SA5", ">S1", ">S1", ">S1"}, "12 attempted"},
};

Test(flow, gives_way_when_the_table_is_full)
{
    for (size_t i = 0; i < sizeof full_cases / sizeof *full_cases; i++) {
        struct flows t;
        struct ends e = {.flows = &t};
        int side;
        flows_init(&t, 4, &timeouts);
        for (int n = 0; n < 4; n++)
            for (const char *at = full_cases[i].flows[n]; *at;) {
                struct packet p = packet_of_word(&at, (uint16_t)(11 + n));
                see(&t, &p, SECOND + n, &side, &e);
            }
        cr_expect_str_eq(e.text, "", "%s", full_cases[i].name);
        const char *word = ">S1";
        struct packet p = packet_of_word(&word, 99);
        see(&t, &p, 2 * SECOND, &side, &e);
        cr_expect_str_eq(e.text, full_cases[i].evicted, "%s: %s", full_cases[i].name, e.text);
        cr_expect(t.live == 4 && t.evicted == 1);
        flows_end(&t, gone, &e);
        cr_expect_eq(t.live, 0);
        flows_clear(&t);
    }
}

Test(flow, ends_oldest_first_within_each_queue)
{
    static const char *const words[] = {">S1 <SA5", ">S1", ">PA", ">S1 <R", ">S1", ">S1 <SA5", ">S1 <R", ">PA"};
    struct flows t;
    struct ends e = {.flows = &t};
    int side;
    flows_init(&t, 100, &timeouts);
    for (uint16_t n = 0; n < 8; n++)
        for (const char *at = words[n]; *at;) {
            struct packet p = packet_of_word(&at, (uint16_t)(1 + n));
            see(&t, &p, SECOND, &side, &e);
        }
    flows_end(&t, gone, &e);
    cr_expect_str_eq(e.text, "4 refused, 7 refused, 2 attempted, 5 attempted, 3 one-sided, 8 one-sided, "
                             "1 established, 6 established");
    flows_clear(&t);
}

/* Who owes, in the order of the clock since when. `+P` port P begins to owe at its second, `-P` owes no more. */
Test(flow, knows_since_when_the_oldest_of_those_that_owe_does)
{
    static const struct {
        const char *step;
        int64_t settled_s; /* -1: none owes */
    } steps[] = {{"+1", 1}, {"+2", 1}, {"+3", 1}, {"-2", 1},  {"+1", 1},  {"-1", 3},  {"-1", 3},
                 {"+1", 3}, {"-3", 8}, {"+4", 8}, {"-1", 10}, {"-4", -1}, {"-4", -1}, {"+2", 14}};
    struct flows t;
    struct ends e = {.flows = &t};
    struct flow *f[5];
    int side;
    flows_init(&t, 10, &timeouts);
    cr_expect_eq(flows_settled_ns(&t), INT64_MAX);
    for (uint16_t n = 1; n < 5; n++) {
        struct packet p = packet_of(PROTO_UDP, "192.0.2.1", n, "192.0.2.2", 80);
        f[n] = see(&t, &p, 0, &side, &e);
    }
    for (int i = 0; i < (int)(sizeof steps / sizeof *steps); i++) {
        struct flow *one = f[steps[i].step[1] - '0'];
        one->last.clock_ns = (i + 1) * SECOND;
        flow_settle(&t, one, steps[i].step[0] == '+');
        int64_t settled = flows_settled_ns(&t);
        cr_expect_eq(settled, steps[i].settled_s < 0 ? INT64_MAX : steps[i].settled_s * SECOND, "step %d: %lld", i,
                     (long long)settled);
    }
    flows_end(&t, gone, &e);
    cr_expect_eq(flows_settled_ns(&t), INT64_MAX, "who has ended owes nothing");
    flows_clear(&t);
}

/* Any packets in any order, against a table that is searched from front to back. */
Test(flow, finds_what_a_plain_search_finds)
{
    enum { HOSTS = 6, PORTS = 4 };
    uint64_t state = 11;
    struct flows t;
    struct ends e = {.flows = &t};
    struct packet seen[HOSTS * HOSTS * PORTS * PORTS];
    struct flow *of[HOSTS * HOSTS * PORTS * PORTS];
    size_t count = 0;
    flows_init(&t, HOSTS * HOSTS * PORTS * PORTS, &timeouts);
    for (int round = 0; round < 20000; round++) {
        struct packet p = packet_of(PROTO_UDP, "192.0.2.0", (uint16_t)dice(&state, PORTS), "192.0.2.0",
                                    (uint16_t)dice(&state, PORTS));
        p.tuple.src.octet[15] = (uint8_t)dice(&state, HOSTS);
        p.tuple.dst.octet[15] = (uint8_t)dice(&state, HOSTS);
        struct packet back = packet_back(&p);
        size_t i = 0;
        int expected = 0, side;
        for (; i < count; i++) {
            bool forth = memcmp(&seen[i].tuple, &p.tuple, sizeof p.tuple) == 0;
            if (forth || memcmp(&seen[i].tuple, &back.tuple, sizeof p.tuple) == 0) {
                expected = !forth;
                break;
            }
        }
        struct flow *f = see(&t, &p, round, &side, &e);
        if (i == count) {
            seen[count] = p;
            of[count++] = f;
        }
        cr_assert(of[i] == f && side == expected);
        cr_assert_eq(t.live, count);
    }
    flows_end(&t, gone, &(struct ends){.flows = &t});
    cr_expect_eq(t.live, 0);
    flows_clear(&t);
}
