// results/export.c: a run as JSON Lines, without times and machine, in one order.
//
// One object a line, its kind first: "run", then "dataset" with its "sample" lines, "folds", "trial" (in the order of the
// plan, a trial planned twice once) with its "score", "curve", "output" and "metric_rows" lines, then "run_score",
// "data_check" and "note" lines. Row ids of the database do not appear: they depend on the order in which things came in.
#include "base/json_writer.h"
#include "results/store_internal.h"

typedef struct Export {
    Store *store;
    StoreSink sink;
    void *context;
    Buffer line;
    Arena arena; // of one piece; rewound after it
} Export;

static Status put_line(Export *export, Error *err)
{
    buffer_append_byte(&export->line, '\n');
    TRY(buffer_status(&export->line, err));
    TRY(export->sink(export->context, buffer_slice(&export->line), err));
    buffer_clear(&export->line);
    return STATUS_OK;
}

static JsonWriter begin_line(Export *export, const char *kind)
{
    JsonWriter w = json_writer(&export->line, 0);
    json_begin_object(&w);
    json_member_cstr(&w, "kind", kind);
    return w;
}

static Status end_line(Export *export, JsonWriter *w, Error *err)
{
    json_end_object(w);
    return put_line(export, err);
}

static void put_score_fields(JsonWriter *w, const StoredScore *score)
{
    json_member_string_or_null(w, "metric", score->metric);
    json_member_string_or_null(w, "name", score->name);
    stored_score_numbers(w, score);
    json_member_i64_or_null(w, "direction", score->direction, 2);
    json_member_double(w, "lowest", score->lowest);
    json_member_double(w, "highest", score->highest);
}

static Status export_samples(Export *export, const StoredDataset *dataset, Error *err)
{
    for (size_t i = 0; i < dataset->n_samples; i++) {
        const StoredSample *sample = &dataset->samples[i];
        JsonWriter w = begin_line(export, "sample");
        json_member_i64_or_null(&w, "ordinal", (int64_t)i, -1);
        json_member_string_or_null(&w, "id", sample->id);
        json_member_string_or_null(&w, "input", sample->input);
        json_member_string_or_null(&w, "pair", sample->pair);
        json_member_string_or_null(&w, "reference", sample->reference);
        json_member_i64_or_null(&w, "label", sample->label, STORE_NO_LABEL);
        json_member_string_or_null(&w, "group", sample->group);
        json_member_raw_or_null(&w, "attributes", sample->attributes);
        TRY(end_line(export, &w, err));
    }
    return STATUS_OK;
}

static Status export_dataset(Export *export, Slice key, Error *err)
{
    StoredDataset dataset;
    TRY(store_get_dataset(export->store, &export->arena, key, &dataset, err));
    JsonWriter w = begin_line(export, "dataset");
    json_member_string_or_null(&w, "key", dataset.key);
    json_member_string_or_null(&w, "sha256", dataset.sha256);
    json_member_array(&w, "labels");
    for (size_t i = 0; i < dataset.n_labels; i++) json_put_string(&w, dataset.labels[i]);
    json_end_array(&w);
    TRY(end_line(export, &w, err));
    return export_samples(export, &dataset, err);
}

static Status export_folds(Export *export, Slice key, Error *err)
{
    size_t k = 0, n = 0;
    int32_t *folds = NULL;
    TRY(store_get_folds(export->store, &export->arena, key, &k, &folds, &n, err));
    JsonWriter w = begin_line(export, "folds");
    json_member_string_or_null(&w, "key", key);
    json_member_i64_or_null(&w, "k", (int64_t)k, -1);
    json_member_array(&w, "folds");
    for (size_t i = 0; i < n; i++) json_put_i64(&w, folds[i]);
    json_end_array(&w);
    return end_line(export, &w, err);
}

