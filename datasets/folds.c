// Folds that depend on ids, inputs, labels, groups and the seed, not on the order of the file.
#include "datasets/splits.h"

#include "base/buffer.h"
#include "datasets/label_folds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMED_CLASSES = 5 };

static bool is_stratified(FoldKind kind)
{
    return kind == FOLDS_STRATIFIED || kind == FOLDS_STRATIFIED_GROUPED;
}

static bool is_grouped(FoldKind kind)
{
    return kind == FOLDS_GROUPED || kind == FOLDS_STRATIFIED_GROUPED ||
           kind == FOLDS_LABEL_SETS_GROUPED;
}

static bool has_label_sets(FoldKind kind)
{
    return kind == FOLDS_LABEL_SETS || kind == FOLDS_LABEL_SETS_GROUPED;
}

// Counts of each label in the subset; a sample without a label is refused.
static Status count_labels(const Dataset *data, const Sample *const *samples, size_t n,
                           size_t *counts, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (samples[i]->label == SAMPLE_NO_LABEL) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: the sample has no label, so it cannot be stratified: "
                                       "label it, or choose plain folds",
                             SLICE_ARG(data->path), samples[i]->line);
        }
        counts[samples[i]->label]++;
    }
    return STATUS_OK;
}

static Status refuse_rare(const Dataset *data, const size_t *counts, size_t k, Error *err)
{
    Buffer names = {0};
    size_t n_rare = 0, fewest = SIZE_MAX;
    for (size_t c = 0; c < data->n_labels; c++) {
        if (counts[c] == 0 || counts[c] >= k) continue; // a class that is absent harms no fold
        if (counts[c] < fewest) fewest = counts[c];
        if (n_rare++ >= MAX_NAMED_CLASSES) continue;
        buffer_printf(&names, "%s\"" SLICE_FMT "\" (%zu)", n_rare > 1 ? ", " : "",
                      SLICE_ARG(slice_sub(data->labels[c], 0, 60)), counts[c]);
    }
    if (n_rare > MAX_NAMED_CLASSES) {
        buffer_printf(&names, " and %zu more", n_rare - MAX_NAMED_CLASSES);
    }
    Status s = buffer_status(&names, err);
    if (s == STATUS_OK && n_rare) {
        s = error_set(err, STATUS_INVALID,
                      SLICE_FMT
                      ": %s with fewer samples than the %zu folds: %s; %s, add samples, merge "
                      "the class with another, or choose plain folds",
                      SLICE_ARG(data->path), n_rare == 1 ? "a class" : "classes", k, names.ptr,
                      fewest >= 2 ? "use fewer folds" : "remove the class");
    }
    buffer_release(&names);
    return s;
}

static Status refuse_sizes(const Dataset *data, size_t n, size_t k, Error *err)
{
    if (k < 2) {
        return error_set(err, STATUS_INVALID,
                         "\"k\" is %zu: cross-validation needs at least 2 folds", k);
    }
    if (k <= n && k <= INT32_MAX) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": %zu folds, but only %zu samples: use fewer folds",
                     SLICE_ARG(data->path), k, n);
}

// Where a unit adds least to the sum over folds and classes of (count^2 / size of class), which is least for equal shares:
// the increase is 2 * sum(own count * count there / size of class) and a constant.
static double crowding(const Units *units, const Unit *unit, const size_t *in_fold)
{
    double sum = 0;
    for (size_t i = 0; i < unit->n;
         i++) { // sorted by class, so that the order of the file does not matter
        const int32_t c = units->classes[units->members[unit->begin + i]];
        sum += (double)in_fold[c] / (double)units->class_counts[c];
    }
    return sum;
}

// Deals the units out, large ones first: each to the fold with the fewest of its classes, then with the fewest samples.
static Status deal(Arena *arena, const Units *units, size_t k, int32_t *fold, Error *err)
{
    size_t *in_fold = NULL, *sizes = NULL;
    TRY(arena_take(arena, k, units->n_classes * sizeof *in_fold, "folds", &in_fold, err));
    TRY(arena_take(arena, k, sizeof *sizes, "folds", &sizes, err));
    for (size_t u = 0; u < units->n_units; u++) {
        const Unit *unit = &units->units[u];
        size_t best = 0;
        double least = crowding(units, unit, in_fold);
        for (size_t f = 1; f < k; f++) {
            const double crowd = crowding(units, unit, in_fold + f * units->n_classes);
            if (crowd > least || (crowd == least && sizes[f] >= sizes[best])) continue;
            best = f;
            least = crowd;
        }
        for (size_t i = 0; i < unit->n; i++) {
            const size_t member = units->members[unit->begin + i];
            in_fold[best * units->n_classes + (size_t)units->classes[member]]++;
            fold[member] = (int32_t)best;
        }
        sizes[best] += unit->n;
    }
    return STATUS_OK;
}

