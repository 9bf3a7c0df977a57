// harness/tasks/span_internal.h: between span.c, which has the family, and span_windows.c.
#ifndef ASSAY_HARNESS_TASKS_SPAN_INTERNAL_H
#define ASSAY_HARNESS_TASKS_SPAN_INTERNAL_H

#include "harness/family.h"

enum { NO_ANSWER = 0 }; // the token at which "no answer" is learnt and read: the first of a window

// Family.windows. The question is cut only where it leaves no room for the passage: then both give, and there is one window.
Status span_windows(const SuiteTask *task, const Sample *sample, const Tokenizer *tokenizer,
                    size_t max_length, Arena *scratch, EncodingWindows *out, Error *err) MUST_CHECK;
// Whether a token is of the passage, not of the question.
bool span_is_of_passage(const Encoding *window, size_t token);
// Family.encode.
Status span_encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                   const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                   Error *err) MUST_CHECK;

#endif
