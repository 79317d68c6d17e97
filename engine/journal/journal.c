/*
 * Everything that is written is appended. One running number (`row`) is given to findings and publications alike in the
 * order in which they are told, and every table is a B-tree over it, so that a batch writes to the right edge of each
 * tree and to nothing else, however large the file is.
 *
 * What a finding is found by (id, indicator, country, …) is no order at all: an index over it would be written to in as
 * many pages as a batch has findings. So there is one small index per **segment** of 2^13 rows: hashes of 32 bits, some
 * 130 KB, which is no longer written to once the next segment has begun. A look-up goes through all segments, one to
 * five microseconds each, and compares the texts themselves. What many findings share (country, type) is posted once a
 * segment: such a question reads the findings of the segments that have any. A segment also knows the first and last
 * time that its findings bear, so that a question about a day opens the segments of that day.
 *
 * Durability: synchronous=NORMAL writes the log at each commit (the page cache outlives the process) and leaves the
 * flush to the disk to journal_sync.
 */
#include "journal/journal.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "base/table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    APPLICATION = 0x76696731, /* "vig1", in the header of the file */
    SEGMENT_BITS = 13,
    TRIM_ROWS = 128,   /* findings that are let go of between two looks at the size */
    SHARED_KNOWN = 64, /* postings of segments that a batch remembers; by their hash, one in place of another */
};

/* ---- the schema, as steps from each version to the next ---- */

static const char *const steps[JOURNAL_SCHEMA] = {
    [0] = "CREATE TABLE body (row INTEGER PRIMARY KEY, json TEXT NOT NULL);"
          "CREATE TABLE finding (row INTEGER PRIMARY KEY, told INTEGER NOT NULL, seen INTEGER NOT NULL,"
          " kind TEXT NOT NULL, status TEXT NOT NULL, country TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,"
          " indicator TEXT NOT NULL, observable TEXT NOT NULL);"
          "CREATE TABLE publication (row INTEGER PRIMARY KEY, finding INTEGER NOT NULL, topic INTEGER NOT NULL,"
          " seq INTEGER NOT NULL);"
          "CREATE UNIQUE INDEX publication_seq ON publication (topic, seq);"
          "CREATE TABLE topic (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL);"
          "CREATE TABLE lookup (segment INTEGER, hash INTEGER, row INTEGER, PRIMARY KEY (segment, hash, row))"
          " WITHOUT ROWID;"
          "CREATE TABLE segment (number INTEGER PRIMARY KEY, seen_min INTEGER NOT NULL, seen_max INTEGER NOT NULL);"
          "CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",
    /* Files one by one, in place of the time of the last one. The row of a publication's body, where that is not its
     * own. */
    [1] = "CREATE TABLE taken (sensor TEXT NOT NULL, name BLOB NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,"
          " changed INTEGER NOT NULL, PRIMARY KEY (sensor, name)) WITHOUT ROWID;"
          "DELETE FROM number WHERE name LIKE 'folder.%';"
          "ALTER TABLE publication ADD COLUMN body INTEGER;",
};

/* The last row that was ever given, kept where trimming leaves no row to tell it. */
static const char last_row[] = "journal.row";

/* ---- what both sides need of SQLite ---- */

static void *out_of_memory(void)
{
    fprintf(stderr, "vigia: error: out of memory (journal)\n");
    abort();
}

/* The reason of the last call on `db` that failed. Always false. */
static bool refuse(sqlite3 *db, const char *what, struct fail *why)
{
    int code = sqlite3_errcode(db) & 0xff;
    int system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN ? sqlite3_system_errno(db) : 0;
    if (code == SQLITE_BUSY)
        return fail_set(why, "%s: locked by another process for more than %d ms", what, JOURNAL_BUSY_MS);
    return fail_set(why, "%s: %s%s%s", what, sqlite3_errmsg(db), system ? ": " : "", system ? strerror(system) : "");
}

static bool execute(sqlite3 *db, const char *sql, const char *what, struct fail *why)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || refuse(db, what, why);
}

/* One step of a statement that gives no rows. */
static bool run(sqlite3_stmt *s)
{
    int code = sqlite3_step(s);
    return sqlite3_reset(s) == SQLITE_OK && (code == SQLITE_DONE || code == SQLITE_ROW);
}

/* One number of a statement's one row; false, and zero, when there is no row or it failed. */
static bool run_number(sqlite3_stmt *s, int64_t *value)
{
    bool row = sqlite3_step(s) == SQLITE_ROW;
    *value = row ? sqlite3_column_int64(s, 0) : 0;
    return sqlite3_reset(s) == SQLITE_OK && row;
}

static bool ask_number(sqlite3 *db, const char *sql, int64_t *value, struct fail *why)
{
    sqlite3_stmt *s;
    bool good = sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && run_number(s, value);
    good = good || refuse(db, "not a journal", why);
    sqlite3_finalize(s);
    return good;
}

static bool prepare(sqlite3 *db, const char *const *texts, unsigned count, sqlite3_stmt **out, struct fail *why)
{
    for (unsigned i = 0; i < count; i++)
        if (sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &out[i], NULL) != SQLITE_OK)
            return refuse(db, "damaged", why);
    return true;
}

static void finalize(sqlite3_stmt **statements, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        sqlite3_finalize(statements[i]);
}

static void bind_bytes(sqlite3_stmt *s, int at, struct bytes b)
{
    sqlite3_bind_text64(s, at, b.len ? (const char *)b.at : "", b.len, SQLITE_STATIC, SQLITE_UTF8);
}

/* NULL stays NULL. */
static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

