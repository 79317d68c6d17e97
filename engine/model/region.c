/*
 * region: two visits to the file: first who is there, so that neighbours can be called by their codes, then the rest.
 */
#include "model/region.h"

#include "base/text.h"
#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

extern const unsigned char regions_yaml[]; /* made of rules/regions.yaml by CMake */
extern const size_t regions_yaml_len;

enum { LABEL_MAX = 64, TEXT_MAX = 512 };

struct reader {
    struct regions *r;
    const char *path;
    void (*mistake)(void *to, const char *text);
    void *to;
    bool good;
    unsigned line_of[REGION_PLACES_MAX]; /* where each place stands */
};

static const char *const standing_names[] = {
    [REGION_NO_MEMBER] = "none", [REGION_MEMBER] = "member",     [REGION_SUSPENDED] = "suspended",
    [REGION_ABSENT] = "absent",  [REGION_DISPUTED] = "disputed", [REGION_LEFT] = "left",
};

const char *region_standing_name(enum region_standing s)
{
    return standing_names[s];
}

struct bytes regions_built_in(void)
{
    return bytes_of(regions_yaml, regions_yaml_len);
}

/* ---- mistakes */

static void __attribute__((format(printf, 5, 6)))
refuse(struct reader *d, unsigned line, const struct yaml *found, const char *expected, const char *label, ...)
{
    char name[LABEL_MAX], text[TEXT_MAX], quote[4 * FAIL_QUOTE_MAX + 4];
    va_list args;
    va_start(args, label);
    vsnprintf(name, sizeof name, label, args);
    va_end(args);
    int len = snprintf(text, sizeof text, "%.200s: line %u: %s: expected %s, found ", d->path, line, name, expected);
    const char *kind = !found                     ? "nothing"
                       : found->kind == YAML_LIST ? "a list"
                       : found->kind == YAML_MAP  ? "a map"
                                                  : NULL;
    if (kind)
        snprintf(text + len, sizeof text - (size_t)len, "%s", kind);
    else
        snprintf(text + len, sizeof text - (size_t)len, "\"%s\"", fail_quote(found->text, quote));
    d->mistake(d->to, text);
    d->good = false;
}

static const struct yaml *member(const struct yaml *map, const char *key)
{
    for (const struct yaml *n = map->first; n; n = n->next)
        if (bytes_equal(n->key, bytes_text(key)))
            return n;
    return NULL;
}

/* The list or map below `key`, or NULL; said where it must be there and is not. */
static const struct yaml *part(struct reader *d, const struct yaml *map, const char *key, enum yaml_kind kind)
{
    const struct yaml *n = member(map, key);
    if (n && n->kind == kind)
        return n;
    refuse(d, n ? n->line : map->line, n, kind == YAML_LIST ? "a list" : "a map", "%s", key);
    return NULL;
}

/* No key but these. A key that nobody reads is most likely a slip of the pen. */
static void expect_keys(struct reader *d, const struct yaml *map, const char *label, const char *const *keys)
{
    for (const struct yaml *n = map->first; n; n = n->next) {
        char all[LABEL_MAX * 2] = "one of";
        bool known = false;
        for (const char *const *k = keys; *k; k++) {
            known |= bytes_equal(n->key, bytes_text(*k));
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s %s", k == keys ? "" : ",", *k);
        }
        struct yaml found = {.kind = YAML_SCALAR, .text = n->key};
        if (!known)
            refuse(d, n->line, &found, all, "%s", label);
    }
}

/* ---- words */

static unsigned code_number(const char *code)
{
    unsigned first = bytes_lower((uint8_t)code[0]) - 'a';
    unsigned second = code[0] ? (unsigned)bytes_lower((uint8_t)code[1]) - 'a' : 26;
    return first < 26 && second < 26 ? first * 26 + second : REGION_CODES;
}

static bool read_code(const struct yaml *n, char code[3])
{
    if (!n || n->kind != YAML_SCALAR || n->text.len != 2)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (n->text.at[i] < 'A' || n->text.at[i] > 'Z')
            return false;
    memcpy(code, n->text.at, 2);
    code[2] = 0;
    return true;
}

/* A part of a topic: lower-case letters, digits and hyphens. Two letters are a country. */
static bool is_slug(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(text.at[i] >= 'a' && text.at[i] <= 'z') && !(text.at[i] >= '0' && text.at[i] <= '9') && text.at[i] != '-')
            return false;
    return text.len > 2 && text.len <= LABEL_MAX / 2 && !bytes_equal(text, bytes_text(REGION_AMERICAS));
}

static const char *read_name(struct reader *d, const struct yaml *map, const char *label, const char *key)
{
    const struct yaml *n = member(map, key);
    bool good =
        n && n->kind == YAML_SCALAR && n->text.len && n->text.len <= REGION_NAME_OCTETS_MAX && text_is_utf8(n->text);
    if (!good)
        refuse(d, n ? n->line : map->line, n, "a name", "%s.%s", label, key);
    return good ? arena_text(&d->r->arena, n->text) : "";
}

