// Decoders: what all of Llama's kin have, and what one family alone has.
#include <math.h>
#include <string.h>

#include "models/gguf/gguf_import_internal.h"

// A window; 0 stands for none.
static void put_window(GgufImport *in)
{
    char key[IMPORT_KEY_SIZE];
    int64_t window = 0;
    bool found = false;
    if (in->status != STATUS_OK) return;
    in->status = gguf_get_int(in->file, import_key(in, "attention.sliding_window", key), 0,
                              IMPORT_MAX_SIZE, &window, &found, in->err);
    if (in->status == STATUS_OK && window > 0)
        import_put_size(in, "sliding_window", (size_t)window);
}

// Gemma: windows in all but every second (third generation: sixth) block, soft caps, and a scale of its own. The first has none of
// these.
static void put_gemma(GgufImport *in)
{
    size_t window = 0;
    const bool is_third = strcmp(in->family->model_type, "gemma3_text") == 0,
               is_first = strcmp(in->family->model_type, "gemma") == 0;
    import_put_text(in, is_first ? "hidden_act" : "hidden_activation", "gelu_pytorch_tanh");
    import_put_flag(in, "attention_bias", import_has_tensor(in, "blk.0.attn_q.bias"));
    if (is_first) return;
    if (strcmp(in->architecture, "gemma-embedding") == 0)
        import_put_flag(in, "use_bidirectional_attention", true);
    import_copy_real(in, "attn_logit_softcapping", "attn_logit_softcapping");
    import_copy_real(in, "final_logit_softcapping", "final_logit_softcapping");
    put_window(in);
    const bool has_window = import_size(in, "attention.sliding_window", &window);
    import_put_layer_types(in, !is_third ? 2 : has_window ? 6 : 0, false);
    double local = 10000;
    if (is_third && (import_real(in, "rope.freq_base_swa", &local) || in->status == STATUS_OK))
        import_put_real(in, "rope_local_base_freq", local);
    // The 27B models alone scale by the width that a head would have without head_dim.
    const bool is_largest = in->n_layers == (is_third ? 62u : 46u);
    const size_t usual = is_largest ? in->hidden_size / in->n_heads : in->head_dim;
    double scale = 1.0 / sqrt((double)usual);
    (void)import_real(in, "attention.scale", &scale);
    import_put_real(in, "query_pre_attn_scalar", scale > 0 ? 1.0 / (scale * scale) : (double)usual);
}

// What config.json calls the epsilon of norms and the activation, where it is not rms_norm_eps and hidden_act: silu.
static const struct {
    const char *model_type, *norm_key, *activation_key, *activation;
} spellings[] = {
    {"stablelm", "layer_norm_eps", "hidden_act", "silu"},
    {"cohere", "layer_norm_eps", "hidden_act", "silu"},
    {"cohere2", "layer_norm_eps", "hidden_act", "silu"},
    {"starcoder2", "norm_epsilon", "hidden_act", "gelu_pytorch_tanh"},
    {"phi", "layer_norm_eps", "hidden_act", "gelu_new"},
    {"gpt_neox", "layer_norm_eps", "hidden_act", "gelu"},
    {"bloom", "layer_norm_epsilon", "hidden_act", "gelu_pytorch_tanh"},
    {"falcon", "layer_norm_epsilon", "activation", "gelu"},
    {"nemotron", "norm_eps", "hidden_act", "relu2"},
    {"jais2", "layer_norm_eps", "hidden_act", "relu2"},
    {"arcee", "rms_norm_eps", "hidden_act", "relu2"},
    {"lfm2", "norm_eps", "hidden_act", "silu"},
};

static bool is_gemma(const GgufImport *in)
{
    return strncmp(in->family->model_type, "gemma", 5) == 0;
}

static void put_norm_and_activation(GgufImport *in)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        if (strcmp(in->family->model_type, spellings[i].model_type) != 0) continue;
        import_copy_real(in, "attention.layer_norm_epsilon", spellings[i].norm_key);
        import_copy_real(in, "attention.layer_norm_rms_epsilon", spellings[i].norm_key);
        import_put_text(in, spellings[i].activation_key, spellings[i].activation);
        return;
    }
    import_copy_real(in, "attention.layer_norm_rms_epsilon", "rms_norm_eps");
    if (!is_gemma(in)) import_put_text(in, "hidden_act", "silu");
}

