// Distinct-n: different n-grams over all texts for each n-gram (or each word) written.
//
// Source: Li et al. 2016, arXiv:1510.03055, section 5.3, divides by the number of words ("per": "words"); most programs
// since divide by the number of n-grams, which is the default here. It falls as texts are added, so compare only sets of
// the same size; intervals come from leaving halves of the texts out, since drawing a text twice would lower it.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/text_params.h"
#include "metrics/word_ids.h"

enum { PER_NGRAMS, PER_WORDS };
static const char *const pers[] = {"ngrams", "words"};
static const char *const params[] = {"n", "per", "tokenize", "lowercase", NULL};

typedef struct DistinctOptions {
    TextParams text;
    int64_t order;
    size_t per;
} DistinctOptions;

// The n-grams of all texts as numbers, end to end.
typedef struct DistinctIndex {
    uint32_t *ngrams;
    size_t *n_ngrams, *n_words; // [n_items]
    size_t n_different;
} DistinctIndex;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    DistinctOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    *o = (DistinctOptions){.text = {TOKENIZER_13A, false}, .order = 2};
    TRY(text_params_read(options, &o->text, err));
    TRY(params_choice(options, "per", pers, 2, &o->per, err));
    if (options != NULL) TRY(json_opt_i64(options, "n", 1, 64, &o->order, err));
    plan->options = o;
    return STATUS_OK;
}

static Status read_words(const DistinctOptions *o, const Item *items, size_t n_items, Arena *arena,
                         Tokens *texts, size_t *n_words, Error *err)
{
    *n_words = 0;
    for (size_t i = 0; i < n_items; i++) {
        const Status s =
            text_params_words(&o->text, items[i].hypothesis, "hypothesis", arena, &texts[i], err);
        if (s != STATUS_OK) return error_wrap(err, "item %zu", i);
        *n_words += texts[i].n;
    }
    return STATUS_OK;
}

static Status number_ngrams(size_t order, const Tokens *texts, size_t n_items, size_t n_words,
                            Arena *arena, DistinctIndex *index, Error *err)
{
    WordIds words, ngrams;
    size_t at = 0;
    TRY(word_ids_init(&words, n_words, arena, err));
    TRY(word_ids_init(&ngrams, n_words, arena, err));
    for (size_t i = 0; i < n_items; i++) {
        const size_t n = texts[i].n;
        uint32_t *numbers, *found;
        index->n_words[i] = n;
        index->n_ngrams[i] = n >= order ? n - order + 1 : 0;
        TRY(word_ids_of(&words, &texts[i], arena, &numbers, err));
        Tokens grams = {.n = index->n_ngrams[i]}; // each the bytes of its words' numbers
        TRY(arena_take(arena, grams.n, sizeof *grams.items, "n-grams", &grams.items, err));
        for (size_t k = 0; k < grams.n; k++) {
            grams.items[k] = (Slice){(const char *)(numbers + k), order * sizeof *numbers};
        }
        TRY(word_ids_of(&ngrams, &grams, arena, &found, err));
        for (size_t k = 0; k < grams.n; k++) index->ngrams[at++] = found[k];
    }
    index->n_different = ngrams.n;
    return STATUS_OK;
}

static Status index_items(const MetricPlan *plan, const Item *items, size_t n_items, Arena *arena,
                          const void **out, Error *err)
{
    const DistinctOptions *o = plan->options;
    DistinctIndex *index;
    Tokens *texts;
    size_t n_words;
    TRY(arena_take(arena, 1, sizeof *index, "n-grams", &index, err));
    TRY(arena_take(arena, n_items, sizeof *texts, "texts", &texts, err));
    TRY(arena_take(arena, n_items, sizeof(size_t), "counts", &index->n_words, err));
    TRY(arena_take(arena, n_items, sizeof(size_t), "counts", &index->n_ngrams, err));
    TRY(read_words(o, items, n_items, arena, texts, &n_words, err));
    TRY(arena_take(arena, n_words, sizeof(uint32_t), "n-grams", &index->ngrams, err));
    TRY(number_ngrams((size_t)o->order, texts, n_items, n_words, arena, index, err));
    *out = index;
    return STATUS_OK;
}

static Status score_items(const MetricPlan *plan, const Item *items, const double *weights,
                          size_t n_items, const void *index, Arena *scratch, double *scores,
                          Error *err)
{
    const DistinctOptions *o = plan->options;
    const DistinctIndex *x = index;
    (void)items;
    bool *is_seen;
    double total = 0, n_seen = 0;
    const uint32_t *ngrams = x->ngrams;
    TRY(arena_take(scratch, x->n_different, sizeof *is_seen, "n-grams", &is_seen, err));
    for (size_t i = 0; i < n_items; ngrams += x->n_ngrams[i++]) {
        if (!(weights[i] > 0)) continue;
        total += weights[i] * (double)(o->per == PER_WORDS ? x->n_words[i] : x->n_ngrams[i]);
        for (size_t k = 0; k < x->n_ngrams[i]; k++) {
            n_seen += !is_seen[ngrams[k]];
            is_seen[ngrams[k]] = true;
        }
    }
    scores[0] = total > 0 ? n_seen / total : (double)NAN;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const DistinctOptions *o = plan->options;
    Slice text;
    TRY(text_params_signature(&o->text, arena, &text, err));
    return arena_format(arena, out, err, "|n:%lld|per:%s" SLICE_FMT, (long long)o->order,
                        pers[o->per], SLICE_ARG(text));
}

const Metric metric_distinct = {
    .name = "distinct",
    .summary = "different n-grams over all texts for each n-gram written (n: 2); no reference",
    .source = "Li et al. 2016, arXiv:1510.03055, section 5.3",
    .needs = NEEDS_TEXT,
    .kind = METRIC_WHOLE,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .counts_kinds = true,
    .params = params,
    .prepare = prepare,
    .index_items = index_items,
    .score_items = score_items,
    .signature = signature,
};
