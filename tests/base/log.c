#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char said[2 * PIPE_BUF];

/* What `speak` writes to stderr. */
static void hear(void (*speak)(void))
{
    int ends[2], before = dup(STDERR_FILENO);
    cr_assert(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    speak();
    dup2(before, STDERR_FILENO);
    close(ends[1]);
    ssize_t len = read(ends[0], said, sizeof said - 1);
    said[len < 0 ? 0 : len] = 0;
    close(ends[0]);
    close(before);
}

static void speak_all(void)
{
    log_error("%s: line %d", "a.csv", 12);
    log_warning("host bits");
    log_note("%d indicators", 7);
}

Test(log, says_who_speaks_and_how_grave_it_is)
{
    hear(speak_all);
    cr_expect_str_eq(said, "vigia: error: a.csv: line 12\nvigia: warning: host bits\nvigia: 7 indicators\n");
}

static void speak_of_a_hostile_name(void)
{
    log_note("a\nvigia: error: b\x1b[31m\x7f\tñ");
}

Test(log, is_one_line_whatever_is_in_it)
{
    hear(speak_of_a_hostile_name);
    cr_expect_str_eq(said, "vigia: a vigia: error: b [31m  ñ\n");
}

static void speak_long(void)
{
    char text[2 * PIPE_BUF];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    log_error("%s", text);
}

Test(log, cuts_a_line_to_what_a_pipe_takes_whole)
{
    hear(speak_long);
    cr_expect_eq(strlen(said), PIPE_BUF);
    cr_expect_eq(said[PIPE_BUF - 1], '\n');
}
