#include "kernels/check/derivative.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/check/cases.h"

#define GRADIENT         \
    {                    \
        FROM_GRADIENT, 0 \
    }
#define IN(i)      \
    {              \
        FROM_IN, i \
    }
#define OUT(i)      \
    {               \
        FROM_OUT, i \
    }
#define WRITES(i) \
    {             \
        1, i, 0   \
    }
#define ADDS(i) \
    {           \
        1, i, 1 \
    }

// Where each backward operation takes its inputs from, and whose gradients it gives (kernels/op.h). The softmax
// cross-entropy is not here: it is its own backward (out1), and finite_difference knows it.
static const Derivative derivatives[] = {
    {OP_EMBEDDING, OP_EMBEDDING_BACKWARD, {GRADIENT}, {ADDS(0), ADDS(1), ADDS(2)}},
    {OP_LINEAR,
     OP_LINEAR_BACKWARD,
     {GRADIENT, IN(0), IN(1), OUT(1)},
     {WRITES(0), ADDS(1), ADDS(2)}},
    {OP_LAYER_NORM,
     OP_LAYER_NORM_BACKWARD,
     {GRADIENT, OUT(1), OUT(2), IN(2)},
     {WRITES(0), ADDS(2), ADDS(3)}},
    {OP_RMS_NORM, OP_RMS_NORM_BACKWARD, {GRADIENT, IN(0), OUT(1), IN(1)}, {WRITES(0), ADDS(1)}},
    {OP_ROPE, OP_ROPE, {GRADIENT, IN(1)}, {WRITES(0)}},
    {OP_HEADS, OP_HEADS_BACKWARD, {GRADIENT}, {WRITES(0), WRITES(1)}},
    {OP_GATED, OP_GATED_BACKWARD, {GRADIENT, IN(0), IN(1)}, {WRITES(0), WRITES(1)}},
    {OP_ADD, OP_ADD, {GRADIENT}, {WRITES(0)}},
    {OP_SOFT_CAP, OP_SOFT_CAP_BACKWARD, {GRADIENT, OUT(0)}, {WRITES(0)}},
    {OP_ATTENTION,
     OP_ATTENTION_BACKWARD,
     {GRADIENT, IN(0), IN(1), IN(2), OUT(0), OUT(1), IN(3), IN(4)},
     {WRITES(0), WRITES(1), WRITES(2), ADDS(3), ADDS(4)}},
    {OP_DISENTANGLED,
     OP_DISENTANGLED_BACKWARD,
     {GRADIENT, IN(0), IN(1), IN(2), OUT(0), OUT(1), IN(3), IN(4)},
     {WRITES(0), WRITES(1), WRITES(2), WRITES(3), WRITES(4)}},
    {OP_CAUSAL_CONV,
     OP_CAUSAL_CONV_BACKWARD,
     {GRADIENT, IN(0), IN(1), IN(3)},
     {WRITES(0), ADDS(1), ADDS(2)}},
    {OP_DELTA_RULE,
     OP_DELTA_RULE_BACKWARD,
     {GRADIENT, IN(0), IN(1), IN(2), IN(3), IN(4)},
     {WRITES(0), WRITES(1), WRITES(2), WRITES(3), ADDS(4)}},
    {OP_DROPOUT, OP_DROPOUT, {GRADIENT}, {WRITES(0)}},
    {OP_SELECT_ROWS, OP_SELECT_ROWS_BACKWARD, {GRADIENT}, {WRITES(0)}},
    {OP_ROUTE, OP_ROUTE_BACKWARD, {GRADIENT, IN(0), OUT(1), IN(2)}, {WRITES(0), ADDS(2)}},
    {OP_MEAN_POOL, OP_MEAN_POOL_BACKWARD, {GRADIENT}, {WRITES(0)}},
};

const Derivative *derivative_of(OpKind backward)
{
    for (size_t i = 0; i < sizeof derivatives / sizeof *derivatives; i++) {
        if (derivatives[i].backward == backward) return &derivatives[i];
    }
    return NULL;
}

