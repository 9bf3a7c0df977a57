#include "metrics/ngrams.h"

#include <string.h>

#include "base/size.h"

#define UNSEEN UINT32_MAX // the number of what the hypothesis does not have

// Words get numbers; an n-gram is the pair (its first n - 1 words' number, its last word's number), numbered in turn.
// Only the hypothesis adds to the tables: what it does not have cannot match.
typedef struct Words {
    uint32_t *slots; // number + 1, 0 = free
    Slice *words;
    uint64_t *hashes;
    size_t mask, n;
} Words;

typedef struct Grams {
    uint32_t *slots;
    uint64_t *keys;
    uint32_t *counts;      // in the hypothesis
    uint32_t *counts_here; // in the reference at hand
    uint32_t *counts_most; // in the reference that has it most
    size_t mask, n;
} Grams;

static uint64_t hash_word(Slice word)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < word.len; i++) h = (h ^ (unsigned char)word.ptr[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static uint64_t hash_key(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return key ^ key >> 32;
}

static uint32_t word_number(Words *w, Slice word, bool is_added)
{
    const uint64_t hash = hash_word(word);
    size_t at = (size_t)hash & w->mask;
    for (; w->slots[at] != 0; at = (at + 1) & w->mask) {
        const uint32_t number = w->slots[at] - 1;
        if (w->hashes[number] == hash && slice_eq(w->words[number], word)) return number;
    }
    if (!is_added) return UNSEEN;
    w->words[w->n] = word;
    w->hashes[w->n] = hash;
    w->slots[at] = (uint32_t)++w->n;
    return (uint32_t)w->n - 1;
}

static uint32_t gram_number(Grams *g, uint64_t key, bool is_added)
{
    size_t at = (size_t)hash_key(key) & g->mask;
    for (; g->slots[at] != 0; at = (at + 1) & g->mask) {
        if (g->keys[g->slots[at] - 1] == key) return g->slots[at] - 1;
    }
    if (!is_added) return UNSEEN;
    g->keys[g->n] = key;
    g->slots[at] = (uint32_t)++g->n;
    return (uint32_t)g->n - 1;
}

// Twice as many slots as entries, a power of two.
static size_t slots_for(size_t n)
{
    size_t slots = 16;
    while (slots < 2 * n) slots *= 2;
    return slots;
}

static Status words_init(Words *w, size_t n, Arena *arena, Error *err)
{
    const size_t n_slots = slots_for(n);
    *w = (Words){.mask = n_slots - 1};
    TRY(arena_take(arena, n_slots, sizeof *w->slots, "words", &w->slots, err));
    TRY(arena_take(arena, n, sizeof *w->words, "words", &w->words, err));
    return arena_take(arena, n, sizeof *w->hashes, "words", &w->hashes, err);
}

static Status grams_init(Grams *g, size_t n, Arena *arena, Error *err)
{
    const size_t n_slots = slots_for(n);
    *g = (Grams){.mask = n_slots - 1};
    TRY(arena_take(arena, n_slots, sizeof *g->slots, "n-grams", &g->slots, err));
    TRY(arena_take(arena, n, sizeof *g->keys, "n-grams", &g->keys, err));
    TRY(arena_take(arena, n, 3 * sizeof *g->counts, "n-grams", &g->counts, err));
    g->counts_here = g->counts + n;
    g->counts_most = g->counts_here + n;
    return STATUS_OK;
}

// From the numbers of (n - 1)-grams to those of n-grams, in place: position i starts at word i. The first `order`
// (n = 1) has 0 before its word.
static void extend(Grams *g, uint32_t *numbers, const uint32_t *words, size_t n, size_t order,
                   bool is_added)
{
    for (size_t i = 0; i + order <= n; i++) {
        const uint32_t last = words[i + order - 1];
        if (last == UNSEEN || (order > 1 && numbers[i] == UNSEEN)) {
            numbers[i] = UNSEEN;
            continue;
        }
        const uint64_t first = order > 1 ? (uint64_t)numbers[i] + 1 : 0;
        numbers[i] = gram_number(g, first << 32 | last, is_added);
    }
}

static void count_reference(Grams *g, const uint32_t *numbers, size_t n_grams)
{
    memset(g->counts_here, 0, g->n * sizeof *g->counts_here);
    for (size_t i = 0; i < n_grams; i++) {
        if (numbers[i] == UNSEEN) continue;
        const uint32_t here = ++g->counts_here[numbers[i]];
        if (here > g->counts_most[numbers[i]]) g->counts_most[numbers[i]] = here;
    }
}

typedef struct Sequence {
    uint32_t *words, *numbers;
    size_t n;
} Sequence;

static Status number_words(Words *w, const Tokens *tokens, bool is_added, Arena *arena,
                           Sequence *out, Error *err)
{
    out->n = tokens->n;
    TRY(arena_take(arena, tokens->n, sizeof *out->words, "words", &out->words, err));
    TRY(arena_take(arena, tokens->n, sizeof *out->numbers, "words", &out->numbers, err));
    for (size_t i = 0; i < tokens->n; i++)
        out->words[i] = word_number(w, tokens->items[i], is_added);
    return STATUS_OK;
}

Status ngram_matches(const Tokens *hypothesis, const Tokens *references, size_t n_references,
                     size_t max_order, Arena *scratch, double *matches, Error *err)
{
    for (size_t k = 0; k < max_order; k++) matches[k] = 0;
    if (hypothesis->n == 0) return STATUS_OK;
    if (hypothesis->n >= UINT32_MAX / 4) {
        return error_set(err, STATUS_INVALID, "%zu tokens are too many for one text",
                         hypothesis->n);
    }
    Words words;
    Sequence own, *others;
    TRY(words_init(&words, hypothesis->n, scratch, err));
    TRY(number_words(&words, hypothesis, true, scratch, &own, err));
    TRY(arena_take(scratch, n_references, sizeof *others, "references", &others, err));
    for (size_t r = 0; r < n_references; r++) {
        TRY(number_words(&words, &references[r], false, scratch, &others[r], err));
    }
    for (size_t order = 1; order <= max_order && order <= own.n; order++) {
        Grams grams;
        TRY(grams_init(&grams, own.n, scratch, err));
        extend(&grams, own.numbers, own.words, own.n, order, true);
        for (size_t i = 0; i + order <= own.n; i++) grams.counts[own.numbers[i]]++;
        for (size_t r = 0; r < n_references; r++) {
            extend(&grams, others[r].numbers, others[r].words, others[r].n, order, false);
            if (others[r].n >= order)
                count_reference(&grams, others[r].numbers, others[r].n - order + 1);
        }
        for (size_t g = 0; g < grams.n; g++) {
            matches[order - 1] +=
                (double)(grams.counts[g] < grams.counts_most[g] ? grams.counts[g]
                                                                : grams.counts_most[g]);
        }
    }
    return STATUS_OK;
}
