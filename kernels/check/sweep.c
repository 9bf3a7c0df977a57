#include "kernels/check/sweep.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/size.h"
#include "kernels/check/cases.h"
#include "kernels/check/sweep_internal.h"
#include "kernels/check/tolerance.h"

Status sweep_open(Device device, ComputeMode compute, Sweep *out, Error *err)
{
    *out = (Sweep){0};
    const ExecOptions options = {.device = device, .compute = compute};
    const ExecOptions reference = {.reference_only = 1};
    Status s = exec_open(&options, &out->exec, err);
    if (s == STATUS_OK) s = exec_open(&reference, &out->reference, err);
    if (s != STATUS_OK) sweep_close(out);
    return s;
}

void sweep_close(Sweep *sweep)
{
    exec_close(&sweep->exec);
    exec_close(&sweep->reference);
}

int sweep_can_run(const OpRow *row, const char **why)
{
    const char *reason = NULL;
    if ((row->cpu_features & ~machine_cpu_features()) != 0) reason = "needs CPU features";
    if (!reason && row->is_available && !row->is_available()) reason = "its library is missing";
    if (why) *why = reason;
    return reason == NULL;
}

Status sweep_place(const Sweep *sweep, const OpRow *row, const Problem *problem, Placed *out,
                   Error *err)
{
    *out = (Placed){.args = problem->args};
    if (row->device == DEVICE_CPU) return STATUS_OK;
    Problem staged = {0};
    TRY(problem_copy(problem, &staged, err));
    Status s = exec_alloc(sweep->exec, problem->used_bytes, &out->device, err);
    if (s == STATUS_OK) {
        out->args = problem_moved_args(problem, out->device);
        memcpy(staged.block, problem->block, problem->used_bytes);
        problem_move_pointers(problem, staged.block, out->device);
        s = exec_upload(sweep->exec, out->device, staged.block, problem->used_bytes, err);
    }
    problem_close(&staged);
    return s;
}

void sweep_unplace(const Sweep *sweep, const Problem *problem, Placed *placed)
{
    exec_free(sweep->exec, placed->device, problem->used_bytes);
    *placed = (Placed){0};
}

// Brings a GPU's block back into the problem's.
static Status fetch(const Sweep *sweep, const Placed *placed, Problem *problem, Error *err)
{
    Problem staged = {0};
    TRY(problem_copy(problem, &staged, err));
    const Status s =
        exec_download(sweep->exec, staged.block, placed->device, problem->used_bytes, err);
    for (size_t i = 0; i < problem->n_pointers; i++) { // page tables stay those of the host
        const size_t at = problem->pointers[i].offset;
        memcpy(staged.block + at, problem->block + at, problem->pointers[i].count * sizeof(void *));
    }
    if (s == STATUS_OK) memcpy(problem->block, staged.block, problem->used_bytes);
    problem_close(&staged);
    return s;
}

Status sweep_run(const Sweep *sweep, const OpRow *row, Problem *problem, Error *err)
{
    Placed placed;
    Status s = sweep_place(sweep, row, problem, &placed, err);
    if (s == STATUS_OK) s = row->run(&placed.args, sweep->exec, err);
    if (s == STATUS_OK) s = exec_wait(sweep->exec, err);
    if (s == STATUS_OK && placed.device) s = fetch(sweep, &placed, problem, err);
    sweep_unplace(sweep, problem, &placed);
    return s;
}

Status sweep_make(const Sweep *sweep, const OpRow *row, size_t index, Problem *made, Error *err)
{
    if (made->block && made->dtype == row->dtype) return STATUS_OK;
    problem_close(made);
    return case_build(row->op, row->dtype, index, sweep->reference, made, err);
}

void sweep_fail(SweepResult *result, OpKind op, size_t index, const char *what)
{
    char name[160];
    if (result->failure[0] != '\0') return;
    case_describe(op, index, name, sizeof name);
    (void)snprintf(result->failure, sizeof result->failure, "%s, %s: %s", op_info(op)->name, name,
                   what);
}

static void compare_element(SweepResult *result, const Problem *got, size_t out, size_t index,
                            size_t i, size_t j, double want, double bound)
{
    char what[200];
    const double have = tensor_get(&got->args.out[out], i, j);
    const double error = have == want || (isnan(have) && isnan(want)) ? 0 : fabs(have - want);
    const double share = error == 0 ? 0 : error / bound;
    // Written so that a NaN counts as wrong.
    if (!(share <= 1)) {
        (void)snprintf(what, sizeof what, "out%zu[%zu][%zu] is %.9g, should be %.9g +- %.3g", out,
                       i, j, have, want, bound);
        sweep_fail(result, got->op, index, what);
    }
    if (share > result->worst_share || isnan(share)) {
        result->worst_share = share;
        result->worst_error = error;
        result->worst_tolerance = bound;
        case_describe(got->op, index, result->worst_case, sizeof result->worst_case);
    }
}

// What the rows of an operation share in a case: the f64 problem before, after, and after on absolute values; how far
// from it each element of each output may be. The f64 runs are the most of a check's time.
typedef struct Exact {
    Problem before, after, absolute;
    double *bounds[OP_MAX_OUT];
} Exact;

