// results/report/report.h: a run as a document. Rows in, bytes out; knows nothing of models.
//
// A format is a row of report_formats and a file of its own. Rendering is a function of the view and the options alone:
// no clock, no environment; equal inputs give equal bytes. The plots of the HTML report are drawn by gnuplot, a child
// process that sees labels only as data; where it is absent the report is made without them and says so.
#ifndef ASSAY_RESULTS_REPORT_REPORT_H
#define ASSAY_RESULTS_REPORT_REPORT_H

#include "base/buffer.h"
#include "results/run_view.h"

typedef struct ReportOptions {
    size_t width;        // columns of a terminal; 0 means 100
    bool colour;         // terminal only
    const char *gnuplot; // program to draw with; NULL looks for "gnuplot" on PATH, "" draws nothing
} ReportOptions;

typedef struct ReportFormat {
    const char *name;      // "html": as in suites and --format
    const char *extension; // "html", without the dot
    const char *summary;   // one line for people
    Status (*render)(const RunView *view, const ReportOptions *options, Buffer *out, Error *err);
} ReportFormat;

extern const ReportFormat report_formats[];
extern const size_t report_format_count;
// NULL where there is none of that name.
const ReportFormat *report_find(Slice name);

// Raised when the bytes of some format change for the same inputs.
enum { REPORT_RENDERER_VERSION = 8 };

// Whether DIRECTORY/report.EXTENSION was made from these inputs (run_view_hash) by the same renderer: then no view need be
// loaded. The path goes into the arena. options may be NULL.
Status report_is_current(const char *inputs_hash, const ReportFormat *format,
                         const ReportOptions *options, const char *directory, Arena *arena,
                         Slice *path, bool *is_current, Error *err) MUST_CHECK;

// Writes DIRECTORY/report.EXTENSION (made where absent), unless the file there was made from the same inputs by the same
// renderer: then it is left untouched and *written is false. The path goes into the arena. Each file carries the
// hash it was made from, in a comment, a field or a last line.
Status report_write(const RunView *view, const ReportFormat *format, const ReportOptions *options,
                    const char *directory, Arena *arena, Slice *path, bool *written,
                    Error *err) MUST_CHECK;

// One or two sentences: the best model of a task, its score, its lead over the next and over the baseline.
void report_verdict(const RunView *view, int task, Buffer *out);

#endif
