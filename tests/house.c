/*
 * house: who may include what, read off the tree itself.
 *
 * The rules are functions over a list of {path below engine/, text}. The last test gives them the real tree; the others
 * give them small made-up trees, which show that each rule can fail.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { INCLUDES_MAX = 4096, NAME_OCTETS = 128, REPORT_OCTETS = 1 << 16 };

struct file {
    const char *path; /* below engine/ */
    const char *text;
};

struct include {
    const char *path;
    unsigned line;
    bool angled; /* <...>, not "..." */
    char name[NAME_OCTETS];
};

struct report {
    char text[REPORT_OCTETS];
    size_t len;
};

static void __attribute__((format(printf, 3, 4)))
tell(struct report *r, const struct include *in, const char *format, ...)
{
    va_list args;
    r->len += (size_t)snprintf(r->text + r->len, sizeof r->text - r->len, "engine/%s:%u: ", in->path, in->line);
    va_start(args, format);
    r->len += (size_t)vsnprintf(r->text + r->len, sizeof r->text - r->len, format, args);
    va_end(args);
    r->len += (size_t)snprintf(r->text + r->len, sizeof r->text - r->len, "\n");
    assert(r->len < sizeof r->text);
}

/* ---- the rules, as data ---- */

static const char *const wings[] = {"feed", "wire", "match", "trend", "correlate", "publish", "journal", NULL};

static const char *const everywhere[] = {"base", "model", NULL};

/* Who alone may include a header of ours or of the system. A name that ends in `/` is a room, or a folder of headers.
 */
static const struct {
    const char *header;
    const char *may[10];
} kept[] = {
    {"base/log.h", {"run/", "main.c", "base/log.c"}},
    {"base/clock.h", {"run/", "main.c", "base/clock.c"}},
    {"stdatomic.h",
     {"base/ring.c", "base/ring.h", "base/swap.c", "base/swap.h", "base/counter.c", "base/counter.h",
      "trend/window.c"}},
};

/* Headers of one library under one name. A header that is neither here nor of the system is a library of its own name.
 */
static const struct {
    const char *header; /* begins with this */
    const char *library;
} libraries[] = {
    {"hs", "hyperscan"},        {"pcap", "libpcap"},       {"zmq", "zeromq"},
    {"yaml.h", "libyaml"},      {"urcu", "liburcu"},       {"ck_", "ck"},
    {"openssl/", "libcrypto"},  {"sqlite3", "sqlite"},     {"curl/", "libcurl"},
    {"archive", "libarchive"},  {"idn2.h", "libidn2"},     {"libpsl.h", "libpsl"},
    {"maxminddb", "maxminddb"}, {"simdjson", "simdjson"},  {"xxhash.h", "xxhash"},
    {"nghttp2/", "nghttp2"},    {"zlib.h", "zlib"},        {"brotli/", "brotli"},
    {"jemalloc/", "jemalloc"},
};

static const char *const by_nobody[] = {"jemalloc", NULL}; /* linked */

/* C17, POSIX and Linux. */
static const char *const system_headers[] = {
    "arpa/",     "assert.h",    "complex.h",   "ctype.h",   "dirent.h",   "dlfcn.h",       "endian.h",  "errno.h",
    "fcntl.h",   "fenv.h",      "float.h",     "fnmatch.h", "ftw.h",      "getopt.h",      "glob.h",    "grp.h",
    "ifaddrs.h", "immintrin.h", "inttypes.h",  "iso646.h",  "langinfo.h", "libgen.h",      "limits.h",  "linux/",
    "locale.h",  "math.h",      "net/",        "netdb.h",   "netinet/",   "poll.h",        "pthread.h", "pwd.h",
    "regex.h",   "sched.h",     "semaphore.h", "setjmp.h",  "signal.h",   "stdalign.h",    "stdarg.h",  "stdatomic.h",
    "stdbool.h", "stddef.h",    "stdint.h",    "stdio.h",   "stdlib.h",   "stdnoreturn.h", "string.h",  "strings.h",
    "sys/",      "syslog.h",    "termios.h",   "tgmath.h",  "threads.h",  "time.h",        "uchar.h",   "unistd.h",
    "wchar.h",   "wctype.h",    NULL,
};

/* ---- reading includes ---- */

/* Whether `name` is `entry`, or lies below it where `entry` ends in `/`. */
static bool named(const char *name, const char *entry)
{
    size_t len = strlen(entry);
    return entry[len - 1] == '/' ? strncmp(name, entry, len) == 0 : strcmp(name, entry) == 0;
}

static bool named_in(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (named(name, *list))
            return true;
    return false;
}