static Status export_curves(Export *export, const Trial *trial, Error *err)
{
    for (size_t i = 0; i < trial->n_curves; i++) {
        const TrialCurve *curve = &trial->curves[i];
        JsonWriter w = begin_line(export, "curve");
        json_member_string_or_null(&w, "series", curve->series);
        json_member_array(&w, "points");
        for (size_t j = 0; j < curve->n_points; j++) {
            json_begin_array(&w);
            json_put_i64(&w, curve->points[j].step);
            json_put_double(&w, curve->points[j].value);
            json_end_array(&w);
        }
        json_end_array(&w);
        TRY(end_line(export, &w, err));
    }
    return STATUS_OK;
}

static Status export_outputs(Export *export, const Trial *trial, Error *err)
{
    for (size_t i = 0; i < trial->n_outputs; i++) {
        const TrialOutput *output = &trial->outputs[i];
        JsonWriter w = begin_line(export, "output");
        json_member_i64_or_null(&w, "ordinal", output->ordinal, -1);
        json_member_i64_or_null(&w, "label", output->label, STORE_NO_LABEL);
        json_member_string_or_null(&w, "text", output->text);
        json_put_key(&w, "probabilities");
        if (output->probabilities == NULL) {
            json_put_null(&w);
        } else {
            json_begin_array(&w);
            for (size_t j = 0; j < output->n_probabilities; j++)
                json_put_float(&w, output->probabilities[j]);
            json_end_array(&w);
        }
        if (output->explanation.len > 0)
            json_member_raw_or_null(&w, "explanation", output->explanation);
        TRY(end_line(export, &w, err));
    }
    return STATUS_OK;
}

static Status export_metric(Export *export, const Trial *trial, const TrialMetric *metric,
                            Error *err)
{
    JsonWriter w = begin_line(export, "metric_rows");
    json_member_string_or_null(&w, "metric", metric->name);
    json_member_raw_or_null(&w, "params", metric->params);
    json_member_string_or_null(&w, "signature", metric->signature);
    json_member_array(&w, "rows");
    for (size_t i = 0; i < trial->n_outputs; i++) {
        json_begin_array(&w);
        for (size_t j = 0; j < metric->width; j++)
            json_put_double(&w, metric->rows[i * metric->width + j]);
        json_end_array(&w);
    }
    json_end_array(&w);
    return end_line(export, &w, err);
}

static Status export_trial_parts(Export *export, const Trial *trial, Error *err)
{
    for (size_t i = 0; i < trial->n_scores; i++) {
        JsonWriter w = begin_line(export, "score");
        put_score_fields(&w, &trial->scores[i]);
        TRY(end_line(export, &w, err));
    }
    TRY(export_curves(export, trial, err));
    TRY(export_outputs(export, trial, err));
    for (size_t i = 0; i < trial->n_metrics; i++)
        TRY(export_metric(export, trial, &trial->metrics[i], err));
    return STATUS_OK;
}

// The plan's line of a trial, then what it gave. A trial that is not there yet has its line alone.
static Status export_trial(Export *export, const RunTrial *planned, TrialStatus status,
                           bool with_parts, Error *err)
{
    static const char *const names[] = {"absent", "done", "failed"};
    Trial trial = {0};
    if (status != TRIAL_ABSENT)
        TRY(store_get_trial(export->store, &export->arena, planned->trial_id,
                            with_parts ? TRIAL_ALL : TRIAL_HEAD, &trial, err));
    JsonWriter w = begin_line(export, "trial");
    json_member_string_or_null(&w, "id", planned->trial_id);
    json_member_string_or_null(&w, "model", planned->model);
    json_member_string_or_null(&w, "task", planned->task);
    json_member_raw_or_null(&w, "setting", planned->setting);
    json_member_cstr(&w, "role", trial_role_name(planned->role));
    json_member_i64_or_null(&w, "outer_fold", planned->outer_fold, STORE_NO_FOLD);
    json_member_i64_or_null(&w, "inner_fold", planned->inner_fold, STORE_NO_FOLD);
    json_member_u64(&w, "seed", planned->seed);
    json_member_bool(&w, "is_chosen", planned->is_chosen);
    json_member_cstr(&w, "status", names[status]);
    json_member_string_or_null(&w, "error", trial.error);
    json_member_i64_or_null(&w, "best_step", status == TRIAL_ABSENT ? -1 : trial.best_step, -1);
    json_member_raw_or_null(&w, "identity", trial.identity);
    TRY(end_line(export, &w, err));
    return with_parts ? export_trial_parts(export, &trial, err) : STATUS_OK;
}

