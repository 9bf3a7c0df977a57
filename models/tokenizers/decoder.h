// models/tokenizers/decoder.h: the decoders of tokenizer.json: a list of tokens through steps, and then joined.
#ifndef ASSAY_MODELS_TOKENIZERS_DECODER_H
#define ASSAY_MODELS_TOKENIZERS_DECODER_H

#include "models/tokenizers/pattern.h"
#include "models/tokenizers/tokenizer.h"

typedef enum DecoderKind {
    DECODER_WORDPIECE,
    DECODER_BYTE_LEVEL,
    DECODER_METASPACE,
    DECODER_BPE,
    DECODER_FUSE,
    DECODER_STRIP,
    DECODER_REPLACE,
    DECODER_BYTE_FALLBACK,
} DecoderKind;

typedef struct DecoderStep {
    DecoderKind kind;
    Slice text;   // WORDPIECE's prefix, METASPACE's replacement, BPE's suffix, STRIP's character
    bool cleanup; // WORDPIECE
    bool drops_first;       // METASPACE: the first token's replacements go
    size_t start, stop;     // STRIP
    const Pattern *pattern; // REPLACE
    Slice content;          // REPLACE
} DecoderStep;

typedef struct Decoder {
    DecoderStep *steps;
    size_t n_steps;
    bool spaces; // tokens are joined with blanks: there is no decoder
} Decoder;

// Appends the text of n tokens. tokens is changed.
Status decoder_apply(const Decoder *decoder, Slice *tokens, size_t n, Arena *arena, Buffer *out,
                     Error *err) MUST_CHECK;

#endif
