// results/report/svg/gnuplot.h: drawing with gnuplot, a child process that is told numbers only.
//
// No shell: the program is started with posix_spawn, the script goes in through a socket, the drawing comes out of a pipe.
// No text of the user reaches it: a label is a token ("@3xxxx", as many columns wide as the label) for which svg_clean puts
// the label, escaped, into the finished drawing. Colours are roles, given to gnuplot as the dark blues rgb(0,0,1) onwards and
// turned into CSS variables, so that one drawing serves light and dark pages.
#ifndef ASSAY_RESULTS_REPORT_SVG_GNUPLOT_H
#define ASSAY_RESULTS_REPORT_SVG_GNUPLOT_H

#include "base/buffer.h"
#include "base/error.h"

enum { GNUPLOT_TIMEOUT_MS = 20000 };

// Whether `program` (NULL: "gnuplot") is an executable file on PATH or at its path; "" is none.
bool gnuplot_is_available(const char *program);

// Runs the script and appends what gnuplot writes to standard output. STATUS_DEVICE where it cannot be started, fails or
// takes longer than GNUPLOT_TIMEOUT_MS; its first words of complaint stand in err.
Status gnuplot_run(const char *program, Slice script, Buffer *out, Error *err) MUST_CHECK;

// Roles of colours: the n-th is rgb(0,0,n) for gnuplot and var(--NAME) on the page.
typedef enum PlotColour {
    PLOT_INK = 1, // text
    PLOT_MUTED,   // axis labels, tics
    PLOT_RULE,    // grid lines
    PLOT_TRAIN,
    PLOT_VALIDATION,
    PLOT_SERIES_1, // six colours that stay apart also for the colour-blind
    PLOT_SERIES_2,
    PLOT_SERIES_3,
    PLOT_SERIES_4,
    PLOT_SERIES_5,
    PLOT_SERIES_6,
    PLOT_HEAT_0, // eleven steps of a heat map
    PLOT_HEAT_10 = PLOT_HEAT_0 + 10,
    PLOT_HEAT_INK_LOW, // text on the lower steps and on the higher ones
    PLOT_HEAT_INK_HIGH,
    PLOT_COLOURS,
} PlotColour;

enum { PLOT_N_SERIES = 6, PLOT_N_HEAT = 11 };

// Rewrites a drawing of gnuplot's for a page: only known elements and attributes pass (no script, style, link or outside
// reference), ids get `prefix`, tokens become labels, colours become variables; it takes the width that there is, up to its own. `title`
// is what a screen reader says. STATUS_INVALID where the drawing is not understood; then nothing was appended.
Status svg_clean(Slice svg, const char *prefix, Slice title, const Slice *labels, size_t n_labels,
                 Buffer *out, Error *err) MUST_CHECK;

#endif
