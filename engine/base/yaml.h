/*
 * yaml: a YAML document (libyaml) as a tree of scalars, lists and maps that know their lines.
 *
 * Bounded: YAML_NODES_MAX nodes, YAML_DEPTH_MAX deep; anchors and aliases are refused (an alias can grow a small file
 * without end), and so are tags, duplicate keys, keys that are no scalars and more than one document.
 *
 * Owner: nodes live in the caller's arena.
 */
#ifndef VIGIA_BASE_YAML_H
#define VIGIA_BASE_YAML_H

#include "base/arena.h"
#include "base/fail.h"

enum { YAML_NODES_MAX = 1 << 20, YAML_DEPTH_MAX = 32 };

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    unsigned line;      /* from 1; in a map, the line of its key */
    struct bytes text;  /* of a scalar */
    bool quoted;        /* of a scalar: written in quotes */
    struct bytes key;   /* in a map */
    struct yaml *first; /* of a list or map, in the order of the file */
    struct yaml *next;  /* sibling */
};

/* The document's root, or NULL with a reason that names the line, and the column where one place is to blame. An empty
 * document is an empty map. */
struct yaml *yaml_read(struct arena *a, struct bytes document, struct fail *why);

#endif
