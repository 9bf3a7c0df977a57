// results/report/svg/plots.c: scores with intervals, the grid, and the confusion matrix.
#include <math.h>

#include "base/size.h"
#include "base/unicode.h"
#include "results/report/report_internal.h"
#include "results/report/svg/plot_script.h"

typedef struct Range {
    double lo, hi;
} Range;

static void extend(Range *range, double value)
{
    if (isnan(value) || isinf(value)) return;
    if (value < range->lo) range->lo = value;
    if (value > range->hi) range->hi = value;
}

static bool is_fold_of(const ViewTrial *trial, int model, int task)
{
    return trial->model == model && trial->task == task && trial->status == TRIAL_DONE &&
           trial->outer_fold != STORE_NO_FOLD &&
           ((trial->role == TRIAL_OUTER && trial->is_chosen) || trial->role == TRIAL_BASELINE);
}

// A line a model: estimate, row, lo, hi, colour, name, value; then the folds' dots.
static int score_rows(Plot *plot, int task, Range *range)
{
    const RunView *view = plot->context->view;
    int n = 0;
    buffer_append_cstr(&plot->script, "$scores << END_OF_DATA\n");
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *score = run_view_headline(view, (int)m, task, (Slice){0});
        if (score == NULL || isnan(score->score.estimate)) continue;
        const StoredScore *s = &score->score;
        const bool has_interval = !isnan(s->lo) && !isnan(s->hi);
        const double lo = has_interval ? s->lo : s->estimate,
                     hi = has_interval ? s->hi : s->estimate;
        const int colour = view->models[m].is_baseline ? PLOT_MUTED : PLOT_SERIES_1;
        extend(range, lo);
        extend(range, hi);
        buffer_printf(&plot->script, "%.9g %d %.9g %.9g %d ", s->estimate, ++n, lo, hi,
                      plot_colour_number(colour));
        plot_label(plot, view->models[m].name);
        buffer_append_cstr(&plot->script, " \"");
        text_value(&plot->script, s->estimate, s->highest);
        buffer_append_cstr(&plot->script, "\"\n");
    }
    buffer_append_cstr(&plot->script, "END_OF_DATA\n$folds << END_OF_DATA\n");
    int row = 0;
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *score = run_view_headline(view, (int)m, task, (Slice){0});
        if (score == NULL || isnan(score->score.estimate)) continue;
        row++;
        for (size_t i = 0; i < view->n_trials; i++) {
            if (!is_fold_of(&view->trials[i], (int)m, task)) continue;
            const StoredScore *s =
                run_view_trial_score(&view->trials[i], view->tasks[task].primary);
            if (s == NULL || isnan(s->estimate)) continue;
            extend(range, s->estimate);
            buffer_printf(&plot->script, "%.9g %.3f\n", s->estimate, row + 0.22);
        }
    }
    buffer_append_cstr(&plot->script,
                       "NaN NaN\nEND_OF_DATA\n"); // never empty: gnuplot refuses empty data
    return n;
}

Status plot_scores(PlotContext *context, int task, Buffer *out, bool *drawn, Error *err)
{
    const ViewTask *t = &context->view->tasks[task];
    size_t n_models = 0;
    for (size_t m = 0; m < context->view->n_models; m++)
        n_models += run_view_headline(context->view, (int)m, task, (Slice){0}) != NULL;
    *drawn = false;
    if (n_models == 0 || n_models > 60) return STATUS_OK;
    Plot plot = plot_begin(context, 560, 70 + 46 * (int)n_models);
    Range range = {INFINITY, -INFINITY};
    const int n = score_rows(&plot, task, &range);
    if (n == 0) {
        plot_discard(&plot);
        return STATUS_OK;
    }
    const double pad = range.hi > range.lo ? 0.06 * (range.hi - range.lo) : 0.05;
    buffer_printf(&plot.title, SLICE_FMT " of each model on " SLICE_FMT " with its interval",
                  SLICE_ARG(t->primary), SLICE_ARG(t->name));
    buffer_printf(&plot.script, "set xrange [%.9g:%.9g]\nset yrange [%g:0.5]\nset xlabel ",
                  range.lo - pad, range.hi + pad, n + 0.6);
    plot_label(&plot, t->primary);
    buffer_printf(
        &plot.script,
        " textcolor rgb \"#%06x\"\nset grid xtics lt 1 lc rgb \"#%06x\"\nset ytics scale 0 textcolor rgb \"#%06x\"\n"
        "set errorbars 0\nset format x \"%%g\"\n"
        "plot $folds using 1:2 with points pt 7 ps 0.35 lc rgb \"#%06x\" notitle,"
        " $scores using 1:2:3:4:5:ytic(6) with xerrorbars pt 7 ps 0.9 lw 2.5 lc rgb variable notitle,"
        " $scores using 1:2:7 with labels offset 0,0.9 textcolor rgb \"#%06x\" notitle\n",
        PLOT_MUTED, PLOT_RULE, PLOT_INK, PLOT_MUTED, PLOT_INK);
    return plot_end(&plot, out, drawn, err);
}

