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
    DECODER_CTC,
} DecoderKind;

typedef struct DecoderStep {
    DecoderKind kind;
    Slice
        text; // WORDPIECE's prefix, METASPACE's replacement, BPE's suffix, STRIP's character, CTC's padding
    bool cleanup;           // WORDPIECE, CTC
    bool drops_first;       // METASPACE: the first token's replacements go
    size_t start, stop;     // STRIP
    const Pattern *pattern; // REPLACE
    Slice content;          // REPLACE; CTC's mark between words
} DecoderStep;

typedef struct Decoder {
    DecoderStep *steps;
    size_t n_steps;
    bool spaces; // tokens are joined with blanks: there is no decoder
} Decoder;

// Appends the text of n tokens. tokens is changed.
Status decoder_apply(const Decoder *decoder, Slice *tokens, size_t n, Arena *arena, Buffer *out,
                     Error *err) MUST_CHECK;

// What clean_up_tokenization_spaces of a tokenizer_config.json asks for, of the text from byte `from` on: no blanks before
// punctuation and contractions.
void decoder_clean_up(Buffer *text, size_t from);

#endif
