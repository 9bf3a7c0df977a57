// Cohere's Command R: a decoder whose two layers of a block read the same normed state; rotations are of neighbouring columns,
// and logits are multiplied by a number.
//
//     x_{i+1} = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n) + W_down (silu(W_gate n) * W_up n),  n = LayerNorm(x_i)
//
// Norms have no bias. Command R7B and A (cohere2) have a window in three layers of four, and turn in these alone. Source: Transformers'
// modeling_cohere and modeling_cohere2, whose names the tensors have.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static const DecoderBlockNames names = {DECODER_LLAMA_LAYERS, .norms = {"input_layernorm"},
                                        .qkv = {"q_proj", "k_proj", "v_proj"}, .gate = "gate_proj",
                                        .up = "up_proj"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_layer_norm,
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const DecoderDefaults defaults = {.theta = 500000,
                                         .norm_epsilon = 1e-5,
                                         .is_tied = true,
                                         .norm_key = "layer_norm_eps",
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};

static Status read_over(Arena *arena, const Json *root, double theta, ModelConfig *c, Error *err)
{
    DecoderDefaults usual = defaults;
    usual.theta = theta;
    TRY(decoder_read(arena, root, &usual, c, err));
    TRY(json_opt_bool(root, "use_qk_norm", &c->attention.has_head_norms, err));
    c->attention.head_norm = HEAD_NORM_LAYER_EACH;
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->rotary.in_pairs = true;
    return config_read_float(root, "logit_scale", 1e-9, 1e9, 0.0625, &c->output.scale, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    return read_over(arena, root, defaults.theta, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "use_qk_norm", c->attention.has_head_norms);
    json_member_float(w, "logit_scale", c->output.scale);
}

// Layers with a window turn, the others do not.
static Status read_second(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    int64_t pattern = 4;
    bool *unrotated = NULL;
    TRY(read_over(arena, root, 10000, c, err));
    TRY(json_opt_i64(root, "sliding_window_pattern", 1, 1 << 20, &pattern, err));
    TRY(decoder_read_layer_types(arena, root, (size_t)pattern, c, err));
    c->attention.window = 4096;
    if (json_get(root, "sliding_window"))
        TRY(config_read_size(root, "sliding_window", &c->attention.window, err));
    TRY(arena_take(arena, c->n_layers, sizeof *unrotated, "layers", &unrotated, err));
    for (size_t i = 0; i < c->n_layers; i++) unrotated[i] = !c->attention.is_local[i];
    c->rotary.skips = unrotated;
    return STATUS_OK;
}

const Architecture architecture_cohere = {
    .model_type = "cohere",
    .summary = "Command R: parallel layers, rotations of neighbouring columns",
    .classes = {{"CohereForCausalLM", HEAD_CAUSAL_LM}, {"CohereModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};

const Architecture architecture_cohere2 = {
    .model_type = "cohere2",
    .summary = "Command R7B and A: Command R with windows",
    .classes = {{"Cohere2ForCausalLM", HEAD_CAUSAL_LM}, {"Cohere2Model", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_second,
    .write_config = write_config,
    .record = record,
};
