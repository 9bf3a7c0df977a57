// results/compare.c: pairing two sides sample by sample.
#include "results/compare.h"
#include "results/compare_folds.h"
#include "results/keep.h"

#include <math.h>

#include "base/name_list.h"
#include "metrics/corrections.h"
#include "results/judged.h"

typedef struct Side {
    JudgedRows rows;
    size_t *order;  // of samples, by id, seed, ordinal
    size_t *paired; // [n_pairs]: positions in rows
} Side;

static const char *const verdict_names[] = {
    [COMPARE_IDENTICAL] = "identical", [COMPARE_BETTER] = "better",
    [COMPARE_WORSE] = "worse",         [COMPARE_EQUIVALENT] = "equivalent",
    [COMPARE_UNDECIDED] = "undecided",
};

const char *compare_verdict_name(CompareVerdict verdict)
{
    return verdict_names[verdict];
}

// The only name of a list without repeats, or an error that lists them.
static Status only_name(const CompareSide *side, const char *what, const Slice *names, size_t n,
                        Slice *out, Error *err)
{
    if (n == 1) {
        *out = names[0];
        return STATUS_OK;
    }
    NameList list = {0};
    for (size_t i = 0; i < n; i++) name_list_quote(&list, names[i]);
    return error_set(err, STATUS_INVALID, "run " SLICE_FMT " has %zu %ss (%s): name one",
                     SLICE_ARG(side->run_id), n, what, name_list_or(&list, "none"));
}

static void add_name(Slice *names, size_t *n, Slice name)
{
    for (size_t i = 0; i < *n; i++) {
        if (slice_eq(names[i], name)) return;
    }
    names[(*n)++] = name;
}

// Fills in the model and the task that were left open, and finds how the model is judged.
static Status resolve(const CompareSide *side, Slice other_model, Arena *arena, JudgedQuery *query,
                      Error *err)
{
    RunTrial *plan = NULL;
    size_t n = 0, n_models = 0, n_tasks = 0;
    Slice *models = NULL, *tasks = NULL;
    TRY(store_get_plan(side->store, arena, side->run_id, &plan, NULL, &n, err));
    TRY(arena_take(arena, n, sizeof *models, "models", &models, err));
    TRY(arena_take(arena, n, sizeof *tasks, "tasks", &tasks, err));
    bool has_other = false;
    for (size_t i = 0; i < n; i++) {
        add_name(tasks, &n_tasks, plan[i].task);
        if (plan[i].role == TRIAL_BASELINE) continue;
        add_name(models, &n_models, plan[i].model);
        has_other = has_other || (other_model.len > 0 && slice_eq(plan[i].model, other_model));
    }
    query->model = side->model.len > 0 ? side->model : has_other ? other_model : (Slice){0};
    query->task = side->task;
    if (query->model.len == 0) TRY(only_name(side, "model", models, n_models, &query->model, err));
    if (query->task.len == 0) TRY(only_name(side, "task", tasks, n_tasks, &query->task, err));
    for (size_t i = 0; i < n; i++) {
        const RunTrial *trial = &plan[i];
        if (!slice_eq(trial->model, query->model) || !slice_eq(trial->task, query->task)) continue;
        if (trial->role != TRIAL_OUTER && trial->role != TRIAL_SINGLE &&
            trial->role != TRIAL_BASELINE)
            continue;
        query->role = trial->role;
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID,
                     "run " SLICE_FMT " has no judged trial of model \"" SLICE_FMT
                     "\" on task \"" SLICE_FMT "\"",
                     SLICE_ARG(side->run_id), SLICE_ARG(query->model), SLICE_ARG(query->task));
}

