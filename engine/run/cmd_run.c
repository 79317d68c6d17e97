/*
 * vigia run: the daemon.
 */
#include "base/log.h"
#include "run/daemon.h"

static int run(const struct options *o)
{
    if (o->argument_count)
        return options_wrong("run: expected no arguments but options; sensors stand in the configuration");
    if (!o->config.path)
        return options_wrong("run: expected a configuration: -c FILE");
    if (!o->config.sensors && !o->config.feeds)
        return options_wrong("%s: sensors, feeds: expected at least one of either", o->config.path);
    return daemon_run(o);
}

const struct command command_run = {
    .name = "run",
    .usage = "-c CONFIG [options]",
    .about = "The daemon: hears all sensors, tells findings over ZeroMQ and remembers them, until SIGTERM.",
    .help = "SIGHUP, `vigia reload` or a changed indicator file: reads everything anew, without losing a packet.\n",
    .accepts = OPTION_CONFIG | OPTION_THREADS,
    .run = run,
};
