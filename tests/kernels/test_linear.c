// Linear layers where the fast rows take ways of their own: equal rows, and results too wide for the caches. Each row has the
// bits that it has alone.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "kernels/exec.h"
#include "kernels/linear.h"

static const char *const variants[] = {"avx2", "avx512"};

static const OpRow *runnable(const char *variant)
{
    const OpRow *row = op_find(OP_LINEAR, DTYPE_F32, variant);
    return row && (row->cpu_features & ~machine_cpu_features()) == 0 ? row : NULL;
}

typedef struct Layer {
    size_t m, n, k, y_stride;
    float *x, *w, *bias, *y, *alone; // y [m, y_stride]; alone [n]
    Activation activation;
} Layer;

static float *floats(size_t n)
{
    float *p = aligned_alloc(64, (n + 15) / 16 * 16 * sizeof *p);
    cr_assert_not_null(p);
    for (size_t i = 0; i < n; i++) p[i] = (float)((i * 2654435761u) >> 7 & 1023) / 512.0f - 1.0f;
    return p;
}

static Layer layer_new(size_t m, size_t n, size_t k, size_t y_stride)
{
    return (Layer){.m = m,
                   .n = n,
                   .k = k,
                   .y_stride = y_stride,
                   .x = floats(m * k),
                   .w = floats((n + 15) / 16 * 16 * k),
                   .bias = floats(n),
                   .y = floats(m * y_stride),
                   .alone = floats(n)};
}

static void layer_free(Layer *l)
{
    free(l->x), free(l->w), free(l->bias), free(l->y), free(l->alone);
}

static void run(const Layer *l, const OpRow *row, Exec *exec, float *x, size_t m, float *y)
{
    OpArgs args = {.as.linear.activation = l->activation};
    Error err = {0};
    args.in[0] = tensor_f32(x, m, l->k);
    args.in[1] = tensor_f32(l->w, l->n, l->k);
    args.in[1].layout = LAYOUT_PANELS;
    args.in[2] = tensor_f32(l->bias, 1, l->n);
    args.out[0] = tensor_f32(y, m, l->n);
    args.out[0].row_stride = l->y_stride;
    cr_assert_eq(row->run(&args, exec, &err), STATUS_OK, "%s", err.text);
}

// All rows at once, then each alone.
static void check(const Layer *l, const char *variant)
{
    const OpRow *row = runnable(variant);
    const ExecOptions options = {0};
    Exec *exec = NULL;
    Error err = {0};
    if (!row) return;
    cr_assert_eq(exec_open(&options, &exec, &err), STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < l->m; i++) {
        for (size_t j = l->n; j < l->y_stride; j++) l->y[i * l->y_stride + j] = 77.0f;
    }
    run(l, row, exec, l->x, l->m, l->y);
    for (size_t i = 0; i < l->m; i++) {
        const float *y = l->y + i * l->y_stride;
        run(l, row, exec, l->x + i * l->k, 1, l->alone);
        cr_assert_eq(memcmp(y, l->alone, l->n * sizeof *y), 0, "%s: row %zu of %zu", variant, i,
                     l->m);
        for (size_t j = l->n; j < l->y_stride; j++)
            cr_assert_eq(y[j], 77.0f, "%s: behind row %zu of %zu", variant, i, l->m);
    }
    exec_close(&exec);
}

// Kinds of rows that are nearly equal: in the last column, in the sign of a zero, in a NaN.
static void make_kinds(Layer *l, size_t n_kinds)
{
    for (size_t i = 0; i < l->m; i++) {
        const size_t kind = i * i % n_kinds;
        float *x = l->x + i * l->k;
        memcpy(x, l->x, (l->k - 1) * sizeof *x);
        x[0] = kind == 1 ? -0.0f : 0.0f;
        x[1] = kind == 2 ? NAN : 1.0f;
        x[l->k - 1] = (float)kind;
    }
}

Test(linear, equal_rows_have_the_bits_of_one_alone)
{
    static const size_t rows[] = {2, 9, 13, 16, 40, 63, 64, 65};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (size_t n_kinds = 1; n_kinds <= rows[r]; n_kinds += 5) {
            Layer l = layer_new(rows[r], 70, 37, 75);
            l.activation = ACTIVATION_SILU;
            make_kinds(&l, n_kinds);
            for (size_t v = 0; v < 2; v++) check(&l, variants[v]);
            layer_free(&l);
        }
    }
}

// 2 MiB of floats and more go past the caches where rows begin at cache lines; the last panel is not whole.
Test(linear, wide_results_have_the_bits_of_a_row_alone)
{
    static const size_t strides[] = {70000 - 70000 % 16 + 16, 70001};
    for (size_t s = 0; s < 2; s++) {
        Layer l = layer_new(33, 69990, 3, strides[s]);
        for (size_t v = 0; v < 2; v++) check(&l, variants[v]);
        layer_free(&l);
    }
}
