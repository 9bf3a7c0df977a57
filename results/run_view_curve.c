// results/run_view_curve.c: the points of learning curves.
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "results/keep.h"
#include "results/run_view_internal.h"

double view_point_of(Slice setting)
{
    JsonDocument *document = NULL;
    double point = 0;
    if (json_parse(SLICE("setting"), setting, JSON_STRICT, &document, NULL) != STATUS_OK) return 0;
    const Json *value = json_get(json_root(document), "train_samples");
    if (value && json_kind(value) == JSON_NUMBER) point = json_double(value);
    json_close(&document);
    return point;
}

Slice view_step_of(ViewBuild *build, Slice setting)
{
    JsonDocument *document = NULL;
    Slice step = {0};
    if (json_parse(SLICE("setting"), setting, JSON_STRICT, &document, NULL) != STATUS_OK)
        return step;
    const Json *value = json_get(json_root(document), "after");
    if (value && json_kind(value) == JSON_STRING)
        step = keep_text(&build->view->arena, json_string(value), &build->out_of_memory);
    json_close(&document);
    return step;
}

// Labels that the trials behind a point had, their mean.
static double mean_labelled(const RunView *view, const ViewPoint *point)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        const ViewSeries *series = run_view_series(trial, "train/samples");
        if (trial->model != point->model || trial->task != point->task ||
            trial->role != point->score->role || series == NULL || series->n_points == 0)
            continue;
        if (trial->role == TRIAL_CURVE) {
            const double own = view_point_of(view->settings_table[trial->setting].json);
            if (own < point->train_samples || own > point->train_samples) continue;
        }
        sum += series->points[0].value;
        n++;
    }
    return n > 0 ? sum / (double)n : NAN;
}

static int compare_points(const void *left, const void *right)
{
    const ViewPoint *a = left, *b = right;
    if (a->model != b->model) return a->model < b->model ? -1 : 1;
    if (a->task != b->task) return a->task < b->task ? -1 : 1;
    if (a->n_labelled < b->n_labelled || a->n_labelled > b->n_labelled)
        return a->n_labelled < b->n_labelled ? -1 : 1;
    return a->train_samples < b->train_samples ? -1 : a->train_samples > b->train_samples;
}

static void add_point(RunView *view, const ViewScore *score, double train_samples)
{
    ViewPoint *point = &view->points[view->n_points++];
    *point = (ViewPoint){
        .model = score->model, .task = score->task, .train_samples = train_samples, .score = score};
    point->n_labelled = mean_labelled(view, point);
}

Status view_find_points(ViewBuild *build, Error *err)
{
    RunView *view = build->view;
    size_t n = 0;
    for (size_t i = 0; i < view->n_scores; i++) n += view->scores[i].role == TRIAL_CURVE;
    if (n == 0) return STATUS_OK;
    n += view->n_models * view->n_tasks;
    TRY(arena_take(&view->arena, n, sizeof *view->points, "a learning curve", &view->points, err));
    for (size_t i = 0; i < view->n_scores; i++) {
        const ViewScore *score = &view->scores[i];
        if (score->role == TRIAL_CURVE &&
            slice_eq(score->score.name, view->tasks[score->task].primary))
            add_point(view, score, score->train_samples);
    }
    const size_t n_below =
        view->n_points; // the whole of a model that has a curve is its last point
    for (size_t m = 0; m < view->n_models; m++) {
        for (size_t t = 0; t < view->n_tasks; t++) {
            bool has_curve = false;
            for (size_t i = 0; i < n_below; i++)
                has_curve = has_curve ||
                            (view->points[i].model == (int)m && view->points[i].task == (int)t);
            const ViewScore *headline = run_view_headline(view, (int)m, (int)t, (Slice){0});
            if (has_curve && headline) add_point(view, headline, 1);
        }
    }
    qsort(view->points, view->n_points, sizeof *view->points, compare_points);
    return STATUS_OK;
}
