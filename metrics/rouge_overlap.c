// Tokens and overlaps of ROUGE.
//
// Source: Lin 2004 (W04-1013), sections 2 and 3; rouge_score 0.1.2, with whose choice among equally long subsequences
// the summary level agrees.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "base/unicode.h"
#include "metrics/ngrams.h"
#include "metrics/porter.h"
#include "metrics/rouge.h"
#include "metrics/word_ids.h"

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static size_t count_tokens(Slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += is_token_byte(text.ptr[i]) && (i == 0 || !is_token_byte(text.ptr[i - 1]));
    }
    return n;
}

static Status check_utf8(Slice text, Error *err)
{
    const size_t bad = utf8_invalid_at(text);
    if (bad == SIZE_MAX) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
}

Status rouge_tokens(Slice text, bool is_stemmed, Arena *arena, Tokens *out, Error *err)
{
    *out = (Tokens){0};
    TRY(check_utf8(text, err));
    Slice lower;
    char *copy;
    TRY(unicode_lower(arena, text, &lower, err));
    TRY(arena_take(arena, lower.len, 1, "a text", &copy, err));
    if (lower.len > 0) memcpy(copy, lower.ptr, lower.len);
    TRY(arena_take(arena, count_tokens(lower), sizeof *out->items, "tokens", &out->items, err));
    for (size_t i = 0; i < lower.len;) {
        size_t end = i;
        while (end < lower.len && is_token_byte(copy[end])) end++;
        size_t len = end - i;
        if (is_stemmed && len > 3) len = porter_stem(copy + i, len);
        if (len > 0) out->items[out->n++] = (Slice){copy + i, len};
        i = end + 1;
    }
    return STATUS_OK;
}

Status rouge_sentences(Slice text, bool is_stemmed, Arena *arena, Tokens **out, size_t *n,
                       Error *err)
{
    size_t n_lines = 1;
    *n = 0;
    TRY(check_utf8(text, err)); // of the whole, so that the error counts bytes from its beginning
    for (size_t i = 0; i < text.len; i++) n_lines += text.ptr[i] == '\n';
    TRY(arena_take(arena, n_lines, sizeof **out, "sentences", out, err));
    Slice line;
    while (slice_split(&text, '\n', &line)) {
        if (line.len > 0) TRY(rouge_tokens(line, is_stemmed, arena, &(*out)[(*n)++], err));
    }
    return STATUS_OK;
}

static RougeScore score_of(double hits, double n_hypothesis, double n_reference)
{
    const double precision = hits / fmax(n_hypothesis, 1), recall = hits / fmax(n_reference, 1);
    const double sum = precision + recall;
    return (RougeScore){precision, recall, sum > 0 ? 2 * precision * recall / sum : 0};
}

Status rouge_n(const Tokens *hypothesis, const Tokens *reference, size_t order, Arena *scratch,
               RougeScore *out, Error *err)
{
    double matches[ROUGE_MAX_ORDER] = {0};
    if (order == 0 || order > ROUGE_MAX_ORDER) {
        return error_set(err, STATUS_INVALID, "order %zu is not in [1, %d]", order,
                         ROUGE_MAX_ORDER);
    }
    TRY(ngram_matches(hypothesis, reference, 1, order, scratch, matches, err));
    const double less = (double)(order - 1);
    *out = score_of(matches[order - 1], fmax((double)hypothesis->n - less, 0),
                    fmax((double)reference->n - less, 0));
    return STATUS_OK;
}

// Words as numbers.
typedef struct Words {
    const uint32_t *ids;
    size_t n;
} Words;

static Status lcs_length(Words a, Words b, Arena *scratch, size_t *length, Error *err)
{
    uint32_t *row; // lengths for the words of a so far against each beginning of b
    TRY(arena_take(scratch, b.n + 1, sizeof *row, "a row of lengths", &row, err));
    for (size_t i = 0; i < a.n; i++) {
        uint32_t diagonal = 0;
        for (size_t j = 0; j < b.n; j++) {
            const uint32_t above = row[j + 1];
            const uint32_t longer = above > row[j] ? above : row[j];
            row[j + 1] = a.ids[i] == b.ids[j] ? diagonal + 1 : longer;
            diagonal = above;
        }
    }
    *length = row[b.n];
    return STATUS_OK;
}

