// models/generation/prefix_tree.h: token sequences as a tree, so that what several begin with is computed once.
//
// A node is a stretch of tokens behind its parent's; every sequence ends at the end of a node. Sequences are sorted, so that
// those under a node are a range of them. Stretches longer than max_stretch are cut into chains of nodes, which bounds what
// is computed at once.
#ifndef ASSAY_MODELS_PREFIX_TREE_H
#define ASSAY_MODELS_PREFIX_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct PrefixInput {
    const int32_t *tokens;
    size_t n_tokens; // at least 1
    unsigned kind;   // sequences of different kinds share nothing
} PrefixInput;

typedef struct PrefixNode {
    size_t parent;      // SIZE_MAX at the top
    size_t begin, end;  // places of its tokens in the sequences under it
    size_t first, last; // the sequences under it are order[first .. last - 1]
    size_t n_children;
    size_t n_ends;         // sequences that end here
    const int32_t *tokens; // of one of its sequences, from its beginning
} PrefixNode;

// A parent comes after its children or before: nodes are in no order.
typedef struct PrefixTree {
    PrefixNode *nodes;
    size_t n_nodes;
    size_t *order;   // [n] indices of the inputs
    size_t *leaf;    // [n] node where order[i] ends
    size_t n_tokens; // of all nodes: the distinct ones
} PrefixTree;

// In the arena; inputs are borrowed.
Status prefix_tree_build(const PrefixInput *inputs, size_t n, size_t max_stretch, Arena *arena,
                         PrefixTree *out, Error *err) MUST_CHECK;

#endif