static struct bytes column_bytes(sqlite3_stmt *s, int column)
{
    const void *at = sqlite3_column_blob(s, column);
    return bytes_of(at, (size_t)sqlite3_column_bytes(s, column));
}

/* A handle to the file, which is not looked into yet. Closing it leaves even another program's log as it is. */
static sqlite3 *connect(const char *path, int flags, struct fail *why)
{
    char plain[PATH_MAX + 2]; /* so that no path is taken as a URI or as ":memory:" */
    sqlite3 *db = NULL;
    snprintf(plain, sizeof plain, "%s%s", path[0] == '/' ? "" : "./", path);
    if (strlen(path) >= PATH_MAX) {
        fail_set(why, "%s", strerror(ENAMETOOLONG));
        return NULL;
    }
    if (sqlite3_open_v2(plain, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
        sqlite3_extended_result_codes(db, 1);
        sqlite3_busy_timeout(db, JOURNAL_BUSY_MS);
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        return db;
    }
    if (db)
        refuse(db, "cannot be opened", why);
    else
        out_of_memory();
    sqlite3_close(db);
    return NULL;
}

/* Whose file it is and of which schema; an empty one is ours, of version 0. */
static bool identify(sqlite3 *db, int64_t *version, struct fail *why)
{
    int64_t application = 0, objects = 0;
    if (!ask_number(db, "PRAGMA application_id", &application, why) ||
        !ask_number(db, "PRAGMA user_version", version, why) ||
        !ask_number(db, "SELECT count(*) FROM sqlite_schema", &objects, why))
        return false;
    if (application == 0 && *version == 0 && objects == 0)
        return true;
    if (application != APPLICATION)
        return fail_set(why, "not a journal: an SQLite file of another program");
    if (*version < 0 || *version > JOURNAL_SCHEMA)
        return fail_set(why, "written by a newer vigia: its schema is %" PRId64 ", the newest known here is %d",
                        *version, JOURNAL_SCHEMA);
    return true;
}

static uint32_t posting_hash(const char *field, struct bytes value)
{
    return (uint32_t)(hash_fixed(value.at, value.len) >> 32) ^ (uint32_t)hash_fixed(field, strlen(field));
}

/* ---- the writer ---- */

enum write {
    BEGIN,
    COMMIT,
    ROLLBACK,
    CHANGED,
    TOPICS,
    LAST,
    ADD_BODY,
    ADD_FINDING,
    ADD_PUBLICATION,
    ADD_POSTING,
    ADD_SEGMENT,
    PUT_TOPIC,
    GET_NUMBER,
    PUT_NUMBER,
    PUT_TAKEN,
    DROP_TAKEN,
    TAKEN,
    SIZE,
    OLDEST,
    WRITES
};

static const char *const writes[WRITES] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [CHANGED] = "PRAGMA data_version",
    [TOPICS] = "SELECT name, id, last FROM topic",
    [LAST] = "SELECT max(ifnull((SELECT max(row) FROM body), 0), ifnull((SELECT max(row) FROM finding), 0),"
             " ifnull((SELECT max(row) FROM publication), 0), ifnull((SELECT value FROM number WHERE name = ?1), 0))",
    [ADD_BODY] = "INSERT INTO body VALUES (?1, ?2)",
    [ADD_FINDING] = "INSERT INTO finding VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [ADD_PUBLICATION] = "INSERT INTO publication VALUES (?1, ?2, ?3, ?4, ?5)",
    [ADD_POSTING] = "INSERT OR IGNORE INTO lookup VALUES (?1, ?2, ?3)",
    [ADD_SEGMENT] = "INSERT INTO segment VALUES (?1, ?2, ?2) ON CONFLICT (number)"
                    " DO UPDATE SET seen_min = min(seen_min, ?2), seen_max = max(seen_max, ?2)"
                    " WHERE ?2 < seen_min OR ?2 > seen_max",
    [PUT_TOPIC] = "INSERT INTO topic VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET last = ?3",
    [GET_NUMBER] = "SELECT value FROM number WHERE name = ?1",
    [PUT_NUMBER] = "INSERT INTO number VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
    [PUT_TAKEN] = "INSERT INTO taken VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (sensor, name)"
                  " DO UPDATE SET inode = ?3, size = ?4, changed = ?5",
    [DROP_TAKEN] = "DELETE FROM taken WHERE sensor = ?1 AND name = ?2",
    [TAKEN] = "SELECT name, inode, size, changed FROM taken WHERE sensor = ?1",
    [SIZE] = "SELECT (page_count - freelist_count) * page_size"
             " FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    [OLDEST] = "SELECT row, told FROM finding ORDER BY row LIMIT ?1",
};

struct topic {
    char *name;
    int64_t id; /* 0: not in the file yet */
    uint64_t last;
    uint64_t committed;
};

struct journal {
    sqlite3 *db;
    sqlite3_stmt *write[WRITES];
    struct topic *topics;
    uint32_t topic_count;
    struct table topic_of_hash;
    uint32_t *touched; /* topics with last != committed; as many as there are topics have room */
    uint32_t touched_count;
    int64_t topic_id; /* the last given */
    int64_t row;      /* the last given */
    int64_t row_committed;
    int64_t changed; /* what SQLite said when this was read from the file: other than that, another has written */
    uint64_t shared[SHARED_KNOWN]; /* posted in this batch: segment + 1 above, hash below; 0 none */
    bool batch;
    bool failed;   /* the batch can only be rolled back */
    bool unsynced; /* committed, and not flushed to the disk */
};

