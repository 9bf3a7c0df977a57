// harness/outcome.h: what a trial leaves behind before it is scored and stored; as plain data, so that a worker process can
// hand it over in a file.
#ifndef ASSAY_HARNESS_OUTCOME_H
#define ASSAY_HARNESS_OUTCOME_H

#include "models/training/train.h"
#include "results/store.h"

// Curves of a trial as its steps and evaluations are reported. Points are kept by step: one reported again (after a
// resumption) replaces the one before, with the same value.
typedef struct Curves {
    TrainStep *steps; // ascending, each step once
    size_t n_steps, steps_capacity;
    TrainEvaluation *evaluations;
    size_t n_evaluations, evaluations_capacity;
    bool failed; // memory ran out; reported by curves_status
} Curves;

void curves_add_step(Curves *curves, const TrainStep *step);
void curves_add_evaluation(Curves *curves, const TrainEvaluation *evaluation);
Status curves_status(const Curves *curves, Error *err) MUST_CHECK;
void curves_release(Curves *curves);

// Zeroed is empty. Owns all it points to.
typedef struct Outcome {
    TrialStatus status; // TRIAL_DONE or TRIAL_FAILED
    char error[ERROR_TEXT_SIZE];
    int64_t best_step;     // -1 where nothing was tuned
    double null_threshold; // that answers were given by, of tasks that find it
    uint64_t model_bytes;  // of the numbers of a tuned model as it was judged; 0 else
    size_t n_outputs, n_classes;
    uint32_t *ordinals;   // [n_outputs] ascending, in the data set judged
    int32_t *predicted;   // [n_outputs]
    float *probabilities; // [n_outputs, n_classes]
    size_t n_values;
    double *values; // [n_outputs, n_values] of the family's own; NULL without
    int64_t
        *latency_ns; // [n_outputs] of the sample alone, or STORE_NO_TIME where it was not measured
    // Answers as text, where classes do not say them: end to end, text i from text_ends[i - 1] to text_ends[i]; else NULL.
    char *texts;
    uint64_t *text_ends; // [n_outputs]
    // The same of what answers hang on: JSON, most of them empty; NULL where nobody asked.
    char *explanations;
    uint64_t *explanation_ends; // [n_outputs]
    Curves curves;
    TrialCost cost; // its slices stay empty: the process that stores fills them in
} Outcome;

Status outcome_take(Outcome *outcome, size_t n_outputs, size_t n_classes, Error *err) MUST_CHECK;
// After outcome_take: copies n_values numbers for each output.
Status outcome_put_values(Outcome *outcome, const double *values, size_t n_values,
                          Error *err) MUST_CHECK;
// After outcome_take: copies n_outputs texts.
Status outcome_put_texts(Outcome *outcome, const Slice *texts, Error *err) MUST_CHECK;
Slice outcome_text(const Outcome *outcome, size_t index); // ptr NULL where there are none
// The same of explanations.
Status outcome_put_explanations(Outcome *outcome, const Slice *texts, Error *err) MUST_CHECK;
Slice outcome_explanation(const Outcome *outcome, size_t index);
void outcome_release(Outcome *outcome); // a no-op on a zeroed one

// A file written anew and renamed, and read back with every size checked. The format is this build's own.
Status outcome_write(const Outcome *outcome, const char *path, Error *err) MUST_CHECK;
Status outcome_read(const char *path, Outcome *out, Error *err) MUST_CHECK;

#endif
