#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#include "base/zmtp.h"

enum { SOON_MS = 3000, NEVER_MS = 300 };

#define FREE_PORT "tcp://127.0.0.1:*"

static struct fail why;
static struct bytes peer, topic, body;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is(struct bytes b, const char *text)
{
    return bytes_equal(b, bytes_text(text));
}

/* The next message within `ms`. */
static bool hear(struct zmtp_socket *s, int ms)
{
    double end = now_s() + ms / 1e3;
    do {
        if (zmtp_receive(s, &peer, &topic, &body))
            return true;
        zmtp_wait(&s, 1, 20);
    } while (now_s() < end);
    return false;
}

static bool say(struct zmtp_socket *s, const char *subject, const char *text)
{
    return zmtp_send(s, bytes_text(subject), bytes_text(text));
}

/* From then on what the publisher sends reaches the subscriber. */
static void expect_subscription(struct zmtp_socket *publisher, const char *prefix)
{
    cr_assert(hear(publisher, SOON_MS), "no subscription to \"%s\"", prefix);
    cr_assert(is(topic, prefix) && is(body, "1"));
}

static struct zmtp_socket *publisher_at(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys)
{
    struct zmtp_socket *s = zmtp_publisher(z, endpoint, keys, &why);
    cr_assert(s, "%s", why.text);
    return s;
}

static struct zmtp_socket *subscriber_to(struct zmtp *z, const char *endpoint, const char *server, const char *prefix)
{
    struct zmtp_socket *s = zmtp_subscriber(z, endpoint, NULL, server, &why);
    cr_assert(s, "%s", why.text);
    zmtp_subscribe(s, prefix);
    return s;
}

Test(zmtp, carries_two_frames_to_those_whose_prefix_fits)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *p = publisher_at(z, FREE_PORT, NULL);
    struct zmtp_socket *s = subscriber_to(z, zmtp_endpoint(p), NULL, "hit.green.");
    expect_subscription(p, "hit.green.");
    zmtp_subscribe(s, "status.");
    expect_subscription(p, "status.");
    cr_expect(say(p, "hit.amber.CL", "a"));
    cr_expect(say(p, "hit.green.CL", "b"));
    cr_expect(say(p, "hit.greenish", "c"));
    cr_expect(say(p, "status.", ""));
    cr_assert(hear(s, SOON_MS));
    cr_expect(is(topic, "hit.green.CL") && is(body, "b") && peer.len == 0);
    cr_assert(hear(s, SOON_MS));
    cr_expect(is(topic, "status.") && is(body, ""));
    cr_expect_not(hear(s, NEVER_MS));
    zmtp_close(s);
    cr_assert(hear(p, SOON_MS));
    cr_expect(is(body, "0"));
    zmtp_close(p);
    zmtp_free(z);
}

/* With more than fits into both queues; the subscriber finds the first ones and a gap. */
Test(zmtp, is_not_delayed_by_a_subscriber_that_never_reads)
{
    enum { COUNT = 5 * ZMTP_QUEUE };
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *p = publisher_at(z, FREE_PORT, NULL);
    struct zmtp_socket *s = subscriber_to(z, zmtp_endpoint(p), NULL, "");
    expect_subscription(p, "");
    double begin = now_s();
    static const uint8_t large[512]; /* more than the buffers of a connection hold beside the queues */
    for (unsigned i = 0; i < COUNT; i++)
        cr_assert(zmtp_send(p, bytes_text("t"), bytes_of(large, sizeof large)));
    cr_expect(now_s() - begin < 10, "%.1f s", now_s() - begin);
    unsigned heard = 0;
    while (hear(s, heard ? NEVER_MS : SOON_MS))
        heard++;
    cr_expect(heard > 0 && heard < COUNT, "%u of %u", heard, COUNT);
    zmtp_close(s);
    zmtp_close(p);
    zmtp_free(z);
}

