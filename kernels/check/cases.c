#include "kernels/check/cases.h"

#include <stdio.h>

#include "base/size.h"
#include "kernels/check/cases_build.h"
#include "kernels/check/derivative.h"
#include "kernels/quant.h"

typedef struct Sizes {
    size_t n;
    const size_t *at;
} Sizes;

#define SIZES(...)                                                               \
    {                                                                            \
        sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t), (const size_t[]) \
        {                                                                        \
            __VA_ARGS__                                                          \
        }                                                                        \
    }

typedef struct Largest {
    size_t rows, cols, depth;
} Largest;

// A grid of small sizes around every tile and vector, and some that are cut into blocks: of real models (MiniLM, BERT-base) what is
// long, one side at a time, so that a debug build with sanitizers is done in minutes.
typedef struct Grid {
    Sizes rows, cols, depths;
    Largest largest[6]; // those without rows do not count
} Grid;

static const Grid product_grid = {
    SIZES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 24, 29, 33),
    SIZES(1, 15, 16, 17, 31, 33, 48, 49, 64, 65, 80),
    SIZES(1, 3, 16, 37, 64),
    {{37, 1536, 64}, {21, 112, 1536}, {9, 96, 3072}, {130, 64, 65}},
};
// Depths are rounded up to whole blocks, and every format has its turn.
static const Grid low_grid = {
    SIZES(0, 1, 2, 3, 4, 5, 6, 9, 12, 13),
    SIZES(1, 17, 33, 130),
    SIZES(1, 64),
    {{21, 96, 1536}, {7, 48, 3072}, {200, 64, 65}, {14, 208, 384}, {180, 17, 3072}},
};
static const Grid row_grid = {
    SIZES(0, 1, 2, 5, 16),
    SIZES(1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100, 128, 255, 387),
    SIZES(0),
    {{150, 384, 0}, {33, 768, 0}, {2, 30522, 0}, {513, 32, 0}},
};
static const Grid storage_grid = {
    SIZES(0, 1, 3, 17),
    SIZES(1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100, 128),
    SIZES(0),
    {{384, 384, 0}, {1, 30522, 0}, {1000, 32, 0}, {0, 0, 0}},
};
static const Grid attention_grid = {
    SIZES(0, 1, 2, 5, 15, 16, 17, 31, 33, 48, 64, 65, 90),
    SIZES(0),
    SIZES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22),
    {{300, 0, 0}, {200, 0, 2}, {257, 0, 3}, {160, 0, 9}, {600, 0, 18}, {500, 0, 19}},
};

// Depths: how many are chosen, at most all.
static const Grid route_grid = {
    SIZES(0, 1, 2, 5, 16),
    SIZES(1, 2, 3, 7, 8, 9, 16, 17, 60, 64, 128),
    SIZES(1, 2, 4, 8),
    {{150, 60, 4}, {33, 128, 8}, {513, 8, 2}, {40, 8, 8}},
};

static const Grid disentangled_grid = {
    SIZES(0, 1, 2, 5, 16, 17, 33, 48, 65, 90),
    SIZES(0),
    SIZES(0, 1, 2, 3, 4, 5),
    {{300, 0, 0}, {200, 0, 1}, {257, 0, 3}, {160, 0, 5}},
};

// Depths: taps.
static const Grid conv_grid = {
    SIZES(0, 1, 2, 3, 5, 16),
    SIZES(1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 100),
    SIZES(1, 2, 3, 4, 7),
    {{150, 384, 3}, {513, 32, 4}, {33, 768, 3}},
};

// Columns of values, and of keys.
static const Grid delta_grid = {
    SIZES(0, 1, 2, 5, 16),
    SIZES(1, 7, 15, 16, 17, 33, 64, 80),
    SIZES(1, 2, 4, 16, 19),
    {{60, 128, 40}, {33, 100, 64}},
};

typedef struct CaseRow {
    const Grid *grid;
    CaseBuild *build;
} CaseRow;

static const CaseRow case_rows[OP_COUNT] = {
    [OP_EMBEDDING] = {&row_grid, embedding_build},
    [OP_LINEAR] = {&product_grid, linear_build},
    [OP_LINEAR_I8] = {&low_grid, linear_low_build},
    [OP_LINEAR_BF16] = {&low_grid, linear_low_build},
    [OP_FEED_FORWARD_I8] = {&low_grid, feed_forward_build},
    [OP_LAYER_NORM] = {&row_grid, layer_norm_build},
    [OP_RMS_NORM] = {&row_grid, rms_norm_build},
    [OP_ROPE] = {&row_grid, rope_build},
    [OP_HEADS] = {&row_grid, heads_build},
    [OP_GATED] = {&row_grid, gated_build},
    [OP_ADD] = {&row_grid, add_build},
    [OP_SOFT_CAP] = {&row_grid, soft_cap_build},
    [OP_ATTENTION] = {&attention_grid, attention_build},
    [OP_ATTENTION_BF16] = {&attention_grid, attention_build},
    [OP_DISENTANGLED] = {&disentangled_grid, disentangled_build},
    [OP_CAUSAL_CONV] = {&conv_grid, causal_conv_build},
    [OP_DELTA_RULE] = {&delta_grid, delta_rule_build},
    [OP_DROPOUT] = {&row_grid, dropout_build},
    [OP_SELECT_ROWS] = {&row_grid, select_rows_build},
    [OP_MEAN_POOL] = {&row_grid, mean_pool_build},
    [OP_SOFTMAX] = {&row_grid, softmax_build},
    [OP_ROUTE] = {&route_grid, route_build},
    [OP_LOG_SUM_EXP] = {&row_grid, log_sum_exp_build},
    [OP_CROSS_ENTROPY] = {&row_grid, cross_entropy_build},
    [OP_ADD_SCALED] = {&storage_grid, add_scaled_build},
    [OP_SCALE] = {&storage_grid, scale_build},
    [OP_SQUARED_NORM] = {&storage_grid, squared_norm_build},
    [OP_ADAMW] = {&storage_grid, adamw_build},
    [OP_GEMM] = {&product_grid, gemm_build},
};

