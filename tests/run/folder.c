/*
 * Facts of a watched folder, read as its reader reads it, on one thread.
 */
#include "run/folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run/ledger.h"

static char path[] = "/tmp/vigia-folder-XXXXXX";
static struct folder *f;
static struct reader_source source;
static char said[4096];

static void complain(void *to, const char *text)
{
    (void)to;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

static void watch(void)
{
    struct fail why = {.text = ""};
    f = folder_open(path, "north", complain, NULL, &why);
    cr_assert(f, "%s", why.text);
    source = folder_source(f);
}

static void start(void)
{
    cr_assert(mkdtemp(path));
    watch();
}

static void end(void)
{
    char command[64];
    folder_close(f);
    snprintf(command, sizeof command, "rm -rf %s", path);
    cr_assert_eq(system(command), 0);
}

TestSuite(folder, .init = start, .fini = end, .timeout = 60);

/* Written aside and moved in; `at` is its time. */
static void put(const char *name, const char *content, time_t at)
{
    char from[128], to[128];
    snprintf(from, sizeof from, "%s/.aside", path);
    snprintf(to, sizeof to, "%s/%s", path, name);
    int fd = open(from, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};
    cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    cr_assert_eq(futimens(fd, times), 0);
    close(fd);
    cr_assert_eq(rename(from, to), 0);
}

static void take_away(const char *name)
{
    char at[128];
    snprintf(at, sizeof at, "%s/%s", path, name);
    cr_assert_eq(unlink(at), 0);
}

/* What comes next, as "name=content", and it is read to its end. Waits while there is nothing. */
static const char *taken(void)
{
    static char text[512];
    char name[PATH_MAX], content[64];
    ssize_t len;
    int fd = source.next(source.to, name, sizeof name);
    if (fd >= 0) {
        len = read(fd, content, sizeof content);
        close(fd);
    } else {
        cr_assert_eq(fd, READER_MEMORY);
        struct bytes all = bytes_until(source.memory(source.to), sizeof content);
        memcpy(content, all.at, all.len);
        len = (ssize_t)all.len;
    }
    source.done(source.to, "");
    cr_assert_eq(strncmp(name, path, strlen(path)), 0);
    snprintf(text, sizeof text, "%s=%.*s", name + strlen(path) + 1, (int)len, content);
    return text;
}

/* What goes to the ledger: "+name" of each that was taken, "-name" of each that is gone. */
static const char *noted(void)
{
    static char text[512];
    text[0] = '\0';
    for (struct ledger_note *n; (n = ring_pop(folder_notes(f))); free(n)) {
        size_t len = strlen(text);
        cr_assert_str_eq(n->file.sensor, "north");
        snprintf(text + len, sizeof text - len, "%c%.*s ", n->gone ? '-' : '+', (int)n->file.name.len,
                 (const char *)n->file.name.at);
    }
    return text;
}

Test(folder, takes_what_is_there_in_the_order_of_change_and_name)
{
    put("c", "1", 300);
    put("b", "2", 200);
    put("a", "3", 200);
    put("d", "4", 100);
    put(".hidden", "5", 50);
    cr_expect_str_eq(taken(), "d=4");
    cr_expect_str_eq(taken(), "a=3");
    cr_expect_str_eq(taken(), "b=2");
    cr_expect_str_eq(taken(), "c=1");
    cr_expect_str_eq(noted(), "+d +a +b +c ");
}

Test(folder, takes_one_that_comes_later_with_an_older_time)
{
    put("a", "1", 300);
    cr_expect_str_eq(taken(), "a=1");
    put("b", "2", 100);
    cr_expect_str_eq(taken(), "b=2");
}

Test(folder, takes_another_file_by_the_same_name_and_one_that_has_grown)
{
    put("a", "1", 300);
    cr_expect_str_eq(taken(), "a=1");
    put("a", "2", 300); /* of the same size and time */
    cr_expect_str_eq(taken(), "a=2");
    char at[128];
    snprintf(at, sizeof at, "%s/a", path);
    int fd = open(at, O_WRONLY | O_APPEND);
    cr_assert_eq(write(fd, "3", 1), 1);
    close(fd);
    cr_expect_str_eq(taken(), "a=23");
    put("z", "4", 400);
    cr_expect_str_eq(taken(), "z=4", "and each once");
    cr_expect_str_eq(noted(), "+a +a +a +z ");
}

/* As the journal knows them. */
static void know(const char *name)
{
    char at[128];
    struct stat st = {.st_ino = 1};
    snprintf(at, sizeof at, "%s/%s", path, name);
    stat(at, &st);
    struct journal_file file = {.sensor = "north",
                                .name = bytes_text(name),
                                .inode = st.st_ino,
                                .size = (uint64_t)st.st_size,
                                .changed_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec};
    folder_know(f, &file);
}

Test(folder, leaves_what_it_knows_and_forgets_what_has_gone)
{
    put("known", "1", 300);
    put("new", "2", 100);
    know("known");
    know("gone");
    cr_expect_str_eq(taken(), "new=2");
    cr_expect_str_eq(noted(), "-gone +new ");
    take_away("known");
    usleep((FOLDER_LOOK_MS + 100) * 1000);
    put("newer", "3", 100);
    cr_expect_str_eq(taken(), "newer=3");
    cr_expect_str_eq(noted(), "-known +newer ");
}

Test(folder, waits_for_who_still_writes)
{
    char at[128];
    snprintf(at, sizeof at, "%s/a", path);
    int fd = open(at, O_WRONLY | O_CREAT, 0600);
    cr_assert_eq(write(fd, "1", 1), 1);
    put("b", "2", 4000000000);
    cr_expect_str_eq(taken(), "b=2");
    cr_assert_eq(write(fd, "1", 1), 1);
    close(fd);
    cr_expect_str_eq(taken(), "a=11");
}

Test(folder, reads_what_is_packed_and_names_what_cannot_be_unpacked)
{
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && printf 1 >.a && printf 2 >.b && gzip -c .a >.p && mv .p a.gz && xz -c .a >.p && mv .p b.xz &&"
             " tar -cf .p .a .b && mv .p c.tar && printf 'PK\\003\\004 no archive' >.p && mv .p d.zip &&"
             " touch -d @100 a.gz && touch -d @200 b.xz && touch -d @300 c.tar && touch -d @400 d.zip",
             path);
    cr_assert_eq(system(command), 0);
    put("e", "3", 500);
    cr_expect_str_eq(taken(), "a.gz=1");
    cr_expect_str_eq(taken(), "b.xz=1");
    cr_expect_str_eq(taken(), "c.tar/.a=1");
    cr_expect_str_eq(noted(), "+a.gz +b.xz ", "an archive is taken with its last member");
    cr_expect_str_eq(taken(), "c.tar/.b=2");
    cr_expect_str_eq(taken(), "e=3");
    cr_expect_str_eq(noted(), "+c.tar +e ");
    cr_expect(strstr(said, "d.zip: "), "%s", said);
}

