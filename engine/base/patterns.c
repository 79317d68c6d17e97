/*
 * patterns: the door to Hyperscan (or Vectorscan, which has the same interface).
 *
 * Literals are expressions whose every octet is escaped, so that none of theirs is ever syntax. Hyperscan's own literal
 * interface would be the obvious way; in 5.4.0, which Debian ships, it fails in the middle of a scan on long literals
 * (intel/hyperscan#303).
 *
 * Expressions have PCRE's defaults: `.` is no newline, `^` and `$` are the ends of the text, unless flags say
 * otherwise. No start of match is asked for (it is dear), and nothing is told only once: who counts wants each match.
 */
#include "base/patterns.h"

#include <assert.h>
#include <hs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct patterns {
    hs_database_t *database;
    size_t bytes;
};

struct pattern_scratch {
    hs_scratch_t *scratch;
};

struct pattern_stream {
    hs_stream_t *stream;
};

static void *take(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p) {
        fputs("out of memory: patterns\n", stderr);
        abort();
    }
    return p;
}

static bool flag_of(uint8_t letter, unsigned *flags)
{
    switch (letter) {
    case 'i': *flags |= HS_FLAG_CASELESS; return true;
    case 'm': *flags |= HS_FLAG_MULTILINE; return true;
    case 's': *flags |= HS_FLAG_DOTALL; return true;
    default: return false;
    }
}

/* `/…/flags` to what is between and its flags. Whatever only looks like it, as `/bin/sh`, is an expression as it is. */
static struct bytes undress(struct bytes expression, unsigned *flags)
{
    *flags = 0;
    if (expression.len < 3 || expression.at[0] != '/')
        return expression;
    unsigned found = 0;
    size_t end = expression.len - 1;
    while (end > 1 && flag_of(expression.at[end], &found))
        end--;
    if (end < 2 || expression.at[end] != '/')
        return expression;
    *flags = found;
    return bytes_of(expression.at + 1, end - 1);
}

static char *text_of(struct bytes b)
{
    char *text = take(b.len + 1, 1);
    memcpy(text, b.at, b.len);
    return text;
}

static char *escaped(struct bytes literal)
{
    char *text = take(literal.len + 1, sizeof "\\x00" - 1);
    for (size_t i = 0; i < literal.len; i++)
        sprintf(text + 4 * i, "\\x%02x", literal.at[i]);
    return text;
}

/* What Hyperscan is given for a pattern. */
static char *expression_of(enum patterns_kind kind, struct bytes expression, unsigned *flags)
{
    if (kind == PATTERNS_REGEX)
        return text_of(undress(expression, flags));
    *flags = kind == PATTERNS_LITERAL_CASELESS ? HS_FLAG_CASELESS : 0;
    return escaped(expression);
}

static bool refused(struct fail *why, hs_compile_error_t *error)
{
    char quoted[4 * FAIL_QUOTE_MAX + 4];
    fail_set(why, "%s", error ? fail_quote(bytes_text(error->message), quoted) : "Hyperscan gave no reason");
    hs_free_compile_error(error);
    return false;
}

static bool compiles(const char *text, unsigned flags, unsigned mode, struct fail *why)
{
    hs_compile_error_t *error = NULL;
    hs_database_t *database = NULL;
    if (hs_compile(text, flags, mode, NULL, &database, &error) != HS_SUCCESS)
        return refused(why, error);
    hs_free_database(database);
    return true;
}

/* Alone and in both modes: what one mode takes, the other may refuse as too large. */
static bool check_regex(struct bytes expression, struct fail *why)
{
    unsigned flags;
    struct bytes bare = undress(expression, &flags);
    if (bytes_find(bare, 0) < bare.len)
        return fail_set(why, "an expression holds no NUL octet: write \\x00");
    char *text = text_of(bare);
    hs_compile_error_t *error = NULL;
    hs_expr_info_t *info = NULL;
    bool fine = hs_expression_info(text, flags, &info, &error) == HS_SUCCESS || refused(why, error);
    free(info);
    fine = fine && compiles(text, flags, HS_MODE_BLOCK, why) && compiles(text, flags, HS_MODE_STREAM, why);
    free(text);
    return fine;
}

bool patterns_check(enum patterns_kind kind, struct bytes expression, struct fail *why)
{
    if (expression.len == 0)
        return fail_set(why, "an empty pattern would match everywhere");
    if (expression.len > PATTERNS_EXPRESSION_MAX)
        return fail_set(why, "pattern of %zu octets, at most %d", expression.len, PATTERNS_EXPRESSION_MAX);
    return kind != PATTERNS_REGEX || check_regex(expression, why);
}

