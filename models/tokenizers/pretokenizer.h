// models/tokenizers/pretokenizer.h: the pre-tokenizers of tokenizer.json: normalised text into words.
#ifndef ASSAY_MODELS_TOKENIZERS_PRETOKENIZER_H
#define ASSAY_MODELS_TOKENIZERS_PRETOKENIZER_H

#include "models/tokenizers/normalized.h"
#include "models/tokenizers/pattern.h"

typedef enum PreTokenizerKind {
    PRETOKENIZER_BERT,
    PRETOKENIZER_BYTE_LEVEL,
    PRETOKENIZER_WHITESPACE,
    PRETOKENIZER_WHITESPACE_SPLIT,
    PRETOKENIZER_SPLIT,
    PRETOKENIZER_PUNCTUATION,
    PRETOKENIZER_DIGITS,
    PRETOKENIZER_METASPACE,
    PRETOKENIZER_CHAR_DELIMITER,
    PRETOKENIZER_SCRIPTS,
    PRETOKENIZER_FIXED_LENGTH,
    PRETOKENIZER_STARCODER, // of GGUF files: digits one by one, then GPT-2's pattern
} PreTokenizerKind;

// What becomes of a match: a word of its own, dropped, joined to its neighbours.
typedef enum SplitBehavior {
    SPLIT_ISOLATED,
    SPLIT_REMOVED,
    SPLIT_MERGED_WITH_PREVIOUS,
    SPLIT_MERGED_WITH_NEXT,
    SPLIT_CONTIGUOUS,
} SplitBehavior;

typedef enum PrependScheme { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER } PrependScheme;

typedef struct PreTokenizerStep {
    PreTokenizerKind kind;
    SplitBehavior behavior; // SPLIT, PUNCTUATION
    const Pattern *pattern; // SPLIT
    bool invert;            // SPLIT: what the pattern leaves are the matches
    bool add_prefix_space;  // BYTE_LEVEL
    bool use_regex;         // BYTE_LEVEL
    bool keeps_bytes;       // BYTE_LEVEL: the model takes bytes as they are, no spelling is needed
    bool individual_digits; // DIGITS
    bool splits;            // METASPACE
    PrependScheme scheme;   // METASPACE
    Slice replacement;      // METASPACE: one character
    CodePoint delimiter;    // CHAR_DELIMITER
    size_t length;          // FIXED_LENGTH, in characters
} PreTokenizerStep;

typedef struct PreTokenizer {
    PreTokenizerStep *steps;
    size_t n_steps;
    bool needs_origin; // some step asks where in the original a word begins
} PreTokenizer;

// Bytes [begin, end) of a normalised text.
typedef struct Word {
    uint32_t begin, end;
} Word;

typedef struct WordList {
    Word *words;
    size_t n, capacity;
} WordList;

// Words and texts that steps write to in turn; zeroed before first use, its memory is the arena's.
typedef struct PreTokenizeScratch {
    WordList lists[2];
    NormalizedText texts[2];
} PreTokenizeScratch;

// The words of a part of text. *out_text is text itself, or one of scratch's where a step wrote anew; *out the words
// in it. base: where text's segment stands in the original.
Status pretokenize(const PreTokenizer *pretokenizer, const NormalizedText *text, Word part,
                   size_t base, bool want_origin, Arena *arena, PreTokenizeScratch *scratch,
                   const NormalizedText **out_text, const WordList **out, Error *err) MUST_CHECK;

Status word_list_grow(WordList *list, Arena *arena, Error *err) MUST_CHECK;

// Empty words are not kept.
static inline Status word_list_add(WordList *list, size_t begin, size_t end, Arena *arena,
                                   Error *err)
{
    if (begin >= end) return STATUS_OK;
    if (list->n == list->capacity) TRY(word_list_grow(list, arena, err));
    list->words[list->n++] = (Word){(uint32_t)begin, (uint32_t)end};
    return STATUS_OK;
}

// ---- pretokenize_split.c ----

// What a step without rewriting makes of one word: [word.begin, word.end) of text into out.
Status split_word(const PreTokenizerStep *step, PatternSearch *search, Slice text, Word word,
                  WordList *out, Arena *arena, Error *err) MUST_CHECK;

// ---- pretokenize_bert.c ----

// The general category that BERT's rules go by: as of Unicode 8.0, "Cn" for what came later. Hugging Face's
// BertNormalizer and BertPreTokenizer are pinned to that version, and so are the ids of every model that was trained
// with them.
const char *bert_category(CodePoint c);
bool bert_is_punctuation(CodePoint c);
// The next word at or after *at in normalised text: false at the end. White space separates, punctuation stands alone.
bool bert_next_word(Slice text, size_t *at, Slice *word);

#endif
