/*
 * vigia keygen: a CURVE key pair in two files.
 */
#include "base/log.h"
#include "run/keys.h"
#include "run/options.h"

static int make(const char *name)
{
    struct zmtp_keys keys;
    struct fail why = {.text = ""};
    zmtp_keys_make(&keys);
    bool good = keys_write(name, &keys, &why);
    explicit_bzero(&keys, sizeof keys);
    if (!good) {
        log_error("%s", why.text);
        return STATUS_OUTPUT;
    }
    log_note("made %s.key, to be kept secret, and %s.pub, for others", name, name);
    return STATUS_DONE;
}

static int run(const struct options *o)
{
    if (o->argument_count != 1 || !*o->arguments[0])
        return options_wrong("keygen: expected one name");
    return make(o->arguments[0]);
}

const struct command command_keygen = {
    .name = "keygen",
    .usage = "NAME",
    .about = "Makes a CURVE key pair: NAME.key, which only you may read, and NAME.pub, which others need.",
    .help = "NAME may be a path. A file that is there already is never written over.\n",
    .run = run,
};
