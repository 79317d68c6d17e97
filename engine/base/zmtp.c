/*
 * zmtp: a kind of socket is a row of a table: its libzmq type, how many frames its messages have and which of them is
 * the topic. Whatever libzmq says at run time that is not "later" or "gone" is our own error.
 */
#include "base/zmtp.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "base/address.h"

enum {
    FRAMES_MAX = 4,
    ENDPOINT_MAX = 256,
    DROPS_MAX = 64, /* malformed messages in a row that one receive passes over */
    LINGER_MS = 1000,
    HANDSHAKE_MS = 5000,
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 5000,
    KEEPALIVE_IDLE_S = 60,
    KEEPALIVE_INTERVAL_S = 15,
    KEEPALIVE_PROBES = 4,
};

enum kind { PUBLISHER, ANSWERER, SUBSCRIBER, HEARER, ASKER };

static const struct {
    int type;
    int queue;       /* messages waiting for a peer, in each direction */
    unsigned frames; /* of a message that is received */
    unsigned topic;  /* which of them is the topic; the body is behind it, an empty delimiter may be in front */
} kinds[] = {
    [PUBLISHER] = {ZMQ_XPUB, ZMTP_QUEUE, 1, 0},  [ANSWERER] = {ZMQ_ROUTER, ZMTP_REQUESTS, 4, 2},
    [SUBSCRIBER] = {ZMQ_SUB, ZMTP_QUEUE, 2, 0},  [HEARER] = {ZMQ_SUB, ZMTP_QUEUE, 2, 0}, /* or 1 */
    [ASKER] = {ZMQ_DEALER, ZMTP_REQUESTS, 3, 1},
};

struct zmtp {
    void *context;
};

struct zmtp_socket {
    void *socket;
    enum kind kind;
    zmq_msg_t frame[FRAMES_MAX]; /* of the message received last; each is always initialised */
    uint64_t malformed;
    char endpoint[ENDPOINT_MAX];
};

static void *need(void *it, const char *what)
{
    if (it)
        return it;
    fprintf(stderr, "zmtp: %s: %s\n", what, zmq_strerror(errno));
    abort();
}

struct zmtp *zmtp_new(void)
{
    struct zmtp *z = need(calloc(1, sizeof *z), "context");
    z->context = need(zmq_ctx_new(), "context");
    return z;
}

void zmtp_free(struct zmtp *z)
{
    if (!z)
        return;
    while (zmq_ctx_term(z->context) && errno == EINTR)
        ;
    free(z);
}

/* ---- keys ---- */

void zmtp_keys_make(struct zmtp_keys *keys)
{
    if (zmq_curve_keypair(keys->public_key, keys->secret_key))
        need(NULL, "a CURVE key pair");
}

bool zmtp_keys_complete(struct zmtp_keys *keys)
{
    return strnlen(keys->secret_key, ZMTP_KEY_TEXT) == ZMTP_KEY_TEXT - 1 &&
           zmq_curve_public(keys->public_key, keys->secret_key) == 0;
}

static void set(struct zmtp_socket *s, int option, int value)
{
    int failed = zmq_setsockopt(s->socket, option, &value, sizeof value);
    assert(!failed);
}

static bool set_key(struct zmtp_socket *s, int option, const char *key, const char *name, struct fail *why)
{
    return zmq_setsockopt(s->socket, option, key, strnlen(key, ZMTP_KEY_TEXT)) == 0 ||
           fail_set(why, "the %s is not a CURVE key: expected 40 characters of Z85", name);
}

static bool set_server_keys(struct zmtp_socket *s, const struct zmtp_keys *keys, struct fail *why)
{
    if (!keys)
        return true;
    set(s, ZMQ_CURVE_SERVER, 1);
    return set_key(s, ZMQ_CURVE_SECRETKEY, keys->secret_key, "secret key", why);
}

