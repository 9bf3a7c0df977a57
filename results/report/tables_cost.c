// results/report/tables_cost.c: settings with score, fit and cost; the manifest; all tables in a row.
#include <math.h>

#include "results/manifest.h"
#include "results/report/tables.h"

static const ViewGap *find_gap(const RunView *view, const ViewCost *cost)
{
    for (size_t i = 0; i < view->n_gaps; i++) {
        const ViewGap *gap = &view->gaps[i];
        if (gap->model == cost->model && gap->task == cost->task && gap->setting == cost->setting)
            return gap;
    }
    return NULL;
}

static bool rises(const ViewGap *gap)
{
    return gap != NULL && gap->n_rising * 2 >= gap->n_trials;
}

static void gap_cells(TableBuild *b, const ViewGap *gap)
{
    if (gap == NULL) {
        for (int i = 0; i < 4; i++) table_cell_slice(b, SLICE(""));
        return;
    }
    table_cell_printf(b, "%.3f", gap->train_loss);
    table_cell_printf(b, "%.3f", gap->validation_loss);
    table_cell_printf(b, "%+.3f", gap->validation_loss - gap->train_loss);
    if (rises(gap)) buffer_printf(&b->text, "epoch %lld", (long long)gap->rising_epoch);
    table_cell(b);
}

static void cost_cells(TableBuild *b, const ViewCost *cost)
{
    const int64_t n = cost->n_trials > 0 ? (int64_t)cost->n_trials : 1;
    text_duration(&b->text, cost->wall_ns / n);
    table_cell(b);
    if (cost->train_ns > 0) {
        buffer_append_count(
            &b->text, (uint64_t)((double)cost->n_train_tokens * 1e9 / (double)cost->train_ns));
    }
    table_cell(b);
    if (cost->latency_median_ns != STORE_NO_TIME) text_duration(&b->text, cost->latency_median_ns);
    table_cell(b);
    text_bytes(&b->text, cost->peak_rss_bytes);
    table_cell(b);
    table_cell_printf(b, "%zu", cost->n_trials);
}

static const char *const cost_columns[] = {"trial time", "tokens/s", "latency", "memory", "trials"};

// As the suite wrote it: a share in percent, or a number of samples.
static void point_cell(TableBuild *b, double train_samples)
{
    if (train_samples <= 1)
        table_cell_printf(b, "%g%%", 100 * train_samples);
    else
        table_cell_printf(b, "%.0f", train_samples);
}

Status table_curve(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err)
{
    const ViewTask *t = &view->tasks[task];
    TableBuild b = table_begin(out, arena, "curve");
    table_title(&b, "Score against number of labels, " SLICE_FMT, SLICE_ARG(t->name));
    table_column(&b, SLICE("model"), COLUMN_WORD);
    table_column(&b, SLICE("of the training part"), COLUMN_NUMBER);
    table_column(&b, SLICE("labels"), COLUMN_NUMBER);
    table_column(&b, t->primary, COLUMN_NUMBER);
    table_column(&b, SLICE("folds"), COLUMN_DETAIL);
    table_column(&b, SLICE("seeds"), COLUMN_DETAIL);
    for (size_t i = 0; i < view->n_points; i++) {
        const ViewPoint *point = &view->points[i];
        if (point->task != task) continue;
        table_cell_slice(&b, view->models[point->model].name);
        point_cell(&b, point->train_samples);
        if (!isnan(point->n_labelled))
            buffer_append_count(&b.text, (uint64_t)(point->n_labelled + 0.5));
        table_cell(&b);
        text_score(&b.text, &point->score->score);
        table_cell(&b);
        table_cell_printf(&b, "%u", point->score->n_folds);
        table_cell_printf(&b, "%u", point->score->n_seeds);
    }
    table_note(
        &b,
        "Brackets: 95%% intervals over the judged samples. Labels: those that tuning or the choice "
        "of a setting saw, mean over folds; smaller subsets lie within larger ones and have "
        "the same shares of classes.");
    return table_end(&b, err);
}

// Bytes of the model as it was judged, the mean over trials of a setting; NaN where unknown.
static double model_bytes(const RunView *view, int model, int task, int setting)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        const ViewSeries *series = run_view_series(trial, "model/bytes");
        if (trial->model != model || trial->task != task || series == NULL ||
            series->n_points == 0 || (setting != VIEW_NONE && trial->setting != setting))
            continue;
        sum += series->points[0].value;
        n++;
    }
    return n > 0 ? sum / (double)n : NAN;
}

