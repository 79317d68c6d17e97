/*
 * One request after another; a peer that stops reading is given up.
 */
#include "run/archivist.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/ring.h"

#include <pthread.h>
#include <stdlib.h>

struct archivist {
    pthread_t thread;
    struct zmtp_socket *socket;
    struct journal_reader *reader;
    struct json_reader *json;
    struct ring *stop; /* closed: to end */
    struct archivist_counters counters;
};

struct request {
    uint64_t from;
    uint64_t to;
};

struct answer {
    struct archivist *archivist;
    struct bytes peer;
    uint64_t count;
    bool given_up;
};

static bool take_range(void *to, struct bytes path, const struct json_value *value)
{
    struct request *r = to;
    if (value->kind != JSON_NUMBER || !value->integer || value->number < 0)
        return true;
    if (bytes_equal(path, bytes_text("from")))
        r->from = (uint64_t)value->number;
    else if (bytes_equal(path, bytes_text("to")))
        r->to = (uint64_t)value->number;
    return true;
}

/* False: the peer has gone, or takes nothing for too long. */
static bool reply(struct archivist *a, struct bytes peer, struct bytes topic, struct bytes body)
{
    bool later = false;
    for (int ms = 0; ms < ARCHIVIST_PATIENCE_MS && !ring_ended(a->stop); ms += 10) {
        if (zmtp_reply(a->socket, peer, topic, body, &later))
            return true;
        if (!later)
            return false;
        zmtp_wait(NULL, 0, 10);
    }
    return false;
}

static bool send_one(void *context, const char *topic, uint64_t seq, struct bytes json)
{
    struct answer *an = context;
    (void)seq;
    an->given_up = !reply(an->archivist, an->peer, bytes_text(topic), json);
    return !an->given_up && ++an->count < ARCHIVIST_ANSWERS_MAX;
}

static void end_answer(struct answer *an, struct bytes topic, const struct request *r)
{
    struct buffer line = {.at = NULL};
    struct json j = json_to(&line);
    json_object(&j);
    json_key(&j, "end"), json_bool(&j, true);
    json_key(&j, "topic"), json_text(&j, topic);
    json_key(&j, "from"), json_number(&j, (int64_t)r->from);
    json_key(&j, "to"), json_number(&j, (int64_t)r->to);
    json_key(&j, "count"), json_number(&j, (int64_t)an->count);
    json_end(&j);
    an->given_up = !reply(an->archivist, an->peer, bytes_of("", 0), buffer_bytes(&line));
    buffer_free(&line);
}

static void answer(struct archivist *a, struct bytes peer, struct bytes topic, struct bytes body)
{
    struct request r = {.from = 1, .to = INT64_MAX};
    struct fail why = {.text = ""};
    struct buffer name = {.at = NULL};
    struct answer an = {.archivist = a, .peer = peer};
    counter_add(&a->counters.requests, 1);
    if (topic.len > JOURNAL_TOPIC_MAX || bytes_find(topic, 0) < topic.len ||
        !json_read(a->json, body, take_range, &r, &why)) {
        counter_add(&a->counters.refused, 1);
        return;
    }
    buffer_add(&name, topic.at, topic.len);
    buffer_char(&name, '\0');
    bool read = journal_replay(a->reader, name.at, r.from, r.to, send_one, &an, &why);
    if (read && !an.given_up)
        end_answer(&an, topic, &r);
    counter_add(&a->counters.answers, an.count);
    counter_add(&a->counters.refused, an.given_up || !read);
    buffer_free(&name);
}

/* A request's views end with the next call on its socket, and answering is one. */
static void take_request(struct archivist *a, struct bytes peer, struct bytes topic, struct bytes body)
{
    struct arena copies = {.chunks = NULL};
    answer(a, arena_copy(&copies, peer), arena_copy(&copies, topic), arena_copy(&copies, body));
    arena_free(&copies);
}

static void *run(void *arg)
{
    struct archivist *a = arg;
    struct bytes peer, topic, body;
    while (!ring_ended(a->stop)) {
        if (!zmtp_wait(&a->socket, 1, 100))
            continue;
        while (!ring_ended(a->stop) && zmtp_receive(a->socket, &peer, &topic, &body))
            take_request(a, peer, topic, body);
    }
    zmtp_close(a->socket);
    return NULL;
}

struct archivist *archivist_start(struct zmtp_socket *socket, struct journal_reader *reader)
{
    struct archivist *a = calloc(1, sizeof *a);
    if (!a)
        abort();
    a->socket = socket;
    a->reader = reader;
    a->json = json_reader_new();
    a->stop = ring_new(4);
    if (pthread_create(&a->thread, NULL, run, a) != 0)
        abort();
    return a;
}

const struct archivist_counters *archivist_counters(const struct archivist *a)
{
    return &a->counters;
}

void archivist_stop(struct archivist *a)
{
    ring_close(a->stop);
    pthread_join(a->thread, NULL);
    journal_reader_close(a->reader);
    json_reader_free(a->json);
    ring_free(a->stop);
    free(a);
}
