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

static bool open_sockets(struct watch *w, struct zmtp *z, const struct options *o, struct fail *why)
{
    struct zmtp_keys own;
    char server[ZMTP_KEY_TEXT];
    bool curve = o->text[TEXT_SERVER] != NULL;
    if (curve && !keys_read_public(o->text[TEXT_SERVER], server, why))
        return false;
    if (curve && o->text[TEXT_KEY] && !keys_read(o->text[TEXT_KEY], &own, why))
        return false;
    if (curve && !o->text[TEXT_KEY])
        zmtp_keys_make(&own);
    const char *endpoint = o->text[TEXT_ENDPOINT] ? o->text[TEXT_ENDPOINT] : o->config.publish.endpoint;
    const char *replay = o->text[TEXT_REPLAY]     ? o->text[TEXT_REPLAY]
                         : o->text[TEXT_ENDPOINT] ? NULL
                                                  : o->config.publish.replay;
    w->telling = zmtp_subscriber(z, endpoint, curve ? &own : NULL, curve ? server : NULL, why);
    if (w->telling && replay)
        w->asking = zmtp_asker(z, replay, curve ? &own : NULL, curve ? server : NULL, why);
    return w->telling && (!replay || w->asking);
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
    struct watch w = {.show = show, .say = say, .to = &s};
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
    if (open_sockets(&w, z, o, &why)) {
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
        "configuration's endpoints are taken.\n",
    .accepts = OPTION_CONFIG | OPTION_ENDPOINT | OPTION_FORMAT,
    .run = watch,
};
