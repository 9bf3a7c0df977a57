// models/tokenizers/spm.h: SentencePiece models, as its own library reads and uses them.
//
// Source: github.com/google/sentencepiece, sentencepiece_model.proto. Unlike tokenizer.json these know no added tokens: a
// text goes through the model's normaliser (the character map, blanks, the dummy prefix) and then as a whole through
// the unigram or BPE model. Ids, offsets and decoded text are those of sentencepiece 0.2.
#ifndef ASSAY_MODELS_TOKENIZERS_SPM_H
#define ASSAY_MODELS_TOKENIZERS_SPM_H

#include "models/tokenizers/bpe.h"
#include "models/tokenizers/charsmap.h"
#include "models/tokenizers/unigram.h"

typedef struct Spm {
    Vocab pieces;
    float *scores;  // by id
    uint8_t *types; // by id, PieceType
    bool is_bpe;
    Unigram unigram;
    Bpe bpe;
    int32_t unk;
    // the normaliser
    Charsmap charsmap;
    Slice charsmap_bytes; // as the file has it; empty where there is none
    bool add_dummy_prefix, remove_extra_whitespaces, escape_whitespaces, whitespace_is_suffix;
    // Hugging Face's ways with the prefix: a text that begins with a blank has none; nor has one behind an added token.
    bool prefix_yields, prefix_is_first;
    Trie symbols; // the user's own: not normalised, found first
    // decoding
    Slice unk_surface;
    bool byte_fallback;
} Spm;

// A .model or .spm file's bytes; what is kept is copied into the arena. name is for messages.
Status spm_parse(Slice name, Slice bytes, Arena *arena, Spm **out, Error *err) MUST_CHECK;
// Once pieces, scores, types and the flags are set, by whatever file: checks them and builds the model.
Status spm_finish(Spm *model, Arena *arena, Error *err) MUST_CHECK;
// text as the model wants it. Broken bytes become U+FFFD.
// is_first: the text begins here, rather than behind an added token.
Status spm_normalize(const Spm *model, Slice text, bool is_first, bool want_origin, Arena *arena,
                     NormalizedText *out, Error *err) MUST_CHECK;
// Tokens of text, which stands at base of the original.
Status spm_encode(const Spm *model, Slice text, size_t base, int32_t word_id,
                  NormalizedText *scratch, TokenSink *sink, Error *err) MUST_CHECK;
// Appends the text of pieces, which need not be the model's. Control symbols vanish.
Status spm_decode(const Spm *model, const Slice *pieces, size_t n, Buffer *out,
                  Error *err) MUST_CHECK;

#endif
