// kernels/op.h: the operation table: what the engine runs, the tests compare and the bench times.
//
// An operation is an OpKind with a fixed meaning (the comment beside it, and the header of its reference). A row is one
// implementation: on a device, for a dtype, asking for CPU features. Each operation has a reference row in plain C that
// reads like its equation (dtype f32 and f64, the latter for finite differences), and faster rows beside it. The best row
// that the machine can run is picked once, when an Exec opens; nothing chooses by the number of rows, by threads or by a
// timing, unless a test proves two variants equal bit for bit.
//
// Numerics of the fast CPU rows (kernels/README.md): every output of a matrix product is one chain of fmaf over k in
// ascending order from 0, then the bias is added; every reduction over a row has 16 lanes (element j in lane j mod 16, left
// to right) and one tree (8, 4, 2, 1); exp, erf and tanh are our own polynomials. So AVX2 and AVX-512 rows give the same
// bits, and a sample's bits do not depend on the batch it is in.
//
// One signature for every device: Status op(const OpArgs *, Exec *, Error *). Arguments are checked where a model is
// recorded (models/program/tape.h), not in the kernels: kernels assert.
#ifndef ASSAY_KERNELS_OP_H
#define ASSAY_KERNELS_OP_H

#include "base/error.h"
#include "kernels/tensor.h"

typedef struct Exec Exec; // kernels/exec.h

