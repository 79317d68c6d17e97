#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed/follow.h"

#define SECOND INT64_C(1000000000)

static char folder[64], path[96], aside[96];
static char got[1 << 16];
static struct frames frames;
static struct follow follow;
static int64_t now_ns;

static void begin(void)
{
    strcpy(folder, "/tmp/vigia-follow-XXXXXX");
    cr_assert(mkdtemp(folder));
    now_ns = SECOND;
    snprintf(path, sizeof path, "%s/events", folder);
    snprintf(aside, sizeof aside, "%s/events.1", folder);
    follow = follow_of(path, 0, 0, 0);
}

static void end(void)
{
    follow_close(&follow);
    frames_free(&frames);
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(folder);
}

/* The file is renamed, changed for the last time at that second. */
static void rotate(const char *name, int second)
{
    char to[128];
    snprintf(to, sizeof to, "%s/%s", folder, name);
    cr_assert_eq(rename(path, to), 0);
    cr_assert_eq(utimensat(AT_FDCWD, to, (struct timespec[2]){{.tv_sec = second}, {.tv_sec = second}}, 0), 0);
}

static void add(const char *where, const char *text)
{
    FILE *file = fopen(where, "a");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
}

/* What a look brings, for as long as there is something. */
static const char *hear(void)
{
    struct bytes frame;
    got[0] = 0;
    for (unsigned quiet = 0; quiet < 2;) {
        enum follow_found found = follow_read(&follow, &frames, now_ns);
        while (frames_next(&frames, &frame, found == FOLLOW_END))
            snprintf(got + strlen(got), sizeof got - strlen(got), "<%.*s>", (int)frame.len, (const char *)frame.at);
        if (found == FOLLOW_END)
            follow_turn(&follow, &frames);
        quiet = found == FOLLOW_NOTHING ? quiet + 1 : 0;
    }
    return got;
}

/* A later life, which knows only the position. */
static void restart(void)
{
    uint64_t inode = follow.inode, at = follow_position(&follow, &frames);
    int64_t changed_ns = follow_changed(&follow);
    follow_close(&follow);
    frames_restart(&frames);
    follow = follow_of(path, inode, at, changed_ns);
}

TestSuite(follow, .init = begin, .fini = end);

Test(follow, waits_for_a_file_that_is_not_there_yet)
{
    cr_expect_str_eq(hear(), "");
    cr_expect_neq(follow.error, 0);
    add(path, "a\n");
    cr_expect_str_eq(hear(), "<a>");
    cr_expect_eq(follow.error, 0);
}

Test(follow, reads_what_is_added_and_waits_for_the_rest_of_a_half_line)
{
    add(path, "a\nb");
    cr_expect_str_eq(hear(), "<a>");
    cr_expect_eq(follow_position(&follow, &frames), 2);
    add(path, "c\nd\n");
    cr_expect_str_eq(hear(), "<bc><d>");
    cr_expect_eq(follow_lag(&follow), 0);
}

Test(follow, reads_the_old_file_to_its_end_before_the_new_one)
{
    add(path, "a\n");
    cr_expect_str_eq(hear(), "<a>");
    add(path, "b\n");
    rename(path, aside);
    add(path, "c\n");
    cr_expect_str_eq(hear(), "<b><c>");
}

Test(follow, lingers_at_a_renamed_file_while_the_new_one_is_empty)
{
    add(path, "a\n");
    hear();
    rename(path, aside);
    cr_expect_str_eq(hear(), "");
    add(path, "");
    cr_expect_str_eq(hear(), "");
    add(aside, "b\nhalf");
    now_ns += FOLLOW_LINGER_NS - 1;
    cr_expect_str_eq(hear(), "<b>");
    now_ns += 1;
    cr_expect_str_eq(hear(), "<half>");
    add(path, "c\n");
    cr_expect_str_eq(hear(), "<c>");
}

Test(follow, begins_anew_when_the_file_was_cut)
{
    add(path, "aaaa\nbb");
    cr_expect_str_eq(hear(), "<aaaa>");
    cr_expect_eq(truncate(path, 0), 0);
    cr_expect_str_eq(hear(), "<bb>");
    add(path, "c\n");
    cr_expect_str_eq(hear(), "<c>");
}

Test(follow, goes_on_where_it_was)
{
    add(path, "a\nb");
    hear();
    restart();
    add(path, "b\nc\n");
    cr_expect_str_eq(hear(), "<bb><c>");
}

