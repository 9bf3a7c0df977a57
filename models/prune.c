#include "models/prune.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "models/model_internal.h"

const char *prune_scope_name(PruneScope scope)
{
    static const char *const names[PRUNE_SCOPE_COUNT] = {"matrix", "global"};
    return names[scope];
}

// The k-th smallest of n values, k from 0 (Hoare's selection); their order is lost.
static float select_smallest(float *values, size_t n, size_t k)
{
    size_t begin = 0, end = n;
    while (end - begin > 1) {
        const float pivot = values[begin + (end - begin) / 2];
        size_t i = begin, j = end - 1;
        for (;;) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i >= j) break;
            const float swapped = values[i];
            values[i++] = values[j];
            values[j--] = swapped;
        }
        // values[begin .. i) are at most the pivot, values[i .. end) at least; where i stands on it, it is in place.
        if (i == j && k == i) return values[i];
        const size_t cut = i == j ? i + (k > i) : i;
        if (k < cut)
            end = cut;
        else
            begin = cut;
    }
    return values[begin];
}

// A matrix of a block, by its tensor.
typedef struct Matrix {
    Slice name;
    size_t begin, n; // among all floats
} Matrix;

typedef struct Matrices {
    Arena arena;
    Matrix *items;
    size_t n;
    float *values; // of all, end to end
    float *sizes;  // scratch of the same length
    size_t n_values;
} Matrices;

static bool is_pruned(const Model *model, Slice name)
{
    size_t index = 0, part = 0;
    if (!weights_find(model, name, &index, &part)) return false;
    const Param *param = &model->tape.params[index];
    return !param->is_vector && param->group > 0 && param->group <= model->config.n_layers;
}

static Status read_matrices(const Model *model, Matrices *m, Error *err)
{
    TRY(arena_take(&m->arena, model_n_tensors(model), sizeof *m->items, "matrices", &m->items,
                   err));
    for (size_t i = 0; i < model_n_tensors(model); i++) {
        const Slice name = model_tensor_name(model, i);
        size_t rows = 0, cols = 0;
        if (!is_pruned(model, name)) continue;
        TRY(model_tensor_shape(model, name, &rows, &cols, err));
        m->items[m->n++] = (Matrix){name, m->n_values, rows * cols}; // held in memory already
        m->n_values += rows * cols;
    }
    if (m->n == 0)
        return error_set(err, STATUS_INVALID,
                         "the model has no blocks whose matrices could be pruned");
    m->values = huge_alloc(m->n_values * sizeof *m->values);
    m->sizes = huge_alloc(m->n_values * sizeof *m->sizes);
    if (!m->values || !m->sizes)
        return error_set_memory(err, m->n_values, 2 * sizeof *m->values, "weights to prune");
    for (size_t i = 0; i < m->n; i++)
        TRY(model_tensor_read(model, m->items[i].name, m->values + m->items[i].begin, err));
    return STATUS_OK;
}

// Zeroes the n_zero smallest of n values.
static void prune_values(float *values, float *sizes, size_t n, size_t n_zero)
{
    if (n_zero == 0) return;
    for (size_t i = 0; i < n; i++) sizes[i] = fabsf(values[i]);
    const float threshold = select_smallest(sizes, n, n_zero - 1);
    size_t n_below = 0;
    for (size_t i = 0; i < n; i++) n_below += fabsf(values[i]) < threshold;
    size_t n_equal = n_zero - n_below; // how many of the threshold's own size go
    for (size_t i = 0; i < n; i++) {
        const float size = fabsf(values[i]);
        if (size < threshold) {
            values[i] = 0;
        } else if (!(size > threshold) && n_equal > 0) {
            values[i] = 0;
            n_equal--;
        }
    }
}

static Status prune(Model *model, double share, PruneScope scope, Matrices *m, PruneReport *report,
                    Error *err)
{
    TRY(read_matrices(model, m, err));
    for (size_t i = 0; i < m->n_values; i++) {
        if (!isfinite(m->values[i]))
            return error_set(err, STATUS_INVALID, "a weight is not finite: nothing is pruned");
    }
    if (scope == PRUNE_GLOBAL)
        prune_values(m->values, m->sizes, m->n_values, (size_t)(share * (double)m->n_values));
    for (size_t i = 0; i < m->n; i++) {
        const Matrix *matrix = &m->items[i];
        float *values = m->values + matrix->begin;
        if (scope == PRUNE_MATRIX)
            prune_values(values, m->sizes, matrix->n, (size_t)(share * (double)matrix->n));
        TRY(model_tensor_write(model, matrix->name, values, err));
        for (size_t k = 0; k < matrix->n; k++) report->n_zero += values[k] == 0;
    }
    report->n_matrices = m->n;
    report->n_weights = m->n_values;
    return STATUS_OK;
}

Status model_prune(Model *model, double share, PruneScope scope, PruneReport *report, Error *err)
{
    Matrices matrices = {0};
    PruneReport unused = {0};
    if (!report) report = &unused;
    *report = (PruneReport){0};
    if (!(share >= 0 && share < 1))
        return error_set(err, STATUS_INVALID, "a share of %g cannot be pruned: want 0 to below 1",
                         share);
    const Status s = prune(model, share, scope, &matrices, report, err);
    huge_free(matrices.values, matrices.n_values * sizeof *matrices.values);
    huge_free(matrices.sizes, matrices.n_values * sizeof *matrices.sizes);
    arena_release(&matrices.arena);
    return s;
}
