#include "journal/journal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <sqlite3.h> /* to make files that the journal would not make, and to read its own with another's eyes */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/vigia-journal-XXXXXX";
static char path[64];
static struct fail why;

static void start(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/j.db", folder);
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(journal, .init = start, .fini = end, .timeout = 60);

static void sql(const char *text)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK, "%s: %s", text, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t sql_number(const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static struct journal *opened(void)
{
    struct journal *j = journal_open(path, &why);
    cr_assert_not_null(j, "%s", why.text);
    return j;
}

struct row {
    const char *id, *kind, *country, *type, *indicator, *observable;
    int64_t told, seen;
};

static int64_t add(struct journal *j, const struct row *r, const char *json)
{
    struct journal_finding f = {
        .id = r->id,
        .kind = r->kind,
        .status = "opened",
        .time_ns = r->told,
        .seen_ns = r->seen,
        .country = r->country,
        .type = r->type,
        .indicator = bytes_text(r->indicator),
        .observable = bytes_text(r->observable),
        .json = bytes_text(json),
    };
    return journal_add(j, &f, &why);
}

/* `count` findings in one batch, told at 1, 2, …; each with one publication on `topic`. */
static bool fill(struct journal *j, const char *topic, unsigned count, size_t size)
{
    static char json[1 << 16];
    bool good = journal_begin(j, &why);
    if (!good)
        return false;
    memset(json, 'x', size);
    for (unsigned i = 0; i < count && good; i++) {
        char id[16];
        snprintf(id, sizeof id, "f%u", i);
        struct row r = {id, "hit", "CL", "c2-server", "bad.example", "c2.bad.example", i + 1, i + 1};
        int64_t row = add(j, &r, id);
        good = row && journal_publish(j, row, topic, journal_next_seq(j, topic), bytes_of(json, size), &why);
    }
    return journal_commit(j, &why) && good;
}

/* What was read, one after another, with a blank behind each. */
static char said[1 << 16];

static bool say(void *to, struct bytes json)
{
    (void)to;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%.*s ", (int)json.len, (const char *)json.at);
    return true;
}

static bool say_publication(void *to, const char *topic, uint64_t seq, struct bytes json)
{
    unsigned *left = to;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s#%" PRIu64 "=%.*s ", topic, seq, (int)json.len, (const char *)json.at);
    return !left || --*left;
}

static const char *asked(const struct journal_query *q)
{
    struct journal_reader *r = journal_reader_open(path, &why);
    cr_assert_not_null(r, "%s", why.text);
    said[0] = '\0';
    cr_assert(journal_read(r, q, say, NULL, &why), "%s", why.text);
    journal_reader_close(r);
    return said;
}

static const char *replayed(const char *topic, uint64_t from, uint64_t to, unsigned *left)
{
    struct journal_reader *r = journal_reader_open(path, &why);
    cr_assert_not_null(r, "%s", why.text);
    said[0] = '\0';
    cr_assert(journal_replay(r, topic, from, to, say_publication, left, &why), "%s", why.text);
    journal_reader_close(r);
    return said;
}

/* ---- seq ---- */

static void publish(struct journal *j, const char *topic, const char *json)
{
    cr_assert(journal_publish(j, 1, topic, journal_next_seq(j, topic), bytes_text(json), &why), "%s", why.text);
}

static void publish_three(struct journal *j)
{
    cr_assert(journal_begin(j, &why));
    publish(j, "hit.green.CL.c2-server", "a");
    publish(j, "hit.green.BR.c2-server", "b");
    publish(j, "hit.green.CL.c2-server", "c");
    cr_assert(journal_commit(j, &why), "%s", why.text);
}

Test(journal, counts_each_topic_from_one_and_goes_on_after_reopening)
{
    struct journal *j = opened();
    publish_three(j);
    journal_close(j);
    j = opened();
    cr_assert(journal_begin(j, &why));
    cr_assert_eq(journal_next_seq(j, "hit.green.CL.c2-server"), 3);
    cr_assert_eq(journal_next_seq(j, "hit.green.BR.c2-server"), 2);
    cr_assert_eq(journal_next_seq(j, "hit.green.AR.c2-server"), 1);
    journal_rollback(j);
    journal_close(j);
}

Test(journal, uses_up_no_seq_in_a_batch_that_is_rolled_back)
{
    struct journal *j = opened();
    publish_three(j);
    cr_assert(journal_begin(j, &why));
    publish(j, "hit.green.CL.c2-server", "lost");
    publish(j, "hit.green.AR.c2-server", "lost");
    journal_rollback(j);
    publish_three(j);
    journal_close(j);
    cr_assert_str_eq(replayed("hit.green.CL.c2-server", 0, UINT64_MAX, NULL),
                     "hit.green.CL.c2-server#1=a hit.green.CL.c2-server#2=c hit.green.CL.c2-server#3=a "
                     "hit.green.CL.c2-server#4=c ");
    cr_assert_str_eq(replayed("hit.green.AR.c2-server", 0, UINT64_MAX, NULL), "");
}

Test(journal, goes_on_where_another_writer_left_off)
{
    struct journal *a = opened(), *b = opened();
    publish_three(a);
    publish_three(b);
    publish_three(a);
    journal_close(a);
    journal_close(b);
    cr_assert_eq(sql_number("SELECT count(*) FROM publication"), 9);
    cr_assert_eq(sql_number("SELECT max(seq) FROM publication"), 6);
}

static void list_topic(void *to, const char *topic, uint64_t seq)
{
    say_publication(to, topic, seq, bytes_text(""));
}

Test(journal, lists_committed_topics_in_byte_order)
{
    struct journal *j = opened();
    publish_three(j);
    cr_assert(journal_begin(j, &why));
    publish(j, "a", "not yet");
    journal_topics(j, list_topic, NULL);
    journal_rollback(j);
    journal_close(j);
    cr_assert_str_eq(said, "hit.green.BR.c2-server#1= hit.green.CL.c2-server#2= ");
}

/* ---- replay ---- */

Test(journal, replays_a_topic_or_a_prefix_in_the_order_told)
{
    static const struct {
        const char *topic;
        uint64_t from, to;
        const char *expected;
    } cases[] = {
        {"hit.amber.CL.x", 1, 9, "hit.amber.CL.x#1=2 hit.amber.CL.x#2=5 "},
        {"hit.amber.CL.x", 2, 2, "hit.amber.CL.x#2=5 "},
        {"hit.amber.CL.x", 3, UINT64_MAX, ""},
        {"hit.amber.CL.x", UINT64_MAX, UINT64_MAX, ""},
        {"hit.amber.", 1, 9, "hit.amber.CL.x#1=2 hit.amber.BR.x#1=4 hit.amber.CL.x#2=5 "},
        {"hit.amber.", 2, 9, "hit.amber.CL.x#2=5 "},
        {"hit.amber", 1, 9, ""}, /* no topic, and no prefix */
        {"hit.amber-strict.", 1, 9, "hit.amber-strict.CL.x#1=3 "},
        {"", 1, 9,
         "hit.green.CL.x#1=1 hit.amber.CL.x#1=2 hit.amber-strict.CL.x#1=3 hit.amber.BR.x#1=4 hit.amber.CL.x#2=5 "},
        {"to.", 1, 9, ""},
    };
    struct journal *j = opened();
    cr_assert(journal_begin(j, &why));
    publish(j, "hit.green.CL.x", "1");
    publish(j, "hit.amber.CL.x", "2");
    publish(j, "hit.amber-strict.CL.x", "3");
    publish(j, "hit.amber.BR.x", "4");
    publish(j, "hit.amber.CL.x", "5");
    cr_assert(journal_commit(j, &why));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(replayed(cases[i].topic, cases[i].from, cases[i].to, NULL), cases[i].expected,
                         "%s from %" PRIu64, cases[i].topic, cases[i].from);
    cr_expect_str_eq(replayed("hit.", 1, 9, &(unsigned){2}), "hit.green.CL.x#1=1 hit.amber.CL.x#1=2 ");
    journal_close(j);
}

Test(journal, gives_back_the_very_octets)
{
    static const char odd[] = "{\"a\":\"\xff\xfe\x80\"}\n";
    struct journal *j = opened();
    cr_assert(journal_begin(j, &why));
    publish(j, "t", odd);
    cr_assert(journal_commit(j, &why));
    journal_close(j);
    char expected[64];
    snprintf(expected, sizeof expected, "t#1=%s ", odd);
    cr_assert_str_eq(replayed("t", 1, 1, NULL), expected);
}

/* ---- questions ---- */

static const struct row rows[] = {
    {"id-1", "hit", "CL", "c2-server", "bad.example", "c2.bad.example", 10, 100},
    {"id-2", "hit", "BR", "c2-server", "bad.example", "bad.example", 20, 300},
    {"id-3", "trend", "CL", "ddos", "", "", 30, 200},
    {"id-1", "hit", "CL", "c2-server", "bad.example", "c2.bad.example", 40, 400},
    {"id-4", "hit", "ZZ", "phishing", "=198.51.100.7", "198.51.100.7", 50, -5},
};

Test(journal, finds_by_what_is_asked)
{
    static const struct {
        struct journal_query query;
        const char *expected; /* their places in `rows` */
    } cases[] = {
        {{.limit = 0}, "0 1 2 3 4 "},
        {{.limit = 2}, "3 4 "},
        {{.limit = 9}, "0 1 2 3 4 "},
        {{.since_ns = 200}, "1 2 3 "},
        {{.until_ns = 200}, "0 4 "},
        {{.since_ns = 100, .until_ns = 300}, "0 2 "},
        {{.since_ns = 401}, ""},
        {{.country = "CL"}, "0 2 3 "},
        {{.country = "CL", .limit = 2}, "2 3 "},
        {{.country = "CL", .limit = 1, .until_ns = 200}, "0 "},
        {{.country = "AR"}, ""},
        {{.country = ""}, ""},
        {{.type = "c2-server"}, "0 1 3 "},
        {{.type = "c2-server", .country = "BR"}, "1 "},
        {{.kind = "trend"}, "2 "},
        {{.kind = "trend", .country = "BR"}, ""},
        {{.indicator = "bad.example"}, "0 1 3 "},
        {{.indicator = "c2.bad.example"}, "0 3 "},
        {{.indicator = "=198.51.100.7"}, "4 "},
        {{.indicator = "198.51.100.7"}, "4 "},
        {{.indicator = "bad.example", .country = "BR"}, "1 "},
        {{.indicator = "Bad.example"}, ""},
        {{.indicator = ""}, "2 "}, /* that has none */
        {{.id = "id-1"}, "0 3 "},
        {{.id = "id-1", .limit = 1}, "3 "},
        {{.id = "id-9"}, ""},
    };
    struct journal *j = opened();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[8];
        snprintf(json, sizeof json, "%zu", i);
        cr_assert(journal_begin(j, &why));
        cr_assert_neq(add(j, &rows[i], json), 0, "%s", why.text);
        cr_assert(journal_commit(j, &why));
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(asked(&cases[i].query), cases[i].expected, "case %zu: \"%s\" for \"%s\"", i, said,
                         cases[i].expected);
    journal_close(j);
}

static bool say_telling(void *to, const struct journal_telling *t)
{
    size_t len = strlen(said);
    int *left = to;
    snprintf(said + len, sizeof said - len, "%d:%s%s%d:%.*s ", (int)t->time_ns, t->topic ? t->topic : "",
             t->topic ? "=" : "", (int)t->seq, (int)t->json.len, (const char *)t->json.at);
    return --*left > 0;
}

/* Of one id among others, over a batch, with no publication, one and two. */
Test(journal, gives_every_telling_of_one_finding_with_its_publications)
{
    static const struct row a[] = {{"a", "hit", "CL", "x", "i", "o", 1, 1},
                                   {"a", "hit", "CL", "x", "i", "o", 3, 1},
                                   {"a", "hit", "CL", "x", "i", "o", 4, 1}};
    static const struct row b = {"b", "hit", "CL", "x", "i", "o", 2, 1};
    struct journal *j = opened();
    int left = 100;
    cr_assert(journal_begin(j, &why));
    int64_t first = add(j, &a[0], "A1");
    cr_assert(journal_publish(j, first, "t.1", journal_next_seq(j, "t.1"), bytes_text("A1-1"), &why));
    cr_assert(journal_publish(j, first, "t.2", journal_next_seq(j, "t.2"), bytes_text("A1-2"), &why));
    int64_t other = add(j, &b, "B");
    cr_assert(journal_publish(j, other, "t.1", journal_next_seq(j, "t.1"), bytes_text("B-1"), &why));
    cr_assert(journal_commit(j, &why));
    cr_assert(journal_begin(j, &why));
    cr_assert_neq(add(j, &a[1], "A2"), 0, "%s", why.text);
    int64_t last = add(j, &a[2], "A3");
    cr_assert(journal_publish(j, last, "t.1", journal_next_seq(j, "t.1"), bytes_text("A3-1"), &why));
    cr_assert(journal_commit(j, &why));
    struct journal_reader *r = journal_reader_open(path, &why);
    cr_assert_not_null(r);
    said[0] = 0;
    cr_assert(journal_tellings(r, "a", say_telling, &left, &why));
    cr_expect_str_eq(said, "1:0:A1 1:t.1=1:A1-1 1:t.2=1:A1-2 3:0:A2 4:0:A3 4:t.1=3:A3-1 ");
    said[0] = 0;
    cr_assert(journal_tellings(r, "none", say_telling, &left, &why));
    cr_expect_str_eq(said, "");
    left = 2;
    cr_assert(journal_tellings(r, "a", say_telling, &left, &why));
    cr_expect_str_eq(said, "1:0:A1 1:t.1=1:A1-1 ", "it ends when it is told to");
    journal_reader_close(r);
    journal_close(j);
}

static bool number_each(void *to, struct bytes json)
{
    (void)json;
    ++*(unsigned *)to;
    return true;
}

/* More than one segment: 12000 findings with a publication each are 24000 rows. */
Test(journal, finds_in_every_segment)
{
    static const struct {
        struct journal_query query;
        unsigned expected;
    } cases[] = {
        {{.limit = 0}, 12000},
        {{.indicator = "bad.example"}, 12000},
        {{.indicator = "bad.example", .limit = 9000}, 9000},
        {{.limit = 9000}, 9000},
        {{.id = "f3"}, 3},
        {{.country = "CL", .since_ns = 4000, .until_ns = 4000 + 1}, 3},
    };
    struct journal *j = opened();
    for (int i = 0; i < 3; i++)
        cr_assert(fill(j, "t", 4000, 10));
    struct journal_reader *r = journal_reader_open(path, &why);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned count = 0;
        cr_assert(journal_read(r, &cases[i].query, number_each, &count, &why), "%s", why.text);
        cr_expect_eq(count, cases[i].expected, "case %zu: %u", i, count);
    }
    journal_reader_close(r);
    journal_close(j);
}

struct both {
    struct journal *journal;
    unsigned count;
};

static bool write_meanwhile(void *to, struct bytes json)
{
    struct both *b = to;
    b->count++;
    return json.len && fill(b->journal, "t", 1, 100);
}

Test(journal, is_written_to_while_a_reader_is_told_and_ends_where_it_began)
{
    struct both b = {.journal = opened()};
    cr_assert(fill(b.journal, "t", 10, 100));
    struct journal_reader *r = journal_reader_open(path, &why);
    cr_assert(journal_read(r, &(struct journal_query){.limit = 0}, write_meanwhile, &b, &why), "%s", why.text);
    cr_assert_eq(b.count, 10);
    journal_reader_close(r);
    journal_close(b.journal);
    cr_assert_eq(sql_number("SELECT count(*) FROM finding"), 20);
}

/* ---- numbers ---- */

Test(journal, keeps_numbers)
{
    struct journal *j = opened();
    cr_assert_eq(journal_number(j, "generation"), 0);
    cr_assert(journal_set_number(j, "generation", 7, &why));
    cr_assert(journal_begin(j, &why));
    cr_assert(journal_set_number(j, "generation", INT64_MIN, &why));
    cr_assert_eq(journal_number(j, "generation"), INT64_MIN);
    journal_rollback(j);
    journal_close(j);
    j = opened();
    cr_assert_eq(journal_number(j, "generation"), 7);
    journal_close(j);
}

/* ---- captures of folders ---- */

static void say_file(void *to, const struct journal_file *f)
{
    (void)to;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s/%.*s:%" PRIu64 ":%" PRIu64 ":%" PRId64 " ", f->sensor, (int)f->name.len,
             (const char *)f->name.at, f->inode, f->size, f->changed_ns);
}