Test(follow, finds_the_rest_of_a_file_that_was_renamed_meanwhile)
{
    add(path, "a\n");
    hear();
    add(path, "b\n");
    restart();
    rename(path, aside);
    add(path, "c\n");
    cr_expect_str_eq(hear(), "<b><c>");
}

Test(follow, begins_anew_in_a_file_that_is_shorter_than_it_was_or_another)
{
    add(path, "aaaa\n");
    hear();
    restart();
    cr_expect_eq(truncate(path, 0), 0);
    add(path, "b\n");
    cr_expect_str_eq(hear(), "<b>");
    restart();
    add(aside, "c\n"); /* another inode while the old one still lives */
    rename(aside, path);
    cr_expect_str_eq(hear(), "<c>");
}

Test(follow, takes_no_folder_for_a_file)
{
    follow.path = folder;
    cr_expect_str_eq(hear(), "");
    cr_expect_neq(follow.error, 0);
}

Test(follow, reads_all_files_that_had_the_name_while_nobody_looked)
{
    add(path, "a\n");
    hear();
    add(path, "b\n");
    restart();
    rotate("events.d1", 1000);
    add(path, "c\n");
    rotate("events.d2", 1001);
    add(path, "d\n");
    rotate("events-20261121", 1001); /* as coarse as a clock may be: then by inode */
    add(path, "e\n");
    rotate("events.3", 1002);
    add(path, "f\n");
    cr_expect_str_eq(hear(), "<b><c><d><e><f>");
    cr_expect_eq(follow.missed, 0);
    add(path, "g\n");
    restart(); /* in the newest: those before are over */
    cr_expect_str_eq(hear(), "<g>");
}

Test(follow, reads_files_that_had_the_name_between_two_looks)
{
    add(path, "a\n");
    cr_expect_str_eq(hear(), "<a>");
    add(path, "b\n");
    rotate("events.2", 1000);
    add(path, "c\n");
    rotate("events.1", 1001);
    cr_expect_str_eq(hear(), "<b><c>"); /* though nothing has the name yet */
    add(path, "d\n");
    cr_expect_str_eq(hear(), "<d>");
}

Test(follow, takes_no_other_file_for_one_that_had_the_name)
{
    static const char *const names[] = {"events.bak", "eventspace.1", "other.1", "events.0", "events.7"};
    char other[128];
    snprintf(other, sizeof other, "%s/events.7", folder);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        add(path, "x\n");
        rotate(names[i], i == 3 ? 999 : 1001); /* .0 is older than what was read */
    }
    add(path, "a\n");
    hear();
    restart();
    follow.others = (const char *const[]){other, NULL};
    rotate("events.1", 1000);
    add(path, "b\n");
    follow.known_ns = 1000 * SECOND;
    cr_expect_str_eq(hear(), "<b>");
    cr_expect_eq(follow.missed, 0);
}

Test(follow, names_what_it_could_not_read)
{
    add(path, "a\n");
    hear();
    restart();
    rotate("events.3", 1000);
    follow.known_ns = 1000 * SECOND;
    add(path, "b\n");
    rotate("events.2.gz", 1001);
    add(path, "c\n");
    rotate("events.1", 1002);
    add(path, "d\n");
    cr_expect_str_eq(hear(), "<c><d>");
    cr_expect_eq(follow.missed, 1);
    cr_expect_str_eq(follow.missed_name, "events.2.gz");
}

Test(follow, goes_on_behind_a_file_that_is_gone_and_says_so)
{
    char gone[128];
    add(path, "a\n");
    hear();
    restart();
    rotate("events.2", 1000);
    follow.known_ns = 1000 * SECOND;
    add(path, "b\n");
    rotate("events.1", 1001);
    add(path, "c\n");
    snprintf(gone, sizeof gone, "%s/events.2", folder);
    unlink(gone);
    cr_expect_str_eq(hear(), "<b><c>");
    cr_expect_eq(follow.missed, 1);
    cr_expect_str_eq(follow.missed_name, "");
}

Test(follow, counts_lines_of_the_file_over_a_restart_and_a_rotation)
{
    add(path, "a\n\nc\n");
    hear();
    restart();
    add(path, "d\n");
    cr_expect_str_eq(hear(), "<d>");
    cr_expect_eq(frames.line, 4);
    rename(path, aside);
    add(path, "a\nb\n");
    cr_expect_str_eq(hear(), "<a><b>");
    cr_expect_eq(frames.line, 2);
}
