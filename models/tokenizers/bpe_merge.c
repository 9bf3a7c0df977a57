// Joining the symbols of a word, in two ways: by looking at all pairs, and for long words with a heap.
#include <string.h>

#include "base/size.h"
#include "models/tokenizers/bpe.h"

enum { NO_RANK = INT32_MAX };

static void rank_pair(const BpeWord *word, Symbol *left, const Symbol *right)
{
    const Bpe *model = word->model;
    left->rank = NO_RANK;
    left->merged = TOKEN_NONE;
    if (right == NULL) return;
    if (model->ranks == NULL) {
        const MergeSlot *slot = bpe_find_merge(model, left->id, right->id);
        if (slot == NULL) return;
        left->rank = slot->rank;
        left->merged = slot->merged;
    } else if (left->id < BPE_FROZEN && right->id < BPE_FROZEN) {
        const int32_t id = vocab_find(word->vocab, slice_sub(word->text, left->begin, right->end));
        if (id < 0 || model->ranks[id] < 0) return;
        left->rank = model->ranks[id];
        left->merged = id;
    }
}

size_t bpe_merge_short(const BpeWord *word, Symbol *symbols, size_t n)
{
    for (size_t i = 0; i < n; i++) rank_pair(word, &symbols[i], i + 1 < n ? &symbols[i + 1] : NULL);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            if (symbols[i].rank < symbols[best].rank) best = i;
        }
        if (symbols[best].rank == NO_RANK) break;
        symbols[best].id = symbols[best].merged;
        symbols[best].end = symbols[best + 1].end;
        n--;
        memmove(&symbols[best + 1], &symbols[best + 2], (n - best - 1) * sizeof *symbols);
        rank_pair(word, &symbols[best], best + 1 < n ? &symbols[best + 1] : NULL);
        if (best > 0) rank_pair(word, &symbols[best - 1], &symbols[best]);
    }
    return n;
}

// A pair that could be merged when it was put in; stale once the symbol's rank or right neighbour has changed.
typedef struct Candidate {
    int32_t rank;
    uint32_t at;
    uint32_t right;
    uint32_t right_end;
} Candidate;

typedef struct Heap {
    Candidate *items;
    size_t n;
} Heap;

static bool is_before(const Candidate *a, const Candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(Heap *heap, Candidate item)
{
    size_t i = heap->n++;
    for (; i > 0 && is_before(&item, &heap->items[(i - 1) / 2]); i = (i - 1) / 2)
        heap->items[i] = heap->items[(i - 1) / 2];
    heap->items[i] = item;
}

static Candidate heap_pop(Heap *heap)
{
    const Candidate top = heap->items[0], last = heap->items[--heap->n];
    size_t i = 0;
    for (size_t child = 1; child < heap->n; i = child, child = 2 * i + 1) {
        if (child + 1 < heap->n && is_before(&heap->items[child + 1], &heap->items[child])) child++;
        if (!is_before(&heap->items[child], &last)) break;
        heap->items[i] = heap->items[child];
    }
    heap->items[i] = last;
    return top;
}

static void push_pair(const BpeWord *word, Heap *heap, Symbol *symbols, size_t n, uint32_t at)
{
    const uint32_t right = symbols[at].next;
    rank_pair(word, &symbols[at], right < n ? &symbols[right] : NULL);
    if (symbols[at].rank == NO_RANK) return;
    heap_push(heap, (Candidate){symbols[at].rank, at, right, symbols[right].end});
}

// A heap of pairs over a linked list. Each merge pushes at most two, so 3 n candidates suffice. Returns
// the symbols left, moved together.
static size_t merge_long(const BpeWord *word, Symbol *symbols, size_t n, Candidate *candidates)
{
    Heap heap = {.items = candidates};
    for (size_t i = 0; i < n; i++) {
        symbols[i].previous = (uint32_t)i - 1; // of the first: UINT32_MAX
        symbols[i].next = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < n; i++) push_pair(word, &heap, symbols, n, (uint32_t)i);
    while (heap.n > 0) {
        const Candidate best = heap_pop(&heap);
        Symbol *left = &symbols[best.at];
        if (left->id < 0 || left->rank != best.rank || left->next != best.right ||
            symbols[best.right].end != best.right_end)
            continue;
        left->id = left->merged;
        left->end = best.right_end;
        left->next = symbols[best.right].next;
        symbols[best.right].id = TOKEN_NONE;
        if (left->next < n) symbols[left->next].previous = best.at;
        push_pair(word, &heap, symbols, n, best.at);
        if (left->previous != UINT32_MAX) push_pair(word, &heap, symbols, n, left->previous);
    }
    size_t n_left = 0;
    for (uint32_t i = 0; i < n; i = symbols[i].next) symbols[n_left++] = symbols[i];
    return n_left;
}

Status bpe_merge_long(const BpeWord *word, Symbol *symbols, size_t *n, Arena *arena, Error *err)
{
    Candidate *candidates = NULL;
    TRY(arena_take(arena, *n, 3 * sizeof *candidates, "the merges of a word", &candidates, err));
    *n = merge_long(word, symbols, *n, candidates);
    return STATUS_OK;
}
