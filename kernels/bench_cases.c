#include "kernels/bench_build.h"

#define TEXT(x)              #x
#define SHAPE(what, m, n, k) what " " TEXT(m) " x " TEXT(n) " x " TEXT(k)
#define CASE(op, what, m, n, k, option, build)           \
    {                                                    \
        op, SHAPE(what, m, n, k), m, n, k, option, build \
    }
#define LINEAR(what, m, n, k, activation) \
    CASE(OP_LINEAR, what, m, n, k, activation, bench_build_linear)
#define LINEARS(m)                                                    \
    LINEAR("minilm qkv", m, 1152, 384, ACTIVATION_NONE),              \
        LINEAR("minilm attention out", m, 384, 384, ACTIVATION_NONE), \
        LINEAR("minilm ffn up, gelu", m, 1536, 384, ACTIVATION_GELU), \
        LINEAR("minilm ffn down", m, 384, 1536, ACTIVATION_NONE)
#define LOW(op, what, m, n, k, format) CASE(op, what, m, n, k, format, bench_build_linear_low)
#define LOWS(op, name, format)                                         \
    LOW(op, name ", llama 110m qkv", 1, 2304, 768, format),            \
        LOW(op, name ", llama 110m qkv", 16, 2304, 768, format),       \
        LOW(op, name ", llama 110m qkv", 512, 2304, 768, format),      \
        LOW(op, name ", llama 110m ffn down", 512, 768, 2048, format), \
        LOW(op, name ", minilm qkv", 512, 1152, 384, format),          \
        LOW(op, name ", marian output", 16, 58101, 512, format)
#define BACKWARD(what, m, n, k, activation) \
    CASE(OP_LINEAR_BACKWARD, what, m, n, k, activation, bench_build_linear_backward)