static const char *taken(struct journal *j, const char *sensor)
{
    said[0] = '\0';
    cr_assert(journal_taken(j, sensor, say_file, NULL, &why), "%s", why.text);
    return said;
}

Test(journal, knows_which_files_were_taken_after_reopening)
{
    struct journal *j = opened();
    struct journal_file a = {"north", bytes_text("a.pcap"), 7, 100, 5}, b = {"north", bytes_text("\xff b"), 8, 200, -6},
                        other = {"south", bytes_text("a.pcap"), UINT64_MAX, 300, INT64_MAX};
    cr_assert(journal_begin(j, &why));
    cr_assert(journal_take(j, &a, &why) && journal_take(j, &b, &why) && journal_take(j, &other, &why));
    cr_assert(journal_commit(j, &why));
    journal_close(j);
    j = opened();
    cr_assert_str_eq(taken(j, "north"), "north/a.pcap:7:100:5 north/\xff b:8:200:-6 ");
    cr_assert_str_eq(taken(j, "south"), "south/a.pcap:18446744073709551615:300:9223372036854775807 ");
    cr_assert_str_eq(taken(j, "east"), "");
    a.size = 101;
    cr_assert(journal_begin(j, &why));
    cr_assert(journal_take(j, &a, &why) && journal_forget(j, &b, &why));
    cr_assert(journal_commit(j, &why));
    cr_assert_str_eq(taken(j, "north"), "north/a.pcap:7:101:5 ");
    cr_assert_neq(taken(j, "south")[0], '\0', "a name is a sensor's own");
    journal_close(j);
}

