#include "metrics/baseline.h"

Status majority_baseline(const int32_t *labels, size_t n, size_t n_classes, Arena *arena,
                         MajorityBaseline *out, Error *err)
{
    if (n == 0) return error_set(err, STATUS_INVALID, "the baseline wants training labels");
    *out = (MajorityBaseline){.n_classes = n_classes};
    TRY(arena_take(arena, n_classes, sizeof(double), "class frequencies", &out->probabilities,
                   err));
    for (size_t i = 0; i < n; i++) {
        if (labels[i] < 0 || (size_t)labels[i] >= n_classes) {
            return error_set(err, STATUS_INVALID,
                             "training label %d of item %zu is none of %zu classes", (int)labels[i],
                             i, n_classes);
        }
        out->probabilities[labels[i]] += 1;
    }
    for (size_t c = 0; c < n_classes; c++) {
        if (out->probabilities[c] > out->probabilities[out->label]) out->label = (int32_t)c;
    }
    for (size_t c = 0; c < n_classes; c++) out->probabilities[c] /= (double)n;
    return STATUS_OK;
}

Status baseline_items(const MajorityBaseline *baseline, const Item *items, size_t n, Arena *arena,
                      Item **out, Error *err)
{
    TRY(arena_take(arena, n, sizeof **out, "items", out, err));
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = items[i];
        (*out)[i].predicted = baseline->label;
        (*out)[i].probabilities = baseline->probabilities;
        (*out)[i].n_classes = baseline->n_classes;
    }
    return STATUS_OK;
}
