// Folds in file order as scikit-learn makes them without shuffling.
#include "datasets/splits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_i32(const void *left, const void *right)
{
    const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;
    return a < b ? -1 : a > b;
}

// Numbers the distinct values 0, 1, .. by value: index [n] and counts [*n_distinct], in the arena.
static Status number_values(Arena *arena, const int32_t *values, size_t n, size_t **index,
                            size_t **counts, size_t *n_distinct, Error *err)
{
    int32_t *sorted = NULL;
    TRY(arena_take(arena, n, sizeof *sorted, "folds", &sorted, err));
    TRY(arena_take(arena, n, sizeof **index, "folds", index, err));
    TRY(arena_take(arena, n, sizeof **counts, "folds", counts, err));
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_i32);
    *n_distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || sorted[i] != sorted[i - 1]) sorted[(*n_distinct)++] = sorted[i];
    }
    for (size_t i = 0; i < n; i++) {
        const int32_t *found =
            bsearch(&values[i], sorted, *n_distinct, sizeof *sorted, compare_i32);
        (*index)[i] = (size_t)(found - sorted);
        (*counts)[(*index)[i]]++;
    }
    return STATUS_OK;
}

static void plain_folds(size_t n, size_t k, int32_t *fold)
{
    size_t at = 0;
    for (size_t f = 0; f < k; f++) {
        const size_t size = n / k + (f < n % k);
        for (size_t i = 0; i < size; i++) fold[at++] = (int32_t)f;
    }
}

static Status refuse_rare(const size_t *counts, size_t n_classes, size_t k, Error *err)
{
    size_t largest = 0;
    for (size_t c = 0; c < n_classes; c++) largest = counts[c] > largest ? counts[c] : largest;
    if (k <= largest) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%zu folds, but the largest class has %zu samples: use at most %zu folds", k,
                     largest, largest);
}

// Classes are numbered in the order in which they appear. The samples, sorted by class, are dealt round robin to find how
// many of each class a fold gets; then each class is cut into blocks of those sizes, in file order.
static Status stratified_folds(Arena *arena, const int32_t *labels, size_t n, size_t k,
                               int32_t *fold, Error *err)
{
    size_t *class_of, *counts, n_classes, *begin = NULL, *seen = NULL;
    TRY(number_values(arena, labels, n, &class_of, &counts, &n_classes, err));
    TRY(refuse_rare(counts, n_classes, k, err));
    TRY(arena_take(arena, n_classes, sizeof *begin, "folds", &begin, err));
    TRY(arena_take(arena, n_classes, sizeof *seen, "folds", &seen, err));
    size_t next = 0; // where the next class to appear begins among the sorted samples
    for (size_t i = 0; i < n; i++) {
        const size_t c = class_of[i];
        if (seen[c]++ > 0) continue;
        begin[c] = next;
        next += counts[c];
    }
    memset(seen, 0, n_classes * sizeof *seen);
    for (size_t i = 0; i < n; i++) {
        const size_t c = class_of[i], rank = seen[c]++;
        // The fold whose block holds this rank: block f has as many members as there are positions p = f (mod k) in
        // [begin, begin + count).
        size_t left = rank, f = 0;
        for (;; f++) {
            const size_t first = (f + k - begin[c] % k) % k; // offset of the first such position
            const size_t size = counts[c] > first ? (counts[c] - first - 1) / k + 1 : 0;
            if (left < size) break;
            left -= size;
        }
        fold[i] = (int32_t)f;
    }
    return STATUS_OK;
}

static Status refuse_few_groups(size_t n_groups, size_t k, Error *err)
{
    if (k <= n_groups) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%zu folds, but there are %zu groups: use at most %zu folds", k, n_groups,
                     n_groups);
}

typedef struct SizedGroup {
    size_t group, size;
    double spread; // standard deviation of its counts over classes
} SizedGroup;

// Largest first; of equal ones the later group first.
static int compare_sizes(const void *left, const void *right)
{
    const SizedGroup *a = left, *b = right;
    if (a->size != b->size) return a->size > b->size ? -1 : 1;
    return a->group > b->group ? -1 : 1;
}

static Status grouped_folds(Arena *arena, const int32_t *groups, size_t n, size_t k, int32_t *fold,
                            Error *err)
{
    size_t *group_of, *counts, n_groups, *sizes = NULL, *fold_of = NULL;
    SizedGroup *order = NULL;
    TRY(number_values(arena, groups, n, &group_of, &counts, &n_groups, err));
    TRY(refuse_few_groups(n_groups, k, err));
    TRY(arena_take(arena, n_groups, sizeof *order, "folds", &order, err));
    TRY(arena_take(arena, n_groups, sizeof *fold_of, "folds", &fold_of, err));
    TRY(arena_take(arena, k, sizeof *sizes, "folds", &sizes, err));
    for (size_t g = 0; g < n_groups; g++) order[g] = (SizedGroup){.group = g, .size = counts[g]};
    qsort(order, n_groups, sizeof *order, compare_sizes);
    for (size_t i = 0; i < n_groups; i++) {
        size_t lightest = 0;
        for (size_t f = 1; f < k; f++) {
            if (sizes[f] < sizes[lightest]) lightest = f;
        }
        sizes[lightest] += order[i].size;
        fold_of[order[i].group] = lightest;
    }
    for (size_t i = 0; i < n; i++) fold[i] = (int32_t)fold_of[group_of[i]];
    return STATUS_OK;
}