Test(zmtp, with_curve_tells_only_who_knows_the_servers_key)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_keys server, other;
    zmtp_keys_make(&server);
    zmtp_keys_make(&other);
    struct zmtp_socket *p = publisher_at(z, FREE_PORT, &server);
    struct zmtp_socket *wrong = subscriber_to(z, zmtp_endpoint(p), other.public_key, "");
    struct zmtp_socket *plain = subscriber_to(z, zmtp_endpoint(p), NULL, "");
    struct zmtp_socket *own = zmtp_subscriber(z, zmtp_endpoint(p), &other, server.public_key, &why);
    cr_assert(own, "%s", why.text);
    cr_expect_not(hear(p, NEVER_MS), "somebody got in");
    zmtp_subscribe(own, "a");
    expect_subscription(p, "a");
    struct zmtp_socket *right = subscriber_to(z, zmtp_endpoint(p), server.public_key, "ab");
    expect_subscription(p, "ab");
    cr_expect(say(p, "abc", "told"));
    cr_expect(hear(right, SOON_MS) && is(body, "told"));
    cr_expect(hear(own, SOON_MS) && is(body, "told"));
    cr_expect_not(hear(wrong, NEVER_MS));
    cr_expect_not(hear(plain, NEVER_MS));
    zmtp_close(wrong);
    zmtp_close(plain);
    zmtp_close(own);
    zmtp_close(right);
    zmtp_close(p);
    zmtp_free(z);
}

/* ZeroMQ RFC 26 has no vectors for Z85 keys; the manual page zmq_curve(7) has this pair. */
Test(zmtp, completes_a_key)
{
    struct zmtp_keys keys = {.secret_key = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"};
    cr_assert(zmtp_keys_complete(&keys));
    cr_expect_str_eq(keys.public_key, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");

    static const char *const no_keys[] = {"", "JTKVSB", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh\"",
                                          "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh\x80"};
    for (size_t i = 0; i < sizeof no_keys / sizeof *no_keys; i++) {
        struct zmtp_keys none = {0};
        snprintf(none.secret_key, sizeof none.secret_key, "%s", no_keys[i]);
        cr_expect_not(zmtp_keys_complete(&none), "%s", no_keys[i]);
    }
    struct zmtp_keys endless;
    memset(&endless, 'a', sizeof endless);
    cr_expect_not(zmtp_keys_complete(&endless));
}

static const struct {
    const char *endpoint;
    bool keys;
    const char *reason; /* part of it; empty: it opens */
} binds[] = {
    {"tcp://127.0.0.1:*", false, ""},
    {"tcp://127.1.2.3:*", false, ""},
    {"inproc://a", false, ""},
    {"ipc://*", false, ""},
    {"tcp://0.0.0.0:*", true, ""},
    {"tcp://*:*", true, ""},
    {"tcp://0.0.0.0:*", false, "tcp://0.0.0.0:*: not encrypted, and not of this host alone: give it CURVE keys, or"},
    {"tcp://*:*", false, "give it CURVE keys"},
    {"tcp://[::]:*", false, "give it CURVE keys"},
    {"tcp://lo:*", false, "give it CURVE keys"},
    {"tcp://127.evil.example:1", false, "give it CURVE keys"},
    {"tcp://192.0.2.1:1;127.0.0.1:1", false, "give it CURVE keys"},
    {"tcp://192.0.2.1:5556", true, "no address or interface of this host"},
    {"tcp://127.0.0.1", false, "give it CURVE keys"},
    {"tcp://127.0.0.1:", false, "expected tcp://ADDRESS:PORT"},
    {"tcp://127.0.0.1:x", false, "expected tcp://ADDRESS:PORT"},
    {"tcp://127.0.0.1:65536", false, "expected tcp://ADDRESS:PORT"},
    {"udp://127.0.0.1:5556", true, "expected tcp://ADDRESS:PORT"},
    {"127.0.0.1:5556", true, "expected tcp://ADDRESS:PORT"},
    {"", true, "expected tcp://ADDRESS:PORT"},
};

Test(zmtp, without_curve_stays_on_this_host)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_keys keys;
    zmtp_keys_make(&keys);
    for (size_t i = 0; i < sizeof binds / sizeof *binds; i++) {
        struct fail reason = {0};
        struct zmtp_socket *s = zmtp_publisher(z, binds[i].endpoint, binds[i].keys ? &keys : NULL, &reason);
        cr_expect((s != NULL) == !*binds[i].reason, "%s: %s", binds[i].endpoint, reason.text);
        cr_expect(strstr(reason.text, binds[i].reason), "%s: %s", binds[i].endpoint, reason.text);
        zmtp_close(s);
    }
    struct fail reason = {0};
    cr_expect_not(zmtp_subscriber(z, "tcp://192.0.2.1:5556", NULL, NULL, &reason));
    cr_expect(strstr(reason.text, "give it CURVE keys"), "%s", reason.text);
    zmtp_free(z);
}

Test(zmtp, names_what_is_wrong_with_keys)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_keys keys, empty = {0};
    zmtp_keys_make(&keys);
    cr_expect_not(zmtp_publisher(z, FREE_PORT, &empty, &why));
    cr_expect(strstr(why.text, "the secret key is not a CURVE key"), "%s", why.text);
    why = (struct fail){0};
    cr_expect_not(zmtp_subscriber(z, "tcp://192.0.2.1:1", &keys, NULL, &why));
    cr_expect(strstr(why.text, "the public key of the server is missing"), "%s", why.text);
    why = (struct fail){0};
    cr_expect_not(zmtp_asker(z, "tcp://192.0.2.1:1", &keys, "short", &why));
    cr_expect(strstr(why.text, "the server's public key is not a CURVE key"), "%s", why.text);
    zmtp_free(z);
}

