// models/tokenizers/trie.h: tokens by prefix: all tokens that a text begins with, shortest first.
//
// Edges (node, byte) -> node in one open-addressing hash table: built in one pass in any order of tokens, a probe a step.
#ifndef ASSAY_MODELS_TOKENIZERS_TRIE_H
#define ASSAY_MODELS_TOKENIZERS_TRIE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef struct TrieEdge {
    uint32_t key;   // parent << 8 | byte
    uint32_t child; // 0: free, for the root is no one's child
    int32_t value;  // of the child; -1: no token ends there
} TrieEdge;

typedef struct Trie {
    TrieEdge *edges;
    size_t mask;
    uint32_t n_nodes;
} Trie;

enum { TRIE_MAX_NODES = 1 << 24 }; // keys have 24 bits for the parent

// A trie of keys[i] -> values[i] (values NULL: i itself); keys that are empty or whose value is negative are left out,
// of equal keys the last counts. STATUS_INVALID where it would have more than TRIE_MAX_NODES nodes.
Status trie_build(Trie *trie, const Slice *keys, const int32_t *values, size_t n, Arena *arena,
                  Error *err) MUST_CHECK;

static inline uint32_t trie_hash(uint32_t key)
{
    key *= UINT32_C(0x9E3779B1);
    return key ^ key >> 15;
}

// The child of node by byte, or NULL.
static inline const TrieEdge *trie_step(const Trie *trie, uint32_t node, unsigned char byte)
{
    const uint32_t key = node << 8 | byte;
    for (size_t i = trie_hash(key) & trie->mask;; i = (i + 1) & trie->mask) {
        const TrieEdge *edge = &trie->edges[i];
        if (edge->child == 0) return NULL;
        if (edge->key == key) return edge;
    }
}

// The longest key that text begins with: its value, and its length in *len; -1 where there is none. A zeroed trie has
// no keys.
int32_t trie_longest(const Trie *trie, Slice text, size_t *len);

#endif
