// base/json_tree.h: how a JSON document lies in memory. Internal to base/json*.c.
//
// Beside cJSON's tree, which holds kinds and unescaped strings, stands one node a value in document order: its place,
// its parent and its children, which cJSON does not record.
#ifndef ASSAY_BASE_JSON_TREE_H
#define ASSAY_BASE_JSON_TREE_H

#include "base/json.h"

#include <cjson/cJSON.h>

struct Json {
    const JsonDocument *document;
    const cJSON *item;
    const Json *parent; // NULL for the root
    const Json **children;
    size_t n_children;
    size_t index; // among its siblings
    size_t begin,
        end; // of the value in the text; of the opening bracket alone for arrays and objects
    size_t key_begin; // of the key's opening quote, for members
    JsonKind kind;
};

struct JsonDocument {
    Arena arena;
    Slice name;
    Slice text;        // as given, with comments
    size_t first_line; // the number of its first line
    cJSON *tree;       // owned
    Json *nodes;       // in document order; nodes[0] is the root
    size_t n_nodes;
};

#endif
