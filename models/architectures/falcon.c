// Falcon: a decoder whose two layers of a block read the same hidden state, all its queries one key head or groups of them
// one each; its RW models have ALiBi and layers one after the other.
//
//     x_{i+1} = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n) + W_2 gelu(W_1 m),  n = LayerNorm(x_i)
//     m = n (7B, 11B), a LayerNorm of its own of x_i (40B, 180B), or LayerNorm of what attention made of x_i (RW)
//
// Source: Almazrouei et al. 2023, arXiv:2311.16867, section 4; names of tensors as in Transformers; queries, keys and values are
// one tensor, group by group.
#include <math.h>

#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

#define FALCON_LAYERS                                                                       \
    .blocks = "transformer.h.", .attention = "self_attention.", .qkv = {"query_key_value"}, \
    .output = "dense", .feed_forward = "mlp.", .up = "dense_h_to_4h", .down = "dense_4h_to_h"
static const DecoderBlockNames one_norm = {FALCON_LAYERS, .norms = {"input_layernorm"}};
static const DecoderBlockNames two_norms = {FALCON_LAYERS, .norms = {"ln_attn", "ln_mlp"}};
static const DecoderBlockNames one_by_one = {
    FALCON_LAYERS, .norms = {"input_layernorm", "post_attention_layernorm"}};

static void record(Tape *t, const ModelConfig *c)
{
    const DecoderFrame frame = {.prefix = "transformer.",
                                .words = "word_embeddings",
                                .norm = decoder_layer_norm,
                                .last_norm = "ln_f",
                                .names = !c->block.is_parallel    ? &one_by_one
                                         : c->block.has_two_norms ? &two_norms
                                                                  : &one_norm};
    decoder_record(t, c, &frame, NULL);
}

static Status read_sizes(const Json *root, ModelConfig *c, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "hidden_size", &c->hidden_size, err));
    TRY(config_read_size(root, "num_hidden_layers", &c->n_layers, err));
    TRY(config_read_size(root, "num_attention_heads", &c->n_heads, err));
    TRY(config_read_size_or(root, "ffn_hidden_size", 4 * c->hidden_size, &c->intermediate_size,
                            err));
    TRY(config_read_size_or(root, "max_position_embeddings", 2048, &c->max_positions, err));
    return config_split_heads(root, "hidden_size", c, err);
}

// Which of the three kinds of blocks, and how heads share keys.
static Status read_kind(const Json *root, ModelConfig *c, Error *err)
{
    bool is_new = false, is_shared = true;
    size_t n_norms = 0;
    c->block.is_parallel = true;
    TRY(json_opt_bool(root, "new_decoder_architecture", &is_new, err));
    TRY(json_opt_bool(root, "multi_query", &is_shared, err));
    TRY(json_opt_bool(root, "parallel_attn", &c->block.is_parallel, err));
    if (is_new && !c->block.is_parallel)
        return json_error(json_get(root, "parallel_attn"), err,
                          "only true is supported with new_decoder_architecture");
    TRY(config_read_size_or(root, "num_kv_heads", c->n_heads, &c->n_kv_heads, err));
    if (!is_new) c->n_kv_heads = is_shared ? 1 : c->n_heads;
    TRY(config_read_size_or(root, "num_ln_in_parallel_attn", 2, &n_norms, err));
    c->block.has_two_norms = is_new && n_norms == 2;
    if (c->n_heads % c->n_kv_heads == 0) return STATUS_OK;
    return json_error(root, err, "%zu attention heads cannot share %zu heads of keys and values",
                      c->n_heads, c->n_kv_heads);
}

static Status read_positions(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool has_alibi = false;
    TRY(json_opt_bool(root, "alibi", &has_alibi, err));
    // Scores are scaled behind what is added to them.
    if (has_alibi) {
        c->attention.alibi_scale = 1.0f / sqrtf((float)c->head_dim);
        return STATUS_OK;
    }
    double theta = 10000;
    c->rotary.dims = c->head_dim;
    if (c->head_dim % 2 != 0)
        return json_error(root, err, "heads of %zu columns: rotations want an even number",
                          c->head_dim);
    TRY(json_opt_double(root, "rope_theta", 1e-3, 1e18, &theta, err));
    const Json *now = json_get(root, "rope_parameters");
    const bool is_now = now && json_kind(now) != JSON_NULL;
    return decoder_read_rope(arena, root, is_now ? now : json_get(root, "rope_scaling"), theta, c,
                             &c->rotary.rope, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool has_bias = false;
    TRY(read_sizes(root, c, err));
    TRY(read_kind(root, c, err));
    TRY(read_positions(arena, root, c, err));
    c->activation = ACTIVATION_GELU;
    if (config_has(root, "activation"))
        TRY(config_read_activation(root, "activation", &c->activation, err));
    TRY(config_read_float(root, "layer_norm_epsilon", 0, 1, 1e-5, &c->layer_norm_eps, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(config_read_float(root, "hidden_dropout", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(config_read_float(root, "attention_dropout", 0, 0.999, 0, &c->dropout.attention, err));
    TRY(decoder_read_tagger(root, c, err));
    TRY(json_opt_bool(root, "bias", &has_bias, err));
    c->attention.has_qkv_bias = c->attention.has_output_bias = c->block.has_mlp_bias = has_bias;
    c->block.has_norm_bias = c->output.is_tied = true;
    return json_opt_bool(root, "tie_word_embeddings", &c->output.is_tied, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    const bool is_new = c->block.has_two_norms || (c->n_kv_heads > 1 && c->n_kv_heads < c->n_heads);
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "hidden_size", c->hidden_size);
    json_member_u64(w, "num_hidden_layers", c->n_layers);
    json_member_u64(w, "num_attention_heads", c->n_heads);
    json_member_u64(w, "max_position_embeddings", c->max_positions);
    json_member_float(w, "layer_norm_epsilon", c->layer_norm_eps);
    json_member_float(w, "initializer_range", c->initializer_range);
    json_member_float(w, "attention_dropout", c->dropout.attention);
    json_member_cstr(w, "activation", config_activation_name(c->activation));
    json_member_bool(w, "tie_word_embeddings", c->output.is_tied);
    if (c->rotary.dims > 0) decoder_write_rope(c, w);
    json_member_u64(w, "ffn_hidden_size", c->intermediate_size);
    json_member_float(w, "hidden_dropout", c->dropout.hidden);
    json_member_u64(w, "num_kv_heads", c->n_kv_heads);
    json_member_u64(w, "num_ln_in_parallel_attn", c->block.has_two_norms ? 2 : 1);
    json_member_bool(w, "new_decoder_architecture", is_new);
    json_member_bool(w, "multi_query", c->n_kv_heads == 1);
    json_member_bool(w, "parallel_attn", c->block.is_parallel);
    json_member_bool(w, "alibi", c->attention.alibi_scale > 0);
    json_member_bool(w, "bias", c->attention.has_qkv_bias);
}

const Architecture architecture_falcon = {
    .model_type = "falcon",
    .summary = "Falcon: parallel layers, one key head for all or for a group",
    .classes = {DECODER_CLASSES("Falcon"), {"FalconForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
