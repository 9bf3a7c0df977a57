// models/program/tape_internal.h: between the .c files of the tape.
#ifndef ASSAY_MODELS_TAPE_INTERNAL_H
#define ASSAY_MODELS_TAPE_INTERNAL_H

#include "models/program/tape.h"

// Takes a node with its operands and gives it an output slot.
Value tape_add_node(Tape *tape, TapeNode node, RowDomain domain, size_t cols);
RowDomain tape_domain(const Tape *tape, Value value);
// Both operands are ours, so a mismatch is a mistake of the architecture's file.
void tape_check(Tape *tape, bool holds, const char *what);

// The next free entry of a growing list of the tape's arena, of entries of `size` bytes; `list` is the address of the
// pointer to its first. NULL after a failure, which the tape then has.
void *tape_append(Tape *tape, void *list, size_t *count, size_t *capacity, size_t size);

// A lone vector called NAME followed by SUFFIX.
ParamId tape_suffixed_vector(Tape *tape, const char *name, const char *suffix, size_t cols,
                             ParamInit init);

// The vectors A_log and dt_bias of n_heads, one behind the other.
ParamId tape_delta_rates(Tape *tape, size_t n_heads);
// The weight of a convolution of so many columns: NAME.weight.
ParamId tape_conv_weight(Tape *tape, const char *name, size_t n_columns, size_t n_taps);

#endif
