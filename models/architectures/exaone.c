// EXAONE 3 and 3.5: Llama (llama.c) with GPT-2's names.
//
// Source: LG AI Research 2024, arXiv:2408.03541, section 2; names of tensors as in its files, which Transformers reads as Llama's.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {.blocks = "transformer.h.",
                                            .norms = {"ln_1", "ln_2"},
                                            .attention = "attn.attention.",
                                            .qkv = {"q_proj", "k_proj", "v_proj"},
                                            .output = "out_proj",
                                            .feed_forward = "mlp.",
                                            .gate = "c_fc_0",
                                            .up = "c_fc_1",
                                            .down = "c_proj"};
    static const DecoderFrame frame = {DECODER_GPT_FRAME, .norm = decoder_norm, .names = &names};
    decoder_record(t, c, &frame, NULL);
}

// ---- config.json: in the spelling of its files (num_layers, layer_norm_epsilon, activation_function) and in Llama's ----

static DecoderDefaults defaults_of(bool is_first)
{
    return (DecoderDefaults){.theta = 500000,
                             .norm_epsilon = 1e-5,
                             .layers_key = "num_layers",
                             .norm_key = is_first ? "layer_norm_epsilon" : NULL,
                             .activation_key = is_first ? "activation_function" : "hidden_act",
                             .activation = "silu"};
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const DecoderDefaults defaults = defaults_of(config_has(root, "num_layers"));
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    return json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    const DecoderDefaults defaults = defaults_of(false);
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
    decoder_write_pad(c, w);
}

const Architecture architecture_exaone = {
    .model_type = "exaone",
    .summary = "EXAONE 3 and 3.5: Llama with GPT-2's names",
    .classes = {{"ExaoneForCausalLM", HEAD_CAUSAL_LM}, {"ExaoneModel", HEAD_EMBEDDING}},
    .base_prefix = "transformer.",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