static Status number_words(const Tokens *hypothesis, size_t n_hypothesis, const Tokens *reference,
                           size_t n_reference, Arena *scratch, Words **hyps, Words **refs,
                           size_t *n_words, Error *err)
{
    WordIds ids;
    size_t total = 0;
    for (size_t i = 0; i < n_hypothesis; i++) total += hypothesis[i].n;
    for (size_t i = 0; i < n_reference; i++) total += reference[i].n;
    TRY(word_ids_init(&ids, total, scratch, err));
    TRY(arena_take(scratch, n_hypothesis, sizeof **hyps, "sentences", hyps, err));
    TRY(arena_take(scratch, n_reference, sizeof **refs, "sentences", refs, err));
    for (size_t i = 0; i < n_hypothesis + n_reference; i++) {
        const bool is_hypothesis = i < n_hypothesis;
        const Tokens *tokens = is_hypothesis ? &hypothesis[i] : &reference[i - n_hypothesis];
        uint32_t *numbers;
        TRY(word_ids_of(&ids, tokens, scratch, &numbers, err));
        *(is_hypothesis ? &(*hyps)[i] : &(*refs)[i - n_hypothesis]) = (Words){numbers, tokens->n};
    }
    *n_words = ids.n;
    return STATUS_OK;
}

Status rouge_l(const Tokens *hypothesis, const Tokens *reference, Arena *scratch, RougeScore *out,
               Error *err)
{
    Words *h, *r;
    size_t length, n_words;
    TRY(number_words(hypothesis, 1, reference, 1, scratch, &h, &r, &n_words, err));
    TRY(lcs_length(*r, *h, scratch, &length, err));
    *out = score_of((double)length, (double)hypothesis->n, (double)reference->n);
    return STATUS_OK;
}

// Marks the reference's words that are in the longest common subsequence, read from the end: an equal pair is taken
// where met, else the way goes along the hypothesis where that keeps strictly more. One bit a cell says so.
static Status mark_lcs(Words reference, Words hypothesis, Arena *scratch, bool *marks, Error *err)
{
    const size_t stride = hypothesis.n / 64 + 1;
    uint64_t *goes_left;
    uint32_t *row;
    size_t cells;
    if (!size_mul(reference.n, stride, &cells)) {
        return error_set_memory(err, reference.n, stride, "a table of lengths");
    }
    TRY(arena_take(scratch, cells, sizeof *goes_left, "a table of lengths", &goes_left, err));
    TRY(arena_take(scratch, hypothesis.n + 1, sizeof *row, "a row of lengths", &row, err));
    for (size_t i = 0; i < reference.n; i++) {
        uint32_t diagonal = 0;
        for (size_t j = 0; j < hypothesis.n; j++) {
            const uint32_t above = row[j + 1], left = row[j];
            goes_left[i * stride + j / 64] |= (uint64_t)(left > above) << j % 64;
            const uint32_t longer = above > left ? above : left;
            row[j + 1] = reference.ids[i] == hypothesis.ids[j] ? diagonal + 1 : longer;
            diagonal = above;
        }
    }
    for (size_t i = reference.n, j = hypothesis.n; i > 0 && j > 0;) {
        if (reference.ids[i - 1] == hypothesis.ids[j - 1]) {
            marks[--i] = true;
            j--;
        } else if (goes_left[(i - 1) * stride + (j - 1) / 64] >> (j - 1) % 64 & 1) {
            j--;
        } else {
            i--;
        }
    }
    return STATUS_OK;
}

static void count_words(const Words *sentences, size_t n, uint32_t *counts, size_t *total)
{
    *total = 0;
    for (size_t s = 0; s < n; s++) {
        for (size_t i = 0; i < sentences[s].n; i++) counts[sentences[s].ids[i]]++;
        *total += sentences[s].n;
    }
}

Status rouge_lsum(const Tokens *hypothesis, size_t n_hypothesis, const Tokens *reference,
                  size_t n_reference, Arena *scratch, RougeScore *out, Error *err)
{
    Words *h, *r;
    size_t n_words, hits = 0, total_h, total_r;
    uint32_t *left_h, *left_r;
    TRY(number_words(hypothesis, n_hypothesis, reference, n_reference, scratch, &h, &r, &n_words,
                     err));
    TRY(arena_take(scratch, n_words, sizeof *left_h, "counts of words", &left_h, err));
    TRY(arena_take(scratch, n_words, sizeof *left_r, "counts of words", &left_r, err));
    count_words(h, n_hypothesis, left_h, &total_h);
    count_words(r, n_reference, left_r, &total_r);
    for (size_t s = 0; s < n_reference; s++) {
        const ArenaMark mark = arena_mark(scratch);
        bool *marks;
        TRY(arena_take(scratch, r[s].n, sizeof *marks, "marks", &marks, err));
        for (size_t c = 0; c < n_hypothesis; c++) {
            const ArenaMark inner = arena_mark(scratch);
            TRY(mark_lcs(r[s], h[c], scratch, marks, err));
            arena_rewind(scratch, inner);
        }
        for (size_t i = 0; i < r[s].n; i++) {
            const uint32_t word = r[s].ids[i];
            if (!marks[i] || left_h[word] == 0 || left_r[word] == 0) continue;
            left_h[word]--;
            left_r[word]--;
            hits++;
        }
        arena_rewind(scratch, mark);
    }
    *out = score_of((double)hits, (double)total_h, (double)total_r);
    return STATUS_OK;
}
