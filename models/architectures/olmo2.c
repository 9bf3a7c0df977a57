// OLMo 2: a decoder whose layers are normed behind them, not before, and whose queries and keys are normed over all heads.
//
//     a_i = x_i + RMSNorm(W_o attention(rope(RMSNorm(W_q x_i)), rope(RMSNorm(W_k x_i)), W_v x_i))
//     x_{i+1} = a_i + RMSNorm(W_down (silu(W_gate a_i) * W_up a_i))
//
// EXAONE 4 norms each head by itself, has windows, and turns in the layers with one alone (LG AI Research 2025, arXiv:2507.11407).
// FlexOlmo has experts in the gated layer's place (Shi et al. 2025, arXiv:2507.07024). OLMo 3 has a window in three layers of four,
// whose rotations are not scaled. Source: OLMo Team 2024, arXiv:2501.00656, section 2; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"

static Value feed_forward(Tape *t, const ModelConfig *c, size_t i, Value x)
{
    const DensePart gates[] = {{"gate_proj", c->intermediate_size},
                               {"up_proj", c->intermediate_size}};
    if (experts_are_in(c, i)) return experts_layer(t, c, i, x);
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    const Dense gate_up = tape_dense_parts(t, gates, 2, c->hidden_size, DENSE_NO_BIAS);
    return decoder_linear(t, decoder_gate(t, c, gate_up, x), "down_proj", c->hidden_size, false,
                          ACTIVATION_NONE);
}

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    static const char *const names[3] = {"q_proj", "k_proj", "v_proj"};
    const size_t h = c->hidden_size;
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, decoder_qkv(t, c, names), x);
    const Value out =
        decoder_linear(t, mixed, "o_proj", h, c->attention.has_output_bias, ACTIVATION_NONE);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value a =
        tape_add(t, decoder_rows(t, c, i, x), decoder_norm(t, c, out, "post_attention_layernorm"));

    const Value outer = feed_forward(t, c, i, a);
    tape_prefix(t, "model.layers.%zu.", i);
    return tape_add(t, a, decoder_norm(t, c, outer, "post_feedforward_layernorm"));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm};
    decoder_record(t, c, &frame, block);
}

static const DecoderDefaults defaults = {
    .theta = 10000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "silu"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->attention.has_head_norms = c->attention.norms_all_heads = true;
    return STATUS_OK;
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
}

const Architecture architecture_olmo2 = {
    .model_type = "olmo2",
    .summary = "OLMo 2: norms behind the layers, and of all queries and keys",
    .classes = {{"Olmo2ForCausalLM", HEAD_CAUSAL_LM},
                {"Olmo2Model", HEAD_EMBEDDING},
                {"Olmo2ForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};

// ---- OLMo 3 ----

static const DecoderDefaults third_defaults = {
    .theta = 500000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "silu"};

static Status read_third(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &third_defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->attention.has_head_norms = c->attention.norms_all_heads = true;
    TRY(decoder_read_two_ropes(arena, root, third_defaults.theta, third_defaults.theta,
                               "rope_theta", c, err));
    TRY(decoder_read_window_or(root, 4096, c, err));
    return decoder_read_layer_types(arena, root, 4, c, err);
}

const Architecture architecture_olmo3 = {
    .model_type = "olmo3",
    .summary = "OLMo 3: OLMo 2 with windows",
    .classes = {{"Olmo3ForCausalLM", HEAD_CAUSAL_LM},
                {"Olmo3Model", HEAD_EMBEDDING},
                {"Olmo3ForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_third,
    .write_config = write_config,
    .record = record,
};

// ---- FlexOlmo ----

static const DecoderDefaults flex_defaults = {
    .theta = 500000, .norm_epsilon = 1e-6, .activation_key = "hidden_act", .activation = "silu"};
static const ExpertKeys flex_keys = {.names = &experts_of_mlp,
                                     .count = "num_experts",
                                     .other_count = "num_local_experts",
                                     .n_experts = 7,
                                     .n_active = 5,
                                     .normalizes = "norm_topk_prob"};

static Status read_flex(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &flex_defaults, c, err));
    TRY(experts_read(root, &flex_keys, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->attention.has_head_norms = c->attention.norms_all_heads = true;
    return STATUS_OK;
}

static void write_flex(const ModelConfig *c, JsonWriter *w)
{
    write_config(c, w);
    experts_write(c, &flex_keys, w);
}

const Architecture architecture_flex_olmo = {
    .model_type = "flex_olmo",
    .summary = "FlexOlmo: OLMo 2 with experts",
    .classes = {{"FlexOlmoForCausalLM", HEAD_CAUSAL_LM}, {"FlexOlmoModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_flex,
    .write_config = write_flex,
    .record = record,
};

// ---- EXAONE 4 ----

static const DecoderDefaults exaone_defaults = {
    .theta = 10000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "silu"};

// Where there is a window, the layers without one do not turn.
static Status read_exaone(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    int64_t pattern = 4;
    bool *unrotated = NULL;
    TRY(decoder_read(arena, root, &exaone_defaults, c, err));
    c->attention.has_head_norms = true;
    TRY(decoder_read_window_or(root, 4096, c, err));
    if (c->attention.window == 0) return STATUS_OK;
    if (!config_has(root, "layer_types"))
        TRY(json_opt_i64(root, "sliding_window_pattern", 1, 1 << 20, &pattern, err));
    TRY(decoder_read_layer_types(arena, root, (size_t)pattern, c, err));
    TRY(arena_take(arena, c->n_layers, sizeof *unrotated, "layers", &unrotated, err));
    for (size_t i = 0; i < c->n_layers; i++) unrotated[i] = !c->attention.is_local[i];
    c->rotary.skips = unrotated;
    return STATUS_OK;
}

static void write_exaone(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &exaone_defaults, w);
}

const Architecture architecture_exaone4 = {
    .model_type = "exaone4",
    .summary = "EXAONE 4: norms behind the layers and of heads, windows",
    .classes = {DECODER_CLASSES("Exaone4"),
                {"Exaone4ForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_exaone,
    .write_config = write_exaone,
    .record = record,
};
