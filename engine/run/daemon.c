/*
 * One round a second, or when something calls: signal, control socket, a generation that is ready.
 */
#include "run/daemon.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/unpack.h"
#include "run/archivist.h"
#include "run/control.h"
#include "run/crier.h"
#include "run/folder.h"
#include "run/generation.h"
#include "run/keys.h"
#include "run/port.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUND_MS = 1000, BUILDER_NICE = 10, CONFIG_OCTETS_MAX = 16 << 20 };

#define PATIENCE_NS (INT64_C(10) * 1000000000) /* with a journal that refuses, at the end */

/* Where a sensor's packets come from. */
struct source {
    const struct config_sensor *config;
    struct folder *folder;
    struct port *port;
    struct counter damaged; /* streams; of the reader's thread */
    bool gone;              /* the interface is away; said once */
    uint64_t gone_before;   /* as counted when it was last opened */
};

/* A generation that is being built, or is ready. */
struct building {
    struct daemon *daemon;
    pthread_t thread;
    struct config config;
    struct arena arena;
    bool read;           /* the configuration is good */
    uint64_t files_mark; /* of its indicator files, before they were read */
    uint32_t generation;
    const struct database *database; /* NULL: it could not be built */
    struct ring *ready;              /* closed when done */
};

struct daemon {
    const struct options *options;
    const struct config *config;
    unsigned workers;
    struct listening *sensors;
    struct source *sources;
    struct swap database;
    uint32_t generation;
    struct building *building; /* under way */
    struct building *built;    /* the last whose configuration was good; NULL: `config` is */
    bool build_again;          /* a reload was asked for while one was under way */
    uint64_t files_mark;       /* of the indicator files as they were read */
    struct journal *journal;
    struct zmtp *zmtp;
    struct zmtp_socket *publishing;
    struct archivist *archivist;
    struct listener *listeners[CONFIG_THREADS_MAX];
    struct listener_job listening;
    struct crier *crier;
    struct control *control;
    int signals;
    int64_t begun_ns;
    bool stop;
};

static unsigned worker_count(const struct config *c)
{
    long online = c->threads ? (long)c->threads : sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > CONFIG_THREADS_MAX ? CONFIG_THREADS_MAX : (unsigned)online;
}

static void complain(void *to, const char *text)
{
    struct source *s = to;
    counter_add(&s->damaged, 1);
    log_error("sensor %s: %s", s->config->name, text);
}

/* ---- sensors */

static bool open_tap(struct daemon *d, unsigned index, struct fail *why)
{
    const struct config_sensor *c = d->sources[index].config;
    struct tap_socket *sockets[CONFIG_THREADS_MAX];
    struct tap_settings settings = {.interface = c->interface,
                                    .filter = c->filter,
                                    .buffer_octets = c->buffer_octets,
                                    .promiscuous = c->promiscuous};
    if (!tap_open(&settings, sockets, d->workers, why))
        return false;
    int64_t now_ns = clock_wall_ns();
    for (unsigned w = 0; w < d->workers; w++) {
        tap_begin(sockets[w], now_ns);
        if (!listener_give_tap(d->listeners[w], index, sockets[w]))
            tap_close(sockets[w]);
    }
    return true;
}

static uint64_t gone_count(const struct daemon *d, unsigned sensor)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < d->workers; w++)
        sum += counter_read(&listener_tap(d->listeners[w], sensor)->gone);
    return sum;
}

/* An interface that went away is tried again every round, once every listener has let go of it. */
static void watch_tap(struct daemon *d, unsigned index)
{
    struct source *s = &d->sources[index];
    struct fail why = {.text = ""};
    uint64_t gone = gone_count(d, index);
    if (!s->gone && gone == s->gone_before)
        return;
    if (!s->gone)
        log_warning("sensor %s: interface %s went away; it is tried again", s->config->name, s->config->interface);
    s->gone = true;
    if (gone - s->gone_before < d->workers || !open_tap(d, index, &why))
        return;
    log_note("sensor %s: interface %s is back", s->config->name, s->config->interface);
    s->gone_before = gone;
    s->gone = false;
}

