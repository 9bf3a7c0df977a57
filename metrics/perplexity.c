// Perplexity: exp of the mean negative log-likelihood per token (default), word or byte, over all texts together; bits
// per byte, character and token beside it.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

enum { COLUMN_NLL, COLUMN_TOKENS, COLUMN_WORDS, COLUMN_BYTES, COLUMN_CHARS, N_COLUMNS };
static const char *const units[] = {"token", "word", "byte"};
static const char *const params[] = {"per", NULL};

// Scores after the first: perplexities by unit, then bits.
static const struct {
    const char *name;
    int column;
    bool is_bits;
} parts[] = {{"perplexity/token", COLUMN_TOKENS, false},
             {"perplexity/word", COLUMN_WORDS, false},
             {"perplexity/byte", COLUMN_BYTES, false},
             {"perplexity/bits_per_byte", COLUMN_BYTES, true},
             {"perplexity/bits_per_char", COLUMN_CHARS, true},
             {"perplexity/bits_per_token", COLUMN_TOKENS, true}};
enum { N_PARTS = sizeof parts / sizeof *parts };

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    size_t *unit;
    TRY(arena_take(arena, 1, sizeof *unit, "options", &unit, err));
    TRY(params_choice(plan->setup.params, "per", units, 3, unit, err));
    plan->width = N_COLUMNS;
    plan->n_scores = 1 + N_PARTS;
    plan->options = unit;
    return STATUS_OK;
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    (void)plan;
    (void)arena;
    (void)err;
    *name = slice_from_cstr(parts[score - 1].name);
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    const double *const counts[] = {item->n_tokens, item->n_words, item->n_bytes, item->n_chars};
    const size_t wanted = *(const size_t *)plan->options;
    if (item->log_likelihoods == NULL || item->n_choices == 0 || isnan(item->log_likelihoods[0])) {
        return error_set(err, STATUS_INVALID, "has no log-likelihood");
    }
    if (counts[wanted] == NULL) {
        return error_set(err, STATUS_INVALID, "has no count of %ss to divide by", units[wanted]);
    }
    out[COLUMN_NLL] = -item->log_likelihoods[0];
    for (size_t i = 0; i < 4; i++) {
        // A count that is not given leaves its scores undefined, for the item and for all.
        out[COLUMN_TOKENS + i] = counts[i] != NULL ? counts[i][0] : (double)NAN;
        if (out[COLUMN_TOKENS + i] < 0)
            return error_set(err, STATUS_INVALID, "has a negative count");
    }
    return STATUS_OK;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    for (size_t i = 0; i < N_PARTS; i++) {
        const double n = sums[parts[i].column], mean = n > 0 ? sums[COLUMN_NLL] / n : (double)NAN;
        scores[1 + i] = parts[i].is_bits ? mean / log(2) : exp(mean);
    }
    scores[0] = scores[1 + *(const size_t *)plan->options];
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|per:%s", units[*(const size_t *)plan->options]);
}

const Metric metric_perplexity = {
    .name = "perplexity",
    .summary =
        "exp of the mean negative log-likelihood per token, word or byte; bits per byte beside it",
    .source = "Jelinek et al. 1977; sums over texts, not means of ratios",
    .needs = NEEDS_LOG_LIKELIHOODS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .lowest = 1,
    .highest = INFINITY,
    .params = params,
    .prepare = prepare,
    .score_name = score_name,
    .row = row,
    .score_sums = score_sums,
    .signature = signature,
};
