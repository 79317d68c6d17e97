/*
 * Build, start, tell, join, sum up.
 */
#include "run/replay.h"

#include "base/clock.h"
#include "base/log.h"
#include "run/atlas.h"
#include "run/event_worker.h"
#include "run/generation.h"
#include "run/herald.h"
#include "run/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

struct play {
    const struct options *options;
    bool observe;
    bool failed; /* some input was not read as it should */
    struct inputs inputs;
    const struct database *database;
    struct atlas atlas;
    struct prefix home;
    struct sensor sensor;
    struct reader **readers;
    struct worker *workers[CONFIG_THREADS_MAX];
    unsigned worker_count;
    struct surveyor *surveyor;         /* NULL: nothing is counted */
    struct event_worker *event_worker; /* NULL: there are no events */
    struct metrics metrics;
    int fd;
};

static unsigned worker_count(const struct config *c)
{
    if (c->threads)
        return (unsigned)c->threads;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > CONFIG_THREADS_MAX ? CONFIG_THREADS_MAX : (unsigned)online;
}

static bool open_output(struct play *p)
{
    const char *path = p->options->output_path;
    p->fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : STDOUT_FILENO;
    if (p->fd < 0)
        log_error("%s: %s", path, strerror(errno));
    return p->fd >= 0;
}

/* `--as` names a form of events, then it is said of the inputs; or one of indicators. */
static const struct format *as_of(const struct options *o, bool events)
{
    const struct format *f = o->as ? format_named(o->as) : NULL;
    return f && (f->read_event != NULL) == events ? f : NULL;
}

static bool load(struct play *p)
{
    const struct config *c = &p->options->config;
    static uint32_t values[CONFIG_HOME_MAX];
    prefix_build(&p->home, c->sensor.home.block, values, c->sensor.home.count);
    p->sensor = (struct sensor){.name = c->sensor.name, .tlp = c->sensor.tlp};
    memcpy(p->sensor.country, c->sensor.country, sizeof p->sensor.country);
    if (p->observe)
        return true;
    int64_t begin = clock_monotonic_ns();
    p->database = generation_build(c, as_of(p->options, false) ? p->options->as : NULL, 1, false, NULL, &p->failed);
    p->metrics.load_ns = clock_monotonic_ns() - begin;
    p->metrics.indicators = p->database ? database_count(p->database) : 0;
    return p->database && atlas_open(&p->atlas, c, &p->failed);
}

static void name_damage(struct play *p)
{
    for (uint32_t i = 0; i < p->inputs.count; i++) {
        bool events = p->inputs.all[i].events;
        const char *why = events ? event_worker_damage(p->event_worker, i) : worker_damage(p->workers[0], i);
        if (!*why)
            continue;
        log_error("%s: %s", p->inputs.all[i].name, why);
        p->failed = true;
    }
}

/* What of the events was refused or not understood. */
static void name_tally(struct play *p, uint32_t input)
{
    const struct tally *t = event_worker_tally(p->event_worker, input);
    struct buffer text = {.at = NULL};
    bool refused = tally_refused(t) > 0;
    tally_write(t, &text);
    if (text.len)
        (refused ? log_error : log_warning)("%s: %.*s", p->inputs.all[input].name, (int)text.len, text.at);
    buffer_free(&text);
    p->failed |= refused;
    metrics_add_tally(&p->metrics, t);
}

static void name_tallies(struct play *p)
{
    for (uint32_t i = 0; i < p->inputs.count; i++)
        if (p->inputs.all[i].events)
            name_tally(p, i);
}

static void show_stats(const struct play *p)
{
    struct buffer text = {.at = NULL};
    metrics_text(&p->metrics, &text);
    ssize_t written = write(STDERR_FILENO, text.at, text.len);
    (void)written; /* nowhere left to say so */
    buffer_free(&text);
}

/* Interrupted is as good as at the end: what was found is told, with the state that it has. */
static void end_if_interrupted(void *to)
{
    struct play *p = to;
    if (!interrupted)
        return;
    for (uint32_t i = 0; i < p->inputs.count; i++)
        if (p->readers[i])
            reader_end(p->readers[i]);
    for (unsigned w = 0; w < p->worker_count; w++)
        worker_end(p->workers[w]);
    if (p->event_worker)
        event_worker_end(p->event_worker);
}

static uint64_t passed(void *to)
{
    const struct play *p = to;
    return worker_passed(p->workers[0]) + (p->event_worker ? event_worker_passed(p->event_worker) : 0);
}

static void name_unknown_link(struct play *p)
{
    int link = worker_unknown_link(p->workers[0]);
    if (link < 0)
        return;
    bool all = p->metrics.wire.packets == 0;
    (all ? log_error : log_warning)("%llu frames have a link type that is not understood (the first: LINKTYPE %d)",
                                    (unsigned long long)p->metrics.wire.link_unknown, link);
    p->failed |= all;
}

/* Who looks at a terminal is told that it is over, and of what. */
static void sum_up(const struct play *p)
{
    if (p->options->terminal && !p->options->stats)
        log_note("%llu %s in %llu packets and %llu events; %u indicators", (unsigned long long)p->metrics.told,
                 p->observe ? "values" : "findings", (unsigned long long)p->metrics.wire.packets,
                 (unsigned long long)p->metrics.events, p->metrics.indicators);
}

/* Who counts: the herald what packets show, the event worker what events tell. */
enum { WRITER_HERALD, WRITER_EVENTS };

