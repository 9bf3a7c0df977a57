// A GGUF file's metadata told as a config.json.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "models/gguf/gguf_model.h"

// A GGUF file that is being told as a config.json. The first error is kept; later calls do nothing.
typedef struct Import {
    const Gguf *file;
    const GgufFamily *family;
    JsonWriter w;
    Status status;
    Error *err;
    size_t n_layers, n_heads, head_dim, hidden_size;
    size_t n_experts;   // of a layer; 0 without
    size_t rotary_dims; // columns of a head that turn
} Import;

enum { MAX_SIZE = 1 << 24, KEY_SIZE = 128 };

// "llama." and the rest.
static const char *key_of(const Import *in, const char *rest, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "%s.%s", in->family->architecture, rest);
    return out;
}

// A size under an architecture's key; *out stays where it is absent or 0 (no window). A list of one number for each block (models whose blocks
// differ) is taken where all its numbers are equal.
static bool read_size(Import *in, const char *rest, size_t *out)
{
    char key[KEY_SIZE];
    bool found = false;
    int64_t value = 0;
    if (in->status != STATUS_OK) return false;
    const GgufValue *raw = gguf_find(in->file, key_of(in, rest, key));
    if (raw && raw->is_array && raw->type != GGUF_ARRAY) {
        GgufItems items = gguf_items(raw);
        int64_t first = 0;
        bool equal = gguf_next_int(&items, &first) && first >= 1 && first <= MAX_SIZE;
        while (equal && gguf_next_int(&items, &value)) equal = value == first;
        if (equal) {
            *out = (size_t)first;
            return true;
        }
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": metadata \"%s\": blocks that differ are not supported",
                               SLICE_ARG(in->file->name), key);
        return false;
    }
    in->status = gguf_get_int(in->file, key, 0, MAX_SIZE, &value, &found, in->err);
    found = in->status == STATUS_OK && found && value > 0;
    if (found) *out = (size_t)value;
    return found;
}

static void want_size(Import *in, const char *rest, size_t *out)
{
    if (read_size(in, rest, out) || in->status != STATUS_OK) return;
    in->status = error_set(in->err, STATUS_INVALID, SLICE_FMT ": metadata \"%s.%s\" is missing",
                           SLICE_ARG(in->file->name), in->family->architecture, rest);
}

static bool read_real(Import *in, const char *rest, double *out)
{
    char key[KEY_SIZE];
    bool found = false;
    if (in->status != STATUS_OK) return false;
    in->status = gguf_get_real(in->file, key_of(in, rest, key), out, &found, in->err);
    return found;
}

static void put_size(Import *in, const char *key, size_t value)
{
    json_member_u64(&in->w, key, value);
}

// As the shortest decimal of the f32 that the file has.
static void put_real(Import *in, const char *key, double value)
{
    json_member_float(&in->w, key, (float)value);
}

static void put_text(Import *in, const char *key, const char *value)
{
    json_member_cstr(&in->w, key, value);
}

static void put_flag(Import *in, const char *key, bool value)
{
    json_member_bool(&in->w, key, value);
}

static void copy_size(Import *in, const char *rest, const char *key)
{
    size_t value = 0;
    want_size(in, rest, &value);
    put_size(in, key, value);
}

static void copy_real(Import *in, const char *rest, const char *key)
{
    double value = 0;
    if (read_real(in, rest, &value)) put_real(in, key, value);
}

static bool has_tensor(const Import *in, const char *name)
{
    return gguf_tensor(in->file, slice_from_cstr(name)) != NULL;
}

// Rows of a table, the only place that surely says how many there are.
static void put_rows(Import *in, const char *tensor, const char *key)
{
    const SafeTensor *table = gguf_tensor(in->file, slice_from_cstr(tensor));
    if (in->status != STATUS_OK) return;
    if (!table || table->n_dims != 2) {
        in->status =
            error_set(in->err, STATUS_INVALID, SLICE_FMT ": tensor \"%s\" is missing or no table%s",
                      SLICE_ARG(in->file->name), tensor,
                      in->file->n_tensors == 0 ? ": the file is a vocabulary, not a model" : "");
        return;
    }
    put_size(in, key, table->shape[0]);
}

