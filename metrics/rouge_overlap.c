// Tokens and overlaps of ROUGE.
//
// Source: Lin 2004 (W04-1013), sections 2 and 3; rouge_score 0.1.2, with whose choice among equally long subsequences
// the summary level agrees.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "base/unicode.h"
#include "metrics/eight_bytes.h"
#include "metrics/ngrams.h"
#include "metrics/rouge.h"
#include "metrics/word_ids.h"

static Status check_utf8(Slice text, Error *err)
{
    const size_t bad = utf8_invalid_at(text);
    if (bad == SIZE_MAX) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
}

// Beyond ASCII only U+0130 and U+212A have a lower case with a letter of a-z in it: other bytes only part tokens.
static bool lowers_to_ascii(Slice text)
{
    if (slice_find_byte(text, '\xC4') != SIZE_MAX &&
        slice_find(text, SLICE("\xC4\xB0")) != SIZE_MAX) {
        return true;
    }
    return slice_find_byte(text, '\xE2') != SIZE_MAX &&
           slice_find(text, SLICE("\xE2\x84\xAA")) != SIZE_MAX;
}

enum { SLACK = 8 }; // bytes behind the tokens that may be read and written

// letters [text.len + SLACK] takes the tokens, in the lower case and at the places of the text.
static size_t split_tokens(const RougeReading *reading, Slice text, char *letters, Slice *tokens)
{
    size_t n = 0, begin = 0;
    for (size_t i = 0; i <= text.len; i += 8) {
        const uint64_t bytes = eight_at(text, i);
        const uint64_t letters_here = letters_among(bytes & ~HIGH_BITS) & ~bytes;
        uint64_t breaks = alphanumerics_among(bytes) ^ HIGH_BITS;
        store_eight(letters + i, bytes | letters_here >> 2);
        if (text.len - i < 8)
            breaks &= UINT64_MAX >> (56 - 8 * (text.len - i)); // one ends the text
        for (; breaks != 0; breaks &= breaks - 1) {
            const size_t end = i + (size_t)__builtin_ctzll(breaks) / 8;
            size_t len = end - begin;
            if (reading->is_stemmed && len > 3)
                len = porter_stem_known(reading->memo, letters + begin, len);
            tokens[n] = (Slice){letters + begin, len};
            n += len > 0;
            begin = end + 1;
        }
    }
    return n;
}

Status rouge_words(const RougeReading *reading, Slice text, Arena *arena, Tokens *out, Error *err)
{
    char *letters;
    *out = (Tokens){0};
    TRY(check_utf8(text, err));
    if (lowers_to_ascii(text)) TRY(unicode_lower(arena, text, &text, err));
    TRY(arena_take_raw(arena, text.len + SLACK, 1, "a text", &letters, err));
    TRY(arena_take_raw(arena, text.len / 2 + 2, sizeof *out->items, "tokens", &out->items, err));
    out->text_end = letters + text.len + SLACK;
    out->n = split_tokens(reading, text, letters, out->items);
    return STATUS_OK;
}

Status rouge_tokens(Slice text, bool is_stemmed, Arena *arena, Tokens *out, Error *err)
{
    const RougeReading reading = {.is_stemmed = is_stemmed};
    return rouge_words(&reading, text, arena, out, err);
}

Status rouge_sentences(const RougeReading *reading, Slice text, Arena *arena, Tokens **out,
                       size_t *n, Error *err)
{
    size_t n_lines = 1;
    *n = 0;
    TRY(check_utf8(text, err)); // of the whole, so that the error counts bytes from its beginning
    for (size_t i = 0; i < text.len; i++) n_lines += text.ptr[i] == '\n';
    TRY(arena_take(arena, n_lines, sizeof **out, "sentences", out, err));
    Slice line;
    while (slice_split(&text, '\n', &line)) {
        if (line.len > 0) TRY(rouge_words(reading, line, arena, &(*out)[(*n)++], err));
    }
    return STATUS_OK;
}

static RougeScore score_of(double hits, double n_hypothesis, double n_reference)
{
    const double precision = hits / fmax(n_hypothesis, 1), recall = hits / fmax(n_reference, 1);
    const double sum = precision + recall;
    return (RougeScore){precision, recall, sum > 0 ? 2 * precision * recall / sum : 0};
}

Status rouge_orders(const Tokens *hypothesis, const Tokens *reference, size_t max_order,
                    Arena *scratch, RougeScore *out, Error *err)
{
    double matches[ROUGE_MAX_ORDER] = {0};
    if (max_order == 0 || max_order > ROUGE_MAX_ORDER) {
        return error_set(err, STATUS_INVALID, "order %zu is not in [1, %d]", max_order,
                         ROUGE_MAX_ORDER);
    }
    TRY(ngram_matches(hypothesis, reference, 1, max_order, scratch, matches, err));
    for (size_t k = 0; k < max_order; k++) {
        const double less = (double)k;
        out[k] = score_of(matches[k], fmax((double)hypothesis->n - less, 0),
                          fmax((double)reference->n - less, 0));
    }
    return STATUS_OK;
}

