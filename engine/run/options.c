/*
 * One list of options for all subcommands; each names those it accepts. The configuration file is read first, whatever
 * the order on the command line, so that the command line wins.
 */
#include "run/options.h"

#include "base/log.h"
#include "base/unpack.h"
#include "feed/format.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CONFIG_FILE_MAX = 16 << 20, LETTER_TEXT = 1024 /* texts have no letter */ };

struct option_line {
    unsigned bit;
    struct option option;
    const char *value;
    const char *about;
};

static const struct option_line lines[] = {
    {OPTION_INDICATORS,
     {"indicators", required_argument, NULL, 'i'},
     "FILE",
     "indicators: CSV, a plain list, MISP (event or feed folder) or STIX; again for more"},
    {OPTION_AS,
     {"as", required_argument, NULL, 'a'},
     "FORMAT",
     "read indicator files as csv, misp, stix or plain, or inputs as intelmq or eve, whatever they look like"},
    {OPTION_CONFIG, {"config", required_argument, NULL, 'c'}, "FILE", "configuration (YAML)"},
    {OPTION_THREADS, {"threads", required_argument, NULL, 't'}, "N", "workers; 0, the default: one for each processor"},
    {OPTION_OUTPUT, {"output", required_argument, NULL, 'o'}, "FILE", "write there instead of to stdout"},
    {OPTION_FORMAT,
     {"format", required_argument, NULL, 'f'},
     "NAME",
     "json, text or csv; default: text on a terminal, else json"},
    {OPTION_STATS,
     {"stats", no_argument, NULL, 's'},
     NULL,
     "at the end, what was seen, refused and not looked into, to stderr"},
    {OPTION_STRICT,
     {"strict-validity", no_argument, NULL, 'v'},
     NULL,
     "only indicators that were valid at the packet's time"},
    {OPTION_ENDPOINT,
     {"endpoint", required_argument, NULL, LETTER_TEXT + TEXT_ENDPOINT},
     "E",
     "where findings are told, as tcp://host:port"},
    {OPTION_ENDPOINT,
     {"replay", required_argument, NULL, LETTER_TEXT + TEXT_REPLAY},
     "E",
     "where what was missed can be asked for"},
    {OPTION_ENDPOINT,
     {"server", required_argument, NULL, LETTER_TEXT + TEXT_SERVER},
     "FILE",
     "public key of the publisher (NAME.pub); with it CURVE is used"},
    {OPTION_ENDPOINT,
     {"key", required_argument, NULL, LETTER_TEXT + TEXT_KEY},
     "FILE",
     "one's own key (NAME.key); default: one made for this run"},
    {OPTION_QUERY, {"journal", required_argument, NULL, LETTER_TEXT + TEXT_JOURNAL}, "FILE", "the journal to ask"},
    {OPTION_QUERY, {"since", required_argument, NULL, LETTER_TEXT + TEXT_SINCE}, "T", "seen at or after this time"},
    {OPTION_QUERY, {"until", required_argument, NULL, LETTER_TEXT + TEXT_UNTIL}, "T", "seen before this time"},
    {OPTION_QUERY, {"country", required_argument, NULL, LETTER_TEXT + TEXT_COUNTRY}, "CC", "of this country"},
    {OPTION_QUERY, {"type", required_argument, NULL, LETTER_TEXT + TEXT_TYPE}, "TYPE", "of this RSIT type"},
    {OPTION_QUERY,
     {"indicator", required_argument, NULL, LETTER_TEXT + TEXT_INDICATOR},
     "V",
     "of this indicator or observed value"},
    {OPTION_QUERY, {"explain", required_argument, NULL, LETTER_TEXT + TEXT_EXPLAIN}, "ID", "one finding, laid out"},
    {OPTION_QUERY, {"limit", required_argument, NULL, LETTER_TEXT + TEXT_LIMIT}, "N", "only the newest N"},
    {OPTION_SERIES,
     {"detector", required_argument, NULL, LETTER_TEXT + TEXT_DETECTOR},
     "NAME",
     "how to judge; the default is ears-c2"},
    {OPTION_SERIES,
     {"group", required_argument, NULL, LETTER_TEXT + TEXT_GROUP},
     "COLUMN,...",
     "a series for each of their values; default: one series"},
    {OPTION_SERIES,
     {"period", required_argument, NULL, LETTER_TEXT + TEXT_PERIOD},
     "N",
     "points in a season, for detectors that know seasons"},
    {~0u, {"help", no_argument, NULL, 'h'}, NULL, "this text"},
};

enum { LINES = sizeof lines / sizeof *lines };

static bool is_short(int letter)
{
    return letter == 'i' || letter == 'c' || letter == 'o' || letter == 'h';
}

static void help(const struct command *command)
{
    printf("vigia %s %s\n\n%s\n%s\n", command->name, command->usage, command->about, command->help);
    for (int i = 0; i < LINES; i++) {
        const struct option_line *l = &lines[i];
        if (!(l->bit & command->accepts) && l->bit != ~0u)
            continue;
        char left[64];
        snprintf(left, sizeof left, "%s--%s%s%s", "", l->option.name, l->value ? " " : "", l->value ? l->value : "");
        if (is_short(l->option.val))
            printf("  -%c, %-24s %s\n", l->option.val, left, l->about);
        else
            printf("      %-24s %s\n", left, l->about);
    }
}

