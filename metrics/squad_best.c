// The best that SQuAD 2.0 scores could be under one threshold on the probability of "no answer".
//
// Questions come in ascending order of that probability (Item.predicted_value; ties in the order of the items, as the
// script has it), and each in turn is answered rather than not; the threshold moves on a strict improvement alone. The
// choice is made on the same questions that are scored, so it is a bound, not an estimate. Average precisions are over
// the same order. A row is [exact, f1, has an answer, the prediction is not empty, probability].
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/order.h"
#include "metrics/squad.h"

enum { ROW_EXACT, ROW_F1, ROW_HAS_ANSWER, ROW_IS_ANSWERED, ROW_PROBABILITY, ROW_WIDTH };
static const char *const sub_scores[] = {
    "threshold", "exact", "exact_threshold", "ap_exact", "ap_f1", "ap_oracle", NULL,
};

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)plan;
    SquadScore score;
    if (isnan(item->predicted_value)) {
        return error_set(err, STATUS_INVALID, "probability of no answer is not a number");
    }
    TRY(squad_score(SQUAD_2_0, item, scratch, &score, err));
    out[ROW_EXACT] = score.exact;
    out[ROW_F1] = score.f1;
    out[ROW_HAS_ANSWER] = score.has_answer;
    out[ROW_IS_ANSWERED] = item->hypothesis.len > 0;
    out[ROW_PROBABILITY] = item->predicted_value;
    return STATUS_OK;
}

static Status index_rows(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                         const void **index, Error *err)
{
    (void)plan;
    uint32_t *order;
    TRY(arena_take(arena, rows->n_rows, sizeof *order, "an order of questions", &order, err));
    const double *first = rows->n_rows > 0 ? rows->values + ROW_PROBABILITY : NULL;
    TRY(order_ascending(first, ROW_WIDTH, rows->n_rows, arena, order, err));
    *index = order;
    return STATUS_OK;
}

// The best sum over thresholds, in items, and the threshold that gives it.
typedef struct Sweep {
    size_t column;
    double score, best, threshold;
} Sweep;

static void sweep_on(Sweep *s, const double *at, double weight)
{
    const double gain =
        at[ROW_HAS_ANSWER] * at[s->column] - (1 - at[ROW_HAS_ANSWER]) * at[ROW_IS_ANSWERED];
    s->score += weight * gain;
    if (s->score <= s->best) return;
    s->best = s->score;
    s->threshold = at[ROW_PROBABILITY];
}

// Precision is averaged where recall moves, between questions of different probability. Undefined without answers.
typedef struct Average {
    size_t column;
    double found, recall_before, sum;
} Average;

static void average_on(Average *a, const double *at, double weight, double seen, double wanted,
                       bool ends_group)
{
    a->found += weight * at[ROW_HAS_ANSWER] * at[a->column];
    if (!ends_group || !(seen > 0)) return;
    const double recall = a->found / wanted;
    a->sum += a->found / seen * (recall - a->recall_before);
    a->recall_before = recall;
}

typedef struct Totals {
    double items, wanted; // questions, and those with an answer
} Totals;

static Totals count(const RowSet *rows, const double *weights)
{
    Totals out = {0};
    for (size_t i = 0; i < rows->n_rows; i++) {
        out.items += weights[i];
        out.wanted += weights[i] * rows->values[i * ROW_WIDTH + ROW_HAS_ANSWER];
    }
    return out;
}

// All in one walk: in the order of probabilities rows lie far apart.
static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)plan;
    (void)scratch;
    (void)err;
    const uint32_t *order = index;
    const Totals totals = count(rows, weights);
    const double none = totals.items - totals.wanted; // where nothing is answered
    Sweep sweeps[] = {{ROW_F1, none, none, 0}, {ROW_EXACT, none, none, 0}};
    Average averages[] = {{.column = ROW_EXACT}, {.column = ROW_F1}, {.column = ROW_HAS_ANSWER}};
    double seen = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *at = rows->values + order[i] * (size_t)ROW_WIDTH;
        const bool is_last = i + 1 == rows->n_rows;
        const double *next = is_last ? at : rows->values + order[i + 1] * (size_t)ROW_WIDTH;
        const bool ends_group = is_last || next[ROW_PROBABILITY] != at[ROW_PROBABILITY];
        const double weight = weights[order[i]];
        seen += weight;
        for (size_t k = 0; k < 2; k++) sweep_on(&sweeps[k], at, weight);
        for (size_t k = 0; k < 3; k++) {
            average_on(&averages[k], at, weight, seen, totals.wanted, ends_group);
        }
    }
    const double n = totals.items > 0 ? totals.items : (double)NAN;
    for (size_t k = 0; k < 2; k++) {
        scores[2 * k] = sweeps[k].best / n;
        scores[2 * k + 1] = sweeps[k].threshold;
    }
    for (size_t k = 0; k < 3; k++)
        scores[4 + k] = totals.wanted > 0 ? averages[k].sum : (double)NAN;
    return STATUS_OK;
}

const Metric metric_squad_best_f1 = {
    .name = "squad_best_f1",
    .summary = "SQuAD 2.0 F1 under the best no-answer threshold, found on the same questions",
    .source = "SQuAD evaluate-v2.0.py: find_best_thresh, make_precision_recall_eval",
    .needs = NEEDS_TEXT | NEEDS_VALUES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .width = ROW_WIDTH,
    .sub_scores = sub_scores,
    .row = row,
    .index_rows = index_rows,
    .score_rows = score_rows,
};
