#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/yaml.h"

/* The tree as one line: scalars as they are, quoted ones in '', [lists], {maps}, and each node's line behind `@`. */
static void show(struct buffer *to, const struct yaml *node)
{
    if (node->kind == YAML_SCALAR) {
        buffer_text(to, node->quoted ? "'" : "");
        buffer_add(to, node->text.at, node->text.len);
        buffer_text(to, node->quoted ? "'" : "");
    } else {
        buffer_char(to, node->kind == YAML_LIST ? '[' : '{');
        for (const struct yaml *child = node->first; child; child = child->next) {
            buffer_text(to, child == node->first ? "" : " ");
            buffer_add(to, child->key.at, child->key.len);
            buffer_text(to, node->kind == YAML_MAP ? ":" : "");
            show(to, child);
        }
        buffer_char(to, node->kind == YAML_LIST ? ']' : '}');
    }
    buffer_format(to, "@%u", node->line);
}

struct reading {
    const char *document;
    const char *shown;
};

static void check_readings(const struct reading *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena a = {0};
        struct fail why = {0};
        struct buffer shown = {0};
        struct yaml *root = yaml_read(&a, bytes_text(cases[i].document), &why);
        if (root)
            show(&shown, root);
        buffer_char(&shown, 0);
        cr_expect(root, "case %zu: %s", i, why.text);
        cr_expect_str_eq(shown.at, cases[i].shown);
        buffer_free(&shown);
        arena_free(&a);
    }
}

#define CHECK_READINGS(cases) check_readings(cases, sizeof(cases) / sizeof *(cases))

/* YAML 1.2.2, examples 2.1 to 2.6 */
Test(yaml, reads_the_collections_of_the_specification)
{
    static const struct reading cases[] = {
        {"- Mark McGwire\n- Sammy Sosa\n- Ken Griffey\n", "[Mark McGwire@1 Sammy Sosa@2 Ken Griffey@3]@1"},
        {"hr:  65    # Home runs\navg: 0.278 # Batting average\nrbi: 147   # Runs Batted In\n",
         "{hr:65@1 avg:0.278@2 rbi:147@3}@1"},
        {"american:\n- Boston Red Sox\n- Detroit Tigers\nnational:\n- New York Mets\n",
         "{american:[Boston Red Sox@2 Detroit Tigers@3]@1 national:[New York Mets@5]@4}@1"},
        {"-\n  name: Mark McGwire\n  hr:   65\n-\n  name: Sammy Sosa\n  hr:   63\n",
         "[{name:Mark McGwire@2 hr:65@3}@2 {name:Sammy Sosa@5 hr:63@6}@5]@1"},
        {"- [name        , hr, avg  ]\n- [Mark McGwire, 65, 0.278]\n",
         "[[name@1 hr@1 avg@1]@1 [Mark McGwire@2 65@2 0.278@2]@2]@1"},
        {"Mark McGwire: {hr: 65, avg: 0.278}\nSammy Sosa: {\n    hr: 63,\n    avg: 0.288,\n }\n",
         "{Mark McGwire:{hr:65@1 avg:0.278@1}@1 Sammy Sosa:{hr:63@3 avg:0.288@4}@2}@1"},
    };
    CHECK_READINGS(cases);
}

Test(yaml, says_which_scalars_are_quoted)
{
    static const struct reading cases[] = {
        {"[yes, 'yes', \"yes\", 010]", "[yes@1 'yes'@1 'yes'@1 010@1]@1"},
        {"a: |\n  two\n  lines\nb: >\n  fol\n  ded\n", "{a:'two\nlines\n'@1 b:'fol ded\n'@4}@1"},
        {"a: ''\nb:\nc: ~\n", "{a:''@1 b:@2 c:~@3}@1"},
        {"\"k\": \"\\u00f1\\x41\\t\"", "{k:'\xc3\xb1"
                                       "A\t'@1}@1"},
    };
    CHECK_READINGS(cases);
}

Test(yaml, gives_a_member_of_a_map_the_line_of_its_key)
{
    static const struct reading cases[] = {
        {"# head\n\nouter:\n\n  inner:\n    - 1\n", "{outer:{inner:[1@6]@5}@3}@3"},
        {"a:\n  b\n", "{a:b@1}@1"},
        {"a: 1\r\nb: 2\r\n", "{a:1@1 b:2@2}@1"},
    };
    CHECK_READINGS(cases);
}

Test(yaml, takes_an_empty_document_as_an_empty_map)
{
    static const struct reading cases[] = {
        {"", "{}@1"},      {"\n", "{}@1"},         {"# nothing\n", "{}@1"},
        {"---\n", "{}@1"}, {"---\n...\n", "{}@1"}, {"{}", "{}@1"},
    };
    CHECK_READINGS(cases);
    struct arena a = {0};
    struct fail why = {0};
    cr_expect(yaml_read(&a, (struct bytes){0}, &why));
    arena_free(&a);
}

Test(yaml, takes_one_document_with_its_marks_and_byte_order_mark)
{
    static const struct reading cases[] = {
        {"%YAML 1.2\n---\na: 1\n...\n", "{a:1@3}@3"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "{a:1@1}@1"},
        {"a", "a@1"},
        {"''", "''@1"},
    };
    CHECK_READINGS(cases);
}

/* What is read is a copy: the document may go. */
Test(yaml, owes_nothing_to_the_document)
{
    struct arena a = {0};
    struct fail why = {0};
    struct buffer shown = {0};
    char document[] = "key: [value, \"quoted\"]";
    struct yaml *root = yaml_read(&a, bytes_text(document), &why);
    memset(document, '?', sizeof document);
    cr_assert(root);
    show(&shown, root);
    buffer_char(&shown, 0);
    cr_expect_str_eq(shown.at, "{key:[value@1 'quoted'@1]@1}@1");
    buffer_free(&shown);
    arena_free(&a);
}