static void put_special_ids(Import *in)
{
    static const char *const keys[][2] = {
        {"tokenizer.ggml.bos_token_id", "bos_token_id"},
        {"tokenizer.ggml.eos_token_id", "eos_token_id"},
        {"tokenizer.ggml.padding_token_id", "pad_token_id"},
    };
    for (size_t i = 0; in->status == STATUS_OK && i < sizeof keys / sizeof *keys; i++) {
        int64_t id = 0;
        bool found = false;
        in->status = gguf_get_int(in->file, keys[i][0], 0, INT32_MAX, &id, &found, in->err);
        if (found) put_size(in, keys[i][1], (size_t)id);
    }
}

static void put_factors(Import *in, const char *key, const char *tensor)
{
    const SafeTensor *factors = gguf_tensor(in->file, slice_from_cstr(tensor));
    const size_t n = in->rotary_dims / 2;
    if (in->status != STATUS_OK) return;
    float *values = calloc(n + 1, sizeof *values);
    if (!values) {
        in->status = error_set_memory(in->err, n, sizeof *values, "factors of the rotation");
        return;
    }
    in->status = safetensor_want_shape(factors, 1, &n, in->err);
    if (in->status == STATUS_OK) in->status = safetensor_read_f32(factors, values, in->err);
    json_member_array(&in->w, key);
    for (size_t i = 0; i < n; i++) json_put_float(&in->w, values[i]);
    json_end_array(&in->w);
    free(values);
}

// Llama 3's factors come as the tensor rope_freqs, Phi-3's as a short and a long list.
static void put_listed_factors(Import *in, bool has_freqs)
{
    double attention = 1;
    size_t original = 0;
    put_text(in, "rope_type", "longrope");
    put_factors(in, "long_factor", has_freqs ? "rope_freqs.weight" : "rope_factors_long.weight");
    put_factors(in, "short_factor", has_freqs ? "rope_freqs.weight" : "rope_factors_short.weight");
    if (read_size(in, "rope.scaling.original_context_length", &original))
        put_size(in, "original_max_position_embeddings", original);
    if (read_real(in, "rope.scaling.attn_factor", &attention) || has_freqs)
        put_real(in, "attention_factor", attention);
}

// llama.cpp multiplies attn_factor by 1 + 0.1 ln(factor).
static void put_yarn(Import *in, double factor)
{
    double attention = 1, beta = 0;
    size_t original = 0;
    put_text(in, "rope_type", "yarn");
    put_real(in, "factor", factor);
    if (read_size(in, "rope.scaling.original_context_length", &original))
        put_size(in, "original_max_position_embeddings", original);
    if (read_real(in, "rope.scaling.attn_factor", &attention))
        put_real(in, "attention_factor", attention * (factor > 1 ? 1 + 0.1 * log(factor) : 1));
    if (read_real(in, "rope.scaling.yarn_beta_fast", &beta)) put_real(in, "beta_fast", beta);
    if (read_real(in, "rope.scaling.yarn_beta_slow", &beta)) put_real(in, "beta_slow", beta);
}

// Linear scaling, YaRN, or a factor for each frequency.
static void put_rope(Import *in)
{
    char key[KEY_SIZE];
    Slice type = SLICE("none");
    double factor = 1;
    copy_real(in, "rope.freq_base", "rope_theta");
    if (in->status == STATUS_OK)
        in->status =
            gguf_get_string(in->file, key_of(in, "rope.scaling.type", key), &type, NULL, in->err);
    const bool is_scaled = read_real(in, "rope.scaling.factor", &factor);
    const bool has_long = has_tensor(in, "rope_factors_long.weight");
    const bool has_freqs = has_tensor(in, "rope_freqs.weight");
    const bool is_linear = slice_eq_cstr(type, "linear"), is_yarn = slice_eq_cstr(type, "yarn");
    if (in->status != STATUS_OK) return;
    if (in->rotary_dims != in->head_dim)
        put_real(in, "partial_rotary_factor", (double)in->rotary_dims / (double)in->head_dim);
    if (has_long || has_freqs || (is_scaled && (is_linear || is_yarn))) {
        json_member_object(&in->w, "rope_scaling");
        if (has_long || has_freqs) {
            put_listed_factors(in, has_freqs);
        } else if (is_yarn) {
            put_yarn(in, factor);
        } else {
            put_text(in, "rope_type", "linear");
            put_real(in, "factor", factor);
        }
        json_end_object(&in->w);
    } else if (!is_linear && !slice_eq_cstr(type, "none")) {
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": rope scaling \"" SLICE_FMT
                                         "\" is not supported; supported are linear, yarn, "
                                         "Llama 3's factors and Phi-3's",
                               SLICE_ARG(in->file->name), SLICE_ARG(type));
    }
}

