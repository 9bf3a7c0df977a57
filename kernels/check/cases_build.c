#include "kernels/check/cases_build.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/quant.h"
#include "kernels/softmax.h"

// Bits of Case.options, by their use in any builder.
enum {
    OPTION_GAP = 1 << 0,    // rows stand apart by an odd number of elements
    OPTION_FIRST = 1 << 1,  // the first optional input is there
    OPTION_SECOND = 1 << 2, // the second
    OPTION_OUTPUT = 1 << 3, // the optional outputs are there
    OPTION_PANELS = CASE_PANELS,
    OPTION_OFFSET = 1 << 5, // numbers far from zero
    OPTION_LEFT = 1 << 6,   // gemm's transposes and accumulation
    OPTION_RIGHT = 1 << 7,
    OPTION_ADD = 1 << 8,
    OPTION_ACTIVATION_SHIFT = 9, // and the bits above it choose the activation
};

static int has(const Case *c, unsigned option)
{
    return (c->options & option) != 0;
}

// A row-major shape, with the case's gap.
static TensorShape shape_of(const Case *c, size_t rows, size_t cols)
{
    return (TensorShape){.rows = rows, .cols = cols, .gap = has(c, OPTION_GAP) ? 3 : 0};
}

static TensorShape dense(size_t rows, size_t cols)
{
    return (TensorShape){.rows = rows, .cols = cols};
}

static TensorShape storage_shape(const Case *c)
{
    return (TensorShape){.rows = c->rows,
                         .cols = c->cols,
                         .layout = has(c, OPTION_PANELS) ? LAYOUT_PANELS : LAYOUT_ROWS};
}

static double magnitude_of(const Case *c, double large)
{
    switch (c->magnitude) {
    case MAGNITUDE_ONE:
        break;
    case MAGNITUDE_TINY:
        return 1e-20;
    case MAGNITUDE_LARGE:
        return large;
    }
    return 1.7; // uniform in +- sqrt(3) has variance 1
}

static Activation activation_of(const Case *c)
{
    return (Activation)((c->options >> OPTION_ACTIVATION_SHIFT) % ACTIVATION_COUNT);
}

void embedding_build(Problem *p, const Case *c, int is_for_backward)
{
    enum { WORDS = 19, POSITIONS = 40, TYPES = 2 };
    const double magnitude = magnitude_of(c, 1e12);
    OpArgs *a = &p->args;
    const TensorShape panels = {.rows = WORDS, .cols = c->cols, .layout = LAYOUT_PANELS};
    a->in[0] = problem_random(p, has(c, OPTION_PANELS) ? panels : shape_of(c, WORDS, c->cols), 0,
                              magnitude);
    if (has(c, OPTION_FIRST)) {
        a->in[1] = problem_random(p, dense(POSITIONS, c->cols), 0, magnitude);
    }
    if (has(c, OPTION_SECOND)) a->in[2] = problem_random(p, dense(TYPES, c->cols), 0, magnitude);
    if (!has(c, OPTION_OUTPUT)) // ids are optional too
        a->as.embedding.ids = problem_indices(p, c->rows, WORDS);
    a->as.embedding.position_ids = problem_indices(p, c->rows, POSITIONS);
    a->as.embedding.type_ids = problem_indices(p, c->rows, TYPES);
    a->out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
    (void)is_for_backward;
}

void linear_build(Problem *p, const Case *c, int is_for_backward)
{
    const double magnitude = magnitude_of(c, 1e6);
    OpArgs *a = &p->args;
    const TensorShape weight = {.rows = c->cols,
                                .cols = c->depth,
                                .layout = has(c, OPTION_PANELS) ? LAYOUT_PANELS : LAYOUT_ROWS};
    a->in[0] = problem_random(p, shape_of(c, c->rows, c->depth), 0, magnitude);
    // Weights of a size that keeps outputs near x's.
    a->in[1] = problem_random(p, weight, 0, magnitude / sqrt((double)c->depth + 1.0));
    if (has(c, OPTION_FIRST)) a->in[2] = problem_random(p, dense(1, c->cols), 0, magnitude);
    a->as.linear.activation = activation_of(c);
    a->out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
    if (is_for_backward || has(c, OPTION_OUTPUT)) {
        a->out[1] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
    }
}

