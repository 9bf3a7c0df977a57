// models/generation/stops.h: texts at which generation ends.
#ifndef ASSAY_MODELS_STOPS_H
#define ASSAY_MODELS_STOPS_H

#include "models/tokenizers/tokenizer.h"

typedef struct StopTexts {
    const Tokenizer *tokenizer; // of what is written; NULL where there are no texts
    const Slice *texts;         // [n] none empty
    size_t n;
} StopTexts;

// Texts to stop at want a tokenizer, and none may be empty.
Status stops_check(const StopTexts *stops, Error *err) MUST_CHECK;
// The first byte of the text of ids where one of the texts begins; SIZE_MAX where there is none. The whole is decoded anew: a
// token's text may depend on those before it, and a stop may have begun in any of them. A stop may begin with the blank that
// stands before the first word, though decoding leaves it out, and may be the name of a special token.
Status stops_find(const StopTexts *stops, const int32_t *ids, size_t n, size_t *at,
                  Error *err) MUST_CHECK;

#endif