static bool open_source(struct daemon *d, unsigned index, struct fail *why)
{
    struct source *s = &d->sources[index];
    struct listening *l = &d->sensors[index];
    char name[2 * CONFIG_NAME_MAX];
    struct reader_source streams;
    if (s->config->interface)
        return true; /* once the listeners are there */
    if (s->config->folder) {
        snprintf(name, sizeof name, "folder.%s", s->config->name);
        s->folder = folder_open(s->config->folder_path, journal_number(d->journal, name), complain, s, why);
        if (!s->folder)
            return false;
        streams = folder_source(s->folder);
    } else {
        s->port = port_open(&s->config->listen, complain, s, why);
        if (!s->port)
            return false;
        streams = port_source(s->port);
    }
    l->reader = reader_listen(&streams, d->workers);
    return true;
}

static void describe(struct daemon *d, unsigned index, const struct config_sensor *c)
{
    static uint32_t values[CONFIG_HOME_MAX];
    struct listening *l = &d->sensors[index];
    d->sources[index].config = c;
    l->sensor = (struct sensor){.name = c->name, .tlp = c->tlp};
    memcpy(l->sensor.country, c->country, sizeof l->sensor.country);
    l->source = c->interface ? c->interface : c->folder ? c->folder : c->listen.text;
    prefix_build(&l->home, c->home.block, values, c->home.count);
}

static bool open_sensors(struct daemon *d)
{
    unsigned index = 0;
    struct fail why = {.text = ""};
    d->sensors = calloc(d->config->sensors_count, sizeof *d->sensors);
    d->sources = calloc(d->config->sensors_count, sizeof *d->sources);
    if (!d->sensors || !d->sources)
        abort();
    for (const struct config_sensor *c = d->config->sensors; c; c = c->next, index++) {
        describe(d, index, c);
        if (open_source(d, index, &why))
            continue;
        log_error("sensor %s: %s", c->name, why.text);
        return false;
    }
    return true;
}

static bool open_taps(struct daemon *d)
{
    struct fail why = {.text = ""};
    for (unsigned i = 0; i < d->config->sensors_count; i++)
        if (d->sources[i].config->interface && !open_tap(d, i, &why)) {
            log_error("sensor %s: %s", d->sources[i].config->name, why.text);
            return false;
        }
    return true;
}

/* ---- generations */

/* Changes when one of the indicator files does. */
static uint64_t mark_of(const struct config *c)
{
    uint64_t mark = 0;
    for (const struct config_indicators *f = c->indicators; f; f = f->next) {
        struct stat st;
        int64_t parts[4] = {0};
        if (stat(f->path, &st) == 0) {
            parts[0] = st.st_mtim.tv_sec;
            parts[1] = st.st_mtim.tv_nsec;
            parts[2] = (int64_t)st.st_size;
            parts[3] = (int64_t)st.st_ino;
        }
        mark = mark * UINT64_C(0x9e3779b97f4a7c15) + hash_fixed(parts, sizeof parts);
    }
    return mark;
}

static const struct config *watched(const struct daemon *d)
{
    return d->built ? &d->built->config : d->config;
}

static void mistake(void *to, const char *text)
{
    (void)to;
    log_error("%s", text);
}

static bool read_again(struct building *b)
{
    struct unpack file;
    struct fail why = {.text = ""};
    const char *path = b->daemon->config->path;
    config_defaults(&b->config);
    if (!unpack_file(&file, path, CONFIG_OCTETS_MAX, &why)) {
        log_error("%s: %s", path, why.text);
        return false;
    }
    bool good =
        config_read(&b->config, &b->arena, path, file.count ? file.parts[0].content : bytes_of(NULL, 0), mistake, NULL);
    unpack_free(&file);
    return good;
}

static void *build(void *arg)
{
    struct building *b = arg;
    bool failed = false;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), BUILDER_NICE);
    b->read = read_again(b);
    b->files_mark = b->read ? mark_of(&b->config) : 0;
    if (b->read)
        b->database = generation_build(&b->config, b->daemon->options->as, b->generation, true, &failed);
    ring_close(b->ready);
    return NULL;
}

