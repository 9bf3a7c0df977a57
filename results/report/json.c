// results/report/json.c: everything a view holds, for programs. README.md documents the fields.
#include "base/clock.h"
#include "base/json_writer.h"
#include "results/report/report_internal.h"

static void put_text(JsonWriter *w, const char *key, Slice text)
{
    json_put_key(w, key);
    if (text.ptr == NULL) {
        json_put_null(w);
    } else {
        json_put_string(w, text);
    }
}

static void put_cstr(JsonWriter *w, const char *key, const char *text)
{
    json_put_key(w, key);
    json_put_cstr(w, text);
}

static void put_i64(JsonWriter *w, const char *key, int64_t value, int64_t absent)
{
    json_put_key(w, key);
    if (value == absent) {
        json_put_null(w);
    } else {
        json_put_i64(w, value);
    }
}

static void put_size(JsonWriter *w, const char *key, uint64_t value)
{
    json_put_key(w, key);
    json_put_u64(w, value);
}

static void put_double(JsonWriter *w, const char *key, double value)
{
    json_put_key(w, key);
    json_put_double(w, value);
}

static void put_bool(JsonWriter *w, const char *key, bool value)
{
    json_put_key(w, key);
    json_put_bool(w, value);
}

static void put_json(JsonWriter *w, const char *key, Slice json)
{
    json_put_key(w, key);
    if (json.len == 0) {
        json_put_null(w);
    } else {
        json_put_raw(w, json);
    }
}

static void begin_array(JsonWriter *w, const char *key)
{
    json_put_key(w, key);
    json_begin_array(w);
}

static void put_time(JsonWriter *w, const char *key, int64_t unix_ns)
{
    char text[CLOCK_TEXT_SIZE];
    if (unix_ns != STORE_NO_TIME) clock_format_utc(unix_ns, text);
    put_cstr(w, key, unix_ns == STORE_NO_TIME ? NULL : text);
}

static void put_place(JsonWriter *w, const RunView *view, int model, int task)
{
    put_text(w, "model", view->models[model].name);
    put_text(w, "task", view->tasks[task].name);
}

static void put_setting(JsonWriter *w, const RunView *view, int setting)
{
    put_json(w, "setting", setting == VIEW_NONE ? (Slice){0} : view->settings_table[setting].json);
}

static void put_score_fields(JsonWriter *w, const StoredScore *score)
{
    put_text(w, "score", score->name);
    put_text(w, "metric", score->metric);
    put_double(w, "estimate", score->estimate);
    put_double(w, "lo", score->lo);
    put_double(w, "hi", score->hi);
    put_double(w, "level", score->level);
    put_text(w, "method", score->method);
    put_size(w, "n", score->n);
}

static void put_run(JsonWriter *w, const RunView *view)
{
    json_put_key(w, "run");
    json_begin_object(w);
    put_text(w, "id", view->run_id);
    put_text(w, "suite", view->suite);
    put_text(w, "status", view->status);
    put_time(w, "started", view->started_unix_ns);
    put_time(w, "finished", view->finished_unix_ns);
    put_size(w, "trials", view->n_trials);
    put_size(w, "done", view->n_done);
    put_size(w, "failed", view->n_failed);
    put_bool(w, "limited", view->is_limited);
    put_text(w, "command", view->command);
    json_end_object(w);
}

static void put_worst_groups(JsonWriter *w, const RunView *view, int model, int task)
{
    Buffer words = {0};
    report_worst_groups(view, model, task, &words);
    if (words.failed) w->out->failed = true;
    if (words.len > 0) put_text(w, "worst_groups", buffer_slice(&words));
    buffer_release(&words);
}

