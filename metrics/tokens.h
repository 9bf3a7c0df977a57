// metrics/tokens.h: the word tokenisers of the translation metrics.
//
// Equal to sacreBLEU 2.6.0's of the same names, token for token, with trailing white space stripped first and tokens
// split at Python's white space. Categories of characters are ICU's.
#ifndef ASSAY_METRICS_TOKENS_H
#define ASSAY_METRICS_TOKENS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef enum TokenizerKind {
    TOKENIZER_13A,  // mteval-v13a: ASCII punctuation, entities, digits keep their dots and commas
    TOKENIZER_INTL, // mteval-v14: punctuation and symbols of any script
    TOKENIZER_ZH,   // Chinese characters one by one, the rest as 13a
    TOKENIZER_CHAR, // code points
    TOKENIZER_NONE, // white space alone
} TokenizerKind;

enum { N_TOKENIZERS = TOKENIZER_NONE + 1 };
extern const char *const tokenizer_names[N_TOKENIZERS]; // "13a", "intl", "zh", "char", "none"

typedef struct Tokens {
    Slice *items; // [n], views into the text or a copy in the arena
    size_t n;
} Tokens;

// Refuses text that is not UTF-8, naming the byte. All memory comes from the arena.
Status tokenize_text(TokenizerKind kind, Slice text, bool is_lowercased, Arena *arena, Tokens *out,
                     Error *err) MUST_CHECK;

#endif