// The score of the best setting with these values on the two first axes.
static const ViewScore *cell_score(const RunView *view, int model, int task, Slice x, Slice y)
{
    static const TrialRole roles[] = {TRIAL_INNER, TRIAL_SINGLE, TRIAL_EXPLORE};
    const ViewScore *best = NULL;
    for (size_t s = 0; s < view->n_settings; s++) {
        const ViewSetting *setting = &view->settings_table[s];
        if (!slice_eq(run_view_setting_value(setting, view->axes[0].key), x)) continue;
        if (view->n_axes > 1 && !slice_eq(run_view_setting_value(setting, view->axes[1].key), y))
            continue;
        for (size_t r = 0; r < sizeof roles / sizeof *roles; r++) {
            const ViewScore *score =
                run_view_setting_score(view, model, task, (int)s, roles[r], (Slice){0});
            if (score == NULL || isnan(score->score.estimate)) continue;
            const bool is_better =
                best == NULL ||
                (score->score.direction < 0 ? score->score.estimate < best->score.estimate
                                            : score->score.estimate > best->score.estimate);
            if (is_better) best = score;
            break;
        }
    }
    return best;
}

static void tick_labels(Plot *plot, const char *axis, const Slice *values, size_t n)
{
    buffer_printf(&plot->script, "set %stics scale 0 (", axis);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) buffer_append_cstr(&plot->script, ", ");
        plot_label(plot, values[i].len > 0 ? values[i] : SLICE("none")); // settings without the key
        buffer_printf(&plot->script, " %zu", i + 1);
    }
    buffer_append_cstr(&plot->script, ")\n");
}

static void axis_name(Plot *plot, const char *axis, Slice name)
{
    buffer_printf(&plot->script, "set %slabel ", axis);
    plot_label(plot, name);
    buffer_printf(&plot->script, " textcolor rgb \"#%06x\"\n", PLOT_MUTED);
}

static void draw_cells(Plot *plot, size_t n_columns, size_t n_rows)
{
    buffer_printf(
        &plot->script,
        "set border 0\nset xrange [0.5:%zu.5]\nset yrange [%zu.5:0.5]\nunset key\n"
        "plot $cells using 1:2:($1-0.48):($1+0.48):($2-0.46):($2+0.46):3 with boxxyerror lc rgb variable,"
        " $cells using 1:2:5:4 with labels textcolor rgb variable\n",
        n_columns, n_rows);
}

