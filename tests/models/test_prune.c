// Magnitude pruning: how much goes, what goes, and what stays.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "models/model_internal.h"
#include "models/prune.h"
#include "tests/models/model_support.h"

typedef struct Looked {
    size_t n, n_zero;
    float largest_zeroed, smallest_kept;
} Looked;

static Looked look(const Model *model, const Model *before, size_t tensor)
{
    Error err = {0};
    size_t rows = 0, cols = 0;
    const Slice name = model_tensor_name(model, tensor);
    want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
    float *now = calloc(rows * cols, sizeof *now), *was = calloc(rows * cols, sizeof *was);
    want_ok(model_tensor_read(model, name, now, &err), &err);
    want_ok(model_tensor_read(before, name, was, &err), &err);
    Looked seen = {.n = rows * cols, .smallest_kept = INFINITY};
    for (size_t i = 0; i < seen.n; i++) {
        const float size = fabsf(was[i]);
        if (now[i] == 0 && was[i] != 0) {
            seen.n_zero++;
            seen.largest_zeroed = fmaxf(seen.largest_zeroed, size);
        } else {
            cr_assert_eq(now[i], was[i], "a weight that stays has changed");
            seen.smallest_kept = fminf(seen.smallest_kept, size);
        }
    }
    free(now);
    free(was);
    return seen;
}

static bool is_of_block(const Model *model, Slice name)
{
    size_t index = 0, part = 0;
    cr_assert(weights_find(model, name, &index, &part));
    const Param *param = &model->tape.params[index];
    return !param->is_vector && param->group > 0 && param->group <= model->config.n_layers;
}

Test(prune, takes_the_share_of_least_magnitude_from_blocks_alone)
{
    static const double shares[] = {0, 0.1, 0.5, 0.97};
    for (int scope = 0; scope < PRUNE_SCOPE_COUNT; scope++) {
        for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
            Error err = {0};
            PruneReport report;
            Model *model = small_model(HEAD_SEQUENCE, 3, 5),
                  *before = small_model(HEAD_SEQUENCE, 3, 5);
            size_t n = 0, n_zero = 0, n_matrices = 0;
            float largest_zeroed = 0, smallest_kept = INFINITY;
            want_ok(model_prune(model, shares[k], (PruneScope)scope, &report, &err), &err);
            for (size_t i = 0; i < model_n_tensors(model); i++) {
                const Looked seen = look(model, before, i);
                if (!is_of_block(model, model_tensor_name(model, i))) {
                    cr_expect_eq(seen.n_zero, 0, "tensor %zu is no matrix of a block", i);
                    continue;
                }
                n += seen.n;
                n_zero += seen.n_zero;
                n_matrices++;
                if (scope == PRUNE_GLOBAL) {
                    largest_zeroed = fmaxf(largest_zeroed, seen.largest_zeroed);
                    smallest_kept = fminf(smallest_kept, seen.smallest_kept);
                    continue;
                }
                cr_expect_eq(seen.n_zero, (size_t)(shares[k] * (double)seen.n), "tensor %zu", i);
                cr_expect_leq(seen.largest_zeroed, seen.smallest_kept, "tensor %zu", i);
            }
            if (scope == PRUNE_GLOBAL) {
                cr_expect_eq(n_zero, (size_t)(shares[k] * (double)n));
                cr_expect_leq(largest_zeroed, smallest_kept);
            }
            cr_expect_eq(report.n_matrices, n_matrices);
            cr_expect_eq(report.n_weights, n);
            cr_expect_eq(report.n_zero, n_zero);
            model_close(&model);
            model_close(&before);
        }
    }
}

// Equal magnitudes: the earlier ones go, and no more than asked for.
Test(prune, cuts_equal_weights_at_the_number_asked_for)
{
    Error err = {0};
    Model *model = small_model(HEAD_SEQUENCE, 3, 5);
    size_t tensor = 0, rows = 0, cols = 0;
    while (!is_of_block(model, model_tensor_name(model, tensor))) tensor++;
    const Slice name = model_tensor_name(model, tensor);
    want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
    const size_t n = rows * cols;
    float *values = calloc(n, sizeof *values);
    for (size_t i = 0; i < n; i++) values[i] = i % 2 ? -0.5f : 0.5f;
    want_ok(model_tensor_write(model, name, values, &err), &err);
    want_ok(model_prune(model, 0.25, PRUNE_MATRIX, NULL, &err), &err);
    want_ok(model_tensor_read(model, name, values, &err), &err);
    for (size_t i = 0; i < n; i++) cr_assert_eq(values[i] == 0, i < n / 4, "weight %zu", i);
    cr_expect_eq(model_prune(model, 1, PRUNE_MATRIX, NULL, &err), STATUS_INVALID);
    values[0] = NAN;
    want_ok(model_tensor_write(model, name, values, &err), &err);
    cr_expect_eq(model_prune(model, 0.5, PRUNE_GLOBAL, NULL, &err), STATUS_INVALID);
    free(values);
    model_close(&model);
}
