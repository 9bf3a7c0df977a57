// results/run_view.c: from the store's rows to tables that refer to each other.
#include <math.h>

#include "base/json.h"
#include "results/keep.h"
#include "results/manifest.h"
#include "results/run_view_internal.h"
#include "results/store_internal.h"

enum { DEFAULT_WORST = 20 };

static int find_model(const RunView *view, Slice name)
{
    for (size_t i = 0; i < view->n_models; i++) {
        if (slice_eq(view->models[i].name, name)) return (int)i;
    }
    return VIEW_NONE;
}

static int find_task(const RunView *view, Slice name)
{
    for (size_t i = 0; i < view->n_tasks; i++) {
        if (slice_eq(view->tasks[i].name, name)) return (int)i;
    }
    return VIEW_NONE;
}

static int find_setting(const RunView *view, Slice json)
{
    for (size_t i = 0; i < view->n_settings; i++) {
        if (slice_eq(view->settings_table[i].json, json)) return (int)i;
    }
    return VIEW_NONE;
}

// Models, tasks and settings in the order in which the plan names them; baselines after all others.
static Status collect_names(ViewBuild *build, const RunTrial *plan, size_t n, Error *err)
{
    RunView *view = build->view;
    TRY(arena_take(&view->arena, n, sizeof *view->models, "models", &view->models, err));
    TRY(arena_take(&view->arena, n, sizeof *view->tasks, "tasks", &view->tasks, err));
    TRY(arena_take(&view->arena, n, sizeof *view->settings_table, "settings", &view->settings_table,
                   err));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            const bool is_baseline = plan[i].role == TRIAL_BASELINE;
            if (is_baseline != (pass == 1)) continue;
            if (find_model(view, plan[i].model) == VIEW_NONE)
                view->models[view->n_models++] = (ViewModel){plan[i].model, is_baseline};
            if (find_task(view, plan[i].task) == VIEW_NONE)
                view->tasks[view->n_tasks++] = (ViewTask){.name = plan[i].task};
            if (find_setting(view, plan[i].setting) != VIEW_NONE) continue;
            view->settings_table[view->n_settings] = (ViewSetting){.json = plan[i].setting};
            TRY(view_parse_setting(build, &view->settings_table[view->n_settings++], err));
        }
    }
    return view_find_axes(build, err);
}

// Means of equal stretches of points; NaN stays visible. A stretch bears the step of its first point.
static Status thin_curve(Arena *arena, const TrialCurve *curve, bool *out_of_memory,
                         ViewSeries *out, Error *err)
{
    const size_t n = curve->n_points;
    const size_t per_point = (n + VIEW_MAX_POINTS - 1) / VIEW_MAX_POINTS;
    CurvePoint *points = NULL;
    out->name = keep_text(arena, curve->series, out_of_memory);
    out->n_recorded = n;
    TRY(arena_take(arena, n < VIEW_MAX_POINTS ? n : VIEW_MAX_POINTS, sizeof *points, "a curve",
                   &points, err));
    for (size_t begin = 0; begin < n; begin += per_point) {
        const size_t end = begin + per_point < n ? begin + per_point : n;
        double sum = 0;
        for (size_t i = begin; i < end; i++) sum += curve->points[i].value;
        points[out->n_points++] =
            (CurvePoint){curve->points[begin].step, sum / (double)(end - begin)};
    }
    out->points = points;
    return STATUS_OK;
}

static Status read_curves(ViewBuild *build, ViewTrial *out, Error *err)
{
    RunView *view = build->view;
    Trial trial;
    TRY(store_get_trial(build->store, &build->scratch, out->id, TRIAL_CURVES, &trial, err));
    ViewSeries *series = NULL;
    TRY(arena_take(&view->arena, trial.n_curves, sizeof *series, "curves", &series, err));
    for (size_t i = 0; i < trial.n_curves; i++)
        TRY(thin_curve(&view->arena, &trial.curves[i], &build->out_of_memory, &series[i], err));
    out->series = series;
    out->n_series = trial.n_curves;
    return STATUS_OK;
}

static Status read_trial(ViewBuild *build, ViewTask *task, ViewTrial *out, Error *err)
{
    Trial trial;
    TRY(store_get_trial(build->store, &build->view->arena, out->id, TRIAL_HEAD, &trial, err));
    out->error = trial.error;
    out->best_step = trial.best_step;
    out->scores = trial.scores;
    out->n_scores = trial.n_scores;
    out->has_cost = trial.cost != NULL;
    if (out->has_cost) out->cost = *trial.cost;
    if (task->dataset_key.len == 0) task->dataset_key = trial.dataset_key;
    const ArenaMark mark = arena_mark(&build->scratch);
    const Status s = read_curves(build, out, err);
    arena_rewind(&build->scratch, mark);
    return s;
}

