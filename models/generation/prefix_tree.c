#include "models/generation/prefix_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"

static const size_t NONE = SIZE_MAX;

typedef struct Sorted {
    PrefixInput input;
    size_t index;
} Sorted;

static int by_tokens(const void *a, const void *b)
{
    const Sorted *x = a, *y = b;
    if (x->input.kind != y->input.kind) return x->input.kind < y->input.kind ? -1 : 1;
    const size_t n = size_min(x->input.n_tokens, y->input.n_tokens);
    for (size_t i = 0; i < n; i++) {
        if (x->input.tokens[i] != y->input.tokens[i])
            return x->input.tokens[i] < y->input.tokens[i] ? -1 : 1;
    }
    if (x->input.n_tokens != y->input.n_tokens)
        return x->input.n_tokens < y->input.n_tokens ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static size_t common_prefix(const PrefixInput *a, const PrefixInput *b)
{
    size_t i = 0;
    if (a->kind != b->kind) return 0;
    while (i < a->n_tokens && i < b->n_tokens && a->tokens[i] == b->tokens[i]) i++;
    return i;
}

// The tree while it is built: the path to the newest sequence is a stack of nodes.
typedef struct Growing {
    PrefixTree *tree;
    size_t *path;
    size_t depth;
} Growing;

static size_t add_node(PrefixTree *tree, PrefixNode node)
{
    tree->nodes[tree->n_nodes] = node;
    return tree->n_nodes++;
}

// Leaves the first `shared` tokens of the path on the stack; a node that reaches beyond is cut in two. Sequences from `at` on
// are no longer under what goes.
static void retreat(Growing *g, size_t shared, size_t at)
{
    PrefixTree *tree = g->tree;
    while (g->depth > 0) {
        const size_t top = g->path[g->depth - 1];
        PrefixNode *node = &tree->nodes[top];
        if (node->end <= shared) return;
        node->last = at;
        g->depth--;
        if (node->begin >= shared) continue;
        PrefixNode upper = *node;
        upper.end = shared;
        const size_t above = add_node(tree, upper);
        node->begin = shared;
        node->parent = above;
        g->path[g->depth++] = above;
    }
}

// A chain of nodes for tokens [begin, n) of the sequence.
static void advance(Growing *g, const PrefixInput *input, size_t begin, size_t at,
                    size_t max_stretch)
{
    while (begin < input->n_tokens) {
        const size_t end = size_min(input->n_tokens, begin + max_stretch);
        const size_t parent = g->depth > 0 ? g->path[g->depth - 1] : NONE;
        g->path[g->depth++] = add_node(g->tree, (PrefixNode){.parent = parent,
                                                             .begin = begin,
                                                             .end = end,
                                                             .first = at,
                                                             .tokens = input->tokens});
        begin = end;
    }
}

static void count_uses(PrefixTree *tree, size_t n)
{
    for (size_t i = 0; i < tree->n_nodes; i++) {
        tree->n_tokens += tree->nodes[i].end - tree->nodes[i].begin;
        if (tree->nodes[i].parent != NONE) tree->nodes[tree->nodes[i].parent].n_children++;
    }
    for (size_t i = 0; i < n; i++) tree->nodes[tree->leaf[i]].n_ends++;
}

Status prefix_tree_build(const PrefixInput *inputs, size_t n, size_t max_stretch, Arena *arena,
                         PrefixTree *out, Error *err)
{
    Sorted *sorted = NULL;
    size_t longest = 0, n_nodes = 0;
    *out = (PrefixTree){0};
    for (size_t i = 0; i < n; i++) {
        longest = size_max(longest, inputs[i].n_tokens);
        n_nodes += 2 + inputs[i].n_tokens / max_stretch; // its own chain, and a cut
    }
    Growing g = {.tree = out};
    TRY(arena_take(arena, n, sizeof *sorted, "a prefix tree", &sorted, err));
    TRY(arena_take(arena, n, sizeof *out->order, "a prefix tree", &out->order, err));
    TRY(arena_take(arena, n, sizeof *out->leaf, "a prefix tree", &out->leaf, err));
    TRY(arena_take(arena, n_nodes, sizeof *out->nodes, "a prefix tree", &out->nodes, err));
    TRY(arena_take(arena, longest + 1, sizeof *g.path, "a prefix tree", &g.path, err));
    for (size_t i = 0; i < n; i++) sorted[i] = (Sorted){.input = inputs[i], .index = i};
    if (n > 0) qsort(sorted, n, sizeof *sorted, by_tokens);
    for (size_t i = 0; i < n; i++) {
        const size_t shared = i > 0 ? common_prefix(&sorted[i - 1].input, &sorted[i].input) : 0;
        out->order[i] = sorted[i].index;
        retreat(&g, shared, i);
        advance(&g, &sorted[i].input, shared, i, max_stretch);
        out->leaf[i] = g.path[g.depth - 1];
    }
    retreat(&g, 0, n);
    count_uses(out, n);
    return STATUS_OK;
}
