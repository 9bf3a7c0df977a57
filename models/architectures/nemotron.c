// Nemotron, Arcee and Jais 2: Llama without a gate. ReLU's square stands between the two feed-forward layers; Nemotron has LayerNorms, whose
// weights are added to 1, and heads that turn in part.
//
//     a_i = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n),  n = norm(x_i)
//     x_{i+1} = a_i + W_down max(0, W_up m)^2,  m = norm(a_i)
//
// Sources: Parmar et al. 2024, arXiv:2402.16819, section 2; Transformers' modeling_arcee. Names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static const DecoderBlockNames names = {DECODER_LLAMA_LAYERS,
                                        .norms = {"input_layernorm", "post_attention_layernorm"},
                                        .qkv = {"q_proj", "k_proj", "v_proj"}, .up = "up_proj"};

static void record_nemotron(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_layer_norm,
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static void record_arcee(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const DecoderDefaults nemotron_defaults = {.theta = 10000,
                                                  .norm_epsilon = 1e-5,
                                                  .rotary_part = 0.5,
                                                  .norm_key = "norm_eps",
                                                  .activation_key = "hidden_act",
                                                  .activation = "relu2"};
static const DecoderDefaults arcee_defaults = {
    .theta = 10000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "relu2"};

static Status read_biases(const Json *root, bool missing, ModelConfig *c, Error *err)
{
    c->block.has_mlp_bias = missing;
    TRY(decoder_read_attention_bias(root, missing, c, err));
    return json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err);
}

static void write_biases(const ModelConfig *c, JsonWriter *w)
{
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
}

static const DecoderDefaults jais_defaults = {.theta = 10000,
                                              .norm_epsilon = 1e-5,
                                              .norm_key = "layer_norm_eps",
                                              .activation_key = "hidden_act",
                                              .activation = "relu2"};

static Status read_jais(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &jais_defaults, c, err));
    c->block.has_norm_bias = true;
    return read_biases(root, true, c, err);
}

static void write_jais(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &jais_defaults, w);
    write_biases(c, w);
}

static Status read_nemotron(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &nemotron_defaults, c, err));
    c->block.has_norm_bias = true;
    c->norm_weight_offset = 1.0f;
    return read_biases(root, false, c, err);
}

static void write_nemotron(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &nemotron_defaults, w);
    write_biases(c, w);
}

static Status read_arcee(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &arcee_defaults, c, err));
    return read_biases(root, false, c, err);
}

static void write_arcee(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &arcee_defaults, w);
    write_biases(c, w);
}

const Architecture architecture_nemotron = {
    .model_type = "nemotron",
    .summary = "Nemotron 3 and 4, Minitron: squared ReLU, heads that turn in part",
    .classes = {DECODER_CLASSES("Nemotron"),
                {"NemotronForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_nemotron,
    .write_config = write_nemotron,
    .record = record_nemotron,
};

const Architecture architecture_arcee = {
    .model_type = "arcee",
    .summary = "Arcee AFM: Llama with a squared ReLU in the gate's place",
    .classes = {DECODER_CLASSES("Arcee"), {"ArceeForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_arcee,
    .write_config = write_arcee,
    .record = record_arcee,
};

const Architecture architecture_jais2 = {
    .model_type = "jais2",
    .summary = "Jais 2: Nemotron with biases, whose norms' weights stand alone",
    .classes = {{"Jais2ForCausalLM", HEAD_CAUSAL_LM}, {"Jais2Model", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_jais,
    .write_config = write_jais,
    .record = record_nemotron,
};
