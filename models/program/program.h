// models/program/program.h: a tape made ready to run: steps on slots, buffers shared by values that do not live together, and the
// backward pass.
//
// A Program is built once for a purpose (answers, or tuning with a given set of trained parameters) and never changes; any
// number of workers run it, each with memory of its own. A unit is a ragged piece of a batch that one worker takes through
// the whole program. Nothing is allocated while a unit runs, but for a worker's memory growing to the largest unit met.
#ifndef ASSAY_MODELS_PROGRAM_H
#define ASSAY_MODELS_PROGRAM_H

#include "base/pool.h"
#include "kernels/exec.h"
#include "models/program/tape.h"

// What an operand of a step is.
typedef enum OperandKind {
    OPERAND_NONE,
    OPERAND_SLOT,     // columns begin .. end of a slot
    OPERAND_PARAM,    // rows begin .. end of a parameter (columns, of a vector)
    OPERAND_GRADIENT, // the same of its gradient
    OPERAND_ROWS,     // the gradient of a gathered table: one row for each distinct id of the unit
    OPERAND_ANGLES, // cosines and sines of a rotary embedding for the step's rows; index: of Program.angles
} OperandKind;

typedef struct Operand {
    OperandKind kind;
    size_t index;
    size_t begin, end;
} Operand;

// The layers of one expert, and where their gradients go.
typedef struct ProgramExpert {
    Operand weights[EXPERT_LAYERS], gradients[EXPERT_LAYERS];
    Operand biases[EXPERT_LAYERS], bias_gradients[EXPERT_LAYERS];
} ProgramExpert;

// How a product and the step after it go together where both are of int8 (program_pair.c).
typedef enum ProgramPair {
    PAIR_NONE,
    PAIR_FEEDS, // the next step is a product that takes all of this one's numbers, and nothing else
    PAIR_JOINED, // and nobody else reads them: the two can be one operation
} ProgramPair;

typedef struct ProgramStep {
    OpKind op;
    Operand in[OP_MAX_IN];
    Operand out[OP_MAX_OUT];
    RowDomain rows;     // of the operation's main rows: queries, for attention
    RowDomain key_rows; // of attention's keys
    float dropout;
    uint32_t site;
    AddArgs add; // of OP_ADD
    bool is_backward;
    ProgramPair pair;
    size_t
        stretch; // steps that run a stretch of rows at a time, of which this is the first (program_stretch.c); 0: none
    size_t ends_stretch; // as many, of which this is the last
    bool
        comes_in_halves; // the first of a stretch: what its gate meets has room for half of its columns (program_stretch.c)
    size_t attention;             // of Program.attentions, for one of the targets
    const ProgramExpert *experts; // of NODE_EXPERTS; as many as the node has
    size_t node;                  // of the tape, for its fixed arguments
} ProgramStep;

// Angles of a rotary embedding for the rows of a domain, found for each unit when it is bound.
typedef struct ProgramAngles {
    RopeId rope;
    RowDomain domain;
} ProgramAngles;

typedef struct ProgramSlot {
    RowDomain domain;
    size_t cols;
    size_t stride; // floats between rows, on the CPU
    size_t stride_elsewhere;
    size_t
        narrow_stride;  // on the CPU where a stretch has many rows (program_is_narrow); 0: the same
    size_t first, last; // steps between which it lives
    size_t buffer;
    // Written over columns of another value, from `begin` on in the buffer's rows; `root` is the slot that the buffer was given to.
    size_t begin, root;
    bool has_parts; // others are written over columns of it
    bool is_pinned; // lives to the end
} ProgramSlot;

typedef struct ProgramBuffer {
    RowDomain domain;              // of the first value that it held; in tuning, of all
    size_t cols[ROW_DOMAIN_COUNT]; // the longest stride of a value of each domain that it holds
    size_t narrow_cols;            // of ROWS_STRETCH where program_is_narrow
} ProgramBuffer;

// An encoder-decoder in two: what needs the source alone, run once, and what each new target token needs.
typedef enum ProgramPart {
    PROGRAM_WHOLE,
    PROGRAM_SOURCE, // up to the keys and values that the decoder's attentions take of the source; no output
    PROGRAM_TARGETS, // all of ROWS_TARGETS: its attentions find keys in Unit.target_pages
} ProgramPart;

// One attention of the targets, in the order of the tape.
typedef struct ProgramAttention {
    size_t cols;          // of its keys, and of its values
    bool is_of_source;    // its keys are the source's, not those of earlier targets
    size_t n_heads;       // of its keys
    bool by_column;       // its keys may lie by column (AttentionArgs.keys_by_column)
    Operand keys, values; // in PROGRAM_SOURCE, where is_of_source
} ProgramAttention;

