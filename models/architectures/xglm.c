// XGLM: a decoder of pre-norm blocks on words times sqrt(hidden_size) plus sinusoids, which are computed.
//
//     x_0 = sqrt(H) word[ids] + sinusoid[2..]
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 LayerNorm(a_i))
//
// Source: Lin et al. 2022, arXiv:2112.10668, section 2.2; names of tensors as in Transformers.
#include <math.h>

#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/config_read.h"

enum { FIRST_POSITION = 2 }; // rows of the table before the first position's
static const float NORM_EPSILON = 1e-5f;

static Value embed(Tape *t, const ModelConfig *c, ParamId *table)
{
    const Value words = decoder_embedding(t, c, "embed_tokens", table);
    const ParamId positions =
        tape_wide_sinusoids(t, c->max_positions + FIRST_POSITION, c->hidden_size, c->pad_id, 1.0f);
    const Value sum = tape_add(t, words, tape_positions(t, positions, FIRST_POSITION));
    return tape_dropout(t, sum, c->dropout.hidden);
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {.blocks = "model.layers.",
                                            .norms = {"self_attn_layer_norm", "final_layer_norm"},
                                            .attention = "self_attn.",
                                            .qkv = {"q_proj", "k_proj", "v_proj"},
                                            .output = "out_proj",
                                            .feed_forward = "",
                                            .up = "fc1",
                                            .down = "fc2"};
    static const DecoderFrame frame = {.prefix = "model.",
                                       .embed = embed,
                                       .norm = decoder_layer_norm,
                                       .last_norm = "layer_norm",
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

// ---- config.json ----

static Status read_sizes(const Json *root, ModelConfig *c, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "d_model", &c->hidden_size, err));
    TRY(config_read_size(root, "num_layers", &c->n_layers, err));
    TRY(config_read_size(root, "attention_heads", &c->n_heads, err));
    TRY(config_read_size(root, "ffn_dim", &c->intermediate_size, err));
    TRY(config_read_size(root, "max_position_embeddings", &c->max_positions, err));
    if (c->hidden_size < 4)
        return json_error(json_get(root, "d_model"), err, "sinusoids want at least 4 columns");
    return config_split_heads(root, "d_model", c, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool is_scaled = true;
    (void)arena;
    TRY(read_sizes(root, c, err));
    TRY(config_want_number(root, "activation_dropout", 0, err));
    TRY(config_read_activation(root, "activation_function", &c->activation, err));
    TRY(config_read_float(root, "dropout", 0, 0.999, 0.1, &c->dropout.hidden, err));
    TRY(config_read_float(root, "attention_dropout", 0, 0.999, 0.1, &c->dropout.attention, err));
    TRY(config_read_float(root, "init_std", 0, 100, 0.02, &c->initializer_range, err));
    TRY(json_opt_bool(root, "scale_embedding", &is_scaled, err));
    c->embedding_scale = is_scaled ? sqrtf((float)c->hidden_size) : 1.0f;
    c->attention.has_qkv_bias = c->attention.has_output_bias = c->block.has_mlp_bias = true;
    c->block.has_norm_bias = c->output.is_tied = true;
    c->layer_norm_eps = NORM_EPSILON;
    if (!json_get(root, "pad_token_id") && c->vocab_size > 1) c->pad_id = 1;
    return json_opt_bool(root, "tie_word_embeddings", &c->output.is_tied, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "d_model", c->hidden_size);
    json_member_u64(w, "num_layers", c->n_layers);
    json_member_u64(w, "attention_heads", c->n_heads);
    json_member_u64(w, "ffn_dim", c->intermediate_size);
    json_member_u64(w, "max_position_embeddings", c->max_positions);
    json_member_cstr(w, "activation_function", config_activation_name(c->activation));
    json_member_float(w, "dropout", c->dropout.hidden);
    json_member_float(w, "attention_dropout", c->dropout.attention);
    json_member_float(w, "init_std", c->initializer_range);
    json_member_bool(w, "scale_embedding", c->embedding_scale != 1.0f);
    json_member_bool(w, "tie_word_embeddings", c->output.is_tied);
}

const Architecture architecture_xglm = {
    .model_type = "xglm",
    .summary = "XGLM: sinusoids, norms before the layers",
    .classes = {{"XGLMForCausalLM", HEAD_CAUSAL_LM}, {"XGLMModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
