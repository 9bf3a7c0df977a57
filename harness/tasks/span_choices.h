// harness/tasks/span_choices.h: a span as the answer to a question with choices (BBQ).
#ifndef ASSAY_HARNESS_TASKS_SPAN_CHOICES_H
#define ASSAY_HARNESS_TASKS_SPAN_CHOICES_H

#include "harness/family.h"

// What such a task cannot have: what is made of answers that stand in their passage.
Status span_choices_check(const SuiteTask *task, Error *err) MUST_CHECK;
// What it learns from: questions whose answers stand there.
Status span_choices_check_train(const SuiteTask *task, const UsedPart *part, Error *err) MUST_CHECK;
// The choice that shares most words with the span, by SQuAD's F1. The choice "unknown" where the span is empty, shares none,
// or shares as much with two of them; SAMPLE_NO_LABEL where the sample has no such choice.
Status span_choices_pick(const Sample *sample, Slice span, Arena *arena, int32_t *out,
                         Error *err) MUST_CHECK;
// Labels of metrics: the choices' places.
void span_choices_labels(TaskData *data);

#endif
