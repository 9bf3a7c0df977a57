#include <string.h>

#include "models/gguf/gguf_model.h"

// Names without ".weight" and ".bias"; % is the number of a block.
typedef struct GgufName {
    const char *gguf, *model;
    SafeChange change;
} GgufName;

// Llama and its kind, but for the feed-forward layers.
// clang-format off
#define LLAMA_NAMES                                                               \
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},                             \
    {"output_norm", "model.norm", SAFE_LESS_ONE},                                 \
    {"output", "lm_head", SAFE_AS_IS},                                            \
    {"blk.%.attn_norm", "model.layers.%.input_layernorm", SAFE_LESS_ONE},         \
    {"blk.%.attn_q", "model.layers.%.self_attn.q_proj", SAFE_REORDERED},          \
    {"blk.%.attn_k", "model.layers.%.self_attn.k_proj", SAFE_REORDERED},          \
    {"blk.%.attn_v", "model.layers.%.self_attn.v_proj", SAFE_AS_IS},              \
    {"blk.%.attn_qkv", "model.layers.%.self_attn.qkv_proj", SAFE_AS_IS},          \
    {"blk.%.attn_output", "model.layers.%.self_attn.o_proj", SAFE_AS_IS},         \
    {"blk.%.attn_q_norm", "model.layers.%.self_attn.q_norm", SAFE_LESS_ONE},      \
    {"blk.%.attn_k_norm", "model.layers.%.self_attn.k_norm", SAFE_LESS_ONE},      \
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_LESS_ONE}, \
    {"blk.%.ffn_gate", "model.layers.%.mlp.gate_proj", SAFE_AS_IS},               \
    {"blk.%.ffn_up", "model.layers.%.mlp.up_proj", SAFE_AS_IS},                   \
    {"blk.%.ffn_down", "model.layers.%.mlp.down_proj", SAFE_AS_IS}
// clang-format on

static const GgufName llama_names[] = {LLAMA_NAMES};

// All experts of a layer are one tensor there; checkpoint_experts.c takes them apart, and quantize_experts.c puts them together.
static const GgufName mixtral_names[] = {
    LLAMA_NAMES,
    {"blk.%.ffn_gate_inp", "model.layers.%.block_sparse_moe.gate", SAFE_AS_IS},
    {"blk.%.ffn_gate_exps", "model.layers.%.block_sparse_moe.experts.w1", SAFE_AS_IS},
    {"blk.%.ffn_up_exps", "model.layers.%.block_sparse_moe.experts.w3", SAFE_AS_IS},
    {"blk.%.ffn_down_exps", "model.layers.%.block_sparse_moe.experts.w2", SAFE_AS_IS},
};
static const GgufName granitemoe_names[] = {
    LLAMA_NAMES,
    {"blk.%.ffn_gate_inp", "model.layers.%.block_sparse_moe.router.layer", SAFE_AS_IS},
    {"blk.%.ffn_gate_exps", "model.layers.%.block_sparse_moe.experts.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up_exps", "model.layers.%.block_sparse_moe.experts.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down_exps", "model.layers.%.block_sparse_moe.experts.down_proj", SAFE_AS_IS},
};
static const GgufName experts_names[] = {
    LLAMA_NAMES,
    {"blk.%.ffn_gate_inp", "model.layers.%.mlp.gate", SAFE_AS_IS},
    {"blk.%.ffn_gate_exps", "model.layers.%.mlp.experts.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up_exps", "model.layers.%.mlp.experts.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down_exps", "model.layers.%.mlp.experts.down_proj", SAFE_AS_IS},
    {"blk.%.ffn_gate_inp_shexp", "model.layers.%.mlp.shared_expert_gate", SAFE_AS_IS},
    {"blk.%.ffn_gate_shexp", "model.layers.%.mlp.shared_expert.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up_shexp", "model.layers.%.mlp.shared_expert.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down_shexp", "model.layers.%.mlp.shared_expert.down_proj", SAFE_AS_IS},
};

