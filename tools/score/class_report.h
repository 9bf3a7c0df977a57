// tools/score/class_report.h: precision, recall and F by class as a table of text.
#ifndef ASSAY_TOOLS_SCORE_CLASS_REPORT_H
#define ASSAY_TOOLS_SCORE_CLASS_REPORT_H

#include "base/buffer.h"
#include "metrics/confusion.h"

typedef struct ClassReport {
    const Slice *labels;
    size_t n_labels;
    const double *parts[3];              // precision, recall, F: scores of the metrics
    size_t first_class, macro, weighted; // where those lie in parts
    double accuracy;
    const Confusion *confusion;
    bool
        has_hits; // some item is right; else the reference counts in floating point and writes "3.0"
} ClassReport;

// The text that scikit-learn's classification_report gives, so that the two can be compared byte for byte.
void class_report_text(const ClassReport *report, int digits, Buffer *out);

#endif
