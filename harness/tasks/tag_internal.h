// harness/tasks/tag_internal.h: between tag.c, which has the family, tag_classes.c and tag_explain.c.
#ifndef ASSAY_HARNESS_TASKS_TAG_INTERNAL_H
#define ASSAY_HARNESS_TASKS_TAG_INTERNAL_H

#include "harness/family.h"

enum { NO_WORD = -1 }; // in Tokens.words: a token at which no word's tag is read

// Family.find_labels (tag_classes.c).
Status tag_find_labels(Prepared *prepared, size_t task, Error *err) MUST_CHECK;

// Rows of log-probabilities over the task's tags for each word of the sample that was asked about at index; a word without a
// piece keeps NaN. *logits moves past the rows that were read. In scratch. STATUS_DIVERGED where scores are not finite.
Status tag_word_scores(const Asked *asked, size_t index, const float **logits, Arena *scratch,
                       double **out, Error *err) MUST_CHECK;

// Family.reasons (tag_explain.c): the scores of the tags of each entity that was found, of a few of them.
Status tag_reasons(const Asked *asked, const EncodingWindows *windows, Arena *arena, Reason **out,
                   size_t *n, Error *err) MUST_CHECK;

#endif
