// SmolLM3: Llama with layers that turn nothing, every fourth as a rule, which may have a window. Source: Bakouch et al. 2025,
// "SmolLM3: smol, multilingual, long-context reasoner".
#include "models/architectures/decoder_config.h"
#include "models/architectures/llama.h"

static const DecoderDefaults defaults = {.theta = 2000000,
                                         .norm_epsilon = 1e-6,
                                         .is_tied = true,
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};

// no_rope_layers has 1 for a layer that turns; without it every no_rope_layer_interval-th does not.
static Status read_unrotated(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const Json *list = NULL;
    int64_t interval = 4;
    bool *unrotated = NULL;
    TRY(config_read_layer_list(root, "no_rope_layers", c->n_layers, &list, err));
    TRY(json_opt_i64(root, "no_rope_layer_interval", 1, 1 << 24, &interval, err));
    TRY(arena_take(arena, c->n_layers, sizeof *unrotated, "layers", &unrotated, err));
    for (size_t i = 0; i < c->n_layers; i++) {
        int64_t turns = (i + 1) % (size_t)interval != 0;
        if (list) TRY(json_as_i64(json_at(list, i), 0, 1, &turns, err));
        unrotated[i] = turns == 0;
    }
    c->rotary.skips = unrotated;
    return STATUS_OK;
}

static Status read_window(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool uses_window = false;
    TRY(json_opt_bool(root, "use_sliding_window", &uses_window, err));
    if (!uses_window) return STATUS_OK;
    TRY(decoder_read_window(root, c, err));
    c->attention.is_local = c->rotary.skips;
    if (c->attention.window == 0 || !config_has(root, "layer_types")) return STATUS_OK;
    return decoder_read_layer_types(arena, root, 0, c, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    TRY(read_unrotated(arena, root, c, err));
    return read_window(arena, root, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "use_sliding_window", c->attention.window > 0);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
    json_member_array(w, "no_rope_layers");
    for (size_t i = 0; i < c->n_layers; i++)
        json_put_u64(w, c->rotary.skips && c->rotary.skips[i] ? 0 : 1);
    json_end_array(w);
    decoder_write_pad(c, w); // what is missing would be 128004
}

const Architecture architecture_smollm3 = {
    .model_type = "smollm3",
    .summary = "SmolLM3: Llama with layers that turn nothing",
    .classes = {DECODER_CLASSES("SmolLM3"),
                {"SmolLM3ForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = llama_record,
};
