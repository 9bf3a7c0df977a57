// How GGUF and Transformers call the tensors of each family of decoders.
#include "models/gguf/gguf_names.h"

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

// Llama's, but for norms of heads, and for the feed-forward layers and the norm before them.
// clang-format off
#define LLAMA_LAYER_NAMES                                                    \
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},                        \
    {"output_norm", "model.norm", SAFE_AS_IS},                               \
    {"output", "lm_head", SAFE_AS_IS},                                       \
    {"blk.%.attn_norm", "model.layers.%.input_layernorm", SAFE_AS_IS},       \
    {"blk.%.attn_q", "model.layers.%.self_attn.q_proj", SAFE_AS_IS},         \
    {"blk.%.attn_k", "model.layers.%.self_attn.k_proj", SAFE_AS_IS},         \
    {"blk.%.attn_v", "model.layers.%.self_attn.v_proj", SAFE_AS_IS},         \
    {"blk.%.attn_output", "model.layers.%.self_attn.o_proj", SAFE_AS_IS}
// clang-format on

static const GgufName exaone_names[] = {
    {"token_embd", "transformer.wte", SAFE_AS_IS},
    {"output_norm", "transformer.ln_f", SAFE_AS_IS},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "transformer.h.%.ln_1", SAFE_AS_IS},
    {"blk.%.attn_q", "transformer.h.%.attn.attention.q_proj", SAFE_AS_IS},
    {"blk.%.attn_k", "transformer.h.%.attn.attention.k_proj", SAFE_AS_IS},
    {"blk.%.attn_v", "transformer.h.%.attn.attention.v_proj", SAFE_AS_IS},
    {"blk.%.attn_output", "transformer.h.%.attn.attention.out_proj", SAFE_AS_IS},
    {"blk.%.ffn_norm", "transformer.h.%.ln_2", SAFE_AS_IS},
    {"blk.%.ffn_gate", "transformer.h.%.mlp.c_fc_0", SAFE_AS_IS},
    {"blk.%.ffn_up", "transformer.h.%.mlp.c_fc_1", SAFE_AS_IS},
    {"blk.%.ffn_down", "transformer.h.%.mlp.c_proj", SAFE_AS_IS},
};
static const GgufName seed_oss_names[] = {
    LLAMA_LAYER_NAMES,
    {"blk.%.post_attention_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_gate", "model.layers.%.mlp.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.down_proj", SAFE_AS_IS},
};
static const GgufName hunyuan_names[] = {
    LLAMA_LAYER_NAMES,
    {"blk.%.attn_q_norm", "model.layers.%.self_attn.query_layernorm", SAFE_AS_IS},
    {"blk.%.attn_k_norm", "model.layers.%.self_attn.key_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_gate", "model.layers.%.mlp.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.down_proj", SAFE_AS_IS},
};
static const GgufName hunyuan_moe_names[] = {
    LLAMA_LAYER_NAMES,
    {"blk.%.attn_q_norm", "model.layers.%.self_attn.query_layernorm", SAFE_AS_IS},
    {"blk.%.attn_k_norm", "model.layers.%.self_attn.key_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_gate_inp", "model.layers.%.mlp.gate.wg", SAFE_AS_IS},
    {"blk.%.ffn_gate_exps", "model.layers.%.mlp.experts.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up_exps", "model.layers.%.mlp.experts.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down_exps", "model.layers.%.mlp.experts.down_proj", SAFE_AS_IS},
    {"blk.%.ffn_gate_shexp", "model.layers.%.mlp.shared_mlp.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up_shexp", "model.layers.%.mlp.shared_mlp.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down_shexp", "model.layers.%.mlp.shared_mlp.down_proj", SAFE_AS_IS},
};
// Gate and up projection are one tensor, in that order in both.
static const GgufName glm_names[] = {
    LLAMA_LAYER_NAMES,
    {"blk.%.post_attention_norm", "model.layers.%.post_self_attn_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.post_ffw_norm", "model.layers.%.post_mlp_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.gate_up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.down_proj", SAFE_AS_IS},
};

