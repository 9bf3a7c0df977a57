#include "harness/score.h"

#include <math.h>

#include "base/size.h"
#include "harness/counterfactual.h"
#include "harness/family.h"
#include "harness/prompt/ask.h"
#include "metrics/evaluate.h"

Predictions score_predictions(const UsedPart *part, const size_t *positions, const Answers *answers)
{
    return (Predictions){.part = part,
                         .positions = positions,
                         .n = answers->n,
                         .predicted = answers->predicted,
                         .probabilities = answers->probabilities,
                         .n_classes = answers->n_classes,
                         .values = answers->values,
                         .n_values = answers->n_values,
                         .texts = answers->texts};
}

Status score_items(const TaskData *data, const Predictions *predictions, Arena *arena, Item **out,
                   Error *err)
{
    TRY(arena_take(arena, predictions->n, sizeof **out, "items", out, err));
    for (size_t i = 0; i < predictions->n; i++) {
        const UsedPart *part = predictions->part;
        const Sample *sample = &part->data.samples[part->which[predictions->positions[i]]];
        Item *item = &(*out)[i];
        *item = item_empty();
        item->cluster = sample->group;
        const Predictions *p = predictions;
        const Answer answer = {.predicted = p->predicted[i],
                               .text = p->texts ? p->texts[i] : (Slice){0},
                               .probabilities =
                                   p->n_classes > 0 ? p->probabilities + i * p->n_classes : NULL,
                               .values = p->n_values > 0 ? p->values + i * p->n_values : NULL,
                               .n_values = p->n_values - (p->has_swaps ? N_SWAPPED : 0)};
        if (p->has_swaps && answer.values) {
            item->flip = answer.values[answer.n_values + SWAPPED_FLIP];
            item->quality_gap = answer.values[answer.n_values + SWAPPED_GAP];
        }
        TRY(data->family->item(data, sample, &answer, arena, item, err));
        if (data->prompt && answer.values && answer.n_values >= PROMPT_FLAGS) {
            const double *flags = answer.values + answer.n_values - PROMPT_FLAGS;
            item->is_unparsed = flags[PROMPT_UNPARSED] != 0;
            item->n_cut = flags[PROMPT_CUT];
        }
    }
    return STATUS_OK;
}

const SuiteMetric *score_metric(const SuiteTask *task, Slice score_name)
{
    const size_t slash = slice_find_byte(score_name, '/');
    const Slice name = slash == SIZE_MAX ? score_name : slice_sub(score_name, 0, slash);
    for (size_t i = 0; i < task->n_metrics; i++) {
        if (slice_eq_cstr(name, task->metrics[i].metric->name)) return &task->metrics[i];
    }
    return NULL;
}

static Status plan_metric(const SuiteMetric *metric, const TaskData *data, Arena *arena,
                          MetricPlan *plan, Error *err)
{
    const MetricSetup setup = {.labels = data->metric_labels,
                               .n_labels = data->n_metric_labels,
                               .params = metric->params,
                               .splitter = metric->splitter};
    return metric_plan(metric->metric, &setup, arena, plan, err);
}

static Status find_estimate(const MetricPlan *plan, Slice score_name, const Score *scores,
                            double *out, Error *err)
{
    for (size_t i = 0; i < plan->n_scores; i++) {
        if (!slice_eq(scores[i].name, score_name)) continue;
        *out = scores[i].estimate;
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, "metric \"%s\" gives no score \"" SLICE_FMT "\"",
                     plan->metric->name, SLICE_ARG(score_name));
}

