// Every row of the operation table against the reference, whatever rows there are: a new variant needs no test here.
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdio.h>
#include <string.h>

#include "kernels/check/cases.h"
#include "kernels/check/derivative.h"
#include "kernels/check/sweep.h"

static Sweep open_cpu(void)
{
    Sweep sweep;
    Error err = {0};
    const Device cpu = {.kind = DEVICE_CPU};
    cr_assert_eq(sweep_open(cpu, COMPUTE_F32, &sweep, &err), STATUS_OK, "%s", err.text);
    return sweep;
}

static int is_checked(const OpRow *row)
{
    return row->device == DEVICE_CPU && sweep_can_run(row, NULL);
}

static const char *name_of(const OpRow *row)
{
    static char name[80];
    (void)snprintf(name, sizeof name, "%s %s %s", op_info(row->op)->name, row->variant,
                   dtype_name(row->dtype));
    return name;
}

enum { MAX_ROWS = 16 };

// Rows of one operation that this machine can run, those of a dtype one after the other, so that they share what is built.
typedef struct Rows {
    size_t n;
    const OpRow *at[MAX_ROWS];
} Rows;

static Rows rows_of(OpKind op)
{
    const OpRow *found[MAX_ROWS];
    Rows rows = {0};
    size_t n = 0;
    for (size_t i = 0; i < op_row_count(); i++) {
        if (op_row(i)->op != op || !is_checked(op_row(i))) continue;
        cr_assert_lt(n, MAX_ROWS, "room for rows of %s", op_info(op)->name);
        found[n++] = op_row(i);
    }
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        for (size_t i = 0; i < n; i++) {
            if (found[i]->dtype == (DType)dtype) rows.at[rows.n++] = found[i];
        }
    }
    return rows;
}

static Rows forward_rows_of(OpKind op)
{
    const Rows all = rows_of(op);
    Rows rows = {0};
    for (size_t i = 0; i < all.n; i++) {
        if (all.at[i]->forward_safe) rows.at[rows.n++] = all.at[i];
    }
    return rows;
}

static void check_rows(SweepCheck *check, const Rows *rows, size_t at_least)
{
    Sweep sweep = open_cpu();
    SweepResult results[MAX_ROWS];
    Error err = {0};
    cr_assert_geq(rows->n, 2, "an operation has a reference for f32 and one for f64");
    cr_assert_eq(check(&sweep, rows->n, rows->at, results, &err), STATUS_OK, "%s: %s",
                 name_of(rows->at[0]), err.text);
    for (size_t i = 0; i < rows->n; i++) {
        cr_expect_str_empty(results[i].failure, "%s: %s", name_of(rows->at[i]), results[i].failure);
        cr_expect_geq(results[i].n_cases, at_least, "%s has %zu cases", name_of(rows->at[i]),
                      results[i].n_cases);
    }
    sweep_close(&sweep);
}

// A test an operation, so that processes share the work; attention, which has the most, begins.
static struct criterion_test_params operations(void)
{
    static int all[OP_COUNT];
    size_t n = 0;
    for (int attends = 1; attends >= 0; attends--) {
        for (int op = 0; op < OP_COUNT; op++) {
            if ((strstr(op_info((OpKind)op)->name, "attention") != NULL) == attends) all[n++] = op;
        }
    }
    return cr_make_param_array(int, all, n);
}

ParameterizedTestParameters(sweep, every_row_agrees_with_the_reference)
{
    return operations();
}

ParameterizedTest(int *op, sweep, every_row_agrees_with_the_reference)
{
    const Rows rows = rows_of((OpKind)*op);
    check_rows(sweep_reference, &rows, 21);
}

ParameterizedTestParameters(sweep, a_row_of_the_batch_has_the_same_bits_alone)
{
    return operations();
}

ParameterizedTest(int *op, sweep, a_row_of_the_batch_has_the_same_bits_alone)
{
    const Rows rows = forward_rows_of((OpKind)*op);
    check_rows(sweep_parts, &rows, 0);
}

ParameterizedTestParameters(sweep, a_nan_stays_in_its_row)
{
    return operations();
}

ParameterizedTest(int *op, sweep, a_nan_stays_in_its_row)
{
    const Rows rows = rows_of((OpKind)*op);
    check_rows(sweep_nan, &rows, 0);
}

ParameterizedTestParameters(sweep, an_output_over_an_input_has_the_same_bits)
{
    return operations();
}

ParameterizedTest(int *op, sweep, an_output_over_an_input_has_the_same_bits)
{
    const Rows rows = rows_of((OpKind)*op);
    check_rows(sweep_overwrite, &rows, op_info((OpKind)*op)->overwrites ? 21 : 0);
}