Test(journal, takes_no_file_in_a_batch_that_is_rolled_back)
{
    struct journal *j = opened();
    struct journal_file f = {"north", bytes_text("a.pcap"), 7, 100, 5};
    cr_assert(journal_begin(j, &why));
    cr_assert(journal_take(j, &f, &why));
    journal_rollback(j);
    cr_assert_str_eq(taken(j, "north"), "");
    journal_close(j);
}

Test(journal, keeps_once_what_is_told_as_its_owner_reads_it)
{
    struct journal *j = opened();
    struct row r = {"f1", "hit", "CL", "c2-server", "bad.example", "c2.bad.example", 1, 1};
    cr_assert(journal_begin(j, &why));
    int64_t row = add(j, &r, "whole");
    cr_assert(journal_publish(j, row, "hit.green.CL.c2-server", 1, bytes_text("part"), &why));
    cr_assert(journal_publish(j, row, "hit.amber.CL.c2-server", 1, bytes_of("", 0), &why));
    cr_assert(journal_commit(j, &why));
    journal_close(j);
    cr_assert_eq(sql_number("SELECT count(*) FROM body"), 2);
    cr_assert_str_eq(replayed("hit.amber.CL.c2-server", 1, 9, NULL), "hit.amber.CL.c2-server#1=whole ");
    cr_assert_str_eq(replayed("", 1, 9, NULL), "hit.green.CL.c2-server#1=part hit.amber.CL.c2-server#1=whole ");
    sql("DELETE FROM body WHERE row = 2"); /* a damaged file: one tier's words are never another's */
    cr_assert_str_eq(replayed("hit.green.CL.c2-server", 1, 9, NULL), "");
    j = opened();
    cr_assert(fill(j, "t", 1, 5)); /* rows go on behind the last publication */
    journal_close(j);
    cr_assert_eq(sql_number("SELECT count(*) FROM publication"), 3);
}