Status score_estimate(const SuiteTask *task, const TaskData *data, Slice score_name,
                      const Item *items, size_t n, double *out, Error *err)
{
    Arena arena = {0};
    MetricPlan plan;
    Score *scores = NULL;
    const IntervalOptions options = {.method = INTERVAL_NONE};
    const SuiteMetric *metric = score_metric(task, score_name);
    if (metric == NULL) {
        return error_set(err, STATUS_INVALID,
                         "no metric of task \"" SLICE_FMT "\" gives the score \"" SLICE_FMT "\"",
                         SLICE_ARG(task->name), SLICE_ARG(score_name));
    }
    Status s = plan_metric(metric, data, &arena, &plan, err);
    if (s == STATUS_OK) s = scores_of_items(&plan, items, n, &options, &arena, &scores, err);
    if (s == STATUS_OK) s = find_estimate(&plan, score_name, scores, out, err);
    arena_release(&arena);
    return s;
}

// ---- a trial for the store ----

static void put_scores(const MetricPlan *plan, const Score *scores, Trial *out, StoredScore *stored)
{
    for (size_t i = 0; i < plan->n_scores; i++) {
        const Metric *metric = plan->metric;
        stored[out->n_scores++] =
            (StoredScore){.metric = slice_from_cstr(metric->name),
                          .name = scores[i].name,
                          .estimate = scores[i].estimate,
                          .lo = scores[i].lo,
                          .hi = scores[i].hi,
                          .level = scores[i].level,
                          .method = scores[i].method,
                          .n = scores[i].n,
                          .direction = metric->direction == HIGHER_IS_BETTER  ? 1
                                       : metric->direction == LOWER_IS_BETTER ? -1
                                                                              : 0,
                          .lowest = metric->lowest,
                          .highest = metric->highest};
    }
}

typedef struct Scoring {
    const SuiteTask *task;
    const TaskData *data;
    const Item *items;
    size_t n_items;
    uint64_t seed;
    Arena *arena;
    TrialMetric *metrics;
    StoredScore *scores;
    size_t scores_capacity;
    Trial *out;
} Scoring;

static Status grow_scores(Scoring *scoring, size_t n_more, Error *err)
{
    const size_t n = scoring->out->n_scores, wanted = (n + n_more) * 2;
    if (n + n_more <= scoring->scores_capacity) return STATUS_OK;
    TRY(arena_grow(scoring->arena, n, wanted, sizeof *scoring->scores, "scores", &scoring->scores,
                   err));
    scoring->scores_capacity = wanted;
    return STATUS_OK;
}

static Status score_metric_of(Scoring *scoring, const SuiteMetric *metric, Error *err)
{
    MetricPlan plan;
    Score *scores = NULL;
    Slice signature = {0};
    RowSet rows = {0};
    const IntervalOptions options = {.seed = scoring->seed};
    Arena *arena = scoring->arena;
    TRY(plan_metric(metric, scoring->data, arena, &plan, err));
    TRY(metric_signature(&plan, arena, &signature, err));
    TRY(grow_scores(scoring, plan.n_scores, err));
    if (plan.width == 0) {
        TRY(scores_of_items(&plan, scoring->items, scoring->n_items, &options, arena, &scores,
                            err));
        put_scores(&plan, scores, scoring->out, scoring->scores);
        return STATUS_OK;
    }
    TRY(rows_of_items(&plan, scoring->items, scoring->n_items, NULL, arena, &rows, err));
    TRY(scores_of_rows(&plan, &rows, &options, arena, &scores, err));
    scoring->metrics[scoring->out->n_metrics++] =
        (TrialMetric){.name = slice_from_cstr(metric->metric->name),
                      .params = metric->params_json,
                      .signature = signature,
                      .width = plan.width,
                      .rows = rows.values};
    put_scores(&plan, scores, scoring->out, scoring->scores);
    return STATUS_OK;
}

static Status put_series(Arena *arena, const char *name, size_t n, TrialCurve *curve,
                         CurvePoint **points, Error *err)
{
    TRY(arena_take(arena, n, sizeof **points, "a curve", points, err));
    *curve = (TrialCurve){slice_from_cstr(name), *points, n};
    return STATUS_OK;
}

