// results/report/html_internal.h: the page's parts. Not for other folders.
#ifndef ASSAY_RESULTS_REPORT_HTML_INTERNAL_H
#define ASSAY_RESULTS_REPORT_HTML_INTERNAL_H

#include "results/report/report_internal.h"
#include "results/report/svg/plots.h"

typedef struct Html {
    const RunView *view;
    Buffer *out;
    Arena arena;
    PlotContext plots;
    bool draws;       // false once gnuplot is known to be absent or to fail
    char remark[400]; // why there are no plots; empty where there are
} Html;

// html_style.c: the style sheet.
extern const char *const html_style[]; // pieces, NULL at the end

void html_put(Html *html, const char *text); // markup of ours
void html_text(Html *html, Slice text);      // foreign text, escaped
void html_table(Html *html,
                const ReportTable *table); // nothing where it has no rows; note below it
// html_explain.c: the texts of a sample, shaded; false (and nothing) where its answer was not explained.
bool html_explained(Html *html, const ViewWorst *worst);
// A figure around what a plot function wrote; caption as text. Nothing where it was not drawn. A plot of a whole task
// (model VIEW_NONE) is wide.
typedef Status (*HtmlPlot)(Html *html, int model, int task, Buffer *out, bool *drawn, Error *err);
bool html_figure(Html *html, HtmlPlot plot, int model, int task, Slice caption);

// html_sections.c: how a section of a task begins (of: the task's name, said where there are several), and a heading within one.
void html_begin_section(Html *html, const char *id, int task, const char *title, Slice of);
void html_heading(Html *html, Slice text);
// "500 samples of reviews, 5 folds, 1 seed": what every bar says.
Slice html_source(Html *html, const ViewScore *score, int task);
// What stands below a figure: text, what it is of, and its source.
Slice html_caption(Html *html, const char *text, Slice of, Slice source);

// html_sections.c, html_tuning.c: each writes one <section>, or nothing.
Status html_verdicts(Html *html, Error *err);
Status html_scores(Html *html, int task, Error *err);
Status html_slices(Html *html, int task, Error *err);
Status html_settings(Html *html, int task, Error *err);
Status html_curves(Html *html, int task, Error *err);
Status html_confusions(Html *html, int task, Error *err);
Status html_worst(Html *html, int task, Error *err);
Status html_data(Html *html, int task, Error *err);
Status html_provenance(Html *html, Error *err);

#endif