/* ---- sub-regions */

static void read_subregion(struct reader *d, const struct yaml *n)
{
    static const char *const keys[] = {"name", "name_es", NULL};
    char label[LABEL_MAX], quote[4 * FAIL_QUOTE_MAX + 4];
    struct yaml key = {.kind = YAML_SCALAR, .text = n->key};
    snprintf(label, sizeof label, "subregions.%.40s", fail_quote(n->key, quote));
    if (d->r->subregions == REGION_SUBREGIONS_MAX || !is_slug(n->key) || n->kind != YAML_MAP) {
        refuse(d, n->line, &key, "a slug such as southern-cone with a map of names, 32 at most", "%s", label);
        return;
    }
    expect_keys(d, n, label, keys);
    struct region_subregion *s = &d->r->subregion[d->r->subregions++];
    s->slug = arena_text(&d->r->arena, n->key);
    s->name = read_name(d, n, label, "name");
    s->name_es = read_name(d, n, label, "name_es");
}

unsigned region_subregion_named(const struct regions *r, struct bytes slug)
{
    for (unsigned i = 0; i < r->subregions; i++)
        if (bytes_equal(bytes_text(r->subregion[i].slug), slug))
            return i;
    return REGION_NONE;
}

/* ---- places */

static void read_standings(struct reader *d, const struct yaml *map, const char *label, struct region_place *p)
{
    const struct yaml *oas = member(map, "oas");
    if (!oas || oas->kind != YAML_MAP) {
        refuse(d, oas ? oas->line : map->line, oas, "a map from days to member, suspended, absent, disputed or left",
               "%s.oas", label);
        return;
    }
    for (const struct yaml *n = oas->first; n; n = n->next) {
        int64_t from_ns;
        bool date_only = false;
        unsigned standing = REGION_LEFT + 1;
        struct yaml key = {.kind = YAML_SCALAR, .text = n->key};
        for (unsigned s = REGION_MEMBER; n->kind == YAML_SCALAR && s <= REGION_LEFT; s++)
            if (bytes_equal(n->text, bytes_text(standing_names[s])))
                standing = s;
        if (!text_time(n->key, &from_ns, &date_only) || !date_only || p->standings == REGION_STANDINGS_MAX ||
            (p->standings && from_ns <= p->standing[p->standings - 1].from_ns))
            refuse(d, n->line, &key, "a day behind the one before, 8 at most", "%s.oas", label);
        else if (standing > REGION_LEFT)
            refuse(d, n->line, n, "member, suspended, absent, disputed or left", "%s.oas", label);
        else
            p->standing[p->standings].from_ns = from_ns,
            p->standing[p->standings++].standing = (enum region_standing)standing;
    }
}

static bool has_neighbour(const struct region_place *p, unsigned other)
{
    for (unsigned i = 0; i < p->neighbours; i++)
        if (p->neighbour[i] == other)
            return true;
    return false;
}

static void read_neighbours(struct reader *d, const struct yaml *map, const char *label, struct region_place *p)
{
    const struct yaml *list = member(map, "neighbours");
    unsigned self = (unsigned)(p - d->r->place);
    if (!list || list->kind != YAML_LIST) {
        refuse(d, list ? list->line : map->line, list, "a list of states", "%s.neighbours", label);
        return;
    }
    for (const struct yaml *n = list->first; n; n = n->next) {
        char code[3];
        unsigned other = read_code(n, code) ? region_place(d->r, code) : REGION_NONE;
        if (other >= d->r->states || other == self || has_neighbour(p, other) || p->neighbours == REGION_NEIGHBOURS_MAX)
            refuse(d, n->line, n, "the code of another state of this file, each once", "%s.neighbours", label);
        else
            p->neighbour[p->neighbours++] = (uint8_t)other;
    }
}

/* The place that a map of the file describes; NULL where its code was refused. */
static struct region_place *place_at(struct reader *d, const struct yaml *n)
{
    char code[3];
    unsigned i = n->kind == YAML_MAP && read_code(member(n, "code"), code) ? region_place(d->r, code) : REGION_NONE;
    return i != REGION_NONE && d->line_of[i] == n->line ? &d->r->place[i] : NULL;
}

static void add_places(struct reader *d, const struct yaml *list, const char *what)
{
    unsigned index = 0;
    for (const struct yaml *n = list ? list->first : NULL; n; n = n->next, index++) {
        const struct yaml *said = n->kind == YAML_MAP ? member(n, "code") : n;
        char code[3];
        if (n->kind != YAML_MAP || !read_code(said, code) || region_place(d->r, code) != REGION_NONE ||
            d->r->places == REGION_PLACES_MAX) {
            refuse(d, said ? said->line : n->line, said, "a country's two capital letters (ISO 3166), no two alike",
                   "%s[%u].code", what, index);
            continue;
        }
        struct region_place *p = &d->r->place[d->r->places];
        memcpy(p->code, code, sizeof code);
        d->line_of[d->r->places] = n->line;
        d->r->place_of[code_number(code)] = (uint8_t)d->r->places++;
    }
}