static Status put_curves(const Curves *curves, Slice watched, Arena *arena, Trial *out, Error *err)
{
    enum { N_SERIES = 5 };
    TrialCurve *series = NULL;
    CurvePoint *points[N_SERIES] = {NULL};
    size_t n[N_SERIES] = {curves->n_steps, curves->n_steps, curves->n_steps, 0, 0};
    const char *metric = arena_printf(arena, "validation/" SLICE_FMT, SLICE_ARG(watched));
    if (metric == NULL) return error_set_memory(err, watched.len, 1, "a curve's name");
    const char *const names[N_SERIES] = {"train/loss", "train/lr", "train/grad_norm",
                                         "validation/loss", metric};
    TRY(arena_take(arena, N_SERIES, sizeof *series, "curves", &series, err));
    for (size_t i = 0; i < curves->n_evaluations; i++) {
        n[3] += isfinite(curves->evaluations[i].loss) != 0;
        n[4] += isfinite(curves->evaluations[i].metric) != 0;
    }
    for (int i = 0; i < N_SERIES; i++) {
        if (n[i] > 0)
            TRY(put_series(arena, names[i], n[i], &series[out->n_curves++], &points[i], err));
    }
    for (size_t i = 0; i < curves->n_steps; i++) {
        const TrainStep *step = &curves->steps[i];
        points[0][i] = (CurvePoint){(int64_t)step->step, step->loss};
        points[1][i] = (CurvePoint){(int64_t)step->step, step->learning_rate};
        points[2][i] = (CurvePoint){(int64_t)step->step, step->grad_norm};
    }
    size_t at_loss = 0, at_metric = 0;
    for (size_t i = 0; i < curves->n_evaluations; i++) {
        const TrainEvaluation *e = &curves->evaluations[i];
        if (isfinite(e->loss)) points[3][at_loss++] = (CurvePoint){(int64_t)e->step, e->loss};
        if (isfinite(e->metric)) points[4][at_metric++] = (CurvePoint){(int64_t)e->step, e->metric};
    }
    out->curves = series;
    return STATUS_OK;
}

// Outer and single trials are the last point of the curve.
static bool is_of_curve(const Suite *suite, const TrialSpec *spec)
{
    return spec->model != NO_MODEL && suite->models[spec->model].does_tune &&
           (spec->role == TRIAL_CURVE || spec->role == TRIAL_OUTER || spec->role == TRIAL_SINGLE);
}

// A single number about a trial, as a series of one point.
static Status put_number(const char *name, double value, Arena *arena, Trial *out, Error *err)
{
    TrialCurve *series = NULL;
    CurvePoint *point = NULL;
    TRY(arena_take(arena, out->n_curves + 1, sizeof *series, "curves", &series, err));
    for (size_t i = 0; i < out->n_curves; i++) series[i] = out->curves[i];
    TRY(put_series(arena, name, 1, &series[out->n_curves], &point, err));
    point[0] = (CurvePoint){0, value};
    out->curves = series;
    out->n_curves++;
    return STATUS_OK;
}

// The data set judged and the positions behind the outputs, from the ordinals.
static Status put_outputs(const Outcome *outcome, Arena *arena, Trial *out, Error *err)
{
    TrialOutput *outputs = NULL;
    TRY(arena_take(arena, outcome->n_outputs, sizeof *outputs, "outputs", &outputs, err));
    for (size_t i = 0; i < outcome->n_outputs; i++) {
        outputs[i] = (TrialOutput){
            .ordinal = outcome->ordinals[i],
            .label = outcome->predicted[i],
            .text = outcome_text(outcome, i),
            .probabilities =
                outcome->n_classes > 0 ? outcome->probabilities + i * outcome->n_classes : NULL,
            .n_probabilities = outcome->n_classes,
            .latency_ns = outcome->latency_ns[i],
            .explanation = outcome_explanation(outcome, i)};
    }
    out->outputs = outputs;
    out->n_outputs = outcome->n_outputs;
    return STATUS_OK;
}