Test(zmtp, names_a_port_in_use)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *p = publisher_at(z, FREE_PORT, NULL);
    char expected[256];
    snprintf(expected, sizeof expected, "%s: address already in use: another program listens there", zmtp_endpoint(p));
    cr_expect_not(zmtp_answerer(z, zmtp_endpoint(p), NULL, &why));
    cr_expect_str_eq(why.text, expected);
    zmtp_close(p);
    zmtp_free(z);
}

Test(zmtp, speaks_ipv6)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *p = zmtp_publisher(z, "tcp://[::1]:*", NULL, &why);
    if (!p)
        cr_skip_test("skipped: no IPv6 here");
    struct zmtp_socket *s = subscriber_to(z, zmtp_endpoint(p), NULL, "");
    expect_subscription(p, "");
    cr_expect(say(p, "a", "b"));
    cr_expect(hear(s, SOON_MS));
    zmtp_close(s);
    zmtp_close(p);
    zmtp_free(z);
}

/* ---- questions and answers ---- */

static struct zmtp_socket *answerer_at(struct zmtp *z, const struct zmtp_keys *keys)
{
    struct zmtp_socket *s = zmtp_answerer(z, FREE_PORT, keys, &why);
    cr_assert(s, "%s", why.text);
    return s;
}

static struct zmtp_socket *asker_to(struct zmtp *z, struct zmtp_socket *answerer, const char *server)
{
    struct zmtp_socket *s = zmtp_asker(z, zmtp_endpoint(answerer), NULL, server, &why);
    cr_assert(s, "%s", why.text);
    return s;
}

Test(zmtp, answers_who_asked)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_keys keys;
    zmtp_keys_make(&keys);
    struct zmtp_socket *answerer = answerer_at(z, &keys);
    struct zmtp_socket *askers[] = {asker_to(z, answerer, keys.public_key), asker_to(z, answerer, keys.public_key)};
    bool later;
    for (unsigned i = 0; i < 2; i++)
        cr_expect(say(askers[i], "replay", i ? "second" : "first"));
    for (unsigned i = 0; i < 2; i++) {
        cr_assert(hear(answerer, SOON_MS));
        cr_expect(is(topic, "replay") && peer.len > 0);
        cr_expect(zmtp_reply(answerer, peer, bytes_text("1"), body, &later)); /* the views are still alive */
        cr_expect(zmtp_reply(answerer, peer, bytes_text("2"), body, &later));
    }
    for (unsigned i = 0; i < 2; i++)
        for (unsigned answer = 1; answer <= 2; answer++) {
            cr_assert(hear(askers[i], SOON_MS));
            cr_expect(is(topic, answer == 1 ? "1" : "2") && is(body, i ? "second" : "first") && peer.len == 0);
        }
    zmtp_close(askers[0]);
    zmtp_close(askers[1]);
    zmtp_close(answerer);
    zmtp_free(z);
}

