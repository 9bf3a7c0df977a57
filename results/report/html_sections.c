// results/report/html_sections.c: what the page says, from the verdict to the manifest.
#include <math.h>

#include "results/keep.h"
#include "results/report/html_internal.h"

void html_begin_section(Html *html, const char *id, int task, const char *title, Slice of)
{
    buffer_printf(html->out, "<section>\n<h2 id=\"%s-%d\">%s", id, task, title);
    if (html->view->n_tasks > 1 && of.len > 0) {
        html_put(html, ", ");
        html_text(html, of);
    }
    html_put(html, "</h2>\n");
}

void html_heading(Html *html, Slice text)
{
    html_put(html, "<h3>");
    html_text(html, text);
    html_put(html, "</h3>\n");
}

Slice html_source(Html *html, const ViewScore *score, int task)
{
    Buffer text = {0};
    text_source(&text, score);
    buffer_printf(&text, "; data: " SLICE_FMT, SLICE_ARG(html->view->tasks[task].dataset));
    const Slice copy = keep_text(&html->arena, buffer_slice(&text), &html->out->failed);
    buffer_release(&text);
    return copy;
}

static void begin_fact(Html *html, const char *name)
{
    buffer_printf(html->out, "<div><dt>%s</dt><dd>", name);
}

static void put_interval(Html *html, const StoredScore *score)
{
    if (isnan(score->lo) || isnan(score->hi)) return;
    buffer_printf(html->out, "<small>%.0f%%: ", 100 * score->level);
    text_value(html->out, score->lo, score->highest);
    html_put(html, " to ");
    text_value(html->out, score->hi, score->highest);
    html_put(html, "</small>");
}

static void put_time_fact(Html *html)
{
    const RunView *view = html->view;
    int64_t wall_ns = 0;
    for (size_t i = 0; i < view->n_costs; i++) wall_ns += view->costs[i].wall_ns;
    begin_fact(html, "time of all trials");
    text_duration(html->out, wall_ns);
    buffer_printf(html->out, "<small>%zu trials, %zu failed</small></dd></div>\n", view->n_trials,
                  view->n_failed);
}

static void put_facts(Html *html, int task)
{
    const RunView *view = html->view;
    html_put(html, "<dl class=\"facts\">\n");
    for (size_t m = 0; m < view->n_models && m < 5; m++) {
        const ViewScore *score = run_view_headline(view, (int)m, task, (Slice){0});
        if (score == NULL) continue;
        html_put(html, "<div><dt>");
        html_text(html, view->models[m].name);
        html_put(html, "</dt><dd>");
        text_value(html->out, score->score.estimate, score->score.highest);
        put_interval(html, &score->score);
        html_put(html, "</dd></div>\n");
    }
    put_time_fact(html);
    html_put(html, "</dl>\n");
}

Status html_verdicts(Html *html, Error *err)
{
    const RunView *view = html->view;
    for (size_t t = 0; t < view->n_tasks; t++) {
        Buffer verdict = {0};
        report_verdict(view, (int)t, &verdict);
        const Status s = buffer_status(&verdict, err);
        html_put(html, "<div class=\"verdict\"><p class=\"lead\">");
        html_text(html, buffer_slice(&verdict));
        html_put(html, "</p>\n");
        buffer_release(&verdict);
        TRY(s);
        put_facts(html, (int)t);
        html_put(html, "</div>\n");
    }
    for (size_t i = 0; i < view->n_notes; i++) {
        const bool is_warning = view->notes[i].level == NOTE_WARNING;
        html_put(html,
                 is_warning ? "<p class=\"warning\"><b>Warning.</b> " : "<p class=\"remark\">");
        html_text(html, view->notes[i].text);
        html_put(html, "</p>\n");
    }
    if (!html->draws) {
        html_put(html, "<p class=\"remark\">");
        html_text(html, slice_from_cstr(html->remark));
        html_put(html, "</p>\n");
        html->remark[0] = '\0'; // said here; the foot is for failures found later
    }
    return STATUS_OK;
}

static Status draw_scores(Html *html, int model, int task, Buffer *out, bool *drawn, Error *err)
{
    (void)model;
    return plot_scores(&html->plots, task, out, drawn, err);
}

static Status draw_learning_curve(Html *html, int model, int task, Buffer *out, bool *drawn,
                                  Error *err)
{
    (void)model;
    return plot_learning_curve(&html->plots, task, out, drawn, err);
}

static const ViewConfusion *find_confusion(const RunView *view, int model, int task)
{
    for (size_t i = 0; i < view->n_confusions; i++) {
        if (view->confusions[i].model == model && view->confusions[i].task == task)
            return &view->confusions[i];
    }
    return NULL;
}