static struct topic *topic_at(struct journal *j, const char *name)
{
    uint64_t hash = hash_fixed(name, strlen(name));
    for (uint32_t slot = table_first(&j->topic_of_hash, hash); slot != TABLE_NONE;
         slot = table_next(&j->topic_of_hash, hash, slot)) {
        struct topic *t = &j->topics[table_value(&j->topic_of_hash, slot)];
        if (strcmp(t->name, name) == 0)
            return t;
    }
    if (!table_add(&j->topic_of_hash, hash, j->topic_count))
        return NULL;
    if ((j->topic_count & (j->topic_count - 1)) == 0) { /* full at each power of two */
        size_t room = j->topic_count ? 2 * (size_t)j->topic_count : 1;
        j->topics = reallocarray(j->topics, room, sizeof *j->topics);
        j->touched = reallocarray(j->touched, room, sizeof *j->touched);
        if (!j->topics || !j->touched)
            out_of_memory();
    }
    struct topic *t = &j->topics[j->topic_count++];
    *t = (struct topic){.name = strdup(name)};
    return t->name ? t : out_of_memory();
}

/* The file's own word on topics and rows, in place of what is remembered. */
static bool load(struct journal *j)
{
    sqlite3_stmt *s = j->write[TOPICS];
    int code;
    for (uint32_t i = 0; i < j->topic_count; i++)
        j->topics[i] = (struct topic){.name = j->topics[i].name};
    j->topic_id = 0;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        struct topic *t = name ? topic_at(j, name) : NULL;
        if (!t)
            break;
        t->id = sqlite3_column_int64(s, 1);
        t->last = t->committed = (uint64_t)sqlite3_column_int64(s, 2);
        j->topic_id = t->id > j->topic_id ? t->id : j->topic_id;
    }
    if (sqlite3_reset(s) != SQLITE_OK || code != SQLITE_DONE)
        return false;
    bind_text(j->write[LAST], 1, last_row);
    bool good = run_number(j->write[LAST], &j->row) && run_number(j->write[CHANGED], &j->changed);
    j->row_committed = j->row;
    return good;
}

/* Of a small file every page; of a larger one nothing here: load() goes to the ends of the trees. */
static bool check(sqlite3 *db, struct fail *why)
{
    int64_t pages, page_size;
    sqlite3_stmt *s = NULL;
    if (!ask_number(db, "PRAGMA page_count", &pages, why) || !ask_number(db, "PRAGMA page_size", &page_size, why))
        return false;
    if (pages > JOURNAL_CHECK_MAX / page_size)
        return true;
    bool good = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL) == SQLITE_OK;
    if (good && sqlite3_step(s) == SQLITE_ROW) {
        struct bytes said = column_bytes(s, 0);
        char quoted[4 * FAIL_QUOTE_MAX + 4];
        good = bytes_equal(said, bytes_text("ok")) || fail_set(why, "damaged: %s", fail_quote(said, quoted));
    } else {
        good = refuse(db, "damaged", why);
    }
    sqlite3_finalize(s);
    return good;
}

static bool migrate(sqlite3 *db, struct fail *why)
{
    int64_t version;
    if (!identify(db, &version, why) || !check(db, why))
        return false;
    if (version == JOURNAL_SCHEMA)
        return true;
    for (; version < JOURNAL_SCHEMA; version++)
        if (!execute(db, steps[version], "cannot be brought up to date", why))
            return false;
    char stamp[128];
    snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION, JOURNAL_SCHEMA);
    return execute(db, stamp, "cannot be brought up to date", why);
}

static bool turn_wal_on(sqlite3 *db, struct fail *why)
{
    sqlite3_stmt *s = NULL;
    bool on = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &s, NULL) == SQLITE_OK &&
              sqlite3_step(s) == SQLITE_ROW && bytes_equal(column_bytes(s, 0), bytes_text("wal"));
    if (!on && sqlite3_errcode(db) == SQLITE_ROW)
        fail_set(why, "no write-ahead log on this file system");
    on = on || refuse(db, "no write-ahead log", why);
    sqlite3_finalize(s);
    return on;
}

/* Identity, check and migration in one transaction, so that two who open a new file at once make it once. It is made
 * with a rollback journal: whose file it is must stand in the file itself. */