static int by_id(const void *a, const void *b, void *context)
{
    const JudgedSample *samples = context;
    const JudgedSample *x = &samples[*(const size_t *)a], *y = &samples[*(const size_t *)b];
    const int id = slice_cmp(x->id, y->id);
    if (id != 0) return id;
    if (x->seed != y->seed) return x->seed < y->seed ? -1 : 1;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

static Status read_side(const CompareSide *side, const JudgedQuery *query, Arena *arena, Side *out,
                        Error *err)
{
    TRY(judged_rows_read(side->store, side->run_id, query, arena, &out->rows, err));
    const size_t n = out->rows.n_samples;
    if (n == 0) {
        return error_set(err, STATUS_INVALID,
                         "run " SLICE_FMT ": no answers of model \"" SLICE_FMT "\" are stored yet",
                         SLICE_ARG(side->run_id), SLICE_ARG(query->model));
    }
    TRY(arena_take(arena, n, sizeof *out->order, "an order", &out->order, err));
    TRY(arena_take(arena, n, sizeof *out->paired, "pairs", &out->paired, err));
    for (size_t i = 0; i < n; i++) out->order[i] = i;
    qsort_r(out->order, n, sizeof *out->order, by_id, out->rows.samples);
    return STATUS_OK;
}

static void name_unpaired(Comparison *comparison, Unpaired *list, Slice id)
{
    if (list->n < COMPARE_MAX_NAMED)
        list->named[list->n] = keep_text(&comparison->arena, id, &comparison->out_of_memory);
    list->n++;
}

// The sample at a place in the order of ids.
static const JudgedSample *sample_at(const Side *side, size_t place)
{
    return &side->rows.samples[side->order[place]];
}

// Which side's id comes first, as slice_cmp says it; a side at its end comes last.
static int compare_at(const Side *base, size_t i, const Side *candidate, size_t j)
{
    if (i >= base->rows.n_samples) return 1;
    if (j >= candidate->rows.n_samples) return -1;
    return slice_cmp(sample_at(base, i)->id, sample_at(candidate, j)->id);
}

// Both sides in the order of ids, side by side.
static void pair_samples(Side *base, Side *candidate, Comparison *out)
{
    size_t i = 0, j = 0;
    while (i < base->rows.n_samples || j < candidate->rows.n_samples) {
        const int order = compare_at(base, i, candidate, j);
        if (order < 0) {
            name_unpaired(out, &out->only_base, sample_at(base, i)->id);
        } else if (order > 0) {
            name_unpaired(out, &out->only_candidate, sample_at(candidate, j)->id);
        } else if (!slice_eq(sample_at(base, i)->input_hash, sample_at(candidate, j)->input_hash)) {
            name_unpaired(out, &out->changed, sample_at(base, i)->id);
        } else {
            base->paired[out->n_pairs] = base->order[i];
            candidate->paired[out->n_pairs++] = candidate->order[j];
        }
        if (order <= 0) i++;
        if (order >= 0) j++;
    }
}

static Status fill_table(const Side *side, const Side *base, const JudgedMetric *metric,
                         size_t n_pairs, RowTable *table, Error *err)
{
    for (size_t i = 0; i < n_pairs; i++) {
        // Clusters of both sides are the base's, so that they agree.
        const Slice cluster = base->rows.samples[base->paired[i]].cluster;
        TRY(row_table_add_values(table, metric->rows + side->paired[i] * metric->width, 1, cluster,
                                 err));
    }
    return STATUS_OK;
}

static CompareVerdict verdict_of(const Paired *paired, double margin)
{
    if (paired->verdict == VERDICT_IDENTICAL) return COMPARE_IDENTICAL;
    if (margin > 0 && paired->lo > -margin && paired->hi < margin) return COMPARE_EQUIVALENT;
    if (paired->verdict == VERDICT_BETTER) return COMPARE_BETTER;
    return paired->verdict == VERDICT_WORSE ? COMPARE_WORSE : COMPARE_UNDECIDED;
}

static Status compare_tables(const MetricPlan *plan, const RowTable *base,
                             const RowTable *candidate, const int32_t *folds,
                             const CompareOptions *options, Comparison *comparison,
                             ComparedMetric *out, Error *err)
{
    const RowSet a = row_table_rows(base), b = row_table_rows(candidate);
    const System first = {plan, &a}, second = {plan, &b};
    const PairedOptions paired = {.level = options->level,
                                  .seed = options->seed,
                                  .margin = options->margin,
                                  .pool = options->pool};
    TRY(compare_paired(&first, &second, &paired, &comparison->arena, &out->paired, err));
    TRY(compare_folds(plan, &a, &b, folds, out->paired.level, &out->folds, err));
    const bool is_mcnemar = !isnan(out->paired.p_mcnemar);
    out->test = is_mcnemar ? "McNemar, exact" : "permutation";
    out->p = is_mcnemar ? out->paired.p_mcnemar : out->paired.p_permutation;
    out->verdict = verdict_of(&out->paired, options->margin);
    out->direction = plan->metric->direction == HIGHER_IS_BETTER  ? 1
                     : plan->metric->direction == LOWER_IS_BETTER ? -1
                                                                  : 0;
    out->highest = plan->metric->highest;
    return STATUS_OK;
}

// The fold of each pair, where both sides left it out in the same one.
static Status pair_folds(const Side *base, const Side *candidate, size_t n_pairs, Arena *arena,
                         int32_t **folds, Error *err)
{
    TRY(arena_take(arena, n_pairs, sizeof **folds, "folds", folds, err));
    for (size_t i = 0; i < n_pairs; i++) {
        const int32_t fold = base->rows.samples[base->paired[i]].fold;
        const bool is_shared = candidate->rows.samples[candidate->paired[i]].fold == fold;
        (*folds)[i] = is_shared ? fold : STORE_NO_FOLD;
    }
    return STATUS_OK;
}

static Status compare_metric(const Side *base, const Side *candidate, const JudgedMetric *x,
                             const JudgedMetric *y, const CompareOptions *options,
                             Comparison *comparison, Arena *scratch, Error *err)
{
    MetricPlan plan;
    JsonDocument *document = NULL;
    int32_t *folds;
    TRY(pair_folds(base, candidate, comparison->n_pairs, scratch, &folds, err));
    TRY(judged_plan(&base->rows, x, scratch, &plan, &document, err));
    ComparedMetric *out = &comparison->metrics[comparison->n_metrics];
    *out = (ComparedMetric){
        .name = keep_text(&comparison->arena, x->name, &comparison->out_of_memory),
        .signature = keep_text(&comparison->arena, x->signature, &comparison->out_of_memory)};
    RowTable a, b;
    row_table_init(&a, &plan);
    row_table_init(&b, &plan);
    Status s = fill_table(base, base, x, comparison->n_pairs, &a, err);
    if (s == STATUS_OK) s = fill_table(candidate, base, y, comparison->n_pairs, &b, err);
    if (s == STATUS_OK) s = compare_tables(&plan, &a, &b, folds, options, comparison, out, err);
    if (s == STATUS_OK) comparison->n_metrics++;
    row_table_release(&a);
    row_table_release(&b);
    json_close(&document);
    return s == STATUS_OK ? s : error_wrap(err, "metric " SLICE_FMT, SLICE_ARG(x->name));
}

static bool same_labels(const JudgedRows *a, const JudgedRows *b)
{
    if (a->n_labels != b->n_labels) return false;
    for (size_t i = 0; i < a->n_labels; i++) {
        if (!slice_eq(a->labels[i], b->labels[i])) return false;
    }
    return true;
}

static Status compare_metrics(const Side *base, const Side *candidate,
                              const CompareOptions *options, Comparison *out, Arena *scratch,
                              Error *err)
{
    if (!same_labels(&base->rows, &candidate->rows))
        return error_set(err, STATUS_INVALID, "the two sides were judged with different classes");
    TRY(arena_take(&out->arena, base->rows.n_metrics, sizeof *out->metrics, "compared metrics",
                   &out->metrics, err));
    for (size_t i = 0; i < base->rows.n_metrics; i++) {
        const JudgedMetric *x = &base->rows.metrics[i];
        for (size_t j = 0; j < candidate->rows.n_metrics; j++) {
            const JudgedMetric *y = &candidate->rows.metrics[j];
            if (x->width == 0 || x->width != y->width || !slice_eq(x->signature, y->signature))
                continue;
            TRY(compare_metric(base, candidate, x, y, options, out, scratch, err));
            break;
        }
    }
    if (out->n_metrics > 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "the two sides have no metric of the same signature in common");
}

// Holm over the metrics; then the one that decides.
static Status finish(Comparison *out, Slice primary, Arena *scratch, Error *err)
{
    double *p = NULL;
    TRY(arena_take(scratch, out->n_metrics, sizeof *p, "p-values", &p, err));
    if (out->out_of_memory)
        return error_set(err, STATUS_MEMORY, "out of memory while naming what is compared");
    for (size_t i = 0; i < out->n_metrics; i++) p[i] = out->metrics[i].p;
    TRY(adjust_p_values(CORRECTION_HOLM, p, out->n_metrics, p, err));
    for (size_t i = 0; i < out->n_metrics; i++) {
        out->metrics[i].p_adjusted = p[i];
        // "f1/macro" is decided by the metric "f1".
        const Slice name = out->metrics[i].name;
        if (slice_eq(name, slice_sub(primary, 0, slice_find_byte(primary, '/')))) out->primary = i;
    }
    return STATUS_OK;
}

static Status compare(const CompareSide *base, const CompareSide *candidate,
                      const CompareOptions *options, Comparison *out, Arena *scratch, Error *err)
{
    JudgedQuery base_query = {0}, candidate_query = {0};
    Side a = {0}, b = {0};
    RunRecord record;
    RunSummary summary;
    TRY(store_get_run(base->store, scratch, base->run_id, &record, &summary, err));
    TRY(resolve(base, candidate->model, scratch, &base_query, err));
    TRY(resolve(candidate, base_query.model, scratch, &candidate_query, err));
    TRY(read_side(base, &base_query, scratch, &a, err));
    TRY(read_side(candidate, &candidate_query, scratch, &b, err));
    out->base = keep_cstr(arena_printf(&out->arena, SLICE_FMT " / " SLICE_FMT,
                                       SLICE_ARG(base->run_id), SLICE_ARG(base_query.model)),
                          &out->out_of_memory);
    out->candidate =
        keep_cstr(arena_printf(&out->arena, SLICE_FMT " / " SLICE_FMT, SLICE_ARG(candidate->run_id),
                               SLICE_ARG(candidate_query.model)),
                  &out->out_of_memory);
    out->task = keep_text(&out->arena, base_query.task, &out->out_of_memory);
    out->margin = options->margin;
    pair_samples(&a, &b, out);
    if (out->n_pairs == 0)
        return error_set(
            err, STATUS_INVALID,
            "the two sides have no sample in common: same ids with the same text are wanted");
    TRY(compare_metrics(&a, &b, options, out, scratch, err));
    return finish(out, options->primary.len > 0 ? options->primary : record.primary_metric, scratch,
                  err);
}

Status compare_runs(const CompareSide *base, const CompareSide *candidate,
                    const CompareOptions *options, Comparison *out, Error *err)
{
    static const CompareOptions defaults = {0};
    *out = (Comparison){0};
    Arena scratch = {0};
    const Status s =
        compare(base, candidate, options == NULL ? &defaults : options, out, &scratch, err);
    arena_release(&scratch);
    if (s != STATUS_OK) comparison_release(out);
    return s == STATUS_OK ? s : error_wrap(err, "comparison");
}

void comparison_release(Comparison *comparison)
{
    arena_release(&comparison->arena);
    *comparison = (Comparison){0};
}