/* The room that a path stands in: what is before its `/`; of main.c itself. */
static void room_of(const char *path, char out[NAME_OCTETS])
{
    snprintf(out, NAME_OCTETS, "%.*s", (int)strcspn(path, "/"), path);
}

static bool read_include(const char *line, struct include *in)
{
    while (*line == ' ' || *line == '\t')
        line++;
    if (*line++ != '#')
        return false;
    while (*line == ' ' || *line == '\t')
        line++;
    if (strncmp(line, "include", 7) != 0)
        return false;
    line += 7;
    while (*line == ' ' || *line == '\t')
        line++;
    if (*line != '<' && *line != '"')
        return false;
    in->angled = *line == '<';
    snprintf(in->name, sizeof in->name, "%.*s", (int)strcspn(line + 1, in->angled ? ">\n" : "\"\n"), line + 1);
    return true;
}

static size_t read_includes(const struct file *tree, size_t files, struct include *out)
{
    size_t count = 0;
    for (size_t i = 0; i < files; i++) {
        unsigned number = 1;
        for (const char *line = tree[i].text; *line; number++) {
            assert(count < INCLUDES_MAX);
            out[count].path = tree[i].path;
            out[count].line = number;
            count += read_include(line, &out[count]);
            line += strcspn(line, "\n");
            line += *line == '\n';
        }
    }
    return count;
}

/* ---- the rules ---- */

static bool may_enter(const char *from, const char *to)
{
    if (strcmp(from, "main.c") == 0)
        return strcmp(to, "run") == 0 || strcmp(to, "base") == 0;
    if (strcmp(from, "run") == 0)
        return strcmp(to, "main.c") != 0;
    if (strcmp(from, to) == 0)
        return true;
    if (strcmp(from, "model") == 0)
        return strcmp(to, "base") == 0;
    return named_in(from, wings) && named_in(to, everywhere);
}

/* An include of ours goes down: base < model < wings < run < main.c; a wing knows no other. */
static void rule_floors(const struct include *in, size_t count, struct report *r)
{
    for (; count--; in++) {
        char from[NAME_OCTETS], to[NAME_OCTETS];
        room_of(in->path, from);
        room_of(in->name, to);
        bool known = named_in(to, everywhere) || named_in(to, wings) || strcmp(to, "run") == 0;
        if (!in->angled && (!known || !strchr(in->name, '/')))
            tell(r, in, "\"%s\" does not begin with a floor or wing", in->name);
        else if (known && !may_enter(from, to))
            tell(r, in, "%s may not include \"%s\": an include goes down, never sideways, never up", from, in->name);
    }
}

/* Some headers stay in their rooms. */
static void rule_kept(const struct include *in, size_t count, struct report *r)
{
    for (; count--; in++)
        for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
            if (strcmp(in->name, kept[k].header) == 0 && !named_in(in->path, kept[k].may))
                tell(r, in, "%s is not for this file", in->name);
}

static bool library_of(const struct include *in, const char **library)
{
    if (!in->angled || named_in(in->name, system_headers))
        return false;
    *library = in->name;
    for (size_t l = 0; l < sizeof libraries / sizeof *libraries; l++)
        if (strncmp(in->name, libraries[l].header, strlen(libraries[l].header)) == 0)
            *library = libraries[l].library;
    return true;
}

/* A foreign library is known by one file. */
static void rule_libraries(const struct include *all, size_t count, struct report *r)
{
    for (size_t i = 0; i < count; i++) {
        const char *library, *other;
        if (!library_of(&all[i], &library))
            continue;
        if (named_in(library, by_nobody))
            tell(r, &all[i], "%s is linked, and known by nobody", library);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(all[k].path, all[i].path) == 0 || !library_of(&all[k], &other) || strcmp(library, other) != 0)
                continue;
            tell(r, &all[i], "%s is known by engine/%s already", library, all[k].path);
            break;
        }
    }
}

/* ---- each rule can fail ---- */

typedef void rule(const struct include *in, size_t count, struct report *r);

static void judge(rule *holds, const struct file *tree, size_t files, struct report *r)
{
    static struct include includes[INCLUDES_MAX];
    r->len = 0;
    r->text[0] = 0;
    holds(includes, read_includes(tree, files, includes), r);
}

struct made_up {
    struct file tree[4];
    const char *report;
};

static void judge_all(rule *holds, const struct made_up *cases, size_t count)
{
    static struct report r;
    for (size_t c = 0; c < count; c++) {
        size_t files = 0;
        while (files < 4 && cases[c].tree[files].path)
            files++;
        judge(holds, cases[c].tree, files, &r);
        cr_assert(eq(str, r.text, (char *)cases[c].report), "case %zu", c);
    }
}