Status rouge_n(const Tokens *hypothesis, const Tokens *reference, size_t order, Arena *scratch,
               RougeScore *out, Error *err)
{
    RougeScore scores[ROUGE_MAX_ORDER] = {{0}};
    TRY(rouge_orders(hypothesis, reference, order, scratch, scores, err));
    *out = scores[order - 1];
    return STATUS_OK;
}

// Words as numbers.
typedef struct Words {
    const uint32_t *ids;
    size_t n;
} Words;

// A row of the table of lengths, 64 cells at a time (Crochemore et al. 2001; Hyyro 2004): bit j is 0 where the length rises
// at word j; all ones is the row of zeros. out may be row.
static void next_row(const uint64_t *row, const uint64_t *mask, size_t n_blocks, uint64_t *out)
{
    uint64_t carry = 0;
    for (size_t k = 0; k < n_blocks; k++) {
        const uint64_t met = row[k] & mask[k], sum = row[k] + met, all = sum + carry;
        carry = (sum < met) | (all < sum);
        out[k] = all | (row[k] & ~mask[k]);
    }
}

// The length over the first n words.
static size_t length_at(const uint64_t *row, size_t n)
{
    size_t length = 0;
    for (size_t k = 0; k < n / 64; k++) length += (size_t)__builtin_popcountll(~row[k]);
    if (n % 64 == 0) return length;
    const uint64_t below = (UINT64_C(1) << n % 64) - 1;
    return length + (size_t)__builtin_popcountll(~row[n / 64] & below);
}

static Status lcs_length(Words a, Words b, size_t n_words, Arena *scratch, size_t *length,
                         Error *err)
{
    const size_t n_blocks = (a.n + 63) / 64;
    uint64_t *masks, *row;
    size_t cells;
    *length = 0;
    if (a.n == 0 || b.n == 0) return STATUS_OK;
    if (!size_mul(n_words, n_blocks, &cells)) {
        return error_set_memory(err, n_words, n_blocks, "masks of words");
    }
    TRY(arena_take(scratch, cells, sizeof *masks, "masks of words", &masks, err));
    TRY(arena_take_raw(scratch, n_blocks, sizeof *row, "a row of lengths", &row, err));
    for (size_t i = 0; i < a.n; i++) {
        masks[a.ids[i] * n_blocks + i / 64] |= UINT64_C(1) << i % 64;
    }
    for (size_t k = 0; k < n_blocks; k++) row[k] = UINT64_MAX;
    for (size_t j = 0; j < b.n; j++) {
        next_row(row, masks + b.ids[j] * n_blocks, n_blocks, row);
    }
    *length = length_at(row, a.n);
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
    TRY(lcs_length(*r, *h, n_words, scratch, &length, err));
    *out = score_of((double)length, (double)hypothesis->n, (double)reference->n);
    return STATUS_OK;
}

// Marks the reference's words that are in the longest common subsequence, read from the end: an equal pair is taken
// where met, else the way goes along the hypothesis where that keeps strictly more.
static Status mark_lcs(Words reference, Words hypothesis, size_t n_words, Arena *scratch,
                       bool *marks, Error *err)
{
    const size_t n_blocks = hypothesis.n / 64 + 1;
    uint64_t *rows, *masks; // rows [reference.n + 1, n_blocks]
    size_t cells, mask_cells;
    if (!size_mul(reference.n + 1, n_blocks, &cells) || !size_mul(n_words, n_blocks, &mask_cells)) {
        return error_set_memory(err, reference.n, n_blocks, "a table of lengths");
    }
    TRY(arena_take_raw(scratch, cells, sizeof *rows, "a table of lengths", &rows, err));
    TRY(arena_take(scratch, mask_cells, sizeof *masks, "masks of words", &masks, err));
    for (size_t j = 0; j < hypothesis.n; j++) {
        masks[hypothesis.ids[j] * n_blocks + j / 64] |= UINT64_C(1) << j % 64;
    }
    for (size_t k = 0; k < n_blocks; k++) rows[k] = UINT64_MAX;
    for (size_t i = 0; i < reference.n; i++) {
        next_row(rows + i * n_blocks, masks + reference.ids[i] * n_blocks, n_blocks,
                 rows + (i + 1) * n_blocks);
    }
    for (size_t i = reference.n, j = hypothesis.n; i > 0 && j > 0;) {
        const uint64_t *row = rows + i * n_blocks;
        if (reference.ids[i - 1] == hypothesis.ids[j - 1]) {
            marks[--i] = true;
            j--;
        } else if (length_at(row, j - 1) > length_at(row - n_blocks, j)) {
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
    if (n_hypothesis == 1 && n_reference == 1) { // then both come to the same
        return rouge_l(hypothesis, reference, scratch, out, err);
    }
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
            TRY(mark_lcs(r[s], h[c], n_words, scratch, marks, err));
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