// In the comments: T = token rows of the ragged batch, S = sequences, H = hidden size. in[i] / out[i] index OpArgs. An
// "accumulates" output is added to; the others are overwritten. An optional tensor is absent where its data is NULL.
typedef enum OpKind {
    // out0 [T,H] = in0[ids] + in1[position_ids] + in2[type_ids]; in1, in2 optional; in0 in LAYOUT_ROWS or LAYOUT_PANELS (a
    // table that is an output layer's weight too). as.embedding
    OP_EMBEDDING,
    // in0 = d out [T,H]. Accumulates out0 (word, in its layout), out1 (position), out2 (type), each optional, row by row in
    // token order.
    OP_EMBEDDING_BACKWARD,
    // out0 [M,N] = act(in0 [M,K] x in1 [N,K]^T + in2 [1,N]); in2 optional; in1 in any layout.
    // out1 [M,N] optional: the value before the activation, for the backward pass. as.linear
    OP_LINEAR,
    // The same with x rounded to int8 (weights in blocks) or to bf16 (weights in bf16), in1 as a file stores it, in
    // LAYOUT_PANELS: kernels/linear_low.h. They serve where the Exec says COMPUTE_I8 or COMPUTE_BF16. as.linear
    OP_LINEAR_I8,
    OP_LINEAR_BF16,
    // in0 = d out0 [M,N], in1 = x [M,K], in2 = weight, in3 = value before the activation (absent for ACTIVATION_NONE).
    // out0 [M,K] = dx, optional; accumulates out1 (weight's shape and layout), out2 [1,N] (bias), each optional. as.linear
    OP_LINEAR_BACKWARD,
    // s = in0 [M,H] + in1 [M,H] (optional residual); of each group of G columns of a row: out0 = (s - mean) * rstd *
    // (weight_offset + in2) + in3 (in3 optional), which are [1,H], or [1,G] and shared. G is as.norm.group, H where that is 0.
    // out1 [M,H] optional: s; out2 [M,2H/G] optional: mean and rstd of each group. out0 may be in0 or in1. as.norm. Ba et al.
    // 2016, arXiv:1607.06450.
    OP_LAYER_NORM,
    // in0 = d out0, in1 = s, in2 = (mean, rstd), in3 = weight. out0 [M,H] = ds (the gradient of in0 and of in1);
    // accumulates out1, out2 (weight's shape), each optional. as.norm
    OP_LAYER_NORM_BACKWARD,
    // Each group of G = in1's columns of a row: out0 [M,H] = in0 * rstd * (weight_offset + in1 [1,G]), rstd = 1 /
    // sqrt(mean(in0^2) + epsilon); H is a multiple of G (norms of heads). out1 [M,H/G] optional: rstd. out0 may be in0.
    // as.norm. Zhang & Sennrich 2019, arXiv:1910.07467.
    OP_RMS_NORM,
    // in0 = d out0, in1 = x, in2 = rstd, in3 = weight. out0 [M,H] = dx; accumulates out1 [1,G] (weight), optional. as.norm
    OP_RMS_NORM_BACKWARD,
    // Rotates pairs of columns of each head of in0 [M, heads * head_dim] by angles whose cosines and sines stand in the rows
    // of in1 [M, D] (D / 2 cosines, then D / 2 sines): column i < D / 2 of a head goes with column i + D / 2; columns from D
    // on are copied. out0 may be in0. It is its own backward with is_inverse. as.rope. Su et al. 2021, arXiv:2104.09864.
    OP_ROPE,
    // Heads of W columns each, out0 [M, n_heads * W], out of parts of in0's and in1's (optional), zeros behind them:
    // kernels/heads.h. as.heads
    OP_HEADS,
    // in0 = d out0. out0, out1 = d in0, d in1 of the forward operation, each optional. as.heads
    OP_HEADS_BACKWARD,
    // out0 [M,N] = act(in0) * in1. out0 may be in0. as.gated. Shazeer 2020, arXiv:2002.05202.
    OP_GATED,
    // in0 = d out0, in1, in2 = in0, in1 of the forward operation. out0, out1 = their gradients. as.gated
    OP_GATED_BACKWARD,
    // out0 [M,N] = a * in0 + b * in1; in1 optional. out0 may be in0. It is its own backward (without in1). as.add
    OP_ADD,
    // out0 [M,N] = cap * tanh(in0 / cap), or in0 kept within -cap and cap. out0 may be in0. as.soft_cap
    OP_SOFT_CAP,
    // in0 = d out0, in1 = out0. out0 = d in0; may be in0. as.soft_cap
    OP_SOFT_CAP_BACKWARD,
    // out0 [Tq, n_heads * head_dim] = softmax(scale * q k^T + bias, masked) v for each sequence and head. in0 = q, in1 = k,
    // in2 = v (k, v: [Tk, n_kv_heads * head_dim]; views of one fused QKV product are usual), in3 = relative bias table
    // (optional), in4 = sinks [1, n_heads] (optional): one more score of every row, of a value of zeros. out1 [Tq, n_heads]
    // optional: log-sum-exp of each row, for the backward pass. as.attention
    OP_ATTENTION,
    // The same with q, k, v and the weights of v rounded to bf16; no pages, no dropout, no out1: kernels/attention.h. For
    // encoders, where the Exec says COMPUTE_I8 or COMPUTE_BF16. as.attention
    OP_ATTENTION_BF16,
    // in0 = d out0, in1 = q, in2 = k, in3 = v, in4 = out0, in5 = log-sum-exp, in6 = relative bias table, in7 = sinks (both
    // optional). out0, out1, out2 = dq, dk, dv (overwritten); accumulates out3 (relative bias table), out4 (sinks), both
    // optional. as.attention
    OP_ATTENTION_BACKWARD,
    // out0 [Tq, n_heads * head_dim] = softmax(scale (q k^T + q PK[m]^T + k PQ[m]^T)) v for each sequence and head, m the row of
    // positions of query and key. in0 = q, in1 = k, in2 = v, in3 = PQ [R, n_heads * head_dim], in4 = PK, the latter two
    // optional. out1 as of OP_ATTENTION: kernels/disentangled.h. as.attention
    OP_DISENTANGLED,
    // in0 = d out0, in1 = q, in2 = k, in3 = v, in4 = out0, in5 = log-sum-exp, in6 = PQ, in7 = PK.
    // out0 .. out4 = dq, dk, dv, dPQ, dPK (overwritten). as.attention
    OP_DISENTANGLED_BACKWARD,
    // out0 [T,H] = each column of in0's sequences convolved with a row of in1 [H,L], whose last number meets the row itself and the
    // others the rows before it, plus in2 [1,H] (optional). in3 [S,(L-1)H] optional: the rows before each sequence's first one,
    // else zeros; out1, of its shape, optional: those before the rows that follow, may be in3. as.conv: kernels/causal_conv.h
    OP_CAUSAL_CONV,
    // in0 = d out0, in1 = x, in2 = weight, in3 as above. out0 [T,H] = dx; accumulates out1 (weight's shape and layout), out2
    // (bias), each optional. as.conv
    OP_CAUSAL_CONV_BACKWARD,
    // out0 [T, n_heads Dv] = what heads that keep a matrix [Dk, Dv] each answer to in0 = q, by in1 = k and in2 = v (in0, in1: [T,
    // n_key_heads Dk]), in3 [T, 2 n_heads] = gates, in4 [1, 2 n_heads] = rates. in5 [S, n_heads Dk Dv] optional: the matrices before
    // each sequence's first row, else zeros; out1, of its shape, optional: those behind its last, may be in5. as.delta:
    // kernels/delta_rule.h. Yang et al. 2024, arXiv:2412.06464.
    OP_DELTA_RULE,
    // in0 = d out0, in1 .. in5 = in0 .. in4 of the forward operation, whose in5 is absent. out0 .. out3 = d q, d k, d v, d gates;
    // accumulates out4 (rates), optional. as.delta
    OP_DELTA_RULE_BACKWARD,
    // out0 [M,H] = in0 * keep / (1 - p); in place allowed. keep depends on as.dropout and the element's place in its sample
    // (sequence key, row in sequence, column), never on the buffer. It is its own backward (d in = op(d out)).
    OP_DROPOUT,
    // out0 [S,H] = row as.select.rows[s] of in0 [T,H].
    OP_SELECT_ROWS,
    // out0 [T,H] = 0 but for the rows as.select.rows, which receive in0 [S,H].
    OP_SELECT_ROWS_BACKWARD,
    // out0 [S,H] = mean of each sequence's rows of in0 [T,H]. as.pool
    OP_MEAN_POOL,
    OP_MEAN_POOL_BACKWARD,
    // out0 [M,N] = softmax of each row of in0.
    OP_SOFTMAX,
    // Of each row of in0 [M,E] the K largest: out1 [M,K] = their columns, as numbers, the largest first, and out0 [M,K] = their
    // weights: kernels/route.h. in1 [1,E] optional, of ROUTE_SIGMOID: added to what columns are chosen by. as.route
    OP_ROUTE,
    // in0 = d out0, in1, in2 = in0, out1 of the forward operation. out0 [M,E] = d in0. as.route
    OP_ROUTE_BACKWARD,
    // out0 [M,1] f64 = log sum exp of each row of in0 [M,N]. out1 [M, N / LOG_SUM_GROUP rounded up] optional: the largest
    // number of each group of so many columns.
    OP_LOG_SUM_EXP,
    // out0 [1,2] f64: sum over rows of -weight[label] * log softmax(in0 [M,N])[label] (with label smoothing), and sum of
    // the weights; labels < 0 are ignored. out1 [M,N] optional: d out0[0] / d in0, unscaled. as.cross_entropy
    OP_CROSS_ENTROPY,
    // out0 += as.scale.factor * in0, any shape with equal storage.
    OP_ADD_SCALED,
    // out0 *= as.scale.factor.
    OP_SCALE,
    // out0 [1,1] f64 = sum of squares of in0's storage (panels' filling is zero).
    OP_SQUARED_NORM,
    // out0 = parameter, out1 = m, out2 = v (same storage), in0 = gradient. Loshchilov & Hutter 2019, arXiv:1711.05101. as.adamw
    OP_ADAMW,
    // out0 [M,N] = (as.gemm.accumulate ? out0 : 0) + op(in0) x op(in1), row-major. as.gemm says which side is transposed.
    OP_GEMM,
    // out0 [M,N] = two OP_LINEAR_I8 with weights in Q8_ROW, one after the other: of in0 [M,K] with in1 [J,K], in2 [1,J]
    // (optional) and the activation, of what that gives with in3 [N,J], in4 [1,N] (optional), none and scales_by_block.
    // as.linear
    OP_FEED_FORWARD_I8,
    OP_COUNT
} OpKind;

