// Tokens and overlaps of ROUGE.
//
// Source: Lin 2004 (W04-1013), sections 2 and 3; rouge_score 0.1.2, with whose choice among equally long subsequences
// the summary level agrees.
#include <string.h>

#include "base/ascii_words.h"
#include "base/size.h"
#include "base/unicode.h"
#include "metrics/ngrams.h"
#include "metrics/rouge.h"

// ---- words ----

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

enum { SLACK = 16 }; // bytes behind the letters that may be read

static Status read_words(Slice text, Arena *arena, Tokens *out, bool *is_ascii, Error *err)
{
    const size_t n_bytes = ascii_words_bytes(text.len) + SLACK;
    char *letters;
    TRY(arena_take_raw(arena, n_bytes, 1, "a text", &letters, err));
    TRY(arena_take_raw(arena, text.len / 2 + 1, sizeof *out->items, "words", &out->items, err));
    out->n = ascii_words(text, letters, out->items, is_ascii);
    out->text_end = letters + n_bytes;
    return STATUS_OK;
}

static void stem_words(StemMemo *memo, Tokens *words)
{
    size_t n = 0;
    for (size_t i = 0; i < words->n; i++) {
        char *word = (char *)words->items[i].ptr; // in letters of ours
        size_t len = words->items[i].len;
        if (len > 3) len = porter_stem_known(memo, word, len);
        words->items[n] = (Slice){word, len};
        n += len > 0;
    }
    words->n = n;
}

// Every line's words follow on those of the line before.
static Status find_lines(Slice text, Arena *arena, RougeText *out, Error *err)
{
    const char *letters = out->words.text_end - SLACK - ascii_words_bytes(text.len);
    size_t n_lines = 1, word = 0;
    for (size_t i = 0; i < text.len; i++) n_lines += text.ptr[i] == '\n';
    TRY(arena_take_raw(arena, n_lines + 1, sizeof *out->lines, "sentences", &out->lines, err));
    out->lines[0] = 0;
    for (size_t begin = 0; begin < text.len;) {
        const size_t len = slice_find_byte(slice_sub(text, begin, text.len), '\n');
        const size_t end = len == SIZE_MAX ? text.len : begin + len;
        const size_t first = word;
        while (word < out->words.n && out->words.items[word].ptr < letters + end) word++;
        if (word > first) out->lines[++out->n_lines] = word;
        begin = end + 1;
    }
    return STATUS_OK;
}

Status rouge_text(const RougeReading *reading, Slice text, Arena *arena, RougeText *out, Error *err)
{
    bool is_ascii;
    *out = (RougeText){0};
    TRY(read_words(text, arena, &out->words, &is_ascii, err));
    if (!is_ascii) {
        TRY(check_utf8(text, err));
        if (lowers_to_ascii(text)) {
            TRY(unicode_lower(arena, text, &text, err));
            TRY(read_words(text, arena, &out->words, &is_ascii, err));
        }
    }
    if (reading->is_stemmed) stem_words(reading->memo, &out->words);
    return reading->has_lines ? find_lines(text, arena, out, err) : STATUS_OK;
}

Status rouge_tokens(Slice text, bool is_stemmed, Arena *arena, Tokens *out, Error *err)
{
    const RougeReading reading = {.is_stemmed = is_stemmed};
    RougeText read = {0};
    const Status s = rouge_text(&reading, text, arena, &read, err);
    *out = read.words;
    return s;
}

// ---- overlaps ----

static RougeScore score_of(double hits, size_t n_hypothesis, size_t n_reference)
{
    const double precision = hits / (double)(n_hypothesis + (n_hypothesis == 0));
    const double recall = hits / (double)(n_reference + (n_reference == 0));
    const double sum = precision + recall;
    return (RougeScore){precision, recall, sum > 0 ? 2 * precision * recall / sum : 0};
}

