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
#include "models/architectures/gpt_config.h"

static const DecoderBlockNames names = {.blocks = "transformer.h.",
                                        .norms = {"ln_1", "ln_2"},
                                        .attention = "attn.",
                                        .qkv = {"c_attn"},
                                        .output = "c_proj",
                                        .feed_forward = "mlp.",
                                        .up = "c_fc",
                                        .down = "c_proj"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_GPT_FRAME, .positions = "wpe",
                                       .norm = decoder_layer_norm, .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const GptMembers members = {GPT_MEMBERS, .dropout = 0.1, .is_tied = true,
                                   .gelu = "gelu_pytorch_tanh"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool is_shared = true;
    (void)arena;
    TRY(gpt_read(root, &members, c, err));
    TRY(gpt_read_scaling(root, c, err));
    TRY(decoder_read_tagger(root, c, err));
    TRY(json_opt_bool(root, "multi_query", &is_shared, err));
    if (is_shared) c->n_kv_heads = 1;
    c->block.has_norm_bias = c->attention.has_qkv_bias = c->attention.has_output_bias =
        c->block.has_mlp_bias = true;
    return STATUS_OK;
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    gpt_write(c, &members, w);
    json_member_bool(w, "multi_query", c->n_kv_heads == 1);
    json_member_bool(w, "scale_attn_weights", c->attention.scale != 1.0f);
}

const Architecture architecture_gpt_bigcode = {
    .model_type = "gpt_bigcode",
    .summary = "GPT-BigCode, StarCoder: GPT-2 with one head of keys and values",
    .classes = {DECODER_CLASSES("GPTBigCode")},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
