// metrics/error_rate.h: the texts behind word and character error rates, and their alignment.
#ifndef ASSAY_METRICS_ERROR_RATE_H
#define ASSAY_METRICS_ERROR_RATE_H

#include "metrics/edit_distance.h"

// A text stripped of white space and split as jiwer does: at spaces, and at runs of two or more blanks of any kind; or
// into code points. Refuses text that is not UTF-8, naming the byte. Memory comes from the arena.
Status error_rate_words(Slice text, Arena *arena, Tokens *out, Error *err) MUST_CHECK;
Status error_rate_characters(Slice text, Arena *arena, Tokens *out, Error *err) MUST_CHECK;

#endif