static const BenchCase cases[] = {
    CASE(OP_EMBEDDING, "minilm rows, hidden, vocab", 512, 384, 30522, 0, bench_build_embedding),
    CASE(OP_EMBEDDING_BACKWARD, "minilm rows, hidden, vocab", 512, 384, 30522, 0,
         bench_build_embedding_backward),
    LINEARS(1),
    LINEARS(16),
    LINEARS(128),
    LINEARS(512),
    LINEARS(2048),
    LINEAR("bert-base attention out", 16, 768, 768, ACTIVATION_NONE),
    LINEAR("marian qkv", 64, 1536, 512, ACTIVATION_NONE),
    LINEAR("marian attention out", 64, 512, 512, ACTIVATION_NONE),
    LINEAR("marian ffn up, silu", 64, 2048, 512, ACTIVATION_SILU),
    LINEAR("marian ffn down", 64, 512, 2048, ACTIVATION_NONE),
    LINEAR("marian output", 16, 58101, 512, ACTIVATION_NONE),
    LINEAR("marian output", 64, 58101, 512, ACTIVATION_NONE),
    LINEAR("bert-base ffn up, gelu", 512, 3072, 768, ACTIVATION_GELU),
    LINEAR("bert-base ffn down", 512, 768, 3072, ACTIVATION_NONE),
    LOWS(OP_LINEAR_I8, "q8_0", DTYPE_Q8_0),
    LOWS(OP_LINEAR_I8, "q8_row", DTYPE_Q8_ROW),
    LOWS(OP_LINEAR_BF16, "bf16", DTYPE_BF16),
    LOW(OP_LINEAR_BF16, "bf16, bert-base attention out", 16, 768, 768, DTYPE_BF16),
    LOW(OP_LINEAR_BF16, "bf16, bert-base ffn up", 768, 3072, 768, DTYPE_BF16),
    LOW(OP_LINEAR_BF16, "bf16, bert-base ffn down", 768, 768, 3072, DTYPE_BF16),
    CASE(OP_FEED_FORWARD_I8, "minilm rows, inner, hidden", 512, 1536, 384, ACTIVATION_GELU,
         bench_build_feed_forward),
    CASE(OP_FEED_FORWARD_I8, "bert-base rows, inner, hidden", 16, 3072, 768, ACTIVATION_GELU,
         bench_build_feed_forward),
    CASE(OP_FEED_FORWARD_I8, "bert-base rows, inner, hidden", 512, 3072, 768, ACTIVATION_GELU,
         bench_build_feed_forward),
    BACKWARD("minilm qkv", 512, 1152, 384, ACTIVATION_NONE),
    BACKWARD("minilm attention out", 512, 384, 384, ACTIVATION_NONE),
    BACKWARD("minilm ffn up, gelu", 512, 1536, 384, ACTIVATION_GELU),
    BACKWARD("minilm ffn down", 512, 384, 1536, ACTIVATION_NONE),
    BACKWARD("bert-base attention out", 512, 768, 768, ACTIVATION_NONE),
    CASE(OP_LAYER_NORM, "minilm rows, hidden", 512, 384, 1, 0, bench_build_layer_norm),
    CASE(OP_LAYER_NORM, "bert-base rows, hidden", 512, 768, 1, 0, bench_build_layer_norm),
    CASE(OP_LAYER_NORM_BACKWARD, "minilm rows, hidden", 512, 384, 1, 0,
         bench_build_layer_norm_backward),
    CASE(OP_RMS_NORM, "llama 110m rows, hidden", 512, 768, 768, 0, bench_build_rms_norm),
    CASE(OP_RMS_NORM, "qwen3 heads: rows, columns, head", 512, 1024, 128, 0, bench_build_rms_norm),
    CASE(OP_RMS_NORM_BACKWARD, "llama 110m rows, hidden", 512, 768, 768, 0, bench_build_rms_norm),
    CASE(OP_ROPE, "llama 110m rows, queries and keys, head", 512, 1536, 64, 0, bench_build_rope),
    CASE(OP_HEADS, "deepseek v2 lite rows, head, heads", 512, 192, 16, 0, bench_build_heads),
    CASE(OP_HEADS_BACKWARD, "deepseek v2 lite rows, head, heads", 512, 192, 16, 0,
         bench_build_heads),
    CASE(OP_GATED, "llama 110m swiglu rows, columns", 512, 2048, 1, ACTIVATION_SILU,
         bench_build_matrices),
    CASE(OP_GATED_BACKWARD, "llama 110m swiglu rows, columns", 512, 2048, 1, ACTIVATION_SILU,
         bench_build_matrices),
    CASE(OP_ADD, "llama 110m residual rows, hidden", 512, 768, 1, 0, bench_build_matrices),
    CASE(OP_SOFT_CAP, "logits rows, vocabulary", 32, 32000, 1, 0, bench_build_matrices),
    CASE(OP_SOFT_CAP_BACKWARD, "logits rows, vocabulary", 32, 32000, 1, 0, bench_build_matrices),
    CASE(OP_ATTENTION, "minilm rows, length, head", 512, 16, 32, 0, bench_build_attention),
    CASE(OP_ATTENTION, "minilm rows, length, head", 512, 128, 32, 0, bench_build_attention),
    CASE(OP_ATTENTION, "bert-base rows, length, head", 512, 128, 64, 0, bench_build_attention),
    CASE(OP_ATTENTION, "bert-base rows, length, head", 512, 512, 64, 0, bench_build_attention),
    CASE(OP_ATTENTION, "gpt-2 causal rows, length, head", 512, 512, 64, 1, bench_build_attention),
    CASE(OP_ATTENTION, "llama 110m cached f32 query, keys, head", 1, 16384, 64, DTYPE_F32,
         bench_build_attention_cached),
    CASE(OP_ATTENTION, "llama 110m cached f16 query, keys, head", 1, 16384, 64, DTYPE_F16,
         bench_build_attention_cached),
    CASE(OP_ATTENTION, "llama 110m cached bf16 query, keys, head", 1, 16384, 64, DTYPE_BF16,
         bench_build_attention_cached),
    CASE(OP_ATTENTION_BF16, "minilm rows, length, head", 512, 16, 32, 0, bench_build_attention),
    CASE(OP_ATTENTION_BF16, "minilm rows, length, head", 512, 128, 32, 0, bench_build_attention),
    CASE(OP_ATTENTION_BF16, "bert-base rows, length, head", 512, 128, 64, 0, bench_build_attention),
    CASE(OP_ATTENTION_BF16, "bert-base rows, length, head", 512, 512, 64, 0, bench_build_attention),
    CASE(OP_ATTENTION_BF16, "heads of 128 rows, length, head", 384, 384, 128, 0,
         bench_build_attention),
    CASE(OP_ATTENTION_BACKWARD, "minilm rows, length, head", 512, 128, 32, 0,
         bench_build_attention_backward),
    CASE(OP_DISENTANGLED, "deberta-base rows, length, head", 512, 32, 64, 0,
         bench_build_disentangled),
    CASE(OP_DISENTANGLED, "deberta-base rows, length, head", 512, 128, 64, 0,
         bench_build_disentangled),
    CASE(OP_DISENTANGLED, "deberta-base rows, length, head", 512, 512, 64, 0,
         bench_build_disentangled),
    CASE(OP_DISENTANGLED_BACKWARD, "deberta-base rows, length, head", 512, 128, 64, 0,
         bench_build_disentangled_backward),
    CASE(OP_CAUSAL_CONV, "lfm2 1.2b rows, hidden, taps", 512, 2048, 3, 0, bench_build_conv),
    CASE(OP_CAUSAL_CONV_BACKWARD, "lfm2 1.2b rows, hidden, taps", 512, 2048, 3, 0,
         bench_build_conv),
    CASE(OP_DELTA_RULE, "qwen3.5 0.8b rows, head, heads", 128, 128, 16, 0, bench_build_delta_rule),
    CASE(OP_DELTA_RULE_BACKWARD, "qwen3.5 0.8b rows, head, heads", 16, 128, 2, 0,
         bench_build_delta_rule),
    CASE(OP_DROPOUT, "minilm rows, hidden, length", 512, 384, 128, 0, bench_build_dropout),
    CASE(OP_SELECT_ROWS, "minilm first tokens, hidden, rows", 32, 384, 4096, 0, bench_build_select),
    CASE(OP_SELECT_ROWS_BACKWARD, "minilm first tokens, hidden, rows", 32, 384, 4096, 0,
         bench_build_select),
    CASE(OP_MEAN_POOL, "minilm rows, hidden, length", 512, 384, 128, 0, bench_build_pool),
    CASE(OP_MEAN_POOL_BACKWARD, "minilm rows, hidden, length", 512, 384, 128, 0, bench_build_pool),
    CASE(OP_SOFTMAX, "rows, classes", 512, 1000, 1, 0, bench_build_softmax),
    CASE(OP_ROUTE, "qwen3 30b rows, experts, chosen", 512, 128, 8, ROUTE_SOFTMAX_TOP,
         bench_build_route),
    CASE(OP_ROUTE_BACKWARD, "qwen3 30b rows, experts, chosen", 512, 128, 8, ROUTE_SOFTMAX_TOP,
         bench_build_route),
    CASE(OP_LOG_SUM_EXP, "marian vocabulary rows, words", 16, 58101, 1, 0, bench_build_softmax),
    CASE(OP_CROSS_ENTROPY, "sst2 rows, classes", 32, 2, 1, 0, bench_build_softmax),
    CASE(OP_CROSS_ENTROPY, "bert vocabulary rows, classes", 32, 30522, 1, 0, bench_build_softmax),
    CASE(OP_ADD_SCALED, "minilm ffn weight", 1536, 384, 1, 0, bench_build_elementwise),
    CASE(OP_SCALE, "minilm ffn weight", 1536, 384, 1, 0, bench_build_elementwise),
    CASE(OP_SQUARED_NORM, "minilm ffn weight", 1536, 384, 1, 0, bench_build_elementwise),
    CASE(OP_ADAMW, "minilm ffn weight", 1536, 384, 1, 0, bench_build_elementwise),
    CASE(OP_ADAMW, "minilm vocabulary", 30522, 384, 1, 0, bench_build_elementwise),
    CASE(OP_GEMM, "nn", 512, 512, 512, 0, bench_build_gemm),
    CASE(OP_GEMM, "nt", 512, 512, 512, 1, bench_build_gemm),
    CASE(OP_GEMM, "tn", 512, 512, 512, 2, bench_build_gemm),
};

