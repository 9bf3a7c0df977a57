// models/architectures/seq2seq.h: what all encoder-decoders share: tables of words, and the output layer.
//
// Mostly one table serves source, targets and output. The targets may have one of their own (DecoderConfig.has_own_table: Marian
// with two vocabularies, and files that say tie_word_embeddings false), the output layer too (ModelConfig.has_own_output).
#ifndef ASSAY_MODELS_ARCHITECTURES_SEQ2SEQ_H
#define ASSAY_MODELS_ARCHITECTURES_SEQ2SEQ_H

#include "models/architecture.h"

typedef struct WordTables {
    ParamId source, targets; // the same where there is one
} WordTables;

// "shared", or "encoder.embed_tokens" and "decoder.embed_tokens", under the tape's prefix. zero_row: see Param.
WordTables seq2seq_tables(Tape *tape, const ModelConfig *config, int32_t zero_row);
// Scores of the vocabulary: y times the targets' table or "lm_head", plus bias (or PARAM_NONE). Names are whole afterwards.
Value seq2seq_output(Tape *tape, const ModelConfig *config, const WordTables *tables, Value y,
                     ParamId bias);

// Any other head on y, whose rows are those that it reads; none of HEAD_EMBEDDING. Names must be whole.
Value seq2seq_head(Tape *tape, const ModelConfig *config, Value y);

#endif
