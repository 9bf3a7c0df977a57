// How much a text repeats itself, without looking at any reference.
//
//     seq-rep-n = 1 - |different n-grams| / |n-grams|, the mean over texts
//     window    = the share of words, over all texts, that also stand among the `window` words before them
//
// Source: Welleck et al. 2020, arXiv:1908.04319, section 6.1: seq-rep-n, and rep/l taken over the generated words. A text
// with fewer than n words has no n-gram and does not count in the first score.
//
// A row is [seq-rep-n, 1, repeated words, words].
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/text_params.h"
#include "metrics/word_ids.h"

static const char *const params[] = {"n", "window", "tokenize", "lowercase", NULL};
static const char *const sub_scores[] = {"window", NULL};

typedef struct RepetitionOptions {
    TextParams text;
    int64_t order, window;
} RepetitionOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    RepetitionOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    *o = (RepetitionOptions){.text = {TOKENIZER_13A, false}, .order = 4, .window = 128};
    TRY(text_params_read(options, &o->text, err));
    if (options != NULL) {
        TRY(json_opt_i64(options, "n", 1, 64, &o->order, err));
        TRY(json_opt_i64(options, "window", 1, INT32_MAX, &o->window, err));
    }
    plan->options = o;
    return STATUS_OK;
}

static Status count_different(const uint32_t *numbers, size_t n_ngrams, size_t order,
                              Arena *scratch, size_t *out, Error *err)
{
    WordIds ids;
    uint32_t *unused;
    Tokens ngrams = {.n = n_ngrams}; // each the bytes of its words' numbers
    TRY(arena_take(scratch, n_ngrams, sizeof *ngrams.items, "n-grams", &ngrams.items, err));
    for (size_t i = 0; i < n_ngrams; i++) {
        ngrams.items[i] = (Slice){(const char *)(numbers + i), order * sizeof *numbers};
    }
    TRY(word_ids_init(&ids, n_ngrams, scratch, err));
    TRY(word_ids_of(&ids, &ngrams, scratch, &unused, err));
    *out = ids.n;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const RepetitionOptions *o = plan->options;
    const size_t order = (size_t)o->order;
    Tokens words;
    WordIds ids;
    uint32_t *numbers;
    size_t *last; // where each word was seen last, from 1
    TRY(text_params_words(&o->text, item->hypothesis, "hypothesis", scratch, &words, err));
    TRY(word_ids_init(&ids, words.n, scratch, err));
    TRY(word_ids_of(&ids, &words, scratch, &numbers, err));
    TRY(arena_take(scratch, ids.n, sizeof *last, "words", &last, err));
    for (size_t i = 0; i < words.n; i++) {
        size_t *seen = &last[numbers[i]];
        out[2] += *seen > 0 && i + 1 - *seen <= (size_t)o->window;
        *seen = i + 1;
    }
    out[3] = (double)words.n;
    if (words.n < order) return STATUS_OK;
    const size_t n_ngrams = words.n - order + 1;
    size_t n_different;
    TRY(count_different(numbers, n_ngrams, order, scratch, &n_different, err));
    out[0] = 1 - (double)n_different / (double)n_ngrams;
    out[1] = 1;
    return STATUS_OK;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    (void)plan;
    for (size_t i = 0; i < 2; i++) {
        scores[i] = share_of(sums[2 * i], sums[2 * i + 1]);
    }
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const RepetitionOptions *o = plan->options;
    Slice text;
    TRY(text_params_signature(&o->text, arena, &text, err));
    return arena_format(arena, out, err, "|n:%lld|window:%lld" SLICE_FMT, (long long)o->order,
                        (long long)o->window, SLICE_ARG(text));
}

const Metric metric_repetition = {
    .name = "repetition",
    .summary = "share of n-grams that a text has said before, mean over texts (n: 4); no reference",
    .source = "Welleck et al. 2020, arXiv:1908.04319, section 6.1",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .width = 4,
    .sub_scores = sub_scores,
    .row = row,
    .score_sums = score_sums,
    .signature = signature,
};