/* A file of schema 1, in which a folder was a time: its findings and numbers stay, and its captures are read again. */
Test(journal, brings_schema_1_up_to_date)
{
    struct journal *j = opened();
    publish_three(j);
    cr_assert(journal_set_number(j, "generation", 4, &why));
    journal_close(j);
    sql("DROP TABLE taken; INSERT INTO number VALUES ('folder.north', 1234);"
        "ALTER TABLE publication DROP COLUMN body; PRAGMA user_version = 1");
    j = opened();
    cr_assert_eq(journal_number(j, "generation"), 4);
    cr_assert_eq(journal_number(j, "folder.north"), 0);
    cr_assert_str_eq(taken(j, "north"), "");
    journal_close(j);
    cr_assert_eq(sql_number("PRAGMA user_version"), 2);
    cr_assert_str_eq(replayed("hit.green.CL.c2-server", 1, 9, NULL),
                     "hit.green.CL.c2-server#1=a hit.green.CL.c2-server#2=c ");
}

Test(journal, finds_a_rare_country_or_type_in_its_segments_alone)
{
    enum { PLENTY = 9000 }; /* rows of three segments */
    struct journal *j = opened();
    struct row rare = {"rare", "hit", "BR", "phishing", "bad.example", "c2.bad.example", PLENTY, PLENTY};
    cr_assert(fill(j, "t", PLENTY, 10));
    cr_assert(journal_begin(j, &why));
    cr_assert_neq(add(j, &rare, "rare"), 0, "%s", why.text);
    cr_assert(journal_commit(j, &why));
    cr_assert(fill(j, "t", 1, 10));
    journal_close(j);
    cr_assert_eq(sql_number("SELECT count(*) FROM lookup WHERE row = 0"), 3 * 2 + 2);
    cr_expect_str_eq(asked(&(struct journal_query){.country = "BR"}), "rare ");
    cr_expect_str_eq(asked(&(struct journal_query){.type = "phishing"}), "rare ");
    cr_expect_str_eq(asked(&(struct journal_query){.country = "BR", .type = "c2-server"}), "");
    cr_expect_str_eq(asked(&(struct journal_query){.country = "CL", .limit = 2}), "f8999 f0 ");
}