// The row of a forward operation, or of the forward operation that this one is the backward of.
static OpKind forward_of(OpKind op)
{
    if (case_rows[op].build) return op;
    const Derivative *derivative = derivative_of(op);
    return derivative ? derivative->forward : OP_COUNT;
}

size_t case_count(OpKind op)
{
    const OpKind forward = forward_of(op);
    if (forward == OP_COUNT) return 0;
    const Grid *grid = case_rows[forward].grid;
    size_t n_largest = 0;
    while (n_largest < sizeof grid->largest / sizeof *grid->largest &&
           grid->largest[n_largest].rows > 0)
        n_largest++;
    return grid->rows.n * grid->cols.n * grid->depths.n + n_largest;
}

// Mixes an index into bits (the finaliser of MurmurHash3), so that options vary without a pattern.
static unsigned mix(size_t index)
{
    uint32_t h = (uint32_t)index * 2654435761u + 12345u;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

Case case_at(OpKind op, size_t index)
{
    static const Magnitude magnitudes[] = {MAGNITUDE_ONE, MAGNITUDE_ONE, MAGNITUDE_ONE,
                                           MAGNITUDE_TINY, MAGNITUDE_LARGE};
    const Grid *grid = case_rows[forward_of(op)].grid;
    const size_t n_grid = grid->rows.n * grid->cols.n * grid->depths.n;
    const unsigned bits = mix(index);
    Case c = {.options = bits & 0xFFFFFu, .magnitude = magnitudes[(bits >> 20) % 5]};
    if (index < n_grid) {
        c.depth = grid->depths.at[index % grid->depths.n];
        c.cols = grid->cols.at[index / grid->depths.n % grid->cols.n];
        c.rows = grid->rows.at[index / grid->depths.n / grid->cols.n];
    } else {
        const Largest *largest = &grid->largest[index - n_grid];
        c.rows = largest->rows;
        c.cols = largest->cols;
        c.depth = largest->depth;
    }
    return c;
}

void case_describe(OpKind op, size_t index, char *out, size_t size)
{
    static const char *const names[] = {"", ", tiny", ", large"};
    const Case c = case_at(op, index);
    (void)snprintf(out, size, "case %zu: rows %zu, cols %zu, depth %zu, options 0x%x%s", index,
                   c.rows, c.cols, c.depth, c.options, names[c.magnitude]);
}

// Room for the problem of a case, forward and backward in f64 together, with canaries and whatever a check adds.
static size_t capacity_of(OpKind op, const Case *c)
{
    const size_t small = 1 << 16, tables = 64, tensors = 16;
    const bool attends = op_is_attention(op) || op == OP_DISENTANGLED;
    const size_t cols = attends ? 256 : c->cols;
    const bool is_low = op == OP_LINEAR_I8 || op == OP_LINEAR_BF16 || op == OP_FEED_FORWARD_I8;
    // Rounded up to whole blocks.
    const size_t depth = is_low ? size_round_up(c->depth + 1, QUANT_MAX_BLOCK) : c->depth;
    const size_t rows = attends ? 4 * c->rows + 400 : c->rows + tables;
    // Up to four heads, with their matrices of every sequence.
    if (op == OP_DELTA_RULE || op == OP_DELTA_RULE_BACKWARD)
        return small + sizeof(double) * 4 * (c->rows + tables) *
                           (tensors * (c->cols + depth + 8) + 4 * depth * c->cols);
    return small + sizeof(double) * (tensors * rows * (cols + 8) + 4 * depth * (rows + cols));
}

Status case_build_forward(OpKind op, DType dtype, size_t index, Problem *out, Error *err)
{
    const Case c = case_at(op, index);
    TRY(problem_open(out, op, dtype, index, capacity_of(op, &c), err));
    case_rows[op].build(out, &c, 1);
    return STATUS_OK;
}

Status case_build_shape(OpKind op, DType dtype, const Case *c, Problem *out, Error *err)
{
    TRY(problem_open(out, op, dtype, 1, capacity_of(op, c), err));
    case_rows[op].build(out, c, 1);
    return STATUS_OK;
}

Status case_build(OpKind op, DType dtype, size_t index, Exec *reference, Problem *out, Error *err)
{
    if (case_rows[op].build) {
        const Case c = case_at(op, index);
        TRY(problem_open(out, op, dtype, index, capacity_of(op, &c), err));
        case_rows[op].build(out, &c, 0);
        problem_fit(out);
        return STATUS_OK;
    }
    const Derivative *derivative = derivative_of(op);
    TRY(case_build_forward(derivative->forward, DTYPE_F64, index, out, err));
    const Status s = op_run(reference, derivative->forward, DTYPE_F64, &out->args, err);
    if (s != STATUS_OK) {
        problem_close(out);
        return s;
    }
    derivative_build(derivative, out, dtype, 1, 0);
    problem_fit(out);
    return STATUS_OK;
}
