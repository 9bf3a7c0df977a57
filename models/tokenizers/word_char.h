// models/tokenizers/word_char.h: \w of the Rust regex crate, which added tokens and the pre-tokenizer Whitespace go by.
#ifndef ASSAY_MODELS_TOKENIZERS_WORD_CHAR_H
#define ASSAY_MODELS_TOKENIZERS_WORD_CHAR_H

#include "base/unicode.h"

// Letters, marks, decimal digits, letter-like numbers and signs, connectors, joiners.
bool is_word_char(CodePoint c);

#endif