static void reload(struct daemon *d)
{
    if (d->building) {
        d->build_again = true;
        return;
    }
    struct building *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->daemon = d;
    b->generation = d->generation + 1;
    b->ready = ring_new(4);
    d->files_mark = mark_of(watched(d));
    d->build_again = false;
    d->building = b;
    if (pthread_create(&b->thread, NULL, build, b) != 0)
        abort();
}

static void put_in_place(struct daemon *d, struct building *b)
{
    if (!b->database) {
        log_error("reload: generation %u stays in place", d->generation);
        return;
    }
    d->generation = b->generation;
    crier_tell_generation(d->crier, d->generation); /* before anything is found with it */
    const struct database *old = swap_put(&d->database, (void *)(uintptr_t)b->database);
    database_drop(old);
    log_note("generation %u: %u indicators", d->generation, database_count(b->database));
}

static void building_free(struct building *b)
{
    if (!b)
        return;
    ring_free(b->ready);
    arena_free(&b->arena);
    free(b);
}

static void look_after_building(struct daemon *d, bool wait)
{
    struct building *b = d->building;
    if (!b || (!wait && !ring_ended(b->ready)))
        return;
    pthread_join(b->thread, NULL);
    put_in_place(d, b);
    d->building = NULL;
    if (b->read) {
        d->files_mark = b->files_mark;
        building_free(d->built);
        d->built = b;
    } else {
        building_free(b);
    }
    if (d->build_again && !wait)
        reload(d);
}

static bool first_generation(struct daemon *d)
{
    bool failed = false;
    d->generation = (uint32_t)journal_number(d->journal, "generation") + 1;
    d->files_mark = mark_of(d->config);
    const struct database *db = generation_build(d->config, d->options->as, d->generation, false, &failed);
    d->database.current = (void *)(uintptr_t)db;
    if (db)
        log_note("generation %u: %u indicators", d->generation, database_count(db));
    return db;
}

/* ---- status */

