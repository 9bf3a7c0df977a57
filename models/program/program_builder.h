// models/program/program_builder.h: a program under construction, between program_build.c (forward) and program_backward.c.
//
// Like recording (models/program/tape.h), building keeps its first failure and goes on with calls that do nothing: builder_ok says
// whether there is none yet, and only then do slots and operands mean anything.
#ifndef ASSAY_MODELS_PROGRAM_BUILDER_H
#define ASSAY_MODELS_PROGRAM_BUILDER_H

#include "models/program/program.h"

#define NO_SLOT SIZE_MAX

// A program under construction. Arrays named by_node and by_slot follow the tape's nodes and the program's slots.
typedef struct ProgramBuilder {
    Program *program;
    const Tape *tape;
    const ProgramOptions *options;
    Arena *arena;
    Status status;
    Error *err;
    size_t *slot_of; // program slot of each tape slot; an elided dropout shares that of its input
    // What the forward pass leaves for the backward pass.
    size_t *kept[2]; // by_node: value before the activation | sum; log-sum-exp | mean and rstd
    // Of the backward pass.
    size_t *gradient; // by_slot: slot of its gradient, or NO_SLOT
    size_t *covered;  // by_slot: columns of the gradient written so far, where it comes in parts
    unsigned *shares; // by_slot: values whose gradient lies there and was not yet used
    bool *needs_gradient; // by_slot
    size_t n_tracked;     // length of the four above
    size_t next_attention;
    ProgramStep spare; // where steps go after a failure; never read
} ProgramBuilder;

bool builder_ok(const ProgramBuilder *b);
// Zeroed memory of the program's arena; NULL after a failure.
void *builder_take(ProgramBuilder *b, size_t count, size_t size);

// A new slot, and a new last step, which never is NULL.
size_t builder_slot(ProgramBuilder *b, RowDomain domain, size_t cols);
ProgramStep *builder_step(ProgramBuilder *b, OpKind op, size_t node);

// Operands: a slot, a value of the tape, a parameter (rows or, of a vector, columns [begin, end); none for PARAM_NONE), its
// gradient (none where it is not trained), and the angles of a rotation's rows, shared by all that turn alike.
Operand builder_whole(const ProgramBuilder *b, size_t slot);
Operand builder_value(const ProgramBuilder *b, Value v);
Operand builder_param(ParamId id, size_t begin, size_t end);
Operand builder_whole_param(const ProgramBuilder *b, ParamId id);
Operand builder_gradient(const ProgramBuilder *b, ParamId id, size_t begin, size_t end);
Operand builder_whole_gradient(const ProgramBuilder *b, ParamId id);
Operand builder_angles(ProgramBuilder *b, RopeId rope, RowDomain domain);

bool builder_trains(const ProgramBuilder *b, ParamId id);
// The layers of a node's experts.
const ProgramExpert *builder_experts(ProgramBuilder *b, const TapeNode *node);
// Of a node, as the options have it.
float builder_dropout(const ProgramBuilder *b, const TapeNode *node);

// program_backward.c: the steps behind the forward ones, where the output wants a gradient.
void program_build_backward(ProgramBuilder *b);

#endif
