// GPT-J: a decoder whose two layers of a block read the same normed state, with rotations of neighbouring columns in a part
// of each head.
//
//     x_{i+1} = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n) + W_2 gelu(W_1 n),  n = LayerNorm(x_i)
//
// CodeGen has the same with queries, keys and values in one tensor, shard by shard, as the four machines of its training had them.
//
// Sources: Wang & Komatsuzaki 2021, "GPT-J-6B: A 6 Billion Parameter Autoregressive Language Model"; Nijkamp et
// al. 2023, arXiv:2203.13474. Names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/gpt_config.h"

#define LAYERS                                                                                 \
    .blocks = "transformer.h.", .norms = {"ln_1"}, .attention = "attn.", .output = "out_proj", \
    .feed_forward = "mlp.", .up = "fc_in", .down = "fc_out"

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {LAYERS, .qkv = {"q_proj", "k_proj", "v_proj"}};
    static const DecoderFrame frame = {DECODER_GPT_FRAME, .norm = decoder_layer_norm,
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

enum { N_SHARDS = 4 };

static Value sharded_attention(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    const DensePart part = {"qkv_proj", 3 * c->hidden_size};
    const RowOrder order = {
        .head_dim = c->head_dim, .n_turned = c->rotary.dims, .n_shards = N_SHARDS};
    const Dense qkv = tape_dense_parts(t, &part, 1, c->hidden_size, DENSE_NO_BIAS);
    tape_row_order(t, qkv, 0, order);
    return decoder_attention(t, c, i, ropes, qkv, x);
}

static void codegen_record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {LAYERS, .attend = sharded_attention};
    static const DecoderFrame frame = {DECODER_GPT_FRAME, .norm = decoder_layer_norm,
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const GptMembers members = {GPT_MEMBERS, .gelu = "gelu_new"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    (void)arena;
    TRY(gpt_read(root, &members, c, err));
    c->rotary.rope.theta = 10000;
    c->block.has_norm_bias = c->block.has_mlp_bias = c->output.has_bias = c->rotary.in_pairs = true;
    c->rotary.dims = 64;
    if (json_get(root, "rotary_dim"))
        TRY(config_read_size(root, "rotary_dim", &c->rotary.dims, err));
    if (c->rotary.dims % 2 == 0 && c->rotary.dims <= c->head_dim) return STATUS_OK;
    return json_error(root, err,
                      "rotary_dim %zu of %zu columns of a head: it must be even, and fit",
                      c->rotary.dims, c->head_dim);
}

static Status codegen_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(read_config(arena, root, c, err));
    if (c->n_heads % N_SHARDS == 0) return STATUS_OK;
    return json_error(json_get(root, "n_head"), err, "CodeGen's heads come in %d groups: found %zu",
                      N_SHARDS, c->n_heads);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    gpt_write(c, &members, w);
    json_member_u64(w, "rotary_dim", c->rotary.dims);
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

const Architecture architecture_codegen = {
    .model_type = "codegen",
    .summary = "CodeGen: GPT-J with queries, keys and values in one tensor",
    .classes = {{"CodeGenForCausalLM", HEAD_CAUSAL_LM}, {"CodeGenModel", HEAD_EMBEDDING}},
    .base_prefix = "transformer.",
    .read_config = codegen_read,
    .write_config = write_config,
    .record = codegen_record,
};