static bool set_client_keys(struct zmtp_socket *s, const struct zmtp_keys *keys, const char *server, struct fail *why)
{
    struct zmtp_keys own;
    if (!keys && !server)
        return true;
    if (!server)
        return fail_set(why, "the public key of the server is missing");
    if (!keys)
        zmtp_keys_make(&own);
    const struct zmtp_keys *with = keys ? keys : &own;
    return set_key(s, ZMQ_CURVE_SERVERKEY, server, "server's public key", why) &&
           set_key(s, ZMQ_CURVE_PUBLICKEY, with->public_key, "public key", why) &&
           set_key(s, ZMQ_CURVE_SECRETKEY, with->secret_key, "secret key", why);
}

/* ---- endpoints ---- */

/* The host of tcp://HOST:PORT as an address; false when it is a name, an interface or `*`. */
static bool host_address(const char *endpoint, struct address *host)
{
    struct bytes text = bytes_text(endpoint);
    if (!bytes_start_with(text, "tcp://"))
        return false;
    text = bytes_from(text, sizeof "tcp://" - 1);
    while (text.len && text.at[text.len - 1] != ':')
        text.len--;
    if (text.len)
        text.len--;
    if (text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']')
        text = bytes_of(text.at + 1, text.len - 2);
    return address_read(text, host);
}

static bool is_local(const char *endpoint)
{
    static const struct address loopback = {.octet = {[15] = 1}};
    struct bytes text = bytes_text(endpoint);
    struct address host;
    if (bytes_start_with(text, "ipc://") || bytes_start_with(text, "inproc://"))
        return true;
    return host_address(endpoint, &host) &&
           (address_is_v4(&host) ? host.octet[12] == 127 : address_equal(&host, &loopback));
}

static bool may_open(const char *endpoint, bool curve, struct fail *why)
{
    struct bytes text = bytes_text(endpoint);
    if (is_local(endpoint))
        return true;
    if (!bytes_start_with(text, "tcp://"))
        return fail_set(why, "expected tcp://ADDRESS:PORT or ipc://PATH");
    return curve || fail_set(why, "not encrypted, and not of this host alone: give it CURVE keys, or use 127.0.0.1, "
                                  "[::1] or ipc");
}

static const char *reason_of(int error)
{
    switch (error) {
    case EADDRINUSE: return "address already in use: another program listens there";
    case EADDRNOTAVAIL:
    case ENODEV: return "no address or interface of this host";
    case EACCES: return "not permitted (ports below 1024 are the system's)";
    case EINVAL: return "expected tcp://ADDRESS:PORT or ipc://PATH";
    default: return zmq_strerror(error);
    }
}

/* ---- a socket's life ---- */

