// models/architectures/gpt_config.h: members of config.json that GPT-2 and the models built like it share, whatever they call
// them.
#ifndef ASSAY_MODELS_ARCHITECTURES_GPT_CONFIG_H
#define ASSAY_MODELS_ARCHITECTURES_GPT_CONFIG_H

#include "models/config_read.h"

// How an architecture spells them, and what it takes where config.json is silent.
typedef struct GptMembers {
    const char *hidden_size, *n_layers, *n_heads, *max_positions;
    const char *max_positions_before; // an older name, or NULL
    const char *intermediate_size;    // 4 hidden_size where it is missing or null
    const char *attention_dropout, *hidden_dropout, *embedding_dropout;
    double dropout;
    bool is_tied;
    const char *gelu; // how GELU by tanh, which a silent file means, is written
} GptMembers;

// "n_embd", "n_layer", .. as GPT-2, GPT-BigCode and GPT-J have them.
#define GPT_MEMBERS                                                      \
    .hidden_size = "n_embd", .n_layers = "n_layer", .n_heads = "n_head", \
    .max_positions = "n_positions", .max_positions_before = "n_ctx",     \
    .intermediate_size = "n_inner", .attention_dropout = "attn_pdrop",   \
    .hidden_dropout = "resid_pdrop", .embedding_dropout = "embd_pdrop"

// Sizes, heads with keys of their own, activation, norm, dropouts and tying. Refuses cross-attention.
Status gpt_read(const Json *root, const GptMembers *members, ModelConfig *config,
                Error *err) MUST_CHECK;
// scale_attn_weights: scores are divided by the root of a head's width, or left as they are.
Status gpt_read_scaling(const Json *root, ModelConfig *config, Error *err) MUST_CHECK;
// The members that gpt_read reads.
void gpt_write(const ModelConfig *config, const GptMembers *members, JsonWriter *w);

#endif
