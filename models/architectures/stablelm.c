// StableLM: Llama with LayerNorms, heads that turn in part, and in some sizes layers that read the same hidden state.
//
//     x_{i+1} = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n) + W_down (silu(W_gate m) * W_up m),  n = LayerNorm(x_i)
//     m = n, or without the parallel residual LayerNorm of what attention made of x_i
//
// Source: Bellagente et al. 2024, arXiv:2402.17834, section 3.1; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    static const char *const names[3] = {"q_proj", "k_proj", "v_proj"};
    const size_t h = c->hidden_size, n_inner = c->intermediate_size;
    const DensePart gates[] = {{"gate_proj", n_inner}, {"up_proj", n_inner}};
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value n = decoder_layer_norm(t, c, x, "input_layernorm");
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, decoder_qkv(t, c, names), n);
    const Value out = decoder_linear(t, mixed, "o_proj", h, false, ACTIVATION_NONE);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), out);

    tape_prefix(t, "model.layers.%zu.", i);
    const Value m = c->block.is_parallel ? decoder_rows(t, c, i, n)
                                         : decoder_layer_norm(t, c, a, "post_attention_layernorm");
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    const Value inner = decoder_gate(t, c, tape_dense_parts(t, gates, 2, h, DENSE_NO_BIAS), m);
    const Value outer = decoder_linear(t, inner, "down_proj", h, false, ACTIVATION_NONE);
    return tape_add(t, a, tape_dropout(t, outer, c->dropout.hidden));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_layer_norm};
    decoder_record(t, c, &frame, block);
}

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1e-5,
                                         .rotary_part = 0.25,
                                         .norm_key = "layer_norm_eps",
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(json_opt_bool(root, "qk_layernorm", &c->attention.has_head_norms, err));
    c->attention.head_norm = HEAD_NORM_LAYER_OWN;
    TRY(json_opt_bool(root, "use_qkv_bias", &c->attention.has_qkv_bias, err));
    TRY(config_read_float(root, "hidden_dropout", 0, 0.999, 0, &c->dropout.hidden, err));
    c->block.has_norm_bias = true;
    return json_opt_bool(root, "use_parallel_residual", &c->block.is_parallel, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "use_qkv_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "qk_layernorm", c->attention.has_head_norms);
    json_member_bool(w, "use_parallel_residual", c->block.is_parallel);
    json_member_float(w, "hidden_dropout", c->dropout.hidden);
}

const Architecture architecture_stablelm = {
    .model_type = "stablelm",
    .summary = "StableLM: LayerNorms, gated layers, heads that turn in part",
    .classes = {DECODER_CLASSES("StableLm")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
