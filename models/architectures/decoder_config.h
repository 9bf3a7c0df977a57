// models/architectures/decoder_config.h: members of config.json that decoders share.
#ifndef ASSAY_MODELS_ARCHITECTURES_DECODER_CONFIG_H
#define ASSAY_MODELS_ARCHITECTURES_DECODER_CONFIG_H

#include "base/arena.h"
#include "models/config_read.h"

// Four of Architecture.classes: what most decoders have in Transformers, where `name` begins the class.
// clang-format off
#define DECODER_CLASSES(name)                         \
    {name "ForCausalLM", HEAD_CAUSAL_LM},             \
    {name "Model", HEAD_EMBEDDING},                   \
    {name "ForSequenceClassification", HEAD_SEQUENCE}, \
    {name "ForTokenClassification", HEAD_TOKEN}
// clang-format on

// What an architecture takes where config.json is silent.
typedef struct DecoderDefaults {
    double theta;
    double norm_epsilon;
    size_t head_dim;   // 0 = hidden_size / n_heads
    size_t n_kv_heads; // 0 = n_heads
    bool is_tied;
    double rotary_part;   // of each head that turns; 0 = all of it, and no file says otherwise
    const char *norm_key; // NULL = "rms_norm_eps"
    // Other names of rope_theta, partial_rotary_factor and num_hidden_layers, or NULL.
    const char *theta_key, *rotary_part_key, *layers_key;
    const char *inner_key;      // of intermediate_size, where the file has that; or NULL
    const char *activation_key; // "hidden_act", "hidden_activation"
    const char *activation;     // as config.json spells it
} DecoderDefaults;

// Sizes, heads, norm, activation, tying, dropouts, rotation: all that has the same key everywhere.
Status decoder_read(Arena *arena, const Json *root, const DecoderDefaults *defaults,
                    ModelConfig *config, Error *err) MUST_CHECK;
// Dropout before a tagger, as Transformers looks for it; refuses a tagger without bias.
Status decoder_read_tagger(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
// attention_bias, of all four layers of attention; `missing` where the file does not say.
Status decoder_read_attention_bias(const Json *root, bool missing, ModelConfig *config,
                                   Error *err) MUST_CHECK;
// A window that may be null or missing (then 0); and one of `missing` tokens where the file does not say.
Status decoder_read_window(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
Status decoder_read_window_or(const Json *root, size_t missing, ModelConfig *config,
                              Error *err) MUST_CHECK;
// layer_types into config->attention.is_local, or `pattern` where the file has none: every pattern-th layer is global; 0: all local.
Status decoder_read_layer_types(Arena *arena, const Json *root, size_t pattern, ModelConfig *config,
                                Error *err) MUST_CHECK;
// layer_types into is_conv [n_layers], where the file has them; it stays as it is where not. conv: what layers with a convolution are
// called there.
Status decoder_read_conv_layers(const Json *root, const char *conv, size_t n_layers, bool *is_conv,
                                Error *err) MUST_CHECK;
// config->conv.n_taps, at most CAUSAL_CONV_MAX.
Status decoder_read_taps(const Json *root, const char *key, size_t missing, ModelConfig *config,
                         Error *err) MUST_CHECK;
// clip_qkv, which may be null or missing: none.
Status decoder_read_cap(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
// What says how positions are told: rope_scaling or rope_parameters; NULL where neither is there, or they are null.
const Json *decoder_rope_parameters(const Json *root);
// The rotation in `parameters` (rope_parameters, rope_scaling; may be NULL) over a base of `theta`.
Status decoder_read_rope(Arena *arena, const Json *root, const Json *parameters, double theta,
                         const ModelConfig *config, RopeConfig *out, Error *err) MUST_CHECK;
// The rotations of Gemma 3 and OLMo 3 behind decoder_read: rotary.rope of the layers that see all, rotary.rope_local of those with a
// window, over bases of theta and local_theta. Older files have one scaling, of the former, and the base of the latter as
// local_key.
Status decoder_read_two_ropes(Arena *arena, const Json *root, double theta, double local_theta,
                              const char *local_key, ModelConfig *c, Error *err) MUST_CHECK;
// The members that decoder_read reads.
void decoder_write(const ModelConfig *config, const DecoderDefaults *defaults, JsonWriter *w);
void decoder_write_cap(const ModelConfig *config, JsonWriter *w);
// pad_token_id: null, where the model has none and a silent file would mean one.
void decoder_write_pad(const ModelConfig *config, JsonWriter *w);
// layer_types, by config->conv.layers.
void decoder_write_conv_layers(const ModelConfig *config, const char *conv, JsonWriter *w);
// The rotation alone; and the value of its member. tells_part: a silent file would mean another part of each head.
void decoder_write_rope(const ModelConfig *config, JsonWriter *w);
void decoder_put_rope(const ModelConfig *config, const RopeConfig *rope, bool tells_part,
                      JsonWriter *w);

#endif