Status plot_grid(PlotContext *context, int model, int task, Buffer *out, bool *drawn, Error *err)
{
    const RunView *view = context->view;
    *drawn = false;
    if (view->n_axes == 0) return STATUS_OK;
    const ViewAxis *x = &view->axes[0], none = {.n_values = 1},
                   *y = view->n_axes > 1 ? &view->axes[1] : &none;
    if (x->n_values > 16 || y->n_values > 16) return STATUS_OK;
    Range range = {INFINITY, -INFINITY};
    for (size_t i = 0; i < x->n_values * y->n_values; i++) {
        const Slice row = y->values == NULL ? (Slice){0} : y->values[i / x->n_values];
        const ViewScore *score = cell_score(view, model, task, x->values[i % x->n_values], row);
        if (score != NULL) extend(&range, score->score.estimate);
    }
    if (range.hi < range.lo) return STATUS_OK;
    Plot plot = plot_begin(context, 120 + 88 * (int)x->n_values, 90 + 48 * (int)y->n_values);
    buffer_append_cstr(&plot.script, "$cells << END_OF_DATA\n");
    for (size_t i = 0; i < x->n_values * y->n_values; i++) {
        const Slice row = y->values == NULL ? (Slice){0} : y->values[i / x->n_values];
        const ViewScore *score = cell_score(view, model, task, x->values[i % x->n_values], row);
        if (score == NULL) continue;
        double share =
            range.hi > range.lo ? (score->score.estimate - range.lo) / (range.hi - range.lo) : 0.5;
        if (score->score.direction < 0) share = 1 - share;
        buffer_printf(&plot.script, "%zu %zu %d %d \"", i % x->n_values + 1, i / x->n_values + 1,
                      plot_colour_number(plot_heat(share)),
                      plot_colour_number(plot_heat_ink(share)));
        text_value(&plot.script, score->score.estimate, score->score.highest);
        buffer_append_cstr(&plot.script, "\"\n");
    }
    buffer_append_cstr(&plot.script, "END_OF_DATA\n");
    buffer_printf(&plot.title, SLICE_FMT " of " SLICE_FMT " over the grid of settings",
                  SLICE_ARG(view->tasks[task].primary), SLICE_ARG(view->models[model].name));
    tick_labels(&plot, "x", x->values, x->n_values);
    axis_name(&plot, "x", x->key);
    if (y->values != NULL) {
        tick_labels(&plot, "y", y->values, y->n_values);
        axis_name(&plot, "y", y->key);
    } else {
        buffer_append_cstr(&plot.script, "unset ytics\n");
    }
    draw_cells(&plot, x->n_values, y->n_values);
    return plot_end(&plot, out, drawn, err);
}

static void confusion_cells(Plot *plot, const ViewConfusion *confusion)
{
    const size_t n = confusion->n_labels;
    buffer_append_cstr(&plot->script, "$cells << END_OF_DATA\n");
    for (size_t i = 0; i < n; i++) {
        uint64_t total = 0;
        for (size_t j = 0; j <= n; j++) total += confusion->counts[i * (n + 1) + j];
        for (size_t j = 0; j < n; j++) {
            const uint64_t count = confusion->counts[i * (n + 1) + j];
            const double share = total == 0 ? 0 : (double)count / (double)total;
            buffer_printf(&plot->script, "%zu %zu %d %d \"%llu", j + 1, i + 1,
                          plot_colour_number(plot_heat(share)),
                          plot_colour_number(plot_heat_ink(share)), (unsigned long long)count);
            if (n <= 8) buffer_printf(&plot->script, " (%.0f%%)", 100 * share);
            buffer_append_cstr(&plot->script, "\"\n");
        }
    }
    buffer_append_cstr(&plot->script, "END_OF_DATA\n");
}

Status plot_confusion(PlotContext *context, const ViewConfusion *confusion, Buffer *out,
                      bool *drawn, Error *err)
{
    const RunView *view = context->view;
    const ViewTask *task = &view->tasks[confusion->task];
    const size_t n = confusion->n_labels;
    *drawn = false;
    if (n == 0 || n > 24) return STATUS_OK; // beyond that the table is the better picture
    enum { Y_LABEL_COLUMNS = 22 };
    const int cell = n <= 8 ? 84 : 40;
    size_t widest = 0; // gnuplot takes the room of the labels from the cells, so it is added
    for (size_t i = 0; i < n; i++) widest = size_max(widest, unicode_text_columns(task->labels[i]));
    const int margin = 90 + 8 * (int)size_min(widest, Y_LABEL_COLUMNS + 1);
    Plot plot = plot_begin(context, margin + cell * (int)n, 100 + (n <= 8 ? 48 : 32) * (int)n);
    confusion_cells(&plot, confusion);
    buffer_printf(&plot.title, "Confusion matrix of " SLICE_FMT " on " SLICE_FMT,
                  SLICE_ARG(view->models[confusion->model].name), SLICE_ARG(task->name));
    plot.label_columns = n <= 8 ? (size_t)cell / 8 : 12;
    tick_labels(&plot, "x", task->labels, n);
    plot.label_columns = Y_LABEL_COLUMNS;
    tick_labels(&plot, "y", task->labels, n);
    if (n > 8) buffer_append_cstr(&plot.script, "set xtics rotate by 60 right\n");
    axis_name(&plot, "x", SLICE("predicted"));
    axis_name(&plot, "y", SLICE("reference"));
    draw_cells(&plot, n, n);
    return plot_end(&plot, out, drawn, err);
}