typedef enum Activation {
    ACTIVATION_NONE,
    ACTIVATION_GELU,      // x * Phi(x), with erf (Hendrycks & Gimpel 2016, arXiv:1606.08415)
    ACTIVATION_GELU_TANH, // its tanh approximation ("gelu_new")
    ACTIVATION_RELU,
    ACTIVATION_TANH,
    ACTIVATION_SILU,
    ACTIVATION_QUICK_GELU, // x * sigmoid(1.702 x): GELU's first approximation
    ACTIVATION_RELU2,      // max(0, x)^2 (So et al. 2021, arXiv:2109.08668)
    ACTIVATION_MISH,       // x * tanh(log(1 + exp(x))) (Misra 2019, arXiv:1908.08681)
    ACTIVATION_COUNT
} Activation;

// The ragged batch: sequences end to end. Sequence s holds rows offsets[s] .. offsets[s+1]-1.
typedef struct Ragged {
    size_t n_sequences;
    const int32_t *offsets; // [n_sequences + 1], offsets[0] = 0
    const int32_t
        *positions; // [rows] absolute position of each row; NULL = its place in the sequence
    const uint64_t
        *sequence_keys; // [n_sequences] identity of each sample, for dropout; NULL without dropout
} Ragged;

// Rows of the longest sequence.
static inline size_t ragged_longest(const Ragged *batch)
{
    size_t rows = 0;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t here = (size_t)(batch->offsets[s + 1] - batch->offsets[s]);
        if (here > rows) rows = here;
    }
    return rows;
}

