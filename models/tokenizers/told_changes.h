// models/tokenizers/told_changes.h: whether a tokenizer.json and what a class made of it are the same.
#ifndef ASSAY_MODELS_TOKENIZERS_TOLD_CHANGES_H
#define ASSAY_MODELS_TOKENIZERS_TOLD_CHANGES_H

#include "models/tokenizers/tokenizer_json.h"

// The sections of a file as they were read; lists are borrowed.
typedef struct TokenizerParts {
    Normalizer normalizer;
    PreTokenizer pretokenizer;
    Decoder decoder;
    ModelKind model;
    WordPiece wordpiece;
    Bpe bpe;
    Unigram unigram;
    Slice unk_token;
    int64_t unk_id;
    bool has_all_bytes; // nothing is unknown to the model
    AddedToken *added;
    size_t n_added;
    Slice post; // the post-processor in words; of the file's scratch
} TokenizerParts;

Status tokenizer_parts_of(TokenizerFile *file, TokenizerParts *out, Error *err) MUST_CHECK;
// The names of the sections that differ and the class ("normalizer, decoder of BertTokenizer"), in the arena; *out is NULL where none does.
Status tokenizer_parts_compare(const TokenizerParts *a, const TokenizerParts *b, const char *class,
                               Arena *scratch, Arena *arena, const char **out,
                               Error *err) MUST_CHECK;

#endif
