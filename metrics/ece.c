// Expected calibration error: sum over bins of n_b / N |accuracy_b - confidence_b|; score "ece/mce" is the largest gap.
//
// Bins of equal width are (i / n, (i + 1) / n]; of equal mass they hold as nearly as possible the same weight in the
// order of confidence (adaptive calibration error). Confidence is the highest probability, and right means that its
// class is the reference (of equal ones the first; with two classes the second, as p >= 1/2 says); with "of":
// "positive" it is the positive class's probability, and right means that the reference is that class.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "metrics/calibration.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/order.h"
#include "metrics/resample.h"

enum { BINNING_WIDTH, BINNING_MASS };
enum { OF_CONFIDENCE, OF_POSITIVE };
static const char *const binnings[] = {"width", "mass"};
static const char *const subjects[] = {"confidence", "positive"};
static const char *const params[] = {"bins", "binning", "of", "positive", NULL};
static const char *const sub_scores[] = {"mce", NULL};

typedef struct EceOptions {
    int64_t n_bins;
    size_t binning;
    size_t of;
    size_t positive;
} EceOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const MetricSetup *setup = &plan->setup;
    TRY(classes_check_setup(setup, 2, err));
    EceOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    o->n_bins = 15;
    if (setup->params != NULL) TRY(json_opt_i64(setup->params, "bins", 1, 100000, &o->n_bins, err));
    TRY(params_choice(setup->params, "binning", binnings, 2, &o->binning, err));
    TRY(params_choice(setup->params, "of", subjects, 2, &o->of, err));
    TRY(classes_positive(setup, &o->positive, err));
    if (o->of == OF_POSITIVE && o->positive == SIZE_MAX) {
        return error_set(err, STATUS_INVALID,
                         "\"of\": \"positive\" over %zu labels wants \"positive\": one of them",
                         setup->n_labels);
    }
    plan->options = o;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    const EceOptions *o = plan->options;
    TRY(classes_check_probabilities(&plan->setup, item, err));
    size_t best = 0;
    if (o->of == OF_POSITIVE) {
        best = o->positive;
    } else {
        for (size_t c = 1; c < item->n_classes; c++) {
            const double p = item->probabilities[c], highest = item->probabilities[best];
            if (p > highest || (p == highest && item->n_classes == 2)) best = c;
        }
    }
    out[0] = item->probabilities[best];
    out[1] = (size_t)item->label == best;
    return STATUS_OK;
}

static Status index_rows(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                         const void **index, Error *err)
{
    const EceOptions *o = plan->options;
    if (o->binning == BINNING_WIDTH) return STATUS_OK;
    uint32_t *order;
    TRY(arena_take(arena, rows->n_rows, sizeof *order, "an order of scores", &order, err));
    Arena scratch = {0};
    const Status s = order_ascending(rows->values, 2, rows->n_rows, &scratch, order, err);
    arena_release(&scratch);
    *index = order;
    return s;
}

static void add_to_bin(CalibrationBin *bin, const double *values, double weight)
{
    bin->weight += weight;
    bin->confidence += weight * values[0];
    bin->accuracy += weight * values[1];
}

// Bins with sums instead of means.
static void fill_bins(const EceOptions *o, const RowSet *rows, const double *weights,
                      const uint32_t *order, CalibrationBin *bins)
{
    const double n_bins = (double)o->n_bins;
    double total = 0, before = 0;
    for (size_t i = 0; order != NULL && i < rows->n_rows; i++) total += weights[i];
    for (size_t i = 0; i < rows->n_rows; i++) {
        const size_t item = order != NULL ? order[i] : i;
        const double w = weights[item], *values = rows->values + 2 * item;
        if (w == 0) continue;
        // By mass, an item belongs where the middle of its weight falls.
        const double at = order != NULL ? floor((before + 0.5 * w) / total * n_bins)
                                        : ceil(values[0] * n_bins) - 1;
        add_to_bin(&bins[(size_t)fmin(fmax(at, 0), n_bins - 1)], values, w);
        before += w;
    }
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    const EceOptions *o = plan->options;
    CalibrationBin *bins;
    TRY(arena_take(scratch, (size_t)o->n_bins, sizeof *bins, "bins", &bins, err));
    fill_bins(o, rows, weights, index, bins);
    double gaps = 0, total = 0, largest = 0;
    for (size_t b = 0; b < (size_t)o->n_bins; b++) {
        if (!(bins[b].weight > 0)) continue;
        const double gap = fabs(bins[b].accuracy - bins[b].confidence);
        gaps += gap;
        total += bins[b].weight;
        largest = fmax(largest, gap / bins[b].weight);
    }
    scores[0] = total > 0 ? gaps / total : (double)NAN;
    scores[1] = total > 0 ? largest : (double)NAN;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const EceOptions *o = plan->options;
    return arena_format(arena, out, err, "|bins:%lld|binning:%s|of:%s", (long long)o->n_bins,
                        binnings[o->binning], subjects[o->of]);
}

const Metric metric_ece = {
    .name = "ece",
    .summary = "expected calibration error: how far confidence is from accuracy, over bins",
    .source =
        "Guo et al. 2017, arXiv:1706.04599, equation 5; bins of equal mass: Nguyen & O'Connor 2015",
    .needs = NEEDS_LABELS | NEEDS_PROBABILITIES,
    .kind = METRIC_ROWS,
    .direction = LOWER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .sub_scores = sub_scores,
    .row = row,
    .index_rows = index_rows,
    .score_rows = score_rows,
    .signature = signature,
};

size_t calibration_bins(const MetricPlan *plan)
{
    return (size_t)((const EceOptions *)plan->options)->n_bins;
}

Status calibration_diagram(const MetricPlan *plan, const RowSet *rows, const double *weights,
                           CalibrationBin *bins, Error *err)
{
    const EceOptions *o = plan->options;
    const size_t n_bins = calibration_bins(plan);
    Arena arena = {0};
    const void *order = NULL;
    double *own = NULL;
    Status s = index_rows(plan, rows, &arena, &order, err);
    if (s == STATUS_OK) s = arena_take(&arena, rows->n_rows, sizeof *own, "weights", &own, err);
    if (s == STATUS_OK) {
        for (size_t i = 0; i < rows->n_rows; i++) {
            own[i] = weights != NULL ? weights[i] : weight_of(rows, i);
        }
        memset(bins, 0, n_bins * sizeof *bins);
        fill_bins(o, rows, own, order, bins);
        for (size_t b = 0; b < n_bins; b++) {
            const double w = bins[b].weight;
            bins[b].confidence = w > 0 ? bins[b].confidence / w : (double)NAN;
            bins[b].accuracy = w > 0 ? bins[b].accuracy / w : (double)NAN;
        }
    }
    arena_release(&arena);
    return s;
}
