// The rows of the registry that are Llama's kind with experts: Mixtral, Qwen's two, OLMoE, GLM 4.5, Solar Open, dots.llm1 and
// MiniMax M2.
#include "models/architecture.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"
#include "models/architectures/llama.h"

// ---- Mixtral ----

static const DecoderDefaults mixtral_defaults = {
    .theta = 1000000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "silu"};
static const ExpertNames mixtral_names = {
    .block = "block_sparse_moe", .router = "gate", .gate = "w1", .up = "w3", .down = "w2"};
static const ExpertKeys mixtral_keys = {.names = &mixtral_names,
                                        .count = "num_local_experts",
                                        .n_experts = 8,
                                        .n_active = 2,
                                        .route = ROUTE_SOFTMAX_TOP};

static Status mixtral_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &mixtral_defaults, c, err));
    TRY(experts_read(root, &mixtral_keys, c, err));
    return decoder_read_window(root, c, err);
}

static void mixtral_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &mixtral_defaults, w);
    experts_write(c, &mixtral_keys, w);
}

const Architecture architecture_mixtral = {
    .model_type = "mixtral",
    .summary = "Mixtral: Mistral with experts",
    .classes = {DECODER_CLASSES("Mixtral"), {"MixtralForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = mixtral_read,
    .write_config = mixtral_write,
    .record = llama_record,
};

// ---- Qwen 2 and 3 ----

static const DecoderDefaults qwen_defaults = {
    .theta = 10000, .norm_epsilon = 1e-6, .activation_key = "hidden_act", .activation = "silu"};
static const ExpertKeys qwen2_keys = {.names = &experts_of_mlp,
                                      .count = "num_experts",
                                      .other_count = "num_local_experts",
                                      .n_experts = 60,
                                      .n_active = 4,
                                      .inner_size = "moe_intermediate_size",
                                      .usual_inner = 1408,
                                      .normalizes = "norm_topk_prob"};
static const ExpertKeys qwen3_keys = {.names = &experts_of_mlp,
                                      .count = "num_experts",
                                      .other_count = "num_local_experts",
                                      .n_experts = 128,
                                      .n_active = 8,
                                      .inner_size = "moe_intermediate_size",
                                      .usual_inner = 768,
                                      .normalizes = "norm_topk_prob"};

// The window is that of use_sliding_window. is_alternating: of every second layer below max_window_layers, where layer_types does
// not say; else of all.
static Status read_window(Arena *arena, const Json *root, bool is_alternating, ModelConfig *c,
                          Error *err)
{
    bool uses_window = false;
    int64_t end = 28;
    TRY(json_opt_bool(root, "use_sliding_window", &uses_window, err));
    if (!uses_window) return STATUS_OK;
    TRY(decoder_read_window_or(root, 4096, c, err));
    if (!is_alternating) return STATUS_OK;
    if (config_has(root, "layer_types")) return decoder_read_layer_types(arena, root, 0, c, err);
    bool *is_local = NULL;
    TRY(json_opt_i64(root, "max_window_layers", 0, 1 << 24, &end, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (size_t i = 0; i < c->n_layers; i++) is_local[i] = i % 2 == 0 && i < (size_t)end;
    c->attention.is_local = is_local;
    return STATUS_OK;
}

static Status qwen2_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &qwen_defaults, c, err));
    TRY(experts_read(root, &qwen2_keys, c, err));
    TRY(experts_read_dense(arena, root, c, err));
    TRY(config_read_size_or(root, "shared_expert_intermediate_size", 5632, &c->experts.shared_size,
                            err));
    c->attention.has_qkv_bias = true;
    TRY(json_opt_bool(root, "qkv_bias", &c->attention.has_qkv_bias, err));
    return read_window(arena, root, true, c, err);
}

static void qwen2_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &qwen_defaults, w);
    experts_write(c, &qwen2_keys, w);
    experts_write_dense(c, w);
    json_member_u64(w, "shared_expert_intermediate_size", c->experts.shared_size);
    json_member_bool(w, "qkv_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "use_sliding_window", c->attention.window > 0);
}

const Architecture architecture_qwen2_moe = {
    .model_type = "qwen2_moe",
    .summary = "Qwen 1.5 and 2 MoE: Qwen 2 with experts, one of them of every token",
    .classes = {DECODER_CLASSES("Qwen2Moe"), {"Qwen2MoeForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = qwen2_read,
    .write_config = qwen2_write,
    .record = llama_record,
};

static Status qwen3_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &qwen_defaults, c, err));
    TRY(experts_read(root, &qwen3_keys, c, err));
    TRY(experts_read_dense(arena, root, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->attention.has_head_norms = true;
    return read_window(arena, root, false, c, err);
}

static void qwen3_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &qwen_defaults, w);
    experts_write(c, &qwen3_keys, w);
    experts_write_dense(c, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "use_sliding_window", c->attention.window > 0);
}

