// models/tokenizers/newer.h: characters that Unicode got after the tables of an older ICU or PCRE2 were made. Hugging Face
// tokenizers brings tables of its own (Unicode 16, some 17), so that these are letters to it whatever the system is.
#ifndef ASSAY_MODELS_TOKENIZERS_NEWER_H
#define ASSAY_MODELS_TOKENIZERS_NEWER_H

#include "base/buffer.h"
#include "base/unicode.h"

// unicode_category, and of characters that ICU does not know yet the category of Unicode 16.
const char *newer_category(CodePoint c);
// Whether it is a number, of Unicode 17 as in Rust, which looks for digits.
bool newer_is_numeric(CodePoint c);
// unicode_lower_point, and the lower case of capitals that ICU does not know yet.
size_t newer_lower_point(CodePoint c, CodePoint out[3]);
// Whether text has one of them.
bool newer_is_in(Slice text);
// Appends an expression of PCRE2's whose properties ("\p{L}") have them too. It is slower, and for texts that have one.
void newer_pattern(Slice text, Buffer *out);

#endif