// Gate and up projection are one tensor, in that order in both.
static const GgufName phi3_names[] = {
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},
    {"output_norm", "model.norm", SAFE_AS_IS},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "model.layers.%.input_layernorm", SAFE_AS_IS},
    {"blk.%.attn_qkv", "model.layers.%.self_attn.qkv_proj", SAFE_AS_IS},
    {"blk.%.attn_output", "model.layers.%.self_attn.o_proj", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.gate_up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.down_proj", SAFE_AS_IS},
};

// Norms stand before and after each half of a block.
static const GgufName gemma_names[] = {
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},
    {"output_norm", "model.norm", SAFE_LESS_ONE},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "model.layers.%.input_layernorm", SAFE_LESS_ONE},
    {"blk.%.attn_q", "model.layers.%.self_attn.q_proj", SAFE_AS_IS},
    {"blk.%.attn_k", "model.layers.%.self_attn.k_proj", SAFE_AS_IS},
    {"blk.%.attn_v", "model.layers.%.self_attn.v_proj", SAFE_AS_IS},
    {"blk.%.attn_output", "model.layers.%.self_attn.o_proj", SAFE_AS_IS},
    {"blk.%.attn_q_norm", "model.layers.%.self_attn.q_norm", SAFE_LESS_ONE},
    {"blk.%.attn_k_norm", "model.layers.%.self_attn.k_norm", SAFE_LESS_ONE},
    {"blk.%.post_attention_norm", "model.layers.%.post_attention_layernorm", SAFE_LESS_ONE},
    {"blk.%.ffn_norm", "model.layers.%.pre_feedforward_layernorm", SAFE_LESS_ONE},
    {"blk.%.post_ffw_norm", "model.layers.%.post_feedforward_layernorm", SAFE_LESS_ONE},
    {"blk.%.ffn_gate", "model.layers.%.mlp.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.down_proj", SAFE_AS_IS},
};

static const GgufName olmo2_names[] = {
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},
    {"output_norm", "model.norm", SAFE_AS_IS},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_q", "model.layers.%.self_attn.q_proj", SAFE_AS_IS},
    {"blk.%.attn_k", "model.layers.%.self_attn.k_proj", SAFE_AS_IS},
    {"blk.%.attn_v", "model.layers.%.self_attn.v_proj", SAFE_AS_IS},
    {"blk.%.attn_output", "model.layers.%.self_attn.o_proj", SAFE_AS_IS},
    {"blk.%.attn_q_norm", "model.layers.%.self_attn.q_norm", SAFE_AS_IS},
    {"blk.%.attn_k_norm", "model.layers.%.self_attn.k_norm", SAFE_AS_IS},
    {"blk.%.post_attention_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.post_ffw_norm", "model.layers.%.post_feedforward_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_gate", "model.layers.%.mlp.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.down_proj", SAFE_AS_IS},
};

static const GgufName starcoder2_names[] = {
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},
    {"output_norm", "model.norm", SAFE_AS_IS},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "model.layers.%.input_layernorm", SAFE_AS_IS},
    {"blk.%.attn_q", "model.layers.%.self_attn.q_proj", SAFE_AS_IS},
    {"blk.%.attn_k", "model.layers.%.self_attn.k_proj", SAFE_AS_IS},
    {"blk.%.attn_v", "model.layers.%.self_attn.v_proj", SAFE_AS_IS},
    {"blk.%.attn_output", "model.layers.%.self_attn.o_proj", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.c_fc", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.c_proj", SAFE_AS_IS},
};

static const GgufName phi_names[] = {
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},
    {"output_norm", "model.final_layernorm", SAFE_AS_IS},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "model.layers.%.input_layernorm", SAFE_AS_IS},
    {"blk.%.attn_q", "model.layers.%.self_attn.q_proj", SAFE_AS_IS},
    {"blk.%.attn_k", "model.layers.%.self_attn.k_proj", SAFE_AS_IS},
    {"blk.%.attn_v", "model.layers.%.self_attn.v_proj", SAFE_AS_IS},
    {"blk.%.attn_output", "model.layers.%.self_attn.dense", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.fc1", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.fc2", SAFE_AS_IS},
};