static void compare_outputs(const Problem *got, const Exact *exact, size_t index,
                            SweepResult *result)
{
    for (size_t out = 0; out < OP_MAX_OUT; out++) {
        const Tensor *want = &exact->after.args.out[out];
        for (size_t i = 0; want->data && i < want->rows; i++) {
            for (size_t j = 0; j < want->cols; j++) {
                compare_element(result, got, out, index, i, j, tensor_get(want, i, j),
                                exact->bounds[out][i * want->cols + j]);
            }
        }
    }
}

// The filling of panels, which must stay zero (of either sign).
static void compare_filling(const Tensor *got, const Tensor *before, size_t index,
                            const Problem *problem, SweepResult *result)
{
    const size_t full = size_round_up(got->rows, PANEL_WIDTH);
    const Tensor whole = {.data = got->data,
                          .rows = full,
                          .cols = got->cols,
                          .dtype = got->dtype,
                          .layout = LAYOUT_PANELS};
    Tensor to = whole;
    to.data = before->data;
    for (size_t i = got->rows; i < full; i++) {
        for (size_t j = 0; j < got->cols; j++) {
            if (tensor_get(&whole, i, j) != 0) {
                sweep_fail(result, problem->op, index, "the panels' filling is not zero");
            }
            tensor_set(&to, i, j, tensor_get(&whole, i, j));
        }
    }
}

// Puts the outputs of `got` into `before`, so that the two blocks must be equal byte for byte.
static void compare_surroundings(const Problem *got, Problem *before, size_t index,
                                 SweepResult *result)
{
    char what[160];
    for (size_t out = 0; out < OP_MAX_OUT; out++) {
        const Tensor *from = &got->args.out[out], *to = &before->args.out[out];
        for (size_t i = 0; from->data && i < from->rows; i++) {
            for (size_t j = 0; j < from->cols; j++) {
                tensor_set(to, i, j, tensor_get(from, i, j));
            }
        }
        if (from->data && from->layout == LAYOUT_PANELS) {
            compare_filling(from, to, index, got, result);
        }
    }
    problem_move_pointers(before, before->block, got->block);
    if (memcmp(got->block, before->block, got->used_bytes) == 0) return;
    size_t at = 0;
    while (got->block[at] == before->block[at]) at++;
    (void)snprintf(what, sizeof what, "byte %zu of %zu was written outside the outputs", at,
                   got->used_bytes);
    sweep_fail(result, got->op, index, what);
}

// For attention's backward pass: d out = 1 and no dropout, whose dv is the sum of each key's probabilities.
static void make_probabilities(Problem *problem)
{
    const Tensor *dy = &problem->args.in[0];
    for (size_t i = 0; i < dy->rows; i++) {
        for (size_t j = 0; j < dy->cols; j++) tensor_set(dy, i, j, 1);
    }
    problem->args.as.attention.dropout.p = 0;
}

// Slopes are left to the tolerance's factor, but for that of a square.
static Activation without_slope(Activation activation)
{
    return activation == ACTIVATION_RELU2 ? ACTIVATION_RELU2 : ACTIVATION_NONE;
}

static void make_absolute(Problem *problem)
{
    if (problem->op == OP_ATTENTION_BACKWARD || problem->op == OP_DISENTANGLED_BACKWARD) {
        make_probabilities(problem);
        return;
    }
    Tensor *tensors[OP_MAX_IN + OP_MAX_OUT];
    size_t n = 0;
    for (size_t i = 0; i < OP_MAX_IN; i++) tensors[n++] = &problem->args.in[i];
    for (size_t i = 0; i < OP_MAX_OUT; i++) tensors[n++] = &problem->args.out[i];
    for (size_t t = 0; t < n; t++) {
        if (tensors[t]->dtype != problem->dtype)
            continue; // stored weights have a bound of their own
        for (size_t i = 0; tensors[t]->data && i < tensors[t]->rows; i++) {
            for (size_t j = 0; j < tensors[t]->cols; j++) {
                tensor_set(tensors[t], i, j, fabs(tensor_get(tensors[t], i, j)));
            }
        }
    }
    OpArgs *args = &problem->args;
    if (problem->op == OP_LINEAR || problem->op == OP_LINEAR_BACKWARD) {
        args->as.linear.activation = without_slope(args->as.linear.activation);
    }
    if (problem->op == OP_GATED || problem->op == OP_GATED_BACKWARD) {
        args->as.gated.activation = without_slope(args->as.gated.activation);
        if (args->as.gated.limit > 0.0f) args->as.gated.limit = FLT_MAX; // what is cut off counts
    }
    if (problem->op == OP_ADD) {
        args->as.add = (AddArgs){fabsf(args->as.add.a), fabsf(args->as.add.b)};
    }
    if (problem->op == OP_ADD_SCALED || problem->op == OP_SCALE) {
        args->as.scale.factor = fabsf(args->as.scale.factor);
    }
}

static void exact_close(Exact *exact)
{
    problem_close(&exact->before);
    problem_close(&exact->after);
    problem_close(&exact->absolute);
    for (size_t out = 0; out < OP_MAX_OUT; out++) free(exact->bounds[out]);
    *exact = (Exact){0};
}