/* ---- letting go ---- */

Test(journal, lets_go_of_what_is_old_and_keeps_the_last_seqs)
{
    uint32_t gone;
    struct journal *j = opened();
    cr_assert(fill(j, "t", 300, 100));
    cr_assert(journal_trim(j, 201, 0, 150, &gone, &why), "%s", why.text);
    cr_assert_eq(gone, 150);
    cr_assert(journal_trim(j, 201, 0, 150, &gone, &why));
    cr_assert_eq(gone, 50); /* told at 201 is not before 201 */
    cr_assert_str_eq(asked(&(struct journal_query){.id = "f199"}), "");
    cr_assert_str_eq(asked(&(struct journal_query){.id = "f200"}), "f200 ");
    cr_assert(journal_trim(j, INT64_MAX, 0, UINT32_MAX, &gone, &why));
    cr_assert_eq(gone, 100);
    int64_t last = sql_number("SELECT value FROM number WHERE name = 'journal.row'");
    journal_close(j);
    cr_assert_eq(last, 600);
    cr_assert_eq(sql_number("SELECT (SELECT count(*) FROM body) + (SELECT count(*) FROM publication)"), 0);
    j = opened();
    cr_assert(fill(j, "t", 1, 5));
    journal_close(j);
    cr_assert_str_eq(replayed("t", 1, 999, NULL), "t#301=xxxxx ");
    cr_assert_eq(sql_number("SELECT min(row) FROM finding"), last + 1);
}

