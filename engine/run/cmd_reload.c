/*
 * vigia reload: has the daemon read its configuration and indicators again.
 */
#include "base/log.h"
#include "base/text.h"
#include "run/control.h"
#include "run/daemon.h"
#include "run/options.h"

/* What the daemon says of it, a line each; of a failure, its mistakes. The daemon gives up waiting before we do. */
static int ask(const struct options *o)
{
    struct buffer reply = {.at = NULL};
    struct fail why = {.text = ""};
    int status = STATUS_INPUT;
    struct bytes rest, line;
    if (control_ask(o->config.control.path, "reload", DAEMON_RELOAD_S + CONTROL_PATIENCE_S, &reply, &why)) {
        status = options_print(buffer_bytes(&reply), STATUS_DONE);
    } else {
        if (!reply.len)
            log_error("%s", why.text);
        for (rest = buffer_bytes(&reply); text_line(&rest, &line);)
            log_error("%.*s", (int)line.len, (const char *)line.at);
    }
    buffer_free(&reply);
    return status;
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
            "Waits for the outcome, which it prints; status 1 when the daemon goes on with what it had.\n"
            "Settings that take effect only when the daemon starts anew are named.\n",
    .accepts = OPTION_CONFIG,
    .run = run,
};
