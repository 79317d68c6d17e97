/*
 * A round: the generation, then every feed, then quiet.
 */
#include "run/hearer.h"

#include "base/clock.h"
#include "base/log.h"
#include "feed/event_reader.h"
#include "feed/follow.h"
#include "run/event_hits.h"
#include "run/keys.h"
#include "run/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LEDGER_NAME_MAX = CONFIG_NAME_MAX + sizeof "feed:" };

struct source {
    const struct config_feed *config;
    uint16_t sensor;
    char ledger_name[LEDGER_NAME_MAX]; /* of its file, in the journal */
    struct feed feed;
    const struct format *format; /* NULL: not known yet */
    struct follow follow;
    struct frames frames;
    struct zmtp_socket *socket; /* NULL: a file */
    struct census *census;      /* NULL: its events are not counted */
    int64_t abreast_ns;         /* when there was nothing to read of it; monotonic */
    uint64_t records;           /* of a socket, of this life */
    uint64_t noted_inode, noted_at;
    uint64_t missed; /* files that were said */
    unsigned named;
    int error; /* that was said */
    /* For any thread. */
    struct tally tally;
    struct counter read; /* octets */
    struct counter turned;
    struct counter unread; /* files that had its name, and could not be read */
    struct counter malformed;
    struct progress position, lag, lost; /* lost: errno of why the file cannot be read */
    struct progress format_at;           /* index of `format` in the table + 1; 0: not known */
};

struct hearer {
    pthread_t thread;
    bool started;
    const struct hearer_job *job;
    struct ring *told;
    struct ring *notes;
    struct progress stop; /* not 0: to stop, and how long the crier is waited for (monotonic) */
    struct hits_context context;
    struct event_reader *reader;
    struct source *sources;
    const char **paths; /* of all files, up to a NULL */
    unsigned count;
    struct zmtp_socket *sockets[CONFIG_FEEDS_MAX];
    unsigned socket_count;
    int64_t wall_ns, now_ns; /* of this round */
    int64_t noted_ns;
    int64_t crowded_ns; /* until then the surveyor is not waited for */
};

/* ---- records */

static void set_format(struct source *s, const struct format *format)
{
    int64_t at = 0;
    while (formats[at] != format)
        at++;
    s->format = format;
    progress_tell(&s->format_at, at + 1);
}

/* Where the record at hand was: its line, or its number where there are no lines. */
static uint64_t record_at(const struct source *s)
{
    return s->socket ? s->records : s->frames.line;
}

static void refused(struct source *s, const char *why)
{
    if (s->named++ >= HEARER_NAMED)
        return;
    if (s->socket)
        log_error("feed %s: record %" PRIu64 ": %s", s->config->name, s->records, why);
    else
        log_error("feed %s: %s: line %" PRIu64 ": %s", s->config->name,
                  *s->follow.name ? s->follow.name : s->config->path, s->frames.line, why);
}

static bool recognise(struct source *s, struct bytes frame)
{
    const struct format *f = s->format ? s->format : format_of(frame);
    if (s->format)
        return true;
    if (f && f->read_event) {
        set_format(s, f);
        return true;
    }
    counter_add(&s->tally.refused[TALLY_NO_EVENT], 1);
    refused(s, "expected an event of IntelMQ or Suricata (EVE), found something else");
    return false;
}

/* Where the surveyor is behind, it is waited for; but not where it waits for another feed, which this thread would have
 * to read: then it is not waited for again for a while, and what finds no room is counted as late. */
static void await_room(struct hearer *h, struct source *s, int64_t time_ns)
{
    int64_t now_ns = clock_monotonic_ns(), until_ns = now_ns + HEARER_ROOM_NS;
    unsigned idle = 0;
    if (census_ready(s->census, time_ns) || now_ns < h->crowded_ns)
        return;
    swap_offline();
    while (!census_ready(s->census, time_ns) && clock_monotonic_ns() < until_ns && !progress_read(&h->stop))
        ring_pause(&idle);
    swap_online();
    if (!census_ready(s->census, time_ns))
        h->crowded_ns = clock_monotonic_ns() + HEARER_CROWDED_NS;
}

/* Its time is the clock of what this feed brings, until it has caught up with the wall's; it may hold the others'
 * windows back for HEARER_BEHIND_NS in a row. */
