// chrF: F-score of character n-grams; with word_order 2 chrF++.
//
// Source: Popovic 2015 (W15-3049), 2017 (W17-4770). Numbers are sacreBLEU 2.6.0's: precision and recall are averaged
// over the orders that both sides have, then combined; with eps_smoothing the F-scores of all orders are averaged, as
// the author's own program does. Of several references the one with the best segment score counts, the first on ties.
// A row is [hypothesis, reference, match] by order, characters first, then words.
#include <math.h>
#include <string.h>

#include "base/unicode.h"
#include "metrics/char_ngrams.h"
#include "metrics/classes.h"
#include "metrics/eight_bytes.h"
#include "metrics/metrics_list.h"
#include "metrics/ngrams.h"

enum { MAX_ORDER = 32 };
static const char *const params[] = {"char_order", "word_order",    "beta", "lowercase",
                                     "whitespace", "eps_smoothing", NULL};

typedef struct ChrfOptions {
    int64_t char_order, word_order, beta;
    bool is_lowercased, has_whitespace, has_eps_smoothing;
} ChrfOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    ChrfOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    *o = (ChrfOptions){.char_order = 6, .beta = 2};
    if (options != NULL) {
        TRY(json_opt_i64(options, "char_order", 0, MAX_ORDER, &o->char_order, err));
        TRY(json_opt_i64(options, "word_order", 0, MAX_ORDER, &o->word_order, err));
        TRY(json_opt_i64(options, "beta", 1, 1000, &o->beta, err));
        TRY(json_opt_bool(options, "lowercase", &o->is_lowercased, err));
        TRY(json_opt_bool(options, "whitespace", &o->has_whitespace, err));
        TRY(json_opt_bool(options, "eps_smoothing", &o->has_eps_smoothing, err));
    }
    if (o->char_order + o->word_order == 0) {
        return error_set(err, STATUS_INVALID, "char_order and word_order are both 0");
    }
    plan->width = 3 * (size_t)(o->char_order + o->word_order);
    plan->options = o;
    return STATUS_OK;
}

// A text as the orders see it: characters as numbers where they fit, else as tokens.
typedef struct Sides {
    CharText numbers;
    Tokens characters, words;
    size_t n_characters;
} Sides;

// What the references of one hypothesis share.
typedef struct Reading {
    const ChrfOptions *options;
    CharNumbers numbers;
    bool has_numbers;
} Reading;

static Status characters_of(Slice text, bool has_whitespace, Arena *arena, Tokens *out, Error *err)
{
    *out = (Tokens){0};
    TRY(arena_take_raw(arena, text.len, sizeof *out->items, "characters", &out->items, err));
    for (size_t offset = 0; offset < text.len;) {
        const size_t begin = offset;
        const bool is_space = unicode_is_python_space(utf8_next(text, &offset));
        if (is_space && !has_whitespace) continue;
        out->items[out->n++] = slice_sub(text, begin, offset);
    }
    return STATUS_OK;
}

// What a byte means to words; bytes of longer characters are none of these.
typedef enum ByteClass { BYTE_OTHER, BYTE_SPACE, BYTE_MARK } ByteClass;

static ByteClass class_of(char byte)
{
    static const char classes[] =
        "oooooooooSSSSSooooooooooooooSSSSSMMMMMMMMMMMMMMMooooooooooMMMMMM"
        "MooooooooooooooooooooooooooMMMMMMooooooooooooooooooooooooooMMMMo";
    const unsigned char c = (unsigned char)byte;
    if (c >= 0x80 || classes[c] == 'o') return BYTE_OTHER;
    return classes[c] == 'S' ? BYTE_SPACE : BYTE_MARK;
}

// The end of the word that begins at offset, and in *next where to go on after what ends it.
static size_t word_end(ByteScan *scan, Slice text, size_t offset, size_t *next)
{
    while ((offset = scan_past(scan, text, offset, marks_among)) < text.len) {
        const size_t begin = offset;
        const bool is_ascii = (unsigned char)text.ptr[offset] < 0x80;
        const bool ends = is_ascii ? class_of(text.ptr[offset++]) == BYTE_SPACE
                                   : unicode_is_python_space(utf8_next(text, &offset));
        if (!ends) continue;
        *next = offset;
        return begin;
    }
    *next = offset;
    return offset;
}

// Words with one ASCII punctuation mark split off: the last character if it is one, else the first. "(hi)" gives
// "(hi" and ")", as in the reference. Of words by TOKENIZER_NONE, found here in one pass.
static Status words_of(Slice text, Arena *arena, Tokens *out, Error *err)
{
    ByteScan scan = {0};
    *out = (Tokens){.text_end = text.ptr + text.len};
    TRY(arena_take_raw(arena, text.len + 1, sizeof *out->items, "words", &out->items, err));
    for (size_t offset = 0; offset < text.len;) {
        const size_t begin = offset, end = word_end(&scan, text, begin, &offset);
        const Slice word = slice_sub(text, begin, end);
        const size_t n = word.len;
        if (n == 0) continue;
        // Of more than one byte and with an ASCII mark at an end, it has more than one character.
        const bool ends_so = class_of(word.ptr[n - 1]) == BYTE_MARK;
        const bool begins_so = class_of(word.ptr[0]) == BYTE_MARK;
        if ((ends_so || begins_so) && n > 1) {
            const size_t cut = ends_so ? n - 1 : 1;
            out->items[out->n++] = slice_sub(word, 0, cut);
            out->items[out->n++] = slice_sub(word, cut, n);
        } else {
            out->items[out->n++] = word;
        }
    }
    return STATUS_OK;
}