static TensorShape shape_like(const Tensor *tensor)
{
    const size_t gap = tensor->layout == LAYOUT_ROWS ? tensor->row_stride - tensor->cols : 0;
    return (TensorShape){
        .rows = tensor->rows, .cols = tensor->cols, .layout = tensor->layout, .gap = gap};
}

// A copy of the tensor's numbers in the problem's dtype, with rows apart as they were.
static Tensor converted(Problem *problem, const Tensor *from, int is_rounded)
{
    if (!from->data) return (Tensor){0};
    const Tensor to = problem_blank(problem, shape_like(from), problem->dtype);
    for (size_t i = 0; i < from->rows; i++) {
        for (size_t j = 0; j < from->cols; j++) {
            const double value = tensor_get(from, i, j);
            tensor_set(&to, i, j, is_rounded ? (double)(float)value : value);
        }
    }
    return to;
}

void derivative_build(const Derivative *derivative, Problem *problem, DType dtype, int is_rounded,
                      int begins_with_zero)
{
    const OpArgs forward = problem->args;
    problem->op = derivative->backward;
    problem->dtype = dtype;
    OpArgs backward = {.as = forward.as};
    for (int i = 0; i < OP_MAX_IN; i++) {
        const Source *source = &derivative->in[i];
        const TensorShape out = shape_like(&forward.out[0]);
        switch (source->kind) {
        case FROM_NOTHING:
            break;
        case FROM_GRADIENT:
            backward.in[i] = problem_random(problem, out, 0, 1);
            break;
        case FROM_IN:
            backward.in[i] = converted(problem, &forward.in[source->index], is_rounded);
            break;
        case FROM_OUT:
            backward.in[i] = converted(problem, &forward.out[source->index], is_rounded);
            break;
        }
    }
    for (int i = 0; i < OP_MAX_OUT; i++) {
        const GradientOf *gradient = &derivative->out[i];
        if (!gradient->is_used || !forward.in[gradient->in].data) continue;
        const TensorShape shape = shape_like(&forward.in[gradient->in]);
        backward.out[i] = gradient->is_accumulated
                              ? problem_random(problem, shape, 0, begins_with_zero ? 0 : 1)
                              : problem_blank(problem, shape, dtype);
    }
    if (forward.as.linear.activation == ACTIVATION_NONE && problem->op == OP_LINEAR_BACKWARD) {
        backward.in[3] = (Tensor){0};
    }
    if (problem->op == OP_ROPE) backward.as.rope.is_inverse = !forward.as.rope.is_inverse;
    problem->args = backward;
}

enum { MAX_ELEMENTS = 700, MAX_PROBED = 8, MAX_CASES = 60 };

// One small case: the forward problem, its gradient by the backward operation, and what is compared.
typedef struct Probe {
    Problem forward;  // f64
    Problem backward; // f64; a zeroed one for the cross-entropy
    Exec *reference;
    OpKind op; // the forward operation
    double worst;
} Probe;

// sum(c * out0) of the forward problem; for the cross-entropy the loss itself.
static Status objective(Probe *probe, double *out, Error *err)
{
    const OpArgs *args = &probe->forward.args;
    TRY(op_run(probe->reference, probe->op, DTYPE_F64, args, err));
    if (probe->op == OP_CROSS_ENTROPY) {
        *out = tensor_get(&args->out[0], 0, 0);
        return STATUS_OK;
    }
    *out = 0;
    for (size_t i = 0; i < args->out[0].rows; i++) {
        for (size_t j = 0; j < args->out[0].cols; j++) {
            *out += tensor_get(&args->out[0], i, j) * tensor_get(&probe->backward.args.in[0], i, j);
        }
    }
    return STATUS_OK;
}

