#include "metrics/ngrams.h"

#include <string.h>

#include "base/size.h"
#include "metrics/word_hash.h"

#define UNSEEN UINT32_MAX // the number of what the hypothesis does not have
enum { SHORT_WORDS = 64 };

// Words get numbers; an n-gram is the pair (its first n - 1 words' number, its last word's number), numbered in turn.
// Only the hypothesis adds to the tables: what it does not have cannot match.
typedef struct Words {
    uint32_t *slots; // number + 1, 0 = free
    Slice *words;
    uint64_t *keys; // word_hash.h
    size_t mask, n;
} Words;

// n-grams of all orders in one table: the numbers of (n - 1)-grams in their keys keep the orders apart.
typedef struct Grams {
    uint32_t *slots;
    uint64_t *keys;
    uint32_t *left;        // how often the hypothesis has it and no reference's was found for it
    uint32_t *counts_here; // in the reference at hand
    uint32_t *counts_most; // in the reference that has it most
    size_t mask, n;
} Grams;

static uint64_t hash_key(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return key ^ key >> 32;
}

static uint32_t word_number(Words *w, const Tokens *tokens, size_t i, bool is_added)
{
    const Slice word = tokens->items[i];
    const uint64_t key = word_key_before(word, tokens->text_end);
    size_t at = word_place(key, w->mask);
    for (; w->slots[at] != 0; at = (at + 1) & w->mask) {
        const uint32_t number = w->slots[at] - 1;
        if (w->keys[number] == key && word_is(w->words[number], word)) return number;
    }
    if (!is_added) return UNSEEN;
    w->words[w->n] = word;
    w->keys[w->n] = key;
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
    if (n >= UINT32_MAX / 4) {
        return error_set(err, STATUS_INVALID, "%zu tokens are too many for one text", n);
    }
    const size_t n_slots = slots_for(n);
    *w = (Words){.mask = n_slots - 1};
    TRY(arena_take(arena, n_slots, sizeof *w->slots, "words", &w->slots, err));
    TRY(arena_take_raw(arena, n, sizeof *w->words, "words", &w->words, err));
    return arena_take_raw(arena, n, sizeof *w->keys, "words", &w->keys, err);
}

// For n n-grams of all orders together.
static Status grams_init(Grams *g, size_t n, bool has_many_references, Arena *arena, Error *err)
{
    const size_t n_slots = slots_for(n);
    *g = (Grams){.mask = n_slots - 1};
    TRY(arena_take(arena, n_slots, sizeof *g->slots, "n-grams", &g->slots, err));
    TRY(arena_take_raw(arena, n, sizeof *g->keys, "n-grams", &g->keys, err));
    TRY(arena_take(arena, n, sizeof *g->left, "n-grams", &g->left, err));
    if (!has_many_references) return STATUS_OK;
    TRY(arena_take(arena, n, 2 * sizeof *g->counts_here, "n-grams", &g->counts_here, err));
    g->counts_most = g->counts_here + n;
    return STATUS_OK;
}

// From the numbers of (n - 1)-grams to those of n-grams, in place: position i starts at word i. Unigrams have 0 in place of
// what comes before their word.
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

typedef struct Sequence {
    uint32_t *words, *numbers;
    size_t n;
} Sequence;

static Status number_words(Words *w, const Tokens *tokens, bool is_added, Arena *arena,
                           Sequence *out, Error *err)
{
    out->n = tokens->n;
    TRY(arena_take_raw(arena, tokens->n, sizeof *out->words, "words", &out->words, err));
    TRY(arena_take_raw(arena, tokens->n, sizeof *out->numbers, "words", &out->numbers, err));
    for (size_t i = 0; i < tokens->n; i++) out->words[i] = word_number(w, tokens, i, is_added);
    return STATUS_OK;
}

// With one reference each of its n-grams uses up one of the hypothesis's.
static size_t match_one(Grams *g, Sequence *reference, size_t order)
{
    size_t n = 0;
    extend(g, reference->numbers, reference->words, reference->n, order, false);
    for (size_t i = 0; i + order <= reference->n; i++) {
        const uint32_t number = reference->numbers[i];
        if (number == UNSEEN || g->left[number] == 0) continue;
        g->left[number]--;
        n++;
    }
    return n;
}