// llama.cpp knows Falcon's parallel blocks alone. n_norms: of a block.
static void put_falcon(GgufImport *in, size_t n_kv_heads)
{
    const size_t n_norms = import_has_tensor(in, "blk.0.attn_norm_2.weight") ? 2 : 1;
    import_copy_size(in, "feed_forward_length", "ffn_hidden_size");
    import_put_size(in, "num_kv_heads", n_kv_heads);
    import_put_size(in, "num_ln_in_parallel_attn", n_norms);
    import_put_flag(in, "new_decoder_architecture",
                    n_norms == 2 || (n_kv_heads > 1 && n_kv_heads < in->n_heads));
    import_put_flag(in, "multi_query", n_kv_heads == 1);
    import_put_flag(in, "parallel_attn", true);
    import_put_flag(in, "alibi", false);
    import_put_flag(in, "bias", import_has_tensor(in, "blk.0.attn_qkv.bias"));
}

static void put_granite(GgufImport *in)
{
    import_copy_real(in, "embedding_scale", "embedding_multiplier");
    import_copy_real(in, "residual_scale", "residual_multiplier");
    import_copy_real(in, "logit_scale", "logits_scaling");
    double scale = 1.0 / sqrt((double)in->head_dim);
    (void)import_real(in, "attention.scale", &scale);
    import_put_real(in, "attention_multiplier", scale);
    if (strcmp(in->family->model_type, "granitemoehybrid") != 0) return;
    import_copy_size(in, "feed_forward_length", "shared_intermediate_size");
    import_put_size(in, "num_local_experts", 0);
    import_put_text(in, "position_embedding_type", "nope");
    json_member_array(&in->w, "layer_types");
    for (size_t i = 0; i < in->n_layers; i++) json_put_cstr(&in->w, "attention");
    json_end_array(&in->w);
}

// A size by its key, which older files lack, or by the first tensor that has it for its last but one.
static void put_inner_size(GgufImport *in, const char *rest, const char *tensor, const char *key)
{
    size_t size = 0;
    const SafeTensor *found = NULL;
    bool is_there = import_size(in, rest, &size);
    for (size_t i = 0; !is_there && !found && i < in->n_layers && i < in->file->n_tensors; i++)
        found = import_block_tensor(in, i, tensor);
    if (found && found->n_dims >= 2) {
        size = found->shape[found->n_dims - 2];
        is_there = true;
    }
    if (is_there) import_put_size(in, key, size);
}

// Blocks without experts.
static void put_dense_layers(GgufImport *in)
{
    json_member_array(&in->w, "mlp_only_layers");
    for (size_t i = 0; i < in->n_layers && i < in->file->n_tensors; i++) {
        if (!import_block_tensor(in, i, "ffn_gate_inp")) json_put_u64(&in->w, i);
    }
    json_end_array(&in->w);
}

// GLM 4.5's and dots.llm1's.
static void put_corrected_experts(GgufImport *in)
{
    enum { GATE_SIGMOID = 2 }; // as llama.cpp numbers them
    size_t gate = GATE_SIGMOID;
    if (import_size(in, "expert_gating_func", &gate) && gate != GATE_SIGMOID) {
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": metadata \"%s.expert_gating_func\" is %zu: only 2, "
                                         "sigmoids, is supported of these models",
                               SLICE_ARG(in->file->name), in->architecture, gate);
        return;
    }
    import_put_shared_experts(in, true);
    import_put_flag(in, "use_qk_norm", import_has_tensor(in, "blk.0.attn_q_norm.weight"));
    // Of blocks that the count of blocks has too.
    if (in->n_further > 0) import_put_size(in, "num_nextn_predict_layers", in->n_further);
    if (strcmp(in->family->model_type, "dots1") == 0) json_member_null(&in->w, "sliding_window");
}

