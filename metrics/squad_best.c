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
static const char *const names[] = {
    "", "threshold", "exact", "exact_threshold", "ap_exact", "ap_f1", "ap_oracle",
};
enum { N_SCORES = sizeof names / sizeof *names };

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    (void)arena;
    (void)err;
    plan->width = ROW_WIDTH;
    plan->n_scores = N_SCORES;
    return STATUS_OK;
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    return arena_format(arena, name, err, "%s/%s", plan->metric->name, names[score]);
}

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
static double sweep(const RowSet *rows, const double *weights, const uint32_t *order, size_t column,
                    double *threshold)
{
    double score = 0, best;
    for (size_t i = 0; i < rows->n_rows; i++) {
        if (rows->values[i * ROW_WIDTH + ROW_HAS_ANSWER] == 0) score += weights[i];
    }
    best = score;
    *threshold = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *at = rows->values + order[i] * (size_t)ROW_WIDTH;
        const double gain = at[ROW_HAS_ANSWER] != 0 ? at[column] : -at[ROW_IS_ANSWERED];
        score += weights[order[i]] * gain;
        if (score <= best) continue;
        best = score;
        *threshold = at[ROW_PROBABILITY];
    }
    return best;
}

// Precision is averaged where recall moves, between questions of different probability. Undefined without answers.
static double average_precision(const RowSet *rows, const double *weights, const uint32_t *order,
                                size_t column)
{
    double found = 0, seen = 0, wanted = 0, recall_before = 0, sum = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        wanted += weights[i] * rows->values[i * ROW_WIDTH + ROW_HAS_ANSWER];
    }
    if (!(wanted > 0)) return NAN;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *at = rows->values + order[i] * (size_t)ROW_WIDTH;
        if (at[ROW_HAS_ANSWER] != 0) found += weights[order[i]] * at[column];
        seen += weights[order[i]];
        const double *next =
            i + 1 < rows->n_rows ? rows->values + order[i + 1] * (size_t)ROW_WIDTH : NULL;
        if (next != NULL && next[ROW_PROBABILITY] == at[ROW_PROBABILITY]) continue;
        if (!(seen > 0)) continue;
        sum += found / seen * (found / wanted - recall_before);
        recall_before = found / wanted;
    }
    return sum;
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)plan;
    (void)scratch;
    (void)err;
    double total = 0;
    for (size_t i = 0; i < rows->n_rows; i++) total += weights[i];
    const double n = total > 0 ? total : (double)NAN;
    scores[0] = sweep(rows, weights, index, ROW_F1, &scores[1]) / n;
    scores[2] = sweep(rows, weights, index, ROW_EXACT, &scores[3]) / n;
    scores[4] = average_precision(rows, weights, index, ROW_EXACT);
    scores[5] = average_precision(rows, weights, index, ROW_F1);
    scores[6] = average_precision(rows, weights, index, ROW_HAS_ANSWER);
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
    .prepare = prepare,
    .score_name = score_name,
    .row = row,
    .index_rows = index_rows,
    .score_rows = score_rows,
};