#define SIDE_OR_UP "an include goes down, never sideways, never up\n"

static const struct made_up floors[] = {
    {{{"base/a.c", "#include \"base/b.h\"\n"}}, ""},
    {{{"base/a.c", "\n\n#include \"model/b.h\"\n"}},
     "engine/base/a.c:3: base may not include \"model/b.h\": " SIDE_OR_UP},
    {{{"base/a.h", "#include \"run/b.h\""}}, "engine/base/a.h:1: base may not include \"run/b.h\": " SIDE_OR_UP},
    {{{"model/a.c", "#include \"model/b.h\"\n#include \"base/b.h\"\n"}}, ""},
    {{{"model/a.c", "#include \"wire/b.h\"\n"}}, "engine/model/a.c:1: model may not include \"wire/b.h\": " SIDE_OR_UP},
    {{{"wire/a.c", "#include \"wire/b.h\"\n#include \"model/b.h\"\n#include \"base/b.h\"\n"}}, ""},
    {{{"wire/a.c", "#include \"match/b.h\"\n"}}, "engine/wire/a.c:1: wire may not include \"match/b.h\": " SIDE_OR_UP},
    {{{"feed/a.c", "#include \"publish/b.h\"\n"}},
     "engine/feed/a.c:1: feed may not include \"publish/b.h\": " SIDE_OR_UP},
    {{{"publish/a.c", "  #  include\t\"run/b.h\"\n"}},
     "engine/publish/a.c:1: publish may not include \"run/b.h\": " SIDE_OR_UP},
    {{{"wire/a.c", "#include <match/b.h>\n"}}, "engine/wire/a.c:1: wire may not include \"match/b.h\": " SIDE_OR_UP},
    {{{"run/a.c", "#include \"run/b.h\"\n#include \"wire/b.h\"\n#include \"model/b.h\"\n#include \"base/b.h\"\n"}}, ""},
    {{{"main.c", "#include \"run/b.h\"\n#include \"base/b.h\"\n"}}, ""},
    {{{"main.c", "#include \"feed/b.h\"\n"}}, "engine/main.c:1: main.c may not include \"feed/b.h\": " SIDE_OR_UP},
    {{{"wire/a.c", "#include \"b.h\"\n"}}, "engine/wire/a.c:1: \"b.h\" does not begin with a floor or wing\n"},
    {{{"wire/a.c", "#include \"../match/b.h\"\n"}},
     "engine/wire/a.c:1: \"../match/b.h\" does not begin with a floor or wing\n"},
    {{{"attic/a.c", "#include \"base/b.h\"\n"}}, "engine/attic/a.c:1: attic may not include \"base/b.h\": " SIDE_OR_UP},
    {{{"base/a.c", "int x;"}, {"model/a.c", "/* #include \"run/b.h\" */\n#include <stdio.h>\n#define X\n"}}, ""},
};

Test(house, sees_an_include_that_goes_sideways_or_up)
{
    judge_all(rule_floors, floors, sizeof floors / sizeof *floors);
}

static const struct made_up rooms[] = {
    {{{"base/ring.c", "#include <stdatomic.h>\n"}, {"base/counter.h", "#include <stdatomic.h>\n"}}, ""},
    {{{"base/swap.h", "#include <stdatomic.h>\n"}, {"trend/window.c", "#include <stdatomic.h>\n"}}, ""},
    {{{"base/table.c", "#include <stdatomic.h>\n"}}, "engine/base/table.c:1: stdatomic.h is not for this file\n"},
    {{{"trend/window.h", "#include <stdatomic.h>\n"}}, "engine/trend/window.h:1: stdatomic.h is not for this file\n"},
    {{{"run/worker.c", "#include <stdatomic.h>\n"}}, "engine/run/worker.c:1: stdatomic.h is not for this file\n"},
    {{{"run/herald.c", "#include \"base/log.h\"\n"}, {"main.c", "#include \"base/clock.h\"\n"}}, ""},
    {{{"base/log.c", "#include \"base/log.h\"\n"}, {"base/clock.c", "#include \"base/clock.h\"\n"}}, ""},
    {{{"base/log.c", "#include \"base/clock.h\"\n"}}, "engine/base/log.c:1: base/clock.h is not for this file\n"},
    {{{"wire/flow.c", "#include \"base/log.h\"\n"}}, "engine/wire/flow.c:1: base/log.h is not for this file\n"},
    {{{"feed/fetch.c", "#include \"base/clock.h\"\n"}}, "engine/feed/fetch.c:1: base/clock.h is not for this file\n"},
};

Test(house, sees_a_header_outside_its_rooms)
{
    judge_all(rule_kept, rooms, sizeof rooms / sizeof *rooms);
}

