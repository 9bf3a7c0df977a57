// metrics/item.h: what a metric sees of one judged sample: plain views, filled by the harness.
//
// metrics/ knows no Sample and no Model. A view borrows; fields that a metric's `needs` does not name may be empty.
#ifndef ASSAY_METRICS_ITEM_H
#define ASSAY_METRICS_ITEM_H

#include "base/slice.h"

enum { ITEM_NO_LABEL = -1 };

// One named entity or answer span: type and the half-open range of token indices.
typedef struct ItemSpan {
    int32_t type;
    int32_t begin, end;
} ItemSpan;

typedef struct Item {
    // Classification. Classes are indices into MetricSetup.labels.
    int32_t label;               // the reference, or ITEM_NO_LABEL
    int32_t predicted;           // the system's answer, or ITEM_NO_LABEL where it gave none
    const double *probabilities; // [n_classes], sums to 1; NULL where the system gives none
    size_t n_classes;
    double value, predicted_value; // regression

    // Text: what the system wrote and what it should have written. A reference with ptr NULL is absent.
    Slice hypothesis;
    const Slice *references;
    size_t n_references;

    // Tagging: one tag a token, as written ("B-PER", "O").
    const Slice *tags, *predicted_tags;
    size_t n_tags;

    // Log-likelihoods: of the whole text, or one for each choice; counts for normalising.
    const double *log_likelihoods;
    const double *n_tokens; // of each choice
    const double *n_bytes;  // of each choice
    size_t n_choices;

    Slice group;   // for slices and gaps between groups; empty = none
    Slice cluster; // items that are not independent (one passage, one template) share it; empty = an item of its own
    double weight; // 1 by default
} Item;

#endif