static struct zmtp_socket *new_socket(struct zmtp *z, enum kind kind, const char *endpoint)
{
    struct zmtp_socket *s = need(calloc(1, sizeof *s), "socket");
    struct address host;
    s->kind = kind;
    s->socket = need(zmq_socket(z->context, kinds[kind].type), "socket");
    for (unsigned i = 0; i < FRAMES_MAX; i++)
        zmq_msg_init(&s->frame[i]);
    set(s, ZMQ_SNDHWM, kinds[kind].queue);
    set(s, ZMQ_RCVHWM, kinds[kind].queue);
    set(s, ZMQ_LINGER, LINGER_MS);
    set(s, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set(s, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set(s, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set(s, ZMQ_IPV6, !host_address(endpoint, &host) || !address_is_v4(&host));
    set(s, ZMQ_TCP_KEEPALIVE, 1);
    set(s, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S);
    set(s, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S);
    set(s, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_PROBES);
    if (kind == ANSWERER)
        set(s, ZMQ_ROUTER_MANDATORY, 1);
    int64_t message_max = ZMTP_MESSAGE_MAX;
    zmq_setsockopt(s->socket, ZMQ_MAXMSGSIZE, &message_max, sizeof message_max);
    return s;
}

static struct zmtp_socket *give_up(struct zmtp_socket *s, const char *endpoint, struct fail *why)
{
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_at(why, "%s", fail_quote(bytes_text(endpoint), quote));
    zmtp_close(s);
    return NULL;
}

static bool open_with(struct zmtp_socket *s, int (*open)(void *, const char *), const char *endpoint, struct fail *why)
{
    size_t len = sizeof s->endpoint;
    if (open(s->socket, endpoint))
        return fail_set(why, "%s", reason_of(errno));
    return zmq_getsockopt(s->socket, ZMQ_LAST_ENDPOINT, s->endpoint, &len) == 0 || fail_set(why, "too long");
}

static struct zmtp_socket *listen_at(struct zmtp *z, enum kind kind, const char *endpoint, const struct zmtp_keys *keys,
                                     struct fail *why)
{
    struct zmtp_socket *s = new_socket(z, kind, endpoint);
    bool open = may_open(endpoint, keys, why) && set_server_keys(s, keys, why) && open_with(s, zmq_bind, endpoint, why);
    return open ? s : give_up(s, endpoint, why);
}

static struct zmtp_socket *connect_to(struct zmtp *z, enum kind kind, const char *endpoint,
                                      const struct zmtp_keys *keys, const char *server, struct fail *why)
{
    struct zmtp_socket *s = new_socket(z, kind, endpoint);
    bool open = may_open(endpoint, keys || server, why) && set_client_keys(s, keys, server, why) &&
                open_with(s, zmq_connect, endpoint, why);
    return open ? s : give_up(s, endpoint, why);
}

struct zmtp_socket *zmtp_publisher(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys, struct fail *why)
{
    return listen_at(z, PUBLISHER, endpoint, keys, why);
}

struct zmtp_socket *zmtp_answerer(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys, struct fail *why)
{
    return listen_at(z, ANSWERER, endpoint, keys, why);
}

struct zmtp_socket *zmtp_subscriber(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys,
                                    const char *server, struct fail *why)
{
    return connect_to(z, SUBSCRIBER, endpoint, keys, server, why);
}

struct zmtp_socket *zmtp_hearer(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys, const char *server,
                                struct fail *why)
{
    return connect_to(z, HEARER, endpoint, keys, server, why);
}

struct zmtp_socket *zmtp_asker(struct zmtp *z, const char *endpoint, const struct zmtp_keys *keys, const char *server,
                               struct fail *why)
{
    return connect_to(z, ASKER, endpoint, keys, server, why);
}

void zmtp_subscribe(struct zmtp_socket *s, const char *prefix)
{
    assert(s->kind == SUBSCRIBER || s->kind == HEARER);
    int failed = zmq_setsockopt(s->socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix));
    assert(!failed);
}

const char *zmtp_endpoint(const struct zmtp_socket *s)
{
    return s->endpoint;
}

uint64_t zmtp_malformed(const struct zmtp_socket *s)
{
    return s->malformed;
}

void zmtp_close(struct zmtp_socket *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < FRAMES_MAX; i++)
        zmq_msg_close(&s->frame[i]);
    zmq_close(s->socket);
    free(s);
}

/* ---- messages ---- */

static bool send_frame(struct zmtp_socket *s, struct bytes b, int more)
{
    int sent;
    do
        sent = zmq_send(s->socket, b.at, b.len, more | ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    assert(sent >= 0 || errno == EAGAIN || errno == EHOSTUNREACH);
    return sent >= 0;
}

/* libzmq decides with the first frame whether it takes a message; a peer lost in the middle is a message dropped. */
static bool send_pair(struct zmtp_socket *s, struct bytes topic, struct bytes body)
{
    return send_frame(s, topic, ZMQ_SNDMORE) && send_frame(s, body, 0);
}

static bool fits(struct bytes topic, struct bytes body)
{
    return topic.len <= ZMTP_MESSAGE_MAX && body.len <= ZMTP_MESSAGE_MAX;
}

bool zmtp_send(struct zmtp_socket *s, struct bytes topic, struct bytes body)
{
    if (!fits(topic, body))
        return false;
    assert(s->kind == PUBLISHER || s->kind == ASKER);
    return (s->kind == PUBLISHER || send_frame(s, bytes_of(NULL, 0), ZMQ_SNDMORE)) && send_pair(s, topic, body);
}

bool zmtp_reply(struct zmtp_socket *s, struct bytes peer, struct bytes topic, struct bytes body, bool *later)
{
    assert(s->kind == ANSWERER);
    *later = false;
    if (!fits(topic, body))
        return true; /* as good as sent: nobody would take it */
    if (send_frame(s, peer, ZMQ_SNDMORE))
        return send_frame(s, bytes_of(NULL, 0), ZMQ_SNDMORE) && send_pair(s, topic, body);
    *later = errno == EAGAIN;
    return false;
}

static struct bytes view(struct zmtp_socket *s, unsigned i)
{
    return bytes_of(zmq_msg_data(&s->frame[i]), zmq_msg_size(&s->frame[i]));
}

static bool receive_frame(struct zmtp_socket *s, zmq_msg_t *to)
{
    int got;
    do
        got = zmq_msg_recv(to, s->socket, ZMQ_DONTWAIT);
    while (got < 0 && errno == EINTR);
    assert(got >= 0 || errno == EAGAIN);
    return got >= 0;
}

/* All frames of a message are there once its first is. Those beyond FRAMES_MAX overwrite the last. */
static unsigned receive_frames(struct zmtp_socket *s)
{
    unsigned count = 0;
    bool more = true;
    while (more) {
        zmq_msg_t *to = &s->frame[count < FRAMES_MAX ? count : FRAMES_MAX - 1];
        if (!receive_frame(s, to))
            break;
        more = zmq_msg_more(to);
        count += count <= FRAMES_MAX;
    }
    return count;
}

static bool has_shape(struct zmtp_socket *s, unsigned count)
{
    unsigned topic = kinds[s->kind].topic;
    if (s->kind == HEARER && count == 1)
        return true;
    if (count != kinds[s->kind].frames)
        return false;
    if (s->kind == PUBLISHER)
        return view(s, 0).len && view(s, 0).at[0] <= 1;
    return topic == 0 || view(s, topic - 1).len == 0;
}

/* A subscription is one frame: 1 or 0, and the prefix. */
static void read_subscription(struct zmtp_socket *s, struct bytes *topic, struct bytes *body)
{
    struct bytes frame = view(s, 0);
    *topic = bytes_from(frame, 1);
    *body = bytes_text(frame.at[0] ? "1" : "0");
}

/* A hearer's single frame. */
static void split(struct bytes frame, struct bytes *topic, struct bytes *body)
{
    bool bare = frame.len && (frame.at[0] == '{' || frame.at[0] == '[');
    size_t blank = bytes_find(frame, ' ');
    bool topped = !bare && blank < frame.len;
    *topic = bytes_until(frame, topped ? blank : 0);
    *body = topped ? bytes_from(frame, blank + 1) : frame;
}

bool zmtp_receive(struct zmtp_socket *s, struct bytes *peer, struct bytes *topic, struct bytes *body)
{
    *peer = *topic = *body = bytes_of(NULL, 0);
    for (unsigned drops = 0; drops < DROPS_MAX; drops++) {
        unsigned count = receive_frames(s);
        if (count == 0)
            return false;
        if (!has_shape(s, count)) {
            s->malformed++;
            continue;
        }
        if (s->kind == PUBLISHER) {
            read_subscription(s, topic, body);
            return true;
        }
        if (s->kind == HEARER && count == 1) {
            split(view(s, 0), topic, body);
            return true;
        }
        if (s->kind == ANSWERER)
            *peer = view(s, 0);
        *topic = view(s, kinds[s->kind].topic);
        *body = view(s, kinds[s->kind].topic + 1);
        return true;
    }
    return false;
}

bool zmtp_wait(struct zmtp_socket *const *sockets, unsigned count, int ms)
{
    zmq_pollitem_t items[ZMTP_WAIT_MAX];
    assert(count <= ZMTP_WAIT_MAX);
    for (unsigned i = 0; i < count; i++)
        items[i] = (zmq_pollitem_t){.socket = sockets[i]->socket, .events = ZMQ_POLLIN};
    return zmq_poll(items, (int)count, ms) > 0;
}