static Status check_outcome(const Outcome *outcome, const TrialSamples *samples,
                            const TaskData *data, Error *err)
{
    bool fits = outcome->n_outputs == samples->n_judged &&
                (outcome->n_classes == 0 || outcome->n_classes == data->n_metric_labels);
    const UsedPart *part = &data->parts[samples->judged_part];
    for (size_t i = 0; fits && i < outcome->n_outputs; i++)
        fits = outcome->ordinals[i] == part->which[samples->judged[i]];
    return fits ? STATUS_OK
                : error_set(err, STATUS_INTERNAL, "a trial's predictions are for other samples");
}

// The pair whose quality differs most; of equal ones the one whose answer changed, then the first.
static Status put_worst_pair(const Item *items, const Outcome *outcome, Arena *arena, Trial *out,
                             Error *err)
{
    TrialCurve *series = NULL;
    CurvePoint *point = NULL;
    double most = 0;
    size_t worst = 0;
    for (size_t i = 0; i < outcome->n_outputs; i++) {
        const double size = fabs(items[i].quality_gap) + 1e-9 * items[i].flip;
        if (!(size > most)) continue; // NaN where nothing was swapped
        most = size;
        worst = i;
    }
    if (most == 0) return STATUS_OK; // no answer is another
    TRY(arena_take(arena, out->n_curves + 1, sizeof *series, "curves", &series, err));
    for (size_t i = 0; i < out->n_curves; i++) series[i] = out->curves[i];
    TRY(put_series(arena, "counterfactual/worst", 1, &series[out->n_curves], &point, err));
    point[0] = (CurvePoint){(int64_t)outcome->ordinals[worst], items[worst].quality_gap};
    out->curves = series;
    out->n_curves++;
    return STATUS_OK;
}

// What a trial has beside its scores.
static Status put_numbers(const Plan *plan, const TaskData *data, const TrialSpec *spec,
                          const TrialSamples *samples, const Outcome *outcome, Arena *arena,
                          Trial *out, Error *err)
{
    const SuiteTask *task = &plan->suite->tasks[spec->task];
    if (outcome->model_bytes > 0)
        TRY(put_number("model/bytes", (double)outcome->model_bytes, arena, out, err));
    if (task->tunes_null_threshold && data->has_unanswerable && spec->model != NO_MODEL)
        TRY(put_number("null_threshold", outcome->null_threshold, arena, out, err));
    // A point of the learning curve tells how many labels it had: a share is of another number in each fold.
    if (is_of_curve(plan->suite, spec))
        TRY(put_number("train/samples", (double)samples->n_labelled, arena, out, err));
    return STATUS_OK;
}

static Status take_predictions(const TaskData *data, const TrialSamples *samples,
                               const Outcome *outcome, Arena *arena, Predictions *out, Error *err)
{
    const size_t n_numbers = outcome->n_outputs * outcome->n_classes;
    double *probabilities = NULL;
    Slice *texts = NULL;
    TRY(arena_take(arena, outcome->n_outputs, sizeof *texts, "texts", &texts, err));
    for (size_t i = 0; i < outcome->n_outputs; i++) texts[i] = outcome_text(outcome, i);
    TRY(arena_take(arena, n_numbers, sizeof *probabilities, "probabilities", &probabilities, err));
    for (size_t i = 0; i < n_numbers; i++) probabilities[i] = (double)outcome->probabilities[i];
    *out = (Predictions){.part = &data->parts[samples->judged_part],
                         .positions = samples->judged,
                         .n = samples->n_judged,
                         .predicted = outcome->predicted,
                         .probabilities = probabilities,
                         .n_classes = outcome->n_classes,
                         .values = outcome->values,
                         .n_values = outcome->n_values,
                         .has_swaps = counterfactual_covers(data, samples->judged_part),
                         .texts = outcome->texts ? texts : NULL};
    return STATUS_OK;
}

