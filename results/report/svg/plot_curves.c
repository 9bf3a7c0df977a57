// results/report/svg/plot_curves.c: training and validation by step.
#include <math.h>

#include "results/report/svg/plot_script.h"

enum { N_BINS = 80 };

typedef struct Bin {
    double sum, lo, hi;
    size_t n;
} Bin;

// Trials of a setting with curves; of each fold and seed once (inner and outer trials may share their training).
static bool is_shown(const RunView *view, size_t index, int model, int task, int setting)
{
    const ViewTrial *trial = &view->trials[index];
    if (trial->model != model || trial->task != task || trial->setting != setting ||
        trial->status != TRIAL_DONE || trial->n_series == 0)
        return false;
    for (size_t i = 0; i < index; i++) {
        const ViewTrial *earlier = &view->trials[i];
        if (earlier->model == model && earlier->task == task && earlier->setting == setting &&
            earlier->status == TRIAL_DONE && earlier->n_series > 0 &&
            earlier->outer_fold == trial->outer_fold && earlier->seed == trial->seed &&
            earlier->inner_fold != trial->inner_fold &&
            (earlier->inner_fold == STORE_NO_FOLD || trial->inner_fold == STORE_NO_FOLD))
            return false;
    }
    return true;
}

static int64_t last_step(const RunView *view, int model, int task)
{
    int64_t last = 0;
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        if (trial->model != model || trial->task != task) continue;
        for (size_t j = 0; j < trial->n_series; j++) {
            const ViewSeries *series = &trial->series[j];
            if (series->n_points > 0 && series->points[series->n_points - 1].step > last)
                last = series->points[series->n_points - 1].step;
        }
    }
    return last;
}

// Means, lowest and highest over the trials in equal stretches of steps; empty bins are left out.
static size_t put_train(Plot *plot, int model, int task, int setting, int64_t last)
{
    const RunView *view = plot->context->view;
    Bin bins[N_BINS] = {{0}};
    size_t n_trials = 0;
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewSeries *series = run_view_series(&view->trials[i], "train/loss");
        if (series == NULL || !is_shown(view, i, model, task, setting)) continue;
        n_trials++;
        for (size_t j = 0; j < series->n_points; j++) {
            const double value = series->points[j].value;
            if (isnan(value) || isinf(value)) continue;
            const int64_t at = series->points[j].step * N_BINS / (last + 1);
            Bin *bin = &bins[at < 0 ? 0 : at >= N_BINS ? N_BINS - 1 : at];
            bin->lo = bin->n == 0 || value < bin->lo ? value : bin->lo;
            bin->hi = bin->n == 0 || value > bin->hi ? value : bin->hi;
            bin->sum += value;
            bin->n++;
        }
    }
    buffer_append_cstr(&plot->script, "$train << END_OF_DATA\n");
    for (int i = 0; i < N_BINS; i++) {
        if (bins[i].n == 0) continue;
        buffer_printf(&plot->script, "%.6g %.6g %.6g %.6g\n",
                      (i + 0.5) * (double)(last + 1) / N_BINS, bins[i].sum / (double)bins[i].n,
                      bins[i].lo, bins[i].hi);
    }
    buffer_append_cstr(&plot->script, "NaN NaN NaN NaN\nEND_OF_DATA\n");
    return n_trials;
}

// Means over trials at each step at which some trial was validated. Returns the points written.
static size_t put_validation(Plot *plot, int model, int task, int setting, size_t index)
{
    const RunView *view = plot->context->view;
    size_t n_points = 0;
    int64_t step = -1;
    buffer_printf(&plot->script, "$valid%zu << END_OF_DATA\n", index);
    for (;;) {
        int64_t next = INT64_MAX;
        double sum = 0;
        size_t n = 0;
        for (size_t i = 0; i < view->n_trials; i++) {
            const ViewSeries *series = run_view_series(&view->trials[i], "validation/loss");
            if (series == NULL || !is_shown(view, i, model, task, setting)) continue;
            for (size_t j = 0; j < series->n_points; j++) {
                const CurvePoint *point = &series->points[j];
                if (point->step <= step || point->step > next || isnan(point->value) ||
                    isinf(point->value))
                    continue;
                if (point->step < next) {
                    next = point->step;
                    sum = 0;
                    n = 0;
                }
                sum += point->value;
                n++;
            }
        }
        if (n == 0) break;
        buffer_printf(&plot->script, "%lld %.6g\n", (long long)next, sum / (double)n);
        step = next;
        n_points++;
    }
    buffer_append_cstr(&plot->script, "NaN NaN\nEND_OF_DATA\n");
    return n_points;
}

