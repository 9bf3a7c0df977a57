// harness/execute_internal.h: between the sources of execute. Internal to harness/.
#ifndef ASSAY_HARNESS_EXECUTE_INTERNAL_H
#define ASSAY_HARNESS_EXECUTE_INTERNAL_H

#include "harness/execute.h"
#include "harness/family.h"

// Opening and closing is execute_open.c's.
void execute_close_model(Executor *executor);
// Brings the open model back to what it was before tuning, its fresh parts drawn from the trial's seed.
Status execute_reset(Executor *executor, const TrialSpec *spec, Error *err) MUST_CHECK;
// Finds what the task wants found on samples that are watched, for the answers that follow.
Status execute_calibrate(Executor *executor, const TrialSpec *spec, const TrialSamples *samples,
                         Error *err) MUST_CHECK;
// Asked about samples of a part: all but which ones.
Status execute_asked(const Executor *executor, const TrialSpec *spec, DataPart part, Asked *out,
                     Error *err) MUST_CHECK;
// What the worst answers of a judged trial hang on, into the outcome, where the suite asks for it (execute_explain.c).
Status execute_explain(Executor *executor, const Work *work, const TrialSamples *samples,
                       Arena *arena, Outcome *outcome, Error *err) MUST_CHECK;
// What the open model says about samples at positions [n] of a part; in the arena.
Status execute_answers(Executor *executor, const TrialSpec *spec, DataPart part,
                       const size_t *positions, size_t n, Arena *arena, Answers *out,
                       Error *err) MUST_CHECK;
// Tunes the open model, which was reset; goes on from a saved state. Fills curves, best_step and cost.
Status execute_train(Executor *executor, const Work *work, const TrialSamples *samples,
                     Arena *arena, Outcome *outcome, Error *err) MUST_CHECK;
// The tuned model of the suite that a trial learns from; the caller closes it.
Status execute_open_teacher(const Executor *executor, const Work *work, Model **out,
                            Error *err) MUST_CHECK;
// Saves the open model as the one tuned on all data.
Status final_save(const Executor *executor, const Work *work, Arena *arena, Error *err) MUST_CHECK;

// The executor's model as a file in that format (empty: as model_save writes it), opened to answer; *n_bytes of its tensors,
// where there is a format. The caller closes it (execute_quantize.c).
Status execute_written(Executor *executor, const Work *work, Slice format, ComputeMode compute,
                       Arena *arena, Model **out, uint64_t *n_bytes, Error *err) MUST_CHECK;

#endif