static Status exact_bounds(const Sweep *sweep, Exact *exact, Error *err)
{
    const ToleranceInput tolerance = {
        .before = &exact->before,
        .exact = &exact->after,
        .absolute = &exact->absolute,
        .u = tolerance_roundoff(exec_compute(sweep->exec), exact->before.op),
    };
    for (size_t out = 0; out < OP_MAX_OUT; out++) {
        const Tensor *want = &exact->after.args.out[out];
        if (!want->data) continue;
        const size_t n = want->rows * want->cols;
        exact->bounds[out] = calloc(n + 1, sizeof *exact->bounds[out]);
        if (!exact->bounds[out]) {
            return error_set_memory(err, n, sizeof *exact->bounds[out], "tolerances");
        }
        tolerance_fill(&tolerance, out, exact->bounds[out]);
    }
    return STATUS_OK;
}

static Status exact_open(const Sweep *sweep, OpKind op, size_t index, Exact *exact, Error *err)
{
    const OpRow *f64 = op_find(op, DTYPE_F64, "reference");
    TRY(case_build(op, DTYPE_F64, index, sweep->reference, &exact->before, err));
    TRY(problem_copy(&exact->before, &exact->after, err));
    TRY(problem_copy(&exact->before, &exact->absolute, err));
    make_absolute(&exact->absolute);
    TRY(f64->run(&exact->after.args, sweep->reference, err));
    TRY(f64->run(&exact->absolute.args, sweep->reference, err));
    return exact_bounds(sweep, exact, err);
}

static Status reference_row(const Sweep *sweep, const OpRow *row, const Problem *problem,
                            const Exact *exact, size_t index, SweepResult *result, Error *err)
{
    Problem got = {0}, before = {0};
    Status s = problem_copy(problem, &got, err);
    if (s == STATUS_OK) s = problem_copy(problem, &before, err);
    if (s == STATUS_OK) s = sweep_run(sweep, row, &got, err);
    if (s == STATUS_OK) {
        compare_outputs(&got, exact, index, result);
        compare_surroundings(&got, &before, index, result);
        result->n_cases++;
    }
    problem_close(&got);
    problem_close(&before);
    return s;
}

static Status reference_case(const Sweep *sweep, size_t n_rows, const OpRow *const *rows,
                             size_t index, SweepResult *results, Error *err)
{
    Exact exact = {0};
    Problem made = {0};
    Status s = exact_open(sweep, rows[0]->op, index, &exact, err);
    for (size_t i = 0; i < n_rows && s == STATUS_OK; i++) {
        s = sweep_make(sweep, rows[i], index, &made, err);
        if (s == STATUS_OK)
            s = reference_row(sweep, rows[i], &made, &exact, index, &results[i], err);
    }
    problem_close(&made);
    exact_close(&exact);
    return s;
}

Status sweep_reference(const Sweep *sweep, size_t n_rows, const OpRow *const *rows,
                       SweepResult *out, Error *err)
{
    memset(out, 0, n_rows * sizeof *out);
    for (size_t index = 0; n_rows > 0 && index < case_count(rows[0]->op); index++) {
        TRY(reference_case(sweep, n_rows, rows, index, out, err));
    }
    return STATUS_OK;
}

void sweep_compare_bits(const Problem *a, const Problem *b, size_t index, SweepResult *result)
{
    char what[200];
    for (size_t out = 0; out < OP_MAX_OUT; out++) {
        const Tensor *x = &a->args.out[out], *y = &b->args.out[out];
        for (size_t i = 0; x->data && i < x->rows; i++) {
            for (size_t j = 0; j < x->cols; j++) {
                const double left = tensor_get(x, i, j), right = tensor_get(y, i, j);
                if (same_bits(left, right)) continue;
                (void)snprintf(what, sizeof what, "out%zu[%zu][%zu] is %.9g and %.9g", out, i, j,
                               left, right);
                sweep_fail(result, a->op, index, what);
            }
        }
    }
}

static Status same_bits_case(const Sweep *sweep, const OpRow *a, const OpRow *b, size_t index,
                             SweepResult *result, Error *err)
{
    Problem left = {0}, right = {0};
    Status s = case_build(a->op, a->dtype, index, sweep->reference, &left, err);
    if (s == STATUS_OK) s = problem_copy(&left, &right, err);
    if (s == STATUS_OK) s = sweep_run(sweep, a, &left, err);
    if (s == STATUS_OK) s = sweep_run(sweep, b, &right, err);
    if (s == STATUS_OK) {
        sweep_compare_bits(&left, &right, index, result);
        result->n_cases++;
    }
    problem_close(&left);
    problem_close(&right);
    return s;
}

Status sweep_same_bits(const Sweep *sweep, const OpRow *a, const OpRow *b, SweepResult *out,
                       Error *err)
{
    *out = (SweepResult){0};
    for (size_t index = 0; index < case_count(a->op); index++) {
        TRY(same_bits_case(sweep, a, b, index, out, err));
    }
    return STATUS_OK;
}
