/*
 * The front door: a table of subcommands.
 */
#include "run/command.h"
#include "run/options.h"

#include <stdio.h>

static const struct command *const commands[] = {
    &command_run,     &command_status, &command_reload, &command_watch, &command_hits,   &command_replay,
    &command_observe, &command_lookup, &command_trend,  &command_check, &command_keygen,
};

static void help(FILE *out)
{
    fputs(
        "vigia: indicator correlation for incident response teams\n\nusage: vigia SUBCOMMAND [options] [arguments]\n\n",
        out);
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->about);
    fputs("\nvigia SUBCOMMAND --help says more; vigia --version.\n", out);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return options_run(commands[i], argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0) {
        puts("vigia " VIGIA_VERSION);
        return STATUS_DONE;
    }
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "help") == 0 || strcmp(name, "-h") == 0;
    if (*name && !asked)
        fprintf(stderr, "vigia: error: no subcommand \"%s\"\n\n", name);
    help(asked ? stdout : stderr);
    return asked ? STATUS_DONE : STATUS_USAGE;
}