// A window; 0 stands for none.
static void put_window(Import *in)
{
    char key[KEY_SIZE];
    int64_t window = 0;
    bool found = false;
    if (in->status != STATUS_OK) return;
    in->status = gguf_get_int(in->file, key_of(in, "attention.sliding_window", key), 0, MAX_SIZE,
                              &window, &found, in->err);
    if (in->status == STATUS_OK && window > 0) put_size(in, "sliding_window", (size_t)window);
}

static void put_layer_types(Import *in, size_t period)
{
    json_member_array(&in->w, "layer_types");
    for (size_t i = 0; i < in->n_layers && i < 4096; i++) {
        json_put_cstr(&in->w,
                      period > 0 && (i + 1) % period != 0 ? "sliding_attention" : "full_attention");
    }
    json_end_array(&in->w);
}

// Gemma: windows in all but every second (third generation: sixth) block, soft caps, and a scale of its own.
static void put_gemma(Import *in, bool is_third)
{
    put_text(in, "hidden_activation", "gelu_pytorch_tanh");
    put_flag(in, "attention_bias", has_tensor(in, "blk.0.attn_q.bias"));
    copy_real(in, "attn_logit_softcapping", "attn_logit_softcapping");
    copy_real(in, "final_logit_softcapping", "final_logit_softcapping");
    put_window(in);
    put_layer_types(in, is_third ? 6 : 2);
    double local = 10000;
    if (is_third && (read_real(in, "rope.freq_base_swa", &local) || in->status == STATUS_OK))
        put_real(in, "rope_local_base_freq", local);
    // The 27B models alone scale by the width that a head would have without head_dim.
    const bool is_largest = in->n_layers == (is_third ? 62u : 46u);
    const size_t usual = is_largest ? in->hidden_size / in->n_heads : in->head_dim;
    double scale = 1.0 / sqrt((double)usual);
    (void)read_real(in, "attention.scale", &scale);
    put_real(in, "query_pre_attn_scalar", scale > 0 ? 1.0 / (scale * scale) : (double)usual);
}

// What config.json calls the epsilon of norms and the activation, where it is not rms_norm_eps and hidden_act: silu.
static const struct {
    const char *model_type, *norm_key, *activation_key, *activation;
} spellings[] = {
    {"stablelm", "layer_norm_eps", "hidden_act", "silu"},
    {"cohere", "layer_norm_eps", "hidden_act", "silu"},
    {"starcoder2", "norm_epsilon", "hidden_act", "gelu_pytorch_tanh"},
    {"phi", "layer_norm_eps", "hidden_act", "gelu_new"},
    {"gpt_neox", "layer_norm_eps", "hidden_act", "gelu"},
    {"bloom", "layer_norm_epsilon", "hidden_act", "gelu_pytorch_tanh"},
    {"falcon", "layer_norm_epsilon", "activation", "gelu"},
};

static void put_norm_and_activation(Import *in)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        if (strcmp(in->family->model_type, spellings[i].model_type) != 0) continue;
        copy_real(in, "attention.layer_norm_epsilon", spellings[i].norm_key);
        put_text(in, spellings[i].activation_key, spellings[i].activation);
        return;
    }
    copy_real(in, "attention.layer_norm_rms_epsilon", "rms_norm_eps");
    if (!in->family->adds_one) put_text(in, "hidden_act", "silu");
}

static void copy_flag(Import *in, const char *rest, const char *key)
{
    char full[KEY_SIZE];
    bool value = false, found = false;
    if (in->status == STATUS_OK)
        in->status = gguf_get_bool(in->file, key_of(in, rest, full), &value, &found, in->err);
    if (found) put_flag(in, key, value);
}

