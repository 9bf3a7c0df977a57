// harness/tasks/texts_encode.h: plain texts as language models learn them.
#ifndef ASSAY_HARNESS_TASKS_TEXTS_ENCODE_H
#define ASSAY_HARNESS_TASKS_TEXTS_ENCODE_H

#include "harness/prepare.h"

// Where the tokenizer has a mask the labels are the tokens themselves, special ones aside: what is asked about is drawn in
// training (models/training/mask.h). Else a causal model learns every token but the first, which begins the text. Long texts lose their
// end. As Family.encode.
Status texts_encode(const UsedPart *part, const Tokenizer *tokenizer, size_t max_length,
                    Arena *arena, Tokens *out, Error *err) MUST_CHECK;

#endif
