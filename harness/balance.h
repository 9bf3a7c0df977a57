// harness/balance.h: groups of training samples that count alike: by class, by an attribute, by their combinations.
//
// Drawn (BALANCE_RESAMPLE), each group comes as often as any other; weighed (BALANCE_REWEIGHT), a sample's loss counts
// n / (groups * samples of its group), so that the groups' losses weigh alike and the mean weight is 1. Samples without a
// value for one of the attributes are in no group: they are drawn, or weigh, as without balance.
#ifndef ASSAY_HARNESS_BALANCE_H
#define ASSAY_HARNESS_BALANCE_H

#include "harness/prepare.h"

// Whether the training part has what a setting balances by: at least two groups, and classes where it names them.
Status balance_check(const TuneSetting *setting, const TaskData *data, Error *err) MUST_CHECK;

// Examples of samples at positions [n] of a part, each sample's windows one after the other: weighed, or options told how to
// draw them. In the arena. A no-op where the setting does not balance.
Status balance_examples(const TuneSetting *setting, const Tokens *tokens, const UsedPart *part,
                        const size_t *positions, size_t n, TrainExample *examples,
                        size_t n_examples, Arena *arena, TrainOptions *options,
                        Error *err) MUST_CHECK;

#endif
