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

static const DecoderBlockNames names = {.blocks = "transformer.h.",
                                        .norms = {"ln_1"},
                                        .attention = "attn.",
                                        .qkv = {"q_proj", "k_proj", "v_proj"},
                                        .output = "out_proj",
                                        .feed_forward = "mlp.",
                                        .up = "fc_in",
                                        .down = "fc_out"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "transformer.",
                                       .words = "wte",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "ln_f",
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const GptMembers members = {GPT_MEMBERS, .gelu = "gelu_new"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    (void)arena;
    TRY(gpt_read(root, &members, c, err));
    c->rope.theta = 10000;
    c->norm_bias = c->has_mlp_bias = c->has_logit_bias = c->rotates_pairs = true;
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
