// DeepSeek 2 and 3: attention to keys and values that are made of fewer numbers, and experts of which some are every token's.
#include <string.h>

#include "models/gguf/gguf_import_internal.h"

// Newer files have these of a head under keys of their own ("_mla"), and beside them those of what is cached.
static void put_heads(GgufImport *in)
{
    size_t n_key = in->head_dim, n_value = n_key;
    (void)import_size(in, "attention.value_length", &n_value);
    (void)import_size(in, "attention.key_length_mla", &n_key);
    (void)import_size(in, "attention.value_length_mla", &n_value);
    if (in->status == STATUS_OK && n_key <= in->rotary_dims) {
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": keys have %zu columns, of which %zu are said to turn",
                               SLICE_ARG(in->file->name), n_key, in->rotary_dims);
        return;
    }
    import_put_size(in, "num_attention_heads", in->n_heads);
    import_put_size(in, "num_key_value_heads", in->n_heads);
    import_put_size(in, "qk_nope_head_dim", n_key - in->rotary_dims);
    import_put_size(in, "qk_rope_head_dim", in->rotary_dims);
    import_put_size(in, "v_head_dim", n_value);
    import_copy_size(in, "attention.kv_lora_rank", "kv_lora_rank");
    if (import_block_tensor(in, 0, "attn_q_a"))
        import_copy_size(in, "attention.q_lora_rank", "q_lora_rank");
    else
        json_member_null(&in->w, "q_lora_rank");
    in->head_dim = in->rotary_dims; // as Transformers counts it
    import_put_size(in, "head_dim", in->head_dim);
}

void import_put_shared_experts(GgufImport *in, bool is_corrected)
{
    char key[IMPORT_KEY_SIZE];
    size_t n_dense = 0, n_shared = 0, n_groups = 1, n_top_groups = 1;
    bool normalizes = false;
    double scale = 1;
    (void)import_size(in, "leading_dense_block_count", &n_dense);
    (void)import_size(in, "expert_shared_count", &n_shared);
    (void)import_size(in, "expert_group_count", &n_groups);
    (void)import_size(in, "expert_group_used_count", &n_top_groups);
    if (import_real(in, "expert_weights_scale", &scale) && scale == 0) scale = 1; // not scaled
    import_put_size(in, "first_k_dense_replace", n_dense);
    import_put_size(in, "n_shared_experts", n_shared);
    import_put_real(in, "routed_scaling_factor", scale);
    import_copy_size(in, "expert_count", "n_routed_experts");
    import_copy_size(in, "expert_used_count", "num_experts_per_tok");
    import_copy_size(in, "expert_feed_forward_length", "moe_intermediate_size");
    if (in->status == STATUS_OK)
        in->status = gguf_get_bool(in->file, import_key(in, "expert_weights_norm", key),
                                   &normalizes, NULL, in->err);
    if (is_corrected) import_put_flag(in, "norm_topk_prob", normalizes);
    if (!is_corrected)
        import_put_text(in, "topk_method", n_groups > 1 ? "group_limited_greedy" : "greedy");
    if (!is_corrected && normalizes && in->status == STATUS_OK)
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": metadata \"%s\" is true: of DeepSeek 2 only false is "
                                         "supported",
                               SLICE_ARG(in->file->name), key);
    if (!is_corrected && n_groups <= 1) return;
    import_put_size(in, "n_group", n_groups);
    import_put_size(in, "topk_group", n_top_groups);
}

// A softmax whose choice a bias corrects, which a file without expert_gating_func asks for.
static void refuse_correction(GgufImport *in)
{
    char name[GGUF_NAME_SIZE];
    for (size_t i = 0; in->status == STATUS_OK && i < in->n_layers; i++) {
        (void)snprintf(name, sizeof name, "blk.%zu.exp_probs_b.bias", i);
        if (!import_has_tensor(in, name)) continue;
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": tensor \"%s\" corrects the choice of experts, which is "
                                         "supported with \"%s.expert_gating_func\" 2 (sigmoids) "
                                         "alone",
                               SLICE_ARG(in->file->name), name, in->architecture);
    }
}

void import_put_deepseek(GgufImport *in)
{
    import_put_rows(in, "token_embd.weight", "vocab_size");
    import_put_size(in, "hidden_size", in->hidden_size);
    import_put_size(in, "num_hidden_layers", in->n_layers);
    import_copy_size(in, "feed_forward_length", "intermediate_size");
    import_copy_size(in, "context_length", "max_position_embeddings");
    import_copy_real(in, "attention.layer_norm_rms_epsilon", "rms_norm_eps");
    import_put_text(in, "hidden_act", "silu");
    import_put_flag(in, "tie_word_embeddings", !import_has_tensor(in, "output.weight"));
    import_put_flag(in, "attention_bias", import_has_tensor(in, "blk.0.attn_kv_a_mqa.bias"));
    import_put_flag(in, "mlp_bias",
                    import_has_tensor(in, "blk.0.ffn_up.bias") ||
                        import_has_tensor(in, "blk.0.ffn_up_shexp.bias"));
    put_heads(in);
    import_put_rope(in);
    const bool is_corrected = strcmp(in->family->model_type, "deepseek_v3") == 0;
    import_put_shared_experts(in, is_corrected);
    if (!is_corrected) refuse_correction(in);
}
