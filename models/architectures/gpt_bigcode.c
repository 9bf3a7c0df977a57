// GPT-BigCode, and so StarCoder and SantaCoder: GPT-2 whose queries share one head of keys and values.
//
//     x_0 = word[ids] + position[0..]
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 LayerNorm(a_i))
//
// Source: Ben Allal et al. 2023, arXiv:2301.03988, section 4.2; names of tensors as in Transformers, where the weights have their
// outputs first.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    const size_t h = c->hidden_size;
    tape_group(t, 1 + i);
    tape_prefix(t, "transformer.h.%zu.", i);
    const Value n = decoder_layer_norm(t, c, x, "ln_1");
    tape_prefix(t, "transformer.h.%zu.attn.", i);
    const Dense qkv = decoder_fused_qkv(t, c, "c_attn", c->n_kv_heads);
    const Value mixed = decoder_attention(t, c, i, ropes, qkv, n);
    const Value out = decoder_linear(t, mixed, "c_proj", h, true, ACTIVATION_NONE);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), tape_dropout(t, out, c->hidden_dropout));

    tape_prefix(t, "transformer.h.%zu.", i);
    const Value m = decoder_layer_norm(t, c, a, "ln_2");
    tape_prefix(t, "transformer.h.%zu.mlp.", i);
    const Value inner = decoder_linear(t, m, "c_fc", c->intermediate_size, true, c->activation);
    const Value outer = decoder_linear(t, inner, "c_proj", h, true, ACTIVATION_NONE);
    return tape_add(t, a, tape_dropout(t, outer, c->hidden_dropout));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "transformer.",
                                       .words = "wte",
                                       .positions = "wpe",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "ln_f"};
    decoder_record(t, c, &frame, block);
}

static Status read_sizes(const Json *root, ModelConfig *c, Error *err)
{
    bool is_shared = true, has_cross = false;
    TRY(json_opt_bool(root, "add_cross_attention", &has_cross, err));
    if (has_cross)
        return json_error(json_get(root, "add_cross_attention"), err, "only false is supported");
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "n_embd", &c->hidden_size, err));
    TRY(config_read_size(root, "n_layer", &c->n_layers, err));
    TRY(config_read_size(root, "n_head", &c->n_heads, err));
    TRY(config_read_size(root, "n_positions", &c->max_positions, err));
    TRY(config_read_size_or(root, "n_inner", 4 * c->hidden_size, &c->intermediate_size, err));
    TRY(config_split_heads(root, "n_embd", c, err));
    TRY(json_opt_bool(root, "multi_query", &is_shared, err));
    if (is_shared) c->n_kv_heads = 1;
    return STATUS_OK;
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool is_scaled = true;
    (void)arena;
    TRY(read_sizes(root, c, err));
    c->activation = ACTIVATION_GELU_TANH;
    if (json_get(root, "activation_function"))
        TRY(config_read_activation(root, "activation_function", &c->activation, err));
    TRY(config_read_float(root, "layer_norm_epsilon", 0, 1, 1e-5, &c->layer_norm_eps, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(config_read_float(root, "attn_pdrop", 0, 0.999, 0.1, &c->attention_dropout, err));
    TRY(config_read_float(root, "resid_pdrop", 0, 0.999, 0.1, &c->hidden_dropout, err));
    TRY(config_read_float(root, "embd_pdrop", 0, 0.999, 0.1, &c->embedding_dropout, err));
    TRY(decoder_read_tagger(root, c, err));
    TRY(json_opt_bool(root, "scale_attn_weights", &is_scaled, err));
    c->attention_scale = is_scaled ? 0.0f : 1.0f;
    c->norm_bias = c->has_qkv_bias = c->is_tied = true;
    return json_opt_bool(root, "tie_word_embeddings", &c->is_tied, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "n_embd", c->hidden_size);
    json_member_u64(w, "n_layer", c->n_layers);
    json_member_u64(w, "n_head", c->n_heads);
    json_member_u64(w, "n_positions", c->max_positions);
    json_member_u64(w, "n_inner", c->intermediate_size);
    json_member_bool(w, "multi_query", c->n_kv_heads == 1);
    json_member_bool(w, "scale_attn_weights", c->attention_scale != 1.0f);
    json_member_cstr(w, "activation_function",
                     c->activation == ACTIVATION_GELU_TANH ? "gelu_pytorch_tanh"
                                                           : config_activation_name(c->activation));
    json_member_float(w, "layer_norm_epsilon", c->layer_norm_eps);
    json_member_float(w, "initializer_range", c->initializer_range);
    json_member_float(w, "attn_pdrop", c->attention_dropout);
    json_member_float(w, "resid_pdrop", c->hidden_dropout);
    json_member_float(w, "embd_pdrop", c->embedding_dropout);
    json_member_bool(w, "tie_word_embeddings", c->is_tied);
}

const Architecture architecture_gpt_bigcode = {
    .model_type = "gpt_bigcode",
    .summary = "GPT-BigCode, StarCoder: GPT-2 with one head of keys and values",
    .classes = {{"GPTBigCodeForCausalLM", HEAD_CAUSAL_LM},
                {"GPTBigCodeModel", HEAD_EMBEDDING},
                {"GPTBigCodeForSequenceClassification", HEAD_SEQUENCE},
                {"GPTBigCodeForTokenClassification", HEAD_TOKEN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
