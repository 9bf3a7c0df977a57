// nanochat: Llama's blocks with norms that have no weights, one of them on the embeddings, rotations by negative angles before the
// norms of heads, and squared ReLUs.
//
// Source: Karpathy 2025, github.com/karpathy/nanochat, nanochat/gpt.py; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static Value norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    (void)name;
    return tape_rms_norm_of(t, x, tape_ones(t, c->hidden_size),
                            (NormArgs){.epsilon = c->layer_norm_eps});
}

static Value embed(Tape *t, const ModelConfig *c, ParamId *table)
{
    return norm(t, c, decoder_embedding(t, c, "embed_tokens", table), "");
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {.blocks = "model.layers.",
                                            .norms = {"", ""},
                                            .attention = "self_attn.",
                                            .qkv = {"q_proj", "k_proj", "v_proj"},
                                            .output = "o_proj",
                                            .feed_forward = "mlp.",
                                            .up = "fc1",
                                            .down = "fc2"};
    static const DecoderFrame frame = {
        .prefix = "model.", .embed = embed, .norm = norm, .last_norm = "", .names = &names};
    decoder_record(t, c, &frame, NULL);
}

// ---- config.json ----

static const DecoderDefaults defaults = {
    .theta = 10000, .norm_epsilon = 1e-6, .activation_key = "hidden_act", .activation = "relu2"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const Json *cap = json_get(root, "final_logit_softcapping");
    double logits = cap && json_kind(cap) == JSON_NULL ? 0 : 15;
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    if (logits > 0) TRY(json_opt_double(root, "final_logit_softcapping", 0, 1e9, &logits, err));
    c->output.soft_cap = (float)logits;
    c->attention.has_head_norms = true;
    c->attention.head_norm = HEAD_NORM_RMS_BARE;
    if (c->rotary.rope.kind == ROPE_DYNAMIC)
        return json_error(decoder_rope_parameters(root), err, "\"dynamic\" is not supported here");
    c->rotary.rope.is_backward = true;
    return STATUS_OK;
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_put_key(w, "final_logit_softcapping");
    if (c->output.soft_cap > 0)
        json_put_float(w, c->output.soft_cap);
    else
        json_put_null(w);
    decoder_write_pad(c, w);
}

const Architecture architecture_nanochat = {
    .model_type = "nanochat",
    .summary = "nanochat: Llama whose norms have no weights",
    .classes = {{"NanoChatForCausalLM", HEAD_CAUSAL_LM}, {"NanoChatModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