// Compares some elements of one input's gradient. Central differences with step h err by h^2 times a third derivative
// and by the objective's rounding over h: with h = 1e-5 and numbers near 1 both stay below 1e-8 of the gradient's
// scale for every operation here; the tolerance leaves a factor of a hundred for cancellation and saturation.
static Status probe_input(Probe *probe, const Tensor *input, const Tensor *gradient, Error *err)
{
    const double h = 1e-5, tolerance = 1e-6;
    if (!input->data || !gradient->data || input->rows * input->cols == 0) return STATUS_OK;
    double scale = 1;
    for (size_t i = 0; i < gradient->rows; i++) {
        for (size_t j = 0; j < gradient->cols; j++) {
            scale = fmax(scale, fabs(tensor_get(gradient, i, j)));
        }
    }
    for (int n = 0; n < MAX_PROBED; n++) {
        const size_t i = philox_below(&probe->forward.rng, input->rows);
        const size_t j = philox_below(&probe->forward.rng, input->cols);
        const double value = tensor_get(input, i, j);
        double above = 0, below = 0;
        tensor_set(input, i, j, value + h);
        TRY(objective(probe, &above, err));
        tensor_set(input, i, j, value - h);
        TRY(objective(probe, &below, err));
        tensor_set(input, i, j, value);
        const double error = fabs((above - below) / (2 * h) - tensor_get(gradient, i, j));
        // A NaN must not pass for a small error.
        const double share = error / (tolerance * scale);
        probe->worst = share <= probe->worst ? probe->worst : share;
    }
    return STATUS_OK;
}

static Status probe_case(Probe *probe, const Derivative *derivative, Error *err)
{
    double unused = 0;
    TRY(op_run(probe->reference, probe->op, DTYPE_F64, &probe->forward.args, err));
    if (!derivative) { // the cross-entropy: its gradient is its own second output
        Problem copy;
        TRY(problem_copy(&probe->forward, &copy, err));
        const Status s = probe_input(probe, &probe->forward.args.in[0], &copy.args.out[1], err);
        problem_close(&copy);
        return s;
    }
    TRY(problem_copy(&probe->forward, &probe->backward, err));
    derivative_build(derivative, &probe->backward, DTYPE_F64, 0, 1);
    TRY(op_run(probe->reference, derivative->backward, DTYPE_F64, &probe->backward.args, err));
    for (int i = 0; i < OP_MAX_OUT; i++) {
        if (!derivative->out[i].is_used) continue;
        const int in = derivative->out[i].in;
        TRY(probe_input(probe, &probe->forward.args.in[in], &probe->backward.args.out[i], err));
    }
    // The gradient of the layer norm's sum is that of both its terms.
    if (probe->op == OP_LAYER_NORM) {
        TRY(probe_input(probe, &probe->forward.args.in[1], &probe->backward.args.out[0], err));
    }
    return objective(probe, &unused, err);
}

// Whether a case is small and near 1, where differences are exact enough.
static int is_probed(OpKind op, size_t index)
{
    const Case c = case_at(op, index);
    const size_t depth = op == OP_ATTENTION || op == OP_DISENTANGLED ? 8 : c.depth + 1;
    return c.magnitude == MAGNITUDE_ONE && c.rows * (c.cols + 1) * depth <= MAX_ELEMENTS;
}

Status finite_difference(OpKind backward, Exec *reference, double *worst, char *where,
                         size_t where_size, Error *err)
{
    const Derivative *derivative = derivative_of(backward);
    if (!derivative && backward != OP_CROSS_ENTROPY) {
        return error_set(err, STATUS_NOT_FOUND, "%s has no entry in the table of derivatives",
                         op_info(backward)->name);
    }
    const OpKind forward = derivative ? derivative->forward : OP_CROSS_ENTROPY;
    size_t n_probed = 0, n_small = 0;
    for (size_t index = 0; index < case_count(forward); index++) {
        n_small += (size_t)is_probed(forward, index);
    }
    const size_t every = n_small / MAX_CASES + 1;
    *worst = 0;
    for (size_t index = 0; index < case_count(forward); index++) {
        if (!is_probed(forward, index) || n_probed++ % every != 0) continue;
        Probe probe = {.reference = reference, .op = forward};
        TRY(case_build_forward(forward, DTYPE_F64, index, &probe.forward, err));
        const Status s = probe_case(&probe, derivative, err);
        problem_close(&probe.forward);
        problem_close(&probe.backward);
        TRY(s);
        if (!(probe.worst <= *worst)) {
            *worst = probe.worst;
            case_describe(forward, index, where, where_size);
        }
    }
    if (n_probed == 0) {
        return error_set(err, STATUS_INTERNAL, "%s has no case small enough",
                         op_info(forward)->name);
    }
    return STATUS_OK;
}