static void read_place(struct reader *d, const struct yaml *n, bool state)
{
    static const char *const of_state[] = {"code", "name", "name_es", "subregion", "oas", "neighbours", NULL};
    static const char *const of_territory[] = {"code", "name", "name_es", "subregion", NULL};
    struct region_place *p = place_at(d, n);
    if (!p)
        return;
    expect_keys(d, n, p->code, state ? of_state : of_territory);
    p->name = read_name(d, n, p->code, "name");
    p->name_es = read_name(d, n, p->code, "name_es");
    const struct yaml *slug = member(n, "subregion");
    unsigned subregion = slug && slug->kind == YAML_SCALAR ? region_subregion_named(d->r, slug->text) : REGION_NONE;
    if (subregion == REGION_NONE)
        refuse(d, slug ? slug->line : n->line, slug, "one of the sub-regions above", "%s.subregion", p->code);
    p->subregion = (uint8_t)subregion;
    if (!state)
        return;
    read_standings(d, n, p->code, p);
    read_neighbours(d, n, p->code, p);
}

static void expect_both_sides(struct reader *d)
{
    for (unsigned i = 0; i < d->r->states; i++) {
        const struct region_place *p = &d->r->place[i];
        for (unsigned n = 0; n < p->neighbours; n++) {
            const struct region_place *other = &d->r->place[p->neighbour[n]];
            struct yaml found = {.kind = YAML_SCALAR, .text = bytes_text(other->code)};
            if (!has_neighbour(other, i))
                refuse(d, d->line_of[i], &found, "a state that has this one among its neighbours too", "%s.neighbours",
                       p->code);
        }
    }
}

static void read_all(struct reader *d, const struct yaml *root)
{
    static const char *const keys[] = {"subregions", "states", "territories", NULL};
    expect_keys(d, root, "the file", keys);
    const struct yaml *subregions = part(d, root, "subregions", YAML_MAP);
    const struct yaml *states = part(d, root, "states", YAML_LIST);
    const struct yaml *territories = member(root, "territories") ? part(d, root, "territories", YAML_LIST) : NULL;
    for (const struct yaml *n = subregions ? subregions->first : NULL; n; n = n->next)
        read_subregion(d, n);
    add_places(d, states, "states");
    d->r->states = d->r->places;
    add_places(d, territories, "territories");
    for (const struct yaml *n = states ? states->first : NULL; n; n = n->next)
        read_place(d, n, true);
    for (const struct yaml *n = territories ? territories->first : NULL; n; n = n->next)
        read_place(d, n, false);
    expect_both_sides(d);
}

struct regions *regions_read(struct bytes document, const char *path, void (*mistake)(void *to, const char *text),
                             void *to)
{
    struct fail why = {.text = ""};
    struct arena tree = {.chunks = NULL};
    struct regions *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    memset(r->place_of, REGION_NONE, sizeof r->place_of);
    struct reader d = {.r = r, .path = path, .mistake = mistake, .to = to, .good = true};
    const struct yaml *root = yaml_read(&tree, document, &why);
    if (!root) {
        char text[TEXT_MAX];
        snprintf(text, sizeof text, "%.200s: %.300s", path, why.text);
        mistake(to, text);
        d.good = false;
    } else if (root->kind != YAML_MAP) {
        refuse(&d, root->line, root, "a map of subregions, states and territories", "the file");
    } else {
        read_all(&d, root);
    }
    arena_free(&tree);
    if (d.good)
        return r;
    regions_free(r);
    return NULL;
}

void regions_free(struct regions *r)
{
    if (r)
        arena_free(&r->arena);
    free(r);
}

/* ---- asking */

unsigned region_place(const struct regions *r, const char *code)
{
    unsigned number = code_number(code);
    return number < REGION_CODES && !code[2] ? r->place_of[number] : REGION_NONE;
}

const char *region_of(const struct regions *r, const char *code)
{
    unsigned i = region_place(r, code);
    return i == REGION_NONE ? NULL : r->subregion[r->place[i].subregion].slug;
}

enum region_standing region_standing_at(const struct regions *r, const char *code, int64_t time_ns)
{
    unsigned i = region_place(r, code);
    enum region_standing s = REGION_NO_MEMBER;
    for (unsigned n = 0; i != REGION_NONE && n < r->place[i].standings; n++)
        if (r->place[i].standing[n].from_ns <= time_ns)
            s = r->place[i].standing[n].standing;
    return s;
}

bool region_member(const struct regions *r, const char *code, int64_t time_ns)
{
    enum region_standing s = region_standing_at(r, code, time_ns);
    return s != REGION_NO_MEMBER && s != REGION_LEFT;
}