static Status score_metrics(Scoring *scoring, double *primary, Error *err)
{
    const SuiteTask *task = scoring->task;
    Trial *out = scoring->out;
    TRY(arena_take(scoring->arena, task->n_metrics, sizeof *scoring->metrics, "metrics",
                   &scoring->metrics, err));
    for (size_t i = 0; i < task->n_metrics; i++) {
        const Status s = score_metric_of(scoring, &task->metrics[i], err);
        if (s != STATUS_OK) return error_wrap(err, "metric %s", task->metrics[i].metric->name);
    }
    out->metrics = scoring->metrics;
    out->scores = scoring->scores;
    for (size_t i = 0; i < out->n_scores; i++) {
        if (slice_eq(out->scores[i].name, task->primary)) *primary = out->scores[i].estimate;
    }
    return STATUS_OK;
}

static Status score_outputs(const Plan *plan, const Prepared *prepared, const PlannedTrial *planned,
                            const Outcome *outcome, Arena *arena, Trial *out, double *primary,
                            Error *err)
{
    const TrialSpec *spec = &planned->spec;
    const TaskData *data = &prepared->tasks[spec->task];
    TrialSamples samples;
    Predictions predictions;
    Item *items = NULL;
    TRY(trial_samples(prepared, spec, arena, &samples, err));
    if (samples.n_judged == 0) return STATUS_OK;
    TRY(put_numbers(plan, data, spec, &samples, outcome, arena, out, err));
    TRY(check_outcome(outcome, &samples, data, err));
    TRY(take_predictions(data, &samples, outcome, arena, &predictions, err));
    TRY(score_items(data, &predictions, arena, &items, err));
    TRY(put_outputs(outcome, arena, out, err));
    if (predictions.has_swaps) TRY(put_worst_pair(items, outcome, arena, out, err));
    Scoring scoring = {.task = &plan->suite->tasks[spec->task],
                       .data = data,
                       .items = items,
                       .n_items = samples.n_judged,
                       .seed = plan->suite->seed,
                       .arena = arena,
                       .out = out};
    return score_metrics(&scoring, primary, err);
}

static DataPart judged_data_part(const Prepared *prepared, const TrialSpec *spec)
{
    if (spec->role == TRIAL_FINAL || spec->outer_fold != STORE_NO_FOLD) return PART_TRAIN;
    if (spec->role == TRIAL_INNER) {
        const SuiteTask *task = &prepared->suite->tasks[spec->task];
        return prepared->suite->folds.k == 0 && task->valid && task->test ? PART_VALID : PART_TRAIN;
    }
    return judged_part(prepared->suite, spec->task);
}

Status score_trial(const Plan *plan, const Prepared *prepared, const PlannedTrial *planned,
                   const Outcome *outcome, Arena *arena, Trial *out, double *primary, Error *err)
{
    const TrialSpec *spec = &planned->spec;
    const TaskIdentity *identity = &plan->identity->tasks[spec->task];
    const SuiteTask *task = &plan->suite->tasks[spec->task];
    const bool is_model = spec->model != NO_MODEL;
    const TuneSetting *setting =
        is_model ? &plan->suite->models[spec->model].settings[spec->setting] : NULL;
    *primary = NAN;
    *out =
        (Trial){.id = planned->id,
                .identity = planned->identity,
                .setting = is_model ? setting->json : SLICE("{}"),
                .dataset_key = identity->keys[judged_data_part(prepared, spec)],
                .folds_key = spec->outer_fold != STORE_NO_FOLD ? identity->folds_key : (Slice){0},
                .role = spec->role,
                .outer_fold = spec->outer_fold,
                .inner_fold = spec->inner_fold,
                .seed = spec->seed,
                .status = outcome->status,
                .best_step = outcome->best_step,
                .cost = &outcome->cost};
    if (outcome->status != TRIAL_DONE) {
        out->error = slice_from_cstr(outcome->error);
        out->best_step = -1;
    }
    const bool names_metric = setting && setting->monitor_metric.len > 0;
    TRY(put_curves(&outcome->curves, names_metric ? setting->monitor_metric : task->primary, arena,
                   out, err));
    if (outcome->status != TRIAL_DONE) return STATUS_OK;
    return score_outputs(plan, prepared, planned, outcome, arena, out, primary, err);
}