typedef struct EmbeddingArgs {
    const int32_t *ids, *position_ids,
        *type_ids; // [T] each; checked against the tables by the caller
    // Backward: the word table's row of padding_id gets no gradient, as PyTorch's padding_idx.
    int has_padding;
    int32_t padding_id;
} EmbeddingArgs;

// Memory that is read soon, to be fetched into the caches; it may be read past a piece's end.
typedef struct FetchPiece {
    const float *start;
    size_t floats;
} FetchPiece;

typedef struct FetchList {
    const FetchPiece *pieces;
    size_t n;
} FetchList;

typedef struct LinearArgs {
    Activation activation;
    const float *next;      // what the next product reads first, fetched meanwhile; NULL = unknown
    const FetchList *fetch; // what is read before it, on the CPU: the same; or NULL
    int scales_by_block; // OP_LINEAR_I8, in1 in Q8_ROW: how in0 is rounded (kernels/linear_low.h)
} LinearArgs;

typedef struct NormArgs {
    float epsilon;
    float weight_offset; // 1 where the weight is what is added to 1, as Gemma keeps it; else 0
    size_t group;        // OP_LAYER_NORM: columns normed together (a head's); 0 = all of a row
} NormArgs;

typedef struct RopeArgs {
    size_t head_dim; // at least in1's columns
    int is_inverse;  // by the negative angles
} RopeArgs;

// Columns begin .. begin + n - 1 of every head of a tensor.
typedef struct HeadPart {
    size_t begin, n; // n = 0: none
    int is_shared;   // the tensor has one head, which is part of all
    int in_pairs;    // columns 0, 2, .. of the part come first, then 1, 3, ..; n is even
} HeadPart;

typedef struct HeadsArgs {
    size_t n_heads;
    HeadPart parts[2]; // of in0 and in1, one behind the other
} HeadsArgs;

typedef struct GatedArgs {
    Activation activation;
    // limit > 0: out0 = act(alpha g) / alpha * (u + 1), g = in0 up to limit, u = in1 from -limit to limit.
    float limit, alpha;
} GatedArgs;

typedef struct AddArgs {
    float a, b;
} AddArgs;

