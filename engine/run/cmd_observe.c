/*
 * vigia observe: every observable, before any matching.
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
        log_error("observe: expected at least one capture, folder or -");
    else
        status = replay(&o, true);
    options_clear(&o);
    return status;
}

const struct command command_observe = {
    .name = "observe",
    .usage = "[-c CONFIG] [options] INPUT...",
    .about = "Prints every observable seen in captures, before any matching.",
    .help = "INPUT as for replay.\n",
    .accepts = OPTION_CONFIG | OPTION_THREADS | OPTION_OUTPUT | OPTION_STATS | OPTION_FORMAT,
    .run = run,
};