// Both texts of a pair as numbers below n_words; n_words is a word that the hypothesis does not have.
typedef struct Pair {
    WordNumbers hypothesis, reference;
    size_t n_words;
} Pair;

static Status score_orders(const Pair *pair, size_t max_order, Arena *scratch, RougeScore *out,
                           Error *err)
{
    double matches[ROUGE_MAX_ORDER] = {0};
    TRY(number_ngram_matches(&pair->hypothesis, &pair->reference, 1, pair->n_words, max_order,
                             scratch, matches, err));
    for (size_t k = 0; k < max_order; k++) {
        const size_t n_h = pair->hypothesis.n, n_r = pair->reference.n;
        out[k] = score_of(matches[k], n_h - size_min(n_h, k), n_r - size_min(n_r, k));
    }
    return STATUS_OK;
}

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

// Bit i of masks[word * n_blocks + i / 64] says whether word i of the text is that one; a word that the hypothesis does not
// have is nowhere.
static Status find_places(const WordNumbers *text, size_t n_words, Arena *scratch, uint64_t **masks,
                          Error *err)
{
    const size_t n_blocks = (text->n + 63) / 64;
    size_t cells;
    if (!size_mul(n_words + 1, n_blocks, &cells)) {
        return error_set_memory(err, n_words, n_blocks, "masks of words");
    }
    TRY(arena_take(scratch, cells, sizeof **masks, "masks of words", masks, err));
    for (size_t i = 0; i < text->n; i++) {
        (*masks)[text->items[i] * n_blocks + i / 64] |= UINT64_C(1) << i % 64;
    }
    for (size_t k = 0; k < n_blocks; k++) (*masks)[n_words * n_blocks + k] = 0;
    return STATUS_OK;
}

static Status score_l(const Pair *pair, Arena *scratch, RougeScore *out, Error *err)
{
    const size_t n_h = pair->hypothesis.n, n_r = pair->reference.n;
    const WordNumbers *few = n_h < n_r ? &pair->hypothesis : &pair->reference;
    const WordNumbers *other = n_h < n_r ? &pair->reference : &pair->hypothesis;
    const size_t n_blocks = (few->n + 63) / 64;
    uint64_t *masks, *row;
    TRY(find_places(few, pair->n_words, scratch, &masks, err));
    TRY(arena_take_raw(scratch, n_blocks, sizeof *row, "a row of lengths", &row, err));
    for (size_t k = 0; k < n_blocks; k++) row[k] = UINT64_MAX;
    for (size_t j = 0; j < other->n; j++) {
        next_row(row, masks + other->items[j] * n_blocks, n_blocks, row);
    }
    *out = score_of((double)length_at(row, few->n), n_h, n_r);
    return STATUS_OK;
}

