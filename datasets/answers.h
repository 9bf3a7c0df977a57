// datasets/answers.h: where an answer stands in its context, by what its offset may count. Internal to datasets/.
#ifndef ASSAY_DATASETS_ANSWERS_H
#define ASSAY_DATASETS_ANSWERS_H

#include "base/slice.h"

// Python counts code points; C, Go and Rust bytes of UTF-8; Java and JavaScript units of UTF-16.
typedef enum AnswerUnit { ANSWER_POINTS, ANSWER_BYTES, ANSWER_UTF16, N_ANSWER_UNITS } AnswerUnit;

const char *answer_unit_name(AnswerUnit unit); // "code points"

// The byte before which so many units stand, or SIZE_MAX: past the end, or within a character.
size_t answer_place(Slice context, AnswerUnit unit, size_t start);
bool answer_stands(Slice context, size_t at, Slice answer);
// Of the places where the answer stands the one nearest to a byte (the earlier of two), or SIZE_MAX: it stands nowhere.
size_t answer_nearest(Slice context, size_t at, Slice answer);

#endif