static const GgufName gpt_neox_names[] = {
    {"token_embd", "gpt_neox.embed_in", SAFE_AS_IS},
    {"output_norm", "gpt_neox.final_layer_norm", SAFE_AS_IS},
    {"output", "embed_out", SAFE_AS_IS},
    {"blk.%.attn_norm", "gpt_neox.layers.%.input_layernorm", SAFE_AS_IS},
    {"blk.%.attn_qkv", "gpt_neox.layers.%.attention.query_key_value", SAFE_REORDERED},
    {"blk.%.attn_output", "gpt_neox.layers.%.attention.dense", SAFE_AS_IS},
    {"blk.%.ffn_norm", "gpt_neox.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_up", "gpt_neox.layers.%.mlp.dense_h_to_4h", SAFE_AS_IS},
    {"blk.%.ffn_down", "gpt_neox.layers.%.mlp.dense_4h_to_h", SAFE_AS_IS},
};

// BLOOM and Falcon, but for the norms of a block.
// clang-format off
#define TRANSFORMER_H_NAMES                                                               \
    {"token_embd", "transformer.word_embeddings", SAFE_AS_IS},                            \
    {"output_norm", "transformer.ln_f", SAFE_AS_IS},                                      \
    {"output", "lm_head", SAFE_AS_IS},                                                    \
    {"blk.%.attn_qkv", "transformer.h.%.self_attention.query_key_value", SAFE_REORDERED}, \
    {"blk.%.attn_output", "transformer.h.%.self_attention.dense", SAFE_AS_IS},            \
    {"blk.%.ffn_up", "transformer.h.%.mlp.dense_h_to_4h", SAFE_AS_IS},                    \
    {"blk.%.ffn_down", "transformer.h.%.mlp.dense_4h_to_h", SAFE_AS_IS}
// clang-format on

static const GgufName bloom_names[] = {
    TRANSFORMER_H_NAMES,
    {"token_embd_norm", "transformer.word_embeddings_layernorm", SAFE_AS_IS},
    {"blk.%.attn_norm", "transformer.h.%.input_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_norm", "transformer.h.%.post_attention_layernorm", SAFE_AS_IS},
};
static const GgufName falcon_names[] = {
    TRANSFORMER_H_NAMES,
    {"blk.%.attn_norm", "transformer.h.%.input_layernorm", SAFE_AS_IS},
};
// The norm of the feed-forward layer has the name that the only norm has in smaller models.
static const GgufName falcon_two_names[] = {
    TRANSFORMER_H_NAMES,
    {"blk.%.attn_norm", "transformer.h.%.ln_mlp", SAFE_AS_IS},
    {"blk.%.attn_norm_2", "transformer.h.%.ln_attn", SAFE_AS_IS},
};

static const GgufName gpt2_names[] = {
    {"token_embd", "transformer.wte", SAFE_AS_IS},
    {"position_embd", "transformer.wpe", SAFE_AS_IS},
    {"output_norm", "transformer.ln_f", SAFE_AS_IS},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "transformer.h.%.ln_1", SAFE_AS_IS},
    {"blk.%.attn_qkv", "transformer.h.%.attn.c_attn", SAFE_TRANSPOSED},
    {"blk.%.attn_output", "transformer.h.%.attn.c_proj", SAFE_TRANSPOSED},
    {"blk.%.ffn_norm", "transformer.h.%.ln_2", SAFE_AS_IS},
    {"blk.%.ffn_up", "transformer.h.%.mlp.c_fc", SAFE_TRANSPOSED},
    {"blk.%.ffn_down", "transformer.h.%.mlp.c_proj", SAFE_TRANSPOSED},
};

