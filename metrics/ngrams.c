#include "metrics/ngrams.h"

#include <string.h>

#include "base/size.h"

#define UNSEEN UINT32_MAX // the number of what the hypothesis does not have
enum { SHORT_WORDS = 64 };

// An n-gram is the pair (its first n - 1 words' number, its last word's number), numbered in turn after the words. Only
// the hypothesis adds to the table: what it does not have cannot match. The numbers of (n - 1)-grams in the keys keep the
// orders apart.
typedef struct Grams {
    uint32_t *slots; // number - n_words + 1, 0 = free
    uint64_t *keys;
    uint32_t *left;        // how often the hypothesis has it and no reference's was found for it
    uint32_t *counts_here; // in the reference at hand
    uint32_t *counts_most; // in the reference that has it most
    size_t mask, n_words, n;
} Grams;

static uint64_t hash_key(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return key ^ key >> 32;
}

static uint32_t gram_number(Grams *g, uint64_t key, bool is_added)
{
    size_t at = (size_t)hash_key(key) & g->mask;
    for (; g->slots[at] != 0; at = (at + 1) & g->mask) {
        const size_t k = g->slots[at] - 1;
        if (g->keys[k] == key) return (uint32_t)(g->n_words + k);
    }
    if (!is_added) return UNSEEN;
    g->keys[g->n - g->n_words] = key;
    g->slots[at] = (uint32_t)(g->n - g->n_words) + 1;
    return (uint32_t)g->n++;
}

// For n n-grams of all orders together, and the words before them.
static Status grams_init(Grams *g, size_t n_words, size_t n, bool has_many_references, Arena *arena,
                         Error *err)
{
    size_t n_slots = 16;
    while (n_slots < 2 * n) n_slots *= 2;
    *g = (Grams){.mask = n_slots - 1, .n_words = n_words, .n = n_words};
    TRY(arena_take(arena, n_slots, sizeof *g->slots, "n-grams", &g->slots, err));
    TRY(arena_take_raw(arena, n, sizeof *g->keys, "n-grams", &g->keys, err));
    TRY(arena_take(arena, n_words + n, sizeof *g->left, "n-grams", &g->left, err));
    if (!has_many_references) return STATUS_OK;
    TRY(arena_take(arena, n_words + n, 2 * sizeof *g->counts_here, "n-grams", &g->counts_here,
                   err));
    g->counts_most = g->counts_here + n_words + n;
    return STATUS_OK;
}

typedef struct Sequence {
    WordNumbers words;
    uint32_t *numbers; // of the n-gram that starts at each word
} Sequence;

// Unigrams are the words.
static Status sequence_init(Sequence *s, const WordNumbers *words, size_t n_words, Arena *arena,
                            Error *err)
{
    s->words = *words;
    TRY(arena_take_raw(arena, words->n, sizeof *s->numbers, "words", &s->numbers, err));
    for (size_t i = 0; i < words->n; i++) {
        s->numbers[i] = words->items[i] < n_words ? words->items[i] : UNSEEN;
    }
    return STATUS_OK;
}

// From the numbers of (n - 1)-grams to those of n-grams, in place.
static void extend(Grams *g, Sequence *s, size_t order, bool is_added)
{
    for (size_t i = 0; order > 1 && i + order <= s->words.n; i++) {
        const uint32_t last = s->words.items[i + order - 1];
        if (last >= g->n_words || s->numbers[i] == UNSEEN) {
            s->numbers[i] = UNSEEN;
            continue;
        }
        s->numbers[i] = gram_number(g, (uint64_t)s->numbers[i] << 32 | last, is_added);
    }
}