// What a layer with experts is. llama.cpp makes weights that add up to 1 of all but Qwen 2's and OLMoE's.
static void put_experts(GgufImport *in)
{
    const char *model = in->family->model_type;
    if (strcmp(model, "glm4_moe") == 0 || strcmp(model, "dots1") == 0) {
        put_corrected_experts(in);
        return;
    }
    if (strcmp(model, "hunyuan_v1_moe") == 0) {
        import_copy_size(in, "expert_count", "num_experts");
        import_copy_size(in, "expert_used_count", "moe_topk");
        return;
    }
    const bool is_qwen2 = strcmp(model, "qwen2_moe") == 0, is_olmoe = strcmp(model, "olmoe") == 0;
    const bool is_qwen = is_qwen2 || strcmp(model, "qwen3_moe") == 0;
    char key[IMPORT_KEY_SIZE];
    bool normalizes = !is_qwen2 && !is_olmoe;
    import_copy_size(in, "expert_count", is_qwen || is_olmoe ? "num_experts" : "num_local_experts");
    import_copy_size(in, "expert_used_count", "num_experts_per_tok");
    if (is_qwen) {
        put_inner_size(in, "expert_feed_forward_length", "ffn_gate_exps", "moe_intermediate_size");
        put_dense_layers(in);
    }
    if (is_qwen2) {
        put_inner_size(in, "expert_shared_feed_forward_length", "ffn_gate_shexp",
                       "shared_expert_intermediate_size");
        import_put_flag(in, "qkv_bias", import_has_tensor(in, "blk.0.attn_q.bias"));
    }
    if (in->status == STATUS_OK)
        in->status = gguf_get_bool(in->file, import_key(in, "expert_weights_norm", key),
                                   &normalizes, NULL, in->err);
    if (is_qwen || is_olmoe) import_put_flag(in, "norm_topk_prob", normalizes);
}

// What members that say where biases are of an architecture are called, where it is not attention_bias.
static const char *bias_key(const char *model)
{
    static const struct {
        const char *model, *key;
    } keys[] = {{"stablelm", "use_qkv_bias"}, {"starcoder2", "use_bias"}, {"ernie4_5", "use_bias"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(model, keys[i].model) == 0) return keys[i].key;
    }
    return "attention_bias";
}

// A window in three layers of four, or none: a silent file would have the usual one.
static void put_exaone4(GgufImport *in)
{
    char key[IMPORT_KEY_SIZE];
    const bool has_window =
        gguf_find(in->file, import_key(in, "attention.sliding_window", key)) != NULL;
    put_window(in);
    if (!has_window) json_member_null(&in->w, "sliding_window");
    import_put_layer_types(in, has_window ? 4 : 0, false);
}

// What one family alone has.
static void put_particulars(GgufImport *in, size_t n_kv_heads)
{
    const char *model = in->family->model_type;
    const bool has_qkv_bias =
        import_has_tensor(in, "blk.0.attn_q.bias") || import_has_tensor(in, "blk.0.attn_qkv.bias");
    import_put_flag(in, bias_key(model), has_qkv_bias);
    import_put_flag(in, "mlp_bias", import_has_tensor(in, "blk.0.ffn_up.bias"));
    import_copy_flag(in, "use_parallel_residual", "use_parallel_residual");
    if (strcmp(model, "falcon") == 0) put_falcon(in, n_kv_heads);
    if (strcmp(model, "bloom") == 0) import_copy_size(in, "context_length", "seq_length");
    if (strncmp(model, "granite", 7) == 0) put_granite(in);
    if (in->n_experts > 0) put_experts(in);
    if (strncmp(model, "cohere", 6) == 0) {
        double scale = 0;
        (void)import_real(in, "logit_scale", &scale);
        import_put_real(in, "logit_scale", scale == 0 ? 1 : scale); // llama.cpp's
        import_put_flag(in, "use_qk_norm", import_has_tensor(in, "blk.0.attn_q_norm.weight"));
    }
    if (strcmp(model, "cohere2") == 0) {
        put_window(in);
        import_put_layer_types(in, 4, false);
    }
    if (strcmp(model, "starcoder2") == 0) put_window(in);
    if (strcmp(model, "exaone4") == 0) put_exaone4(in);
    if (strcmp(model, "seed_oss") == 0)
        import_put_flag(in, "attention_out_bias", import_has_tensor(in, "blk.0.attn_output.bias"));
    if (strcmp(model, "olmo3") == 0) {
        put_window(in);
        import_put_layer_types(in, 4, false);
    }
    if (strncmp(model, "olmo", 4) == 0) import_copy_real(in, "attention.clamp_kqv", "clip_qkv");
    if (strcmp(model, "gpt_oss") == 0) {
        put_window(in);
        import_put_layer_types(in, 2, false);
    }
}