static void write_counters(struct json *j, const struct daemon *d)
{
    uint64_t sum;
#define SUM(member)                                                                                                    \
    sum = 0;                                                                                                           \
    for (unsigned w = 0; w < d->workers; w++)                                                                          \
        sum += counter_read(&listener_counters(d->listeners[w])->member);                                              \
    json_key(j, #member), json_number(j, (int64_t)sum);
#define SUM_WIRE(name, about) SUM(name)
    json_object(j);
    WIRE_COUNTS(SUM_WIRE)
    SUM(observables) SUM(hits) SUM(repeats) SUM(told_early) SUM(matches_beyond) SUM(dropped) json_end(j);
#undef SUM_WIRE
#undef SUM
}

static void write_sensor(struct json *j, const struct daemon *d, unsigned index)
{
    uint64_t heard = 0, lost = 0;
    for (unsigned w = 0; w < d->workers; w++) {
        const struct listener_tap *t = listener_tap(d->listeners[w], index);
        uint64_t of_worker = counter_read(&t->heard);
        heard = d->sensors[index].reader ? of_worker > heard ? of_worker : heard : heard + of_worker;
        lost += counter_read(&t->lost);
    }
    json_object(j);
    json_key(j, "name"), json_string(j, d->sensors[index].sensor.name);
    json_key(j, "source"), json_string(j, d->sensors[index].source);
    json_key(j, "heard"), json_number(j, (int64_t)heard);
    json_key(j, "lost"), json_number(j, (int64_t)lost);
    json_key(j, "away"), json_bool(j, d->sources[index].gone);
    json_key(j, "damaged"), json_number(j, (int64_t)counter_read(&d->sources[index].damaged));
    json_end(j);
}

static void number(struct json *j, const char *key, const struct counter *c)
{
    json_key(j, key), json_number(j, (int64_t)counter_read(c));
}

static void write_status(struct daemon *d, struct buffer *out)
{
    const struct publisher_counters *p = crier_publisher(d->crier);
    const struct crier_counters *c = crier_counters(d->crier);
    struct json j = json_to(out);
    json_object(&j);
    json_key(&j, "publisher"), json_string(&j, d->config->publisher);
    json_key(&j, "version"), json_string(&j, VIGIA_VERSION);
    json_key(&j, "seconds"), json_number(&j, (clock_monotonic_ns() - d->begun_ns) / 1000000000);
    json_key(&j, "generation"), json_number(&j, d->generation);
    json_key(&j, "indicators"), json_number(&j, database_count(d->database.current));
    json_key(&j, "building"), json_bool(&j, d->building != NULL);
    json_key(&j, "workers"), json_number(&j, d->workers);
    json_key(&j, "sensors"), json_array(&j);
    for (unsigned i = 0; i < d->config->sensors_count; i++)
        write_sensor(&j, d, i);
    json_end(&j);
    json_key(&j, "wire"), write_counters(&j, d);
    json_key(&j, "telling"), json_object(&j);
    number(&j, "findings", &p->findings);
    number(&j, "publications", &p->publications);
    number(&j, "waiting", &p->waiting);
    number(&j, "dropped", &p->dropped);
    number(&j, "folded", &c->folded);
    number(&j, "journal_failures", &p->failures);
    number(&j, "trimmed", &c->trimmed);
    json_end(&j);
    if (d->archivist) {
        const struct archivist_counters *a = archivist_counters(d->archivist);
        json_key(&j, "replay"), json_object(&j);
        number(&j, "requests", &a->requests);
        number(&j, "answers", &a->answers);
        number(&j, "refused", &a->refused);
        json_end(&j);
    }
    json_end(&j);
    buffer_char(out, '\n');
}

static bool command(void *to, struct bytes line, struct buffer *reply)
{
    struct daemon *d = to;
    if (bytes_equal(line, bytes_text("status"))) {
        write_status(d, reply);
    } else if (bytes_equal(line, bytes_text("reload"))) {
        reload(d);
        buffer_format(reply, "building generation %u\n", d->generation + 1);
    } else if (bytes_equal(line, bytes_text("stop"))) {
        d->stop = true;
        buffer_text(reply, "stopping\n");
    } else {
        buffer_text(reply, "expected status, reload or stop\n");
        return false;
    }
    return true;
}

/* ---- life */

static bool open_signals(struct daemon *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* every thread made from now on has them blocked too */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGIO, SIG_IGN); /* the kernel's word that a lease on a capture is in another's way (folder) */
    d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return d->signals >= 0;
}

static bool open_telling(struct daemon *d, struct fail *why)
{
    struct zmtp_keys keys;
    const struct zmtp_keys *used = d->config->publish.key_path ? &keys : NULL;
    if (used && !keys_read(d->config->publish.key_path, &keys, why))
        return false;
    d->zmtp = zmtp_new();
    d->publishing = zmtp_publisher(d->zmtp, d->config->publish.endpoint, used, why);
    struct zmtp_socket *answering = d->publishing ? zmtp_answerer(d->zmtp, d->config->publish.replay, used, why) : NULL;
    struct journal_reader *reader = answering ? journal_reader_open(d->config->journal.path, why) : NULL;
    if (reader)
        d->archivist = archivist_start(answering, reader);
    else
        zmtp_close(answering);
    return reader;
}

static bool open_all(struct daemon *d)
{
    struct fail why = {.text = ""};
    if (!open_signals(d))
        fail_set(&why, "signals: %s", strerror(errno));
    else if (!(d->control = control_open(d->config->control.path, &why)))
        fail_at(&why, "control");
    else if (!(d->journal = journal_open(d->config->journal.path, &why)))
        fail_at(&why, "journal: %s", d->config->journal.path);
    else if (!open_telling(d, &why))
        fail_at(&why, "publish");
    if (!*why.text)
        return first_generation(d) && open_sensors(d);
    log_error("%s", why.text);
    return false;
}

