// results/report/json.c: everything a view holds, for programs. README.md documents the fields.
#include "base/clock.h"
#include "base/json_writer.h"
#include "results/report/report_internal.h"

static void put_time(JsonWriter *w, const char *key, int64_t unix_ns)
{
    char text[CLOCK_TEXT_SIZE];
    if (unix_ns != STORE_NO_TIME) clock_format_utc(unix_ns, text);
    json_member_cstr(w, key, unix_ns == STORE_NO_TIME ? NULL : text);
}

static void put_place(JsonWriter *w, const RunView *view, int model, int task)
{
    json_member_string_or_null(w, "model", view->models[model].name);
    json_member_string_or_null(w, "task", view->tasks[task].name);
}

static void put_setting(JsonWriter *w, const RunView *view, int setting)
{
    json_member_raw_or_null(w, "setting",
                            setting == VIEW_NONE ? (Slice){0} : view->settings_table[setting].json);
}

static void put_score_fields(JsonWriter *w, const StoredScore *score)
{
    json_member_string_or_null(w, "score", score->name);
    json_member_string_or_null(w, "metric", score->metric);
    stored_score_numbers(w, score);
}

static void put_run(JsonWriter *w, const RunView *view)
{
    json_member_object(w, "run");
    json_member_string_or_null(w, "id", view->run_id);
    json_member_string_or_null(w, "suite", view->suite);
    json_member_string_or_null(w, "status", view->status);
    put_time(w, "started", view->started_unix_ns);
    put_time(w, "finished", view->finished_unix_ns);
    json_member_u64(w, "trials", view->n_trials);
    json_member_u64(w, "done", view->n_done);
    json_member_u64(w, "failed", view->n_failed);
    json_member_bool(w, "limited", view->is_limited);
    json_member_string_or_null(w, "command", view->command);
    json_end_object(w);
}

static void put_worst_groups(JsonWriter *w, const RunView *view, int model, int task)
{
    Buffer words = {0};
    report_worst_groups(view, model, task, &words);
    if (words.failed) w->out->failed = true;
    if (words.len > 0) json_member_string_or_null(w, "worst_groups", buffer_slice(&words));
    buffer_release(&words);
}