static bool wrong(const struct command *command, int *status)
{
    fprintf(stderr, "usage: vigia %s %s\n       vigia %s --help\n", command->name, command->usage, command->name);
    *status = STATUS_USAGE;
    return false;
}

static void mistake(void *to, const char *text)
{
    (void)to;
    log_error("%s", text);
}

static bool read_config(struct options *o, const char *path)
{
    struct unpack file;
    struct fail why = {.text = ""};
    if (!unpack_file(&file, path, CONFIG_FILE_MAX, &why)) {
        log_error("%s: %s", path, why.text);
        return false;
    }
    bool good =
        config_read(&o->config, &o->arena, path, file.count ? file.parts[0].content : bytes_of(NULL, 0), mistake, NULL);
    unpack_free(&file);
    return good;
}

static bool apply(struct options *o, int letter, const char *value, struct fail *why)
{
    if (letter >= LETTER_TEXT) {
        o->text[letter - LETTER_TEXT] = value;
        return true;
    }
    switch (letter) {
    case 'i': return config_add_indicators(&o->config, &o->arena, value, why);
    case 't': return config_set(&o->config, "threads", bytes_text(value), why);
    case 'o': o->output_path = value; return true;
    case 's': o->stats = true; return true;
    case 'v': o->strict_validity = true; return true;
    case 'a':
        o->as = value;
        return format_named(value) ||
               fail_set(why, "--as: expected csv, misp, stix, plain, intelmq or eve, found \"%s\"", value);
    case 'f':
        o->output = output_named(value);
        return o->output || fail_set(why, "--format: expected json, text or csv, found \"%s\"", value);
    default: return true;
    }
}

static void look_at_terminal(struct options *o)
{
    struct winsize size;
    o->terminal = !o->output_path && isatty(STDOUT_FILENO);
    if (!o->output)
        o->output = output_named(o->terminal ? "text" : "json");
    o->day = INT64_MIN;
    if (o->terminal)
        o->style.day = &o->day; /* a line that goes elsewhere has its date */
    const char *none = getenv("NO_COLOR");
    o->style.colour = o->terminal && !(none && *none);
    if (o->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        o->style.columns = size.ws_col;
}

static bool read_all(struct options *o, const struct command *command, int argc, char **argv, int *status)
{
    struct option accepted[LINES + 1] = {{NULL, 0, NULL, 0}};
    char letters[2 * LINES + 1] = "";
    const char *path = NULL;
    struct {
        int letter;
        const char *value;
    } given[256];
    unsigned count = 0;
    int n = 0;
    for (int i = 0; i < LINES; i++) {
        if (lines[i].bit != ~0u && !(lines[i].bit & command->accepts))
            continue;
        accepted[n++] = lines[i].option;
        if (is_short(lines[i].option.val))
            snprintf(letters + strlen(letters), sizeof letters - strlen(letters), "%c%s", lines[i].option.val,
                     lines[i].value ? ":" : "");
    }
    *o = (struct options){.output = NULL};
    config_defaults(&o->config);
    optind = 1;
    for (int letter; (letter = getopt_long(argc, argv, letters, accepted, NULL)) != -1;) {
        if (letter == 'h') {
            help(command);
            *status = STATUS_DONE;
            return false;
        }
        if (letter == '?' || count == sizeof given / sizeof *given)
            return wrong(command, status);
        if (letter == 'c')
            path = optarg;
        else
            given[count].letter = letter, given[count++].value = optarg;
    }
    bool good = !path || read_config(o, path);
    for (unsigned i = 0; i < count; i++) {
        struct fail why = {.text = ""};
        if (apply(o, given[i].letter, given[i].value, &why))
            continue;
        log_error("%s", why.text);
        good = false;
    }
    if (!good) {
        *status = STATUS_USAGE;
        return false;
    }
    look_at_terminal(o);
    o->arguments = argv + optind;
    o->argument_count = argc - optind;
    return true;
}

int options_print(struct bytes text, int status)
{
    signal(SIGPIPE, SIG_IGN);
    bool written = (!text.len || fwrite(text.at, 1, text.len, stdout) == text.len) && fflush(stdout) == 0;
    if (written || errno == EPIPE)
        return status;
    log_error("stdout: %s", strerror(errno));
    return STATUS_OUTPUT;
}

int options_run(const struct command *command, int argc, char **argv)
{
    struct options o;
    int status;
    if (read_all(&o, command, argc, argv, &status))
        status = command->run(&o);
    arena_free(&o.arena);
    return status;
}

int options_wrong(const char *format, ...)
{
    struct fail why = {.text = ""};
    va_list args;
    va_start(args, format);
    vsnprintf(why.text, sizeof why.text, format, args);
    va_end(args);
    log_error("%s", why.text);
    return STATUS_USAGE;
}