// Weights as a file stores them, in one format after another; depth rounded up to whole blocks.
void linear_low_build(Problem *p, const Case *c, int is_for_backward)
{
    static const DType formats[] = {
        DTYPE_Q8_0, DTYPE_Q4_0,   DTYPE_Q4_1, DTYPE_Q5_0, DTYPE_Q5_1,   DTYPE_Q4_K,   DTYPE_Q5_K,
        DTYPE_Q6_K, DTYPE_Q8_ROW, DTYPE_Q2_K, DTYPE_Q3_K, DTYPE_IQ4_NL, DTYPE_IQ4_XS, DTYPE_MXFP4};
    enum { N_FORMATS = sizeof formats / sizeof *formats };
    const double magnitude = magnitude_of(c, 1e6);
    const DType format =
        p->op == OP_LINEAR_BF16 ? DTYPE_BF16 : formats[(c->rows + c->cols + c->depth) % N_FORMATS];
    const size_t depth = size_round_up(size_max(c->depth, 1), dtype_block(format));
    OpArgs *a = &p->args;
    a->in[0] = problem_random(p, shape_of(c, c->rows, depth), 0, magnitude);
    a->in[1] = problem_stored(p, format, c->cols, depth, 1 / sqrt((double)depth));
    if (has(c, OPTION_FIRST)) a->in[2] = problem_random(p, dense(1, c->cols), 0, magnitude);
    a->as.linear.activation = activation_of(c);
    a->as.linear.scales_by_block = has(c, OPTION_SECOND);
    a->out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
    if (is_for_backward || has(c, OPTION_OUTPUT))
        a->out[1] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
}

void feed_forward_build(Problem *p, const Case *c, int is_for_backward)
{
    const double magnitude = magnitude_of(c, 1e6);
    const size_t block = dtype_block(DTYPE_Q8_ROW), depth = size_round_up(c->depth, block);
    const size_t n_inner = block * (1 + (c->rows + c->cols) % 5);
    OpArgs *a = &p->args;
    (void)is_for_backward;
    a->in[0] = problem_random(p, shape_of(c, c->rows, depth), 0, magnitude);
    a->in[1] = problem_stored(p, DTYPE_Q8_ROW, n_inner, depth, 1 / sqrt((double)depth));
    if (has(c, OPTION_FIRST)) a->in[2] = problem_random(p, dense(1, n_inner), 0, magnitude);
    a->in[3] = problem_stored(p, DTYPE_Q8_ROW, c->cols, n_inner, 1 / sqrt((double)n_inner));
    if (has(c, OPTION_SECOND)) a->in[4] = problem_random(p, dense(1, c->cols), 0, magnitude);
    a->as.linear.activation = activation_of(c);
    a->out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
}

// One group of columns; or two, which share a weight or have one each.
void layer_norm_build(Problem *p, const Case *c, int is_for_backward)
{
    const double magnitude = magnitude_of(c, 1e8);
    const double offset = has(c, OPTION_OFFSET) ? 20 * magnitude : 0;
    const unsigned groups = c->options >> OPTION_ACTIVATION_SHIFT;
    const size_t n_groups = groups % 2 ? 2 : 1, cols = n_groups * c->cols;
    const size_t n_weights = groups / 2 % 2 ? c->cols : cols;
    OpArgs *a = &p->args;
    a->in[0] = problem_random(p, shape_of(c, c->rows, cols), offset, magnitude);
    if (has(c, OPTION_FIRST)) {
        a->in[1] = problem_random(p, shape_of(c, c->rows, cols), 0, magnitude);
    }
    a->in[2] = problem_random(p, dense(1, n_weights), 1, 1);
    if (!has(c, OPTION_FIRST) || !has(c, OPTION_SECOND)) // the bias is optional
        a->in[3] = problem_random(p, dense(1, n_weights), 0, 1);
    a->as.norm = (NormArgs){.epsilon = has(c, OPTION_SECOND) ? 1e-12f : 1e-5f,
                            .weight_offset = groups / 4 % 2 ? 1.0f : 0.0f,
                            .group = n_groups > 1 ? c->cols : 0};
    a->out[0] = problem_blank(p, shape_of(c, c->rows, cols), p->dtype);
    if (is_for_backward || has(c, OPTION_OUTPUT)) {
        a->out[1] = problem_blank(p, shape_of(c, c->rows, cols), p->dtype);
        a->out[2] = problem_blank(p, dense(c->rows, 2 * n_groups), p->dtype);
    }
}

