// models/program_internal.h: between program_bind.c, which puts a unit in place, and program_run.c, which takes it through
// the steps.
#ifndef ASSAY_MODELS_PROGRAM_INTERNAL_H
#define ASSAY_MODELS_PROGRAM_INTERNAL_H

#include "models/program.h"

size_t extent_rows(const Extent *extent, RowDomain domain);
Extent extent_of_run(const ProgramRun *run);

// The angles that program_bind found for an entry of Program.angles.
Tensor program_angles(const ProgramRun *run, size_t index);

// One operation, by all threads that the run has (program_split.c).
Status program_run_op(const ProgramRun *run, OpKind op, const OpArgs *args, Error *err) MUST_CHECK;

#endif
