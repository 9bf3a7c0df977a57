// results/report/tables_after.c: the tuned winner beside what steps made of it: quality against size and latency.
#include <math.h>

#include "results/report/tables.h"

// Whether a trial is of the row: of the step, or (an empty one) the winner as tuned.
static bool is_of_row(const RunView *view, const ViewTrial *trial, const ViewScore *score)
{
    if (trial->model != score->model || trial->task != score->task || trial->role != score->role ||
        trial->setting == VIEW_NONE)
        return false;
    if (score->role != TRIAL_AFTER) return trial->role != TRIAL_OUTER || trial->is_chosen;
    return slice_eq(run_view_setting_value(&view->settings_table[trial->setting], SLICE("after")),
                    score->after);
}

// Means over the trials of a row; NaN where unknown.
static void mean_size_and_latency(const RunView *view, const ViewScore *score, double *n_bytes,
                                  double *latency_ns)
{
    double bytes = 0, latency = 0;
    size_t n_sizes = 0, n_latencies = 0;
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        if (!is_of_row(view, trial, score)) continue;
        const ViewSeries *series = run_view_series(trial, "model/bytes");
        if (series != NULL && series->n_points > 0) {
            bytes += series->points[0].value;
            n_sizes++;
        }
        for (size_t c = 0; c < view->n_costs; c++) {
            const ViewCost *cost = &view->costs[c];
            if (cost->model != trial->model || cost->task != trial->task ||
                cost->setting != trial->setting || cost->latency_median_ns == STORE_NO_TIME)
                continue;
            latency += (double)cost->latency_median_ns;
            n_latencies++;
        }
    }
    *n_bytes = n_sizes > 0 ? bytes / (double)n_sizes : NAN;
    *latency_ns = n_latencies > 0 ? latency / (double)n_latencies : NAN;
}

// Against the winner as tuned.
static void ratio_cell(TableBuild *b, double value, double before)
{
    if (!isnan(value) && !isnan(before) && before > 0)
        buffer_printf(&b->text, "%.2f x", value / before);
    table_cell(b);
}

static void put_row(TableBuild *b, const RunView *view, const ViewScore *score,
                    const ViewScore *winner)
{
    double bytes, latency, bytes_before, latency_before;
    mean_size_and_latency(view, score, &bytes, &latency);
    mean_size_and_latency(view, winner, &bytes_before, &latency_before);
    table_cell_slice(b, view->models[score->model].name);
    table_cell_slice(b, score == winner ? SLICE("as tuned") : score->after);
    text_score(&b->text, &score->score);
    table_cell(b);
    if (score != winner)
        table_cell_printf(b, "%+.3g", score->score.estimate - winner->score.estimate);
    else
        table_cell_slice(b, SLICE(""));
    if (!isnan(bytes)) text_bytes(&b->text, (uint64_t)bytes);
    table_cell(b);
    ratio_cell(b, bytes, bytes_before);
    if (!isnan(latency)) text_duration(&b->text, (int64_t)latency);
    table_cell(b);
    ratio_cell(b, latency, latency_before);
}

Status table_after(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err)
{
    const ViewTask *t = &view->tasks[task];
    TableBuild b = table_begin(out, arena, "after");
    table_title(&b, "After tuning: score against size and latency, " SLICE_FMT, SLICE_ARG(t->name));
    table_column(&b, SLICE("model"), COLUMN_WORD);
    table_column(&b, SLICE("step"), COLUMN_WORD);
    table_column(&b, t->primary, COLUMN_NUMBER);
    table_column(&b, SLICE("difference"), COLUMN_NUMBER);
    table_column(&b, SLICE("size"), COLUMN_NUMBER);
    table_column(&b, SLICE("of it"), COLUMN_DETAIL);
    table_column(&b, SLICE("latency"), COLUMN_NUMBER);
    table_column(&b, SLICE("of it"), COLUMN_DETAIL);
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *winner = run_view_headline(view, (int)m, task, (Slice){0});
        bool has_steps = false;
        for (size_t i = 0; winner && i < view->n_scores; i++) {
            const ViewScore *score = &view->scores[i];
            if (score->role != TRIAL_AFTER || score->model != (int)m || score->task != task ||
                !slice_eq(score->score.name, t->primary))
                continue;
            if (!has_steps) put_row(&b, view, winner, winner);
            has_steps = true;
            put_row(&b, view, score, winner);
        }
    }
    table_note(
        &b,
        "Each step is taken on the winner of each fold as it was tuned, and judged on the same "
        "samples. Brackets: 95%% intervals. Size: the numbers of the model as it was judged; zeros "
        "of a pruned one count. Latency: median of a sample run alone, mean over trials.");
    return table_end(&b, err);
}