typedef struct SoftCapArgs {
    float cap;   // above 0
    int is_hard; // min(cap, max(-cap, x)) instead: nothing in between changes
} SoftCapArgs;

// Philox(seed, stream = site, counter = (step, key of the sequence, element)); p = 0 means none.
typedef struct DropoutArgs {
    float p;
    uint64_t seed;
    uint64_t step; // optimiser step, counted with accumulation
    uint32_t site; // which dropout of the model, numbered when it is recorded
    Ragged batch;
    uint32_t
        first_row; // what the first row of each sequence counts as, where earlier ones are left out
} DropoutArgs;

typedef struct AttentionArgs {
    size_t n_heads, n_kv_heads, head_dim; // n_heads is a multiple of n_kv_heads
    float scale;                          // usually 1 / sqrt(head_dim)
    float soft_cap;                       // c * tanh(score / c) before the mask; 0 = none
    int is_causal;                        // a query sees keys whose position is <= its own
    size_t window;        // a query sees keys less than `window` positions away; 0 = no limit
    Ragged queries, keys; // equal for self-attention without a cache
    // Keys and values from a page table instead of in1/in2: row r of sequence s is row r % page_rows of the page
    // page_table[s * max_pages + r / page_rows]; a page is [page_rows, n_kv_heads * head_dim] contiguous, of the row's
    // dtype (f64 rows read the pointers as such). keys.offsets still counts the keys. NULL without a cache.
    const float *const *key_pages, *const *value_pages;
    size_t page_rows, max_pages;
    // A row of a key page has its heads side by side for each column: element d of head h is at d * n_kv_heads + h. For few
    // queries, and for what attention_takes_columns (kernels/attention.h) says.
    int keys_by_column;
    // Pages of PANEL_WIDTH rows that are whole for each head: a panel of keys, element d of row r and head h at
    // (h * head_dim + d) * PANEL_WIDTH + r, and rows of values, element d at (h * PANEL_WIDTH + r) * head_dim + d. What stands
    // where no key is yet is not heeded. Numbers are of the row's dtype (pages_dtype F32), or F16 or BF16, which count as the
    // f32 that they are. Key head h of the call is head first_kv_head + h of the pages, which may have more.
    int pages_by_head;
    DType pages_dtype;
    size_t first_kv_head;
    // Additive bias by relative position: in3 [n_heads, n_buckets]; bucket of (query, key) = relative_bucket[(key position
    // - query position) + relative_reach], clamped to the array's ends. NULL without.
    const int32_t *relative_bucket;
    int32_t relative_reach; // the array has 2 * relative_reach + 1 entries
    int32_t first_bucket;   // OP_DISENTANGLED: that of the first row of PQ and PK
    DropoutArgs
        dropout; // of the probabilities, by (query row, head, key row) in the sample (kernels/dropout.h);
                 // keyed by queries.sequence_keys, so that its own `batch` is not read
} AttentionArgs;

typedef struct ConvArgs {
    Ragged batch;
} ConvArgs;

typedef struct DeltaArgs {
    size_t n_heads, n_key_heads, key_dim, value_dim; // n_heads is a multiple of n_key_heads
    Ragged batch;
} DeltaArgs;

typedef struct SelectArgs {
    const int32_t *rows; // [S], row indices into in0
} SelectArgs;

typedef struct PoolArgs {
    Ragged batch;
} PoolArgs;

typedef enum RouteKind {
    ROUTE_SOFTMAX,     // weights are those of a softmax over all columns
    ROUTE_SOFTMAX_TOP, // over the chosen ones: they add up to 1
    ROUTE_SIGMOID,     // each weight by itself
    ROUTE_NEAR,        // the k-th over those not chosen before it that are near it
    ROUTE_KIND_COUNT
} RouteKind;

typedef struct RouteArgs {
    RouteKind kind;
    // Columns in n_groups groups of one size, of which n_top_groups are chosen among; 0: all of them.
    size_t n_groups, n_top_groups;
    int normalizes;  // ROUTE_SIGMOID: weights are divided by their sum
    float floor;     // then: is added to that sum; 0 = 1e-20
    float tolerance; // ROUTE_NEAR: how near, relative to the larger of the two
    float scale;     // of the weights; 0 = 1
} RouteArgs;

