// Agreement of any number of raters, some of whom may have left items out.
//
// Fleiss' kappa over items with at least two ratings (m_i of them, n_ic for class c):
//     P_i = sum_c n_ic (n_ic - 1) / (m_i (m_i - 1)),   p_c = sum_i n_ic / sum_i m_i
//     (mean P_i - sum p_c^2) / (1 - sum p_c^2)
// With the same number of raters for all items this is Fleiss 1971; with differing numbers each item counts once.
// Score "fleiss_kappa/agreement" is mean P_i, and "/randolph" has 1 / classes in place of sum p_c^2.
//
// Krippendorff's alpha over the same items, with n_c = sum_i n_ic and n = sum_c n_c:
//     1 - (n - 1) sum_i sum_ck n_ic n_ik d_ck^2 / (m_i - 1) / sum_ck n_c n_k d_ck^2
// where d is nominal (c != k), interval (the labels' numbers apart) or ordinal (the labels' places in the order given,
// each at the middle of those that share it: Krippendorff 2011). Both are undefined where only one class is ever used.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

// Counts of ratings by class; *n is how many there are.
static Status count_ratings(const MetricSetup *setup, const Item *item, double *counts, double *n,
                            Error *err)
{
    *n = 0;
    for (size_t r = 0; r < item->n_ratings; r++) {
        const int32_t class = item->ratings[r];
        if (class == ITEM_NO_LABEL) continue;
        if (class < 0 || (size_t) class >= setup->n_labels) {
            return error_set(err, STATUS_INVALID, "rating %zu is %d, none of the %zu labels", r,
                             (int)class, setup->n_labels);
        }
        counts[class]++;
        (*n)++;
    }
    return STATUS_OK;
}

// ---- Fleiss ----

static const char *const fleiss_sub_scores[] = {"agreement", "randolph", NULL};

static Status prepare_fleiss(MetricPlan *plan, Arena *arena, Error *err)
{
    (void)arena;
    TRY(classes_check_setup(&plan->setup, 1, err));
    plan->width = 2 + plan->setup.n_labels;
    return STATUS_OK;
}

// A row is [P_i, 1, n_i1 .. n_iC], or zeros for fewer than two ratings.
static Status row_fleiss(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                         Error *err)
{
    (void)scratch;
    const size_t n_labels = plan->setup.n_labels;
    double n, agreeing = 0;
    TRY(count_ratings(&plan->setup, item, out + 2, &n, err));
    for (size_t c = 0; c < n_labels; c++) {
        agreeing += out[2 + c] * (out[2 + c] - 1);
        if (n < 2) out[2 + c] = 0;
    }
    if (n < 2) return STATUS_OK;
    out[0] = agreeing / (n * (n - 1));
    out[1] = 1;
    return STATUS_OK;
}

static double beyond_chance(double observed, double expected)
{
    return expected < 1 ? (observed - expected) / (1 - expected) : (double)NAN;
}

static void score_fleiss(const MetricPlan *plan, const double *sums, double *scores)
{
    const size_t n_labels = plan->setup.n_labels;
    double total = 0, expected = 0;
    size_t n_used = 0;
    for (size_t c = 0; c < n_labels; c++) total += sums[2 + c];
    for (size_t c = 0; c < n_labels; c++) {
        const double share = total > 0 ? sums[2 + c] / total : 0;
        expected += share * share;
        n_used += share > 0;
    }
    const double observed = share_of(sums[0], sums[1]);
    scores[0] = n_used > 1 ? beyond_chance(observed, expected) : (double)NAN;
    scores[1] = observed;
    scores[2] = beyond_chance(observed, 1 / (double)n_labels);
}

// ---- Krippendorff ----

typedef enum Level { LEVEL_NOMINAL, LEVEL_ORDINAL, LEVEL_INTERVAL } Level;
static const char *const levels[] = {"nominal", "ordinal", "interval"};
static const char *const alpha_params[] = {"level", NULL};

typedef struct AlphaOptions {
    size_t level;
    double *values; // [n_labels], for intervals
} AlphaOptions;

