// Words written for each word asked for: the sum of the hypotheses' lengths over that of the references' (the closest in
// length of several, the shorter of equally close ones, as in BLEU's brevity penalty).
//
// A row is [words of the hypothesis, words of the reference].
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/text_params.h"

static const char *const params[] = {"tokenize", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    TextParams *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    *o = (TextParams){TOKENIZER_13A, false};
    TRY(text_params_read(plan->setup.params, o, err));
    plan->options = o;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const TextParams *o = plan->options;
    Tokens words;
    double best = INFINITY;
    TRY(text_params_words(o, item->hypothesis, "hypothesis", scratch, &words, err));
    out[0] = (double)words.n;
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        TRY(text_params_words(o, item->references[r], "reference", scratch, &words, err));
        const double length = (double)words.n, apart = fabs(length - out[0]);
        const double best_apart = fabs(best - out[0]);
        if (apart < best_apart || (apart == best_apart && length < best)) best = length;
    }
    if (isinf(best)) return error_set(err, STATUS_INVALID, "has no reference");
    out[1] = best;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const TextParams *o = plan->options;
    const char *tokenizer;
    TRY(word_tokenizer_signature(o->kind, arena, &tokenizer, err));
    return arena_format(arena, out, err, "|tok:%s", tokenizer);
}

const Metric metric_length_ratio = {
    .name = "length_ratio",
    .summary = "words written for each word of the references",
    .source = "Papineni et al. 2002, section 2.2.2; sacreBLEU 2.6.0's ratio",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = NO_DIRECTION,
    .form = FORM_MEAN,
    .highest = INFINITY,
    .params = params,
    .prepare = prepare,
    .row = row,
    .signature = signature,
};