static void worst_group_cell(TableBuild *b, const RunView *view, const ViewCost *cost)
{
    const ViewScore *score = cost->score == VIEW_NONE ? NULL : &view->scores[cost->score];
    const ViewSlice *worst =
        score ? run_view_worst_slice(view, cost->model, cost->task, cost->setting, score->role)
              : NULL;
    if (worst != NULL) {
        text_value(&b->text, worst->slice->score.estimate, worst->slice->score.highest);
        buffer_printf(&b->text, " (" SLICE_FMT " " SLICE_FMT ", n ",
                      SLICE_ARG(worst->slice->attribute), SLICE_ARG(worst->slice->value));
        buffer_append_count(&b->text, worst->slice->score.n);
        buffer_append_byte(&b->text, ')');
    }
    table_cell(b);
}

// Which columns are filled.
typedef struct FilledColumns {
    bool scores, losses, rises, size;
} FilledColumns;

static void settings_note(TableBuild *b, TrialRole role, const FilledColumns *filled)
{
    const char *scores =
        role == TRIAL_INNER
            ? "Scores are those that chose among the settings (inner parts of the folds): good for "
              "comparing settings, too kind as a promise. "
            : "Scores are those of the judged samples. ";
    table_note(b,
               "%s%s%s%sTimes%s, latency (median of a sample run alone) and peak memory are of the "
               "machine in the manifest%s.",
               filled->scores ? scores : "",
               filled->losses ? "Losses at the weights that were kept, means over trials; gap: "
                                "validation less training"
                              : "",
               filled->rises ? "; \"rises after\": the epoch after which validation loss rose" : "",
               filled->losses ? ". " : "", filled->losses ? ", training tokens a second" : "",
               filled->size ? "; size: the numbers of the model as it was judged" : "");
}

Status table_settings(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err)
{
    const ViewTask *t = &view->tasks[task];
    TableBuild b = table_begin(out, arena, "settings");
    table_title(&b, "Settings with score, fit and cost, " SLICE_FMT, SLICE_ARG(t->name));
    table_column(&b, SLICE("model"), COLUMN_WORD);
    table_column(&b, SLICE("setting"), COLUMN_WORD);
    table_column(&b, t->primary, COLUMN_NUMBER);
    table_column(&b, SLICE("worst group"), COLUMN_WORD);
    table_column(&b, SLICE("train loss"), COLUMN_DETAIL);
    table_column(&b, SLICE("valid. loss"), COLUMN_DETAIL);
    table_column(&b, SLICE("gap"), COLUMN_NUMBER);
    table_column(&b, SLICE("rises after"), COLUMN_NUMBER);
    for (size_t i = 0; i < sizeof cost_columns / sizeof *cost_columns; i++)
        table_column(&b, slice_from_cstr(cost_columns[i]), i == 0 ? COLUMN_NUMBER : COLUMN_DETAIL);
    table_column(&b, SLICE("size"), COLUMN_NUMBER);
    TrialRole role = TRIAL_SINGLE;
    FilledColumns filled = {0};
    for (size_t i = 0; i < view->n_costs; i++) {
        const ViewCost *cost = &view->costs[i];
        if (cost->task != task || view->models[cost->model].is_baseline) continue;
        if (view_is_step(&view->settings_table[cost->setting])) continue; // in their own table
        // Those of a learning curve stand in its own table, a point a row.
        if (view->n_points > 0 &&
            run_view_setting_value(&view->settings_table[cost->setting], SLICE("train_samples"))
                    .len > 0)
            continue;
        table_cell_slice(&b, view->models[cost->model].name);
        table_cell_slice(&b, view->settings_table[cost->setting].label);
        const ViewScore *score = cost->score == VIEW_NONE ? NULL : &view->scores[cost->score];
        if (score != NULL) text_score(&b.text, &score->score);
        table_cell(&b);
        worst_group_cell(&b, view, cost);
        role = score != NULL ? score->role : role;
        filled.scores |= score != NULL;
        gap_cells(&b, find_gap(view, cost));
        cost_cells(&b, cost);
        const double bytes = model_bytes(view, cost->model, task, cost->setting);
        filled.losses |= find_gap(view, cost) != NULL;
        filled.rises |= rises(find_gap(view, cost));
        filled.size |= !isnan(bytes);
        if (!isnan(bytes)) text_bytes(&b.text, (uint64_t)bytes);
        table_cell(&b);
    }
    settings_note(&b, role, &filled);
    return table_end(&b, err);
}

