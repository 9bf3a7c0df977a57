// Classwise calibration error: the mean over classes of the calibration error of that class's probability against the rest
// (Kull et al. 2019; static calibration error of Nixon et al. 2019). Score "ece_classwise/mce" is the largest gap of a bin.
//
// Bins as in ece.c, for each class's probability by itself.
#include <math.h>
#include <string.h>

#include "metrics/calibration.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/ranked.h"

enum { BINNING_WIDTH, BINNING_MASS };
static const char *const binnings[] = {"width", "mass"};
static const char *const params[] = {"bins", "binning", NULL};
static const char *const sub_scores[] = {"mce", NULL};

typedef struct ClasswiseOptions {
    int64_t n_bins;
    size_t binning;
} ClasswiseOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const MetricSetup *setup = &plan->setup;
    ClasswiseOptions *o;
    TRY(classes_check_setup(setup, 2, err));
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    o->n_bins = 15;
    if (setup->params != NULL) TRY(json_opt_i64(setup->params, "bins", 1, 100000, &o->n_bins, err));
    TRY(params_choice(setup->params, "binning", binnings, 2, &o->binning, err));
    plan->width = 1 + setup->n_labels;
    plan->options = o;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    TRY(classes_check_probabilities(&plan->setup, item, err));
    out[0] = item->label;
    memcpy(out + 1, item->probabilities, item->n_classes * sizeof *out);
    return STATUS_OK;
}

static Status index_rows(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                         const void **index, Error *err)
{
    const ClasswiseOptions *o = plan->options;
    if (o->binning == BINNING_WIDTH) return STATUS_OK;
    return ranked_index(plan, rows, false, arena, index, err);
}

// Sums by bin of one class's probability; order NULL for bins of equal width.
static void fill_bins(const RowSet *rows, size_t width, size_t class, const double *weights,
                      double total, const uint32_t *order, double n_bins, CalibrationBin *bins)
{
    double before = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const size_t item = order != NULL ? order[i] : i;
        const double w = weights[item], *values = rows->values + item * width;
        if (w == 0) continue;
        const double p = values[1 + class];
        const double at =
            order != NULL ? floor((before + 0.5 * w) / total * n_bins) : ceil(p * n_bins) - 1;
        CalibrationBin *bin = &bins[(size_t)fmin(fmax(at, 0), n_bins - 1)];
        bin->weight += w;
        bin->confidence += w * p;
        bin->accuracy += w * (values[0] == (double)class);
        before += w;
    }
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    const ClasswiseOptions *o = plan->options;
    const RankedIndex *ranked = index;
    const size_t n_bins = (size_t)o->n_bins, n_classes = plan->setup.n_labels;
    CalibrationBin *bins;
    double total = 0, gaps = 0, largest = 0;
    TRY(arena_take(scratch, n_bins, sizeof *bins, "bins", &bins, err));
    for (size_t i = 0; i < rows->n_rows; i++) total += weights[i];
    for (size_t c = 0; c < n_classes; c++) {
        memset(bins, 0, n_bins * sizeof *bins);
        fill_bins(rows, plan->width, c, weights, total,
                  ranked != NULL ? ranked->columns[c].order : NULL, (double)n_bins, bins);
        for (size_t b = 0; b < n_bins; b++) {
            if (!(bins[b].weight > 0)) continue;
            const double gap = fabs(bins[b].accuracy - bins[b].confidence);
            gaps += gap;
            largest = fmax(largest, gap / bins[b].weight);
        }
    }
    scores[0] = total > 0 ? gaps / total / (double)n_classes : (double)NAN;
    scores[1] = total > 0 ? largest : (double)NAN;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const ClasswiseOptions *o = plan->options;
    return arena_format(arena, out, err, "|bins:%lld|binning:%s", (long long)o->n_bins,
                        binnings[o->binning]);
}

const Metric metric_ece_classwise = {
    .name = "ece_classwise",
    .summary = "calibration error of each class's probability against the rest, mean over classes",
    .source = "Kull et al. 2019, arXiv:1910.12656; Nixon et al. 2019, arXiv:1904.01685",
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