// With one reference each of its n-grams uses up one of the hypothesis's.
static size_t match_one(Grams *g, Sequence *reference, size_t order)
{
    size_t n = 0;
    extend(g, reference, order, false);
    for (size_t i = 0; i + order <= reference->words.n; i++) {
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
        extend(g, reference, order, false);
        memset(g->counts_here + first, 0, (g->n - first) * sizeof *g->counts_here);
        for (size_t i = 0; i + order <= reference->words.n; i++) {
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

static Status match_orders(Sequence *own, Sequence *others, size_t n_references, size_t n_words,
                           size_t max_order, Arena *scratch, double *matches, Error *err)
{
    Grams grams;
    const size_t length = own->words.n, orders = max_order < length ? max_order : length;
    size_t n_grams;
    if (!size_mul(length, orders, &n_grams) || n_grams >= UINT32_MAX / 4) {
        return error_set(err, STATUS_INVALID, "%zu tokens are too many for one text", length);
    }
    TRY(grams_init(&grams, n_words, n_grams - length, n_references > 1, scratch, err));
    for (size_t order = 1; order <= orders; order++) {
        const size_t first = order > 1 ? grams.n : 0;
        extend(&grams, own, order, true);
        for (size_t i = 0; i + order <= length; i++) grams.left[own->numbers[i]]++;
        const size_t n = n_references == 1 ? match_one(&grams, others, order)
                                           : match_many(&grams, others, n_references, order, first);
        if (n == 0) break; // then no longer one matches either
        matches[order - 1] = (double)n;
    }
    return STATUS_OK;
}

// One reference and words alone: each of its words uses up one of the hypothesis's.
static Status match_words(const WordNumbers *hypothesis, const WordNumbers *reference,
                          size_t n_words, Arena *scratch, double *matches, Error *err)
{
    uint32_t *left, n = 0;
    TRY(arena_take(scratch, n_words + 1, sizeof *left, "words", &left, err));
    for (size_t i = 0; i < hypothesis->n; i++) left[hypothesis->items[i]]++;
    for (size_t i = 0; i < reference->n; i++) {
        uint32_t *its = &left[reference->items[i]];
        const uint32_t has = *its != 0;
        *its -= has;
        n += has;
    }
    *matches = (double)n;
    return STATUS_OK;
}

// One reference, and one of the two texts has at most 64 words: the places where the n words from a word of the other on
// stand in it are bits of one number, and each n-gram of the other uses up one place.
static Status match_short(const WordNumbers *few, const WordNumbers *other, size_t n_words,
                          size_t max_order, Arena *scratch, double *matches, Error *err)
{
    uint64_t *places; // of each word
    TRY(arena_take(scratch, n_words + 1 + other->n, sizeof *places, "words", &places, err));
    uint64_t *at = places + n_words + 1; // from each word of the other on
    for (size_t i = 0; i < few->n; i++) places[few->items[i]] |= UINT64_C(1) << i;
    places[n_words] = 0; // what only the reference has
    for (size_t j = 0; j < other->n; j++) at[j] = places[other->items[j]];
    for (size_t order = 1; order <= max_order && order <= other->n; order++) {
        uint64_t left = UINT64_MAX;
        size_t n = 0;
        for (size_t j = 0; j + order <= other->n; j++) {
            const uint64_t met = at[j] & left;
            left ^= met & -met;
            n += met != 0;
        }
        if (n == 0) break;
        matches[order - 1] = (double)n;
        if (order == max_order) break;
        for (size_t j = 0; j + order < other->n; j++) at[j] &= at[j + 1] >> 1; // for the next
    }
    return STATUS_OK;
}

Status number_ngram_matches(const WordNumbers *hypothesis, const WordNumbers *references,
                            size_t n_references, size_t n_words, size_t max_order, Arena *scratch,
                            double *matches, Error *err)
{
    Sequence own, *others;
    for (size_t k = 0; k < max_order; k++) matches[k] = 0;
    if (hypothesis->n == 0 || max_order == 0) return STATUS_OK;
    if (n_references == 1 && max_order == 1) {
        return match_words(hypothesis, references, n_words, scratch, matches, err);
    }
    if (n_references == 1 && hypothesis->n <= SHORT_WORDS) {
        return match_short(hypothesis, references, n_words, max_order, scratch, matches, err);
    }
    if (n_references == 1 && references->n <= SHORT_WORDS) {
        return match_short(references, hypothesis, n_words, max_order, scratch, matches, err);
    }
    TRY(sequence_init(&own, hypothesis, n_words, scratch, err));
    TRY(arena_take(scratch, n_references, sizeof *others, "references", &others, err));
    for (size_t r = 0; r < n_references; r++) {
        TRY(sequence_init(&others[r], &references[r], n_words, scratch, err));
    }
    return match_orders(&own, others, n_references, n_words, max_order, scratch, matches, err);
}

Status ngram_matches(const Tokens *hypothesis, const Tokens *references, size_t n_references,
                     size_t max_order, Arena *scratch, double *matches, Error *err)
{
    WordIds ids;
    WordNumbers own, *others;
    uint32_t *numbers;
    TRY(word_ids_init(&ids, hypothesis->n, scratch, err));
    TRY(word_ids_of(&ids, hypothesis, scratch, &numbers, err));
    own = (WordNumbers){numbers, hypothesis->n};
    TRY(arena_take(scratch, n_references, sizeof *others, "references", &others, err));
    for (size_t r = 0; r < n_references; r++) {
        TRY(word_ids_known(&ids, &references[r], scratch, &numbers, err));
        others[r] = (WordNumbers){numbers, references[r].n};
    }
    return number_ngram_matches(&own, others, n_references, ids.n, max_order, scratch, matches,
                                err);
}
