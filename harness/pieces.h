// harness/pieces.h: BLEU's words as the pieces of a SentencePiece model (spBLEU).
#ifndef ASSAY_HARNESS_PIECES_H
#define ASSAY_HARNESS_PIECES_H

#include "base/json.h"
#include "metrics/tokens.h"
#include "models/tokenizers/tokenizer.h"

typedef struct Pieces {
    Tokenizer *tokenizer; // NULL where none is wanted
    WordSplitter splitter;
    char sha256[65]; // of the model's file
} Pieces;

// What "tokenize" and "spm_model" of BLEU's params ask for; params may be NULL. file is
// where "spm_model" lies, NULL for as it is written. A tokeniser of pieces without a model, and a
// model without one, are refused. The splitter's name says which file: "spm-NAME-" and eight digits of its SHA-256.
Status pieces_open(const Json *params, const char *file, Arena *arena, Pieces *out,
                   Error *err) MUST_CHECK;
// The pieces of one model.
Status pieces_open_file(const char *path, Arena *arena, Pieces *out, Error *err) MUST_CHECK;
// NULL where no pieces are wanted.
const WordSplitter *pieces_splitter(const Pieces *pieces);
void pieces_close(Pieces *pieces);

#endif