Test(zmtp, knows_a_peer_that_takes_no_more_and_one_that_has_gone)
{
    static uint8_t page[4096];
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *answerer = answerer_at(z, NULL);
    struct zmtp_socket *asker = asker_to(z, answerer, NULL);
    bool later = false, taken = true;
    unsigned answers = 0;
    cr_expect(say(asker, "replay", ""));
    cr_assert(hear(answerer, SOON_MS));
    while (taken && answers < 100000) {
        taken = zmtp_reply(answerer, peer, bytes_text("t"), bytes_of(page, sizeof page), &later);
        answers += taken;
    }
    cr_expect_not(taken);
    cr_expect(later, "%u answers", answers);
    cr_expect(answers >= ZMTP_REQUESTS);
    zmtp_close(asker);
    for (double end = now_s() + SOON_MS / 1e3; (taken || later) && now_s() < end;) {
        taken = zmtp_reply(answerer, peer, bytes_text("t"), bytes_text(""), &later);
        zmtp_wait(&answerer, 1, 10);
    }
    cr_expect_not(taken);
    cr_expect_not(later);
    cr_expect_not(zmtp_reply(answerer, bytes_text("nobody"), bytes_text("t"), bytes_text(""), &later));
    cr_expect_not(later);
    zmtp_close(answerer);
    zmtp_free(z);
}

/* ---- strangers, who speak ZeroMQ without this door ---- */

static void *stranger(void *context, int type, const char *endpoint)
{
    int linger = 0;
    void *s = zmq_socket(context, type);
    cr_assert(s && zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger) == 0);
    cr_assert(zmq_connect(s, endpoint) == 0);
    return s;
}

static void send_frames(void *s, const size_t *octets, unsigned count)
{
    static const uint8_t zeros[2 << 20];
    for (unsigned i = 0; i < count; i++)
        cr_assert(zmq_send(s, zeros, octets[i], i + 1 < count ? ZMQ_SNDMORE : 0) == (int)octets[i]);
}

Test(zmtp, drops_and_counts_requests_of_another_shape)
{
    static const struct {
        unsigned count;
        size_t octets[10];
    } shapes[] = {
        {1, {0}},       {1, {3}},          {2, {0, 3}},    {2, {3, 3}},
        {3, {1, 3, 3}}, {4, {0, 1, 2, 3}}, {9, {0, 1, 2}}, {10, {0, 1, 2, 3}},
    };
    enum { SHAPES = sizeof shapes / sizeof *shapes };
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *answerer = answerer_at(z, NULL);
    void *context = zmq_ctx_new();
    void *hostile = stranger(context, ZMQ_DEALER, zmtp_endpoint(answerer));
    for (unsigned i = 0; i < SHAPES; i++)
        send_frames(hostile, shapes[i].octets, shapes[i].count);
    send_frames(hostile, (size_t[]){0, 1, 2}, 3);
    cr_assert(hear(answerer, SOON_MS));
    cr_expect(topic.len == 1 && body.len == 2);
    cr_expect_eq(zmtp_malformed(answerer), SHAPES);
    zmq_close(hostile);
    zmq_ctx_term(context);
    zmtp_close(answerer);
    zmtp_free(z);
}

/* One receive passes over a bounded number; so the caller sees its clock in between. */
Test(zmtp, is_not_held_by_a_stream_of_malformed_messages)
{
    enum { COUNT = 500 };
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *answerer = answerer_at(z, NULL);
    void *context = zmq_ctx_new();
    void *hostile = stranger(context, ZMQ_DEALER, zmtp_endpoint(answerer));
    for (unsigned i = 0; i < COUNT; i++)
        send_frames(hostile, (size_t[]){1}, 1);
    send_frames(hostile, (size_t[]){0, 1, 2}, 3);
    unsigned calls = 1;
    uint64_t before = 0;
    for (double end = now_s() + SOON_MS / 1e3; !zmtp_receive(answerer, &peer, &topic, &body) && now_s() < end;
         calls++) {
        cr_expect(zmtp_malformed(answerer) - before <= 64);
        before = zmtp_malformed(answerer);
        zmtp_wait(&answerer, 1, 10);
    }
    cr_expect(body.len == 2 && calls > 1);
    cr_expect_eq(zmtp_malformed(answerer), COUNT);
    zmq_close(hostile);
    zmq_ctx_term(context);
    zmtp_close(answerer);
    zmtp_free(z);
}

