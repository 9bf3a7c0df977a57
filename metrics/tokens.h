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
    TOKENIZER_JA_MECAB, // Japanese words, by MeCab and the IPA dictionary
    TOKENIZER_KO_MECAB, // Korean morphemes, by mecab-ko and its dictionary
    // Pieces of a SentencePiece model that the caller brings as a WordSplitter: any, or that of FLORES-101, ..
    TOKENIZER_SPM,
    TOKENIZER_FLORES101,
    TOKENIZER_FLORES200,
    TOKENIZER_SPBLEU_1K,
} TokenizerKind;

enum { N_TOKENIZERS = TOKENIZER_SPBLEU_1K + 1 };
// "13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab", "spm", "flores101", "flores200", "spBLEU-1K"
extern const char *const tokenizer_names[N_TOKENIZERS];

typedef struct Tokens {
    Slice *items; // [n], views into the text or a copy in the arena
    size_t n;
    const char *text_end; // of the one text that all items lie in; NULL where they do not
} Tokens;

// Splits texts in a way that metrics/ does not know.
typedef struct WordSplitter {
    const char *name; // for signatures: says which model
    // The text's pieces with blanks between them, in the arena.
    Status (*split)(const void *context, Slice text, Arena *arena, Slice *out, Error *err);
    const void *context;
} WordSplitter;

static inline bool needs_splitter(TokenizerKind kind)
{
    return kind >= TOKENIZER_SPM;
}

// Whether the tokeniser can work: MeCab's library and dictionary are opened here, and an error names their packages.
Status word_tokenizer_open(TokenizerKind kind, Error *err) MUST_CHECK;
// The name as signatures have it: with MeCab's version and dictionary ("ja-mecab-0.996-IPA"). In the arena.
Status word_tokenizer_signature(TokenizerKind kind, Arena *arena, const char **out,
                                Error *err) MUST_CHECK;

// Refuses text that is not UTF-8, naming the byte. All memory comes from the arena.
Status tokenize_text(TokenizerKind kind, Slice text, bool is_lowercased, Arena *arena, Tokens *out,
                     Error *err) MUST_CHECK;
// The same by a splitter, split at white space once more.
Status tokenize_by(const WordSplitter *splitter, Slice text, bool is_lowercased, Arena *arena,
                   Tokens *out, Error *err) MUST_CHECK;

#endif