static bool make_ready(struct journal *j, struct fail *why)
{
    if (!execute(j->db, "PRAGMA page_size = 16384; BEGIN IMMEDIATE", "not a journal", why))
        return false;
    if (!migrate(j->db, why) || !execute(j->db, "COMMIT", "cannot be brought up to date", why)) {
        sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    return turn_wal_on(j->db, why) &&
           execute(j->db,
                   "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 1024; PRAGMA cache_size = -32768;"
                   "PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = OFF; PRAGMA foreign_keys = OFF",
                   "settings", why) &&
           prepare(j->db, writes, WRITES, j->write, why) && (load(j) || refuse(j->db, "damaged", why));
}

struct journal *journal_open(const char *path, struct fail *why)
{
    int made = open(path, O_CREAT | O_EXCL | O_CLOEXEC | O_RDWR, 0600); /* SQLite would let all the world read it */
    if (made >= 0)
        close(made);
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        out_of_memory();
    table_init(&j->topic_of_hash, JOURNAL_TOPICS);
    j->db = connect(path, SQLITE_OPEN_READWRITE, why);
    if (j->db && make_ready(j, why)) {
        sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        return j;
    }
    journal_close(j);
    return NULL;
}

void journal_close(struct journal *j)
{
    finalize(j->write, WRITES);
    sqlite3_close(j->db);
    for (uint32_t i = 0; i < j->topic_count; i++)
        free(j->topics[i].name);
    free(j->topics);
    free(j->touched);
    table_free(&j->topic_of_hash);
    free(j);
}

/* ---- a batch ---- */

static bool batch_fails(struct journal *j, const char *what, struct fail *why)
{
    j->failed = true;
    return refuse(j->db, what, why);
}

bool journal_begin(struct journal *j, struct fail *why)
{
    int64_t changed;
    assert(!j->batch);
    if (!run(j->write[BEGIN]))
        return refuse(j->db, "batch", why);
    j->batch = true;
    j->failed = false;
    memset(j->shared, 0, sizeof j->shared);
    if (run_number(j->write[CHANGED], &changed) && (changed == j->changed || load(j)))
        return true;
    refuse(j->db, "batch", why);
    journal_rollback(j);
    return false;
}

static void forget_batch(struct journal *j)
{
    for (uint32_t i = 0; i < j->touched_count; i++) {
        struct topic *t = &j->topics[j->touched[i]];
        t->last = t->committed;
        t->id = t->committed ? t->id : 0;
    }
    j->touched_count = 0;
    j->row = j->row_committed;
    j->batch = false;
}

void journal_rollback(struct journal *j)
{
    assert(j->batch);
    if (!sqlite3_get_autocommit(j->db)) /* some errors have rolled back already */
        run(j->write[ROLLBACK]);
    forget_batch(j);
}

uint64_t journal_next_seq(struct journal *j, const char *topic)
{
    assert(j->batch && strlen(topic) <= JOURNAL_TOPIC_MAX);
    const struct topic *t = topic_at(j, topic);
    return t ? t->last + 1 : 1;
}

static bool add_body(struct journal *j, struct bytes json)
{
    sqlite3_stmt *s = j->write[ADD_BODY];
    sqlite3_bind_int64(s, 1, j->row + 1);
    bind_bytes(s, 2, json);
    return run(s) && ++j->row;
}

static bool post(struct journal *j, uint32_t hash, int64_t row)
{
    sqlite3_stmt *s = j->write[ADD_POSTING];
    sqlite3_bind_int64(s, 1, j->row >> SEGMENT_BITS);
    sqlite3_bind_int64(s, 2, (int32_t)hash); /* signed: four octets, whatever it is */
    sqlite3_bind_int64(s, 3, row);
    return run(s);
}

static bool add_posting(struct journal *j, const char *field, struct bytes value)
{
    return value.len == 0 || post(j, posting_hash(field, value), j->row);
}

/* Of the segment, with no row. */
static bool add_shared(struct journal *j, const char *field, const char *value)
{
    uint32_t hash = posting_hash(field, bytes_text(value));
    uint64_t posting = (uint64_t)((j->row >> SEGMENT_BITS) + 1) << 32 | hash;
    uint64_t *known = &j->shared[hash % SHARED_KNOWN];
    if (!value[0] || *known == posting)
        return true;
    *known = posting;
    return post(j, hash, 0);
}

static bool add_segment(struct journal *j, int64_t seen_ns)
{
    sqlite3_stmt *s = j->write[ADD_SEGMENT];
    sqlite3_bind_int64(s, 1, j->row >> SEGMENT_BITS);
    sqlite3_bind_int64(s, 2, seen_ns);
    return run(s);
}

static bool add_finding(struct journal *j, const struct journal_finding *f)
{
    sqlite3_stmt *s = j->write[ADD_FINDING];
    sqlite3_bind_int64(s, 1, j->row);
    sqlite3_bind_int64(s, 2, f->time_ns);
    sqlite3_bind_int64(s, 3, f->seen_ns);
    bind_text(s, 4, f->kind);
    bind_text(s, 5, f->status);
    bind_text(s, 6, f->country);
    bind_text(s, 7, f->type);
    bind_text(s, 8, f->id);
    bind_bytes(s, 9, f->indicator);
    bind_bytes(s, 10, f->observable);
    return run(s);
}

int64_t journal_add(struct journal *j, const struct journal_finding *f, struct fail *why)
{
    assert(j->batch && strlen(f->id) <= JOURNAL_ID_MAX);
    if (j->failed)
        return fail_set(why, "the batch has failed already");
    bool good = add_body(j, f->json) && add_finding(j, f) && add_segment(j, f->seen_ns) &&
                add_posting(j, "id", bytes_text(f->id)) && add_posting(j, "value", f->indicator) &&
                (bytes_equal(f->indicator, f->observable) || add_posting(j, "value", f->observable)) &&
                add_shared(j, "country", f->country) && add_shared(j, "type", f->type);
    return good ? j->row : batch_fails(j, "finding", why);
}

bool journal_publish(struct journal *j, int64_t row, const char *topic, uint64_t seq, struct bytes json,
                     struct fail *why)
{
    assert(j->batch && strlen(topic) <= JOURNAL_TOPIC_MAX);
    if (j->failed)
        return fail_set(why, "the batch has failed already");
    struct topic *t = topic_at(j, topic);
    if (!t) {
        j->failed = true;
        return fail_set(why, "publication: more than %d topics", JOURNAL_TOPICS);
    }
    assert(seq == t->last + 1);
    if (t->id == 0)
        t->id = ++j->topic_id;
    if (t->last == t->committed)
        j->touched[j->touched_count++] = (uint32_t)(t - j->topics);
    t->last = seq;
    sqlite3_stmt *s = j->write[ADD_PUBLICATION];
    if (json.len && !add_body(j, json))
        return batch_fails(j, "publication", why);
    j->row += json.len == 0;
    sqlite3_bind_int64(s, 1, j->row);
    sqlite3_bind_int64(s, 2, row);
    sqlite3_bind_int64(s, 3, t->id);
    sqlite3_bind_int64(s, 4, (int64_t)seq);
    if (json.len)
        sqlite3_bind_null(s, 5);
    else
        sqlite3_bind_int64(s, 5, row);
    return run(s) || batch_fails(j, "publication", why);
}

static bool put_topics(struct journal *j)
{
    sqlite3_stmt *s = j->write[PUT_TOPIC];
    bool good = true;
    for (uint32_t i = 0; i < j->touched_count && good; i++) {
        const struct topic *t = &j->topics[j->touched[i]];
        sqlite3_bind_int64(s, 1, t->id);
        bind_text(s, 2, t->name);
        sqlite3_bind_int64(s, 3, (int64_t)t->last);
        good = run(s);
    }
    return good;
}

bool journal_commit(struct journal *j, struct fail *why)
{
    assert(j->batch);
    if (j->failed)
        fail_set(why, "the batch has failed already");
    else if (!put_topics(j) || !run(j->write[COMMIT]))
        batch_fails(j, "batch", why);
    if (j->failed) {
        journal_rollback(j);
        return false;
    }
    for (uint32_t i = 0; i < j->touched_count; i++)
        j->topics[j->touched[i]].committed = j->topics[j->touched[i]].last;
    j->row_committed = j->row;
    j->unsynced = true;
    forget_batch(j);
    return true;
}

bool journal_sync(struct journal *j, struct fail *why)
{
    sqlite3_file *log = NULL;
    assert(!j->batch);
    if (!j->unsynced)
        return true;
    /* Not by a checkpoint: one that finds nothing to copy, since a reader is in its way, flushes nothing either. */
    sqlite3_file_control(j->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (!log || !log->pMethods || log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK)
        return fail_set(why, "the log cannot be flushed to the disk: %s", strerror(sqlite3_system_errno(j->db)));
    j->unsynced = false;
    return true;
}

int64_t journal_number(struct journal *j, const char *name)
{
    int64_t value;
    bind_text(j->write[GET_NUMBER], 1, name);
    run_number(j->write[GET_NUMBER], &value);
    return value;
}

bool journal_set_number(struct journal *j, const char *name, int64_t value, struct fail *why)
{
    if (j->batch && j->failed)
        return fail_set(why, "the batch has failed already");
    bind_text(j->write[PUT_NUMBER], 1, name);
    sqlite3_bind_int64(j->write[PUT_NUMBER], 2, value);
    bool good = run(j->write[PUT_NUMBER]);
    j->unsynced = true;
    j->failed = j->failed || (j->batch && !good);
    return good || refuse(j->db, name, why);
}

static void bind_name(sqlite3_stmt *s, const struct journal_file *f)
{
    bind_text(s, 1, f->sensor);
    sqlite3_bind_blob64(s, 2, f->name.at, f->name.len, SQLITE_STATIC); /* any octets */
}

bool journal_take(struct journal *j, const struct journal_file *f, struct fail *why)
{
    assert(j->batch && f->name.len);
    if (j->failed)
        return fail_set(why, "the batch has failed already");
    sqlite3_stmt *s = j->write[PUT_TAKEN];
    bind_name(s, f);
    sqlite3_bind_int64(s, 3, (int64_t)f->inode);
    sqlite3_bind_int64(s, 4, (int64_t)f->size);
    sqlite3_bind_int64(s, 5, f->changed_ns);
    return run(s) || batch_fails(j, "taken file", why);
}

bool journal_forget(struct journal *j, const struct journal_file *f, struct fail *why)
{
    assert(j->batch && f->name.len);
    if (j->failed)
        return fail_set(why, "the batch has failed already");
    bind_name(j->write[DROP_TAKEN], f);
    return run(j->write[DROP_TAKEN]) || batch_fails(j, "taken file", why);
}

bool journal_taken(struct journal *j, const char *sensor, void (*each)(void *to, const struct journal_file *f),
                   void *to, struct fail *why)
{
    sqlite3_stmt *s = j->write[TAKEN];
    int code;
    bind_text(s, 1, sensor);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct journal_file f = {.sensor = sensor,
                                 .name = column_bytes(s, 0),
                                 .inode = (uint64_t)sqlite3_column_int64(s, 1),
                                 .size = (uint64_t)sqlite3_column_int64(s, 2),
                                 .changed_ns = sqlite3_column_int64(s, 3)};
        each(to, &f);
    }
    return (sqlite3_reset(s) == SQLITE_OK && code == SQLITE_DONE) || refuse(j->db, "damaged", why);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct topic *const *)a)->name, (*(const struct topic *const *)b)->name);
}