static bool open_surveyor(struct play *p)
{
    const struct config *c = &p->options->config;
    struct fail why = {.text = ""};
    const struct surveyor_settings settings = {.regions = p->atlas.regions,
                                               .detector = detector_named(c->trends.detector),
                                               .window_ns = c->trends.window_ns,
                                               .lateness_ns = c->trends.lateness_ns,
                                               .least = c->trends.least,
                                               .writers = inputs_events(&p->inputs) ? 2 : 1};
    if (!surveyor_fits(&settings, &why)) {
        log_error("%s", why.text);
        return false;
    }
    p->surveyor = surveyor_new(&settings, NULL, NULL);
    return true;
}

static int play_all(struct play *p)
{
    const struct options *o = p->options;
    unsigned count = worker_count(&o->config);
    p->readers = calloc(p->inputs.count + 1, sizeof(struct reader *));
    if (!p->readers)
        abort();
    for (uint32_t i = 0; i < p->inputs.count; i++)
        if (p->inputs.all[i].pipe >= 0 && !p->inputs.all[i].events)
            p->readers[i] = reader_start(&p->inputs.all[i], count);
    struct worker_job job = {.config = &o->config,
                             .inputs = &p->inputs,
                             .readers = p->readers,
                             .database = p->database,
                             .places = p->atlas.places,
                             .home = &p->home,
                             .workers = count,
                             .observe = p->observe,
                             .strict_validity = o->strict_validity};
    int64_t begin = clock_monotonic_ns();
    p->worker_count = count;
    struct herald_source sources[CONFIG_THREADS_MAX + 1];
    unsigned source_count = 0;
    for (unsigned w = 0; w < count; w++) {
        p->workers[w] = worker_start(&job, w);
        sources[source_count++] = (struct herald_source){worker_told(p->workers[w]), worker_progress(p->workers[w])};
    }
    struct event_worker_job hearing = {.inputs = &p->inputs,
                                       .database = p->database,
                                       .places = p->atlas.places,
                                       .census = p->surveyor ? surveyor_census(p->surveyor, WRITER_EVENTS) : NULL,
                                       .observe = p->observe,
                                       .strict_validity = o->strict_validity};
    struct correlate_rule rule = {.window_ns = o->config.correlation.window_ns,
                                  .countries = (unsigned)o->config.correlation.countries};
    if (inputs_events(&p->inputs)) {
        p->event_worker = event_worker_start(&hearing);
        sources[source_count++] =
            (struct herald_source){event_worker_told(p->event_worker), event_worker_progress(p->event_worker)};
    }
    struct herald_job telling = {.sources = sources,
                                 .source_count = source_count,
                                 .inputs = &p->inputs,
                                 .sensor = &p->sensor,
                                 .regions = p->atlas.regions,
                                 .publisher = o->config.publisher,
                                 .output = o->output,
                                 .style = &o->style,
                                 .fd = p->fd,
                                 .octets = inputs_octets(&p->inputs),
                                 .correlation = p->observe ? NULL : &rule,
                                 .surveyor = p->surveyor,
                                 .census = p->surveyor ? surveyor_census(p->surveyor, WRITER_HERALD) : NULL,
                                 .observe = p->observe,
                                 .turn = end_if_interrupted,
                                 .passed = passed,
                                 .to = p};
    struct herald_result result = herald_run(&telling);
    for (unsigned w = 0; w < count; w++)
        worker_join(p->workers[w]);
    if (p->event_worker)
        event_worker_join(p->event_worker);
    p->metrics.replay_ns = clock_monotonic_ns() - begin;
    p->metrics.told = result.told;
    p->metrics.held_max = result.held_max;
    p->metrics.frames = worker_frames(p->workers[0]);
    for (unsigned w = 0; w < count; w++) {
        metrics_add_wire(&p->metrics, worker_wire_counts(p->workers[w]));
        metrics_add_hits(&p->metrics, worker_hit_counts(p->workers[w]));
    }
    if (p->event_worker) {
        metrics_add_hits(&p->metrics, event_worker_hit_counts(p->event_worker));
        name_tallies(p);
    }
    name_damage(p);
    name_unknown_link(p);
    sum_up(p);
    for (unsigned w = 0; w < count; w++)
        worker_free(p->workers[w]);
    event_worker_free(p->event_worker);
    for (uint32_t i = 0; i < p->inputs.count; i++)
        if (p->readers[i])
            reader_stop(p->readers[i]);
    free(p->readers);
    if (result.error && result.error != EPIPE) {
        log_error("%s: %s", o->output_path ? o->output_path : "stdout", strerror(result.error));
        return STATUS_OUTPUT;
    }
    return p->failed ? STATUS_INPUT : STATUS_DONE;
}

int replay(const struct options *o, bool observe)
{
    struct play p = {.options = o, .observe = observe, .fd = -1};
    struct sigaction once = {.sa_handler = interrupt, .sa_flags = SA_RESETHAND};
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGINT, &once, NULL);
    sigaction(SIGTERM, &once, NULL);
    int status = STATUS_OUTPUT;
    if (!open_output(&p))
        return status;
    status = STATUS_USAGE;
    if (load(&p)) {
        inputs_open(&p.inputs, &(struct inputs_settings){.sensor = p.sensor, .as = as_of(o, true)}, o->arguments,
                    o->argument_count);
        p.failed |= p.inputs.failures > 0;
        status = p.observe || open_surveyor(&p) ? play_all(&p) : STATUS_USAGE;
        if (o->stats)
            show_stats(&p);
        surveyor_free(p.surveyor);
        inputs_close(&p.inputs);
    }
    if (p.database)
        database_drop(p.database);
    atlas_close(&p.atlas);
    prefix_free(&p.home);
    if (o->output_path && close(p.fd) != 0 && status != STATUS_OUTPUT) {
        log_error("%s: %s", o->output_path, strerror(errno));
        status = STATUS_OUTPUT;
    }
    return status;
}