// The sum as NumPy adds a contiguous row of up to 128 numbers: eight lanes from eight on. Ties between groups depend on
// the last bits.
static double numpy_sum(const double *x, size_t n)
{
    double sum = 0;
    size_t i = 0;
    if (n > 128) {
        const size_t half = n / 2 - n / 2 % 8;
        return numpy_sum(x, half) + numpy_sum(x + half, n - half);
    }
    if (n >= 8) {
        double lane[8];
        memcpy(lane, x, sizeof lane);
        for (i = 8; i + 8 <= n; i += 8) {
            for (size_t j = 0; j < 8; j++) lane[j] += x[i + j];
        }
        sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
              ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    }
    for (; i < n; i++) sum += x[i];
    return sum;
}

// Population standard deviation; scratch has room for n.
static double deviation(const double *x, size_t n, double *scratch)
{
    const double mean = numpy_sum(x, n) / (double)n;
    for (size_t i = 0; i < n; i++) scratch[i] = (x[i] - mean) * (x[i] - mean);
    return sqrt(numpy_sum(scratch, n) / (double)n);
}

static int compare_spreads(const void *left, const void *right)
{
    const SizedGroup *a = left, *b = right;
    if (a->spread != b->spread) return a->spread > b->spread ? -1 : 1;
    return a->group < b->group ? -1 : 1;
}

typedef struct Balance {
    size_t k, n_classes;
    const size_t *class_counts; // [n_classes]
    double *in_fold;            // [k, n_classes]
    double *scratch;            // [n_classes]
} Balance;

// The mean over classes of the deviation, over folds, of the class's share in a fold, if the group went to fold `to`.
static double evaluate(const Balance *b, const double *group, size_t to)
{
    for (size_t c = 0; c < b->n_classes; c++) {
        const double count = (double)b->class_counts[c];
        double mean = 0, sum = 0;
        for (size_t f = 0; f < b->k; f++) {
            mean += (b->in_fold[f * b->n_classes + c] + (f == to ? group[c] : 0)) / count;
        }
        mean /= (double)b->k;
        for (size_t f = 0; f < b->k; f++) {
            const double share =
                (b->in_fold[f * b->n_classes + c] + (f == to ? group[c] : 0)) / count;
            sum += (share - mean) * (share - mean);
        }
        b->scratch[c] = sqrt(sum / (double)b->k);
    }
    return numpy_sum(b->scratch, b->n_classes) / (double)b->n_classes;
}

static size_t best_fold(const Balance *b, const double *group)
{
    size_t best = 0;
    double lowest = INFINITY, fewest = INFINITY;
    for (size_t f = 0; f < b->k; f++) {
        const double value = evaluate(b, group, f);
        const double n_samples = numpy_sum(b->in_fold + f * b->n_classes, b->n_classes);
        const bool is_close =
            isfinite(lowest) && fabs(value - lowest) <= 1e-8 + 1e-5 * fabs(lowest);
        if (!(value < lowest || (is_close && n_samples < fewest))) continue;
        lowest = value;
        fewest = n_samples;
        best = f;
    }
    return best;
}

static Status stratified_grouped_folds(Arena *arena, const int32_t *labels, const int32_t *groups,
                                       size_t n, size_t k, int32_t *fold, Error *err)
{
    size_t *class_of, *class_counts, n_classes, *group_of, *group_counts, n_groups, *fold_of = NULL;
    double *in_group = NULL;
    SizedGroup *order = NULL;
    Balance b = {.k = k};
    TRY(number_values(arena, labels, n, &class_of, &class_counts, &n_classes, err));
    TRY(refuse_rare(class_counts, n_classes, k, err));
    TRY(number_values(arena, groups, n, &group_of, &group_counts, &n_groups, err));
    TRY(refuse_few_groups(n_groups, k, err));
    b.n_classes = n_classes;
    b.class_counts = class_counts;
    TRY(arena_take(arena, n_groups, n_classes * sizeof *in_group, "folds", &in_group, err));
    TRY(arena_take(arena, k, n_classes * sizeof *b.in_fold, "folds", &b.in_fold, err));
    TRY(arena_take(arena, n_classes, sizeof *b.scratch, "folds", &b.scratch, err));
    TRY(arena_take(arena, n_groups, sizeof *order, "folds", &order, err));
    TRY(arena_take(arena, n_groups, sizeof *fold_of, "folds", &fold_of, err));
    for (size_t i = 0; i < n; i++) in_group[group_of[i] * n_classes + class_of[i]] += 1;
    for (size_t g = 0; g < n_groups; g++) {
        order[g] = (SizedGroup){
            .group = g, .spread = deviation(in_group + g * n_classes, n_classes, b.scratch)};
    }
    qsort(order, n_groups, sizeof *order, compare_spreads);
    for (size_t i = 0; i < n_groups; i++) {
        const double *group = in_group + order[i].group * n_classes;
        const size_t f = best_fold(&b, group);
        for (size_t c = 0; c < n_classes; c++) b.in_fold[f * n_classes + c] += group[c];
        fold_of[order[i].group] = f;
    }
    for (size_t i = 0; i < n; i++) fold[i] = (int32_t)fold_of[group_of[i]];
    return STATUS_OK;
}

Status folds_sklearn(const int32_t *labels, const int32_t *groups, size_t n, size_t k,
                     int32_t *fold, Error *err)
{
    if (k < 2 || k > n || k > INT32_MAX) {
        return error_set(
            err, STATUS_INVALID,
            "%zu folds of %zu samples: there must be at least 2 folds, and no more than "
            "samples",
            k, n);
    }
    Arena arena = {0};
    Status s = STATUS_OK;
    if (labels && groups) {
        s = stratified_grouped_folds(&arena, labels, groups, n, k, fold, err);
    } else if (labels) {
        s = stratified_folds(&arena, labels, n, k, fold, err);
    } else if (groups) {
        s = grouped_folds(&arena, groups, n, k, fold, err);
    } else {
        plain_folds(n, k, fold);
    }
    arena_release(&arena);
    return s;
}
