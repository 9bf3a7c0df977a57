// OLMo: Llama with LayerNorms that have no weights, and queries, keys and values that are kept within a number of config.json.
//
//     a_i = x_i + W_o attention(rope(clip(W_q n)), rope(clip(W_k n)), clip(W_v n)),  n = (x_i - mean) / sqrt(var + 1e-5)
//     x_{i+1} = a_i + W_down (silu(W_gate m) * W_up m),  m likewise of a_i
//
// Source: Groeneveld et al. 2024, arXiv:2402.00838, section 2.1; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static const DecoderBlockNames names = {
    DECODER_LLAMA_LAYERS, .norms = {"input_layernorm", "post_attention_layernorm"},
    .qkv = {"q_proj", "k_proj", "v_proj"}, .gate = "gate_proj", .up = "up_proj"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_bare_norm,
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const DecoderDefaults defaults = {
    .theta = 10000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "silu"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->layer_norm_eps = 1e-5f; // whatever config.json says, as in Transformers
    return decoder_read_cap(root, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    decoder_write_cap(c, w);
    decoder_write_pad(c, w);
}

const Architecture architecture_olmo = {
    .model_type = "olmo",
    .summary = "OLMo 1: Llama with norms that have no weights",
    .classes = {{"OlmoForCausalLM", HEAD_CAUSAL_LM},
                {"OlmoModel", HEAD_EMBEDDING},
                {"OlmoForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
