/*
 * vigia reload: has the daemon read its configuration and indicators again.
 */
#include "base/log.h"
#include "base/text.h"
#include "run/control.h"
#include "run/options.h"

/* What the daemon says of it, a line each; of a failure, its mistakes. */
static int ask(const struct options *o)
{
    struct buffer reply = {.at = NULL};
    struct fail why = {.text = ""};
    bool done = control_ask(o->config.control.path, "reload", &reply, &why);
    struct bytes rest = buffer_bytes(&reply), line;
    if (!done && !reply.len)
        log_error("%s", why.text);
    while (text_line(&rest, &line)) {
        if (done)
            log_note("%.*s", (int)line.len, (const char *)line.at);
        else
            log_error("%.*s", (int)line.len, (const char *)line.at);
    }
    buffer_free(&reply);
    return done ? STATUS_DONE : STATUS_INPUT;
}

static int run(const struct options *o)
{
    if (o->argument_count)
        return options_wrong("reload: expected no argument");
    return ask(o);
}

const struct command command_reload = {
    .name = "reload",
    .usage = "[-c CONFIG]",
    .about = "Has the running daemon read its configuration and indicators again.",
    .help = "It is found by control.socket of its configuration; without one, vigia.sock in this folder.\n"
            "What it cannot take, it says, and goes on with what it had.\n",
    .accepts = OPTION_CONFIG,
    .run = run,
};
