// Granite, with experts or without: Llama whose embeddings, scores, residuals and logits are multiplied by numbers of config.json. Source: Granite Team 2024,
// "Granite 3.0 Language Models", section 3.
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"
#include "models/architectures/llama.h"

static const DecoderDefaults defaults = {
    .theta = 10000, .norm_epsilon = 1e-6, .activation_key = "hidden_act", .activation = "silu"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    float divisor = 1;
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->has_mlp_bias, err));
    TRY(config_read_float(root, "embedding_multiplier", 1e-9, 1e9, 1, &c->embedding_scale, err));
    TRY(config_read_float(root, "attention_multiplier", 1e-9, 1e9, 1, &c->attention_scale, err));
    TRY(config_read_float(root, "residual_multiplier", 1e-9, 1e9, 1, &c->residual_scale, err));
    TRY(config_read_float(root, "logits_scaling", 1e-9, 1e9, 1, &divisor, err));
    c->output_scale = 1.0f / divisor;
    return STATUS_OK;
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->has_qkv_bias);
    json_member_bool(w, "mlp_bias", c->has_mlp_bias);
    json_member_float(w, "embedding_multiplier", c->embedding_scale);
    json_member_float(w, "attention_multiplier", c->attention_scale);
    json_member_float(w, "residual_multiplier", c->residual_scale);
    json_member_float(w, "logits_scaling", 1.0f / c->output_scale);
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
