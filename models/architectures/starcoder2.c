// StarCoder 2: a decoder of pre-norm blocks with rotary positions, shared key heads and a window.
//
//     a_i = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 LayerNorm(a_i))
//
// Source: Lozhkov et al. 2024, arXiv:2402.19173, section 5.1; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    static const char *const names[3] = {"q_proj", "k_proj", "v_proj"};
    const size_t h = c->hidden_size;
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value n = decoder_layer_norm(t, c, x, "input_layernorm");
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, decoder_qkv(t, c, names), n);
    const Value out = decoder_linear(t, mixed, "o_proj", h, c->has_output_bias, ACTIVATION_NONE);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), tape_dropout(t, out, c->hidden_dropout));

    tape_prefix(t, "model.layers.%zu.", i);
    const Value m = decoder_layer_norm(t, c, a, "post_attention_layernorm");
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    const Value inner =
        decoder_linear(t, m, "c_fc", c->intermediate_size, c->has_mlp_bias, c->activation);
    const Value outer = decoder_linear(t, inner, "c_proj", h, c->has_mlp_bias, ACTIVATION_NONE);
    return tape_add(t, a, tape_dropout(t, outer, c->hidden_dropout));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "model.",
                                       .words = "embed_tokens",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "norm"};
    decoder_record(t, c, &frame, block);
}

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1e-5,
                                         .is_tied = true,
                                         .norm_key = "norm_epsilon",
                                         .activation_key = "hidden_act",
                                         .activation = "gelu_pytorch_tanh"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool has_bias = true;
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(json_opt_bool(root, "use_bias", &has_bias, err));
    TRY(config_read_float(root, "residual_dropout", 0, 0.999, 0, &c->hidden_dropout, err));
    TRY(config_read_float(root, "embedding_dropout", 0, 0.999, 0, &c->embedding_dropout, err));
    c->has_qkv_bias = c->has_output_bias = c->has_mlp_bias = has_bias;
    c->norm_bias = true;
    return decoder_read_window(root, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "use_bias", c->has_qkv_bias);
    json_member_float(w, "residual_dropout", c->hidden_dropout);
    json_member_float(w, "embedding_dropout", c->embedding_dropout);
}

const Architecture architecture_starcoder2 = {
    .model_type = "starcoder2",
    .summary = "StarCoder 2: LayerNorms, biases, rotations and a window",
    .classes = {{"Starcoder2ForCausalLM", HEAD_CAUSAL_LM},
                {"Starcoder2Model", HEAD_EMBEDDING},
                {"Starcoder2ForSequenceClassification", HEAD_SEQUENCE},
                {"Starcoder2ForTokenClassification", HEAD_TOKEN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
