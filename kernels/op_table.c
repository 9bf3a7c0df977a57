#include "kernels/op.h"

#include <string.h>

#include "base/machine.h"
#include "kernels/cpu/cpu_rows.h"
#ifdef ASSAY_HAS_CUDA
#    include "kernels/cuda/cuda_rows.h"
#endif

#define INFO_OVER(inputs, kind, name, summary, backward, is_forward) \
    [kind] = {kind, name, summary, backward, is_forward, inputs}
#define INFO(...) INFO_OVER(0, __VA_ARGS__)

enum { OVER_IN0 = 1 << 0, OVER_IN1 = 1 << 1 };

static const OpInfo infos[OP_COUNT] = {
    INFO(OP_EMBEDDING, "embedding", "y[t] = word[ids[t]] + position[position_ids[t]] + type[...]",
         OP_EMBEDDING_BACKWARD, 1),
    INFO(OP_EMBEDDING_BACKWARD, "embedding_backward", "table[ids[t]] += dy[t], in token order",
         OP_COUNT, 0),
    INFO(OP_LINEAR, "linear", "y = act(x W^T + b)", OP_LINEAR_BACKWARD, 1),
    INFO(OP_LINEAR_I8, "linear_i8", "y = act(q(x) W^T + b), q(x) of 8 bits, by blocks of 32",
         OP_COUNT, 1),
    INFO(OP_LINEAR_BF16, "linear_bf16", "y = act(bf16(x) W^T + b), W in bf16", OP_COUNT, 1),
    INFO(OP_LINEAR_BACKWARD, "linear_backward",
         "dz = dy act'(z); dx = dz W, dW += dz^T x, db += dz", OP_COUNT, 0),
    INFO_OVER(OVER_IN0 | OVER_IN1, OP_LAYER_NORM, "layer_norm",
              "s = x + residual; y = (s - mean) / sqrt(var + eps) * w + b", OP_LAYER_NORM_BACKWARD,
              1),
    INFO(OP_LAYER_NORM_BACKWARD, "layer_norm_backward",
         "ds = rstd (g - mean(g) - n mean(g n)), g = dy w, n = (s - mean) rstd", OP_COUNT, 0),
    INFO_OVER(OVER_IN0, OP_RMS_NORM, "rms_norm",
              "y = x / sqrt(mean(x^2) + eps) * (offset + w), by group of columns",
              OP_RMS_NORM_BACKWARD, 1),
    INFO(OP_RMS_NORM_BACKWARD, "rms_norm_backward",
         "dx = rstd (g - n mean(g n)), g = dy (offset + w), n = x rstd", OP_COUNT, 0),
    INFO_OVER(OVER_IN0, OP_ROPE, "rope",
              "(y_i, y_j) = (x_i cos - x_j sin, x_j cos + x_i sin), j = i + D / 2", OP_ROPE, 1),
    INFO(OP_HEADS, "heads", "heads of parts of two tensors' heads, zeros behind them",
         OP_HEADS_BACKWARD, 1),
    INFO(OP_HEADS_BACKWARD, "heads_backward", "each part's columns, those of shared heads added up",
         OP_COUNT, 0),
    INFO_OVER(OVER_IN0, OP_GATED, "gated", "y = act(a) b", OP_GATED_BACKWARD, 1),
    INFO(OP_GATED_BACKWARD, "gated_backward", "da = dy b act'(a), db = dy act(a)", OP_COUNT, 0),
    INFO_OVER(OVER_IN0, OP_ADD, "add", "y = a x + b z", OP_ADD, 1),
    INFO_OVER(OVER_IN0, OP_SOFT_CAP, "soft_cap", "y = c tanh(x / c)", OP_SOFT_CAP_BACKWARD, 1),
    INFO_OVER(OVER_IN0, OP_SOFT_CAP_BACKWARD, "soft_cap_backward", "dx = dy (1 - (y / c)^2)",
              OP_COUNT, 0),
    INFO(OP_ATTENTION, "attention", "y = softmax(scale q k^T + bias, masked) v per sequence, head",
         OP_ATTENTION_BACKWARD, 1),
    INFO(OP_ATTENTION_BF16, "attention_bf16",
         "attention with q, k, v and the weights of v rounded to bf16", OP_COUNT, 1),
    INFO(OP_ATTENTION_BACKWARD, "attention_backward",
         "ds = p (dp - sum p dp); dq = scale ds k, dk = scale ds^T q, dv = p^T dy", OP_COUNT, 0),
    INFO(OP_DISENTANGLED, "disentangled",
         "attention with scale (q k^T + q PK[m]^T + k PQ[m]^T), m by relative position",
         OP_DISENTANGLED_BACKWARD, 1),
    INFO(OP_DISENTANGLED_BACKWARD, "disentangled_backward",
         "attention_backward, and dPK[m] = sum ds q, dPQ[m] = sum ds k", OP_COUNT, 0),
    INFO(OP_CAUSAL_CONV, "causal_conv", "y[t][j] = sum_k w[j][k] x[t - (L - 1) + k][j] + b[j]",
         OP_CAUSAL_CONV_BACKWARD, 1),
    INFO(OP_CAUSAL_CONV_BACKWARD, "causal_conv_backward",
         "dx[t][j] = sum_k w[j][k] dy[t + (L - 1) - k][j]; dw, db += sums over rows", OP_COUNT, 0),
    INFO(OP_DELTA_RULE, "delta_rule",
         "S = a S + k (b (v - a S^T k))^T, y = S^T q; by head, token by token",
         OP_DELTA_RULE_BACKWARD, 1),
    INFO(OP_DELTA_RULE_BACKWARD, "delta_rule_backward",
         "dS += q dy^T, e = b dS^T k, dv = e, dS = a (dS - k e^T); from the last token", OP_COUNT,
         0),
    INFO_OVER(OVER_IN0, OP_DROPOUT, "dropout", "y = x keep / (1 - p), keep from Philox", OP_DROPOUT,
              1),
    INFO(OP_SELECT_ROWS, "select_rows", "y[s] = x[rows[s]]", OP_SELECT_ROWS_BACKWARD, 1),
    INFO(OP_SELECT_ROWS_BACKWARD, "select_rows_backward", "dx = 0; dx[rows[s]] += dy[s]", OP_COUNT,
         0),
    INFO(OP_MEAN_POOL, "mean_pool", "y[s] = mean of the rows of sequence s", OP_MEAN_POOL_BACKWARD,
         1),
    INFO(OP_MEAN_POOL_BACKWARD, "mean_pool_backward", "dx[t] = dy[s] / rows of sequence s",
         OP_COUNT, 0),
    INFO(OP_SOFTMAX, "softmax", "y = exp(x - max) / sum exp(x - max), by row", OP_COUNT, 1),
    INFO(OP_ROUTE, "route",
         "the K largest of a row: their columns and weights, by softmax or sigmoid",
         OP_ROUTE_BACKWARD, 1),
    INFO(OP_ROUTE_BACKWARD, "route_backward",
         "dx[j] = p[j] (dw[j] - sum p dw), dw 0 where not chosen; df += p dw", OP_COUNT, 0),
    INFO(OP_LOG_SUM_EXP, "log_sum_exp", "y = log sum exp(x), by row; the largest x of groups",
         OP_COUNT, 1),
    INFO(OP_CROSS_ENTROPY, "cross_entropy",
         "loss = sum -w[label] log softmax(x)[label]; its gradient beside it", OP_CROSS_ENTROPY, 1),
    INFO(OP_ADD_SCALED, "add_scaled", "y += a x", OP_COUNT, 1),
    INFO(OP_SCALE, "scale", "y *= a", OP_COUNT, 1),
    INFO(OP_SQUARED_NORM, "squared_norm", "y = sum x^2", OP_COUNT, 1),
    INFO(OP_ADAMW, "adamw", "p -= lr (m' / (sqrt(v') + eps) + decay p)", OP_COUNT, 1),
    INFO(OP_GEMM, "gemm", "c = op(a) op(b) (+ c)", OP_COUNT, 1),
    INFO(OP_FEED_FORWARD_I8, "feed_forward_i8", "y = q(act(q(x) W1^T + b1)) W2^T + b2, q of 8 bits",
         OP_COUNT, 1),
};