typedef struct ProgramOptions {
    ProgramPart part; // forward only where it is not the whole
    bool is_training;
    const bool *trained; // [n_params] in training: whose gradient is wanted
    const bool *
        by_row; // [n_params] tables whose gradients go into Unit.row_gradients beside those that are gathered; NULL = none
    float dropout; // of every place; negative = as recorded. Not used outside training
    bool
        recomputes; // in training: blocks between marked hidden states run again for their backward pass
    bool outputs_by_part; // the last products can be run for some rows at a time; forward only
    bool keeps_hidden;    // hidden states marked on the tape live to the end
    bool
        by_stretch; // what is within feed-forwards is held for a stretch of rows at a time, on the CPU; forward only
} ProgramOptions;

typedef struct Program {
    const Tape *tape;
    ProgramStep *steps;
    size_t n_forward, n_steps, steps_capacity;
    size_t n_body; // steps before those that program_outputs runs; n_forward where it runs none
    ProgramSlot *slots;
    size_t n_slots, slots_capacity;
    ProgramBuffer *buffers;
    size_t n_buffers;
    size_t output, output_gradient; // slots
    size_t *hidden;                 // slots of marked hidden states, where kept
    ProgramAttention *attentions;   // of the targets
    size_t n_attentions;
    bool uses_rows;   // some step writes OPERAND_ROWS
    size_t rows_cols; // width of that table
    ProgramAngles *angles;
    size_t n_angles, angles_capacity;
} Program;

// Everything lives in the arena. The tape must outlive the program.
Status program_build(const Tape *tape, const ProgramOptions *options, Arena *arena, Program **out,
                     Error *err) MUST_CHECK;

// A part of program_build (program_recompute.c): what stands between two of these slots is made again where the backward pass
// reads it, instead of being kept.
Status program_recompute(Program *program, const size_t *bounds, size_t n_bounds, Arena *arena,
                         Error *err) MUST_CHECK;
// The last parts of program_build: lifetimes of the slots and the buffers that they share, with ProgramStep.stretch where it is
// wanted; then ProgramStep.pair.
Status program_plan(Program *program, bool by_stretch, Arena *arena, Error *err) MUST_CHECK;
void program_find_stretches(Program *program);
void program_find_pairs(Program *program);

// Floats that mixtures of experts take beside a worker's buffers for units of so many rows, if one expert has them all.
size_t program_expert_floats(const Tape *tape, size_t n_rows, bool is_training);

// How many rows a unit has of each domain.
typedef struct Extent {
    size_t n_tokens, n_sequences, n_outputs, n_targets, n_relative;
    size_t n_at_once; // of n_outputs; 0: all of them
} Extent;

// Floats that a worker's buffers take for units of so many rows.
size_t program_buffer_floats(const Program *program, Extent extent);

// ---- running ----

// Where the attentions of a unit find earlier keys and values, and leave those of the unit's tokens (models/generation/cache.h fills
// it). Sequence s has key_offsets[s + 1] - key_offsets[s] keys, the unit's own included: row r of its keys is row r %
// page_rows of page page_table[s * max_pages + r / page_rows], for each cache of the tape. Pages hold numbers of dtype.
typedef struct ProgramCache {
    DType dtype; // F32, F16 or BF16
    size_t page_rows, max_pages;
    const int32_t *key_offsets;       // [n_sequences + 1]
    float *const *const *key_pages;   // [n_caches][n_sequences * max_pages]
    float *const *const *value_pages; // the same
    // What layers that are no attention keep of each sequence (Tape.n_state floats): read, and then that of the sequence with the
    // unit's tokens. NULL where they keep nothing.
    float *const *states; // [n_sequences]
} ProgramCache;

// Keys and values of one attention of the targets, on the CPU: row r of sequence s is row r % page_rows of page
// s * max_pages + r / page_rows. The step's own, one a target, go to new_keys [n_targets, cols] first; NULL where they
// are the source's. Neighbouring targets may be queries of one sequence. Keys lie by column where ProgramAttention says so.
typedef struct AttentionPages {
    size_t n_sequences;
    const int32_t *query_offsets, *key_offsets; // [n_sequences + 1]
    const float *const *keys, *const *values;
    size_t page_rows, max_pages;
    float *new_keys, *new_values;
    FetchList fetch; // where all of them lie but the step's own: fetched before the attention comes
} AttentionPages;

enum { PROGRAM_OUTPUTS_AT_ONCE = 28 }; // rows of logits: two tiles; more were no faster