static bool is_first_use(const RunTrial *trials, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (slice_eq(trials[j].trial_id, trials[i].trial_id)) return false;
    }
    return true;
}

static bool key_seen(const Slice *keys, size_t n, Slice key)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq(keys[i], key)) return true;
    }
    return false;
}

// Data sets and folds in the order in which the plan first needs them.
static Status export_inputs(Export *export, Arena *arena, const RunTrial *trials,
                            const TrialStatus *status, size_t n, Error *err)
{
    Slice *keys = NULL;
    TRY(arena_take(arena, n * 2 + 1, sizeof *keys, "keys", &keys, err));
    size_t n_keys = 0;
    for (size_t i = 0; i < n; i++) {
        if (status[i] == TRIAL_ABSENT) continue;
        Trial trial;
        TRY(store_get_trial(export->store, arena, trials[i].trial_id, TRIAL_HEAD, &trial, err));
        const ArenaMark mark = arena_mark(&export->arena);
        if (trial.dataset_key.len > 0 && !key_seen(keys, n_keys, trial.dataset_key)) {
            keys[n_keys++] = trial.dataset_key;
            TRY(export_dataset(export, trial.dataset_key, err));
        }
        if (trial.folds_key.len > 0 && !key_seen(keys, n_keys, trial.folds_key)) {
            keys[n_keys++] = trial.folds_key;
            TRY(export_folds(export, trial.folds_key, err));
        }
        arena_rewind(&export->arena, mark);
    }
    return STATUS_OK;
}

static Status export_run_scores(Export *export, Slice run_id, Error *err)
{
    RunScore *scores = NULL;
    size_t n = 0;
    TRY(store_get_run_scores(export->store, &export->arena, run_id, &scores, &n, err));
    for (size_t i = 0; i < n; i++) {
        JsonWriter w = begin_line(export, "run_score");
        json_member_string_or_null(&w, "model", scores[i].model);
        json_member_string_or_null(&w, "task", scores[i].task);
        json_member_raw_or_null(&w, "setting", scores[i].setting);
        json_member_cstr(&w, "role", trial_role_name(scores[i].role));
        put_score_fields(&w, &scores[i].score);
        json_member_i64_or_null(&w, "n_folds", scores[i].n_folds, -1);
        json_member_i64_or_null(&w, "n_seeds", scores[i].n_seeds, -1);
        json_member_i64_or_null(&w, "n_trials", scores[i].n_trials, -1);
        TRY(end_line(export, &w, err));
    }
    return STATUS_OK;
}

static Status export_run_slices(Export *export, Slice run_id, Error *err)
{
    RunSlice *slices = NULL;
    size_t n = 0;
    TRY(store_get_run_slices(export->store, &export->arena, run_id, &slices, &n, err));
    for (size_t i = 0; i < n; i++) {
        const RunSlice *slice = &slices[i];
        JsonWriter w = begin_line(export, "run_slice");
        json_member_string_or_null(&w, "model", slice->model);
        json_member_string_or_null(&w, "task", slice->task);
        json_member_raw_or_null(&w, "setting", slice->setting);
        json_member_cstr(&w, "role", trial_role_name(slice->role));
        json_member_string_or_null(&w, "attribute", slice->attribute);
        json_member_string_or_null(&w, "value", slice->value);
        put_score_fields(&w, &slice->score);
        json_member_i64_or_null(&w, "n_without", (int64_t)slice->n_without, -1);
        json_member_double(&w, "difference", slice->difference);
        json_member_double(&w, "difference_lo", slice->difference_lo);
        json_member_double(&w, "difference_hi", slice->difference_hi);
        json_member_double(&w, "p", slice->p);
        json_member_double(&w, "p_adjusted", slice->p_adjusted);
        json_member_bool(&w, "is_worst", slice->is_worst);
        TRY(end_line(export, &w, err));
    }
    return STATUS_OK;
}

