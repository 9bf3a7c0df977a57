// Byte-pair encoding (Sennrich et al. 2016) on bytes (Radford et al. 2019): begin with the bytes of a piece and join,
// as long as any can be joined, the neighbours whose merge stands first in the list, the leftmost of equals.
#include "base/size.h"
#include "models/tokenizers/tokenizer_internal.h"

enum { SHORT_PIECE = 64, NO_RANK = INT32_MAX };

static size_t pair_hash(int32_t left, int32_t right)
{
    uint64_t x = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(x ^ x >> 32);
}

static const MergeSlot *find_merge(const Bpe *model, int32_t left, int32_t right)
{
    for (size_t i = pair_hash(left, right) & model->mask;; i = (i + 1) & model->mask) {
        const MergeSlot *slot = &model->merges[i];
        if (slot->left < 0) return NULL;
        if (slot->left == left && slot->right == right) return slot;
    }
}

// ---- opening ----

static Status add_merge(Bpe *model, const Vocab *vocab, const MergePair *pair, size_t number,
                        Buffer *joined, Error *err)
{
    buffer_clear(joined);
    buffer_append(joined, pair->left);
    buffer_append(joined, pair->right);
    TRY(buffer_status(joined, err));
    const int32_t left = vocab_find(vocab, pair->left), right = vocab_find(vocab, pair->right);
    const int32_t merged = vocab_find(vocab, buffer_slice(joined));
    const Slice missing = left < 0 ? pair->left : right < 0 ? pair->right : buffer_slice(joined);
    if (left < 0 || right < 0 || merged < 0) {
        return error_set(err, STATUS_INVALID,
                         "merge %zu needs token \"" SLICE_FMT "\", which the vocabulary lacks",
                         number, SLICE_ARG(missing));
    }
    size_t i = pair_hash(left, right) & model->mask;
    while (model->merges[i].left >= 0 &&
           (model->merges[i].left != left || model->merges[i].right != right))
        i = (i + 1) & model->mask;
    // A merge that stands there twice has its later rank, as in Hugging Face's.
    model->merges[i] =
        (MergeSlot){.left = left, .right = right, .rank = (int32_t)(number - 1), .merged = merged};
    return STATUS_OK;
}

Status bpe_init(Bpe *model, const Vocab *vocab, const MergePair *merges, size_t n_merges,
                Arena *arena, Error *err)
{
    if (n_merges >= INT32_MAX / 4)
        return error_set(err, STATUS_INVALID, "%zu merges are too many", n_merges);
    size_t n_slots = 16;
    while (n_slots < 2 * n_merges) n_slots *= 2;
    TRY(arena_take(arena, n_slots, sizeof *model->merges, "a table of merges", &model->merges,
                   err));
    for (size_t i = 0; i < n_slots; i++) model->merges[i].left = TOKEN_NONE;
    model->mask = n_slots - 1;
    model->n_merges = n_merges;
    for (int b = 0; b < 256; b++) {
        char utf8[4];
        const size_t len = utf8_encode(byte_level_char((unsigned char)b), utf8);
        model->byte_ids[b] = vocab_find(vocab, (Slice){utf8, len});
    }
    Buffer joined = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; i < n_merges && s == STATUS_OK; i++)
        s = add_merge(model, vocab, &merges[i], i + 1, &joined, err);
    buffer_release(&joined);
    return s;
}

// ---- encoding ----

typedef struct Symbol {
    int32_t id;
    int32_t rank, merged;    // of the merge with the next symbol; NO_RANK: none
    uint32_t begin, end;     // bytes of the piece
    uint32_t previous, next; // of the long form: neighbours in the list; next == count: the last
} Symbol;

static void rank_pair(const Bpe *model, Symbol *left, const Symbol *right)
{
    const MergeSlot *slot = right != NULL ? find_merge(model, left->id, right->id) : NULL;
    left->rank = slot != NULL ? slot->rank : NO_RANK;
    left->merged = slot != NULL ? slot->merged : TOKEN_NONE;
}

// The piece's bytes as symbols; unknown ones become unk or vanish. Returns how many.
static size_t begin_symbols(const Bpe *model, Slice piece, Symbol *symbols)
{
    size_t n = 0;
    bool after_unknown = false;
    for (size_t i = 0; i < piece.len; i++) {
        int32_t id = model->byte_ids[(unsigned char)piece.ptr[i]];
        const bool is_unknown = id < 0;
        if (is_unknown) {
            if (model->unk < 0) continue;
            if (model->fuse_unk && after_unknown) {
                symbols[n - 1].end = (uint32_t)i + 1;
                continue;
            }
            id = model->unk;
        }
        after_unknown = is_unknown;
        symbols[n++] = (Symbol){.id = id, .begin = (uint32_t)i, .end = (uint32_t)i + 1};
    }
    return n;
}