static Status table_of_json(const char *id, const char *title, const char *note, Slice json,
                            Arena *arena, ReportTable *out, Error *err)
{
    ManifestRow *rows = NULL;
    size_t n = 0;
    TRY(manifest_rows(arena, json, &rows, &n, err));
    TableBuild b = table_begin(out, arena, id);
    table_title(&b, "%s", title);
    table_note(&b, "%s", note);
    table_column(&b, SLICE("what"), COLUMN_WORD);
    table_column(&b, SLICE("value"), COLUMN_TEXT);
    for (size_t i = 0; i < n; i++) {
        table_cell_slice(&b, rows[i].key);
        table_cell_slice(&b, rows[i].value);
    }
    return table_end(&b, err);
}

Status table_manifest(const RunView *view, Arena *arena, ReportTable *out, Error *err)
{
    return table_of_json("manifest", "Manifest",
                         "What can change a result: part of every trial's identity.",
                         view->manifest, arena, out, err);
}

Status table_machine(const RunView *view, Arena *arena, ReportTable *out, Error *err)
{
    return table_of_json("machine", "Machine", "What can only change times.",
                         view->manifest_machine, arena, out, err);
}

static bool is_sliced(const RunView *view, int model, int task)
{
    for (size_t i = 0; i < view->n_slices; i++) {
        if (view->slices[i].model == model && view->slices[i].task == task) return true;
    }
    return false;
}

static bool has_worst(const RunView *view, int model, int task)
{
    for (size_t i = 0; i < view->n_worst; i++) {
        if (view->worst[i].model == model && view->worst[i].task == task) return true;
    }
    return false;
}

static Status tables_of_groups(const RunView *view, int task, Arena *arena, ReportTable *tables,
                               size_t *n, Error *err)
{
    for (size_t m = 0; m < view->n_models; m++) {
        if (is_sliced(view, (int)m, task))
            TRY(table_slices(view, (int)m, task, true, arena, &tables[(*n)++], err));
    }
    return STATUS_OK;
}

static Status tables_of_confusion(const RunView *view, int task, Arena *arena, ReportTable *tables,
                                  size_t *n, Error *err)
{
    for (size_t i = 0; i < view->n_confusions; i++) {
        const ViewConfusion *c = &view->confusions[i];
        if (c->task != task || view->models[c->model].is_baseline) continue;
        TRY(table_confusion(view, c, arena, &tables[(*n)++], err));
    }
    return STATUS_OK;
}

// The tables of one task, appended; there is room for them.
static Status tables_of_task(const RunView *view, int task, Arena *arena, ReportTable *tables,
                             size_t *n, Error *err)
{
    TRY(table_scores(view, task, arena, &tables[(*n)++], err));
    TRY(table_averages(view, task, arena, &tables[(*n)++], err));
    TRY(tables_of_groups(view, task, arena, tables, n, err));
    TRY(table_curve(view, task, arena, &tables[(*n)++], err));
    TRY(table_after(view, task, arena, &tables[(*n)++], err));
    TRY(table_settings(view, task, arena, &tables[(*n)++], err));
    TRY(table_folds(view, task, arena, &tables[(*n)++], err));
    TRY(tables_of_confusion(view, task, arena, tables, n, err));
    for (size_t m = 0; m < view->n_models; m++) {
        if (has_worst(view, (int)m, task))
            TRY(table_worst(view, (int)m, task, arena, &tables[(*n)++], err));
    }
    TRY(table_metrics(view, task, arena, &tables[(*n)++], err));
    return table_checks(view, task, arena, &tables[(*n)++], err);
}

Status report_tables(const RunView *view, Arena *arena, ReportTable **tables, size_t *n_tables,
                     Error *err)
{
    const size_t most = view->n_tasks * (8 + 2 * view->n_models) + view->n_confusions + 2;
    TRY(arena_take(arena, most, sizeof **tables, "tables", tables, err));
    *n_tables = 0;
    for (size_t t = 0; t < view->n_tasks; t++)
        TRY(tables_of_task(view, (int)t, arena, *tables, n_tables, err));
    TRY(table_manifest(view, arena, &(*tables)[(*n_tables)++], err));
    return table_machine(view, arena, &(*tables)[(*n_tables)++], err);
}
