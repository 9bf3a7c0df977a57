// models/tokenizers/train_internal.h: what the training files share.
#ifndef ASSAY_MODELS_TOKENIZERS_TRAIN_INTERNAL_H
#define ASSAY_MODELS_TOKENIZERS_TRAIN_INTERNAL_H

#include "models/tokenizers/byte_level.h"
#include "models/tokenizers/tokenizer_internal.h"
#include "models/tokenizers/train.h"

// ---- train_words.c: distinct words and how often they were seen ----

typedef struct WordCount {
    Slice word;
    uint64_t count;
} WordCount;

typedef struct WordCounts {
    WordCount *words;
    size_t n, capacity;
    uint32_t *slots; // index + 1; 0: free
    size_t n_slots;
} WordCounts;

// word is copied where it is new.
Status word_counts_add(WordCounts *counts, Slice word, uint64_t n_times, Arena *arena,
                       Error *err) MUST_CHECK;
// By bytes: the order in which they were met no longer matters.
void word_counts_sort(WordCounts *counts);
// Counts the words of all files.
Status count_words(const TokenizerTrainOptions *options, const char *const *paths, size_t n_paths,
                   Arena *arena, WordCounts *counts, TokenizerTrainReport *report,
                   Error *err) MUST_CHECK;

// ---- train_merges.c: from symbols to merges ----

// A word as symbols [begin, begin + n) of TrainState.symbols.
typedef struct TrainWord {
    size_t begin;
    uint32_t n;
    uint64_t count;
} TrainWord;

typedef struct TrainMerge {
    int32_t left, right, merged;
} TrainMerge;

typedef struct TrainState {
    Arena *arena;
    const TokenizerTrainOptions *options;
    Slice prefix; // "##" or empty: what a joined right token loses
    // Tokens by id.
    Slice *tokens;
    size_t n_tokens;
    WordCounts by_token; // count is the id
    // Words.
    TrainWord *words;
    size_t n_words;
    int32_t *symbols;
    // Result.
    TrainMerge *merges;
    size_t n_merges, merges_capacity;
} TrainState;

// The id of a token, or TOKEN_NONE.
int32_t train_find(const TrainState *state, Slice token);
// Gives token (borrowed) the next id. tokens has room for options->vocab_size.
Status train_put(TrainState *state, Slice token, Error *err) MUST_CHECK;
// Joins pairs until the vocabulary is full or none is frequent enough. Ids below n_special are special tokens.
Status train_merge(TrainState *state, size_t n_special, Error *err) MUST_CHECK;

// ---- train_write.c ----

Status train_write(const TrainState *state, const Slice *special_tokens, size_t n_special_tokens,
                   const char *directory, Error *err) MUST_CHECK;

#endif
