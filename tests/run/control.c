/*
 * Facts of the control socket, with clients that are slow, mute, too loud or gone.
 */
#include "run/control.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static char path[96];

static void make_folder(void)
{
    strcpy(folder, "/tmp/vigia-control-XXXXXX");
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/vigia.sock", folder);
}

static void remove_folder(void)
{
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "nothing else is left behind");
}

TestSuite(control, .init = make_folder, .fini = remove_folder, .timeout = 60);

static struct control *open_one(void)
{
    struct fail why = {0};
    struct control *c = control_open(path, &why);
    cr_assert(c, "%s", why.text);
    return c;
}

/* Answers "status" with `to` octets, fails "reload", and has "wait 7" wait for this ticket. */
static enum control_outcome handle(void *to, struct bytes command, struct buffer *reply, uint64_t *ticket)
{
    if (bytes_start_with(command, "wait ")) {
        *ticket = (uint64_t)(command.at[5] - '0');
        return CONTROL_WAITS;
    }
    if (bytes_equal(command, bytes_text("status"))) {
        for (size_t i = 0; i < *(size_t *)to; i++)
            buffer_char(reply, (char)('a' + i % 26));
        return CONTROL_DONE;
    }
    if (bytes_equal(command, bytes_text("reload")))
        buffer_text(reply, "line 1: wrong\nline 2: wrong");
    else
        buffer_format(reply, "no such command: [%.*s]", (int)command.len, (const char *)command.at);
    return CONTROL_REFUSED;
}

static void serve_while_ready(struct control *c, size_t *size)
{
    struct pollfd ready = {.fd = control_descriptor(c), .events = POLLIN};
    for (int i = 0; i < 1000 && poll(&ready, 1, 0) == 1; i++)
        control_serve(c, handle, size);
}

static int connect_one(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, path);
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* What is there to read now, and `*ended`: the connection too. */
static size_t take(int fd, char *out, size_t max, bool *ended)
{
    size_t len = 0;
    ssize_t n = 1;
    while (len < max && (n = recv(fd, out + len, max - len, MSG_DONTWAIT)) > 0)
        len += (size_t)n;
    *ended = n == 0 || (n < 0 && errno == ECONNRESET);
    return len;
}

struct server {
    struct control *control;
    size_t size;
    int stop[2];
};

static void *serve(void *to)
{
    struct server *s = to;
    struct pollfd on[2] = {{.fd = control_descriptor(s->control), .events = POLLIN},
                           {.fd = s->stop[0], .events = POLLIN}};
    while (poll(on, 2, -1) > 0 && !on[1].revents)
        control_serve(s->control, handle, &s->size);
    return NULL;
}

static void ask(size_t size, const char *command, bool done, const char *reason, struct buffer *reply)
{
    struct server s = {.control = open_one(), .size = size};
    pthread_t thread;
    struct fail why = {0};
    cr_assert_eq(pipe(s.stop), 0);
    cr_assert_eq(pthread_create(&thread, NULL, serve, &s), 0);
    cr_expect_eq(control_ask(path, command, CONTROL_PATIENCE_S, reply, &why), done);
    cr_expect(strstr(why.text, reason), "%s", why.text);
    close(s.stop[1]);
    pthread_join(thread, NULL);
    close(s.stop[0]);
    control_close(s.control);
}

Test(control, answers_a_command_of_any_length)
{
    static const size_t sizes[] = {0, 1, 4096, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer reply = {0};
        ask(sizes[i], "status", true, "", &reply);
        cr_assert_eq(reply.len, sizes[i]);
        for (size_t k = 0; k < reply.len; k++)
            cr_assert_eq(reply.at[k], (char)('a' + k % 26));
        buffer_free(&reply);
    }
}

