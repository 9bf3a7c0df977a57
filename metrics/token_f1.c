// Token F1: how many words an answer shares with its nearest reference, each as often as in the side that has it less
// often. SQuAD's F1 without its normalisation: words are the tokeniser's.
//
// A row is [F1, 1]. Two empty sides agree.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/squad.h"

static const char *const params[] = {"tokenize", "lowercase", NULL};

typedef struct TokenOptions {
    TokenizerKind kind;
    bool is_lowercased;
} TokenOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    TokenOptions *o;
    size_t kind = TOKENIZER_NONE;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    TRY(params_choice(options, "tokenize", tokenizer_names, N_TOKENIZERS, &kind, err));
    if (options != NULL) TRY(json_opt_bool(options, "lowercase", &o->is_lowercased, err));
    o->kind = (TokenizerKind)kind;
    TRY(word_tokenizer_open(o->kind, err));
    plan->options = o;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const TokenOptions *o = plan->options;
    Tokens hypothesis, reference;
    double best = -1;
    if (tokenize_text(o->kind, item->hypothesis, o->is_lowercased, scratch, &hypothesis, err) !=
        STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        if (tokenize_text(o->kind, item->references[r], o->is_lowercased, scratch, &reference,
                          err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        size_t n;
        TRY(words_in_common(&hypothesis, &reference, scratch, &n, err));
        const double total = (double)hypothesis.n + (double)reference.n;
        best = fmax(best, total > 0 ? 2 * (double)n / total : 1);
    }
    if (best < 0) return error_set(err, STATUS_INVALID, "has no reference");
    out[0] = best;
    out[1] = 1;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const TokenOptions *o = plan->options;
    const char *tokenizer;
    TRY(word_tokenizer_signature(o->kind, arena, &tokenizer, err));
    return arena_format(arena, out, err, "|case:%s|tok:%s", o->is_lowercased ? "lc" : "mixed",
                        tokenizer);
}

const Metric metric_token_f1 = {
    .name = "token_f1",
    .summary = "mean overlap of words with the nearest reference, as written",
    .source = "Rajpurkar et al. 2016, section 6.1, without its normalisation",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = row,
    .signature = signature,
};
