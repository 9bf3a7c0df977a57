// harness/counterfactual.h: judged samples with the words of a group swapped, asked again.
//
// A task's "counterfactual" names a list of words (datasets/swap.h). Every judged sample that has one of them gets a copy with
// the words swapped; the model is asked about both, and each judged sample keeps two numbers: whether its answer changed (an
// answer as text is compared after its own words are swapped) and by how much the copy's answer is worse. The right answer to
// the copy is the sample's own, swapped where it is a part of the text. What is chosen and learnt never sees a copy.
#ifndef ASSAY_HARNESS_COUNTERFACTUAL_H
#define ASSAY_HARNESS_COUNTERFACTUAL_H

#include "harness/execute.h"
#include "harness/family.h"

// Of each judged sample, after the family's own numbers; both NaN where nothing was swapped.
enum { SWAPPED_FLIP, SWAPPED_GAP, N_SWAPPED };

// Makes the copies of the part that trials are judged on. A no-op for a task without a list.
Status counterfactual_prepare(Prepared *prepared, size_t task, Error *err) MUST_CHECK;
// Whether samples of the part have copies.
bool counterfactual_covers(const TaskData *data, DataPart part);

// Asks about the copies [n] of samples at positions and puts N_SWAPPED numbers behind each sample's values, in the arena.
// `ask` answers samples of PART_SWAPPED at positions.
typedef Status (*CounterfactualAsk)(void *context, const size_t *positions, size_t n, Arena *arena,
                                    Answers *out, Error *err);
Status counterfactual_extend(const TaskData *data, const UsedPart *part, const size_t *positions,
                             size_t n, CounterfactualAsk ask, void *context, Arena *arena,
                             Answers *answers, Error *err) MUST_CHECK;

#endif
