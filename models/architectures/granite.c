// Granite, with experts or without: Llama whose embeddings, scores, residuals and logits are multiplied by numbers of config.json. Source: Granite Team 2024,
// "Granite 3.0 Language Models", section 3.
#include <math.h>

#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"
#include "models/architectures/llama.h"

static const DecoderDefaults defaults = {
    .theta = 10000, .norm_epsilon = 1e-6, .activation_key = "hidden_act", .activation = "silu"};

static Status read_with(Arena *arena, const Json *root, const DecoderDefaults *usual,
                        ModelConfig *c, Error *err)
{
    float divisor = 1;
    TRY(decoder_read(arena, root, usual, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    TRY(config_read_float(root, "embedding_multiplier", 1e-9, 1e9, 1, &c->embedding_scale, err));
    TRY(config_read_float(root, "attention_multiplier", 1e-9, 1e9, 1, &c->attention.scale, err));
    TRY(config_read_float(root, "residual_multiplier", 1e-9, 1e9, 1, &c->block.residual_scale,
                          err));
    TRY(config_read_float(root, "logits_scaling", 1e-9, 1e9, 1, &divisor, err));
    c->output.scale = 1.0f / divisor;
    return STATUS_OK;
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    return read_with(arena, root, &defaults, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
    json_member_float(w, "embedding_multiplier", c->embedding_scale);
    json_member_float(w, "attention_multiplier", c->attention.scale);
    json_member_float(w, "residual_multiplier", c->block.residual_scale);
    json_member_float(w, "logits_scaling", 1.0f / c->output.scale);
}

const Architecture architecture_granite = {
    .model_type = "granite",
    .summary = "Granite 3: Llama with factors of embeddings, scores, residuals and logits",
    .classes = {{"GraniteForCausalLM", HEAD_CAUSAL_LM}, {"GraniteModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_config,
    .write_config = write_config,
    .record = llama_record,
};

// ---- HyperCLOVA X: logits are multiplied, and what layers add may be normed ----

static void record_clova(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {
        DECODER_LLAMA_LAYERS,
        .norms = {"input_layernorm", "post_attention_layernorm"},
        .behind = {"post_norm1", "post_norm2"},
        .qkv = {"q_proj", "k_proj", "v_proj"},
        .gate = "gate_proj",
        .up = "up_proj"};
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &names};
    if (c->block.has_two_norms)
        decoder_record(t, c, &frame, NULL);
    else
        llama_record(t, c);
}

static Status read_clova(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(read_config(arena, root, c, err));
    if (!config_has(root, "attention_multiplier")) c->attention.scale = 0;
    TRY(config_read_float(root, "logits_scaling", 1e-9, 1e9, 1, &c->output.scale, err));
    c->block.has_two_norms = true; // a layer's: before it and behind it
    return json_opt_bool(root, "use_post_norm", &c->block.has_two_norms, err);
}

static void write_clova(const ModelConfig *c, JsonWriter *w)
{
    ModelConfig told = *c;
    if (c->attention.scale <= 0) told.attention.scale = 1.0f / sqrtf((float)c->head_dim);
    told.output.scale = 1.0f / c->output.scale;
    write_config(&told, w);
    json_member_bool(w, "use_post_norm", c->block.has_two_norms);
}

const Architecture architecture_hyperclovax = {
    .model_type = "hyperclovax",
    .summary = "HyperCLOVA X SEED: Granite with norms on both sides of its layers",
    .classes = {{"HyperCLOVAXForCausalLM", HEAD_CAUSAL_LM}, {"HyperCLOVAXModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_clova,
    .write_config = write_clova,
    .record = record_clova,
};

// ---- with experts ----

static const ExpertNames expert_names = {.block = "block_sparse_moe",
                                         .router = "router.layer",
                                         .gate = "gate_proj",
                                         .up = "up_proj",
                                         .down = "down_proj",
                                         .stacked_gate_up = "input_linear",
                                         .stacked_down = "output_linear"};
static const ExpertKeys expert_keys = {.names = &expert_names,
                                       .count = "num_local_experts",
                                       .n_experts = 8,
                                       .n_active = 2,
                                       .route = ROUTE_SOFTMAX_TOP};

static Status read_with_experts(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(read_config(arena, root, c, err));
    return experts_read(root, &expert_keys, c, err);
}

static void write_with_experts(const ModelConfig *c, JsonWriter *w)
{
    write_config(c, w);
    experts_write(c, &expert_keys, w);
}

const Architecture architecture_granitemoe = {
    .model_type = "granitemoe",
    .summary = "Granite 3 MoE: Granite 3 with experts",
    .classes = {{"GraniteMoeForCausalLM", HEAD_CAUSAL_LM}, {"GraniteMoeModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_with_experts,
    .write_config = write_with_experts,
    .record = llama_record,
};

// ---- Granite 4 without state spaces: the gated layer has another name, and nothing turns where config.json does not say "rope" ----

static void record_fourth(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {
        .blocks = "model.layers.",
        .norms = {"input_layernorm", "post_attention_layernorm"},
        .attention = "self_attn.",
        .qkv = {"q_proj", "k_proj", "v_proj"},
        .output = "o_proj",
        .feed_forward = "shared_mlp.",
        .stacked_gate_up = "input_linear",
        .down = "output_linear"};
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &names};
    decoder_record(t, c, &frame, NULL);
}

// Layers of state spaces are what a silent file means.
static Status read_fourth_layers(const Json *root, const ModelConfig *c, Error *err)
{
    const Json *list = NULL;
    TRY(config_read_layer_list(root, "layer_types", c->n_layers, &list, err));
    if (!list)
        return json_error(root, err,
                          "without layer_types some layers are of state spaces, which are not "
                          "supported");
    for (size_t i = 0; i < c->n_layers; i++) {
        Slice type = {0};
        TRY(json_as_string(json_at(list, i), &type, err));
        if (slice_eq_cstr(type, "attention") || slice_eq_cstr(type, "full_attention")) continue;
        return json_error(json_at(list, i), err,
                          "layers of \"" SLICE_FMT
                          "\" are not supported: of Granite 4 those models "
                          "open whose layers are all of attention (granite-4.0-350m, -1b, -micro)",
                          SLICE_ARG(type));
    }
    return STATUS_OK;
}

static Status read_fourth(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    Slice positions = SLICE("nope");
    int64_t n_experts = 8;
    bool *unrotated = NULL;
    TRY(read_config(arena, root, c, err));
    TRY(read_fourth_layers(root, c, err));
    TRY(config_read_size_or(root, "shared_intermediate_size", 1024, &c->intermediate_size, err));
    TRY(json_opt_i64(root, "num_local_experts", 0, 1 << 16, &n_experts, err));
    if (n_experts > 0)
        return json_error(root, err,
                          "num_local_experts must be 0: experts of this kind of Granite are not "
                          "supported");
    c->block.has_mlp_bias = false;
    TRY(json_opt_string(root, "position_embedding_type", &positions, err));
    if (slice_eq_cstr(positions, "rope")) return STATUS_OK;
    TRY(arena_take(arena, c->n_layers, sizeof *unrotated, "layers", &unrotated, err));
    for (size_t i = 0; i < c->n_layers; i++) unrotated[i] = true;
    c->rotary.skips = unrotated;
    return STATUS_OK;
}

static void write_fourth(const ModelConfig *c, JsonWriter *w)
{
    write_config(c, w);
    json_member_u64(w, "shared_intermediate_size", c->intermediate_size);
    json_member_u64(w, "num_local_experts", 0);
    json_member_cstr(w, "position_embedding_type", c->rotary.skips ? "nope" : "rope");
    json_member_array(w, "layer_types");
    for (size_t i = 0; i < c->n_layers; i++) json_put_cstr(w, "attention");
    json_end_array(w);
}

const Architecture architecture_granitemoehybrid = {
    .model_type = "granitemoehybrid",
    .summary = "Granite 4 whose layers are all of attention, without experts",
    .classes = {{"GraniteMoeHybridForCausalLM", HEAD_CAUSAL_LM},
                {"GraniteMoeHybridModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_fourth,
    .write_config = write_fourth,
    .record = record_fourth,
};

// ---- Granite with windows, sinks, and rotations that differ by layer ----

static const DecoderDefaults window_defaults = {.theta = 10000,
                                                .norm_epsilon = 1e-5,
                                                .is_tied = true,
                                                .activation_key = "hidden_act",
                                                .activation = "silu"};

// Every fourth layer sees all, from the first on, where layer_types does not say.
static Status read_window_layers(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool *is_local = NULL;
    TRY(decoder_read_window_or(root, 128, c, err));
    if (config_has(root, "layer_types")) return decoder_read_layer_types(arena, root, 0, c, err);
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (size_t i = 0; i < c->n_layers; i++) is_local[i] = i % 4 != 0;
    c->attention.is_local = is_local;
    return STATUS_OK;
}

// A base for each layer, 0 where nothing turns. Layers of one reach have the same, or nothing turns in them.
static Status read_bases(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const Json *list = NULL;
    bool *unrotated = NULL;
    double bases[2] = {0, 0}; // of layers without a window and with one
    TRY(config_read_layer_list(root, "layer_rope_theta", c->n_layers, &list, err));
    if (!list) return STATUS_OK;
    TRY(arena_take(arena, c->n_layers, sizeof *unrotated, "layers", &unrotated, err));
    for (size_t i = 0; i < c->n_layers; i++) {
        double *base = &bases[c->attention.is_local[i]], own = 0;
        TRY(json_as_double(json_at(list, i), 0, 1e18, &own, err));
        unrotated[i] = own == 0;
        if (*base > 0 && own > 0 && own != *base)
            return json_error(json_at(list, i), err,
                              "%g, but %g in a layer that sees as far: that is not supported", own,
                              *base);
        if (own > 0) *base = own;
    }
    c->rotary.skips = unrotated;
    c->rotary.rope_local = c->rotary.rope;
    if (bases[1] > 0) c->rotary.rope_local.theta = bases[1];
    if (bases[0] > 0) c->rotary.rope.theta = bases[0];
    return STATUS_OK;
}

static Status read_with_windows(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(read_with(arena, root, &window_defaults, c, err));
    c->attention.has_sinks = true;
    TRY(read_window_layers(arena, root, c, err));
    return read_bases(arena, root, c, err);
}

static void write_with_windows(const ModelConfig *c, JsonWriter *w)
{
    ModelConfig told = *c;
    told.rotary.rope_local = (RopeConfig){0};
    write_config(&told, w);
    if (!c->rotary.skips) return;
    json_member_array(w, "layer_rope_theta");
    for (size_t i = 0; i < c->n_layers; i++) {
        const double base =
            c->attention.is_local[i] ? c->rotary.rope_local.theta : c->rotary.rope.theta;
        json_put_double(w, c->rotary.skips[i] ? 0 : base);
    }
    json_end_array(w);
}

const Architecture architecture_granite_swa = {
    .model_type = "granite_swa",
    .summary = "Granite with windows, and sinks that attention gives weight to",
    .classes = {{"GraniteSWAForCausalLM", HEAD_CAUSAL_LM}, {"GraniteSWAModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_with_windows,
    .write_config = write_with_windows,
    .record = llama_record,
};
