// models/tokenizers/gguf_tell.h: a tokenizer as tokenizer.ggml.* of a GGUF file.
#ifndef ASSAY_MODELS_TOKENIZERS_GGUF_TELL_H
#define ASSAY_MODELS_TOKENIZERS_GGUF_TELL_H

#include "models/formats/gguf.h"
#include "models/tokenizers/tokenizer.h"

// Of files of our own: Spm's prefix_yields and prefix_is_first.
#define GGUF_KEY_PREFIX_YIELDS   "assay.prefix_yields"
#define GGUF_KEY_PREFIX_IS_FIRST "assay.prefix_is_first"

// A SentencePiece model with what its directory adds: "llama" for BPE, "t5" for unigram. The list is filled up to vocab_size with
// tokens that no text gives. Nothing is put, and *is_told is false, for tokenizers of other kinds and for models that put blanks
// behind words, which GGUF cannot say.
Status tokenizer_put_gguf(const Tokenizer *tokenizer, size_t vocab_size, GgufBuilder *b,
                          bool *is_told, Error *err) MUST_CHECK;

#endif