// Short pieces: look for the best pair, close the gap. Returns the symbols left.
static size_t merge_short(const Bpe *model, Symbol *symbols, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rank_pair(model, &symbols[i], i + 1 < n ? &symbols[i + 1] : NULL);
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
        rank_pair(model, &symbols[best], best + 1 < n ? &symbols[best + 1] : NULL);
        if (best > 0) rank_pair(model, &symbols[best - 1], &symbols[best]);
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

static void push_pair(const Bpe *model, Heap *heap, Symbol *symbols, size_t n, uint32_t at)
{
    const uint32_t right = symbols[at].next;
    rank_pair(model, &symbols[at], right < n ? &symbols[right] : NULL);
    if (symbols[at].rank == NO_RANK) return;
    heap_push(heap, (Candidate){symbols[at].rank, at, right, symbols[right].end});
}

// Long pieces: a heap of pairs over a linked list. Each merge pushes at most two, so 3 n candidates suffice. Returns
// the symbols left, moved together.
static size_t merge_long(const Bpe *model, Symbol *symbols, size_t n, Candidate *candidates)
{
    Heap heap = {.items = candidates};
    for (size_t i = 0; i < n; i++) {
        symbols[i].previous = (uint32_t)i - 1; // of the first: UINT32_MAX
        symbols[i].next = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < n; i++) push_pair(model, &heap, symbols, n, (uint32_t)i);
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
        push_pair(model, &heap, symbols, n, best.at);
        if (left->previous != UINT32_MAX) push_pair(model, &heap, symbols, n, left->previous);
    }
    size_t n_left = 0;
    for (uint32_t i = 0; i < n; i = symbols[i].next) symbols[n_left++] = symbols[i];
    return n_left;
}

static bool is_inside_character(Slice text, size_t at)
{
    return at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80;
}

// Bytes [from, to) of the piece in the original, widened to whole characters.
static TokenOffsets origin_range(const ByteOrigin *origin, size_t from, size_t to)
{
    const size_t n_prefix = origin->n_prefix;
    size_t begin = origin->at + from > n_prefix ? origin->at + from - n_prefix : 0;
    size_t end = origin->at + to > n_prefix ? origin->at + to - n_prefix : 0;
    if (end <= begin) end = begin + 1; // the blank put in front counts as the first character
    while (begin > 0 && is_inside_character(origin->segment, begin)) begin--;
    while (is_inside_character(origin->segment, end)) end++;
    return (TokenOffsets){origin->base + begin, origin->base + end};
}

// ignore_merges: a piece that is a token is that token.
static int32_t whole_piece(const Vocab *vocab, Slice piece)
{
    char spelled[4 * SHORT_PIECE];
    size_t len = 0;
    if (piece.len > SHORT_PIECE) return TOKEN_NONE;
    for (size_t i = 0; i < piece.len; i++)
        len += utf8_encode(byte_level_char((unsigned char)piece.ptr[i]), spelled + len);
    return vocab_find(vocab, (Slice){spelled, len});
}

static Status emit(const Symbol *symbols, size_t n, const ByteOrigin *origin, int32_t word_id,
                   TokenSink *sink, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        TokenOffsets o = {0};
        if (!sink->ids_only) o = origin_range(origin, symbols[i].begin, symbols[i].end);
        TRY(token_sink_add(sink, symbols[i].id, o.begin, o.end, word_id, err));
    }
    return STATUS_OK;
}

static Status encode_long(const Bpe *model, Slice piece, const ByteOrigin *origin, int32_t word_id,
                          TokenSink *sink, Error *err)
{
    TRY(token_sink_grow(sink, piece.len, err)); // before the mark: the tokens stay
    const ArenaMark mark = arena_mark(sink->arena);
    Symbol *symbols = NULL;
    Candidate *candidates = NULL;
    Status s =
        arena_take(sink->arena, piece.len, sizeof *symbols, "the bytes of a word", &symbols, err);
    if (s == STATUS_OK)
        s = arena_take(sink->arena, piece.len, 3 * sizeof *candidates, "the merges of a word",
                       &candidates, err);
    if (s == STATUS_OK) {
        size_t n = begin_symbols(model, piece, symbols);
        n = merge_long(model, symbols, n, candidates);
        s = emit(symbols, n, origin, word_id, sink, err);
    }
    arena_rewind(sink->arena, mark);
    return s;
}

Status bpe_encode(const Bpe *model, const Vocab *vocab, Slice piece, const ByteOrigin *origin,
                  int32_t word_id, TokenSink *sink, Error *err)
{
    if (model->ignore_merges) {
        const int32_t id = whole_piece(vocab, piece);
        const Symbol whole = {.id = id, .end = (uint32_t)piece.len};
        if (id >= 0) return emit(&whole, 1, origin, word_id, sink, err);
    }
    if (piece.len > SHORT_PIECE) return encode_long(model, piece, origin, word_id, sink, err);
    Symbol symbols[SHORT_PIECE];
    size_t n = begin_symbols(model, piece, symbols);
    n = merge_short(model, symbols, n);
    return emit(symbols, n, origin, word_id, sink, err);
}