Test(journal, lets_go_until_the_file_is_small_enough_and_then_keeps_its_size)
{
    enum { LIMIT = 2 << 20 };
    struct stat st;
    uint32_t gone, all = 0;
    struct journal *j = opened();
    for (int i = 0; i < 30; i++) {
        cr_assert(fill(j, "t", 1000, 1000));
        cr_assert(journal_trim(j, 0, LIMIT, 100000, &gone, &why), "%s", why.text);
        all += gone;
    }
    journal_close(j);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert(lt(i64, st.st_size, 2 * LIMIT)); /* a batch of a megabyte comes before it is let go of */
    cr_assert_eq(sql_number("SELECT count(*) FROM finding"), 30000 - all);
    cr_assert(gt(i64, sql_number("SELECT count(*) FROM finding"), 500)); /* and no more than that */
    cr_assert(lt(i64, sql_number("SELECT count(*) FROM lookup"), 5 * 8192));
}

/* ---- files that are not as they should be ---- */

static uint64_t hash_of_file(void)
{
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f);
    for (int c; (c = getc(f)) != EOF;)
        h = (h ^ (uint64_t)c) * 1099511628211u;
    fclose(f);
    return h;
}

static void write_file(const char *at, size_t len)
{
    FILE *f = fopen(path, "w");
    cr_assert(f && fwrite(at, 1, len, f) == len && fclose(f) == 0);
}