Test(control, says_why_a_command_was_not_done)
{
    struct buffer reply = {0};
    ask(0, "reload", false, "vigia.sock: line 1: wrong", &reply);
    cr_expect(bytes_equal(buffer_bytes(&reply), bytes_text("line 1: wrong\nline 2: wrong")));
    buffer_clear(&reply);
    ask(CONTROL_REPLY_MAX + 1, "status", false, "the answer is too long", &reply);
    buffer_free(&reply);
}

Test(control, says_that_nobody_is_there)
{
    struct buffer reply = {0};
    struct fail why = {0};
    cr_expect_not(control_ask(path, "status", CONTROL_PATIENCE_S, &reply, &why));
    cr_expect(strstr(why.text, "vigia.sock: not running"), "%s", why.text);
    cr_expect_eq(reply.len, 0);
}

Test(control, lets_only_its_owner_in_and_goes_with_its_file)
{
    struct stat status;
    mode_t before = umask(0);
    struct control *c = open_one();
    umask(before);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600, "%o", status.st_mode);
    control_close(c);
    cr_expect_eq(access(path, F_OK), -1);
}

Test(control, is_refused_where_one_is_running_and_replaces_a_dead_one)
{
    struct fail why = {0};
    struct control *c = open_one();
    cr_expect_null(control_open(path, &why));
    cr_expect(strstr(why.text, "vigia.sock: already running"), "%s", why.text);
    cr_expect_eq(access(path, F_OK), 0);
    control_close(c);

    pid_t child = fork();
    if (child == 0)
        _exit(control_open(path, &why) ? 0 : 1); /* dies with its socket left behind */
    int ended = -1;
    waitpid(child, &ended, 0);
    cr_expect_eq(ended, 0);
    cr_expect_eq(access(path, F_OK), 0);
    control_close(open_one());
}

Test(control, leaves_alone_what_is_no_socket)
{
    struct fail why = {0};
    FILE *file = fopen(path, "w");
    fputs("mine", file);
    fclose(file);
    cr_expect_null(control_open(path, &why));
    cr_expect(strstr(why.text, "no socket"), "%s", why.text);
    cr_expect_eq(access(path, F_OK), 0);
}

Test(control, leaves_alone_the_socket_of_a_successor)
{
    struct control *first = open_one();
    unlink(path);
    struct control *second = open_one();
    control_close(first);
    cr_expect_eq(access(path, F_OK), 0);
    control_close(second);
}

Test(control, refuses_paths_that_no_socket_has)
{
    static char endless[300];
    struct fail why = {0};
    memset(endless, 'x', sizeof endless - 1);
    cr_expect_null(control_open(endless, &why));
    cr_expect(strstr(why.text, "octets"), "%s", why.text);
    why = (struct fail){0};
    cr_expect_null(control_open("/no/such/folder/v.sock", &why));
    cr_expect(strstr(why.text, "/no/such/folder/v.sock: No such file"), "%s", why.text);
}

/* What a client sends, in pieces, and what it gets. */
static const struct {
    const char *pieces[4];
    const char *gets;
    bool ended;
} talks[] = {
    {{"status\n"}, "ok 3\nabc", true},
    {{"sta", "tus", "\n"}, "ok 3\nabc", true},
    {{"  status \r\n"}, "ok 3\nabc", true},
    {{"status\nreload\n"}, "ok 3\nabc", true},
    {{"status"}, "", false},
    {{"\n"}, "error 19\nno such command: []", true},
    {{"reload\n"}, "error 27\nline 1: wrong\nline 2: wrong", true},
    {{NULL}, "", false},
};

Test(control, takes_a_line_however_it_comes)
{
    struct control *c = open_one();
    size_t size = 3;
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        char got[256] = "";
        bool ended;
        int fd = connect_one();
        for (int p = 0; p < 4 && talks[i].pieces[p]; p++) {
            cr_assert_gt(send(fd, talks[i].pieces[p], strlen(talks[i].pieces[p]), MSG_NOSIGNAL), 0);
            serve_while_ready(c, &size);
        }
        take(fd, got, sizeof got - 1, &ended);
        cr_expect_str_eq(got, talks[i].gets, "talk %zu", i);
        cr_expect_eq(ended, talks[i].ended, "talk %zu", i);
        close(fd);
        serve_while_ready(c, &size);
    }
    control_close(c);
}