static Status read_trials(ViewBuild *build, const RunTrial *plan, const TrialStatus *status,
                          size_t n, Error *err)
{
    RunView *view = build->view;
    TRY(arena_take(&view->arena, n, sizeof *view->trials, "trials", &view->trials, err));
    view->n_trials = n;
    for (size_t i = 0; i < n; i++) {
        ViewTrial *trial = &view->trials[i];
        *trial = (ViewTrial){.id = plan[i].trial_id,
                             .model = find_model(view, plan[i].model),
                             .task = find_task(view, plan[i].task),
                             .setting = find_setting(view, plan[i].setting),
                             .role = plan[i].role,
                             .outer_fold = plan[i].outer_fold,
                             .inner_fold = plan[i].inner_fold,
                             .seed = plan[i].seed,
                             .is_chosen = plan[i].is_chosen,
                             .status = status[i],
                             .best_step = -1};
        if (status[i] == TRIAL_ABSENT) continue;
        view->n_done += status[i] == TRIAL_DONE;
        view->n_failed += status[i] == TRIAL_FAILED;
        TRY(read_trial(build, &view->tasks[trial->task], trial, err));
    }
    return STATUS_OK;
}

static Status read_scores(ViewBuild *build, Error *err)
{
    RunView *view = build->view;
    RunScore *scores = NULL;
    size_t n = 0;
    TRY(store_get_run_scores(build->store, &view->arena, view->run_id, &scores, &n, err));
    TRY(arena_take(&view->arena, n, sizeof *view->scores, "scores", &view->scores, err));
    for (size_t i = 0; i < n; i++) {
        const int model = find_model(view, scores[i].model), task = find_task(view, scores[i].task);
        if (model == VIEW_NONE || task == VIEW_NONE) continue; // of an older plan of this run
        view->scores[view->n_scores++] = (ViewScore){
            .model = model,
            .task = task,
            .setting =
                scores[i].setting.ptr == NULL ? VIEW_NONE : find_setting(view, scores[i].setting),
            .train_samples = scores[i].role == TRIAL_CURVE ? view_point_of(scores[i].setting) : 0,
            .after =
                scores[i].role == TRIAL_AFTER ? view_step_of(build, scores[i].setting) : (Slice){0},
            .role = scores[i].role,
            .score = scores[i].score,
            .n_folds = scores[i].n_folds,
            .n_seeds = scores[i].n_seeds,
            .n_trials = scores[i].n_trials};
    }
    return STATUS_OK;
}

static Status read_slices(ViewBuild *build, Error *err)
{
    RunView *view = build->view;
    RunSlice *slices = NULL;
    size_t n = 0;
    TRY(store_get_run_slices(build->store, &view->arena, view->run_id, &slices, &n, err));
    TRY(arena_take(&view->arena, n, sizeof *view->slices, "slices", &view->slices, err));
    for (size_t i = 0; i < n; i++) {
        const int model = find_model(view, slices[i].model), task = find_task(view, slices[i].task);
        if (model == VIEW_NONE || task == VIEW_NONE) continue; // of an older plan of this run
        const bool is_nested = slices[i].setting.ptr == NULL;
        view->slices[view->n_slices++] =
            (ViewSlice){.model = model,
                        .task = task,
                        .setting = is_nested ? VIEW_NONE : find_setting(view, slices[i].setting),
                        .role = slices[i].role,
                        .slice = &slices[i]};
    }
    return STATUS_OK;
}

static void add_score_name(ViewTask *task, Slice *names, const StoredScore *score, Slice primary)
{
    for (size_t i = 0; i < task->n_scores; i++) {
        if (slice_eq(names[i], score->name)) return;
    }
    names[task->n_scores++] = score->name;
    const bool is_primary = slice_eq(score->name, primary);
    if (!is_primary && task->n_scores > 1) return;
    // The primary score stands first; until it is met, the first one stands in.
    memmove(&names[1], &names[0], (task->n_scores - 1) * sizeof *names);
    names[0] = score->name;
    task->primary = score->name;
    task->direction = score->direction;
    task->lowest = score->lowest;
    task->highest = score->highest;
}

static Status name_scores(ViewBuild *build, int index, Error *err)
{
    RunView *view = build->view;
    ViewTask *task = &view->tasks[index];
    size_t n = view->n_scores;
    for (size_t i = 0; i < view->n_trials; i++)
        n += view->trials[i].task == index ? view->trials[i].n_scores : 0;
    Slice *names = NULL;
    TRY(arena_take(&view->arena, n + 1, sizeof *names, "names of scores", &names, err));
    for (size_t i = 0; i < view->n_scores; i++) {
        if (view->scores[i].task == index)
            add_score_name(task, names, &view->scores[i].score, build->primary_metric);
    }
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        for (size_t j = 0; trial->task == index && j < trial->n_scores; j++)
            add_score_name(task, names, &trial->scores[j], build->primary_metric);
    }
    task->scores = names;
    return STATUS_OK;
}