static void put_headlines(JsonWriter *w, const RunView *view, int task)
{
    json_member_array(w, "models");
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *headline = run_view_headline(view, (int)m, task, (Slice){0});
        if (headline == NULL) continue;
        size_t n_won = 0, n_folds = 0;
        const int best = run_view_best_setting(view, (int)m, task, &n_won, &n_folds);
        json_begin_object(w);
        json_member_string_or_null(w, "model", view->models[m].name);
        json_member_bool(w, "is_baseline", view->models[m].is_baseline);
        put_setting(w, view, best != VIEW_NONE ? best : headline->setting);
        json_member_u64(w, "setting_won_folds", n_won);
        json_member_u64(w, "folds", n_folds);
        put_score_fields(w, &headline->score);
        put_worst_groups(w, view, (int)m, task);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_tasks(JsonWriter *w, const RunView *view)
{
    json_member_array(w, "tasks");
    for (size_t i = 0; i < view->n_tasks; i++) {
        const ViewTask *task = &view->tasks[i];
        Buffer verdict = {0};
        report_verdict(view, (int)i, &verdict);
        if (verdict.failed) w->out->failed = true;
        json_begin_object(w);
        json_member_string_or_null(w, "task", task->name);
        json_member_string_or_null(w, "dataset", task->dataset);
        json_member_string_or_null(w, "sha256", task->dataset_sha256);
        json_member_u64(w, "samples", task->n_samples);
        json_member_array(w, "labels");
        for (size_t j = 0; j < task->n_labels; j++) json_put_string(w, task->labels[j]);
        json_end_array(w);
        json_member_string_or_null(w, "primary", task->primary);
        json_member_i64_or_null(w, "direction", task->direction, 2);
        json_member_string_or_null(w, "verdict", buffer_slice(&verdict));
        put_headlines(w, view, (int)i);
        json_end_object(w);
        buffer_release(&verdict);
    }
    json_end_array(w);
}

static void put_scores(JsonWriter *w, const RunView *view)
{
    json_member_array(w, "scores");
    for (size_t i = 0; i < view->n_scores; i++) {
        const ViewScore *score = &view->scores[i];
        json_begin_object(w);
        put_place(w, view, score->model, score->task);
        put_setting(w, view, score->setting);
        json_member_cstr(w, "role", trial_role_name(score->role));
        if (score->after.len > 0) json_member_string_or_null(w, "after", score->after);
        put_score_fields(w, &score->score);
        json_member_u64(w, "folds", score->n_folds);
        json_member_u64(w, "seeds", score->n_seeds);
        json_member_u64(w, "trials", score->n_trials);
        json_end_object(w);
    }
    json_end_array(w);
}

// Rows of groups, and of the gap between an attribute's groups ("group" null).
static void put_slices(JsonWriter *w, const RunView *view)
{
    json_member_array(w, "slices");
    for (size_t i = 0; i < view->n_slices; i++) {
        const ViewSlice *row = &view->slices[i];
        const RunSlice *slice = row->slice;
        json_begin_object(w);
        put_place(w, view, row->model, row->task);
        put_setting(w, view, row->setting);
        json_member_cstr(w, "role", trial_role_name(row->role));
        json_member_string_or_null(w, "attribute", slice->attribute);
        json_member_string_or_null(w, "group", slice->value);
        put_score_fields(w, &slice->score);
        json_member_u64(w, "n_without", slice->n_without);
        json_member_double(w, "difference", slice->difference);
        json_member_double(w, "difference_lo", slice->difference_lo);
        json_member_double(w, "difference_hi", slice->difference_hi);
        json_member_double(w, "p", slice->p);
        json_member_double(w, "p_adjusted", slice->p_adjusted);
        json_member_bool(w, "is_worst", slice->is_worst);
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
    json_member_i64_or_null(w, "wall_ns", cost->wall_ns, STORE_NO_TIME);
    json_member_i64_or_null(w, "cpu_ns", cost->cpu_ns, STORE_NO_TIME);
    json_member_i64_or_null(w, "train_ns", cost->train_ns, STORE_NO_TIME);
    json_member_i64_or_null(w, "evaluate_ns", cost->evaluate_ns, STORE_NO_TIME);
    json_member_u64(w, "train_tokens", cost->n_train_tokens);
    json_member_u64(w, "evaluate_tokens", cost->n_evaluate_tokens);
    json_member_u64(w, "peak_rss_bytes", cost->peak_rss_bytes);
    json_member_double(w, "load_average", cost->load_average);
    json_member_string_or_null(w, "device", cost->device);
    json_member_u64(w, "threads", cost->n_threads);
    json_end_object(w);
}

static void put_curves(JsonWriter *w, const ViewTrial *trial)
{
    json_member_object(w, "curves");
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
    json_member_string_or_null(w, "id", trial->id);
    put_place(w, view, trial->model, trial->task);
    put_setting(w, view, trial->setting);
    json_member_cstr(w, "role", trial_role_name(trial->role));
    json_member_i64_or_null(w, "outer_fold", trial->outer_fold, STORE_NO_FOLD);
    json_member_i64_or_null(w, "inner_fold", trial->inner_fold, STORE_NO_FOLD);
    json_member_u64(w, "seed", trial->seed);
    json_member_bool(w, "chosen", trial->is_chosen);
    json_member_cstr(w, "status", states[trial->status]);
    json_member_string_or_null(w, "error", trial->error);
    json_member_i64_or_null(w, "best_step", trial->best_step, -1);
    json_member_array(w, "scores");
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
    json_member_array(w, "confusion");
    for (size_t i = 0; i < view->n_confusions; i++) {
        const ViewConfusion *confusion = &view->confusions[i];
        json_begin_object(w);
        put_place(w, view, confusion->model, confusion->task);
        json_member_u64(w, "samples", confusion->n_samples);
        json_member_array(w, "counts");
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
    json_member_array(w, "worst");
    for (size_t i = 0; i < view->n_worst; i++) {
        const ViewWorst *worst = &view->worst[i];
        json_begin_object(w);
        put_place(w, view, worst->model, worst->task);
        json_member_string_or_null(w, "sample", worst->sample_id);
        json_member_string_or_null(w, "text", worst->input);
        json_member_string_or_null(w, "pair", worst->pair);
        json_member_string_or_null(w, "reference", worst->reference);
        json_member_string_or_null(w, "predicted", worst->predicted);
        json_member_double(w, "p_reference", worst->p_reference);
        json_member_double(w, "p_predicted", worst->p_predicted);
        json_member_i64_or_null(w, "outer_fold", worst->outer_fold, STORE_NO_FOLD);
        json_member_raw_or_null(w, "explanation", worst->explanation);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_costs(JsonWriter *w, const RunView *view)
{
    json_member_array(w, "settings");
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
        json_member_string_or_null(w, "label", view->settings_table[cost->setting].label);
        json_member_u64(w, "trials", cost->n_trials);
        json_member_i64_or_null(w, "wall_ns", cost->wall_ns, STORE_NO_TIME);
        json_member_i64_or_null(w, "train_ns", cost->train_ns, STORE_NO_TIME);
        json_member_i64_or_null(w, "evaluate_ns", cost->evaluate_ns, STORE_NO_TIME);
        json_member_i64_or_null(w, "latency_median_ns", cost->latency_median_ns, STORE_NO_TIME);
        json_member_u64(w, "peak_rss_bytes", cost->peak_rss_bytes);
        json_put_key(w, "train_loss");
        gap == NULL ? json_put_null(w) : json_put_double(w, gap->train_loss);
        json_put_key(w, "validation_loss");
        gap == NULL ? json_put_null(w) : json_put_double(w, gap->validation_loss);
        json_member_i64_or_null(
            w, "rises_after_epoch",
            gap != NULL && gap->n_rising * 2 >= gap->n_trials ? gap->rising_epoch : 0, 0);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_remarks(JsonWriter *w, const RunView *view)
{
    json_member_array(w, "notes");
    for (size_t i = 0; i < view->n_notes; i++) {
        json_begin_object(w);
        json_member_cstr(w, "level", view->notes[i].level == NOTE_WARNING ? "warning" : "info");
        json_member_string_or_null(w, "trial", view->notes[i].trial_id);
        json_member_string_or_null(w, "text", view->notes[i].text);
        json_end_object(w);
    }
    json_end_array(w);
    json_member_array(w, "data_checks");
    for (size_t i = 0; i < view->n_checks; i++) {
        const CheckRow *check = &view->checks[i];
        json_begin_object(w);
        json_member_string_or_null(w, "task", check->task);
        json_member_string_or_null(w, "section", check->section);
        json_member_string_or_null(w, "item", check->item);
        json_member_double(w, "number", check->number);
        json_member_string_or_null(w, "value", check->value);
        json_member_cstr(w, "level", check->level == NOTE_WARNING ? "warning" : "info");
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
    json_member_cstr(&w, "format", "assay-report");
    json_member_u64(&w, "version", REPORT_RENDERER_VERSION);
    json_member_cstr(&w, report_mark_label, mark);
    put_run(&w, view);
    put_tasks(&w, view);
    put_remarks(&w, view);
    put_scores(&w, view);
    put_slices(&w, view);
    put_costs(&w, view);
    json_member_array(&w, "trials");
    for (size_t i = 0; i < view->n_trials; i++) put_trial(&w, view, &view->trials[i]);
    json_end_array(&w);
    put_confusions(&w, view);
    put_worst(&w, view);
    json_member_raw_or_null(&w, "manifest", view->manifest);
    json_member_raw_or_null(&w, "machine", view->manifest_machine);
    json_member_raw_or_null(&w, "suite", view->settings);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
    return buffer_status(out, err);
}