// One group of columns, or two that share a weight.
void rms_norm_build(Problem *p, const Case *c, int is_for_backward)
{
    const double magnitude = magnitude_of(c, 1e8);
    const size_t n_groups = has(c, OPTION_FIRST) ? 2 : 1;
    OpArgs *a = &p->args;
    a->in[0] = problem_random(p, shape_of(c, c->rows, n_groups * c->cols), 0, magnitude);
    a->in[1] = problem_random(p, dense(1, c->cols), has(c, OPTION_OFFSET) ? 0 : 1, 1);
    a->as.norm = (NormArgs){.epsilon = has(c, OPTION_SECOND) ? 1e-12f : 1e-5f,
                            .weight_offset = has(c, OPTION_OFFSET) ? 1.0f : 0.0f};
    a->out[0] = problem_blank(p, shape_of(c, c->rows, n_groups * c->cols), p->dtype);
    if (is_for_backward || has(c, OPTION_OUTPUT)) {
        a->out[1] = problem_blank(p, dense(c->rows, n_groups), p->dtype);
    }
}

// An even part of each head is turned, or all of it.
void rope_build(Problem *p, const Case *c, int is_for_backward)
{
    const size_t n_turned = c->cols + c->cols % 2, n_heads = has(c, OPTION_FIRST) ? 2 : 1;
    const size_t head_dim = n_turned + (has(c, OPTION_SECOND) ? 3 : 0);
    (void)is_for_backward;
    p->args.as.rope = (RopeArgs){.head_dim = head_dim, .is_inverse = has(c, OPTION_OUTPUT)};
    p->args.in[0] =
        problem_random(p, shape_of(c, c->rows, n_heads * head_dim), 0, magnitude_of(c, 1e12));
    p->args.in[1] = problem_random(p, dense(c->rows, n_turned), 0, 1);
    p->args.out[0] = problem_blank(p, shape_of(c, c->rows, n_heads * head_dim), p->dtype);
}

// Two heads, or one; of the first tensor's a part, of the second one's, which may be shared, another.
void heads_build(Problem *p, const Case *c, int is_for_backward)
{
    HeadsArgs *as = &p->args.as.heads;
    const size_t n_heads = c->cols >= 4 ? 2 : 1, width = c->cols / n_heads;
    const size_t first = has(c, OPTION_LEFT) ? width / 3 : 0, n = width - first;
    const int in_pairs = has(c, OPTION_RIGHT), is_shared = has(c, OPTION_ADD);
    (void)is_for_backward;
    *as = (HeadsArgs){
        .n_heads = n_heads,
        .parts = {{.begin = first, .n = in_pairs ? n - n % 2 : n, .in_pairs = in_pairs}}};
    p->args.in[0] =
        problem_random(p, shape_of(c, c->rows, n_heads * width), 0, magnitude_of(c, 1e12));
    if (has(c, OPTION_FIRST)) {
        as->parts[1] = (HeadPart){.n = (width + 1) / 2, .is_shared = is_shared};
        p->args.in[1] = problem_random(p, dense(c->rows, is_shared ? width : n_heads * width), 0,
                                       magnitude_of(c, 1e12));
    }
    const size_t taken = as->parts[0].n + as->parts[1].n;
    p->args.out[0] = problem_blank(
        p, shape_of(c, c->rows, n_heads * (taken + (taken == 0 || has(c, OPTION_SECOND)))),
        p->dtype);
}