// llama.cpp knows Falcon's parallel blocks alone. n_norms: of a block.
static void put_falcon(Import *in, size_t n_kv_heads)
{
    const size_t n_norms = has_tensor(in, "blk.0.attn_norm_2.weight") ? 2 : 1;
    copy_size(in, "feed_forward_length", "ffn_hidden_size");
    put_size(in, "num_kv_heads", n_kv_heads);
    put_size(in, "num_ln_in_parallel_attn", n_norms);
    put_flag(in, "new_decoder_architecture",
             n_norms == 2 || (n_kv_heads > 1 && n_kv_heads < in->n_heads));
    put_flag(in, "multi_query", n_kv_heads == 1);
    put_flag(in, "parallel_attn", true);
    put_flag(in, "alibi", false);
    put_flag(in, "bias", has_tensor(in, "blk.0.attn_qkv.bias"));
}

static void put_granite(Import *in)
{
    copy_real(in, "embedding_scale", "embedding_multiplier");
    copy_real(in, "residual_scale", "residual_multiplier");
    copy_real(in, "logit_scale", "logits_scaling");
    double scale = 1.0 / sqrt((double)in->head_dim);
    (void)read_real(in, "attention.scale", &scale);
    put_real(in, "attention_multiplier", scale);
}

// A tensor of block i by the part of its name behind that.
static const SafeTensor *block_tensor(const Import *in, size_t i, const char *rest)
{
    char name[GGUF_NAME_SIZE];
    (void)snprintf(name, sizeof name, "blk.%zu.%s.weight", i, rest);
    return gguf_tensor(in->file, slice_from_cstr(name));
}

// A size by its key, which older files lack, or by the first tensor that has it for its last but one.
static void put_inner_size(Import *in, const char *rest, const char *tensor, const char *key)
{
    size_t size = 0;
    const SafeTensor *found = NULL;
    bool is_there = read_size(in, rest, &size);
    for (size_t i = 0; !is_there && !found && i < in->n_layers && i < in->file->n_tensors; i++)
        found = block_tensor(in, i, tensor);
    if (found && found->n_dims >= 2) {
        size = found->shape[found->n_dims - 2];
        is_there = true;
    }
    if (is_there) put_size(in, key, size);
}

// Blocks without experts.
static void put_dense_layers(Import *in)
{
    json_member_array(&in->w, "mlp_only_layers");
    for (size_t i = 0; i < in->n_layers && i < in->file->n_tensors; i++) {
        if (!block_tensor(in, i, "ffn_gate_inp")) json_put_u64(&in->w, i);
    }
    json_end_array(&in->w);
}

// What a layer with experts is. llama.cpp makes weights that add up to 1 of all but Qwen 2's and OLMoE's.
static void put_experts(Import *in)
{
    const char *model = in->family->model_type;
    const bool is_qwen2 = strcmp(model, "qwen2_moe") == 0, is_olmoe = strcmp(model, "olmoe") == 0;
    const bool is_qwen = is_qwen2 || strcmp(model, "qwen3_moe") == 0;
    char key[KEY_SIZE];
    bool normalizes = !is_qwen2 && !is_olmoe;
    copy_size(in, "expert_count", is_qwen || is_olmoe ? "num_experts" : "num_local_experts");
    copy_size(in, "expert_used_count", "num_experts_per_tok");
    if (is_qwen) {
        put_inner_size(in, "expert_feed_forward_length", "ffn_gate_exps", "moe_intermediate_size");
        put_dense_layers(in);
    }
    if (is_qwen2) {
        put_inner_size(in, "expert_shared_feed_forward_length", "ffn_gate_shexp",
                       "shared_expert_intermediate_size");
        put_flag(in, "qkv_bias", has_tensor(in, "blk.0.attn_q.bias"));
    }
    if (in->status == STATUS_OK)
        in->status = gguf_get_bool(in->file, key_of(in, "expert_weights_norm", key), &normalizes,
                                   NULL, in->err);
    if (is_qwen || is_olmoe) put_flag(in, "norm_topk_prob", normalizes);
}