Test(control, bounds_a_line)
{
    struct control *c = open_one();
    size_t size = 3;
    for (int len = CONTROL_LINE_MAX; len <= CONTROL_LINE_MAX + 1; len++) {
        char line[CONTROL_LINE_MAX + 8], got[600] = "";
        bool ended;
        int fd = connect_one();
        memset(line, 'x', sizeof line);
        line[len] = '\n';
        cr_assert_eq(send(fd, line, (size_t)len + 1, 0), len + 1);
        serve_while_ready(c, &size);
        take(fd, got, sizeof got - 1, &ended);
        cr_expect(strstr(got, len > CONTROL_LINE_MAX ? "error 23\nthe command is too long" : "no such command: [xxx"),
                  "%s", got);
        close(fd);
    }
    control_close(c);
}

Test(control, does_not_wait_for_who_does_not_read)
{
    struct control *c = open_one();
    size_t size = 3 << 20, small = 3;
    char got[64] = "";
    static char rest[4 << 20];
    bool ended;
    int slow = connect_one(), quick;
    cr_assert_eq(send(slow, "status\n", 7, 0), 7);
    serve_while_ready(c, &size);
    quick = connect_one();
    cr_assert_eq(send(quick, "status\n", 7, 0), 7);
    serve_while_ready(c, &small);
    take(quick, got, sizeof got - 1, &ended);
    cr_expect_str_eq(got, "ok 3\nabc");
    size_t len = 0;
    for (int i = 0; i < 1000 && len < size; i++) {
        len += take(slow, rest + len, sizeof rest - len, &ended);
        serve_while_ready(c, &size);
    }
    cr_expect_eq(len, size + strlen("ok 3145728\n"));
    close(slow);
    close(quick);
    control_close(c);
}

static int waiting_for(struct control *c, const char *command)
{
    size_t size = 3;
    int fd = connect_one();
    cr_assert_gt(send(fd, command, strlen(command), 0), 0);
    serve_while_ready(c, &size);
    return fd;
}

Test(control, answers_who_waits_when_the_outcome_is_there)
{
    struct control *c = open_one();
    size_t size = 3;
    char got[64] = "";
    bool ended;
    int first = waiting_for(c, "wait 1\n"), second = waiting_for(c, "wait 2\n"), other = waiting_for(c, "status\n");
    take(other, got, sizeof got - 1, &ended);
    cr_expect_str_eq(got, "ok 3\nabc", "others are answered meanwhile");
    cr_expect_eq(take(first, got, sizeof got, &ended), 0);
    cr_expect_not(ended);
    control_answer(c, 1, false, bytes_text("no"));
    memset(got, 0, sizeof got);
    take(first, got, sizeof got - 1, &ended);
    cr_expect_str_eq(got, "error 2\nno");
    cr_expect(ended);
    cr_expect_eq(take(second, got, sizeof got, &ended), 0);
    cr_expect_not(ended, "it waits for another");
    control_answer(c, 2, true, bytes_text("yes"));
    memset(got, 0, sizeof got);
    take(second, got, sizeof got - 1, &ended);
    cr_expect_str_eq(got, "ok 3\nyes");
    serve_while_ready(c, &size);
    close(first);
    close(second);
    close(other);
    control_close(c);
}

Test(control, sends_on_what_who_waited_does_not_take_at_once)
{
    struct control *c = open_one();
    static char large[3 << 20], got[4 << 20];
    size_t size = 3, len = 0;
    bool ended = false;
    int fd = waiting_for(c, "wait 1\n");
    memset(large, 'x', sizeof large);
    control_answer(c, 1, true, bytes_of(large, sizeof large));
    for (int i = 0; i < 1000 && !ended; i++) {
        len += take(fd, got + len, sizeof got - len, &ended);
        serve_while_ready(c, &size);
    }
    cr_expect_eq(len, sizeof large + strlen("ok 3145728\n"));
    close(fd);
    control_close(c);
}

