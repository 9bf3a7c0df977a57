// results/run_view_findings.c: cost and fit of each setting, and what deserves a warning.
#include <math.h>

#include "base/json.h"
#include "results/keep.h"
#include "results/run_view_internal.h"

static void add_cost(ViewCost *sum, const TrialCost *cost)
{
    sum->n_trials++;
    if (cost->wall_ns != STORE_NO_TIME) sum->wall_ns += cost->wall_ns;
    if (cost->train_ns != STORE_NO_TIME) sum->train_ns += cost->train_ns;
    if (cost->evaluate_ns != STORE_NO_TIME) sum->evaluate_ns += cost->evaluate_ns;
    sum->n_train_tokens += cost->n_train_tokens;
    sum->n_evaluate_tokens += cost->n_evaluate_tokens;
    if (cost->peak_rss_bytes > sum->peak_rss_bytes) sum->peak_rss_bytes = cost->peak_rss_bytes;
}

static int score_of_setting(const RunView *view, const ViewCost *cost)
{
    static const TrialRole roles[] = {TRIAL_INNER, TRIAL_SINGLE, TRIAL_EXPLORE, TRIAL_OUTER,
                                      TRIAL_BASELINE};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        const ViewScore *score = run_view_setting_score(view, cost->model, cost->task,
                                                        cost->setting, roles[i], (Slice){0});
        if (score != NULL) return (int)(score - view->scores);
    }
    return VIEW_NONE;
}

static ViewCost *cost_row(RunView *view, const ViewTrial *trial)
{
    for (size_t i = 0; i < view->n_costs; i++) {
        ViewCost *cost = &view->costs[i];
        if (cost->model == trial->model && cost->task == trial->task &&
            cost->setting == trial->setting)
            return cost;
    }
    ViewCost *cost = &view->costs[view->n_costs++];
    *cost = (ViewCost){.model = trial->model, .task = trial->task, .setting = trial->setting};
    return cost;
}

Status view_sum_costs(ViewBuild *build, Error *err)
{
    RunView *view = build->view;
    TRY(arena_take(&view->arena, view->n_trials, sizeof *view->costs, "costs", &view->costs, err));
    for (size_t i = 0; i < view->n_trials; i++) {
        if (view->trials[i].has_cost)
            add_cost(cost_row(view, &view->trials[i]), &view->trials[i].cost);
    }
    for (size_t i = 0; i < view->n_costs; i++)
        view->costs[i].score = score_of_setting(view, &view->costs[i]);
    return STATUS_OK;
}

// The mean of the last tenth of the points up to the kept step (all steps where none is known).
static double loss_at_kept_step(const ViewSeries *series, int64_t best_step, bool is_by_epoch)
{
    size_t n = 0;
    while (n < series->n_points && (best_step < 0 || series->points[n].step <= best_step)) n++;
    if (n == 0) return NAN;
    const size_t n_last = is_by_epoch ? 1 : n / 10 + 1;
    double sum = 0;
    for (size_t i = n - n_last; i < n; i++) sum += series->points[i].value;
    return sum / (double)n_last;
}

// The epoch (from 1) of the lowest validation loss where the last one stands more than 1% above it, else 0.
static int64_t epoch_of_rise(const ViewSeries *series)
{
    size_t lowest = 0;
    for (size_t i = 1; i < series->n_points; i++) {
        if (series->points[i].value < series->points[lowest].value) lowest = i;
    }
    if (series->n_points == 0 || lowest + 1 >= series->n_points) return 0;
    const double low = series->points[lowest].value,
                 last = series->points[series->n_points - 1].value;
    return last > low + 0.01 * fabs(low) ? (int64_t)lowest + 1 : 0;
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void measure_gap(RunView *view, ViewGap *gap, int64_t *epochs)
{
    double train = 0, validation = 0;
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        if (trial->model != gap->model || trial->task != gap->task ||
            trial->setting != gap->setting)
            continue;
        const ViewSeries *a = run_view_series(trial, "train/loss"),
                         *b = run_view_series(trial, "validation/loss");
        if (trial->status != TRIAL_DONE || a == NULL || b == NULL) continue;
        const double x = loss_at_kept_step(a, trial->best_step, false);
        const double y = loss_at_kept_step(b, trial->best_step, true);
        if (isnan(x) || isnan(y)) continue;
        train += x;
        validation += y;
        gap->n_trials++;
        const int64_t rise = epoch_of_rise(b);
        if (rise == 0) continue;
        epochs[gap->n_rising++] = rise;
        const bool kept_earlier =
            trial->best_step >= 0 && trial->best_step < b->points[b->n_points - 1].step;
        gap->n_kept_earlier += kept_earlier;
    }
    gap->train_loss = train / (double)gap->n_trials;
    gap->validation_loss = validation / (double)gap->n_trials;
    if (gap->n_rising == 0) return;
    qsort(epochs, gap->n_rising, sizeof *epochs, by_value);
    gap->rising_epoch = epochs[gap->n_rising / 2];
}

