// datasets/steps.h: steps of preparation: texts brought into one form before anything else sees them.
//
// A task lists steps by name; they are applied in that order to every text of every part: text, pair, passage, words,
// choices and targets. Answers of questions stand where they stood, words keep their tags. Attributes, ids, groups and
// labels are left alone, but by `anonymise`, which attributes go through too. A step depends on nothing but its text.
#ifndef ASSAY_DATASETS_STEPS_H
#define ASSAY_DATASETS_STEPS_H

#include "datasets/text_edit.h"

// Raised when a step gives another text for the same one.
enum { STEPS_VERSION = 1 };

typedef struct Step {
    const char *name; // "lower"
    const char *summary;
    const char *not_for_words; // why a task of tagged words cannot have it; NULL = it can
    bool takes_attributes;
    // Takes all of edit->from, which is valid UTF-8. Memory of the call may come from scratch.
    Status (*apply)(TextEdit *edit, Arena *scratch, Error *err);
} Step;

// In the order people see.
extern const Step *const steps_all[];
extern const size_t steps_count;
const Step *step_find(Slice name); // NULL where there is none

// Names with commas between, at most STEPS_MOST; an unknown one is refused with the nearest.
enum { STEPS_MOST = 32 };
Status steps_parse(Slice names, const Step **out, size_t *n, Error *err) MUST_CHECK;

// What steps did to a data set.
typedef struct StepCount {
    size_t n_changed; // samples
    size_t n_kept;    // words that the step would have left nothing of: they stay as they were
    size_t n_lost;    // answers that the step left nothing of: the question has others
} StepCount;

// Applies steps [n] to a text; *out is the text itself where none changes it, else in the arena. spans [n_spans] move along.
// n <= STEPS_MOST.
Status steps_text(const Step *const *steps, size_t n, Slice text, TextSpan *spans, size_t n_spans,
                  Arena *arena, Slice *out, Error *err) MUST_CHECK;

// Applies steps [n] to all samples of a data set, in whose arena the new texts lie; counts [n] come out. Ids stay those of
// the texts as they were. Refused, by its place: a question whose answers are all gone.
Status steps_dataset(const Step *const *steps, size_t n, Dataset *data, StepCount *counts,
                     Error *err) MUST_CHECK;

#endif