static const GgufName bert_names[] = {
    {"token_embd", "bert.embeddings.word_embeddings", SAFE_AS_IS},
    {"position_embd", "bert.embeddings.position_embeddings", SAFE_AS_IS},
    {"token_types", "bert.embeddings.token_type_embeddings", SAFE_AS_IS},
    {"token_embd_norm", "bert.embeddings.LayerNorm", SAFE_AS_IS},
    {"blk.%.attn_q", "bert.encoder.layer.%.attention.self.query", SAFE_AS_IS},
    {"blk.%.attn_k", "bert.encoder.layer.%.attention.self.key", SAFE_AS_IS},
    {"blk.%.attn_v", "bert.encoder.layer.%.attention.self.value", SAFE_AS_IS},
    {"blk.%.attn_output", "bert.encoder.layer.%.attention.output.dense", SAFE_AS_IS},
    {"blk.%.attn_output_norm", "bert.encoder.layer.%.attention.output.LayerNorm", SAFE_AS_IS},
    {"blk.%.ffn_up", "bert.encoder.layer.%.intermediate.dense", SAFE_AS_IS},
    {"blk.%.ffn_down", "bert.encoder.layer.%.output.dense", SAFE_AS_IS},
    {"blk.%.layer_output_norm", "bert.encoder.layer.%.output.LayerNorm", SAFE_AS_IS},
    {"cls", "bert.pooler.dense", SAFE_AS_IS},
    {"cls.output", "classifier", SAFE_AS_IS},
};

// T5's two stacks, but for what differs with a gate.
// clang-format off
#define T5_NAMES                                                                                           \
    {"token_embd", "shared", SAFE_AS_IS},                                                                  \
    {"output", "lm_head", SAFE_AS_IS},                                                                     \
    {"enc.output_norm", "encoder.final_layer_norm", SAFE_AS_IS},                                           \
    {"dec.output_norm", "decoder.final_layer_norm", SAFE_AS_IS},                                           \
    {"enc.blk.%.attn_norm", "encoder.block.%.layer.0.layer_norm", SAFE_AS_IS},                             \
    {"enc.blk.%.attn_q", "encoder.block.%.layer.0.SelfAttention.q", SAFE_AS_IS},                           \
    {"enc.blk.%.attn_k", "encoder.block.%.layer.0.SelfAttention.k", SAFE_AS_IS},                           \
    {"enc.blk.%.attn_v", "encoder.block.%.layer.0.SelfAttention.v", SAFE_AS_IS},                           \
    {"enc.blk.%.attn_o", "encoder.block.%.layer.0.SelfAttention.o", SAFE_AS_IS},                           \
    {"enc.blk.%.attn_rel_b", "encoder.block.%.layer.0.SelfAttention.relative_attention_bias", SAFE_AS_IS}, \
    {"enc.blk.%.ffn_norm", "encoder.block.%.layer.1.layer_norm", SAFE_AS_IS},                              \
    {"enc.blk.%.ffn_gate", "encoder.block.%.layer.1.DenseReluDense.wi_0", SAFE_AS_IS},                     \
    {"enc.blk.%.ffn_down", "encoder.block.%.layer.1.DenseReluDense.wo", SAFE_AS_IS},                       \
    {"dec.blk.%.attn_norm", "decoder.block.%.layer.0.layer_norm", SAFE_AS_IS},                             \
    {"dec.blk.%.attn_q", "decoder.block.%.layer.0.SelfAttention.q", SAFE_AS_IS},                           \
    {"dec.blk.%.attn_k", "decoder.block.%.layer.0.SelfAttention.k", SAFE_AS_IS},                           \
    {"dec.blk.%.attn_v", "decoder.block.%.layer.0.SelfAttention.v", SAFE_AS_IS},                           \
    {"dec.blk.%.attn_o", "decoder.block.%.layer.0.SelfAttention.o", SAFE_AS_IS},                           \
    {"dec.blk.%.attn_rel_b", "decoder.block.%.layer.0.SelfAttention.relative_attention_bias", SAFE_AS_IS}, \
    {"dec.blk.%.cross_attn_norm", "decoder.block.%.layer.1.layer_norm", SAFE_AS_IS},                       \
    {"dec.blk.%.cross_attn_q", "decoder.block.%.layer.1.EncDecAttention.q", SAFE_AS_IS},                   \
    {"dec.blk.%.cross_attn_k", "decoder.block.%.layer.1.EncDecAttention.k", SAFE_AS_IS},                   \
    {"dec.blk.%.cross_attn_v", "decoder.block.%.layer.1.EncDecAttention.v", SAFE_AS_IS},                   \
    {"dec.blk.%.cross_attn_o", "decoder.block.%.layer.1.EncDecAttention.o", SAFE_AS_IS},                   \
    {"dec.blk.%.ffn_norm", "decoder.block.%.layer.2.layer_norm", SAFE_AS_IS},                              \
    {"dec.blk.%.ffn_gate", "decoder.block.%.layer.2.DenseReluDense.wi_0", SAFE_AS_IS},                     \
    {"dec.blk.%.ffn_down", "decoder.block.%.layer.2.DenseReluDense.wo", SAFE_AS_IS}