static Status draw_confusion(Html *html, int model, int task, Buffer *out, bool *drawn, Error *err)
{
    return plot_confusion(&html->plots, find_confusion(html->view, model, task), out, drawn, err);
}

Slice html_caption(Html *html, const char *text, Slice of, Slice source)
{
    return keep_cstr(arena_printf(&html->arena, "%s" SLICE_FMT "%s" SLICE_FMT ".", text,
                                  SLICE_ARG(of), source.len > 0 ? ". Source: " : "",
                                  SLICE_ARG(source)),
                     &html->out->failed);
}

static void put_learning_curve(Html *html, int task, const ReportTable *table)
{
    html_heading(html, table->title);
    html_figure(
        html, draw_learning_curve, VIEW_NONE, task,
        html_caption(html, "Score against number of labels, on a logarithmic axis: ",
                     html->view->tasks[task].primary,
                     SLICE("bands: 95% intervals; the last point is the whole training part")));
    html_table(html, table);
}

Status html_scores(Html *html, int task, Error *err)
{
    const RunView *view = html->view;
    const ViewTask *t = &view->tasks[task];
    ReportTable scores, averages, folds, curve, after;
    TRY(table_scores(view, task, &html->arena, &scores, err));
    TRY(table_averages(view, task, &html->arena, &averages, err));
    TRY(table_folds(view, task, &html->arena, &folds, err));
    TRY(table_curve(view, task, &html->arena, &curve, err));
    TRY(table_after(view, task, &html->arena, &after, err));
    html_begin_section(html, "scores", task, "Scores", t->name);
    const int best = run_view_best_model(view, task);
    const ViewScore *headline =
        best == VIEW_NONE ? NULL : run_view_headline(view, best, task, (Slice){0});
    if (headline != NULL) {
        html_figure(html, draw_scores, VIEW_NONE, task,
                    html_caption(html, "Bars: 95% intervals; small dots: single folds; score: ",
                                 t->primary, html_source(html, headline, task)));
    }
    html_table(html, &scores);
    if (curve.n_rows > 0) put_learning_curve(html, task, &curve);
    if (after.n_rows > 0) {
        html_heading(html, after.title);
        html_table(html, &after);
    }
    if (averages.n_rows > 0) {
        html_put(html, "<details><summary>Averages and classes</summary>\n");
        html_table(html, &averages);
        html_put(html, "</details>\n");
    }
    if (folds.n_rows > 0) {
        html_put(html, "<details><summary>Every fold</summary>\n");
        html_table(html, &folds);
        html_put(html, "</details>\n");
    }
    html_put(html, "</section>\n");
    return STATUS_OK;
}

Status html_slices(Html *html, int task, Error *err)
{
    const RunView *view = html->view;
    bool begun = false;
    for (size_t m = 0; m < view->n_models; m++) {
        ReportTable table;
        TRY(table_slices(view, (int)m, task, true, &html->arena, &table, err));
        if (table.n_rows == 0) continue;
        if (!begun) html_begin_section(html, "slices", task, "Groups", view->tasks[task].name);
        begun = true;
        Buffer words = {0};
        report_worst_groups(view, (int)m, task, &words);
        html_heading(html, view->models[m].name);
        html_put(html, "<p>");
        html_text(html, buffer_slice(&words));
        html_put(html, "</p>\n");
        if (words.failed) html->out->failed = true;
        table.note = slice_sub(table.note, words.len + 1, table.note.len); // said above the table
        buffer_release(&words);
        html_table(html, &table);
    }
    if (begun) html_put(html, "</section>\n");
    return STATUS_OK;
}

Status html_confusions(Html *html, int task, Error *err)
{
    const RunView *view = html->view;
    bool begun = false;
    for (size_t i = 0; i < view->n_confusions; i++) {
        const ViewConfusion *confusion = &view->confusions[i];
        if (confusion->task != task || view->models[confusion->model].is_baseline) continue;
        ReportTable table;
        TRY(table_confusion(view, confusion, &html->arena, &table, err));
        if (!begun) {
            html_begin_section(html, "confusion", task, "Confusion", view->tasks[task].name);
            html_put(html, "<div class=\"pair\">\n");
        }
        begun = true;
        html_put(html, "<div>");
        html_heading(html, view->models[confusion->model].name);
        const Slice source = keep_cstr(arena_printf(&html->arena,
                                                    "%llu judged samples of " SLICE_FMT
                                                    ", each by a model that did not see it",
                                                    (unsigned long long)confusion->n_samples,
                                                    SLICE_ARG(view->tasks[task].dataset)),
                                       &html->out->failed);
        const bool drawn = html_figure(
            html, draw_confusion, confusion->model, task,
            html_caption(html, "Shade: share of the reference's row", SLICE(""), source));
        if (drawn) html_put(html, "<details><summary>As numbers</summary>\n");
        html_table(html, &table);
        html_put(html, drawn ? "</details></div>\n" : "</div>\n");
    }
    if (begun) html_put(html, "</div>\n</section>\n");
    return STATUS_OK;
}