static Status export_remarks(Export *export, Slice run_id, Error *err)
{
    CheckRow *checks = NULL;
    RunNote *notes = NULL;
    size_t n_checks = 0, n_notes = 0;
    TRY(store_get_data_checks(export->store, &export->arena, run_id, &checks, &n_checks, err));
    for (size_t i = 0; i < n_checks; i++) {
        JsonWriter w = begin_line(export, "data_check");
        json_member_string_or_null(&w, "task", checks[i].task);
        json_member_string_or_null(&w, "section", checks[i].section);
        json_member_string_or_null(&w, "item", checks[i].item);
        json_member_double(&w, "number", checks[i].number);
        json_member_string_or_null(&w, "value", checks[i].value);
        json_member_string_or_null(
            &w, "level", checks[i].level == NOTE_WARNING ? SLICE("warning") : SLICE("info"));
        TRY(end_line(export, &w, err));
    }
    TRY(store_get_notes(export->store, &export->arena, run_id, &notes, &n_notes, err));
    for (size_t i = 0; i < n_notes; i++) {
        JsonWriter w = begin_line(export, "note");
        json_member_string_or_null(
            &w, "level", notes[i].level == NOTE_WARNING ? SLICE("warning") : SLICE("info"));
        json_member_string_or_null(&w, "trial", notes[i].trial_id);
        json_member_string_or_null(&w, "text", notes[i].text);
        TRY(end_line(export, &w, err));
    }
    return STATUS_OK;
}

static Status export_head(Export *export, Slice run_id, Error *err)
{
    RunRecord record;
    RunSummary summary;
    TRY(store_get_run(export->store, &export->arena, run_id, &record, &summary, err));
    JsonWriter w = begin_line(export, "run");
    json_member_string_or_null(&w, "id", run_id);
    json_member_string_or_null(&w, "suite", record.suite);
    json_member_raw_or_null(&w, "identity", record.identity);
    json_member_raw_or_null(&w, "manifest", record.manifest);
    json_member_string_or_null(&w, "primary_metric", record.primary_metric);
    return end_line(export, &w, err);
}

static Status export_run(Export *export, Arena *arena, Slice run_id, Error *err)
{
    TRY(export_head(export, run_id, err));
    RunTrial *trials = NULL;
    TrialStatus *status = NULL;
    size_t n = 0;
    TRY(store_get_plan(export->store, arena, run_id, &trials, &status, &n, err));
    TRY(export_inputs(export, arena, trials, status, n, err));
    for (size_t i = 0; i < n; i++) {
        const ArenaMark mark = arena_mark(&export->arena);
        const bool with_parts = status[i] != TRIAL_ABSENT && is_first_use(trials, i);
        TRY(export_trial(export, &trials[i], status[i], with_parts, err));
        arena_rewind(&export->arena, mark);
    }
    TRY(export_run_scores(export, run_id, err));
    TRY(export_run_slices(export, run_id, err));
    return export_remarks(export, run_id, err);
}

Status store_export_canonical(Store *store, Slice run_id, StoreSink sink, void *context, Error *err)
{
    Export export = {.store = store, .sink = sink, .context = context};
    Arena arena = {0};
    // One read transaction: a writer beside us does not show half of what it does.
    Status s = store_exec(store, "BEGIN", err);
    if (s == STATUS_OK) {
        s = export_run(&export, &arena, run_id, err);
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    buffer_release(&export.line);
    arena_release(&export.arena);
    arena_release(&arena);
    return s;
}

static Status into_buffer(void *context, Slice bytes, Error *err)
{
    buffer_append(context, bytes);
    return buffer_status(context, err);
}

Status store_export_canonical_buffer(Store *store, Slice run_id, Buffer *out, Error *err)
{
    return store_export_canonical(store, run_id, into_buffer, out, err);
}
