// models/generation/generation_config.h: what a model's files say about generation, for requests that leave it out.
//
// generation_config.json of the model's directory (or a GGUF file's copy), or where there is none config.json, as Transformers
// 5 reads them: beams, penalties, lengths, end tokens, tokens that must or may not come, texts to stop at, and with do_sample
// how tokens are drawn. What neither says is Transformers' default, but for the length, which is the caller's where decoders are
// not told one and SEARCH_USUAL_TOKENS for encoder-decoders.
#ifndef ASSAY_MODELS_GENERATION_CONFIG_H
#define ASSAY_MODELS_GENERATION_CONFIG_H

#include "models/generation/beam.h"
#include "models/model.h"

enum { SEARCH_USUAL_TOKENS = 512, USUAL_TOP_K = 50 };

typedef struct GenerationConfig {
    // Complete for an encoder-decoder. For a decoder max_new_tokens is 0 where the files do not say, and end tokens are those of
    // ModelConfig. sample draws where is_drawn.
    BeamOptions options;
    // Of a decoder, prompt included, where max_new_tokens or min_new_tokens are not said; 0 = not said either.
    size_t max_length, min_length;
    bool is_drawn; // do_sample
    // How to draw, wanted or not: temperature 1 and no top_p or min_p where the files do not say. has_top_k: they do.
    SampleOptions draw;
    bool has_top_k;
    Slice
        unheeded; // names of fields that change what Transformers writes and are not known here, quoted; empty where none
} GenerationConfig;

Status generation_config_read(const Model *model, Arena *arena, GenerationConfig *out,
                              Error *err) MUST_CHECK;
// bad_words_ids: a list of lists of token ids. `out` has its end tokens.
Status generation_config_bad_words(const ModelConfig *config, Arena *arena, const Json *words,
                                   BeamOptions *out, Error *err) MUST_CHECK;
// Names of fields of root that change what Transformers writes and are not known here, quoted; empty where none. is_request:
// root is no file but a request, where num_return_sequences is known and three others go by another name or not at all.
Status generation_config_unheeded(const Json *root, bool is_request, Arena *arena, Slice *out,
                                  Error *err) MUST_CHECK;
// Whether a request's member of this name would be one of those.
bool generation_config_asks(Slice key);
// The options alone.
Status search_defaults(const Model *model, Arena *arena, BeamOptions *out, Error *err) MUST_CHECK;
// Tokens that a decoder's prompt of n_prompt may get: what the files say, else `usual`. STATUS_INVALID where max_length has no room.
Status generation_config_new_tokens(const GenerationConfig *config, size_t n_prompt, size_t usual,
                                    size_t *out, Error *err) MUST_CHECK;

#endif