static const struct made_up doors[] = {
    {{{"base/patterns.c", "#include <hs.h>\n#include <hs/hs.h>\n"}, {"wire/capture.c", "#include <pcap/pcap.h>\n"}},
     ""},
    {{{"base/patterns.c", "#include <hs.h>\n"}, {"match/database.c", "\n#include <hs/hs_runtime.h>\n"}},
     "engine/match/database.c:2: hyperscan is known by engine/base/patterns.c already\n"},
    {{{"wire/capture.c", "#include <pcap.h>\n"}, {"wire/capture.h", "#include <pcap/pcap.h>\n"}},
     "engine/wire/capture.h:1: libpcap is known by engine/wire/capture.c already\n"},
    {{{"base/ring.c", "#include <ck_ring.h>\n"}, {"base/counter.c", "#include <ck_pr.h>\n"}},
     "engine/base/counter.c:1: ck is known by engine/base/ring.c already\n"},
    {{{"base/swap.c", "#include <urcu/urcu-qsbr.h>\n"}, {"run/worker.c", "#include <urcu.h>\n"}},
     "engine/run/worker.c:1: liburcu is known by engine/base/swap.c already\n"},
    {{{"base/digest.c", "#include <openssl/evp.h>\n"}, {"base/hash.c", "#include <openssl/rand.h>\n"}},
     "engine/base/hash.c:1: libcrypto is known by engine/base/digest.c already\n"},
    {{{"base/unpack.c", "#include <archive.h>\n"}, {"feed/fetch.c", "#include <archive_entry.h>\n"}},
     "engine/feed/fetch.c:1: libarchive is known by engine/base/unpack.c already\n"},
    {{{"run/engine.c", "#include <jemalloc/jemalloc.h>\n"}},
     "engine/run/engine.c:1: jemalloc is linked, and known by nobody\n"},
    {{{"feed/a.c", "#include <newlib.h>\n"},
      {"wire/a.c", "#include <newlib.h>\n"},
      {"run/a.c", "#include <stdio.h>\n"}},
     "engine/wire/a.c:1: newlib.h is known by engine/feed/a.c already\n"},
    {{{"feed/a.c", "#include <stdio.h>\n#include <sys/mman.h>\n"},
      {"wire/a.c", "#include <stdio.h>\n#include <sys/mman.h>\n"}},
     ""},
};

Test(house, sees_a_library_that_two_files_know)
{
    judge_all(rule_libraries, doors, sizeof doors / sizeof *doors);
}

/* Every library of the table counts as one, whoever includes it. */
Test(house, knows_every_library_of_its_table)
{
    static struct report r;
    for (size_t l = 0; l < sizeof libraries / sizeof *libraries; l++) {
        char text[NAME_OCTETS], expected[2 * NAME_OCTETS];
        snprintf(text, sizeof text, "#include <%s>\n", libraries[l].header);
        judge(rule_libraries, (struct file[]){{"feed/a.c", text}, {"wire/a.c", text}}, 2, &r);
        snprintf(expected, sizeof expected, "%s is known by engine/feed/a.c already\n", libraries[l].library);
        cr_assert(strstr(r.text, expected) != NULL, "<%s>: %s", libraries[l].header, r.text);
    }
}

/* ---- the real tree ---- */

enum { TREE_MAX = 1024, ENGINE_PREFIX = sizeof "engine/" - 1 };

static struct file engine[TREE_MAX];
static size_t engine_files;

static int read_source(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)where;
    size_t len = strlen(path);
    bool c = len > 2 && path[len - 2] == '.' && strchr("ch", path[len - 1]);
    bool cpp = len > 4 && strcmp(path + len - 4, ".cpp") == 0;
    if (type != FTW_F || !(c || cpp))
        return 0;
    cr_assert(lt(sz, engine_files, TREE_MAX));
    char *text = calloc(1, (size_t)st->st_size + 1);
    FILE *f = fopen(path, "r");
    cr_assert(text && f && fread(text, 1, (size_t)st->st_size, f) == (size_t)st->st_size, "%s", path);
    fclose(f);
    engine[engine_files++] = (struct file){.path = strdup(path + ENGINE_PREFIX), .text = text};
    return 0;
}

Test(house, holds)
{
    static rule *const rules[] = {rule_floors, rule_kept, rule_libraries};
    static struct report r;
    cr_assert(nftw("engine", read_source, 8, FTW_PHYS) == 0, "run this from the root of the repository");
    cr_assert(gt(sz, engine_files, 50)); /* or it looked at the wrong place */
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        judge(rules[i], engine, engine_files, &r);
        cr_expect(r.len == 0, "\n%s", r.text);
    }
}
