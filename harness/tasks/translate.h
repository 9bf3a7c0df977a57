// harness/tasks/translate.h: what translating shares with who else has texts translated. Internal to harness/.
#ifndef ASSAY_HARNESS_TASKS_TRANSLATE_H
#define ASSAY_HARNESS_TASKS_TRANSLATE_H

#include "models/generation/search.h"

// Twice the source and a little: what a text is translated to is hardly longer, and a model that goes round in circles is
// stopped.
size_t translate_most_tokens(const BeamOptions *usual, size_t n_source);
// The text of a result without blanks around it, in the arena; text is scratch.
Status translate_decode(const Tokenizer *tokenizer, const SearchResult *result, Buffer *text,
                        Arena *arena, Slice *out, Error *err) MUST_CHECK;

#endif