// Marks the reference's words that are in the longest common subsequence, read from the end: an equal pair is taken
// where met, else the way goes along the hypothesis where that keeps strictly more.
static Status mark_lcs(const WordNumbers *reference, const WordNumbers *hypothesis, size_t n_words,
                       Arena *scratch, bool *marks, Error *err)
{
    const size_t n_blocks = (hypothesis->n + 63) / 64;
    uint64_t *rows, *masks; // rows [reference->n + 1, n_blocks]
    size_t cells;
    if (!size_mul(reference->n + 1, n_blocks, &cells)) {
        return error_set_memory(err, reference->n, n_blocks, "a table of lengths");
    }
    TRY(arena_take_raw(scratch, cells, sizeof *rows, "a table of lengths", &rows, err));
    TRY(find_places(hypothesis, n_words, scratch, &masks, err));
    for (size_t k = 0; k < n_blocks; k++) rows[k] = UINT64_MAX;
    for (size_t i = 0; i < reference->n; i++) {
        next_row(rows + i * n_blocks, masks + reference->items[i] * n_blocks, n_blocks,
                 rows + (i + 1) * n_blocks);
    }
    for (size_t i = reference->n, j = hypothesis->n; i > 0 && j > 0;) {
        const uint64_t *row = rows + i * n_blocks;
        if (reference->items[i - 1] == hypothesis->items[j - 1]) {
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

static WordNumbers line_of(const RougeText *text, const WordNumbers *numbers, size_t line)
{
    const size_t begin = text->lines[line];
    return (WordNumbers){numbers->items + begin, text->lines[line + 1] - begin};
}

// How often each word is left to be matched.
static Status count_words(const WordNumbers *text, size_t n_words, Arena *scratch, uint32_t **left,
                          Error *err)
{
    TRY(arena_take(scratch, n_words + 1, sizeof **left, "counts of words", left, err));
    for (size_t i = 0; i < text->n; i++) (*left)[text->items[i]]++;
    return STATUS_OK;
}

static Status score_l_sum(const RougeText *hypothesis, const RougeText *reference, const Pair *pair,
                          Arena *scratch, RougeScore *out, Error *err)
{
    uint32_t *left_h, *left_r;
    size_t hits = 0;
    TRY(count_words(&pair->hypothesis, pair->n_words, scratch, &left_h, err));
    TRY(count_words(&pair->reference, pair->n_words, scratch, &left_r, err));
    for (size_t s = 0; s < reference->n_lines; s++) {
        const WordNumbers line = line_of(reference, &pair->reference, s);
        const ArenaMark mark = arena_mark(scratch);
        bool *marks;
        TRY(arena_take(scratch, line.n, sizeof *marks, "marks", &marks, err));
        for (size_t c = 0; c < hypothesis->n_lines; c++) {
            const WordNumbers other = line_of(hypothesis, &pair->hypothesis, c);
            const ArenaMark inner = arena_mark(scratch);
            TRY(mark_lcs(&line, &other, pair->n_words, scratch, marks, err));
            arena_rewind(scratch, inner);
        }
        for (size_t i = 0; i < line.n; i++) {
            const uint32_t word = line.items[i];
            if (!marks[i] || left_h[word] == 0 || left_r[word] == 0) continue;
            left_h[word]--;
            left_r[word]--;
            hits++;
        }
        arena_rewind(scratch, mark);
    }
    *out = score_of((double)hits, pair->hypothesis.n, pair->reference.n);
    return STATUS_OK;
}

static Status number_pair(const RougeText *hypothesis, const RougeText *reference, Arena *scratch,
                          Pair *out, Error *err)
{
    WordIds ids;
    uint32_t *numbers;
    TRY(word_ids_init(&ids, hypothesis->words.n, scratch, err));
    TRY(word_ids_of(&ids, &hypothesis->words, scratch, &numbers, err));
    out->hypothesis = (WordNumbers){numbers, hypothesis->words.n};
    TRY(word_ids_known(&ids, &reference->words, scratch, &numbers, err));
    out->reference = (WordNumbers){numbers, reference->words.n};
    out->n_words = ids.n;
    return STATUS_OK;
}

Status rouge_compare(const RougeText *hypothesis, const RougeText *reference, RougeWants wants,
                     Arena *scratch, RougeScores *out, Error *err)
{
    Pair pair;
    if (wants.max_order > ROUGE_MAX_ORDER) {
        return error_set(err, STATUS_INVALID, "order %zu is above %d", wants.max_order,
                         ROUGE_MAX_ORDER);
    }
    TRY(number_pair(hypothesis, reference, scratch, &pair, err));
    if (wants.max_order > 0) TRY(score_orders(&pair, wants.max_order, scratch, out->n, err));
    const bool has_lines = wants.has_l_sum && (hypothesis->n_lines > 1 || reference->n_lines > 1);
    if (wants.has_l || (wants.has_l_sum && !has_lines)) TRY(score_l(&pair, scratch, &out->l, err));
    if (has_lines) return score_l_sum(hypothesis, reference, &pair, scratch, &out->l_sum, err);
    if (wants.has_l_sum) out->l_sum = out->l; // of one line each, both come to the same
    return STATUS_OK;
}
