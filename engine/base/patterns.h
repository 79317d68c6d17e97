/*
 * patterns: many expressions at once, by Hyperscan (or Vectorscan).
 *
 * A `patterns` is one compiled database of one kind: literals or PCRE expressions, all with the same mode, since mixing
 * flags in one database makes it slow. A `pattern_scratch` is a thread's working memory for every database it was
 * grown for. A `pattern_stream` points into its database and takes no reference: the database outlives it, and it
 * cannot move to another (Hyperscan would report success and corrupt).
 *
 * A database is immutable: any thread scans it, each with its own scratch.
 */
#ifndef VIGIA_BASE_PATTERNS_H
#define VIGIA_BASE_PATTERNS_H

#include "base/fail.h"

struct patterns;
struct pattern_scratch;
struct pattern_stream;

enum patterns_kind {
    PATTERNS_LITERAL,         /* octets as they are */
    PATTERNS_LITERAL_CASELESS,
    PATTERNS_REGEX,           /* PCRE as Hyperscan takes it; a leading /…/flags (i m s) form is accepted */
};

enum { PATTERNS_EXPRESSION_MAX = 2048 };

struct pattern {
    struct bytes expression;
    uint32_t value; /* given back with each match */
};

/* Whether this expression compiles alone, with Hyperscan's reason if not. */
bool patterns_check(enum patterns_kind kind, struct bytes expression, struct fail *why);

/* Compiles `count` expressions, each of which passed `patterns_check`, for blocks or for streams. */
struct patterns *patterns_build(enum patterns_kind kind, bool streams, const struct pattern *all, uint32_t count,
                                struct fail *why);
void patterns_free(struct patterns *p);

/* Octets that the compiled database takes. */
size_t patterns_bytes(const struct patterns *p);

struct pattern_scratch *pattern_scratch_new(void);
/* Makes the scratch large enough for `p`; false when memory is out. */
bool pattern_scratch_grow(struct pattern_scratch *s, const struct patterns *p);
void pattern_scratch_free(struct pattern_scratch *s);

/* Called for each match; `end` is the offset behind it in the block, or in the stream from its start. The same
 * expression may match at many ends. Returning false ends the scan, that of
 * a stream for good: it sees nothing more until it is reset. */
typedef bool pattern_hit(void *to, uint32_t value, uint64_t end);

void patterns_scan(const struct patterns *p, struct pattern_scratch *s, struct bytes block, pattern_hit *hit, void *to);

/* Opening allocates: keep closed streams in a pool and `pattern_stream_reset` them instead. NULL when memory is out. */
struct pattern_stream *pattern_stream_open(const struct patterns *p);
void pattern_stream_scan(struct pattern_stream *st, struct pattern_scratch *s, struct bytes next, pattern_hit *hit,
                         void *to);
/* Ends the stream (expressions with `$` match now) and begins it again, for the next flow. */
void pattern_stream_reset(struct pattern_stream *st, struct pattern_scratch *s, pattern_hit *hit, void *to);
/* Frees it, without a last match. */
void pattern_stream_close(struct pattern_stream *st);

#endif