size_t bench_case_count(void)
{
    return sizeof cases / sizeof *cases;
}

const BenchCase *bench_case_at(size_t index)
{
    return index < bench_case_count() ? &cases[index] : NULL;
}

const char *bench_case_shape(size_t index)
{
    return index < bench_case_count() ? cases[index].shape : NULL;
}

OpKind bench_case_op(size_t index)
{
    return index < bench_case_count() ? cases[index].op : OP_COUNT;
}

bool bench_covers(OpKind op)
{
    for (size_t i = 0; i < bench_case_count(); i++) {
        if (cases[i].op == op) return true;
    }
    return false;
}

static double bytes_of(const BenchProblem *p)
{
    double bytes = 0;
    for (int i = 0; i < OP_MAX_IN; i++) {
        const Tensor *t = &p->args.in[i];
        if (t->data) bytes += (double)(t->rows * t->cols * dtype_size(t->dtype));
    }
    for (int i = 0; i < OP_MAX_OUT; i++) {
        const Tensor *t = &p->args.out[i];
        if (t->data) bytes += (double)(t->rows * t->cols * dtype_size(t->dtype));
    }
    return bytes;
}

Status bench_case_build(const BenchCase *c, Exec *exec, Arena *arena, BenchProblem *out, Error *err)
{
    *out = (BenchProblem){.exec = exec, .sum_length = 1};
    TRY(c->build(c, arena, out, err));
    if (out->n_bytes <= 0.0) out->n_bytes = bytes_of(out);
    if (!out->rows_args.out[0].data) out->rows_args = out->args;
    return STATUS_OK;
}
