#include "base/machine.h"
#include "kernels/cpu/cpu_rows.h"
#include "kernels/cpu/openblas.h"

#if defined(__x86_64__)
#    include "kernels/cpu/fast.h"
#    include "kernels/cpu/low_fast.h"

// Both builds give the same bits (kernels/cpu/vec.h), so either may serve a forward pass.
#    define ROW(kind, name, features, rank, function)                                        \
        {                                                                                    \
            .op = (kind), .variant = (name), .dtype = DTYPE_F32, .cpu_features = (features), \
            .preference = (rank), .forward_safe = 1, .run = (function),                      \
        }
#    define FAST_ROWS(kind, operation)                     \
        ROW(kind, "avx2", CPU_AVX2, 10, operation##_avx2), \
            ROW(kind, "avx512", CPU_AVX512, 20, operation##_avx512)
#endif

#define OPENBLAS_ROW(kind, function)                                              \
    {                                                                             \
        .op = (kind), .variant = "openblas", .dtype = DTYPE_F32, .preference = 5, \
        .run = (function), .is_available = openblas_is_available,                 \
    }

const OpRow cpu_fast_rows[] = {
    OPENBLAS_ROW(OP_LINEAR, linear_openblas),
    OPENBLAS_ROW(OP_LINEAR_BACKWARD, linear_backward_openblas),
    OPENBLAS_ROW(OP_GEMM, gemm_openblas),
#if defined(__x86_64__)
    FAST_ROWS(OP_EMBEDDING, embedding),
    FAST_ROWS(OP_EMBEDDING_BACKWARD, embedding_backward),
    FAST_ROWS(OP_LINEAR, linear),
    ROW(OP_LINEAR_I8, "avx512_vnni", CPU_AVX512 | CPU_AVX512_VNNI, 20, linear_i8_vnni),
    ROW(OP_LINEAR_I8, "amx", CPU_AVX512 | CPU_AVX512_VNNI | CPU_AMX, 30, linear_i8_amx),
    ROW(OP_LINEAR_BF16, "avx512_bf16", CPU_AVX512 | CPU_AVX512_BF16, 20, linear_bf16_avx512),
    ROW(OP_LINEAR_BF16, "amx", CPU_AVX512 | CPU_AVX512_BF16 | CPU_AMX, 30, linear_bf16_amx),
    FAST_ROWS(OP_LINEAR_BACKWARD, linear_backward),
    FAST_ROWS(OP_LAYER_NORM, layer_norm),
    FAST_ROWS(OP_LAYER_NORM_BACKWARD, layer_norm_backward),
    FAST_ROWS(OP_RMS_NORM, rms_norm),
    FAST_ROWS(OP_RMS_NORM_BACKWARD, rms_norm_backward),
    FAST_ROWS(OP_ROPE, rope),
    FAST_ROWS(OP_GATED, gated),
    FAST_ROWS(OP_GATED_BACKWARD, gated_backward),
    FAST_ROWS(OP_ADD, add),
    FAST_ROWS(OP_SOFT_CAP, soft_cap),
    FAST_ROWS(OP_SOFT_CAP_BACKWARD, soft_cap_backward),
    FAST_ROWS(OP_ATTENTION, attention),
    ROW(OP_ATTENTION_BF16, "avx512_bf16", CPU_AVX512 | CPU_AVX512_BF16, 20, attention_bf16_avx512),
    ROW(OP_ATTENTION_BF16, "amx", CPU_AVX512 | CPU_AVX512_BF16 | CPU_AMX, 30, attention_bf16_amx),
    FAST_ROWS(OP_ATTENTION_BACKWARD, attention_backward),
    FAST_ROWS(OP_DISENTANGLED, disentangled),
    FAST_ROWS(OP_DISENTANGLED_BACKWARD, disentangled_backward),
    FAST_ROWS(OP_CAUSAL_CONV, causal_conv),
    FAST_ROWS(OP_CAUSAL_CONV_BACKWARD, causal_conv_backward),
    FAST_ROWS(OP_DELTA_RULE, delta_rule),
    FAST_ROWS(OP_DROPOUT, dropout),
    FAST_ROWS(OP_SOFTMAX, softmax),
    FAST_ROWS(OP_LOG_SUM_EXP, log_sum_exp),
    FAST_ROWS(OP_CROSS_ENTROPY, cross_entropy),
    FAST_ROWS(OP_ADD_SCALED, add_scaled),
    FAST_ROWS(OP_SCALE, scale),
    FAST_ROWS(OP_SQUARED_NORM, squared_norm),
    FAST_ROWS(OP_ADAMW, adamw),
    FAST_ROWS(OP_GEMM, gemm),
    ROW(OP_FEED_FORWARD_I8, "avx512_vnni", CPU_AVX512 | CPU_AVX512_VNNI, 20, feed_forward_i8_vnni),
    ROW(OP_FEED_FORWARD_I8, "amx", CPU_AVX512 | CPU_AVX512_VNNI | CPU_AMX, 30, feed_forward_i8_amx),
#endif
    {.run = NULL},
};
