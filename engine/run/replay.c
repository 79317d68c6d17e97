/*
 * Build, start, tell, join, sum up.
 */
#include "run/replay.h"

#include "base/clock.h"
#include "base/log.h"
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
    struct prefix home;
    struct sensor sensor;
    struct reader **readers;
    struct worker *workers[CONFIG_THREADS_MAX];
    unsigned worker_count;
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
    p->database = generation_build(c, p->options->as, 1, false, &p->failed);
    p->metrics.load_ns = clock_monotonic_ns() - begin;
    p->metrics.indicators = p->database ? database_count(p->database) : 0;
    return p->database;
}

static void name_damage(struct play *p)
{
    for (uint32_t i = 0; i < p->inputs.count; i++) {
        const char *why = worker_damage(p->workers[0], i);
        if (!*why)
            continue;
        log_error("%s: %s", p->inputs.all[i].name, why);
        p->failed = true;
    }
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
        log_note("%llu %s in %llu packets; %u indicators", (unsigned long long)p->metrics.told,
                 p->observe ? "values" : "findings", (unsigned long long)p->metrics.wire.packets,
                 p->metrics.indicators);
}

static int play_all(struct play *p)
{
    const struct options *o = p->options;
    unsigned count = worker_count(&o->config);
    p->readers = calloc(p->inputs.count + 1, sizeof(struct reader *));
    if (!p->readers)
        abort();
    for (uint32_t i = 0; i < p->inputs.count; i++)
        if (p->inputs.all[i].pipe >= 0)
            p->readers[i] = reader_start(&p->inputs.all[i], count);
    struct worker_job job = {.config = &o->config,
                             .inputs = &p->inputs,
                             .readers = p->readers,
                             .database = p->database,
                             .home = &p->home,
                             .workers = count,
                             .observe = p->observe,
                             .strict_validity = o->strict_validity};
    int64_t begin = clock_monotonic_ns();
    p->worker_count = count;
    for (unsigned w = 0; w < count; w++)
        p->workers[w] = worker_start(&job, w);
    struct herald_job telling = {.workers = p->workers,
                                 .worker_count = count,
                                 .inputs = &p->inputs,
                                 .sensor = &p->sensor,
                                 .publisher = o->config.publisher,
                                 .output = o->output,
                                 .style = &o->style,
                                 .fd = p->fd,
                                 .octets = inputs_octets(&p->inputs),
                                 .observe = p->observe,
                                 .turn = end_if_interrupted,
                                 .to = p};
    struct herald_result result = herald_run(&telling);
    for (unsigned w = 0; w < count; w++)
        worker_join(p->workers[w]);
    p->metrics.replay_ns = clock_monotonic_ns() - begin;
    p->metrics.told = result.told;
    p->metrics.held_max = result.held_max;
    p->metrics.frames = worker_frames(p->workers[0]);
    for (unsigned w = 0; w < count; w++) {
        metrics_add_wire(&p->metrics, worker_wire_counts(p->workers[w]));
        metrics_add_hits(&p->metrics, worker_hit_counts(p->workers[w]));
    }
    name_damage(p);
    name_unknown_link(p);
    sum_up(p);
    for (unsigned w = 0; w < count; w++)
        worker_free(p->workers[w]);
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
        inputs_open(&p.inputs, o->arguments, o->argument_count);
        p.failed |= p.inputs.failures > 0;
        status = play_all(&p);
        if (o->stats)
            show_stats(&p);
        inputs_close(&p.inputs);
    }
    if (p.database)
        database_drop(p.database);
    prefix_free(&p.home);
    if (o->output_path && close(p.fd) != 0 && status != STATUS_OUTPUT) {
        log_error("%s: %s", o->output_path, strerror(errno));
        status = STATUS_OUTPUT;
    }
    return status;
}