static size_t match_many(Grams *g, Sequence *references, size_t n_references, size_t order,
                         size_t first)
{
    size_t n = 0;
    for (size_t r = 0; r < n_references; r++) {
        Sequence *reference = &references[r];
        extend(g, reference->numbers, reference->words, reference->n, order, false);
        memset(g->counts_here + first, 0, (g->n - first) * sizeof *g->counts_here);
        for (size_t i = 0; i + order <= reference->n; i++) {
            const uint32_t number = reference->numbers[i];
            if (number == UNSEEN) continue;
            const uint32_t here = ++g->counts_here[number];
            if (here > g->counts_most[number]) g->counts_most[number] = here;
        }
    }
    for (size_t k = first; k < g->n; k++) {
        n += g->left[k] < g->counts_most[k] ? g->left[k] : g->counts_most[k];
    }
    return n;
}

static Status match_orders(const Tokens *hypothesis, Sequence *own, Sequence *others,
                           size_t n_references, size_t max_order, Arena *scratch, double *matches,
                           Error *err)
{
    Grams grams;
    const size_t orders = max_order < own->n ? max_order : own->n;
    size_t n_grams;
    if (!size_mul(hypothesis->n, orders, &n_grams) || n_grams >= UINT32_MAX / 4) {
        return error_set(err, STATUS_INVALID, "%zu tokens are too many for one text",
                         hypothesis->n);
    }
    TRY(grams_init(&grams, n_grams, n_references > 1, scratch, err));
    for (size_t order = 1; order <= orders; order++) {
        const size_t first = grams.n;
        extend(&grams, own->numbers, own->words, own->n, order, true);
        for (size_t i = 0; i + order <= own->n; i++) grams.left[own->numbers[i]]++;
        const size_t n = n_references == 1 ? match_one(&grams, others, order)
                                           : match_many(&grams, others, n_references, order, first);
        if (n == 0) break; // then no longer one matches either
        matches[order - 1] = (double)n;
    }
    return STATUS_OK;
}

// One reference and a hypothesis of at most 64 words: the places where the n words from a reference's word on stand in the
// hypothesis are bits of one number, and each of the reference's n-grams uses up one place.
static Status match_short(Words *w, const Tokens *hypothesis, const Tokens *reference,
                          size_t max_order, Arena *scratch, double *matches, Error *err)
{
    uint64_t places[SHORT_WORDS] = {0},
             *at; // of each of the hypothesis's words; from each of the reference's on
    TRY(arena_take_raw(scratch, reference->n, sizeof *at, "words", &at, err));
    for (size_t i = 0; i < hypothesis->n; i++) {
        places[word_number(w, hypothesis, i, true)] |= UINT64_C(1) << i;
    }
    for (size_t j = 0; j < reference->n; j++) {
        const uint32_t number = word_number(w, reference, j, false);
        at[j] = number == UNSEEN ? 0 : places[number];
    }
    for (size_t order = 1; order <= max_order && order <= reference->n; order++) {
        uint64_t left = UINT64_MAX;
        size_t n = 0;
        for (size_t j = 0; j + order <= reference->n; j++) {
            const uint64_t met = at[j] & left;
            left &= ~(met & -met);
            n += met != 0;
            if (j + order < reference->n) at[j] &= at[j + 1] >> 1; // for the next order
        }
        if (n == 0) break;
        matches[order - 1] = (double)n;
    }
    return STATUS_OK;
}

Status ngram_matches(const Tokens *hypothesis, const Tokens *references, size_t n_references,
                     size_t max_order, Arena *scratch, double *matches, Error *err)
{
    for (size_t k = 0; k < max_order; k++) matches[k] = 0;
    if (hypothesis->n == 0 || max_order == 0) return STATUS_OK;
    Words words;
    Sequence own, *others;
    TRY(words_init(&words, hypothesis->n, scratch, err));
    if (n_references == 1 && hypothesis->n <= SHORT_WORDS) {
        return match_short(&words, hypothesis, references, max_order, scratch, matches, err);
    }
    TRY(number_words(&words, hypothesis, true, scratch, &own, err));
    TRY(arena_take(scratch, n_references, sizeof *others, "references", &others, err));
    for (size_t r = 0; r < n_references; r++) {
        TRY(number_words(&words, &references[r], false, scratch, &others[r], err));
    }
    return match_orders(hypothesis, &own, others, n_references, max_order, scratch, matches, err);
}