// clang-format on

// What is called "up" has two names in Transformers: with a gate and without.
static const GgufName t5_names[] = {
    T5_NAMES,
    {"enc.blk.%.ffn_up", "encoder.block.%.layer.1.DenseReluDense.wi", SAFE_AS_IS},
    {"dec.blk.%.ffn_up", "decoder.block.%.layer.2.DenseReluDense.wi", SAFE_AS_IS},
};
static const GgufName t5_gated_names[] = {
    T5_NAMES,
    {"enc.blk.%.ffn_up", "encoder.block.%.layer.1.DenseReluDense.wi_1", SAFE_AS_IS},
    {"dec.blk.%.ffn_up", "decoder.block.%.layer.2.DenseReluDense.wi_1", SAFE_AS_IS},
};

#define NAMES(list) list, sizeof(list) / sizeof *(list)

// The first row of an architecture is the one that a file of it is read as.
static const GgufFamily families[] = {
    {"llama", "llama", "LlamaForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"llama", "mistral", "MistralForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"qwen2", "qwen2", "Qwen2ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"llama", "mixtral", "MixtralForCausalLM", NAMES(mixtral_names), GGUF_ROWS_IN_PAIRS, false},
    {"qwen2moe", "qwen2_moe", "Qwen2MoeForCausalLM", NAMES(experts_names), GGUF_ROWS_IN_ORDER,
     false},
    {"qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM", NAMES(experts_names), GGUF_ROWS_IN_ORDER,
     false},
    {"olmoe", "olmoe", "OlmoeForCausalLM", NAMES(experts_names), GGUF_ROWS_IN_ORDER, false},
    {"granitemoe", "granitemoe", "GraniteMoeForCausalLM", NAMES(granitemoe_names),
     GGUF_ROWS_IN_PAIRS, false},
    {"phi3", "phi3", "Phi3ForCausalLM", NAMES(phi3_names), GGUF_ROWS_IN_ORDER, false},
    {"gemma2", "gemma2", "Gemma2ForCausalLM", NAMES(gemma_names), GGUF_ROWS_IN_ORDER, true},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM", NAMES(gemma_names), GGUF_ROWS_IN_ORDER, true},
    {"granite", "granite", "GraniteForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"smollm3", "smollm3", "SmolLM3ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"stablelm", "stablelm", "StableLmForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"command-r", "cohere", "CohereForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"olmo2", "olmo2", "Olmo2ForCausalLM", NAMES(olmo2_names), GGUF_ROWS_IN_ORDER, false},
    {"starcoder2", "starcoder2", "Starcoder2ForCausalLM", NAMES(starcoder2_names),
     GGUF_ROWS_IN_ORDER, false},
    {"phi2", "phi", "PhiForCausalLM", NAMES(phi_names), GGUF_ROWS_IN_ORDER, false},
    {"gptneox", "gpt_neox", "GPTNeoXForCausalLM", NAMES(gpt_neox_names), GGUF_ROWS_STACKED, false},
    {"bloom", "bloom", "BloomForCausalLM", NAMES(bloom_names), GGUF_ROWS_STACKED, false},
    {"falcon", "falcon", "FalconForCausalLM", NAMES(falcon_names), GGUF_ROWS_STACKED, false},
    {"gpt2", "gpt2", "GPT2LMHeadModel", NAMES(gpt2_names), GGUF_ROWS_IN_ORDER, false},
    {"bert", "bert", "BertModel", NAMES(bert_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "t5", "T5ForConditionalGeneration", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "mt5", "MT5ForConditionalGeneration", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "umt5", "UMT5ForConditionalGeneration", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
};
static const GgufFamily gated_t5[] = {
    {"t5", "t5", "T5ForConditionalGeneration", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "mt5", "MT5ForConditionalGeneration", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "umt5", "UMT5ForConditionalGeneration", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER,
     false},
};
static const GgufFamily falcon_two = {
    "falcon", "falcon", "FalconForCausalLM", NAMES(falcon_two_names), GGUF_ROWS_STACKED, false};

static Status falcon_family(const Json *config, const GgufFamily **out, Error *err)
{
    bool is_new = false;
    const Json *n_norms = json_get(config, "num_ln_in_parallel_attn");
    TRY(json_opt_bool(config, "new_decoder_architecture", &is_new, err));
    int64_t n = 2;
    if (n_norms && json_kind(n_norms) != JSON_NULL) TRY(json_as_i64(n_norms, 1, 2, &n, err));
    if (is_new && n == 2) *out = &falcon_two;
    return STATUS_OK;
}

Status gguf_family_of_config(const Json *config, const GgufFamily **out, Error *err)
{
    Slice model_type = {0}, projection = {0};
    TRY(json_opt_string(config, "model_type", &model_type, err));
    *out = gguf_family_of_model(model_type);
    if (slice_eq_cstr(model_type, "falcon")) return falcon_family(config, out, err);
    for (size_t i = 0; i < sizeof gated_t5 / sizeof *gated_t5; i++) {
        if (!slice_eq_cstr(model_type, gated_t5[i].model_type)) continue;
        if (i > 0) projection = SLICE("gated-gelu"); // where the later ones do not say
        TRY(json_opt_string(config, "feed_forward_proj", &projection, err));
        if (slice_starts_with(projection, SLICE("gated"))) *out = &gated_t5[i];
    }
    return STATUS_OK;
}

const GgufFamily *gguf_family_of_model(Slice model_type)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (slice_eq_cstr(model_type, families[i].model_type)) return &families[i];
    }
    return NULL;
}

const GgufFamily *gguf_family_of_file(Slice architecture)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (slice_eq_cstr(architecture, families[i].architecture)) return &families[i];
    }
    return NULL;
}

