/*
 * vigia replay: captures to their end, findings out.
 */
#include "base/log.h"
#include "run/replay.h"

static int run(const struct command *self, int argc, char **argv)
{
    struct options o;
    int status;
    if (!options_read(&o, self, argc, argv, &status)) {
        options_clear(&o);
        return status;
    }
    status = STATUS_USAGE;
    if (o.argument_count == 0)
        log_error("replay: expected at least one capture, folder or -");
    else if (!o.config.indicators)
        log_error("replay: expected indicators: -i FILE, or a configuration that names some");
    else
        status = replay(&o, false);
    options_clear(&o);
    return status;
}

const struct command command_replay = {
    .name = "replay",
    .usage = "[-i INDICATORS]... [-c CONFIG] [options] INPUT...",
    .about = "Reads captures to their end and prints what in them meets an indicator.",
    .help = "INPUT is a pcap or pcapng file (also packed: gz, zst, xz, bz2, zip), a folder of them, or - for stdin.\n"
            "The same input gives the same findings, byte for byte, whatever the number of threads.\n",
    .accepts = OPTION_INDICATORS | OPTION_CONFIG | OPTION_THREADS | OPTION_OUTPUT | OPTION_STATS | OPTION_STRICT |
               OPTION_FORMAT | OPTION_AS,
    .run = run,
};
