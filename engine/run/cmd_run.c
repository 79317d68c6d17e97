/*
 * vigia run: the daemon.
 */
#include "base/log.h"
#include "run/daemon.h"

static int run(const struct command *self, int argc, char **argv)
{
    struct options o;
    int status;
    if (!options_read(&o, self, argc, argv, &status)) {
        options_clear(&o);
        return status;
    }
    status = STATUS_USAGE;
    if (o.argument_count)
        log_error("run: expected no arguments but options; sensors stand in the configuration");
    else if (!o.config.path)
        log_error("run: expected a configuration: -c FILE");
    else if (!o.config.sensors)
        log_error("%s: sensors: expected at least one", o.config.path);
    else
        status = daemon_run(&o);
    options_clear(&o);
    return status;
}

const struct command command_run = {
    .name = "run",
    .usage = "-c CONFIG [options]",
    .about = "The daemon: hears all sensors, tells findings over ZeroMQ and remembers them, until SIGTERM.",
    .help = "SIGHUP, `vigia reload` or a changed indicator file: reads everything anew, without losing a packet.\n",
    .accepts = OPTION_CONFIG | OPTION_THREADS,
    .run = run,
};