static Status prepare_alpha(MetricPlan *plan, Arena *arena, Error *err)
{
    const MetricSetup *setup = &plan->setup;
    AlphaOptions *o;
    TRY(classes_check_setup(setup, 1, err));
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    TRY(arena_take(arena, setup->n_labels, sizeof *o->values, "values", &o->values, err));
    TRY(params_choice(setup->params, "level", levels, 3, &o->level, err));
    for (size_t c = 0; o->level == LEVEL_INTERVAL && c < setup->n_labels; c++) {
        if (slice_to_double(setup->labels[c], &o->values[c])) continue;
        return error_set(err, STATUS_INVALID,
                         "label \"" SLICE_FMT "\" is no number, as the level \"interval\" wants",
                         SLICE_ARG(setup->labels[c]));
    }
    plan->width = setup->n_labels;
    plan->options = o;
    return STATUS_OK;
}

static Status row_alpha(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                        Error *err)
{
    (void)scratch;
    double n;
    return count_ratings(&plan->setup, item, out, &n, err);
}

// sum_ck counts_c counts_k d_ck^2; values NULL: nominal. total is the sum of counts.
static double apart(const double *counts, const double *values, size_t n, double total)
{
    double first = 0, second = 0;
    for (size_t c = 0; c < n; c++) {
        if (values == NULL) {
            second += counts[c] * (total - counts[c]);
        } else {
            first += counts[c] * values[c];
            second += counts[c] * values[c] * values[c];
        }
    }
    return values == NULL ? second : 2 * (total * second - first * first);
}

static double sum_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    return sum;
}

// The numbers that classes stand for, about their mean, so that little is lost in `apart`.
static void place_classes(const AlphaOptions *o, const double *margins, size_t n, double total,
                          double *values)
{
    double before = 0, mean = 0;
    for (size_t c = 0; c < n; c++) {
        values[c] = o->level == LEVEL_ORDINAL ? before + 0.5 * margins[c] : o->values[c];
        before += margins[c];
        mean += margins[c] / total * values[c];
    }
    for (size_t c = 0; c < n; c++) values[c] -= mean;
}

static Status score_alpha(const MetricPlan *plan, const RowSet *rows, const double *weights,
                          const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)index;
    const AlphaOptions *o = plan->options;
    const size_t n = plan->setup.n_labels;
    double *margins, *values, observed = 0;
    size_t n_used = 0;
    TRY(arena_take(scratch, n, sizeof *margins, "counts by class", &margins, err));
    TRY(arena_take(scratch, n, sizeof *values, "values of classes", &values, err));
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *counts = rows->values + i * n;
        if (weights[i] == 0 || sum_of(counts, n) < 2) continue;
        for (size_t c = 0; c < n; c++) margins[c] += weights[i] * counts[c];
    }
    const double total = sum_of(margins, n);
    for (size_t c = 0; c < n; c++) n_used += margins[c] > 0;
    scores[0] = NAN;
    if (n_used < 2) return STATUS_OK;
    place_classes(o, margins, n, total, values);
    if (o->level == LEVEL_NOMINAL) values = NULL;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *counts = rows->values + i * n, m = sum_of(counts, n);
        if (weights[i] == 0 || m < 2) continue;
        observed += weights[i] * apart(counts, values, n, m) / (m - 1);
    }
    const double expected = apart(margins, values, n, total);
    if (expected > 0) scores[0] = 1 - (total - 1) * observed / expected;
    return STATUS_OK;
}

static Status alpha_signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const AlphaOptions *o = plan->options;
    return arena_format(arena, out, err, "|level:%s", levels[o->level]);
}

const Metric metric_fleiss_kappa = {
    .name = "fleiss_kappa",
    .summary = "agreement of several raters beyond chance, from how often each class was given",
    .source = "Fleiss 1971; Randolph 2005; statsmodels fleiss_kappa",
    .needs = NEEDS_RATINGS,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .prepare = prepare_fleiss,
    .sub_scores = fleiss_sub_scores,
    .row = row_fleiss,
    .score_sums = score_fleiss,
};

const Metric metric_krippendorff_alpha = {
    .name = "krippendorff_alpha",
    .summary = "agreement of several raters, some missing; level nominal, ordinal or interval",
    .source = "Krippendorff 2011, Computing Krippendorff's alpha-reliability",
    .needs = NEEDS_RATINGS,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .params = alpha_params,
    .prepare = prepare_alpha,
    .row = row_alpha,
    .score_rows = score_alpha,
    .signature = alpha_signature,
};
