// models/program/tape.h: a model as a program: recorded once for an architecture and head, run forward for answers and both ways
// for tuning.
//
// An architecture (models/architectures/) records operations of the table (kernels/op.h) on named parameters and on values:
// matrices whose columns are known when recording and whose rows come at run time. program_build (models/program/program.h) turns
// the tape into steps on slots. Recording cannot fail call by call: the first error is kept, later calls do nothing, and
// tape_finish tells. Shapes are checked here, once, so that kernels need not.
#ifndef ASSAY_MODELS_TAPE_H
#define ASSAY_MODELS_TAPE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "kernels/op.h"
#include "models/formats/row_order.h"

// What the rows of a value stand for.
typedef enum RowDomain {
    ROWS_TOKENS,    // every token of the unit
    ROWS_SEQUENCES, // one row a sequence
    ROWS_OUTPUTS,   // the tokens whose answers someone reads; all of them where a unit names none
    ROWS_TARGETS, // every token of the unit's targets: what the decoder of an encoder-decoder reads
    ROWS_AT_ONCE, // of ROWS_OUTPUTS those that are made at a time, where they are made part by part (programs alone have it)
    ROWS_STRETCH, // of ROWS_TOKENS or ROWS_OUTPUTS those that go through a feed-forward at a time (programs alone have it)
    ROWS_RELATIVE, // rows of a table of relative positions: those that the distances within the unit's sequences reach
    ROW_DOMAIN_COUNT
} RowDomain;

// A value of the program, or a range of its columns.
typedef struct Value {
    size_t slot;
    size_t begin, end; // columns
} Value;

typedef enum ParamInit {
    INIT_NORMAL, // normal(0, initializer_range)
    INIT_ZERO,
    INIT_ONE,
    INIT_SINUSOIDS, // sin(p / 10000^(2 j / n)) in the first half of row p, cosines in the second
    INIT_WIDE_SINUSOIDS, // the same with sin(p / 10000^(j / (n / 2 - 1))); an odd last column is 0, and so is zero_row
    INIT_SLOPES, // column j of row h is -j times the slope of head h (see tape_alibi)
} ParamInit;

// Where a parameter comes from and whether it is ever trained.
typedef enum ParamSource {
    PARAM_TRAINED,
    PARAM_BUFFER,   // in the checkpoint, where it may be missing; never trained
    PARAM_COMPUTED, // in no checkpoint: made by its ParamInit
} ParamSource;

// A tensor of the checkpoint that is part of a parameter.
typedef struct ParamPart {
    Slice name;
    size_t begin, end; // its rows in the parameter; its columns where the parameter is a vector
    RowOrder order;    // of the tensor's rows; the parameter's are as they are used
} ParamPart;

// Where one part of a matrix lies, where the parts lie apart.
typedef struct PartPlace {
    const void *mapped; // where its file is mapped; NULL: among the weights
    size_t offset;      // then: floats from their start
    DType dtype;
    Layout layout;
    RowOrder order; // of the mapped rows
} PartPlace;

// One parameter: a matrix or vector in one piece, made of one tensor of the checkpoint or of several stacked.
typedef struct Param {
    ParamPart *parts;
    size_t n_parts;
    size_t rows, cols; // a vector has one row
    bool is_vector;    // one dimension in the checkpoint: no weight decay
    size_t
        stored_rows; // a vector that the checkpoint has as a matrix of so many rows; 0 = as a vector
    bool is_input_first; // [cols, rows] in the checkpoint (GPT-2's Conv1D)
    bool is_conv; // [rows, 1, cols] in the checkpoint, or as a matrix: a convolution of each column
    ParamSource source;
    const char *const *aliases; // other names of a parameter of one part, NULL at the end; or NULL
    // Used by one OP_EMBEDDING as the table of token ids, and by nothing else.
    bool is_looked_up;
    bool
        is_gathered; // of these the largest, where a tape has several: its gradient is a list of rows
    Layout layout;
    DType
        dtype; // F32, or what a file stores (kernels/pack.h): then for answers only; see tape_store
    bool is_exact;   // stays F32 whatever its file has and whatever products are asked for
    bool is_rounded; // dtype is none that its file has: numbers are encoded when they are put in
    ParamInit init;
    float factor;     // of INIT_SINUSOIDS and INIT_SLOPES
    int32_t zero_row; // row that starts as zeros (padding), or -1
    size_t group;     // 0 embeddings, 1 + i block i, then the head
    // For answers only: each part by itself, and a product goes part by part. NULL: all in one piece at offset.
    PartPlace *places; // [n_parts]
    size_t storage;    // floats' worth of memory
    size_t offset;     // floats from the start of the weights; a multiple of 16
} Param;

