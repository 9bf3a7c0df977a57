"""What Transformers makes of small decoders: writes tests/models/decoders.json, which tests/models/test_decoder_kinds.c reads.

Weights follow from the tensors' names alone, so that the test makes the same model: number i of a tensor is
centre + reach * (2 u - 1) in f32, u the upper 24 bits of splitmix64(FNV-1a(name) + i) over 2^24; centre is 1 for weights of
norms, else 0. What a sum of gradients is weighted by has the same form, under the name with "#" behind it.

    python tools/peers/decoders.py --out tests/models/decoders.json [--models FOLDER] [--only NAME,..]

With --only, cases that begin so are made anew, and the others stay as the file has them.

Made with transformers 5.24.0 and torch 2.15.0 in f32, gradients of IN_DOUBLE in f64.
"""

import argparse
import json
import sys
from unittest import mock

import numpy as np
import torch
import transformers
from transformers.integrations.mxfp4 import dequantize_convertops

REACH = 0.3
TEXTS = [[5], [7, 3, 11, 2, 19, 23, 1], [4, 8, 15, 16, 23, 26, 2, 9, 13, 27, 6, 1, 20, 18, 3, 12, 25, 5, 21]]
N_NEW = 8
VOCAB = 29

SMALL = dict(vocab_size=VOCAB, num_hidden_layers=2, max_position_embeddings=40, bos_token_id=None, eos_token_id=None,
             pad_token_id=None)
WIDE = dict(SMALL, hidden_size=48, num_attention_heads=4, intermediate_size=40)
ODD = dict(SMALL, hidden_size=36, num_attention_heads=3, intermediate_size=28)
GPT = dict(vocab_size=VOCAB, n_layer=2, bos_token_id=None, eos_token_id=None, pad_token_id=None)

