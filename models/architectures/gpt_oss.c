// gpt-oss: Llama with experts that have biases and a limited gate, a window in every second layer, and a sink for each head.
// Source: OpenAI 2025, "gpt-oss-120b & gpt-oss-20b Model Card", arXiv:2508.10925, section 2. Names of tensors as in Transformers;
// its files have experts turned, and in MXFP4 (checkpoint_experts.c).
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"
#include "models/architectures/llama.h"

static const DecoderDefaults defaults = {.theta = 150000,
                                         .norm_epsilon = 1e-5,
                                         .head_dim = 64,
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};
static const ExpertNames names = {.block = "mlp",
                                  .router = "router",
                                  .gate = "gate_proj",
                                  .up = "up_proj",
                                  .down = "down_proj",
                                  .has_biases = true,
                                  .is_turned = true};
static const ExpertKeys keys = {.names = &names,
                                .count = "num_local_experts",
                                .other_count = "num_experts",
                                .n_experts = 128,
                                .n_active = 4,
                                .route = ROUTE_SOFTMAX_TOP};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    c->activation = ACTIVATION_SILU; // of its gates, whatever hidden_act says
    if (!config_has(root, "rope_scaling") && !config_has(root, "rope_parameters")) {
        c->rotary.rope = (RopeConfig){.kind = ROPE_YARN,
                                      .theta = c->rotary.rope.theta,
                                      .factor = 32,
                                      .beta_fast = 32,
                                      .beta_slow = 1,
                                      .keeps_fractions = true,
                                      .original_positions = 4096};
    }
    TRY(experts_read(root, &keys, c, err));
    TRY(config_read_float(root, "swiglu_limit", 1e-6, 1e30, 7, &c->experts.gate_limit, err));
    TRY(config_read_float(root, "swiglu_alpha", 1e-6, 1e6, 1.702, &c->experts.gate_alpha, err));
    TRY(decoder_read_attention_bias(root, true, c, err));
    c->attention.has_sinks = true;
    TRY(decoder_read_window_or(root, 128, c, err));
    return decoder_read_layer_types(arena, root, 2, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    experts_write(c, &keys, w);
    json_member_float(w, "swiglu_limit", c->experts.gate_limit);
    json_member_float(w, "swiglu_alpha", c->experts.gate_alpha);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
}

const Architecture architecture_gpt_oss = {
    .model_type = "gpt_oss",
    .summary = "gpt-oss: Llama with experts, and sinks that attention gives weight to",
    .classes = {DECODER_CLASSES("GptOss")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .takes_mxfp4 = true,
    .read_config = read_config,
    .write_config = write_config,
    .record = llama_record,
};
