// Joining the most frequent pair, again and again.
//
// Pair counts are kept up to date: a merge visits only the words that hold the pair. The heap may hold old counts of a
// pair that has become rarer: they are looked up again when they come to the top.
#include "base/size.h"
#include "models/tokenizers/train_internal.h"

typedef struct Pair {
    int32_t left, right;
    uint64_t count;
    uint32_t *words; // that hold or held it; a word may stand there more than once
    size_t n_words, capacity;
    bool is_merged;  // stands in the list of merges
    uint64_t queued; // the count with which it stands in the heap last
} Pair;

typedef struct PairHeapItem {
    uint64_t count;
    int32_t left, right;
    uint32_t pair;
} PairHeapItem;

typedef struct Pairs {
    Arena *arena;
    Pair *pairs;
    size_t n, capacity;
    uint32_t *slots; // index + 1
    size_t n_slots;
    PairHeapItem *heap;
    size_t n_heap, heap_capacity;
    uint32_t *raised; // pairs whose count rose in the current merge
    size_t n_raised, raised_capacity;
} Pairs;

// ---- pairs by their two ids ----

static size_t pair_slot(const Pairs *p, int32_t left, int32_t right)
{
    uint64_t hash = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    const size_t mask = p->n_slots - 1;
    size_t i = (size_t)(hash ^ hash >> 32) & mask;
    while (p->slots[i] != 0) {
        const Pair *pair = &p->pairs[p->slots[i] - 1];
        if (pair->left == left && pair->right == right) break;
        i = (i + 1) & mask;
    }
    return i;
}

static Status pairs_grow(Pairs *p, Error *err)
{
    if (p->n >= UINT32_MAX / 4)
        return error_set(err, STATUS_INVALID, "too many pairs of symbols: train on less text");
    p->capacity = 2 * p->capacity + 1024;
    TRY(arena_grow(p->arena, p->n, p->capacity, sizeof *p->pairs, "pairs", &p->pairs, err));
    p->n_slots = p->n_slots > 0 ? 4 * p->n_slots : 4096;
    while (p->n_slots < 2 * p->capacity) p->n_slots *= 2;
    TRY(arena_take(p->arena, p->n_slots, sizeof *p->slots, "pairs", &p->slots, err));
    for (size_t i = 0; i < p->n; i++)
        p->slots[pair_slot(p, p->pairs[i].left, p->pairs[i].right)] = (uint32_t)i + 1;
    return STATUS_OK;
}

static Status raise(Pairs *p, int32_t left, int32_t right, uint64_t by, uint32_t word, Error *err)
{
    if (p->n == p->capacity) TRY(pairs_grow(p, err));
    const size_t slot = pair_slot(p, left, right);
    if (p->slots[slot] == 0) {
        p->pairs[p->n++] = (Pair){.left = left, .right = right};
        p->slots[slot] = (uint32_t)p->n;
    }
    const uint32_t index = p->slots[slot] - 1;
    Pair *pair = &p->pairs[index];
    pair->count += by;
    if (pair->n_words == 0 || pair->words[pair->n_words - 1] != word) {
        TRY(arena_make_room(p->arena, pair->n_words, &pair->capacity, sizeof *pair->words, "pairs",
                            &pair->words, err));
        pair->words[pair->n_words++] = word;
    }
    if (p->n_raised > 0 && p->raised[p->n_raised - 1] == index) return STATUS_OK;
    TRY(arena_make_room(p->arena, p->n_raised, &p->raised_capacity, sizeof *p->raised, "pairs",
                        &p->raised, err));
    p->raised[p->n_raised++] = index;
    return STATUS_OK;
}

static void lower(Pairs *p, int32_t left, int32_t right, uint64_t by)
{
    const uint32_t index = p->slots[pair_slot(p, left, right)];
    if (index != 0) p->pairs[index - 1].count -= by;
}

// ---- the heap ----

static bool comes_first(const PairHeapItem *a, const PairHeapItem *b)
{
    if (a->count != b->count) return a->count > b->count;
    return a->left != b->left ? a->left < b->left : a->right < b->right;
}

