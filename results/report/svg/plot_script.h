// results/report/svg/plot_script.h: writing a script for gnuplot. Not for other folders.
#ifndef ASSAY_RESULTS_REPORT_SVG_PLOT_SCRIPT_H
#define ASSAY_RESULTS_REPORT_SVG_PLOT_SCRIPT_H

#include "results/report/svg/plots.h"

enum { PLOT_MAX_LABELS = 256, PLOT_LABEL_COLUMNS = 32 };

typedef struct Plot {
    PlotContext *context;
    Buffer script;
    Arena arena;
    Slice labels[PLOT_MAX_LABELS]; // cut to label_columns
    size_t label_columns;          // PLOT_LABEL_COLUMNS unless set
    size_t n_labels;
    Buffer title;
} Plot;

// Size in pixels of the drawing's own grid; it scales on the page.
Plot plot_begin(PlotContext *context, int width, int height);
// Appends a token for the label, in quotes.
void plot_label(Plot *plot, Slice label);
// "#000007" of a role, in quotes.
void plot_colour(Plot *plot, int colour);
// The same as the number that `lc rgb variable` reads.
int plot_colour_number(int colour);
// Runs gnuplot, cleans the drawing, appends it; releases the plot.
Status plot_end(Plot *plot, Buffer *out, bool *drawn, Error *err);
// Releases a plot that is not drawn after all.
void plot_discard(Plot *plot);
// The step of the heat map for a share in [0, 1], and the ink that is readable on it.
int plot_heat(double share);
int plot_heat_ink(double share);

#endif
