// models/program/program_internal.h: between program_bind.c, which puts a unit in place, program_run.c, which takes it through the
// steps, and the files that know one kind of step.
#ifndef ASSAY_MODELS_PROGRAM_INTERNAL_H
#define ASSAY_MODELS_PROGRAM_INTERNAL_H

#include "models/program/program.h"

size_t extent_rows(const Extent *extent, RowDomain domain);
size_t program_stretch_rows(size_t n_tokens); // of ROWS_STRETCH
size_t program_buffer_size(const ProgramBuffer *buffer,
                           const Extent *extent); // floats, SIZE_MAX: too many
// Whether stretches of such a unit have rows enough for values to come in halves (ProgramSlot.narrow_stride).
bool program_is_narrow(const Extent *extent);
Extent extent_of_run(const ProgramRun *run);

// The angles that program_bind found for an entry of Program.angles.
Tensor program_angles(const ProgramRun *run, size_t index);

// One operation, by all threads that the run has (program_split.c).
Status program_run_op(const ProgramRun *run, OpKind op, const OpArgs *args, Error *err) MUST_CHECK;

// A step's operand as a tensor (program_operand.c). program_part_tensor: rows begin .. end of a parameter whose parts lie apart, all
// of one part.
Tensor program_operand(const ProgramRun *run, const Operand *operand);
Tensor program_part_tensor(const ProgramRun *run, const Param *param, size_t part, size_t begin,
                           size_t end);

// A step's tensors and settings: those of the program, and what the unit has in their place.
void program_arguments(ProgramRun *run, const ProgramStep *step, OpArgs *args);

// Attentions with earlier keys in pages (program_pages.c): the unit's own are stored there, and args are changed to read them. The
// first is that of causal models, the second that of targets which come one by one.
void program_attend_cached(const ProgramRun *run, const TapeNode *node, OpArgs *args);
void program_attend_pages(const ProgramRun *run, const ProgramStep *step, OpArgs *args);

// An operation whose sequences have states in the cache (program_states.c): each of the unit by itself, with its own.
bool program_has_states(const ProgramRun *run, const ProgramStep *step);
Status program_run_states(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                          Error *err) MUST_CHECK;

// A product with a weight whose parts lie apart (program_parts.c): one a part, each into its own columns.
bool program_is_in_parts(const ProgramRun *run, const ProgramStep *step);
Status program_run_parts(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                         Error *err) MUST_CHECK;

// The steps of a stretch, from step i on, row by row in stretches (program_stretch.c).
Status program_run_stretch(ProgramRun *run, size_t i, Error *err) MUST_CHECK;

// Step i (program_run.c), or `step` in its place; program_run_next: with the next one where they are a pair, *n_run is then 2.
Status program_run_step(ProgramRun *run, size_t i, const ProgramStep *step, Error *err) MUST_CHECK;
Status program_run_next(ProgramRun *run, size_t i, size_t *n_run, Error *err) MUST_CHECK;

// Whether this step and the next are a pair of int8, and both of them (program_pair.c).
bool program_is_pair(const ProgramRun *run, const ProgramStep *step);
Status program_run_pair(ProgramRun *run, const ProgramStep *step, Error *err) MUST_CHECK;

// A dense layer, and its backward pass, as the run wants products.
Status program_linear(const ProgramRun *run, const OpArgs *args, Error *err) MUST_CHECK;
Status program_linear_backward(const ProgramRun *run, const OpArgs *args, Error *err) MUST_CHECK;

// NODE_EXPERTS (program_experts.c). args: in0 = x, in1 = weights, in2 = chosen, out0 = y; backward in0 = dy, in1 .. in3 = x,
// weights, chosen, out0 = dx and out1 = d weights, each optional.
Status program_experts(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                       Error *err) MUST_CHECK;
Status program_experts_backward(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                                Error *err) MUST_CHECK;

// Dense layers of tuning with products in bf16 (program_low.c): whether a weight can go there, and what OP_LINEAR and
// OP_LINEAR_BACKWARD do, with the same arguments. On the CPU.
bool program_low_takes(const Tensor *weight);
Status program_low_linear(Exec *exec, const OpArgs *args, Error *err) MUST_CHECK;
Status program_low_backward(Exec *exec, const OpArgs *args, Error *err) MUST_CHECK;

#endif