/* What Hyperscan wants side by side. */
struct request {
    char **texts;
    unsigned *flags;
    unsigned *ids;
    uint32_t count;
};

static struct request request_new(enum patterns_kind kind, const struct pattern *all, uint32_t count)
{
    struct request r = {
        .texts = take(count, sizeof *r.texts),
        .flags = take(count, sizeof *r.flags),
        .ids = take(count, sizeof *r.ids),
        .count = count,
    };
    for (uint32_t i = 0; i < count; i++) {
        r.texts[i] = expression_of(kind, all[i].expression, &r.flags[i]);
        r.ids[i] = all[i].value;
    }
    return r;
}

static void request_free(struct request *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        free(r->texts[i]);
    free(r->texts);
    free(r->flags);
    free(r->ids);
}

struct patterns *patterns_build(enum patterns_kind kind, bool streams, const struct pattern *all, uint32_t count,
                                struct fail *why)
{
    assert(count > 0);
    struct request r = request_new(kind, all, count);
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    hs_error_t result = hs_compile_multi((const char *const *)r.texts, r.flags, r.ids, count,
                                         streams ? HS_MODE_STREAM : HS_MODE_BLOCK, NULL, &database, &error);
    request_free(&r);
    if (result != HS_SUCCESS) {
        refused(why, error);
        return NULL;
    }
    struct patterns *p = take(1, sizeof *p);
    p->database = database;
    hs_database_size(database, &p->bytes);
    return p;
}

void patterns_free(struct patterns *p)
{
    if (!p)
        return;
    hs_free_database(p->database);
    free(p);
}

size_t patterns_bytes(const struct patterns *p)
{
    return p->bytes;
}

struct pattern_scratch *pattern_scratch_new(void)
{
    return take(1, sizeof(struct pattern_scratch));
}

bool pattern_scratch_grow(struct pattern_scratch *s, const struct patterns *p)
{
    return hs_alloc_scratch(p->database, &s->scratch) == HS_SUCCESS;
}

void pattern_scratch_free(struct pattern_scratch *s)
{
    if (!s)
        return;
    hs_free_scratch(s->scratch);
    free(s);
}

struct caller {
    pattern_hit *hit;
    void *to;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long end, unsigned flags, void *caller)
{
    (void)from; /* not asked for: always 0 */
    (void)flags;
    const struct caller *c = caller;
    return c->hit(c->to, id, end) ? 0 : 1;
}

/* A scan ends well or because its caller ended it. An unknown error is a fault inside Hyperscan that some traffic may
 * bring about: it ends the scan of one text, not the program. Anything else is an error of ours: a scratch that was not
 * grown for the database, or one in use by two. */
static void expect_scanned(hs_error_t result)
{
    assert(result == HS_SUCCESS || result == HS_SCAN_TERMINATED || result == HS_UNKNOWN_ERROR);
    (void)result;
}

void patterns_scan(const struct patterns *p, struct pattern_scratch *s, struct bytes block, pattern_hit *hit, void *to)
{
    assert(block.len <= UINT_MAX);
    struct caller c = {.hit = hit, .to = to};
    if (block.len)
        expect_scanned(hs_scan(p->database, (const char *)block.at, (unsigned)block.len, 0, s->scratch, on_match, &c));
}

struct pattern_stream *pattern_stream_open(const struct patterns *p)
{
    hs_stream_t *stream = NULL;
    if (hs_open_stream(p->database, 0, &stream) != HS_SUCCESS)
        return NULL;
    struct pattern_stream *st = take(1, sizeof *st);
    st->stream = stream;
    return st;
}

void pattern_stream_scan(struct pattern_stream *st, struct pattern_scratch *s, struct bytes next, pattern_hit *hit,
                         void *to)
{
    assert(next.len <= UINT_MAX);
    struct caller c = {.hit = hit, .to = to};
    if (next.len)
        expect_scanned(
            hs_scan_stream(st->stream, (const char *)next.at, (unsigned)next.len, 0, s->scratch, on_match, &c));
}

void pattern_stream_reset(struct pattern_stream *st, struct pattern_scratch *s, pattern_hit *hit, void *to)
{
    struct caller c = {.hit = hit, .to = to};
    expect_scanned(hs_reset_stream(st->stream, 0, s->scratch, on_match, &c));
}

void pattern_stream_close(struct pattern_stream *st)
{
    if (!st)
        return;
    hs_close_stream(st->stream, NULL, NULL, NULL);
    free(st);
}