static Status sides_of(Reading *reading, Slice text, bool is_hypothesis, Arena *arena, Sides *out,
                       Error *err)
{
    const ChrfOptions *o = reading->options;
    const size_t bad = utf8_invalid_at(text);
    *out = (Sides){0};
    if (bad != SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
    }
    if (o->is_lowercased) TRY(unicode_lower(arena, text, &text, err));
    if (reading->has_numbers) {
        TRY(char_text(&reading->numbers, text, o->has_whitespace, is_hypothesis, arena,
                      &out->numbers, &reading->has_numbers, err));
        out->n_characters = out->numbers.n;
    }
    if (!reading->has_numbers) {
        TRY(characters_of(text, o->has_whitespace, arena, &out->characters, err));
        out->n_characters = out->characters.n;
    }
    return o->word_order > 0 ? words_of(text, arena, &out->words, err) : STATUS_OK;
}

// [hypothesis, reference, match] of each order. n-grams that the reference cannot have do not count against the
// hypothesis.
static void fill_orders(size_t hypothesis, size_t reference, const double *matches, size_t order,
                        double *out)
{
    for (size_t k = 0; k < order; k++) {
        const double n_reference = reference > k ? (double)(reference - k) : 0;
        const double n_hypothesis = hypothesis > k ? (double)(hypothesis - k) : 0;
        out[3 * k] = n_reference > 0 ? n_hypothesis : 0;
        out[3 * k + 1] = n_reference;
        out[3 * k + 2] = matches[k];
    }
}

static double f_score(const ChrfOptions *o, const double *sums)
{
    const double eps = 1e-16, factor = (double)(o->beta * o->beta);
    const size_t order = (size_t)(o->char_order + o->word_order);
    double by_order = 0, precisions = 0, recalls = 0, effective = 0;
    for (size_t k = 0; k < order; k++) {
        const double n_hypothesis = sums[3 * k], n_reference = sums[3 * k + 1],
                     match = sums[3 * k + 2];
        const double precision = n_hypothesis > 0 ? match / n_hypothesis : eps;
        const double recall = n_reference > 0 ? match / n_reference : eps;
        const double denominator = factor * precision + recall;
        by_order += denominator > 0 ? (1 + factor) * precision * recall / denominator : eps;
        if (!(n_hypothesis > 0 && n_reference > 0)) continue;
        precisions += precision;
        recalls += recall;
        effective += 1;
    }
    if (o->has_eps_smoothing) return 100 * by_order / (double)order;
    if (!(precisions + recalls > 0)) return 0;
    precisions /= effective;
    recalls /= effective;
    return 100 * (1 + factor) * precisions * recalls / (factor * precisions + recalls);
}

static Status count_reference(Reading *reading, const Sides *hypothesis, Slice reference,
                              Arena *scratch, double *out, Error *err)
{
    Sides sides;
    double matches[MAX_ORDER];
    const size_t char_order = (size_t)reading->options->char_order;
    const size_t word_order = (size_t)reading->options->word_order;
    TRY(sides_of(reading, reference, false, scratch, &sides, err));
    if (reading->has_numbers) {
        TRY(char_ngram_matches(&hypothesis->numbers, &sides.numbers, reading->numbers.n, char_order,
                               scratch, matches, err));
    } else {
        TRY(ngram_matches(&hypothesis->characters, &sides.characters, 1, char_order, scratch,
                          matches, err));
    }
    fill_orders(hypothesis->n_characters, sides.n_characters, matches, char_order, out);
    if (word_order == 0) return STATUS_OK;
    TRY(ngram_matches(&hypothesis->words, &sides.words, 1, word_order, scratch, matches, err));
    fill_orders(hypothesis->words.n, sides.words.n, matches, word_order, out + 3 * char_order);
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const ChrfOptions *o = plan->options;
    Reading reading = {.options = o, .has_numbers = o->char_order <= CHAR_NGRAMS_MAX_ORDER};
    double counts[6 * MAX_ORDER], best = -1;
    Sides hypothesis;
    if (sides_of(&reading, item->hypothesis, true, scratch, &hypothesis, err) != STATUS_OK)
        return error_wrap(err, "hypothesis");
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        const ArenaMark mark = arena_mark(scratch);
        const Status s =
            count_reference(&reading, &hypothesis, item->references[r], scratch, counts, err);
        arena_rewind(scratch, mark);
        if (s != STATUS_OK) return error_wrap(err, "reference %zu", r);
        const double score = f_score(o, counts);
        if (score <= best) continue;
        best = score;
        memcpy(out, counts, plan->width * sizeof *out);
    }
    if (best < 0) return error_set(err, STATUS_INVALID, "has no reference");
    return STATUS_OK;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    scores[0] = f_score(plan->options, sums);
}

// The fields and order of sacreBLEU's signature, whose name "chrF2" says beta; here it is said where it is not 2.
static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const ChrfOptions *o = plan->options;
    Slice beta = {0};
    if (o->beta != 2) TRY(arena_format(arena, &beta, err, "|beta:%lld", (long long)o->beta));
    return arena_format(arena, out, err, "|case:%s|eff:%s|nc:%lld|nw:%lld|space:%s" SLICE_FMT,
                        o->is_lowercased ? "lc" : "mixed", o->has_eps_smoothing ? "no" : "yes",
                        (long long)o->char_order, (long long)o->word_order,
                        o->has_whitespace ? "yes" : "no", SLICE_ARG(beta));
}

const Metric metric_chrf = {
    .name = "chrf",
    .summary = "F-score of character n-grams (chrF2); with word_order 2 chrF2++",
    .source = "Popovic 2015, 2017; sacreBLEU 2.6.0",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .highest = 100,
    .params = params,
    .prepare = prepare,
    .row = row,
    .score_sums = score_sums,
    .signature = signature,
};