// The setting chosen most often, else the one with the best score.
static int shown_setting(const RunView *view, int model, int task)
{
    size_t n_won = 0, n_folds = 0;
    int setting = run_view_best_setting(view, model, task, &n_won, &n_folds);
    double best = NAN;
    for (size_t i = 0; setting == VIEW_NONE && i < view->n_costs; i++) {
        const ViewCost *cost = &view->costs[i];
        if (cost->model != model || cost->task != task || cost->score == VIEW_NONE) continue;
        const double estimate = view->scores[cost->score].score.estimate;
        if (isnan(best) || (view->tasks[task].direction < 0 ? estimate < best : estimate > best)) {
            best = estimate;
            setting = cost->setting;
        }
    }
    return setting;
}

static void axes(Plot *plot)
{
    buffer_printf(
        &plot->script,
        "set xlabel \"step\" textcolor rgb \"#%06x\"\nset ylabel \"loss\" textcolor rgb \"#%06x\"\n"
        "set grid ytics lt 1 lc rgb \"#%06x\"\nset ytics scale 0\nset xrange [0:*]\nset format \"%%g\"\n",
        PLOT_MUTED, PLOT_MUTED, PLOT_RULE);
}

Status plot_curves(PlotContext *context, int model, int task, Buffer *out, bool *drawn, Error *err)
{
    const RunView *view = context->view;
    const int setting = shown_setting(view, model, task);
    *drawn = false;
    if (setting == VIEW_NONE) return STATUS_OK;
    Plot plot = plot_begin(context, 460, 350);
    const size_t n_trials = put_train(&plot, model, task, setting, last_step(view, model, task));
    const size_t n_points = put_validation(&plot, model, task, setting, 0);
    if (n_trials == 0 && n_points == 0) {
        plot_discard(&plot);
        return STATUS_OK;
    }
    buffer_printf(&plot.title, "Loss of " SLICE_FMT " by step, training and validation",
                  SLICE_ARG(view->models[model].name));
    axes(&plot);
    buffer_append_cstr(&plot.script, "set key above right maxrows 1\nplot ");
    if (n_trials > 0) {
        buffer_printf(
            &plot.script,
            "$train using 1:3:4 with filledcurves fs solid 0.18 noborder lc rgb \"#%06x\" notitle,"
            " $train using 1:2 with lines lw 2 lc rgb \"#%06x\" title \"training\"%s",
            PLOT_TRAIN, PLOT_TRAIN, n_points > 0 ? ", " : "\n");
    }
    if (n_points > 0) {
        buffer_printf(
            &plot.script,
            "$valid0 using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb \"#%06x\" title \"validation\"\n",
            PLOT_VALIDATION);
    }
    return plot_end(&plot, out, drawn, err);
}

Status plot_validation(PlotContext *context, int model, int task, Buffer *out, bool *drawn,
                       Error *err)
{
    enum { MAX_SHOWN = 12 };
    const RunView *view = context->view;
    int shown[MAX_SHOWN];
    size_t n = 0;
    *drawn = false;
    Plot plot = plot_begin(context, 460, 350);
    for (size_t s = 0; s < view->n_settings && n < MAX_SHOWN; s++) {
        // A block without points is written over by the next setting's of the same name.
        if (put_validation(&plot, model, task, (int)s, n) > 0) shown[n++] = (int)s;
    }
    if (n < 2) {
        plot_discard(&plot);
        return STATUS_OK;
    }
    const int best = shown_setting(view, model, task);
    buffer_printf(&plot.title, "Validation loss of each setting of " SLICE_FMT,
                  SLICE_ARG(view->models[model].name));
    axes(&plot);
    buffer_append_cstr(&plot.script, "set key below maxcols 2 width -2\nplot ");
    for (size_t i = 0; i < n; i++) {
        buffer_printf(
            &plot.script,
            "%s$valid%zu using 1:2 with linespoints lw %s dt %d pt 7 ps 0.5 lc rgb \"#%06x\" title ",
            i > 0 ? ", " : "", i, shown[i] == best ? "3.2" : "1.6", i < PLOT_N_SERIES ? 1 : 2,
            PLOT_SERIES_1 + (int)(i % PLOT_N_SERIES));
        plot_label(&plot, view->settings_table[shown[i]].label);
    }
    buffer_append_byte(&plot.script, '\n');
    return plot_end(&plot, out, drawn, err);
}
