// models/gguf/gguf_export.h: the metadata of a GGUF file from a model's config.json and tokenizer.json.
//
// What llama.cpp reads of the families that it knows (models/gguf/gguf_model.h), and both documents as they are, for our own
// reading.
#ifndef ASSAY_MODELS_GGUF_EXPORT_H
#define ASSAY_MODELS_GGUF_EXPORT_H

#include "base/json.h"
#include "models/gguf/gguf_model.h"

typedef struct GgufRopeFactors {
    float *values, *long_values; // in the arena; NULL where there are none
    size_t n;
} GgufRopeFactors;

// general.*, sizes, norms and rotations of the config. file_type is llama.cpp's number of the main format. Factors of a
// rotation's frequencies, which are tensors in GGUF, come back in *factors. vocab_size is that of the embedding.
Status gguf_put_config(GgufBuilder *b, const Json *config, Slice name, uint32_t file_type,
                       size_t vocab_size, Arena *arena, GgufRopeFactors *factors,
                       Error *err) MUST_CHECK;

// How an encoder's embeddings are made of its tokens, as llama.cpp numbers it, and whether they are brought to length 1.
#define GGUF_KEY_NORMALIZED "assay.normalized"
enum { GGUF_POOL_MEAN = 1, GGUF_POOL_FIRST = 2, GGUF_POOL_LAST = 3 };

// tokenizer.ggml.* of a byte-level BPE, a SentencePiece BPE, a unigram or a WordPiece tokenizer; nothing for others. The list is filled
// up to vocab_size with tokens that no text gives. config: for the ids of special tokens.
Status gguf_put_tokenizer(GgufBuilder *b, const Json *tokenizer, const Json *config,
                          size_t vocab_size, Error *err) MUST_CHECK;

#endif