Test(sweep, avx2_and_avx512_rows_give_the_same_bits)
{
    Sweep sweep = open_cpu();
    size_t n_pairs = 0;
    for (size_t i = 0; i < op_row_count(); i++) {
        const OpRow *row = op_row(i);
        if (strcmp(row->variant, "avx2") != 0) continue;
        const OpRow *other = op_find(row->op, row->dtype, "avx512");
        cr_expect_not_null(other, "%s has no AVX-512 counterpart", name_of(row));
        if (!other || !is_checked(row) || !is_checked(other)) continue;
        SweepResult result;
        Error err = {0};
        cr_assert_eq(sweep_same_bits(&sweep, row, other, &result, &err), STATUS_OK, "%s", err.text);
        cr_expect_str_empty(result.failure, "%s: %s", name_of(row), result.failure);
        n_pairs++;
    }
    sweep_close(&sweep);
    if (n_pairs == 0) cr_skip_test("this machine has not both AVX2 and AVX-512");
}

Test(sweep, every_backward_agrees_with_finite_differences)
{
    Sweep sweep = open_cpu();
    for (int op = 0; op < OP_COUNT; op++) {
        const OpKind backward = op_info((OpKind)op)->backward;
        if (backward == OP_COUNT) continue;
        double worst = 0;
        char where[200] = "";
        Error err = {0};
        cr_expect_eq(
            finite_difference(backward, sweep.reference, &worst, where, sizeof where, &err),
            STATUS_OK, "%s", err.text);
        cr_expect_leq(worst, 1.0, "%s: %s: %.3g of the tolerance", op_info(backward)->name, where,
                      worst);
    }
    sweep_close(&sweep);
}

// Rows made wrong on purpose: the sweep must see each kind of mistake.
static OpKernel off_by_little, writes_behind, depends_on_rows, leaks_nan, writes_early;

static Status off_by_little(const OpArgs *args, Exec *exec, Error *err)
{
    const Status s = op_find(OP_SOFTMAX, DTYPE_F32, "reference")->run(args, exec, err);
    const Tensor *y = &args->out[0];
    if (y->rows > 0) tensor_set(y, 0, 0, tensor_get(y, 0, 0) * (1 + 1e-5));
    return s;
}

static Status writes_behind(const OpArgs *args, Exec *exec, Error *err)
{
    const Status s = op_find(OP_SOFTMAX, DTYPE_F32, "reference")->run(args, exec, err);
    const Tensor *y = &args->out[0];
    if (y->rows > 0) tensor_set(y, y->rows - 1, y->cols, 0);
    return s;
}

static Status depends_on_rows(const OpArgs *args, Exec *exec, Error *err)
{
    const Status s = op_find(OP_SOFTMAX, DTYPE_F32, "reference")->run(args, exec, err);
    const Tensor *y = &args->out[0];
    if (y->rows > 4) tensor_set(y, 0, 0, tensor_get(y, 0, 0) * (1 - 0x1p-23));
    return s;
}

static Status leaks_nan(const OpArgs *args, Exec *exec, Error *err)
{
    const Status s = op_find(OP_SOFTMAX, DTYPE_F32, "reference")->run(args, exec, err);
    const Tensor *y = &args->out[0];
    for (size_t i = 1; i < y->rows; i++) {
        const double above = tensor_get(y, i - 1, 0);
        if (above != above) tensor_set(y, i, 0, above);
    }
    return s;
}

// Writes before all of an element's neighbours are read.
static Status writes_early(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows > 0) tensor_set(y, 0, y->cols - 1, 0);
    return op_find(OP_LAYER_NORM, DTYPE_F32, "reference")->run(args, exec, err);
}

static void expect_noticed_of(OpKind op, SweepCheck *check, OpKernel *run, const char *what)
{
    Sweep sweep = open_cpu();
    OpRow row = *op_find(op, DTYPE_F32, "reference");
    const OpRow *const rows[] = {&row};
    SweepResult result;
    Error err = {0};
    row.run = run;
    cr_assert_eq(check(&sweep, 1, rows, &result, &err), STATUS_OK, "%s", err.text);
    cr_expect_str_not_empty(result.failure, "%s was not noticed", what);
    sweep_close(&sweep);
}

static void expect_noticed(SweepCheck *check, OpKernel *run, const char *what)
{
    expect_noticed_of(OP_SOFTMAX, check, run, what);
}

Test(sweep, notices_rows_that_are_wrong)
{
    expect_noticed(sweep_reference, off_by_little, "an error of 1e-5");
    expect_noticed(sweep_reference, writes_behind, "a write behind the output");
    expect_noticed(sweep_parts, depends_on_rows, "a last bit that depends on the batch");
    expect_noticed(sweep_nan, leaks_nan, "a NaN that reaches the next row");
    expect_noticed_of(OP_LAYER_NORM, sweep_overwrite, writes_early, "an input that is lost");
}