Status html_worst(Html *html, int task, Error *err)
{
    const RunView *view = html->view;
    bool begun = false;
    for (size_t m = 0; m < view->n_models; m++) {
        ReportTable table;
        TRY(table_worst(view, (int)m, task, &html->arena, &table, err));
        if (table.n_rows == 0) continue;
        if (!begun)
            html_begin_section(html, "worst", task, "Worst samples", view->tasks[task].name);
        buffer_printf(html->out, "<details%s><summary>", begun ? "" : " open");
        html_text(html, view->models[m].name);
        html_put(html, "</summary>\n");
        html_table(html, &table);
        html_put(html, "</details>\n");
        begun = true;
    }
    if (begun) html_put(html, "</section>\n");
    return STATUS_OK;
}

// Class balance as bars beside the numbers.
static void put_balance(Html *html, int task)
{
    const RunView *view = html->view;
    double most = 0;
    for (size_t i = 0; i < view->n_checks; i++) {
        const CheckRow *check = &view->checks[i];
        if (slice_eq(check->task, view->tasks[task].name) &&
            slice_eq_cstr(check->section, "classes") && check->number > most)
            most = check->number;
    }
    if (most <= 0) return;
    html_heading(html, SLICE("Class balance"));
    html_put(html, "<div class=\"scroll\"><table class=\"balance\"><tbody>\n");
    for (size_t i = 0; i < view->n_checks; i++) {
        const CheckRow *check = &view->checks[i];
        if (!slice_eq(check->task, view->tasks[task].name) ||
            !slice_eq_cstr(check->section, "classes"))
            continue;
        html_put(html, "<tr><td class=\"w\">");
        html_text(html, check->item);
        const double share = check->number > 0 ? check->number / most : 0; // NaN gives 0
        buffer_printf(html->out, "</td><td><span class=\"bar\" style=\"width:%.0fpx\"></span>",
                      320 * share);
        html_text(html, check->value);
        html_put(html, "</td></tr>\n");
    }
    html_put(html, "</tbody></table></div>\n");
}

Status html_data(Html *html, int task, Error *err)
{
    const RunView *view = html->view;
    ReportTable table;
    TRY(table_checks(view, task, &html->arena, &table, err));
    if (table.n_rows == 0) return STATUS_OK;
    html_begin_section(html, "data", task, "Data", view->tasks[task].name);
    put_balance(html, task);
    html_table(html, &table);
    html_put(html, "</section>\n");
    return STATUS_OK;
}

static void put_reproduction(Html *html)
{
    const RunView *view = html->view;
    html_put(
        html,
        "<h3>How to reproduce</h3>\n<p>With the same files (compare the hashes below), the same version of the "
        "program and the same seeds, every score and every answer comes out the same; times do not.</p>\n<pre>");
    if (view->command.len > 0) {
        html_text(html, view->command);
        html_put(html, "\n");
    }
    html_put(html, "assay export ");
    html_text(html, view->run_id);
    html_put(html, " --canonical | sha256sum   # equal for equal results</pre>\n");
}

Status html_provenance(Html *html, Error *err)
{
    const RunView *view = html->view;
    ReportTable manifest, machine;
    TRY(table_manifest(view, &html->arena, &manifest, err));
    TRY(table_machine(view, &html->arena, &machine, err));
    html_put(html, "<section>\n<h2 id=\"provenance\">Provenance</h2>\n");
    put_reproduction(html);
    for (size_t t = 0; t < view->n_tasks; t++) {
        ReportTable metrics;
        TRY(table_metrics(view, (int)t, &html->arena, &metrics, err));
        if (metrics.n_rows == 0) continue;
        html_heading(html, metrics.title);
        metrics.id = "manifest";
        html_table(html, &metrics);
    }
    html_heading(html, manifest.title);
    manifest.id = machine.id = "manifest";
    html_table(html, &manifest);
    html_heading(html, machine.title);
    html_table(html, &machine);
    if (view->settings.len > 0) {
        html_put(html, "<details><summary>The suite as it was run</summary>\n<pre>");
        html_text(html, view->settings);
        html_put(html, "</pre></details>\n");
    }
    html_put(html, "</section>\n");
    return STATUS_OK;
}