Test(control, forgets_who_waits_no_longer)
{
    struct control *c = open_one();
    size_t size = 3;
    int fd = waiting_for(c, "wait 1\n");
    close(fd);
    serve_while_ready(c, &size);
    struct pollfd ready = {.fd = control_descriptor(c), .events = POLLIN};
    cr_expect_eq(poll(&ready, 1, 0), 0, "nothing is left to serve");
    fd = waiting_for(c, "wait 1\n");
    close(fd);
    control_answer(c, 1, true, bytes_text("too late"));
    serve_while_ready(c, &size);
    cr_expect_eq(poll(&ready, 1, 0), 0);
    control_close(c);
}

Test(control, is_not_hurt_by_who_leaves_before_the_answer)
{
    struct control *c = open_one();
    size_t size = 3 << 20;
    int fd = connect_one();
    cr_assert_eq(send(fd, "status\n", 7, 0), 7);
    serve_while_ready(c, &size);
    close(fd);
    serve_while_ready(c, &size);
    fd = connect_one();
    cr_assert_eq(send(fd, "status\n", 7, 0), 7);
    close(fd);
    serve_while_ready(c, &size);
    struct pollfd ready = {.fd = control_descriptor(c), .events = POLLIN};
    cr_expect_eq(poll(&ready, 1, 0), 0, "nothing is left to serve");
    control_close(c);
}

Test(control, gives_the_place_of_the_first_mute_client_to_the_one_too_many)
{
    struct control *c = open_one();
    size_t size = 3;
    int fd[CONTROL_CLIENTS_MAX + 1];
    char got[64] = "";
    bool ended;
    for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
        fd[i] = connect_one();
        serve_while_ready(c, &size);
    }
    take(fd[0], got, sizeof got, &ended);
    cr_expect(ended);
    take(fd[1], got, sizeof got, &ended);
    cr_expect_not(ended);
    cr_assert_eq(send(fd[CONTROL_CLIENTS_MAX], "status\n", 7, 0), 7);
    serve_while_ready(c, &size);
    take(fd[CONTROL_CLIENTS_MAX], got, sizeof got - 1, &ended);
    cr_expect_str_eq(got, "ok 3\nabc");
    for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++)
        close(fd[i]);
    control_close(c);
}

/* Somebody else's server at that path, and what it says. */
static const struct {
    const char *says, *reason;
} strangers[] = {
    {"HTTP/1.1 400 Bad Request\r\n\r\n", "not vigia"},
    {"ok 99999999999\n", "not vigia"},
    {"ok -1\n", "not vigia"},
    {"ok 10\nabc", "ended before"},
    {"ok", "ended before"},
    {"", "ended before"},
    {"0123456789012345678901234567890123456789", "not vigia"},
};

Test(control, believes_no_stranger)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct fail why = {0};
        struct buffer reply = {0};
        int listener = socket(AF_UNIX, SOCK_STREAM, 0);
        strcpy(address.sun_path, path);
        cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
        cr_assert_eq(listen(listener, 1), 0);
        pid_t child = fork();
        if (child == 0) {
            char line[64];
            int fd = accept(listener, NULL, NULL);
            _exit(recv(fd, line, sizeof line, 0) > 0 && write(fd, strangers[i].says, strlen(strangers[i].says)) < 0);
        }
        cr_expect_not(control_ask(path, "status", CONTROL_PATIENCE_S, &reply, &why));
        cr_expect(strstr(why.text, strangers[i].reason), "case %zu: %s", i, why.text);
        cr_expect_eq(reply.len, 0);
        waitpid(child, NULL, 0);
        close(listener);
        unlink(path);
    }
}