// One line a backend; each array ends with a row whose run is NULL.
static const OpRow *const backends[] = {
    cpu_reference_rows,
    cpu_fast_rows,
#ifdef ASSAY_HAS_CUDA
    cuda_rows,
#endif
};

const OpInfo *op_info(OpKind op)
{
    return &infos[op];
}

// A walk over all rows, backend by backend. Begins zeroed.
typedef struct Cursor {
    size_t backend, index;
} Cursor;

// The next row, or NULL after the last.
static const OpRow *next_row(Cursor *cursor)
{
    for (; cursor->backend < sizeof backends / sizeof *backends; cursor->backend++) {
        const OpRow *row = &backends[cursor->backend][cursor->index++];
        if (row->run) return row;
        cursor->index = 0;
    }
    return NULL;
}

size_t op_row_count(void)
{
    size_t count = 0;
    Cursor cursor = {0};
    while (next_row(&cursor)) count++;
    return count;
}

const OpRow *op_row(size_t index)
{
    for (int op = 0; op < OP_COUNT; op++) {
        Cursor cursor = {0};
        for (const OpRow *row; (row = next_row(&cursor)) != NULL;) {
            if (row->op == (OpKind)op && index-- == 0) return row;
        }
    }
    return NULL;
}

// The row of the highest preference that comes after `tried` (NULL: the first choice), whether its library is there or not.
static const OpRow *next_best(OpKind op, DType dtype, DeviceKind device, unsigned features,
                              const OpRow *tried)
{
    const OpRow *best = NULL;
    Cursor cursor = {0};
    for (const OpRow *row; (row = next_row(&cursor)) != NULL;) {
        if (row->op != op || row->dtype != dtype || row->device != device) continue;
        if ((row->cpu_features & ~features) != 0) continue;
        if (infos[op].is_forward && !row->forward_safe) continue;
        if (tried && row->preference >= tried->preference) continue;
        if (!best || row->preference > best->preference) best = row;
    }
    return best;
}

// A library is looked for where its row would be picked: opening OpenBLAS takes 2.4 MiB and milliseconds.
const OpRow *op_best(OpKind op, DType dtype, DeviceKind device, unsigned features)
{
    const OpRow *best = next_best(op, dtype, device, features, NULL);
    while (best && best->is_available && !best->is_available())
        best = next_best(op, dtype, device, features, best);
    return best;
}

int op_is_fast(OpKind op)
{
    const OpRow *best = op_best(op, DTYPE_F32, DEVICE_CPU, machine_cpu_features());
    return best && strcmp(best->variant, "reference") != 0;
}

const OpRow *op_find(OpKind op, DType dtype, const char *variant)
{
    Cursor cursor = {0};
    for (const OpRow *row; (row = next_row(&cursor)) != NULL;) {
        if (row->op == op && row->dtype == dtype && strcmp(row->variant, variant) == 0) return row;
    }
    return NULL;
}