typedef size_t ParamId;
#define PARAM_NONE ((ParamId)-1) // where a parameter is optional

// A dense layer's weight [n_out, n_in] and bias [n_out] (or PARAM_NONE).
typedef struct Dense {
    ParamId weight, bias;
    size_t n_in, n_out;
} Dense;

// A LayerNorm's weight and bias.
typedef struct LayerNorm {
    ParamId weight, bias;
} LayerNorm;

// One tensor of a stacked dense layer.
typedef struct DensePart {
    const char *name;
    size_t n_out;
} DensePart;

enum {
    DENSE_NO_BIAS = 1 << 0,
    DENSE_INPUT_FIRST = 1 << 1, // the checkpoint's weight is [n_in, n_out]; one part only
};

// Angles of a rotary embedding: position p turns pair i by p * frequencies[i], its cosine and sine times `scale`.
typedef struct TapeRope {
    size_t n_dims;            // columns of a head that turn; even
    const float *frequencies; // [n_dims / 2]
    float scale;
    // For sequences of more than long_from positions instead: long_frequencies, or where stretch > 0 what
    // rope_stretched_frequencies makes of theta and the length. 0: none such.
    size_t long_from;
    const float *long_frequencies;
    double theta, stretch;
    // Where a text grows beyond long_from, all of it is read again with the other frequencies; else keys stay as they were made.
    bool rereads;
    // What is turned at position p is multiplied by 1 + growth log(1 + floor(p / growth_from)), where growth is above 0.
    float growth;
    size_t growth_from;
} TapeRope;

typedef size_t RopeId;

typedef struct TapeAttention {
    size_t n_heads, n_kv_heads, head_dim;
    float scale;
    bool is_causal;
    size_t window;  // 0 = no limit
    float soft_cap; // 0 = none
    float dropout;  // of the probabilities
    // Bias by relative position (AttentionArgs); the buckets, 2 * reach + 1 of them, lie in the tape's arena. NULL = none.
    const int32_t *relative_bucket;
    int32_t relative_reach;
    ParamId relative_bias;
    bool has_sinks; // one more score a head, of a value of zeros
    ParamId sinks;  // then: [1, n_heads]
    bool
        is_cached; // keys and values of earlier tokens come from a cache, where a run has one (models/generation/cache.h)
    size_t cache;  // which one; set by tape_attention
    bool
        reads_cache; // the attention before it with the same keys and values has put them there; likewise
    bool has_position_queries, has_position_keys; // set by tape_disentangled
} TapeAttention;

// One expert: a gated layer.
enum { EXPERT_GATE, EXPERT_UP, EXPERT_DOWN, EXPERT_LAYERS };
typedef struct TapeExpert {
    ParamId weights[EXPERT_LAYERS];
    ParamId biases[EXPERT_LAYERS]; // or PARAM_NONE
} TapeExpert;

enum { NODE_MAX_VALUES = 5, NODE_MAX_PARAMS = 3 };

// A mixture of experts: no operation of the table, but several (program_experts.c). Its parameters are those of its experts.
#define NODE_EXPERTS OP_COUNT

typedef struct TapeNode {
    OpKind op;
    Value in[NODE_MAX_VALUES];
    size_t n_in;
    ParamId params[NODE_MAX_PARAMS];
    size_t n_params;
    size_t row_begin, row_end; // of a dense layer: which of its outputs
    size_t out;                // slot
    float dropout;
    uint32_t site; // number of its dropout
    union {
        Activation activation;
        NormArgs norm;
        TapeAttention attention;
        struct {
            RopeId table;
            size_t head_dim;
        } rope;
        AddArgs add;
        struct {
            size_t state; // where its rows begin in a sequence's state
        } conv;
        struct {
            DeltaArgs args; // without a batch
            size_t state;
        } delta;
        HeadsArgs heads;
        SoftCapArgs soft_cap;
        struct {
            RouteArgs args;
            size_t chosen; // slot of the columns
        } route;
        struct {
            const TapeExpert *list;
            size_t n;
            GatedArgs gated;
        } experts;
        struct {
            bool is_by_position; // the first table is of positions, not of words
            bool is_one_row;     // then: all have the same row
            size_t first_row;
        } embedding;
    } as;
} TapeNode;

