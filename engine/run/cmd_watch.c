/*
 * vigia watch: subscribes and prints; notices gaps and fetches what it missed.
 */
#include "base/clock.h"
#include "base/log.h"
#include "publish/retold.h"
#include "run/keys.h"
#include "run/options.h"
#include "run/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 200 };

struct showing {
    const struct options *options;
    struct json_reader *json;
    struct retold retold;
    struct buffer out;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void show(void *to, struct bytes topic, struct bytes json, bool fetched)
{
    struct showing *s = to;
    struct fail why = {.text = ""};
    const struct output *output = s->options->output;
    (void)topic, (void)fetched;
    if (strcmp(output->name, "json") == 0) {
        buffer_add(&s->out, json.at, json.len);
        buffer_char(&s->out, '\n');
    } else if (retold_read(s->json, json, &s->retold, &why) && s->retold.known) {
        output->write(&s->out, &s->retold.told, &s->options->style);
    }
}

static void say(void *to, const char *text)
{
    (void)to;
    log_warning("%s", text);
}

/* The topics asked for, and the heartbeats, without which a gap at the end would not be noticed. */
static void subscribe(struct watch *w, const struct options *o)
{
    for (int i = 0; i < o->argument_count; i++)
        zmtp_subscribe(w->telling, o->arguments[i]);
    if (!o->argument_count)
        zmtp_subscribe(w->telling, "");
    else
        zmtp_subscribe(w->telling, "status.");
}

/* Whom to hear, and how. */
struct hearing {
    const char *endpoint, *replay; /* `replay` NULL: gaps are only said */
    char rooms[2][CONFIG_TEXT_MAX + 16];
    bool curve;
    char server[ZMTP_KEY_TEXT];
    struct zmtp_keys own;
};

/* Where a publisher binds to every address of this machine, we connect to its loopback. */
static const char *reachable(const char *endpoint, char room[CONFIG_TEXT_MAX + 16])
{
    static const char *const everywhere[][2] = {
        {"tcp://*:", "tcp://127.0.0.1:"}, {"tcp://0.0.0.0:", "tcp://127.0.0.1:"}, {"tcp://[::]:", "tcp://[::1]:"}};
    for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++)
        if (bytes_start_with(bytes_text(endpoint), everywhere[i][0])) {
            snprintf(room, CONFIG_TEXT_MAX + 16, "%s%s", everywhere[i][1], endpoint + strlen(everywhere[i][0]));
            return room;
        }
    return endpoint;
}

/* Who runs the publisher and asks it with its own configuration has its key at hand; others are given the public half.
 */
static bool read_server(const struct options *o, struct hearing *h, struct fail *why)
{
    struct zmtp_keys pair;
    struct fail reason = {.text = ""};
    const char *path = o->text[TEXT_ENDPOINT] ? NULL : o->config.publish.key_path;
    h->curve = o->text[TEXT_SERVER] || path;
    if (!h->curve)
        return true;
    if (o->text[TEXT_SERVER])
        return keys_read_public(o->text[TEXT_SERVER], h->server, why);
    if (!keys_read(path, &pair, &reason))
        return fail_set(why, "publish.key: %s; expected a key that can be read, or --server with its public half",
                        reason.text);
    memcpy(h->server, pair.public_key, sizeof h->server);
    return true;
}

static bool read_hearing(const struct options *o, struct hearing *h, struct fail *why)
{
    h->endpoint = o->text[TEXT_ENDPOINT] ? o->text[TEXT_ENDPOINT] : reachable(o->config.publish.endpoint, h->rooms[0]);
    h->replay = o->text[TEXT_REPLAY]     ? o->text[TEXT_REPLAY]
                : o->text[TEXT_ENDPOINT] ? NULL
                                         : reachable(o->config.publish.replay, h->rooms[1]);
    if (!read_server(o, h, why))
        return false;
    if (h->curve && o->text[TEXT_KEY])
        return keys_read(o->text[TEXT_KEY], &h->own, why);
    if (h->curve)
        zmtp_keys_make(&h->own);
    return true;
}

static bool open_sockets(struct watch *w, struct zmtp *z, const struct hearing *h, struct fail *why)
{
    const struct zmtp_keys *own = h->curve ? &h->own : NULL;
    const char *server = h->curve ? h->server : NULL;
    w->endpoint = h->endpoint;
    w->telling = zmtp_subscriber(z, h->endpoint, own, server, why);
    if (w->telling && h->replay)
        w->asking = zmtp_asker(z, h->replay, own, server, why);
    return w->telling && (!h->replay || w->asking);
}

/* A configuration that lies here and was not named is easily thought to hold. */
static void say_whom(const struct options *o, const struct hearing *h)
{
    static const char usual[] = "vigia.yaml";
    if (!o->text[TEXT_ENDPOINT] && !o->config.path && access(usual, R_OK) == 0)
        log_note("watch: hears %s, the default; -c %s hears the publisher of that file", h->endpoint, usual);
}

/* Until interrupted, or until nobody reads what we print. */
static int follow(struct watch *w, struct showing *s)
{
    struct zmtp_socket *sockets[2] = {w->telling, w->asking};
    unsigned count = w->asking ? 2 : 1;
    while (!interrupted) {
        zmtp_wait(sockets, count, WAIT_MS);
        while (watch_turn(w, clock_monotonic_ns()) && s->out.len < 65536)
            ;
        if (!s->out.len)
            continue;
        bool written = fwrite(s->out.at, 1, s->out.len, stdout) == s->out.len && fflush(stdout) == 0;
        buffer_clear(&s->out);
        if (!written)
            return options_print(bytes_of("", 0), STATUS_DONE);
    }
    return STATUS_DONE;
}

static int watch(const struct options *o)
{
    struct showing s = {.options = o, .json = json_reader_new()};
    struct hearing h = {.endpoint = NULL};
    struct watch w = {.show = show, .say = say, .to = &s, .prefixes = o->arguments, .prefix_count = o->argument_count};
    struct zmtp *z = zmtp_new();
    struct fail why = {.text = ""};
    int status = STATUS_USAGE;
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    watch_init(&w);
    if (o->output->head)
        o->output->head(&s.out, false, &o->style);
    if (read_hearing(o, &h, &why) && open_sockets(&w, z, &h, &why)) {
        say_whom(o, &h);
        subscribe(&w, o);
        status = follow(&w, &s);
        if (w.missed)
            log_note("watch: %llu missed, %llu of them fetched", (unsigned long long)w.missed,
                     (unsigned long long)w.fetched);
    } else {
        log_error("%s", why.text);
    }
    zmtp_close(w.telling);
    zmtp_close(w.asking);
    zmtp_free(z);
    watch_clear(&w);
    retold_clear(&s.retold);
    json_reader_free(s.json);
    buffer_free(&s.out);
    return status;
}

const struct command command_watch = {
    .name = "watch",
    .usage = "[--endpoint E] [--replay E] [--server NAME.pub] [TOPIC...]",
    .about = "Subscribes to a publisher and prints; notices gaps and fetches what it missed.",
    .help =
        "TOPIC is the begin of topics to hear: hit. or hit.green.CL. (all when none is given). Without --endpoint the\n"
        "configuration's endpoints are taken, and the public key of its publish.key.\n",
    .accepts = OPTION_CONFIG | OPTION_ENDPOINT | OPTION_FORMAT,
    .run = watch,
};
