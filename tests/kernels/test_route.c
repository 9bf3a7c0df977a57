// Which experts a row goes to, where the order of numbers leaves that open.
#include <criterion/criterion.h>
#include <math.h>

#include "kernels/exec.h"
#include "kernels/route.h"

enum { E = 5, K = 3 };

static void route(RouteKind kind, float *x, float *weights, float *columns)
{
    Exec *exec = NULL;
    Error err = {0};
    const ExecOptions options = {0};
    OpArgs args = {.as.route.kind = kind};
    cr_assert_eq(exec_open(&options, &exec, &err), STATUS_OK, "%s", err.text);
    args.in[0] = tensor_f32(x, 1, E);
    args.out[0] = tensor_f32(weights, 1, K);
    args.out[1] = tensor_f32(columns, 1, K);
    cr_assert_eq(op_run(exec, OP_ROUTE, DTYPE_F32, &args, &err), STATUS_OK, "%s", err.text);
    exec_close(&exec);
}

Test(route, of_equal_numbers_the_lower_column_comes_first)
{
    static const struct {
        float x[E], columns[K];
    } cases[] = {
        {{0, 0, 0, 0, 0}, {0, 1, 2}},
        {{1, 2, 2, 1, 2}, {1, 2, 4}},
        {{-0.0f, 0, -1, 0, -INFINITY}, {0, 1, 3}},
        {{-INFINITY, -INFINITY, -INFINITY, -INFINITY, 3}, {4, 0, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float x[E], weights[K], columns[K];
        for (size_t j = 0; j < E; j++) x[j] = cases[i].x[j];
        route(ROUTE_SOFTMAX_TOP, x, weights, columns);
        cr_expect_arr_eq(columns, cases[i].columns, sizeof columns, "case %zu", i);
        cr_expect_float_eq(weights[0] + weights[1] + weights[2], 1.0f, 1e-6f, "case %zu", i);
    }
}

Test(route, nan_is_chosen_and_shows)
{
    for (int kind = 0; kind < ROUTE_KIND_COUNT; kind++) {
        float x[E] = {5, 4, 3, NAN, 2}, weights[K], columns[K];
        route((RouteKind)kind, x, weights, columns);
        cr_expect_eq(columns[0], 3.0f);
        cr_expect(isnan(weights[0]), "kind %d", kind);
    }
}
