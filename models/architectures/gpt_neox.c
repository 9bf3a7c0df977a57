// GPT-NeoX, and so Pythia: a decoder whose two layers of a block read the same hidden state, with rotations of a part of
// each head.
//
//     x_{i+1} = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n) + W_2 gelu(W_1 m),  n = LayerNorm(x_i)
//     m = LayerNorm(x_i), or without the parallel residual of what attention made of x_i
//
// Sources: Black et al. 2022, arXiv:2204.06745; Biderman et al. 2023, arXiv:2304.01373. Names of tensors as in Transformers; queries,
// keys and values are one tensor, head by head.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    const size_t h = c->hidden_size;
    tape_group(t, 1 + i);
    tape_prefix(t, "gpt_neox.layers.%zu.", i);
    const Value n = decoder_layer_norm(t, c, x, "input_layernorm");
    tape_prefix(t, "gpt_neox.layers.%zu.attention.", i);
    const Dense qkv = decoder_fused_qkv(t, c, "query_key_value", c->n_heads);
    const Value mixed = decoder_attention(t, c, i, ropes, qkv, n);
    const Value out = decoder_linear(t, mixed, "dense", h, c->has_output_bias, ACTIVATION_NONE);
    const Value rows = decoder_rows(t, c, i, x);
    const Value a = tape_add(t, rows, tape_dropout(t, out, c->hidden_dropout));

    tape_prefix(t, "gpt_neox.layers.%zu.", i);
    const Value m = decoder_layer_norm(t, c, c->is_parallel ? rows : a, "post_attention_layernorm");
    tape_prefix(t, "gpt_neox.layers.%zu.mlp.", i);
    const Value inner =
        decoder_linear(t, m, "dense_h_to_4h", c->intermediate_size, true, c->activation);
    const Value outer = decoder_linear(t, inner, "dense_4h_to_h", h, true, ACTIVATION_NONE);
    return tape_add(t, a, tape_dropout(t, outer, c->hidden_dropout));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "gpt_neox.",
                                       .words = "embed_in",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "final_layer_norm",
                                       .output = "embed_out"};
    decoder_record(t, c, &frame, block);
}

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1e-5,
                                         .rotary_part = 0.25,
                                         .norm_key = "layer_norm_eps",
                                         .theta_key = "rotary_emb_base",
                                         .rotary_part_key = "rotary_pct",
                                         .activation_key = "hidden_act",
                                         .activation = "gelu"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(config_read_float(root, "hidden_dropout", 0, 0.999, 0, &c->hidden_dropout, err));
    TRY(decoder_read_attention_bias(root, true, c, err));
    c->norm_bias = c->is_parallel = true;
    c->embedding_dropout = c->hidden_dropout;
    return json_opt_bool(root, "use_parallel_residual", &c->is_parallel, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_float(w, "hidden_dropout", c->hidden_dropout);
    json_member_bool(w, "attention_bias", c->has_qkv_bias);
    json_member_bool(w, "use_parallel_residual", c->is_parallel);
}

const Architecture architecture_gpt_neox = {
    .model_type = "gpt_neox",
    .summary = "GPT-NeoX and Pythia: parallel layers, heads that turn in part",
    .classes = {{"GPTNeoXForCausalLM", HEAD_CAUSAL_LM},
                {"GPTNeoXModel", HEAD_EMBEDDING},
                {"GPTNeoXForSequenceClassification", HEAD_SEQUENCE},
                {"GPTNeoXForTokenClassification", HEAD_TOKEN},
                {"GPTNeoXForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "gpt_neox.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
