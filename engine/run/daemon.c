/*
 * One round a second, or when something calls: signal, control socket, a generation that is ready.
 */
#include "run/daemon.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/unpack.h"
#include "run/archivist.h"
#include "run/atlas.h"
#include "run/control.h"
#include "run/crier.h"
#include "run/folder.h"
#include "run/generation.h"
#include "run/hearer.h"
#include "run/keys.h"
#include "run/ledger.h"
#include "run/port.h"
#include "run/surveyor.h"

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
    struct counter damaged; /* streams and archives; of the reader's thread */
    bool gone;              /* the interface is away; said once */
    uint64_t gone_before;   /* as counted when it was last opened */
};

/* A generation that is being built, or is ready. */
struct building {
    struct daemon *daemon;
    uint64_t ticket; /* of who waits for it: its number */
    bool asked;      /* not only since a file has changed */
    bool late;       /* who waited was told so */
    int64_t begun_ns;
    struct buffer said; /* by the builder, to stderr as well */
    pthread_t thread;
    struct config config;
    struct arena arena;
    bool read;           /* the configuration is good */
    uint64_t files_mark; /* of its indicator files, before they were read */
    uint32_t generation;
    const struct database *database;   /* NULL: it could not be built */
    struct places *places;             /* NULL: no file names any */
    bool placed;                       /* all files of countries could be read */
    struct generation_report *reports; /* of its files */
    struct ring *ready;                /* closed when done */
};