static void count(struct hearer *h, struct source *s, const struct event *e)
{
    char room[3];
    bool behind = e->time_ns < h->wall_ns && h->now_ns - s->abreast_ns < HEARER_BEHIND_NS;
    census_pass(s->census, behind ? e->time_ns : h->wall_ns);
    await_room(h, s, e->time_ns);
    h->context.places = swap_get(h->job->places);
    struct census_entry entry = census_of_event(e, s->config->name, s->config->country, h->context.places, room);
    census_add(s->census, &entry);
}

static void take(struct hearer *h, struct source *s, struct bytes frame)
{
    struct fail why = {.text = ""};
    s->records++;
    if (!recognise(s, frame))
        return;
    switch (event_read(h->reader, s->format, &s->feed, &s->tally, frame, h->wall_ns + EVENT_AHEAD_NS, &why)) {
    case EVENT_TAKEN: break;
    case EVENT_REFUSED: refused(s, why.text); return;
    case EVENT_PASSED: return;
    }
    const struct event *e = &h->reader->event;
    h->context.places = swap_get(h->job->places); /* the one before may be gone: telling may wait */
    if (s->census)
        count(h, s, e);
    event_hits_take(
        &h->context, e,
        &(struct event_at){.frame = frame, .record = record_at(s), .sensor = s->sensor, .clock_ns = e->time_ns},
        &h->stop);
}

/* What was cut; `last`: what waits too. */
static unsigned take_frames(struct hearer *h, struct source *s, bool last)
{
    struct bytes frame;
    unsigned n = 0;
    for (uint64_t passed = s->frames.passed; n < HEARER_ROUND && frames_next(&s->frames, &frame, last); n++) {
        take(h, s, frame);
        counter_add(&s->read, s->frames.passed - passed);
        passed = s->frames.passed;
    }
    return n;
}

/* ---- sources */

static void say_error(struct source *s)
{
    if (s->follow.error == s->error)
        return;
    s->error = s->follow.error;
    progress_tell(&s->lost, s->error);
    if (s->error)
        log_warning("feed %s: %s: %s; it is tried again", s->config->name, s->config->path, strerror(s->error));
}

static void say_missed(struct source *s)
{
    uint64_t missed = s->follow.missed - s->missed;
    if (!missed)
        return;
    s->missed = s->follow.missed;
    counter_add(&s->unread, missed);
    if (!*s->follow.missed_name)
        log_warning("feed %s: the file that was read last is gone from beside %s: what it still held is not read",
                    s->config->name, s->config->path);
    else
        log_warning("feed %s: %s%s, which %s was called meanwhile, cannot be followed: what it holds is not read",
                    s->config->name, s->follow.missed_name, missed > 1 ? " and others" : "", s->config->path);
}

static bool hear_file(struct hearer *h, struct source *s)
{
    unsigned n = take_frames(h, s, false);
    if (n == HEARER_ROUND)
        return true;
    enum follow_found found = follow_read(&s->follow, &s->frames, h->now_ns);
    say_error(s);
    say_missed(s);
    if (found == FOLLOW_END) {
        while (take_frames(h, s, true) == HEARER_ROUND)
            swap_quiet();
        follow_turn(&s->follow, &s->frames);
        counter_add(&s->turned, 1);
    }
    progress_tell(&s->position, (int64_t)follow_position(&s->follow, &s->frames));
    return n || found != FOLLOW_NOTHING;
}

static bool hear_socket(struct hearer *h, struct source *s)
{
    struct bytes peer, topic, body;
    unsigned n = 0;
    for (; n < HEARER_ROUND && zmtp_receive(s->socket, &peer, &topic, &body); n++) {
        counter_add(&s->read, body.len);
        take(h, s, bytes_trim(body));
    }
    counter_add(&s->malformed, zmtp_malformed(s->socket) - counter_read(&s->malformed));
    return n > 0;
}

/* ---- how far it is */

static void note(struct hearer *h, struct source *s)
{
    uint64_t at = follow_position(&s->follow, &s->frames);
    progress_tell(&s->lag, (int64_t)follow_lag(&s->follow));
    if (s->socket || s->follow.fd < 0 || (s->follow.inode == s->noted_inode && at == s->noted_at))
        return;
    struct journal_file file = {.sensor = s->ledger_name,
                                .name = bytes_text(s->config->path),
                                .inode = s->follow.inode,
                                .size = at,
                                .changed_ns = follow_changed(&s->follow)};
    struct ledger_note *n = ledger_note(&file, false);
    if (!ring_push(h->notes, n)) { /* the next time */
        free(n);
        return;
    }
    s->noted_inode = s->follow.inode;
    s->noted_at = at;
}