static void refused(const char *reason)
{
    uint64_t before = hash_of_file();
    why.text[0] = '\0';
    cr_expect_null(journal_open(path, &why));
    cr_expect(strstr(why.text, reason) != NULL, "\"%s\" has no \"%s\"", why.text, reason);
    cr_expect_eq(hash_of_file(), before, "the file was changed: %s", reason);
    why.text[0] = '\0';
}

Test(journal, refuses_what_is_no_journal_and_leaves_it)
{
    static const char text[] = "type,value\ndomain-name,bad.example\n";
    write_file(text, sizeof text - 1);
    refused("not a database");
    cr_expect_null(journal_reader_open(path, &why));
    unlink(path);
    sql("PRAGMA journal_mode = WAL; CREATE TABLE finding (x); INSERT INTO finding VALUES (1)");
    refused("another program");
    unlink(path);
    sql("PRAGMA user_version = 3");
    refused("another program");
}

Test(journal, says_why_there_is_no_file)
{
    snprintf(path, sizeof path, "%s/nowhere/j.db", folder);
    cr_assert_null(journal_open(path, &why));
    cr_assert(strstr(why.text, "No such file") != NULL, "%s", why.text);
    why.text[0] = '\0';
    cr_assert_null(journal_reader_open(path, &why));
    cr_assert(strstr(why.text, "No such file") != NULL, "%s", why.text);
}

Test(journal, is_for_its_owner_alone)
{
    struct stat st;
    journal_close(opened());
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
}

Test(journal, refuses_a_newer_schema)
{
    journal_close(opened());
    sql("PRAGMA user_version = 3");
    refused("newer vigia");
    cr_assert_null(journal_reader_open(path, &why));
    cr_assert(strstr(why.text, "newer vigia") != NULL, "%s", why.text);
}