// What one family alone has.
static void put_particulars(Import *in, size_t n_kv_heads)
{
    const char *model = in->family->model_type;
    const bool has_qkv_bias =
        has_tensor(in, "blk.0.attn_q.bias") || has_tensor(in, "blk.0.attn_qkv.bias");
    put_flag(in,
             strcmp(model, "stablelm") == 0     ? "use_qkv_bias"
             : strcmp(model, "starcoder2") == 0 ? "use_bias"
                                                : "attention_bias",
             has_qkv_bias);
    put_flag(in, "mlp_bias", has_tensor(in, "blk.0.ffn_up.bias"));
    copy_flag(in, "use_parallel_residual", "use_parallel_residual");
    if (strcmp(model, "falcon") == 0) put_falcon(in, n_kv_heads);
    if (strcmp(model, "bloom") == 0) copy_size(in, "context_length", "seq_length");
    if (strncmp(model, "granite", 7) == 0) put_granite(in);
    if (in->n_experts > 0) put_experts(in);
    if (strcmp(model, "cohere") == 0) copy_real(in, "logit_scale", "logit_scale");
    if (strcmp(model, "starcoder2") == 0) put_window(in);
}

static void put_decoder(Import *in)
{
    const char *model = in->family->model_type;
    size_t n_kv_heads = in->n_heads;
    const bool is_gemma = in->family->adds_one;
    (void)read_size(in, "attention.head_count_kv", &n_kv_heads);
    put_size(in, "num_key_value_heads", n_kv_heads);
    put_size(in, "head_dim", in->head_dim);
    put_rows(in, "token_embd.weight", "vocab_size");
    put_size(in, "hidden_size", in->hidden_size);
    put_size(in, "num_hidden_layers", in->n_layers);
    put_size(in, "num_attention_heads", in->n_heads);
    copy_size(in, "feed_forward_length", "intermediate_size");
    copy_size(in, "context_length", "max_position_embeddings");
    put_norm_and_activation(in);
    put_flag(in, "tie_word_embeddings", !has_tensor(in, "output.weight"));
    put_rope(in);
    if (is_gemma)
        put_gemma(in, strcmp(model, "gemma3_text") == 0);
    else
        put_particulars(in, n_kv_heads);
    if (strcmp(model, "phi3") == 0) {
        size_t original = 0;
        if (read_size(in, "rope.scaling.original_context_length", &original))
            put_size(in, "original_max_position_embeddings", original);
        put_window(in);
    }
}

static void put_gpt2(Import *in)
{
    put_rows(in, "token_embd.weight", "vocab_size");
    put_rows(in, "position_embd.weight", "n_positions");
    put_size(in, "n_embd", in->hidden_size);
    put_size(in, "n_layer", in->n_layers);
    put_size(in, "n_head", in->n_heads);
    copy_size(in, "feed_forward_length", "n_inner");
    copy_real(in, "attention.layer_norm_epsilon", "layer_norm_epsilon");
    put_text(in, "activation_function", "gelu_new");
    put_flag(in, "tie_word_embeddings", !has_tensor(in, "output.weight"));
}

static void put_bert(Import *in)
{
    put_rows(in, "token_embd.weight", "vocab_size");
    put_rows(in, "position_embd.weight", "max_position_embeddings");
    put_rows(in, "token_types.weight", "type_vocab_size");
    put_size(in, "hidden_size", in->hidden_size);
    put_size(in, "num_hidden_layers", in->n_layers);
    put_size(in, "num_attention_heads", in->n_heads);
    copy_size(in, "feed_forward_length", "intermediate_size");
    copy_real(in, "attention.layer_norm_epsilon", "layer_norm_eps");
    put_text(in, "hidden_act", "gelu");
}