static void note_all(struct hearer *h)
{
    for (unsigned i = 0; i < h->count; i++)
        note(h, &h->sources[i]);
    h->noted_ns = h->now_ns;
}

/* ---- the thread */

static void renew(struct hearer *h)
{
    const struct database *db = swap_get(h->job->database);
    const struct database *old = h->context.database;
    if (db == old || !asker_fit(h->context.asker, db))
        return;
    database_hold(db);
    h->context.database = db;
    database_drop(old);
}

static bool hear(struct hearer *h, bool files)
{
    bool did = false;
    h->wall_ns = clock_wall_ns();
    h->now_ns = clock_monotonic_ns();
    renew(h);
    for (unsigned i = 0; i < h->count; i++) {
        struct source *s = &h->sources[i];
        bool heard = s->socket ? hear_socket(h, s) : files && hear_file(h, s);
        if (!heard)
            s->abreast_ns = h->now_ns;
        if (!heard && s->census)
            census_pass(s->census, h->wall_ns);
        did |= heard;
        swap_quiet();
    }
    return did;
}

static void wait(struct hearer *h)
{
    const struct timespec pause = {.tv_nsec = HEARER_WAIT_MS * INT64_C(1000000)};
    swap_offline();
    if (h->socket_count)
        zmtp_wait(h->sockets, h->socket_count < ZMTP_WAIT_MAX ? h->socket_count : ZMTP_WAIT_MAX, HEARER_WAIT_MS);
    else
        nanosleep(&pause, NULL);
    swap_online();
}

static void *run(void *arg)
{
    struct hearer *h = arg;
    swap_join();
    while (!progress_read(&h->stop)) {
        bool did = hear(h, true);
        if (h->now_ns - h->noted_ns >= HEARER_NOTE_NS)
            note_all(h);
        if (!did)
            wait(h);
    }
    while (hear(h, false) && h->now_ns < progress_read(&h->stop))
        ;
    if (!h->context.stopped)
        note_all(h);
    ring_close(h->told);
    ring_close(h->notes);
    swap_part();
    return NULL;
}

/* ---- life */

/* Between commas; none is everything. */
static bool subscribe(struct zmtp_socket *socket, const char *topics, struct fail *why)
{
    char topic[CONFIG_TEXT_MAX + 1];
    const char *rest = topics;
    do {
        size_t len = strcspn(rest, ",");
        if (len >= sizeof topic)
            return fail_set(why, "a topic is too long");
        memcpy(topic, rest, len);
        topic[len] = 0;
        zmtp_subscribe(socket, topic);
        rest += len + (rest[len] == ',');
    } while (*rest);
    return true;
}

static bool open_socket(struct hearer *h, struct source *s, struct fail *why)
{
    const struct config_feed *c = s->config;
    char server[ZMTP_KEY_TEXT];
    if (c->server_path && !keys_read_public(c->server_path, server, why))
        return false;
    s->socket = zmtp_hearer(h->job->zmtp, c->subscribe, NULL, c->server_path ? server : NULL, why);
    if (!s->socket || !subscribe(s->socket, c->topics ? c->topics : "", why))
        return false;
    h->sockets[h->socket_count++] = s->socket;
    return true;
}

static bool open_source(struct hearer *h, const struct config_feed *c, struct fail *why)
{
    struct source *s = &h->sources[h->count];
    *s = (struct source){
        .config = c,
        .sensor = (uint16_t)(h->job->first_sensor + h->count),
        .feed = {.name = c->name, .tlp = c->tlp, .confidence = (int8_t)c->confidence, .category = c->category}};
    if (h->job->surveyor)
        s->census = surveyor_census(h->job->surveyor, h->job->first_writer + h->count);
    h->count++;
    s->abreast_ns = h->now_ns;
    snprintf(s->ledger_name, sizeof s->ledger_name, "feed:%s", c->name);
    if (c->format)
        set_format(s, format_named(c->format));
    if (c->path)
        s->follow = follow_of(c->path, 0, 0, 0);
    else
        s->follow = (struct follow){.fd = -1};
    return c->path || open_socket(h, s, why) || fail_at(why, "feed %s", c->name);
}