Test(journal, brings_an_older_schema_up_to_date)
{
    sql("PRAGMA application_id = 0x76696731; CREATE TABLE note (text); INSERT INTO note VALUES ('kept')");
    cr_assert_null(journal_reader_open(path, &why));
    cr_assert(strstr(why.text, "older") != NULL, "%s", why.text);
    why.text[0] = '\0';
    struct journal *j = opened();
    publish_three(j);
    journal_close(j);
    cr_assert_eq(sql_number("PRAGMA user_version"), JOURNAL_SCHEMA);
    cr_assert_eq(sql_number("SELECT text = 'kept' FROM note"), 1);
}

Test(journal, brings_it_up_to_date_whole_or_not_at_all)
{
    sql("PRAGMA application_id = 0x76696731; CREATE TABLE number (wrong)"); /* the last of the step */
    refused("cannot be brought up to date");
    cr_assert_eq(sql_number("SELECT count(*) FROM sqlite_schema"), 1);
}

Test(journal, refuses_a_damaged_file_and_leaves_it)
{
    struct journal *j = opened();
    cr_assert(fill(j, "t", 500, 1000));
    journal_close(j);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    char *whole = malloc((size_t)st.st_size);
    FILE *f = fopen(path, "r");
    cr_assert(f && fread(whole, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
    fclose(f);
    static const double places[] = {0.2, 0.5, 0.9};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *damaged = malloc((size_t)st.st_size);
        memcpy(damaged, whole, (size_t)st.st_size);
        size_t page = (size_t)(places[i] * (double)st.st_size) / 16384 * 16384;
        memset(damaged + page, 0xa5, 200); /* the head of a page */
        write_file(damaged, (size_t)st.st_size);
        refused("damaged");
        free(damaged);
    }
    write_file(whole, (size_t)st.st_size / 2); /* cut short */
    refused("malformed");
    write_file(whole, 1000);
    refused("");
    write_file(whole, (size_t)st.st_size);
    journal_close(opened());
    free(whole);
}

Test(journal, reports_a_lock_that_lasts)
{
    struct journal *j = opened();
    sqlite3 *other;
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_not(journal_begin(j, &why));
    cr_assert(strstr(why.text, "locked by another") != NULL, "%s", why.text);
    cr_assert_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    why.text[0] = '\0';
    publish_three(j);
    journal_close(j);
    cr_assert_eq(sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    refused("locked by another");
    sqlite3_close(other);
}

/* A file system of two megabytes of this process's own. */
static bool mount_small(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", folder, "tmpfs", 0, "size=2m") == 0;
}

Test(journal, fails_a_batch_whole_on_a_full_disk_and_goes_on_when_there_is_room)
{
    if (!mount_small())
        cr_skip_test("may not mount a small file system");
    char ballast[80];
    snprintf(ballast, sizeof ballast, "%s/ballast", folder);
    struct journal *j = opened();
    cr_assert(fill(j, "t", 10, 100));
    int fd = open(ballast, O_CREAT | O_WRONLY, 0600);
    cr_assert(fd >= 0 && posix_fallocate(fd, 0, 1 << 20) == 0);
    close(fd);
    unsigned batches = 0;
    while (fill(j, "t", 100, 1000))
        batches++;
    cr_assert(strstr(why.text, "full") != NULL, "%s", why.text);
    why.text[0] = '\0';
    cr_assert_not(fill(j, "t", 100, 1000));
    unlink(ballast);
    cr_assert(fill(j, "t", 10, 100), "%s", why.text);
    cr_assert(journal_begin(j, &why));
    cr_assert_eq(journal_next_seq(j, "t"), 10 + 100 * batches + 10 + 1);
    journal_rollback(j);
    journal_close(j);
    umount2(folder, MNT_DETACH);
}

Test(journal, flushes_what_is_new)
{
    struct journal *j = opened();
    cr_assert(journal_sync(j, &why), "%s", why.text);
    publish_three(j);
    cr_assert(journal_sync(j, &why), "%s", why.text);
    cr_assert(journal_sync(j, &why));
    journal_close(j);
}
