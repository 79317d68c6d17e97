/*
 * A writer that is killed at any moment: what it had reported as committed is there, seq has neither gap nor repeat,
 * and the next writer goes on behind it.
 */
#include "journal/journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 30, BIRTHS = 10, TOPICS = 4, BATCH_MAX = 40, LIFE_MAX_MS = 150, PIPE_OCTETS = 1 << 20 };

/* The last seqs after a commit; small enough that a pipe takes it whole or not at all. */
struct report {
    uint64_t last[TOPICS];
};

static const char *const topics[TOPICS] = {"hit.green.CL.c2-server", "hit.amber.CL.c2-server", "hit.green.BR.phishing",
                                           "trend.green.AR.ddos"};

static bool write_batch(struct journal *j, struct report *r, struct fail *why)
{
    if (!journal_begin(j, why))
        return false;
    for (int n = rand() % BATCH_MAX; n >= 0; n--) {
        int first = rand() % TOPICS;
        struct journal_finding f = {.id = "id",
                                    .kind = "hit",
                                    .status = "opened",
                                    .country = "CL",
                                    .type = "c2-server",
                                    .indicator = bytes_text("bad.example"),
                                    .observable = bytes_text("c2.bad.example"),
                                    .json = bytes_text(topics[first])};
        int64_t row = journal_add(j, &f, why);
        for (int t = first; row && t < TOPICS; t++) {
            char json[1024];
            r->last[t] = journal_next_seq(j, topics[t]);
            int len = snprintf(json, sizeof json, "%s %" PRIu64 " %0*d", topics[t], r->last[t], rand() % 900, 0);
            if (!journal_publish(j, row, topics[t], r->last[t], bytes_of(json, (size_t)len), why))
                return false;
        }
    }
    return journal_commit(j, why) && (rand() % 8 || journal_sync(j, why));
}

/* Writes and reports until it is killed. */
static _Noreturn void write_forever(const char *path, int to, unsigned seed)
{
    struct fail why = {.text = ""};
    struct report r = {.last = {0}};
    srand(seed);
    struct journal *j = journal_open(path, &why);
    while (j && write_batch(j, &r, &why) && write(to, &r, sizeof r) == sizeof r)
        ;
    fprintf(stderr, "journal: the writer ended: %s\n", why.text);
    _exit(1);
}

/* The last report of a writer that lived `us` microseconds. */
static bool live_and_die(const char *path, unsigned seed, long us, struct report *last)
{
    int ends[2], status;
    if (pipe(ends) != 0)
        return false;
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_OCTETS);
    pid_t child = fork();
    if (child == 0)
        write_forever(path, ends[1], seed);
    close(ends[1]);
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    for (struct report r; read(ends[0], &r, sizeof r) == sizeof r;)
        *last = r;
    close(ends[0]);
    return WIFSIGNALED(status);
}

struct check {
    uint64_t seq; /* of the last that was read */
    bool wrong;
};

static bool follows(void *to, const char *topic, uint64_t seq, struct bytes json)
{
    struct check *c = to;
    char expected[128];
    int len = snprintf(expected, sizeof expected, "%s %" PRIu64 " ", topic, seq);
    c->wrong = seq != c->seq + 1 || !bytes_start_with(json, expected) || len < 0;
    c->seq = seq;
    return !c->wrong;
}

/* From behind `checked` on nothing is missing or twice, and everything reported is there; moves `checked` to the end.
 */
static const char *judge(const char *path, const struct report *reported, struct report *checked)
{
    struct fail why = {.text = ""};
    const char *wrong = NULL;
    struct journal_reader *r = journal_reader_open(path, &why);
    for (int t = 0; r && t < TOPICS && !wrong; t++) {
        struct check c = {.seq = checked->last[t]};
        if (!journal_replay(r, topics[t], c.seq + 1, UINT64_MAX, follows, &c, &why))
            wrong = "the reader failed";
        else if (c.wrong)
            wrong = "a gap, a repeat or the wrong octets";
        else if (c.seq < reported->last[t])
            wrong = "what was reported as committed is missing";
        checked->last[t] = c.seq;
    }
    if (r)
        journal_reader_close(r);
    struct journal *j = wrong ? NULL : journal_open(path, &why);
    bool begun = j && journal_begin(j, &why);
    for (int t = 0; begun && t < TOPICS; t++)
        if (journal_next_seq(j, topics[t]) != checked->last[t] + 1)
            wrong = "the next seq does not go on behind the last";
    if (j)
        journal_close(j);
    if (why.text[0])
        fprintf(stderr, "journal: %s\n", why.text);
    return wrong || begun ? wrong : "the journal does not open";
}

static const char *nothing_is_lost(const char *path)
{
    struct report reported = {.last = {0}}, checked = {.last = {0}};
    struct fail why = {.text = ""};
    struct journal *made = journal_open(path, &why); /* a reader makes none */
    if (!made)
        return "it cannot be made";
    journal_close(made);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (!live_and_die(path, round, 1000 + rand() % (LIFE_MAX_MS * 1000), &reported))
            return "the writer ended by itself";
        const char *wrong = judge(path, &reported, &checked);
        if (wrong)
            return wrong;
    }
    struct report from_one = {.last = {0}};
    const char *wrong = judge(path, &reported, &from_one);
    return wrong ? wrong : reported.last[TOPICS - 1] > 1000 ? NULL : "too little was written to tell";
}

static const char *a_journal_that_was_killed_while_it_was_made_opens(const char *path)
{
    for (unsigned birth = 0; birth < BIRTHS; birth++) {
        char own[128];
        struct report reported = {.last = {0}};
        struct fail why = {.text = ""};
        snprintf(own, sizeof own, "%s-%u", path, birth);
        if (!live_and_die(own, birth, 200 + rand() % 20000, &reported))
            return "the writer ended by itself";
        struct journal *j = journal_open(own, &why);
        if (!j) {
            fprintf(stderr, "journal: %s\n", why.text);
            return "it does not open";
        }
        journal_close(j);
        struct report from_one = {.last = {0}};
        const char *wrong = judge(own, &reported, &from_one);
        if (wrong)
            return wrong;
    }
    return NULL;
}

int main(void)
{
    const char *(*const facts[])(const char *path) = {
        nothing_is_lost,
        a_journal_that_was_killed_while_it_was_made_opens,
    };
    char folder[] = "/tmp/vigia-journal-XXXXXX", path[64], command[64];
    int failed = 0;
    unsigned seed = (unsigned)time(NULL);
    srand(seed);
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/j.db", folder);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const char *wrong = facts[i](path);
        if (wrong) {
            fprintf(stderr, "journal: %s (seed %u)\n", wrong, seed);
            failed = 1;
        }
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 || failed;
}
