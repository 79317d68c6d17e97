/*
 * yaml: libyaml's events, one at a time, hung into the tree below the innermost open list or map. Bounds are checked as
 * the events come, so that a hostile document is left early.
 */
#include "base/yaml.h"

#include <stdlib.h>
#include <yaml.h>

struct level {
    struct yaml *node;  /* an open list or map */
    struct yaml **tail; /* where its next child is hung */
    unsigned children;
    bool keyed; /* of a map: a key was read, its value is next */
    struct bytes key;
    unsigned key_line;
};

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct fail *why;
    struct yaml *root;
    struct level levels[YAML_DEPTH_MAX];
    unsigned depth; /* open levels */
    unsigned nodes;
    unsigned documents;
    bool ended;
};

static bool refuse(struct reader *r, yaml_mark_t mark, const char *reason)
{
    return fail_set(r->why, "line %zu, column %zu: %s", mark.line + 1, mark.column + 1, reason);
}

/* The reader has looked ahead of every mark: the place of its errors is counted from the octets. */
static yaml_mark_t mark_of(struct bytes document, size_t offset)
{
    struct bytes before = bytes_until(document, offset);
    yaml_mark_t mark = {.index = offset};
    for (size_t i = 0; i < before.len; i++) {
        bool ends = before.at[i] == '\n';
        mark.line += ends;
        mark.column = ends ? 0 : mark.column + 1;
    }
    return mark;
}

static bool refuse_syntax(struct reader *r, struct bytes document)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_READER_ERROR)
        return refuse(r, mark_of(document, p->problem_offset), p->problem);
    return refuse(r, p->problem_mark, p->problem ? p->problem : "out of memory");
}

static struct level *innermost(struct reader *r)
{
    return r->depth ? &r->levels[r->depth - 1] : NULL;
}

static bool expects_key(const struct level *l)
{
    return l && l->node->kind == YAML_MAP && !l->keyed;
}

/* A new node, hung where the next one belongs. */
static struct yaml *hang(struct reader *r, enum yaml_kind kind, yaml_mark_t mark)
{
    if (r->nodes++ == YAML_NODES_MAX) {
        refuse(r, mark, "too many values");
        return NULL;
    }
    struct yaml *node = arena_take(r->arena, sizeof *node);
    struct level *l = innermost(r);
    node->kind = kind;
    node->line = l && l->keyed ? l->key_line : (unsigned)mark.line + 1;
    if (l) {
        node->key = l->key;
        *l->tail = node;
        l->tail = &node->next;
        l->children++;
        l->keyed = false;
    } else {
        r->root = node;
    }
    return node;
}

static bool on_open(struct reader *r, enum yaml_kind kind, yaml_mark_t mark)
{
    if (expects_key(innermost(r)))
        return refuse(r, mark, "a key is a list or map");
    if (r->depth == YAML_DEPTH_MAX)
        return refuse(r, mark, "nested too deep");
    struct yaml *node = hang(r, kind, mark);
    if (!node)
        return false;
    r->levels[r->depth++] = (struct level){.node = node, .tail = &node->first};
    return true;
}

static bool on_scalar(struct reader *r, const yaml_event_t *event)
{
    struct bytes text = bytes_of(event->data.scalar.value, event->data.scalar.length);
    struct level *l = innermost(r);
    if (expects_key(l)) {
        l->key = arena_copy(r->arena, text);
        l->key_line = (unsigned)event->start_mark.line + 1;
        l->keyed = true;
        return true;
    }
    struct yaml *node = hang(r, YAML_SCALAR, event->start_mark);
    if (!node)
        return false;
    node->text = arena_copy(r->arena, text);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return true;
}

static int key_order(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* By key, then by line, so that of two equal keys the later is named. */
static int child_order(const void *a, const void *b)
{
    const struct yaml *x = *(struct yaml *const *)a, *y = *(struct yaml *const *)b;
    int order = key_order(x->key, y->key);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sorted rather than compared pair by pair: a map may have a million keys. */
static bool keys_differ(struct reader *r, const struct level *l)
{
    struct yaml **sorted = calloc(l->children + 1, sizeof *sorted);
    const struct yaml *twice = NULL;
    unsigned n = 0;
    if (!sorted)
        return fail_set(r->why, "out of memory");
    for (struct yaml *child = l->node->first; child; child = child->next)
        sorted[n++] = child;
    qsort(sorted, n, sizeof *sorted, child_order);
    for (unsigned i = 1; i < n; i++)
        if (bytes_equal(sorted[i - 1]->key, sorted[i]->key) && (!twice || sorted[i]->line < twice->line))
            twice = sorted[i];
    free(sorted);
    if (!twice)
        return true;
    char quote[4 * FAIL_QUOTE_MAX + 4];
    return fail_set(r->why, "line %u: the key \"%s\" stands here a second time", twice->line,
                    fail_quote(twice->key, quote));
}

static bool on_close(struct reader *r)
{
    const struct level *l = innermost(r);
    bool done = l->node->kind != YAML_MAP || keys_differ(r, l);
    r->depth--;
    return done;
}

/* What would make a value something else than it looks. */
static bool is_marked(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT: return e->data.scalar.anchor || e->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT: return e->data.sequence_start.anchor || e->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT: return e->data.mapping_start.anchor || e->data.mapping_start.tag;
    default: return e->type == YAML_ALIAS_EVENT;
    }
}

static bool on_event(struct reader *r, const yaml_event_t *e)
{
    if (is_marked(e))
        return refuse(r, e->start_mark, "anchors, aliases and tags are not taken");
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT: return r->documents++ == 0 || refuse(r, e->start_mark, "a second document");
    case YAML_SCALAR_EVENT: return on_scalar(r, e);
    case YAML_SEQUENCE_START_EVENT: return on_open(r, YAML_LIST, e->start_mark);
    case YAML_MAPPING_START_EVENT: return on_open(r, YAML_MAP, e->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return on_close(r);
    case YAML_STREAM_END_EVENT: r->ended = true; return true;
    default: return true;
    }
}

static bool read_events(struct reader *r, struct bytes document)
{
    while (!r->ended) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event))
            return refuse_syntax(r, document);
        bool done = on_event(r, &event);
        yaml_event_delete(&event);
        if (!done)
            return false;
    }
    return true;
}

/* Nothing, or `---` and nothing. */
static bool is_empty(const struct yaml *root)
{
    return !root || (root->kind == YAML_SCALAR && !root->quoted && root->text.len == 0);
}

struct yaml *yaml_read(struct arena *a, struct bytes document, struct fail *why)
{
    struct reader r = {.arena = a, .why = why};
    if (!yaml_parser_initialize(&r.parser)) {
        fail_set(why, "out of memory");
        return NULL;
    }
    yaml_parser_set_input_string(&r.parser, document.len ? document.at : (const uint8_t *)"", document.len);
    bool done = read_events(&r, document);
    yaml_parser_delete(&r.parser);
    if (!done)
        return NULL;
    if (is_empty(r.root)) {
        r.root = arena_take(a, sizeof *r.root);
        *r.root = (struct yaml){.kind = YAML_MAP, .line = 1};
    }
    return r.root;
}
