// models/program/program_internal.h: between program_bind.c, which puts a unit in place, and program_run.c, which takes it through
// the steps.
#ifndef ASSAY_MODELS_PROGRAM_INTERNAL_H
#define ASSAY_MODELS_PROGRAM_INTERNAL_H

#include "models/program/program.h"

size_t extent_rows(const Extent *extent, RowDomain domain);
Extent extent_of_run(const ProgramRun *run);

// The angles that program_bind found for an entry of Program.angles.
Tensor program_angles(const ProgramRun *run, size_t index);

// One operation, by all threads that the run has (program_split.c).
Status program_run_op(const ProgramRun *run, OpKind op, const OpArgs *args, Error *err) MUST_CHECK;

// Dense layers of tuning with products in bf16 (program_low.c): whether a weight can go there, and what OP_LINEAR and
// OP_LINEAR_BACKWARD do, with the same arguments. On the CPU.
bool program_low_takes(const Tensor *weight);
Status program_low_linear(Exec *exec, const OpArgs *args, Error *err) MUST_CHECK;
Status program_low_backward(Exec *exec, const OpArgs *args, Error *err) MUST_CHECK;

#endif
