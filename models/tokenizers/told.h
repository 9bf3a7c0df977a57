// models/tokenizers/told.h: tokenizers of before tokenizer.json, told as one.
//
// vocab.json with merges.txt (GPT-2, RoBERTa, BART, Qwen, GPT-NeoX and others with bytes); sentencepiece.bpe.model with the ids that fairseq gives
// to its pieces (XLM-R, CamemBERT, mBART, mBART-50, NLLB); spiece.model of T5, PEGASUS, ALBERT and BigBird, and spm.model of
// DeBERTa v2 and v3. What those files leave open follows from tokenizer_class of tokenizer_config.json, or
// from model_type of config.json, as in Transformers 5, which makes the same of them.
#ifndef ASSAY_MODELS_TOKENIZERS_TOLD_H
#define ASSAY_MODELS_TOKENIZERS_TOLD_H

#include "base/buffer.h"
#include "base/error.h"

// Appends a tokenizer.json that says what the directory's files do. Nothing is appended where they are of another kind.
// spm: path of its SentencePiece model, or NULL.
Status tokenizer_tell(const char *directory, const char *spm, Buffer *out, Error *err) MUST_CHECK;
// The same of a vocab.txt; nothing is appended where there is none. (The tokenizer itself is opened without the detour.)
Status tokenizer_tell_words(const char *directory, Buffer *out, Error *err) MUST_CHECK;

#endif