// Both inputs are columns of one matrix.
void gated_build(Problem *p, const Case *c, int is_for_backward)
{
    const Tensor both =
        problem_random(p, shape_of(c, c->rows, 2 * c->cols), 0, magnitude_of(c, 1e6));
    (void)is_for_backward;
    p->args.in[0] = tensor_columns(both, 0, c->cols);
    p->args.in[1] = tensor_columns(both, c->cols, 2 * c->cols);
    p->args.as.gated.activation = activation_of(c);
    if (has(c, OPTION_FIRST)) p->args.as.gated = (GatedArgs){activation_of(c), 1.25f, 1.702f};
    p->args.out[0] = problem_blank(p, dense(c->rows, c->cols), p->dtype);
}

void add_build(Problem *p, const Case *c, int is_for_backward)
{
    const double magnitude = magnitude_of(c, 1e12);
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude);
    if (has(c, OPTION_FIRST)) {
        p->args.in[1] = problem_random(p, dense(c->rows, c->cols), 0, magnitude);
    }
    p->args.as.add = (AddArgs){.a = has(c, OPTION_SECOND) ? -0.37f : 1.0f,
                               .b = has(c, OPTION_OUTPUT) ? 12.5f : 1.0f};
    p->args.out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
}

void soft_cap_build(Problem *p, const Case *c, int is_for_backward)
{
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude_of(c, 1e4));
    p->args.as.soft_cap = (SoftCapArgs){.cap = has(c, OPTION_FIRST) ? 30.0f : 1.25f,
                                        .is_hard = has(c, OPTION_SECOND)};
    p->args.out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
}

void dropout_build(Problem *p, const Case *c, int is_for_backward)
{
    static const float rates[] = {0.0f, 0.1f, 0.5f, 0.9f};
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude_of(c, 1e12));
    p->args.as.dropout = (DropoutArgs){.p = rates[c->options / 2 % 4],
                                       .seed = 0x123456789,
                                       .step = 3 + (uint64_t)c->options,
                                       .site = 7,
                                       .batch = problem_ragged(p, c->rows)};
    p->args.out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
}

void select_rows_build(Problem *p, const Case *c, int is_for_backward)
{
    const size_t n_from = 2 * c->rows + 1;
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, shape_of(c, n_from, c->cols), 0, magnitude_of(c, 1e12));
    p->args.as.select.rows = problem_indices(p, c->rows, n_from);
    p->args.out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
}

void causal_conv_build(Problem *p, const Case *c, int is_for_backward)
{
    const double magnitude = magnitude_of(c, 1e6);
    OpArgs *a = &p->args;
    const TensorShape weight = {.rows = c->cols,
                                .cols = c->depth,
                                .layout = has(c, OPTION_PANELS) ? LAYOUT_PANELS : LAYOUT_ROWS};
    a->as.conv.batch = problem_ragged(p, c->rows);
    const TensorShape past = shape_of(c, a->as.conv.batch.n_sequences, (c->depth - 1) * c->cols);
    a->in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude);
    a->in[1] = problem_random(p, weight, 0, 1);
    if (has(c, OPTION_FIRST)) a->in[2] = problem_random(p, dense(1, c->cols), 0, magnitude);
    if (has(c, OPTION_SECOND)) a->in[3] = problem_random(p, past, 0, magnitude);
    a->out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
    if (!is_for_backward && has(c, OPTION_OUTPUT)) a->out[1] = problem_blank(p, past, p->dtype);
}

