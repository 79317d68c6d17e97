/*
 * A round: the generation, then every sensor, then quiet.
 */
#include "run/listener.h"

#include "base/clock.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

/* What the listener is told. */
struct order {
    unsigned sensor;
    struct tap_socket *socket; /* NULL: stop */
};

struct ear {
    struct listener *listener;
    struct lane *lane;
    struct tap_socket *socket; /* NULL: nothing to hear, for now */
    int64_t clock_ns;
    struct listener_tap shown;
    uint64_t heard_before; /* by sockets that went away */
    uint64_t lost_before;
    uint64_t frames; /* of a reader's streams, other workers' too */
};

struct listener {
    pthread_t thread;
    const struct listener_job *job;
    unsigned index;
    struct ring *told;
    struct ring *orders;
    struct hits_context context;
    struct ear *ears;
    struct listener_counters counters;
    /* The frames of a socket's batch, until it is flushed. */
    unsigned kept_frames;
    size_t kept_octets;
    uint8_t kept[TAP_SNAP];
};

static void flush(struct ear *e)
{
    lane_flush(e->lane);
    e->listener->kept_frames = 0;
    e->listener->kept_octets = 0;
}

/* A copy that stays until the batch is flushed. libpcap gives a block of its ring back to the kernel before it calls
 * for the next block's first frame, and does not say which frame is a block's last. */
static struct bytes keep(struct ear *e, struct bytes octets)
{
    struct listener *l = e->listener;
    octets = bytes_until(octets, sizeof l->kept);
    if (l->kept_frames == LANE_BATCH || octets.len > sizeof l->kept - l->kept_octets)
        flush(e);
    uint8_t *at = l->kept + l->kept_octets;
    memcpy(at, octets.at, octets.len);
    l->kept_frames++;
    l->kept_octets += octets.len;
    return bytes_of(at, octets.len);
}

static void on_frame(void *to, const struct frame *f)
{
    struct ear *e = to;
    struct frame kept = *f;
    kept.octets = keep(e, f->octets);
    if (f->time_ns > e->clock_ns)
        e->clock_ns = f->time_ns;
    lane_pass_time(e->lane, e->clock_ns);
    lane_take(e->lane, &kept, 0, e->clock_ns);
}

/* What was counted since the last time is added, so that a reader sees each number grow. */
static void show(struct counter *c, uint64_t now)
{
    counter_add(c, now - counter_read(c));
}

static void show_tap(struct ear *e)
{
    uint64_t heard = e->frames, lost = 0;
    if (e->socket)
        tap_counts(e->socket, &heard, &lost);
    show(&e->shown.heard, e->heard_before + heard);
    show(&e->shown.lost, e->lost_before + lost);
}

static void show_counts(struct listener *l)
{
    struct wire_counts sum = {.packets = 0};
    for (unsigned s = 0; s < l->job->sensor_count; s++) {
        const struct wire_counts *c = lane_counts(l->ears[s].lane);
#define ADD(name, about) sum.name += c->name;
        WIRE_COUNTS(ADD)
#undef ADD
        show_tap(&l->ears[s]);
    }
#define SHOW(name, about) show(&l->counters.name, sum.name);
    WIRE_COUNTS(SHOW)
#undef SHOW
    const struct hit_counts *h = &l->context.counts;
    show(&l->counters.observables, h->observables);
    show(&l->counters.hits, h->hits);
    show(&l->counters.repeats, h->repeats);
    show(&l->counters.told_early, h->at_once);
    show(&l->counters.matches_beyond, h->unmatched);
    show(&l->counters.dropped, h->dropped);
}

static void lose_tap(struct ear *e)
{
    show_tap(e);
    e->heard_before = counter_read(&e->shown.heard);
    e->lost_before = counter_read(&e->shown.lost);
    tap_close(e->socket);
    e->socket = NULL;
    counter_add(&e->shown.gone, 1);
}

/* One block of whole records, in which this worker takes the frames of its shards. */
static bool hear_block(struct ear *e, struct reader *reader)
{
    bool ended;
    struct reader_block *b = reader_take(reader, e->listener->index, &ended);
    if (!b)
        return false;
    struct record_reader records = *reader_records(b);
    struct cursor c = cursor_of(reader_octets(b));
    struct frame f;
    struct fail why = {.text = ""};
    while (record_next(&records, &c, &f, &why) == RECORD_FRAME) {
        if (f.time_ns > e->clock_ns)
            e->clock_ns = f.time_ns;
        lane_pass_time(e->lane, e->clock_ns);
        lane_take(e->lane, &f, reader_stream(b), e->clock_ns);
        e->frames++;
    }
    lane_flush(e->lane);
    reader_give_back(reader, e->listener->index, b);
    return true;
}

static bool is_full(const struct listener *l)
{
    return ring_count(l->told) >= LISTENER_RING / 2;
}

static bool hear(struct ear *e)
{
    struct reader *reader = e->listener->job->sensors[e - e->listener->ears].reader;
    if (reader)
        return !is_full(e->listener) && hear_block(e, reader);
    if (!e->socket)
        return false;
    enum tap_verdict read = tap_read(e->socket, LISTENER_ROUND, on_frame, e);
    flush(e);
    switch (read) {
    case TAP_FRAMES: return true;
    case TAP_GONE: lose_tap(e); break;
    case TAP_NOTHING: break;
    }
    /* Silence passes time too, a little behind the frames that may still be on their way. */
    lane_pass_time(e->lane, clock_wall_ns() - 2 * SHARD_TICK_NS);
    return false;
}

/* Until the next quiet. */
static void look_at_places(struct listener *l)
{
    l->context.places = swap_get(l->job->places);
}

