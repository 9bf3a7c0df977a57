// models/tape.h: a model as a program: recorded once for an architecture and head, run forward for answers and both ways
// for tuning.
//
// An architecture (models/architectures/) records operations of the table (kernels/op.h) on named parameters and on values:
// matrices whose columns are known when recording and whose rows come at run time. program_build (models/program.h) turns
// the tape into steps on slots. Recording cannot fail call by call: the first error is kept, later calls do nothing, and
// tape_finish tells. Shapes are checked here, once, so that kernels need not.
#ifndef ASSAY_MODELS_TAPE_H
#define ASSAY_MODELS_TAPE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "kernels/op.h"

// What the rows of a value stand for.
typedef enum RowDomain {
    ROWS_TOKENS,    // every token of the unit
    ROWS_SEQUENCES, // one row a sequence
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
} ParamInit;

// A tensor of the checkpoint that is part of a parameter.
typedef struct ParamPart {
    Slice name;
    size_t begin, end; // its rows in the parameter; its columns where the parameter is a vector
} ParamPart;

// One parameter: a matrix or vector in one piece, made of one tensor of the checkpoint or of several stacked.
typedef struct Param {
    ParamPart *parts;
    size_t n_parts;
    size_t rows, cols; // a vector has one row
    bool is_vector;    // one dimension in the checkpoint: no weight decay
    // Used by OP_EMBEDDING as the table of token ids, and by nothing else: its gradient is a list of rows.
    bool is_gathered;
    Layout layout;
    ParamInit init;
    int32_t zero_row; // row that starts as zeros (padding), or -1
    size_t group;     // 0 embeddings, 1 + i block i, then the head
    size_t storage;   // floats
    size_t offset;    // floats from the start of the weights; a multiple of 16
} Param;

typedef size_t ParamId;
#define PARAM_NONE ((ParamId)-1) // where a parameter is optional

// A dense layer's weight [n_out, n_in] and bias [n_out].
typedef struct Dense {
    ParamId weight, bias;
    size_t n_in, n_out;
} Dense;

typedef struct TapeAttention {
    size_t n_heads, n_kv_heads, head_dim;
    float scale;
    bool is_causal;
    size_t window; // 0 = no limit
    float dropout; // of the probabilities
} TapeAttention;

enum { NODE_MAX_VALUES = 3, NODE_MAX_PARAMS = 3 };

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
        float epsilon;
        TapeAttention attention;
    } as;
} TapeNode;

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

// Names given below are relative to the prefix: tape_prefix(t, "bert.encoder.layer.%zu.", i).
void tape_prefix(Tape *tape, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Parameters declared from now on belong to this group (see Param).
void tape_group(Tape *tape, size_t group);

// NAME.weight as a table [rows, cols]. zero_row: see Param.
ParamId tape_table(Tape *tape, const char *name, size_t rows, size_t cols, int32_t zero_row);
// A lone vector called NAME.
ParamId tape_vector(Tape *tape, const char *name, size_t cols, ParamInit init);
// NAME.weight and NAME.bias of each name, stacked to one layer with n_out outputs in all, equally shared.
Dense tape_dense(Tape *tape, const char *const *names, size_t n_names, size_t n_in, size_t n_out);

// Table rows of each token, added: word [V,H], position [P,H], type [Y,H]; the last two may be PARAM_NONE.
Value tape_embedding(Tape *tape, ParamId word, ParamId position, ParamId type);
Value tape_linear(Tape *tape, Value x, Dense dense, Activation activation);
// Outputs [begin, end) of the layer alone. With panels both must be multiples of PANEL_WIDTH.
Value tape_linear_part(Tape *tape, Value x, Dense dense, size_t begin, size_t end,
                       Activation activation);
// x times the table's transpose, plus bias: the output layer of a masked LM, tied to the embedding.
Value tape_linear_tied(Tape *tape, Value x, ParamId table, ParamId bias);
// LayerNorm of x, or of x + residual, with NAME.weight and NAME.bias.
Value tape_layer_norm(Tape *tape, Value x, const char *name, float epsilon);
Value tape_layer_norm_residual(Tape *tape, Value x, Value residual, const char *name,
                               float epsilon);
// q may have rows of another domain than k and v.
Value tape_attention(Tape *tape, Value q, Value k, Value v, const TapeAttention *attention);
Value tape_dropout(Tape *tape, Value x, float p);
// One token's row of each sequence: the first, or the one that TokenSequence.chosen names.
Value tape_chosen_tokens(Tape *tape, Value x);
Value tape_mean_pool(Tape *tape, Value x);
Value tape_columns(Tape *tape, Value x, size_t begin, size_t end);

// Marks x as the next hidden state, for whoever looks inside.
void tape_hidden(Tape *tape, Value x);
// What the model answers. Last call.
void tape_output(Tape *tape, Value x);

size_t value_cols(Value value);

#endif