Status view_measure_gaps(ViewBuild *build, Error *err)
{
    RunView *view = build->view;
    int64_t *epochs = NULL;
    TRY(arena_take(&view->arena, view->n_costs, sizeof *view->gaps, "gaps", &view->gaps, err));
    TRY(arena_take(&build->scratch, view->n_trials, sizeof *epochs, "epochs", &epochs, err));
    for (size_t i = 0; i < view->n_costs; i++) {
        ViewGap gap = {.model = view->costs[i].model,
                       .task = view->costs[i].task,
                       .setting = view->costs[i].setting};
        measure_gap(view, &gap, epochs);
        if (gap.n_trials > 0) view->gaps[view->n_gaps++] = gap;
    }
    return STATUS_OK;
}

static void add_note(ViewBuild *build, NoteLevel level, Slice trial, Buffer *text)
{
    RunView *view = build->view;
    if (text->len > 0)
        view->notes[view->n_notes++] =
            (RunNote){.level = level,
                      .trial_id = trial,
                      .text = keep_text(&view->arena, buffer_slice(text), &build->out_of_memory)};
    buffer_clear(text);
}

// Where at least half of a setting's trials rose.
static bool does_rise(const ViewGap *gap, int model, int task)
{
    return gap->model == model && gap->task == task && gap->n_rising > 0 &&
           gap->n_rising * 2 >= gap->n_trials;
}

// One note a model and task: the setting that rose first, and how many did. It is no warning where early stopping kept
// earlier weights each time.
static void note_rising(ViewBuild *build, int model, int task, Buffer *text)
{
    RunView *view = build->view;
    const ViewGap *first = NULL;
    size_t n_settings = 0, n_rising = 0;
    bool kept_earlier = true;
    for (size_t i = 0; i < view->n_gaps; i++) {
        const ViewGap *gap = &view->gaps[i];
        n_settings += gap->model == model && gap->task == task;
        if (!does_rise(gap, model, task)) continue;
        n_rising++;
        kept_earlier = kept_earlier && gap->n_kept_earlier == gap->n_rising;
        if (!first || gap->rising_epoch < first->rising_epoch) first = gap;
    }
    if (!first) return;
    buffer_printf(text, SLICE_FMT " on " SLICE_FMT ": validation loss rose ",
                  SLICE_ARG(view->models[model].name), SLICE_ARG(view->tasks[task].name));
    if (n_rising > 1) buffer_printf(text, "in %zu of %zu settings, first ", n_rising, n_settings);
    buffer_printf(text, "after epoch %lld with " SLICE_FMT " (%zu of %zu trials). ",
                  (long long)first->rising_epoch,
                  SLICE_ARG(view->settings_table[first->setting].label), first->n_rising,
                  first->n_trials);
    buffer_append_cstr(text, kept_earlier
                                 ? "Early stopping kept the weights from before."
                                 : "Train for fewer epochs, or let early stopping watch the loss.");
    add_note(build, kept_earlier ? NOTE_INFO : NOTE_WARNING, (Slice){0}, text);
}

static void note_pair(ViewBuild *build, int model, int task, const StoredSample *sample, double gap,
                      Buffer *text)
{
    RunView *view = build->view;
    Error ignored = {0};
    JsonDocument *document = NULL;
    Slice copy = SLICE("(not stored)"), text_before = sample->input;
    if (json_parse(SLICE("attributes"), sample->attributes, JSON_STRICT, &document, &ignored) ==
        STATUS_OK) {
        const Json *own = json_get(json_root(document), "counterfactual"),
                   *pair = json_get(json_root(document), "counterfactual_pair");
        if (own || pair) copy = json_string(own ? own : pair);
        if (pair) text_before = sample->pair;
    }
    buffer_printf(text,
                  SLICE_FMT " on " SLICE_FMT
                            ": of texts with swapped words the worst pair is sample " SLICE_FMT
                            ": \"" SLICE_FMT "\" became \"" SLICE_FMT "\", and the answer ",
                  SLICE_ARG(view->models[model].name), SLICE_ARG(view->tasks[task].name),
                  SLICE_ARG(sample->id), SLICE_ARG(slice_sub(text_before, 0, 200)),
                  SLICE_ARG(slice_sub(copy, 0, 200)));
    if (fabs(gap) < 0.0005)
        buffer_append_cstr(text, "changed, though it is no worse.");
    else
        buffer_printf(text, "%.3f %s", fabs(gap), gap < 0 ? "better." : "worse.");
    json_close(&document);
    add_note(build, NOTE_INFO, (Slice){0}, text);
}