static void start(struct daemon *d)
{
    struct fail why = {.text = ""};
    if (!journal_set_number(d->journal, "generation", d->generation, &why))
        log_warning("journal: %s", why.text); /* the crier tries again */
    d->listening = (struct listener_job){.config = d->config,
                                         .sensors = d->sensors,
                                         .sensor_count = d->config->sensors_count,
                                         .database = &d->database,
                                         .workers = d->workers};
    for (unsigned w = 0; w < d->workers; w++)
        d->listeners[w] = listener_start(&d->listening, w);
    struct crier_job job = {
        .listeners = d->listeners,
        .listener_count = d->workers,
        .config = d->config,
        .publishing = {
            .sensors = d->sensors, .name = d->config->publisher, .journal = d->journal, .socket = d->publishing}};
    d->crier = crier_start(&job);
    crier_tell_generation(d->crier, d->generation);
}

static void hear_signals(struct daemon *d)
{
    struct signalfd_siginfo info;
    while (read(d->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload(d);
        else
            d->stop = true;
    }
}

static void supervise(struct daemon *d)
{
    while (!d->stop) {
        struct pollfd ready[2] = {{.fd = d->signals, .events = POLLIN},
                                  {.fd = control_descriptor(d->control), .events = POLLIN}};
        poll(ready, 2, d->building ? 10 : ROUND_MS);
        hear_signals(d);
        control_serve(d->control, command, d);
        look_after_building(d, false);
        for (unsigned i = 0; i < d->config->sensors_count; i++)
            if (d->sources[i].config->interface)
                watch_tap(d, i);
        if (!d->building && mark_of(watched(d)) != d->files_mark)
            reload(d);
    }
}

/* Down the river: sources, listeners, crier. */
static void stop_all(struct daemon *d)
{
    look_after_building(d, true);
    for (unsigned w = 0; w < d->workers; w++)
        listener_stop(d->listeners[w]);
    for (unsigned w = 0; w < d->workers; w++)
        listener_join(d->listeners[w]);
    crier_join(d->crier, PATIENCE_NS);
}

static void write_positions(struct daemon *d)
{
    for (unsigned i = 0; d->journal && d->sources && i < d->config->sensors_count; i++) {
        struct fail why = {.text = ""};
        char name[2 * CONFIG_NAME_MAX];
        if (!d->sources[i].folder)
            continue;
        snprintf(name, sizeof name, "folder.%s", d->sources[i].config->name);
        if (!journal_set_number(d->journal, name, folder_position(d->sources[i].folder), &why))
            log_error("journal: %s", why.text);
    }
}

static void close_sources(struct daemon *d)
{
    for (unsigned i = 0; d->sources && i < d->config->sensors_count; i++) {
        if (d->sensors[i].reader)
            reader_stop(d->sensors[i].reader);
        if (d->sources[i].folder)
            folder_close(d->sources[i].folder);
        if (d->sources[i].port)
            port_close(d->sources[i].port);
        prefix_free(&d->sensors[i].home);
    }
    free(d->sources);
    free(d->sensors);
}

static void close_all(struct daemon *d)
{
    for (unsigned w = 0; w < d->workers && d->listeners[w]; w++)
        listener_free(d->listeners[w]);
    if (d->crier)
        crier_free(d->crier);
    write_positions(d);
    close_sources(d);
    if (d->archivist)
        archivist_stop(d->archivist);
    if (d->publishing)
        zmtp_close(d->publishing);
    if (d->zmtp)
        zmtp_free(d->zmtp);
    if (d->journal)
        journal_close(d->journal);
    if (d->control)
        control_close(d->control);
    if (d->database.current)
        database_drop(d->database.current);
    if (d->signals >= 0)
        close(d->signals);
    building_free(d->built);
}

int daemon_run(const struct options *o)
{
    struct daemon d = {.options = o,
                       .config = &o->config,
                       .workers = worker_count(&o->config),
                       .signals = -1,
                       .begun_ns = clock_monotonic_ns()};
    int status = STATUS_USAGE;
    if (open_all(&d)) {
        start(&d);
        if (open_taps(&d)) {
            log_note("running: %u sensors, %u workers, findings at %s", d.config->sensors_count, d.workers,
                     zmtp_endpoint(d.publishing));
            status = STATUS_DONE;
            supervise(&d);
        }
        stop_all(&d);
    }
    close_all(&d);
    return status;
}
