// What tuning did: settings, and curves.

#include "results/report/html_internal.h"

static Status draw_grid(Html *html, int model, int task, Buffer *out, bool *drawn, Error *err)
{
    return plot_grid(&html->plots, model, task, out, drawn, err);
}

static Status draw_curves(Html *html, int model, int task, Buffer *out, bool *drawn, Error *err)
{
    return plot_curves(&html->plots, model, task, out, drawn, err);
}

static Status draw_validation(Html *html, int model, int task, Buffer *out, bool *drawn, Error *err)
{
    return plot_validation(&html->plots, model, task, out, drawn, err);
}

// The source of a model's grid: that of any of its settings' scores.
static Slice grid_source(Html *html, int model, int task)
{
    for (size_t i = 0; i < html->view->n_costs; i++) {
        const ViewCost *cost = &html->view->costs[i];
        if (cost->model == model && cost->task == task && cost->score != VIEW_NONE)
            return html_source(html, &html->view->scores[cost->score], task);
    }
    return (Slice){0};
}

Status html_settings(Html *html, int task, Error *err)
{
    const RunView *view = html->view;
    ReportTable settings;
    TRY(table_settings(view, task, &html->arena, &settings, err));
    if (settings.n_rows == 0) return STATUS_OK;
    html_begin_section(html, "settings", task, "Settings, fit and cost", view->tasks[task].name);
    html_put(html, "<div class=\"pair\">\n");
    for (size_t m = 0; m < view->n_models; m++) {
        if (view->models[m].is_baseline) continue;
        html_figure(html, draw_grid, (int)m, task,
                    html_caption(html, "Score of each setting: ", view->models[m].name,
                                 grid_source(html, (int)m, task)));
    }
    html_put(html, "</div>\n");
    html_table(html, &settings);
    html_put(html, "</section>\n");
    return STATUS_OK;
}

static bool has_curves(const RunView *view, int task)
{
    for (size_t i = 0; i < view->n_trials; i++) {
        if (view->trials[i].task == task && view->trials[i].n_series > 0) return true;
    }
    return false;
}

Status html_curves(Html *html, int task, Error *err)
{
    (void)err;
    const RunView *view = html->view;
    if (!has_curves(view, task) || !html->draws) return STATUS_OK;
    html_begin_section(html, "curves", task, "Training", view->tasks[task].name);
    for (size_t m = 0; m < view->n_models; m++) {
        if (view->models[m].is_baseline) continue;
        size_t n_won = 0, n_folds = 0;
        const int best = run_view_best_setting(view, (int)m, task, &n_won, &n_folds);
        html_heading(html, view->models[m].name);
        html_put(html, "<div class=\"pair\">\n");
        html_figure(
            html, draw_curves, (int)m, task,
            html_caption(
                html,
                n_folds > 1 && n_won * 2 > n_folds ? "Setting chosen most often: " : "Setting: ",
                best == VIEW_NONE ? SLICE("the best one") : view->settings_table[best].label,
                SLICE(
                    "means over its trials; the band reaches from the lowest to the highest training loss")));
        html_figure(
            html, draw_validation, (int)m, task,
            html_caption(html, "Validation loss of every setting", SLICE(""),
                         SLICE("means over trials; the thick line is the setting on the left")));
        html_put(html, "</div>\n");
    }
    html_put(html, "</section>\n");
    return STATUS_OK;
}