Test(yaml, refuses_with_the_place)
{
    static const struct {
        const char *document;
        const char *why;
    } cases[] = {
        {"a: &x 1\nb: *x\n", "line 1, column 4: anchors, aliases and tags are not taken"},
        {"b:\n- *x\n", "line 2, column 3: anchors, aliases and tags are not taken"},
        {"a: &x [1]\n", "line 1, column 4: anchors, aliases and tags are not taken"},
        {"a: &x {}\n", "line 1, column 4: anchors, aliases and tags are not taken"},
        {"a: !!int 5\n", "line 1, column 4: anchors, aliases and tags are not taken"},
        {"a: 1\nb: 2\na: 3\n", "line 3: the key \"a\" stands here a second time"},
        {"x:\n  b: 2\n  c: 1\n  'b': 3\n", "line 4: the key \"b\" stands here a second time"},
        {"{a: 1, \"a\": 1}", "line 1: the key \"a\" stands here a second time"},
        {"a: 1\n--- \nb: 1\n", "line 2, column 1: a second document"},
        {"? [a]\n: 1\n", "line 1, column 3: a key is a list or map"},
        {"{{a: 1}: 2}", "line 1, column 2: a key is a list or map"},
        {"a: 1\nb: \x01\n", "line 2, column 4: control characters are not allowed"},
        {"a: 1\n\nb: \xff\n", "line 3, column 4: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a = {0};
        struct fail why = {0};
        cr_expect_null(yaml_read(&a, bytes_text(cases[i].document), &why), "case %zu", i);
        cr_expect_str_eq(why.text, cases[i].why);
        arena_free(&a);
    }
}

Test(yaml, refuses_what_is_no_yaml)
{
    static const char *const refused[] = {"a: [", "a: b: c", "\ta: 1",    "{a: 1", "a: 'b",
                                          "]",    "a\nb: c", "- a\nb: 1", "@a",    "a: 1\n b: 2\n"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct arena a = {0};
        struct fail why = {0};
        cr_expect_null(yaml_read(&a, bytes_text(refused[i]), &why), "%s", refused[i]);
        cr_expect_eq(strncmp(why.text, "line ", 5), 0, "%s: %s", refused[i], why.text);
        arena_free(&a);
    }
}

static bool nested(int depth, struct fail *why)
{
    struct buffer document = {0};
    struct arena a = {0};
    for (int i = 0; i < depth; i++)
        buffer_text(&document, i % 2 ? "[" : "{a: ");
    for (int i = depth - 1; i >= 0; i--)
        buffer_text(&document, i % 2 ? "]" : "}");
    bool read = yaml_read(&a, buffer_bytes(&document), why) != NULL;
    arena_free(&a);
    buffer_free(&document);
    return read;
}

Test(yaml, nests_as_deep_as_the_bound_and_no_deeper)
{
    struct fail why = {0};
    cr_expect(nested(YAML_DEPTH_MAX, &why), "%s", why.text);
    cr_expect_not(nested(YAML_DEPTH_MAX + 1, &why));
    cr_expect(strstr(why.text, "nested too deep"), "%s", why.text);
    why = (struct fail){0};
    cr_expect_not(nested(100000, &why));
}

static bool many(int nodes, struct fail *why)
{
    struct buffer document = {0};
    struct arena a = {0};
    for (int i = 1; i < nodes; i++)
        buffer_text(&document, "- \n");
    bool read = yaml_read(&a, buffer_bytes(&document), why) != NULL;
    arena_free(&a);
    buffer_free(&document);
    return read;
}

Test(yaml, holds_as_many_nodes_as_the_bound_and_no_more)
{
    struct fail why = {0};
    cr_expect(many(YAML_NODES_MAX, &why), "%s", why.text);
    cr_expect_not(many(YAML_NODES_MAX + 1, &why));
    cr_expect_str_eq(why.text, "line 1048576, column 2: too many values");
}

/* A pairwise comparison would take minutes. */
Test(yaml, compares_many_keys_in_little_time, .timeout = 60)
{
    struct buffer document = {0};
    struct arena a = {0};
    struct fail why = {0};
    for (int i = 0; i < 200000; i++)
        buffer_format(&document, "k%d: v\n", i);
    cr_expect(yaml_read(&a, buffer_bytes(&document), &why), "%s", why.text);
    buffer_text(&document, "k7: v\n");
    cr_expect_null(yaml_read(&a, buffer_bytes(&document), &why));
    cr_expect_str_eq(why.text, "line 200001: the key \"k7\" stands here a second time");
    arena_free(&a);
    buffer_free(&document);
}

/* Nothing to expect but that it ends, with a tree or a reason. */
Test(yaml, survives_damaged_documents)
{
    static const char good[] =
        "%YAML 1.1\n---\na: [1, 'two', \"\\x41\", {b: |\n  c\n }]\nd:\n  - e: >-\n      f\n    ? g\n    : *h\n";
    srand(12);
    for (int i = 0; i < 20000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int k = rand() % 4; k >= 0; k--)
            text[rand() % (int)(sizeof good - 1)] = (char)(rand() % 3 ? good[rand() % (int)sizeof good] : rand());
        struct arena a = {0};
        struct fail why = {0};
        struct yaml *root = yaml_read(&a, bytes_of(text, (size_t)rand() % sizeof good), &why);
        cr_assert(!root == !!why.text[0]);
        arena_free(&a);
    }
}
