// Share of questions whose likeliest choice is the right one.
//
// Log-likelihoods are compared as they are, per token, per byte, or after taking off that of the choice without the
// question (Brown et al. 2020, section 2.4). Ties go to the first choice.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

typedef enum Normalizing {
    NORMALIZE_NONE,
    NORMALIZE_TOKENS,
    NORMALIZE_BYTES,
    NORMALIZE_UNCONDITIONAL
} Normalizing;
static const char *const normalizings[] = {"none", "tokens", "bytes", "unconditional"};
static const char *const params[] = {"normalize", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    size_t *normalizing;
    TRY(arena_take(arena, 1, sizeof *normalizing, "options", &normalizing, err));
    TRY(params_choice(plan->setup.params, "normalize", normalizings, 4, normalizing, err));
    plan->options = normalizing;
    return STATUS_OK;
}

static Status check(const Item *item, const double *by, Normalizing normalizing, Error *err)
{
    if (item->log_likelihoods == NULL || item->n_choices == 0) {
        return error_set(err, STATUS_INVALID, "has no log-likelihoods of choices");
    }
    if (item->label < 0 || (size_t)item->label >= item->n_choices) {
        return error_set(err, STATUS_INVALID, "right choice %d is none of %zu", (int)item->label,
                         item->n_choices);
    }
    if (normalizing != NORMALIZE_NONE && by == NULL) {
        return error_set(err, STATUS_INVALID, "lacks what \"normalize\": \"%s\" asks for",
                         normalizings[normalizing]);
    }
    for (size_t c = 0; c < item->n_choices; c++) {
        const bool is_count = normalizing == NORMALIZE_TOKENS || normalizing == NORMALIZE_BYTES;
        if (isnan(item->log_likelihoods[c]) || (by != NULL && isnan(by[c]))) {
            return error_set(err, STATUS_INVALID, "log-likelihood of choice %zu is not a number",
                             c);
        }
        if (is_count && !(by[c] > 0)) {
            return error_set(err, STATUS_INVALID, "choice %zu has %g %s", c, by[c],
                             normalizings[normalizing]);
        }
    }
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    const Normalizing normalizing = (Normalizing) * (const size_t *)plan->options;
    const double *const sources[] = {NULL, item->n_tokens, item->n_bytes,
                                     item->unconditional_log_likelihoods};
    const double *by = sources[normalizing];
    TRY(check(item, by, normalizing, err));
    size_t best = 0;
    double highest = -INFINITY;
    for (size_t c = 0; c < item->n_choices; c++) {
        double value = item->log_likelihoods[c];
        if (normalizing == NORMALIZE_UNCONDITIONAL) {
            value -= by[c];
        } else if (normalizing != NORMALIZE_NONE) {
            value /= by[c];
        }
        if (value <= highest) continue;
        highest = value;
        best = c;
    }
    out[0] = (size_t)item->label == best;
    out[1] = 1;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|normalize:%s",
                        normalizings[*(const size_t *)plan->options]);
}

const Metric metric_multiple_choice = {
    .name = "multiple_choice",
    .summary =
        "share of questions whose likeliest choice is right; normalize: none, tokens, bytes, unconditional",
    .source = "Brown et al. 2020, arXiv:2005.14165, section 2.4",
    .needs = NEEDS_LABELS | NEEDS_LOG_LIKELIHOODS,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = row,
    .signature = signature,
};