struct daemon {
    const struct options *options;
    const struct config *config;
    unsigned workers;
    struct listening *sensors;
    struct source *sources;
    struct swap database;
    struct swap places; /* struct places, or NULL */
    struct atlas atlas; /* of the start: its regions */
    uint32_t generation;
    struct building *building;         /* under way */
    struct building *built;            /* the last whose configuration was good; NULL: `config` is */
    uint64_t builds;                   /* so many have begun */
    bool build_again;                  /* a reload was asked for while one was under way */
    bool build_asked;                  /* and not by a file */
    struct generation_report *reports; /* of the files of `config` */
    uint64_t files_mark;               /* of the indicator files as they were read */
    struct journal *journal;
    struct zmtp *zmtp;
    struct zmtp_socket *publishing;
    struct archivist *archivist;
    struct listener *listeners[CONFIG_THREADS_MAX];
    struct listener_job listening;
    struct hearer *hearer;
    struct hearer_job hearing;
    struct ring *told[CONFIG_THREADS_MAX + 1]; /* findings of the listeners and the hearer */
    struct ring **notes;                       /* of the folders and the hearer */
    struct ledger *ledger;
    struct surveyor *surveyor;
    struct ring *trends; /* of the surveyor, to the crier */
    struct crier *crier;
    bool all_told; /* at the end: nothing that was found is missing in the journal */
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

static void know(void *to, const struct journal_file *file)
{
    folder_know(to, file);
}

static bool open_source(struct daemon *d, unsigned index, struct fail *why)
{
    struct source *s = &d->sources[index];
    struct listening *l = &d->sensors[index];
    struct reader_source streams;
    if (s->config->interface)
        return true; /* once the listeners are there */
    if (s->config->folder) {
        s->folder = folder_open(s->config->folder_path, s->config->name, complain, s, why);
        if (!s->folder || !journal_taken(d->journal, s->config->name, know, s->folder, why))
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
    d->sensors = calloc(d->config->sensors_count + d->config->feeds_count + 1, sizeof *d->sensors);
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

static void tell_trend(void *to, struct trend *t)
{
    struct daemon *d = to;
    if (!ring_push_wait(d->trends, t))
        free(t);
}

/* Who counts: the crier what packets show, and the hearer what each feed tells. */
enum { WRITER_CRIER, WRITER_FEEDS };

static bool open_surveyor(struct daemon *d)
{
    const struct config *c = d->config;
    struct fail why = {.text = ""};
    const struct surveyor_settings settings = {.regions = d->atlas.regions,
                                               .detector = detector_named(c->trends.detector),
                                               .window_ns = c->trends.window_ns,
                                               .lateness_ns = c->trends.lateness_ns,
                                               .least = c->trends.least,
                                               .writers = WRITER_FEEDS + c->feeds_count,
                                               .start_ns = clock_wall_ns() - SURVEYOR_BEHIND * c->trends.window_ns};
    if (!surveyor_fits(&settings, &why)) {
        log_error("%s", why.text);
        return false;
    }
    d->trends = ring_new(SURVEYOR_RING);
    d->surveyor = surveyor_new(&settings, tell_trend, d);
    return true;
}

/* Behind the sensors: to a finding, a feed is one. */
static bool open_feeds(struct daemon *d)
{
    unsigned index = d->config->sensors_count;
    struct fail why = {.text = ""};
    for (const struct config_feed *c = d->config->feeds; c; c = c->next, index++) {
        struct listening *l = &d->sensors[index];
        l->sensor = (struct sensor){.name = c->name, .tlp = c->tlp};
        memcpy(l->sensor.country, c->country, sizeof l->sensor.country);
        l->source = c->path ? c->file : c->subscribe;
    }
    d->hearing = (struct hearer_job){.config = d->config,
                                     .first_sensor = (uint16_t)d->config->sensors_count,
                                     .database = &d->database,
                                     .places = &d->places,
                                     .zmtp = d->zmtp,
                                     .surveyor = d->surveyor,
                                     .first_writer = WRITER_FEEDS};
    d->hearer = hearer_open(&d->hearing, &why);
    if (d->hearer && hearer_know(d->hearer, d->journal, &why))
        return true;
    log_error("%s", why.text);
    return false;
}

static void open_ledger(struct daemon *d)
{
    unsigned count = 0;
    d->notes = calloc(d->config->sensors_count + 1, sizeof(struct ring *));
    if (!d->notes)
        abort();
    for (unsigned i = 0; i < d->config->sensors_count; i++)
        if (d->sources[i].folder)
            d->notes[count++] = folder_notes(d->sources[i].folder);
    d->notes[count++] = hearer_notes(d->hearer);
    d->ledger = ledger_new(d->notes, count);
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

static uint64_t mark_with(uint64_t mark, const char *path)
{
    struct stat st;
    int64_t parts[4] = {0};
    if (stat(path, &st) == 0) {
        parts[0] = st.st_mtim.tv_sec;
        parts[1] = st.st_mtim.tv_nsec;
        parts[2] = (int64_t)st.st_size;
        parts[3] = (int64_t)st.st_ino;
    }
    return mark * UINT64_C(0x9e3779b97f4a7c15) + hash_fixed(parts, sizeof parts);
}

/* Changes when one of the files of indicators or countries does. */
static uint64_t mark_of(const struct config *c)
{
    uint64_t mark = 0;
    char room[PATH_MAX];
    for (const struct config_indicators *f = c->indicators; f; f = f->next)
        mark = mark_with(mark, generation_watched(f->path, room));
    for (const struct config_countries *f = c->countries; f; f = f->next)
        mark = mark_with(mark, f->path);
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

static void add_said(void *to, const char *line)
{
    struct building *b = to;
    buffer_format(&b->said, "%s\n", line);
}

static void *build(void *arg)
{
    struct building *b = arg;
    bool failed = false;
    log_also(add_said, b);
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), BUILDER_NICE);
    b->read = read_again(b);
    b->files_mark = b->read ? mark_of(&b->config) : 0;
    if (b->read) {
        b->reports = calloc(b->config.indicators_count + 1, sizeof *b->reports);
        if (!b->reports)
            abort();
        b->database = generation_build(&b->config, b->daemon->options->as, b->generation, true, b->reports, &failed);
        b->places = atlas_places(&b->config, &b->placed);
    }
    ring_close(b->ready);
    return NULL;
}

/* The ticket of the build that begins after this. `asked`: somebody did, not a file. */
static uint64_t reload(struct daemon *d, bool asked)
{
    if (d->building) {
        d->build_again = true;
        d->build_asked |= asked;
        return d->builds + 1;
    }
    struct building *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->daemon = d;
    b->ticket = ++d->builds;
    b->asked = asked;
    b->begun_ns = clock_monotonic_ns();
    b->generation = d->generation + 1;
    b->ready = ring_new(4);
    d->files_mark = mark_of(watched(d));
    d->build_again = d->build_asked = false;
    d->building = b;
    if (pthread_create(&b->thread, NULL, build, b) != 0)
        abort();
    return b->ticket;
}

static void not_taken(void *to, int line, const char *key, const char *what)
{
    struct building *b = to;
    struct fail text = {.text = ""};
    fail_set(&text, "%s: %s; takes effect at the next start", key, what);
    if (line > 0)
        fail_at(&text, "line %d", line);
    fail_at(&text, "%s", b->config.path);
    buffer_format(&b->said, "%s\n", text.text);
    if (b->asked)
        log_warning("%s", text.text);
}

/* What came of it goes to the front of what was said. */
static void answer(struct daemon *d, struct building *b)
{
    struct buffer reply = {.at = NULL};
    if (b->database)
        buffer_format(&reply, "generation %u: %u indicators\n", d->generation, database_count(b->database));
    buffer_add(&reply, b->said.at, b->said.len);
    if (!b->database)
        buffer_format(&reply, "generation %u stays in place\n", d->generation);
    control_answer(d->control, b->ticket, b->database, buffer_bytes(&reply));
    buffer_free(&reply);
}

/* Who waits waits no longer; the building goes on. */
static void answer_late(struct daemon *d, struct building *b)
{
    char text[128];
    if (b->late || clock_monotonic_ns() - b->begun_ns < DAEMON_RELOAD_S * INT64_C(1000000000))
        return;
    int len = snprintf(text, sizeof text,
                       "generation %u is still being built: vigia status tells when it is in place\n", b->generation);
    control_answer(d->control, UINT64_MAX, false, bytes_of(text, (size_t)len));
    b->late = true;
}

static void put_places(struct daemon *d, struct building *b)
{
    if (b->placed)
        b->places = swap_put(&d->places, b->places);
    else
        log_error("reload: the countries of before stay in place");
    places_free(b->places);
    b->places = NULL;
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
    put_places(d, b);
    crier_tell_config(d->crier, &b->config);
    config_changes(d->config, &b->config, not_taken, b);
}

static void building_free(struct building *b)
{
    if (!b)
        return;
    ring_free(b->ready);
    places_free(b->places);
    buffer_free(&b->said);
    free(b->reports);
    arena_free(&b->arena);
    free(b);
}

static void look_after_building(struct daemon *d, bool wait)
{
    struct building *b = d->building;
    if (!b)
        return;
    if (!wait && !ring_ended(b->ready)) {
        answer_late(d, b);
        return;
    }
    pthread_join(b->thread, NULL);
    put_in_place(d, b);
    answer(d, b);
    d->building = NULL;
    if (b->read) {
        d->files_mark = b->files_mark;
        building_free(d->built);
        d->built = b;
    } else {
        building_free(b);
    }
    if (d->build_again && !wait)
        reload(d, d->build_asked);
}

static bool first_generation(struct daemon *d)
{
    bool failed = false;
    d->generation = (uint32_t)journal_number(d->journal, "generation") + 1;
    d->files_mark = mark_of(d->config);
    d->reports = calloc(d->config->indicators_count + 1, sizeof *d->reports);
    if (!d->reports)
        abort();
    const struct database *db = generation_build(d->config, d->options->as, d->generation, false, d->reports, &failed);
    d->database.current = (void *)(uintptr_t)db;
    if (db)
        log_note("generation %u: %u indicators", d->generation, database_count(db));
    return db;
}

/* A file of countries that cannot be read is named, and costs itself. */
static bool open_atlas(struct daemon *d)
{
    bool failed = false;
    if (!atlas_open(&d->atlas, d->config, &failed))
        return false;
    d->places.current = d->atlas.places;
    d->atlas.places = NULL;
    return true;
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

/* Of the last configuration that was good; a file of which nothing is in place says so by `whole`. */
static void write_files(struct json *j, const struct daemon *d)
{
    const struct generation_report *r = d->built ? d->built->reports : d->reports;
    json_array(j);
    for (const struct config_indicators *f = watched(d)->indicators; f; f = f->next, r++) {
        json_object(j);
        json_key(j, "name"), json_string(j, f->file);
        json_key(j, "read"), json_number(j, r->read);
        json_key(j, "refused"), json_number(j, r->refused);
        json_key(j, "warnings"), json_number(j, r->warnings);
        json_key(j, "whole"), json_bool(j, r->whole);
        json_end(j);
    }
    json_end(j);
}

static void number(struct json *j, const char *key, const struct counter *c)
{
    json_key(j, key), json_number(j, (int64_t)counter_read(c));
}

static void write_trends(struct json *j, const struct daemon *d)
{
    const struct surveyor_counters *c = surveyor_counters(d->surveyor);
    struct census sum;
    surveyor_sum(d->surveyor, &sum);
    json_key(j, "trends"), json_object(j);
    number(j, "counted", &sum.counted);
    number(j, "elsewhere", &sum.elsewhere);
    number(j, "withheld", &sum.withheld);
    number(j, "late", &sum.late);
    number(j, "early", &sum.early);
    number(j, "watched", &c->watched);
    number(j, "windows", &c->windows);
    number(j, "alarms", &c->alarms);
    json_end(j);
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
    json_key(&j, "files"), write_files(&j, d);
    json_key(&j, "workers"), json_number(&j, d->workers);
    json_key(&j, "sensors"), json_array(&j);
    for (unsigned i = 0; i < d->config->sensors_count; i++)
        write_sensor(&j, d, i);
    json_end(&j);
    json_key(&j, "feeds"), json_array(&j);
    hearer_status(d->hearer, &j);
    json_end(&j);
    json_key(&j, "wire"), write_counters(&j, d);
    json_key(&j, "telling"), json_object(&j);
    number(&j, "findings", &p->findings);
    number(&j, "publications", &p->publications);
    number(&j, "waiting", &p->waiting);
    number(&j, "dropped", &p->dropped);
    number(&j, "folded", &c->folded);
    number(&j, "correlations", &c->correlations);
    number(&j, "journal_failures", &p->failures);
    number(&j, "trimmed", &c->trimmed);
    json_end(&j);
    write_trends(&j, d);
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

static enum control_outcome command(void *to, struct bytes line, struct buffer *reply, uint64_t *ticket)
{
    struct daemon *d = to;
    if (bytes_equal(line, bytes_text("status"))) {
        write_status(d, reply);
    } else if (bytes_equal(line, bytes_text("reload"))) {
        *ticket = reload(d, true);
        return CONTROL_WAITS;
    } else if (bytes_equal(line, bytes_text("stop"))) {
        d->stop = true;
        buffer_text(reply, "stopping\n");
    } else {
        buffer_text(reply, "expected status, reload or stop\n");
        return CONTROL_REFUSED;
    }
    return CONTROL_DONE;
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
        return first_generation(d) && open_atlas(d) && open_sensors(d) && open_surveyor(d) && open_feeds(d);
    log_error("%s", why.text);
    return false;
}

static void start(struct daemon *d)
{
    struct fail why = {.text = ""};
    open_ledger(d);
    if (!journal_set_number(d->journal, "generation", d->generation, &why))
        log_warning("journal: %s", why.text); /* the crier tries again */
    d->listening = (struct listener_job){.config = d->config,
                                         .sensors = d->sensors,
                                         .sensor_count = d->config->sensors_count,
                                         .database = &d->database,
                                         .places = &d->places,
                                         .workers = d->workers};
    for (unsigned w = 0; w < d->workers; w++) {
        d->listeners[w] = listener_start(&d->listening, w);
        d->told[w] = listener_told(d->listeners[w]);
    }
    d->told[d->workers] = hearer_told(d->hearer);
    hearer_start(d->hearer);
    struct crier_job job = {.rings = d->told,
                            .ring_count = d->workers + 1,
                            .census = surveyor_census(d->surveyor, WRITER_CRIER),
                            .trends = d->trends,
                            .config = d->config,
                            .ledger = d->ledger,
                            .publishing = {.sensors = d->sensors,
                                           .name = d->config->publisher,
                                           .regions = d->atlas.regions,
                                           .journal = d->journal,
                                           .socket = d->publishing}};
    surveyor_start(d->surveyor);
    d->crier = crier_start(&job);
    crier_tell_generation(d->crier, d->generation);
}

static void hear_signals(struct daemon *d)
{
    struct signalfd_siginfo info;
    while (read(d->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload(d, true);
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
            reload(d, false);
    }
}

/* Down the river: sources, listeners, hearer, surveyor, crier. */
static void stop_all(struct daemon *d)
{
    look_after_building(d, true);
    for (unsigned w = 0; w < d->workers; w++)
        listener_stop(d->listeners[w]);
    hearer_stop(d->hearer);
    for (unsigned w = 0; w < d->workers; w++)
        listener_join(d->listeners[w]);
    hearer_join(d->hearer);
    surveyor_stop(d->surveyor);
    ring_close(d->trends);
    crier_join(d->crier, PATIENCE_NS);
    d->all_told = counter_read(&crier_publisher(d->crier)->waiting) == 0;
}

/* The crier has ended, and no reader has more to note. */
static void close_ledger(struct daemon *d)
{
    struct fail why = {.text = ""};
    if (d->ledger && d->all_told && !ledger_finish(d->ledger, d->journal, &why))
        log_error("journal: %s; the last captures will be read again", why.text);
    if (d->ledger)
        ledger_free(d->ledger);
    free(d->notes);
}

static void close_sources(struct daemon *d)
{
    unsigned count = d->sources ? d->config->sensors_count : 0;
    for (unsigned i = 0; i < count; i++)
        if (d->sensors[i].reader)
            reader_stop(d->sensors[i].reader);
    close_ledger(d);
    hearer_free(d->hearer);
    for (unsigned i = 0; i < count; i++) {
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
    close_sources(d);
    surveyor_free(d->surveyor);
    if (d->trends)
        ring_free(d->trends);
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
    places_free(d->places.current);
    atlas_close(&d->atlas);
    if (d->signals >= 0)
        close(d->signals);
    building_free(d->built);
    free(d->reports);
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
            log_note("running: %u sensors, %u feeds, %u workers, findings at %s", d.config->sensors_count,
                     d.config->feeds_count, d.workers, zmtp_endpoint(d.publishing));
            status = STATUS_DONE;
            supervise(&d);
        }
        stop_all(&d);
    }
    close_all(&d);
    return status;
}