/* Moves to the present generation if there is a new one. */
static void renew(struct listener *l)
{
    look_at_places(l);
    const struct database *db = swap_get(l->job->database);
    const struct database *old = l->context.database;
    if (db == old)
        return;
    if (!asker_fit(l->context.asker, db))
        return; /* no memory for it: goes on with the old one */
    database_hold(db);
    l->context.database = db;
    for (unsigned s = 0; s < l->job->sensor_count; s++)
        lane_renew(l->ears[s].lane);
    database_drop(old);
    show(&l->counters.generation, database_generation(db));
}

static void wait(struct listener *l)
{
    struct pollfd ready[64];
    nfds_t count = 0;
    for (unsigned s = 0; s < l->job->sensor_count && count < 64; s++) {
        struct reader *reader = l->job->sensors[s].reader;
        if (l->ears[s].socket)
            ready[count++] = (struct pollfd){.fd = tap_descriptor(l->ears[s].socket), .events = POLLIN};
        else if (reader && !is_full(l))
            ready[count++] = (struct pollfd){.fd = reader_descriptor(reader, l->index), .events = POLLIN};
    }
    swap_offline();
    poll(ready, count, LISTENER_WAIT_MS);
    swap_online();
}

/* False: to stop. */
static bool obey(struct listener *l)
{
    bool go_on = true;
    for (struct order *o; (o = ring_pop(l->orders)); free(o)) {
        if (!o->socket)
            go_on = false;
        else
            l->ears[o->sensor].socket = o->socket;
    }
    return go_on;
}

/* What has come already, but not for ever what still comes. */
static void drain(struct listener *l)
{
    int64_t until_ns = clock_monotonic_ns() + LISTENER_DRAIN_NS;
    for (bool did = true; did && clock_monotonic_ns() < until_ns;) {
        did = false;
        look_at_places(l);
        for (unsigned s = 0; s < l->job->sensor_count; s++)
            did |= hear(&l->ears[s]);
        swap_quiet();
        for (unsigned idle = 0; is_full(l) && clock_monotonic_ns() < until_ns; did = true)
            ring_pause(&idle);
    }
}

static void *run(void *arg)
{
    struct listener *l = arg;
    int64_t shown_ns = 0;
    swap_join();
    while (obey(l)) {
        bool did = false;
        renew(l);
        for (unsigned s = 0; s < l->job->sensor_count; s++)
            did |= hear(&l->ears[s]);
        swap_quiet();
        int64_t now_ns = clock_monotonic_ns();
        if (now_ns - shown_ns > INT64_C(100000000)) {
            show_counts(l);
            shown_ns = now_ns;
        }
        if (!did)
            wait(l);
    }
    drain(l);
    look_at_places(l);
    for (unsigned s = 0; s < l->job->sensor_count; s++) {
        if (l->job->sensors[s].reader)
            reader_leave(l->job->sensors[s].reader, l->index);
        lane_end(l->ears[s].lane);
    }
    show_counts(l);
    ring_close(l->told);
    swap_part();
    return NULL;
}

struct listener *listener_start(const struct listener_job *job, unsigned index)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->job = job;
    l->index = index;
    l->told = ring_new(LISTENER_RING);
    l->orders = ring_new(64);
    l->ears = calloc(job->sensor_count + 1, sizeof *l->ears);
    if (!l->ears)
        abort();
    const struct database *db = job->database->current;
    database_hold(db);
    l->context = (struct hits_context){
        .database = db, .asker = asker_new(), .told = l->told, .live = true, .strict_validity = true};
    show(&l->counters.generation, database_generation(db));
    if (!asker_fit(l->context.asker, db))
        abort();
    for (unsigned s = 0; s < job->sensor_count; s++) {
        l->ears[s] = (struct ear){.listener = l, .clock_ns = INT64_MIN};
        l->ears[s].lane = lane_new(&(struct lane_settings){.config = job->config,
                                                           .hits = &l->context,
                                                           .sensor = (uint16_t)s,
                                                           .home = &job->sensors[s].home,
                                                           .worker = index,
                                                           .workers = job->workers,
                                                           .all = !job->sensors[s].reader});
    }
    if (pthread_create(&l->thread, NULL, run, l) != 0)
        abort();
    return l;
}

static bool give(struct listener *l, unsigned sensor, struct tap_socket *socket)
{
    struct order *o = malloc(sizeof *o);
    if (!o)
        abort();
    *o = (struct order){.sensor = sensor, .socket = socket};
    if (ring_push(l->orders, o))
        return true;
    free(o);
    return false;
}

bool listener_give_tap(struct listener *l, unsigned sensor, struct tap_socket *socket)
{
    return give(l, sensor, socket);
}

struct ring *listener_told(struct listener *l)
{
    return l->told;
}

const struct listener_counters *listener_counters(const struct listener *l)
{
    return &l->counters;
}

const struct listener_tap *listener_tap(const struct listener *l, unsigned sensor)
{
    return &l->ears[sensor].shown;
}

void listener_stop(struct listener *l)
{
    for (unsigned idle = 0; !give(l, 0, NULL); ring_pause(&idle))
        ;
}

void listener_join(struct listener *l)
{
    pthread_join(l->thread, NULL);
}

void listener_free(struct listener *l)
{
    for (unsigned s = 0; s < l->job->sensor_count; s++) {
        tap_close(l->ears[s].socket);
        lane_free(l->ears[s].lane);
    }
    for (struct order *o; (o = ring_pop(l->orders)); free(o))
        tap_close(o->socket);
    asker_free(l->context.asker);
    database_drop(l->context.database);
    ring_free(l->told);
    ring_free(l->orders);
    free(l->ears);
    free(l);
}