void gguf_list_families(NameList *out)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const char *name = families[i].architecture;
        if (gguf_family_of_file(slice_from_cstr(name)) == &families[i])
            name_list_add_cstr(out, name);
    }
}

// Whether stem follows the pattern; *block is what stands for %.
static bool matches(Slice stem, const char *pattern, Slice *block)
{
    const Slice whole = slice_from_cstr(pattern);
    const size_t at = slice_find_byte(whole, '%');
    *block = (Slice){0};
    if (at == SIZE_MAX) return slice_eq(stem, whole);
    const Slice tail = slice_sub(whole, at + 1, whole.len);
    if (!slice_starts_with(stem, slice_sub(whole, 0, at)) || !slice_ends_with(stem, tail) ||
        stem.len <= at + tail.len) {
        return false;
    }
    uint64_t number = 0;
    *block = slice_sub(stem, at, stem.len - tail.len);
    return slice_to_u64(*block, &number);
}

// The pattern with the block's number, and the suffix behind it.
static bool put_name(const char *pattern, Slice block, Slice suffix, char *out, size_t size)
{
    const Slice whole = slice_from_cstr(pattern);
    const size_t at = slice_find_byte(whole, '%');
    const Slice head = slice_sub(whole, 0, at);
    const Slice tail = at == SIZE_MAX ? (Slice){0} : slice_sub(whole, at + 1, whole.len);
    const int len = snprintf(out, size, SLICE_FMT SLICE_FMT SLICE_FMT SLICE_FMT, SLICE_ARG(head),
                             SLICE_ARG(block), SLICE_ARG(tail), SLICE_ARG(suffix));
    return len > 0 && (size_t)len < size;
}