// Keys and values of one attention, as a cache keeps them.
typedef struct TapeCache {
    size_t cols;   // n_kv_heads * head_dim
    size_t window; // keys further back are never seen; 0 = no limit
} TapeCache;

typedef struct TapeSlot {
    RowDomain domain;
    size_t cols;
} TapeSlot;

typedef struct Tape {
    Arena *arena; // borrowed; the tape's memory
    Layout weight_layout;
    Status status;
    Error error;
    Param *params;
    size_t n_params, params_capacity;
    TapeNode *nodes;
    size_t n_nodes, nodes_capacity;
    TapeSlot *slots;
    size_t n_slots, slots_capacity;
    TapeRope *ropes;
    size_t n_ropes, ropes_capacity;
    TapeCache *caches;
    size_t n_caches, caches_capacity;
    // What layers that are no attention keep of a sequence, whatever its length: floats, all of them together.
    size_t n_state;
    // Buckets of relative positions (as of TapeAttention), which are the rows of ROWS_RELATIVE; 0 without.
    const int32_t *relative_bucket;
    int32_t relative_reach;
    size_t n_relative;
    Value *hidden; // marked hidden states
    size_t n_hidden, hidden_capacity;
    Value output;
    bool has_output;
    size_t group;
    uint32_t n_sites;
    char prefix[160];
    size_t n_floats; // of all parameters, filling included
} Tape;

// Everything recorded lives in the arena, which must outlive the tape. weight_layout: of dense layers.
Tape tape_begin(Arena *arena, Layout weight_layout);
// The first error of recording; checks that there is an output.
Status tape_finish(Tape *tape, Error *err) MUST_CHECK;

// Keeps a failure met while recording, where it is the first.
void tape_fail(Tape *tape, Status status, const char *what);

// dtypes [n_params]: how each parameter is kept. Places them all anew; before a program is built. Others than F32 are for
// dense weights in panels and for tables in rows.
void tape_store(Tape *tape, const DType *dtypes);
// Floats' worth of memory that a parameter takes in one piece or in packed parts, with what is mapped packed too; as_f32: as
// numbers, whatever it is kept as.
size_t param_packed_floats(const Param *param, bool as_f32);
// Bytes from a parameter's beginning to row `row` (a multiple of PANEL_WIDTH in panels) or, of a vector, column.
size_t param_row_bytes(const Param *param, size_t row);