static Status sign_metrics(ViewBuild *build, int index, Error *err)
{
    RunView *view = build->view;
    ViewTask *task = &view->tasks[index];
    ViewMetric *metrics = NULL;
    Trial trial;
    size_t i = 0;
    while (i < view->n_trials &&
           (view->trials[i].task != index || view->trials[i].status != TRIAL_DONE)) {
        i++;
    }
    if (i == view->n_trials) return STATUS_OK;
    TRY(store_get_trial(build->store, &build->scratch, view->trials[i].id, TRIAL_METRICS, &trial,
                        err));
    TRY(arena_take(&view->arena, trial.n_metrics, sizeof *metrics, "metrics", &metrics, err));
    for (size_t m = 0; m < trial.n_metrics; m++) {
        metrics[m] = (ViewMetric){
            .name = keep_text(&view->arena, trial.metrics[m].name, &build->out_of_memory),
            .signature =
                keep_text(&view->arena, trial.metrics[m].signature, &build->out_of_memory)};
    }
    task->metrics = metrics;
    task->n_metrics = trial.n_metrics;
    return STATUS_OK;
}

static Status describe_task(ViewBuild *build, int index, Error *err)
{
    ViewTask *task = &build->view->tasks[index];
    TRY(name_scores(build, index, err));
    TRY(sign_metrics(build, index, err));
    if (task->dataset_key.len == 0) return STATUS_OK;
    StoredDataset dataset;
    TRY(store_get_dataset(build->store, &build->scratch, task->dataset_key, &dataset, err));
    Arena *arena = &build->view->arena;
    Slice *labels = NULL;
    TRY(arena_take(arena, dataset.n_labels, sizeof *labels, "labels", &labels, err));
    for (size_t i = 0; i < dataset.n_labels; i++)
        labels[i] = keep_text(arena, dataset.labels[i], &build->out_of_memory);
    task->labels = labels;
    task->n_labels = dataset.n_labels;
    task->dataset = keep_text(arena, dataset.name, &build->out_of_memory);
    task->dataset_sha256 = keep_text(arena, dataset.sha256, &build->out_of_memory);
    task->n_samples = dataset.n_samples;
    return STATUS_OK;
}

static Status read_run(ViewBuild *build, Slice run_id, Error *err)
{
    RunView *view = build->view;
    RunRecord record;
    RunSummary summary;
    TRY(store_get_run(build->store, &view->arena, run_id, &record, &summary, err));
    view->run_id = summary.id;
    view->suite = summary.suite;
    view->status = summary.status;
    view->started_unix_ns = summary.started_unix_ns;
    view->finished_unix_ns = summary.finished_unix_ns;
    view->settings = record.settings;
    view->manifest = record.manifest;
    view->manifest_machine = record.manifest_machine;
    Slice limit;
    TRY(manifest_get(&view->arena, record.manifest_machine, "command", &view->command, err));
    TRY(manifest_get(&view->arena, record.settings, "limit", &limit, err));
    view->is_limited = limit.len > 0;
    build->primary_metric = record.primary_metric;
    TRY(store_get_data_checks(build->store, &view->arena, run_id, &view->checks, &view->n_checks,
                              err));
    return store_get_notes(build->store, &view->arena, run_id, &view->notes, &view->n_notes, err);
}

static Status build_view(ViewBuild *build, Slice run_id, Error *err)
{
    RunView *view = build->view;
    RunTrial *plan = NULL;
    TrialStatus *status = NULL;
    size_t n = 0;
    TRY(read_run(build, run_id, err));
    TRY(store_get_plan(build->store, &view->arena, run_id, &plan, &status, &n, err));
    TRY(collect_names(build, plan, n, err));
    TRY(read_trials(build, plan, status, n, err));
    TRY(read_scores(build, err));
    TRY(read_slices(build, err));
    for (size_t i = 0; i < view->n_tasks; i++) {
        const ArenaMark mark = arena_mark(&build->scratch);
        const Status s = describe_task(build, (int)i, err);
        arena_rewind(&build->scratch, mark);
        TRY(s);
    }
    TRY(view_sum_costs(build, err));
    TRY(view_find_points(build, err));
    TRY(view_measure_gaps(build, err));
    TRY(view_add_notes(build, err));
    TRY(view_read_samples(build, err));
    if (build->out_of_memory)
        return error_set(err, STATUS_MEMORY, "out of memory while reading a run");
    return run_view_hash(build->store, run_id, view->inputs_hash, err);
}

Status run_view_load(Store *store, Slice run_id, const RunViewOptions *options, RunView *view,
                     Error *err)
{
    *view = (RunView){0};
    ViewBuild build = {.view = view,
                       .store = store,
                       .n_worst = options != NULL && options->n_worst > 0 ? options->n_worst
                                                                          : DEFAULT_WORST};
    // One read transaction, so that a run still going on does not change under us.
    Status s = store_exec(store, "BEGIN", err);
    if (s == STATUS_OK) {
        s = build_view(&build, run_id, err);
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    arena_release(&build.scratch);
    if (s != STATUS_OK) run_view_release(view);
    return s;
}

void run_view_release(RunView *view)
{
    arena_release(&view->arena);
    *view = (RunView){0};
}