// A ragged piece of work. Arrays are on the host; they are copied to the device where it is another.
typedef struct Unit {
    size_t n_tokens, n_sequences;
    const int32_t *ids, *position_ids, *type_ids; // [n_tokens]
    const int32_t *chosen;         // [n_sequences] row of each sequence's chosen token
    const int32_t *offsets;        // [n_sequences + 1]
    const uint64_t *sequence_keys; // [n_sequences]
    // What the decoder of an encoder-decoder reads.
    size_t n_targets;                             // 0 without
    const int32_t *target_ids, *target_positions; // [n_targets]
    const int32_t *target_offsets;                // [n_sequences + 1]
    const AttentionPages *target_pages;           // [n_attentions] for PROGRAM_TARGETS
    // Then: how many targets stand before each, which its row of the table of positions need not tell.
    const int32_t *target_places; // [n_targets]
    // Rows of ROWS_OUTPUTS: ascending indices of tokens, those of sequence s from output_offsets[s] on. NULL: every token
    // (n_outputs is then not read).
    const int32_t *output_rows;    // [n_outputs]
    const int32_t *output_offsets; // [n_sequences + 1]
    size_t n_outputs;
    size_t
        outputs_at_once; // rows that program_outputs makes, PROGRAM_OUTPUTS_AT_ONCE; 0: all of them
    // Positions of each sequence, which choose a rotary embedding's frequencies (TapeRope.long_from). NULL: those
    // of its last token here.
    const int32_t *horizons; // [n_sequences]
    // Keys and values of earlier tokens, or NULL: position_ids are then counted from each sequence's first token.
    const ProgramCache *cache;
    // For OPERAND_ROWS: place of each token's id among the distinct ids of the unit.
    const int32_t *row_of_token; // [n_tokens]
    const int32_t
        *row_of_target;   // [n_targets] where targets look into such a table too. On the CPU
    float *row_gradients; // [distinct ids, rows_cols]; zeroed by the caller
    const float *
        row_values; // [distinct ids, rows_cols] read in place of the table's rows; NULL = those. On the CPU
    size_t n_rows;
} Unit;

// One worker's memory. Zeroed is empty; it grows to the largest unit.
typedef struct WorkerMemory {
    void *block;
    size_t size_bytes;
    size_t used_bytes; // of the block, by the units since it was taken or shrunk
    float *buffers;    // start of the slots
    int32_t *staged;   // device copies of a unit's arrays
    Extent extent;     // of the last unit, for which offsets are
    size_t *offsets;   // [n_buffers + 1] floats from `buffers`
    size_t n_offsets;
    float *angles; // [n_angles] matrices, on the host, before they are staged
    size_t n_angle_floats;
    const Program *program;
} WorkerMemory;

// Threads for the operations of a unit that is all the work there is: execs[i] is for worker i of the pool, the unit's own among
// them. The pool must be idle.
typedef struct ProgramHelp {
    Pool *pool;
    Exec *const *execs;
} ProgramHelp;

// What a run needs beside its unit.
typedef struct ProgramRun {
    const Program *program;
    Exec *exec;
    WorkerMemory *memory;
    float *weights;                 // read only
    float *gradients;               // of the lane
    const size_t *gradient_offsets; // [n_params] floats into gradients
    uint64_t seed, step;            // of dropout
    bool bf16_products;             // of dense layers, both ways
    Unit unit;
    const ProgramHelp *help;         // NULL: this thread alone. No bit depends on it
    Ragged ragged[ROW_DOMAIN_COUNT]; // filled by program_bind
    const int32_t *device_ids, *device_positions, *device_types, *device_rows, *device_chosen,
        *device_outputs, *device_key_offsets, *device_target_ids, *device_target_positions,
        *device_relative;
    size_t n_outputs;                  // rows of ROWS_OUTPUTS
    size_t part_begin, part_rows;      // of them, those of program_outputs; part_rows 0: all
    size_t first_relative, n_relative; // buckets that ROWS_RELATIVE has rows of
} ProgramRun;

// Makes room for a unit and puts its arrays in place; run->unit and all above it are set. Then program_forward, and in
// training program_backward once output_gradient is written.
Status program_bind(ProgramRun *run, Error *err) MUST_CHECK;
Status program_forward(ProgramRun *run, Error *err) MUST_CHECK;
Status program_backward(ProgramRun *run, Error *err) MUST_CHECK;
// The output part by part, for rows over a large vocabulary are the largest thing in a unit: program_body in the place of
// program_forward, then the rows of the output from `begin` on, Unit.outputs_at_once of them or those that are left. *out is valid
// until the next call.
Status program_body(ProgramRun *run, Error *err) MUST_CHECK;
Status program_outputs(ProgramRun *run, size_t begin, Tensor *out, Error *err) MUST_CHECK;
// Views valid until the next bind.
Tensor program_output(const ProgramRun *run);
Tensor program_output_gradient(const ProgramRun *run);
Tensor program_hidden(const ProgramRun *run, size_t index);
// What PROGRAM_SOURCE made for an attention of the targets.
Tensor program_source_keys(const ProgramRun *run, size_t attention, bool are_values);

void worker_memory_release(WorkerMemory *memory, Exec *exec);

#endif