static Status heap_push(Pairs *p, uint32_t index, Error *err)
{
    Pair *pair = &p->pairs[index];
    if (pair->queued == pair->count) return STATUS_OK;
    pair->queued = pair->count;
    TRY(arena_make_room(p->arena, p->n_heap, &p->heap_capacity, sizeof *p->heap, "pairs", &p->heap,
                        err));
    const PairHeapItem item = {pair->count, pair->left, pair->right, index};
    size_t i = p->n_heap++;
    for (; i > 0 && comes_first(&item, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
        p->heap[i] = p->heap[(i - 1) / 2];
    p->heap[i] = item;
    return STATUS_OK;
}

static PairHeapItem heap_pop(Pairs *p)
{
    const PairHeapItem top = p->heap[0], last = p->heap[--p->n_heap];
    size_t i = 0;
    for (size_t child = 1; child < p->n_heap; i = child, child = 2 * i + 1) {
        if (child + 1 < p->n_heap && comes_first(&p->heap[child + 1], &p->heap[child])) child++;
        if (!comes_first(&p->heap[child], &last)) break;
        p->heap[i] = p->heap[child];
    }
    p->heap[i] = last;
    return top;
}

static Status push_raised(Pairs *p, uint64_t min_frequency, Error *err)
{
    for (size_t i = 0; i < p->n_raised; i++) {
        if (p->pairs[p->raised[i]].count >= min_frequency) TRY(heap_push(p, p->raised[i], err));
    }
    p->n_raised = 0;
    return STATUS_OK;
}

// ---- merging ----

int32_t train_find(const TrainState *state, Slice token)
{
    for (size_t i = (size_t)token_hash(token);; i++) {
        if (state->by_token.n_slots == 0) return TOKEN_NONE;
        const uint32_t index = state->by_token.slots[i & (state->by_token.n_slots - 1)];
        if (index == 0) return TOKEN_NONE;
        const WordCount *entry = &state->by_token.words[index - 1];
        if (slice_eq(entry->word, token)) return (int32_t)(entry->count - 1);
    }
}

Status train_put(TrainState *state, Slice token, Error *err)
{
    TRY(word_counts_add(&state->by_token, token, (uint64_t)state->n_tokens + 1, state->arena, err));
    state->tokens[state->n_tokens++] = state->by_token.words[state->by_token.n - 1].word;
    return STATUS_OK;
}

// Joins left and right in one word and keeps the counts of the pairs around them.
static Status merge_in_word(TrainState *state, Pairs *p, uint32_t index, TrainMerge merge,
                            Error *err)
{
    TrainWord *word = &state->words[index];
    int32_t *symbols = state->symbols + word->begin;
    uint32_t n = 0;
    for (uint32_t i = 0; i < word->n; i++) {
        if (i + 1 >= word->n || symbols[i] != merge.left || symbols[i + 1] != merge.right) {
            symbols[n++] = symbols[i];
            continue;
        }
        lower(p, merge.left, merge.right, word->count);
        if (n > 0) {
            lower(p, symbols[n - 1], merge.left, word->count);
            TRY(raise(p, symbols[n - 1], merge.merged, word->count, index, err));
        }
        if (i + 2 < word->n) {
            lower(p, merge.right, symbols[i + 2], word->count);
            TRY(raise(p, merge.merged, symbols[i + 2], word->count, index, err));
        }
        symbols[n++] = merge.merged;
        i++;
    }
    word->n = n;
    return STATUS_OK;
}

static Status merge_everywhere(TrainState *state, Pairs *p, uint32_t pair, int32_t merged,
                               Error *err)
{
    const TrainMerge merge = {p->pairs[pair].left, p->pairs[pair].right, merged};
    // The list is taken off the pair, which may grow anew while its words are visited.
    const uint32_t *words = p->pairs[pair].words;
    const size_t n_words = p->pairs[pair].n_words;
    p->pairs[pair].words = NULL;
    p->pairs[pair].n_words = p->pairs[pair].capacity = 0;
    for (size_t i = 0; i < n_words; i++) TRY(merge_in_word(state, p, words[i], merge, err));
    // Two merges may make one token, and so bring a pair back that was joined before: its rank stays the first.
    if (p->pairs[pair].is_merged) return STATUS_OK;
    p->pairs[pair].is_merged = true;
    TRY(arena_make_room(state->arena, state->n_merges, &state->merges_capacity, sizeof merge,
                        "pairs", &state->merges, err));
    state->merges[state->n_merges++] = merge;
    return STATUS_OK;
}

// The token that two make: the right one loses the prefix of continuing tokens.
static Status join(TrainState *state, const Pair *pair, Slice *out, Error *err)
{
    const Slice left = state->tokens[pair->left], right = state->tokens[pair->right];
    const Slice rest = slice_sub(
        right, slice_starts_with(right, state->prefix) ? state->prefix.len : 0, right.len);
    char *text = NULL;
    TRY(arena_take(state->arena, left.len + rest.len, 1, "a token", &text, err));
    memcpy(text, left.ptr, left.len);
    memcpy(text + left.len, rest.ptr, rest.len);
    *out = (Slice){text, left.len + rest.len};
    return STATUS_OK;
}

static Status count_pairs(TrainState *state, Pairs *p, Error *err)
{
    for (size_t w = 0; w < state->n_words; w++) {
        const TrainWord *word = &state->words[w];
        for (uint32_t i = 0; i + 1 < word->n; i++) {
            const int32_t *symbols = state->symbols + word->begin + i;
            TRY(raise(p, symbols[0], symbols[1], word->count, (uint32_t)w, err));
        }
    }
    return STATUS_OK;
}

// Joins one pair. What spells a special token stays in pieces: that string is cut out of a text before the model sees it.
static Status merge_pair(TrainState *state, Pairs *p, uint32_t index, size_t n_special, Error *err)
{
    Slice token = {0};
    TRY(join(state, &p->pairs[index], &token, err));
    int32_t merged = train_find(state, token);
    if (merged >= 0 && (size_t)merged < n_special) return STATUS_OK;
    if (merged < 0) {
        merged = (int32_t)state->n_tokens;
        TRY(train_put(state, token, err));
    }
    return merge_everywhere(state, p, index, merged, err);
}

Status train_merge(TrainState *state, size_t n_special, Error *err)
{
    const uint64_t least = state->options->min_frequency > 0 ? state->options->min_frequency : 2;
    Pairs p = {.arena = state->arena};
    TRY(pairs_grow(&p, err));
    TRY(count_pairs(state, &p, err));
    Status s = push_raised(&p, least, err);
    while (s == STATUS_OK && p.n_heap > 0 && state->n_tokens < state->options->vocab_size) {
        const PairHeapItem top = heap_pop(&p);
        Pair *pair = &p.pairs[top.pair];
        if (pair->queued == top.count) pair->queued = 0;
        if (pair->count < least) continue;
        if (top.count !=
            pair->count) { // it has become rarer, or stands there again with its true count
            s = heap_push(&p, top.pair, err);
            continue;
        }
        s = merge_pair(state, &p, top.pair, n_special, err);
        if (s == STATUS_OK) s = push_raised(&p, least, err);
    }
    return s;
}