Test(folder, names_once_what_cannot_be_opened)
{
    if (geteuid() == 0)
        return; /* who may open everything */
    char at[128];
    put("a", "1", 100);
    snprintf(at, sizeof at, "%s/a", path);
    chmod(at, 0);
    put("b", "2", 200);
    cr_expect_str_eq(taken(), "b=2");
    usleep((FOLDER_LOOK_MS + 100) * 1000);
    put("c", "3", 300);
    cr_expect_str_eq(taken(), "c=3");
    cr_expect(strstr(said, "/a: Permission denied\n"), "%s", said);
    cr_expect_null(strstr(strstr(said, "denied") + 1, "denied"));
}

/* With a look through all of them for each, this takes minutes. */
Test(folder, takes_twenty_thousand_files_in_no_time)
{
    enum { FILES = 20000 };
    char name[32];
    struct timespec begun, ended;
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "%05d", i);
        put(name, "x", 1000 + i);
    }
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int i = 0; i < FILES; i++) {
        taken();
        noted();
    }
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "more-%03d", i);
        put(name, "x", 1000 + i);
        taken();
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    double seconds = (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9;
    fprintf(stderr, "%d files: %.2f s\n", FILES, seconds);
    cr_expect_lt(seconds, 20.0, "%f s", seconds);
}
