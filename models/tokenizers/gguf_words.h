// models/tokenizers/gguf_words.h: how byte-level vocabularies of GGUF files cut words, by the name in tokenizer.ggml.pre.
// Source: llama.cpp, src/llama-vocab.cpp; each expression cuts what the ones before it left whole.
#ifndef ASSAY_MODELS_TOKENIZERS_GGUF_WORDS_H
#define ASSAY_MODELS_TOKENIZERS_GGUF_WORDS_H

#include "base/buffer.h"
#include "base/json.h"
#include "base/slice.h"

enum { GGUF_WORDS_STEPS = 6 };

typedef struct GgufWords {
    const char *names; // separated by blanks
    const char *regexes[GGUF_WORDS_STEPS];
    bool is_starcoder; // digits one by one, then GPT-2's: scanned by hand
    bool ignore_merges, adds_bos;
} GgufWords;

// NULL where the name is not known.
const GgufWords *gguf_words_find(Slice name);
extern const char gguf_words_names[]; // for messages
// Whether a model's name is that of a Phi-3, of which llama.cpp knows more than its files say.
bool gguf_words_is_phi3(Slice name);
// Appends the name as one that is not taken for that of a Phi-3: "phi 3".
void gguf_words_blur_phi3(Slice name, Buffer *out);
// The name for the words of a byte-level tokenizer.json: what tells the tokenizers of models that there are apart stands in one of
// their expressions.
const char *gguf_words_name(const Json *root);

#endif
