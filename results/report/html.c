// results/report/html.c: the page: one file, no script, nothing from elsewhere.
#include "results/report/html_internal.h"

void html_put(Html *html, const char *text)
{
    buffer_append_cstr(html->out, text);
}

void html_text(Html *html, Slice text)
{
    text_html(html->out, text);
}

static const char *cell_class(const TableColumn *column)
{
    return column->is_number ? "n" : column->is_text ? "t" : "w";
}

// Tables with running text are too wide for a phone: there each row becomes a block of labelled lines.
static bool is_stacked(const ReportTable *table)
{
    for (size_t j = 0; j < table->n_columns; j++) {
        if (table->columns[j].is_text) return true;
    }
    return false;
}

// An interval stands back behind its estimate.
// worst: the sample whose text the cell may hold, where that can be shaded.
static void put_cell(Html *html, const TableColumn *column, bool is_labelled, Slice cell,
                     const ViewWorst *worst)
{
    const size_t bracket = column->is_number ? slice_find(cell, SLICE(" [")) : SIZE_MAX;
    buffer_printf(html->out, "<td class=\"%s\"", cell_class(column));
    if (is_labelled) {
        html_put(html, " data-label=\"");
        html_text(html, column->name);
        html_put(html, "\"");
    }
    html_put(html, ">");
    if (!column->is_text || !html_explained(html, worst))
        html_text(html, slice_sub(cell, 0, bracket));
    if (bracket != SIZE_MAX) {
        html_put(html, " <span class=\"ci\">");
        html_text(html, slice_sub(cell, bracket + 1, cell.len));
        html_put(html, "</span>");
    }
    html_put(html, "</td>");
}

void html_table(Html *html, const ReportTable *table)
{
    if (table->n_rows == 0) return;
    const bool stacks = is_stacked(table);
    buffer_printf(html->out, "<div class=\"scroll\"><table class=\"%s%s\"><thead><tr>", table->id,
                  stacks ? " stack" : "");
    for (size_t j = 0; j < table->n_columns; j++) {
        buffer_printf(html->out, "<th scope=\"col\" class=\"%s\">", cell_class(&table->columns[j]));
        html_text(html, table->columns[j].name);
        html_put(html, "</th>");
    }
    html_put(html, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < table->n_rows; i++) {
        html_put(html, (int)i == table->best_row ? "<tr class=\"best\">" : "<tr>");
        for (size_t j = 0; j < table->n_columns; j++)
            put_cell(html, &table->columns[j], stacks, table->cells[i * table->n_columns + j],
                     table->explained ? table->explained[i] : NULL);
        html_put(html, "</tr>\n");
    }
    html_put(html, "</tbody></table></div>\n");
    if (table->note.len == 0) return;
    html_put(html, "<p class=\"note\">");
    html_text(html, table->note);
    html_put(html, "</p>\n");
}

bool html_figure(Html *html, HtmlPlot plot, int model, int task, Slice caption)
{
    if (!html->draws) return false;
    Buffer drawing = {0};
    Error err = {0};
    bool drawn = false;
    const Status s = plot(html, model, task, &drawing, &drawn, &err);
    if (s != STATUS_OK) {
        html->draws = false; // what failed once fails again: the report goes on without
        snprintf(html->remark, sizeof html->remark, "Plots were left out: %.300s.", err.text);
        drawn = false;
    }
    if (drawn) {
        html_put(html, "<figure><div class=\"plot\">");
        buffer_append(html->out, buffer_slice(&drawing));
        html_put(html, "</div><figcaption>");
        html_text(html, caption);
        html_put(html, "</figcaption></figure>\n");
    }
    if (drawing.failed) html->out->failed = true;
    buffer_release(&drawing);
    return drawn;
}

// Links to the sections of the first task that there are.
static void put_navigation(Html *html)
{
    const RunView *view = html->view;
    bool has_curves = false;
    for (size_t i = 0; i < view->n_trials; i++)
        has_curves = has_curves || view->trials[i].n_series > 0;
    const struct {
        const char *target, *name;
        bool is_there;
    } links[] = {
        {"scores-0", "Scores", view->n_tasks > 0},
        {"slices-0", "Groups", view->n_slices > 0},
        {"settings-0", "Settings and cost", view->n_costs > 0},
        {"curves-0", "Training", has_curves && html->draws},
        {"confusion-0", "Confusion", view->n_confusions > 0},
        {"worst-0", "Worst samples", view->n_worst > 0},
        {"data-0", "Data", view->n_checks > 0},
        {"provenance", "Provenance", true},
    };
    html_put(html, "<nav>");
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        if (links[i].is_there)
            buffer_printf(html->out, "<a href=\"#%s\">%s</a>", links[i].target, links[i].name);
    }
    html_put(html, "</nav>\n");
}

static void put_head(Html *html, const char *mark)
{
    const RunView *view = html->view;
    buffer_printf(
        html->out,
        "<!DOCTYPE html>\n<!-- %s %s -->\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">\n"
        "<meta name=\"generator\" content=\"assay\">\n<title>",
        report_mark_label, mark);
    html_text(html, view->suite);
    html_put(html, " \xc2\xb7 assay report</title>\n<style>\n");
    for (size_t i = 0; html_style[i] != NULL; i++) html_put(html, html_style[i]);
    html_put(html,
             "</style>\n</head>\n<body>\n<header>\n<p class=\"eyebrow\">assay report</p>\n<h1>");
    html_text(html, view->suite);
    html_put(html, "</h1>\n<p class=\"sub\">");
    Buffer text = {0};
    report_subtitle(view, &text);
    html_text(html, buffer_slice(&text));
    if (text.failed) html->out->failed = true;
    buffer_release(&text);
    html_put(html, "</p>\n");
    put_navigation(html);
    html_put(html, "</header>\n<main>\n");
}

static Status put_body(Html *html, Error *err)
{
    typedef Status (*Section)(Html *, int, Error *);
    static const Section sections[] = {html_scores,     html_slices, html_settings, html_curves,
                                       html_confusions, html_worst,  html_data};
    TRY(html_verdicts(html, err));
    for (size_t t = 0; t < html->view->n_tasks; t++) {
        for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
            TRY(sections[i](html, (int)t, err));
    }
    return html_provenance(html, err);
}

static void put_foot(Html *html)
{
    if (html->remark[0] != '\0') {
        html_put(html, "<p class=\"remark\">");
        html_text(html, slice_from_cstr(html->remark));
        html_put(html, "</p>\n");
    }
    html_put(
        html,
        "</main>\n<footer>Made by assay. This page is one file: no script runs in it and nothing is loaded from "
        "elsewhere.</footer>\n</body>\n</html>\n");
}

Status render_html(const RunView *view, const ReportOptions *options, Buffer *out, Error *err)
{
    char mark[SHA256_HEX_SIZE];
    TRY(report_mark(view->inputs_hash, report_find(SLICE("html")), options, mark, err));
    Html html = {.view = view, .out = out, .plots = {.view = view, .gnuplot = options->gnuplot}};
    html.draws = gnuplot_is_available(options->gnuplot);
    if (!html.draws)
        snprintf(
            html.remark, sizeof html.remark,
            "Plots were left out: gnuplot was not found. Install it (apt-get install gnuplot-nox) and render again.");
    put_head(&html, mark);
    const Status s = put_body(&html, err);
    put_foot(&html);
    arena_release(&html.arena);
    return s == STATUS_OK ? buffer_status(out, err) : s;
}