const Architecture architecture_qwen3_moe = {
    .model_type = "qwen3_moe",
    .summary = "Qwen 3 MoE: Qwen 3 with experts",
    .classes = {DECODER_CLASSES("Qwen3Moe"),
                {"Qwen3MoeForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = qwen3_read,
    .write_config = qwen3_write,
    .record = llama_record,
};

// ---- OLMoE ----

static const DecoderDefaults olmoe_defaults = {
    .theta = 10000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "silu"};
static const ExpertKeys olmoe_keys = {.names = &experts_of_mlp,
                                      .count = "num_experts",
                                      .other_count = "num_local_experts",
                                      .n_experts = 64,
                                      .n_active = 8,
                                      .normalizes = "norm_topk_prob"};

static Status olmoe_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &olmoe_defaults, c, err));
    TRY(experts_read(root, &olmoe_keys, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->attention.has_head_norms = c->attention.norms_all_heads = true;
    return decoder_read_cap(root, c, err);
}

static void olmoe_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &olmoe_defaults, w);
    experts_write(c, &olmoe_keys, w);
    decoder_write_cap(c, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
}

const Architecture architecture_olmoe = {
    .model_type = "olmoe",
    .summary = "OLMoE: Llama with experts, and norms of all queries and keys",
    .classes = {{"OlmoeForCausalLM", HEAD_CAUSAL_LM}, {"OlmoeModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = olmoe_read,
    .write_config = olmoe_write,
    .record = llama_record,
};

// ---- GLM 4.5 ----

static const DecoderDefaults glm_defaults = {.theta = 10000,
                                             .norm_epsilon = 1e-5,
                                             .rotary_part = 0.5,
                                             .activation_key = "hidden_act",
                                             .activation = "silu"};
static const ExpertKeys glm_keys = {.names = &experts_of_mlp,
                                    .count = "n_routed_experts",
                                    .other_count = "num_local_experts",
                                    .n_experts = 128,
                                    .n_active = 8,
                                    .inner_size = "moe_intermediate_size",
                                    .usual_inner = 1408,
                                    .route = ROUTE_SIGMOID};
static const ExpertSharing glm_sharing = {
    .n_dense = 1, .n_shared = 1, .scale = 1, .n_groups = 1, .n_top_groups = 1};

static Status glm_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &glm_defaults, c, err));
    TRY(experts_read(root, &glm_keys, c, err));
    TRY(experts_read_corrected(arena, root, &glm_sharing, c, err));
    TRY(json_opt_bool(root, "attention_bias", &c->attention.has_qkv_bias, err));
    return json_opt_bool(root, "use_qk_norm", &c->attention.has_head_norms, err);
}

static void glm_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &glm_defaults, w);
    experts_write(c, &glm_keys, w);
    experts_write_layers(c, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "use_qk_norm", c->attention.has_head_norms);
}

const Architecture architecture_glm4_moe = {
    .model_type = "glm4_moe",
    .summary = "GLM 4.5 and 4.6: Llama with experts beside some of every token",
    .classes = {{"Glm4MoeForCausalLM", HEAD_CAUSAL_LM}, {"Glm4MoeModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = glm_read,
    .write_config = glm_write,
    .record = llama_record,
};

// ---- dots.llm1 ----

static const ExpertKeys dots_keys = {.names = &experts_of_mlp,
                                     .count = "n_routed_experts",
                                     .other_count = "num_local_experts",
                                     .n_experts = 128,
                                     .n_active = 6,
                                     .inner_size = "moe_intermediate_size",
                                     .usual_inner = 1408,
                                     .route = ROUTE_SIGMOID};
static const ExpertSharing dots_sharing = {
    .n_dense = 0, .n_shared = 0, .scale = 1, .n_groups = 1, .n_top_groups = 1};

// Layers from max_window_layers on have the window, where layer_types does not say.
static Status dots_read_layers(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    int64_t first = 62;
    bool *is_local = NULL;
    TRY(decoder_read_window_or(root, 4096, c, err));
    if (config_has(root, "layer_types")) return decoder_read_layer_types(arena, root, 0, c, err);
    TRY(json_opt_i64(root, "max_window_layers", 0, 1 << 24, &first, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (size_t i = 0; i < c->n_layers; i++) is_local[i] = i >= (size_t)first;
    c->attention.is_local = is_local;
    return STATUS_OK;
}

static Status dots_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &qwen_defaults, c, err));
    TRY(experts_read(root, &dots_keys, c, err));
    TRY(experts_read_corrected(arena, root, &dots_sharing, c, err));
    if (!config_has(root, "norm_topk_prob")) c->experts.normalizes = false;
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->attention.has_head_norms = true;
    return dots_read_layers(arena, root, c, err);
}

static void dots_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &qwen_defaults, w);
    experts_write(c, &dots_keys, w);
    experts_write_layers(c, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
}

