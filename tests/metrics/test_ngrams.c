// N-grams of words against a count by hand, around the lengths where the ways of counting change.
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/philox.h"
#include "metrics/ngrams.h"

enum { LONGEST = 140, MOST_REFERENCES = 2, ORDER = 4 };

static void write_words(Slice *items, size_t n, unsigned alphabet, unsigned *state)
{
    static char words[64][12];
    for (unsigned w = 0; w < 64; w++) {
        snprintf(words[w], sizeof words[w], w % 2 ? "w%u" : "longword%u", w);
    }
    for (size_t i = 0; i < n; i++) {
        *state = *state * 1664525u + 1013904223u;
        items[i] = slice_from_cstr(words[(*state >> 16) % alphabet]);
    }
}

static bool same_gram(const Slice *a, const Slice *b, size_t order)
{
    for (size_t k = 0; k < order; k++) {
        if (!slice_eq(a[k], b[k])) return false;
    }
    return true;
}

static size_t count_gram(const Tokens *text, const Slice *gram, size_t order)
{
    size_t n = 0;
    for (size_t i = 0; i + order <= text->n; i++) n += same_gram(text->items + i, gram, order);
    return n;
}

// Papineni et al. 2002, section 2.1, as it is said there.
static size_t clipped(const Tokens *hypothesis, const Tokens *references, size_t n, size_t order)
{
    size_t sum = 0;
    for (size_t i = 0; i + order <= hypothesis->n; i++) {
        const Slice *gram = hypothesis->items + i;
        const Tokens before = {.items = hypothesis->items, .n = i + order - 1};
        size_t most = 0;
        if (count_gram(&before, gram, order) > 0) continue; // counted at its first place
        for (size_t r = 0; r < n; r++) {
            const size_t count = count_gram(&references[r], gram, order);
            if (count > most) most = count;
        }
        const size_t own = count_gram(hypothesis, gram, order);
        sum += own < most ? own : most;
    }
    return sum;
}

Test(ngrams, are_counted_as_by_hand_at_every_length)
{
    static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 127, 128, 129};
    enum { N = sizeof lengths / sizeof *lengths };
    unsigned state = 3;
    Arena arena = {0};
    for (size_t c = 0; c < 3 * (size_t)N * N; c++) {
        static const unsigned alphabets[] = {2, 7, 60};
        Slice items[1 + MOST_REFERENCES][LONGEST];
        const size_t n = lengths[c % N], n_reference = lengths[c / N % N], n_references = 1 + c % 2;
        const Tokens hypothesis = {.items = items[0], .n = n};
        Tokens references[MOST_REFERENCES];
        double got[ORDER];
        Error err = {0};
        write_words(items[0], n, alphabets[c / N / N], &state);
        for (size_t r = 0; r < n_references; r++) {
            references[r] = (Tokens){.items = items[1 + r], .n = n_reference};
            write_words(items[1 + r], n_reference, alphabets[c / N / N], &state);
        }
        cr_assert_eq(ngram_matches(&hypothesis, references, n_references, ORDER, &arena, got, &err),
                     STATUS_OK, "%s", err.text);
        double first;
        cr_assert_eq(ngram_matches(&hypothesis, references, n_references, 1, &arena, &first, &err),
                     STATUS_OK);
        cr_assert_eq(first, got[0], "%zu words: %g alone, %g with others", n, first, got[0]);
        for (size_t k = 0; k < ORDER; k++) {
            const size_t want = clipped(&hypothesis, references, n_references, k + 1);
            cr_assert_eq(got[k], (double)want, "%zu words, %zu references of %zu, order %zu: %g", n,
                         n_references, n_reference, k + 1, got[k]);
        }
        arena_release(&arena);
    }
}

// Words of 0 to 40 bytes, of which many differ in one byte, in the length alone or in a NUL; in a text that may be read up to
// its end, and apart.
Test(ngrams, words_have_one_number_each)
{
    enum { N = 300, TEXT = 4096 };
    Philox rng = philox_stream(11, 0);
    for (size_t c = 0; c < 60; c++) {
        char text[TEXT];
        Slice items[N];
        size_t at = 0;
        Arena arena = {0};
        WordIds ids;
        uint32_t *numbers, *known;
        Error err = {0};
        for (size_t i = 0; i < N; i++) {
            const size_t len = (size_t)philox_below(&rng, 41) / (1 + i % 3);
            if (at + len > TEXT) at = 0; // over words before, which then are what is written now
            for (size_t k = 0; k < len; k++)
                text[at + k] = "aaaaaaaaaaaaaab"[philox_below(&rng, 15)];
            if (len > 0 && i % 7 == 0) text[at + philox_below(&rng, len)] = '\0';
            items[i] = (Slice){text + at, len};
            at += len;
        }
        const Tokens tokens = {items, N, c % 2 ? text + TEXT : NULL};
        const Tokens some = {items, N / 2, tokens.text_end};
        cr_assert_eq(word_ids_init(&ids, N, &arena, &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(word_ids_of(&ids, &some, &arena, &numbers, &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(word_ids_known(&ids, &tokens, &arena, &known, &err), STATUS_OK);
        for (size_t i = 0; i < N; i++) {
            size_t same = 0;
            while (same < N / 2 && !slice_eq(items[same], items[i])) same++;
            const size_t want = same < N / 2 ? numbers[same] : ids.n;
            cr_assert_eq(known[i], want, "case %zu, word %zu: %u, want %zu", c, i, known[i], want);
        }
        arena_release(&arena);
    }
}