typedef struct CrossEntropyArgs {
    const int32_t *labels;      // [M], < 0 = ignored
    const float *class_weights; // [N] or NULL for ones
    float label_smoothing;      // epsilon of Szegedy et al. 2016, arXiv:1512.00567
} CrossEntropyArgs;

typedef struct ScaleArgs {
    float factor;
} ScaleArgs;

typedef struct AdamwArgs {
    float learning_rate, beta1, beta2, epsilon, weight_decay;
    uint64_t step;        // from 1, for bias correction
    float gradient_scale; // multiplies the gradient first (clipping, averaging)
} AdamwArgs;

typedef struct GemmArgs {
    int transpose_a, transpose_b; // nn, nt, tn
    int accumulate;
} GemmArgs;

enum { OP_MAX_IN = 8, OP_MAX_OUT = 5 };

// Arrays that `as` points to (ids, offsets, labels, ...) lie where the tensors lie: on a GPU in device memory.
typedef struct OpArgs {
    Tensor in[OP_MAX_IN];
    Tensor out[OP_MAX_OUT];
    union {
        EmbeddingArgs embedding;
        LinearArgs linear;
        NormArgs norm;
        RopeArgs rope;
        HeadsArgs heads;
        GatedArgs gated;
        AddArgs add;
        SoftCapArgs soft_cap;
        AttentionArgs attention;
        ConvArgs conv;
        DeltaArgs delta;
        DropoutArgs dropout;
        SelectArgs select;
        PoolArgs pool;
        RouteArgs route;
        CrossEntropyArgs cross_entropy;
        ScaleArgs scale;
        AdamwArgs adamw;
        GemmArgs gemm;
    } as;
} OpArgs;

static inline int op_is_attention(OpKind op)
{
    return op == OP_ATTENTION || op == OP_ATTENTION_BF16;
}

typedef Status OpKernel(const OpArgs *args, Exec *exec, Error *err);
typedef OpKernel *OpFunction;

typedef struct OpRow {
    OpKind op;
    const char *variant; // "reference", "avx2", "avx512", "openblas", "cuda", "cublaslt"
    DeviceKind device;
    DType dtype;           // of the activations
    unsigned cpu_features; // CpuFeature bits it needs (base/machine.h)
    int preference; // among the rows a machine can run the highest is picked; references have 0
    int forward_safe; // keeps the order of summation whatever the number of rows: may serve a forward pass
    OpFunction run;
    int (*is_available)(void); // whether a library opened at run time is there; NULL = needs none
} OpRow;

typedef struct OpInfo {
    OpKind op;
    const char *name;    // "linear", "attention_backward"
    const char *summary; // the equation in a line, for `assay list kernels`
    OpKind backward;     // the operation of its gradient; OP_COUNT where it has none
    int is_forward;      // may stand in a forward pass: only forward_safe rows are picked
    unsigned overwrites; // bit i: out0 may be in[i], where no other input has that memory
} OpInfo;

const OpInfo *op_info(OpKind op);
// All rows, grouped by operation in the order of OpKind, the references of each first: row 0, 1, ... op_row_count() - 1.
// Each backend has its own array (see kernels/op_table.c), so that adding a row is one line there.
size_t op_row_count(void);
const OpRow *op_row(size_t index); // NULL past the end
// The row that an Exec of this device uses for (op, dtype), or NULL: the highest preference among those that these
// features (as machine_cpu_features()) and the libraries present can run; forward_safe ones only where the operation
// may stand in a forward pass.
const OpRow *op_best(OpKind op, DType dtype, DeviceKind device, unsigned features);
// Whether this machine's CPU has another row for op in f32 than the reference, which takes many times as long.
int op_is_fast(OpKind op);
// A row by its variant's name, or NULL: for tests, the bench, and --blas openblas.
const OpRow *op_find(OpKind op, DType dtype, const char *variant);

#endif