// One key head or two, of one head or two each. Queries, keys and values are columns of one matrix.
void delta_rule_build(Problem *p, const Case *c, int is_for_backward)
{
    const double magnitude = magnitude_of(c, 1e3);
    const size_t n_keys = has(c, OPTION_FIRST) ? 2 : 1,
                 n_heads = n_keys * (has(c, OPTION_LEFT) ? 2 : 1);
    const size_t key_cols = n_keys * c->depth, cols = 2 * key_cols + n_heads * c->cols;
    OpArgs *a = &p->args;
    a->as.delta = (DeltaArgs){.n_heads = n_heads,
                              .n_key_heads = n_keys,
                              .key_dim = c->depth,
                              .value_dim = c->cols,
                              .batch = problem_ragged(p, c->rows)};
    const TensorShape state =
        shape_of(c, a->as.delta.batch.n_sequences, n_heads * c->depth * c->cols);
    const Tensor all = problem_random(p, shape_of(c, c->rows, cols), 0, magnitude);
    a->in[0] = tensor_columns(all, 0, key_cols);
    a->in[1] = tensor_columns(all, key_cols, 2 * key_cols);
    a->in[2] = tensor_columns(all, 2 * key_cols, cols);
    a->in[3] = problem_random(p, shape_of(c, c->rows, 2 * n_heads), 0, 2);
    a->in[4] = problem_random(p, dense(1, 2 * n_heads), 0, 1);
    a->out[0] = problem_blank(p, shape_of(c, c->rows, n_heads * c->cols), p->dtype);
    if (is_for_backward) return;
    if (has(c, OPTION_SECOND)) a->in[5] = problem_random(p, state, 0, magnitude);
    if (has(c, OPTION_OUTPUT)) a->out[1] = problem_blank(p, state, p->dtype);
}

void mean_pool_build(Problem *p, const Case *c, int is_for_backward)
{
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude_of(c, 1e12));
    p->args.as.pool.batch = problem_ragged(p, c->rows);
    const size_t n_sequences = p->args.as.pool.batch.n_sequences;
    p->args.out[0] = problem_blank(p, shape_of(c, n_sequences, c->cols), p->dtype);
}

void softmax_build(Problem *p, const Case *c, int is_for_backward)
{
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude_of(c, 300));
    p->args.out[0] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
}

void route_build(Problem *p, const Case *c, int is_for_backward)
{
    const size_t k = size_min(c->depth, c->cols);
    (void)is_for_backward;
    RouteArgs *as = &p->args.as.route;
    as->kind = (RouteKind)((c->options >> OPTION_ACTIVATION_SHIFT) % ROUTE_KIND_COUNT);
    if (has(c, OPTION_FIRST) && c->cols % 4 == 0) { // groups of four
        as->n_groups = c->cols / 4;
        as->n_top_groups = (k + 3) / 4;
    }
    if (has(c, OPTION_OUTPUT)) as->scale = 2.5f;
    if (as->kind == ROUTE_SIGMOID) {
        as->normalizes = has(c, OPTION_LEFT);
        if (has(c, OPTION_SECOND)) as->floor = 1e-6f;
    }
    if (as->kind == ROUTE_NEAR)
        as->tolerance = 0.5f;
    else if (has(c, OPTION_SECOND))
        p->args.in[1] = problem_random(p, dense(1, c->cols), 0, 1);
    if (has(c, OPTION_RIGHT)) p->args.in[2] = problem_random(p, dense(1, c->cols), 1, 0.5);
    p->args.in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude_of(c, 300));
    p->args.out[0] = problem_blank(p, shape_of(c, c->rows, k), p->dtype);
    p->args.out[1] = problem_blank(p, shape_of(c, c->rows, k), p->dtype);
}

void log_sum_exp_build(Problem *p, const Case *c, int is_for_backward)
{
    (void)is_for_backward;
    const size_t n_groups = (c->cols + LOG_SUM_GROUP - 1) / LOG_SUM_GROUP;
    p->args.in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude_of(c, 300));
    p->args.out[0] = problem_blank(p, dense(c->rows, 1), DTYPE_F64);
    if (has(c, OPTION_OUTPUT))
        p->args.out[1] = problem_blank(p, shape_of(c, c->rows, n_groups), p->dtype);
}

