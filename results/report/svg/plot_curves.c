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

// Means over trials of their first evaluations, of their second ones and so on, at their mean steps: trials of other folds, or
// that learn from copies, are not evaluated at the same ones. Returns the points written.
static size_t put_validation(Plot *plot, int model, int task, int setting, size_t index)
{
    const RunView *view = plot->context->view;
    size_t n_points = 0, n_going_on = 1;
    buffer_printf(&plot->script, "$valid%zu << END_OF_DATA\n", index);
    for (size_t j = 0; n_going_on > 0; j++) {
        double sum = 0, steps = 0;
        size_t n = 0;
        n_going_on = 0;
        for (size_t i = 0; i < view->n_trials; i++) {
            const ViewSeries *series = run_view_series(&view->trials[i], "validation/loss");
            if (series == NULL || j >= series->n_points || !is_shown(view, i, model, task, setting))
                continue;
            n_going_on++;
            if (!isfinite(series->points[j].value)) continue;
            sum += series->points[j].value;
            steps += (double)series->points[j].step;
            n++;
        }
        if (n == 0) continue;
        buffer_printf(&plot->script, "%.6g %.6g\n", steps / (double)n, sum / (double)n);
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
    Plot plot = plot_begin(context, 490, 340);
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

// A setting of a shorter rung, or of a point of the learning curve: it has curves of its own beside the whole one's.
static bool is_shorter(const RunView *view, int setting)
{
    static const char *const keys[] = {"until_epoch", "until_step", "train_samples"};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < view->n_axes; i++) {
            if (slice_eq_cstr(view->axes[i].key, keys[k]) &&
                run_view_setting_value(&view->settings_table[setting], view->axes[i].key).len > 0)
                return true;
        }
    }
    return false;
}

Status plot_validation(PlotContext *context, int model, int task, Buffer *out, bool *drawn,
                       Error *err)
{
    enum { MAX_SHOWN = 12 };
    const RunView *view = context->view;
    int shown[MAX_SHOWN];
    size_t n = 0;
    *drawn = false;
    Plot plot = plot_begin(context, 490, 340);
    for (size_t s = 0; s < view->n_settings && n < MAX_SHOWN; s++) {
        if (is_shorter(view, (int)s)) continue;
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
    buffer_append_cstr(&plot.script, "set key above left maxcols 2 width -2\nplot ");
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

// ---- score against number of labels ----

// The points of a model as a block of data: labels, score, lo, hi. Returns how many.
static size_t put_points(Plot *plot, int model, int task, size_t index)
{
    const RunView *view = plot->context->view;
    size_t n = 0;
    buffer_printf(&plot->script, "$points%zu << END_OF_DATA\n", index);
    for (size_t i = 0; i < view->n_points; i++) {
        const ViewPoint *point = &view->points[i];
        const StoredScore *s = &point->score->score;
        if (point->model != model || point->task != task || isnan(point->n_labelled) ||
            isnan(s->estimate))
            continue;
        buffer_printf(&plot->script, "%.9g %.9g %.9g %.9g\n", point->n_labelled, s->estimate,
                      isnan(s->lo) ? s->estimate : s->lo, isnan(s->hi) ? s->estimate : s->hi);
        n++;
    }
    buffer_append_cstr(&plot->script, "NaN NaN NaN NaN\nEND_OF_DATA\n");
    return n;
}

Status plot_learning_curve(PlotContext *context, int task, Buffer *out, bool *drawn, Error *err)
{
    const RunView *view = context->view;
    int shown[PLOT_N_SERIES];
    size_t n = 0;
    *drawn = false;
    Plot plot = plot_begin(context, 560, 350);
    for (size_t m = 0; m < view->n_models && n < PLOT_N_SERIES; m++) {
        if (put_points(&plot, (int)m, task, n) > 1) shown[n++] = (int)m;
    }
    if (n == 0) {
        plot_discard(&plot);
        return STATUS_OK;
    }
    buffer_printf(&plot.title, SLICE_FMT " on " SLICE_FMT " by number of labels",
                  SLICE_ARG(view->tasks[task].primary), SLICE_ARG(view->tasks[task].name));
    buffer_printf(&plot.script, "set xlabel \"labels\" textcolor rgb \"#%06x\"\nset ylabel ",
                  PLOT_MUTED);
    plot_label(&plot, view->tasks[task].primary);
    buffer_printf(
        &plot.script,
        " textcolor rgb \"#%06x\"\nset grid ytics lt 1 lc rgb \"#%06x\"\nset ytics scale 0\n"
        "set logscale x\nset format \"%%g\"\nset offsets graph 0.03, graph 0.03, graph 0.05, graph 0.05\n"
        "set key above left\nplot ",
        PLOT_MUTED, PLOT_RULE);
    for (size_t i = 0; i < n; i++) {
        const int colour = PLOT_SERIES_1 + (int)i;
        buffer_printf(
            &plot.script,
            "%s$points%zu using 1:3:4 with filledcurves fs solid 0.15 noborder lc rgb \"#%06x\" notitle, "
            "$points%zu using 1:2 with linespoints lw 2 pt 7 ps 0.7 lc rgb \"#%06x\" title ",
            i > 0 ? ", " : "", i, colour, i, colour);
        plot_label(&plot, view->models[shown[i]].name);
    }
    buffer_append_byte(&plot.script, '\n');
    return plot_end(&plot, out, drawn, err);
}