static void put_headlines(JsonWriter *w, const RunView *view, int task)
{
    begin_array(w, "models");
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *headline = run_view_headline(view, (int)m, task, (Slice){0});
        if (headline == NULL) continue;
        size_t n_won = 0, n_folds = 0;
        const int best = run_view_best_setting(view, (int)m, task, &n_won, &n_folds);
        json_begin_object(w);
        put_text(w, "model", view->models[m].name);
        put_bool(w, "is_baseline", view->models[m].is_baseline);
        put_setting(w, view, best != VIEW_NONE ? best : headline->setting);
        put_size(w, "setting_won_folds", n_won);
        put_size(w, "folds", n_folds);
        put_score_fields(w, &headline->score);
        put_worst_groups(w, view, (int)m, task);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_tasks(JsonWriter *w, const RunView *view)
{
    begin_array(w, "tasks");
    for (size_t i = 0; i < view->n_tasks; i++) {
        const ViewTask *task = &view->tasks[i];
        Buffer verdict = {0};
        report_verdict(view, (int)i, &verdict);
        if (verdict.failed) w->out->failed = true;
        json_begin_object(w);
        put_text(w, "task", task->name);
        put_text(w, "dataset", task->dataset);
        put_text(w, "sha256", task->dataset_sha256);
        put_size(w, "samples", task->n_samples);
        begin_array(w, "labels");
        for (size_t j = 0; j < task->n_labels; j++) json_put_string(w, task->labels[j]);
        json_end_array(w);
        put_text(w, "primary", task->primary);
        put_i64(w, "direction", task->direction, 2);
        put_text(w, "verdict", buffer_slice(&verdict));
        put_headlines(w, view, (int)i);
        json_end_object(w);
        buffer_release(&verdict);
    }
    json_end_array(w);
}

static void put_scores(JsonWriter *w, const RunView *view)
{
    begin_array(w, "scores");
    for (size_t i = 0; i < view->n_scores; i++) {
        const ViewScore *score = &view->scores[i];
        json_begin_object(w);
        put_place(w, view, score->model, score->task);
        put_setting(w, view, score->setting);
        put_cstr(w, "role", trial_role_name(score->role));
        if (score->after.len > 0) put_text(w, "after", score->after);
        put_score_fields(w, &score->score);
        put_size(w, "folds", score->n_folds);
        put_size(w, "seeds", score->n_seeds);
        put_size(w, "trials", score->n_trials);
        json_end_object(w);
    }
    json_end_array(w);
}

// Rows of groups, and of the gap between an attribute's groups ("group" null).
static void put_slices(JsonWriter *w, const RunView *view)
{
    begin_array(w, "slices");
    for (size_t i = 0; i < view->n_slices; i++) {
        const ViewSlice *row = &view->slices[i];
        const RunSlice *slice = row->slice;
        json_begin_object(w);
        put_place(w, view, row->model, row->task);
        put_setting(w, view, row->setting);
        put_cstr(w, "role", trial_role_name(row->role));
        put_text(w, "attribute", slice->attribute);
        put_text(w, "group", slice->value);
        put_score_fields(w, &slice->score);
        put_size(w, "n_without", slice->n_without);
        put_double(w, "difference", slice->difference);
        put_double(w, "difference_lo", slice->difference_lo);
        put_double(w, "difference_hi", slice->difference_hi);
        put_double(w, "p", slice->p);
        put_double(w, "p_adjusted", slice->p_adjusted);
        put_bool(w, "is_worst", slice->is_worst);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_cost(JsonWriter *w, const ViewTrial *trial)
{
    json_put_key(w, "cost");
    if (!trial->has_cost) {
        json_put_null(w);
        return;
    }
    const TrialCost *cost = &trial->cost;
    json_begin_object(w);
    put_i64(w, "wall_ns", cost->wall_ns, STORE_NO_TIME);
    put_i64(w, "cpu_ns", cost->cpu_ns, STORE_NO_TIME);
    put_i64(w, "train_ns", cost->train_ns, STORE_NO_TIME);
    put_i64(w, "evaluate_ns", cost->evaluate_ns, STORE_NO_TIME);
    put_size(w, "train_tokens", cost->n_train_tokens);
    put_size(w, "evaluate_tokens", cost->n_evaluate_tokens);
    put_size(w, "peak_rss_bytes", cost->peak_rss_bytes);
    put_double(w, "load_average", cost->load_average);
    put_text(w, "device", cost->device);
    put_size(w, "threads", cost->n_threads);
    json_end_object(w);
}

static void put_curves(JsonWriter *w, const ViewTrial *trial)
{
    json_put_key(w, "curves");
    json_begin_object(w);
    for (size_t i = 0; i < trial->n_series; i++) {
        json_put_key_slice(w, trial->series[i].name);
        json_begin_array(w);
        for (size_t j = 0; j < trial->series[i].n_points; j++) {
            json_begin_array(w);
            json_put_i64(w, trial->series[i].points[j].step);
            json_put_double(w, trial->series[i].points[j].value);
            json_end_array(w);
        }
        json_end_array(w);
    }
    json_end_object(w);
}

static void put_trial(JsonWriter *w, const RunView *view, const ViewTrial *trial)
{
    static const char *const states[] = {"absent", "done", "failed"};
    json_begin_object(w);
    put_text(w, "id", trial->id);
    put_place(w, view, trial->model, trial->task);
    put_setting(w, view, trial->setting);
    put_cstr(w, "role", trial_role_name(trial->role));
    put_i64(w, "outer_fold", trial->outer_fold, STORE_NO_FOLD);
    put_i64(w, "inner_fold", trial->inner_fold, STORE_NO_FOLD);
    put_size(w, "seed", trial->seed);
    put_bool(w, "chosen", trial->is_chosen);
    put_cstr(w, "status", states[trial->status]);
    put_text(w, "error", trial->error);
    put_i64(w, "best_step", trial->best_step, -1);
    begin_array(w, "scores");
    for (size_t i = 0; i < trial->n_scores; i++) {
        json_begin_object(w);
        put_score_fields(w, &trial->scores[i]);
        json_end_object(w);
    }
    json_end_array(w);
    put_cost(w, trial);
    put_curves(w, trial);
    json_end_object(w);
}

static void put_confusions(JsonWriter *w, const RunView *view)
{
    begin_array(w, "confusion");
    for (size_t i = 0; i < view->n_confusions; i++) {
        const ViewConfusion *confusion = &view->confusions[i];
        json_begin_object(w);
        put_place(w, view, confusion->model, confusion->task);
        put_size(w, "samples", confusion->n_samples);
        begin_array(w, "counts");
        for (size_t r = 0; r < confusion->n_labels; r++) {
            json_begin_array(w);
            for (size_t c = 0; c <= confusion->n_labels; c++)
                json_put_u64(w, confusion->counts[r * (confusion->n_labels + 1) + c]);
            json_end_array(w);
        }
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_worst(JsonWriter *w, const RunView *view)
{
    begin_array(w, "worst");
    for (size_t i = 0; i < view->n_worst; i++) {
        const ViewWorst *worst = &view->worst[i];
        json_begin_object(w);
        put_place(w, view, worst->model, worst->task);
        put_text(w, "sample", worst->sample_id);
        put_text(w, "text", worst->input);
        put_text(w, "pair", worst->pair);
        put_text(w, "reference", worst->reference);
        put_text(w, "predicted", worst->predicted);
        put_double(w, "p_reference", worst->p_reference);
        put_double(w, "p_predicted", worst->p_predicted);
        put_i64(w, "outer_fold", worst->outer_fold, STORE_NO_FOLD);
        put_json(w, "explanation", worst->explanation);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_costs(JsonWriter *w, const RunView *view)
{
    begin_array(w, "settings");
    for (size_t i = 0; i < view->n_costs; i++) {
        const ViewCost *cost = &view->costs[i];
        const ViewGap *gap = NULL;
        for (size_t j = 0; j < view->n_gaps; j++) {
            const ViewGap *g = &view->gaps[j];
            if (g->model == cost->model && g->task == cost->task && g->setting == cost->setting)
                gap = g;
        }
        json_begin_object(w);
        put_place(w, view, cost->model, cost->task);
        put_setting(w, view, cost->setting);
        put_text(w, "label", view->settings_table[cost->setting].label);
        put_size(w, "trials", cost->n_trials);
        put_i64(w, "wall_ns", cost->wall_ns, STORE_NO_TIME);
        put_i64(w, "train_ns", cost->train_ns, STORE_NO_TIME);
        put_i64(w, "evaluate_ns", cost->evaluate_ns, STORE_NO_TIME);
        put_i64(w, "latency_median_ns", cost->latency_median_ns, STORE_NO_TIME);
        put_size(w, "peak_rss_bytes", cost->peak_rss_bytes);
        json_put_key(w, "train_loss");
        gap == NULL ? json_put_null(w) : json_put_double(w, gap->train_loss);
        json_put_key(w, "validation_loss");
        gap == NULL ? json_put_null(w) : json_put_double(w, gap->validation_loss);
        put_i64(w, "rises_after_epoch",
                gap != NULL && gap->n_rising * 2 >= gap->n_trials ? gap->rising_epoch : 0, 0);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_remarks(JsonWriter *w, const RunView *view)
{
    begin_array(w, "notes");
    for (size_t i = 0; i < view->n_notes; i++) {
        json_begin_object(w);
        put_cstr(w, "level", view->notes[i].level == NOTE_WARNING ? "warning" : "info");
        put_text(w, "trial", view->notes[i].trial_id);
        put_text(w, "text", view->notes[i].text);
        json_end_object(w);
    }
    json_end_array(w);
    begin_array(w, "data_checks");
    for (size_t i = 0; i < view->n_checks; i++) {
        const CheckRow *check = &view->checks[i];
        json_begin_object(w);
        put_text(w, "task", check->task);
        put_text(w, "section", check->section);
        put_text(w, "item", check->item);
        put_double(w, "number", check->number);
        put_text(w, "value", check->value);
        put_cstr(w, "level", check->level == NOTE_WARNING ? "warning" : "info");
        json_end_object(w);
    }
    json_end_array(w);
}

Status render_json(const RunView *view, const ReportOptions *options, Buffer *out, Error *err)
{
    char mark[SHA256_HEX_SIZE];
    TRY(report_mark(view->inputs_hash, report_find(SLICE("json")), options, mark, err));
    JsonWriter w = json_writer(out, 1);
    json_begin_object(&w);
    put_cstr(&w, "format", "assay-report");
    put_size(&w, "version", REPORT_RENDERER_VERSION);
    put_cstr(&w, report_mark_label, mark);
    put_run(&w, view);
    put_tasks(&w, view);
    put_remarks(&w, view);
    put_scores(&w, view);
    put_slices(&w, view);
    put_costs(&w, view);
    begin_array(&w, "trials");
    for (size_t i = 0; i < view->n_trials; i++) put_trial(&w, view, &view->trials[i]);
    json_end_array(&w);
    put_confusions(&w, view);
    put_worst(&w, view);
    put_json(&w, "manifest", view->manifest);
    put_json(&w, "machine", view->manifest_machine);
    put_json(&w, "suite", view->settings);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
    return buffer_status(out, err);
}
