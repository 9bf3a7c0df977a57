// results/report/svg/plots.h: the drawings of a report, each a figure's SVG.
//
// A plot is skipped without an error (*drawn false) where there is nothing to draw. Failures of gnuplot are STATUS_DEVICE
// or STATUS_INVALID: a report shows them as a remark and goes on.
#ifndef ASSAY_RESULTS_REPORT_SVG_PLOTS_H
#define ASSAY_RESULTS_REPORT_SVG_PLOTS_H

#include "results/report/svg/gnuplot.h"
#include "results/run_view.h"

typedef struct PlotContext {
    const RunView *view;
    const char *gnuplot;
    size_t n_drawn; // gives each drawing ids of its own
} PlotContext;

// Models and the baseline with intervals, and a dot for each fold.
Status plot_scores(PlotContext *context, int task, Buffer *out, bool *drawn, Error *err) MUST_CHECK;
// The primary score by number of labels, a line and a band a model.
Status plot_learning_curve(PlotContext *context, int task, Buffer *out, bool *drawn,
                           Error *err) MUST_CHECK;
// The primary score over the two first axes of the grid (further axes: the best over them).
Status plot_grid(PlotContext *context, int model, int task, Buffer *out, bool *drawn,
                 Error *err) MUST_CHECK;
// Loss by step: training (mean of folds over a band from lowest to highest) and validation, of the setting chosen most often.
Status plot_curves(PlotContext *context, int model, int task, Buffer *out, bool *drawn,
                   Error *err) MUST_CHECK;
// Validation loss by step of each setting, means over folds.
Status plot_validation(PlotContext *context, int model, int task, Buffer *out, bool *drawn,
                       Error *err) MUST_CHECK;
Status plot_confusion(PlotContext *context, const ViewConfusion *confusion, Buffer *out,
                      bool *drawn, Error *err) MUST_CHECK;

#endif