Test(zmtp, never_sees_a_message_that_is_too_large)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *answerer = answerer_at(z, NULL);
    struct zmtp_socket *honest = asker_to(z, answerer, NULL);
    void *context = zmq_ctx_new();
    void *hostile = stranger(context, ZMQ_DEALER, zmtp_endpoint(answerer));
    send_frames(hostile, (size_t[]){0, 1, 2 << 20}, 3);
    cr_expect_not(hear(answerer, NEVER_MS));
    cr_expect(say(honest, "replay", "still"));
    cr_expect(hear(answerer, SOON_MS) && is(body, "still"));
    static uint8_t largest[ZMTP_MESSAGE_MAX];
    cr_expect(zmtp_send(honest, bytes_text("replay"), bytes_of(largest, sizeof largest)));
    cr_expect(hear(answerer, SOON_MS) && body.len == ZMTP_MESSAGE_MAX);
    zmq_close(hostile);
    zmq_ctx_term(context);
    zmtp_close(honest);
    zmtp_close(answerer);
    zmtp_free(z);
}

/* XPUB hands on whatever its peers send. */
Test(zmtp, drops_and_counts_what_is_no_subscription)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *p = publisher_at(z, FREE_PORT, NULL);
    void *context = zmq_ctx_new();
    void *hostile = stranger(context, ZMQ_XSUB, zmtp_endpoint(p));
    cr_assert(zmq_send(hostile, "", 0, 0) == 0);
    cr_assert(zmq_send(hostile, "\2a", 2, 0) == 2);
    cr_assert(zmq_send(hostile, "hello", 5, 0) == 5);
    cr_assert(zmq_send(hostile, "one", 3, ZMQ_SNDMORE) == 3);
    cr_assert(zmq_send(hostile, "two", 3, 0) == 3);
    cr_assert(zmq_send(hostile, "\1hit.", 5, 0) == 5);
    expect_subscription(p, "hit.");
    cr_expect_eq(zmtp_malformed(p), 4, "%lu", (unsigned long)zmtp_malformed(p));
    zmq_close(hostile);
    zmq_ctx_term(context);
    zmtp_close(p);
    zmtp_free(z);
}