// The pair of a text and its copy with swapped words that a model's answers differ most on, over the trials it is judged by.
static Status note_worst_pair(ViewBuild *build, int model, int task, Buffer *text, Error *err)
{
    const RunView *view = build->view;
    const ViewTrial *found = NULL;
    const CurvePoint *worst = NULL;
    Trial trial;
    StoredDataset dataset;
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *t = &view->trials[i];
        if (t->model != model || t->task != task || !view_is_judged(t)) continue;
        const ViewSeries *series = run_view_series(t, "counterfactual/worst");
        if (series == NULL || series->n_points == 0) continue;
        if (worst && fabs(series->points[0].value) <= fabs(worst->value)) continue;
        worst = &series->points[0];
        found = t;
    }
    if (worst == NULL || view->models[model].is_baseline) return STATUS_OK;
    TRY(store_get_trial(build->store, &build->scratch, found->id, TRIAL_HEAD, &trial, err));
    TRY(store_get_dataset(build->store, &build->scratch, trial.dataset_key, &dataset, err));
    if (worst->step >= 0 && (size_t)worst->step < dataset.n_samples)
        note_pair(build, model, task, &dataset.samples[worst->step], worst->value, text);
    return STATUS_OK;
}

static void note_failure(ViewBuild *build, const ViewTrial *trial, Buffer *text)
{
    RunView *view = build->view;
    buffer_printf(text, SLICE_FMT " on " SLICE_FMT ", " SLICE_FMT,
                  SLICE_ARG(view->models[trial->model].name),
                  SLICE_ARG(view->tasks[trial->task].name),
                  SLICE_ARG(view->settings_table[trial->setting].label));
    if (trial->outer_fold != STORE_NO_FOLD) buffer_printf(text, ", fold %d", trial->outer_fold + 1);
    buffer_printf(text, ": this %s trial failed: " SLICE_FMT, trial_role_name(trial->role),
                  SLICE_ARG(trial->error));
    add_note(build, NOTE_WARNING, trial->id, text);
}

// The thresholds that were found for "no answer", over the trials that a model is judged by.
static void note_threshold(ViewBuild *build, int model, int task, Buffer *text)
{
    RunView *view = build->view;
    double sum = 0, lowest = INFINITY, highest = -INFINITY;
    size_t n = 0;
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        const bool is_judge = trial->role == TRIAL_SINGLE || trial->role == TRIAL_OUTER;
        const ViewSeries *series = run_view_series(trial, "null_threshold");
        if (!is_judge || trial->model != model || trial->task != task || !series ||
            series->n_points == 0)
            continue;
        sum += series->points[0].value;
        lowest = fmin(lowest, series->points[0].value);
        highest = fmax(highest, series->points[0].value);
        n++;
    }
    if (n == 0) return;
    buffer_printf(
        text,
        SLICE_FMT " on " SLICE_FMT
                  ": no answer is given where that scores higher by more than %.3f, the best "
                  "on the part held out",
        SLICE_ARG(view->models[model].name), SLICE_ARG(view->tasks[task].name), sum / (double)n);
    if (n > 1) buffer_printf(text, " (mean of %zu trials, %.3f to %.3f)", n, lowest, highest);
    buffer_append_cstr(text, ".");
    add_note(build, NOTE_INFO, (Slice){0}, text);
}

Status view_add_notes(ViewBuild *build, Error *err)
{
    RunView *view = build->view;
    const size_t n_stored = view->n_notes;
    const RunNote *stored = view->notes;
    TRY(arena_take(&view->arena, n_stored + 3 * view->n_models * view->n_tasks + view->n_failed + 1,
                   sizeof *view->notes, "notes", &view->notes, err));
    if (n_stored > 0) memcpy(view->notes, stored, n_stored * sizeof *stored);
    Buffer text = {0};
    const size_t n_missing = view->n_trials - view->n_done - view->n_failed;
    if (n_missing > 0) {
        buffer_printf(
            &text,
            "The run is unfinished: %zu of %zu trials are missing. Run the suite again and it goes on.",
            n_missing, view->n_trials);
        add_note(build, NOTE_WARNING, (Slice){0}, &text);
    }
    for (size_t i = 0; i < view->n_trials; i++) {
        if (view->trials[i].status == TRIAL_FAILED) note_failure(build, &view->trials[i], &text);
    }
    for (size_t t = 0; t < view->n_tasks; t++) {
        for (size_t m = 0; m < view->n_models; m++) {
            note_rising(build, (int)m, (int)t, &text);
            note_threshold(build, (int)m, (int)t, &text);
        }
    }
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < view->n_tasks * view->n_models; i++)
        s = note_worst_pair(build, (int)(i % view->n_models), (int)(i / view->n_models), &text,
                            err);
    if (s == STATUS_OK) s = buffer_status(&text, err);
    buffer_release(&text);
    return s;
}