const Architecture architecture_dots1 = {
    .model_type = "dots1",
    .summary = "dots.llm1: Qwen 3 with DeepSeek's experts",
    .classes = {{"Dots1ForCausalLM", HEAD_CAUSAL_LM}, {"Dots1Model", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = dots_read,
    .write_config = dots_write,
    .record = llama_record,
};

// ---- Solar Open: GLM 4.5 without dense layers, norms of heads and biases behind attention ----

static const DecoderDefaults solar_defaults = {.theta = 1000000,
                                               .norm_epsilon = 1e-5,
                                               .head_dim = 128,
                                               .inner_key = "moe_intermediate_size",
                                               .rotary_part = 1,
                                               .activation_key = "hidden_act",
                                               .activation = "silu"};
static const ExpertSharing solar_sharing = {
    .n_dense = 0, .n_shared = 1, .scale = 1, .n_groups = 1, .n_top_groups = 1};

static Status solar_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &solar_defaults, c, err));
    TRY(experts_read(root, &glm_keys, c, err));
    TRY(config_want_number(root, "first_k_dense_replace", 0, err));
    TRY(experts_read_corrected(arena, root, &solar_sharing, c, err));
    return json_opt_bool(root, "attention_bias", &c->attention.has_qkv_bias, err);
}

static void solar_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &solar_defaults, w);
    experts_write(c, &glm_keys, w);
    experts_write_layers(c, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
}

const Architecture architecture_solar_open = {
    .model_type = "solar_open",
    .summary = "Solar Open: Llama with GLM 4.5's experts",
    .classes = {{"SolarOpenForCausalLM", HEAD_CAUSAL_LM}, {"SolarOpenModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = solar_read,
    .write_config = solar_write,
    .record = llama_record,
};

// ---- MiniMax M2 ----

static const DecoderDefaults minimax_defaults = {.theta = 5000000,
                                                 .norm_epsilon = 1e-6,
                                                 .head_dim = 128,
                                                 .rotary_part = 1,
                                                 .activation_key = "hidden_act",
                                                 .activation = "silu"};
static const ExpertNames minimax_names = {.block = "block_sparse_moe",
                                          .router = "gate",
                                          .gate = "w1",
                                          .up = "w3",
                                          .down = "w2",
                                          .correction = "e_score_correction_bias"};
static const ExpertKeys minimax_keys = {.names = &minimax_names,
                                        .count = "num_local_experts",
                                        .other_count = "num_experts",
                                        .n_experts = 256,
                                        .n_active = 8,
                                        .route = ROUTE_SIGMOID};

// Its first files say how many columns turn, where others say which part of a head.
static Status minimax_read_rotation(const Json *root, ModelConfig *c, Error *err)
{
    const Json *parameters = decoder_rope_parameters(root);
    if (config_has(root, "partial_rotary_factor") ||
        (parameters && config_has(parameters, "partial_rotary_factor")))
        return STATUS_OK;
    TRY(config_read_size_or(root, "rotary_dim", c->rotary.dims, &c->rotary.dims, err));
    if (c->rotary.dims % 2 == 0 && c->rotary.dims <= c->head_dim) return STATUS_OK;
    return json_error(json_get(root, "rotary_dim"), err, "must be even and at most head_dim, %zu",
                      c->head_dim);
}

static Status minimax_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &minimax_defaults, c, err));
    TRY(minimax_read_rotation(root, c, err));
    TRY(experts_read(root, &minimax_keys, c, err));
    c->experts.corrects = c->experts.normalizes = true;
    c->attention.has_head_norms = c->attention.norms_all_heads = true;
    return STATUS_OK;
}

static void minimax_write(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &minimax_defaults, w);
    experts_write(c, &minimax_keys, w);
}

const Architecture architecture_minimax_m2 = {
    .model_type = "minimax_m2",
    .summary = "MiniMax M2: Mixtral with sigmoids, and norms of all queries and keys",
    .classes = {{"MiniMaxM2ForCausalLM", HEAD_CAUSAL_LM}, {"MiniMaxM2Model", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = minimax_read,
    .write_config = minimax_write,
    .record = llama_record,
};
