// Phi-3.5-MoE's kind: Llama with LayerNorms, biases, and experts chosen by SparseMixer, each weighed among those near it (ROUTE_NEAR).
//
// In tuning they are chosen as in answers; the paper, and Transformers, draw them there. Source: Liu et al. 2024, arXiv:2409.12136;
// names of tensors as in the first files.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"

static const DecoderBlockNames names = {DECODER_LLAMA_LAYERS,
                                        .norms = {"input_layernorm", "post_attention_layernorm"},
                                        .qkv = {"q_proj", "k_proj", "v_proj"}};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_layer_norm,
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const DecoderDefaults defaults = {.theta = 1000000,
                                         .norm_epsilon = 1e-5,
                                         .n_kv_heads = 8,
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};
static const ExpertNames expert_names = {
    .block = "block_sparse_moe", .router = "gate", .gate = "w1", .up = "w3", .down = "w2"};
static const ExpertKeys keys = {.names = &expert_names,
                                .count = "num_local_experts",
                                .other_count = "num_experts",
                                .n_experts = 16,
                                .n_active = 2,
                                .route = ROUTE_NEAR};

static Status read_experts(const Json *root, ModelConfig *c, Error *err)
{
    ExpertsConfig *e = &c->experts;
    bool balances = false;
    float reach = 0, noise = 0;
    TRY(experts_read(root, &keys, c, err));
    TRY(config_want_number(root, "num_experts_per_tok", 2, err));
    TRY(config_read_float(root, "router_jitter_noise", 0, 1, 0.01, &reach, err));
    e->tolerance = 2 * reach;
    TRY(json_opt_bool(root, "output_router_logits", &balances, err));
    TRY(config_read_float(root, "input_jitter_noise", 0, 1, 0, &noise, err));
    e->not_tuned = balances ? "output_router_logits" : noise > 0 ? "input_jitter_noise" : NULL;
    return STATUS_OK;
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    if (c->rotary.rope.kind != ROPE_DEFAULT)
        return json_error(decoder_rope_parameters(root), err,
                          "scaled rotary embeddings are not supported in phimoe");
    TRY(decoder_read_window(root, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    TRY(json_opt_bool(root, "lm_head_bias", &c->output.has_bias, err));
    c->block.has_norm_bias = true;
    return read_experts(root, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    experts_write(c, &keys, w);
    json_member_float(w, "router_jitter_noise", c->experts.tolerance / 2);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "lm_head_bias", c->output.has_bias);
}

const Architecture architecture_phimoe = {
    .model_type = "phimoe",
    .summary = "Phi-MoE: Llama with LayerNorms and experts weighed among those near them",
    .classes = {{"PhimoeForCausalLM", HEAD_CAUSAL_LM},
                {"PhimoeModel", HEAD_EMBEDDING},
                {"PhimoeForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