// Names given below are relative to the prefix: tape_prefix(t, "bert.encoder.layer.%zu.", i).
void tape_prefix(Tape *tape, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Parameters declared from now on belong to this group (see Param).
void tape_group(Tape *tape, size_t group);

// NAME.weight as a table [rows, cols]. zero_row: see Param.
ParamId tape_table(Tape *tape, const char *name, size_t rows, size_t cols, int32_t zero_row);
// The same for a table that is a dense layer's weight too (tape_linear_tied), stored as those are.
ParamId tape_tied_table(Tape *tape, const char *name, size_t rows, size_t cols, int32_t zero_row);
// A table [rows, cols] of sinusoids (Vaswani et al. 2017, arXiv:1706.03762, section 3.5), which no checkpoint holds.
// All times `factor`.
ParamId tape_sinusoids(Tape *tape, size_t rows, size_t cols, float factor);
// The same as tensor2tensor has them (INIT_WIDE_SINUSOIDS); cols are at least 4.
ParamId tape_wide_sinusoids(Tape *tape, size_t rows, size_t cols, int32_t zero_row, float factor);
// NAME.weight, sinusoids where the checkpoint lacks it, never trained.
ParamId tape_fixed_sinusoids(Tape *tape, const char *name, size_t rows, size_t cols);
// NAME.weight, [n_buckets, n_heads] in the checkpoint: what attention adds by relative position.
ParamId tape_relative_bias(Tape *tape, const char *name, size_t n_heads, size_t n_buckets);
// What attention adds for keys 0, 1, .. positions back, which no checkpoint holds: ALiBi (Press et al. 2022, arXiv:2108.12409),
// slopes 2^(-8 / n), 2^(-16 / n), .. of n heads; of other numbers than powers of two those of the power below and then every
// second of the next. All times `factor`.
ParamId tape_alibi(Tape *tape, size_t n_heads, size_t n_positions, float factor);
// A vector of ones, which no checkpoint holds and no training changes: the weight of a norm that has none.
ParamId tape_ones(Tape *tape, size_t cols);
// Other full names under which a checkpoint may have a parameter of one tensor; the array must outlive the tape.
void tape_aliases(Tape *tape, ParamId param, const char *const *names);
// NAME as one row [1, cols], zero where the checkpoint lacks it, never trained.
ParamId tape_buffer(Tape *tape, const char *name, size_t cols);
// A lone vector called NAME, zero where the checkpoint lacks it, never trained.
ParamId tape_fixed_vector(Tape *tape, const char *name, size_t cols);
// A lone number called NAME, 1 where the checkpoint lacks it, never trained.
ParamId tape_fixed_number(Tape *tape, const char *name);
// A lone vector called NAME.
ParamId tape_vector(Tape *tape, const char *name, size_t cols, ParamInit init);
// NAME.weight and NAME.bias of each name, stacked to one layer with n_out outputs in all, equally shared.
Dense tape_dense(Tape *tape, const char *const *names, size_t n_names, size_t n_in, size_t n_out);

// The same with parts of unequal sizes. flags: DENSE_...
Dense tape_dense_parts(Tape *tape, const DensePart *parts, size_t n_parts, size_t n_in,
                       unsigned flags);
// The rows of a layer's tensor number `part`, and its bias, stand in this order in the checkpoint.
void tape_row_order(Tape *tape, Dense dense, size_t part, RowOrder order);
// Keeps a layer's weight as numbers (Param.is_exact): what chooses among experts.
void tape_keep_exact(Tape *tape, Dense dense);
// Angles that tape_rope turns by; frequencies are copied.
RopeId tape_rope_angles(Tape *tape, const TapeRope *rope);

// Table rows of each token, added: word [V,H], position [P,H], type [Y,H]; the latter two may be PARAM_NONE.
Value tape_embedding(Tape *tape, ParamId word, ParamId position, ParamId type);
// Rows of a table of positions from first_row on, by each token's position.
Value tape_positions(Tape *tape, ParamId table, size_t first_row);
// Rows of such a table by each target's position.
Value tape_target_positions(Tape *tape, ParamId table);
// Row 0 of a table for every token.
Value tape_first_row(Tape *tape, ParamId table);
// The same as tape_embedding for the target tokens.
Value tape_target_embedding(Tape *tape, ParamId word, ParamId position);
Value tape_linear(Tape *tape, Value x, Dense dense, Activation activation);
// Outputs [begin, end) of the layer alone. With panels both must be multiples of PANEL_WIDTH.
Value tape_linear_part(Tape *tape, Value x, Dense dense, size_t begin, size_t end,
                       Activation activation);
// x times the table's transpose, plus bias (or PARAM_NONE): an output layer tied to the embedding.
Value tape_linear_tied(Tape *tape, Value x, ParamId table, ParamId bias);
// NAME.weight and NAME.bias of a LayerNorm, which several norms may share, and the norm of x + residual with them.
LayerNorm tape_layer_norm_params(Tape *tape, const char *name, size_t cols);
// The same where the weight is added to 1, and so starts as 0; without a bias where has_bias is false.
LayerNorm tape_offset_norm_params(Tape *tape, const char *name, size_t cols, bool has_bias);
// Weights of norms of heads, one head's behind the other's: NAME.weight as a matrix [n_heads, head_dim]; or a tensor for each
// head, NAME.LIST.0.weight, ..
ParamId tape_head_weights(Tape *tape, const char *name, size_t n_heads, size_t head_dim);
ParamId tape_listed_weights(Tape *tape, const char *name, const char *list, size_t n_heads,
                            size_t head_dim);
Value tape_layer_norm_shared(Tape *tape, Value x, Value residual, LayerNorm norm, float epsilon);
// LayerNorm of x, or of x + residual, with NAME.weight and NAME.bias; or of x without a bias.
Value tape_layer_norm(Tape *tape, Value x, const char *name, float epsilon);
Value tape_layer_norm_residual(Tape *tape, Value x, Value residual, const char *name,
                               float epsilon);
Value tape_layer_norm_unbiased(Tape *tape, Value x, const char *name, float epsilon);
// LayerNorm of x with parameters at hand, by groups of columns where args says so; a bias may be PARAM_NONE.
Value tape_layer_norm_of(Tape *tape, Value x, LayerNorm norm, NormArgs args);
// Root mean square norm with NAME.weight of `width` columns: of the whole row, or of each `width` columns of it.
// weight_offset: see NormArgs; a weight that is added to 1 starts as 0.
Value tape_rms_norm(Tape *tape, Value x, const char *name, size_t width, float epsilon,
                    float weight_offset);
// The same with a weight at hand.
Value tape_rms_norm_of(Tape *tape, Value x, ParamId weight, NormArgs args);
// Heads of x turned by their rows' positions.
Value tape_rope(Tape *tape, Value x, size_t head_dim, RopeId angles);
Value tape_gated(Tape *tape, Value a, Value b, Activation activation); // act(a) * b
// Columns of x convolved along each sequence (OP_CAUSAL_CONV): NAME.weight, and NAME.bias where has_bias says so. Rows before
// those of a unit are of the sequence's state.
Value tape_causal_conv(Tape *tape, Value x, const char *name, size_t n_taps, bool has_bias);
// OP_DELTA_RULE with the rates A_log and dt_bias below the prefix; gates: of all heads what they learn, then what they keep. What
// stands before the rows of a unit is of the sequence's state.
Value tape_delta_rule(Tape *tape, Value q, Value k, Value v, Value gates, const DeltaArgs *args);
// Heads of `width` columns out of parts of in[0] and, where n_in is 2, in[1] (OP_HEADS).
Value tape_heads(Tape *tape, const Value *in, size_t n_in, size_t width, const HeadsArgs *args);
Value tape_add(Tape *tape, Value a, Value b);
// Where the rows of these logits, a column an expert, go to (OP_ROUTE): two values of n_active columns.
typedef struct Route {
    Value weights, chosen;
} Route;
// bias: what choices are corrected by; factors: of each expert, what its weights are multiplied by. Or PARAM_NONE.
Route tape_route(Tape *tape, Value logits, size_t n_active, ParamId bias, ParamId factors,
                 const RouteArgs *args);
// For each row of x the sum of weight * down(gated(gate(x), up(x))) over its experts.
Value tape_experts(Tape *tape, Value x, Route route, const TapeExpert *experts, size_t n_experts,
                   GatedArgs gated);
// Whether a node multiplies by this matrix: a dense layer, or one of its experts.
bool tape_multiplies(const TapeNode *node, ParamId param);
Value tape_scale(Tape *tape, Value x, float factor);
Value tape_soft_cap(Tape *tape, Value x, float limit); // limit * tanh(x / limit)
Value tape_clamp(Tape *tape, Value x, float limit);    // min(limit, max(-limit, x))
// q may have rows of another domain than k and v.
Value tape_attention(Tape *tape, Value q, Value k, Value v, const TapeAttention *attention);
// Rows of the table [buckets, cols]: ROWS_RELATIVE, of which a tape has one list of buckets; it lies in the tape's arena.
Value tape_relative_rows(Tape *tape, ParamId table, const int32_t *bucket, int32_t reach);
// OP_DISENTANGLED: position_queries and position_keys are of ROWS_RELATIVE; one of them may be NULL. Of `attention` heads,
// scale and dropout count.
Value tape_disentangled(Tape *tape, Value q, Value k, Value v, const Value *position_queries,
                        const Value *position_keys, const TapeAttention *attention);
Value tape_dropout(Tape *tape, Value x, float p);
// One token's row of each sequence: the first, or the one that TokenSequence.chosen names.
Value tape_chosen_tokens(Tape *tape, Value x);
Value tape_mean_pool(Tape *tape, Value x);
// The tokens' rows that someone reads (ROWS_OUTPUTS); of targets that are as many as their sequence's tokens, those at the same
// places.
Value tape_output_rows(Tape *tape, Value x);
Value tape_columns(Tape *tape, Value x, size_t begin, size_t end);

// Marks x as the next hidden state, for whoever looks inside.
void tape_hidden(Tape *tape, Value x);
// What the model answers. Last call.
void tape_output(Tape *tape, Value x);

size_t value_cols(Value value);

#endif