void cross_entropy_build(Problem *p, const Case *c, int is_for_backward)
{
    CrossEntropyArgs *as = &p->args.as.cross_entropy;
    p->args.in[0] = problem_random(p, shape_of(c, c->rows, c->cols), 0, magnitude_of(c, 300));
    int32_t *labels = problem_indices(p, c->rows, c->cols);
    for (size_t i = 0; i < c->rows; i++) {
        if (philox_below(&p->rng, 5) == 0) labels[i] = -100;
    }
    as->labels = labels;
    if (has(c, OPTION_FIRST)) {
        float *weights = problem_take(p, c->cols * sizeof *weights);
        for (size_t j = 0; j < c->cols; j++) weights[j] = (float)philox_double(&p->rng) * 3.0f;
        as->class_weights = weights;
    }
    as->label_smoothing = has(c, OPTION_SECOND) ? 0.1f : 0.0f;
    p->args.out[0] = problem_blank(p, dense(1, 2), DTYPE_F64);
    if (is_for_backward || has(c, OPTION_OUTPUT)) {
        p->args.out[1] = problem_blank(p, shape_of(c, c->rows, c->cols), p->dtype);
    }
}

void add_scaled_build(Problem *p, const Case *c, int is_for_backward)
{
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, storage_shape(c), 0, magnitude_of(c, 1e12));
    p->args.out[0] = problem_random(p, storage_shape(c), 0, magnitude_of(c, 1e12));
    p->args.as.scale.factor = has(c, OPTION_FIRST) ? -0.37f : 1.0f;
}

void scale_build(Problem *p, const Case *c, int is_for_backward)
{
    (void)is_for_backward;
    p->args.out[0] = problem_random(p, storage_shape(c), 0, magnitude_of(c, 1e12));
    p->args.as.scale.factor = has(c, OPTION_FIRST) ? -0.37f : 0.0f;
}

void squared_norm_build(Problem *p, const Case *c, int is_for_backward)
{
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, storage_shape(c), 0, magnitude_of(c, 1e12));
    p->args.out[0] = problem_blank(p, dense(1, 1), DTYPE_F64);
}

void adamw_build(Problem *p, const Case *c, int is_for_backward)
{
    const double magnitude = magnitude_of(c, 1e4);
    const TensorShape shape = storage_shape(c);
    (void)is_for_backward;
    p->args.in[0] = problem_random(p, shape, 0, magnitude);
    p->args.out[0] = problem_random(p, shape, 0, 1);
    p->args.out[1] = problem_random(p, shape, 0, magnitude);
    p->args.out[2] = problem_random(p, shape, 0, magnitude * magnitude);
    float *v = p->args.out[2].data;
    double *v64 = p->args.out[2].data;
    const size_t n = tensor_storage(shape.rows, shape.cols, shape.layout);
    for (size_t i = 0; i < n; i++) { // a mean of squares
        if (p->dtype == DTYPE_F64)
            v64[i] = fabs(v64[i]);
        else
            v[i] = fabsf(v[i]);
    }
    p->args.as.adamw = (AdamwArgs){.learning_rate = 3e-3f,
                                   .beta1 = 0.9f,
                                   .beta2 = 0.999f,
                                   .epsilon = 1e-8f,
                                   .weight_decay = has(c, OPTION_FIRST) ? 0.01f : 0.0f,
                                   .step = 1 + c->options % 1000,
                                   .gradient_scale = has(c, OPTION_SECOND) ? 0.25f : 1.0f};
}

void gemm_build(Problem *p, const Case *c, int is_for_backward)
{
    GemmArgs *as = &p->args.as.gemm;
    const double magnitude = magnitude_of(c, 1e6);
    (void)is_for_backward;
    // nn, nt, tn; both transposed is nowhere in use.
    as->transpose_a = has(c, OPTION_LEFT);
    as->transpose_b = has(c, OPTION_RIGHT) && !as->transpose_a;
    as->accumulate = has(c, OPTION_ADD);
    p->args.in[0] = problem_random(
        p, as->transpose_a ? shape_of(c, c->depth, c->rows) : shape_of(c, c->rows, c->depth), 0,
        magnitude);
    p->args.in[1] = problem_random(
        p, as->transpose_b ? shape_of(c, c->cols, c->depth) : shape_of(c, c->depth, c->cols), 0,
        magnitude);
    const TensorShape out = shape_of(c, c->rows, c->cols);
    p->args.out[0] =
        as->accumulate ? problem_random(p, out, 0, magnitude) : problem_blank(p, out, p->dtype);
}
