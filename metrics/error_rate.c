// Word and character error rate: edits for each word or character of the reference, over the whole corpus.
//
// Numbers are jiwer 4.0.0's with its default transforms: text is stripped; for words, runs of two or more blanks become
// one space and spaces alone separate, so that a single tab or no-break space is part of a word. Of several references
// the one with the fewest edits counts, the first on ties. A row is [edits, length of the reference].
#include <math.h>

#include "base/unicode.h"
#include "metrics/error_rate.h"
#include "metrics/metrics_list.h"

typedef Status (*Split)(Slice text, Arena *arena, Tokens *out, Error *err);

static Slice strip(Slice text)
{
    size_t begin = text.len, end = 0;
    for (size_t offset = 0; offset < text.len;) {
        const size_t at = offset;
        if (unicode_is_python_space(utf8_next(text, &offset))) continue;
        if (begin > at) begin = at;
        end = offset;
    }
    return slice_sub(text, begin, end);
}

static Status split_words(Slice text, Arena *arena, Tokens *out, Error *err)
{
    *out = (Tokens){0};
    TRY(arena_take(arena, text.len / 2 + 1, sizeof *out->items, "words", &out->items, err));
    size_t begin = 0;
    for (size_t offset = 0; offset < text.len;) {
        const size_t at = offset;
        size_t n_blanks = 0, end = offset;
        while (offset < text.len && unicode_is_python_space(utf8_next(text, &offset))) {
            n_blanks++;
            end = offset;
        }
        if (n_blanks == 0) continue; // the character read is part of a word
        offset = end;
        if (n_blanks == 1 && text.ptr[at] != ' ') continue;
        if (at > begin) out->items[out->n++] = slice_sub(text, begin, at);
        begin = end;
    }
    if (begin < text.len) out->items[out->n++] = slice_sub(text, begin, text.len);
    return STATUS_OK;
}

static Status split_characters(Slice text, Arena *arena, Tokens *out, Error *err)
{
    *out = (Tokens){0};
    TRY(arena_take(arena, text.len, sizeof *out->items, "characters", &out->items, err));
    for (size_t offset = 0; offset < text.len;) {
        const size_t at = offset;
        (void)utf8_next(text, &offset);
        out->items[out->n++] = slice_sub(text, at, offset);
    }
    return STATUS_OK;
}

static Status split_text(Split split, Slice text, Arena *arena, Tokens *out, Error *err)
{
    const size_t bad = utf8_invalid_at(text);
    if (bad != SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
    }
    return split(strip(text), arena, out, err);
}

Status error_rate_words(Slice text, Arena *arena, Tokens *out, Error *err)
{
    return split_text(split_words, text, arena, out, err);
}

Status error_rate_characters(Slice text, Arena *arena, Tokens *out, Error *err)
{
    return split_text(split_characters, text, arena, out, err);
}

static Status count_edits(Split split, const Item *item, Arena *scratch, double *out, Error *err)
{
    Tokens hypothesis;
    double fewest = INFINITY;
    if (split_text(split, item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        const ArenaMark mark = arena_mark(scratch);
        Tokens reference;
        size_t edits;
        if (split_text(split, item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        TRY(edit_distance(&hypothesis, &reference, scratch, &edits, err));
        arena_rewind(scratch, mark);
        if ((double)edits >= fewest) continue;
        fewest = out[0] = (double)edits;
        out[1] = (double)reference.n;
    }
    if (!isfinite(fewest)) return error_set(err, STATUS_INVALID, "has no reference");
    return STATUS_OK;
}

static Status row_words(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                        Error *err)
{
    (void)plan;
    return count_edits(split_words, item, scratch, out, err);
}

static Status row_characters(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                             Error *err)
{
    (void)plan;
    return count_edits(split_characters, item, scratch, out, err);
}

// Against nothing at all, every insertion counts, as in jiwer.
static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    (void)plan;
    scores[0] = sums[1] > 0 ? sums[0] / sums[1] : sums[0];
}

const Metric metric_wer = {
    .name = "wer",
    .summary = "word error rate: edits for each word of the references",
    .source = "Levenshtein 1966; jiwer 4.0.0",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = INFINITY,
    .row = row_words,
    .score_sums = score_sums,
};

const Metric metric_cer = {
    .name = "cer",
    .summary = "character error rate: edits for each code point of the references",
    .source = "Levenshtein 1966; jiwer 4.0.0",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = INFINITY,
    .row = row_characters,
    .score_sums = score_sums,
};