// All experts of a layer are one tensor there; checkpoint_experts.c takes them apart, and quantize_experts.c puts them together.
static const GgufName mixtral_names[] = {
    LLAMA_NAMES,
    {"blk.%.ffn_gate_inp", "model.layers.%.block_sparse_moe.gate", SAFE_AS_IS},
    {"blk.%.ffn_gate_exps", "model.layers.%.block_sparse_moe.experts.w1", SAFE_AS_IS},
    {"blk.%.ffn_up_exps", "model.layers.%.block_sparse_moe.experts.w3", SAFE_AS_IS},
    {"blk.%.ffn_down_exps", "model.layers.%.block_sparse_moe.experts.w2", SAFE_AS_IS},
};
static const GgufName minimax_names[] = {
    LLAMA_NAMES,
    {"blk.%.ffn_gate_inp", "model.layers.%.block_sparse_moe.gate", SAFE_AS_IS},
    {"blk.%.exp_probs_b.bias", "model.layers.%.block_sparse_moe.e_score_correction_bias",
     SAFE_AS_IS},
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
// Granite 4 without state spaces, a Granite there. "gate_up": what gguf_tensors.c makes of the gate and what it gates.
static const GgufName granite4_names[] = {
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},
    {"output_norm", "model.norm", SAFE_AS_IS},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "model.layers.%.input_layernorm", SAFE_AS_IS},
    {"blk.%.attn_q", "model.layers.%.self_attn.q_proj", SAFE_REORDERED},
    {"blk.%.attn_k", "model.layers.%.self_attn.k_proj", SAFE_REORDERED},
    {"blk.%.attn_v", "model.layers.%.self_attn.v_proj", SAFE_AS_IS},
    {"blk.%.attn_output", "model.layers.%.self_attn.o_proj", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_gate_up", "model.layers.%.shared_mlp.input_linear", SAFE_AS_IS},
    {"blk.%.ffn_gate", "model.layers.%.shared_mlp.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.shared_mlp.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.shared_mlp.output_linear", SAFE_AS_IS},
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

// Of layers with experts whose choice a bias corrects, and of the dense ones before them.
// clang-format off
#define CORRECTED_NAMES                                                                  \
    {"blk.%.ffn_gate", "model.layers.%.mlp.gate_proj", SAFE_AS_IS},                      \
    {"blk.%.ffn_up", "model.layers.%.mlp.up_proj", SAFE_AS_IS},                          \
    {"blk.%.ffn_down", "model.layers.%.mlp.down_proj", SAFE_AS_IS},                      \
    {"blk.%.ffn_gate_inp", "model.layers.%.mlp.gate", SAFE_AS_IS},                       \
    {"blk.%.exp_probs_b.bias", "model.layers.%.mlp.gate.e_score_correction_bias", SAFE_AS_IS}, \
    {"blk.%.ffn_gate_exps", "model.layers.%.mlp.experts.gate_proj", SAFE_AS_IS},         \
    {"blk.%.ffn_up_exps", "model.layers.%.mlp.experts.up_proj", SAFE_AS_IS},             \
    {"blk.%.ffn_down_exps", "model.layers.%.mlp.experts.down_proj", SAFE_AS_IS},         \
    {"blk.%.ffn_gate_shexp", "model.layers.%.mlp.shared_experts.gate_proj", SAFE_AS_IS}, \
    {"blk.%.ffn_up_shexp", "model.layers.%.mlp.shared_experts.up_proj", SAFE_AS_IS},     \
    {"blk.%.ffn_down_shexp", "model.layers.%.mlp.shared_experts.down_proj", SAFE_AS_IS}
// clang-format on

// Keys and values of a head are made of the same few numbers by one tensor, or by one each (gguf_tensors.c).
static const GgufName deepseek_names[] = {
    LLAMA_LAYER_NAMES,
    CORRECTED_NAMES,
    {"blk.%.attn_q_a", "model.layers.%.self_attn.q_a_proj", SAFE_AS_IS},
    {"blk.%.attn_q_a_norm", "model.layers.%.self_attn.q_a_layernorm", SAFE_AS_IS},
    {"blk.%.attn_q_b", "model.layers.%.self_attn.q_b_proj", SAFE_AS_IS},
    {"blk.%.attn_kv_a_mqa", "model.layers.%.self_attn.kv_a_proj_with_mqa", SAFE_AS_IS},
    {"blk.%.attn_kv_a_norm", "model.layers.%.self_attn.kv_a_layernorm", SAFE_AS_IS},
    {"blk.%.attn_kv_b", "model.layers.%.self_attn.kv_b_proj", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
};
static const GgufName dots_names[] = {
    LLAMA_LAYER_NAMES,
    CORRECTED_NAMES,
    {"blk.%.attn_q_norm", "model.layers.%.self_attn.q_norm", SAFE_AS_IS},
    {"blk.%.attn_k_norm", "model.layers.%.self_attn.k_norm", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
};
// "nextn": of blocks behind the last, which are left out.
static const GgufName glm4_moe_names[] = {
    LLAMA_LAYER_NAMES,
    CORRECTED_NAMES,
    {"blk.%.attn_q_norm", "model.layers.%.self_attn.q_norm", SAFE_AS_IS},
    {"blk.%.attn_k_norm", "model.layers.%.self_attn.k_norm", SAFE_AS_IS},
    {"blk.%.post_attention_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.nextn.eh_proj", "model.layers.%.eh_proj", SAFE_AS_IS},
    {"blk.%.nextn.enorm", "model.layers.%.enorm", SAFE_AS_IS},
    {"blk.%.nextn.hnorm", "model.layers.%.hnorm", SAFE_AS_IS},
    {"blk.%.nextn.embed_tokens", "model.layers.%.embed_tokens", SAFE_AS_IS},
    {"blk.%.nextn.shared_head_head", "model.layers.%.shared_head.head", SAFE_AS_IS},
    {"blk.%.nextn.shared_head_norm", "model.layers.%.shared_head.norm", SAFE_AS_IS},
};

static const GgufName gpt_oss_names[] = {
    LLAMA_LAYER_NAMES,
    {"blk.%.attn_sinks.weight", "model.layers.%.self_attn.sinks", SAFE_AS_IS},
    {"blk.%.post_attention_norm", "model.layers.%.post_attention_layernorm", SAFE_AS_IS},
    {"blk.%.ffn_gate_inp", "model.layers.%.mlp.router", SAFE_AS_IS},
    {"blk.%.ffn_gate_exps", "model.layers.%.mlp.experts.gate_proj", SAFE_AS_IS},
    {"blk.%.ffn_up_exps", "model.layers.%.mlp.experts.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down_exps", "model.layers.%.mlp.experts.down_proj", SAFE_AS_IS},
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

static const GgufName lfm2_names[] = {
    {"token_embd", "model.embed_tokens", SAFE_AS_IS},
    {"token_embd_norm", "model.embedding_norm",
     SAFE_AS_IS}, // behind the last block, whatever its name says
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "model.layers.%.operator_norm", SAFE_AS_IS},
    {"blk.%.attn_q", "model.layers.%.self_attn.q_proj", SAFE_AS_IS},
    {"blk.%.attn_k", "model.layers.%.self_attn.k_proj", SAFE_AS_IS},
    {"blk.%.attn_v", "model.layers.%.self_attn.v_proj", SAFE_AS_IS},
    {"blk.%.attn_output", "model.layers.%.self_attn.out_proj", SAFE_AS_IS},
    {"blk.%.attn_q_norm", "model.layers.%.self_attn.q_layernorm", SAFE_AS_IS},
    {"blk.%.attn_k_norm", "model.layers.%.self_attn.k_layernorm", SAFE_AS_IS},
    {"blk.%.shortconv.in_proj", "model.layers.%.conv.in_proj", SAFE_AS_IS},
    {"blk.%.shortconv.conv", "model.layers.%.conv.conv", SAFE_AS_IS},
    {"blk.%.shortconv.out_proj", "model.layers.%.conv.out_proj", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.ffn_norm", SAFE_AS_IS},
    {"blk.%.ffn_gate", "model.layers.%.feed_forward.w1", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.feed_forward.w3", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.feed_forward.w2", SAFE_AS_IS},
};

static const GgufName starcoder2_names[] = {
    LLAMA_LAYER_NAMES,
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

static const GgufName mpt_names[] = {
    {"token_embd", "transformer.wte", SAFE_AS_IS},
    {"output_norm", "transformer.norm_f", SAFE_AS_IS},
    {"output", "lm_head", SAFE_AS_IS},
    {"blk.%.attn_norm", "transformer.blocks.%.norm_1", SAFE_AS_IS},
    {"blk.%.attn_qkv", "transformer.blocks.%.attn.Wqkv", SAFE_AS_IS},
    {"blk.%.attn_output", "transformer.blocks.%.attn.out_proj", SAFE_AS_IS},
    {"blk.%.ffn_norm", "transformer.blocks.%.norm_2", SAFE_AS_IS},
    {"blk.%.ffn_up", "transformer.blocks.%.ffn.up_proj", SAFE_AS_IS},
    {"blk.%.ffn_down", "transformer.blocks.%.ffn.down_proj", SAFE_AS_IS},
};

// GPT-2 and StarCoder, but for the layers of a block.
// clang-format off
#define GPT_NAMES                                           \
    {"token_embd", "transformer.wte", SAFE_AS_IS},          \
    {"position_embd", "transformer.wpe", SAFE_AS_IS},       \
    {"output_norm", "transformer.ln_f", SAFE_AS_IS},        \
    {"output", "lm_head", SAFE_AS_IS},                      \
    {"blk.%.attn_norm", "transformer.h.%.ln_1", SAFE_AS_IS}, \
    {"blk.%.ffn_norm", "transformer.h.%.ln_2", SAFE_AS_IS}
// clang-format on

static const GgufName gpt2_names[] = {
    GPT_NAMES,
    {"blk.%.attn_qkv", "transformer.h.%.attn.c_attn", SAFE_TRANSPOSED},
    {"blk.%.attn_output", "transformer.h.%.attn.c_proj", SAFE_TRANSPOSED},
    {"blk.%.ffn_up", "transformer.h.%.mlp.c_fc", SAFE_TRANSPOSED},
    {"blk.%.ffn_down", "transformer.h.%.mlp.c_proj", SAFE_TRANSPOSED},
};
static const GgufName gpt_bigcode_names[] = {
    GPT_NAMES,
    {"blk.%.attn_qkv", "transformer.h.%.attn.c_attn", SAFE_REORDERED},
    {"blk.%.attn_output", "transformer.h.%.attn.c_proj", SAFE_AS_IS},
    {"blk.%.ffn_up", "transformer.h.%.mlp.c_fc", SAFE_AS_IS},
    {"blk.%.ffn_down", "transformer.h.%.mlp.c_proj", SAFE_AS_IS},
};

#define NAMES(list) list, sizeof(list) / sizeof *(list)

const GgufFamily gguf_families[] = {
    {"llama", "llama", "LlamaForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"llama", "mistral", "MistralForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"llama", "ministral", "MinistralForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"llama", "cwm", "CwmForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"llama", "internlm3", "InternLM3ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"llama", "helium", "HeliumForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER,
     false}, // whose pairs are neighbours
    {"qwen2", "qwen2", "Qwen2ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"llama", "mixtral", "MixtralForCausalLM", NAMES(mixtral_names), GGUF_ROWS_IN_PAIRS, false},
    {"minimax-m2", "minimax_m2", "MiniMaxM2ForCausalLM", NAMES(minimax_names), GGUF_ROWS_IN_ORDER,
     false},
    {"qwen2moe", "qwen2_moe", "Qwen2MoeForCausalLM", NAMES(experts_names), GGUF_ROWS_IN_ORDER,
     false},
    {"qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM", NAMES(experts_names), GGUF_ROWS_IN_ORDER,
     false},
    {"olmoe", "olmoe", "OlmoeForCausalLM", NAMES(experts_names), GGUF_ROWS_IN_ORDER, false},
    {"granitemoe", "granitemoe", "GraniteMoeForCausalLM", NAMES(granitemoe_names),
     GGUF_ROWS_IN_PAIRS, false},
    {"deepseek2", "deepseek_v2", "DeepseekV2ForCausalLM", NAMES(deepseek_names), GGUF_ROWS_IN_ORDER,
     false},
    {"deepseek2", "deepseek_v3", "DeepseekV3ForCausalLM", NAMES(deepseek_names), GGUF_ROWS_IN_ORDER,
     false},
    {"deepseek2", "glm4_moe_lite", "Glm4MoeLiteForCausalLM", NAMES(deepseek_names),
     GGUF_ROWS_IN_ORDER, false},
    {"glm4moe", "glm4_moe", "Glm4MoeForCausalLM", NAMES(glm4_moe_names), GGUF_ROWS_IN_ORDER, false},
    {"dots1", "dots1", "Dots1ForCausalLM", NAMES(dots_names), GGUF_ROWS_IN_ORDER, false},
    {"hunyuan-moe", "hunyuan_v1_moe", "HunYuanMoEV1ForCausalLM", NAMES(hunyuan_moe_names),
     GGUF_ROWS_IN_ORDER, false},
    {"gpt-oss", "gpt_oss", "GptOssForCausalLM", NAMES(gpt_oss_names), GGUF_ROWS_IN_ORDER, false},
    {"phi3", "phi3", "Phi3ForCausalLM", NAMES(phi3_names), GGUF_ROWS_IN_ORDER, false},
    {"gemma", "gemma", "GemmaForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, true},
    {"gemma2", "gemma2", "Gemma2ForCausalLM", NAMES(gemma_names), GGUF_ROWS_IN_ORDER, true},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM", NAMES(gemma_names), GGUF_ROWS_IN_ORDER, true},
    {"gemma-embedding", "gemma3_text", "Gemma3TextModel", NAMES(gemma_names), GGUF_ROWS_IN_ORDER,
     true},
    {"granite", "granite", "GraniteForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"granite", "granitemoehybrid", "GraniteMoeHybridForCausalLM", NAMES(granite4_names),
     GGUF_ROWS_IN_PAIRS, false},
    {"smollm3", "smollm3", "SmolLM3ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"stablelm", "stablelm", "StableLmForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"command-r", "cohere", "CohereForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"cohere2", "cohere2", "Cohere2ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"mistral3", "ministral3", "Ministral3ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS,
     false},
    {"olmo2", "olmo2", "Olmo2ForCausalLM", NAMES(olmo2_names), GGUF_ROWS_IN_ORDER, false},
    {"olmo2", "olmo3", "Olmo3ForCausalLM", NAMES(olmo2_names), GGUF_ROWS_IN_ORDER, false},
    {"exaone4", "exaone4", "Exaone4ForCausalLM", NAMES(olmo2_names), GGUF_ROWS_IN_ORDER, false},
    {"exaone", "exaone", "ExaoneForCausalLM", NAMES(exaone_names), GGUF_ROWS_IN_ORDER, false},
    {"olmo", "olmo", "OlmoForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"nemotron", "nemotron", "NemotronForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, true},
    {"arcee", "arcee", "ArceeForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_PAIRS, false},
    {"jais2", "jais2", "Jais2ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"chatglm", "glm", "GlmForCausalLM", NAMES(glm_names), GGUF_ROWS_IN_ORDER, false},
    {"glm4", "glm4", "Glm4ForCausalLM", NAMES(glm_names), GGUF_ROWS_IN_ORDER, false},
    {"ernie4_5", "ernie4_5", "Ernie4_5ForCausalLM", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
    {"seed_oss", "seed_oss", "SeedOssForCausalLM", NAMES(seed_oss_names), GGUF_ROWS_IN_ORDER,
     false},
    {"hunyuan-dense", "hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM", NAMES(hunyuan_names),
     GGUF_ROWS_IN_ORDER, false},
    {"lfm2", "lfm2", "Lfm2ForCausalLM", NAMES(lfm2_names), GGUF_ROWS_IN_ORDER, false},
    {"starcoder2", "starcoder2", "Starcoder2ForCausalLM", NAMES(starcoder2_names),
     GGUF_ROWS_IN_ORDER, false},
    {"starcoder", "gpt_bigcode", "GPTBigCodeForCausalLM", NAMES(gpt_bigcode_names),
     GGUF_ROWS_STACKED, false},
    {"phi2", "phi", "PhiForCausalLM", NAMES(phi_names), GGUF_ROWS_IN_ORDER, false},
    {"gptneox", "gpt_neox", "GPTNeoXForCausalLM", NAMES(gpt_neox_names), GGUF_ROWS_STACKED, false},
    {"bloom", "bloom", "BloomForCausalLM", NAMES(bloom_names), GGUF_ROWS_STACKED, false},
    {"mpt", "mpt", "MptForCausalLM", NAMES(mpt_names), GGUF_ROWS_IN_ORDER, false},
    {"falcon", "falcon", "FalconForCausalLM", NAMES(falcon_names), GGUF_ROWS_STACKED, false},
    {"gpt2", "gpt2", "GPT2LMHeadModel", NAMES(gpt2_names), GGUF_ROWS_IN_ORDER, false},
    {"eurobert", "eurobert", "EuroBertModel", NAMES(llama_names), GGUF_ROWS_IN_ORDER, false},
};
const size_t gguf_n_families = sizeof gguf_families / sizeof *gguf_families;

const GgufFamily gguf_falcon_two = {
    "falcon", "falcon", "FalconForCausalLM", NAMES(falcon_two_names), GGUF_ROWS_STACKED, false};