// Splits ".weight" or ".bias" off.
static bool split_suffix(Slice name, Slice *stem, Slice *suffix)
{
    static const Slice suffixes[] = {SLICE_LIT(".weight"), SLICE_LIT(".bias")};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (!slice_ends_with(name, suffixes[i])) continue;
        *stem = slice_sub(name, 0, name.len - suffixes[i].len);
        *suffix = suffixes[i];
        return true;
    }
    return false;
}

static const GgufName *find_model_name(const GgufFamily *family, Slice name, Slice *block,
                                       Slice *suffix)
{
    Slice stem;
    if (!family || !split_suffix(name, &stem, suffix)) return NULL;
    for (size_t i = 0; i < family->n_names; i++) {
        if (matches(stem, family->names[i].model, block)) return &family->names[i];
    }
    return NULL;
}

// Without a family names are kept, but for ALBERT's, which are longer than GGUF's 63 bytes.
static const struct {
    Slice model, gguf;
} brief_parts[] = {{SLICE_LIT(".albert_layer_groups."), SLICE_LIT(".groups@")},
                   {SLICE_LIT(".albert_layers."), SLICE_LIT(".layers@")}};
enum { N_BRIEF = sizeof brief_parts / sizeof *brief_parts };

// The name with such parts put in each other's place; false where it has none or out is too small.
static bool exchange_parts(Slice name, bool to_model, char *out, size_t size)
{
    size_t len = 0;
    bool found = false;
    for (size_t at = 0; at < name.len;) {
        Slice put = slice_sub(name, at, at + 1);
        size_t n = 1;
        for (size_t i = 0; i < N_BRIEF; i++) {
            const Slice from = to_model ? brief_parts[i].gguf : brief_parts[i].model;
            if (!slice_starts_with(slice_sub(name, at, name.len), from)) continue;
            put = to_model ? brief_parts[i].model : brief_parts[i].gguf;
            n = from.len;
            found = true;
        }
        if (put.len >= size - len) return false;
        memcpy(out + len, put.ptr, put.len);
        len += put.len;
        at += n;
    }
    out[len] = '\0';
    return found;
}

bool gguf_name_from_model(const GgufFamily *family, Slice name, char out[GGUF_NAME_SIZE])
{
    Slice block, suffix;
    if (!family) return exchange_parts(name, false, out, GGUF_NAME_SIZE);
    const GgufName *found = find_model_name(family, name, &block, &suffix);
    return found && put_name(found->gguf, block, suffix, out, GGUF_NAME_SIZE);
}

bool gguf_name_to_model(const GgufFamily *family, Slice name, char *out, size_t size)
{
    Slice stem, block, suffix;
    if (!family) return exchange_parts(name, true, out, size);
    if (!split_suffix(name, &stem, &suffix)) return false;
    for (size_t i = 0; i < family->n_names; i++) {
        if (matches(stem, family->names[i].gguf, &block))
            return put_name(family->names[i].model, block, suffix, out, size);
    }
    return false;
}

SafeChange gguf_change(const GgufFamily *family, Slice name)
{
    Slice block, suffix;
    const GgufName *found = find_model_name(family, name, &block, &suffix);
    if (!found) return SAFE_AS_IS;
    switch (found->change) {
    case SAFE_REORDERED:
        return family->rows == GGUF_ROWS_IN_ORDER ? SAFE_AS_IS : SAFE_REORDERED;
    case SAFE_LESS_ONE:
        return family->adds_one ? SAFE_LESS_ONE : SAFE_AS_IS;
    case SAFE_TRANSPOSED:
        return slice_eq_cstr(suffix, ".weight") ? SAFE_TRANSPOSED : SAFE_AS_IS;
    case SAFE_AS_IS:
        break;
    }
    return SAFE_AS_IS;
}