/* A publisher of somebody else's. */
Test(zmtp, drops_and_counts_findings_of_another_shape)
{
    char endpoint[256];
    size_t len = sizeof endpoint;
    void *context = zmq_ctx_new();
    void *hostile = zmq_socket(context, ZMQ_XPUB);
    cr_assert(zmq_bind(hostile, FREE_PORT) == 0);
    cr_assert(zmq_getsockopt(hostile, ZMQ_LAST_ENDPOINT, endpoint, &len) == 0);
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *s = subscriber_to(z, endpoint, NULL, "");
    char subscription[8];
    cr_assert(zmq_recv(hostile, subscription, sizeof subscription, 0) == 1);
    send_frames(hostile, (size_t[]){5}, 1);
    send_frames(hostile, (size_t[]){1, 2, 3}, 3);
    send_frames(hostile, (size_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 10);
    send_frames(hostile, (size_t[]){6, 7}, 2);
    cr_assert(hear(s, SOON_MS));
    cr_expect(topic.len == 6 && body.len == 7);
    cr_expect_eq(zmtp_malformed(s), 3);
    zmq_close(hostile);
    zmtp_close(s);
    zmtp_free(z);
    zmq_ctx_term(context);
}

/* MISP sends one frame, IntelMQ's and our own publishers two. */
Test(zmtp, hears_others_in_one_frame_or_two)
{
    static const struct {
        const char *frame, *topic, *body;
    } cases[] = {
        {"misp_json {\"a\": 1}", "misp_json", "{\"a\": 1}"},
        {"{\"a\": 1}", "", "{\"a\": 1}"},
        {"[ 1 ]", "", "[ 1 ]"},
        {"word", "", "word"},
    };
    char endpoint[256], subscription[8];
    size_t len = sizeof endpoint;
    void *context = zmq_ctx_new();
    void *other = zmq_socket(context, ZMQ_XPUB);
    cr_assert(zmq_bind(other, FREE_PORT) == 0);
    cr_assert(zmq_getsockopt(other, ZMQ_LAST_ENDPOINT, endpoint, &len) == 0);
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *s = zmtp_hearer(z, endpoint, NULL, NULL, &why);
    cr_assert(s, "%s", why.text);
    zmtp_subscribe(s, "");
    cr_assert(zmq_recv(other, subscription, sizeof subscription, 0) == 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zmq_send(other, cases[i].frame, strlen(cases[i].frame), 0);
        cr_assert(hear(s, SOON_MS));
        cr_expect(is(topic, cases[i].topic) && is(body, cases[i].body), "%s", cases[i].frame);
    }
    send_frames(other, (size_t[]){1, 2, 3}, 3);
    send_frames(other, (size_t[]){6, 7}, 2);
    cr_assert(hear(s, SOON_MS));
    cr_expect(topic.len == 6 && body.len == 7);
    cr_expect_eq(zmtp_malformed(s), 1);
    zmq_close(other);
    zmtp_close(s);
    zmtp_free(z);
    zmq_ctx_term(context);
}

/* ---- a life goes on ---- */

Test(zmtp, hears_again_after_the_publisher_has_restarted)
{
    char endpoint[256];
    struct zmtp *mine = zmtp_new(), *theirs = zmtp_new();
    struct zmtp_socket *p = publisher_at(theirs, FREE_PORT, NULL);
    snprintf(endpoint, sizeof endpoint, "%s", zmtp_endpoint(p));
    struct zmtp_socket *s = subscriber_to(mine, endpoint, NULL, "t");
    expect_subscription(p, "t");
    cr_expect(say(p, "t", "before"));
    cr_expect(hear(s, SOON_MS) && is(body, "before"));
    zmtp_close(p);
    zmtp_free(theirs);

    theirs = zmtp_new();
    p = publisher_at(theirs, endpoint, NULL);
    bool again = false;
    for (double end = now_s() + SOON_MS / 1e3; !again && now_s() < end; again = hear(p, 10))
        cr_assert_not(hear(s, 10)); /* while it waits, it subscribes */
    cr_assert(again);
    cr_expect(is(topic, "t") && is(body, "1"));
    cr_expect(say(p, "t", "after"));
    cr_expect(hear(s, SOON_MS) && is(body, "after"));
    zmtp_close(p);
    zmtp_free(theirs);
    zmtp_close(s);
    zmtp_free(mine);
}

/* Nobody is there: what waits for them is given up after a second. */
Test(zmtp, does_not_linger)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *asker = zmtp_asker(z, "tcp://127.0.0.1:1", NULL, NULL, &why);
    cr_assert(asker, "%s", why.text);
    cr_expect(say(asker, "replay", ""));
    double begin = now_s();
    zmtp_close(asker);
    zmtp_free(z);
    cr_expect(now_s() - begin < 2);
}

Test(zmtp, waits_no_longer_than_it_is_told)
{
    struct zmtp *z = zmtp_new();
    struct zmtp_socket *sockets[] = {publisher_at(z, FREE_PORT, NULL), answerer_at(z, NULL)};
    double begin = now_s();
    cr_expect_not(zmtp_wait(sockets, 2, 50));
    cr_expect(now_s() - begin >= 0.045 && now_s() - begin < 1);
    struct zmtp_socket *asker = asker_to(z, sockets[1], NULL);
    cr_expect(say(asker, "replay", ""));
    cr_expect(zmtp_wait(sockets, 2, SOON_MS));
    cr_expect_not(zmtp_receive(sockets[0], &peer, &topic, &body));
    cr_expect(zmtp_receive(sockets[1], &peer, &topic, &body));
    zmtp_close(asker);
    zmtp_close(sockets[0]);
    zmtp_close(sockets[1]);
    zmtp_free(z);
}