CASES = {
    "gpt_neox": dict(WIDE, rotary_pct=0.5),
    "gpt_neox-serial": dict(ODD, rotary_pct=0.34, rotary_emb_base=500, use_parallel_residual=False, attention_bias=False,
                            tie_word_embeddings=True, hidden_act="gelu_new"),
    "opt": dict(SMALL, hidden_size=48, num_attention_heads=4, ffn_dim=40),
    "opt-post": dict(SMALL, hidden_size=36, num_attention_heads=3, ffn_dim=28, word_embed_proj_dim=20,
                     do_layer_norm_before=False),
    "opt-plain": dict(SMALL, hidden_size=36, num_attention_heads=3, ffn_dim=28, enable_bias=False, word_embed_proj_dim=44,
                      tie_word_embeddings=False, activation_function="gelu"),
    "olmo2": dict(WIDE, num_key_value_heads=2),
    "olmo2-odd": dict(ODD, num_key_value_heads=1, attention_bias=True, tie_word_embeddings=True, rope_theta=500.0),
    "smollm3": dict(WIDE, num_key_value_heads=2, num_hidden_layers=4, no_rope_layer_interval=2),
    "smollm3-window": dict(ODD, num_key_value_heads=3, use_sliding_window=True, sliding_window=5,
                           no_rope_layers=[0, 1], attention_bias=True, mlp_bias=True, tie_word_embeddings=False),
    "granite": dict(WIDE, num_key_value_heads=2, embedding_multiplier=3.0, residual_multiplier=0.4,
                    attention_multiplier=0.2, logits_scaling=2.5),
    "granite-odd": dict(ODD, num_key_value_heads=1, embedding_multiplier=1.5, residual_multiplier=0.7,
                        attention_multiplier=0.3, logits_scaling=0.5, attention_bias=True, mlp_bias=True,
                        tie_word_embeddings=True),
    "stablelm": dict(WIDE, num_key_value_heads=2, partial_rotary_factor=0.34, use_qkv_bias=True),
    "stablelm-parallel": dict(ODD, num_key_value_heads=3, partial_rotary_factor=0.5, use_parallel_residual=True),
    "phi": dict(WIDE, partial_rotary_factor=0.5),
    "phi-odd": dict(ODD, num_key_value_heads=1, partial_rotary_factor=0.34),
    "gptj": dict(GPT, n_embd=48, n_head=4, n_inner=40, n_positions=40, rotary_dim=6),
    "gptj-odd": dict(GPT, n_embd=36, n_head=3, n_positions=40, rotary_dim=12),
    "bloom": dict(GPT, hidden_size=48, n_head=4, seq_length=40),
    "bloom-post": dict(GPT, hidden_size=36, n_head=3, seq_length=40, apply_residual_connection_post_layernorm=True),
    "falcon": dict(SMALL, hidden_size=48, num_attention_heads=4),
    "falcon-groups": dict(SMALL, hidden_size=48, num_attention_heads=4, num_kv_heads=2, new_decoder_architecture=True,
                          ffn_hidden_size=40, bias=True),
    "falcon-one-norm": dict(SMALL, hidden_size=36, num_attention_heads=6, num_kv_heads=2, new_decoder_architecture=True,
                            num_ln_in_parallel_attn=1),
    "falcon-alibi": dict(SMALL, hidden_size=40, num_attention_heads=4, multi_query=False, parallel_attn=False, alibi=True,
                         bias=True),
    "starcoder2": dict(WIDE, num_key_value_heads=2, sliding_window=6),
    "starcoder2-odd": dict(ODD, num_key_value_heads=1, use_bias=False, tie_word_embeddings=False, sliding_window=None),
    "cohere": dict(WIDE, num_key_value_heads=2, logit_scale=0.25),
    "cohere-odd": dict(ODD, num_key_value_heads=1, attention_bias=True, tie_word_embeddings=False, logit_scale=1.5),
    "cohere2": dict(WIDE, num_key_value_heads=2, logit_scale=0.25, sliding_window=6, sliding_window_pattern=2),
    "gemma": dict(WIDE, num_key_value_heads=2, head_dim=8, hidden_act="gelu"),
    "gemma-odd": dict(ODD, num_key_value_heads=1, head_dim=10, attention_bias=True, tie_word_embeddings=False),
    "gemma2-odd": dict(ODD, num_key_value_heads=1, head_dim=10, attention_bias=True, tie_word_embeddings=False,
                       sliding_window=5, query_pre_attn_scalar=7, final_logit_softcapping=None, attn_logit_softcapping=1.5),
    "gemma3_text-odd": dict(ODD, num_key_value_heads=1, head_dim=10, attention_bias=True, sliding_window=4,
                            query_pre_attn_scalar=33, layer_types=["full_attention", "sliding_attention"],
                            rope_parameters={"full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0},
                                             "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}}),
    "gpt_neo": dict(vocab_size=VOCAB, hidden_size=48, num_layers=2, num_heads=4, max_position_embeddings=40, window_size=5,
                    attention_types=[[["global", "local"], 1]], bos_token_id=None, eos_token_id=None),
    "gpt_neo-odd": dict(vocab_size=VOCAB, hidden_size=36, num_layers=2, num_heads=3, max_position_embeddings=40, window_size=7,
                        attention_types=[[["local"], 2]], intermediate_size=28, bos_token_id=None, eos_token_id=None,
                        tie_word_embeddings=False),
    "gpt_bigcode": dict(GPT, n_embd=48, n_head=4, n_positions=40, n_inner=40),
    "gpt_bigcode-heads": dict(GPT, n_embd=36, n_head=3, n_positions=40, multi_query=False, scale_attn_weights=False),
    "olmo3": dict(WIDE, num_key_value_heads=2, sliding_window=6, layer_types=["sliding_attention", "full_attention"],
                  rope_parameters={"full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0},
                                   "sliding_attention": {"rope_type": "default", "rope_theta": 500.0}}),
    "mixtral": dict(WIDE, num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2),
    "mixtral-odd": dict(ODD, num_key_value_heads=1, num_local_experts=3, num_experts_per_tok=1, sliding_window=6,
                        tie_word_embeddings=True),
    "qwen2_moe": dict(WIDE, num_key_value_heads=2, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=24,
                      shared_expert_intermediate_size=40),
    "qwen2_moe-dense": dict(ODD, num_key_value_heads=3, num_hidden_layers=4, num_experts=4, num_experts_per_tok=4,
                            moe_intermediate_size=20, shared_expert_intermediate_size=28, decoder_sparse_step=2,
                            mlp_only_layers=[3], norm_topk_prob=True, use_sliding_window=True, sliding_window=6,
                            max_window_layers=2, qkv_bias=False),
    "qwen3_moe": dict(WIDE, num_key_value_heads=2, head_dim=16, num_experts=8, num_experts_per_tok=4,
                      moe_intermediate_size=24, norm_topk_prob=True),
    "qwen3_moe-dense": dict(ODD, num_key_value_heads=1, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=20,
                            mlp_only_layers=[1], attention_bias=True, tie_word_embeddings=True),
    "olmoe": dict(WIDE, num_key_value_heads=2, num_experts=8, num_experts_per_tok=4),
    "olmoe-odd": dict(ODD, num_key_value_heads=1, num_experts=3, num_experts_per_tok=1, norm_topk_prob=True),
    "flex_olmo": dict(WIDE, num_key_value_heads=2, num_experts=5, num_experts_per_tok=3),
    "olmoe-clip": dict(WIDE, num_key_value_heads=2, num_experts=4, num_experts_per_tok=2, clip_qkv=0.9),
    "nemotron": dict(WIDE, num_key_value_heads=2),
    "nemotron-odd": dict(ODD, num_key_value_heads=1, partial_rotary_factor=0.34, attention_bias=True, mlp_bias=True,
                         tie_word_embeddings=True, norm_eps=1e-3),
    "arcee": dict(WIDE, num_key_value_heads=2),
    "arcee-odd": dict(ODD, num_key_value_heads=1, attention_bias=True, mlp_bias=True, head_dim=10, hidden_act="mish",
                      tie_word_embeddings=True),
    "glm": dict(WIDE, num_key_value_heads=2, head_dim=12),
    "glm-odd": dict(ODD, num_key_value_heads=1, head_dim=10, partial_rotary_factor=0.41, attention_bias=False,
                    tie_word_embeddings=True),
    "glm4": dict(WIDE, num_key_value_heads=2, head_dim=12),
    "glm4-odd": dict(ODD, num_key_value_heads=3, head_dim=10, partial_rotary_factor=1.0, attention_bias=False),
    "olmo": dict(WIDE, num_key_value_heads=2, clip_qkv=1.1),
    "olmo-odd": dict(ODD, num_key_value_heads=1, attention_bias=True, tie_word_embeddings=True),
    "ernie4_5": dict(WIDE, num_key_value_heads=2, head_dim=12),
    "ernie4_5-odd": dict(ODD, num_key_value_heads=1, head_dim=10, use_bias=True, tie_word_embeddings=False),
    "helium": dict(WIDE, num_key_value_heads=2, head_dim=12),
    "helium-odd": dict(ODD, num_key_value_heads=1, head_dim=12, attention_bias=True, mlp_bias=True, hidden_act="quick_gelu"),
    "seed_oss": dict(WIDE, num_key_value_heads=2, head_dim=12),
    "seed_oss-odd": dict(ODD, num_key_value_heads=1, head_dim=10, attention_bias=False, attention_out_bias=True, mlp_bias=True),
    "hunyuan_v1_dense": dict(WIDE, num_key_value_heads=2, head_dim=12),
    "hunyuan_v1_dense-odd": dict(ODD, num_key_value_heads=1, head_dim=10, attention_bias=True, tie_word_embeddings=True,
                                 rope_parameters={"rope_type": "dynamic", "alpha": 50.0, "factor": 1.0, "rope_theta": 300.0}),
    "exaone4": dict(WIDE, num_key_value_heads=2, num_hidden_layers=4, sliding_window=6),
    "exaone4-odd": dict(ODD, num_key_value_heads=1, sliding_window=None, layer_types=["full_attention"] * 2,
                        tie_word_embeddings=True),
    "ministral": dict(WIDE, num_key_value_heads=2, head_dim=12, sliding_window=6, layer_types=["sliding_attention", "full_attention"]),
    "ministral3": dict(WIDE, num_key_value_heads=2, head_dim=12,
                       rope_parameters={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8,
                                        "rope_theta": 500.0, "beta_fast": 8.0, "beta_slow": 1.0, "mscale": 1.0,
                                        "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.5}),
    "ministral3-window": dict(WIDE, num_key_value_heads=2, head_dim=12, sliding_window=6,
                              rope_parameters={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8,
                                               "rope_theta": 500.0, "llama_4_scaling_beta": 0.5}),
    "stablelm-norms": dict(WIDE, num_key_value_heads=2, qk_layernorm=True, use_parallel_residual=True,
                           partial_rotary_factor=0.34),
    "phi-norms": dict(ODD, num_key_value_heads=3, qk_layernorm=True),
    "cohere-norms": dict(WIDE, num_key_value_heads=2, logit_scale=0.25, use_qk_norm=True),
    "granitemoe": dict(WIDE, num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2, embedding_multiplier=3.0,
                       residual_multiplier=0.4, attention_multiplier=0.2, logits_scaling=2.5),
    "gpt_oss": dict(WIDE, num_key_value_heads=2, head_dim=16, num_local_experts=5, num_experts_per_tok=2, sliding_window=6),
    "gpt_oss-odd": dict(ODD, num_key_value_heads=1, head_dim=10, num_local_experts=3, num_experts_per_tok=3,
                        sliding_window=5, layer_types=["full_attention", "sliding_attention"], attention_bias=False,
                        swiglu_limit=0.2, swiglu_alpha=1.1, tie_word_embeddings=True,
                        rope_parameters={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 10,
                                         "truncate": False, "beta_fast": 8.0, "beta_slow": 0.5, "rope_theta": 500.0}),
}

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 10, "beta_fast": 8.0, "beta_slow": 0.5,
        "mscale": 0.707, "mscale_all_dim": 1.0, "rope_theta": 500.0}
CASES.update({
    "deepseek_v2": dict(WIDE, q_lora_rank=None, kv_lora_rank=20, qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=10,
                        n_routed_experts=6, num_experts_per_tok=3, moe_intermediate_size=24, n_shared_experts=2,
                        first_k_dense_replace=1, topk_method="greedy", routed_scaling_factor=1.5, rope_parameters=YARN),
    "deepseek_v2-groups": dict(ODD, q_lora_rank=16, kv_lora_rank=14, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=20,
                               n_routed_experts=6, num_experts_per_tok=2, moe_intermediate_size=20, n_shared_experts=1,
                               topk_method="group_limited_greedy", n_group=3, topk_group=2, attention_bias=True,
                               mlp_bias=True, tie_word_embeddings=True),
    "deepseek_v3": dict(WIDE, num_key_value_heads=4, q_lora_rank=24, kv_lora_rank=20, qk_nope_head_dim=12,
                        qk_rope_head_dim=8, v_head_dim=16, n_routed_experts=8, num_experts_per_tok=3,
                        moe_intermediate_size=24, n_shared_experts=1, first_k_dense_replace=1, n_group=4,
                        topk_group=2, num_mtp_layers=0, rope_parameters=dict(YARN, mscale=1.0)),  # as released: both alike
    "deepseek_v3-plain": dict(ODD, num_key_value_heads=3, q_lora_rank=None, kv_lora_rank=14, qk_nope_head_dim=10,
                              qk_rope_head_dim=6, v_head_dim=12, n_routed_experts=4, num_experts_per_tok=2,
                              moe_intermediate_size=20, n_shared_experts=2, first_k_dense_replace=0, n_group=1,
                              topk_group=1, num_mtp_layers=0, norm_topk_prob=False,
                              rope_interleave=False, attention_bias=True, routed_scaling_factor=0.7),
})

CASES.update({
    "modernbert-decoder": dict(WIDE, num_hidden_layers=4, local_attention=10, layer_types=None, pad_token_id=28, bos_token_id=27, eos_token_id=26),
    "modernbert-decoder-window": dict(WIDE, num_hidden_layers=4, local_attention=10, sliding_window=3, pad_token_id=28,
                                      bos_token_id=27, eos_token_id=26),
    "modernbert-decoder-odd": dict(ODD, pad_token_id=28, bos_token_id=27, eos_token_id=26, local_attention=6, layer_types=["sliding_attention", "full_attention"],
                                   attention_bias=True, mlp_bias=True, norm_bias=True, classifier_bias=True,
                                   decoder_bias=False, tie_word_embeddings=False, classifier_activation="silu"),
})

HYBRID = dict(num_local_experts=0, embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.2,
              logits_scaling=2.5, mamba_n_heads=2, layer_types=["attention"] * 2)
CASES.update({
    "granitemoehybrid": dict(WIDE, num_key_value_heads=2, shared_intermediate_size=44, position_embedding_type="rope", **HYBRID),
    "granitemoehybrid-nope": dict(ODD, num_key_value_heads=1, shared_intermediate_size=20, position_embedding_type="nope",
                                  attention_bias=True, tie_word_embeddings=True, **HYBRID),
    "exaone": dict(WIDE, num_key_value_heads=2, rope_parameters={
        "rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 10, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0}),
    "exaone-odd": dict(ODD, num_key_value_heads=3, tie_word_embeddings=True, rope_theta=900.0),
})

CASES.update({
    "xglm": dict(vocab_size=VOCAB, d_model=48, num_layers=2, attention_heads=4, ffn_dim=40, max_position_embeddings=40,
                 bos_token_id=None, eos_token_id=None, pad_token_id=None),
    "xglm-plain": dict(vocab_size=VOCAB, d_model=36, num_layers=2, attention_heads=3, ffn_dim=28, max_position_embeddings=40,
                       bos_token_id=None, eos_token_id=None, pad_token_id=0, scale_embedding=False, activation_function="relu",
                       tie_word_embeddings=False),
})

CASES.update({
    "glm4_moe": dict(WIDE, num_key_value_heads=2, head_dim=12, n_routed_experts=8, num_experts_per_tok=3,
                     moe_intermediate_size=24, n_shared_experts=1, first_k_dense_replace=1, n_group=1, topk_group=1,
                     num_mtp_layers=0, attention_bias=True, use_qk_norm=True, routed_scaling_factor=2.5),
    "glm4_moe_lite": dict(WIDE, num_key_value_heads=4, num_hidden_layers=3, q_lora_rank=24, kv_lora_rank=20, qk_nope_head_dim=12,
                          qk_rope_head_dim=8, v_head_dim=24, n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=24,
                          mlp_layer_types=["dense", "sparse", "sparse"], bos_token_id=None, eos_token_id=None),
    "glm4_moe_lite-mixed": dict(ODD, num_key_value_heads=3, q_lora_rank=None, kv_lora_rank=14, qk_nope_head_dim=10,
                                qk_rope_head_dim=6, v_head_dim=12, n_routed_experts=4, num_experts_per_tok=2,
                                moe_intermediate_size=20, n_shared_experts=2, mlp_layer_types=["sparse", "dense"],
                                norm_topk_prob=False, rope_interleave=False, attention_bias=True, n_group=2, topk_group=1),
    "glm4_moe-plain": dict(ODD, num_key_value_heads=1, n_routed_experts=6, num_experts_per_tok=2, moe_intermediate_size=20,
                           n_shared_experts=2, first_k_dense_replace=0, n_group=3, topk_group=2, num_mtp_layers=0,
                           norm_topk_prob=False, tie_word_embeddings=True, partial_rotary_factor=0.34),
    "codegen": dict(GPT, n_embd=48, n_head=4, n_inner=40, n_positions=40, rotary_dim=6, tie_word_embeddings=False),
    "codegen-odd": dict(GPT, n_embd=80, n_head=8, n_positions=40, rotary_dim=10, tie_word_embeddings=True),
    "vaultgemma": dict(WIDE, num_key_value_heads=2, head_dim=12, sliding_window=6, query_pre_attn_scalar=20),
    "vaultgemma-odd": dict(ODD, num_key_value_heads=1, head_dim=10, attention_bias=True, final_logit_softcapping=None,
                           attn_logit_softcapping=2.0, layer_types=["full_attention"] * 2, tie_word_embeddings=False),
    "hyperclovax": dict(WIDE, num_key_value_heads=2, embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.2,
                        logits_scaling=0.4),
    "hyperclovax-plain": dict(ODD, num_key_value_heads=1, use_post_norm=False, attention_bias=True, mlp_bias=True,
                              tie_word_embeddings=True),
    "jais2": dict(WIDE, num_key_value_heads=2, head_dim=12),
    "jais2-odd": dict(ODD, num_key_value_heads=1, head_dim=12, attention_bias=False, mlp_bias=False, tie_word_embeddings=True,
                      layer_norm_eps=1e-3),
    "internlm3": dict(WIDE, num_key_value_heads=2, head_dim=12),
    "internlm3-odd": dict(ODD, num_key_value_heads=1, head_dim=10, qkv_bias=True, bias=True, tie_word_embeddings=True,
                          rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 500.0}),
    "cwm": dict(dict(WIDE, bos_token_id=0, eos_token_id=28), num_key_value_heads=2, head_dim=12, num_hidden_layers=5, sliding_window=6),
    "cwm-odd": dict(dict(ODD, bos_token_id=0, eos_token_id=28), num_key_value_heads=1, head_dim=10, sliding_window=5, mlp_bias=True, tie_word_embeddings=True,
                    layer_types=["sliding_attention", "full_attention"],
                    rope_parameters={"rope_type": "default", "rope_theta": 700.0}),
    "dots1": dict(WIDE, num_key_value_heads=2, num_hidden_layers=3, n_routed_experts=8, num_experts_per_tok=3,
                  moe_intermediate_size=24, n_shared_experts=1, first_k_dense_replace=1, sliding_window=6, max_window_layers=1,
                  norm_topk_prob=True, routed_scaling_factor=2.5),
    "dots1-odd": dict(ODD, num_key_value_heads=1, n_routed_experts=6, num_experts_per_tok=2, moe_intermediate_size=20,
                      n_shared_experts=2, attention_bias=True, n_group=3, topk_group=2, sliding_window=None,
                      tie_word_embeddings=True),
    "hunyuan_v1_moe": dict(WIDE, num_key_value_heads=2, head_dim=12, num_experts=4, moe_topk=2),
    "hunyuan_v1_moe-odd": dict(ODD, num_key_value_heads=1, head_dim=10, num_experts=3, moe_topk=[1, 1], attention_bias=True,
                               tie_word_embeddings=True),
    "mpt": dict(vocab_size=VOCAB, d_model=48, n_heads=4, n_layers=2, max_seq_len=40),
    "mpt-odd": dict(vocab_size=VOCAB, d_model=36, n_heads=3, n_layers=2, max_seq_len=40, tie_word_embeddings=False,
                    attn_config={"clip_qkv": 0.9, "softmax_scale": 0.2}),
})

CASES.update({
    "lfm2": dict(WIDE, num_key_value_heads=2, num_hidden_layers=3, layer_types=["conv", "full_attention", "conv"],
                 block_multiple_of=16),
    "lfm2-odd": dict(ODD, num_key_value_heads=1, num_hidden_layers=4, layer_types=["conv", "conv", "full_attention", "conv"],
                     conv_bias=True, conv_L_cache=5, block_auto_adjust_ff_dim=False, tie_word_embeddings=False,
                     rope_parameters={"rope_type": "default", "rope_theta": 700.0}),
    "qwen3_5_text": dict(WIDE, num_key_value_heads=2, head_dim=16, layer_types=["linear_attention", "full_attention"],
                         linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=16, linear_value_head_dim=12),
    "qwen3_5_text-odd": dict(ODD, num_key_value_heads=1, head_dim=12, num_hidden_layers=3, attention_bias=True, tie_word_embeddings=True,
                             layer_types=["full_attention", "linear_attention", "full_attention"], linear_num_key_heads=3,
                             linear_num_value_heads=3, linear_key_head_dim=10, linear_value_head_dim=7, linear_conv_kernel_dim=3,
                             rope_parameters={"rope_type": "default", "rope_theta": 700.0, "partial_rotary_factor": 0.5}),
    "qwen3_5_moe_text": dict({k: v for k, v in WIDE.items() if k != "intermediate_size"}, num_key_value_heads=2, head_dim=16,
                             layer_types=["linear_attention", "full_attention"], linear_num_key_heads=2, linear_num_value_heads=4,
                             linear_key_head_dim=16, linear_value_head_dim=12, num_experts=6, num_experts_per_tok=2,
                             moe_intermediate_size=32, shared_expert_intermediate_size=20),
    "qwen3_next": dict(WIDE, num_key_value_heads=2, head_dim=16, num_hidden_layers=3,
                       layer_types=["linear_attention", "full_attention", "linear_attention"], linear_num_key_heads=2,
                       linear_num_value_heads=4, linear_key_head_dim=16, linear_value_head_dim=12, num_experts=6,
                       num_experts_per_tok=2, moe_intermediate_size=24, shared_expert_intermediate_size=20, mlp_only_layers=[2]),
    "qwen3_next-odd": dict(ODD, num_key_value_heads=1, head_dim=12, attention_bias=True, tie_word_embeddings=True,
                           layer_types=["full_attention", "linear_attention"], linear_num_key_heads=3, linear_num_value_heads=3,
                           linear_key_head_dim=14, linear_value_head_dim=13, linear_conv_kernel_dim=3, norm_topk_prob=False,
                           rope_parameters={"rope_type": "default", "rope_theta": 700.0, "partial_rotary_factor": 0.5},
                           num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16, shared_expert_intermediate_size=11),
    "lfm2-one": dict(WIDE, num_key_value_heads=4, layer_types=["full_attention", "conv"], conv_L_cache=1,
                     block_ffn_dim_multiplier=1.3, block_multiple_of=8),
})

GEMMA4 = dict(vocab_size_per_layer_input=VOCAB, global_head_dim=16)
CASES.update({
    "gemma4_text": dict(WIDE, num_key_value_heads=2, head_dim=8, num_hidden_layers=6, hidden_size_per_layer_input=6, sliding_window=4,
                        num_kv_shared_layers=3, use_double_wide_mlp=True, final_logit_softcapping=3.0,
                        layer_types=["sliding_attention", "sliding_attention", "full_attention"] * 2, **GEMMA4),
    "gemma4_text-keys": dict(WIDE, num_key_value_heads=2, head_dim=12, num_hidden_layers=3, hidden_size_per_layer_input=0,
                             attention_k_eq_v=True, num_global_key_value_heads=1, sliding_window=5, tie_word_embeddings=False,
                             layer_types=["full_attention", "sliding_attention", "full_attention"],
                             **dict(GEMMA4, global_head_dim=20)),
    "gemma4_text-odd": dict(ODD, num_key_value_heads=1, head_dim=10, num_hidden_layers=3, hidden_size_per_layer_input=5,
                            attention_bias=True, sliding_window=4, tie_word_embeddings=False,
                            layer_types=["sliding_attention", "full_attention", "full_attention"],
                            rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 500.0},
                                             "sliding_attention": {"rope_type": "proportional", "rope_theta": 100.0,
                                                                   "factor": 2.0, "partial_rotary_factor": 0.6}},
                            **dict(GEMMA4, global_head_dim=14)),
})

CASES.update({
    "lfm2_moe": dict(WIDE, num_key_value_heads=2, num_hidden_layers=3, layer_types=["conv", "full_attention", "conv"],
                     num_dense_layers=1, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=24),
    "lfm2_moe-odd": dict(ODD, num_key_value_heads=1, layer_types=["full_attention", "conv"], num_dense_layers=0, conv_bias=True,
                         num_experts=4, num_experts_per_tok=3, moe_intermediate_size=12, use_expert_bias=False,
                         norm_topk_prob=False, routed_scaling_factor=0.7, tie_word_embeddings=False),
    "gemma4_text-experts": dict(WIDE, num_key_value_heads=2, head_dim=12, num_hidden_layers=3, hidden_size_per_layer_input=0,
                                attention_k_eq_v=True, num_global_key_value_heads=1, sliding_window=5, enable_moe_block=True,
                                num_experts=6, top_k_experts=2, moe_intermediate_size=24,
                                layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                                **dict(GEMMA4, global_head_dim=20)),
    "gemma4_text-experts-odd": dict(ODD, num_key_value_heads=1, head_dim=10, hidden_size_per_layer_input=5, sliding_window=4,
                                    enable_moe_block=True, num_experts=3, top_k_experts=2, moe_intermediate_size=16,
                                    num_kv_shared_layers=1, layer_types=["full_attention", "full_attention"],
                                    **dict(GEMMA4, global_head_dim=14)),
    "ernie4_5_moe": dict(WIDE, num_key_value_heads=2, num_hidden_layers=3, moe_num_experts=6, moe_k=2, moe_intermediate_size=24,
                         moe_num_shared_experts=1),
    "ernie4_5_moe-odd": dict(ODD, num_key_value_heads=1, num_hidden_layers=4, moe_num_experts=4, moe_k=3, moe_intermediate_size=12,
                             moe_num_shared_experts=0, moe_layer_start_index=0, moe_layer_end_index=2, moe_layer_interval=2,
                             use_bias=False, tie_word_embeddings=False),
    "phimoe": dict(WIDE, num_key_value_heads=2, num_local_experts=6, num_experts_per_tok=2, attention_bias=True, lm_head_bias=True,
                   router_jitter_noise=0.2),
    "phimoe-odd": dict(ODD, num_key_value_heads=3, num_local_experts=4, num_experts_per_tok=2, router_jitter_noise=0.01,
                       sliding_window=5, tie_word_embeddings=True),
    "solar_open": dict({k: v for k, v in WIDE.items() if k != "intermediate_size"}, num_key_value_heads=2, head_dim=12,
                       n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=24, attention_bias=True,
                       routed_scaling_factor=2.5, num_hidden_layers=3),
    "minimax_m2": dict(WIDE, num_key_value_heads=2, head_dim=12, num_local_experts=6, num_experts_per_tok=3, rotary_dim=8),
    "minimax_m2-odd": dict(ODD, num_key_value_heads=1, head_dim=10, num_local_experts=4, num_experts_per_tok=1,
                           tie_word_embeddings=True),
    "youtu": dict(WIDE, num_key_value_heads=4, q_lora_rank=24, kv_lora_rank=20, qk_nope_head_dim=12, qk_rope_head_dim=8,
                  v_head_dim=16),
    "youtu-plain": dict(ODD, num_key_value_heads=3, q_lora_rank=None, kv_lora_rank=14, qk_nope_head_dim=10, qk_rope_head_dim=6,
                        v_head_dim=12, rope_interleave=False, attention_bias=True, tie_word_embeddings=False),
    "minicpm3": dict(WIDE, num_key_value_heads=4, q_lora_rank=24, kv_lora_rank=20, qk_nope_head_dim=12, qk_rope_head_dim=8,
                     scale_emb=3, scale_depth=0.9, dim_model_base=12),
    "minicpm3-plain": dict(ODD, num_key_value_heads=3, q_lora_rank=None, kv_lora_rank=14, qk_nope_head_dim=10,
                           qk_rope_head_dim=6, v_head_dim=20, attention_bias=True, tie_word_embeddings=False,
                           scale_depth=None, dim_model_base=None, mlp_bias=True),
    "granite_swa": dict(WIDE, num_key_value_heads=2, num_hidden_layers=5, embedding_multiplier=3.0, residual_multiplier=0.4,
                        attention_multiplier=0.2, logits_scaling=2.5, sliding_window=4),
    "granite_swa-bases": dict(ODD, num_key_value_heads=1, num_hidden_layers=4, sliding_window=5, attention_bias=True,
                              mlp_bias=True, tie_word_embeddings=False, layer_rope_theta=[0, 500.0, 0, 90.0],
                              layer_types=["full_attention", "sliding_attention", "sliding_attention", "full_attention"]),
    "nanochat": dict(WIDE, num_key_value_heads=2),
    "nanochat-odd": dict(ODD, num_key_value_heads=1, attention_bias=True, tie_word_embeddings=True,
                         final_logit_softcapping=2.0, rope_parameters={"rope_type": "default", "rope_theta": 90.0}),
})

# Kinds whose gradients in f32 are further from the true ones than ours may be from these.
IN_DOUBLE = ["qwen3_5_text", "qwen3_5_moe_text", "qwen3_next"]

# Classes of files that Transformers reads as Llama.
OF_LLAMA = {"exaone": "ExaoneForCausalLM", "internlm3": "InternLM3ForCausalLM"}

# EXAONE is Llama under names of its own.
EXAONE = {"model.embed_tokens.": "transformer.wte.", "model.layers.": "transformer.h.", "model.norm.": "transformer.ln_f.",
          ".self_attn.o_proj.": ".attn.attention.out_proj.", ".self_attn.": ".attn.attention.", ".input_layernorm.": ".ln_1.",
          ".post_attention_layernorm.": ".ln_2.", ".gate_proj.": ".c_fc_0.", ".up_proj.": ".c_fc_1.", ".down_proj.": ".c_proj."}

# One whose experts a file has in MXFP4: rows of whole blocks.
MXFP4 = dict(SMALL, hidden_size=64, num_attention_heads=4, num_key_value_heads=2, head_dim=16, intermediate_size=32,
             num_local_experts=4, num_experts_per_tok=2, sliding_window=6)

# Of layers with experts, by the kind of model: where they stand in checkpoints, and gate, up and down.
EXPERTS = {
    "mixtral": ("block_sparse_moe", ("w1", "w3", "w2")),
    "qwen2_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "qwen3_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "olmoe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "flex_olmo": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "deepseek_v2": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "glm4_moe_lite": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "dots1": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "hunyuan_v1_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "solar_open": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "minimax_m2": ("block_sparse_moe", ("w1", "w3", "w2")),
    "qwen3_5_moe_text": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "ernie4_5_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "phimoe": ("block_sparse_moe", ("w1", "w3", "w2")),
    "lfm2_moe": ("feed_forward", ("w1", "w3", "w2")),
    "gemma4_text": ("", ("gate_proj", "up_proj", "down_proj")),
    "qwen3_next": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "glm4_moe": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "deepseek_v3": ("mlp", ("gate_proj", "up_proj", "down_proj")),
    "granitemoe": ("block_sparse_moe", ("gate_proj", "up_proj", "down_proj")),  # as assay takes its tensors apart
}


def draws(name, shape):
    """From 0 to 1."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)).reshape(shape)


def numbers(name, shape, centre):
    return np.float32(centre) + np.float32(REACH) * (2 * draws(name, shape) - 1)


def turned_experts(name, p):
    """gpt-oss: inputs first, gates and up projections in turn."""
    stem, _, layer = name.rpartition(".")
    kind = "bias" if layer.endswith("_bias") else "weight"
    for e in range(p.shape[0]):
        if layer.startswith("down_proj"):
            yield f"{stem}.{e}.down_proj.{kind}", p[e].t()
            continue
        yield f"{stem}.{e}.gate_proj.{kind}", p[e, ..., ::2].t()
        yield f"{stem}.{e}.up_proj.{kind}", p[e, ..., 1::2].t()


def experts(kind, name, p):
    """The tensors of a checkpoint that a tensor of all experts is in memory; gradients likewise."""
    if kind == "gpt_oss":
        yield from turned_experts(name, p)
        return
    block, layers = EXPERTS[kind]
    prefix = name[: name.index(".experts.")]
    if block:
        prefix = prefix.rpartition(".")[0] + f".{block}"
    prefix += ".experts"
    for e in range(p.shape[0]):
        if name.endswith("down_proj"):
            yield f"{prefix}.{e}.{layers[2]}.weight", p[e]
            continue
        n = p.shape[1] // 2
        yield f"{prefix}.{e}.{layers[0]}.weight", p[e, :n]
        yield f"{prefix}.{e}.{layers[1]}.weight", p[e, n:]


def parameters(model, gradients=False):
    """By their names in checkpoints: numbers, or gradients."""
    kind = model.config.model_type
    for name, p in model.named_parameters():
        if gradients and not p.requires_grad:
            continue
        p = p.grad if gradients else p.data
        if name.startswith(("transformer.embed_tokens.", "transformer.layers.", "transformer.norm.")):
            name = "model." + name.removeprefix("transformer.")  # as the other classes have it
        if ".experts." in name:
            yield from experts(kind, name, p)
            continue
        if kind == "exaone":
            for theirs, of_file in EXAONE.items():
                name = name.replace(theirs, of_file)
        if kind in ("mixtral", "minimax_m2"):
            name = name.replace(".mlp.", ".block_sparse_moe.")
        if kind == "ernie4_5_moe":
            name = name.replace(".gate.moe_statics.", ".moe_statics.")
        if kind == "phimoe":
            name = name.replace(".mlp.router.", ".block_sparse_moe.gate.")
        if kind == "granitemoe":
            name = name.replace(".router.weight", ".router.layer.weight")
        yield ("embed_out.weight" if kind == "gpt_neox" and name == "lm_head.weight" else name), p


def kind_of(name):
    """The model_type of a case: its name, or what stands before a dash."""
    return max((k for k in transformers.CONFIG_MAPPING if name == k or name.startswith(k + "-")), key=len)


def build(kind, settings):
    dropless = dict.fromkeys(["hidden_dropout", "attention_dropout", "dropout", "layerdrop", "attn_pdrop", "resid_pdrop",
                              "embd_pdrop", "residual_dropout"], 0.0)
    config = transformers.AutoConfig.for_model(kind, **settings)
    for key, value in dropless.items():
        if hasattr(config, key):
            setattr(config, key, value)
    way = "sdpa" if kind == "falcon" else "eager"  # eager Falcon of 5.24 adds ALiBi twice
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation=way).float().eval()
    fill(model)
    return model


def fill(model):
    for name, p in parameters(model):
        is_norm = (p.dim() == 1 or p.shape[0] == 1) and name.endswith(".weight")
        p.copy_(torch.from_numpy(numbers(name, tuple(p.shape), 1.0 if is_norm else 0.0)))
    for name, p in model.named_buffers():
        if model.config.model_type == "minimax_m2":
            name = name.replace(".mlp.", ".block_sparse_moe.")
        if name.endswith(("e_score_correction_bias", "expert_bias", "layer_scalar")):
            p.copy_(torch.from_numpy(numbers(name, tuple(p.shape), 1.0 if name.endswith("layer_scalar") else 0.0)))


HEADS = {
    "AutoModelForSequenceClassification": "sequence",
    "AutoModelForTokenClassification": "token",
    "AutoModelForQuestionAnswering": "span",
}


def heads(model):
    """Logits of the last text under each head that the kind has: of the sequence, or of the last token."""
    out = {}
    config = model.config.__class__.from_dict(model.config.to_dict())
    config.num_labels = 3
    for auto, head in HEADS.items():
        try:
            other = getattr(transformers, auto).from_config(config, attn_implementation=model.config._attn_implementation)
        except ValueError:
            continue
        other = other.float().eval()
        fill(other)
        with torch.no_grad():
            got = other(torch.tensor([TEXTS[-1]]))
        last = got.logits[0] if head == "sequence" else got.logits[0, -1] if head == "token" else torch.stack(
            [got.start_logits[0, -1], got.end_logits[0, -1]])
        out[head] = [float(f"{v:.6g}") for v in last.tolist()]
    return out


def answer(model):
    out = {"logits": [], "hidden": [], "greedy": []}
    with torch.no_grad():
        for text in TEXTS:
            ids = torch.tensor([text])
            got = model(ids, output_hidden_states=True)
            if len(text) == 1:
                out["logits"].append([])
            else:
                out["logits"].append([float(f"{v:.6g}") for v in got.logits[0, -1].tolist()])
            last = got.hidden_states[-1] if "opt" not in model.config.model_type else model.base_model(ids).last_hidden_state
            out["hidden"].append([float(f"{v:.6g}") for v in last[0].mean(0)[:6].tolist()])
            for _ in range(N_NEW):
                ids = torch.cat([ids, model(ids).logits[0, -1].argmax().view(1, 1)], 1)
            out["greedy"].append(ids[0, len(text):].tolist())
    return out


def gradients(model):
    model.zero_grad()
    losses, n = 0, 0
    for text in TEXTS[1:]:
        logits = model(torch.tensor([text])).logits[0, :-1]
        losses = losses + torch.nn.functional.cross_entropy(logits, torch.tensor(text[1:]), reduction="sum")
        n += len(text) - 1
    (losses / n).backward()
    sums = {}
    for name, gradient in parameters(model, gradients=True):
        weights = numbers(name + "#", tuple(gradient.shape), 0.0)
        sums[name] = float(f"{(gradient.double().numpy() * weights).sum():.6g}")
    return {"loss": float(f"{(losses / n).item():.6g}"), "sums": sums}


class Double:
    """torch as a module sees it that asks for f32 by name, and gets f64."""
    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


def gradients_of(name, settings, model):
    if kind_of(name) not in IN_DOUBLE:
        return gradients(model)
    module = sys.modules[type(model).__module__]
    model = build(kind_of(name), settings).double()
    model.config._experts_implementation = "eager"  # the grouped products have no f64
    with mock.patch.object(module, "torch", Double()), mock.patch.object(torch.Tensor, "float", torch.Tensor.double):
        return gradients(model)


def mxfp4():
    """What Transformers makes of experts in MXFP4, by its own way of taking blocks apart. Bytes of blocks follow from their
    tensors' names as numbers do, scales are 2^-6 to 2^-3."""
    model = build("gpt_oss", MXFP4)
    for name, p in model.named_parameters():
        if ".experts." not in name or name.endswith("_bias"):
            continue
        n_experts, n_in, n_out = p.shape
        blocks = draws(name + "_blocks", (n_experts, n_out, n_in // 32, 16)) * 256
        scales = 121 + draws(name + "_scales", (n_experts, n_out, n_in // 32)) * 4
        bytes_of = [torch.from_numpy(x.astype(np.uint8)) for x in (blocks, scales)]
        p.data.copy_(dequantize_convertops(*bytes_of, torch.float32))
    config = json.loads(model.config.to_json_string(use_diff=True))
    config.update(architectures=["GptOssForCausalLM"], quantization_config={"quant_method": "mxfp4"})
    for key in ("transformers_version", "dtype"):
        config.pop(key, None)
    with torch.no_grad():
        logits = model(torch.tensor([TEXTS[-1]])).logits[0, -1]
    return {"config": config, "logits": [float(f"{v:.6g}") for v in logits.tolist()]}


def e4m3():
    """What PyTorch makes of each byte of its 8-bit floats."""
    values = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).float().tolist()
    return [None if v != v else v for v in values]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out")
    parser.add_argument("--models")
    parser.add_argument("--only")
    args = parser.parse_args()
    before = {}
    if args.only and args.out:
        with open(args.out) as file:
            before = {case["name"]: case for case in json.load(file)["cases"]}
    torch.set_num_threads(1)
    cases = []
    for name, settings in CASES.items():
        if args.only and not name.startswith(tuple(args.only.split(","))):
            cases += [before[name]] if name in before else []
            continue
        torch.manual_seed(0)
        model = build(kind_of(name), settings)
        config = json.loads(model.config.to_json_string(use_diff=True))
        config["architectures"] = [OF_LLAMA.get(kind_of(name), type(model).__name__)]
        for key in ("transformers_version", "dtype"):
            config.pop(key, None)
        case = {"name": name, "config": config, **answer(model), **gradients_of(name, settings, model), "heads": heads(model)}
        case["n_parameters"] = sum(p.numel() for p in model.parameters() if p.requires_grad)
        cases.append(case)
        if args.models:
            model.save_pretrained(f"{args.models}/{name}")
        print(name, case["n_parameters"], case["loss"], case["greedy"][-1])
    if args.out:
        with open(args.out, "w") as out:
            body = ",\n".join(json.dumps(case) for case in cases)
            out.write('{"texts": %s,\n"mxfp4": %s,\n"e4m3": %s,\n"cases": [\n%s\n]}\n' % (
                json.dumps(TEXTS), json.dumps(mxfp4()), json.dumps(e4m3()), body))


if __name__ == "__main__":
    main()
