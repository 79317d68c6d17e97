/*
 * vigia replay: captures to their end, findings out.
 */
#include "base/log.h"
#include "run/replay.h"

static int run(const struct options *o)
{
    if (o->argument_count == 0)
        return options_wrong("replay: expected at least one capture, file of events, folder or -");
    if (!o->config.indicators)
        return options_wrong("replay: expected indicators: -i FILE, or a configuration that names some");
    return replay(o, false);
}

const struct command command_replay = {
    .name = "replay",
    .usage = "[-i INDICATORS]... [-c CONFIG] [options] INPUT...",
    .about = "Reads captures and events to their end and prints what in them meets an indicator.",
    .help = "INPUT is a capture (pcap, pcapng) or a file of events (IntelMQ's JSON lines, Suricata's EVE), also "
            "packed: gz,\n"
            "zst, xz, bz2, zip; a folder of them; or - for stdin.\n"
            "The same input gives the same findings, byte for byte, whatever the number of threads.\n",
    .accepts = OPTION_INDICATORS | OPTION_CONFIG | OPTION_THREADS | OPTION_OUTPUT | OPTION_STATS | OPTION_STRICT |
               OPTION_FORMAT | OPTION_AS,
    .run = run,
};