static Status shuffled_folds(Arena *arena, const Dataset *data, const size_t *which, size_t n,
                             const FoldOptions *options, int32_t *fold, Error *err)
{
    Units units;
    TRY(units_build(arena, data, which, n, options->seed, is_stratified(options->kind),
                    is_grouped(options->kind), &units, err));
    if (options->k > units.n_units) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": %zu folds, but only %zu %s: use fewer folds",
                         SLICE_ARG(data->path), options->k, units.n_units,
                         is_grouped(options->kind) ? "groups" : "different inputs");
    }
    if (!has_label_sets(options->kind)) {
        units_sort_for_dealing(&units);
        return deal(arena, &units, options->k, fold, err);
    }
    double *shares = NULL;
    TRY(label_folds_sort(arena, &units, err));
    TRY(arena_take(arena, options->k, sizeof *shares, "folds", &shares, err));
    for (size_t f = 0; f < options->k; f++) shares[f] = 1.0 / (double)options->k;
    return label_folds_deal(arena, &units, data->n_labels, shares, options->k, fold, err);
}

typedef struct GroupName {
    Slice name;
    size_t position;
} GroupName;

static int compare_names(const void *left, const void *right)
{
    const GroupName *a = left, *b = right;
    if ((a->name.len == 0) != (b->name.len == 0)) return a->name.len == 0 ? 1 : -1;
    const int order = slice_cmp(a->name, b->name);
    return order ? order : a->position < b->position ? -1 : 1;
}

// Numbers groups in the order of their names, as np.unique does; samples without one come last, each its own.
static Status number_groups(Arena *arena, const Sample *const *samples, size_t n, int32_t *groups,
                            Error *err)
{
    GroupName *names = NULL;
    TRY(arena_take(arena, n, sizeof *names, "folds", &names, err));
    for (size_t i = 0; i < n; i++) names[i] = (GroupName){samples[i]->group, i};
    qsort(names, n, sizeof *names, compare_names);
    int32_t number = -1;
    for (size_t i = 0; i < n; i++) {
        const bool is_same =
            i > 0 && names[i].name.len && slice_eq(names[i].name, names[i - 1].name);
        number += !is_same;
        groups[names[i].position] = number;
    }
    return STATUS_OK;
}

static Status file_order_folds(Arena *arena, const Sample *const *samples, size_t n,
                               const FoldOptions *options, int32_t *fold, Error *err)
{
    int32_t *labels = NULL, *groups = NULL;
    if (is_stratified(options->kind)) {
        TRY(arena_take(arena, n, sizeof *labels, "folds", &labels, err));
        for (size_t i = 0; i < n; i++) labels[i] = samples[i]->label;
    }
    if (is_grouped(options->kind)) {
        TRY(arena_take(arena, n, sizeof *groups, "folds", &groups, err));
        TRY(number_groups(arena, samples, n, groups, err));
    }
    return folds_sklearn(labels, groups, n, options->k, fold, err);
}

static Status assign(Arena *arena, const Dataset *data, const size_t *which, size_t n,
                     const FoldOptions *options, int32_t *fold, Error *err)
{
    const Sample **samples = NULL;
    TRY(units_select(arena, data, which, &n, &samples, err));
    TRY(refuse_sizes(data, n, options->k, err));
    if (is_stratified(options->kind)) {
        size_t *counts = NULL;
        TRY(arena_take(arena, data->n_labels, sizeof *counts, "folds", &counts, err));
        TRY(count_labels(data, samples, n, counts, err));
        if (!options->allow_rare) TRY(refuse_rare(data, counts, options->k, err));
    }
    if (options->file_order) return file_order_folds(arena, samples, n, options, fold, err);
    return shuffled_folds(arena, data, which, n, options, fold, err);
}

Status folds_assign(const Dataset *data, const size_t *which, size_t n, const FoldOptions *options,
                    int32_t *fold, Error *err)
{
    Arena arena = {0};
    const Status s = assign(&arena, data, which, n, options, fold, err);
    arena_release(&arena);
    return s;
}

static Status count_split(Arena *arena, const Dataset *data, const size_t *which, size_t n,
                          const int32_t *fold, size_t *out, Error *err)
{
    const Sample **samples = NULL;
    size_t *input_of = NULL, n_inputs;
    int32_t *first_fold = NULL;
    bool *is_split = NULL;
    TRY(units_select(arena, data, which, &n, &samples, err));
    TRY(arena_take(arena, n, sizeof *input_of, "folds", &input_of, err));
    TRY(units_inputs(arena, samples, n, input_of, &n_inputs, err));
    TRY(arena_take(arena, n_inputs, sizeof *first_fold, "folds", &first_fold, err));
    TRY(arena_take(arena, n_inputs, sizeof *is_split, "folds", &is_split, err));
    for (size_t i = n; i-- > 0;) first_fold[input_of[i]] = fold[i];
    for (size_t i = 0; i < n; i++) {
        if (fold[i] != first_fold[input_of[i]]) is_split[input_of[i]] = true;
    }
    *out = 0;
    for (size_t i = 0; i < n; i++) *out += is_split[input_of[i]];
    return STATUS_OK;
}

Status folds_split_inputs(const Dataset *data, const size_t *which, size_t n, const int32_t *fold,
                          size_t *out, Error *err)
{
    Arena arena = {0};
    const Status s = count_split(&arena, data, which, n, fold, out, err);
    arena_release(&arena);
    return s;
}
