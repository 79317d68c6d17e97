/*
 * vigia status: what the daemon says of itself. Its answer is JSON; since JSON is YAML, the tree to lay out for a
 * person comes from there.
 */
#include "base/log.h"
#include "base/yaml.h"
#include "run/control.h"
#include "run/options.h"

#include <stdio.h>

static void show_map(const struct yaml *map, unsigned indent, struct buffer *out);

static bool is_flat(const struct yaml *node)
{
    if (node->kind == YAML_SCALAR)
        return true;
    for (const struct yaml *item = node->first; item; item = item->next)
        if (node->kind == YAML_MAP || item->kind != YAML_SCALAR)
            return false;
    return true;
}

/* Names of feeds and files come from elsewhere: no control character of theirs shall reach a terminal. */
static void show_text(struct bytes text, struct buffer *out)
{
    for (size_t i = 0; i < text.len; i++)
        buffer_char(out, text.at[i] < ' ' || text.at[i] == 0x7f ? '?' : (char)text.at[i]);
}

static void show_flat(const struct yaml *node, struct buffer *out)
{
    if (node->kind == YAML_SCALAR && (node->quoted || !bytes_equal(node->text, bytes_text("null"))))
        show_text(node->text, out);
    else if (node->kind == YAML_SCALAR || !node->first)
        buffer_char(out, '-');
    for (const struct yaml *item = node->first; item; item = item->next) {
        show_text(item->text, out);
        buffer_text(out, item->next ? ", " : "");
    }
}

/* Items one below the other, each begun by its name where it has one. */
static void show_list(const struct yaml *list, unsigned indent, struct buffer *out)
{
    for (const struct yaml *item = list->first; item; item = item->next) {
        const struct yaml *name = item->kind == YAML_MAP ? item->first : NULL;
        bool named = name && name->kind == YAML_SCALAR && bytes_equal(name->key, bytes_text("name"));
        buffer_format(out, "%*s", (int)indent, "");
        if (is_flat(item))
            show_flat(item, out);
        else
            show_text(named ? name->text : bytes_text("-"), out);
        buffer_char(out, '\n');
        struct yaml rest = {.kind = item->kind, .first = named ? name->next : item->first};
        if (item->kind == YAML_MAP)
            show_map(&rest, indent + 2, out);
        else if (!is_flat(item))
            show_list(&rest, indent + 2, out);
    }
}

static void show_map(const struct yaml *map, unsigned indent, struct buffer *out)
{
    size_t width = 0;
    for (const struct yaml *child = map->first; child; child = child->next)
        if (is_flat(child) && child->key.len > width)
            width = child->key.len;
    for (const struct yaml *child = map->first; child; child = child->next) {
        buffer_format(out, "%*s", (int)indent, "");
        show_text(child->key, out);
        if (is_flat(child)) {
            buffer_format(out, "%*s", (int)(width - child->key.len + 2), "");
            show_flat(child, out);
        }
        buffer_char(out, '\n');
        if (child->kind == YAML_MAP)
            show_map(child, indent + 2, out);
        else if (!is_flat(child))
            show_list(child, indent + 2, out);
    }
}

/* False where the answer is no map that can be laid out. */
static bool lay_out(struct bytes json, struct buffer *out)
{
    struct arena arena = {.chunks = NULL};
    struct fail why = {.text = ""};
    struct yaml *root = yaml_read(&arena, json, &why);
    bool good = root && root->kind == YAML_MAP;
    if (good)
        show_map(root, 0, out);
    arena_free(&arena);
    return good;
}

static int ask(const struct options *o)
{
    struct buffer reply = {.at = NULL}, text = {.at = NULL};
    struct fail why = {.text = ""};
    int status = STATUS_INPUT;
    bool readable = strcmp(o->output->name, "text") == 0;
    if (control_ask(o->config.control.path, "status", CONTROL_PATIENCE_S, &reply, &why)) {
        readable = readable && lay_out(buffer_bytes(&reply), &text);
        status = options_print(buffer_bytes(readable ? &text : &reply), STATUS_DONE);
    } else {
        log_error("%s", why.text);
    }
    buffer_free(&reply);
    buffer_free(&text);
    return status;
}

static int run(const struct options *o)
{
    if (o->argument_count)
        return options_wrong("status: expected no argument");
    if (strcmp(o->output->name, "csv") == 0)
        return options_wrong("status: --format: expected json or text");
    return ask(o);
}

const struct command command_status = {
    .name = "status",
    .usage = "[-c CONFIG] [--format json|text]",
    .about = "Asks the running daemon what it hears, knows and tells.",
    .help = "It is found by control.socket of its configuration; without one, vigia.sock in this folder.\n",
    .accepts = OPTION_CONFIG | OPTION_FORMAT,
    .run = run,
};
