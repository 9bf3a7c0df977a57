#include "models/tokenizers/trie.h"

#include "base/size.h"

static TrieEdge *slot_of(Trie *trie, uint32_t key)
{
    size_t i = trie_hash(key) & trie->mask;
    while (trie->edges[i].child != 0 && trie->edges[i].key != key) i = (i + 1) & trie->mask;
    return &trie->edges[i];
}

static Status take_edges(Trie *trie, size_t n_slots, Arena *arena, Error *err)
{
    TRY(arena_take(arena, n_slots, sizeof *trie->edges, "a trie", &trie->edges, err));
    trie->mask = n_slots - 1;
    return STATUS_OK;
}

// Twice the room. What was there stays in the arena: all together no more than what is kept.
static Status grow(Trie *trie, Arena *arena, Error *err)
{
    const Trie old = *trie;
    TRY(take_edges(trie, 2 * (old.mask + 1), arena, err));
    for (size_t i = 0; i <= old.mask; i++) {
        if (old.edges[i].child != 0) *slot_of(trie, old.edges[i].key) = old.edges[i];
    }
    return STATUS_OK;
}

static Status add(Trie *trie, Slice key, int32_t value, Arena *arena, Error *err)
{
    uint32_t node = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (2 * (size_t)trie->n_nodes > trie->mask) TRY(grow(trie, arena, err));
        const uint32_t edge_key = node << 8 | (unsigned char)key.ptr[i];
        TrieEdge *edge = slot_of(trie, edge_key);
        if (edge->child == 0) {
            if (trie->n_nodes == TRIE_MAX_NODES)
                return error_set(err, STATUS_INVALID,
                                 "the tokens have more than %d different beginnings: such a "
                                 "vocabulary is not supported",
                                 TRIE_MAX_NODES);
            *edge = (TrieEdge){.key = edge_key, .child = trie->n_nodes++, .value = -1};
        }
        if (i + 1 == key.len) edge->value = value;
        node = edge->child;
    }
    return STATUS_OK;
}

Status trie_build(Trie *trie, const Slice *keys, const int32_t *values, size_t n, Arena *arena,
                  Error *err)
{
    *trie = (Trie){.n_nodes = 1};
    size_t n_slots = 1024;
    while (n_slots < 4 * n && n_slots < TRIE_MAX_NODES) n_slots *= 2;
    TRY(take_edges(trie, n_slots, arena, err));
    for (size_t i = 0; i < n; i++) {
        const int32_t value = values != NULL ? values[i] : (int32_t)i;
        if (keys[i].len > 0 && value >= 0) TRY(add(trie, keys[i], value, arena, err));
    }
    return STATUS_OK;
}

int32_t trie_longest(const Trie *trie, Slice text, size_t *len)
{
    int32_t best = -1;
    uint32_t node = 0;
    for (size_t i = 0; trie->edges != NULL && i < text.len; i++) {
        const TrieEdge *edge = trie_step(trie, node, (unsigned char)text.ptr[i]);
        if (edge == NULL) break;
        node = edge->child;
        if (edge->value < 0) continue;
        best = edge->value;
        *len = i + 1;
    }
    return best;
}