// MPT, whose only positions are ALiBi's.
void import_put_mpt(GgufImport *in)
{
    double bias = 0;
    import_put_rows(in, "token_embd.weight", "vocab_size");
    import_put_size(in, "d_model", in->hidden_size);
    import_put_size(in, "n_layers", in->n_layers);
    import_put_size(in, "n_heads", in->n_heads);
    import_copy_size(in, "context_length", "max_seq_len");
    import_copy_real(in, "attention.layer_norm_epsilon", "layer_norm_epsilon");
    import_put_flag(in, "tie_word_embeddings", !import_has_tensor(in, "output.weight"));
    json_member_object(&in->w, "attn_config");
    import_copy_real(in, "attention.clamp_kqv", "clip_qkv");
    // Without it llama.cpp adds nothing to scores.
    const bool has_alibi = import_real(in, "attention.max_alibi_bias", &bias) && bias > 0;
    import_put_flag(in, "alibi", has_alibi);
    if (has_alibi) import_put_real(in, "alibi_bias_max", bias);
    json_end_object(&in->w);
}

// Files whose layers are all of experts may leave out how wide one without them is.
static void put_inner(GgufImport *in)
{
    size_t size = 0;
    const bool is_told =
        import_size(in, "feed_forward_length", &size) ||
        (in->n_experts > 0 && import_size(in, "expert_feed_forward_length", &size));
    if (!is_told) import_want_size(in, "feed_forward_length", &size);
    import_put_size(in, "intermediate_size", size);
}

// Heads of keys of the layers that attend; the others of LFM2 have none.
static size_t attending_heads(GgufImport *in)
{
    char key[IMPORT_KEY_SIZE];
    int64_t most = 0, n = 0;
    bool differ = false;
    const GgufValue *told = gguf_find(in->file, import_key(in, "attention.head_count_kv", key));
    GgufItems items = {0};
    if (told && told->is_array) items = gguf_items(told);
    json_member_array(&in->w, "layer_types");
    for (size_t i = 0; i < in->n_layers && gguf_next_int(&items, &n); i++) {
        json_put_cstr(&in->w, n > 0 ? "full_attention" : "conv");
        differ = differ || (n > 0 && most > 0 && n != most);
        if (n > most) most = n;
    }
    json_end_array(&in->w);
    if (in->status == STATUS_OK && (differ || most > IMPORT_MAX_SIZE))
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": metadata \"%s\": layers that attend must have heads of "
                                         "one number",
                               SLICE_ARG(in->file->name), key);
    return most > 0 ? (size_t)most : in->n_heads;
}

// LFM2: the width of its feed-forward layers is told as it is.
static size_t put_lfm2(GgufImport *in)
{
    bool has_bias = false;
    for (size_t i = 0; i < in->n_layers && i < in->file->n_tensors; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "blk.%zu.shortconv.conv.bias", i);
        has_bias = has_bias || import_has_tensor(in, name);
    }
    import_copy_size(in, "shortconv.l_cache", "conv_L_cache");
    import_put_flag(in, "conv_bias", has_bias);
    import_put_flag(in, "block_auto_adjust_ff_dim", false);
    return attending_heads(in);
}

void import_put_decoder(GgufImport *in)
{
    const char *model = in->family->model_type;
    size_t n_kv_heads = in->n_heads;
    if (strcmp(model, "lfm2") == 0)
        n_kv_heads = put_lfm2(in);
    else
        (void)import_size(in, "attention.head_count_kv", &n_kv_heads);
    import_put_size(in, "num_key_value_heads", n_kv_heads);
    import_put_size(in, "head_dim", in->head_dim);
    import_put_rows(in, "token_embd.weight", "vocab_size");
    import_put_size(in, "hidden_size", in->hidden_size);
    import_put_size(in, "num_hidden_layers", in->n_layers);
    import_put_size(in, "num_attention_heads", in->n_heads);
    put_inner(in);
    import_copy_size(in, "context_length", "max_position_embeddings");
    put_norm_and_activation(in);
    import_put_flag(in, "tie_word_embeddings", !import_has_tensor(in, "output.weight"));
    import_put_rope(in);
    if (is_gemma(in))
        put_gemma(in);
    else
        put_particulars(in, n_kv_heads);
    if (strcmp(model, "phi3") == 0) {
        size_t original = 0;
        if (import_size(in, "rope.scaling.original_context_length", &original))
            import_put_size(in, "original_max_position_embeddings", original);
        put_window(in);
    }
}
