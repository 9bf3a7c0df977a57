// GPT-J: a decoder whose two layers of a block read the same normed state, with rotations of neighbouring columns in a part
// of each head.
//
//     x_{i+1} = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n) + W_2 gelu(W_1 n),  n = LayerNorm(x_i)
//
// Source: Wang & Komatsuzaki 2021, "GPT-J-6B: A 6 Billion Parameter Autoregressive Language Model"; names of tensors as in
// Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/gpt_config.h"

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    static const char *const names[3] = {"q_proj", "k_proj", "v_proj"};
    const size_t h = c->hidden_size;
    tape_group(t, 1 + i);
    tape_prefix(t, "transformer.h.%zu.", i);
    const Value n = decoder_layer_norm(t, c, x, "ln_1");
    tape_prefix(t, "transformer.h.%zu.attn.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, decoder_qkv(t, c, names), n);
    const Value out = decoder_linear(t, mixed, "out_proj", h, false, ACTIVATION_NONE);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), tape_dropout(t, out, c->hidden_dropout));

    tape_prefix(t, "transformer.h.%zu.mlp.", i);
    const Value inner = decoder_linear(t, decoder_rows(t, c, i, n), "fc_in", c->intermediate_size,
                                       true, c->activation);
    const Value outer = decoder_linear(t, inner, "fc_out", h, true, ACTIVATION_NONE);
    return tape_add(t, a, tape_dropout(t, outer, c->hidden_dropout));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {
        .prefix = "transformer.", .words = "wte", .norm = decoder_layer_norm, .last_norm = "ln_f"};
    decoder_record(t, c, &frame, block);
}

static const GptMembers members = {GPT_MEMBERS, .gelu = "gelu_new"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    (void)arena;
    TRY(gpt_read(root, &members, c, err));
    c->rope.theta = 10000;
    c->norm_bias = c->has_logit_bias = c->rotates_pairs = true;
    c->rotary_dims = 64;
    if (json_get(root, "rotary_dim"))
        TRY(config_read_size(root, "rotary_dim", &c->rotary_dims, err));
    if (c->rotary_dims % 2 == 0 && c->rotary_dims <= c->head_dim) return STATUS_OK;
    return json_error(root, err,
                      "rotary_dim %zu of %zu columns of a head: it must be even, and fit",
                      c->rotary_dims, c->head_dim);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    gpt_write(c, &members, w);
    json_member_u64(w, "rotary_dim", c->rotary_dims);
}

const Architecture architecture_gptj = {
    .model_type = "gptj",
    .summary = "GPT-J: parallel layers, rotations of neighbouring columns",
    .classes = {{"GPTJForCausalLM", HEAD_CAUSAL_LM},
                {"GPTJModel", HEAD_EMBEDDING},
                {"GPTJForSequenceClassification", HEAD_SEQUENCE},
                {"GPTJForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