void journal_topics(struct journal *j, void (*topic)(void *to, const char *topic, uint64_t seq), void *to)
{
    const struct topic **sorted = calloc(j->topic_count + 1, sizeof *sorted);
    if (!sorted)
        out_of_memory();
    for (uint32_t i = 0; i < j->topic_count; i++)
        sorted[i] = &j->topics[i];
    qsort(sorted, j->topic_count, sizeof *sorted, by_name);
    for (uint32_t i = 0; i < j->topic_count; i++)
        if (sorted[i]->committed)
            topic(to, sorted[i]->name, sorted[i]->committed);
    free(sorted);
}

/* ---- letting go ---- */

static bool trim_before(struct journal *j, int64_t row)
{
    static const char *const tables[] = {"body", "finding", "publication"};
    char sql[128];
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        snprintf(sql, sizeof sql, "DELETE FROM %s WHERE row < %" PRId64, tables[i], row);
        if (sqlite3_exec(j->db, sql, NULL, NULL, NULL) != SQLITE_OK)
            return false;
    }
    /* Postings of a segment go with its last row; until then they lead to rows that are not there. */
    int64_t segment = row >> SEGMENT_BITS;
    snprintf(sql, sizeof sql,
             "DELETE FROM lookup WHERE segment < %" PRId64 "; DELETE FROM segment WHERE number < %" PRId64, segment,
             segment);
    return sqlite3_exec(j->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* Up to `count` of the oldest findings, all of them or those told before `before_ns`; 0 when there are none. */
static bool trim_oldest(struct journal *j, uint32_t count, bool all, int64_t before_ns, uint32_t *gone)
{
    sqlite3_stmt *s = j->write[OLDEST];
    int64_t stays = j->row + 1; /* the first row that does */
    *gone = 0;
    sqlite3_bind_int64(s, 1, (int64_t)count + 1);
    while (sqlite3_step(s) == SQLITE_ROW) {
        if (*gone == count || (!all && sqlite3_column_int64(s, 1) >= before_ns)) {
            stays = sqlite3_column_int64(s, 0);
            break;
        }
        ++*gone;
    }
    return sqlite3_reset(s) == SQLITE_OK && (*gone == 0 || trim_before(j, stays));
}

bool journal_trim(struct journal *j, int64_t before_ns, uint64_t bytes_max, uint32_t rows_max, uint32_t *gone,
                  struct fail *why)
{
    *gone = 0;
    if (!journal_begin(j, why))
        return false;
    uint32_t now = 1;
    while (*gone < rows_max && now) {
        int64_t bytes;
        uint32_t count = rows_max - *gone < TRIM_ROWS ? rows_max - *gone : TRIM_ROWS;
        if (!run_number(j->write[SIZE], &bytes) ||
            !trim_oldest(j, count, bytes_max && (uint64_t)bytes > bytes_max, before_ns, &now)) {
            batch_fails(j, "trim", why);
            break;
        }
        *gone += now;
    }
    if (*gone && !j->failed)
        journal_set_number(j, last_row, j->row, why);
    if (journal_commit(j, why))
        return true;
    *gone = 0;
    return false;
}

/* ---- the reader ---- */

enum read {
    NEWEST,
    SEGMENT_UP,
    SEGMENT_DOWN,
    POSTED,
    SHARED,
    SCANNED,
    BODY,
    TOPIC,
    PUBLICATION,
    PUBLICATION_ANY,
    PUBLICATION_OF,
    TOLD,
    READS
};

/* What a question may ask of a finding besides what it is looked up by. */
#define FILTER                                                                                                         \
    " f.seen >= ?4 AND f.seen < ?5 AND (?6 IS NULL OR f.country = ?6) AND (?7 IS NULL OR f.type = ?7)"                 \
    " AND (?8 IS NULL OR f.kind = ?8) AND (?9 IS NULL OR f.indicator = ?9 OR f.observable = ?9)"                       \
    " AND (?10 IS NULL OR f.id = ?10)"

static const char *const reads[READS] = {
    [NEWEST] = "SELECT max(ifnull((SELECT max(row) FROM body), 0), ifnull((SELECT max(row) FROM publication), 0))",
    [SEGMENT_UP] = "SELECT number FROM segment WHERE number >= ?1 AND seen_max >= ?2 AND seen_min < ?3"
                   " ORDER BY number LIMIT 1",
    [SEGMENT_DOWN] = "SELECT number FROM segment WHERE number <= ?1 AND seen_max >= ?2 AND seen_min < ?3"
                     " ORDER BY number DESC LIMIT 1",
    [POSTED] = "SELECT f.row FROM lookup l CROSS JOIN finding f ON f.row = l.row"
               " WHERE l.segment = ?1 AND l.hash = ?3 AND f.row <= ?2 AND" FILTER " ORDER BY l.row",
    [SHARED] = "SELECT count(*) FROM (SELECT 1 FROM lookup WHERE segment = ?1 AND hash = ?2 LIMIT 1)",
    [SCANNED] = "SELECT f.row FROM finding f WHERE f.row >= ?1 AND f.row <= ?2 AND" FILTER " ORDER BY f.row",
    [BODY] = "SELECT json FROM body WHERE row = ?1",
    [TOPIC] = "SELECT last FROM topic WHERE name = ?1",
    [PUBLICATION] =
        "SELECT p.row, p.seq, t.name, b.json FROM topic t CROSS JOIN publication p ON p.topic = t.id"
        " CROSS JOIN body b ON b.row = ifnull(p.body, p.row) WHERE t.name = ?1 AND p.seq >= ?2 AND p.seq <= ?3"
        " ORDER BY p.seq LIMIT 1",
    [PUBLICATION_ANY] =
        "SELECT p.row, p.seq, t.name, b.json FROM publication p CROSS JOIN topic t ON t.id = p.topic"
        " CROSS JOIN body b ON b.row = ifnull(p.body, p.row) WHERE p.row >= ?4 AND p.row <= ?5 AND p.seq >= ?2"
        " AND p.seq <= ?3 AND t.name >= ?1 AND t.name < ?6 ORDER BY p.row LIMIT 1",
    [PUBLICATION_OF] = "SELECT p.row, p.seq, t.name, b.json FROM publication p CROSS JOIN topic t ON t.id = p.topic"
                       " CROSS JOIN body b ON b.row = ifnull(p.body, p.row) WHERE p.row = ?1 AND p.finding = ?2",
    [TOLD] = "SELECT told FROM finding WHERE row = ?1",
};

struct journal_reader {
    sqlite3 *db;
    sqlite3_stmt *read[READS];
    struct buffer body; /* what the callback sees, so that it may take its time */
    uint32_t count;
    int64_t rows[1 << SEGMENT_BITS]; /* of one segment, that answer */
};

struct journal_reader *journal_reader_open(const char *path, struct fail *why)
{
    int64_t version;
    struct journal_reader *r = calloc(1, sizeof *r);
    if (!r)
        out_of_memory();
    r->db = connect(path, SQLITE_OPEN_READONLY, why);
    bool good = r->db && identify(r->db, &version, why);
    if (good && version < JOURNAL_SCHEMA)
        good = fail_set(why, "its schema is %" PRId64 ", older than %d: the daemon brings it up to date", version,
                        JOURNAL_SCHEMA);
    if (good && prepare(r->db, reads, READS, r->read, why))
        return r;
    journal_reader_close(r);
    return NULL;
}

void journal_reader_close(struct journal_reader *r)
{
    finalize(r->read, READS);
    sqlite3_close(r->db);
    buffer_free(&r->body);
    free(r);
}

struct span {
    int64_t since_ns;
    int64_t until_ns;
};

static struct span span_of(const struct journal_query *q)
{
    return (struct span){
        .since_ns = q->since_ns ? q->since_ns : INT64_MIN,
        .until_ns = q->until_ns ? q->until_ns : INT64_MAX,
    };
}

/* By what a question is looked up: the rarest that it names. False: by nothing. */
static bool posted(const struct journal_query *q, uint32_t *hash)
{
    const char *const asked[][2] = {{"id", q->id}, {"value", q->indicator}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        if (asked[i][1]) {
            *hash = posting_hash(asked[i][0], bytes_text(asked[i][1]));
            return asked[i][1][0] != '\0'; /* nothing is posted of an empty text */
        }
    return false;
}

/* Whether the segment has findings of this country or type; of any, where none or an empty one is asked for. */
static bool may_have(struct journal_reader *r, int64_t segment, const char *field, const char *value)
{
    int64_t some = 1;
    if (value && value[0]) {
        sqlite3_bind_int64(r->read[SHARED], 1, segment);
        sqlite3_bind_int64(r->read[SHARED], 2, (int32_t)posting_hash(field, bytes_text(value)));
        run_number(r->read[SHARED], &some);
    }
    return some;
}

/* The rows of a segment that answer, in order, into r->rows. */
static bool find_rows(struct journal_reader *r, const struct journal_query *q, int64_t segment, int64_t newest,
                      struct fail *why)
{
    uint32_t hash = 0;
    bool by_posting = posted(q, &hash);
    sqlite3_stmt *s = r->read[by_posting ? POSTED : SCANNED];
    int64_t end = ((segment + 1) << SEGMENT_BITS) - 1;
    struct span span = span_of(q);
    int code;
    r->count = 0;
    if (!may_have(r, segment, "country", q->country) || !may_have(r, segment, "type", q->type))
        return true;
    sqlite3_bind_int64(s, 1, by_posting ? segment : segment << SEGMENT_BITS);
    sqlite3_bind_int64(s, 2, end < newest ? end : newest);
    if (by_posting)
        sqlite3_bind_int64(s, 3, (int32_t)hash);
    sqlite3_bind_int64(s, 4, span.since_ns);
    sqlite3_bind_int64(s, 5, span.until_ns);
    bind_text(s, 6, q->country);
    bind_text(s, 7, q->type);
    bind_text(s, 8, q->kind);
    bind_text(s, 9, q->indicator);
    bind_text(s, 10, q->id);
    while ((code = sqlite3_step(s)) == SQLITE_ROW && r->count < 1 << SEGMENT_BITS)
        r->rows[r->count++] = sqlite3_column_int64(s, 0);
    return (sqlite3_reset(s) == SQLITE_OK && code == SQLITE_DONE) || refuse(r->db, "damaged", why);
}

/* The next segment at or behind (or in front of) `*number` that may hold an answer; *number < 0: there is none. */
static bool next_segment(struct journal_reader *r, enum read way, const struct journal_query *q, int64_t *number,
                         struct fail *why)
{
    sqlite3_stmt *s = r->read[way];
    struct span span = span_of(q);
    sqlite3_bind_int64(s, 1, *number);
    sqlite3_bind_int64(s, 2, span.since_ns);
    sqlite3_bind_int64(s, 3, span.until_ns);
    int code = sqlite3_step(s);
    *number = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    return sqlite3_reset(s) == SQLITE_OK || refuse(r->db, "damaged", why);
}

/* From which row on the newest `q->limit` answers lie. */
static bool find_start(struct journal_reader *r, const struct journal_query *q, int64_t newest, int64_t *start,
                       struct fail *why)
{
    uint64_t wanted = q->limit;
    int64_t segment = newest >> SEGMENT_BITS;
    *start = 0;
    while (wanted) {
        if (!next_segment(r, SEGMENT_DOWN, q, &segment, why) ||
            (segment >= 0 && !find_rows(r, q, segment, newest, why)))
            return false;
        if (segment < 0)
            break;
        if (r->count >= wanted)
            *start = r->rows[r->count - wanted];
        wanted -= r->count < wanted ? r->count : wanted;
        segment--;
    }
    return true;
}

/* A copy, so that SQLite holds nothing for us. Empty: the row was let go of. */
static bool fetch_body(struct journal_reader *r, int64_t row, struct fail *why)
{
    sqlite3_stmt *s = r->read[BODY];
    buffer_clear(&r->body);
    sqlite3_bind_int64(s, 1, row);
    if (sqlite3_step(s) == SQLITE_ROW) {
        struct bytes json = column_bytes(s, 0);
        buffer_add(&r->body, json.at, json.len);
    }
    return sqlite3_reset(s) == SQLITE_OK || refuse(r->db, "damaged", why);
}

bool journal_read(struct journal_reader *r, const struct journal_query *q, bool (*each)(void *to, struct bytes json),
                  void *to, struct fail *why)
{
    int64_t newest, start;
    if (!run_number(r->read[NEWEST], &newest))
        return refuse(r->db, "damaged", why);
    if (!find_start(r, q, newest, &start, why))
        return false;
    for (int64_t segment = start >> SEGMENT_BITS;; segment++) {
        if (!next_segment(r, SEGMENT_UP, q, &segment, why))
            return false;
        if (segment < 0)
            return true;
        if (!find_rows(r, q, segment, newest, why))
            return false;
        for (uint32_t i = 0; i < r->count; i++) {
            if (r->rows[i] < start)
                continue;
            if (!fetch_body(r, r->rows[i], why))
                return false;
            if (r->body.len && !each(to, buffer_bytes(&r->body)))
                return true;
        }
    }
}

/* ---- replay ---- */

/* One publication, copied. `*row` 0: there is none. */
static bool fetch_publication(struct journal_reader *r, sqlite3_stmt *s, char topic[JOURNAL_TOPIC_MAX + 1],
                              int64_t *row, int64_t *seq, struct fail *why)
{
    *row = 0;
    if (sqlite3_step(s) == SQLITE_ROW) {
        *row = sqlite3_column_int64(s, 0);
        *seq = sqlite3_column_int64(s, 1);
        struct bytes name = bytes_until(column_bytes(s, 2), JOURNAL_TOPIC_MAX), json = column_bytes(s, 3);
        memcpy(topic, name.at, name.len);
        topic[name.len] = '\0';
        buffer_clear(&r->body);
        buffer_add(&r->body, json.at, json.len);
    }
    return sqlite3_reset(s) == SQLITE_OK || refuse(r->db, "damaged", why);
}

bool journal_replay(struct journal_reader *r, const char *topic, uint64_t from, uint64_t to,
                    bool (*each)(void *context, const char *topic, uint64_t seq, struct bytes json), void *context,
                    struct fail *why)
{
    size_t len = strlen(topic);
    bool prefix = len == 0 || topic[len - 1] == '.';
    char name[JOURNAL_TOPIC_MAX + 1], beyond[JOURNAL_TOPIC_MAX + 1] = "\x7f"; /* topics are ASCII */
    int64_t row = 0, seq = 0, newest, last = 0;
    if (len > JOURNAL_TOPIC_MAX || from > INT64_MAX)
        return true; /* nothing is there */
    if (!run_number(r->read[NEWEST], &newest))
        return refuse(r->db, "damaged", why);
    if (prefix && len) {
        memcpy(beyond, topic, len + 1);
        beyond[len - 1] = '.' + 1;
    }
    sqlite3_stmt *s = r->read[prefix ? PUBLICATION_ANY : PUBLICATION];
    if (!prefix) {
        bind_text(r->read[TOPIC], 1, topic);
        run_number(r->read[TOPIC], &last);
    }
    to = to > INT64_MAX ? INT64_MAX : to;
    to = !prefix && to > (uint64_t)last ? (uint64_t)last : to;
    for (;;) {
        bind_text(s, 1, topic);
        sqlite3_bind_int64(s, 2, !prefix && seq ? seq + 1 : (int64_t)from);
        sqlite3_bind_int64(s, 3, (int64_t)to);
        if (prefix) {
            sqlite3_bind_int64(s, 4, row + 1);
            sqlite3_bind_int64(s, 5, newest);
            bind_text(s, 6, beyond);
        }
        if (!fetch_publication(r, s, name, &row, &seq, why))
            return false;
        if (!row || !each(context, name, (uint64_t)seq, buffer_bytes(&r->body)))
            return true;
    }
}

/* ---- one finding, each time that it was told ---- */

/* A finding's publications have the rows behind its own. */
static bool tell_publications(struct journal_reader *r, int64_t finding, struct journal_telling *t,
                              bool (*each)(void *to, const struct journal_telling *t), void *to, bool *more,
                              struct fail *why)
{
    char topic[JOURNAL_TOPIC_MAX + 1];
    for (int64_t row, seq, next = finding + 1; *more; next++) {
        sqlite3_bind_int64(r->read[PUBLICATION_OF], 1, next);
        sqlite3_bind_int64(r->read[PUBLICATION_OF], 2, finding);
        if (!fetch_publication(r, r->read[PUBLICATION_OF], topic, &row, &seq, why))
            return false;
        if (!row)
            break;
        t->topic = topic;
        t->seq = (uint64_t)seq;
        t->json = buffer_bytes(&r->body);
        *more = each(to, t);
    }
    return true;
}

bool journal_tellings(struct journal_reader *r, const char *id, bool (*each)(void *to, const struct journal_telling *t),
                      void *to, struct fail *why)
{
    const struct journal_query q = {.id = id};
    bool more = true;
    int64_t newest;
    if (!run_number(r->read[NEWEST], &newest))
        return refuse(r->db, "damaged", why);
    for (int64_t segment = 0; more; segment++) {
        if (!next_segment(r, SEGMENT_UP, &q, &segment, why))
            return false;
        if (segment < 0)
            return true;
        if (!find_rows(r, &q, segment, newest, why))
            return false;
        for (uint32_t i = 0; i < r->count && more; i++) {
            struct journal_telling t = {.topic = NULL};
            sqlite3_bind_int64(r->read[TOLD], 1, r->rows[i]);
            run_number(r->read[TOLD], &t.time_ns);
            if (!fetch_body(r, r->rows[i], why))
                return false;
            if (!r->body.len)
                continue;
            t.json = buffer_bytes(&r->body);
            more = each(to, &t);
            if (!tell_publications(r, r->rows[i], &t, each, to, &more, why))
                return false;
        }
    }
    return true;
}
