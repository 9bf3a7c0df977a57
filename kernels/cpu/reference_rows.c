#include "kernels/attention.h"
#include "kernels/causal_conv.h"
#include "kernels/cpu/cpu_rows.h"
#include "kernels/delta_rule.h"
#include "kernels/disentangled.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/gated.h"
#include "kernels/gemm.h"
#include "kernels/heads.h"
#include "kernels/layer_norm.h"
#include "kernels/linear.h"
#include "kernels/linear_low.h"
#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/route.h"
#include "kernels/select.h"
#include "kernels/softmax.h"

#define ROW(kind, type, function)                                                 \
    {                                                                             \
        .op = (kind), .variant = "reference", .dtype = (type), .forward_safe = 1, \
        .run = (function),                                                        \
    }
#define REFERENCE_ROWS(kind, operation) \
    ROW(kind, DTYPE_F32, operation##_reference_f32), ROW(kind, DTYPE_F64, operation##_reference_f64)

const OpRow cpu_reference_rows[] = {
    REFERENCE_ROWS(OP_EMBEDDING, embedding),
    REFERENCE_ROWS(OP_EMBEDDING_BACKWARD, embedding_backward),
    REFERENCE_ROWS(OP_LINEAR, linear),
    REFERENCE_ROWS(OP_LINEAR_I8, linear_i8),
    REFERENCE_ROWS(OP_LINEAR_BF16, linear_bf16),
    REFERENCE_ROWS(OP_LINEAR_BACKWARD, linear_backward),
    REFERENCE_ROWS(OP_LAYER_NORM, layer_norm),
    REFERENCE_ROWS(OP_LAYER_NORM_BACKWARD, layer_norm_backward),
    REFERENCE_ROWS(OP_RMS_NORM, rms_norm),
    REFERENCE_ROWS(OP_RMS_NORM_BACKWARD, rms_norm_backward),
    REFERENCE_ROWS(OP_ROPE, rope),
    REFERENCE_ROWS(OP_HEADS, heads),
    REFERENCE_ROWS(OP_HEADS_BACKWARD, heads_backward),
    REFERENCE_ROWS(OP_GATED, gated),
    REFERENCE_ROWS(OP_GATED_BACKWARD, gated_backward),
    REFERENCE_ROWS(OP_ADD, add),
    REFERENCE_ROWS(OP_SOFT_CAP, soft_cap),
    REFERENCE_ROWS(OP_SOFT_CAP_BACKWARD, soft_cap_backward),
    REFERENCE_ROWS(OP_ATTENTION, attention),
    REFERENCE_ROWS(OP_ATTENTION_BF16, attention_bf16),
    REFERENCE_ROWS(OP_ATTENTION_BACKWARD, attention_backward),
    REFERENCE_ROWS(OP_DISENTANGLED, disentangled),
    REFERENCE_ROWS(OP_DISENTANGLED_BACKWARD, disentangled_backward),
    REFERENCE_ROWS(OP_CAUSAL_CONV, causal_conv),
    REFERENCE_ROWS(OP_CAUSAL_CONV_BACKWARD, causal_conv_backward),
    REFERENCE_ROWS(OP_DELTA_RULE, delta_rule),
    REFERENCE_ROWS(OP_DELTA_RULE_BACKWARD, delta_rule_backward),
    REFERENCE_ROWS(OP_DROPOUT, dropout),
    REFERENCE_ROWS(OP_SELECT_ROWS, select_rows),
    REFERENCE_ROWS(OP_SELECT_ROWS_BACKWARD, select_rows_backward),
    REFERENCE_ROWS(OP_MEAN_POOL, mean_pool),
    REFERENCE_ROWS(OP_MEAN_POOL_BACKWARD, mean_pool_backward),
    REFERENCE_ROWS(OP_SOFTMAX, softmax),
    REFERENCE_ROWS(OP_ROUTE, route),
    REFERENCE_ROWS(OP_ROUTE_BACKWARD, route_backward),
    REFERENCE_ROWS(OP_LOG_SUM_EXP, log_sum_exp),
    REFERENCE_ROWS(OP_CROSS_ENTROPY, cross_entropy),
    REFERENCE_ROWS(OP_ADD_SCALED, add_scaled),
    REFERENCE_ROWS(OP_SCALE, scale),
    REFERENCE_ROWS(OP_SQUARED_NORM, squared_norm),
    REFERENCE_ROWS(OP_ADAMW, adamw),
    REFERENCE_ROWS(OP_GEMM, gemm),
    REFERENCE_ROWS(OP_FEED_FORWARD_I8, feed_forward_i8),
    {.run = NULL},
};
