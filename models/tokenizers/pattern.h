// models/tokenizers/pattern.h: what Split and Replace look for: a literal text, or a regular expression.
//
// tokenizer.json's expressions are Oniguruma's (Ruby syntax). The patterns of GPT-2, Llama 3 and Qwen 2 are known by
// their text and scanned by hand; any other is put into PCRE2's words (pattern_translate.c), compiled for UTF-8 and
// Unicode properties, and matched with limits, so that an expression of exponential cost gives an error.
#ifndef ASSAY_MODELS_TOKENIZERS_PATTERN_H
#define ASSAY_MODELS_TOKENIZERS_PATTERN_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

typedef enum PatternKind {
    PATTERN_LITERAL,
    PATTERN_GPT2,
    PATTERN_LLAMA3, // and Qwen 2: at most max_digits digits in a piece
    PATTERN_REGEX,
} PatternKind;

typedef struct Pattern {
    PatternKind kind;
    Slice text; // the literal, or the expression as the file has it
    size_t max_digits;
    bool is_ascii; // of PATTERN_LLAMA3: the case of 's and its kin is folded within ASCII
    void *code;    // PCRE2's
    void *
        newer; // the same for texts with characters that PCRE2 does not know (newer.h); NULL: no matter
} Pattern;

// A literal. text is borrowed.
Pattern pattern_literal(Slice text);
// An expression, borrowed. STATUS_INVALID with PCRE2's words and the offset where it is none that we understand.
Status pattern_compile(Slice regex, Pattern *out, Error *err) MUST_CHECK;
void pattern_release(Pattern *pattern); // a no-op on a zeroed one

// A search through one text.
typedef struct PatternSearch {
    const Pattern *pattern;
    Slice text;
    size_t at;
    size_t last_end; // of the last match
    bool has_last;
    const void *code;             // of the pattern, for the text
    void *data, *context, *stack; // PCRE2's
} PatternSearch;

Status pattern_search_init(PatternSearch *search, const Pattern *pattern, Error *err) MUST_CHECK;
// Begins anew in another text, valid UTF-8.
void pattern_search_text(PatternSearch *search, Slice text);
// The next match, which may be empty where an expression allows it, or *found false. STATUS_INVALID where the expression meets its limits.
Status pattern_next(PatternSearch *search, size_t *begin, size_t *end, bool *found,
                    Error *err) MUST_CHECK;
void pattern_search_release(PatternSearch *search);

// ---- pattern_scan.c ----

// The next piece of text at *at by the GPT-2 pattern
//     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// false at the end. Broken UTF-8 counts as "neither letter nor number nor space".
bool gpt2_next_piece(Slice text, size_t *at, Slice *piece);
// The same by the Llama 3 pattern, Qwen 2's with pattern->max_digits 1:
//     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
bool llama3_next_piece(Slice text, const Pattern *pattern, size_t *at, Slice *piece);
// The digits one by one and then, between them, the GPT-2 pattern: StarCoder's and others' in GGUF files.
bool starcoder_next_piece(Slice text, size_t *at, Slice *piece);

// ---- pattern_translate.c ----

// Appends Oniguruma's expression in PCRE2's syntax.
Status pattern_translate(Slice regex, Buffer *out, Error *err) MUST_CHECK;

#endif
