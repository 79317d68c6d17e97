/*
 * vigia observe: every observable, before any matching.
 */
#include "base/log.h"
#include "run/replay.h"

static int run(const struct options *o)
{
    if (o->argument_count == 0)
        return options_wrong("observe: expected at least one capture, file of events, folder or -");
    return replay(o, true);
}

const struct command command_observe = {
    .name = "observe",
    .usage = "[-c CONFIG] [options] INPUT...",
    .about = "Prints every observable seen in captures and events, before any matching.",
    .help = "INPUT as for replay.\n",
    .accepts = OPTION_AS | OPTION_CONFIG | OPTION_THREADS | OPTION_OUTPUT | OPTION_STATS | OPTION_FORMAT,
    .run = run,
};
