// Precision, recall, F and Jaccard of several labels at once.
//
// Each label is a question of its own, answered with yes or no, and the formulas are those of prf.c. micro: from the sums over
// labels; macro: mean over labels; weighted: mean by support; samples: mean over samples, each over its own labels.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/label_sets.h"
#include "metrics/metrics_list.h"
#include "metrics/prf.h"

typedef enum Average { AVERAGE_MICRO, AVERAGE_MACRO, AVERAGE_WEIGHTED, AVERAGE_SAMPLES } Average;
static const char *const averages[] = {"micro", "macro", "weighted", "samples"};
enum { N_AVERAGES = 4, SCORE_LABELS = 1 + N_AVERAGES };

static const char *const params[] = {"average", "zero_division", NULL};
static const char *const params_f[] = {"average", "zero_division", "beta", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    PrfOptions *o;
    TRY(classes_check_setup(&plan->setup, 1, err));
    TRY(prf_read(plan, averages, N_AVERAGES, arena, &o, err));
    plan->width = label_sets_width(plan->setup.n_labels);
    plan->n_scores = SCORE_LABELS + plan->setup.n_labels;
    plan->options = o;
    return STATUS_OK;
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    if (score >= SCORE_LABELS)
        return classes_score_name(plan, score - SCORE_LABELS, arena, name, err);
    return arena_format(arena, name, err, "%s/%s", plan->metric->name, averages[score - 1]);
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    TRY(label_sets_check(&plan->setup, item, err));
    label_sets_pack(item, out);
    return STATUS_OK;
}

typedef struct Index {
    LabelSets sets;
    double *of_samples; // [n_rows] the score of each row by itself; NaN where it counts for nothing
} Index;

static Status index_rows(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                         const void **index, Error *err)
{
    Index *out;
    TRY(arena_take(arena, 1, sizeof *out, "labels", &out, err));
    TRY(label_sets_unpack(rows, plan->width, plan->setup.n_labels, arena, &out->sets, err));
    TRY(arena_take(arena, rows->n_rows, sizeof *out->of_samples, "labels", &out->of_samples, err));
    for (size_t i = 0; i < rows->n_rows; i++) {
        double hits = 0, predicted = 0, support = 0;
        for (size_t k = out->sets.starts[i]; k < out->sets.starts[i + 1]; k++) {
            const uint32_t marks = out->sets.marks[k].marks;
            support += (marks & LABEL_HOLDS) != 0;
            predicted += (marks & LABEL_IS_GIVEN) != 0;
            hits += marks == (LABEL_HOLDS | LABEL_IS_GIVEN);
        }
        out->of_samples[i] = prf_of(plan->options, hits, predicted, support);
    }
    *index = out;
    return STATUS_OK;
}

static double mean_of_samples(const double *values, const double *weights, size_t n)
{
    double sum = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        const double weight = isnan(values[i]) ? 0 : weights[i];
        sum += weight > 0 ? weight * values[i] : 0;
        total += weight;
    }
    return share_of(sum, total);
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    const PrfOptions *o = plan->options;
    const Index *own = index;
    const size_t n = plan->setup.n_labels;
    double *hits;
    TRY(arena_take(scratch, n, 3 * sizeof *hits, "counts by label", &hits, err));
    double *predicted = hits + n, *support = predicted + n;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double weight = weights[i];
        for (size_t k = own->sets.starts[i]; k < own->sets.starts[i + 1]; k++) {
            const LabelMark mark = own->sets.marks[k];
            support[mark.label] += (mark.marks & LABEL_HOLDS) != 0 ? weight : 0;
            predicted[mark.label] += (mark.marks & LABEL_IS_GIVEN) != 0 ? weight : 0;
            hits[mark.label] += mark.marks == (LABEL_HOLDS | LABEL_IS_GIVEN) ? weight : 0;
        }
    }
    const PrfMeans means = prf_means(o, hits, predicted, support, n, scores + SCORE_LABELS);
    scores[1 + AVERAGE_MICRO] = means.micro;
    scores[1 + AVERAGE_MACRO] = means.macro;
    scores[1 + AVERAGE_WEIGHTED] = means.weighted;
    scores[1 + AVERAGE_SAMPLES] = mean_of_samples(own->of_samples, weights, rows->n_rows);
    scores[0] = scores[1 + o->average];
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const PrfOptions *o = plan->options;
    return prf_signature(plan, averages[o->average], (Slice){0}, arena, out, err);
}

#define MULTILABEL(NAME, SUMMARY, SOURCE, PARAMS, PART)                                     \
    {                                                                                       \
        .name = (NAME), .summary = SUMMARY ": micro (default), macro, weighted, samples",   \
        .source = (SOURCE), .needs = NEEDS_LABEL_SETS, .kind = METRIC_ROWS,                 \
        .direction = HIGHER_IS_BETTER, .highest = 1, .params = (PARAMS), .variant = (PART), \
        .prepare = prepare, .score_name = score_name, .row = row, .index_rows = index_rows, \
        .score_rows = score_rows, .signature = signature                                    \
    }

const Metric metric_multilabel_f1 =
    MULTILABEL("multilabel_f1", "harmonic mean of precision and recall of several labels at once",
               "scikit-learn f1_score; fbeta_score where beta is given", params_f, PRF_F);
const Metric metric_multilabel_precision =
    MULTILABEL("multilabel_precision", "share of the labels given that hold",
               "scikit-learn precision_score", params, PRF_PRECISION);
const Metric metric_multilabel_recall =
    MULTILABEL("multilabel_recall", "share of the labels that hold which are given",
               "scikit-learn recall_score", params, PRF_RECALL);
const Metric metric_multilabel_jaccard =
    MULTILABEL("multilabel_jaccard", "labels of both sides among those of either",
               "scikit-learn jaccard_score", params, PRF_JACCARD);