// llama.cpp's files do not say how far relative positions reach: 128 tokens in all released T5s.
static void put_t5(Import *in)
{
    size_t n_decoder = in->n_layers, start = 0;
    const bool is_gated = has_tensor(in, "enc.blk.0.ffn_gate.weight");
    (void)read_size(in, "decoder_block_count", &n_decoder);
    (void)read_size(in, "decoder_start_token_id", &start);
    put_rows(in, "token_embd.weight", "vocab_size");
    put_size(in, "d_model", in->hidden_size);
    put_size(in, "d_kv", in->head_dim);
    copy_size(in, "feed_forward_length", "d_ff");
    put_size(in, "num_layers", in->n_layers);
    put_size(in, "num_decoder_layers", n_decoder);
    put_size(in, "num_heads", in->n_heads);
    copy_size(in, "attention.relative_buckets_count", "relative_attention_num_buckets");
    put_size(in, "relative_attention_max_distance", 128);
    copy_real(in, "attention.layer_norm_rms_epsilon", "layer_norm_epsilon");
    put_size(in, "decoder_start_token_id", start);
    put_flag(in, "tie_word_embeddings", !has_tensor(in, "output.weight"));
    put_text(in, "feed_forward_proj", is_gated ? "gated-gelu" : "relu");
    // The first T5s alone scale what goes into a tied output layer; the later ones have gates, and layers of their own.
    put_flag(in, "scale_decoder_outputs", !is_gated && !has_tensor(in, "output.weight"));
    put_flag(in, "is_encoder_decoder", true);
}

static Status import(Import *in)
{
    want_size(in, "block_count", &in->n_layers);
    want_size(in, "embedding_length", &in->hidden_size);
    want_size(in, "attention.head_count", &in->n_heads);
    (void)read_size(in, "expert_count", &in->n_experts);
    // Mixtral is a Llama there.
    if (in->n_experts > 0 && strcmp(in->family->model_type, "llama") == 0)
        in->family = gguf_family_of_model(SLICE("mixtral"));
    if (in->status != STATUS_OK) return in->status;
    in->head_dim = in->hidden_size / in->n_heads;
    (void)read_size(in, "attention.key_length", &in->head_dim);
    in->rotary_dims = in->head_dim;
    (void)read_size(in, "rope.dimension_count", &in->rotary_dims);
    if (in->status == STATUS_OK && in->rotary_dims > in->head_dim) {
        return error_set(in->err, STATUS_INVALID,
                         SLICE_FMT ": rope.dimension_count is %zu, but heads have %zu columns",
                         SLICE_ARG(in->file->name), in->rotary_dims, in->head_dim);
    }
    // A T5 with relative positions in its second block has them in every one.
    if (strcmp(in->family->model_type, "t5") == 0 && has_tensor(in, "enc.blk.1.attn_rel_b.weight"))
        in->family = gguf_family_of_model(SLICE("umt5"));
    json_begin_object(&in->w);
    json_member_array(&in->w, "architectures");
    json_put_cstr(&in->w, in->family->class_name);
    json_end_array(&in->w);
    put_text(in, "model_type", in->family->model_type);
    put_text(in, "torch_dtype", "float32");
    if (strcmp(in->family->model_type, "gpt2") == 0)
        put_gpt2(in);
    else if (strcmp(in->family->model_type, "bert") == 0)
        put_bert(in);
    else if (strcmp(in->family->architecture, "t5") == 0)
        put_t5(in);
    else
        put_decoder(in);
    put_special_ids(in);
    json_end_object(&in->w);
    return in->status;
}

static Status refuse_split(const Gguf *file, Error *err)
{
    int64_t count = 1;
    TRY(gguf_get_int(file, "split.count", 0, UINT16_MAX, &count, NULL, err));
    if (count <= 1) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        SLICE_FMT ": it is one of %lld parts of a model; join them first: llama-gguf-split --merge "
                  "FIRST-PART OUT.gguf",
        SLICE_ARG(file->name), (long long)count);
}

Status gguf_config(const Gguf *file, Buffer *json, Error *err)
{
    Slice own = {0}, architecture = {0};
    TRY(refuse_split(file, err));
    TRY(gguf_get_string(file, GGUF_KEY_CONFIG, &own, NULL, err));
    if (own.len > 0) {
        buffer_append(json, own);
        return buffer_status(json, err);
    }
    TRY(gguf_get_string(file, "general.architecture", &architecture, NULL, err));
    Import in = {.file = file,
                 .family = gguf_family_of_file(architecture),
                 .w = json_writer(json, 2),
                 .err = err};
    if (!in.family) {
        NameList known = {0};
        gguf_list_families(&known);
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": unknown architecture \"" SLICE_FMT
                                   "\" of a GGUF file; known are: %s",
                         SLICE_ARG(file->name), SLICE_ARG(architecture), known.text);
    }
    TRY(import(&in));
    return buffer_status(json, err);
}