struct hearer *hearer_open(const struct hearer_job *job, struct fail *why)
{
    struct hearer *h = calloc(1, sizeof *h);
    if (!h || !(h->sources = calloc(job->config->feeds_count + 1, sizeof *h->sources)) ||
        !(h->paths = calloc(job->config->feeds_count + 1, sizeof *h->paths)))
        abort();
    h->job = job;
    h->now_ns = clock_monotonic_ns();
    h->told = ring_new(HEARER_RING);
    h->notes = ring_new(HEARER_NOTES);
    h->reader = event_reader_new();
    h->context = (struct hits_context){.asker = asker_new(), .told = h->told, .live = true, .strict_validity = true};
    for (const struct config_feed *c = job->config->feeds; c; c = c->next)
        if (!open_source(h, c, why)) {
            hearer_free(h);
            return NULL;
        }
    unsigned paths = 0;
    for (unsigned i = 0; i < h->count; i++)
        if (h->sources[i].config->path)
            h->paths[paths++] = h->sources[i].config->path;
    return h;
}

static void know(void *to, const struct journal_file *file)
{
    struct source *s = to;
    if (bytes_equal(file->name, bytes_text(s->config->path))) {
        s->follow = follow_of(s->config->path, file->inode, file->size, file->changed_ns);
        s->noted_inode = file->inode;
        s->noted_at = file->size;
    }
}

bool hearer_know(struct hearer *h, struct journal *j, struct fail *why)
{
    for (unsigned i = 0; i < h->count; i++)
        if (h->sources[i].config->path && !journal_taken(j, h->sources[i].ledger_name, know, &h->sources[i], why))
            return false;
    return true;
}

void hearer_start(struct hearer *h)
{
    for (unsigned i = 0; i < h->count; i++)
        h->sources[i].follow.others = h->paths;
    const struct database *db = h->job->database->current;
    database_hold(db);
    h->context.database = db;
    if (!asker_fit(h->context.asker, db) || pthread_create(&h->thread, NULL, run, h) != 0)
        abort();
    h->started = true;
}

struct ring *hearer_told(struct hearer *h)
{
    return h->told;
}

struct ring *hearer_notes(struct hearer *h)
{
    return h->notes;
}

static void number(struct json *j, const char *key, uint64_t value)
{
    json_key(j, key);
    json_number(j, (int64_t)value);
}

static void source_status(const struct source *s, struct json *j)
{
    const struct tally *t = &s->tally;
    struct buffer text = {.at = NULL};
    int64_t format = progress_read(&s->format_at), last_ns = progress_read(&t->last_ns);
    int error = (int)progress_read(&s->lost);
    json_object(j);
    json_key(j, "name"), json_string(j, s->config->name);
    json_key(j, "source"), json_string(j, s->config->path ? s->config->file : s->config->subscribe);
    json_key(j, "format"), json_string(j, format ? formats[format - 1]->name : NULL);
    number(j, "events", counter_read(&t->events));
    number(j, "passed", counter_read(&t->passed));
    number(j, "refused", tally_refused(t) + counter_read(&s->malformed));
    tally_write(t, &text);
    buffer_char(&text, 0);
    json_key(j, "remarks"), json_string(j, *text.at ? text.at : NULL);
    json_key(j, "last_event");
    if (last_ns)
        json_time(j, last_ns);
    else
        json_null(j);
    number(j, "octets", counter_read(&s->read));
    if (s->config->path) {
        number(j, "position", (uint64_t)progress_read(&s->position));
        number(j, "lag", (uint64_t)progress_read(&s->lag));
        number(j, "rotations", counter_read(&s->turned));
        number(j, "unread", counter_read(&s->unread));
        json_key(j, "missing"), json_string(j, error ? strerror(error) : NULL);
    }
    json_end(j);
    buffer_free(&text);
}

void hearer_status(const struct hearer *h, struct json *j)
{
    for (unsigned i = 0; i < h->count; i++)
        source_status(&h->sources[i], j);
}

void hearer_stop(struct hearer *h)
{
    progress_tell(&h->stop, clock_monotonic_ns() + HEARER_DRAIN_NS);
}

void hearer_join(struct hearer *h)
{
    if (h->started)
        pthread_join(h->thread, NULL);
    h->started = false;
}

void hearer_free(struct hearer *h)
{
    if (!h)
        return;
    for (unsigned i = 0; i < h->count; i++) {
        zmtp_close(h->sources[i].socket);
        follow_close(&h->sources[i].follow);
        frames_free(&h->sources[i].frames);
    }
    if (h->context.database)
        database_drop(h->context.database);
    event_reader_free(h->reader);
    asker_free(h->context.asker);
    ring_free(h->told);
    ring_free(h->notes);
    free(h->paths);
    free(h->sources);
    free(h);
}
